//! A straight line through the position, and one slice-sampling update along it.

use ergodic_core::{Energy, Randomness, TargetError};

use crate::start;

/// How the interval around the position grows until it leaves the slice (Neal, *Ann. Stat.* 31,
/// 705, 2003).
///
/// Both leave the target invariant whatever the width and the limit.
///
/// ```
/// use ergodic_samplers::Expansion;
///
/// assert_eq!(Expansion::default(), Expansion::SteppingOut { limit: 64 });
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expansion {
    /// Width by width in both directions, to `limit ≥ 1` widths at most (Neal's figure 3).
    SteppingOut {
        /// The largest interval, in widths.
        limit: u32,
    },
    /// Doubling on a random side, `limit` times at most (figures 4 and 6): finds a wide slice in
    /// few evaluations, and needs a few more to accept a point.
    Doubling {
        /// The largest number of doublings, at most 60.
        limit: u32,
    },
}

impl Default for Expansion {
    fn default() -> Self {
        Self::SteppingOut { limit: 64 }
    }
}

/// Which way a line goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Along<'a> {
    /// Along one coordinate; `candidate` equals the origin in all others.
    Coordinate(usize),
    /// Along a vector.
    Vector(&'a [f64]),
}

/// `x + t u`, written into `candidate` where an energy is asked for.
pub(crate) struct Line<'a, T: ?Sized> {
    pub(crate) target: &'a T,
    pub(crate) origin: &'a [f64],
    pub(crate) candidate: &'a mut [f64],
    pub(crate) along: Along<'a>,
    pub(crate) energies: u64,
}

/// What one update along a line did; the new position is in `candidate`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sliced {
    pub(crate) energy: f64,
    pub(crate) expansions: u32,
    pub(crate) shrinks: u32,
}

impl<T: Energy<State = [f64]> + ?Sized> Line<'_, T> {
    /// Puts the candidate at `t`.
    pub(crate) fn place(&mut self, t: f64) {
        match self.along {
            Along::Coordinate(i) => self.candidate[i] = self.origin[i] + t,
            Along::Vector(u) => {
                for ((c, x), u) in self.candidate.iter_mut().zip(self.origin).zip(u) {
                    *c = x + t * u;
                }
            }
        }
    }

    fn energy(&mut self, t: f64) -> Result<f64, TargetError> {
        self.place(t);
        self.energies += 1;
        start::proposed_energy(self.target, self.candidate)
    }

    /// Whether the candidate is the origin to the last bit.
    fn is_back(&self) -> bool {
        match self.along {
            Along::Coordinate(i) => self.candidate[i] == self.origin[i],
            Along::Vector(_) => *self.candidate == *self.origin,
        }
    }

    /// One slice-sampling update, `energy` being that of the origin.
    ///
    /// The height of the slice is `E(x) + e`, `e ∼ Exp(1)`: the uniform height under the density,
    /// in logarithms. The slice contains the origin, so the shrinkage ends there at the latest.
    pub(crate) fn slice<R: Randomness + ?Sized>(
        &mut self,
        energy: f64,
        width: f64,
        expansion: Expansion,
        rng: &mut R,
    ) -> Result<Sliced, TargetError> {
        let level = energy + rng.exponential();
        let mut lower = -width * rng.uniform();
        let mut upper = lower + width;
        let mut expansions = 0;
        match expansion {
            Expansion::SteppingOut { limit } => {
                // The limit is shared between the sides at random, or the way back would differ.
                let left = rng.index(limit as usize) as u32;
                for _ in 0..left {
                    if self.energy(lower)? > level {
                        break;
                    }
                    lower -= width;
                    expansions += 1;
                }
                for _ in 0..limit - 1 - left {
                    if self.energy(upper)? > level {
                        break;
                    }
                    upper += width;
                    expansions += 1;
                }
            }
            Expansion::Doubling { limit } => {
                while expansions < limit
                    && (self.energy(lower)? <= level || self.energy(upper)? <= level)
                {
                    if rng.bernoulli(0.5) {
                        lower -= upper - lower;
                    } else {
                        upper += upper - lower;
                    }
                    expansions += 1;
                }
            }
        }
        if !(upper - lower).is_finite() {
            // Nothing could be drawn from it, and the shrinkage would not end.
            return Err(TargetError::new(
                "the target is not bounded along a line: its slice does not end",
            ));
        }
        let (start, mut shrinks) = ((lower, upper), 0);
        loop {
            let t = lower + (upper - lower) * rng.uniform();
            let found = self.energy(t)?;
            if self.is_back() {
                // Rounding has made the interval a point: a target whose answers vary from call
                // to call must not keep the loop from ending.
                return Ok(Sliced {
                    energy,
                    expansions,
                    shrinks,
                });
            }
            if found <= level {
                let accept = match expansion {
                    Expansion::SteppingOut { .. } => true,
                    Expansion::Doubling { .. } => self.leads_back(t, width, start, level)?,
                };
                if accept {
                    self.place(t);
                    return Ok(Sliced {
                        energy: found,
                        expansions,
                        shrinks,
                    });
                }
            }
            shrinks += 1;
            if t < 0.0 {
                lower = t;
            } else {
                upper = t;
            }
        }
    }

    /// Whether doubling from `t` could have made the same interval (Neal's figure 6).
    fn leads_back(
        &mut self,
        t: f64,
        width: f64,
        (mut lower, mut upper): (f64, f64),
        level: f64,
    ) -> Result<bool, TargetError> {
        let mut differ = false;
        while upper - lower > 1.1 * width {
            let middle = 0.5 * lower + 0.5 * upper;
            differ |= (0.0 < middle) != (t < middle);
            if t < middle {
                upper = middle;
            } else {
                lower = middle;
            }
            if differ && self.energy(lower)? > level && self.energy(upper)? > level {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
