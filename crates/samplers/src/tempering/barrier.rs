//! The communication barrier: how hard it is for a replica to cross from the base to the target.

use ergodic_core::ArgumentError;

use super::TemperatureLadder;

/// What a pair that was never seen to reject counts for, so that the barrier rises everywhere and
/// can be inverted; far below what any run resolves.
const LEAST_REJECTION: f64 = 1e-9;

/// The communication barrier along a ladder, `Λ(t) = ∫ λ(s) ds`.
///
/// With `rᵢ` the mean rejection probability of swaps between levels `i` and `i + 1`,
/// `Λ(t_k) = Σ_{i<k} rᵢ + O(N⁻²)`, where the local barrier `λ(t) = ½ E|V(X) − V(Y)|`, `X` and `Y`
/// independent draws at `t`, `V = ∂E_t/∂t` (Syed, Bouchard-Côté, Deligiannidis and Doucet,
/// *J. R. Statist. Soc. B* 84, 321 (2022)). Between levels it is interpolated by the
/// monotone cubic of Fritsch and Carlson, *SIAM J. Numer. Anal.* 17, 238 (1980), so that `λ ≥ 0`.
///
/// Non-reversible tempering on `N` equal rejections completes
/// `1/(2 + 2 Σ rᵢ/(1 − rᵢ)) → 1/(2 + 2Λ)` round trips per scan, whatever `N`; reversible swaps
/// `1/(2N + 2Σ rᵢ/(1 − rᵢ)) → 0`.
///
/// ```
/// use ergodic_samplers::{Barrier, TemperatureLadder};
///
/// let ladder = TemperatureLadder::new(vec![0.0, 0.1, 1.0])?;
/// let barrier = Barrier::new(&ladder, &[0.3, 0.3])?;
/// assert!((barrier.total() - 0.6).abs() < 1e-15);
/// assert!(barrier.local(0.05) > barrier.local(0.5));
/// // Equal rejections already: nothing to move.
/// assert!((barrier.equalised(3)?.levels()[1] - 0.1).abs() < 1e-9);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Barrier {
    levels: Vec<f64>,
    rejections: Vec<f64>,
    cumulative: Vec<f64>,
    slopes: Vec<f64>,
}

impl Barrier {
    /// From the rejection probabilities of the pairs of a ladder.
    ///
    /// # Errors
    /// If there is not one per pair, or one outside `[0, 1]`.
    pub fn new(ladder: &TemperatureLadder, rejections: &[f64]) -> Result<Self, ArgumentError> {
        let valid = rejections.iter().all(|r| (0.0..=1.0).contains(r));
        if rejections.len() != ladder.pairs() || !valid {
            return Err(ArgumentError::new(
                "rejections",
                format!("{rejections:?}"),
                format!("{} numbers in [0, 1]", ladder.pairs()),
            ));
        }
        let levels = ladder.levels().to_vec();
        let mut cumulative = vec![0.0; levels.len()];
        for (i, r) in rejections.iter().enumerate() {
            cumulative[i + 1] = cumulative[i] + r;
        }
        let slopes = monotone_slopes(&levels, &cumulative);
        Ok(Self {
            levels,
            rejections: rejections.to_vec(),
            cumulative,
            slopes,
        })
    }

    /// `Λ`, the whole barrier.
    pub fn total(&self) -> f64 {
        self.cumulative[self.cumulative.len() - 1]
    }

    /// The rejection probability of each pair.
    pub fn rejections(&self) -> &[f64] {
        &self.rejections
    }

    /// The round trips per scan that non-reversible swaps reach on the best ladder of many levels,
    /// `1/(2 + 2Λ)`.
    pub fn best_rate(&self) -> f64 {
        1.0 / (2.0 + 2.0 * self.total())
    }

    /// The round trips per scan that these rejections allow if moves within a level forget where
    /// they were: `1/(2 + 2Σ rᵢ/(1 − rᵢ))` for non-reversible swaps,
    /// `1/(2N + 2Σ rᵢ/(1 − rᵢ))` for reversible ones. Zero if a pair never accepts.
    pub fn predicted_rate(&self, non_reversible: bool) -> f64 {
        let mut inefficiency = 0.0;
        for r in &self.rejections {
            if *r == 1.0 {
                return 0.0;
            }
            inefficiency += r / (1.0 - r);
        }
        let steps = if non_reversible {
            1.0
        } else {
            self.rejections.len() as f64
        };
        1.0 / (2.0 * steps + 2.0 * inefficiency)
    }

    /// `2⌈Λ⌉ + 1` levels: for one run on as many cores as there are levels nothing is gained beyond
    /// about two per unit of the barrier.
    pub fn suggested_levels(&self) -> usize {
        2 * self.total().ceil() as usize + 1
    }

    /// The place of `t` among the levels, and its share of the step there.
    fn locate(&self, t: f64) -> (usize, f64) {
        let last = self.levels.len() - 2;
        let i = self
            .levels
            .partition_point(|l| *l <= t)
            .saturating_sub(1)
            .min(last);
        let h = self.levels[i + 1] - self.levels[i];
        (i, (t - self.levels[i]) / h)
    }

    /// `Λ(t)` for `t` between the ends of the ladder; constant outside.
    pub fn cumulative(&self, t: f64) -> f64 {
        if t <= self.levels[0] {
            return 0.0;
        }
        if t >= self.levels[self.levels.len() - 1] {
            return self.total();
        }
        let (i, s) = self.locate(t);
        cubic(
            s,
            self.levels[i + 1] - self.levels[i],
            [self.cumulative[i], self.cumulative[i + 1]],
            [self.slopes[i], self.slopes[i + 1]],
        )
    }

    /// `λ(t) = dΛ/dt` for `t` between the ends of the ladder; 0 outside.
    pub fn local(&self, t: f64) -> f64 {
        if !(self.levels[0]..=self.levels[self.levels.len() - 1]).contains(&t) {
            return 0.0;
        }
        let (i, s) = self.locate(t);
        let h = self.levels[i + 1] - self.levels[i];
        let chord = (self.cumulative[i + 1] - self.cumulative[i]) / h;
        let [a, b] = [self.slopes[i], self.slopes[i + 1]];
        6.0 * s * (1.0 - s) * chord + a * (1.0 - s) * (1.0 - 3.0 * s) + b * s * (3.0 * s - 2.0)
    }

    /// The ladder of `levels` levels between the same ends with equal rejections, by inverting
    /// the interpolated `Λ(t)` at `k Λ/N`.
    ///
    /// # Errors
    /// If `levels` is below 2, or so many that neighbours coincide in `f64`.
    pub fn equalised(&self, levels: usize) -> Result<TemperatureLadder, ArgumentError> {
        if levels < 2 {
            return Err(ArgumentError::new("levels", levels, "at least 2"));
        }
        // Made to rise everywhere, so that it has an inverse.
        let mut risen = self.cumulative.clone();
        for (i, c) in risen.iter_mut().enumerate() {
            *c += i as f64 * LEAST_REJECTION;
        }
        let slopes = monotone_slopes(&self.levels, &risen);
        let (first, last) = (self.levels[0], self.levels[self.levels.len() - 1]);
        let total = risen[risen.len() - 1];
        let mut made = Vec::with_capacity(levels);
        made.push(first);
        for k in 1..levels - 1 {
            let goal = total * k as f64 / (levels - 1) as f64;
            let i = risen
                .partition_point(|c| *c <= goal)
                .saturating_sub(1)
                .min(risen.len() - 2);
            let h = self.levels[i + 1] - self.levels[i];
            let value = |s: f64| cubic(s, h, [risen[i], risen[i + 1]], [slopes[i], slopes[i + 1]]);
            // Monotone on the step: sixty halvings reach the last bit.
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if value(middle) < goal {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            made.push(self.levels[i] + h * (0.5 * (low + high)));
        }
        made.push(last);
        TemperatureLadder::new(made)
    }
}

/// The cubic on a step of width `h` with values `c` and slopes `d` at its ends.
fn cubic(s: f64, h: f64, c: [f64; 2], d: [f64; 2]) -> f64 {
    let r = 1.0 - s;
    let smooth = s * s * (3.0 - 2.0 * s);
    c[0] + (c[1] - c[0]) * smooth + h * s * r * (d[0] * r - d[1] * s)
}

/// Slopes of the monotone cubic interpolant: a weighted harmonic mean of neighbouring chords (Fritsch
/// and Butland, *SIAM J. Sci. Stat. Comput.* 5, 300 (1984)), one-sided at the ends.
fn monotone_slopes(x: &[f64], y: &[f64]) -> Vec<f64> {
    let n = x.len();
    let width = |i: usize| x[i + 1] - x[i];
    let chord = |i: usize| (y[i + 1] - y[i]) / width(i);
    if n == 2 {
        return vec![chord(0); 2];
    }
    let mut slopes = vec![0.0; n];
    for i in 1..n - 1 {
        let (a, b) = (chord(i - 1), chord(i));
        if a > 0.0 && b > 0.0 {
            let (v, w) = (2.0 * width(i) + width(i - 1), width(i) + 2.0 * width(i - 1));
            slopes[i] = (v + w) / (v / a + w / b);
        }
    }
    let end = |near: usize, far: usize| {
        let (h, g) = (width(near), width(far));
        let (a, b) = (chord(near), chord(far));
        let slope = ((2.0 * h + g) * a - h * b) / (h + g);
        if slope <= 0.0 {
            0.0
        } else if slope > 3.0 * a {
            3.0 * a
        } else {
            slope
        }
    };
    slopes[0] = end(0, 1);
    slopes[n - 1] = end(n - 2, n - 3);
    slopes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steep() -> Barrier {
        let ladder = TemperatureLadder::new(vec![0.0, 0.01, 0.1, 0.5, 0.6, 1.0]).unwrap();
        Barrier::new(&ladder, &[0.9, 0.2, 0.0, 0.7, 0.05]).unwrap()
    }

    #[test]
    fn the_interpolated_barrier_rises_and_meets_its_levels() {
        let barrier = steep();
        let mut before = 0.0;
        for k in 0..=10_000 {
            let t = f64::from(k) / 10_000.0;
            let now = barrier.cumulative(t);
            assert!(now >= before - 1e-15, "falls at {t}");
            assert!(barrier.local(t) >= -1e-12, "λ({t}) = {}", barrier.local(t));
            before = now;
        }
        assert!((barrier.cumulative(0.5) - 1.1).abs() < 1e-14);
        assert_eq!(barrier.cumulative(0.3), barrier.cumulative(0.1)); // no rejection there
        assert!((barrier.total() - 1.85).abs() < 1e-14);
        assert_eq!(barrier.suggested_levels(), 5);
    }

    #[test]
    fn the_local_barrier_is_the_derivative() {
        let barrier = steep();
        for k in 1..200 {
            let (t, h) = (f64::from(k) / 200.0 + 1e-3, 1e-7);
            if t + h < 1.0 {
                let slope = (barrier.cumulative(t + h) - barrier.cumulative(t - h)) / (2.0 * h);
                assert!(
                    (slope - barrier.local(t)).abs() < 1e-5 * (1.0 + slope),
                    "{t}"
                );
            }
        }
    }

    #[test]
    fn an_equalised_ladder_has_equal_shares_of_the_barrier() {
        let barrier = steep();
        for levels in [2, 3, 7, 40] {
            let ladder = barrier.equalised(levels).unwrap();
            assert_eq!(ladder.len(), levels);
            for (k, t) in ladder.levels().iter().enumerate() {
                let share = barrier.total() * k as f64 / (levels - 1) as f64;
                assert!((barrier.cumulative(*t) - share).abs() < 1e-7);
            }
        }
    }

    #[test]
    fn a_ladder_that_never_rejects_stays_as_it_is() {
        let ladder = TemperatureLadder::new(vec![0.0, 0.3, 0.4, 1.0]).unwrap();
        let barrier = Barrier::new(&ladder, &[0.0; 3]).unwrap();
        let same = barrier.equalised(4).unwrap();
        for (a, b) in same.levels().iter().zip(ladder.levels()) {
            assert!((a - b).abs() < 1e-12);
        }
        assert_eq!(barrier.best_rate(), 0.5);
        assert_eq!(barrier.predicted_rate(true), 0.5);
        assert_eq!(barrier.predicted_rate(false), 1.0 / 6.0);
    }

    #[test]
    fn rejections_outside_their_domain_are_typed_errors() {
        let ladder = TemperatureLadder::linear(0.0, 1.0, 2).unwrap();
        for r in [&[0.1][..], &[0.1, 1.1], &[0.1, f64::NAN]] {
            assert_eq!(Barrier::new(&ladder, r).unwrap_err().argument, "rejections");
        }
        // r/(1 − r) is 1 and 3: 1/(2 + 8) and 1/(4 + 8).
        let barrier = Barrier::new(&ladder, &[0.5, 0.75]).unwrap();
        assert!((barrier.predicted_rate(true) - 0.1).abs() < 1e-15);
        assert!((barrier.predicted_rate(false) - 1.0 / 12.0).abs() < 1e-15);
        assert!((barrier.best_rate() - 1.0 / 4.5).abs() < 1e-15);
        let blocked = Barrier::new(&ladder, &[0.1, 1.0]).unwrap();
        assert_eq!(blocked.predicted_rate(true), 0.0);
    }
}
