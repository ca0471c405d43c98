//! What `docs/benchmarks/` holds: `latest.json`, a Markdown table, and a plot of the ratios.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::chart;

/// Writes the three files.
pub(crate) fn write(folder: &Path, results: &BTreeMap<String, Value>) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let document = json!({"format": 1, "cases": results});
    let text = serde_json::to_string_pretty(&document).map_err(|e| e.to_string())? + "\n";
    let files = [
        ("latest.json", text),
        ("README.md", markdown(results)),
        ("ratios.svg", chart::bars(&ratios(results))),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// One result on one line.
pub(crate) fn line(id: &str, result: &Map<String, Value>) -> String {
    let number = |v: &Value| v.as_f64().map_or_else(String::new, significant);
    let unit = result["unit"].as_str().unwrap_or_default();
    let mut text = format!("{id}: {} {unit}", number(&result["value"]));
    for peer in result["peers"].as_array().into_iter().flatten() {
        let _ = write!(
            text,
            "; {} {}, ratio {}",
            peer["name"].as_str().unwrap_or_default(),
            number(&peer["value"]),
            number(&peer["ratio"]),
        );
    }
    text
}

fn ratios(results: &BTreeMap<String, Value>) -> Vec<(String, f64)> {
    let mut bars = Vec::new();
    for (id, result) in results {
        for peer in result["peers"].as_array().into_iter().flatten() {
            if let Some(ratio) = peer["ratio"].as_f64() {
                let name = peer["name"].as_str().unwrap_or_default();
                bars.push((format!("{id} / {name}"), ratio));
            }
        }
    }
    bars
}

fn markdown(results: &BTreeMap<String, Value>) -> String {
    let mut text = String::from(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench --peers`; the same figures are in `latest.json`.\n\
         A case is timed only after its result was checked against an exact value. The time is \
         criterion's median; a peer's\n\
         figure is the median over its runs right before and right after ours. A ratio above 1 \
         means that Ergodic is faster.\n\
         Measured apart: [NUTS beside nuts-rs](nuts.md) by effective sample size, and \
         [gradients to one accuracy](gradients.md).\n",
    );
    if !ratios(results).is_empty() {
        text.push_str("\n![Speed relative to the peers](ratios.svg)\n");
    }
    for (machine, cases) in by_machine(results) {
        text.push('\n');
        text.push_str(&machine);
        text.push_str(
            "\n| case | threads | median time | rate | unit | peer | peer rate | ratio |\n\
             |---|--:|--:|--:|---|---|--:|--:|\n",
        );
        for (id, result) in cases {
            text.push_str(&rows(id, result));
        }
    }
    text
}

/// Cases grouped by where they ran.
fn by_machine(results: &BTreeMap<String, Value>) -> BTreeMap<String, Vec<(&String, &Value)>> {
    let mut groups: BTreeMap<String, Vec<(&String, &Value)>> = BTreeMap::new();
    for (id, result) in results {
        let e = &result["environment"];
        let word = |key: &str| e[key].as_str().unwrap_or("unknown");
        let heading = format!(
            "**{}**, {} cores; {}; RUSTFLAGS {}; profile {}; SIMD {}; commit {}; {}\n",
            word("cpu"),
            e["cores"],
            word("rustc"),
            word("flags"),
            word("profile"),
            word("simd"),
            word("commit"),
            word("date"),
        );
        groups.entry(heading).or_default().push((id, result));
    }
    groups
}

fn rows(id: &str, result: &Value) -> String {
    let number = |v: &Value| v.as_f64().map_or_else(String::new, significant);
    let ours = format!(
        "| `{id}` | {} | {} | {} | {} |",
        result["threads"],
        result["median_seconds"]
            .as_f64()
            .map_or_else(String::new, duration),
        number(&result["value"]),
        result["unit"].as_str().unwrap_or_default(),
    );
    let peers = result["peers"].as_array().map_or(&[][..], |p| p);
    if peers.is_empty() {
        return format!("{ours} | | |\n");
    }
    let mut text = String::new();
    for peer in peers {
        let _ = writeln!(
            text,
            "{ours} {} | {} | {} |",
            peer["name"].as_str().unwrap_or_default(),
            number(&peer["value"]),
            number(&peer["ratio"]),
        );
    }
    text
}

/// Three significant digits, whole numbers whole.
fn significant(x: f64) -> String {
    if !x.is_finite() || x == 0.0 {
        return x.to_string();
    }
    let digits = 2 - x.abs().log10().floor() as i32;
    if (-12..=12).contains(&digits) {
        format!("{x:.*}", digits.max(0) as usize)
    } else {
        format!("{x:.2e}")
    }
}

/// A time in its natural unit.
fn duration(seconds: f64) -> String {
    let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")];
    let (scale, unit) = units
        .into_iter()
        .find(|(scale, _)| seconds >= *scale)
        .unwrap_or((1e-9, "ns"));
    format!("{} {unit}", significant(seconds / scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits() {
        assert_eq!(significant(12345.6), "12346");
        assert_eq!(significant(1.2345), "1.23");
        assert_eq!(significant(0.012345), "0.0123");
        assert_eq!(significant(0.0), "0");
        assert_eq!(duration(0.0123), "12.3 ms");
        assert_eq!(duration(4.5e-8), "45.0 ns");
    }

    #[test]
    fn the_table_has_a_row_for_each_peer_of_each_case() {
        let environment = json!({"cpu": "C", "cores": 2, "rustc": "r", "flags": "none",
            "profile": "p", "simd": "s", "commit": "c", "date": "2026-01-01"});
        let case = json!({
            "unit": "updates/s", "threads": 1, "median_seconds": 0.002, "value": 500.0,
            "environment": environment,
            "peers": [
                {"name": "NumPy", "value": 250.0, "ratio": 2.0},
                {"name": "NumPy, best", "value": 400.0, "ratio": 1.25},
            ],
        });
        let results: BTreeMap<String, Value> = [("rbm/pcd".to_owned(), case)].into();
        let table = markdown(&results);
        assert!(
            table.contains("| `rbm/pcd` | 1 | 2.00 ms | 500 | updates/s | NumPy | 250 | 2.00 |")
        );
        assert!(table.contains("| NumPy, best | 400 | 1.25 |"), "{table}");
        assert!(
            table.contains("**C**, 2 cores; r; RUSTFLAGS none"),
            "{table}"
        );
        assert_eq!(ratios(&results).len(), 2);
    }
}
