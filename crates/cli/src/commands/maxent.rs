//! `ergodic maxent`: the law of most entropy under given means, its multipliers and its certificate.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ergodic::diagnostics::plots::chart::escape;
use ergodic::diagnostics::plots::standalone;
use ergodic::expfam::{
    Constraint, FeatureRows, MaximumEntropy, MaximumEntropyError, MaximumEntropyLaw,
    SparseFeatures, SparseMaximumEntropy,
};
use ergodic::math::Real;
use nalgebra::DMatrix;
use serde::Serialize;

use super::info::columns::{self, Raw};
use super::info::{aligned, shown};
use super::{print, start_threads};
use crate::arguments::{MaxentArgs, Mean, Target};
use crate::error::CliError;
use crate::output::{check_plot, write_atomically};
use crate::summary::to_json;

/// Features and numbers in all up to which the dense method is used.
const DENSE: (usize, usize) = (64, 1 << 22);

/// States that the text lists.
const LISTED: usize = 40;

/// Bars of the chart.
const BARS: usize = 400;

/// Characters of a label of a bar at most, and the width of one.
const MAX_LABEL: usize = 28;
const CHARACTER: f64 = 7.6;

/// The largest power of x that is a feature.
const POWERS: u32 = 12;

/// What `maxent --json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    file: Option<&'a Path>,
    features: Vec<Feature<'a>>,
    /// In nats.
    entropy: f64,
    /// From the base law, in nats.
    divergence: f64,
    /// The logarithm of `Σ base·exp(multipliers·features)`, the base as it was given.
    log_z: f64,
    gap: f64,
    violation: f64,
    iterations: usize,
    states: Vec<State<'a>>,
}

#[derive(Serialize)]
struct Feature<'a> {
    name: &'a str,
    target: String,
    mean: f64,
    multiplier: f64,
}

#[derive(Serialize)]
struct State<'a> {
    label: &'a str,
    /// Of the base law.
    base: f64,
    probability: f64,
}

/// A problem as it was given.
struct Problem {
    file: Option<PathBuf>,
    labels: Vec<String>,
    base: Vec<f64>,
    names: Vec<String>,
    /// By feature, then by state.
    values: Vec<Vec<f64>>,
    means: Vec<Mean>,
}

pub(super) fn maxent(args: &MaxentArgs) -> Result<(), CliError> {
    if let Some(plot) = &args.plot {
        check_plot(plot)?;
    }
    start_threads(args.threads)?;
    let problem = problem(args)?;
    let law = solve(&problem)?;
    let answer = answer(&problem, &law);
    if let Some(plot) = &args.plot {
        write_atomically(plot, chart(&answer).as_bytes())?;
    }
    if args.json {
        print(&to_json(&answer)?)
    } else {
        print(&text(args, &answer))
    }
}

fn problem(args: &MaxentArgs) -> Result<Problem, CliError> {
    let (names, means) = named(args)?;
    match (&args.table, &args.states) {
        (Some(path), _) => from_table(args, path, names, means),
        (None, Some(states)) => from_states(args, &states.0, names, means),
        // The parser asks for one of them.
        (None, None) => Err(CliError::Usage("a table or --states is missing".into())),
    }
}

/// The features with their means.
fn named(args: &MaxentArgs) -> Result<(Vec<String>, Vec<Mean>), CliError> {
    let nameless = args.targets.iter().filter(|t| t.feature.is_none()).count();
    if nameless != args.features.len() {
        return Err(CliError::option(
            "--target",
            format!("given {nameless} times without the name of a feature"),
            format!("as often as --feature, {}", args.features.len()),
        ));
    }
    let mut features = args.features.iter();
    let name = |t: &Target| t.feature.clone().or_else(|| features.next().cloned());
    let names: Vec<String> = args.targets.iter().filter_map(name).collect();
    Ok((names, args.targets.iter().map(|t| t.mean).collect()))
}

fn from_states(
    args: &MaxentArgs,
    states: &[f64],
    names: Vec<String>,
    means: Vec<Mean>,
) -> Result<Problem, CliError> {
    let mut seen: Vec<u32> = Vec::new();
    let mut values = Vec::with_capacity(names.len());
    for name in &names {
        let power = match name.as_str() {
            "x" => Some(1),
            other => other.strip_prefix("x^").and_then(|p| p.parse().ok()),
        };
        let allowed = |what: &str| CliError::option("the feature of --target", name, what);
        let power = power
            .filter(|p| (1..=POWERS).contains(p))
            .ok_or_else(|| allowed("x or a power of it, x^2 to x^12, as the states are numbers"))?;
        if seen.contains(&power) {
            return Err(allowed("given once"));
        }
        seen.push(power);
        let column: Vec<f64> = (states.iter())
            .map(|x| (0..power).fold(1.0, |product, _| product * x))
            .collect();
        if column.iter().any(|v| !v.is_finite()) {
            return Err(allowed("a power that does not overflow"));
        }
        values.push(column);
    }
    let base = match &args.base {
        None => vec![1.0; states.len()],
        Some(text) => weights(text, states.len())?,
    };
    Ok(Problem {
        file: None,
        labels: states.iter().map(|x| short(*x)).collect(),
        base,
        names,
        values,
        means,
    })
}

/// The weights that `--base` lists.
fn weights(text: &str, states: usize) -> Result<Vec<f64>, CliError> {
    let weights: Option<Vec<f64>> = text.split(',').map(|w| weight(w.trim())).collect();
    weights
        .filter(|w| w.len() == states && w.iter().any(|w| *w > 0.0))
        .ok_or_else(|| {
            CliError::option(
                "--base",
                text,
                format!("{states} weights with commas between, finite, at least 0, not all 0"),
            )
        })
}

fn weight(text: &str) -> Option<f64> {
    let number = text.parse::<f64>().ok();
    number.filter(|w| w.is_finite() && *w >= 0.0)
}

fn from_table(
    args: &MaxentArgs,
    path: &Path,
    names: Vec<String>,
    means: Vec<Mean>,
) -> Result<Problem, CliError> {
    let raw = columns::fields(path, args.header)?;
    let mut places = Vec::with_capacity(names.len());
    for name in &names {
        let at = columns::position(&raw.names, name, "the feature of --target", path)?;
        if places.contains(&at) {
            return Err(CliError::option(
                "the feature of --target",
                name,
                "given once",
            ));
        }
        places.push(at);
    }
    let finite = |f: &str| f.parse::<f64>().ok().filter(|x| x.is_finite());
    let values = (places.iter())
        .map(|at| numbers(&raw, *at, path, "a finite number", finite))
        .collect::<Result<Vec<_>, _>>()?;
    let states = raw.lines.len();
    let base = match &args.base {
        None => vec![1.0; states],
        Some(name) => {
            let at = columns::position(&raw.names, name, "--base", path)?;
            let base = numbers(&raw, at, path, "a finite weight of at least 0", weight)?;
            if base.iter().all(|w| *w == 0.0) {
                return Err(CliError::file(
                    path,
                    format!("has no weight above 0 in column \"{}\"", raw.names[at]),
                ));
            }
            base
        }
    };
    let labels = match &args.label {
        None => (1..=states).map(|i| i.to_string()).collect(),
        Some(name) => {
            let at = columns::position(&raw.names, name, "--label", path)?;
            raw.fields[at].clone()
        }
    };
    Ok(Problem {
        file: Some(path.to_owned()),
        labels,
        base,
        names: places.iter().map(|at| raw.names[*at].clone()).collect(),
        values,
        means,
    })
}

fn numbers(
    raw: &Raw,
    column: usize,
    path: &Path,
    allowed: &str,
    parse: impl Fn(&str) -> Option<f64>,
) -> Result<Vec<f64>, CliError> {
    let fields = raw.fields[column].iter().enumerate();
    fields
        .map(|(row, field)| {
            parse(field).ok_or_else(|| CliError::Cell {
                path: path.to_owned(),
                place: columns::place(raw, row, column),
                found: format!("\"{field}\""),
                allowed: allowed.to_owned(),
            })
        })
        .collect()
}

fn solve(problem: &Problem) -> Result<MaximumEntropyLaw, CliError> {
    let constraints: Vec<Constraint> = problem.means.iter().map(constraint).collect();
    let (states, features) = (problem.base.len(), problem.values.len());
    let failed = |error: MaximumEntropyError| failure(problem, error);
    if features <= DENSE.0 && features * states <= DENSE.1 {
        let matrix = problem.values.concat();
        let matrix = DMatrix::from_vec(states, features, matrix);
        // Features that depend on each other are left to the other method, which takes them.
        if let Ok(dense) = MaximumEntropy::new(matrix, &problem.base) {
            return dense.solve(&constraints).map_err(failed);
        }
    }
    let mut rows = FeatureRows::default();
    for (state, base) in problem.base.iter().enumerate() {
        let (mut entries, mut values) = (Vec::new(), Vec::new());
        for (feature, column) in problem.values.iter().enumerate() {
            if column[state] != 0.0 {
                entries.push(feature as u32);
                values.push(column[state]);
            }
        }
        rows.push(*base, &entries, &values);
    }
    SparseMaximumEntropy::new(SparseFeatures::new(features, rows))
        .and_then(|sparse| Ok(sparse.tolerance(1e-12)?))
        .and_then(|sparse| sparse.solve(&constraints))
        .map_err(failed)
}

fn constraint(mean: &Mean) -> Constraint {
    match *mean {
        Mean::Equal(value) => Constraint::Equal(value),
        Mean::Between(low, high) => Constraint::Within {
            centre: low + 0.5 * (high - low),
            radius: 0.5 * (high - low),
        },
        Mean::Near(centre, sd) => Constraint::Near { centre, sd },
    }
}

/// What went wrong, with the names of the features.
fn failure(problem: &Problem, error: MaximumEntropyError) -> CliError {
    let asked = |i: usize| (problem.names[i].clone(), target(&problem.means[i]));
    match error {
        MaximumEntropyError::Argument(error) => CliError::from(error),
        MaximumEntropyError::Infeasible {
            constraint, found, ..
        } => {
            let (name, target) = asked(constraint);
            CliError::Failed(format!(
                "no law meets the targets: the mean of {name} is to be {target}, and comes to {} at best",
                short(found)
            ))
        }
        MaximumEntropyError::Boundary { constraint, .. } => {
            let (name, target) = asked(constraint);
            CliError::Failed(format!(
                "only laws that leave out states meet the targets: the multiplier of {name}, whose mean is \
                 to be {target}, grows without end"
            ))
        }
        other => CliError::Failed(other.to_string()),
    }
}

/// A target as it is typed.
fn target(mean: &Mean) -> String {
    match *mean {
        Mean::Equal(value) => short(value),
        Mean::Between(low, high) => format!("{}..{}", short(low), short(high)),
        Mean::Near(centre, sd) => format!("{}~{}", short(centre), short(sd)),
    }
}

/// A number in full, but without a row of zeros.
fn short(x: f64) -> String {
    if x == 0.0 || (1e-6..1e15).contains(&x.abs()) {
        x.to_string()
    } else {
        format!("{x:e}")
    }
}

/// A number to so many digits after the point, or after that of its mantissa.
fn rounded(x: f64, digits: usize) -> String {
    if x == 0.0 || (1e-3..1e9).contains(&x.abs()) {
        format!("{x:.digits$}")
    } else {
        format!("{x:.digits$e}")
    }
}

fn answer<'a>(problem: &'a Problem, law: &MaximumEntropyLaw) -> Answer<'a> {
    let total = ergodic::math::reduce::sum(&problem.base);
    let features = (problem.names.iter().zip(&problem.means))
        .zip(law.moments.iter().zip(&law.multipliers))
        .map(|((name, mean), (moment, multiplier))| Feature {
            name,
            target: target(mean),
            mean: *moment,
            multiplier: *multiplier,
        })
        .collect();
    let states = (problem.labels.iter().zip(&problem.base))
        .zip(&law.probabilities)
        .map(|((label, base), p)| State {
            label,
            base: base / total,
            probability: *p,
        })
        .collect();
    Answer {
        file: problem.file.as_deref(),
        features,
        entropy: law.entropy(),
        divergence: law.divergence,
        log_z: law.log_partition + Real::ln(total),
        gap: law.gap,
        violation: law.violation,
        iterations: law.iterations,
        states,
    }
}

fn text(args: &MaxentArgs, answer: &Answer<'_>) -> String {
    let head = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let n = answer.states.len();
    let mut out = format!(
        "{}, {}; base law {}\n\n",
        counted(n, "state"),
        counted(answer.features.len(), "feature"),
        if args.base.is_some() {
            "as given"
        } else {
            "uniform"
        }
    );
    let mut rows = vec![head(&["feature", "target", "mean", "multiplier"])];
    for f in &answer.features {
        rows.push(vec![
            shown(f.name),
            f.target.clone(),
            rounded(f.mean, 6),
            rounded(f.multiplier, 9),
        ]);
    }
    out.push_str(&aligned(&rows));
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "\nentropy      {:.9} nats\ndivergence   {:.9} nats from the base law\nlog Z        {:.9}\n\
         duality gap  {:.1e} nats\nviolation    {:.1e}\n",
        answer.entropy,
        answer.divergence,
        answer.log_z,
        // Below 0 it is what rounding and the violation leave: its size is what counts.
        answer.gap.abs(),
        answer.violation
    );
    if n <= LISTED {
        out.push('\n');
        let mut rows = vec![head(&["state", "probability", "base"])];
        for s in &answer.states {
            let cells = [s.probability, s.base].map(|p| format!("{p:.6}"));
            rows.push([vec![shown(s.label)], cells.to_vec()].concat());
        }
        out.push_str(&aligned(&rows));
    } else {
        out.push_str("\n--json has the probabilities\n");
    }
    if let Some(plot) = &args.plot {
        let _ = writeln!(out, "plot in {}", plot.display());
    }
    out
}

/// So many of a thing.
fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// Bars of the law, with a line across each at the base law; neighbours share a bar if there are many.
fn chart(answer: &Answer<'_>) -> String {
    let each = answer.states.len().div_ceil(BARS);
    let bars: Vec<(f64, f64, &str)> = (answer.states.chunks(each))
        .map(|states| {
            let sum = |f: fn(&State<'_>) -> f64| states.iter().map(f).sum::<f64>();
            let label = states.first().map_or("", |s| s.label);
            (sum(|s| s.probability), sum(|s| s.base), label)
        })
        .collect();
    let top = bars.iter().fold(0.0f64, |m, b| m.max(b.0).max(b.1));
    // The tick is 1, 2 or 5 times a power of ten, four or more of them; the axis ends at one.
    let power = power_below(top / 4.0);
    let step = [5.0, 2.0, 1.0]
        .map(|digit| digit * power)
        .into_iter()
        .find(|step| 4.0 * step <= top)
        .unwrap_or(power);
    let top = step * (top / step - 1e-9).ceil();
    let (left, right, high, low) = (78.0, 880.0, 50.0, 370.0);
    let y = |p: f64| low - (low - high) * p / top;
    let mut svg =
        "<svg viewBox=\"0 0 900 440\" role=\"img\" aria-label=\"Law of maximum entropy\">"
            .to_owned();
    let mut tick = 0.0;
    while tick <= top * (1.0 + 1e-9) {
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>\
             <text class=\"tick\" x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{3}</text>",
            y(tick),
            left - 8.0,
            y(tick) + 4.0,
            (tick * 1e9).round() / 1e9
        );
        tick += step;
    }
    let mut steps = String::new();
    let pitch = (right - left) / bars.len() as f64;
    // Each of a few bars has its label, cut where it is long; of many, as few have one as have room for it in full.
    let widest = bars
        .iter()
        .map(|b| b.2.chars().count().min(MAX_LABEL))
        .max();
    let labelled = if bars.len() <= 20 {
        1
    } else {
        let room = (CHARACTER * (widest.unwrap_or(1) + 2) as f64 / pitch).ceil() as usize;
        bars.len().div_ceil(20).max(room)
    };
    for (i, (p, base, label)) in bars.iter().enumerate() {
        let x = left + pitch * i as f64;
        let (from, width) = (x + 0.12 * pitch, 0.76 * pitch);
        let _ = write!(
            svg,
            "<g><title>{}: {p:.6}, base {base:.6}</title>\
             <rect class=\"dot c0\" x=\"{from:.2}\" y=\"{:.2}\" width=\"{width:.2}\" height=\"{:.2}\"/></g>",
            escape(label),
            y(*p),
            low - y(*p),
        );
        let _ = write!(
            steps,
            "{}{x:.2} {:.2}H{:.2}",
            if i == 0 { "M" } else { "L" },
            y(*base),
            x + pitch
        );
        if i % labelled == 0 {
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                x + 0.5 * pitch,
                low + 18.0,
                escape(&fitting(&shown(label), pitch * labelled as f64))
            );
        }
    }
    // Dark within white, the base law is seen on bars and beside them.
    for (colour, width) in [("#fff", 5), ("#1b2330", 2)] {
        let _ = write!(
            svg,
            "<path d=\"{steps}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
        );
    }
    let _ = write!(
        svg,
        "<line class=\"axis\" x1=\"{left}\" x2=\"{right}\" y1=\"{low}\" y2=\"{low}\"/>\
         <text class=\"label\" x=\"{0}\" y=\"{1}\" text-anchor=\"middle\">{2}</text>\
         <rect class=\"dot c0\" x=\"{left}\" y=\"16\" width=\"14\" height=\"14\"/>\
         <text class=\"label\" x=\"100\" y=\"28\">maximum entropy, {3:.4} nats</text>\
         <line stroke=\"#1b2330\" stroke-width=\"2\" x1=\"340\" x2=\"362\" y1=\"23\" y2=\"23\"/>\
         <text class=\"label\" x=\"370\" y=\"28\">base law</text>\
         <text class=\"label\" transform=\"translate(20 {4}) rotate(-90)\" text-anchor=\"middle\">probability</text></svg>",
        0.5 * (left + right),
        low + 42.0,
        if each == 1 {
            "state".to_owned()
        } else {
            format!("state ({each} to a bar)")
        },
        answer.entropy,
        0.5 * (low + high)
    );
    standalone(&svg)
}

/// As much of a label as a width in units of the chart has room for.
fn fitting(label: &str, width: f64) -> String {
    let most = ((width / CHARACTER) as usize).min(MAX_LABEL);
    if label.chars().count() <= most {
        return label.to_owned();
    }
    let start: String = label.chars().take(most.saturating_sub(1)).collect();
    start.trim_end().to_owned() + "…"
}

/// The largest power of ten, of 1 and below, that is at most a number above 0.
fn power_below(number: f64) -> f64 {
    let mut power = 1.0;
    while power > number {
        power /= 10.0;
    }
    power
}
