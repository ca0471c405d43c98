//! One HTML page about a run: the table, what fails, and charts of the worst parameters.

use std::fmt::Write as _;

use ergodic_core::Draws;

use super::chart::escape;
use super::{STYLE, autocorrelation, energy, pair, rank, trace};
use crate::{DiagnosticsError, Row, Summary, Thresholds, ebfmi};

/// Parameters that get charts of their own at most: the worst.
const SHOWN: usize = 12;
/// Parameters that are drawn against each other at most.
const PAIRED: usize = 4;
/// The largest lag of an autocorrelation.
const MAX_LAG: usize = 100;

/// Energies of the run, for [`page`].
pub type Energies<'a> = &'a [Vec<f64>];

/// A page that stands alone, with no request to anywhere: verdict, table, and trace, ranks and
/// autocorrelation of the (at most twelve) parameters of largest R̂, the worst four of them in
/// pairs, and energies if the run has any (nats, chain by chain).
///
/// # Errors
/// As [`summary`](crate::summary), which made `summary` of the same `draws`.
///
/// ```
/// use ergodic_core::Draws;
/// use ergodic_diagnostics::{Thresholds, plots, summary};
///
/// let mut random = ergodic_math::rng::stream(1, 0);
/// let mut values = vec![0.0; 2 * 500 * 2];
/// ergodic_math::rng::fill_normal(&mut random, &mut values);
/// let draws = Draws::new(vec!["mu".into(), "tau".into()], 2, 500, values)?;
/// let html = plots::page("My run", &draws, &summary(&draws)?, &Thresholds::default(), None)?;
/// assert!(html.contains("Trace of mu") && !html.contains("http"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn page(
    title: &str,
    draws: &Draws,
    summary: &Summary,
    demanded: &Thresholds,
    energies: Option<Energies<'_>>,
) -> Result<String, DiagnosticsError> {
    let title = escape(title);
    let failures = summary.failures(demanded);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>\
         <p class=\"lead\">{} chains of {} draws, {} parameters. Demanded: R̂ at most {}, bulk and \
         tail ESS at least {}.</p>",
        summary.chains,
        summary.draws,
        summary.rows.len(),
        demanded.rhat(),
        demanded.ess()
    );
    tiles(&mut html, summary, failures.len());
    if !failures.is_empty() {
        html.push_str("<section><h2>What fails</h2><ul>");
        for failure in &failures {
            let _ = write!(html, "<li>{}</li>", escape(&failure.to_string()));
        }
        html.push_str("</ul></section>");
    }
    table(&mut html, summary, demanded);
    let shown = worst(summary);
    html.push_str("<section><h2>Chains</h2>");
    if shown.len() < summary.rows.len() {
        let _ = write!(
            html,
            "<p class=\"soft\">The {} parameters of largest R̂ of {}.</p>",
            shown.len(),
            summary.rows.len()
        );
    }
    html.push_str("<div class=\"grid2\">");
    let chains = |i: usize| -> Vec<Vec<f64>> { draws.parameter(i).collect() };
    for &i in &shown {
        let (name, chains) = (&draws.names()[i], chains(i));
        figure(
            &mut html,
            &format!("Trace of {name}"),
            &trace(name, &chains)?,
        );
        figure(
            &mut html,
            &format!("Ranks of {name}"),
            &rank(name, &chains)?,
        );
        figure(
            &mut html,
            &format!("Autocorrelation of {name}"),
            &autocorrelation(name, &chains, MAX_LAG)?,
        );
    }
    html.push_str("</div></section>");
    let moving = shown.iter().filter(|&&i| summary.rows[i].mixing.is_some());
    let paired: Vec<usize> = moving.copied().take(PAIRED).collect();
    if paired.len() > 1 {
        html.push_str("<section><h2>Pairs</h2><div class=\"grid2\">");
        for (n, &i) in paired.iter().enumerate() {
            for &j in &paired[n + 1..] {
                let (x, y) = (&draws.names()[i], &draws.names()[j]);
                let chart = pair((x, &chains(i)), (y, &chains(j)))?;
                figure(&mut html, &format!("{x} and {y}"), &chart);
            }
        }
        html.push_str("</div></section>");
    }
    if let Some(energies) = energies {
        html.push_str("<section><h2>Energies</h2><div class=\"grid2\">");
        figure(&mut html, "Energy and its steps", &energy(energies)?);
        html.push_str("</div><p class=\"soft\">E-BFMI of each chain (below 0.3 is a warning): ");
        let each: Vec<String> = energies
            .iter()
            .map(|e| ebfmi(e).map_or_else(|_| "–".to_owned(), |b| format!("{b:.2}")))
            .collect();
        let _ = write!(html, "{}</p></section>", each.join(", "));
    }
    let _ = writeln!(
        html,
        "<footer>R̂ and ESS after Vehtari et al., Bayesian Analysis 16, 2021. ergodic {}.</footer>\
         </main></body></html>",
        env!("CARGO_PKG_VERSION")
    );
    Ok(html)
}

fn figure(html: &mut String, title: &str, chart: &str) {
    if !chart.is_empty() {
        let _ = write!(html, "<figure><h3>{}</h3>{chart}</figure>", escape(title));
    }
}

fn tiles(html: &mut String, summary: &Summary, failures: usize) {
    let or_dash = |x: Option<String>| x.unwrap_or_else(|| "–".to_owned());
    let tiles = [
        (
            if failures == 0 {
                "passes".to_owned()
            } else {
                format!("{failures} fail")
            },
            "of what is demanded",
        ),
        (
            or_dash(summary.largest_rhat().map(|r| format!("{r:.4}"))),
            "largest R̂",
        ),
        (
            or_dash(summary.smallest_ess().map(|e| format!("{e:.0}"))),
            "smallest ESS, bulk or tail",
        ),
        ((summary.chains * summary.draws).to_string(), "draws in all"),
    ];
    html.push_str("<div class=\"tiles\">");
    for (value, name) in tiles {
        let _ = write!(html, "<div><b>{value}</b><span>{name}</span></div>");
    }
    html.push_str("</div>");
}

fn table(html: &mut String, summary: &Summary, demanded: &Thresholds) {
    html.push_str("<section><h2>Summary</h2><div class=\"wide\"><table class=\"number\">");
    for (i, cells) in summary.cells().iter().enumerate() {
        html.push_str("<tr>");
        for (column, cell) in cells.iter().enumerate() {
            let cell = escape(cell);
            if i == 0 {
                let _ = write!(html, "<th>{cell}</th>");
                continue;
            }
            let bad = summary.rows[i - 1].mixing.is_none_or(|m| match column {
                7 => m.ess_bulk < demanded.ess(),
                8 => m.ess_tail < demanded.ess(),
                9 => m.rhat > demanded.rhat(),
                _ => false,
            });
            let class = if bad { " class=\"bad\"" } else { "" };
            let _ = write!(html, "<td{class}>{cell}</td>");
        }
        html.push_str("</tr>");
    }
    html.push_str("</table></div></section>");
}

/// The parameters to be shown, the largest R̂ first; those that do not move lead.
fn worst(summary: &Summary) -> Vec<usize> {
    let rhat = |row: &Row| row.mixing.map_or(f64::INFINITY, |m| m.rhat);
    let mut all: Vec<usize> = (0..summary.rows.len()).collect();
    all.sort_by(|&a, &b| rhat(&summary.rows[b]).total_cmp(&rhat(&summary.rows[a])));
    all.truncate(SHOWN);
    all
}
