//! Averages of weights that are known by their logarithms, and their errors.

use ergodic_core::ArgumentError;
use ergodic_math::special::log_mean_exp;

use crate::check;

/// Kish's effective sample size `(Σ w)² / Σ w²` of weights `w = e^{log w}`, between 1 and `n`
/// (Kish, *Survey Sampling*, 1965); 0 if all weights are zero. `O(n)`.
///
/// It measures the spread of the weights that were *seen*: a large value does not prove that no
/// rare large weight was missed.
///
/// # Errors
/// If there are no weights, or one is NaN or `+∞`.
///
/// ```
/// use ergodic_free_energy::effective_sample_size;
///
/// assert_eq!(effective_sample_size(&[-9e3; 4])?, 4.0);
/// assert_eq!(effective_sample_size(&[0.0, -1e4])?, 1.0);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn effective_sample_size(log_weights: &[f64]) -> Result<f64, ArgumentError> {
    check::log_weights(log_weights)?;
    let top = log_weights
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return Ok(0.0);
    }
    let (mut sum, mut squares) = (0.0, 0.0);
    for log_weight in log_weights {
        let w = libm::exp(log_weight - top);
        sum += w;
        squares += w * w;
    }
    Ok(sum * sum / squares)
}

/// The standard error of `log (1/n) Σ w` by the delta method: the relative standard error of the
/// mean weight, `√(s²/n)/w̄ = √((n/ESS − 1)/(n − 1))` with the sample variance `s²` and the
/// [`effective_sample_size`]. `O(n)`.
///
/// Infinite for a single weight and where all weights are zero. Too small, like the estimate,
/// where the effective sample size is.
///
/// # Errors
/// As [`effective_sample_size`].
///
/// ```
/// use ergodic_free_energy::log_mean_exp_std_err;
///
/// // Weights 1 and 3: mean 2, s² = 2, standard error of the mean 1.
/// let log_weights = [1f64.ln(), 3f64.ln()];
/// assert!((log_mean_exp_std_err(&log_weights)? - 0.5).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn log_mean_exp_std_err(log_weights: &[f64]) -> Result<f64, ArgumentError> {
    let effective = effective_sample_size(log_weights)?;
    let n = log_weights.len() as f64;
    if effective == 0.0 || n == 1.0 {
        return Ok(f64::INFINITY);
    }
    // Rounding can put the effective size of equal weights a little above n.
    Ok(((n / effective - 1.0).max(0.0) / (n - 1.0)).sqrt())
}

/// What [`log_mean_exp_jackknife`] returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jackknife {
    /// `log (1/n) Σ w` with the bias of order `1/n` taken off; the plain value where that is not
    /// finite.
    pub value: f64,
    /// The jackknife standard error; infinite where leaving one weight out leaves nothing.
    pub std_err: f64,
}

/// The jackknife of `log (1/n) Σ w` (Quenouille, *Biometrika* 43, 1956; Tukey, 1958): with the
/// leave-one-out values `θᵢ` and their mean `θ̄`, value `nθ − (n − 1)θ̄` and standard error
/// `√((n − 1)/n Σ (θᵢ − θ̄)²)`. `O(n)`.
///
/// The plain value is biased low by about half its squared standard error (Jensen). The leave-
/// one-out sums are added up from both sides and never subtracted, so one dominant weight costs
/// no accuracy.
///
/// # Errors
/// As [`effective_sample_size`].
///
/// ```
/// use ergodic_free_energy::log_mean_exp_jackknife;
///
/// // Weights 1 and 3: θ = log 2, θ₁ = log 3, θ₂ = 0.
/// let j = log_mean_exp_jackknife(&[1f64.ln(), 3f64.ln()])?;
/// assert!((j.value - (4f64.ln() - 0.5 * 3f64.ln())).abs() < 1e-15);
/// assert!((j.std_err - 0.5 * 3f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn log_mean_exp_jackknife(log_weights: &[f64]) -> Result<Jackknife, ArgumentError> {
    check::log_weights(log_weights)?;
    let n = log_weights.len();
    let plain = log_mean_exp(log_weights);
    let unknown = Jackknife {
        value: plain,
        std_err: f64::INFINITY,
    };
    let top = log_weights
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    if n == 1 || top == f64::NEG_INFINITY {
        return Ok(unknown);
    }
    // after[i] = Σ_{j ≥ i} w_j
    let mut after = vec![0.0; n + 1];
    for i in (0..n).rev() {
        after[i] = after[i + 1] + libm::exp(log_weights[i] - top);
    }
    let (mut before, mut without) = (0.0, Vec::with_capacity(n));
    for i in 0..n {
        // Relative to the plain value, which keeps the squares below free of cancellation.
        let rest: f64 = before + after[i + 1];
        without.push(libm::log(rest / after[0]) + libm::log(n as f64 / (n - 1) as f64));
        before += libm::exp(log_weights[i] - top);
    }
    let mean = without.iter().sum::<f64>() / n as f64;
    if !mean.is_finite() {
        return Ok(unknown);
    }
    let squares: f64 = without.iter().map(|x| (x - mean).powi(2)).sum();
    Ok(Jackknife {
        value: plain - (n - 1) as f64 * mean,
        std_err: ((n - 1) as f64 / n as f64 * squares).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_mean_exp_neither_overflows_nor_underflows() {
        for shift in [-1e4, 0.0, 1e4] {
            let x: Vec<f64> = [1.0f64, 2.0, 6.0].iter().map(|w| w.ln() + shift).collect();
            assert!((log_mean_exp(&x) - (3f64.ln() + shift)).abs() < 1e-11);
        }
        assert_eq!(log_mean_exp(&[f64::NEG_INFINITY; 2]), f64::NEG_INFINITY);
        let half = log_mean_exp(&[0.0, f64::NEG_INFINITY]);
        assert!((half + 2f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn both_standard_errors_agree_to_second_order_for_small_spread() {
        let x: Vec<f64> = (0..50).map(|i| 5e3 + 1e-3 * (i as f64).sin()).collect();
        let delta = log_mean_exp_std_err(&x).unwrap();
        let jackknife = log_mean_exp_jackknife(&x).unwrap();
        assert!((delta / jackknife.std_err - 1.0).abs() < 1e-3);
        let bias = 0.5 * delta * delta;
        assert!((jackknife.value - log_mean_exp(&x) - bias).abs() < 0.1 * bias + 1e-12);
    }

    #[test]
    fn one_dominant_weight_is_never_a_nan() {
        let x = [0.0, -800.0, f64::NEG_INFINITY];
        assert_eq!(effective_sample_size(&x).unwrap(), 1.0);
        assert_eq!(log_mean_exp_std_err(&x).unwrap(), 1.0);
        let j = log_mean_exp_jackknife(&x).unwrap();
        assert!(!j.value.is_nan() && j.std_err == f64::INFINITY);
        for bad in [vec![], vec![f64::NAN], vec![f64::INFINITY, 0.0]] {
            assert_eq!(
                effective_sample_size(&bad).unwrap_err().argument,
                "log_weights"
            );
            assert!(log_mean_exp_jackknife(&bad).is_err());
        }
    }
}
