//! Systems: derivatives, responses, Legendre's web.

use ergodic_core::ArgumentError;
use ergodic_expfam::Member;
use ergodic_expfam::families::{Gamma, Normal};

use super::*;

/// A system with work parameters to try it at.
type Case = (Box<dyn System>, f64, Vec<f64>);

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = vec![
        (Box::new(Trap::overdamped(1).unwrap()), 0.7, vec![2.5]),
        (Box::new(Trap::with_momenta(3).unwrap()), 1.3, vec![0.4]),
        (Box::new(IdealGas::new(7.5, 3.0).unwrap()), 0.6, vec![11.0]),
        (Box::new(Canonical::two_level()), 0.8, vec![1.5]),
        (
            Box::new(
                Landscape::new(-6.0, 6.0, 640, 1, |x, a| {
                    a[0] = -x * x;
                    x.powi(4)
                })
                .unwrap(),
            ),
            1.4,
            vec![1.0],
        ),
        // A normal law as a trap at a place: E = λ₀x + λ₁x²/2.
        (
            Box::new(
                Canonical::new(
                    Normal,
                    0.3,
                    &[0.0, 0.0],
                    DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, 0.5]),
                )
                .unwrap(),
            ),
            0.9,
            vec![0.4, 1.7],
        ),
    ];
    for seed in 0..6 {
        let work = 1 + (seed % 2) as usize;
        let mut random = rng::stream(seed, 1);
        let at = (0..work).map(|_| random.normal()).collect();
        cases.push((
            Box::new(random_levels(seed, work)),
            uniform(&mut random, 0.3, 3.0),
            at,
        ));
    }
    cases
}

/// Central differences of second order in two steps, extrapolated.
fn slope(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-3 * x.abs().max(0.1);
    let d = |h: f64| (f(x + h) - f(x - h)) / (2.0 * h);
    (4.0 * d(0.5 * h) - d(h)) / 3.0
}

#[test]
fn energy_force_and_hessian_are_derivatives_of_log_z() {
    for (system, beta, work) in cases() {
        let at = |b: f64, w: &[f64]| system.equilibrium(b, w).unwrap();
        let state = at(beta, &work);
        close(
            -slope(beta, |b| at(b, &work).log_partition()),
            state.energy(),
            1e-9,
        );
        close(
            slope(beta, |b| -at(b, &work).energy()),
            state.hessian()[(0, 0)],
            1e-9,
        );
        assert!((state.hessian() - state.hessian().transpose()).amax() < 1e-12);
        for i in 0..work.len() {
            let moved = |x: f64| {
                let mut w = work.clone();
                w[i] = x;
                w
            };
            close(
                slope(work[i], |x| at(beta, &moved(x)).free_energy()),
                state.forces()[i],
                1e-9,
            );
            close(
                slope(work[i], |x| -at(beta, &moved(x)).energy()),
                state.hessian()[(0, i + 1)],
                1e-9,
            );
            for j in 0..work.len() {
                close(
                    slope(work[i], |x| -beta * at(beta, &moved(x)).forces()[j]),
                    state.hessian()[(i + 1, j + 1)],
                    1e-9,
                );
            }
        }
    }
}

#[test]
fn free_energy_is_energy_minus_temperature_times_entropy() {
    for (system, beta, work) in cases() {
        let state = system.equilibrium(beta, &work).unwrap();
        let p = Potentials::of_equilibrium(&state);
        let (t, tolerance) = (1.0 / beta, 1e-14);
        close(p.helmholtz(), state.free_energy(), tolerance);
        close(p.helmholtz(), p.energy() - t * p.entropy(), tolerance);
        close(p.gibbs(), state.gibbs_energy(), tolerance);
        close(p.gibbs(), p.enthalpy() - t * p.entropy(), tolerance);
        close(p.massieu(), state.log_partition(), tolerance);
        close(p.planck(), -beta * p.gibbs(), tolerance);
        close(p.kramers(), p.massieu(), tolerance);
        close(p.grand(), p.helmholtz(), tolerance);
        // The entropy is F's slope: S = −∂F/∂T.
        let minus = slope(t, |t| {
            system.equilibrium(1.0 / t, &work).unwrap().free_energy()
        });
        close(-minus, state.entropy(), 1e-9);
    }
}

#[test]
fn maxwells_relation_holds_on_every_system() {
    for (system, beta, work) in cases() {
        for i in 0..work.len() {
            let relation = maxwell_relation(&*system, beta, &work, i).unwrap();
            let size = relation.from_hessian.abs().max(1.0);
            assert!(relation.residual() < 3e-10 * size, "{relation:?}");
        }
    }
}

/// A trap whose force is 1 % off: the mistakes that the checks are for.
struct Wrong(Trap);

impl System for Wrong {
    fn work_parameters(&self) -> usize {
        1
    }
    fn equilibrium(&self, beta: f64, work: &[f64]) -> Result<Equilibrium, ArgumentError> {
        let s = self.0.equilibrium(beta, work)?;
        Equilibrium::new(
            beta,
            work,
            s.log_partition(),
            1.01 * s.energy(),
            vec![1.01 * s.forces()[0]],
            s.hessian().clone(),
        )
    }
    fn energy_after_switch(&self, b: f64, w: &[f64], s: &[f64]) -> Result<f64, ArgumentError> {
        self.0.energy_after_switch(b, w, s)
    }
    fn fisher_information(&self, b: f64, w: &[f64]) -> Result<DMatrix<f64>, ArgumentError> {
        self.0.fisher_information(b, w)
    }
}

#[test]
fn the_checks_reject_a_system_whose_derivatives_are_off() {
    let wrong = Wrong(Trap::overdamped(1).unwrap());
    assert!(maxwell_relation(&wrong, 0.7, &[2.0], 0).unwrap().residual() > 1e-3);
    let web = LegendreWeb::new(&wrong, &[2.0], 0.1, 3.0, 400).unwrap();
    assert!(web.entropy_residual > 1e-6, "{web:?}");
    assert!(web.massieu_residual > 1e-6, "{web:?}");
    // The largest difference of three numbers, whichever of them is off.
    for [a, b, c] in [[0.0, 1.0, 3.0], [1.0, 0.0, 3.0], [1.0, 3.0, 0.0]] {
        let sides = Maxwell {
            entropy_side: a,
            force_side: b,
            from_hessian: c,
        };
        assert_eq!(sides.residual(), 3.0);
    }
    let path = Segment::new((1.0, 2.0), &[1.0], &[2.0]).unwrap();
    let ledger = quasi_static(&wrong, &path, 1e-11).unwrap();
    assert!(ledger.entropy_residual().abs() > 1e-3);
    assert!(ledger.energy_residual().abs() > 1e-3);
}

#[test]
fn massieu_and_entropy_are_legendre_transforms_of_each_other() {
    for (system, _, work) in cases() {
        let web = LegendreWeb::new(&*system, &work, 0.2, 4.0, 60).unwrap();
        let size = system
            .equilibrium(0.2, &work)
            .unwrap()
            .entropy()
            .abs()
            .max(1.0);
        assert!(
            web.entropy_residual < 1e-12 * size && web.massieu_residual < 1e-12 * size,
            "{web:?}"
        );
        let state = system.equilibrium(0.9, &work).unwrap();
        let (s, beta) = entropy_of_energy(&*system, state.energy(), &work).unwrap();
        close(s, state.entropy(), 1e-13);
        close(beta, 0.9, 1e-11);
    }
}

#[test]
fn responses_are_slopes() {
    for (system, beta, work) in cases() {
        let t = 1.0 / beta;
        let state = system.equilibrium(beta, &work).unwrap();
        let response = Response::new(&state);
        let at = |t: f64| system.equilibrium(1.0 / t, &work).unwrap();
        close(response.heat_capacity(), slope(t, |t| at(t).energy()), 1e-9);
        close(
            response.heat_capacity(),
            t * slope(t, |t| at(t).entropy()),
            1e-9,
        );
        close(
            response.thermal_force()[0],
            slope(t, |t| at(t).forces()[0]),
            1e-9,
        );
        assert_eq!(response.susceptibility(), -response.stiffness());
        if work.len() > 1 {
            continue;
        }
        // Along the isentrope dT/dλ = (T/C) ∂f/∂T.
        let bend = t / response.heat_capacity() * response.thermal_force()[0];
        let along = slope(work[0], |x| {
            let beta = 1.0 / (t + bend * (x - work[0]));
            system.equilibrium(beta, &[x]).unwrap().forces()[0]
        });
        close(response.adiabatic_stiffness().unwrap()[(0, 0)], along, 1e-8);
    }
}

#[test]
fn heat_capacity_and_susceptibility_are_variances() {
    for seed in 0..10 {
        let levels = random_levels(seed, 1);
        let (beta, h) = (0.8, 0.6);
        let state = levels.equilibrium(beta, &[h]).unwrap();
        let response = Response::new(&state);
        let p = levels.probabilities(beta, &[h]).unwrap();
        let energies = levels.energies(&[h]).unwrap();
        let slope_of = levels.energies(&[h + 1.0]).unwrap();
        let a: Vec<f64> = slope_of.iter().zip(&energies).map(|(x, y)| x - y).collect();
        let variance = |x: &[f64]| {
            let m: f64 = p.iter().zip(x).map(|(p, x)| p * x).sum();
            p.iter()
                .zip(x)
                .map(|(p, x)| p * (x - m) * (x - m))
                .sum::<f64>()
        };
        close(
            response.heat_capacity(),
            beta * beta * variance(&energies),
            1e-13,
        );
        close(
            response.susceptibility()[(0, 0)],
            beta * variance(&a),
            1e-13,
        );
        // And the Fisher information in (β, λ) is the covariance of the score.
        let fisher = levels.fisher_information(beta, &[h]).unwrap();
        close(fisher[(0, 0)], variance(&energies), 1e-13);
        close(fisher[(1, 1)], beta * beta * variance(&a), 1e-13);
    }
}

#[test]
fn a_trap_has_the_fisher_information_of_its_normal_law() {
    // The position: variance 1/βk; of a scale, ½ (d log v)² per dimension.
    let trap = Trap::overdamped(2).unwrap();
    let fisher = trap.fisher_information(0.5, &[3.0]).unwrap();
    close(fisher[(0, 0)], 4.0, 1e-15);
    close(fisher[(1, 1)], 1.0 / 9.0, 1e-15);
    close(fisher[(0, 1)], 2.0 / 3.0, 1e-15);
    let normal = Canonical::new(
        Normal,
        0.0,
        &[0.0, 0.0],
        DMatrix::from_row_slice(2, 1, &[0.0, 0.5]),
    )
    .unwrap();
    let one = normal.fisher_information(0.5, &[3.0]).unwrap();
    assert!((one * 2.0 - fisher).amax() < 1e-14);
    // Momenta add to the temperature alone.
    let more = Trap::with_momenta(2)
        .unwrap()
        .fisher_information(0.5, &[3.0])
        .unwrap();
    close(more[(0, 0)], 8.0, 1e-15);
}

#[test]
fn a_gas_at_constant_pressure_is_a_gamma_law_of_its_volume() {
    // p(V) ∝ V^N e^{−βPV}: the log-partition of the isobaric ensemble is that of the gas at V = 1 and that of
    // the family, and its responses are those of the gas.
    let (n, beta, pressure) = (12.0, 0.4, 2.0);
    let gas = IdealGas::new(n, 3.0).unwrap();
    let response = Response::new(&gas.equilibrium(beta, &[n / beta / pressure]).unwrap());
    let law = Member::new(Gamma, vec![n, -beta * pressure]).unwrap();
    // The mean volume is (N + 1)/βP; that of the gas at this pressure N/βP: the same but for 1/N.
    let volume = law.mean()[1];
    close(volume, (n + 1.0) / (beta * pressure), 1e-14);
    // κ = β Var V/⟨V⟩ is that of the gas without a correction.
    let variance = law.fisher_information().unwrap()[(1, 1)];
    close(
        beta * variance / volume,
        response.compressibility().unwrap(),
        1e-14,
    );
    let planck = |beta: f64, pressure: f64| {
        let volume = Member::new(Gamma, vec![n, -beta * pressure]).unwrap();
        gas.equilibrium(beta, &[1.0]).unwrap().log_partition() + volume.log_partition()
    };
    close(-slope(pressure, |p| planck(beta, p)) / beta, volume, 1e-10);
    // H = −∂Y/∂β = (3N/2 + N + 1) T.
    close(
        -slope(beta, |b| planck(b, pressure)),
        (2.5 * n + 1.0) / beta,
        1e-9,
    );
    // Planck's function of the ensemble against −βG of the gas: they differ by less than log N.
    let planck_gas = -beta
        * gas
            .equilibrium(beta, &[n / beta / pressure])
            .unwrap()
            .gibbs_energy();
    let difference = planck(beta, pressure) - planck_gas;
    let stirling = 0.5 * (2.0 * std::f64::consts::PI * n).ln() - (beta * pressure).ln();
    close(difference, stirling, 1.0 / n);
    close(response.heat_capacity(), 1.5 * n, 1e-15);
    close(
        response.heat_capacity_at_constant_force().unwrap(),
        2.5 * n,
        1e-14,
    );
    close(response.compressibility().unwrap(), 1.0 / pressure, 1e-14);
    close(
        response.adiabatic_compressibility().unwrap(),
        0.6 / pressure,
        1e-14,
    );
}

#[test]
fn le_chateliers_inequality_holds_on_random_families() {
    for seed in 0..20 {
        let levels = random_levels(seed, 2);
        let natural = levels.natural(0.9, &[0.3, -0.8]).unwrap();
        let member = Member::new(levels.family().clone(), natural).unwrap();
        let fisher = member.fisher_information().unwrap();
        for (i, side) in le_chatelier(&fisher).unwrap().iter().enumerate() {
            assert!(side.constrained > 0.0 && side.margin() >= 0.0, "{side:?}");
            // With the other means held: move θᵢ, and correct the others.
            let others: Vec<usize> = (0..3).filter(|j| *j != i).collect();
            let block = DMatrix::from_fn(2, 2, |a, b| fisher[(others[a], others[b])]);
            let column = DMatrix::from_fn(2, 1, |a, _| fisher[(others[a], i)]);
            let schur = fisher[(i, i)]
                - (column.transpose() * block.try_inverse().unwrap() * &column)[(0, 0)];
            close(side.constrained / side.free, schur / side.free, 1e-10);
        }
    }
    let independent = DMatrix::from_diagonal_element(3, 3, 2.0);
    assert!(
        le_chatelier(&independent)
            .unwrap()
            .iter()
            .all(|s| s.margin().abs() < 1e-15)
    );
}

#[test]
fn the_quartic_well_has_its_oracles() {
    let well = Landscape::new(-5.0, 5.0, 320, 1, |x, a| {
        a[0] = -x * x;
        x.powi(4)
    })
    .unwrap();
    let state = well.equilibrium(1.0, &[1.0]).unwrap();
    close(state.log_partition(), 1.0157193191187683, 1e-14);
    close(-state.forces()[0], 0.5208986482435781, 1e-14);
    // Virial theorem: ⟨xU′⟩ = 1 = 4⟨x⁴⟩ − 2⟨x²⟩, so ⟨U⟩ = (1 + 2⟨x²⟩)/4 − ⟨x²⟩.
    close(state.energy(), 0.25 - 0.5 * 0.5208986482435781, 1e-13);
}

#[test]
fn an_offset_of_the_energies_does_not_hide_a_landscape_without_nodes_enough() {
    // What the offset rounds away is no sign of too few nodes.
    for offset in [1e9, -3e9, 1e10, -1e11, 7e11] {
        let well = Landscape::new(-5.0, 5.0, 640, 1, |x, a| {
            a[0] = -x * x;
            offset + x.powi(4)
        })
        .unwrap();
        let force = well.equilibrium(1.0, &[1.0]).unwrap().forces()[0];
        // Energies are rounded by ε·offset, and that is a sum of independent roundings.
        close(
            force,
            -0.5208986482435781,
            4.0 * f64::EPSILON * offset.abs(),
        );
    }
    let mut random = rng::stream(61, 0);
    for _ in 0..100 {
        let offset = 1e9 * random.normal();
        let well = Landscape::new(-5.0, 5.0, 640, 1, |x, a| {
            a[0] = -x * x;
            offset + x.powi(4)
        });
        let state = well.unwrap().equilibrium(0.7, &[1.0]);
        assert!(state.is_ok(), "{offset}: {state:?}");
    }
    for offset in [0.0, -1e6, 1e7] {
        let well = |nodes: usize| {
            Landscape::new(-5.0, 5.0, nodes, 1, |x, a| {
                a[0] = -x * x;
                offset + x.powi(4)
            })
            .unwrap()
            .equilibrium(1.0, &[1.0])
        };
        assert_eq!(well(48).unwrap_err().argument, "nodes");
        close(well(320).unwrap().forces()[0], -0.5208986482435781, 1e-8);
    }
}

#[test]
fn two_wells_share_their_weight_as_gibbs_says() {
    // U = h(x² − 1)² + λx with h = 20: two harmonic wells, e^{2βλ} apart in weight, however close to degenerate.
    let wells = Landscape::new(-2.0, 2.0, 640, 1, |x, a| {
        a[0] = x;
        20.0 * (x * x - 1.0) * (x * x - 1.0)
    })
    .unwrap();
    for tilt in [0.0, 1e-9, 1e-3, 0.2] {
        let force = wells.equilibrium(1.0, &[tilt]).unwrap().forces()[0];
        let opposite = wells.equilibrium(1.0, &[-tilt]).unwrap().forces()[0];
        close(force, -opposite, 1e-13);
        // ⟨x⟩ = −tanh λ to first order in 1/h, whose harmonic correction is below 2 %.
        assert!(
            (force + tilt.tanh()).abs() <= 0.02 * tilt + 1e-13,
            "{force}"
        );
    }
    let chi = Response::new(&wells.equilibrium(1.0, &[0.0]).unwrap()).susceptibility()[(0, 0)];
    close(
        chi,
        -slope(0.0, |x| wells.equilibrium(1.0, &[x]).unwrap().forces()[0]),
        1e-9,
    );
}

#[test]
fn a_temperature_is_found_close_to_where_the_nodes_end() {
    // Beyond β of about 25 the well is narrower than the nodes resolve.
    let well = Landscape::new(-5.0, 5.0, 320, 1, |x, a| {
        a[0] = -x * x;
        x.powi(4)
    })
    .unwrap();
    for beta in [0.5, 10.0, 20.0] {
        let state = well.equilibrium(beta, &[-1.0]).unwrap();
        let (entropy, found) = entropy_of_energy(&well, state.energy(), &[-1.0]).unwrap();
        close(found / beta, 1.0, 1e-9);
        close(entropy, state.entropy(), 1e-11);
    }
}

#[test]
fn a_small_pressure_beside_a_large_energy_keeps_its_digits() {
    let state = Equilibrium::new(1.0, &[3.0], 0.0, 1e17, vec![-2.0], DMatrix::zeros(2, 2)).unwrap();
    let p = Potentials::of_equilibrium(&state);
    let none = Equilibrium::new(1.0, &[3.0], 0.0, 1e17, vec![0.0], DMatrix::zeros(2, 2)).unwrap();
    assert_ne!(p, Potentials::of_equilibrium(&none));
}

#[test]
fn a_harmonic_free_energy_difference_is_half_the_log_of_the_ratio() {
    let trap = Trap::overdamped(1).unwrap();
    let log_z = |k: f64| trap.equilibrium(1.0, &[k]).unwrap().log_partition();
    close(log_z(1.0) - log_z(16.0), 1.3862943611198906, 1e-15);
}

#[test]
fn a_landscape_of_a_parabola_is_a_trap() {
    let trap = Trap::overdamped(1).unwrap();
    let landscape = Landscape::new(-12.0, 12.0, 480, 2, |x, a| {
        a[0] = 0.5 * x * x;
        a[1] = x;
        0.0
    })
    .unwrap();
    for (beta, k) in [(1.0, 1.0), (0.6, 3.0), (2.0, 0.5)] {
        let (a, b) = (
            trap.equilibrium(beta, &[k]).unwrap(),
            landscape.equilibrium(beta, &[k, 0.0]).unwrap(),
        );
        close(a.log_partition(), b.log_partition(), 1e-13);
        close(a.energy(), b.energy(), 1e-13);
        close(a.forces()[0], b.forces()[0], 1e-13);
        let fisher = landscape.fisher_information(beta, &[k, 0.0]).unwrap();
        let exact = trap.fisher_information(beta, &[k]).unwrap();
        assert!((fisher.view((0, 0), (2, 2)) - exact).amax() < 1e-12);
        close(fisher[(2, 2)], beta / k, 1e-12); // β² Var x
        let switch =
            |s: &dyn System, from: &[f64], to: &[f64]| sudden_switch(s, beta, from, to).unwrap();
        let (a, b) = (
            switch(&trap, &[k], &[2.0 * k]),
            switch(&landscape, &[k, 0.0], &[2.0 * k, 0.0]),
        );
        close(a.work, b.work, 1e-13);
        close(a.entropy_production, b.entropy_production, 1e-12);
        // Moved by a force: E = kx²/2 + hx has F = −h²/2k, and work 0 at once.
        let moved = switch(&landscape, &[k, 0.0], &[k, 0.7]);
        close(moved.work, 0.0, 1e-13);
        close(moved.free_energy_change, -0.49 / (2.0 * k), 1e-12);
    }
}

#[test]
fn log_partitions_are_integrals_over_phase_space_with_their_constants() {
    use std::f64::consts::PI;
    // ∫ e^{−βkx²/2} dx = √(2π/βk) and ∫ e^{−βp²/2} dp = √(2π/β) in each dimension.
    for (beta, k) in [(1.0f64, 1.0f64), (0.3, 5.0)] {
        let (x, p) = (2.0 * PI / (beta * k), 2.0 * PI / beta);
        let log_z = |trap: Trap| trap.equilibrium(beta, &[k]).unwrap().log_partition();
        close(log_z(Trap::overdamped(3).unwrap()), 1.5 * x.ln(), 1e-15);
        close(
            log_z(Trap::with_momenta(3).unwrap()),
            1.5 * (x.ln() + p.ln()),
            1e-15,
        );
        // Vᴺ/N! of the gas, and its momenta: 3 atoms in a volume of 7.
        let gas = IdealGas::new(3.0, 3.0).unwrap();
        close(
            gas.equilibrium(beta, &[7.0]).unwrap().log_partition(),
            3.0 * 7f64.ln() - 6f64.ln() + 4.5 * p.ln(),
            1e-15,
        );
    }
    // Levels with an energy and an offset that all share: Z = e^{−βc} (1 + 2e^{−β}).
    let levels = Canonical::with_observable(&[4.0, 4.0], &[0.0, 1.0], &[1.0, 2.0]).unwrap();
    let state = levels.equilibrium(0.5, &[1.0]).unwrap();
    let sum = 1.0 + 2.0 * (-0.5f64).exp();
    // The base measure of a family may have any scale: the entropy counts states, three at most.
    close(state.log_partition(), sum.ln() - 2.0, 1e-15);
    close(state.energy(), 4.0 + 2.0 * (-0.5f64).exp() / sum, 1e-15);
    assert_eq!(levels.energies(&[1.0]).unwrap(), [4.0, 5.0]);
    close(
        levels.energy_after_switch(0.5, &[1.0], &[2.0]).unwrap(),
        4.0 + 4.0 * (-0.5f64).exp() / sum,
        1e-15,
    );
    // And a landscape carries the length of its interval.
    let flat = Landscape::new(0.0, 7.0, 64, 1, |x, a| {
        a[0] = x;
        3.0
    })
    .unwrap();
    close(
        flat.equilibrium(2.0, &[0.0]).unwrap().log_partition(),
        7f64.ln() - 6.0,
        1e-14,
    );
}
