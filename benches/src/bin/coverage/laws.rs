//! Laws whose information quantities are known, and samples of them.

use ergodic_core::Randomness;
use ergodic_info::continuous::TwoSamples;
use ergodic_info::{Counts, Pair, Points, Symbols, Triple};
use ergodic_math::Real;
use ergodic_math::special::{digamma, ln_gamma};
use std::f64::consts::PI;

/// A generator as the laws see it.
pub(crate) type Rng = dyn Randomness;

/// One draw of data with the true value of what is estimated, which differs between draws where
/// the law itself is random.
pub(crate) type Draw<D> = Box<dyn Fn(usize, &mut Rng) -> (D, f64) + Sync>;

/// A law by its name.
pub(crate) struct Law<D> {
    pub(crate) name: String,
    pub(crate) draw: Draw<D>,
}

impl<D> Law<D> {
    fn new(
        name: impl Into<String>,
        draw: impl Fn(usize, &mut Rng) -> (D, f64) + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            draw: Box::new(draw),
        }
    }
}

/// A gamma variate of shape `a` and scale 1 (Marsaglia and Tsang, *ACM Trans. Math. Softw.* 26, 2000).
fn gamma(a: f64, rng: &mut Rng) -> f64 {
    if a < 1.0 {
        let u = 1.0 - rng.uniform();
        return gamma(a + 1.0, rng) * Real::exp(Real::ln(u) / a);
    }
    let d = a - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = rng.normal();
        let v = (1.0 + c * x) * (1.0 + c * x) * (1.0 + c * x);
        if v > 0.0 && Real::ln(1.0 - rng.uniform()) < 0.5 * x * x + d * (1.0 - v + Real::ln(v)) {
            return d * v;
        }
    }
}

/// `Σ −p ln p` of weights, divided by their sum.
fn entropy(weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let positive = weights.iter().filter(|w| **w > 0.0);
    positive.map(|w| -w / total * Real::ln(w / total)).sum()
}

/// `n` draws from weights by inversion of their running sums.
fn draws(weights: &[f64], n: usize, rng: &mut Rng) -> Vec<u32> {
    let mut running = Vec::with_capacity(weights.len());
    let mut sum = 0.0;
    for w in weights {
        sum += w;
        running.push(sum);
    }
    (0..n)
        .map(|_| {
            let u = rng.uniform() * sum;
            running.partition_point(|r| *r <= u).min(weights.len() - 1) as u32
        })
        .collect()
}

fn histogram(weights: &[f64], n: usize, known: bool, rng: &mut Rng) -> Counts {
    let mut counts = vec![0; weights.len()];
    for code in draws(weights, n, rng) {
        counts[code as usize] += 1;
    }
    if known {
        Counts::new(counts).expect("n > 0")
    } else {
        counts.retain(|c| *c > 0);
        Counts::observed_only(counts).expect("n > 0")
    }
}

fn of_alphabet(known: bool) -> &'static str {
    if known { "K known" } else { "K unknown" }
}

/// Zipf's law with exponent 1 on `alphabet` symbols.
pub(crate) fn zipf(alphabet: usize, known: bool) -> Law<Counts> {
    let weights: Vec<f64> = (1..=alphabet).map(|i| 1.0 / i as f64).collect();
    let truth = entropy(&weights);
    let name = format!("Zipf(1), K = {alphabet}, {}", of_alphabet(known));
    Law::new(name, move |n, rng| {
        (histogram(&weights, n, known, rng), truth)
    })
}

/// The uniform law.
pub(crate) fn uniform(alphabet: usize, known: bool) -> Law<Counts> {
    let weights = vec![1.0; alphabet];
    let name = format!("uniform, K = {alphabet}, {}", of_alphabet(known));
    Law::new(name, move |n, rng| {
        (histogram(&weights, n, known, rng), entropy(&weights))
    })
}

/// A new law for every sample, from a symmetric Dirichlet law.
pub(crate) fn dirichlet(alphabet: usize, concentration: f64, known: bool) -> Law<Counts> {
    let name = format!(
        "Dirichlet({concentration}), K = {alphabet}, {}",
        of_alphabet(known)
    );
    Law::new(name, move |n, rng| {
        let weights: Vec<f64> = (0..alphabet).map(|_| gamma(concentration, rng)).collect();
        (histogram(&weights, n, known, rng), entropy(&weights))
    })
}

/// A new joint law of two symbols for every sample.
pub(crate) fn dirichlet_pair(side: usize, concentration: f64) -> Law<Pair<Symbols>> {
    let name = format!("Dirichlet({concentration}), {side} × {side}, K known");
    Law::new(name, move |n, rng| {
        let joint: Vec<f64> = (0..side * side)
            .map(|_| gamma(concentration, rng))
            .collect();
        table_pair(&joint, side, n, rng)
    })
}

/// Two independent uniform symbols.
pub(crate) fn independent_pair(side: usize) -> Law<Pair<Symbols>> {
    let name = format!("independent, uniform, {side} × {side}, K known");
    Law::new(name, move |n, rng| {
        table_pair(&vec![1.0; side * side], side, n, rng)
    })
}

fn table_pair(joint: &[f64], side: usize, n: usize, rng: &mut Rng) -> (Pair<Symbols>, f64) {
    let mut margins = vec![0.0; 2 * side];
    for (cell, p) in joint.iter().enumerate() {
        margins[cell / side] += p;
        margins[side + cell % side] += p;
    }
    let truth = entropy(&margins[..side]) + entropy(&margins[side..]) - entropy(joint);
    let cells = draws(joint, n, rng);
    let of = |f: &dyn Fn(u32) -> u32| -> Symbols {
        let codes: Vec<u32> = cells.iter().map(|c| f(*c)).collect();
        Symbols::new(codes, side as u32).expect("codes below the side")
    };
    let side = side as u32;
    (
        Pair::new(of(&|c| c / side), of(&|c| c % side)).expect("equal lengths"),
        truth,
    )
}

fn points(values: Vec<f64>, dim: usize) -> Points {
    Points::new(values, dim).expect("finite draws")
}

/// The standard normal law in `dim` dimensions; its entropy.
pub(crate) fn normal(dim: usize) -> Law<Points> {
    let truth = 0.5 * dim as f64 * (1.0 + Real::ln(2.0 * PI));
    Law::new(format!("normal, {dim}-d"), move |n, rng| {
        let values = (0..n * dim).map(|_| rng.normal()).collect();
        (points(values, dim), truth)
    })
}

/// The entropy of the standard multivariate Student law (Guerrero-Cusumano, *Stat. Prob. Lett.* 1996).
fn student_entropy(dim: usize, degrees: f64) -> f64 {
    let d = dim as f64;
    let (whole, half) = (0.5 * (degrees + d), 0.5 * degrees);
    ln_gamma(half) - ln_gamma(whole)
        + 0.5 * d * Real::ln(degrees * PI)
        + whole * (digamma(whole) - digamma(half))
}

/// Student's law in `dim` dimensions; its entropy.
pub(crate) fn student(dim: usize, degrees: f64) -> Law<Points> {
    let truth = student_entropy(dim, degrees);
    Law::new(format!("Student-t({degrees}), {dim}-d"), move |n, rng| {
        let mut values = Vec::with_capacity(n * dim);
        for _ in 0..n {
            let scale = (0.5 * degrees / gamma(0.5 * degrees, rng)).sqrt();
            values.extend((0..dim).map(|_| scale * rng.normal()));
        }
        (points(values, dim), truth)
    })
}

/// The uniform law on the unit interval or cube; its entropy is 0.
pub(crate) fn uniform_cube(dim: usize) -> Law<Points> {
    Law::new(format!("uniform cube, {dim}-d"), move |n, rng| {
        let values = (0..n * dim).map(|_| rng.uniform()).collect();
        (points(values, dim), 0.0)
    })
}

/// Independent standard exponential coordinates, each of entropy 1.
pub(crate) fn exponential(dim: usize) -> Law<Points> {
    Law::new(format!("exponential, {dim}-d"), move |n, rng| {
        let values = (0..n * dim).map(|_| rng.exponential()).collect();
        (points(values, dim), dim as f64)
    })
}

/// Pairs of correlated normals with rows `(x, y)` of `dim` independent pairs each.
pub(crate) fn correlated(dim: usize, rho: f64, n: usize, rng: &mut Rng) -> (Vec<f64>, Vec<f64>) {
    let own = (1.0 - rho * rho).sqrt();
    let mut both = (Vec::with_capacity(n * dim), Vec::with_capacity(n * dim));
    for _ in 0..n * dim {
        let x = rng.normal();
        both.0.push(x);
        both.1.push(rho * x + own * rng.normal());
    }
    both
}

/// `−½ dim ln(1 − ρ²)`.
pub(crate) fn correlated_truth(dim: usize, rho: f64) -> f64 {
    -0.5 * dim as f64 * Real::ln(1.0 - rho * rho)
}

/// `dim` pairs of normals of correlation `rho`; their mutual information.
pub(crate) fn normal_pair(dim: usize, rho: f64) -> Law<Pair<Points>> {
    Law::new(
        format!("normal, {dim} + {dim}, ρ = {rho}"),
        move |n, rng| {
            let (x, y) = correlated(dim, rho, n, rng);
            let pair = Pair::new(points(x, dim), points(y, dim)).expect("equal lengths");
            (pair, correlated_truth(dim, rho))
        },
    )
}

/// A bivariate Student law of correlation `rho`: its mutual information does not vanish at ρ = 0.
pub(crate) fn student_pair(degrees: f64, rho: f64) -> Law<Pair<Points>> {
    let truth =
        correlated_truth(1, rho) + 2.0 * student_entropy(1, degrees) - student_entropy(2, degrees);
    Law::new(
        format!("Student-t({degrees}), 1 + 1, ρ = {rho}"),
        move |n, rng| {
            let (mut x, mut y) = correlated(1, rho, n, rng);
            for (x, y) in x.iter_mut().zip(&mut y) {
                let scale = (0.5 * degrees / gamma(0.5 * degrees, rng)).sqrt();
                *x *= scale;
                *y *= scale;
            }
            let pair = Pair::new(points(x, 1), points(y, 1)).expect("equal lengths");
            (pair, truth)
        },
    )
}

/// `X` uniform on `0..m`, `Y` uniform on `[X, X + 2]` (Gao, Kannan, Oh, Viswanath, 2017): discrete against
/// continuous, `I = ln m − (m − 1)/m·ln 2`.
pub(crate) fn mixed_pair(m: usize) -> Law<Pair<Points>> {
    let truth = Real::ln(m as f64) - (m - 1) as f64 / m as f64 * Real::ln(2.0);
    Law::new(
        format!("mixed: X of {m} symbols, Y in [X, X + 2]"),
        move |n, rng| {
            let x: Vec<f64> = (0..n).map(|_| rng.index(m) as f64).collect();
            let y = x.iter().map(|x| x + 2.0 * rng.uniform()).collect();
            let pair = Pair::new(points(x, 1), points(y, 1)).expect("equal lengths");
            (pair, truth)
        },
    )
}

/// Zero-inflated: `X` exponential, `Y = 0` with probability `zero`, else Poisson with mean `X`, after the
/// same paper: `I = (1 − zero)(2 ln 2 − γ − Σ_{k≥1} ln k · 2^{−k})`.
pub(crate) fn zero_inflated(zero: f64) -> Law<Pair<Points>> {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let tail: f64 = (1..200u32)
        .map(|k| Real::ln(f64::from(k)) * Real::exp(-f64::from(k) * Real::ln(2.0)))
        .sum();
    let poisson = 2.0 * Real::ln(2.0) - EULER - tail;
    // With the zeros known as such the information would be (1 − zero)·poisson; here they mix with
    // those of the Poisson law, so the truth is computed from the law of (X, Y) below.
    let truth = zero_inflated_truth(zero, poisson);
    Law::new(
        format!("mixed: exponential X, Poisson(X) with {zero} more zeros"),
        move |n, rng| {
            let x: Vec<f64> = (0..n).map(|_| rng.exponential()).collect();
            let y = x
                .iter()
                .map(|mean| {
                    if rng.bernoulli(zero) {
                        return 0.0;
                    }
                    // Arrivals of a unit process before the mean.
                    let (mut time, mut count) = (rng.exponential(), 0.0);
                    while time < *mean {
                        time += rng.exponential();
                        count += 1.0;
                    }
                    count
                })
                .collect();
            let pair = Pair::new(points(x, 1), points(y, 1)).expect("equal lengths");
            (pair, truth)
        },
    )
}

/// `H(Y) − H(Y | X)` with `P(Y = 0) = z + (1 − z)/2`, `P(Y = k) = (1 − z)2^{−k−1}`; the conditional entropy by
/// Simpson's rule over `x`. At `z = 0` it is `poisson`, checked.
fn zero_inflated_truth(zero: f64, poisson: f64) -> f64 {
    let information = |z: f64| {
        const TERMS: u32 = 120;
        let mut margin = z + 0.5 * (1.0 - z);
        let mut marginal = -margin * Real::ln(margin);
        for k in 1..TERMS {
            margin = (1.0 - z) * Real::exp(-f64::from(k + 1) * Real::ln(2.0));
            marginal -= margin * Real::ln(margin);
        }
        let given = |x: f64| {
            let mut sum = 0.0;
            for k in 0..TERMS {
                let log = f64::from(k) * Real::ln(x.max(1e-300)) - x - ln_gamma(f64::from(k) + 1.0);
                let p = if k == 0 {
                    z + (1.0 - z) * Real::exp(-x)
                } else {
                    (1.0 - z) * Real::exp(log)
                };
                if p > 0.0 {
                    sum -= p * Real::ln(p);
                }
            }
            Real::exp(-x) * sum
        };
        const STEPS: usize = 8_000;
        let h = 40.0 / STEPS as f64;
        let weighted = (0..=STEPS).map(|i| {
            let weight = match i {
                0 | STEPS => 1.0,
                _ if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * given(i as f64 * h)
        });
        marginal - h / 3.0 * weighted.sum::<f64>()
    };
    assert!(
        (information(0.0) - poisson).abs() < 1e-4,
        "the integral has to agree with the closed form: {} and {poisson}",
        information(0.0)
    );
    information(zero)
}

/// Two normal samples of one size, N(0, 1) and N(1, 4); their divergence.
pub(crate) fn two_normals() -> Law<TwoSamples> {
    Law::new("N(0, 1) against N(1, 4)", move |n, rng| {
        let p = (0..n).map(|_| rng.normal()).collect();
        let q = (0..n).map(|_| 1.0 + 2.0 * rng.normal()).collect();
        let both = TwoSamples::new(points(p, 1), points(q, 1)).expect("one dimension");
        (both, 0.443_147_180_559_945_3)
    })
}

/// `x` and `y` with a common cause `z` and a tie of their own: partial correlation `rho` given `z`.
pub(crate) fn conditional_normals(rho: f64) -> Law<Triple<Points>> {
    Law::new(
        format!("normal, partial ρ = {rho} given z"),
        move |n, rng| {
            let (mut x, mut y) = correlated(1, rho, n, rng);
            let z: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
            for ((x, y), z) in x.iter_mut().zip(&mut y).zip(&z) {
                *x += z;
                *y += z;
            }
            let triple = Triple::new(points(x, 1), points(y, 1), points(z, 1));
            (triple.expect("equal lengths"), correlated_truth(1, rho))
        },
    )
}

/// `y_{t+1} = .5 x_t + n_t` with white noise: transfer entropy `½ ln 1.25`.
pub(crate) fn driven() -> Law<ergodic_info::series::Series<Pair<Points>>> {
    Law::new("series y′ = .5x + n", move |n, rng| {
        let x: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let mut y: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        for t in 1..n {
            y[t] += 0.5 * x[t - 1];
        }
        let series = ergodic_info::series::Series::coupled(points(x, 1), points(y, 1));
        (series.expect("equal lengths"), 0.5 * Real::ln(1.25))
    })
}
