//! The built program on bad input: exit code 2, one line on stderr that names the thing, nothing
//! on stdout and nothing half-written.

use std::path::Path;
use std::process::{Command, Output};

fn ergodic(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergodic"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

/// Checks one refusal and returns its line.
fn refuse(folder: &Path, line: &str, words: &[&str]) {
    let before = names(folder);
    let out = ergodic(folder, &line.split_whitespace().collect::<Vec<_>>());
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{line}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{line}: {stderr}");
    assert!(stderr.starts_with("error: "), "{line}: {stderr}");
    assert!(out.stdout.is_empty(), "{line}");
    for word in words {
        assert!(stderr.contains(word), "{line}: no \"{word}\" in: {stderr}");
    }
    assert_eq!(names(folder), before, "{line} left files behind");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|e| {
            e.expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn idx(magic: u32, shape: &[u32], pixels: usize) -> Vec<u8> {
    let mut out = magic.to_be_bytes().to_vec();
    for d in shape {
        out.extend(d.to_be_bytes());
    }
    out.resize(out.len() + pixels, 0);
    out
}

#[test]
fn every_bad_input_is_one_line_and_exit_code_two() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).expect("a writable folder");
    };
    write("good.csv", "0,1\n1,0\n1,1\n0,0\n1,0\n".repeat(4).as_bytes());
    write("three.csv", b"0,1,1\n1,0,0\n");
    write("ragged.csv", b"0,1\n1\n");
    write("words.csv", b"0,1\n1,x\n");
    write("nan.csv", b"0,1\n1,NaN\n");
    write("large.csv", b"0,1\n1,17\n");
    write("header.csv", b"a,b\n");
    write("empty.csv", b"");
    write("labels-ubyte", &idx(0x801, &[3], 3));
    write("magic-ubyte", &idx(0xd03, &[1, 1, 1], 4));
    write("short-ubyte", &idx(0x803, &[10, 2, 2], 39));
    write("long-ubyte", &idx(0x803, &[10, 2, 2], 41));
    write("none-ubyte", &idx(0x803, &[0, 2, 2], 0));
    write("short.npy", b"\x93NUMPY\x01\x00");
    write("magic.npy", b"PK\x03\x04 not an array");
    write("short.gz", &[0x1f, 0x8b, 8, 0, 0]);
    write("model.safetensors", b"not a model");
    std::fs::create_dir(folder.join("folder")).expect("a writable folder");

    for (data, words) in [
        ("missing.csv", &["missing.csv", "no such file"][..]),
        ("folder", &["folder"]),
        ("ragged.csv", &["ragged.csv", "row 2", "2 columns"]),
        ("words.csv", &["words.csv", "row 2, column 2", "number"]),
        ("nan.csv", &["nan.csv", "row 2, column 2", "NaN"]),
        (
            "large.csv",
            &["large.csv", "row 2, column 2", "17", "0..=1"],
        ),
        ("header.csv", &["header.csv", "zero rows"]),
        ("empty.csv", &["empty.csv", "empty"]),
        ("labels-ubyte", &["labels-ubyte", "images"]),
        ("magic-ubyte", &["magic-ubyte", "0x00000803"]),
        ("short-ubyte", &["short-ubyte", "truncated"]),
        ("long-ubyte", &["long-ubyte", "trailing"]),
        ("none-ubyte", &["none-ubyte", "zero rows"]),
        ("short.npy", &["short.npy", "truncated"]),
        ("magic.npy", &["magic.npy", "NUMPY"]),
        ("short.gz", &["short.gz", "truncated"]),
        ("three.csv", &["--test-every", "number of rows, 2"]),
    ] {
        refuse(folder, &format!("train rbm --data {data}"), words);
    }
    for (options, words) in [
        ("--hidden 0", &["--hidden", "between 1"][..]),
        ("--hidden -1", &["--hidden", "between 1"]),
        ("--hidden many", &["--hidden", "many"]),
        ("--hidden 1000000 --data wide.csv", &["wide.csv"]),
        ("--lr -0.1", &["--lr", "above 0"]),
        ("--lr 0", &["--lr", "above 0"]),
        ("--lr NaN", &["--lr", "above 0"]),
        ("--lr inf", &["--lr", "above 0"]),
        ("--epochs 0", &["--epochs", "between 1"]),
        ("--batch 0", &["--batch", "between 1"]),
        ("--chains 0", &["--chains", "between 1"]),
        ("--k 0", &["--k", "between 1"]),
        ("--momentum 1", &["--momentum", "below 1"]),
        ("--l2 -1", &["--l2", "at least 0"]),
        ("--average 2", &["--average", "between 0 and 1"]),
        ("--threads 0", &["--threads", "between 1"]),
        ("--confidence 1.5", &["--confidence", "between 0 and 1"]),
        ("--ais-runs 0", &["--ais-runs", "between 1"]),
        ("--ais-temperatures 0", &["--ais-temperatures", "between 1"]),
        ("--threshold 0", &["--threshold", "above 0"]),
        ("--threshold 1.01", &["--threshold", "at most 1"]),
        ("--max-value 0 --data good.csv", &["--max-value", "above 0"]),
        (
            "--max-value 8",
            &["--max-value", "left out with the digits"],
        ),
        ("--header yes", &["--header", "CSV"]),
        (
            "--label-column 3 --data short-ubyte",
            &["--label-column", "CSV"],
        ),
        ("--image-shape 3x3", &["--image-shape", "64"]),
        ("--image-shape 0x9", &["--image-shape", "28x28"]),
        (
            "--label-column 9 --data good.csv",
            &["--label-column", "good.csv"],
        ),
        ("--test-every 1", &["--test-every", "between 2"]),
        (
            "--test-data three.csv --data good.csv",
            &["--test-data", "three.csv", "2 columns"],
        ),
        ("--test-data gone.csv --data good.csv", &["gone.csv"]),
        (
            "--validation-fraction 1",
            &["--validation-fraction", "below 1"],
        ),
        ("--patience 3", &["--patience", "--validation-fraction"]),
        ("--sparsity-target 0.1", &["--sparsity-strength"]),
        ("--seed -1", &["--seed"]),
        ("--resume", &["--resume", "checkpoint"]),
        ("--out good.csv", &["good.csv", "folder"]),
        ("--out good.csv/below", &["good.csv/below", "folder"]),
        ("--no-such-option", &["--no-such-option"]),
        ("surplus", &["surplus"]),
    ] {
        refuse(folder, &format!("train rbm {options}"), words);
    }
    for (line, words) in [
        ("", &["train rbm", "sample", "evaluate"][..]),
        ("train", &["train rbm"]),
        ("train svm", &["svm"]),
        ("sample", &["<MODEL>"]),
        ("sample gone.safetensors", &["gone.safetensors", "no such"]),
        ("sample folder", &["folder", "model file"]),
        ("sample model.safetensors", &["model.safetensors"]),
        (
            "sample model.safetensors --out x.jpeg",
            &["--out", ".png, .csv or .npy"],
        ),
        (
            "sample model.safetensors --count 0",
            &["--count", "between 1"],
        ),
        (
            "evaluate gone.safetensors",
            &["gone.safetensors", "no such"],
        ),
        ("evaluate model.safetensors", &["model.safetensors"]),
        (
            "evaluate model.safetensors --rows some",
            &["--rows", "some"],
        ),
    ] {
        refuse(folder, line, words);
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    let here = Path::new(".");
    for line in ["--help", "--version", "train rbm --help", "help sample"] {
        let out = ergodic(here, &line.split(' ').collect::<Vec<_>>());
        assert!(out.status.success(), "{line}");
        assert!(out.stderr.is_empty() && !out.stdout.is_empty(), "{line}");
        // No escape codes where no terminal is.
        assert!(!out.stdout.contains(&0x1b), "{line}");
    }
}
