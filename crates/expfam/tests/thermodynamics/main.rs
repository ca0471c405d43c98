//! Thermodynamics against exact values, identities and laws on random systems.

mod cycles;
mod ensembles;
mod equipartition;
mod errors;
mod finite_time;
mod learning;
mod length;
mod negative_temperatures;
mod paths;
mod responses;

use ergodic_core::Randomness;
use ergodic_expfam::families::Discrete;
use ergodic_expfam::thermodynamics::*;
use ergodic_math::rng;
use nalgebra::DMatrix;

/// A number in `[low, high)`.
fn uniform(random: &mut impl Randomness, low: f64, high: f64) -> f64 {
    low + (high - low) * random.uniform()
}

/// A random table of 4 to 8 levels with one or two observables.
fn random_levels(seed: u64, work: usize) -> Canonical<Discrete> {
    let mut random = rng::stream(seed, 0);
    let n = 4 + random.index(5);
    let energies: Vec<f64> = (0..n).map(|_| random.normal()).collect();
    let observables = DMatrix::from_fn(n, work, |_, _| random.normal());
    let degeneracies: Vec<f64> = (0..n).map(|_| uniform(&mut random, 0.5, 3.0)).collect();
    Canonical::levels(&energies, observables, &degeneracies).expect("independent")
}

/// A random law on `n` states.
fn random_law(random: &mut impl Randomness, n: usize) -> Vec<f64> {
    let weights: Vec<f64> = (0..n).map(|_| random.exponential()).collect();
    let sum: f64 = weights.iter().sum();
    let law: Vec<f64> = weights.iter().map(|w| w / sum).collect();
    law
}

#[track_caller]
fn close(found: f64, exact: f64, tolerance: f64) {
    assert!(
        (found - exact).abs() <= tolerance * exact.abs().max(1.0),
        "{found} is not {exact} to {tolerance:e}"
    );
}
