//! Mini-batches: how many data terms a step sees, and how they are drawn.

use ergodic_core::{ArgumentError, Randomness, TargetError};

use super::{ControlVariate, NoControl};

/// How a stochastic-gradient kernel estimates the gradient: from how many data terms, drawn how,
/// and with which [`ControlVariate`].
///
/// The estimate `∇E₀ + (N/n) Σ_{i∈B} ∇Eᵢ` is unbiased. With `σ²` the variance of a component of
/// `∇Eᵢ` over the terms (divisor `N`), its variance is `N²σ²/n` with replacement and
/// `N²σ²/n · (N − n)/(N − 1)` without. A batch costs `n` calls of `Randomness::index`; the whole
/// data set, none.
///
/// ```
/// use ergodic_samplers::{MiniBatch, Svrg};
///
/// let batch = MiniBatch::new(32)?.control(Svrg::new(100)?);
/// assert_eq!(batch.size(), 32);
/// assert!(MiniBatch::new(0).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MiniBatch<C = NoControl> {
    size: usize,
    replacement: bool,
    control: C,
}

impl MiniBatch {
    /// `size` different terms at each step.
    ///
    /// # Errors
    /// If it is 0.
    pub fn new(size: usize) -> Result<Self, ArgumentError> {
        if size == 0 {
            return Err(ArgumentError::new("size", size, "at least 1"));
        }
        Ok(Self {
            size,
            replacement: false,
            control: NoControl,
        })
    }
}

impl<C> MiniBatch<C> {
    /// Terms drawn independently, so that one may occur more than once.
    pub fn with_replacement(mut self) -> Self {
        self.replacement = true;
        self
    }

    /// With a control variate, which reduces the variance of the estimate.
    pub fn control<D: ControlVariate>(self, control: D) -> MiniBatch<D> {
        MiniBatch {
            size: self.size,
            replacement: self.replacement,
            control,
        }
    }

    /// The number of terms.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Whether terms are drawn independently.
    pub const fn is_with_replacement(&self) -> bool {
        self.replacement
    }

    pub(crate) const fn variate(&self) -> &C {
        &self.control
    }

    /// Makes `room` fit for batches of a data set of this size, as at a start.
    pub(crate) fn make_room(&self, room: &mut Vec<usize>, terms: usize) -> Result<(), TargetError> {
        if terms == 0 {
            return Err(TargetError::new(
                "the target has 0 data terms, but must have at least 1",
            ));
        }
        if self.replacement {
            room.clear();
            room.resize(self.size, 0);
            return Ok(());
        }
        if self.size > terms {
            return Err(TargetError::new(format!(
                "a batch without replacement has {} terms, but the target has {terms} only",
                self.size
            )));
        }
        // A permutation of all terms, whose head is the batch.
        room.clear();
        room.extend(0..terms);
        Ok(())
    }

    /// Draws a batch into `room`, and returns it.
    pub(crate) fn draw<'r, R: Randomness + ?Sized>(
        &self,
        room: &'r mut [usize],
        terms: usize,
        rng: &mut R,
    ) -> &'r [usize] {
        if self.replacement {
            for i in room.iter_mut() {
                *i = rng.index(terms);
            }
        } else if self.size < terms {
            // The first steps of Fisher and Yates: uniform whatever permutation was there.
            for i in 0..self.size {
                room.swap(i, i + rng.index(terms - i));
            }
        }
        &room[..self.size]
    }
}
