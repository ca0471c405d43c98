//! Intervals of the line as outcomes.

use ergodic_math::special::ln_gamma;

use super::{OutcomeSpace, finite};
use crate::{InfoError, Symbols};

/// More bins than this are refused: a rule that asks for them has met a heavy tail.
const MOST: usize = 1 << 20;

/// Bins with edges `e₀ < e₁ < … < e_B`: symbol `i` is the interval `[eᵢ, eᵢ₊₁)`, and the last bin holds its
/// right edge. Values outside are refused, not clamped.
///
/// Edges may be given, or made from data. Bins made from the data they encode adapt to them a little, which
/// the intervals of discrete estimators do not know; with `n` far above the number of bins this does not
/// show.
///
/// * **Not** for mutual information of continuous variables, if nearest neighbours can be afforded: coarse
///   bins lose information, fine bins invent it.
///
/// ```
/// use ergodic_info::outcome::{Bins, OutcomeSpace};
///
/// let bins = Bins::new([0.0, 1.0, 2.0, 4.0])?;
/// assert_eq!(bins.encode(&[0.5, 1.0, 4.0])?.codes(), [0, 1, 2]);
/// assert!(bins.encode(&[4.5]).is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    edges: Vec<f64>,
}

impl Bins {
    /// Bins between given edges: finite, increasing, at least two. Two equal edges are one bin for a column
    /// that is constant.
    ///
    /// # Errors
    /// If they are not.
    pub fn new(edges: impl Into<Vec<f64>>) -> Result<Self, InfoError> {
        let edges = edges.into();
        finite("edges", &edges)?;
        let constant = edges.len() == 2 && edges[0] == edges[1];
        let increasing = edges.windows(2).all(|pair| pair[0] < pair[1]);
        if edges.len() < 2 || !(increasing || constant) {
            return Err(InfoError::argument(
                "edges",
                if increasing {
                    "a single edge"
                } else {
                    "a list that does not increase"
                },
                "at least two increasing numbers",
            ));
        }
        if edges.len() - 1 > MOST {
            return Err(too_many((edges.len() - 1) as f64));
        }
        Ok(Self { edges })
    }

    /// `number` bins of equal width from the least to the greatest value; one bin if all values are equal.
    ///
    /// # Errors
    /// If there are no values, one is not finite, `number` is 0 or above 2²⁰, or the range is so narrow or
    /// so wide that floating-point numbers cannot tell the edges apart.
    pub fn equal_width(values: &[f64], number: usize) -> Result<Self, InfoError> {
        finite("values", values)?;
        checked_number(number)?;
        let (low, high) = range(values);
        Self::between(low, high, number)
    }

    /// `number` bins of equal width from `low` to `high`.
    ///
    /// # Errors
    /// If `number` is 0 or above 2²⁰ or the edges are not finite and increasing (equal ends are one bin).
    pub fn between(low: f64, high: f64, number: usize) -> Result<Self, InfoError> {
        checked_number(number)?;
        if low == high {
            return Self::new([low, high]);
        }
        let edges: Vec<f64> = (0..=number)
            .map(|i| {
                let share = i as f64 / number as f64;
                // Exact at both ends, and no overflow in between.
                low * (1.0 - share) + high * share
            })
            .collect();
        Self::new(edges)
    }

    /// Up to `number` bins that hold equally many of these values each, as nearly as ties allow: an edge is
    /// the value at rank `⌈kn/number⌉` or the next greater one, whichever leaves a number of values below it
    /// that is nearer to the rank; equal edges are one.
    ///
    /// # Errors
    /// As [`equal_width`](Self::equal_width).
    pub fn equal_frequency(values: &[f64], number: usize) -> Result<Self, InfoError> {
        finite("values", values)?;
        checked_number(number)?;
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len();
        let mut edges = vec![sorted[0]];
        for k in 1..number {
            let rank = (k * n).div_ceil(number).min(n - 1);
            let tied = sorted[rank];
            let below = sorted.partition_point(|v| *v < tied);
            let through = sorted.partition_point(|v| *v <= tied);
            let edge = match sorted.get(through) {
                Some(next) if through - rank < rank - below => *next,
                _ => tied,
            };
            if edges.last().is_some_and(|last| edge > *last) {
                edges.push(edge);
            }
        }
        let greatest = sorted[n - 1];
        // An edge at the greatest value would leave a last bin of one point, which the closed bin before
        // cannot give up: it stays, with the end moved just above.
        match edges.last() {
            Some(last) if *last == greatest && edges.len() > 1 => edges.push(greatest.next_up()),
            _ => edges.push(greatest),
        }
        Self::new(edges)
    }

    /// Bins of the width `2·IQR·n^{−1/3}`, which comes near the histogram of least squared error for a smooth
    /// density (Freedman and Diaconis, *Z. Wahrscheinlichkeitstheorie* 57, 1981). The quartiles are the values
    /// at ranks `⌈n/4⌉` and `⌈3n/4⌉`.
    ///
    /// # Errors
    /// If there are no values, one is not finite, the quartiles are equal though the values are not, or more
    /// than 2²⁰ bins result.
    pub fn freedman_diaconis(values: &[f64]) -> Result<Self, InfoError> {
        finite("values", values)?;
        let (low, high) = range(values);
        if low == high {
            return Self::new([low, high]);
        }
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len();
        let spread = sorted[(3 * n).div_ceil(4) - 1] - sorted[n.div_ceil(4) - 1];
        if spread <= 0.0 {
            return Err(InfoError::argument(
                "values",
                "a list with equal quartiles",
                "spread out, or binned by another rule",
            ));
        }
        let width = 2.0 * spread / libm::cbrt(n as f64);
        let number = (0.5 * high - 0.5 * low) / (0.5 * width);
        if number > MOST as f64 {
            return Err(too_many(number));
        }
        Self::between(low, high, number.ceil().max(1.0) as usize)
    }

    /// The number of bins of equal width, up to `most`, of the highest posterior probability of a piecewise
    /// constant density (Knuth, arXiv:physics/0605197, eq. 31):
    /// `n log M + log Γ(M/2) − M log Γ(½) − log Γ(n + M/2) + Σₖ log Γ(nₖ + ½)`. Cost `O(n·most)`.
    ///
    /// Rounded data (fewer distinct values than bins) drive it to `most`: look before trusting it.
    ///
    /// # Errors
    /// As [`equal_width`](Self::equal_width).
    pub fn knuth(values: &[f64], most: usize) -> Result<Self, InfoError> {
        finite("values", values)?;
        checked_number(most)?;
        let (low, high) = range(values);
        if low == high {
            return Self::new([low, high]);
        }
        let n = values.len() as f64;
        let mut best = (f64::NEG_INFINITY, Self::between(low, high, 1)?);
        for number in 1..=most {
            let Ok(bins) = Self::between(low, high, number) else {
                break; // the edges have met
            };
            let m = number as f64;
            let occupied: f64 = bins
                .encode(values)?
                .counts()
                .as_slice()
                .iter()
                .map(|count| ln_gamma(*count as f64 + 0.5))
                .sum();
            let posterior =
                n * libm::log(m) + ln_gamma(0.5 * m) - m * ln_gamma(0.5) - ln_gamma(n + 0.5 * m)
                    + occupied;
            if posterior > best.0 {
                best = (posterior, bins);
            }
        }
        Ok(best.1)
    }

    /// The edges.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }
}

impl OutcomeSpace for Bins {
    fn encode(&self, values: &[f64]) -> Result<Symbols, InfoError> {
        finite("values", values)?;
        let (low, high) = (self.edges[0], self.edges[self.edges.len() - 1]);
        if let Some(i) = values.iter().position(|v| *v < low || *v > high) {
            return Err(InfoError::argument(
                "values",
                format!("{} at position {i}", values[i]),
                format!("within the bins, [{low}, {high}]"),
            ));
        }
        let inner = &self.edges[1..self.edges.len() - 1];
        let codes: Vec<u32> = values
            .iter()
            .map(|v| inner.partition_point(|edge| edge <= v) as u32)
            .collect();
        Symbols::new(codes, self.alphabet())
    }

    fn alphabet(&self) -> u32 {
        (self.edges.len() - 1) as u32
    }
}

fn range(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(*v), high.max(*v))
        })
}

fn checked_number(number: usize) -> Result<(), InfoError> {
    if number == 0 {
        return Err(InfoError::argument("number", 0, "at least 1"));
    }
    if number > MOST {
        return Err(too_many(number as f64));
    }
    Ok(())
}

fn too_many(number: f64) -> InfoError {
    InfoError::argument("number", number, format!("at most {MOST} bins"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_math::rng;

    #[test]
    fn every_value_falls_between_the_edges_of_its_bin() {
        let mut random = rng::stream(3, 0);
        let values: Vec<f64> = (0..500)
            .map(|_| (rng::uniform(&mut random) * 40.0).floor() / 7.0 - 2.0)
            .collect();
        for bins in [
            Bins::equal_width(&values, 13).unwrap(),
            Bins::equal_frequency(&values, 13).unwrap(),
            Bins::freedman_diaconis(&values).unwrap(),
            Bins::knuth(&values, 20).unwrap(),
        ] {
            let symbols = bins.encode(&values).unwrap();
            assert_eq!(symbols.known_alphabet(), Some(bins.alphabet()));
            for (v, code) in values.iter().zip(symbols.codes()) {
                let code = *code as usize;
                let (low, high) = (bins.edges()[code], bins.edges()[code + 1]);
                let last = code + 2 == bins.edges().len();
                assert!(
                    low <= *v && (*v < high || last && *v == high),
                    "{v} in {low}, {high}"
                );
            }
        }
    }

    #[test]
    fn bins_of_equal_frequency_differ_by_one_without_ties() {
        let values: Vec<f64> = (0..100).map(|i| f64::from((i * 37) % 100)).collect();
        for number in [1usize, 3, 7, 10, 99, 100, 250] {
            let bins = Bins::equal_frequency(&values, number).unwrap();
            let counts = bins.encode(&values).unwrap().counts();
            let (least, most) = (
                counts.as_slice().iter().min().unwrap(),
                counts.as_slice().iter().max().unwrap(),
            );
            assert_eq!(counts.as_slice().len(), number.min(100), "{number}");
            assert!(most - least <= 1, "{number}: {counts:?}");
        }
    }

    /// Nine zeros of ten: the one value that differs is not put with them, on either side.
    #[test]
    fn bins_of_equal_frequency_split_beside_ties() {
        for (common, rare) in [(0.0, 1.0), (1.0, 0.0)] {
            let mut values = vec![common; 9];
            values.push(rare);
            for number in [2, 3, 5] {
                let bins = Bins::equal_frequency(&values, number).unwrap();
                let codes = bins.encode(&values).unwrap();
                assert_ne!(codes.codes()[0], codes.codes()[9], "{number}: {bins:?}");
            }
        }
        // 60 zeros, then 1, …, 40: of two bins, the zeros are the one.
        let mut values = vec![0.0; 60];
        values.extend((1..=40).map(f64::from));
        let bins = Bins::equal_frequency(&values, 2).unwrap();
        assert_eq!(bins.encode(&values).unwrap().counts().as_slice(), [60, 40]);
    }

    #[test]
    fn knuths_rule_finds_the_steps_of_a_step_density() {
        // Half of the mass on each of [0, 1) and [3, 4): four bins are the truth.
        let values: Vec<f64> = (0..2000)
            .map(|i| f64::from(i) / 1000.0 + if i < 1000 { 0.0 } else { 2.0 })
            .collect();
        let bins = Bins::knuth(&values, 30).unwrap();
        assert_eq!(bins.alphabet(), 4, "{:?}", bins.edges());
    }

    /// The evidence of `M` bins is that of Pólya's urn: value after value, its bin has probability
    /// `(½ + those there)/(M/2 + those before)`, and its density is `M` times that.
    #[test]
    fn knuths_rule_takes_the_number_of_bins_of_most_evidence() {
        let mut numbers = std::collections::HashSet::new();
        for seed in 0..40 {
            let mut random = rng::stream(seed, 5);
            let n = 20 + 10 * seed as usize;
            let values: Vec<f64> = (0..n).map(|_| rng::normal(&mut random)).collect();
            let evidence = |number: usize| {
                let bins = Bins::equal_width(&values, number).unwrap();
                let mut seen = vec![0.5; number];
                let mut log = 0.0;
                for (before, code) in bins.encode(&values).unwrap().codes().iter().enumerate() {
                    let m = number as f64;
                    log += (m * seen[*code as usize] / (0.5 * m + before as f64)).ln();
                    seen[*code as usize] += 1.0;
                }
                log
            };
            let best = (1..=25).fold(1, |b, m| if evidence(m) > evidence(b) { m } else { b });
            let found = Bins::knuth(&values, 25).unwrap().alphabet() as usize;
            assert!(
                found == best || (evidence(found) - evidence(best)).abs() < 1e-9,
                "{found} of evidence {}, not {best} of {}",
                evidence(found),
                evidence(best)
            );
            numbers.insert(found);
        }
        assert!(numbers.len() > 3, "{numbers:?}");
    }

    #[test]
    fn freedman_and_diaconis_width_is_their_formula() {
        // 0, 1, …, 999: quartiles at ranks 250 and 750 are 500 apart; width 2·500/10 = 100, range 999.
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(Bins::freedman_diaconis(&values).unwrap().alphabet(), 10);
    }

    #[test]
    fn constant_columns_have_one_bin_and_bad_input_names_its_argument() {
        for bins in [
            Bins::equal_width(&[2.0; 5], 8).unwrap(),
            Bins::equal_frequency(&[2.0; 5], 8).unwrap(),
            Bins::freedman_diaconis(&[2.0; 5]).unwrap(),
            Bins::knuth(&[2.0; 5], 8).unwrap(),
        ] {
            assert_eq!(bins.alphabet(), 1);
            assert_eq!(bins.encode(&[2.0; 5]).unwrap().codes(), [0; 5]);
        }
        let text = |e: InfoError| e.to_string();
        assert!(text(Bins::new([0.0]).unwrap_err()).contains("edges"));
        assert!(text(Bins::new([0.0, 2.0, 2.0]).unwrap_err()).contains("edges"));
        assert!(text(Bins::new([0.0, f64::NAN]).unwrap_err()).contains("position 1"));
        assert!(text(Bins::new([0.0, f64::NAN]).unwrap_err()).contains("edges"));
        assert!(text(Bins::between(f64::NAN, 1.0, 2).unwrap_err()).contains("edges"));
        assert!(text(Bins::equal_width(&[], 3).unwrap_err()).contains("values"));
        assert!(text(Bins::equal_width(&[1.0], 0).unwrap_err()).contains("number"));
        assert!(text(Bins::equal_width(&[1.0], 1 << 30).unwrap_err()).contains("number"));
        let near = [1.0, 1.0f64.next_up()];
        assert!(text(Bins::equal_width(&near, 10).unwrap_err()).contains("edges"));
        let mut outlier = vec![0.0; 50];
        outlier.push(1.0);
        assert!(text(Bins::freedman_diaconis(&outlier).unwrap_err()).contains("quartiles"));
        let cauchy: Vec<f64> = (0..50).map(f64::from).chain([1e300]).collect();
        assert!(text(Bins::freedman_diaconis(&cauchy).unwrap_err()).contains("number"));
        let unit = Bins::between(0.0, 1.0, 4).unwrap();
        assert!(text(unit.encode(&[0.5, 1.5]).unwrap_err()).contains("1.5 at position 1"));
        assert!(Bins::between(-f64::MAX, f64::MAX, 4).is_ok());
    }
}
