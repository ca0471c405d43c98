//! What the steps of a run did: step by step beside the draws, and in total.

use ergodic_core::StepStats;

/// The account of every draw of a run, chains × draws, beside its [`Draws`](ergodic_core::Draws).
///
/// With thinning, one entry stands for all steps that lead to a draw: counts add, acceptances
/// average, the error is the largest, the energy is that of the draw.
///
/// ```
/// use ergodic_core::StepStats;
/// use ergodic_samplers::Stats;
///
/// let step = |e| StepStats { energy: Some(e), ..StepStats::default() };
/// let stats = Stats::new(2, vec![step(1.0), step(2.0), step(3.0), step(4.0)])?;
/// assert_eq!(stats.energy(1), Some(vec![3.0, 4.0]));
/// assert_eq!(stats.step_size(1), None); // the kernel has none
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    chains: usize,
    rows: Vec<StepStats>,
}

impl Stats {
    /// From entries in the order chain, draw.
    ///
    /// # Errors
    /// If there is no chain, or `rows` cannot be divided among them.
    pub fn new(chains: usize, rows: Vec<StepStats>) -> Result<Self, ergodic_core::ArgumentError> {
        if chains == 0 || !rows.len().is_multiple_of(chains) {
            return Err(ergodic_core::ArgumentError::new(
                "chains",
                chains,
                format!("at least 1 and a divisor of the {} entries", rows.len()),
            ));
        }
        Ok(Self { chains, rows })
    }

    /// The number of chains.
    pub const fn num_chains(&self) -> usize {
        self.chains
    }

    /// The number of draws in each chain.
    pub const fn num_draws(&self) -> usize {
        self.rows.len() / self.chains
    }

    /// The entries of one chain, draw by draw.
    ///
    /// # Panics
    /// If there is no such chain.
    pub fn chain(&self, chain: usize) -> &[StepStats] {
        let draws = self.num_draws();
        &self.rows[chain * draws..][..draws]
    }

    /// One quantity of one chain; `None` unless every draw has it.
    ///
    /// # Panics
    /// If there is no such chain.
    pub fn column<V>(
        &self,
        chain: usize,
        quantity: impl Fn(&StepStats) -> Option<V>,
    ) -> Option<Vec<V>> {
        self.chain(chain).iter().map(quantity).collect()
    }

    /// The energies of one chain in nats (`H(x, p)` for Hamiltonian kernels), if the kernel
    /// reports them.
    ///
    /// # Panics
    /// If there is no such chain.
    pub fn energy(&self, chain: usize) -> Option<Vec<f64>> {
        self.column(chain, |s| s.energy)
    }

    /// The acceptance probabilities of one chain, if the kernel reports them.
    ///
    /// # Panics
    /// If there is no such chain.
    pub fn acceptance(&self, chain: usize) -> Option<Vec<f64>> {
        self.column(chain, |s| s.acceptance)
    }

    /// The step sizes of one chain, if the kernel has them.
    ///
    /// # Panics
    /// If there is no such chain.
    pub fn step_size(&self, chain: usize) -> Option<Vec<f64>> {
        self.column(chain, |s| s.step_size)
    }

    /// The errors of the conserved quantity of one chain in nats, if the kernel has them.
    ///
    /// # Panics
    /// If there is no such chain.
    pub fn energy_error(&self, chain: usize) -> Option<Vec<f64>> {
        self.column(chain, |s| s.energy_error)
    }

    /// The depths of the trees of one chain, if the kernel has them.
    ///
    /// # Panics
    /// If there is no such chain.
    pub fn depth(&self, chain: usize) -> Option<Vec<u32>> {
        self.column(chain, |s| s.depth)
    }

    /// Which draws of one chain ended in a divergence.
    ///
    /// # Panics
    /// If there is no such chain.
    pub fn divergent(&self, chain: usize) -> Vec<bool> {
        self.chain(chain).iter().map(|s| s.divergent).collect()
    }

    /// Gradients per draw of one chain.
    ///
    /// # Panics
    /// If there is no such chain.
    pub fn gradients(&self, chain: usize) -> Vec<u64> {
        self.chain(chain).iter().map(|s| s.gradients).collect()
    }
}

/// Counts over all steps of a part of one chain: its warm-up, or its sampling.
///
/// ```
/// use ergodic_core::StepStats;
/// use ergodic_samplers::Totals;
///
/// let mut totals = Totals::default();
/// totals.add(&StepStats { acceptance: Some(0.5), gradients: 7, ..StepStats::default() });
/// assert_eq!((totals.steps, totals.gradients), (1, 7));
/// assert_eq!(totals.acceptance(), Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Totals {
    /// Steps of the kernel.
    pub steps: u64,
    /// Steps whose integrator left the region where it can be trusted.
    pub divergences: u64,
    /// Evaluations of the gradient.
    pub gradients: u64,
    /// Evaluations of the energy, or of a local difference, alone.
    pub energies: u64,
    /// Proposals of infinite energy.
    pub forbidden: u64,
    acceptance_sum: f64,
    acceptance_steps: u64,
    step_size: Option<f64>,
}

impl Totals {
    /// Counts one more step.
    pub fn add(&mut self, step: &StepStats) {
        self.steps += 1;
        self.divergences += u64::from(step.divergent);
        self.gradients += step.gradients;
        self.energies += step.energies;
        self.forbidden += step.forbidden;
        if let Some(acceptance) = step.acceptance {
            self.acceptance_sum += acceptance;
            self.acceptance_steps += 1;
        }
        self.step_size = step.step_size.or(self.step_size);
    }

    /// The mean probability of acceptance, if the kernel reports it.
    pub fn acceptance(&self) -> Option<f64> {
        (self.acceptance_steps > 0).then(|| self.acceptance_sum / self.acceptance_steps as f64)
    }

    /// The last step size, if the kernel has one.
    pub const fn step_size(&self) -> Option<f64> {
        self.step_size
    }
}

/// The account of the steps that lead to one draw.
#[derive(Default)]
pub(super) struct Thinned {
    account: Option<StepStats>,
    acceptance_sum: f64,
    acceptance_steps: u64,
}

impl Thinned {
    pub(super) fn add(&mut self, step: StepStats) {
        if let Some(acceptance) = step.acceptance {
            self.acceptance_sum += acceptance;
            self.acceptance_steps += 1;
        }
        self.account = Some(match self.account {
            None => step,
            Some(before) => before.then(step),
        });
    }

    /// The account; pairwise averages of acceptances would weigh the last step most.
    pub(super) fn finish(self) -> StepStats {
        let mut account = self.account.unwrap_or_default();
        if self.acceptance_steps > 1 {
            account.acceptance = Some(self.acceptance_sum / self.acceptance_steps as f64);
        }
        account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_a_thinned_draw_weighs_the_same() {
        let mut thinned = Thinned::default();
        for acceptance in [1.0, 0.5, 0.0, 0.0] {
            thinned.add(StepStats {
                acceptance: Some(acceptance),
                gradients: 3,
                ..StepStats::default()
            });
        }
        let account = thinned.finish();
        assert_eq!(account.acceptance, Some(0.375));
        assert_eq!(account.gradients, 12);
    }

    #[test]
    fn entries_that_cannot_be_divided_are_refused() {
        assert!(Stats::new(0, Vec::new()).is_err());
        assert!(Stats::new(2, vec![StepStats::default(); 3]).is_err());
    }
}
