//! Does the flag of dominating bias fire where it should? Nearest-neighbour estimates of mutual
//! information over random cases, whose true bias is known.

use std::fmt::Write as _;

use ergodic_core::Bias;
use ergodic_info::continuous::{Ksg, KsgAlgorithm};
use ergodic_info::inference::bias::extrapolate;
use ergodic_info::{Estimator, Inference, Pair, Points};
use rayon::prelude::*;

use crate::laws::{Rng, correlated, correlated_truth};

/// Estimates of one case, each from its own data.
const REPEATS: u64 = 24;

/// One random case.
struct Case {
    dim: usize,
    rho: f64,
    n: usize,
    k: usize,
    algorithm: KsgAlgorithm,
    law: Shape,
}

/// A monotone map of every coordinate leaves the mutual information as it is and changes the bias.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Normal,
    HeavyTailed,
    Cubed,
}

impl Case {
    fn random(rng: &mut Rng) -> Self {
        let dim = [1, 1, 2, 3, 4, 5, 6][rng.index(7)];
        let rho = [0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97][rng.index(7)];
        Self {
            dim,
            rho,
            n: [250, 500, 1_000, 2_000, 4_000][rng.index(5)],
            k: [2, 3, 4, 6, 10][rng.index(5)],
            algorithm: [KsgAlgorithm::One, KsgAlgorithm::Two][rng.index(2)],
            law: [Shape::Normal, Shape::HeavyTailed, Shape::Cubed][rng.index(3)],
        }
    }

    fn data(&self, rng: &mut Rng) -> Pair<Points> {
        let (mut x, mut y) = correlated(self.dim, self.rho, self.n, rng);
        for value in x.iter_mut().chain(&mut y) {
            let v = *value;
            *value = match self.law {
                Shape::Normal => v,
                Shape::HeavyTailed => v * (1.0 + v * v),
                Shape::Cubed => v * v * v,
            };
        }
        let points = |values| Points::new(values, self.dim).expect("finite draws");
        Pair::new(points(x), points(y)).expect("equal lengths")
    }
}

/// What came of a case.
struct Outcome {
    /// The absolute bias in units of the interval's half width, both over all repeats.
    ratio: f64,
    /// Its standard error.
    ratio_error: f64,
    /// Of each repeat, the bias that is certain in units of the half width: the flag fires above 1.
    scores: Vec<f64>,
    /// Whether the estimate itself carried the flag.
    flags: Vec<bool>,
}

fn outcome(case: &Case, seed: u64) -> Option<Outcome> {
    let ksg = Ksg::new().neighbors(case.k).algorithm(case.algorithm);
    let truth = correlated_truth(case.dim, case.rho);
    let (mut values, mut scores, mut flags) = (Vec::new(), Vec::new(), Vec::new());
    let mut widths = 0.0;
    for repeat in 0..REPEATS {
        let mut rng = ergodic_math::rng::stream(seed, repeat);
        let data = case.data(&mut rng);
        // Without the search the interval is that of the noise alone.
        let ask = Inference::new().search_bias(false).seed(repeat);
        let estimate = ksg.estimate(&data, &ask).ok()?;
        let half = 0.5 * (estimate.interval.upper - estimate.interval.lower);
        let found = extrapolate(&ksg, &data, estimate.value, repeat)?;
        scores.push(found.least / half);
        flags.push(found.least > half);
        values.push(estimate.value);
        widths += half / REPEATS as f64;
    }
    let mean = values.iter().sum::<f64>() / REPEATS as f64;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let error = (squares / (REPEATS * (REPEATS - 1)) as f64).sqrt();
    Some(Outcome {
        ratio: (mean - truth).abs() / widths,
        ratio_error: error / widths,
        scores,
        flags,
    })
}

/// The named cases that the flag has to get right.
fn named(text: &mut String, quick: bool) {
    let _ = write!(
        text,
        "\n### Named cases\n\nKSG 1, k = 3, normal.\n\n\
         | case | n | truth | mean estimate | flagged | bias found |\n|---|---|---|---|---|---|\n"
    );
    let repeats = if quick { 4 } else { 50 };
    for (dim, rho) in [(5, 0.9), (1, 0.9), (5, 0.0), (3, 0.6), (2, 0.9), (1, 0.0)] {
        let n = 10_000;
        let case = Case {
            dim,
            rho,
            n,
            k: 3,
            algorithm: KsgAlgorithm::One,
            law: Shape::Normal,
        };
        let results: Vec<(f64, bool, f64)> = (0..repeats)
            .into_par_iter()
            .filter_map(|seed| {
                let mut rng = ergodic_math::rng::stream(0xF1A6, seed);
                let data = case.data(&mut rng);
                let e = Ksg::new().estimate(&data, &Inference::new()).ok()?;
                let found = match e.bias {
                    Bias::Dominates(Some(b)) | Bias::NotDetected(b) => b,
                    _ => 0.0,
                };
                Some((e.value, e.bias.dominates(), found))
            })
            .collect();
        let count = results.len() as f64;
        let flagged = results.iter().filter(|r| r.1).count();
        let _ = writeln!(
            text,
            "| {dim} + {dim}, ρ = {rho} | {n} | {:.4} | {:.4} | {flagged} of {count} | {:+.4} |",
            correlated_truth(dim, rho),
            results.iter().map(|r| r.0).sum::<f64>() / count,
            results.iter().map(|r| r.2).sum::<f64>() / count,
        );
    }
}

/// The section on the flag.
pub(crate) fn section(text: &mut String, quick: bool) {
    let cases = if quick { 40 } else { 400 };
    let mut rng = ergodic_math::rng::stream(0x0F1A, 0);
    let all: Vec<Case> = (0..cases).map(|_| Case::random(&mut rng)).collect();
    let outcomes: Vec<Outcome> = all
        .par_iter()
        .enumerate()
        .filter_map(|(i, case)| outcome(case, 77_000 + i as u64))
        .collect();
    let _ = write!(
        text,
        "\n## The flag of dominating bias\n\n\
         {} random cases: KSG 1 and 2, k from 2 to 10, normal pairs of 1 to 6 dimensions a side with ρ from 0 to .97, as they\n\
         are or with every coordinate mapped to x + x³ or x³ (which changes the bias, not the truth), n from 250 to 4000.\n\
         {REPEATS} estimates each, from which the true bias is known. How often the flag fires, by the absolute bias in\n\
         units of the interval's half width (before it is widened):\n\n\
         | bias / half width | cases | flag fires |\n|---|---|---|\n",
        outcomes.len()
    );
    let bands = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, f64::INFINITY];
    for band in bands.windows(2) {
        let inside: Vec<&Outcome> = outcomes
            .iter()
            .filter(|o| o.ratio >= band[0] && o.ratio < band[1])
            .collect();
        let fired: usize = inside
            .iter()
            .map(|o| o.flags.iter().filter(|f| **f).count())
            .sum();
        let range = if band[1].is_finite() {
            format!("{} to {}", band[0], band[1])
        } else {
            format!("above {}", band[0])
        };
        let share = if inside.is_empty() {
            "none".to_owned()
        } else {
            let all = inside.len() as f64 * REPEATS as f64;
            format!("{:.1} %", 100.0 * fired as f64 / all)
        };
        let _ = writeln!(text, "| {range} | {} | {share} |", inside.len());
    }
    roc(text, &outcomes);
    named(text, quick);
}

/// Firing rates where bias dominates and where it does not, over thresholds of the score; cases whose
/// true ratio is within two standard errors of 1 are neither.
fn roc(text: &mut String, outcomes: &[Outcome]) {
    let scores = |positive: bool| -> Vec<f64> {
        let kept = outcomes.iter().filter(|o| {
            let margin = 2.0 * o.ratio_error;
            if positive {
                o.ratio - margin > 1.0
            } else {
                o.ratio + margin < 1.0
            }
        });
        kept.flat_map(|o| o.scores.iter().copied()).collect()
    };
    let (positive, negative) = (scores(true), scores(false));
    let rate = |scores: &[f64], threshold: f64| {
        scores.iter().filter(|s| **s > threshold).count() as f64 / scores.len().max(1) as f64
    };
    let _ = write!(
        text,
        "\n### Receiver operating characteristic\n\n\
         The score is the bias that is certain at 90 % in units of the half width; the flag fires above 1. Cases whose true bias\n\
         is within two standard errors of the half width are left out ({} estimates with dominating bias, {} without).\n\n\
         | threshold | fires where bias dominates | fires where it does not |\n|---|---|---|\n",
        positive.len(),
        negative.len()
    );
    for threshold in [0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0] {
        let mark = if threshold == 1.0 { " (the flag)" } else { "" };
        let _ = writeln!(
            text,
            "| {threshold}{mark} | {:.1} % | {:.1} % |",
            100.0 * rate(&positive, threshold),
            100.0 * rate(&negative, threshold)
        );
    }
    // Mann and Whitney: the chance that a score of either kind is in the right order; ties half.
    let mut sorted = negative.clone();
    sorted.sort_by(f64::total_cmp);
    let below: f64 = positive
        .iter()
        .map(|p| {
            let less = sorted.partition_point(|s| s < p);
            let up_to = sorted.partition_point(|s| s <= p);
            0.5 * (less + up_to) as f64
        })
        .sum();
    let pairs = (positive.len() * negative.len()) as f64;
    let _ = writeln!(
        text,
        "\nArea under the curve: {:.3}.",
        if pairs > 0.0 { below / pairs } else { f64::NAN }
    );
}
