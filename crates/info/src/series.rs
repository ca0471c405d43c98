//! Time series: lagged embeddings and transfer entropy.
//!
//! Observations of a series depend on each other, so a [`Series`] is no [`Sample`] whose rows could
//! be shuffled: its parts are stretches of time, its intervals rest on blocks, its tests on
//! surrogates that leave each series as it is.

use std::borrow::Cow;
use std::ops::Range;

use ergodic_core::{Bias, Estimate, Interval, Randomness, Units};

use crate::inference::subsample::{Roots, student_quantile};
use crate::inference::{self, PermutationTest, Resample, Significance};
use crate::{
    Estimator, Inference, InfoError, IntervalSource, Pair, Points, Sample, Symbols, Triple,
};

/// Observations at equal steps of time, in order.
///
/// As [`Resample`] it gives contiguous stretches: a part is a block at a uniformly random start, the
/// halves are the first and the second. Intervals from such blocks are right for stationary series
/// whose memory is short beside a block (Politis and Romano, *Ann. Statist.* 22, 1994, section 3).
///
/// ```
/// use ergodic_info::inference::Resample;
/// use ergodic_info::series::Series;
/// use ergodic_info::{Points, Sample};
///
/// let series = Series::new(Points::scalar([0.0, 1.0, 2.0, 3.0, 4.0])?);
/// let block = series.part(3, &mut ergodic_math::rng::stream(1, 0));
/// let first = block.sample().row(0)[0];
/// assert_eq!(block.sample().as_slice(), [first, first + 1.0, first + 2.0]);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Series<S> {
    sample: S,
}

impl<S: Sample> Series<S> {
    /// The rows of `sample` as a series.
    pub fn new(sample: S) -> Self {
        Self { sample }
    }

    /// The rows, in the order of time.
    pub fn sample(&self) -> &S {
        &self.sample
    }

    /// Along a circle by so many steps.
    fn shifted(&self, shift: usize) -> Self {
        let rows: Vec<usize> = (shift..self.sample.len()).chain(0..shift).collect();
        Self::new(self.sample.select(&rows))
    }

    fn stretch(&self, times: Range<usize>) -> Self {
        let rows: Vec<usize> = times.collect();
        Self::new(self.sample.select(&rows))
    }
}

impl<X: Sample, Y: Sample> Series<Pair<X, Y>> {
    /// Two series observed at the same times, as source and target.
    ///
    /// # Errors
    /// If their lengths differ.
    pub fn coupled(source: X, target: Y) -> Result<Self, InfoError> {
        Ok(Self::new(Pair::new(source, target)?))
    }

    /// The other way round: the target as source.
    #[must_use]
    pub fn reversed(&self) -> Series<Pair<Y, X>> {
        let (x, y) = (self.sample.x().clone(), self.sample.y().clone());
        Series::new(Pair::joined(y, x))
    }
}

impl<S: Sample> Resample for Series<S> {
    fn size(&self) -> usize {
        self.sample.len()
    }

    fn part<R: Randomness + ?Sized>(&self, size: usize, rng: &mut R) -> Self {
        let start = rng.index(self.size() - size + 1);
        self.stretch(start..start + size)
    }

    fn halves<R: Randomness + ?Sized>(&self, _: &mut R) -> (Self, Self) {
        let middle = self.size() / 2;
        (self.stretch(0..middle), self.stretch(middle..self.size()))
    }
}

/// Samples whose rows can be seen together with earlier ones.
pub trait Embed: Sample {
    /// For every time `t` of `times` the rows `t − lag` for all `lags`, side by side.
    ///
    /// # Errors
    /// If the words of symbols are more than 2³².
    ///
    /// # Panics
    /// If a row does not exist.
    fn lagged(&self, times: Range<usize>, lags: &[usize]) -> Result<Self, InfoError>;
}

impl Embed for Points {
    /// The coordinates of all lags: dimension `lags × dim`.
    fn lagged(&self, times: Range<usize>, lags: &[usize]) -> Result<Self, InfoError> {
        let mut values = Vec::with_capacity(times.len() * lags.len() * self.dim());
        for t in times {
            for lag in lags {
                values.extend_from_slice(self.row(t - lag));
            }
        }
        Points::new(values, self.dim() * lags.len())
    }
}

impl Embed for Symbols {
    /// Words of symbols, over all words if the alphabet is known, else over those seen.
    fn lagged(&self, times: Range<usize>, lags: &[usize]) -> Result<Self, InfoError> {
        let words = u32::try_from(lags.len())
            .ok()
            .and_then(|length| u64::from(self.alphabet()).checked_pow(length))
            .filter(|words| *words < 1 << 32)
            .ok_or_else(|| {
                InfoError::argument(
                    "lags",
                    format!("{} lags of {} symbols", lags.len(), self.alphabet()),
                    "such that there are fewer than 2³² words",
                )
            })?;
        let codes: Vec<u32> = times
            .map(|t| {
                let word = lags.iter().map(|lag| self.codes()[t - lag]);
                word.fold(0, |word, code| word * self.alphabet() + code)
            })
            .collect();
        match self.known_alphabet() {
            Some(_) => Symbols::new(codes, words as u32),
            None => Symbols::of(&codes),
        }
    }
}

/// Which part of the past is looked at.
///
/// ```
/// use ergodic_info::series::{Embedding, Series};
/// use ergodic_info::Points;
///
/// let x = Points::scalar([0.0, 1.0, 2.0, 3.0, 4.0])?;
/// let y = Points::scalar([10.0, 11.0, 12.0, 13.0, 14.0])?;
/// let past = Embedding::new().source_history(2).target_history(1).build()?;
/// let triple = past.triple(&Series::coupled(x, y)?)?;
/// // At time 2: x₁, x₀ | y₂ | y₁.
/// assert_eq!(triple.x().row(0), [1.0, 0.0]);
/// assert_eq!(triple.y().row(0), [12.0]);
/// assert_eq!(triple.z().row(0), [11.0]);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedding {
    source_history: usize,
    target_history: usize,
    delay: usize,
    spacing: usize,
}

impl Default for Embedding {
    fn default() -> Self {
        Self::new()
    }
}

impl Embedding {
    /// One step of either past: `x_{t−1}` and `y_{t−1}`.
    pub const fn new() -> Self {
        Self {
            source_history: 1,
            target_history: 1,
            delay: 1,
            spacing: 1,
        }
    }

    /// How many values of the source's past, `k`.
    pub const fn source_history(mut self, values: usize) -> Self {
        self.source_history = values;
        self
    }

    /// How many values of the target's own past, `l`; what they explain does not count.
    pub const fn target_history(mut self, values: usize) -> Self {
        self.target_history = values;
        self
    }

    /// How many steps the source needs to act, `u`.
    pub const fn delay(mut self, steps: usize) -> Self {
        self.delay = steps;
        self
    }

    /// The distance in steps between values of a past, `τ`.
    pub const fn spacing(mut self, steps: usize) -> Self {
        self.spacing = steps;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If one of them is zero.
    pub fn build(self) -> Result<Self, InfoError> {
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), InfoError> {
        for (name, value) in [
            ("source_history", self.source_history),
            ("target_history", self.target_history),
            ("delay", self.delay),
            ("spacing", self.spacing),
        ] {
            if value == 0 {
                return Err(InfoError::argument(name, value, "at least 1"));
            }
        }
        Ok(())
    }

    /// The source's past `x_{t−u}, x_{t−u−τ}, …` (`k` values), the target's present `y_t`, and its past
    /// `y_{t−1}, y_{t−1−τ}, …` (`l` values), for all `t` at which they exist.
    ///
    /// # Errors
    /// If a setting is zero, or the series is shorter than the past and one more.
    pub fn triple<X: Embed, Y: Embed>(
        &self,
        series: &Series<Pair<X, Y>>,
    ) -> Result<Triple<X, Y, Y>, InfoError> {
        self.check()?;
        let lags = |first: usize, values: usize| -> Vec<usize> {
            (0..values)
                .map(|i| first.saturating_add(i.saturating_mul(self.spacing)))
                .collect()
        };
        let longest = |first: usize, values: usize| {
            first.saturating_add((values - 1).saturating_mul(self.spacing))
        };
        let past = longest(self.delay, self.source_history).max(longest(1, self.target_history));
        let length = series.size();
        if past >= length {
            return Err(InfoError::argument(
                "series",
                format!("a series of {length} observations"),
                format!("longer than the past that is looked at, {past}"),
            ));
        }
        let (source, target) = (series.sample().x(), series.sample().y());
        Triple::new(
            source.lagged(past..length, &lags(self.delay, self.source_history))?,
            target.lagged(past..length, &[0])?,
            target.lagged(past..length, &lags(1, self.target_history))?,
        )
    }
}

/// Transfer entropy from source to target, by any estimator of conditional mutual information:
///
/// ```text
/// T = I(x_{t−u}, …, x_{t−u−(k−1)τ} ; y_t | y_{t−1}, …, y_{t−1−(l−1)τ})
/// ```
///
/// (Schreiber, *Phys. Rev. Lett.* 85, 2000; the delay of Wibral et al., *PLoS ONE* 8, 2013), in the unit
/// of the estimator; never negative as a quantity. Cost: that of the estimator on `n` rows.
///
/// The interval rests on blocks, as the rows depend on each other. With [`IntervalSource::Own`] these are
/// 200 random blocks of `2√n` steps, at least 100 and at most `n/5`: their spread gives the standard
/// error, and Student's law with `3n/2b − 1` degrees of freedom, `b` the length of a block, the
/// interval. Subsamples of a given share are blocks as well. The standard error that the estimator of
/// the rows would give is not used. A series shorter than ten steps, or whose blocks are too short for
/// the past or the estimator, has a value and no interval.
///
/// # When not to use it
/// It is predictive information, not an effect: a common cause, or a past longer than the
/// embedding, shows as transfer. Series that are not stationary, or whose memory is longer than
/// the blocks, get intervals that are too short. For the question whether there is any transfer
/// use [`surrogate_test`](Self::surrogate_test).
///
/// ```
/// use ergodic_info::series::{Embedding, TransferEntropy};
///
/// assert!(Embedding::new().delay(0).build().is_err());
/// // `TransferEntropy::new(estimator, Embedding::new())` is an estimator of coupled series.
/// let transfer = TransferEntropy::new((), Embedding::new().target_history(2).build()?);
/// assert_eq!(transfer.embedding(), Embedding::new().target_history(2));
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransferEntropy<E> {
    estimator: E,
    embedding: Embedding,
}

impl<E> TransferEntropy<E> {
    /// The transfer entropy by `estimator`, of conditional mutual information of a [`Triple`].
    pub const fn new(estimator: E, embedding: Embedding) -> Self {
        Self {
            estimator,
            embedding,
        }
    }

    /// The past looked at.
    pub const fn embedding(&self) -> Embedding {
        self.embedding
    }
}

/// How a series is disturbed so that it keeps its own dynamics and loses its tie to another.
///
/// ```
/// use ergodic_info::Points;
/// use ergodic_info::series::{Series, Surrogate};
///
/// let x = Series::new(Points::scalar([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])?);
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let shifted = Surrogate::Shift { at_least: 2 }.draw(&x, &mut rng)?;
/// let first = shifted.sample().row(0)[0];
/// assert!((2.0..=4.0).contains(&first));
/// assert_eq!(shifted.sample().row(5)[0], first - 1.0);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surrogate {
    /// A shift along a circle by a uniformly random number of steps, at least so many in either
    /// direction. Keeps everything but what lies at the seam; a series of `n` steps has
    /// `n + 1 − 2·at_least` different surrogates.
    Shift {
        /// The least shift in steps: longer than the memory of the series.
        at_least: usize,
    },
    /// Blocks of this length in random order; the last one may be shorter. Breaks the dynamics at the
    /// seams: the blocks should be long beside the memory of the series, and many.
    Blocks {
        /// The length of a block in steps.
        length: usize,
    },
}

impl Surrogate {
    fn check(self, size: usize) -> Result<(), InfoError> {
        match self {
            Self::Shift { at_least } if at_least == 0 || at_least > size / 2 => {
                Err(InfoError::argument(
                    "at_least",
                    at_least,
                    format!("between 1 and half the length of the series, {}", size / 2),
                ))
            }
            Self::Blocks { length } if length == 0 || length > size / 2 => {
                Err(InfoError::argument(
                    "length",
                    length,
                    format!("between 1 and half the length of the series, {}", size / 2),
                ))
            }
            _ => Ok(()),
        }
    }

    /// A disturbed copy.
    ///
    /// # Errors
    /// If the shift or the block is zero or longer than half the series.
    pub fn draw<S: Sample, R: Randomness + ?Sized>(
        self,
        series: &Series<S>,
        rng: &mut R,
    ) -> Result<Series<S>, InfoError> {
        let size = series.size();
        self.check(size)?;
        Ok(match self {
            Self::Shift { at_least } => {
                series.shifted(at_least + rng.index(size - 2 * at_least + 1))
            }
            Self::Blocks { length } => {
                let mut starts: Vec<usize> = (0..size).step_by(length).collect();
                for i in (1..starts.len()).rev() {
                    starts.swap(i, rng.index(i + 1));
                }
                let block = |start: usize| start..(start + length).min(size);
                let rows: Vec<usize> = starts.into_iter().flat_map(block).collect();
                Series::new(series.sample.select(&rows))
            }
        })
    }
}

impl<E> TransferEntropy<E> {
    /// Whether there is any transfer: the value against those with the source disturbed.
    ///
    /// The p-value is that of a permutation test. The shifts of [`Surrogate::Shift`] are drawn without
    /// replacement, for the same shift twice is no second witness. It is exact for shifts of at least
    /// one step when the source is stationary along the circle and independent of the target, hence
    /// approximate, as a series has a seam. The disturbance also cuts what flows from target to source:
    /// a strong influence in that direction can make the test reject too often or too seldom.
    ///
    /// # Errors
    /// As [`Surrogate::draw`]; if there are fewer different shifts than the test has permutations; and if
    /// the estimator refuses the series.
    pub fn surrogate_test<X, Y>(
        &self,
        series: &Series<Pair<X, Y>>,
        surrogate: Surrogate,
        test: PermutationTest,
    ) -> Result<Significance, InfoError>
    where
        X: Embed,
        Y: Embed,
        E: Estimator<Triple<X, Y, Y>>,
    {
        surrogate.check(series.size())?;
        let source = Series::new(series.sample().x().clone());
        let value_with = |source: Series<X>| {
            let target = series.sample().y().clone();
            self.value(&Series::coupled(source.sample, target)?)
        };
        match surrogate {
            Surrogate::Shift { at_least } => {
                let shifts = distinct_shifts(series.size(), at_least, test)?;
                test.run_indexed(self.value(series)?, |b, _| {
                    value_with(source.shifted(shifts[b]))
                })
            }
            Surrogate::Blocks { .. } => test.run(self.value(series)?, |rng| {
                value_with(surrogate.draw(&source, rng)?)
            }),
        }
    }
}

/// Different shifts in random order, one per permutation of a test.
fn distinct_shifts(
    size: usize,
    at_least: usize,
    test: PermutationTest,
) -> Result<Vec<usize>, InfoError> {
    let mut shifts: Vec<usize> = (at_least..=size - at_least).collect();
    let (all, wanted) = (shifts.len(), test.permutations());
    if wanted > all {
        return Err(InfoError::argument(
            "permutations",
            wanted,
            format!("at most {all}, the shifts of a series of {size} by at least {at_least} steps"),
        ));
    }
    // A stream that no permutation uses.
    let mut rng = ergodic_math::rng::stream(test.seed(), u64::MAX);
    for i in 0..wanted {
        shifts.swap(i, i + Randomness::index(&mut rng, all - i));
    }
    shifts.truncate(wanted);
    Ok(shifts)
}

/// Blocks behind the interval of a series where no number is asked for.
const BLOCKS: usize = 200;

/// The shortest block where no length is asked for and the series has five of them: estimators have to work on it.
const SHORTEST: f64 = 100.0;

/// The shortest series of which blocks of a fifth can be made.
const SHORTEST_SERIES: usize = 10;

impl<X, Y, E> Estimator<Series<Pair<X, Y>>> for TransferEntropy<E>
where
    X: Embed,
    Y: Embed,
    E: Estimator<Triple<X, Y, Y>>,
{
    fn method(&self) -> Cow<'static, str> {
        let Embedding {
            source_history,
            target_history,
            delay,
            ..
        } = self.embedding;
        format!(
            "transfer entropy of {source_history} past source and {target_history} past target \
             values, delay {delay}: {}",
            self.estimator.method()
        )
        .into()
    }

    fn units(&self) -> Units {
        self.estimator.units()
    }

    fn value(&self, series: &Series<Pair<X, Y>>) -> Result<f64, InfoError> {
        self.estimator.value(&self.embedding.triple(series)?)
    }

    fn estimate(
        &self,
        series: &Series<Pair<X, Y>>,
        inference: &Inference,
    ) -> Result<Estimate, InfoError> {
        inference.check()?;
        let value = self.value(series)?;
        if let IntervalSource::Subsamples { .. } = inference.interval_source() {
            return inference::attach(self, series, inference, value, None, Bias::Unknown);
        }
        if series.size() < SHORTEST_SERIES {
            return Err(InfoError::argument(
                "series",
                format!("a series of {} observations", series.size()),
                format!("of at least {SHORTEST_SERIES}, for an interval from blocks"),
            ));
        }
        let length = series.size() as f64;
        let block = (2.0 * length.sqrt()).max(SHORTEST).min(0.2 * length);
        let seed = inference.seed_value();
        let roots = Roots::draw(self, series, block / length, BLOCKS, seed)?;
        // Blocks that overlap tell as much of a variance as 3/2 times as many that do not.
        let degrees = (1.5 * length / roots.size() as f64 - 1.0).max(1.0);
        let confidence = inference.confidence_level();
        let half = student_quantile(confidence, degrees)? * roots.std_err();
        let mut estimate = Estimate::new(
            format!(
                "{}; interval from blocks of {}",
                Estimator::<Series<Pair<X, Y>>>::method(self),
                roots.size()
            ),
            value,
            roots.std_err(),
            Interval {
                lower: value - half,
                upper: value + half,
            },
            series.size(),
            confidence,
        )?;
        estimate.units = self.estimator.units();
        if inference.searches_bias() {
            estimate.bias = inference::bias::search(self, series, value, half, seed);
            let found = inference::bias_found(estimate.bias);
            inference::widen(&mut estimate, found);
        }
        Ok(estimate)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use ergodic_math::Real;

    use super::*;
    use crate::inference::tests::Mean;

    /// −½ ln(1 − r²) with the partial correlation of scalars.
    struct Partial;

    impl Estimator<Triple<Points>> for Partial {
        fn method(&self) -> Cow<'static, str> {
            "partial correlation".into()
        }

        fn value(&self, data: &Triple<Points>) -> Result<f64, InfoError> {
            let correlation = |a: &Points, b: &Points| {
                let (a, b) = (a.as_slice(), b.as_slice());
                let n = a.len() as f64;
                let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
                let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
                    a.iter().zip(b).map(|(a, b)| f(a - ma, b - mb)).sum()
                };
                sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
            };
            let (x, y, z) = (data.x(), data.y(), data.z());
            let (xy, xz, yz) = (correlation(x, y), correlation(x, z), correlation(y, z));
            let r2 = (xy - xz * yz) * (xy - xz * yz) / ((1.0 - xz * xz) * (1.0 - yz * yz));
            Ok(-0.5 * Real::ln(1.0 - r2))
        }

        fn estimate(&self, _: &Triple<Points>, _: &Inference) -> Result<Estimate, InfoError> {
            unreachable!("transfer entropy asks for values")
        }
    }

    /// Plug-in conditional mutual information of symbols.
    struct Counting;

    impl Estimator<Triple<Symbols>> for Counting {
        fn method(&self) -> Cow<'static, str> {
            "plug-in".into()
        }

        fn value(&self, data: &Triple<Symbols>) -> Result<f64, InfoError> {
            let n = data.len();
            let entropy = |of: &dyn Fn(usize) -> [u32; 3]| -> f64 {
                let mut counts: HashMap<[u32; 3], f64> = HashMap::new();
                for i in 0..n {
                    *counts.entry(of(i)).or_default() += 1.0;
                }
                let mut counts: Vec<f64> = counts.into_values().collect();
                counts.sort_by(f64::total_cmp);
                counts
                    .iter()
                    .map(|c| -c / n as f64 * Real::ln(c / n as f64))
                    .sum()
            };
            let (x, y, z) = (data.x().codes(), data.y().codes(), data.z().codes());
            Ok(
                entropy(&|i| [x[i], 0, z[i]]) + entropy(&|i| [0, y[i], z[i]])
                    - entropy(&|i| [x[i], y[i], z[i]])
                    - entropy(&|i| [0, 0, z[i]]),
            )
        }

        fn estimate(&self, _: &Triple<Symbols>, _: &Inference) -> Result<Estimate, InfoError> {
            unreachable!("transfer entropy asks for values")
        }
    }

    fn normals(n: usize, seed: u64, stream: u64) -> Vec<f64> {
        let mut x = vec![0.0; n];
        ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(seed, stream), &mut x);
        x
    }

    /// `x_t = φ x_{t−1} + n_t`, started in its stationary law.
    fn autoregressive(n: usize, phi: f64, seed: u64, stream: u64) -> Points {
        let mut x = normals(n, seed, stream);
        x[0] /= (1.0 - phi * phi).sqrt();
        for t in 1..n {
            x[t] += phi * x[t - 1];
        }
        Points::scalar(x).unwrap()
    }

    /// `y_{t+1} = .5 x_t + n_t` with white `x`: T = ½ ln 1.25.
    fn driven(n: usize, seed: u64) -> Series<Pair<Points>> {
        let (x, mut y) = (normals(n, seed, 0), normals(n, seed, 1));
        for t in 1..n {
            y[t] += 0.5 * x[t - 1];
        }
        Series::coupled(Points::scalar(x).unwrap(), Points::scalar(y).unwrap()).unwrap()
    }

    const TRANSFER: f64 = 0.111_571_775_657_104_88;

    #[test]
    fn transfer_entropy_of_a_driven_series_is_half_the_log_of_five_quarters() {
        let transfer = TransferEntropy::new(Partial, Embedding::new());
        let series = driven(20_000, 1);
        // One standard deviation is r/√n = .00316 with r² = .2; six.
        let value = transfer.value(&series).unwrap();
        assert!((value - TRANSFER).abs() < 0.019, "{value}");
        // Nothing flows back: 2n·T is χ² of one degree, above 30 with probability 4e-8.
        let back = transfer.value(&series.reversed()).unwrap();
        assert!(back < 30.0 / 40_000.0, "{back}");
        // Nothing is left after two steps.
        let late = TransferEntropy::new(Partial, Embedding::new().delay(2));
        assert!(late.value(&series).unwrap() < 30.0 / 40_000.0);
    }

    #[test]
    fn a_copy_carries_one_bit_at_its_delay_only() {
        let mut rng = ergodic_math::rng::stream(5, 0);
        let x: Vec<u32> = (0..4_000)
            .map(|_| Randomness::index(&mut rng, 2) as u32)
            .collect();
        let mut y = vec![0, 1, 1];
        y.extend_from_slice(&x[..x.len() - 3]);
        let series = |known: bool| {
            let of = |codes: &[u32]| {
                if known {
                    Symbols::new(codes, 2).unwrap()
                } else {
                    Symbols::of(codes).unwrap()
                }
            };
            Series::coupled(of(&x), of(&y)).unwrap()
        };
        for known in [true, false] {
            let at = |delay: usize, history: usize| {
                let past = Embedding::new().delay(delay).source_history(history);
                TransferEntropy::new(Counting, past)
                    .value(&series(known))
                    .unwrap()
            };
            assert!(
                (at(3, 1) - std::f64::consts::LN_2).abs() < 1e-3,
                "{}",
                at(3, 1)
            );
            // 2n·T is χ² of 2 degrees: above 40 with probability 2e-9.
            assert!(at(2, 1) < 40.0 / 8_000.0 && at(4, 1) < 40.0 / 8_000.0);
            // A longer past finds it, too.
            assert!(
                (at(1, 3) - std::f64::consts::LN_2).abs() < 0.02,
                "{}",
                at(1, 3)
            );
        }
    }

    #[test]
    fn embeddings_take_the_rows_that_they_say() {
        let x = Points::new((0..20).map(f64::from).collect::<Vec<_>>(), 2).unwrap();
        let y = Points::scalar((100..110).map(f64::from).collect::<Vec<_>>()).unwrap();
        let past = Embedding::new().source_history(2).target_history(3);
        let past = past.delay(4).spacing(2).build().unwrap();
        let triple = past.triple(&Series::coupled(x, y).unwrap()).unwrap();
        // The longest lag is 4 + 2 = 6: times 6 to 9.
        assert_eq!(triple.len(), 4);
        assert_eq!(triple.x().row(0), [4.0, 5.0, 0.0, 1.0]);
        assert_eq!(triple.y().row(0), [106.0]);
        assert_eq!(triple.z().row(0), [105.0, 103.0, 101.0]);
        let s = Symbols::new([0, 1, 2, 1, 0], 3).unwrap();
        let words = s.lagged(2..5, &[0, 1, 2]).unwrap();
        assert_eq!(words.codes(), [2 * 9 + 3, 9 + 2 * 3 + 1, 3 + 2]);
        assert_eq!(words.known_alphabet(), Some(27));
        let s = Symbols::of(&[0, 1, 2, 1, 0]).unwrap();
        let words = s.lagged(2..5, &[0, 1]).unwrap();
        assert_eq!((words.alphabet(), words.known_alphabet()), (3, None));
    }

    /// The mean of an autoregression with φ = .5 has variance 4/n; shuffled rows would say 4/3n.
    #[test]
    fn blocks_see_the_memory_of_a_series() {
        const N: usize = 2_000;
        struct SeriesMean;
        impl Estimator<Series<Points>> for SeriesMean {
            fn method(&self) -> Cow<'static, str> {
                "mean".into()
            }
            fn value(&self, data: &Series<Points>) -> Result<f64, InfoError> {
                Mean.value(data.sample())
            }
            fn estimate(&self, _: &Series<Points>, _: &Inference) -> Result<Estimate, InfoError> {
                unreachable!("roots ask for values")
            }
        }
        let (mut blocks, mut rows, mut covered) = (0.0, 0.0, 0);
        const RUNS: u64 = 200;
        for seed in 0..RUNS {
            let x = autoregressive(N, 0.5, seed, 0);
            let series = Series::new(x.clone());
            let roots = Roots::draw(&SeriesMean, &series, 0.05, 100, seed).unwrap();
            blocks += roots.std_err() * roots.std_err();
            let value = SeriesMean.value(&series).unwrap();
            covered += u64::from(roots.interval(value, 0.9).unwrap().contains(0.0));
            rows += Roots::draw(&Mean, &x, 0.05, 100, seed).unwrap().std_err();
        }
        let variance = N as f64 * blocks / RUNS as f64;
        // A block of 100 loses about 1 + 2φ/(1 − φ²) in 100 of it; 20 blocks and 200 runs leave 3 %.
        assert!((variance / 4.0 - 1.0).abs() < 0.15, "{variance}");
        let shuffled = rows / RUNS as f64 * (N as f64).sqrt();
        assert!(
            (shuffled / (4.0f64 / 3.0).sqrt() - 1.0).abs() < 0.05,
            "{shuffled}"
        );
        // With 20 blocks it falls short of 90 %, by less than 10 %; six binomial sd are .13.
        assert!(covered * 100 > (90 - 10 - 13) * RUNS, "{covered} of {RUNS}");
    }

    #[test]
    fn an_estimate_of_transfer_has_an_interval_from_blocks() {
        let transfer = TransferEntropy::new(Partial, Embedding::new());
        let series = driven(4_000, 7);
        let e = transfer.estimate(&series, &Inference::new()).unwrap();
        assert!(e.interval.contains(TRANSFER), "{e}");
        // One standard deviation is .0071; blocks of 126 know it within a third.
        assert!((e.std_err / 0.0071 - 1.0).abs() < 0.5, "{e}");
        assert!(e.method.contains("blocks of 126"), "{e}");
        assert!(!e.bias.dominates());
        let tight = Inference::new().confidence(0.995).search_bias(false);
        assert!(transfer.estimate(&series, &tight).is_ok());
    }

    /// A series of 300 has blocks of a fifth, which are five times 3/2 as good as independent ones: 6.5 degrees of
    /// freedom, between the tabulated quantiles 2.447 of six and 2.365 of seven.
    #[test]
    fn short_series_have_intervals_of_students_law() {
        let transfer = TransferEntropy::new(Partial, Embedding::new());
        let ask = Inference::new().search_bias(false);
        let e = transfer.estimate(&driven(300, 2), &ask).unwrap();
        assert!(e.method.contains("blocks of 60"), "{e}");
        let half = (e.interval.upper - e.value) / e.std_err;
        assert!((2.365..2.447).contains(&half), "{half}");
    }

    #[test]
    fn surrogates_keep_rows_and_break_the_tie() {
        let series = Series::new(Symbols::new((0..23).collect::<Vec<_>>(), 23).unwrap());
        for seed in 0..50 {
            let mut rng = ergodic_math::rng::stream(seed, 0);
            let shift = Surrogate::Shift { at_least: 5 }
                .draw(&series, &mut rng)
                .unwrap();
            let codes = shift.sample().codes();
            assert!((5..=18).contains(&codes[0]));
            assert!((0..23).all(|i| codes[i] == (codes[0] + i as u32) % 23));
            let blocks = Surrogate::Blocks { length: 5 }
                .draw(&series, &mut rng)
                .unwrap();
            let mut codes = blocks.sample().codes().to_vec();
            let seams = codes.windows(2).filter(|w| w[0] + 1 != w[1]).count();
            assert!(seams <= 4);
            codes.sort_unstable();
            assert_eq!(codes, series.sample().codes());
        }
    }

    /// Two autoregressions that know nothing of each other, and one that drives the other.
    #[test]
    fn surrogate_tests_find_transfer_and_stay_at_their_level_without() {
        let transfer = TransferEntropy::new(Partial, Embedding::new());
        for surrogate in [
            Surrogate::Shift { at_least: 20 },
            Surrogate::Blocks { length: 30 },
        ] {
            let test = |seed| PermutationTest::new(39, seed).unwrap();
            let rejected = (0..200)
                .filter(|seed| {
                    let (x, y) = (
                        autoregressive(300, 0.8, *seed, 0),
                        autoregressive(300, 0.8, *seed, 1),
                    );
                    let series = Series::coupled(x, y).unwrap();
                    let found = transfer.surrogate_test(&series, surrogate, test(*seed));
                    found.unwrap().p_value <= 0.05
                })
                .count();
            // At 5 %: more than 27 of 200 has probability 1e-6.
            assert!(rejected <= 27, "{surrogate:?}: {rejected} of 200");
            let found = transfer
                .surrogate_test(&driven(300, 3), surrogate, test(1))
                .unwrap();
            assert_eq!(found.p_value, 0.025, "{surrogate:?}");
        }
    }

    /// The statistic is a function of the place on the circle alone, and each place is as likely: the p-value of all
    /// shifts is uniform on its values, over the circle exactly. One shift many times would be taken for many.
    #[test]
    fn shifts_are_different_and_their_test_is_exact_on_the_circle() {
        /// The first code of the source: its place on the circle.
        struct Place;
        impl Estimator<Triple<Symbols>> for Place {
            fn method(&self) -> Cow<'static, str> {
                "place".into()
            }
            fn value(&self, data: &Triple<Symbols>) -> Result<f64, InfoError> {
                Ok(f64::from(data.x().codes()[0]))
            }
            fn estimate(&self, _: &Triple<Symbols>, _: &Inference) -> Result<Estimate, InfoError> {
                unreachable!("tests ask for values")
            }
        }
        const N: u32 = 12;
        let still = Symbols::new(vec![0; N as usize], 1).unwrap();
        let transfer = TransferEntropy::new(Place, Embedding::new());
        let mut p_values: Vec<f64> = (0..N)
            .map(|start| {
                let x: Vec<u32> = (0..N).map(|i| (start + i) % N).collect();
                let x = Symbols::new(x, N).unwrap();
                let series = Series::coupled(x, still.clone()).unwrap();
                let test = PermutationTest::new(11, 1).unwrap();
                let shift = Surrogate::Shift { at_least: 1 };
                let found = transfer.surrogate_test(&series, shift, test).unwrap();
                let mut null = found.null.clone();
                null.sort_by(f64::total_cmp);
                null.dedup();
                assert_eq!(null.len(), 11);
                found.p_value
            })
            .collect();
        p_values.sort_by(f64::total_cmp);
        for (i, p) in p_values.iter().enumerate() {
            assert!((p - (i + 1) as f64 / 12.0).abs() < 1e-15, "{p_values:?}");
        }
        // Fewer permutations than shifts take each of them at some time.
        let taken: std::collections::HashSet<usize> = (0..60)
            .flat_map(|seed| {
                distinct_shifts(12, 1, PermutationTest::new(3, seed).unwrap()).unwrap()
            })
            .collect();
        assert_eq!(taken, (1..12).collect());
        let series = driven(100, 1);
        let transfer = TransferEntropy::new(Partial, Embedding::new());
        let shift = Surrogate::Shift { at_least: 20 };
        for (permutations, right) in [(61, true), (62, false)] {
            let test = PermutationTest::new(permutations, 1).unwrap();
            match transfer.surrogate_test(&series, shift, test) {
                Ok(_) => assert!(right),
                Err(InfoError::Argument(e)) => assert!(!right && e.argument == "permutations"),
                Err(e) => panic!("{e}"),
            }
        }
    }

    #[test]
    fn bad_input_names_its_argument() {
        let name = |error: InfoError| match error {
            InfoError::Argument(error) => error.argument,
            other => panic!("{other}"),
        };
        for (past, argument) in [
            (Embedding::new().source_history(0), "source_history"),
            (Embedding::new().target_history(0), "target_history"),
            (Embedding::new().delay(0), "delay"),
            (Embedding::new().spacing(0), "spacing"),
        ] {
            assert_eq!(name(past.build().unwrap_err()), argument);
            let error = past.triple(&driven(10, 1)).unwrap_err();
            assert_eq!(name(error), argument);
        }
        let long = Embedding::new().source_history(usize::MAX).spacing(3);
        assert_eq!(name(long.triple(&driven(10, 1)).unwrap_err()), "series");
        let late = Embedding::new().delay(10);
        assert_eq!(name(late.triple(&driven(10, 1)).unwrap_err()), "series");
        let many = Symbols::new([0; 40], 2).unwrap();
        assert_eq!(name(many.lagged(33..40, &[1; 32]).unwrap_err()), "lags");
        let short = TransferEntropy::new(Partial, Embedding::new());
        let short = short.estimate(&driven(9, 1), &Inference::new());
        assert_eq!(name(short.unwrap_err()), "series");
        let x = Points::scalar([1.0, 2.0]).unwrap();
        let y = Points::scalar([1.0]).unwrap();
        assert_eq!(name(Series::coupled(x, y).unwrap_err()), "y");
        let series = driven(10, 1);
        let mut rng = ergodic_math::rng::stream(0, 0);
        for at_least in [0, 6] {
            let error = Surrogate::Shift { at_least }.draw(&series, &mut rng);
            assert_eq!(name(error.unwrap_err()), "at_least");
        }
        for length in [0, 6] {
            let error = Surrogate::Blocks { length }.draw(&series, &mut rng);
            assert_eq!(name(error.unwrap_err()), "length");
        }
    }
}
