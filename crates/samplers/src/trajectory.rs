//! What the kernels share that propose the end of a trajectory: step size and metric with their
//! warm-up, random numbers of steps, the decision and its account.

use ergodic_core::{
    ArgumentError, EnergyGradient, Randomness, StepInfo, StepStats, TargetError, WarmupStep,
};
use ergodic_math::Real;

use crate::hamiltonian::{HamiltonianTuner, Metric, Observation, WarmupSettings, check_step_size};

/// An error of the conserved energy beyond which an integrator is not trusted, in nats.
pub(crate) const DIVERGENCE: f64 = 1000.0;

/// What a step did that proposes the end of one trajectory: [`Mala`](crate::Mala),
/// [`Hmc`](crate::Hmc) and [`Mams`](crate::Mams).
///
/// ```
/// use ergodic_core::StepInfo;
/// use ergodic_samplers::TrajectoryInfo;
///
/// let info = TrajectoryInfo {
///     accepted: true,
///     acceptance: 0.9,
///     energy: 3.2,
///     fresh_momentum: true,
///     energy_error: 0.105,
///     divergent: false,
///     steps: 5,
///     gradients: 5,
///     step_size: 0.2,
/// };
/// assert_eq!(info.stats().acceptance, Some(0.9));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrajectoryInfo {
    /// Whether the end of the trajectory was accepted.
    pub accepted: bool,
    /// The probability with which it would be, `min(1, e^{−ΔH})`.
    pub acceptance: f64,
    /// The energy after the step, in nats: `H` at the point that was kept, for [`Mams`](crate::Mams)
    /// `E`.
    pub energy: f64,
    /// Whether that is `H` with a momentum drawn anew in this step.
    pub fresh_momentum: bool,
    /// `ΔH` between the ends of the trajectory in nats, `+∞` if an energy on the way was not
    /// finite.
    pub energy_error: f64,
    /// Whether `ΔH` exceeds 1000: the integrator was not stable there. Such an end is rejected.
    pub divergent: bool,
    /// Steps of the integrator.
    pub steps: usize,
    /// Gradients evaluated.
    pub gradients: u64,
    /// The step size that was used.
    pub step_size: f64,
}

impl StepInfo for TrajectoryInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: Some(self.acceptance),
            divergent: self.divergent,
            energy: Some(self.energy),
            fresh_momentum: self.fresh_momentum,
            energy_error: Some(self.energy_error),
            step_size: Some(self.step_size),
            gradients: self.gradients,
            forbidden: u64::from(self.energy_error == f64::INFINITY),
            ..StepStats::default()
        }
    }
}

impl TrajectoryInfo {
    /// Accepts or rejects a trajectory whose energy changed by `error` (NaN counts as `+∞`).
    /// `energies` are those to report if it is rejected and if it is accepted.
    pub(crate) fn decide<R: Randomness + ?Sized>(
        error: f64,
        energies: [f64; 2],
        (steps, gradients): (usize, u64),
        step_size: f64,
        rng: &mut R,
    ) -> Self {
        let error = if error.is_nan() { f64::INFINITY } else { error };
        let acceptance = if error <= 0.0 { 1.0 } else { Real::exp(-error) };
        let accepted = rng.bernoulli(acceptance);
        Self {
            accepted,
            acceptance,
            energy: energies[usize::from(accepted)],
            fresh_momentum: false,
            energy_error: error,
            divergent: error > DIVERGENCE,
            steps,
            gradients,
            step_size,
        }
    }
}

/// Step size and metric of a kernel, and what a warm-up makes of them.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Dynamics {
    pub(crate) step_size: f64,
    pub(crate) metric: Metric,
    pub(crate) warmup: WarmupSettings,
    tuner: Option<Box<HamiltonianTuner>>,
}

impl Dynamics {
    /// Step size 0.1, the identity, and this mean acceptance for the warm-up.
    pub(crate) fn new(target_acceptance: f64) -> Self {
        let warmup = WarmupSettings::new();
        Self {
            step_size: 0.1,
            metric: Metric::identity(),
            warmup: warmup
                .target_acceptance(target_acceptance)
                .unwrap_or(warmup),
            tuner: None,
        }
    }

    pub(crate) fn set_step_size(&mut self, step_size: f64) -> Result<(), ArgumentError> {
        check_step_size(step_size)?;
        self.step_size = step_size;
        Ok(())
    }

    /// Learns step size and metric from a warm-up step that ended at `position` with `gradient`;
    /// `outcome` is its acceptance and whether it diverged.
    pub(crate) fn adapt<T: EnergyGradient + ?Sized, R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        (position, gradient, energy): (&[f64], &[f64], f64),
        outcome: Option<(f64, bool)>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        HamiltonianTuner::adapt(
            &mut self.tuner,
            &self.warmup,
            &mut self.step_size,
            &mut self.metric,
            target,
            position,
            gradient,
            energy,
            outcome,
            at,
            rng,
        )
    }

    /// As [`adapt`](Self::adapt), but for a kernel that accepts everything: after a first guess the
    /// step size is left alone. Whether there is another metric.
    pub(crate) fn adapt_metric<T: EnergyGradient + ?Sized, R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        (position, gradient, energy): (&[f64], &[f64], f64),
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<bool, TargetError> {
        let Some(tuner) = &mut self.tuner else {
            // The first step, or the first of a warm-up that another kernel began.
            return self
                .adapt(target, (position, gradient, energy), None, at, rng)
                .map(|()| false);
        };
        let step = Observation {
            position,
            gradient,
            energy,
            acceptance: 1.0,
            divergent: false,
        };
        let fitted = tuner.observe(&self.metric, step, at);
        let changed = fitted.is_some();
        if let Some(metric) = fitted {
            self.metric = metric;
        }
        if at.is_last() {
            self.tuner = None;
        }
        Ok(changed)
    }
}

/// The settings that a kernel shares with the others that have [`Dynamics`].
macro_rules! dynamics_settings {
    () => {
        /// With a step size `ε`, a time in whitened coordinates; a warm-up begins there.
        ///
        /// # Errors
        /// If it is not a positive normal number.
        pub fn with_step_size(mut self, step_size: f64) -> Result<Self, ArgumentError> {
            self.dynamics.set_step_size(step_size)?;
            Ok(self)
        }

        /// With a metric; its dimension has to be the target's.
        pub fn with_metric(mut self, metric: Metric) -> Self {
            self.dynamics.metric = metric;
            self
        }

        /// With other settings for the warm-up.
        pub fn with_warmup(mut self, warmup: WarmupSettings) -> Self {
            self.dynamics.warmup = warmup;
            self
        }

        /// The step size in use.
        pub const fn step_size(&self) -> f64 {
            self.dynamics.step_size
        }

        /// The metric in use.
        pub const fn metric(&self) -> &Metric {
            &self.dynamics.metric
        }
    };
}
pub(crate) use dynamics_settings;

/// A number of steps uniform on `1..=m` with the given mean (1 if that is less), `m` itself being
/// one of two neighbours if the mean needs it; at most `most`.
pub(crate) fn uniform_steps<R: Randomness + ?Sized>(mean: f64, most: usize, rng: &mut R) -> usize {
    let range = (2.0 * mean - 1.0).clamp(1.0, most as f64);
    let (whole, rest) = (range.floor(), range.fract());
    let more = rest > 0.0 && rng.bernoulli(rest);
    rng.index(whole as usize + usize::from(more)) + 1
}

/// A number of steps uniform within half of its mean `m` to both sides (1 if `m` is less): from
/// `c − ⌊m/2⌋` to `c + ⌊m/2⌋`, where the centre `c` is one of the neighbours of `m`; at most `most`.
pub(crate) fn spread_steps<R: Randomness + ?Sized>(mean: f64, most: usize, rng: &mut R) -> usize {
    // Nobody waits for 2³¹ steps, and the width of the spread of many more would overflow.
    let most = most.min(1 << 31);
    let mean = mean.clamp(1.0, most as f64);
    let (whole, rest) = (mean.floor(), mean.fract());
    let centre = whole as usize + usize::from(rest > 0.0 && rng.bernoulli(rest));
    let half = (0.5 * mean) as usize;
    (centre - half + rng.index(2 * half + 1)).min(most)
}

/// Refuses what is no positive length.
pub(crate) fn check_length(argument: &'static str, length: f64) -> Result<f64, ArgumentError> {
    if length.is_finite() && length > 0.0 {
        Ok(length)
    } else {
        Err(ArgumentError::new(
            argument,
            length,
            "a finite number above 0",
        ))
    }
}

/// Refuses 0 steps.
pub(crate) fn check_steps(argument: &'static str, steps: usize) -> Result<usize, ArgumentError> {
    if steps == 0 {
        Err(ArgumentError::new(argument, steps, "at least 1"))
    } else {
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use ergodic_conformance::{Enumerate, Limits, outcomes};

    use super::*;

    type Law = fn(f64, usize, &mut Enumerate) -> usize;

    fn law(steps: Law, mean: f64, most: usize) -> Vec<(f64, usize)> {
        outcomes(Limits::default(), |rng| steps(mean, most, rng)).unwrap()
    }

    #[test]
    fn numbers_of_steps_have_the_mean_that_was_asked_for() {
        for steps in [uniform_steps::<Enumerate> as Law, spread_steps::<Enumerate>] {
            for mean in [0.2, 1.0, 1.3, 2.0, 4.7] {
                let law = law(steps, mean, 100);
                let found: f64 = law.iter().map(|(p, n)| p * *n as f64).sum();
                let expected = f64::max(mean, 1.0);
                assert!((found - expected).abs() < 1e-12, "{found} for {mean}");
                assert!(law.iter().all(|(_, n)| *n >= 1));
            }
            assert!(
                law(steps, 1e300, 7)
                    .iter()
                    .all(|(_, n)| (1..=7).contains(n))
            );
            let mut rng = ergodic_math::rng::stream(1, 0);
            assert!((0..100).all(|_| spread_steps(1e300, usize::MAX, &mut rng) > 1 << 29));
        }
    }

    #[test]
    fn lost_trajectories_are_divergent_and_never_accepted() {
        let mut rng = ergodic_math::rng::stream(1, 0);
        for error in [f64::NAN, f64::INFINITY, 1000.5] {
            let info = TrajectoryInfo::decide(error, [1.0, f64::NAN], (3, 3), 0.1, &mut rng);
            assert!(info.divergent && !info.accepted && info.energy == 1.0);
        }
        let info = TrajectoryInfo::decide(-1e4, [1.0, 2.0], (3, 3), 0.1, &mut rng);
        assert!(!info.divergent && info.accepted && info.energy == 2.0);
    }
}
