//! Gaussian random-walk Metropolis, with scale and covariance learnt in the warm-up.

use ergodic_core::{
    ArgumentError, Claims, Energy, MarkovKernel, Randomness, TargetError, WarmupStep,
};
use ergodic_math::Real;

use crate::{MetropolisState, ProposalInfo, Threshold, start, triangular};

/// What a [`RandomWalk`] learns in a warm-up.
///
/// ```
/// use ergodic_samplers::Learning;
///
/// assert_eq!(Learning::default(), Learning::Covariance);
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Learning {
    /// Nothing.
    Nothing,
    /// The scale `s` alone.
    Scale,
    /// The scale and a variance per coordinate; `O(d)` memory.
    Variances,
    /// The scale and the covariance of all coordinates; `O(d²)` memory, and `O(d³)` some ten times
    /// in a warm-up.
    #[default]
    Covariance,
}

/// The shape of a step, up to its scale.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Isotropic,
    /// Standard deviations.
    Diagonal(Vec<f64>),
    /// The packed lower triangular factor.
    Dense(usize, Vec<f64>),
}

/// Gaussian random-walk Metropolis: `x′ = x + s L ξ`, `ξ ∼ N(0, I)`, accepted with
/// `min(1, e^{E(x) − E(x′)})`.
///
/// Metropolis et al., *J. Chem. Phys.* 21, 1087 (1953). Reversible, and ergodic where the energy
/// is finite.
///
/// **Learning.** In a warm-up the covariance `Σ = L Lᵀ` is that of the draws (Haario, Saksman and
/// Tamminen, *Bernoulli* 7, 223, 2001), over windows that double in length so that the approach
/// from the start is forgotten, shrunk towards its diagonal; the scale begins at `2.38/√d` (Roberts,
/// Gelman and Gilks, *Ann. Appl. Prob.* 7, 110, 1997) after each change of `Σ` and follows
/// `log s ← log s + (α − α*)/n^{0.6}` (Robbins and Monro, as in Andrieu and Thoms, *Stat. Comput.*
/// 18, 343, 2008). The last tenth tunes the scale alone and takes the mean of `log s` over it. The
/// kernel is then frozen: adaptation that never ends would need its own proof, this needs none.
///
/// Cost: one energy per step, `O(d)` or (dense) `O(d²)` for the step. The best that a random walk
/// does is an autocorrelation time of order `d`; use it below some 20 dimensions, or where there is
/// no gradient.
///
/// ```
/// use ergodic_core::{MarkovKernel, WarmupStep};
/// use ergodic_samplers::{Gaussian, RandomWalk};
///
/// // On N(0, 1) the mean acceptance is (2/π) atan(2/s).
/// let target = Gaussian::standard(1)?;
/// let mut kernel = RandomWalk::new(1.0)?.acceptance(0.5)?;
/// let mut state = kernel.init(&target, &[0.0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// for step in 0..4000 {
///     let info = kernel.step(&target, &mut state, &mut rng)?;
///     let at = WarmupStep { step, of: 4000 };
///     kernel.adapt(&target, &mut state, Some(&info), at, &mut rng)?;
/// }
/// let sd = kernel.step_sd(0);
/// assert!((sd - 2.0).abs() < 0.3, "{sd}"); // atan(1) = π/4
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
pub struct RandomWalk {
    scale: f64,
    shape: Shape,
    learning: Learning,
    /// `None`: 0.44 in one dimension, 0.234 in more.
    acceptance: Option<f64>,
    tuner: Option<Box<Tuner>>,
}

impl RandomWalk {
    /// With steps of standard deviation `scale` per coordinate, in the units of the coordinates:
    /// where learning begins, or what stays if there is no warm-up.
    ///
    /// # Errors
    /// If the scale is not finite and above 0.
    pub fn new(scale: f64) -> Result<Self, ArgumentError> {
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(ArgumentError::new(
                "scale",
                scale,
                "a finite number above 0",
            ));
        }
        Ok(Self {
            scale,
            shape: Shape::Isotropic,
            learning: Learning::default(),
            acceptance: None,
            tuner: None,
        })
    }

    /// Steps of covariance `scale²·covariance`, `dim × dim` in rows.
    ///
    /// # Errors
    /// If it is not a finite symmetric positive definite matrix of this size.
    pub fn covariance(mut self, dim: usize, covariance: &[f64]) -> Result<Self, ArgumentError> {
        self.shape = Shape::Dense(dim, triangular::checked_cholesky(dim, covariance)?);
        Ok(self)
    }

    /// What to learn in a warm-up; by default the whole covariance.
    pub fn learning(mut self, learning: Learning) -> Self {
        self.learning = learning;
        self
    }

    /// The mean acceptance to tune for; by default 0.44 in one dimension and 0.234 in more.
    ///
    /// # Errors
    /// If it is not strictly between 0 and 1.
    pub fn acceptance(mut self, acceptance: f64) -> Result<Self, ArgumentError> {
        if !(acceptance > 0.0 && acceptance < 1.0) {
            return Err(ArgumentError::new(
                "acceptance",
                acceptance,
                "strictly between 0 and 1",
            ));
        }
        self.acceptance = Some(acceptance);
        Ok(self)
    }

    /// The scale `s`.
    pub const fn scale(&self) -> f64 {
        self.scale
    }

    /// The standard deviation of the step in coordinate `i`, `s √Σᵢᵢ`; NaN if there is no such
    /// coordinate.
    pub fn step_sd(&self, i: usize) -> f64 {
        self.scale
            * match &self.shape {
                Shape::Isotropic => 1.0,
                Shape::Diagonal(sd) => sd.get(i).copied().unwrap_or(f64::NAN),
                Shape::Dense(dim, lower) if i < *dim => {
                    let from = i * (i + 1) / 2;
                    let square: f64 = lower[from..=from + i].iter().map(|l| l * l).sum();
                    square.sqrt()
                }
                Shape::Dense(..) => f64::NAN,
            }
    }

    fn shaped_for(&self, x: &[f64]) -> Result<(), TargetError> {
        start::finite_start(x)?;
        let expected = match &self.shape {
            Shape::Isotropic => x.len(),
            Shape::Diagonal(sd) => sd.len(),
            Shape::Dense(dim, _) => *dim,
        };
        if x.len() == expected {
            Ok(())
        } else {
            Err(TargetError::dimension("the start", x.len(), expected))
        }
    }
}

impl<T: Energy<State = [f64]> + ?Sized> MarkovKernel<T> for RandomWalk {
    type State = MetropolisState<Vec<f64>>;
    type Info = ProposalInfo;

    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<Self::State, TargetError> {
        self.shaped_for(x)?;
        MetropolisState::begin(target, x)
    }

    fn position<'s>(&self, _: &T, state: &'s Self::State) -> &'s [f64]
    where
        T: 's,
    {
        &state.position
    }

    fn reset(
        &self,
        target: &T,
        state: &mut Self::State,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            self.shaped_for(x)?;
        }
        state.again(target, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<ProposalInfo, TargetError> {
        let candidate = &mut state.candidate;
        rng.fill_normal(candidate);
        match &self.shape {
            Shape::Isotropic => {}
            Shape::Diagonal(sd) => {
                for (c, sd) in candidate.iter_mut().zip(sd) {
                    *c *= sd;
                }
            }
            Shape::Dense(_, lower) => triangular::multiply(lower, candidate),
        }
        for (c, x) in candidate.iter_mut().zip(&state.position) {
            *c = x + self.scale * *c;
        }
        state.decide(target, 0.0, &Threshold, rng)
    }

    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        _: &T,
        state: &mut Self::State,
        info: Option<&ProposalInfo>,
        at: WarmupStep,
        _: &mut R,
    ) -> Result<(), TargetError> {
        if self.learning == Learning::Nothing {
            return Ok(());
        }
        let dim = state.position.len();
        let mut tuner = match self.tuner.take() {
            Some(tuner) if !at.is_first() => tuner,
            _ => Box::new(Tuner::new(dim, self.learning, self.scale)),
        };
        if let Some(info) = info {
            let aim = self
                .acceptance
                .unwrap_or(if dim == 1 { 0.44 } else { 0.234 });
            if let Some(shape) = tuner.learn(&state.position, info.acceptance - aim, at) {
                self.shape = shape;
            }
            self.scale = tuner.scale();
        }
        if at.is_last() {
            self.scale = tuner.final_scale();
        } else {
            self.tuner = Some(tuner);
        }
        Ok(())
    }
}

/// The share of a warm-up at its end that tunes the scale alone.
const SCALE_ALONE: f64 = 0.1;

/// What a [`RandomWalk`] knows while it learns.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
struct Tuner {
    learning: Learning,
    log_scale: f64,
    /// Steps since the shape last changed.
    since: f64,
    /// The sum of `log s` over the final phase, and over how many steps.
    tail: (f64, f64),
    /// Draws in this window, and how many it takes.
    count: usize,
    window: usize,
    mean: Vec<f64>,
    /// `Σ (x − mean)(x − mean)ᵀ`: the diagonal, or all rows.
    comoment: Vec<f64>,
    /// Scratch: the deviation from the mean before the draw.
    deviation: Vec<f64>,
}

impl Tuner {
    fn new(dim: usize, learning: Learning, scale: f64) -> Self {
        let entries = match learning {
            Learning::Nothing | Learning::Scale => 0,
            Learning::Variances => dim,
            Learning::Covariance => dim * dim,
        };
        Self {
            learning,
            log_scale: Real::ln(scale),
            since: 0.0,
            tail: (0.0, 0.0),
            count: 0,
            // The first one only has to find the orders of magnitude.
            window: 50 + 2 * dim,
            mean: vec![0.0; if entries == 0 { 0 } else { dim }],
            comoment: vec![0.0; entries],
            deviation: vec![0.0; if entries == 0 { 0 } else { dim }],
        }
    }

    fn scale(&self) -> f64 {
        Real::exp(self.log_scale)
    }

    fn final_scale(&self) -> f64 {
        let (sum, count) = self.tail;
        if count > 0.0 {
            Real::exp(sum / count)
        } else {
            self.scale()
        }
    }

    /// Takes in a draw and how far its acceptance was above the aim; a new shape if one is due.
    fn learn(&mut self, x: &[f64], excess: f64, at: WarmupStep) -> Option<Shape> {
        self.since += 1.0;
        // Bounded, so that a flat target (accepted for ever) cannot overflow the scale.
        let log_scale = self.log_scale + excess * Real::exp(-0.6 * Real::ln(self.since));
        if log_scale.abs() < 600.0 {
            self.log_scale = log_scale;
        }
        let left = at.of.saturating_sub(at.step + 1) as f64;
        if left < SCALE_ALONE * at.of as f64 {
            // Open if a mixture gave the step that would have closed it to another kernel.
            let shape = self.close_window(x.len());
            self.tail.0 += self.log_scale;
            self.tail.1 += 1.0;
            return shape;
        }
        if self.comoment.is_empty() {
            return None;
        }
        self.add(x);
        // A window that would be followed by less than its own length goes on to the end.
        let rest = left - SCALE_ALONE * at.of as f64;
        let ends = (self.count >= self.window && rest >= 2.0 * self.window as f64) || rest < 1.0;
        if ends {
            self.close_window(x.len())
        } else {
            None
        }
    }

    /// The shape of the window that is open, if one is and it can tell; the scale begins anew.
    fn close_window(&mut self, dim: usize) -> Option<Shape> {
        if self.count == 0 {
            return None;
        }
        let shape = self.shape();
        if shape.is_some() {
            self.log_scale = Real::ln(2.38 / (dim as f64).sqrt());
            self.since = 0.0;
        }
        self.window *= 2;
        self.count = 0;
        self.mean.fill(0.0);
        self.comoment.fill(0.0);
        shape
    }

    /// Welford's update of mean and comoment.
    fn add(&mut self, x: &[f64]) {
        self.count += 1;
        let n = self.count as f64;
        for ((d, m), x) in self.deviation.iter_mut().zip(&mut self.mean).zip(x) {
            *d = x - *m;
            *m += *d / n;
        }
        let weight = (n - 1.0) / n;
        if self.learning == Learning::Variances {
            for (c, d) in self.comoment.iter_mut().zip(&self.deviation) {
                *c += weight * d * d;
            }
        } else {
            for (row, a) in self.comoment.chunks_mut(x.len()).zip(&self.deviation) {
                for (c, b) in row.iter_mut().zip(&self.deviation) {
                    *c += weight * a * b;
                }
            }
        }
    }

    /// The shape of the window's covariance; `None` where too little has moved to tell.
    fn shape(&self) -> Option<Shape> {
        let dim = self.mean.len();
        if self.count < 10 {
            return None;
        }
        let over = 1.0 / (self.count - 1) as f64;
        let variance = |i: usize| match self.learning {
            Learning::Variances => self.comoment[i] * over,
            _ => self.comoment[i * dim + i] * over,
        };
        if !(0..dim).all(|i| variance(i).is_finite() && variance(i) > f64::MIN_POSITIVE) {
            return None;
        }
        if self.learning == Learning::Variances {
            return Some(Shape::Diagonal(
                (0..dim).map(|i| variance(i).sqrt()).collect(),
            ));
        }
        // Few and correlated draws make a poor correlation matrix: shrink it towards none.
        let keep = self.count as f64 / (self.count as f64 + 10.0 + dim as f64);
        let matrix: Vec<f64> = (0..dim * dim)
            .map(|k| {
                let diagonal = k / dim == k % dim;
                self.comoment[k] * over * if diagonal { 1.0 } else { keep }
            })
            .collect();
        let lower = triangular::cholesky(dim, &matrix).ok()?;
        Some(Shape::Dense(dim, lower))
    }
}
