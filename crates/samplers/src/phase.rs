//! Positions with momenta: the law of the momenta, the state that carries both, and the view of a
//! kernel over its whole phase space.

use ergodic_core::{
    ArgumentError, Claims, Energy, EnergyGradient, MarkovKernel, Randomness, TargetError,
    WarmupStep,
};

/// The law of the momenta, `p ~ N(0, M kT)` with a diagonal mass matrix `M`.
///
/// Energies of Ergodic are dimensionless, `E = U/kT`, so that the law of the positions is that of
/// the target whatever `kT` is. [`at_temperature`](Self::at_temperature) sets the unit in which
/// kinetic energies, thermostat masses and conserved quantities are measured: the force is
/// `−kT ∇E = −∇U`, `⟨pᵢ²⟩ = mᵢ kT`. A physical energy `U` at `kT` is the target
/// `Tempered { target: U, beta: 1/kT }` with momenta at temperature `kT`; the trajectories are then
/// those of `U` in the units of the caller. Without it, `kT = 1`.
///
/// A heavy coordinate moves slowly: masses proportional to the inverse variances of the target make
/// all its directions oscillate with one period.
///
/// ```
/// use ergodic_samplers::Momenta;
///
/// let momenta = Momenta::diagonal(vec![1.0, 4.0])?.at_temperature(0.5)?;
/// assert_eq!(momenta.kinetic_energy(&[2.0, 2.0]), 2.5); // 2²/2 + 2²/8
/// assert_eq!(momenta.variance(1), 2.0);
/// assert!(Momenta::uniform(0.0).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Momenta {
    // One entry for all coordinates, or one for each.
    mass: Vec<f64>,
    inverse: Vec<f64>,
    thermal: Vec<f64>,
    temperature: f64,
}

impl Default for Momenta {
    fn default() -> Self {
        Self::unit()
    }
}

/// The entry for coordinate `i` of a vector with one entry for all or one for each.
#[inline(always)]
fn entry(v: &[f64], i: usize) -> f64 {
    if v.len() == 1 { v[0] } else { v[i] }
}

impl Momenta {
    /// Mass 1 for every coordinate, `kT = 1`.
    pub fn unit() -> Self {
        Self {
            mass: vec![1.0],
            inverse: vec![1.0],
            thermal: vec![1.0],
            temperature: 1.0,
        }
    }

    /// One mass for every coordinate, `kT = 1`.
    ///
    /// # Errors
    /// If the mass is not a finite number above 0.
    pub fn uniform(mass: f64) -> Result<Self, ArgumentError> {
        Self::from_masses(vec![mass], 1.0)
    }

    /// A mass for each coordinate, `kT = 1`. A target of another dimension is refused at the
    /// start of a chain.
    ///
    /// # Errors
    /// If there are none, or one is not a finite number above 0.
    pub fn diagonal(masses: Vec<f64>) -> Result<Self, ArgumentError> {
        Self::from_masses(masses, 1.0)
    }

    /// The same masses at `kT = temperature`, in units of energy.
    ///
    /// # Errors
    /// If it is not a finite number above 0.
    pub fn at_temperature(self, temperature: f64) -> Result<Self, ArgumentError> {
        Self::from_masses(self.mass, temperature)
    }

    fn from_masses(mass: Vec<f64>, temperature: f64) -> Result<Self, ArgumentError> {
        if mass.is_empty() {
            return Err(ArgumentError::new("masses", "empty", "at least one mass"));
        }
        positive("temperature", temperature)?;
        for &m in &mass {
            positive("mass", m)?;
            if !(m.recip().is_finite() && (m * temperature).is_normal()) {
                return Err(ArgumentError::new(
                    "mass",
                    m,
                    format!(
                        "such that 1/mass and mass times the temperature {temperature} are normal \
                         numbers"
                    ),
                ));
            }
        }
        Ok(Self {
            inverse: mass.iter().map(|m| m.recip()).collect(),
            thermal: mass.iter().map(|m| (m * temperature).sqrt()).collect(),
            mass,
            temperature,
        })
    }

    /// `kT`.
    pub const fn temperature(&self) -> f64 {
        self.temperature
    }

    /// The variance `mᵢ kT` of momentum `i`.
    ///
    /// # Panics
    /// If there is a mass for each coordinate and none for this one.
    pub fn variance(&self, i: usize) -> f64 {
        entry(&self.mass, i) * self.temperature
    }

    /// `Σ pᵢ²/(2 mᵢ)`.
    ///
    /// # Panics
    /// If there is a mass for each coordinate and fewer of them than momenta.
    pub fn kinetic_energy(&self, p: &[f64]) -> f64 {
        let twice: f64 = p
            .iter()
            .enumerate()
            .map(|(i, p)| p * p * entry(&self.inverse, i))
            .sum();
        0.5 * twice
    }

    /// The masses fit a target of this dimension.
    pub(crate) fn fits(&self, dim: usize) -> Result<(), TargetError> {
        if self.mass.len() == 1 || self.mass.len() == dim {
            Ok(())
        } else {
            Err(TargetError::dimension("masses", self.mass.len(), dim))
        }
    }

    /// The standard deviation `√(mᵢ kT)`.
    #[inline(always)]
    pub(crate) fn thermal(&self, i: usize) -> f64 {
        entry(&self.thermal, i)
    }

    /// `1/mᵢ`.
    #[inline(always)]
    pub(crate) fn inverse(&self, i: usize) -> f64 {
        entry(&self.inverse, i)
    }

    /// `pᵢ ← c pᵢ + s √(mᵢ kT) ξᵢ`; returns the change of the kinetic energy.
    pub(crate) fn mix<R: Randomness + ?Sized>(
        &self,
        p: &mut [f64],
        (c, s): (f64, f64),
        rng: &mut R,
    ) -> f64 {
        let mut twice = 0.0;
        for (i, p) in p.iter_mut().enumerate() {
            let old = *p;
            *p = c * old + s * self.thermal(i) * rng.normal();
            twice += (*p - old) * (*p + old) * self.inverse(i);
        }
        0.5 * twice
    }
}

/// A finite number above 0, or an error that names the argument.
pub(crate) fn positive(argument: &'static str, found: f64) -> Result<f64, ArgumentError> {
    if found > 0.0 && found.is_finite() {
        Ok(found)
    } else {
        Err(ArgumentError::new(
            argument,
            found,
            "a finite number above 0",
        ))
    }
}

/// Energy and gradient at the start of a chain, both of which have to be finite.
pub(crate) fn start_gradient<T: EnergyGradient + ?Sized>(
    target: &T,
    x: &[f64],
    gradient: &mut [f64],
) -> Result<f64, TargetError> {
    let energy = target.energy_gradient(x, gradient);
    if !energy.is_finite() {
        return Err(TargetError::non_finite("energy at the start", energy));
    }
    match gradient.iter().position(|g| !g.is_finite()) {
        None => Ok(energy),
        Some(i) => Err(TargetError::non_finite(
            &format!("gradient[{i}] at the start"),
            gradient[i],
        )),
    }
}

/// A start of the shape that the target has.
pub(crate) fn start_shape<T: EnergyGradient + ?Sized>(
    target: &T,
    x: &[f64],
) -> Result<usize, TargetError> {
    let dim = target.dim();
    if dim == 0 {
        return Err(TargetError::new(
            "the target has dimension 0, but must have at least 1",
        ));
    }
    if x.len() != dim {
        return Err(TargetError::dimension("start", x.len(), dim));
    }
    if let Some(i) = x.iter().position(|x| !x.is_finite()) {
        return Err(TargetError::non_finite(&format!("start[{i}]"), x[i]));
    }
    Ok(dim)
}

/// Whether a chain may be at a point of this energy; a target whose energy is `−∞` is broken.
pub(crate) fn may_be_at(energy: f64) -> Result<bool, TargetError> {
    if energy == f64::NEG_INFINITY {
        return Err(TargetError::non_finite("energy", energy));
    }
    Ok(energy.is_finite())
}

/// What Langevin kernels and thermostats carry: positions, momenta, further variables of the
/// thermostat, the cached energy and gradient, and the heat that the bath has given.
///
/// `init` knows the position alone: the first step after it draws the momenta, and the variables
/// of a thermostat, from their stationary law. `reset` to a position keeps them, as they do not
/// depend on it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PhaseState {
    dim: usize,
    /// Positions, momenta, further variables.
    point: Vec<f64>,
    gradient: Vec<f64>,
    energy: f64,
    /// Whether `gradient` is that of the position; `energy` always is between steps.
    current: bool,
    heat: f64,
    /// Whether the momenta are yet to be drawn.
    fresh: bool,
    saved: Saved,
}

/// Where a step began.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Saved {
    point: Vec<f64>,
    gradient: Vec<f64>,
    energy: f64,
    current: bool,
    heat: f64,
}

impl PhaseState {
    /// The position.
    pub fn position(&self) -> &[f64] {
        &self.point[..self.dim]
    }

    /// The momenta; zero before the first step.
    pub fn momentum(&self) -> &[f64] {
        &self.point[self.dim..2 * self.dim]
    }

    /// The variables of the thermostat, as the kernel orders them.
    pub fn auxiliary(&self) -> &[f64] {
        &self.point[2 * self.dim..]
    }

    /// The energy `E(x)` of the position, in nats.
    pub const fn energy(&self) -> f64 {
        self.energy
    }

    /// The energy that the bath has given since the start, in units of `kT` as set by
    /// [`Momenta`].
    pub const fn heat(&self) -> f64 {
        self.heat
    }

    /// At `x`, with momenta and `extra` further variables yet to be drawn.
    pub(crate) fn start<T: EnergyGradient + ?Sized>(
        target: &T,
        momenta: &Momenta,
        extra: usize,
        x: &[f64],
    ) -> Result<Self, TargetError> {
        let dim = start_shape(target, x)?;
        momenta.fits(dim)?;
        let mut gradient = vec![0.0; dim];
        let energy = start_gradient(target, x, &mut gradient)?;
        let mut point = vec![0.0; 2 * dim + extra];
        point[..dim].copy_from_slice(x);
        Ok(Self {
            dim,
            saved: Saved {
                point: point.clone(),
                gradient: gradient.clone(),
                energy,
                current: true,
                heat: 0.0,
            },
            point,
            gradient,
            energy,
            current: true,
            heat: 0.0,
            fresh: true,
        })
    }

    /// Moves to `x` if there is one, keeps the momenta, and rebuilds the caches.
    pub(crate) fn restart<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        let dim = start_shape(target, x.unwrap_or(self.position()))?;
        if dim != self.dim {
            return Err(TargetError::dimension("start", dim, self.dim));
        }
        if let Some(x) = x {
            self.point[..dim].copy_from_slice(x);
        }
        self.energy = start_gradient(target, &self.point[..dim], &mut self.gradient)?;
        self.current = true;
        Ok(())
    }

    /// Moves to a point of the phase space.
    pub(crate) fn place<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        momenta: &Momenta,
        point: &[f64],
    ) -> Result<(), TargetError> {
        if point.len() != self.point.len() {
            return Err(TargetError::dimension(
                "point of the phase space",
                point.len(),
                self.point.len(),
            ));
        }
        if let Some(bad) = point.iter().find(|v| !v.is_finite()) {
            return Err(TargetError::non_finite("point of the phase space", *bad));
        }
        let kinetic = momenta.kinetic_energy(&point[self.dim..2 * self.dim]);
        if !kinetic.is_finite() {
            return Err(TargetError::non_finite("kinetic energy", kinetic));
        }
        self.restart(target, Some(&point[..self.dim]))?;
        self.point[self.dim..].copy_from_slice(&point[self.dim..]);
        self.fresh = false;
        self.heat = 0.0;
        Ok(())
    }

    /// The whole point: positions, momenta, further variables.
    pub(crate) fn point(&self) -> &[f64] {
        &self.point
    }

    /// Draws what a start has left open: momenta, and further variables of the given standard
    /// deviations.
    pub(crate) fn draw_once<R: Randomness + ?Sized>(
        &mut self,
        momenta: &Momenta,
        deviation: impl Fn(usize) -> f64,
        rng: &mut R,
    ) {
        if !self.fresh {
            return;
        }
        self.fresh = false;
        let (p, rest) = self.point[self.dim..].split_at_mut(self.dim);
        momenta.mix(p, (0.0, 1.0), rng);
        for (i, v) in rest.iter_mut().enumerate() {
            *v = deviation(i) * rng.normal();
        }
    }

    /// Remembers this point for [`back`](Self::back).
    pub(crate) fn save(&mut self) {
        self.saved.point.copy_from_slice(&self.point);
        self.saved.gradient.copy_from_slice(&self.gradient);
        self.saved.energy = self.energy;
        self.saved.current = self.current;
        self.saved.heat = self.heat;
    }

    /// Returns to the remembered point with momenta and further variables reversed.
    pub(crate) fn back(&mut self) {
        self.point.copy_from_slice(&self.saved.point);
        for v in &mut self.point[self.dim..] {
            *v = -*v;
        }
        self.gradient.copy_from_slice(&self.saved.gradient);
        self.energy = self.saved.energy;
        self.current = self.saved.current;
        self.heat = self.saved.heat;
    }

    /// The energy at the remembered point.
    pub(crate) const fn saved_energy(&self) -> f64 {
        self.saved.energy
    }

    /// `p ← p − t kT ∇E(x)`, with the gradient at hand; returns the change of `K/kT`.
    pub(crate) fn kick(&mut self, momenta: &Momenta, t: f64) -> f64 {
        let force = t * momenta.temperature;
        let mut work = 0.0;
        let p = &mut self.point[self.dim..2 * self.dim];
        for (i, (p, g)) in p.iter_mut().zip(&self.gradient).enumerate() {
            let old = *p;
            *p = old - force * g;
            work -= g * (old + *p) * momenta.inverse(i);
        }
        0.5 * t * work
    }

    /// `x ← x + t M⁻¹ p`: energy and gradient are those of another point afterwards.
    pub(crate) fn drift(&mut self, momenta: &Momenta, t: f64) {
        let (x, rest) = self.point.split_at_mut(self.dim);
        for (i, (x, p)) in x.iter_mut().zip(rest).enumerate() {
            *x += t * *p * momenta.inverse(i);
        }
        self.current = false;
    }

    /// `p ← c p + s √(M kT) ξ`, where the bath gives or takes heat.
    pub(crate) fn bath<R: Randomness + ?Sized>(
        &mut self,
        momenta: &Momenta,
        mix: (f64, f64),
        rng: &mut R,
    ) {
        self.heat += momenta.mix(&mut self.point[self.dim..2 * self.dim], mix, rng);
    }

    /// Momenta and further variables, for the thermostats.
    pub(crate) fn momentum_and_auxiliary(&mut self) -> (&mut [f64], &mut [f64], &mut f64) {
        let (p, rest) = self.point[self.dim..].split_at_mut(self.dim);
        (p, rest, &mut self.heat)
    }

    /// Whether the gradient is that of the position.
    pub(crate) const fn is_current(&self) -> bool {
        self.current
    }

    /// Energy and gradient at the position; `false` if a chain cannot be there.
    pub(crate) fn evaluate<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
    ) -> Result<bool, TargetError> {
        if !self.position_is_finite() {
            return Ok(false);
        }
        self.energy = target.energy_gradient(&self.point[..self.dim], &mut self.gradient);
        self.current = true;
        may_be_at(self.energy)
    }

    /// The energy alone at the position; `false` if a chain cannot be there.
    pub(crate) fn evaluate_energy<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
    ) -> Result<bool, TargetError> {
        if !self.position_is_finite() {
            return Ok(false);
        }
        self.energy = target.energy(&self.point[..self.dim]);
        may_be_at(self.energy)
    }

    fn position_is_finite(&self) -> bool {
        self.position().iter().all(|x| x.is_finite())
    }

    /// Whether every number of the point is finite.
    pub(crate) fn is_finite(&self) -> bool {
        self.point.iter().all(|x| x.is_finite())
    }

    /// One step of velocity Verlet: half a kick, a drift, half a kick (Swope, Andersen, Berens
    /// and Wilson, 1982). Returns `ΔH/kT`, or `None` if it left the region where the energy is
    /// finite.
    pub(crate) fn verlet<T: EnergyGradient + ?Sized>(
        &mut self,
        target: &T,
        momenta: &Momenta,
        h: f64,
    ) -> Result<Option<f64>, TargetError> {
        let before = self.energy;
        let first = self.kick(momenta, 0.5 * h);
        self.drift(momenta, h);
        if !self.evaluate(target)? {
            return Ok(None);
        }
        let work = self.energy - before + first + self.kick(momenta, 0.5 * h);
        Ok(work.is_finite().then_some(work))
    }

    /// `kT E(x) + K(p) − heat`: what deterministic motion and exact heat would keep.
    pub(crate) fn balance<T: Energy<State = [f64]> + ?Sized>(
        &self,
        target: &T,
        momenta: &Momenta,
    ) -> f64 {
        momenta.temperature * target.energy(self.position())
            + momenta.kinetic_energy(self.momentum())
            - self.heat
    }
}

/// A kernel whose position alone is no Markov chain: it carries momenta, or more, from step to
/// step. Together with them it is one, with the stationary law `π(x) ⊗ N(p) ⊗ …`.
///
/// Implemented by [`Langevin`](crate::Langevin), the thermostats, and the stochastic-gradient
/// kernels with momenta. See [`InPhaseSpace`] for what it is good for.
pub trait PhaseKernel<T: EnergyGradient + ?Sized>: MarkovKernel<T> {
    /// Mean and variance of each variable beside the positions, momenta first, under the
    /// stationary law, for a target of dimension `dim`. All are normal and independent.
    fn auxiliaries(&self, dim: usize) -> Vec<(f64, f64)>;

    /// Positions, momenta, further variables.
    fn point<'s>(&self, state: &'s Self::State) -> &'s [f64];

    /// Moves to a point of the phase space.
    ///
    /// # Errors
    /// If it has the wrong length, is not finite, or its energy, the kinetic one included, is not.
    fn place(&self, target: &T, state: &mut Self::State, point: &[f64]) -> Result<(), TargetError>;

    /// The stationary law over the phase space.
    fn phase_space<'t>(&self, target: &'t T) -> PhaseSpace<&'t T> {
        PhaseSpace {
            auxiliaries: self.auxiliaries(target.dim()),
            target,
        }
    }
}

/// A quantity that the dynamics behind a kernel conserves and its discretisation does not: what
/// drifts is the error of the integrator.
pub trait Conserved<T: EnergyGradient + ?Sized>: MarkovKernel<T> {
    /// The conserved quantity, in the units of [`Momenta`]; its differences along a run are those
    /// of the shadow work. One evaluation of the energy.
    fn conserved_quantity(&self, target: &T, state: &Self::State) -> f64;
}

/// The law `π(x) ⊗ Πᵢ N(aᵢ; μᵢ, σᵢ²)` of positions, momenta and further variables, as one target
/// over slices `(x, a)`.
///
/// Made by [`PhaseKernel::phase_space`].
///
/// ```
/// use ergodic_core::{Energy, EnergyGradient};
/// use ergodic_samplers::PhaseSpace;
///
/// struct Normal;
/// impl Energy for Normal {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         0.5 * x[0] * x[0]
///     }
/// }
/// impl EnergyGradient for Normal {
///     fn dim(&self) -> usize {
///         1
///     }
///     fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
///         grad[0] = x[0];
///         self.energy(x)
///     }
/// }
/// let space = PhaseSpace { target: Normal, auxiliaries: vec![(0.0, 4.0)] };
/// assert_eq!(space.energy(&[1.0, 2.0]), 0.5 + 0.5);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseSpace<T> {
    /// The law of the positions.
    pub target: T,
    /// Mean and variance of each further variable, momenta first.
    pub auxiliaries: Vec<(f64, f64)>,
}

impl<T: EnergyGradient> Energy for PhaseSpace<T> {
    type State = [f64];
    fn energy(&self, z: &[f64]) -> f64 {
        let dim = self.target.dim();
        if z.len() != dim + self.auxiliaries.len() {
            return f64::NAN; // no such state: kernels refuse it as a start
        }
        let (x, rest) = z.split_at(dim);
        let normal: f64 = rest
            .iter()
            .zip(&self.auxiliaries)
            .map(|(a, (mean, variance))| (a - mean).powi(2) / (2.0 * variance))
            .sum();
        self.target.energy(x) + normal
    }
}

/// A kernel with momenta, seen over its whole phase space: its position is `(x, p, …)`, which is
/// a Markov chain, and its target a [`PhaseSpace`].
///
/// Use it to start from given momenta, to observe them, and to check a kernel: over positions
/// alone `ergodic-conformance` finds the momenta as a hidden variable, as it should.
///
/// ```
/// # use ergodic_core::{Energy, EnergyGradient};
/// # struct DoubleWell;
/// # impl Energy for DoubleWell {
/// #     type State = [f64];
/// #     fn energy(&self, x: &[f64]) -> f64 { 0.25 * (x[0] * x[0] - 1.0).powi(2) + 0.3 * x[0] }
/// # }
/// # impl EnergyGradient for DoubleWell {
/// #     fn dim(&self) -> usize { 1 }
/// #     fn energy_gradient(&self, x: &[f64], g: &mut [f64]) -> f64 {
/// #         g[0] = x[0] * (x[0] * x[0] - 1.0) + 0.3;
/// #         self.energy(x)
/// #     }
/// # }
/// use ergodic_conformance::Quadrature;
/// use ergodic_samplers::{InPhaseSpace, Langevin, PhaseKernel};
///
/// let kernel = Langevin::new("OBABO".parse()?, 0.4, 1.0)?.adjusted()?;
/// let space = kernel.phase_space(&DoubleWell);
/// Quadrature::new(&[(-4.5, 4.5), (-6.0, 6.0)])?
///     .nodes(40, 20)?
///     .check(&InPhaseSpace(kernel), &space, 2e-4)?
///     .assert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InPhaseSpace<K>(pub K);

impl<T, K> MarkovKernel<PhaseSpace<T>> for InPhaseSpace<K>
where
    T: EnergyGradient,
    K: PhaseKernel<T>,
{
    type State = K::State;
    type Info = K::Info;

    fn claims(&self) -> Claims {
        self.0.claims()
    }

    fn init(&self, target: &PhaseSpace<T>, z: &[f64]) -> Result<Self::State, TargetError> {
        let dim = target.target.dim();
        let x = z.get(..dim).ok_or_else(|| {
            let length = dim + self.0.auxiliaries(dim).len();
            TargetError::dimension("point of the phase space", z.len(), length)
        })?;
        let mut state = self.0.init(&target.target, x)?;
        self.0.place(&target.target, &mut state, z)?;
        Ok(state)
    }

    fn position<'s>(&self, _: &PhaseSpace<T>, state: &'s Self::State) -> &'s [f64]
    where
        PhaseSpace<T>: 's,
    {
        self.0.point(state)
    }

    fn reset(
        &self,
        target: &PhaseSpace<T>,
        state: &mut Self::State,
        z: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        match z {
            Some(z) => self.0.place(&target.target, state, z),
            None => self.0.reset(&target.target, state, None),
        }
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &PhaseSpace<T>,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<Self::Info, TargetError> {
        self.0.step(&target.target, state, rng)
    }

    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        target: &PhaseSpace<T>,
        state: &mut Self::State,
        info: Option<&Self::Info>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        self.0.adapt(&target.target, state, info, at, rng)
    }
}
