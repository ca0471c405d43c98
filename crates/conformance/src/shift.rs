//! A target with a constant added to its energy, which must change nothing.

use ergodic_core::{Conditional, Energy, EnergyGradient, LocalEnergy, Randomness};

/// `E(x) + c`: the same law, the same differences, conditionals and gradients.
///
/// A kernel that treats it differently from `E` uses the energy itself somewhere (as a weight in
/// linear space, as a threshold), which breaks for large energies.
///
/// ```
/// use ergodic_conformance::{Shifted, strategies::FiniteTable};
/// use ergodic_core::{Energy, LocalEnergy};
///
/// let table = FiniteTable::new(vec![0.0, 1.5])?;
/// let shifted = Shifted { target: table, constant: 100.0 };
/// assert_eq!(shifted.energy(&1), 101.5);
/// assert_eq!(shifted.delta_energy(&0, 1), 1.5);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shifted<T> {
    /// The law.
    pub target: T,
    /// The constant `c` in nats.
    pub constant: f64,
}

impl<T: Energy> Energy for Shifted<T> {
    type State = T::State;
    fn energy(&self, x: &Self::State) -> f64 {
        self.target.energy(x) + self.constant
    }
}

impl<T: LocalEnergy> LocalEnergy for Shifted<T> {
    type Move = T::Move;
    fn delta_energy(&self, x: &Self::State, m: Self::Move) -> f64 {
        self.target.delta_energy(x, m)
    }
    fn apply(&self, x: &mut Self::State, m: Self::Move) {
        self.target.apply(x, m);
    }
}

impl<T: Conditional> Conditional for Shifted<T> {
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
        self.target.resample_site(x, site, beta, rng);
    }
}

impl<T: EnergyGradient> EnergyGradient for Shifted<T> {
    fn dim(&self) -> usize {
        self.target.dim()
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        self.target.energy_gradient(x, grad) + self.constant
    }
}
