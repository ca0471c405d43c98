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
///
/// ```
/// use ergodic_core::{Energy, Independent, Population};
///
/// /// A spin in a field, `E(s) = −s/2`.
/// struct Spin;
/// impl Energy for Spin {
///     type State = i8;
///     fn energy(&self, s: &i8) -> f64 {
///         -0.5 * f64::from(*s)
///     }
/// }
/// let (block, mut energies) = (vec![1, -1, 1], [0.0; 3]);
/// Independent(Spin).energies(&block, &mut energies);
/// assert_eq!(energies, [-0.5, 0.5, -0.5]);
/// assert_eq!(Independent(Spin).chains(&block), 3);
/// ```
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
/// A chain whose energy is `+∞` is kept and does not move: a draw from the base of a
/// [`Path`](crate::Path) may lie outside the support of the target, where its weight is zero. A
/// [`reset`](MarkovKernel::reset) to a position of finite energy revives it.
///
/// ```
/// use ergodic_core::*;
///
/// /// A spin in a field, `E(s) = −s/2`, drawn from its law at each step.
/// struct Spin;
/// impl Energy for Spin {
///     type State = i8;
///     fn energy(&self, s: &i8) -> f64 {
///         -0.5 * f64::from(*s)
///     }
/// }
/// #[derive(Clone)]
/// struct Draw;
/// impl MarkovKernel<Spin> for Draw {
///     type State = i8;
///     type Info = ();
///     fn claims(&self) -> Claims {
///         Claims::REVERSIBLE
///     }
///     fn init(&self, _: &Spin, s: &i8) -> Result<i8, TargetError> {
///         Ok(*s)
///     }
///     fn position<'s>(&self, _: &Spin, state: &'s i8) -> &'s i8
///     where
///         Spin: 's,
///     {
///         state
///     }
///     fn reset(&self, _: &Spin, state: &mut i8, s: Option<&i8>) -> Result<(), TargetError> {
///         *state = *s.unwrap_or(state);
///         Ok(())
///     }
///     fn step<R: Randomness + ?Sized>(&mut self, _: &Spin, state: &mut i8, rng: &mut R) -> Result<(), TargetError> {
///         *state = if rng.bernoulli(ergodic_math::special::sigmoid(1.0)) { 1 } else { -1 };
///         Ok(())
///     }
/// }
///
/// let (population, mut kernel) = (Independent(Spin), EachChain(Draw));
/// let mut state = kernel.init(&population, &vec![-1; 10_000])?;
/// kernel.step(&population, &mut state, &mut ergodic_math::rng::stream(1, 0))?;
/// let total: i32 = kernel.position(&population, &state).iter().map(|&s| i32::from(s)).sum();
/// assert!((f64::from(total) / 1e4 - 0.5f64.tanh()).abs() < 0.05);
/// # Ok::<(), TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EachChain<K>(
    /// The kernel of each chain.
    pub K,
);

/// The chains of an [`EachChain`] step: their kernel states and a copy of their positions.
#[derive(Clone, Debug)]
pub struct EachChainState<S, X> {
    /// `None` for a chain outside the support.
    chains: Vec<Option<S>>,
    positions: Vec<X>,
}

impl<K> EachChain<K> {
    /// What became of one chain at `x`: an error there is none if `x` is outside the support.
    fn alive<T, S>(
        target: &T,
        x: &T::State,
        made: Result<S, TargetError>,
    ) -> Result<Option<S>, TargetError>
    where
        T: Energy,
    {
        match made {
            Ok(state) => Ok(Some(state)),
            Err(_) if target.energy(x) == f64::INFINITY => Ok(None),
            Err(error) => Err(error),
        }
    }
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
            .map(|x| {
                let x = std::borrow::Borrow::borrow(x);
                Self::alive(&target.0, x, self.0.init(&target.0, x))
            })
            .collect::<Result<_, _>>()?;
        Ok(EachChainState {
            chains,
            positions: block.clone(),
        })
    }

    fn position<'s>(
        &self,
        _: &Independent<T>,
        state: &'s Self::State,
    ) -> &'s Vec<<T::State as ToOwned>::Owned>
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
        if let Some(block) = block
            && block.len() != state.chains.len()
        {
            return Err(TargetError::dimension(
                "block",
                block.len(),
                state.chains.len(),
            ));
        }
        let EachChainState { chains, positions } = state;
        for (k, (chain, position)) in chains.iter_mut().zip(positions).enumerate() {
            let to = block.map(|b| -> &T::State { std::borrow::Borrow::borrow(&b[k]) });
            let at: &T::State = to.unwrap_or(std::borrow::Borrow::borrow(position));
            let made = match chain.take() {
                Some(mut old) => self.0.reset(&target.0, &mut old, to).map(|()| old),
                None => self.0.init(&target.0, at),
            };
            *chain = Self::alive(&target.0, at, made)?;
            if let Some(x) = to {
                x.clone_into(position);
            }
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
            let Some(chain) = chain else { continue };
            self.0.step(&target.0, chain, rng)?;
            self.0.position(&target.0, chain).clone_into(x);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform on 0 and 1; 2 is forbidden, 3 is broken.
    struct Wall;
    impl Energy for Wall {
        type State = u8;
        fn energy(&self, x: &u8) -> f64 {
            [0.0, 0.0, f64::INFINITY, f64::NAN][usize::from(*x)]
        }
    }
    /// Moves between 0 and 1; starts only where the energy is finite.
    #[derive(Clone)]
    struct Turn;
    impl MarkovKernel<Wall> for Turn {
        type State = u8;
        type Info = ();
        fn claims(&self) -> Claims {
            Claims::REVERSIBLE.not_ergodic()
        }
        fn init(&self, t: &Wall, x: &u8) -> Result<u8, TargetError> {
            let energy = t.energy(x);
            if energy.is_finite() {
                Ok(*x)
            } else {
                Err(TargetError::non_finite("energy", energy))
            }
        }
        fn position<'s>(&self, _: &Wall, state: &'s u8) -> &'s u8
        where
            Wall: 's,
        {
            state
        }
        fn reset(&self, t: &Wall, state: &mut u8, x: Option<&u8>) -> Result<(), TargetError> {
            *state = self.init(t, x.unwrap_or(&*state))?;
            Ok(())
        }
        fn step<R: Randomness + ?Sized>(
            &mut self,
            _: &Wall,
            state: &mut u8,
            _: &mut R,
        ) -> Result<(), TargetError> {
            *state = 1 - *state;
            Ok(())
        }
    }

    #[test]
    fn a_chain_outside_the_support_waits_and_a_broken_target_is_an_error() {
        let (t, mut kernel) = (Independent(Wall), EachChain(Turn));
        let mut rng = ergodic_math::rng::stream(1, 0);
        let mut state = kernel.init(&t, &vec![0, 2, 1]).unwrap();
        kernel.step(&t, &mut state, &mut rng).unwrap();
        assert_eq!(kernel.position(&t, &state), &[1, 2, 0]);
        kernel.reset(&t, &mut state, None).unwrap();
        kernel.step(&t, &mut state, &mut rng).unwrap();
        assert_eq!(kernel.position(&t, &state), &[0, 2, 1]);
        // Revived, and another one lost.
        kernel.reset(&t, &mut state, Some(&vec![2, 0, 0])).unwrap();
        kernel.step(&t, &mut state, &mut rng).unwrap();
        assert_eq!(kernel.position(&t, &state), &[2, 1, 1]);
        assert!(kernel.init(&t, &vec![0, 3]).is_err());
        assert!(kernel.reset(&t, &mut state, Some(&vec![0, 3, 0])).is_err());
        assert!(kernel.reset(&t, &mut state, Some(&vec![0])).is_err());
        // After an error, a reset to a position of one's own.
        kernel.reset(&t, &mut state, Some(&vec![0, 1, 1])).unwrap();
        kernel.step(&t, &mut state, &mut rng).unwrap();
        assert_eq!(kernel.position(&t, &state), &[1, 0, 0]);
    }
}
