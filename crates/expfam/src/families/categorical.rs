//! One of several outcomes, once or often.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_info::{Convex, LogSumExp};
use ergodic_math::Real;
use ergodic_math::simd::{Vectorize, vectorize};
use ergodic_math::special::log_sum_exp;

use super::Dirichlet;
use super::large_counts::{log_choose, log_multinomial};
use crate::{domain, sampling};

/// The categorical family of `K` outcomes in its minimal form:
/// `p(x) = exp(θ_x − log(1 + Σₖ e^θₖ))` with `θ₀ = 0`; `θₖ = log pₖ/p₀` for `k = 1..K`.
///
/// The statistics are the indicators of the outcomes but the first. Natural domain `ℝ^{K−1}`, mean
/// domain the open simplex `μₖ > 0`, `Σ μₖ < 1`. Cost `O(K)`, Fisher information `O(K²)`; columns of many members
/// are vectorised.
///
/// Reference: Wainwright and Jordan, *Graphical Models, Exponential Families, and Variational Inference*, 2008,
/// §3.3.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Categorical;
///
/// let three = Categorical::new(3)?;
/// let natural = three.natural(&[0.5, 0.3, 0.2])?;
/// assert!((three.log_density(&natural, &2)? - 0.2f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Categorical {
    outcomes: usize,
}

impl Categorical {
    /// Of this number of outcomes.
    ///
    /// # Errors
    /// If there are fewer than two.
    pub fn new(outcomes: usize) -> Result<Self, ArgumentError> {
        if outcomes < 2 {
            return Err(ArgumentError::new("outcomes", outcomes, "at least 2"));
        }
        Ok(Self { outcomes })
    }

    /// The family of laws on its probabilities.
    pub(crate) fn simplex(self) -> Dirichlet {
        Dirichlet::of(self.outcomes)
    }

    /// `log pₖ/p₀` of probabilities above 0 with sum 1 (to 1e-9).
    ///
    /// # Errors
    /// If there are not as many as outcomes, one is not above 0, or their sum is not 1.
    pub fn natural(&self, p: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        domain::length("p", p, self.outcomes)?;
        for k in 0..p.len() {
            domain::require(
                "p",
                p,
                k,
                p[k] > 0.0 && p[k].is_finite(),
                "finite and above 0",
            )?;
        }
        let total = ergodic_math::reduce::sum(p);
        if (total - 1.0).abs() > 1e-9 {
            return Err(ArgumentError::new(
                "p",
                format!("a list with sum {total}"),
                "a list with sum 1",
            ));
        }
        Ok(p[1..].iter().map(|q| log_ratio(*q, p[0])).collect())
    }

    /// The probabilities of all outcomes.
    ///
    /// # Errors
    /// If `θ` has the wrong length or is not finite.
    pub fn probabilities(&self, natural: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        let a = self.log_partition(natural)?;
        let rest = natural.iter().map(|t| Real::exp(t - a));
        Ok([Real::exp(-a)].into_iter().chain(rest).collect())
    }

    fn of_many(self, total: f64, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let p = self.probabilities(natural)?;
        let d = self.outcomes - 1;
        for i in 0..d {
            for j in 0..d {
                let same = if i == j { p[i + 1] } else { 0.0 };
                out[i * d + j] = total * (same - p[i + 1] * p[j + 1]);
            }
            // The variance p(1 − p), with the complement summed and not subtracted.
            let others: f64 = (0..self.outcomes)
                .filter(|k| *k != i + 1)
                .map(|k| p[k])
                .sum();
            out[i * d + i] = total * p[i + 1] * others;
        }
        Ok(())
    }

    fn natural_of_mean(
        self,
        total: f64,
        mean: &[f64],
        natural: &mut [f64],
    ) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, self.outcomes - 1)?;
        let first = total - ergodic_math::reduce::sum(mean);
        for (k, theta) in natural.iter_mut().enumerate() {
            domain::require(
                "mean",
                mean,
                k,
                mean[k] > 0.0 && first > 0.0,
                "above 0, with a sum below the number of trials",
            )?;
            *theta = log_ratio(mean[k], first);
        }
        Ok(())
    }
}

/// `log p/q` of numbers above 0, also where the quotient is no number.
pub(super) fn log_ratio(p: f64, q: f64) -> f64 {
    let ratio = p / q;
    if ratio.is_normal() {
        Real::ln(ratio)
    } else {
        Real::ln(p) - Real::ln(q)
    }
}

impl ExponentialFamily for Categorical {
    type Sample = usize;

    fn dim(&self) -> usize {
        self.outcomes - 1
    }

    fn sufficient_statistics(&self, x: &usize, out: &mut [f64]) {
        out.fill(0.0);
        if *x > 0 && *x < self.outcomes {
            out[*x - 1] = 1.0;
        }
    }

    fn log_base_measure(&self, x: &usize) -> f64 {
        if *x < self.outcomes {
            0.0
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, self.dim())?;
        let rest = log_sum_exp(natural);
        Ok(ergodic_math::special::log_add_exp(0.0, rest))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let a = self.log_partition(natural)?;
        for (m, t) in mean.iter_mut().zip(natural) {
            *m = Real::exp(t - a);
        }
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        self.natural_of_mean(1.0, mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        self.of_many(1.0, natural, out)
    }

    /// Of the law of all outcomes, the divergence of [`LogSumExp`]: relative accuracy where the laws are close.
    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, self.dim())?;
        domain::finite("other", other, self.dim())?;
        let whole = |rest: &[f64]| [&[0.0], rest].concat();
        Ok(LogSumExp.divergence(&whole(other), &whole(natural)))
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<usize, ArgumentError> {
        Ok(rng.categorical(&self.probabilities(natural)?))
    }

    /// Vectorised over the members, whatever the number of outcomes.
    fn evaluate_columns(
        &self,
        natural: &[f64],
        log_partition: &mut [f64],
        mean: &mut [f64],
    ) -> Result<(), ArgumentError> {
        let (n, dim) = (log_partition.len(), self.dim());
        domain::length("natural", natural, dim * n)?;
        domain::length("mean", mean, dim * n)?;
        let mut inside = true;
        for start in (0..n).step_by(BLOCK) {
            inside &= vectorize(Block {
                natural,
                stride: n,
                start,
                log_partition: &mut log_partition[start..(start + BLOCK).min(n)],
                mean: &mut *mean,
            });
        }
        if inside {
            return Ok(());
        }
        let mut theta = vec![0.0; dim];
        for member in 0..n {
            for (k, t) in theta.iter_mut().enumerate() {
                *t = natural[k * n + member];
            }
            self.log_partition(&theta)?;
        }
        Ok(())
    }
}

/// The log-partitions and means of a block of categorical laws with parameters in columns, `stride` numbers
/// apart; says whether all results are finite.
struct Block<'a> {
    natural: &'a [f64],
    stride: usize,
    start: usize,
    log_partition: &'a mut [f64],
    mean: &'a mut [f64],
}

/// Members at once: their working numbers stay in the first-level cache.
const BLOCK: usize = 256;

impl Vectorize for Block<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let n = self.log_partition.len();
        let (mut top, mut rest, mut check) = ([0.0f64; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
        let (top, rest, check) = (&mut top[..n], &mut rest[..n], &mut check[..n]);
        for column in self.natural.chunks_exact(self.stride) {
            let column = &column[self.start..self.start + n];
            for i in 0..n {
                top[i] = if column[i] > top[i] {
                    column[i]
                } else {
                    top[i]
                };
                check[i] += 0.0 * column[i]; // not 0 where it is not finite
            }
        }
        let means = self.mean.chunks_exact_mut(self.stride);
        for (column, mean) in self.natural.chunks_exact(self.stride).zip(means) {
            let column = &column[self.start..self.start + n];
            let mean = &mut mean[self.start..self.start + n];
            for i in 0..n {
                mean[i] = Real::exp(column[i] - top[i]);
                rest[i] += mean[i];
            }
        }
        let mut sum = 0.0;
        for i in 0..n {
            // The first outcome's weight; where it is the largest, log(1 + x) keeps the digits of a small x.
            let first = Real::exp(-top[i]);
            let whole = first + rest[i];
            let near = Real::ln_1p(rest[i]);
            let far = top[i] + Real::ln(whole);
            self.log_partition[i] = if top[i] > 0.0 { far } else { near };
            rest[i] = 1.0 / whole;
            sum += check[i];
        }
        for mean in self.mean.chunks_exact_mut(self.stride) {
            let mean = &mut mean[self.start..self.start + n];
            for i in 0..n {
                mean[i] *= rest[i];
            }
        }
        sum == 0.0
    }
}

/// The multinomial family: counts of `K` outcomes in `n` trials,
/// `p(x) = n!/∏ xₖ! · exp(Σ θₖxₖ − n log(1 + Σ e^θₖ))`, the parameters as in [`Categorical`].
///
/// A sample is the counts of all `K` outcomes, with sum `n`; the statistics are those but the
/// first. Mean domain `μₖ > 0`, `Σ μₖ < n`. Cost `O(K)`, a draw `O(K log n)`.
///
/// Reference: Johnson, Kotz and Balakrishnan, *Discrete Multivariate Distributions*, 1997, ch. 35.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Multinomial;
///
/// let counts = Multinomial::new(3, 100)?;
/// let natural = counts.categorical().natural(&[1.0 / 3.0; 3])?;
/// let log_p = counts.log_density(&natural, &[50, 30, 20])?;
/// assert!((log_p + 11.593473072604212).abs() < 1e-10);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multinomial {
    one: Categorical,
    trials: u64,
}

impl Multinomial {
    /// Of this number of outcomes and trials.
    ///
    /// # Errors
    /// If there are fewer than two outcomes, no trials, or more than 2⁵³.
    pub fn new(outcomes: usize, trials: u64) -> Result<Self, ArgumentError> {
        let trials = super::Binomial::new(trials)?.trials();
        Ok(Self {
            one: Categorical::new(outcomes)?,
            trials,
        })
    }

    /// The number of trials.
    pub fn trials(&self) -> u64 {
        self.trials
    }

    /// The law of one trial, in the same parameters.
    pub fn categorical(&self) -> Categorical {
        self.one
    }
}

impl ExponentialFamily for Multinomial {
    type Sample = [u64];

    fn dim(&self) -> usize {
        self.one.dim()
    }

    fn sufficient_statistics(&self, x: &[u64], out: &mut [f64]) {
        for (o, x) in out.iter_mut().zip(x.iter().skip(1)) {
            *o = *x as f64;
        }
    }

    fn log_base_measure(&self, x: &[u64]) -> f64 {
        let total = x.iter().try_fold(0u64, |sum, k| sum.checked_add(*k));
        if x.len() != self.one.outcomes || total != Some(self.trials) {
            return f64::NEG_INFINITY;
        }
        // A product of binomial coefficients: all terms have one sign.
        let (mut left, mut sum) = (self.trials, 0.0);
        for k in x {
            left -= k;
            sum += log_choose(*k as f64, left as f64);
        }
        sum
    }

    /// To some ulp also where the multinomial coefficient is large.
    fn log_density(&self, natural: &[f64], x: &[u64]) -> Result<f64, ArgumentError> {
        let base = self.log_base_measure(x);
        let p = self.one.probabilities(natural)?;
        if base == f64::NEG_INFINITY || p.contains(&0.0) {
            let a = self.log_partition(natural)?;
            let terms = natural.iter().zip(x.iter().skip(1));
            let tilt: f64 = terms.map(|(t, k)| t * *k as f64).sum();
            return Ok(if base == f64::NEG_INFINITY {
                base
            } else {
                base + tilt - a
            });
        }
        let counts: Vec<f64> = x.iter().map(|k| *k as f64).collect();
        Ok(log_multinomial(&counts, &p))
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::computed(self.trials as f64 * self.one.log_partition(natural)?)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        self.one.mean_from_natural(natural, mean)?;
        for m in mean {
            *m *= self.trials as f64;
        }
        Ok(())
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        Ok(self.trials as f64 * self.one.kl_divergence(natural, other)?)
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        self.one.natural_of_mean(self.trials as f64, mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        self.one.of_many(self.trials as f64, natural, out)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Vec<u64>, ArgumentError> {
        let p = self.one.probabilities(natural)?;
        let mut left = self.trials;
        let mut counts = vec![0; p.len()];
        // Each outcome given that it is none of those before: a binomial law.
        for k in 0..p.len() - 1 {
            let tail = ergodic_math::reduce::sum(&p[k..]);
            counts[k] = sampling::binomial(left, (p[k] / tail).min(1.0), rng);
            left -= counts[k];
        }
        counts[p.len() - 1] = left;
        Ok(counts)
    }
}
