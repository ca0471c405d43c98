//! In-place parameter updates.

use crate::ArgumentError;

/// A first-order optimiser over one flat parameter slice.
///
/// `F` is `f32` or `f64`. [`step`](Self::step) *descends* along `gradient`: plain gradient descent
/// is `θ ← θ − η g`. To climb a log-likelihood pass the negative gradient. The number of
/// parameters is fixed by the first step or by construction. Implemented by `Sgd` and `Adam` of
/// `ergodic-optim`.
///
/// [`state`](Self::state) and [`restore`](Self::restore) are exact: an optimiser restored from its
/// state continues with the same bits.
///
/// ```
/// use ergodic_core::{ArgumentError, Optimizer, OptimizerState};
///
/// struct Descent(f64);
/// impl Optimizer<f64> for Descent {
///     fn step(&mut self, learning_rate_factor: f64, x: &mut [f64], g: &[f64]) {
///         for (x, g) in x.iter_mut().zip(g) {
///             *x -= learning_rate_factor * self.0 * g;
///         }
///     }
///     fn state(&self) -> OptimizerState<f64> {
///         OptimizerState::default()
///     }
///     fn restore(&mut self, _: OptimizerState<f64>) -> Result<(), ArgumentError> {
///         Ok(())
///     }
/// }
/// let mut x = [1.0];
/// for _ in 0..100 {
///     let g = [2.0 * x[0]]; // of x²
///     Descent(0.1).step(1.0, &mut x, &g);
/// }
/// assert!(x[0].abs() < 1e-9);
/// ```
pub trait Optimizer<F> {
    /// One update in place. The learning rate of the optimiser is multiplied by
    /// `learning_rate_factor`, which is where a schedule enters.
    fn step(&mut self, learning_rate_factor: f64, parameters: &mut [F], gradient: &[F]);

    /// Everything that the next step depends on, besides the settings.
    fn state(&self) -> OptimizerState<F>;

    /// Continues from `state`.
    ///
    /// # Errors
    /// If the state is that of another optimiser or of another number of parameters.
    fn restore(&mut self, state: OptimizerState<F>) -> Result<(), ArgumentError>;
}

/// What an optimiser carries: a step counter and named slots, one value per parameter each
/// (`velocity`; `first_moment`, `second_moment`).
///
/// ```
/// use ergodic_core::OptimizerState;
///
/// let s = OptimizerState { steps: 3, slots: vec![("velocity".into(), vec![0.0f32; 2])] };
/// assert_eq!(s.slot("velocity").unwrap().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState<F> {
    /// Steps taken so far.
    pub steps: u64,
    /// Named slots.
    pub slots: Vec<(String, Vec<F>)>,
}

impl<F> Default for OptimizerState<F> {
    fn default() -> Self {
        Self {
            steps: 0,
            slots: Vec::new(),
        }
    }
}

impl<F> OptimizerState<F> {
    /// The slot called `name`.
    pub fn slot(&self, name: &str) -> Option<&[F]> {
        self.slots
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_slice())
    }
}
