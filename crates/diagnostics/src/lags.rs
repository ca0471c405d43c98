//! Autocovariances lag by lag, averaged over chains: only as many as are asked for.
//!
//! Geyer's rule needs lags until the chain has forgotten itself, a few dozen as a rule, and those
//! are cheaper from the definition than by a transform of everything. Chains with a long memory
//! go over to the transform, events (0 or 1) are multiplied 64 at a time.

use std::sync::Arc;

use ergodic_math::reduce;
use ergodic_math::simd::{Vectorize, vectorize};
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Lags that are computed together.
const BLOCK: usize = 8;
/// Independent partial sums of each lag, in a fixed order: the same bits at every SIMD level.
const LANES: usize = 32;
/// Draws that stay in the first-level cache while all lags of a block pass over them.
const TILE: usize = 64 * LANES;
/// From this lag on everything is transformed: about the cost of the lags so far.
const DIRECT: usize = 64;
/// The same for events.
const DIRECT_EVENTS: usize = 1024;

/// `Σᵢ xᵢ x_{i+k+l}` for `l = 0, …, 7`.
struct Products<'a> {
    x: &'a [f64],
    first_lag: usize,
    out: &'a mut [f64; BLOCK],
}

impl Vectorize for Products<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { x, first_lag, out } = self;
        let mut sums = [[0.0; LANES]; BLOCK];
        *out = [0.0; BLOCK];
        for start in (0..x.len()).step_by(TILE) {
            for l in 0..BLOCK {
                let Some(later) = x.get(start + first_lag + l..) else {
                    break;
                };
                let count = later.len().min(TILE);
                let (a, b) = (&x[start..start + count], &later[..count]);
                let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
                let (rest_a, rest_b) = (a.remainder(), b.remainder());
                let mut lanes = sums[l]; // in registers
                for (a, b) in a.zip(b) {
                    for j in 0..LANES {
                        lanes[j] += a[j] * b[j];
                    }
                }
                sums[l] = lanes;
                for (a, b) in rest_a.iter().zip(rest_b) {
                    out[l] += a * b;
                }
            }
        }
        for (out, sums) in out.iter_mut().zip(&sums) {
            *out += sums.iter().sum::<f64>();
        }
    }
}

/// Something with an autocovariance at each lag, averaged over chains.
pub(crate) trait Autocovariance {
    /// `γ̂ₖ = (1/C) Σ_c (1/n) Σᵢ (xᵢ − x̄_c)(x_{i+k} − x̄_c)` for `k < n`.
    fn at(&mut self, lag: usize) -> f64;
    /// The number of chains.
    fn chains(&self) -> usize;
    /// The length `n` of a chain.
    fn draws(&self) -> usize;
    /// The variance of the means of the chains, with divisor `C − 1`; 0 for one chain.
    fn variance_of_means(&self) -> f64;
}

/// Mean and variance (divisor `C − 1`) of a few numbers.
pub(crate) fn mean_and_variance(x: &[f64]) -> (f64, f64) {
    let mean = reduce::mean(x).unwrap_or(0.0);
    if x.len() < 2 {
        return (mean, 0.0);
    }
    let square: f64 = x.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, square / (x.len() - 1) as f64)
}

/// The autocovariance of real chains.
pub(crate) struct RealLags<'a> {
    /// Each chain less its own mean, one after the other.
    centred: &'a [f64],
    chains: usize,
    variance_of_means: f64,
    known: Vec<f64>,
    transforms: &'a mut Transforms,
}

impl<'a> RealLags<'a> {
    /// Chains one after the other in `values`, of magnitudes whose squares are in range;
    /// `centred` is scratch.
    pub(crate) fn new(
        values: &[f64],
        chains: usize,
        centred: &'a mut Vec<f64>,
        transforms: &'a mut Transforms,
    ) -> Self {
        centred.clear();
        let draws = values.len() / chains;
        let mut means = Vec::with_capacity(chains);
        for chain in values.chunks_exact(draws) {
            // The rounded mean of equal values may miss them by an ulp.
            let mean = if chain.iter().all(|&x| x == chain[0]) {
                chain[0]
            } else {
                reduce::mean(chain).unwrap_or(0.0)
            };
            means.push(mean);
            centred.extend(chain.iter().map(|x| x - mean));
        }
        Self {
            centred,
            chains,
            variance_of_means: mean_and_variance(&means).1,
            known: Vec::new(),
            transforms,
        }
    }
}

impl Autocovariance for RealLags<'_> {
    fn at(&mut self, lag: usize) -> f64 {
        let draws = self.draws();
        while self.known.len() <= lag {
            let first = self.known.len();
            if first >= DIRECT {
                self.known = self.transforms.autocovariance(self.centred, self.chains);
                break;
            }
            let mut total = [0.0; BLOCK];
            for chain in self.centred.chunks_exact(draws) {
                let mut block = [0.0; BLOCK];
                vectorize(Products {
                    x: chain,
                    first_lag: first,
                    out: &mut block,
                });
                for (t, b) in total.iter_mut().zip(block) {
                    *t += b;
                }
            }
            let norm = 1.0 / (draws * self.chains) as f64;
            self.known.extend(total.map(|t| t * norm));
        }
        self.known[lag]
    }
    fn chains(&self) -> usize {
        self.chains
    }
    fn draws(&self) -> usize {
        self.centred.len() / self.chains
    }
    fn variance_of_means(&self) -> f64 {
        self.variance_of_means
    }
}

/// Fourier transforms by length, planned once.
#[derive(Default)]
pub(crate) struct Transforms {
    plan: Option<Plan>,
}

struct Plan {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl Transforms {
    /// All `n` lags at once: the power spectra of the chains are added before the one inverse.
    fn autocovariance(&mut self, centred: &[f64], chains: usize) -> Vec<f64> {
        let draws = centred.len() / chains;
        let len = (2 * draws).next_power_of_two();
        let plan = match &mut self.plan {
            Some(plan) if plan.forward.len() == len => plan,
            slot => slot.insert({
                let mut planner = RealFftPlanner::new();
                Plan {
                    forward: planner.plan_fft_forward(len),
                    inverse: planner.plan_fft_inverse(len),
                }
            }),
        };
        let mut padded = plan.forward.make_input_vec();
        let mut spectrum = plan.forward.make_output_vec();
        let mut power = plan.inverse.make_input_vec();
        for chain in centred.chunks_exact(draws) {
            padded[..draws].copy_from_slice(chain);
            padded[draws..].fill(0.0);
            // The transforms refuse only buffers of other lengths than they made themselves.
            plan.forward
                .process(&mut padded, &mut spectrum)
                .expect("buffers of the plan");
            for (p, z) in power.iter_mut().zip(&spectrum) {
                p.re += z.norm_sqr();
            }
        }
        plan.inverse
            .process(&mut power, &mut padded)
            .expect("a real spectrum");
        let norm = 1.0 / (len as f64 * centred.len() as f64);
        padded[..draws].iter().map(|g| g * norm).collect()
    }
}

/// The autocovariance of an event that happens or not at each draw, from exact counts.
pub(crate) struct EventLags<'a> {
    /// 64 draws a word, each chain filled up with zeros to whole words and one more.
    words: &'a [u64],
    chains: usize,
    draws: usize,
    happened: Vec<u32>,
    variance_of_means: f64,
    /// The transformed rest, once it is needed.
    transformed: Vec<f64>,
    transforms: &'a mut Transforms,
}

/// `Σᵢ bᵢ b_{i+k}` over the bits of a chain.
struct Coincidences<'a> {
    words: &'a [u64],
    lag: usize,
}

impl Vectorize for Coincidences<'_> {
    type Output = u64;
    #[inline(always)]
    fn run(self) -> u64 {
        let (skip, shift) = (self.lag / 64, (self.lag % 64) as u32);
        // The last word of a chain is zero, so that every word has a next one.
        let later = &self.words[skip..];
        let mut count = 0;
        for (w, pair) in self.words.iter().zip(later.windows(2)) {
            // Two shifts, as one by 64 is none.
            let shifted = pair[0] >> shift | pair[1] << 1 << (63 - shift);
            count += u64::from((w & shifted).count_ones());
        }
        count
    }
}

impl<'a> EventLags<'a> {
    /// The event `x ≤ bound`; `words` is scratch.
    pub(crate) fn at_most(
        bound: f64,
        values: &[f64],
        chains: usize,
        words: &'a mut Vec<u64>,
        transforms: &'a mut Transforms,
    ) -> Self {
        let draws = values.len() / chains;
        let stride = draws.div_ceil(64) + 1;
        words.clear();
        words.reserve(stride * chains);
        let mut happened = Vec::with_capacity(chains);
        for chain in values.chunks_exact(draws) {
            let begin = words.len();
            words.extend(chain.chunks(64).map(|chunk| {
                chunk
                    .iter()
                    .rev()
                    .fold(0u64, |word, &x| word << 1 | u64::from(x <= bound))
            }));
            words.push(0);
            happened.push(words[begin..].iter().map(|w| w.count_ones()).sum());
        }
        let means: Vec<f64> = happened
            .iter()
            .map(|&h| f64::from(h) / draws as f64)
            .collect();
        Self {
            words,
            chains,
            draws,
            happened,
            variance_of_means: mean_and_variance(&means).1,
            transformed: Vec::new(),
            transforms,
        }
    }

    /// Whether it always or never happens.
    pub(crate) fn is_constant(&self) -> bool {
        let total: u64 = self.happened.iter().map(|&h| u64::from(h)).sum();
        total == 0 || total == (self.draws * self.chains) as u64
    }

    fn bit(words: &[u64], draw: usize) -> u64 {
        words[draw / 64] >> (draw % 64) & 1
    }

    fn transform(&mut self) {
        let stride = self.words.len() / self.chains;
        let mut centred = Vec::with_capacity(self.draws * self.chains);
        for (chain, &happened) in self.words.chunks_exact(stride).zip(&self.happened) {
            let mean = f64::from(happened) / self.draws as f64;
            centred.extend((0..self.draws).map(|i| Self::bit(chain, i) as f64 - mean));
        }
        self.transformed = self.transforms.autocovariance(&centred, self.chains);
    }
}

impl Autocovariance for EventLags<'_> {
    fn at(&mut self, lag: usize) -> f64 {
        if lag >= DIRECT_EVENTS {
            if self.transformed.is_empty() {
                self.transform();
            }
            return self.transformed[lag];
        }
        let stride = self.words.len() / self.chains;
        let n = self.draws as f64;
        let mut total = 0.0;
        for (words, &happened) in self.words.chunks_exact(stride).zip(&self.happened) {
            let both = vectorize(Coincidences { words, lag });
            let ones = |range: std::ops::Range<usize>| count_ones(words, range);
            let first = ones(0..lag);
            let last = ones(self.draws - lag..self.draws);
            let m = f64::from(happened);
            // Σ bᵢb_{i+k} − p Σ bᵢ − p Σ b_{i+k} + (n − k)p², times n.
            let sums = 2.0 * m - first as f64 - last as f64;
            total += both as f64 - m / n * sums + (n - lag as f64) * (m / n) * (m / n);
        }
        total / (n * self.chains as f64)
    }
    fn chains(&self) -> usize {
        self.chains
    }
    fn draws(&self) -> usize {
        self.draws
    }
    fn variance_of_means(&self) -> f64 {
        self.variance_of_means
    }
}

/// The number of set bits in a range.
fn count_ones(words: &[u64], range: std::ops::Range<usize>) -> u64 {
    if range.is_empty() {
        return 0;
    }
    let (first, last) = (range.start / 64, (range.end - 1) / 64);
    let mut count = 0;
    for (w, &word) in words[first..=last].iter().enumerate() {
        let mut word = word;
        if w == 0 {
            word &= !0 << (range.start % 64);
        }
        if first + w == last {
            word &= !0 >> (63 - (range.end - 1) % 64);
        }
        count += u64::from(word.count_ones());
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_math::autocovariance::autocovariance_direct;
    use ergodic_math::rng;

    #[test]
    fn every_way_to_an_autocovariance_gives_the_definition() {
        let mut random = rng::stream(11, 0);
        for (chains, n) in [
            (1usize, 4usize),
            (2, 5),
            (3, 63),
            (2, 64),
            (2, 129),
            (4, 1300),
        ] {
            let mut values = vec![0.0; chains * n];
            rng::fill_normal(&mut random, &mut values);
            for i in 1..values.len() {
                values[i] += 0.9 * values[i - 1];
            }
            let events: Vec<f64> = values.iter().map(|&x| f64::from(x <= 0.7)).collect();
            let exact = |x: &[f64]| {
                let mut mean = vec![0.0; n];
                for chain in x.chunks_exact(n) {
                    for (m, g) in mean
                        .iter_mut()
                        .zip(autocovariance_direct(chain, n - 1).unwrap())
                    {
                        *m += g / chains as f64;
                    }
                }
                mean
            };
            let (mut centred, mut words) = (Vec::new(), Vec::new());
            let mut transforms = Transforms::default();
            let truth = exact(&values);
            let mut real = RealLags::new(&values, chains, &mut centred, &mut transforms);
            for (k, g) in truth.iter().enumerate() {
                assert!((real.at(k) - g).abs() < 1e-13 * truth[0], "n {n}, lag {k}");
            }
            let truth = exact(&events);
            let mut event = EventLags::at_most(0.7, &values, chains, &mut words, &mut transforms);
            for (k, g) in truth.iter().enumerate() {
                assert!(
                    (event.at(k) - g).abs() < 1e-14,
                    "n {n}, lag {k}: {} vs {g}",
                    event.at(k)
                );
            }
        }
    }
}
