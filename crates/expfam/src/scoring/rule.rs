//! The scoring rule of a convex generator.

use ergodic_core::ArgumentError;
use ergodic_info::{Convex, InfoError, LogSumExp, NegativeEntropy, SquaredNorm};

use super::{PowerEntropy, PseudoNorm};
use crate::domain;
use crate::legendre::Smooth;

/// The proper loss of a convex function `G` of laws: a forecast `q` costs
/// `ℓ(q, i) = c − G(q) − ⟨∇G(q), eᵢ − q⟩` when outcome `i` is seen.
///
/// Under the law `p` the expected loss is `H(p) + D_G(p‖q)`: the generalised entropy
/// `H(p) = c − G(p)`, the Bayes risk, plus a Bregman divergence, the regret. So no forecast is better
/// than the truth, and every proper loss is of this form (Savage, *JASA* 66, 1971; Gneiting and
/// Raftery, *JASA* 102, 2007). The constant `c` of the named losses makes the right certain forecast
/// cost 0.
///
/// | loss | `ℓ(q, i)` | entropy | divergence |
/// |---|---|---|---|
/// | [`logarithmic`](Self::logarithmic) | `−log qᵢ` | Shannon's | Kullback–Leibler |
/// | [`brier`](Self::brier) | `‖q − eᵢ‖²` | `1 − Σp²` (Gini) | `‖p − q‖²` |
/// | [`spherical`](Self::spherical) | `1 − qᵢ/‖q‖` | `1 − ‖p‖` | `½‖p‖·‖p/‖p‖ − q/‖q‖‖²` |
/// | [`pseudospherical`](Self::pseudospherical) | `1 − (qᵢ/‖q‖_α)^{α−1}` | `1 − ‖p‖_α` | |
/// | [`power`](Self::power) | `[1 − αqᵢ^{α−1}]/(α − 1) + Σq^α` | Tsallis' | density power |
///
/// A loss may be `∞` (an outcome that was excluded); none is NaN. Cost `O(K)` for `K` outcomes.
///
/// ```
/// use ergodic_expfam::scoring::ScoringRule;
///
/// let brier = ScoringRule::brier();
/// assert!((brier.loss(&[0.7, 0.2, 0.1], 0)? - 0.14).abs() < 1e-15); // .3² + .2² + .1²
/// // Expected loss = entropy + divergence.
/// let (p, q) = ([0.5, 0.3, 0.2], [0.7, 0.2, 0.1]);
/// let sum = brier.entropy(&p)? + brier.divergence(&p, &q)?;
/// assert!((brier.expected_loss(&p, &q)? - sum).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoringRule<G> {
    generator: G,
    constant: f64,
}

impl ScoringRule<NegativeEntropy> {
    /// `−log qᵢ`, in nats (Good, *JRSS B* 14, 1952).
    pub const fn logarithmic() -> Self {
        Self {
            generator: NegativeEntropy,
            constant: 0.0,
        }
    }

    /// The logarithmic loss of a softmax, `log Σ e^z − zᵢ`, also where probabilities underflow.
    ///
    /// # Errors
    /// If there are fewer than two logits, one is not finite, or there is no such outcome.
    pub fn loss_of_logits(&self, logits: &[f64], outcome: usize) -> Result<f64, InfoError> {
        check_logits(logits, outcome)?;
        Ok((LogSumExp.value(logits) - logits[outcome]).max(0.0))
    }
}

impl ScoringRule<SquaredNorm> {
    /// `‖q − eᵢ‖²` (Brier, *Mon. Weather Rev.* 78, 1950), from 0 to 2; for two outcomes twice the squared
    /// error of the probability.
    pub const fn brier() -> Self {
        Self {
            generator: SquaredNorm,
            constant: 1.0,
        }
    }
}

impl ScoringRule<PseudoNorm> {
    /// `1 − qᵢ/‖q‖`.
    pub const fn spherical() -> Self {
        Self {
            generator: PseudoNorm::euclidean(),
            constant: 1.0,
        }
    }

    /// `1 − (qᵢ/‖q‖_α)^{α−1}`.
    ///
    /// # Errors
    /// Unless `1 < α ≤ 100`.
    pub fn pseudospherical(order: f64) -> Result<Self, ArgumentError> {
        Ok(Self {
            generator: PseudoNorm::new(order)?,
            constant: 1.0,
        })
    }
}

impl ScoringRule<PowerEntropy> {
    /// `[1 − αqᵢ^{α−1}]/(α − 1) + Σq^α`: at `α = 2` the Brier loss, at `α = 1` the logarithmic one; for
    /// larger orders small probabilities count less.
    ///
    /// # Errors
    /// Unless `0 < α ≤ 100`.
    pub fn power(order: f64) -> Result<Self, ArgumentError> {
        Ok(Self {
            generator: PowerEntropy::new(order)?,
            constant: 0.0,
        })
    }
}

impl<G: Convex> ScoringRule<G> {
    /// Of a generator, and the constant `c` that all losses have added.
    ///
    /// The generator has to be convex on laws; strictly, for the truth to be the only best forecast.
    ///
    /// # Errors
    /// If the constant is not finite.
    pub fn new(generator: G, constant: f64) -> Result<Self, ArgumentError> {
        domain::finite("constant", &[constant], 1)?;
        Ok(Self {
            generator,
            constant,
        })
    }

    /// `G`.
    pub fn generator(&self) -> &G {
        &self.generator
    }

    /// What a forecast costs when an outcome is seen.
    ///
    /// # Errors
    /// If the forecast is no law (finite, nowhere negative, sum 1 to 1e-9), there is no such outcome, or
    /// the generator answers NaN.
    pub fn loss(&self, forecast: &[f64], outcome: usize) -> Result<f64, InfoError> {
        check_law("forecast", forecast)?;
        check_outcome(forecast.len(), outcome)?;
        let mut losses = vec![0.0; forecast.len()];
        self.fill_losses(forecast, &mut losses)?;
        Ok(losses[outcome])
    }

    /// What a forecast costs for each outcome.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn losses(&self, forecast: &[f64]) -> Result<Vec<f64>, InfoError> {
        check_law("forecast", forecast)?;
        let mut losses = vec![0.0; forecast.len()];
        self.fill_losses(forecast, &mut losses)?;
        Ok(losses)
    }

    /// `Σ pᵢ ℓ(q, i)`.
    ///
    /// # Errors
    /// If one of the two is no law, or their lengths differ.
    pub fn expected_loss(&self, law: &[f64], forecast: &[f64]) -> Result<f64, InfoError> {
        check_pair(law, forecast)?;
        let losses = self.losses(forecast)?;
        let terms = law.iter().zip(&losses).filter(|(p, _)| **p > 0.0);
        Ok(terms.map(|(p, l)| p * l).sum())
    }

    /// The least expected loss, `H(p) = c − G(p)`: the generalised entropy.
    ///
    /// # Errors
    /// If it is no law.
    pub fn entropy(&self, law: &[f64]) -> Result<f64, InfoError> {
        check_law("law", law)?;
        number(self.constant - self.generator.value(law))
    }

    /// The regret `D_G(p‖q)`: what the forecast `q` costs above the least.
    ///
    /// # Errors
    /// As [`expected_loss`](Self::expected_loss).
    pub fn divergence(&self, law: &[f64], forecast: &[f64]) -> Result<f64, InfoError> {
        check_pair(law, forecast)?;
        number(self.generator.divergence(law, forecast))
    }

    fn fill_losses(&self, forecast: &[f64], losses: &mut [f64]) -> Result<(), InfoError> {
        self.generator.gradient(forecast, losses);
        // ⟨∇G, q⟩; where q is 0 the gradient may be infinite, and does not count.
        let mean: f64 = forecast
            .iter()
            .zip(losses.iter())
            .filter(|(q, _)| **q > 0.0)
            .map(|(q, g)| q * g)
            .sum();
        let base = self.constant - self.generator.value(forecast) + mean;
        for loss in losses.iter_mut() {
            *loss = number(base - *loss)?;
        }
        Ok(())
    }
}

impl<G: Smooth> ScoringRule<G> {
    /// The gradient of `ℓ(softmax z, i)` in the logits `z`, written to `gradient`:
    /// `(diag q − qqᵀ) ∇²G(q) (q − eᵢ)`; of the logarithmic loss `q − eᵢ`.
    ///
    /// For losses other than the logarithmic it vanishes with the probability of the outcome: training
    /// that starts badly wrong does not move.
    ///
    /// ```
    /// use ergodic_expfam::scoring::ScoringRule;
    ///
    /// let mut gradient = [0.0; 2];
    /// ScoringRule::logarithmic().logit_gradient(&[0.0, 0.0], 1, &mut gradient)?;
    /// assert_eq!(gradient, [0.5, -0.5]);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If there are fewer than two logits, one is not finite, there is no such outcome, or `gradient`
    /// is not as long.
    pub fn logit_gradient(
        &self,
        logits: &[f64],
        outcome: usize,
        gradient: &mut [f64],
    ) -> Result<(), InfoError> {
        check_logits(logits, outcome)?;
        domain::length("gradient", gradient, logits.len())?;
        let mut q = vec![0.0; logits.len()];
        LogSumExp.gradient(logits, &mut q);
        let mut off = q.clone();
        off[outcome] = -(0..q.len())
            .filter(|k| *k != outcome)
            .map(|k| q[k])
            .sum::<f64>();
        self.generator.scaled_hessian_product(&q, &off, gradient);
        let total: f64 = gradient.iter().sum();
        for (g, q) in gradient.iter_mut().zip(&q) {
            *g = number(*g - q * total)?;
        }
        Ok(())
    }

    /// The weight `w(c) = vᵀ∇²G(1 − c, c)v`, `v = (−1, 1)`, that the loss of two outcomes puts on the
    /// probability `c` as a threshold of decision: what [`WeightedBinaryRule`](super::WeightedBinaryRule)
    /// builds a loss from.
    ///
    /// # Errors
    /// Unless `0 < c < 1`.
    pub fn binary_weight(&self, threshold: f64) -> Result<f64, InfoError> {
        if !(threshold > 0.0 && threshold < 1.0) {
            return Err(ArgumentError::new("threshold", threshold, "above 0 and below 1").into());
        }
        let mut h = [0.0; 4];
        self.generator
            .hessian(&[1.0 - threshold, threshold], &mut h);
        number(h[0] - h[1] - h[2] + h[3])
    }
}

fn number(value: f64) -> Result<f64, InfoError> {
    if value.is_nan() {
        let found = "a function that answers NaN";
        return Err(ArgumentError::new("generator", found, "a number on laws").into());
    }
    Ok(value)
}

pub(crate) fn check_law(argument: &'static str, law: &[f64]) -> Result<(), InfoError> {
    if law.len() < 2 {
        let found = format!("a list of {} probabilities", law.len());
        return Err(ArgumentError::new(argument, found, "at least 2 long").into());
    }
    domain::finite(argument, law, law.len())?;
    for k in 0..law.len() {
        domain::require(argument, law, k, law[k] >= 0.0, "at least 0")?;
    }
    let total = ergodic_math::reduce::sum(law);
    if (total - 1.0).abs() > 1e-9 {
        let found = format!("a list with sum {total}");
        return Err(ArgumentError::new(argument, found, "a list with sum 1").into());
    }
    Ok(())
}

fn check_pair(law: &[f64], forecast: &[f64]) -> Result<(), InfoError> {
    check_law("law", law)?;
    check_law("forecast", forecast)?;
    domain::length("forecast", forecast, law.len())?;
    Ok(())
}

fn check_outcome(outcomes: usize, outcome: usize) -> Result<(), InfoError> {
    if outcome < outcomes {
        return Ok(());
    }
    Err(ArgumentError::new("outcome", outcome, format!("below {outcomes}")).into())
}

fn check_logits(logits: &[f64], outcome: usize) -> Result<(), InfoError> {
    if logits.len() < 2 {
        let found = format!("a list of {}", logits.len());
        return Err(ArgumentError::new("logits", found, "at least 2 long").into());
    }
    domain::finite("logits", logits, logits.len())?;
    check_outcome(logits.len(), outcome)
}

/// The pair of laws that speaks loudest against a loss being proper.
#[derive(Clone, Debug, PartialEq)]
pub struct Impropriety {
    /// What is true.
    pub law: Vec<f64>,
    /// What pays better to say.
    pub forecast: Vec<f64>,
    /// By how much the truth costs more: at most 0 (up to rounding) for a proper loss.
    pub gain: f64,
}

/// The largest advantage, over all pairs of these laws, of a forecast that is not the truth; for any loss
/// `ℓ(q, i)`, not only those from a generator.
///
/// A gain above rounding proves that the loss is improper; a proper loss has none among any laws. On a
/// [lattice](lattice_of_laws) of many points it is a fair test, no proof. Cost: the square of the number
/// of laws, times the outcomes.
///
/// ```
/// use ergodic_expfam::scoring::{lattice_of_laws, worst_forecast};
///
/// // The absolute error is improper: it pays to round a forecast.
/// let absolute = |q: &[f64], i: usize| 1.0 - q[i];
/// let worst = worst_forecast(absolute, &lattice_of_laws(2, 10)?)?;
/// assert!(worst.gain > 0.1);
/// let logarithmic = |q: &[f64], i: usize| -q[i].ln();
/// assert!(worst_forecast(logarithmic, &lattice_of_laws(2, 10)?)?.gain < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
///
/// # Errors
/// If there are fewer than two laws, one is no law or of another length, or the loss answers NaN.
pub fn worst_forecast(
    loss: impl Fn(&[f64], usize) -> f64,
    laws: &[Vec<f64>],
) -> Result<Impropriety, InfoError> {
    if laws.len() < 2 {
        return Err(ArgumentError::new("laws", laws.len(), "at least 2 laws").into());
    }
    let outcomes = laws[0].len();
    let mut losses = Vec::with_capacity(laws.len());
    for law in laws {
        check_law("laws", law)?;
        domain::length("laws", law, outcomes)?;
        let row: Vec<f64> = (0..outcomes).map(|i| loss(law, i)).collect();
        if row.iter().any(|l| l.is_nan()) {
            let found = format!("NaN for the forecast {law:?}");
            return Err(ArgumentError::new("loss", found, "a number or ∞").into());
        }
        losses.push(row);
    }
    let expected = |p: &[f64], row: &[f64]| -> f64 {
        let terms = p.iter().zip(row).filter(|(p, _)| **p > 0.0);
        terms.map(|(p, l)| p * l).sum()
    };
    let mut worst = Impropriety {
        law: laws[0].clone(),
        forecast: laws[0].clone(),
        gain: f64::NEG_INFINITY,
    };
    for (truth, own) in laws.iter().zip(&losses) {
        let honest = expected(truth, own);
        for (forecast, row) in laws.iter().zip(&losses) {
            let other = expected(truth, row);
            // ∞ − ∞ compares nothing.
            let gain = honest - other;
            if forecast != truth && gain > worst.gain {
                worst = Impropriety {
                    law: truth.clone(),
                    forecast: forecast.clone(),
                    gain,
                };
            }
        }
    }
    Ok(worst)
}

/// All laws on `outcomes` outcomes whose probabilities are multiples of `1/steps`:
/// `C(steps + outcomes − 1, outcomes − 1)` of them, in lexical order.
///
/// # Errors
/// If there are fewer than two outcomes, no steps, or more than 10⁵ laws.
pub fn lattice_of_laws(outcomes: usize, steps: usize) -> Result<Vec<Vec<f64>>, InfoError> {
    if outcomes < 2 {
        return Err(ArgumentError::new("outcomes", outcomes, "at least 2").into());
    }
    let mut count = 1.0;
    for k in 1..outcomes {
        count *= 1.0 + steps as f64 / k as f64;
        if steps == 0 || count > 1e5 + 0.5 {
            break;
        }
    }
    if steps == 0 || count > 1e5 + 0.5 {
        let allowed = "at least 1 and such that there are at most 100,000 laws";
        return Err(ArgumentError::new("steps", steps, allowed).into());
    }
    let mut laws = Vec::new();
    let mut counts = vec![0usize; outcomes];
    counts[outcomes - 1] = steps;
    loop {
        laws.push(counts.iter().map(|c| *c as f64 / steps as f64).collect());
        // The next composition: carry the last part one place on.
        let last = counts[outcomes - 1];
        counts[outcomes - 1] = 0;
        if last > 0 {
            counts[outcomes - 2] += 1;
            counts[outcomes - 1] = last - 1;
            continue;
        }
        let Some(place) = (1..outcomes - 1).rev().find(|k| counts[*k] > 0) else {
            return Ok(laws);
        };
        let part = counts[place];
        counts[place] = 0;
        counts[place - 1] += 1;
        counts[outcomes - 1] = part - 1;
    }
}
