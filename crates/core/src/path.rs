//! Paths of targets, along which partition functions are compared.

use crate::{Energy, Independent, Population, Randomness, Tempered};

/// A family of targets `E_t`, `t ∈ [0, 1]`, from a base law that is known exactly to the law of
/// interest.
///
/// It need not be `β E`: base rates → RBM mixes two energies. What annealed importance sampling,
/// thermodynamic integration and tempering ask of it:
///
/// * [`at`](Self::at): the target at `t`; cheap, called once per step. `t = 0` is the base,
///   `t = 1` the law of interest.
/// * [`log_z_base`](Self::log_z_base) and [`sample_base`](Self::sample_base): the exact log
///   partition function at `t = 0`, and exact independent draws from there.
/// * [`work`](Self::work): `E_{to}(x_k) − E_{from}(x_k)` for every chain of a block; override it
///   where it is cheaper or more accurate than the difference of two energies.
///
/// Implemented by [`GeometricPath`] and by `RbmPath` of `ergodic-models`; consumed by
/// `ergodic-free-energy`.
///
/// ```
/// use ergodic_core::{Energy, Path, Population, Randomness};
///
/// /// Spins `s ∈ {0, 1}` with energy `−t b s`: base uniform, `log Z(t) = log(1 + e^{tb})`.
/// struct Tilt(f64);
/// struct At(f64);
/// impl Energy for At {
///     type State = Vec<u8>;
///     fn energy(&self, s: &Vec<u8>) -> f64 {
///         s.iter().map(|&s| -self.0 * f64::from(s)).sum()
///     }
/// }
/// impl Population for At {
///     fn chains(&self, s: &Vec<u8>) -> usize {
///         s.len()
///     }
///     fn energies(&self, s: &Vec<u8>, out: &mut [f64]) {
///         for (o, &s) in out.iter_mut().zip(s) {
///             *o = -self.0 * f64::from(s);
///         }
///     }
/// }
/// impl Path for Tilt {
///     type Target = At;
///     fn at(&self, t: f64) -> At {
///         At(t * self.0)
///     }
///     fn log_z_base(&self) -> f64 {
///         2f64.ln()
///     }
///     fn sample_base<R: Randomness + ?Sized>(&self, chains: usize, rng: &mut R) -> Vec<u8> {
///         (0..chains).map(|_| u8::from(rng.bernoulli(0.5))).collect()
///     }
/// }
/// let mut work = [0.0; 2];
/// Tilt(3.0).work(&vec![0, 1], 0.25, 0.75, &mut work);
/// assert_eq!(work, [0.0, -1.5]);
/// ```
pub trait Path {
    /// The target at one `t`.
    type Target: Population;

    /// The target at `t`, `0 ≤ t ≤ 1`.
    fn at(&self, t: f64) -> Self::Target;

    /// `log Z` at `t = 0`, exact.
    fn log_z_base(&self) -> f64;

    /// `chains` independent exact draws from the law at `t = 0`.
    ///
    /// A draw may lie outside the support of the target, with energy `+∞` at every `t` of a
    /// [`GeometricPath`]; its weight is zero. [`EachChain`](crate::EachChain) keeps such a chain
    /// where it is; another kernel of a population has to do likewise.
    fn sample_base<R: Randomness + ?Sized>(
        &self,
        chains: usize,
        rng: &mut R,
    ) -> <<Self::Target as Energy>::State as ToOwned>::Owned;

    /// [`sample_base`](Self::sample_base) with as many chains as `block` has, written over it: the
    /// same draws from the same decisions of `rng`, without an allocation where `block` has the
    /// shape of a draw. Tempering draws from the base within its steps.
    ///
    /// The default draws a new block; override it where that allocates.
    fn sample_base_into<R: Randomness + ?Sized>(
        &self,
        block: &mut <<Self::Target as Energy>::State as ToOwned>::Owned,
        rng: &mut R,
    ) {
        let chains = self.at(0.0).chains(std::borrow::Borrow::borrow(block));
        *block = self.sample_base(chains, rng);
    }

    /// Writes `E_{to}(x_k) − E_{from}(x_k)` for every chain of `block` into `out`.
    ///
    /// Where both energies are `+∞` (a draw from the base outside the support) the work is `+∞`:
    /// the weight of that chain is zero, whatever follows.
    ///
    /// The default builds the targets at both ends and allocates one number per chain.
    fn work(&self, block: &<Self::Target as Energy>::State, from: f64, to: f64, out: &mut [f64]) {
        let mut start = vec![0.0; out.len()];
        self.at(from).energies(block, &mut start);
        self.at(to).energies(block, out);
        for (o, s) in out.iter_mut().zip(&start) {
            if *o != f64::INFINITY {
                *o -= s;
            }
        }
    }
}

/// What a [`GeometricPath`] has to know about its base: the law on the same space at `β = 0` of
/// the energy, that is the uniform (or reference) measure.
///
/// ```
/// use ergodic_core::{PathBase, Randomness};
///
/// /// Ten fair coins.
/// struct Coins;
/// impl PathBase<Vec<u8>> for Coins {
///     fn log_z(&self) -> f64 {
///         10.0 * 2f64.ln()
///     }
///     fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> Vec<u8> {
///         (0..10).map(|_| u8::from(rng.bernoulli(0.5))).collect()
///     }
/// }
/// ```
pub trait PathBase<X> {
    /// The log of the total mass of the reference measure.
    fn log_z(&self) -> f64;
    /// An exact draw from the normalised reference measure.
    fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> X;

    /// [`sample`](Self::sample), written over `x`: the same draw from the same decisions of `rng`,
    /// without an allocation where `x` has the shape of a draw.
    ///
    /// The default draws a new one; override it for states on the heap.
    fn sample_into<R: Randomness + ?Sized>(&self, x: &mut X, rng: &mut R) {
        *x = self.sample(rng);
    }
}

/// The path `E_t = t E` from a reference measure to a target, for any target and base, with
/// chains kept separately.
///
/// ```
/// use ergodic_core::{Energy, GeometricPath, Path, PathBase, Population, Randomness};
///
/// struct Spin;
/// impl Energy for Spin {
///     type State = i8;
///     fn energy(&self, s: &i8) -> f64 {
///         -0.5 * f64::from(*s)
///     }
/// }
/// struct Uniform;
/// impl PathBase<i8> for Uniform {
///     fn log_z(&self) -> f64 {
///         2f64.ln()
///     }
///     fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> i8 {
///         if rng.bernoulli(0.5) { 1 } else { -1 }
///     }
/// }
/// let path = GeometricPath { target: &Spin, base: Uniform };
/// let mut e = [0.0];
/// path.at(0.5).energies(&vec![1], &mut e);
/// assert_eq!(e, [-0.25]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GeometricPath<T, B> {
    /// The law at `t = 1`.
    pub target: T,
    /// The reference measure at `t = 0`.
    pub base: B,
}

impl<T, B> Path for GeometricPath<T, B>
where
    T: Energy + Clone,
    <T::State as ToOwned>::Owned: Clone,
    B: PathBase<<T::State as ToOwned>::Owned>,
{
    type Target = Independent<Tempered<T>>;

    fn at(&self, t: f64) -> Self::Target {
        Independent(Tempered {
            target: self.target.clone(),
            beta: t,
        })
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
            let energy = self.target.energy(std::borrow::Borrow::borrow(x));
            // A state outside the support of the target: the base may reach it, and its weight
            // is zero from the first step on.
            *o = if energy == f64::INFINITY {
                energy
            } else {
                (to - from) * energy
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform on the states 0 and 1 of three.
    #[derive(Clone)]
    struct Wall;
    impl Energy for Wall {
        type State = u8;
        fn energy(&self, x: &u8) -> f64 {
            if *x < 2 { 0.5 } else { f64::INFINITY }
        }
    }

    /// A path with the default work.
    struct Plain;
    impl Path for Plain {
        type Target = Independent<Tempered<Wall>>;
        fn at(&self, beta: f64) -> Self::Target {
            Independent(Tempered { target: Wall, beta })
        }
        fn log_z_base(&self) -> f64 {
            3f64.ln()
        }
        fn sample_base<R: Randomness + ?Sized>(&self, chains: usize, rng: &mut R) -> Vec<u8> {
            (0..chains).map(|_| rng.index(3) as u8).collect()
        }
    }

    #[test]
    fn the_work_outside_the_support_is_infinite_and_never_nan() {
        let mut work = [0.0; 3];
        Plain.work(&vec![0, 2, 1], 0.0, 0.5, &mut work);
        assert_eq!(work, [0.25, f64::INFINITY, 0.25]);
    }
}
