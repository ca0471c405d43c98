//! Micro-, canonical, grand and isobaric ensembles over a user's observables on finitely many states.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::special::log_sum_exp;
use nalgebra::DMatrix;

use super::potentials::Potentials;
use crate::domain;

/// Finitely many states with their energies and, as far as there are any, volumes, particle numbers,
/// further observables and degeneracies.
///
/// ```
/// use ergodic_expfam::thermodynamics::{Microstates, Reservoir};
///
/// // One site that holds 0 or 1 particle of energy −1, open to a reservoir: Langmuir's isotherm.
/// let site = Microstates::new(&[0.0, -1.0])?.particles(&[0.0, 1.0])?;
/// let state = site.ensemble(&Reservoir::new(2.0)?.chemical_potential(-0.5)?)?;
/// let z = (2.0f64 * 0.5).exp(); // e^{β(μ − ε)}
/// assert!((state.particles().unwrap() - z / (1.0 + z)).abs() < 1e-15);
/// assert!((state.potentials()?.grand() + (1.0 + z).ln() / 2.0).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Microstates {
    energies: Vec<f64>,
    log_degeneracies: Vec<f64>,
    volumes: Option<Vec<f64>>,
    particles: Option<Vec<f64>>,
    observables: Vec<Vec<f64>>,
}

impl Microstates {
    /// Of these energies, each state once.
    ///
    /// # Errors
    /// If there are none, or one is not finite.
    pub fn new(energies: &[f64]) -> Result<Self, ArgumentError> {
        if energies.is_empty() {
            return Err(ArgumentError::new(
                "energies",
                "empty",
                "at least one state",
            ));
        }
        domain::finite("energies", energies, energies.len())?;
        Ok(Self {
            energies: energies.to_vec(),
            log_degeneracies: vec![0.0; energies.len()],
            volumes: None,
            particles: None,
            observables: Vec::new(),
        })
    }

    /// How many states each stands for; the entropy counts them.
    ///
    /// # Errors
    /// If there are not as many as states, or one is not finite and above 0.
    pub fn degeneracies(mut self, degeneracies: &[f64]) -> Result<Self, ArgumentError> {
        self.column("degeneracies", degeneracies)?;
        for i in 0..degeneracies.len() {
            domain::require(
                "degeneracies",
                degeneracies,
                i,
                degeneracies[i] > 0.0,
                "above 0",
            )?;
        }
        self.log_degeneracies = degeneracies.iter().map(|g| Real::ln(*g)).collect();
        Ok(self)
    }

    /// Their volumes, which a pressure acts on.
    ///
    /// # Errors
    /// If there are not as many as states, or one is not finite.
    pub fn volumes(mut self, volumes: &[f64]) -> Result<Self, ArgumentError> {
        self.volumes = Some(self.column("volumes", volumes)?);
        Ok(self)
    }

    /// Their numbers of particles, which a chemical potential acts on.
    ///
    /// # Errors
    /// If there are not as many as states, or one is not finite.
    pub fn particles(mut self, particles: &[f64]) -> Result<Self, ArgumentError> {
        self.particles = Some(self.column("particles", particles)?);
        Ok(self)
    }

    /// One more observable, which a field acts on: they are numbered from 0 as they are added.
    ///
    /// # Errors
    /// If there are not as many values as states, or one is not finite.
    pub fn observable(mut self, values: &[f64]) -> Result<Self, ArgumentError> {
        let column = self.column("values", values)?;
        self.observables.push(column);
        Ok(self)
    }

    fn column(&self, argument: &'static str, found: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        domain::finite(argument, found, self.energies.len())?;
        Ok(found.to_vec())
    }

    /// The distinct energies in rising order, with `log` of their degeneracies: the microcanonical
    /// entropy `S(E)`.
    pub fn density_of_states(&self) -> Vec<(f64, f64)> {
        let mut order: Vec<usize> = (0..self.energies.len()).collect();
        order.sort_by(|&i, &j| self.energies[i].total_cmp(&self.energies[j]));
        let mut out: Vec<(f64, f64)> = Vec::new();
        for group in order.chunk_by(|&i, &j| self.energies[i] == self.energies[j]) {
            let logs: Vec<f64> = group.iter().map(|&i| self.log_degeneracies[i]).collect();
            out.push((self.energies[group[0]], log_sum_exp(&logs)));
        }
        out
    }

    /// The microcanonical ensemble of the shell `|E − energy| ≤ half_width`: all of its states equally
    /// likely, entropy `log` of their number (Boltzmann).
    ///
    /// It has no reservoir: its potentials are not defined, and its temperature is the slope of the
    /// entropy between shells, [`microcanonical_beta`](Self::microcanonical_beta).
    ///
    /// # Errors
    /// If the shell is empty, or an argument is not finite, or the width is negative.
    pub fn microcanonical(
        &self,
        energy: f64,
        half_width: f64,
    ) -> Result<EnsembleState<'_>, ArgumentError> {
        domain::finite("energy", &[energy], 1)?;
        if !(half_width >= 0.0 && half_width.is_finite()) {
            return Err(ArgumentError::new(
                "half_width",
                half_width,
                "finite, at least 0",
            ));
        }
        let logs: Vec<f64> = self
            .energies
            .iter()
            .zip(&self.log_degeneracies)
            .map(|(e, g)| {
                if (e - energy).abs() <= half_width {
                    *g
                } else {
                    f64::NEG_INFINITY
                }
            })
            .collect();
        let log_partition = log_sum_exp(&logs);
        if log_partition == f64::NEG_INFINITY {
            return Err(ArgumentError::new(
                "energy",
                format!("{energy} ± {half_width}"),
                "a shell that holds a state",
            ));
        }
        Ok(EnsembleState::new(self, None, &logs, log_partition))
    }

    /// `1/T` of the microcanonical ensemble between two shells of equal width:
    /// `[S(E₂) − S(E₁)]/(E₂ − E₁)`, which may be negative.
    ///
    /// # Errors
    /// As [`microcanonical`](Self::microcanonical), and if the energies are equal.
    pub fn microcanonical_beta(
        &self,
        energies: (f64, f64),
        half_width: f64,
    ) -> Result<f64, ArgumentError> {
        let (low, high) = energies;
        let s = |e| Ok(self.microcanonical(e, half_width)?.entropy());
        let difference: f64 = s(high)? - s(low)?;
        if low == high {
            return Err(ArgumentError::new(
                "energies",
                low,
                "two different energies",
            ));
        }
        Ok(difference / (high - low))
    }

    /// The canonical ensemble, `p ∝ g e^{−βE}`, at any `β`: with finitely many states `β ≤ 0` is a law too.
    ///
    /// # Errors
    /// If `β` is not finite.
    ///
    /// ```
    /// use ergodic_expfam::thermodynamics::Microstates;
    ///
    /// // Spins up and down in a field that was turned round: more of them are up, at T = −2.
    /// let spin = Microstates::new(&[-1.0, 1.0])?;
    /// let inverted = spin.canonical(-0.5)?;
    /// assert!((inverted.energy() - 0.5f64.tanh()).abs() < 1e-15);
    /// let potentials = inverted.potentials()?;
    /// assert_eq!(potentials.temperature(), -2.0);
    /// assert!((potentials.massieu() - inverted.log_partition()).abs() < 1e-15);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn canonical(&self, beta: f64) -> Result<EnsembleState<'_>, ArgumentError> {
        self.ensemble(&Reservoir::new(beta)?)
    }

    /// The grand ensemble, `p ∝ g e^{−β(E − μN)}`.
    ///
    /// # Errors
    /// If `β` or `μ` is not finite, or the states have no particles.
    pub fn grand(&self, beta: f64, mu: f64) -> Result<EnsembleState<'_>, ArgumentError> {
        self.ensemble(&Reservoir::new(beta)?.chemical_potential(mu)?)
    }

    /// The isobaric ensemble, `p ∝ g e^{−β(E + PV)}`.
    ///
    /// # Errors
    /// If `β` or `P` is not finite, or the states have no volumes.
    pub fn isobaric(&self, beta: f64, pressure: f64) -> Result<EnsembleState<'_>, ArgumentError> {
        self.ensemble(&Reservoir::new(beta)?.pressure(pressure)?)
    }

    /// The ensemble in contact with a reservoir: `p ∝ g e^{−β(E + PV − μN − Σₖ hₖXₖ)}`.
    ///
    /// # Errors
    /// If the reservoir exchanges what the states do not have, or the log-partition is not finite.
    pub fn ensemble(&self, reservoir: &Reservoir) -> Result<EnsembleState<'_>, ArgumentError> {
        if reservoir.pressure.is_some() && self.volumes.is_none() {
            return Err(ArgumentError::new(
                "pressure",
                "given",
                "left out: the states have no volumes",
            ));
        }
        if reservoir.chemical_potential.is_some() && self.particles.is_none() {
            return Err(ArgumentError::new(
                "chemical_potential",
                "given",
                "left out: the states have no particles",
            ));
        }
        if reservoir.fields.len() > self.observables.len() {
            return Err(ArgumentError::new(
                "fields",
                reservoir.fields.len(),
                format!(
                    "at most {}, the number of observables",
                    self.observables.len()
                ),
            ));
        }
        let exchanged = self.exchanged(reservoir);
        if let Some(e) = exchanged.iter().find(|e| !e.is_finite()) {
            return Err(ArgumentError::new(
                "reservoir",
                format!("{reservoir:?}, with a state of energy {e}"),
                "such that the energies are within the range of f64",
            ));
        }
        let logs: Vec<f64> = exchanged
            .iter()
            .zip(&self.log_degeneracies)
            .map(|(h, g)| g - reservoir.beta * h)
            .collect();
        let log_partition = log_sum_exp(&logs);
        if !log_partition.is_finite() {
            return Err(ArgumentError::new(
                "reservoir",
                format!("{reservoir:?}"),
                "of finite log-partition",
            ));
        }
        Ok(EnsembleState::new(
            self,
            Some(reservoir.clone()),
            &logs,
            log_partition,
        ))
    }

    /// `E + PV − μN − Σₖ hₖXₖ` of all states.
    fn exchanged(&self, reservoir: &Reservoir) -> Vec<f64> {
        let mut out = self.energies.clone();
        let mut add = |column: &[f64], factor: f64| {
            for (o, c) in out.iter_mut().zip(column) {
                *o += factor * c;
            }
        };
        if let (Some(p), Some(v)) = (reservoir.pressure, &self.volumes) {
            add(v, p);
        }
        if let (Some(mu), Some(n)) = (reservoir.chemical_potential, &self.particles) {
            add(n, -mu);
        }
        for (h, x) in reservoir.fields.iter().zip(&self.observables) {
            add(x, -h);
        }
        out
    }
}

/// What a system is in contact with: a temperature, and what else it can exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Reservoir {
    beta: f64,
    pressure: Option<f64>,
    chemical_potential: Option<f64>,
    fields: Vec<f64>,
}

impl Reservoir {
    /// Of inverse temperature `β`, of either sign or 0; alone, it exchanges energy.
    ///
    /// # Errors
    /// If `β` is not finite.
    pub fn new(beta: f64) -> Result<Self, ArgumentError> {
        domain::finite("beta", &[beta], 1)?;
        Ok(Self {
            beta,
            pressure: None,
            chemical_potential: None,
            fields: Vec::new(),
        })
    }

    /// Exchanges volume at this pressure.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn pressure(mut self, pressure: f64) -> Result<Self, ArgumentError> {
        domain::finite("pressure", &[pressure], 1)?;
        self.pressure = Some(pressure);
        Ok(self)
    }

    /// Exchanges particles at this chemical potential.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn chemical_potential(mut self, mu: f64) -> Result<Self, ArgumentError> {
        domain::finite("mu", &[mu], 1)?;
        self.chemical_potential = Some(mu);
        Ok(self)
    }

    /// Fields `hₖ` on the observables, which change energies by `−Σ hₖXₖ`.
    ///
    /// # Errors
    /// If one is not finite.
    pub fn fields(mut self, fields: &[f64]) -> Result<Self, ArgumentError> {
        domain::finite("fields", fields, fields.len())?;
        self.fields = fields.to_vec();
        Ok(self)
    }
}

/// A state of an ensemble: its law, means, covariances and what follows.
#[derive(Clone, Debug, PartialEq)]
pub struct EnsembleState<'a> {
    states: &'a Microstates,
    reservoir: Option<Reservoir>,
    log_partition: f64,
    /// Of the states as listed, degeneracy included.
    probabilities: Vec<f64>,
    entropy: f64,
}

impl<'a> EnsembleState<'a> {
    fn new(
        states: &'a Microstates,
        reservoir: Option<Reservoir>,
        logs: &[f64],
        log_partition: f64,
    ) -> Self {
        let mut probabilities: Vec<f64> =
            logs.iter().map(|l| Real::exp(l - log_partition)).collect();
        // The rounding of a large log-partition, that of energies with an offset, is common to all.
        let sum: f64 = probabilities.iter().sum();
        for p in &mut probabilities {
            *p /= sum;
        }
        let log_sum = Real::ln(sum);
        // −Σ p log(p/g): what is left of log p after the degeneracy.
        let entropy = probabilities
            .iter()
            .zip(logs.iter().zip(&states.log_degeneracies))
            .filter(|(p, _)| **p > 0.0)
            .map(|(p, (l, g))| -p * (l - log_partition - log_sum - g))
            .sum();
        Self {
            states,
            reservoir,
            log_partition,
            probabilities,
            entropy,
        }
    }

    /// The log-partition: `S(E)` microcanonical, Massieu's function canonical, Planck's isobaric,
    /// Kramers's grand.
    pub fn log_partition(&self) -> f64 {
        self.log_partition
    }

    /// The probabilities of the states as listed.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// `−Σ p log(p/g)`, in nats.
    pub fn entropy(&self) -> f64 {
        self.entropy
    }

    fn mean(&self, column: &[f64]) -> f64 {
        self.probabilities
            .iter()
            .zip(column)
            .map(|(p, x)| p * x)
            .sum()
    }

    fn covariance_of(&self, a: &[f64], b: &[f64]) -> f64 {
        let (x, y) = (self.mean(a), self.mean(b));
        self.probabilities
            .iter()
            .zip(a.iter().zip(b))
            .map(|(p, (a, b))| p * (a - x) * (b - y))
            .sum()
    }

    /// `⟨E⟩`.
    pub fn energy(&self) -> f64 {
        self.mean(&self.states.energies)
    }

    /// `⟨V⟩`, if the states have volumes.
    pub fn volume(&self) -> Option<f64> {
        self.states.volumes.as_deref().map(|v| self.mean(v))
    }

    /// `⟨N⟩`, if the states have particles.
    pub fn particles(&self) -> Option<f64> {
        self.states.particles.as_deref().map(|n| self.mean(n))
    }

    /// `⟨Xₖ⟩`, if there is a `k`-th observable.
    pub fn observable(&self, k: usize) -> Option<f64> {
        self.states.observables.get(k).map(|x| self.mean(x))
    }

    /// The covariance of `E`, then `V` and `N` where there are any, then the observables.
    pub fn covariance(&self) -> DMatrix<f64> {
        let s = self.states;
        let columns: Vec<&[f64]> = std::iter::once(s.energies.as_slice())
            .chain(s.volumes.as_deref())
            .chain(s.particles.as_deref())
            .chain(s.observables.iter().map(Vec::as_slice))
            .collect();
        DMatrix::from_fn(columns.len(), columns.len(), |i, j| {
            self.covariance_of(columns[i], columns[j])
        })
    }

    fn reservoir(&self) -> Result<&Reservoir, ArgumentError> {
        self.reservoir.as_ref().ok_or_else(|| {
            ArgumentError::new(
                "ensemble",
                "microcanonical",
                "one with a reservoir, which has a temperature",
            )
        })
    }

    fn volumes(&self) -> Result<&[f64], ArgumentError> {
        self.states
            .volumes
            .as_deref()
            .ok_or_else(|| ArgumentError::new("states", "without volumes", "states with volumes"))
    }

    /// All potentials, at the pressure and chemical potential of the reservoir (0 where it has none).
    ///
    /// Energies of the states in fields are not included: `U = ⟨E⟩`.
    ///
    /// # Errors
    /// For the microcanonical ensemble, which has no reservoir, and if `β` is 0 or has no finite inverse.
    pub fn potentials(&self) -> Result<Potentials, ArgumentError> {
        let r = self.reservoir()?;
        domain::inverse_temperature("beta", r.beta)?;
        Potentials::new(
            1.0 / r.beta,
            self.energy(),
            self.entropy,
            r.pressure.unwrap_or(0.0) * self.volume().unwrap_or(0.0),
            r.chemical_potential.unwrap_or(0.0) * self.particles().unwrap_or(0.0),
        )
    }

    /// `T(∂S/∂T)` at everything else of the reservoir fixed: `β² Var(E + PV − μN − Σ hX)`. So it is `C_V` in
    /// the canonical ensemble and `C_P` in the isobaric one.
    ///
    /// # Errors
    /// For the microcanonical ensemble.
    pub fn heat_capacity(&self) -> Result<f64, ArgumentError> {
        let r = self.reservoir()?;
        let exchanged = self.states.exchanged(r);
        Ok(r.beta * r.beta * self.covariance_of(&exchanged, &exchanged))
    }

    /// `∂⟨Xₖ⟩/∂h_l = β Cov(Xₖ, X_l)`, at constant temperature: symmetric (Maxwell).
    ///
    /// # Errors
    /// For the microcanonical ensemble.
    pub fn susceptibility(&self) -> Result<DMatrix<f64>, ArgumentError> {
        let beta = self.reservoir()?.beta;
        let x = &self.states.observables;
        Ok(DMatrix::from_fn(x.len(), x.len(), |k, l| {
            beta * self.covariance_of(&x[k], &x[l])
        }))
    }

    /// `κ = −(1/⟨V⟩) ∂⟨V⟩/∂P = β Var V/⟨V⟩`, isothermal.
    ///
    /// # Errors
    /// For the microcanonical ensemble, states without volumes, or a mean volume of 0.
    pub fn compressibility(&self) -> Result<f64, ArgumentError> {
        let beta = self.reservoir()?.beta;
        let v = self.volumes()?;
        let mean = self.mean(v);
        if mean == 0.0 {
            return Err(ArgumentError::new(
                "states",
                "of mean volume 0",
                "of a mean volume",
            ));
        }
        Ok(beta * self.covariance_of(v, v) / mean)
    }

    /// `∂⟨V⟩/∂T` at constant pressure: `β² Cov(E + PV − …, V)`.
    ///
    /// # Errors
    /// For the microcanonical ensemble, or states without volumes.
    pub fn thermal_expansion(&self) -> Result<f64, ArgumentError> {
        let r = self.reservoir()?;
        let exchanged = self.states.exchanged(r);
        Ok(r.beta * r.beta * self.covariance_of(&exchanged, self.volumes()?))
    }

    /// `∂⟨N⟩/∂μ = β Var N`, at constant temperature.
    ///
    /// # Errors
    /// For the microcanonical ensemble, or states without particles.
    pub fn particle_susceptibility(&self) -> Result<f64, ArgumentError> {
        let beta = self.reservoir()?.beta;
        let n = self.states.particles.as_deref().ok_or_else(|| {
            ArgumentError::new("states", "without particles", "states with particles")
        })?;
        Ok(beta * self.covariance_of(n, n))
    }
}
