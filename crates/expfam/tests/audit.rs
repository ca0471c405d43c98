//! All families at random parameters, at extreme ones, and against densities computed elsewhere.

use ergodic_conformance::FamilyCheck;
use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_expfam::families::*;
use ergodic_expfam::{Conjugate, Fit, Member};
use ergodic_math::quadrature::gauss_legendre_on;
use ergodic_math::rng;
use nalgebra::{DMatrix, DVector};
use statrs::distribution::{Continuous, Discrete as _};

/// Draws per member. With them every comparison of means and variances is made at the share of an
/// error probability of 1e-6 for the whole check.
const DRAWS: usize = 3_000;

/// A number whose logarithm is uniform.
fn scale(rng: &mut dyn Randomness, low: f64, high: f64) -> f64 {
    (low.ln() + rng.uniform() * (high / low).ln()).exp()
}

fn between(rng: &mut dyn Randomness, low: f64, high: f64) -> f64 {
    low + (high - low) * rng.uniform()
}

/// A positive definite matrix.
fn covariance(rng: &mut dyn Randomness, d: usize) -> DMatrix<f64> {
    let f = DMatrix::from_fn(d, d, |_, _| rng.normal());
    &f * f.transpose() + DMatrix::identity(d, d) * scale(rng, 0.1, 1.0)
}

/// Gradient, Hessian, round trip, Fenchel–Young, draws, batches, refusals at random parameters.
fn holds<F: ExponentialFamily>(
    family: &F,
    seed: u64,
    natural: impl Fn(&mut dyn Randomness) -> Vec<f64>,
) where
    <F::Sample as ToOwned>::Owned: Clone,
{
    let mut rng = rng::stream(seed, 99);
    let members: Vec<Vec<f64>> = (0..4).map(|_| natural(&mut rng)).collect();
    FamilyCheck::<<F::Sample as ToOwned>::Owned>::new(DRAWS, seed)
        .check(family, &members)
        .unwrap()
        .assert();
}

macro_rules! audit {
    ($($test:ident: $family:expr, $seed:expr, |$rng:ident| $natural:expr;)*) => {
        $(#[test]
        fn $test() {
            holds(&$family, $seed, |$rng: &mut dyn Randomness| $natural.to_vec());
        })*
    };
}

audit! {
    bernoulli_at_random: Bernoulli, 1, |r| [between(r, -5.0, 5.0)];
    binomial_at_random: Binomial::new(37).unwrap(), 2, |r| [between(r, -3.0, 3.0)];
    categorical_at_random: Categorical::new(5).unwrap(), 3, |r| [0.0; 4].map(|_| 2.0 * r.normal());
    multinomial_at_random: Multinomial::new(5, 12).unwrap(), 4, |r| [0.0; 4].map(|_| r.normal());
    geometric_at_random: Geometric, 5, |r| [-scale(r, 0.01, 3.0)];
    negative_binomial_at_random: NegativeBinomial::new(3.7).unwrap(), 6, |r| [-scale(r, 0.01, 2.0)];
    poisson_at_random: Poisson, 7, |r| [between(r, -1.0, 8.0)];
    exponential_at_random: Exponential, 8, |r| [-scale(r, 1e-3, 1e3)];
    laplace_at_random: Laplace::new(-2.0).unwrap(), 9, |r| [-scale(r, 1e-2, 1e2)];
    weibull_at_random: Weibull::new(1.8).unwrap(), 10, |r| [-scale(r, 1e-2, 1e2)];
    pareto_at_random: Pareto::new(3.0).unwrap(), 11, |r| [-scale(r, 1e-1, 1e2)];
    rayleigh_at_random: Rayleigh, 12, |r| [-scale(r, 1e-2, 1e2)];
    gamma_at_random: Gamma, 13, |r| Gamma::natural(scale(r, 0.3, 300.0), scale(r, 0.01, 100.0)).unwrap();
    inverse_gamma_at_random: InverseGamma, 14, |r| InverseGamma::natural(scale(r, 0.3, 300.0), scale(r, 0.01, 100.0)).unwrap();
    chi_squared_at_random: ChiSquared, 15, |r| ChiSquared::natural(scale(r, 0.6, 500.0)).unwrap();
    beta_at_random: Beta, 16, |r| [scale(r, 0.4, 60.0), scale(r, 0.4, 60.0)];
    dirichlet_at_random: Dirichlet::new(5).unwrap(), 17, |r| [0.0; 5].map(|_| scale(r, 0.4, 60.0));
    normal_at_random: Normal, 18, |r| Normal::natural(3.0 * r.normal(), scale(r, 1e-2, 1e2)).unwrap();
    normal_known_variance_at_random: NormalKnownVariance::new(0.3).unwrap(), 19, |r| [5.0 * r.normal()];
    log_normal_at_random: LogNormal, 20, |r| Normal::natural(2.0 * r.normal(), scale(r, 0.1, 5.0)).unwrap();
    multivariate_normal_at_random: MultivariateNormal::new(3).unwrap(), 21, |r| {
        let m = DVector::from_fn(3, |_, _| r.normal());
        MultivariateNormal::new(3).unwrap().natural(&m, &covariance(r, 3)).unwrap()
    };
    diagonal_normal_at_random: DiagonalNormal::new(3).unwrap(), 22, |r| {
        let (m, v) = ([0.0; 3].map(|_| r.normal()), [0.0; 3].map(|_| scale(r, 0.1, 10.0)));
        DiagonalNormal::new(3).unwrap().natural(&m, &v).unwrap()
    };
    inverse_gaussian_at_random: InverseGaussian, 23, |r| InverseGaussian::natural(scale(r, 0.1, 10.0), scale(r, 0.5, 50.0)).unwrap();
    von_mises_at_random: VonMises, 24, |r| VonMises::natural(between(r, -3.0, 3.0), scale(r, 0.1, 200.0)).unwrap();
    von_mises_fisher_at_random: VonMisesFisher::new(4).unwrap(), 25, |r| [0.0; 4].map(|_| 6.0 * r.normal());
    wishart_at_random: Wishart::new(3).unwrap(), 26, |r| {
        Wishart::new(3).unwrap().natural(2.5 + scale(r, 0.3, 30.0), &covariance(r, 3)).unwrap()
    };
    inverse_wishart_at_random: InverseWishart::new(3).unwrap(), 27, |r| {
        InverseWishart::new(3).unwrap().natural(3.0 + scale(r, 0.3, 30.0), &covariance(r, 3)).unwrap()
    };
    normal_gamma_at_random: NormalGamma, 28, |r| {
        NormalGamma::natural(r.normal(), scale(r, 0.3, 5.0), scale(r, 1.0, 20.0), scale(r, 0.3, 5.0)).unwrap()
    };
    normal_inverse_wishart_at_random: NormalInverseWishart::new(2).unwrap(), 29, |r| {
        let m = DVector::from_fn(2, |_, _| 0.5 * r.normal());
        let (kappa, degrees) = (scale(r, 0.5, 5.0), 4.0 + scale(r, 1.0, 20.0));
        NormalInverseWishart::new(2).unwrap().natural(&m, kappa, degrees, &covariance(r, 2)).unwrap()
    };
    ising_at_random: Ising::new(4, &[(0, 1), (1, 2), (2, 3), (0, 2)]).unwrap(), 30, |r| [0.0; 8].map(|_| 0.6 * r.normal());
    discrete_at_random: Discrete::new(DMatrix::from_fn(7, 3, |i, j| ((i * (j + 2)) as f64).cos()), &[1.0, 2.0, 0.5, 1.0, 0.0, 3.0, 1.0]).unwrap(), 31, |r| [0.0; 3].map(|_| r.normal());
    product_at_random: Product::new(Gamma, Product::new(Poisson, Bernoulli)), 32, |r| {
        let [a, b] = Gamma::natural(scale(r, 0.5, 20.0), scale(r, 0.1, 10.0)).unwrap();
        [a, b, between(r, -1.0, 4.0), r.normal()]
    };
    independent_at_random: Independent::new(Normal, 3).unwrap(), 33, |r| Normal::natural(r.normal(), scale(r, 0.1, 10.0)).unwrap();
    independent_vectors_at_random: Independent::new(Categorical::new(3).unwrap(), 4).unwrap(), 34, |r| [r.normal(), r.normal()];
    componentwise_at_random: Componentwise::new(Gamma, 2).unwrap(), 37, |r| {
        let mut place = || Gamma::natural(scale(r, 0.5, 20.0), scale(r, 0.1, 10.0)).unwrap();
        [place(), place()].concat()
    };
    gamma_of_known_shape_at_random: GammaKnownShape::new(2.7).unwrap(), 38, |r| [-scale(r, 1e-2, 1e2)];
    normal_of_known_covariance_at_random: MultivariateNormalKnownCovariance::new(
        DMatrix::from_row_slice(2, 2, &[2.0, 0.5, 0.5, 1.0]),
    ).unwrap(), 39, |r| [2.0 * r.normal(), r.normal()];
    subfamily_at_random: Subfamily::new(Gamma, &[1.0, -2.0], DMatrix::from_row_slice(2, 1, &[0.5, 0.3])).unwrap(), 35, |r| [between(r, -3.0, 4.0)];
    subfamily_of_normal_laws_at_random: Subfamily::new(
        MultivariateNormal::new(2).unwrap(),
        &[0.0, 0.0, -0.5, 0.0, -0.5],
        DMatrix::from_row_slice(5, 2, &[1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.0, 0.0]),
    ).unwrap(), 36, |r| [r.normal(), between(r, -2.0, 2.0)];
}

/// At members that hold to the extremes of the domain, everything is finite, the Fisher information
/// positive, and natural → mean → natural returns to `tolerance` standard deviations.
fn survives<F: ExponentialFamily>(family: &F, naturals: &[Vec<f64>], tolerance: f64) {
    let name = std::any::type_name::<F>();
    let dim = family.dim();
    for natural in naturals {
        let a = family.log_partition(natural).unwrap();
        let mut mean = vec![0.0; dim];
        family.mean_from_natural(natural, &mut mean).unwrap();
        let mut fisher = vec![0.0; dim * dim];
        family.fisher_information(natural, &mut fisher).unwrap();
        let finite = a.is_finite() && mean.iter().chain(&fisher).all(|x| x.is_finite());
        assert!(finite, "{name} {natural:?}: {a} {mean:?} {fisher:?}");
        for k in 0..dim {
            assert!(fisher[k * dim + k] > 0.0, "{name} {natural:?}: {fisher:?}");
        }
        let mut back = vec![0.0; dim];
        if let Err(error) = family.natural_from_mean(&mean, &mut back) {
            panic!("{name} {natural:?} of mean {mean:?}: {error}");
        }
        let off: Vec<f64> = back.iter().zip(natural).map(|(b, n)| b - n).collect();
        let form: f64 = (0..dim)
            .map(|i| {
                (0..dim)
                    .map(|j| off[i] * fisher[i * dim + j] * off[j])
                    .sum::<f64>()
            })
            .sum();
        let sds = form.abs().sqrt();
        assert!(
            sds <= tolerance,
            "{name} {natural:?} comes back as {back:?}, {sds:e} sd off"
        );
        let mut rng = rng::stream(5, 0);
        for _ in 0..20 {
            // A draw, or a refusal that says so; never a draw outside the support.
            if let Ok(x) = family.sample(natural, &mut rng) {
                let log = family
                    .log_density(natural, std::borrow::Borrow::borrow(&x))
                    .unwrap();
                assert!(
                    log.is_finite(),
                    "{name} {natural:?}: a draw of log density {log}"
                );
            }
        }
    }
}

#[test]
fn extreme_members_are_finite_and_come_back() {
    let one = |values: &[f64]| -> Vec<Vec<f64>> { values.iter().map(|v| vec![*v]).collect() };
    survives(&Bernoulli, &one(&[-700.0, -40.0, 30.0, 36.0]), 1e-7);
    // A mean near n is a number of 10¹⁵ with a spacing of ⅛: 10⁻⁴ of its standard deviation.
    survives(
        &Binomial::new(1 << 50).unwrap(),
        &one(&[-300.0, -30.0, 0.0, 20.0]),
        1e-4,
    );
    survives(&Geometric, &one(&[-1e-12, -1e-3, -700.0]), 1e-12);
    survives(
        &NegativeBinomial::new(1e-3).unwrap(),
        &one(&[-1e-12, -1.0, -600.0]),
        1e-12,
    );
    survives(
        &NegativeBinomial::new(1e9).unwrap(),
        &one(&[-1e-9, -1.0, -600.0]),
        1e-9,
    );
    survives(&Poisson, &one(&[-700.0, 0.0, 30.0, 300.0]), 1e-3);
    survives(&Poisson, &one(&[-700.0, 0.0, 30.0]), 1e-8);
    survives(&Exponential, &one(&[-1e-150, -1.0, -1e150]), 1e-14);
    let gamma = |shapes: &[f64], rates: &[f64]| -> Vec<Vec<f64>> {
        let pairs = shapes
            .iter()
            .flat_map(|a| rates.iter().map(move |b| (*a, *b)));
        pairs
            .map(|(a, b)| Gamma::natural(a, b).unwrap().to_vec())
            .collect()
    };
    survives(
        &Gamma,
        &gamma(&[0.01, 1.0, 1e4], &[1e-100, 1.0, 1e100]),
        1e-8,
    );
    let inverse: Vec<Vec<f64>> = gamma(&[0.01, 1.0, 1e4], &[1e-100, 1.0, 1e100])
        .iter()
        .map(|t| vec![-t[0] - 2.0, t[1]])
        .collect();
    survives(&InverseGamma, &inverse, 1e-8);
    survives(&ChiSquared, &one(&[-0.999, 0.0, 1e8]), 1e-6);
    survives(
        &Beta,
        &[
            vec![0.01, 0.01],
            vec![1e-3, 1e3],
            vec![1e4, 1e4],
            vec![0.05, 40.0],
        ],
        1e-7,
    );
    survives(
        &Dirichlet::new(3).unwrap(),
        &[vec![0.01, 1.0, 100.0], vec![1e4; 3]],
        1e-7,
    );
    let normal = |m: f64, v: f64| Normal::natural(m, v).unwrap().to_vec();
    survives(
        &Normal,
        &[
            normal(0.0, 1e-150),
            normal(0.0, 1e150),
            normal(1e-3, 1e-6),
            normal(100.0, 1.0),
        ],
        1e-9,
    );
    survives(
        &InverseGaussian,
        &[(1e-50, 1e-50), (1e50, 1e50), (1.0, 1e6), (1.0, 1e-3)]
            .map(|(m, l)| InverseGaussian::natural(m, l).unwrap().to_vec()),
        1e-6,
    );
    survives(
        &VonMises,
        &[vec![1e-9, 0.0], vec![0.0, 1e-5], vec![1e4, 1e4]],
        1e-6,
    );
    for d in [2, 3, 50] {
        let family = VonMisesFisher::new(d).unwrap();
        let mut far = vec![0.0; d];
        far[0] = 5e3;
        survives(&family, &[vec![1e-9; d], far], 1e-6);
    }
    let wishart = Wishart::new(2).unwrap();
    let identity = DMatrix::<f64>::identity(2, 2);
    survives(
        &wishart,
        &[
            wishart.natural(1.01, &identity).unwrap(),
            wishart.natural(1e5, &identity).unwrap(),
            wishart.natural(3.0, &(&identity * 1e100)).unwrap(),
        ],
        1e-6,
    );
    let inverse = InverseWishart::new(2).unwrap();
    survives(
        &inverse,
        &[
            inverse.natural(1.01, &identity).unwrap(),
            inverse.natural(3.0, &(&identity * 1e-100)).unwrap(),
        ],
        1e-6,
    );
    let die = Discrete::new(
        DMatrix::from_fn(6, 1, |i, _| i as f64),
        &[1e-200, 1.0, 1.0, 1.0, 1.0, 1e200],
    )
    .unwrap();
    survives(&die, &one(&[-450.0, -20.0, 0.0, 3.0]), 1e-6);
}

/// From finite parameters of any size: an error, or numbers; from finite means an error, or a member.
fn never_nan<F: ExponentialFamily>(family: &F, seed: u64) {
    let name = std::any::type_name::<F>();
    let dim = family.dim();
    let mut rng = rng::stream(seed, 3);
    let (mut mean, mut fisher, mut back) = (vec![0.0; dim], vec![0.0; dim * dim], vec![0.0; dim]);
    let mut taken = 0;
    for trial in 0..3000 {
        let width = [2.0, 20.0, 300.0][trial % 3];
        let p: Vec<f64> = (0..dim)
            .map(|_| {
                let size = 10f64.powf(between(&mut rng, -width, width));
                // Most domains want negative numbers somewhere.
                if rng.bernoulli(0.6) { -size } else { size }
            })
            .collect();
        if let Ok(a) = family.log_partition(&p) {
            taken += 1;
            assert!(a.is_finite(), "{name}: A{p:?} = {a}");
            if family.mean_from_natural(&p, &mut mean).is_ok() {
                assert!(
                    mean.iter().all(|m| !m.is_nan()),
                    "{name}: the mean of {p:?} is {mean:?}"
                );
            }
            if family.fisher_information(&p, &mut fisher).is_ok() {
                assert!(
                    fisher.iter().all(|m| !m.is_nan()),
                    "{name}: of {p:?}: {fisher:?}"
                );
            }
            if let Ok(d) = family.kl_divergence(&p, &p) {
                assert!(d == 0.0, "{name}: KL of {p:?} from itself is {d}");
            }
        }
        if family.natural_from_mean(&p, &mut back).is_ok() {
            let check = family.check_natural(&back);
            assert!(
                check.is_ok(),
                "{name}: of mean {p:?} is {back:?}: {check:?}"
            );
        }
    }
    assert!(taken > 0, "{name}");
}

#[test]
fn finite_parameters_of_any_size_never_give_nan() {
    never_nan(&Bernoulli, 1);
    never_nan(&Binomial::new(10).unwrap(), 2);
    never_nan(&Categorical::new(3).unwrap(), 3);
    never_nan(&Multinomial::new(3, 7).unwrap(), 4);
    never_nan(&Geometric, 5);
    never_nan(&NegativeBinomial::new(2.5).unwrap(), 6);
    never_nan(&Poisson, 7);
    never_nan(&Exponential, 8);
    never_nan(&Gamma, 13);
    never_nan(&InverseGamma, 14);
    never_nan(&ChiSquared, 15);
    never_nan(&GammaKnownShape::new(2.5).unwrap(), 32);
    never_nan(&Componentwise::new(Gamma, 2).unwrap(), 33);
    let covariance = DMatrix::from_row_slice(2, 2, &[2.0, 0.5, 0.5, 1.0]);
    never_nan(
        &MultivariateNormalKnownCovariance::new(covariance).unwrap(),
        34,
    );
    never_nan(&Beta, 16);
    never_nan(&Dirichlet::new(3).unwrap(), 17);
    never_nan(&Normal, 18);
    never_nan(&NormalKnownVariance::new(0.3).unwrap(), 19);
    never_nan(&LogNormal, 20);
    never_nan(&MultivariateNormal::new(2).unwrap(), 21);
    never_nan(&DiagonalNormal::new(2).unwrap(), 22);
    never_nan(&InverseGaussian, 23);
    never_nan(&VonMises, 24);
    never_nan(&VonMisesFisher::new(3).unwrap(), 25);
    never_nan(&Wishart::new(2).unwrap(), 26);
    never_nan(&InverseWishart::new(2).unwrap(), 27);
    never_nan(&NormalGamma, 28);
    never_nan(&NormalInverseWishart::new(1).unwrap(), 29);
    never_nan(&Ising::new(2, &[(0, 1)]).unwrap(), 30);
    never_nan(
        &Discrete::new(
            DMatrix::from_fn(4, 2, |i, j| ((i + 1) as f64).powi(j as i32 + 1)),
            &[1.0; 4],
        )
        .unwrap(),
        31,
    );
}

#[test]
fn means_just_inside_the_boundary_are_taken_and_those_on_it_are_refused() {
    let refused = |r: Result<Vec<f64>, ergodic_core::ArgumentError>| {
        assert_eq!(r.unwrap_err().argument, "mean");
    };
    fn natural<F: ExponentialFamily>(
        f: &F,
        mean: &[f64],
    ) -> Result<Vec<f64>, ergodic_core::ArgumentError> {
        let mut out = vec![0.0; f.dim()];
        f.natural_from_mean(mean, &mut out).map(|()| out)
    }
    let small = f64::MIN_POSITIVE;
    for mean in [small, 1e-300, 1.0 - f64::EPSILON] {
        assert!(natural(&Bernoulli, &[mean]).unwrap()[0].is_finite());
    }
    for mean in [0.0, 1.0, -1e-300, f64::NAN, f64::INFINITY] {
        refused(natural(&Bernoulli, &[mean]));
    }
    for mean in [small, 1e300] {
        assert!(natural(&Poisson, &[mean]).unwrap()[0].is_finite());
        assert!(natural(&Geometric, &[mean]).is_ok() || mean > 1e200);
        assert!(natural(&Exponential, &[mean]).is_ok());
    }
    for mean in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        refused(natural(&Poisson, &[mean]));
        refused(natural(&Geometric, &[mean]));
        refused(natural(&Exponential, &[mean]));
    }
    // Gamma: E log x against log E x, from a shape near 0 to a huge one.
    for gap in [1e-12, 1e-6, 1.0, 100.0, 500.0] {
        let t = natural(&Gamma, &[-gap, 1.0]).unwrap();
        assert!(t[0] >= -1.0 && t[1] < 0.0, "{gap}: {t:?}");
        assert!(Gamma.check_natural(&t).is_ok(), "{gap}: {t:?}");
    }
    refused(natural(&Gamma, &[0.0, 1.0]));
    refused(natural(&Gamma, &[1.0, 1.0]));
    refused(natural(&Normal, &[1.0, 1.0]));
    assert!(natural(&Normal, &[1.0, 1.0 + f64::EPSILON]).is_ok());
    refused(natural(&VonMises, &[1.0, 0.0]));
    assert!(natural(&VonMises, &[1.0 - 1e-7, 0.0]).is_ok());
    refused(natural(&Beta, &[0.5f64.ln(), 0.5f64.ln()]));
    assert!(natural(&Beta, &[0.5f64.ln() - 1e-6, 0.5f64.ln() - 1e-6]).is_ok());
    refused(natural(&InverseGaussian, &[1.0, 1.0]));
    assert!(natural(&InverseGaussian, &[1.0, 1.0 + 1e-12]).is_ok());
    let categorical = Categorical::new(3).unwrap();
    refused(natural(&categorical, &[0.5, 0.5]));
    refused(natural(&categorical, &[0.0, 0.5]));
    assert!(natural(&categorical, &[1e-300, 0.5]).is_ok());
}

#[test]
fn densities_agree_with_statrs() {
    use statrs::distribution as s;
    let close = |found: f64, known: f64, what: &str| {
        assert!(
            (found - known).abs() <= 1e-10 * (1.0 + known.abs()),
            "{what}: {found} {known}"
        );
    };
    for (a, b) in [(0.5, 2.0), (3.0, 0.7), (80.0, 11.0)] {
        let t = Gamma::natural(a, b).unwrap();
        let i = InverseGamma::natural(a, b).unwrap();
        for x in [0.01, 0.8, 7.0, 30.0] {
            let known = s::Gamma::new(a, b).unwrap().ln_pdf(x);
            close(Gamma.log_density(&t, &x).unwrap(), known, "gamma");
            let known = s::InverseGamma::new(a, b).unwrap().ln_pdf(x);
            close(
                InverseGamma.log_density(&i, &x).unwrap(),
                known,
                "inverse gamma",
            );
            let known = s::Weibull::new(a, b).unwrap().ln_pdf(x);
            if known > -700.0 {
                let family = Weibull::new(a).unwrap();
                let found = family.log_density(&family.natural(b).unwrap(), &x).unwrap();
                close(found, known, "Weibull");
            }
            let known = s::Normal::new(a, b).unwrap().ln_pdf(x);
            close(
                Normal
                    .log_density(&Normal::natural(a, b * b).unwrap(), &x)
                    .unwrap(),
                known,
                "normal",
            );
            let known = s::LogNormal::new(a, b).unwrap().ln_pdf(x);
            close(
                LogNormal
                    .log_density(&Normal::natural(a, b * b).unwrap(), &x)
                    .unwrap(),
                known,
                "log-normal",
            );
            let known = s::Laplace::new(a, b).unwrap().ln_pdf(x);
            let found = Laplace::new(a)
                .unwrap()
                .log_density(&Laplace::natural(b).unwrap(), &x)
                .unwrap();
            close(found, known, "Laplace");
            let known = s::ChiSquared::new(a).unwrap().ln_pdf(x);
            close(
                ChiSquared
                    .log_density(&ChiSquared::natural(a).unwrap(), &x)
                    .unwrap(),
                known,
                "χ²",
            );
            let known = s::Exp::new(a).unwrap().ln_pdf(x);
            close(
                Exponential
                    .log_density(&Exponential::natural(a).unwrap(), &x)
                    .unwrap(),
                known,
                "exponential",
            );
            let known = s::Pareto::new(0.005, a).unwrap().ln_pdf(x);
            let found = Pareto::new(0.005)
                .unwrap()
                .log_density(&Pareto::natural(a).unwrap(), &x)
                .unwrap();
            close(found, known, "Pareto");
        }
        for x in [1e-5, 0.3, 0.9, 0.999] {
            let known = s::Beta::new(a, b).unwrap().ln_pdf(x);
            close(Beta.log_density(&[a, b], &x).unwrap(), known, "beta");
        }
    }
    for p in [0.1, 0.5, 0.97] {
        for x in [0u64, 1, 7, 30] {
            let known = s::Binomial::new(p, 30).unwrap().ln_pmf(x);
            let found = Binomial::new(30)
                .unwrap()
                .log_density(&Binomial::natural(p).unwrap(), &x)
                .unwrap();
            close(found, known, "binomial");
            let known = s::NegativeBinomial::new(4.5, p).unwrap().ln_pmf(x);
            let family = NegativeBinomial::new(4.5).unwrap();
            let found = family
                .log_density(&NegativeBinomial::natural(p).unwrap(), &x)
                .unwrap();
            close(found, known, "negative binomial");
            let known = s::Poisson::new(10.0 * p).unwrap().ln_pmf(x);
            close(
                Poisson
                    .log_density(&Poisson::natural(10.0 * p).unwrap(), &x)
                    .unwrap(),
                known,
                "Poisson",
            );
            let known = s::Geometric::new(p).unwrap().ln_pmf(x + 1);
            close(
                Geometric
                    .log_density(&Geometric::natural(p).unwrap(), &x)
                    .unwrap(),
                known,
                "geometric",
            );
        }
    }
    // Γ(6.2)/(Γ(.7)Γ(2)Γ(3.5)) x₁^{−.3} x₂ x₃^{2.5}
    let gamma = ergodic_math::special::ln_gamma;
    let known =
        gamma(6.2) - gamma(0.7) - gamma(3.5) - 0.3 * 0.2f64.ln() + 0.5f64.ln() + 2.5 * 0.3f64.ln();
    let found = Dirichlet::new(3)
        .unwrap()
        .log_density(&[0.7, 2.0, 3.5], &[0.2, 0.5, 0.3])
        .unwrap();
    close(found, known, "Dirichlet");
}

#[test]
fn log_densities_of_huge_laws_keep_their_digits() {
    // At the mode of 10¹⁵ counts, where the terms of the sum are 10¹⁶: Stirling's formula.
    let height = |variance: f64| -0.5 * (std::f64::consts::TAU * variance).ln();
    let m = 1e15f64;
    let found = Poisson
        .log_density(&[m.ln()], &1_000_000_000_000_000)
        .unwrap();
    // log m is rounded to 4e-15: a rate off by some units in 10¹⁵ is nothing beside its 3·10⁷ of spread.
    assert!((found - height(m)).abs() < 1e-12, "{found}");
    let n = 1u64 << 50;
    let found = Binomial::new(n)
        .unwrap()
        .log_density(&[0.0], &(n / 2))
        .unwrap();
    assert!((found - height(n as f64 / 4.0)).abs() < 1e-12, "{found}");
    let shape = 1e15;
    let found = Gamma
        .log_density(&Gamma::natural(shape, shape).unwrap(), &1.0)
        .unwrap();
    assert!((found - height(1.0 / shape)).abs() < 1e-12, "{found}");
    let found = Beta.log_density(&[shape, shape], &0.5).unwrap();
    assert!((found - height(0.125 / shape)).abs() < 1e-12, "{found}");
    let third = 1u64 << 40;
    let family = Multinomial::new(3, 3 * third).unwrap();
    let found = family.log_density(&[0.0, 0.0], &[third; 3]).unwrap();
    // Covariance of two of three counts: n (1/3·2/3, −1/9): determinant n²/27.
    let determinant = (3.0 * third as f64).powi(2) / 27.0;
    let known = -(std::f64::consts::TAU.ln()) - 0.5 * determinant.ln();
    assert!((found - known).abs() < 1e-11, "{found} {known}");
    let r = 1e12;
    let family = NegativeBinomial::new(r).unwrap();
    let found = family.log_density(&[0.5f64.ln()], &(r as u64)).unwrap();
    assert!((found - height(2.0 * r)).abs() < 1e-6, "{found}");
    // A mean 10⁸ standard deviations from 0.
    let known = -0.5 * std::f64::consts::TAU.ln() - 0.125;
    let t = Normal::natural(1e8, 1.0).unwrap();
    assert!((Normal.log_density(&t, &(1e8 + 0.5)).unwrap() - known).abs() < 1e-15);
    let family = NormalKnownVariance::new(1.0).unwrap();
    assert!((family.log_density(&[1e8], &(1e8 + 0.5)).unwrap() - known).abs() < 1e-15);
    let space = MultivariateNormal::new(1).unwrap();
    assert!((space.log_density(&t, &[1e8 + 0.5]).unwrap() - known).abs() < 1e-15);
    let plane = DiagonalNormal::new(1).unwrap();
    assert!((plane.log_density(&t, &[1e8 + 0.5]).unwrap() - known).abs() < 1e-15);
    let t = InverseGaussian::natural(1.0, 1e14).unwrap();
    let found = InverseGaussian.log_density(&t, &1.0).unwrap();
    assert!((found - height(1e-14)).abs() < 1e-13, "{found}");
    // Far out and at the ends: finite, and no NaN.
    assert_eq!(
        Poisson.log_density(&[-800.0], &3).unwrap(),
        -2400.0 - 6f64.ln()
    );
    assert!(
        Binomial::new(5)
            .unwrap()
            .log_density(&[-900.0], &2)
            .unwrap()
            .is_finite()
    );
    assert!(
        (Gamma.log_density(&[0.0, -1e-300], &1e-300).unwrap() - (1e-300f64).ln()).abs() < 1e-12
    );
    assert_eq!(
        Gamma.log_density(&[1.0, -1.0], &-1.0).unwrap(),
        f64::NEG_INFINITY
    );
    assert_eq!(
        Normal.log_density(&[0.0, -1.0], &f64::INFINITY).unwrap(),
        f64::NEG_INFINITY
    );
    assert_eq!(
        LogNormal.log_density(&[0.0, -1.0], &-1.0).unwrap(),
        f64::NEG_INFINITY
    );
    assert_eq!(
        InverseGaussian.log_density(&[-1.0, -1.0], &0.0).unwrap(),
        f64::NEG_INFINITY
    );
    assert_eq!(
        Beta.log_density(&[1.0, 2.0], &1.0).unwrap(),
        f64::NEG_INFINITY
    );
    assert_eq!(
        Weibull::new(2.0)
            .unwrap()
            .log_density(&[-1.0], &-2.0)
            .unwrap(),
        f64::NEG_INFINITY
    );
}

/// `∫ eᶠ` by panels.
fn integral(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let panels = 400;
    let width = (high - low) / f64::from(panels);
    (0..panels)
        .map(|k| {
            let a = low + width * f64::from(k);
            gauss_legendre_on(16, a, a + width)
                .unwrap()
                .integrate(|x| f(x).exp())
        })
        .sum()
}

#[test]
fn predictive_laws_are_normalised() {
    let whole = |total: f64, what: &str| assert!((total - 1.0).abs() < 1e-8, "{what}: {total}");
    let sum = |n: u64, f: &dyn Fn(u64) -> f64| -> f64 { (0..n).map(|x| f(x).exp()).sum() };
    let beta = [2.5, 6.0];
    let p = |b: bool| Bernoulli.log_predictive(&beta, &b).unwrap().exp();
    whole(p(true) + p(false), "Bernoulli");
    let ten = Binomial::new(10).unwrap();
    whole(
        sum(11, &|x| ten.log_predictive(&beta, &x).unwrap()),
        "binomial",
    );
    let gamma = Gamma::natural(3.5, 2.0).unwrap();
    whole(
        sum(3000, &|x| Poisson.log_predictive(&gamma, &x).unwrap()),
        "Poisson",
    );
    // A tail like x^{−α−1}: more of the prior near 1.
    let steep = [40.0, 3.0];
    whole(
        sum(3000, &|x| Geometric.log_predictive(&steep, &x).unwrap()),
        "geometric",
    );
    let r = NegativeBinomial::new(2.5).unwrap();
    whole(
        sum(5000, &|x| r.log_predictive(&steep, &x).unwrap()),
        "negative binomial",
    );
    let three = Categorical::new(3).unwrap();
    let simplex = [1.0, 0.5, 2.0];
    whole(
        (0..3)
            .map(|x| three.log_predictive(&simplex, &x).unwrap().exp())
            .sum(),
        "categorical",
    );
    let four = Multinomial::new(3, 4).unwrap();
    let mut total = 0.0;
    for a in 0..=4u64 {
        for b in 0..=4 - a {
            total += four
                .log_predictive(&simplex, &[a, b, 4 - a - b])
                .unwrap()
                .exp();
        }
    }
    whole(total, "multinomial");
    // x = eᵘ on the half line.
    let half = |f: &dyn Fn(f64) -> f64, what: &str| {
        whole(integral(-60.0, 60.0, |u| f(u.exp()) + u), what);
    };
    half(
        &|x| Exponential.log_predictive(&gamma, &x).unwrap(),
        "exponential",
    );
    half(
        &|x| Rayleigh.log_predictive(&gamma, &x).unwrap(),
        "Rayleigh",
    );
    let weibull = Weibull::new(1.7).unwrap();
    half(&|x| weibull.log_predictive(&gamma, &x).unwrap(), "Weibull");
    let pareto = Pareto::new(0.5).unwrap();
    // Its logarithm is exponential: the tail of the predictive is like a power of log x.
    let log_tail = |v: f64| {
        let above = v.exp(); // log x/m
        pareto.log_predictive(&gamma, &(0.5 * above.exp())).unwrap() + 0.5f64.ln() + above + v
    };
    let near = integral(-40.0, 6.5, log_tail); // up to log x = 665
    let left = (2.0f64 / (2.0 + 6.5f64.exp())).powf(3.5); // the survival function from there on
    whole(near + left, "Pareto");
    let laplace = Laplace::new(0.0).unwrap();
    half(
        &|x| laplace.log_predictive(&gamma, &x).unwrap() + 2f64.ln(),
        "Laplace",
    );
    let prior = NormalGamma::natural(0.5, 2.0, 3.0, 0.7).unwrap();
    half(
        &|x| LogNormal.log_predictive(&prior, &x).unwrap(),
        "log-normal",
    );
    whole(
        integral(-400.0, 400.0, |x| {
            Normal.log_predictive(&prior, &x).unwrap()
        }),
        "normal",
    );
    let family = NormalKnownVariance::new(0.7).unwrap();
    let prior = Normal::natural(0.5, 2.0).unwrap();
    whole(
        integral(-30.0, 30.0, |x| family.log_predictive(&prior, &x).unwrap()),
        "known variance",
    );
    let line = NormalInverseWishart::new(1).unwrap();
    let prior = line
        .natural(
            &DVector::from_element(1, 0.5),
            1.5,
            8.0,
            &DMatrix::from_element(1, 1, 2.0),
        )
        .unwrap();
    let family = MultivariateNormal::new(1).unwrap();
    whole(
        integral(-400.0, 400.0, |x| {
            family.log_predictive(&prior, &[x]).unwrap()
        }),
        "multivariate",
    );
}

#[test]
fn the_normal_laws_of_log_data_have_one_posterior() {
    let prior = NormalGamma::natural(0.5, 2.0, 3.0, 0.7).unwrap();
    let x = [0.3f64, 2.0, 5.5];
    let direct = Fit::of(&LogNormal, x).unwrap();
    let logs = Fit::of(&Normal, x.map(f64::ln)).unwrap();
    let (a, b) = (
        LogNormal.posterior(&prior, &direct).unwrap(),
        Normal.posterior(&prior, &logs).unwrap(),
    );
    for (a, b) in a.iter().zip(&b) {
        assert!((a - b).abs() < 1e-13);
    }
    // Densities differ by the Jacobian.
    let jacobian: f64 = x.iter().map(|x| x.ln()).sum();
    let (e, f) = (
        LogNormal.log_evidence(&prior, &direct).unwrap(),
        Normal.log_evidence(&prior, &logs).unwrap(),
    );
    assert!((e + jacobian - f).abs() < 1e-12);
    // Beta–binomial, exactly: 4 of 10 under Beta(2, 3).
    let ten = Binomial::new(10).unwrap();
    let data = Fit::of(&ten, [4u64]).unwrap();
    assert!((ten.log_evidence(&[2.0, 3.0], &data).unwrap() + 1.9671123567059197).abs() < 1e-13);
}

#[test]
fn composed_families_refuse_what_does_not_fit() {
    let both = Product::new(Bernoulli, Poisson);
    let error = both.log_partition(&[0.0, 900.0]).unwrap_err();
    assert!(error.to_string().contains("second factor"), "{error}");
    assert!(both.log_partition(&[0.0]).is_err());
    assert!(both.natural_from_mean(&[0.5, -1.0], &mut [0.0; 2]).is_err());
    assert_eq!(
        Independent::new(Bernoulli, 0).unwrap_err().argument,
        "draws"
    );
    let three = Independent::new(Normal, 3).unwrap();
    assert_eq!(
        three.log_density(&[0.0, -0.5], &[1.0, 2.0]).unwrap(),
        f64::NEG_INFINITY
    );
    // The sum of the log densities.
    let sum: f64 = [1.0, 2.0, 0.3]
        .iter()
        .map(|x| Normal.log_density(&[0.0, -0.5], x).unwrap())
        .sum();
    assert!((three.log_density(&[0.0, -0.5], &[1.0, 2.0, 0.3]).unwrap() - sum).abs() < 1e-14);
    // A sub-family has the densities of the whole, from its own base measure too.
    let one = DMatrix::from_element(2, 1, 1.0);
    let part = Subfamily::new(Gamma, &[1.5, -2.0], one.clone()).unwrap();
    let (whole, mut t) = (part.whole(&[0.3]).unwrap(), [0.0]);
    part.sufficient_statistics(&0.7, &mut t);
    let own = part.log_base_measure(&0.7) + 0.3 * t[0] - part.log_partition(&[0.3]).unwrap();
    assert!((own - Gamma.log_density(&whole, &0.7).unwrap()).abs() < 1e-14);
    let error = Subfamily::new(Gamma, &[-2.0, -1.0], one.clone()).unwrap_err();
    assert_eq!(error.argument, "origin");
    for bad in [
        DMatrix::zeros(2, 1),
        DMatrix::from_element(2, 2, 1.0),
        DMatrix::from_element(3, 1, 1.0),
        DMatrix::from_element(2, 1, f64::NAN),
        DMatrix::zeros(2, 0),
    ] {
        assert_eq!(
            Subfamily::new(Gamma, &[1.0, -1.0], bad)
                .unwrap_err()
                .argument,
            "directions"
        );
    }
    // The product of a member with itself has twice its divergence, the product its sum.
    let pair = Product::new(Normal, Normal);
    let (p, q) = ([0.0, -0.5, 1.0, -1.0], [1.0, -0.7, 0.0, -0.5]);
    let sum = Normal.kl_divergence(&p[..2], &q[..2]).unwrap()
        + Normal.kl_divergence(&p[2..], &q[2..]).unwrap();
    assert!((pair.kl_divergence(&p, &q).unwrap() - sum).abs() < 1e-15);
    let plain = Member::new(pair, p)
        .unwrap()
        .kl_divergence(&Member::new(pair, q).unwrap())
        .unwrap();
    assert!((plain - sum).abs() < 1e-15);
}

/// A batch of members answers what the single calls do, number or refusal.
fn batches_agree<F: ExponentialFamily>(family: &F, naturals: &[f64], refused: &[f64]) {
    let single = |theta: f64| -> Result<(f64, f64), ArgumentError> {
        let mut mean = [0.0];
        let a = family.log_partition(&[theta])?;
        family.mean_from_natural(&[theta], &mut mean)?;
        Ok((a, mean[0]))
    };
    for n in [0, 1, 15, 16, 17, naturals.len()] {
        let (mut a, mut mean) = (vec![f64::NAN; n], vec![f64::NAN; n]);
        family
            .evaluate_columns(&naturals[..n], &mut a, &mut mean)
            .unwrap();
        for i in 0..n {
            let (one, m) = single(naturals[i]).unwrap();
            let off = (a[i] - one).abs() / one.abs().max(1e-300);
            assert!(off <= 2e-15, "A at {}: {} {one}", naturals[i], a[i]);
            let off = (mean[i] - m).abs() / m.abs().max(1e-300);
            assert!(off <= 2e-15, "μ at {}: {} {m}", naturals[i], mean[i]);
        }
    }
    for theta in refused {
        let mut with = naturals[..40].to_vec();
        with[37] = *theta;
        let (mut a, mut mean) = ([0.0; 40], [0.0; 40]);
        let found = family.evaluate_columns(&with, &mut a, &mut mean);
        assert_eq!(
            found.map_err(|e| e.to_string()),
            single(*theta).map(|_| ()).map_err(|e| e.to_string()),
            "θ = {theta}"
        );
        assert!(single(*theta).is_err(), "θ = {theta}");
    }
    let mut short = [0.0; 39];
    assert!(
        family
            .evaluate_columns(&naturals[..40], &mut short, &mut [0.0; 40])
            .is_err()
            && family
                .evaluate_columns(&naturals[..39], &mut short, &mut [0.0; 40])
                .is_err()
    );
}

#[test]
fn batches_of_one_parameter_families_answer_what_single_calls_do() {
    let grid = |low: f64, high: f64| -> Vec<f64> {
        (0..1003)
            .map(|i| low + (high - low) * f64::from(i) / 1002.0)
            .collect()
    };
    let none = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let not_negative = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, 1e-300, 3.0];
    batches_agree(&Bernoulli, &grid(-700.0, 700.0), &none);
    batches_agree(&Bernoulli, &grid(-3.0, 3.0), &none);
    batches_agree(
        &Poisson,
        &grid(-700.0, 700.0),
        &[none[0], none[1], none[2], 710.0],
    );
    let variance = NormalKnownVariance::new(2.5).unwrap();
    batches_agree(
        &variance,
        &grid(-1e3, 1e3),
        &[none[0], none[1], none[2], 1e200],
    );
    for (low, high) in [(-700.0, -1e-3), (-1.0, -1e-3), (-1e-3, -1e-12)] {
        batches_agree(&Geometric, &grid(low, high), &not_negative);
        let two = NegativeBinomial::new(2.5).unwrap();
        batches_agree(&two, &grid(low, high), &not_negative);
    }
    for (low, high) in [(-1e6, -1.0), (-1.0, -1e-3), (-1e-300, -1e-306)] {
        batches_agree(&Exponential, &grid(low, high), &not_negative);
        let known = GammaKnownShape::new(2.5).unwrap();
        batches_agree(&known, &grid(low, high), &[0.0, f64::NAN, 1.0]);
        batches_agree(&Rayleigh, &grid(low, high), &[0.0, -1e-310]);
    }
}

/// Batches of families of several parameters: what the single calls answer, number or refusal.
fn vectors_agree<F: ExponentialFamily>(
    family: &F,
    seed: u64,
    member: impl Fn(&mut dyn Randomness) -> Vec<f64>,
    refused: &[Vec<f64>],
) {
    let mut random = rng::stream(seed, 9);
    let dim = family.dim();
    for n in [0, 1, 7, 255, 256, 257, 600] {
        let members: Vec<Vec<f64>> = (0..n).map(|_| member(&mut random)).collect();
        let natural: Vec<f64> = (0..dim)
            .flat_map(|k| members.iter().map(move |m| m[k]))
            .collect();
        let (mut a, mut means) = (vec![f64::NAN; n], vec![f64::NAN; dim * n]);
        family
            .evaluate_columns(&natural, &mut a, &mut means)
            .unwrap();
        for (i, theta) in members.iter().enumerate() {
            let one = family.log_partition(theta).unwrap();
            let size = theta.iter().fold(1.0, |m: f64, t| m.max(t.abs()));
            assert!(
                (a[i] - one).abs() <= 1e-15 * size * one.abs(),
                "{theta:?}: {} {one}",
                a[i]
            );
            let mut mean = vec![0.0; dim];
            family.mean_from_natural(theta, &mut mean).unwrap();
            for (k, m) in mean.iter().enumerate() {
                let found = means[k * n + i];
                // The exponential of a difference of the size of the parameters.
                let allowed = 1e-15 * size * m.abs() + 1e-307;
                assert!((found - m).abs() <= allowed, "{theta:?}: {found} {m}");
            }
        }
        for bad in refused.iter().filter(|_| n > 7) {
            let mut with = natural.clone();
            for (k, t) in bad.iter().enumerate() {
                with[k * n + n - 2] = *t;
            }
            let found = family.evaluate_columns(&with, &mut a, &mut means);
            let single = family.log_partition(bad).unwrap_err().to_string();
            assert_eq!(found.unwrap_err().to_string(), single, "{bad:?}");
        }
    }
    let mut a = [0.0; 3];
    for (naturals, means) in [(3, 2), (2, 3), (4, 3)] {
        let natural = vec![-1.0; naturals * dim];
        let mut mean = vec![0.0; means * dim];
        assert!(
            family
                .evaluate_columns(&natural, &mut a, &mut mean)
                .is_err()
        );
    }
}

#[test]
fn batches_of_vector_families_answer_what_single_calls_do() {
    let nan = f64::NAN;
    for (outcomes, seed) in [(2, 1), (3, 2), (10, 3)] {
        let family = Categorical::new(outcomes).unwrap();
        for width in [1.0, 30.0, 700.0] {
            let bad: Vec<Vec<f64>> = [nan, f64::INFINITY, f64::NEG_INFINITY]
                .iter()
                .map(|b| {
                    (1..outcomes)
                        .map(|k| if k == 1 { *b } else { 0.0 })
                        .collect()
                })
                .collect();
            let member = |r: &mut dyn Randomness| {
                (1..outcomes)
                    .map(|_| width * r.normal())
                    .collect::<Vec<f64>>()
            };
            vectors_agree(&family, seed, member, &bad);
        }
    }
    for (d, seed) in [(1, 4), (3, 5)] {
        let family = DiagonalNormal::new(d).unwrap();
        let member = |r: &mut dyn Randomness| {
            let mean: Vec<f64> = (0..d).map(|_| 3.0 * r.normal()).collect();
            let variance: Vec<f64> = (0..d).map(|_| scale(r, 1e-2, 1e2)).collect();
            family.natural(&mean, &variance).unwrap()
        };
        let outside = |at: usize, value: f64| {
            let mut theta = family.natural(&vec![0.0; d], &vec![1.0; d]).unwrap();
            theta[at] = value;
            theta
        };
        let bad = [
            outside(0, nan),
            outside(0, 1e200),
            outside(2 * d - 1, 0.0),
            outside(2 * d - 1, 1.0),
            outside(d, -1e-310),
        ];
        vectors_agree(&family, seed, member, &bad);
    }
}

#[test]
fn log_densities_of_sharp_directions_keep_their_digits() {
    // On the sphere of three dimensions p = κ e^{−κ(1 − cos)}/2π(1 − e^{−2κ}).
    let sphere = VonMisesFisher::new(3).unwrap();
    for kappa in [1e-3f64, 1.0, 50.0, 1e4, 1e8] {
        for angle in [0.0f64, 1e-4, 0.01, 1.0] {
            let drop = 2.0 * (0.5 * angle).sin().powi(2);
            let exact = kappa.ln()
                - (2.0 * std::f64::consts::PI).ln()
                - (-(-2.0 * kappa).exp_m1()).ln()
                - kappa * drop;
            let natural = [0.0, 0.6 * kappa, 0.8 * kappa];
            // Turned from the mean direction, across (0, −.8, .6).
            let (c, s) = (angle.cos(), angle.sin());
            let x = [0.0, 0.6 * c - 0.8 * s, 0.8 * c + 0.6 * s];
            let found = sphere.log_density(&natural, &x[..]).unwrap();
            let error = 1e-15 * kappa * angle + 2e-14 * (1.0 + exact.abs());
            assert!(
                (found - exact).abs() < error,
                "{kappa} {angle}: {found} {exact}"
            );
        }
    }
    // On the circle 2πI₀ = √(2π/κ) e^κ (1 + 1/8κ + 9/128κ² + …).
    for kappa in [1e5f64, 1e8] {
        for angle in [0.0f64, 1e-4, 0.01] {
            let natural = VonMises::natural(0.5, kappa).unwrap();
            let found = VonMises.log_density(&natural, &(0.5 + angle)).unwrap();
            let bessel = f64::ln_1p((1.0 + 9.0 / (16.0 * kappa)) / (8.0 * kappa));
            let exact = 0.5 * (kappa / (2.0 * std::f64::consts::PI)).ln()
                - bessel
                - 2.0 * kappa * (0.5 * angle).sin().powi(2);
            let error = 1e-15 * kappa * angle + 2e-14 * (1.0 + exact.abs());
            assert!(
                (found - exact).abs() < error,
                "{kappa} {angle}: {found} {exact}"
            );
        }
    }
    assert_eq!(
        VonMises.log_density(&[0.0, 0.0], &1.0).unwrap(),
        -(2.0 * std::f64::consts::PI).ln()
    );
    assert_eq!(
        VonMises.log_density(&[1.0, 0.0], &f64::NAN).unwrap(),
        f64::NEG_INFINITY
    );
    assert!(VonMises.log_density(&[2e8, 0.0], &f64::NAN).is_err());
    assert!(
        sphere
            .log_density(&[2e8, 0.0, 0.0], &[9.0, 9.0, 9.0][..])
            .is_err()
    );
}

#[test]
fn divergences_of_rates_are_accurate_near_and_far() {
    // r²/2 − r³/3 + … with r = λ₂/λ₁ − 1.
    let near = 1.0 + 1e-7;
    let r: f64 = near - 1.0;
    let exact = r * r * (0.5 - r / 3.0 + r * r / 4.0);
    let found = Exponential.kl_divergence(&[-1.0], &[-near]).unwrap();
    assert!((found / exact - 1.0).abs() < 1e-14, "{found} {exact}");
    // log λ₁/λ₂ + λ₂/λ₁ − 1.
    let found = Pareto::new(2.0)
        .unwrap()
        .kl_divergence(&[-3.0], &[-5.0])
        .unwrap();
    assert!((found - (0.6f64.ln() + 5.0 / 3.0 - 1.0)).abs() < 1e-15);
    let found = Exponential.kl_divergence(&[-1e300], &[-1e-300]).unwrap();
    assert!((found - (600.0 * std::f64::consts::LN_10 - 1.0)).abs() < 1e-11);
    assert_eq!(
        Exponential.kl_divergence(&[-1e-300], &[-1e300]).unwrap(),
        f64::INFINITY
    );
    assert!(Exponential.kl_divergence(&[-1.0], &[0.0]).is_err());
}

#[test]
fn rare_failures_keep_their_log_partition() {
    // −log(1 − e^θ) = e^θ + …
    for theta in [-50.0f64, -300.0] {
        let a = Geometric.log_partition(&[theta]).unwrap();
        assert!((a / theta.exp() - 1.0).abs() < 1e-14, "{a}");
        let log_p = Geometric.log_density(&[theta], &0).unwrap();
        assert!((log_p / -theta.exp() - 1.0).abs() < 1e-14, "{log_p}");
    }
}

#[test]
fn draws_outside_the_range_of_numbers_are_refused() {
    let mut random = rng::stream(7, 0);
    let pareto = Pareto::new(1.0).unwrap();
    let narrow = Weibull::new(1e-3).unwrap();
    let mut refused = [0, 0];
    for _ in 0..200 {
        for (count, draw) in refused.iter_mut().zip([
            pareto.sample(&[-1e-3], &mut random),
            narrow.sample(&[-1.0], &mut random),
        ]) {
            match draw {
                Ok(x) => assert!(x > 0.0 && x.is_finite()),
                Err(error) => {
                    assert_eq!(error.argument, "natural");
                    *count += 1;
                }
            }
        }
    }
    // P(e^t > f64::MAX) = e^{−.71}.
    assert!(
        (50..150).contains(&refused[0]) && refused[1] > 50,
        "{refused:?}"
    );
    assert!(Geometric.sample(&[-1e-200], &mut random).is_err());
    let many = Member::new(Poisson, [40.0]).unwrap();
    assert!(many.sample(&mut random).is_err());
}

#[test]
fn pareto_densities_survive_ratios_beyond_the_range_of_numbers() {
    let family = Pareto::new(1e-300).unwrap();
    let found = family.log_density(&[-0.5], &1e300).unwrap();
    // log α + α log m − (α + 1) log x
    let exact = 0.5f64.ln() - (150.0 + 450.0) * std::f64::consts::LN_10;
    assert!((found - exact).abs() < 1e-11, "{found} {exact}");
}

#[test]
fn samples_whose_statistics_overflow_are_refused() {
    assert_eq!(Fit::of(&Normal, [1e200]).unwrap_err().argument, "sample");
    assert!(Fit::of(&Exponential, [1e308, 1e308]).is_err());
}

#[test]
fn independent_draws_and_products_have_the_densities_and_posteriors_of_their_parts() {
    let draws = Independent::new(Poisson, 2).unwrap();
    let theta = [1e15f64.ln()];
    let x = [1_000_000_000_000_000u64, 1_000_000_030_000_000];
    let sum: f64 = x
        .iter()
        .map(|x| Poisson.log_density(&theta, x).unwrap())
        .sum();
    assert_eq!(draws.log_density(&theta, &x[..]).unwrap(), sum);
    assert_eq!(
        draws.log_density(&theta, &x[..1]).unwrap(),
        f64::NEG_INFINITY
    );
    assert!(draws.log_density(&[f64::NAN], &x[..1]).is_err());
    // Two observations of two draws are four draws.
    let prior = Gamma::natural(2.0, 3.0).unwrap();
    let pairs = Fit::of(&draws, [vec![1u64, 4], vec![0, 2]]).unwrap();
    let singles = Fit::of(&Poisson, [1u64, 4, 0, 2]).unwrap();
    assert_eq!(
        draws.posterior(&prior, &pairs).unwrap(),
        Poisson.posterior(&prior, &singles).unwrap()
    );
    let (a, b) = (
        draws.log_evidence(&prior, &pairs).unwrap(),
        Poisson.log_evidence(&prior, &singles).unwrap(),
    );
    assert!((a - b).abs() < 1e-13, "{a} {b}");
    // Independent parts: the evidence is the product.
    let both = Product::new(Bernoulli, Poisson);
    let data = [(true, 3u64), (false, 1), (true, 0)];
    let priors = [2.0, 5.0, prior[0], prior[1]];
    let whole = both
        .log_evidence(&priors, &Fit::of(&both, data).unwrap())
        .unwrap();
    let heads = Fit::of(&Bernoulli, [true, false, true]).unwrap();
    let events = Fit::of(&Poisson, [3u64, 1, 0]).unwrap();
    let parts = Bernoulli.log_evidence(&priors[..2], &heads).unwrap()
        + Poisson.log_evidence(&prior, &events).unwrap();
    assert!((whole - parts).abs() < 1e-13, "{whole} {parts}");
    // Of the wrong dimension.
    assert!(both.posterior(&priors, &heads).is_err());
}
