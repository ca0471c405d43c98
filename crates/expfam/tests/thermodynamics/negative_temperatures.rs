//! Negative temperatures: states of bounded energies, and errors where there are none.

use ergodic_expfam::families::Normal;

use super::*;

/// `n` spins of moment 1 in a field of 1: energies `2k − n` with `C(n, k)` states.
fn spins(n: u32) -> Microstates {
    let energies: Vec<f64> = (0..=n).map(|k| 2.0 * f64::from(k) - f64::from(n)).collect();
    let mut degeneracies = vec![1.0];
    for k in 0..n {
        degeneracies.push(degeneracies[k as usize] * f64::from(n - k) / f64::from(k + 1));
    }
    Microstates::new(&energies)
        .and_then(|s| s.degeneracies(&degeneracies))
        .unwrap()
}

#[test]
fn spins_in_a_field_have_ramseys_temperatures() {
    // log Z = n log 2cosh β, U = −n tanh β, S = log Z + βU, C = n β²/cosh² β, at any β (Ramsey 1956).
    let n = 20;
    let states = spins(n);
    for beta in [-3.0f64, -0.7, -1e-3, 1e-3, 0.7, 3.0] {
        let state = states.canonical(beta).unwrap();
        let count = f64::from(n);
        let log_z = count * (2.0 * beta.cosh()).ln();
        let energy = -count * beta.tanh();
        close(state.log_partition(), log_z, 1e-14);
        close(state.energy(), energy, 1e-13);
        close(state.entropy(), log_z + beta * energy, 1e-13);
        let capacity = count * (beta / beta.cosh()).powi(2);
        close(state.heat_capacity().unwrap(), capacity, 1e-13);
        let potentials = state.potentials().unwrap();
        close(potentials.temperature(), 1.0 / beta, 1e-15);
        close(potentials.massieu(), log_z, 1e-13);
        close(potentials.helmholtz(), -log_z / beta, 1e-13);
    }
    // Between β = 0 from either side: all states equally likely, no temperature.
    let state = states.canonical(0.0).unwrap();
    close(state.entropy(), f64::from(n) * 2f64.ln(), 1e-14);
    close(state.energy(), 0.0, 1e-13);
    assert_eq!(state.heat_capacity().unwrap(), 0.0);
    assert_eq!(state.potentials().unwrap_err().argument, "beta");
}

#[test]
fn energy_rises_from_cold_through_infinite_to_negative_temperatures() {
    let mut random = rng::stream(41, 0);
    for _ in 0..10 {
        let energies: Vec<f64> = (0..6).map(|_| random.normal()).collect();
        let states = Microstates::new(&energies).unwrap();
        let mirrored = Microstates::new(&energies.iter().map(|e| -e).collect::<Vec<_>>()).unwrap();
        let mut last: Option<(f64, f64)> = None;
        for k in 0..=40 {
            let beta = 4.0 - 0.2 * f64::from(k);
            let state = states.canonical(beta).unwrap();
            // What is hot with E is cold with −E.
            let image = mirrored.canonical(-beta).unwrap();
            close(state.log_partition(), image.log_partition(), 1e-14);
            close(state.energy(), -image.energy(), 1e-14);
            close(state.entropy(), image.entropy(), 1e-14);
            if let Some((energy, entropy)) = last {
                assert!(state.energy() > energy);
                // ∂S/∂U = β: S rises as long as β > 0, and falls below.
                let slope = (state.entropy() - entropy) / (state.energy() - energy);
                assert!((slope - (beta + 0.1)).abs() < 0.1, "{slope} at {beta}");
            }
            last = Some((state.energy(), state.entropy()));
        }
    }
}

#[test]
fn the_slope_of_microcanonical_entropy_is_the_canonical_beta_also_below_zero() {
    // S(E) of many spins: [S(E₂) − S(E₁)]/(E₂ − E₁) against the β at which ⟨E⟩ is between.
    let n = 1000;
    let states = spins(n);
    for energy in [-800.0, -300.0, 300.0, 800.0] {
        let beta = states
            .microcanonical_beta((energy - 2.0, energy + 2.0), 0.5)
            .unwrap();
        assert!(beta * energy < 0.0);
        let mean = states.canonical(beta).unwrap().energy();
        // The two differ by 1/n.
        assert!((mean - energy).abs() < 1.0, "{mean} {energy}");
    }
}

#[test]
fn laws_and_ledgers_hold_on_levels_of_negative_temperature() {
    for seed in 0..8 {
        let levels = random_levels(seed, 2);
        let (from, to) = ([0.4, -0.3], [1.1, 0.6]);
        let state = levels.equilibrium(-0.8, &from).unwrap();
        close(state.temperature(), -1.25, 1e-15);
        for i in 0..2 {
            let relation = maxwell_relation(&levels, -0.8, &from, i).unwrap();
            assert!(relation.residual() < 1e-9, "{relation:?}");
        }
        // C = β² Var E > 0, and χ = β Cov is negative.
        let response = Response::new(&state);
        assert!(response.heat_capacity() > 0.0);
        assert!(response.susceptibility().symmetric_eigenvalues().max() < 0.0);
        // The entropy of its energy, and its β.
        let (entropy, beta) = entropy_of_energy(&levels, state.energy(), &from).unwrap();
        close(beta, -0.8, 1e-11);
        close(entropy, state.entropy(), 1e-13);
        // Both laws along a quasi-static path.
        let path = Segment::new((-2.0, -0.7), &from, &to).unwrap();
        let ledger = quasi_static(&levels, &path, 1e-11).unwrap();
        close(ledger.energy_residual(), 0.0, 1e-10);
        close(ledger.entropy_residual(), 0.0, 1e-10);
        // A switch produces the divergence of its laws; W − ΔF = T·KL has the sign of T.
        let switch = sudden_switch(&levels, -0.8, &from, &to).unwrap();
        let p = levels.probabilities(-0.8, &from).unwrap();
        let q = levels.probabilities(-0.8, &to).unwrap();
        let kl: f64 = p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum();
        close(switch.entropy_production, kl, 1e-12);
        assert!(switch.dissipated_work() < 0.0);
    }
    // A population inversion: more than half of the energy range is out of reach of T > 0.
    let (entropy, beta) = entropy_of_energy(&Canonical::two_level(), 0.7, &[1.0]).unwrap();
    close(beta, -(0.7f64 / 0.3).ln(), 1e-13);
    close(entropy, -0.7 * 0.7f64.ln() - 0.3 * 0.3f64.ln(), 1e-14);
    // On an interval, walls bound the energy: x uniform under e^{−βx} at β = −2.
    let slope = Landscape::new(0.0, 1.0, 64, 1, |x, a| {
        a[0] = x * x;
        x
    })
    .unwrap();
    let state = slope.equilibrium(-2.0, &[0.0]).unwrap();
    close(state.log_partition(), (2f64.exp_m1() / 2.0).ln(), 1e-14);
}

#[test]
fn unbounded_energies_have_no_negative_temperature() {
    let unbounded: [(&dyn System, &[f64]); 3] = [
        (&Trap::overdamped(1).unwrap(), &[1.0]),
        (&IdealGas::new(1.0, 3.0).unwrap(), &[1.0]),
        (
            &Canonical::new(Normal, 0.0, &[0.0, 0.5], DMatrix::from_element(2, 1, 0.5)).unwrap(),
            &[1.0],
        ),
    ];
    for (system, work) in unbounded {
        assert!(system.equilibrium(1.0, work).is_ok());
        let e = system.equilibrium(-1.0, work).unwrap_err();
        assert!(e.argument == "beta" || e.argument == "work", "{e}");
        // Energies below the lowest have no temperature of either sign.
        let e = entropy_of_energy(system, -1.0, work).unwrap_err();
        assert_eq!(e.argument, "energy", "{e}");
    }
    // Infinite temperature is none, for any system.
    for beta in [0.0, -0.0] {
        let e = Canonical::two_level()
            .equilibrium(beta, &[1.0])
            .unwrap_err();
        assert_eq!(e.argument, "beta");
    }
}
