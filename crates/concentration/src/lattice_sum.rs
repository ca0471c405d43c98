//! The exact law of sums of independent lattice variables, with relative accuracy in the tails.

use ergodic_core::{ArgumentError, Interval};
use ergodic_math::Real;
use ergodic_math::special::log1m_exp;

use crate::cumulants::{CumulantGenerating, Cumulants, Lattice};
use crate::lattice::{LatticeLaw, moments, real_gcd};
use crate::types::sample_size;
use crate::window::Window;

/// The unit roundoff.
const UNIT: f64 = 0.5 * f64::EPSILON;

/// Mass that a window may leave out at each end in each convolution: first try, and for laws on which
/// that shows.
const NEGLIGIBLE: [f64; 2] = [1e-32, 1e-290];

/// A relative error from what was left out above which the second try is made, unless rounding has as much.
const SHOWS: f64 = 1e-9;

/// A probability with a bound of its numerical error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExactProbability {
    /// `log P` in nats; `−∞` of the impossible.
    pub log_probability: f64,
    /// A bound of the relative error of `P` from rounding, truncation and transforms, given the
    /// probabilities of the summands as they are stored.
    pub relative_error: f64,
}

impl ExactProbability {
    /// `P`, 0 below the range of `f64`.
    pub fn probability(&self) -> f64 {
        Real::exp(self.log_probability)
    }

    fn certain(log_probability: f64, relative_error: f64) -> Self {
        Self {
            log_probability,
            relative_error,
        }
    }

    fn complement(self) -> Result<Self, ArgumentError> {
        let p = self.probability();
        let log_probability = log1m_exp(self.log_probability.min(0.0))
            .map_err(|e| ArgumentError::new("probability", e, "at most 1"))?;
        let rest = Real::exp(log_probability);
        Ok(Self {
            log_probability,
            relative_error: if rest > 0.0 {
                p * self.relative_error / rest + 4.0 * UNIT
            } else {
                f64::INFINITY
            },
        })
    }
}

/// The sum of independent lattice variables, `n` of one law or of several.
///
/// Each question is answered by tilting all summands to the threshold first, `pᵢ e^{ti − K(t)}` with
/// `K′(t)` at the threshold, convolving the tilted laws by repeated squaring, and untilting the points
/// asked for. Under the tilted law the threshold is in the bulk, so that the answer keeps its *relative*
/// accuracy however small it is, where a plain transform stops at 1e-16. Small convolutions are sums of
/// positive products, larger ones transforms, whose absolute error is at the scale of the bulk; both have the same
/// bits on every machine. Each answer comes with a bound of its relative error; about `n·ε` is inherent, as that is
/// what rounding the probabilities of a summand does.
///
/// Cost: `O(n σ²/spacing²)` with a factor of about 10³ while convolutions are direct (up to 2²⁸
/// multiplications), above `O(σ√n log n)`; the window holds ±12 standard deviations. Exponential tilting
/// before a transform is Wilson and Keich's (*J. Comput. Biol.* 22, 2015; *Sankhyā B* 78, 2016).
///
/// Thresholds within 1e-9 of the spacing of a lattice point are taken as that point.
///
/// ```
/// use ergodic_concentration::{LatticeLaw, LatticeSum};
///
/// let coins = LatticeSum::new(LatticeLaw::bernoulli(0.5)?, 100)?;
/// let exact = coins.at_least(80.0)?;
/// assert!((exact.probability() / 5.579544528625974e-10 - 1.0).abs() < 1e-12);
/// assert!(exact.relative_error < 1e-12);
/// assert!((coins.at_least(100.0)?.log_probability + 100.0 * 2f64.ln()).abs() < 1e-13);
/// assert!(coins.at_least(101.0).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LatticeSum {
    summands: Vec<(LatticeLaw, u64)>,
    /// Of each summand: its spacing in units of the common one.
    strides: Vec<usize>,
    lattice: Lattice,
    /// The index of the largest value; that of the least is 0.
    last: i64,
}

/// Indices of the points asked for, and where the tilt goes.
struct Range {
    low: i64,
    high: i64,
    at: i64,
}

impl LatticeSum {
    /// Of `n ≥ 1` independent draws from one law.
    ///
    /// # Errors
    /// If `n` is 0, or the sum has more than 2⁵² lattice points.
    pub fn new(law: LatticeLaw, n: u64) -> Result<Self, ArgumentError> {
        Self::of_several(vec![(law, n)])
    }

    /// Of independent draws, `n` of each law. The laws may be on different lattices, if those have a common
    /// refinement.
    ///
    /// # Errors
    /// If there is no law, an `n` is 0, the spacings have no common divisor, or the sum has more than 2⁵²
    /// lattice points.
    ///
    /// ```
    /// use ergodic_concentration::{LatticeLaw, LatticeSum};
    ///
    /// // Two dice and a coin worth 2½.
    /// let coin = LatticeLaw::new(0.0, 2.5, &[0.5, 0.5])?;
    /// let sum = LatticeSum::of_several(vec![(LatticeLaw::die(6)?, 2), (coin, 1)])?;
    /// assert!((sum.equal(9.5)?.probability() - 6.0 / 72.0).abs() < 1e-15);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn of_several(summands: Vec<(LatticeLaw, u64)>) -> Result<Self, ArgumentError> {
        let moving = || summands.iter().filter(|(l, _)| l.probabilities().len() > 1);
        let largest = moving().fold(0.0, |m, (l, _)| f64::max(m, l.spacing()));
        let spacing = moving().fold(0.0, |d, (l, _)| real_gcd(d, l.spacing(), 1e-9 * largest));
        let spacing = if spacing > 0.0 { spacing } else { 1.0 };
        let (mut origin, mut last) = (0.0, 0u64);
        let mut strides = Vec::with_capacity(summands.len());
        for (law, n) in &summands {
            sample_size(*n)?;
            let fixed = law.probabilities().len() == 1;
            let stride = if fixed { 1.0 } else { law.spacing() / spacing };
            if (stride - stride.round()).abs() > 1e-6 || stride > 1e9 {
                return Err(ArgumentError::new(
                    "summands",
                    format!("on lattices of spacings {largest} and {}", law.spacing()),
                    "on lattices with a common refinement",
                ));
            }
            let stride = stride.round() as usize;
            strides.push(stride);
            origin += law.origin() * *n as f64;
            let reach = (law.probabilities().len() as u64 - 1) * stride as u64;
            last = match reach.checked_mul(*n).and_then(|r| last.checked_add(r)) {
                Some(last) if last <= 1 << 52 => last,
                _ => {
                    return Err(ArgumentError::new(
                        "n",
                        n,
                        "small enough for 2^52 lattice points of the sum",
                    ));
                }
            };
        }
        if summands.is_empty() {
            return Err(ArgumentError::new("summands", "empty", "at least one law"));
        }
        let largest = origin + spacing * last as f64;
        if !(origin.is_finite() && largest.is_finite()) {
            let found = if origin.is_finite() { largest } else { origin };
            return Err(ArgumentError::new("summands", found, "of a finite sum"));
        }
        Ok(Self {
            summands,
            strides,
            lattice: Lattice { origin, spacing },
            last: last as i64,
        })
    }

    /// The laws and how many draws there are of each.
    pub fn summands(&self) -> &[(LatticeLaw, u64)] {
        &self.summands
    }

    /// The number of draws in all.
    pub fn draws(&self) -> u64 {
        self.summands.iter().map(|s| s.1).sum()
    }

    /// The mean of the sum.
    pub fn mean(&self) -> f64 {
        self.summands
            .iter()
            .map(|(l, n)| *n as f64 * l.mean())
            .sum()
    }

    /// The whole law of the sum, each mass to relative accuracy down to 1e-290, below which it is left out; from
    /// some 10⁴ points on, where transforms take over, down to about 1e-17 of the largest.
    ///
    /// # Errors
    /// If there are more than [`MOST_POINTS`](crate::MOST_POINTS).
    ///
    /// ```
    /// use ergodic_concentration::{LatticeLaw, LatticeSum};
    ///
    /// let two = LatticeSum::new(LatticeLaw::die(6)?, 2)?.law()?;
    /// assert!((two.probabilities()[5] - 6.0 / 36.0).abs() < 1e-16);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn law(&self) -> Result<LatticeLaw, ArgumentError> {
        let window = self.tilted(0.0, 0.0)?.window;
        let total = ergodic_math::reduce::sum(&window.masses);
        let masses: Vec<f64> = window.masses.iter().map(|m| m / total).collect();
        LatticeLaw::new(self.value(window.first), self.lattice.spacing, &masses)
    }

    fn value(&self, index: i64) -> f64 {
        self.lattice.origin + self.lattice.spacing * index as f64
    }

    /// The index of a threshold, rounded as told, if it is within the support.
    fn index(
        &self,
        argument: &'static str,
        x: f64,
        round: fn(f64) -> f64,
    ) -> Result<i64, ArgumentError> {
        let index = round(self.lattice.index(x));
        if index >= 0.0 && index <= self.last as f64 {
            return Ok(index as i64);
        }
        Err(ArgumentError::new(
            argument,
            x,
            format!(
                "between {} and {}, the ends of the support of the sum",
                self.value(0),
                self.value(self.last)
            ),
        ))
    }

    /// `P(S ≥ threshold)`.
    ///
    /// # Errors
    /// If the threshold is outside the support of the sum, or the window is too long.
    pub fn at_least(&self, threshold: f64) -> Result<ExactProbability, ArgumentError> {
        self.tail_from(self.index("threshold", threshold, f64::ceil)?)
    }

    /// `P(S ≤ threshold)`.
    ///
    /// # Errors
    /// As [`at_least`](Self::at_least).
    pub fn at_most(&self, threshold: f64) -> Result<ExactProbability, ArgumentError> {
        self.tail_to(self.index("threshold", threshold, f64::floor)?)
    }

    /// `P(S = value)`.
    ///
    /// # Errors
    /// As [`at_least`](Self::at_least); and if the value is no point of the lattice.
    pub fn equal(&self, value: f64) -> Result<ExactProbability, ArgumentError> {
        let index = self.index("value", value, |i| i)?;
        if self.lattice.index(value) != index as f64 {
            let Lattice { origin, spacing } = self.lattice;
            let allowed = format!("a point of the lattice {origin} + {spacing}·ℤ");
            return Err(ArgumentError::new("value", value, allowed));
        }
        self.range(&Range {
            low: index,
            high: index,
            at: index,
        })
    }

    /// `P(low ≤ S ≤ high)`.
    ///
    /// # Errors
    /// As [`at_least`](Self::at_least) for each end; and if there is no lattice point between them.
    pub fn between(&self, low: f64, high: f64) -> Result<ExactProbability, ArgumentError> {
        let first = self.index("low", low, f64::ceil)?;
        let last = self.index("high", high, f64::floor)?;
        self.range_between(first, last).ok_or_else(|| {
            ArgumentError::new(
                "high",
                high,
                format!("at or above a lattice point from {low} on"),
            )
        })?
    }

    fn range_between(
        &self,
        low: i64,
        high: i64,
    ) -> Option<Result<ExactProbability, ArgumentError>> {
        let centre = self.lattice.index(self.mean()).round() as i64;
        (low <= high).then(|| {
            self.range(&Range {
                low,
                high,
                at: centre.clamp(low, high),
            })
        })
    }

    /// The indices of the sums whose mean over `n` draws is in an interval, and where the tilt goes.
    pub(crate) fn mean_range(
        &self,
        means: Interval,
        n: u64,
    ) -> Result<(i64, i64, i64), ArgumentError> {
        let bound = |x: f64, round: fn(f64) -> f64| round(self.lattice.index(n as f64 * x));
        let (low, high) = (
            bound(means.lower, f64::ceil),
            bound(means.upper, f64::floor),
        );
        let (low, high) = (low.max(0.0), high.min(self.last as f64));
        if low > high || means.lower.is_nan() || means.upper.is_nan() {
            let (least, most) = (self.value(0), self.value(self.last));
            return Err(ArgumentError::new(
                "event",
                format!("a mean in [{}, {}]", means.lower, means.upper),
                format!(
                    "one that meets a value of the mean, which are {} apart between {} and {}",
                    self.lattice.spacing / n as f64,
                    least / n as f64,
                    most / n as f64
                ),
            ));
        }
        let centre = self.lattice.index(self.mean());
        let at = centre.clamp(low, high).round().clamp(low, high);
        Ok((low as i64, high as i64, at as i64))
    }

    /// `P(index ≥ low)`.
    pub(crate) fn tail_from(&self, low: i64) -> Result<ExactProbability, ArgumentError> {
        if low <= 0 {
            return Ok(ExactProbability::certain(0.0, 0.0));
        }
        if low as f64 <= self.lattice.index(self.mean()) {
            return self.tail_to(low - 1)?.complement();
        }
        self.range(&Range {
            low,
            high: self.last,
            at: low,
        })
    }

    /// `P(index ≤ high)`.
    pub(crate) fn tail_to(&self, high: i64) -> Result<ExactProbability, ArgumentError> {
        if high >= self.last {
            return Ok(ExactProbability::certain(0.0, 0.0));
        }
        if high as f64 >= self.lattice.index(self.mean()) {
            return self.tail_from(high + 1)?.complement();
        }
        self.range(&Range {
            low: 0,
            high,
            at: high,
        })
    }

    fn range(&self, range: &Range) -> Result<ExactProbability, ArgumentError> {
        for (at, only) in [(0, range.high == 0), (self.last, range.low == self.last)] {
            if only {
                // One point: all summands at their ends.
                let log_probability = self.log_end(at == 0);
                let draws = self.draws() as f64;
                return Ok(ExactProbability::certain(
                    log_probability,
                    UNIT * (2.0 * draws + 2.0 * log_probability.abs()),
                ));
            }
        }
        let tilt = self.tilt_to(range.at)?;
        let mut answer = None;
        for negligible in NEGLIGIBLE {
            let tilted = match self.tilted(tilt, negligible) {
                Err(error) if answer.is_none() => return Err(error),
                Err(_) => break, // the whole window is too long: the first answer, with its error
                Ok(tilted) => tilted,
            };
            let (log_probability, [rounding, left_out]) =
                tilted.log_sum(range.low, range.high, range.at, 1.0);
            answer = Some(ExactProbability {
                log_probability: log_probability.min(0.0), // above by rounding only
                relative_error: rounding + left_out,
            });
            if left_out <= rounding.max(SHOWS) && left_out.is_finite() {
                break;
            }
        }
        answer.ok_or_else(|| ArgumentError::new("n", self.draws(), "of a sum that fits in memory"))
    }

    fn log_end(&self, low: bool) -> f64 {
        self.summands
            .iter()
            .map(|(law, n)| {
                let logs = law.log_probabilities();
                *n as f64 * if low { logs[0] } else { logs[logs.len() - 1] }
            })
            .sum()
    }

    /// The tilt, per unit of value, that puts the mean at an index inside.
    pub(crate) fn tilt_to(&self, index: i64) -> Result<f64, ArgumentError> {
        if index <= 0 || index >= self.last {
            return Ok(0.0); // a whole range that ends here; no finite tilt has its mean at the end
        }
        if (index as f64 - self.lattice.index(self.mean())).abs() < 0.5 {
            return Ok(0.0);
        }
        self.tilt_of_mean(self.value(index))
    }

    /// The law of the sum under a tilt.
    pub(crate) fn tilted(&self, tilt: f64, negligible: f64) -> Result<TiltedSum, ArgumentError> {
        let mut window = Window::nothing();
        let (mut centre, mut log_scale, mut error) = (0.0, 0.0, 0.0);
        for ((law, n), stride) in self.summands.iter().zip(&self.strides) {
            let (weights, log_total) = law.tilted(tilt);
            let mean = moments(&weights).0;
            // The rounding of the exponents, the exponential and the total.
            let reach = tilt.abs() * law.spacing() * law.probabilities().len() as f64;
            let largest = law
                .log_probabilities()
                .iter()
                .filter(|l| l.is_finite())
                .fold(reach, |m, l| m.max(l.abs()));
            let relative = UNIT * (6.0 + 4.0 * largest);
            let part = Window::of_law(weights, relative).strided(*stride)?;
            let part = part.power(*n, negligible)?;
            window = window.convolved(&part, negligible)?;
            let draws = *n as f64;
            // About −I per draw: the two terms cancel where both are large.
            log_scale += draws * (log_total - tilt * law.spacing() * mean);
            error += draws * UNIT * (4.0 + 2.0 * log_total.abs() + 2.0 * reach);
            centre += draws * mean * *stride as f64;
        }
        Ok(TiltedSum {
            window,
            slope: tilt * self.lattice.spacing,
            centre,
            log_scale,
            error,
        })
    }
}

/// The law of a sum under a tilt, to be untilted.
pub(crate) struct TiltedSum {
    window: Window,
    /// The tilt per index.
    slope: f64,
    /// The index that `log_scale` refers to.
    centre: f64,
    /// `K(t) − t·centre`.
    log_scale: f64,
    /// Bound of the relative error that the scale brings.
    error: f64,
}

impl TiltedSum {
    /// `log E_t[w^factor; low ≤ index ≤ high]` of the importance weights `w = e^{K(t) − tS}` under the tilt, and a
    /// bound of its relative error, on a range in which the slope times `index − at` is not negative. A
    /// factor of 1 gives the probability of the range, 2 the second moment of its estimate by tilting.
    fn log_sum(&self, low: i64, high: i64, at: i64, factor: f64) -> (f64, [f64; 2]) {
        let weight = |index: i64| Real::exp(-factor * self.slope * (index - at) as f64);
        let (sum, [rounding, left_out]) = self.window.sum(low, high, weight);
        if sum == 0.0 {
            // Nothing of the window is asked for: impossible, or below what was kept.
            return (f64::NEG_INFINITY, [f64::INFINITY; 2]);
        }
        let shift = self.slope * (at as f64 - self.centre);
        let log = Real::ln(sum) + factor * (self.log_scale - shift);
        let scale = self.error + UNIT * (4.0 + 2.0 * log.abs());
        (log, [rounding + scale, left_out])
    }

    /// `log P(low ≤ index ≤ high)` for a range on the far side of `at`, where the tilt was put.
    pub(crate) fn log_probability(&self, low: i64, high: i64, at: i64) -> f64 {
        self.log_sum(low, high, at, 1.0).0
    }

    /// `log E_t[w²; low ≤ index ≤ high]` of the importance weights.
    pub(crate) fn log_second_moment(&self, low: i64, high: i64, at: i64) -> f64 {
        self.log_sum(low, high, at, 2.0).0
    }
}

impl CumulantGenerating for LatticeSum {
    fn cumulants(&self, t: f64) -> Result<Cumulants, ArgumentError> {
        let mut total = Cumulants {
            value: 0.0,
            mean: 0.0,
            variance: 0.0,
            third: 0.0,
            fourth: 0.0,
        };
        for (law, n) in &self.summands {
            let (c, n) = (law.cumulants(t)?, *n as f64);
            total.value += n * c.value;
            total.mean += n * c.mean;
            total.variance += n * c.variance;
            total.third += n * c.third;
            total.fourth += n * c.fourth;
        }
        Ok(total)
    }

    fn tilts(&self) -> Interval {
        Interval {
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
        }
    }

    fn support(&self) -> Interval {
        Interval {
            lower: self.value(0),
            upper: self.value(self.last),
        }
    }

    fn lattice(&self) -> Option<Lattice> {
        Some(self.lattice)
    }

    fn log_atom(&self, end: f64) -> f64 {
        let support = self.support();
        if end == support.lower || end == support.upper {
            self.log_end(end == support.lower)
        } else {
            f64::NEG_INFINITY
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CountingLaw;
    use proptest::prelude::*;

    fn coin() -> LatticeLaw {
        LatticeLaw::bernoulli(0.5).unwrap()
    }

    /// From whole numbers: `P(mean of n dice ≥ 4.5)`, of which a plain transform makes 7.6e-15 at n = 400.
    #[test]
    fn tails_of_dice_keep_relative_accuracy() {
        for (n, exact, at) in [
            (10, 0.038_994_528_114_362_65, 0.013_746_594_459_686_023),
            (100, 1.519_016_498_679_882_6e-9, 4.799_847_269_558_915e-10),
            (
                400,
                4.706_473_444_287_079_5e-33,
                1.466_340_487_895_883_9e-33,
            ),
        ] {
            let sum = LatticeSum::new(LatticeLaw::die(6).unwrap(), n).unwrap();
            let found = sum.at_least(4.5 * n as f64).unwrap();
            let error = found.probability() / exact - 1.0;
            assert!(
                error.abs() <= found.relative_error,
                "{n}: {error} {found:?}"
            );
            assert!(found.relative_error < 1e-10, "{n}: {found:?}");
            assert!(error.abs() < 1e-12, "{n}: {error}");
            let found = sum.equal(4.5 * n as f64).unwrap();
            assert!((found.probability() / at - 1.0).abs() < 1e-12, "{n}");
        }
    }

    #[test]
    fn tails_of_coins_are_binomial_at_any_depth() {
        for (n, k, exact) in [
            (1000, 600.0, -22.715_259_239_806_747),
            (1000, 690.0, -77.056_211_082_980_39),
            (1000, 900.0, -371.116_421_184_931_8),
            (10000, 6000.0, -205.069_087_304_897_15),
        ] {
            let found = LatticeSum::new(coin(), n).unwrap().at_least(k).unwrap();
            let error = (found.log_probability - exact).abs();
            assert!(
                error <= found.relative_error + 1e-15 * exact.abs(),
                "{n} {k}: {error}"
            );
            assert!(found.relative_error < 1e-9, "{n} {k}: {found:?}");
        }
        // A million draws, whose convolutions go by windows.
        let (n, k) = (1_000_000, 503_000);
        let found = LatticeSum::new(coin(), n)
            .unwrap()
            .at_least(k as f64)
            .unwrap();
        let exact = CountingLaw::binomial(n, 0.5).unwrap().log_at_least(k);
        let error = (found.log_probability - exact).abs();
        assert!(
            error < 1e-9 && error <= found.relative_error,
            "{error} {found:?}"
        );
        assert!(found.relative_error < 1e-5, "{found:?}");
    }

    /// A hundred million draws, whose convolutions go by transforms.
    #[test]
    fn long_sums_go_by_transforms_with_relative_accuracy() {
        let (n, k) = (100_000_000, 50_030_000);
        let found = LatticeSum::new(coin(), n)
            .unwrap()
            .at_least(k as f64)
            .unwrap();
        let exact = CountingLaw::binomial(n, 0.5).unwrap().log_at_least(k);
        let error = (found.log_probability - exact).abs();
        assert!(
            error < 1e-8 && error <= found.relative_error,
            "{error} {found:?}"
        );
        assert!(found.relative_error < 1e-2, "{found:?}");
    }

    /// A law on which windows show: 11 can only be reached by a value of probability 1e-40.
    #[test]
    fn rare_atoms_are_not_left_out() {
        let mut p = [0.0; 12];
        (p[0], p[10], p[11]) = (0.5, 0.5, 1e-40);
        let sum = LatticeSum::new(LatticeLaw::new(0.0, 1.0, &p).unwrap(), 5).unwrap();
        let found = sum.equal(21.0).unwrap();
        let exact = 20.0 * 0.5f64.powi(4) * 1e-40; // which is 11, which 10
        assert!(
            (found.probability() / exact - 1.0).abs() < 1e-13,
            "{found:?}"
        );
        assert!(found.relative_error < 1e-12, "{found:?}");
        assert_eq!(sum.equal(5.0).unwrap().log_probability, f64::NEG_INFINITY);
    }

    #[test]
    fn thresholds_outside_the_support_and_off_the_lattice_are_typed_errors() {
        let sum = LatticeSum::new(LatticeLaw::die(6).unwrap(), 10).unwrap();
        let argument = |r: Result<ExactProbability, ArgumentError>| r.unwrap_err().argument;
        assert_eq!(argument(sum.at_least(60.5)), "threshold");
        assert_eq!(argument(sum.at_most(9.9)), "threshold");
        assert_eq!(argument(sum.at_least(f64::NAN)), "threshold");
        assert_eq!(argument(sum.equal(20.5)), "value");
        assert_eq!(argument(sum.between(20.2, 20.4)), "high");
        assert_eq!(argument(sum.between(5.0, 20.0)), "low");
        let e = sum.at_least(61.0).unwrap_err().to_string();
        assert!(e.contains("61") && e.contains("between 10 and 60"), "{e}");
        let none = LatticeSum::new(coin(), 0).unwrap_err();
        assert_eq!(none.argument, "n");
        assert_eq!(
            LatticeSum::of_several(vec![]).unwrap_err().argument,
            "summands"
        );
        let root = LatticeLaw::new(0.0, std::f64::consts::SQRT_2, &[0.5, 0.5]).unwrap();
        let mixed = LatticeSum::of_several(vec![(coin(), 1), (root, 1)]).unwrap_err();
        assert_eq!(mixed.argument, "summands");
        let vast = LatticeSum::new(coin(), u64::MAX).unwrap_err();
        assert_eq!(vast.argument, "n");
        let wide = LatticeLaw::new(0.0, 1e300, &[0.5, 0.5]).unwrap();
        let wide = LatticeSum::new(wide, 1_000_000_000_000).unwrap_err();
        assert_eq!(wide.argument, "summands");
        // 0.7·10 is 7.000000000000001 in f64, and meant to be 7.
        let ten = LatticeSum::new(coin(), 10).unwrap();
        assert_eq!(
            ten.at_least(0.7 * 10.0).unwrap(),
            ten.at_least(7.0).unwrap()
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Tails add up, the window agrees with brute force, and Chernoff's bound holds.
        #[test]
        fn the_law_of_the_sum_is_the_convolution(
            weights in prop::collection::vec(0.0001f64..1.0, 2..6),
            other in prop::collection::vec(0.0001f64..1.0, 1..4),
            n in 1u64..12,
            m in 1u64..5,
            stride in 1usize..4,
            place in 0.0f64..1.0,
        ) {
            let normal = |w: &[f64]| -> Vec<f64> {
                let total: f64 = w.iter().sum();
                w.iter().map(|w| w / total).collect()
            };
            let (p, q) = (normal(&weights), normal(&other));
            let laws = vec![
                (LatticeLaw::new(-1.0, 0.5, &p).unwrap(), n),
                (LatticeLaw::new(2.0, 0.5 * stride as f64, &q).unwrap(), m),
            ];
            let sum = LatticeSum::of_several(laws).unwrap();
            // On half integers, by adding one draw after the other.
            let mut exact = vec![1.0];
            let mut add = |p: &[f64], stride: usize| {
                let mut next = vec![0.0; exact.len() + (p.len() - 1) * stride];
                for (i, e) in exact.iter().enumerate() {
                    for (j, p) in p.iter().enumerate() {
                        next[i + j * stride] += e * p;
                    }
                }
                exact = next;
            };
            (0..n).for_each(|_| add(&p, 1));
            (0..m).for_each(|_| add(&q, stride));
            let low = -(n as f64) + 2.0 * m as f64;
            let k = ((exact.len() - 1) as f64 * place).round() as usize;
            let x = low + 0.5 * k as f64;
            let tail: f64 = exact[k..].iter().rev().sum();
            let head: f64 = exact[..=k].iter().sum();
            for (found, exact) in [
                (sum.at_least(x).unwrap(), tail),
                (sum.at_most(x).unwrap(), head),
            ] {
                let error = (found.probability() / exact - 1.0).abs();
                prop_assert!(error < 1e-12 && error <= found.relative_error + 1e-14, "{found:?} {exact}");
            }
            if exact[k] > 0.0 {
                let found = sum.equal(x).unwrap();
                prop_assert!((found.probability() / exact[k] - 1.0).abs() < 1e-12);
            }
            let end = (k + 3).min(exact.len() - 1);
            let middle: f64 = exact[k..=end].iter().sum();
            let found = sum.between(x, low + 0.5 * end as f64).unwrap();
            prop_assert!((found.probability() / middle - 1.0).abs() < 1e-12);
            if x > sum.mean() {
                let rate = sum.rate(x).unwrap();
                prop_assert!(sum.at_least(x).unwrap().log_probability <= -rate + 1e-12);
            }
        }
    }
}
