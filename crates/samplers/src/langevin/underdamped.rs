//! Underdamped (kinetic) Langevin dynamics by any splitting, with a Metropolis test on request.

use ergodic_core::{
    ArgumentError, Claims, EnergyGradient, MarkovKernel, Randomness, Stationarity, StepInfo,
    StepStats, TargetError,
};
use ergodic_math::Real;

use super::{Letter, Splitting};
use crate::phase::positive;
use crate::{Conserved, Momenta, PhaseKernel, PhaseState};

/// Beyond this error of the energy, in nats, a step counts as divergent.
const DIVERGENCE: f64 = 1000.0;

/// Underdamped Langevin dynamics, `dx = M⁻¹p dt`, `dp = −kT ∇E dt − γp dt + √(2γ M kT) dW`, one
/// step of length `h` by a [`Splitting`].
///
/// The stationary law of the dynamics is `π(x) ⊗ N(p; 0, M kT)`. That of the scheme differs from
/// it by `O(hᵖ)`, with `p` the [`order`](Splitting::order) of its word, claimed as
/// [`Asymptotic`](Stationarity::Asymptotic). Momenta survive a step: the position alone is no
/// Markov chain, and [`InPhaseSpace`](crate::InPhaseSpace) gives the view that is.
///
/// # With a Metropolis test
///
/// [`adjusted`](Self::adjusted) accepts the step, without the baths at its ends, with probability
/// `min(1, e^{−W})`, where the shadow work `W` is the change of `E + K/kT` over the drifts and
/// kicks, baths in between left out; a rejected step returns to where it began **with the momenta
/// reversed**. `π ⊗ N` is then exactly invariant for any `h`. For `OBABO` that is the generalised
/// hybrid Monte Carlo of Horowitz (*Phys. Lett. B* 268, 247, 1991) with one step of velocity
/// Verlet; for a bath inside it is the acceptance of a path and its reversal (Bou-Rabee and
/// Vanden-Eijnden, *Commun. Pure Appl. Math.* 63, 655, 2010; Sivak, Chodera and Crooks, *Phys. Rev.
/// X* 3, 011007, 2013). Every momentum reversed turns the trajectory back: keep rejections rare, a
/// few in a hundred, by `h`.
///
/// # When to use it, and what it costs
///
/// Unadjusted `BAOAB` gives good positions at steps up to about half the stability limit
/// `h < 2/ω_max`, at one gradient per step in any dimension; measure what is left of the bias with
/// [`StepHalving`](crate::StepHalving). Adjusted, it is a robust kernel where trajectories cannot
/// be long. A word costs as many gradients as it has kicks at different positions (one for each
/// word of the table of [`Splitting`]), and one energy more if the last drift is not followed by
/// a kick before the next.
///
/// A step to a point of infinite energy, whose numbers overflow, or whose shadow work is above 1000
/// nats is not made, with or without the test: the momenta are reversed there too, and the step
/// counts as divergent. Unadjusted, that keeps a chain near the target where the force grows faster
/// than linearly and the scheme has no stationary law; averages of runs with divergent steps have
/// a bias that is not of the claimed order.
///
/// ```
/// # use ergodic_core::{Energy, EnergyGradient};
/// # struct Normal;
/// # impl Energy for Normal {
/// #     type State = [f64];
/// #     fn energy(&self, x: &[f64]) -> f64 { 0.5 * x[0] * x[0] }
/// # }
/// # impl EnergyGradient for Normal {
/// #     fn dim(&self) -> usize { 1 }
/// #     fn energy_gradient(&self, x: &[f64], g: &mut [f64]) -> f64 { g[0] = x[0]; self.energy(x) }
/// # }
/// use ergodic_core::MarkovKernel;
/// use ergodic_samplers::Langevin;
///
/// let mut kernel = Langevin::new("BAOAB".parse()?, 0.5, 1.0)?;
/// let mut state = kernel.init(&Normal, &[3.0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (mut square, n) = (0.0, 100_000);
/// for _ in 0..n {
///     kernel.step(&Normal, &mut state, &mut rng)?;
///     square += state.position()[0].powi(2);
/// }
/// assert!((square / f64::from(n) - 1.0).abs() < 0.05); // exact on a normal target
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Langevin {
    splitting: Splitting,
    step_size: f64,
    friction: f64,
    momenta: Momenta,
    adjusted: bool,
    // What follows from the above.
    drift: f64,
    kick: f64,
    bath: (f64, f64),
    kick_next: bool,
}

impl Langevin {
    /// Steps of length `step_size` with friction `γ` (an inverse time), unit masses and `kT = 1`.
    ///
    /// Friction `∞` is allowed: every bath then draws the momenta anew.
    ///
    /// # Errors
    /// If the step size is not a finite number above 0, or the friction not a number above 0.
    pub fn new(splitting: Splitting, step_size: f64, friction: f64) -> Result<Self, ArgumentError> {
        positive("step_size", step_size)?;
        if friction.is_nan() || friction <= 0.0 {
            return Err(ArgumentError::new("friction", friction, "above 0"));
        }
        let last = |letter| step_size / splitting.count(letter) as f64;
        let damping = friction * last(Letter::O);
        let kick_next = splitting.letters().iter().find(|&&l| l != Letter::O) == Some(&Letter::B);
        Ok(Self {
            drift: last(Letter::A),
            kick: last(Letter::B),
            bath: (Real::exp(-damping), (-Real::exp_m1(-2.0 * damping)).sqrt()),
            kick_next,
            splitting,
            step_size,
            friction,
            momenta: Momenta::unit(),
            adjusted: false,
        })
    }

    /// With other masses or another temperature.
    pub fn momenta(mut self, momenta: Momenta) -> Self {
        self.momenta = momenta;
        self
    }

    /// With a Metropolis test: exactly invariant.
    ///
    /// # Errors
    /// If the word does not read the same backwards once the baths at its ends are taken off: the
    /// reverse of such a step is no step.
    pub fn adjusted(mut self) -> Result<Self, ArgumentError> {
        if !self.splitting.has_reversible_core() {
            return Err(ArgumentError::new(
                "splitting",
                format!("{:?}", self.splitting.to_string()),
                "a word that reads the same backwards, but for O at its ends, to be adjusted",
            ));
        }
        self.adjusted = true;
        Ok(self)
    }

    /// The word.
    pub const fn splitting(&self) -> &Splitting {
        &self.splitting
    }

    /// The length `h` of a step.
    pub const fn step_size(&self) -> f64 {
        self.step_size
    }

    /// The friction `γ`.
    pub const fn friction(&self) -> f64 {
        self.friction
    }

    /// Whether a Metropolis test makes the kernel exact.
    pub const fn is_adjusted(&self) -> bool {
        self.adjusted
    }

    /// Drifts, kicks and the baths between them; the shadow work, or `None` if the chain cannot be
    /// where they lead.
    fn travel<T: EnergyGradient + ?Sized, R: Randomness + ?Sized>(
        &self,
        target: &T,
        state: &mut PhaseState,
        info: &mut LangevinInfo,
        rng: &mut R,
    ) -> Result<Option<f64>, TargetError> {
        let mut kinetic = 0.0;
        for letter in &self.splitting.letters()[self.splitting.core()] {
            match letter {
                Letter::A => state.drift(&self.momenta, self.drift),
                Letter::B => {
                    if !state.is_current() {
                        info.gradients += 1;
                        if !state.evaluate(target)? {
                            return Ok(None);
                        }
                    }
                    kinetic += state.kick(&self.momenta, self.kick);
                }
                Letter::O => state.bath(&self.momenta, self.bath, rng),
            }
        }
        if !state.is_current() {
            // The next step begins with a kick here, so that the gradient will not be wasted.
            let inside = if self.kick_next {
                info.gradients += 1;
                state.evaluate(target)?
            } else {
                info.energies += 1;
                state.evaluate_energy(target)?
            };
            if !inside {
                return Ok(None);
            }
        }
        let work = state.energy() - state.saved_energy() + kinetic;
        Ok((work.is_finite() && state.is_finite()).then_some(work))
    }
}

/// What a step of [`Langevin`] did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LangevinInfo {
    /// Whether the step was made. Without a Metropolis test it is, unless it is divergent.
    pub accepted: bool,
    /// The probability of acceptance; `None` without a Metropolis test.
    pub acceptance: Option<f64>,
    /// The shadow work `W` in nats: the error of the energy over drifts and kicks; `+∞` if the
    /// step left the region where the energy is finite.
    pub shadow_work: f64,
    /// Whether the work was above 1000 nats or not finite, so that the step was not made.
    pub divergent: bool,
    /// `E + K/kT` after the step.
    pub energy: f64,
    /// The length of the step.
    pub step_size: f64,
    /// Gradients evaluated.
    pub gradients: u64,
    /// Energies evaluated alone.
    pub energies: u64,
}

impl StepInfo for LangevinInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: self.acceptance,
            divergent: self.divergent,
            energy: Some(self.energy),
            energy_error: Some(self.shadow_work),
            step_size: Some(self.step_size),
            gradients: self.gradients,
            energies: self.energies,
            forbidden: u64::from(self.shadow_work == f64::INFINITY),
            ..StepStats::default()
        }
    }
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for Langevin {
    type State = PhaseState;
    type Info = LangevinInfo;

    /// Irreducible in either form: from any phase point the noise of the baths reaches every
    /// position within two steps.
    fn claims(&self) -> Claims {
        Claims {
            stationarity: if self.adjusted {
                Stationarity::Invariant
            } else {
                Stationarity::Asymptotic {
                    order: self.splitting.order(),
                }
            },
            ergodic: true,
        }
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<PhaseState, TargetError> {
        PhaseState::start(target, &self.momenta, 0, x)
    }

    fn position<'s>(&self, _: &T, state: &'s PhaseState) -> &'s [f64]
    where
        T: 's,
    {
        state.position()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut PhaseState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        state.restart(target, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut PhaseState,
        rng: &mut R,
    ) -> Result<LangevinInfo, TargetError> {
        let mut info = LangevinInfo {
            accepted: true,
            acceptance: None,
            shadow_work: f64::INFINITY,
            divergent: false,
            energy: 0.0,
            step_size: self.step_size,
            gradients: 0,
            energies: 0,
        };
        state.draw_once(&self.momenta, |_| 0.0, rng);
        let core = self.splitting.core();
        for _ in 0..core.start {
            state.bath(&self.momenta, self.bath, rng);
        }
        state.save();
        if let Some(work) = self.travel(target, state, &mut info, rng)? {
            info.shadow_work = work;
        }
        if info.shadow_work > DIVERGENCE {
            info.divergent = true;
            info.accepted = false;
            info.acceptance = self.adjusted.then_some(0.0);
        } else if self.adjusted {
            let acceptance = if info.shadow_work <= 0.0 {
                1.0
            } else {
                Real::exp(-info.shadow_work)
            };
            info.acceptance = Some(acceptance);
            info.accepted = rng.bernoulli(acceptance);
        }
        if !info.accepted {
            state.back();
        }
        for _ in core.end..self.splitting.letters().len() {
            state.bath(&self.momenta, self.bath, rng);
        }
        info.energy = state.energy()
            + self.momenta.kinetic_energy(state.momentum()) / self.momenta.temperature();
        Ok(info)
    }
}

impl<T: EnergyGradient + ?Sized> PhaseKernel<T> for Langevin {
    fn auxiliaries(&self, dim: usize) -> Vec<(f64, f64)> {
        (0..dim).map(|i| (0.0, self.momenta.variance(i))).collect()
    }

    fn point<'s>(&self, state: &'s PhaseState) -> &'s [f64] {
        state.point()
    }

    fn place(&self, target: &T, state: &mut PhaseState, point: &[f64]) -> Result<(), TargetError> {
        state.place(target, &self.momenta, point)
    }
}

/// `kT E + K` less the heat of the baths: constant up to the shadow work.
impl<T: EnergyGradient + ?Sized> Conserved<T> for Langevin {
    fn conserved_quantity(&self, target: &T, state: &PhaseState) -> f64 {
        state.balance(target, &self.momenta)
    }
}
