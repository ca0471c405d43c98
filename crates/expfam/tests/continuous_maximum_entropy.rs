//! Maximum entropy densities: closed forms, round trips from known multipliers, and where none exists.

use std::f64::consts::{E, PI};

use ergodic_expfam::{
    ContinuousLaw, ContinuousMaximumEntropy, ContinuousMaximumEntropyError, Support,
};
use ergodic_math::quadrature::Adaptive;
use ergodic_math::rng;
use proptest::prelude::*;

fn solve(
    support: Support,
    moments: &[f64],
) -> Result<ContinuousLaw, ContinuousMaximumEntropyError> {
    ContinuousMaximumEntropy::new(support)
        .unwrap()
        .solve(moments)
}

#[test]
fn two_moments_on_the_line_give_the_normal_law() {
    for (mean, variance) in [
        (0.0, 1.0),
        (1.0, 4.0),
        (-3.0, 0.01),
        (20.0, 9.0),
        (1e-3, 1e4),
    ] {
        let law = solve(Support::Line, &[mean, variance + mean * mean]).unwrap();
        let exact = [mean / variance, -0.5 / variance];
        for (l, e) in law.multipliers.iter().zip(exact) {
            assert!((l - e).abs() < 1e-9 * (1.0 + e.abs()), "{l} {e}");
        }
        assert!((law.entropy - 0.5 * (2.0 * PI * E * variance).ln()).abs() < 1e-11);
        let log_z = 0.5 * (2.0 * PI * variance).ln() + mean * mean / (2.0 * variance);
        assert!((law.log_partition - log_z).abs() < 1e-8 * (1.0 + log_z.abs()));
        for x in [-1.0, 0.0, 0.3, 5.0] {
            let z = (x - mean) * (x - mean) / variance;
            let exact = -0.5 * z - 0.5 * (2.0 * PI * variance).ln();
            assert!((law.log_density(x) - exact).abs() < 1e-9 * (1.0 + z));
        }
        assert!(law.gap.abs() < 1e-10 && law.violation < 1e-11);
    }
}

#[test]
fn one_moment_gives_exponential_laws() {
    // On a half-line, of entropy 1 + log of the mean from its start.
    let law = solve(Support::HalfLine(2.0), &[5.0]).unwrap();
    assert!((law.multipliers[0] + 1.0 / 3.0).abs() < 1e-12);
    assert!((law.entropy - 1.0 - 3f64.ln()).abs() < 1e-12);
    assert!((law.density(2.0) - 1.0 / 3.0).abs() < 1e-12 && law.density(1.9) == 0.0);
    // On [0, 1], cut: mean 1/(1 − e^{−λ}) − 1/λ, log Z = log((e^λ − 1)/λ).
    for lambda in [2f64, -7.0, 40.0] {
        let mean = 1.0 / (1.0 - (-lambda).exp()) - 1.0 / lambda;
        let law = solve(Support::Interval(0.0, 1.0), &[mean]).unwrap();
        assert!((law.multipliers[0] - lambda).abs() < 1e-8 * lambda.abs());
        let log_z = (lambda.exp_m1() / lambda).ln();
        assert!((law.log_partition - log_z).abs() < 1e-8);
    }
    // The mean of the uniform law: its entropy is the log of the length.
    let law = solve(Support::Interval(-1.0, 4.0), &[1.5]).unwrap();
    assert!(law.multipliers[0].abs() < 1e-12 && (law.entropy - 5f64.ln()).abs() < 1e-13);
}

/// `E x, E x², …` of `exp(λ₁x + λ₂x² + …)` and the log-partition, by adaptive integration.
fn moments_of(lambda: &[f64], a: f64, b: f64) -> (Vec<f64>, f64) {
    let adaptive = Adaptive::new(0.0, 1e-13)
        .unwrap()
        .max_intervals(20_000)
        .unwrap();
    let integrate = |power: i32| {
        let f = |x: f64| {
            let e: f64 = (lambda.iter().enumerate())
                .map(|(j, l)| l * x.powi(j as i32 + 1))
                .sum();
            (e.exp() * x.powi(power)).clamp(-1e300, 1e300)
        };
        if a < 0.0 && b > 0.0 {
            adaptive.integrate(f, a, 0.0).unwrap().value
                + adaptive.integrate(f, 0.0, b).unwrap().value
        } else {
            adaptive.integrate(f, a, b).unwrap().value
        }
    };
    let z = integrate(0);
    let moments = (1..=lambda.len() as i32)
        .map(|j| integrate(j) / z)
        .collect();
    (moments, z.ln())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: prop::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// From multipliers to moments and back, on each support.
    #[test]
    fn moments_of_a_density_give_it_back(seed in 0u64..1 << 32, k in 1usize..7, place in 0u8..3) {
        let mut random = rng::stream(seed, 0);
        let mut lambda = vec![0.0; k];
        rng::fill_normal(&mut random, &mut lambda);
        // Broad laws: the powers of narrow ones far from 0 cancel to rounding.
        let unit: f64 = if place == 0 { 1.0 } else { 0.25 };
        for (j, l) in lambda.iter_mut().enumerate() {
            *l *= 0.5 * unit.powi(j as i32);
        }
        let (support, a, b) = match place {
            0 => (Support::Interval(-1.0, 1.2), -1.0, 1.2),
            1 => (Support::HalfLine(0.0), 0.0, 100.0),
            _ => (Support::Line, -100.0, 100.0),
        };
        if place > 0 {
            if place == 2 && k % 2 == 1 {
                return Ok(()); // no density on the line ends in an odd power
            }
            let last = &mut lambda[k - 1];
            *last = -last.abs() - 0.5 * unit.powi(k as i32 - 1);
        }
        let (moments, log_z) = moments_of(&lambda, a, b);
        let law = solve(support, &moments);
        let law = law.map_err(|e| TestCaseError::fail(format!("{lambda:?} {moments:?} {e:?}")))?;
        prop_assert!(law.violation < 1e-10 && law.gap.abs() < 1e-8, "{:?}", law);
        let products: f64 = lambda.iter().zip(&moments).map(|(l, m)| l * m).sum();
        prop_assert!((law.entropy - (log_z - products)).abs() < 1e-8, "{} {}", law.entropy, log_z - products);
        for i in 0..20 {
            let x = if place == 1 { 0.1 * f64::from(i) } else { -1.0 + 0.1 * f64::from(i) };
            let exact: f64 = (lambda.iter().enumerate())
                .map(|(j, l)| l * x.powi(j as i32 + 1))
                .sum::<f64>() - log_z;
            let found = law.log_density(x);
            // Where the density is small the moments hardly see it.
            let size = exact.exp().max(1e-9);
            prop_assert!((found.exp() - exact.exp()).abs() < 1e-5 * size.max(1e-2), "{} {} {}", x, found, exact);
        }
        for (m, target) in law.moments.iter().zip(&moments) {
            prop_assert!((m - target).abs() < 1e-8 * (1.0 + target.abs()));
        }
    }
}

#[test]
fn where_no_density_has_the_largest_entropy_the_error_says_so() {
    use ContinuousMaximumEntropyError::{Boundary, Infeasible, NotAttained};
    // One moment bounds nothing on the line.
    let error = solve(Support::Line, &[0.0]).unwrap_err();
    let infinite = Some(f64::INFINITY);
    assert_eq!(
        error,
        NotAttained {
            power: 1,
            supremum: infinite
        }
    );
    // Three: as near to the normal law's entropy as one likes.
    let normal = 0.5 * (2.0 * PI * E).ln();
    let error = solve(Support::Line, &[0.0, 1.0, 0.1]).unwrap_err();
    let NotAttained {
        power: 3,
        supremum: Some(supremum),
    } = error
    else {
        panic!("{error:?}");
    };
    assert!((supremum - normal).abs() < 1e-11);
    // Unless the third is the normal law's.
    let law = solve(Support::Line, &[1.0, 2.0, 4.0]).unwrap();
    assert!((law.entropy - normal).abs() < 1e-11 && law.multipliers[2] == 0.0);
    // Symmetric with more than normal kurtosis; with less there is a law.
    let error = solve(Support::Line, &[0.0, 1.0, 0.0, 3.5]).unwrap_err();
    assert!(matches!(error, NotAttained { power: 4, .. }), "{error:?}");
    let law = solve(Support::Line, &[0.0, 1.0, 0.0, 2.5]).unwrap();
    assert!(law.entropy < normal && law.multipliers[3] < 0.0);
    // On a half-line two moments, beyond those of the exponential law.
    let half = Support::HalfLine(0.0);
    let error = solve(half, &[1.0, 2.5]).unwrap_err();
    assert!(matches!(error, NotAttained { power: 2, .. }), "{error:?}");
    let law = solve(half, &[1.0, 1.9]).unwrap();
    assert!(law.entropy < 1.0 && law.multipliers[1] < 0.0);
    // Moments of points, or of nothing.
    let unit = Support::Interval(0.0, 1.0);
    for (support, moments, error) in [
        (half, vec![1.0, 1.0], Boundary { power: 2 }),
        (half, vec![1.0, 0.9], Infeasible { power: 2 }),
        (half, vec![0.0], Boundary { power: 1 }),
        (half, vec![-1.0], Infeasible { power: 1 }),
        (Support::Line, vec![1.0, 1.0], Boundary { power: 2 }),
        (Support::Line, vec![1.0, 0.5], Infeasible { power: 2 }),
        // Half of it at 1, half at −1.
        (
            Support::Line,
            vec![0.0, 1.0, 0.0, 1.0],
            Boundary { power: 4 },
        ),
        (
            Support::Line,
            vec![0.0, 1.0, 0.5, 1.2],
            Infeasible { power: 4 },
        ),
        (unit, vec![1.2], Infeasible { power: 1 }),
        (unit, vec![1.0], Boundary { power: 1 }),
        (unit, vec![0.5, 0.6], Infeasible { power: 2 }),
        (unit, vec![0.5, 0.5], Boundary { power: 2 }),
        (unit, vec![0.5, 0.2], Infeasible { power: 2 }),
        (unit, vec![0.5, 0.3, 0.1], Infeasible { power: 3 }),
    ] {
        assert_eq!(solve(support, &moments).unwrap_err(), error, "{moments:?}");
    }
}

#[test]
fn bad_arguments_are_named() {
    for support in [
        Support::Interval(1.0, 1.0),
        Support::Interval(0.0, f64::INFINITY),
        Support::Interval(f64::MIN, f64::MAX),
        Support::HalfLine(f64::NAN),
    ] {
        let error = ContinuousMaximumEntropy::new(support).unwrap_err();
        assert_eq!(error.argument, "support");
    }
    for moments in [vec![], vec![0.0; 7], vec![0.0, f64::NAN]] {
        let error = solve(Support::Line, &moments).unwrap_err();
        let ContinuousMaximumEntropyError::Argument(error) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.argument, "moments");
    }
}
