//! Ensembles of walkers that propose from each other: stretch and differential evolution.

use ergodic_core::{
    ArgumentError, Claims, Energy, Independent, MarkovKernel, Randomness, TargetError,
};
use ergodic_math::Real;

use crate::{Acceptance, SweepInfo, Threshold, start};

/// A proposal for one walker from the positions of others.
///
/// Has to be symmetric but for the factor it returns, *given the others*, which do not move
/// meanwhile.
///
/// ```
/// use ergodic_core::Randomness;
/// use ergodic_samplers::EnsembleMove;
///
/// /// A step along the difference of the walker and one of the others: a stretch with a
/// /// log-normal factor e^{sξ}, whose Jacobian is e^{dsξ}.
/// #[derive(Clone)]
/// struct LogNormalStretch(f64);
/// impl EnsembleMove for LogNormalStretch {
///     fn propose<R: Randomness + ?Sized>(&self, x: &[f64], others: &[Vec<f64>], candidate: &mut [f64], rng: &mut R) -> f64 {
///         let other = &others[rng.index(others.len())];
///         let step = self.0 * rng.normal();
///         for ((c, x), o) in candidate.iter_mut().zip(x).zip(other) {
///             *c = o + step.exp() * (x - o);
///         }
///         step * x.len() as f64
///     }
/// }
/// ```
pub trait EnsembleMove: Clone {
    /// Writes a candidate for the walker at `x` and returns the logarithm of the Hastings factor
    /// and the Jacobian. There are at least two others.
    fn propose<R: Randomness + ?Sized>(
        &self,
        x: &[f64],
        others: &[Vec<f64>],
        candidate: &mut [f64],
        rng: &mut R,
    ) -> f64;
}

/// The stretch move of Goodman and Weare, *Comm. App. Math. Comp. Sci.* 5, 65 (2010):
/// `x′ = y + z (x − y)` for another walker `y`, `z` with density `∝ 1/√z` on `[1/a, a]`; factor
/// `z^{d−1}`.
///
/// ```
/// use ergodic_samplers::Stretch;
///
/// assert_eq!(Stretch::default(), Stretch::new(2.0)?);
/// assert!(Stretch::new(1.0).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    a: f64,
}

impl Stretch {
    /// With the largest factor `a > 1`; 2 is customary.
    ///
    /// # Errors
    /// If `a` is not finite and above 1.
    pub fn new(a: f64) -> Result<Self, ArgumentError> {
        if a > 1.0 && a.is_finite() {
            Ok(Self { a })
        } else {
            Err(ArgumentError::new("a", a, "a finite number above 1"))
        }
    }
}

impl Default for Stretch {
    fn default() -> Self {
        Self { a: 2.0 }
    }
}

impl EnsembleMove for Stretch {
    fn propose<R: Randomness + ?Sized>(
        &self,
        x: &[f64],
        others: &[Vec<f64>],
        candidate: &mut [f64],
        rng: &mut R,
    ) -> f64 {
        let other = &others[rng.index(others.len())];
        // P(z ≤ ζ) = (√ζ − √(1/a))/(√a − √(1/a)).
        let root = ((self.a - 1.0) * rng.uniform() + 1.0) / self.a.sqrt();
        let z = root * root;
        for ((c, x), y) in candidate.iter_mut().zip(x).zip(other) {
            *c = y + z * (x - y);
        }
        (x.len() - 1) as f64 * Real::ln(z)
    }
}

/// Differential evolution of ter Braak, *Stat. Comput.* 16, 239 (2006): `x′ = x + g (y₁ − y₂)` for
/// two others, `g = γ (1 + σ ξ)`, `ξ ∼ N(0, 1)`; symmetric.
///
/// The spread of `g` stands for the small noise that the paper adds to the coordinates, and keeps
/// the move affine invariant (Nelson, Ford and Payne, *ApJS* 210, 11, 2014). With probability
/// `jump` the step is `g = 1`, which leads from one mode to another.
///
/// ```
/// use ergodic_samplers::DifferentialEvolution;
///
/// let rule = DifferentialEvolution::for_dimension(5)?; // γ = 2.38/√(2d)
/// assert!((rule.gamma() - 2.38 / 10f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DifferentialEvolution {
    gamma: f64,
    sigma: f64,
    jump: f64,
}

impl DifferentialEvolution {
    /// With `γ`, the relative spread `σ`, and the probability of `g = 1`.
    ///
    /// # Errors
    /// If `γ` or `σ` is not finite and above 0, or `jump` is not in `[0, 1)`.
    pub fn new(gamma: f64, sigma: f64, jump: f64) -> Result<Self, ArgumentError> {
        for (name, value) in [("gamma", gamma), ("sigma", sigma)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(ArgumentError::new(name, value, "a finite number above 0"));
            }
        }
        if !(0.0..1.0).contains(&jump) {
            return Err(ArgumentError::new("jump", jump, "at least 0 and below 1"));
        }
        Ok(Self { gamma, sigma, jump })
    }

    /// The paper's `γ = 2.38/√(2d)`, with a spread of 0.1 and jumps in a tenth of the steps.
    ///
    /// # Errors
    /// If `dim` is 0.
    pub fn for_dimension(dim: usize) -> Result<Self, ArgumentError> {
        if dim == 0 {
            return Err(ArgumentError::new("dim", dim, "at least 1"));
        }
        Self::new(2.38 / (2.0 * dim as f64).sqrt(), 0.1, 0.1)
    }

    /// `γ`.
    pub const fn gamma(&self) -> f64 {
        self.gamma
    }
}

impl EnsembleMove for DifferentialEvolution {
    fn propose<R: Randomness + ?Sized>(
        &self,
        x: &[f64],
        others: &[Vec<f64>],
        candidate: &mut [f64],
        rng: &mut R,
    ) -> f64 {
        let first = rng.index(others.len());
        let second = rng.index(others.len() - 1);
        let second = second + usize::from(second >= first); // another one
        let g = if rng.bernoulli(self.jump) {
            1.0
        } else {
            self.gamma * (1.0 + self.sigma * rng.normal())
        };
        let pairs = others[first].iter().zip(&others[second]);
        for ((c, x), (a, b)) in candidate.iter_mut().zip(x).zip(pairs) {
            *c = x + g * (a - b);
        }
        0.0
    }
}

/// An ensemble of walkers, each with the law of the target, that propose from each other's
/// positions: its state is the whole [`Independent`] population.
///
/// The walkers stand in two halves. Every walker of the first is updated from the second, which
/// rests, then the other way round: an update from walkers that move at the same time would not
/// leave the product law invariant (Foreman-Mackey et al., *PASP* 125, 306, 2013). Each half-step
/// is reversible and their product is invariant. Both moves commute with affine maps of the space:
/// the scales and correlations of the target do not matter.
///
/// An even number of walkers, at least `2(d + 1)`: each half has to span the space, which is
/// checked at the start (walkers in a plane would stay in it for ever). From such a start the
/// kernel is ergodic for energies that are finite and bounded on bounded sets.
///
/// Cost: one energy per walker and step. The autocorrelation time is of order `d` steps, and
/// beyond some 20 dimensions the moves degrade further. Use it where there is no gradient and the
/// scales are unknown. Draws of one walker are not independent of those of the others: diagnose
/// the mean over the ensemble, or run several ensembles.
///
/// ```
/// use ergodic_core::{Independent, MarkovKernel, Randomness};
/// use ergodic_samplers::{Ensemble, Gaussian, Stretch};
///
/// // Correlation .99 and unlike scales, no tuning.
/// let target = Independent(Gaussian::new(vec![0.0; 2], &[1.0, 99.0, 99.0, 10_000.0])?);
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let start: Vec<Vec<f64>> = (0..10).map(|_| vec![rng.normal(), rng.normal()]).collect();
/// let mut kernel = Ensemble::new(Stretch::default());
/// let mut state = kernel.init(&target, &start)?;
/// let mut square = 0.0;
/// for step in 0..6000 {
///     kernel.step(&target, &mut state, &mut rng)?;
///     if step >= 1000 {
///         square += kernel.position(&target, &state).iter().map(|x| x[1] * x[1]).sum::<f64>() / 5e4;
///     }
/// }
/// assert!((square / 1e4 - 1.0).abs() < 0.2, "{square}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ensemble<M> {
    rule: M,
}

impl<M: EnsembleMove> Ensemble<M> {
    /// With the given move.
    pub const fn new(rule: M) -> Self {
        Self { rule }
    }
}

/// What an [`Ensemble`] carries: its walkers with their energies, and scratch.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
pub struct EnsembleState {
    walkers: Vec<Vec<f64>>,
    energies: Vec<f64>,
    candidate: Vec<f64>,
    /// Scratch of the check of a start.
    columns: Vec<f64>,
}

impl EnsembleState {
    /// The energies of the walkers in nats.
    pub fn energies(&self) -> &[f64] {
        &self.energies
    }
}

/// The walkers are enough, of one dimension, finite, and each half spans the space.
fn spans(walkers: &[Vec<f64>], scratch: &mut Vec<f64>) -> Result<(), TargetError> {
    let dim = walkers.first().map_or(0, Vec::len);
    if walkers.len() % 2 == 1 || walkers.len() < 2 * (dim + 1) {
        return Err(TargetError::new(format!(
            "there are {} walkers in {dim} dimensions, but there must be an even number, at least {}",
            walkers.len(),
            2 * (dim + 1)
        )));
    }
    for x in walkers {
        start::finite_start(x)?;
        if x.len() != dim {
            return Err(TargetError::dimension("a walker", x.len(), dim));
        }
    }
    for half in walkers.chunks(walkers.len() / 2) {
        if rank(half, dim, scratch) < dim {
            return Err(TargetError::new(
                "the walkers of one half lie in a plane, but must span the space: they would never \
                 leave it",
            ));
        }
    }
    Ok(())
}

/// The dimension of the affine hull, by elimination with full pivoting on coordinates that are
/// scaled to their spread.
fn rank(points: &[Vec<f64>], dim: usize, scratch: &mut Vec<f64>) -> usize {
    let length = points.len() - 1;
    if dim == 0 || length == 0 {
        return 0;
    }
    scratch.clear();
    scratch.resize(dim * length, 0.0);
    for (i, column) in scratch.chunks_exact_mut(length).enumerate() {
        let origin = points[0][i];
        for (c, x) in column.iter_mut().zip(&points[1..]) {
            *c = x[i] - origin;
        }
        let spread = column.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        if spread == 0.0 {
            return 0;
        }
        for c in column {
            *c /= spread;
        }
    }
    let mut columns = &mut scratch[..];
    let mut rank = 0;
    while rank < dim {
        let mut pivot = (0.0f64, 0, 0);
        for (j, column) in columns.chunks_exact(length).enumerate() {
            for (k, x) in column.iter().enumerate() {
                if x.abs() > pivot.0 {
                    pivot = (x.abs(), j, k);
                }
            }
        }
        let (size, j, k) = pivot;
        if size < 1e-13 {
            break;
        }
        // The pivot's column goes to the front, and is left out from then on.
        let (chosen, others) = columns.split_at_mut(length);
        if j > 0 {
            chosen.swap_with_slice(&mut others[(j - 1) * length..][..length]);
        }
        for column in others.chunks_exact_mut(length) {
            let factor = column[k] / chosen[k];
            for (c, p) in column.iter_mut().zip(&*chosen) {
                *c -= factor * p;
            }
        }
        columns = others;
        rank += 1;
    }
    rank
}

impl<T, M> MarkovKernel<Independent<T>> for Ensemble<M>
where
    T: Energy<State = [f64]>,
    M: EnsembleMove,
{
    type State = EnsembleState;
    type Info = SweepInfo;

    fn claims(&self) -> Claims {
        Claims::INVARIANT
    }

    fn init(
        &self,
        target: &Independent<T>,
        x: &Vec<Vec<f64>>,
    ) -> Result<EnsembleState, TargetError> {
        let mut columns = Vec::new();
        spans(x, &mut columns)?;
        Ok(EnsembleState {
            energies: x
                .iter()
                .map(|x| start::energy_at_start(&target.0, x))
                .collect::<Result<_, _>>()?,
            walkers: x.clone(),
            candidate: vec![0.0; x.first().map_or(0, Vec::len)],
            columns,
        })
    }

    fn position<'s>(&self, _: &Independent<T>, state: &'s EnsembleState) -> &'s Vec<Vec<f64>>
    where
        Independent<T>: 's,
    {
        &state.walkers
    }

    fn reset(
        &self,
        target: &Independent<T>,
        state: &mut EnsembleState,
        x: Option<&Vec<Vec<f64>>>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            spans(x, &mut state.columns)?;
        }
        let at = x.unwrap_or(&state.walkers);
        state.energies.resize(at.len(), 0.0);
        for (e, x) in state.energies.iter_mut().zip(at) {
            *e = start::energy_at_start(&target.0, x)?;
        }
        if let Some(x) = x {
            x.clone_into(&mut state.walkers);
            state.candidate.resize(x.first().map_or(0, Vec::len), 0.0);
        }
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &Independent<T>,
        state: &mut EnsembleState,
        rng: &mut R,
    ) -> Result<SweepInfo, TargetError> {
        let half = state.walkers.len() / 2;
        let mut info = SweepInfo::default();
        let (first, second) = state.walkers.split_at_mut(half);
        let (of_first, of_second) = state.energies.split_at_mut(half);
        let candidate = &mut state.candidate;
        self.half(target, first, of_first, second, candidate, &mut info, rng)?;
        self.half(target, second, of_second, first, candidate, &mut info, rng)?;
        Ok(info)
    }
}

impl<M: EnsembleMove> Ensemble<M> {
    /// Updates every walker of one half from the other.
    fn half<T, R>(
        &self,
        target: &Independent<T>,
        moving: &mut [Vec<f64>],
        energies: &mut [f64],
        resting: &[Vec<f64>],
        candidate: &mut Vec<f64>,
        info: &mut SweepInfo,
        rng: &mut R,
    ) -> Result<(), TargetError>
    where
        T: Energy<State = [f64]>,
        R: Randomness + ?Sized,
    {
        for (x, energy) in moving.iter_mut().zip(energies) {
            let log_factor = self.rule.propose(x, resting, candidate, rng);
            if log_factor.is_nan() || log_factor == f64::INFINITY {
                return Err(TargetError::non_finite(
                    "the factor of the move",
                    log_factor,
                ));
            }
            let proposed = start::proposed_energy(&target.0, candidate)?;
            let accepted = rng.bernoulli(Threshold.probability(*energy - proposed + log_factor));
            info.proposed += 1;
            info.accepted += usize::from(accepted);
            info.forbidden += usize::from(proposed == f64::INFINITY);
            if accepted {
                std::mem::swap(x, candidate);
                *energy = proposed;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ensembles_that_cannot_reach_the_space_are_refused() {
        let points = |n: usize, f: fn(f64) -> Vec<f64>| -> Vec<Vec<f64>> {
            (0..n).map(|k| f(k as f64)).collect()
        };
        let message = |w: &[Vec<f64>]| spans(w, &mut Vec::new()).unwrap_err().to_string();
        assert!(message(&[]).contains("0 walkers"));
        assert!(message(&points(7, |k| vec![k, k * k])).contains("7 walkers"));
        assert!(message(&points(4, |k| vec![k, k * k])).contains("at least 6"));
        assert!(message(&points(8, |k| vec![k, 3.0 * k + 1.0])).contains("plane"));
        assert!(message(&points(8, |k| vec![k, 2.0])).contains("plane"));
        let unlike = points(8, |k| vec![1e-9 * k, 1e9 * k * k + 1e10]);
        assert!(spans(&unlike, &mut Vec::new()).is_ok());
        let mut ragged = points(8, |k| vec![k, k * k]);
        ragged[3].push(0.0);
        assert!(message(&ragged).contains("length 3"));
    }
}
