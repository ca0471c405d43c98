//! Permutation tests: how often would independence, or equality of two laws, give as much?
//!
//! | question | what is permuted | validity |
//! |---|---|---|
//! | are `x` and `y` independent? | the rows of `y` | exact |
//! | … given a symbol `z`? | the rows of `x` among those of equal `z` | exact |
//! | … given a point `z`? | the rows of `x` among neighbours in `z` | approximate |
//! | do two samples have one law? | the rows of both | exact |
//!
//! With the value `T₀` on the data and `T₁ … T_B` on `B` random permutations of them,
//!
//! ```text
//! p = (1 + #{b : T_b ≥ T₀}) / (1 + B),
//! ```
//!
//! which is *exact*: if the hypothesis holds, `P(p ≤ α) ≤ α` for every `α`, whatever the law, the
//! estimator, its bias and the number of observations, as data and permuted data are exchangeable
//! (Phipson and Smyth, *Stat. Appl. Genet. Mol. Biol.* 9, 2010, on the two ones). Values that agree
//! up to rounding (10⁻¹² of the largest) count as reached.
//!
//! The observations have to be independent of each other. Series are not: see
//! [`series`](crate::series) for shifts of whole series.

use std::collections::BTreeMap;

use ergodic_core::Randomness;
use rayon::prelude::*;

use crate::neighbors::{Norm, Tree};
use crate::{Estimator, InfoError, Pair, Points, Sample, Symbols, Triple};

/// The outcome of a permutation test.
#[derive(Clone, Debug, PartialEq)]
pub struct Significance {
    /// The value on the data as they are.
    pub value: f64,
    /// The probability of at least this value under the hypothesis, `(1 + #{≥})/(1 + B)`.
    pub p_value: f64,
    /// The values on permuted data, in the order of their streams: draws of the estimator under the
    /// hypothesis, whose mean is its bias there.
    pub null: Vec<f64>,
}

/// A permutation test with a number of permutations and a seed.
///
/// Permutation `b` is drawn from stream `b` of the seed: the outcome does not depend on the number of
/// threads. Cost: one value per permutation, in parallel.
///
/// ```
/// use std::borrow::Cow;
/// use ergodic_core::{Bias, Estimate};
/// use ergodic_info::inference::{self, PermutationTest};
/// use ergodic_info::{Estimator, Inference, InfoError, Pair, Points, Sample};
///
/// /// The absolute covariance about the origin.
/// struct Covariance;
/// impl Estimator<Pair<Points>> for Covariance {
///     fn method(&self) -> Cow<'static, str> {
///         "covariance".into()
///     }
///     fn value(&self, data: &Pair<Points>) -> Result<f64, InfoError> {
///         let (x, y) = (data.x().as_slice(), data.y().as_slice());
///         Ok(x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>().abs() / data.len() as f64)
///     }
///     fn estimate(&self, data: &Pair<Points>, ask: &Inference) -> Result<Estimate, InfoError> {
///         inference::attach(self, data, ask, self.value(data)?, None, Bias::Unknown)
///     }
/// }
///
/// let x: Vec<f64> = (-10..=10).map(f64::from).collect();
/// let data = Pair::new(Points::scalar(x.clone())?, Points::scalar(x)?)?;
/// let outcome = PermutationTest::new(99, 1)?.independence(&Covariance, &data)?;
/// assert_eq!(outcome.p_value, 0.01); // no permutation of 99 reaches Σx²
/// # Ok::<(), InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PermutationTest {
    permutations: usize,
    seed: u64,
}

impl PermutationTest {
    /// A test with this many permutations. With `B` of them the smallest p-value is `1/(1 + B)`;
    /// 999 are usual.
    ///
    /// # Errors
    /// If there are none.
    pub fn new(permutations: usize, seed: u64) -> Result<Self, InfoError> {
        if permutations == 0 {
            return Err(InfoError::argument(
                "permutations",
                permutations,
                "at least 1",
            ));
        }
        Ok(Self { permutations, seed })
    }

    /// The number of permutations `B`.
    pub const fn permutations(self) -> usize {
        self.permutations
    }

    /// The seed.
    pub const fn seed(self) -> u64 {
        self.seed
    }

    /// Whether `x` and `y` are independent: large values speak against it.
    ///
    /// # Errors
    /// If the estimator refuses the data or a permutation of them.
    pub fn independence<X, Y, E>(
        &self,
        estimator: &E,
        data: &Pair<X, Y>,
    ) -> Result<Significance, InfoError>
    where
        X: Sample,
        Y: Sample,
        E: Estimator<Pair<X, Y>> + ?Sized,
    {
        self.run(estimator.value(data)?, |rng| {
            let y = data.y().shuffled(rng);
            estimator.value(&Pair::new(data.x().clone(), y)?)
        })
    }

    /// Whether `x` and `y` are independent given the symbol `z`: rows of `x` are permuted among the
    /// observations of equal `z`. Exact; without power where most symbols are seen once.
    ///
    /// # Errors
    /// As [`independence`](Self::independence).
    pub fn conditional<X, Y, E>(
        &self,
        estimator: &E,
        data: &Triple<X, Y, Symbols>,
    ) -> Result<Significance, InfoError>
    where
        X: Sample,
        Y: Sample,
        E: Estimator<Triple<X, Y, Symbols>> + ?Sized,
    {
        // By the symbols seen: the alphabet may be far larger than the sample.
        let mut strata: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (row, code) in data.z().codes().iter().enumerate() {
            strata.entry(*code).or_default().push(row);
        }
        self.run(estimator.value(data)?, |rng| {
            let mut rows: Vec<usize> = (0..data.len()).collect();
            for stratum in strata.values() {
                for i in (1..stratum.len()).rev() {
                    rows.swap(stratum[i], stratum[rng.index(i + 1)]);
                }
            }
            let x = data.x().select(&rows);
            estimator.value(&Triple::new(x, data.y().clone(), data.z().clone())?)
        })
    }

    /// Whether `x` and `y` are independent given the point `z`, by local permutation (Runge, *AISTATS*
    /// 2018): row `i` takes the `x` of a random one of its `neighbors` nearest rows in `z` (max-norm,
    /// itself among them), each used once where that is possible.
    ///
    /// **Only approximate**: neighbours in `z` have nearly the law of `x` given `z`, not the same.
    /// Where `x` depends on `z` strongly on the scale of the neighbourhoods, the test rejects too
    /// often; `neighbors` of 5 to 10 is usual, and smaller is safer and weaker. Bring the
    /// coordinates of `z` to one scale first. Neighbours are found once, by a tree:
    /// `O(n log n)` in few dimensions, and more where many points of `z` coincide.
    ///
    /// # Errors
    /// As [`independence`](Self::independence), or if `neighbors` is below 2 or above the number of
    /// observations.
    pub fn conditional_local<X, Y, E>(
        &self,
        estimator: &E,
        data: &Triple<X, Y, Points>,
        neighbors: usize,
    ) -> Result<Significance, InfoError>
    where
        X: Sample,
        Y: Sample,
        E: Estimator<Triple<X, Y, Points>> + ?Sized,
    {
        if neighbors < 2 || neighbors > data.len() {
            return Err(InfoError::argument(
                "neighbors",
                neighbors,
                format!(
                    "at least 2 and at most {}, the number of observations",
                    data.len()
                ),
            ));
        }
        let near = nearest(data.z(), neighbors)?;
        self.run(estimator.value(data)?, |rng| {
            let x = data.x().select(&local_rows(&near, neighbors, rng));
            estimator.value(&Triple::new(x, data.y().clone(), data.z().clone())?)
        })
    }

    /// Whether two samples come from one law, by any `statistic` of the two that is large when they do
    /// not, such as a divergence: the rows of both are pooled and dealt out again.
    ///
    /// # Errors
    /// If the samples do not pool (dimension or alphabet differ), or the statistic refuses them.
    pub fn two_samples<S, F>(&self, statistic: F, a: &S, b: &S) -> Result<Significance, InfoError>
    where
        S: Pool,
        F: Fn(&S, &S) -> Result<f64, InfoError> + Sync,
    {
        let pooled = a.pooled(b)?;
        self.run(statistic(a, b)?, |rng| {
            let all = pooled.shuffled(rng);
            let rows: Vec<usize> = (0..all.len()).collect();
            let (first, second) = rows.split_at(a.len());
            statistic(&all.select(first), &all.select(second))
        })
    }

    /// The test with any way to draw a value under the hypothesis; `value` and the draws have to be
    /// exchangeable for it to be exact.
    ///
    /// # Errors
    /// If a draw fails, or a value is NaN.
    pub fn run<F>(&self, value: f64, draw: F) -> Result<Significance, InfoError>
    where
        F: Fn(&mut dyn Randomness) -> Result<f64, InfoError> + Sync,
    {
        self.run_indexed(value, |_, rng| draw(rng))
    }

    /// As [`run`](Self::run), where the draws know their number.
    pub(crate) fn run_indexed<F>(&self, value: f64, draw: F) -> Result<Significance, InfoError>
    where
        F: Fn(usize, &mut dyn Randomness) -> Result<f64, InfoError> + Sync,
    {
        let null = (0..self.permutations)
            .into_par_iter()
            .map(|b| draw(b, &mut ergodic_math::rng::stream(self.seed, b as u64)))
            .collect::<Result<Vec<f64>, InfoError>>()?;
        if value.is_nan() || null.iter().any(|v| v.is_nan()) {
            return Err(InfoError::argument(
                "estimator",
                "a value that is not a number",
                "one whose values are numbers",
            ));
        }
        let p_value = p_value(value, &null);
        Ok(Significance {
            value,
            p_value,
            null,
        })
    }
}

/// `(1 + #{≥})/(1 + B)`, with values that agree up to rounding taken as equal.
fn p_value(value: f64, null: &[f64]) -> f64 {
    let all = null.iter().chain(std::iter::once(&value));
    let largest = all
        .filter(|v| v.is_finite())
        .fold(0.0f64, |m, v| m.max(v.abs()));
    let threshold = value - 1e-12 * largest;
    let reached = null.iter().filter(|v| **v >= threshold).count();
    (1 + reached) as f64 / (1 + null.len()) as f64
}

/// Samples that can be put one behind the other.
pub trait Pool: Sample {
    /// The rows of `self`, then those of `other`.
    ///
    /// # Errors
    /// If they are of different kinds: dimension or alphabet.
    fn pooled(&self, other: &Self) -> Result<Self, InfoError>;
}

impl Pool for Points {
    fn pooled(&self, other: &Self) -> Result<Self, InfoError> {
        if other.dim() != self.dim() {
            return Err(InfoError::argument(
                "b",
                format!("a sample in {} dimensions", other.dim()),
                format!("of the dimension of `a`, {}", self.dim()),
            ));
        }
        Points::new([self.as_slice(), other.as_slice()].concat(), self.dim())
    }
}

impl Pool for Symbols {
    /// Both need a known alphabet: the codes of unknown ones mean different things.
    fn pooled(&self, other: &Self) -> Result<Self, InfoError> {
        match (self.known_alphabet(), other.known_alphabet()) {
            (Some(a), Some(b)) if a == b => Symbols::new([self.codes(), other.codes()].concat(), a),
            (_, b) => Err(InfoError::argument(
                "b",
                b.map_or("an alphabet of unknown size".to_owned(), |b| {
                    format!("an alphabet of size {b}")
                }),
                "over the same known alphabet as `a`",
            )),
        }
    }
}

/// The `k ≥ 2` rows nearest to each row in the max-norm, itself among them, `k` by `k`; ties go to the
/// lower row.
fn nearest(points: &Points, k: usize) -> Result<Vec<usize>, InfoError> {
    let tree = Tree::new(points)?;
    let radii = tree.distances(k - 1, Norm::Maximum)?;
    let mut out = vec![0; points.len() * k];
    out.par_chunks_mut(k)
        .zip(radii.par_chunks(k - 1))
        .enumerate()
        .for_each_init(
            || (Vec::new(), Vec::new()),
            |(within, distances), (i, (out, radii))| {
                tree.rows_within(points.row(i), radii[k - 2], within);
                distances.clear();
                distances.extend(within.iter().map(|j| {
                    let j = *j as usize;
                    let both = points.row(i).iter().zip(points.row(j));
                    let d = both.fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
                    // Among equal points a row is nearest to itself.
                    (d, j != i, j)
                }));
                distances
                    .sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
                for (out, near) in out.iter_mut().zip(&*distances) {
                    *out = near.2;
                }
                out.sort_unstable();
            },
        );
    Ok(out)
}

/// One local permutation: rows are served in random order, each takes a random neighbour that is
/// not taken yet, or any if all are.
fn local_rows<R: Randomness + ?Sized>(near: &[usize], k: usize, rng: &mut R) -> Vec<usize> {
    let n = near.len() / k;
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, rng.index(i + 1));
    }
    let mut taken = vec![false; n];
    let mut rows = vec![0; n];
    let mut list = vec![0; k];
    for row in order {
        list.copy_from_slice(&near[row * k..(row + 1) * k]);
        let mut choice = None;
        for left in (1..=k).rev() {
            let at = rng.index(left);
            let candidate = list[at];
            choice = Some(candidate);
            if !taken[candidate] {
                break;
            }
            list.swap(at, left - 1);
        }
        // `k ≥ 2`, so there is a choice.
        let choice = choice.unwrap_or(row);
        taken[choice] = true;
        rows[row] = choice;
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use ergodic_core::Estimate;

    use super::*;
    use crate::Inference;
    use crate::inference::tests::{BruteForce, correlated};

    /// `Σ xᵢ yᵢ` of codes, no logarithm: exact in integers.
    struct Product;

    impl<Z: Sample> Estimator<Triple<Symbols, Symbols, Z>> for Product {
        fn method(&self) -> Cow<'static, str> {
            "product".into()
        }

        fn value(&self, data: &Triple<Symbols, Symbols, Z>) -> Result<f64, InfoError> {
            let both = data.x().codes().iter().zip(data.y().codes());
            Ok(both.map(|(x, y)| f64::from(x * y)).sum())
        }

        fn estimate(
            &self,
            _: &Triple<Symbols, Symbols, Z>,
            _: &Inference,
        ) -> Result<Estimate, InfoError> {
            unreachable!("tests ask for values")
        }
    }

    impl Estimator<Pair<Symbols>> for Product {
        fn method(&self) -> Cow<'static, str> {
            "product".into()
        }

        fn value(&self, data: &Pair<Symbols>) -> Result<f64, InfoError> {
            let both = data.x().codes().iter().zip(data.y().codes());
            Ok(both.map(|(x, y)| f64::from(x * y)).sum())
        }

        fn estimate(&self, _: &Pair<Symbols>, _: &Inference) -> Result<Estimate, InfoError> {
            unreachable!("tests ask for values")
        }
    }

    fn symbols(codes: &[u32]) -> Symbols {
        Symbols::new(codes, 64).unwrap()
    }

    /// All orders of `0..n`.
    fn orders(n: u32) -> Vec<Vec<u32>> {
        if n == 0 {
            return vec![vec![]];
        }
        let mut all = Vec::new();
        for shorter in orders(n - 1) {
            for at in 0..n as usize {
                let mut longer = shorter.clone();
                longer.insert(at, n - 1);
                all.push(longer);
            }
        }
        all
    }

    /// The exact law: over all 5! orders, p converges to the share of orders that reach the value.
    #[test]
    fn p_values_are_the_share_of_all_orders_that_reach_the_value() {
        const B: usize = 4_000;
        let x = symbols(&[1, 2, 4, 8, 16]);
        let weights = [3, 1, 4, 1, 5];
        let value = |order: &[u32]| {
            let y: Vec<u32> = order.iter().map(|i| weights[*i as usize]).collect();
            Product
                .value(&Pair::new(x.clone(), symbols(&y)).unwrap())
                .unwrap()
        };
        let all: Vec<f64> = orders(5).iter().map(|o| value(o)).collect();
        assert_eq!(all.len(), 120);
        for (i, order) in orders(5).iter().enumerate().step_by(17) {
            let y: Vec<u32> = order.iter().map(|i| weights[*i as usize]).collect();
            let data = Pair::new(x.clone(), symbols(&y)).unwrap();
            let test = PermutationTest::new(B, i as u64).unwrap();
            let found = test.independence(&Product, &data).unwrap();
            let exact = all.iter().filter(|v| **v >= all[i]).count() as f64 / 120.0;
            // Six standard deviations of a share of B, twice 1e-9 for each of 8 orders.
            let allowed = 6.0 * (exact * (1.0 - exact) / B as f64).sqrt() + 1.0 / B as f64;
            assert!(
                (found.p_value - exact).abs() <= allowed,
                "{exact}: {}",
                found.p_value
            );
        }
    }

    /// Under independence p is uniform on 1/20, …, 20/20.
    #[test]
    fn p_values_are_uniform_under_independence() {
        const RUNS: u64 = 4_000;
        let mut cells = [0.0; 20];
        for run in 0..RUNS {
            let data = correlated(12, 1, 0.0, run);
            let statistic = |data: &Pair<Points>| {
                let (x, y) = (data.x().as_slice(), data.y().as_slice());
                x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>()
            };
            let test = PermutationTest::new(19, 1_000_000 + run).unwrap();
            let found = test.run(statistic(&data), |rng| {
                let y = data.y().shuffled(rng);
                Ok(statistic(&Pair::new(data.x().clone(), y)?))
            });
            cells[(20.0 * found.unwrap().p_value).round() as usize - 1] += 1.0;
        }
        let expected = RUNS as f64 / 20.0;
        let chi: f64 = cells
            .iter()
            .map(|c| (c - expected) * (c - expected) / expected)
            .sum();
        // χ² of 19 degrees: P(χ² > 66) < 5e-7.
        assert!(chi < 66.0, "χ² = {chi}: {cells:?}");
    }

    #[test]
    fn dependence_is_found() {
        let test = PermutationTest::new(199, 3).unwrap();
        let found = test
            .independence(&BruteForce { k: 3 }, &correlated(150, 1, 0.9, 1))
            .unwrap();
        assert_eq!(found.p_value, 1.0 / 200.0);
        assert_eq!(found.null.len(), 199);
    }

    /// A constant column: every permutation gives the same, p = 1.
    #[test]
    fn what_does_not_vary_is_never_significant() {
        let data = Pair::new(symbols(&[7; 9]), symbols(&[1, 2, 3, 4, 5, 6, 7, 8, 9])).unwrap();
        let found = PermutationTest::new(50, 0)
            .unwrap()
            .independence(&Product, &data)
            .unwrap();
        assert_eq!(found.p_value, 1.0);
    }

    #[test]
    fn values_equal_up_to_rounding_are_ties() {
        assert_eq!(p_value(0.3, &[0.1 + 0.2, 0.3 - 1e-16, 0.2]), 0.75);
        assert_eq!(p_value(0.3, &[0.3 - 1e-9]), 0.5);
        assert_eq!(p_value(f64::INFINITY, &[1.0, f64::INFINITY]), 2.0 / 3.0);
    }

    /// Within strata the pairs of x and z stay what they are, and all orders appear.
    #[test]
    fn conditional_permutations_keep_the_pairs_with_the_condition() {
        // Given z, x is fixed up to order; only the first stratum (three rows) can vary.
        let (x, y, z) = ([1, 2, 4, 8, 8], [1, 2, 3, 5, 6], [0, 0, 0, 1, 1]);
        let data = Triple::new(symbols(&x), symbols(&y), symbols(&z)).unwrap();
        let found = PermutationTest::new(3_000, 2)
            .unwrap()
            .conditional(&Product, &data)
            .unwrap();
        let mut counts = std::collections::BTreeMap::new();
        for v in &found.null {
            *counts.entry(*v as i64).or_insert(0) += 1;
        }
        // 88 + Σ over the orders of (1, 2, 4) with (1, 2, 3): 17, 16, 15, 13, 12, 11.
        let values: Vec<i64> = counts.keys().copied().collect();
        assert_eq!(values, [99, 100, 101, 103, 104, 105]);
        // 500 each, sd 20.4: six of them.
        assert!(
            counts.values().all(|c| (377..623).contains(c)),
            "{counts:?}"
        );
    }

    /// Rows whose neighbours in z are they themselves (clusters far apart) are permuted within them.
    #[test]
    fn local_permutations_stay_among_neighbours_and_use_each_row_once() {
        let z: Vec<f64> = (0..12)
            .map(|i| f64::from(i / 3) * 100.0 + f64::from(i % 3))
            .collect();
        let near = nearest(&Points::scalar(z).unwrap(), 3).unwrap();
        let mut moved = std::collections::HashSet::new();
        for seed in 0..200 {
            let rows = local_rows(&near, 3, &mut ergodic_math::rng::stream(seed, 0));
            assert!(
                rows.iter().enumerate().all(|(i, r)| i / 3 == r / 3),
                "{rows:?}"
            );
            moved.extend(rows.iter().copied().enumerate());
            let mut used = rows.clone();
            used.sort_unstable();
            used.dedup();
            // Served greedily, a cluster of three may repeat a row only if its own are all taken.
            assert_eq!(used.len(), 12, "{rows:?}");
        }
        // Every row has been to each of its three places.
        assert_eq!(moved.len(), 36);
    }

    /// Against all distances, with ties and points that coincide.
    #[test]
    fn local_neighbours_are_those_of_all_pairs() {
        let mut random = ergodic_math::rng::stream(8, 0);
        let z: Vec<f64> = (0..240)
            .map(|_| ergodic_math::rng::index(&mut random, 9) as f64)
            .collect();
        let z = Points::new(z, 2).unwrap();
        for k in [2, 5, 120] {
            let near = nearest(&z, k).unwrap();
            for i in 0..120 {
                let mut all: Vec<(f64, bool, usize)> = (0..120)
                    .map(|j| {
                        let apart = |c: usize| (z.row(i)[c] - z.row(j)[c]).abs();
                        (apart(0).max(apart(1)), j != i, j)
                    })
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
                let mut rows: Vec<usize> = all[..k].iter().map(|a| a.2).collect();
                rows.sort_unstable();
                assert_eq!(near[i * k..(i + 1) * k], rows[..]);
            }
        }
    }

    /// x and y are driven by z and independent given it: permuting all rows sees dependence, local
    /// permutation does not.
    #[test]
    fn common_causes_are_no_conditional_dependence() {
        struct Correlation;
        impl Estimator<Triple<Points>> for Correlation {
            fn method(&self) -> Cow<'static, str> {
                "correlation".into()
            }
            fn value(&self, data: &Triple<Points>) -> Result<f64, InfoError> {
                let both = data.x().as_slice().iter().zip(data.y().as_slice());
                Ok(both.map(|(x, y)| x * y).sum())
            }
            fn estimate(&self, _: &Triple<Points>, _: &Inference) -> Result<Estimate, InfoError> {
                unreachable!("tests ask for values")
            }
        }
        let mut rejected = [0; 2];
        for seed in 0..60 {
            let mut rng = ergodic_math::rng::stream(seed, 0);
            let mut normals = vec![0.0; 900];
            ergodic_math::rng::fill_normal(&mut rng, &mut normals);
            let (noise, z) = normals.split_at(600);
            let of = |noise: &[f64], own: f64| {
                let values: Vec<f64> = noise.iter().zip(z).map(|(n, z)| z + own * n).collect();
                Points::scalar(values).unwrap()
            };
            let (x, y) = (of(&noise[..300], 1.0), of(&noise[300..], 1.0));
            let z = Points::scalar(z).unwrap();
            let test = PermutationTest::new(39, seed).unwrap();
            let data = Triple::new(x.clone(), y.clone(), z).unwrap();
            let local = test.conditional_local(&Correlation, &data, 5).unwrap();
            let all = test.run(Correlation.value(&data).unwrap(), |rng| {
                let x = data.x().shuffled(rng);
                Correlation.value(&Triple::new(x, y.clone(), data.z().clone())?)
            });
            rejected[0] += usize::from(local.p_value <= 0.05);
            rejected[1] += usize::from(all.unwrap().p_value <= 0.05);
        }
        // At 5 %: more than 15 of 60 has probability 1e-7; without the condition all are rejected.
        assert!(rejected[0] <= 15 && rejected[1] == 60, "{rejected:?}");
    }

    #[test]
    fn equal_laws_are_exchangeable_and_unequal_ones_are_told_apart() {
        let mean = |p: &Points| p.as_slice().iter().sum::<f64>() / p.len() as f64;
        let difference = |a: &Points, b: &Points| Ok((mean(a) - mean(b)).abs());
        // Exact by enumeration: {0, 1, 2} against {3, 4}: 2 of the C(5, 2) = 10 deals reach 2.5.
        let a = Points::scalar([0.0, 1.0, 2.0]).unwrap();
        let b = Points::scalar([3.0, 4.0]).unwrap();
        let found = PermutationTest::new(20_000, 1)
            .unwrap()
            .two_samples(difference, &a, &b);
        let found = found.unwrap();
        // {0, 1, 2 | 3, 4} has 2.5; {2, 3, 4 | 0, 1} has 2.5 as well. Six sd: .017.
        assert!((found.p_value - 0.2).abs() < 0.017, "{}", found.p_value);
        let c = Points::scalar((0..20).map(|i| 10.0 + f64::from(i)).collect::<Vec<_>>()).unwrap();
        let found = PermutationTest::new(99, 1)
            .unwrap()
            .two_samples(difference, &b, &c);
        assert!(found.unwrap().p_value <= 0.05);
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let data = correlated(60, 1, 0.3, 3);
        let ask = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            let test = PermutationTest::new(40, 8).unwrap();
            pool.install(|| test.independence(&BruteForce { k: 2 }, &data).unwrap())
        };
        assert_eq!(ask(1), ask(3));
    }

    #[test]
    fn bad_input_names_its_argument() {
        let name = |error: InfoError| match error {
            InfoError::Argument(error) => error.argument,
            other => panic!("{other}"),
        };
        assert_eq!(
            name(PermutationTest::new(0, 1).unwrap_err()),
            "permutations"
        );
        let test = PermutationTest::new(9, 1).unwrap();
        let z = Points::scalar([1.0, 2.0, 3.0]).unwrap();
        let data = Triple::new(symbols(&[1, 2, 3]), symbols(&[1, 2, 3]), z.clone()).unwrap();
        for neighbors in [0, 1, 4] {
            let error = test
                .conditional_local(&Product, &data, neighbors)
                .unwrap_err();
            assert_eq!(name(error), "neighbors");
        }
        // An alphabet that no memory holds is no obstacle.
        let many = Symbols::new([0, u32::MAX - 1, 0], u32::MAX).unwrap();
        let data = Triple::new(symbols(&[1, 2, 3]), symbols(&[1, 2, 3]), many).unwrap();
        assert_eq!(test.conditional(&Product, &data).unwrap().null.len(), 9);
        let flat = Points::new([1.0, 2.0], 2).unwrap();
        assert_eq!(
            name(test.two_samples(|_, _| Ok(0.0), &z, &flat).unwrap_err()),
            "b"
        );
        let (known, of) = (symbols(&[1, 2]), Symbols::of(&[1, 2]).unwrap());
        assert_eq!(
            name(test.two_samples(|_, _| Ok(0.0), &known, &of).unwrap_err()),
            "b"
        );
        assert_eq!(
            name(test.run(f64::NAN, |_| Ok(0.0)).unwrap_err()),
            "estimator"
        );
    }
}
