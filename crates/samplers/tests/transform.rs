//! Bijections: inverses, log-Jacobians against numerical determinants, gradients, and that
//! densities still integrate to one on the other side.

use std::f64::consts::PI;

use ergodic_core::{ArgumentError, Energy, EnergyGradient};
use ergodic_samplers::transform::{
    Bijection, Blocks, CorrelationCholesky, Interval, LowerBound, Ordered, Positive, Simplex,
    Transformed, Unconstrained, UnitVector, UpperBound,
};
use ergodic_samplers::{
    LogDensity, Metropolis, Proposal, SampleError, Sampler, check_gradient, energy_fn,
    energy_gradient_fn,
};
use nalgebra::DMatrix;
use proptest::prelude::*;

/// Every bijection, with the parameters that are free (with respect to which densities are taken).
fn all() -> Vec<(Box<dyn Bijection>, Vec<usize>)> {
    fn free(b: impl Bijection + 'static, free: Vec<usize>) -> (Box<dyn Bijection>, Vec<usize>) {
        (Box::new(b), free)
    }
    vec![
        free(Unconstrained::new(2).unwrap(), vec![0, 1]),
        free(Positive::new(2).unwrap(), vec![0, 1]),
        free(LowerBound::new(2, -1.5).unwrap(), vec![0, 1]),
        free(UpperBound::new(2, 2.5).unwrap(), vec![0, 1]),
        free(Interval::new(2, -1.0, 4.0).unwrap(), vec![0, 1]),
        free(Ordered::new(4).unwrap(), vec![0, 1, 2, 3]),
        free(Simplex::new(2).unwrap(), vec![0]),
        free(Simplex::new(5).unwrap(), vec![0, 1, 2, 3]),
        free(CorrelationCholesky::new(2).unwrap(), vec![1]),
        // The lower triangle row by row; below the diagonal: 1, 3, 4, 6, 7, 8.
        free(CorrelationCholesky::new(4).unwrap(), vec![1, 3, 4, 6, 7, 8]),
    ]
}

fn constrain(b: &dyn Bijection, u: &[f64]) -> (Vec<f64>, f64) {
    let mut x = vec![f64::NAN; b.num_parameters()];
    let log_jacobian = b.constrain(u, &mut x);
    (x, log_jacobian)
}

/// `log |det ∂x/∂u|` by central differences, extrapolated once: relative error about 10⁻⁹.
fn numerical(b: &dyn Bijection, free: &[usize], u: &[f64]) -> f64 {
    let d = u.len();
    let slope = |h: f64, j: usize, i: usize| {
        let (mut up, mut down) = (u.to_vec(), u.to_vec());
        up[j] += h;
        down[j] -= h;
        let (up, down) = (constrain(b, &up).0, constrain(b, &down).0);
        (up[free[i]] - down[free[i]]) / (2.0 * h)
    };
    let jacobian = DMatrix::from_fn(d, d, |i, j| {
        let (coarse, fine) = (slope(1e-3, j, i), slope(5e-4, j, i));
        fine + (fine - coarse) / 3.0
    });
    jacobian.determinant().abs().ln()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn unconstrain_inverts_constrain(u in prop::collection::vec(-6.0..6.0f64, 6)) {
        for (b, _) in all() {
            let u = &u[..b.dim()];
            let (x, log_jacobian) = constrain(&*b, u);
            prop_assert!(log_jacobian.is_finite());
            let mut back = vec![f64::NAN; b.dim()];
            b.unconstrain(&x, &mut back).unwrap();
            for (u, back) in u.iter().zip(&back) {
                // e⁶ of lost digits near a bound, at most.
                prop_assert!((u - back).abs() < 1e-9, "{u} {back}");
            }
        }
    }

    #[test]
    fn log_jacobians_are_those_of_numerical_determinants(
        u in prop::collection::vec(-3.0..3.0f64, 6)
    ) {
        for (k, (b, free)) in all().into_iter().enumerate() {
            let u = &u[..b.dim()];
            let (_, found) = constrain(&*b, u);
            let expected = numerical(&*b, &free, u);
            prop_assert!((found - expected).abs() < 1e-6, "{k}: {found} {expected}");
        }
    }

    #[test]
    fn gradients_are_those_of_the_energy(
        u in prop::collection::vec(-2.0..2.0f64, 6),
        weights in prop::collection::vec(-1.0..1.0f64, 10),
    ) {
        let mut blocks: Vec<Box<dyn Bijection>> = all().into_iter().map(|b| b.0).collect();
        blocks.push(Box::new(UnitVector::new(3).unwrap()));
        for (k, b) in blocks.into_iter().enumerate() {
            // Any smooth energy of the parameters: Σ wᵢ xᵢ + ½ (Σ xᵢ²)·w₀.
            let (n, d) = (b.num_parameters(), b.dim());
            let w = weights.clone();
            let inner = energy_gradient_fn(n, move |x: &[f64], g: &mut [f64]| {
                let mut energy = 0.0;
                for i in 0..n {
                    energy += w[i] * x[i] + 0.5 * w[0] * x[i] * x[i];
                    g[i] = w[i] + w[0] * x[i];
                }
                energy
            });
            let target = Transformed::new(inner, Blocks::new().block("x", Wrapped(b))).unwrap();
            if let Err(e) = check_gradient(&target, &u[..d]) {
                prop_assert!(false, "{k}: {e}");
            }
        }
    }

    #[test]
    fn a_unit_vector_has_length_one_and_comes_back(u in prop::collection::vec(-6.0..6.0f64, 4)) {
        prop_assume!(u.iter().any(|u| u.abs() > 1e-3));
        let b = UnitVector::new(4).unwrap();
        let (x, _) = constrain(&b, &u);
        prop_assert!((x.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-14);
        let mut back = vec![f64::NAN; 4];
        b.unconstrain(&x, &mut back).unwrap();
        let (again, _) = constrain(&b, &back);
        for (x, y) in x.iter().zip(&again) {
            prop_assert!((x - y).abs() < 1e-15);
        }
    }
}

/// A boxed bijection as a block.
struct Wrapped(Box<dyn Bijection>);
impl Bijection for Wrapped {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn num_parameters(&self) -> usize {
        self.0.num_parameters()
    }
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        self.0.constrain(u, x)
    }
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
        self.0.unconstrain(x, u)
    }
    fn pull_back(&self, u: &[f64], x: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]) {
        self.0.pull_back(u, x, gradient_x, gradient_u);
    }
}

/// `∫ e^{−E(u)} du` over `[−reach, reach]ᵈ` by the trapezoidal rule, which converges faster than
/// any power for a smooth integrand that has vanished at the ends.
fn integral(target: &impl Energy<State = [f64]>, dim: usize, reach: f64, nodes: usize) -> f64 {
    let h = 2.0 * reach / nodes as f64;
    let mut total = 0.0;
    let mut u = vec![0.0; dim];
    for index in 0..nodes.pow(dim as u32) {
        let mut rest = index;
        for u in &mut u {
            *u = h * (rest % nodes) as f64 - reach;
            rest /= nodes;
        }
        total += (-target.energy(&u)).exp();
    }
    total * h.powi(dim as i32)
}

fn assert_normalised(
    log_density: impl Fn(&[f64]) -> f64,
    bijection: impl Bijection + 'static,
    (reach, nodes): (f64, usize),
) {
    let (n, dim) = (bijection.num_parameters(), bijection.dim());
    let inner = energy_fn(n, move |x: &[f64]| -log_density(x));
    let target = Transformed::of_energy(inner, Blocks::new().block("x", bijection)).unwrap();
    let found = integral(&target, dim, reach, nodes);
    assert!((found - 1.0).abs() < 1e-8, "{found}");
}

#[test]
fn densities_on_one_parameter_integrate_to_one() {
    // Gamma(3, 1), the same shifted and mirrored, Beta(2, 3) stretched, and Beta as a Dirichlet.
    let gamma = |x: f64| 2.0 * x.ln() - x - 2.0f64.ln();
    assert_normalised(
        move |x| gamma(x[0]),
        Positive::new(1).unwrap(),
        (20.0, 4000),
    );
    let lower = LowerBound::new(1, -2.0).unwrap();
    // Below e⁻²⁰ of the bound the distance is lost; the mass there is e⁻⁶⁰.
    assert_normalised(move |x| gamma(x[0] + 2.0), lower, (20.0, 4000));
    let upper = UpperBound::new(1, 1.0).unwrap();
    assert_normalised(move |x| gamma(1.0 - x[0]), upper, (20.0, 4000));
    let beta = |z: f64| z.ln() + 2.0 * (-z).ln_1p() + 12.0f64.ln();
    let interval = Interval::new(1, -1.0, 3.0).unwrap();
    assert_normalised(
        move |x| beta(0.25 * (x[0] + 1.0)) - 4.0f64.ln(),
        interval,
        (25.0, 4000),
    );
    assert_normalised(
        move |x| x[0].ln() + 2.0 * x[1].ln() + 12.0f64.ln(),
        Simplex::new(2).unwrap(),
        (25.0, 4000),
    );
}

#[test]
fn densities_on_two_parameters_integrate_to_one() {
    // Order statistics of two normals: 2 φ φ.
    assert_normalised(
        |x| 2.0f64.ln() - (2.0 * PI).ln() - 0.5 * (x[0] * x[0] + x[1] * x[1]),
        Ordered::new(2).unwrap(),
        (36.0, 1200),
    );
    // Dirichlet(2, 3, 1.5): Γ(6.5)/(Γ(2)Γ(3)Γ(1.5)).
    let normalisation = libm::lgamma(6.5) - libm::lgamma(3.0) - libm::lgamma(1.5);
    assert_normalised(
        move |x| normalisation + x[0].ln() + 2.0 * x[1].ln() + 0.5 * x[2].ln(),
        Simplex::new(3).unwrap(),
        (20.0, 800),
    );
}

#[test]
fn the_law_of_lewandowski_kurowicka_and_joe_has_its_normalisation() {
    // n = 2: f(r) ∝ (1 − r²)^{η−1}, 2^{2η−1} B(η, η). n = 3: their theorem 5,
    // Π over k = 1, 2 of π^{k/2} Γ(η + (2 − k)/2)/Γ(η + 1) — both with η = 2.5.
    let eta: f64 = 2.5;
    let lgamma = libm::lgamma;
    let two = (2.0 * eta - 1.0) * 2.0f64.ln() + 2.0 * lgamma(eta) - lgamma(2.0 * eta);
    assert_normalised(
        move |l| 2.0 * (eta - 1.0) * l[2].ln() - two,
        CorrelationCholesky::new(2).unwrap(),
        (12.0, 2000),
    );
    // The partial correlations of order k are independent Betas on (−1, 1): ρ₁₂, ρ₁₃ with
    // (η + ½, η + ½), ρ₂₃·₁ with (η, η).
    let beta = |a: f64| (2.0 * a - 1.0) * 2.0f64.ln() + 2.0 * lgamma(a) - lgamma(2.0 * a);
    let three = 2.0 * beta(eta + 0.5) + beta(eta);
    assert_normalised(
        move |l| (1.0 + 2.0 * eta - 2.0) * l[2].ln() + (2.0 * eta - 2.0) * l[5].ln() - three,
        CorrelationCholesky::new(3).unwrap(),
        (7.0, 100),
    );
}

#[test]
fn directions_of_a_unit_vector_have_their_density_on_the_sphere() {
    // Von Mises with concentration 2 with respect to the uniform law: e^{2 cos θ}/I₀(2); the
    // radius brings (2π) = ∫ e^{−r²/2} du on the plane. I₀ by its series.
    let bessel: f64 = (0..40)
        .scan(1.0, |term, k| {
            let now = *term;
            *term /= ((k + 1) as f64).powi(2);
            Some(now)
        })
        .sum();
    let inner = energy_fn(2, move |x: &[f64]| {
        -2.0 * x[0] + bessel.ln() + (2.0 * PI).ln()
    });
    let blocks = Blocks::new().block("x", UnitVector::new(2).unwrap());
    let target = Transformed::of_energy(inner, blocks).unwrap();
    // In polar coordinates, where the integrand is smooth; the trapezoidal rule on the angle.
    let (angles, radii, reach) = (64, 4000, 12.0);
    let mut found = 0.0;
    for i in 0..radii {
        let r = (i as f64 + 0.5) * reach / radii as f64;
        for j in 0..angles {
            let (sin, cos) = (2.0 * PI * j as f64 / angles as f64).sin_cos();
            found += r * (-target.energy(&[r * cos, r * sin])).exp();
        }
    }
    found *= reach / radii as f64 * 2.0 * PI / angles as f64;
    // The midpoint rule on the radius is exact to h²/12.
    assert!((found - 1.0).abs() < 1e-6, "{found}");
    assert_eq!(target.energy(&[0.0, 0.0]), f64::INFINITY);
}

#[test]
fn a_missing_jacobian_is_noticed() {
    // The power of the check above: the same quadrature without the Jacobian.
    struct Missing(Positive);
    impl Bijection for Missing {
        fn dim(&self) -> usize {
            1
        }
        fn num_parameters(&self) -> usize {
            1
        }
        fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
            self.0.constrain(u, x);
            0.0
        }
        fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
            self.0.unconstrain(x, u)
        }
        fn pull_back(&self, u: &[f64], x: &[f64], gx: &[f64], gu: &mut [f64]) {
            self.0.pull_back(u, x, gx, gu);
        }
    }
    let missing = || Blocks::new().block("x", Missing(Positive::new(1).unwrap()));
    let inner = energy_fn(1, |x: &[f64]| x[0] - 2.0 * x[0].ln() + 2.0f64.ln());
    let target = Transformed::of_energy(inner, missing()).unwrap();
    assert!((integral(&target, 1, 20.0, 4000) - 1.0).abs() > 0.1);
    // Nor does the gradient, which still has it, agree with the energy.
    let inner = LogDensity::new(1, |x: &[f64], g: &mut [f64]| {
        g[0] = 2.0 / x[0] - 1.0;
        2.0 * x[0].ln() - x[0]
    });
    let target = Transformed::new(inner, missing()).unwrap();
    assert!(check_gradient(&target, &[0.3]).is_err());
}

#[test]
fn parameters_outside_their_support_are_typed_errors_that_name_the_block() {
    let flat = |n| {
        energy_gradient_fn(n, |_: &[f64], g: &mut [f64]| {
            g.fill(0.0);
            0.0
        })
    };
    let blocks = Blocks::new()
        .block("sigma", Positive::new(1).unwrap())
        .block("p", Simplex::new(2).unwrap());
    let target = Transformed::new(flat(3), blocks.clone()).unwrap();
    let error = |x: &[f64]| target.unconstrain(x).unwrap_err().to_string();
    assert!(error(&[1.0, 0.5]).contains("of length 2"));
    assert!(error(&[-1.0, 0.5, 0.5]).contains("-1 at index 0 of the block \"sigma\""));
    assert!(error(&[1.0, 0.6, 0.5]).contains("sum"));
    assert!(error(&[f64::NAN, 0.5, 0.5]).contains("NaN"));
    assert!(error(&[1.0, f64::NAN, 0.5]).contains("NaN"));
    assert!(target.constrain(&[0.0]).is_err());
    assert!(target.energy(&[0.0]).is_nan());
    assert!(Transformed::new(flat(4), blocks.clone()).is_err());
    let twice = blocks.block("sigma", Positive::new(1).unwrap());
    assert!(Transformed::new(flat(4), twice).is_err());
    assert!(Transformed::new(flat(0), Blocks::new()).is_err());
    for e in [
        Positive::new(0).err(),
        Simplex::new(1).err(),
        UnitVector::new(1).err(),
        CorrelationCholesky::new(1).err(),
        Interval::new(1, 1.0, 1.0).err(),
        Interval::new(1, f64::NAN, 1.0).err(),
        Interval::new(1, f64::NEG_INFINITY, 1.0).err(),
        Interval::new(1, -f64::MAX, f64::MAX).err(),
        LowerBound::new(1, f64::INFINITY).err(),
        UpperBound::new(1, f64::NAN).err(),
    ] {
        assert!(e.is_some());
    }
    let mut u = [0.0; 2];
    assert!(
        Ordered::new(2)
            .unwrap()
            .unconstrain(&[1.0, 1.0], &mut u)
            .is_err()
    );
    assert!(
        UnitVector::new(2)
            .unwrap()
            .unconstrain(&[1.0, 1.0], &mut u)
            .is_err()
    );
    let factor = CorrelationCholesky::new(2).unwrap();
    assert!(factor.unconstrain(&[1.0, 0.6, -0.8], &mut u).is_err());
    assert!(factor.unconstrain(&[1.0, 0.6, f64::NAN], &mut u).is_err());
    assert!(factor.unconstrain(&[1.0, 0.6, 0.8], &mut u[..1]).is_ok());
}

#[test]
fn far_out_there_is_no_nan() {
    for u in [-1e3, -800.0, -40.0, 40.0, 800.0, 1e3] {
        for (k, (b, _)) in all().into_iter().enumerate() {
            let (x, log_jacobian) = constrain(&*b, &vec![u; b.dim()]);
            assert!(!log_jacobian.is_nan(), "{k} at {u}");
            assert!(x.iter().all(|x| !x.is_nan()), "{k} at {u}: {x:?}");
            let mut gradient = vec![f64::NAN; b.dim()];
            if x.iter().all(|x| x.is_finite()) {
                let zero = vec![0.0; x.len()];
                b.pull_back(&vec![u; b.dim()], &x, &zero, &mut gradient);
                assert!(gradient.iter().all(|g| !g.is_nan()), "{k} at {u}");
            }
        }
    }
}

#[test]
fn check_gradient_names_the_coordinate_and_both_values() {
    let target = |wrong: f64| {
        energy_gradient_fn(3, move |x: &[f64], g: &mut [f64]| {
            g[0] = x[0].cos();
            g[1] = (3.0 + wrong) * x[1] * x[1];
            g[2] = 1e6 * x[2];
            x[0].sin() + x[1].powi(3) + 5e5 * x[2] * x[2]
        })
    };
    let x = [0.3, 1.1, -2.0];
    let report = check_gradient(&target(0.0), &x).unwrap();
    assert!(report.largest <= 20.0 * report.resolution + 1e-5);
    for wrong in [1e-3, -1e-6] {
        let error = check_gradient(&target(wrong), &x).unwrap_err().to_string();
        assert!(
            error.starts_with("component 1 of the gradient is 3.6"),
            "{error}"
        );
    }
    let lies = energy_gradient_fn(1, |x: &[f64], g: &mut [f64]| {
        g[0] = 1.0;
        x[0].abs() // not smooth at 0
    });
    assert!(check_gradient(&lies, &[0.0]).is_err());
    assert!(check_gradient(&lies, &[0.5]).is_ok());
    assert!(check_gradient(&lies, &[0.5, 1.0]).is_err());
    assert!(check_gradient(&lies, &[f64::NAN]).is_err());
    let nothing = energy_gradient_fn(0, |_: &[f64], _: &mut [f64]| 0.0);
    assert!(check_gradient(&nothing, &[]).is_err());
    // A support of (0, ∞), looked at close to its end.
    let edge = energy_gradient_fn(1, |x: &[f64], g: &mut [f64]| {
        g[0] = 1.0 - 1.0 / x[0];
        if x[0] > 0.0 {
            x[0] - x[0].ln()
        } else {
            f64::INFINITY
        }
    });
    check_gradient(&edge, &[0.01]).unwrap();
}

#[test]
fn check_gradient_is_not_deceived_by_an_accidental_agreement() {
    // At this point two rows of differences agree to 3e-15 where both are wrong by 7e-13.
    let weights = [0.0012295939292332676, -0.23552007935976374];
    let inner = energy_gradient_fn(2, move |x: &[f64], g: &mut [f64]| {
        let mut energy = 0.0;
        for i in 0..2 {
            energy += weights[i] * x[i] + 0.5 * weights[0] * x[i] * x[i];
            g[i] = weights[i] + weights[0] * x[i];
        }
        energy
    });
    let interval = Interval::new(2, -1.0, 4.0).unwrap();
    let target = Transformed::new(inner, Blocks::new().block("x", interval)).unwrap();
    check_gradient(&target, &[-1.4656163766765185, 1.80062027257029]).unwrap();
}

#[test]
fn draws_of_a_transformed_target_come_back_on_their_own_scale() {
    use ergodic_core::{LocalEnergy, Randomness};

    /// A target with moves, for the kernel of this crate that needs no gradient.
    struct Moves<T>(T);
    impl<T: Energy<State = [f64]>> Energy for Moves<T> {
        type State = [f64];
        fn energy(&self, u: &[f64]) -> f64 {
            self.0.energy(u)
        }
        fn observables(&self) -> Option<&dyn ergodic_core::Observables<[f64]>> {
            self.0.observables()
        }
    }
    impl<T: Energy<State = [f64]>> LocalEnergy for Moves<T> {
        type Move = (usize, f64);
        fn delta_energy(&self, u: &[f64], (i, by): (usize, f64)) -> f64 {
            let mut to = u.to_vec();
            to[i] += by;
            self.energy(&to) - self.energy(u)
        }
        fn apply(&self, u: &mut [f64], (i, by): (usize, f64)) {
            u[i] += by;
        }
    }
    #[derive(Clone)]
    struct Gaussian;
    impl<T: Energy<State = [f64]>> Proposal<Moves<T>> for Gaussian {
        fn propose<R: Randomness + ?Sized>(
            &self,
            _: &Moves<T>,
            u: &[f64],
            rng: &mut R,
        ) -> (usize, f64) {
            (rng.index(u.len()), 1.5 * rng.normal())
        }
        fn connects(&self) -> bool {
            true
        }
    }
    // Gamma(3, 1) and Dirichlet(1, 1, 1).
    let inner = energy_fn(4, |x: &[f64]| x[0] - 2.0 * x[0].ln());
    let blocks = Blocks::new()
        .block("rate", Positive::new(1).unwrap())
        .block("share", Simplex::new(3).unwrap());
    let target = Moves(Transformed::of_energy(inner, blocks).unwrap());
    let run = Sampler::new(Metropolis::new(Gaussian), &target)
        .starts(vec![vec![0.0; 3]])
        .warmup(200)
        .draws(5000)
        .thin(4)
        .seed(3)
        .run()
        .map_err(|e: SampleError| e.to_string())
        .unwrap();
    assert_eq!(
        run.draws.names(),
        ["rate", "share[0]", "share[1]", "share[2]"]
    );
    let mean = |i| {
        let all: Vec<f64> = run.draws.parameter(i).flatten().collect();
        all.iter().sum::<f64>() / all.len() as f64
    };
    // Means 3 and ⅓. 20,000 draws of an autocorrelation time below 20 have standard errors below
    // √3/√1000 = 0.055 and 0.24/√1000 = 0.0075: 7 of them are allowed, probability 10⁻¹¹.
    assert!((mean(0) - 3.0).abs() < 0.38, "{}", mean(0));
    for i in 1..4 {
        assert!((mean(i) - 1.0 / 3.0).abs() < 0.053, "{}", mean(i));
    }
    let sums = run.draws.values().chunks(4).map(|x| x[1] + x[2] + x[3]);
    assert!(sums.into_iter().all(|s| (s - 1.0).abs() < 1e-12));
}

#[test]
fn a_target_inside_a_target_has_room_of_its_own() {
    // A positive parameter whose logarithm is again transformed, in both orders of nesting.
    let normal = energy_gradient_fn(1, |x: &[f64], g: &mut [f64]| {
        g[0] = x[0];
        0.5 * x[0] * x[0]
    });
    let block = || Blocks::new().block("x", Positive::new(1).unwrap());
    let twice = Transformed::new(Transformed::new(normal, block()).unwrap(), block()).unwrap();
    // E(u) = ½ e^{2 e^u} − e^u − u.
    let u: f64 = 0.2;
    let expected = 0.5 * (2.0 * u.exp()).exp() - u.exp() - u;
    assert!((twice.energy(&[u]) - expected).abs() < 1e-14);
    check_gradient(&twice, &[u]).unwrap();
    assert_eq!(twice.dim(), 1);
}

#[test]
fn a_density_without_a_bound_at_the_edge_of_its_support_does_not_stop_a_run() {
    // Beta(1/2, 1/2), which is ∞ at 0 and at 1.
    let arcsine = LogDensity::new(1, |x: &[f64], g: &mut [f64]| {
        g[0] = -0.5 / x[0] + 0.5 / (1.0 - x[0]);
        -0.5 * (x[0].ln() + (1.0 - x[0]).ln())
    });
    let unit = Blocks::new().block("x", Interval::new(1, 0.0, 1.0).unwrap());
    let target = Transformed::new(arcsine, unit).unwrap();
    let mut g = [0.0];
    for u in [40.0, 800.0, -800.0] {
        assert_eq!(target.energy(&[u]), f64::INFINITY, "{u}");
        assert_eq!(target.energy_gradient(&[u], &mut g), f64::INFINITY, "{u}");
    }
    assert!(target.energy(&[30.0]).is_finite());
    // Steps of this length reach beyond 37, where x is rounded to 1.
    let kernel = ergodic_samplers::UnadjustedLangevin::new(400.0).unwrap();
    let run = ergodic_samplers::Sampler::new(kernel, &target)
        .chains(1)
        .warmup(0)
        .draws(100)
        .run()
        .unwrap();
    assert!(run.divergences()[0] > 0);

    // Inside the support −∞ is a fault of the target, and stays one.
    let broken = LogDensity::new(1, |_: &[f64], _: &mut [f64]| f64::INFINITY);
    let unit = Blocks::new().block("x", Interval::new(1, 0.0, 1.0).unwrap());
    let broken = Transformed::new(broken, unit).unwrap();
    assert_eq!(broken.energy(&[0.0]), f64::NEG_INFINITY);
}
