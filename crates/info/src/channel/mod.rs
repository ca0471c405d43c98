//! Memoryless channels and their limits: capacity and rate–distortion.

mod capacity;
mod parametric;
mod rate_distortion;
mod simplex;

pub use capacity::{Capacity, CapacitySettings};
pub use rate_distortion::{RateDistortion, RatePoint};

use ergodic_math::Real;
use nalgebra::DMatrix;

use crate::probabilities::total_of;
use crate::table::disjoint;
use crate::{InfoError, Information, Probabilities, Table, Variables};

/// How far a row may be from sum 1: what rounding of printed or computed figures explains.
const SUM_TOLERANCE: f64 = 1e-9;

/// A discrete memoryless channel: the law of the output `y` given each input `x`.
///
/// `W(y|x)` as a row-stochastic matrix, one row per input. Rows may be off sum 1 by 1e-9 and are
/// divided by their sum.
///
/// ```
/// use ergodic_info::channel::Channel;
///
/// let noisy = Channel::from_rows(&[[0.9, 0.1], [0.2, 0.8]])?;
/// assert_eq!((noisy.inputs(), noisy.outputs()), (2, 2));
/// assert_eq!(noisy.row(1), Some(&[0.2, 0.8][..]));
/// assert_eq!(noisy.row(2), None);
/// assert!(Channel::from_rows(&[[0.9, 0.2]]).is_err()); // sums to 1.1
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    outputs: usize,
    values: Vec<f64>,
}

impl Channel {
    /// The channel with these rows, one law of the output per input.
    ///
    /// # Errors
    /// If there is no row, rows differ in length, an entry is negative or not finite, or a row
    /// does not sum to one (row and sum are given).
    pub fn from_rows<R: AsRef<[f64]>>(rows: &[R]) -> Result<Self, InfoError> {
        let Some(first) = rows.first() else {
            return Err(InfoError::argument(
                "rows",
                "an empty matrix",
                "one row per input",
            ));
        };
        let outputs = first.as_ref().len();
        let mut values = Vec::with_capacity(rows.len() * outputs);
        for (x, row) in rows.iter().enumerate() {
            let row = row.as_ref();
            if row.len() != outputs {
                return Err(InfoError::argument(
                    "rows",
                    format!("row {x} with {} entries", row.len()),
                    format!("rows of {outputs} entries, as row 0 has"),
                ));
            }
            let total = total_of("rows", row)?;
            if (total - 1.0).abs() > SUM_TOLERANCE {
                return Err(InfoError::argument(
                    "rows",
                    format!("row {x} with sum {total}"),
                    "rows that sum to 1",
                ));
            }
            values.extend(row.iter().map(|v| v / total));
        }
        Ok(Self { outputs, values })
    }

    /// The channel with these rows one after another, `outputs` entries each.
    ///
    /// # Errors
    /// If the number of entries is no multiple of `outputs`, and as [`from_rows`](Self::from_rows).
    pub fn new(values: &[f64], outputs: usize) -> Result<Self, InfoError> {
        if outputs == 0 || !values.len().is_multiple_of(outputs) {
            return Err(InfoError::argument(
                "outputs",
                outputs,
                format!("a positive divisor of the {} entries", values.len()),
            ));
        }
        let rows: Vec<&[f64]> = values.chunks_exact(outputs).collect();
        Self::from_rows(&rows)
    }

    /// The channel that reads `p(y|x)` off a joint law with row-major entries `p(x, y)`, and the
    /// law of `x`. An input of probability zero gets the law of the output as its row, which
    /// changes no quantity of the joint law.
    ///
    /// # Errors
    /// If the number of entries is no multiple of `outputs`.
    pub fn of_joint(
        joint: &Probabilities,
        outputs: usize,
    ) -> Result<(Probabilities, Self), InfoError> {
        if outputs == 0 || !joint.len().is_multiple_of(outputs) {
            return Err(InfoError::argument(
                "outputs",
                outputs,
                format!("a positive divisor of the {} entries", joint.len()),
            ));
        }
        let mut marginal = vec![0.0; outputs];
        for row in joint.as_slice().chunks_exact(outputs) {
            add_scaled(&mut marginal, row, 1.0);
        }
        let (mut input, mut values) = (Vec::new(), Vec::with_capacity(joint.len()));
        for row in joint.as_slice().chunks_exact(outputs) {
            let total: f64 = row.iter().sum();
            input.push(total);
            // A subnormal total has too few digits to divide by.
            if total > f64::MIN_POSITIVE {
                values.extend(row.iter().map(|v| v / total));
            } else {
                values.extend_from_slice(&marginal);
            }
        }
        Ok((
            Probabilities::from_weights(input)?,
            Self { outputs, values },
        ))
    }

    /// The law of some variables of a table, and the channel from them to others.
    ///
    /// # Errors
    /// If a variable is not of the table or is on both sides.
    pub fn of_table(
        table: &Table,
        from: Variables,
        to: Variables,
    ) -> Result<(Probabilities, Self), InfoError> {
        table.check("from", from)?;
        table.check("to", to)?;
        disjoint("to", to, from)?;
        let joint = Probabilities::from_weights(table.grouped(&[from, to]))?;
        Self::of_joint(&joint, table.size_of(to))
    }

    /// Rows that are laws already.
    pub(crate) fn unchecked(values: Vec<f64>, outputs: usize) -> Self {
        Self { outputs, values }
    }

    /// The binary symmetric channel, which flips its input with probability `flip`; capacity
    /// `log 2 − h(flip)`.
    ///
    /// # Errors
    /// If `flip` is not in `[0, 1]`.
    pub fn binary_symmetric(flip: f64) -> Result<Self, InfoError> {
        probability("flip", flip)?;
        Self::from_rows(&[[1.0 - flip, flip], [flip, 1.0 - flip]])
    }

    /// The binary erasure channel, whose output is its input or, with probability `erasure`, a
    /// third symbol; capacity `(1 − erasure) log 2`.
    ///
    /// # Errors
    /// If `erasure` is not in `[0, 1]`.
    pub fn binary_erasure(erasure: f64) -> Result<Self, InfoError> {
        probability("erasure", erasure)?;
        let kept = 1.0 - erasure;
        Self::from_rows(&[[kept, 0.0, erasure], [0.0, kept, erasure]])
    }

    /// The Z-channel: 0 arrives as it is, 1 becomes 0 with probability `flip`.
    ///
    /// # Errors
    /// If `flip` is not in `[0, 1]`.
    pub fn z(flip: f64) -> Result<Self, InfoError> {
        probability("flip", flip)?;
        Self::from_rows(&[[1.0, 0.0], [flip, 1.0 - flip]])
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.values.len() / self.outputs
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The law of the output given this input; none if there is no such input.
    pub fn row(&self, input: usize) -> Option<&[f64]> {
        (input < self.inputs()).then(|| self.given(input))
    }

    /// The law of the output given an input that exists.
    pub(crate) fn given(&self, input: usize) -> &[f64] {
        &self.values[input * self.outputs..(input + 1) * self.outputs]
    }

    /// The rows in order.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.outputs)
    }

    /// The matrix `W(y|x)`, as [`Table::through`] takes it.
    pub fn matrix(&self) -> DMatrix<f64> {
        DMatrix::from_row_slice(self.inputs(), self.outputs, &self.values)
    }

    /// All entries, row-major.
    pub fn as_slice(&self) -> &[f64] {
        &self.values
    }

    /// This channel and then another: the matrix product, in `O(inputs · middle · outputs)`.
    ///
    /// # Errors
    /// If the other does not have as many inputs as this one has outputs.
    pub fn then(&self, next: &Self) -> Result<Self, InfoError> {
        if next.inputs() != self.outputs {
            return Err(InfoError::argument(
                "next",
                format!("a channel with {} inputs", next.inputs()),
                format!("a channel with {} inputs", self.outputs),
            ));
        }
        let mut values = vec![0.0; self.inputs() * next.outputs];
        for (row, result) in self.rows().zip(values.chunks_exact_mut(next.outputs)) {
            for (weight, next_row) in row.iter().zip(next.rows()) {
                add_scaled(result, next_row, *weight);
            }
        }
        Ok(Self {
            outputs: next.outputs,
            values,
        })
    }

    /// The law of the output, `q(y) = Σₓ p(x) W(y|x)`.
    ///
    /// # Errors
    /// If the input law has another number of outcomes than the channel has inputs.
    pub fn output(&self, input: &Probabilities) -> Result<Probabilities, InfoError> {
        self.check_input(input)?;
        Probabilities::from_weights(self.mixture(input.as_slice()))
    }

    /// The joint law `p(x) W(y|x)`, row-major in `(x, y)`.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn joint(&self, input: &Probabilities) -> Result<Probabilities, InfoError> {
        self.check_input(input)?;
        let joint = |(row, p): (&[f64], &f64)| row.iter().map(|w| p * w).collect::<Vec<_>>();
        let entries = self.rows().zip(input.as_slice()).flat_map(joint);
        Probabilities::from_weights(entries.collect::<Vec<_>>())
    }

    /// The posterior as a channel from output to input, `p(x|y)` (Bayes). An output of probability
    /// zero gets the input law as its row.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn posterior(&self, input: &Probabilities) -> Result<Self, InfoError> {
        let joint = self.joint(input)?;
        let (inputs, outputs) = (self.inputs(), self.outputs);
        let transposed: Vec<f64> = (0..outputs * inputs)
            .map(|i| joint.as_slice()[(i % inputs) * outputs + i / inputs])
            .collect();
        Ok(Self::of_joint(&Probabilities::from_weights(transposed)?, inputs)?.1)
    }

    /// `I(X; Y) = Σₓ p(x) D(W(·|x) ‖ q)` at an input law, in `O(inputs · outputs)`.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn mutual_information(&self, input: &Probabilities) -> Result<Information, InfoError> {
        self.check_input(input)?;
        Ok(Information::from_nats(self.information(input.as_slice())))
    }

    /// `Σₓ p(x) W(·|x)`.
    pub(crate) fn mixture(&self, input: &[f64]) -> Vec<f64> {
        let mut output = vec![0.0; self.outputs];
        for (row, p) in self.rows().zip(input) {
            add_scaled(&mut output, row, *p);
        }
        output
    }

    /// `I(X; Y)` in nats. Cannot be negative but for rounding, which is cut off: a Kullback–
    /// Leibler divergence is never below zero.
    pub(crate) fn information(&self, input: &[f64]) -> f64 {
        let output = self.mixture(input);
        let terms = self.rows().zip(input).filter(|(_, p)| **p > NEGLIGIBLE);
        let sum: f64 = terms.map(|(row, p)| share(*p, row, &output)).sum();
        sum.max(0.0)
    }

    fn check_input(&self, input: &Probabilities) -> Result<(), InfoError> {
        if input.len() == self.inputs() {
            Ok(())
        } else {
            Err(InfoError::argument(
                "input",
                format!("a law on {} outcomes", input.len()),
                format!("a law on the {} inputs", self.inputs()),
            ))
        }
    }
}

/// Smaller probabilities add less than 1e-277 nats.
pub(crate) const NEGLIGIBLE: f64 = 1e-280;

/// `D(p ‖ q) = Σ p ln(p/q)` in nats, where `q` is positive wherever `p` is.
pub(crate) fn divergence(p: &[f64], q: &[f64]) -> f64 {
    let terms = p.iter().zip(q).filter(|(p, _)| **p > NEGLIGIBLE);
    terms.map(|(p, q)| p * (Real::ln(*p) - Real::ln(*q))).sum()
}

/// `w D(p ‖ q)` in nats, where `q` is a mixture in which `p` has the weight `w`. An outcome at which
/// the mixture underflowed adds nothing: so did `w p`.
pub(crate) fn share(w: f64, p: &[f64], q: &[f64]) -> f64 {
    let terms = (p.iter().zip(q)).filter(|(p, q)| **p > NEGLIGIBLE && **q > 0.0);
    w * terms
        .map(|(p, q)| p * (Real::ln(*p) - Real::ln(*q)))
        .sum::<f64>()
}

/// `target += scale · row`.
pub(crate) fn add_scaled(target: &mut [f64], row: &[f64], scale: f64) {
    for (t, r) in target.iter_mut().zip(row) {
        *t += scale * r;
    }
}

/// Divides all values.
pub(crate) fn divide(values: &mut [f64], divisor: f64) {
    for value in values {
        *value /= divisor;
    }
}

fn probability(argument: &'static str, value: f64) -> Result<(), InfoError> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(InfoError::argument(argument, value, "between 0 and 1"))
    }
}

/// Checks a tolerance in nats.
pub(crate) fn check_tolerance(tolerance: f64) -> Result<(), InfoError> {
    if tolerance.is_finite() && tolerance > 0.0 {
        Ok(())
    } else {
        Err(InfoError::argument(
            "tolerance",
            tolerance,
            "finite and positive",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_channels_name_what_is_wrong() {
        let text = |rows: &[Vec<f64>]| Channel::from_rows(rows).unwrap_err().to_string();
        assert!(text(&[]).contains("empty matrix"));
        assert!(text(&[vec![]]).contains("empty list"));
        assert!(text(&[vec![1.0], vec![0.5, 0.5]]).contains("row 1"));
        assert!(text(&[vec![0.5, 0.5], vec![0.5, 0.6]]).contains("row 1 with sum 1.1"));
        assert!(text(&[vec![1.5, -0.5]]).contains("-0.5"));
        assert!(Channel::new(&[1.0, 0.0, 1.0], 2).is_err());
        assert!(Channel::new(&[1.0], 0).is_err());
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(Channel::binary_symmetric(bad).is_err());
            assert!(Channel::binary_erasure(bad).is_err());
            assert!(Channel::z(bad).is_err());
        }
        let channel = Channel::z(0.5).unwrap();
        let three = Probabilities::uniform(3).unwrap();
        assert!(channel.output(&three).is_err());
        assert!(channel.mutual_information(&three).is_err());
        assert!(
            channel
                .then(&Channel::from_rows(&[[1.0]]).unwrap())
                .is_err()
        );
    }

    #[test]
    fn two_binary_symmetric_channels_are_one_with_the_odd_flips() {
        let a = Channel::binary_symmetric(0.1).unwrap();
        let b = Channel::binary_symmetric(0.2).unwrap();
        let flip = 0.1 * 0.8 + 0.9 * 0.2;
        let both = a.then(&b).unwrap();
        assert!((both.given(0)[1] - flip).abs() < 1e-15);
        assert!((both.given(1)[0] - flip).abs() < 1e-15);
    }

    #[test]
    fn products_below_the_range_of_f64_stay_finite() {
        // The second output has the probability 1e-400.
        let channel = Channel::from_rows(&[[1.0 - 1e-200, 1e-200], [1.0, 0.0]]).unwrap();
        let input = Probabilities::from_weights([1e-200, 1.0]).unwrap();
        let nats = channel.mutual_information(&input).unwrap().nats();
        assert!((0.0..1e-300).contains(&nats), "{nats}");
    }

    #[test]
    fn the_posterior_of_the_posterior_is_the_channel() {
        let channel = Channel::from_rows(&[[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]).unwrap();
        let input = Probabilities::new([0.3, 0.7]).unwrap();
        let output = channel.output(&input).unwrap();
        let back = channel.posterior(&input).unwrap();
        let again = back.posterior(&output).unwrap();
        for (a, b) in again.as_slice().iter().zip(channel.as_slice()) {
            assert!((a - b).abs() < 1e-15, "{a} against {b}");
        }
        let there = channel.mutual_information(&input).unwrap();
        let here = back.mutual_information(&output).unwrap();
        assert!((there - here).nats().abs() < 1e-15);
    }
}
