//! Charts and pages are well-formed, complete and harmless.
#![cfg(feature = "plots")]

use ergodic_core::Draws;
use ergodic_diagnostics::plots::{autocorrelation, energy, page, pair, rank, standalone, trace};
use ergodic_diagnostics::{Thresholds, summary};
use ergodic_math::rng;

fn normals(chains: usize, draws: usize, scale: f64) -> Vec<Vec<f64>> {
    (0..chains)
        .map(|c| {
            let mut x = vec![0.0; draws];
            rng::fill_normal(&mut rng::stream(1, c as u64), &mut x);
            x.iter().map(|v| v * scale).collect()
        })
        .collect()
}

fn well_formed(svg: &str, what: &str) {
    for bad in ["NaN", "inf", "<script"] {
        assert!(!svg.contains(bad), "{what}: {bad}");
    }
    for open in [
        "<svg", "<g", "<text", "<figure", "<table", "<div", "<section",
    ] {
        let begins = svg
            .match_indices(open)
            .filter(|(at, _)| matches!(svg.as_bytes()[at + open.len()], b' ' | b'>'))
            .count();
        assert_eq!(
            begins,
            svg.matches(&format!("</{}>", &open[1..])).count(),
            "{what}: {open}"
        );
    }
}

#[test]
fn charts_are_well_formed_at_every_scale() {
    for scale in [1.0, 1e-300, 1e300, 0.0] {
        for (chains, draws) in [(1, 4), (3, 100), (10, 5000)] {
            let x = normals(chains, draws, scale);
            let name = "a<b>&\"c\"";
            for (what, chart) in [
                ("trace", trace(name, &x).unwrap()),
                ("rank", rank(name, &x).unwrap()),
                ("autocorrelation", autocorrelation(name, &x, 50).unwrap()),
                ("pair", pair((name, &x[..]), ("d", &x[..])).unwrap()),
                ("energy", energy(&x).unwrap()),
            ] {
                well_formed(&chart, what);
                assert!(!chart.contains("a<b"), "{what}");
                well_formed(&standalone(&chart), what);
            }
        }
    }
    assert!(trace("x", &[[1.0, f64::NAN, 2.0, 3.0]]).is_err());
    assert!(pair(("x", &[[1.0; 4]][..]), ("y", &[[1.0; 4], [2.0; 4]][..])).is_err());
}

#[test]
fn a_trace_keeps_every_excursion() {
    let mut x = vec![0.0; 100_000];
    x[77_777] = 1000.0;
    let chart = trace("x", &[x]).unwrap();
    // The top of the axis is 1000, at y = 16.
    assert!(chart.contains(",16.0"), "the spike is lost");
    assert!(chart.len() < 30_000);
}

#[test]
fn ranks_of_each_chain_are_counted_whole() {
    let x = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]];
    let chart = rank("x", &x).unwrap();
    // Bins of two ranks: the first chain has 2, 2, 0, 0; the second 0, 0, 2, 2. So both outlines
    // touch the bottom (248) and the top (16).
    let lines: Vec<&str> = chart.matches("<polyline").collect();
    assert_eq!(lines.len(), 2);
    assert!(chart.contains(",16.0") && chart.contains(",248.0"));
}

#[test]
fn the_page_holds_everything_and_asks_for_nothing() {
    let mut values = Vec::new();
    for c in 0..3 {
        let mut random = rng::stream(4, c);
        for _ in 0..600 {
            for p in 0..15 {
                let shift = if p == 14 { c as f64 } else { 0.0 };
                values.push(match p {
                    5 => 0.25,
                    _ => rng::normal(&mut random) + shift,
                });
            }
        }
    }
    let mut names = Draws::default_names(15);
    names[14] = "<b>theta".into();
    let draws = Draws::new(names, 3, 600, values).unwrap();
    let table = summary(&draws).unwrap();
    let energies = normals(3, 600, 4.0);
    let html = page(
        "Run <1>",
        &draws,
        &table,
        &Thresholds::default(),
        Some(&energies),
    )
    .unwrap();
    well_formed(&html, "page");
    for forbidden in ["http:", "https:", "<link", "url(", "@import", "<b>theta"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    for needed in [
        "Run &lt;1&gt;",
        "&lt;b&gt;theta: R-hat is",
        "x[5]: all draws are one value",
        "Trace of &lt;b&gt;theta",
        "Energy and its steps",
        "The 12 parameters of largest R̂ of 15",
    ] {
        assert!(html.contains(needed), "{needed}");
    }
    assert_eq!(html.matches("<svg").count(), 12 * 3 + 6 + 1);
    if let Ok(path) = std::env::var("ERGODIC_EXAMPLE_REPORT") {
        std::fs::write(path, html).unwrap();
    }
}
