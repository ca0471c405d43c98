//! Autocovariance of a time series, by fast Fourier transform and directly.
//!
//! `γ̂ₖ = (1/n) Σ_{i<n−k} (xᵢ − x̄)(x_{i+k} − x̄)`: divided by `n` and not by `n − k`, which makes
//! the sequence positive semi-definite and keeps the variance of long lags down (Priestley,
//! *Spectral Analysis and Time Series*, 1981, §5.3.3).

use std::fmt;

use realfft::RealFftPlanner;

use crate::reduce;

/// Why a series has no autocovariance.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum AutocovarianceError {
    /// No values.
    Empty,
    /// A lag of which the series has no pair.
    Lag {
        /// The largest lag asked for.
        max_lag: usize,
        /// The length of the series, which every lag must be below.
        len: usize,
    },
    /// A value that is not finite.
    NonFinite {
        /// Its index.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A series without variance has no autocorrelation.
    Constant,
}

impl fmt::Display for AutocovarianceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the series is empty"),
            Self::Lag { max_lag, len } => {
                write!(
                    f,
                    "max_lag is {max_lag}, but must be below the length {len}"
                )
            }
            Self::NonFinite { index, value } => {
                write!(
                    f,
                    "value {index} of the series is {value}, but must be finite"
                )
            }
            Self::Constant => write!(f, "the series is constant"),
        }
    }
}

impl std::error::Error for AutocovarianceError {}

/// Deviations from the mean, scaled by a power of two so that squares neither over- nor underflow,
/// and the factor `s` with `x − x̄ = s·deviation`. All zero for a constant series.
fn deviations(x: &[f64], max_lag: usize) -> Result<(Vec<f64>, f64), AutocovarianceError> {
    if x.is_empty() {
        return Err(AutocovarianceError::Empty);
    }
    if max_lag >= x.len() {
        return Err(AutocovarianceError::Lag {
            max_lag,
            len: x.len(),
        });
    }
    if let Some(index) = x.iter().position(|x| !x.is_finite()) {
        return Err(AutocovarianceError::NonFinite {
            index,
            value: x[index],
        });
    }
    if x.iter().all(|&v| v == x[0]) {
        // The rounded mean may miss the common value by an ulp.
        return Ok((vec![0.0; x.len()], 1.0));
    }
    // Quarter the values: their differences are then finite.
    let quarters: Vec<f64> = x.iter().map(|x| 0.25 * x).collect();
    let mean = reduce::mean(&quarters).unwrap_or(0.0);
    let largest = quarters.iter().fold(0.0f64, |m, x| m.max((x - mean).abs()));
    if largest < 1e-290 {
        // The quarters are rounded below the normal numbers.
        let up: Vec<f64> = x.iter().map(|x| x * 2f64.powi(60)).collect();
        let (d, s) = deviations(&up, max_lag)?;
        return Ok((d, s * 2f64.powi(-60)));
    }
    // The power of two below, from the exponent of a normal number.
    let exponent = (largest.to_bits() >> 52) as i32 - 1023;
    let scale = 2f64.powi(exponent.clamp(-1000, 1000));
    let d = quarters.iter().map(|x| (x - mean) / scale).collect();
    Ok((d, 4.0 * scale))
}

/// The smallest even number `≥ n` without prime factors above 5.
fn fast_length(n: usize) -> usize {
    let mut best = n.next_power_of_two().max(2);
    let mut five = 1;
    while five < best {
        let mut three = five;
        while three < best {
            let two = n.div_ceil(three).next_power_of_two().max(2);
            best = best.min(three * two);
            three *= 3;
        }
        five *= 5;
    }
    best
}

/// `γ̂₀, …, γ̂_max_lag` by a zero-padded real FFT.
///
/// Domain: a non-empty finite series, `max_lag < n`; a constant one gives zeros exactly. A
/// covariance beyond the range of `f64` comes out as an infinity or a zero.
///
/// Error: of the order of `ε log₂ n · γ̂₀` at every lag (use [`autocovariance_direct`] where small
/// values matter relative to themselves). `O(n log n)` time, `O(n)` memory.
///
/// # Errors
/// [`AutocovarianceError`].
///
/// ```
/// use ergodic_math::autocovariance::autocovariance;
///
/// let g = autocovariance(&[1.0, -1.0, 1.0, -1.0], 2)?;
/// assert!((g[0] - 1.0).abs() < 1e-15);
/// assert!((g[1] + 0.75).abs() < 1e-15);
/// assert!((g[2] - 0.5).abs() < 1e-15);
/// # Ok::<(), ergodic_math::autocovariance::AutocovarianceError>(())
/// ```
pub fn autocovariance(x: &[f64], max_lag: usize) -> Result<Vec<f64>, AutocovarianceError> {
    let (d, scale) = deviations(x, max_lag)?;
    // Circular lag k and its alias len − k do not meet while len ≥ n + max_lag.
    let len = fast_length(x.len() + max_lag);
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(len), planner.plan_fft_inverse(len));
    let mut padded = forward.make_input_vec();
    padded[..d.len()].copy_from_slice(&d);
    let mut spectrum = forward.make_output_vec();
    // The transforms refuse only buffers of other lengths than they made themselves.
    forward
        .process(&mut padded, &mut spectrum)
        .expect("buffers of the plan");
    for z in &mut spectrum {
        *z = (z.norm_sqr()).into();
    }
    inverse
        .process(&mut spectrum, &mut padded)
        .expect("a real spectrum");
    let norm = 1.0 / (len as f64 * x.len() as f64);
    Ok(padded[..=max_lag]
        .iter()
        .map(|g| (g * norm) * scale * scale)
        .collect())
}

/// `γ̂₀, …, γ̂_max_lag` from the definition, with compensated sums.
///
/// Domain as [`autocovariance`]. Error: some `ε` of `(1/n) Σ |xᵢ − x̄||x_{i+k} − x̄|`.
/// `O(n·max_lag)` time; faster than the transform for a few dozen lags.
///
/// # Errors
/// [`AutocovarianceError`].
pub fn autocovariance_direct(x: &[f64], max_lag: usize) -> Result<Vec<f64>, AutocovarianceError> {
    let (d, scale) = deviations(x, max_lag)?;
    let n = x.len() as f64;
    Ok((0..=max_lag)
        .map(|k| {
            // Slices of equal length by construction.
            let g = reduce::dot(&d[..d.len() - k], &d[k..]).unwrap_or(0.0);
            (g / n) * scale * scale
        })
        .collect())
}

/// `ρ̂ₖ = γ̂ₖ/γ̂₀` by FFT, `ρ̂₀ = 1`, clipped to [−1, 1] against rounding.
///
/// # Errors
/// [`AutocovarianceError`], also for a constant series.
///
/// ```
/// use ergodic_math::autocovariance::{autocorrelation, AutocovarianceError};
///
/// assert_eq!(autocorrelation(&[1e300, -1e300], 1)?, [1.0, -0.5]);
/// assert_eq!(autocorrelation(&[0.1; 9], 1), Err(AutocovarianceError::Constant));
/// # Ok::<(), AutocovarianceError>(())
/// ```
pub fn autocorrelation(x: &[f64], max_lag: usize) -> Result<Vec<f64>, AutocovarianceError> {
    let (d, _) = deviations(x, max_lag)?;
    // The deviations have magnitude 1 to 2, their covariance cannot leave the range.
    let mut g = autocovariance(&d, max_lag)?;
    let variance = g[0];
    if variance <= 0.0 {
        return Err(AutocovarianceError::Constant);
    }
    for r in &mut g {
        *r = (*r / variance).clamp(-1.0, 1.0);
    }
    Ok(g)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    /// An exactly stationary AR(1) chain of unit variance.
    fn ar1(phi: f64, n: usize) -> Vec<f64> {
        let mut z = vec![0.0; n];
        rng::fill_normal(&mut rng::stream(31, 0), &mut z);
        let s = (1.0 - phi * phi).sqrt();
        let mut x = z.clone();
        for i in 1..n {
            x[i] = phi * x[i - 1] + s * z[i];
        }
        x
    }

    #[test]
    fn transform_equals_definition_at_all_lags() {
        for n in [1, 2, 3, 17, 64, 65, 500, 1021] {
            for shift in [0.0, 1e6] {
                let x: Vec<f64> = ar1(0.8, n).iter().map(|x| x + shift).collect();
                for max_lag in [0, n / 2, n - 1] {
                    let fast = autocovariance(&x, max_lag).unwrap();
                    let direct = autocovariance_direct(&x, max_lag).unwrap();
                    assert_eq!((fast.len(), direct.len()), (max_lag + 1, max_lag + 1));
                    let mean = x.iter().sum::<f64>() / n as f64;
                    for k in 0..=max_lag {
                        let naive = (0..n - k)
                            .map(|i| (x[i] - mean) * (x[i + k] - mean))
                            .sum::<f64>()
                            / n as f64;
                        let tolerance = 1e-14 * direct[0] + 1e-18;
                        assert!((fast[k] - direct[k]).abs() <= tolerance, "n {n}, lag {k}");
                        let tolerance = 1e-13 * direct[0] + 1e-15 * shift;
                        assert!((direct[k] - naive).abs() <= tolerance, "n {n}, lag {k}");
                    }
                }
            }
        }
    }

    #[test]
    fn ar1_has_geometric_autocorrelation() {
        // Bartlett: the variance of ρ̂ₖ is below (1 + φ²)/(1 − φ²)/n, so σ ≤ 0.0033 here; the bias
        // is of order 1/n. 5.5 σ for 20 lags: error probability below 1e-6.
        let (phi, n) = (0.7, 1 << 18);
        let r = autocorrelation(&ar1(phi, n), 20).unwrap();
        let sigma = ((1.0 + phi * phi) / (1.0 - phi * phi) / n as f64).sqrt();
        for (k, r) in r.iter().enumerate() {
            assert!((r - phi.powi(k as i32)).abs() < 5.5 * sigma, "lag {k}: {r}");
        }
    }

    #[test]
    fn alternating_series_is_exact() {
        let n = 1000;
        let x: Vec<f64> = (0..n).map(|i| 3.0 - 2.0 * (i % 2) as f64).collect();
        for (k, g) in autocovariance(&x, n - 1).unwrap().iter().enumerate() {
            let exact = (n - k) as f64 / n as f64 * if k % 2 == 0 { 1.0 } else { -1.0 };
            assert!((g - exact).abs() < 1e-14);
        }
    }

    #[test]
    fn constant_series_have_zero_covariance_exactly() {
        for c in [0.0, 0.1, -1e300, 1e-310] {
            assert_eq!(autocovariance(&[c; 7], 6).unwrap(), [0.0; 7]);
            assert_eq!(autocovariance_direct(&[c; 7], 6).unwrap(), [0.0; 7]);
        }
    }

    #[test]
    fn scale_neither_overflows_nor_underflows() {
        let x = ar1(0.5, 100);
        let r = autocorrelation(&x, 10).unwrap();
        for e in [-1040, -1000, 300, 1020] {
            let y: Vec<f64> = x
                .iter()
                .map(|x| x * 2f64.powi(e / 2) * 2f64.powi(e - e / 2))
                .collect();
            for (a, b) in autocorrelation(&y, 10).unwrap().iter().zip(&r) {
                // At 2⁻¹⁰⁴⁰ the series itself has 34 bits left.
                let tolerance = if e < -1020 { 1e-8 } else { 1e-13 };
                assert!((a - b).abs() < tolerance, "2^{e}: {a} vs {b}");
            }
        }
        let m = f64::MAX;
        assert!(
            autocovariance(&[m, -m, m], 2)
                .unwrap()
                .iter()
                .all(|g| !g.is_nan())
        );
    }

    #[test]
    fn bad_series_are_typed_errors() {
        assert_eq!(autocovariance(&[], 0), Err(AutocovarianceError::Empty));
        assert_eq!(
            autocovariance(&[1.0, 2.0], 2),
            Err(AutocovarianceError::Lag { max_lag: 2, len: 2 })
        );
        let e = autocovariance_direct(&[1.0, f64::INFINITY], 0).unwrap_err();
        assert_eq!(
            e.to_string(),
            "value 1 of the series is inf, but must be finite"
        );
    }

    #[test]
    fn fast_lengths_are_even_smooth_and_minimal() {
        for n in 1..600 {
            let smooth = |m: usize| {
                let mut m = m;
                for p in [2, 3, 5] {
                    while m.is_multiple_of(p) {
                        m /= p;
                    }
                }
                m == 1
            };
            let exact = (n..=2 * n).find(|&m| m % 2 == 0 && smooth(m)).unwrap();
            assert_eq!(fast_length(n), exact);
        }
    }
}
