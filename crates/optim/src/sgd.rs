//! Gradient descent with classical or Nesterov momentum.

use std::marker::PhantomData;

use ergodic_core::{ArgumentError, Optimizer, OptimizerState};
use ergodic_math::Real;
use ergodic_math::simd::{Vectorize, vectorize};

use crate::check;

/// The settings of [`Sgd`]; checked by [`Sgd::new`] and [`SgdBuilder::build`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdSettings {
    /// The learning rate `η > 0`; default 0.01.
    pub learning_rate: f64,
    /// The momentum `μ ∈ [0, 1)`; default 0.
    pub momentum: f64,
    /// Nesterov's look-ahead in place of classical momentum; default `false`.
    pub nesterov: bool,
}

impl Default for SgdSettings {
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            momentum: 0.0,
            nesterov: false,
        }
    }
}

/// Gradient descent, plain or with momentum.
///
/// With the learning rate `η` of this step (settings times factor) and the momentum `μ`:
///
/// * plain, `μ = 0`: `θ ← θ − η g(θ)`;
/// * classical (Polyak, *USSR Comput. Math. Math. Phys.* 4, 1964): `u ← μ u − η g(θ)`,
///   `θ ← θ + u`;
/// * Nesterov in the form of Sutskever, Martens, Dahl and Hinton (ICML 2013),
///   `u ← μ u − η g(θ + μ u)`, `θ ← θ + u`, written for the look-ahead point `θ̃ = θ + μ u`, at
///   which the caller takes the gradient: `u ← μ u − η g(θ̃)`, `θ̃ ← θ̃ + μ u − η g(θ̃)`.
///
/// The learning rate multiplies the gradient as it enters the velocity `u`, so a schedule does
/// not rescale the velocity gathered before. One pass over parameters, gradient and velocity.
/// Without momentum nothing is carried.
///
/// State: `steps`, and the slot `velocity` where `μ > 0`.
///
/// # Panics
/// [`step`](Optimizer::step) panics if the slices differ in length, or from those of the step
/// before.
///
/// ```
/// use ergodic_core::Optimizer;
/// use ergodic_optim::Sgd;
///
/// let mut sgd = Sgd::builder().learning_rate(0.5).momentum(0.5).build()?;
/// let mut x = [1.0f32];
/// sgd.step(1.0, &mut x, &[1.0]); // u = −0.5
/// sgd.step(1.0, &mut x, &[1.0]); // u = −0.75
/// assert_eq!(x, [-0.25]);
/// assert!(Sgd::<f32>::builder().learning_rate(-0.1).build().is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sgd<F> {
    settings: SgdSettings,
    velocity: Vec<F>,
    steps: u64,
}

impl<F: Real> Sgd<F> {
    /// A builder with the default settings.
    pub fn builder() -> SgdBuilder<F> {
        SgdBuilder {
            settings: SgdSettings::default(),
            parameters: PhantomData,
        }
    }

    /// An optimiser with checked settings.
    ///
    /// # Errors
    /// If the learning rate is not finite and above 0, or the momentum not in `[0, 1)`.
    pub fn new(settings: SgdSettings) -> Result<Self, ArgumentError> {
        check::positive::<F>("learning_rate", settings.learning_rate)?;
        check::decay::<F>("momentum", settings.momentum)?;
        if settings.nesterov && settings.momentum == 0.0 {
            return Err(ArgumentError::new(
                "momentum",
                0,
                "above 0 where nesterov is set",
            ));
        }
        Ok(Self {
            settings,
            velocity: Vec::new(),
            steps: 0,
        })
    }

    /// The settings.
    pub fn settings(&self) -> &SgdSettings {
        &self.settings
    }

    /// Changes the momentum from the next step on and keeps the velocity: small machines are
    /// often started at 0.5 and continued at 0.9 (Hinton, *A practical guide to training
    /// restricted Boltzmann machines*, 2010).
    ///
    /// # Errors
    /// If the settings would not pass [`new`](Self::new), or the momentum falls to 0 or rises
    /// from it, which would change what the state carries.
    pub fn set_momentum(&mut self, momentum: f64) -> Result<(), ArgumentError> {
        check::decay::<F>("momentum", momentum)?;
        if (momentum == 0.0) != (self.settings.momentum == 0.0) {
            return Err(ArgumentError::new(
                "momentum",
                momentum,
                "0 if and only if the optimiser was built without momentum",
            ));
        }
        self.settings.momentum = momentum;
        Ok(())
    }
}

impl<F: Real> Optimizer<F> for Sgd<F> {
    fn step(&mut self, learning_rate_factor: f64, parameters: &mut [F], gradient: &[F]) {
        check::lengths(parameters.len(), gradient.len(), self.velocity.len());
        let rate = F::from_f64(self.settings.learning_rate * learning_rate_factor);
        let momentum = F::from_f64(self.settings.momentum);
        if self.settings.momentum == 0.0 {
            vectorize(Plain {
                parameters,
                gradient,
                rate,
            });
        } else {
            self.velocity.resize(parameters.len(), F::ZERO);
            let pass = Moving {
                parameters,
                velocity: &mut self.velocity,
                gradient,
                rate,
                momentum,
            };
            if self.settings.nesterov {
                vectorize(Nesterov(pass));
            } else {
                vectorize(pass);
            }
        }
        self.steps += 1;
    }

    fn state(&self) -> OptimizerState<F> {
        let slots = if self.settings.momentum == 0.0 {
            Vec::new()
        } else {
            vec![("velocity".to_owned(), self.velocity.clone())]
        };
        OptimizerState {
            steps: self.steps,
            slots,
        }
    }

    fn restore(&mut self, state: OptimizerState<F>) -> Result<(), ArgumentError> {
        let steps = state.steps;
        if self.settings.momentum == 0.0 {
            check::slots(state, [], 0)?;
        } else {
            [self.velocity] = check::slots(state, ["velocity"], self.velocity.len())?;
        }
        self.steps = steps;
        Ok(())
    }
}

/// Builds an [`Sgd`] from settings that are checked once, by [`build`](Self::build).
#[derive(Clone, Copy, Debug)]
pub struct SgdBuilder<F> {
    settings: SgdSettings,
    parameters: PhantomData<F>,
}

impl<F: Real> SgdBuilder<F> {
    /// Sets [`SgdSettings::learning_rate`].
    pub fn learning_rate(mut self, learning_rate: f64) -> Self {
        self.settings.learning_rate = learning_rate;
        self
    }

    /// Sets [`SgdSettings::momentum`].
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.settings.momentum = momentum;
        self
    }

    /// Sets [`SgdSettings::nesterov`].
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.settings.nesterov = nesterov;
        self
    }

    /// The optimiser.
    ///
    /// # Errors
    /// As [`Sgd::new`].
    pub fn build(self) -> Result<Sgd<F>, ArgumentError> {
        Sgd::new(self.settings)
    }
}

struct Plain<'a, F> {
    parameters: &'a mut [F],
    gradient: &'a [F],
    rate: F,
}

impl<F: Real> Vectorize for Plain<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (x, &g) in self.parameters.iter_mut().zip(self.gradient) {
            *x -= self.rate * g;
        }
    }
}

struct Moving<'a, F> {
    parameters: &'a mut [F],
    velocity: &'a mut [F],
    gradient: &'a [F],
    rate: F,
    momentum: F,
}

impl<F: Real> Vectorize for Moving<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let moving = self.parameters.iter_mut().zip(self.velocity.iter_mut());
        for ((x, u), &g) in moving.zip(self.gradient) {
            *u = self.momentum * *u - self.rate * g;
            *x += *u;
        }
    }
}

struct Nesterov<'a, F>(Moving<'a, F>);

impl<F: Real> Vectorize for Nesterov<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let pass = self.0;
        let moving = pass.parameters.iter_mut().zip(pass.velocity.iter_mut());
        for ((x, u), &g) in moving.zip(pass.gradient) {
            let push = pass.rate * g;
            *u = pass.momentum * *u - push;
            *x += pass.momentum * *u - push;
        }
    }
}
