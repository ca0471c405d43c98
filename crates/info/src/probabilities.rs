//! A law on finitely many outcomes.

use ergodic_math::reduce;

use crate::InfoError;

/// How far the sum of probabilities may be from 1, per outcome and in all: what rounding of
/// printed or computed figures explains. The law is then divided by its sum.
const SUM_TOLERANCE: f64 = 1e-9;

/// A law on finitely many outcomes: finite, not negative, sum 1.
///
/// ```
/// use ergodic_info::Probabilities;
///
/// let p = Probabilities::new([0.5, 0.3, 0.2])?;
/// assert_eq!(p.len(), 3);
/// assert!(Probabilities::new([0.7, 0.7, -0.4]).is_err());
/// assert_eq!(Probabilities::from_weights([3.0, 1.0])?.as_slice(), [0.75, 0.25]);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Probabilities {
    values: Vec<f64>,
}

impl Probabilities {
    /// Checks the entries and their sum, which may be off by 1e-9, and divides by it.
    ///
    /// # Errors
    /// If there are no outcomes, an entry is negative or not finite (it is named), or the sum is
    /// not one (it is given).
    pub fn new(values: impl Into<Vec<f64>>) -> Result<Self, InfoError> {
        let values = values.into();
        let total = total_of("probabilities", &values)?;
        if (total - 1.0).abs() > SUM_TOLERANCE {
            return Err(InfoError::argument(
                "probabilities",
                format!("a list of numbers that sum to {total}"),
                "a list with sum 1 (`from_weights` normalises)",
            ));
        }
        Ok(Self::divided(values, total))
    }

    /// The law in proportion to the weights.
    ///
    /// # Errors
    /// If there are no weights, one is negative or not finite, or all are zero.
    pub fn from_weights(weights: impl Into<Vec<f64>>) -> Result<Self, InfoError> {
        let weights = weights.into();
        let total = total_of("weights", &weights)?;
        if total <= 0.0 {
            return Err(InfoError::argument(
                "weights",
                "all zero",
                "positive somewhere",
            ));
        }
        if !total.is_finite() {
            return Err(InfoError::argument(
                "weights",
                "a list whose sum overflows",
                "a list with a finite sum",
            ));
        }
        Ok(Self::divided(weights, total))
    }

    /// The uniform law on `n` outcomes.
    ///
    /// # Errors
    /// If `n` is zero.
    pub fn uniform(n: usize) -> Result<Self, InfoError> {
        Self::from_weights(vec![1.0; n])
    }

    fn divided(mut values: Vec<f64>, total: f64) -> Self {
        if total != 1.0 {
            for value in &mut values {
                *value /= total;
            }
        }
        Self { values }
    }

    /// The number of outcomes, zero-probability ones included.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a law has at least one outcome"
    )]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The probabilities.
    pub fn as_slice(&self) -> &[f64] {
        &self.values
    }
}

impl AsRef<[f64]> for Probabilities {
    fn as_ref(&self) -> &[f64] {
        &self.values
    }
}

impl TryFrom<Vec<f64>> for Probabilities {
    type Error = InfoError;

    fn try_from(values: Vec<f64>) -> Result<Self, InfoError> {
        Self::new(values)
    }
}

/// The sum of a list of finite, non-negative numbers that is not empty.
pub(crate) fn total_of(argument: &'static str, values: &[f64]) -> Result<f64, InfoError> {
    if values.is_empty() {
        return Err(InfoError::argument(
            argument,
            "an empty list",
            "at least one number",
        ));
    }
    if let Some(i) = values.iter().position(|v| !(v.is_finite() && *v >= 0.0)) {
        return Err(InfoError::argument(
            argument,
            format!("a list with {} at position {i}", values[i]),
            "a list of finite numbers at or above 0",
        ));
    }
    Ok(reduce::sum(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_probabilities_name_what_is_wrong() {
        let text = |v: &[f64]| Probabilities::new(v).unwrap_err().to_string();
        assert!(text(&[]).contains("empty"));
        assert!(text(&[0.5, f64::NAN]).contains("NaN at position 1"));
        assert!(text(&[1.5, -0.5]).contains("-0.5 at position 1"));
        assert!(text(&[0.5, 0.25]).contains("sum to 0.75"));
        let weights = |v: &[f64]| Probabilities::from_weights(v).unwrap_err().to_string();
        assert!(weights(&[0.0, 0.0]).contains("all zero"));
        assert!(weights(&[f64::MAX, f64::MAX]).contains("overflows"));
        assert!(Probabilities::uniform(0).is_err());
    }

    #[test]
    fn a_sum_within_rounding_is_divided_out() {
        let p = Probabilities::new([1.0 / 3.0 + 1e-10, 1.0 / 3.0, 1.0 / 3.0]).unwrap();
        assert!((reduce::sum(p.as_slice()) - 1.0).abs() < 1e-15);
    }
}
