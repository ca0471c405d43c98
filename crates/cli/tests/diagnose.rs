//! `ergodic diagnose`: tables, verdicts, exit codes, pages, and every bad input.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use ergodic::core::Draws;
use ergodic::math::rng;
use ergodic::samplers::io;

fn ergodic(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergodic"))
        .arg("diagnose")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// 3 chains × 500 draws of `mu` and `tau`; in the last chain `tau` sits elsewhere by `shift`.
fn values(shift: f64) -> Vec<f64> {
    let mut values = vec![0.0; 3 * 500 * 2];
    rng::fill_normal(&mut rng::stream(1, 0), &mut values);
    for draw in values[2 * 500 * 2..].chunks_exact_mut(2) {
        draw[1] += shift;
    }
    values
}

fn csv(shift: f64) -> String {
    let mut out = "chain,draw,mu,tau\n".to_owned();
    for (i, draw) in values(shift).chunks_exact(2).enumerate() {
        writeln!(out, "{},{},{},{}", i / 500, i % 500, draw[0], draw[1]).expect("a string");
    }
    out
}

fn npy(shape: &[usize], values: &[f64]) -> Vec<u8> {
    use npyz::WriterBuilder;
    let mut out = Vec::new();
    let shape: Vec<u64> = shape.iter().map(|&d| d as u64).collect();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&shape)
        .writer(&mut out)
        .begin_nd()
        .expect("a writer");
    writer.extend(values.iter().copied()).expect("values");
    writer.finish().expect("the end");
    out
}

#[test]
fn good_draws_pass_in_every_format_with_one_table() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    std::fs::write(folder.join("a.csv"), csv(0.0)).expect("written");
    std::fs::write(folder.join("a.npy"), npy(&[3, 500, 2], &values(0.0))).expect("written");
    let from_csv = ergodic(folder, &["a.csv"]);
    assert_eq!(
        from_csv.status.code(),
        Some(0),
        "{}",
        text(&from_csv.stderr)
    );
    assert!(from_csv.stderr.is_empty());
    let table = text(&from_csv.stdout);
    assert!(
        table.starts_with("3 chains x 500 draws x 2 parameters\n"),
        "{table}"
    );
    for word in ["ess bulk", "ess tail", "rhat", "\nmu ", "\ntau ", "passes"] {
        assert!(table.contains(word), "{word}: {table}");
    }
    let from_npy = ergodic(folder, &["a.npy", "--threads", "1"]);
    let renamed = text(&from_npy.stdout)
        .replace("x[0]", "mu  ")
        .replace("x[1]", "tau ");
    let squeezed = |t: &str| t.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(squeezed(&renamed), squeezed(&table));
    // With names, as the library writes them.
    let names = vec!["mu".to_owned(), "tau".to_owned()];
    let draws = Draws::new(names, 3, 500, values(0.0)).expect("draws");
    for file in ["a.npz", "a.parquet"] {
        io::write(folder.join(file), &draws).expect("written");
        let out = ergodic(folder, &[file]);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        assert_eq!(text(&out.stdout), table, "{file}");
    }
    // A table without names or chains is one chain.
    let mut rows = String::new();
    for d in values(0.0).chunks_exact(2) {
        writeln!(rows, "{},{}", d[0], d[1]).expect("a string");
    }
    std::fs::write(folder.join("plain.csv"), rows).expect("written");
    let plain = ergodic(folder, &["plain.csv"]);
    assert!(text(&plain.stdout).starts_with("1 chains x 1500 draws x 2 parameters\n"));
    let pairs = npy(&[1500, 2], &values(0.0));
    std::fs::write(folder.join("plain.npy"), pairs).expect("written");
    assert_eq!(ergodic(folder, &["plain.npy"]).stdout, plain.stdout);
}

#[test]
fn bad_draws_fail_with_exit_code_one_and_name_the_parameter() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    std::fs::write(folder.join("b.csv"), csv(2.0)).expect("written");
    let out = ergodic(folder, &["b.csv"]);
    assert_eq!(out.status.code(), Some(1));
    let error = text(&out.stderr);
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with("error: tau: R-hat is 1."), "{error}");
    assert!(!error.contains("mu:"), "{error}");
    assert!(text(&out.stdout).contains("fails\n  tau: R-hat is"));
    // Demands can be lowered, and raised.
    let lenient = ergodic(folder, &["b.csv", "--rhat", "3", "--ess", "1"]);
    assert_eq!(lenient.status.code(), Some(0), "{}", text(&lenient.stderr));
    let strict = ergodic(folder, &["b.csv", "--rhat", "3", "--ess", "1e6"]);
    assert!(
        text(&strict.stderr).contains("mu: bulk ESS is"),
        "{}",
        text(&strict.stderr)
    );
    // A chain that never moved.
    std::fs::write(folder.join("still.csv"), "x\n0.5\n0.5\n0.5\n0.5\n").expect("written");
    let still = ergodic(folder, &["still.csv"]);
    assert_eq!(still.status.code(), Some(1));
    assert_eq!(text(&still.stderr), "error: x: all draws are one value\n");
}

#[test]
fn json_holds_the_table_and_the_verdict() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    std::fs::write(folder.join("b.csv"), csv(2.0)).expect("written");
    let out = ergodic(folder, &["b.csv", "--json"]);
    assert_eq!(out.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(json["passes"], false);
    assert_eq!((&json["chains"], &json["draws"]), (&3.into(), &500.into()));
    assert_eq!(json["parameters"][1]["name"], "tau");
    assert!(json["parameters"][1]["rhat"].as_f64().expect("a number") > 1.05);
    assert!(
        json["parameters"][0]["ess_bulk"]
            .as_f64()
            .expect("a number")
            > 1000.0
    );
    assert!(
        json["failures"][0]
            .as_str()
            .expect("text")
            .starts_with("tau: ")
    );
}

#[test]
fn the_report_is_one_page() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    std::fs::write(folder.join("b.csv"), csv(2.0)).expect("written");
    let out = ergodic(folder, &["b.csv", "--report", "b.html"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stdout).contains("report in b.html"));
    let page = std::fs::read_to_string(folder.join("b.html")).expect("a page");
    for word in [
        "Trace of tau",
        "Ranks of mu",
        "mu and tau",
        "tau: R-hat is",
        "</html>",
    ] {
        // The worst parameter comes first in a pair.
        assert!(page.contains(word) || word == "mu and tau", "{word}");
    }
    assert!(page.contains("tau and mu") && !page.contains("http"));
}

#[test]
fn every_bad_input_is_one_line_and_exit_code_two() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).expect("a writable folder");
    };
    write("good.csv", csv(0.0).as_bytes());
    write("empty.csv", b"");
    write("header.csv", b"mu,tau\n");
    write("mixed.csv", b"mu,1\n1,2\n");
    write("words.csv", b"mu\n1\n2\nthree\n4\n");
    write("nan.csv", b"mu\n1\n2\nNaN\n4\n");
    write("ragged.csv", b"mu,tau\n1,2\n3\n");
    write("short.csv", b"mu\n1\n2\n3\n");
    write("twice.csv", b"mu,mu\n1,2\n3,4\n");
    write("chains.csv", b"chain,chain,mu\n1,2,3\n");
    write("none.csv", b"chain,draw\n1,2\n");
    write("uneven.csv", b"chain,mu\na,1\na,2\nb,3\n");
    write("again.csv", b"draw,mu\n1,1\n3,2\n3,3\n");
    write("letters.csv", b"mu\n1\n\xff\n");
    write("four.npy", &npy(&[1, 1, 2, 5], &[0.5; 10]));
    let mut hole = vec![0.5; 20];
    hole[7] = f64::INFINITY;
    write("hole.npy", &npy(&[2, 5, 2], &hole));
    write("cut.npy", &npy(&[2, 5, 2], &[0.5; 20])[..200]);
    write("a.npz", b"PK\x03\x04 and so on");
    write("a.parquet", b"PAR1 and so on");
    // An archive without entries.
    let mut empty = b"PK\x05\x06".to_vec();
    empty.resize(22, 0);
    write("words.npz", &empty);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"PAR1 and so on").expect("written");
    write("packed.gz", &gzip.finish().expect("packed"));
    write("noise.bin", &[1, 0, 7, 0]);
    std::fs::create_dir(folder.join("folder")).expect("a writable folder");
    for (arguments, words) in [
        (&["missing.csv"][..], &["missing.csv", "no such file"][..]),
        (&["folder"], &["is a folder", "must be a file of draws"]),
        (&["empty.csv"], &["empty.csv", "is empty"]),
        (&["header.csv"], &["header.csv", "holds no draw"]),
        (&["mixed.csv"], &["mixed.csv", "first line"]),
        (
            &["words.csv"],
            &["line 4, column \"mu\"", "\"three\"", "a number"],
        ),
        (&["nan.csv"], &["chain 0, draw 2", "mu is NaN"]),
        (&["ragged.csv"], &["line 3 has 1 fields", "2 fields"]),
        (&["short.csv"], &["short.csv", "at least 4"]),
        (&["twice.csv"], &["\"mu\" twice"]),
        (&["chains.csv"], &["two columns called chain"]),
        (&["none.csv"], &["no column besides"]),
        (&["uneven.csv"], &["1 draws in chain b", "2 as in chain a"]),
        (&["again.csv"], &["line 4", "draw 3", "twice"]),
        (&["letters.csv"], &["line 3", "UTF-8"]),
        (&["four.npy"], &["[1, 1, 2, 5]", "chain × draw × parameter"]),
        (&["hole.npy"], &["chain 0, draw 3", "x[1] is inf"]),
        (&["cut.npy"], &["truncated"]),
        (&["a.npz"], &["a.npz"]),
        (&["a.parquet"], &["a.parquet"]),
        (&["words.npz"], &["words.npz", "no array"]),
        (&["packed.gz"], &["unpack it first"]),
        (&["noise.bin"], &["holds no draws", ".csv", ".parquet"]),
        (&["good.csv", "--rhat", "0.5"], &["--rhat", "at least 1"]),
        (&["good.csv", "--ess", "-1"], &["--ess"]),
        (&["good.csv", "--report", "no/such.html"], &["no/such.html"]),
        (&[], &["<DRAWS>"]),
    ] {
        let out = ergodic(folder, arguments);
        let error = text(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
        assert!(error.starts_with("error: "), "{arguments:?}: {error}");
        assert!(out.stdout.is_empty(), "{arguments:?}");
        for word in words {
            assert!(
                error.contains(word),
                "{arguments:?}: no {word:?} in {error}"
            );
        }
    }
}

#[test]
fn a_damaged_parquet_file_is_one_line_too_where_its_decoder_panics() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let draws = Draws::new(vec!["mu".into()], 1, 8, (0..8).map(f64::from).collect());
    io::write(folder.join("a.parquet"), &draws.expect("draws")).expect("written");
    let good = std::fs::read(folder.join("a.parquet")).expect("a file");
    let hook = std::panic::take_hook();
    let panicked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = std::sync::Arc::clone(&panicked);
    std::panic::set_hook(Box::new(move |_| {
        flag.store(true, std::sync::atomic::Ordering::Relaxed);
    }));
    let found = (0..good.len()).find(|&at| {
        let mut bad = good.clone();
        bad[at] ^= [0x01, 0x80, 0xff][at % 3];
        std::fs::write(folder.join("bad.parquet"), bad).expect("written");
        let _ = io::read(folder.join("bad.parquet"));
        panicked.load(std::sync::atomic::Ordering::Relaxed)
    });
    std::panic::set_hook(hook);
    // Later decoders may have lost their panics.
    if found.is_some() {
        let out = ergodic(folder, &["bad.parquet"]);
        assert_eq!(out.status.code(), Some(2));
        assert_eq!(
            text(&out.stderr).lines().count(),
            1,
            "{}",
            text(&out.stderr)
        );
    }
}
