//! Runs NUTS on the targets of the comparison with other packages, by its protocol.
//!
//! `nuts TARGET WARMUP DRAWS SEED PREFIX [DATA [ACCEPTANCE]]`: four chains one after another on one
//! thread, CPU seconds of that thread. Writes `PREFIX.f64` (chain, draw, coordinate) and `PREFIX.json`.
//!
//! `nuts ess PREFIX` prints the least bulk ESS over the coordinates of such draws, whosever they are.

use std::cell::Cell;
use std::io::Write;
use std::sync::Arc;

use ergodic_core::{Energy, EnergyGradient, MarkovKernel, WarmupStep};
use ergodic_samplers::Nuts;
use ergodic_samplers::hamiltonian::WarmupSettings;
use rustix::time::{ClockId, clock_gettime};

fn cpu() -> f64 {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

thread_local! { static GRADIENTS: Cell<u64> = const { Cell::new(0) }; }

/// An energy with its gradient: the log densities of the peers' drivers, term by term, negated.
trait Density {
    fn dim(&self) -> usize;
    fn value(&self, x: &[f64], g: &mut [f64]) -> f64;
}

/// `|x|²` in eight sums: one alone would wait for each addition, longer than all the rest takes.
#[inline(always)]
fn square(x: &[f64]) -> f64 {
    let (eights, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        for (s, x) in sums.iter_mut().zip(eight) {
            *s += x * x;
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|x| x * x).sum::<f64>()
}

struct Iso(usize);
impl Density for Iso {
    fn dim(&self) -> usize {
        self.0
    }
    fn value(&self, x: &[f64], g: &mut [f64]) -> f64 {
        for (x, g) in x.iter().zip(g.iter_mut()) {
            *g = *x;
        }
        0.5 * square(x)
    }
}

struct Ar1 {
    d: usize,
    rho: f64,
}
impl Density for Ar1 {
    fn dim(&self) -> usize {
        self.d
    }
    fn value(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let (r, n) = (self.rho, self.d);
        let c = 1.0 / (1.0 - r * r);
        let mut q = 0.0;
        for i in 0..n {
            let diag = if i == 0 || i == n - 1 {
                1.0
            } else {
                1.0 + r * r
            };
            let mut s = diag * x[i];
            if i > 0 {
                s -= r * x[i - 1];
            }
            if i + 1 < n {
                s -= r * x[i + 1];
            }
            let s = c * s;
            g[i] = s;
            q += x[i] * s;
        }
        0.5 * q
    }
}

struct FunnelCentred(usize);
impl Density for FunnelCentred {
    fn dim(&self) -> usize {
        self.0
    }
    fn value(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let v = x[0];
        let n = (self.0 - 1) as f64;
        let e = (-v).exp();
        let mut s = 0.0;
        for i in 1..self.0 {
            s += x[i] * x[i];
            g[i] = x[i] * e;
        }
        g[0] = v / 9.0 + 0.5 * n - 0.5 * s * e;
        v * v / 18.0 + 0.5 * n * v + 0.5 * s * e
    }
}

struct FunnelNonCentred(usize);
impl Density for FunnelNonCentred {
    fn dim(&self) -> usize {
        self.0
    }
    fn value(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let v = x[0];
        let mut s = 0.0;
        for i in 1..self.0 {
            s += x[i] * x[i];
            g[i] = x[i];
        }
        g[0] = v / 9.0;
        v * v / 18.0 + 0.5 * s
    }
}

struct Eight;
const Y: [f64; 8] = [28., 8., -3., 7., -1., 1., 18., 12.];
const S: [f64; 8] = [15., 10., 16., 11., 9., 11., 10., 18.];
impl Density for Eight {
    fn dim(&self) -> usize {
        10
    }
    fn value(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let (mu, lt) = (x[8], x[9]);
        let tau = lt.exp();
        let mut lp = mu * mu / 50.0;
        g[8] = mu / 25.0;
        let u = tau * tau / 25.0;
        lp += (1.0 + u).ln() - lt;
        let mut gl = 2.0 * u / (1.0 + u) - 1.0;
        for i in 0..8 {
            let r = (Y[i] - mu - tau * x[i]) / (S[i] * S[i]);
            lp += 0.5 * (r * r * S[i] * S[i] + x[i] * x[i]);
            g[i] = x[i] - r * tau;
            g[8] -= r;
            gl -= r * tau * x[i];
        }
        g[9] = gl;
        lp
    }
}

struct Logit {
    x: Arc<Vec<f64>>,
    y: Arc<Vec<f64>>,
    p: usize,
}
impl Logit {
    /// Reads `wdbc.csv`: standardised columns behind a column of ones, and the labels.
    fn load(file: &str) -> Self {
        let text = std::fs::read_to_string(file).expect("the path of wdbc.csv");
        let rows: Vec<Vec<f64>> = text
            .lines()
            .map(|line| {
                line.split(',')
                    .map(|v| v.parse().expect("a number"))
                    .collect()
            })
            .collect();
        let (n, p) = (rows.len() as f64, rows[0].len());
        let mut x = vec![1.0; rows.len() * p];
        for j in 1..p {
            let mean = rows.iter().map(|r| r[j]).sum::<f64>() / n;
            let variance = rows.iter().map(|r| (r[j] - mean).powi(2)).sum::<f64>() / n;
            for (i, row) in rows.iter().enumerate() {
                x[i * p + j] = (row[j] - mean) / variance.sqrt();
            }
        }
        let y: Vec<f64> = rows.iter().map(|r| r[0]).collect();
        Self {
            x: x.into(),
            y: y.into(),
            p,
        }
    }
}
impl Density for Logit {
    fn dim(&self) -> usize {
        self.p
    }
    fn value(&self, b: &[f64], g: &mut [f64]) -> f64 {
        let mut lp = 0.0;
        for (b, g) in b.iter().zip(g.iter_mut()) {
            lp += 0.5 * b * b;
            *g = *b;
        }
        for (row, &y) in self.x.chunks_exact(self.p).zip(self.y.iter()) {
            let eta: f64 = row.iter().zip(b).map(|(r, b)| r * b).sum();
            let e = (-eta.abs()).exp();
            lp += eta.max(0.0) + e.ln_1p() - y * eta;
            let s = if eta >= 0.0 {
                1.0 / (1.0 + e)
            } else {
                e / (1.0 + e)
            };
            let r = s - y;
            for (g, x) in g.iter_mut().zip(row) {
                *g += r * x;
            }
        }
        lp
    }
}

/// Independent coordinates of Student's law with five degrees of freedom.
struct Student(usize);
impl Density for Student {
    fn dim(&self) -> usize {
        self.0
    }
    fn value(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let mut energy = 0.0;
        for (x, g) in x.iter().zip(g.iter_mut()) {
            energy += 3.0 * (x * x / 5.0).ln_1p();
            *g = 6.0 * x / (5.0 + x * x);
        }
        energy
    }
}

/// Stochastic volatility, `h_t − μ` an autoregression driven by `z`, `y_t ~ N(0, e^{h_t})`: coordinates
/// (μ, artanh φ, log σ, z).
struct Volatility(Vec<f64>);
impl Volatility {
    /// Data with μ = −0.5, φ = 0.9, σ = 0.3.
    fn simulated(times: usize) -> Self {
        use ergodic_core::Randomness;
        let mut rng = ergodic_math::rng::stream(2026, 0);
        let mut u = 0.0;
        let next = |_| {
            u = 0.9 * u + 0.3 * rng.normal();
            (0.5 * (u - 0.5)).exp() * rng.normal()
        };
        Self((0..times).map(next).collect())
    }
}
impl Density for Volatility {
    fn dim(&self) -> usize {
        3 + self.0.len()
    }
    fn value(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let (mu, a, l, z) = (x[0], x[1], x[2], &x[3..]);
        let (phi, s) = (a.tanh(), l.exp());
        let rest = 1.0 - phi * phi;
        let first = s / rest.sqrt();
        let mut energy = 0.5 * mu * mu + 2.0 * (a - 1.5) * (a - 1.5) + 2.0 * (l + 1.5) * (l + 1.5);
        // g[3..] holds u = h − μ until the way back.
        let mut u = 0.0;
        for (t, (z, y)) in z.iter().zip(&self.0).enumerate() {
            u = if t == 0 { first * z } else { phi * u + s * z };
            g[3 + t] = u;
            energy += 0.5 * (z * z + mu + u + y * y * (-mu - u).exp());
        }
        let (mut by_mu, mut by_phi, mut by_l, mut back) = (mu, 0.0, 4.0 * (l + 1.5), 0.0);
        for t in (0..z.len()).rev() {
            let u = g[3 + t];
            let y = self.0[t];
            let slope = 0.5 * (1.0 - y * y * (-mu - u).exp());
            by_mu += slope;
            back = slope + phi * back;
            if t == 0 {
                by_phi += back * u * phi / rest;
                by_l += back * u;
                g[3] = z[0] + first * back;
            } else {
                by_phi += back * g[2 + t];
                by_l += back * s * z[t];
                g[3 + t] = z[t] + s * back;
            }
        }
        (g[0], g[1], g[2]) = (by_mu, by_phi * rest + 4.0 * (a - 1.5), by_l);
        energy
    }
}

struct Target<D>(D);
impl<D: Density> Energy for Target<D> {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        self.energy_gradient(x, &mut vec![0.0; x.len()])
    }
}
impl<D: Density> EnergyGradient for Target<D> {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn energy_gradient(&self, x: &[f64], g: &mut [f64]) -> f64 {
        GRADIENTS.with(|c| c.set(c.get() + 1));
        self.0.value(x, g)
    }
}

fn go<D: Density>(density: D, a: &[String]) {
    let number = |i: usize| a[i].parse::<usize>().expect("a number");
    let (warmup, draws, seed) = (number(2), number(3), number(4));
    let target = Target(density);
    let d = target.dim();
    let mut out = std::io::BufWriter::new(std::fs::File::create(format!("{}.f64", a[5])).unwrap());
    let (mut warm, mut sample, mut warm_g, mut sample_g, mut divergences) = (0.0, 0.0, 0, 0, 0);
    let mut steps = Vec::new();
    let mut metrics = Vec::new();
    let mut settings = WarmupSettings::new();
    if let Some(goal) = a.get(7) {
        let goal = goal.parse().expect("a number");
        settings = settings.target_acceptance(goal).expect("an acceptance");
    }
    ergodic_samplers::check_gradient(&target, &vec![0.3; d]).expect("a right gradient");
    for chain in 0..4 {
        use ergodic_core::Randomness;
        let mut rng = ergodic_math::rng::stream(seed as u64, chain);
        let start: Vec<f64> = (0..d).map(|_| 4.0 * rng.uniform() - 2.0).collect();
        let mut store = vec![0.0; draws * d];
        GRADIENTS.with(|c| c.set(0));
        let t0 = cpu();
        let mut kernel = Nuts::new().with_warmup(settings);
        let mut state = kernel.init(&target, &start).unwrap();
        for step in 0..warmup {
            let info = kernel.step(&target, &mut state, &mut rng).unwrap();
            let at = WarmupStep { step, of: warmup };
            kernel
                .adapt(&target, &mut state, Some(&info), at, &mut rng)
                .unwrap();
        }
        let t1 = cpu();
        let g1 = GRADIENTS.with(Cell::get);
        for row in store.chunks_exact_mut(d) {
            let info = kernel.step(&target, &mut state, &mut rng).unwrap();
            row.copy_from_slice(state.position());
            divergences += usize::from(info.divergent);
        }
        let t2 = cpu();
        warm += t1 - t0;
        sample += t2 - t1;
        warm_g += g1;
        sample_g += GRADIENTS.with(Cell::get) - g1;
        steps.push(kernel.step_size());
        metrics.push(format!("{:?}", kernel.metric()));
        for v in store {
            out.write_all(&v.to_le_bytes()).unwrap();
        }
    }
    std::fs::write(
        format!("{}.json", a[5]),
        format!(
            "{{\"sampler\":\"ergodic\",\"target\":\"{}\",\"dim\":{d},\"chains\":4,\"tune\":{warmup},\"draws\":{draws},\"seed\":{seed},\"warm_s\":{warm},\"samp_s\":{sample},\"warm_grads\":{warm_g},\"samp_grads\":{sample_g},\"divergences\":{divergences},\"eps\":{steps:?},\"metric\":{metrics:?}}}",
            a[1]
        ),
    )
    .unwrap();
}

/// The least bulk ESS over the coordinates of the draws of a driver.
fn least_ess(prefix: &str) -> f64 {
    let json = std::fs::read_to_string(format!("{prefix}.json")).expect("the summary");
    let summary: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let dim = summary["dim"].as_u64().expect("a dimension") as usize;
    let bytes = std::fs::read(format!("{prefix}.f64")).expect("the draws");
    let draws: Vec<f64> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|b| f64::from_le_bytes(*b))
        .collect();
    let ess = (0..dim).map(|k| {
        let of_chain = |chain: &[f64]| chain.chunks_exact(dim).map(|row| row[k]).collect();
        let chains: Vec<Vec<f64>> = draws.chunks_exact(draws.len() / 4).map(of_chain).collect();
        ergodic_diagnostics::ess_bulk(&chains).expect("draws that vary")
    });
    ess.fold(f64::INFINITY, f64::min)
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    if a[1] == "ess" {
        println!("{}", least_ess(&a[2]));
        return;
    }
    let data = a.get(6).map_or("benches/data/wdbc.csv", String::as_str);
    match a[1].as_str() {
        "iso10" => go(Iso(10), &a),
        "iso1000" => go(Iso(1000), &a),
        "ar1" => go(Ar1 { d: 100, rho: 0.95 }, &a),
        "funnel_c" => go(FunnelCentred(10), &a),
        "funnel_nc" => go(FunnelNonCentred(10), &a),
        "eight" => go(Eight, &a),
        "logit" => go(Logit::load(data), &a),
        "ar1_50" => go(Ar1 { d: 50, rho: 0.8 }, &a),
        "student" => go(Student(20), &a),
        "volatility" => go(Volatility::simulated(100), &a),
        other => panic!("no target {other}"),
    }
}
