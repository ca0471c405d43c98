//! Alternating projections: onto several sets in turn, and between two.

use ergodic_core::ArgumentError;
use ergodic_info::InfoError;
use ergodic_math::Real;
use ergodic_math::special::log_sum_exp;

use crate::projection::interval;
use crate::{MaximumEntropyError, MomentSet, domain};

/// The I-projection to the intersection of several sets.
#[derive(Clone, Debug, PartialEq)]
pub struct IntersectionProjection {
    /// The law `p ∝ q exp(Σ λ·f)`.
    pub probabilities: Vec<f64>,
    /// The multipliers of each set's features.
    pub multipliers: Vec<Vec<f64>>,
    /// `KL(p‖q)`, in nats.
    pub divergence: f64,
    /// The divergence less the value of the dual, in nats: no law of the intersection is nearer than by
    /// this. Below 0 only by rounding and by what is left of [`violation`](Self::violation).
    pub gap: f64,
    /// By how much the worst constraint of all sets is missed.
    pub violation: f64,
    /// The value of the dual after each pass, which never falls.
    pub dual: Vec<f64>,
}

/// The I-projection of `q` to the intersection of sets of moments, by projections onto one after the
/// other, each with its own correction taken back before.
///
/// For linear families the corrections change nothing and this is Csiszár's cyclic projection (iterative
/// scaling, Kruithof, Deming and Stephan for marginals; *Ann. Probab.* 3, 1975); for intervals, where plain
/// cycles end in another law of the intersection, it is Dykstra's algorithm with Bregman divergence
/// (Censor and Reich, *J. Optim. Theory Appl.* 96, 1998; Bauschke and Lewis, *Optimization* 48, 2000). Both
/// are ascent of the dual along the multipliers of one set at a time. Sets may say the same twice, as
/// marginals do. It ends when all constraints hold to `tolerance` of the size of their feature and the gap
/// is at most `tolerance`; convergence is linear.
///
/// ```
/// use ergodic_expfam::{Constraint, MomentSet, project_onto_intersection};
/// use nalgebra::DMatrix;
///
/// // The law on 2 × 2 cells with these marginals next to a given one: iterative proportional fitting.
/// let rows = DMatrix::from_row_slice(4, 1, &[1.0, 1.0, 0.0, 0.0]);
/// let columns = DMatrix::from_row_slice(4, 1, &[1.0, 0.0, 1.0, 0.0]);
/// let sets = [
///     MomentSet::new(rows, [Constraint::Equal(0.3)])?,
///     MomentSet::new(columns, [Constraint::Equal(0.6)])?,
/// ];
/// let p = project_onto_intersection(&[0.25; 4], &sets, 1e-13, 100)?;
/// assert!((p.probabilities[0] - 0.18).abs() < 1e-12); // independent
/// # Ok::<(), ergodic_expfam::MaximumEntropyError>(())
/// ```
///
/// # Errors
/// If there are no sets, they or `q` have different numbers of states, or the tolerance is not above 0; as
/// [`MomentSet::project`] for one of the sets; [`MaximumEntropyError::Infeasible`] if the dual shows that
/// no law is in all of them (the constraint is counted through all sets), and
/// [`MaximumEntropyError::NotConverged`] if `passes` do not suffice.
pub fn project_onto_intersection(
    q: &[f64],
    sets: &[MomentSet],
    tolerance: f64,
    passes: usize,
) -> Result<IntersectionProjection, MaximumEntropyError> {
    domain::positive("tolerance", tolerance)?;
    if sets.is_empty() {
        return Err(ArgumentError::new("sets", "empty", "at least one set").into());
    }
    for set in sets {
        set.check("q", q)?;
    }
    let total = ergodic_math::reduce::sum(q);
    if !(total > 0.0 && total.is_finite()) {
        let found = format!("a list with sum {total}");
        return Err(ArgumentError::new("q", found, "of a sum above 0 that is finite").into());
    }
    let log_base: Vec<f64> = q.iter().map(|q| Real::ln(q / total)).collect();
    // No law has a larger divergence from q than that on its rarest state.
    let finite = log_base.iter().copied().filter(|l| l.is_finite());
    let largest = -finite.fold(0.0, f64::min);
    let mut multipliers: Vec<Vec<f64>> = sets
        .iter()
        .map(|set| vec![0.0; set.constraints().len()])
        .collect();
    let mut dual = Vec::new();
    let mut at = Point::new(&log_base, sets, &multipliers);
    for _ in 0..passes {
        for (index, set) in sets.iter().enumerate() {
            multipliers[index].fill(0.0);
            let rest = Point::new(&log_base, sets, &multipliers);
            multipliers[index] = set.project(&rest.probabilities)?.multipliers;
        }
        at = Point::new(&log_base, sets, &multipliers);
        dual.push(at.dual);
        if at.relative <= tolerance && at.gap.abs() <= tolerance {
            return Ok(IntersectionProjection {
                divergence: (at.dual + at.gap).max(0.0),
                probabilities: at.probabilities,
                multipliers,
                gap: at.gap,
                violation: at.violation,
                dual,
            });
        }
        if at.dual > largest + 1e-9 * (1.0 + largest) {
            let (constraint, set, feature, found) = at.worst;
            return Err(MaximumEntropyError::Infeasible {
                constraint,
                asked: sets[set].constraints()[feature],
                found,
            });
        }
    }
    Err(MaximumEntropyError::NotConverged {
        gap: at.gap.abs().max(at.relative),
    })
}

/// The law of some multipliers.
struct Point {
    probabilities: Vec<f64>,
    dual: f64,
    gap: f64,
    violation: f64,
    relative: f64,
    /// The constraint with the largest miss: counted through all sets, its set, feature and moment.
    worst: (usize, usize, usize, f64),
}

impl Point {
    fn new(log_base: &[f64], sets: &[MomentSet], multipliers: &[Vec<f64>]) -> Self {
        let mut logs = log_base.to_vec();
        for (set, lambda) in sets.iter().zip(multipliers) {
            for (column, l) in set.features().column_iter().zip(lambda) {
                for (log, f) in logs.iter_mut().zip(column.iter()) {
                    *log += l * f;
                }
            }
        }
        let log_partition = log_sum_exp(&logs);
        let probabilities: Vec<f64> = logs
            .iter()
            .map(|log| Real::exp(log - log_partition))
            .collect();
        let mut point = Self {
            dual: -log_partition,
            gap: 0.0,
            violation: 0.0,
            relative: 0.0,
            worst: (0, 0, 0, 0.0),
            probabilities,
        };
        let mut number = 0;
        for (index, (set, lambda)) in sets.iter().zip(multipliers).enumerate() {
            let moments = set.moments(&point.probabilities);
            for (j, (m, l)) in moments.iter().zip(lambda).enumerate() {
                let Some((centre, radius)) = interval(&set.constraints()[j]) else {
                    continue;
                };
                let size = set.features().column(j).amax() + centre.abs();
                let miss = (m - centre).abs() - radius;
                point.dual += l * centre - radius * l.abs();
                point.gap += l * (m - centre) + radius * l.abs();
                point.violation = point.violation.max(miss);
                if miss / size.max(f64::MIN_POSITIVE) > point.relative {
                    point.relative = miss / size.max(f64::MIN_POSITIVE);
                    point.worst = (number, index, j, *m);
                }
                number += 1;
            }
        }
        point
    }
}

/// Where an alternating minimisation ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternation<P, Q> {
    /// The point of the first set.
    pub p: P,
    /// The point of the second set.
    pub q: Q,
    /// The divergence after each round, which never rises.
    pub values: Vec<f64>,
}

/// Alternating minimisation of a divergence between two sets: `p` next to `q`, then `q` next to `p`, until a
/// round gains at most `tolerance`.
///
/// That it never rises is checked in each half-round, so a step that does not minimise is an error and no
/// wrong answer. Between convex sets of measures with KL the limit is the least divergence (Csiszár and
/// Tusnády, *Stat. Decis. Suppl.* 1, 1984); in general, as in expectation–maximisation between the data's
/// m-flat set and a model, it is a stationary value, and a small last gain is no bound of what is left.
///
/// ```
/// use ergodic_expfam::alternate;
///
/// // Nearest points of the line y = 1 and the line y = x/2: (2, 1), at distance 0.
/// let found = alternate(
///     0.0, // the point (x, x/2) of the second line
///     |x: &f64| Ok(*x), // nearest on the first: (x, 1)
///     |x: &f64| Ok((x + 0.5) / 1.25),
///     |p, q| (p - q).powi(2) + (1.0 - 0.5 * q).powi(2),
///     1e-24,
///     200,
/// )?;
/// assert!((found.q - 2.0).abs() < 1e-10);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
///
/// # Errors
/// If the tolerance is not above 0; what a step answers; if the divergence is NaN, infinite after the first
/// round, or rises by more than rounding; [`InfoError::NotConverged`] with the last gain if `rounds` do not
/// suffice.
pub fn alternate<P, Q>(
    start: Q,
    mut nearest_p: impl FnMut(&Q) -> Result<P, InfoError>,
    mut nearest_q: impl FnMut(&P) -> Result<Q, InfoError>,
    mut divergence: impl FnMut(&P, &Q) -> f64,
    tolerance: f64,
    rounds: usize,
) -> Result<Alternation<P, Q>, InfoError> {
    domain::positive("tolerance", tolerance)?;
    let mut q = start;
    let mut values: Vec<f64> = Vec::new();
    let mut gain = f64::INFINITY;
    for _ in 0..rounds {
        let p = nearest_p(&q)?;
        let half = divergence(&p, &q);
        let next = nearest_q(&p)?;
        let value = divergence(&p, &next);
        if !value.is_finite() {
            let found = format!("{value} after a round");
            return Err(ArgumentError::new("divergence", found, "finite after a round").into());
        }
        let before = values.last().copied().unwrap_or(f64::INFINITY);
        for (from, to) in [(before, half), (half, value)] {
            let rounding = 1e-12 * (1.0 + to.abs());
            if to > from + rounding || to.is_nan() {
                let found = format!("rising from {from} to {to}");
                let allowed = "never rising: each step has to minimise it";
                return Err(ArgumentError::new("divergence", found, allowed).into());
            }
        }
        gain = before - value;
        q = next;
        values.push(value);
        if gain <= tolerance {
            return Ok(Alternation { p, q, values });
        }
    }
    Err(InfoError::NotConverged {
        quantity: "the alternating minimisation",
        gap: gain,
        tolerance,
        iterations: rounds,
    })
}
