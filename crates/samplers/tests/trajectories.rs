//! MALA, HMC, MAMS and MCLMC against their claims: by quadrature where a step has few draws, by
//! exact identities, and from exact starts.

use ergodic_conformance::{Quadrature, QuasiMonteCarlo, suite};
use ergodic_core::{
    Claims, Energy, EnergyGradient, MarkovKernel, Randomness, Stationarity, StepInfo, WarmupStep,
};
use ergodic_samplers::hamiltonian::Metric;
use ergodic_samplers::{Hmc, IsokineticIntegrator, Jitter, Mala, Mams, Mclmc, TrajectoryLength};
use nalgebra::DMatrix;

ergodic_conformance::counting_allocator!();

/// A target from a function that returns the energy and writes the gradient.
#[derive(Clone, Copy)]
struct Target(usize, fn(&[f64], &mut [f64]) -> f64);

impl Energy for Target {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        self.1(x, &mut vec![0.0; x.len()])
    }
}

impl EnergyGradient for Target {
    fn dim(&self) -> usize {
        self.0
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        self.1(x, grad)
    }
}

/// `x⁴/4 − x²`.
const DOUBLE_WELL: Target = Target(1, |x, g| {
    g[0] = x[0].powi(3) - 2.0 * x[0];
    0.25 * x[0].powi(4) - x[0].powi(2)
});

/// A Gumbel law, `x + e^{−x}`.
const SKEWED: Target = Target(1, |x, g| {
    let e = (-x[0]).exp();
    g[0] = 1.0 - e;
    x[0] + e
});

/// Student's t with seven degrees of freedom.
const HEAVY: Target = Target(1, |x, g| {
    let q = 1.0 + x[0] * x[0] / 7.0;
    g[0] = 4.0 * (2.0 * x[0] / 7.0) / q;
    4.0 * q.ln()
});

/// Correlated, neither normal nor symmetric: `x²/2 + (y − x/2 − x²/4)²/(2·0.36)`.
const BENT: Target = Target(2, |x, g| {
    let r = x[1] - 0.5 * x[0] - 0.25 * x[0] * x[0];
    g[0] = x[0] - r / 0.36 * (0.5 + 0.5 * x[0]);
    g[1] = r / 0.36;
    0.5 * x[0] * x[0] + r * r / 0.72
});

/// A hyperbola-like law with forces of bounded size, skewed: `2√(1 + (x − y/2)² + y²) + sin(x)/2`.
const SOFT: Target = Target(2, |x, g| {
    let a = x[0] - 0.5 * x[1];
    let root = (1.0 + a * a + x[1] * x[1]).sqrt();
    g[0] = 2.0 * a / root + 0.5 * x[0].cos();
    g[1] = (2.0 * x[1] - a) / root;
    2.0 * root + 0.5 * x[0].sin()
});

/// A normal with correlation 0.7 and variances 1 and 4.
const CORRELATED: Target = Target(2, |x, g| {
    let (a, b) = (x[0], 0.5 * x[1]);
    let s = 1.0 / (1.0 - 0.49);
    g[0] = s * (a - 0.7 * b);
    g[1] = 0.5 * s * (b - 0.7 * a);
    0.5 * s * (a * a - 1.4 * a * b + b * b)
});

fn standard_normal(dim: usize) -> Target {
    Target(dim, |x, g| {
        g.copy_from_slice(x);
        0.5 * x.iter().map(|x| x * x).sum::<f64>()
    })
}

fn diagonal(variances: &[f64]) -> Metric {
    Metric::diagonal(variances).unwrap()
}

fn dense(covariance: [f64; 4]) -> Metric {
    Metric::dense(&DMatrix::from_row_slice(2, 2, &covariance)).unwrap()
}

fn low_rank() -> Metric {
    Metric::low_rank(&[0.8, 1.1], &[0.6, 0.8], &[1.6]).unwrap()
}

fn mala(step_size: f64) -> Mala {
    Mala::new().with_step_size(step_size).unwrap()
}

fn hmc(steps: usize, step_size: f64, jitter: Jitter) -> Hmc {
    let kernel = Hmc::new(TrajectoryLength::Steps(steps)).unwrap();
    let kernel = kernel.with_jitter(jitter).unwrap();
    kernel.with_step_size(step_size).unwrap()
}

fn on(lower: f64, upper: f64) -> Quadrature {
    Quadrature::new(&[(lower, upper)]).unwrap()
}

fn on_plane(x: f64, y: (f64, f64)) -> Quadrature {
    Quadrature::new(&[(-x, x), y]).unwrap()
}

ergodic_conformance::kernel!(mala_on_a_double_well {
    kernel: mala(0.7),
    target: DOUBLE_WELL,
    quadrature: on(-5.0, 5.0),
    tolerance: 3e-5,
});
ergodic_conformance::kernel!(mala_on_a_skewed_law {
    kernel: mala(0.9).with_metric(diagonal(&[1.7])),
    target: SKEWED,
    quadrature: on(-4.0, 36.0).nodes(200, 100).unwrap(),
    tolerance: 3e-5,
    energy_shift: 1e-9,
    serde: true,
});
ergodic_conformance::kernel!(mala_on_a_heavy_tail {
    kernel: mala(1.5),
    target: HEAVY,
    quadrature: on(-80.0, 80.0).nodes(400, 100).unwrap(),
    tolerance: 1e-5,
});
ergodic_conformance::kernel!(mala_on_a_correlated_normal {
    kernel: mala(0.9).with_metric(dense([1.0, 1.4, 1.4, 4.0])),
    target: CORRELATED,
    quadrature: on_plane(8.0, (-16.0, 16.0)).nodes(14, 10).unwrap(),
    tolerance: 1e-3,
});
ergodic_conformance::kernel!(mala_on_a_bent_law {
    kernel: mala(0.8).with_metric(low_rank()),
    target: BENT,
    quadrature: on_plane(7.0, (-7.0, 17.0)).nodes(24, 16).unwrap(),
    tolerance: 1e-3,
});
ergodic_conformance::kernel!(hmc_static_on_a_double_well {
    kernel: hmc(5, 0.4, Jitter::None),
    target: DOUBLE_WELL,
    quadrature: on(-5.0, 5.0),
    tolerance: 3e-5,
});
ergodic_conformance::kernel!(hmc_with_random_steps_on_a_skewed_law {
    kernel: hmc(3, 0.5, Jitter::Steps).with_metric(diagonal(&[1.7])),
    target: SKEWED,
    quadrature: on(-4.0, 36.0).nodes(200, 100).unwrap(),
    tolerance: 1e-5,
    energy_shift: 1e-9,
    serde: true,
});
ergodic_conformance::kernel!(hmc_with_random_durations_on_a_heavy_tail {
    kernel: hmc(2, 0.8, Jitter::Exponential).with_max_steps(6).unwrap(),
    target: HEAVY,
    quadrature: on(-80.0, 80.0).nodes(120, 24).unwrap(),
    tolerance: 3e-4,
});
ergodic_conformance::kernel!(hmc_with_random_step_sizes_on_a_double_well {
    kernel: hmc(3, 0.4, Jitter::StepSize(0.3)),
    target: DOUBLE_WELL,
    quadrature: on(-5.0, 5.0).nodes(50, 24).unwrap(),
    tolerance: 1e-4,
});
ergodic_conformance::kernel!(hmc_on_a_correlated_normal {
    kernel: hmc(3, 0.5, Jitter::None).with_metric(dense([1.0, 1.4, 1.4, 4.0])),
    target: CORRELATED,
    quadrature: on_plane(8.0, (-16.0, 16.0)).nodes(16, 12).unwrap(),
    tolerance: 1e-4,
});
ergodic_conformance::kernel!(hmc_on_a_bent_law {
    kernel: hmc(3, 0.4, Jitter::None).with_metric(low_rank()),
    target: BENT,
    quadrature: on_plane(7.0, (-7.0, 17.0)).nodes(20, 12).unwrap(),
    tolerance: 3e-4,
});

/// Two independent copies of the bent law.
const BENT_TWICE: Target = Target(4, |x, g| {
    let (a, b) = g.split_at_mut(2);
    BENT.1(&x[..2], a) + BENT.1(&x[2..], b)
});

fn bent_twice(rng: &mut dyn Randomness) -> Vec<f64> {
    let mut x = Vec::with_capacity(4);
    for _ in 0..2 {
        let a = rng.normal();
        x.extend([a, 0.5 * a + 0.25 * a * a + 0.6 * rng.normal()]);
    }
    x
}

fn dense_twice() -> Metric {
    let mut covariance = DMatrix::identity(4, 4);
    for i in [0, 2] {
        covariance[(i, i + 1)] = 0.5;
        covariance[(i + 1, i)] = 0.5;
    }
    Metric::dense(&covariance).unwrap()
}

ergodic_conformance::kernel!(mala_in_four_dimensions {
    kernel: mala(0.6).with_metric(dense_twice()),
    target: BENT_TWICE,
    exact: bent_twice,
    tapes: QuasiMonteCarlo::new(),
    hamiltonian: true,
    energy_shift: 1e-9,
    serde: true,
});
ergodic_conformance::kernel!(hmc_in_four_dimensions {
    kernel: hmc(3, 0.3, Jitter::StepSize(0.2)).with_metric(dense_twice()),
    target: BENT_TWICE,
    exact: bent_twice,
    tapes: QuasiMonteCarlo::new(),
    hamiltonian: true,
    energy_shift: 1e-9,
    serde: true,
});
ergodic_conformance::kernel!(mams_in_four_dimensions {
    kernel: Mams::new()
        .with_step_size(0.35)
        .unwrap()
        .with_length(0.9)
        .unwrap(),
    target: BENT_TWICE,
    exact: bent_twice,
    tapes: QuasiMonteCarlo::new(),
    hamiltonian: true,
    energy_shift: 1e-9,
    serde: true,
});
ergodic_conformance::kernel!(mams_in_four_dimensions_by_minimal_norm {
    kernel: Mams::new()
        .with_metric(dense_twice())
        .with_integrator(IsokineticIntegrator::MinimalNorm)
        .with_step_size(0.5)
        .unwrap(),
    target: BENT_TWICE,
    exact: bent_twice,
    tapes: QuasiMonteCarlo::new(),
    hamiltonian: true,
    energy_shift: 1e-9,
    serde: true,
});

/// Draws that a test chooses: normals in turn, an index, and every proposal accepted.
#[derive(Default)]
struct Tape {
    normals: Vec<f64>,
    index: usize,
    /// The argument of each `index`, and of each `bernoulli`.
    choices: Vec<usize>,
    probabilities: Vec<f64>,
}

impl Randomness for Tape {
    fn bernoulli(&mut self, p: f64) -> bool {
        self.probabilities.push(p);
        true
    }
    fn index(&mut self, n: usize) -> usize {
        self.choices.push(n);
        self.index
    }
    fn categorical(&mut self, _: &[f64]) -> usize {
        panic!("not drawn here")
    }
    fn uniform(&mut self) -> f64 {
        panic!("not drawn here")
    }
    fn normal(&mut self) -> f64 {
        self.normals.pop().expect("a normal that the test knows of")
    }
    fn exponential(&mut self) -> f64 {
        panic!("not drawn here")
    }
}

/// The midpoints of `n` equal parts of an interval, with their width.
fn midpoints((a, b): (f64, f64), n: usize) -> impl Iterator<Item = f64> + Clone {
    (0..n).map(move |k| a + (k as f64 + 0.5) * (b - a) / n as f64)
}

/// A grid over a box with the normalised probability of each point.
fn grid(target: &Target, domain: &[(f64, f64)], n: usize) -> Vec<(Vec<f64>, f64)> {
    let mut points: Vec<Vec<f64>> = vec![vec![]];
    for &interval in domain {
        points = points
            .iter()
            .flat_map(|x| midpoints(interval, n).map(|y| [x.clone(), vec![y]].concat()))
            .collect();
    }
    let weights: Vec<f64> = points.iter().map(|x| (-target.energy(x)).exp()).collect();
    let total: f64 = weights.iter().sum();
    points
        .into_iter()
        .zip(weights)
        .map(|(x, w)| (x, w / total))
        .filter(|(_, w)| *w > 1e-18)
        .collect()
}

/// `E[e^{−ΔH}]` of a step that starts in equilibrium with the given normals. MAMS is held to it by
/// tapes in four dimensions.
fn jarzynski<K: MarkovKernel<Target>>(
    kernel: &K,
    target: &Target,
    points: &[(Vec<f64>, f64)],
    momenta: &[(Vec<f64>, f64)],
) -> f64 {
    let mut sum = 0.0;
    for (x, w) in points {
        for (p, v) in momenta {
            let mut tape = Tape {
                normals: p.clone(),
                ..Tape::default()
            };
            let mut state = kernel.init(target, x).unwrap();
            let info = kernel.clone().step(target, &mut state, &mut tape).unwrap();
            sum += w * v * (-info.stats().energy_error.unwrap()).exp();
        }
    }
    sum
}

#[test]
fn the_mean_of_exp_of_minus_the_energy_error_is_one() {
    let normals = grid(&standard_normal(1), &[(-9.0, 9.0)], 120);
    for (target, domain) in [(DOUBLE_WELL, (-5.0, 5.0)), (HEAVY, (-80.0, 80.0))] {
        let points = grid(&target, &[domain], 400);
        let kernel = mala(0.4);
        let mean = jarzynski(&kernel, &target, &points, &normals);
        assert!((mean - 1.0).abs() < 1e-6, "MALA: {mean}");
        for steps in [1, 2, 5] {
            let kernel = hmc(steps, 0.2, Jitter::None).with_metric(diagonal(&[1.3]));
            let mean = jarzynski(&kernel, &target, &points, &normals);
            assert!((mean - 1.0).abs() < 1e-6, "HMC, {steps} steps: {mean}");
        }
    }
}

const INTEGRATORS: [IsokineticIntegrator; 2] = [
    IsokineticIntegrator::Leapfrog,
    IsokineticIntegrator::MinimalNorm,
];

/// Directions on the circle.
fn angles(n: usize) -> impl Iterator<Item = [f64; 2]> {
    midpoints((0.0, std::f64::consts::TAU), n).map(|a| [a.sin(), a.cos()])
}

/// One, two or three steps with equal probabilities.
fn mams(step_size: f64, integrator: IsokineticIntegrator) -> Mams {
    let kernel = Mams::new().with_integrator(integrator);
    let kernel = kernel.with_step_size(step_size).unwrap();
    let kernel = kernel.with_halving(0.0).unwrap();
    kernel.with_length(2.0 * step_size).unwrap()
}

fn functions(x: &[f64]) -> [f64; 6] {
    [
        1.0,
        x[0].tanh(),
        x[1].tanh(),
        x[0].cos(),
        (x[0] + x[1] + 1.0).sin(),
        (-(x[0] - 1.0).powi(2) - x[1] * x[1]).exp(),
    ]
}

/// The largest defects of MAMS on a plane, over its state, its direction on the circle, its three
/// numbers of steps and its decision: of invariance, of reversibility, and of the balance of its
/// proposals, `E[e^{−W/2} f(x) g(x′)]`, which is symmetric in `f` and `g` and has no kink where the
/// acceptance reaches one.
fn defects(kernel: &Mams, target: &Target, points: &[(Vec<f64>, f64)], n: usize) -> [f64; 3] {
    let mut product = [[0.0; 6]; 6];
    let mut smooth = [[0.0; 6]; 6];
    let mut plain = [0.0; 6];
    for (x, w) in points {
        let here = functions(x);
        let (mut pg, mut half) = ([0.0; 6], [0.0; 6]);
        for u in angles(n) {
            for index in 0..3 {
                let mut tape = Tape {
                    normals: u.to_vec(),
                    index,
                    ..Tape::default()
                };
                let mut state = kernel.init(target, x).unwrap();
                let info = kernel.clone().step(target, &mut state, &mut tape).unwrap();
                assert_eq!((&tape.choices[..], tape.probabilities.len()), (&[3][..], 1));
                let (p, work) = (tape.probabilities[0], info.energy_error);
                assert!((p - (-work).exp().min(1.0)).abs() < 1e-14);
                let there = functions(kernel.position(target, &state));
                for a in 0..6 {
                    pg[a] += (p * there[a] + (1.0 - p) * here[a]) / (3.0 * n as f64);
                    half[a] += (-0.5 * work).exp() * there[a] / (3.0 * n as f64);
                }
            }
        }
        for a in 0..6 {
            plain[a] += w * here[a];
            for b in 0..6 {
                product[a][b] += w * here[a] * pg[b];
                smooth[a][b] += w * here[a] * half[b];
            }
        }
    }
    let asymmetry = |m: [[f64; 6]; 6]| {
        let pairs = (0..6).flat_map(|a| (0..a).map(move |b| (a, b)));
        pairs.fold(0.0, |worst: f64, (a, b)| {
            worst.max((m[a][b] - m[b][a]).abs())
        })
    };
    let invariance = (0..6).fold(0.0, |worst: f64, b| {
        worst.max((product[0][b] - plain[b]).abs())
    });
    [invariance, asymmetry(product), asymmetry(smooth)]
}

#[test]
fn mams_is_reversible_on_a_law_with_soft_corners() {
    let correlated = dense([1.0, 0.5, 0.5, 0.8]);
    for (integrator, metric) in [
        (IsokineticIntegrator::Leapfrog, Metric::identity()),
        (IsokineticIntegrator::Leapfrog, low_rank()),
        (IsokineticIntegrator::MinimalNorm, correlated),
    ] {
        let kernel = mams(0.3, integrator).with_metric(metric);
        assert_eq!(
            MarkovKernel::<Target>::claims(&kernel),
            Claims::REVERSIBLE.not_ergodic()
        );
        let points = grid(&SOFT, &[(-11.0, 11.0), (-8.0, 8.0)], 48);
        let found = defects(&kernel, &SOFT, &points, 48);
        let [invariance, balance, smooth] = found;

        assert!(smooth < 1e-5, "{kernel:?}: {found:?}");
        // Kinks cost O(h²); 72 nodes by 64 angles bring both below 1.5e-6.
        assert!(invariance < 3e-5 && balance < 3e-5, "{kernel:?}: {found:?}");
    }
}

#[test]
fn mams_needs_its_kinetic_work() {
    // The same trajectories with a decision by ΔE alone are what a target with no kinetic work
    // would accept: their mean of e^{−ΔE} is far from one.
    let points = grid(&BENT, &[(-6.0, 6.0), (-6.0, 14.0)], 48);
    let kernel = mams(0.35, IsokineticIntegrator::Leapfrog);
    let mut mean = 0.0;
    for (x, w) in &points {
        for u in angles(32) {
            let mut tape = Tape {
                normals: u.to_vec(),
                index: 2,
                ..Tape::default()
            };
            let mut state = kernel.init(&BENT, x).unwrap();
            kernel.clone().step(&BENT, &mut state, &mut tape).unwrap();
            let there = BENT.energy(kernel.position(&BENT, &state));
            mean += w / 32.0 * (BENT.energy(x) - there).exp();
        }
    }
    assert!((mean - 1.0).abs() > 0.05, "{mean}");
}

/// The one-step defect of MCLMC in equilibrium, over state and direction; the noise that follows
/// does not move the position, and leaves uniform directions uniform.
#[test]
fn mclmc_has_a_one_step_defect_of_the_order_it_claims() {
    for integrator in INTEGRATORS {
        let claims = MarkovKernel::<Target>::claims(&Mclmc::new());
        assert_eq!(claims.stationarity, Stationarity::Asymptotic { order: 2 });
        let points = grid(&BENT, &[(-7.0, 7.0), (-7.0, 17.0)], 72);
        let defect = |h: f64| {
            let kernel = Mclmc::new()
                .with_integrator(integrator)
                .with_step_size(h)
                .unwrap();
            let mut shift = [0.0; 6];
            for (x, w) in &points {
                let here = functions(x);
                for u in angles(48) {
                    let mut tape = Tape {
                        normals: [&[0.3, -0.2], &u[..]].concat(),
                        ..Tape::default()
                    };
                    let mut state = kernel.init(&BENT, x).unwrap();
                    let mut kernel = kernel.clone();
                    kernel.step(&BENT, &mut state, &mut tape).unwrap();
                    let there = functions(kernel.position(&BENT, &state));
                    for (s, (a, b)) in shift.iter_mut().zip(here.iter().zip(there)) {
                        *s += w * (b - a) / 48.0;
                    }
                }
            }
            shift.iter().fold(0.0, |m: f64, s| m.max(s.abs()))
        };
        let (coarse, fine) = (defect(0.2), defect(0.1));
        let order = (coarse / fine).log2();
        assert!(
            order > 2.75,
            "{integrator:?}: {coarse:e}, {fine:e}: order {order}"
        );
        assert!(coarse > 1e-6, "a defect that can be seen: {coarse:e}");
    }
}

#[test]
fn mclmc_keeps_what_every_kernel_owes() {
    let (kernel, start) = (Mclmc::new(), vec![0.5, -0.3]);
    suite::runs(&kernel, &BENT, &start);
    suite::threads(&kernel, &BENT, &start);
    suite::both_are_send_and_sync(&kernel, &BENT);
    suite::allocates_nothing(&kernel, &BENT, &start);
    suite::serde_round_trip(&kernel, &BENT, &start);
    suite::energy_shift_of_a_chain(&kernel, &BENT, &start, 1e-9);
}

/// Sampling at `h` and at `h/2`: the bias of the variance of a normal target falls fourfold.
#[test]
fn mclmc_has_a_bias_of_second_order() {
    const DIM: usize = 10;
    let target = standard_normal(DIM);
    // The mean of x² over coordinates, with the standard error of 40 batches.
    let variance = |h: f64, steps: usize| {
        let kernel = Mclmc::new().with_integrator(IsokineticIntegrator::Leapfrog);
        let mut kernel = kernel.with_step_size(h).unwrap();
        let mut state = kernel.init(&target, &[1.0; DIM]).unwrap();
        let mut rng = ergodic_math::rng::stream(11, 0);
        let batches: Vec<f64> = (0..40)
            .map(|_| {
                let mut sum = 0.0;
                for _ in 0..steps / 40 {
                    kernel.step(&target, &mut state, &mut rng).unwrap();
                    sum += kernel
                        .position(&target, &state)
                        .iter()
                        .map(|x| x * x)
                        .sum::<f64>();
                }
                sum / ((steps / 40) * DIM) as f64
            })
            .collect();
        let mean = batches.iter().sum::<f64>() / 40.0;
        let square: f64 = batches.iter().map(|b| (b - mean).powi(2)).sum();
        (mean, (square / (39.0 * 40.0)).sqrt())
    };
    let (coarse, fine) = (variance(0.8, 200_000), variance(0.4, 1_000_000));
    let ratio = (coarse.0 - 1.0) / (fine.0 - 1.0);
    // Six standard errors of the ratio, t with 39 degrees of freedom: 1e-6.
    let error = ratio.abs() * (coarse.1 / (coarse.0 - 1.0)).hypot(fine.1 / (fine.0 - 1.0));
    assert!(
        (ratio - 4.0).abs() < 6.0 * error + 1.0,
        "{coarse:?}, {fine:?}: {ratio} ± {error}"
    );
    assert!(error < 0.3, "a ratio that is known: ± {error}");
}

/// The kernel and its state after a warm-up from a poor start.
fn warmed<K: MarkovKernel<Target>>(kernel: K, target: &Target, steps: usize) -> (K, K::State) {
    warmed_in_stream(kernel, target, steps, 0)
}

fn warmed_in_stream<K: MarkovKernel<Target>>(
    mut kernel: K,
    target: &Target,
    steps: usize,
    stream: u64,
) -> (K, K::State) {
    let mut rng = ergodic_math::rng::stream(3, stream);
    let mut state = kernel.init(target, &vec![1.0; target.0]).unwrap();
    for step in 0..steps {
        let info = kernel.step(target, &mut state, &mut rng).unwrap();
        let at = WarmupStep { step, of: steps };
        kernel
            .adapt(target, &mut state, Some(&info), at, &mut rng)
            .unwrap();
    }
    (kernel, state)
}

/// The mean acceptance over 2000 steps.
fn acceptance<K: MarkovKernel<Target>>(
    (mut kernel, mut state): (K, K::State),
    target: &Target,
) -> f64 {
    let mut rng = ergodic_math::rng::stream(4, 0);
    let mut sum = 0.0;
    for _ in 0..2000 {
        let info = kernel.step(target, &mut state, &mut rng).unwrap();
        sum += info.stats().acceptance.unwrap();
    }
    sum / 2000.0
}

/// Standard deviations from 1/10 to 10 in 20 dimensions.
const SCALES: Target = Target(20, |x, g| {
    let mut energy = 0.0;
    for (i, (x, g)) in x.iter().zip(g.iter_mut()).enumerate() {
        *g = x * 10f64.powf(2.0 - 4.0 * i as f64 / 19.0);
        energy += 0.5 * x * *g;
    }
    energy
});

/// The mean over eight warm-ups: one alone is known to the ±0.1 of dual averaging of 60 acceptances.
fn mean_acceptance<K: MarkovKernel<Target> + Clone>(kernel: &K) -> f64 {
    let found = |stream| {
        acceptance(
            warmed_in_stream(kernel.clone(), &SCALES, 600, stream),
            &SCALES,
        )
    };
    (0..8).map(found).sum::<f64>() / 8.0
}

/// Within 0.04; with the scatter of `γ = 0.05` in dual averaging MALA was 0.13 above its goal.
#[test]
fn warm_ups_reach_the_acceptance_they_aim_at() {
    let off = mean_acceptance(&Mala::new()) - 0.574;
    assert!(off.abs() < 0.04, "MALA: {off} off its goal");
    let kernel = Hmc::new(TrajectoryLength::Time(1.5)).unwrap();
    let off = mean_acceptance(&kernel) - 0.8;
    assert!(off.abs() < 0.04, "HMC: {off} off its goal");
    let off = mean_acceptance(&Mams::new()) - 0.9;
    assert!(off.abs() < 0.04, "MAMS: {off} off its goal");
}

#[test]
fn a_warmed_up_kernel_no_longer_changes() {
    let (kernel, mut state) = warmed(Mams::new(), &SCALES, 300);
    let (before, mut kernel) = (format!("{kernel:?}"), kernel);
    assert!(
        before.contains("tuner: None") && !before.contains("Some("),
        "{before}"
    );
    let mut rng = ergodic_math::rng::stream(5, 0);
    for _ in 0..100 {
        kernel.step(&SCALES, &mut state, &mut rng).unwrap();
    }
    assert_eq!(before, format!("{kernel:?}"));
}

/// The energy errors of MCLMC have the variance that its warm-up is asked for, within a factor of
/// 1.5, and the bias that goes with it is what its documentation says.
#[test]
fn mclmc_finds_the_step_size_of_its_energy_variance() {
    for integrator in INTEGRATORS {
        for dim in [10, 100] {
            let target = standard_normal(dim);
            let kernel = Mclmc::new().with_integrator(integrator);
            let (mut kernel, mut state) = warmed(kernel, &target, 2000);
            let mut rng = ergodic_math::rng::stream(4, 0);
            let (n, mut error, mut square) = (2_000_000 / dim, 0.0, 0.0);
            for _ in 0..n {
                let info = kernel.step(&target, &mut state, &mut rng).unwrap();
                error += info.energy_error.powi(2) / (n * dim) as f64;
                let x = kernel.position(&target, &state);
                square += x.iter().map(|x| x * x).sum::<f64>() / (n * dim) as f64;
            }
            let documented = match integrator {
                IsokineticIntegrator::Leapfrog => 1.033,
                IsokineticIntegrator::MinimalNorm => 0.978,
            };
            assert!(
                (square - documented).abs() < 0.012,
                "{integrator:?}, {dim}: {square}"
            );
            assert!(
                (error / 5e-4).ln().abs() < 0.4,
                "{integrator:?}, {dim}: {error:e}"
            );
        }
    }
}

/// A normal for `|x| < 3` in the first coordinate, and what is beyond.
fn walled(x: &[f64], g: &mut [f64], beyond: f64) -> f64 {
    g.copy_from_slice(x);
    if x[0].abs() < 3.0 {
        0.5 * (x[0] * x[0] + x[1] * x[1])
    } else {
        beyond
    }
}

const WALL: Target = Target(2, |x, g| walled(x, g, f64::INFINITY));
const HOLE: Target = Target(2, |x, g| walled(x, g, f64::NAN));
/// A density without bound: who enters never leaves.
const PIT: Target = Target(2, |x, g| walled(x, g, f64::NEG_INFINITY));

#[test]
fn states_without_a_finite_energy_are_never_entered_and_counted() {
    fn run<K: MarkovKernel<Target>>(mut kernel: K, target: &Target) -> u64 {
        let mut rng = ergodic_math::rng::stream(6, 0);
        let mut state = kernel.init(target, &[0.0, 0.0]).unwrap();
        let mut refused = 0;
        for _ in 0..4000 {
            let stats = kernel.step(target, &mut state, &mut rng).unwrap().stats();
            let x = kernel.position(target, &state);
            assert!(x[0].abs() < 3.0 && x[1].is_finite(), "{x:?}");
            assert!(stats.energy.unwrap().is_finite());
            assert_eq!(
                stats.forbidden > 0,
                stats.energy_error == Some(f64::INFINITY)
            );
            refused += u64::from(stats.divergent);
        }
        refused
    }
    for target in [WALL, HOLE, PIT] {
        for refused in [
            run(mala(1.0), &target),
            run(hmc(4, 0.5, Jitter::Steps), &target),
            run(Mams::new().with_step_size(0.5).unwrap(), &target),
            run(Mclmc::new().with_step_size(0.3).unwrap(), &target),
        ] {
            assert!(refused > 0);
        }
    }
}

#[test]
fn starts_without_energy_and_settings_out_of_range_are_errors() {
    const BROKEN: Target = Target(2, |_, g| {
        g.fill(0.0);
        f64::NAN
    });
    fn refuses<K: MarkovKernel<Target>>(kernel: &K) {
        assert!(kernel.init(&BROKEN, &[0.0, 0.0]).is_err());
        assert!(kernel.init(&WALL, &[4.0, 0.0]).is_err());
        assert!(kernel.init(&WALL, &[0.0]).is_err());
        assert!(kernel.init(&WALL, &[f64::NAN, 0.0]).is_err());
        let mut state = kernel.init(&WALL, &[0.0, 0.0]).unwrap();
        assert!(kernel.reset(&WALL, &mut state, Some(&[5.0, 0.0])).is_err());
    }
    refuses(&Mala::new());
    refuses(&Hmc::new(TrajectoryLength::Steps(2)).unwrap());
    refuses(&Mams::new());
    refuses(&Mclmc::new());
    // No direction can turn in one dimension, and a metric has to fit.
    assert!(Mams::new().init(&DOUBLE_WELL, &[0.0]).is_err());
    assert!(Mclmc::new().init(&DOUBLE_WELL, &[0.0]).is_err());
    assert!(
        mala(0.1)
            .with_metric(diagonal(&[1.0; 3]))
            .init(&WALL, &[0.0, 0.0])
            .is_err()
    );
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Mala::new().with_step_size(bad).is_err());
        assert!(Hmc::new(TrajectoryLength::Time(bad)).is_err());
        assert!(Mams::new().with_length(bad).is_err());
        assert!(Mclmc::new().with_length(bad).is_err());
        assert!(Mclmc::new().with_energy_variance(bad).is_err());
    }
    let hmc = Hmc::new(TrajectoryLength::Steps(2)).unwrap();
    assert!(hmc.clone().with_jitter(Jitter::StepSize(1.0)).is_err());
    assert!(hmc.with_max_steps(0).is_err());
    assert!(Mams::new().with_max_steps(0).is_err());
    for bad in [1.0, -0.1, f64::NAN] {
        assert!(Mams::new().with_halving(bad).is_err());
    }
}
