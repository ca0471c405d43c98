//! Models that can be drawn from in both directions, on which samplers are tested.

use std::borrow::Borrow;

use ergodic_core::{Energy, MarkovKernel, Randomness, TargetError};

/// A joint law of parameters and data that can be drawn forwards, `θ ∼ p(θ)`, `y ∼ p(y | θ)`.
///
/// Promise: the sampler under test targets `p(θ | y)` of the same law, and every quantity is finite.
/// Used by [`JointTest`](crate::JointTest) and [`Calibration`](crate::Calibration). Keep the data
/// few and the prior proper: a test of code, not of a data set.
///
/// ```
/// use ergodic_core::Randomness;
/// use ergodic_diagnostics::GenerativeModel;
///
/// /// θ ∼ N(0, 1), y ∼ N(θ, 1).
/// struct Normal;
/// impl GenerativeModel for Normal {
///     type Parameters = f64;
///     type Data = f64;
///     fn draw_parameters<R: Randomness + ?Sized>(&self, rng: &mut R) -> f64 {
///         rng.normal()
///     }
///     fn draw_data<R: Randomness + ?Sized>(&self, theta: &f64, rng: &mut R) -> f64 {
///         theta + rng.normal()
///     }
///     fn names(&self) -> Vec<String> {
///         vec!["theta".into(), "theta * y".into()]
///     }
///     fn quantities(&self, theta: &f64, y: &f64, out: &mut [f64]) {
///         out.copy_from_slice(&[*theta, theta * y]);
///     }
/// }
/// ```
pub trait GenerativeModel {
    /// `θ`.
    type Parameters: Clone;
    /// `y`.
    type Data;

    /// A draw from `p(θ)`.
    fn draw_parameters<R: Randomness + ?Sized>(&self, rng: &mut R) -> Self::Parameters;

    /// A draw from `p(y | θ)`.
    fn draw_data<R: Randomness + ?Sized>(
        &self,
        parameters: &Self::Parameters,
        rng: &mut R,
    ) -> Self::Data;

    /// The names of the quantities that are compared.
    fn names(&self) -> Vec<String>;

    /// Writes the quantities `g(θ, y)`, as many as there are names. Those that involve the data
    /// (a log-likelihood above all) see mistakes that those of the parameters alone do not
    /// (Modrák et al., *Bayesian Anal.* 2023).
    fn quantities(&self, parameters: &Self::Parameters, data: &Self::Data, out: &mut [f64]);
}

/// A step of any kernel of this workspace as the transition that the tests ask for: `target`
/// builds the posterior of some data.
///
/// The kernel's state is made anew for each step, as the target is another one: what a kernel
/// keeps beside the position and its caches (a momentum that is refreshed in part) is lost. It must
/// not be adapting.
pub fn kernel_transition<M, T, K>(
    kernel: K,
    target: impl Fn(&M::Data) -> T,
) -> impl Fn(&M::Data, &mut M::Parameters, &mut dyn Randomness) -> Result<(), TargetError>
where
    M: GenerativeModel,
    M::Parameters: Borrow<T::State>,
    T: Energy,
    T::State: ToOwned<Owned = M::Parameters>,
    K: MarkovKernel<T>,
{
    move |data, parameters, rng| {
        let target = target(data);
        let mut kernel = kernel.clone();
        let mut state = kernel.init(&target, (*parameters).borrow())?;
        kernel.step(&target, &mut state, rng)?;
        *parameters = kernel.position(&target, &state).to_owned();
        Ok(())
    }
}
