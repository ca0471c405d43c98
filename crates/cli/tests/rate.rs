//! `ergodic rate`: exact values, bounds in their order, every kind of law, plots, and bad input.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn ergodic(folder: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergodic"))
        .arg("rate")
        .args(line.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(folder: &Path, line: &str) -> Value {
    let out = ergodic(folder, &format!("{line} --json"));
    assert_eq!(out.status.code(), Some(0), "{line}: {}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

fn log(row: &Value) -> f64 {
    row["log_probability"].as_f64().expect("a number")
}

fn row<'a>(rows: &'a Value, method: &str) -> &'a Value {
    rows.as_array()
        .expect("rows")
        .iter()
        .find(|r| r["method"] == method)
        .unwrap_or_else(|| panic!("no {method}"))
}

/// P(Bin(100, ½) ≥ 80) from whole numbers, and the bounds in the order in which their assumptions weaken.
#[test]
fn the_coin_has_its_exact_tail_and_ordered_bounds() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let found = json(temp.path(), "--law coin:0.5 --n 100 --mean-at-least 0.8");
    let exact = log(&found["exact"]);
    assert!((exact - 5.579_544_528_625_976e-10f64.ln()).abs() < 1e-12);
    assert!((found["rate"].as_f64().unwrap() - 0.192_744_757_0).abs() < 1e-10);
    let bounds = &found["bounds"];
    for (tighter, wider) in [
        ("Chernoff", "Hoeffding"),
        ("Chernoff", "Bennett"),
        ("Bennett", "Bernstein"),
        ("Cantelli", "Chebyshev"),
    ] {
        let (a, b) = (log(row(bounds, tighter)), log(row(bounds, wider)));
        assert!(exact < a && a <= b + 1e-12, "{tighter} {a}, {wider} {b}");
    }
    // For a coin, range and mean say all, once.
    let rows = bounds.as_array().unwrap();
    assert!(rows.iter().all(|r| r["method"] != "Chernoff of range"));
    let die = json(temp.path(), "--law die:6 --n 100 --mean-at-least 4.5");
    let (a, b, c) = (
        log(row(&die["bounds"], "Chernoff")),
        log(row(&die["bounds"], "Chernoff of range")),
        log(row(&die["bounds"], "Hoeffding")),
    );
    assert!(a < b && b < c, "{a} {b} {c}");
    let refined = log(row(&found["approximations"], "Lugannani-Rice"));
    assert!((refined - exact).abs() < 1e-2);
    let below = json(temp.path(), "--law coin:0.5 --n 100 --mean-at-most 0.2");
    assert!((log(&below["exact"]) - exact).abs() < 1e-12);
    assert_eq!(below["bounds"].as_array().unwrap().len(), 6);
}

/// One event in several descriptions of the law, and laws with a density against closed forms.
#[test]
fn every_kind_of_law_gives_its_exact_tail() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    std::fs::write(
        folder.join("die.csv"),
        "value,probability\n1,.25\n2,.25\n3,0.25\n4,0.25\n",
    )
    .expect("written");
    let die = log(&json(folder, "--law die:4 --n 30 --mean-at-least 3.5")["exact"]);
    for same in ["1:1,2:1,3:1,4:1", "die.csv"] {
        let found = json(folder, &format!("--law {same} --n 30 --mean-at-least 3.5"));
        assert!((log(&found["exact"]) - die).abs() < 1e-12, "{same}");
    }
    let coins = log(&json(folder, "--law binomial:4:0.3 --n 10 --mean-at-least 2.5")["exact"]);
    let coin = log(&json(folder, "--law coin:0.3 --n 40 --mean-at-least 0.625")["exact"]);
    assert!((coins - coin).abs() < 1e-12);
    // P(sum of 3 exponentials ≥ 9) = e⁻⁹(1 + 9 + 81/2)
    let waits = log(&json(folder, "--law exponential:2 --n 3 --mean-at-least 1.5")["exact"]);
    assert!((waits - (50.5f64.ln() - 9.0)).abs() < 1e-12);
    // P(Poisson(20) = 0), P(4 geometric counts = 0)
    let none = log(&json(folder, "--law poisson:2 --n 10 --mean-at-most 0")["exact"]);
    assert!((none + 20.0).abs() < 1e-12);
    let none = log(&json(folder, "--law geometric:0.25 --n 4 --mean-at-most 0")["exact"]);
    assert!((none - 4.0 * 0.25f64.ln()).abs() < 1e-12);
    // P(Z ≥ 6) = 9.87e-10, as the mean of four.
    let normal = log(&json(folder, "--law normal:-1:2 --n 4 --mean-at-least 5")["exact"]);
    assert!((normal - 9.865_876_450_377e-10f64.ln()).abs() < 1e-9);
}

#[test]
fn the_text_shows_what_is_below_the_range_of_floats() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let out = ergodic(
        temp.path(),
        "--law coin:0.5 --n 100000 --mean-at-least 0.6 --plot p.svg",
    );
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let shown = text(&out.stdout);
    for word in ["e-877", "Bahadur-Rao", "Hoeffding (bound)", "nats per draw"] {
        assert!(shown.contains(word), "no {word} in {shown}");
    }
    let svg = std::fs::read_to_string(temp.path().join("p.svg")).expect("a plot");
    assert!(svg.starts_with("<svg xmlns=") && svg.contains("Lugannani-Rice"));
    assert!(svg.matches("<polyline").count() == 3 && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("number of draws n") && svg.contains("nats per draw"));
    assert!(shown.contains("plot in p.svg"));
}

#[test]
fn an_event_that_holds_the_mean_is_called_none_rare() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    for (line, typical) in [
        ("--law coin:0.5 --n 10 --mean-at-least 0.3", true),
        ("--law coin:0.5 --n 10 --mean-at-most 0.5", true),
        ("--law coin:0.5 --n 10 --mean-at-least 0 --plot p.svg", true),
        ("--law coin:0.5 --n 10 --mean-at-least 0.6", false),
        ("--law die:1 --n 3 --mean-at-least 1 --plot q.svg", true),
    ] {
        let out = ergodic(folder, line);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let shown = text(&out.stdout);
        assert_eq!(shown.contains("it is no rare one"), typical, "{shown}");
        assert!(!shown.contains("-0.000000000"), "{shown}");
    }
    // Whose exact value, 1, has no rate at any n.
    let svg = std::fs::read_to_string(folder.join("p.svg")).expect("a plot");
    assert!(svg.contains("<circle") && !svg.contains("NaN"));
}

#[test]
fn bad_laws_and_events_are_one_line_and_exit_code_two() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    std::fs::write(folder.join("sum.csv"), "1,0.5\n2,0.6\n").expect("written");
    std::fs::write(folder.join("word.csv"), "value,probability\n1,half\n").expect("written");
    std::fs::write(folder.join("wide.csv"), "1,0.5,3\n").expect("written");
    for (line, words) in [
        ("--law coin:0.5 --n 0 --mean-at-least 0.6", "--n"),
        ("--law coin:0.5 --n 5", "--mean-at-least"),
        (
            "--law coin:0.5 --n 5 --mean-at-least 0.6 --mean-at-most 0.7",
            "--mean-at-most",
        ),
        (
            "--law coin:0.5 --n 5 --mean-at-least 1.1",
            "between 0 and 1",
        ),
        ("--law coin:0.5 --n 5 --mean-at-most NaN", "--mean-at-most"),
        ("--law coin:1.5 --n 5 --mean-at-least 1", "--law"),
        ("--law coin --n 5 --mean-at-least 1", "coin:P"),
        ("--law fly:3 --n 5 --mean-at-least 1", "coin:P"),
        (
            "--law coin:0.5 --n 5 --mean-at-least 1 --plot p.png",
            ".svg",
        ),
        ("--law die:0 --n 5 --mean-at-least 1", "--law"),
        ("--law poisson:-1 --n 5 --mean-at-least 1", "--law"),
        ("--law 1:1,2:-1 --n 5 --mean-at-least 1", "--law"),
        (
            "--law 1:1,1.41421356237:1,0:1 --n 5 --mean-at-least 1",
            "lattice",
        ),
        ("--law nothing.csv --n 5 --mean-at-least 1", "--law"),
        ("--law sum.csv --n 5 --mean-at-least 1", "sum.csv"),
        ("--law word.csv --n 5 --mean-at-least 1", "row 2, column 2"),
        ("--law wide.csv --n 5 --mean-at-least 1", "row 1"),
        (
            "--law poisson:1e12 --n 100000000 --mean-at-least 2e12",
            "--n",
        ),
        (
            "--law exponential:1 --n 5 --mean-at-least -1",
            "--mean-at-least",
        ),
        (
            "--law coin:0.5 --n 5 --mean-at-least 1 --plot no/where.svg",
            "where.svg",
        ),
    ] {
        let out = ergodic(folder, line);
        let stderr = text(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{line}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{line}: {stderr}");
        assert!(stderr.contains(words), "{line}: no \"{words}\" in {stderr}");
        assert!(out.stdout.is_empty(), "{line}");
    }
}
