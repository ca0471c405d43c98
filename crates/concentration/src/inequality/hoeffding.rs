//! Hoeffding's inequality.

use ergodic_core::ArgumentError;

use super::{Bounded, Pivotal, Reflect, TailBound};

/// `P(mean − μ ≥ t) ≤ exp(−2nt²/(b − a)²)` for independent variables in `[a, b]`.
///
/// Needs no more than the range; where the variance is far below `(b − a)²/4`,
/// [`Bennett`](super::Bennett) and [`MaurerPontil`](super::MaurerPontil) are sharper. Source:
/// W. Hoeffding, *J. Amer. Statist. Assoc.* 58, 1963, theorem 2.
///
/// ```
/// use ergodic_concentration::inequality::{Bounded, Hoeffding, Pivotal, TailBound, TwoSided};
///
/// let bound = Hoeffding::new(Bounded::new(0.0, 1.0)?);
/// assert!((bound.tail(20, 0.25)? - 0.0820849986238988).abs() < 1e-15);
/// // Ten sigma and more stay finite on the logarithmic scale.
/// assert!((bound.log_tail(100_000, 0.5)? + 50_000.0).abs() < 1e-9);
/// // 45 of 100: the mean is in .45 ± .136 with confidence .95.
/// let interval = TwoSided::new(bound).interval(0.45, 100, 0.95)?.interval;
/// assert!((interval.upper - 0.5858).abs() < 1e-4);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hoeffding {
    assumption: Bounded,
}

impl Hoeffding {
    /// Under this assumption.
    pub fn new(assumption: Bounded) -> Self {
        Self { assumption }
    }
}

impl TailBound for Hoeffding {
    fn name(&self) -> &'static str {
        "Hoeffding"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let relative = t / self.assumption.range();
        Ok(-2.0 * n * relative * relative)
    }
}

impl Pivotal for Hoeffding {}

impl Reflect for Hoeffding {
    fn reflected(&self) -> Self {
        *self
    }
}
