//! `ergodic info`: values against truth, types, missing values, pages, and every bad input.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use ergodic::core::Randomness;
use ergodic::math::rng;
use serde_json::Value;

fn ergodic(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergodic"))
        .arg("info")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let out = ergodic(folder, arguments);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

/// 800 rows: `a` and `b` normal with correlation 0.8, `noise` normal by itself, `coin` two words,
/// `sign` the word of `a`'s sign, `copy` the coin as a number, `still` one value.
fn table() -> String {
    let mut random = rng::stream(5, 0);
    let mut out = "a,b,noise,coin,sign,copy,still\n".to_owned();
    for _ in 0..800 {
        let (x, e, n) = (random.normal(), random.normal(), random.normal());
        let heads = random.bernoulli(0.5);
        writeln!(
            out,
            "{x},{},{n},{},{},{},7",
            0.8 * x + 0.6 * e,
            if heads { "heads" } else { "tails" },
            if x < 0.0 { "minus" } else { "plus" },
            i32::from(heads),
        )
        .expect("a string");
    }
    out
}

fn pair<'a>(json: &'a Value, x: &str, y: &str) -> &'a Value {
    json["pairs"]
        .as_array()
        .expect("pairs")
        .iter()
        .find(|p| p["x"] == x && p["y"] == y)
        .expect("the pair")
}

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

/// Intervals at 1 − 1e-6 hold the exact entropies and informations; each misses a right value with
/// about that probability.
#[test]
fn intervals_hold_the_exact_values() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    std::fs::write(folder.join("t.csv"), table()).expect("written");
    let arguments = [
        "t.csv",
        "--json",
        "--confidence",
        "0.999999",
        "--permutations",
        "99",
    ];
    let found = json(folder, &arguments);
    assert_eq!(
        (&found["rows"], &found["units"]),
        (&800.into(), &"nats".into())
    );
    let holds = |amount: &Value, exact: f64| {
        assert!(
            number(&amount["lower"]) <= exact && exact <= number(&amount["upper"]),
            "{exact} is not in {amount}"
        );
    };
    let kinds: Vec<&Value> = found["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .map(|c| &c["type"])
        .collect();
    let (c, d) = ("continuous", "discrete");
    assert_eq!(kinds, [c, c, c, d, d, d, d]);
    let entropies = [1.4189385332046727, 1.4189385332046727, 1.4189385332046727];
    for (column, exact) in entropies.into_iter().enumerate() {
        holds(&found["columns"][column]["entropy"], exact);
    }
    let ln2 = std::f64::consts::LN_2;
    for column in 3..6 {
        holds(&found["columns"][column]["entropy"], ln2);
    }
    assert_eq!(found["columns"][6]["entropy"]["value"], 0.0);
    for (x, y, exact) in [
        ("a", "b", -(0.6f64.ln())),
        ("a", "noise", 0.0),
        ("b", "noise", 0.0),
        ("a", "coin", 0.0),
        // The sign follows from a: all of its bit.
        ("a", "sign", ln2),
        ("coin", "copy", ln2),
        ("coin", "sign", 0.0),
    ] {
        holds(&pair(&found, x, y)["mutual_information"], exact);
        let p = number(&pair(&found, x, y)["p_value"]);
        // One of 100 is the least; independent ones of this seed are far from it.
        assert_eq!(p == 0.01, exact > 0.0, "{x}, {y}: p = {p}");
    }
    // A constant tells nothing, exactly.
    for x in ["a", "noise", "coin"] {
        let with = pair(&found, x, "still");
        assert_eq!(with["mutual_information"]["value"], 0.0);
        assert_eq!(with["p_value"], 1.0);
    }
    // Continuous pairs by KSG, mixed ones by Ross, discrete ones by counts.
    for (x, y, word) in [
        ("a", "b", "KSG 1"),
        ("a", "coin", "Ross"),
        ("coin", "copy", "Miller"),
    ] {
        let method = pair(&found, x, y)["mutual_information"]["method"].to_string();
        assert!(method.contains(word), "{x}, {y}: {method}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads_and_bits_are_nats() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let short: Vec<String> = table().lines().take(121).map(str::to_owned).collect();
    std::fs::write(folder.join("t.csv"), short.join("\n")).expect("written");
    let run = |more: &[&str]| {
        let mut arguments = vec!["t.csv", "--json", "--permutations", "19"];
        arguments.extend(more);
        ergodic(folder, &arguments).stdout
    };
    let one = run(&["--threads", "1"]);
    assert_eq!(one, run(&["--threads", "3"]));
    assert_ne!(one, run(&["--seed", "2"]));
    let nats: Value = serde_json::from_slice(&one).expect("JSON");
    let bits: Value = serde_json::from_slice(&run(&["--bits"])).expect("JSON");
    assert_eq!(bits["units"], "bits");
    for i in 0..nats["pairs"].as_array().expect("pairs").len() {
        for field in ["value", "lower", "upper", "std_err"] {
            let of = |v: &Value| number(&v["pairs"][i]["mutual_information"][field]);
            assert!((of(&nats) - of(&bits) * std::f64::consts::LN_2).abs() < 1e-12);
        }
    }
    let none = run(&["--permutations", "0"]);
    assert!(none.is_empty(), "given twice");
    let none = json(folder, &["t.csv", "--json", "--permutations", "0"]);
    assert!(none["pairs"][0]["p_value"].is_null());
}

#[test]
fn the_text_has_columns_matrix_and_pairs() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    std::fs::write(folder.join("t.csv"), table()).expect("written");
    let out = ergodic(
        folder,
        &["t.csv", "--permutations", "19", "--columns", "a,b,coin"],
    );
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(out.stderr.is_empty());
    let shown = text(&out.stdout);
    assert!(
        shown.starts_with("800 rows, 3 columns; amounts in nats, intervals at 95 %\n"),
        "{shown}"
    );
    for word in [
        "column  type",
        "\na       continuous",
        "mutual information\n",
        "\npair",
        "p: ",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    // The strongest pair stands first.
    let list = shown.split("\npair").nth(1).expect("the list");
    let first = list.lines().nth(1).expect("a pair");
    assert!(
        first.starts_with("a     b") || first.starts_with("a  ") && first.contains("  b "),
        "{first}"
    );
    // Numbers from 1 are columns too; one column has no pairs.
    let one = text(&ergodic(folder, &["t.csv", "--columns", "2"]).stdout);
    assert!(one.contains("\nb ") && !one.contains("mutual"), "{one}");
}

#[test]
fn types_are_found_and_overridden() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let mut rows = "day,measured,name\n".to_owned();
    for i in 0..300 {
        writeln!(rows, "{},{},{}", i % 7, i % 100, ["x", "y", "z"][i % 3]).expect("a string");
    }
    std::fs::write(folder.join("t.csv"), rows).expect("written");
    let kinds = |more: &[&str]| {
        let mut arguments = vec!["t.csv", "--json", "--permutations", "0"];
        arguments.extend(more);
        let found = json(folder, &arguments);
        let all = found["columns"].as_array().expect("columns").clone();
        all.iter()
            .map(|c| c["type"].as_str().expect("a type").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&[]), ["discrete", "continuous", "discrete"]);
    let asked = ["--type", "day=continuous", "--type", "2=discrete"];
    assert_eq!(kinds(&asked), ["continuous", "discrete", "discrete"]);
    // Seven values in 300 rows have no density: no entropy, and a reason; informations stand.
    let found = json(
        folder,
        &[
            "t.csv",
            "--json",
            "--permutations",
            "0",
            "--type",
            "day=continuous",
        ],
    );
    assert!(found["columns"][0]["entropy"].is_null());
    let reason = found["columns"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("--type \"day=discrete\""), "{reason}");
    assert_eq!(found["pairs"].as_array().expect("pairs").len(), 3);
}

/// A normal pair of correlation 0.8 rounded to a tenth of a standard deviation repeats values, and still
/// has the information of its law, within 0.05 of 0.51; an atom of a third of the rows does not take
/// the estimator of densities.
#[test]
fn rounded_values_are_told_from_atoms() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let mut random = rng::stream(6, 0);
    let mut rows = "x,y,rain\n".to_owned();
    for i in 0..2000 {
        let (x, e) = (random.normal(), random.normal());
        let rain = if i % 3 == 0 {
            0.0
        } else {
            random.exponential()
        };
        writeln!(rows, "{:.1},{:.1},{rain}", x, 0.8 * x + 0.6 * e).expect("a string");
    }
    std::fs::write(folder.join("t.csv"), rows).expect("written");
    let found = json(folder, &["t.csv", "--json", "--permutations", "0"]);
    let rounded = &pair(&found, "x", "y")["mutual_information"];
    assert!(rounded["method"].to_string().contains("KSG"), "{rounded}");
    assert!(
        (number(&rounded["value"]) + 0.6f64.ln()).abs() < 0.05,
        "{rounded}"
    );
    let atom = &pair(&found, "x", "rain")["mutual_information"];
    assert!(atom["method"].to_string().contains("Gao"), "{atom}");
}

#[test]
fn rows_without_a_value_are_named_or_left_out() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let mut rows = "x,y,z\n".to_owned();
    for i in 0..50 {
        let y = match i {
            3 => "",
            7 => "NA",
            8 => "NaN",
            _ => ["p", "q"][i % 2],
        };
        writeln!(rows, "{},{y},{}", i % 5, i % 2).expect("a string");
    }
    std::fs::write(folder.join("t.csv"), &rows).expect("written");
    let out = ergodic(folder, &["t.csv"]);
    assert_eq!(out.status.code(), Some(2));
    let error = text(&out.stderr);
    assert!(
        error.contains("line 5, column \"y\"") && error.contains("--skip-missing"),
        "{error}"
    );
    let found = json(folder, &["t.csv", "--skip-missing", "--json"]);
    assert_eq!(
        (&found["rows"], &found["rows_skipped"]),
        (&47.into(), &3.into())
    );
    let shown = text(&ergodic(folder, &["t.csv", "--skip-missing"]).stdout);
    assert!(shown.starts_with("47 rows (3 left out"), "{shown}");
    // Columns that are not used may be empty.
    let found = json(folder, &["t.csv", "--columns", "x,z", "--json"]);
    assert_eq!(found["rows"], 50);
    // The same table, packed.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(rows.as_bytes()).expect("written");
    std::fs::write(folder.join("t.csv.gz"), gzip.finish().expect("packed")).expect("written");
    let packed = json(folder, &["t.csv.gz", "--columns", "x,z", "--json"]);
    assert_eq!(packed["pairs"], found["pairs"]);
}

/// A value repeated up to a twentieth of the rows takes as many neighbours, and the entropy is that of the
/// law: 570 exponential values, 15 of them at 0 for their last digit. Data on a coarse lattice have none.
#[test]
fn columns_with_a_few_repeated_values_have_entropies() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let mut random = rng::stream(8, 0);
    let mut rows = "x,coarse\n".to_owned();
    for i in 0..570 {
        let x = random.exponential();
        let x = if i % 38 == 0 { 0.0 } else { x };
        writeln!(rows, "{x},{:.1}", random.normal()).expect("a string");
    }
    std::fs::write(folder.join("t.csv"), rows).expect("written");
    let arguments = ["t.csv", "--json", "--permutations", "0"];
    let found = json(
        folder,
        &[&arguments[..], &["--type", "coarse=continuous"]].concat(),
    );
    let entropy = &found["columns"][0]["entropy"];
    assert!(
        entropy["method"].to_string().contains("k = 15"),
        "{entropy}"
    );
    assert!((number(&entropy["value"]) - 1.0).abs() < 0.2, "{entropy}");
    assert!(found["columns"][1]["entropy"].is_null());
    // Whoever asks for fewer neighbours gets the reason.
    let found = json(folder, &[&arguments[..], &["--k", "4"]].concat());
    let reason = found["columns"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("15 of 570 rows"), "{reason}");
}

#[test]
fn the_report_is_one_page_with_a_heat_map() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let named = table().replacen("noise", "<noise>", 1);
    std::fs::write(folder.join("t.csv"), named).expect("written");
    let out = ergodic(
        folder,
        &["t.csv", "--permutations", "19", "--report", "t.html"],
    );
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("report in t.html"));
    let page = std::fs::read_to_string(folder.join("t.html")).expect("a page");
    for word in ["<svg", "a and b: ", "&lt;noise&gt;", "Linfoot", "</html>"] {
        assert!(page.contains(word), "{word}");
    }
    for word in ["http", "<noise>", "<script", "NaN", "inf "] {
        assert!(!page.contains(word), "{word}");
    }
    // Seven columns: 49 cells, 42 of them with a title, and seven shades of the scale with their amounts.
    assert_eq!(page.matches("<rect").count(), 56);
    assert_eq!(page.matches("<rect class=\"key\"").count(), 7);
    assert!(page.contains("in nats</text>"));
    // −½ log(1 − 0.8²) and −½ log(1 − 0.99²)
    for amount in [">0.51<", ">1.96<"] {
        assert!(page.contains(amount), "{amount}");
    }
    assert_eq!(page.matches("<title>").count(), 43);
    for open in ["<section", "<svg", "<table", "<div", "<g>"] {
        let close = format!("</{}>", open[1..].trim_end_matches('>'));
        assert_eq!(
            page.matches(open).count(),
            page.matches(&close).count(),
            "{open}"
        );
    }
    if let Ok(path) = std::env::var("ERGODIC_EXAMPLE_REPORT") {
        std::fs::write(path, page).expect("written");
    }
}

/// The cell of a pair on the page, up to its end.
fn cell<'a>(page: &'a str, x: &str, y: &str) -> &'a str {
    let start = page.find(&format!("<title>{x} and {y}: ")).expect("a cell");
    let rest = &page[start..];
    &rest[..rest.find("</g>").expect("the end of a cell")]
}

/// Every pair stands twice on the map, with the shade √(1 − e^{−2I}) of its information in nats, and in full ink
/// where its p-value is at most 0.05.
#[test]
fn the_heat_map_shades_every_pair_by_its_information() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let mut random = rng::stream(12, 0);
    let mut rows = "a,b,c,d,e\n".to_owned();
    for _ in 0..150 {
        let [a, b, c, d, e] = std::array::from_fn(|_| random.normal());
        writeln!(rows, "{a},{},{},{d},{}", a + 0.1 * b, c, d + e).expect("a string");
    }
    std::fs::write(folder.join("t.csv"), rows).expect("written");
    for bits in [false, true] {
        let mut arguments = vec![
            "t.csv",
            "--permutations",
            "99",
            "--report",
            "t.html",
            "--json",
        ];
        if bits {
            arguments.push("--bits");
        }
        let found = json(folder, &arguments);
        let page = std::fs::read_to_string(folder.join("t.html")).expect("a page");
        let (mut pale, mut full) = (0, 0);
        for pair in found["pairs"].as_array().expect("pairs") {
            let (x, y) = (
                pair["x"].as_str().expect("x"),
                pair["y"].as_str().expect("y"),
            );
            assert_eq!(page.matches(&format!("<title>{x} and {y}: ")).count(), 2);
            let cell = cell(&page, x, y);
            let unit = if bits { 2f64.ln() } else { 1.0 };
            let nats = (unit * number(&pair["mutual_information"]["value"])).max(0.0);
            let ink = 0.04 + 0.8 * (1.0 - (-2.0 * nats).exp()).sqrt();
            assert!(
                cell.contains(&format!("fill-opacity=\"{ink:.3}\"")),
                "{ink}: {cell}"
            );
            if number(&pair["p_value"]) > 0.05 {
                assert!(cell.contains("<text class=\"tick\""), "{cell}");
                pale += 1;
            } else {
                assert!(cell.contains("<text class=\"value\""), "{cell}");
                full += 1;
            }
        }
        assert!(pale > 0 && full > 1, "{pale}, {full}");
    }
}

/// Categories and an atom, in any unit: `rain` is 0 in one category and exponential in the other, which is all
/// there is to know of it, log 2.
#[test]
fn information_does_not_depend_on_units() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let mut random = rng::stream(13, 0);
    let mut rows = "day,rain,flood,x,y\n".to_owned();
    for i in 0..600 {
        let rain = if i % 2 == 0 {
            0.0
        } else {
            random.exponential()
        };
        let x = rain + 0.5 * random.normal();
        let flood = rain * f64::from(1 << 20);
        writeln!(
            rows,
            "{},{rain},{flood},{x},{}",
            ["dry", "wet"][i % 2],
            1000.0 + x / 1024.0
        )
        .expect("a string");
    }
    std::fs::write(folder.join("t.csv"), rows).expect("written");
    let found = json(folder, &["t.csv", "--json", "--permutations", "0"]);
    let value = |x: &str, y: &str| number(&pair(&found, x, y)["mutual_information"]["value"]);
    for rain in ["rain", "flood"] {
        assert!(
            (value("day", rain) - 2f64.ln()).abs() < 0.05,
            "{}",
            value("day", rain)
        );
        for x in ["x", "y"] {
            assert!(
                (value(rain, x) - value("rain", "x")).abs() < 1e-6,
                "{rain} {x}"
            );
            assert!(value(rain, x) > 0.4);
        }
    }
}

/// 0 and −0 are one value; categories may be named by numbers and words; a header may be called as a missing value
/// is; and an alphabet is complete only where every value was seen twice.
#[test]
fn values_are_told_apart_as_a_reader_would() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let mut rows = "nan,rooms,once\n".to_owned();
    for i in 0..40 {
        let zero = ["0", "-0", "0.0", "1"][i % 4];
        let rooms = ["1", "2", "3+"][i % 3];
        let once = if i == 7 { "c" } else { ["a", "b"][i % 2] };
        writeln!(rows, "{zero},{rooms},{once}").expect("a string");
    }
    std::fs::write(folder.join("t.csv"), rows).expect("written");
    let found = json(folder, &["t.csv", "--json", "--permutations", "0"]);
    let column = |i: usize| found["columns"][i].clone();
    assert_eq!(
        (&column(0)["name"], &column(0)["distinct"]),
        (&"nan".into(), &2.into())
    );
    assert_eq!(
        (&column(1)["type"], &column(1)["distinct"]),
        (&"discrete".into(), &3.into())
    );
    assert_eq!(column(1)["entropy"]["bias"]["kind"], "bounded");
    assert_ne!(column(2)["entropy"]["bias"]["kind"], "bounded");
}

#[test]
fn every_bad_input_is_one_line_and_exit_code_two() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).expect("a writable folder");
    };
    write("good.csv", b"x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n");
    write("empty.csv", b"");
    write("header.csv", b"x,y\n");
    write("ragged.csv", b"x,y\n1,2\n3\n");
    write("twice.csv", b"x,x\n1,2\n");
    write("letters.csv", b"x\n1\n\xff\n");
    write("short.csv", b"x,y\n1.5,2.5\n2.5,1.5\n3.5,7\n");
    write("holes.csv", b"x,y\n,1\n2,\n");
    write("word.csv", b"x,y\n1,2\nfour,3\n");
    write("infinite.csv", b"x,y\n1,2\ninf,3\n");
    write("stray.csv", b"x\n1\n2\n3\n4\n5\n6\n7\n8\n9\n?\n10\n");
    write("semicolons.csv", b"x;y\n1;2\n3;4\n");
    write("tabs.csv", b"1\t2\n3\t4\n");
    std::fs::create_dir(folder.join("folder")).expect("a writable folder");
    for (arguments, words) in [
        (&["missing.csv"][..], &["missing.csv", "no such file"][..]),
        (&["folder"], &["is a folder", "table"]),
        (&["empty.csv"], &["empty.csv", "is empty"]),
        (&["header.csv"], &["header.csv", "no row"]),
        (&["ragged.csv"], &["line 3 has 1 fields", "2 fields"]),
        (&["twice.csv"], &["line 1", "\"x\" twice"]),
        (&["letters.csv"], &["line 3", "UTF-8"]),
        (&["short.csv"], &["3 usable rows", "more than 5", "\"x\""]),
        (
            &["holes.csv"],
            &["line 2, column \"x\"", "\"\"", "--skip-missing"],
        ),
        (&["holes.csv", "--skip-missing"], &["no row"]),
        (
            &["word.csv", "--type", "x=continuous"],
            &["line 3, column \"x\"", "\"four\"", "finite number"],
        ),
        (
            &["infinite.csv", "--type", "x=continuous"],
            &["line 3", "\"inf\"", "finite"],
        ),
        (
            &["infinite.csv"],
            &["line 3", "\"inf\"", "--type \"x=discrete\""],
        ),
        (&["stray.csv"], &["line 11", "\"?\"", "finite number"]),
        (&["semicolons.csv"], &["semicolons", "commas"]),
        (&["tabs.csv"], &["tabs", "commas"]),
        (&["good.csv", "--columns", "z"], &["--columns", "1 to 2"]),
        (&["good.csv", "--columns", "3"], &["--columns", "1 to 2"]),
        (&["good.csv", "--columns", "x,1"], &["--columns", "once"]),
        (&["good.csv", "--type", "z=discrete"], &["--type"]),
        (
            &["good.csv", "--type", "x=discrete", "--type", "1=discrete"],
            &["--type", "once"],
        ),
        (
            &["good.csv", "--columns", "y", "--type", "x=discrete"],
            &["--type", "--columns"],
        ),
        (&["good.csv", "--k", "7"], &["more than 7", "--k"]),
        (&["good.csv", "--k", "0"], &["--k"]),
        (&["good.csv", "--confidence", "0"], &["--confidence"]),
        (&["good.csv", "--report", "no/such.html"], &["no/such.html"]),
        (&[], &["<TABLE>"]),
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
