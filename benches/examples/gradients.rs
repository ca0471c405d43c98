//! How many gradients do MAMS and NUTS need for one accuracy? Prints a Markdown table.
//!
//! The measure is that of Robnik, Cohn-Gordon and Seljak (arXiv 2503.01707, table 1): with
//! `b²ᵢ = (mean of xᵢ² − E xᵢ²)²/Var xᵢ²` of one chain, the gradients per chain until the median
//! over chains of `max_i b²ᵢ` is below 0.01. Beside it stands what forgives no chain: the gradients
//! until the mean over chains of `b²ᵢ`, which is 1/ESS, is below 0.01 for every `i`. Each is counted
//! twice: from the end of the warm-up, and with the warm-up. Both samplers have the same warm-up
//! (400 steps, the same choice of metrics) and the same starts, uniform on (−2, 2).
//!
//! ```text
//! cargo run --release -p ergodic-benches --example gradients [chains] [name of a target]
//! ```

use ergodic_core::{
    Energy, EnergyGradient, MarkovKernel, Randomness, StepInfo, TargetError, WarmupStep,
};
use ergodic_math::rng::stream;
use ergodic_samplers::{Mams, Nuts};
use rayon::prelude::*;

type Gradient = Box<dyn Fn(&[f64], &mut [f64]) -> f64 + Sync>;

/// A target whose second moments are known.
struct Target {
    name: &'static str,
    dim: usize,
    gradient: Gradient,
    /// `E xᵢ²` and `Var xᵢ²`.
    square: Vec<(f64, f64)>,
    draws: usize,
}

impl Energy for Target {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        (self.gradient)(x, &mut vec![0.0; x.len()])
    }
}

impl EnergyGradient for Target {
    fn dim(&self) -> usize {
        self.dim
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        (self.gradient)(x, grad)
    }
}

/// Independent coordinates with variances from `κ^{−1/2}` to `κ^{1/2}`, evenly in the logarithm.
fn normal(name: &'static str, dim: usize, condition: f64) -> Target {
    let variance: Vec<f64> = (0..dim)
        .map(|i| condition.powf(i as f64 / (dim - 1) as f64 - 0.5))
        .collect();
    let square = variance.iter().map(|v| (*v, 2.0 * v * v)).collect();
    Target {
        name,
        dim,
        gradient: Box::new(move |x, g| {
            let mut energy = 0.0;
            for i in 0..x.len() {
                g[i] = x[i] / variance[i];
                energy += 0.5 * x[i] * g[i];
            }
            energy
        }),
        square,
        // The largest of more errors takes more draws to be small.
        draws: 4000 + 8 * dim,
    }
}

/// An autoregression of unit variance: neighbours are correlated with `ρ = 0.95`.
fn autoregression(dim: usize) -> Target {
    const RHO: f64 = 0.95;
    Target {
        name: "AR(1) 0.95",
        dim,
        gradient: Box::new(|x, g| {
            let s = 1.0 / (1.0 - RHO * RHO);
            let mut energy = 0.5 * x[0] * x[0];
            g.fill(0.0);
            g[0] = x[0];
            for i in 1..x.len() {
                let r = x[i] - RHO * x[i - 1];
                energy += 0.5 * s * r * r;
                g[i] += s * r;
                g[i - 1] -= s * RHO * r;
            }
            energy
        }),
        square: vec![(1.0, 2.0); dim],
        draws: 4000,
    }
}

/// `x₁ ~ N(0, 100)`, `x₂ ~ N(0.03(x₁² − 100), 1)`.
fn banana() -> Target {
    // x₂ = aZ + ξ with Z = x₁² − 100 of central moments 2·10⁴, 8·10⁶, 60·10⁸.
    let (a, v, m4) = (0.03f64, 2e4, 6e9);
    let second = a * a * v + 1.0;
    let fourth = a.powi(4) * m4 + 6.0 * a * a * v + 3.0;
    Target {
        name: "banana",
        dim: 2,
        gradient: Box::new(|x, g| {
            let r = x[1] - 0.03 * (x[0] * x[0] - 100.0);
            g[0] = x[0] / 100.0 - 0.06 * x[0] * r;
            g[1] = r;
            0.005 * x[0] * x[0] + 0.5 * r * r
        }),
        square: vec![(100.0, 2e4), (second, fourth - second * second)],
        draws: 40_000,
    }
}

/// 18 pairs of `x ~ N(1, 1)`, `y ~ N(x², 0.1)`.
fn rosenbrock() -> Target {
    // Moments of a normal with mean and variance 1: E x², E x⁴, E x⁶, E x⁸ = 2, 10, 76, 764.
    let q = 0.1;
    let (second, fourth) = (10.0 + q, 764.0 + 6.0 * 10.0 * q + 3.0 * q * q);
    let pair = [(2.0, 10.0 - 4.0), (second, fourth - second * second)];
    Target {
        name: "Rosenbrock",
        dim: 36,
        gradient: Box::new(move |x, g| {
            let mut energy = 0.0;
            for (x, g) in x.chunks_exact(2).zip(g.chunks_exact_mut(2)) {
                let r = (x[1] - x[0] * x[0]) / q;
                energy += 0.5 * (x[0] - 1.0).powi(2) + 0.5 * q * r * r;
                g[0] = x[0] - 1.0 - 2.0 * x[0] * r;
                g[1] = r;
            }
            energy
        }),
        square: pair.repeat(18),
        draws: 6000,
    }
}

const WARMUP: usize = 400;

/// What a chain leaves: gradients of its warm-up, and per checkpoint the gradients since then and
/// the squared errors.
struct Chain {
    warmup: u64,
    gradients: Vec<u64>,
    errors: Vec<Vec<f64>>,
}

fn run<K: MarkovKernel<Target>>(
    mut kernel: K,
    target: &Target,
    checkpoints: &[usize],
    chain: u64,
) -> Result<Chain, TargetError> {
    let mut rng = stream(20_251_121, chain);
    let start: Vec<f64> = (0..target.dim).map(|_| 4.0 * rng.uniform() - 2.0).collect();
    let mut state = kernel.init(target, &start)?;
    let mut warmup = 0;
    for step in 0..WARMUP {
        let info = kernel.step(target, &mut state, &mut rng)?;
        warmup += info.stats().gradients;
        let at = WarmupStep { step, of: WARMUP };
        kernel.adapt(target, &mut state, Some(&info), at, &mut rng)?;
    }
    let (mut spent, mut sums) = (0, vec![0.0; target.dim]);
    let (mut gradients, mut errors) = (Vec::new(), Vec::new());
    for draw in 1..=target.draws {
        let info = kernel.step(target, &mut state, &mut rng)?;
        spent += info.stats().gradients;
        for (s, x) in sums.iter_mut().zip(kernel.position(target, &state)) {
            *s += x * x;
        }
        if checkpoints.contains(&draw) {
            gradients.push(spent);
            let error = |(s, (mean, variance)): (&f64, &(f64, f64))| {
                (s / draw as f64 - mean).powi(2) / variance
            };
            errors.push(sums.iter().zip(&target.square).map(error).collect());
        }
    }
    Ok(Chain {
        warmup,
        gradients,
        errors,
    })
}

/// Gradients per chain: of the warm-up, and after it until the error is below 0.01, if it ever is.
struct Cost {
    warmup: f64,
    median: Option<f64>,
    mean: Option<f64>,
}

fn measure<K>(kernel: &K, target: &Target, chains: u64) -> Result<Cost, TargetError>
where
    K: MarkovKernel<Target> + Sync,
{
    let mut checkpoints = vec![10];
    while let Some(&last) = checkpoints.last()
        && last < target.draws
    {
        checkpoints.push((last + last.div_ceil(20)).min(target.draws));
    }
    let runs: Vec<Chain> = (0..chains)
        .into_par_iter()
        .map(|chain| run(kernel.clone(), target, &checkpoints, chain))
        .collect::<Result<_, _>>()?;
    let mean = |f: &dyn Fn(&Chain) -> f64| runs.iter().map(f).sum::<f64>() / chains as f64;
    // The first checkpoint from which on the error stays below.
    let reached = |error: &dyn Fn(usize) -> f64| {
        let last = (0..checkpoints.len())
            .rev()
            .take_while(|k| error(*k) < 0.01)
            .last();
        last.map(|k| mean(&|c| c.gradients[k] as f64))
    };
    let largest = |errors: &mut dyn Iterator<Item = f64>| errors.fold(0.0, f64::max);
    Ok(Cost {
        warmup: mean(&|c| c.warmup as f64),
        median: reached(&|k| {
            let worst = runs
                .iter()
                .map(|c| largest(&mut c.errors[k].iter().copied()));
            let mut worst: Vec<f64> = worst.collect();
            worst.sort_unstable_by(f64::total_cmp);
            let middle = worst.len() / 2;
            0.5 * (worst[middle] + worst[worst.len() - 1 - middle])
        }),
        mean: reached(&|k| largest(&mut (0..target.dim).map(|i| mean(&|c| c.errors[k][i])))),
    })
}

fn main() -> Result<(), TargetError> {
    let mut arguments = std::env::args().skip(1);
    let chains = arguments.next().and_then(|a| a.parse().ok()).unwrap_or(64);
    let only = arguments.next();
    let targets = [
        normal("standard normal, 100", 100, 1.0),
        normal("normal, 100, condition 100", 100, 100.0),
        normal("normal, 1000, condition 10⁴", 1000, 1e4),
        autoregression(100),
        banana(),
        rosenbrock(),
    ];
    println!("| target | error | MAMS | NUTS | ratio | with warm-up: MAMS | NUTS | ratio |");
    println!("|---|---|---|---|---|---|---|---|");
    for target in &targets {
        if only
            .as_ref()
            .is_some_and(|name| !target.name.contains(name.as_str()))
        {
            continue;
        }
        let mams = measure(&Mams::new(), target, chains)?;
        let nuts = measure(&Nuts::new(), target, chains)?;
        let show = |x: Option<f64>| x.map_or("not reached".into(), |x| format!("{x:.0}"));
        let pair = |a: Option<f64>, b: Option<f64>| {
            let ratio = a
                .zip(b)
                .map_or("–".into(), |(a, b)| format!("{:.2}", b / a));
            format!("{} | {} | {ratio}", show(a), show(b))
        };
        for (name, a, b) in [
            ("median", mams.median, nuts.median),
            ("mean", mams.mean, nuts.mean),
        ] {
            println!(
                "| {} | {name} | {} | {} |",
                target.name,
                pair(a, b),
                pair(a.map(|a| a + mams.warmup), b.map(|b| b + nuts.warmup)),
            );
        }
    }
    Ok(())
}
