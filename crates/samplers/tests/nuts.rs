//! NUTS is reversible: exactly on every orbit, and from exact starts.

use ergodic_conformance::{Limits, outcomes};
use ergodic_core::{Energy, EnergyGradient, MarkovKernel, Randomness, StepInfo, WarmupStep};
use ergodic_math::moments::Moments;
use ergodic_math::rng::stream;
use ergodic_samplers::Nuts;
use ergodic_samplers::hamiltonian::{EnergyReport, Metric, PhasePoint, WarmupSettings, Warning};

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
            let info = kernel
                .transition(target, &mut state, point.momentum(), rng)
                .unwrap();
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

#[test]
fn nuts_balances_orbits_of_sixteen_points() {
    // From the fourth doubling on a half is chosen from by itself, not with those before it.
    let target = Wells { dim: 1, bend: 0.0 };
    let kernel = Nuts::new()
        .with_step_size(0.11)
        .unwrap()
        .with_max_depth(4)
        .unwrap();
    let (invariance, balance, offsets) = orbit_residuals(&kernel, &target, &[0.9], &[0.7]);
    assert!(
        invariance < 1e-12 && balance < 1e-12,
        "invariance {invariance:e}, balance {balance:e}"
    );
    assert!(offsets >= 25, "{offsets} offsets of 31");
}

#[test]
fn nuts_balances_orbits_in_many_dimensions() {
    // The more dimensions, the fewer points a choice waits for.
    for (dim, step) in [(200, 0.12), (300, 0.1), (600, 0.08)] {
        let target = Wells { dim, bend: 1.0 };
        let kernel = Nuts::new()
            .with_step_size(step)
            .unwrap()
            .with_max_depth(3)
            .unwrap();
        let mut rng = stream(6, dim as u64);
        let mut draw = || (0..dim).map(|_| rng.normal()).collect::<Vec<f64>>();
        let (x, p) = (draw(), draw());
        let (invariance, balance, offsets) = orbit_residuals(&kernel, &target, &x, &p);
        // H is of the order of `dim`, its rounding of 10⁻¹³ · dim/600.
        assert!(
            invariance < 1e-11 && balance < 1e-11,
            "{dim} dimensions: invariance {invariance:e}, balance {balance:e}"
        );
        assert!(offsets >= 13, "{dim} dimensions: {offsets} offsets of 15");
    }
}

/// Independent normals with standard deviations 1, 2, …
struct Scales(usize);

impl Energy for Scales {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        self.energy_gradient(x, &mut vec![0.0; x.len()])
    }
}

impl EnergyGradient for Scales {
    fn dim(&self) -> usize {
        self.0
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let mut sum = 0.0;
        for (i, (g, x)) in grad.iter_mut().zip(x).enumerate() {
            *g = x / ((i + 1) * (i + 1)) as f64;
            sum += 0.5 * x * *g;
        }
        sum
    }
}

#[test]
fn nuts_keeps_the_moments_of_exact_starts() {
    // 120,000 chains start at exact draws and make one step; z-tests of E[x²], E[x⁴] and E[xᵢxⱼ] per
    // coordinate. 24 comparisons at |z| < 6.1: a right kernel fails with probability 3·10⁻⁸.
    let target = Scales(8);
    let mut kernel = Nuts::new()
        .with_metric(Metric::diagonal(&[1.0, 3.0, 9.0, 20.0, 20.0, 30.0, 50.0, 70.0]).unwrap())
        .with_step_size(0.6)
        .unwrap();
    let mut rng = stream(11, 0);
    let n = 120_000;
    let mut state = kernel.init(&target, &[0.0; 8]).unwrap();
    let mut moments = [[0.0; 8]; 3];
    let mut moved = 0.0;
    for _ in 0..n {
        let x: Vec<f64> = (0..8).map(|i| (i + 1) as f64 * rng.normal()).collect();
        kernel.reset(&target, &mut state, Some(&x)).unwrap();
        let info = kernel.step(&target, &mut state, &mut rng).unwrap();
        moved += f64::from(u8::from(info.offset != 0)) / f64::from(n);
        for i in 0..8 {
            let z = state.position()[i] / (i + 1) as f64;
            let next = state.position()[(i + 1) % 8] / ((i + 1) % 8 + 1) as f64;
            moments[0][i] += z * z;
            moments[1][i] += z.powi(4);
            moments[2][i] += z * next;
        }
    }
    assert!(moved > 0.9, "{moved}");
    for (moment, exact, variance) in [(0, 1.0, 2.0), (1, 3.0, 96.0), (2, 0.0, 1.0)] {
        for (i, sum) in moments[moment].iter().enumerate() {
            let mean = sum / f64::from(n);
            let z = (mean - exact) / (variance / f64::from(n)).sqrt();
            assert!(z.abs() < 6.1, "moment {moment} of {i}: {mean}, z = {z:.2}");
        }
    }
}

#[test]
fn warmup_ends_with_a_frozen_kernel_that_does_not_depend_on_the_driver() {
    let target = Scales(8);
    let run = || {
        let mut rng = stream(3, 1);
        let mut kernel = Nuts::new();
        let mut state = kernel.init(&target, &[1.0; 8]).unwrap();
        for step in 0..300 {
            let info = kernel.step(&target, &mut state, &mut rng).unwrap();
            let at = WarmupStep { step, of: 300 };
            kernel
                .adapt(&target, &mut state, Some(&info), at, &mut rng)
                .unwrap();
        }
        let frozen = (kernel.step_size(), kernel.metric().clone());
        for _ in 0..500 {
            kernel.step(&target, &mut state, &mut rng).unwrap();
        }
        assert_eq!(frozen, (kernel.step_size(), kernel.metric().clone()));
        (frozen, state.position().to_vec())
    };
    let (first, second) = (run(), run());
    assert_eq!(first, second);
    let ((step_size, metric), _) = first;
    // Exact by `V(x)/V(∇E)` for independent normals, and by `V(x)`, which may score as well, to six standard
    // errors of the deviation of 170 draws.
    assert_eq!(metric.name(), "diagonal");
    let mut velocity = [0.0; 8];
    metric.velocity(&[1.0; 8], &mut velocity);
    for (i, v) in velocity.iter().enumerate() {
        assert!((v / (i + 1) as f64 - 1.0).abs() < 0.33, "{velocity:?}");
    }
    assert!(step_size > 0.3 && step_size < 2.0, "{step_size}");
}

/// The step size is within a quarter of the one at which the acceptance is the goal: shorter steps
/// by that factor accept more, longer ones less.
#[test]
fn the_frozen_step_size_reaches_the_goal_of_acceptance_within_a_quarter() {
    let target = Scales(8);
    for (seed, goal) in [(1, 0.6), (2, 0.8), (3, 0.9)] {
        let settings = WarmupSettings::new().target_acceptance(goal).unwrap();
        let mut kernel = Nuts::new().with_warmup(settings);
        let mut rng = stream(15, seed);
        let mut state = kernel.init(&target, &[1.0; 8]).unwrap();
        for step in 0..1000 {
            let info = kernel.step(&target, &mut state, &mut rng).unwrap();
            let at = WarmupStep { step, of: 1000 };
            kernel
                .adapt(&target, &mut state, Some(&info), at, &mut rng)
                .unwrap();
        }
        let mut acceptance = |factor: f64| {
            let step_size = kernel.step_size() * factor;
            let mut kernel = kernel.clone().with_step_size(step_size).unwrap();
            let mut mean = Moments::new();
            for _ in 0..4000 {
                let info = kernel.step(&target, &mut state, &mut rng).unwrap();
                mean.push(info.acceptance);
            }
            mean.mean().unwrap()
        };
        let (shorter, longer) = (acceptance(1.0 / 1.25), acceptance(1.25));
        println!("goal {goal}: {shorter} and {longer}");
        // Means of 4000 numbers between 0 and 1: their errors are a tenth of these distances.
        assert!(
            shorter > goal && goal > longer,
            "{goal}: {shorter}, {longer}"
        );
    }
}

/// A normal inside a ball, nothing outside, or NaN outside.
struct Ball(f64);

impl Energy for Ball {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let square: f64 = x.iter().map(|x| x * x).sum();
        if square < 1.0 { 0.5 * square } else { self.0 }
    }
}

impl EnergyGradient for Ball {
    fn dim(&self) -> usize {
        2
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad.copy_from_slice(x);
        self.energy(x)
    }
}

#[test]
fn points_without_a_finite_energy_are_divergences_and_never_chosen() {
    for outside in [f64::INFINITY, f64::NAN, f64::NEG_INFINITY] {
        let target = Ball(outside);
        let mut kernel = Nuts::new().with_step_size(0.7).unwrap();
        let mut state = kernel.init(&target, &[0.1, 0.2]).unwrap();
        let mut rng = stream(4, 0);
        let mut divergences = 0;
        for _ in 0..2000 {
            let info = kernel.step(&target, &mut state, &mut rng).unwrap();
            assert!(target.energy(state.position()).is_finite());
            assert!(info.acceptance >= 0.0 && info.acceptance <= 1.0);
            assert_eq!(info.divergent, info.energy_error.is_infinite());
            divergences += usize::from(info.divergent);
        }
        assert!(divergences > 100, "{outside}: {divergences}");
        assert!(kernel.init(&target, &[2.0, 0.0]).is_err());
    }
}

#[test]
fn starts_and_settings_outside_their_domain_are_refused() {
    let target = Scales(2);
    assert!(Nuts::new().with_step_size(0.0).is_err());
    assert!(Nuts::new().with_step_size(f64::NAN).is_err());
    assert!(Nuts::new().with_max_depth(0).is_err());
    assert!(Nuts::new().with_max_depth(25).is_err());
    assert!(Nuts::new().init(&target, &[1.0]).is_err());
    assert!(Nuts::new().init(&target, &[f64::NAN, 1.0]).is_err());
    assert!(Nuts::new().init(&Scales(0), &[]).is_err());
    let wrong = Nuts::new().with_metric(Metric::diagonal(&[1.0; 3]).unwrap());
    assert!(wrong.init(&target, &[1.0, 1.0]).is_err());
    // A metric that comes later is refused by the step.
    let mut state = Nuts::new().init(&target, &[1.0, 1.0]).unwrap();
    assert!(
        wrong
            .clone()
            .step(&target, &mut state, &mut stream(1, 0))
            .is_err()
    );
}

/// Neal's funnel: `v ~ N(0, 3²)`, nine `xᵢ ~ N(0, e^v)`.
struct Funnel;

impl Energy for Funnel {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        self.energy_gradient(x, &mut [0.0; 10])
    }
}

impl EnergyGradient for Funnel {
    fn dim(&self) -> usize {
        10
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let (v, scale) = (x[0], (-x[0]).exp());
        let sum: f64 = x[1..].iter().map(|x| x * x).sum();
        for (g, x) in grad.iter_mut().zip(x) {
            *g = x * scale;
        }
        grad[0] = v / 9.0 + 4.5 - 0.5 * sum * scale;
        v * v / 18.0 + 4.5 * v + 0.5 * sum * scale
    }
}

#[test]
fn the_centred_funnel_is_reported_and_normals_are_not() {
    fn warnings<T: EnergyGradient>(target: &T, seed: u64) -> Vec<Warning> {
        let mut rng = stream(seed, 0);
        let mut kernel = Nuts::new();
        let mut state = kernel.init(target, &vec![0.5; target.dim()]).unwrap();
        for step in 0..300 {
            let info = kernel.step(target, &mut state, &mut rng).unwrap();
            let at = WarmupStep { step, of: 300 };
            kernel
                .adapt(target, &mut state, Some(&info), at, &mut rng)
                .unwrap();
        }
        let mut report = EnergyReport::new(kernel.max_depth());
        for _ in 0..1000 {
            report.push(&kernel.step(target, &mut state, &mut rng).unwrap().stats());
        }
        report.warnings()
    }
    for seed in 0..6 {
        let funnel = warnings(&Funnel, seed);
        assert!(!funnel.is_empty(), "seed {seed}: silent");
        let normal = warnings(&Scales(10), seed);
        assert!(normal.is_empty(), "seed {seed}: {normal:?}");
    }
}

/// The leapfrog of oscillators under an energy of its own, in terraces of this height: NUTS reads
/// the force and the energy, and no law connects them here.
struct Terraces {
    dim: usize,
    height: f64,
}

impl Energy for Terraces {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let far = (x[0] - 0.3).abs();
        let level = f64::from(u8::from(far < 0.2)) + f64::from(u8::from(far < 0.7));
        self.height * level + (5.0 * x[0] + 1.0).sin()
    }
}

impl EnergyGradient for Terraces {
    fn dim(&self) -> usize {
        self.dim
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad.copy_from_slice(x);
        self.energy(x)
    }
}

/// Steps down of 45 and of 700 nats are the same to `e^{−40}`, but for the latter weights have to be
/// rescaled, twice. Long vectors are chosen among one by one, short ones by blocks of eight points.
#[test]
fn nuts_falls_by_hundreds_of_nats_as_by_forty() {
    for (dim, rotation, depth) in [(1, 0.05, 4), (1, 0.11, 4), (1, 0.3, 4), (600, 0.3, 3)] {
        let law = |height: f64| {
            let target = Terraces { dim, height };
            let kernel = Nuts::new().with_step_size(rotation).unwrap();
            let kernel = kernel.with_max_depth(depth).unwrap();
            let (mut x, mut p) = (vec![0.0; dim], vec![0.0; dim]);
            (x[0], p[0]) = (0.3, 1.1);
            let start = kernel.init(&target, &x).unwrap();
            let paths = outcomes(Limits::default(), |rng| {
                let info = kernel.transition(&target, &mut start.clone(), &p, rng);
                let info = info.unwrap();
                (info.offset, info.acceptance, info.energy_error)
            });
            let (mut law, mut acceptance, mut drop) = ([0.0; 63], 0.0, 0.0f64);
            for (p, (offset, a, error)) in paths.unwrap() {
                law[usize::try_from(31 + offset).unwrap()] += p;
                acceptance += p * a;
                drop = drop.min(error);
            }
            (law, acceptance, drop)
        };
        let (plain, a, _) = law(45.0);
        let (deep, b, drop) = law(700.0);
        let case = format!("{dim} dimensions, step {rotation}");
        assert!(drop < -1300.0, "{case}: {drop} nats");
        assert!((a - b).abs() < 1e-12, "{case}: acceptances {a} and {b}");
        for (p, q) in plain.iter().zip(&deep) {
            assert!((p - q).abs() < 1e-13, "{case}: {plain:?} {deep:?}");
        }
    }
}

#[test]
fn transitions_refuse_what_has_another_dimension() {
    let target = Scales(2);
    let start = Nuts::new().init(&target, &[0.1, 0.2]).unwrap();
    let mut rng = stream(1, 0);
    let mut refused = |kernel: &Nuts, target: &Scales, momentum: &[f64]| {
        let outcome = kernel.transition(target, &mut start.clone(), momentum, &mut rng);
        outcome.unwrap_err().to_string()
    };
    assert!(refused(&Nuts::new(), &target, &[1.0]).contains("momentum"));
    assert!(refused(&Nuts::new(), &Scales(3), &[1.0; 2]).contains("target"));
    let three = Nuts::new().with_metric(Metric::diagonal(&[1.0; 3]).unwrap());
    assert!(refused(&three, &target, &[1.0; 2]).contains("metric"));
}
