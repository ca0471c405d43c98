//! Iterative proportional fitting: the table nearest to another one whose marginals are given.

use std::fmt;

use ergodic_core::ArgumentError;
use ergodic_info::Table;
use ergodic_math::Real;
use ergodic_math::reduce::dot;

/// Why no table was found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ProportionalFittingError {
    /// An argument outside its domain.
    Argument(ArgumentError),
    /// Two marginals disagree about the variables that they share.
    Conflict {
        /// The numbers of the two.
        marginals: (usize, usize),
        /// The variables that both have.
        variables: Vec<String>,
        /// Values of these variables.
        cell: Vec<usize>,
        /// The probabilities that the two give to them.
        asked: (f64, f64),
    },
    /// A marginal asks for a probability where the base has none.
    Impossible {
        /// The marginal.
        marginal: usize,
        /// The values of its variables.
        cell: Vec<usize>,
        /// The probability asked for.
        asked: f64,
    },
    /// No table with the zeros of the base has these marginals: the dual reached a value above every
    /// possible divergence.
    Infeasible {
        /// The marginal that is missed most.
        marginal: usize,
        /// Values of its variables.
        cell: Vec<usize>,
        /// The probability asked for.
        asked: f64,
        /// What it comes to.
        found: f64,
    },
    /// The cycles ran out: there is no such table though the marginals nearly agree, or it needs zeros that
    /// neither base nor marginals have, which are approached slower than linearly.
    NotConverged {
        /// The duality gap, in nats.
        gap: f64,
        /// By how much a marginal is still missed.
        violation: f64,
        /// Cycles through the marginals.
        cycles: usize,
    },
}

impl fmt::Display for ProportionalFittingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(error) => error.fmt(f),
            Self::Conflict {
                marginals: (a, b),
                variables,
                cell,
                asked,
            } => write!(
                f,
                "marginals {a} and {b} disagree: to {variables:?} = {cell:?} they give {} and {}",
                asked.0, asked.1
            ),
            Self::Impossible {
                marginal,
                cell,
                asked,
            } => write!(
                f,
                "marginal {marginal} asks for {asked} at {cell:?}, where the base has nothing"
            ),
            Self::Infeasible {
                marginal,
                cell,
                asked,
                found,
            } => write!(
                f,
                "no table has these marginals and the zeros of the base: marginal {marginal} asks for \
                 {asked} at {cell:?} and gets {found}"
            ),
            Self::NotConverged {
                gap,
                violation,
                cycles,
            } => write!(
                f,
                "after {cycles} cycles a marginal is missed by {violation:e}, with a duality gap of \
                 {gap:e} nats"
            ),
        }
    }
}

impl std::error::Error for ProportionalFittingError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Argument(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ArgumentError> for ProportionalFittingError {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}

/// The joint law with given marginals that diverges least from a base law: maximum entropy where the
/// features are the indicators of the marginals' cells, the information projection of the base.
///
/// `p = q ∏ₖ exp λₖ(x_{Sₖ})` minimises `KL(p‖q)` among the laws with `p(x_{Sₖ}) = tₖ`. Each step divides
/// by one marginal as it is and multiplies by it as it is to be, an exact maximisation of the dual
/// `Σₖ Σ tₖ λₖ − log Z` in `λₖ` (Deming and Stephan, *Ann. Math. Statist.* 11, 1940; that it converges to the
/// projection: Csiszár, *Ann. Probab.* 3, 1975). Marginals may overlap. Cells where the base or a marginal is 0
/// stay 0. One cycle suffices where the sets `Sₖ` are decomposable; otherwise the miss falls by a
/// constant factor per cycle, which is near 1 where the marginals force near-zeros.
///
/// Cost of a cycle: the size of the table times the number of marginals; memory four bytes each of those
/// beside a few tables.
///
/// Use [`MaximumEntropy`](super::MaximumEntropy) for moments of other features than indicators, and for
/// tolerances on the marginals.
///
/// ```
/// use ergodic_expfam::ProportionalFitting;
/// use ergodic_info::Table;
///
/// // A survey's table of age and answer, weighted to the ages of the census.
/// let survey = Table::from_counts(&[("age", 2), ("answer", 2)], &[10, 30, 40, 20])?;
/// let census = Table::new(&[("age", 2)], [0.5, 0.5])?;
/// let fit = ProportionalFitting::new(survey).fit(&[census])?;
/// assert!((fit.table.probability(&[0, 1])? - 0.5 * 0.75).abs() < 1e-15);
/// assert!(fit.gap.abs() < 1e-12 && fit.violation < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ProportionalFitting {
    base: Table,
    tolerance: f64,
    cycles: usize,
}

/// A table with its marginals fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedTable {
    /// The law, with the variables of the base.
    pub table: Table,
    /// `λₖ` of each marginal by its cells; `−∞` where the marginal is 0. One choice of many: constants move
    /// between marginals.
    pub multipliers: Vec<Vec<f64>>,
    /// `KL(p‖q)`, in nats.
    pub divergence: f64,
    /// The divergence less the value of the dual, in nats: the divergence is within this of the least
    /// possible, but for what is left of [`violation`](Self::violation).
    pub gap: f64,
    /// By how much the probability of a cell of a marginal is missed at most.
    pub violation: f64,
    /// Cycles through the marginals.
    pub cycles: usize,
}

/// By how much overlapping marginals may disagree by rounding of their own.
const AGREEMENT: f64 = 1e-9;

/// A marginal as cells, and to which of them each cell of the table belongs.
struct Marginal {
    target: Vec<f64>,
    shape: Vec<usize>,
    place: Vec<u32>,
}

impl Marginal {
    fn new(base: &Table, number: usize, marginal: &Table) -> Result<Self, ArgumentError> {
        // The step in the marginal's cells for each variable of the base.
        let mut strides = vec![0usize; base.shape().len()];
        let mut stride = 1;
        for (name, size) in marginal.names().iter().zip(marginal.shape()).rev() {
            let at = base.names().iter().position(|n| n == name);
            let Some(at) = at.filter(|at| base.shape()[*at] == *size) else {
                return Err(ArgumentError::new(
                    "marginals",
                    format!("{name:?} with {size} values in number {number}"),
                    format!(
                        "variables of the base, {:?} with {:?} values",
                        base.names(),
                        base.shape()
                    ),
                ));
            };
            strides[at] = stride;
            stride *= size;
        }
        let mut place = vec![0u32];
        place.reserve(base.probabilities().len());
        for (size, stride) in base.shape().iter().zip(&strides) {
            // A table has fewer cells than 2³².
            place = (place.iter())
                .flat_map(|p| (0..*size).map(move |v| p + (v * stride) as u32))
                .collect();
        }
        Ok(Self {
            target: marginal.probabilities().as_slice().to_vec(),
            shape: marginal.shape().to_vec(),
            place,
        })
    }

    fn of(&self, law: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.target.len()];
        let mut rests = vec![0.0; self.target.len()];
        for (place, p) in self.place.iter().zip(law) {
            let place = *place as usize;
            let (sum, rest) = ergodic_math::reduce::two_sum(sums[place], *p);
            sums[place] = sum;
            rests[place] += rest;
        }
        sums.iter().zip(rests).map(|(s, r)| s + r).collect()
    }

    /// The values of the variables at a cell.
    fn values(&self, cell: usize) -> Vec<usize> {
        values(&self.shape, cell)
    }
}

fn values(shape: &[usize], mut cell: usize) -> Vec<usize> {
    let mut values: Vec<usize> = shape
        .iter()
        .rev()
        .map(|size| {
            let value = cell % size;
            cell /= size;
            value
        })
        .collect();
    values.reverse();
    values
}

impl ProportionalFitting {
    /// Of a base law: uniform for the largest entropy, a table of counts for weighting it.
    pub fn new(base: Table) -> Self {
        Self {
            base,
            tolerance: 1e-12,
            cycles: 10_000,
        }
    }

    /// By how much a marginal's cell may be missed; 1e-12 unless said otherwise.
    ///
    /// # Errors
    /// If it is not between 1e-15 and 0.1.
    pub fn tolerance(mut self, tolerance: f64) -> Result<Self, ArgumentError> {
        if !(1e-15..=0.1).contains(&tolerance) {
            return Err(ArgumentError::new(
                "tolerance",
                tolerance,
                "from 1e-15 to 0.1",
            ));
        }
        self.tolerance = tolerance;
        Ok(self)
    }

    /// The most cycles through the marginals; 10,000 unless said otherwise.
    ///
    /// # Errors
    /// If there are none.
    pub fn cycles(mut self, cycles: usize) -> Result<Self, ArgumentError> {
        if cycles == 0 {
            return Err(ArgumentError::new("cycles", cycles, "at least 1"));
        }
        self.cycles = cycles;
        Ok(self)
    }

    /// The law with these marginals, tables over some of the base's variables, in any order.
    ///
    /// # Errors
    /// If there is none, one has a variable that the base does not have with as many values, two disagree on
    /// what they share, one asks for something where the base has nothing, no table meets them all, or the
    /// cycles run out.
    pub fn fit(&self, marginals: &[Table]) -> Result<FittedTable, ProportionalFittingError> {
        if marginals.is_empty() {
            return Err(ArgumentError::new("marginals", "an empty list", "at least one").into());
        }
        let targets = (marginals.iter().enumerate())
            .map(|(k, m)| Marginal::new(&self.base, k, m))
            .collect::<Result<Vec<_>, _>>()?;
        agree(marginals)?;
        let base = self.base.probabilities().as_slice();
        for (marginal, target) in targets.iter().enumerate() {
            let sums = target.of(base);
            let empty = |(asked, there): (&f64, &f64)| *asked > 0.0 && *there == 0.0;
            if let Some(cell) = target.target.iter().zip(&sums).position(empty) {
                return Err(ProportionalFittingError::Impossible {
                    marginal,
                    cell: target.values(cell),
                    asked: target.target[cell],
                });
            }
        }
        // No law has a larger divergence from the base than that on its rarest cell.
        let rarest = base.iter().copied().filter(|q| *q > 0.0);
        let largest = -Real::ln(rarest.fold(1.0, f64::min));
        let mut law = base.to_vec();
        let mut multipliers: Vec<Vec<f64>> =
            targets.iter().map(|t| vec![0.0; t.target.len()]).collect();
        let mut state = (f64::INFINITY, f64::INFINITY);
        for cycles in 1..=self.cycles {
            for (target, multipliers) in targets.iter().zip(&mut multipliers) {
                scale(target, multipliers, &mut law);
            }
            let judged = judge(&targets, &multipliers, &law);
            state = (judged.gap, judged.violation);
            if judged.violation <= self.tolerance {
                return self.answer(law, multipliers, &judged, cycles);
            }
            if judged.dual > largest + 1e-9 * (1.0 + largest) {
                let (marginal, cell) = judged.worst;
                return Err(ProportionalFittingError::Infeasible {
                    marginal,
                    cell: targets[marginal].values(cell),
                    asked: targets[marginal].target[cell],
                    found: judged.found,
                });
            }
        }
        Err(ProportionalFittingError::NotConverged {
            gap: state.0,
            violation: state.1,
            cycles: self.cycles,
        })
    }

    fn answer(
        &self,
        law: Vec<f64>,
        multipliers: Vec<Vec<f64>>,
        judged: &Judged,
        cycles: usize,
    ) -> Result<FittedTable, ProportionalFittingError> {
        let variables: Vec<(&str, usize)> = (self.base.names().iter())
            .map(String::as_str)
            .zip(self.base.shape().iter().copied())
            .collect();
        let table = Table::from_weights(&variables, law)
            .map_err(|error| ArgumentError::new("marginals", error, "of a law that sums to 1"))?;
        Ok(FittedTable {
            table,
            multipliers,
            divergence: (judged.dual + judged.gap).max(0.0), // of two laws: only rounding is below 0
            gap: judged.gap,
            violation: judged.violation,
            cycles,
        })
    }
}

/// Gives the law one of its marginals.
fn scale(target: &Marginal, multipliers: &mut [f64], law: &mut [f64]) {
    let factors: Vec<f64> = (target.of(law).iter().zip(&target.target))
        .map(|(there, asked)| if *there > 0.0 { asked / there } else { 0.0 })
        .collect();
    for (l, f) in multipliers.iter_mut().zip(&factors) {
        *l += Real::ln(*f);
    }
    for (p, place) in law.iter_mut().zip(&target.place) {
        *p *= factors[*place as usize];
    }
}

/// What the marginals of a law say.
struct Judged {
    gap: f64,
    violation: f64,
    dual: f64,
    /// Marginal and cell that are missed most, and what is there.
    worst: (usize, usize),
    found: f64,
}

fn judge(targets: &[Marginal], multipliers: &[Vec<f64>], law: &[f64]) -> Judged {
    let mut out = Judged {
        gap: 0.0,
        violation: 0.0,
        dual: 0.0,
        worst: (0, 0),
        found: 0.0,
    };
    for (k, (target, multipliers)) in targets.iter().zip(multipliers).enumerate() {
        let sums = target.of(law);
        // Where the multiplier is −∞, both laws have nothing.
        let finite: Vec<f64> = (multipliers.iter())
            .map(|l| if l.is_finite() { *l } else { 0.0 })
            .collect();
        let off: Vec<f64> = sums
            .iter()
            .zip(&target.target)
            .map(|(s, t)| s - t)
            .collect();
        // Of one length.
        out.gap += dot(&finite, &off).unwrap_or(f64::INFINITY);
        out.dual += dot(&finite, &target.target).unwrap_or(f64::INFINITY);
        for (cell, off) in off.iter().enumerate() {
            if off.abs() > out.violation {
                out.violation = off.abs();
                out.worst = (k, cell);
                out.found = sums[cell];
            }
        }
    }
    out
}

/// Whether each two marginals agree on the variables that they share.
fn agree(marginals: &[Table]) -> Result<(), ProportionalFittingError> {
    for (a, first) in marginals.iter().enumerate() {
        for (b, second) in marginals.iter().enumerate().skip(a + 1) {
            let shared: Vec<&String> = (first.names().iter())
                .filter(|n| second.names().contains(n))
                .collect();
            let law = |table: &Table| {
                table
                    .ordered(shared.iter().map(|n| n.as_str()))
                    .map_err(|error| ArgumentError::new("marginals", error, "tables"))
            };
            let (left, right) = (law(first)?, law(second)?);
            let cells = left.probabilities().as_slice().iter();
            let off = cells
                .zip(right.probabilities().as_slice())
                .position(|(p, q)| (p - q).abs() > AGREEMENT);
            if let Some(cell) = off {
                return Err(ProportionalFittingError::Conflict {
                    marginals: (a, b),
                    variables: shared.into_iter().cloned().collect(),
                    cell: values(left.shape(), cell),
                    asked: (
                        left.probabilities().as_slice()[cell],
                        right.probabilities().as_slice()[cell],
                    ),
                });
            }
        }
    }
    Ok(())
}
