//! Laws that can be drawn from exactly and evaluated: proposals, envelopes, priors.

use ergodic_core::{Energy, Randomness};

/// A law with exact, independent draws: `x ∼ q(x) ∝ exp(−E(x))`.
///
/// What [`Independence`](crate::Independence) proposes from and
/// [`Rejection`](crate::Rejection) takes as its envelope. The energy is that of the law itself,
/// up to a constant, and finite at whatever it draws.
///
/// Implemented by [`Gaussian`](crate::Gaussian).
///
/// ```
/// use ergodic_core::{Energy, Randomness};
/// use ergodic_samplers::ExactLaw;
///
/// /// Independent exponentials of mean 1.
/// struct Exponential;
/// impl Energy for Exponential {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         if x.iter().all(|x| *x >= 0.0) { x.iter().sum() } else { f64::INFINITY }
///     }
/// }
/// impl ExactLaw for Exponential {
///     fn draw<R: Randomness + ?Sized>(&self, x: &mut [f64], rng: &mut R) {
///         x.fill_with(|| rng.exponential());
///     }
/// }
/// let mut x = [0.0; 3];
/// Exponential.draw(&mut x, &mut ergodic_math::rng::stream(1, 0));
/// assert!(Exponential.energy(&x).is_finite());
/// ```
pub trait ExactLaw: Energy {
    /// Overwrites `x`, which has the right shape and an arbitrary content, by a draw.
    fn draw<R: Randomness + ?Sized>(&self, x: &mut Self::State, rng: &mut R);

    /// Whether the density is positive at every state: then a kernel that proposes from it is
    /// ergodic for every target. `false` if nothing is said.
    fn full_support(&self) -> bool {
        false
    }
}

impl<L: ExactLaw + ?Sized> ExactLaw for &L {
    fn draw<R: Randomness + ?Sized>(&self, x: &mut Self::State, rng: &mut R) {
        (**self).draw(x, rng);
    }
    fn full_support(&self) -> bool {
        (**self).full_support()
    }
}
