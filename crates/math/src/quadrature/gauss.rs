//! Nodes and weights of the classical Gauss rules.

use super::{MAX_NODES, QuadratureError, Rule};
use crate::reduce::two_sum;

/// A weight function, by the recurrence of its orthonormal polynomials
/// `√βₖ₊₁ pₖ₊₁ = (x − αₖ) pₖ − √βₖ pₖ₋₁`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Weight {
    Legendre,
    Hermite,
    Normal,
    Laguerre,
}

impl Weight {
    /// `αₖ`, exact.
    fn alpha(self, k: usize) -> f64 {
        match self {
            Self::Laguerre => (2 * k + 1) as f64,
            _ => 0.0,
        }
    }

    /// `√βₖ`, `k ≥ 1`.
    fn root_beta(self, k: usize) -> Double {
        let k = k as f64;
        match self {
            Self::Legendre => Double::from(k).over(Double::root(4.0 * k * k - 1.0)),
            Self::Hermite => Double::root(0.5 * k),
            Self::Normal => Double::root(k),
            Self::Laguerre => Double::from(k),
        }
    }

    /// `μ₀`, the integral of the weight.
    fn mass(self) -> f64 {
        match self {
            Self::Legendre => 2.0,
            // √π, correctly rounded.
            Self::Hermite => 1.7724538509055161,
            Self::Normal | Self::Laguerre => 1.0,
        }
    }

    fn is_symmetric(self) -> bool {
        self != Self::Laguerre
    }
}

/// A number of some 106 bits as an unevaluated sum (Dekker, *Numer. Math.* 18, 1971). Without
/// fused multiply-adds: the same bits on every CPU.
#[derive(Clone, Copy, Debug)]
struct Double {
    hi: f64,
    lo: f64,
}

impl From<f64> for Double {
    fn from(hi: f64) -> Self {
        Self { hi, lo: 0.0 }
    }
}

impl Double {
    /// The sum of two numbers, the first the larger.
    #[inline(always)]
    fn quick(a: f64, b: f64) -> Self {
        let hi = a + b;
        Self {
            hi,
            lo: b - (hi - a),
        }
    }

    /// The exact product of two numbers below 2⁹⁰⁰.
    #[inline(always)]
    fn product(a: f64, b: f64) -> Self {
        let split = |x: f64| {
            let t = 134_217_729.0 * x; // 2²⁷ + 1
            let high = t - (t - x);
            (high, x - high)
        };
        let hi = a * b;
        let ((ah, al), (bh, bl)) = (split(a), split(b));
        Self {
            hi,
            lo: ((ah * bh - hi) + ah * bl + al * bh) + al * bl,
        }
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        let p = Self::product(self.hi, other.hi);
        Self::quick(p.hi, p.lo + (self.hi * other.lo + self.lo * other.hi))
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        let (s, e) = two_sum(self.hi, other.hi);
        let (t, f) = two_sum(self.lo, other.lo);
        let first = Self::quick(s, e + t);
        Self::quick(first.hi, first.lo + f)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.plus(Self {
            hi: -other.hi,
            lo: -other.lo,
        })
    }

    fn over(self, other: Self) -> Self {
        let q = self.hi / other.hi;
        let rest = self.minus(other.times(q.into()));
        Self::quick(q, rest.hi / other.hi)
    }

    fn root(x: f64) -> Self {
        let s = x.sqrt();
        let rest = Self::from(x).minus(Self::product(s, s));
        Self::quick(s, rest.hi / (2.0 * s))
    }

    #[inline(always)]
    fn scaled(self, power_of_two: f64) -> Self {
        Self {
            hi: self.hi * power_of_two,
            lo: self.lo * power_of_two,
        }
    }
}

/// The recurrence of the first `n` orthonormal polynomials of the weight over its mass.
struct Recurrence {
    alpha: Vec<f64>,
    /// `√βₖ` for `k = 0..=n`, the first 0.
    root: Vec<Double>,
    /// `1/√βₖ₊₁`.
    inverse: Vec<Double>,
}

/// Polynomials this large are scaled down; the limit leaves room for squares and their sum.
const LARGE: f64 = 2.037035976334486e90; // 2³⁰⁰

impl Recurrence {
    fn new(weight: Weight, n: usize) -> Self {
        let mut root: Vec<Double> = (1..=n).map(|k| weight.root_beta(k)).collect();
        let inverse = root.iter().map(|&b| Double::from(1.0).over(b)).collect();
        root.insert(0, 0.0.into());
        Self {
            alpha: (0..n).map(|k| weight.alpha(k)).collect(),
            root,
            inverse,
        }
    }

    /// At `x`: the Newton step to the nearby root of `pₙ`, and `K = Σ_{k<n} pₖ²` as
    /// `mantissa·2^exponent`.
    ///
    /// At a root, `K = √βₙ pₙ′ pₙ₋₁` (Christoffel–Darboux), which gives the derivative.
    fn at(&self, x: Double) -> (f64, (f64, i32)) {
        let n = self.alpha.len();
        let (mut before, mut p) = (Double::from(0.0), Double::from(1.0));
        let (mut sum, mut rest) = (0.0, 0.0);
        let mut exponent = 0;
        for k in 0..n {
            let (s, e) = two_sum(sum, p.hi * p.hi);
            sum = s;
            // The low part of p adds 2·hi·lo to the square.
            rest += e + 2.0 * p.hi * p.lo;
            let next = x
                .minus(self.alpha[k].into())
                .times(p)
                .minus(self.root[k].times(before))
                .times(self.inverse[k]);
            (before, p) = (p, next);
            if p.hi.abs() > LARGE {
                before = before.scaled(1.0 / LARGE);
                p = p.scaled(1.0 / LARGE);
                sum = sum / LARGE / LARGE;
                rest = rest / LARGE / LARGE;
                exponent += 600;
            }
        }
        let kernel = sum + rest;
        let step = -(p.hi / kernel) * (self.root[n].hi * before.hi);
        (step, (kernel, exponent))
    }

    /// The root of `pₙ` next to `x`, and its Christoffel number.
    fn polish(&self, x: f64, mass: f64) -> Option<(f64, f64)> {
        let mut x = Double::from(x);
        for _ in 0..8 {
            let (step, (kernel, exponent)) = self.at(x);
            x = x.plus(step.into());
            if step.abs() <= 1e-19 * x.hi.abs() {
                return Some((x.hi, ldexp(mass / kernel, -exponent)));
            }
        }
        None
    }
}

/// `x·2ᵉ` for `e ≤ 0`, rounded once into the subnormal numbers.
fn ldexp(mut x: f64, mut e: i32) -> f64 {
    while e < -1000 && x != 0.0 {
        x *= 2f64.powi(-500);
        e += 500;
    }
    let half = e / 2;
    x * 2f64.powi(half) * 2f64.powi(e - half)
}

/// All eigenvalues of the symmetric tridiagonal matrix with diagonal `d` and off-diagonal `e`
/// (`e[i]` between `i` and `i + 1`), in increasing order, to `ε‖T‖` or so, by implicit QL steps
/// with Wilkinson shifts; `O(n²)`. Source: Golub and Van Loan, *Matrix Computations*, 4th ed.,
/// §8.3.
fn eigenvalues(mut d: Vec<f64>, mut e: Vec<f64>) -> Option<Vec<f64>> {
    let n = d.len();
    e.resize(n, 0.0);
    let norm = d.iter().chain(&e).fold(0.0f64, |norm, x| norm.max(x.abs()));
    let negligible = f64::EPSILON * norm;
    for l in 0..n {
        let mut budget = 100;
        loop {
            let m = (l..n - 1)
                .find(|&m| e[m].abs() <= negligible)
                .unwrap_or(n - 1);
            if m == l {
                break;
            }
            if budget == 0 {
                return None;
            }
            budget -= 1;
            let g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let r = (g * g + 1.0).sqrt();
            let mut g = d[m] - d[l] + e[l] / (g + r.copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut split = false;
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let r = (f * f + g * g).sqrt();
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    split = true;
                    break;
                }
                s = f / r;
                c = g / r;
                g = d[i + 1] - p;
                let r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
            }
            if !split {
                d[l] -= p;
                e[l] = g;
            }
            e[m] = 0.0;
        }
    }
    d.sort_by(f64::total_cmp);
    Some(d)
}

pub(super) fn rule(weight: Weight, n: usize) -> Result<Rule, QuadratureError> {
    if n == 0 || n > MAX_NODES {
        return Err(QuadratureError::Nodes { found: n });
    }
    let failed = QuadratureError::Nodeless { nodes: n };
    let recurrence = Recurrence::new(weight, n);
    let off = recurrence.root[1..n].iter().map(|b| b.hi).collect();
    let starts = eigenvalues(recurrence.alpha.clone(), off).ok_or(failed)?;
    let mass = weight.mass();
    let mut nodes = vec![0.0; n];
    let mut weights = vec![0.0; n];
    // Symmetric rules: the upper half, mirrored.
    let first = if weight.is_symmetric() { n / 2 } else { 0 };
    for i in first..n {
        let centre = weight.is_symmetric() && 2 * i + 1 == n;
        let start = if centre { 0.0 } else { starts[i] };
        let (x, w) = recurrence.polish(start, mass).ok_or(failed)?;
        if i > first && x <= nodes[i - 1] {
            return Err(failed);
        }
        (nodes[i], weights[i]) = (x, w);
        if weight.is_symmetric() {
            (nodes[n - 1 - i], weights[n - 1 - i]) = (-x, w);
        }
        if centre {
            nodes[i] = 0.0;
        }
    }
    Ok(Rule { nodes, weights })
}
