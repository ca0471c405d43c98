//! The method of types: probabilities of histograms, their bounds, and exact laws of what depends on
//! them.

use ergodic_core::{ArgumentError, Interval};
use ergodic_info::Probabilities;
use ergodic_math::special::{HALF_LN_2PI, LogSum, log_add_exp, poisson_deviance, stirling_error};
use ergodic_math::{Real, reduce};

/// Most types that the functions of [`TypeLaw`] enumerate.
pub const MOST_TYPES: u128 = 100_000_000;

/// Most outcomes of a type that is enumerated.
const MOST_OUTCOMES: usize = 1 << 24;

/// The number of types of `n` draws on `K` outcomes, `C(n + K − 1, K − 1)`: the histograms
/// `(n₁, …, n_K)` with sum `n`; `None` above 2¹²⁸.
///
/// Polynomial in `n`, at most `(n + 1)^K`, where sequences are `Kⁿ`: the counting on which the
/// method rests (Csiszár, *IEEE Trans. Inf. Theory* 44, 1998).
///
/// ```
/// use ergodic_concentration::number_of_types;
///
/// assert_eq!(number_of_types(12, 3), Some(91));
/// assert_eq!(number_of_types(5, 1), Some(1));
/// assert_eq!(number_of_types(u64::MAX, 40), None);
/// ```
pub fn number_of_types(n: u64, outcomes: usize) -> Option<u128> {
    if outcomes == 0 {
        return Some(u128::from(n == 0));
    }
    let rest = outcomes as u128 - 1;
    let top = u128::from(n) + rest;
    let choose = rest.min(u128::from(n));
    // C(top, i) is whole after every factor; the common divisor is taken out before multiplying.
    (1..=choose).try_fold(1u128, |c, i| {
        let (factor, common) = (top - choose + i, gcd(c, i));
        (c / common).checked_mul(factor / (i / common))
    })
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// All types of `n` draws on `K` outcomes, one after the other, each lent as a slice of counts.
///
/// From `(n, 0, …, 0)` to `(0, …, 0, n)` in decreasing lexicographic order; `O(1)` amortised a step and no
/// allocation (the compositions of Nijenhuis and Wilf, *Combinatorial Algorithms*, 1978, ch. 5).
///
/// ```
/// use ergodic_concentration::Types;
///
/// let mut types = Types::new(4, 3, 1000)?;
/// let mut number = 0;
/// while let Some(counts) = types.advance() {
///     assert_eq!(counts.iter().sum::<u64>(), 4);
///     number += 1;
/// }
/// assert_eq!(number, 15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Types {
    counts: Vec<u64>,
    started: bool,
}

impl Types {
    /// Of `n ≥ 1` draws on at least one outcome, if there are at most `most` types.
    ///
    /// # Errors
    /// If `n` or `outcomes` is 0, there are more than 2²⁴ outcomes, or more types than that.
    pub fn new(n: u64, outcomes: usize, most: u128) -> Result<Self, ArgumentError> {
        sample_size(n)?;
        if outcomes == 0 || outcomes > MOST_OUTCOMES {
            let allowed = format!("between 1 and {MOST_OUTCOMES}");
            return Err(ArgumentError::new("outcomes", outcomes, allowed));
        }
        match number_of_types(n, outcomes) {
            Some(number) if number <= most => {}
            number => {
                let number = number.map_or("more than 2^128".to_owned(), |k| k.to_string());
                return Err(ArgumentError::new(
                    "n",
                    format!("{n}, which has {number} types on {outcomes} outcomes"),
                    format!("small enough for at most {most} types"),
                ));
            }
        }
        let mut counts = vec![0; outcomes];
        counts[0] = n;
        Ok(Self {
            counts,
            started: false,
        })
    }

    /// The next type; none after the last.
    pub fn advance(&mut self) -> Option<&[u64]> {
        if !self.started {
            self.started = true;
            return Some(&self.counts);
        }
        let last = self.counts.len() - 1;
        let at = self.counts[..last].iter().rposition(|c| *c > 0)?;
        let carried = std::mem::take(&mut self.counts[last]);
        self.counts[at] -= 1;
        self.counts[at + 1] = carried + 1;
        Some(&self.counts)
    }
}

/// What is known of the probability of a type without computing it, in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TypeBounds {
    /// `−nD − K log(n + 1) ≤ log P ≤ −nD` (Cover and Thomas, *Elements of Information Theory*, 2006,
    /// chapter on the method of types).
    pub classical: Interval,
    /// `−nD − log C(n + K − 1, K − 1)`: the lower end with the number of types itself, as no type is
    /// more probable under its own law than the one observed.
    pub counting: f64,
    /// Stirling's formula with Robbins' bounds of its error, `1/(12x + 1) < δ(x) < 1/12x` (*Amer. Math.
    /// Monthly* 62, 1955): an interval of width `O(Σ 1/nᵢ²)`.
    pub stirling: Interval,
}

/// The law of the histogram of `n` independent draws from a law on `K` outcomes: multinomial, read as
/// Boltzmann did, by relative entropy.
///
/// ```
/// use ergodic_concentration::TypeLaw;
/// use ergodic_info::Probabilities;
///
/// let law = TypeLaw::new(&Probabilities::uniform(3)?);
/// let counts = [50, 30, 20];
/// assert!((law.log_probability(&counts)? + 11.593473072604212).abs() < 1e-13);
/// assert!((100.0 * law.relative_entropy(&counts)? - 6.8959274603536205).abs() < 1e-13);
/// assert!((law.stirling(&counts)? + 11.585695764091067).abs() < 1e-13);
/// let bounds = law.bounds(&counts)?;
/// assert!(bounds.classical.contains(-11.593473072604212));
/// assert!(bounds.stirling.contains(-11.593473072604212));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TypeLaw {
    probabilities: Vec<f64>,
}

/// The law of a statistic of the type.
#[derive(Clone, Debug, PartialEq)]
pub struct StatisticLaw {
    /// The values, increasing.
    pub values: Vec<f64>,
    /// The logarithm of the probability of each.
    pub log_probabilities: Vec<f64>,
}

impl StatisticLaw {
    /// The mean, with compensated summation.
    pub fn mean(&self) -> f64 {
        let terms: Vec<f64> = self
            .values
            .iter()
            .zip(&self.log_probabilities)
            .map(|(v, l)| v * Real::exp(*l))
            .collect();
        reduce::sum(&terms)
    }

    /// `log P(statistic ≥ threshold)`; `−∞` above the largest value.
    pub fn log_at_least(&self, threshold: f64) -> f64 {
        let mut sum = LogSum::new();
        for (v, l) in self.values.iter().zip(&self.log_probabilities) {
            if *v >= threshold {
                sum.push(*l);
            }
        }
        sum.value()
    }
}

/// The type of least divergence in a set, [`TypeLaw::least_divergence`].
#[derive(Clone, Debug, PartialEq)]
pub struct NearestType {
    /// `D(n₁/n, …‖p)` in nats.
    pub divergence: f64,
    /// The counts.
    pub counts: Vec<u64>,
}

impl TypeLaw {
    /// Of draws from this law.
    pub fn new(law: &Probabilities) -> Self {
        Self {
            probabilities: law.as_slice().to_vec(),
        }
    }

    /// The number of outcomes.
    pub fn outcomes(&self) -> usize {
        self.probabilities.len()
    }

    fn total(&self, counts: &[u64]) -> Result<u64, ArgumentError> {
        if counts.len() != self.outcomes() {
            return Err(ArgumentError::new(
                "counts",
                format!("a list of {}", counts.len()),
                format!("one per outcome, {}", self.outcomes()),
            ));
        }
        let total = counts.iter().try_fold(0u64, |sum, c| sum.checked_add(*c));
        match total {
            Some(n) if (1..=1 << 53).contains(&n) => Ok(n),
            Some(0) => Err(ArgumentError::new("counts", "all 0", "positive somewhere")),
            _ => Err(ArgumentError::new(
                "counts",
                "a list with a sum above 2^53",
                "of a sum up to 2^53",
            )),
        }
    }

    /// `nD`, as a sum of non-negative deviances.
    fn exponent(&self, counts: &[u64], n: u64) -> f64 {
        let terms = counts.iter().zip(&self.probabilities);
        let terms: Vec<f64> = terms
            .filter(|(c, p)| **c > 0 || **p > 0.0)
            .map(|(c, p)| {
                if *p == 0.0 {
                    f64::INFINITY
                } else {
                    poisson_deviance(*c as f64, n as f64 * p)
                }
            })
            .collect();
        if terms.contains(&f64::INFINITY) {
            return f64::INFINITY;
        }
        reduce::sum(&terms)
    }

    /// `D(type‖p) = Σ (nᵢ/n) log(nᵢ/n pᵢ)` in nats: relative error of a few roundings plus that of
    /// `pᵢ` (see [`log_probability`](Self::log_probability)); infinite where an impossible outcome was
    /// counted.
    ///
    /// # Errors
    /// If the counts are not one per outcome, all 0, or sum to more than 2⁵³.
    pub fn relative_entropy(&self, counts: &[u64]) -> Result<f64, ArgumentError> {
        let n = self.total(counts)?;
        Ok(self.exponent(counts, n) / n as f64)
    }

    /// The exact `log P = log n!/∏nᵢ! + Σ nᵢ log pᵢ`; `−∞` where an impossible outcome was counted.
    ///
    /// Computed as `−nD + [½ log 2πn + δ(n)] − Σ [½ log 2πnᵢ + δ(nᵢ)]` over `nᵢ > 0`, with Stirling's
    /// errors `δ`: no difference of large logarithms of factorials. Error: some roundings of `nD` and of
    /// `K log n`, plus `u Σ |nᵢ − npᵢ|` from the rounding of `pᵢ`, up to `n = 2⁵³`. `O(K)`.
    ///
    /// # Errors
    /// As [`relative_entropy`](Self::relative_entropy).
    pub fn log_probability(&self, counts: &[u64]) -> Result<f64, ArgumentError> {
        let n = self.total(counts)?;
        Ok(self.log_probability_of(counts, n))
    }

    fn log_probability_of(&self, counts: &[u64], n: u64) -> f64 {
        let exponent = self.exponent(counts, n);
        if exponent == f64::INFINITY {
            return f64::NEG_INFINITY;
        }
        let polynomial = polynomial(counts, n) + stirling_error(n as f64);
        let errors: f64 = positive(counts).map(stirling_error).sum();
        polynomial - errors - exponent
    }

    /// `−nD + ½ log 2πn − ½ Σ log 2πnᵢ` over `nᵢ > 0`: Stirling's formula, short of the exact value by
    /// about `Σ 1/12nᵢ − 1/12n`.
    ///
    /// # Errors
    /// As [`relative_entropy`](Self::relative_entropy).
    pub fn stirling(&self, counts: &[u64]) -> Result<f64, ArgumentError> {
        let n = self.total(counts)?;
        Ok(polynomial(counts, n) - self.exponent(counts, n))
    }

    /// Bounds of `log P`, classical and sharper ones.
    ///
    /// # Errors
    /// As [`relative_entropy`](Self::relative_entropy).
    pub fn bounds(&self, counts: &[u64]) -> Result<TypeBounds, ArgumentError> {
        let n = self.total(counts)?;
        let exponent = self.exponent(counts, n);
        let k = self.outcomes() as f64;
        let size = n as f64;
        let stirling = polynomial(counts, n) - exponent;
        let upper: f64 = positive(counts).map(|c| 1.0 / (12.0 * c + 1.0)).sum();
        let lower: f64 = positive(counts).map(|c| 1.0 / (12.0 * c)).sum();
        Ok(TypeBounds {
            classical: Interval {
                lower: -exponent - k * Real::ln(size + 1.0),
                upper: -exponent,
            },
            counting: -exponent - log_number_of_types(n, self.outcomes()),
            stirling: Interval {
                lower: stirling + 1.0 / (12.0 * size + 1.0) - lower,
                upper: stirling + 1.0 / (12.0 * size) - upper,
            },
        })
    }

    /// `E[f]` over the types of `n` draws, by enumeration with compensated summation; infinite where `f` is, on a
    /// possible type.
    ///
    /// # Errors
    /// If `n` is 0 or there are more than [`MOST_TYPES`] types.
    ///
    /// ```
    /// use ergodic_concentration::TypeLaw;
    /// use ergodic_info::Probabilities;
    ///
    /// // 2nD is chi-squared in the limit, with mean K − 1 = 2.
    /// let law = TypeLaw::new(&Probabilities::new([0.5, 0.3, 0.2])?);
    /// let mean = law.expectation(50, |counts| 100.0 * law.relative_entropy(counts).unwrap())?;
    /// assert!((mean - 2.0334917127122605).abs() < 1e-12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn expectation(
        &self,
        n: u64,
        mut statistic: impl FnMut(&[u64]) -> f64,
    ) -> Result<f64, ArgumentError> {
        let mut sum = Compensated::default();
        self.visit(n, |counts, log_probability| {
            if log_probability > f64::NEG_INFINITY {
                let value = statistic(counts);
                // However rare, and be its probability below the range of f64.
                let weight = if value.is_finite() {
                    Real::exp(log_probability)
                } else {
                    1.0
                };
                sum.add(weight * value);
            }
        })?;
        Ok(sum.value())
    }

    /// `log P(event)` of a set of types of `n` draws, by enumeration; `−∞` of the empty set.
    ///
    /// # Errors
    /// If `n` is 0 or there are more than [`MOST_TYPES`] types.
    pub fn log_probability_of_event(
        &self,
        n: u64,
        mut event: impl FnMut(&[u64]) -> bool,
    ) -> Result<f64, ArgumentError> {
        let mut sum = LogSum::new();
        self.visit(n, |counts, log_probability| {
            if event(counts) {
                sum.push(log_probability);
            }
        })?;
        Ok(sum.value())
    }

    /// The exact law of a statistic of the type of `n` draws; values that agree bit for bit are one.
    ///
    /// Time and memory as the number of types.
    ///
    /// # Errors
    /// If `n` is 0, there are more than [`MOST_TYPES`] types, or a value of the statistic is NaN.
    pub fn law_of(
        &self,
        n: u64,
        mut statistic: impl FnMut(&[u64]) -> f64,
    ) -> Result<StatisticLaw, ArgumentError> {
        let mut pairs: Vec<(f64, f64)> = Vec::new();
        self.visit(n, |counts, log_probability| {
            if log_probability > f64::NEG_INFINITY {
                pairs.push((statistic(counts), log_probability));
            }
        })?;
        if pairs.iter().any(|p| p.0.is_nan()) {
            return Err(ArgumentError::new("statistic", f64::NAN, "a number"));
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut law = StatisticLaw {
            values: Vec::new(),
            log_probabilities: Vec::new(),
        };
        for (value, log_probability) in pairs {
            match (law.values.last(), law.log_probabilities.last_mut()) {
                (Some(before), Some(sum)) if *before == value => {
                    *sum = log_add_exp(*sum, log_probability);
                }
                _ => {
                    law.values.push(value);
                    law.log_probabilities.push(log_probability);
                }
            }
        }
        Ok(law)
    }

    /// The type of least divergence among those of an event: `−n` times it is the exponent of the event's
    /// probability at this `n`, `P ≤ #types · exp(−nD)` (Sanov). None if no possible type is in the
    /// event.
    ///
    /// # Errors
    /// If `n` is 0 or there are more than [`MOST_TYPES`] types.
    ///
    /// ```
    /// use ergodic_concentration::TypeLaw;
    /// use ergodic_info::Probabilities;
    ///
    /// let law = TypeLaw::new(&Probabilities::new([0.5, 0.3, 0.2])?);
    /// // p₃ − p₁ ≥ 1/4 at n = 12.
    /// let event = |counts: &[u64]| counts[2] >= counts[0] + 3;
    /// let nearest = law.least_divergence(12, event)?.unwrap();
    /// assert!((nearest.divergence - 0.2392781815986026).abs() < 1e-15);
    /// let exact = law.log_probability_of_event(12, event)?;
    /// assert!((exact.exp() - 0.014563266319999976).abs() < 1e-16);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn least_divergence(
        &self,
        n: u64,
        mut event: impl FnMut(&[u64]) -> bool,
    ) -> Result<Option<NearestType>, ArgumentError> {
        let mut types = Types::new(n, self.outcomes(), MOST_TYPES)?;
        let mut nearest: Option<NearestType> = None;
        while let Some(counts) = types.advance() {
            if !event(counts) {
                continue;
            }
            let divergence = self.exponent(counts, n) / n as f64;
            let closer = nearest.as_ref().is_none_or(|b| divergence < b.divergence);
            if closer && divergence.is_finite() {
                nearest = Some(NearestType {
                    divergence,
                    counts: counts.to_vec(),
                });
            }
        }
        Ok(nearest)
    }

    fn visit(&self, n: u64, mut visitor: impl FnMut(&[u64], f64)) -> Result<(), ArgumentError> {
        let mut types = Types::new(n, self.outcomes(), MOST_TYPES)?;
        while let Some(counts) = types.advance() {
            let log_probability = self.log_probability_of(counts, n);
            visitor(counts, log_probability);
        }
        Ok(())
    }
}

/// A sum as if in twice the precision, of terms that come one by one.
#[derive(Default)]
struct Compensated {
    head: f64,
    tail: f64,
}

impl Compensated {
    fn add(&mut self, x: f64) {
        let (head, error) = reduce::two_sum(self.head, x);
        self.head = head;
        if head.is_finite() {
            self.tail += error;
        }
    }

    fn value(&self) -> f64 {
        self.head + self.tail
    }
}

fn positive(counts: &[u64]) -> impl Iterator<Item = f64> {
    counts.iter().filter(|c| **c > 0).map(|c| *c as f64)
}

/// `½ log 2πn − ½ Σ log 2πnᵢ` over `nᵢ > 0`.
fn polynomial(counts: &[u64], n: u64) -> f64 {
    let root = |x: f64| HALF_LN_2PI + 0.5 * Real::ln(x);
    root(n as f64) - positive(counts).map(root).sum::<f64>()
}

/// `log C(n + K − 1, K − 1)`.
fn log_number_of_types(n: u64, outcomes: usize) -> f64 {
    if outcomes < 2 {
        return 0.0;
    }
    // log C(a + b, a) by Stirling's formula and its error, as the probability of a type.
    let (a, b) = (n as f64, outcomes as f64 - 1.0);
    let total = a + b;
    let entropy = a * Real::ln_1p(b / a) + b * Real::ln_1p(a / b);
    let roots = 0.5 * Real::ln(total / (a * b)) - HALF_LN_2PI;
    entropy + roots + stirling_error(total) - stirling_error(a) - stirling_error(b)
}

/// A sample size, at least 1.
pub(crate) fn sample_size(n: u64) -> Result<(), ArgumentError> {
    if n == 0 {
        return Err(ArgumentError::new("n", 0, "at least 1"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn law(p: &[f64]) -> TypeLaw {
        TypeLaw::new(&Probabilities::from_weights(p).unwrap())
    }

    /// From exact integers: `16!/(8! 5! 3!) · 3⁸ 2⁵ 1³/6¹⁶`, and the value at `n = 10¹⁵` from 60 digits.
    #[test]
    fn log_probability_is_exact_for_small_and_for_enormous_samples() {
        let found = law(&[3.0, 2.0, 1.0]).log_probability(&[8, 5, 3]).unwrap();
        // 16!/(8! 5! 3!) = 720720; 720720·6561·32/6¹⁶
        let exact = (720_720.0f64 * 6561.0 * 32.0).ln() - 16.0 * 6f64.ln();
        assert!((found - exact).abs() < 1e-14, "{found} {exact}");
        let n = 1_000_000_000_000_000u64;
        let half = n / 2;
        let found = law(&[0.5, 0.5])
            .log_probability(&[half + 7, half - 7])
            .unwrap();
        // log C(n, n/2 + 7) − n log 2 = ½ log(2/πn) − 2·49/n to 1e-14.
        let exact = 0.5 * (2.0 / (std::f64::consts::PI * n as f64)).ln() - 98.0 / n as f64;
        assert!((found - exact).abs() < 1e-14, "{found} {exact}");
        let found = law(&[0.5, 0.5]).log_probability(&[n, 0]).unwrap();
        assert!((found / (n as f64 * 0.5f64.ln()) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn types_are_enumerated_once_each() {
        for (n, k) in [(1, 1), (7, 1), (1, 5), (6, 4), (12, 3)] {
            let mut types = Types::new(n, k, 1 << 20).unwrap();
            let mut seen = std::collections::BTreeSet::new();
            while let Some(counts) = types.advance() {
                assert_eq!(counts.iter().sum::<u64>(), n);
                assert!(seen.insert(counts.to_vec()));
            }
            assert_eq!(Some(seen.len() as u128), number_of_types(n, k));
            let log = log_number_of_types(n, k);
            assert!((log - (seen.len() as f64).ln()).abs() < 1e-13, "{n} {k}");
        }
        assert_eq!(number_of_types(100, 5), Some(4_598_126));
        assert_eq!(number_of_types(0, 0), Some(1));
        assert_eq!(number_of_types(3, 0), Some(0));
    }

    /// `E[2nD]` exceeds `K − 1` by `O(1/n)`, and the law of the statistic has the same mean.
    #[test]
    fn the_exact_mean_of_the_likelihood_ratio_is_near_chi_squared() {
        let law = law(&[0.5, 0.3, 0.2]);
        let statistic =
            |c: &[u64]| 2.0 * c.iter().sum::<u64>() as f64 * law.relative_entropy(c).unwrap();
        let mean = law.expectation(50, statistic).unwrap();
        assert!((mean - 2.0334917127122605).abs() < 1e-12);
        let of_law = law.law_of(50, statistic).unwrap();
        assert!((of_law.mean() - mean).abs() < 1e-12);
        assert!(of_law.log_at_least(0.0).abs() < 1e-13);
        assert_eq!(of_law.log_at_least(1e9), f64::NEG_INFINITY);
        // Infinite on one type, whose probability 0.2⁵⁰⁰ is below the range of f64.
        let infinite = |c: &[u64]| if c[2] == 500 { f64::INFINITY } else { 1.0 };
        assert_eq!(law.expectation(500, infinite).unwrap(), f64::INFINITY);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Probabilities of all types sum to 1, within all bounds, with `P(event)` below Sanov's.
        #[test]
        fn laws_of_types_are_normalised_and_within_their_bounds(
            weights in prop::collection::vec(0.01f64..1.0, 1..5),
            n in 1u64..25,
            slope in prop::collection::vec(-1.0f64..1.0, 5),
        ) {
            let law = law(&weights);
            let k = weights.len();
            let mut types = Types::new(n, k, MOST_TYPES).unwrap();
            let mut total = 0.0;
            while let Some(counts) = types.advance() {
                let log = law.log_probability(counts).unwrap();
                total += log.exp();
                let slack = 1e-12;
                let b = law.bounds(counts).unwrap();
                prop_assert!(b.classical.lower <= log && log <= b.classical.upper + slack);
                prop_assert!(b.counting <= log + slack && b.counting >= b.classical.lower);
                prop_assert!(b.stirling.lower <= log + slack && log <= b.stirling.upper + slack);
            }
            prop_assert!((total - 1.0).abs() < 1e-12);
            let score = |c: &[u64]| -> f64 {
                c.iter().zip(&slope).map(|(c, s)| *c as f64 * s).sum::<f64>() / n as f64
            };
            let event = |c: &[u64]| score(c) >= 0.3;
            let log = law.log_probability_of_event(n, event).unwrap();
            match law.least_divergence(n, event).unwrap() {
                None => prop_assert_eq!(log, f64::NEG_INFINITY),
                Some(near) => {
                    let exponent = -(n as f64) * near.divergence;
                    prop_assert!(log <= exponent + log_number_of_types(n, k) + 1e-12);
                    prop_assert!(log >= exponent - log_number_of_types(n, k) - 1e-12);
                    prop_assert!(event(&near.counts));
                }
            }
        }
    }

    #[test]
    fn bad_counts_and_too_many_types_are_typed_errors() {
        let fair = law(&[1.0, 1.0]);
        let argument = |e: ArgumentError| e.argument;
        assert_eq!(argument(fair.log_probability(&[1]).unwrap_err()), "counts");
        assert_eq!(
            argument(fair.log_probability(&[0, 0]).unwrap_err()),
            "counts"
        );
        let most = u64::MAX;
        assert_eq!(
            argument(fair.stirling(&[most, most]).unwrap_err()),
            "counts"
        );
        assert_eq!(argument(fair.bounds(&[1 << 60, 0]).unwrap_err()), "counts");
        assert_eq!(argument(fair.expectation(0, |_| 1.0).unwrap_err()), "n");
        assert_eq!(
            argument(Types::new(1, usize::MAX, u128::MAX).unwrap_err()),
            "outcomes"
        );
        assert_eq!(argument(Types::new(9, 0, 10).unwrap_err()), "outcomes");
        assert_eq!(argument(Types::new(10, 2, 10).unwrap_err()), "n");
        assert_eq!(argument(Types::new(1 << 60, 50, 10).unwrap_err()), "n");
        let nan = fair.law_of(3, |_| f64::NAN).unwrap_err();
        assert_eq!(nan.argument, "statistic");
        let impossible = TypeLaw::new(&Probabilities::new([1.0, 0.0]).unwrap());
        assert_eq!(
            impossible.log_probability(&[1, 1]).unwrap(),
            f64::NEG_INFINITY
        );
        assert_eq!(impossible.log_probability(&[5, 0]).unwrap(), 0.0);
        assert_eq!(impossible.least_divergence(3, |c| c[1] > 0).unwrap(), None);
        assert_eq!(impossible.relative_entropy(&[1, 1]).unwrap(), f64::INFINITY);
        assert_eq!(
            impossible.bounds(&[1, 1]).unwrap().classical.upper,
            f64::NEG_INFINITY
        );
    }
}
