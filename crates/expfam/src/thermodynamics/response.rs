//! Responses are fluctuations: heat capacities, stiffnesses, Maxwell's relations, Le Chatelier.

use ergodic_core::ArgumentError;
use nalgebra::{DMatrix, DVector};

use super::calculus;
use super::system::{Equilibrium, System};
use crate::domain;

/// How an equilibrium answers to changes of temperature and work parameters, from the Hessian of `log Z`:
/// exact, without differences (Callen 1985, ch. 7).
///
/// With `f = ⟨∂E/∂λ⟩` (minus the pressure, of a volume):
/// `C_λ = β² ∂²log Z/∂β² = β² Var E`; `K_T = ∂f/∂λ` at constant `T`, which is `−β Cov(A, A)` where energies
/// are linear, `E = E₀ + λ·A`; `∂f/∂T` at constant `λ`.
///
/// ```
/// use ergodic_expfam::thermodynamics::{IdealGas, Response, System};
///
/// // Mayer: C_P − C_V = N, and κ_T/κ_S = C_P/C_V.
/// let state = IdealGas::new(5.0, 3.0)?.equilibrium(0.7, &[3.0])?;
/// let response = Response::new(&state);
/// let (cv, cp) = (response.heat_capacity(), response.heat_capacity_at_constant_force()?);
/// assert!((cp - cv - 5.0).abs() < 1e-13);
/// let ratio = response.compressibility()? / response.adiabatic_compressibility()?;
/// assert!((ratio - cp / cv).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    temperature: f64,
    work: Vec<f64>,
    heat_capacity: f64,
    stiffness: DMatrix<f64>,
    thermal: DVector<f64>,
}

impl Response {
    /// Of this state.
    pub fn new(state: &Equilibrium) -> Self {
        let (beta, m) = (state.beta(), state.work().len());
        let h = state.hessian();
        Self {
            temperature: state.temperature(),
            work: state.work().to_vec(),
            heat_capacity: beta * beta * h[(0, 0)],
            stiffness: DMatrix::from_fn(m, m, |i, j| -h[(i + 1, j + 1)] / beta),
            thermal: DVector::from_fn(m, |i, _| beta * (state.forces()[i] + h[(0, i + 1)])),
        }
    }

    /// `C_λ = ∂U/∂T` at constant work parameters (`C_V`), in nats (units of `k`).
    pub fn heat_capacity(&self) -> f64 {
        self.heat_capacity
    }

    /// `K_T = ∂f/∂λ` at constant temperature.
    pub fn stiffness(&self) -> &DMatrix<f64> {
        &self.stiffness
    }

    /// `χ = −∂f/∂λ` at constant temperature: `β Cov(A, A)` where `E = E₀ + λ·A`, never negative then at `T > 0`.
    pub fn susceptibility(&self) -> DMatrix<f64> {
        -&self.stiffness
    }

    /// `∂f/∂T` at constant work parameters; `−∂S/∂λ` at constant temperature (Maxwell).
    pub fn thermal_force(&self) -> &DVector<f64> {
        &self.thermal
    }

    /// `K_S = K_T + (T/C) (∂f/∂T)(∂f/∂T)ᵀ`: `∂f/∂λ` at constant entropy.
    ///
    /// # Errors
    /// If the heat capacity is 0.
    pub fn adiabatic_stiffness(&self) -> Result<DMatrix<f64>, ArgumentError> {
        if self.heat_capacity <= 0.0 {
            return Err(ArgumentError::new(
                "state",
                format!("of heat capacity {}", self.heat_capacity),
                "of a heat capacity above 0",
            ));
        }
        let factor = self.temperature / self.heat_capacity;
        Ok(&self.stiffness + &self.thermal * self.thermal.transpose() * factor)
    }

    /// `C_f = C_λ + T (∂f/∂T)ᵀ K_T⁻¹ (∂f/∂T)`: at constant forces (`C_P`).
    ///
    /// # Errors
    /// If the stiffness is singular.
    pub fn heat_capacity_at_constant_force(&self) -> Result<f64, ArgumentError> {
        let solved = self
            .stiffness
            .clone()
            .lu()
            .solve(&self.thermal)
            .ok_or_else(|| {
                ArgumentError::new(
                    "state",
                    "of singular stiffness",
                    "of an invertible stiffness",
                )
            })?;
        Ok(self.heat_capacity + self.temperature * self.thermal.dot(&solved))
    }

    /// `κ_T = 1/(V K_T)` of a volume as the only work parameter.
    ///
    /// # Errors
    /// If there is not one work parameter, or it or its stiffness is 0.
    pub fn compressibility(&self) -> Result<f64, ArgumentError> {
        self.inverse_of(&self.stiffness)
    }

    /// `κ_S = 1/(V K_S)`.
    ///
    /// # Errors
    /// As [`compressibility`](Self::compressibility), and if the heat capacity is 0.
    pub fn adiabatic_compressibility(&self) -> Result<f64, ArgumentError> {
        self.inverse_of(&self.adiabatic_stiffness()?)
    }

    fn inverse_of(&self, stiffness: &DMatrix<f64>) -> Result<f64, ArgumentError> {
        if let ([volume], [k]) = (&self.work[..], stiffness.as_slice()) {
            let inverse = 1.0 / volume / k;
            if inverse.is_finite() {
                return Ok(inverse);
            }
        }
        Err(ArgumentError::new(
            "state",
            format!(
                "of work parameters {:?} and stiffness {stiffness:?}",
                self.work
            ),
            "of one work parameter, a volume, with a stiffness",
        ))
    }
}

/// Both sides of Maxwell's relation `−∂S/∂λ|_T = ∂f/∂T|_λ`, each by differences of its own first
/// derivatives, beside what the Hessian says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Maxwell {
    /// `−∂S/∂λᵢ` at constant temperature, by differences of the entropy.
    pub entropy_side: f64,
    /// `∂fᵢ/∂T` at constant work parameters, by differences of the force.
    pub force_side: f64,
    /// The same from the Hessian of `log Z`.
    pub from_hessian: f64,
}

impl Maxwell {
    /// The largest difference between the three.
    pub fn residual(&self) -> f64 {
        let [a, b, c] = [self.entropy_side, self.force_side, self.from_hessian];
        (a - b).abs().max((b - c).abs()).max((a - c).abs())
    }
}

/// Maxwell's relation of work parameter `index` at `(β, λ)`: a check of any [`System`], as the three
/// numbers come from three of its answers.
///
/// Differences are of fourth order with relative steps of 10⁻³: where the state varies on the scale of its
/// parameters, the residual of a right system is about 10⁻¹⁰ of the entropy and the force.
///
/// # Errors
/// As [`System::equilibrium`], also in the neighbourhood, and if there is no such work parameter.
///
/// ```
/// use ergodic_expfam::thermodynamics::{Canonical, maxwell_relation};
///
/// let relation = maxwell_relation(&Canonical::two_level(), 0.8, &[1.5], 0)?;
/// assert!(relation.residual() < 1e-10);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn maxwell_relation<S: System + ?Sized>(
    system: &S,
    beta: f64,
    work: &[f64],
    index: usize,
) -> Result<Maxwell, ArgumentError> {
    let state = system.equilibrium(beta, work)?;
    if index >= work.len() {
        return Err(ArgumentError::new(
            "index",
            index,
            format!("below {}, the number of work parameters", work.len()),
        ));
    }
    let entropy_slope = calculus::derivative(work[index], |x| {
        let mut moved = work.to_vec();
        moved[index] = x;
        Ok(system.equilibrium(beta, &moved)?.entropy())
    })?;
    let force_side = calculus::derivative(state.temperature(), |t| {
        Ok(system.equilibrium(1.0 / t, work)?.forces()[index])
    })?;
    Ok(Maxwell {
        entropy_side: -entropy_slope,
        force_side,
        from_hessian: Response::new(&state).thermal_force()[index],
    })
}

/// Le Chatelier's inequality of one parameter: the response of its mean is larger when the other natural
/// parameters are held than when the other means are held, `1/(F⁻¹)ᵢᵢ ≤ Fᵢᵢ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeChatelier {
    /// `Fᵢᵢ = ∂μᵢ/∂θᵢ` with the other natural parameters held: the variance of statistic `i`.
    pub free: f64,
    /// `1/(F⁻¹)ᵢᵢ = ∂μᵢ/∂θᵢ` with the other means held: its variance given the best linear prediction from
    /// the others.
    pub constrained: f64,
}

impl LeChatelier {
    /// `Fᵢᵢ − 1/(F⁻¹)ᵢᵢ`, never negative but for rounding; 0 where statistic `i` is uncorrelated with the
    /// others.
    pub fn margin(&self) -> f64 {
        self.free - self.constrained
    }
}

/// [`LeChatelier`] of every parameter, from a Fisher information (Callen 1985, §8.5, as the Schur
/// complement of a positive definite matrix). `O(d³)`.
///
/// # Errors
/// If the matrix is not square, symmetric and positive definite.
///
/// ```
/// use ergodic_expfam::{Member, families::Normal, thermodynamics::le_chatelier};
///
/// let member = Member::new(Normal, Normal::natural(1.0, 2.0)?)?;
/// let sides = le_chatelier(&member.fisher_information()?)?;
/// assert!(sides.iter().all(|s| s.constrained <= s.free));
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn le_chatelier(fisher: &DMatrix<f64>) -> Result<Vec<LeChatelier>, ArgumentError> {
    let wrong = || {
        ArgumentError::new(
            "fisher",
            format!("{fisher}"),
            "square, symmetric and positive definite",
        )
    };
    if fisher.nrows() != fisher.ncols() || fisher.is_empty() {
        return Err(wrong());
    }
    domain::finite("fisher", fisher.as_slice(), fisher.len())?;
    let asymmetry = (fisher - fisher.transpose()).amax();
    if asymmetry > 1e-12 * fisher.amax() {
        return Err(wrong());
    }
    let inverse = fisher.clone().cholesky().ok_or_else(wrong)?.inverse();
    Ok((0..fisher.nrows())
        .map(|i| LeChatelier {
            free: fisher[(i, i)],
            constrained: 1.0 / inverse[(i, i)],
        })
        .collect())
}
