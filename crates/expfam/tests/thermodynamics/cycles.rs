//! Carnot, Otto, Stirling.

use ergodic_core::ExponentialFamily;

use super::*;

#[track_caller]
fn closes(cycle: &Cycle) {
    // Energy and entropy come back, and the next stroke starts where the last has ended.
    let strokes = cycle.strokes();
    for (i, s) in strokes.iter().enumerate() {
        let next = &strokes[(i + 1) % strokes.len()];
        assert_eq!(s.end(), next.start());
        assert!(s.entropy_production() >= -1e-12, "{s:?}");
    }
    let size: f64 = strokes
        .iter()
        .map(|s| s.start().energy().abs() + s.heat().abs())
        .sum();
    let heat: f64 = strokes.iter().map(Stroke::heat).sum();
    close(cycle.work() + heat, 0.0, 1e-13 * size.max(1.0));
    close(
        cycle.heat_from_hot() + cycle.heat_from_cold(),
        heat,
        1e-13 * size.max(1.0),
    );
    let entropy: f64 = strokes
        .iter()
        .map(|s| s.end().entropy() - s.start().entropy())
        .sum();
    close(entropy, 0.0, 1e-13);
}

#[test]
fn carnots_efficiency_is_that_of_the_temperatures_on_every_system() {
    let well = Landscape::new(-6.0, 6.0, 640, 1, |x, a| {
        a[0] = 0.5 * x * x;
        0.25 * x.powi(4)
    })
    .unwrap();
    let systems: [(&dyn System, f64, f64); 5] = [
        (&Trap::overdamped(1).unwrap(), 4.0, 1.0),
        (&Trap::with_momenta(2).unwrap(), 1.0, 3.0),
        (&IdealGas::new(1000.0, 5.0).unwrap(), 1.0, 2.0),
        (&Canonical::two_level(), 1.0, 4.0),
        (&well, 20.0, 40.0),
    ];
    for (system, from, to) in systems {
        for (hot, cold) in [(2.0, 1.0), (1.1, 1.0), (3.0, 0.7)] {
            let cycle = Cycle::carnot(system, hot, cold, &[from], &[to]).unwrap();
            closes(&cycle);
            let efficiency = cycle.efficiency().expect("an engine");
            let exact = 1.0 - cold / hot;
            assert!((efficiency - exact).abs() < 1e-13, "{efficiency} {exact}");
            assert!(cycle.entropy_production().abs() < 1e-12 * cycle.heat_from_hot().max(1.0));
            let fridge = cycle.reversed().unwrap();
            closes(&fridge);
            assert!(fridge.efficiency().is_none());
            close(
                fridge.coefficient_of_performance().unwrap(),
                cold / (hot - cold),
                1e-11,
            );
        }
    }
}

#[test]
fn ottos_efficiency_is_that_of_the_frequencies() {
    for (k1, k2) in [(1.0, 4.0), (0.3, 0.9)] {
        let ratio: f64 = k1 / k2;
        let with = Cycle::otto(&Trap::with_momenta(1).unwrap(), 5.0, 1.0, &[k1], &[k2]).unwrap();
        closes(&with);
        close(with.efficiency().unwrap(), 1.0 - ratio.sqrt(), 1e-14);
        let without = Cycle::otto(&Trap::overdamped(1).unwrap(), 5.0, 1.0, &[k1], &[k2]).unwrap();
        close(without.efficiency().unwrap(), 1.0 - ratio, 1e-14);
        let levels = Cycle::otto(&Canonical::two_level(), 5.0, 1.0, &[k1], &[k2]).unwrap();
        close(levels.efficiency().unwrap(), 1.0 - ratio, 1e-13);
        let gas = Cycle::otto(&IdealGas::new(1.0, 3.0).unwrap(), 5.0, 1.0, &[k1], &[k2]).unwrap();
        close(
            gas.efficiency().unwrap(),
            1.0 - ratio.powf(2.0 / 3.0),
            1e-14,
        );
    }
    // Beyond the ratio of temperatures it is no engine, but a refrigerator.
    let cooling = Cycle::otto(&Trap::with_momenta(1).unwrap(), 1.2, 1.0, &[1.0], &[4.0]).unwrap();
    assert!(cooling.efficiency().is_none());
    close(cooling.coefficient_of_performance().unwrap(), 1.0, 1e-14); // ω₁/(ω₂ − ω₁)
    assert!(cooling.reversed().is_err());
}

#[test]
fn stirling_with_a_perfect_regenerator_is_reversible_where_heat_capacities_agree() {
    for system in [
        &IdealGas::new(3.0, 3.0).unwrap() as &dyn System,
        &Trap::overdamped(1).unwrap(),
        &Trap::with_momenta(3).unwrap(),
    ] {
        let efficiency = |r: f64| {
            let cycle = Cycle::stirling(system, 2.0, 0.5, &[1.0], &[3.0], r).unwrap();
            closes(&cycle);
            cycle.efficiency().unwrap()
        };
        close(efficiency(1.0), 0.75, 1e-11);
        assert!(efficiency(0.0) < efficiency(0.5) && efficiency(0.5) < efficiency(1.0));
    }
    // Two levels: heat capacities differ with the gap, and no regenerator makes up for that.
    let cycle = Cycle::stirling(&Canonical::two_level(), 2.0, 0.5, &[1.0], &[3.0], 1.0).unwrap();
    assert!(cycle.efficiency().unwrap() < 0.74 && cycle.entropy_production() > 1e-3);
}

#[test]
fn no_cycle_on_a_random_system_beats_carnot() {
    let (mut engines, mut random) = (0, rng::stream(77, 0));
    for seed in 0..60 {
        let work = 1 + (seed % 2) as usize;
        let levels = random_levels(seed, work);
        let cold = uniform(&mut random, 0.2, 1.5);
        let hot = cold * uniform(&mut random, 1.05, 6.0);
        let mut point = || -> Vec<f64> { (0..work).map(|_| 2.0 * random.normal()).collect() };
        let (from, to) = (point(), point());
        let regenerator = random.uniform();
        for cycle in [
            Cycle::carnot(&levels, hot, cold, &from, &to),
            Cycle::otto(&levels, hot, cold, &from, &to),
            Cycle::stirling(&levels, hot, cold, &from, &to, regenerator),
        ] {
            // Entropies of a finite table are bounded: not every adiabat exists.
            let Ok(cycle) = cycle else { continue };
            closes(&cycle);
            let exchanged = cycle.heat_from_hot().abs() + cycle.heat_from_cold().abs();
            assert!(
                cycle.entropy_production() >= -1e-12 * exchanged.max(1.0) / cold,
                "{cycle:?}"
            );
            if let Some(efficiency) = cycle.efficiency() {
                engines += 1;
                assert!(
                    efficiency
                        <= cycle.carnot_efficiency() + 1e-12 / cycle.heat_from_hot().min(1.0),
                    "{efficiency} beats {}: {cycle:?}",
                    cycle.carnot_efficiency()
                );
            }
        }
    }
    assert!(engines > 40, "{engines} engines only");
}

#[test]
fn strokes_in_closed_form_are_the_integrals_along_their_traces() {
    let levels = random_levels(4, 1);
    let cycle = Cycle::stirling(&levels, 2.0, 1.0, &[-1.0], &[1.5], 0.0).unwrap();
    for stroke in cycle.strokes() {
        let ends = (stroke.start(), stroke.end());
        let path = Segment::new(
            (ends.0.temperature(), ends.1.temperature()),
            ends.0.work(),
            ends.1.work(),
        )
        .unwrap();
        let ledger = quasi_static(&levels, &path, 1e-11).unwrap();
        close(ledger.work, stroke.work(), 1e-10);
        close(ledger.heat, stroke.heat(), 1e-10);
        close(ledger.entropy_change, stroke.entropy_change(), 1e-13);
    }
    // The area of the P–V diagram is the work: Carnot of a gas, by the trapezoidal rule.
    let gas = IdealGas::new(2.0, 3.0).unwrap();
    let cycle = Cycle::carnot(&gas, 2.0, 1.0, &[1.0], &[2.0]).unwrap();
    let (mut work, mut heat) = (0.0, 0.0);
    for stroke in cycle.strokes() {
        let trace = stroke.trace(&gas, 2001).unwrap();
        for pair in trace.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            work += 0.5 * (a.forces()[0] + b.forces()[0]) * (b.work()[0] - a.work()[0]);
            heat += 0.5 * (a.temperature() + b.temperature()) * (b.entropy() - a.entropy());
        }
    }
    close(work, cycle.work(), 1e-6);
    close(heat, -cycle.work(), 1e-6);
}

#[test]
fn engines_in_finite_time_are_less_efficient_and_tend_to_carnot() {
    let levels = Canonical::levels(
        &[0.0, 0.0],
        DMatrix::from_row_slice(2, 1, &[0.0, 1.0]),
        &[1.0; 2],
    )
    .unwrap();
    let cycle = Cycle::carnot(&levels, 2.0, 1.0, &[4.0], &[1.0]).unwrap();
    let efficiency = |switches: usize| {
        let engine = FiniteTimeCycle::follow(&cycle, &levels, switches, 0.8).unwrap();
        close(
            engine.work() + engine.baths().iter().map(|b| b.1).sum::<f64>(),
            0.0,
            1e-13,
        );
        assert!(engine.entropy_production() > 0.0);
        let produced: f64 = engine.records().iter().map(|r| r.entropy_production).sum();
        close(produced, engine.entropy_production(), 1e-12);
        engine.efficiency().unwrap_or(0.0)
    };
    let found = [5, 10, 30, 100, 300, 1000].map(efficiency);
    assert!(
        found.windows(2).all(|w| w[0] < w[1]) && found[5] < 0.5,
        "{found:?}"
    );
    // What is lost falls as 1/n: extrapolated, it is Carnot's.
    close(2.0 * efficiency(2000) - found[5], 0.5, 1e-5);
    // A weaker contact with the baths takes longer.
    let weak = FiniteTimeCycle::follow(&cycle, &levels, 100, 0.2).unwrap();
    let strong = FiniteTimeCycle::follow(&cycle, &levels, 100, 0.8).unwrap();
    assert!(weak.efficiency() < strong.efficiency());
}

#[test]
fn no_protocol_in_finite_time_beats_carnot() {
    let mut random = rng::stream(5, 5);
    let mut engines = 0;
    for _ in 0..300 {
        let n = 2 + random.index(4);
        let (hot, cold) = (0.3, 1.0);
        let base: Vec<f64> = (0..n).map(|_| 2.0 * random.normal()).collect();
        let steps: Vec<MarkovStep> = (0..2 + random.index(5))
            .map(|k| {
                let beta = [hot, cold, 0.6][(k + random.index(2)) % 3];
                // Mostly wide at the hot bath and narrow at the cold one, or there would be no engine.
                let width = if beta == hot { 1.7 } else { 1.0 };
                let energies: Vec<f64> = base
                    .iter()
                    .map(|e| width * e + 0.1 * random.normal())
                    .collect();
                if random.bernoulli(0.5) {
                    MarkovStep::metropolis(&energies, beta).unwrap()
                } else {
                    MarkovStep::thermalize(&energies, beta, uniform(&mut random, 0.1, 1.0)).unwrap()
                }
            })
            .collect();
        let cycle = FiniteTimeCycle::new(&steps).unwrap();
        assert!(cycle.entropy_production() >= -1e-13);
        if let Some(efficiency) = cycle.efficiency() {
            engines += 1;
            assert!(efficiency <= 1.0 - hot / cold + 1e-12);
        }
    }
    assert!(engines > 50, "{engines}");
}

#[test]
fn a_perfect_regenerator_is_worth_the_same_in_kelvin_and_joule() {
    // Temperatures of 1e-21 J are far below any absolute tolerance.
    let system = &Canonical::two_level();
    {
        let natural = Cycle::stirling(system, 2.0, 0.02, &[1.0], &[0.3], 1.0).unwrap();
        let k = 1.380649e-23;
        let joule = Cycle::stirling(system, 2.0 * k, 0.02 * k, &[k], &[0.3 * k], 1.0).unwrap();
        close(joule.regenerated() / k, natural.regenerated(), 1e-11);
        close(
            joule.efficiency().unwrap(),
            natural.efficiency().unwrap(),
            1e-11,
        );
        assert!(natural.efficiency() < Some(natural.carnot_efficiency()));
    }
}

#[test]
fn work_along_every_stroke_is_the_integral_of_the_force() {
    // What Carnot's efficiency cannot see: forces.
    let levels = random_levels(4, 1);
    let systems: [(&dyn System, f64, f64); 4] = [
        (&Trap::with_momenta(2).unwrap(), 1.0, 3.0),
        (&Trap::overdamped(1).unwrap(), 4.0, 1.0),
        (&Canonical::two_level(), 1.0, 2.0),
        (&levels, 1.0, 1.5),
    ];
    for (system, from, to) in systems {
        for cycle in [
            Cycle::carnot(system, 1.2, 1.0, &[from], &[to]),
            Cycle::otto(system, 1.2, 1.0, &[from], &[to]),
        ] {
            let Ok(cycle) = cycle else { continue };
            for stroke in cycle.strokes() {
                let trace = stroke.trace(system, 1001).unwrap();
                let work: f64 = trace
                    .windows(2)
                    .map(|p| {
                        0.5 * (p[0].forces()[0] + p[1].forces()[0])
                            * (p[1].work()[0] - p[0].work()[0])
                    })
                    .sum();
                close(work, stroke.work(), 1e-6);
            }
        }
    }
}

#[test]
fn engines_of_degenerate_levels_tend_to_their_cycle() {
    // A level of three states, whose gap is the work parameter.
    let levels = Canonical::with_observable(&[0.0, 0.0], &[0.0, 1.0], &[1.0, 3.0]).unwrap();
    let cycle = Cycle::carnot(&levels, 2.0, 1.0, &[6.0], &[3.0]).unwrap();
    let run = |n: usize| FiniteTimeCycle::follow(&cycle, &levels, n, 1.0).unwrap();
    // What is lost falls as 1/n: extrapolated, work and heats are those of the cycle.
    let (a, b) = (run(1000), run(2000));
    close(2.0 * b.work() - a.work(), cycle.work(), 1e-5);
    close(
        2.0 * b.baths()[0].1 - a.baths()[0].1,
        cycle.heat_from_hot(),
        1e-5,
    );
}

#[test]
fn carnots_efficiency_is_exact_also_in_a_cycle_of_hardly_any_work() {
    // Entropies of the ends that agree in all but their last digits.
    let levels = random_levels(2, 1);
    let systems: [(&dyn System, f64); 5] = [
        (&Trap::overdamped(1).unwrap(), 4.0),
        (&Trap::with_momenta(2).unwrap(), 1.0),
        (&IdealGas::new(1e5, 5.0).unwrap(), 3.0),
        (&Canonical::two_level(), 1.3),
        (&levels, 0.7),
    ];
    for (system, from) in systems {
        for step in [1e-3, 1e-6, 1e-9, 1e-11] {
            let to = from * (1.0 + step);
            let Ok(cycle) = Cycle::carnot(system, 1.1, 1.0, &[from], &[to]) else {
                continue; // the table may not reach the entropy
            };
            let (efficiency, exact) = (cycle.efficiency().unwrap(), 1.0 - 1.0 / 1.1);
            assert!((efficiency - exact).abs() < 4e-16, "{efficiency} {step}");
            let produced = cycle.entropy_production();
            let entropy = cycle.heat_from_hot() / 1.1;
            assert!(produced.abs() <= 4e-16 * entropy, "{produced} {step}");
            // Both laws for each stroke, its energies being what they are.
            for s in cycle.strokes() {
                let size = s.start().energy().abs() + s.start().log_partition().abs();
                let residual = s.energy_change() - s.work() - s.heat();
                assert!(residual.abs() <= 1e-14 * size.max(1.0), "{residual} {step}");
            }
        }
    }
}

#[test]
fn a_cycle_that_only_turns_work_into_heat_is_neither_engine_nor_refrigerator() {
    // A doublet with a far level at λ = 0, three spread levels at λ = 1: of more entropy at the hot bath, of less at
    // most temperatures below. W = −∫ [S(λ₁) − S(λ₀)] dT between the baths is above 0.
    let levels =
        Canonical::with_observable(&[0.0, 0.0, 8.0], &[0.0, 1.5, -6.0], &[1.0; 3]).unwrap();
    let cycle = Cycle::stirling(&levels, 1.0, 0.1, &[0.0], &[1.0], 0.0).unwrap();
    closes(&cycle);
    assert!(cycle.work() > 0.1 && cycle.heat_from_hot() > 0.01);
    assert!(cycle.heat_from_cold() < 0.0 && cycle.entropy_production() > 0.0);
    assert!(cycle.efficiency().is_none() && cycle.coefficient_of_performance().is_none());
}

#[test]
fn traces_run_from_start_to_end_and_enclose_the_heat() {
    let gas = IdealGas::new(2.0, 3.0).unwrap();
    let carnot = Cycle::carnot(&gas, 2.0, 1.0, &[1.0], &[2.0]).unwrap();
    let stirling = Cycle::stirling(&gas, 2.0, 1.0, &[1.0], &[2.0], 0.0).unwrap();
    let reversed = carnot.reversed().unwrap();
    for cycle in [&carnot, &stirling, &reversed] {
        for stroke in cycle.strokes() {
            let trace = stroke.trace(&gas, 2001).unwrap();
            assert_eq!(
                (&trace[0], trace.last().unwrap()),
                (stroke.start(), stroke.end())
            );
            let sum = |f: &dyn Fn(&Equilibrium, &Equilibrium) -> f64| -> f64 {
                trace.windows(2).map(|p| f(&p[0], &p[1])).sum()
            };
            let heat = sum(&|a, b| {
                0.5 * (a.temperature() + b.temperature()) * (b.entropy() - a.entropy())
            });
            let work =
                sum(&|a, b| 0.5 * (a.forces()[0] + b.forces()[0]) * (b.work()[0] - a.work()[0]));
            close(heat, stroke.heat(), 1e-5);
            close(work, stroke.work(), 1e-5);
            // Without a step back or a jump.
            let path = sum(&|a, b| (b.entropy() - a.entropy()).abs());
            close(path, stroke.entropy_change().abs(), 1e-9);
            let path = sum(&|a, b| (b.temperature() - a.temperature()).abs());
            close(
                path,
                (stroke.end().temperature() - stroke.start().temperature()).abs(),
                1e-9,
            );
        }
    }
}

#[test]
fn corners_have_the_entropy_of_their_laws() {
    // Where log Z and βU are large and cancel, what looks like a state of the entropy may be their rounding.
    let mut corners = 0;
    for seed in 0..300 {
        let levels = random_levels(seed, 1);
        let family = levels.family();
        for (hot, cold, from, to) in [
            (2.0, 1.0, 0.5, 1.0),
            (3.0, 0.2, 1.0, -2.0),
            (1.3, 1.0, 4.0, 9.0),
        ] {
            let cycles = [
                Cycle::carnot(&levels, hot, cold, &[from], &[to]),
                Cycle::otto(&levels, hot, cold, &[from], &[to]),
            ];
            for corner in cycles.iter().flatten().flat_map(Cycle::corners) {
                let p = levels.probabilities(corner.beta(), corner.work()).unwrap();
                let entropy: f64 = (p.iter().enumerate())
                    .filter(|(_, p)| **p > 0.0)
                    .map(|(i, p)| -p * (p.ln() - family.log_base_measure(&i)))
                    .sum();
                close(corner.entropy(), entropy, 1e-10);
                corners += 1;
            }
        }
    }
    assert!(corners > 1000, "{corners}");
}

#[test]
fn engines_in_finite_time_meet_the_two_baths_of_their_cycle() {
    // Each jump of two levels takes λ from the hot and gives λ′ to the cold bath, at any speed: 1 − λ′/λ.
    let levels = Canonical::with_observable(&[0.0, 0.0], &[0.0, 1.0], &[1.0, 1.0]).unwrap();
    let otto = Cycle::otto(&levels, 4.0, 1.0, &[3.0], &[2.0]).unwrap();
    for (switches, strength) in [(1, 1.0), (3, 0.2), (40, 0.7)] {
        let engine = FiniteTimeCycle::follow(&otto, &levels, switches, strength).unwrap();
        // The hottest first.
        let baths: Vec<f64> = engine.baths().iter().map(|b| b.0).collect();
        assert_eq!(baths, [0.25, 1.0]);
        assert!(engine.baths()[0].1 > 0.0 && engine.baths()[1].1 < 0.0);
        close(engine.efficiency().unwrap(), 1.0 / 3.0, 1e-13);
    }
    // So they are listed when the cold one comes first.
    let cold_first = FiniteTimeCycle::new(&[
        MarkovStep::thermalize(&[0.0, 2.0], 1.0, 0.5).unwrap(),
        MarkovStep::thermalize(&[0.0, 3.0], 0.25, 0.5).unwrap(),
    ])
    .unwrap();
    assert_eq!(cold_first.baths()[0].0, 0.25);
    close(cold_first.efficiency().unwrap(), 1.0 / 3.0, 1e-13);
}

#[test]
fn a_frozen_engine_keeps_its_temperature_and_its_ledger() {
    // e^{−1000} is 0: the cold isentrope is a ground state, and all heat is taken at the gap 2 and given at 1.
    let levels = Canonical::two_level();
    let cycle = Cycle::otto(&levels, 1.0, 1e-3, &[1.0], &[2.0]).unwrap();
    closes(&cycle);
    close(cycle.efficiency().unwrap(), 0.5, 1e-14);
    close(cycle.heat_from_hot(), 2.0 / (1.0 + 2f64.exp()), 1e-14);
    let compressed = cycle.strokes()[0].end();
    assert_eq!(
        (compressed.temperature(), compressed.entropy()),
        (1e-3, 0.0)
    );
    for state in cycle.strokes()[0].trace(&levels, 11).unwrap() {
        assert_eq!((state.temperature(), state.energy()), (1e-3, 0.0));
    }
    // With a digit left, T/λ is constant.
    let cool = Cycle::otto(&levels, 1.0, 2e-2, &[1.0], &[2.0]).unwrap();
    close(cool.strokes()[0].end().temperature(), 4e-2, 1e-9);
}
