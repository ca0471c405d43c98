//! Nearest neighbours and counts within a radius: the searches under the estimators of
//! [`continuous`](crate::continuous).

mod count;
mod extent;
mod lanes;
mod line;
mod nearest;
mod norm;
mod tree;

pub(crate) use line::Line;
pub use norm::Norm;
pub use tree::Tree;

/// Whether a radius includes its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Distances below the radius.
    Below,
    /// Distances at most the radius.
    AtMost,
}

/// Places of the tree that one task works through: fixed, so that what is computed does not depend
/// on the number of threads.
const TASK: usize = 512;
