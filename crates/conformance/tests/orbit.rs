//! Hamiltonian kernels along one orbit: right ones balance to rounding, broken ones do not.

mod common;

use common::nuts::{Flaw, Nuts, hamiltonian, leapfrog};
use common::{Bug, Hmc, LogGamma};
use ergodic_conformance::{Failure, Law, Orbit, Phase, Report, check_integrator};
use ergodic_core::{Energy, EnergyGradient, MarkovKernel};

/// A curved valley in two dimensions, `x₁²/2 + (x₂ − x₁²/2)²`.
struct Banana;
impl Energy for Banana {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        0.5 * x[0] * x[0] + (x[1] - 0.5 * x[0] * x[0]).powi(2)
    }
}
impl EnergyGradient for Banana {
    fn dim(&self) -> usize {
        2
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let v = x[1] - 0.5 * x[0] * x[0];
        grad[0] = x[0] - 2.0 * v * x[0];
        grad[1] = 2.0 * v;
        self.energy(x)
    }
}

fn orbit<T: EnergyGradient>(target: &T, h: f64, reach: usize, x: &[f64], p: &[f64]) -> Orbit {
    Orbit::new(
        Phase::new(x, p),
        reach,
        |z| leapfrog(target, h, &mut z.x, &mut z.p),
        |z| leapfrog(target, -h, &mut z.x, &mut z.p),
        |z| hamiltonian(target, &z.x, &z.p),
    )
    .unwrap()
}

fn on_banana<K: MarkovKernel<Banana>>(kernel: &K, h: f64, reach: usize, at: [f64; 4]) -> Report {
    orbit(&Banana, h, reach, &at[..2], &at[2..])
        .check(kernel, &Banana, |z| z.p.clone(), 1e-12)
        .unwrap()
}

const STARTS: [[f64; 4]; 4] = [
    [0.3, 0.4, 1.1, -0.2],
    [-1.2, 0.1, 0.5, 0.9],
    [0.0, 2.0, -0.3, 0.4],
    [1.9, 1.5, -1.4, 0.2],
];

fn nuts(step: f64, flaw: Flaw) -> Nuts {
    Nuts {
        step,
        depth: 3,
        flaw,
    }
}

#[test]
fn nuts_keeps_the_weights_of_its_orbit() {
    for at in STARTS {
        for h in [0.15, 0.3, 0.45] {
            on_banana(&nuts(h, Flaw::None), h, 7, at).assert();
        }
    }
}

fn worst(flaw: Flaw) -> f64 {
    let mut worst = 0.0f64;
    for at in STARTS {
        for h in [0.15, 0.3, 0.45] {
            let report = on_banana(&nuts(h, flaw), h, 7, at);
            worst = worst.max(report.finding(Law::Invariance).unwrap().residual);
        }
    }
    worst
}

#[test]
fn an_inverted_branch_weight_is_rejected() {
    assert!(worst(Flaw::InvertedWeight) > 0.05);
}

#[test]
fn a_missing_check_of_subtrees_is_rejected() {
    // Steps long enough for a part of the tree to turn where the whole does not.
    let residual = |flaw, h| {
        let kernel = Nuts {
            depth: 3,
            ..nuts(h, flaw)
        };
        let report = orbit(&LogGamma(1), h, 7, &[-1.5], &[0.2])
            .check(&kernel, &LogGamma(1), |z| z.p.clone(), 1e-12)
            .unwrap();
        report.finding(Law::Invariance).unwrap().residual
    };
    let mut worst = 0.0f64;
    for h in [0.5, 0.75] {
        let right = residual(Flaw::None, h);
        assert!(right < 1e-12, "h = {h}: {right:e}");
        worst = worst.max(residual(Flaw::NoSubtreeCheck, h));
    }
    assert!(worst > 0.1, "{worst:e}");
}

#[test]
fn hmc_keeps_the_weights_of_its_orbit() {
    let hmc = |bug| Hmc {
        step: 0.4,
        steps: 3,
        bug,
    };
    for at in STARTS {
        on_banana(&hmc(Bug::None), 0.4, 3, at).assert();
    }
    let report = on_banana(&hmc(Bug::WrongHalfKick), 0.4, 3, STARTS[0]);
    assert!(report.fails(Law::Invariance), "{report}");
    let report = on_banana(&hmc(Bug::Frozen), 0.4, 3, STARTS[0]);
    assert!(report.fails(Law::Moves), "{report}");
}

#[test]
fn a_kernel_that_leaves_the_orbit_is_an_error() {
    let error = orbit(&LogGamma(1), 0.3, 3, &[0.5], &[0.2])
        .check(
            &Hmc {
                step: 0.31,
                steps: 3,
                bug: Bug::None,
            },
            &LogGamma(1),
            |z| z.p.clone(),
            1e-12,
        )
        .unwrap_err();
    assert!(
        matches!(error.failure, Failure::UnknownState { .. }),
        "{error}"
    );
}

#[test]
fn leapfrog_is_undone_and_keeps_volume() {
    let step = |h: f64| {
        move |z: &mut [f64]| {
            let (x, p) = z.split_at_mut(2);
            leapfrog(&Banana, h, x, p);
        }
    };
    let points: Vec<Vec<f64>> = STARTS.iter().map(|z| z.to_vec()).collect();
    check_integrator(step(0.3), step(-0.3), &points, 1e-9).assert();
    // Friction loses volume, and is undone all the same.
    let damped = |z: &mut [f64]| {
        step(0.3)(z);
        z[2] *= 0.999;
    };
    let undamped = |z: &mut [f64]| {
        z[2] /= 0.999;
        step(-0.3)(z);
    };
    let report = check_integrator(damped, undamped, &points, 1e-9);
    assert!(
        report.fails(Law::Volume) && !report.fails(Law::MapReversibility),
        "{report}"
    );
    // Half a kick too little at the end is not undone by running backwards.
    let lame = |z: &mut [f64]| {
        step(0.3)(z);
        let mut g = [0.0; 2];
        Banana.energy_gradient(&z[..2], &mut g);
        z[2] += 0.15 * g[0];
    };
    let back = |z: &mut [f64]| {
        z[2] = -z[2];
        z[3] = -z[3];
        lame(z);
        z[2] = -z[2];
        z[3] = -z[3];
    };
    let report = check_integrator(lame, back, &points, 1e-9);
    assert!(
        report.fails(Law::MapReversibility) && !report.fails(Law::Volume),
        "{report}"
    );
    // A map that gives NaN fails both.
    let nan = |z: &mut [f64]| z[0] = f64::NAN;
    let report = check_integrator(nan, |_| (), &points, 1e-9);
    assert!(report.fails(Law::Volume) && report.fails(Law::MapReversibility));
}

#[test]
fn what_is_not_a_number_is_no_point_of_an_orbit_and_no_inverse() {
    let at = STARTS[0];
    let left = orbit(&Banana, 0.3, 1, &at[..2], &at[2..])
        .check_transition(1e-12, |_, _| Ok(vec![f64::NAN; 2]));
    assert!(left.is_err());
    let map = |h: f64| move |z: &mut Phase| leapfrog(&Banana, h, &mut z.x, &mut z.p);
    // Undoes no step but the first after the start.
    let mut calls = 0;
    let backward = |z: &mut Phase| {
        calls += 1;
        if calls > 3 {
            z.x[0] = f64::NAN;
        }
        map(-0.3)(z);
    };
    let start = Phase::new(&at[..2], &at[2..]);
    let energy = |z: &Phase| hamiltonian(&Banana, &z.x, &z.p);
    let report = Orbit::new(start, 1, map(0.3), backward, energy)
        .unwrap()
        .check_transition(1e-12, |_, z| Ok(z.x.clone()))
        .unwrap();
    assert!(!report.passed(), "{report}");
    assert!(
        report
            .findings
            .iter()
            .any(|f| f.law == Law::MapReversibility && !f.passed)
    );
}
