//! Ensembles over finitely many states.

use super::*;

fn random_states(seed: u64) -> Microstates {
    let mut random = rng::stream(seed, 2);
    let n = 5 + random.index(6);
    let mut column = |scale: f64| -> Vec<f64> { (0..n).map(|_| scale * random.normal()).collect() };
    let (e, x, y) = (column(1.0), column(1.0), column(0.7));
    let v: Vec<f64> = column(1.0).iter().map(|v| 1.0 + v.abs()).collect();
    let count: Vec<f64> = column(2.0).iter().map(|n| n.abs().round()).collect();
    let g: Vec<f64> = column(1.0).iter().map(|g| 1.0 + g.abs()).collect();
    Microstates::new(&e)
        .and_then(|s| s.degeneracies(&g))
        .and_then(|s| s.volumes(&v))
        .and_then(|s| s.particles(&count))
        .and_then(|s| s.observable(&x))
        .and_then(|s| s.observable(&y))
        .unwrap()
}

fn slope(x: f64, f: impl Fn(f64) -> f64) -> f64 {
    let d = |h: f64| (f(x + h) - f(x - h)) / (2.0 * h);
    (4.0 * d(5e-4) - d(1e-3)) / 3.0
}

#[test]
fn each_ensemble_has_its_potential_as_log_partition() {
    for seed in 0..10 {
        let states = random_states(seed);
        let (beta, p, mu) = (0.8, 0.5, -0.3);
        let canonical = states.canonical(beta).unwrap();
        close(
            canonical.potentials().unwrap().massieu(),
            canonical.log_partition(),
            1e-13,
        );
        let isobaric = states.isobaric(beta, p).unwrap();
        let potentials = isobaric.potentials().unwrap();
        close(potentials.planck(), isobaric.log_partition(), 1e-13);
        close(potentials.gibbs(), -isobaric.log_partition() / beta, 1e-13);
        let grand = states.grand(beta, mu).unwrap();
        let potentials = grand.potentials().unwrap();
        close(potentials.kramers(), grand.log_partition(), 1e-13);
        close(potentials.grand(), -grand.log_partition() / beta, 1e-13);
    }
}

#[test]
fn means_are_slopes_of_the_log_partition_and_responses_slopes_of_means() {
    for seed in 0..6 {
        let states = random_states(seed);
        let reservoir = |beta: f64, p: f64, mu: f64, h: f64, k: f64| {
            Reservoir::new(beta)
                .and_then(|r| r.pressure(p))
                .and_then(|r| r.chemical_potential(mu))
                .and_then(|r| r.fields(&[h, k]))
                .unwrap()
        };
        let (b, p, mu, h, k) = (0.7, 0.4, 0.2, 0.3, -0.5);
        let at = |b, p, mu, h, k| states.ensemble(&reservoir(b, p, mu, h, k)).unwrap();
        let state = at(b, p, mu, h, k);
        close(
            -slope(p, |p| at(b, p, mu, h, k).log_partition()) / b,
            state.volume().unwrap(),
            1e-10,
        );
        close(
            slope(mu, |m| at(b, p, m, h, k).log_partition()) / b,
            state.particles().unwrap(),
            1e-10,
        );
        close(
            slope(h, |h| at(b, p, mu, h, k).log_partition()) / b,
            state.observable(0).unwrap(),
            1e-10,
        );
        let t = 1.0 / b;
        close(
            t * slope(t, |t| at(1.0 / t, p, mu, h, k).entropy()),
            state.heat_capacity().unwrap(),
            1e-9,
        );
        let v = state.volume().unwrap();
        close(
            -slope(p, |p| at(b, p, mu, h, k).volume().unwrap()) / v,
            state.compressibility().unwrap(),
            1e-9,
        );
        close(
            slope(t, |t| at(1.0 / t, p, mu, h, k).volume().unwrap()),
            state.thermal_expansion().unwrap(),
            1e-9,
        );
        close(
            slope(mu, |m| at(b, p, m, h, k).particles().unwrap()),
            state.particle_susceptibility().unwrap(),
            1e-9,
        );
        // Maxwell: ∂X₀/∂h₁ = ∂X₁/∂h₀.
        let chi = state.susceptibility().unwrap();
        close(
            slope(k, |k| at(b, p, mu, h, k).observable(0).unwrap()),
            chi[(0, 1)],
            1e-9,
        );
        close(
            slope(h, |h| at(b, p, mu, h, k).observable(1).unwrap()),
            chi[(1, 0)],
            1e-9,
        );
        // And of every pair with the temperature: dY = −S dT + V dP − N dμ − X·dh has mixed derivatives.
        let s = |p, mu, h, k| at(b, p, mu, h, k).entropy();
        close(
            slope(p, |p| s(p, mu, h, k)),
            -state.thermal_expansion().unwrap(),
            1e-9,
        );
        close(
            slope(mu, |m| s(p, m, h, k)),
            slope(t, |t| at(1.0 / t, p, mu, h, k).particles().unwrap()),
            1e-9,
        );
        close(
            slope(h, |h| s(p, mu, h, k)),
            slope(t, |t| at(1.0 / t, p, mu, h, k).observable(0).unwrap()),
            1e-9,
        );
        close(
            slope(mu, |m| at(b, p, m, h, k).volume().unwrap()),
            -slope(p, |p| at(b, p, mu, h, k).particles().unwrap()),
            1e-9,
        );
        close(
            slope(k, |k| at(b, p, mu, h, k).volume().unwrap()),
            -slope(p, |p| at(b, p, mu, h, k).observable(1).unwrap()),
            1e-9,
        );
        let covariance = state.covariance();
        assert_eq!(covariance.shape(), (5, 5));
        close(covariance[(3, 4)] * b, chi[(0, 1)], 1e-14);
    }
}

/// Density of states of the 4 × 4 Ising model, as exact enumeration gives it.
const ISING: [(f64, f64); 8] = [
    (-32.0, 2.0),
    (-24.0, 32.0),
    (-20.0, 64.0),
    (-16.0, 424.0),
    (-12.0, 1728.0),
    (-8.0, 6688.0),
    (-4.0, 13568.0),
    (0.0, 20524.0),
];

fn ising() -> Microstates {
    let mut levels = ISING.to_vec();
    levels.extend(ISING[..7].iter().map(|(e, g)| (-e, *g)));
    let (energies, degeneracies): (Vec<f64>, Vec<f64>) = levels.into_iter().unzip();
    Microstates::new(&energies)
        .and_then(|s| s.degeneracies(&degeneracies))
        .unwrap()
}

#[test]
fn the_ising_torus_has_its_exact_potentials() {
    let torus = ising();
    for (beta, log_z, u, c) in [
        (
            0.2,
            11.771470358541581,
            -7.298165912685515,
            1.9127390205976154,
        ),
        (
            0.6,
            20.056532884346808,
            -30.52911244529634,
            5.048860753184910,
        ),
        (
            (1.0 + 2f64.sqrt()).ln() / 2.0,
            15.521915458755284,
            -25.04998060221284,
            12.532269214866224,
        ),
    ] {
        let state = torus.canonical(beta).unwrap();
        close(state.log_partition(), log_z, 1e-14);
        close(state.energy(), u, 1e-13);
        close(state.heat_capacity().unwrap(), c, 1e-12);
    }
}

#[test]
fn microcanonical_entropy_is_the_log_of_a_count() {
    let torus = ising();
    let shell = torus.microcanonical(-16.0, 0.0).unwrap();
    close(shell.entropy(), 424f64.ln(), 1e-15);
    close(shell.log_partition(), 424f64.ln(), 1e-15);
    close(shell.energy(), -16.0, 1e-15);
    assert!(shell.potentials().is_err());
    let wide = torus.microcanonical(-22.0, 2.0).unwrap();
    close(wide.entropy(), 96f64.ln(), 1e-14);
    let beta = torus.microcanonical_beta((-8.0, -4.0), 0.0).unwrap();
    close(beta, (13568f64 / 6688.0).ln() / 4.0, 1e-14);
    assert_eq!(torus.density_of_states().len(), 15);
}

#[test]
fn canonical_is_a_mixture_of_microcanonical_and_massieu_its_legendre_transform() {
    let torus = ising();
    for beta in [0.05, 0.2, 0.44, 0.9] {
        let state = torus.canonical(beta).unwrap();
        let levels = torus.density_of_states();
        // Z = Σ e^{S(E) − βE}; its largest term bounds it from both sides.
        let terms: Vec<f64> = levels.iter().map(|(e, s)| s - beta * e).collect();
        let z: f64 = terms
            .iter()
            .map(|t| (t - state.log_partition()).exp())
            .sum();
        close(z, 1.0, 1e-13);
        let legendre = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!(legendre <= state.log_partition());
        assert!(state.log_partition() <= legendre + (levels.len() as f64).ln());
    }
}

#[test]
fn the_canonical_law_has_the_most_entropy_of_its_energy() {
    let states = random_states(3);
    let state = states.canonical(0.9).unwrap();
    let mut random = rng::stream(9, 9);
    let n = state.probabilities().len();
    let free = |p: &[f64]| {
        // F[p] = ⟨E⟩ − TS with the entropy relative to degeneracies: from the equilibrium's own numbers.
        let kl: f64 = p
            .iter()
            .zip(state.probabilities())
            .map(|(p, q)| p * (p / q).ln())
            .sum();
        (kl - state.log_partition()) / 0.9
    };
    for _ in 0..50 {
        let p = random_law(&mut random, n);
        assert!(free(&p) >= -state.log_partition() / 0.9 - 1e-12);
    }
}

#[test]
fn an_offset_of_all_energies_changes_no_fluctuation() {
    let (energies, offset) = ([0.0, 1.0, 2.5], 2f64.powi(32));
    let moved = energies.map(|e| e + offset);
    let (plain, far) = (
        Microstates::new(&energies).unwrap(),
        Microstates::new(&moved).unwrap(),
    );
    let (plain, far) = (plain.canonical(0.7).unwrap(), far.canonical(0.7).unwrap());
    close(
        far.heat_capacity().unwrap(),
        plain.heat_capacity().unwrap(),
        1e-5,
    );
    close(far.probabilities().iter().sum(), 1.0, 1e-15);
    close(far.entropy(), plain.entropy(), 1e-5);
    // Whatever the offset has rounded, the entropy is that of the probabilities.
    for seed in 0..20 {
        let energies = random_law(&mut rng::stream(seed, 4), 6);
        let moved: Vec<f64> = energies.iter().map(|e| e + offset).collect();
        let states = Microstates::new(&moved).unwrap();
        let state = states.canonical(0.7).unwrap();
        let p = state.probabilities();
        let entropy: f64 = -p.iter().map(|p| p * p.ln()).sum::<f64>();
        close(state.entropy(), entropy, 1e-14);
    }
}
