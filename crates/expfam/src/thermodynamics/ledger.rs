//! Work, heat and entropy: of a quasi-static path by integration, of a sudden switch.

use ergodic_core::ArgumentError;

use super::calculus;
use super::system::{Equilibrium, System};
use crate::domain;
use crate::member::dot;

/// A path through inverse temperature and work parameters, `t ∈ [0, 1]`.
pub trait StatePath {
    /// `(β, λ)` at `t`.
    fn at(&self, t: f64) -> (f64, Vec<f64>);

    /// `d(β, λ)/dt` at `t`.
    fn velocity(&self, t: f64) -> (f64, Vec<f64>);
}

/// The path along which temperature and work parameters change at constant rates.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    temperatures: (f64, f64),
    from: Vec<f64>,
    to: Vec<f64>,
}

impl Segment {
    /// Between two temperatures and two points.
    ///
    /// # Errors
    /// If a temperature or its inverse is not finite or 0, the temperatures differ in sign, or the points are not
    /// finite or not of equal length.
    pub fn new(temperatures: (f64, f64), from: &[f64], to: &[f64]) -> Result<Self, ArgumentError> {
        domain::inverse_temperature("temperatures", temperatures.0)?;
        domain::inverse_temperature("temperatures", temperatures.1)?;
        // Between them is 0, or energies that no temperature has.
        if (temperatures.0 > 0.0) != (temperatures.1 > 0.0) {
            return Err(ArgumentError::new(
                "temperatures",
                format!("{temperatures:?}"),
                "both above 0 or both below",
            ));
        }
        domain::finite("from", from, from.len())?;
        domain::finite("to", to, from.len())?;
        Ok(Self {
            temperatures,
            from: from.to_vec(),
            to: to.to_vec(),
        })
    }
}

impl StatePath for Segment {
    fn at(&self, t: f64) -> (f64, Vec<f64>) {
        let mix = |a: f64, b: f64| (1.0 - t) * a + t * b;
        let work = self
            .from
            .iter()
            .zip(&self.to)
            .map(|(&a, &b)| mix(a, b))
            .collect();
        (1.0 / mix(self.temperatures.0, self.temperatures.1), work)
    }

    fn velocity(&self, t: f64) -> (f64, Vec<f64>) {
        let (beta, _) = self.at(t);
        let work = self.from.iter().zip(&self.to).map(|(a, b)| b - a).collect();
        (
            -beta * beta * (self.temperatures.1 - self.temperatures.0),
            work,
        )
    }
}

/// The ledger of a quasi-static path.
///
/// Work, heat and `∫ dQ/T` are three integrals, energy and entropy are state functions: the two laws are
/// checks of all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ledger {
    /// `W = ∫ f·dλ`, done on the system.
    pub work: f64,
    /// `Q = ∫ T dS`, taken up by the system.
    pub heat: f64,
    /// `∫ dQ/T`, in nats (Clausius).
    pub clausius: f64,
    /// `ΔU`.
    pub energy_change: f64,
    /// `ΔS`, in nats.
    pub entropy_change: f64,
    /// `ΔF`, which is the work where the temperature does not change.
    pub free_energy_change: f64,
}

impl Ledger {
    /// `ΔU − W − Q`: 0 but for the tolerance (first law).
    pub fn energy_residual(&self) -> f64 {
        self.energy_change - self.work - self.heat
    }

    /// `ΔS − ∫ dQ/T`: 0 but for the tolerance, as the path is reversible (second law).
    pub fn entropy_residual(&self) -> f64 {
        self.entropy_change - self.clausius
    }
}

/// Work, heat and entropy of a quasi-static path, to the tolerance (relative, or absolute in units of the
/// larger temperature at its ends; in nats for the entropy): adaptive Gauss–Kronrod integration, 21 equilibria per interval and integral.
///
/// # Errors
/// As [`System::equilibrium`] along the path, and if the tolerance is not above 0 or cannot be reached.
///
/// ```
/// use ergodic_expfam::thermodynamics::{Segment, Trap, quasi_static};
///
/// // Isothermal stiffness 1 → 4 at T = 1: W = ΔF = ½ log 4.
/// let path = Segment::new((1.0, 1.0), &[1.0], &[4.0])?;
/// let ledger = quasi_static(&Trap::overdamped(1)?, &path, 1e-12)?;
/// assert!((ledger.work - 0.6931471805599453).abs() < 1e-12);
/// assert!((ledger.heat + ledger.work).abs() < 1e-12); // U does not change
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn quasi_static<S: System + ?Sized, P: StatePath + ?Sized>(
    system: &S,
    path: &P,
    tolerance: f64,
) -> Result<Ledger, ArgumentError> {
    domain::positive("tolerance", tolerance)?;
    let state = |t: f64| -> Result<Equilibrium, ArgumentError> {
        let (beta, work) = path.at(t);
        system.equilibrium(beta, &work)
    };
    let power = |s: &Equilibrium, t: f64| -> Result<f64, ArgumentError> {
        let velocity = path.velocity(t).1;
        domain::finite("path", &velocity, s.work().len())?;
        Ok(dot(s.forces(), &velocity))
    };
    // dU = −∂²log Z/∂β² dβ − ∂²log Z/∂β∂λ·dλ, and dQ = dU − f·dλ.
    let heating = |s: &Equilibrium, t: f64| -> Result<f64, ArgumentError> {
        let (rate, velocity) = path.velocity(t);
        let mut sum = -s.hessian()[(0, 0)] * rate - power(s, t)?;
        for (i, v) in velocity.iter().enumerate() {
            sum -= s.hessian()[(0, i + 1)] * v;
        }
        Ok(sum)
    };
    let integrate = |unit: f64, f: &dyn Fn(&Equilibrium, f64) -> Result<f64, ArgumentError>| {
        calculus::integrate("path", tolerance, unit, 0.0, 1.0, |t| f(&state(t)?, t))
    };
    let (start, end) = (state(0.0)?, state(1.0)?);
    let warmest = start.temperature().abs().max(end.temperature().abs());
    Ok(Ledger {
        work: integrate(warmest, &power)?,
        heat: integrate(warmest, &heating)?,
        clausius: integrate(1.0, &|s, t| Ok(s.beta() * heating(s, t)?))?,
        energy_change: end.energy() - start.energy(),
        entropy_change: end.entropy() - start.entropy(),
        free_energy_change: end.free_energy() - start.free_energy(),
    })
}

/// The balance of a sudden switch of the work parameters in contact with a bath: all work is done before
/// a state has moved, then the system relaxes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SuddenSwitch {
    /// `⟨W⟩ = ⟨E_{λ′} − E_λ⟩` over the equilibrium before.
    pub work: f64,
    /// `ΔF`.
    pub free_energy_change: f64,
    /// `Q` of the relaxation afterwards: `ΔU − W`.
    pub heat: f64,
    /// `β(⟨W⟩ − ΔF) = KL(p_λ‖p_{λ′})`, in nats: the entropy that is produced.
    pub entropy_production: f64,
}

impl SuddenSwitch {
    /// `⟨W⟩ − ΔF`, of the sign of the temperature.
    pub fn dissipated_work(&self) -> f64 {
        self.work - self.free_energy_change
    }
}

/// [`SuddenSwitch`] from `work` to `switched` at `β`.
///
/// # Errors
/// As [`System::energy_after_switch`].
///
/// ```
/// use ergodic_expfam::thermodynamics::{Trap, sudden_switch};
///
/// let switch = sudden_switch(&Trap::overdamped(1)?, 1.0, &[1.0], &[4.0])?;
/// assert!((switch.work - 1.5).abs() < 1e-15);
/// assert!((switch.free_energy_change - 0.6931471805599453).abs() < 1e-15);
/// assert!((switch.dissipated_work() - 0.8068528194400547).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn sudden_switch<S: System + ?Sized>(
    system: &S,
    beta: f64,
    work: &[f64],
    switched: &[f64],
) -> Result<SuddenSwitch, ArgumentError> {
    let before = system.equilibrium(beta, work)?;
    let after = system.equilibrium(beta, switched)?;
    let done = system.energy_after_switch(beta, work, switched)? - before.energy();
    let free_energy_change = after.free_energy() - before.free_energy();
    Ok(SuddenSwitch {
        work: done,
        free_energy_change,
        heat: after.energy() - before.energy() - done,
        entropy_production: beta * (done - free_energy_change),
    })
}
