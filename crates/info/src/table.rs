//! Joint laws: a dense tensor of probabilities over named variables, and what is read off it.

use std::fmt;

use ergodic_math::reduce;
use nalgebra::DMatrix;

use crate::probabilities::total_of;
use crate::{InfoError, Probabilities, Sample, Symbols};

/// The most variables of a table: a set of them is one `u32`.
pub const MAX_VARIABLES: usize = 32;

/// The most cells of a table: 2²⁸ numbers, 2 GiB.
pub const MAX_CELLS: usize = 1 << 28;

/// How far a row of a channel may be from sum 1.
const ROW_TOLERANCE: f64 = 1e-9;

/// A set of variables of one table, by position: one bit each.
///
/// It is read from names with [`Table::variables`] and means nothing for a table with other
/// variables: [`Table::marginal`] and [`Table::condition`] number those that stay anew.
///
/// ```
/// use ergodic_info::{Table, Variables};
///
/// let table = Table::new(&[("x", 2), ("y", 2), ("z", 1)], vec![0.25; 4])?;
/// let xz = table.variables(["x", "z"])?;
/// assert_eq!(xz.bits(), 0b101);
/// assert_eq!(xz.without(table.variables(["x"])?), Variables::single(2)?);
/// assert!(table.variables(["w"]).is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variables(u32);

impl Variables {
    /// No variable.
    pub const EMPTY: Self = Self(0);

    /// The set whose bit `i` is variable `i`.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The set of the variable at this position.
    ///
    /// # Errors
    /// If the position is not below [`MAX_VARIABLES`].
    pub fn single(position: usize) -> Result<Self, InfoError> {
        if position < MAX_VARIABLES {
            Ok(Self(1 << position))
        } else {
            Err(InfoError::argument(
                "position",
                position,
                format!("below {MAX_VARIABLES}"),
            ))
        }
    }

    /// The first `n ≤ 32` variables.
    pub(crate) fn first(n: usize) -> Self {
        Self(u32::MAX.checked_shr(32 - n as u32).unwrap_or(0))
    }

    /// Bit `i` for variable `i`.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The number of variables.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the variable at this position is one of them.
    pub const fn contains(self, position: usize) -> bool {
        position < MAX_VARIABLES && self.0 >> position & 1 == 1
    }

    /// Those of either set.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of both sets.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are not in `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of them are in `other`.
    pub const fn is_subset_of(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether none of them is in `other`.
    pub const fn is_disjoint_from(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }

    /// The positions, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_VARIABLES).filter(move |i| self.0 >> i & 1 == 1)
    }
}

/// A joint law of named variables: a dense tensor of probabilities, row-major, the last variable
/// fastest.
///
/// Variable `i` has the values `0..shape[i]`. A table has at most [`MAX_VARIABLES`] variables and
/// [`MAX_CELLS`] cells; with no variables it is the sure outcome.
///
/// ```
/// use ergodic_info::Table;
///
/// // Y is X seen through a channel that errs once in four.
/// let table = Table::new(&[("x", 2), ("y", 2)], [0.375, 0.125, 0.125, 0.375])?;
/// let (x, y) = (table.variables(["x"])?, table.variables(["y"])?);
/// assert_eq!(table.marginal(x)?.probabilities().as_slice(), [0.5, 0.5]);
/// assert_eq!(table.condition("x", 0)?.probabilities().as_slice(), [0.75, 0.25]);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    names: Vec<String>,
    shape: Vec<usize>,
    law: Probabilities,
}

impl Table {
    /// A table of probabilities: names with the numbers of values, and the cells, row-major.
    ///
    /// # Errors
    /// If a name is taken twice, a variable has no values, there are too many variables or cells,
    /// the number of cells is not the product of the shape, or the cells are no law
    /// ([`Probabilities::new`]).
    pub fn new(
        variables: &[(&str, usize)],
        probabilities: impl Into<Vec<f64>>,
    ) -> Result<Self, InfoError> {
        let probabilities = probabilities.into();
        check_cells("probabilities", variables, probabilities.len())?;
        Ok(Self::build(variables, Probabilities::new(probabilities)?))
    }

    /// The table in proportion to the weights; otherwise as [`new`](Self::new).
    ///
    /// # Errors
    /// As [`new`](Self::new) for the variables, as [`Probabilities::from_weights`] for the cells.
    pub fn from_weights(
        variables: &[(&str, usize)],
        weights: impl Into<Vec<f64>>,
    ) -> Result<Self, InfoError> {
        let weights = weights.into();
        check_cells("weights", variables, weights.len())?;
        Ok(Self::build(
            variables,
            Probabilities::from_weights(weights)?,
        ))
    }

    /// The empirical law of a contingency table.
    ///
    /// # Errors
    /// As [`new`](Self::new) for the variables; if all counts are zero or they are more than 2⁵³.
    pub fn from_counts(variables: &[(&str, usize)], counts: &[u64]) -> Result<Self, InfoError> {
        check_cells("counts", variables, counts.len())?;
        let counts = crate::Counts::new(counts)?;
        let weights: Vec<f64> = counts.as_slice().iter().map(|c| *c as f64).collect();
        Ok(Self::build(
            variables,
            Probabilities::from_weights(weights)?,
        ))
    }

    /// The empirical joint law of columns of symbols: the share of each combination.
    ///
    /// What is read off it are plug-in values: biased, without an interval. The estimators of this
    /// crate answer from data.
    ///
    /// ```
    /// use ergodic_info::{Symbols, Table};
    ///
    /// let (a, b) = (Symbols::new([0, 1, 1, 1], 2)?, Symbols::new([0, 0, 1, 1], 2)?);
    /// let table = Table::from_samples(&[("a", &a), ("b", &b)])?;
    /// assert_eq!(table.probabilities().as_slice(), [0.25, 0.0, 0.25, 0.5]);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If there are no columns, their lengths differ, a name is taken twice, or the product of the
    /// alphabets is above [`MAX_CELLS`].
    pub fn from_samples(columns: &[(&str, &Symbols)]) -> Result<Self, InfoError> {
        let Some((_, first)) = columns.first() else {
            return Err(InfoError::argument(
                "columns",
                "an empty list",
                "at least one column",
            ));
        };
        let variables: Vec<(&str, usize)> = columns
            .iter()
            .map(|(name, column)| (*name, column.alphabet() as usize))
            .collect();
        let cells = cells_of(&variables)?;
        if let Some((name, column)) = columns.iter().find(|(_, c)| c.len() != first.len()) {
            return Err(InfoError::argument(
                "columns",
                format!("{name:?} with {} observations", column.len()),
                format!("as long as the first column, {}", first.len()),
            ));
        }
        let mut place = vec![0usize; first.len()];
        for (_, column) in columns {
            let alphabet = column.alphabet() as usize;
            for (place, code) in place.iter_mut().zip(column.codes()) {
                *place = *place * alphabet + *code as usize;
            }
        }
        let mut counts = vec![0.0; cells];
        for place in place {
            counts[place] += 1.0;
        }
        Ok(Self::build(
            &variables,
            Probabilities::from_weights(counts)?,
        ))
    }

    /// The joint law of independent tables, their variables in this order.
    ///
    /// ```
    /// use ergodic_info::Table;
    ///
    /// let coin = Table::new(&[("x", 2)], [0.5, 0.5])?;
    /// let die = Table::from_weights(&[("y", 6)], [1.0; 6])?;
    /// assert_eq!(Table::product(&[&coin, &die])?.shape(), [2, 6]);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If a name is taken twice or there are too many variables or cells.
    pub fn product(tables: &[&Self]) -> Result<Self, InfoError> {
        let variables: Vec<(&str, usize)> = tables.iter().flat_map(|t| t.described()).collect();
        let cells = cells_of(&variables)?;
        let mut values = Vec::with_capacity(cells);
        values.push(1.0);
        for table in tables {
            values = values
                .iter()
                .flat_map(|left| table.cells().iter().map(move |right| left * right))
                .collect();
        }
        Ok(Self::build(
            &variables,
            Probabilities::from_weights(values)?,
        ))
    }

    /// A table of what was checked.
    fn build(variables: &[(&str, usize)], law: Probabilities) -> Self {
        Self {
            names: variables.iter().map(|(n, _)| (*n).to_owned()).collect(),
            shape: variables.iter().map(|(_, s)| *s).collect(),
            law,
        }
    }

    fn described(&self) -> impl Iterator<Item = (&str, usize)> {
        self.names
            .iter()
            .map(String::as_str)
            .zip(self.shape.iter().copied())
    }

    /// The names, in the order of the axes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The numbers of values, in the order of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The joint law, row-major.
    pub fn probabilities(&self) -> &Probabilities {
        &self.law
    }

    pub(crate) fn cells(&self) -> &[f64] {
        self.law.as_slice()
    }

    /// The variables of these names.
    ///
    /// # Errors
    /// If there is no such name.
    pub fn variables<S: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Variables, InfoError> {
        let mut set = Variables::EMPTY;
        for name in names {
            set = set.union(Variables(1 << self.position(name.as_ref())?));
        }
        Ok(set)
    }

    /// All variables.
    pub fn all(&self) -> Variables {
        Variables::first(self.shape.len())
    }

    /// Each variable as a set of its own, in the order of the axes.
    pub fn each(&self) -> Vec<Variables> {
        (0..self.shape.len()).map(|i| Variables(1 << i)).collect()
    }

    fn position(&self, name: &str) -> Result<usize, InfoError> {
        self.names.iter().position(|n| n == name).ok_or_else(|| {
            InfoError::argument(
                "variable",
                format!("{name:?}"),
                format!("one of {:?}", self.names),
            )
        })
    }

    /// Whether the sets are sets of this table's variables.
    pub(crate) fn check(
        &self,
        argument: &'static str,
        variables: Variables,
    ) -> Result<(), InfoError> {
        if variables.is_subset_of(self.all()) {
            Ok(())
        } else {
            Err(InfoError::argument(
                argument,
                format!("a set with the bits {:#b}", variables.bits()),
                format!("a set of the table's {} variables", self.shape.len()),
            ))
        }
    }

    /// The number of joint values of some variables; 1 of none.
    ///
    /// # Errors
    /// If one of them is not of this table.
    pub fn size(&self, variables: Variables) -> Result<usize, InfoError> {
        self.check("variables", variables)?;
        Ok(self.size_of(variables))
    }

    pub(crate) fn size_of(&self, variables: Variables) -> usize {
        variables.iter().map(|i| self.shape[i]).product()
    }

    /// The probability of one joint value.
    ///
    /// # Errors
    /// If it has not one value per variable, or one is not below the variable's size.
    pub fn probability(&self, values: &[usize]) -> Result<f64, InfoError> {
        if values.len() != self.shape.len() {
            return Err(InfoError::argument(
                "values",
                format!("a list of {} values", values.len()),
                format!("one value for each of {} variables", self.shape.len()),
            ));
        }
        let mut place = 0;
        for (i, value) in values.iter().enumerate() {
            self.check_value(i, *value)?;
            place = place * self.shape[i] + value;
        }
        Ok(self.cells()[place])
    }

    fn check_value(&self, position: usize, value: usize) -> Result<(), InfoError> {
        if value < self.shape[position] {
            Ok(())
        } else {
            Err(InfoError::argument(
                "value",
                format!("{value} of {:?}", self.names[position]),
                format!("below its size, {}", self.shape[position]),
            ))
        }
    }

    /// The law of some variables, the others summed out; the order of the axes stays.
    ///
    /// Sums are compensated. Cost: the size of the table.
    ///
    /// # Errors
    /// If one of them is not of this table.
    pub fn marginal(&self, variables: Variables) -> Result<Self, InfoError> {
        self.check("variables", variables)?;
        let described: Vec<(&str, usize)> = self
            .described()
            .enumerate()
            .filter_map(|(i, v)| variables.contains(i).then_some(v))
            .collect();
        let law = Probabilities::from_weights(self.marginal_cells(variables).into_owned())?;
        Ok(Self::build(&described, law))
    }

    /// The cells of a marginal, as summed: not divided by their sum again.
    pub(crate) fn marginal_cells(&self, variables: Variables) -> std::borrow::Cow<'_, [f64]> {
        let mut cells = std::borrow::Cow::Borrowed(self.cells());
        let mut shape = self.shape.clone();
        let mut kept: Vec<bool> = (0..shape.len()).map(|i| variables.contains(i)).collect();
        // Runs of neighbours go in one sweep, the fastest axes first.
        while let Some(last) = kept.iter().rposition(|k| !k) {
            let first = kept[..last].iter().rposition(|k| *k).map_or(0, |i| i + 1);
            let summed: usize = shape[first..=last].iter().product();
            let inner: usize = shape[last + 1..].iter().product();
            if summed > 1 {
                cells = std::borrow::Cow::Owned(sum_axis(&cells, summed, inner));
            }
            shape.drain(first..=last);
            kept.drain(first..=last);
        }
        cells
    }

    /// The joint law of disjoint groups of variables as a tensor with one axis per group, in this
    /// order; the other variables are summed out. Within a group the order of the table stays.
    pub(crate) fn grouped(&self, groups: &[Variables]) -> Vec<f64> {
        let all = groups.iter().fold(Variables::EMPTY, |a, g| a.union(*g));
        let cells = self.marginal_cells(all);
        let order: Vec<usize> = groups.iter().flat_map(|g| g.iter()).collect();
        self.reordered(&cells, all, &order)
    }

    /// The cells of the marginal `kept`, with the axes at these positions in this order.
    fn reordered(&self, cells: &[f64], kept: Variables, order: &[usize]) -> Vec<f64> {
        if order.is_sorted() {
            return cells.to_vec();
        }
        // The stride of each kept variable in `cells`.
        let mut strides = [0usize; MAX_VARIABLES];
        let mut stride = 1;
        for i in kept.iter().collect::<Vec<_>>().into_iter().rev() {
            strides[i] = stride;
            stride *= self.shape[i];
        }
        let mut places = vec![0usize];
        places.reserve(cells.len());
        for i in order {
            places = places
                .iter()
                .flat_map(|place| (0..self.shape[*i]).map(move |v| place + v * strides[*i]))
                .collect();
        }
        places.into_iter().map(|place| cells[place]).collect()
    }

    /// The law of these variables with the axes in this order, the others summed out.
    ///
    /// ```
    /// use ergodic_info::Table;
    ///
    /// let table = Table::new(&[("x", 2), ("y", 2)], [0.1, 0.2, 0.3, 0.4])?;
    /// let turned = table.ordered(["y", "x"])?;
    /// assert_eq!(turned.probability(&[0, 1])?, 0.3);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such name or one is given twice.
    pub fn ordered<S: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, InfoError> {
        let mut order = Vec::new();
        let mut kept = Variables::EMPTY;
        for name in names {
            let position = self.position(name.as_ref())?;
            if kept.contains(position) {
                return Err(InfoError::argument(
                    "names",
                    format!("a list with {:?} twice", name.as_ref()),
                    "a list of different names",
                ));
            }
            kept = kept.union(Variables(1 << position));
            order.push(position);
        }
        let cells = self.reordered(&self.marginal_cells(kept), kept, &order);
        let described: Vec<(&str, usize)> = order
            .iter()
            .map(|i| (self.names[*i].as_str(), self.shape[*i]))
            .collect();
        Ok(Self::build(&described, Probabilities::from_weights(cells)?))
    }

    /// The law of the other variables given that this one has this value. Cost: the size of the
    /// table.
    ///
    /// # Errors
    /// If there is no such variable or value, or the value has probability zero.
    pub fn condition(&self, name: &str, value: usize) -> Result<Self, InfoError> {
        let position = self.position(name)?;
        self.check_value(position, value)?;
        let inner: usize = self.shape[position + 1..].iter().product();
        let size = self.shape[position];
        let cells: Vec<f64> = self
            .cells()
            .chunks_exact(size * inner)
            .flat_map(|block| &block[value * inner..(value + 1) * inner])
            .copied()
            .collect();
        let described: Vec<(&str, usize)> = self
            .described()
            .enumerate()
            .filter_map(|(i, v)| (i != position).then_some(v))
            .collect();
        if cells.iter().all(|c| *c == 0.0) {
            return Err(InfoError::argument(
                "value",
                format!("{value} of {name:?}, which has probability zero"),
                "a value of positive probability",
            ));
        }
        Ok(Self::build(&described, from_masses(cells)?))
    }

    /// The channel P(to | from): one row per joint value of `from`, one column per joint value of
    /// `to`, the order of the axes within each.
    ///
    /// A value of `from` with probability zero has no conditional law; its row is the marginal law
    /// of `to`, and any other would give the same joint law. Cost: the size of the table.
    ///
    /// # Errors
    /// If a variable is not of this table or is on both sides.
    pub fn channel(&self, from: Variables, to: Variables) -> Result<DMatrix<f64>, InfoError> {
        self.check("from", from)?;
        self.check("to", to)?;
        disjoint("to", to, from)?;
        let columns = self.size_of(to);
        let marginal = self.marginal(to)?;
        let joint = self.grouped(&[from, to]);
        let mut rows = Vec::with_capacity(joint.len());
        for row in joint.chunks_exact(columns) {
            if row.iter().all(|c| *c == 0.0) {
                rows.extend_from_slice(marginal.cells());
            } else {
                rows.extend_from_slice(from_masses(row.to_vec())?.as_slice());
            }
        }
        Ok(DMatrix::from_row_iterator(
            self.size_of(from),
            columns,
            rows,
        ))
    }

    /// The joint law with one more variable, the answer of a channel that sees `from` alone: row
    /// `i` of the channel is the law of the new variable given the `i`th joint value of `from`.
    /// Cost: the size of the result.
    ///
    /// ```
    /// use ergodic_info::Table;
    /// use nalgebra::DMatrix;
    ///
    /// let coin = Table::new(&[("x", 2)], [0.5, 0.5])?;
    /// let noise = DMatrix::from_row_slice(2, 2, &[0.75, 0.25, 0.25, 0.75]);
    /// let pair = coin.through(coin.all(), &noise, "y")?;
    /// assert_eq!(pair.probabilities().as_slice(), [0.375, 0.125, 0.125, 0.375]);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If a variable is not of this table, the channel has not one row per value of `from`, an
    /// entry is negative or not finite, a row's sum is off 1 by more than 1e-9, the name is taken,
    /// or the result is too large.
    pub fn through(
        &self,
        from: Variables,
        channel: &DMatrix<f64>,
        name: &str,
    ) -> Result<Self, InfoError> {
        self.check("from", from)?;
        let rows = stochastic_rows("channel", channel)?;
        if channel.nrows() != self.size_of(from) {
            return Err(InfoError::argument(
                "channel",
                format!("a matrix of {} rows", channel.nrows()),
                format!("a matrix of {} rows, one per input", self.size_of(from)),
            ));
        }
        let mut variables: Vec<(&str, usize)> = self.described().collect();
        variables.push((name, channel.ncols()));
        let cells = cells_of(&variables)?;
        // The row that each cell looks up.
        let mut row = vec![0usize];
        for (i, size) in self.shape.iter().enumerate() {
            row = row
                .iter()
                .flat_map(|r| {
                    (0..*size).map(move |v| if from.contains(i) { r * size + v } else { *r })
                })
                .collect();
        }
        let mut values = Vec::with_capacity(cells);
        for (cell, row) in self.cells().iter().zip(row) {
            values.extend(rows[row].as_slice().iter().map(|p| cell * p));
        }
        Ok(Self::build(
            &variables,
            Probabilities::from_weights(values)?,
        ))
    }
}

impl fmt::Display for Table {
    /// The variables and their sizes: `P(x: 2, y: 3)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P(")?;
        for (i, (name, size)) in self.described().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{name}: {size}")?;
        }
        f.write_str(")")
    }
}

/// The law in proportion to masses of which one is positive; they may be so small that their
/// reciprocal overflows.
pub(crate) fn from_masses(mut masses: Vec<f64>) -> Result<Probabilities, InfoError> {
    let largest = masses.iter().fold(0.0, |m: f64, x| m.max(*x));
    if largest < 1e-290 {
        for mass in &mut masses {
            *mass /= largest;
        }
    }
    Probabilities::from_weights(masses)
}

/// The rows of a row-stochastic matrix, each divided by its sum.
pub(crate) fn stochastic_rows(
    argument: &'static str,
    matrix: &DMatrix<f64>,
) -> Result<Vec<Probabilities>, InfoError> {
    matrix
        .row_iter()
        .enumerate()
        .map(|(i, row)| {
            let row: Vec<f64> = row.iter().copied().collect();
            let total = total_of(argument, &row)?;
            if (total - 1.0).abs() > ROW_TOLERANCE {
                return Err(InfoError::argument(
                    argument,
                    format!("a matrix whose row {i} sums to {total}"),
                    "a matrix whose rows sum to 1",
                ));
            }
            Probabilities::new(row)
        })
        .collect()
}

/// Whether two sets have no variable in common.
pub(crate) fn disjoint(
    argument: &'static str,
    set: Variables,
    other: Variables,
) -> Result<(), InfoError> {
    if set.is_disjoint_from(other) {
        Ok(())
    } else {
        Err(InfoError::argument(
            argument,
            format!("a set with the bits {:#b}", set.bits()),
            format!("disjoint from the set {:#b}", other.bits()),
        ))
    }
}

/// `out[o, i] = Σ_s in[o, s, i]`, compensated.
pub(crate) fn sum_axis(cells: &[f64], summed: usize, inner: usize) -> Vec<f64> {
    if summed == 1 {
        return cells.to_vec();
    }
    let mut out = Vec::with_capacity(cells.len() / summed);
    if summed == 2 {
        // One rounding each: nothing to compensate.
        for block in cells.chunks_exact(2 * inner) {
            let (left, right) = block.split_at(inner);
            out.extend(left.iter().zip(right).map(|(left, right)| left + right));
        }
        return out;
    }
    if inner == 1 {
        out.extend(cells.chunks_exact(summed).map(reduce::sum));
        return out;
    }
    let mut tails = vec![0.0; inner];
    for block in cells.chunks_exact(summed * inner) {
        let start = out.len();
        out.extend_from_slice(&block[..inner]);
        let heads = &mut out[start..];
        tails.fill(0.0);
        for row in block[inner..].chunks_exact(inner) {
            for ((head, tail), value) in heads.iter_mut().zip(&mut tails).zip(row) {
                let (sum, error) = reduce::two_sum(*head, *value);
                *head = sum;
                *tail += error;
            }
        }
        for (head, tail) in heads.iter_mut().zip(&tails) {
            *head += tail;
        }
    }
    out
}

/// The number of cells, if the variables can make a table.
fn cells_of(variables: &[(&str, usize)]) -> Result<usize, InfoError> {
    if variables.len() > MAX_VARIABLES {
        return Err(InfoError::argument(
            "variables",
            format!("a list of {}", variables.len()),
            format!("a list of at most {MAX_VARIABLES}"),
        ));
    }
    let mut cells = 1usize;
    for (i, (name, size)) in variables.iter().enumerate() {
        if variables[..i].iter().any(|(other, _)| other == name) {
            return Err(InfoError::argument(
                "variables",
                format!("a list with {name:?} twice"),
                "a list of different names",
            ));
        }
        if *size == 0 {
            return Err(InfoError::argument(
                "variables",
                format!("a list where {name:?} has no values"),
                "a list of variables with at least one value each",
            ));
        }
        cells = cells
            .checked_mul(*size)
            .filter(|cells| *cells <= MAX_CELLS)
            .ok_or_else(|| {
                InfoError::argument(
                    "variables",
                    format!("a list whose table passes {MAX_CELLS} cells at {name:?}"),
                    format!("a list whose sizes multiply to at most {MAX_CELLS}"),
                )
            })?;
    }
    Ok(cells)
}

fn check_cells(
    argument: &'static str,
    variables: &[(&str, usize)],
    found: usize,
) -> Result<(), InfoError> {
    let cells = cells_of(variables)?;
    if found == cells {
        Ok(())
    } else {
        Err(InfoError::argument(
            argument,
            format!("a list of {found} numbers"),
            format!("{cells} long, the product of the variables' sizes"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument<T: fmt::Debug>(result: Result<T, InfoError>) -> &'static str {
        match result.unwrap_err() {
            InfoError::Argument(error) => error.argument,
            other => panic!("{other}"),
        }
    }

    /// Cells 1/120·(1, 2, …), so that every sum is known.
    fn three() -> Table {
        let weights: Vec<f64> = (1..=24).map(f64::from).collect();
        Table::from_weights(&[("a", 2), ("b", 3), ("c", 4)], weights).unwrap()
    }

    #[test]
    fn bad_tables_name_their_argument() {
        let two = &[("x", 2), ("y", 2)];
        assert_eq!(argument(Table::new(two, [1.0])), "probabilities");
        assert_eq!(
            argument(Table::new(two, [0.5, 0.5, 0.5, 0.5])),
            "probabilities"
        );
        assert_eq!(
            argument(Table::new(two, [1.5, -0.5, 0.0, 0.0])),
            "probabilities"
        );
        assert_eq!(argument(Table::from_weights(two, [1.0])), "weights");
        assert_eq!(argument(Table::from_weights(two, [0.0; 4])), "weights");
        assert_eq!(argument(Table::from_counts(two, &[1])), "counts");
        assert_eq!(argument(Table::from_counts(two, &[0; 4])), "counts");
        let none: [f64; 0] = [];
        assert_eq!(argument(Table::new(&[("x", 0)], none)), "variables");
        assert_eq!(
            argument(Table::new(&[("x", 1), ("x", 1)], [1.0])),
            "variables"
        );
        let huge = [("x", usize::MAX), ("y", 2)];
        assert_eq!(argument(Table::new(&huge, [1.0])), "variables");
        let names: Vec<String> = (0..33).map(|i| i.to_string()).collect();
        let many: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), 1)).collect();
        assert_eq!(argument(Table::new(&many, [1.0])), "variables");
        assert_eq!(argument(Table::from_samples(&[])), "columns");
        let (one, other) = (
            Symbols::new([0, 1], 2).unwrap(),
            Symbols::new([0], 2).unwrap(),
        );
        assert_eq!(
            argument(Table::from_samples(&[("x", &one), ("y", &other)])),
            "columns"
        );
        let wide = Symbols::new([0, 1], 1 << 20).unwrap();
        assert_eq!(
            argument(Table::from_samples(&[("x", &wide), ("y", &wide)])),
            "variables"
        );
    }

    #[test]
    fn bad_questions_name_their_argument() {
        let table = three();
        assert_eq!(argument(table.variables(["d"])), "variable");
        let other = Variables::single(3).unwrap();
        assert_eq!(argument(Variables::single(32)), "position");
        assert_eq!(argument(table.marginal(other)), "variables");
        assert_eq!(argument(table.size(other)), "variables");
        assert_eq!(argument(table.condition("d", 0)), "variable");
        assert_eq!(argument(table.condition("a", 2)), "value");
        assert_eq!(argument(table.probability(&[0, 0])), "values");
        assert_eq!(argument(table.probability(&[0, 3, 0])), "value");
        assert_eq!(argument(table.ordered(["a", "a"])), "names");
        let a = table.variables(["a"]).unwrap();
        assert_eq!(argument(table.channel(other, a)), "from");
        assert_eq!(argument(table.channel(a, other)), "to");
        assert_eq!(argument(table.channel(a, a)), "to");
        let wide = DMatrix::from_element(3, 2, 0.5);
        assert_eq!(argument(table.through(a, &wide, "d")), "channel");
        let leaky = DMatrix::from_element(2, 2, 0.4);
        assert_eq!(argument(table.through(a, &leaky, "d")), "channel");
        let negative = DMatrix::from_row_slice(2, 2, &[1.5, -0.5, 0.5, 0.5]);
        assert_eq!(argument(table.through(a, &negative, "d")), "channel");
        let fine = DMatrix::from_element(2, 2, 0.5);
        assert_eq!(argument(table.through(a, &fine, "b")), "variables");
        let sure = Table::new(&[("x", 2)], [1.0, 0.0]).unwrap();
        assert_eq!(argument(sure.condition("x", 1)), "value");
        assert_eq!(argument(Table::product(&[&sure, &sure])), "variables");
    }

    #[test]
    fn marginals_sum_the_other_variables_out() {
        let table = three();
        let sum = |f: &dyn Fn(usize, usize, usize) -> bool| -> f64 {
            let mut total = 0.0;
            for a in 0..2 {
                for b in 0..3 {
                    for c in 0..4 {
                        if f(a, b, c) {
                            total += (1 + c + 4 * (b + 3 * a)) as f64 / 300.0;
                        }
                    }
                }
            }
            total
        };
        let close = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        };
        let m = |names: &[&str]| table.marginal(table.variables(names).unwrap()).unwrap();
        for v in 0..2 {
            close(m(&["a"]).probability(&[v]).unwrap(), sum(&|a, _, _| a == v));
        }
        for v in 0..3 {
            close(m(&["b"]).probability(&[v]).unwrap(), sum(&|_, b, _| b == v));
        }
        for v in 0..4 {
            close(m(&["c"]).probability(&[v]).unwrap(), sum(&|_, _, c| c == v));
        }
        for (u, v) in [(0, 0), (1, 2), (0, 3), (1, 3)] {
            let p = m(&["a", "c"]).probability(&[u, v]).unwrap();
            close(p, sum(&|a, _, c| a == u && c == v));
            let turned = table.ordered(["c", "a"]).unwrap();
            assert_eq!(turned.probability(&[v, u]).unwrap(), p);
        }
        let nothing = table.marginal(Variables::EMPTY).unwrap();
        assert_eq!(nothing.probabilities().as_slice(), [1.0]);
        assert_eq!(table.marginal(table.all()).unwrap(), table);
        let turned = table.ordered(["c", "a", "b"]).unwrap();
        for (a, b, c) in [(0, 1, 2), (1, 2, 3), (1, 0, 0)] {
            assert_eq!(
                turned.probability(&[c, a, b]).unwrap(),
                table.probability(&[a, b, c]).unwrap()
            );
        }
    }

    #[test]
    fn conditioning_divides_the_joint_law_by_the_marginal() {
        let table = three();
        let b = table.marginal(table.variables(["b"]).unwrap()).unwrap();
        for v in 0..3 {
            let given = table.condition("b", v).unwrap();
            assert_eq!(given.names(), ["a", "c"]);
            for (a, c) in [(0, 0), (1, 3), (0, 2)] {
                let product = given.probability(&[a, c]).unwrap() * b.probability(&[v]).unwrap();
                let joint = table.probability(&[a, v, c]).unwrap();
                assert!((product - joint).abs() < 1e-16, "{product} {joint}");
            }
        }
    }

    #[test]
    fn a_law_is_its_marginal_through_its_channel() {
        let table = three();
        let (ab, c) = (
            table.variables(["a", "b"]).unwrap(),
            table.variables(["c"]).unwrap(),
        );
        let channel = table.channel(ab, c).unwrap();
        assert_eq!(channel.shape(), (6, 4));
        let again = table
            .marginal(ab)
            .unwrap()
            .through(ab, &channel, "c")
            .unwrap();
        for (x, y) in table.cells().iter().zip(again.cells()) {
            assert!((x - y).abs() < 1e-16, "{x} {y}");
        }
        // A channel from a variable that is not the last one, with a zero row.
        let holes = Table::new(&[("x", 2), ("y", 2)], [0.25, 0.0, 0.75, 0.0]).unwrap();
        let (x, y) = (Variables::from_bits(1), Variables::from_bits(2));
        let back = holes.channel(y, x).unwrap();
        assert_eq!(
            back.row(0).iter().copied().collect::<Vec<_>>(),
            [0.25, 0.75]
        );
        assert_eq!(back.row(1), back.row(0));
    }

    #[test]
    fn samples_and_counts_give_shares() {
        let x = Symbols::new([0, 1, 1, 0, 1], 2).unwrap();
        let y = Symbols::new([2, 0, 0, 2, 1], 3).unwrap();
        let table = Table::from_samples(&[("x", &x), ("y", &y)]).unwrap();
        assert_eq!(table.probability(&[0, 2]).unwrap(), 0.4);
        assert_eq!(table.probability(&[1, 0]).unwrap(), 0.4);
        let counts = [0, 0, 2, 2, 1, 0];
        assert_eq!(
            Table::from_counts(&[("x", 2), ("y", 3)], &counts).unwrap(),
            table
        );
        assert_eq!(table.to_string(), "P(x: 2, y: 3)");
    }

    #[test]
    fn conditioning_on_a_tiny_probability_keeps_the_law() {
        let t = Table::from_weights(&[("x", 2), ("y", 2)], [1e-310, 3e-310, 0.5, 0.5]).unwrap();
        let given = t.condition("x", 0).unwrap();
        assert!((given.probability(&[1]).unwrap() - 0.75).abs() < 1e-9);
    }

    #[test]
    fn sets_obey_boolean_algebra() {
        let (a, b) = (Variables::from_bits(0b0110), Variables::from_bits(0b0011));
        assert_eq!(a.union(b).bits(), 0b0111);
        assert_eq!(a.intersection(b).bits(), 0b0010);
        assert_eq!(a.without(b).bits(), 0b0100);
        assert_eq!((a.len(), a.iter().collect::<Vec<_>>()), (2, vec![1, 2]));
        assert!(a.intersection(b).is_subset_of(a) && !a.is_disjoint_from(b));
        assert!(a.contains(1) && !a.contains(0) && !a.contains(40));
        assert_eq!(Variables::first(32).len(), 32);
        assert_eq!(Variables::first(0), Variables::EMPTY);
    }
}
