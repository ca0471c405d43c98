//! NUTS is reversible: exactly on every orbit, and from exact starts.

use ergodic_conformance::{Limits, outcomes};
use ergodic_core::{Energy, EnergyGradient, MarkovKernel, Randomness};
use ergodic_math::rng::stream;
use ergodic_samplers::Nuts;
use ergodic_samplers::hamiltonian::{Metric, PhasePoint};

/// `Σ xᵢ⁴/4 − b xᵢ²/2 + c x₀x₁`, wells that are neither symmetric in time nor in length.
struct Wells {
    dim: usize,
    bend: f64,
}

impl Energy for Wells {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let wells: f64 = x
            .iter()
            .map(|v| 0.25 * v.powi(4) - 0.5 * self.bend * v * v + 0.1 * v)
            .sum();
        wells + 0.5 * x[0] * x[self.dim - 1]
    }
}

impl EnergyGradient for Wells {
    fn dim(&self) -> usize {
        self.dim
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        for (g, v) in grad.iter_mut().zip(x) {
            *g = v.powi(3) - self.bend * v + 0.1;
        }
        grad[0] += 0.5 * x[self.dim - 1];
        grad[self.dim - 1] += 0.5 * x[0];
        self.energy(x)
    }
}

/// The largest violations of `Σᵢ wᵢPᵢⱼ = wⱼ` and of `wᵢPᵢⱼ = wⱼPⱼᵢ` over points `j` of the orbit
/// through `(x, p)`, in units of the largest weight in reach, and the number of offsets seen.
fn orbit_residuals(kernel: &Nuts, target: &Wells, x: &[f64], p: &[f64]) -> (f64, f64, usize) {
    let reach = 1i64 << kernel.max_depth();
    // Rows from −2·reach to 2·reach make columns of −reach to reach complete.
    let (step, metric) = (kernel.step_size(), kernel.metric());
    let mut origin = PhasePoint::new(target, metric, x).unwrap();
    origin.momentum_mut().copy_from_slice(p);
    let mut points = vec![origin.clone()];
    for sign in [-1.0, 1.0] {
        let mut point = origin.clone();
        for _ in 0..2 * reach {
            point.leapfrog(target, metric, sign * step);
            if sign < 0.0 {
                points.insert(0, point.clone());
            } else {
                points.push(point.clone());
            }
        }
    }
    let base = origin.hamiltonian();
    let weight: Vec<f64> = points
        .iter()
        .map(|z| {
            let h = z.hamiltonian();
            // An orbit may fly away: no weight, and nothing starts there.
            if h.is_finite() { (base - h).exp() } else { 0.0 }
        })
        .collect();
    let n = points.len();
    let mut flow = vec![vec![0.0; n]; n];
    let mut seen = std::collections::HashSet::new();
    for (i, point) in points.iter().enumerate() {
        if !point.hamiltonian().is_finite() {
            continue;
        }
        let start = kernel.init(target, point.position()).unwrap();
        let law = outcomes(Limits::default(), |rng| {
            let mut state = start.clone();
            let info = kernel.transition(target, &mut state, point.momentum(), rng);
            (info.offset, state.position()[0])
        })
        .unwrap();
        for (probability, (offset, there)) in law {
            seen.insert(offset);
            let j = usize::try_from(i as i64 + offset);
            if let Ok(j) = j
                && j < n
            {
                flow[i][j] += weight[i] * probability;
                let expected = points[j].position()[0];
                let error = (there - expected).abs() / (1.0 + expected.abs());
                // Where the orbit flies away the way there is too unstable to be compared.
                assert!(
                    error < 1e-9 || weight[i] < 1e-10,
                    "offset {offset} from {i}: {there}, not {expected}"
                );
            }
        }
    }
    let (mut invariance, mut balance) = (0.0f64, 0.0f64);
    let scale = weight.iter().copied().fold(0.0, f64::max);
    for j in reach as usize..n - reach as usize {
        let into: f64 = flow.iter().map(|row| row[j]).sum();
        invariance = invariance.max((into - weight[j]).abs() / scale);
        for i in reach as usize..n - reach as usize {
            balance = balance.max((flow[i][j] - flow[j][i]).abs() / scale);
        }
    }
    (invariance, balance, seen.len())
}

fn kernels(dim: usize) -> Vec<Nuts> {
    let variances: Vec<f64> = (0..dim).map(|i| 0.7 + 0.2 * i as f64).collect();
    let covariance = nalgebra::DMatrix::from_fn(dim, dim, |i, j| {
        0.6f64.powi(i.abs_diff(j) as i32) * (variances[i] * variances[j]).sqrt()
    });
    let mut direction = vec![0.0; dim];
    direction[dim - 1] = 1.0;
    [
        Metric::identity(),
        Metric::diagonal(&variances).unwrap(),
        Metric::dense(&covariance).unwrap(),
        Metric::low_rank(&variances, &direction, &[2.0]).unwrap(),
    ]
    .map(|metric| Nuts::new().with_metric(metric))
    .into()
}

#[test]
fn nuts_balances_every_orbit_to_rounding() {
    let mut depths = 0;
    for (dim, bend, step) in [
        (1, 0.0, 0.9),
        (1, 2.0, 0.55),
        (2, 1.0, 0.6),
        (2, 1.0, 1.1),
        (3, 0.5, 0.4),
        (3, 0.5, 1.3),
    ] {
        let target = Wells { dim, bend };
        for (k, kernel) in kernels(dim).into_iter().enumerate() {
            let kernel = kernel
                .with_step_size(step)
                .unwrap()
                .with_max_depth(3)
                .unwrap();
            let mut rng = stream(5, (10 * dim + k) as u64);
            let mut draw = || (0..dim).map(|_| rng.normal()).collect::<Vec<f64>>();
            let (x, p) = (draw(), draw());
            let (invariance, balance, offsets) = orbit_residuals(&kernel, &target, &x, &p);
            assert!(
                invariance < 1e-12 && balance < 1e-12,
                "{dim} dimensions, step {step}, {:?}: invariance {invariance:e}, \
                 balance {balance:e}",
                kernel.metric()
            );
            depths = depths.max(offsets);
        }
    }
    assert!(
        depths >= 9,
        "no trajectory of eight points or more: {depths}"
    );
}
