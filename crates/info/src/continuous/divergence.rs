//! Divergences between the laws of two samples, from nearest neighbours.

use std::borrow::Cow;

use ergodic_core::{Bias, Estimate};
use ergodic_math::special::{ln_gamma, trigamma};
use ergodic_math::{Real, elementary, reduce};

use super::kozachenko_leonenko::CORRELATION;
use super::{
    NO_DENSITY, Scaling, Ties, TwoSamples, check_neighbors, check_radii, mean_and_error,
    neighbor_settings, prepared, refuse_ranks,
};
use crate::neighbors::{Norm, Tree};
use crate::{Estimator, Inference, InfoError, Points, Sample, inference};

/// Kullback–Leibler divergence `D(P‖Q) = ∫ p log(p/q)` in nats, from a sample `x₁, …, x_n` of `P` and
/// an independent one `y₁, …, y_m` of `Q`, after Wang, Kulkarni and Verdú, *IEEE Trans. Inf. Theory*
/// 55 (2009) 2392, eq. 5 (and Pérez-Cruz, *ISIT* 2008):
///
/// ```text
/// D̂ = (d/n) Σᵢ log(νᵢ/ρᵢ) + log(m/(n − 1))
/// ```
///
/// with `ρᵢ` the Euclidean distance from `xᵢ` to its k-th neighbour among the other `x`, `νᵢ` to the
/// k-th among the `y`. Its value does not change when all points are scaled, shifted or rotated.
///
/// **Standard error** √((s² + 2·¾ψ′(k))/n + χ²/m): the sample variance of the terms, what the correlation
/// of neighbours adds (see [`KozachenkoLeonenko`](super::KozachenkoLeonenko)), and for the second sample
/// the estimate χ² = ⟨p/q⟩ − 1 of Var_Q(p/q), from the same distances with the mean (k − 1)/k of the
/// ratio of two Gamma(k) variables taken out (for k = 1 it is not finite and left in). Where `Q` has
/// lighter tails than `P`, χ² is infinite and no normal interval is right. **Domain**: densities,
/// `P` absolutely continuous to `Q`; coincident points: [`Ties`]; the sample of `Q` may repeat
/// points of `P` only with less than `k` of them. **Bias** as of entropies, O((k/n)^{1/d}) or
/// better; it is positive where `Q` is sparse under `P`. **Not** for d above about five. **Cost**
/// O((n + m) log m) in few dimensions.
///
/// ```
/// use ergodic_info::{Estimator, Points};
/// use ergodic_info::continuous::{KullbackLeiblerNeighbors, TwoSamples};
///
/// let mut values = vec![0.0; 6000];
/// ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(3, 0), &mut values);
/// let (x, y) = values.split_at(2000);
/// let y: Vec<f64> = y.iter().map(|y| 2.0 * y + 1.0).collect();
/// let data = TwoSamples::new(Points::scalar(x)?, Points::scalar(y)?)?;
/// // D(N(0, 1)‖N(1, 4)) = log 2 − ¼ = 0.4431.
/// assert!((KullbackLeiblerNeighbors::new().value(&data)? - 0.4431).abs() < 0.1);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KullbackLeiblerNeighbors {
    neighbors: usize,
    ties: Ties,
    scaling: Scaling,
}

impl Default for KullbackLeiblerNeighbors {
    fn default() -> Self {
        Self::new()
    }
}

impl KullbackLeiblerNeighbors {
    /// Four neighbours, data as they are.
    pub const fn new() -> Self {
        Self {
            neighbors: 4,
            ties: Ties::Exact,
            scaling: Scaling::None,
        }
    }

    /// The term of each point of the first sample, in nats: an estimate of `log p/q` there, whose
    /// mean is [`value`](Estimator::value).
    ///
    /// # Errors
    /// If the first sample has not more points than neighbours, or the second fewer; if a point of
    /// the first coincides with `k` others or with `k` of the second; if ranks are asked for.
    pub fn local(&self, data: &TwoSamples) -> Result<Vec<f64>, InfoError> {
        log_ratios(data, self.neighbors, self.ties, self.scaling)
    }

    fn value_and_error(&self, data: &TwoSamples) -> Result<(f64, f64), InfoError> {
        let mut logs = self.local(data)?;
        let excess = 2.0 * CORRELATION * trigamma(self.neighbors as f64);
        let (value, error) = mean_and_error(&logs, excess);
        elementary::exp_slice(&mut logs);
        let k = self.neighbors as f64;
        let noise = if k > 1.0 { (k - 1.0) / k } else { 1.0 };
        let n = logs.len() as f64;
        let chi_squared = (noise * reduce::sum(&logs) / n - 1.0).max(0.0);
        let of_second = chi_squared / data.second().len() as f64;
        Ok((value, (error * error + of_second).sqrt()))
    }
}

neighbor_settings!(KullbackLeiblerNeighbors);

impl Estimator<TwoSamples> for KullbackLeiblerNeighbors {
    fn method(&self) -> Cow<'static, str> {
        let k = self.neighbors;
        format!("Kullback–Leibler divergence, Wang–Kulkarni–Verdú, k = {k}").into()
    }

    fn value(&self, data: &TwoSamples) -> Result<f64, InfoError> {
        Ok(mean_and_error(&self.local(data)?, 0.0).0)
    }

    fn estimate(&self, data: &TwoSamples, inference: &Inference) -> Result<Estimate, InfoError> {
        let (value, error) = self.value_and_error(data)?;
        inference::attach(self, data, inference, value, Some(error), Bias::Unknown)
    }
}

/// `log(p̂/q̂)` at each point of the first sample: d·log(ν/ρ) + log(m/(n − 1)).
fn log_ratios(
    data: &TwoSamples,
    k: usize,
    ties: Ties,
    scaling: Scaling,
) -> Result<Vec<f64>, InfoError> {
    refuse_ranks(scaling)?;
    let (n, m, d) = (data.first().len(), data.second().len(), data.first().dim());
    check_neighbors(k, n)?;
    if k > m {
        return Err(InfoError::argument(
            "neighbors",
            k,
            format!("at most the number of points in the second sample, {m}"),
        ));
    }
    // Both samples on one scale.
    let mut both = data.first().as_slice().to_vec();
    both.extend_from_slice(data.second().as_slice());
    let both = Points::new(both, d)?;
    let (both, _) = prepared(&both, scaling, ties, 0)?;
    let (first, second) = both.as_slice().split_at(n * d);
    let (first, second) = (Points::new(first, d)?, Points::new(second, d)?);
    let (own, other) = rayon::join(
        || Tree::new(&first)?.distances(k, Norm::Euclidean),
        || {
            // Queries in the order of a tree of their own: neighbours search one after another.
            let order = Tree::new(&first)?;
            let rows: Vec<usize> = order.rows().iter().map(|row| *row as usize).collect();
            let tree = Tree::new(&second)?;
            let distances = tree.distances_from(&first.select(&rows), k, Norm::Euclidean)?;
            let mut out = vec![0.0; n];
            for (row, distances) in rows.iter().zip(distances.chunks_exact(k)) {
                out[*row] = distances[k - 1];
            }
            Ok::<_, InfoError>(out)
        },
    );
    let (own, other) = (own?, other?);
    let own: Vec<f64> = own.chunks_exact(k).map(|row| row[k - 1]).collect();
    check_radii(own.iter().enumerate(), k, "first", NO_DENSITY)?;
    check_radii(other.iter().enumerate(), k - 1, "second", NO_DENSITY)?;
    let constant = Real::ln(m as f64) - Real::ln((n - 1) as f64);
    let logs = own.iter().zip(&other).map(|(own, other)| {
        // As a difference of logarithms the ratio cannot overflow.
        d as f64 * (Real::ln(*other) - Real::ln(*own)) + constant
    });
    Ok(logs.collect())
}

/// Rényi divergence `D_α(P‖Q) = log ∫ p^α q^{1−α} / (α − 1)` in nats, from two independent
/// samples, after Póczos and Schneider, *AISTATS* 15 (2011) 609:
///
/// ```text
/// D̂ = log[(B/n) Σᵢ ((n − 1) ρᵢᵈ / (m νᵢᵈ))^{1−α}] / (α − 1),   B = Γ(k)²/(Γ(k − α + 1) Γ(k + α − 1))
/// ```
///
/// with the distances of [`KullbackLeiblerNeighbors`]. `B` is the inverse mean of the ratio's noise
/// and needs `k > |α − 1|`.
///
/// **Standard error** by the delta method: max(α, 1)·√1.5 times that of the mean of the terms, since
/// terms of neighbours are correlated and the
/// influence of a point of the first sample is α (p/q)^{α−1} (below 1 the noise of the terms, which
/// has no such factor, decides), and for the second
/// sample from `(1−α)² Var_Q((p/q)^α)`, whose second moment `⟨(p/q)^{2α−1}⟩_P` is read from
/// the same distances. For α well above 1 those moments rest on few points, and where they are infinite
/// no normal interval is right. **Domain** as of [`KullbackLeiblerNeighbors`], and α > 0, α ≠ 1.
/// **Not** for α near 1, where the difference of two near numbers is divided by α − 1 (take the
/// Kullback–Leibler divergence), nor for large α. **Cost** as there.
///
/// ```
/// use ergodic_info::{Estimator, Points};
/// use ergodic_info::continuous::{RenyiNeighbors, TwoSamples};
///
/// let mut values = vec![0.0; 6000];
/// ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(3, 0), &mut values);
/// let (x, y) = values.split_at(2000);
/// let y: Vec<f64> = y.iter().map(|y| 2.0 * y + 1.0).collect();
/// let data = TwoSamples::new(Points::scalar(x)?, Points::scalar(y)?)?;
/// // Order 2, N(0, 1) from N(1, 4): 0.5562.
/// assert!((RenyiNeighbors::new(2.0).build()?.value(&data)? - 0.5562).abs() < 0.15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RenyiNeighbors {
    order: f64,
    neighbors: usize,
    ties: Ties,
    scaling: Scaling,
}

impl RenyiNeighbors {
    /// Order `order`, eight neighbours, data as they are.
    pub const fn new(order: f64) -> Self {
        Self {
            order,
            neighbors: 8,
            ties: Ties::Exact,
            scaling: Scaling::None,
        }
    }

    /// Checks the settings; [`value`](Estimator::value) does so, too.
    ///
    /// # Errors
    /// If the order is not positive and finite or is 1, or there are not more than |α − 1|
    /// neighbours.
    pub fn build(self) -> Result<Self, InfoError> {
        if !(self.order > 0.0 && self.order < f64::INFINITY) || self.order == 1.0 {
            return Err(InfoError::argument(
                "order",
                self.order,
                "positive, finite, not 1 (which is `KullbackLeiblerNeighbors`)",
            ));
        }
        if self.neighbors as f64 <= (self.order - 1.0).abs() {
            return Err(InfoError::argument(
                "neighbors",
                self.neighbors,
                format!("above |order − 1| = {}", (self.order - 1.0).abs()),
            ));
        }
        Ok(self)
    }

    fn value_and_error(&self, data: &TwoSamples) -> Result<(f64, f64), InfoError> {
        self.build()?;
        let logs = log_ratios(data, self.neighbors, self.ties, self.scaling)?;
        let power = self.order - 1.0;
        // Relative to the mean, so that nothing overflows: tᵢ = exp(a log rᵢ − shift).
        let log_mean = |a: f64| {
            let scaled: Vec<f64> = logs.iter().map(|log| a * log).collect();
            ergodic_math::special::log_mean_exp(&scaled)
        };
        let log_raw = log_mean(power);
        let mut terms: Vec<f64> = logs.iter().map(|log| power * log - log_raw).collect();
        elementary::exp_slice(&mut terms);
        let value = (log_raw + self.log_noise(power)) / power;
        let (_, relative) = mean_and_error(&terms, 0.0);
        let relative = self.order.max(1.0) * (1.5 * relative * relative).sqrt();
        // Second sample: (1−α)² [⟨r^{2α−1}⟩ − ⟨r^{α−1}⟩²]/m, relative to ⟨r^{α−1}⟩².
        let double = 2.0 * self.order - 1.0;
        let corrected = if (self.neighbors as f64) > double.abs() {
            self.log_noise(double)
        } else {
            0.0
        };
        let log_second = log_mean(double) + corrected - 2.0 * (log_raw + self.log_noise(power));
        let of_second =
            power * power * (Real::exp(log_second) - 1.0).max(0.0) / data.second().len() as f64;
        let error = (relative * relative + of_second).sqrt() / power.abs();
        Ok((value, error))
    }

    /// The log of the inverse mean of (G/G′)^a for independent Gamma(k) variables:
    /// Γ(k)²/(Γ(k + a) Γ(k − a)).
    fn log_noise(&self, a: f64) -> f64 {
        let k = self.neighbors as f64;
        2.0 * ln_gamma(k) - ln_gamma(k + a) - ln_gamma(k - a)
    }
}

neighbor_settings!(RenyiNeighbors);

impl Estimator<TwoSamples> for RenyiNeighbors {
    fn method(&self) -> Cow<'static, str> {
        let (order, k) = (self.order, self.neighbors);
        format!("Rényi divergence of order {order}, Póczos–Schneider, k = {k}").into()
    }

    fn value(&self, data: &TwoSamples) -> Result<f64, InfoError> {
        Ok(self.value_and_error(data)?.0)
    }

    fn estimate(&self, data: &TwoSamples, inference: &Inference) -> Result<Estimate, InfoError> {
        let (value, error) = self.value_and_error(data)?;
        inference::attach(self, data, inference, value, Some(error), Bias::Unknown)
    }
}
