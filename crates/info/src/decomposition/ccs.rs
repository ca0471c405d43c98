//! The redundancy of Ince: pointwise common change in surprisal.

use ergodic_math::Real;
use nalgebra::{DMatrix, DVector};

use super::{Antichain, Redundancy, SourceSet, Sources, check_collection, pointwise};
use crate::interior::Ridged;
use crate::{InfoError, Information};

/// `I_ccs(T; A₁, …, A_k) = Σ p̂(a₁, …, a_k, t) c(a₁; …; a_k; t)` over the cells where the pointwise
/// informations `i(a_j; t)`, that of all together `i(a₁, …, a_k; t)`, and the pointwise
/// co-information `c = −Σ_{∅ ≠ J} (−1)^{|J|} i(a_J; t)` have one sign (Ince, *Entropy* 19, 318,
/// 2017).
///
/// `p̂` is the law of greatest entropy with the given law of the sources `(A₁, …, A_k)` and of each
/// pair `(A_j, T)`: what the pairs alone imply. With one set, the result is `I(T; A)`. Parts can be
/// negative: misinformation that only one source brings.
///
/// **Cost**: one concave maximisation per collection, some tens of Newton steps of `O(n³)` with
/// `n = |T| Σ |A_j|`.
///
/// **When not**: where negative parts have no meaning to you, and where small changes of the law
/// must have small effects: a pointwise value that passes through 0 switches its cell on or off.
/// Values within 1e-9 nats of 0 count as 0.
///
/// ```
/// use ergodic_info::Table;
/// use ergodic_info::decomposition::{CommonChange, Redundancy};
///
/// let and = Table::new(&[("x", 2), ("y", 2), ("t", 2)],
///     [0.25, 0.0, 0.25, 0.0, 0.25, 0.0, 0.0, 0.25])?;
/// let (x, y, t) = (and.variables(["x"])?, and.variables(["y"])?, and.variables(["t"])?);
/// let parts = CommonChange.two_sources(&and, t, [x, y])?;
/// assert!((parts.redundancy.bits() - 0.25 * (4f64 / 3.0).log2()).abs() < 1e-9);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommonChange;

/// Pointwise values within this count as zero.
const ZERO: f64 = 1e-9;

/// The largest deviation of a pair law that is accepted.
const TOLERANCE: f64 = 1e-11;

impl Redundancy for CommonChange {
    fn redundancy(&self, law: &Sources, collection: &Antichain) -> Result<Information, InfoError> {
        check_collection(law, collection)?;
        let sets = collection.sets();
        if let [alone] = sets {
            return Ok(law.amount(*alone));
        }
        let all = sets
            .iter()
            .fold(SourceSet::from_bits(0), |a, s| a.union(*s));
        let joint = Restricted::new(law, all, sets).greatest_entropy()?;
        // The pointwise informations of each group of sets, by their union.
        let target = law.target_law();
        let groups = 1usize << sets.len();
        let union = |group: usize| {
            let members = sets.iter().enumerate().filter(|(i, _)| group >> i & 1 == 1);
            members.fold(SourceSet::from_bits(0), |a, (_, s)| a.union(*s))
        };
        let tables: Vec<(SourceSet, Vec<f64>)> = (1..groups)
            .map(|group| (union(group), joint.marginal(union(group))))
            .collect();
        let mut sum = 0.0;
        for (u, row) in joint.cells.chunks_exact(target.len()).enumerate() {
            for (t, p) in row.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                let mut values = Vec::with_capacity(groups);
                let mut common = 0.0;
                for (i, (set, table)) in tables.iter().enumerate() {
                    let start = joint.places(*set)[u] * target.len();
                    let cells = &table[start..start + target.len()];
                    let value = pointwise(cells[t], cells.iter().sum(), target[t]);
                    let odd = (i + 1).count_ones() % 2 == 1;
                    common += if odd { value } else { -value };
                    // Those of single sets and of all count for the sign.
                    if (i + 1).is_power_of_two() || i + 2 == groups {
                        values.push(value);
                    }
                }
                values.push(common);
                let same = |s: f64| values.iter().all(|v| s * v > ZERO);
                if same(1.0) || same(-1.0) {
                    sum += p * common;
                }
            }
        }
        Ok(Information::from_nats(sum))
    }
}

/// The law of some sources and the target, of which the law of the sources and those of
/// `(A_j, T)` are to be kept.
struct Restricted<'a> {
    law: &'a Sources,
    all: SourceSet,
    /// `p(u, t)`.
    cells: Vec<f64>,
    /// For each `u` the first parameter of its row `a_j`, for each `j`.
    rows: Vec<Vec<usize>>,
    /// `p(a_j, t)` one after another.
    pairs: Vec<f64>,
}

/// A law of some sources and the target.
struct Joint<'a> {
    law: &'a Sources,
    all: SourceSet,
    cells: Vec<f64>,
}

impl Joint<'_> {
    /// The joint value of a subset for each joint value of all.
    fn places(&self, set: SourceSet) -> Vec<usize> {
        places(self.law, self.all, set)
    }

    fn marginal(&self, set: SourceSet) -> Vec<f64> {
        let targets = self.law.target;
        let mut marginal = vec![0.0; self.law.size(set) * targets];
        let places = self.places(set);
        for (row, place) in self.cells.chunks_exact(targets).zip(places) {
            for (sum, p) in marginal[place * targets..].iter_mut().zip(row) {
                *sum += p;
            }
        }
        marginal
    }
}

/// For each joint value of `all` the joint value of `set ⊆ all`.
fn places(law: &Sources, all: SourceSet, set: SourceSet) -> Vec<usize> {
    let mut result = vec![0; law.size(all)];
    let full = law.cells.len() / law.target;
    for row in 0..full {
        result[law.place(row, all)] = law.place(row, set);
    }
    result
}

impl<'a> Restricted<'a> {
    fn new(law: &'a Sources, all: SourceSet, sets: &[SourceSet]) -> Self {
        let mut rows = vec![Vec::new(); law.size(all)];
        let mut pairs = Vec::new();
        for set in sets {
            for (row, place) in rows.iter_mut().zip(places(law, all, *set)) {
                row.push(pairs.len() + place * law.target);
            }
            pairs.extend(law.joint(*set));
        }
        Self {
            law,
            all,
            cells: law.joint(all),
            rows,
            pairs,
        }
    }

    /// Maximises the entropy: `q(u, t) = p(u) softmax_t Σ_j θ_j(a_j, t)` over the `t` that all pairs
    /// allow, where `θ` maximises the concave `Σ p(a_j, t) θ_j − Σ p(u) log Σ_t exp Σ_j θ_j`. Where
    /// the optimum has zeros that the pairs do not show, `θ` runs to infinity by about one per step
    /// and the zeros fall as `e^{−k}`.
    fn greatest_entropy(&self) -> Result<Joint<'a>, InfoError> {
        let n = self.pairs.len();
        let mut theta = vec![0.0; n];
        let (mut value, mut cells) = self.evaluate(&theta);
        let mut iterations = 0;
        let largest = |gradient: &DVector<f64>| gradient.amax();
        let mut gradient = self.gradient(&cells);
        while largest(&gradient) > 1e-15 && iterations < 500 {
            iterations += 1;
            let mut hessian = self.hessian(&cells);
            // Directions that change nothing, and flat ones, get a step no longer than this allows.
            let ridge = 1e-2 * largest(&gradient).min(0.1);
            for i in 0..n {
                hessian[(i, i)] += ridge;
            }
            let Some(factors) = Ridged::new(&hessian) else {
                break;
            };
            let step = factors.solve(&gradient);
            let slope = gradient.dot(&step);
            // Scores are sums of terms of this size.
            let rounding = 1e-14 * (1.0 + theta.iter().map(|t: &f64| t.abs()).fold(0.0, f64::max));
            let mut length = 1.0;
            let accepted = loop {
                let moved: Vec<f64> = (theta.iter().zip(&step))
                    .map(|(a, b)| a + length * b)
                    .collect();
                let (new_value, new_cells) = self.evaluate(&moved);
                let new_gradient = self.gradient(&new_cells);
                // A fair share of the rise that the slope promises: a saturated softmax would
                // otherwise be left for the other side, and so on.
                let rises = new_value >= value + 0.1 * length * slope;
                let settles =
                    largest(&new_gradient) < largest(&gradient) && new_value >= value - rounding;
                if rises || settles {
                    (theta, value, cells, gradient) = (moved, new_value, new_cells, new_gradient);
                    break true;
                }
                length *= 0.5;
                if length < 1e-10 {
                    break false;
                }
            };
            if !accepted {
                break;
            }
        }
        if largest(&gradient) > TOLERANCE {
            return Err(InfoError::NotConverged {
                quantity: "greatest entropy with given pair laws",
                gap: largest(&gradient),
                tolerance: TOLERANCE,
                iterations,
            });
        }
        Ok(Joint {
            law: self.law,
            all: self.all,
            cells,
        })
    }

    /// The dual value and `q`.
    fn evaluate(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        let targets = self.law.target;
        let mut value = 0.0;
        let mut cells = vec![0.0; self.cells.len()];
        let mut scores = vec![0.0; targets];
        for (u, row) in self.rows.iter().enumerate() {
            let p: f64 = self.cells[u * targets..(u + 1) * targets].iter().sum();
            if p == 0.0 {
                continue;
            }
            for (t, score) in scores.iter_mut().enumerate() {
                let allowed = row.iter().all(|start| self.pairs[start + t] > 0.0);
                *score = if allowed {
                    row.iter().map(|start| theta[start + t]).sum()
                } else {
                    f64::NEG_INFINITY
                };
            }
            let log_sum = ergodic_math::special::log_sum_exp(&scores);
            let known = &self.cells[u * targets..];
            for (t, score) in scores.iter().enumerate() {
                cells[u * targets + t] = p * Real::exp(score - log_sum);
                // Term by term Σ p(u, t) ln q(t|u), which is the same and does not cancel.
                if known[t] > 0.0 {
                    value += known[t] * (score - log_sum);
                }
            }
        }
        (value, cells)
    }

    /// `p(a_j, t) − q(a_j, t)`.
    fn gradient(&self, cells: &[f64]) -> DVector<f64> {
        let targets = self.law.target;
        let mut gradient = DVector::from_column_slice(&self.pairs);
        for (row, cells) in self.rows.iter().zip(cells.chunks_exact(targets)) {
            for start in row {
                for (t, q) in cells.iter().enumerate() {
                    gradient[start + t] -= q;
                }
            }
        }
        gradient
    }

    /// The negative second derivative: `Σ_u q(u,t)(δ_tt' − q(t'|u))`.
    fn hessian(&self, cells: &[f64]) -> DMatrix<f64> {
        let (n, targets) = (self.pairs.len(), self.law.target);
        let mut hessian = DMatrix::zeros(n, n);
        for (row, cells) in self.rows.iter().zip(cells.chunks_exact(targets)) {
            let total: f64 = cells.iter().sum();
            if total == 0.0 {
                continue;
            }
            for t in 0..targets {
                for s in 0..targets {
                    // The diagonal from the others, so that it keeps its digits.
                    let entry = if t == s {
                        cells[t] * (total - cells[t]).max(0.0) / total
                    } else {
                        -cells[t] * cells[s] / total
                    };
                    for a in row {
                        for b in row {
                            hessian[(a + t, b + s)] += entry;
                        }
                    }
                }
            }
        }
        hessian
    }
}
