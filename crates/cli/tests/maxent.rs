//! `ergodic maxent`: values against truth, charts, targets that cannot be met, and every bad input.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn ergodic(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergodic"))
        .arg("maxent")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let out = ergodic(folder, &[arguments, &["--json"]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("JSON")
}

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

/// Jaynes' die of mean 4.5: the exact values.
#[test]
fn the_brandeis_die_comes_from_states_and_from_a_table() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let table = "face,spots,twice,weight\n\
                 one,1,2,2\ntwo,2,4,2\nthree,3,6,2\nfour,4,8,2\nfive,5,10,2\nsix,6,12,2\n";
    std::fs::write(folder.join("die.csv"), table).expect("written");
    let ways: [&[&str]; 4] = [
        &["--states", "1..6", "--feature", "x", "--target", "4.5"],
        &["--states", "1,2,3,4,5,6", "--target", "x=4.5"],
        &["die.csv", "--target", "spots=4.5", "--label", "face"],
        &["die.csv", "--target", "2=4.5", "--base", "weight"],
    ];
    let law = [
        0.0543531678,
        0.0787715456,
        0.1141599772,
        0.1654468031,
        0.2397744404,
        0.3474940658,
    ];
    for (i, way) in ways.iter().enumerate() {
        let found = json(folder, way);
        let multiplier = number(&found["features"][0]["multiplier"]);
        assert!((multiplier - 0.37104893808103323).abs() < 1e-12, "{found}");
        assert!((number(&found["entropy"]) - 1.6135810981538292).abs() < 1e-12);
        assert!((number(&found["divergence"]) - (6f64.ln() - 1.6135810981538292)).abs() < 1e-12);
        let log_z = 3.2833013195184786 + if i == 3 { 2f64.ln() } else { 0.0 };
        assert!((number(&found["log_z"]) - log_z).abs() < 1e-12, "{found}");
        assert!(number(&found["gap"]).abs() < 1e-12);
        for (state, p) in found["states"].as_array().expect("states").iter().zip(law) {
            assert!((number(&state["probability"]) - p).abs() < 1e-10);
            assert!((number(&state["base"]) - 1.0 / 6.0).abs() < 1e-15);
        }
    }
    assert_eq!(json(folder, ways[2])["states"][5]["label"], "six");
    // A feature that is another one twice takes the law no further.
    let found = json(
        folder,
        &["die.csv", "--target", "spots=4.5", "--target", "twice=9"],
    );
    assert!((number(&found["entropy"]) - 1.6135810981538292).abs() < 1e-9);
}

/// Intervals, penalties, powers, and weights of inline states.
#[test]
fn targets_of_each_kind_hold() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    // The uniform mean 3.5 is inside: nothing to do.
    let found = json(folder, &["--states", "1..6", "--target", "x=3..4"]);
    assert_eq!(found["features"][0]["multiplier"], 0.0);
    assert!((number(&found["entropy"]) - 6f64.ln()).abs() < 1e-14);
    // Outside: the near end.
    let found = json(folder, &["--states", "1..6", "--target", "x=4.5..6"]);
    let multiplier = number(&found["features"][0]["multiplier"]);
    assert!((multiplier - 0.37104893808103323).abs() < 1e-9, "{found}");
    // mean − centre = −sd²·multiplier.
    let found = json(folder, &["--states", "-3..3", "--target", "x=-1~0.5"]);
    let f = &found["features"][0];
    let rest = number(&f["mean"]) + 1.0 + 0.25 * number(&f["multiplier"]);
    assert!(rest.abs() < 1e-9, "{found}");
    // The projection of another law: the oracle of the die with these weights.
    let weights = ".1,.1,.2,.2,.2,.2";
    let found = json(
        folder,
        &["--states", "1..6", "--target", "x=4.5", "--base", weights],
    );
    let multiplier = number(&found["features"][0]["multiplier"]);
    assert!((multiplier - 0.2628326650897997).abs() < 1e-10, "{found}");
    // Two moments on a wide grid: the normal law of variance 4, −1/2v.
    let found = json(
        folder,
        &[
            "--states", "-40..40", "--target", "x=0", "--target", "x^2=4",
        ],
    );
    assert!((number(&found["features"][1]["multiplier"]) + 0.125).abs() < 1e-8);
}

#[test]
fn the_text_and_the_chart_say_it_all() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    let out = ergodic(
        folder,
        &["--states", "1..6", "--target", "x=4.5", "--plot", "die.svg"],
    );
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(out.stderr.is_empty());
    let shown = text(&out.stdout);
    for word in [
        "6 states, 1 feature; base law uniform\n",
        "\nx        4.5     4.500000  0.371048938\n",
        "\nentropy      1.613581098 nats\n",
        "\nlog Z        3.283301320\n",
        "\nduality gap  ",
        "\n6      0.347494     0.166667\n",
        "\nplot in die.svg\n",
    ] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(!shown.contains("duality gap  -"), "{shown}");
    let svg = std::fs::read_to_string(folder.join("die.svg")).expect("a chart");
    assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"));
    assert_eq!(svg.matches("<rect class=\"dot c0\"").count(), 7); // with the legend's
    assert!(svg.contains("6: 0.347494, base 0.166667") && !svg.contains("NaN"));
    // Many states share bars, and are not listed.
    let out = ergodic(
        folder,
        &[
            "--states", "0..999", "--target", "x=10", "--plot", "many.svg",
        ],
    );
    assert!(text(&out.stdout).contains("--json has the probabilities"));
    let svg = std::fs::read_to_string(folder.join("many.svg")).expect("a chart");
    assert!(svg.contains("state (3 to a bar)") && svg.contains(">probability<"));
    // Labels of many bars are whole, and have room: 760 units for those of at most 7 characters.
    let out = ergodic(
        folder,
        &[
            "--states",
            "1000001..1002000",
            "--target",
            "x=1000700",
            "--plot",
            "wide.svg",
        ],
    );
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let svg = std::fs::read_to_string(folder.join("wide.svg")).expect("a chart");
    assert!(svg.contains(">1000001<") && !svg.contains('…'));
    let labels = svg.matches("text-anchor=\"middle\">100").count();
    assert!((5..=13).contains(&labels), "{labels} labels");
    // Numbers far from 1 have no rows of zeros.
    let out = ergodic(
        folder,
        &["--states", "1e-300,2e-300", "--target", "x=1.3e-300"],
    );
    let shown = text(&out.stdout);
    assert!(shown.contains("1.3e-300") && shown.contains("\n2e-300 "));
    assert!(shown.lines().all(|l| l.len() < 80), "{shown}");
}

#[test]
fn targets_that_no_law_meets_end_in_one_line_and_code_1() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    for (arguments, word) in [
        (
            &["x=6.5"][..],
            "the mean of x is to be 6.5, and comes to 6 at best",
        ),
        (
            &["x=7..8"],
            "the mean of x is to be 7..8, and comes to 6 at best",
        ),
        (
            &["x=6"],
            "the multiplier of x, whose mean is to be 6, grows without end",
        ),
        (
            &["x=2", "x^2=20"],
            "no law meets the targets: the mean of x",
        ),
    ] {
        let mut all = vec!["--states", "1..6", "--plot", "no.svg"];
        for target in arguments {
            all.extend(["--target", target]);
        }
        let out = ergodic(folder, &all);
        assert_eq!(out.status.code(), Some(1), "{arguments:?}");
        let error = text(&out.stderr);
        assert!(error.contains(word), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1);
        assert!(out.stdout.is_empty() && !folder.join("no.svg").exists());
    }
}

#[test]
fn bad_input_is_one_line_and_code_2() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path();
    std::fs::write(folder.join("t.csv"), "a,b,w\n1,2,1\n3,no,-1\n5,6,0\n").expect("written");
    std::fs::write(folder.join("zero.csv"), "a,w\n1,0\n2,0\n").expect("written");
    let cases: [(&[&str], &str); 21] = [
        (
            &["--states", "1..6", "--target", "x=3", "--plot", "law.png"],
            ".svg",
        ),
        (&["--target", "x=1"], "<TABLE>"),
        (&["--states", "1..6"], "--target"),
        (
            &["t.csv", "--states", "1..6", "--target", "x=1"],
            "--states",
        ),
        (&["--states", "6..1", "--target", "x=1"], "FIRST..LAST"),
        (&["--states", "1,nan", "--target", "x=1"], "FIRST..LAST"),
        (&["--states", "1..6", "--target", "x="], "--target"),
        (&["--states", "1..6", "--target", "=1"], "--target"),
        (&["--states", "1..6", "--target", "x=2..1"], "--target"),
        (&["--states", "1..6", "--target", "x=2~0"], "--target"),
        (&["--states", "1..6", "--target", "x=inf"], "--target"),
        (&["--states", "1..6", "--target", "y=1"], "x^2"),
        (&["--states", "1..6", "--target", "x^13=1"], "x^2"),
        (
            &["--states", "1..6", "--target", "x=3", "--target", "x^1=3"],
            "once",
        ),
        (&["--states", "1..6", "--target", "3"], "--feature"),
        (
            &["--states", "1..6", "--target", "x=3", "--base", "1,2"],
            "6 weights",
        ),
        (&["t.csv", "--target", "c=1"], "the name of a column"),
        (&["t.csv", "--target", "b=1"], "line 3, column \"b\""),
        (
            &["t.csv", "--target", "a=2", "--base", "w"],
            "line 3, column \"w\"",
        ),
        (
            &["zero.csv", "--target", "a=1.5", "--base", "w"],
            "no weight above 0",
        ),
        (&["none.csv", "--target", "a=1"], "there is no such file"),
    ];
    for (arguments, word) in cases {
        let out = ergodic(folder, arguments);
        assert_eq!(
            out.status.code(),
            Some(2),
            "{arguments:?}: {}",
            text(&out.stderr)
        );
        let error = text(&out.stderr);
        assert!(error.contains(word), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(out.stdout.is_empty());
    }
}
