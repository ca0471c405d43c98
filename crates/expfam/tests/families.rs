//! Every family against the laws of exponential families, at members all over its domain.

use ergodic_conformance::FamilyCheck;
use ergodic_core::ExponentialFamily;
use ergodic_expfam::families::*;
use ergodic_math::quadrature::{gauss_legendre, gauss_legendre_on};
use nalgebra::{DMatrix, DVector};

const DRAWS: usize = 20_000;

/// All whole numbers below `n`, each with weight 1.
fn counts(n: u64) -> Vec<(u64, f64)> {
    (0..n).map(|x| (x, 1.0)).collect()
}

/// Nodes for `(0, ∞)`: `x = e^u`, panels of a Gauss rule for `u` in `[low, high]`.
fn half_line(low: f64, high: f64) -> Vec<(f64, f64)> {
    panels(low, high, 160)
        .into_iter()
        .map(|(u, w)| (u.exp(), w * u.exp()))
        .collect()
}

fn panels(low: f64, high: f64, number: usize) -> Vec<(f64, f64)> {
    let width = (high - low) / number as f64;
    (0..number)
        .flat_map(|k| {
            let a = low + width * k as f64;
            let rule = gauss_legendre_on(16, a, a + width).unwrap();
            rule.iter().collect::<Vec<_>>()
        })
        .collect()
}

/// Nodes for `(0, 1)`: `x = 1/(1 + e^{−u})`.
fn unit_interval() -> Vec<(f64, f64)> {
    panels(-36.0, 36.0, 80)
        .into_iter()
        .map(|(u, w)| {
            let x = 1.0 / (1.0 + (-u).exp());
            (x, w * x / (1.0 + u.exp()))
        })
        .filter(|(x, _)| *x < 1.0)
        .collect()
}

#[test]
fn bernoulli_is_an_exponential_family() {
    FamilyCheck::new(DRAWS, 1)
        .nodes(vec![(false, 1.0), (true, 1.0)])
        .check(&Bernoulli, &[vec![0.3], vec![-4.0], vec![7.0], vec![0.0]])
        .unwrap()
        .assert();
}

#[test]
fn binomial_is_an_exponential_family() {
    for n in [1, 10, 300] {
        FamilyCheck::new(DRAWS, 2)
            .nodes(counts(n + 1))
            .check(
                &Binomial::new(n).unwrap(),
                &[vec![0.3], vec![-3.0], vec![2.0]],
            )
            .unwrap()
            .assert();
    }
}

#[test]
fn categorical_and_multinomial_are_exponential_families() {
    let members = [
        vec![0.5, -1.0, 0.2],
        vec![-3.0, 2.0, 0.0],
        vec![0.0, 0.0, 0.0],
    ];
    FamilyCheck::new(DRAWS, 3)
        .nodes((0..4usize).map(|x| (x, 1.0)).collect())
        .check(&Categorical::new(4).unwrap(), &members)
        .unwrap()
        .assert();
    let mut nodes: Vec<(Vec<u64>, f64)> = Vec::new();
    for a in 0..=6u64 {
        for b in 0..=6 - a {
            for c in 0..=6 - a - b {
                nodes.push((vec![a, b, c, 6 - a - b - c], 1.0));
            }
        }
    }
    FamilyCheck::new(DRAWS, 4)
        .nodes(nodes)
        .check(&Multinomial::new(4, 6).unwrap(), &members)
        .unwrap()
        .assert();
}

#[test]
fn geometric_and_negative_binomial_are_exponential_families() {
    let members = [vec![-0.2], vec![-1.0], vec![-3.0]];
    FamilyCheck::new(DRAWS, 5)
        .nodes(counts(400))
        .check(&Geometric, &members)
        .unwrap()
        .assert();
    for r in [0.4, 1.0, 7.5] {
        FamilyCheck::new(DRAWS, 6)
            .nodes(counts(600))
            .check(&NegativeBinomial::new(r).unwrap(), &members)
            .unwrap()
            .assert();
    }
}

#[test]
fn poisson_is_an_exponential_family() {
    FamilyCheck::new(DRAWS, 7)
        .nodes(counts(1000))
        .check(&Poisson, &[vec![-2.0], vec![1.0], vec![3.0], vec![6.0]])
        .unwrap()
        .assert();
}

#[test]
fn laws_with_an_exponential_statistic_are_exponential_families() {
    let members = [vec![-0.3], vec![-1.0], vec![-5.0]];
    let check = || FamilyCheck::new(DRAWS, 8);
    let near = half_line(-40.0, 6.0);
    check()
        .nodes(near.clone())
        .check(&Exponential, &members)
        .unwrap()
        .assert();
    check()
        .nodes(near.clone())
        .check(&Rayleigh, &members)
        .unwrap()
        .assert();
    for k in [0.7, 1.0, 3.0] {
        check()
            .nodes(half_line(-60.0, 12.0))
            .check(&Weibull::new(k).unwrap(), &members)
            .unwrap()
            .assert();
    }
    let above = panels(0.0, 90.0, 90)
        .into_iter()
        .map(|(u, w)| (2.0 * u.exp(), 2.0 * w * u.exp()))
        .collect();
    check()
        .nodes(above)
        .check(&Pareto::new(2.0).unwrap(), &members)
        .unwrap()
        .assert();
    let around: Vec<(f64, f64)> = near
        .iter()
        .flat_map(|(x, w)| [(1.5 + x, *w), (1.5 - x, *w)])
        .collect();
    check()
        .nodes(around)
        .check(&Laplace::new(1.5).unwrap(), &members)
        .unwrap()
        .assert();
}

#[test]
fn gamma_inverse_gamma_and_chi_squared_are_exponential_families() {
    let members: Vec<Vec<f64>> = [(0.6, 1.0), (1.0, 2.0), (4.5, 0.5), (60.0, 10.0)]
        .iter()
        .map(|(a, b)| Gamma::natural(*a, *b).unwrap().to_vec())
        .collect();
    FamilyCheck::new(DRAWS, 9)
        .nodes(half_line(-60.0, 7.0))
        .check(&Gamma, &members)
        .unwrap()
        .assert();
    let members: Vec<Vec<f64>> = [(0.6, 1.0), (1.0, 2.0), (4.5, 0.5), (60.0, 10.0)]
        .iter()
        .map(|(a, b)| InverseGamma::natural(*a, *b).unwrap().to_vec())
        .collect();
    FamilyCheck::new(DRAWS, 10)
        .nodes(half_line(-7.0, 60.0))
        .check(&InverseGamma, &members)
        .unwrap()
        .assert();
    let members: Vec<Vec<f64>> = [0.9, 2.0, 9.0, 200.0]
        .iter()
        .map(|k| ChiSquared::natural(*k).unwrap().to_vec())
        .collect();
    FamilyCheck::new(DRAWS, 11)
        .nodes(half_line(-80.0, 8.0))
        .check(&ChiSquared, &members)
        .unwrap()
        .assert();
}

#[test]
fn beta_and_dirichlet_are_exponential_families() {
    FamilyCheck::new(DRAWS, 12)
        .nodes(unit_interval())
        .check(&Beta, &[vec![0.7, 1.3], vec![2.0, 3.0], vec![40.0, 11.0]])
        .unwrap()
        .assert();
    FamilyCheck::<Vec<f64>>::new(DRAWS, 13)
        .check(
            &Dirichlet::new(4).unwrap(),
            &[
                vec![1.0, 1.0, 1.0, 1.0],
                vec![0.5, 2.0, 3.0, 0.8],
                vec![50.0, 20.0, 70.0, 9.0],
            ],
        )
        .unwrap()
        .assert();
}

#[test]
fn normal_laws_on_the_line_are_exponential_families() {
    let members: Vec<Vec<f64>> = [(0.0, 1.0), (1.5, 0.3), (-4.0, 9.0), (30.0, 2.0)]
        .iter()
        .map(|(m, v)| Normal::natural(*m, *v).unwrap().to_vec())
        .collect();
    let line = panels(-50.0, 50.0, 200);
    FamilyCheck::new(DRAWS, 14)
        .nodes(line.clone())
        .check(&Normal, &members)
        .unwrap()
        .assert();
    let log_line = line.iter().map(|(u, w)| (u.exp(), w * u.exp())).collect();
    FamilyCheck::new(DRAWS, 15)
        .nodes(log_line)
        .check(&LogNormal, &members)
        .unwrap()
        .assert();
    for v in [0.2, 1.0, 7.0] {
        FamilyCheck::new(DRAWS, 16)
            .nodes(line.clone())
            .check(
                &NormalKnownVariance::new(v).unwrap(),
                &[vec![0.0], vec![2.0], vec![-1.0]],
            )
            .unwrap()
            .assert();
    }
}

#[test]
fn normal_laws_in_space_are_exponential_families() {
    let family = MultivariateNormal::new(3).unwrap();
    let covariances = [
        DMatrix::from_row_slice(3, 3, &[1.0, 0.3, 0.0, 0.3, 2.0, -0.5, 0.0, -0.5, 1.5]),
        DMatrix::from_row_slice(3, 3, &[0.2, 0.0, 0.0, 0.0, 3.0, 1.0, 0.0, 1.0, 0.7]),
    ];
    let members: Vec<Vec<f64>> = covariances
        .iter()
        .zip([
            DVector::from_column_slice(&[0.0, 1.0, -2.0]),
            DVector::from_column_slice(&[0.5, 0.0, 0.3]),
        ])
        .map(|(s, m)| family.natural(&m, s).unwrap())
        .collect();
    FamilyCheck::<Vec<f64>>::new(DRAWS, 17)
        .check(&family, &members)
        .unwrap()
        .assert();
    let family = DiagonalNormal::new(2).unwrap();
    let members = [
        family.natural(&[0.0, 3.0], &[1.0, 0.5]).unwrap(),
        family.natural(&[-1.0, 0.1], &[4.0, 2.0]).unwrap(),
    ];
    FamilyCheck::<Vec<f64>>::new(DRAWS, 18)
        .check(&family, &members)
        .unwrap()
        .assert();
}

#[test]
fn inverse_gaussian_is_an_exponential_family() {
    let members: Vec<Vec<f64>> = [(1.0, 1.0), (0.3, 2.0), (5.0, 30.0)]
        .iter()
        .map(|(m, l)| InverseGaussian::natural(*m, *l).unwrap().to_vec())
        .collect();
    FamilyCheck::new(DRAWS, 19)
        .nodes(half_line(-12.0, 8.0))
        .check(&InverseGaussian, &members)
        .unwrap()
        .assert();
}

#[test]
fn laws_of_directions_are_exponential_families() {
    let turn = panels(-std::f64::consts::PI, std::f64::consts::PI, 64);
    FamilyCheck::new(DRAWS, 20)
        .nodes(turn)
        .check(
            &VonMises,
            &[
                vec![0.5, 0.2],
                vec![-3.0, 4.0],
                vec![60.0, 45.0],
                vec![0.001, 0.002],
            ],
        )
        .unwrap()
        .assert();
    // The sphere by polar angle and azimuth.
    let mut sphere = Vec::new();
    let polar = gauss_legendre(60).unwrap();
    for (z, w) in polar.iter() {
        for k in 0..60 {
            let turn = std::f64::consts::TAU;
            let azimuth = turn * f64::from(k) / 60.0;
            let r = (1.0 - z * z).sqrt();
            let (s, c) = azimuth.sin_cos();
            sphere.push((vec![r * c, r * s, z], w * turn / 60.0));
        }
    }
    FamilyCheck::new(DRAWS, 21)
        .nodes(sphere)
        .check(
            &VonMisesFisher::new(3).unwrap(),
            &[vec![0.5, 0.2, -1.0], vec![3.0, 4.0, 12.0]],
        )
        .unwrap()
        .assert();
    for d in [2, 5, 12] {
        let family = VonMisesFisher::new(d).unwrap();
        let mut members = vec![vec![0.1; d], vec![1.0; d]];
        members[1][0] = -9.0;
        FamilyCheck::<Vec<f64>>::new(DRAWS, 22)
            .check(&family, &members)
            .unwrap()
            .assert();
    }
}

fn positive(d: usize) -> DMatrix<f64> {
    DMatrix::from_fn(d, d, |i, j| {
        if i == j {
            1.0 + 0.5 * i as f64
        } else {
            0.2 / (1.0 + (i + j) as f64)
        }
    })
}

#[test]
fn wishart_and_inverse_wishart_are_exponential_families() {
    for d in [1, 2, 3] {
        let family = Wishart::new(d).unwrap();
        let members = [
            family.natural(d as f64 + 0.7, &positive(d)).unwrap(),
            family
                .natural(d as f64 + 9.0, &(positive(d) * 0.2))
                .unwrap(),
        ];
        FamilyCheck::<DMatrix<f64>>::new(DRAWS, 23)
            .check(&family, &members)
            .unwrap()
            .assert();
        let family = InverseWishart::new(d).unwrap();
        let members = [
            family.natural(d as f64 + 0.7, &positive(d)).unwrap(),
            family
                .natural(d as f64 + 9.0, &(positive(d) * 3.0))
                .unwrap(),
        ];
        FamilyCheck::<DMatrix<f64>>::new(DRAWS, 24)
            .check(&family, &members)
            .unwrap()
            .assert();
    }
}

#[test]
fn priors_of_normal_laws_are_exponential_families() {
    let members: Vec<Vec<f64>> = [(0.0, 1.0, 2.0, 1.0), (1.5, 0.5, 6.0, 3.0)]
        .iter()
        .map(|(m, k, a, b)| NormalGamma::natural(*m, *k, *a, *b).unwrap().to_vec())
        .collect();
    FamilyCheck::<(f64, f64)>::new(DRAWS, 25)
        .check(&NormalGamma, &members)
        .unwrap()
        .assert();
    for d in [1, 2, 3] {
        let family = NormalInverseWishart::new(d).unwrap();
        let m = DVector::from_fn(d, |i, _| 0.5 - i as f64 * 0.4);
        let members = [
            family
                .natural(&m, 1.5, d as f64 + 4.0, &positive(d))
                .unwrap(),
            family
                .natural(&(m * 0.1), 4.0, d as f64 + 9.0, &(positive(d) * 2.0))
                .unwrap(),
        ];
        FamilyCheck::<Moments>::new(DRAWS, 26)
            .check(&family, &members)
            .unwrap()
            .assert();
    }
}

#[test]
fn discrete_families_and_ising_are_exponential_families() {
    let statistics = DMatrix::from_fn(6, 2, |i, j| {
        if j == 0 {
            i as f64
        } else {
            ((i * i) as f64).sin()
        }
    });
    let family = Discrete::new(statistics, &[1.0, 2.0, 0.0, 0.5, 1.0, 3.0]).unwrap();
    FamilyCheck::new(DRAWS, 27)
        .nodes((0..6usize).map(|x| (x, 1.0)).collect())
        .check(&family, &[vec![0.3, -1.0], vec![-1.0, 2.0]])
        .unwrap()
        .assert();
    let family = Ising::new(4, &[(0, 1), (1, 2), (2, 3), (3, 0)]).unwrap();
    let states = (0..16)
        .map(|s| {
            let spins = (0..4).map(|i| if s >> i & 1 == 1 { 1i8 } else { -1 });
            (spins.collect::<Vec<i8>>(), 1.0)
        })
        .collect();
    FamilyCheck::new(DRAWS, 28)
        .nodes(states)
        .check(
            &family,
            &[
                vec![0.1, -0.2, 0.3, 0.0, 0.5, 0.5, 0.5, 0.5],
                vec![0.0, 0.0, 0.0, 0.0, -1.0, 0.3, 0.2, 0.1],
            ],
        )
        .unwrap()
        .assert();
}

/// A family whose Fisher information is off by 3 %, and one whose draws are: the check sees both.
#[test]
fn the_check_rejects_broken_families() {
    struct Broken(u8);
    impl ExponentialFamily for Broken {
        type Sample = f64;
        fn dim(&self) -> usize {
            2
        }
        fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
            Normal.sufficient_statistics(x, out);
        }
        fn log_base_measure(&self, x: &f64) -> f64 {
            Normal.log_base_measure(x) + if self.0 == 3 { 0.01 } else { 0.0 }
        }
        fn log_partition(&self, t: &[f64]) -> Result<f64, ergodic_core::ArgumentError> {
            Ok(Normal.log_partition(t)? + if self.0 == 4 { 1e-5 * t[0] } else { 0.0 })
        }
        fn mean_from_natural(
            &self,
            t: &[f64],
            m: &mut [f64],
        ) -> Result<(), ergodic_core::ArgumentError> {
            Normal.mean_from_natural(t, m)
        }
        fn natural_from_mean(
            &self,
            m: &[f64],
            t: &mut [f64],
        ) -> Result<(), ergodic_core::ArgumentError> {
            Normal.natural_from_mean(m, t)?;
            t[1] *= if self.0 == 2 { 1.0 + 1e-6 } else { 1.0 };
            Ok(())
        }
        fn fisher_information(
            &self,
            t: &[f64],
            out: &mut [f64],
        ) -> Result<(), ergodic_core::ArgumentError> {
            Normal.fisher_information(t, out)?;
            out[0] *= if self.0 == 1 { 1.0 + 1e-6 } else { 1.0 };
            Ok(())
        }
        fn sample<R: ergodic_core::Randomness + ?Sized>(
            &self,
            t: &[f64],
            rng: &mut R,
        ) -> Result<f64, ergodic_core::ArgumentError> {
            let x = Normal.sample(t, rng)?;
            Ok(x * if self.0 == 0 { 1.06 } else { 1.0 })
        }
    }
    let members = [
        Normal::natural(0.0, 1.0).unwrap().to_vec(),
        Normal::natural(1.5, 0.3).unwrap().to_vec(),
    ];
    use ergodic_conformance::Law;
    for (which, law) in [
        (0, Law::Sampling),
        (1, Law::FisherIsHessian),
        (2, Law::RoundTrip),
        (3, Law::Normalised),
        (4, Law::MeanIsGradient),
    ] {
        let report = FamilyCheck::new(DRAWS, 29)
            .nodes(panels(-20.0, 20.0, 100))
            .check(&Broken(which), &members)
            .unwrap();
        assert!(report.fails(law), "{which}: {report:#}");
    }
}

/// The divergence as a Taylor series in the step, from the second to the fourth derivative of `A`.
fn series([second, third, fourth]: [f64; 3], d: f64) -> f64 {
    d * d * (second / 2.0 + d * (third / 6.0 + d * fourth / 24.0))
}

#[test]
fn divergences_of_close_laws_keep_their_digits() {
    use ergodic_math::special::sigmoid;

    let within = |absolute: f64| {
        move |name: &str, found: f64, expected: f64, relative: f64| {
            assert!(
                (found - expected).abs() <= relative * expected + absolute,
                "{name}: {found:e} is not {expected:e}"
            );
        }
    };
    let check = within(0.0);
    for step in [-(-20f64).exp2(), (-20f64).exp2(), (-33f64).exp2()] {
        for theta in [-30.0, -2.0, -0.1, 0.0, 0.3, 3.0, 30.0] {
            let other = theta + step;
            let d = other - theta;
            let rate = f64::exp(theta);
            let found = Poisson.kl_divergence(&[theta], &[other]).unwrap();
            check("Poisson", found, series([rate; 3], d), 1e-14);
            let (p, q) = (sigmoid(theta), sigmoid(-theta));
            let v = p * q;
            let exact = series([v, v * (q - p), v * (1.0 - 6.0 * v)], d);
            let found = Bernoulli.kl_divergence(&[theta], &[other]).unwrap();
            check("Bernoulli", found, exact, 1e-14);
            let binomial = Binomial::new(7).unwrap();
            let found = binomial.kl_divergence(&[theta], &[other]).unwrap();
            check("binomial", found, 7.0 * exact, 1e-14);
            if theta < 0.0 {
                // A = −log(−θ)
                let s = -1.0 / theta;
                let exact = series([s * s, 2.0 * s.powi(3), 6.0 * s.powi(4)], d);
                let found = Exponential.kl_divergence(&[theta], &[other]).unwrap();
                check("exponential", found, exact, 1e-13);
                // A = −r log(1 − e^θ), m = e^θ/(1 − e^θ): A″ = m(1 + m), A‴ = m(1 + m)(1 + 2m), …
                let m = rate / -f64::exp_m1(theta);
                let v = m * (1.0 + m);
                let exact = series([v, v * (1.0 + 2.0 * m), v * (1.0 + 6.0 * v)], d);
                let found = Geometric.kl_divergence(&[theta], &[other]).unwrap();
                check("geometric", found, exact, 1e-13);
                let family = NegativeBinomial::new(2.5).unwrap();
                let found = family.kl_divergence(&[theta], &[other]).unwrap();
                check("negative binomial", found, 2.5 * exact, 1e-13);
            }
        }
    }
    // Far from each other, and on both sides of where the form changes: Σ p log(p/q), which itself is
    // known to some ulp of 1.
    let check = within(2e-15);
    for theta in [-3.0f64, -0.8, -0.6] {
        for step in [
            -4.0, -0.500_001, -0.499_999, -0.1, 0.1, 0.499_999, 0.500_001,
        ] {
            let other = theta + step;
            let ((p1, q1), (p2, q2)) = (
                (sigmoid(theta), sigmoid(-theta)),
                (sigmoid(other), sigmoid(-other)),
            );
            let exact = p1 * (p1 / p2).ln() + q1 * (q1 / q2).ln();
            for sign in [1.0, -1.0] {
                let found = Bernoulli.kl_divergence(&[sign * theta], &[sign * other]);
                check("Bernoulli", found.unwrap(), exact, 1e-12);
            }
            let rate = theta.exp();
            let exact = other.exp() - rate - rate * step;
            let found = Poisson.kl_divergence(&[theta], &[other]).unwrap();
            check("Poisson", found, exact, 1e-12);
            if other < 0.0 {
                let found = Exponential.kl_divergence(&[theta], &[other]).unwrap();
                let ratio = other / theta;
                check("exponential", found, ratio - 1.0 - ratio.ln(), 1e-12);
                let (a, b) = (1.0 - theta.exp(), 1.0 - other.exp());
                let exact = (a / b).ln() - (1.0 - a) / a * step;
                let found = Geometric.kl_divergence(&[theta], &[other]).unwrap();
                check("geometric", found, exact, 1e-12);
            }
        }
    }
    // Extremes are no NaN.
    for a in [-1e308, -800.0, -1.0, 0.0, 1.0, 700.0, 800.0, 1e308] {
        for b in [-1e308, -800.0, -1.0, 0.0, 1.0, 700.0, 800.0, 1e308] {
            let coin = Bernoulli.kl_divergence(&[a], &[b]).unwrap();
            assert!(coin >= 0.0 && (a != b || coin == 0.0), "{a}, {b}: {coin}");
            for found in [
                Poisson.kl_divergence(&[a], &[b]),
                Exponential.kl_divergence(&[a], &[b]),
                Geometric.kl_divergence(&[a], &[b]),
            ] {
                assert!(found.is_err() || found.is_ok_and(|d| d >= 0.0), "{a}, {b}");
            }
        }
    }
    assert!(Bernoulli.kl_divergence(&[0.0], &[f64::NAN]).is_err());
    assert!(Poisson.kl_divergence(&[0.0], &[800.0]).is_err());
    assert!(Exponential.kl_divergence(&[-1.0], &[0.0]).is_err());
    assert!(Geometric.kl_divergence(&[-1.0], &[0.0]).is_err());
}
