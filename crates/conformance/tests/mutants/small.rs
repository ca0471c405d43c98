//! A kernel that is one function, and the targets that it is tried on.

use std::borrow::{Borrow, BorrowMut};

use ergodic_conformance::strategies::FiniteTable;
use ergodic_core::{Claims, Energy, MarkovKernel, Randomness, TargetError};

pub(crate) type Owned<T> = <<T as Energy>::State as ToOwned>::Owned;

/// What a [`Step`] does: with the bug or without, target, position, randomness.
pub(crate) type Move<T> = fn(bool, &T, &mut Owned<T>, &mut dyn Randomness);

/// A kernel whose state is its position and whose step is a function.
pub(crate) struct Step<T: Energy> {
    pub(crate) broken: bool,
    pub(crate) claims: Claims,
    pub(crate) once: Move<T>,
}

impl<T: Energy> Clone for Step<T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

/// Any randomness behind one type, so that a function pointer can take it.
struct Any<'a, R: ?Sized>(&'a mut R);

impl<R: Randomness + ?Sized> Randomness for Any<'_, R> {
    fn bernoulli(&mut self, p: f64) -> bool {
        self.0.bernoulli(p)
    }
    fn index(&mut self, n: usize) -> usize {
        self.0.index(n)
    }
    fn categorical(&mut self, weights: &[f64]) -> usize {
        self.0.categorical(weights)
    }
    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }
    fn normal(&mut self) -> f64 {
        self.0.normal()
    }
    fn exponential(&mut self) -> f64 {
        self.0.exponential()
    }
}

impl<T> MarkovKernel<T> for Step<T>
where
    T: Energy,
    Owned<T>: Clone + BorrowMut<T::State>,
{
    type State = Owned<T>;
    type Info = ();
    fn claims(&self) -> Claims {
        self.claims
    }
    fn init(&self, _: &T, x: &T::State) -> Result<Owned<T>, TargetError> {
        Ok(x.to_owned())
    }
    fn position<'s>(&self, _: &T, state: &'s Owned<T>) -> &'s T::State
    where
        T: 's,
    {
        state.borrow()
    }
    fn reset(&self, _: &T, state: &mut Owned<T>, x: Option<&T::State>) -> Result<(), TargetError> {
        if let Some(x) = x {
            x.clone_into(state);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Owned<T>,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        (self.once)(self.broken, target, state, &mut Any(rng));
        Ok(())
    }
}

/// `min(1, e^l)`.
pub(crate) fn threshold(log_ratio: f64) -> f64 {
    log_ratio.exp().min(1.0)
}

/// Copies of one table at several inverse temperatures, `E = Σ βₖ E(xₖ)`.
pub(crate) struct Replicas {
    pub(crate) table: FiniteTable,
    pub(crate) betas: &'static [f64],
}

impl Replicas {
    pub(crate) fn new(betas: &'static [f64]) -> Self {
        Self {
            table: FiniteTable::new(vec![0.0, 0.7, 2.0]).unwrap(),
            betas,
        }
    }

    pub(crate) fn states(&self) -> Vec<Vec<usize>> {
        let (n, k) = (self.table.energies().len(), self.betas.len());
        (0..n.pow(k as u32))
            .map(|place| (0..k).map(|i| place / n.pow(i as u32) % n).collect())
            .collect()
    }

    /// One Metropolis step of replica `k` at its own temperature.
    pub(crate) fn metropolis(&self, x: &mut [usize], k: usize, rng: &mut dyn Randomness) {
        let e = self.table.energies();
        let to = (x[k] + 1 + rng.index(e.len() - 1)) % e.len();
        if rng.bernoulli(threshold(self.betas[k] * (e[x[k]] - e[to]))) {
            x[k] = to;
        }
    }
}

impl Energy for Replicas {
    type State = [usize];
    fn energy(&self, x: &[usize]) -> f64 {
        let e = self.table.energies();
        x.iter().zip(self.betas).map(|(&x, b)| b * e[x]).sum()
    }
}

/// The normal law with mean 0 and standard deviation 1 in any dimension.
pub(crate) struct Normal;
impl Energy for Normal {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        0.5 * x.iter().map(|x| x * x).sum::<f64>()
    }
}

/// `x⁴ − x²`.
pub(crate) struct DoubleWell;
impl Energy for DoubleWell {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        x[0].powi(4) - x[0] * x[0]
    }
}
impl DoubleWell {
    pub(crate) fn gradient(x: f64) -> f64 {
        4.0 * x.powi(3) - 2.0 * x
    }
}
