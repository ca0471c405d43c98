//! What the stochastic-gradient kernels carry and report.

use ergodic_core::{Randomness, StepInfo, StepStats, StochasticGradient, TargetError};

use super::{ControlVariate, MiniBatch};
use crate::phase::{start_gradient, start_shape};

/// What a stochastic-gradient kernel carries: position, momenta and thermostat where it has them,
/// the last estimate of the gradient, the number of steps made, and the memory of its control
/// variate.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StochasticState<M> {
    dim: usize,
    point: Vec<f64>,
    saved: Vec<f64>,
    gradient: Vec<f64>,
    batch: Vec<usize>,
    memory: M,
    iteration: u64,
    fresh: bool,
}

impl<M> StochasticState<M> {
    /// The position.
    pub fn position(&self) -> &[f64] {
        &self.point[..self.dim]
    }

    /// Momenta and further variables; empty for kernels without.
    pub fn auxiliary(&self) -> &[f64] {
        &self.point[self.dim..]
    }

    /// The last estimate of the gradient.
    pub fn gradient(&self) -> &[f64] {
        &self.gradient
    }

    /// The number of steps made, which the step-size schedule counts.
    pub const fn iteration(&self) -> u64 {
        self.iteration
    }

    pub(crate) fn start<T, C>(
        target: &T,
        batch: &MiniBatch<C>,
        extra: usize,
        x: &[f64],
    ) -> Result<Self, TargetError>
    where
        T: StochasticGradient + ?Sized,
        C: ControlVariate<Memory = M>,
    {
        let dim = start_shape(target, x)?;
        let mut gradient = vec![0.0; dim];
        start_gradient(target, x, &mut gradient)?;
        let mut point = vec![0.0; dim + extra];
        point[..dim].copy_from_slice(x);
        let mut room = Vec::new();
        batch.make_room(&mut room, target.num_terms())?;
        Ok(Self {
            dim,
            saved: point.clone(),
            point,
            gradient,
            batch: room,
            memory: batch.variate().memory(target, x, batch.size())?,
            iteration: 0,
            fresh: true,
        })
    }

    /// Moves to `x` if there is one; momenta and the number of steps stay.
    pub(crate) fn restart<T, C>(
        &mut self,
        target: &T,
        batch: &MiniBatch<C>,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError>
    where
        T: StochasticGradient + ?Sized,
        C: ControlVariate<Memory = M>,
    {
        let dim = start_shape(target, x.unwrap_or(self.position()))?;
        if dim != self.dim {
            return Err(TargetError::dimension("start", dim, self.dim));
        }
        if let Some(x) = x {
            self.point[..dim].copy_from_slice(x);
        }
        start_gradient(target, &self.point[..dim], &mut self.gradient)?;
        batch.make_room(&mut self.batch, target.num_terms())?;
        batch
            .variate()
            .renew(target, &self.point[..dim], batch.size(), &mut self.memory)
    }

    pub(crate) fn place<T, C>(
        &mut self,
        target: &T,
        batch: &MiniBatch<C>,
        point: &[f64],
    ) -> Result<(), TargetError>
    where
        T: StochasticGradient + ?Sized,
        C: ControlVariate<Memory = M>,
    {
        if point.len() != self.point.len() {
            return Err(TargetError::dimension(
                "point of the phase space",
                point.len(),
                self.point.len(),
            ));
        }
        if let Some(bad) = point.iter().find(|v| !v.is_finite()) {
            return Err(TargetError::non_finite("point of the phase space", *bad));
        }
        self.restart(target, batch, Some(&point[..self.dim]))?;
        self.point[self.dim..].copy_from_slice(&point[self.dim..]);
        self.fresh = false;
        Ok(())
    }

    pub(crate) fn point(&self) -> &[f64] {
        &self.point
    }

    /// Whether this is the first step after a start, at which momenta are drawn.
    pub(crate) fn take_fresh(&mut self) -> bool {
        std::mem::take(&mut self.fresh)
    }

    /// Position, further variables, and the last estimate of the gradient.
    pub(crate) fn parts(&mut self) -> (&mut [f64], &mut [f64], &[f64]) {
        let (x, rest) = self.point.split_at_mut(self.dim);
        (x, rest, &self.gradient)
    }

    /// Remembers the point for [`settle`](Self::settle).
    pub(crate) fn save(&mut self) {
        self.saved.copy_from_slice(&self.point);
    }

    /// Draws a batch and estimates the gradient at the position; returns the number of gradients
    /// of terms.
    pub(crate) fn estimate<T, C, R>(&mut self, target: &T, batch: &MiniBatch<C>, rng: &mut R) -> u64
    where
        T: StochasticGradient + ?Sized,
        C: ControlVariate<Memory = M>,
        R: Randomness + ?Sized,
    {
        let terms = batch.draw(&mut self.batch, target.num_terms(), rng);
        batch.variate().estimate(
            target,
            &self.point[..self.dim],
            terms,
            &mut self.memory,
            &mut self.gradient,
        )
    }

    /// Ends a step: counts it, and returns to where it began, momenta reversed, if a number is not
    /// finite.
    pub(crate) fn settle(
        &mut self,
        (step_size, sampling): (f64, bool),
        terms: u64,
    ) -> StochasticInfo {
        self.iteration += 1;
        let divergent = !self.point.iter().all(|v| v.is_finite());
        if divergent {
            self.point.copy_from_slice(&self.saved);
            let momenta = self.point.iter_mut().skip(self.dim).take(self.dim);
            momenta.for_each(|p| *p = -*p);
        }
        StochasticInfo {
            step_size,
            sampling,
            divergent,
            terms,
        }
    }
}

/// What a step of a stochastic-gradient kernel did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StochasticInfo {
    /// The step size.
    pub step_size: f64,
    /// Whether noise was added: draws of steps without belong to no sample.
    pub sampling: bool,
    /// Whether the step overflowed and was not made.
    pub divergent: bool,
    /// Gradients of data terms evaluated; `N` of them are one gradient.
    pub terms: u64,
}

/// One gradient per step is counted, however few terms it was estimated from.
impl StepInfo for StochasticInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            divergent: self.divergent,
            step_size: Some(self.step_size),
            gradients: 1,
            ..StepStats::default()
        }
    }
}
