//! MALA, HMC, MAMS and MCLMC against their claims: by quadrature where a step has few draws, by
//! exact identities, and from exact starts.

use ergodic_conformance::{Quadrature, suite};
use ergodic_core::{
    Claims, Energy, EnergyGradient, MarkovKernel, Randomness, Stationarity, StepInfo,
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
    quadrature: on(-4.0, 36.0).nodes(400, 200).unwrap(),
    tolerance: 3e-5,
});
ergodic_conformance::kernel!(mala_on_a_heavy_tail {
    kernel: mala(1.5),
    target: HEAVY,
    quadrature: on(-80.0, 80.0).nodes(800, 200).unwrap(),
    tolerance: 3e-5,
});
ergodic_conformance::kernel!(mala_on_a_correlated_normal {
    kernel: mala(0.9).with_metric(dense([1.0, 1.4, 1.4, 4.0])),
    target: CORRELATED,
    quadrature: on_plane(8.0, (-16.0, 16.0)).nodes(20, 20).unwrap(),
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
    quadrature: on(-4.0, 36.0).nodes(400, 200).unwrap(),
    tolerance: 3e-5,
});
ergodic_conformance::kernel!(hmc_with_random_durations_on_a_heavy_tail {
    kernel: hmc(2, 0.8, Jitter::Exponential).with_max_steps(6).unwrap(),
    target: HEAVY,
    quadrature: on(-80.0, 80.0).nodes(200, 32).unwrap(),
    tolerance: 3e-4,
});
ergodic_conformance::kernel!(hmc_with_random_step_sizes_on_a_double_well {
    kernel: hmc(3, 0.4, Jitter::StepSize(0.3)),
    target: DOUBLE_WELL,
    quadrature: on(-5.0, 5.0).nodes(100, 40).unwrap(),
    tolerance: 3e-4,
});
ergodic_conformance::kernel!(hmc_on_a_correlated_normal {
    kernel: hmc(3, 0.5, Jitter::None).with_metric(dense([1.0, 1.4, 1.4, 4.0])),
    target: CORRELATED,
    quadrature: on_plane(8.0, (-16.0, 16.0)).nodes(20, 20).unwrap(),
    tolerance: 1e-3,
});
ergodic_conformance::kernel!(hmc_on_a_bent_law {
    kernel: hmc(3, 0.4, Jitter::None).with_metric(low_rank()),
    target: BENT,
    quadrature: on_plane(7.0, (-7.0, 17.0)).nodes(24, 16).unwrap(),
    tolerance: 1e-3,
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

/// `E[e^{−ΔH}]` of a step that starts in equilibrium with the given normals.
fn jarzynski<K: MarkovKernel<Target>>(
    kernel: &K,
    target: &Target,
    points: &[(Vec<f64>, f64)],
    momenta: &[(Vec<f64>, f64)],
    index: usize,
) -> f64 {
    let mut sum = 0.0;
    for (x, w) in points {
        for (p, v) in momenta {
            let mut tape = Tape {
                normals: p.clone(),
                index,
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
        let mean = jarzynski(&kernel, &target, &points, &normals, 0);
        assert!((mean - 1.0).abs() < 1e-6, "MALA: {mean}");
        for steps in [1, 2, 5] {
            let kernel = hmc(steps, 0.2, Jitter::None).with_metric(diagonal(&[1.3]));
            let mean = jarzynski(&kernel, &target, &points, &normals, 0);
            assert!((mean - 1.0).abs() < 1e-6, "HMC, {steps} steps: {mean}");
        }
    }
    let circle: Vec<_> = angles(64).map(|u| (u.to_vec(), 1.0 / 64.0)).collect();
    let points = grid(&SOFT, &[(-11.0, 11.0), (-8.0, 8.0)], 72);
    for integrator in INTEGRATORS {
        for metric in [Metric::identity(), dense([1.0, 0.5, 0.5, 0.8]), low_rank()] {
            let kernel = mams(0.25, integrator).with_metric(metric);
            for index in 0..3 {
                let mean = jarzynski(&kernel, &SOFT, &points, &circle, index);
                assert!(
                    (mean - 1.0).abs() < 1e-5,
                    "MAMS, {} steps: {mean}",
                    index + 1
                );
            }
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
    for integrator in INTEGRATORS {
        for metric in [Metric::identity(), dense([1.0, 0.5, 0.5, 0.8]), low_rank()] {
            let kernel = mams(0.3, integrator).with_metric(metric);
            assert_eq!(MarkovKernel::<Target>::claims(&kernel), Claims::REVERSIBLE);
            let points = grid(&SOFT, &[(-11.0, 11.0), (-8.0, 8.0)], 72);
            let found = defects(&kernel, &SOFT, &points, 64);
            let [invariance, balance, smooth] = found;

            assert!(smooth < 1e-5, "{kernel:?}: {found:?}");
            // Kinks cost O(h²), and half as many nodes bring 3e-5 (identity metric).
            assert!(invariance < 3e-5 && balance < 3e-5, "{kernel:?}: {found:?}");
        }
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
fn microcanonical_runs_repeat_and_their_copies_go_on() {
    let plane = on_plane(7.0, (-7.0, 17.0));
    suite::continuous_runs(&mams(0.35, INTEGRATORS[0]), &BENT, &plane);
    suite::continuous_runs(&Mclmc::new(), &BENT, &plane);
    suite::both_are_send_and_sync(&Mams::new(), &BENT);
    suite::both_are_send_and_sync(&Mclmc::new(), &BENT);
}
