//! The worst bias of an additive estimator of entropy over all laws on a known alphabet.

use ergodic_math::Real;

use super::rule::{BiasBounds, Terms};

/// Where the grid of `x = np` turns from equal steps of `√x` to a geometric one.
const TURN: f64 = 9.0;
const ROOT_STEP: f64 = 0.05;
const RATIO: f64 = 1.05;

/// Bounds of `c + Σᵢ b(pᵢ)`, `b(p) = E g(N) + p log p` with `N` binomial (`n`, `p`), over all laws
/// of `K` probabilities.
///
/// `Σᵢ b(pᵢ) ≤ K·b̂(1/K)` with the concave envelope `b̂` of `b` (Jensen), and likewise below. The
/// envelope is that of `b` on a grid, raised by twice the sag of the parabola through neighbours,
/// which is where an error of some percent of the bound is allowed for. Expectations are exact sums;
/// of wide laws, trapezoid sums over pairs of neighbouring counts (whose error is `e⁻⁴⁰`, and which
/// see even and odd counts alike).
pub(super) fn worst_bias(terms: &Terms<'_>, n: u64, alphabet: u64) -> BiasBounds {
    let nf = n as f64;
    let k = alphabet as f64;
    let grid = grid(n);
    let b: Vec<f64> = grid.iter().map(|x| local_bias(terms, n, *x)).collect();
    let sag: Vec<f64> = (0..grid.len())
        .map(|i| {
            if i == 0 || i + 1 == grid.len() {
                return 0.0;
            }
            let (l, m, r) = (grid[i - 1], grid[i], grid[i + 1]);
            let chord = if r > l {
                b[i - 1] + (b[i + 1] - b[i - 1]) * (m - l) / (r - l)
            } else {
                b[i]
            };
            0.5 * (b[i] - chord).abs()
        })
        .collect();
    let allowed = |i: usize| {
        let before = if i > 0 { sag[i - 1] } else { 0.0 };
        let after = sag.get(i + 1).copied().unwrap_or(0.0);
        sag[i].max(before).max(after)
    };
    // What rounding of numbers up to log n leaves in a difference of them.
    let rounding = 4.0 * f64::EPSILON * (1.0 + libm::log(nf));
    let at = (nf / k).min(nf);
    let raised: Vec<f64> = (0..b.len()).map(|i| b[i] + allowed(i)).collect();
    let lowered: Vec<f64> = (0..b.len()).map(|i| -b[i] + allowed(i)).collect();
    let upper = terms.constant + k * envelope(&grid, &raised, at) + rounding;
    let lower = terms.constant - k * envelope(&grid, &lowered, at) - rounding;
    BiasBounds { lower, upper }
}

/// Values of `x = np` from 0 to n, dense where `b` bends: near both ends.
fn grid(n: u64) -> Vec<f64> {
    let nf = n as f64;
    let mut half = vec![0.0];
    let mut i = 1.0;
    loop {
        let x = if i * ROOT_STEP < TURN.sqrt() {
            (i * ROOT_STEP) * (i * ROOT_STEP)
        } else {
            half[half.len() - 1] * RATIO
        };
        if x >= 0.5 * nf {
            break;
        }
        half.push(x);
        i += 1.0;
    }
    let mut all = half.clone();
    all.push(0.5 * nf);
    all.extend(half.iter().rev().map(|x| nf - x));
    all
}

/// `b(x/n)` without the constant.
fn local_bias(terms: &Terms<'_>, n: u64, x: f64) -> f64 {
    let nf = n as f64;
    let g = &terms.of_count;
    if x <= 0.0 {
        return g(0);
    }
    if x >= nf {
        return g(n);
    }
    let p = x / nf;
    // −p log p with its digits near both ends; n − x is exact where it matters.
    let entropy = if 2.0 * x > nf {
        -p * Real::ln_1p(-(nf - x) / nf)
    } else {
        -p * Real::ln(p)
    };
    let sd = (x * (1.0 - p)).sqrt();
    let low = (x - 9.0 * sd - 10.0).max(0.0).floor();
    let high = (x + 9.0 * sd + 10.0).min(nf).ceil();
    let (mut mass, mut sum) = (0.0, 0.0);
    if sd < 20.0 {
        // The ratio of neighbouring masses, from the mode outwards.
        let mode = ((nf + 1.0) * p).floor().min(nf);
        let peak = 1.0;
        let ratio = p / (1.0 - p);
        let mut add = |j: f64, w: f64| {
            mass += w;
            sum += w * (g(j as u64) - entropy);
        };
        let (mut j, mut w) = (mode, peak);
        while j <= high && w > 0.0 {
            add(j, w);
            w *= (nf - j) / (j + 1.0) * ratio;
            j += 1.0;
        }
        (j, w) = (mode, peak);
        while j > low {
            w *= j / (nf - j + 1.0) / ratio;
            j -= 1.0;
            add(j, w);
        }
    } else {
        // Stirling's form, relative to its value without corrections: no large terms cancel.
        let deviance = |mean: f64, t: f64| mean * ((1.0 + t) * Real::ln_1p(t) - t);
        let log_mass = |j: f64| {
            let d = j - x;
            -deviance(x, d / x)
                - deviance(nf - x, -d / (nf - x))
                - 0.5 * (Real::ln(j / x) + Real::ln((nf - j) / (nf - x)))
                - (1.0 / j + 1.0 / (nf - j)) / 12.0
        };
        let stride = (0.3 * sd).floor();
        let mut j = low;
        while j + 1.0 <= high {
            for j in [j, j + 1.0] {
                let w = Real::exp(log_mass(j));
                mass += w;
                sum += w * (g(j as u64) - entropy);
            }
            j += 2.0 * stride;
        }
    }
    sum / mass
}

/// The concave envelope of the points at `x`, by the upper hull.
fn envelope(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    let mut hull: Vec<(f64, f64)> = Vec::new();
    for point in xs.iter().copied().zip(ys.iter().copied()) {
        if let Some(last) = hull.last_mut()
            && point.0 <= last.0
        {
            last.1 = last.1.max(point.1);
            continue;
        }
        while let [.., a, b] = hull[..] {
            if (b.1 - a.1) * (point.0 - a.0) <= (point.1 - a.1) * (b.0 - a.0) {
                hull.pop();
            } else {
                break;
            }
        }
        hull.push(point);
    }
    let mut previous = hull[0];
    for &next in &hull[1..] {
        if x <= next.0 {
            let share = (x - previous.0) / (next.0 - previous.0);
            return previous.1 + share * (next.1 - previous.1);
        }
        previous = next;
    }
    previous.1
}
