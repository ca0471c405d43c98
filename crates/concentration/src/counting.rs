//! Laws of counts that are closed under sums: binomial, Poisson, negative binomial, with their tails.

use ergodic_core::{ArgumentError, Interval};
use ergodic_math::Real;
use ergodic_math::special::log1m_exp;

use crate::cumulants::{CumulantGenerating, Cumulants, Lattice, positive};
use crate::stirling::{HALF_LOG_TAU, deviance, stirling_error};
use crate::types::sample_size;

/// The largest count of trials, mean or variance: with these a count is a whole number of `f64`, and tails take
/// fewer terms than [`MOST_TERMS`].
const LARGEST: f64 = (1u64 << 53) as f64;

/// Terms of a tail, more than any law in the domain needs.
const MOST_TERMS: u64 = 1 << 34;

/// A law on `0, 1, 2, …` that is closed under sums of independent copies, with logarithms of its tails to
/// relative accuracy at any depth.
///
/// | law | `log P(k)` | sum of `n` |
/// |---|---|---|
/// | binomial | `log C(m, k) p^k (1 − p)^{m − k}` | `nm` trials |
/// | Poisson | `k log λ − λ − log k!` | mean `nλ` |
/// | negative binomial (failures before `r` successes) | `log Γ(k + r)/(k! Γ(r)) p^r (1 − p)^k` | `nr` successes |
///
/// The geometric law is the negative binomial of one success. Probabilities are deviances and Stirling's
/// errors (Loader, *Fast and accurate computation of binomial probabilities*, 2000), and tails are sums of
/// ratios of neighbours from the threshold outwards, `O(σ)` terms; the nearer tail gives the other by its
/// complement.
///
/// ```
/// use ergodic_concentration::CountingLaw;
///
/// let law = CountingLaw::poisson(4.0)?.sum_of(25)?;
/// // P(Poisson(100) ≥ 200)
/// assert!((law.log_at_least(200) + 41.514_473_304_592_57).abs() < 1e-12);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CountingLaw {
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Binomial { trials: u64, p: f64 },
    Poisson { mean: f64 },
    NegativeBinomial { successes: f64, p: f64 },
}

impl CountingLaw {
    /// Successes in `trials` trials of probability `p`.
    ///
    /// # Errors
    /// Unless `1 ≤ trials ≤ 2⁵³` and `0 < p < 1`.
    pub fn binomial(trials: u64, p: f64) -> Result<Self, ArgumentError> {
        if !(1..=1 << 53).contains(&trials) {
            return Err(ArgumentError::new("trials", trials, "between 1 and 2^53"));
        }
        inner("p", p)?;
        Ok(Self {
            kind: Kind::Binomial { trials, p },
        })
    }

    /// Of this mean.
    ///
    /// # Errors
    /// Unless the mean is above 0 and at most 2⁵³.
    pub fn poisson(mean: f64) -> Result<Self, ArgumentError> {
        positive("mean", mean)?;
        if mean > LARGEST {
            return Err(ArgumentError::new("mean", mean, "at most 2^53"));
        }
        Ok(Self {
            kind: Kind::Poisson { mean },
        })
    }

    /// Failures before the first success of probability `p`.
    ///
    /// # Errors
    /// Unless `0 < p < 1`.
    pub fn geometric(p: f64) -> Result<Self, ArgumentError> {
        Self::negative_binomial(1.0, p)
    }

    /// Failures before `successes` successes of probability `p`; any positive real.
    ///
    /// # Errors
    /// Unless `successes` is above 0, `0 < p < 1`, and the variance `r(1 − p)/p²` is at most 2⁵³.
    pub fn negative_binomial(successes: f64, p: f64) -> Result<Self, ArgumentError> {
        positive("successes", successes)?;
        inner("p", p)?;
        if successes * (1.0 - p) > LARGEST * p * p {
            return Err(ArgumentError::new(
                "successes",
                successes,
                format!("small enough for a variance of at most 2^53 with p = {p}"),
            ));
        }
        Ok(Self {
            kind: Kind::NegativeBinomial { successes, p },
        })
    }

    /// The law of the sum of `n` independent copies.
    ///
    /// # Errors
    /// If `n` is 0 or the parameters of the sum leave their domain.
    pub fn sum_of(&self, n: u64) -> Result<Self, ArgumentError> {
        sample_size(n)?;
        let times = n as f64;
        match self.kind {
            Kind::Binomial { trials, p } => Self::binomial(trials.saturating_mul(n), p),
            Kind::Poisson { mean } => Self::poisson(mean * times),
            Kind::NegativeBinomial { successes, p } => {
                Self::negative_binomial(successes * times, p)
            }
        }
    }

    /// `E[X]`.
    pub fn mean(&self) -> f64 {
        match self.kind {
            Kind::Binomial { trials, p } => trials as f64 * p,
            Kind::Poisson { mean } => mean,
            Kind::NegativeBinomial { successes, p } => successes * (1.0 - p) / p,
        }
    }

    /// `log P(X = k)`; `−∞` outside the support.
    pub fn log_probability(&self, k: u64) -> f64 {
        let x = k as f64;
        match self.kind {
            Kind::Binomial { trials, p } => {
                if k > trials {
                    return f64::NEG_INFINITY;
                }
                binomial_like(x, (trials - k) as f64, p)
            }
            Kind::Poisson { mean } => {
                if k == 0 {
                    return -mean;
                }
                -deviance(x, mean) - HALF_LOG_TAU - 0.5 * Real::ln(x) - stirling_error(x)
            }
            Kind::NegativeBinomial { successes, p } => {
                if k == 0 {
                    return successes * Real::ln(p);
                }
                binomial_like(successes, x, p) + Real::ln(successes / (successes + x))
            }
        }
    }

    /// `P(k + 1)/P(k)`.
    fn ratio(&self, k: u64) -> f64 {
        let x = k as f64;
        match self.kind {
            Kind::Binomial { trials, p } => {
                trials.saturating_sub(k) as f64 / (x + 1.0) * (p / (1.0 - p))
            }
            Kind::Poisson { mean } => mean / (x + 1.0),
            Kind::NegativeBinomial { successes, p } => (x + successes) / (x + 1.0) * (1.0 - p),
        }
    }

    /// `log P(X ≥ k)`; `−∞` above the support.
    pub fn log_at_least(&self, k: u64) -> f64 {
        if k == 0 {
            return 0.0;
        }
        if (k as f64) <= self.mean() {
            return complement(self.lower(k - 1));
        }
        self.upper(k)
    }

    /// `log P(X ≤ k)`.
    pub fn log_at_most(&self, k: u64) -> f64 {
        if k as f64 >= self.mean() {
            return complement(self.upper(k.saturating_add(1)));
        }
        self.lower(k)
    }

    /// The sum from `k > mean` upwards, where terms fall.
    fn upper(&self, k: u64) -> f64 {
        let first = self.log_probability(k);
        if first == f64::NEG_INFINITY {
            return first;
        }
        // What ratios tend to: below 1, and with the present ratio a bound of all that follow.
        let limit = match self.kind {
            Kind::NegativeBinomial { p, .. } => 1.0 - p,
            _ => 0.0,
        };
        let (mut sum, mut term) = (1.0, 1.0);
        for at in k..k.saturating_add(MOST_TERMS) {
            let ratio = self.ratio(at);
            term *= ratio;
            sum += term;
            let bound = ratio.max(limit);
            if term == 0.0 || term * bound < 1e-17 * sum * (1.0 - bound) {
                break;
            }
        }
        first + Real::ln(sum)
    }

    /// The sum from `k < mean` downwards.
    fn lower(&self, k: u64) -> f64 {
        let (mut sum, mut term) = (1.0, 1.0);
        for at in (0..k).rev().take(MOST_TERMS as usize) {
            let ratio = 1.0 / self.ratio(at);
            term *= ratio;
            sum += term;
            if term * ratio < 1e-17 * sum * (1.0 - ratio) {
                break;
            }
        }
        self.log_probability(k) + Real::ln(sum)
    }
}

fn complement(log: f64) -> f64 {
    log1m_exp(log.min(0.0)).unwrap_or(f64::NEG_INFINITY)
}

fn inner(argument: &'static str, p: f64) -> Result<(), ArgumentError> {
    if p > 0.0 && p < 1.0 {
        return Ok(());
    }
    Err(ArgumentError::new(argument, p, "strictly between 0 and 1"))
}

/// `log Γ(a + b + 1)/(Γ(a + 1) Γ(b + 1)) p^a (1 − p)^b`.
fn binomial_like(a: f64, b: f64, p: f64) -> f64 {
    let n = a + b;
    if a == 0.0 {
        return n * Real::ln_1p(-p);
    }
    if b == 0.0 {
        return n * Real::ln(p);
    }
    let roots = 0.5 * Real::ln(n / (a * b)) - HALF_LOG_TAU;
    let errors = stirling_error(n) - stirling_error(a) - stirling_error(b);
    roots + errors - deviance(a, n * p) - deviance(b, n * (1.0 - p))
}

impl CumulantGenerating for CountingLaw {
    fn cumulants(&self, t: f64) -> Result<Cumulants, ArgumentError> {
        let domain = self.tilts();
        if !(t.is_finite() && t < domain.upper) {
            let allowed = format!("finite and below {}", domain.upper);
            return Err(ArgumentError::new("t", t, allowed));
        }
        let growth = Real::exp_m1(t);
        let cumulants = match self.kind {
            Kind::Binomial { trials, p } => {
                let n = trials as f64;
                // log(1 − p + p eᵗ), from the side that does not overflow.
                let value = if t <= 0.0 {
                    Real::ln_1p(p * growth)
                } else {
                    t + Real::ln_1p((1.0 - p) * Real::exp_m1(-t))
                };
                let ratio = p / (1.0 - p);
                let (s, f) = if t <= 0.0 {
                    let odds = ratio * Real::exp(t);
                    (odds / (1.0 + odds), 1.0 / (1.0 + odds))
                } else {
                    let odds = Real::exp(-t) / ratio;
                    (1.0 / (1.0 + odds), odds / (1.0 + odds))
                };
                Cumulants {
                    value: n * value,
                    mean: n * s,
                    variance: n * s * f,
                    third: n * s * f * (f - s),
                    fourth: n * s * f * (1.0 - 6.0 * s * f),
                }
            }
            Kind::Poisson { mean } => {
                let tilted = mean * Real::exp(t);
                Cumulants {
                    value: mean * growth,
                    mean: tilted,
                    variance: tilted,
                    third: tilted,
                    fourth: tilted,
                }
            }
            Kind::NegativeBinomial { successes: r, p } => {
                let q = (1.0 - p) * Real::exp(t);
                // 1 − (1 − p)eᵗ without cancellation near t = 0.
                let rest = p - (1.0 - p) * growth;
                Cumulants {
                    value: -r * Real::ln_1p(-(1.0 - p) * growth / p),
                    mean: r * q / rest,
                    variance: r * q / (rest * rest),
                    third: r * q * (1.0 + q) / (rest * rest * rest),
                    fourth: r * q * (1.0 + 4.0 * q + q * q) / (rest * rest * rest * rest),
                }
            }
        };
        if cumulants.value.is_finite() && cumulants.fourth.is_finite() {
            Ok(cumulants)
        } else {
            Err(ArgumentError::new(
                "t",
                t,
                "of cumulants within the range of f64",
            ))
        }
    }

    fn tilts(&self) -> Interval {
        let upper = match self.kind {
            Kind::NegativeBinomial { p, .. } => -Real::ln_1p(-p),
            _ => f64::INFINITY,
        };
        Interval {
            lower: f64::NEG_INFINITY,
            upper,
        }
    }

    fn support(&self) -> Interval {
        let upper = match self.kind {
            Kind::Binomial { trials, .. } => trials as f64,
            _ => f64::INFINITY,
        };
        Interval { lower: 0.0, upper }
    }

    fn lattice(&self) -> Option<Lattice> {
        Some(Lattice {
            origin: 0.0,
            spacing: 1.0,
        })
    }

    fn log_atom(&self, end: f64) -> f64 {
        match self.kind {
            _ if end == 0.0 => self.log_probability(0),
            Kind::Binomial { trials, .. } if end == trials as f64 => self.log_probability(trials),
            _ => f64::NEG_INFINITY,
        }
    }

    fn tilt_of_mean(&self, x: f64) -> Result<f64, ArgumentError> {
        let support = self.support();
        let tilt = match self.kind {
            Kind::Binomial { trials, p } => {
                let n = trials as f64;
                Real::ln(x / (n * p)) - Real::ln((n - x) / (n * (1.0 - p)))
            }
            Kind::Poisson { mean } => Real::ln(x / mean),
            Kind::NegativeBinomial { successes, p } => Real::ln(x / ((x + successes) * (1.0 - p))),
        };
        if x > support.lower && x < support.upper && tilt.is_finite() {
            return Ok(tilt);
        }
        let allowed = format!(
            "strictly between 0 and {}, within reach of a tilt",
            support.upper
        );
        Err(ArgumentError::new("mean", x, allowed))
    }

    fn rate(&self, x: f64) -> Result<f64, ArgumentError> {
        if let Some(rate) = self.edge_rate(x)? {
            return Ok(rate);
        }
        let rate = match self.kind {
            Kind::Binomial { trials, p } => {
                let n = trials as f64;
                deviance(x, n * p) + deviance(n - x, n * (1.0 - p))
            }
            Kind::Poisson { mean } => deviance(x, mean),
            Kind::NegativeBinomial { successes, p } => {
                let n = x + successes;
                deviance(x, n * (1.0 - p)) + deviance(successes, n * p)
            }
        };
        if rate.is_finite() {
            return Ok(rate);
        }
        Err(ArgumentError::new(
            "mean",
            x,
            "of a rate within the range of f64",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From whole numbers and 40 digits.
    #[test]
    fn tails_of_a_coin_are_those_of_binomial_coefficients() {
        for (n, k, exact) in [
            (100, 80, -21.306_743_782_573_07),
            (1000, 600, -22.715_259_239_806_747),
            (1000, 690, -77.056_211_082_980_39),
            (1000, 900, -371.116_421_184_931_8),
            (10000, 6000, -205.069_087_304_897_15),
        ] {
            let law = CountingLaw::binomial(n, 0.5).unwrap();
            let found = law.log_at_least(k);
            assert!((found - exact).abs() < 1e-12, "{n} {k}: {found}");
            assert!((law.log_at_most(n - k) - exact).abs() < 1e-12);
        }
    }

    #[test]
    fn the_tail_of_the_geometric_law_is_a_power() {
        let law = CountingLaw::geometric(0.3).unwrap();
        for k in [0u64, 1, 5, 100, 5000] {
            let exact = k as f64 * 0.7f64.ln();
            assert!(
                (law.log_at_least(k) - exact).abs() <= 1e-13 * (1.0 + exact.abs()),
                "{k}"
            );
        }
        // Sum of geometric counts: failures before the r-th success, by the binomial law of trials.
        let sum = law.sum_of(7).unwrap();
        for k in [1u64, 10, 40, 90] {
            // At most k failures before 7 successes: at least 7 successes in k + 7 trials.
            let trials = CountingLaw::binomial(k + 7, 0.3).unwrap();
            let exact = trials.log_at_least(7);
            assert!(
                (sum.log_at_most(k) - exact).abs() < 1e-13 * (1.0 + exact.abs()),
                "{k}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Tails add to 1, are below Chernoff's bound, and cumulants are derivatives.
        #[test]
        fn counting_laws_are_normalised_and_below_their_rate(
            kind in 0usize..3,
            p in 0.02f64..0.98,
            size in 1u64..60,
            k in 0u64..150,
            t in -2.0f64..0.01,
        ) {
            let law = match kind {
                0 => CountingLaw::binomial(size, p).unwrap(),
                1 => CountingLaw::poisson(p * size as f64).unwrap(),
                _ => CountingLaw::negative_binomial(p * size as f64, 0.5).unwrap(),
            };
            let (upper, lower) = (law.log_at_least(k + 1), law.log_at_most(k));
            prop_assert!((upper.exp() + lower.exp() - 1.0).abs() < 1e-13);
            let (here, next) = (law.log_at_least(k).exp(), upper.exp());
            prop_assert!((here - next - law.log_probability(k).exp()).abs() < 1e-13);
            if k as f64 > law.mean() {
                let rate = law.rate(k as f64).unwrap();
                prop_assert!(law.log_at_least(k) <= -rate + 1e-12 * (1.0 + rate.min(1e9)));
                if let Ok(tilt) = law.tilt_of_mean(k as f64) {
                    let c = law.cumulants(tilt).unwrap();
                    prop_assert!((c.mean / k as f64 - 1.0).abs() < 1e-12);
                    let legendre = tilt * k as f64 - c.value;
                    prop_assert!((rate - legendre).abs() < 1e-11 * (1.0 + legendre));
                }
            }
            let (h, c) = (1e-4, law.cumulants(t).unwrap());
            let (a, b) = (law.cumulants(t - h).unwrap(), law.cumulants(t + h).unwrap());
            let slope = |f: fn(&Cumulants) -> f64| (f(&b) - f(&a)) / (2.0 * h);
            let size = 1.0 + c.fourth.abs() * 30.0 + c.variance;
            prop_assert!((slope(|c| c.value) - c.mean).abs() < 1e-6 * size);
            prop_assert!((slope(|c| c.mean) - c.variance).abs() < 1e-6 * size);
            prop_assert!((slope(|c| c.variance) - c.third).abs() < 1e-6 * size);
            prop_assert!((slope(|c| c.third) - c.fourth).abs() < 1e-5 * size);
        }
    }

    #[test]
    fn bad_parameters_are_typed_errors() {
        let argument = |r: Result<CountingLaw, ArgumentError>| r.unwrap_err().argument;
        assert_eq!(argument(CountingLaw::binomial(0, 0.5)), "trials");
        assert_eq!(argument(CountingLaw::binomial(1, 1.0)), "p");
        assert_eq!(argument(CountingLaw::poisson(f64::NAN)), "mean");
        assert_eq!(argument(CountingLaw::poisson(1e17)), "mean");
        assert_eq!(argument(CountingLaw::geometric(1e-9)), "successes");
        assert_eq!(argument(CountingLaw::geometric(0.0)), "p");
        assert_eq!(
            argument(CountingLaw::negative_binomial(0.0, 0.5)),
            "successes"
        );
        let law = CountingLaw::geometric(0.5).unwrap();
        assert_eq!(argument(law.sum_of(0)), "n");
        assert_eq!(law.cumulants(1.0).unwrap_err().argument, "t");
        assert_eq!(law.tilt_of_mean(0.0).unwrap_err().argument, "mean");
        assert_eq!(law.rate(-1.0).unwrap(), f64::INFINITY);
        assert!((law.rate(0.0).unwrap() - 2f64.ln()).abs() < 1e-15);
    }
}
