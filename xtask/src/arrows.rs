//! The order of the crates, and what a manifest of this workspace has to say.
//!
//! `docs/architecture.md` draws the same picture; here it is checked.

use std::collections::BTreeSet;

use crate::manifest::{Kind, Lines, Package};

/// A row of the table: a crate, and the crates of the workspace that it may depend on.
struct Row {
    name: &'static str,
    may_depend_on: &'static [&'static str],
}

const fn row(name: &'static str, may_depend_on: &'static [&'static str]) -> Row {
    Row {
        name,
        may_depend_on,
    }
}

/// From the bottom up: a crate may only point at rows above its own.
const TABLE: &[Row] = &[
    row("ergodic-math", &[]),
    row("ergodic-core", &["ergodic-math"]),
    row("ergodic-info", &["ergodic-math", "ergodic-core"]),
    row(
        "ergodic-expfam",
        &["ergodic-math", "ergodic-core", "ergodic-info"],
    ),
    row(
        "ergodic-concentration",
        &[
            "ergodic-math",
            "ergodic-core",
            "ergodic-info",
            "ergodic-expfam",
        ],
    ),
    row("ergodic-diagnostics", &["ergodic-math", "ergodic-core"]),
    row("ergodic-conformance", &["ergodic-math", "ergodic-core"]),
    row("ergodic-samplers", &["ergodic-math", "ergodic-core"]),
    row(
        "ergodic-free-energy",
        &["ergodic-math", "ergodic-core", "ergodic-samplers"],
    ),
    row(
        "ergodic-optim",
        &["ergodic-math", "ergodic-core", "ergodic-samplers"],
    ),
    row(
        "ergodic-models",
        &[
            "ergodic-math",
            "ergodic-core",
            "ergodic-samplers",
            "ergodic-optim",
            "ergodic-free-energy",
        ],
    ),
    row(
        FACADE,
        &[
            "ergodic-math",
            "ergodic-core",
            "ergodic-info",
            "ergodic-expfam",
            "ergodic-concentration",
            "ergodic-diagnostics",
            "ergodic-samplers",
            "ergodic-free-energy",
            "ergodic-optim",
            "ergodic-models",
        ],
    ),
    row("ergodic-cli", &[FACADE]),
];

const FACADE: &str = "ergodic";
const TEST_KIT: &str = "ergodic-conformance";
/// Unpublished packages: nothing points at them.
const TOOLS: &[&str] = &["xtask", "ergodic-benches"];
/// The crates with `unsafe` code, in these files alone.
const UNSAFE_CRATES: &[&str] = &["ergodic-math", TEST_KIT];
const UNSAFE_FILES: &[&str] = &[
    "crates/math/src/simd.rs",
    "crates/math/src/gemm/raw.rs",
    "crates/conformance/src/alloc.rs",
];

/// The crates under `crates/` in the order of the table.
pub(crate) fn in_order(packages: &[Package]) -> Vec<&Package> {
    TABLE
        .iter()
        .filter_map(|row| packages.iter().find(|p| p.name == row.name))
        .collect()
}

/// Every dependency between members that the table does not allow, one line each.
pub(crate) fn check_arrows(packages: &[Package]) -> Vec<String> {
    let members: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in packages {
        let manifest = package.manifest.display();
        let name = package.name.as_str();
        if TOOLS.contains(&name) {
            continue; // the tools may look at everything
        }
        let Some(row) = TABLE.iter().find(|row| row.name == name) else {
            findings.push(format!(
                "{manifest}: {name} has no row in xtask/src/arrows.rs; say there and in \
                 docs/architecture.md what it may depend on"
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            if !members.contains(to) || row.may_depend_on.contains(&to) {
                continue;
            }
            if to == TEST_KIT && name != TEST_KIT {
                if dependency.kind != Kind::Dev {
                    findings.push(format!(
                        "{manifest}: {name} -> {to}: only [dev-dependencies] may point at the \
                         test kit"
                    ));
                }
                continue;
            }
            let why = if TOOLS.contains(&to) {
                "nothing points at an unpublished tool".to_owned()
            } else if position(to) > position(name) {
                format!("the arrow points back, {to} builds on {name} or stands above it")
            } else {
                "the table does not have this arrow".to_owned()
            };
            let allowed = match row.may_depend_on {
                [] => "no crate of the workspace".to_owned(),
                some => some.join(", "),
            };
            let table = match dependency.kind {
                Kind::Normal => "dependencies",
                Kind::Dev => "dev-dependencies",
                Kind::Build => "build-dependencies",
            };
            findings.push(format!(
                "{manifest}: [{table}] {name} -> {to}: {why}; {name} may depend on {allowed}"
            ));
        }
    }
    findings
}

fn position(name: &str) -> usize {
    TABLE
        .iter()
        .position(|row| row.name == name)
        .unwrap_or(TABLE.len())
}

/// The facade re-exports every library, one feature per optional crate.
pub(crate) fn check_facade(packages: &[Package]) -> Vec<String> {
    let Some(facade) = packages.iter().find(|p| p.name == FACADE) else {
        return vec![format!("there is no package {FACADE}")];
    };
    let manifest = facade.manifest.display();
    let mut findings = Vec::new();
    for row in TABLE {
        let library = ![FACADE, TEST_KIT, "ergodic-cli"].contains(&row.name);
        if !library || !packages.iter().any(|p| p.name == row.name) {
            continue;
        }
        let found = facade
            .dependencies
            .iter()
            .find(|d| d.name == row.name && d.kind == Kind::Normal);
        let feature = row.name.trim_start_matches("ergodic-");
        match found {
            None => findings.push(format!("{manifest}: the facade lacks {}", row.name)),
            Some(d) if d.optional && !facade.features.contains_key(feature) => {
                findings.push(format!(
                    "{manifest}: {} is optional without a feature `{feature}`",
                    row.name
                ));
            }
            Some(_) => {}
        }
    }
    findings
}

/// What one manifest has to say: inherited metadata and lints, versions of the workspace.
pub(crate) fn check_manifest(package: &Package, own: &Lines, workspace: &Lines) -> Vec<String> {
    let manifest = package.manifest.display();
    let name = package.name.as_str();
    let mut findings = Vec::new();
    for key in ["version", "edition", "rust-version", "license"] {
        if !own.inherits("package", key) {
            findings.push(format!("{manifest}: write `{key}.workspace = true`"));
        }
    }
    if UNSAFE_CRATES.contains(&name) {
        findings.extend(check_own_lints(&manifest.to_string(), own, workspace));
    } else if own.get("lints", "workspace") != Some("true") {
        findings.push(format!(
            "{manifest}: write `[lints]` with `workspace = true`; it forbids unsafe code"
        ));
    }
    if !TOOLS.contains(&name) {
        let folder = format!("crates/{}", name.trim_start_matches("ergodic-"));
        if package.manifest.parent() != Some(folder.as_ref()) {
            findings.push(format!("{manifest}: {name} lives in {folder}"));
        }
        if package.description.trim().is_empty() {
            findings.push(format!("{manifest}: {name} has no description"));
        }
    }
    // Peers of the benchmarks are nobody else's business, so their versions stay there.
    if name != "ergodic-benches" {
        for dependency in own.own_versions() {
            findings.push(format!(
                "{manifest}: {dependency} has a version of its own; put it into \
                 [workspace.dependencies] and write `{dependency}.workspace = true`"
            ));
        }
    }
    findings
}

/// The lint table of a crate with `unsafe` code: the workspace's, but for `unsafe_code`.
fn check_own_lints(manifest: &str, own: &Lines, workspace: &Lines) -> Vec<String> {
    let mut findings = Vec::new();
    for tool in ["rust", "clippy"] {
        let mut expected = workspace.table(&format!("workspace.lints.{tool}"));
        if tool == "rust" {
            expected.insert("unsafe_code", "\"deny\"");
        }
        let found = own.table(&format!("lints.{tool}"));
        let names: BTreeSet<&&str> = expected.keys().chain(found.keys()).collect();
        for name in names {
            if expected.get(*name) != found.get(*name) {
                findings.push(format!(
                    "{manifest}: [lints.{tool}] {name} is {}, but the workspace (unsafe_code \
                     apart) has {}",
                    found.get(*name).unwrap_or(&"absent"),
                    expected.get(*name).unwrap_or(&"none"),
                ));
            }
        }
    }
    findings
}

/// The lints that the workspace promises.
pub(crate) fn check_workspace(workspace: &Lines) -> Vec<String> {
    let mut findings = Vec::new();
    for (lint, level) in [("unsafe_code", "\"forbid\""), ("missing_docs", "\"warn\"")] {
        if workspace.get("workspace.lints.rust", lint) != Some(level) {
            findings.push(format!(
                "Cargo.toml: [workspace.lints.rust] has to say {lint} = {level}"
            ));
        }
    }
    findings
}

/// What one Rust file has to obey, `path` relative to the workspace.
pub(crate) fn check_source(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.starts_with("//!") {
        findings.push(format!(
            "{path}: the first line says what the file is for (`//! …`)"
        ));
    }
    let file = path.rsplit('/').next().unwrap_or(path);
    if matches!(file, "utils.rs" | "util.rs" | "helpers.rs") {
        findings.push(format!("{path}: name the file after what is in it"));
    }
    // Spelt in two halves, or this file would find itself.
    let allowance = concat!("allow(", "unsafe_code");
    if text.contains(allowance) && !UNSAFE_FILES.contains(&path) {
        findings.push(format!(
            "{path}: unsafe code lives in {} alone",
            UNSAFE_FILES.join(" and ")
        ));
    }
    if let Some(crates) = path.strip_prefix("crates/")
        && let Some((name, rest)) = crates.split_once('/')
        && !OF_ANY_BITS.contains(&name)
        && rest.starts_with("src/")
        && file != "tests.rs"
    {
        findings.extend(platform_functions(path, text));
    }
    findings
}

/// The crates that may use the functions of the platform: the test kit judges numbers and the
/// program prints them. The results of all others have the same bits on every processor.
const OF_ANY_BITS: &[&str] = &["conformance", "cli"];

/// Functions of `f64` and `f32` that the standard library leaves to the mathematical library of
/// the platform, whose last bit differs from one to the other.
const OF_THE_PLATFORM: &[&str] = &[
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "exp",
    "exp2", "exp_m1", "hypot", "ln", "ln_1p", "log", "log10", "log2", "powf", "sin", "sin_cos",
    "sinh", "tan", "tanh",
];

/// Calls of [`OF_THE_PLATFORM`] outside comments and tests: as methods, or as functions of `f64`
/// and `f32`. Traits are told apart by their spelling, `Real::exp(x)`.
fn platform_functions(path: &str, text: &str) -> Vec<String> {
    let tests = text.find("\n#[cfg(test)]\nmod ").unwrap_or(text.len());
    let mut findings = Vec::new();
    for (i, line) in text[..tests].lines().enumerate() {
        let code = line.split("//").next().unwrap_or(line);
        let called = |name: &str| {
            [".", "f64::", "f32::"].iter().any(|before| {
                let call = format!("{before}{name}");
                code.match_indices(&call).any(|(at, _)| {
                    let after = &code[at + call.len()..];
                    let ends = !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
                    // A method is called; a function may be handed over by its name.
                    ends && (*before != "." || after.starts_with('('))
                })
            })
        };
        for name in OF_THE_PLATFORM.iter().filter(|name| called(name)) {
            findings.push(format!(
                "{path}:{}: `{name}` of the standard library differs between platforms: write \
                 `Real::{name}(x)`, or take it from `ergodic_math::special` or `libm`",
                i + 1
            ));
        }
    }
    findings
}

/// `docs/architecture.md` has to name every crate.
pub(crate) fn check_architecture(packages: &[Package], text: &str) -> Vec<String> {
    packages
        .iter()
        .filter(|p| !text.contains(&format!("`{}`", p.name)))
        .map(|p| format!("docs/architecture.md: `{}` is not on the map", p.name))
        .collect()
}

/// The top level of the repository is closed: a new name there is a decision.
pub(crate) fn check_top_level<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    const ALLOWED: &[&str] = &[
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "clippy.toml",
        "rustfmt.toml",
        "rust-toolchain.toml",
        "benches",
        "crates",
        "docs",
        "xtask",
    ];
    names
        .filter(|name| !name.starts_with('.') && !ALLOWED.contains(name))
        .map(|name| format!("{name}: does not belong at the top level"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::packages;

    #[test]
    fn functions_of_the_platform_are_found_in_libraries_alone() {
        let found =
            |path: &str, code: &str| check_source(path, &format!("//! A file.\n{code}\n")).len();
        let library = "crates/samplers/src/a/b.rs";
        for bad in [
            "let y = x.exp();",
            "let y = (1.0 + x).ln_1p() + 1.0;",
            "xs.iter().map(|x| x.powf(0.3))",
            "xs.iter().copied().map(f64::exp).sum()",
            "let y = f32::tanh(x);",
            "let (s, c) = x.sin_cos();",
            "let y = x\n    .cos();",
        ] {
            assert_eq!(found(library, bad), 1, "{bad}");
            assert_eq!(found("crates/conformance/src/a.rs", bad), 0, "{bad}");
            assert_eq!(found("crates/samplers/tests/a.rs", bad), 0, "{bad}");
            assert_eq!(found("crates/models/src/a/tests.rs", bad), 0, "{bad}");
            let test = format!("fn f() {{}}\n\n#[cfg(test)]\nmod tests {{\n{bad}\n}}");
            assert_eq!(found(library, &test), 0, "{bad}");
            assert_eq!(found(library, &format!("/// {bad}").replace('\n', " ")), 0);
        }
        for good in [
            "let y = Real::exp(x);",
            "let y = F::ln_1p(x) + libm::lgamma(x);",
            "let y = x.sqrt().mul_add(2.0, x.abs()).floor();",
            "let y = x.exponential() + rng.expect(1) + a.logs(2);",
            "let y = state.log;",
            "rng.exp; let z = my_f64::exponent(x);",
        ] {
            assert_eq!(found(library, good), 0, "{good}");
        }
    }
    use serde_json::{Value, json};

    fn metadata(members: &[(&str, &[(&str, Value)])]) -> Vec<Package> {
        let list: Vec<Value> = members
            .iter()
            .map(|(name, dependencies)| {
                let folder = name.trim_start_matches("ergodic-");
                let dependencies: Vec<Value> = dependencies
                    .iter()
                    .map(|(to, kind)| json!({"name": to, "kind": kind, "optional": false}))
                    .collect();
                json!({
                    "name": name,
                    "manifest_path": format!("/w/crates/{folder}/Cargo.toml"),
                    "description": "A crate.",
                    "dependencies": dependencies,
                    "features": {},
                })
            })
            .collect();
        packages(&json!({"workspace_root": "/w", "packages": list})).unwrap()
    }

    #[test]
    fn the_order_of_the_design_passes() {
        let found = check_arrows(&metadata(&[
            ("ergodic-math", &[("rand", Value::Null)]),
            ("ergodic-core", &[("ergodic-math", Value::Null)]),
            (
                "ergodic-samplers",
                &[
                    ("ergodic-core", Value::Null),
                    ("ergodic-conformance", json!("dev")),
                ],
            ),
            ("ergodic-conformance", &[("ergodic-core", Value::Null)]),
            ("ergodic", &[("ergodic-samplers", Value::Null)]),
            ("ergodic-cli", &[("ergodic", Value::Null)]),
            ("xtask", &[]),
            ("ergodic-benches", &[("ergodic-conformance", Value::Null)]),
        ]));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_points_back_is_caught() {
        let found = check_arrows(&metadata(&[
            ("ergodic-math", &[("ergodic-core", Value::Null)]),
            ("ergodic-core", &[]),
        ]));
        assert_eq!(found.len(), 1);
        for part in [
            "crates/math/Cargo.toml",
            "ergodic-math -> ergodic-core",
            "points back",
        ] {
            assert!(found[0].contains(part), "{}", found[0]);
        }
    }

    #[test]
    fn a_dev_dependency_obeys_the_arrows_too() {
        let found = check_arrows(&metadata(&[
            ("ergodic-core", &[("ergodic-models", json!("dev"))]),
            ("ergodic-models", &[]),
        ]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("[dev-dependencies]"), "{}", found[0]);
    }

    #[test]
    fn the_test_kit_is_a_dev_dependency_only() {
        let found = check_arrows(&metadata(&[
            ("ergodic-models", &[("ergodic-conformance", Value::Null)]),
            ("ergodic-conformance", &[]),
        ]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("test kit"), "{}", found[0]);
    }

    #[test]
    fn siblings_do_not_see_each_other() {
        let found = check_arrows(&metadata(&[
            ("ergodic-free-energy", &[("ergodic-optim", Value::Null)]),
            ("ergodic-optim", &[]),
            ("ergodic-cli", &[("ergodic-optim", Value::Null)]),
        ]));
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn nothing_points_at_a_tool_and_an_unknown_crate_needs_a_row() {
        let found = check_arrows(&metadata(&[
            ("ergodic-core", &[("xtask", Value::Null)]),
            ("xtask", &[]),
            ("ergodic-weather", &[]),
        ]));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].contains("has no row"), "{}", found[1]);
    }

    #[test]
    fn the_table_itself_has_no_arrow_that_points_back() {
        for row in TABLE {
            for to in row.may_depend_on {
                assert!(position(to) < position(row.name), "{} -> {to}", row.name);
            }
        }
    }

    #[test]
    fn the_facade_misses_no_library() {
        let found = check_facade(&metadata(&[
            ("ergodic-math", &[]),
            ("ergodic-models", &[]),
            ("ergodic", &[("ergodic-math", Value::Null)]),
        ]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("lacks ergodic-models"), "{}", found[0]);
    }

    const WORKSPACE: &str = "[workspace.lints.rust]\nmissing_docs = \"warn\"\n\
        unsafe_code = \"forbid\"\n[workspace.lints.clippy]\nfloat_cmp = \"allow\"\n";
    const GOOD: &str = "[package]\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\n";

    #[test]
    fn a_manifest_without_the_workspace_lints_is_caught() {
        let core = &metadata(&[("ergodic-core", &[])])[0];
        let workspace = Lines::read(WORKSPACE);
        let with = format!("{GOOD}[lints]\nworkspace = true\n");
        assert!(check_manifest(core, &Lines::read(&with), &workspace).is_empty());
        let found = check_manifest(core, &Lines::read(GOOD), &workspace);
        assert_eq!(found.len(), 1, "{found:?}");
        let own_edition = with.replace("edition.workspace = true", "edition = \"2021\"");
        let found = check_manifest(core, &Lines::read(&own_edition), &workspace);
        assert_eq!(found.len(), 1, "{found:?}");
        let own_version = format!("{with}[dependencies]\nrand = \"0.9\"\n");
        let found = check_manifest(core, &Lines::read(&own_version), &workspace);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn the_lints_of_an_unsafe_crate_may_differ_in_unsafe_code_alone() {
        let math = &metadata(&[("ergodic-math", &[])])[0];
        let workspace = Lines::read(WORKSPACE);
        let own = |unsafe_code: &str, clippy: &str| {
            Lines::read(&format!(
                "{GOOD}[lints.rust]\nmissing_docs = \"warn\"\nunsafe_code = \"{unsafe_code}\"\n\
                 [lints.clippy]\n{clippy}"
            ))
        };
        let good = own("deny", "float_cmp = \"allow\"\n");
        assert!(check_manifest(math, &good, &workspace).is_empty());
        let lax = own("allow", "float_cmp = \"allow\"\n");
        assert_eq!(check_manifest(math, &lax, &workspace).len(), 1);
        let drifted = own("deny", "");
        assert_eq!(check_manifest(math, &drifted, &workspace).len(), 1);
    }

    #[test]
    fn unsafe_code_outside_its_files_is_caught() {
        let text = format!("//! A file.\n#![{}unsafe_code)]\n", "allow(");
        assert!(check_source("crates/math/src/simd.rs", &text).is_empty());
        assert_eq!(check_source("crates/math/src/rng.rs", &text).len(), 1);
        assert_eq!(
            check_source("crates/math/src/rng.rs", "fn f() {}\n").len(),
            1
        );
        assert_eq!(check_source("crates/math/src/utils.rs", "//! x\n").len(), 1);
    }

    #[test]
    fn the_top_level_is_closed() {
        let found = check_top_level(["Cargo.toml", ".ci", "crates", "notes.txt"].into_iter());
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_crate_off_the_map_is_caught() {
        let members = metadata(&[("ergodic-math", &[]), ("ergodic-core", &[])]);
        let found = check_architecture(&members, "| `ergodic-math` | numerics |");
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
