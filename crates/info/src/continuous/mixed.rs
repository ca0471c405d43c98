//! Mutual information of variables that are continuous, discrete or both, from neighbours.

use std::borrow::Cow;

use ergodic_core::Estimate;

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
/// Î = ⟨ψ(k̃) + ψ(N) − ψ(n_x) − ψ(n_y)⟩
/// ```
///
/// `ρ` is the maximum-norm distance to the k-th neighbour in the joint space. Where exactly `k` other
/// points are within ρ > 0, `k̃ = k`, and `n_x` and `n_y` count the points whose x or y is strictly
/// closer than ρ, the point itself among them: for continuous pairs this is algorithm 1 of
/// [`Ksg`](super::Ksg), for a discrete x and a continuous y the estimator of Ross, *PLoS ONE* 9 (2014)
/// e87357. Where several are at the distance ρ exactly, as in discrete data (and wherever ρ = 0),
/// all three count the points within ρ, the edge and the point itself included: the plug-in estimator
/// of balls, with digammas. The paper writes logarithms of counts with the edge; its bias of O(1/k)
/// (−.2 nats for the mixture of its own example at k = 5, N = 500) is not kept.
///
/// **Standard error** √(2s²/N) from the contributions of single points, as of [`Ksg`](super::Ksg). **Domain**: any data; a
/// constant variable gives 0 exactly. Discrete codes are numbers, so their distances count: code
/// classes that have no order by one coordinate each (one-hot). **Bias**: as of [`Ksg`](super::Ksg) where data are
/// continuous; with purely discrete data O(1/N) per cell: **not** for large alphabets with few
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
        let of_joint = tree.own_counts(&radii, Reach::AtMost, Norm::Maximum);
        // Counts include the point itself.
        let edge_is_single: Vec<bool> = of_joint
            .iter()
            .zip(&radii)
            .map(|(joint, radius)| *joint as usize == k + 1 && *radius > 0.0)
            .collect();
        for (radius, single) in radii.iter_mut().zip(&edge_is_single) {
            if *single {
                // Closer than ρ is within the number before it.
                *radius = radius.next_down();
            }
        }
        let (of_x, of_y) = rayon::join(
            || counts_within(&x, &radii, Reach::AtMost),
            || counts_within(&y, &radii, Reach::AtMost),
        );
        let (of_x, of_y) = (of_x?, of_y?);
        let digamma = Digamma::up_to(n);
        let all = digamma.at(n);
        let counts = of_joint.iter().zip(&edge_is_single).zip(&of_x).zip(&of_y);
        Ok(counts
            .map(|(((joint, single), x), y)| {
                digamma.at(*joint as usize - usize::from(*single)) + all
                    - digamma.at(*x as usize)
                    - digamma.at(*y as usize)
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

#[cfg(test)]
mod tests {
    use ergodic_math::special::digamma;

    use super::*;
    use crate::continuous::Ksg;

    fn pair(x: Vec<f64>, y: Vec<f64>) -> Pair<Points> {
        Pair::new(Points::scalar(x).unwrap(), Points::scalar(y).unwrap()).unwrap()
    }

    fn normals(n: usize, seed: u64) -> Vec<f64> {
        let mut values = vec![0.0; n];
        ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(seed, 0), &mut values);
        values
    }

    #[test]
    fn on_continuous_pairs_it_is_algorithm_1_of_kraskov() {
        let x = normals(300, 1);
        let y: Vec<f64> = normals(300, 2).iter().zip(&x).map(|(n, x)| x + n).collect();
        let data = pair(x, y);
        for k in [1, 3, 6] {
            let mixed = MixedNeighbors::new().neighbors(k).value(&data).unwrap();
            let ksg = Ksg::new().neighbors(k).value(&data).unwrap();
            assert!((mixed - ksg).abs() < 1e-12, "k = {k}: {mixed}, {ksg}");
        }
    }

    /// Ross's estimator, by all pairs: ψ(N) + ψ(k) − ⟨ψ(N_x) + ψ(m)⟩.
    #[test]
    fn on_a_symbol_and_a_number_it_is_the_estimator_of_ross() {
        let (n, k) = (200, 3);
        // Codes so far apart that neighbours have the same one.
        let x: Vec<f64> = (0..n).map(|i| 100.0 * f64::from(i % 3)).collect();
        let y: Vec<f64> = normals(n as usize, 3)
            .iter()
            .zip(&x)
            .map(|(v, x)| v + 0.01 * x)
            .collect();
        let n = n as usize;
        let mut sum = 0.0;
        for i in 0..n {
            let mut own: Vec<f64> = (0..n)
                .filter(|j| *j != i && x[*j] == x[i])
                .map(|j| (y[j] - y[i]).abs())
                .collect();
            own.sort_by(f64::total_cmp);
            let m = (0..n)
                .filter(|j| *j != i && (y[*j] - y[i]).abs() <= own[k - 1])
                .count();
            sum += digamma((own.len() + 1) as f64) + digamma(m as f64);
        }
        let ross = digamma(n as f64) + digamma(k as f64) - sum / n as f64;
        let found = MixedNeighbors::new()
            .neighbors(k)
            .value(&pair(x, y))
            .unwrap();
        assert!((found - ross).abs() < 1e-12, "{found}, {ross}");
    }

    /// Σ n_xy/N (ψ(n_xy) + ψ(N) − ψ(n_x) − ψ(n_y)).
    #[test]
    fn on_symbols_it_is_the_plug_in_with_digammas() {
        let table = [[40u32, 12], [9, 30]];
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (i, row) in table.iter().enumerate() {
            for (j, count) in row.iter().enumerate() {
                x.extend((0..*count).map(|_| i as f64));
                y.extend((0..*count).map(|_| j as f64));
            }
        }
        let n = x.len() as f64;
        let psi = |c: u32| digamma(f64::from(c));
        let mut exact = digamma(n);
        for i in 0..2 {
            for j in 0..2 {
                let (row, column) = (table[i][0] + table[i][1], table[0][j] + table[1][j]);
                let local = psi(table[i][j]) - psi(row) - psi(column);
                exact += f64::from(table[i][j]) / n * local;
            }
        }
        let found = MixedNeighbors::new().value(&pair(x, y)).unwrap();
        assert!((found - exact).abs() < 1e-12, "{found}, {exact}");
    }

    /// X uniform on 0..5, Y uniform on [X, X + 2]: ln 5 − (4/5) ln 2.
    #[test]
    fn the_mixture_of_the_paper_is_met() {
        const RUNS: u64 = 40;
        let mut sum = 0.0;
        for seed in 0..RUNS {
            let mut rng = ergodic_math::rng::stream(seed, 5);
            let x: Vec<f64> = (0..500)
                .map(|_| ergodic_math::rng::index(&mut rng, 5) as f64)
                .collect();
            let y = x
                .iter()
                .map(|x| x + 2.0 * ergodic_math::rng::uniform(&mut rng))
                .collect();
            sum += MixedNeighbors::new().value(&pair(x, y)).unwrap();
        }
        let truth = libm::log(5.0) - 0.8 * libm::log(2.0);
        let mean = sum / RUNS as f64;
        // One estimate has a standard deviation of .03: six of the mean's are .03.
        assert!((mean - truth).abs() < 0.03, "{mean}, {truth}");
    }
}
