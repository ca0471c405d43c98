//! What thermodynamics asks of a system: the log-partition in inverse temperature and work
//! parameters, with two derivatives.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use nalgebra::DMatrix;

use super::calculus;
use crate::domain;
use crate::member::dot;

/// A system with an inverse temperature and work parameters: `log Z(β, λ) = log ∫ e^{−βE_λ(x)} dx`.
///
/// Implemented by [`Canonical`](super::Canonical) for every exponential family whose natural
/// parameters are energies over temperature, by [`Landscape`](super::Landscape),
/// [`Trap`](super::Trap) and [`IdealGas`](super::IdealGas); implement it for whatever has a
/// log-partition with two derivatives. [`maxwell_relation`](super::maxwell_relation) finds
/// derivatives that do not belong together.
pub trait System {
    /// The number of work parameters, at least 1 for cycles.
    fn work_parameters(&self) -> usize;

    /// The equilibrium state at `β` and `λ`.
    ///
    /// # Errors
    /// If `β` is not finite or 0, or is below 0 and energies are not bounded above, there are not as many work
    /// parameters as the system has, or they are outside its domain (argument `work`).
    fn equilibrium(&self, beta: f64, work: &[f64]) -> Result<Equilibrium, ArgumentError>;

    /// `⟨E_{λ′}⟩` over the equilibrium at `(β, λ)`: the energy right after a sudden switch of the work
    /// parameters to `λ′`, before any state has moved.
    ///
    /// # Errors
    /// As [`equilibrium`](Self::equilibrium), for `λ′` too, and if the mean is infinite (a wall that
    /// moves into a gas).
    fn energy_after_switch(
        &self,
        beta: f64,
        work: &[f64],
        switched: &[f64],
    ) -> Result<f64, ArgumentError>;

    /// The Fisher information of the law in `(β, λ)`, the covariance of its score
    /// `−(E − U, β(∂E/∂λ − f))`: the metric of thermodynamic length. Singular where parameters change
    /// the law in the same way.
    ///
    /// # Errors
    /// As [`equilibrium`](Self::equilibrium), and if the law has no Fisher information, as a gas in its
    /// volume: the support moves.
    fn fisher_information(&self, beta: f64, work: &[f64]) -> Result<DMatrix<f64>, ArgumentError>;
}

/// An equilibrium state of a [`System`].
///
/// ```
/// use ergodic_expfam::thermodynamics::{IdealGas, System};
///
/// // 100 atoms at T = 2 in a volume of 50: PV = NT, U = 3/2 NT.
/// let gas = IdealGas::new(100.0, 3.0)?;
/// let state = gas.equilibrium(0.5, &[50.0])?;
/// assert!((-state.forces()[0] * 50.0 - 200.0).abs() < 1e-12);
/// assert!((state.energy() - 300.0).abs() < 1e-12);
/// assert!((state.free_energy() - (state.energy() - 2.0 * state.entropy())).abs() < 1e-11);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Equilibrium {
    beta: f64,
    work: Vec<f64>,
    log_partition: f64,
    energy: f64,
    forces: Vec<f64>,
    hessian: DMatrix<f64>,
}

impl Equilibrium {
    /// From `log Z`, `U = −∂log Z/∂β`, the forces `f = −(1/β) ∂log Z/∂λ` and the Hessian of `log Z` in
    /// `(β, λ)`.
    ///
    /// # Errors
    /// If `β` or its inverse is not finite or 0, sizes differ, a number is not finite, or the Hessian is not
    /// symmetric.
    pub fn new(
        beta: f64,
        work: &[f64],
        log_partition: f64,
        energy: f64,
        forces: Vec<f64>,
        hessian: DMatrix<f64>,
    ) -> Result<Self, ArgumentError> {
        domain::inverse_temperature("beta", beta)?;
        domain::finite("work", work, work.len())?;
        domain::finite("log_partition", &[log_partition], 1)?;
        domain::finite("energy", &[energy], 1)?;
        domain::finite("forces", &forces, work.len())?;
        let size = work.len() + 1;
        if hessian.shape() != (size, size) {
            return Err(ArgumentError::new(
                "hessian",
                format!("a {} × {} matrix", hessian.nrows(), hessian.ncols()),
                format!("{size} × {size}"),
            ));
        }
        domain::finite("hessian", hessian.as_slice(), size * size)?;
        let asymmetry = (&hessian - hessian.transpose()).amax();
        if asymmetry > 1e-9 * hessian.amax() {
            return Err(ArgumentError::new(
                "hessian",
                format!("of entries that differ from their mirror images by {asymmetry:e}"),
                "symmetric: mixed derivatives of log Z",
            ));
        }
        Ok(Self {
            beta,
            work: work.to_vec(),
            log_partition,
            energy,
            forces,
            hessian,
        })
    }

    /// `β`.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// `T = 1/β`.
    pub fn temperature(&self) -> f64 {
        1.0 / self.beta
    }

    /// The work parameters `λ`.
    pub fn work(&self) -> &[f64] {
        &self.work
    }

    /// `log Z = S − βU`: Massieu's function.
    pub fn log_partition(&self) -> f64 {
        self.log_partition
    }

    /// `U = ⟨E⟩`.
    pub fn energy(&self) -> f64 {
        self.energy
    }

    /// `fᵢ = ⟨∂E/∂λᵢ⟩`; minus the pressure, of a volume.
    pub fn forces(&self) -> &[f64] {
        &self.forces
    }

    /// The Hessian of `log Z` in `(β, λ)`.
    pub fn hessian(&self) -> &DMatrix<f64> {
        &self.hessian
    }

    /// `S = log Z + βU`, in nats; of a continuous system the differential entropy, which depends on the
    /// units of its coordinates.
    pub fn entropy(&self) -> f64 {
        self.log_partition + self.beta * self.energy
    }

    /// `F = U − TS = −T log Z`.
    pub fn free_energy(&self) -> f64 {
        -self.log_partition / self.beta
    }

    /// `H = U − f·λ`, which is `U + PV` where the work parameter is a volume.
    pub fn enthalpy(&self) -> f64 {
        self.energy - dot(&self.forces, &self.work)
    }

    /// `G = F − f·λ`.
    pub fn gibbs_energy(&self) -> f64 {
        self.free_energy() - dot(&self.forces, &self.work)
    }
}

/// Whether the state has this entropy, and its digits: far out, `log Z` and `βU` are large and cancel, and
/// what looks like a root is their rounding.
fn has_entropy(state: &Equilibrium, entropy: f64) -> bool {
    let allowed = 1e-11 * entropy.abs().max(1.0);
    let size = state.log_partition().abs() + (state.beta() * state.energy()).abs();
    (state.entropy() - entropy).abs() <= allowed && f64::EPSILON * size <= allowed
}

/// The state of this entropy at `work`: what an isentropic change of the work parameters reaches. `near` is the `β` where
/// to look first, and the answer where that has this entropy already: of frozen states, whose entropy has rounded to
/// that of the ground level, every lower temperature has it.
///
/// # Errors
/// If no temperature within the range of `f64` has this entropy.
pub(super) fn isentropic<S: System + ?Sized>(
    system: &S,
    entropy: f64,
    work: &[f64],
    near: f64,
) -> Result<Equilibrium, ArgumentError> {
    let missing = |reason: String| {
        ArgumentError::new(
            "work",
            format!("{work:?} ({reason})"),
            format!("work parameters at which a temperature has entropy {entropy}"),
        )
    };
    if let Ok(state) = system.equilibrium(near, work)
        && state.entropy() == entropy
        && has_entropy(&state, entropy)
    {
        return Ok(state);
    }
    let start = Real::ln(near);
    let log_beta = calculus::root(
        start - 0.5,
        start + 0.5,
        |log_beta| Ok(system.equilibrium(Real::exp(log_beta), work)?.entropy() - entropy),
        missing,
    )?;
    let state = system.equilibrium(Real::exp(log_beta), work)?;
    if has_entropy(&state, entropy) {
        return Ok(state);
    }
    Err(missing(format!("the nearest is {}", state.entropy())))
}

/// A way through the work parameters: each goes geometrically where both of its ends have one sign (so
/// that volumes, gaps and stiffnesses stay positive however far it is followed), else straight.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WorkLine {
    from: Vec<f64>,
    to: Vec<f64>,
}

impl WorkLine {
    pub(super) fn new(from: &[f64], to: &[f64], parameters: usize) -> Result<Self, ArgumentError> {
        domain::finite("from", from, parameters)?;
        domain::finite("to", to, parameters)?;
        if from == to {
            return Err(ArgumentError::new(
                "to",
                format!("{to:?}"),
                "different from the work parameters at the start",
            ));
        }
        Ok(Self {
            from: from.to_vec(),
            to: to.to_vec(),
        })
    }

    pub(super) fn at(&self, s: f64) -> Vec<f64> {
        // The ends are met exactly.
        if s == 0.0 {
            return self.from.clone();
        }
        if s == 1.0 {
            return self.to.clone();
        }
        self.from
            .iter()
            .zip(&self.to)
            .map(|(&a, &b)| {
                if a * b > 0.0 {
                    a * Real::exp(s * Real::ln(b / a))
                } else {
                    (1.0 - s) * a + s * b
                }
            })
            .collect()
    }

    /// Where on the line the system has this entropy at `β`, and its state there.
    pub(super) fn place_of_entropy<S: System + ?Sized>(
        &self,
        system: &S,
        beta: f64,
        entropy: f64,
    ) -> Result<(f64, Equilibrium), ArgumentError> {
        let missing = |reason: String| {
            ArgumentError::new(
                "to",
                format!("{:?} ({reason})", self.to),
                format!(
                    "such that on the line from {:?} the system reaches entropy {entropy} at \
                     temperature {}",
                    self.from,
                    1.0 / beta
                ),
            )
        };
        let place = calculus::root(
            0.0,
            1.0,
            |s| Ok(system.equilibrium(beta, &self.at(s))?.entropy() - entropy),
            missing,
        )?;
        let state = system.equilibrium(beta, &self.at(place))?;
        if has_entropy(&state, entropy) {
            return Ok((place, state));
        }
        Err(missing(format!("the nearest is {}", state.entropy())))
    }
}
