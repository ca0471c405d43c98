//! Many chains at once, and adapters that make a population of any target and any kernel.

use crate::{Claims, Energy, MarkovKernel, Randomness, TargetError};

/// A block of independent chains with one energy per chain.
///
/// As an [`Energy`] a population is the product law: its energy is the sum over its chains, so a
/// kernel for a population is an ordinary [`MarkovKernel`] that moves every chain. Work, weights
/// and statistics are per chain, through [`energies`](Self::energies). Blocks have a fixed size
/// and one random stream each, which makes results independent of the number of threads.
///
/// Implemented by [`Independent`] for any target, and by batched models that move all chains of a
/// block in one matrix product.
///
/// ```
/// use ergodic_core::{Energy, Independent, Population};
///
/// struct Square;
/// impl Energy for Square {
///     type State = f64;
///     fn energy(&self, x: &f64) -> f64 {
///         x * x
///     }
/// }
/// let block = vec![1.0, 2.0];
/// let mut energies = [0.0; 2];
/// Independent(&Square).energies(&block, &mut energies);
/// assert_eq!(energies, [1.0, 4.0]);
/// assert_eq!(Independent(&Square).energy(&block), 5.0);
/// ```
pub trait Population: Energy {
    /// The number of chains in `block`.
    fn chains(&self, block: &Self::State) -> usize;

    /// Writes `E(x_k)` of every chain `k` into `out`, whose length is the number of chains.
    fn energies(&self, block: &Self::State, out: &mut [f64]);
}

/// A population of separate states of `T`: the block is a `Vec` of them.
#[derive(Clone, Copy, Debug)]
pub struct Independent<T>(
    /// The law of each chain.
    pub T,
);

impl<T: Energy> Energy for Independent<T>
where
    <T::State as ToOwned>::Owned: Clone,
{
    type State = Vec<<T::State as ToOwned>::Owned>;
    fn energy(&self, block: &Self::State) -> f64 {
        block
            .iter()
            .map(|x| self.0.energy(std::borrow::Borrow::borrow(x)))
            .sum()
    }
}

impl<T: Energy> Population for Independent<T>
where
    <T::State as ToOwned>::Owned: Clone,
{
    fn chains(&self, block: &Self::State) -> usize {
        block.len()
    }
    fn energies(&self, block: &Self::State, out: &mut [f64]) {
        for (o, x) in out.iter_mut().zip(block) {
            *o = self.0.energy(std::borrow::Borrow::borrow(x));
        }
    }
}

/// The kernel `K` applied to every chain of an [`Independent`] population, in order.
///
/// ```
/// use ergodic_core::{EachChain, Independent, MarkovKernel};
/// fn over_a_block<T: ergodic_core::Energy, K: MarkovKernel<T>>(k: K) -> EachChain<K> {
///     EachChain(k)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct EachChain<K>(
    /// The kernel of each chain.
    pub K,
);

/// The chains of an [`EachChain`] step: their kernel states and a copy of their positions.
#[derive(Clone, Debug)]
pub struct EachChainState<S, X> {
    chains: Vec<S>,
    positions: Vec<X>,
}

impl<T, K> MarkovKernel<Independent<T>> for EachChain<K>
where
    T: Energy,
    <T::State as ToOwned>::Owned: Clone,
    K: MarkovKernel<T>,
{
    type State = EachChainState<K::State, <T::State as ToOwned>::Owned>;
    type Info = ();

    fn claims(&self) -> Claims {
        self.0.claims()
    }

    fn init(
        &self,
        target: &Independent<T>,
        block: &Vec<<T::State as ToOwned>::Owned>,
    ) -> Result<Self::State, TargetError> {
        let chains = block
            .iter()
            .map(|x| self.0.init(&target.0, std::borrow::Borrow::borrow(x)))
            .collect::<Result<_, _>>()?;
        Ok(EachChainState {
            chains,
            positions: block.clone(),
        })
    }

    fn position<'s>(&self, state: &'s Self::State) -> &'s Vec<<T::State as ToOwned>::Owned>
    where
        Independent<T>: 's,
    {
        &state.positions
    }

    fn reset(
        &self,
        target: &Independent<T>,
        state: &mut Self::State,
        block: Option<&Vec<<T::State as ToOwned>::Owned>>,
    ) -> Result<(), TargetError> {
        if let Some(block) = block {
            if block.len() != state.chains.len() {
                return Err(TargetError::dimension(
                    "block",
                    block.len(),
                    state.chains.len(),
                ));
            }
            state.positions.clone_from(block);
        }
        for (chain, x) in state.chains.iter_mut().zip(&state.positions) {
            let x = block.map(|_| std::borrow::Borrow::borrow(x));
            self.0.reset(&target.0, chain, x)?;
        }
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &Independent<T>,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        for (chain, x) in state.chains.iter_mut().zip(&mut state.positions) {
            self.0.step(&target.0, chain, rng)?;
            self.0.position(chain).clone_into(x);
        }
        Ok(())
    }
}
