//! `cargo xtask tidy`: the arrows and manifests, then each crate alone.
//!
//! Cargo builds a workspace with the union of all features, which hides a crate that forgot to
//! ask for one. So each crate is also checked by itself with all its targets, with its default
//! features, with none and with all; sets that are equal run once. Unit tests run for the sets that
//! `cargo test --workspace` leaves out; with `--full` all tests run for all sets.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::arrows;
use crate::manifest::{Lines, Package, cargo, members, unified_features};

/// Runs all checks; `arrows_only` leaves the builds out, `full` tests every set of features.
pub(crate) fn run(root: &Path, arrows_only: bool, full: bool) -> Result<(), String> {
    let packages = members(root)?;
    let findings = inspect(root, &packages)?;
    if !findings.is_empty() {
        for finding in &findings {
            eprintln!("tidy: {finding}");
        }
        return Err(format!("{} findings", findings.len()));
    }
    println!("tidy: {} packages, no arrow points back", packages.len());
    if arrows_only {
        return Ok(());
    }
    let unified = unified_features(root)?;
    let mut failed = Vec::new();
    for package in arrows::in_order(&packages) {
        let together: Vec<&str> = match unified.get(&package.name) {
            Some(features) => features.iter().map(String::as_str).collect(),
            None => vec!["default"],
        };
        for set in feature_sets(package, &together) {
            let start = Instant::now();
            let (alone, passed) = build_alone(root, package, &set, full)?;
            println!(
                "tidy: {:<22} {:<28} {:>5} tests {:>7.1} s  {}",
                package.name,
                set.label,
                passed,
                start.elapsed().as_secs_f64(),
                if alone { "ok" } else { "FAILED" },
            );
            if !alone {
                failed.push(format!("{} with {}", package.name, set.label));
            }
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("alone, these fail: {}", failed.join("; ")))
    }
}

fn inspect(root: &Path, packages: &[Package]) -> Result<Vec<String>, String> {
    let read = |path: &Path| {
        std::fs::read_to_string(root.join(path)).map_err(|e| format!("{}: {e}", path.display()))
    };
    let workspace = Lines::read(&read(Path::new("Cargo.toml"))?);
    let mut findings = arrows::check_workspace(&workspace);
    findings.extend(arrows::check_arrows(packages));
    findings.extend(arrows::check_facade(packages));
    for package in packages {
        let own = Lines::read(&read(&package.manifest)?);
        findings.extend(arrows::check_manifest(package, &own, &workspace));
        if package.manifest.starts_with("crates") {
            let readme = package.manifest.with_file_name("README.md");
            if read(&readme).map_or(true, |text| text.trim().is_empty()) {
                findings.push(format!("{}: missing or empty", readme.display()));
            }
        }
    }
    let map = read(Path::new("docs/architecture.md"))?;
    findings.extend(arrows::check_architecture(packages, &map));
    let top = top_level(root)?;
    findings.extend(arrows::check_top_level(top.iter().map(String::as_str)));
    let mut files = Vec::new();
    for folder in ["benches", "crates", "xtask"] {
        sources(root, folder, &mut files)?;
    }
    for file in &files {
        findings.extend(arrows::check_source(file, &read(Path::new(file))?));
    }
    Ok(findings)
}

/// The names at the top level, but for those that `.gitignore` lists with a leading slash.
fn top_level(root: &Path) -> Result<Vec<String>, String> {
    let ignored = std::fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
    let ignored: Vec<&str> = ignored
        .lines()
        .filter_map(|l| l.strip_prefix('/'))
        .collect();
    let entries = std::fs::read_dir(root).map_err(|e| format!("{}: {e}", root.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !ignored.contains(&name.as_str()))
        .collect();
    names.sort();
    Ok(names)
}

/// The Rust files below `folder`, in order, as paths relative to `root` with slashes.
fn sources(root: &Path, folder: &str, found: &mut Vec<String>) -> Result<(), String> {
    let entries = std::fs::read_dir(root.join(folder)).map_err(|e| format!("{folder}: {e}"))?;
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let path = format!("{folder}/{}", name.to_string_lossy());
        if root.join(&path).is_dir() {
            sources(root, &path, found)?;
        } else if Path::new(&name).extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// A choice of features: how to ask cargo for it, and its name in the report.
struct FeatureSet {
    label: String,
    flags: &'static [&'static str],
    /// Whether the workspace run has it, or has it and more, and has run its tests.
    tested: bool,
}

fn feature_sets(package: &Package, together: &[&str]) -> Vec<FeatureSet> {
    let together = package.closure(together);
    let all: Vec<&str> = package.features.keys().map(String::as_str).collect();
    let candidates = [
        ("default", package.closure(&["default"]), &[][..]),
        ("none", package.closure(&[]), &["--no-default-features"][..]),
        ("all", package.closure(&all), &["--all-features"][..]),
    ];
    let mut sets: Vec<(BTreeSet<String>, FeatureSet)> = Vec::new();
    for (name, features, flags) in candidates {
        if let Some((_, set)) = sets.iter_mut().find(|(known, _)| *known == features) {
            set.label = format!("{} = {name}", set.label);
            continue;
        }
        let set = FeatureSet {
            label: name.to_owned(),
            flags,
            tested: name == "default" || features == together,
        };
        sets.push((features, set));
    }
    sets.into_iter()
        .map(|(_, mut set)| {
            set.label.push_str(" features");
            set
        })
        .collect()
}

/// Checks the crate without its dev-dependencies, then with them, and runs its unit tests if the
/// set is not that of the workspace run; says whether all went well without a warning, and how
/// many tests passed.
fn build_alone(
    root: &Path,
    package: &Package,
    set: &FeatureSet,
    full: bool,
) -> Result<(bool, usize), String> {
    let mut passed = 0;
    // What does not compile without a feature shows in the check of all targets. The unit tests say
    // whether what is left works; the others cost minutes, and wait for `--full`.
    let last: &[&[&str]] = match (full, set.tested) {
        (true, _) => &[&["test"]],
        (false, false) => &[&["check", "--all-targets"], &["test", "--lib"]],
        (false, true) => &[&["check", "--all-targets"]],
    };
    for &words in [&["check"][..]].iter().chain(last) {
        let command = words[0];
        let output = Command::new(cargo())
            .args(words)
            .args(["--package", &package.name])
            .args(set.flags)
            .current_dir(root)
            .output()
            .map_err(|e| format!("cargo {command}: {e}"))?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        passed += passed_tests(&stdout);
        // Cargo's summary line; a warning of another crate is reported there.
        let summary = format!("warning: `{}` (", package.name);
        let warned = command == "check" && stderr.lines().any(|l| l.starts_with(&summary));
        if !output.status.success() || warned {
            eprintln!(
                "$ cargo {command} --package {} {}\n{stdout}{stderr}",
                package.name,
                set.flags.join(" ")
            );
            return Ok((false, passed));
        }
    }
    Ok((true, passed))
}

/// The sum over the `test result:` lines of a test run.
fn passed_tests(output: &str) -> usize {
    output
        .lines()
        .filter_map(|line| line.trim().strip_prefix("test result:"))
        .filter_map(|rest| rest.split(" passed").next()?.split_whitespace().last())
        .filter_map(|count| count.parse::<usize>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_features(features: &[(&str, &[&str])]) -> Vec<String> {
        let package = Package {
            name: "a".into(),
            manifest: "crates/a/Cargo.toml".into(),
            description: String::new(),
            dependencies: Vec::new(),
            features: features
                .iter()
                .map(|(name, on)| {
                    let on = on.iter().map(ToString::to_string).collect();
                    ((*name).to_string(), on)
                })
                .collect(),
        };
        feature_sets(&package, &["default"])
            .into_iter()
            .map(|s| s.label)
            .collect()
    }

    #[test]
    fn the_set_of_the_workspace_run_is_not_tested_again() {
        let package = Package {
            name: "a".into(),
            manifest: "crates/a/Cargo.toml".into(),
            description: String::new(),
            dependencies: Vec::new(),
            features: [
                ("default", vec!["a".to_owned()]),
                ("a", vec![]),
                ("b", vec![]),
            ]
            .map(|(name, on)| (name.to_owned(), on))
            .into(),
        };
        let tested = |together: &[&str]| -> Vec<bool> {
            let sets = feature_sets(&package, together);
            sets.into_iter().map(|s| s.tested).collect()
        };
        // Default, none, all.
        assert_eq!(tested(&["default"]), [true, false, false]);
        assert_eq!(tested(&["default", "b"]), [true, false, true]);
    }

    #[test]
    fn equal_feature_sets_are_built_once() {
        assert_eq!(with_features(&[]), ["default = none = all features"]);
        assert_eq!(
            with_features(&[("default", &[]), ("faer", &["dep:faer"])]),
            ["default = none features", "all features"]
        );
        assert_eq!(
            with_features(&[("default", &["a"]), ("a", &[])]),
            ["default = all features", "none features"]
        );
        assert_eq!(
            with_features(&[("default", &["a"]), ("a", &[]), ("b", &[])]).len(),
            3
        );
    }

    #[test]
    fn test_results_add_up() {
        let output = "running 2 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored\n\n\
                      test result: FAILED. 3 passed; 1 failed\n";
        assert_eq!(passed_tests(output), 15);
    }
}
