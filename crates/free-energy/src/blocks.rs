//! Blocks of chains in parallel, with one random stream each and results in block order.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ergodic_core::TargetError;
use rayon::prelude::*;

use crate::FreeEnergyError;

/// How far a run has come, in steps of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps that are done.
    pub done: u64,
    /// Steps in all.
    pub total: u64,
}

/// The families of random streams of this crate. Block `b` of a family uses stream
/// `(family << 40) + b` of its seed: families never meet under one seed, nor do they meet the
/// low-numbered streams on which a model with the same seed may have been trained (weights that
/// shared randomness with their model would not be unbiased).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Streams {
    Ais = 0xA15,
    Pilot = 0xB11,
    Raise = 0xA5E,
    RaiseDoubled = 0xA5F,
}

impl Streams {
    pub(crate) fn of_block(self, block: usize) -> u64 {
        ((self as u64) << 40) + block as u64
    }
}

/// A block's view of the run: reports its steps, and learns when to give up.
pub(crate) struct Ticker<'a> {
    block: usize,
    total: u64,
    every: u64,
    done: &'a AtomicU64,
    first_failure: &'a AtomicUsize,
    progress: &'a (dyn Fn(Progress) + Sync),
}

impl Ticker<'_> {
    /// One step done. Breaks if a block before this one has failed: its error is the one that
    /// will be reported, so the result does not depend on timing.
    pub(crate) fn tick(&self) -> ControlFlow<()> {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(self.every) || done == self.total {
            (self.progress)(Progress {
                done,
                total: self.total,
            });
        }
        if self.first_failure.load(Ordering::Relaxed) < self.block {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Runs `body(block, chains of the block, ticker)` for `chains` chains in blocks of `size`, of
/// `steps` ticks each, and returns the results in block order.
pub(crate) fn over_blocks<T: Send>(
    chains: usize,
    size: usize,
    steps: usize,
    progress: &(dyn Fn(Progress) + Sync),
    body: impl Fn(usize, Range<usize>, &Ticker<'_>) -> Result<T, TargetError> + Sync,
) -> Result<Vec<T>, FreeEnergyError> {
    let blocks = chains.div_ceil(size);
    let total = blocks as u64 * steps as u64;
    let done = AtomicU64::new(0);
    let first_failure = AtomicUsize::new(usize::MAX);
    let range =
        |block: usize| block * size..chains.min(block.saturating_add(1).saturating_mul(size));
    let results: Vec<_> = (0..blocks)
        .into_par_iter()
        .map(|block| {
            let ticker = Ticker {
                block,
                total,
                every: (total / 1000).max(1),
                done: &done,
                first_failure: &first_failure,
                progress,
            };
            let result = body(block, range(block), &ticker);
            if result.is_err() {
                first_failure.fetch_min(block, Ordering::Relaxed);
            }
            result
        })
        .collect();
    let mut out = Vec::with_capacity(blocks);
    for (block, result) in results.into_iter().enumerate() {
        out.push(result.map_err(|mut error| {
            let chains = range(block);
            error.chain = error.chain.map(|chain| chain + chains.start);
            FreeEnergyError::Target { chains, error }
        })?);
    }
    Ok(out)
}

/// Names the rung, and the chain of the block where it is known.
pub(crate) fn at_rung(mut error: TargetError, chain: Option<usize>, rung: usize) -> TargetError {
    error.chain = error.chain.or(chain);
    error.draw = Some(rung);
    error
}
