//! Laws of counts that are closed under sums: binomial, Poisson, negative binomial, with their tails.

use std::sync::LazyLock;

use ergodic_core::{ArgumentError, Interval};
use ergodic_math::quadrature::{Rule, gauss_legendre};
use ergodic_math::special::{HALF_LN_2PI, log1m_exp, poisson_deviance, stirling_error};
use ergodic_math::{Real, reduce};

use crate::argument::positive;
use crate::cramer::Tail;
use crate::cumulants::{CumulantGenerating, Cumulants, Lattice};
use crate::types::sample_size;

/// The largest count of trials, or mean: with these a count is a whole number of `f64`.
const LARGEST: f64 = (1u64 << 53) as f64;

/// A law that changes over at least so many neighbours is summed by integrals.
const SMOOTH: f64 = 1000.0;

/// Terms that are added between looks at what is left.
const CHUNK: usize = 64;

/// The logarithm of a tail so large that the other is the one to compute.
const NEARLY_ALL: f64 = -0.5;

/// For a panel over which a law changes by some powers of e.
static RULE: LazyLock<Rule> =
    LazyLock::new(|| gauss_legendre(24).expect("a rule of 24 nodes is in the domain"));

/// A law on `0, 1, 2, …` that is closed under sums of independent copies, with logarithms of its tails at any
/// depth.
///
/// | law | `log P(k)` | sum of `n` |
/// |---|---|---|
/// | binomial | `log C(m, k) p^k (1 − p)^{m − k}` | `nm` trials |
/// | Poisson | `k log λ − λ − log k!` | mean `nλ` |
/// | negative binomial (failures before `r` successes) | `log Γ(k + r)/(k! Γ(r)) p^r (1 − p)^k` | `nr` successes |
///
/// The geometric law is the negative binomial of one success. Probabilities are deviances and Stirling's
/// errors (Loader, *Fast and accurate computation of binomial probabilities*, 2000); tails are sums of
/// ratios of neighbours from the threshold outwards, or where that would take more than some ten thousand
/// terms, integrals by Euler and Maclaurin's formula; the smaller tail gives the other by its complement.
/// Logarithms have an error of some 1e-13, some roundings of their own, and about `ε|k − mean|` from the
/// rounding of parameters. Cost: at most some milliseconds, for any parameters.
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
    /// Unless `successes` is above 0, `0 < p < 1`, and the mean `r(1 − p)/p` is at most 2⁵³.
    pub fn negative_binomial(successes: f64, p: f64) -> Result<Self, ArgumentError> {
        positive("successes", successes)?;
        inner("p", p)?;
        if successes * (1.0 - p) > LARGEST * p {
            return Err(ArgumentError::new(
                "successes",
                successes,
                format!("small enough for a mean of at most 2^53 with p = {p}"),
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
        match self.kind {
            Kind::Binomial { trials, .. } if k > trials => f64::NEG_INFINITY,
            _ => self.log_mass(k as f64),
        }
    }

    /// `log P(X = x)`, continued to real `x` in the support by gamma functions.
    fn log_mass(&self, x: f64) -> f64 {
        match self.kind {
            Kind::Binomial { trials, p } => binomial_like(x, trials as f64 - x, p),
            Kind::Poisson { mean } => {
                if x == 0.0 {
                    return -mean;
                }
                -poisson_deviance(x, mean) - HALF_LN_2PI - 0.5 * Real::ln(x) - stirling_error(x)
            }
            Kind::NegativeBinomial { successes, p } => {
                if x == 0.0 {
                    return successes * Real::ln(p);
                }
                binomial_like(successes, x, p) + Real::ln(successes / (successes + x))
            }
        }
    }

    /// `P(x + 1)/P(x)`.
    fn ratio(&self, x: f64) -> f64 {
        match self.kind {
            Kind::Binomial { trials, p } => {
                (trials as f64 - x).max(0.0) / (x + 1.0) * (p / (1.0 - p))
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
        if (k as f64) > self.mean() {
            return self.sum_outwards(k, Tail::AtLeast);
        }
        let rest = self.sum_outwards(k - 1, Tail::AtMost);
        if rest > NEARLY_ALL {
            // Skewed so far that even below the mean this is the smaller tail.
            return self.sum_outwards(k, Tail::AtLeast);
        }
        complement(rest)
    }

    /// `log P(X ≤ k)`.
    pub fn log_at_most(&self, k: u64) -> f64 {
        let next = k.saturating_add(1);
        if k as f64 >= self.mean() {
            return complement(self.sum_outwards(next, Tail::AtLeast));
        }
        let sum = self.sum_outwards(k, Tail::AtMost);
        if sum > NEARLY_ALL {
            return complement(self.sum_outwards(next, Tail::AtLeast));
        }
        sum
    }

    /// The logarithm of the sum of `P(k)` and all probabilities on one side of it.
    ///
    /// Where the law changes over fewer than [`SMOOTH`] neighbours these are added one by one, by their ratios.
    /// Elsewhere panels of as many neighbours as the law takes to change are integrals from half a step before
    /// to half a step after them, by a Gauss rule, with the first term of Euler and Maclaurin's formula for
    /// midpoints, `Σ f = ∫ f − [f′]/24 + …`: the next one is below 1e-15.
    fn sum_outwards(&self, k: u64, side: Tail) -> f64 {
        let first = self.log_probability(k);
        if first == f64::NEG_INFINITY {
            return first;
        }
        let sign = match side {
            Tail::AtLeast => 1.0,
            Tail::AtMost => -1.0,
        };
        let end = match (self.kind, side) {
            (_, Tail::AtMost) => 0.0,
            (Kind::Binomial { trials, .. }, Tail::AtLeast) => trials as f64,
            _ => f64::INFINITY,
        };
        // What ratios upwards tend to: with the present ratio a bound of all that follow.
        let limit = match (self.kind, side) {
            (Kind::NegativeBinomial { p, .. }, Tail::AtLeast) => 1.0 - p,
            _ => 0.0,
        };
        let outwards = |x: f64| match side {
            Tail::AtLeast => self.ratio(x),
            Tail::AtMost => 1.0 / self.ratio(x - 1.0),
        };
        // Relative to P(k): the sum of what is before `at`, and the term there.
        let (mut at, mut sum, mut term) = (k as f64, 0.0, 1.0);
        loop {
            let width = self.panel(at);
            if let Some(width) = width {
                sum += self.integral(at, sign, width, first);
                at += sign * width;
                term = Real::exp(self.log_mass(at) - first);
            } else {
                for _ in 0..CHUNK {
                    sum += term;
                    if at == end {
                        return first + Real::ln(sum);
                    }
                    term *= outwards(at);
                    at += sign;
                }
            }
            if at == end {
                return first + Real::ln(sum + term);
            }
            let bound = outwards(at).max(limit);
            if bound < 1.0 && term <= 1e-17 * sum * (1.0 - bound) {
                return first + Real::ln(sum);
            }
        }
    }

    /// How many neighbours of `x` to take as one integral; none where the law is not smooth.
    fn panel(&self, x: f64) -> Option<f64> {
        let (room, curvature) = match self.kind {
            Kind::Binomial { trials, .. } => {
                let rest = trials as f64 - x;
                (x.min(rest), 1.0 / x + 1.0 / rest)
            }
            Kind::Poisson { .. } => (x, 1.0 / x),
            Kind::NegativeBinomial { successes, .. } => (x, successes / (x + successes) / x),
        };
        if room < 64.0 * SMOOTH {
            return None;
        }
        let change = Real::ln(self.ratio(x)).abs().max(curvature.sqrt());
        // Half of the way to where the law is not analytic, at most.
        let width = (2.0 / change).min(0.5 * room).floor();
        (width >= 2.0 * SMOOTH).then_some(width)
    }

    /// `Σ P(x + sign·i)/P(k)` for `0 ≤ i < width`.
    fn integral(&self, x: f64, sign: f64, width: f64, first: f64) -> f64 {
        // The logarithmic slope, from neighbours half a step to each side.
        let slope = |x: f64| Real::ln(self.ratio(x - 0.5));
        let mass = |y: f64| {
            // Places beyond 2⁵² are rounded to whole numbers, which the slope makes good.
            let (place, rounding) = reduce::two_sum(x, sign * y);
            let slope = slope(place);
            let mass = Real::exp(self.log_mass(place) + rounding * slope - first);
            (mass, sign * slope * mass)
        };
        let (centre, half) = (0.5 * width - 0.5, 0.5 * width);
        let integral = half * RULE.integrate(|node| mass(centre + half * node).0);
        integral - (mass(width - 0.5).1 - mass(-0.5).1) / 24.0
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

/// `log a/b` from both and their difference, which the caller has without cancellation.
fn log_quotient(a: f64, b: f64, difference: f64) -> f64 {
    let excess = difference / b;
    if excess.abs() < 0.5 {
        Real::ln_1p(excess)
    } else {
        Real::ln(a) - Real::ln(b)
    }
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
    let roots = 0.5 * (Real::ln(n / b) - Real::ln(a)) - HALF_LN_2PI;
    let errors = stirling_error(n) - stirling_error(a) - stirling_error(b);
    roots + errors - poisson_deviance(a, n * p) - poisson_deviance(b, n * (1.0 - p))
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
                // The odds of x/n over those of p.
                let (n, q) = (trials as f64, 1.0 - p);
                log_quotient(x * q, (n - x) * p, x - n * p)
            }
            Kind::Poisson { mean } => log_quotient(x, mean, x - mean),
            Kind::NegativeBinomial { successes, p } => {
                let q = 1.0 - p;
                log_quotient(x, (x + successes) * q, x * p - successes * q)
            }
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
                poisson_deviance(x, n * p) + poisson_deviance(n - x, n * (1.0 - p))
            }
            Kind::Poisson { mean } => poisson_deviance(x, mean),
            Kind::NegativeBinomial { successes, p } => {
                let n = x + successes;
                poisson_deviance(x, n * (1.0 - p)) + poisson_deviance(successes, n * p)
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

    /// Sums of up to 10¹¹ terms that matter, and laws skewed so far that the mean is in a tail: against integrals
    /// of beta and gamma densities of 40 digits.
    #[test]
    fn tails_of_wide_and_skewed_laws_are_incomplete_beta_and_gamma_functions() {
        let poisson = |mean| CountingLaw::poisson(mean).unwrap();
        let binomial = |n, p| CountingLaw::binomial(n, p).unwrap();
        let negative = |r, p| CountingLaw::negative_binomial(r, p).unwrap();
        for (law, k, exact) in [
            (poisson(1e6), 1_000_500, -1.175_483_997_950_439),
            (poisson(1e12), 1_000_003_000_000, -6.607_720_202_505_235),
            (poisson(1e15), 1_000_000_100_000_000, -7.152_759_417_504_141),
            (poisson(9e15), 9_000_000_300_000_000, -7.152_759_562_308_089),
            (poisson(1e8), 200_000_000, -38_629_445.894_694_39),
            (
                binomial(100_000_000_000_000, 0.3),
                30_000_020_000_000,
                -11.963_150_264_723_943,
            ),
            (
                binomial(1_000_000_000_000, 0.5),
                600_000_000_000,
                -20_135_513_563.611_153,
            ),
            (
                binomial(10_000_000_000, 1e-3),
                10_010_000,
                -7.156_023_489_501_924,
            ),
            (
                binomial(1_000_000_000, 0.25),
                250_000_000,
                -0.693_122_902_000_662_5,
            ),
            (negative(2.5, 1e-9), 10_000_000_000, -6.684_827_305_445_992),
            (negative(0.01, 1e-9), 1_000_000, -2.789_867_510_654_844),
            (negative(1e-3, 1e-9), 1_000, -4.331_154_120_675_95),
            (negative(0.5, 1e-7), 100_000, -0.119_304_819_545_553_56),
            (
                negative(100.0, 1e-8),
                20_000_000_000,
                -33.926_897_707_166_58,
            ),
            (negative(1e-10, 1e-11), 5, -19.879_756_458_258_055),
        ] {
            let allowed =
                |exact: f64| 1e-12 + 4e-16 * ((k as f64 - law.mean()).abs() + exact.abs());
            let found = law.log_at_least(k);
            assert!(
                (found - exact).abs() < allowed(exact),
                "{law:?} {k}: {found}"
            );
            let (found, exact) = (law.log_at_most(k - 1), (-exact.exp()).ln_1p());
            assert!(
                (found - exact).abs() <= allowed(exact) * (1e-3 + exact.abs()),
                "{law:?} {k}: {found} {exact}"
            );
        }
        for (law, k, exact) in [
            (poisson(1e12), 999_997_000_000, -6.607_728_957_430_459),
            (poisson(1e8), 50_000_000, -15_342_650.061_560_89),
        ] {
            let found = law.log_at_most(k);
            let allowed = 1e-12 + 4e-16 * ((k as f64 - law.mean()).abs() + exact.abs());
            assert!((found - exact).abs() < allowed, "{law:?} {k}: {found}");
        }
        // Failures before one success: a power, of a probability that is barely any.
        let law = CountingLaw::geometric(1e-14).unwrap();
        for k in [
            10_000_000_000u64,
            100_000_000_000_000,
            3_000_000_000_000_000,
        ] {
            let exact = k as f64 * (-1e-14f64).ln_1p();
            assert!(
                (law.log_at_least(k) - exact).abs() <= 1e-12 + 4e-16 * k as f64,
                "{k}"
            );
        }
    }

    /// Means far below the count, where the deviance is nearly a logarithm: `P(1) = λe^{−λ}` and
    /// `np(1 − p)^{n−1}`.
    #[test]
    fn tiny_parameters_keep_their_digits() {
        for tiny in [1e-8, 1e-12, 1e-17, 1e-100, 1e-300] {
            let exact = f64::ln(tiny) - tiny;
            let poisson = CountingLaw::poisson(tiny).unwrap();
            assert!(
                (poisson.log_probability(1) / exact - 1.0).abs() < 4e-15,
                "{tiny}"
            );
            assert!(
                (poisson.log_at_least(1) / exact - 1.0).abs() < 1e-8,
                "{tiny}"
            );
            let exact = f64::ln(1000.0 * tiny) + 999.0 * (-tiny).ln_1p();
            let binomial = CountingLaw::binomial(1000, tiny).unwrap();
            assert!(
                (binomial.log_probability(1) / exact - 1.0).abs() < 4e-15,
                "{tiny}"
            );
            // r log p + log r + log(1 − p)
            let negative = CountingLaw::negative_binomial(tiny, 0.5).unwrap();
            let exact = tiny.ln() - (1.0 + tiny) * 2f64.ln();
            assert!(
                (negative.log_probability(1) / exact - 1.0).abs() < 4e-15,
                "{tiny}"
            );
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
        assert_eq!(argument(CountingLaw::geometric(1e-17)), "successes");
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
