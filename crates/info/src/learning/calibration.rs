//! The calibration error of forecast probabilities, with its noise removed and an interval.

use ergodic_core::{Bias, Estimate, Interval, Units};
use ergodic_math::Real;
use ergodic_math::special::{normal_cdf, normal_quantile};

use super::forecasts::Bin;
use super::{Bins, Forecasts};
use crate::InfoError;

/// How the errors of bins are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// `Σ w |p̄ − ȳ|`, the expected calibration error.
    #[default]
    Absolute,
    /// `√(Σ w (p̄ − ȳ)²)`.
    RootMeanSquare,
}

/// The calibration error of forecasts over bins, in `[0, 1]`: how far the mean forecast `p̄` of a bin
/// is from the share `ȳ` of events that happened, averaged over bins of shares `w`.
///
/// Naeini, Cooper and Hauskrecht, *AAAI* 2015; Guo et al., *ICML* 2017. Two cautions. It is the
/// error of the *bins*: errors of both signs within one cancel, so that with any bins it is at most
/// the error of the forecasts themselves. And a low error is no praise: the base rate alone has
/// none; see [`BrierScore`](super::BrierScore) for what a forecast tells. `O(n log n)`.
///
/// ```
/// use ergodic_info::learning::{Bins, CalibrationError, Forecasts, Norm};
///
/// let f = Forecasts::new([0.9, 0.9, 0.9, 0.9], [true, true, true, false])?;
/// let ece = CalibrationError { bins: Bins::EqualWidth(10), norm: Norm::Absolute };
/// assert!((ece.value(&f)? - 0.15).abs() < 1e-15);
/// let estimate = ece.estimate(&f, 0.95)?;
/// assert!(estimate.interval.contains(0.0)); // four forecasts tell little
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalibrationError {
    /// The bins.
    pub bins: Bins,
    /// The norm.
    pub norm: Norm,
}

impl CalibrationError {
    /// The error as the sample has it. Biased upwards: noise of `ȳ` looks like error.
    ///
    /// # Errors
    /// If the number of bins is 0 or absurd.
    pub fn value(&self, forecasts: &Forecasts) -> Result<f64, InfoError> {
        let binned = self.bins.of(forecasts)?;
        Ok(self.plug_in(&binned.bins, forecasts.len() as f64))
    }

    /// The error with its first-order sampling bias removed, no lower than 0, and an interval.
    ///
    /// * Absolute: from each `|p̄ − ȳ|` what normal noise of the bin's size adds to it, in closed form
    ///   of the folded normal law. Root mean square: `ȳ(1 − ȳ)/(m − 1)` from each square. Kumar, Liang
    ///   and Ma, *NeurIPS* 2019. Errors about as large as the noise of their bin are over-corrected.
    /// * The interval: `|E(ȳ) − E(μ)| ≤ ‖ȳ − μ‖` for the true rates `μ` of the bins, and the quantile of
    ///   the right side for normal noise. It covers at least as often as it says for bins of about
    ///   five forecasts and more, and is cautious where many bins are miscalibrated.
    /// * The bias left is not known (`Bias::Unknown`).
    ///
    /// Conditional on the forecasts and their bins.
    ///
    /// # Errors
    /// As [`value`](Self::value), and if the confidence is not in `(0, 1)`.
    pub fn estimate(&self, forecasts: &Forecasts, confidence: f64) -> Result<Estimate, InfoError> {
        if !(confidence > 0.0 && confidence < 1.0) {
            return Err(InfoError::argument(
                "confidence",
                confidence,
                "strictly between 0 and 1",
            ));
        }
        let bins = self.bins.of(forecasts)?.bins;
        let n = forecasts.len() as f64;
        let plug_in = self.plug_in(&bins, n);
        let z = -normal_quantile(0.5 - 0.5 * confidence)
            .map_err(|e| InfoError::argument("confidence", e, "strictly between 0 and 1"))?;
        let (mut value, mut mean, mut variance, mut of_value) = (0.0, 0.0, 0.0, 0.0);
        for b in &bins {
            let (w, d, s) = (b.count / n, b.forecast - b.outcome, noise(b));
            match self.norm {
                Norm::Absolute => {
                    value += w * (2.0 * d.abs() - folded_mean(d.abs(), s));
                    mean += w * s * HALF_NORMAL_MEAN;
                    variance += w * w * s * s * (1.0 - HALF_NORMAL_MEAN * HALF_NORMAL_MEAN);
                    of_value += w * w * s * s;
                }
                Norm::RootMeanSquare => {
                    let own = if b.count > 1.0 {
                        b.outcome * (1.0 - b.outcome) / (b.count - 1.0)
                    } else {
                        0.0
                    };
                    value += w * (d * d - own);
                    mean += w * s * s;
                    variance += 2.0 * w * w * s * s * s * s;
                    of_value += w * w * s * s * (4.0 * d * d + 2.0 * s * s);
                }
            }
        }
        let value = match self.norm {
            Norm::Absolute => value.max(0.0),
            Norm::RootMeanSquare => value.max(0.0).sqrt(),
        };
        let half = match self.norm {
            Norm::Absolute => mean + z * variance.sqrt(),
            Norm::RootMeanSquare => chi_squared_like(mean, variance, confidence)?.sqrt(),
        };
        let std_err = match self.norm {
            Norm::Absolute => of_value.sqrt(),
            // Of the root; of the square itself near 0.
            Norm::RootMeanSquare => (of_value.sqrt() / (2.0 * plug_in)).min(of_value.sqrt().sqrt()),
        };
        let mut estimate = Estimate::new(
            match self.norm {
                Norm::Absolute => {
                    "expected calibration error of the bins, debiased; interval by the noise of the bins"
                }
                Norm::RootMeanSquare => {
                    "root mean square calibration error of the bins, debiased; interval by the noise of the bins"
                }
            },
            value,
            std_err,
            Interval {
                lower: (plug_in - half).max(0.0),
                upper: (plug_in + half).min(1.0),
            },
            forecasts.len(),
            confidence,
        )?;
        estimate.units = Units::Dimensionless;
        estimate.bias = Bias::Unknown;
        Ok(estimate)
    }

    fn plug_in(&self, bins: &[Bin], n: f64) -> f64 {
        let differences = bins
            .iter()
            .map(|b| (b.count / n, (b.forecast - b.outcome).abs()));
        match self.norm {
            Norm::Absolute => differences.map(|(w, d)| w * d).sum(),
            Norm::RootMeanSquare => differences.map(|(w, d)| w * d * d).sum::<f64>().sqrt(),
        }
    }
}

/// `√(2/π)`.
const HALF_NORMAL_MEAN: f64 = 0.797_884_560_802_865_4;

/// The standard deviation of a bin's share of events; two events of each kind are added (Agresti and
/// Coull), so that a bin of one kind has noise too.
fn noise(bin: &Bin) -> f64 {
    let share = (bin.outcome * bin.count + 2.0) / (bin.count + 4.0);
    (share * (1.0 - share) / bin.count).sqrt()
}

/// `E|X|` of `X ~ N(d, s²)`, `d ≥ 0`.
fn folded_mean(d: f64, s: f64) -> f64 {
    let t = d / s;
    s * HALF_NORMAL_MEAN * Real::exp(-0.5 * t * t) + d * (1.0 - 2.0 * normal_cdf(-t))
}

/// The quantile of a positive sum with this mean and variance, as of a scaled `χ²` with the same two
/// (Satterthwaite), by the cube root of Wilson and Hilferty.
fn chi_squared_like(mean: f64, variance: f64, confidence: f64) -> Result<f64, InfoError> {
    let degrees = 2.0 * mean * mean / variance;
    let z = -normal_quantile(1.0 - confidence)
        .map_err(|e| InfoError::argument("confidence", e, "strictly between 0 and 1"))?;
    let spread = 2.0 / (9.0 * degrees);
    let root = 1.0 - spread + z * spread.sqrt();
    Ok(mean * (root * root * root).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::brier::tests::simulated;

    const NORMS: [Norm; 2] = [Norm::Absolute, Norm::RootMeanSquare];

    /// The error of the bins if each event has the probability `law(p)`.
    fn truth(f: &Forecasts, error: CalibrationError, law: impl Fn(f64) -> f64) -> f64 {
        let binned = error.bins.of(f).unwrap();
        let mut bins = binned.bins.clone();
        for b in &mut bins {
            b.outcome = 0.0;
        }
        for (p, at) in f.probabilities().iter().zip(&binned.of) {
            bins[*at].outcome += law(*p) / bins[*at].count;
        }
        error.plug_in(&bins, f.len() as f64)
    }

    /// 2,000 intervals at 90 %: below 1,732 lies a probability of 1e-6. The plug-in is
    /// biased upwards, the debiased value less so.
    #[test]
    fn intervals_cover_and_debiasing_helps() {
        const RUNS: u64 = 2000;
        type Law = fn(f64) -> f64;
        let laws: [Law; 3] = [|p| p, |p| 0.2 + 0.6 * p, |p| p * p];
        for norm in NORMS {
            for (index, law) in laws.into_iter().enumerate() {
                for (n, bins) in [
                    (100, Bins::EqualMass(5)),
                    (600, Bins::EqualWidth(15)),
                    (40, Bins::EqualWidth(1)),
                ] {
                    let error = CalibrationError { bins, norm };
                    let (mut hits, mut plain, mut debiased) = (0, 0.0, 0.0);
                    for run in 0..RUNS {
                        let f = simulated(run, n, law);
                        let exact = truth(&f, error, law);
                        let e = error.estimate(&f, 0.9).unwrap();
                        hits += usize::from(e.interval.contains(exact));
                        plain += (error.value(&f).unwrap() - exact) / RUNS as f64;
                        debiased += (e.value - exact) / RUNS as f64;
                    }
                    assert!(hits >= 1732, "{norm:?}, {bins:?}: {hits}");
                    assert!(debiased < plain && plain > 0.0, "{norm:?}, {bins:?}");
                    // Calibrated: nearly all of the plug-in is noise.
                    assert!(index > 0 || debiased < 0.7 * plain, "{debiased} of {plain}");
                    // Errors of the size of the noise are over-corrected, by less than it.
                    assert!(
                        debiased
                            > -0.25
                                / (n as f64 / {
                                    let (Bins::EqualWidth(b) | Bins::EqualMass(b)) = bins;
                                    b
                                } as f64)
                                    .sqrt()
                    );
                }
            }
        }
    }

    #[test]
    fn perfect_and_worst_forecasts_have_errors_zero_and_one() {
        let mut outcomes = vec![true; 50];
        outcomes.extend([false; 50]);
        let right: Vec<f64> = outcomes
            .iter()
            .map(|y| if *y { 1.0 } else { 0.0 })
            .collect();
        let wrong: Vec<f64> = right.iter().map(|p| 1.0 - p).collect();
        for norm in NORMS {
            for bins in [Bins::EqualWidth(10), Bins::EqualMass(2)] {
                let error = CalibrationError { bins, norm };
                let f = |p: &Vec<f64>| Forecasts::new(p.clone(), outcomes.clone()).unwrap();
                assert_eq!(error.value(&f(&right)).unwrap(), 0.0);
                assert_eq!(error.value(&f(&wrong)).unwrap(), 1.0);
                for p in [&right, &wrong] {
                    let e = error.estimate(&f(p), 0.95).unwrap();
                    assert!((0.0..=1.0).contains(&e.interval.lower), "{e}");
                    assert!(e.std_err.is_finite());
                }
            }
        }
    }

    #[test]
    fn folded_mean_is_the_integral() {
        for (d, s) in [(0.0, 1.0), (0.3, 0.5), (2.0, 0.1)] {
            let rule = ergodic_math::quadrature::gauss_normal(120).unwrap();
            let smooth = rule.integrate(|z| (d + s * z).abs());
            assert!((folded_mean(d, s) - smooth).abs() < 0.02 * s);
        }
        assert!((folded_mean(2.0, 0.1) - 2.0).abs() < 1e-15);
    }

    /// One bin of 96, half of which happened: the standard deviation is that of 50 in 100 by Agresti and Coull,
    /// and the debiased error `2d − E|N(d, s²)|`, the mean by Riemann's sum.
    #[test]
    fn the_estimate_of_one_bin_is_its_formula() {
        let outcomes: Vec<bool> = (0..96).map(|i| i % 2 == 0).collect();
        let (d, s) = (0.06, (0.25f64 / 96.0).sqrt());
        let f = Forecasts::new(vec![0.5 + d; 96], outcomes).unwrap();
        let bins = Bins::EqualWidth(1);
        let error = CalibrationError {
            bins,
            norm: Norm::Absolute,
        };
        let e = error.estimate(&f, 0.9).unwrap();
        assert!((e.std_err - s).abs() < 1e-15, "{e}");
        let (mut mean, mut mass) = (0.0, 0.0);
        for i in -100_000..=100_000 {
            let z = f64::from(i) * 1e-4;
            mass += (-0.5 * z * z).exp();
            mean += (d + s * z).abs() * (-0.5 * z * z).exp();
        }
        assert!((e.value - (2.0 * d - mean / mass)).abs() < 1e-9, "{e}");
    }

    /// Calibrated forecasts of 0.95, twenty in one bin: all come true in a third of the cases, and the interval
    /// covers then, too. Exactly, by the binomial law.
    #[test]
    fn bins_in_which_all_came_true_have_noise() {
        for norm in NORMS {
            let error = CalibrationError {
                bins: Bins::EqualWidth(1),
                norm,
            };
            let (mut covered, mut mass) = (0.0, 0.95f64.powi(20));
            for failed in 0..=20 {
                let outcomes: Vec<bool> = (0..20).map(|i| i >= failed).collect();
                let f = Forecasts::new(vec![0.95; 20], outcomes).unwrap();
                let e = error.estimate(&f, 0.95).unwrap();
                covered += if e.interval.contains(0.0) { mass } else { 0.0 };
                mass *= (20 - failed) as f64 / (failed + 1) as f64 * 0.05 / 0.95;
            }
            assert!(covered > 0.95, "{norm:?}: {covered}");
        }
    }

    #[test]
    fn bad_settings_are_refused() {
        let f = Forecasts::new([0.5], [true]).unwrap();
        let bins = Bins::EqualWidth(0);
        let error = CalibrationError {
            bins,
            norm: Norm::Absolute,
        };
        assert!(error.value(&f).is_err());
        let bins = Bins::EqualWidth(1);
        let error = CalibrationError {
            bins,
            norm: Norm::Absolute,
        };
        for confidence in [0.0, 1.0, f64::NAN] {
            assert!(error.estimate(&f, confidence).is_err());
        }
    }
}
