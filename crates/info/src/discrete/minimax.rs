//! The minimax estimator of Wu and Yang by best polynomial approximation.

use std::borrow::Cow;
use std::sync::OnceLock;

use nalgebra::{DMatrix, DVector};

use super::rule::{AdditiveRule, Terms, surprise};
use crate::InfoError;

/// Wu and Yang's `c₀`: the degree is `⌊c₀ log K⌋`.
const DEGREE: f64 = 1.6;
/// Their `c₁`: the polynomial is best on probabilities up to `c₁ log K / n`.
const RANGE: f64 = 3.5;
/// Their `c₂`: it answers for counts up to `c₂ log K`.
const THRESHOLD: f64 = 1.6;

/// The minimax estimator (Wu and Yang, *IEEE Trans. Information Theory* 62, 2016, section IV, with the
/// constants of their experiments; also Jiao, Venkat, Han and Weissman, *ibid.* 61, 2015):
/// `Ĥ = Σᵢ g(nᵢ)` over a known alphabet of `K`, unseen symbols included. A count above
/// `1.6 log K` has its plug-in term and `1/2n`; below, `g` is the unbiased estimator for Poisson counts
/// of the polynomial of degree `L = ⌊1.6 log K⌋` (at least 1) that comes closest to `−p log p` on
/// `[0, 3.5 log K / n]`:
///
/// `g(j) = (M Σₘ aₘ j(j − 1)…(j − m + 1)/Mᵐ + j log(n/M))/n`, `M = 3.5 log K`,
///
/// with the best uniform approximation `Σ aₘxᵐ` of `−x log x` on `[0, 1]`.
///
/// * **Bias**: of order `K/(n log K)`, the best rate there is, where the plug-in's is `K/n`: consistent
///   from `n ≫ K/log K` on. Worst over laws, computed.
/// * **Interval**: jackknife standard error and the worst bias.
/// * **Cost**: that of the plug-in, after one Remez iteration per degree.
/// * **Not** when `n` is large for the alphabet: then the polynomial's error, which is for the worst law,
///   exceeds what simpler corrections leave; nor when only an upper bound far above the true `K` is known
///   and `n` is small, for the value grows with `K`. It may be negative or exceed `log K`.
///
/// The alphabet must be known: a histogram of [`Counts::observed_only`](crate::Counts::observed_only)
/// is refused.
///
/// ```
/// use ergodic_info::discrete::Minimax;
/// use ergodic_info::{Counts, Estimator};
///
/// // 2,000 symbols, 1,000 observations: uniform, but at most half are seen.
/// let mut counts = vec![0; 2000];
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// for _ in 0..1000 {
///     counts[ergodic_math::rng::index(&mut rng, 2000)] += 1;
/// }
/// let h = Minimax::new().value(&Counts::new(counts)?)?;
/// assert!((h - 2000f64.ln()).abs() < 0.3);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minimax;

impl Minimax {
    /// The estimator.
    pub const fn new() -> Self {
        Self
    }
}

impl AdditiveRule for Minimax {
    fn name(&self) -> Cow<'static, str> {
        "polynomial minimax".into()
    }

    fn terms(&self, total: u64, alphabet: Option<u64>) -> Result<Terms<'_>, InfoError> {
        let Some(alphabet) = alphabet else {
            return Err(InfoError::argument(
                "counts",
                "a histogram over an unknown alphabet",
                "over a known one (`Counts::new`) for the minimax estimator",
            ));
        };
        if alphabet == 1 {
            return Ok(Terms {
                constant: 0.0,
                of_count: Box::new(|_| 0.0),
            });
        }
        let n = total as f64;
        let log_k = libm::log(alphabet as f64);
        let range = RANGE * log_k;
        let degree = ((DEGREE * log_k) as usize).max(1);
        let threshold = (THRESHOLD * log_k) as usize;
        let tail = libm::log(n / range);
        let small: Vec<f64> = poisson_unbiased(best_coefficients(degree), range, threshold)
            .into_iter()
            .enumerate()
            .map(|(j, value)| (range * value + j as f64 * tail) / n)
            .collect();
        Ok(Terms {
            constant: 0.0,
            of_count: Box::new(move |count| {
                usize::try_from(count)
                    .ok()
                    .and_then(|j| small.get(j).copied())
                    .unwrap_or_else(|| surprise(count, total) + 0.5 / n)
            }),
        })
    }
}

/// For `j = 0..=last`, the function of a Poisson count `j` of mean `λ` whose expectation is
/// `Σₖ cₖ Tₖ(2λ/range − 1)`: powers of `λ` become falling factorials of `j`, for which multiplication by
/// `λ` is `f(j) ↦ j·f(j − 1)`, and so the recurrence of the Chebyshev polynomials carries over.
fn poisson_unbiased(coefficients: &[f64], range: f64, last: usize) -> Vec<f64> {
    let mut previous = vec![1.0; last + 1];
    let mut current: Vec<f64> = (0..=last).map(|j| 2.0 * j as f64 / range - 1.0).collect();
    let mut sum = vec![coefficients[0]; last + 1];
    for coefficient in &coefficients[1..] {
        for (s, t) in sum.iter_mut().zip(&current) {
            *s += coefficient * t;
        }
        let next = (0..=last)
            .map(|j| {
                let raised = if j == 0 {
                    0.0
                } else {
                    4.0 * j as f64 / range * current[j - 1]
                };
                raised - 2.0 * current[j] - previous[j]
            })
            .collect();
        previous = std::mem::replace(&mut current, next);
    }
    sum
}

/// `⌊1.6 log 2⁶⁴⌋ = 70`.
const DEGREES: usize = 71;

/// The Chebyshev coefficients on `[0, 1]` of the best approximation of `−x log x`, computed once.
fn best_coefficients(degree: usize) -> &'static [f64] {
    static KNOWN: [OnceLock<Vec<f64>>; DEGREES] = [const { OnceLock::new() }; DEGREES];
    let degree = degree.min(DEGREES - 1);
    KNOWN[degree].get_or_init(|| remez(degree))
}

fn target(x: f64) -> f64 {
    if x > 0.0 { -x * libm::log(x) } else { 0.0 }
}

/// `Σₖ cₖ Tₖ(2x − 1)` by Clenshaw's recurrence.
fn chebyshev(coefficients: &[f64], x: f64) -> f64 {
    let y = 2.0 * x - 1.0;
    let (mut b1, mut b2) = (0.0, 0.0);
    for c in coefficients[1..].iter().rev() {
        (b1, b2) = (2.0 * y * b1 - b2 + c, b1);
    }
    y * b1 - b2 + coefficients[0]
}

/// Remez's exchange: a polynomial whose error alternates between `±E` at `degree + 2` points is the best
/// one (Chebyshev). The points are the extrema of the error between its changes of sign on a grid that is
/// dense at 0 as the extrema are.
fn remez(degree: usize) -> Vec<f64> {
    let size = degree + 2;
    let angle = |share: f64| {
        let s = libm::sin(0.5 * std::f64::consts::PI * share);
        s * s
    };
    let grid: Vec<f64> = (0..=64 * size)
        .map(|i| angle(i as f64 / (64 * size) as f64))
        .collect();
    let mut points: Vec<f64> = (0..size)
        .map(|i| angle(i as f64 / (size - 1) as f64))
        .collect();
    let mut coefficients = vec![0.0; degree + 1];
    for _ in 0..50 {
        let matrix = DMatrix::from_fn(size, size, |i, k| {
            if k <= degree {
                // Tₖ(cos θ) = cos kθ with x = (1 + cos θ)/2.
                libm::cos(k as f64 * libm::acos(2.0 * points[i] - 1.0))
            } else if i % 2 == 0 {
                1.0
            } else {
                -1.0
            }
        });
        let right = DVector::from_iterator(size, points.iter().map(|x| target(*x)));
        let Some(solution) = matrix.lu().solve(&right) else {
            break;
        };
        coefficients.copy_from_slice(&solution.as_slice()[..=degree]);
        let level = solution[degree + 1].abs();
        let error = |x: f64| target(x) - chebyshev(&coefficients, x);
        // One extremum of each stretch of one sign.
        let mut extrema: Vec<(f64, f64)> = Vec::with_capacity(size);
        for (i, &x) in grid.iter().enumerate() {
            let e = error(x);
            match extrema.last_mut() {
                Some(last) if (last.1 > 0.0) == (e > 0.0) => {
                    if e.abs() > last.1.abs() {
                        *last = (x, e);
                    }
                }
                _ => extrema.push((x, e)),
            }
            // The grid is fine enough to see the stretches, its places are not the extrema: refine.
            if i + 1 == grid.len() {
                for extremum in &mut extrema {
                    *extremum = sharpened(&error, &grid, *extremum);
                }
            }
        }
        while extrema.len() > size {
            // Too many: the smaller end goes, alternation stays.
            if extrema[0].1.abs() < extrema[extrema.len() - 1].1.abs() {
                extrema.remove(0);
            } else {
                extrema.pop();
            }
        }
        if extrema.len() < size {
            break;
        }
        let largest = extrema.iter().fold(0.0, |m: f64, e| m.max(e.1.abs()));
        for (point, extremum) in points.iter_mut().zip(&extrema) {
            *point = extremum.0;
        }
        if largest - level <= 1e-12 {
            break;
        }
    }
    coefficients
}

/// The extremum near a point of the grid, by golden sections in `√x`.
fn sharpened(error: &impl Fn(f64) -> f64, grid: &[f64], near: (f64, f64)) -> (f64, f64) {
    let i = grid.partition_point(|x| *x < near.0);
    let mut a = grid[i.saturating_sub(1)].sqrt();
    let mut b = grid[(i + 1).min(grid.len() - 1)].sqrt();
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let sign = near.1.signum();
    for _ in 0..40 {
        let (x, y) = (b - golden * (b - a), a + golden * (b - a));
        if sign * error(x * x) >= sign * error(y * y) {
            b = y;
        } else {
            a = x;
        }
    }
    let x = (0.5 * (a + b)) * (0.5 * (a + b));
    let found = (x, error(x));
    if sign * found.1 > sign * near.1 {
        found
    } else {
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_line_is_half_the_height_of_the_curve() {
        // −x log x is concave with equal ends, so the best line is the constant 1/2e.
        let c = best_coefficients(1);
        assert!((c[0] - 0.5 / std::f64::consts::E).abs() < 1e-12, "{c:?}");
        assert!(c[1].abs() < 1e-12, "{c:?}");
    }

    #[test]
    fn the_error_of_the_best_polynomial_alternates_on_degree_plus_two_points() {
        // Chebyshev's criterion is both necessary and sufficient.
        for degree in [2usize, 5, 9, 14, 22, 40] {
            let c = best_coefficients(degree);
            let errors: Vec<f64> = (0..=40_000)
                .map(|i| {
                    let s = (f64::from(i) / 80_000.0 * std::f64::consts::PI).sin();
                    target(s * s) - chebyshev(c, s * s)
                })
                .collect();
            let largest = errors.iter().fold(0.0, |m: f64, e| m.max(e.abs()));
            let (mut alternations, mut sign) = (0, 0.0);
            for e in &errors {
                if e.abs() > 0.999 * largest && e.signum() != sign {
                    sign = e.signum();
                    alternations += 1;
                }
            }
            assert!(
                alternations >= degree + 2,
                "degree {degree}: {alternations} of {largest}"
            );
        }
    }

    #[test]
    fn the_estimator_of_the_polynomial_is_unbiased_for_poisson_counts() {
        let c = best_coefficients(7);
        let range = 12.0;
        let g = poisson_unbiased(c, range, 90);
        for mean in [0.1, 1.0, 5.0, 11.0f64] {
            let mut mass = (-mean).exp();
            let mut expectation = 0.0;
            for (j, value) in g.iter().enumerate() {
                expectation += mass * value;
                mass *= mean / (j + 1) as f64;
            }
            let exact = chebyshev(c, mean / range);
            assert!(
                (expectation - exact).abs() < 1e-11,
                "{mean}: {expectation} {exact}"
            );
        }
    }
}
