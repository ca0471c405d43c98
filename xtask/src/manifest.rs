//! What the tasks know of a `Cargo.toml`: packages from `cargo metadata`, and the lines that
//! metadata does not keep (what is inherited from the workspace).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// How a package depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// One line of a dependency table.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// A member of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The path of its `Cargo.toml`, relative to the workspace.
    pub(crate) manifest: PathBuf,
    pub(crate) description: String,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

impl Package {
    /// The features that `start` switches on, itself included, within this package.
    pub(crate) fn closure(&self, start: &[&str]) -> BTreeSet<String> {
        let mut on = BTreeSet::new();
        let mut waiting: Vec<String> = start.iter().map(ToString::to_string).collect();
        while let Some(feature) = waiting.pop() {
            if let Some(implied) = self.features.get(&feature)
                && on.insert(feature)
            {
                waiting.extend(implied.iter().cloned());
            }
        }
        on.remove("default");
        on
    }
}

/// The members of the workspace at `root`, by `cargo metadata --no-deps`.
pub(crate) fn members(root: &Path) -> Result<Vec<Package>, String> {
    let output = Command::new(cargo())
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cargo metadata: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))?;
    packages(&metadata)
}

/// The features that each member has in a build of the whole workspace, where those that members
/// ask of each other come together.
///
/// Of this platform alone: the packages of others need not have been fetched.
pub(crate) fn unified_features(root: &Path) -> Result<BTreeMap<String, Vec<String>>, String> {
    let rustc = Command::new("rustc")
        .arg("-vV")
        .output()
        .map_err(|e| format!("rustc -vV: {e}"))?;
    let version = String::from_utf8_lossy(&rustc.stdout).into_owned();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or("rustc -vV does not name the host")?;
    let output = Command::new(cargo())
        .args([
            "metadata",
            "--format-version",
            "1",
            "--filter-platform",
            host,
        ])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cargo metadata: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))?;
    Ok(resolved(&metadata))
}

/// Reads the features of the resolved packages of a `cargo metadata` document, by package name.
fn resolved(metadata: &Value) -> BTreeMap<String, Vec<String>> {
    let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
    let names: BTreeMap<String, String> = list(&metadata["packages"])
        .iter()
        .filter_map(|p| Some((p["id"].as_str()?.to_owned(), p["name"].as_str()?.to_owned())))
        .collect();
    list(&metadata["resolve"]["nodes"])
        .iter()
        .filter_map(|node| {
            let name = names.get(node["id"].as_str()?)?;
            let features = list(&node["features"]);
            let features = features
                .iter()
                .filter_map(|f| f.as_str().map(str::to_owned));
            Some((name.clone(), features.collect()))
        })
        .collect()
}

/// The cargo that runs this program, or the one on the path.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

/// Reads the packages of a `cargo metadata` document.
pub(crate) fn packages(metadata: &Value) -> Result<Vec<Package>, String> {
    let root = metadata["workspace_root"]
        .as_str()
        .ok_or("cargo metadata has no workspace_root")?;
    let list = metadata["packages"]
        .as_array()
        .ok_or("cargo metadata has no packages")?;
    list.iter().map(|p| package(p, Path::new(root))).collect()
}

fn package(value: &Value, root: &Path) -> Result<Package, String> {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let name = text(&value["name"]).ok_or("a package without a name")?;
    let manifest = PathBuf::from(text(&value["manifest_path"]).unwrap_or_default());
    let dependencies = value["dependencies"].as_array().map_or(&[][..], |d| d);
    let features = value["features"].as_object();
    Ok(Package {
        manifest: manifest
            .strip_prefix(root)
            .map_or(manifest.clone(), Path::to_path_buf),
        description: text(&value["description"]).unwrap_or_default(),
        dependencies: dependencies
            .iter()
            .map(|d| Dependency {
                name: text(&d["name"]).unwrap_or_default(),
                kind: match d["kind"].as_str() {
                    Some("dev") => Kind::Dev,
                    Some("build") => Kind::Build,
                    _ => Kind::Normal,
                },
                optional: d["optional"].as_bool().unwrap_or(false),
            })
            .collect(),
        features: features
            .into_iter()
            .flatten()
            .map(|(feature, implied)| {
                let implied = implied.as_array().map_or(&[][..], |i| i);
                (feature.clone(), implied.iter().filter_map(text).collect())
            })
            .collect(),
        name,
    })
}

/// The entries of a manifest as text: `(table, key, value)` in order, arrays joined to one line.
///
/// Not a TOML parser: it reads the regular manifests that this workspace writes, one entry a
/// line. Table headers keep their dots (`workspace.lints.rust`), dotted keys too
/// (`edition.workspace`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Vec<(String, String, String)>);

impl Lines {
    pub(crate) fn read(text: &str) -> Self {
        let mut lines = Vec::new();
        let mut table = String::new();
        let mut open: Option<(String, String)> = None;
        for line in text.lines() {
            let line = without_comment(line).trim();
            if let Some((key, mut value)) = open.take() {
                value.push(' ');
                value.push_str(line);
                if depth(&value) > 0 {
                    open = Some((key, value));
                } else {
                    lines.push((table.clone(), key, value));
                }
            } else if let Some(header) = line.strip_prefix('[') {
                header.trim_matches(['[', ']', ' ']).clone_into(&mut table);
            } else if let Some((key, value)) = line.split_once('=') {
                let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                if depth(&value) > 0 {
                    open = Some((key, value));
                } else {
                    lines.push((table.clone(), key, value));
                }
            }
        }
        Self(lines)
    }

    /// The value of `key` in `table`, as it is written.
    pub(crate) fn get(&self, table: &str, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(t, k, _)| t == table && k == key)
            .map(|(_, _, value)| value.as_str())
    }

    /// Whether `key` of `table` is inherited from the workspace, in either spelling.
    pub(crate) fn inherits(&self, table: &str, key: &str) -> bool {
        self.get(table, &format!("{key}.workspace")) == Some("true")
            || self.get(table, key).is_some_and(says_workspace)
    }

    /// The entries of `table`.
    pub(crate) fn table(&self, table: &str) -> BTreeMap<&str, &str> {
        self.0
            .iter()
            .filter(|(t, _, _)| t == table)
            .map(|(_, key, value)| (key.as_str(), value.as_str()))
            .collect()
    }

    /// The dependencies that name a version or path of their own instead of the workspace's.
    pub(crate) fn own_versions(&self) -> Vec<String> {
        let mut found = BTreeMap::new();
        for (table, key, value) in &self.0 {
            if table.starts_with("workspace") {
                continue;
            }
            let last = table.rsplit('.').next().unwrap_or(table);
            if last.ends_with("dependencies") {
                let name = key.split('.').next().unwrap_or(key);
                let inherits = (key.ends_with(".workspace") && value == "true")
                    || (key == name && says_workspace(value));
                *found.entry(name.to_owned()).or_insert(false) |= inherits;
            } else if let Some((before, name)) = table.rsplit_once('.')
                && before.ends_with("dependencies")
            {
                *found.entry(name.to_owned()).or_insert(false) |=
                    key == "workspace" && value == "true";
            }
        }
        found
            .into_iter()
            .filter_map(|(name, inherits)| (!inherits).then_some(name))
            .collect()
    }
}

fn says_workspace(value: &str) -> bool {
    value.starts_with('{') && value.replace(' ', "").contains("workspace=true")
}

/// Open brackets minus closed ones, strings left out.
fn depth(value: &str) -> i32 {
    let mut quoted = false;
    value.chars().fold(0, |d, c| {
        quoted ^= c == '"';
        match c {
            '[' | '{' if !quoted => d + 1,
            ']' | '}' if !quoted => d - 1,
            _ => d,
        }
    })
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (i, c) in line.char_indices() {
        quoted ^= c == '"';
        if c == '#' && !quoted {
            return &line[..i];
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
[package]
name = "a" # a "name"
edition.workspace = true
license = { workspace = true }
keywords = [
    "one", # first
    "two",
]

[dependencies]
inherited.workspace = true
table = { workspace = true, features = ["x"] }
own = "1.2"
path = { path = "../path" }

[dependencies.long]
workspace = true
optional = true

[target.'cfg(unix)'.dev-dependencies]
there = { version = "3" }
"#;

    #[test]
    fn entries_are_found_in_their_table() {
        let lines = Lines::read(MANIFEST);
        assert_eq!(lines.get("package", "name"), Some("\"a\""));
        assert_eq!(
            lines.get("package", "keywords"),
            Some("[ \"one\", \"two\", ]")
        );
        assert!(lines.inherits("package", "edition"));
        assert!(lines.inherits("package", "license"));
        assert!(!lines.inherits("package", "name"));
        assert_eq!(lines.table("dependencies.long").len(), 2);
    }

    #[test]
    fn a_dependency_with_a_version_of_its_own_is_named() {
        assert_eq!(
            Lines::read(MANIFEST).own_versions(),
            ["own", "path", "there"]
        );
    }

    #[test]
    fn the_workspace_table_is_where_versions_belong() {
        let root = "[workspace.dependencies]\nrand = \"0.10\"\n";
        assert!(Lines::read(root).own_versions().is_empty());
    }

    #[test]
    fn features_close_over_what_they_imply() {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let package = Package {
            name: "a".into(),
            manifest: "crates/a/Cargo.toml".into(),
            description: String::new(),
            dependencies: Vec::new(),
            features: [
                ("default".into(), list(&["b"])),
                ("b".into(), list(&["c", "dep:rand"])),
                ("c".into(), list(&["a/default"])),
                ("d".into(), list(&["d", "b"])),
            ]
            .into(),
        };
        let set = |names: &[&str]| list(names).into_iter().collect::<BTreeSet<_>>();
        assert_eq!(package.closure(&["default"]), set(&["b", "c"]));
        assert_eq!(package.closure(&["d"]), set(&["b", "c", "d"]));
        assert!(package.closure(&[]).is_empty());
    }
}
