//! `ergodic rate`: how improbable it is that a mean of draws is far off, by the exact law, large deviations
//! and inequalities, side by side.

use std::fmt::Write as _;
use std::path::Path;

use ergodic::concentration::inequality::{
    Bennett, Bernstein, Bounded, BoundedAbove, BoundedMean, Cantelli, Chebyshev, Chernoff,
    FiniteVariance, Hoeffding, TailBound,
};
use ergodic::concentration::{
    CountingLaw, CumulantGenerating, LatticeLaw, LatticeSum, StatisticOf, Tail, large_deviation,
};
use ergodic::core::{ArgumentError, Interval};
use ergodic::diagnostics::plots::figure::{Axis, Curve, Mark, Panel, figure};
use ergodic::expfam::{Member, families};
use serde::Serialize;

use super::print;
use crate::arguments::RateArgs;
use crate::error::CliError;
use crate::output::{check_plot, write_atomically};
use crate::summary::to_json;

/// Points of the plot.
const POINTS: usize = 40;

/// Characters of the law in its title.
const TITLE: usize = 24;

/// What `rate --json` prints. Logarithms are natural; what is not finite or not defined is `null`.
#[derive(Serialize)]
struct Answer<'a> {
    law: &'a str,
    mean: f64,
    variance: f64,
    n: usize,
    event: &'static str,
    threshold: f64,
    /// Cramér's rate, nats per draw.
    rate: f64,
    tilt: f64,
    exact: Row,
    /// A bound of the relative error of the exact probability.
    relative_error: f64,
    approximations: Vec<Row>,
    bounds: Vec<Row>,
}

#[derive(Clone, Serialize)]
struct Row {
    method: &'static str,
    log_probability: f64,
    probability: f64,
    /// Over the exact probability.
    ratio: f64,
}

impl Row {
    fn new(method: &'static str, log_probability: f64, exact: f64) -> Self {
        // 0 over 0 is the answer of a bound that says impossible of the impossible.
        let difference = if log_probability == exact {
            0.0
        } else {
            log_probability - exact
        };
        Self {
            method,
            log_probability,
            probability: log_probability.exp(),
            ratio: difference.exp(),
        }
    }
}

/// A law of a draw.
enum Law {
    Lattice(LatticeLaw),
    Counting(CountingLaw),
    Exponential {
        rate: f64,
        law: StatisticOf<families::Exponential>,
    },
    Normal(StatisticOf<families::NormalKnownVariance>),
}

pub(super) fn rate(args: &RateArgs) -> Result<(), CliError> {
    if let Some(plot) = &args.plot {
        check_plot(plot)?;
    }
    let law = parse(&args.law)?;
    let (event, tail, threshold) = match (args.mean_at_least, args.mean_at_most) {
        (Some(x), _) => ("at least", Tail::AtLeast, x),
        (_, Some(x)) => ("at most", Tail::AtMost, x),
        // Refused by the parser of the command line.
        (None, None) => return Err(CliError::Usage("an event is missing".into())),
    };
    let threshold = if threshold == 0.0 { 0.0 } else { threshold }; // not −0
    let option = if tail == Tail::AtLeast {
        "--mean-at-least"
    } else {
        "--mean-at-most"
    };
    let blame = |e: ArgumentError| match e.argument {
        "n" => CliError::option("--n", args.n, "small enough for the sum of the draws"),
        _ => CliError::option(option, threshold, e.allowed),
    };
    let n = args.n as u64;
    let found = law.large_deviation(n, threshold, tail).map_err(blame)?;
    let (exact, relative_error) = law.exact(n, threshold, tail).map_err(blame)?;
    let at_zero = law.cumulants().map_err(blame)?;
    let refinements = [
        ("Bahadur-Rao", found.log_bahadur_rao),
        ("second order", found.log_second_order),
        ("Lugannani-Rice", found.log_lugannani_rice),
    ];
    let deviation = match tail {
        Tail::AtLeast => threshold - at_zero.mean,
        Tail::AtMost => at_zero.mean - threshold,
    };
    let mut bounds = vec![Row::new("Chernoff", found.log_chernoff, exact)];
    if deviation > 0.0 {
        let others = law.bounds(tail, n, deviation, at_zero.mean, at_zero.variance);
        for (name, log_probability) in others.map_err(blame)? {
            bounds.push(Row::new(name, log_probability.min(0.0), exact));
        }
    }
    bounds[1..].sort_by(|a, b| a.log_probability.total_cmp(&b.log_probability));
    let answer = Answer {
        law: &args.law,
        mean: at_zero.mean,
        variance: at_zero.variance,
        n: args.n,
        event,
        threshold,
        // Not −0 either.
        rate: found.rate + 0.0,
        tilt: found.tilt,
        exact: Row::new("exact", exact, exact),
        relative_error,
        approximations: refinements
            .into_iter()
            .filter_map(|(name, log)| Some(Row::new(name, log?, exact)))
            .collect(),
        bounds,
    };
    if let Some(path) = &args.plot {
        let svg = plot(&law, &answer, tail).map_err(blame)?;
        write_atomically(path, svg.as_bytes())?;
    }
    if args.json {
        print(&to_json(&answer)?)
    } else {
        print(&text(args, &answer, deviation))
    }
}

impl Law {
    fn any(&self) -> &dyn CumulantGenerating {
        match self {
            Self::Lattice(law) => law,
            Self::Counting(law) => law,
            Self::Exponential { law, .. } => law,
            Self::Normal(law) => law,
        }
    }

    fn cumulants(&self) -> Result<ergodic::concentration::Cumulants, ArgumentError> {
        self.any().cumulants(0.0)
    }

    fn large_deviation(
        &self,
        n: u64,
        threshold: f64,
        tail: Tail,
    ) -> Result<ergodic::concentration::LargeDeviation, ArgumentError> {
        large_deviation(self.any(), n, threshold, tail)
    }

    /// The exact `log P` and a bound of the relative error of `P`.
    fn exact(&self, n: u64, threshold: f64, tail: Tail) -> Result<(f64, f64), ArgumentError> {
        let sum = n as f64 * threshold;
        // What the closed forms lose: roundings of the logarithm and of the parameters, by the distance of the
        // count from its mean.
        let closed = |log: f64, count: f64, mean: f64| {
            if log == f64::NEG_INFINITY {
                return (log, 0.0); // impossible
            }
            let distance = (count - mean).abs();
            (
                log,
                1e-12 + f64::EPSILON * (4.0 * distance + 8.0 * log.abs()),
            )
        };
        let too_many = |e: ArgumentError| ArgumentError::new("n", e.found, e.allowed);
        match self {
            Self::Lattice(law) => {
                let sums = LatticeSum::new(law.clone(), n)?;
                let found = match tail {
                    Tail::AtLeast => sums.at_least(sum)?,
                    Tail::AtMost => sums.at_most(sum)?,
                };
                Ok((found.log_probability, found.relative_error))
            }
            Self::Counting(law) => {
                let sums = law.sum_of(n).map_err(too_many)?;
                // 0.7·10 is meant to be 7.
                let near = sum.round();
                let sum = if (sum - near).abs() <= 1e-9 + 1e-15 * near {
                    near
                } else {
                    sum
                };
                let log = match tail {
                    Tail::AtLeast => sums.log_at_least(sum.ceil() as u64),
                    Tail::AtMost => sums.log_at_most(sum.floor() as u64),
                };
                Ok(closed(log, sum, sums.mean()))
            }
            Self::Exponential { rate, .. } => {
                // A sum of n waits is s or more if a Poisson process has fewer than n points by then.
                if sum <= 0.0 {
                    let certain = tail == Tail::AtLeast;
                    return Ok((if certain { 0.0 } else { f64::NEG_INFINITY }, 0.0));
                }
                let points = CountingLaw::poisson(rate * sum).map_err(too_many)?;
                let log = match tail {
                    Tail::AtLeast => points.log_at_most(n - 1),
                    Tail::AtMost => points.log_at_least(n),
                };
                Ok(closed(log, n as f64, points.mean()))
            }
            Self::Normal(_) => {
                // For which the formula of Lugannani and Rice is exact.
                let found = self.large_deviation(n, threshold, tail)?;
                let log = found.log_lugannani_rice.unwrap_or(f64::NEG_INFINITY);
                Ok((log, 1e-8))
            }
        }
    }

    /// The bounds whose assumptions the law meets, for a deviation above 0.
    fn bounds(
        &self,
        tail: Tail,
        n: u64,
        deviation: f64,
        mean: f64,
        variance: f64,
    ) -> Result<Vec<(&'static str, f64)>, ArgumentError> {
        let mut found = Vec::new();
        let spread = FiniteVariance::new(variance)?;
        found.push(("Cantelli", Cantelli::new(spread).log_tail(n, deviation)?));
        found.push(("Chebyshev", Chebyshev::new(spread).log_tail(n, deviation)?));
        // The upper tail, of the law or of its mirror image.
        let support = self.any().support();
        let (low, high, mean) = match tail {
            Tail::AtLeast => (support.lower, support.upper, mean),
            Tail::AtMost => (-support.upper, -support.lower, -mean),
        };
        if high.is_finite() && high > mean {
            let above = BoundedAbove::new(high - mean, variance)?;
            found.push(("Bennett", Bennett::new(above).log_tail(n, deviation)?));
            found.push(("Bernstein", Bernstein::new(above).log_tail(n, deviation)?));
        }
        if low.is_finite() && high.is_finite() && high > low {
            let bounded = Bounded::new(low, high)?;
            let known = BoundedMean::new(bounded, mean)?;
            // Of two values range and mean say all: it would be Chernoff's bound once more.
            let two = matches!(self, Self::Lattice(law) if law.probabilities().len() == 2);
            if !two {
                found.push((
                    "Chernoff of range",
                    Chernoff::new(known).log_tail(n, deviation)?,
                ));
            }
            found.push(("Hoeffding", Hoeffding::new(bounded).log_tail(n, deviation)?));
        }
        Ok(found)
    }
}

/// The law that `--law` says.
fn parse(text: &str) -> Result<Law, CliError> {
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or("");
    let rest: Vec<&str> = parts.collect();
    let bad = |allowed: &str| CliError::option("--law", text, allowed);
    let blame = |e: ArgumentError| {
        CliError::option(
            "--law",
            format!("{text}, whose {} is {}", e.argument, e.found),
            e.allowed,
        )
    };
    let numbers = |form: &str, count: usize| -> Result<Vec<f64>, CliError> {
        let found: Option<Vec<f64>> = rest
            .iter()
            .map(|x| x.parse().ok().filter(|x: &f64| x.is_finite()))
            .collect();
        found
            .filter(|f| f.len() == count)
            .ok_or_else(|| bad(&format!("{form}, with finite numbers")))
    };
    let whole = |x: f64, form: &str| -> Result<u64, CliError> {
        if x >= 1.0 && x == x.trunc() && x <= 1e15 {
            Ok(x as u64)
        } else {
            Err(bad(&format!("{form}, with a whole number from 1 on")))
        }
    };
    match name {
        "coin" => {
            let p = numbers("coin:P", 1)?;
            Ok(Law::Lattice(LatticeLaw::bernoulli(p[0]).map_err(blame)?))
        }
        "die" => {
            let sides = whole(numbers("die:SIDES", 1)?[0], "die:SIDES")?;
            Ok(Law::Lattice(
                LatticeLaw::die(sides as usize).map_err(blame)?,
            ))
        }
        "binomial" => {
            let v = numbers("binomial:TRIALS:P", 2)?;
            let trials = whole(v[0], "binomial:TRIALS:P")?;
            Ok(Law::Counting(
                CountingLaw::binomial(trials, v[1]).map_err(blame)?,
            ))
        }
        "poisson" => {
            let v = numbers("poisson:MEAN", 1)?;
            Ok(Law::Counting(CountingLaw::poisson(v[0]).map_err(blame)?))
        }
        "geometric" => {
            let v = numbers("geometric:P", 1)?;
            Ok(Law::Counting(CountingLaw::geometric(v[0]).map_err(blame)?))
        }
        "exponential" => {
            let rate = numbers("exponential:RATE", 1)?[0];
            let natural = families::Exponential::natural(rate).map_err(blame)?;
            let member = Member::new(families::Exponential, natural).map_err(blame)?;
            let positive = Interval {
                lower: 0.0,
                upper: f64::INFINITY,
            };
            let law = StatisticOf::new(member)
                .and_then(|law| law.with_support(positive, [f64::NEG_INFINITY; 2]))
                .map_err(blame)?;
            Ok(Law::Exponential { rate, law })
        }
        "normal" => {
            let v = numbers("normal:MEAN:SD", 2)?;
            let family = families::NormalKnownVariance::new(v[1] * v[1]).map_err(blame)?;
            let natural = family.natural(v[0]).map_err(blame)?;
            let member = Member::new(family, natural).map_err(blame)?;
            let law = StatisticOf::new(member).map_err(blame)?;
            Ok(Law::Normal(law))
        }
        _ if Path::new(text).exists() => file(Path::new(text)),
        // A number before the first colon: values with weights, not a law whose name is misspelt.
        _ if text.contains(':') && name.trim().parse::<f64>().is_ok() => weighted(text),
        _ => Err(bad(
            "coin:P, die:SIDES, binomial:TRIALS:P, poisson:MEAN, geometric:P, exponential:RATE, normal:MEAN:SD, \
             VALUE:WEIGHT,..., or a file that is there",
        )),
    }
}

/// `VALUE:WEIGHT,...`, in proportion to the weights.
fn weighted(text: &str) -> Result<Law, CliError> {
    let allowed = "VALUE:WEIGHT,... with finite values and weights of at least 0, not all 0";
    let bad = || CliError::option("--law", text, allowed);
    let (mut values, mut weights) = (Vec::new(), Vec::new());
    for pair in text.split(',') {
        let (value, weight) = pair.split_once(':').ok_or_else(bad)?;
        let number = |x: &str| x.trim().parse::<f64>().ok().filter(|x| x.is_finite());
        values.push(number(value).ok_or_else(bad)?);
        weights.push(number(weight).filter(|w| *w >= 0.0).ok_or_else(bad)?);
    }
    let total: f64 = weights.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        return Err(bad());
    }
    let probabilities: Vec<f64> = weights.iter().map(|w| w / total).collect();
    LatticeLaw::from_values(&values, &probabilities)
        .map(Law::Lattice)
        .map_err(|e| CliError::option("--law", e.found, e.allowed))
}

/// A table of values and probabilities, with or without a header.
fn file(path: &Path) -> Result<Law, CliError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|e| CliError::file(path, e.to_string()))?;
    let (mut values, mut probabilities) = (Vec::new(), Vec::new());
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|e| CliError::file(path, e.to_string()))?;
        if record.len() != 2 {
            return Err(CliError::file(
                path,
                format!(
                    "row {} has {} fields, but must have 2, a value and its probability",
                    row + 1,
                    record.len()
                ),
            ));
        }
        let cell = |column: usize| {
            let text = record.get(column).unwrap_or("");
            text.parse::<f64>()
                .ok()
                .filter(|x| x.is_finite())
                .ok_or_else(|| CliError::Cell {
                    path: path.to_owned(),
                    place: format!("row {}, column {}", row + 1, column + 1),
                    found: text.to_owned(),
                    allowed: "a finite number".into(),
                })
        };
        match (cell(0), cell(1)) {
            // Two words are a header.
            (Err(_), Err(_)) if row == 0 => {}
            (value, probability) => {
                values.push(value?);
                probabilities.push(probability?);
            }
        }
    }
    LatticeLaw::from_values(&values, &probabilities)
        .map(Law::Lattice)
        .map_err(|e| {
            CliError::file(
                path,
                format!("{} is {}, but must be {}", e.argument, e.found, e.allowed),
            )
        })
}

fn probability_text(log: f64) -> String {
    // Below the range of f64 in powers of ten all the same.
    let tens = log / std::f64::consts::LN_10;
    if log == f64::NEG_INFINITY {
        "0".into()
    } else if log > -2.0 {
        format!("{:.6}", log.exp())
    } else {
        let exponent = tens.floor();
        let mantissa = 10f64.powf(tens - exponent);
        // 9.99999…e-5 is rounded to 10 and not to 9.
        let (mantissa, exponent) = if mantissa >= 9.999_995 {
            (1.0, exponent + 1.0)
        } else {
            (mantissa, exponent)
        };
        format!("{mantissa:.5}e{exponent}")
    }
}

fn ratio_text(ratio: f64) -> String {
    if (1e-4..1e4).contains(&ratio) {
        format!("{ratio:.6}")
    } else {
        format!("{ratio:.3e}")
    }
}

fn text(args: &RateArgs, answer: &Answer<'_>, deviation: f64) -> String {
    let mut out = format!(
        "law     {} (mean {:.6}, variance {:.6})\nevent   the mean of {} draws is {} {}\n",
        answer.law, answer.mean, answer.variance, answer.n, answer.event, answer.threshold
    );
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "rate    {:.9} nats per draw, tilt {:.6}",
        answer.rate, answer.tilt
    );
    if deviation <= 0.0 {
        out.push_str("        (the mean of the law is in the event: it is no rare one, and P does not decay)\n");
    }
    let _ = writeln!(
        out,
        "\n{:<28}{:>16}{:>18}{:>14}",
        "", "log P", "P", "P / exact"
    );
    let mut line = |row: &Row, sign: &str, last: String| {
        let _ = writeln!(
            out,
            "{:<28}{:>16.6}{:>18}{:>14}",
            format!("{}{sign}", row.method),
            row.log_probability,
            probability_text(row.log_probability),
            last
        );
    };
    line(&answer.exact, "", "1".into());
    for row in &answer.approximations {
        line(row, "", ratio_text(row.ratio));
    }
    for row in &answer.bounds {
        line(row, " (bound)", ratio_text(row.ratio));
    }
    let _ = writeln!(
        out,
        "\nthe exact value has a relative error of at most {:.0e}",
        answer.relative_error
    );
    if let Some(plot) = &args.plot {
        let _ = writeln!(out, "plot in {}", plot.display());
    }
    out
}

/// `−log P/n` against `n`, with the rate.
fn plot(law: &Law, answer: &Answer<'_>, tail: Tail) -> Result<String, ArgumentError> {
    let mut sizes: Vec<u64> = (0..POINTS)
        .map(|i| {
            let share = i as f64 / (POINTS - 1) as f64;
            (answer.n as f64).powf(share).round() as u64
        })
        .collect();
    sizes.dedup();
    // Below the exact points, in this order, the lines; where an approximation is far off it makes no room.
    let curve = |name: &str, colour, mark, guide| Curve {
        name: name.to_owned(),
        colour,
        mark,
        guide,
        points: Vec::new(),
    };
    let mut curves = [
        curve("rate", 3, Mark::Line, false),
        curve("Bahadur-Rao", 1, Mark::Line, true),
        curve("Lugannani-Rice", 2, Mark::Line, true),
        curve("exact", 0, Mark::Dots, false),
    ];
    for n in sizes {
        let found = law.large_deviation(n, answer.threshold, tail)?;
        let (exact, _) = law.exact(n, answer.threshold, tail)?;
        let logs = [
            // 0 where the event is no rare one.
            Some(found.log_chernoff),
            found.log_bahadur_rao,
            found.log_lugannani_rice,
            Some(exact),
        ];
        for (curve, log) in curves.iter_mut().zip(logs) {
            if let Some(log) = log.filter(|l| l.is_finite()) {
                curve.points.push((n as f64, 0.0 - log / n as f64));
            }
        }
    }
    let law = if answer.law.chars().count() > TITLE {
        let start: String = answer.law.chars().take(TITLE - 1).collect();
        start + "…"
    } else {
        answer.law.to_owned()
    };
    let axis = |name, unit| Axis {
        name,
        unit,
        decades: true,
    };
    Ok(figure(
        &format!("{law}: mean {} {}", answer.event, answer.threshold),
        &[Panel {
            x: axis("number of draws n", ""),
            y: axis("−log P / n", "nats per draw"),
            curves: curves.to_vec(),
        }],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_below_the_range_are_written_in_powers_of_ten() {
        assert_eq!(probability_text(0.0), "1.000000");
        assert_eq!(probability_text(-1e4), "1.13548e-4343");
        assert_eq!(probability_text((1e-5f64).ln()), "1.00000e-5");
        assert_eq!(probability_text(f64::NEG_INFINITY), "0");
        assert_eq!(
            Row::new("x", f64::NEG_INFINITY, f64::NEG_INFINITY).ratio,
            1.0
        );
    }
}
