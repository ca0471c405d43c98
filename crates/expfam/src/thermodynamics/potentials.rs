//! Potentials, Massieu functions, and Legendre's transforms between them.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::legendre::legendre_transform;

use super::calculus;
use super::system::{Equilibrium, System};
use crate::domain;
use crate::member::dot;

/// All potentials of one state, from `T`, `U`, `S`, `PV` and `μN` (Callen 1985, ch. 5).
///
/// What a state does not have is 0: no volume, `PV = 0`, and then `H = U`. They are identities at any
/// state, in equilibrium or not; in equilibrium at `T > 0` each is minimal (at `T < 0` maximal; Massieu functions:
/// maximal at either) under what its ensemble holds fixed.
///
/// ```
/// use ergodic_expfam::thermodynamics::{Potentials, System, Trap};
///
/// let state = Trap::overdamped(1)?.equilibrium(2.0, &[4.0])?;
/// let potentials = Potentials::of_equilibrium(&state);
/// assert!((potentials.helmholtz() - state.free_energy()).abs() < 1e-15);
/// assert!((potentials.massieu() - state.log_partition()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Potentials {
    temperature: f64,
    energy: f64,
    entropy: f64,
    pressure_volume: f64,
    chemical: f64,
}

impl Potentials {
    /// From `T`, `U`, `S` (nats), `PV` and `μN`.
    ///
    /// # Errors
    /// If the temperature or its inverse is not finite or 0, or another number is not finite.
    pub fn new(
        temperature: f64,
        energy: f64,
        entropy: f64,
        pressure_volume: f64,
        chemical: f64,
    ) -> Result<Self, ArgumentError> {
        domain::inverse_temperature("temperature", temperature)?;
        domain::finite("energy", &[energy], 1)?;
        domain::finite("entropy", &[entropy], 1)?;
        domain::finite("pressure_volume", &[pressure_volume], 1)?;
        domain::finite("chemical", &[chemical], 1)?;
        Ok(Self {
            temperature,
            energy,
            entropy,
            pressure_volume,
            chemical,
        })
    }

    /// Of an equilibrium state of a system, `−f·λ` in the place of `PV`.
    pub fn of_equilibrium(state: &Equilibrium) -> Self {
        Self {
            temperature: state.temperature(),
            energy: state.energy(),
            entropy: state.entropy(),
            pressure_volume: -dot(state.forces(), state.work()),
            chemical: 0.0,
        }
    }

    /// `T`.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// `U(S, V, N)`.
    pub fn energy(&self) -> f64 {
        self.energy
    }

    /// `S(U, V, N)`, in nats.
    pub fn entropy(&self) -> f64 {
        self.entropy
    }

    /// `F(T, V, N) = U − TS`.
    pub fn helmholtz(&self) -> f64 {
        self.energy - self.temperature * self.entropy
    }

    /// `H(S, P, N) = U + PV`.
    pub fn enthalpy(&self) -> f64 {
        self.energy + self.pressure_volume
    }

    /// `G(T, P, N) = U − TS + PV`.
    pub fn gibbs(&self) -> f64 {
        self.helmholtz() + self.pressure_volume
    }

    /// `Ω(T, V, μ) = U − TS − μN`.
    pub fn grand(&self) -> f64 {
        self.helmholtz() - self.chemical
    }

    /// Massieu's function `S − U/T = −F/T`: `log Z` of the canonical ensemble.
    pub fn massieu(&self) -> f64 {
        self.entropy - self.energy / self.temperature
    }

    /// Planck's function `S − (U + PV)/T = −G/T`: the log-partition of the isobaric ensemble.
    pub fn planck(&self) -> f64 {
        self.entropy - self.enthalpy() / self.temperature
    }

    /// Kramers's function `S − (U − μN)/T = −Ω/T`: the log-partition of the grand ensemble.
    pub fn kramers(&self) -> f64 {
        self.entropy - (self.energy - self.chemical) / self.temperature
    }
}

/// `S(U) = inf_β [log Z(β) + βU]` at given work parameters: the entropy of the canonical state of mean
/// energy `U`, and its `β`, by Legendre's transform of Massieu's function.
///
/// The infimum is where `−∂log Z/∂β = U`, at `β > 0` if there is one; where energies are bounded above, those
/// beyond the one of `β = 0` have `β < 0`. Cost: some 30 equilibria.
///
/// # Errors
/// If no finite temperature has this mean energy.
///
/// ```
/// use ergodic_expfam::thermodynamics::{IdealGas, System, entropy_of_energy};
///
/// let gas = IdealGas::new(10.0, 3.0)?;
/// let (entropy, beta) = entropy_of_energy(&gas, 30.0, &[7.0])?;
/// assert!((beta - 0.5).abs() < 1e-14); // U = 3/2 NT
/// assert!((entropy - gas.equilibrium(0.5, &[7.0])?.entropy()).abs() < 1e-12);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn entropy_of_energy<S: System + ?Sized>(
    system: &S,
    energy: f64,
    work: &[f64],
) -> Result<(f64, f64), ArgumentError> {
    domain::finite("energy", &[energy], 1)?;
    // A wrong argument is blamed itself, not the energy.
    system.equilibrium(1.0, work)?;
    entropy_at_sign(system, energy, work, 1.0)
        // Energies that are not bounded above have no state below 0: the first error is the one to tell.
        .or_else(|e| entropy_at_sign(system, energy, work, -1.0).map_err(|_| e))
}

/// [`entropy_of_energy`] among the `β` of one sign.
fn entropy_at_sign<S: System + ?Sized>(
    system: &S,
    energy: f64,
    work: &[f64],
    sign: f64,
) -> Result<(f64, f64), ArgumentError> {
    let missing = |reason: String| {
        ArgumentError::new(
            "energy",
            format!("{energy} ({reason})"),
            "a mean energy that the system has at a finite temperature",
        )
    };
    let log_beta = calculus::root(
        -0.5,
        0.5,
        |log_beta| {
            Ok(system
                .equilibrium(sign * Real::exp(log_beta), work)?
                .energy()
                - energy)
        },
        missing,
    )?;
    let beta = sign * Real::exp(log_beta);
    let state = system.equilibrium(beta, work)?;
    // At the ends of a bounded range of energies, which only β = 0 and ±∞ have, energies round to the
    // bound and every β beyond looks like a root.
    if beta.abs() * state.hessian()[(0, 0)] <= f64::EPSILON * energy.abs() {
        let temperature = 1.0 / beta;
        return Err(missing(format!(
            "it does not change with temperature near {temperature}"
        )));
    }
    Ok((state.log_partition() + beta * energy, beta))
}

/// How well `log Z(β)` and `S(U)` are Legendre transforms of each other on a grid of temperatures.
///
/// `S(Uᵢ) ≤ log Z(βⱼ) + βⱼUᵢ` for all pairs, with equality at `i = j`: because of convexity, the discrete
/// transforms on the grid are exact at its points, and both residuals are rounding, not the step of the
/// grid. They are not for a system whose energy is not the derivative of its log-partition, or whose
/// log-partition is not convex. `O(n)` equilibria.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LegendreWeb {
    /// Largest `|S(U) − min_β [log Z(β) + βU]|`.
    pub entropy_residual: f64,
    /// Largest `|log Z(β) − max_U [S(U) − βU]|`.
    pub massieu_residual: f64,
}

impl LegendreWeb {
    /// On `points ≥ 2` inverse temperatures, geometrically from `low` to `high`.
    ///
    /// # Errors
    /// If the range is not one of numbers above 0, there are fewer than 2 points, or energies do not
    /// fall strictly as `β` rises.
    ///
    /// ```
    /// use ergodic_expfam::thermodynamics::{Canonical, LegendreWeb};
    ///
    /// let web = LegendreWeb::new(&Canonical::two_level(), &[1.0], 0.1, 10.0, 50)?;
    /// assert!(web.entropy_residual < 1e-14 && web.massieu_residual < 1e-14);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn new<S: System + ?Sized>(
        system: &S,
        work: &[f64],
        low: f64,
        high: f64,
        points: usize,
    ) -> Result<Self, ArgumentError> {
        domain::positive("low", low)?;
        domain::positive("high", high)?;
        if low >= high {
            return Err(ArgumentError::new(
                "high",
                high,
                format!("above low, {low}"),
            ));
        }
        if points < 2 {
            return Err(ArgumentError::new("points", points, "at least 2"));
        }
        let step = Real::ln(high / low) / (points - 1) as f64;
        let states: Vec<Equilibrium> = (0..points)
            .map(|i| system.equilibrium(low * Real::exp(step * i as f64), work))
            .collect::<Result<_, _>>()?;
        let wrong = |e| ArgumentError::new("system", e, "one whose energy falls as β rises");
        let beta: Vec<f64> = states.iter().map(Equilibrium::beta).collect();
        let massieu: Vec<f64> = states.iter().map(Equilibrium::log_partition).collect();
        // Energies fall with β: −U rises along the states.
        let slopes: Vec<f64> = states.iter().map(|s| -s.energy()).collect();
        let dual =
            legendre_transform(&beta, &massieu, &slopes).map_err(|e| wrong(e.to_string()))?;
        let entropy: Vec<f64> = states.iter().map(Equilibrium::entropy).collect();
        let entropy_residual = largest(entropy.iter().zip(&dual.values).map(|(s, d)| s + d));
        // And back: log Z(β) is the transform of −S, as a function of x = −U, at slope β.
        let negative: Vec<f64> = entropy.iter().map(|s| -s).collect();
        let back =
            legendre_transform(&slopes, &negative, &beta).map_err(|e| wrong(e.to_string()))?;
        let massieu_residual = largest(massieu.iter().zip(&back.values).map(|(a, b)| a - b));
        Ok(Self {
            entropy_residual,
            massieu_residual,
        })
    }
}

fn largest(residuals: impl Iterator<Item = f64>) -> f64 {
    residuals.fold(0.0, |m, r| m.max(r.abs()))
}
