//! Conjugate priors against the rules of probability, and members against closed forms.

use ergodic_core::ExponentialFamily;
use ergodic_expfam::families::*;
use ergodic_expfam::{Conjugate, Fit, Member};
use ergodic_math::quadrature::gauss_legendre_on;
use ergodic_math::rng;
use nalgebra::{DMatrix, DVector};

/// The evidence of a sample is the product of the predictive probabilities along it, in any order;
/// the posterior after all is that after one by one.
fn chain_rule<F>(family: &F, prior: &[f64], sample: &[<F::Sample as ToOwned>::Owned])
where
    F: Conjugate,
{
    let whole = Fit::of(family, sample.iter().map(std::borrow::Borrow::borrow)).unwrap();
    let evidence = family.log_evidence(prior, &whole).unwrap();
    let mut now = prior.to_vec();
    let mut sum = 0.0;
    for x in sample.iter().rev() {
        let x: &F::Sample = std::borrow::Borrow::borrow(x);
        sum += family.log_predictive(&now, x).unwrap();
        now = family
            .posterior(&now, &Fit::of(family, [x]).unwrap())
            .unwrap();
    }
    let name = std::any::type_name::<F>();
    assert!(
        (evidence - sum).abs() < 1e-11 * (1.0 + sum.abs()),
        "{name}: {evidence} {sum}"
    );
    for (a, b) in now.iter().zip(family.posterior(prior, &whole).unwrap()) {
        assert!((a - b).abs() < 1e-11 * (1.0 + a.abs()), "{name}: {a} {b}");
    }
}

#[test]
fn the_evidence_is_the_product_of_predictive_probabilities() {
    let beta = [2.0, 3.0];
    chain_rule(&Bernoulli, &beta, &[true, false, true, true]);
    chain_rule(&Binomial::new(10).unwrap(), &beta, &[4, 0, 10, 3]);
    chain_rule(&Geometric, &beta, &[0, 5, 2]);
    chain_rule(&NegativeBinomial::new(2.5).unwrap(), &beta, &[0, 5, 2]);
    let simplex = [1.0, 0.5, 2.0];
    chain_rule(&Categorical::new(3).unwrap(), &simplex, &[0, 2, 2, 1]);
    chain_rule(
        &Multinomial::new(3, 5).unwrap(),
        &simplex,
        &[vec![1, 2, 2], vec![5, 0, 0]],
    );
    let gamma = Gamma::natural(1.5, 2.0).unwrap();
    chain_rule(&Poisson, &gamma, &[3, 0, 7]);
    chain_rule(&Exponential, &gamma, &[0.3, 2.0, 0.01]);
    chain_rule(&Laplace::new(1.0).unwrap(), &gamma, &[0.3, 2.0, -4.0]);
    chain_rule(&Weibull::new(1.7).unwrap(), &gamma, &[0.3, 2.0]);
    chain_rule(&Pareto::new(0.5).unwrap(), &gamma, &[0.6, 2.0]);
    chain_rule(&Rayleigh, &gamma, &[0.6, 2.0]);
    let normal = Normal::natural(0.5, 2.0).unwrap();
    chain_rule(
        &NormalKnownVariance::new(0.7).unwrap(),
        &normal,
        &[0.1, -1.0, 2.0],
    );
    let normal_gamma = NormalGamma::natural(0.5, 2.0, 1.5, 0.7).unwrap();
    chain_rule(&Normal, &normal_gamma, &[0.1, -1.0, 2.0]);
    let plane = NormalInverseWishart::new(2).unwrap();
    let scale = DMatrix::from_row_slice(2, 2, &[1.0, 0.2, 0.2, 2.0]);
    let prior = plane
        .natural(&DVector::from_column_slice(&[0.5, -0.5]), 1.5, 4.0, &scale)
        .unwrap();
    chain_rule(
        &MultivariateNormal::new(2).unwrap(),
        &prior,
        &[vec![0.1, -1.0], vec![2.0, 0.3], vec![-0.5, 0.0]],
    );
}

#[test]
fn predictive_laws_are_those_of_the_books() {
    // Beta–Bernoulli: the mean of the prior.
    let p = Bernoulli.log_predictive(&[2.0, 3.0], &true).unwrap();
    assert!((p.exp() - 0.4).abs() < 1e-14);
    // Gamma–Poisson: negative binomial of r = α, p = β/(β + 1).
    let prior = Gamma::natural(2.5, 1.5).unwrap();
    let book = NegativeBinomial::new(2.5).unwrap();
    let natural = NegativeBinomial::natural(0.6).unwrap();
    for x in [0, 1, 7, 40] {
        let found = Poisson.log_predictive(&prior, &x).unwrap();
        let known = book.log_density(&natural, &x).unwrap();
        assert!((found - known).abs() < 1e-12, "{x}: {found} {known}");
    }
    // Normal–normal: variances add.
    let prior = Normal::natural(0.5, 2.0).unwrap();
    let wide = Normal::natural(0.5, 2.7).unwrap();
    let family = NormalKnownVariance::new(0.7).unwrap();
    for x in [-3.0, 0.2, 5.0] {
        let found = family.log_predictive(&prior, &x).unwrap();
        assert!((found - Normal.log_density(&wide, &x).unwrap()).abs() < 1e-13);
    }
    // Normal–gamma: Student's t of 2α degrees around m₀ with squared scale β(κ + 1)/ακ, here by
    // summing the predictive density to 1.
    let prior = NormalGamma::natural(0.5, 2.0, 3.0, 0.7).unwrap();
    let mut total = 0.0;
    for k in -300..300 {
        let rule = gauss_legendre_on(10, f64::from(k), f64::from(k) + 1.0).unwrap();
        for (x, w) in rule.iter() {
            total += w * Normal.log_predictive(&prior, &x).unwrap().exp();
        }
    }
    assert!((total - 1.0).abs() < 1e-9, "{total}");
}

#[test]
fn the_posterior_is_prior_times_likelihood() {
    // On a grid of rates: log posterior less log prior less log likelihood is minus the evidence.
    let prior = Gamma::natural(1.5, 2.0).unwrap();
    let sample = [3u64, 0, 7];
    let fit = Fit::of(&Poisson, sample).unwrap();
    let posterior = Poisson.posterior(&prior, &fit).unwrap();
    let evidence = Poisson.log_evidence(&prior, &fit).unwrap();
    for rate in [0.1, 1.0, 3.3, 20.0] {
        let likelihood = 3.0
            * fit
                .log_likelihood(&Poisson, &Poisson::natural(rate).unwrap())
                .unwrap();
        let left = Gamma.log_density(&prior, &rate).unwrap() + likelihood - evidence;
        let right = Gamma.log_density(&posterior, &rate).unwrap();
        assert!((left - right).abs() < 1e-12, "{rate}: {left} {right}");
    }
}

#[test]
fn divergences_of_normal_laws_are_those_of_the_closed_forms() {
    // KL(N(0,1)‖N(1, var 4)) and the Rényi-2 divergence of that pair.
    let p = Member::new(Normal, Normal::natural(0.0, 1.0).unwrap()).unwrap();
    let q = Member::new(Normal, Normal::natural(1.0, 4.0).unwrap()).unwrap();
    let kl = p.kl_divergence(&q).unwrap();
    assert!((kl - 0.4431471805599453).abs() < 1e-15);
    let renyi = p.renyi_divergence(&q, 2.0).unwrap();
    assert!((renyi - 0.5561964294493768).abs() < 1e-14);
    // Continuous through order 1, and increasing in the order.
    let mut last = 0.0;
    for order in [
        0.3,
        0.9499999,
        0.9500001,
        0.999,
        1.0 - 1e-12,
        1.0,
        1.0 + 1e-9,
        1.04,
        1.06,
    ] {
        let d = p.renyi_divergence(&q, order).unwrap();
        assert!(d > last - 1e-13, "{order}: {d} {last}");
        if (order - 1.0).abs() < 1e-8 {
            assert!((d - kl).abs() < 1e-8, "{order}");
        }
        last = d;
    }
    let near = p.renyi_divergence(&q, 0.95 - 1e-12).unwrap();
    let far = p.renyi_divergence(&q, 0.95 + 1e-12).unwrap();
    assert!((near - far).abs() < 1e-12, "{near} {far}");
    // Beyond the domain: order α with α/v₁ + (1 − α)/v₂ ≤ 0.
    assert_eq!(q.renyi_divergence(&p, 1.5).unwrap(), f64::INFINITY);
    assert!(q.renyi_divergence(&p, 0.0).is_err());
    // Divergence of near laws keeps its digits: ½(δ/σ)².
    let near = Member::new(Normal, Normal::natural(1e-9, 1.0).unwrap()).unwrap();
    let tiny = p.kl_divergence(&near).unwrap();
    assert!((tiny / 5e-19 - 1.0).abs() < 1e-12, "{tiny}");
}

#[test]
fn the_die_has_the_divergence_of_its_log_partition() {
    // λ = .2 against −.4: Bregman divergence of the log-partition.
    let die = Discrete::new(DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64), &[1.0; 6]).unwrap();
    let found = die.kl_divergence(&[0.2], &[-0.4]).unwrap();
    assert!((found - 0.506796196776242).abs() < 1e-13, "{found}");
    // Brandeis: mean 4.5.
    let loaded = Member::from_mean(die, [4.5]).unwrap();
    assert!((loaded.natural()[0] - 0.37104893808103323).abs() < 1e-12);
    assert!((loaded.log_partition() - 3.2833013195184786).abs() < 1e-12);
    assert!((-loaded.conjugate() - 1.6135810981538292).abs() < 1e-12);
    assert!((loaded.fisher_information().unwrap()[(0, 0)] - 2.298175373723222).abs() < 1e-11);
    let p = loaded.family().probabilities(loaded.natural()).unwrap();
    let known = [
        0.0543531678,
        0.0787715456,
        0.1141599772,
        0.1654468031,
        0.2397744404,
        0.3474940658,
    ];
    for (p, k) in p.iter().zip(known) {
        assert!((p - k).abs() < 1e-10);
    }
}

#[test]
fn means_outside_the_hull_are_refused() {
    let die = Discrete::new(DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64), &[1.0; 6]).unwrap();
    for mean in [6.0, 6.5, 1.0, -3.0, f64::NAN] {
        let error = Member::from_mean(die.clone(), [mean]).unwrap_err();
        assert_eq!(error.argument, "mean", "{mean}");
    }
    assert!(Member::from_mean(die.clone(), [6.0 - 1e-9]).is_ok());
    // Correlations of three spins that no law has: all −.9.
    let triangle = Ising::new(3, &[(0, 1), (1, 2), (2, 0)]).unwrap();
    let error = Member::from_mean(triangle, [0.0, 0.0, 0.0, -0.9, -0.9, -0.9]).unwrap_err();
    assert!(error.allowed.contains("hull"), "{error}");
    // A constant statistic, and two that depend on each other.
    let constant = DMatrix::from_fn(4, 2, |i, j| if j == 0 { i as f64 } else { 1.0 });
    assert_eq!(
        Discrete::new(constant, &[1.0; 4]).unwrap_err().argument,
        "statistics"
    );
    let dependent = DMatrix::from_fn(4, 2, |i, j| (i as f64) * (1.0 + j as f64) - j as f64);
    assert!(Discrete::new(dependent, &[1.0; 4]).is_err());
}

#[test]
fn parameters_outside_the_domain_name_index_and_domain() {
    let text = |r: Result<f64, ergodic_core::ArgumentError>| r.unwrap_err().to_string();
    assert!(text(Normal.log_partition(&[0.0, 1.0])).contains("1 at index 1"));
    assert!(text(Gamma.log_partition(&[-1.0, -1.0])).contains("above -1"));
    assert!(text(Exponential.log_partition(&[0.0])).contains("below 0"));
    assert!(text(Poisson.log_partition(&[800.0])).contains("log f64::MAX"));
    assert!(text(Beta.log_partition(&[1.0, 0.0])).contains("at index 1"));
    assert!(text(InverseGaussian.log_partition(&[-1.0, 0.5])).contains("at index 1"));
    let wishart = Wishart::new(2).unwrap();
    assert!(text(wishart.log_partition(&[-1.0, -1.0, 0.0, -1.0])).contains("degrees of freedom"));
    assert!(text(wishart.log_partition(&[1.0, 1.0, 0.0, -1.0])).contains("negative definite"));
    let mean = |f: &dyn Fn(&mut [f64]) -> Result<(), ergodic_core::ArgumentError>| {
        f(&mut [0.0; 4]).unwrap_err().argument
    };
    assert_eq!(
        mean(&|out| Normal.natural_from_mean(&[2.0, 4.0], out)),
        "mean"
    );
    assert_eq!(
        mean(&|out| Gamma.natural_from_mean(&[0.0, 1.0], out)),
        "mean"
    );
    assert_eq!(mean(&|out| Poisson.natural_from_mean(&[0.0], out)), "mean");
    assert_eq!(
        mean(&|out| Beta.natural_from_mean(&[-0.5, -0.9], out)),
        "mean"
    );
    assert_eq!(
        mean(&|out| VonMises.natural_from_mean(&[0.8, 0.6], out)),
        "mean"
    );
    let empty: [u64; 0] = [];
    assert_eq!(Fit::of(&Poisson, empty).unwrap_err().argument, "sample");
    assert!(
        Fit::of(&Gamma, [1.0, -2.0])
            .unwrap_err()
            .to_string()
            .contains("observation 1")
    );
    // No maximum of the likelihood: a coin that never fell heads.
    let never = Fit::of(&Bernoulli, [false, false]).unwrap();
    assert_eq!(
        never.maximum_likelihood(Bernoulli).unwrap_err().argument,
        "mean"
    );
}

#[test]
fn maximum_likelihood_has_no_slope_left() {
    let mut random = rng::stream(3, 0);
    let natural = Gamma::natural(2.5, 0.7).unwrap();
    let sample: Vec<f64> = (0..500)
        .map(|_| Gamma.sample(&natural, &mut random).unwrap())
        .collect();
    let fit = Fit::of(&Gamma, sample).unwrap();
    let best = fit.maximum_likelihood(Gamma).unwrap();
    for (m, t) in best.mean().iter().zip(fit.mean()) {
        assert!((m - t).abs() < 1e-12);
    }
    let at = |theta: &[f64]| fit.log_likelihood(&Gamma, theta).unwrap();
    let top = at(best.natural());
    for k in 0..2 {
        for h in [-1e-3, 1e-3] {
            let mut there = best.natural().to_vec();
            there[k] += h;
            assert!(at(&there) < top);
        }
    }
    // The natural gradient of the likelihood is t̄ − μ seen through the inverse Fisher information:
    // one natural step of size 1 from nearby lands an order nearer.
    let away = Member::new(Gamma, [best.natural()[0] * 1.01, best.natural()[1] * 1.01]).unwrap();
    let gradient: Vec<f64> = fit
        .mean()
        .iter()
        .zip(away.mean())
        .map(|(t, m)| t - m)
        .collect();
    let step = away.natural_gradient(&gradient).unwrap();
    for k in 0..2 {
        let before = (away.natural()[k] - best.natural()[k]).abs();
        let after = (away.natural()[k] + step[k] - best.natural()[k]).abs();
        assert!(after < 0.05 * before, "{before} {after}");
    }
}

#[test]
fn geodesics_join_members_and_obey_pythagoras() {
    // p —m→ q —e→ r with the right angle at q: (μ_p − μ_q)·(θ_r − θ_q) = 0 gives
    // KL(p‖r) = KL(p‖q) + KL(q‖r).
    let member = |m: f64, v: f64| Member::new(Normal, Normal::natural(m, v).unwrap()).unwrap();
    let (a, b) = (member(0.0, 1.0), member(2.0, 3.0));
    for t in [0.0, 0.3, 1.0] {
        let e = a.e_geodesic(&b, t).unwrap();
        let m = a.m_geodesic(&b, t).unwrap();
        for k in 0..2 {
            let line = (1.0 - t) * a.natural()[k] + t * b.natural()[k];
            assert!((e.natural()[k] - line).abs() < 1e-14);
            let line = (1.0 - t) * a.mean()[k] + t * b.mean()[k];
            assert!((m.mean()[k] - line).abs() < 1e-13);
        }
    }
    let q = member(0.5, 1.5);
    // p along the mean direction u, r along a natural direction orthogonal to u.
    let u = [0.1, 0.2];
    let w = [0.2, -0.1];
    let p = Member::from_mean(Normal, [q.mean()[0] + u[0], q.mean()[1] + u[1]]).unwrap();
    let r = Member::new(Normal, [q.natural()[0] + w[0], q.natural()[1] + w[1]]).unwrap();
    let sides = p.kl_divergence(&q).unwrap() + q.kl_divergence(&r).unwrap();
    assert!((p.kl_divergence(&r).unwrap() - sides).abs() < 1e-14);
    let pool = Member::product(&[&a, &b], &[0.5, 0.5]).unwrap();
    let half = a.e_geodesic(&b, 0.5).unwrap();
    assert!((pool.natural()[0] - half.natural()[0]).abs() < 1e-15);
    assert!(Member::<Normal>::product(&[], &[]).is_err());
}
