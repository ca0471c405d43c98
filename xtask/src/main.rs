//! Repository tasks, run as `cargo xtask TASK`: what keeps the workspace honest beside its tests.

mod arrows;
mod bench;
mod chart;
mod coverage;
mod environment;
mod manifest;
mod mutants;
mod new_sampler;
mod nuts;
mod readme;
mod report;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Repository tasks of Ergodic.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check the arrows between crates and the manifests, then each crate alone.
    Tidy {
        /// Check arrows and manifests only; build nothing.
        #[arg(long)]
        arrows_only: bool,
        /// Run the tests for every set of features, also for those of `cargo test --workspace`.
        #[arg(long, conflicts_with = "arrows_only")]
        full: bool,
    },
    /// Run the benchmarks and write `docs/benchmarks/`.
    Bench(bench::Options),
    /// Measure how often the intervals of the information estimators cover the truth and write
    /// `docs/coverage.md`.
    Coverage(coverage::Options),
    /// Hold every broken kernel against the test kit, print the table and write `docs/mutants.md`.
    Mutants,
    /// Write a new sampler from a template and register it, its tests and its benchmark.
    NewSampler {
        /// The name of its module, such as `zig_zag`.
        name: String,
    },
    /// Run every command of `README.md` and check its exit code.
    Readme(readme::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let root = root();
    let outcome = match arguments.task {
        Task::Tidy { arrows_only, full } => tidy::run(&root, arrows_only, full),
        Task::Bench(options) => bench::run(&root, &options),
        Task::Coverage(options) => coverage::run(&root, &options),
        Task::NewSampler { name } => new_sampler::run(&root, &name),
        Task::Mutants => mutants::run(&root),
        Task::Readme(options) => readme::run(&root, &options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace's `Cargo.toml`: the parent of this package's, as cargo says when it
/// runs the task.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or(here.clone(), Path::to_path_buf)
}
