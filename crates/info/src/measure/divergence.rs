//! Divergences between two laws on the same outcomes.
//!
//! | measure | value | range | infinite where |
//! |---|---|---|---|
//! | [`KullbackLeibler`] | nats | `[0, ∞]` | P has an outcome that Q has not |
//! | [`RenyiDivergence`] | nats | `[0, ∞]` | order ≥ 1: as above; below: no common outcome |
//! | [`TsallisDivergence`] | number | `[0, ∞]` | order ≥ 1: P has an outcome that Q has not |
//! | [`JensenShannon`] | nats | `[0, log 2]` | never |
//! | [`ChiSquared`] | number | `[0, ∞]` | P has an outcome that Q has not |
//! | [`Hellinger`], [`SquaredHellinger`] | number | `[0, 1]` | never |
//! | [`TotalVariation`] | number | `[0, 1]` | never |
//! | [`Bhattacharyya`] | nats | `[0, ∞]` | no common outcome |
//! | [`ChernoffInformation`] | nats | `[0, ∞]` | no common outcome |
//! | [`FDivergence`] | number | `[0, ∞]` | as its generator says |

use ergodic_math::special::x_minus_ln_1p;
use ergodic_math::{Real, roots};

use super::{
    Total, excess_of_exp, log_ratio, log_sum_exp, order_of, relative_term, same_outcomes, total,
};
use crate::{InfoError, Information, Probabilities, Quantity};

/// How far one law is from another.
///
/// ```
/// use ergodic_info::{Divergence, KullbackLeibler, Probabilities, TotalVariation};
///
/// let p = Probabilities::new([0.5, 0.3, 0.2])?;
/// let q = Probabilities::new([0.2, 0.3, 0.5])?;
/// let kl = KullbackLeibler.between(&p, &q)?.nats();
/// let tv = TotalVariation.between(&p, &q)?;
/// assert!((kl - 0.3 * 2.5f64.ln()).abs() < 1e-15 && (tv - 0.3).abs() < 1e-15);
/// assert!((kl / 2.0).sqrt() >= tv); // Pinsker
/// let longer = Probabilities::uniform(4)?;
/// assert!(KullbackLeibler.between(&p, &longer).is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
pub trait Divergence {
    /// [`Information`], or a pure number where there is no logarithm.
    type Value: Quantity;

    /// The divergence of `p` from `q`.
    ///
    /// # Errors
    /// If the laws have not the same number of outcomes.
    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<Self::Value, InfoError>;
}

/// The pairs of probabilities of two laws on the same outcomes.
fn pairs<'a>(
    p: &'a Probabilities,
    q: &'a Probabilities,
) -> Result<impl Iterator<Item = (f64, f64)> + Clone + use<'a>, InfoError> {
    same_outcomes(p, q)?;
    let pairs = p.as_slice().iter().zip(q.as_slice());
    Ok(pairs.map(|(p, q)| (*p, *q)))
}

/// The Kullback–Leibler divergence (relative entropy) `KL(P‖Q) = Σ p log(p/q)`, in nats or bits.
///
/// What a code for Q costs more than the best one when P is true; the error exponent of a test of
/// P against Q (Stein). Not symmetric; 0 only of equal laws, exactly.
///
/// Summed as `Σ [p log(p/q) − p + q]`, terms never negative and each good to a few ulp, so the
/// relative error is some 1e-15 however close the laws are. O(K), about 10 ns per outcome.
/// Kullback and Leibler, *Ann. Math. Stat.* 22 (1951); Csiszár and Körner, *Information Theory*
/// (2011).
///
/// Not where the supports differ by chance, as of two histograms: one empty bin makes it infinite.
/// [`JensenShannon`] stays finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KullbackLeibler;

impl Divergence for KullbackLeibler {
    type Value = Information;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<Information, InfoError> {
        Ok(Information::from_nats(relative_nats(pairs(p, q)?)))
    }
}

fn relative_nats(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    total(pairs.map(|(p, q)| relative_term(p, q, q - p)))
}

/// The Jensen–Shannon divergence `JS = w KL(P‖M) + (1 − w) KL(Q‖M)`, `M = wP + (1 − w)Q`, in nats
/// or bits.
///
/// The information that one observation gives about which law it came from, `P` with probability
/// `w`: between 0 and `h(w) ≤ log 2`, and symmetric at `w = ½`, where its square root is a metric.
/// Never infinite. Relative error some 1e-15 also for nearly equal laws; O(K). Lin, *IEEE Trans.
/// Inf. Theory* 37 (1991); Endres and Schindelin, *ibid.* 49 (2003).
///
/// Not where the tails matter: it hardly changes with what is far out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JensenShannon {
    weight: f64,
}

impl Default for JensenShannon {
    fn default() -> Self {
        Self::equal()
    }
}

impl JensenShannon {
    /// Equal weights.
    pub const fn equal() -> Self {
        Self { weight: 0.5 }
    }

    /// This weight of the first law.
    ///
    /// # Errors
    /// If the weight is not between 0 and 1.
    pub fn weighted(weight: f64) -> Result<Self, InfoError> {
        if (0.0..=1.0).contains(&weight) {
            Ok(Self { weight })
        } else {
            Err(InfoError::argument("weight", weight, "between 0 and 1"))
        }
    }

    /// The divergence among several laws, `Σ w_i KL(P_i‖M)` with `M = Σ w_i P_i`: at most `H(w)`.
    /// O(m·K) for m laws on K outcomes.
    ///
    /// # Errors
    /// If there are not as many weights as laws, or the laws have not the same number of outcomes.
    pub fn among(
        weights: &Probabilities,
        laws: &[Probabilities],
    ) -> Result<Information, InfoError> {
        if weights.len() != laws.len() {
            return Err(InfoError::argument(
                "laws",
                format!("a list of {}", laws.len()),
                format!("as long as the weights, {}", weights.len()),
            ));
        }
        let size = laws.first().map_or(0, Probabilities::len);
        if let Some(law) = laws.iter().find(|law| law.len() != size) {
            return Err(InfoError::argument(
                "laws",
                format!("a list with a law on {} outcomes", law.len()),
                format!("a list of laws on as many outcomes as the first, {size}"),
            ));
        }
        let members = || weights.as_slice().iter().zip(laws);
        let heaviest = |best: usize, (i, w): (usize, &f64)| {
            if *w > weights.as_slice()[best] {
                i
            } else {
                best
            }
        };
        let reference = weights.as_slice().iter().enumerate().fold(0, heaviest);
        let nats = total((0..size).flat_map(|k| {
            let at = |law: &Probabilities| law.as_slice()[k];
            let middle = at(&laws[reference]);
            let mean = total(members().map(|(v, law)| v * at(law)));
            // M − P_i by way of the heaviest law, from differences, which are exact where laws
            // nearly agree.
            let shift = total(members().map(|(v, law)| v * (at(law) - middle)));
            members().filter(|(w, _)| **w > 0.0).map(move |(w, law)| {
                let p = law.as_slice()[k];
                mixed_term(*w, p, mean, shift - (p - middle))
            })
        }));
        Ok(Information::from_nats(nats))
    }
}

impl Divergence for JensenShannon {
    type Value = Information;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<Information, InfoError> {
        let (w, v) = (self.weight, 1.0 - self.weight);
        // With weight 0 or 1 there is one law and nothing to tell.
        if w == 0.0 || v == 0.0 {
            same_outcomes(p, q)?;
            return Ok(Information::ZERO);
        }
        let nats = total(pairs(p, q)?.map(|(p, q)| {
            let (mean, d) = (w * p + v * q, q - p);
            mixed_term(w, p, mean, v * d) + mixed_term(v, q, mean, -w * d)
        }));
        Ok(Information::from_nats(nats))
    }
}

/// The term of a divergence from a mixture in which `p` has the weight `w`.
fn mixed_term(w: f64, p: f64, mean: f64, d: f64) -> f64 {
    // The mixture of something can only vanish by underflow, and then so does its share.
    if mean == 0.0 {
        0.0
    } else {
        w * relative_term(p, mean, d)
    }
}

/// `p^α q^{1−α} − αp − (1−α)q`, for `α ≥ 0` finite: at most 0 below order 1, at least 0 above.
fn tilted_term(p: f64, q: f64, order: f64) -> f64 {
    if order < 0.5 {
        // The same with the roles exchanged, which keeps the factor below within ½.
        return tilted_term_above_half(q, p, 1.0 - order, order);
    }
    tilted_term_above_half(p, q, order, 1.0 - order)
}

/// The same for `order ≥ ½`, `beta = 1 − order`.
fn tilted_term_above_half(p: f64, q: f64, order: f64, beta: f64) -> f64 {
    if p == 0.0 {
        return -beta * q;
    }
    if q == 0.0 {
        return if beta < 0.0 {
            f64::INFINITY
        } else {
            -order * p
        };
    }
    if q <= 2.0 * p && p <= 2.0 * q {
        let r = (q - p) / p;
        let excess = x_minus_ln_1p(r);
        return p * (excess_of_exp(beta * (r - excess)) - beta * excess);
    }
    let power = beta * log_ratio(q, p);
    if power > 700.0 {
        Real::exp(Real::ln(p) + power) - order * p - beta * q
    } else {
        p * Real::exp_m1(power) + beta * (p - q)
    }
}

/// `Σ p^α q^{1−α} − 1`, of one sign.
fn tilted(pairs: impl Iterator<Item = (f64, f64)>, order: f64) -> f64 {
    total(pairs.map(|(p, q)| tilted_term(p, q, order)))
}

/// Rényi's divergence of order α, `D_α(P‖Q) = log(Σ p^α q^{1−α})/(α − 1)`, `0 ≤ α ≤ ∞`, in nats or
/// bits.
///
/// Its limits are `−log Q(p > 0)` (α = 0), Kullback–Leibler (α = 1) and `log max p/q` (α = ∞); it
/// grows with α. `D_{1/2} = −2 log Σ √(pq)`, `D_2 = log(1 + χ²)`; `(1 − α) D_α(P‖Q) = α
/// D_{1−α}(Q‖P)`.
///
/// Relative error of some 1e-15 near α = 1 and for nearly equal laws, a few times that elsewhere;
/// O(K). Rényi (1961); van Erven and Harremoës, *IEEE Trans. Inf. Theory* 60 (2014).
///
/// Not of large order for estimated laws: the most extreme ratio decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RenyiDivergence {
    order: f64,
}

impl RenyiDivergence {
    /// The divergence of this order.
    ///
    /// # Errors
    /// If the order is negative or NaN.
    pub fn new(order: f64) -> Result<Self, InfoError> {
        Ok(Self {
            order: order_of(order)?,
        })
    }

    /// The order.
    pub const fn order(&self) -> f64 {
        self.order
    }
}

impl Divergence for RenyiDivergence {
    type Value = Information;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<Information, InfoError> {
        let pairs = pairs(p, q)?;
        Ok(Information::from_nats(renyi_nats(pairs, self.order)))
    }
}

fn renyi_nats(pairs: impl Iterator<Item = (f64, f64)> + Clone, order: f64) -> f64 {
    if order == 1.0 {
        return relative_nats(pairs);
    }
    let common = pairs.clone().filter(|(p, q)| *p > 0.0 && *q > 0.0);
    if order > 1.0 {
        if pairs.clone().any(|(p, q)| p > 0.0 && q == 0.0) {
            return f64::INFINITY;
        }
        let ratios = common.map(|(p, q)| (p, log_ratio(p, q)));
        let largest = ratios.clone().fold(f64::NEG_INFINITY, |m, (_, l)| m.max(l));
        if order == f64::INFINITY {
            return largest.max(0.0);
        }
        let power = order - 1.0;
        // Far from overflow the sum itself is relatively accurate.
        if power * largest < 600.0 {
            return Real::ln_1p(tilted(pairs, order)) / power;
        }
        let rest = total(ratios.map(|(p, l)| p * Real::exp(power * (l - largest))));
        return largest + Real::ln(rest) / power;
    }
    let excess = tilted(pairs, order);
    let power = order - 1.0;
    if excess > -0.5 {
        return Real::ln_1p(excess) / power + 0.0;
    }
    // Σ p^α q^{1−α} is small: from its logarithms.
    log_sum_exp(common.map(|(p, q)| (p, -power * log_ratio(q, p)))) / power
}

/// The Tsallis divergence of order q, `T_q(P‖Q) = (Σ p^q r^{1−q} − 1)/(q − 1)` from P to R, `q ≥ 0`
/// finite; a pure number, at q = 1 the Kullback–Leibler divergence in nats.
///
/// An f-divergence, `T_q = (exp((q − 1) D_q) − 1)/(q − 1)` of Rényi's; `T_2 = χ²` and `T_{1/2} =
/// 2·squared Hellinger`. Relative error of some 1e-15; O(K). Tsallis, *Phys. Rev. E* 58 (1998).
///
/// Not additive over independent parts: Rényi's is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TsallisDivergence {
    order: f64,
}

impl TsallisDivergence {
    /// The divergence of this order.
    ///
    /// # Errors
    /// If the order is negative or not finite.
    pub fn new(order: f64) -> Result<Self, InfoError> {
        if order >= 0.0 && order.is_finite() {
            Ok(Self { order })
        } else {
            Err(InfoError::argument("order", order, "at least 0 and finite"))
        }
    }

    /// The order.
    pub const fn order(&self) -> f64 {
        self.order
    }
}

impl Divergence for TsallisDivergence {
    type Value = f64;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<f64, InfoError> {
        let pairs = pairs(p, q)?;
        Ok(if self.order == 1.0 {
            relative_nats(pairs)
        } else {
            tilted(pairs, self.order) / (self.order - 1.0) + 0.0
        })
    }
}

/// Pearson's `χ²(P‖Q) = Σ (p − q)²/q`, a pure number.
///
/// `log(1 + χ²) = D_2 ≥ KL`. Infinite where P has an outcome that Q has not, and where the value
/// is above the range of `f64`. Relative error a few ulp; O(K). Pearson, *Phil. Mag.* 50 (1900).
///
/// Not the statistic of a test: that is N times this, of observed shares against Q.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChiSquared;

impl Divergence for ChiSquared {
    type Value = f64;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<f64, InfoError> {
        Ok(total(
            pairs(p, q)?
                .filter(|(p, q)| p != q)
                .map(|(p, q)| {
                    // (p − q)/q first: the square of a small difference may underflow.
                    (p - q) / q * (p - q)
                })
                .map(f64::abs),
        ))
    }
}

/// The squared Hellinger distance `½ Σ (√p − √q)² = 1 − Σ √(pq)`, a pure number in `[0, 1]`.
///
/// Between `1 − √(1 − TV²)` and TV. Relative error a few ulp; O(K). Le Cam, *Asymptotic Methods
/// in Statistical Decision Theory* (1986). Not in the convention without ½, which is twice this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SquaredHellinger;

impl Divergence for SquaredHellinger {
    type Value = f64;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<f64, InfoError> {
        Ok(0.5
            * total(pairs(p, q)?.filter(|(p, q)| p != q).map(|(p, q)| {
                let root = (p - q) / (p.sqrt() + q.sqrt());
                root * root
            })))
    }
}

/// The Hellinger distance `√(½ Σ (√p − √q)²)`, a metric with values in `[0, 1]`.
///
/// The root of [`SquaredHellinger`], with half its relative error. Not in the convention without
/// ½, which is √2 times this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hellinger;

impl Divergence for Hellinger {
    type Value = f64;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<f64, InfoError> {
        Ok(SquaredHellinger.between(p, q)?.sqrt())
    }
}

/// The total variation distance `½ Σ |p − q| = max_A P(A) − Q(A)`, a metric with values in `[0, 1]`.
///
/// `1 − TV` is the smallest sum of the two errors of a test of one observation. At most `√(KL/2)`
/// (Pinsker) and `√(1 − e^{−KL})` (Bretagnolle and Huber). Relative error 1 ulp; O(K). Not for laws
/// on points of a continuum with unlike supports: it is 1 there, however close the points are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TotalVariation;

impl Divergence for TotalVariation {
    type Value = f64;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<f64, InfoError> {
        Ok(0.5 * total(pairs(p, q)?.map(|(p, q)| (p - q).abs())))
    }
}

/// The Bhattacharyya distance `−log Σ √(pq)`, in nats or bits: half of Rényi's divergence of
/// order ½.
///
/// Infinite where no outcome is common. Bounds the error of telling the laws apart. Relative error
/// of some 1e-15; O(K). Bhattacharyya, *Bull. Calcutta Math. Soc.* 35 (1943). No metric: the
/// triangle inequality fails; [`Hellinger`] is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bhattacharyya;

impl Bhattacharyya {
    /// The coefficient `Σ √(pq)`, in `[0, 1]`: the overlap of the laws. Relative error a few ulp.
    ///
    /// # Errors
    /// If the laws have not the same number of outcomes.
    pub fn coefficient(&self, p: &Probabilities, q: &Probabilities) -> Result<f64, InfoError> {
        Ok(total(pairs(p, q)?.map(|(p, q)| p.sqrt() * q.sqrt())))
    }
}

impl Divergence for Bhattacharyya {
    type Value = Information;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<Information, InfoError> {
        Ok(Information::from_nats(0.5 * renyi_nats(pairs(p, q)?, 0.5)))
    }
}

/// Chernoff's information `max_{0≤s≤1} −log Σ p^s q^{1−s}`, in nats or bits: the exponent at which
/// the error of the best test between P and Q falls with the number of observations.
///
/// Symmetric; at least the Bhattacharyya distance (s = ½), at most `min(KL(P‖Q), KL(Q‖P))`.
/// Infinite where no outcome is common. The optimal s solves `Σ p^s q^{1−s} log(p/q) = 0`, found by
/// Brent's root finding to 1e-12, which the value sees squared: relative error of some 1e-15.
/// O(K) for each of about ten evaluations. Chernoff, *Ann. Math. Stat.* 23 (1952); Cover and
/// Thomas (2006), §11.9.
///
/// Not for a test with unlike costs per observation or a fixed level: Stein's exponent is KL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChernoffInformation;

/// Chernoff's information with the exponent where it is attained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chernoff {
    /// The information.
    pub information: Information,
    /// The weight of P in the law `∝ p^s q^{1−s}` half-way between, in `[0, 1]`; ½ where any is
    /// optimal.
    pub exponent: f64,
}

impl ChernoffInformation {
    /// The information with the optimal exponent.
    ///
    /// ```
    /// use ergodic_info::{ChernoffInformation, Probabilities};
    ///
    /// let p = Probabilities::new([0.5, 0.3, 0.2])?;
    /// let q = Probabilities::new([0.2, 0.3, 0.5])?;
    /// let best = ChernoffInformation.optimum(&p, &q)?;
    /// assert!((best.exponent - 0.5).abs() < 1e-9); // Q is P reversed
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If the laws have not the same number of outcomes.
    pub fn optimum(&self, p: &Probabilities, q: &Probabilities) -> Result<Chernoff, InfoError> {
        let pairs = pairs(p, q)?;
        let common: Vec<(f64, f64)> = pairs
            .clone()
            .filter(|(p, q)| *p > 0.0 && *q > 0.0)
            .collect();
        if common.is_empty() {
            return Ok(Chernoff {
                information: Information::from_nats(f64::INFINITY),
                exponent: 0.5,
            });
        }
        let at = |s: f64| Chernoff {
            information: Information::from_nats(chernoff_nats(pairs.clone(), &common, s)),
            exponent: s,
        };
        // The derivative of Σ p^s q^{1−s}, which grows with s.
        let slope = |s: f64| total(pairs.clone().map(|(p, q)| tilted_slope(p, q, s)));
        let (low, high) = (slope(0.0), slope(1.0));
        if low == 0.0 && high == 0.0 {
            return Ok(at(0.5));
        }
        if low >= 0.0 {
            return Ok(at(0.0));
        }
        if high <= 0.0 {
            return Ok(at(1.0));
        }
        match roots::brent(slope, 0.0, 1.0, 1e-12) {
            Ok(root) => Ok(at(root.x)),
            Err(roots::RootError::NotConverged { evaluations, .. }) => {
                Err(InfoError::NotConverged {
                    quantity: "Chernoff information",
                    gap: f64::NAN,
                    tolerance: 1e-12,
                    iterations: evaluations,
                })
            }
            // Ends of one sign were treated above.
            Err(_) => Ok(at(0.5)),
        }
    }
}

/// The derivative of `p^s q^{1−s} − sp − (1−s)q` with respect to s, accurate where p and q nearly
/// agree.
fn tilted_slope(p: f64, q: f64, s: f64) -> f64 {
    if p == 0.0 || q == 0.0 {
        return q - p;
    }
    if q <= 2.0 * p && p <= 2.0 * q {
        let log = Real::ln_1p((p - q) / q);
        return q * (log * Real::exp_m1(s * log) - excess_of_exp(log));
    }
    let log = log_ratio(p, q);
    let mass = if s < 0.5 {
        q * Real::exp(s * log)
    } else {
        p * Real::exp((s - 1.0) * log)
    };
    mass * log + (q - p)
}

/// `−log Σ p^s q^{1−s}` over common outcomes, for `0 ≤ s ≤ 1` as a limit from inside.
fn chernoff_nats(
    pairs: impl Iterator<Item = (f64, f64)> + Clone,
    common: &[(f64, f64)],
    s: f64,
) -> f64 {
    let excess = tilted(pairs, s);
    if excess > -0.5 {
        return -Real::ln_1p(excess) + 0.0;
    }
    -log_sum_exp(
        common
            .iter()
            .map(|(p, q)| (*p, (1.0 - s) * log_ratio(*q, *p))),
    )
}

impl Divergence for ChernoffInformation {
    type Value = Information;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<Information, InfoError> {
        Ok(self.optimum(p, q)?.information)
    }
}

/// The f-divergence of a convex generator with `f(1) = 0`: `D_f(P‖Q) = Σ q f(p/q)`, a pure number.
///
/// Conventions: `0 f(0/0) = 0` and `0 f(a/0) = a f'(∞)` with `f'(∞) = lim f(t)/t`, the slope at
/// infinity, which may be `∞`. Two generators that differ by `c(t − 1)` give the same divergence;
/// the one that is never negative and has its minimum 0 at 1 gives non-negative terms and hence
/// accurate sums. All of them obey the data-processing inequality.
///
/// Error: that of `f` at ratios rounded to 1 ulp; a ratio beyond the range of `f64` counts as
/// infinite. O(K) calls. Csiszár, *Studia Sci. Math. Hung.* 2 (1967); Ali and Silvey, *J. R. Stat.
/// Soc. B* 28 (1966); Liese and Vajda, *IEEE Trans. Inf. Theory* 52 (2006).
///
/// Not for functions that are not convex, which cannot be checked here: nothing of the above
/// holds for them. Rényi's divergence and Chernoff's information are functions of f-divergences,
/// not f-divergences.
///
/// ```
/// use ergodic_info::{Divergence, FDivergence, Probabilities, generators};
///
/// let p = Probabilities::new([0.5, 0.3, 0.2])?;
/// let q = Probabilities::new([0.2, 0.3, 0.5])?;
/// // The triangular discrimination Σ (p − q)²/(p + q).
/// let triangular = FDivergence::new(|t: f64| (t - 1.0) * (t - 1.0) / (t + 1.0), 1.0)?;
/// assert!((triangular.between(&p, &q)? - 2.0 * 0.09 / 0.7).abs() < 1e-15);
/// let kl = generators::kullback_leibler().between(&p, &q)?;
/// assert!((kl - 0.3 * 2.5f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FDivergence<F> {
    generator: F,
    slope_at_infinity: f64,
}

impl<F: Fn(f64) -> f64> FDivergence<F> {
    /// The divergence of a generator and its slope at infinity.
    ///
    /// `f` is called with `t ≥ 0` finite; `f(0)` is to be its limit and may be `∞`.
    ///
    /// # Errors
    /// If `f(1)` is not 0 to within 1e-12 or the slope is NaN or `−∞`.
    pub fn new(generator: F, slope_at_infinity: f64) -> Result<Self, InfoError> {
        let at_one = generator(1.0);
        if at_one.is_nan() || at_one.abs() > 1e-12 {
            return Err(InfoError::argument(
                "generator",
                format!("a function with f(1) = {at_one}"),
                "convex with f(1) = 0",
            ));
        }
        if slope_at_infinity.is_nan() || slope_at_infinity == f64::NEG_INFINITY {
            return Err(InfoError::argument(
                "slope_at_infinity",
                slope_at_infinity,
                "a number or +∞",
            ));
        }
        Ok(Self {
            generator,
            slope_at_infinity,
        })
    }
}

impl<F: Fn(f64) -> f64> Divergence for FDivergence<F> {
    type Value = f64;

    /// # Errors
    /// If the laws have not the same number of outcomes, or the generator answers NaN or `−∞`.
    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<f64, InfoError> {
        let mut sum = Total::default();
        let mut infinite = false;
        for (p, q) in pairs(p, q)? {
            let ratio = p / q;
            let term = if p == 0.0 && q == 0.0 {
                0.0
            } else if ratio.is_finite() {
                let value = (self.generator)(ratio);
                if value.is_nan() || value == f64::NEG_INFINITY {
                    return Err(InfoError::argument(
                        "generator",
                        format!("a function with f({ratio}) = {value}"),
                        "convex, finite or +∞",
                    ));
                }
                q * value
            } else {
                p * self.slope_at_infinity
            };
            if term.is_infinite() {
                infinite = true;
            } else {
                sum.add(term);
            }
        }
        Ok(if infinite { f64::INFINITY } else { sum.value() })
    }
}

/// Generators of the f-divergences that have a name, each never negative with minimum 0 at 1.
pub mod generators {
    use ergodic_math::Real;
    use ergodic_math::special::x_minus_ln_1p;

    use super::{FDivergence, relative_term, tilted_term};
    use crate::InfoError;

    /// `t log t − t + 1`, slope ∞: Kullback–Leibler, `KL(P‖Q)`, in nats.
    pub fn kullback_leibler() -> FDivergence<impl Fn(f64) -> f64 + Copy> {
        FDivergence {
            generator: |t: f64| relative_term(t, 1.0, 1.0 - t),
            slope_at_infinity: f64::INFINITY,
        }
    }

    /// `t − 1 − log t`, slope 1: the reverse, `KL(Q‖P)`, in nats.
    pub fn reverse_kullback_leibler() -> FDivergence<impl Fn(f64) -> f64 + Copy> {
        FDivergence {
            generator: |t: f64| {
                if t > 0.0 {
                    x_minus_ln_1p(t - 1.0)
                } else {
                    f64::INFINITY
                }
            },
            slope_at_infinity: 1.0,
        }
    }

    /// `(t − 1)²`, slope ∞: Pearson's χ².
    pub fn chi_squared() -> FDivergence<impl Fn(f64) -> f64 + Copy> {
        FDivergence {
            generator: |t: f64| (t - 1.0) * (t - 1.0),
            slope_at_infinity: f64::INFINITY,
        }
    }

    /// `½|t − 1|`, slope ½: total variation.
    pub fn total_variation() -> FDivergence<impl Fn(f64) -> f64 + Copy> {
        FDivergence {
            generator: |t: f64| 0.5 * (t - 1.0).abs(),
            slope_at_infinity: 0.5,
        }
    }

    /// `½(√t − 1)²`, slope ½: squared Hellinger distance.
    pub fn squared_hellinger() -> FDivergence<impl Fn(f64) -> f64 + Copy> {
        FDivergence {
            generator: |t: f64| {
                let root = (t - 1.0) / (t.sqrt() + 1.0);
                0.5 * root * root
            },
            slope_at_infinity: 0.5,
        }
    }

    /// `½[t log t − (1 + t) log((1 + t)/2)]`, slope `½ log 2`: Jensen–Shannon, in nats.
    pub fn jensen_shannon() -> FDivergence<impl Fn(f64) -> f64 + Copy> {
        FDivergence {
            generator: |t: f64| {
                let (mean, half) = (0.5 * (t + 1.0), 0.5 * (t - 1.0));
                0.5 * (relative_term(t, mean, -half) + relative_term(1.0, mean, half))
            },
            slope_at_infinity: 0.5 * std::f64::consts::LN_2,
        }
    }

    /// `t log t − log t`, that is `(t − 1) log t`, slope ∞: Jeffreys' divergence, `KL(P‖Q) +
    /// KL(Q‖P)`, in nats (Jeffreys, *Proc. R. Soc. A* 186, 1946).
    pub fn jeffreys() -> FDivergence<impl Fn(f64) -> f64 + Copy> {
        FDivergence {
            generator: |t: f64| {
                if t > 0.0 {
                    (t - 1.0) * Real::ln(t)
                } else {
                    f64::INFINITY
                }
            },
            slope_at_infinity: f64::INFINITY,
        }
    }

    /// `(t^q − qt + q − 1)/(q − 1)`: the Tsallis divergence of order `q > 0`, `q ≠ 1`; slope `∞`
    /// above 1, `q/(1 − q)` below.
    ///
    /// # Errors
    /// If the order is 1 (that is [`kullback_leibler`]), not above 0, or not finite.
    pub fn tsallis(order: f64) -> Result<FDivergence<impl Fn(f64) -> f64 + Copy>, InfoError> {
        if !(order > 0.0 && order.is_finite()) || order == 1.0 {
            return Err(InfoError::argument(
                "order",
                order,
                "finite, above 0 and not 1",
            ));
        }
        Ok(FDivergence {
            generator: move |t: f64| tilted_term(t, 1.0, order) / (order - 1.0),
            slope_at_infinity: if order > 1.0 {
                f64::INFINITY
            } else {
                order / (1.0 - order)
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(values: &[f64]) -> Probabilities {
        Probabilities::from_weights(values).unwrap()
    }

    fn close(found: f64, expected: f64, relative: f64) {
        assert!(
            (found - expected).abs() <= relative * expected.abs(),
            "{found:e} is not {expected:e}"
        );
    }

    fn renyi(order: f64, p: &Probabilities, q: &Probabilities) -> f64 {
        let measure = RenyiDivergence::new(order).unwrap();
        measure.between(p, q).unwrap().nats()
    }

    #[test]
    fn oracle_values() {
        let (p, q) = (law(&[0.5, 0.3, 0.2]), law(&[0.2, 0.3, 0.5]));
        let nats = |d: Information| d.nats();
        close(
            nats(KullbackLeibler.between(&p, &q).unwrap()),
            0.274_887_219_562_246_54,
            2e-15,
        );
        close(TotalVariation.between(&p, &q).unwrap(), 0.3, 1e-15);
        let js = JensenShannon::equal().between(&p, &q).unwrap();
        close(nats(js), 0.066_414_314_382_281_68, 4e-15);
        close(ChiSquared.between(&p, &q).unwrap(), 0.63, 1e-15);
        close(
            SquaredHellinger.between(&p, &q).unwrap(),
            0.067_544_467_966_324_18,
            2e-15,
        );
        close(
            1.0 - Bhattacharyya.coefficient(&p, &q).unwrap(),
            0.067_544_467_966_324_18,
            4e-15,
        );
        close(renyi(2.0, &p, &q), 0.488_580_014_818_671, 2e-15);
        close(renyi(0.5, &p, &q), 0.139_867_630_856_753_27, 2e-15);
        let chernoff = ChernoffInformation.between(&p, &q).unwrap();
        close(nats(chernoff), 0.069_933_815_428_376_64, 4e-15);
        let bound = (1.0 - (-nats(KullbackLeibler.between(&p, &q).unwrap())).exp()).sqrt();
        close(bound, 0.490_247_087_770_673_16, 2e-15);
    }

    /// Laws whose sums are exact and whose divergences have closed forms: a fair coin against one
    /// with the bias δ, `(½ ± δ)`.
    #[test]
    fn nearly_equal_laws_keep_relative_accuracy() {
        let fair = Probabilities::new([0.5, 0.5]).unwrap();
        for k in [2, 5, 10, 20, 30, 45, 52] {
            let delta = 2f64.powi(-k - 1);
            let biased = Probabilities::new([0.5 + delta, 0.5 - delta]).unwrap();
            let e = 2.0 * delta;
            // KL(fair‖biased) = −½ log(1 − ε²)
            let kl = KullbackLeibler.between(&fair, &biased).unwrap().nats();
            close(kl, -0.5 * (-e * e).ln_1p(), 2e-15);
            // KL(biased‖fair) = ½[(1+ε) log(1+ε) + (1−ε) log(1−ε)] = Σ ε^{2j}/(2j(2j−1))
            let reverse = KullbackLeibler.between(&biased, &fair).unwrap().nats();
            let series: f64 = (1..60)
                .rev()
                .map(|j| e.powi(2 * j) / f64::from(2 * j * (2 * j - 1)))
                .sum();
            close(reverse, series, 2e-15);
            // χ²(biased‖fair) = ε², and D_2 = log(1 + ε²).
            close(ChiSquared.between(&biased, &fair).unwrap(), e * e, 2e-15);
            close(renyi(2.0, &biased, &fair), (e * e).ln_1p(), 4e-15);
            let square = TsallisDivergence::new(2.0).unwrap();
            close(square.between(&biased, &fair).unwrap(), e * e, 4e-15);
            // BC = ½(√(1+ε) + √(1−ε)), 1 − BC² = ½(1 − √(1−ε²)) = ½ε²/(1 + √(1−ε²)).
            let gap = 0.5 * e * e / (1.0 + (1.0 - e * e).sqrt());
            let hellinger = SquaredHellinger.between(&biased, &fair).unwrap();
            close(hellinger * (2.0 - hellinger), gap, 4e-15);
            close(renyi(0.5, &biased, &fair), -(-gap).ln_1p(), 4e-15);
            // JS of the two mirror images is KL(biased‖fair), twice itself at half the way.
            let mirror = Probabilities::new([0.5 - delta, 0.5 + delta]).unwrap();
            let js = JensenShannon::equal().between(&biased, &mirror).unwrap();
            close(js.nats(), series, 4e-15);
            let laws = [biased.clone(), mirror.clone()];
            let among = JensenShannon::among(&fair, &laws).unwrap();
            close(among.nats(), series, 4e-15);
            // Chernoff information of mirror images: s = ½, −log √(1−ε²).
            let chernoff = ChernoffInformation.optimum(&biased, &mirror).unwrap();
            close(chernoff.information.nats(), -0.5 * (-e * e).ln_1p(), 4e-15);
            close(chernoff.exponent, 0.5, 1e-9);
        }
    }

    #[test]
    fn orders_near_one_join_kullback_leibler_with_its_slope() {
        // dD_α/dα at 1 is half the variance of log(p/q) under P.
        let (p, q) = (law(&[0.5, 0.3, 0.2]), law(&[0.1, 0.3, 0.6]));
        let logs = || {
            let pairs = p.as_slice().iter().zip(q.as_slice());
            pairs.map(|(p, q)| (*p, (p / q).ln()))
        };
        let mean: f64 = logs().map(|(p, l)| p * l).sum();
        let square: f64 = logs().map(|(p, l)| p * l * l).sum();
        for step in [1e-9, -1e-9, 1e-12, -1e-7] {
            let order = 1.0 + step;
            let step = order - 1.0;
            let expected = mean + 0.5 * step * (square - mean * mean);
            close(renyi(order, &p, &q), expected, 1e-13);
            let tsallis = TsallisDivergence::new(order)
                .unwrap()
                .between(&p, &q)
                .unwrap();
            close(tsallis, mean + 0.5 * step * square, 1e-13);
        }
        // Near order 0: D_α → α KL(Q‖P).
        let reverse = KullbackLeibler.between(&q, &p).unwrap().nats();
        close(renyi(1e-12, &p, &q), 1e-12 * reverse, 1e-11);
    }

    #[test]
    fn a_law_has_no_divergence_from_itself() {
        let p = law(&[0.1, 0.0, 0.7, 1e-200, 0.3]);
        for order in [
            0.0,
            1e-9,
            0.3,
            0.5,
            1.0,
            1.0 + 1e-9,
            2.0,
            1e9,
            f64::INFINITY,
        ] {
            let d = renyi(order, &p, &p);
            assert!(d == 0.0 && d.is_sign_positive(), "{order} {d}");
        }
        assert_eq!(KullbackLeibler.between(&p, &p).unwrap().nats(), 0.0);
        assert_eq!(JensenShannon::equal().between(&p, &p).unwrap().nats(), 0.0);
        assert_eq!(ChiSquared.between(&p, &p).unwrap(), 0.0);
        assert_eq!(Hellinger.between(&p, &p).unwrap(), 0.0);
        assert_eq!(TotalVariation.between(&p, &p).unwrap(), 0.0);
        assert_eq!(Bhattacharyya.between(&p, &p).unwrap().nats(), 0.0);
        let chernoff = ChernoffInformation.optimum(&p, &p).unwrap();
        assert_eq!((chernoff.information.nats(), chernoff.exponent), (0.0, 0.5));
        assert_eq!(generators::kullback_leibler().between(&p, &p).unwrap(), 0.0);
    }

    #[test]
    fn supports_decide_what_is_infinite() {
        let (p, q) = (law(&[0.5, 0.5, 0.0]), law(&[0.0, 0.5, 0.5]));
        let apart = law(&[0.0, 0.0, 1.0]);
        let inf = f64::INFINITY;
        assert_eq!(KullbackLeibler.between(&p, &q).unwrap().nats(), inf);
        assert_eq!(ChiSquared.between(&p, &q).unwrap(), inf);
        assert_eq!(renyi(2.0, &p, &q), inf);
        assert_eq!(renyi(inf, &p, &q), inf);
        assert_eq!(
            TsallisDivergence::new(2.0)
                .unwrap()
                .between(&p, &q)
                .unwrap(),
            inf
        );
        // Order ½: −2 log ½.
        close(renyi(0.5, &p, &q), 4f64.ln(), 1e-15);
        // Order 0: −log Q(p > 0) = log 2.
        close(renyi(0.0, &p, &q), 2f64.ln(), 1e-15);
        assert_eq!(renyi(0.0, &p, &apart), inf);
        assert_eq!(renyi(0.5, &p, &apart), inf);
        assert_eq!(Bhattacharyya.between(&p, &apart).unwrap().nats(), inf);
        assert_eq!(ChernoffInformation.between(&p, &apart).unwrap().nats(), inf);
        assert_eq!(TotalVariation.between(&p, &apart).unwrap(), 1.0);
        close(Hellinger.between(&p, &apart).unwrap(), 1.0, 1e-15);
        let js = JensenShannon::equal().between(&p, &apart).unwrap();
        close(js.nats(), 2f64.ln(), 1e-15);
        // Chernoff at an end: P inside Q's support, Σ p^s q^{1−s} least at s → 0.
        let (inside, wide) = (law(&[1.0, 0.0]), law(&[0.25, 0.75]));
        let end = ChernoffInformation.optimum(&inside, &wide).unwrap();
        assert_eq!(end.exponent, 0.0);
        close(end.information.nats(), 4f64.ln(), 1e-15);
        let end = ChernoffInformation.optimum(&wide, &inside).unwrap();
        assert_eq!(end.exponent, 1.0);
        close(end.information.nats(), 4f64.ln(), 1e-15);
    }

    #[test]
    fn extreme_ratios_stay_finite() {
        let tiny = 2f64.powi(-1070);
        let (p, q) = (law(&[1.0, tiny]), law(&[tiny, 1.0]));
        let log = 1070.0 * std::f64::consts::LN_2;
        close(KullbackLeibler.between(&p, &q).unwrap().nats(), log, 1e-12);
        for order in [1.5, 2.0, 50.0, 1e6, 1e300, f64::INFINITY] {
            // Σ p^α q^{1−α} = 2^{1070(α−1)} + …
            close(renyi(order, &p, &q), log, 1e-12);
        }
        // Order ½: Σ √(pq) = 2·2^{−535}.
        close(
            renyi(0.5, &p, &q),
            2.0 * 534.0 * std::f64::consts::LN_2,
            1e-12,
        );
        let chernoff = ChernoffInformation.optimum(&p, &q).unwrap();
        close(
            chernoff.information.nats(),
            534.0 * std::f64::consts::LN_2,
            1e-12,
        );
        let subnormal = law(&[1.0, 5e-324]);
        let other = law(&[5e-324, 1.0]);
        assert!(ChiSquared.between(&subnormal, &other).unwrap() > 1e300);
        assert!(KullbackLeibler.between(&subnormal, &other).unwrap().nats() < 750.0);
        let f = generators::jensen_shannon()
            .between(&subnormal, &other)
            .unwrap();
        close(f, 2f64.ln(), 1e-14);
    }

    #[test]
    fn generators_agree_with_the_direct_forms() {
        let laws = [
            law(&[0.5, 0.3, 0.2]),
            law(&[0.2, 0.3, 0.5]),
            law(&[0.2, 0.0, 0.5]),
            law(&[0.0, 0.3, 1e-9]),
            law(&[1.0, 1.0 + 1e-7, 1.0 - 1e-7]),
        ];
        let same = |a: f64, b: f64| {
            assert!(a == b || (a - b).abs() <= 1e-13 * b.abs(), "{a} {b}");
        };
        for p in &laws {
            for q in &laws {
                let kl = KullbackLeibler.between(p, q).unwrap().nats();
                let reverse = KullbackLeibler.between(q, p).unwrap().nats();
                same(generators::kullback_leibler().between(p, q).unwrap(), kl);
                same(
                    generators::reverse_kullback_leibler()
                        .between(p, q)
                        .unwrap(),
                    reverse,
                );
                same(generators::jeffreys().between(p, q).unwrap(), kl + reverse);
                let chi = ChiSquared.between(p, q).unwrap();
                same(generators::chi_squared().between(p, q).unwrap(), chi);
                let tv = TotalVariation.between(p, q).unwrap();
                same(generators::total_variation().between(p, q).unwrap(), tv);
                let hellinger = SquaredHellinger.between(p, q).unwrap();
                same(
                    generators::squared_hellinger().between(p, q).unwrap(),
                    hellinger,
                );
                let js = JensenShannon::equal().between(p, q).unwrap().nats();
                same(generators::jensen_shannon().between(p, q).unwrap(), js);
                for order in [0.3, 0.5, 0.99, 1.5, 3.0] {
                    let f = generators::tsallis(order).unwrap().between(p, q).unwrap();
                    let direct = TsallisDivergence::new(order)
                        .unwrap()
                        .between(p, q)
                        .unwrap();
                    same(f, direct);
                }
            }
        }
    }

    #[test]
    fn bad_settings_and_lengths_are_named() {
        let (two, three) = (law(&[1.0; 2]), law(&[1.0; 3]));
        let named = |e: InfoError, name: &str| {
            assert!(e.to_string().starts_with(name), "{e}");
        };
        named(KullbackLeibler.between(&two, &three).unwrap_err(), "q ");
        named(
            JensenShannon::equal().between(&two, &three).unwrap_err(),
            "q ",
        );
        let edge = JensenShannon::weighted(1.0).unwrap();
        named(edge.between(&two, &three).unwrap_err(), "q ");
        named(ChiSquared.between(&two, &three).unwrap_err(), "q ");
        named(Hellinger.between(&two, &three).unwrap_err(), "q ");
        named(TotalVariation.between(&two, &three).unwrap_err(), "q ");
        named(Bhattacharyya.between(&two, &three).unwrap_err(), "q ");
        named(Bhattacharyya.coefficient(&two, &three).unwrap_err(), "q ");
        named(ChernoffInformation.between(&two, &three).unwrap_err(), "q ");
        named(
            generators::chi_squared().between(&two, &three).unwrap_err(),
            "q ",
        );
        for order in [-1.0, f64::NAN] {
            named(RenyiDivergence::new(order).unwrap_err(), "order");
            named(TsallisDivergence::new(order).unwrap_err(), "order");
            assert!(generators::tsallis(order).is_err());
        }
        assert!(TsallisDivergence::new(f64::INFINITY).is_err());
        assert!(generators::tsallis(1.0).is_err());
        named(JensenShannon::weighted(1.1).unwrap_err(), "weight");
        let laws = [two.clone(), three.clone()];
        named(JensenShannon::among(&two, &laws).unwrap_err(), "laws");
        named(JensenShannon::among(&three, &laws).unwrap_err(), "laws");
        named(FDivergence::new(|t| t, 1.0).err().unwrap(), "generator");
        named(
            FDivergence::new(|_| f64::NAN, 1.0).err().unwrap(),
            "generator",
        );
        named(FDivergence::new(|_| 0.0, f64::NAN).err().unwrap(), "slope");
        let broken = FDivergence::new(|t: f64| (t - 1.0).sqrt(), 0.0).unwrap();
        named(
            broken.between(&law(&[1.0, 3.0]), &two).unwrap_err(),
            "generator",
        );
    }
}
