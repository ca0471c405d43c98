//! Mutual and conditional mutual information of symbols from three or four entropies.

use std::borrow::Cow;
use std::collections::HashMap;

use ergodic_core::{Bias, Estimate};
use ergodic_math::special::chi_squared_survival;

use super::rule::{BiasBounds, EntropyRule, half_widths, widened};
use super::{Multiplicities, PlugIn};
use crate::inference::{self, Resample};
use crate::{Estimator, Inference, InfoError, IntervalSource, Pair, Sample, Symbols, Triple};

/// Mutual information of symbols, `Î(X; Y) = Ĥ(X) + Ĥ(Y) − Ĥ(X, Y)`, and conditional mutual information,
/// `Î(X; Y | Z) = Ĥ(X, Z) + Ĥ(Y, Z) − Ĥ(X, Y, Z) − Ĥ(Z)`, each entropy by the rule `E`.
///
/// Exactly 0 if a column is constant, or is determined by `Z` in the sample.
///
/// * **Bias**: with the plug-in positive, `(Kₓ − 1)(K_y − 1)/2n` to first order, so that independent
///   columns appear dependent; [`MillerMadow`](super::MillerMadow) takes this off. Where all alphabets
///   are known and the rule has bounds, their sum.
/// * **Interval**: the jackknife's standard error of the whole (of the plug-in's, where the rule has
///   none; at least that of the plug-in at independence, `√(d/2)/n` with `d = (mₓ − 1)(m_y − 1)`), the
///   bounds of the bias, and `0 ≤ I ≤ log min(Kₓ, K_y)`; where the value itself is outside of that, the
///   interval reaches to it. At independence the plug-in's law is
///   not normal but `χ²`: for a test use [`g_test`], or permutations.
/// * **Cost**: one pass for the joint histogram (a table if it is not much larger than the sample, else
///   hashing), then that of the entropies.
/// * **Not** for a joint alphabet larger than the sample: the joint entropy is then underestimated by
///   more than the others, and the information overestimated.
///
/// ```
/// use ergodic_info::discrete::{DiscreteMutualInformation, PlugIn};
/// use ergodic_info::{Estimator, Pair, Symbols};
///
/// let x = Symbols::new([0, 1, 0, 1], 2)?;
/// let same = DiscreteMutualInformation::new(PlugIn::new()).value(&Pair::new(x.clone(), x)?)?;
/// assert!((same - 2f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiscreteMutualInformation<E = PlugIn> {
    entropy: E,
}

impl<E: EntropyRule> DiscreteMutualInformation<E> {
    /// With entropies by this rule.
    pub const fn new(entropy: E) -> Self {
        Self { entropy }
    }

    fn value_of(&self, parts: &Parts) -> Result<f64, InfoError> {
        if parts.vanishes {
            return Ok(0.0);
        }
        let mut sum = 0.0;
        for (sign, column) in &parts.columns {
            sum += sign * self.entropy.entropy(&column.multiplicities)?;
        }
        Ok(sum)
    }

    fn estimate_of<D: Resample>(
        &self,
        data: &D,
        parts: &Parts,
        inference: &Inference,
    ) -> Result<Estimate, InfoError>
    where
        Self: Estimator<D>,
    {
        inference.check()?;
        let value = self.value_of(parts)?;
        let bounds = self.bounds(parts)?;
        let bias = bounds.map_or(Bias::Unknown, |b| Bias::Bounded(b.absolute()));
        if inference.interval_source() != IntervalSource::Own {
            return inference::attach(self, data, inference, value, None, bias);
        }
        let (std_err, basis) = self.std_err(parts)?;
        // Neither concave nor convex: the wider side on both.
        let (reach, _) = half_widths(std_err, parts.total, inference.confidence_level())?;
        let interval = if parts.vanishes {
            widened(value, (0.0, 0.0), bounds, parts.largest)
        } else {
            widened(value, (reach, reach), bounds, parts.largest)
        };
        let mut estimate = Estimate::new(
            format!(
                "{}, {}; {basis}{}",
                parts.name,
                self.entropy.name(),
                if bounds.is_some() {
                    " and bound of the bias"
                } else {
                    ""
                }
            ),
            value,
            std_err,
            interval,
            usize::try_from(parts.total).unwrap_or(usize::MAX),
            inference.confidence_level(),
        )?;
        estimate.bias = bias;
        if bias == Bias::Unknown && inference.searches_bias() {
            let seed = inference.seed_value();
            estimate.bias = inference::bias::search(self, data, value, reach, seed);
            let found = inference::bias_found(estimate.bias);
            inference::widen(&mut estimate, found);
        }
        Ok(estimate)
    }

    /// The jackknife over observations: one in a joint cell is one in each of the columns.
    fn std_err(&self, parts: &Parts) -> Result<(f64, &'static str), InfoError> {
        if parts.vanishes {
            return Ok((0.0, "constant"));
        }
        let mut left = Vec::new();
        for (_, column) in &parts.columns {
            match self.entropy.jackknife_values(&column.multiplicities)? {
                Some(values) => left.push(values),
                None => break,
            }
        }
        let mut basis = "jackknife standard error";
        if left.len() < parts.columns.len() {
            if parts.total == 1 {
                return Ok((f64::INFINITY, "unknown standard error"));
            }
            basis = "jackknife standard error of the plug-in";
            left.clear();
            for (_, column) in &parts.columns {
                left.extend(PlugIn.leave_one_out(&column.multiplicities)?);
            }
        }
        let values: Vec<f64> = (0..parts.cells.len())
            .map(|cell| {
                parts
                    .columns
                    .iter()
                    .zip(&left)
                    .map(|((sign, column), left)| {
                        sign * left[column.rank[column.of_cell[cell] as usize] as usize]
                    })
                    .sum()
            })
            .collect();
        let n = parts.total as f64;
        let weighted = |f: &dyn Fn(f64) -> f64| -> f64 {
            parts
                .cells
                .iter()
                .zip(&values)
                .map(|(count, value)| *count as f64 * f(*value))
                .sum()
        };
        let mean = weighted(&|v| v) / n;
        let squares = weighted(&|v| (v - mean) * (v - mean));
        let jackknife = ((n - 1.0) / n * squares).sqrt();
        Ok((jackknife.max((0.5 * parts.degrees).sqrt() / n), basis))
    }

    fn bounds(&self, parts: &Parts) -> Result<Option<BiasBounds>, InfoError> {
        let mut sum = BiasBounds {
            lower: 0.0,
            upper: 0.0,
        };
        for (sign, column) in &parts.columns {
            let Some(one) = self.entropy.bias_bounds(&column.multiplicities)? else {
                return Ok(None);
            };
            if *sign > 0.0 {
                sum.lower += one.lower;
                sum.upper += one.upper;
            } else {
                sum.lower -= one.upper;
                sum.upper -= one.lower;
            }
        }
        Ok(Some(sum))
    }
}

impl<E: EntropyRule> Estimator<Pair<Symbols>> for DiscreteMutualInformation<E> {
    fn method(&self) -> Cow<'static, str> {
        format!("{MUTUAL}, {}", self.entropy.name()).into()
    }

    fn value(&self, data: &Pair<Symbols>) -> Result<f64, InfoError> {
        self.value_of(&Parts::of_pair(data))
    }

    fn estimate(&self, data: &Pair<Symbols>, inference: &Inference) -> Result<Estimate, InfoError> {
        self.estimate_of(data, &Parts::of_pair(data), inference)
    }
}

impl<E: EntropyRule> Estimator<Triple<Symbols>> for DiscreteMutualInformation<E> {
    fn method(&self) -> Cow<'static, str> {
        format!("{CONDITIONAL}, {}", self.entropy.name()).into()
    }

    fn value(&self, data: &Triple<Symbols>) -> Result<f64, InfoError> {
        self.value_of(&Parts::of_triple(data))
    }

    fn estimate(
        &self,
        data: &Triple<Symbols>,
        inference: &Inference,
    ) -> Result<Estimate, InfoError> {
        self.estimate_of(data, &Parts::of_triple(data), inference)
    }
}

const MUTUAL: &str = "mutual information";
const CONDITIONAL: &str = "conditional mutual information";

/// The likelihood-ratio test of independence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GTest {
    /// `G = 2n·Î` with the plug-in information in nats.
    pub statistic: f64,
    /// `(mₓ − 1)(m_y − 1)` of the symbols seen.
    pub degrees: u64,
    /// `P(χ² ≥ G)`; 1 if a column is constant.
    pub p_value: f64,
}

/// Tests whether two columns are independent: `G = 2n Î(X; Y)` has asymptotically the `χ²` law with
/// `(mₓ − 1)(m_y − 1)` degrees of freedom if they are (Wilks, *Ann. Math. Statist.* 9, 1938).
///
/// **Not** for expected counts `nₓn_y/n` below some 5: the law of `G` is not yet `χ²`, and a permutation
/// test is the better way.
///
/// # Errors
/// None at present: a pair of samples has all that is needed.
///
/// ```
/// use ergodic_info::discrete::g_test;
/// use ergodic_info::{Pair, Symbols};
///
/// let x = Symbols::new([0, 1].repeat(20), 2)?;
/// let y = Symbols::new([0, 0, 1, 1].repeat(10), 2)?;
/// assert!(g_test(&Pair::new(x.clone(), y)?)?.p_value > 0.999);
/// assert!(g_test(&Pair::new(x.clone(), x)?)?.p_value < 1e-12);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
pub fn g_test(data: &Pair<Symbols>) -> Result<GTest, InfoError> {
    let parts = Parts::of_pair(data);
    let observed = |i: usize| parts.columns[i].1.multiplicities.observed();
    let degrees = (observed(0) - 1) * (observed(1) - 1);
    let information = DiscreteMutualInformation::new(PlugIn).value_of(&parts)?;
    // Rounding of the entropies may leave −1e-16 where the information is 0.
    let statistic = (2.0 * parts.total as f64 * information).max(0.0);
    let p_value = if degrees == 0 {
        1.0
    } else {
        chi_squared_survival(statistic, degrees as f64)
            .map_err(|error| InfoError::argument("statistic", statistic, error.to_string()))?
    };
    Ok(GTest {
        statistic,
        degrees,
        p_value,
    })
}

/// One or several columns seen as one.
struct Column {
    multiplicities: Multiplicities,
    /// Of each label: its place among the distinct counts.
    rank: Vec<u32>,
    /// Of each joint cell: its label in this column.
    of_cell: Vec<u32>,
}

/// The entropies that make up an information, with their signs.
struct Parts {
    name: &'static str,
    columns: Vec<(f64, Column)>,
    /// The counts of the joint cells.
    cells: Vec<u64>,
    total: u64,
    /// Whether the information is 0 for a reason that needs no estimate.
    vanishes: bool,
    /// What the information cannot exceed.
    largest: f64,
    /// The degrees of freedom of `2nÎ` at independence, in the law `χ²`.
    degrees: f64,
}

impl Parts {
    fn of_pair(data: &Pair<Symbols>) -> Self {
        let (x, y) = (Labels::of(data.x()), Labels::of(data.y()));
        let joint = x.joined(&y);
        let first = joint.first_rows();
        let largest = largest_of(&x, &y);
        let vanishes = x.number == 1 || y.number == 1;
        Self {
            name: MUTUAL,
            degrees: f64::from(x.number - 1) * f64::from(y.number - 1),
            cells: joint.counts(),
            total: data.len() as u64,
            vanishes,
            largest,
            columns: vec![
                (1.0, x.column(&first)),
                (1.0, y.column(&first)),
                (-1.0, joint.column(&first)),
            ],
        }
    }

    fn of_triple(data: &Triple<Symbols>) -> Self {
        let (x, y) = (Labels::of(data.x()), Labels::of(data.y()));
        let z = Labels::of(data.z());
        let (xz, yz) = (x.joined(&z), y.joined(&z));
        let joint = xz.joined(&y);
        let first = joint.first_rows();
        // As many joint symbols as symbols of Z: X (or Y) is a function of Z.
        let vanishes = xz.number == z.number || yz.number == z.number;
        // As if all symbols of Z came with equally many of X and Y.
        let beyond = |joint: &Labels| f64::from(joint.number - z.number);
        let degrees = beyond(&xz) * beyond(&yz) / f64::from(z.number);
        Self {
            name: CONDITIONAL,
            degrees,
            cells: joint.counts(),
            total: data.len() as u64,
            vanishes,
            largest: largest_of(&x, &y),
            columns: vec![
                (1.0, xz.column(&first)),
                (1.0, yz.column(&first)),
                (-1.0, joint.column(&first)),
                (-1.0, z.column(&first)),
            ],
        }
    }
}

fn largest_of(x: &Labels, y: &Labels) -> f64 {
    let smaller = match (x.alphabet, y.alphabet) {
        (Some(a), Some(b)) => a.min(b),
        (Some(a), None) | (None, Some(a)) => a,
        (None, None) => return f64::INFINITY,
    };
    libm::log(smaller as f64)
}

/// A column of the symbols that were seen, numbered without gaps.
struct Labels {
    of_row: Vec<u32>,
    number: u32,
    alphabet: Option<u64>,
}

impl Labels {
    fn of(symbols: &Symbols) -> Self {
        let keys = symbols.codes().iter().map(|code| u64::from(*code));
        Self::numbered(
            keys,
            u64::from(symbols.alphabet()),
            symbols.known_alphabet().map(u64::from),
        )
    }

    fn joined(&self, other: &Self) -> Self {
        let width = u64::from(other.number);
        let keys = self
            .of_row
            .iter()
            .zip(&other.of_row)
            .map(|(a, b)| u64::from(*a) * width + u64::from(*b));
        let alphabet = match (self.alphabet, other.alphabet) {
            (Some(a), Some(b)) => a.checked_mul(b),
            _ => None,
        };
        Self::numbered(keys, u64::from(self.number) * width, alphabet)
    }

    /// Numbers keys below `bound` as they appear.
    fn numbered(
        keys: impl ExactSizeIterator<Item = u64>,
        bound: u64,
        alphabet: Option<u64>,
    ) -> Self {
        let mut number = 0u32;
        let mut next = || {
            number += 1;
            number - 1
        };
        // A table that is not much larger than the sample is faster than hashing.
        let labels = if bound <= 4 * keys.len() as u64 + 4096 {
            let mut table = vec![u32::MAX; bound as usize];
            keys.map(|key| {
                let entry = &mut table[key as usize];
                if *entry == u32::MAX {
                    *entry = next();
                }
                *entry
            })
            .collect()
        } else {
            let mut table: HashMap<u64, u32> = HashMap::new();
            keys.map(|key| *table.entry(key).or_insert_with(&mut next))
                .collect()
        };
        Self {
            of_row: labels,
            number,
            alphabet,
        }
    }

    fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.number as usize];
        for label in &self.of_row {
            counts[*label as usize] += 1;
        }
        counts
    }

    /// The row where each label appears first; labels are numbered in this order.
    fn first_rows(&self) -> Vec<usize> {
        let mut rows = Vec::with_capacity(self.number as usize);
        for (row, label) in self.of_row.iter().enumerate() {
            if *label as usize == rows.len() {
                rows.push(row);
            }
        }
        rows
    }

    fn column(&self, first_rows: &[usize]) -> Column {
        let counts = self.counts();
        let multiplicities =
            Multiplicities::tally(&counts, self.of_row.len() as u64, self.alphabet);
        let rank = counts
            .iter()
            .map(|count| {
                multiplicities
                    .pairs()
                    .partition_point(|pair| pair.0 < *count) as u32
            })
            .collect();
        Column {
            multiplicities,
            rank,
            of_cell: first_rows.iter().map(|row| self.of_row[*row]).collect(),
        }
    }
}
