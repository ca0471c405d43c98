//! `ergodic info`: entropies of a table's columns and their pairwise mutual information.

pub(super) mod columns;
mod page;

use std::fmt::Write as _;
use std::path::Path;

use ergodic::core::{Bias, Estimate, Units};
use ergodic::info::continuous::{KozachenkoLeonenko, Ksg, MixedNeighbors, SymbolNeighbors, Ties};
use ergodic::info::discrete::{DiscreteMutualInformation, MillerMadow};
use ergodic::info::inference::{PermutationTest, bias};
use ergodic::info::{Estimator, Inference, InfoError, Pair, Points, Sample, Symbols};
use serde::Serialize;

use super::{print, start_threads};
use crate::arguments::InfoArgs;
use crate::error::CliError;
use crate::output::{check_writable, write_atomically};
use crate::summary::to_json;
use columns::{Column, Columns, Values};

/// Neighbours where the user does not say: the defaults of the estimators.
const ENTROPY_NEIGHBORS: usize = 4;
const PAIR_NEIGHBORS: usize = 3;
const MIXED_NEIGHBORS: usize = 5;

/// A value that is seen in more than one of this many rows is an atom of a continuous column.
const ATOM: usize = 20;

/// Pairs that the text lists, the strongest first.
const LISTED: usize = 40;

/// Columns up to which the text has the whole matrix.
const MATRIX: usize = 12;

/// What `info --json` prints. Amounts are in `units`; what is unknown or infinite is `null`.
#[derive(Serialize)]
struct Answer<'a> {
    file: &'a Path,
    rows: usize,
    rows_skipped: usize,
    units: &'static str,
    confidence: f64,
    permutations: usize,
    seed: u64,
    columns: Vec<ColumnAnswer<'a>>,
    pairs: Vec<PairAnswer<'a>>,
}

#[derive(Serialize)]
struct ColumnAnswer<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    distinct: usize,
    /// Differential for a continuous column.
    entropy: Option<Amount>,
    /// Why there is no entropy.
    reason: Option<String>,
}

#[derive(Serialize)]
struct PairAnswer<'a> {
    x: &'a str,
    y: &'a str,
    mutual_information: Amount,
    /// Of independence, by permutations.
    p_value: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
struct Amount {
    value: f64,
    std_err: f64,
    lower: f64,
    upper: f64,
    method: String,
    bias: BiasAnswer,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct BiasAnswer {
    /// `unknown`, `bounded` (at most `amount`), `not detected` or `dominates` (about `amount`).
    kind: &'static str,
    amount: Option<f64>,
}

impl Amount {
    fn new(estimate: Estimate, units: Units) -> Self {
        let e = estimate.to_units(units);
        let (kind, amount) = match e.bias {
            Bias::Unknown => ("unknown", None),
            Bias::Bounded(b) => ("bounded", Some(b)),
            Bias::NotDetected(b) => ("not detected", Some(b)),
            Bias::Dominates(b) => ("dominates", b),
        };
        Self {
            value: e.value,
            std_err: e.std_err,
            lower: e.interval.lower,
            upper: e.interval.upper,
            method: e.method.into_owned(),
            bias: BiasAnswer { kind, amount },
        }
    }

    fn biased(&self) -> bool {
        self.bias.kind == "dominates"
    }

    /// `0.1234 [0.1, 0.2]`, with a mark where bias dominates.
    fn text(&self) -> String {
        format!("{:.4}{}", self.value, if self.biased() { " !" } else { "" })
    }

    fn interval(&self) -> String {
        format!("[{:.4}, {:.4}]", self.lower, self.upper)
    }
}

pub(super) fn info(args: &InfoArgs) -> Result<(), CliError> {
    if let Some(report) = &args.report {
        check_writable(report)?;
    }
    start_threads(args.threads)?;
    let table = columns::read(args)?;
    enough_rows(args, &table)?;
    let answer = answer(args, &table)?;
    if let Some(report) = &args.report {
        write_atomically(report, page::html(&answer).as_bytes())?;
    }
    if args.json {
        print(&to_json(&answer)?)
    } else {
        print(&text(args, &answer))
    }
}

/// Continuous columns need more rows than neighbours.
fn enough_rows(args: &InfoArgs, table: &Columns) -> Result<(), CliError> {
    let k = args.k.unwrap_or(MIXED_NEIGHBORS);
    let continuous = table
        .all
        .iter()
        .find(|c| matches!(c.values, Values::Continuous(_)));
    match continuous {
        Some(column) if table.rows <= k => Err(CliError::file(
            &args.table,
            format!(
                "has {} usable rows, but must have more than {k}, the neighbours (--k) that continuous columns such as \"{}\" need",
                table.rows, column.name
            ),
        )),
        _ => Ok(()),
    }
}

fn answer<'a>(args: &'a InfoArgs, table: &'a Columns) -> Result<Answer<'a>, CliError> {
    let units = if args.bits { Units::Bits } else { Units::Nats };
    let ask = |seed| {
        Inference::new()
            .confidence(args.confidence)
            .seed(seed)
            .build()
            .map_err(|e| CliError::Usage(e.to_string()))
    };
    let mut columns = Vec::with_capacity(table.all.len());
    for column in &table.all {
        let entropy = entropy(column, args, &ask(args.seed)?);
        let (entropy, reason) = match entropy {
            Ok(e) => (Some(Amount::new(e, units)), None),
            Err(reason) => (None, Some(reason)),
        };
        columns.push(ColumnAnswer {
            name: &column.name,
            kind: column.kind(),
            distinct: column.distinct,
            entropy,
            reason,
        });
    }
    let mut pairs = Vec::new();
    for (i, x) in table.all.iter().enumerate() {
        for y in &table.all[i + 1..] {
            // Permutations of one pair are independent of those of another.
            let seed = args
                .seed
                .wrapping_add((pairs.len() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let (estimate, p_value) = mutual(x, y, args, &ask(seed)?).map_err(|e| {
                CliError::file(
                    &args.table,
                    format!("columns \"{}\" and \"{}\": {e}", x.name, y.name),
                )
            })?;
            pairs.push(PairAnswer {
                x: &x.name,
                y: &y.name,
                mutual_information: Amount::new(estimate, units),
                p_value,
            });
        }
    }
    Ok(Answer {
        file: &args.table,
        rows: table.rows,
        rows_skipped: table.skipped,
        units: if args.bits { "bits" } else { "nats" },
        confidence: args.confidence,
        permutations: args.permutations,
        seed: args.seed,
        columns,
        pairs,
    })
}

/// The entropy of a column, or why it has none.
fn entropy(column: &Column, args: &InfoArgs, ask: &Inference) -> Result<Estimate, String> {
    let estimate = match &column.values {
        Values::Discrete(codes) => {
            symbols(column, codes).and_then(|s| MillerMadow::new().estimate(&s, ask))
        }
        Values::Continuous(values) => {
            let k = args.k.unwrap_or_else(|| entropy_neighbors(column));
            if column.most > k {
                return Err(format!(
                    "{} of {} rows have one value, where there is no density; --type \"{}=discrete\" \
                     takes values as symbols",
                    column.most,
                    column.rows(),
                    shown(&column.name)
                ));
            }
            Points::scalar(values.clone())
                .and_then(|p| KozachenkoLeonenko::new().neighbors(k).estimate(&p, ask))
        }
    };
    estimate.map_err(|e| e.to_string())
}

/// As many neighbours as one value is repeated, so that none is at distance 0, where most values are different
/// and none is an atom. Of data rounded more coarsely the distances would be those of the rounding.
fn entropy_neighbors(column: &Column) -> usize {
    let (rows, most) = (column.rows(), column.most);
    if 2 * column.distinct >= rows && most <= rows / ATOM {
        ENTROPY_NEIGHBORS.max(most)
    } else {
        ENTROPY_NEIGHBORS
    }
}

fn mutual(
    x: &Column,
    y: &Column,
    args: &InfoArgs,
    ask: &Inference,
) -> Result<(Estimate, Option<f64>), InfoError> {
    let k = args.k.unwrap_or(PAIR_NEIGHBORS);
    // Values that repeat a little were rounded: noise far below the rounding tells them apart. A
    // value that is a fair part of the column is an atom, which has no density.
    let density =
        |c: &Column| matches!(c.values, Values::Continuous(_)) && c.most <= k.max(c.rows() / ATOM);
    let repeats = |c: &Column| matches!(c.values, Values::Continuous(_)) && c.most > k;
    let ties = if repeats(x) || repeats(y) {
        Ties::Noise {
            seed: ask.seed_value(),
        }
    } else {
        Ties::Exact
    };
    let symbol_neighbors = SymbolNeighbors::new().neighbors(k).ties(ties);
    match (&x.values, &y.values) {
        (Values::Discrete(a), Values::Discrete(b)) => {
            let data = Pair::new(symbols(x, a)?, symbols(y, b)?)?;
            let estimator = DiscreteMutualInformation::new(MillerMadow::new());
            return ask_pair(&estimator, &data, args, ask);
        }
        (Values::Discrete(codes), _) if density(y) => {
            let data = Pair::new(Points::scalar(line(y))?, symbols(x, codes)?)?;
            return ask_pair(&symbol_neighbors, &data, args, ask);
        }
        (_, Values::Discrete(codes)) if density(x) => {
            let data = Pair::new(Points::scalar(line(x))?, symbols(y, codes)?)?;
            return ask_pair(&symbol_neighbors, &data, args, ask);
        }
        _ => {}
    }
    let data = Pair::new(Points::scalar(line(x))?, Points::scalar(line(y))?)?;
    if density(x) && density(y) {
        ask_pair(&Ksg::new().neighbors(k).ties(ties), &data, args, ask)
    } else {
        let estimator = MixedNeighbors::new().neighbors(args.k.unwrap_or(MIXED_NEIGHBORS));
        ask_pair(&estimator, &data, args, ask)
    }
}

/// The symbols of a discrete column. If each value was seen twice at least, Good and Turing's estimate
/// of what was not seen is 0, and the values seen are taken as all there are: then the bias has a
/// bound, which the interval holds. Else the alphabet is unknown, and a bias is looked for.
fn symbols(column: &Column, codes: &[u32]) -> Result<Symbols, InfoError> {
    if column.least >= 2 {
        // There are fewer values than rows, which are fewer than 2³².
        Symbols::new(codes, column.distinct as u32)
    } else {
        Symbols::of(codes)
    }
}

fn ask_pair<X, Y, E>(
    estimator: &E,
    data: &Pair<X, Y>,
    args: &InfoArgs,
    ask: &Inference,
) -> Result<(Estimate, Option<f64>), InfoError>
where
    X: Sample,
    Y: Sample,
    E: Estimator<Pair<X, Y>>,
{
    let mut estimate = estimator.estimate(data, ask)?;
    if estimate.bias == Bias::Unknown {
        let half = 0.5 * (estimate.interval.upper - estimate.interval.lower);
        estimate.bias = bias::search(estimator, data, estimate.value, half, ask.seed_value());
    }
    let p_value = match args.permutations {
        0 => None,
        number => {
            let test = PermutationTest::new(number, ask.seed_value())?;
            Some(test.independence(estimator, data)?.p_value)
        }
    };
    Ok((estimate, p_value))
}

/// A column as numbers for neighbours: a continuous one in standard deviations, categories further
/// apart than any two of those, so that neighbours are of one category where there are enough.
fn line(column: &Column) -> Vec<f64> {
    // No sample of fewer than 2⁵⁰ has a range of this many standard deviations.
    const APART: f64 = 1e9;
    match &column.values {
        Values::Discrete(codes) => codes.iter().map(|c| APART * f64::from(*c)).collect(),
        Values::Continuous(values) => {
            // Largest first, so that squares do not overflow.
            let largest = values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            if largest == 0.0 {
                return values.clone();
            }
            let n = values.len() as f64;
            let scaled: Vec<f64> = values.iter().map(|v| v / largest).collect();
            let mean = scaled.iter().sum::<f64>() / n;
            let squares: f64 = scaled.iter().map(|v| (v - mean) * (v - mean)).sum();
            let deviation = (squares / n).sqrt();
            if deviation == 0.0 {
                return vec![0.0; values.len()];
            }
            scaled.iter().map(|v| (v - mean) / deviation).collect()
        }
    }
}

/// Rows of cells, each column as wide as its widest cell.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| {
            rows.iter()
                .filter_map(|r| r.get(c))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A name for a terminal: no control characters, and not longer than a column should be.
pub(super) fn shown(name: &str) -> String {
    const WIDEST: usize = 24;
    let mut out: String = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if out.chars().count() > WIDEST {
        out = out.chars().take(WIDEST - 1).collect();
        out.push('…');
    }
    out
}

fn p_text(p: Option<f64>) -> String {
    p.map_or_else(|| "-".to_owned(), |p| format!("{p:.4}"))
}

fn text(args: &InfoArgs, answer: &Answer<'_>) -> String {
    let skipped = match answer.rows_skipped {
        0 => String::new(),
        n => format!(" ({n} left out: a value is missing)"),
    };
    let mut out = format!(
        "{} rows{skipped}, {} columns; amounts in {}, intervals at {} %\n\n",
        answer.rows,
        answer.columns.len(),
        answer.units,
        100.0 * answer.confidence
    );
    let head = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let mut rows = vec![head(&["column", "type", "distinct", "entropy", "interval"])];
    for c in &answer.columns {
        let (value, interval) = match &c.entropy {
            Some(e) => (e.text(), e.interval()),
            None => ("-".to_owned(), c.reason.clone().unwrap_or_default()),
        };
        rows.push(vec![
            shown(c.name),
            c.kind.to_owned(),
            c.distinct.to_string(),
            value,
            interval,
        ]);
    }
    out.push_str(&aligned(&rows));
    if answer.pairs.is_empty() {
        return out;
    }
    let n = answer.columns.len();
    if n <= MATRIX {
        out.push_str("\nmutual information\n");
        let mut rows = vec![vec![String::new()]];
        rows[0].extend(answer.columns[..n - 1].iter().map(|c| shown(c.name)));
        for (j, column) in answer.columns.iter().enumerate().skip(1) {
            let mut row = vec![shown(column.name)];
            row.extend((0..j).map(|i| answer.pair(i, j).mutual_information.text()));
            rows.push(row);
        }
        out.push_str(&aligned(&rows));
    }
    out.push('\n');
    let mut rows = vec![head(&[
        "pair",
        "",
        "information",
        "interval",
        "p",
        "method",
    ])];
    for pair in answer.strongest().into_iter().take(LISTED) {
        let i = &pair.mutual_information;
        rows.push(vec![
            shown(pair.x),
            shown(pair.y),
            i.text(),
            i.interval(),
            p_text(pair.p_value),
            short(&i.method).to_owned(),
        ]);
    }
    out.push_str(&aligned(&rows));
    // Writing to a string cannot fail.
    if answer.pairs.len() > LISTED {
        let _ = writeln!(
            out,
            "and {} pairs of less; --json and --report have all",
            answer.pairs.len() - LISTED
        );
    }
    if args.permutations > 0 {
        let _ = writeln!(
            out,
            "\np: probability of as much under independence, {} permutations, each pair by itself",
            args.permutations
        );
    }
    if answer.any_biased() {
        out.push_str("!: bias dominates: it exceeds the interval, which cannot be trusted\n");
    }
    if let Some(report) = &args.report {
        let _ = writeln!(out, "report in {}", report.display());
    }
    out
}

/// The estimator's name without what its interval rests on.
fn short(method: &str) -> &str {
    let name = method.split(';').next().unwrap_or(method);
    name.strip_prefix("mutual information, ").unwrap_or(name)
}

impl<'a> Answer<'a> {
    /// Of columns `i < j`.
    fn pair(&self, i: usize, j: usize) -> &PairAnswer<'a> {
        let n = self.columns.len();
        &self.pairs[i * n - i * (i + 1) / 2 + j - i - 1]
    }

    /// The pairs, the most informative first.
    fn strongest(&self) -> Vec<&PairAnswer<'a>> {
        let mut pairs: Vec<&PairAnswer<'a>> = self.pairs.iter().collect();
        pairs.sort_by(|a, b| {
            b.mutual_information
                .value
                .total_cmp(&a.mutual_information.value)
        });
        pairs
    }

    fn any_biased(&self) -> bool {
        self.pairs.iter().any(|p| p.mutual_information.biased())
            || self
                .columns
                .iter()
                .any(|c| c.entropy.as_ref().is_some_and(Amount::biased))
    }
}
