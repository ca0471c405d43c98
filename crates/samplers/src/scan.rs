//! The order in which single-site kernels visit the sites.

/// Which sites one step visits.
///
/// ```
/// use ergodic_samplers::Scan;
///
/// assert!(Scan::Random.is_reversible() && !Scan::Sweep.is_reversible());
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// One site, drawn uniformly.
    Random,
    /// Every site once, in order `0, 1, …, n − 1`: invariant, not reversible.
    Sweep,
    /// Every site in order and then in reverse order, the last one once: reversible, because
    /// `P₁…Pₙ₋₁PₙPₙ₋₁…P₁` equals its own adjoint when every `Pᵢ` does.
    Palindrome,
}

impl Scan {
    /// Whether reversible single-site updates make a reversible step in this order.
    pub const fn is_reversible(self) -> bool {
        !matches!(self, Self::Sweep)
    }
}
