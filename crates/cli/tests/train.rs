//! The built program from training to sampling and weighing, on small runs.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const SMALL: &str = "train rbm --chains 16 --raise-temperatures 20 --quiet";

fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ergodic"));
    command.args(line.split_whitespace()).current_dir(folder);
    command
}

fn ergodic(folder: &Path, line: &str) -> Output {
    let out = command(folder, line).output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{line}: {stderr}");
    out
}

fn json(folder: &Path, line: &str) -> Value {
    let out = ergodic(folder, line);
    serde_json::from_slice(&out.stdout).expect("stdout is JSON and nothing else")
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn number(value: &Value, path: &str) -> f64 {
    value
        .pointer(path)
        .and_then(Value::as_f64)
        .unwrap_or_else(|| panic!("no number at {path} in {value}"))
}

#[test]
fn a_run_leaves_every_result_and_they_agree() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let printed = json(
        folder,
        &format!("{SMALL} --hidden 8 --epochs 6 --evaluate-every 3 --json"),
    );
    let stored: Value = serde_json::from_slice(&read(folder, "ergodic-out/summary.json"))
        .expect("summary.json is JSON");
    assert_eq!(printed, stored);
    for (path, expected) in [
        ("/visible", 64.0),
        ("/hidden", 8.0),
        ("/train_size", 1438.0),
        ("/test_size", 359.0),
        ("/epochs", 6.0),
        ("/seed", 1.0),
    ] {
        assert_eq!(number(&stored, path), expected, "{path}");
    }
    // Exact log Z: both sides and the estimate coincide.
    let z = number(&stored, "/log_z/estimate");
    assert!((number(&stored, "/log_z/lower") - z).abs() < 1e-9);
    assert!((number(&stored, "/log_z/upper") - z).abs() < 1e-9);
    let test = number(&stored, "/test_log_likelihood/estimate");
    let independent = "/baselines/independent_pixels/test_log_likelihood";
    assert!((number(&stored, independent) + 24.76).abs() < 0.005);
    assert!((-26.0..-17.0).contains(&test), "{test}");

    let metrics = String::from_utf8(read(folder, "ergodic-out/metrics.csv")).expect("text");
    assert_eq!(metrics.lines().count(), 1 + 6);
    assert!(read(folder, "ergodic-out/samples.png").starts_with(b"\x89PNG"));
    assert!(read(folder, "ergodic-out/report.html").starts_with(b"<!DOCTYPE html>"));

    // The model file gives the same likelihood as the run that wrote it.
    let model = "ergodic-out/model.safetensors";
    let again = json(
        folder,
        &format!("evaluate {model} --scores s.csv --json --quiet"),
    );
    assert_eq!(number(&again, "/rows"), 359.0);
    assert!((number(&again, "/mean_log_likelihood") - test).abs() < 1e-9);
    let scores = String::from_utf8(read(folder, "s.csv")).expect("text");
    let scores: Vec<f64> = scores
        .lines()
        .skip(1)
        .map(|l| {
            l.split_once(',')
                .expect("two fields")
                .1
                .parse()
                .expect("a number")
        })
        .collect();
    assert_eq!(scores.len(), 359);
    assert!((scores.iter().sum::<f64>() / 359.0 - test).abs() < 1e-9);

    // Samples in every format, and back in as data.
    for name in ["x.png", "x.csv", "x.npy"] {
        let line = format!("sample {model} --count 7 --burn-in 5 --out {name} --json --quiet");
        assert_eq!(number(&json(folder, &line), "/count"), 7.0);
    }
    let all = |name: &str| {
        let line = format!("evaluate {model} --data {name} --json --quiet");
        number(&json(folder, &line), "/mean_log_likelihood")
    };
    assert_eq!(all("x.csv"), all("x.npy"));

    // A model that does not fit the data, or is damaged, is refused.
    std::fs::write(folder.join("two.csv"), "0,1\n1,0\n").expect("a writable folder");
    let whole = read(folder, model);
    std::fs::write(folder.join("cut.safetensors"), &whole[..whole.len() - 9])
        .expect("a writable folder");
    for (line, word) in [
        (format!("evaluate {model} --data two.csv"), "2 columns"),
        ("sample cut.safetensors".into(), "cut.safetensors"),
        (format!("sample {model} --out none/x.png"), "none"),
    ] {
        let out = command(folder, &line).output().expect("the program starts");
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{line}: {stderr}");
        assert!(
            stderr.contains(word) && stderr.lines().count() == 1,
            "{stderr}"
        );
    }
}

#[test]
fn the_model_file_does_not_depend_on_the_number_of_threads() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    for threads in [1, 2] {
        ergodic(
            folder,
            &format!(
                "{SMALL} --hidden 40 --epochs 8 --ais-runs 20 --ais-temperatures 20 \
                 --validation-fraction 0.2 --evaluate-every 1 --patience 2 \
                 --threads {threads} --out t{threads}"
            ),
        );
    }
    for name in ["model.safetensors", "samples.png"] {
        let (one, two) = (format!("t1/{name}"), format!("t2/{name}"));
        assert!(read(folder, &one) == read(folder, &two), "{name} differs");
    }
    let summary = |threads: usize| -> Value {
        let bytes = read(folder, &format!("t{threads}/summary.json"));
        serde_json::from_slice(&bytes).expect("summary.json is JSON")
    };
    let (one, two) = (summary(1), summary(2));
    for field in [
        "epochs",
        "log_z",
        "test_log_likelihood",
        "train_log_likelihood",
        "annealed_model",
        "baselines",
    ] {
        assert!(!one[field].is_null(), "{field}");
        assert_eq!(one[field], two[field], "{field}");
    }
}

#[test]
fn a_killed_run_resumes_with_the_same_bits() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let line = format!("{SMALL} --hidden 8 --epochs 200 --evaluate-every 0 --checkpoint-every 1");
    ergodic(folder, &format!("{line} --out whole"));
    let mut child = command(folder, &format!("{line} --out broken"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let checkpoint = folder.join("broken/checkpoint.safetensors");
    let started = Instant::now();
    while !checkpoint.exists() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(20));
    child.kill().expect("the program can be killed");
    child.wait().expect("the program ends");
    let model = folder.join("broken/model.safetensors");
    assert!(!model.exists(), "the run ended before it was killed");
    ergodic(folder, &format!("{line} --out broken --resume"));
    assert!(
        read(folder, "whole/model.safetensors") == read(folder, "broken/model.safetensors"),
        "the resumed model differs"
    );
    // No epoch is missing from the metrics, none is twice, and time goes on.
    let columns = |name: &str| -> Vec<(f64, f64)> {
        let text = String::from_utf8(read(folder, name)).expect("text");
        let rows = text.lines().skip(1).map(|l| {
            let mut fields = l.split(',').map(|f| f.parse().unwrap_or(f64::NAN));
            let mut next = || fields.next().expect("three columns");
            let epoch = next();
            next();
            (epoch, next())
        });
        rows.collect()
    };
    let rows = columns("broken/metrics.csv");
    assert!(
        rows.iter().map(|r| r.0).eq((1..=200).map(f64::from)),
        "{rows:?}"
    );
    assert!(rows.windows(2).all(|w| w[0].1 <= w[1].1));
    // Other settings than those of the checkpoint are refused, not ignored.
    let other = format!("{line} --out broken --resume --lr 0.01");
    let out = command(folder, &other)
        .output()
        .expect("the program starts");
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("learning_rate"), "{stderr}");
    // The checkpoint of another run does not stay beside a model that is not its own.
    ergodic(
        folder,
        &format!("{SMALL} --hidden 4 --epochs 1 --out broken"),
    );
    assert!(!checkpoint.exists());
}

#[test]
fn a_diverged_run_is_one_short_line_and_no_folder() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    // One update per epoch, so that the divergence is found before anything is drawn from it.
    let line = format!("{SMALL} --hidden 4 --epochs 9 --batch 1438 --lr 1e30 --out none");
    let out = command(temp.path(), &line)
        .output()
        .expect("the program starts");
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.len() < 200 && stderr.contains("is 1e30,"),
        "{stderr}"
    );
    assert!(!temp.path().join("none").exists());
}

#[test]
fn a_run_resumed_after_its_early_stop_stays_stopped() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    // So fast that the validation score soon falls; a rate that only a careful parser gives back.
    let line = format!(
        "{SMALL} --hidden 8 --epochs 60 --lr 0.30000000000000004 --lr-schedule constant --l2 \
         0.030000000000000002 --validation-fraction 0.2 --evaluate-every 1 --patience 1 \
         --checkpoint-every 1 --out stopped --json"
    );
    let first = json(folder, &line);
    let stopped = "no better validation score";
    assert_eq!(first["stopped"], stopped);
    let model = read(folder, "stopped/model.safetensors");
    let again = json(folder, &format!("{line} --resume"));
    assert_eq!(again["stopped"], stopped);
    assert_eq!(again["epochs"], first["epochs"]);
    assert!(again["updates_per_second"].is_null());
    assert!(read(folder, "stopped/model.safetensors") == model);
}

#[test]
fn every_learning_rate_comes_back_from_the_checkpoint() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    for lr in [
        "0.030000000000000002",
        "0.07000000000000002",
        "0.1234567890123456",
    ] {
        let line = format!(
            "{SMALL} --hidden 4 --epochs 1 --evaluate-every 0 --checkpoint-every 1 --lr {lr}"
        );
        ergodic(folder, &line);
        ergodic(folder, &format!("{line} --resume"));
    }
}
