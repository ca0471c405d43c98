//! Sanov's rate of convex sets of laws, by information projection.

use ergodic_core::{ArgumentError, Interval};
use ergodic_expfam::{Constraint, MaximumEntropy, MaximumEntropyError, MaximumEntropyLaw};
use ergodic_info::Probabilities;
use ergodic_math::{Real, reduce};
use nalgebra::DMatrix;

use crate::face::{Face, face};

/// Sanov's rate of a set of laws, and the law of the set that attains it.
#[derive(Clone, Debug, PartialEq)]
pub struct SanovRate {
    /// `D* = min D(q‖p)` over the set, in nats.
    pub rate: f64,
    /// The information projection of `p` to the set: the law that draws look like when the event happens
    /// (see [`condition`](crate::condition)).
    pub law: MaximumEntropyLaw,
}

impl SanovRate {
    /// `−nD*`: a bound of `log P(type ∈ set)` that holds for every `n`, as the set is convex (Csiszár, *Ann.
    /// Probab.* 12, 1984).
    pub fn log_bound(&self, n: u64) -> f64 {
        -(n as f64) * self.rate
    }
}

/// Sanov's rate of the laws whose feature means lie in intervals, `aⱼ ≤ E_q fⱼ ≤ bⱼ`: a convex set.
///
/// Features have a row per outcome and a column per feature; an end of an interval may be infinite. The
/// projection is that of [`MaximumEntropy`], with its certificate. For one feature and a half-line this is
/// Cramér's rate (contraction); for intervals that are points, that of a vector mean.
///
/// A set may lie in a face of the simplex, where each of its laws leaves out some outcomes: a feature at an end of its
/// range, several at a corner or on an edge. Then the projection is that of the law given the other outcomes, found
/// by linear programming, and the rate `−log P(face)` more than its divergence; a single feature at its end has just
/// that. Features that force it there have a multiplier of `±∞` (the law is a limit of those of the family); the
/// others the one that they have on the face, 0 where they are constant there or a combination of others.
///
/// References: Sanov, *Mat. Sb.* 42, 1957; Csiszár, *Ann. Probab.* 3, 1975 and 12, 1984.
///
/// # Errors
/// If the intervals are not one per feature, one is empty, NaN, or reaches no value of its feature; features that
/// are affinely dependent on the support; and those of [`MaximumEntropy::solve`] where no law has all these means,
/// or means so near the boundary that rounding decides.
///
/// ```
/// use ergodic_concentration::sanov_rate;
/// use ergodic_core::Interval;
/// use ergodic_info::Probabilities;
/// use nalgebra::DMatrix;
///
/// // A fair die with mean at least 4.5.
/// let faces = DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64);
/// let event = Interval { lower: 4.5, upper: f64::INFINITY };
/// let found = sanov_rate(&Probabilities::uniform(6)?, faces, &[event])?;
/// assert!((found.rate - 0.17817837107422591).abs() < 1e-13);
/// assert!((found.law.multipliers[0] - 0.37104893808103323).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sanov_rate(
    law: &Probabilities,
    features: DMatrix<f64>,
    means: &[Interval],
) -> Result<SanovRate, MaximumEntropyError> {
    if means.len() != features.ncols() {
        return Err(ArgumentError::new(
            "means",
            format!("a list of {}", means.len()),
            format!("one interval per feature, {}", features.ncols()),
        )
        .into());
    }
    let mut constraints = Vec::with_capacity(means.len());
    for (feature, mean) in features.column_iter().zip(means) {
        constraints.push(constraint(law, feature.as_slice(), mean)?);
    }
    let inside = MaximumEntropy::new(features.clone(), law.as_slice())?.solve(&constraints);
    let law = match inside {
        Err(
            error @ (MaximumEntropyError::Boundary { .. }
            | MaximumEntropyError::NotConverged { .. }),
        ) => on_face(law, &features, &constraints, error)?,
        other => other?,
    };
    Ok(SanovRate {
        rate: law.divergence,
        law,
    })
}

/// The projection to a set that lies in a face, where some outcomes have probability 0 under all of its laws: that of
/// the law given the other outcomes, whose exponent is `−log P(face)` more.
fn on_face(
    law: &Probabilities,
    features: &DMatrix<f64>,
    constraints: &[Constraint],
    error: MaximumEntropyError,
) -> Result<MaximumEntropyLaw, MaximumEntropyError> {
    let means: Vec<Interval> = constraints.iter().map(|c| interval(*c)).collect();
    let possible: Vec<usize> = (0..law.len())
        .filter(|&i| law.as_slice()[i] > 0.0)
        .collect();
    let (states, direction) = match face(features, &possible, &means) {
        Face::Unknown => return Err(error),
        Face::Empty { feature, found } => {
            return Err(MaximumEntropyError::Infeasible {
                constraint: feature,
                asked: constraints[feature],
                found,
            });
        }
        Face::States { states, .. } if states.len() == possible.len() => return Err(error),
        Face::States { states, direction } => (states, direction),
    };
    let masses: Vec<f64> = states.iter().map(|i| law.as_slice()[*i]).collect();
    let total = reduce::sum(&masses);
    let base: Vec<f64> = masses.iter().map(|m| m / total).collect();
    let part = features.select_rows(&states);
    let inner = Restricted {
        features: &part,
        base: &base,
        constraints,
    }
    .solve(error)?;
    let mut probabilities = vec![0.0; law.len()];
    for (i, p) in states.iter().zip(&inner.law.probabilities) {
        probabilities[*i] = *p;
    }
    let mut multipliers = vec![0.0; means.len()];
    for (j, l) in inner.basis.iter().zip(&inner.law.multipliers) {
        multipliers[*j] = *l;
    }
    for (l, e) in multipliers.iter_mut().zip(&direction) {
        if *e != 0.0 {
            *l = f64::INFINITY.copysign(*e);
        }
    }
    // λ runs off as s·e, and the log-partition as s·(e·f) on the face.
    let slope: Vec<f64> = (direction.iter().zip(part.row(0).iter()))
        .map(|(e, f)| e * f)
        .collect();
    let (sum, size) = (
        slope.iter().sum::<f64>(),
        slope.iter().map(|x| x.abs()).sum::<f64>(),
    );
    let log_partition = if sum.abs() > 1e-9 * size {
        f64::INFINITY.copysign(sum)
    } else {
        inner.law.log_partition + Real::ln(total)
    };
    let moments = moments(&part, &inner.law.probabilities);
    let violation = misses(&moments, &means).fold(0.0, f64::max);
    Ok(MaximumEntropyLaw {
        multipliers,
        probabilities,
        moments,
        divergence: inner.law.divergence - Real::ln(total),
        log_partition,
        gap: inner.law.gap,
        violation,
        iterations: inner.law.iterations,
    })
}

fn interval(constraint: Constraint) -> Interval {
    match constraint {
        Constraint::Equal(x) => Interval { lower: x, upper: x },
        Constraint::Within { centre, radius } => Interval {
            lower: centre - radius,
            upper: centre + radius,
        },
        Constraint::Near { .. } => Interval {
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
        },
    }
}

fn moments(features: &DMatrix<f64>, probabilities: &[f64]) -> Vec<f64> {
    let mean = |feature: &[f64]| {
        let terms: Vec<f64> = (feature.iter().zip(probabilities))
            .map(|(f, p)| f * p)
            .collect();
        reduce::sum(&terms)
    };
    features.column_iter().map(|f| mean(f.as_slice())).collect()
}

/// The size of a feature by which misses are judged: how far its values spread, and, of their distance from 0,
/// what rounding leaves of it.
fn extent(feature: &[f64]) -> f64 {
    let (low, high) = feature
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(*v), h.max(*v))
        });
    ((high - low) + 1e-5 * f64::max(low.abs(), high.abs())).max(f64::MIN_POSITIVE)
}

/// By how much each mean is outside of its interval; negative inside.
fn misses<'a>(moments: &'a [f64], means: &'a [Interval]) -> impl Iterator<Item = f64> + 'a {
    let pairs = moments.iter().zip(means);
    pairs.map(|(m, i)| f64::max(i.lower - m, m - i.upper))
}

/// The projection within a face, inside of which some law of the set is.
struct Restricted<'a> {
    features: &'a DMatrix<f64>,
    base: &'a [f64],
    constraints: &'a [Constraint],
}

/// A projection under the constraints on some of the features, which are affinely independent.
struct Projection {
    basis: Vec<usize>,
    law: MaximumEntropyLaw,
}

impl Restricted<'_> {
    /// On a face features may be constant, or a combination of others. The projection is then that under as many
    /// constraints as features are independent: of a choice that leaves a constraint violated, one feature is
    /// exchanged for that of the violated one, such that the divergence is largest. It rises at each exchange, so
    /// that no choice comes twice, and where nothing is violated it is that of the projection.
    fn solve(&self, error: MaximumEntropyError) -> Result<Projection, MaximumEntropyError> {
        let mut basis = Vec::new();
        for j in 0..self.constraints.len() {
            basis.push(j);
            if !self.independent(&basis) {
                basis.pop();
            }
        }
        let means: Vec<Interval> = self.constraints.iter().map(|c| interval(*c)).collect();
        let mut best = self.under(basis)?;
        loop {
            let moments = moments(self.features, &best.law.probabilities);
            let worst = (misses(&moments, &means).enumerate())
                .map(|(j, miss)| (miss / extent(self.features.column(j).as_slice()), j))
                .filter(|(miss, j)| *miss > 1e-9 && !best.basis.contains(j))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, entering)) = worst else {
                return Ok(best);
            };
            let mut next: Option<Projection> = None;
            for place in 0..best.basis.len() {
                let mut basis = best.basis.clone();
                basis[place] = entering;
                if !self.independent(&basis) {
                    continue;
                }
                let other = self.under(basis)?;
                let rises = other.law.divergence > best.law.divergence;
                if rises
                    && next
                        .as_ref()
                        .is_none_or(|n| other.law.divergence > n.law.divergence)
                {
                    next = Some(other);
                }
            }
            best = next.ok_or_else(|| error.clone())?;
        }
    }

    fn independent(&self, basis: &[usize]) -> bool {
        let part = self.features.select_columns(basis);
        MaximumEntropy::new(part, self.base).is_ok()
    }

    fn under(&self, basis: Vec<usize>) -> Result<Projection, MaximumEntropyError> {
        if basis.is_empty() {
            let law = MaximumEntropyLaw {
                multipliers: vec![],
                probabilities: self.base.to_vec(),
                moments: vec![],
                divergence: 0.0,
                log_partition: 0.0,
                gap: 0.0,
                violation: 0.0,
                iterations: 0,
            };
            return Ok(Projection { basis, law });
        }
        let constraints: Vec<Constraint> = basis.iter().map(|j| self.constraints[*j]).collect();
        let part = self.features.select_columns(&basis);
        let law = MaximumEntropy::new(part, self.base)?.solve(&constraints)?;
        Ok(Projection { basis, law })
    }
}

/// An interval for the mean of a feature, cut to the values that the feature has.
pub(crate) fn constraint(
    law: &Probabilities,
    feature: &[f64],
    mean: &Interval,
) -> Result<Constraint, ArgumentError> {
    let values = || {
        feature
            .iter()
            .zip(law.as_slice())
            .filter(|(_, p)| **p > 0.0)
            .map(|(f, _)| *f)
    };
    let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
        (l.min(v), h.max(v))
    });
    let (lower, upper) = (mean.lower.max(low), mean.upper.min(high));
    if mean.lower.is_nan() || mean.upper.is_nan() || lower > upper {
        return Err(ArgumentError::new(
            "means",
            format!("[{}, {}]", mean.lower, mean.upper),
            format!("an interval that meets [{low}, {high}], the range of its feature"),
        ));
    }
    Ok(if lower == upper {
        Constraint::Equal(lower)
    } else {
        Constraint::Within {
            centre: 0.5 * lower + 0.5 * upper,
            radius: 0.5 * upper - 0.5 * lower,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CumulantGenerating, LatticeLaw, TypeLaw};
    use proptest::prelude::*;

    const NONE: f64 = f64::INFINITY;

    fn interval(lower: f64, upper: f64) -> Interval {
        Interval { lower, upper }
    }

    /// `p₃ − p₁ ≥ 1/4` from (.5, .3, .2): the rate is below that of every type, bounds the probability at
    /// every `n`, and is its exponent.
    #[test]
    fn the_rate_of_a_half_space_is_the_exponent_of_its_probability() {
        let base = Probabilities::new([0.5, 0.3, 0.2]).unwrap();
        let feature = DMatrix::from_row_slice(3, 1, &[-1.0, 0.0, 1.0]);
        let found = sanov_rate(&base, feature, &[interval(0.25, NONE)]).unwrap();
        let law = TypeLaw::new(&base);
        for n in [12u64, 40, 400] {
            let event = |c: &[u64]| 4 * c[2] >= 4 * c[0] + n;
            let log = law.log_probability_of_event(n, event).unwrap();
            let nearest = law.least_divergence(n, event).unwrap().unwrap();
            assert!(found.rate <= nearest.divergence + 1e-14);
            assert!(log <= found.log_bound(n) + 1e-12);
            assert!(
                log >= found.log_bound(n) - 2.0 * (n as f64).ln() - 2.0,
                "{n}"
            );
        }
        // Contraction: Cramér's rate of the feature.
        let score = LatticeLaw::new(-1.0, 1.0, &[0.5, 0.3, 0.2]).unwrap();
        assert!((found.rate - score.rate(0.25).unwrap()).abs() < 1e-13);
    }

    /// Two features, of which one constraint does not bind: its multiplier is 0 and the rate that of the
    /// other alone; what contains the law itself has rate 0.
    #[test]
    fn constraints_that_do_not_bind_cost_nothing() {
        let base = Probabilities::uniform(6).unwrap();
        let features = DMatrix::from_fn(6, 2, |i, j| {
            let face = (i + 1) as f64;
            if j == 0 { face } else { face * face }
        });
        let both = [interval(4.5, NONE), interval(-NONE, 30.0)];
        let found = sanov_rate(&base, features.clone(), &both).unwrap();
        assert_eq!(found.law.multipliers[1], 0.0);
        assert!(
            (found.rate - 0.178_178_371_074_225_91).abs() < 1e-12,
            "{found:?}"
        );
        let idle = [interval(3.0, NONE), interval(-NONE, 30.0)];
        assert_eq!(
            sanov_rate(&base, features.clone(), &idle).unwrap().rate,
            0.0
        );
        let exact = [interval(4.5, 4.5), interval(21.0, 22.0)];
        let found = sanov_rate(&base, features, &exact).unwrap();
        assert!(found.rate > 0.178_178 && (found.law.moments[1] - 22.0).abs() < 1e-9);
    }

    #[test]
    fn bad_sets_are_typed_errors() {
        let base = Probabilities::uniform(3).unwrap();
        let feature = DMatrix::from_row_slice(3, 1, &[0.0, 1.0, 2.0]);
        for means in [
            vec![],
            vec![interval(2.1, NONE)],
            vec![interval(1.5, 1.0)],
            vec![interval(f64::NAN, 1.0)],
        ] {
            match sanov_rate(&base, feature.clone(), &means) {
                Err(MaximumEntropyError::Argument(e)) => assert_eq!(e.argument, "means"),
                other => panic!("{other:?}"),
            }
        }
        // Each mean by itself is possible, both are not.
        let both = DMatrix::from_fn(3, 2, |i, j| (i as f64).powi(1 + j as i32));
        let none = sanov_rate(&base, both, &[interval(2.0, NONE), interval(-NONE, 1.0)]);
        assert!(
            matches!(none, Err(MaximumEntropyError::Infeasible { .. })),
            "{none:?}"
        );
    }

    /// The face of one feature: `D* = −log P(f = end)`, for outcomes that share the end and with one that is
    /// impossible beyond it.
    #[test]
    fn the_rate_of_an_end_is_the_logarithm_of_its_probability() {
        let base = Probabilities::new([0.1, 0.6, 0.2, 0.1, 0.0]).unwrap();
        let feature = DMatrix::from_row_slice(5, 1, &[2.0, 0.0, 1.0, 2.0, 3.0]);
        let top = sanov_rate(&base, feature.clone(), &[interval(2.0, NONE)]).unwrap();
        assert!((top.rate - 5f64.ln()).abs() < 1e-15, "{top:?}");
        assert_eq!(top.law.probabilities, [0.5, 0.0, 0.0, 0.5, 0.0]);
        assert_eq!(top.law.multipliers, [NONE]);
        assert_eq!(top.law.log_partition, NONE);
        let low = sanov_rate(&base, feature, &[interval(-NONE, 0.0)]).unwrap();
        assert!((low.rate + 0.6f64.ln()).abs() < 1e-15, "{low:?}");
        assert_eq!(low.law.probabilities, [0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(low.law.multipliers, [-NONE]);
        assert!((low.law.log_partition - 0.6f64.ln()).abs() < 1e-15);
    }

    fn divergence(q: &[f64], p: &[f64]) -> f64 {
        q.iter()
            .zip(p)
            .map(|(q, p)| if *q > 0.0 { q * (q / p).ln() } else { 0.0 })
            .sum()
    }

    /// A corner of two features; an edge of two dice of which one shows 6 only; and that rates of sets that shrink to
    /// it have its rate as their limit.
    #[test]
    fn the_rate_of_a_face_is_that_of_the_draws_on_it() {
        let base = Probabilities::new([0.2, 0.5, 0.3]).unwrap();
        let powers = DMatrix::from_fn(3, 2, |i, j| (i as f64).powi(1 + j as i32));
        let corner = [interval(2.0, NONE), interval(-NONE, NONE)];
        let found = sanov_rate(&base, powers.clone(), &corner).unwrap();
        assert!((found.rate + 0.3f64.ln()).abs() < 1e-15, "{found:?}");
        assert_eq!(found.law.probabilities, [0.0, 0.0, 1.0]);
        assert_eq!(found.law.moments, [2.0, 4.0]);
        assert_eq!(found.law.multipliers[0], NONE);
        let weights: Vec<f64> = (0..36).map(|i| 1.0 + f64::from(i % 7)).collect();
        let dice = Probabilities::from_weights(&*weights).unwrap();
        let features = DMatrix::from_fn(36, 2, |i, j| {
            (if j == 0 { i / 6 } else { i % 6 }) as f64 + 1.0
        });
        let rate = |first: f64| {
            let event = [interval(first, NONE), interval(4.5, NONE)];
            sanov_rate(&dice, features.clone(), &event).unwrap()
        };
        let edge = rate(6.0);
        let p = &dice.as_slice()[30..];
        let six: f64 = p.iter().sum();
        let given = LatticeLaw::new(1.0, 1.0, &p.iter().map(|p| p / six).collect::<Vec<_>>());
        let exact = given.unwrap().rate(4.5).unwrap() - six.ln();
        assert!((edge.rate - exact).abs() < 1e-12, "{edge:?} {exact}");
        assert_eq!(edge.law.multipliers[0], NONE);
        assert!(edge.law.multipliers[1].is_finite() && edge.law.log_partition == NONE);
        assert!((edge.law.moments[0] - 6.0).abs() < 1e-14);
        assert!((edge.law.moments[1] - 4.5).abs() < 1e-12);
        let near = [1e-2, 1e-4, 1e-6].map(|e| (rate(6.0 - e).rate - edge.rate).abs());
        assert!(
            near[2] < 1e-4 && near[2] < near[1] && near[1] < near[0],
            "{near:?}"
        );
    }

    /// An edge that no feature has as its own end: `E[x + y] = 1` of what is in `x + y ≤ 1`.
    #[test]
    fn faces_of_several_features_at_once_are_found() {
        let base = Probabilities::new([0.4, 0.1, 0.3, 0.2]).unwrap();
        let (x, y) = ([0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.5]);
        let features = DMatrix::from_fn(4, 2, |i, j| if j == 0 { x[i] } else { y[i] });
        let event = [interval(0.3, 0.3), interval(0.7, 0.7)];
        let found = sanov_rate(&base, features.clone(), &event).unwrap();
        let exact = [0.0, 0.3, 0.7, 0.0];
        for (p, q) in found.law.probabilities.iter().zip(exact) {
            assert!((p - q).abs() < 1e-12, "{found:?}");
        }
        assert!((found.rate - divergence(&exact, base.as_slice())).abs() < 1e-12);
        assert_eq!(found.law.multipliers, [NONE, NONE]);
        assert!(found.law.violation < 1e-12);
        let beyond = [interval(0.3, 0.3), interval(0.700001, 0.8)];
        let none = sanov_rate(&base, features, &beyond);
        assert!(
            matches!(none, Err(MaximumEntropyError::Infeasible { .. })),
            "{none:?}"
        );
        // On the face of g, x + y = 1: of two intervals that say the same thing twice the tighter one counts.
        let base = Probabilities::new([0.1, 0.6, 0.1, 0.2]).unwrap();
        let rows = [0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0];
        let features = DMatrix::from_row_slice(4, 3, &rows);
        for (first, second, share) in [
            ((0.3, 0.5), (0.6, 0.8), 0.4),
            ((0.3, 0.4), (0.1, 0.8), 0.4),
            ((0.3, 0.95), (0.1, 0.9), 6.0 / 7.0),
        ] {
            let event = [
                interval(first.0, first.1),
                interval(second.0, second.1),
                interval(1.0, NONE),
            ];
            let found = sanov_rate(&base, features.clone(), &event).unwrap();
            let exact = [0.0, share, 1.0 - share, 0.0];
            for (p, q) in found.law.probabilities.iter().zip(exact) {
                assert!((p - q).abs() < 1e-9, "{share} {found:?}");
            }
            let rate = divergence(&exact, base.as_slice());
            assert!((found.rate - rate).abs() < 1e-9, "{share}");
        }
        // Where a feature lies does not matter, but for its rounding: 1 − x in [0.3, 0.8] binds.
        let far = DMatrix::from_fn(4, 3, |i, j| {
            features[(i, j)] + if j == 1 { 1e9 } else { 0.0 }
        });
        let event = [
            interval(0.3, 0.95),
            interval(1e9 + 0.3, 1e9 + 0.8),
            interval(1.0, NONE),
        ];
        let found = sanov_rate(&base, far, &event).unwrap();
        let exact = [0.0, 0.7, 0.3, 0.0];
        for (p, q) in found.law.probabilities.iter().zip(exact) {
            assert!((p - q).abs() < 1e-6, "{found:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Means of a law on some of the outcomes, on a face or not: the projection has them, and
        /// `D(q‖p) = D(q‖p*) + D(p*‖p)` says that none is nearer.
        #[test]
        fn the_projection_to_any_means_that_a_law_has_is_pythagorean(
            values in prop::collection::vec(0u8..3, 24),
            weights in prop::collection::vec(0.05f64..1.0, 8),
            law in prop::collection::vec(0.05f64..1.0, 8),
            on in prop::collection::vec(any::<bool>(), 8),
            d in 1usize..4,
        ) {
            let features = DMatrix::from_fn(8, d, |i, j| f64::from(values[3 * i + j]));
            let base = Probabilities::from_weights(&*weights).unwrap();
            let kept: Vec<f64> = law.iter().zip(&on).map(|(l, o)| if *o { *l } else { 0.0 }).collect();
            let total: f64 = kept.iter().sum();
            prop_assume!(total > 0.0);
            let q: Vec<f64> = kept.iter().map(|k| k / total).collect();
            // A mean of values that are all 2 may be 2 and a rounding.
            let means: Vec<Interval> = (features.column_iter().zip(moments(&features, &q)))
                .map(|(f, m)| m.clamp(f.min(), f.max()))
                .map(|m| interval(m, m))
                .collect();
            match sanov_rate(&base, features.clone(), &means) {
                Ok(found) => {
                    let p = &found.law.probabilities;
                    prop_assert!(found.law.violation < 1e-9, "{found:?}");
                    prop_assert!(q.iter().zip(p).all(|(q, p)| *q == 0.0 || *p > 0.0), "{found:?}");
                    let (whole, first) = (divergence(&q, base.as_slice()), divergence(&q, p));
                    prop_assert!((whole - first - found.rate).abs() < 1e-7, "{whole} {first} {found:?}");
                    prop_assert!((found.rate - divergence(p, base.as_slice())).abs() < 1e-9);
                }
                // Features that are dependent on all outcomes.
                Err(MaximumEntropyError::Argument(_)) => {
                    prop_assert!(MaximumEntropy::new(features, base.as_slice()).is_err());
                }
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
