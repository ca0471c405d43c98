//! Predictions of a posterior: total uncertainty, and the part that more data would remove.

use ergodic_core::{Bias, Estimate, Interval};
use ergodic_math::Real;
use ergodic_math::special::{log_sum_exp, normal_quantile};

use super::softmax::check_logits;
use crate::measure::relative_term;
use crate::{InfoError, Information, Probabilities};

/// The class probabilities `p_s(k) = p(k | x, θ_s)` that `S` draws `θ_s` of a posterior give one
/// input.
///
/// The uncertainty of the mean prediction `p̄` splits exactly:
/// `H(p̄) = I(Y; Θ) + (1/S) Σ H(p_s)`, with the mutual information between prediction and parameters
/// `I = (1/S) Σ KL(p_s‖p̄)` (what labels at this input would teach: BALD, Houlsby et al.,
/// arXiv:1112.5745; Gal, Islam and Ghahramani, *ICML* 2017) and the noise that no parameter
/// explains. `O(S K)`.
///
/// ```
/// use ergodic_info::learning::PosteriorPredictions;
///
/// // Two draws that are sure of different classes, and two that are sure of nothing.
/// let torn = PosteriorPredictions::new([1.0, 0.0, 0.0, 1.0], 2)?;
/// let noisy = PosteriorPredictions::new([0.5, 0.5, 0.5, 0.5], 2)?;
/// assert!((torn.predictive_entropy().bits() - 1.0).abs() < 1e-15);
/// assert!((torn.mutual_information().bits() - 1.0).abs() < 1e-15);
/// assert!((noisy.predictive_entropy().bits() - 1.0).abs() < 1e-15);
/// assert_eq!(noisy.mutual_information().bits(), 0.0);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PosteriorPredictions {
    /// `S × K`.
    probabilities: Vec<f64>,
    mean: Vec<f64>,
}

impl PosteriorPredictions {
    /// From probabilities, `S × K` by rows: one row per draw of the posterior.
    ///
    /// # Errors
    /// If there are no classes or draws, the length is no multiple of the classes, or a row is not a
    /// law (as [`Probabilities::new`]).
    pub fn new(probabilities: impl Into<Vec<f64>>, classes: usize) -> Result<Self, InfoError> {
        let mut probabilities = probabilities.into();
        check_rows("probabilities", probabilities.len(), classes)?;
        for (s, row) in probabilities.chunks_exact_mut(classes).enumerate() {
            let law = Probabilities::new(&*row).map_err(|e| {
                InfoError::argument(
                    "probabilities",
                    format!("in row {s} wrong ({e})"),
                    "a law in every row",
                )
            })?;
            row.copy_from_slice(law.as_slice());
        }
        Ok(Self::with_mean(probabilities, classes))
    }

    /// From logits, `S × K` by rows: their softmax.
    ///
    /// # Errors
    /// If there are no classes or draws, the length is no multiple of the classes, or a logit is not
    /// finite.
    pub fn from_logits(logits: impl Into<Vec<f64>>, classes: usize) -> Result<Self, InfoError> {
        let mut logits = logits.into();
        check_rows("logits", logits.len(), classes)?;
        check_logits(&logits)?;
        for row in logits.chunks_exact_mut(classes) {
            let log_sum = log_sum_exp(&*row);
            for z in row.iter_mut() {
                *z = Real::exp(*z - log_sum);
            }
            let total: f64 = row.iter().sum();
            for p in row {
                *p /= total;
            }
        }
        Ok(Self::with_mean(logits, classes))
    }

    fn with_mean(probabilities: Vec<f64>, classes: usize) -> Self {
        let mut mean = vec![0.0; classes];
        for row in probabilities.chunks_exact(classes) {
            for (m, p) in mean.iter_mut().zip(row) {
                *m += p;
            }
        }
        let draws = (probabilities.len() / classes) as f64;
        for m in &mut mean {
            *m /= draws;
        }
        Self {
            probabilities,
            mean,
        }
    }

    /// `S`.
    pub fn draws(&self) -> usize {
        self.probabilities.len() / self.mean.len()
    }

    /// `K`.
    pub fn classes(&self) -> usize {
        self.mean.len()
    }

    /// The mean prediction `p̄`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The entropy `H(p̄)` of the mean prediction: all the uncertainty there is about the label.
    pub fn predictive_entropy(&self) -> Information {
        Information::from_nats(entropy(&self.mean))
    }

    /// The mean entropy `(1/S) Σ H(p_s)`: the noise that remains with the parameters known.
    /// Unbiased from draws of the posterior.
    pub fn expected_entropy(&self) -> Information {
        let total: f64 = self.rows().map(entropy).sum();
        Information::from_nats(total / self.draws() as f64)
    }

    /// The mutual information between label and parameters over these `S` draws as they are,
    /// `(1/S) Σ KL(p_s‖p̄) ≥ 0`. As an estimate of the posterior's it is biased low; see
    /// [`estimate`](Self::estimate).
    pub fn mutual_information(&self) -> Information {
        let total: f64 = self.rows().map(|row| self.surprise(row)).sum();
        Information::from_nats(total / self.draws() as f64)
    }

    /// `KL(p_s‖p̄)`. A class whose mean underflows to 0 has probabilities below 1e-300, which add nothing.
    fn surprise(&self, row: &[f64]) -> f64 {
        let pairs = row.iter().zip(&self.mean).filter(|(_, q)| **q > 0.0);
        pairs.map(|(p, q)| relative_term(*p, *q, q - p)).sum()
    }

    /// The posterior's mutual information between label and parameters, from `S ≥ 2` *independent*
    /// draws.
    ///
    /// The plug-in value falls short by `E[KL(p̄_S‖p̄)]`, to second order
    /// `Σ_k Var(p_k)/(2 S p̄_k)`, which is added. The bias that is left is at most
    /// `max(log(1 + (K−1)/S), (K−1)/(2(S−1)))` in absolute value, for every posterior:
    /// `KL ≤ log(1 + χ²)` and `Var(p_k) ≤ p̄_k(1 − p̄_k)`. The standard error is that of the terms
    /// `KL(p_s‖p̄)`, the influence function of the quantity, and the interval the central limit's, by
    /// `z²/2S` longer below (`z` the normal quantile: the quantity is concave in the weights of the
    /// draws, and where all terms are alike, as of draws that are sure of one of two classes, half
    /// each, the standard error is 0), cut at 0 and `log K`, which are bounds of the quantity itself.
    /// Not for draws of a Markov chain without thinning to independence, and not below some ten draws.
    ///
    /// # Errors
    /// If there are fewer than two draws or the confidence is not in `(0, 1)`.
    pub fn estimate(&self, confidence: f64) -> Result<Estimate, InfoError> {
        let (s, k) = (self.draws() as f64, self.classes() as f64);
        if self.draws() < 2 {
            return Err(InfoError::argument("draws", self.draws(), "at least 2"));
        }
        if !(confidence > 0.0 && confidence < 1.0) {
            return Err(InfoError::argument(
                "confidence",
                confidence,
                "strictly between 0 and 1",
            ));
        }
        let plug_in = self.mutual_information().nats();
        let mut correction = 0.0;
        for (class, mean) in self.mean.iter().enumerate() {
            if *mean > 0.0 {
                let squares: f64 = self
                    .rows()
                    .map(|row| (row[class] - mean) * (row[class] - mean))
                    .sum();
                correction += squares / (s - 1.0) / (2.0 * s * mean);
            }
        }
        let squares: f64 = self
            .rows()
            .map(|row| self.surprise(row) - plug_in)
            .map(|d| d * d)
            .sum();
        let std_err = (squares / (s * (s - 1.0))).sqrt();
        let quantile = -normal_quantile(0.5 - 0.5 * confidence)
            .map_err(|e| InfoError::argument("confidence", e, "strictly between 0 and 1"))?;
        let value = plug_in + correction;
        let most = Real::ln(k);
        let mut estimate = Estimate::new(
            "information between label and parameters, second-order correction; central limit over draws",
            value,
            std_err,
            Interval {
                lower: (value - quantile * std_err - 0.5 * quantile * quantile / s)
                    .max(0.0)
                    .min(most),
                upper: (value + quantile * std_err).min(most).max(0.0),
            },
            self.draws(),
            confidence,
        )?;
        let bound = Real::ln_1p((k - 1.0) / s).max((k - 1.0) / (2.0 * (s - 1.0)));
        estimate.bias = Bias::Bounded(bound);
        Ok(estimate)
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.probabilities.chunks_exact(self.mean.len())
    }
}

/// `−Σ p log p`.
pub(super) fn entropy(p: &[f64]) -> f64 {
    p.iter()
        .filter(|p| **p > 0.0)
        .fold(0.0, |sum, p| sum - p * Real::ln(*p))
}

/// `Σ [p log(p/q) − p + q]`, which is `KL(p‖q)` of laws with each term at least 0; infinite where
/// `q` excludes what `p` does not.
pub(super) fn divergence(p: &[f64], q: &[f64]) -> f64 {
    let pairs = p.iter().zip(q);
    pairs.map(|(p, q)| relative_term(*p, *q, q - p)).sum()
}

fn check_rows(argument: &'static str, length: usize, classes: usize) -> Result<(), InfoError> {
    if classes == 0 {
        return Err(InfoError::argument("classes", 0, "at least 1"));
    }
    if length == 0 || !length.is_multiple_of(classes) {
        return Err(InfoError::argument(
            argument,
            format!("a list of {length} numbers"),
            format!("one or more rows of {classes}"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_core::Randomness;
    use ergodic_math::rng;

    fn random(seed: u64, draws: usize, classes: usize) -> PosteriorPredictions {
        let mut z = vec![0.0; draws * classes];
        rng::fill_normal(&mut rng::stream(seed, 0), &mut z);
        PosteriorPredictions::from_logits(z, classes).unwrap()
    }

    #[test]
    fn predictive_entropy_splits_exactly() {
        for seed in 0..50 {
            let p = random(seed, 1 + seed as usize, 4);
            let sum = p.mutual_information() + p.expected_entropy();
            assert!((p.predictive_entropy() - sum).abs().nats() < 1e-14);
            assert!(p.mutual_information() >= Information::ZERO);
        }
        assert!(random(1, 1, 3).mutual_information().nats() < 1e-15);
    }

    #[test]
    fn logits_and_their_probabilities_agree() {
        let z = [1000.0, 0.0, -3.0, 2.0];
        let a = PosteriorPredictions::from_logits(z, 2).unwrap();
        let b = [
            1.0,
            0.0,
            1.0 / (1.0 + 5f64.exp()),
            1.0 / (1.0 + (-5f64).exp()),
        ];
        let b = PosteriorPredictions::new(b, 2).unwrap();
        assert!(
            (a.mutual_information() - b.mutual_information())
                .abs()
                .nats()
                < 1e-15
        );
    }

    /// Posterior: p uniform on [0, 1] for two classes. H(½) − E H = log 2 − ½.
    ///
    /// The mean over 4,000 runs: |bias| within its stated bound, and the corrected value nearer to
    /// truth than the plug-in, which falls short by E Var/(2S)·4 = 1/(6S). Coverage of 90 %
    /// intervals at S = 50: below 3,506 of 4,000 lies a probability of 1e-6.
    #[test]
    fn the_estimate_is_corrected_bounded_and_covers() {
        const RUNS: u64 = 4000;
        let truth = 2f64.ln() - 0.5;
        for draws in [5usize, 50] {
            let (mut plug_in, mut corrected, mut hits, mut bound) = (0.0, 0.0, 0, 0.0);
            for run in 0..RUNS {
                let mut random = rng::stream(3, run);
                let rows: Vec<f64> = (0..draws)
                    .map(|_| random.uniform())
                    .flat_map(|p| [p, 1.0 - p])
                    .collect();
                let p = PosteriorPredictions::new(rows, 2).unwrap();
                let e = p.estimate(0.9).unwrap();
                plug_in += p.mutual_information().nats() / RUNS as f64;
                corrected += e.value / RUNS as f64;
                hits += usize::from(e.interval.contains(truth));
                let Bias::Bounded(b) = e.bias else { panic!() };
                bound = b;
            }
            // One standard deviation of a mean is below 0.2/√(4000·5) = 0.0015.
            let exact = 1.0 / (6.0 * draws as f64);
            assert!(
                (truth - plug_in - exact).abs() < 0.3 * exact + 0.002,
                "{plug_in}"
            );
            assert!(
                (corrected - truth).abs() < 0.3 * exact + 0.002,
                "{corrected}"
            );
            assert!((corrected - truth).abs() < bound);
            assert!(draws < 50 || hits >= 3506, "{hits}");
        }
    }

    /// `log(1 + (K − 1)/S)` where draws are many, `(K − 1)/2(S − 1)` where they are few.
    #[test]
    fn the_bound_of_the_bias_is_the_larger_of_its_two() {
        for (classes, draws, bound) in [(2, 50, 1.02f64.ln()), (9, 2, 4.0)] {
            let e = random(1, draws, classes).estimate(0.9).unwrap();
            let Bias::Bounded(found) = e.bias else {
                panic!()
            };
            assert!((found - bound).abs() < 1e-15, "{found} {bound}");
        }
    }

    /// KL((½, ½)‖(q, 1 − q)) = −½ log 4q(1 − q), down to the least q.
    #[test]
    fn divergence_from_nearly_excluded_outcomes_is_finite_and_exact() {
        for k in 1..=320 {
            let q = 0.4 * libm::pow(10.0, -f64::from(k));
            let exact = -0.5 * (4f64.ln() + q.ln() + (-q).ln_1p());
            let found = divergence(&[0.5, 0.5], &[q, 1.0 - q]);
            assert!((found / exact - 1.0).abs() < 1e-14, "{q}: {found} {exact}");
        }
    }

    /// Each draw says something of class 1 that its mean is too small to hold.
    #[test]
    fn classes_whose_mean_underflows_add_nothing() {
        let logits = [0.0, -744.4, 0.0, -800.0, 0.0, -800.0];
        let p = PosteriorPredictions::from_logits(logits, 2).unwrap();
        assert_eq!(p.mean()[1], 0.0);
        assert!(p.mutual_information().nats() < 1e-300);
        assert!(p.estimate(0.9).unwrap().interval.lower >= 0.0);
    }

    /// Draws that are sure of one of two classes: the information is the binary entropy `h(θ)` of the
    /// share `θ` of one class, and the law of the number of draws is binomial. Coverage by that law.
    #[test]
    fn intervals_cover_where_every_draw_is_sure() {
        const S: usize = 40;
        let of = |ones: usize| {
            let rows = (0..S).flat_map(|i| if i < ones { [1.0, 0.0] } else { [0.0, 1.0] });
            let p = PosteriorPredictions::new(rows.collect::<Vec<_>>(), 2).unwrap();
            p.estimate(0.95).unwrap().interval
        };
        let intervals: Vec<Interval> = (0..=S).map(of).collect();
        for theta in [0.3f64, 0.4, 0.45, 0.48, 0.5] {
            let truth = entropy(&[theta, 1.0 - theta]);
            let (mut mass, mut covered) = ((1.0 - theta).powi(S as i32), 0.0);
            for (ones, interval) in intervals.iter().enumerate() {
                // Rounding at log 2.
                let near = interval.lower <= truth + 1e-12 && truth - 1e-12 <= interval.upper;
                covered += if near { mass } else { 0.0 };
                mass *= (S - ones) as f64 / (ones + 1) as f64 * theta / (1.0 - theta);
            }
            assert!(covered > 0.9, "{theta}: {covered}");
        }
    }

    #[test]
    fn bad_input_names_its_argument() {
        let text = |r: Result<PosteriorPredictions, InfoError>| r.unwrap_err().to_string();
        assert!(text(PosteriorPredictions::new([0.5, 0.5], 0)).contains("classes"));
        assert!(text(PosteriorPredictions::new([], 2)).contains("probabilities"));
        assert!(text(PosteriorPredictions::new([0.5, 0.5, 1.0], 2)).contains("rows of 2"));
        assert!(text(PosteriorPredictions::new([0.5, 0.5, 0.9, 0.2], 2)).contains("row 1"));
        assert!(text(PosteriorPredictions::from_logits([f64::NAN, 0.0], 2)).contains("logits"));
        let one = random(1, 1, 2);
        assert!(one.estimate(0.9).is_err());
        assert!(random(1, 2, 2).estimate(1.0).is_err());
    }
}
