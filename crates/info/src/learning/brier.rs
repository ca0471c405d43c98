//! The Brier score and its parts.

use ergodic_core::{Bias, Estimate, Units};

use super::{Bins, Forecasts};
use crate::InfoError;

/// The mean squared error of forecast probabilities, `(1/n) Σ (pᵢ − yᵢ)²` in `[0, 1]`, and its exact
/// decomposition over bins of forecasts,
///
/// `score = reliability − resolution + uncertainty + within_variance − within_covariance`.
///
/// With bin means `p̄`, `ȳ`, shares `w` and the base rate `ō`: `reliability = Σ w (p̄ − ȳ)²` (0 if
/// calibrated), `resolution = Σ w (ȳ − ō)²` (how far the bins tell events apart),
/// `uncertainty = ō (1 − ō)`; the last two parts, `(1/n) Σ (pᵢ − p̄)²` and
/// `(2/n) Σ (pᵢ − p̄)(yᵢ − ȳ)`, are what the bins hide, and 0 if all forecasts of a bin are equal.
/// Murphy, *J. Appl. Meteorol.* 12 (1973); Stephenson, Coelho and Jolliffe, *Weather Forecast.* 23
/// (2008). The sum holds to rounding, whatever the bins; the parts depend on them. The score of
/// several classes is the sum over [`Forecasts::of_class`].
///
/// ```
/// use ergodic_info::learning::{Bins, BrierScore, Forecasts};
///
/// let f = Forecasts::new([0.8, 0.8, 0.8, 0.8, 0.8], [true, true, true, true, false])?;
/// let score = BrierScore::of(&f, Bins::EqualWidth(10))?;
/// assert!((score.score - 0.16).abs() < 1e-15);
/// assert!(score.reliability < 1e-30 && score.resolution == 0.0); // calibrated, tells nothing apart
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrierScore {
    /// `(1/n) Σ (p − y)²`.
    pub score: f64,
    /// `Σ w (p̄ − ȳ)²`; less is better.
    pub reliability: f64,
    /// `Σ w (ȳ − ō)²`; more is better.
    pub resolution: f64,
    /// `ō (1 − ō)`, the score of the base rate.
    pub uncertainty: f64,
    /// The variance of forecasts within bins.
    pub within_variance: f64,
    /// Twice the covariance of forecasts and outcomes within bins.
    pub within_covariance: f64,
}

impl BrierScore {
    /// The score and its parts as the sample has them.
    ///
    /// From few forecasts per bin, reliability and resolution both come out too large; see
    /// [`corrected`](Self::corrected).
    ///
    /// # Errors
    /// If the number of bins is 0 or absurd.
    pub fn of(forecasts: &Forecasts, bins: Bins) -> Result<Self, InfoError> {
        Ok(Self::parts(forecasts, bins)?.0)
    }

    /// The parts with their sampling bias removed; the score and the sum stay.
    ///
    /// A bin of `m` outcomes adds `ȳ(1 − ȳ)/(m − 1)` to the expected square of each difference; bins of
    /// one forecast cannot be corrected and stay. Reliability may come out below 0 where there is
    /// none. Ferro and Fricker, *Q. J. R. Meteorol. Soc.* 138 (2012).
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn corrected(forecasts: &Forecasts, bins: Bins) -> Result<Self, InfoError> {
        let (mut parts, noise) = Self::parts(forecasts, bins)?;
        let n = forecasts.len() as f64;
        let of_rate = if n > 1.0 {
            parts.uncertainty / (n - 1.0)
        } else {
            0.0
        };
        parts.reliability -= noise;
        parts.resolution += of_rate - noise;
        parts.uncertainty += of_rate;
        Ok(parts)
    }

    /// The score as the estimate of its expectation over independent forecasts: a mean, unbiased,
    /// with its standard error and the interval of the central limit.
    ///
    /// # Errors
    /// If the confidence is not in `(0, 1)`, or there is a single forecast.
    pub fn estimate(forecasts: &Forecasts, confidence: f64) -> Result<Estimate, InfoError> {
        let squares: Vec<f64> = forecasts.pairs().map(|(p, y)| (p - y) * (p - y)).collect();
        let mut estimate = of_mean("Brier score; central limit", &squares, confidence)?;
        estimate.units = Units::Dimensionless;
        Ok(estimate)
    }

    fn parts(forecasts: &Forecasts, bins: Bins) -> Result<(Self, f64), InfoError> {
        let binned = bins.of(forecasts)?;
        let n = forecasts.len() as f64;
        let rate = forecasts.base_rate();
        let mut out = Self {
            score: 0.0,
            reliability: 0.0,
            resolution: 0.0,
            uncertainty: rate * (1.0 - rate),
            within_variance: 0.0,
            within_covariance: 0.0,
        };
        for ((p, y), bin) in forecasts.pairs().zip(&binned.of) {
            let b = &binned.bins[*bin];
            out.score += (p - y) * (p - y) / n;
            out.within_variance += (p - b.forecast) * (p - b.forecast) / n;
            out.within_covariance += 2.0 * (p - b.forecast) * (y - b.outcome) / n;
        }
        let mut noise = 0.0;
        for b in &binned.bins {
            let w = b.count / n;
            out.reliability += w * (b.forecast - b.outcome) * (b.forecast - b.outcome);
            out.resolution += w * (b.outcome - rate) * (b.outcome - rate);
            if b.count > 1.0 {
                noise += w * b.outcome * (1.0 - b.outcome) / (b.count - 1.0);
            }
        }
        Ok((out, noise))
    }
}

/// The mean of independent terms, by the central limit.
pub(super) fn of_mean(
    method: &'static str,
    terms: &[f64],
    confidence: f64,
) -> Result<Estimate, InfoError> {
    let n = terms.len() as f64;
    if terms.len() < 2 {
        return Err(InfoError::argument(
            "forecasts",
            terms.len(),
            "at least 2, for a standard error",
        ));
    }
    let mean = terms.iter().sum::<f64>() / n;
    let squares: f64 = terms.iter().map(|t| (t - mean) * (t - mean)).sum();
    let std_err = (squares / (n * (n - 1.0))).sqrt();
    let mut estimate = Estimate::normal(method, mean, std_err, terms.len(), confidence)?;
    estimate.bias = Bias::Bounded(0.0);
    Ok(estimate)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ergodic_core::Randomness;
    use ergodic_math::rng;

    /// Forecasts uniform on `[0, 1]`; the event has probability `law(p)`.
    pub(in crate::learning) fn simulated(
        seed: u64,
        n: usize,
        law: impl Fn(f64) -> f64,
    ) -> Forecasts {
        let mut random = rng::stream(seed, 1);
        let p: Vec<f64> = (0..n).map(|_| random.uniform()).collect();
        let y: Vec<bool> = p.iter().map(|p| random.bernoulli(law(*p))).collect();
        Forecasts::new(p, y).unwrap()
    }

    #[test]
    fn the_parts_sum_to_the_score_for_any_bins() {
        for seed in 0..40 {
            let f = simulated(seed, 1 + 7 * seed as usize, |p| 0.3 + 0.5 * p * p);
            for bins in [
                Bins::EqualWidth(1),
                Bins::EqualWidth(10),
                Bins::EqualMass(7),
                Bins::EqualMass(1000),
            ] {
                for s in [
                    BrierScore::of(&f, bins).unwrap(),
                    BrierScore::corrected(&f, bins).unwrap(),
                ] {
                    let sum = s.reliability - s.resolution + s.uncertainty + s.within_variance
                        - s.within_covariance;
                    assert!((s.score - sum).abs() < 1e-14, "{s:?}");
                }
            }
        }
    }

    /// Forecasts of three values with outcomes of known rates: the expectations are exact. Means over
    /// 4,000 runs against 6 standard errors (2e-9 each).
    #[test]
    fn corrected_parts_are_unbiased() {
        let (values, rates) = ([0.2, 0.5, 0.9], [0.3, 0.5, 0.8]);
        let mut sums = [[0.0; 2]; 3];
        const RUNS: u64 = 4000;
        for run in 0..RUNS {
            let mut random = rng::stream(11, run);
            let (mut p, mut y) = (Vec::new(), Vec::new());
            for (value, rate) in values.iter().zip(rates) {
                for _ in 0..4 {
                    p.push(*value);
                    y.push(random.bernoulli(rate));
                }
            }
            let s = BrierScore::corrected(&Forecasts::new(p, y).unwrap(), Bins::EqualWidth(10));
            let s = s.unwrap();
            for (sum, x) in sums
                .iter_mut()
                .zip([s.reliability, s.resolution, s.uncertainty])
            {
                sum[0] += x;
                sum[1] += x * x;
            }
        }
        let mean = (0.3 + 0.5 + 0.8) / 3.0;
        let reliability = (0.01 + 0.0 + 0.01) / 3.0;
        let resolution: f64 = rates.iter().map(|r| (r - mean) * (r - mean) / 3.0).sum();
        // The groups are fixed, so the expected uncertainty is ō(1 − ō) plus what fixing them
        // takes off: Var(ȳ) is Σ r(1 − r)/(9·4) and not ō(1 − ō)/12.
        let fixed: f64 = rates.iter().map(|r| r * (1.0 - r) / 36.0).sum();
        let uncertainty = (mean * (1.0 - mean) - fixed) * 12.0 / 11.0;
        let shift = uncertainty - mean * (1.0 - mean);
        for (sum, exact) in sums
            .iter()
            .zip([reliability, resolution + shift, uncertainty])
        {
            let n = RUNS as f64;
            let m = sum[0] / n;
            let se = ((sum[1] / n - m * m) / n).sqrt();
            assert!((m - exact).abs() < 6.0 * se, "{m} ± {se}, not {exact}");
        }
    }

    /// The same exactly, over all outcomes of two groups of three forecasts.
    #[test]
    fn corrected_parts_have_their_exact_expectation() {
        let (values, rates) = ([0.2, 0.9], [0.3, 0.6]);
        let (mut reliability, mut resolution, mut uncertainty) = (0.0, 0.0, 0.0);
        for outcomes in 0u32..64 {
            let happened = |i: usize| outcomes >> i & 1 == 1;
            let p: Vec<f64> = (0..6).map(|i| values[i / 3]).collect();
            let y: Vec<bool> = (0..6).map(happened).collect();
            let weight: f64 = (0..6)
                .map(|i| {
                    if happened(i) {
                        rates[i / 3]
                    } else {
                        1.0 - rates[i / 3]
                    }
                })
                .product();
            let s = BrierScore::corrected(&Forecasts::new(p, y).unwrap(), Bins::EqualWidth(10));
            let s = s.unwrap();
            reliability += weight * s.reliability;
            resolution += weight * s.resolution;
            uncertainty += weight * s.uncertainty;
        }
        // Σ w (p − r)²; and with the variance of ō over the outcomes, Σ r(1 − r)/(4·3).
        assert!((reliability - 0.5 * (0.01 + 0.09)).abs() < 1e-15);
        let spread: f64 = rates.iter().map(|r| r * (1.0 - r) / 12.0).sum();
        let exact = (0.45 * 0.55 - spread) * 6.0 / 5.0;
        assert!((uncertainty - exact).abs() < 1e-15, "{uncertainty} {exact}");
        let shift = exact - 0.45 * 0.55;
        assert!((resolution - 0.0225 - shift).abs() < 1e-15, "{resolution}");
    }

    #[test]
    fn the_error_of_a_score_is_that_of_a_mean() {
        // Squares 0.04 and 0.36: half their difference.
        let f = Forecasts::new([0.8, 0.6], [true, false]).unwrap();
        let e = BrierScore::estimate(&f, 0.9).unwrap();
        assert!((e.value - 0.2).abs() < 1e-15 && (e.std_err - 0.16).abs() < 1e-15);
    }

    #[test]
    fn the_score_of_a_calibrated_uniform_forecast_is_a_sixth() {
        let f = simulated(5, 100_000, |p| p);
        let e = BrierScore::estimate(&f, 0.999_999).unwrap();
        assert!(e.interval.contains(1.0 / 6.0), "{e}");
        let s = BrierScore::corrected(&f, Bins::EqualWidth(20)).unwrap();
        // Standard deviation of the sum of squares of 20 differences: about √(2·20)·(1/6)/10⁵.
        assert!(s.reliability.abs() < 1e-4);
        // ∫(p − ½)² less the variance within bins.
        assert!((s.resolution - (1.0 - 1.0 / 400.0) / 12.0).abs() < 0.004);
        assert!(BrierScore::estimate(&f, 0.0).is_err());
        let one = Forecasts::new([0.5], [true]).unwrap();
        assert!(BrierScore::estimate(&one, 0.9).is_err());
    }
}
