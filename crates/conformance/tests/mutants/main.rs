//! Broken kernels, each a bug that shipped somewhere or could, and beside each its right twin: the
//! kit rejects the first for the right reason and passes the second.
//!
//! `cargo xtask mutants` prints the table and writes `docs/mutants.md`.

#[path = "../common/mod.rs"]
mod common;
mod continuous;
mod discrete;
mod hamiltonian;
mod practice;
mod small;

use std::fmt::Write as _;

use ergodic_conformance::{Finding, Law, Report};

ergodic_conformance::counting_allocator!();

/// What a check said.
struct Outcome {
    /// How far the law is from being kept; `None` where a test only says yes or no.
    residual: Option<f64>,
    /// Whether the law that a bug should break holds.
    holds: bool,
    /// Whether everything that was checked holds.
    passed: bool,
    detail: String,
}

impl Outcome {
    /// Of one law of a report.
    fn of(report: &Report, law: Law) -> Self {
        let finding = report.finding(law);
        Self {
            residual: finding.map(|f| f.residual),
            holds: finding.is_none_or(|f| f.passed),
            passed: report.passed(),
            detail: format!("{report:#}"),
        }
    }

    /// Of an identity that has to hold to `tolerance`.
    fn identity(defect: f64, tolerance: f64) -> Self {
        Self {
            residual: Some(defect.abs()),
            holds: defect.abs() <= tolerance,
            passed: defect.abs() <= tolerance,
            detail: format!("off by {defect:e}, tolerance {tolerance:e}"),
        }
    }

    fn finding(finding: &Finding) -> Self {
        Self {
            residual: Some(finding.residual),
            holds: finding.passed,
            passed: finding.passed,
            detail: finding.detail.clone(),
        }
    }

    /// Of a test that panics.
    fn test(test: impl FnOnce()) -> Self {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
        let message = |e: Box<dyn std::any::Any + Send>| match e.downcast::<String>() {
            Ok(text) => *text,
            Err(_) => "failed".into(),
        };
        Self {
            residual: None,
            holds: outcome.is_ok(),
            passed: outcome.is_ok(),
            detail: outcome.err().map_or("passed".into(), message),
        }
    }
}

/// A bug, and the check that has to find it.
struct Mutant {
    /// Unique and exact.
    name: &'static str,
    /// Where it shipped, or that it is a classic.
    origin: &'static str,
    /// The law that it breaks, and how that is checked.
    rejected_by: &'static str,
    /// With the bug, or without.
    run: fn(broken: bool) -> Outcome,
}

fn all() -> Vec<Mutant> {
    let mut all = discrete::mutants();
    all.extend(continuous::mutants());
    all.extend(hamiltonian::mutants());
    all.extend(practice::mutants());
    all
}

fn residual(outcome: &Outcome) -> String {
    match outcome.residual {
        Some(r) => format!("{r:.1e}"),
        None if outcome.passed => "passes".into(),
        None => "fails".into(),
    }
}

#[test]
fn every_mutant_is_rejected_and_its_right_twin_passes() {
    // The tests that panic on purpose would fill the output.
    std::panic::set_hook(Box::new(|_| ()));
    let mut table = String::new();
    let mut wrong = String::new();
    for mutant in all() {
        let (broken, right) = ((mutant.run)(true), (mutant.run)(false));
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} |",
            mutant.name,
            mutant.origin,
            mutant.rejected_by,
            residual(&broken),
            residual(&right),
        );
        if broken.holds {
            let _ = writeln!(wrong, "{} survives: {}", mutant.name, broken.detail);
        }
        if !right.passed {
            let _ = writeln!(wrong, "{}, without the bug: {}", mutant.name, right.detail);
        }
    }
    let _ = std::panic::take_hook();
    println!("{table}");
    if let Some(path) = std::env::var_os("ERGODIC_MUTANTS") {
        std::fs::write(&path, &table).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn names_are_unique_and_in_the_documentation() {
    let mut names: Vec<_> = all().iter().map(|m| m.name).collect();
    let number = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), number);
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/mutants.md");
    // The page is not part of the published crate.
    if let Ok(text) = std::fs::read_to_string(page) {
        for name in names {
            assert!(
                text.contains(&format!("| {name} |")),
                "docs/mutants.md lacks {name:?}: run `cargo xtask mutants`"
            );
        }
    }
}
