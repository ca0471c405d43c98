//! Single-threaded driver for nuts-rs 0.19.1 on a fixed set of hand-coded targets.
//! usage: nuts-rs-bench <target> <diag|lowrank|walnuts> <num_tune> <num_draws> <seed> <out prefix> [wdbc.csv]
//! Runs 4 chains one after another on one thread. Writes <prefix>.f64 (chain, draw, dim; little endian;
//! post warm-up draws only) and <prefix>.json (times and gradient counts).
use anyhow::Result;
use nuts_rs::{Chain, CpuLogpFunc, CpuMath, CpuMathError, DiagNutsSettings, HasDims, LogpError, LowRankNutsSettings, Settings};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use std::cell::Cell;
use std::collections::HashMap;
use std::io::Write;
use std::time::Instant;

/// CPU seconds of the calling thread: the machine is shared, so wall time alone is not repeatable.
fn cpu() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

thread_local! { static GRADS: Cell<u64> = const { Cell::new(0) }; }

pub trait Target: Clone + 'static {
    fn dim(&self) -> usize;
    fn lpg(&mut self, x: &[f64], g: &mut [f64]) -> f64;
}

/// `|x|^2` in eight sums: one alone would wait for each addition, longer than all the rest takes.
#[inline(always)]
fn square(x: &[f64]) -> f64 {
    let (eights, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        for (s, x) in sums.iter_mut().zip(eight) { *s += x * x; }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|x| x * x).sum::<f64>()
}

#[derive(Clone)]
struct Iso(usize);
impl Target for Iso {
    fn dim(&self) -> usize { self.0 }
    fn lpg(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        for (x, g) in x.iter().zip(g.iter_mut()) { *g = -x; }
        -0.5 * square(x)
    }
}

/// Stationary AR(1): cov rho^|i-j|, tridiagonal precision, O(d) gradient.
#[derive(Clone)]
struct Ar1 { d: usize, rho: f64 }
impl Target for Ar1 {
    fn dim(&self) -> usize { self.d }
    fn lpg(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let (r, n) = (self.rho, self.d);
        let c = 1.0 / (1.0 - r * r);
        let mut q = 0.0;
        for i in 0..n {
            let diag = if i == 0 || i == n - 1 { 1.0 } else { 1.0 + r * r };
            let mut s = diag * x[i];
            if i > 0 { s -= r * x[i - 1]; }
            if i + 1 < n { s -= r * x[i + 1]; }
            let s = c * s;
            g[i] = -s;
            q += x[i] * s;
        }
        -0.5 * q
    }
}

/// Neal's funnel: v ~ N(0, 3^2), x_i | v ~ N(0, e^v), i = 1..9.
#[derive(Clone)]
struct FunnelC(usize);
impl Target for FunnelC {
    fn dim(&self) -> usize { self.0 }
    fn lpg(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let v = x[0];
        let n = (self.0 - 1) as f64;
        let e = (-v).exp();
        let mut s = 0.0;
        for i in 1..self.0 { s += x[i] * x[i]; g[i] = -x[i] * e; }
        g[0] = -v / 9.0 - 0.5 * n + 0.5 * s * e;
        -v * v / 18.0 - 0.5 * n * v - 0.5 * s * e
    }
}
/// Non-centred: v ~ N(0, 3^2), z ~ N(0, 1)^9 (x_i = z_i e^{v/2} is formed afterwards).
#[derive(Clone)]
struct FunnelNc(usize);
impl Target for FunnelNc {
    fn dim(&self) -> usize { self.0 }
    fn lpg(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let v = x[0];
        let mut s = 0.0;
        for i in 1..self.0 { s += x[i] * x[i]; g[i] = -x[i]; }
        g[0] = -v / 9.0;
        -v * v / 18.0 - 0.5 * s
    }
}

/// posteriordb eight_schools_noncentered: theta_trans ~ N(0,1), mu ~ N(0,5), tau ~ Cauchy+(0,5),
/// y ~ N(mu + tau * theta_trans, sigma); coordinates (theta_trans[8], mu, log tau).
#[derive(Clone)]
struct Eight;
const Y: [f64; 8] = [28., 8., -3., 7., -1., 1., 18., 12.];
const S: [f64; 8] = [15., 10., 16., 11., 9., 11., 10., 18.];
impl Target for Eight {
    fn dim(&self) -> usize { 10 }
    fn lpg(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        let (mu, lt) = (x[8], x[9]);
        let tau = lt.exp();
        let mut lp = -mu * mu / 50.0;
        g[8] = -mu / 25.0;
        let u = tau * tau / 25.0;
        lp += -(1.0 + u).ln() + lt;
        let mut gl = 1.0 - 2.0 * u / (1.0 + u);
        for i in 0..8 {
            let r = (Y[i] - mu - tau * x[i]) / (S[i] * S[i]);
            lp -= 0.5 * (r * r * S[i] * S[i] + x[i] * x[i]);
            g[i] = r * tau - x[i];
            g[8] += r;
            gl += r * tau * x[i];
        }
        g[9] = gl;
        lp
    }
}

/// Logistic regression, N(0,1) on the intercept and the 30 coefficients.
#[derive(Clone)]
struct Logit { x: std::sync::Arc<Vec<f64>>, y: std::sync::Arc<Vec<f64>>, p: usize }
impl Logit {
    /// Reads `wdbc.csv`: standardised columns behind a column of ones, and the labels.
    fn load(file: &str) -> Logit {
        let text = std::fs::read_to_string(file).expect("the path of wdbc.csv");
        let rows: Vec<Vec<f64>> = text
            .lines()
            .map(|line| line.split(',').map(|v| v.parse().expect("a number")).collect())
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
        Logit { x: x.into(), y: y.into(), p }
    }
}
impl Target for Logit {
    fn dim(&self) -> usize { self.p }
    fn lpg(&mut self, b: &[f64], g: &mut [f64]) -> f64 {
        let mut lp = 0.0;
        for (b, g) in b.iter().zip(g.iter_mut()) { lp -= 0.5 * b * b; *g = -b; }
        for (row, &y) in self.x.chunks_exact(self.p).zip(self.y.iter()) {
            let eta: f64 = row.iter().zip(b).map(|(r, b)| r * b).sum();
            // log(1 + e^eta), stable; one exp and one ln_1p
            let e = (-eta.abs()).exp();
            lp += y * eta - eta.max(0.0) - e.ln_1p();
            let s = if eta >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
            let r = y - s;
            for (g, x) in g.iter_mut().zip(row) { *g += r * x; }
        }
        lp
    }
}

#[derive(Clone)]
struct F<T>(T);
#[derive(Debug, thiserror::Error)]
#[error("bad")]
struct Bad;
impl LogpError for Bad { fn is_recoverable(&self) -> bool { true } }
impl<T: Target> HasDims for F<T> {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        [("unconstrained_parameter".to_string(), self.0.dim() as u64), ("dim".to_string(), self.0.dim() as u64)].into()
    }
}
impl<T: Target> CpuLogpFunc for F<T> {
    type LogpError = Bad;
    type FlowParameters = ();
    type ExpandedVector = Vec<f64>;
    fn dim(&self) -> usize { self.0.dim() }
    fn logp(&mut self, x: &[f64], g: &mut [f64]) -> Result<f64, Bad> {
        GRADS.with(|c| c.set(c.get() + 1));
        let l = self.0.lpg(x, g);
        if l.is_finite() { Ok(l) } else { Err(Bad) }
    }
    fn expand_vector<R: rand::Rng + ?Sized>(&mut self, _: &mut R, a: &[f64]) -> Result<Vec<f64>, CpuMathError> { Ok(a.to_vec()) }
}

struct Out { draws: Vec<f64>, warm_s: f64, samp_s: f64, wall_s: f64, warm_g: u64, samp_g: u64, div: u64, eps: Vec<f64> }

fn go<T: Target, S: Settings>(t: T, s: S, tune: u64, draws: u64, seed: u64) -> Result<Out> {
    let mut o = Out { draws: vec![], warm_s: 0., samp_s: 0., wall_s: 0., warm_g: 0, samp_g: 0, div: 0, eps: vec![] };
    o.draws.reserve(4 * draws as usize * t.dim());
    for c in 0..4u64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed * 1000 + c);
        let init: Vec<f64> = (0..t.dim()).map(|_| rng.random_range(-2.0..2.0)).collect();
        GRADS.with(|c| c.set(0));
        let w0 = Instant::now();
        let t0 = cpu();
        let mut ch = s.new_chain(c, CpuMath::new(F(t.clone())), &mut rng)?;
        ch.set_position(&init)?;
        for _ in 0..tune { ch.draw()?; }
        let t1 = cpu();
        let g1 = GRADS.with(|c| c.get());
        let mut eps = 0.0;
        for _ in 0..draws {
            let (x, p) = ch.draw()?;
            o.draws.extend_from_slice(&x);
            o.div += p.diverging as u64;
            eps = p.step_size;
        }
        let t2 = cpu();
        let g2 = GRADS.with(|c| c.get());
        o.warm_s += t1 - t0;
        o.samp_s += t2 - t1;
        o.wall_s += w0.elapsed().as_secs_f64();
        o.warm_g += g1;
        o.samp_g += g2 - g1;
        o.eps.push(eps);
    }
    Ok(o)
}

fn with<T: Target>(t: T, a: &[String]) -> Result<()> {
    let (kind, tune, draws, seed, pre) = (a[2].as_str(), a[3].parse()?, a[4].parse()?, a[5].parse()?, &a[6]);
    let d = t.dim();
    // one untimed gradient-rate measurement, so ESS/gradient can be turned into machine-free numbers
    let mut tt = t.clone();
    let (x, mut g) = (vec![0.3; d], vec![0.0; d]);
    let n = 20_000usize.min(200_000_000 / (d * 600)).max(1000);
    let q = cpu();
    let mut acc = 0.0;
    for _ in 0..n { acc += tt.lpg(std::hint::black_box(&x), &mut g); std::hint::black_box(&g); }
    let grad_ns = (cpu() - q) / n as f64 * 1e9;
    std::hint::black_box(acc);
    let o = match kind {
        "lowrank" => { let mut s = LowRankNutsSettings::default(); s.num_tune = tune; s.num_draws = draws; go(t, s, tune, draws, seed)? }
        _ => {
            let mut s = DiagNutsSettings::default(); s.num_tune = tune; s.num_draws = draws;
            if kind == "walnuts" { s.walnuts = Some(Default::default()); }
            go(t, s, tune, draws, seed)?
        }
    };
    let mut f = std::io::BufWriter::new(std::fs::File::create(format!("{pre}.f64"))?);
    for v in &o.draws { f.write_all(&v.to_le_bytes())?; }
    std::fs::write(format!("{pre}.json"), format!(
        "{{\"sampler\":\"nuts-rs 0.19.1 {kind}\",\"target\":\"{}\",\"dim\":{d},\"chains\":4,\"tune\":{tune},\"draws\":{draws},\"seed\":{seed},\"warm_s\":{},\"samp_s\":{},\"wall_s\":{},\"warm_grads\":{},\"samp_grads\":{},\"divergences\":{},\"eps\":{:?},\"grad_ns\":{grad_ns}}}",
        a[1], o.warm_s, o.samp_s, o.wall_s, o.warm_g, o.samp_g, o.div, o.eps))?;
    Ok(())
}

fn main() -> Result<()> {
    let a: Vec<String> = std::env::args().collect();
    let dir = a.get(7).map(String::as_str).unwrap_or("benches/data/wdbc.csv");
    match a[1].as_str() {
        "iso10" => with(Iso(10), &a),
        "iso1000" => with(Iso(1000), &a),
        "ar1" => with(Ar1 { d: 100, rho: 0.95 }, &a),
        "funnel_c" => with(FunnelC(10), &a),
        "funnel_nc" => with(FunnelNc(10), &a),
        "eight" => with(Eight, &a),
        "logit" => with(Logit::load(dir), &a),
        t => anyhow::bail!("unknown target {t}"),
    }
}
