//! The Bayesian estimator of Nemenman, Shafee and Bialek.

use std::borrow::Cow;

use ergodic_core::{Bias, Estimate};
use ergodic_math::Real;
use ergodic_math::special::{digamma, ln_gamma, trigamma};

use super::rule::{EntropyRule, largest_entropy, quantile, widened};
use super::{ChaoWangJost, Multiplicities};
use crate::{Inference, InfoError};

/// The log posterior this far below its mode is left out: e⁻⁴⁰ = 4e-18.
const DEPTH: f64 = 40.0;

/// The posterior mean of the entropy under Nemenman, Shafee and Bialek's prior: a mixture of Dirichlet
/// laws of concentration `β` per symbol, so weighted that the prior of the expected entropy
/// `ξ(β) = ψ(Kβ + 1) − ψ(β + 1)` is uniform on `(0, log K)` (*Advances in Neural Information
/// Processing Systems* 14, 2002):
///
/// `Ĥ = ∫ E[H | n, β] ρ(β) dξ(β) / ∫ ρ(β) dξ(β)`, `ρ(β) = Γ(κ)/Γ(n + κ)·Πᵢ Γ(nᵢ + β)/Γ(β)`, `κ = Kβ`,
///
/// with the moments of `H` under a Dirichlet law of Wolpert and Wolf (*Phys. Rev. E* 52, 1995). The
/// standard error is the posterior standard deviation (Archer, Park and Pillow, *JMLR* 15, 2014).
///
/// If the alphabet is unknown the limit `K → ∞` is taken (the Dirichlet process with
/// `ξ(κ) = ψ(κ + 1) − ψ(1)`). It exists if some symbol was seen twice, for only coincidences bear on
/// the size of an unknown alphabet.
///
/// * **Bias**: none on average over the prior; for a given law no bound is known, and it may exceed
///   the interval by far: for Zipf's law of 10⁴ symbols from 10⁵ observations it is +.053 nats with a
///   posterior deviation of .009.
/// * **Interval**: the normal approximation of the posterior, **a credible interval under the prior**.
///   It says nothing of laws that the prior finds unlikely, among them all with long tails. The estimate
///   says [`Bias::Dominates`] where Chao, Wang and Jost's estimator is outside.
/// * **Cost**: some 150 evaluations of the posterior, each a few tens of nanoseconds per distinct count.
/// * **Not** for laws with a long tail. Good for laws near uniform on a known alphabet, where it
///   learns from a number of observations far below `K`.
///
/// ```
/// use ergodic_info::discrete::Nsb;
/// use ergodic_info::{Counts, Estimator};
///
/// let counts = [4, 12, 4, 5, 3, 1, 5, 1, 2, 2, 2, 2, 11, 3, 4, 12, 12, 1, 2];
/// let h = Nsb::new().alphabet(100).value(&Counts::observed_only(counts)?)?;
/// assert!((h - 2.80609691605433).abs() < 1e-12);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nsb {
    alphabet: Option<u64>,
}

impl Nsb {
    /// The estimator for the alphabet that the data state.
    pub const fn new() -> Self {
        Self { alphabet: None }
    }

    /// The estimator for an alphabet of this size, whatever the data state; it need not fit into
    /// memory. Fewer symbols than were seen are refused when data come.
    pub const fn alphabet(mut self, alphabet: u64) -> Self {
        self.alphabet = Some(alphabet);
        self
    }

    /// Mean and standard deviation of the posterior of the entropy, in nats.
    ///
    /// # Errors
    /// If the alphabet is unknown and no symbol was seen twice, or the alphabet set is smaller than
    /// the number of symbols seen.
    pub fn posterior(&self, data: &Multiplicities) -> Result<(f64, f64), InfoError> {
        let alphabet = match self.alphabet {
            Some(k) if k < data.observed() => {
                return Err(InfoError::argument(
                    "alphabet",
                    k,
                    format!("at least the number of symbols seen, {}", data.observed()),
                ));
            }
            Some(k) => Some(k),
            None => data.alphabet(),
        };
        match alphabet {
            Some(1) => Ok((0.0, 0.0)),
            None if data.observed() == data.total() => Err(InfoError::argument(
                "counts",
                "a histogram of singletons over an unknown alphabet",
                "over a known alphabet, or with a symbol seen twice",
            )),
            _ => Ok(Posterior::new(data, alphabet).moments()),
        }
    }
}

impl EntropyRule for Nsb {
    fn name(&self) -> Cow<'static, str> {
        match self.alphabet {
            Some(k) => format!("NSB, alphabet of {k}").into(),
            None => "NSB".into(),
        }
    }

    fn entropy(&self, data: &Multiplicities) -> Result<f64, InfoError> {
        Ok(self.posterior(data)?.0)
    }

    /// Of the alphabet that the rule was given, before that of the data.
    fn largest(&self, data: &Multiplicities) -> f64 {
        self.alphabet
            .map_or_else(|| largest_entropy(data), |k| libm::log(k as f64))
    }

    /// None: the posterior has its own standard deviation.
    fn leave_one_out(&self, _data: &Multiplicities) -> Result<Option<Vec<f64>>, InfoError> {
        Ok(None)
    }

    fn std_err(&self, data: &Multiplicities) -> Result<f64, InfoError> {
        Ok(self.posterior(data)?.1)
    }

    fn std_err_name(&self) -> &'static str {
        "posterior deviation"
    }

    fn full_estimate(
        &self,
        data: &Multiplicities,
        inference: &Inference,
    ) -> Result<Estimate, InfoError> {
        let (mean, deviation) = self.posterior(data)?;
        let half = quantile(inference.confidence_level())? * deviation;
        let mut estimate = Estimate::new(
            format!(
                "Shannon entropy, {}; credible interval under its prior",
                self.name()
            ),
            mean,
            deviation,
            widened(mean, (half, half), None, self.largest(data)),
            usize::try_from(data.total()).unwrap_or(usize::MAX),
            inference.confidence_level(),
        )?;
        // Always, at no cost that counts: the interval rests on a prior that data can contradict.
        if data.total() > 1 {
            let difference = mean - ChaoWangJost::new().entropy(data)?;
            if difference.abs() > half {
                estimate.bias = Bias::Dominates(Some(difference));
            } else if inference.searches_bias() {
                estimate.bias = Bias::NotDetected(difference);
            }
        }
        Ok(estimate)
    }
}

/// The posterior as a function of `u = log κ`, `κ = Kβ` the concentration of all symbols together.
struct Posterior<'a> {
    pairs: &'a [(u64, u64)],
    /// `log Γ(c)` of each distinct count.
    ln_gammas: Vec<f64>,
    n: f64,
    ln_gamma_n: f64,
    observed: f64,
    /// 0 stands for infinity.
    inverse_alphabet: f64,
    alphabet: f64,
}

impl<'a> Posterior<'a> {
    fn new(data: &'a Multiplicities, alphabet: Option<u64>) -> Self {
        let n = data.total() as f64;
        Self {
            pairs: data.pairs(),
            ln_gammas: data.pairs().iter().map(|p| ln_gamma(p.0 as f64)).collect(),
            n,
            ln_gamma_n: ln_gamma(n),
            observed: data.observed() as f64,
            inverse_alphabet: alphabet.map_or(0.0, |k| 1.0 / k as f64),
            alphabet: alphabet.map_or(f64::INFINITY, |k| k as f64),
        }
    }

    /// The log of `ρ(β)·dξ/du` up to a constant.
    fn log_density(&self, u: f64) -> f64 {
        let kappa = Real::exp(u);
        let beta = kappa * self.inverse_alphabet;
        let mut sum = -inverse_beta(self.n, kappa, self.ln_gamma_n, ln_gamma(kappa));
        if beta > 0.0 {
            let ln_gamma_beta = ln_gamma(beta);
            for ((count, number), ln_gamma_count) in self.pairs.iter().zip(&self.ln_gammas) {
                sum += *number as f64
                    * inverse_beta(*count as f64, beta, *ln_gamma_count, ln_gamma_beta);
            }
        } else {
            // β → 0: Γ(c + β)/(Γ(c)Γ(β)) → β, of which κ is left and K goes into the constant.
            sum += self.observed * u;
        }
        sum + u + Real::ln(self.slope(kappa))
    }

    /// `dξ/dκ = ψ′(κ + 1) − ψ′(β + 1)/K`, with `ψ′(y) = (1 + e(y))/y` so that the leading parts cancel
    /// exactly.
    fn slope(&self, kappa: f64) -> f64 {
        if self.alphabet.is_infinite() {
            return trigamma(kappa + 1.0);
        }
        let (k, beta) = (self.alphabet, kappa * self.inverse_alphabet);
        let (a, b) = (kappa + 1.0, kappa + k);
        (k - 1.0) / a / b + excess(a) / a - excess(beta + 1.0) / b
    }

    /// Mean and variance of the entropy under the Dirichlet law at `u`.
    fn conditional(&self, u: f64) -> (f64, f64) {
        let kappa = Real::exp(u);
        let beta = kappa * self.inverse_alphabet;
        let total = self.n + kappa;
        // The unseen symbols: each of weight β, all of weight κ(1 − m/K).
        let unseen = kappa * (1.0 - self.observed * self.inverse_alphabet).max(0.0);
        let top = digamma(total + 1.0);
        let (d0, e0) = psi_and_excess(beta);
        // −d are what the symbols contribute; the mean of e is the spread within.
        let mut mean = unseen * (top - d0);
        let mut within = unseen * e0;
        let mut square = unseen * (top - d0) * (top - d0);
        for (count, number) in self.pairs {
            let alpha = *count as f64 + beta;
            let (d, e) = psi_and_excess(alpha);
            let weight = *number as f64 * alpha;
            let h = top - d;
            mean += weight * h;
            within += weight * e;
            square += weight * h * h;
        }
        mean /= total;
        let between = (square / total - mean * mean).max(0.0);
        let variance = (between + within / total - excess(total + 1.0)) / (total + 1.0);
        (mean, variance.max(0.0))
    }

    /// Posterior mean and standard deviation, by the trapezoid rule in `u`.
    ///
    /// The integrand is analytic in the strip `|Im u| < π` (the gamma functions' poles are at negative
    /// `κ`), falls at least as `e^{u}` on the left and `e^{−u}` on the right, so the rule's error is
    /// `e^{−2π²/h}` for a wide posterior and `e^{−2π²σ²/h²}` for a narrow one of deviation `σ`: below
    /// 1e-16 with the step `h = min(½, 0.6σ)`.
    fn moments(&self) -> (f64, f64) {
        let mode = self.mode();
        let peak = self.log_density(mode);
        let delta = 0.02;
        let curvature =
            (2.0 * peak - self.log_density(mode - delta) - self.log_density(mode + delta))
                / (delta * delta);
        let step = if curvature > 1.44 {
            (0.6 / curvature.sqrt()).max(1e-5)
        } else {
            0.5
        };
        let mut nodes = vec![(1.0, mode)];
        for direction in [-step, step] {
            for k in 1..100_000 {
                let u = mode + f64::from(k) * direction;
                let depth = peak - self.log_density(u);
                if depth > DEPTH {
                    break;
                }
                nodes.push((Real::exp(-depth), u));
            }
        }
        let (mut mass, mut first) = (0.0, 0.0);
        let moments: Vec<(f64, f64, f64)> = nodes
            .iter()
            .map(|(w, u)| {
                let (mean, variance) = self.conditional(*u);
                mass += w;
                first += w * mean;
                (*w, mean, variance)
            })
            .collect();
        let mean = first / mass;
        let second: f64 = moments
            .iter()
            .map(|(w, m, v)| w * (v + (m - mean) * (m - mean)))
            .sum();
        (mean, (second / mass).sqrt())
    }

    /// The place of the highest value on a coarse grid over the whole posterior, refined by golden
    /// sections. Its hill is smooth on the scale 1 in `u` however narrow the posterior is.
    fn mode(&self) -> f64 {
        let low = -DEPTH - 5.0;
        let high = DEPTH
            + 5.0
            + 2.0 * Real::ln(self.n)
            + Real::ln(self.alphabet.min(self.n * self.n + 1.0));
        let coarse = 2.5;
        let mut best = (f64::NEG_INFINITY, low);
        let mut u = low;
        while u <= high {
            let value = self.log_density(u);
            if value > best.0 {
                best = (value, u);
            }
            u += coarse;
        }
        let golden = 0.5 * (5f64.sqrt() - 1.0);
        let (mut a, mut b) = (best.1 - coarse, best.1 + coarse);
        let (mut x, mut y) = (b - golden * (b - a), a + golden * (b - a));
        let (mut fx, mut fy) = (self.log_density(x), self.log_density(y));
        while b - a > 2e-3 {
            if fx >= fy {
                (b, y, fy) = (y, x, fx);
                x = b - golden * (b - a);
                fx = self.log_density(x);
            } else {
                (a, x, fx) = (x, y, fy);
                y = a + golden * (b - a);
                fy = self.log_density(y);
            }
        }
        0.5 * (a + b)
    }
}

/// `log Γ(a + b) − log Γ(a) − log Γ(b)`, given the logarithms of `Γ(a)` and `Γ(b)`: by Stirling's
/// series of the larger argument, so that numbers of its size do not cancel.
fn inverse_beta(a: f64, b: f64, ln_gamma_a: f64, ln_gamma_b: f64) -> f64 {
    let (large, small, ln_gamma_large, ln_gamma_small) = if a >= b {
        (a, b, ln_gamma_a, ln_gamma_b)
    } else {
        (b, a, ln_gamma_b, ln_gamma_a)
    };
    if large < 10.0 {
        return ln_gamma(large + small) - ln_gamma_large - ln_gamma_small;
    }
    let sum = large + small;
    let ratio = small / large;
    (large - 0.5) * Real::ln_1p(ratio) + small * (Real::ln(sum) - 1.0) + stirling(sum)
        - stirling(large)
        - ln_gamma_small
}

/// `log Γ(x) − (x − ½) log x + x − ½ log 2π` for `x ≥ 10` (DLMF 5.11.1).
fn stirling(x: f64) -> f64 {
    let z = 1.0 / (x * x);
    (1.0 / 12.0
        + z * (-1.0 / 360.0
            + z * (1.0 / 1260.0
                + z * (-1.0 / 1680.0 + z * (1.0 / 1188.0 + z * (-691.0 / 360_360.0))))))
        / x
}

/// `e(y) = y·ψ′(y) − 1`, near `1/2y` for large `y`.
fn excess(y: f64) -> f64 {
    if y < 10.0 {
        return y * trigamma(y) - 1.0;
    }
    let x = 1.0 / y;
    let z = x * x;
    x * (0.5
        + x * (1.0 / 6.0
            + z * (-1.0 / 30.0
                + z * (1.0 / 42.0 + z * (-1.0 / 30.0 + z * (5.0 / 66.0 + z * (-691.0 / 2730.0)))))))
}

/// `ψ(α + 1)` and `e(α + 1)` for `α ≥ 0`.
fn psi_and_excess(alpha: f64) -> (f64, f64) {
    let y = alpha + 1.0;
    if y < 10.0 {
        return (digamma(y), y * trigamma(y) - 1.0);
    }
    let z = 1.0 / (y * y);
    let series = z
        * (1.0 / 12.0
            + z * (-1.0 / 120.0
                + z * (1.0 / 252.0
                    + z * (-1.0 / 240.0 + z * (1.0 / 132.0 + z * (-691.0 / 32_760.0))))));
    (Real::ln(y) - 0.5 / y - series, excess(y))
}
