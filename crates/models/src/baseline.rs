//! Baselines for binary rows: independent pixels and a mixture of Bernoullis fitted by EM.
//!
//! Both are normalised laws on `{0, 1}ᵈ` with exact likelihoods, so a Boltzmann machine whose
//! estimated likelihood does not beat them has learnt nothing that they have not.
//!
//! **Rows of probabilities.** Every value may also lie inside `(0, 1)` and then stands for the
//! probability that the pixel is 1. The score of such a row `q` is
//! `log Σ_k w_k Π_i p_kiᵠ (1 − p_ki)¹⁻ᵠ` with `ᵠ = q_i`. For independent pixels this is exactly
//! the expected log-likelihood `E log p(x)` of binary rows `x ~ q`; for a mixture it is a lower
//! bound of it (log-sum-exp is convex), with equality on binary rows.

use std::num::NonZeroUsize;

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::rng;
use ergodic_math::simd::{Vectorize, vectorize};
use rayon::prelude::*;

/// A pixel: `u8` 0 or 1, or the probability of a 1 as `f32` or `f64`.
pub trait Pixel: Copy + Sync + Into<f64> {}
impl Pixel for u8 {}
impl Pixel for f32 {}
impl Pixel for f64 {}

/// The number of rows of `data`, after checking its shape and its values.
fn checked_rows<T: Pixel>(data: &[T], columns: usize) -> Result<usize, ArgumentError> {
    if columns == 0 {
        return Err(ArgumentError::new("columns", columns, "at least 1"));
    }
    if data.is_empty() || !data.len().is_multiple_of(columns) {
        return Err(ArgumentError::new(
            "data",
            format!("a slice of {} values", data.len()),
            format!("a positive multiple of columns = {columns}"),
        ));
    }
    if let Some(at) = data.iter().position(|&v| !(0.0..=1.0).contains(&v.into())) {
        let found: f64 = data[at].into();
        return Err(ArgumentError::new(
            "data",
            format!("{} at row {}, column {}", found, at / columns, at % columns),
            "in 0..=1",
        ));
    }
    Ok(data.len() / columns)
}

/// Mean in fixed order.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Pixels that are independent of each other, `log p(v) = Σ_i v_i log p_i + (1 − v_i) log(1 − p_i)`,
/// with add-one base rates `p_i = (1 + Σ_n v_ni) / (2 + N)` (the posterior mean under a uniform
/// prior), which lie strictly between 0 and 1: every row has a finite likelihood.
///
/// ```
/// use ergodic_models::baseline::IndependentBernoulli;
///
/// let rows = [1.0, 0.0, 1.0, 1.0]; // two rows of two pixels
/// let law = IndependentBernoulli::fit(&rows, 2)?;
/// assert_eq!(law.rates(), [0.75, 0.5]);
/// let ll = law.mean_log_likelihood(&[1.0, 1.0])?;
/// assert!((ll - (0.75f64 * 0.5).ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IndependentBernoulli {
    rates: Vec<f64>,
}

impl IndependentBernoulli {
    /// The add-one base rates of `data` (`n × columns`, values in `0..=1`); `O(n d)`.
    ///
    /// # Errors
    /// If `data` is empty, not whole rows, or has a value outside `0..=1`.
    pub fn fit<T: Pixel>(data: &[T], columns: usize) -> Result<Self, ArgumentError> {
        let rows = checked_rows(data, columns)?;
        let mut sums = vec![0.0; columns];
        for row in data.chunks_exact(columns) {
            for (s, &v) in sums.iter_mut().zip(row) {
                *s += v.into();
            }
        }
        for s in &mut sums {
            *s = (*s + 1.0) / (rows as f64 + 2.0);
        }
        Ok(Self { rates: sums })
    }

    /// `p_i`, one per pixel.
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// `log p(v)` of each row in nats; `O(n d)`.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), for the number of pixels of this law.
    pub fn log_likelihoods<T: Pixel>(&self, data: &[T]) -> Result<Vec<f64>, ArgumentError> {
        let columns = self.rates.len();
        checked_rows(data, columns)?;
        let logs: Vec<(f64, f64)> = self
            .rates
            .iter()
            .map(|&p| (Real::ln(p), Real::ln_1p(-p)))
            .collect();
        Ok(data
            .chunks_exact(columns)
            .map(|row| {
                let terms = row.iter().zip(&logs).map(|(&v, &(one, zero))| {
                    let v: f64 = v.into();
                    v * one + (1.0 - v) * zero
                });
                terms.sum()
            })
            .collect())
    }

    /// Mean of [`log_likelihoods`](Self::log_likelihoods), nats per row.
    ///
    /// # Errors
    /// As [`log_likelihoods`](Self::log_likelihoods).
    pub fn mean_log_likelihood<T: Pixel>(&self, data: &[T]) -> Result<f64, ArgumentError> {
        Ok(mean(&self.log_likelihoods(data)?))
    }
}

/// Settings of [`BernoulliMixture::fit`].
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureSettings {
    /// Number of components `K`, at least 1.
    pub components: usize,
    /// Seed of the start.
    pub seed: u64,
    /// Pseudo-count `a` of the symmetric Beta prior on every rate: `a` imagined ones and `a`
    /// imagined zeros per component and pixel, `p_ki = (S_ki + a) / (R_k + 2a)`. Finite and above
    /// 0, so that no rate reaches 0 or 1.
    pub rate_pseudo_count: f64,
    /// Pseudo-count `b` of the symmetric Dirichlet prior on the weights,
    /// `w_k = (R_k + b) / (n + K b)`. Finite and above 0, so that no component dies.
    pub weight_pseudo_count: f64,
    /// At most this many EM iterations, at least 1.
    pub max_iterations: usize,
    /// EM stops when the objective per row rises by less than this many nats, above 0.
    pub tolerance: f64,
}

impl Default for MixtureSettings {
    /// 60 components, `a = ½` (Jeffreys' prior), `b = 1`, at most 500 iterations, tolerance 1e-5 nats per row.
    fn default() -> Self {
        Self {
            components: 60,
            seed: 1,
            rate_pseudo_count: 0.5,
            weight_pseudo_count: 1.0,
            max_iterations: 500,
            tolerance: 1e-5,
        }
    }
}

impl MixtureSettings {
    fn check(&self, rows: usize) -> Result<(), ArgumentError> {
        let positive = |name, value: f64| {
            if value.is_finite() && value > 0.0 {
                Ok(())
            } else {
                Err(ArgumentError::new(name, value, "a finite number above 0"))
            }
        };
        if self.components == 0 || self.components > rows {
            return Err(ArgumentError::new(
                "components",
                self.components,
                format!("between 1 and the number of rows, {rows}"),
            ));
        }
        if self.max_iterations == 0 {
            return Err(ArgumentError::new(
                "max_iterations",
                self.max_iterations,
                "at least 1",
            ));
        }
        positive("rate_pseudo_count", self.rate_pseudo_count)?;
        positive("weight_pseudo_count", self.weight_pseudo_count)?;
        positive("tolerance", self.tolerance)
    }
}

/// A mixture of products of Bernoullis, `p(v) = Σ_k w_k Π_i p_kiᵛ (1 − p_ki)¹⁻ᵛ` with `ᵛ = v_i`.
///
/// Fitted by expectation–maximisation in log space (Bishop, *Pattern Recognition and Machine
/// Learning*, 2006, §9.3.3) to the posterior mode under the priors of [`MixtureSettings`]: each
/// iteration raises the objective
/// `Σ_n log p(v_n) + a Σ_ki log p_ki(1 − p_ki) + b Σ_k log w_k`.
///
/// The start takes `K` rows, drawn from stream 0 of the seed with probabilities proportional to the
/// squared distance from the rows already taken (k-means++: Arthur and Vassilvitskii, *SODA*, 2007),
/// each mixed half and half with the base rates. Rows are worked on in chunks whose number depends on the data alone, and added
/// up in order: the same bits for any number of threads. Cost `O(n d K)` per iteration, where zero
/// pixels cost nothing; memory `O(d K)` per chunk, at most 64 chunks.
///
/// ```
/// use ergodic_models::baseline::{BernoulliMixture, MixtureSettings};
///
/// // Two patterns, equally often.
/// let rows: Vec<f32> = [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]].concat().repeat(50);
/// let settings = MixtureSettings { components: 2, ..Default::default() };
/// let law = BernoulliMixture::fit(&rows, 4, &settings)?;
/// assert!((law.mean_log_likelihood(&rows)? - 0.5f64.ln()).abs() < 0.1);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BernoulliMixture {
    components: usize,
    columns: usize,
    weights: Vec<f64>,
    /// `columns × components`: the components of one pixel lie side by side.
    rates: Vec<f64>,
    history: Vec<f64>,
    converged: bool,
}

impl BernoulliMixture {
    /// Fits to `data` (`n × columns`, values in `0..=1`).
    ///
    /// # Errors
    /// If `data` is empty, not whole rows, or has a value outside `0..=1`, or if a setting is
    /// outside its domain.
    pub fn fit<T: Pixel>(
        data: &[T],
        columns: usize,
        settings: &MixtureSettings,
    ) -> Result<Self, ArgumentError> {
        let rows = checked_rows(data, columns)?;
        settings.check(rows)?;
        let mut law = Self::start(data, columns, settings)?;
        for _ in 0..settings.max_iterations {
            let tables = Tables::new(&law);
            let statistics = tables.expectation(data);
            let objective = (statistics.log_likelihood + law.log_prior(settings)) / rows as f64;
            law.maximise(&statistics, rows, settings);
            let gain = law.history.last().map(|last| objective - last);
            law.history.push(objective);
            if gain.is_some_and(|gain| gain < settings.tolerance) {
                law.converged = true;
                break;
            }
        }
        Ok(law)
    }

    fn start<T: Pixel>(
        data: &[T],
        columns: usize,
        settings: &MixtureSettings,
    ) -> Result<Self, ArgumentError> {
        let k = settings.components;
        let base = IndependentBernoulli::fit(data, columns)?;
        let rows = data.len() / columns;
        let mut rng = rng::stream(settings.seed, 0);
        let mut rates = vec![0.0; columns * k];
        let mut distance = vec![f64::INFINITY; rows];
        let mut chosen = rng::index(&mut rng, rows);
        for component in 0..k {
            let row = &data[chosen * columns..][..columns];
            for (i, (&v, &p)) in row.iter().zip(base.rates()).enumerate() {
                rates[i * k + component] = 0.5 * v.into() + 0.5 * p;
            }
            vectorize(NearestCentre {
                centre: row,
                data,
                distance: &mut distance,
            });
            // All rows coincide with a centre when there are fewer distinct rows than components.
            chosen = if distance.iter().any(|&d| d > 0.0) {
                rng::categorical(&mut rng, &distance)
            } else {
                rng::index(&mut rng, rows)
            };
        }
        Ok(Self {
            components: k,
            columns,
            weights: vec![1.0 / k as f64; k],
            rates,
            history: Vec::new(),
            converged: false,
        })
    }

    fn log_prior(&self, settings: &MixtureSettings) -> f64 {
        let rates: f64 = self
            .rates
            .iter()
            .map(|&p| Real::ln(p) + Real::ln_1p(-p))
            .sum();
        let weights: f64 = self.weights.iter().map(|w| Real::ln(*w)).sum();
        settings.rate_pseudo_count * rates + settings.weight_pseudo_count * weights
    }

    fn maximise(&mut self, statistics: &Statistics, rows: usize, settings: &MixtureSettings) {
        let (k, a) = (self.components, settings.rate_pseudo_count);
        let b = settings.weight_pseudo_count;
        for (p, s) in self
            .rates
            .chunks_exact_mut(k)
            .zip(statistics.ones.chunks_exact(k))
        {
            for ((p, &s), &r) in p.iter_mut().zip(s).zip(&statistics.rows) {
                *p = (s + a) / (r + 2.0 * a);
            }
        }
        for (w, &r) in self.weights.iter_mut().zip(&statistics.rows) {
            *w = (r + b) / (rows as f64 + b * k as f64);
        }
    }

    /// Number of components `K`.
    pub fn components(&self) -> usize {
        self.components
    }

    /// `w_k`, which add up to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// `p_ki`, the probability of a 1 at pixel `pixel` in component `component`; `None` out of
    /// range.
    pub fn rate(&self, component: usize, pixel: usize) -> Option<f64> {
        (component < self.components && pixel < self.columns)
            .then(|| self.rates[pixel * self.components + component])
    }

    /// The objective per row, in nats, before each iteration: never decreasing, to rounding.
    pub fn history(&self) -> &[f64] {
        &self.history
    }

    /// Whether the tolerance was reached within the allowed iterations.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// `log p(v)` of each row in nats; `O(n d K)`.
    ///
    /// # Errors
    /// If `data` is empty, not whole rows of this law, or has a value outside `0..=1`.
    pub fn log_likelihoods<T: Pixel>(&self, data: &[T]) -> Result<Vec<f64>, ArgumentError> {
        checked_rows(data, self.columns)?;
        let tables = Tables::new(self);
        let mut out = vec![0.0; data.len() / self.columns];
        let chunk = chunk_rows(out.len());
        data.par_chunks(chunk * self.columns)
            .zip(out.par_chunks_mut(chunk))
            .for_each(|(data, out)| {
                let mut responsibilities = vec![0.0; self.components];
                for (row, out) in data.chunks_exact(self.columns).zip(out) {
                    *out = vectorize(Responsibilities {
                        tables: &tables,
                        row,
                        out: &mut responsibilities,
                    });
                }
            });
        Ok(out)
    }

    /// Mean of [`log_likelihoods`](Self::log_likelihoods), nats per row.
    ///
    /// # Errors
    /// As [`log_likelihoods`](Self::log_likelihoods).
    pub fn mean_log_likelihood<T: Pixel>(&self, data: &[T]) -> Result<f64, ArgumentError> {
        Ok(mean(&self.log_likelihoods(data)?))
    }
}

/// Rows per chunk: at least 128, at most 64 chunks; a function of the data alone.
fn chunk_rows(rows: usize) -> usize {
    NonZeroUsize::new(rows.div_ceil(64).max(128)).map_or(128, NonZeroUsize::get)
}

/// The law in the form that the expectation step needs:
/// `log w_k p(v | k) = bias_k + Σ_i v_i log_odds_ki`.
struct Tables {
    columns: usize,
    components: usize,
    bias: Vec<f64>,
    /// `columns × components`.
    log_odds: Vec<f64>,
}

/// Lowers `distance[n]` to the squared distance of row `n` from `centre`, if that is smaller.
struct NearestCentre<'a, T> {
    centre: &'a [T],
    data: &'a [T],
    distance: &'a mut [f64],
}

impl<T: Pixel> Vectorize for NearestCentre<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let rows = self.data.chunks_exact(self.centre.len());
        for (row, nearest) in rows.zip(self.distance) {
            // Eight lanes in fixed order: the compiler may not reorder a float sum on its own.
            let mut lanes = [0.0f64; 8];
            let square = |a: T, b: T| {
                let difference: f64 = a.into() - b.into();
                difference * difference
            };
            let (blocks, rest) = row.as_chunks::<8>();
            let (centres, centre_rest) = self.centre.as_chunks::<8>();
            for (a, b) in blocks.iter().zip(centres) {
                for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
                    *lane += square(a, b);
                }
            }
            let mut sum: f64 = lanes.iter().sum();
            for (&a, &b) in rest.iter().zip(centre_rest) {
                sum += square(a, b);
            }
            *nearest = nearest.min(sum);
        }
    }
}

/// What the maximisation step needs of the data.
struct Statistics {
    log_likelihood: f64,
    /// `R_k = Σ_n r_nk`.
    rows: Vec<f64>,
    /// `S_ki = Σ_n r_nk v_ni`, `columns × components`.
    ones: Vec<f64>,
}

impl Tables {
    fn new(law: &BernoulliMixture) -> Self {
        let k = law.components;
        let mut bias: Vec<f64> = law.weights.iter().map(|w| Real::ln(*w)).collect();
        let mut log_odds = law.rates.clone();
        for pixel in log_odds.chunks_exact_mut(k) {
            for (p, bias) in pixel.iter_mut().zip(&mut bias) {
                let zero = Real::ln_1p(-*p);
                *bias += zero;
                *p = Real::ln(*p) - zero;
            }
        }
        Self {
            columns: law.columns,
            components: k,
            bias,
            log_odds,
        }
    }

    fn expectation<T: Pixel>(&self, data: &[T]) -> Statistics {
        let chunk = chunk_rows(data.len() / self.columns);
        let parts: Vec<Statistics> = data
            .par_chunks(chunk * self.columns)
            .map(|rows| vectorize(Expectation { tables: self, rows }))
            .collect();
        let mut total = Statistics::zero(self);
        for part in parts {
            total.log_likelihood += part.log_likelihood;
            for (t, p) in total.rows.iter_mut().zip(&part.rows) {
                *t += p;
            }
            for (t, p) in total.ones.iter_mut().zip(&part.ones) {
                *t += p;
            }
        }
        total
    }
}

impl Statistics {
    fn zero(tables: &Tables) -> Self {
        Self {
            log_likelihood: 0.0,
            rows: vec![0.0; tables.components],
            ones: vec![0.0; tables.columns * tables.components],
        }
    }
}

/// Leaves `r_k = p(k | v)` in `out` and returns `log p(v)`.
struct Responsibilities<'a, T> {
    tables: &'a Tables,
    row: &'a [T],
    out: &'a mut [f64],
}

impl<T: Pixel> Vectorize for Responsibilities<'_, T> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let Self { tables, row, out } = self;
        out.copy_from_slice(&tables.bias);
        for (&v, log_odds) in row
            .iter()
            .zip(tables.log_odds.chunks_exact(tables.components))
        {
            let v: f64 = v.into();
            if v != 0.0 {
                for (o, &l) in out.iter_mut().zip(log_odds) {
                    *o += v * l;
                }
            }
        }
        let mut max = f64::NEG_INFINITY;
        for &o in out.iter() {
            max = Real::max(max, o);
        }
        for o in out.iter_mut() {
            *o = Real::exp(*o - max);
        }
        let mut sum = 0.0;
        for &o in out.iter() {
            sum += o;
        }
        let scale = 1.0 / sum;
        for o in out.iter_mut() {
            *o *= scale;
        }
        max + Real::ln(sum)
    }
}

/// The statistics of some rows.
struct Expectation<'a, T> {
    tables: &'a Tables,
    rows: &'a [T],
}

impl<T: Pixel> Vectorize for Expectation<'_, T> {
    type Output = Statistics;
    #[inline(always)]
    fn run(self) -> Statistics {
        let Self { tables, rows } = self;
        let k = tables.components;
        let mut statistics = Statistics::zero(tables);
        let mut responsibilities = vec![0.0; k];
        for row in rows.chunks_exact(tables.columns) {
            statistics.log_likelihood += Responsibilities {
                tables,
                row,
                out: &mut responsibilities,
            }
            .run();
            for (t, &r) in statistics.rows.iter_mut().zip(&responsibilities) {
                *t += r;
            }
            for (&v, ones) in row.iter().zip(statistics.ones.chunks_exact_mut(k)) {
                let v: f64 = v.into();
                if v != 0.0 {
                    for (o, &r) in ones.iter_mut().zip(&responsibilities) {
                        *o += v * r;
                    }
                }
            }
        }
        statistics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a seeded mixture of three overlapping patterns, with some grey pixels.
    fn noisy_rows(columns: usize, rows: usize) -> Vec<f32> {
        let mut g = rng::stream(9, 0);
        let mut out = Vec::new();
        for n in 0..rows {
            for i in 0..columns {
                let p = if (i + n % 3).is_multiple_of(3) {
                    0.8
                } else {
                    0.3
                };
                out.push(f32::from(u8::from(rng::bernoulli(&mut g, p))));
            }
            out[n * columns] = 0.5;
        }
        out
    }

    #[test]
    fn em_never_decreases_its_objective() {
        let rows = noisy_rows(17, 700);
        for seed in 0..5 {
            let settings = MixtureSettings {
                components: 7,
                seed,
                tolerance: 1e-12,
                max_iterations: 120,
                ..Default::default()
            };
            let law = BernoulliMixture::fit(&rows, 17, &settings).unwrap();
            assert!(law.history().len() > 20);
            for (t, pair) in law.history().windows(2).enumerate() {
                assert!(
                    pair[1] >= pair[0] - 1e-12,
                    "seed {seed}, iteration {t}: {} after {}",
                    pair[1],
                    pair[0]
                );
            }
        }
    }

    #[test]
    fn likelihoods_sum_to_one_over_all_rows() {
        let rows = noisy_rows(10, 200);
        let all: Vec<f32> = (0..1u32 << 10)
            .flat_map(|x| (0..10).map(move |i| (x >> i & 1) as f32))
            .collect();
        let settings = MixtureSettings {
            components: 5,
            max_iterations: 10,
            ..Default::default()
        };
        let mixture = BernoulliMixture::fit(&rows, 10, &settings).unwrap();
        let independent = IndependentBernoulli::fit(&rows, 10).unwrap();
        for scores in [
            mixture.log_likelihoods(&all).unwrap(),
            independent.log_likelihoods(&all).unwrap(),
        ] {
            let total: f64 = scores.iter().map(|l| l.exp()).sum();
            assert!((total - 1.0).abs() < 1e-12, "total probability {total}");
        }
    }

    #[test]
    fn one_component_is_independent_pixels() {
        // With a = 1 one component has the add-one rates after a single iteration.
        let rows = noisy_rows(9, 301);
        let settings = MixtureSettings {
            components: 1,
            rate_pseudo_count: 1.0,
            ..Default::default()
        };
        let mixture = BernoulliMixture::fit(&rows, 9, &settings).unwrap();
        let independent = IndependentBernoulli::fit(&rows, 9).unwrap();
        assert!(mixture.converged());
        for i in 0..9 {
            assert!((mixture.rate(0, i).unwrap() - independent.rates()[i]).abs() < 1e-14);
        }
        let (a, b) = (
            mixture.mean_log_likelihood(&rows).unwrap(),
            independent.mean_log_likelihood(&rows).unwrap(),
        );
        assert!((a - b).abs() < 1e-12);
    }

    #[test]
    fn separate_patterns_are_recovered_with_their_weights() {
        // 30 rows of 11110000 and 10 rows of 00001111; the posterior mode is known in closed
        // form because the responsibilities are 0 or 1 to within 1e-9.
        let one = [1.0f32, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let two = [0.0f32, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        let rows = [one.repeat(30), two.repeat(10)].concat();
        let settings = MixtureSettings {
            components: 2,
            tolerance: 1e-13,
            ..Default::default()
        };
        let law = BernoulliMixture::fit(&rows, 8, &settings).unwrap();
        let first = usize::from(law.weights()[1] > law.weights()[0]);
        let (a, b) = (0.5, 1.0);
        assert!((law.weights()[first] - (30.0 + b) / (40.0 + 2.0 * b)).abs() < 1e-6);
        assert!((law.rate(first, 0).unwrap() - (30.0 + a) / (30.0 + 2.0 * a)).abs() < 1e-6);
        assert!((law.rate(1 - first, 0).unwrap() - a / (10.0 + 2.0 * a)).abs() < 1e-6);
    }

    #[test]
    fn grey_rows_score_their_expected_log_likelihood() {
        let rows = noisy_rows(6, 100);
        let law = IndependentBernoulli::fit(&rows, 6).unwrap();
        let grey = [0.2f32, 0.9, 0.5, 0.0, 1.0, 0.7];
        let mixture = BernoulliMixture::fit(
            &rows,
            6,
            &MixtureSettings {
                components: 3,
                ..Default::default()
            },
        )
        .unwrap();
        let (mut exact, mut exact_mixture) = (0.0, 0.0);
        for x in 0..1u32 << 6 {
            let row: Vec<f32> = (0..6).map(|i| (x >> i & 1) as f32).collect();
            let q: f64 = row
                .iter()
                .zip(grey)
                .map(|(&x, g)| f64::from(if x == 1.0 { g } else { 1.0 - g }))
                .product();
            exact += q * law.mean_log_likelihood(&row).unwrap();
            exact_mixture += q * mixture.mean_log_likelihood(&row).unwrap();
        }
        assert!((law.mean_log_likelihood(&grey).unwrap() - exact).abs() < 1e-6);
        assert!(mixture.mean_log_likelihood(&grey).unwrap() <= exact_mixture);
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bits() {
        let rows = noisy_rows(12, 1500);
        let fit = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| {
                    let settings = MixtureSettings {
                        components: 5,
                        max_iterations: 20,
                        ..Default::default()
                    };
                    BernoulliMixture::fit(&rows, 12, &settings).unwrap()
                })
        };
        assert_eq!(fit(1), fit(3));
    }

    #[test]
    fn bad_arguments_are_named() {
        let settings = MixtureSettings::default;
        let name = |data: &[f32], columns, settings: MixtureSettings| {
            BernoulliMixture::fit(data, columns, &settings)
                .unwrap_err()
                .argument
        };
        assert_eq!(name(&[], 2, settings()), "data");
        assert_eq!(name(&[0.0; 3], 2, settings()), "data");
        assert_eq!(name(&[0.0; 3], 0, settings()), "columns");
        assert_eq!(name(&[0.0, f32::NAN], 2, settings()), "data");
        assert_eq!(name(&[0.0, 1.5], 2, settings()), "data");
        assert_eq!(name(&[0.0; 8], 2, settings()), "components");
        let few = || MixtureSettings {
            components: 2,
            ..settings()
        };
        let bad = MixtureSettings {
            tolerance: f64::NAN,
            ..few()
        };
        assert_eq!(name(&[0.0; 8], 2, bad), "tolerance");
        let bad = MixtureSettings {
            rate_pseudo_count: 0.0,
            ..few()
        };
        assert_eq!(name(&[0.0; 8], 2, bad), "rate_pseudo_count");
        assert!(IndependentBernoulli::fit(&[0.0, -0.5], 2).is_err());
        let law = IndependentBernoulli::fit(&[0.0, 1.0], 2).unwrap();
        assert!(law.log_likelihoods(&[0.0; 3]).is_err());
    }

    #[cfg(feature = "data")]
    #[test]
    fn digits_reach_the_known_baselines() {
        // Reference figures on this split from an independent float64 NumPy computation:
        // independent −24.76; mixtures of 10, 30, 60 components −19.65, −18.06, −17.81. EM ends
        // in a local optimum that depends on the start (standard deviation .05 over seeds at 30 and
        // 60 components), hence the width.
        let (train, test) = crate::data::digits().binary_split();
        let independent = IndependentBernoulli::fit(&train, 64).unwrap();
        let score = independent.mean_log_likelihood(&test).unwrap();
        assert!((score + 24.76).abs() < 0.005, "independent {score}");
        for (components, expected) in [(10, -19.65), (30, -18.06), (60, -17.81)] {
            let settings = MixtureSettings {
                components,
                ..Default::default()
            };
            let law = BernoulliMixture::fit(&train, 64, &settings).unwrap();
            let score = law.mean_log_likelihood(&test).unwrap();
            assert!(law.converged());
            assert!(
                (score - expected).abs() < 0.25,
                "{components} components: {score}"
            );
        }
    }
}
