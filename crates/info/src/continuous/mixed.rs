//! Mutual information of variables that are continuous, discrete or both, from neighbours.

use std::borrow::Cow;

use ergodic_core::Estimate;
use ergodic_math::Real;

use super::ksg::constant_has_no_bias;
use super::{
    Digamma, Scaling, Ties, check_neighbors, counts_within, is_constant, joined,
    mean_and_doubled_error, mean_and_error, neighbor_settings, prepared, radii_in_place,
};
use crate::neighbors::{Norm, Reach, Tree};
use crate::{Estimator, Inference, InfoError, Pair, Points, Sample, inference};

/// Mutual information `I(X; Y)` in nats where each variable may be continuous, discrete (as
/// numbers), or a mixture, as zero-inflated data are, after Gao, Kannan, Oh and Viswanath,
/// *NeurIPS* 30 (2017) 5986:
///
/// ```text
/// Î = ⟨ψ(k̃) + log N − log(n_x + 1) − log(n_y + 1)⟩
/// ```
///
/// With `ρ` the maximum-norm distance to the k-th neighbour in the joint space, `n_x` and `n_y`
/// count the other points whose x or y is within ρ, and `k̃` those whose pair is. The paper sets
/// `k̃ = k` unless ρ = 0; the two agree except where several neighbours are at the distance ρ
/// exactly, as in integer data, and there this one counts all that the marginal counts contain.
///
/// **Standard error** √(2s²/N) from the contributions of single points, as of [`Ksg`](super::Ksg). **Domain**: any data; a
/// constant variable gives 0 exactly. Discrete codes are numbers, so their distances count: code
/// classes that have no order by one coordinate each (one-hot). **Bias**: with purely continuous data
/// more than [`Ksg`](super::Ksg) (O(1/k) from the logarithms, so take `k` of 5 or more); with purely
/// discrete data like the plug-in estimator, O(1/N) per cell: **not** for large alphabets with few
/// observations per cell. **Cost** as [`Ksg`](super::Ksg) with one more count in the joint space.
///
/// ```
/// use ergodic_info::{Estimator, Pair, Points};
/// use ergodic_info::continuous::MixedNeighbors;
///
/// // Y copies a fair coin X: log 2.
/// let coin: Vec<f64> = (0..1000).map(|i| f64::from(i % 2)).collect();
/// let pair = Pair::new(Points::scalar(coin.clone())?, Points::scalar(coin)?)?;
/// let i = MixedNeighbors::new().value(&pair)?;
/// assert!((i - 2f64.ln()).abs() < 0.01);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixedNeighbors {
    neighbors: usize,
    ties: Ties,
    scaling: Scaling,
}

impl Default for MixedNeighbors {
    fn default() -> Self {
        Self::new()
    }
}

impl MixedNeighbors {
    /// Five neighbours, data as they are.
    pub const fn new() -> Self {
        Self {
            neighbors: 5,
            ties: Ties::Exact,
            scaling: Scaling::None,
        }
    }

    /// The contribution of each pair, in nats; their mean is [`value`](Estimator::value).
    ///
    /// # Errors
    /// If there are not more pairs than neighbours, or distances overflow.
    pub fn local(&self, pair: &Pair<Points>) -> Result<Vec<f64>, InfoError> {
        let (n, k) = (pair.len(), self.neighbors);
        check_neighbors(k, n)?;
        if is_constant(pair.x()) || is_constant(pair.y()) {
            return Ok(vec![0.0; n]);
        }
        let (x, _) = prepared(pair.x(), self.scaling, self.ties, 0)?;
        let (y, _) = prepared(pair.y(), self.scaling, self.ties, 1)?;
        let tree = Tree::new(&joined(&[&x, &y])?)?;
        let in_place = radii_in_place(&tree, k, Norm::Maximum);
        let mut radii = vec![0.0; n];
        for (row, radius) in tree.rows().iter().zip(in_place) {
            radii[*row as usize] = radius;
        }
        if let Some(row) = radii.iter().position(|r| *r == f64::INFINITY) {
            return Err(InfoError::argument(
                "pair",
                format!("row {row}, whose distance to its neighbours overflows"),
                "points whose distances are finite",
            ));
        }
        let (of_joint, (of_x, of_y)) = rayon::join(
            || tree.own_counts(&radii, Reach::AtMost, Norm::Maximum),
            || {
                rayon::join(
                    || counts_within(&x, &radii, Reach::AtMost),
                    || counts_within(&y, &radii, Reach::AtMost),
                )
            },
        );
        let (of_x, of_y) = (of_x?, of_y?);
        let digamma = Digamma::up_to(n);
        let log_n = Real::ln(n as f64);
        // Counts include the point itself.
        let counts = of_joint.iter().zip(&of_x).zip(&of_y);
        Ok(counts
            .map(|((joint, x), y)| {
                digamma.at(*joint as usize - 1) + log_n
                    - Real::ln(f64::from(*x))
                    - Real::ln(f64::from(*y))
            })
            .collect())
    }
}

neighbor_settings!(MixedNeighbors);

impl Estimator<Pair<Points>> for MixedNeighbors {
    fn method(&self) -> Cow<'static, str> {
        let k = self.neighbors;
        format!("mutual information, Gao–Kannan–Oh–Viswanath, k = {k}").into()
    }

    fn value(&self, data: &Pair<Points>) -> Result<f64, InfoError> {
        Ok(mean_and_error(&self.local(data)?, 0.0).0)
    }

    fn estimate(&self, data: &Pair<Points>, inference: &Inference) -> Result<Estimate, InfoError> {
        let (value, error) = mean_and_doubled_error(&self.local(data)?);
        let bias = constant_has_no_bias(is_constant(data.x()) || is_constant(data.y()));
        inference::attach(self, data, inference, value, Some(error), bias)
    }
}
