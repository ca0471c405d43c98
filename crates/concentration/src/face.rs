//! Which outcomes a set of laws given by means allows at all: the face of the simplex that the set lies in.

use ergodic_core::Interval;
use nalgebra::DMatrix;

/// Probabilities below this count as 0, where features reach from −1 to 1.
const NOTHING: f64 = 1e-11;

/// A reduced cost or a pivot below this counts as 0.
const ROUNDING: f64 = 1e-9;

/// Pivots of one search for each column, before it is given up: a few are usual.
const MOST_PIVOTS: usize = 200;

/// The smallest face that holds all laws of a set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Face {
    /// No law is in the set: the feature that is missed by most when the sum of misses is least, and its mean then.
    Empty { feature: usize, found: f64 },
    /// The pivots ran out: rounding made them cycle.
    Unknown,
    /// Some law of the set has these outcomes, increasing, and none has another. The direction `e` exposes
    /// the face: `e·f` is largest on these, if others exist.
    States {
        states: Vec<usize>,
        direction: Vec<f64>,
    },
}

/// The outcomes of `possible` that a law with `aⱼ ≤ E fⱼ ≤ bⱼ` can have, by the simplex method.
///
/// First any such law is sought, then ones that have as much as possible of the outcomes that none had so far, until
/// that is 0; the prices of the last programme expose the face. Cost: `O(d m)` a pivot for `d` features and `m`
/// outcomes, and some pivots for each outcome.
pub(crate) fn face(features: &DMatrix<f64>, possible: &[usize], means: &[Interval]) -> Face {
    let mut programme = Programme::new(features, possible, means);
    if programme.seek(&programme.costs_of_misses(), |_| false) == Sought::OutOfPivots {
        return Face::Unknown;
    }
    if let Some(row) = programme.worst_miss() {
        let feature = programme.rows[row].map_or(0, |r| r.0);
        let found = programme.mean(features, possible, feature);
        return Face::Empty { feature, found };
    }
    programme.drop_misses();
    let mut unseen = vec![true; possible.len()];
    loop {
        for (row, &column) in programme.basis.iter().enumerate() {
            if column < unseen.len() && programme.value(row) > NOTHING {
                unseen[column] = false;
            }
        }
        let costs = programme.costs_of(&unseen);
        let seen = |p: &Programme| {
            (0..p.basis.len())
                .any(|row| unseen.get(p.basis[row]).is_some_and(|u| *u) && p.value(row) > NOTHING)
        };
        match programme.seek(&costs, seen) {
            Sought::Met => {}
            Sought::Least => break, // the most that these can have is nothing
            Sought::OutOfPivots => return Face::Unknown,
        }
    }
    let costs = programme.costs_of(&unseen);
    let direction = programme.prices(&costs);
    let states = (possible.iter().zip(&unseen))
        .filter(|(_, unseen)| !**unseen)
        .map(|(i, _)| *i)
        .collect();
    Face::States { states, direction }
}

/// How a search among the vertices ended.
#[derive(PartialEq)]
enum Sought {
    /// The condition is met.
    Met,
    /// The costs are least, and it is not.
    Least,
    /// After [`MOST_PIVOTS`] for each column.
    OutOfPivots,
}

/// A linear programme in a tableau: laws on outcomes, means as equations with slacks, and what each equation is
/// missed by.
struct Programme {
    /// A row per equation: coefficients of outcomes, slacks and misses, and the value.
    tableau: DMatrix<f64>,
    basis: Vec<usize>,
    /// Of each equation: its feature, and ±1/unit of its scale; none of that for the sum.
    rows: Vec<Option<(usize, f64)>>,
    outcomes: usize,
    slacks: usize,
    /// Columns from here on are misses, which do not enter once they are gone.
    features: usize,
}

impl Programme {
    fn new(features: &DMatrix<f64>, possible: &[usize], means: &[Interval]) -> Self {
        let outcomes = possible.len();
        // Coefficients of the outcomes, of the slack, value, feature with scale.
        let mut equations = vec![(vec![1.0; outcomes], 0.0, 1.0, None)];
        for (j, mean) in means.iter().enumerate() {
            let values = || possible.iter().map(|i| features[(*i, j)]);
            let low = values().fold(f64::INFINITY, f64::min);
            let high = values().fold(f64::NEG_INFINITY, f64::max);
            let (centre, unit) = (0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low);
            if unit <= 0.0 {
                continue;
            }
            let scaled = |x: f64| (x - centre) / unit;
            let row: Vec<f64> = values().map(scaled).collect();
            if mean.lower == mean.upper {
                equations.push((row, 0.0, scaled(mean.lower), Some((j, 1.0 / unit))));
                continue;
            }
            if mean.lower > low {
                let value = scaled(mean.lower);
                equations.push((row.clone(), -1.0, value, Some((j, 1.0 / unit))));
            }
            if mean.upper < high {
                equations.push((row, 1.0, scaled(mean.upper), Some((j, 1.0 / unit))));
            }
        }
        let m = equations.len();
        let slacks = equations.iter().filter(|e| e.1 != 0.0).count();
        let misses = outcomes + slacks;
        let mut tableau = DMatrix::zeros(m, misses + m + 1);
        let mut rows = Vec::with_capacity(m);
        let mut slack = outcomes;
        for (r, (row, sign, value, feature)) in equations.into_iter().enumerate() {
            let turn = if value < 0.0 { -1.0 } else { 1.0 };
            for (c, x) in row.iter().enumerate() {
                tableau[(r, c)] = turn * x;
            }
            if sign != 0.0 {
                tableau[(r, slack)] = turn * sign;
                slack += 1;
            }
            tableau[(r, misses + r)] = 1.0;
            tableau[(r, misses + m)] = turn * value;
            rows.push(feature.map(|(j, scale): (usize, f64)| (j, turn * scale)));
        }
        Self {
            tableau,
            basis: (misses..misses + m).collect(),
            rows,
            outcomes,
            slacks,
            features: means.len(),
        }
    }

    fn misses(&self) -> usize {
        self.outcomes + self.slacks
    }

    fn value(&self, row: usize) -> f64 {
        self.tableau[(row, self.tableau.ncols() - 1)]
    }

    fn costs_of_misses(&self) -> Vec<f64> {
        let columns = self.tableau.ncols() - 1;
        (0..columns)
            .map(|c| f64::from(u8::from(c >= self.misses())))
            .collect()
    }

    /// −1 for each of these outcomes.
    fn costs_of(&self, wanted: &[bool]) -> Vec<f64> {
        let mut costs = vec![0.0; self.tableau.ncols() - 1];
        for (cost, wanted) in costs.iter_mut().zip(wanted) {
            *cost = -f64::from(u8::from(*wanted));
        }
        costs
    }

    /// `c − c_B B⁻¹A` of a column.
    fn reduced(&self, costs: &[f64], column: usize) -> f64 {
        let basic: f64 = (self.basis.iter().enumerate())
            .map(|(row, b)| costs[*b] * self.tableau[(row, column)])
            .sum();
        costs[column] - basic
    }

    /// Pivots by Bland's rule, which does not cycle but for rounding, until the costs are least or a condition is
    /// met.
    fn seek(&mut self, costs: &[f64], met: impl Fn(&Self) -> bool) -> Sought {
        for _ in 0..MOST_PIVOTS * self.tableau.ncols() {
            let entering = (0..self.misses()).find(|c| self.reduced(costs, *c) < -ROUNDING);
            let Some(column) = entering else {
                return Sought::Least;
            };
            let mut leaving: Option<(f64, usize)> = None;
            for row in 0..self.basis.len() {
                let pivot = self.tableau[(row, column)];
                if pivot > ROUNDING {
                    let ratio = (self.value(row) / pivot).max(0.0);
                    let better = leaving.is_none_or(|(least, other)| {
                        ratio < least || ratio == least && self.basis[row] < self.basis[other]
                    });
                    if better {
                        leaving = Some((ratio, row));
                    }
                }
            }
            let Some((_, row)) = leaving else {
                return Sought::Least; // laws are bounded: rounding only
            };
            self.pivot(row, column);
            if met(self) {
                return Sought::Met;
            }
        }
        Sought::OutOfPivots
    }

    fn pivot(&mut self, row: usize, column: usize) {
        let pivot = self.tableau[(row, column)];
        let scaled = self.tableau.row(row) / pivot;
        for other in 0..self.basis.len() {
            let factor = self.tableau[(other, column)];
            if other != row && factor != 0.0 {
                let mut rest = self.tableau.row_mut(other);
                rest -= &scaled * factor;
            }
        }
        self.tableau.set_row(row, &scaled);
        self.basis[row] = column;
    }

    /// The equation that is missed by most, if one is; that of the sum only if it is the only one.
    fn worst_miss(&self) -> Option<usize> {
        let misses = self.misses();
        let missed = (0..self.basis.len())
            .filter(|row| self.basis[*row] >= misses && self.value(*row) > ROUNDING);
        missed
            .map(|row| (self.value(row), self.basis[row] - misses))
            .max_by_key(|(miss, equation)| {
                let of_a_feature = self.rows[*equation].is_some();
                (of_a_feature, miss.to_bits()) // misses are above 0
            })
            .map(|(_, equation)| equation)
    }

    /// Misses of 0 leave the basis, but for those of equations that others imply.
    fn drop_misses(&mut self) {
        for row in 0..self.basis.len() {
            if self.basis[row] >= self.misses() {
                let column = (0..self.misses()).find(|c| self.tableau[(row, *c)].abs() > ROUNDING);
                if let Some(column) = column {
                    self.pivot(row, column);
                }
            }
        }
    }

    /// The price of each feature, in its own unit: the outcomes wanted are below the others in its direction.
    fn prices(&self, costs: &[f64]) -> Vec<f64> {
        let mut direction = vec![0.0; self.features];
        for (equation, row) in self.rows.iter().enumerate() {
            if let Some((j, scale)) = row {
                let price = -self.reduced(costs, self.misses() + equation);
                if price.abs() > ROUNDING {
                    direction[*j] += price * scale;
                }
            }
        }
        direction
    }

    /// The mean of a feature under the law of the basis, whose sum may be missed too.
    fn mean(&self, features: &DMatrix<f64>, possible: &[usize], feature: usize) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, column) in self.basis.iter().enumerate() {
            if *column < self.outcomes {
                sum += self.value(row) * features[(possible[*column], feature)];
                total += self.value(row);
            }
        }
        if total > 0.0 { sum / total } else { 0.0 }
    }
}
