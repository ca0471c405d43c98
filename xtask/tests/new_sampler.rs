//! `cargo xtask new-sampler` in a copy of the workspace: what it writes compiles, is formatted,
//! passes conformance and is listed by the benchmarks.
//!
//! Builds the samplers of the copy and what depends on them, so it is ignored by default; `.ci/run`
//! asks for it, last, since what it builds takes the place of what the workspace has built. It selects the whole workspace:
//! the same features of the dependencies, none of which is built twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files below `from`, without what builds leave and what version control keeps, and as old as
/// they are there: what has been built of them counts for the copy.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let name = entry.file_name();
        if name == "target" || name == ".git" {
            continue;
        }
        let (from, to) = (entry.path(), to.join(&name));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
            let modified = fs::metadata(&from).unwrap().modified().unwrap();
            let file = fs::File::options().write(true).open(&to).unwrap();
            file.set_modified(modified).unwrap();
        }
    }
}

/// A copy of the workspace in the target folder, always at the same place so that a second run
/// finds what the first has built.
fn scratch() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-sampler");
    if scratch.exists() {
        fs::remove_dir_all(&scratch).unwrap();
    }
    copy(root, &scratch);
    scratch
}

fn new_sampler(workspace: &Path, name: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["new-sampler", name])
        .env("CARGO_MANIFEST_DIR", workspace.join("xtask"))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn cargo(workspace: &Path, arguments: &[&str]) -> (bool, String) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
#[ignore = "builds a copy of the workspace; .ci/run runs it"]
fn a_new_sampler_compiles_passes_conformance_and_is_listed_by_the_benchmarks() {
    let workspace = scratch();
    let (done, text) = new_sampler(&workspace, "scratch_walk");
    assert!(done, "{text}");

    let (done, text) = cargo(
        &workspace,
        &["fmt", "--package", "ergodic-samplers", "--check"],
    );
    assert!(done, "{text}");

    let conformance = [
        "test",
        "--workspace",
        "--test",
        "conformance",
        "scratch_walk",
    ];
    let (done, text) = cargo(&workspace, &conformance);
    assert!(done, "{text}");
    for law in [
        "scratch_walk_in_one_dimension::claims_hold_by_quadrature ... ok",
        "scratch_walk_in_one_dimension::a_step_allocates_nothing ... ok",
        "scratch_walk_in_ten_dimensions::claims_hold_by_randomised_quasi_monte_carlo ... ok",
        "scratch_walk_in_ten_dimensions::a_run_that_was_written_and_read_goes_on_identically ... ok",
    ] {
        assert!(text.contains(law), "{law} is missing: {text}");
    }

    let list = ["test", "--workspace", "--bench", "samplers", "--", "--list"];
    let (done, text) = cargo(&workspace, &list);
    assert!(done, "{text}");
    assert!(text.contains("samplers/scratch_walk: benchmark"), "{text}");

    // A second time it is refused, and nothing is written.
    let library = || fs::read_to_string(workspace.join("crates/samplers/src/lib.rs")).unwrap();
    let before = library();
    let (done, text) = new_sampler(&workspace, "scratch_walk");
    assert!(!done && text.contains("already there"), "{text}");
    assert_eq!(library(), before);
}

#[test]
fn bad_names_are_refused_in_one_line() {
    let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-workspace");
    for bad in ["NUTS", "zig-zag", "../escape", "fn"] {
        let (done, text) = new_sampler(&nowhere, bad);
        assert!(
            !done && text.starts_with("error: NAME is") && text.lines().count() == 1,
            "{text}"
        );
    }
}
