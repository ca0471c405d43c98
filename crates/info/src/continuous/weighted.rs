//! Entropy from weighted nearest neighbours, for four and more dimensions.

use std::borrow::Cow;

use ergodic_core::{Bias, Estimate};
use ergodic_math::special::{digamma, ln_gamma, trigamma};
use ergodic_math::{Real, elementary, reduce};
use nalgebra::{DMatrix, DVector};

use super::kozachenko_leonenko::{CORRELATION, KozachenkoLeonenko, log_unit_ball};
use super::{
    NO_DENSITY, Scaling, Ties, check_neighbors, check_radii, mean_and_error, neighbor_settings,
    prepared, refuse_ranks,
};
use crate::neighbors::{Norm, Tree};
use crate::{Estimator, Inference, InfoError, Points, Sample, inference};

/// Differential entropy in nats from the distances to several neighbours, weighted so that the
/// leading terms of the bias cancel, after Berrett, Samworth and Yuan, *Ann. Statist.* 47 (2019) 288:
///
/// ```text
/// ĥ = Σ_j w_j [ψ(N) − ψ(j) + log c + (d/N) Σᵢ log ε_(j),i]
/// Σ_j w_j = 1,   Σ_j w_j Γ(j + 2l/d)/Γ(j) = 0   for l = 1, …, ⌊d/4⌋
/// ```
///
/// over `j` in {⌊k/d⌋, ⌊2k/d⌋, …, k}, Euclidean distances, and of all such weights those of least
/// square norm. Below four dimensions nothing has to cancel and `w_k = 1` is
/// [`KozachenkoLeonenko`](super::KozachenkoLeonenko). With `k` growing slowly with `N` the estimator
/// attains the best possible variance Var(log p)/N for smooth densities in any dimension (Theorem
/// 1 there), if moments exist.
///
/// **Standard error** √((s² + ¾v)/N) with the sample variance s² of the contributions and the variance
/// `v = Σ w_i w_j ψ′(max(i, j))` of their noise; see [`KozachenkoLeonenko`](super::KozachenkoLeonenko),
/// whose extrapolation over the neighbours the interval holds as well.
/// **Domain**: a smooth density; `k ≥ d`; coincident points: [`Ties`]. **Not** for densities that jump
/// (the expansion that cancels does not hold there), nor for small N: some weights are negative, and
/// the remaining bias is that of `k` neighbours; its intervals are not for more than four dimensions
/// (`docs/coverage.md`). **Cost** as of a search for `k` neighbours.
///
/// ```
/// use ergodic_info::{Estimator, Points};
/// use ergodic_info::continuous::WeightedNeighbors;
///
/// let mut values = vec![0.0; 20_000];
/// ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(1, 0), &mut values);
/// // (5/2) log(2πe) = 7.0947.
/// let h = WeightedNeighbors::new(25).value(&Points::new(values, 5)?)?;
/// assert!((h - 7.0947).abs() < 0.15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightedNeighbors {
    neighbors: usize,
    ties: Ties,
    scaling: Scaling,
}

impl WeightedNeighbors {
    /// Up to `neighbors` neighbours, data as they are.
    pub const fn new(neighbors: usize) -> Self {
        Self {
            neighbors,
            ties: Ties::Exact,
            scaling: Scaling::None,
        }
    }

    /// The weights in `dim` dimensions: `w_j` at `j − 1`.
    ///
    /// # Errors
    /// If there are fewer neighbours than dimensions, or no neighbours or dimensions.
    pub fn weights(&self, dim: usize) -> Result<Vec<f64>, InfoError> {
        let k = self.neighbors;
        if dim == 0 {
            return Err(InfoError::argument("dim", dim, "at least 1"));
        }
        if k < dim {
            return Err(InfoError::argument(
                "neighbors",
                k,
                format!("at least the number of dimensions, {dim}"),
            ));
        }
        let mut weights = vec![0.0; k];
        let conditions = dim / 4;
        if conditions == 0 {
            weights[k - 1] = 1.0;
            return Ok(weights);
        }
        let support: Vec<usize> = (1..=dim).map(|i| i * k / dim).collect();
        // Rows of the conditions, over the last entry so that all are of order 1.
        let d = dim as f64;
        let matrix = DMatrix::from_fn(conditions + 1, dim, |l, i| {
            let power = 2.0 * l as f64 / d;
            let moment = |j: usize| ln_gamma(j as f64 + power) - ln_gamma(j as f64);
            Real::exp(moment(support[i]) - moment(k))
        });
        let mut sums = DVector::zeros(conditions + 1);
        sums[0] = 1.0;
        // The shortest solution of A w = b is Q R⁻ᵀ b with Aᵀ = Q R.
        let (q, r) = matrix.transpose().qr().unpack();
        let Some(solved) = r.tr_solve_upper_triangular(&sums) else {
            return Err(InfoError::argument(
                "neighbors",
                k,
                "enough that the conditions on the weights can be told apart",
            ));
        };
        let solution = q * solved;
        for (j, w) in support.iter().zip(solution.iter()) {
            weights[j - 1] += w;
        }
        Ok(weights)
    }

    /// The contribution of each point, in nats; their mean is [`value`](Estimator::value).
    ///
    /// # Errors
    /// If there are not more points than neighbours or fewer neighbours than dimensions, a point
    /// coincides with a neighbour that has weight, ranks are asked for, or distances overflow.
    pub fn local(&self, points: &Points) -> Result<Vec<f64>, InfoError> {
        refuse_ranks(self.scaling)?;
        let (n, k, d) = (points.len(), self.neighbors, points.dim());
        check_neighbors(k, n)?;
        let weights = self.weights(d)?;
        let nearest = weights.iter().position(|w| *w != 0.0).unwrap_or(k - 1);
        let (points, log_volume) = prepared(points, self.scaling, self.ties, 0)?;
        let tree = Tree::new(&points)?;
        let mut logs = tree.distances_in_place(k, Norm::Euclidean);
        let rows = || tree.rows().iter().map(|row| *row as usize);
        let smallest = logs.iter().skip(nearest).step_by(k);
        check_radii(rows().zip(smallest), nearest + 1, "points", NO_DENSITY)?;
        let largest = logs.iter().skip(k - 1).step_by(k);
        check_radii(rows().zip(largest), k, "points", NO_DENSITY)?;
        elementary::ln_slice(&mut logs);
        let constants = weights.iter().enumerate().map(|(i, w)| {
            let j = (i + 1) as f64;
            w * (digamma(n as f64) - digamma(j))
        });
        let constants: Vec<f64> = constants.collect();
        let constant = reduce::sum(&constants) + log_unit_ball(d, Norm::Euclidean) + log_volume;
        let mut locals = vec![0.0; n];
        for (row, logs) in rows().zip(logs.chunks_exact(k)) {
            // Distances without weight may be 0, their logarithms infinite.
            let terms = weights.iter().zip(logs).filter(|(w, _)| **w != 0.0);
            let sum: f64 = terms.map(|(w, log)| w * log).sum();
            locals[row] = constant + d as f64 * sum;
        }
        Ok(locals)
    }

    fn value_and_error(&self, points: &Points) -> Result<(f64, f64), InfoError> {
        let locals = self.local(points)?;
        let weights = self.weights(points.dim())?;
        let mut noise = 0.0;
        for (i, a) in weights.iter().enumerate() {
            for (j, b) in weights.iter().enumerate() {
                if a * b != 0.0 {
                    noise += a * b * trigamma((i.max(j) + 1) as f64);
                }
            }
        }
        Ok(mean_and_error(&locals, CORRELATION * noise))
    }
}

neighbor_settings!(WeightedNeighbors);

impl Estimator<Points> for WeightedNeighbors {
    fn method(&self) -> Cow<'static, str> {
        let k = self.neighbors;
        format!("entropy, weighted neighbours (Berrett–Samworth–Yuan), k = {k}").into()
    }

    fn value(&self, data: &Points) -> Result<f64, InfoError> {
        Ok(self.value_and_error(data)?.0)
    }

    fn estimate(&self, data: &Points, inference: &Inference) -> Result<Estimate, InfoError> {
        let (value, error) = self.value_and_error(data)?;
        let mut estimate =
            inference::attach(self, data, inference, value, Some(error), Bias::Unknown)?;
        if inference.searches_bias() {
            KozachenkoLeonenko::new()
                .neighbors(self.neighbors)
                .ties(self.ties)
                .scaling(self.scaling)
                .reach_extrapolated(data, &mut estimate)?;
        }
        Ok(estimate)
    }
}
