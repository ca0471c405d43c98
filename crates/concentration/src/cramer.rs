//! Tails of sample means by large deviations: Cramér's exponent and its refinements.

use ergodic_core::{ArgumentError, ExponentialFamily};
use ergodic_expfam::Member;
use ergodic_math::Real;
use ergodic_math::special::{HALF_LN_2PI, log1m_exp, normal_cdf};

use crate::cumulants::{CumulantGenerating, Cumulants, Lattice, Reflected};
use crate::types::sample_size;

/// Which tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// The mean is at least the threshold.
    AtLeast,
    /// The mean is at most the threshold.
    AtMost,
}

/// The probability that the mean of `n` independent draws reaches a threshold `x`, by large deviations.
/// Probabilities are given by their logarithms, in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LargeDeviation {
    /// Cramér's rate `I(x)`, per draw.
    pub rate: f64,
    /// The tilt `t` with `K′(t) = x`; infinite at an end of the support.
    pub tilt: f64,
    /// `−n I(x)` on the far side of the mean, else 0: Chernoff's bound, which holds for every `n`.
    pub log_chernoff: f64,
    /// The leading term, `e^{−nI}/(tσ√2πn)` for a law with a density, and for a lattice of span `h`
    /// `e^{−nI − tg} h/((1 − e^{−th}) σ√2πn)`, with `g ≥ 0` the gap from `nx` to the first lattice point that
    /// counts and `σ² = K″(t)` (Bahadur and Ranga Rao, *Ann. Math. Stat.* 31, 1960; Dembo and Zeitouni,
    /// *Large Deviations Techniques and Applications*, 1998, Bahadur and Rao). Relative error `O(1/n)`; none on
    /// the near side of the mean.
    pub log_bahadur_rao: Option<f64>,
    /// With the term of order `1/n` of the expansion, at the first lattice point that counts:
    /// `1 + [ρ₄/8 − 5ρ₃²/24 − ρ₃m₁/2σ − m₂/2σ²]/n` with `ρ₃ = K‴/σ³`, `ρ₄ = K⁗/σ⁴` and the mean `m₁` and
    /// mean square `m₂` of the overshoot: `1/t` and `2/t²` with a density, `hr/(1 − r)` and
    /// `h²r(1 + r)/(1 − r)²`, `r = e^{−th}`, on a lattice. None where the correction exceeds the term it
    /// corrects, so that the expansion says nothing, and on the near side of the mean.
    pub log_second_order: Option<f64>,
    /// The saddlepoint formula of Lugannani and Rice (*Adv. Appl. Probab.* 12, 1980), on a lattice with
    /// Daniels' continuity correction (*Int. Stat. Rev.* 55, 1987):
    /// `1 − Φ(w) + φ(w)(1/u − 1/w)`, `w = √2nI`, `u = tσ√n` or `(1 − e^{−th})σ√n/h`. Good on both sides of
    /// the mean. None where it is not positive.
    pub log_lugannani_rice: Option<f64>,
}

/// [`LargeDeviation`] for the mean of `n` independent draws from a law; for a sum of unlike summands take
/// the law of the sum and `n = 1`.
///
/// At an end of the support the answers are the exact `n log P(X = end)`; of an end without an atom the
/// rate is infinite. Cost: that of some ten evaluations of the cumulants.
///
/// # Errors
/// If `n` is 0, the threshold is outside the support, or no tilt within the range of `f64` reaches it.
///
/// ```
/// use ergodic_concentration::{LatticeLaw, LatticeSum, Tail, large_deviation};
///
/// let coin = LatticeLaw::bernoulli(0.5)?;
/// let exact = LatticeSum::new(coin.clone(), 100)?.at_least(60.0)?.log_probability;
/// let found = large_deviation(&coin, 100, 0.6, Tail::AtLeast)?;
/// assert!(exact <= found.log_chernoff);
/// // Exact over approximate: 0.872, 1.094 and 0.99935.
/// assert!(((exact - found.log_bahadur_rao.unwrap()).exp() - 0.8720).abs() < 1e-4);
/// assert!(((exact - found.log_second_order.unwrap()).exp() - 1.0).abs() < 0.1);
/// assert!(((exact - found.log_lugannani_rice.unwrap()).exp() - 1.0).abs() < 1e-3);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn large_deviation<L: CumulantGenerating + ?Sized>(
    law: &L,
    n: u64,
    threshold: f64,
    tail: Tail,
) -> Result<LargeDeviation, ArgumentError> {
    sample_size(n)?;
    let support = law.support();
    if !(threshold >= support.lower && threshold <= support.upper) || threshold.is_infinite() {
        return Err(ArgumentError::new(
            "threshold",
            threshold,
            format!(
                "finite and between {} and {}, the ends of the support",
                support.lower, support.upper
            ),
        ));
    }
    let found = match tail {
        Tail::AtLeast => upper(law, n, threshold),
        Tail::AtMost => upper(&Reflected(law), n, -threshold).map(|found| LargeDeviation {
            tilt: -found.tilt,
            ..found
        }),
    };
    found.map_err(|mut error| {
        // To the law it is a mean.
        if error.argument == "mean" {
            error.argument = "threshold";
        }
        error
    })
}

/// Cramér's rate of the mean of the sufficient statistics of a member of any exponential family, scalars or
/// vectors: `I(x) = sup_t t·x − A(θ + t) + A(θ)`, the divergence of the member of mean `x` from this one.
///
/// For a law on finitely many outcomes with features this is the dual of maximum entropy
/// ([`Discrete`](ergodic_expfam::families::Discrete)); sets of means are for
/// [`sanov_rate`](crate::sanov_rate). Of one statistic, [`StatisticOf`](crate::StatisticOf) has the tails too.
///
/// # Errors
/// If the mean is not in the interior of the mean domain: on its boundary the rate may be finite, outside it is
/// infinite, which the family does not tell apart.
///
/// ```
/// use ergodic_concentration::member_rate;
/// use ergodic_expfam::{Member, families::Normal};
///
/// // That mean 5/4 and variance 1/2 are seen of a standard normal: x = (m, m² + v).
/// let standard = Member::new(Normal, Normal::natural(0.0, 1.0)?)?;
/// let (m, v) = (1.25, 0.5);
/// let rate = member_rate(&standard, &[m, m * m + v])?;
/// assert!((rate - 0.5 * (m * m + v - 1.0 - v.ln())).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn member_rate<F: ExponentialFamily>(
    member: &Member<F>,
    mean: &[f64],
) -> Result<f64, ArgumentError> {
    let family = member.family();
    if mean.len() != family.dim() {
        return Err(ArgumentError::new(
            "mean",
            format!("a list of {}", mean.len()),
            format!("one number per statistic, {}", family.dim()),
        ));
    }
    let mut natural = vec![0.0; family.dim()];
    family.natural_from_mean(mean, &mut natural)?;
    family.kl_divergence(&natural, member.natural())
}

/// A tilt with what belongs to it.
struct Saddle {
    tilt: f64,
    rate: f64,
    cumulants: Cumulants,
}

impl Saddle {
    fn at<L: CumulantGenerating + ?Sized>(law: &L, x: f64) -> Result<Self, ArgumentError> {
        let tilt = law.tilt_of_mean(x)?;
        Ok(Self {
            tilt,
            rate: law.rate(x)?,
            cumulants: law.cumulants(tilt)?,
        })
    }

    /// `log E e^{−t·overshoot}` over a uniform overshoot: `h/(1 − e^{−th})` on a lattice, `1/t` else.
    fn log_overshoot(&self, spacing: Option<f64>) -> f64 {
        match spacing {
            Some(h) => Real::ln(-h / Real::exp_m1(-self.tilt * h)),
            None => -Real::ln(self.tilt),
        }
    }

    fn log_leading(&self, n: f64, spacing: Option<f64>) -> f64 {
        self.log_overshoot(spacing)
            - n * self.rate
            - HALF_LN_2PI
            - 0.5 * Real::ln(n)
            - 0.5 * Real::ln(self.cumulants.variance)
    }

    /// The relative correction of order `1/n`.
    fn correction(&self, n: f64, spacing: Option<f64>) -> f64 {
        let c = &self.cumulants;
        let sigma = c.variance.sqrt();
        let third = c.third / (sigma * c.variance);
        let fourth = c.fourth / (c.variance * c.variance);
        let (first, second) = match spacing {
            Some(h) => {
                let r = Real::exp(-self.tilt * h);
                let rest = -Real::exp_m1(-self.tilt * h);
                (h * r / rest, h * h * r * (1.0 + r) / (rest * rest))
            }
            None => (1.0 / self.tilt, 2.0 / (self.tilt * self.tilt)),
        };
        let shape = fourth / 8.0 - 5.0 * third * third / 24.0;
        (shape - third * first / (2.0 * sigma) - second / (2.0 * c.variance)) / n
    }

    /// Lugannani and Rice's formula for a threshold at or above the mean.
    fn log_lugannani_rice(&self, n: f64, spacing: Option<f64>) -> Option<f64> {
        let c = &self.cumulants;
        let scale = (n * c.variance).sqrt();
        let w = (2.0 * n * self.rate).sqrt();
        // 1/u − 1/w with u = tσ√n: by its expansion where it cancels.
        let smooth = if w < 1e-3 {
            let sigma = c.variance.sqrt();
            let third = c.third / (sigma * c.variance);
            let fourth = c.fourth / (c.variance * c.variance);
            let linear = self.tilt * sigma * (third * third - fourth) / 24.0;
            -(third / 6.0 + linear) / n.sqrt()
        } else {
            1.0 / (self.tilt * scale) - 1.0 / w
        };
        // What the lattice adds: h/(1 − e^{−th}) − 1/t.
        let lattice = spacing.map_or(0.0, |h| {
            let y = self.tilt * h;
            let step = if y.abs() < 1e-3 {
                0.5 + y / 12.0
            } else {
                -1.0 / Real::exp_m1(-y) - 1.0 / y
            };
            h * step / scale
        });
        let value = mills(w) + smooth + lattice;
        (value > 0.0).then(|| Real::ln(value) - HALF_LN_2PI - n * self.rate)
    }
}

/// Mills' ratio `(1 − Φ(w))/φ(w)` for `w ≥ 0`.
fn mills(w: f64) -> f64 {
    if w < 10.0 {
        return normal_cdf(-w) * Real::exp(0.5 * w * w + HALF_LN_2PI);
    }
    // Laplace's continued fraction 1/(w + 1/(w + 2/(w + …))), which has converged by then.
    let tail = (1..=40).rev().fold(w, |rest, k| w + k as f64 / rest);
    1.0 / tail
}

fn upper<L: CumulantGenerating + ?Sized>(
    law: &L,
    n: u64,
    threshold: f64,
) -> Result<LargeDeviation, ArgumentError> {
    let draws = n as f64;
    let support = law.support();
    let mean = law.cumulants(0.0)?.mean;
    let (rate, tilt) = match law.edge_rate(threshold)? {
        Some(rate) if threshold == support.upper => (rate, f64::INFINITY),
        Some(rate) => (rate, f64::NEG_INFINITY),
        None => (law.rate(threshold)?, law.tilt_of_mean(threshold)?),
    };
    let far = threshold > mean;
    let log_chernoff = if far || rate == 0.0 {
        -draws * rate
    } else {
        0.0
    };
    let mut found = LargeDeviation {
        rate,
        tilt,
        log_chernoff,
        log_bahadur_rao: None,
        log_second_order: None,
        log_lugannani_rice: None,
    };
    if threshold == support.upper {
        let exact = (rate < f64::INFINITY).then_some(-draws * rate);
        found.log_bahadur_rao = exact;
        found.log_second_order = exact;
        found.log_lugannani_rice = exact;
        return Ok(found);
    }
    if threshold == support.lower {
        found.log_lugannani_rice = Some(0.0);
        return Ok(found);
    }
    let spacing = law.lattice().map(|l| l.spacing);
    // The first point that counts, as a mean.
    let (reached, below) = match law.lattice() {
        None => (threshold, threshold),
        Some(Lattice { origin, spacing }) => {
            let lattice = Lattice {
                origin: draws * origin,
                spacing,
            };
            let index = lattice.index(draws * threshold);
            let first = index.ceil();
            if far {
                let saddle = Saddle::at(law, threshold)?;
                let gap = (first - index) * spacing;
                found.log_bahadur_rao =
                    Some(saddle.log_leading(draws, Some(spacing)) - saddle.tilt * gap);
            }
            let point = |index: f64| origin + spacing * index / draws;
            let snapped = if first == index {
                threshold
            } else {
                point(first)
            };
            (snapped, point(first - 1.0))
        }
    };
    if law.lattice().is_none() && far {
        found.log_bahadur_rao = Some(Saddle::at(law, threshold)?.log_leading(draws, None));
    }
    if reached >= support.upper {
        // All draws at the end: exact.
        let exact = draws * law.log_atom(support.upper);
        found.log_second_order = Some(exact);
        found.log_lugannani_rice = Some(exact);
        return Ok(found);
    }
    if reached >= mean {
        let saddle = Saddle::at(law, reached)?;
        if far {
            let correction = saddle.correction(draws, spacing);
            if correction.abs() < 1.0 {
                found.log_second_order =
                    Some(saddle.log_leading(draws, spacing) + Real::ln_1p(correction));
            }
        }
        found.log_lugannani_rice = saddle.log_lugannani_rice(draws, spacing);
    } else {
        // One less the tail on the other side, which is the smaller one.
        let mirror = Reflected(law);
        let rest = if below <= support.lower {
            Some(draws * law.log_atom(support.lower))
        } else {
            Saddle::at(&mirror, -below)?.log_lugannani_rice(draws, spacing)
        };
        found.log_lugannani_rice = rest
            .filter(|rest| *rest < 0.0)
            .and_then(|rest| log1m_exp(rest).ok());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CountingLaw, LatticeLaw, LatticeSum, StatisticOf};
    use ergodic_expfam::{Constraint, MaximumEntropy, families};
    use nalgebra::DMatrix;
    use proptest::prelude::*;

    fn coin() -> LatticeLaw {
        LatticeLaw::bernoulli(0.5).unwrap()
    }

    fn exact(law: &LatticeLaw, n: u64, sum: f64) -> f64 {
        let sums = LatticeSum::new(law.clone(), n).unwrap();
        sums.at_least(sum).unwrap().log_probability
    }

    #[test]
    fn rate_and_leading_term_of_the_coin_are_the_known_ones() {
        for (n, rate, ratio) in [
            (10u64, 0.0975634, 0.5968),
            (100, 0.0355982, 0.8720),
            (1000, 0.0227153, 0.98108),
            (10000, 0.0205069, 0.997988),
        ] {
            let log = exact(&coin(), n, 0.6 * n as f64);
            assert!((-log / n as f64 - rate).abs() < 6e-8, "{n}");
            let found = large_deviation(&coin(), n, 0.6, Tail::AtLeast).unwrap();
            assert!((found.rate - 0.020135513550688863).abs() < 1e-16);
            let leading = (log - found.log_bahadur_rao.unwrap()).exp();
            assert!((leading - ratio).abs() < 6e-5, "{n}: {leading}");
            let below = large_deviation(&coin(), n, 0.4, Tail::AtMost).unwrap();
            assert!(
                (below.log_bahadur_rao.unwrap() - found.log_bahadur_rao.unwrap()).abs() < 1e-11
            );
            assert_eq!(below.tilt, -found.tilt);
        }
    }

    /// Errors fall as `1/n`, `1/n²`, and `1/n` times small for the saddlepoint, at thresholds on and off the
    /// lattice: with the wrong gap or correction they would not fall.
    #[test]
    fn refinements_have_the_order_that_they_claim() {
        let law = LatticeLaw::new(0.0, 0.5, &[0.2, 0.5, 0.05, 0.25]).unwrap();
        let x = 1.03;
        let errors = |n: u64| {
            let log = exact(&law, n, x * n as f64);
            let found = large_deviation(&law, n, x, Tail::AtLeast).unwrap();
            [
                found.log_bahadur_rao.unwrap(),
                found.log_second_order.unwrap(),
                found.log_lugannani_rice.unwrap(),
            ]
            .map(|approximation| (approximation - log).exp_m1().abs())
        };
        // n·x is on the lattice for both, n·x = 206 and 824.
        let (a, b) = (errors(200), errors(800));
        assert!((a[0] / b[0] - 4.0).abs() < 0.5, "{a:?} {b:?}");
        assert!((a[1] / b[1] - 16.0).abs() < 3.0, "{a:?} {b:?}");
        assert!(b[2] < 1e-4 && a[2] < 5e-4, "{a:?} {b:?}");
        // Off the lattice the gap changes from n to n.
        for n in [403, 407, 411, 801, 807] {
            let [first, second, saddle] = errors(n);
            let n = n as f64;
            assert!(first * n < 4.0 * b[0] * 800.0, "{n}: {first}");
            assert!(second * n * n < 1.2 * b[1] * 640_000.0, "{n}: {second}");
            assert!(saddle < 2e-4, "{n}: {saddle}");
        }
    }

    /// Of exponential draws, whose sum is a gamma law: `P(S ≥ s) = e^{−s} Σ_{k<n} sᵏ/k!`; and of normal
    /// draws, for which the saddlepoint formula is exact.
    #[test]
    fn laws_with_a_density_meet_their_exact_tails() {
        let law = StatisticOf::new(Member::new(families::Exponential, [-1.0]).unwrap()).unwrap();
        let mut before = f64::INFINITY;
        for n in [10u64, 40, 160] {
            let s = 1.5 * n as f64;
            let exact = CountingLaw::poisson(s).unwrap().log_at_most(n - 1);
            let found = large_deviation(&law, n, 1.5, Tail::AtLeast).unwrap();
            assert!(exact <= found.log_chernoff);
            let error = |a: f64| (a - exact).exp_m1().abs();
            let second = found.log_second_order.map_or(f64::INFINITY, error);
            assert!(second < before / 10.0 || n == 10, "{n}: {second} {before}");
            before = second;
            let saddle = error(found.log_lugannani_rice.unwrap());
            assert!(saddle < 0.02 / n as f64, "{n}: {saddle}");
            // On the near side of the mean.
            let exact = CountingLaw::poisson(0.8 * n as f64)
                .unwrap()
                .log_at_most(n - 1);
            let near = large_deviation(&law, n, 0.8, Tail::AtLeast).unwrap();
            assert_eq!((near.log_chernoff, near.log_bahadur_rao), (0.0, None));
            let saddle = (near.log_lugannani_rice.unwrap() - exact).exp_m1().abs();
            assert!(saddle < 0.02 / n as f64, "{n}: {saddle}");
        }
        let normal = families::NormalKnownVariance::new(4.0).unwrap();
        let law = StatisticOf::new(Member::from_mean(normal, [1.0]).unwrap()).unwrap();
        for x in [0.5, 1.0, 1.0 + 1e-6, 2.0, 13.0] {
            let found = large_deviation(&law, 16, x, Tail::AtLeast).unwrap();
            let exact = normal_cdf(-(x - 1.0) * 2.0).ln();
            let error = found.log_lugannani_rice.unwrap() - exact;
            assert!(error.abs() < 1e-9, "{x}: {error}");
        }
    }

    #[test]
    fn ends_of_the_support_are_exact_and_beyond_is_an_error() {
        let die = LatticeLaw::die(6).unwrap();
        let end = large_deviation(&die, 7, 6.0, Tail::AtLeast).unwrap();
        let exact = -7.0 * 6f64.ln();
        assert_eq!(end.tilt, f64::INFINITY);
        for log in [
            Some(end.log_chernoff),
            end.log_bahadur_rao,
            end.log_lugannani_rice,
        ] {
            assert!((log.unwrap() - exact).abs() < 1e-14);
        }
        // The first point that counts is the end.
        let near = large_deviation(&die, 7, 5.95, Tail::AtLeast).unwrap();
        assert!((near.log_second_order.unwrap() - exact).abs() < 1e-13);
        let all = large_deviation(&die, 7, 1.0, Tail::AtLeast).unwrap();
        assert_eq!((all.log_chernoff, all.log_lugannani_rice), (0.0, Some(0.0)));
        let error = |n, x, side| large_deviation(&die, n, x, side).unwrap_err().argument;
        assert_eq!(error(7, 6.1, Tail::AtLeast), "threshold");
        assert_eq!(error(7, 0.9, Tail::AtMost), "threshold");
        assert_eq!(error(7, f64::NAN, Tail::AtMost), "threshold");
        assert_eq!(error(0, 3.0, Tail::AtMost), "n");
        let poisson = CountingLaw::poisson(2.0).unwrap();
        let infinite = large_deviation(&poisson, 3, f64::INFINITY, Tail::AtLeast);
        assert_eq!(infinite.unwrap_err().argument, "threshold");
        let waits = Member::new(families::Exponential, [-1.0]).unwrap();
        let waits = StatisticOf::new(waits).unwrap();
        for tail in [Tail::AtLeast, Tail::AtMost] {
            let outside = large_deviation(&waits, 3, -1.0, tail);
            assert_eq!(outside.unwrap_err().argument, "threshold");
        }
        let none = large_deviation(&poisson, 3, 0.0, Tail::AtMost).unwrap();
        assert!((none.log_bahadur_rao.unwrap() + 6.0).abs() < 1e-14);
    }

    /// Where its terms cancel the formula goes by series: there is no jump to them, and the exact tail is near on both
    /// sides; far out Mills' ratio is a continued fraction.
    #[test]
    fn the_saddlepoint_formula_has_no_seams() {
        let law = StatisticOf::new(Member::new(families::Exponential, [-1.0]).unwrap()).unwrap();
        let log = |e: f64| {
            let found = large_deviation(&law, 1, 1.0 + e, Tail::AtLeast).unwrap();
            found.log_lugannani_rice.unwrap()
        };
        // w = 1e-3 between them.
        let jump = log(1.0006e-3) - log(1.0000e-3);
        assert!(jump.abs() < 5e-6, "{jump}");
        // t·h just below 1e-3.
        let found = large_deviation(&coin(), 1_000_000, 0.500_249, Tail::AtLeast).unwrap();
        let tail = CountingLaw::binomial(1_000_000, 0.5).unwrap();
        let error = found.log_lugannani_rice.unwrap() - tail.log_at_least(500_249);
        assert!(found.tilt < 1e-3 && error.abs() < 5e-8, "{error}");
        let found = large_deviation(&coin(), 100_000, 0.6, Tail::AtLeast).unwrap();
        let tail = CountingLaw::binomial(100_000, 0.5).unwrap();
        let error = found.log_lugannani_rice.unwrap() - tail.log_at_least(60_000);
        assert!(error.abs() < 1e-5, "{error}");
        // All but no success at all; and a correction that exceeds what it corrects.
        let found = large_deviation(&coin(), 10, 0.1, Tail::AtLeast).unwrap();
        let exact = (-(2f64.powi(-10))).ln_1p();
        assert!((found.log_lugannani_rice.unwrap() - exact).abs() < 1e-15);
        let near = large_deviation(&law, 2, 1.01, Tail::AtLeast).unwrap();
        assert_eq!(near.log_second_order, None);
    }

    /// The lower tail of a law is the upper tail of its mirror image.
    #[test]
    fn lower_tails_are_upper_tails_of_the_mirror_image() {
        let law = LatticeLaw::new(0.3, 0.5, &[0.1, 0.2, 0.7]).unwrap();
        let mirror = LatticeLaw::new(-1.3, 0.5, &[0.7, 0.2, 0.1]).unwrap();
        for n in [7, 40] {
            for x in [0.71, 0.8, 1.03] {
                let low = large_deviation(&law, n, x, Tail::AtMost).unwrap();
                let high = large_deviation(&mirror, n, -x, Tail::AtLeast).unwrap();
                for (a, b) in [
                    (low.log_bahadur_rao, high.log_bahadur_rao),
                    (low.log_second_order, high.log_second_order),
                    (low.log_lugannani_rice, high.log_lugannani_rice),
                ] {
                    assert_eq!(a.is_some(), b.is_some(), "{n} {x}: {low:?} {high:?}");
                    let error = a.zip(b).map_or(0.0, |(a, b)| (a - b).abs());
                    assert!(error < 1e-11, "{n} {x}: {low:?} {high:?}");
                }
            }
        }
    }

    /// Two features of a die: the divergence of the law of maximum entropy.
    #[test]
    fn rates_of_vectors_are_divergences_of_maximum_entropy() {
        let features =
            DMatrix::from_fn(6, 2, |i, j| if j == 0 { i as f64 } else { (i * i) as f64 });
        let family = families::Discrete::new(features.clone(), &[1.0; 6]).unwrap();
        let die = Member::new(family, [0.0, 0.0]).unwrap();
        let found = member_rate(&die, &[3.0, 10.5]).unwrap();
        let constraints = [Constraint::Equal(3.0), Constraint::Equal(10.5)];
        let law = MaximumEntropy::new(features, &[1.0; 6])
            .unwrap()
            .solve(&constraints)
            .unwrap();
        assert!((found - law.divergence).abs() < 1e-12);
        assert_eq!(member_rate(&die, &[3.0]).unwrap_err().argument, "mean");
        assert_eq!(member_rate(&die, &[3.0, 8.0]).unwrap_err().argument, "mean");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Chernoff's bound dominates; the saddlepoint formula is near on both sides of the mean.
        #[test]
        fn exact_tails_are_below_chernoff_and_near_the_saddlepoint(
            weights in prop::collection::vec(0.2f64..1.0, 2..6),
            n in 20u64..120,
            place in 0.02f64..0.98,
        ) {
            let total: f64 = weights.iter().sum();
            let p: Vec<f64> = weights.iter().map(|w| w / total).collect();
            let law = LatticeLaw::new(0.0, 1.0, &p).unwrap();
            let x = place * (p.len() - 1) as f64;
            let log = exact(&law, n, x * n as f64);
            let found = large_deviation(&law, n, x, Tail::AtLeast).unwrap();
            prop_assert!(log <= found.log_chernoff + 1e-12);
            // The relative error is of the order of one over the variance of the tilted sum, whatever the law:
            // near an end few steps are left, and the formula is off as Stirling's is for few steps.
            let first = (x * n as f64).ceil();
            if first == (p.len() - 1) as f64 * n as f64 {
                prop_assert!((log - n as f64 * p[p.len() - 1].ln()).abs() < 1e-10);
            } else {
                let tilt = law.tilt_of_mean(first / n as f64).unwrap();
                let variance = n as f64 * law.cumulants(tilt).unwrap().variance;
                let saddle = found.log_lugannani_rice.unwrap();
                prop_assert!((saddle - log).abs() < (0.5 / variance).min(0.5), "{saddle} {log} {variance}");
            }
        }
    }
}
