//! Engines in finite time: the limit cycle of a driven chain between baths, exactly.

use ergodic_core::{ArgumentError, ExponentialFamily};
use nalgebra::{DMatrix, DVector};

use super::cycles::Cycle;
use super::markov::{Evolution, MarkovStep, StepRecord};
use super::stroke::StrokeKind;
use super::systems::Canonical;
use crate::domain;
use crate::families::Discrete;

/// A protocol of steps that is repeated for ever, and the ledger of one round in its limit.
///
/// The law of the state after a round, `p ↦ pM`, has one fixed point (found by squaring `M`); there energy
/// and entropy come back and what is left are work and the heats of the baths. `Σ_b Q_b/T_b ≤ 0` holds
/// exactly, so no protocol beats Carnot between its extreme baths.
///
/// ```
/// use ergodic_expfam::thermodynamics::{FiniteTimeCycle, MarkovStep};
///
/// // An Otto engine of two levels that meets each bath for an instant only.
/// let (wide, narrow) = ([0.0, 2.0], [0.0, 1.0]);
/// let engine = FiniteTimeCycle::new(&[
///     MarkovStep::thermalize(&wide, 0.25, 0.3)?,
///     MarkovStep::thermalize(&narrow, 1.0, 0.3)?,
/// ])?;
/// // Each jump carries heat 2 from the hot or 1 to the cold bath: 1 − 1/2 at any speed.
/// assert!((engine.efficiency().unwrap() - 0.5).abs() < 1e-14);
/// assert!(engine.entropy_production() > 0.0);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteTimeCycle {
    start: Evolution,
    records: Vec<StepRecord>,
    /// `(β, Q)` of each bath, the hottest first.
    baths: Vec<(f64, f64)>,
}

/// Squarings of the round's matrix at most: 2⁵⁰ rounds.
const SQUARINGS: usize = 50;

impl FiniteTimeCycle {
    /// The limit cycle of these steps.
    ///
    /// # Errors
    /// If there is no step or no bath, steps are of different numbers of states, or the rounds have no
    /// unique limit.
    pub fn new(steps: &[MarkovStep]) -> Result<Self, ArgumentError> {
        let Some(last) = steps.last() else {
            return Err(ArgumentError::new("steps", "empty", "at least one step"));
        };
        let n = last.energies().len();
        let mut round = DMatrix::identity(n, n);
        for step in steps {
            domain::length("steps", step.energies(), n)?;
            if let Some(kernel) = step.kernel() {
                round *= kernel;
            }
        }
        let limit = limit_law(round).ok_or_else(|| {
            ArgumentError::new(
                "steps",
                "a round without a unique limit",
                "a round whose baths connect all states",
            )
        })?;
        let start = Evolution::new(last.energies(), limit.as_slice())?;
        let records = start.clone().run(steps)?;
        let mut baths: Vec<(f64, f64)> = Vec::new();
        for (step, record) in steps.iter().zip(&records) {
            if let Some(beta) = step.beta() {
                match baths.iter_mut().find(|b| b.0 == beta) {
                    Some(bath) => bath.1 += record.heat,
                    None => baths.push((beta, record.heat)),
                }
            }
        }
        baths.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(Self {
            start,
            records,
            baths,
        })
    }

    /// A cycle of levels in `switches ≥ 1` switches per stroke, each followed, where the stroke meets a bath,
    /// by a thermalisation of strength in `(0, 1]` ([`MarkovStep::thermalize`]).
    ///
    /// Levels that stand for several states relax to `g e^{−βE}/Z`, as the cycle does.
    ///
    /// Strokes without a bath freeze the populations; these are the isentropic strokes of the cycle where all
    /// gaps scale together, as in a two-level system, and of higher energy elsewhere.
    ///
    /// # Errors
    /// As [`Stroke::trace`](super::Stroke::trace) and [`MarkovStep::thermalize`], and for no switches.
    pub fn follow(
        cycle: &Cycle,
        levels: &Canonical<Discrete>,
        switches: usize,
        strength: f64,
    ) -> Result<Self, ArgumentError> {
        if switches == 0 {
            return Err(ArgumentError::new("switches", 0, "at least 1"));
        }
        // Its base measure is the law of the family at the natural parameters 0, but for a factor.
        let family = levels.family();
        let degeneracies = family.probabilities(&vec![0.0; family.dim()])?;
        let mut steps = Vec::new();
        for stroke in cycle.strokes() {
            for state in &stroke.trace(levels, switches.saturating_add(1))?[1..] {
                let energies = levels.energies(state.work())?;
                steps.push(match stroke.kind() {
                    StrokeKind::Isentropic => MarkovStep::isolated(&energies)?,
                    _ => MarkovStep::thermalize_levels(
                        &energies,
                        &degeneracies,
                        stroke.end().beta(),
                        strength,
                    )?,
                });
            }
        }
        Self::new(&steps)
    }

    /// The law and the energies at the start of a round.
    pub fn start(&self) -> &Evolution {
        &self.start
    }

    /// The ledger of each step of a round.
    pub fn records(&self) -> &[StepRecord] {
        &self.records
    }

    /// `(β, Q)` of each bath over a round, the hottest first: heat taken up by the system.
    pub fn baths(&self) -> &[(f64, f64)] {
        &self.baths
    }

    /// `W` of a round, done on the system.
    pub fn work(&self) -> f64 {
        self.records.iter().map(|r| r.work).sum()
    }

    /// `−W` over the heat of all baths that give; `None` for a round that does no work.
    pub fn efficiency(&self) -> Option<f64> {
        let given: f64 = self.baths.iter().map(|b| b.1.max(0.0)).sum();
        let taken: f64 = self.baths.iter().map(|b| b.1.min(0.0)).sum();
        (given > 0.0 && given + taken > 0.0).then(|| 1.0 + taken / given)
    }

    /// `−Σ Q/T ≥ 0` over a round, in nats.
    pub fn entropy_production(&self) -> f64 {
        -self
            .baths
            .iter()
            .map(|(beta, heat)| beta * heat)
            .sum::<f64>()
    }
}

/// The row that all rows of `Mᵏ` tend to, if they do.
fn limit_law(mut round: DMatrix<f64>) -> Option<DVector<f64>> {
    let n = round.nrows();
    for _ in 0..SQUARINGS {
        let spread = (0..n)
            .map(|j| round.column(j).max() - round.column(j).min())
            .fold(0.0f64, f64::max);
        if spread <= 1e-14 {
            return Some(round.row(0).transpose() / round.row(0).sum());
        }
        round = &round * &round;
        for mut row in round.row_iter_mut() {
            let sum = row.sum();
            row /= sum;
        }
    }
    None
}
