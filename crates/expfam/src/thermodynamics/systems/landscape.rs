//! A potential on an interval as a system, by quadrature.

use ergodic_core::{ArgumentError, ExponentialFamily};
use ergodic_math::quadrature::gauss_legendre_on;
use nalgebra::DMatrix;

use super::{Canonical, outside};
use crate::families::Discrete;
use crate::thermodynamics::{Equilibrium, System};

/// A potential on an interval, `E_λ(x) = U₀(x) + Σₖ λₖ Aₖ(x)`, its integrals by Gauss's rule.
///
/// The interval has to hold all of the law that matters, or its ends are walls; at negative `β`, where the law
/// gathers around the highest energies, they always are. Every state is computed
/// with the rule and with one of half its panels; if the two do not agree to `10⁻¹⁰` in `log Z`, it is
/// an error and not a number. Cost: 3/2 of the nodes per state; the functions are called only when it
/// is made. A well so narrow that no node of either rule falls into it is seen by neither: the nodes have to
/// be as close as the potential's narrowest feature.
///
/// ```
/// use ergodic_expfam::thermodynamics::{Landscape, System};
///
/// // E = x⁴ − λx² at λ = 1: ⟨x²⟩ = −⟨∂E/∂λ⟩.
/// let well = Landscape::new(-5.0, 5.0, 320, 1, |x, a| {
///     a[0] = -x * x;
///     x.powi(4)
/// })?;
/// let state = well.equilibrium(1.0, &[1.0])?;
/// assert!((state.log_partition() - 1.0157193191187683).abs() < 1e-14);
/// assert!((state.forces()[0] + 0.5208986482435781).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Landscape {
    fine: Canonical<Discrete>,
    coarse: Canonical<Discrete>,
}

/// Nodes of one panel.
const PANEL: usize = 16;

/// Most nodes.
const NODES: usize = 1 << 20;

/// Largest difference of `log Z` between the two rules.
const AGREEMENT: f64 = 1e-10;

impl Landscape {
    /// On `[low, high]` with at least `nodes` nodes, in panels of 16; `potential(x, a)` returns `U₀(x)`
    /// and writes `Aₖ(x)`.
    ///
    /// # Errors
    /// If the interval is empty or not finite, the nodes are below 32 or above 2²⁰, there is no work
    /// parameter, a value is not finite, or `U₀` and the `Aₖ` are affinely dependent.
    pub fn new(
        low: f64,
        high: f64,
        nodes: usize,
        work_parameters: usize,
        mut potential: impl FnMut(f64, &mut [f64]) -> f64,
    ) -> Result<Self, ArgumentError> {
        if !(2 * PANEL..=NODES).contains(&nodes) {
            return Err(ArgumentError::new(
                "nodes",
                nodes,
                format!("from {} to {NODES}", 2 * PANEL),
            ));
        }
        if work_parameters == 0 {
            return Err(ArgumentError::new("work_parameters", 0, "at least 1"));
        }
        let panels = nodes.div_ceil(2 * PANEL) * 2;
        let mut rule = |panels: usize| {
            let width = (high - low) / panels as f64;
            let mut energies = Vec::with_capacity(panels * PANEL);
            let mut weights = Vec::with_capacity(panels * PANEL);
            let mut observables = Vec::with_capacity(panels * PANEL * work_parameters);
            let mut a = vec![0.0; work_parameters];
            for k in 0..panels {
                let start = low + width * k as f64;
                let end = if k + 1 == panels { high } else { start + width };
                let panel = gauss_legendre_on(PANEL, start, end)
                    .map_err(|e| ArgumentError::new("high", high, e.to_string()))?;
                for (x, w) in panel.iter() {
                    energies.push(potential(x, &mut a));
                    observables.extend_from_slice(&a);
                    weights.push(w);
                }
            }
            let observables = DMatrix::from_row_slice(weights.len(), work_parameters, &observables);
            Canonical::levels(&energies, observables, &weights)
        };
        Ok(Self {
            fine: rule(panels)?,
            coarse: rule(panels / 2)?,
        })
    }

    fn resolved(&self, beta: f64, work: &[f64]) -> Result<(), ArgumentError> {
        let natural = self.fine.natural(beta, work)?;
        let fine = self.fine.family().log_partition(&natural);
        let coarse = self.coarse.family().log_partition(&natural);
        let (fine, coarse) = (
            fine.map_err(|e| outside(beta, work, e))?,
            coarse.map_err(|e| outside(beta, work, e))?,
        );
        // An offset of the energies is in log Z, whose rounding is allowed and nothing more.
        if (fine - coarse).abs() <= AGREEMENT + 64.0 * f64::EPSILON * fine.abs() {
            return Ok(());
        }
        Err(ArgumentError::new(
            "nodes",
            format!(
                "too few at inverse temperature {beta} and work parameters {work:?}: log Z is {fine}, \
                 with half of them {coarse}"
            ),
            "so many that half of them give the same log Z",
        ))
    }
}

impl System for Landscape {
    fn work_parameters(&self) -> usize {
        self.fine.work_parameters()
    }

    fn equilibrium(&self, beta: f64, work: &[f64]) -> Result<Equilibrium, ArgumentError> {
        self.resolved(beta, work)?;
        self.fine.equilibrium(beta, work)
    }

    fn energy_after_switch(
        &self,
        beta: f64,
        work: &[f64],
        switched: &[f64],
    ) -> Result<f64, ArgumentError> {
        self.resolved(beta, work)?;
        self.fine.energy_after_switch(beta, work, switched)
    }

    fn fisher_information(&self, beta: f64, work: &[f64]) -> Result<DMatrix<f64>, ArgumentError> {
        self.resolved(beta, work)?;
        self.fine.fisher_information(beta, work)
    }
}
