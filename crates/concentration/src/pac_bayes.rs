//! PAC-Bayes bounds: generalisation as a free energy.
//!
//! A learner draws its hypothesis from a posterior `Q` chosen with the data; the prior `P` was chosen
//! before. With probability at least `confidence` over `n` independent examples, for all `Q` at once,
//! the risk `L(Q)` (losses in `[0, 1]`, averaged over `Q`) is bounded by the empirical risk `L̂(Q)` and
//! `KL(Q‖P)`:
//!
//! | bound | on the risk |
//! |---|---|
//! | [`PacBayes::mcallester`] | `L̂ + √((KL + log(2√n/δ))/2n)` |
//! | [`PacBayes::seeger`] | all `L` with `kl(L̂, L) ≤ (KL + log(2√n/δ))/n` |
//! | [`PacBayes::catoni`] | `(1 − exp(−(λL̂ + KL + log 1/δ)/n))/(1 − e^{−λ/n})`, λ chosen before |
//! | [`PacBayes::linear`] | `(λL̂ + KL + log 1/δ)/λ + λ/8n`, λ chosen before |
//!
//! The last two grow with `λL̂(Q) + KL(Q‖P)`: the variational free energy of the energy `L̂` at inverse
//! temperature λ. It is least at the [`GibbsPosterior`] `Q ∝ P e^{−λL̂}`, where it is
//! `−log E_P e^{−λL̂}`. PAC-Bayes is the concentration twin of the Gibbs variational principle.
//!
//! Continuous hypotheses need `KL(Q‖P)` alone, as `ergodic_expfam::Member::kl_divergence` gives it:
//!
//! ```
//! use ergodic_concentration::pac_bayes::PacBayes;
//! use ergodic_expfam::Member;
//! use ergodic_expfam::families::Normal;
//!
//! // A weight with prior N(0, 1) and posterior N(1, 1/4), an empirical risk of .1 on 1000 examples.
//! let prior = Member::new(Normal, Normal::natural(0.0, 1.0)?)?;
//! let posterior = Member::new(Normal, Normal::natural(1.0, 0.25)?)?;
//! let bound = PacBayes::new(1000, 0.95)?;
//! let risk = bound.seeger(0.1, posterior.kl_divergence(&prior)?)?;
//! assert!(risk.upper < 0.15 && risk.upper < bound.mcallester(0.1, posterior.kl_divergence(&prior)?)?);
//! # Ok::<(), ergodic_core::ArgumentError>(())
//! ```

use ergodic_core::{ArgumentError, Interval};
use ergodic_math::Real;
use ergodic_math::special::log_weighted_sum_exp;

use crate::argument;
use crate::inequality::{bennett_function, bernoulli_divergence_lower, bernoulli_divergence_upper};

/// Bounds on the risk of a posterior, for all posteriors at once; see the [module](self).
///
/// Risks are at most 1 whatever the bound says, and are returned so.
///
/// ```
/// use ergodic_concentration::pac_bayes::PacBayes;
///
/// // One hypothesis: KL = 0, and what is left is a test-set bound.
/// let bound = PacBayes::new(10_000, 0.99)?;
/// assert!(bound.linear(0.2, 0.0, 600.0)? < 0.216);
/// assert_eq!(bound.mcallester(0.9, 1e9)?, 1.0);
/// assert!(PacBayes::new(0, 0.99).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PacBayes {
    n: f64,
    log_risk: f64,
}

impl PacBayes {
    /// From `n` independent examples, with this confidence.
    ///
    /// # Errors
    /// If `n` is 0 or above 2⁵³, or the confidence outside `(0, 1)`.
    pub fn new(n: u64, confidence: f64) -> Result<Self, ArgumentError> {
        Ok(Self {
            n: argument::sample_size(n)?,
            log_risk: argument::log_risk(confidence)?,
        })
    }

    /// `(KL + log(2√n/δ))/n`.
    fn complexity(&self, kl: f64) -> f64 {
        (kl + std::f64::consts::LN_2 + 0.5 * libm::log(self.n) - self.log_risk) / self.n
    }

    /// McAllester's bound, `L̂ + √((KL + log(2√n/δ))/2n)`.
    ///
    /// Simple; [`seeger`](Self::seeger) is never above it. Sources: D. McAllester, *Mach. Learn.* 37,
    /// 1999; with the constant of A. Maurer, arXiv:cs/0411099, 2004, who proves `E e^{n kl} ≤ 2√n` from
    /// `n = 8` on; it holds below too, with equality at `n = 1`.
    ///
    /// # Errors
    /// Unless the empirical risk is between 0 and 1 and `KL ≥ 0`.
    pub fn mcallester(&self, empirical_risk: f64, kl: f64) -> Result<f64, ArgumentError> {
        check(empirical_risk, kl)?;
        Ok(at_most_one(
            empirical_risk + (0.5 * self.complexity(kl)).sqrt(),
        ))
    }

    /// The bound of Langford and Seeger: all risks with `kl(L̂, L) ≤ (KL + log(2√n/δ))/n`, an interval,
    /// of which both ends hold at once.
    ///
    /// Found by bisection and rounded outwards; for a small empirical risk of the order `1/n` where
    /// McAllester's is of `1/√n`. Sources: M. Seeger, *J. Mach. Learn. Res.* 3, 2002; A. Maurer,
    /// arXiv:cs/0411099, 2004.
    ///
    /// # Errors
    /// Unless the empirical risk is between 0 and 1 and `KL ≥ 0`.
    pub fn seeger(&self, empirical_risk: f64, kl: f64) -> Result<Interval, ArgumentError> {
        check(empirical_risk, kl)?;
        let c = self.complexity(kl);
        Ok(Interval {
            lower: bernoulli_divergence_lower(empirical_risk, c)?,
            upper: bernoulli_divergence_upper(empirical_risk, c)?,
        })
    }

    /// Catoni's bound at an inverse temperature `λ` that was chosen before the data:
    /// `(1 − exp(−(λL̂ + KL + log 1/δ)/n))/(1 − e^{−λ/n})`.
    ///
    /// Never above [`linear`](Self::linear), and like it least at the [`GibbsPosterior`]. Source:
    /// O. Catoni, *PAC-Bayesian Supervised Classification*, 2007.
    ///
    /// # Errors
    /// Unless the empirical risk is between 0 and 1, `KL ≥ 0`, and `λ` is finite and above 0.
    pub fn catoni(&self, empirical_risk: f64, kl: f64, lambda: f64) -> Result<f64, ArgumentError> {
        check(empirical_risk, kl)?;
        argument::positive("lambda", lambda)?;
        let exponent = (lambda * empirical_risk + kl - self.log_risk) / self.n;
        let scale = Real::exp_m1(-lambda / self.n);
        if scale == 0.0 {
            return Ok(1.0); // λ/n below the smallest number: no information
        }
        Ok(at_most_one(Real::exp_m1(-exponent) / scale))
    }

    /// The linear form of Catoni's bound, `(λL̂ + KL + log 1/δ)/λ + λ/8n`: by Hoeffding's lemma, with the
    /// free energy in plain sight.
    ///
    /// Source: P. Alquier, *User-friendly introduction to PAC-Bayes bounds*, *Found. Trends Mach. Learn.*
    /// 17, 2024, Catoni's bound.
    ///
    /// # Errors
    /// Unless the empirical risk is between 0 and 1, `KL ≥ 0`, and `λ` is finite and above 0.
    pub fn linear(&self, empirical_risk: f64, kl: f64, lambda: f64) -> Result<f64, ArgumentError> {
        check(empirical_risk, kl)?;
        argument::positive("lambda", lambda)?;
        Ok(at_most_one(
            empirical_risk + (kl - self.log_risk) / lambda + 0.125 * lambda / self.n,
        ))
    }
}

fn check(empirical_risk: f64, kl: f64) -> Result<(), ArgumentError> {
    argument::require(
        "empirical_risk",
        empirical_risk,
        (0.0..=1.0).contains(&empirical_risk),
        "between 0 and 1",
    )?;
    argument::require("kl", kl, kl >= 0.0, "at least 0")
}

fn at_most_one(risk: f64) -> f64 {
    if risk < 1.0 { risk } else { 1.0 }
}

/// The Gibbs posterior `Q ∝ P e^{−λL̂}` over finitely many hypotheses, the minimiser of
/// `λL̂(Q) + KL(Q‖P)`.
///
/// The least value is the free energy `F = −log Σ Pᵢ e^{−λL̂ᵢ}`, and any other posterior has
/// `λL̂(R) + KL(R‖P) = F + KL(R‖Q)`: what it loses is its divergence from the Gibbs posterior. Risks may
/// be any finite energies. Time `O(k)`. Source: O. Catoni 2007; Donsker and Varadhan.
///
/// ```
/// use ergodic_concentration::pac_bayes::{GibbsPosterior, PacBayes};
///
/// // Three hypotheses, 100 examples, λ = 20.
/// let gibbs = GibbsPosterior::new(&[0.5, 0.25, 0.25], &[0.4, 0.1, 0.2], 20.0)?;
/// assert!(gibbs.probabilities()[1] > 0.85);
/// let bound = PacBayes::new(100, 0.95)?.catoni(gibbs.risk(), gibbs.kl_divergence(), 20.0)?;
/// assert!(bound < 0.4);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GibbsPosterior {
    probabilities: Vec<f64>,
    risk: f64,
    kl_divergence: f64,
    free_energy: f64,
}

impl GibbsPosterior {
    /// Of this prior and these risks at the inverse temperature `λ`; the prior is normalised here.
    ///
    /// # Errors
    /// If the lengths differ or are 0, a weight of the prior is negative, all are 0 or their sum is
    /// not finite, a risk is not finite, or `λ` is negative or not finite.
    pub fn new(prior: &[f64], risks: &[f64], lambda: f64) -> Result<Self, ArgumentError> {
        if prior.is_empty() || prior.len() != risks.len() {
            return Err(ArgumentError::new(
                "risks",
                format!("{} numbers", risks.len()),
                format!("one for each of {} hypotheses, at least one", prior.len()),
            ));
        }
        for &p in prior {
            argument::not_negative("prior", p)?;
        }
        for &r in risks {
            argument::finite("risks", r)?;
        }
        argument::not_negative("lambda", lambda)?;
        let total = ergodic_math::reduce::sum(prior);
        argument::positive("sum of the prior", total)?;
        let prior: Vec<f64> = prior.iter().map(|p| p / total).collect();
        // From the least risk of a hypothesis that the prior knows, so that nothing overflows.
        let least = prior.iter().zip(risks).filter(|(p, _)| **p > 0.0).fold(
            f64::INFINITY,
            |least, (_, &r)| if r < least { r } else { least },
        );
        let exponents: Vec<f64> = risks
            .iter()
            .zip(&prior)
            .map(|(r, &p)| if p > 0.0 { -lambda * (r - least) } else { 0.0 })
            .collect();
        if exponents.iter().any(|e| e.is_nan()) {
            return Err(ArgumentError::new(
                "risks",
                "a difference that overflows",
                "of finite differences",
            ));
        }
        let log_sum = log_weighted_sum_exp(&exponents, &prior)
            .map_err(|e| ArgumentError::new("prior", e, "weights"))?;
        let mut probabilities = Vec::with_capacity(prior.len());
        let (mut excess, mut kl_divergence) = (0.0, 0.0);
        for ((&p, &e), &r) in prior.iter().zip(&exponents).zip(risks) {
            let log_ratio = e - log_sum; // log q/p
            let q = p * Real::exp(log_ratio);
            if q > 0.0 {
                excess += q * (r - least);
                // q log(q/p) = p h(q/p − 1) + q − p, and the rest adds up to 0.
                kl_divergence += if log_ratio.abs() < 0.5 {
                    p * bennett_function(Real::exp_m1(log_ratio))
                } else {
                    q * log_ratio - q + p
                };
            } else {
                kl_divergence += p;
            }
            probabilities.push(q);
        }
        Ok(Self {
            probabilities,
            risk: least + excess,
            kl_divergence: if kl_divergence > 0.0 {
                kl_divergence
            } else {
                0.0
            },
            free_energy: lambda * least - log_sum,
        })
    }

    /// `Q`.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// `L̂(Q)`.
    pub fn risk(&self) -> f64 {
        self.risk
    }

    /// `KL(Q‖P)`, in nats, to relative accuracy near 0 too.
    pub fn kl_divergence(&self) -> f64 {
        self.kl_divergence
    }

    /// `F = −log Σ Pᵢ e^{−λL̂ᵢ} = λL̂(Q) + KL(Q‖P)`.
    pub fn free_energy(&self) -> f64 {
        self.free_energy
    }
}
