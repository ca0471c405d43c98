//! `ergodic diagnose`: the table of a file of draws, and whether it passes.

use std::fmt::Write as _;
use std::path::Path;

use ergodic::core::Draws;
use ergodic::diagnostics::{DiagnosticsError, Summary, Thresholds, plots, summary};
use ergodic::samplers::io;
use serde::Serialize;

use super::{print, start_threads};
use crate::arguments::DiagnoseArgs;
use crate::error::CliError;
use crate::output::{check_writable, write_atomically};
use crate::summary::to_json;

/// What `diagnose --json` prints. What is not a finite number, or not defined because all draws
/// are one value, is `null`.
#[derive(Serialize)]
struct Diagnosed<'a> {
    file: &'a Path,
    chains: usize,
    draws: usize,
    rhat_allowed: f64,
    ess_needed: f64,
    passes: bool,
    failures: &'a [String],
    parameters: Vec<Parameter<'a>>,
}

#[derive(Serialize)]
struct Parameter<'a> {
    name: &'a str,
    mean: f64,
    sd: f64,
    mcse_mean: Option<f64>,
    q05: f64,
    median: f64,
    q95: f64,
    ess_bulk: Option<f64>,
    ess_tail: Option<f64>,
    rhat: Option<f64>,
}

pub(super) fn diagnose(args: &DiagnoseArgs) -> Result<(), CliError> {
    let demanded = Thresholds::new(args.rhat, args.ess)?;
    if let Some(report) = &args.report {
        check_writable(report)?;
    }
    start_threads(args.threads)?;
    let draws = read(&args.draws)?;
    let bad = |e: DiagnosticsError| CliError::file(&args.draws, e.to_string());
    let table = summary(&draws).map_err(bad)?;
    if let Some(report) = &args.report {
        let title = format!("Diagnosis of {}", args.draws.display());
        let page = plots::page(&title, &draws, &table, &demanded, None).map_err(bad)?;
        write_atomically(report, page.as_bytes())?;
    }
    let failures: Vec<String> = table
        .failures(&demanded)
        .iter()
        .map(ToString::to_string)
        .collect();
    if args.json {
        print(&to_json(&json(args, &table, &failures))?)?;
    } else {
        print(&text(args, &table, &failures))?;
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(CliError::Failed(verdict(&failures)))
}

fn read(path: &Path) -> Result<Draws, CliError> {
    // A damaged Parquet file can make its decoder panic, which `io::read` catches: what the hook
    // would print besides is not for the user.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let draws = io::read(path);
    std::panic::set_hook(hook);
    draws.map_err(|e| CliError::file(&e.path, e.reason))
}

fn json<'a>(args: &'a DiagnoseArgs, table: &'a Summary, failures: &'a [String]) -> Diagnosed<'a> {
    Diagnosed {
        file: &args.draws,
        chains: table.chains,
        draws: table.draws,
        rhat_allowed: args.rhat,
        ess_needed: args.ess,
        passes: failures.is_empty(),
        failures,
        parameters: table
            .rows
            .iter()
            .map(|row| Parameter {
                name: &row.name,
                mean: row.mean,
                sd: row.sd,
                mcse_mean: row.mixing.map(|m| m.mcse_mean),
                q05: row.q05,
                median: row.median,
                q95: row.q95,
                ess_bulk: row.mixing.map(|m| m.ess_bulk),
                ess_tail: row.mixing.map(|m| m.ess_tail),
                rhat: row.mixing.map(|m| m.rhat),
            })
            .collect(),
    }
}

fn text(args: &DiagnoseArgs, table: &Summary, failures: &[String]) -> String {
    let mut out = format!(
        "{} chains x {} draws x {} parameters\n\n{table}\n",
        table.chains,
        table.draws,
        table.rows.len()
    );
    // Writing to a string cannot fail.
    if failures.is_empty() {
        let _ = writeln!(
            out,
            "passes: R-hat at most {}, bulk and tail ESS at least {}",
            args.rhat, args.ess
        );
    } else {
        out.push_str("fails\n");
        for failure in failures {
            let _ = writeln!(out, "  {failure}");
        }
    }
    if let Some(report) = &args.report {
        let _ = writeln!(out, "report in {}", report.display());
    }
    out
}

/// One line that names the first parameters that fail.
fn verdict(failures: &[String]) -> String {
    const NAMED: usize = 4;
    let mut line = failures[..failures.len().min(NAMED)].join("; ");
    if failures.len() > NAMED {
        let _ = write!(line, "; and {} more", failures.len() - NAMED);
    }
    line
}
