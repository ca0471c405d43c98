//! Differential entropy from the distances to k-th neighbours.

use std::borrow::Cow;

use ergodic_core::{Bias, Estimate};
use ergodic_math::Real;
use ergodic_math::special::{digamma, ln_gamma, trigamma};

use super::{
    NO_DENSITY, Scaling, Ties, check_neighbors, check_radii, mean_and_error, neighbor_settings,
    prepared, radii_in_place, refuse_ranks,
};
use crate::neighbors::{Norm, Tree};
use crate::{Estimator, Inference, InfoError, Points, Sample, inference};

/// Differential entropy `h = −∫ p log p` in nats, after Kozachenko and Leonenko:
///
/// ```text
/// ĥ = ψ(N) − ψ(k) + log c + (d/N) Σᵢ log εᵢ
/// ```
///
/// with `εᵢ` the distance from point `i` to its k-th neighbour and `c` the volume of the unit ball
/// of the norm: 2ᵈ or π^{d/2}/Γ(d/2 + 1). Kozachenko and Leonenko, *Probl. Inf. Transm.* 23 (1987)
/// 95, for k = 1; Kraskov, Stögbauer and Grassberger, *Phys. Rev. E* 69 (2004) 066138, eq. 20. The
/// digammas make it unbiased where the density is constant over each ball.
///
/// **Standard error.** The contributions of single points have variance Var(log p) + ψ′(k), and
/// those of neighbours are correlated: N·Var(ĥ) tends to Var(log p) + c_k, where c_k/ψ′(k) is
/// between 1.3 and 1.8 (simulated on the torus, k ≤ 20, d ≤ 5, both norms). The standard error
/// is √((s² + ¾ψ′(k))/N) with the sample variance s² of the contributions. It holds for independent
/// points and says nothing of the bias.
///
/// **Domain.** A density; points that coincide: [`Ties`]. **Bias** O((k/N)^{2/d}) for smooth
/// densities, of either sign, and larger where a density jumps or has heavy tails: nominal 95 % intervals of
/// `k = 4` cover 84 % for 500 normal points in three dimensions and 80 % for 500 in a square
/// (`docs/coverage.md`); fewer neighbours or more points help. **Not** for more
/// than about five dimensions (see [`WeightedNeighbors`](super::WeightedNeighbors)), for discrete
/// or partly discrete data, or for data on a surface of lower dimension, whose entropy is −∞.
/// **Cost** O(N log N) for small d: some 40 ms for 10⁵ points in three dimensions on one thread.
///
/// ```
/// use ergodic_info::{Estimator, Inference, Points};
/// use ergodic_info::continuous::KozachenkoLeonenko;
///
/// let mut values = vec![0.0; 2000];
/// ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(1, 0), &mut values);
/// let h = KozachenkoLeonenko::new().estimate(&Points::scalar(values)?, &Inference::new())?;
/// // ½ log(2πe) = 1.4189.
/// assert!(h.interval.contains(1.4189));
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KozachenkoLeonenko {
    neighbors: usize,
    norm: Norm,
    ties: Ties,
    scaling: Scaling,
}

impl Default for KozachenkoLeonenko {
    fn default() -> Self {
        Self::new()
    }
}

impl KozachenkoLeonenko {
    /// Four neighbours, Euclidean norm, data as they are.
    pub const fn new() -> Self {
        Self {
            neighbors: 4,
            norm: Norm::Euclidean,
            ties: Ties::Exact,
            scaling: Scaling::None,
        }
    }

    /// The norm.
    pub const fn norm(mut self, norm: Norm) -> Self {
        self.norm = norm;
        self
    }

    /// The contribution of each point, in nats: an estimate of `−log p` there, whose mean is
    /// [`value`](Estimator::value).
    ///
    /// # Errors
    /// If there are not more points than neighbours, a point coincides with `k` others, ranks are
    /// asked for, or distances overflow.
    pub fn local(&self, points: &Points) -> Result<Vec<f64>, InfoError> {
        refuse_ranks(self.scaling)?;
        let (n, k, d) = (points.len(), self.neighbors, points.dim());
        check_neighbors(k, n)?;
        let (points, log_volume) = prepared(points, self.scaling, self.ties, 0)?;
        let tree = Tree::new(&points)?;
        let mut logs = radii_in_place(&tree, k, self.norm);
        let by_row = tree.rows().iter().map(|row| *row as usize).zip(&logs);
        check_radii(by_row, k, "points", NO_DENSITY)?;
        ergodic_math::elementary::ln_slice(&mut logs);
        let constant =
            digamma(n as f64) - digamma(k as f64) + log_unit_ball(d, self.norm) + log_volume;
        let mut locals = vec![0.0; n];
        for (row, log) in tree.rows().iter().zip(logs) {
            locals[*row as usize] = constant + d as f64 * log;
        }
        Ok(locals)
    }

    fn value_and_error(&self, points: &Points) -> Result<(f64, f64), InfoError> {
        let locals = self.local(points)?;
        let excess = CORRELATION * trigamma(self.neighbors as f64);
        Ok(mean_and_error(&locals, excess))
    }
}

neighbor_settings!(KozachenkoLeonenko);

/// What the correlation of neighbours adds to the variance of a mean of log distances, in units
/// of the variance ψ′(k) of a single one.
pub(super) const CORRELATION: f64 = 0.75;

/// The log of the volume of the unit ball.
pub(super) fn log_unit_ball(dim: usize, norm: Norm) -> f64 {
    let d = dim as f64;
    match norm {
        Norm::Maximum => d * std::f64::consts::LN_2,
        Norm::Euclidean => 0.5 * d * Real::ln(std::f64::consts::PI) - ln_gamma(0.5 * d + 1.0),
    }
}

impl Estimator<Points> for KozachenkoLeonenko {
    fn method(&self) -> Cow<'static, str> {
        format!("entropy, Kozachenko–Leonenko, k = {}", self.neighbors).into()
    }

    fn value(&self, data: &Points) -> Result<f64, InfoError> {
        Ok(self.value_and_error(data)?.0)
    }

    fn estimate(&self, data: &Points, inference: &Inference) -> Result<Estimate, InfoError> {
        let (value, error) = self.value_and_error(data)?;
        inference::attach(self, data, inference, value, Some(error), Bias::Unknown)
    }
}
