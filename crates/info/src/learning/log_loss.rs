//! Log-loss and its parts: entropy that no forecast avoids, and regret.

use ergodic_core::Estimate;
use ergodic_math::Real;

use super::brier::of_mean;
use super::posterior::{divergence, entropy};
use super::{Bins, Forecasts};
use crate::{InfoError, Information, Probabilities};

/// The expected log-loss of predicting `q` where the law is `p`: `−Σ p log q = H(p) + KL(p‖q)`, the
/// entropy of the truth and the regret.
///
/// Infinite where `q` excludes what can happen. Cover and Thomas, *Elements of Information Theory*,
/// 2nd ed., theorem 5.4.3. For laws that are known; from data use [`LogLoss`].
///
/// ```
/// use ergodic_info::Probabilities;
/// use ergodic_info::learning::ExpectedLogLoss;
///
/// let (p, q) = (Probabilities::new([0.5, 0.3, 0.2])?, Probabilities::new([0.2, 0.3, 0.5])?);
/// let loss = ExpectedLogLoss::of(&p, &q)?;
/// assert!((loss.regret.nats() - 0.27488721956224654).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpectedLogLoss {
    /// `H(p)`.
    pub entropy: Information,
    /// `KL(p‖q)`.
    pub regret: Information,
}

impl ExpectedLogLoss {
    /// Of one law and one prediction.
    ///
    /// # Errors
    /// If the numbers of outcomes differ.
    pub fn of(p: &Probabilities, q: &Probabilities) -> Result<Self, InfoError> {
        if p.len() != q.len() {
            return Err(InfoError::argument(
                "q",
                format!("a law on {} outcomes", q.len()),
                format!("a law on {}, as the first", p.len()),
            ));
        }
        Ok(Self {
            entropy: Information::from_nats(entropy(p.as_slice())),
            regret: Information::from_nats(divergence(p.as_slice(), q.as_slice())),
        })
    }

    /// Of a predictor: the mean over inputs of weight `inputs`, each with its law and prediction,
    /// `H(Y|X) + Σ_x p(x) KL(p(·|x)‖q(·|x))`. Inputs of weight 0 do not count.
    ///
    /// # Errors
    /// If the lengths differ, or the numbers of outcomes of a law and its prediction.
    pub fn of_predictor(
        inputs: &Probabilities,
        laws: &[Probabilities],
        predictions: &[Probabilities],
    ) -> Result<Self, InfoError> {
        for (name, length) in [("laws", laws.len()), ("predictions", predictions.len())] {
            if length != inputs.len() {
                return Err(InfoError::argument(
                    name,
                    format!("a list of {length}"),
                    format!("one per input, {}", inputs.len()),
                ));
            }
        }
        let mut sum = Self {
            entropy: Information::ZERO,
            regret: Information::ZERO,
        };
        for ((weight, p), q) in inputs.as_slice().iter().zip(laws).zip(predictions) {
            let one = Self::of(p, q)?;
            if *weight > 0.0 {
                sum.entropy += one.entropy * *weight;
                sum.regret += one.regret * *weight;
            }
        }
        Ok(sum)
    }

    /// `H(p) + KL(p‖q)`.
    pub fn total(self) -> Information {
        self.entropy + self.regret
    }
}

/// The mean log-loss of forecast probabilities, `−(1/n) Σ log p(what happened)`, and its exact
/// decomposition over bins of forecasts,
///
/// `loss = uncertainty − resolution + reliability + within`.
///
/// With bin means `p̄`, `ȳ` and shares `w`: `uncertainty = H(ō)`, the entropy of the base rate;
/// `resolution` the mutual information between bin and outcome; `reliability = Σ w KL(ȳ‖p̄)`, the
/// regret of miscalibration; `within` what the bins hide, the loss of the forecasts as they are less
/// that of their bin's mean. Bröcker, *Q. J. R. Meteorol. Soc.* 135 (2009); Weijs, van Nooijen and van
/// de Giesen, *Mon. Weather Rev.* 138 (2010). From few forecasts per bin, resolution and reliability
/// come out too large.
///
/// ```
/// use ergodic_info::learning::{Bins, Forecasts, LogLoss};
///
/// let f = Forecasts::new([0.75; 4], [true, true, true, false])?;
/// let loss = LogLoss::of(&f, Bins::EqualWidth(4))?;
/// assert!(loss.reliability.nats().abs() < 1e-15 && loss.resolution.nats().abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogLoss {
    /// The mean log-loss.
    pub loss: Information,
    /// `H(ō)`.
    pub uncertainty: Information,
    /// `I(bin; outcome)`; more is better.
    pub resolution: Information,
    /// `Σ w KL(ȳ‖p̄)`; less is better.
    pub reliability: Information,
    /// The loss that the bins hide; of either sign.
    pub within: Information,
}

impl LogLoss {
    /// The loss and its parts as the sample has them.
    ///
    /// # Errors
    /// If a forecast of 0 or 1 was wrong, which is an infinite loss (it is named), or the number of
    /// bins is 0 or absurd.
    pub fn of(forecasts: &Forecasts, bins: Bins) -> Result<Self, InfoError> {
        let terms = terms(forecasts)?;
        let binned = bins.of(forecasts)?;
        let n = forecasts.len() as f64;
        let both = |p: f64| [p, 1.0 - p];
        let rate = both(forecasts.base_rate());
        // Of forecasts near 1: the mean of 1 − p has digits that 1 less the mean has not.
        let mut against = vec![0.0; binned.bins.len()];
        for ((p, _), bin) in forecasts.pairs().zip(&binned.of) {
            against[*bin] += 1.0 - p;
        }
        let (mut resolution, mut reliability, mut of_bins) = (0.0, 0.0, 0.0);
        for (b, against) in binned.bins.iter().zip(against) {
            let w = b.count / n;
            let (y, p) = (both(b.outcome), [b.forecast, against / b.count]);
            let regret = divergence(&y, &p);
            resolution += w * divergence(&y, &rate);
            reliability += w * regret;
            of_bins += w * (entropy(&y) + regret);
        }
        let loss = terms.iter().sum::<f64>() / n;
        Ok(Self {
            loss: Information::from_nats(loss),
            uncertainty: Information::from_nats(entropy(&rate)),
            resolution: Information::from_nats(resolution),
            reliability: Information::from_nats(reliability),
            within: Information::from_nats(loss - of_bins),
        })
    }

    /// The loss as the estimate of its expectation over independent forecasts, with the interval of
    /// the central limit. The interval means little where rare forecasts near 0 or 1 could still be
    /// wrong: their loss has not been seen.
    ///
    /// # Errors
    /// As [`of`](Self::of), and if the confidence is not in `(0, 1)` or there is a single forecast.
    pub fn estimate(forecasts: &Forecasts, confidence: f64) -> Result<Estimate, InfoError> {
        of_mean("log-loss; central limit", &terms(forecasts)?, confidence)
    }
}

fn terms(forecasts: &Forecasts) -> Result<Vec<f64>, InfoError> {
    forecasts
        .pairs()
        .enumerate()
        .map(|(i, (p, y))| {
            let wrong = if y == 1.0 { p == 0.0 } else { p == 1.0 };
            if wrong {
                return Err(InfoError::argument(
                    "probabilities",
                    format!("{p} at position {i}, but it happened otherwise"),
                    "strictly between 0 and 1 where they were wrong: the loss is infinite",
                ));
            }
            Ok(if y == 1.0 {
                -Real::ln(p)
            } else {
                -Real::ln_1p(-p)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learning::brier::tests::simulated;

    #[test]
    fn the_parts_sum_to_the_loss_for_any_bins() {
        for seed in 0..40 {
            let f = simulated(seed, 1 + 9 * seed as usize, |p| 0.1 + 0.6 * p);
            for bins in [
                Bins::EqualWidth(1),
                Bins::EqualWidth(12),
                Bins::EqualMass(5),
            ] {
                let l = LogLoss::of(&f, bins).unwrap();
                let sum = l.uncertainty - l.resolution + l.reliability + l.within;
                assert!((l.loss - sum).abs().nats() < 1e-13, "{l:?}");
                assert!(l.resolution >= Information::ZERO && l.reliability >= Information::ZERO);
            }
            // Bins of single values hide nothing.
            let fine = LogLoss::of(&f, Bins::EqualMass(100_000)).unwrap();
            assert!(fine.within.abs().nats() < 1e-13);
        }
    }

    #[test]
    fn the_loss_of_a_calibrated_uniform_forecast_is_half_a_nat() {
        // E H(p) over uniform p is ½.
        let f = simulated(8, 100_000, |p| p);
        let e = LogLoss::estimate(&f, 0.999_999).unwrap();
        assert!(e.interval.contains(0.5), "{e}");
    }

    #[test]
    fn cross_entropy_is_entropy_and_regret() {
        let law = |p: &[f64]| Probabilities::new(p).unwrap();
        let (p, q) = (law(&[0.5, 0.3, 0.2]), law(&[0.2, 0.3, 0.5]));
        let plain: f64 = [(0.5, 0.2), (0.3, 0.3), (0.2, 0.5)]
            .iter()
            .map(|(p, q): &(f64, f64)| -p * q.ln())
            .sum();
        let loss = ExpectedLogLoss::of(&p, &q).unwrap();
        assert!((loss.total().nats() - plain).abs() < 1e-15);
        assert_eq!(
            ExpectedLogLoss::of(&p, &p).unwrap().regret,
            Information::ZERO
        );
        let hole = law(&[0.0, 0.5, 0.5]);
        assert_eq!(
            ExpectedLogLoss::of(&p, &hole).unwrap().regret.nats(),
            f64::INFINITY
        );
        assert!(
            ExpectedLogLoss::of(&hole, &p)
                .unwrap()
                .regret
                .nats()
                .is_finite()
        );
        let inputs = law(&[0.25, 0.75]);
        let mean = ExpectedLogLoss::of_predictor(
            &inputs,
            &[p.clone(), q.clone()],
            &[q.clone(), q.clone()],
        );
        let mean = mean.unwrap();
        assert!((mean.regret - loss.regret * 0.25).abs().nats() < 1e-15);
        assert!(ExpectedLogLoss::of(&p, &inputs).is_err());
        assert!(ExpectedLogLoss::of_predictor(&inputs, &[p], &[q]).is_err());
    }

    #[test]
    fn a_tiny_loss_keeps_its_digits() {
        let f = Forecasts::new([1e-20], [false]).unwrap();
        let l = LogLoss::of(&f, Bins::EqualWidth(2)).unwrap();
        assert!((l.loss.nats() / 1e-20 - 1.0).abs() < 1e-15, "{l:?}");
    }

    /// A bin of one forecast: regret is the loss itself, and nothing hides.
    #[test]
    fn forecasts_next_to_certainty_have_finite_parts() {
        for p in [1e-300, 1e-20, 1e-10, 1.0f64.next_down()] {
            let (y, loss) = if p < 0.5 {
                (true, -p.ln())
            } else {
                (false, -(-p).ln_1p())
            };
            let f = Forecasts::new([p, 0.5], [y, true]).unwrap();
            let l = LogLoss::of(&f, Bins::EqualWidth(10)).unwrap();
            let reliability = 0.5 * (loss + 2f64.ln());
            assert!(
                (l.reliability.nats() / reliability - 1.0).abs() < 1e-14,
                "{p}: {l:?}"
            );
            assert!(l.within.nats().abs() < 1e-13, "{p}: {l:?}");
        }
        // The mean of these two rounds to 1.
        let f = Forecasts::new([1.0, 1.0f64.next_down()], [true, false]).unwrap();
        let l = LogLoss::of(&f, Bins::EqualWidth(1)).unwrap();
        assert!(
            l.reliability.nats().is_finite() && l.within.nats().is_finite(),
            "{l:?}"
        );
    }

    #[test]
    fn a_wrong_certainty_is_an_error_that_names_it() {
        for (p, y) in [(0.0, true), (1.0, false)] {
            let f = Forecasts::new([0.5, p], [true, y]).unwrap();
            let error = LogLoss::of(&f, Bins::EqualWidth(2)).unwrap_err();
            assert!(error.to_string().contains("position 1"), "{error}");
            assert!(LogLoss::estimate(&f, 0.9).is_err());
            let right = Forecasts::new([0.5, p], [true, !y]).unwrap();
            assert!(LogLoss::of(&right, Bins::EqualWidth(2)).is_ok());
        }
    }
}
