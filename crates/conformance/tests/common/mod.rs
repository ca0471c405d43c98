//! Kernels and targets that several test programs hold against the kit: Hamiltonian Monte Carlo on
//! a skewed product law, right or with one of the classic bugs.

#![allow(dead_code, unused_imports)] // each program uses its part

pub(crate) mod nuts;

use ergodic_core::{
    Claims, EnergyGradient, MarkovKernel, Randomness, StepInfo, StepStats, TargetError,
};

pub(crate) use ergodic_conformance::targets::LogGamma;

/// What is wrong with [`Hmc`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Bug {
    None,
    /// The momentum is drawn one percent too hot.
    HotMomentum,
    /// The last half-kick is left out.
    WrongHalfKick,
    /// The gradient of a rejected proposal stays in the cache.
    StaleGradient,
    /// The energy itself steers the step size.
    LooksAtTheEnergy,
    /// A fresh vector in each step.
    Allocates,
    /// Does nothing.
    Frozen,
    /// The momentum shrinks by one percent at the end: volume is lost.
    Friction,
}

/// HMC with `steps` leapfrog steps of size `step`.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Hmc {
    pub(crate) step: f64,
    pub(crate) steps: usize,
    pub(crate) bug: Bug,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct State {
    x: Vec<f64>,
    gradient: Vec<f64>,
    energy: f64,
    y: Vec<f64>,
    p: Vec<f64>,
    g: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Info {
    energy_error: f64,
}

impl StepInfo for Info {
    fn stats(&self) -> StepStats {
        StepStats {
            energy_error: Some(self.energy_error),
            ..StepStats::default()
        }
    }
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for Hmc {
    type State = State;
    type Info = Info;

    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<State, TargetError> {
        let mut gradient = vec![0.0; x.len()];
        let energy = target.energy_gradient(x, &mut gradient);
        Ok(State {
            x: x.to_vec(),
            gradient,
            energy,
            y: x.to_vec(),
            p: x.to_vec(),
            g: x.to_vec(),
        })
    }

    fn position<'s>(&self, _: &T, state: &'s State) -> &'s [f64]
    where
        T: 's,
    {
        &state.x
    }

    fn reset(&self, target: &T, state: &mut State, x: Option<&[f64]>) -> Result<(), TargetError> {
        if let Some(x) = x {
            state.x.copy_from_slice(x);
        }
        state.energy = target.energy_gradient(&state.x, &mut state.gradient);
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        s: &mut State,
        rng: &mut R,
    ) -> Result<Info, TargetError> {
        let mut h = self.step;
        match self.bug {
            Bug::Frozen => return Ok(Info { energy_error: 0.0 }),
            Bug::Allocates => drop(std::hint::black_box(vec![0.0; s.x.len()])),
            Bug::LooksAtTheEnergy => h *= 1.0 + 1e-4 * (s.energy / 1000.0).tanh(),
            _ => {}
        }
        let sd = if self.bug == Bug::HotMomentum {
            1.01
        } else {
            1.0
        };
        s.p.fill_with(|| sd * rng.normal());
        let kinetic = |p: &[f64]| 0.5 * p.iter().map(|p| p * p).sum::<f64>();
        let before = s.energy + kinetic(&s.p);
        s.y.copy_from_slice(&s.x);
        s.g.copy_from_slice(&s.gradient);
        let mut energy = s.energy;
        for _ in 0..self.steps {
            for k in 0..s.y.len() {
                s.p[k] -= 0.5 * h * s.g[k];
                s.y[k] += h * s.p[k];
            }
            energy = target.energy_gradient(&s.y, &mut s.g);
            for k in 0..s.y.len() {
                s.p[k] -= 0.5 * h * s.g[k];
            }
        }
        if self.bug == Bug::WrongHalfKick {
            for k in 0..s.y.len() {
                s.p[k] += 0.5 * h * s.g[k];
            }
        }
        if self.bug == Bug::Friction {
            for p in &mut s.p {
                *p *= 0.99;
            }
        }
        let energy_error = energy + kinetic(&s.p) - before;
        let accept = rng.bernoulli((-energy_error).exp().min(1.0));
        if accept {
            s.x.copy_from_slice(&s.y);
            s.energy = energy;
        }
        if accept || self.bug == Bug::StaleGradient {
            s.gradient.copy_from_slice(&s.g);
        }
        Ok(Info { energy_error })
    }
}
