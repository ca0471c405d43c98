//! Progress, told to whoever watches.

/// Where a chain stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The chain.
    pub chain: usize,
    /// Whether it is in its warm-up.
    pub warmup: bool,
    /// Warm-up steps done, or draws made.
    pub done: usize,
    /// How many there will be.
    pub of: usize,
    /// Divergences so far, of the warm-up or of the sampling.
    pub divergences: u64,
    /// The step size last used, if the kernel has one.
    pub step_size: Option<f64>,
}

/// Watches a run: called by every chain after every warm-up step and every draw, from the thread
/// of that chain. It cannot change the draws.
///
/// Functions of [`Progress`] are observers. A terminal bar wants a call every few milliseconds at
/// most: let the observer look at its own clock.
///
/// ```
/// use ergodic_samplers::{Observer, Progress};
///
/// let bar = |at: &Progress| {
///     if at.done == at.of {
///         eprintln!("chain {}: {} divergences", at.chain, at.divergences);
///     }
/// };
/// bar.progress(&Progress { chain: 0, warmup: false, done: 10, of: 10, divergences: 0, step_size: None });
/// ```
pub trait Observer: Sync {
    /// One more warm-up step or draw is done.
    fn progress(&self, at: &Progress);
}

impl<F: Fn(&Progress) + Sync> Observer for F {
    fn progress(&self, at: &Progress) {
        self(at);
    }
}
