//! A small multinomial NUTS, right or with one of two classic bugs: recursive, plain, one page.
//!
//! Hoffman and Gelman (2014), with the multinomial choice and the generalised U-turn criterion of
//! Betancourt, arXiv:1701.02434, appendix A.

use ergodic_core::{Claims, EnergyGradient, MarkovKernel, Randomness, TargetError};

/// What is wrong with [`Nuts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// A new half of the tree is taken with probability `w_old/w_new` instead of `w_new/w_old`.
    InvertedWeight,
    /// Only the whole tree is asked whether it turns, not its parts.
    NoSubtreeCheck,
}

/// Unit mass, at most `depth` doublings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nuts {
    pub(crate) step: f64,
    pub(crate) depth: u32,
    pub(crate) flaw: Flaw,
}

#[derive(Clone, Debug)]
struct End {
    x: Vec<f64>,
    p: Vec<f64>,
}

/// A run of points in the order of time: its ends, the sum of its momenta, its weight, its choice.
#[derive(Clone, Debug)]
struct Tree {
    first: End,
    last: End,
    momenta: Vec<f64>,
    log_weight: f64,
    choice: Vec<f64>,
    turned: bool,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// One leapfrog step of signed size `h` with unit mass.
pub(crate) fn leapfrog<T: EnergyGradient + ?Sized>(
    target: &T,
    h: f64,
    x: &mut [f64],
    p: &mut [f64],
) {
    let mut g = vec![0.0; x.len()];
    target.energy_gradient(x, &mut g);
    for k in 0..x.len() {
        p[k] -= 0.5 * h * g[k];
        x[k] += h * p[k];
    }
    target.energy_gradient(x, &mut g);
    for k in 0..x.len() {
        p[k] -= 0.5 * h * g[k];
    }
}

pub(crate) fn hamiltonian<T: EnergyGradient + ?Sized>(target: &T, x: &[f64], p: &[f64]) -> f64 {
    target.energy(x) + 0.5 * dot(p, p)
}

impl Nuts {
    fn leaf<T: EnergyGradient + ?Sized>(target: &T, end: End) -> Tree {
        let log_weight = -hamiltonian(target, &end.x, &end.p);
        Tree {
            first: end.clone(),
            last: end.clone(),
            momenta: end.p.clone(),
            log_weight,
            choice: end.x,
            turned: false,
        }
    }

    /// `2^depth` points beyond `end`, forward or backward in time.
    fn grow<T, R>(&self, target: &T, end: &End, forward: bool, depth: u32, rng: &mut R) -> Tree
    where
        T: EnergyGradient + ?Sized,
        R: Randomness + ?Sized,
    {
        if depth == 0 {
            let mut next = end.clone();
            let h = if forward { self.step } else { -self.step };
            leapfrog(target, h, &mut next.x, &mut next.p);
            return Self::leaf(target, next);
        }
        let near = self.grow(target, end, forward, depth - 1, rng);
        if near.turned && self.flaw != Flaw::NoSubtreeCheck {
            return near;
        }
        let edge = if forward { &near.last } else { &near.first };
        let far = self.grow(target, edge, forward, depth - 1, rng);
        // Within the new half the choice is in proportion to the weights.
        let total = log_add(near.log_weight, far.log_weight);
        let take = rng.bernoulli((far.log_weight - total).exp().min(1.0));
        self.join(near, far, forward, take)
    }

    fn join(&self, near: Tree, far: Tree, forward: bool, take_far: bool) -> Tree {
        let parts = near.turned || far.turned;
        let log_weight = log_add(near.log_weight, far.log_weight);
        let momenta: Vec<f64> = near
            .momenta
            .iter()
            .zip(&far.momenta)
            .map(|(a, b)| a + b)
            .collect();
        let choice = if take_far { far.choice } else { near.choice };
        let (first, last) = if forward {
            (near.first, far.last)
        } else {
            (far.first, near.last)
        };
        let turns = dot(&first.p, &momenta) <= 0.0 || dot(&last.p, &momenta) <= 0.0;
        Tree {
            turned: turns || (parts && self.flaw != Flaw::NoSubtreeCheck),
            first,
            last,
            momenta,
            log_weight,
            choice,
        }
    }
}

fn log_add(a: f64, b: f64) -> f64 {
    let top = a.max(b);
    top + ((a - top).exp() + (b - top).exp()).ln()
}

impl<T: EnergyGradient + ?Sized> MarkovKernel<T> for Nuts {
    type State = Vec<f64>;
    type Info = ();

    fn claims(&self) -> Claims {
        Claims::INVARIANT
    }
    fn init(&self, _: &T, x: &[f64]) -> Result<Vec<f64>, TargetError> {
        Ok(x.to_vec())
    }
    fn position<'s>(&self, _: &T, state: &'s Vec<f64>) -> &'s [f64]
    where
        T: 's,
    {
        state
    }
    fn reset(&self, _: &T, state: &mut Vec<f64>, x: Option<&[f64]>) -> Result<(), TargetError> {
        if let Some(x) = x {
            state.copy_from_slice(x);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        x: &mut Vec<f64>,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let p = x.iter().map(|_| rng.normal()).collect();
        let mut tree = Self::leaf(target, End { x: x.clone(), p });
        for depth in 0..self.depth {
            let forward = rng.bernoulli(0.5);
            let edge = if forward { &tree.last } else { &tree.first };
            let new = self.grow(target, edge, forward, depth, rng);
            if new.turned {
                break;
            }
            // The new half is preferred: min(1, w_new/w_old).
            let log_ratio = match self.flaw {
                Flaw::InvertedWeight => tree.log_weight - new.log_weight,
                _ => new.log_weight - tree.log_weight,
            };
            let take = rng.bernoulli(log_ratio.exp().min(1.0));
            tree = self.join(tree, new, forward, take);
            if tree.turned {
                break;
            }
        }
        *x = tree.choice;
        Ok(())
    }
}
