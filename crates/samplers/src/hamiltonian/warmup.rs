//! The warm-up that Hamiltonian kernels share: step size and metric from draws and gradients.

use ergodic_core::{ArgumentError, EnergyGradient, Randomness, TargetError, WarmupStep};

use super::estimate::{Window, fit};
use super::step_size::check_acceptance;
use super::{DualAveraging, Metric, PhasePoint, find_step_size};

/// What the warm-up of a Hamiltonian kernel learns, and towards what.
///
/// | setting | default | meaning |
/// |---|---|---|
/// | [`target_acceptance`](Self::target_acceptance) | 0.78 | mean acceptance that the step size aims at |
/// | [`metric`](Self::metric) | [`MetricChoice::Best`] | which metrics are tried |
///
/// 0.651 is the optimum of static trajectories in many dimensions (Beskos, Pillai, Roberts,
/// Sanz-Serna and Stuart, *Bernoulli* 19, 2013). The default is higher, as a NUTS trajectory of few steps
/// pays little for smaller ones, and where the curvature varies a smaller step is better still:
/// the warm-up notices by divergences: each one in the last tenth of the warm-up brings the
/// goal closer to 1, `1 − a ← 0.8 (1 − a)`, up to 0.95 (or the goal itself if that is higher).
///
/// ```
/// use ergodic_samplers::hamiltonian::{MetricChoice, WarmupSettings};
///
/// let settings = WarmupSettings::new()
///     .target_acceptance(0.9)?
///     .metric(MetricChoice::Diagonal);
/// assert!(WarmupSettings::new().target_acceptance(1.0).is_err());
/// # let _ = settings;
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WarmupSettings {
    target_acceptance: f64,
    metric: MetricChoice,
}

/// Among which metrics a warm-up chooses, by the condition number that they leave on held-out
/// draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MetricChoice {
    /// The metric that the kernel has; only the step size is learnt.
    Keep,
    /// Identity and the two diagonals.
    Diagonal,
    /// Identity, the two diagonals, and dense (in few dimensions) or low rank (in many).
    #[default]
    Best,
}

impl Default for WarmupSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl WarmupSettings {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            target_acceptance: 0.78,
            metric: MetricChoice::Best,
        }
    }

    /// Aims at this mean acceptance.
    ///
    /// # Errors
    /// If it is not strictly between 0 and 1.
    pub fn target_acceptance(mut self, goal: f64) -> Result<Self, ArgumentError> {
        check_acceptance(goal)?;
        self.target_acceptance = goal;
        Ok(self)
    }

    /// Chooses among these metrics.
    pub const fn metric(mut self, choice: MetricChoice) -> Self {
        self.metric = choice;
        self
    }
}

/// Learns the step size and the metric of a Hamiltonian kernel during its warm-up.
///
/// A kernel holds an `Option<Box<HamiltonianTuner>>` and calls [`adapt`](Self::adapt) from its own
/// `adapt`; the option is filled at the first step and emptied at the last.
///
/// **Step size.** Dual averaging ([`DualAveraging`]) of the acceptances, from a first guess by
/// [`find_step_size`]; with `γ = 0.3` and `μ = log ε₁` from the first metric on, when the chain has
/// found its way and the guess is good. When the metric changes, the step size is carried over by the ratio of the
/// largest eigenvalues of the gradients' covariance in the old and new coordinates (the stability
/// limit of leapfrog is `2/√λ_max`), and the averaging starts again.
///
/// **Metric.** After 10 steps, 20, 40 and so on, until 85 % of the warm-up is over, a
/// metric is fitted to the positions *and gradients* of the last two thirds of the steps, without those
/// more than `50 + 10d` nats above the lowest energy among them, where the chain was still falling from its
/// start; with fewer than five left, none is. The
/// last 15 % tune the step size alone. With `V` the sample covariances, the candidates are
///
/// ```text
/// identity     Σ = I
/// variance     Σ = diag V(x)
/// Fisher       Σ = diag √(V(xᵢ)/V(∂ᵢE))
/// full         Σ V(∇E) Σ = V(x): the geometric mean of V(x) and V(∇E)⁻¹, which minimises the
///              Fisher divergence between N(μ, Σ) and the target
/// ```
///
/// (Seyboldt, Carlson and Carpenter, arXiv 2603.18845; the last one is exact for normal targets as
/// soon as there are more draws than dimensions). It is dense to some hundred dimensions and
/// restricted to the span of draws and gradients, of low rank, beyond. Each candidate is fitted to
/// the first three quarters of the draws and scored on the last by the condition number that it leaves,
/// `λ_max(V(A⁻¹x))·λ_max(V(Aᵀ∇E))`; the winner is fitted to all. A trajectory between independent
/// points takes about the root of that number in steps.
///
/// In more than 128 dimensions, where few draws say little of the largest eigenvalue, the score is
/// instead the variance of the held-out draws along the directions in which the others spread most,
/// and the low-rank metric is tried only if that leaves a direction to be stretched.
///
/// Memory: at most 512 pairs of position and gradient, and at most 64 MiB where 16 pairs fit.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HamiltonianTuner {
    settings: WarmupSettings,
    averaging: DualAveraging,
    window: Window,
    /// Steps seen.
    seen: usize,
    /// After how many steps the next metric is fitted.
    next: usize,
}

/// What a step shows to a [`HamiltonianTuner`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation<'a> {
    /// The position after the step.
    pub position: &'a [f64],
    /// The gradient there.
    pub gradient: &'a [f64],
    /// The energy there, in nats.
    pub energy: f64,
    /// The mean acceptance over the step.
    pub acceptance: f64,
    /// Whether the step diverged.
    pub divergent: bool,
}

/// The `γ` of dual averaging once a metric has been learnt. With the 0.05 of its paper and the few tens of steps that follow the last
/// metric, `log ε` scatters by a half.
const DAMPING: f64 = 0.3;
/// The share of the warm-up after which divergences make the goal more careful.
const CAREFUL_SHARE: f64 = 0.9;
/// The most careful goal that divergences lead to.
const CAREFUL_GOAL: f64 = 0.95;
/// After how many steps the first metric is fitted.
const FIRST: usize = 10;
/// The share of the warm-up after which the metric is left alone.
const METRIC_SHARE: f64 = 0.85;

impl HamiltonianTuner {
    /// A tuner for `dim` dimensions that starts from a step size.
    ///
    /// # Errors
    /// If the step size is not a positive normal number.
    pub fn new(
        settings: &WarmupSettings,
        dim: usize,
        step_size: f64,
    ) -> Result<Self, ArgumentError> {
        Ok(Self {
            settings: *settings,
            averaging: DualAveraging::new(step_size, settings.target_acceptance)?,
            window: Window::new(dim),
            seen: 0,
            next: FIRST,
        })
    }

    /// The step size to use for the next step of the warm-up.
    pub fn step_size(&self) -> f64 {
        self.averaging.step_size()
    }

    /// The step size to keep.
    pub fn final_step_size(&self) -> f64 {
        self.averaging.averaged()
    }

    /// Learns from a step of a kernel with this metric. Returns another metric when it is time
    /// for one.
    pub fn observe(
        &mut self,
        metric: &Metric,
        step: Observation<'_>,
        at: WarmupStep,
    ) -> Option<Metric> {
        self.averaging.update(step.acceptance);
        self.seen += 1;
        if step.divergent && at.progress() > CAREFUL_SHARE {
            self.averaging.be_careful(CAREFUL_GOAL);
        }
        if self.settings.metric == MetricChoice::Keep {
            return None;
        }
        let end = (METRIC_SHARE * at.of as f64) as usize;
        let done = at.step + 1;
        if done > end {
            return None;
        }
        self.window.push(step.position, step.gradient, step.energy);
        if self.seen < self.next && done != end {
            return None;
        }
        // Not twice within a few steps.
        self.next = if 3 * self.seen > end {
            end
        } else {
            2 * self.seen
        };
        self.window.keep_last((2 * self.seen).div_ceil(3));
        if !self.window.keep_arrived() {
            return None;
        }
        let full = self.settings.metric == MetricChoice::Best;
        let (fitted, stretch) = fit(&self.window, metric, full)?;
        let step_size = self.averaging.averaged() * stretch;
        self.averaging = self.averaging.with_damping(DAMPING).ok()?;
        self.averaging.restart(step_size, 1.0);
        Some(fitted)
    }

    /// The whole of a kernel's [`adapt`](ergodic_core::MarkovKernel::adapt): makes the tuner at
    /// the first step, lets it observe, sets step size and metric, drops it at the last step.
    ///
    /// `position`, `gradient` and `energy` are those after the step; `outcome` is its mean acceptance and
    /// whether it diverged, or `None` if the step was another kernel's.
    ///
    /// # Errors
    /// If no first step size can be found.
    pub fn adapt<T, R>(
        tuner: &mut Option<Box<Self>>,
        settings: &WarmupSettings,
        step_size: &mut f64,
        metric: &mut Metric,
        target: &T,
        position: &[f64],
        gradient: &[f64],
        energy: f64,
        outcome: Option<(f64, bool)>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError>
    where
        T: EnergyGradient + ?Sized,
        R: Randomness + ?Sized,
    {
        if at.is_first() || tuner.is_none() {
            let start = PhasePoint::new(target, metric, position)?;
            let (first, _) = find_step_size(
                target,
                metric,
                &start,
                *step_size,
                settings.target_acceptance,
                rng,
            )?;
            let new = Self::new(settings, position.len(), first)
                .map_err(|e| TargetError::new(e.to_string()))?;
            *step_size = first;
            *tuner = Some(Box::new(new));
        } else if let (Some(tuner), Some((acceptance, divergent))) = (tuner.as_mut(), outcome) {
            let step = Observation {
                position,
                gradient,
                energy,
                acceptance,
                divergent,
            };
            if let Some(fitted) = tuner.observe(metric, step, at) {
                *metric = fitted;
            }
            *step_size = tuner.step_size();
        }
        if at.is_last()
            && let Some(tuner) = tuner.take()
        {
            *step_size = tuner.final_step_size();
        }
        Ok(())
    }
}
