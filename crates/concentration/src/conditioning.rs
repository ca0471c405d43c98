//! Gibbs conditioning: what draws look like when their mean is rare, exactly and in the limit.

use ergodic_core::{ArgumentError, Interval};
use ergodic_expfam::{Constraint, MaximumEntropyError, MaximumEntropyLaw, MomentSet};
use ergodic_info::Probabilities;
use ergodic_math::Real;
use ergodic_math::special::log_sum_exp;
use nalgebra::DMatrix;

use crate::lattice::LatticeLaw;
use crate::lattice_sum::{LatticeSum, TiltedSum};
use crate::sanov::sanov_rate;
use crate::types::sample_size;
use crate::window::Window;

/// What happened to the mean of the feature over all draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MeanEvent {
    /// It is at least this.
    AtLeast(f64),
    /// It is at most this.
    AtMost(f64),
    /// It is this.
    Equal(f64),
    /// It is in this closed interval.
    Between(f64, f64),
}

impl MeanEvent {
    fn interval(self) -> Interval {
        let (lower, upper) = match self {
            Self::AtLeast(x) => (x, f64::INFINITY),
            Self::AtMost(x) => (f64::NEG_INFINITY, x),
            Self::Equal(x) => (x, x),
            Self::Between(low, high) => (low, high),
        };
        Interval { lower, upper }
    }
}

/// The law of one draw among `n`, given that their mean did something rare.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionedLaw {
    /// `P(X₁ = i | event)` for each outcome, exact to rounding.
    pub probabilities: Vec<f64>,
    /// `log P(event)` in nats.
    pub log_event_probability: f64,
    /// The limit for `n → ∞`: the information projection of the law of a draw to the laws whose mean is in
    /// the event.
    pub limit: MaximumEntropyLaw,
    /// The distance in total variation of the two, `½ Σ |P(i | event) − p*(i)|`.
    pub total_variation: f64,
}

/// The law of the first of `n` independent draws given what happened to the mean of a feature, exactly and in
/// the limit.
///
/// `P(X₁ = i | event) = pᵢ P(S_{n−1} ∈ event − fᵢ)/P(S_n ∈ event)`, with the law of the sum by tilting and
/// convolution ([`LatticeSum`]). The limit is the law of maximum entropy relative to `p` under the same
/// constraint, and the distance falls as `1/n` (Csiszár, *Ann. Probab.* 12, 1984; Dembo and Zeitouni 1998,
/// the Gibbs conditioning principle): why canonical laws describe parts of microcanonical systems.
///
/// The feature has a value for each outcome, all on a lattice. Cost: that of [`LatticeSum`] once, and a sum
/// over the window for each outcome.
///
/// # Errors
/// If `n` is 0, the feature is not one finite number per outcome on a lattice, or the event meets no value
/// of the mean.
///
/// ```
/// use ergodic_concentration::{MeanEvent, condition};
/// use ergodic_info::Probabilities;
///
/// // A fair die thrown 100 times with mean at least 4.5.
/// let die = Probabilities::uniform(6)?;
/// let faces = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let found = condition(&die, &faces, 100, MeanEvent::AtLeast(4.5))?;
/// assert!((found.total_variation - 0.0054897).abs() < 1e-7);
/// assert!((found.limit.multipliers[0] - 0.37104893808103323).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn condition(
    law: &Probabilities,
    feature: &[f64],
    n: u64,
    event: MeanEvent,
) -> Result<ConditionedLaw, MaximumEntropyError> {
    let blocks = Blocks::new(law, feature, n, 1, event)?;
    let limit = limit(law, feature, event)?;
    let ratios: Vec<f64> = (0..blocks.points.len())
        .map(|j| blocks.log_probability(j as i64))
        .collect();
    let logs: Vec<f64> = law
        .as_slice()
        .iter()
        .zip(&blocks.indices)
        .map(|(p, index)| Real::ln(*p) + index.map_or(f64::NEG_INFINITY, |i| ratios[i]))
        .collect();
    let log_event_probability = log_sum_exp(&logs);
    if log_event_probability == f64::NEG_INFINITY {
        return Err(impossible(event).into());
    }
    let probabilities: Vec<f64> = logs
        .iter()
        .map(|l| Real::exp(l - log_event_probability))
        .collect();
    let total_variation = half_distance(probabilities.iter().zip(&limit.probabilities));
    Ok(ConditionedLaw {
        probabilities,
        log_event_probability,
        limit,
        total_variation,
    })
}

/// [`condition`] on the event that the mean of a feature is in a set of moments: the same set, and the same law of
/// a draw, as in the problem of maximum entropy that the limit solves
/// ([`MomentSet::project`](ergodic_expfam::MomentSet::project)).
///
/// # Errors
/// As [`condition`], and unless the set has one feature, with a value for each outcome.
///
/// ```
/// use ergodic_concentration::condition_on_moments;
/// use ergodic_expfam::{Constraint, MomentSet};
/// use ergodic_info::Probabilities;
/// use nalgebra::DMatrix;
///
/// // Of all laws of a die with a mean from 4.5 to 5.5 the one of most entropy, and what 100 throws say.
/// let faces = DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64);
/// let set = MomentSet::new(faces, [Constraint::Within { centre: 5.0, radius: 0.5 }])?;
/// let die = Probabilities::uniform(6)?;
/// let found = condition_on_moments(&die, &set, 100)?;
/// assert_eq!(found.limit.multipliers, set.project(die.as_slice())?.multipliers);
/// assert!(found.total_variation < 0.0055);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn condition_on_moments(
    law: &Probabilities,
    set: &MomentSet,
    n: u64,
) -> Result<ConditionedLaw, MaximumEntropyError> {
    let event = match *set.constraints() {
        [Constraint::Equal(value)] => MeanEvent::Equal(value),
        [Constraint::Within { centre, radius }] => {
            MeanEvent::Between(centre - radius, centre + radius)
        }
        _ => {
            return Err(ArgumentError::new(
                "set",
                format!("of {} features", set.constraints().len()),
                "of one feature",
            )
            .into());
        }
    };
    condition(law, set.features().as_slice(), n, event)
}

/// The distance in total variation between the law of `k` of the `n` draws given the event, and `k`
/// independent draws from the limit: of order `k/n` (Diaconis and Freedman, *Probab. Theory Relat. Fields*
/// 78, 1988), so that draws are nearly independent as long as `k` is small beside `n`.
///
/// Both laws have densities relative to `p^k` that depend on the sum of the `k` features alone, so the
/// distance is a sum over the values of that sum. With `k = 1` it is
/// [`ConditionedLaw::total_variation`]. Cost: that of [`LatticeSum`] twice, and the square of the block's window.
///
/// # Errors
/// As [`condition`]; and unless `1 ≤ k ≤ n`.
///
/// ```
/// use ergodic_concentration::{MeanEvent, block_distance};
/// use ergodic_info::Probabilities;
///
/// let die = Probabilities::uniform(6)?;
/// let faces = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let distance = |k| block_distance(&die, &faces, 400, k, MeanEvent::AtLeast(4.5));
/// assert!((distance(1)? - 0.0014268).abs() < 1e-7);
/// assert!(distance(1)? < distance(4)? && distance(4)? < 0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn block_distance(
    law: &Probabilities,
    feature: &[f64],
    n: u64,
    k: u64,
    event: MeanEvent,
) -> Result<f64, MaximumEntropyError> {
    let blocks = Blocks::new(law, feature, n, k, event)?;
    let limit = limit(law, feature, event)?;
    // The law of the block's sum under the limit, which has its mass where the event has its own; relative to p^k
    // the limit has the density e^{λ·sum − kA}, and the conditioned law the probability of the others.
    let mut points = vec![0.0; blocks.points.len()];
    for (q, index) in limit.probabilities.iter().zip(&blocks.indices) {
        if let Some(i) = index {
            points[*i] += q;
        }
    }
    let window = Window::of_law(points, 0.0).power(k, 1e-32)?;
    let multiplier = limit.multipliers[0];
    let slope = if multiplier.is_finite() {
        multiplier * blocks.spacing
    } else {
        0.0 // all of the block is at the end
    };
    let logs: Vec<f64> = window
        .masses
        .iter()
        .zip(window.first..)
        .map(|(q, t)| Real::ln(*q) - slope * t as f64 + blocks.log_probability(t))
        .collect();
    let total = log_sum_exp(&logs);
    if total == f64::NEG_INFINITY {
        return Err(impossible(event).into());
    }
    let exact: Vec<f64> = logs.iter().map(|l| Real::exp(l - total)).collect();
    Ok(half_distance(exact.iter().zip(&window.masses)))
}

fn half_distance<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)>) -> f64 {
    let terms: Vec<f64> = pairs.map(|(a, b)| 0.5 * (a - b).abs()).collect();
    ergodic_math::reduce::sum(&terms)
}

fn impossible(event: MeanEvent) -> ArgumentError {
    ArgumentError::new(
        "event",
        format!("{event:?}, of probability 0"),
        "of positive probability",
    )
}

/// A block of `k` draws and the other `n − k`.
struct Blocks {
    spacing: f64,
    /// The probabilities of the lattice points of one draw.
    points: Vec<f64>,
    /// The lattice point of each outcome; none for an impossible one.
    indices: Vec<Option<usize>>,
    /// The sum of the others under the tilt of the event; none if there are no others.
    rest: Option<TiltedSum>,
    /// The event and the place of the tilt, as indices of the whole sum.
    range: (i64, i64, i64),
}

impl Blocks {
    fn new(
        law: &Probabilities,
        feature: &[f64],
        n: u64,
        k: u64,
        event: MeanEvent,
    ) -> Result<Self, ArgumentError> {
        sample_size(n)?;
        if k == 0 || k > n {
            return Err(ArgumentError::new("k", k, format!("between 1 and n = {n}")));
        }
        if feature.len() != law.len() {
            return Err(ArgumentError::new(
                "feature",
                format!("a list of {}", feature.len()),
                format!("one number per outcome, {}", law.len()),
            ));
        }
        let draw = LatticeLaw::from_values(feature, law.as_slice()).map_err(|mut error| {
            error.argument = "feature";
            error
        })?;
        let whole = LatticeSum::new(draw.clone(), n)?;
        let range = whole.mean_range(event.interval(), n)?;
        let indices = feature
            .iter()
            .zip(law.as_slice())
            .map(|(f, p)| {
                let index = ((f - draw.origin()) / draw.spacing()).round();
                (*p > 0.0).then_some(index as usize)
            })
            .collect();
        let rest = if n > k {
            let tilt = whole.tilt_to(range.2)?;
            Some(LatticeSum::new(draw.clone(), n - k)?.tilted(tilt, 1e-40)?)
        } else {
            None
        };
        Ok(Self {
            spacing: draw.spacing(),
            points: draw.probabilities().to_vec(),
            indices,
            rest,
            range,
        })
    }

    /// `log P(sum of the others ∈ event − index)`.
    fn log_probability(&self, index: i64) -> f64 {
        let (low, high, at) = self.range;
        match &self.rest {
            Some(rest) => rest.log_probability(low - index, high - index, at - index),
            None if low <= index && index <= high => 0.0,
            None => f64::NEG_INFINITY,
        }
    }
}

/// The information projection to the laws whose mean is in the event.
fn limit(
    law: &Probabilities,
    feature: &[f64],
    event: MeanEvent,
) -> Result<MaximumEntropyLaw, MaximumEntropyError> {
    let column = DMatrix::from_column_slice(feature.len(), 1, feature);
    Ok(sanov_rate(law, column, &[event.interval()])?.law)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TypeLaw;

    const FACES: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

    fn die() -> Probabilities {
        Probabilities::uniform(6).unwrap()
    }

    #[test]
    fn conditioned_dice_approach_the_projection_as_one_over_n() {
        for (n, distance) in [
            (10, 0.041671),
            (20, 0.023610),
            (50, 0.010497),
            (100, 0.0054897),
            (400, 0.0014268),
        ] {
            let found = condition(&die(), &FACES, n, MeanEvent::AtLeast(4.5)).unwrap();
            assert!(
                (found.total_variation - distance).abs() < 1e-6,
                "{n}: {found:?}"
            );
            let mean: f64 = found
                .probabilities
                .iter()
                .zip(FACES)
                .map(|(p, f)| p * f)
                .sum();
            assert!(mean > 4.5 && mean < 4.7);
            let block = block_distance(&die(), &FACES, n, 1, MeanEvent::AtLeast(4.5)).unwrap();
            assert!((block - found.total_variation).abs() < 1e-12);
        }
        let ten = condition(&die(), &FACES, 10, MeanEvent::AtLeast(4.5)).unwrap();
        assert!((ten.log_event_probability.exp() / 0.03899452811436265 - 1.0).abs() < 1e-13);
        let hundred = condition(&die(), &FACES, 100, MeanEvent::AtLeast(4.5)).unwrap();
        let p = hundred.log_event_probability.exp();
        assert!((p / 1.5190164986798826e-9 - 1.0).abs() < 1e-12);
    }

    /// Against the types themselves: `P(X₁ = i | event) = E[nᵢ/n | event]`, for every kind of event and an
    /// uneven law with outcomes that share a value and one that is impossible.
    #[test]
    fn the_conditioned_law_is_the_mean_type_of_the_event() {
        let law = Probabilities::new([0.3, 0.2, 0.0, 0.4, 0.1]).unwrap();
        let feature = [-0.5, 1.0, 7.0, 0.25, 1.0];
        let types = TypeLaw::new(&law);
        for n in [1u64, 2, 9] {
            for event in [
                MeanEvent::AtLeast(0.6),
                MeanEvent::AtLeast(-0.4),
                MeanEvent::AtMost(-0.1),
                MeanEvent::AtMost(0.9),
                MeanEvent::Equal(0.25),
                MeanEvent::Between(0.2, 0.6),
                MeanEvent::Between(-0.5, -0.2),
            ] {
                let interval = event.interval();
                let happened = |c: &[u64]| {
                    let sum: f64 = c.iter().zip(feature).map(|(c, f)| *c as f64 * f).sum();
                    interval.lower - 1e-12 <= sum / n as f64
                        && sum / n as f64 <= interval.upper + 1e-12
                };
                let found = condition(&law, &feature, n, event).unwrap();
                let log = types.log_probability_of_event(n, happened).unwrap();
                assert!(
                    (found.log_event_probability - log).abs() < 1e-12,
                    "{n} {event:?}"
                );
                for i in 0..5 {
                    let share = |c: &[u64]| {
                        if happened(c) {
                            c[i] as f64 / n as f64
                        } else {
                            0.0
                        }
                    };
                    let exact = types.expectation(n, share).unwrap() / log.exp();
                    assert!(
                        (found.probabilities[i] - exact).abs() < 1e-12,
                        "{n} {event:?} {i}"
                    );
                }
            }
        }
    }

    /// The distance of a pair of draws, by enumeration of pairs with the law of the other two.
    #[test]
    fn the_distance_of_a_block_is_that_of_its_joint_law() {
        let p = [0.5, 0.3, 0.2];
        let law = Probabilities::new(p).unwrap();
        let feature = [0.0, 1.0, 2.0];
        let event = MeanEvent::AtLeast(1.25); // sum of 4 at least 5
        let limit = condition(&law, &feature, 4, event)
            .unwrap()
            .limit
            .probabilities;
        let mut joint = [[0.0; 3]; 3];
        for (i, pi) in p.iter().enumerate() {
            for (j, pj) in p.iter().enumerate() {
                for (k, pk) in p.iter().enumerate() {
                    for (l, pl) in p.iter().enumerate() {
                        if i + j + k + l >= 5 {
                            joint[i][j] += pi * pj * pk * pl;
                        }
                    }
                }
            }
        }
        let total: f64 = joint.iter().flatten().sum();
        let mut exact = 0.0;
        for i in 0..3 {
            for j in 0..3 {
                exact += 0.5 * (joint[i][j] / total - limit[i] * limit[j]).abs();
            }
        }
        let found = block_distance(&law, &feature, 4, 2, event).unwrap();
        assert!((found - exact).abs() < 1e-13, "{found} {exact}");
    }

    #[test]
    fn blocks_do_not_depend_on_the_unit_of_the_feature() {
        let law = Probabilities::new([0.5, 0.3, 0.2]).unwrap();
        let distance = |unit: f64, k| {
            let feature = [0.0, unit, 2.0 * unit];
            let event = MeanEvent::AtLeast(1.25 * unit);
            block_distance(&law, &feature, 20, k, event).unwrap()
        };
        for k in [1, 2, 7] {
            assert!((distance(1.0, k) - distance(0.25, k)).abs() < 1e-13);
        }
    }

    #[test]
    fn bad_events_are_typed_errors() {
        let argument =
            |n, k, feature: &[f64], event| match block_distance(&die(), feature, n, k, event)
                .unwrap_err()
            {
                MaximumEntropyError::Argument(e) => e.argument,
                other => panic!("{other:?}"),
            };
        let likely = MeanEvent::AtLeast(4.0);
        assert_eq!(argument(0, 1, &FACES, likely), "n");
        assert_eq!(argument(5, 6, &FACES, likely), "k");
        assert_eq!(argument(5, 1, &FACES[..5], likely), "feature");
        let root = [1.0, 2.0, 3.0, 4.0, 5.0, std::f64::consts::SQRT_2];
        assert_eq!(argument(5, 1, &root, likely), "feature");
        assert_eq!(argument(5, 1, &FACES, MeanEvent::AtLeast(6.5)), "event");
        assert_eq!(argument(5, 1, &FACES, MeanEvent::Equal(3.33)), "event");
        assert_eq!(
            argument(5, 1, &FACES, MeanEvent::Between(4.0, 3.0)),
            "event"
        );
    }

    /// On the same set that the limit is projected to, as event and as point.
    #[test]
    fn a_set_of_moments_is_an_event_of_the_mean() {
        let faces = |d| DMatrix::from_fn(6, d, |i, j| ((i + 1) as f64).powi(1 + j as i32));
        let within = Constraint::Within {
            centre: 4.75,
            radius: 0.25,
        };
        for (constraint, event) in [
            (within, MeanEvent::Between(4.5, 5.0)),
            (Constraint::Equal(4.5), MeanEvent::Equal(4.5)),
        ] {
            let set = MomentSet::new(faces(1), [constraint]).unwrap();
            let found = condition_on_moments(&die(), &set, 20).unwrap();
            assert_eq!(found, condition(&die(), &FACES, 20, event).unwrap());
            let projected = set.project(die().as_slice()).unwrap();
            for (a, b) in found
                .limit
                .probabilities
                .iter()
                .zip(&projected.probabilities)
            {
                assert!((a - b).abs() < 1e-14);
            }
        }
        let argument = |set: MomentSet, n| match condition_on_moments(&die(), &set, n) {
            Err(MaximumEntropyError::Argument(e)) => e.argument,
            other => panic!("{other:?}"),
        };
        let two = MomentSet::new(faces(2), [within, Constraint::Equal(25.0)]).unwrap();
        assert_eq!(argument(two, 20), "set");
        let one = MomentSet::new(faces(1), [within]).unwrap();
        assert_eq!(argument(one, 0), "n");
        let five = DMatrix::from_column_slice(5, 1, &FACES[..5]);
        let short = MomentSet::new(five, [within]).unwrap();
        assert_eq!(argument(short, 20), "feature");
    }

    /// All draws at the end of the support: the law restricted to the end, for every `n` as in the limit.
    #[test]
    fn at_an_end_of_the_support_the_limit_is_the_law_of_the_end() {
        let law = Probabilities::new([0.2, 0.5, 0.1, 0.2]).unwrap();
        let feature = [3.0, 0.0, 3.0, 1.0];
        for (event, exact, multiplier) in [
            (
                MeanEvent::AtLeast(3.0),
                [2.0 / 3.0, 0.0, 1.0 / 3.0, 0.0],
                f64::INFINITY,
            ),
            (
                MeanEvent::AtMost(0.0),
                [0.0, 1.0, 0.0, 0.0],
                f64::NEG_INFINITY,
            ),
        ] {
            for n in [1, 5] {
                let found = condition(&law, &feature, n, event).unwrap();
                for (found, exact) in found.probabilities.iter().zip(exact) {
                    assert!((found - exact).abs() < 1e-15);
                }
                assert!(found.total_variation < 1e-15);
                assert_eq!(found.limit.multipliers, [multiplier]);
                let log = n as f64 * -found.limit.divergence;
                assert!((found.log_event_probability - log).abs() < 1e-14);
                assert!(block_distance(&law, &feature, n, n, event).unwrap() < 1e-15);
            }
        }
    }

    /// Diaconis and Freedman: of order `k/n`, with blocks whose probabilities are below the range of `f64`.
    #[test]
    fn blocks_of_thousands_have_a_distance() {
        let event = MeanEvent::AtLeast(4.5);
        let distance = |n, k| block_distance(&die(), &FACES, n, k, event).unwrap();
        let (small, large) = (distance(40_000, 200), distance(400_000, 2_000));
        assert!(small > 1e-3 && small < 0.02, "{small}");
        assert!((large / small - 1.0).abs() < 0.05, "{small} {large}");
        // All of them: the conditioned law has no mass below the event, the limit has about half.
        let all = distance(4_000, 4_000);
        assert!(all > 0.4 && all < 1.0, "{all}");
    }
}
