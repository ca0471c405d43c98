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
    /// No table with the zeros of the base has these marginals. That is proved: by multipliers whose sum over
    /// the marginals of any table is below what the marginals ask for (Farkas), or a dual above every possible
    /// divergence.
    Infeasible {
        /// The marginals that contradict each other: those with a part in the proof.
        together: Vec<usize>,
        /// The marginal that is missed most.
        marginal: usize,
        /// Values of its variables.
        cell: Vec<usize>,
        /// The probability asked for.
        asked: f64,
        /// What it comes to.
        found: f64,
    },
    /// Some cells are 0 in every table with these marginals, though neither base nor marginals have them for
    /// zeros: multipliers have no end, and the fit approaches the zeros slower than linearly. That is proved by
    /// multipliers that are 0 on the other cells, at most −1 on these, and of mean 0 under the marginals, all to
    /// `10⁻⁸`: together these cells have less than `2·10⁻⁸` in any such table. Set these cells of the base to 0 for a fit that ends.
    Boundary {
        /// The values of the base's variables of each cell.
        cells: Vec<Vec<usize>>,
        /// That fit: the limit, and the law with these marginals that diverges least from the base.
        limit: Box<FittedTable>,
    },
    /// The cycles ran out: there is no such table though the marginals nearly agree, or it needs near-zeros.
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
                together,
                marginal,
                cell,
                asked,
                found,
            } => write!(
                f,
                "no table has the marginals {together:?} and the zeros of the base: marginal {marginal} asks \
                 for {asked} at {cell:?} and gets {found}"
            ),
            Self::Boundary { cells, .. } => write!(
                f,
                "every table with these marginals is 0 at {cells:?}, where the base is not"
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
/// constant factor per cycle, which is near 1 where the marginals force near-zeros. Where they force zeros that
/// the base does not have, or no table meets them, multipliers grow without end: from 64 cycles on, each time
/// their number has doubled, what they grew by is tried as a proof of the one or the other, and named.
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
        if let Some((marginal, cell)) = nothing_for(&targets, base) {
            return Err(ProportionalFittingError::Impossible {
                marginal,
                cell: targets[marginal].values(cell),
                asked: targets[marginal].target[cell],
            });
        }
        self.descend(base, &targets)
    }

    /// The fit of a base, which need not sum to 1.
    fn descend(
        &self,
        base: &[f64],
        targets: &[Marginal],
    ) -> Result<FittedTable, ProportionalFittingError> {
        /// The first number of cycles after which growth is tried as a proof.
        const FIRST: usize = 32;
        let mut law = base.to_vec();
        for target in targets {
            for (p, place) in law.iter_mut().zip(&target.place) {
                if target.target[*place as usize] == 0.0 {
                    *p = 0.0;
                }
            }
        }
        if let Some(worst) = nothing_for(targets, &law) {
            let all = (0..targets.len()).collect();
            return Err(infeasible(targets, worst, 0.0, all));
        }
        // No law has a larger divergence from the base than that on its rarest cell.
        let rarest = base.iter().copied().filter(|q| *q > 0.0);
        let largest = -Real::ln(rarest.fold(1.0, f64::min));
        let mut multipliers: Vec<Vec<f64>> =
            targets.iter().map(|t| vec![0.0; t.target.len()]).collect();
        let mut before = multipliers.clone();
        let mut state = (f64::INFINITY, f64::INFINITY);
        for cycles in 1..=self.cycles {
            for (target, multipliers) in targets.iter().zip(&mut multipliers) {
                scale(target, multipliers, &mut law)?;
            }
            let judged = judge(targets, &multipliers, &law);
            state = (judged.gap, judged.violation);
            if judged.violation <= self.tolerance {
                return self.answer(law, multipliers, &judged, cycles);
            }
            if judged.dual > largest + 1e-9 * (1.0 + largest) {
                let mut parts = multipliers;
                centre(targets, &mut parts);
                let (worst, found) = (judged.worst, judged.found);
                return Err(infeasible(targets, worst, found, parties(&parts)));
            }
            if cycles < FIRST || !cycles.is_power_of_two() {
                continue;
            }
            let growth: Vec<Vec<f64>> = (multipliers.iter().zip(&before))
                .map(|(now, then)| now.iter().zip(then).map(|(l, m)| l - m).collect())
                .collect();
            before.clone_from(&multipliers);
            // Marginals may disagree by rounding of their own, each cell of each.
            let agreement = 10.0 * AGREEMENT * targets.len() as f64;
            let proof = if cycles == FIRST {
                None
            } else {
                prove(base, targets, growth, agreement)
            };
            match proof {
                Some(Proof::Contradiction(together)) => {
                    return Err(infeasible(targets, judged.worst, judged.found, together));
                }
                Some(Proof::Zeros(zeros)) => {
                    return Err(self.with_zeros(base, targets, &zeros));
                }
                None => {}
            }
        }
        Err(ProportionalFittingError::NotConverged {
            gap: state.0,
            violation: state.1,
            cycles: self.cycles,
        })
    }

    /// Why there is no fit, of which it is known that these cells are to be 0.
    fn with_zeros(
        &self,
        base: &[f64],
        targets: &[Marginal],
        zeros: &[usize],
    ) -> ProportionalFittingError {
        let mut reduced = base.to_vec();
        for cell in zeros {
            reduced[*cell] = 0.0;
        }
        let mut cells: Vec<Vec<usize>> = (zeros.iter())
            .map(|cell| values(self.base.shape(), *cell))
            .collect();
        match self.descend(&reduced, targets) {
            Ok(limit) => ProportionalFittingError::Boundary {
                cells,
                limit: Box::new(limit),
            },
            Err(ProportionalFittingError::Boundary { cells: more, limit }) => {
                cells.extend(more);
                cells.sort_unstable();
                ProportionalFittingError::Boundary { cells, limit }
            }
            Err(other) => other,
        }
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

/// A marginal and a cell of it that asks for something where a base has nothing.
fn nothing_for(targets: &[Marginal], base: &[f64]) -> Option<(usize, usize)> {
    targets.iter().enumerate().find_map(|(marginal, target)| {
        let sums = target.of(base);
        let empty = |(asked, there): (&f64, &f64)| *asked > 0.0 && *there == 0.0;
        let cell = target.target.iter().zip(&sums).position(empty);
        cell.map(|cell| (marginal, cell))
    })
}

fn infeasible(
    targets: &[Marginal],
    (marginal, cell): (usize, usize),
    found: f64,
    together: Vec<usize>,
) -> ProportionalFittingError {
    ProportionalFittingError::Infeasible {
        together,
        marginal,
        cell: targets[marginal].values(cell),
        asked: targets[marginal].target[cell],
        found,
    }
}

/// Gives the law one of its marginals.
fn scale(target: &Marginal, multipliers: &mut [f64], law: &mut [f64]) -> Result<(), ArgumentError> {
    let factors: Vec<f64> = (target.of(law).iter().zip(&target.target))
        .map(|(there, asked)| if *asked > 0.0 { asked / there } else { 0.0 })
        .collect();
    if let Some(cell) = factors.iter().position(|f| !f.is_finite()) {
        return Err(ArgumentError::new(
            "base",
            format!("a law that is next to nothing at {:?}", target.values(cell)),
            "of probabilities that do not underflow on the way to the marginals",
        ));
    }
    for (l, f) in multipliers.iter_mut().zip(&factors) {
        *l += Real::ln(*f);
    }
    for (p, place) in law.iter_mut().zip(&target.place) {
        *p *= factors[*place as usize];
    }
    Ok(())
}

/// What multipliers that have no end prove.
enum Proof {
    /// No table has the marginals; these take part.
    Contradiction(Vec<usize>),
    /// These cells are 0 in every table with the marginals.
    Zeros(Vec<usize>),
}

/// What the growth of multipliers proves, if anything.
///
/// Let `a(x) = Σ u(x_{Sₖ})`, each `uₖ` of mean 0 under its marginal. A table `p` with the marginals has
/// `Σ p a = 0`, so that there is none if `a < 0` on the support, and if `a ≤ 0` there it is 0 where `a < 0`; or
/// `Σ p a = m` with parts of any mean, so that there is none if `m > 0` and `a ≤ 0`.
fn prove(
    base: &[f64],
    targets: &[Marginal],
    growth: Vec<Vec<f64>>,
    agreement: f64,
) -> Option<Proof> {
    /// Of the largest fall: what falls less may be on its way to a limit.
    const FALLS: f64 = 0.05;
    /// Of the largest multiplier.
    const ROUNDING: f64 = 1e-11;
    let mut growth = growth;
    centre(targets, &mut growth);
    let support: Vec<bool> = (0..base.len())
        .map(|cell| {
            let possible = |t: &Marginal| t.target[t.place[cell] as usize] > 0.0;
            base[cell] > 0.0 && targets.iter().all(possible)
        })
        .collect();
    let size = largest(&growth);
    if size == 0.0 || !size.is_finite() {
        return None;
    }
    let along = sums(targets, &growth);
    let (mut top, mut bottom) = (f64::NEG_INFINITY, f64::INFINITY);
    for (a, _) in along.iter().zip(&support).filter(|(_, s)| **s) {
        top = top.max(*a);
        bottom = bottom.min(*a);
    }
    if top < -agreement * size {
        return Some(Proof::Contradiction(parties(&growth)));
    }
    let zero: Vec<bool> = (along.iter().zip(&support))
        .map(|(a, s)| *s && *a < top - FALLS * (top - bottom))
        .collect();
    let free: Vec<bool> = support.iter().zip(&zero).map(|(s, z)| *s && !z).collect();
    if !zero.contains(&true) || !free.contains(&true) {
        return None;
    }
    // What is nothing beside the growth itself proves nothing.
    polish(targets, &free, &mut growth);
    let along = sums(targets, &growth);
    let rounding = ROUNDING * size;
    let mean: f64 = (targets.iter().zip(&growth))
        .map(|(t, u)| dot(&t.target, u).unwrap_or(f64::NAN))
        .sum();
    let flat = |(a, free): (&f64, &bool)| !free || a.abs() <= rounding;
    let falls = |(a, zero): (&f64, &bool)| !zero || *a <= -1e-3 * size;
    if !(along.iter().zip(&free).all(flat) && along.iter().zip(&zero).all(falls)) {
        return None;
    }
    if mean > agreement * size {
        centre(targets, &mut growth);
        return Some(Proof::Contradiction(parties(&growth)));
    }
    (mean.abs() <= rounding).then(|| {
        let cells = zero.iter().enumerate();
        Proof::Zeros(cells.filter_map(|(cell, z)| z.then_some(cell)).collect())
    })
}

/// Moves each marginal's part to a mean of 0 under it; parts of cells that are 0 do not count.
fn centre(targets: &[Marginal], parts: &mut [Vec<f64>]) {
    for (target, part) in targets.iter().zip(parts) {
        let counts = |t: &f64, u: f64| if *t > 0.0 && u.is_finite() { u } else { 0.0 };
        let terms = target.target.iter().zip(part.iter());
        let mean: f64 = terms.map(|(t, u)| t * counts(t, *u)).sum();
        for (u, t) in part.iter_mut().zip(&target.target) {
            *u = counts(t, *u - mean);
        }
    }
}

fn largest(parts: &[Vec<f64>]) -> f64 {
    let all = parts.iter().flatten();
    all.fold(0.0, |m: f64, u| m.max(u.abs()))
}

/// The marginals with a part of size.
fn parties(parts: &[Vec<f64>]) -> Vec<usize> {
    let enough = 1e-3 * largest(parts);
    let part = |k: &usize| parts[*k].iter().any(|u| u.abs() > enough);
    (0..parts.len()).filter(part).collect()
}

/// `Σ uₖ(x_{Sₖ})` at each cell.
fn sums(targets: &[Marginal], parts: &[Vec<f64>]) -> Vec<f64> {
    let cells = targets.first().map_or(0, |t| t.place.len());
    let mut out = vec![0.0; cells];
    for (target, part) in targets.iter().zip(parts) {
        for (o, place) in out.iter_mut().zip(&target.place) {
            *o += part[*place as usize];
        }
    }
    out
}

/// Takes from the parts what they are on the free cells, by least squares: conjugate gradients on the normal
/// equations (Hestenes and Stiefel, *J. Res. Natl. Bur. Stand.* 49, 1952).
fn polish(targets: &[Marginal], free: &[bool], parts: &mut [Vec<f64>]) {
    /// Most steps.
    const STEPS: usize = 500;
    let restricted = |parts: &[Vec<f64>]| -> Vec<f64> {
        let all = sums(targets, parts);
        all.iter()
            .zip(free)
            .map(|(a, f)| if *f { *a } else { 0.0 })
            .collect()
    };
    let adjoint =
        |cells: &[f64]| -> Vec<Vec<f64>> { targets.iter().map(|t| t.of(cells)).collect() };
    let square = |parts: &[Vec<f64>]| -> f64 { parts.iter().flatten().map(|x| x * x).sum() };
    let mut rest = restricted(parts);
    let mut s = adjoint(&rest);
    let mut direction = s.clone();
    let mut gamma = square(&s);
    let begun = gamma;
    for _ in 0..STEPS {
        if gamma <= 1e-30 * begun || gamma == 0.0 {
            break;
        }
        let image = restricted(&direction);
        let length = gamma / image.iter().map(|x| x * x).sum::<f64>();
        if !length.is_finite() {
            break;
        }
        for (part, d) in parts.iter_mut().flatten().zip(direction.iter().flatten()) {
            *part -= length * d;
        }
        for (r, q) in rest.iter_mut().zip(&image) {
            *r -= length * q;
        }
        s = adjoint(&rest);
        let next = square(&s);
        for (d, s) in direction.iter_mut().flatten().zip(s.iter().flatten()) {
            *d = s + next / gamma * *d;
        }
        gamma = next;
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
