//! What makes an estimator of Shannon entropy: a rule on multiplicities. Standard errors, intervals,
//! statements on bias, and mutual information follow from the rule.

use std::borrow::Cow;

use ergodic_core::{Bias, Estimate, Interval};
use ergodic_math::{reduce, special::normal_quantile};

use super::bias_bound::worst_bias;
use super::{ChaoWangJost, Multiplicities};
use crate::inference;
use crate::{Counts, Estimator, Inference, InfoError, IntervalSource, Symbols};

/// An interval that holds the bias (value minus truth, in nats) of an estimator, whatever the law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BiasBounds {
    /// At most 0 for a bound that the zero bias satisfies.
    pub lower: f64,
    /// At least 0 for a bound that the zero bias satisfies.
    pub upper: f64,
}

impl BiasBounds {
    /// The bound of the absolute bias.
    pub fn absolute(self) -> f64 {
        self.lower.abs().max(self.upper.abs())
    }
}

/// A rule that estimates Shannon entropy (nats) from multiplicities.
///
/// Whoever implements it has an [`Estimator`] of [`Counts`] and [`Symbols`], and with
/// [`DiscreteMutualInformation`](super::DiscreteMutualInformation) one of mutual and conditional
/// mutual information.
pub trait EntropyRule: Send + Sync {
    /// The name in reports.
    fn name(&self) -> Cow<'static, str>;

    /// The estimate of the entropy in nats.
    ///
    /// # Errors
    /// If the data are outside the rule's domain.
    fn entropy(&self, data: &Multiplicities) -> Result<f64, InfoError>;

    /// The estimates without one observation: for each of [`Multiplicities::pairs`], of a symbol
    /// with this count. `None` for a sample of one observation, and for rules that have no use for
    /// it.
    ///
    /// # Errors
    /// As [`entropy`](Self::entropy).
    fn leave_one_out(&self, data: &Multiplicities) -> Result<Option<Vec<f64>>, InfoError> {
        if data.total() == 1 {
            return Ok(None);
        }
        (0..data.pairs().len())
            .filter_map(|index| data.without_one(index))
            .map(|less| self.entropy(&less))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// What the jackknife's standard error is made of: by default [`leave_one_out`](Self::leave_one_out).
    ///
    /// # Errors
    /// As [`entropy`](Self::entropy).
    fn jackknife_values(&self, data: &Multiplicities) -> Result<Option<Vec<f64>>, InfoError> {
        self.leave_one_out(data)
    }

    /// The standard error in nats, infinite where it is unknown: by default the jackknife's,
    /// `√((n−1)/n · Σᵢ (Ĥ₍ᵢ₎ − mean)²)`, whose square is too large on average, never too small, for
    /// the variance at `n − 1` observations (Efron and Stein, *Ann. Statist.* 9, 1981), but at least
    /// `√((m − 1)/2)/n` with `m` symbols seen: the deviation at uniform laws, where the first order
    /// vanishes and the jackknife's figure may by chance be near 0 (Harris, *Topics in Information
    /// Theory*, 1975).
    ///
    /// # Errors
    /// As [`entropy`](Self::entropy).
    fn std_err(&self, data: &Multiplicities) -> Result<f64, InfoError> {
        Ok(self.jackknife_values(data)?.map_or(f64::INFINITY, |left| {
            jackknife_std_err(data, &left).max(second_order(data))
        }))
    }

    /// What the standard error is, as reports say it.
    fn std_err_name(&self) -> &'static str {
        "jackknife standard error"
    }

    /// Bounds of the bias that hold for every law on an alphabet of known size.
    ///
    /// # Errors
    /// As [`entropy`](Self::entropy).
    fn bias_bounds(&self, _data: &Multiplicities) -> Result<Option<BiasBounds>, InfoError> {
        Ok(None)
    }

    /// What the entropy cannot exceed, in nats: by default `log K` of the alphabet that the data state, infinite
    /// where they state none.
    fn largest(&self, data: &Multiplicities) -> f64 {
        largest_entropy(data)
    }

    /// What is said of the bias where no bound is known and a search is asked for: by default the
    /// difference from Chao, Wang and Jost's estimate, which dominates where it exceeds `half_width`.
    ///
    /// # Errors
    /// As [`entropy`](Self::entropy).
    fn apparent_bias(
        &self,
        data: &Multiplicities,
        value: f64,
        half_width: f64,
    ) -> Result<Bias, InfoError> {
        if data.total() == 1 {
            return Ok(Bias::Unknown);
        }
        let difference = value - ChaoWangJost::new().entropy(data)?;
        Ok(if difference.abs() > half_width {
            Bias::Dominates(Some(difference))
        } else {
            Bias::NotDetected(difference)
        })
    }

    /// The whole estimate. The interval is `[value − z·std_err − z²/2n, value + z·std_err]` with the normal
    /// quantile `z` (the square is for laws near uniform, where the standard error can be near 0 by chance),
    /// moved out by the bounds of the bias where there are any, within `[0, log K]`. Where the value itself
    /// is outside, the interval reaches to it.
    ///
    /// # Errors
    /// As [`entropy`](Self::entropy).
    fn full_estimate(
        &self,
        data: &Multiplicities,
        inference: &Inference,
    ) -> Result<Estimate, InfoError> {
        let value = self.entropy(data)?;
        let std_err = self.std_err(data)?;
        let bounds = self.bias_bounds(data)?;
        let reach = half_widths(std_err, data.total(), inference.confidence_level())?;
        let interval = widened(value, reach, bounds, self.largest(data));
        let method = format!(
            "Shannon entropy, {}; {}{}",
            self.name(),
            self.std_err_name(),
            if bounds.is_some() {
                " and bound of the bias"
            } else {
                ""
            }
        );
        let mut estimate = Estimate::new(
            method,
            value,
            std_err,
            interval,
            usize::try_from(data.total()).unwrap_or(usize::MAX),
            inference.confidence_level(),
        )?;
        estimate.bias = match bounds {
            Some(bounds) => Bias::Bounded(bounds.absolute()),
            None if inference.searches_bias() => self.apparent_bias(data, value, reach.1)?,
            None => Bias::Unknown,
        };
        Ok(estimate)
    }
}

/// A rule `Ĥ = c + Σᵢ g(nᵢ)`, the sum over all symbols of the alphabet if it is known, else over
/// those seen.
///
/// Its bias is `c + Σᵢ b(pᵢ)` with `b(p) = E g(N) + p log p`, `N` binomial, so that bounds over all
/// laws come from one function of one variable (Paninski, *Neural Computation* 15, 2003, section 5),
/// and leaving one observation out changes one term.
pub trait AdditiveRule: Send + Sync {
    /// The name in reports.
    fn name(&self) -> Cow<'static, str>;

    /// The terms of a sample of `total ≥ 1` observations.
    ///
    /// # Errors
    /// If the alphabet is outside the rule's domain.
    fn terms(&self, total: u64, alphabet: Option<u64>) -> Result<Terms<'_>, InfoError>;

    /// The terms that the standard error is made of, where those of the rule fluctuate from one count to the
    /// next more than its sum over a sample does. By default the rule's.
    ///
    /// # Errors
    /// As [`terms`](Self::terms).
    fn smooth_terms(&self, total: u64, alphabet: Option<u64>) -> Result<Terms<'_>, InfoError> {
        self.terms(total, alphabet)
    }

    /// A bound of the bias by a theorem on this rule, to be combined with the computed one.
    fn theorem(&self, _total: u64, _alphabet: u64) -> Option<BiasBounds> {
        None
    }
}

/// The terms of an [`AdditiveRule`] in nats.
pub struct Terms<'a> {
    /// `c`.
    pub constant: f64,
    /// `g`, asked at counts `0..=total`; `g(0)` must be 0 if the alphabet is unknown.
    pub of_count: Box<dyn Fn(u64) -> f64 + 'a>,
}

impl Terms<'_> {
    fn sum(&self, data: &Multiplicities) -> f64 {
        let mut terms: Vec<f64> = data
            .pairs()
            .iter()
            .map(|(count, number)| *number as f64 * (self.of_count)(*count))
            .collect();
        if let Some(alphabet) = data.alphabet() {
            terms.push((alphabet - data.observed()) as f64 * (self.of_count)(0));
        }
        terms.push(self.constant);
        reduce::sum(&terms)
    }

    /// The sums of the samples without one observation, these terms being those of a sample smaller by one.
    fn without_one(&self, data: &Multiplicities) -> Vec<f64> {
        let term = &self.of_count;
        if let [(count, 1)] = data.pairs() {
            // The one symbol seen must not be asked for its full count, which exceeds the smaller total.
            let unseen = data.alphabet().map_or(0, |k| k - 1) as f64 * term(0);
            return vec![self.constant + term(count - 1) + unseen];
        }
        let all = self.sum(data);
        // Where a symbol disappears from an unknown alphabet it leaves no term behind: g(0) = 0.
        data.pairs()
            .iter()
            .map(|(count, _)| all - term(*count) + term(count - 1))
            .collect()
    }
}

impl<A: AdditiveRule> EntropyRule for A {
    fn name(&self) -> Cow<'static, str> {
        AdditiveRule::name(self)
    }

    fn entropy(&self, data: &Multiplicities) -> Result<f64, InfoError> {
        Ok(self.terms(data.total(), data.alphabet())?.sum(data))
    }

    fn leave_one_out(&self, data: &Multiplicities) -> Result<Option<Vec<f64>>, InfoError> {
        if data.total() == 1 {
            return Ok(None);
        }
        let terms = self.terms(data.total() - 1, data.alphabet())?;
        Ok(Some(terms.without_one(data)))
    }

    fn jackknife_values(&self, data: &Multiplicities) -> Result<Option<Vec<f64>>, InfoError> {
        if data.total() == 1 {
            return Ok(None);
        }
        let terms = self.smooth_terms(data.total() - 1, data.alphabet())?;
        Ok(Some(terms.without_one(data)))
    }

    fn bias_bounds(&self, data: &Multiplicities) -> Result<Option<BiasBounds>, InfoError> {
        let Some(alphabet) = data.alphabet() else {
            return Ok(None);
        };
        let terms = self.terms(data.total(), Some(alphabet))?;
        let mut bounds = worst_bias(&terms, data.total(), alphabet);
        if let Some(theorem) = self.theorem(data.total(), alphabet) {
            bounds.lower = bounds.lower.max(theorem.lower);
            bounds.upper = bounds.upper.min(theorem.upper);
        }
        Ok(Some(bounds))
    }
}

impl<E: EntropyRule> Estimator<Counts> for E {
    fn method(&self) -> Cow<'static, str> {
        format!("Shannon entropy, {}", self.name()).into()
    }

    fn value(&self, data: &Counts) -> Result<f64, InfoError> {
        self.entropy(&Multiplicities::of(data))
    }

    fn estimate(&self, data: &Counts, inference: &Inference) -> Result<Estimate, InfoError> {
        estimate_of(self, data, inference)
    }
}

/// A sample is answered by its histogram.
impl<E: EntropyRule> Estimator<Symbols> for E {
    fn method(&self) -> Cow<'static, str> {
        Estimator::<Counts>::method(self)
    }

    fn value(&self, data: &Symbols) -> Result<f64, InfoError> {
        self.value(&data.counts())
    }

    fn estimate(&self, data: &Symbols, inference: &Inference) -> Result<Estimate, InfoError> {
        self.estimate(&data.counts(), inference)
    }
}

/// The rule's own estimate, or one with an interval from subsamples. Where its bias has no bound, and what
/// the rule says of it does not dominate, extrapolation over parts of the data is asked as well; the
/// interval is widened by what either finds, within `[0, log K]`.
fn estimate_of<E: EntropyRule>(
    rule: &E,
    data: &Counts,
    inference: &Inference,
) -> Result<Estimate, InfoError> {
    inference.check()?;
    let multiplicities = Multiplicities::of(data);
    let own = rule.full_estimate(&multiplicities, inference)?;
    let value = own.value;
    let mut estimate = if inference.interval_source() == IntervalSource::Own {
        own
    } else {
        let quiet = (*inference).search_bias(false);
        inference::attach(rule, data, &quiet, own.value, None, own.bias)?
    };
    let open = matches!(estimate.bias, Bias::Unknown | Bias::NotDetected(_));
    if open && inference.searches_bias() {
        let half = 0.5 * (estimate.interval.upper - estimate.interval.lower);
        let apparent = inference::bias_found(estimate.bias);
        inference::widen(&mut estimate, apparent);
        let seed = inference.seed_value();
        let found = inference::bias::search(rule, data, estimate.value, half, seed);
        inference::widen(&mut estimate, inference::bias_found(found));
        // The graver of the two findings is reported.
        if found.dominates() || inference::bias_found(found).abs() >= apparent.abs() {
            estimate.bias = found;
        }
        let largest = rule.largest(&multiplicities);
        let interval = &mut estimate.interval;
        interval.lower = interval.lower.max(0.0).min(value);
        interval.upper = interval.upper.min(largest).max(value);
    }
    Ok(estimate)
}

/// The entropy of one outcome of probability `count/total`, `−p log p`, without the loss of digits
/// that `log p` has near 1.
pub(crate) fn surprise(count: u64, total: u64) -> f64 {
    if count == 0 || count == total {
        return 0.0;
    }
    let n = total as f64;
    let p = count as f64 / n;
    if 2 * count > total {
        -p * ergodic_math::Real::ln_1p(-((total - count) as f64) / n)
    } else {
        -p * ergodic_math::Real::ln(p)
    }
}

/// The jackknife's standard error from the estimates with one observation left out.
pub(crate) fn jackknife_std_err(data: &Multiplicities, left: &[f64]) -> f64 {
    let n = data.total() as f64;
    let weights = || {
        data.pairs()
            .iter()
            .map(|(count, number)| (count * number) as f64)
    };
    let mean = weights().zip(left).map(|(w, h)| w * h).sum::<f64>() / n;
    let squares: f64 = weights()
        .zip(left)
        .map(|(w, h)| w * (h - mean) * (h - mean))
        .sum();
    ((n - 1.0) / n * squares).sqrt()
}

/// The deviation of the plug-in estimator at a uniform law on the symbols seen: `2n(log m − Ĥ)` has the `χ²` law
/// with `m − 1` degrees of freedom.
pub(crate) fn second_order(data: &Multiplicities) -> f64 {
    (0.5 * (data.observed() - 1) as f64).sqrt() / data.total() as f64
}

/// How far an interval of a concave functional goes below and above the value: `z·std_err`, and below
/// `z²/2n` more. Along the least favourable path of laws at Fisher distance `t/√n` the entropy is
/// `H + tσ/√n − t²/2n`; the standard error knows the slope `σ` at the sample's law only, which is 0 at a
/// uniform one, and the square is then what the likelihood-ratio interval has.
pub(crate) fn half_widths(
    std_err: f64,
    total: u64,
    confidence: f64,
) -> Result<(f64, f64), InfoError> {
    let quantile = quantile(confidence)?;
    // No error times no quantile, or infinity times 0 at confidences near 0, is not a number.
    let first = if std_err == 0.0 {
        0.0
    } else {
        quantile * std_err
    };
    Ok((first + 0.5 * quantile * quantile / total as f64, first))
}

/// The two-sided normal quantile, positive for every confidence above 0.
pub(crate) fn quantile(confidence: f64) -> Result<f64, InfoError> {
    normal_quantile(0.5 - 0.5 * confidence)
        .map(|z| -z)
        .map_err(|_| InfoError::argument("confidence", confidence, "strictly between 0 and 1"))
}

/// `log K` of a known alphabet, else infinite.
pub(crate) fn largest_entropy(data: &Multiplicities) -> f64 {
    data.alphabet()
        .map_or(f64::INFINITY, |k| libm::log(k as f64))
}

/// The interval from `reach.0` below to `reach.1` above the value, moved out by the bounds of the bias, within
/// `[0, largest]`, where the truth is, and out to the value, where that is not.
pub(crate) fn widened(
    value: f64,
    reach: (f64, f64),
    bounds: Option<BiasBounds>,
    largest: f64,
) -> Interval {
    let bounds = bounds.unwrap_or(BiasBounds {
        lower: 0.0,
        upper: 0.0,
    });
    Interval {
        lower: (value - reach.0 - bounds.upper)
            .clamp(0.0, largest)
            .min(value),
        upper: (value + reach.1 - bounds.lower)
            .clamp(0.0, largest)
            .max(value),
    }
}
