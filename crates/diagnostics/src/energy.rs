//! Energies of a Hamiltonian run: does resampling the momentum explore them?

use ergodic_core::{ArgumentError, StepStats};
use ergodic_math::reduce;

use crate::DiagnosticsError;
use crate::series::Series;

/// The estimated Bayesian fraction of missing information of one chain,
/// `Σ (Eᵢ − Eᵢ₋₁)²/(n − 1) / Var(E)` with divisor `n − 1` in the variance.
///
/// Betancourt, arXiv:1604.00695, 2016, eq. 3. `energies` are the total energies `H(x, p)` of
/// successive draws, in nats, of a kernel that draws the momentum anew in each step. Near 1 if new momenta move the energy as much as it varies in all;
/// below 0.3 the chain crawls from energy to energy and its tails are suspect. Equal to ArviZ's
/// `bfmi`. Domain: at least 4 finite values, not all one. `O(n)`.
///
/// # Errors
/// Outside the domain.
///
/// ```
/// let energies: Vec<f64> = (0..1000).map(|i| f64::from(i % 2)).collect();
/// assert!((ergodic_diagnostics::ebfmi(&energies)? - 4.0).abs() < 0.01);
/// # Ok::<(), ergodic_diagnostics::DiagnosticsError>(())
/// ```
pub fn ebfmi(energies: &[f64]) -> Result<f64, DiagnosticsError> {
    let series = Series::new(&[energies])?;
    if series.is_constant() {
        return Err(DiagnosticsError::Constant);
    }
    let standard = series.standardized();
    let steps: Vec<f64> = standard
        .deviations
        .windows(2)
        .map(|w| w[1] - w[0])
        .collect();
    // As long as themselves.
    let moved = reduce::dot(&steps, &steps).unwrap_or(0.0);
    Ok(moved / standard.sum_of_squares)
}

/// What the statistics of the steps say about a run.
///
/// ```
/// use ergodic_core::StepStats;
/// use ergodic_diagnostics::RunSummary;
///
/// let step = |i: u32| StepStats {
///     acceptance: Some(0.8),
///     energy: Some(f64::from(i % 7)),
///     fresh_momentum: true,
///     divergent: i == 3,
///     gradients: 15,
///     ..StepStats::default()
/// };
/// let run = RunSummary::of_chains(&[(0..100).map(step).collect::<Vec<_>>()])?;
/// assert_eq!((run.divergences, run.gradients), (1, 1500));
/// assert!((run.acceptance.unwrap() - 0.8).abs() < 1e-12);
/// assert!(run.smallest_ebfmi().unwrap() > 0.3);
/// # Ok::<(), ergodic_diagnostics::DiagnosticsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RunSummary {
    /// Steps in all.
    pub steps: u64,
    /// Steps whose integrator left the region where it can be trusted.
    pub divergences: u64,
    /// Evaluations of the gradient.
    pub gradients: u64,
    /// Evaluations of the energy alone.
    pub energies: u64,
    /// The mean probability of acceptance of the steps that have one.
    pub acceptance: Option<f64>,
    /// The deepest tree.
    pub largest_depth: Option<u32>,
    /// The mean energy of each chain, in nats; none where a step has no finite energy.
    pub mean_energy: Vec<Option<f64>>,
    /// [`ebfmi`] of each chain; none without energies, where they do not vary, or where they are not
    /// all `H(x, p)` with a fresh momentum ([`StepStats::fresh_momentum`]).
    pub ebfmi: Vec<Option<f64>>,
}

impl RunSummary {
    /// Of the statistics of every step after the warm-up, chain by chain.
    ///
    /// # Errors
    /// If there is no chain.
    pub fn of_chains<C: AsRef<[StepStats]>>(chains: &[C]) -> Result<Self, DiagnosticsError> {
        if chains.is_empty() {
            return Err(DiagnosticsError::Empty);
        }
        let mut run = Self {
            steps: 0,
            divergences: 0,
            gradients: 0,
            energies: 0,
            acceptance: None,
            largest_depth: None,
            mean_energy: Vec::with_capacity(chains.len()),
            ebfmi: Vec::with_capacity(chains.len()),
        };
        let mut acceptances = Vec::new();
        for chain in chains {
            let chain = chain.as_ref();
            run.steps += chain.len() as u64;
            for step in chain {
                run.divergences += u64::from(step.divergent);
                run.gradients += step.gradients;
                run.energies += step.energies;
                run.largest_depth = run.largest_depth.max(step.depth);
                acceptances.extend(step.acceptance);
            }
            let energies: Option<Vec<f64>> = chain
                .iter()
                .map(|s| s.energy.filter(|e| e.is_finite()))
                .collect();
            run.mean_energy
                .push(energies.as_deref().and_then(reduce::mean));
            let fresh = chain.iter().all(|s| s.fresh_momentum);
            let energies = energies.filter(|_| fresh);
            run.ebfmi.push(energies.and_then(|e| ebfmi(&e).ok()));
        }
        if let Some(bad) = acceptances.iter().find(|a| !a.is_finite()) {
            return Err(ArgumentError::new("acceptance", bad, "finite").into());
        }
        run.acceptance = reduce::mean(&acceptances);
        Ok(run)
    }

    /// The smallest [`ebfmi`] of a chain; below 0.3 is a warning.
    pub fn smallest_ebfmi(&self) -> Option<f64> {
        self.ebfmi.iter().flatten().copied().reduce(f64::min)
    }
}
