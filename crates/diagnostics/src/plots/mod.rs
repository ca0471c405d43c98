//! Charts of draws as SVG, and one page that holds them all (feature `plots`).
//!
//! Every function returns an `<svg>` element, followed by a legend if there are several chains,
//! to be put into a page with the style sheet [`STYLE`]; [`standalone`] makes a file of it. Long
//! chains are thinned for the eye. Text is empty where there is nothing to draw.

pub mod chart;
pub mod figure;
mod page;

use ergodic_core::ArgumentError;

use crate::order::Order;
use crate::series::Series as Chains;
use crate::{DiagnosticsError, autocorrelation as correlations};
use chart::{MAX_POINTS, Series, lines, points};
pub use page::{Energies, page};

/// The style sheet of all pages and charts of this workspace, light and dark.
pub const STYLE: &str = include_str!("page.css");

/// The same for a chart alone, without variables, which not every viewer of SVG knows.
const STANDALONE_STYLE: &str = include_str!("standalone.css");

/// How many colours there are; chains beyond share them.
const COLOURS: usize = 8;

/// Bins of a histogram of ranks.
const RANK_BINS: usize = 20;

fn of_chain(chain: usize, points: Vec<(f64, f64)>) -> Series {
    Series {
        name: format!("chain {chain}"),
        colour: chain % COLOURS,
        points,
    }
}

/// The draws of each chain in their order: what moves, drifts or stands still.
///
/// Beyond 500 draws a chain is drawn by the extremes of equal stretches, so that no excursion is
/// lost.
///
/// # Errors
/// Chains that no diagnostic takes: of different lengths, of fewer than 4 draws, not finite.
///
/// ```
/// use ergodic_diagnostics::plots::{standalone, trace};
///
/// let svg = standalone(&trace("mu", &[[0.0, 1.0, 0.5, 0.7], [0.2, 0.1, 0.9, 0.3]])?);
/// assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
/// # Ok::<(), ergodic_diagnostics::DiagnosticsError>(())
/// ```
pub fn trace<C: AsRef<[f64]>>(name: &str, chains: &[C]) -> Result<String, DiagnosticsError> {
    let all = Chains::new(chains)?;
    let series: Vec<Series> = (0..all.chains)
        .map(|c| of_chain(c, envelope(all.chain(c))))
        .collect();
    Ok(lines(&format!("Trace of {name}"), "draw", name, &series))
}

/// At most [`MAX_POINTS`] points: all, or the extremes of stretches in their order.
fn envelope(chain: &[f64]) -> Vec<(f64, f64)> {
    if chain.len() <= MAX_POINTS {
        return chain
            .iter()
            .enumerate()
            .map(|(i, &x)| (i as f64, x))
            .collect();
    }
    let stretch = chain.len().div_ceil(MAX_POINTS / 2);
    let mut out = Vec::with_capacity(MAX_POINTS);
    for (block, values) in chain.chunks(stretch).enumerate() {
        let (mut low, mut high) = (0, 0);
        for (i, x) in values.iter().enumerate() {
            if *x < values[low] {
                low = i;
            }
            if *x > values[high] {
                high = i;
            }
        }
        let at = |i: usize| ((block * stretch + i) as f64, values[i]);
        out.push(at(low.min(high)));
        out.push(at(low.max(high)));
    }
    out
}

/// The histogram of each chain's ranks among the draws of all: level for chains of one law
/// (Vehtari et al., *Bayesian Anal.* 16, 2021, §5). Equal values share their ranks in the order of
/// chains and draws.
///
/// # Errors
/// As [`trace`].
pub fn rank<C: AsRef<[f64]>>(name: &str, chains: &[C]) -> Result<String, DiagnosticsError> {
    let all = Chains::new(chains)?;
    let mut order = Order::default();
    order.sort(&all.values);
    let bins = RANK_BINS.min(all.draws);
    let mut counts = vec![vec![0u64; bins]; all.chains];
    let total = all.values.len();
    for (rank, &position) in order.positions.iter().enumerate() {
        counts[position as usize / all.draws][rank * bins / total] += 1;
    }
    let series: Vec<Series> = counts
        .iter()
        .enumerate()
        .map(|(c, counts)| of_chain(c, outline(counts, 0.0, total as f64)))
        .collect();
    let title = format!("Ranks of {name}");
    Ok(lines(
        &title,
        "rank among all draws",
        "draws of the chain",
        &series,
    ))
}

/// The outline of a histogram of equal bins from `low` to `high`.
fn outline(counts: &[u64], low: f64, high: f64) -> Vec<(f64, f64)> {
    let width = (high - low) / counts.len() as f64;
    counts
        .iter()
        .enumerate()
        .flat_map(|(i, &count)| {
            let left = low + i as f64 * width;
            [(left, count as f64), (left + width, count as f64)]
        })
        .collect()
}

/// The autocorrelation of each chain up to `max_lag` (or the last lag there is): how long it
/// remembers.
///
/// # Errors
/// As [`trace`].
pub fn autocorrelation<C: AsRef<[f64]>>(
    name: &str,
    chains: &[C],
    max_lag: usize,
) -> Result<String, DiagnosticsError> {
    let draws = chains.first().map_or(0, |c| c.as_ref().len());
    let series: Vec<Series> = correlations(chains, max_lag.min(draws.saturating_sub(1)))?
        .into_iter()
        .enumerate()
        .map(|(c, rho)| {
            let points = rho.into_iter().enumerate().map(|(k, r)| (k as f64, r));
            of_chain(c, points.collect())
        })
        .collect();
    let title = format!("Autocorrelation of {name}");
    Ok(lines(&title, "lag in draws", "autocorrelation", &series))
}

/// The draws of two quantities against each other, about 1000 of each chain.
///
/// # Errors
/// As [`trace`], and if the two have different shapes.
pub fn pair<C: AsRef<[f64]>>(
    (x_name, x): (&str, &[C]),
    (y_name, y): (&str, &[C]),
) -> Result<String, DiagnosticsError> {
    let (x, y) = (Chains::new(x)?, Chains::new(y)?);
    if (x.chains, x.draws) != (y.chains, y.draws) {
        return Err(ArgumentError::new(
            "y",
            format!("of {} × {} draws", y.chains, y.draws),
            format!("of {} × {}, as x", x.chains, x.draws),
        )
        .into());
    }
    let series: Vec<Series> = (0..x.chains)
        .map(|c| {
            let points = x.chain(c).iter().copied().zip(y.chain(c).iter().copied());
            of_chain(c, points.collect())
        })
        .collect();
    Ok(points(
        &format!("{x_name} and {y_name}"),
        x_name,
        y_name,
        &series,
    ))
}

/// The marginal energies about their mean beside the steps from draw to draw (Betancourt,
/// arXiv:1604.00695, 2016): steps that are much narrower are a low E-BFMI.
///
/// # Errors
/// As [`trace`]; `energies` are those of each chain, in nats.
pub fn energy<C: AsRef<[f64]>>(energies: &[C]) -> Result<String, DiagnosticsError> {
    const BINS: usize = 40;
    let all = Chains::new(energies)?;
    let standard = all.standardized();
    let marginal: Vec<f64> = standard
        .deviations
        .iter()
        .map(|d| d * standard.unit)
        .collect();
    let steps: Vec<f64> = (0..all.chains)
        .flat_map(|c| all.chain(c).windows(2).map(|w| w[1] - w[0]))
        .collect();
    let largest = marginal
        .iter()
        .chain(&steps)
        .fold(0.0f64, |m, x| m.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return Ok(String::new());
    }
    let histogram = |values: &[f64]| {
        let mut counts = [0u64; BINS];
        for x in values {
            let at = (0.5 + 0.5 * (x / largest)) * BINS as f64;
            counts[(at as usize).min(BINS - 1)] += 1;
        }
        outline(&counts, -largest, largest)
    };
    let series = [
        ("energy about its mean", &marginal),
        ("step of the energy", &steps),
    ];
    let series: Vec<Series> = series
        .into_iter()
        .enumerate()
        .map(|(colour, (name, values))| Series {
            name: name.to_owned(),
            colour,
            points: histogram(values),
        })
        .collect();
    Ok(lines("Energies", "nats", "draws", &series))
}

/// The first `<svg>` of a chart as a file of its own, with its style sheet; the legend around it is
/// left out.
pub fn standalone(chart: &str) -> String {
    let end = chart.find("</svg>").map_or(chart.len(), |at| at + 6);
    let Some((attributes, content)) = chart[..end]
        .strip_prefix("<svg ")
        .and_then(|rest| rest.split_once('>'))
    else {
        return String::new();
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" {attributes}><style>{STANDALONE_STYLE}</style>{content}\n"
    )
}
