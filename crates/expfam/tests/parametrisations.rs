//! The usual parameters of every family that has them: to natural ones and back.

use ergodic_core::ArgumentError;
use ergodic_expfam::families::*;
use ergodic_expfam::{Conjugate, Fit};
use nalgebra::{DMatrix, DVector};

fn near(name: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= 1e-14 * (1.0 + e.abs()),
            "{name}: {found:?} {expected:?}"
        );
    }
}

fn matrix(entries: &[f64]) -> DMatrix<f64> {
    DMatrix::from_row_slice(2, 2, entries)
}

#[test]
fn usual_parameters_of_one_number_come_back() {
    type Back = Result<f64, ArgumentError>;
    let weibull = Weibull::new(2.5).unwrap();
    let normal = NormalKnownVariance::new(0.3).unwrap();
    for x in [0.2, 0.5, 0.9] {
        let all: [(&str, Back); 13] = [
            (
                "Bernoulli",
                Bernoulli::usual(&Bernoulli::natural(x).unwrap()),
            ),
            ("binomial", Binomial::usual(&Binomial::natural(x).unwrap())),
            (
                "geometric",
                Geometric::usual(&Geometric::natural(x).unwrap()),
            ),
            (
                "negative binomial",
                NegativeBinomial::usual(&NegativeBinomial::natural(x).unwrap()),
            ),
            ("Poisson", Poisson::usual(&Poisson::natural(x).unwrap())),
            (
                "exponential",
                Exponential::usual(&Exponential::natural(x).unwrap()),
            ),
            ("Laplace", Laplace::usual(&Laplace::natural(x).unwrap())),
            ("Weibull", weibull.usual(&weibull.natural(x).unwrap())),
            ("Pareto", Pareto::usual(&Pareto::natural(x).unwrap())),
            ("Rayleigh", Rayleigh::usual(&Rayleigh::natural(x).unwrap())),
            (
                "gamma of known shape",
                GammaKnownShape::usual(&GammaKnownShape::natural(x).unwrap()),
            ),
            (
                "chi-squared",
                ChiSquared::usual(&ChiSquared::natural(x).unwrap()),
            ),
            ("normal", normal.usual(&normal.natural(x).unwrap())),
        ];
        for (name, found) in all {
            near(name, &[found.unwrap()], &[x]);
        }
    }
}

#[test]
fn usual_parameters_of_several_numbers_come_back() {
    let (angle, concentration) = VonMises::usual(&VonMises::natural(-2.5, 3.0).unwrap()).unwrap();
    near("von Mises", &[angle, concentration], &[-2.5, 3.0]);
    let (m, k, a, b) =
        NormalGamma::usual(&NormalGamma::natural(1.5, 2.0, 3.0, 4.0).unwrap()).unwrap();
    near("normal-gamma", &[m, k, a, b], &[1.5, 2.0, 3.0, 4.0]);
    let plane = DiagonalNormal::new(2).unwrap();
    let (mean, variance) = plane
        .usual(&plane.natural(&[1.0, -2.0], &[0.5, 3.0]).unwrap())
        .unwrap();
    near("means", &mean, &[1.0, -2.0]);
    near("variances", &variance, &[0.5, 3.0]);

    let (scale, location) = (
        matrix(&[2.0, 0.7, 0.7, 1.5]),
        DVector::from_column_slice(&[0.5, -1.0]),
    );
    let known = MultivariateNormalKnownCovariance::new(scale.clone()).unwrap();
    let mean = known.usual(&known.natural(&location).unwrap()).unwrap();
    near("known covariance", mean.as_slice(), location.as_slice());
    let wishart = Wishart::new(2).unwrap();
    let (n, v) = wishart
        .usual(&wishart.natural(4.5, &scale).unwrap())
        .unwrap();
    near("Wishart", &[n], &[4.5]);
    near("Wishart", v.as_slice(), scale.as_slice());
    let inverse = InverseWishart::new(2).unwrap();
    let (n, psi) = inverse
        .usual(&inverse.natural(4.5, &scale).unwrap())
        .unwrap();
    near("inverse Wishart", &[n], &[4.5]);
    near("inverse Wishart", psi.as_slice(), scale.as_slice());
    let both = NormalInverseWishart::new(2).unwrap();
    let (m, kappa, n, psi) = both
        .usual(&both.natural(&location, 2.0, 4.5, &scale).unwrap())
        .unwrap();
    near("normal-inverse-Wishart", m.as_slice(), location.as_slice());
    near("normal-inverse-Wishart", &[kappa, n], &[2.0, 4.5]);
    near("normal-inverse-Wishart", psi.as_slice(), scale.as_slice());
}

/// The rules of the books, as in Bernardo and Smith, *Bayesian Theory*, 1994, app. A.
#[test]
fn the_posterior_of_a_normal_law_has_the_parameters_of_the_books() {
    let (x, prior) = ([1.0, 2.0, 4.0, 5.0], (0.5, 2.0, 3.0, 1.5));
    let (m, k, a, b) = prior;
    let posterior = Normal
        .posterior(
            &NormalGamma::natural(m, k, a, b).unwrap(),
            &Fit::of(&Normal, x).unwrap(),
        )
        .unwrap();
    let (n, mean) = (4.0, 3.0);
    let squares: f64 = x.iter().map(|x| (x - mean) * (x - mean)).sum();
    let found = NormalGamma::usual(&posterior).unwrap();
    let rate = b + 0.5 * squares + 0.5 * k * n / (k + n) * (mean - m) * (mean - m);
    near(
        "posterior",
        &[found.0, found.1, found.2, found.3],
        &[(k * m + n * mean) / (k + n), k + n, a + 0.5 * n, rate],
    );
}

#[test]
fn parameters_outside_the_domain_have_no_usual_ones() {
    let weibull = Weibull::new(1e-3).unwrap();
    let normal = NormalKnownVariance::new(1e300).unwrap();
    let errors = [
        Bernoulli::usual(&[f64::NAN]).unwrap_err(),
        Binomial::usual(&[]).unwrap_err(),
        Geometric::usual(&[0.0]).unwrap_err(),
        NegativeBinomial::usual(&[1.0]).unwrap_err(),
        Poisson::usual(&[800.0]).unwrap_err(),
        Exponential::usual(&[0.0]).unwrap_err(),
        Laplace::usual(&[1.0]).unwrap_err(),
        weibull.usual(&[1.0]).unwrap_err(),
        weibull.usual(&[-0.1]).unwrap_err(), // 10¹⁰⁰⁰
        Pareto::usual(&[2.0]).unwrap_err(),
        Rayleigh::usual(&[f64::INFINITY]).unwrap_err(),
        GammaKnownShape::usual(&[0.0]).unwrap_err(),
        ChiSquared::usual(&[-1.0]).unwrap_err(),
        normal.usual(&[1e10]).unwrap_err(),
        VonMises::usual(&[1.0]).unwrap_err(),
        NormalGamma::usual(&[1.0, 1.0, 0.0, -1.0]).unwrap_err(),
        DiagonalNormal::new(1)
            .unwrap()
            .usual(&[0.0, 1.0])
            .unwrap_err(),
        Wishart::new(1).unwrap().usual(&[1.0, 1.0]).unwrap_err(),
        Wishart::new(1).unwrap().usual(&[1.0, -1e-310]).unwrap_err(),
        InverseWishart::new(1)
            .unwrap()
            .usual(&[1.0, -1.0])
            .unwrap_err(),
        InverseWishart::new(1)
            .unwrap()
            .usual(&[-5.0, -1e308])
            .unwrap_err(),
        NormalInverseWishart::new(1)
            .unwrap()
            .usual(&[-5.0, -1.0, 0.0, 1.0])
            .unwrap_err(),
        MultivariateNormalKnownCovariance::new(DMatrix::identity(2, 2))
            .unwrap()
            .usual(&[0.0])
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.argument, "natural", "{error}");
    }
}
