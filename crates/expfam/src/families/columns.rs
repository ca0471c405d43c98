//! Many members of a family of one parameter at once.

use ergodic_core::{ArgumentError, ExponentialFamily};
use ergodic_math::simd::{Vectorize, vectorize};

use crate::domain;

/// [`ExponentialFamily::evaluate_columns`] of a family of one parameter by `law`, which makes `A` and `μ` of
/// `θ` without a branch, so that the loop becomes SIMD code. Wherever one of the three is not finite it has to
/// be outside the domain, or what the single calls answer is taken.
///
/// # Errors
/// As the single calls.
pub(super) fn one_parameter<F: ExponentialFamily>(
    family: &F,
    natural: &[f64],
    log_partition: &mut [f64],
    mean: &mut [f64],
    law: impl Fn(f64) -> (f64, f64),
) -> Result<(), ArgumentError> {
    let members = log_partition.len();
    domain::length("natural", natural, members)?;
    domain::length("mean", mean, members)?;
    let inside = vectorize(Columns {
        natural,
        log_partition: &mut *log_partition,
        mean: &mut *mean,
        law,
    });
    if inside {
        return Ok(());
    }
    for ((theta, a), m) in natural.iter().zip(log_partition).zip(mean.chunks_mut(1)) {
        let theta = std::slice::from_ref(theta);
        *a = family.log_partition(theta)?;
        family.mean_from_natural(theta, m)?;
    }
    Ok(())
}

/// Members whose finiteness is summed side by side: one sum is a chain of additions, which takes longer than
/// all the rest.
const LANES: usize = 16;

struct Columns<'a, L> {
    natural: &'a [f64],
    log_partition: &'a mut [f64],
    mean: &'a mut [f64],
    law: L,
}

impl<L: Fn(f64) -> (f64, f64)> Vectorize for Columns<'_, L> {
    /// Whether all numbers are finite.
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let mut sums = [0.0; LANES];
        let natural = self.natural.chunks(LANES);
        let results = (self.log_partition.chunks_mut(LANES)).zip(self.mean.chunks_mut(LANES));
        for (natural, (a, mean)) in natural.zip(results) {
            for (((sum, theta), a), m) in sums.iter_mut().zip(natural).zip(a).zip(mean) {
                (*a, *m) = (self.law)(*theta);
                // 0·x is 0 for finite x alone.
                *sum += 0.0 * *theta + 0.0 * *a + 0.0 * *m;
            }
        }
        sums.iter().sum::<f64>() == 0.0
    }
}
