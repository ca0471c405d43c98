//! One family-wise error budget for everything that is decided by a statistic.

use ergodic_core::ArgumentError;
use ergodic_math::special::{beta_regularized, binomial_survival, normal_quantile};

/// The probability that a whole run of the suite rejects code that is right.
const SUITE: f64 = 1e-6;
/// How many statistical tests may share it: more than the workspace has.
const TESTS: u64 = 256;
/// Random targets per test, and their number if `ERGODIC_DEEP=1`.
const CASES: u32 = 48;
const DEEP_CASES: u32 = 10_000;

/// A share of the error probability of one run of the suite.
///
/// Everything that is exact (enumeration, quadrature) spends nothing. A statistical test gets
/// `1e-6/256 = 3.9e-9` by [`of_one_test`](Self::of_one_test) and divides it over its cases and its
/// comparisons by [`over`](Self::over), so that by the union bound (Bonferroni) the probability
/// that any of at most 256 right tests fails anywhere is at most `1e-6`. The deep run
/// (`ERGODIC_DEEP=1`) has 10,000 random targets per test instead of 48 and the same budget: each
/// case gets less. Seeds are fixed, so a test that passes goes on passing.
///
/// ```
/// use ergodic_conformance::Budget;
///
/// let one = Budget::of_one_test().over(20);
/// assert!((one.alpha() - 1e-6 / 256.0 / 20.0).abs() < 1e-25);
/// assert!((one.normal() - 6.365).abs() < 1e-3); // standard errors that are allowed
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    alpha: f64,
}

impl Budget {
    /// The share of one statistical test.
    pub fn of_one_test() -> Self {
        Self {
            alpha: SUITE / TESTS as f64,
        }
    }

    /// Another error probability.
    ///
    /// # Errors
    /// Unless `0 < alpha < 1`.
    pub fn new(alpha: f64) -> Result<Self, ArgumentError> {
        if alpha > 0.0 && alpha < 1.0 {
            Ok(Self { alpha })
        } else {
            Err(ArgumentError::new("alpha", alpha, "between 0 and 1"))
        }
    }

    /// The share of one of `parts` equal parts; 0 parts count as one.
    pub fn over(self, parts: u64) -> Self {
        Self {
            alpha: self.alpha / parts.max(1) as f64,
        }
    }

    /// The probability of a false alarm.
    pub fn alpha(self) -> f64 {
        self.alpha
    }

    /// The number of random targets that each property is held against: 48, or 10,000 if the
    /// environment says `ERGODIC_DEEP=1`.
    pub fn cases() -> u32 {
        match std::env::var_os("ERGODIC_DEEP") {
            Some(value) if value == "1" => DEEP_CASES,
            _ => CASES,
        }
    }

    /// How many standard errors a normal statistic may be off on either side.
    pub fn normal(self) -> f64 {
        -normal_quantile(0.5 * self.alpha).expect("half of a number in (0, 1)")
    }

    /// The same for Student's t with `degrees` of freedom, by bisection of its tail probability
    /// `P(|t| > c) = I(ν/(ν + c²); ν/2, ½)`.
    pub fn student(self, degrees: u32) -> f64 {
        let nu = f64::from(degrees.max(1));
        let tail = |c: f64| beta_regularized(0.5 * nu, 0.5, nu / (nu + c * c)).unwrap_or(0.0);
        let (mut low, mut high) = (0.0, 1.0);
        while tail(high) > self.alpha && high < 1e150 {
            high *= 2.0;
        }
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if tail(middle) > self.alpha {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// How far the mean of `n` independent values in an interval of length `range` may be from
    /// its expectation, given their sample variance: `√(2 s² L/n) + 7 L·range/(3 (n − 1))` on
    /// either side, `L = ln(4/α)` (Maurer and Pontil, *COLT* 2009, theorem 4). Holds for every law
    /// and every `n ≥ 2`.
    pub fn bernstein(self, n: u64, variance: f64, range: f64) -> f64 {
        let (n, log) = (n.max(2) as f64, (4.0 / self.alpha).ln());
        (2.0 * variance * log / n).sqrt() + 7.0 * log * range / (3.0 * (n - 1.0))
    }

    /// How far the mean over `n` steps of a stationary reversible chain of a function with values
    /// in an interval of length `range` may be from its expectation, on either side:
    /// `range·√(ln(2/α)/(2n) · (1 + λ)/(1 − λ))` with `λ = max(0, λ₂)` and `λ₂` the second
    /// eigenvalue: Hoeffding's inequality for Markov chains (León and Perron, *Ann. Appl. Probab.*
    /// 14, 958 (2004)). With `λ` the absolute second eigenvalue, more generally the norm of `P` on
    /// functions of mean 0, it also holds for chains that are not reversible (Miasojedow, *Stat.
    /// Probab. Lett.* 87, 115 (2014); Fan, Jiang and Sun, *JMLR* 22, 139 (2021)). Infinite for
    /// `λ ≥ 1`.
    pub fn markov_hoeffding(self, n: u64, second_eigenvalue: f64, range: f64) -> f64 {
        let lambda = second_eigenvalue.max(0.0);
        if lambda >= 1.0 {
            return f64::INFINITY;
        }
        let effective = n.max(1) as f64 * (1.0 - lambda) / (1.0 + lambda);
        range * ((2.0 / self.alpha).ln() / (2.0 * effective)).sqrt()
    }

    /// The most of `n` independent trials that may succeed when each does with probability `p` at
    /// most: the smallest `k` with `P(X > k) ≤ α`, `X` binomial; `n` for `p` outside `[0, 1]`.
    pub fn binomial(self, n: u64, p: f64) -> u64 {
        (0..n)
            .find(|&k| binomial_survival(k, n, p).is_ok_and(|tail| tail <= self.alpha))
            .unwrap_or(n)
    }

    /// How far the mean of `n` independent values of known variance, within `range` of their
    /// expectation, may be from it on either side: `√(2 v L/n) + 2 L·range/(3n)`, `L = ln(2/α)`
    /// (Bernstein's inequality; Boucheron, Lugosi and Massart, *Concentration Inequalities*, 2013,
    /// section 2.8).
    pub fn known_variance(self, n: u64, variance: f64, range: f64) -> f64 {
        let (n, log) = (n.max(1) as f64, (2.0 / self.alpha).ln());
        (2.0 * variance * log / n).sqrt() + 2.0 * log * range / (3.0 * n)
    }

    /// How far the empirical distribution function of `n` independent values may be from theirs
    /// anywhere: `√(ln(2/α)/(2n))` (Dvoretzky, Kiefer and Wolfowitz 1956, constant of Massart
    /// 1990). Holds for every law and every `n`.
    pub fn kolmogorov(self, n: u64) -> f64 {
        ((2.0 / self.alpha).ln() / (2.0 * n.max(1) as f64)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let five = Budget::new(0.05).unwrap();
        assert!((five.normal() - 1.959963984540054).abs() < 1e-9);
        // Student's t at 97.5 %: 12.7062 (1), 2.2281 (10), 2.0227 (39).
        for (degrees, t) in [(1, 12.706204736), (10, 2.228138852), (39, 2.022690920)] {
            assert!((five.student(degrees) - t).abs() < 1e-8, "{degrees}");
        }
        // ν = 2 has the closed form P(|t| > c) = 1 − c/√(2 + c²).
        let tiny = Budget::new(1e-9).unwrap();
        let c = tiny.student(2);
        assert!((1.0 - c / (2.0 + c * c).sqrt() - 1e-9).abs() < 1e-15);
        assert!((five.kolmogorov(100) - 0.135810).abs() < 1e-6);
    }

    #[test]
    fn bounds_are_those_of_their_formulas() {
        let one = Budget::new(0.01).unwrap();
        // Independent draws: Hoeffding's own √(ln(2/α)/(2n)).
        let plain = ((2.0f64 / 0.01).ln() / 200.0).sqrt();
        assert!((one.markov_hoeffding(100, -0.5, 1.0) - plain).abs() < 1e-15);
        assert!((one.markov_hoeffding(100, 0.6, 2.0) - 4.0 * plain).abs() < 1e-14);
        assert_eq!(one.markov_hoeffding(100, 1.0, 1.0), f64::INFINITY);
        // P(X > 2) = 1/8 for three fair coins is above 0.01, so all three may succeed.
        assert_eq!(one.binomial(3, 0.5), 3);
        assert_eq!(Budget::new(0.2).unwrap().binomial(3, 0.5), 2);
    }

    #[test]
    fn alpha_has_to_be_a_probability() {
        assert!(Budget::new(0.0).is_err() && Budget::new(1.0).is_err());
        assert!(Budget::new(f64::NAN).is_err());
        assert_eq!(Budget::new(0.5).unwrap().over(0).alpha(), 0.5);
    }
}
