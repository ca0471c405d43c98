//! McDiarmid's inequality for functions of independent variables.

use ergodic_core::ArgumentError;

use super::{Pivotal, Reflect, TailBound};
use crate::argument;

/// A function of independent variables that changes by at most `cᵢ` when the `i`-th alone changes.
///
/// ```
/// use ergodic_concentration::inequality::BoundedDifferences;
/// assert!(BoundedDifferences::new(&[1.0, -1.0]).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedDifferences {
    sum_of_squares: f64,
}

impl BoundedDifferences {
    /// With these `cᵢ`.
    ///
    /// # Errors
    /// Unless each is finite and at least 0, one above 0, and their squares have a finite sum.
    pub fn new(differences: &[f64]) -> Result<Self, ArgumentError> {
        if differences.is_empty() {
            return Err(ArgumentError::new(
                "differences",
                "empty",
                "one per variable",
            ));
        }
        for &c in differences {
            argument::not_negative("differences", c)?;
        }
        let sum_of_squares = differences.iter().map(|c| c * c).sum();
        squares("differences", sum_of_squares)?;
        Ok(Self { sum_of_squares })
    }

    /// All alike: `count` variables, each with the same `c`. The empirical risk of a loss in `[0, 1]`
    /// has `c = 1/count`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn uniform(difference: f64, count: u64) -> Result<Self, ArgumentError> {
        argument::positive("difference", difference)?;
        let sum_of_squares = argument::sample_size(count)? * difference * difference;
        squares("difference", sum_of_squares)?;
        Ok(Self { sum_of_squares })
    }
}

/// Refuses a sum of squares that is 0 or beyond the range of `f64`.
fn squares(argument: &'static str, sum: f64) -> Result<(), ArgumentError> {
    if sum > 0.0 && sum.is_finite() {
        return Ok(());
    }
    Err(ArgumentError::new(
        argument,
        format!("a sum of squares of {sum}"),
        "a sum of squares above 0 and finite",
    ))
}

/// `P(f − E f ≥ t) ≤ exp(−2nt²/Σcᵢ²)` for the mean of `n` copies of a function with bounded
/// differences; `n = 1` for the function itself.
///
/// Source: C. McDiarmid, *On the method of bounded differences*, 1989; Boucheron, Lugosi and Massart,
/// *Concentration Inequalities*, 2013, the bounded differences inequality.
///
/// ```
/// use ergodic_concentration::inequality::{BoundedDifferences, McDiarmid, TailBound};
///
/// // The number of distinct values among 50 draws changes by at most 1 with each draw.
/// let distinct = McDiarmid::new(BoundedDifferences::uniform(1.0, 50)?);
/// assert!((distinct.log_tail(1, 10.0)? + 4.0).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McDiarmid {
    assumption: BoundedDifferences,
}

impl McDiarmid {
    /// Under this assumption.
    pub fn new(assumption: BoundedDifferences) -> Self {
        Self { assumption }
    }
}

impl TailBound for McDiarmid {
    fn name(&self) -> &'static str {
        "McDiarmid"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let relative = t / self.assumption.sum_of_squares.sqrt();
        Ok(-2.0 * n * relative * relative)
    }
}

impl Pivotal for McDiarmid {}

impl Reflect for McDiarmid {
    fn reflected(&self) -> Self {
        *self
    }
}
