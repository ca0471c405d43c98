//! Laws of the leapfrog: reversibility, volume, order, and the mean of e^{−ΔH}.

use ergodic_core::{Energy, EnergyGradient};
use ergodic_samplers::hamiltonian::{Metric, PhasePoint};
use nalgebra::DMatrix;

/// `E(x) = Σ xᵢ⁴/4 + x₀x₁/2`: neither quadratic nor separable.
struct Quartic(usize);

impl Energy for Quartic {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        x.iter().map(|v| v.powi(4) / 4.0).sum::<f64>() + 0.5 * x[0] * x[self.0 - 1]
    }
}

impl EnergyGradient for Quartic {
    fn dim(&self) -> usize {
        self.0
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        for (g, v) in grad.iter_mut().zip(x) {
            *g = v.powi(3);
        }
        grad[0] += 0.5 * x[self.0 - 1];
        grad[self.0 - 1] += 0.5 * x[0];
        self.energy(x)
    }
}

/// A metric of each form in `d ≥ 2` dimensions.
fn metrics(d: usize) -> Vec<Metric> {
    let variances: Vec<f64> = (0..d).map(|i| 0.5 + 0.1 * i as f64).collect();
    let covariance = DMatrix::from_fn(d, d, |i, j| {
        0.5f64.powi(i.abs_diff(j) as i32) * (variances[i] * variances[j]).sqrt()
    });
    let mut direction = vec![0.0; d];
    (direction[0], direction[d - 1]) = (0.6, -0.8);
    vec![
        Metric::identity(),
        Metric::diagonal(&variances).unwrap(),
        Metric::dense(&covariance).unwrap(),
        Metric::low_rank(&variances, &direction, &[3.0]).unwrap(),
    ]
}

fn start(target: &Quartic, metric: &Metric) -> PhasePoint {
    let d = target.dim();
    let x: Vec<f64> = (0..d).map(|i| (1.0 + i as f64).sin()).collect();
    let mut point = PhasePoint::new(target, metric, &x).unwrap();
    for (i, p) in point.momentum_mut().iter_mut().enumerate() {
        *p = (2.0 + 3.0 * i as f64).cos();
    }
    point
}

fn distance(a: &PhasePoint, b: &PhasePoint) -> f64 {
    let both = |p: &PhasePoint| [p.position(), p.momentum()].concat();
    both(a)
        .iter()
        .zip(both(b))
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

#[test]
fn leapfrog_with_flipped_momentum_runs_back() {
    // Lengths beside and at the widths of the SIMD loops.
    for d in [2, 7, 8, 19, 64, 131] {
        let target = Quartic(d);
        for metric in metrics(d) {
            let begin = start(&target, &metric);
            let mut point = begin.clone();
            for _ in 0..20 {
                point.leapfrog(&target, &metric, 0.1);
            }
            assert!(distance(&point, &begin) > 0.1, "{metric:?} does not move");
            point.flip();
            for _ in 0..20 {
                point.leapfrog(&target, &metric, 0.1);
            }
            point.flip();
            let error = distance(&point, &begin);
            assert!(error < 1e-12, "{metric:?}: back to {error:e}");
            // A negative step is the same way back.
            let mut forth = begin.clone();
            forth.leapfrog(&target, &metric, 0.1);
            forth.leapfrog(&target, &metric, -0.1);
            assert!(distance(&forth, &begin) < 1e-14);
        }
    }
}

#[test]
fn leapfrog_preserves_volume_and_the_symplectic_form() {
    let d = 3;
    let target = Quartic(d);
    for metric in metrics(d) {
        let begin = start(&target, &metric);
        let image = |k: usize, shift: f64| {
            let mut x = begin.position().to_vec();
            let mut p = begin.momentum().to_vec();
            if k < d {
                x[k] += shift;
            } else {
                p[k - d] += shift;
            }
            let mut point = PhasePoint::new(&target, &metric, &x).unwrap();
            point.momentum_mut().copy_from_slice(&p);
            for _ in 0..5 {
                point.leapfrog(&target, &metric, 0.2);
            }
            [point.position(), point.momentum()].concat()
        };
        // Central differences extrapolated once: an error of order h⁴.
        let mut jacobian = DMatrix::zeros(2 * d, 2 * d);
        let h = 1e-3;
        for k in 0..2 * d {
            let quotient = |h: f64| -> Vec<f64> {
                let (up, down) = (image(k, h), image(k, -h));
                up.iter()
                    .zip(down)
                    .map(|(u, w)| (u - w) / (2.0 * h))
                    .collect()
            };
            let (coarse, fine) = (quotient(h), quotient(0.5 * h));
            for i in 0..2 * d {
                jacobian[(i, k)] = (4.0 * fine[i] - coarse[i]) / 3.0;
            }
        }
        let determinant = jacobian.determinant();
        assert!(
            (determinant - 1.0).abs() < 1e-9,
            "{metric:?}: {determinant}"
        );
    }
}

#[test]
fn energy_error_over_a_fixed_time_is_of_second_order() {
    let target = Quartic(5);
    for metric in metrics(5) {
        let error = |steps: usize| {
            let mut point = start(&target, &metric);
            let before = point.hamiltonian();
            for _ in 0..steps {
                point.leapfrog(&target, &metric, 1.0 / steps as f64);
            }
            point.hamiltonian() - before
        };
        let (coarse, fine) = (error(64), error(128));
        let order = (coarse / fine).abs().log2();
        assert!((order - 2.0).abs() < 0.05, "{metric:?}: order {order}");
    }
}

#[test]
fn leapfrog_is_exact_to_its_shadow_on_oscillators_of_every_metric() {
    /// `½ xᵀ K x`.
    struct Normal(DMatrix<f64>);
    impl Energy for Normal {
        type State = [f64];
        fn energy(&self, x: &[f64]) -> f64 {
            self.energy_gradient(x, &mut [0.0; 2])
        }
    }
    impl EnergyGradient for Normal {
        fn dim(&self) -> usize {
            2
        }
        fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
            for i in 0..2 {
                grad[i] = (0..2).map(|j| self.0[(i, j)] * x[j]).sum();
            }
            0.5 * (grad[0] * x[0] + grad[1] * x[1])
        }
    }
    let covariance = DMatrix::from_row_slice(2, 2, &[2.0, 1.2, 1.2, 1.0]);
    let target = Normal(covariance.clone().try_inverse().unwrap());
    // With the metric of the target itself every mode has frequency 1, and leapfrog conserves
    // |p|²/2 + E(x)(1 − h²/4).
    let metric = Metric::dense(&covariance).unwrap();
    let h = 0.7;
    let mut point = PhasePoint::new(&target, &metric, &[1.0, -0.3]).unwrap();
    point.momentum_mut().copy_from_slice(&[0.2, 0.9]);
    let shadow = |p: &PhasePoint| p.kinetic_energy() + p.energy() * (1.0 - h * h / 4.0);
    let before = shadow(&point);
    for _ in 0..50 {
        point.leapfrog(&target, &metric, h);
        assert!((shadow(&point) - before).abs() < 1e-13);
    }
}

#[test]
fn mean_of_exp_of_minus_the_energy_error_is_one() {
    // ⟨e^{−ΔH}⟩ = ∫ e^{−H(after)} / ∫ e^{−H}: the trapezoidal rule converges exponentially on
    // densities as smooth and as short-tailed as these.
    let target = Quartic(1);
    let metric = Metric::diagonal(&[0.8]).unwrap();
    for (steps, h) in [(1, 0.3), (3, 0.3), (2, 0.5)] {
        let (mut exact, mut after, mut moved) = (0.0, 0.0, 0.0f64);
        let n = 240;
        for i in 0..=n {
            let x = -6.0 + 12.0 * i as f64 / n as f64;
            let mut point = PhasePoint::new(&target, &metric, &[x]).unwrap();
            let origin = point.clone();
            for j in 0..=n {
                point.copy_from(&origin);
                point.momentum_mut()[0] = -12.0 + 24.0 * j as f64 / n as f64;
                let before = point.hamiltonian();
                for _ in 0..steps {
                    point.leapfrog(&target, &metric, h);
                }
                let weight = (-before).exp();
                let later = point.hamiltonian();
                exact += weight;
                if later.is_finite() {
                    after += (-later).exp();
                    moved += weight * (later - before).abs();
                }
            }
        }
        assert!(moved / exact > 1e-3, "a trivial trajectory");
        let mean = after / exact;
        assert!((mean - 1.0).abs() < 1e-6, "{steps} steps of {h}: {mean}");
    }
}

#[test]
fn starts_outside_the_domain_are_refused() {
    let target = Quartic(2);
    let metric = Metric::identity();
    let refuse =
        |metric: &Metric, x: &[f64]| PhasePoint::new(&target, metric, x).unwrap_err().reason;
    assert!(refuse(&metric, &[1.0]).contains("length 1"));
    assert!(refuse(&metric, &[1.0, f64::NAN]).contains("coordinate"));
    assert!(refuse(&metric, &[1e200, 0.0]).contains("energy at the start"));
    let wrong = Metric::diagonal(&[1.0; 3]).unwrap();
    assert!(refuse(&wrong, &[1.0, 1.0]).contains("the metric has length 3"));
    assert!(PhasePoint::new(&Quartic(0), &metric, &[]).is_err());
}
