//! A lower confidence bound on the mean of non-negative weights, by betting against candidates.

use ergodic_core::ArgumentError;

use crate::check;
use ergodic_math::special::{log_mean_exp, log_sum_exp};

/// A lower bound on `log E[w]` from independent non-negative weights given as `log w`, at
/// confidence `1 − δ`, for every sample size and whatever the law of the weights: no moments, no
/// upper limit, no asymptotics.
///
/// For a candidate mean `z`, a gambler who stakes the fraction `λ ∈ [0, 1]` of the capital on
/// each weight in turn owns after `n` of them
///
/// `W_λ(z) = Π_{i=1}^n (1 + λ (wᵢ/z − 1))`,
///
/// a non-negative supermartingale with start 1 for every `z ≥ E[w]`, and so is any mixture over
/// `λ` chosen beforehand. By Ville's inequality the mixture reaches `1/δ` with probability at
/// most `δ`. It falls in `z`, so the rejected candidates form an interval, whose end is the bound
/// (Waudby-Smith and Ramdas, *J. R. Stat. Soc. B* 86, 2024, one-sided and for weights without an
/// upper limit).
///
/// The mixture gives equal shares to `λ = 2⁻ʲ` from 1 down to below `1/n`, to `0.75` and `0.95`,
/// and to Markov's inequality for the average, `W(z) = w̄/z`. So the bound is never lower than
/// Markov's `log w̄ − log(1/δ)` by more than the log of the number of shares (about
/// `log(4 + log₂ n)`), and close to the best single `λ` otherwise: for a small relative spread `s`
/// of the weights it lies about `s √(2 (log(1/δ) + log(4 + log₂ n))/n)` below `log w̄`. Because
/// each `W_λ` is a product, the order of the weights does not matter.
///
/// The number of weights must not depend on their values. Relative to a common factor of the
/// weights the result is exact to 1e-9 nats, on the safe side. `−∞` if all weights are zero.
/// Time `O(n log n)`, with about 40 evaluations of the mixture.
///
/// # Errors
/// If there are no weights, one is NaN or `+∞`, or the confidence is not strictly between 0 and 1.
///
/// ```
/// use ergodic_free_energy::betting_lower_bound;
///
/// // A hundred equal weights e⁵⁰⁰⁰: they could still hide a rare zero.
/// let bound = betting_lower_bound(&[5000.0; 100], 0.99)?;
/// assert!(5000.0 - 0.1 < bound && bound < 5000.0);
/// // One weight: Markov's inequality and nothing else.
/// assert!(betting_lower_bound(&[0.0], 0.99)? < 0.01f64.ln() + 1e-9);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn betting_lower_bound(log_weights: &[f64], confidence: f64) -> Result<f64, ArgumentError> {
    check::log_weights(log_weights)?;
    check::confidence(confidence)?;
    let top = log_weights
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return Ok(top);
    }
    let scaled: Vec<f64> = log_weights.iter().map(|w| w - top).collect();
    let stakes = stakes(scaled.len());
    let goal = -libm::log(1.0 - confidence);
    let log_mean = log_mean_exp(&scaled);
    let reached = |log_z: f64| log_wealth(&scaled, &stakes, log_mean, log_z) >= goal;
    // The share of Markov's inequality alone reaches the goal at the lower end; at the largest
    // weight nobody has won anything.
    let shares = (stakes.len() + 1) as f64;
    let mut rejected = log_mean - libm::log(shares) - goal - TOLERANCE;
    let mut kept = 0.0;
    while kept - rejected > TOLERANCE {
        let middle = 0.5 * (rejected + kept);
        if reached(middle) {
            rejected = middle;
        } else {
            kept = middle;
        }
    }
    Ok(top + rejected - TOLERANCE)
}

/// Nats; far above the rounding of the wealth, far below every standard error.
const TOLERANCE: f64 = 5e-10;

/// The fractions `λ` that share the starting capital with Markov's inequality.
fn stakes(n: usize) -> Vec<f64> {
    let mut stakes = vec![1.0, 0.95, 0.75];
    let mut stake = 0.5;
    while stake * n as f64 >= 0.5 {
        stakes.push(stake);
        stake *= 0.5;
    }
    stakes
}

/// The log of the mixture wealth against the candidate `log_z`; no more than the rounding of
/// `log_z` above the truth.
fn log_wealth(log_weights: &[f64], stakes: &[f64], log_mean: f64, log_z: f64) -> f64 {
    let shares = (stakes.len() + 1) as f64;
    let mut logs = vec![0.0; stakes.len()];
    // A logarithm per eight factors: a factor is below n (4 + log₂ n)/δ, so eight of them stay
    // finite down to δ = 1e-16 and up to n = 1e9; an underflow only lowers the wealth.
    for chunk in log_weights.chunks(8) {
        let mut odds = [0.0; 8];
        for (o, w) in odds.iter_mut().zip(chunk) {
            *o = libm::exp(w - log_z);
        }
        for (log, &stake) in logs.iter_mut().zip(stakes) {
            let product: f64 = odds[..chunk.len()]
                .iter()
                .map(|odds| (1.0 - stake) + stake * odds)
                .product();
            *log += libm::log(product);
        }
    }
    logs.push(log_mean - log_z);
    log_sum_exp(&logs) - libm::log(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_where_the_mixture_wealth_reaches_its_goal() {
        let x: Vec<f64> = (0..40).map(|i| 1e4 + (i as f64).sin()).collect();
        let bound = betting_lower_bound(&x, 0.95).unwrap();
        let scaled: Vec<f64> = x.iter().map(|x| x - 1e4).collect();
        let wealth = |log_z: f64| {
            let stakes = stakes(40);
            log_wealth(&scaled, &stakes, log_mean_exp(&scaled), log_z - 1e4)
        };
        assert!((wealth(bound) - 20f64.ln()).abs() < 1e-6);
        assert!(wealth(bound - 0.1) > 20f64.ln());
    }

    #[test]
    fn the_wealth_of_a_stake_is_the_product_of_its_bets() {
        let x = [
            0.3f64,
            -1.2,
            0.9,
            f64::NEG_INFINITY,
            0.1,
            0.0,
            0.2,
            -0.4,
            1.0,
        ];
        let log_z = 0.25f64;
        let mut total = x.iter().map(|x| x.exp()).sum::<f64>() / 9.0 / log_z.exp();
        let stakes = stakes(9);
        for stake in &stakes {
            total += x
                .iter()
                .map(|x| 1.0 + stake * ((x - log_z).exp() - 1.0))
                .product::<f64>();
        }
        let expected = (total / (stakes.len() + 1) as f64).ln();
        let found = log_wealth(&x, &stakes, log_mean_exp(&x), log_z);
        assert!((found - expected).abs() < 1e-13);
    }

    #[test]
    fn two_point_weights_are_covered_at_the_stated_rate_exactly() {
        // w = 0 with probability 1 − q, else 1/q: mean 1. The bound depends on the number of
        // ones alone, so its exact probability of failing is a binomial sum.
        for (n, q) in [(5, 0.5), (30, 0.2), (100, 0.03), (100, 0.9), (1000, 0.01)] {
            for confidence in [0.5, 0.9, 0.99] {
                let mut probability = (1.0f64 - q).powi(n as i32);
                let mut misses = 0.0;
                for ones in 0..=n {
                    let mut x = vec![f64::NEG_INFINITY; n];
                    x[..ones].fill(-f64::ln(q));
                    if betting_lower_bound(&x, confidence).unwrap() > 0.0 {
                        misses += probability;
                    }
                    probability *= (n - ones) as f64 / (ones + 1) as f64 * q / (1.0 - q);
                }
                assert!(
                    misses <= 1.0 - confidence,
                    "n = {n}, q = {q}: {misses} at {confidence}"
                );
            }
        }
    }

    #[test]
    fn markov_is_never_better_by_more_than_the_log_of_the_shares() {
        for n in [1, 3, 50] {
            for spread in [0.0, 1.0, 30.0] {
                let x: Vec<f64> = (0..n).map(|i| spread * (i as f64).cos()).collect();
                let markov = log_mean_exp(&x) - 100f64.ln();
                let bound = betting_lower_bound(&x, 0.99).unwrap();
                let shares = (stakes(n).len() + 1) as f64;
                assert!(bound >= markov - shares.ln() - 1e-8);
                assert!(bound < log_mean_exp(&x));
            }
        }
    }

    #[test]
    fn the_bound_scales_with_the_weights_and_ignores_their_order() {
        let mut x: Vec<f64> = (0..200).map(|i| (i as f64).sin()).collect();
        let bound = betting_lower_bound(&x, 0.99).unwrap();
        // Spread .7, so about .7 √(2 (4.6 + 2.5)/200) = .19 below the mean.
        assert!(bound > log_mean_exp(&x) - 0.25);
        x.reverse();
        let shifted: Vec<f64> = x.iter().map(|x| x - 12_345.0).collect();
        let moved = betting_lower_bound(&shifted, 0.99).unwrap();
        assert!((moved + 12_345.0 - bound).abs() < 2e-9);
    }

    #[test]
    fn bad_arguments_are_typed_errors() {
        let name = |w: &[f64], c| betting_lower_bound(w, c).unwrap_err().argument;
        assert_eq!(name(&[], 0.9), "log_weights");
        assert_eq!(name(&[f64::NAN], 0.9), "log_weights");
        assert_eq!(name(&[0.0], 1.0), "confidence");
        assert_eq!(name(&[0.0], f64::NAN), "confidence");
        let zeros = betting_lower_bound(&[f64::NEG_INFINITY; 3], 0.9).unwrap();
        assert_eq!(zeros, f64::NEG_INFINITY);
    }
}
