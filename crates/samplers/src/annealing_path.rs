//! Annealing paths: the laws that tempering and sequential Monte Carlo walk along.

use std::borrow::Borrow;

use ergodic_core::{
    ArgumentError, Energy, EnergyGradient, GeometricPath, Independent, LocalEnergy, Path, PathBase,
    Randomness, TargetError, Tempered,
};

/// The states of a path.
pub(crate) type StateOf<A> = <<A as AnnealingPath>::Target as Energy>::State;
/// An owned state of a path.
pub(crate) type OwnedOf<A> = <StateOf<A> as ToOwned>::Owned;

/// A family of laws `π_t ∝ exp(−E_t)` of *one* state, from an easy one to the law of interest.
///
/// [`Path`] of `ergodic-core` says the same of blocks of chains; [`OneChain`] makes an annealing
/// path of it. What tempering asks:
///
/// * [`at`](Self::at): the target at `t`; built once per level.
/// * [`work`](Self::work): `E_to(x) − E_from(x)`, from which swaps and weights are made. `+∞`
///   where `x` has probability zero at `to`; NaN or `−∞` is a broken target.
/// * [`slope`](Self::slope): `∂E_t(x)/∂t` where it does not depend on `t`; saves evaluations.
/// * [`log_z_base`](Self::log_z_base) and [`sample_base`](Self::sample_base), both or neither:
///   the exact log partition function at `t = 0` and exact draws from there. A base draw may lie
///   outside the support of the laws at `t > 0`; its work is then `+∞`.
///
/// | path | `E_t` | base |
/// |---|---|---|
/// | [`Temperatures`] | `t E` | none: `t = β` runs between any two inverse temperatures |
/// | [`GeometricPath`] | `t E` | the reference measure |
/// | [`LinearPath`] | `(1 − t) E₀ + t E` | the law of `E₀` |
/// | [`OneChain`] | of any [`Path`] | that of the path |
///
/// ```
/// use ergodic_conformance::strategies::FiniteTable;
/// use ergodic_samplers::{AnnealingPath, Temperatures};
///
/// let table = FiniteTable::new(vec![0.0, 3.0])?;
/// let path = Temperatures(&table);
/// assert_eq!(path.work(&1, 0.5, 1.0), 1.5);
/// assert_eq!(path.log_z_base(), None);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub trait AnnealingPath {
    /// The law at one `t`.
    type Target: Energy;

    /// The law at `t`.
    fn at(&self, t: f64) -> Self::Target;

    /// `E_to(x) − E_from(x)` in nats.
    fn work(&self, x: &StateOf<Self>, from: f64, to: f64) -> f64;

    /// `V(x) = ∂E_t(x)/∂t` if `E_t` is linear in `t`, so that the work is `(to − from) V(x)`.
    fn slope(&self, x: &StateOf<Self>) -> Option<f64> {
        let _ = x;
        None
    }

    /// `log Z` at `t = 0`, exact, if it is known.
    fn log_z_base(&self) -> Option<f64> {
        None
    }

    /// An exact draw from the law at `t = 0`, if there is a way.
    fn sample_base<R: Randomness + ?Sized>(&self, rng: &mut R) -> Option<OwnedOf<Self>> {
        let _ = rng;
        None
    }

    /// [`sample_base`](Self::sample_base), written over `x`: the same draw from the same decisions
    /// of `rng`, without an allocation where `x` has the shape of a draw. Whether there is a way.
    ///
    /// The default draws a new state; override it where that allocates, as level 0 of tempering
    /// draws one at every step.
    fn sample_base_into<R: Randomness + ?Sized>(&self, x: &mut OwnedOf<Self>, rng: &mut R) -> bool {
        match self.sample_base(rng) {
            Some(draw) => {
                *x = draw;
                true
            }
            None => false,
        }
    }
}

impl<A: AnnealingPath + ?Sized> AnnealingPath for &A {
    type Target = A::Target;
    fn at(&self, t: f64) -> Self::Target {
        (**self).at(t)
    }
    fn work(&self, x: &StateOf<A>, from: f64, to: f64) -> f64 {
        (**self).work(x, from, to)
    }
    fn slope(&self, x: &StateOf<A>) -> Option<f64> {
        (**self).slope(x)
    }
    fn log_z_base(&self) -> Option<f64> {
        (**self).log_z_base()
    }
    fn sample_base<R: Randomness + ?Sized>(&self, rng: &mut R) -> Option<OwnedOf<A>> {
        (**self).sample_base(rng)
    }
    fn sample_base_into<R: Randomness + ?Sized>(&self, x: &mut OwnedOf<A>, rng: &mut R) -> bool {
        (**self).sample_base_into(x, rng)
    }
}

/// `dt · V`, where a state of infinite energy stays outside.
fn linear_work(slope: f64, from: f64, to: f64) -> f64 {
    if slope == f64::INFINITY {
        slope
    } else {
        (to - from) * slope
    }
}

/// The law of `T` at inverse temperature `t`, `E_t = t E`, without a base: for tempering between
/// two temperatures, where partition functions come out as ratios.
///
/// Kernels are those of [`Tempered<T>`](Tempered); `T` is usually a reference.
#[derive(Clone, Copy, Debug)]
pub struct Temperatures<T>(
    /// The law at `t = 1`.
    pub T,
);

impl<T: Energy + Clone> AnnealingPath for Temperatures<T> {
    type Target = Tempered<T>;
    fn at(&self, t: f64) -> Tempered<T> {
        Tempered {
            target: self.0.clone(),
            beta: t,
        }
    }
    fn work(&self, x: &T::State, from: f64, to: f64) -> f64 {
        linear_work(self.0.energy(x), from, to)
    }
    fn slope(&self, x: &T::State) -> Option<f64> {
        Some(self.0.energy(x))
    }
}

/// Kernels are those of [`Tempered<T>`](Tempered), one chain at a time.
impl<T, B> AnnealingPath for GeometricPath<T, B>
where
    T: Energy + Clone,
    B: PathBase<<T::State as ToOwned>::Owned>,
{
    type Target = Tempered<T>;
    fn at(&self, t: f64) -> Tempered<T> {
        Tempered {
            target: self.target.clone(),
            beta: t,
        }
    }
    fn work(&self, x: &T::State, from: f64, to: f64) -> f64 {
        linear_work(self.target.energy(x), from, to)
    }
    fn slope(&self, x: &T::State) -> Option<f64> {
        Some(self.target.energy(x))
    }
    fn log_z_base(&self) -> Option<f64> {
        Some(self.base.log_z())
    }
    fn sample_base<R: Randomness + ?Sized>(
        &self,
        rng: &mut R,
    ) -> Option<<T::State as ToOwned>::Owned> {
        Some(self.base.sample(rng))
    }
    fn sample_base_into<R: Randomness + ?Sized>(
        &self,
        x: &mut <T::State as ToOwned>::Owned,
        rng: &mut R,
    ) -> bool {
        self.base.sample_into(x, rng);
        true
    }
}

/// Any [`Path`] of `ergodic-core`, by blocks of one chain.
///
/// Kernels are those of the path's population; for separate chains that is
/// [`EachChain`](ergodic_core::EachChain) of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct OneChain<P>(
    /// The path.
    pub P,
);

impl<P: Path> AnnealingPath for OneChain<P> {
    type Target = P::Target;
    fn at(&self, t: f64) -> P::Target {
        self.0.at(t)
    }
    fn work(&self, block: &StateOf<Self>, from: f64, to: f64) -> f64 {
        let mut work = [0.0];
        self.0.work(block, from, to, &mut work);
        work[0]
    }
    fn log_z_base(&self) -> Option<f64> {
        Some(self.0.log_z_base())
    }
    fn sample_base<R: Randomness + ?Sized>(&self, rng: &mut R) -> Option<OwnedOf<Self>> {
        Some(self.0.sample_base(1, rng))
    }
    fn sample_base_into<R: Randomness + ?Sized>(
        &self,
        block: &mut OwnedOf<Self>,
        rng: &mut R,
    ) -> bool {
        self.0.sample_base_into(block, rng);
        true
    }
}

/// The straight line between two energies, `E_t = (1 − t) E₀ + t E`: from a base law that can be
/// drawn exactly, such as a [`Gaussian`](crate::Gaussian), to a target on the same space.
///
/// The path for continuous targets, whose `t E` alone has no law at `t = 0`. `E₀` has to be
/// finite wherever `E` is.
///
/// ```
/// use ergodic_core::Energy;
/// use ergodic_samplers::{AnnealingPath, Gaussian, LinearPath};
///
/// struct Quartic;
/// impl Energy for Quartic {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         x[0].powi(4)
///     }
/// }
/// let base = Gaussian::independent(vec![0.0], vec![2.0])?;
/// let path = LinearPath { base, target: &Quartic };
/// assert_eq!(path.at(0.5).energy(&[2.0]), 0.25 + 8.0);
/// assert_eq!(path.work(&[2.0], 0.0, 1.0), 15.5);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LinearPath<B, T> {
    /// The law at `t = 0`.
    pub base: B,
    /// The law at `t = 1`.
    pub target: T,
}

/// One law of a [`LinearPath`], `E_t = (1 − t) E₀ + t E`.
#[derive(Clone, Copy, Debug)]
pub struct Between<B, T> {
    /// `E₀`.
    pub base: B,
    /// `E`.
    pub target: T,
    /// Where on the line.
    pub t: f64,
}

/// `a u + b v`, infinite if `u` or `v` is, whatever the weights.
fn mix(t: f64, base: f64, target: f64) -> f64 {
    if base == f64::INFINITY || target == f64::INFINITY {
        f64::INFINITY
    } else {
        (1.0 - t) * base + t * target
    }
}

impl<T: Energy, B: Energy<State = T::State>> Energy for Between<B, T> {
    type State = T::State;
    fn energy(&self, x: &T::State) -> f64 {
        mix(self.t, self.base.energy(x), self.target.energy(x))
    }
}

impl<T, B> LocalEnergy for Between<B, T>
where
    T: LocalEnergy,
    B: LocalEnergy<State = T::State, Move = T::Move>,
{
    type Move = T::Move;
    fn delta_energy(&self, x: &T::State, m: T::Move) -> f64 {
        mix(
            self.t,
            self.base.delta_energy(x, m),
            self.target.delta_energy(x, m),
        )
    }
    fn apply(&self, x: &mut T::State, m: T::Move) {
        self.target.apply(x, m);
    }
}

impl<T: EnergyGradient, B: AddGradient> EnergyGradient for Between<B, T> {
    fn dim(&self) -> usize {
        self.target.dim()
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let target = self.target.energy_gradient(x, grad);
        for g in &mut *grad {
            *g *= self.t;
        }
        let base = self.base.add_gradient(x, 1.0 - self.t, grad);
        mix(self.t, base, target)
    }
}

/// A base law whose gradient can be added to another without scratch memory.
///
/// Implemented by [`Gaussian`](crate::Gaussian).
pub trait AddGradient: Energy<State = [f64]> {
    /// Adds `scale · ∇E(x)` to `grad` and returns `E(x)`.
    fn add_gradient(&self, x: &[f64], scale: f64, grad: &mut [f64]) -> f64;
}

impl<B: AddGradient> AddGradient for &B {
    fn add_gradient(&self, x: &[f64], scale: f64, grad: &mut [f64]) -> f64 {
        (**self).add_gradient(x, scale, grad)
    }
}

impl<B, T> LinearPath<B, T>
where
    T: Energy,
    B: Energy<State = T::State>,
{
    fn difference(&self, x: &T::State) -> f64 {
        let target = self.target.energy(x);
        if target == f64::INFINITY {
            target
        } else {
            target - self.base.energy(x)
        }
    }
}

impl<B, T> AnnealingPath for LinearPath<B, T>
where
    T: Energy + Clone,
    B: Energy<State = T::State> + PathBase<<T::State as ToOwned>::Owned> + Clone,
{
    type Target = Between<B, T>;
    fn at(&self, t: f64) -> Between<B, T> {
        Between {
            base: self.base.clone(),
            target: self.target.clone(),
            t,
        }
    }
    fn work(&self, x: &T::State, from: f64, to: f64) -> f64 {
        linear_work(self.difference(x), from, to)
    }
    fn slope(&self, x: &T::State) -> Option<f64> {
        Some(self.difference(x))
    }
    fn log_z_base(&self) -> Option<f64> {
        Some(self.base.log_z())
    }
    fn sample_base<R: Randomness + ?Sized>(
        &self,
        rng: &mut R,
    ) -> Option<<T::State as ToOwned>::Owned> {
        Some(self.base.sample(rng))
    }
    fn sample_base_into<R: Randomness + ?Sized>(
        &self,
        x: &mut <T::State as ToOwned>::Owned,
        rng: &mut R,
    ) -> bool {
        self.base.sample_into(x, rng);
        true
    }
}

/// The same line for estimators that walk many chains.
impl<B, T> Path for LinearPath<B, T>
where
    T: Energy + Clone,
    <T::State as ToOwned>::Owned: Clone,
    B: Energy<State = T::State> + PathBase<<T::State as ToOwned>::Owned> + Clone,
{
    type Target = Independent<Between<B, T>>;
    fn at(&self, t: f64) -> Self::Target {
        Independent(AnnealingPath::at(self, t))
    }
    fn log_z_base(&self) -> f64 {
        self.base.log_z()
    }
    fn sample_base<R: Randomness + ?Sized>(
        &self,
        chains: usize,
        rng: &mut R,
    ) -> Vec<<T::State as ToOwned>::Owned> {
        (0..chains).map(|_| self.base.sample(rng)).collect()
    }
    fn sample_base_into<R: Randomness + ?Sized>(
        &self,
        block: &mut Vec<<T::State as ToOwned>::Owned>,
        rng: &mut R,
    ) {
        for x in block {
            self.base.sample_into(x, rng);
        }
    }
    fn work(&self, block: &Vec<<T::State as ToOwned>::Owned>, from: f64, to: f64, out: &mut [f64]) {
        for (o, x) in out.iter_mut().zip(block) {
            *o = linear_work(self.difference(x.borrow()), from, to);
        }
    }
}

/// Why a run along a path could not be done: bad settings, or a target that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnnealingError {
    /// A setting outside its domain, or too few scans or particles for an estimate.
    Argument(ArgumentError),
    /// The target failed; `chain` is the replica or particle, `draw` the scan or stage.
    Target(TargetError),
}

impl std::fmt::Display for AnnealingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argument(e) => e.fmt(f),
            Self::Target(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for AnnealingError {}

impl From<ArgumentError> for AnnealingError {
    fn from(e: ArgumentError) -> Self {
        Self::Argument(e)
    }
}

impl From<TargetError> for AnnealingError {
    fn from(e: TargetError) -> Self {
        Self::Target(e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gaussian;

    #[test]
    fn the_gradient_between_two_laws_is_weighed_as_their_energies() {
        let path = LinearPath {
            base: Gaussian::independent(vec![0.0], vec![2.0]).unwrap(),
            target: Gaussian::standard(1).unwrap(),
        };
        for t in [0.0, 0.25, 1.0] {
            let (law, mut grad) = (AnnealingPath::at(&path, t), [0.0]);
            let energy = law.energy_gradient(&[3.0], &mut grad);
            let precision = (1.0 - t) / 4.0 + t;
            assert!((grad[0] - 3.0 * precision).abs() < 1e-15);
            assert!((energy - 4.5 * precision).abs() < 1e-15);
            assert_eq!(energy, law.energy(&[3.0]));
        }
    }
}
