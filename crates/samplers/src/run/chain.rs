//! One chain: its kernel, state and stream, and the loop that moves it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ergodic_core::{Energy, MarkovKernel, StepInfo, TargetError, WarmupStep};
use rand_chacha::ChaCha8Rng;

use super::observer::{Observer, Progress};
use super::record::Record;
use super::sink::ChainSink;
use super::stats::{Thinned, Totals};
use super::{SampleError, SinkError};

/// Everything that the rest of a chain depends on.
pub(super) struct Chain<K, S> {
    pub(super) kernel: K,
    pub(super) state: S,
    pub(super) rng: ChaCha8Rng,
    /// Warm-up steps and draws done.
    pub(super) iterations: usize,
    pub(super) warmup: Totals,
    pub(super) sampling: Totals,
}

/// Puts snapshots of chains aside.
pub(super) trait Keep<K, S, C>: Sync {
    /// Keeps `chain` as it is now, in memory or on the disk too; `energy` is that of its
    /// position.
    fn keep(
        &self,
        index: usize,
        chain: &Chain<K, S>,
        energy: f64,
        sink: &mut C,
        write_file: bool,
    ) -> Result<(), SampleError>;

    /// After how many iterations of a chain it is kept.
    fn every(&self) -> usize;
}

/// What all chains of a run share.
pub(super) struct Plan<'r, T: ?Sized, R, K, S, C> {
    pub(super) target: &'r T,
    pub(super) record: &'r R,
    pub(super) parameters: usize,
    pub(super) warmup: usize,
    pub(super) draws: usize,
    pub(super) thin: usize,
    pub(super) stop: Option<&'r AtomicBool>,
    /// The iterations of the chain that failed earliest, `usize::MAX` if none has: the others go
    /// on until there and no further, as an earlier failure is the one to report.
    pub(super) failed_at: AtomicUsize,
    pub(super) observer: Option<&'r dyn Observer>,
    pub(super) keeper: Option<&'r dyn Keep<K, S, C>>,
}

impl<T, R, K, C> Plan<'_, T, R, K, K::State, C>
where
    T: Energy + ?Sized,
    R: Record<T>,
    K: MarkovKernel<T>,
    C: ChainSink,
{
    /// Moves the chain until it is done, stopped, or failed.
    pub(super) fn advance(
        &self,
        index: usize,
        chain: &mut Chain<K, K::State>,
        sink: &mut C,
    ) -> Result<(), SampleError> {
        let outcome = self.iterate(index, chain, sink);
        if outcome.is_err() {
            self.failed_at
                .fetch_min(chain.iterations, Ordering::Relaxed);
        }
        outcome
    }

    fn iterate(
        &self,
        index: usize,
        chain: &mut Chain<K, K::State>,
        sink: &mut C,
    ) -> Result<(), SampleError> {
        let mut row = vec![0.0; self.parameters];
        let total = self.warmup + self.draws;
        while chain.iterations < total && !self.stopped(chain.iterations) {
            if chain.iterations < self.warmup {
                self.warm(chain).map_err(|mut e| {
                    e.reason = format!("warm-up step {}: {}", chain.iterations, e.reason);
                    e.at(index, 0)
                })?;
            } else {
                let draw = chain.iterations - self.warmup;
                self.draw(chain, draw, &mut row, sink)
                    .map_err(|e| match e {
                        SampleError::Target(e) => SampleError::Target(e.at(index, draw)),
                        SampleError::Sink(e) => SampleError::Sink(SinkError::new(format!(
                            "chain {index}, draw {draw}: {}",
                            e.reason
                        ))),
                        other => other,
                    })?;
            }
            chain.iterations += 1;
            if let Some(keeper) = self.keeper
                && chain.iterations.is_multiple_of(keeper.every())
                && chain.iterations < total
            {
                self.keep(keeper, index, chain, sink, true)?;
            }
            self.report(index, chain);
        }
        // The last snapshot: what a stopped or a finished run is continued from.
        if let Some(keeper) = self.keeper {
            self.keep(keeper, index, chain, sink, true)?;
        }
        Ok(())
    }

    fn warm(&self, chain: &mut Chain<K, K::State>) -> Result<(), TargetError> {
        let Chain {
            kernel, state, rng, ..
        } = chain;
        let info = kernel.step(self.target, state, rng)?;
        chain.warmup.add(&info.stats());
        let at = WarmupStep {
            step: chain.iterations,
            of: self.warmup,
        };
        kernel.adapt(self.target, state, Some(&info), at, rng)
    }

    fn draw(
        &self,
        chain: &mut Chain<K, K::State>,
        draw: usize,
        row: &mut [f64],
        sink: &mut C,
    ) -> Result<(), SampleError> {
        let mut account = Thinned::default();
        for _ in 0..self.thin {
            let info = chain
                .kernel
                .step(self.target, &mut chain.state, &mut chain.rng)?;
            let stats = info.stats();
            chain.sampling.add(&stats);
            account.add(stats);
        }
        let position = chain.kernel.position(self.target, &chain.state);
        self.record.record(self.target, position, row);
        sink.push(draw, row, &account.finish())?;
        Ok(())
    }

    pub(super) fn keep(
        &self,
        keeper: &dyn Keep<K, K::State, C>,
        index: usize,
        chain: &Chain<K, K::State>,
        sink: &mut C,
        write_file: bool,
    ) -> Result<(), SampleError> {
        let position = chain.kernel.position(self.target, &chain.state);
        let energy = self.target.energy(position);
        keeper.keep(index, chain, energy, sink, write_file)
    }

    fn stopped(&self, iterations: usize) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
            || iterations > self.failed_at.load(Ordering::Relaxed)
    }

    fn report(&self, index: usize, chain: &Chain<K, K::State>) {
        let Some(observer) = self.observer else {
            return;
        };
        let warmup = chain.iterations <= self.warmup;
        let totals = if warmup {
            &chain.warmup
        } else {
            &chain.sampling
        };
        observer.progress(&Progress {
            chain: index,
            warmup,
            done: if warmup {
                chain.iterations
            } else {
                chain.iterations - self.warmup
            },
            of: if warmup { self.warmup } else { self.draws },
            divergences: totals.divergences,
            step_size: totals.step_size(),
        });
    }
}
