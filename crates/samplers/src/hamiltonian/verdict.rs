//! Signs that a Hamiltonian run cannot be trusted, from the reports of its steps.

use std::fmt;

use ergodic_core::StepStats;

/// Collects the reports of one chain and says what is wrong with it, as it runs.
///
/// | sign | threshold | what it means |
/// |---|---|---|
/// | divergences | any | the curvature somewhere is too large for the step size: regions are missing from the draws |
/// | E-BFMI | below 0.3 | momenta change the energy too slowly for its tails (Betancourt, arXiv 1604.00695) |
/// | depth | 1 % of the steps at the maximum | trajectories end before they turn back: slow, not wrong |
///
/// `E-BFMI = Σ(Hₙ − Hₙ₋₁)² / Σ(Hₙ − H̄)²`, 1 for independent energies. None of the signs is needed
/// for a run to be wrong, so they complement R̂ and effective sample sizes over several chains; any of
/// them is enough to distrust it. `O(1)` per step, and nothing is allocated.
///
/// ```
/// use ergodic_core::StepStats;
/// use ergodic_samplers::hamiltonian::EnergyReport;
///
/// let mut report = EnergyReport::new(10);
/// for n in 0..1000 {
///     let energy = f64::from(n % 7);
///     let step = StepStats { energy: Some(energy), fresh_momentum: true, ..StepStats::default() };
///     report.push(&step);
/// }
/// assert!(report.warnings().is_empty());
/// report.push(&StepStats { divergent: true, ..StepStats::default() });
/// assert_eq!(report.warnings().len(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EnergyReport {
    max_depth: u32,
    steps: u64,
    divergences: u64,
    deepest: u64,
    energies: u64,
    mean: f64,
    squares: f64,
    jumps: f64,
    last: f64,
}

/// Below this E-BFMI is too low.
const LOW_EBFMI: f64 = 0.3;
/// Energies that an E-BFMI needs.
const FEWEST_ENERGIES: u64 = 100;

/// A reason to distrust a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Warning {
    /// Steps diverged.
    Divergences {
        /// How many.
        count: u64,
        /// Of how many steps.
        steps: u64,
    },
    /// The energy moves too slowly.
    LowEbfmi {
        /// The E-BFMI.
        value: f64,
    },
    /// Trajectories reached the largest depth.
    MaxDepth {
        /// How many.
        count: u64,
        /// Of how many steps.
        steps: u64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Divergences { count, steps } => write!(
                f,
                "{count} of {steps} steps diverged: the draws miss regions of high curvature; \
                 parametrise anew, or raise the target acceptance"
            ),
            Self::LowEbfmi { value } => write!(
                f,
                "E-BFMI is {value:.2}, below {LOW_EBFMI}: the tails of the energy are not explored; \
                 parametrise anew"
            ),
            Self::MaxDepth { count, steps } => write!(
                f,
                "{count} of {steps} trajectories reached the largest depth: they are slower than they \
                 need be; warm up for longer or allow more depth"
            ),
        }
    }
}

impl EnergyReport {
    /// An empty report for a kernel of this largest depth.
    pub const fn new(max_depth: u32) -> Self {
        Self {
            max_depth,
            steps: 0,
            divergences: 0,
            deepest: 0,
            energies: 0,
            mean: 0.0,
            squares: 0.0,
            jumps: 0.0,
            last: 0.0,
        }
    }

    /// Takes note of a step after the warm-up.
    pub fn push(&mut self, step: &StepStats) {
        self.steps += 1;
        self.divergences += u64::from(step.divergent);
        self.deepest += u64::from(step.depth.is_some_and(|d| d >= self.max_depth));
        // Without a fresh momentum its energy says nothing of E-BFMI.
        let energy = step.energy.filter(|_| step.fresh_momentum);
        if let Some(energy) = energy.filter(|e| e.is_finite()) {
            if self.energies > 0 {
                self.jumps += (energy - self.last).powi(2);
            }
            self.energies += 1;
            let delta = energy - self.mean;
            self.mean += delta / self.energies as f64;
            self.squares += delta * (energy - self.mean);
            self.last = energy;
        }
    }

    /// The energy Bayesian fraction of missing information; `None` with fewer than 100 energies of
    /// steps with a fresh momentum, or if they are all the same.
    pub fn ebfmi(&self) -> Option<f64> {
        (self.energies >= FEWEST_ENERGIES && self.squares > 0.0).then(|| self.jumps / self.squares)
    }

    /// The number of divergences.
    pub const fn divergences(&self) -> u64 {
        self.divergences
    }

    /// What is wrong, the worst first; empty if nothing was noticed.
    pub fn warnings(&self) -> Vec<Warning> {
        let steps = self.steps;
        let mut found = Vec::new();
        if self.divergences > 0 {
            found.push(Warning::Divergences {
                count: self.divergences,
                steps,
            });
        }
        if let Some(value) = self.ebfmi().filter(|v| *v < LOW_EBFMI) {
            found.push(Warning::LowEbfmi { value });
        }
        if self.deepest * 100 > steps {
            found.push(Warning::MaxDepth {
                count: self.deepest,
                steps,
            });
        }
        found
    }
}
