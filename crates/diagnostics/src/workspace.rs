//! The buffers that a diagnosis needs, kept from one quantity to the next.

use std::sync::Arc;

use crate::geyer::effective_sample_size;
use crate::lags::{EventLags, RealLags, Transforms, mean_and_variance};
use crate::order::Order;
use crate::scores::{Folded, NormalScores};
use crate::series::Series;

/// Scratch of one thread.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) order: Order,
    folded: Folded,
    scores: Vec<f64>,
    centred: Vec<f64>,
    words: Vec<u64>,
    transforms: Transforms,
    table: Option<Arc<NormalScores>>,
}

impl Workspace {
    /// With a table that is shared with other threads.
    pub(crate) fn with_table(table: Arc<NormalScores>) -> Self {
        Self {
            table: Some(table),
            ..Self::default()
        }
    }

    fn table(&mut self, count: usize) -> Arc<NormalScores> {
        match &self.table {
            Some(table) if table.len() == count => Arc::clone(table),
            _ => Arc::clone(self.table.insert(Arc::new(NormalScores::new(count)))),
        }
    }

    /// R̂ and effective sample size of the normal scores of values that have been sorted into
    /// `order`.
    pub(crate) fn of_scores(&mut self, chains: usize) -> (f64, f64) {
        let table = self.table(self.order.sorted.len());
        table.by_position(&self.order, &mut self.scores);
        let rhat = potential_scale_reduction(&self.scores, chains);
        let ess = real_ess(
            &self.scores,
            chains,
            &mut self.centred,
            &mut self.transforms,
        );
        (rhat, ess)
    }

    /// R̂ of the normal scores alone.
    pub(crate) fn rhat_of_scores(&mut self, chains: usize) -> f64 {
        let table = self.table(self.order.sorted.len());
        table.by_position(&self.order, &mut self.scores);
        potential_scale_reduction(&self.scores, chains)
    }

    /// R̂ of the normal scores of distances from the median, of values that have been sorted.
    pub(crate) fn rhat_of_distances(&mut self, chains: usize) -> f64 {
        let table = self.table(self.order.sorted.len());
        table.of_distances(&self.order, &mut self.folded, &mut self.scores);
        potential_scale_reduction(&self.scores, chains)
    }

    /// The effective sample size of the mean of values whose squares are in range.
    pub(crate) fn ess(&mut self, values: &[f64], chains: usize) -> f64 {
        real_ess(values, chains, &mut self.centred, &mut self.transforms)
    }

    /// The effective sample size of the share of draws `≤ bound`; the number of draws if that
    /// holds for all or none.
    pub(crate) fn ess_at_most(&mut self, bound: f64, halves: &Series<'_>) -> f64 {
        let mut lags = EventLags::at_most(
            bound,
            &halves.values,
            halves.chains,
            &mut self.words,
            &mut self.transforms,
        );
        if lags.is_constant() {
            return halves.values.len() as f64;
        }
        effective_sample_size(&mut lags)
    }
}

fn real_ess(
    values: &[f64],
    chains: usize,
    centred: &mut Vec<f64>,
    transforms: &mut Transforms,
) -> f64 {
    let mut lags = RealLags::new(values, chains, centred, transforms);
    effective_sample_size(&mut lags)
}

/// `√((B/W + n − 1)/n)` for chains one after the other in `values`: `B/n` the variance of the means
/// of the chains, `W` the mean of their variances. Infinite for constant chains that differ.
pub(crate) fn potential_scale_reduction(values: &[f64], chains: usize) -> f64 {
    let draws = values.len() / chains;
    let n = draws as f64;
    let mut means = Vec::with_capacity(chains);
    let mut within = 0.0;
    for chain in values.chunks_exact(draws) {
        let (mean, variance) = if chain.iter().all(|&x| x == chain[0]) {
            (chain[0], 0.0)
        } else {
            long_mean_and_variance(chain)
        };
        means.push(mean);
        within += variance / chains as f64;
    }
    let between = n * mean_and_variance(&means).1;
    ((between / within + n - 1.0) / n).sqrt()
}

/// Mean and variance of a chain, with independent partial sums in a fixed order.
fn long_mean_and_variance(x: &[f64]) -> (f64, f64) {
    let mean = ergodic_math::reduce::mean(x).unwrap_or(0.0);
    const LANES: usize = 8;
    let mut lanes = [0.0; LANES];
    let whole = x.chunks_exact(LANES);
    let rest: f64 = whole
        .remainder()
        .iter()
        .map(|x| (x - mean) * (x - mean))
        .sum();
    for chunk in whole {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += (x - mean) * (x - mean);
        }
    }
    let square = lanes.iter().sum::<f64>() + rest;
    (mean, square / (x.len() - 1) as f64)
}
