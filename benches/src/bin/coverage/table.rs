//! The table of coverage: many seeds of one law, every estimator on each, and one row per estimator.

use std::fmt::Write as _;
use std::time::Instant;

use ergodic_core::{Bias, Estimate};
use ergodic_info::{Estimator, Inference, InfoError};
use rayon::prelude::*;

use crate::laws::Law;

/// What 95 % intervals have to reach.
const LEAST: f64 = 0.9;

/// An estimator with what it is asked.
pub(crate) struct Contestant<'a, D> {
    pub(crate) estimator: &'a dyn Estimator<D>,
    pub(crate) inference: Inference,
    /// Added to the method's name.
    pub(crate) note: &'static str,
    /// Whether the law is one that the estimator's docs say it is not for.
    pub(crate) outside: bool,
}

impl<D> Clone for Contestant<'_, D> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

/// What the runs of one estimator on one law came to.
#[derive(Default)]
struct Tally {
    runs: f64,
    refused: f64,
    covered: f64,
    flagged: f64,
    /// Intervals that miss the truth without the flag.
    silent: f64,
    width: f64,
    error: f64,
    error_squares: f64,
}

impl Tally {
    fn add(&mut self, outcome: &Result<Estimate, InfoError>, truth: f64) {
        self.runs += 1.0;
        let Ok(estimate) = outcome else {
            self.refused += 1.0;
            return;
        };
        let covers = estimate.interval.contains(truth);
        let flagged = matches!(estimate.bias, Bias::Dominates(_));
        self.covered += f64::from(u8::from(covers));
        self.flagged += f64::from(u8::from(flagged));
        self.silent += f64::from(u8::from(!covers && !flagged));
        self.width += 0.5 * (estimate.interval.upper - estimate.interval.lower);
        self.error += estimate.value - truth;
        self.error_squares += (estimate.value - truth) * (estimate.value - truth);
    }
}

/// The page under way.
pub(crate) struct Table {
    pub(crate) text: String,
    pub(crate) seeds: u64,
    pub(crate) only: String,
    /// Rows below 90 % that did not say so, for the summary.
    pub(crate) below: Vec<String>,
    pub(crate) rows: usize,
}

impl Table {
    /// The head of a section.
    pub(crate) fn section(&mut self, title: &str, text: &str) {
        let _ = write!(
            self.text,
            "\n## {title}\n\n{text}\n\n\
             | estimator | law | n | coverage | half width | bias | sd | flagged | silent misses | |\n\
             |---|---|---|---|---|---|---|---|---|---|\n"
        );
    }

    /// One row for each estimator: `seeds` samples of size `n`, the same for all.
    pub(crate) fn measure<D: Send>(
        &mut self,
        law: &Law<D>,
        n: usize,
        contestants: &[Contestant<'_, D>],
    ) {
        let kept: Vec<&Contestant<'_, D>> = contestants
            .iter()
            .filter(|c| {
                let name = format!("{} {}", c.estimator.method(), law.name);
                name.contains(&self.only)
            })
            .collect();
        if kept.is_empty() {
            return;
        }
        let start = Instant::now();
        let outcomes: Vec<(f64, Vec<Result<Estimate, InfoError>>)> = (0..self.seeds)
            .into_par_iter()
            .map(|seed| {
                let mut rng = ergodic_math::rng::stream(0xC0FE, seed);
                let (data, truth) = (law.draw)(n, &mut rng);
                let all = kept
                    .iter()
                    .map(|c| c.estimator.estimate(&data, &c.inference.seed(seed)));
                (truth, all.collect())
            })
            .collect();
        for (i, contestant) in kept.iter().enumerate() {
            let mut tally = Tally::default();
            for (truth, all) in &outcomes {
                tally.add(&all[i], *truth);
            }
            let name = format!("{}{}", contestant.estimator.method(), contestant.note);
            let refusal = outcomes
                .iter()
                .find_map(|(_, all)| all[i].as_ref().err().map(ToString::to_string));
            self.row(&name, &law.name, n, &tally, refusal, contestant.outside);
        }
        let seconds = start.elapsed().as_secs_f64();
        eprintln!("{seconds:6.1} s  {}, n = {n}", law.name);
    }

    fn row(
        &mut self,
        name: &str,
        law: &str,
        n: usize,
        tally: &Tally,
        refusal: Option<String>,
        outside: bool,
    ) {
        self.rows += 1;
        let answered = tally.runs - tally.refused;
        if answered == 0.0 {
            let why = refusal.unwrap_or_default();
            let _ = writeln!(
                self.text,
                "| {name} | {law} | {n} | refused | | | | | | {why} |"
            );
            return;
        }
        let share = |count: f64| count / answered;
        let coverage = share(tally.covered);
        let binomial = (coverage * (1.0 - coverage) / answered).sqrt();
        let bias = share(tally.error);
        let sd = (share(tally.error_squares) - bias * bias).max(0.0).sqrt();
        let misses = answered - tally.covered;
        let mut mark = String::new();
        if coverage < LEAST {
            // It says so where nearly all intervals that miss carry the flag.
            if outside {
                mark.push_str("outside its domain");
            } else if tally.silent <= (1.0 - LEAST) * answered {
                mark.push_str("says so");
            } else {
                mark.push_str("**below 90 %**");
                self.below
                    .push(format!("{name}, {law}, n = {n}: {:.1} %", 100.0 * coverage));
            }
            debug_assert!(misses > 0.0, "below 90 % without a miss");
        }
        if tally.refused > 0.0 {
            let _ = write!(mark, " refused {}", tally.refused);
        }
        let _ = writeln!(
            self.text,
            "| {name} | {law} | {n} | {:.1} ± {:.1} % | {:.4} | {bias:+.4} | {sd:.4} | {:.1} % | {:.1} % | {} |",
            100.0 * coverage,
            100.0 * binomial,
            share(tally.width),
            100.0 * share(tally.flagged),
            100.0 * share(tally.silent),
            mark.trim(),
        );
    }
}
