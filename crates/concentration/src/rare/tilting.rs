//! Importance sampling of means by exponential tilting.

use ergodic_core::{ArgumentError, Bias, Estimate, ExponentialFamily, Interval, Randomness, Units};
use ergodic_expfam::Member;
use ergodic_math::{Real, reduce, rng, roots};
use rayon::prelude::*;

use super::{Streams, at_least};
use crate::argument::open_unit;
use crate::cramer::Tail;
use crate::cumulants::{CumulantGenerating, Lattice, StatisticOf};
use crate::lattice::LatticeLaw;
use crate::lattice_sum::LatticeSum;
use crate::types::sample_size;

/// Runs of a block, which has one random stream.
const BLOCK: usize = 256;

/// A function that draws from a law, or says why it cannot.
pub type Sampler<'a> =
    Box<dyn Fn(&mut dyn Randomness) -> Result<f64, ArgumentError> + Send + Sync + 'a>;

/// A law whose tilted laws `e^{tx − K(t)} p(x)` can be drawn from.
pub trait TiltedSampling: CumulantGenerating + Sync {
    /// What draws from the law under the tilt `t`.
    ///
    /// # Errors
    /// If `t` is not in the interior of the domain of `K`.
    fn tilted_sampler(&self, t: f64) -> Result<Sampler<'_>, ArgumentError>;
}

impl TiltedSampling for LatticeLaw {
    fn tilted_sampler(&self, t: f64) -> Result<Sampler<'_>, ArgumentError> {
        if !t.is_finite() {
            return Err(ArgumentError::new("t", t, "finite"));
        }
        let (weights, _) = self.tilted(t);
        Ok(Box::new(move |rng| {
            Ok(self.value(rng.categorical(&weights)))
        }))
    }
}

impl<F> TiltedSampling for StatisticOf<F>
where
    F: ExponentialFamily + Clone + Send + Sync,
{
    fn tilted_sampler(&self, t: f64) -> Result<Sampler<'_>, ArgumentError> {
        let natural = self.member().natural()[0] + t;
        let tilted = Member::new(self.member().family().clone(), [natural])?;
        Ok(Box::new(move |rng| {
            let mut statistic = [0.0];
            let draw = tilted.sample(rng)?;
            tilted
                .family()
                .sufficient_statistics(std::borrow::Borrow::borrow(&draw), &mut statistic);
            Ok(statistic[0])
        }))
    }
}

/// The probability that the mean of `n` draws reaches a threshold `x`, by draws from the law tilted to it.
///
/// A run draws the sum `S` under the tilt `t` with `K′(t) = x` and weighs it by the likelihood ratio,
/// `1{event} e^{nK(t) − tS} = e^{−nI} · 1{event} e^{−t(S − nx)}`. Unbiased; the relative variance of a run grows as
/// `√n` only, where that of plain sampling is `1/P` (Siegmund, *Ann. Stat.* 4, 1976; Asmussen and Glynn,
/// *Stochastic Simulation*, 2007). Scaled by `e^{nI}` a run is in `[0, 1]`, so that the interval is
/// Hoeffding's with relative entropy (*J. Amer. Stat. Assoc.* 58, 1963), which covers for every number of
/// runs.
///
/// Cost: `runs·n` draws, in parallel over blocks of runs.
///
/// ```
/// use ergodic_concentration::rare::ExponentialTilting;
/// use ergodic_concentration::{LatticeLaw, Tail};
///
/// // A fair die thrown 400 times with mean at least 4.5: 4.7e-33.
/// let found = ExponentialTilting::new().runs(2000).build()?.estimate(
///     &LatticeLaw::die(6)?,
///     400,
///     4.5,
///     Tail::AtLeast,
/// )?;
/// let probability = found.probability();
/// assert!(probability.interval.contains(4.70647344428708e-33));
/// assert!(found.relative_error() < 0.1);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ExponentialTilting {
    runs: usize,
    confidence: f64,
    seed: u64,
}

impl Default for ExponentialTilting {
    fn default() -> Self {
        Self::new()
    }
}

/// An estimate that is a number times a power of e, as rare probabilities leave the range of `f64`.
#[derive(Clone, Debug, PartialEq)]
pub struct TiltedEstimate {
    /// The estimate of `P/e^{log_scale}`, of order `1/√n`.
    pub scaled: Estimate,
    /// `−nI(x)`; 0 on the near side of the mean.
    pub log_scale: f64,
    /// The tilt.
    pub tilt: f64,
}

impl TiltedEstimate {
    /// The estimate of `P` itself; it underflows where `P` does.
    pub fn probability(&self) -> Estimate {
        let scale = Real::exp(self.log_scale);
        let mut estimate = self.scaled.clone();
        estimate.value *= scale;
        estimate.std_err *= scale;
        estimate.interval.lower *= scale;
        estimate.interval.upper *= scale;
        estimate
    }

    /// The logarithm of the estimate, `−∞` where no run met the event.
    pub fn log_probability(&self) -> f64 {
        Real::ln(self.scaled.value) + self.log_scale
    }

    /// The estimated standard error over the estimate; infinite where no run met the event.
    pub fn relative_error(&self) -> f64 {
        if self.scaled.value > 0.0 {
            self.scaled.std_err / self.scaled.value
        } else {
            f64::INFINITY
        }
    }
}

impl ExponentialTilting {
    /// 10,000 runs, intervals at 95 %, seed 1.
    pub fn new() -> Self {
        Self {
            runs: 10_000,
            confidence: 0.95,
            seed: 1,
        }
    }

    /// The number of runs, at least 2.
    pub fn runs(mut self, runs: usize) -> Self {
        self.runs = runs;
        self
    }

    /// The confidence of the interval, in `(0, 1)`.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// The seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The checked settings.
    ///
    /// # Errors
    /// A setting outside its domain.
    pub fn build(self) -> Result<Self, ArgumentError> {
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), ArgumentError> {
        at_least("runs", self.runs, 2)?;
        open_unit("confidence", self.confidence)
    }

    /// The probability that the mean of `n` draws is at least, or at most, `threshold`.
    ///
    /// # Errors
    /// If `n` is 0, or the threshold is not in the interior of the support and within reach of a tilt; a setting
    /// outside its domain; a draw that the law cannot make.
    pub fn estimate<L: TiltedSampling>(
        &self,
        law: &L,
        n: u64,
        threshold: f64,
        tail: Tail,
    ) -> Result<TiltedEstimate, ArgumentError> {
        self.check()?;
        sample_size(n)?;
        let tilt = useful_tilt(law, threshold, tail)?;
        let sampler = law.tilted_sampler(tilt)?;
        let draws = n as f64;
        let log_scale = draws * (law.cumulants(tilt)?.value - tilt * threshold);
        let target = draws * threshold;
        // On a lattice, half a step before the first point that counts: no rounding of sums decides.
        let sign = if tail == Tail::AtLeast { 1.0 } else { -1.0 };
        let line = match law.lattice() {
            None => target,
            Some(Lattice { origin, spacing }) => {
                let lattice = Lattice {
                    origin: draws * origin,
                    spacing,
                };
                let index = lattice.index(target);
                let first = if tail == Tail::AtLeast {
                    index.ceil()
                } else {
                    index.floor()
                };
                lattice.origin + spacing * (first - 0.5 * sign)
            }
        };
        let mut weights = vec![0.0; self.runs];
        let blocks: Vec<Result<(), ArgumentError>> = weights
            .par_chunks_mut(BLOCK)
            .enumerate()
            .map(|(block, weights)| {
                let mut rng = rng::stream(self.seed, Streams::Tilting.of(block));
                for w in weights {
                    let mut sum = 0.0;
                    for _ in 0..n {
                        sum += sampler(&mut rng)?;
                    }
                    if sign * (sum - line) >= 0.0 {
                        *w = Real::exp(-tilt * (sum - target)).min(1.0); // above by rounding only
                    }
                }
                Ok(())
            })
            .collect();
        // The error of the first block, for any number of threads.
        blocks.into_iter().collect::<Result<(), _>>()?;
        let scaled = bounded_mean(&weights, self.confidence)?;
        Ok(TiltedEstimate {
            scaled,
            log_scale,
            tilt,
        })
    }
}

/// The tilt to the threshold; none where the event is on the near side of the mean.
fn useful_tilt<L: CumulantGenerating + ?Sized>(
    law: &L,
    threshold: f64,
    tail: Tail,
) -> Result<f64, ArgumentError> {
    let tilt = law.tilt_of_mean(threshold).map_err(|mut error| {
        error.argument = "threshold";
        error
    })?;
    Ok(match tail {
        Tail::AtLeast => tilt.max(0.0),
        Tail::AtMost => tilt.min(0.0),
    })
}

/// The mean of values in `[0, 1]` with Hoeffding's interval: all `m` with `kl(mean, m) ≤ log(2/δ)/N`.
fn bounded_mean(values: &[f64], confidence: f64) -> Result<Estimate, ArgumentError> {
    let n = values.len() as f64;
    let mean = reduce::sum(values) / n;
    let squares: Vec<f64> = values.iter().map(|v| (v - mean) * (v - mean)).collect();
    let std_err = (reduce::sum(&squares) / (n * (n - 1.0))).sqrt();
    let allowed = Real::ln(2.0 / (1.0 - confidence)) / n;
    let divergence = |m: f64| {
        let term = |a: f64, b: f64| if a > 0.0 { a * Real::ln(a / b) } else { 0.0 };
        term(mean, m) + term(1.0 - mean, 1.0 - m) - allowed
    };
    let end = |outer: f64| {
        // Infinite, or at the mean's own end finite, at the outer end; negative at the mean.
        if mean == outer {
            return outer;
        }
        roots::brent(divergence, mean, outer, 0.0).map_or(outer, |root| root.x)
    };
    let interval = Interval {
        lower: end(0.0).min(mean),
        upper: end(1.0).max(mean),
    };
    let mut estimate = Estimate::new(
        "importance sampling by exponential tilting; Hoeffding's interval with relative entropy, for any \
         number of runs",
        mean,
        std_err,
        interval,
        values.len(),
        confidence,
    )?;
    estimate.units = Units::Dimensionless;
    estimate.bias = Bias::Bounded(0.0);
    Ok(estimate)
}

/// The exact variance of one run of [`ExponentialTilting`] for a lattice law, over the square of the
/// probability: `E[w²]/P² − 1`, by the same convolution as [`LatticeSum`].
///
/// The relative standard error of `N` runs is its root over `√N`; plain sampling has `1/P − 1` instead.
///
/// # Errors
/// As [`ExponentialTilting::estimate`] and [`LatticeSum`].
///
/// ```
/// use ergodic_concentration::rare::lattice_variance;
/// use ergodic_concentration::{LatticeLaw, Tail};
///
/// let variance = lattice_variance(&LatticeLaw::die(6)?, 400, 4.5, Tail::AtLeast)?;
/// assert!(variance < 30.0); // where plain sampling has 2e32
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn lattice_variance(
    law: &LatticeLaw,
    n: u64,
    threshold: f64,
    tail: Tail,
) -> Result<f64, ArgumentError> {
    let sum = LatticeSum::new(law.clone(), n)?;
    let tilt = useful_tilt(law, threshold, tail)?;
    let means = match tail {
        Tail::AtLeast => Interval {
            lower: threshold,
            upper: f64::INFINITY,
        },
        Tail::AtMost => Interval {
            lower: f64::NEG_INFINITY,
            upper: threshold,
        },
    };
    let (low, high, _) = sum.mean_range(means, n)?;
    let at = if tail == Tail::AtLeast { low } else { high };
    let tilted = sum.tilted(tilt, 1e-40)?;
    let first = tilted.log_probability(low, high, at);
    let second = tilted.log_second_moment(low, high, at);
    Ok(Real::exp_m1(second - 2.0 * first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CountingLaw;
    use ergodic_expfam::families;

    /// 10⁶ runs in all for each of four cases, each checked at 5 of its *exact* standard errors: a right
    /// sampler fails with probability 4·6e-7/2 by the normal law, which at these sizes it is near.
    #[test]
    fn the_estimate_is_unbiased_with_the_stated_variance() {
        let die = LatticeLaw::new(0.5, 0.25, &[0.3, 0.1, 0.4, 0.2]).unwrap();
        for (n, threshold, tail) in [
            (12, 1.1, Tail::AtLeast),
            (12, 0.7, Tail::AtMost),
            (30, 1.01, Tail::AtLeast),
            (5, 0.8, Tail::AtLeast),
        ] {
            let runs = 250_000;
            let settings = ExponentialTilting::new().runs(runs).confidence(1.0 - 1e-7);
            let found = settings
                .build()
                .unwrap()
                .estimate(&die, n, threshold, tail)
                .unwrap();
            let sum = LatticeSum::new(die.clone(), n).unwrap();
            let exact = match tail {
                Tail::AtLeast => sum.at_least(threshold * n as f64),
                Tail::AtMost => sum.at_most(threshold * n as f64),
            };
            let exact = exact.unwrap().probability();
            let relative = lattice_variance(&die, n, threshold, tail).unwrap().sqrt();
            let std_err = exact * relative / (runs as f64).sqrt();
            let estimate = found.probability();
            assert!(
                (estimate.value - exact).abs() < 5.2 * std_err,
                "{n} {threshold}: {found:?}"
            );
            assert!(estimate.interval.contains(exact));
            // The estimated variance is within its own noise of the exact one.
            assert!(
                (estimate.std_err / std_err - 1.0).abs() < 0.02,
                "{n}: {estimate:?} {std_err}"
            );
            assert_eq!(estimate.bias, Bias::Bounded(0.0));
        }
    }

    /// A gamma law in its far tail, `P(S ≥ 60) = P(Poisson(60) ≤ 19)` for 20 exponential draws.
    #[test]
    fn members_of_families_are_tilted_within_them() {
        let member = Member::new(families::Exponential, [-1.0]).unwrap();
        let law = StatisticOf::new(member).unwrap();
        let settings = ExponentialTilting::new()
            .runs(20_000)
            .confidence(1.0 - 1e-7)
            .seed(4);
        let found = settings
            .build()
            .unwrap()
            .estimate(&law, 20, 3.0, Tail::AtLeast)
            .unwrap();
        let exact = CountingLaw::poisson(60.0).unwrap().log_at_most(19);
        assert!(
            found.probability().interval.contains(exact.exp()),
            "{found:?}"
        );
        assert!((found.log_probability() - exact).abs() < 0.06);
    }

    /// Hoeffding's interval covers means of coins at least as often as it says, by the binomial law.
    #[test]
    fn the_interval_covers_at_its_confidence() {
        let (runs, confidence) = (50, 0.9);
        for p in [0.01, 0.1, 0.5, 0.97] {
            let law = CountingLaw::binomial(runs, p).unwrap();
            let mut covered = 0.0;
            for k in 0..=runs {
                let values: Vec<f64> = (0..runs).map(|i| f64::from(u8::from(i < k))).collect();
                if bounded_mean(&values, confidence)
                    .unwrap()
                    .interval
                    .contains(p)
                {
                    covered += law.log_probability(k).exp();
                }
            }
            assert!(covered >= confidence, "{p}: {covered}");
        }
    }

    /// Its ends by their definition, and the standard error of a pair.
    #[test]
    fn the_interval_is_a_ball_of_relative_entropy() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i % 10) / 10.0).collect();
        let e = bounded_mean(&values, 0.95).unwrap();
        for end in [e.interval.lower, e.interval.upper] {
            let kl = e.value * (e.value / end).ln()
                + (1.0 - e.value) * ((1.0 - e.value) / (1.0 - end)).ln();
            assert!((200.0 * kl / 40f64.ln() - 1.0).abs() < 1e-10, "{kl}");
        }
        let pair = bounded_mean(&[0.0, 1.0], 0.95).unwrap();
        assert!((pair.std_err - 0.5).abs() < 1e-15);
    }

    /// Eight times 0.1 is less than 0.8, and counts: `P(Bin(10, ½) ≥ 8) = 56/1024`. One test at 5.2 standard errors.
    #[test]
    fn rounding_of_sums_does_not_decide() {
        let tenths = LatticeLaw::new(0.0, 0.1, &[0.5, 0.5]).unwrap();
        let settings = ExponentialTilting::new().runs(20_000).build().unwrap();
        let found = settings.estimate(&tenths, 10, 0.08, Tail::AtLeast).unwrap();
        let e = found.probability();
        assert!((e.value - 56.0 / 1024.0).abs() < 5.2 * e.std_err, "{e:?}");
        let found = settings.estimate(&tenths, 10, 0.02, Tail::AtMost).unwrap();
        let e = found.probability();
        assert!((e.value - 56.0 / 1024.0).abs() < 5.2 * e.std_err, "{e:?}");
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let die = LatticeLaw::die(6).unwrap();
        let ask = || {
            let settings = ExponentialTilting::new()
                .runs(3000)
                .seed(9)
                .build()
                .unwrap();
            settings.estimate(&die, 50, 4.5, Tail::AtLeast).unwrap()
        };
        let pool = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(ask)
        };
        assert_eq!(pool(1), pool(3));
    }

    #[test]
    fn bad_settings_and_thresholds_are_typed_errors() {
        let build = |e: ExponentialTilting| e.build().unwrap_err().argument;
        assert_eq!(build(ExponentialTilting::new().runs(1)), "runs");
        assert_eq!(
            build(ExponentialTilting::new().confidence(1.0)),
            "confidence"
        );
        let die = LatticeLaw::die(6).unwrap();
        let settings = ExponentialTilting::default();
        let ask = |n, x| {
            settings
                .estimate(&die, n, x, Tail::AtLeast)
                .unwrap_err()
                .argument
        };
        assert_eq!(ask(0, 4.0), "n");
        assert_eq!(ask(5, 6.0), "threshold");
        assert_eq!(ask(5, f64::NAN), "threshold");
        assert_eq!(
            lattice_variance(&die, 0, 4.0, Tail::AtMost)
                .unwrap_err()
                .argument,
            "n"
        );
    }
}
