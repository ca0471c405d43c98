//! Where draws go: into memory, or one by one to whoever wants them.

use ergodic_core::StepStats;

use super::SinkError;

/// What a sink is told before the first draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunShape {
    /// The names of the parameters.
    pub names: Vec<String>,
    /// The number of chains.
    pub chains: usize,
    /// The number of draws of each chain, if nothing stops the run.
    pub draws: usize,
}

/// Receives the draws of a run as they are made: one [`ChainSink`] for each chain, so that chains
/// never wait for each other.
///
/// Given to [`Sampler::stream_to`](crate::Sampler::stream_to); memory then does not grow with the
/// number of draws. Functions `|chain| |draw, parameters, stats| …` are sinks too, and [`Both`]
/// joins two.
///
/// ```
/// use ergodic_core::StepStats;
/// use ergodic_samplers::{ChainSink, DrawSink, RunShape, SinkError};
///
/// /// The mean of every parameter, one pass, constant memory.
/// struct Means;
/// struct Mean(Vec<f64>, f64);
/// impl DrawSink for Means {
///     type Chain = Mean;
///     fn open(&self, _: usize, shape: &RunShape) -> Result<Mean, SinkError> {
///         Ok(Mean(vec![0.0; shape.names.len()], 0.0))
///     }
/// }
/// impl ChainSink for Mean {
///     fn push(&mut self, _: usize, parameters: &[f64], _: &StepStats) -> Result<(), SinkError> {
///         self.1 += 1.0;
///         for (mean, x) in self.0.iter_mut().zip(parameters) {
///             *mean += (x - *mean) / self.1;
///         }
///         Ok(())
///     }
/// }
/// let shape = RunShape { names: vec!["x".into()], chains: 1, draws: 2 };
/// let mut chain = Means.open(0, &shape)?;
/// chain.push(0, &[1.0], &StepStats::default())?;
/// chain.push(1, &[2.0], &StepStats::default())?;
/// assert_eq!(chain.0, [1.5]);
/// # Ok::<(), SinkError>(())
/// ```
pub trait DrawSink {
    /// What receives the draws of one chain.
    type Chain: ChainSink;

    /// Opens the sink of one chain; called chain by chain, in order, before the first step.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn open(&self, chain: usize, shape: &RunShape) -> Result<Self::Chain, SinkError>;

    /// Opens the sink of one chain again where [`ChainSink::save`] left it: after `draws` draws,
    /// with what it returned. Draws that came after that are made again, with the same bits.
    ///
    /// # Errors
    /// If it cannot go on from there; by default always.
    fn resume(
        &self,
        chain: usize,
        shape: &RunShape,
        draws: usize,
        saved: &[u8],
    ) -> Result<Self::Chain, SinkError> {
        let _ = (chain, shape, draws, saved);
        Err(SinkError::new("this sink cannot be continued"))
    }
}

/// Receives the draws of one chain, in order.
pub trait ChainSink: Send {
    /// Takes draw `draw`, counted from 0.
    ///
    /// # Errors
    /// If it cannot be stored; the run then ends.
    fn push(&mut self, draw: usize, parameters: &[f64], stats: &StepStats)
    -> Result<(), SinkError>;

    /// Makes what was pushed durable and returns what [`DrawSink::resume`] needs; called for
    /// checkpoints alone.
    ///
    /// # Errors
    /// If it cannot; by default always.
    fn save(&mut self) -> Result<Vec<u8>, SinkError> {
        Err(SinkError::new("this sink cannot be saved in a checkpoint"))
    }

    /// Called once after the last draw, `draws` in all.
    ///
    /// # Errors
    /// If what was pushed cannot be completed.
    fn finish(&mut self, draws: usize) -> Result<(), SinkError> {
        let _ = draws;
        Ok(())
    }
}

impl<F, C> DrawSink for F
where
    F: Fn(usize) -> C,
    C: ChainSink,
{
    type Chain = C;
    fn open(&self, chain: usize, _: &RunShape) -> Result<C, SinkError> {
        Ok(self(chain))
    }
}

impl<F: FnMut(usize, &[f64], &StepStats) + Send> ChainSink for F {
    fn push(
        &mut self,
        draw: usize,
        parameters: &[f64],
        stats: &StepStats,
    ) -> Result<(), SinkError> {
        self(draw, parameters, stats);
        Ok(())
    }
}

/// Two sinks that receive the same draws: a file and a running mean, say.
///
/// ```
/// use ergodic_core::StepStats;
/// use ergodic_samplers::{Both, ChainSink, DrawSink, RunShape};
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// let count = AtomicUsize::new(0);
/// let sink = |_chain: usize| {
///     let count = &count;
///     move |_draw: usize, _x: &[f64], _stats: &StepStats| {
///         count.fetch_add(1, Ordering::Relaxed);
///     }
/// };
/// let shape = RunShape { names: vec!["x".into()], chains: 1, draws: 1 };
/// let mut chain = Both(&sink, &sink).open(0, &shape)?;
/// chain.push(0, &[0.5], &StepStats::default())?;
/// assert_eq!(count.load(Ordering::Relaxed), 2);
/// # Ok::<(), ergodic_samplers::SinkError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both<A, B>(pub A, pub B);

impl<A: DrawSink, B: DrawSink> DrawSink for Both<A, B> {
    type Chain = Both<A::Chain, B::Chain>;
    fn open(&self, chain: usize, shape: &RunShape) -> Result<Self::Chain, SinkError> {
        Ok(Both(self.0.open(chain, shape)?, self.1.open(chain, shape)?))
    }
    fn resume(
        &self,
        chain: usize,
        shape: &RunShape,
        draws: usize,
        saved: &[u8],
    ) -> Result<Self::Chain, SinkError> {
        let damaged = || SinkError::new("what two sinks saved together is damaged");
        let (length, rest) = saved.split_first_chunk::<8>().ok_or_else(damaged)?;
        let length = u64::from_le_bytes(*length) as usize;
        let (a, b) = rest.split_at_checked(length).ok_or_else(damaged)?;
        Ok(Both(
            self.0.resume(chain, shape, draws, a)?,
            self.1.resume(chain, shape, draws, b)?,
        ))
    }
}

impl<A: ChainSink, B: ChainSink> ChainSink for Both<A, B> {
    fn push(
        &mut self,
        draw: usize,
        parameters: &[f64],
        stats: &StepStats,
    ) -> Result<(), SinkError> {
        self.0.push(draw, parameters, stats)?;
        self.1.push(draw, parameters, stats)
    }
    fn save(&mut self) -> Result<Vec<u8>, SinkError> {
        let (a, b) = (self.0.save()?, self.1.save()?);
        let mut both = (a.len() as u64).to_le_bytes().to_vec();
        both.extend(a);
        both.extend(b);
        Ok(both)
    }
    fn finish(&mut self, draws: usize) -> Result<(), SinkError> {
        self.0.finish(draws)?;
        self.1.finish(draws)
    }
}

/// Keeps every draw: what [`Sampler::run`](crate::Sampler::run) uses.
pub(super) struct Memory;

pub(super) struct InMemory {
    pub(super) values: Vec<f64>,
    pub(super) rows: Vec<StepStats>,
}

impl DrawSink for Memory {
    type Chain = InMemory;
    fn open(&self, _: usize, shape: &RunShape) -> Result<InMemory, SinkError> {
        let mut chain = InMemory {
            values: Vec::new(),
            rows: Vec::new(),
        };
        // All at once, or an error instead of an abort in the middle of the run.
        let values = shape.draws.checked_mul(shape.names.len());
        let full = |_| {
            SinkError::new(format!(
                "no memory for {} draws of {} parameters; stream them instead",
                shape.draws,
                shape.names.len()
            ))
        };
        chain
            .values
            .try_reserve_exact(values.unwrap_or(usize::MAX))
            .map_err(full)?;
        chain.rows.try_reserve_exact(shape.draws).map_err(full)?;
        Ok(chain)
    }

    #[cfg(feature = "serde")]
    fn resume(
        &self,
        chain: usize,
        shape: &RunShape,
        draws: usize,
        saved: &[u8],
    ) -> Result<InMemory, SinkError> {
        let mut memory = self.open(chain, shape)?;
        let damaged = || SinkError::new("the draws in the checkpoint are damaged");
        let bytes = draws
            .checked_mul(shape.names.len())
            .and_then(|n| n.checked_mul(8))
            .ok_or_else(damaged)?;
        let (values, rows) = saved.split_at_checked(bytes).ok_or_else(damaged)?;
        let (values, _) = values.as_chunks::<8>();
        memory
            .values
            .extend(values.iter().map(|b| f64::from_le_bytes(*b)));
        let rows: Vec<StoredStats> = postcard::from_bytes(rows).map_err(|_| damaged())?;
        if rows.len() != draws {
            return Err(damaged());
        }
        memory.rows.extend(rows.into_iter().map(StepStats::from));
        Ok(memory)
    }
}

impl ChainSink for InMemory {
    fn push(&mut self, _: usize, parameters: &[f64], stats: &StepStats) -> Result<(), SinkError> {
        self.values.extend_from_slice(parameters);
        self.rows.push(*stats);
        Ok(())
    }

    #[cfg(feature = "serde")]
    fn save(&mut self) -> Result<Vec<u8>, SinkError> {
        let mut bytes = Vec::with_capacity(8 * self.values.len() + 32 * self.rows.len());
        bytes.extend(self.values.iter().flat_map(|x| x.to_le_bytes()));
        let rows: Vec<StoredStats> = self.rows.iter().map(StoredStats::from).collect();
        postcard::to_extend(&rows, bytes).map_err(SinkError::new)
    }
}

/// [`StepStats`] as a checkpoint stores them.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct StoredStats {
    acceptance: Option<f64>,
    divergent: bool,
    energy: Option<f64>,
    fresh_momentum: bool,
    energy_error: Option<f64>,
    step_size: Option<f64>,
    depth: Option<u32>,
    gradients: u64,
    energies: u64,
    forbidden: u64,
}

#[cfg(feature = "serde")]
impl From<&StepStats> for StoredStats {
    fn from(s: &StepStats) -> Self {
        Self {
            acceptance: s.acceptance,
            divergent: s.divergent,
            energy: s.energy,
            fresh_momentum: s.fresh_momentum,
            energy_error: s.energy_error,
            step_size: s.step_size,
            depth: s.depth,
            gradients: s.gradients,
            energies: s.energies,
            forbidden: s.forbidden,
        }
    }
}

#[cfg(feature = "serde")]
impl From<StoredStats> for StepStats {
    fn from(s: StoredStats) -> Self {
        Self {
            acceptance: s.acceptance,
            divergent: s.divergent,
            energy: s.energy,
            fresh_momentum: s.fresh_momentum,
            energy_error: s.energy_error,
            step_size: s.step_size,
            depth: s.depth,
            gradients: s.gradients,
            energies: s.energies,
            forbidden: s.forbidden,
        }
    }
}
