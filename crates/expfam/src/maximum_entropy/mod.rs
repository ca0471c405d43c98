//! Maximum entropy: moments in, law and multipliers out, with a certificate. Here is what its forms
//! share: what is asked, what is answered, what can go wrong.

mod conditional;
mod continuous;
mod dense;
pub(crate) mod descent;
mod proportional_fitting;
mod sparse;

use std::fmt;

use ergodic_core::ArgumentError;
use ergodic_math::Real;

pub use conditional::{
    ConditionalLaw, ConditionalMaximumEntropy, ConditionalMaximumEntropyError, Relaxation,
};
pub use continuous::{
    BaseMeasure, ContinuousLaw, ContinuousMaximumEntropy, ContinuousMaximumEntropyError, Lebesgue,
    Support,
};
pub use dense::MaximumEntropy;
pub use proportional_fitting::{FittedTable, ProportionalFitting, ProportionalFittingError};
pub use sparse::{FeatureRows, SparseFeatures, SparseMaximumEntropy, StateFeatures};

/// What is asked of the mean of one feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constraint {
    /// `E f = value`.
    Equal(f64),
    /// `|E f − centre| ≤ radius`: an L1 penalty on the multiplier.
    Within {
        /// The middle of the interval.
        centre: f64,
        /// Half its length, above 0.
        radius: f64,
    },
    /// A penalty `(E f − centre)²/2sd²`: an L2 penalty on the multiplier.
    Near {
        /// The value aimed at.
        centre: f64,
        /// How far off costs half a nat, above 0.
        sd: f64,
    },
}

impl Constraint {
    pub(crate) fn centre(self) -> f64 {
        match self {
            Self::Equal(centre) | Self::Within { centre, .. } | Self::Near { centre, .. } => centre,
        }
    }

    pub(crate) fn radius(self) -> f64 {
        match self {
            Self::Within { radius, .. } => radius,
            _ => 0.0,
        }
    }

    pub(crate) fn variance(self) -> f64 {
        match self {
            Self::Near { sd, .. } => sd * sd,
            _ => 0.0,
        }
    }
}

/// Why no law was found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MaximumEntropyError {
    /// An argument outside its domain.
    Argument(ArgumentError),
    /// No law has these moments: the dual reached a value above every possible divergence.
    Infeasible {
        /// The constraint that asks for most.
        constraint: usize,
        /// What it asks for.
        asked: Constraint,
        /// The mean of its feature under the best law found.
        found: f64,
    },
    /// The moments are on the boundary of those that laws have (some states would need
    /// probability 0), or so near that rounding does not tell.
    Boundary {
        /// The constraint whose multiplier runs off.
        constraint: usize,
        /// What the moments are within of the boundary: along some combination of the features no state
        /// exceeds what is asked by more. In units of how far each feature reaches, the largest weight of the
        /// combination being 1; 0, but for rounding, on the boundary.
        distance: f64,
    },
    /// The iteration ended with this duality gap, in nats.
    NotConverged {
        /// The gap.
        gap: f64,
    },
}

impl fmt::Display for MaximumEntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(error) => error.fmt(f),
            Self::Infeasible {
                constraint,
                asked,
                found,
            } => write!(
                f,
                "no law meets the constraints; number {constraint} asks for {asked:?} and gets {found}"
            ),
            Self::Boundary {
                constraint,
                distance: 0.0,
            } => write!(
                f,
                "the moments are on the boundary of what laws have, where some states have probability 0: the \
                 multiplier of constraint {constraint} has no end"
            ),
            Self::Boundary {
                constraint,
                distance,
            } => write!(
                f,
                "the moments are on the boundary of what laws have, or within {distance:e} of it, too near to \
                 tell: the multiplier of constraint {constraint} has no end"
            ),
            Self::NotConverged { gap } => write!(f, "ended with a duality gap of {gap:e} nats"),
        }
    }
}

impl std::error::Error for MaximumEntropyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Argument(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ArgumentError> for MaximumEntropyError {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}

/// A law of maximum entropy.
#[derive(Clone, Debug, PartialEq)]
pub struct MaximumEntropyLaw {
    /// `λ`, one per feature.
    pub multipliers: Vec<f64>,
    /// The probability of each state.
    pub probabilities: Vec<f64>,
    /// The means of the features.
    pub moments: Vec<f64>,
    /// `KL(p‖h)` from the normalised base measure, in nats.
    pub divergence: f64,
    /// `A(λ) = log Σ h exp(λ·f)`, `h` normalised.
    pub log_partition: f64,
    /// The value of the primal less that of the dual, in nats: the divergence (with penalties) exceeds the
    /// least possible by at most this, since the dual is nowhere above the least. Below 0 it says that the
    /// law, which is exactly that of least divergence for the moments it has, has less than any law that
    /// meets the constraints, by at least so much: by what is left of [`violation`](Self::violation).
    pub gap: f64,
    /// By how much the worst hard constraint is still missed.
    pub violation: f64,
    /// Newton steps.
    pub iterations: usize,
}

impl MaximumEntropyLaw {
    /// The Shannon entropy of the law, in nats.
    pub fn entropy(&self) -> f64 {
        let terms: Vec<f64> = self
            .probabilities
            .iter()
            .filter(|p| **p > 0.0)
            .map(|p| -p * Real::ln(*p))
            .collect();
        ergodic_math::reduce::sum(&terms)
    }
}

/// One constraint per feature, each of them sound.
pub(crate) fn check(constraints: &[Constraint], features: usize) -> Result<(), ArgumentError> {
    if constraints.len() != features {
        return Err(ArgumentError::new(
            "constraints",
            format!("a list of {}", constraints.len()),
            format!("one per feature, {features}"),
        ));
    }
    for (j, c) in constraints.iter().enumerate() {
        let size = match c {
            Constraint::Equal(_) => 1.0,
            Constraint::Within { radius, .. } => *radius,
            Constraint::Near { sd, .. } => *sd,
        };
        let sound = c.centre().is_finite() && size.is_finite() && size > 0.0;
        if !(sound && square_is_normal(*c)) {
            return Err(ArgumentError::new(
                "constraints",
                format!("{c:?} for feature {j}"),
                "finite, with a radius or standard deviation above 0 (whose square neither underflows nor overflows)",
            ));
        }
    }
    Ok(())
}

fn square_is_normal(c: Constraint) -> bool {
    match c {
        Constraint::Near { .. } => c.variance().is_normal() && (1.0 / c.variance()).is_normal(),
        _ => true,
    }
}

/// The most that penalties can cost a law, given the least and the largest value of each feature.
pub(crate) fn softest(constraints: &[Constraint], reach: &[(f64, f64)]) -> f64 {
    let terms = constraints.iter().zip(reach);
    terms
        .map(|(c, (least, most))| match *c {
            Constraint::Near { centre, sd } => {
                let off = f64::max((centre - least).abs(), (centre - most).abs()) / sd;
                0.5 * off * off
            }
            _ => 0.0,
        })
        .sum()
}

/// The size of a feature by which residuals are judged: how far its values spread, and, of their distance
/// from 0, what rounding leaves of it.
pub(crate) fn extent((least, most): (f64, f64)) -> f64 {
    (most - least) + 1e-5 * f64::max(least.abs(), most.abs())
}

/// Whether each constraint by itself can be met by a law that has all states, given the least and the
/// largest value of each feature.
pub(crate) fn within_reach(
    constraints: &[Constraint],
    reach: &[(f64, f64)],
) -> Result<(), MaximumEntropyError> {
    for (constraint, (c, (least, most))) in constraints.iter().zip(reach).enumerate() {
        let (low, high) = match *c {
            Constraint::Equal(value) => (value, value),
            Constraint::Within { centre, radius } => (centre - radius, centre + radius),
            Constraint::Near { .. } => continue,
        };
        let infeasible = |found: f64| MaximumEntropyError::Infeasible {
            constraint,
            asked: *c,
            found,
        };
        if low > *most {
            return Err(infeasible(*most));
        }
        if high < *least {
            return Err(infeasible(*least));
        }
        if least < most && (low == *most || high == *least) {
            return Err(MaximumEntropyError::Boundary {
                constraint,
                distance: 0.0,
            });
        }
    }
    Ok(())
}

/// What a direction says along which a multiplier runs off, where the conditions are met to rounding: that
/// the moments are outside, on, or within some distance of the boundary of those that laws have.
///
/// `most` is the largest of `direction·f` over the states: no law has a mean of the combination above it. A
/// goal that need not be met says nothing of what is possible: its part of the direction has to be 0
/// ([`firm`]).
pub(crate) fn verdict(
    constraint: usize,
    direction: &[f64],
    most: f64,
    (asked, moments): (&[Constraint], &[f64]),
    scales: &[f64],
    gap: f64,
) -> MaximumEntropyError {
    /// Further inside the multipliers run off for another reason, such as weights of extreme range.
    const NEAR: f64 = 1e-6;
    let (mut least, mut largest, mut total) = (0.0, 0.0f64, 0.0);
    for ((d, c), scale) in direction.iter().zip(asked).zip(scales) {
        least += d * c.centre() - c.radius() * d.abs();
        largest = largest.max(d.abs() * scale);
        total += d.abs() * scale;
    }
    let inside = most - least;
    if largest == 0.0 {
        return MaximumEntropyError::NotConverged { gap };
    }
    if inside < -1e-10 * total {
        return MaximumEntropyError::Infeasible {
            constraint,
            asked: asked[constraint],
            found: moments[constraint],
        };
    }
    let distance = (inside / largest).max(0.0); // below 0 by rounding alone
    if distance <= NEAR {
        MaximumEntropyError::Boundary {
            constraint,
            distance,
        }
    } else {
        MaximumEntropyError::NotConverged { gap }
    }
}

/// The part of a direction that belongs to constraints that have to be met.
pub(crate) fn firm(direction: &[f64], constraints: &[Constraint]) -> Vec<f64> {
    let pairs = direction.iter().zip(constraints);
    pairs
        .map(|(d, c)| if c.variance() > 0.0 { 0.0 } else { *d })
        .collect()
}

/// Whether a verdict says that the moments are not inside.
pub(crate) fn not_inside(verdict: &MaximumEntropyError) -> bool {
    match verdict {
        MaximumEntropyError::Infeasible { .. } => true,
        MaximumEntropyError::Boundary { distance, .. } => *distance == 0.0,
        _ => false,
    }
}

/// Of two verdicts the one that says more.
pub(crate) fn sharper(a: MaximumEntropyError, b: MaximumEntropyError) -> MaximumEntropyError {
    let rank = |error: &MaximumEntropyError| match error {
        MaximumEntropyError::Infeasible { .. } => -1.0,
        MaximumEntropyError::Boundary { distance, .. } => *distance,
        _ => f64::INFINITY,
    };
    if rank(&b) < rank(&a) { b } else { a }
}

/// `−λ·c + Σ r|λ| + ½ Σ s²λ²`.
pub(crate) fn penalties(lambda: &[f64], constraints: &[Constraint]) -> f64 {
    let terms = lambda.iter().zip(constraints);
    terms
        .map(|(l, c)| -l * c.centre() + c.radius() * l.abs() + 0.5 * c.variance() * l * l)
        .sum()
}

/// How far the conditions of Kuhn and Tucker are from met, relative to the size of each feature.
pub(crate) fn residual(
    moments: &[f64],
    lambda: &[f64],
    constraints: &[Constraint],
    scales: &[f64],
) -> f64 {
    let terms = moments.iter().zip(lambda).zip(constraints);
    terms
        .zip(scales)
        .map(|(((m, l), c), scale)| {
            let off = m - c.centre() + c.variance() * l;
            let rest = if *l == 0.0 {
                (off.abs() - c.radius()).max(0.0)
            } else {
                (off + c.radius() * l.signum()).abs()
            };
            let size = scale + c.variance() * l.abs() + 1e-5 * (c.centre().abs() + c.radius());
            rest / size.max(f64::MIN_POSITIVE)
        })
        .fold(0.0, f64::max)
}

/// Primal less dual value, and by how much the worst hard constraint is missed.
pub(crate) fn certificate(
    moments: &[f64],
    lambda: &[f64],
    constraints: &[Constraint],
) -> (f64, f64) {
    let (mut gap, mut violation) = (0.0, 0.0);
    for ((m, l), c) in moments.iter().zip(lambda).zip(constraints) {
        let off = m - c.centre();
        if let Constraint::Near { .. } = c {
            let rest = off + c.variance() * l;
            gap += rest * rest / (2.0 * c.variance());
        } else {
            gap += l * off + c.radius() * l.abs();
            violation = f64::max(violation, off.abs() - c.radius());
        }
    }
    (gap, violation)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the mean of a feature whose largest value is 6 and that reaches over 5.
    fn of(asked: Constraint, direction: f64) -> MaximumEntropyError {
        let most = if direction > 0.0 { 6.0 } else { 1.0 } * direction;
        verdict(0, &[direction], most, (&[asked], &[5.9]), &[5.0], 0.25)
    }

    #[test]
    fn a_direction_tells_outside_from_the_boundary_and_from_inside() {
        let boundary = |distance| MaximumEntropyError::Boundary {
            constraint: 0,
            distance,
        };
        let within = |centre, radius| Constraint::Within { centre, radius };
        for direction in [1.0, 1e-20, 1e20] {
            for (asked, inside) in [
                (Constraint::Equal(6.0), 0.0),
                (Constraint::Equal(6.0 - 5e-8), 1e-8),
                (within(6.5, 0.5), 0.0),
                (within(7.0, 1.0 + 5e-7), 1e-7),
            ] {
                let MaximumEntropyError::Boundary { distance, .. } = of(asked, direction) else {
                    panic!("{asked:?}");
                };
                assert!((distance - inside).abs() < 1e-15, "{asked:?}: {distance}");
            }
            for asked in [Constraint::Equal(6.0 + 1e-8), within(6.5, 0.5 - 1e-8)] {
                let error = of(asked, direction);
                let infeasible = MaximumEntropyError::Infeasible {
                    constraint: 0,
                    asked,
                    found: 5.9,
                };
                assert_eq!(error, infeasible);
            }
            for asked in [Constraint::Equal(5.99), within(6.0, 0.1)] {
                let error = of(asked, direction);
                assert_eq!(error, MaximumEntropyError::NotConverged { gap: 0.25 });
            }
        }
        // The other end, by the reverse.
        assert_eq!(of(Constraint::Equal(1.0), -2.0), boundary(0.0));
        let nowhere = of(Constraint::Equal(6.0), 0.0);
        assert_eq!(nowhere, MaximumEntropyError::NotConverged { gap: 0.25 });
        // Of two verdicts the sharper.
        let undecided = MaximumEntropyError::NotConverged { gap: 0.0 };
        assert_eq!(sharper(undecided.clone(), boundary(0.5)), boundary(0.5));
        assert_eq!(sharper(boundary(1e-9), boundary(1e-8)), boundary(1e-9));
        let outside = of(Constraint::Equal(7.0), 1.0);
        assert_eq!(sharper(boundary(0.0), outside.clone()), outside);
        assert!(not_inside(&outside) && not_inside(&boundary(0.0)));
        assert!(!not_inside(&boundary(1e-12)) && !not_inside(&undecided));
    }
}
