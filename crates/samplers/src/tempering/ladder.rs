//! Ladders: the levels `t₀ < t₁ < … < t_N` of a tempering run.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

/// Levels `t₀ < t₁ < … < t_N` on an [`AnnealingPath`](crate::AnnealingPath), from the easiest
/// law to the law of interest.
///
/// ```
/// use ergodic_samplers::TemperatureLadder;
///
/// assert_eq!(TemperatureLadder::linear(0.0, 1.0, 4)?.levels(), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// assert!(TemperatureLadder::new(vec![0.5, 0.5]).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TemperatureLadder {
    levels: Vec<f64>,
}

impl TemperatureLadder {
    /// With the given levels.
    ///
    /// # Errors
    /// If there are fewer than two, or they do not rise strictly from at least 0, or are not
    /// finite.
    pub fn new(levels: Vec<f64>) -> Result<Self, ArgumentError> {
        let rises = levels.windows(2).all(|w| w[0] < w[1]);
        let ends = levels.first().is_some_and(|t| *t >= 0.0)
            && levels.last().is_some_and(|t| t.is_finite());
        if levels.len() < 2 || !rises || !ends {
            return Err(ArgumentError::new(
                "levels",
                format!("{levels:?}"),
                "at least two finite numbers that rise strictly from 0 or above",
            ));
        }
        Ok(Self { levels })
    }

    /// `steps + 1` levels at equal distances.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn linear(from: f64, to: f64, steps: usize) -> Result<Self, ArgumentError> {
        check_steps(steps)?;
        Self::new(
            (0..=steps)
                .map(|k| {
                    let share = k as f64 / steps as f64;
                    if k == steps {
                        to
                    } else {
                        from + share * (to - from)
                    }
                })
                .collect(),
        )
    }

    /// `steps + 1` levels at equal ratios, for temperatures over several decades; `from > 0`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn geometric(from: f64, to: f64, steps: usize) -> Result<Self, ArgumentError> {
        check_steps(steps)?;
        Self::new(
            (0..=steps)
                .map(|k| match k {
                    0 => from,
                    k if k == steps => to,
                    k => from * Real::exp(k as f64 / steps as f64 * Real::ln(to / from)),
                })
                .collect(),
        )
    }

    /// The levels, rising.
    pub fn levels(&self) -> &[f64] {
        &self.levels
    }

    /// The number of levels, at least 2.
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Never: a ladder has two levels at least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The number of pairs of neighbours, `N`.
    pub fn pairs(&self) -> usize {
        self.levels.len() - 1
    }
}

fn check_steps(steps: usize) -> Result<(), ArgumentError> {
    if steps == 0 {
        Err(ArgumentError::new("steps", steps, "at least 1"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ladders_rise_from_end_to_end() {
        for ladder in [
            TemperatureLadder::linear(0.1, 0.7, 7).unwrap(),
            TemperatureLadder::geometric(0.1, 0.7, 7).unwrap(),
        ] {
            assert_eq!((ladder.levels()[0], ladder.levels()[7]), (0.1, 0.7));
            assert_eq!((ladder.len(), ladder.pairs()), (8, 7));
        }
    }

    #[test]
    fn bad_ladders_are_typed_errors() {
        for levels in [
            vec![],
            vec![1.0],
            vec![-0.1, 1.0],
            vec![0.0, f64::NAN, 1.0],
            vec![0.0, f64::INFINITY],
            vec![1.0, 0.0],
        ] {
            assert_eq!(
                TemperatureLadder::new(levels).unwrap_err().argument,
                "levels"
            );
        }
        assert!(TemperatureLadder::linear(0.0, 1.0, 0).is_err());
        assert!(TemperatureLadder::geometric(0.0, 1.0, 3).is_err());
    }
}
