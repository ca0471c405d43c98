//! Two independent samples, for divergences.

use ergodic_core::Randomness;

use crate::inference::Resample;
use crate::{InfoError, Points, Sample};

/// A sample of `P` and, independent of it, a sample of `Q`; their lengths may differ.
///
/// ```
/// use ergodic_info::Points;
/// use ergodic_info::continuous::TwoSamples;
///
/// let both = TwoSamples::new(Points::scalar([0.0, 1.0])?, Points::scalar([0.5, 2.0, 3.0])?)?;
/// assert_eq!((both.first().as_slice().len(), both.second().as_slice().len()), (2, 3));
/// assert!(TwoSamples::new(Points::scalar([0.0])?, Points::new([0.0, 1.0], 2)?).is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TwoSamples {
    first: Points,
    second: Points,
}

impl TwoSamples {
    /// Puts two samples beside each other.
    ///
    /// # Errors
    /// If their dimensions differ.
    pub fn new(first: Points, second: Points) -> Result<Self, InfoError> {
        if first.dim() == second.dim() {
            Ok(Self { first, second })
        } else {
            Err(InfoError::argument(
                "second",
                format!("points of dimension {}", second.dim()),
                format!("points of the dimension of `first`, {}", first.dim()),
            ))
        }
    }

    /// The sample of `P`.
    pub fn first(&self) -> &Points {
        &self.first
    }

    /// The sample of `Q`.
    pub fn second(&self) -> &Points {
        &self.second
    }
}

/// The size is that of the first sample; parts take the same share of the second, at least one.
impl Resample for TwoSamples {
    fn size(&self) -> usize {
        self.first.len()
    }

    fn part<R: Randomness + ?Sized>(&self, size: usize, rng: &mut R) -> Self {
        let share = size as f64 / self.first.len() as f64;
        let second = (share * self.second.len() as f64).round() as usize;
        Self {
            first: self.first.part(size, rng),
            second: self.second.part(second.clamp(1, self.second.len()), rng),
        }
    }

    fn halves<R: Randomness + ?Sized>(&self, rng: &mut R) -> (Self, Self) {
        let (first_a, first_b) = self.first.halves(rng);
        let (second_a, second_b) = if self.second.len() > 1 {
            self.second.halves(rng)
        } else {
            (self.second.clone(), self.second.clone())
        };
        let join = |first, second| Self { first, second };
        (join(first_a, second_a), join(first_b, second_b))
    }
}
