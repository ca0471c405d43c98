//! Systems: any exponential family, a landscape by quadrature, a harmonic trap, an ideal gas.

use ergodic_core::{ArgumentError, ExponentialFamily};
use ergodic_math::Real;
use ergodic_math::quadrature::gauss_legendre_on;
use ergodic_math::special::ln_gamma;
use nalgebra::{DMatrix, DVector};

use super::system::{Equilibrium, System};
use crate::domain;
use crate::families::{Bernoulli, Discrete};
use crate::member::dot;

/// `log 2π`.
const LN_2PI: f64 = 1.837_877_066_409_345_3;

/// Any exponential family as a system: energy `E_λ(x) = e₀ + Σⱼ (c + Mλ)ⱼ Tⱼ(x)`, natural parameters
/// `θ = −β(c + Mλ)`, `log Z = A(θ) − βe₀`.
///
/// The base measure of the family is the measure of states: degeneracies, of discrete ones. Cost: one
/// log-partition, mean and Fisher information of the family.
///
/// ```
/// use ergodic_expfam::thermodynamics::{Canonical, System};
///
/// // Two levels with gap λ = 2 at T = 1: U = λ/(1 + e^{βλ}).
/// let levels = Canonical::two_level();
/// let state = levels.equilibrium(1.0, &[2.0])?;
/// assert!((state.energy() - 2.0 / (1.0 + 2f64.exp())).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Canonical<F> {
    family: F,
    constant: f64,
    offset: DVector<f64>,
    directions: DMatrix<f64>,
}

impl<F: ExponentialFamily> Canonical<F> {
    /// From the family, `e₀`, `c` (one number per statistic) and `M` (a row per statistic, a column per
    /// work parameter).
    ///
    /// # Errors
    /// If sizes differ or a number is not finite.
    pub fn new(
        family: F,
        constant: f64,
        offset: &[f64],
        directions: DMatrix<f64>,
    ) -> Result<Self, ArgumentError> {
        domain::finite("constant", &[constant], 1)?;
        domain::finite("offset", offset, family.dim())?;
        if directions.nrows() != family.dim() {
            return Err(ArgumentError::new(
                "directions",
                format!("a matrix of {} rows", directions.nrows()),
                format!("of {} rows, one per statistic", family.dim()),
            ));
        }
        domain::finite("directions", directions.as_slice(), directions.len())?;
        Ok(Self {
            family,
            constant,
            offset: DVector::from_column_slice(offset),
            directions,
        })
    }

    /// The family.
    pub fn family(&self) -> &F {
        &self.family
    }

    /// `c + Mλ`.
    fn coefficients(&self, work: &[f64]) -> Result<DVector<f64>, ArgumentError> {
        domain::finite("work", work, self.directions.ncols())?;
        Ok(&self.offset + &self.directions * DVector::from_column_slice(work))
    }

    /// `−β(c + Mλ)`: the member of the family that is the equilibrium.
    ///
    /// # Errors
    /// If `β` is not finite and above 0, or the work parameters are not finite or not as many as there
    /// should be.
    pub fn natural(&self, beta: f64, work: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        domain::positive("beta", beta)?;
        Ok((self.coefficients(work)? * -beta).as_slice().to_vec())
    }
}

impl Canonical<Bernoulli> {
    /// Two levels, 0 and the work parameter.
    pub fn two_level() -> Self {
        Self {
            family: Bernoulli,
            constant: 0.0,
            offset: DVector::zeros(1),
            directions: DMatrix::from_element(1, 1, 1.0),
        }
    }
}

impl Canonical<Discrete> {
    /// Finitely many states, `E_λ(i) = eᵢ + Σₖ λₖ aᵢₖ`, from energies, observables (a row per state) and
    /// degeneracies. Energies that are all equal are a constant.
    ///
    /// # Errors
    /// As [`Discrete::new`]: among others, observables and energies have to be affinely independent.
    ///
    /// ```
    /// use ergodic_expfam::thermodynamics::{Canonical, System};
    /// use nalgebra::DMatrix;
    ///
    /// // A spin in a field: E = −λ·s with s = ±1. log Z = log 2cosh βλ.
    /// let spin = Canonical::levels(&[0.0, 0.0], DMatrix::from_row_slice(2, 1, &[1.0, -1.0]), &[1.0; 2])?;
    /// let state = spin.equilibrium(0.5, &[3.0])?;
    /// assert!((state.log_partition() - (2.0 * 1.5f64.cosh()).ln()).abs() < 1e-15);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn levels(
        energies: &[f64],
        observables: DMatrix<f64>,
        degeneracies: &[f64],
    ) -> Result<Self, ArgumentError> {
        let states = energies.len();
        domain::finite("energies", energies, observables.nrows())?;
        let work = observables.ncols();
        let constant = energies.first().copied().unwrap_or(0.0);
        if energies.iter().all(|e| *e == constant) {
            let family = Discrete::new(observables, degeneracies)?;
            return Self::new(
                family,
                constant,
                &vec![0.0; work],
                DMatrix::identity(work, work),
            );
        }
        let statistics = DMatrix::from_fn(states, work + 1, |i, k| {
            if k == 0 {
                energies[i]
            } else {
                observables[(i, k - 1)]
            }
        });
        let mut offset = vec![0.0; work + 1];
        offset[0] = 1.0;
        let directions = DMatrix::from_fn(work + 1, work, |j, k| f64::from(u8::from(j == k + 1)));
        Self::new(
            Discrete::new(statistics, degeneracies)?,
            0.0,
            &offset,
            directions,
        )
    }

    /// The energies of all states at `λ`.
    ///
    /// # Errors
    /// If the work parameters are not finite or not as many as there should be.
    pub fn energies(&self, work: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        let energies = self.family.statistics() * self.coefficients(work)?;
        Ok(energies.iter().map(|e| e + self.constant).collect())
    }

    /// The probabilities of all states at equilibrium.
    ///
    /// # Errors
    /// As [`natural`](Self::natural).
    pub fn probabilities(&self, beta: f64, work: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        self.family.probabilities(&self.natural(beta, work)?)
    }
}

/// The error of a family as one of the work parameters.
fn outside(beta: f64, work: &[f64], e: ArgumentError) -> ArgumentError {
    if e.argument == "beta" || e.argument == "work" {
        return e;
    }
    ArgumentError::new(
        "work",
        format!("{work:?} at inverse temperature {beta}"),
        format!("in the domain of the system: {e}"),
    )
}

impl<F: ExponentialFamily> System for Canonical<F> {
    fn work_parameters(&self) -> usize {
        self.directions.ncols()
    }

    fn equilibrium(&self, beta: f64, work: &[f64]) -> Result<Equilibrium, ArgumentError> {
        let natural = self.natural(beta, work)?;
        let (dim, m) = (self.family.dim(), work.len());
        let (mut mean, mut fisher) = (vec![0.0; dim], vec![0.0; dim * dim]);
        let wrong = |e| outside(beta, work, e);
        let log_partition = self.family.log_partition(&natural).map_err(wrong)?;
        self.family
            .mean_from_natural(&natural, &mut mean)
            .map_err(wrong)?;
        self.family
            .fisher_information(&natural, &mut fisher)
            .map_err(wrong)?;
        let coefficients = self.coefficients(work)?;
        let mean = DVector::from_vec(mean);
        let forces = self.directions.tr_mul(&mean);
        let scores = self.score_matrix(beta, &coefficients);
        let fisher = DMatrix::from_row_slice(dim, dim, &fisher);
        let mut hessian = scores.tr_mul(&(&fisher * &scores));
        for i in 0..m {
            hessian[(0, i + 1)] -= forces[i];
            hessian[(i + 1, 0)] -= forces[i];
        }
        Equilibrium::new(
            beta,
            work,
            log_partition - beta * self.constant,
            coefficients.dot(&mean) + self.constant,
            forces.as_slice().to_vec(),
            hessian,
        )
        .map_err(wrong)
    }

    fn energy_after_switch(
        &self,
        beta: f64,
        work: &[f64],
        switched: &[f64],
    ) -> Result<f64, ArgumentError> {
        let natural = self.natural(beta, work)?;
        let mut mean = vec![0.0; self.family.dim()];
        self.family
            .mean_from_natural(&natural, &mut mean)
            .map_err(|e| outside(beta, work, e))?;
        Ok(dot(self.coefficients(switched)?.as_slice(), &mean) + self.constant)
    }

    fn fisher_information(&self, beta: f64, work: &[f64]) -> Result<DMatrix<f64>, ArgumentError> {
        let natural = self.natural(beta, work)?;
        let dim = self.family.dim();
        let mut fisher = vec![0.0; dim * dim];
        self.family
            .fisher_information(&natural, &mut fisher)
            .map_err(|e| outside(beta, work, e))?;
        let scores = self.score_matrix(beta, &self.coefficients(work)?);
        Ok(scores.tr_mul(&(DMatrix::from_row_slice(dim, dim, &fisher) * &scores)))
    }
}

impl<F: ExponentialFamily> Canonical<F> {
    /// `∂θ/∂(β, λ) = −(c + Mλ, βM)`.
    fn score_matrix(&self, beta: f64, coefficients: &DVector<f64>) -> DMatrix<f64> {
        let (dim, m) = self.directions.shape();
        DMatrix::from_fn(dim, m + 1, |j, k| {
            if k == 0 {
                -coefficients[j]
            } else {
                -beta * self.directions[(j, k - 1)]
            }
        })
    }
}

/// A potential on an interval, `E_λ(x) = U₀(x) + Σₖ λₖ Aₖ(x)`, its integrals by Gauss's rule.
///
/// The interval has to hold all of the law that matters, or its ends are walls. Every state is computed
/// with the rule and with one of half its panels; if the two do not agree to `10⁻¹⁰` in `log Z`, it is
/// an error and not a number. Cost: 3/2 of the nodes per state; the functions are called only when it
/// is made.
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
        let fine = self.fine.family.log_partition(&natural);
        let coarse = self.coarse.family.log_partition(&natural);
        let (fine, coarse) = (
            fine.map_err(|e| outside(beta, work, e))?,
            coarse.map_err(|e| outside(beta, work, e))?,
        );
        if (fine - coarse).abs() <= AGREEMENT * fine.abs().max(1.0) {
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

/// One work parameter, above 0.
fn one_positive(beta: f64, work: &[f64]) -> Result<f64, ArgumentError> {
    domain::positive("beta", beta)?;
    domain::finite("work", work, 1)?;
    domain::require("work", work, 0, work[0] > 0.0, "above 0")?;
    Ok(work[0])
}

/// A harmonic trap in `d` dimensions, `E = k|x|²/2`, with or without `|p|²/2` of momenta; the work
/// parameter is the stiffness `k`.
///
/// `log Z = (d/2) log(2π/βk)`, and `(d/2) log(2π/β)` more with momenta (unit mass and action). Isentropic
/// changes keep `k/T`, with momenta `√k/T` (frequency over temperature).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trap {
    dimensions: f64,
    momenta: bool,
}

impl Trap {
    /// Without momenta, as an overdamped particle.
    ///
    /// # Errors
    /// If there is no dimension.
    pub fn overdamped(dimensions: usize) -> Result<Self, ArgumentError> {
        Self::new(dimensions, false)
    }

    /// With momenta.
    ///
    /// # Errors
    /// If there is no dimension.
    pub fn with_momenta(dimensions: usize) -> Result<Self, ArgumentError> {
        Self::new(dimensions, true)
    }

    fn new(dimensions: usize, momenta: bool) -> Result<Self, ArgumentError> {
        if dimensions == 0 {
            return Err(ArgumentError::new("dimensions", 0, "at least 1"));
        }
        Ok(Self {
            dimensions: dimensions as f64,
            momenta,
        })
    }
}

impl System for Trap {
    fn work_parameters(&self) -> usize {
        1
    }

    fn equilibrium(&self, beta: f64, work: &[f64]) -> Result<Equilibrium, ArgumentError> {
        let k = one_positive(beta, work)?;
        let half = 0.5 * self.dimensions;
        let (momentum, quadratic) = if self.momenta {
            (LN_2PI - Real::ln(beta), 2.0)
        } else {
            (0.0, 1.0)
        };
        Equilibrium::new(
            beta,
            work,
            half * (LN_2PI - Real::ln(beta) - Real::ln(k) + momentum),
            half * quadratic / beta,
            vec![half / beta / k],
            DMatrix::from_row_slice(
                2,
                2,
                &[half * quadratic / beta / beta, 0.0, 0.0, half / k / k],
            ),
        )
        .map_err(|e| outside(beta, work, e))
    }

    fn energy_after_switch(
        &self,
        beta: f64,
        work: &[f64],
        switched: &[f64],
    ) -> Result<f64, ArgumentError> {
        let state = self.equilibrium(beta, work)?;
        let k = one_positive(beta, switched)?;
        Ok(state.energy() + state.forces()[0] * (k - work[0]))
    }

    fn fisher_information(&self, beta: f64, work: &[f64]) -> Result<DMatrix<f64>, ArgumentError> {
        let state = self.equilibrium(beta, work)?;
        // Cov(E, β ∂E/∂k) = f, as the Hessian's mixed entry is Cov − f = 0.
        let mut fisher = state.hessian().clone();
        fisher[(0, 1)] = state.forces()[0];
        fisher[(1, 0)] = state.forces()[0];
        Ok(fisher)
    }
}

/// A classical ideal gas of `N` particles, each with `g` quadratic degrees of freedom (3 for an atom);
/// the work parameter is the volume `V`.
///
/// `log Z = N log V − log N! + (Ng/2) log(2π/β)` in units of unit mass and action. `U = gNT/2`,
/// `f = −P = −NT/V`. `N` may be any positive number: moles in units of kJ/mol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdealGas {
    particles: f64,
    degrees: f64,
}

impl IdealGas {
    /// Of this number of particles and degrees of freedom of each.
    ///
    /// # Errors
    /// Unless both are finite and above 0.
    pub fn new(particles: f64, degrees: f64) -> Result<Self, ArgumentError> {
        domain::positive("particles", particles)?;
        domain::positive("degrees", degrees)?;
        Ok(Self { particles, degrees })
    }
}

impl System for IdealGas {
    fn work_parameters(&self) -> usize {
        1
    }

    fn equilibrium(&self, beta: f64, work: &[f64]) -> Result<Equilibrium, ArgumentError> {
        let volume = one_positive(beta, work)?;
        let n = self.particles;
        let kinetic = 0.5 * n * self.degrees;
        Equilibrium::new(
            beta,
            work,
            n * Real::ln(volume) - ln_gamma(n + 1.0) + kinetic * (LN_2PI - Real::ln(beta)),
            kinetic / beta,
            vec![-n / beta / volume],
            DMatrix::from_row_slice(
                2,
                2,
                &[kinetic / beta / beta, 0.0, 0.0, -n / volume / volume],
            ),
        )
        .map_err(|e| outside(beta, work, e))
    }

    /// A gas that expands into the void keeps its energy; a wall cannot be thrown into a gas.
    fn energy_after_switch(
        &self,
        beta: f64,
        work: &[f64],
        switched: &[f64],
    ) -> Result<f64, ArgumentError> {
        let state = self.equilibrium(beta, work)?;
        let volume = one_positive(beta, switched)?;
        if volume < work[0] {
            return Err(ArgumentError::new(
                "switched",
                volume,
                format!(
                    "at least the volume {}: a smaller one costs infinite energy",
                    work[0]
                ),
            ));
        }
        Ok(state.energy())
    }

    fn fisher_information(&self, beta: f64, work: &[f64]) -> Result<DMatrix<f64>, ArgumentError> {
        self.equilibrium(beta, work)?;
        Err(ArgumentError::new(
            "system",
            "an ideal gas, whose support moves with its volume",
            "one whose law has a Fisher information; a gas at given pressure is a gamma law of the volume",
        ))
    }
}
