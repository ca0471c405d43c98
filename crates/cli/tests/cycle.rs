//! `ergodic cycle`: efficiencies against their closed forms, units, plots, and every bad input.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn ergodic(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergodic"))
        .arg("cycle")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(folder: &Path, arguments: &str) -> Value {
    let out = ergodic(folder, &format!("{arguments} --json"));
    assert_eq!(
        out.status.code(),
        Some(0),
        "{arguments}: {}",
        text(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).expect("JSON")
}

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

#[track_caller]
fn close(found: &Value, exact: f64, tolerance: f64) {
    let found = number(found);
    assert!(
        (found - exact).abs() <= tolerance * exact.abs().max(1e-300),
        "{found} {exact}"
    );
}

/// A two-level system whose gap is its work parameter, as a table.
const LEVELS: &str = "energy,observable,degeneracy\n0,0,1\n0,1,1\n";

#[test]
fn efficiencies_are_those_of_closed_forms() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::write(at.join("levels.csv"), LEVELS).expect("a file");
    for system in ["trap", "oscillator", "ideal-gas", "two-level", "levels.csv"] {
        let found = json(
            at,
            &format!("carnot --system {system} --hot 2 --cold 1 --work 1:4"),
        );
        close(&found["efficiency"], 0.5, 1e-13);
        close(&found["carnot_efficiency"], 0.5, 1e-15);
        let strokes = found["strokes"].as_array().expect("strokes");
        let work: f64 = strokes.iter().map(|s| number(&s["work"])).sum();
        let heat: f64 = strokes.iter().map(|s| number(&s["heat"])).sum();
        assert!((work + heat).abs() < 1e-13, "{system}");
        close(&found["work"], work, 1e-14);
    }
    let otto = |system: &str| {
        json(
            at,
            &format!("otto --system {system} --hot 9 --cold 1 --work 1:4"),
        )["efficiency"]
            .clone()
    };
    close(&otto("oscillator"), 0.5, 1e-13);
    close(&otto("trap"), 0.75, 1e-13);
    close(&otto("two-level"), 0.75, 1e-13);
    close(&otto("ideal-gas"), 1.0 - 4f64.powf(-2.0 / 3.0), 1e-13);
    let stirling = |rest: &str| {
        json(at, &format!("stirling --hot 2 --cold 1 --work 1:2 {rest}"))["efficiency"].clone()
    };
    let log2 = 2f64.ln();
    close(&stirling(""), log2 / (2.0 * log2 + 1.5), 1e-14);
    close(&stirling("--degrees 5"), log2 / (2.0 * log2 + 2.5), 1e-14);
    close(&stirling("--particles 7"), log2 / (2.0 * log2 + 1.5), 1e-13);
    close(&stirling("--regenerator 1"), 0.5, 1e-11);
}

#[test]
fn units_convert_temperatures_energies_and_entropies() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let run = |units: &str| {
        json(
            at,
            &format!("carnot --hot 600 --cold 300 --work 1:2 --units {units}"),
        )
    };
    // Q = NkT log 2 of the hot stroke, ΔS = Nk log 2.
    let log2 = 2f64.ln();
    for (units, k) in [
        ("natural", 1.0),
        ("si", 1.380649e-23),
        ("kj-mol", 8.31446261815324e-3),
        ("ev", 8.617333262145179e-5),
    ] {
        let found = run(units);
        close(&found["heat_from_hot"], 600.0 * k * log2, 1e-12);
        close(&found["strokes"][0]["entropy_change"], k * log2, 1e-12);
        close(&found["strokes"][0]["start"]["temperature"], 600.0, 1e-13);
        close(&found["efficiency"], 0.5, 1e-12);
    }
    assert_eq!(run("ev")["units"]["entropy"], "eV/K");
}

#[test]
fn engines_in_finite_time_lose_and_refrigerators_are_no_engines() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let line = "carnot --system two-level --hot 2 --cold 1 --work 1:4 --switches";
    let quick = json(at, &format!("{line} 10"));
    let slow = json(at, &format!("{line} 400"));
    let of = |v: &Value| number(&v["finite_time"]["efficiency"]);
    assert!(of(&quick) < of(&slow) && of(&slow) < 0.5 && of(&slow) > 0.49);
    let weak = json(at, &format!("{line} 400 --strength 0.1"));
    assert!(of(&weak) < of(&slow));
    let cooling = json(at, "otto --system oscillator --hot 1.2 --cold 1 --work 1:4");
    assert!(cooling["efficiency"].is_null());
    close(&cooling["coefficient_of_performance"], 1.0, 1e-13);
}

#[test]
fn degenerate_levels_in_finite_time_tend_to_their_cycle() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::write(
        at.join("triplet.csv"),
        "energy,observable,degeneracy\n0,0,1\n0,1,3\n",
    )
    .expect("a file");
    let line = "carnot --system triplet.csv --hot 2 --cold 1 --work 6:3 --switches";
    let found = json(at, &format!("{line} 4000"));
    let work = number(&found["work"]);
    close(&found["finite_time"]["work"], work, 5e-3);
}

#[test]
fn the_text_has_the_ledger_and_the_plot_is_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    for (cycle, work) in [("carnot", "1:4"), ("otto", "1:2"), ("stirling", "1:4")] {
        let out = ergodic(
            at,
            &format!("{cycle} --hot 600 --cold 300 --work {work} --units ev --plot out.svg"),
        );
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let page = text(&out.stdout);
        for word in [
            "isothermal",
            "efficiency",
            "eV",
            "600.000000 K",
            "entropy production",
            "out.svg",
        ] {
            assert!(
                page.contains(word) || (cycle == "otto" && word == "isothermal"),
                "{page}"
            );
        }
        let svg = std::fs::read_to_string(at.join("out.svg")).expect("a plot");
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("</svg>").count(), 1);
        assert_eq!(svg.matches("<polyline").count(), 8);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert!(svg.contains("pressure") && svg.contains("entropy (10⁻") && svg.contains("eV/K)"));
    }
}

#[test]
fn every_bad_input_is_one_line_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let write = |name: &str, content: &str| std::fs::write(at.join(name), content).expect("a file");
    write("no_header.csv", "1,2\n3,4\n");
    write("word.csv", "energy,observable\n0,1\nx,2\n");
    write("zero.csv", "energy,observable,degeneracy\n0,1,1\n1,2,0\n");
    write("constant.csv", "energy,observable\n0,1\n1,1\n2,1\n");
    write("same.csv", "energy,observable\n0,0\n1,1\n2,2\n");
    write("empty.csv", "energy,observable\n");
    write("ragged.csv", "energy,observable\n0\n");
    write("stiff.csv", "energy,observable\n0,0\n1,0.1\n1.1,0\n");
    let mut many = "energy,observable\n".to_owned();
    for level in 0..3000 {
        writeln!(many, "{level},{}", level * level).expect("a string");
    }
    write("many.csv", &many);
    for (line, word) in [
        (
            "otto --hot 2 --cold 1 --work 1:2 --system many.csv --switches 100",
            "at most 0 with 3000",
        ),
        ("carnot --hot 1 --cold 2 --work 1:2", "--hot"),
        ("carnot --hot 1 --cold 1 --work 1:2", "--hot"),
        ("carnot --hot 2 --cold 1", "--work"),
        ("carnot --hot 2 --cold 1 --work -1:2", "--work"),
        ("carnot --hot 2 --cold 1 --work 0:2 --system trap", "--work"),
        (
            "carnot --hot 2 --cold 1 --work -1:1 --system two-level",
            "--work",
        ),
        ("otto --hot 1e-320 --cold 1e-321 --work 1:2", "--hot"),
        ("otto --hot 1 --cold 1e-321 --work 1:2", "--cold"),
        // In the units that were given.
        (
            "otto --hot 280 --cold 300 --work 1:2 --units si",
            "temperature, 300",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --regenerator 0.5",
            "--regenerator",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --switches 5",
            "--switches",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --strength 0.5",
            "--switches",
        ),
        ("otto --hot 2 --cold 1 --work 1:2 --plot x.png", "--plot"),
        (
            "otto --hot 2 --cold 1 --work 1:2 --system trap --particles 5",
            "--particles",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --system two-level --degrees 5",
            "--degrees",
        ),
        // What was typed, not where a search has ended.
        (
            "carnot --hot 2 --cold 1 --work -1:3 --system two-level",
            "--work is -1:3,",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --plot none/x.svg",
            "none/x.svg",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --system steam",
            "two-level",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --system no_header.csv",
            "observable",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --system word.csv",
            "line 3",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --system zero.csv",
            "above 0",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --system constant.csv",
            "constant.csv",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --system same.csv",
            "same.csv",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --system empty.csv",
            "empty.csv",
        ),
        (
            "otto --hot 2 --cold 1 --work 1:2 --system ragged.csv",
            "ragged.csv",
        ),
        (
            "carnot --hot 50 --cold 0.01 --work -0.01:0.01 --system stiff.csv",
            "--work",
        ),
    ] {
        let out = ergodic(at, line);
        let message = text(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{line}: {message}");
        assert!(out.stdout.is_empty());
        assert!(message.contains(word), "{line}: {message}");
        assert_eq!(message.lines().count(), 1, "{line}: {message}");
    }
}
