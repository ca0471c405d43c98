//! `cargo xtask bench`: runs the cases of `benches/`, their peers in the same minute, and writes
//! `docs/benchmarks/`.
//!
//! A case says what it is by a small JSON file that the benchmark program leaves in the folder
//! named by `ERGODIC_BENCH_CASES`; its time comes from criterion's own files. A peer is either
//! another case of `benches/` (a Rust library) or a script of `benches/peers/`, which runs in a
//! virtual environment with pinned versions and prints one line of JSON. The comparison with
//! nuts-rs by effective sample size is apart, in `nuts.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::manifest::cargo;
use crate::{environment, nuts, report};

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct Options {
    /// Only cases whose id contains this text.
    #[arg(long, default_value = "")]
    filter: String,
    /// Run the peers beside each case; needs `python3` with `venv`, and the network once.
    #[arg(long)]
    peers: bool,
    /// The day to write down, today if absent.
    #[arg(long)]
    date: Option<String>,
    /// Rewrite the table and the plot from `latest.json` without running anything.
    #[arg(long)]
    report_only: bool,
}

/// Runs the benchmarks and merges their results into `docs/benchmarks/latest.json`.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let folder = root.join("docs/benchmarks");
    let mut results = earlier(&folder.join("latest.json"))?;
    if !options.report_only {
        let bench = Bench::new(root)?;
        // The comparison of NUTS has programs of its own: the others need not be built for it.
        let mut cases = if options.filter.starts_with("nuts") {
            BTreeMap::new()
        } else {
            bench.cases()?
        };
        cases.retain(|id, _| id.contains(&options.filter));
        let comparison = nuts::ids(&options.filter);
        if cases.is_empty() && comparison.is_empty() {
            return Err(format!("no case contains `{}`", options.filter));
        }
        let scripts = cases
            .values()
            .flat_map(peers_of)
            .any(|p| !p["script"].is_null());
        let python = if options.peers && scripts {
            Some(environment_of_peers(root)?)
        } else {
            None
        };
        let machine = environment::describe(root, options.date.as_deref());
        let mut measured = BTreeMap::new();
        for (id, case) in &cases {
            let mut result = bench.measure_with_peers(case, python.as_deref(), options.peers)?;
            result.insert("environment".into(), machine.clone());
            println!("bench: {}", report::line(id, &result));
            measured.insert(id.clone(), Value::Object(result));
        }
        if !comparison.is_empty() {
            let programs = nuts::Programs::build(root, options.peers)?;
            for id in comparison {
                let mut result = programs.measure(&id)?;
                result.insert("environment".into(), machine.clone());
                println!("bench: {}", report::line(&id, &result));
                measured.insert(id, Value::Object(result));
            }
        }
        results.append(&mut measured);
    }
    report::write(&folder, &results)?;
    println!("bench: wrote {}", folder.display());
    Ok(())
}

/// The results of former runs, so that a filtered run replaces only its own.
fn earlier(path: &Path) -> Result<BTreeMap<String, Value>, String> {
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let value = read_json(path)?;
    let cases = value["cases"]
        .as_object()
        .ok_or_else(|| format!("{}: no `cases`", path.display()))?;
    Ok(cases.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
}

fn read_json(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
}

fn peers_of(case: &Value) -> impl Iterator<Item = &Value> {
    case["peers"].as_array().into_iter().flatten()
}

/// The built benchmark programs and where they leave their results.
struct Bench<'a> {
    root: &'a Path,
    cases: PathBuf,
    criterion: PathBuf,
}

impl<'a> Bench<'a> {
    fn new(root: &'a Path) -> Result<Self, String> {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |t| root.join(t));
        let cases = target.join("bench-cases");
        if cases.exists() {
            fs::remove_dir_all(&cases).map_err(|e| format!("{}: {e}", cases.display()))?;
        }
        fs::create_dir_all(&cases).map_err(|e| format!("{}: {e}", cases.display()))?;
        Ok(Self {
            root,
            cases,
            criterion: target.join("criterion"),
        })
    }

    fn cargo_bench(&self) -> Command {
        let mut command = Command::new(cargo());
        command
            .args(["bench", "--quiet", "--package", "ergodic-benches"])
            .args(["--features", "peers"])
            .current_dir(self.root)
            .env("CRITERION_HOME", &self.criterion)
            .env("ERGODIC_BENCH_CASES", &self.cases);
        command
    }

    /// Every case, by id. Listing runs no measurement.
    fn cases(&self) -> Result<BTreeMap<String, Value>, String> {
        let mut list = self.cargo_bench();
        list.args(["--", "--list"]);
        run_to_end(&mut list)?;
        let entries =
            fs::read_dir(&self.cases).map_err(|e| format!("{}: {e}", self.cases.display()))?;
        let mut cases = BTreeMap::new();
        for entry in entries.flatten() {
            let case = read_json(&entry.path())?;
            let id = case["id"].as_str().ok_or("a case without an id")?;
            cases.insert(id.to_owned(), case);
        }
        Ok(cases)
    }

    /// Peer, case, peer, for each peer: a slow minute of the machine falls on both.
    fn measure_with_peers(
        &self,
        case: &Value,
        python: Option<&Path>,
        with_peers: bool,
    ) -> Result<Map<String, Value>, String> {
        let id = case["id"].as_str().unwrap_or_default();
        let mut samples: Vec<Vec<f64>> = Vec::new();
        let mut peers: Vec<Value> = Vec::new();
        let once = |peer: &Value| -> Result<Option<Value>, String> {
            if let Some(other) = peer["case"].as_str() {
                let time = self.measure(other)?;
                let name = peer["name"].as_str().unwrap_or(other);
                return Ok(Some(
                    json!({"name": name, "values": [value(case, time.median)]}),
                ));
            }
            python.map(|p| self.script(p, case, peer)).transpose()
        };
        if with_peers {
            for peer in peers_of(case) {
                let Some(result) = once(peer)? else { continue };
                samples.push(numbers(&result["values"]));
                peers.push(result);
            }
        }
        let time = self.measure(id)?;
        // A case that counts its work while it prepares knows it only now.
        let ours = value(&read_json(&self.description(id))?, time.median);
        if with_peers {
            let runnable = peers_of(case).filter(|p| python.is_some() || p["script"].is_null());
            for (peer, samples) in runnable.zip(&mut samples) {
                if let Some(result) = once(peer)? {
                    samples.extend(numbers(&result["values"]));
                }
            }
        }
        let higher = case["higher_is_better"].as_bool().unwrap_or(true);
        let peers: Vec<Value> = peers
            .iter()
            .zip(samples)
            .map(|(peer, samples)| {
                let theirs = median(samples);
                let ratio = if higher { ours / theirs } else { theirs / ours };
                json!({
                    "name": peer["name"],
                    "value": theirs,
                    "ratio": ratio,
                    "versions": peer["versions"],
                })
            })
            .collect();
        let mut result = Map::new();
        for key in ["unit", "threads", "higher_is_better"] {
            result.insert(key.into(), case[key].clone());
        }
        result.insert("median_seconds".into(), json!(time.median));
        result.insert("median_interval_seconds".into(), json!(time.interval));
        result.insert("value".into(), json!(ours));
        result.insert("peers".into(), Value::Array(peers));
        Ok(result)
    }

    /// The file in which a case describes itself.
    fn description(&self, id: &str) -> PathBuf {
        self.cases.join(format!("{}.json", id.replace('/', "+")))
    }

    /// Runs one case alone and reads its median from criterion's files.
    fn measure(&self, id: &str) -> Result<Time, String> {
        let topic = id.split('/').next().unwrap_or(id);
        let threads = read_json(&self.description(id))?["threads"]
            .as_u64()
            .unwrap_or(1);
        let mut bench = self.cargo_bench();
        bench
            .env("RAYON_NUM_THREADS", threads.to_string())
            .args(["--bench", topic, "--", "--exact", id]);
        run_to_end(&mut bench)?;
        let folder = result_folder(&self.criterion, id)
            .ok_or_else(|| format!("criterion left no result for {id}"))?;
        let estimates = read_json(&folder.join("estimates.json"))?;
        let median = &estimates["median"];
        let seconds = |v: &Value| v.as_f64().map(|nanoseconds| nanoseconds * 1e-9);
        let interval = &median["confidence_interval"];
        match (
            seconds(&median["point_estimate"]),
            seconds(&interval["lower_bound"]),
            seconds(&interval["upper_bound"]),
        ) {
            (Some(median), Some(lower), Some(upper)) => Ok(Time {
                median,
                interval: [lower, upper],
            }),
            _ => Err(format!("{}: no median", folder.display())),
        }
    }

    /// Runs a script of `benches/peers/` and reads its line of JSON.
    fn script(&self, python: &Path, case: &Value, peer: &Value) -> Result<Value, String> {
        let name = peer["script"].as_str().unwrap_or_default();
        let arguments = peer["arguments"].as_array();
        let threads = case["threads"].as_u64().unwrap_or(1).to_string();
        let output = Command::new(python)
            .arg(self.root.join("benches/peers").join(name))
            .args(arguments.into_iter().flatten().filter_map(Value::as_str))
            .current_dir(self.root)
            .env("OMP_NUM_THREADS", &threads)
            .env("OPENBLAS_NUM_THREADS", &threads)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .map_err(|e| format!("{name}: {e}"))?;
        if !output.status.success() {
            return Err(format!(
                "{name}: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            ));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().last().unwrap_or_default();
        let result: Value =
            serde_json::from_str(line).map_err(|e| format!("{name} printed `{line}`: {e}"))?;
        if result["unit"] != case["unit"] {
            return Err(format!(
                "{name} reports {}, but the case {}",
                result["unit"], case["unit"]
            ));
        }
        if numbers(&result["values"]).is_empty() {
            return Err(format!("{name} printed no values"));
        }
        Ok(result)
    }
}

/// The `new` folder below `folder` whose `benchmark.json` names `id`.
fn result_folder(folder: &Path, id: &str) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if !path.is_dir() {
            continue;
        }
        let named = path.file_name().is_some_and(|n| n == "new")
            && read_json(&path.join("benchmark.json"))
                .is_ok_and(|b| b["full_id"].as_str() == Some(id));
        if named {
            return Some(path);
        }
        if let Some(found) = result_folder(&path, id) {
            return Some(found);
        }
    }
    None
}

struct Time {
    median: f64,
    interval: [f64; 2],
}

/// The figure of a case in its unit: work per second, or seconds per piece of work.
fn value(case: &Value, seconds: f64) -> f64 {
    let work = case["work"].as_f64().unwrap_or(1.0);
    if case["higher_is_better"].as_bool().unwrap_or(true) {
        work / seconds
    } else {
        seconds / work
    }
}

fn numbers(values: &Value) -> Vec<f64> {
    let list = values.as_array().into_iter().flatten();
    list.filter_map(Value::as_f64).collect()
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => f64::NAN,
        _ if n % 2 == 1 => values[n / 2],
        _ => 0.5 * (values[n / 2 - 1] + values[n / 2]),
    }
}

fn run_to_end(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// The interpreter of `target/peers-venv`, made or renewed when the pinned versions change.
fn environment_of_peers(root: &Path) -> Result<PathBuf, String> {
    let folder = root.join("target/peers-venv");
    let pinned = root.join("benches/peers/requirements.txt");
    let wanted = fs::read_to_string(&pinned).map_err(|e| format!("{}: {e}", pinned.display()))?;
    let stamp = folder.join("installed.txt");
    let python = folder.join("bin/python");
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    println!("bench: installing the peers into {}", folder.display());
    run_to_end(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )?;
    run_to_end(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(&pinned),
    )?;
    fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn a_rate_is_work_per_second_and_a_duration_seconds_per_work() {
        let rate = json!({"work": 10.0, "higher_is_better": true});
        assert_eq!(value(&rate, 2.0), 5.0);
        let duration = json!({"work": 4.0, "higher_is_better": false});
        assert_eq!(value(&duration, 2.0), 0.5);
    }
}
