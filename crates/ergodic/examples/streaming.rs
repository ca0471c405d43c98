//! A long run in little memory: every draw goes to a file and into online diagnostics, none is kept.
//!
//! `cargo run --release -p ergodic --features npy --example streaming -- 1000000` makes a million
//! draws of 100 parameters (800 MB of them in a temporary folder, removed at the end), prints means,
//! R̂ and effective sample sizes of some, and the largest memory that the process ever had.

use ergodic::core::StepStats;
use ergodic::diagnostics::OnlineDiagnostics;
use ergodic::samplers::{
    Both, ChainSink, DrawSink, Hmc, RunShape, Sampler, SinkError, TrajectoryLength,
    energy_gradient_fn, io,
};

const PARAMETERS: usize = 100;
const CHAINS: usize = 4;

/// Diagnostics of every parameter, chain by chain.
struct Online;
struct OnlineChain(OnlineDiagnostics);

impl DrawSink for Online {
    type Chain = OnlineChain;
    fn open(&self, _: usize, shape: &RunShape) -> Result<OnlineChain, SinkError> {
        let empty = OnlineDiagnostics::one_chain(shape.names.len());
        empty.map(OnlineChain).map_err(SinkError::new)
    }
}

impl ChainSink for OnlineChain {
    fn push(&mut self, _: usize, parameters: &[f64], _: &StepStats) -> Result<(), SinkError> {
        let pushed = self.0.push(parameters);
        pushed.map_err(SinkError::new)
    }
}

/// The largest resident memory of this process so far, in MB, where the system tells it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1000.0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let total: usize = std::env::args().nth(1).map_or(Ok(100_000), |a| a.parse())?;
    // Independent normals with variances from 1/2 to 2.
    let precision = |i: usize| 0.5 + 1.5 * i as f64 / (PARAMETERS - 1) as f64;
    let target = energy_gradient_fn(PARAMETERS, |x: &[f64], g: &mut [f64]| {
        let mut energy = 0.0;
        for (i, (g, x)) in g.iter_mut().zip(x).enumerate() {
            *g = precision(i) * x;
            energy += 0.5 * *g * x;
        }
        energy
    });

    let folder = std::env::temp_dir().join(format!("ergodic-streaming-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let files = io::NpySink::new(folder.join("draws"));
    let run = Sampler::new(Hmc::new(TrajectoryLength::Time(1.5))?, &target)
        .chains(CHAINS)
        .warmup(500)
        .draws(total.div_ceil(CHAINS))
        .seed(1)
        .stream_to(&Both(files.clone(), Online));
    let size: u64 = (0..CHAINS)
        .filter_map(|c| std::fs::metadata(files.path(c)).ok())
        .map(|m| m.len())
        .sum();
    std::fs::remove_dir_all(&folder)?;
    let run = run?;
    run.verdict()?;

    let mut all = OnlineDiagnostics::default();
    for sink in run.sinks {
        all.merge(sink.1.0)?;
    }
    let rows = all.rows()?;
    println!("parameter        mean          sd     (exact)     R-hat         ESS");
    for i in [0, PARAMETERS / 2, PARAMETERS - 1] {
        let (name, row, exact) = (&run.names[i], &rows[i], precision(i).recip().sqrt());
        let (rhat, ess) = (
            row.rhat.unwrap_or(f64::NAN),
            row.ess_mean.unwrap_or(f64::NAN),
        );
        println!(
            "{name:<9} {:11.5} {:11.5} {exact:11.5} {rhat:9.5} {ess:11.0}",
            row.mean, row.sd
        );
    }
    println!("{:.0} MB of draws written", size as f64 / 1e6);
    if let Some(peak) = peak_memory() {
        println!("{peak:.0} MB of memory at most");
        if peak > 200.0 {
            return Err("more than 200 MB of memory".into());
        }
    }
    Ok(())
}
