//! What a step reports, in one form that every driver and diagnostic reads.

/// The view of a kernel's `Info` that is common to all kernels: what drivers count, show and store
/// beside the draws.
///
/// Implemented by the `Info` of every kernel; the default says nothing.
///
/// ```
/// use ergodic_core::{StepInfo, StepStats};
///
/// struct Accepted(bool);
/// impl StepInfo for Accepted {
///     fn stats(&self) -> StepStats {
///         StepStats { acceptance: Some(f64::from(u8::from(self.0))), ..StepStats::default() }
///     }
/// }
/// assert_eq!(Accepted(true).stats().acceptance, Some(1.0));
/// assert_eq!(().stats(), StepStats::default());
/// ```
pub trait StepInfo {
    /// What happened, as far as the kernel knows.
    fn stats(&self) -> StepStats {
        StepStats::default()
    }
}

/// What one step did. `None` where the notion does not apply to the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepStats {
    /// The probability of acceptance, averaged over the proposals of the step.
    pub acceptance: Option<f64>,
    /// Whether the integrator left the region where it can be trusted.
    pub divergent: bool,
    /// The energy after the step, in nats: `H(x, p)` for Hamiltonian kernels, else `E(x)`.
    pub energy: Option<f64>,
    /// Whether [`energy`](Self::energy) is `H(x, p)` with a momentum drawn anew in this step: what the
    /// fraction of missing information (E-BFMI) is about. Not where momenta are kept in part, have a fixed
    /// length, or where there are none.
    pub fresh_momentum: bool,
    /// The error of the conserved quantity over the step, `ΔH` in nats; of largest magnitude where
    /// a step visits many points.
    pub energy_error: Option<f64>,
    /// The step size that was used.
    pub step_size: Option<f64>,
    /// The depth of a tree of doublings.
    pub depth: Option<u32>,
    /// Evaluations of the gradient (each with its energy).
    pub gradients: u64,
    /// Evaluations of the energy, or of a local difference, alone.
    pub energies: u64,
    /// Proposals of infinite energy.
    pub forbidden: u64,
}

impl StepStats {
    /// The account of this step followed by that one: counts add, acceptances average, the later
    /// energy stands, and is that of a fresh momentum if both are.
    pub fn then(self, next: Self) -> Self {
        Self {
            acceptance: match (self.acceptance, next.acceptance) {
                (Some(a), Some(b)) => Some(0.5 * (a + b)),
                (a, b) => a.or(b),
            },
            divergent: self.divergent || next.divergent,
            energy: next.energy.or(self.energy),
            fresh_momentum: self.fresh_momentum && next.fresh_momentum,
            energy_error: match (self.energy_error, next.energy_error) {
                (Some(a), Some(b)) => Some(if a.abs() > b.abs() { a } else { b }),
                (a, b) => a.or(b),
            },
            step_size: next.step_size.or(self.step_size),
            depth: self.depth.max(next.depth),
            gradients: self.gradients + next.gradients,
            energies: self.energies + next.energies,
            forbidden: self.forbidden + next.forbidden,
        }
    }
}

impl StepInfo for () {}

/// Whether the proposal was accepted.
impl StepInfo for bool {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: Some(f64::from(u8::from(*self))),
            ..StepStats::default()
        }
    }
}

impl<A: StepInfo, B: StepInfo> StepInfo for (A, B) {
    fn stats(&self) -> StepStats {
        self.0.stats().then(self.1.stats())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_add_their_counts_and_keep_the_larger_error() {
        let a = StepStats {
            acceptance: Some(1.0),
            energy: Some(3.0),
            energy_error: Some(-2.0),
            gradients: 4,
            depth: Some(2),
            ..StepStats::default()
        };
        let b = StepStats {
            divergent: true,
            acceptance: Some(0.5),
            energy_error: Some(1.0),
            gradients: 3,
            forbidden: 1,
            ..StepStats::default()
        };
        assert_eq!(
            a.then(b),
            StepStats {
                acceptance: Some(0.75),
                divergent: true,
                energy: Some(3.0),
                energy_error: Some(-2.0),
                gradients: 7,
                depth: Some(2),
                forbidden: 1,
                ..StepStats::default()
            }
        );
        assert_eq!(a.then(StepStats::default()), a);
    }

    #[test]
    fn two_steps_have_a_fresh_momentum_if_both_do() {
        let step = |fresh_momentum| StepStats {
            fresh_momentum,
            ..StepStats::default()
        };
        for (a, b) in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(step(a).then(step(b)).fresh_momentum, a && b);
        }
    }
}
