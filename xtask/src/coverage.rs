//! `cargo xtask coverage`: how often the intervals of the information estimators cover the truth.
//!
//! The work is done by the program `coverage` of `benches/`, in release mode; here it is built, run,
//! and its page kept.

use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::manifest::cargo;

/// Options of `cargo xtask coverage`.
#[derive(Args)]
pub(crate) struct Options {
    /// 40 seeds a row for 1,000; the page is printed and not kept.
    #[arg(long)]
    quick: bool,
    /// Only rows whose estimator or law contains this text; the page is printed and not kept.
    #[arg(long)]
    only: Option<String>,
}

/// Runs the program and keeps `docs/coverage.md`.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let partial = options.quick || options.only.is_some();
    let page = if partial {
        std::env::temp_dir().join(format!("ergodic-coverage-{}.md", std::process::id()))
    } else {
        root.join("docs/coverage.md")
    };
    let mut command = Command::new(cargo());
    command
        .args(["run", "--release", "--package", "ergodic-benches"])
        .args(["--bin", "coverage", "--"])
        .arg(&page)
        .current_dir(root);
    if options.quick {
        command.arg("--quick");
    }
    if let Some(only) = &options.only {
        command.args(["--only", only]);
    }
    let status = command
        .status()
        .map_err(|e| format!("cargo run --bin coverage: {e}"))?;
    if !status.success() {
        return Err("coverage failed: see above".into());
    }
    if partial {
        let text =
            std::fs::read_to_string(&page).map_err(|e| format!("{}: {e}", page.display()))?;
        std::fs::remove_file(&page).map_err(|e| format!("{}: {e}", page.display()))?;
        print!("{text}");
    } else {
        println!("coverage: wrote {}", page.display());
    }
    Ok(())
}
