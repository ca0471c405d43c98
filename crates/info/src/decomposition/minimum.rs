//! The redundancy of Williams and Beer: minimum specific information.

use super::{Antichain, Redundancy, Sources, check_collection, pointwise};
use crate::{InfoError, Information};

/// `I_min(T; A₁, …) = Σ_t p(t) min_i I(T = t; A_i)`, with the specific information
/// `I(T = t; A) = Σ_a p(a|t) log p(a, t)/(p(a) p(t))` (Williams and Beer, arXiv:1004.2515, 2010).
///
/// All parts are non-negative, for any number of sources. Cost: one pass over the law per set.
///
/// **When not**: it compares *how much* sources tell of a value of the target, not *what*; two
/// independent bits and their copy as target have one bit of redundancy by it (Harder, Salge and
/// Polani, *Phys. Rev. E* 87, 012130, 2013).
///
/// ```
/// use ergodic_info::Table;
/// use ergodic_info::decomposition::{MinimumSpecific, Redundancy};
///
/// let and = Table::new(&[("x", 2), ("y", 2), ("t", 2)],
///     [0.25, 0.0, 0.25, 0.0, 0.25, 0.0, 0.0, 0.25])?;
/// let (x, y, t) = (and.variables(["x"])?, and.variables(["y"])?, and.variables(["t"])?);
/// let parts = MinimumSpecific.two_sources(&and, t, [x, y])?;
/// assert!((parts.redundancy.bits() - 0.311278).abs() < 1e-6);
/// assert!((parts.synergy.bits() - 0.5).abs() < 1e-12);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinimumSpecific;

impl Redundancy for MinimumSpecific {
    fn redundancy(&self, law: &Sources, collection: &Antichain) -> Result<Information, InfoError> {
        check_collection(law, collection)?;
        let target = law.target_law();
        // p(t) I(T = t; A), the least over the sets.
        let mut least = vec![f64::INFINITY; target.len()];
        for set in collection.sets() {
            let mut specific = vec![0.0; target.len()];
            for row in law.joint(*set).chunks_exact(target.len()) {
                let total: f64 = row.iter().sum();
                for (t, p) in row.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                    specific[t] += p * pointwise(*p, total, target[t]);
                }
            }
            for (least, specific) in least.iter_mut().zip(specific) {
                *least = least.min(specific);
            }
        }
        Ok(Information::from_nats(least.iter().sum::<f64>().max(0.0)))
    }
}
