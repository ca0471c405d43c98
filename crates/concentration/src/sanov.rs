//! Sanov's rate of convex sets of laws, by information projection.

use ergodic_core::{ArgumentError, Interval};
use ergodic_expfam::{Constraint, MaximumEntropy, MaximumEntropyError, MaximumEntropyLaw};
use ergodic_info::Probabilities;
use ergodic_math::{Real, reduce};
use nalgebra::DMatrix;

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
    /// Probab.* 12, 1984, theorem 1).
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
/// Where a single feature has to be at an end of its range, the law is that of the draws that are there, with a
/// multiplier of `±∞`, and the rate `−log P(end)`.
///
/// References: Sanov, *Mat. Sb.* 42, 1957; Csiszár, *Ann. Probab.* 3, 1975 and 12, 1984.
///
/// # Errors
/// If the intervals are not one per feature, one is empty, NaN, or reaches no value of its feature; and those
/// of [`MaximumEntropy::solve`]: no law has all these means, or of several features only one on the boundary of
/// what laws have.
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
    let law = match end(law, &features, &constraints) {
        Some(law) => law,
        None => MaximumEntropy::new(features, law.as_slice())?.solve(&constraints)?,
    };
    Ok(SanovRate {
        rate: law.divergence,
        law,
    })
}

/// The projection where the mean of a single feature has to be an end of its range: the law given that end.
fn end(
    law: &Probabilities,
    features: &DMatrix<f64>,
    constraints: &[Constraint],
) -> Option<MaximumEntropyLaw> {
    let [Constraint::Equal(mean)] = constraints else {
        return None;
    };
    let states = || features.iter().zip(law.as_slice()).filter(|s| *s.1 > 0.0);
    let above = states().any(|(f, _)| f > mean);
    let below = states().any(|(f, _)| f < mean);
    if above == below {
        return None; // inside, or a feature that is constant
    }
    let masses: Vec<f64> = features
        .iter()
        .zip(law.as_slice())
        .map(|(f, p)| if f == mean { *p } else { 0.0 })
        .collect();
    let total = reduce::sum(&masses);
    let multiplier = if below {
        f64::INFINITY
    } else {
        f64::NEG_INFINITY
    };
    Some(MaximumEntropyLaw {
        multipliers: vec![multiplier],
        probabilities: masses.iter().map(|m| m / total).collect(),
        moments: vec![*mean],
        divergence: -Real::ln(total),
        // The limit of λ·mean + log P(end).
        log_partition: if *mean == 0.0 {
            Real::ln(total)
        } else {
            multiplier * mean
        },
        gap: 0.0,
        violation: 0.0,
        iterations: 0,
    })
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
        let both = DMatrix::from_fn(3, 2, |i, j| (i as f64).powi(1 + j as i32));
        let end = sanov_rate(&base, both, &[interval(2.0, NONE), interval(-NONE, NONE)]);
        assert!(
            matches!(end, Err(MaximumEntropyError::Boundary { .. })),
            "{end:?}"
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
}
