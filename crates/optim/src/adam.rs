//! Adam with bias correction and optional decoupled weight decay.

use std::marker::PhantomData;

use ergodic_core::{ArgumentError, Optimizer, OptimizerState};
use ergodic_math::Real;
use ergodic_math::simd::{Vectorize, vectorize};

use crate::check;

/// The settings of [`Adam`]; checked by [`Adam::new`] and [`AdamBuilder::build`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// The learning rate `η > 0`, the size of an early step; default 0.001.
    pub learning_rate: f64,
    /// The decay `β₁ ∈ [0, 1)` of the mean gradient; default 0.9.
    pub beta1: f64,
    /// The decay `β₂ ∈ [0, 1)` of the mean squared gradient; default 0.999.
    pub beta2: f64,
    /// `ε > 0`, added to the root mean square; default 1e-8.
    pub epsilon: f64,
    /// Decoupled weight decay `w ≥ 0`: every step also takes `η w θ` off; default 0.
    pub weight_decay: f64,
}

impl Default for AdamSettings {
    fn default() -> Self {
        Self {
            learning_rate: 0.001,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
        }
    }
}

/// Adam (Kingma and Ba, ICLR 2015, algorithm 1), with the decoupled weight decay of AdamW
/// (Loshchilov and Hutter, ICLR 2019).
///
/// At step `t = 1, 2, …` with the learning rate `η` of this step (settings times factor):
///
/// `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`,
/// `θ ← θ − η [ m̂ / (√v̂ + ε) + w θ ]`, `m̂ = m / (1 − β₁ᵗ)`, `v̂ = v / (1 − β₂ᵗ)`.
///
/// The first step is `η g/(|g| + ε)`: the sign of the gradient. One pass over parameters,
/// gradient and the two moments.
///
/// State: `steps`, and the slots `first_moment` and `second_moment`.
///
/// # Panics
/// [`step`](Optimizer::step) panics if the slices differ in length, or from those of the step
/// before.
///
/// ```
/// use ergodic_core::Optimizer;
/// use ergodic_optim::Adam;
///
/// let mut adam = Adam::builder().learning_rate(0.1).build()?;
/// let mut x = [1.0f64, 1.0];
/// adam.step(1.0, &mut x, &[1e-3, -1e3]);
/// assert!((x[0] - 0.9).abs() < 1e-5 && (x[1] - 1.1).abs() < 1e-5);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Adam<F> {
    settings: AdamSettings,
    first_moment: Vec<F>,
    second_moment: Vec<F>,
    steps: u64,
}

impl<F: Real> Adam<F> {
    /// A builder with the default settings.
    pub fn builder() -> AdamBuilder<F> {
        AdamBuilder {
            settings: AdamSettings::default(),
            parameters: PhantomData,
        }
    }

    /// An optimiser with checked settings.
    ///
    /// # Errors
    /// If the learning rate or `ε` is not finite and above 0 (in the precision of the
    /// parameters), a decay not in `[0, 1)`, or the weight decay negative or not finite.
    pub fn new(settings: AdamSettings) -> Result<Self, ArgumentError> {
        check::positive::<F>("learning_rate", settings.learning_rate)?;
        check::decay::<F>("beta1", settings.beta1)?;
        check::decay::<F>("beta2", settings.beta2)?;
        check::positive::<F>("epsilon", settings.epsilon)?;
        check::not_negative::<F>("weight_decay", settings.weight_decay)?;
        Ok(Self {
            settings,
            first_moment: Vec::new(),
            second_moment: Vec::new(),
            steps: 0,
        })
    }

    /// The settings.
    pub fn settings(&self) -> &AdamSettings {
        &self.settings
    }
}

impl<F: Real> Optimizer<F> for Adam<F> {
    fn step(&mut self, learning_rate_factor: f64, parameters: &mut [F], gradient: &[F]) {
        check::lengths(parameters.len(), gradient.len(), self.first_moment.len());
        self.first_moment.resize(parameters.len(), F::ZERO);
        self.second_moment.resize(parameters.len(), F::ZERO);
        self.steps += 1;
        let s = &self.settings;
        let rate = s.learning_rate * learning_rate_factor;
        vectorize(Pass {
            parameters,
            gradient,
            first: &mut self.first_moment,
            second: &mut self.second_moment,
            rate: F::from_f64(rate / (1.0 - power(s.beta1, self.steps))),
            unbias: F::from_f64(1.0 / (1.0 - power(s.beta2, self.steps))),
            beta1: F::from_f64(s.beta1),
            rest1: F::from_f64(1.0 - s.beta1),
            beta2: F::from_f64(s.beta2),
            rest2: F::from_f64(1.0 - s.beta2),
            epsilon: F::from_f64(s.epsilon),
            shrink: F::from_f64(rate * s.weight_decay),
        });
    }

    fn state(&self) -> OptimizerState<F> {
        OptimizerState {
            steps: self.steps,
            slots: vec![
                ("first_moment".to_owned(), self.first_moment.clone()),
                ("second_moment".to_owned(), self.second_moment.clone()),
            ],
        }
    }

    fn restore(&mut self, state: OptimizerState<F>) -> Result<(), ArgumentError> {
        let steps = state.steps;
        let names = ["first_moment", "second_moment"];
        let [first, second] = check::slots(state, names, self.first_moment.len())?;
        if let Some(v) = second.iter().find(|&&v| v < F::ZERO) {
            return Err(ArgumentError::new("second_moment", v, "at least 0"));
        }
        self.first_moment = first;
        self.second_moment = second;
        self.steps = steps;
        Ok(())
    }
}

/// Builds an [`Adam`] from settings that are checked once, by [`build`](Self::build).
#[derive(Clone, Copy, Debug)]
pub struct AdamBuilder<F> {
    settings: AdamSettings,
    parameters: PhantomData<F>,
}

impl<F: Real> AdamBuilder<F> {
    /// Sets [`AdamSettings::learning_rate`].
    pub fn learning_rate(mut self, learning_rate: f64) -> Self {
        self.settings.learning_rate = learning_rate;
        self
    }

    /// Sets [`AdamSettings::beta1`].
    pub fn beta1(mut self, beta1: f64) -> Self {
        self.settings.beta1 = beta1;
        self
    }

    /// Sets [`AdamSettings::beta2`].
    pub fn beta2(mut self, beta2: f64) -> Self {
        self.settings.beta2 = beta2;
        self
    }

    /// Sets [`AdamSettings::epsilon`].
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.settings.epsilon = epsilon;
        self
    }

    /// Sets [`AdamSettings::weight_decay`].
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.settings.weight_decay = weight_decay;
        self
    }

    /// The optimiser.
    ///
    /// # Errors
    /// As [`Adam::new`].
    pub fn build(self) -> Result<Adam<F>, ArgumentError> {
        Adam::new(self.settings)
    }
}

/// `xⁿ` by squaring: products only, so the bits do not depend on a platform's `pow`.
fn power(mut x: f64, mut n: u64) -> f64 {
    let mut product = 1.0;
    while n > 0 {
        if n & 1 == 1 {
            product *= x;
        }
        x *= x;
        n >>= 1;
    }
    product
}

struct Pass<'a, F> {
    parameters: &'a mut [F],
    gradient: &'a [F],
    first: &'a mut [F],
    second: &'a mut [F],
    rate: F,
    unbias: F,
    beta1: F,
    rest1: F,
    beta2: F,
    rest2: F,
    epsilon: F,
    shrink: F,
}

impl<F: Real> Vectorize for Pass<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let moments = self.first.iter_mut().zip(self.second.iter_mut());
        let moving = self.parameters.iter_mut().zip(moments);
        for ((x, (m, v)), &g) in moving.zip(self.gradient) {
            *m = self.beta1 * *m + self.rest1 * g;
            *v = self.beta2 * *v + self.rest2 * (g * g);
            let size = (self.unbias * *v).sqrt() + self.epsilon;
            *x = *x - self.shrink * *x - self.rate * *m / size;
        }
    }
}
