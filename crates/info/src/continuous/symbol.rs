//! Mutual information of points and symbols, from neighbours of one symbol among those of all.

use std::borrow::Cow;

use ergodic_core::{Bias, Estimate};

use super::ksg::constant_has_no_bias;
use super::{
    Digamma, Scaling, Ties, counts_within, is_constant, mean_and_doubled_error, mean_and_error,
    neighbor_settings, prepared, radii_in_place,
};
use crate::neighbors::{Norm, Reach, Tree};
use crate::{Estimator, Inference, InfoError, Pair, Points, Sample, Symbols, inference};

/// Mutual information `I(X; Y)` in nats of a point `X` and a symbol `Y`, after Ross, *PLoS ONE* 9
/// (2014) e87357:
///
/// ```text
/// Î = ψ(N) + ⟨ψ(k) − ψ(N_y) − ψ(n + 1)⟩
/// ```
///
/// With `N_y` observations of the symbol of an observation, its k-th neighbour *among those* is at
/// some maximum-norm distance, and `n` others of all `N` are strictly closer. A symbol seen less
/// than `k + 1` times takes `k = N_y − 1`; one that is seen once tells nothing and contributes 0.
///
/// **Bias**: none if `X` and `Y` are independent, for every `N`, `k` and law with a density: given
/// the distance, `n` is that of an urn, and `E ψ(n + 1) = ψ(k) + ψ(N) − ψ(N_y)`. Where they depend,
/// that of densities that change within the distance, negative. **Standard error** √(2s²/N) from the
/// contributions of single points, as for [`Ksg`](super::Ksg). **Domain**: `X` with a density given
/// each symbol; symbols need no order or distance. A constant side gives 0 exactly. Points of a
/// symbol that coincide `k + 1` times are refused; [`MixedNeighbors`](super::MixedNeighbors) takes
/// them, and numbers on both sides. With symbols coded as numbers that are farther apart than neighbours, its
/// answer is the same up to the treatment of rare symbols; here no code has to be chosen, neighbours are of one
/// symbol however rare it is, and searches are in the space of `X` alone. **Not** for many symbols that are seen a few times. **Cost** as
/// [`Ksg`](super::Ksg), with one tree per symbol.
///
/// ```
/// use ergodic_info::{Estimator, Inference, Pair, Points, Symbols};
/// use ergodic_info::continuous::SymbolNeighbors;
///
/// // Two normal laws a distance of 4 apart: the symbol is nearly known, log 2 less 0.08.
/// let mut x = vec![0.0; 2000];
/// ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(1, 0), &mut x);
/// let y: Vec<u32> = (0..2000).map(|i| i % 2).collect();
/// for (x, y) in x.iter_mut().zip(&y) {
///     *x += 4.0 * f64::from(*y);
/// }
/// let pair = Pair::new(Points::scalar(x)?, Symbols::new(y, 2)?)?;
/// let i = SymbolNeighbors::new().estimate(&pair, &Inference::new())?;
/// assert!(i.value > 0.55 && i.value < 0.67);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolNeighbors {
    neighbors: usize,
    ties: Ties,
    scaling: Scaling,
}

impl Default for SymbolNeighbors {
    fn default() -> Self {
        Self::new()
    }
}

impl SymbolNeighbors {
    /// Three neighbours, data as they are.
    pub const fn new() -> Self {
        Self {
            neighbors: 3,
            ties: Ties::Exact,
            scaling: Scaling::None,
        }
    }

    /// The contribution of each observation, in nats; their mean is [`value`](Estimator::value).
    ///
    /// # Errors
    /// If no neighbours are asked for, there are not more observations than neighbours, or as many
    /// points of one symbol coincide (a row is named).
    pub fn local(&self, pair: &Pair<Points, Symbols>) -> Result<Vec<f64>, InfoError> {
        let (n, k) = (pair.len(), self.neighbors);
        super::check_neighbors(k, n)?;
        if constant(pair) {
            return Ok(vec![0.0; n]);
        }
        let (x, _) = prepared(pair.x(), self.scaling, self.ties, 0)?;
        let mut rows = vec![Vec::new(); pair.y().alphabet() as usize];
        for (row, code) in pair.y().codes().iter().enumerate() {
            rows[*code as usize].push(row);
        }
        let mut radii = vec![0.0; n];
        for rows in rows.iter().filter(|rows| rows.len() > 1) {
            let k = k.min(rows.len() - 1);
            let tree = Tree::new(&x.select(rows))?;
            let in_place = radii_in_place(&tree, k, Norm::Maximum);
            for (place, radius) in tree.rows().iter().zip(in_place) {
                let row = rows[*place as usize];
                if !(radius > 0.0 && radius < f64::INFINITY) {
                    return Err(InfoError::argument(
                        "pair",
                        format!(
                            "row {row}, which coincides with {k} others of its symbol or is at an infinite distance of them"
                        ),
                        format!(
                            "points of which less than {} of one symbol coincide; `MixedNeighbors` takes others",
                            k + 1
                        ),
                    ));
                }
                radii[row] = radius;
            }
        }
        let within = counts_within(&x, &radii, Reach::Below)?;
        let digamma = Digamma::up_to(n);
        let mut out = vec![0.0; n];
        for rows in rows.iter().filter(|rows| rows.len() > 1) {
            let of_symbol =
                digamma.at(n) + digamma.at(k.min(rows.len() - 1)) - digamma.at(rows.len());
            for row in rows {
                // The count includes the point itself.
                out[*row] = of_symbol - digamma.at(within[*row] as usize);
            }
        }
        Ok(out)
    }
}

neighbor_settings!(SymbolNeighbors);

fn constant(pair: &Pair<Points, Symbols>) -> bool {
    let codes = pair.y().codes();
    is_constant(pair.x()) || codes.iter().all(|c| *c == codes[0])
}

impl Estimator<Pair<Points, Symbols>> for SymbolNeighbors {
    fn method(&self) -> Cow<'static, str> {
        format!("mutual information, Ross, k = {}", self.neighbors).into()
    }

    fn value(&self, data: &Pair<Points, Symbols>) -> Result<f64, InfoError> {
        Ok(mean_and_error(&self.local(data)?, 0.0).0)
    }

    fn estimate(
        &self,
        data: &Pair<Points, Symbols>,
        inference: &Inference,
    ) -> Result<Estimate, InfoError> {
        let (value, error) = mean_and_doubled_error(&self.local(data)?);
        let bias: Bias = constant_has_no_bias(constant(data));
        inference::attach(self, data, inference, value, Some(error), bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_core::Randomness;
    use ergodic_math::rng;

    fn normals(seed: u64, n: usize) -> Vec<f64> {
        let mut x = vec![0.0; n];
        rng::fill_normal(&mut rng::stream(seed, 0), &mut x);
        x
    }

    /// Means over 3,000 samples against 6 of their standard errors (2e-9 each): no bias at
    /// independence, however few observations there are and however unequal the symbols.
    #[test]
    fn it_is_unbiased_at_independence() {
        const RUNS: u64 = 3000;
        for (n, k, share, dim) in [(12, 1, 0.5, 1), (30, 3, 0.3, 1), (30, 4, 0.5, 2)] {
            let (mut sum, mut squares) = (0.0, 0.0);
            for run in 0..RUNS {
                let x = Points::new(normals(run, n * dim), dim).unwrap();
                let mut random = rng::stream(run, 1);
                // At least two of each symbol: singletons contribute 0 instead.
                let codes: Vec<u32> = (0..n)
                    .map(|i| {
                        if i < 4 {
                            i as u32 % 2
                        } else {
                            u32::from(random.bernoulli(share))
                        }
                    })
                    .collect();
                let pair = Pair::new(x, Symbols::new(codes, 2).unwrap()).unwrap();
                let value = SymbolNeighbors::new().neighbors(k).value(&pair).unwrap();
                sum += value;
                squares += value * value;
            }
            let mean = sum / RUNS as f64;
            let se = ((squares / RUNS as f64 - mean * mean) / RUNS as f64).sqrt();
            assert!(mean.abs() < 6.0 * se, "n = {n}, k = {k}: {mean} ± {se}");
        }
    }

    /// Two normal laws with means ±1: I = log 2 − E log(1 + e^{−2 − 2z}), by quadrature.
    #[test]
    fn it_finds_the_information_of_shifted_normals() {
        let rule = ergodic_math::quadrature::gauss_normal(80).unwrap();
        let exact = std::f64::consts::LN_2
            - rule.integrate(|z| ergodic_math::special::log1p_exp(-2.0 - 2.0 * z));
        let n = 20_000;
        let mut x = normals(3, n);
        let codes: Vec<u32> = (0..n as u32).map(|i| i % 2).collect();
        for (x, c) in x.iter_mut().zip(&codes) {
            *x += 2.0 * f64::from(*c) - 1.0;
        }
        let pair = Pair::new(Points::scalar(x).unwrap(), Symbols::new(codes, 2).unwrap());
        let ask = Inference::new().confidence(0.999_999).build().unwrap();
        let e = SymbolNeighbors::new()
            .estimate(&pair.unwrap(), &ask)
            .unwrap();
        assert!(e.interval.contains(exact), "{e} against {exact}");
        assert!(e.std_err < 0.02);
    }

    /// Of 1,000 intervals at 90 %, fewer than 855 hold the truth with probability 1e-6 if each does
    /// with 0.9: independent, and normal laws with means ±1.
    #[test]
    fn its_intervals_cover() {
        let rule = ergodic_math::quadrature::gauss_normal(80).unwrap();
        let ask = Inference::new().confidence(0.9).search_bias(false);
        for shift in [0.0, 1.0] {
            let exact = std::f64::consts::LN_2
                - rule.integrate(|z| {
                    ergodic_math::special::log1p_exp(-2.0 * shift * shift - 2.0 * shift * z)
                });
            let hits = (0..1000)
                .filter(|run| {
                    let mut x = normals(*run, 200);
                    for (i, x) in x.iter_mut().enumerate() {
                        *x += shift * [-1.0, 1.0][i % 2];
                    }
                    let codes: Vec<u32> = (0..200).map(|i| i % 2).collect();
                    let x = Points::scalar(x).unwrap();
                    let pair = Pair::new(x, Symbols::new(codes, 2).unwrap()).unwrap();
                    let e = SymbolNeighbors::new().estimate(&pair, &ask).unwrap();
                    e.interval.contains(exact)
                })
                .count();
            assert!(hits >= 855, "shift {shift}: {hits}");
        }
    }

    #[test]
    fn it_is_its_formula() {
        let x = Points::new(normals(9, 2 * 60), 2).unwrap();
        let codes: Vec<u32> = (0..60).map(|i| [0, 1, 1, 2][i % 4]).collect();
        let pair = Pair::new(x.clone(), Symbols::new(codes.clone(), 4).unwrap()).unwrap();
        let apart = |i: usize, j: usize| {
            let d = |c: usize| (x.row(i)[c] - x.row(j)[c]).abs();
            d(0).max(d(1))
        };
        let psi = ergodic_math::special::digamma;
        let local = SymbolNeighbors::new().local(&pair).unwrap();
        for i in 0..60 {
            let mut own: Vec<f64> = (0..60)
                .filter(|j| *j != i && codes[*j] == codes[i])
                .map(|j| apart(i, j))
                .collect();
            own.sort_by(f64::total_cmp);
            let closer = (0..60).filter(|j| *j != i && apart(i, *j) < own[2]).count();
            let exact =
                psi(60.0) + psi(3.0) - psi(own.len() as f64 + 1.0) - psi(closer as f64 + 1.0);
            assert!((local[i] - exact).abs() < 1e-13);
        }
    }

    #[test]
    fn edges_and_bad_input() {
        let x = Points::scalar(normals(1, 10)).unwrap();
        let of = |codes: Vec<u32>| Pair::new(x.clone(), Symbols::new(codes, 10).unwrap()).unwrap();
        let still = SymbolNeighbors::new()
            .estimate(&of(vec![3; 10]), &Inference::new())
            .unwrap();
        assert_eq!(
            (still.value, still.std_err, still.bias),
            (0.0, 0.0, Bias::Bounded(0.0))
        );
        // All symbols seen once tell nothing.
        assert_eq!(
            SymbolNeighbors::new()
                .value(&of((0..10).collect()))
                .unwrap(),
            0.0
        );
        let half = of((0..10).map(|i| i % 2).collect());
        assert!(SymbolNeighbors::new().neighbors(0).value(&half).is_err());
        assert!(SymbolNeighbors::new().neighbors(10).value(&half).is_err());
        let twice: Vec<f64> = (0..10).map(|i| f64::from(i / 5)).collect();
        let twice = Points::scalar(twice).unwrap();
        let twice = Pair::new(
            twice,
            Symbols::new(vec![0, 1, 0, 1, 0, 1, 0, 1, 0, 1], 2).unwrap(),
        );
        let error = SymbolNeighbors::new().neighbors(1).value(&twice.unwrap());
        assert!(error.unwrap_err().to_string().contains("coincides"));
    }
}
