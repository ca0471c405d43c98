//! Slice sampling along coordinates or random directions.

use ergodic_core::{
    ArgumentError, Claims, Energy, MarkovKernel, Randomness, Stationarity, StepInfo, StepStats,
    TargetError, WarmupStep,
};
use ergodic_math::Real;

use crate::line::{Along, Line};
use crate::{Expansion, Scan, start};

/// Along which lines a [`Slice`] sampler moves in one step.
///
/// ```
/// use ergodic_samplers::{Directions, Scan};
///
/// assert_eq!(Directions::default(), Directions::Coordinates(Scan::Sweep));
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// Along one coordinate, or each of them in order.
    Coordinates(Scan),
    /// Along one direction, uniform on the sphere.
    Isotropic,
}

impl Default for Directions {
    fn default() -> Self {
        Self::Coordinates(Scan::Sweep)
    }
}

/// Slice sampling: draw a height under the density at `x`, then a point of the slice of the line
/// at that height.
///
/// Neal, *Ann. Stat.* 31, 705 (2003). Along a line, `y = E(x) + Exp(1)`; the slice is
/// `{t : E(x + tu) ≤ y}`; an interval of width `w` placed at random around the position grows by
/// [stepping out or doubling](Expansion); points are drawn from it and it shrinks to those that
/// miss. Every update along a line is reversible and none is rejected. The step is reversible for a
/// random coordinate, the palindrome and a random direction, invariant for a sweep, and ergodic for
/// energies that are finite and bounded on bounded sets.
///
/// In a warm-up the widths are learnt, one per coordinate (one in all along directions):
/// `log w ← log w + (e − c)/(e + c + 1)/n^{0.6}` for `e` expansions and `c` contractions, which
/// balances the two (the idea of Karamanis and Beutler, *Stat. Comput.* 31, 61, 2021).
///
/// Cost: some 4 to 8 energies per line, whatever the scales, plus `log₂` of how wrong the width is
/// by doubling, or as many as it is wrong by stepping out. Use it where scales are unknown or vary,
/// in few dimensions or for nearly independent coordinates.
///
/// ```
/// use ergodic_core::MarkovKernel;
/// use ergodic_samplers::{Gaussian, Slice};
///
/// let target = Gaussian::independent(vec![0.0, 5.0], vec![0.1, 10.0])?;
/// let mut kernel = Slice::new(1.0)?;
/// let mut state = kernel.init(&target, &[0.0, 0.0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let mut square = [0.0; 2];
/// for _ in 0..20_000 {
///     kernel.step(&target, &mut state, &mut rng)?;
///     let x = kernel.position(&target, &state);
///     square[0] += (x[0] / 0.1).powi(2) / 2e4;
///     square[1] += ((x[1] - 5.0) / 10.0).powi(2) / 2e4;
/// }
/// assert!(square.iter().all(|s| (s - 1.0).abs() < 0.1), "{square:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// One for all lines, or one per coordinate.
    widths: Vec<f64>,
    expansion: Expansion,
    directions: Directions,
    /// Updates seen, per width.
    tuner: Option<Vec<f64>>,
}

impl Slice {
    /// With intervals that start at `width`, in the units of the coordinates: about the width of
    /// the target. A wrong one costs evaluations, never correctness.
    ///
    /// # Errors
    /// If the width is not finite and above 0.
    pub fn new(width: f64) -> Result<Self, ArgumentError> {
        Self::with_widths(vec![width])
    }

    /// With a width per coordinate.
    ///
    /// # Errors
    /// If there is none, or one is not finite and above 0.
    pub fn with_widths(widths: Vec<f64>) -> Result<Self, ArgumentError> {
        if widths.is_empty() {
            return Err(ArgumentError::new("width", "empty", "at least one number"));
        }
        if let Some(bad) = widths.iter().find(|w| !(**w > 0.0 && w.is_finite())) {
            return Err(ArgumentError::new("width", bad, "a finite number above 0"));
        }
        Ok(Self {
            widths,
            expansion: Expansion::default(),
            directions: Directions::default(),
            tuner: None,
        })
    }

    /// How the interval grows.
    ///
    /// # Errors
    /// If the limit of stepping out is 0, or that of doubling is above 60.
    pub fn expansion(mut self, expansion: Expansion) -> Result<Self, ArgumentError> {
        match expansion {
            Expansion::SteppingOut { limit: 0 } => {
                return Err(ArgumentError::new("limit", 0, "at least 1 width"));
            }
            Expansion::Doubling { limit } if limit > 60 => {
                return Err(ArgumentError::new("limit", limit, "at most 60 doublings"));
            }
            _ => self.expansion = expansion,
        }
        Ok(self)
    }

    /// Along which lines to move; by default along every coordinate in turn.
    pub fn directions(mut self, directions: Directions) -> Self {
        self.directions = directions;
        self
    }

    /// The widths: one for all lines, or one per coordinate.
    pub fn widths(&self) -> &[f64] {
        &self.widths
    }

    fn width(&self, coordinate: usize) -> f64 {
        // One for all, or one per coordinate: `init` has compared the lengths.
        match self.widths[..] {
            [width] => width,
            _ => self.widths[coordinate],
        }
    }

    fn shaped_for(&self, x: &[f64]) -> Result<(), TargetError> {
        start::finite_start(x)?;
        let expected = match self.directions {
            Directions::Isotropic => 1,
            Directions::Coordinates(_) => x.len(),
        };
        if self.widths.len() == 1 || self.widths.len() == expected {
            Ok(())
        } else {
            Err(TargetError::dimension(
                "the list of widths",
                self.widths.len(),
                expected,
            ))
        }
    }
}

/// What a [`Slice`] sampler carries: the position with its energy, and scratch.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
pub struct SliceState {
    position: Vec<f64>,
    energy: f64,
    /// Equals the position between two steps along coordinates.
    candidate: Vec<f64>,
    direction: Vec<f64>,
    /// Lines, expansions and contractions of the last step, per coordinate.
    tallies: Vec<[u32; 3]>,
}

impl SliceState {
    /// `E(x)` of the position in nats.
    pub const fn energy(&self) -> f64 {
        self.energy
    }
}

/// What a slice-sampling step did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SliceInfo {
    /// Evaluations of the energy.
    pub energies: u64,
    /// Steps out, or doublings.
    pub expansions: u64,
    /// Points that missed the slice.
    pub contractions: u64,
    /// The energy after the step.
    pub energy: f64,
}

impl StepInfo for SliceInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            energy: Some(self.energy),
            energies: self.energies,
            ..StepStats::default()
        }
    }
}

/// A direction uniform on the sphere: normals, scaled to length 1. In the event of probability 0
/// that all of them are 0, the first axis.
pub(crate) fn isotropic<R: Randomness + ?Sized>(direction: &mut [f64], rng: &mut R) {
    rng.fill_normal(direction);
    let norm = direction.iter().map(|u| u * u).sum::<f64>().sqrt();
    if norm > 0.0 {
        for u in direction.iter_mut() {
            *u /= norm;
        }
    } else if let Some(first) = direction.first_mut() {
        *first = 1.0;
    }
}

impl Slice {
    /// One update along one line.
    fn update<T, R>(
        &self,
        target: &T,
        state: &mut SliceState,
        coordinate: Option<usize>,
        info: &mut SliceInfo,
        rng: &mut R,
    ) -> Result<(), TargetError>
    where
        T: Energy<State = [f64]> + ?Sized,
        R: Randomness + ?Sized,
    {
        let mut line = Line {
            target,
            origin: &state.position,
            candidate: &mut state.candidate,
            along: coordinate.map_or(Along::Vector(&state.direction), Along::Coordinate),
            energies: 0,
        };
        let index = coordinate.unwrap_or(0);
        let done = line.slice(state.energy, self.width(index), self.expansion, rng)?;
        info.energies += line.energies;
        info.expansions += u64::from(done.expansions);
        info.contractions += u64::from(done.shrinks);
        let tally = &mut state.tallies[index];
        tally[0] += 1;
        tally[1] += done.expansions;
        tally[2] += done.shrinks;
        state.energy = done.energy;
        match coordinate {
            Some(i) => state.position[i] = state.candidate[i],
            None => state.position.copy_from_slice(&state.candidate),
        }
        Ok(())
    }
}

impl<T: Energy<State = [f64]> + ?Sized> MarkovKernel<T> for Slice {
    type State = SliceState;
    type Info = SliceInfo;

    fn claims(&self) -> Claims {
        Claims {
            stationarity: match self.directions {
                Directions::Coordinates(scan) if !scan.is_reversible() => Stationarity::Invariant,
                _ => Stationarity::Reversible,
            },
            ergodic: true,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<SliceState, TargetError> {
        self.shaped_for(x)?;
        Ok(SliceState {
            energy: start::energy_at_start(target, x)?,
            position: x.to_vec(),
            candidate: x.to_vec(),
            direction: vec![0.0; x.len()],
            tallies: vec![[0; 3]; x.len()],
        })
    }

    fn position<'s>(&self, _: &T, state: &'s SliceState) -> &'s [f64]
    where
        T: 's,
    {
        &state.position
    }

    fn reset(
        &self,
        target: &T,
        state: &mut SliceState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            self.shaped_for(x)?;
            if x.len() != state.position.len() {
                *state = self.init(target, x)?;
                return Ok(());
            }
        }
        state.energy = start::energy_at_start(target, x.unwrap_or(&state.position))?;
        if let Some(x) = x {
            state.position.copy_from_slice(x);
        }
        // An update that failed may have left the candidate elsewhere.
        state.candidate.copy_from_slice(&state.position);
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut SliceState,
        rng: &mut R,
    ) -> Result<SliceInfo, TargetError> {
        let dim = state.position.len();
        let mut info = SliceInfo::default();
        state.tallies.fill([0; 3]);
        match self.directions {
            Directions::Isotropic => {
                isotropic(&mut state.direction, rng);
                self.update(target, state, None, &mut info, rng)?;
            }
            Directions::Coordinates(Scan::Random) => {
                let i = rng.index(dim);
                self.update(target, state, Some(i), &mut info, rng)?;
            }
            Directions::Coordinates(Scan::Sweep) => {
                for i in 0..dim {
                    self.update(target, state, Some(i), &mut info, rng)?;
                }
            }
            Directions::Coordinates(Scan::Palindrome) => {
                for i in (0..dim).chain((0..dim - 1).rev()) {
                    self.update(target, state, Some(i), &mut info, rng)?;
                }
            }
        }
        info.energy = state.energy;
        Ok(info)
    }

    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        _: &T,
        state: &mut SliceState,
        info: Option<&SliceInfo>,
        at: WarmupStep,
        _: &mut R,
    ) -> Result<(), TargetError> {
        let lines = match self.directions {
            Directions::Coordinates(_) => state.position.len(),
            Directions::Isotropic => 1,
        };
        if self.widths.len() != lines {
            self.widths = vec![self.widths[0]; lines];
        }
        let mut seen = match self.tuner.take() {
            Some(seen) if !at.is_first() => seen,
            _ => vec![0.0; lines],
        };
        if info.is_some() {
            for ((width, seen), tally) in self
                .widths
                .iter_mut()
                .zip(seen.iter_mut())
                .zip(&state.tallies)
            {
                let [count, expansions, contractions] = tally.map(f64::from);
                if count == 0.0 {
                    continue;
                }
                *seen += 1.0;
                let balance = (expansions - contractions) / (expansions + contractions + count);
                let next = *width * Real::exp(balance * Real::exp(-0.6 * Real::ln(*seen)));
                if next.is_finite() && next > 0.0 {
                    *width = next;
                }
            }
        }
        if !at.is_last() {
            self.tuner = Some(seen);
        }
        Ok(())
    }
}
