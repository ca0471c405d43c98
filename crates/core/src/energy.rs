//! Target laws: an energy and the cheaper ways to ask for its differences and conditionals.

use crate::Randomness;

/// A probability law given up to its normalisation, `π(x) = exp(−E(x)) / Z`.
///
/// Energies are dimensionless (a physical energy already multiplied by `β = 1/kT`) and always
/// `f64`, whatever precision the parameters of a model are stored in. A non-finite energy means a
/// state of probability zero (`+∞`) or a broken target (`NaN`, `−∞`): kernels reject the former
/// and report the latter. Adding a constant to `E` changes nothing.
///
/// Implemented by the models of `ergodic-models` and by users' targets.
///
/// ```
/// use ergodic_core::Energy;
///
/// /// A standard normal in any dimension: `E(x) = ½ Σ xᵢ²`.
/// struct Normal;
/// impl Energy for Normal {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         0.5 * x.iter().map(|v| v * v).sum::<f64>()
///     }
/// }
/// assert_eq!(Normal.energy(&[1.0, 1.0]), 1.0);
/// ```
pub trait Energy {
    /// A configuration: `[f64]`, `[i8]`, a lattice, a block of chains.
    type State: ?Sized + ToOwned;

    /// `E(x)` in nats.
    fn energy(&self, x: &Self::State) -> f64;

    /// What a run records of a position, if the target knows better than its coordinates: the
    /// parameters on their original scale, the observables of a model. By default nothing of its
    /// own.
    fn observables(&self) -> Option<&dyn Observables<Self::State>> {
        None
    }
}

impl<T: Energy + ?Sized> Energy for &T {
    type State = T::State;
    fn energy(&self, x: &Self::State) -> f64 {
        (**self).energy(x)
    }
    fn observables(&self) -> Option<&dyn Observables<Self::State>> {
        (**self).observables()
    }
}

/// Named functions of a position, recorded with each draw instead of its coordinates.
///
/// A target hands them out by [`Energy::observables`]; used by the driver of `ergodic-samplers`.
///
/// ```
/// use ergodic_core::{Energy, Observables};
///
/// /// A scale, sampled as its logarithm `x` and recorded as itself: exponential with mean 1.
/// struct Scale;
/// impl Energy for Scale {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         x[0].exp() - x[0]
///     }
///     fn observables(&self) -> Option<&dyn Observables<[f64]>> {
///         Some(self)
///     }
/// }
/// impl Observables<[f64]> for Scale {
///     fn names(&self) -> Vec<String> {
///         vec!["sigma".into()]
///     }
///     fn observe(&self, x: &[f64], out: &mut [f64]) {
///         out[0] = x[0].exp();
///     }
/// }
/// let mut out = [0.0];
/// Scale.observables().unwrap().observe(&[0.0], &mut out);
/// assert_eq!(out, [1.0]);
/// ```
pub trait Observables<S: ?Sized> {
    /// One name for each value, all different.
    fn names(&self) -> Vec<String>;

    /// Writes the values at `x`; `out` is as long as the names.
    fn observe(&self, x: &S, out: &mut [f64]);
}

/// An energy whose change under a small move costs less than the energy itself.
///
/// Promise: `delta_energy(x, m) = E(x′) − E(x)` where `x′` is what [`apply`](Self::apply) makes
/// of `x`, to rounding. Used by Metropolis kernels in `ergodic-samplers`.
///
/// ```
/// use ergodic_core::{Energy, LocalEnergy};
///
/// /// Independent spins in a field, `E(s) = −h Σ sᵢ`; a move flips one spin.
/// struct Field(f64);
/// impl Energy for Field {
///     type State = [i8];
///     fn energy(&self, s: &[i8]) -> f64 {
///         -self.0 * s.iter().map(|&v| f64::from(v)).sum::<f64>()
///     }
/// }
/// impl LocalEnergy for Field {
///     type Move = usize;
///     fn delta_energy(&self, s: &[i8], site: usize) -> f64 {
///         2.0 * self.0 * f64::from(s[site])
///     }
///     fn apply(&self, s: &mut [i8], site: usize) {
///         s[site] = -s[site];
///     }
/// }
/// let (target, mut s) = (Field(0.5), [1i8, -1, 1]);
/// let (before, delta) = (target.energy(&s), target.delta_energy(&s, 2));
/// target.apply(&mut s, 2);
/// assert_eq!(target.energy(&s) - before, delta);
/// ```
pub trait LocalEnergy: Energy {
    /// A move, small enough to be copied: a site, a pair of sites, a site and its new value.
    type Move: Copy;

    /// `E(x′) − E(x)` in nats, at the cost of the neighbourhood of the move.
    fn delta_energy(&self, x: &Self::State, m: Self::Move) -> f64;

    /// Turns `x` into `x′`.
    fn apply(&self, x: &mut Self::State, m: Self::Move);
}

impl<T: LocalEnergy + ?Sized> LocalEnergy for &T {
    type Move = T::Move;
    fn delta_energy(&self, x: &Self::State, m: Self::Move) -> f64 {
        (**self).delta_energy(x, m)
    }
    fn apply(&self, x: &mut Self::State, m: Self::Move) {
        (**self).apply(x, m);
    }
}

/// A law whose single-site conditionals can be drawn exactly, at any inverse temperature.
///
/// Promise: after `resample_site(x, i, β, rng)` coordinate `i` is a draw from the conditional of
/// `exp(−β E)` given all other coordinates, and nothing else has changed. Used by Gibbs kernels.
///
/// ```
/// use ergodic_core::{Conditional, Energy, Randomness};
///
/// struct Field { h: f64, spins: usize }
/// impl Energy for Field {
///     type State = [i8];
///     fn energy(&self, s: &[i8]) -> f64 {
///         -self.h * s.iter().map(|&v| f64::from(v)).sum::<f64>()
///     }
/// }
/// impl Conditional for Field {
///     fn num_sites(&self) -> usize {
///         self.spins
///     }
///     fn resample_site<R: Randomness + ?Sized>(&self, s: &mut [i8], site: usize, beta: f64, rng: &mut R) {
///         let up = 1.0 / (1.0 + (-2.0 * beta * self.h).exp());
///         s[site] = if rng.bernoulli(up) { 1 } else { -1 };
///     }
/// }
/// let mut rng = ergodic_math::rng::stream(7, 0);
/// let mut s = [-1i8];
/// Field { h: 50.0, spins: 1 }.resample_site(&mut s, 0, 1.0, &mut rng);
/// assert_eq!(s, [1]);
/// ```
pub trait Conditional: Energy {
    /// The number of sites that can be resampled.
    fn num_sites(&self) -> usize;

    /// Draws site `site` from its conditional law at inverse temperature `beta`.
    fn resample_site<R: Randomness + ?Sized>(
        &self,
        x: &mut Self::State,
        site: usize,
        beta: f64,
        rng: &mut R,
    );
}

impl<T: Conditional + ?Sized> Conditional for &T {
    fn num_sites(&self) -> usize {
        (**self).num_sites()
    }
    fn resample_site<R: Randomness + ?Sized>(
        &self,
        x: &mut Self::State,
        site: usize,
        beta: f64,
        rng: &mut R,
    ) {
        (**self).resample_site(x, site, beta, rng);
    }
}

/// A differentiable energy on `Rᵈ`.
///
/// Promise: `energy_gradient(x, g)` returns `E(x)` and leaves `∂E/∂xᵢ` in `g[i]`; both slices
/// have length [`dim`](Self::dim). Used by the gradient kernels of `ergodic-samplers`.
///
/// ```
/// use ergodic_core::{Energy, EnergyGradient};
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
/// let mut g = [0.0];
/// assert_eq!(Normal.energy_gradient(&[3.0], &mut g), 4.5);
/// assert_eq!(g, [3.0]);
/// ```
pub trait EnergyGradient: Energy<State = [f64]> {
    /// The dimension `d` of the state space.
    fn dim(&self) -> usize;

    /// Returns `E(x)` and writes `∇E(x)` into `grad`.
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64;
}

impl<T: EnergyGradient + ?Sized> EnergyGradient for &T {
    fn dim(&self) -> usize {
        (**self).dim()
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        (**self).energy_gradient(x, grad)
    }
}

/// A target at another inverse temperature, `E_β(x) = β E(x)`.
///
/// Passes every capability of the inner target on, so that a kernel written for `T` also serves
/// tempering and annealing.
///
/// ```
/// use ergodic_core::{Energy, Tempered};
///
/// struct Quadratic;
/// impl Energy for Quadratic {
///     type State = f64;
///     fn energy(&self, x: &f64) -> f64 {
///         x * x
///     }
/// }
/// let hot = Tempered { target: &Quadratic, beta: 0.25 };
/// assert_eq!(hot.energy(&2.0), 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tempered<T> {
    /// The law at `β = 1`.
    pub target: T,
    /// The inverse temperature, finite and not negative.
    pub beta: f64,
}

impl<T: Energy> Energy for Tempered<T> {
    type State = T::State;
    fn energy(&self, x: &Self::State) -> f64 {
        scale(self.beta, self.target.energy(x))
    }
    fn observables(&self) -> Option<&dyn Observables<Self::State>> {
        self.target.observables()
    }
}

impl<T: LocalEnergy> LocalEnergy for Tempered<T> {
    type Move = T::Move;
    fn delta_energy(&self, x: &Self::State, m: Self::Move) -> f64 {
        scale(self.beta, self.target.delta_energy(x, m))
    }
    fn apply(&self, x: &mut Self::State, m: Self::Move) {
        self.target.apply(x, m);
    }
}

impl<T: Conditional> Conditional for Tempered<T> {
    fn num_sites(&self) -> usize {
        self.target.num_sites()
    }
    fn resample_site<R: Randomness + ?Sized>(
        &self,
        x: &mut Self::State,
        site: usize,
        beta: f64,
        rng: &mut R,
    ) {
        self.target.resample_site(x, site, self.beta * beta, rng);
    }
}

impl<T: EnergyGradient> EnergyGradient for Tempered<T> {
    fn dim(&self) -> usize {
        self.target.dim()
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let energy = self.target.energy_gradient(x, grad);
        for g in grad {
            *g *= self.beta;
        }
        scale(self.beta, energy)
    }
}

/// `β E` where a state of infinite energy keeps probability zero at `β = 0` too: the support of
/// a law does not depend on its temperature.
fn scale(beta: f64, energy: f64) -> f64 {
    if energy == f64::INFINITY {
        f64::INFINITY
    } else {
        beta * energy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Box1;
    impl Energy for Box1 {
        type State = f64;
        fn energy(&self, x: &f64) -> f64 {
            if x.abs() < 1.0 { *x } else { f64::INFINITY }
        }
    }

    #[test]
    fn infinite_temperature_keeps_the_support() {
        let flat = Tempered {
            target: Box1,
            beta: 0.0,
        };
        assert_eq!(flat.energy(&0.5), 0.0);
        assert_eq!(flat.energy(&2.0), f64::INFINITY);
    }
}
