//! Means over chains against exact variances, exact laws and the inequalities for Markov chains.

mod common;

use ergodic_conformance::strategies::{probabilities, reversible_matrix};
use ergodic_conformance::{Budget, TransitionMatrix};
use ergodic_core::{Claims, Randomness};
use nalgebra::DMatrix;
use proptest::prelude::*;

/// A matrix that leaves `π ∝ exp(−E)` invariant, with its energies.
fn chain() -> impl Strategy<Value = (TransitionMatrix, Vec<f64>)> {
    probabilities(2..=5)
        .prop_flat_map(|pi| (Just(pi.clone()), reversible_matrix(pi)))
        .prop_map(|(pi, p)| {
            let labels = pi.iter().map(f64::to_string).collect();
            let energies = pi.iter().map(|p| -p.ln()).collect();
            (TransitionMatrix::new(p, labels).unwrap(), energies)
        })
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: Budget::cases(),
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(3),
        ..ProptestConfig::default()
    }
}

/// Whole values, their mean and the exact law of their sum.
fn law(m: &TransitionMatrix, e: &[f64], n: usize) -> (Vec<usize>, f64, f64, Vec<f64>) {
    let values: Vec<usize> = (0..m.len()).map(|i| (i * 2 + 1) % 4).collect();
    let f: Vec<f64> = values.iter().map(|&v| v as f64).collect();
    let (mean, variance) = m.mean_over(e, &f, n as u64).unwrap();
    let law = m.law_of_the_sum(e, &values, n).unwrap();
    (values, mean, variance, law)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_exact_variance_is_that_of_the_exact_law((m, e) in chain(), n in 1usize..24) {
        let (_, mean, variance, law) = law(&m, &e, n);
        let moment = |f: &dyn Fn(f64) -> f64| -> f64 {
            law.iter().enumerate().map(|(s, p)| p * f(s as f64 / n as f64)).sum()
        };
        prop_assert!((moment(&|_| 1.0) - 1.0).abs() < 1e-12);
        prop_assert!((moment(&|x| x) - mean).abs() < 1e-11);
        let exact = moment(&|x| (x - mean).powi(2));
        prop_assert!((exact - variance).abs() < 1e-11, "{exact} and {variance}");
    }

    /// The inequalities are theorems about the exact law: this checks spectral gap, variance and
    /// bounds against each other without any sampling.
    #[test]
    fn the_exact_law_obeys_hoeffding_and_chebyshev((m, e) in chain(), n in 1usize..24) {
        let (values, mean, variance, law) = law(&m, &e, n);
        let range = (values.iter().max().unwrap() - values.iter().min().unwrap()) as f64;
        let second = m.eigenvalues(&e, 1e-12).unwrap()[1];
        for alpha in [0.5, 0.1, 1e-2, 1e-4] {
            let hoeffding = Budget::new(alpha).unwrap().markov_hoeffding(n as u64, second, range);
            let chebyshev = (variance / alpha).sqrt();
            for radius in [hoeffding, chebyshev] {
                let beyond: f64 = law
                    .iter()
                    .enumerate()
                    .filter(|(s, _)| (*s as f64 / n as f64 - mean).abs() > radius * (1.0 + 1e-9) + 1e-12)
                    .map(|(_, p)| p)
                    .sum();
                prop_assert!(beyond <= alpha + 1e-12, "{beyond} beyond {radius} at {alpha}");
            }
        }
    }
}

#[test]
fn the_variance_of_a_chain_that_is_not_reversible_is_exact_too() {
    // A rotation on three states: a mean over three steps does not vary at all.
    let p = DMatrix::from_row_slice(3, 3, &[0., 1., 0., 0., 0., 1., 1., 0., 0.]);
    let m = TransitionMatrix::new(p, vec!["0".into(), "1".into(), "2".into()]).unwrap();
    let e = [0.0; 3];
    assert!(
        m.check(&e, Claims::INVARIANT.not_ergodic(), 1e-12)
            .unwrap()
            .passed()
    );
    let variance = |n| m.mean_over(&e, &[0.0, 1.0, 5.0], n).unwrap().1;
    assert!(variance(3) < 1e-14 && variance(6) < 1e-14);
    // One step: the variance of {0, 1, 5}.
    assert!((variance(1) - 14.0 / 3.0).abs() < 1e-13);
    assert!(m.mean_over(&e, &[0.0, 1.0], 3).is_err());
    assert!(m.mean_over(&e, &[0.0, 1.0, f64::NAN], 3).is_err());
    assert!(m.mean_over(&e, &[0.0, 1.0, 2.0], 0).is_err());
    assert!(m.law_of_the_sum(&e, &[0, 1], 3).is_err());
    assert!(m.law_of_the_sum(&e, &[0, 1, 2], 0).is_err());
}

/// The mean over `n` steps of a stationary AR(1) sequence `x′ = φx + √(1 − φ²) ξ` is normal with
/// variance `n⁻² (n + 2 Σₖ (n − k) φᵏ)`: the squares of standardised means of independent chains
/// add up to χ², here held at both ends at the budget of one test.
fn standardised_means(used: f64, assumed: f64) -> (f64, Vec<f64>) {
    let (chains, n) = (400u64, 200u32);
    let sum: f64 = (1..n)
        .map(|k| f64::from(n - k) * assumed.powi(k as i32))
        .sum();
    let sd = ((f64::from(n) + 2.0 * sum) / f64::from(n).powi(2)).sqrt();
    let means: Vec<f64> = (0..chains)
        .map(|chain| {
            let mut rng = ergodic_math::rng::stream(28, chain);
            let mut x = Randomness::normal(&mut rng);
            let mut sum = x;
            for _ in 1..n {
                x = used * x + (1.0 - used * used).sqrt() * Randomness::normal(&mut rng);
                sum += x;
            }
            sum / f64::from(n) / sd
        })
        .collect();
    (means.iter().map(|m| m * m).sum(), means)
}

#[test]
fn means_of_an_autoregression_have_their_exact_normal_law() {
    use ergodic_math::special::{chi_squared_cdf, chi_squared_survival};

    let alpha = Budget::of_one_test().over(2 * 3 + 400).alpha();
    for phi in [0.0, 0.9, -0.6] {
        let (square, means) = standardised_means(phi, phi);
        let low = chi_squared_cdf(square, 400.0).unwrap();
        let high = chi_squared_survival(square, 400.0).unwrap();
        assert!(
            low > 0.5 * alpha && high > 0.5 * alpha,
            "φ = {phi}: χ² = {square}"
        );
        let allowed = Budget::new(alpha).unwrap().normal();
        assert!(means.iter().all(|m| m.abs() < allowed));
    }
    // Power: an autocorrelation of 0.9 that is taken for 0.83.
    let (square, _) = standardised_means(0.9, 0.83);
    assert!(chi_squared_survival(square, 400.0).unwrap() < alpha);
}
