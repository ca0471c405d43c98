//! The redundancy of Barrett: minimum mutual information.

use super::{Antichain, Redundancy, Sources, check_collection};
use crate::{InfoError, Information};

/// `I_MMI(T; A₁, …) = min_i I(T; A_i)` (Barrett, *Phys. Rev. E* 91, 052802, 2015).
///
/// An upper bound of every redundancy that grows with its sets. For a Gaussian scalar target it is
/// what every redundancy comes to that depends on the pairs (target, source) alone. All parts are
/// non-negative, for any number of sources: the proof of Williams and Beer (2010, theorem 5) needs
/// of the amounts whose minimum is taken only that they grow with the set. Cost: one pass over the
/// law per set.
///
/// **When not**: at most one of two sources has unique information by it, whatever they say.
///
/// ```
/// use ergodic_info::Table;
/// use ergodic_info::decomposition::{MinimumMutual, Redundancy};
///
/// let xor = Table::new(&[("x", 2), ("y", 2), ("t", 2)],
///     [0.25, 0.0, 0.0, 0.25, 0.0, 0.25, 0.25, 0.0])?;
/// let (x, y, t) = (xor.variables(["x"])?, xor.variables(["y"])?, xor.variables(["t"])?);
/// let parts = MinimumMutual.two_sources(&xor, t, [x, y])?;
/// assert!((parts.synergy.bits() - 1.0).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinimumMutual;

impl Redundancy for MinimumMutual {
    fn redundancy(&self, law: &Sources, collection: &Antichain) -> Result<Information, InfoError> {
        check_collection(law, collection)?;
        let amounts = collection.sets().iter().map(|set| law.amount(*set).nats());
        Ok(Information::from_nats(
            amounts.fold(f64::INFINITY, f64::min),
        ))
    }
}
