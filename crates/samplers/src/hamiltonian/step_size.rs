//! The step size: a first guess, and dual averaging.

use ergodic_core::{ArgumentError, EnergyGradient, Randomness, TargetError};
use ergodic_math::Real;

use super::{Metric, PhasePoint};

/// Nesterov's dual averaging of `log ε` towards a mean acceptance `δ`: Hoffman and Gelman, *The
/// No-U-Turn Sampler*, JMLR 15 (2014), section 3.2.
///
/// After `t` updates with acceptances `aₛ`,
///
/// ```text
/// H̄ₜ = (1 − 1/(t + t₀)) H̄ₜ₋₁ + (δ − aₜ)/(t + t₀)
/// log εₜ₊₁ = μ − (√t/γ) H̄ₜ
/// log ε̄ₜ₊₁ = t^(−κ) log εₜ₊₁ + (1 − t^(−κ)) log ε̄ₜ
/// ```
///
/// with `γ = 0.05` ([`with_damping`](Self::with_damping)), `t₀ = 10`, `κ = 0.75`, `μ = log 10ε₁`. `ε`
/// explores and is used during the
/// warm-up, its average `ε̄` when it is over. Cost: a few operations per update.
///
/// ```
/// use ergodic_samplers::hamiltonian::DualAveraging;
///
/// // An integrator whose acceptance falls as 1 − ε²/2 settles where that is the goal.
/// let mut tuner = DualAveraging::new(0.01, 0.8)?;
/// for _ in 0..1000 {
///     tuner.update((1.0 - 0.5 * tuner.step_size().powi(2)).max(0.0));
/// }
/// assert!((tuner.averaged() - 0.4f64.sqrt()).abs() < 0.02);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DualAveraging {
    goal: f64,
    damping: f64,
    centre: f64,
    count: u64,
    error: f64,
    log_step: f64,
    log_average: f64,
}

/// How weakly `log ε` answers to errors, if nothing else is asked for.
const GAMMA: f64 = 0.05;
/// Damps the first updates.
const OFFSET: f64 = 10.0;
/// How fast the average forgets its beginning.
const KAPPA: f64 = 0.75;

impl DualAveraging {
    /// From the first step size towards the mean acceptance `goal`.
    ///
    /// # Errors
    /// If the step size is not a positive normal number, or the goal not strictly between 0 and 1.
    pub fn new(step_size: f64, goal: f64) -> Result<Self, ArgumentError> {
        check_step_size(step_size)?;
        check_acceptance(goal)?;
        let log_step = Real::ln(step_size);
        Ok(Self {
            goal,
            damping: GAMMA,
            centre: log_step + std::f64::consts::LN_10,
            count: 0,
            error: 0.0,
            log_step,
            log_average: log_step,
        })
    }

    /// With another `γ` than 0.05.
    ///
    /// After `t` updates one acceptance moves `log ε` by `1/(γ√t)` of its error. In the stationary state
    /// `log ε` scatters with a variance in proportion to that, and as the acceptance falls faster above
    /// the goal than it rises below, the average `ε̄` accepts more than the goal, the more so the smaller
    /// `γ` and the noisier the acceptances; a large `γ` needs more updates to leave a bad `ε₁`.
    ///
    /// # Errors
    /// If it is not a positive normal number.
    pub fn with_damping(mut self, gamma: f64) -> Result<Self, ArgumentError> {
        if !(gamma.is_normal() && gamma > 0.0) {
            return Err(ArgumentError::new(
                "damping",
                gamma,
                "a finite number above 0",
            ));
        }
        self.damping = gamma;
        Ok(self)
    }

    /// Starts again from `step_size`: after the metric has changed, for instance. With `reach` the
    /// point `μ = log(reach·ε)` to which the steps are drawn, 10 in the paper; closer to 1 when
    /// `step_size` is known to be good. A step size or reach that is no positive normal number
    /// changes nothing.
    pub fn restart(&mut self, step_size: f64, reach: f64) {
        if check_step_size(step_size).is_ok() && check_step_size(reach).is_ok() {
            self.log_step = Real::ln(step_size);
            self.log_average = self.log_step;
            self.centre = self.log_step + Real::ln(reach);
            self.count = 0;
            self.error = 0.0;
        }
    }

    /// Learns from the mean acceptance of a step, in `[0, 1]`; NaN counts as 0.
    pub fn update(&mut self, acceptance: f64) {
        let acceptance = if acceptance.is_nan() { 0.0 } else { acceptance };
        self.count += 1;
        let t = self.count as f64;
        let share = 1.0 / (t + OFFSET);
        self.error += share * (self.goal - acceptance - self.error);
        self.log_step = self.centre - t.sqrt() / self.damping * self.error;
        let weight = Real::exp(-KAPPA * Real::ln(t));
        self.log_average += weight * (self.log_step - self.log_average);
    }

    /// Aims a fifth closer to an acceptance of 1, but not above `most`.
    pub(crate) fn be_careful(&mut self, most: f64) {
        if self.goal < most {
            self.goal = (1.0 - 0.8 * (1.0 - self.goal)).min(most);
        }
    }

    /// The step size to use next while learning.
    pub fn step_size(&self) -> f64 {
        positive(self.log_step)
    }

    /// The step size to keep.
    pub fn averaged(&self) -> f64 {
        positive(self.log_average)
    }

    /// The mean acceptance aimed at.
    pub fn goal(&self) -> f64 {
        self.goal
    }
}

/// `eˣ` within the normal numbers: no run of errors makes a step of 0 or of infinity.
fn positive(log_step: f64) -> f64 {
    Real::exp(log_step.clamp(-700.0, 700.0))
}

/// Refuses what is no step size.
pub(crate) fn check_step_size(step_size: f64) -> Result<(), ArgumentError> {
    if step_size.is_normal() && step_size > 0.0 {
        Ok(())
    } else {
        Err(ArgumentError::new(
            "step_size",
            step_size,
            "a finite number above 0",
        ))
    }
}

/// Refuses what is no goal for an acceptance.
pub(crate) fn check_acceptance(goal: f64) -> Result<(), ArgumentError> {
    if goal > 0.0 && goal < 1.0 {
        Ok(())
    } else {
        Err(ArgumentError::new(
            "target_acceptance",
            goal,
            "strictly between 0 and 1",
        ))
    }
}

/// A first step size: doubled or halved from `guess` until the acceptance `min(1, e^{−ΔH})` of one
/// leapfrog step from `start` crosses `goal` (Hoffman and Gelman 2014, algorithm 4, where the goal
/// is ½). One momentum is drawn, and some ten gradients are spent; returned with their number.
///
/// # Errors
/// If no step size between 10⁻³⁰⁰ and 10³⁰⁰ does.
pub fn find_step_size<T, R>(
    target: &T,
    metric: &Metric,
    start: &PhasePoint,
    guess: f64,
    goal: f64,
    rng: &mut R,
) -> Result<(f64, u64), TargetError>
where
    T: EnergyGradient + ?Sized,
    R: Randomness + ?Sized,
{
    let mut start = start.clone();
    start.draw_momentum(rng);
    start.set_metric(metric);
    let before = start.hamiltonian();
    let threshold = -Real::ln(goal);
    let mut trial = start.clone();
    let mut gradients = 0;
    let mut accepted = |step: f64| {
        trial.copy_from(&start);
        gradients += 1;
        // NaN is no acceptance.
        trial.leapfrog(target, metric, step) - before <= threshold
    };
    let mut step = guess;
    let grow = accepted(step);
    while (1e-300..=1e300).contains(&step) {
        let next = if grow { 2.0 * step } else { 0.5 * step };
        let stays = accepted(next) == grow;
        if !stays {
            // The larger of the two that is still accepted.
            let step = if grow { step } else { next };
            return Ok((step, gradients));
        }
        step = next;
    }
    Err(TargetError::new(format!(
        "no step size brings the acceptance of one leapfrog step to {goal}: the energy does not \
         {} along a trajectory",
        if grow { "grow" } else { "vary continuously" }
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_domain_are_refused() {
        for step in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-310] {
            let error = DualAveraging::new(step, 0.8).unwrap_err();
            assert_eq!(error.argument, "step_size");
        }
        for goal in [0.0, 1.0, f64::NAN, -0.1] {
            let error = DualAveraging::new(0.1, goal).unwrap_err();
            assert_eq!(error.argument, "target_acceptance");
        }
        for gamma in [0.0, -0.05, f64::NAN, f64::INFINITY] {
            let tuner = DualAveraging::new(0.1, 0.8).unwrap();
            let error = tuner.with_damping(gamma).unwrap_err();
            assert_eq!(error.argument, "damping");
        }
    }

    #[test]
    fn dual_averaging_follows_the_recursion_of_its_paper() {
        for gamma in [0.05, 0.3] {
            follows(gamma);
        }
    }

    fn follows(gamma: f64) {
        let tuner = DualAveraging::new(0.5, 0.8).unwrap();
        let mut tuner = if gamma == GAMMA {
            tuner
        } else {
            tuner.with_damping(gamma).unwrap()
        };
        let (mut h, mut log_average) = (0.0, 0.5f64.ln());
        for (t, a) in [(1.0, 0.3), (2.0, 0.95), (3.0, f64::NAN), (4.0, 1.0)] {
            tuner.update(a);
            let a = if f64::is_nan(a) { 0.0 } else { a };
            let w = 1.0 / (t + 10.0);
            h = (1.0 - w) * h + w * (0.8 - a);
            let log_step = 5.0f64.ln() - f64::sqrt(t) / gamma * h;
            let eta = f64::powf(t, -0.75);
            log_average = eta * log_step + (1.0 - eta) * log_average;
            assert!((tuner.step_size().ln() - log_step).abs() < 1e-13);
            assert!((tuner.averaged().ln() - log_average).abs() < 1e-13);
        }
    }
}
