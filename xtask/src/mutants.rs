//! `cargo xtask mutants`: the broken kernels that the test kit rejects, with their residuals.
//!
//! The mutants live in `crates/conformance/tests/mutants/`; their test writes the rows, and fails
//! if one survives. Here the rows become a page.

use std::path::Path;
use std::process::Command;

use crate::manifest::cargo;

/// What stands above the table.
const HEAD: &str = "\
# Mutants

Broken kernels that `ergodic-conformance` has to reject, each a bug that shipped somewhere or a classic. Beside each stands its
*right twin*, the same code without the bug, which has to pass the same check. The residual says how far the law is from being
kept; for a test that says only yes or no it is the verdict, and for *moves* the probability of moving. Residuals of tapes carry a
sampling error and are judged by it, so those of the right twins are not zero. Written by `cargo xtask mutants`; the code is in
`crates/conformance/tests/mutants/`.

| mutant | where it shipped | rejected by | residual | right twin |
|---|---|---|---|---|
";

/// Runs the test of the mutants, prints the table and writes `docs/mutants.md`.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let rows = std::env::temp_dir().join(format!("ergodic-mutants-{}.md", std::process::id()));
    let page = root.join("docs/mutants.md");
    let status = Command::new(cargo())
        .args([
            "test",
            "--package",
            "ergodic-conformance",
            "--test",
            "mutants",
        ])
        .arg("every_mutant_is_rejected")
        .env("ERGODIC_MUTANTS", &rows)
        .current_dir(root)
        .status()
        .map_err(|e| format!("cargo test: {e}"))?;
    let text = std::fs::read_to_string(&rows).map_err(|e| format!("{}: {e}", rows.display()))?;
    std::fs::remove_file(&rows).map_err(|e| format!("{}: {e}", rows.display()))?;
    print!("{text}");
    if !status.success() {
        return Err("a mutant survives, or a right twin is rejected: see above".into());
    }
    std::fs::write(&page, format!("{HEAD}{text}"))
        .map_err(|e| format!("{}: {e}", page.display()))?;
    println!(
        "{} mutants, all rejected: {}",
        text.lines().count(),
        page.display()
    );
    Ok(())
}
