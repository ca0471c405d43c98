//! Standard errors of correlated series by batch means, and Student's quantile that goes with
//! them.

use ergodic_core::{ArgumentError, Estimate, Interval};
use ergodic_math::roots::brent;
use ergodic_math::special::beta_regularized;

/// Below this number of batches no standard error is given.
pub(crate) const FEWEST_BATCHES: usize = 8;

/// The standard error of the mean of a stationary series from the means of consecutive batches of
/// equal length, or infinity if there are fewer than [`FEWEST_BATCHES`].
///
/// `√((s² + 2 max(γ₁, 0))/B)`: the covariance of neighbouring batches is counted where it is
/// positive, so that batches that are somewhat too short for the correlations do not pass for
/// independent ones. It is conservative by about 6 % where they are independent.
pub(crate) fn std_err(batches: &[f64]) -> f64 {
    let n = batches.len();
    if n < FEWEST_BATCHES {
        return f64::INFINITY;
    }
    let mean = batches.iter().fold(0.0, |s, x| s + x) / n as f64;
    let square = |s: f64, x: &f64| s + (x - mean) * (x - mean);
    let variance = batches.iter().fold(0.0, square) / (n - 1) as f64;
    let neighbours = batches
        .windows(2)
        .fold(0.0, |s, w| s + (w[0] - mean) * (w[1] - mean))
        / (n - 1) as f64;
    ((variance + 2.0 * neighbours.max(0.0)) / n as f64).sqrt()
}

/// The quantile of Student's t law above which `(1 − confidence)/2` lies.
pub(crate) fn student_quantile(degrees: usize, confidence: f64) -> Result<f64, ArgumentError> {
    let bad = || ArgumentError::new("confidence", confidence, "strictly between 0 and 1");
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(bad());
    }
    let half = 0.5 * degrees as f64;
    // P(|T| > t) = I_x(ν/2, ½) with x = ν/(ν + t²).
    let tail = |x: f64| beta_regularized(half, 0.5, x).map_or(f64::NAN, |p| p - (1.0 - confidence));
    let x = brent(tail, 0.0, 1.0, 0.0).map_err(|_| bad())?.x;
    Ok((degrees as f64 * (1.0 - x) / x).sqrt())
}

/// The estimate with Student's interval for a standard error that rests on `batches` batches; all
/// of the line if there are too few.
pub(crate) fn student(
    method: String,
    value: f64,
    std_err: f64,
    batches: usize,
    samples: usize,
    confidence: f64,
) -> Result<Estimate, ArgumentError> {
    let half = if batches < 2 || std_err == f64::INFINITY {
        f64::INFINITY
    } else {
        std_err * student_quantile(batches - 1, confidence)?
    };
    let interval = Interval {
        lower: value - half,
        upper: value + half,
    };
    Estimate::new(method, value, std_err, interval, samples, confidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Abramowitz and Stegun, table 26.10; ν = 1 is Cauchy's tan(πc/2).
        for (degrees, confidence, exact) in [
            (1, 0.95, 12.706_204_736_174_7),
            (10, 0.95, 2.228_138_851_986_27),
            (30, 0.99, 2.749_995_653_567_23),
        ] {
            let t = student_quantile(degrees, confidence).unwrap();
            assert!((t / exact - 1.0).abs() < 1e-9, "{t} for {exact}");
        }
        assert!(student_quantile(5, 1.0).is_err());
    }

    #[test]
    fn batches_that_hang_together_have_a_larger_error() {
        let alternating: Vec<f64> = (0..32).map(|i| f64::from(i % 2)).collect();
        let slow: Vec<f64> = (0..32).map(|i| f64::from(i / 16)).collect();
        let independent = (0.25f64 * 32.0 / 31.0 / 32.0).sqrt();
        assert!((std_err(&alternating) - independent).abs() < 1e-15);
        assert!(std_err(&slow) > 1.6 * independent);
        assert_eq!(std_err(&slow[..7]), f64::INFINITY);
    }
}
