//! The discrete Legendre–Fenchel transform, in linear time.
//!
//! `f*(s) = maxᵢ (s xᵢ − f(xᵢ))` for a function given on a grid. Only the lower convex hull of the
//! points `(xᵢ, f(xᵢ))` matters, and along the hull the maximiser moves to the right as `s` grows:
//! one sweep of both lists gives all values (Lucet, *Numer. Algorithms* 16, 1997).
//!
//! Entropy and free energy are such a pair: the transform of `−s(e)` in `−β` is `−βf`, and the
//! hull is Maxwell's construction.

use std::fmt;

/// Why a transform is not defined.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LegendreError {
    /// Points and values differ in number.
    Length {
        /// The number of points.
        points: usize,
        /// The number of values.
        values: usize,
    },
    /// A grid that is not finite and strictly increasing (points), or not finite and
    /// non-decreasing (slopes).
    Order {
        /// Which grid.
        grid: &'static str,
        /// The first index that breaks the order.
        index: usize,
        /// What stands there.
        found: f64,
    },
    /// A value that is NaN or −∞. (+∞ says that the point is outside the domain.)
    Value {
        /// Its index.
        index: usize,
        /// What stands there.
        found: f64,
    },
    /// No point of a finite value.
    EmptyDomain,
}

impl fmt::Display for LegendreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { points, values } => {
                write!(f, "{values} values on {points} points, but they must agree")
            }
            Self::Order { grid, index, found } => {
                write!(
                    f,
                    "{grid} must be finite and increasing, but number {index} is {found}"
                )
            }
            Self::Value { index, found } => {
                write!(f, "value {index} is {found}, but must be finite or +inf")
            }
            Self::EmptyDomain => write!(f, "no point has a finite value"),
        }
    }
}

impl std::error::Error for LegendreError {}

/// Whether `(x2, y2)` lies on or above the chord from `(x1, y1)` to `(x3, y3)`, `x1 < x2 < x3`.
fn above(p1: (f64, f64), p2: (f64, f64), p3: (f64, f64)) -> bool {
    // Halves: no difference of finite numbers overflows.
    let h = |a: f64, b: f64| 0.5 * a - 0.5 * b;
    let (left, right) = (h(p2.0, p1.0), h(p3.0, p2.0));
    // Convex combination instead of slopes, which may overflow.
    let t = left / (left + right);
    p2.1 >= p1.1 * (1.0 - t) + p3.1 * t
}

fn check(x: &[f64], f: &[f64]) -> Result<(), LegendreError> {
    if x.len() != f.len() {
        return Err(LegendreError::Length {
            points: x.len(),
            values: f.len(),
        });
    }
    for (index, &found) in x.iter().enumerate() {
        if !found.is_finite() || (index > 0 && x[index - 1] >= found) {
            return Err(LegendreError::Order {
                grid: "points",
                index,
                found,
            });
        }
    }
    for (index, &found) in f.iter().enumerate() {
        if found.is_nan() || found == f64::NEG_INFINITY {
            return Err(LegendreError::Value { index, found });
        }
    }
    Ok(())
}

/// The indices of the vertices of the lower convex hull of the points `(xᵢ, fᵢ)`, from left to
/// right; points on an edge are left out, and so are values `+∞`.
///
/// Domain: finite, strictly increasing `x`. `O(n)`. Andrew's monotone chain (*Inf. Process. Lett.*
/// 9, 1979).
///
/// # Errors
/// [`LegendreError`].
///
/// ```
/// use ergodic_math::legendre::convex_hull;
///
/// let hull = convex_hull(&[0.0, 1.0, 2.0, 3.0], &[0.0, 2.0, -1.0, 0.5])?;
/// assert_eq!(hull, [0, 2, 3]);
/// # Ok::<(), ergodic_math::legendre::LegendreError>(())
/// ```
pub fn convex_hull(x: &[f64], f: &[f64]) -> Result<Vec<usize>, LegendreError> {
    check(x, f)?;
    let point = |i: usize| (x[i], f[i]);
    let mut hull: Vec<usize> = Vec::new();
    for i in (0..x.len()).filter(|&i| f[i].is_finite()) {
        while let [.., a, b] = hull[..] {
            if !above(point(a), point(b), point(i)) {
                break;
            }
            hull.pop();
        }
        hull.push(i);
    }
    if hull.is_empty() {
        return Err(LegendreError::EmptyDomain);
    }
    Ok(hull)
}

/// The largest convex function below `f`, on the same grid: `f**`, by linear interpolation along
/// the hull, and `+∞` outside its ends. `O(n)`.
///
/// # Errors
/// [`LegendreError`].
///
/// ```
/// use ergodic_math::legendre::convex_envelope;
///
/// // Maxwell's construction bridges the double well.
/// let f = convex_envelope(&[-1.0, 0.0, 1.0, 2.0], &[0.0, 1.0, 0.0, 9.0])?;
/// assert_eq!(f, [0.0, 0.0, 0.0, 9.0]);
/// # Ok::<(), ergodic_math::legendre::LegendreError>(())
/// ```
pub fn convex_envelope(x: &[f64], f: &[f64]) -> Result<Vec<f64>, LegendreError> {
    let hull = convex_hull(x, f)?;
    let mut out = vec![f64::INFINITY; x.len()];
    out[hull[0]] = f[hull[0]];
    for pair in hull.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        out[b] = f[b];
        for i in a + 1..b {
            let (left, right) = (0.5 * x[i] - 0.5 * x[a], 0.5 * x[b] - 0.5 * x[i]);
            let t = left / (left + right);
            // Rounding must not lift the envelope above the function.
            out[i] = (f[a] * (1.0 - t) + f[b] * t).min(f[i]);
        }
    }
    Ok(out)
}

/// A transform and where its maxima are.
#[derive(Clone, Debug, PartialEq)]
pub struct Conjugate {
    /// `f*(sⱼ)`.
    pub values: Vec<f64>,
    /// The index of a point `xᵢ` that attains it, non-decreasing in `j`: the (sub)derivative of
    /// `f*` at `sⱼ`.
    pub arguments: Vec<usize>,
}

/// `f*(sⱼ) = maxᵢ (sⱼ xᵢ − fᵢ)` on a grid of slopes.
///
/// Domain: `x` finite and strictly increasing, `f` finite or `+∞` (not everywhere), `slopes`
/// finite and non-decreasing. `f*` is convex in `s`.
///
/// Error: each value is a maximum of rounded terms, `≤ 2ε(|s x| + |f|)`; a maximiser within
/// rounding of the best may be taken. For an `f` sampled from a smooth convex function with step
/// `h`, the maximum over the grid is at most `h² max f″/8` below the maximum over the interval.
/// `O(n + m)`. A product `s x` beyond the range of `f64` comes out as an infinity.
///
/// # Errors
/// [`LegendreError`].
///
/// ```
/// use ergodic_math::legendre::legendre_transform;
///
/// let x: Vec<f64> = (-50..=50).map(|i| i as f64 / 10.0).collect();
/// let f: Vec<f64> = x.iter().map(|x| x * x / 2.0).collect();
/// let dual = legendre_transform(&x, &f, &[-1.0, 0.0, 2.0])?;
/// assert_eq!(dual.values, [0.5, 0.0, 2.0]);
/// # Ok::<(), ergodic_math::legendre::LegendreError>(())
/// ```
pub fn legendre_transform(
    x: &[f64],
    f: &[f64],
    slopes: &[f64],
) -> Result<Conjugate, LegendreError> {
    let hull = convex_hull(x, f)?;
    for (index, &found) in slopes.iter().enumerate() {
        if !found.is_finite() || (index > 0 && slopes[index - 1] > found) {
            return Err(LegendreError::Order {
                grid: "slopes",
                index,
                found,
            });
        }
    }
    let mut dual = Conjugate {
        values: Vec::with_capacity(slopes.len()),
        arguments: Vec::with_capacity(slopes.len()),
    };
    let mut at = 0;
    for &s in slopes {
        // Walk on while the next edge of the hull is flatter than s: s Δx ≥ Δf, in halves.
        while let Some(&next) = hull.get(at + 1) {
            let i = hull[at];
            if s * (0.5 * x[next] - 0.5 * x[i]) < 0.5 * f[next] - 0.5 * f[i] {
                break;
            }
            at += 1;
        }
        let i = hull[at];
        dual.values.push(s * x[i] - f[i]);
        dual.arguments.push(i);
    }
    Ok(dual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    fn grid(a: f64, b: f64, n: usize) -> Vec<f64> {
        (0..=n).map(|i| a + (b - a) * i as f64 / n as f64).collect()
    }

    fn brute(x: &[f64], f: &[f64], s: f64) -> f64 {
        x.iter()
            .zip(f)
            .map(|(x, f)| s * x - f)
            .fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn transform_is_the_maximum_over_the_grid() {
        let mut rng = rng::stream(41, 0);
        for n in [1, 2, 3, 10, 200] {
            for trial in 0..20 {
                let mut at = -3.0;
                let x: Vec<f64> = (0..n)
                    .map(|_| {
                        at += 1e-3 + rng::uniform(&mut rng);
                        at
                    })
                    .collect();
                let f: Vec<f64> = x
                    .iter()
                    .map(|x| {
                        if n > 3 && rng::bernoulli(&mut rng, 0.1) {
                            f64::INFINITY
                        } else {
                            rng::uniform(&mut rng) + 0.05 * trial as f64 * x * x
                        }
                    })
                    .collect();
                let slopes = grid(-4.0, 4.0, 77);
                let dual = legendre_transform(&x, &f, &slopes).unwrap();
                for (j, &s) in slopes.iter().enumerate() {
                    let exact = brute(&x, &f, s);
                    assert!((dual.values[j] - exact).abs() <= 1e-13 * (1.0 + exact.abs()));
                    let i = dual.arguments[j];
                    assert_eq!(dual.values[j], s * x[i] - f[i]);
                }
                assert!(dual.arguments.is_sorted());
            }
        }
    }

    #[test]
    fn known_pairs_agree_within_the_error_of_the_grid() {
        type Pair = (fn(f64) -> f64, fn(f64) -> f64, f64, f64, f64);
        let pairs: [Pair; 4] = [
            // f, f*, range of slopes, largest f″ on the grid
            (|x| x * x / 2.0, |s| s * s / 2.0, -4.0, 4.0, 1.0),
            (f64::abs, |_| 0.0, -1.0, 1.0, 0.0),
            (
                f64::exp,
                |s| if s > 0.0 { s * s.ln() - s } else { 0.0 },
                0.01,
                100.0,
                149.0,
            ),
            // log 2cosh and the negative entropy of a spin of mean s.
            (
                |x| x.abs() + (-2.0 * x.abs()).exp().ln_1p(),
                |s| {
                    let (p, q) = (0.5 * (1.0 + s), 0.5 * (1.0 - s));
                    p * p.ln() + q * q.ln()
                },
                -0.999,
                0.999,
                1.0,
            ),
        ];
        for (i, (f, dual, a, b, curvature)) in pairs.into_iter().enumerate() {
            let x = grid(-5.0, 5.0, 4000);
            let h = 10.0 / 4000.0;
            let values: Vec<f64> = x.iter().map(|&x| f(x)).collect();
            let slopes = grid(a, b, 300);
            let found = legendre_transform(&x, &values, &slopes).unwrap().values;
            for (s, found) in slopes.iter().zip(found) {
                let exact = dual(*s);
                let rounding = 1e-13 * (1.0 + 10.0 * s.abs());
                assert!(found <= exact + rounding, "pair {i}, s = {s}");
                let bound = h * h * curvature / 8.0 + rounding;
                assert!(
                    found >= exact - bound,
                    "pair {i}, s = {s}: {found} vs {exact}"
                );
            }
        }
    }

    #[test]
    fn the_biconjugate_is_the_convex_envelope() {
        let x = grid(-2.0, 2.0, 400);
        let f: Vec<f64> = x.iter().map(|x| x.powi(4) - x * x + 0.1 * x).collect();
        let envelope = convex_envelope(&x, &f).unwrap();
        // All slopes of the hull's edges: the biconjugate is then exact on the grid.
        let hull = convex_hull(&x, &f).unwrap();
        let slopes: Vec<f64> = hull
            .windows(2)
            .map(|w| (f[w[1]] - f[w[0]]) / (x[w[1]] - x[w[0]]))
            .collect();
        let dual = legendre_transform(&x, &f, &slopes).unwrap();
        let again = legendre_transform(&slopes, &dual.values, &x).unwrap();
        for i in 0..x.len() {
            assert!((again.values[i] - envelope[i]).abs() < 1e-12, "{i}");
            assert!(envelope[i] <= f[i]);
        }
        assert!(envelope[200] < f[200] - 0.2, "the barrier is bridged");
        // A convex function is its own envelope.
        let g: Vec<f64> = x.iter().map(|x| x.exp()).collect();
        for (a, b) in convex_envelope(&x, &g).unwrap().iter().zip(&g) {
            assert!((a - b).abs() < 1e-14);
        }
    }

    #[test]
    fn bad_grids_and_values_are_typed_errors() {
        let t = legendre_transform;
        assert_eq!(t(&[], &[], &[]), Err(LegendreError::EmptyDomain));
        assert!(matches!(
            t(&[1.0], &[], &[]),
            Err(LegendreError::Length { .. })
        ));
        let e = t(&[1.0, 1.0], &[0.0; 2], &[]).unwrap_err();
        assert_eq!(
            e.to_string(),
            "points must be finite and increasing, but number 1 is 1"
        );
        assert!(t(&[0.0], &[f64::NAN], &[]).is_err());
        assert!(t(&[0.0], &[f64::NEG_INFINITY], &[]).is_err());
        assert_eq!(
            t(&[0.0], &[f64::INFINITY], &[]),
            Err(LegendreError::EmptyDomain)
        );
        assert!(t(&[0.0], &[0.0], &[1.0, 0.0]).is_err());
        assert!(t(&[0.0], &[0.0], &[f64::INFINITY]).is_err());
    }

    #[test]
    fn extreme_values_neither_overflow_nor_give_nan() {
        let m = f64::MAX;
        let d = legendre_transform(&[-m, 0.0, m], &[m, -m, m], &[-1.0, 0.0, 1.0]).unwrap();
        assert_eq!(d.values, [m, m, m]);
        assert!(
            convex_envelope(&[-m, 0.0, m], &[m, m, -m])
                .unwrap()
                .iter()
                .all(|v| v.is_finite())
        );
    }
}
