//! Driven chains and traps in finite time.

use super::*;

fn random_protocol(seed: u64, n: usize, beta: f64, steps: usize) -> (Evolution, Vec<MarkovStep>) {
    let mut random = rng::stream(seed, 6);
    let mut energies = || -> Vec<f64> { (0..n).map(|_| random.normal()).collect() };
    let start = Evolution::equilibrium(&energies(), beta).unwrap();
    let steps = (0..steps)
        .map(|k| {
            let e = energies();
            match k % 3 {
                0 => MarkovStep::metropolis(&e, beta),
                1 => MarkovStep::thermalize(&e, beta, 0.3),
                _ => MarkovStep::isolated(&e),
            }
            .unwrap()
        })
        .collect();
    (start, steps)
}

fn log_z(energies: &[f64], beta: f64) -> f64 {
    energies.iter().map(|e| (-beta * e).exp()).sum::<f64>().ln()
}

#[test]
fn both_laws_hold_step_by_step() {
    for seed in 0..20 {
        let (mut chain, steps) = random_protocol(seed, 5, 1.3, 12);
        for step in &steps {
            let (u, s) = (chain.energy(), chain.entropy());
            let record = chain.step(step).unwrap();
            close(chain.energy() - u, record.work + record.heat, 1e-14);
            close(chain.entropy() - s, record.entropy_change, 1e-14);
            close(
                record.entropy_production,
                record.entropy_change - 1.3 * record.heat,
                1e-13,
            );
            assert!(record.entropy_production >= 0.0);
            assert!(record.divergence_after <= record.divergence_before);
        }
    }
}

#[test]
fn the_dissipated_work_is_what_was_produced_and_what_is_left() {
    let beta = 0.8;
    for seed in 0..20 {
        let (start, steps) = random_protocol(seed, 6, beta, 9);
        let mut chain = start.clone();
        let records = chain.run(&steps).unwrap();
        let work: f64 = records.iter().map(|r| r.work).sum();
        let free = (log_z(start.energies(), beta) - log_z(chain.energies(), beta)) / beta;
        let produced: f64 = records.iter().map(|r| r.entropy_production).sum();
        let left = excess_free_energy(chain.energies(), beta, chain.probabilities()).unwrap();
        close(beta * (work - free), produced + beta * left, 1e-12);
    }
}

#[test]
fn jarzynskis_equality_is_exact_and_work_has_its_moments() {
    let beta = 1.1;
    for seed in 0..20 {
        let (start, steps) = random_protocol(seed, 5, beta, 10);
        let work = WorkStatistics::new(&start, &steps).unwrap();
        let end = steps.last().unwrap().energies();
        let free = (log_z(start.energies(), beta) - log_z(end, beta)) / beta;
        close(
            work.log_exponential_average(-beta).unwrap(),
            -beta * free,
            1e-12,
        );
        assert!(work.mean() >= free);
        close(work.log_exponential_average(0.0).unwrap(), 0.0, 1e-13);
        // Mean and variance as derivatives at 0, and from the ledger.
        let h = 1e-3;
        let k = |s: f64| work.log_exponential_average(s).unwrap();
        close(
            (8.0 * (k(h) - k(-h)) - (k(2.0 * h) - k(-2.0 * h))) / (12.0 * h),
            work.mean(),
            1e-9,
        );
        close((k(h) + k(-h)) / (h * h), work.variance(), 1e-4);
        let records = start.clone().run(&steps).unwrap();
        close(records.iter().map(|r| r.work).sum(), work.mean(), 1e-13);
    }
}

#[test]
fn work_moments_are_those_of_all_paths() {
    let beta = 0.9;
    let (start, steps) = random_protocol(3, 3, beta, 4);
    // All 3⁵ paths by hand.
    let (mut mean, mut square) = (0.0, 0.0);
    let kernel = |k: usize, i: usize, j: usize| {
        let mut unit = [0.0; 3];
        unit[i] = 1.0;
        let mut one = Evolution::new(steps[k].energies(), &unit).unwrap();
        one.step(&steps[k]).unwrap();
        one.probabilities()[j]
    };
    for path in 0..3usize.pow(5) {
        let at = |k: u32| path / 3usize.pow(k) % 3;
        let mut p = start.probabilities()[at(0)];
        let mut w = 0.0;
        let mut energies = start.energies();
        for (k, step) in steps.iter().enumerate() {
            let i = at(k as u32);
            w += step.energies()[i] - energies[i];
            energies = step.energies();
            p *= kernel(k, i, at(k as u32 + 1));
        }
        mean += p * w;
        square += p * w * w;
    }
    let work = WorkStatistics::new(&start, &steps).unwrap();
    close(work.mean(), mean, 1e-14);
    close(work.variance(), square - mean * mean, 1e-13);
}

#[test]
fn crookss_symmetry_relates_a_protocol_to_its_reverse() {
    // Forward: switch, then a reversible kernel. Backward: the kernel, then the switch back.
    let beta = 0.7;
    let mut random = rng::stream(8, 8);
    let tables: Vec<Vec<f64>> = (0..5)
        .map(|_| (0..4).map(|_| random.normal()).collect())
        .collect();
    let metropolis = |e: &[f64]| MarkovStep::metropolis(e, beta).unwrap();
    let forward: Vec<MarkovStep> = tables[1..].iter().map(|e| metropolis(e)).collect();
    let mut backward = vec![metropolis(&tables[4])]; // the last kernel, no work
    backward.extend(tables[1..4].iter().rev().map(|e| metropolis(e)));
    backward.push(MarkovStep::isolated(&tables[0]).unwrap());
    let there = Evolution::equilibrium(&tables[0], beta).unwrap();
    let back = Evolution::equilibrium(&tables[4], beta).unwrap();
    let there = WorkStatistics::new(&there, &forward).unwrap();
    let back = WorkStatistics::new(&back, &backward).unwrap();
    let free = (log_z(&tables[0], beta) - log_z(&tables[4], beta)) / beta;
    for s in [-2.0, -0.9, -0.3, 0.0, 0.4] {
        // ⟨e^{sW}⟩_F = e^{−βΔF} ⟨e^{−(s + β)W}⟩_B.
        close(
            there.log_exponential_average(s).unwrap(),
            -beta * free + back.log_exponential_average(-(s + beta)).unwrap(),
            1e-12,
        );
    }
}

#[test]
fn relaxation_never_raises_the_divergence_and_never_leaves_equilibrium() {
    let energies = [0.3, -1.0, 2.0, 0.0, 0.7];
    let step = MarkovStep::metropolis(&energies, 1.7).unwrap();
    let mut random = rng::stream(2, 2);
    for _ in 0..20 {
        let mut chain = Evolution::new(&energies, &random_law(&mut random, 5)).unwrap();
        let mut last = f64::INFINITY;
        for _ in 0..100 {
            let record = chain.step(&step).unwrap();
            assert!(record.divergence_before <= last + 1e-15);
            last = record.divergence_after;
        }
        assert!(last < 1e-8, "{last}");
    }
    let mut still = Evolution::equilibrium(&energies, 1.7).unwrap();
    assert!(still.step(&step).unwrap().divergence_after < 1e-30);
}

#[test]
fn a_dragged_trap_has_its_closed_forms() {
    for (friction, t, k, v, duration) in [
        (1.0, 1.0, 1.0, 1.0, 2.0),
        (0.5, 2.0, 3.0, -0.7, 1.3),
        (2.0, 0.4, 0.1, 2.0, 5.0),
    ] {
        let dynamics = TrapDynamics::new(friction, t).unwrap();
        let start = dynamics.equilibrium(k, 0.3).unwrap();
        let found = dynamics.drag(start, k, 0.3, v, duration).unwrap();
        let tau: f64 = friction / k;
        let exact = friction * v * v * (duration - tau * (1.0 - (-duration / tau).exp()));
        close(found.work, exact, 1e-14);
        close(found.work_variance, 2.0 * t * exact, 1e-13);
        // Gaussian work: ΔF = ⟨W⟩ − Var/2T = 0.
        close(found.work - found.work_variance / (2.0 * t), 0.0, 1e-13);
        close(found.law.variance, t / k, 1e-15);
        assert!(found.entropy_production > 0.0);
    }
    let dynamics = TrapDynamics::new(1.0, 1.0).unwrap();
    let start = dynamics.equilibrium(1.0, 0.0).unwrap();
    let found = dynamics.drag(start, 1.0, 0.0, 1.0, 2.0).unwrap();
    close(found.work, 1.1353352832366128, 1e-15);
}

#[test]
fn moves_of_a_trap_compose() {
    let dynamics = TrapDynamics::new(1.3, 0.8).unwrap();
    let start = TrapLaw {
        mean: 0.7,
        variance: 2.0,
    };
    let whole = dynamics.drag(start, 1.7, 0.2, 0.9, 1.1).unwrap();
    let half = dynamics.drag(start, 1.7, 0.2, 0.9, 0.4).unwrap();
    let rest = dynamics
        .drag(half.law, 1.7, 0.2 + 0.9 * 0.4, 0.9, 0.7)
        .unwrap();
    close(whole.law.mean, rest.law.mean, 1e-14);
    close(whole.law.variance, rest.law.variance, 1e-14);
    close(whole.work, half.work + rest.work, 1e-14);
    close(whole.heat, half.heat + rest.heat, 1e-14);
    let whole = dynamics.ramp(start, 0.2, 1.0, 3.0, 2.0).unwrap();
    let half = dynamics.ramp(start, 0.2, 1.0, 1.8, 0.8).unwrap();
    let rest = dynamics.ramp(half.law, 0.2, 1.8, 3.0, 1.2).unwrap();
    close(whole.law.mean, rest.law.mean, 1e-14);
    close(whole.law.variance, rest.law.variance, 1e-13);
    close(whole.work, half.work + rest.work, 1e-13);
    // A ramp between equal stiffnesses is a rest.
    let ramp = dynamics.ramp(start, 0.2, 1.7, 1.7, 0.6).unwrap();
    let rest = dynamics.drag(start, 1.7, 0.2, 0.0, 0.6).unwrap();
    close(ramp.law.variance, rest.law.variance, 1e-14);
    close(ramp.heat, rest.heat, 1e-14);
    assert_eq!((ramp.work, rest.work), (0.0, 0.0));
}

#[test]
fn the_laws_hold_on_every_move_of_a_trap() {
    let mut random = rng::stream(4, 4);
    for _ in 0..100 {
        let t = uniform(&mut random, 0.3, 2.0);
        let dynamics = TrapDynamics::new(uniform(&mut random, 0.3, 2.0), t).unwrap();
        let law = TrapLaw {
            mean: random.normal(),
            variance: random.exponential() + 0.1,
        };
        let (k, l) = (random.exponential() + 0.1, random.exponential() + 0.1);
        let duration = 2.0 * random.exponential();
        for record in [
            dynamics.drag(law, k, 0.1, random.normal(), duration),
            dynamics.ramp(law, 0.1, k, l, duration),
            dynamics.switch(law, (k, 0.1), (l, -0.4)),
        ] {
            let record = record.unwrap();
            assert!(record.entropy_production >= -1e-12, "{record:?}");
            assert!(record.work_variance >= 0.0);
        }
    }
}

#[test]
fn a_fast_ramp_is_a_switch_and_a_slow_one_reversible() {
    let dynamics = TrapDynamics::new(1.0, 1.0).unwrap();
    let start = dynamics.equilibrium(1.0, 0.0).unwrap();
    let switch = dynamics.switch(start, (1.0, 0.0), (4.0, 0.0)).unwrap();
    close(switch.work, 1.5, 1e-15);
    // W = 3x²/2: variance 9/4 · 2.
    close(switch.work_variance, 4.5, 1e-15);
    let fast = dynamics.ramp(start, 0.0, 1.0, 4.0, 1e-7).unwrap();
    close(fast.work, switch.work, 1e-6);
    close(fast.work_variance, switch.work_variance, 1e-6);
    // So it is far from equilibrium and from the centre.
    let off = TrapLaw {
        mean: 1.7,
        variance: 0.4,
    };
    let switch = dynamics.switch(off, (1.0, 0.2), (4.0, 0.2)).unwrap();
    // W = 3(x − c)²/2 with ⟨x − c⟩ = 1.5: variance 9/4 (2v² + 4 · 2.25 v).
    close(switch.work_variance, 2.25 * (2.0 * 0.16 + 9.0 * 0.4), 1e-14);
    let fast = dynamics.ramp(off, 0.2, 1.0, 4.0, 1e-7).unwrap();
    close(fast.work_variance, switch.work_variance, 1e-5);
    // To first order the excess is ∫ ζ k̇² dt with the friction ζ = γT/4k³ (Sivak and Crooks 2012), and the
    // variance of the work twice T times that.
    let (duration, slope) = (2000.0, 3.0 / 2000.0);
    let slow = dynamics.ramp(start, 0.0, 1.0, 4.0, duration).unwrap();
    let excess = slow.work - 0.5 * 4f64.ln();
    let first_order = slope * (1.0 - 1.0 / 16.0) / 8.0;
    assert!(
        (excess / first_order - 1.0).abs() < 5e-3,
        "{excess} {first_order}"
    );
    assert!((slow.work_variance / (2.0 * first_order) - 1.0).abs() < 5e-3);
}

#[test]
fn the_best_drag_has_jumps_at_its_ends() {
    // Schmiedl and Seifert, Phys. Rev. Lett. 98, 2007: W = l²/(t + 2) for γ = k = 1, with jumps of l/(t + 2).
    let dynamics = TrapDynamics::new(1.0, 1.0).unwrap();
    let (l, t) = (3.0, 1.5);
    let jump = l / (t + 2.0);
    let with_jump = |jump: f64| {
        let start = dynamics.equilibrium(1.0, 0.0).unwrap();
        let first = dynamics.switch(start, (1.0, 0.0), (1.0, jump)).unwrap();
        let velocity = (l - 2.0 * jump) / t;
        let drag = dynamics.drag(first.law, 1.0, jump, velocity, t).unwrap();
        let last = dynamics
            .switch(drag.law, (1.0, l - jump), (1.0, l))
            .unwrap();
        first.work + drag.work + last.work
    };
    close(with_jump(jump), l * l / (t + 2.0), 1e-13);
    for other in [0.0, 0.9 * jump, 1.1 * jump] {
        assert!(with_jump(other) > with_jump(jump) + 1e-4);
    }
}

#[test]
fn a_driven_trap_agrees_with_a_fine_chain_of_its_moments() {
    // v̇ = −2kv/γ + 2T/γ by many small exact steps of constant stiffness, to first order in the step.
    let dynamics = TrapDynamics::new(0.7, 1.4).unwrap();
    let start = TrapLaw {
        mean: 1.0,
        variance: 0.5,
    };
    let n = 4000;
    let (mut law, mut work) = (start, 0.0);
    for i in 0..n {
        let k = |i: usize| 1.0 + 2.0 * i as f64 / f64::from(n as u32);
        let switched = dynamics
            .switch(law, (k(i), 0.0), (0.5 * (k(i) + k(i + 1)), 0.0))
            .unwrap();
        let middle = 0.5 * (k(i) + k(i + 1));
        let rest = dynamics
            .drag(switched.law, middle, 0.0, 0.0, 1.0 / f64::from(n as u32))
            .unwrap();
        let last = dynamics
            .switch(rest.law, (middle, 0.0), (k(i + 1), 0.0))
            .unwrap();
        work += switched.work + last.work;
        law = rest.law;
    }
    let exact = dynamics.ramp(start, 0.0, 1.0, 3.0, 1.0).unwrap();
    close(law.variance, exact.law.variance, 1e-6);
    close(law.mean, exact.law.mean, 1e-6);
    close(work, exact.work, 1e-6);
}

#[test]
fn levels_of_several_states_relax_as_their_states_do() {
    // Levels of 1, 3 and 2 states, against the six states one by one.
    let expand = |x: &[f64]| vec![x[0], x[1], x[1], x[1], x[2], x[2]];
    let (g, beta) = ([1.0, 3.0, 2.0], 0.9);
    let tables = [[0.0, 1.0, 0.3], [0.5, -0.2, 1.7], [1.0, 1.0, 0.0]];
    let start = [0.2, 0.5, 0.3];
    let mut levels = Evolution::new(&tables[0], &start).unwrap();
    let each: Vec<f64> = start.iter().zip(g).map(|(p, g)| p / g).collect();
    let mut states = Evolution::new(&expand(&tables[0]), &expand(&each)).unwrap();
    for e in &tables {
        let a = levels
            .step(&MarkovStep::thermalize_levels(e, &g, beta, 0.4).unwrap())
            .unwrap();
        let b = states
            .step(&MarkovStep::thermalize(&expand(e), beta, 0.4).unwrap())
            .unwrap();
        close(a.work, b.work, 1e-14);
        close(a.heat, b.heat, 1e-14);
        close(a.entropy_change, b.entropy_change, 1e-14);
        close(a.entropy_production, b.entropy_production, 1e-14);
        close(
            a.entropy_production,
            a.entropy_change - beta * a.heat,
            1e-14,
        );
    }
}

#[test]
fn what_underflows_is_neither_lost_nor_not_a_number() {
    // π = e^{−1000} in a state that has weight: KL = 500 − log 2 nats, and finite afterwards.
    let mut chain = Evolution::new(&[0.0, 0.0], &[0.5, 0.5]).unwrap();
    let step = MarkovStep::thermalize(&[0.0, 1000.0], 1.0, 0.5).unwrap();
    let record = chain.step(&step).unwrap();
    close(record.divergence_before, 500.0 - 2f64.ln(), 1e-14);
    close(
        record.entropy_production,
        record.entropy_change - record.heat,
        1e-14,
    );
    // Up by 1000 and down again without a bath: no work on any path, ⟨e^{−W}⟩ = 1.
    let there_and_back = [
        MarkovStep::isolated(&[0.0, 1000.0]).unwrap(),
        MarkovStep::isolated(&[0.0, 0.0]).unwrap(),
    ];
    let start = Evolution::equilibrium(&[0.0, 0.0], 1.0).unwrap();
    let work = WorkStatistics::new(&start, &there_and_back).unwrap();
    close(work.log_exponential_average(-1.0).unwrap(), 0.0, 1e-12);
    // Through a bath that mixes: log⟨e^{−W}⟩ = log ½(1 + e^{−1000}) + log ½(e^{0} + e^{1000}) and so on.
    let mixed = [
        MarkovStep::new(&[0.0, 0.0], 1.0, DMatrix::from_element(2, 2, 0.5)).unwrap(),
        MarkovStep::isolated(&[900.0, 0.0]).unwrap(),
        MarkovStep::isolated(&[0.0, 1e-3]).unwrap(),
    ];
    let work = WorkStatistics::new(&start, &mixed).unwrap();
    close(
        work.log_exponential_average(-1.0).unwrap(),
        (0.5 + 0.5 * (-1e-3f64).exp()).ln(),
        1e-12,
    );
}

#[test]
fn a_constant_added_to_all_energies_changes_no_law() {
    let (energies, offset) = ([0.0, 0.7, -0.4], 2f64.powi(30));
    let moved = energies.map(|e| e + offset);
    let plain = Evolution::equilibrium(&energies, 1.3).unwrap();
    let far = Evolution::equilibrium(&moved, 1.3).unwrap();
    for (a, b) in plain.probabilities().iter().zip(far.probabilities()) {
        close(*a, *b, 1e-6); // the energies themselves keep 2⁻²² of themselves
    }
    close(far.probabilities().iter().sum(), 1.0, 1e-15);
    assert!(MarkovStep::thermalize(&moved, 1.3, 0.5).is_ok());
    assert!(MarkovStep::metropolis(&moved, 1.3).is_ok());
}

#[test]
fn a_short_drag_keeps_its_digits() {
    // ⟨W⟩ = γu²t(κt/2 − (κt)²/6 + …) and Var W = 2T⟨W⟩ from equilibrium.
    for (k, duration) in [(1e-3, 1e-6), (1e-8, 1e-3), (1.0, 1e-13), (2.0, 1e-3)] {
        let dynamics = TrapDynamics::new(1.0, 0.7).unwrap();
        let start = dynamics.equilibrium(k, 0.0).unwrap();
        let found = dynamics.drag(start, k, 0.0, 3.0, duration).unwrap();
        let y: f64 = k * duration;
        let exact = 9.0 * duration * y * (0.5 - y / 6.0 + y * y / 24.0 - y * y * y / 120.0);
        assert!((found.work / exact - 1.0).abs() < 1e-13, "{}", found.work);
        assert!((found.work_variance / (1.4 * exact) - 1.0).abs() < 1e-13);
        // From a known place all of it is the bath's: γ²u²κ² (2T/γ) t³/3 to leading order.
        let narrow = TrapLaw {
            mean: 0.0,
            variance: 1e-300,
        };
        let found = dynamics.drag(narrow, k, 0.0, 3.0, duration).unwrap();
        let leading = 9.0 * k * k * 1.4 * duration.powi(3) / 3.0;
        assert!((found.work_variance / leading - 1.0).abs() < 2.0 * y + 1e-13);
    }
}

#[test]
fn a_sudden_stiffening_dissipates_the_divergence_of_the_normal_laws_and_obeys_jarzynski() {
    use ergodic_core::ExponentialFamily;
    use ergodic_expfam::families::Normal;
    let kl = Normal
        .kl_divergence(
            &Normal::natural(0.0, 1.0).unwrap(),
            &Normal::natural(0.0, 0.25).unwrap(),
        )
        .unwrap();
    close(kl, 0.8068528194400547, 1e-15);
    // On a grid of the place, as a chain: ⟨e^{−W}⟩ = Z₁/Z₀.
    let x: Vec<f64> = (-800..=800).map(|i| 0.01 * f64::from(i)).collect();
    let energies = |k: f64| -> Vec<f64> { x.iter().map(|x| 0.5 * k * x * x).collect() };
    let start = Evolution::equilibrium(&energies(1.0), 1.0).unwrap();
    let step = MarkovStep::isolated(&energies(4.0)).unwrap();
    let work = WorkStatistics::new(&start, std::slice::from_ref(&step)).unwrap();
    close(work.mean(), 1.5, 1e-11);
    close(work.variance(), 4.5, 1e-10);
    close(
        work.log_exponential_average(-1.0).unwrap(),
        -std::f64::consts::LN_2,
        1e-12,
    );
}
