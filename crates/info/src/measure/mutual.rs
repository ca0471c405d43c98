//! Mutual information between sets of variables of a table, also given others.

use super::{Total, entropy::Entropy, log_ratio, relative_term};
use crate::{InfoError, Information, Shannon, Table, Variables};

/// The mutual information `I(X; Y) = Σ p(x, y) log[p(x, y)/(p(x) p(y))]`, in nats or bits.
///
/// How much one of two sets of variables tells about the other: symmetric, between 0 and the
/// smaller of the two entropies, 0 exactly if one of them is constant and to some 1e-32 if they
/// are independent to rounding. The sets may overlap; `I(X; X) = H(X)`.
///
/// Summed as `Σ [p log(p/q) − p + q]` with `q = p(x) p(y)`, terms never negative: relative error
/// about `ε` over the relative size of `p/q − 1`, so weak dependence keeps its figures, which a
/// difference of entropies loses. O(cells of X × cells of Y). Shannon (1948); Cover and Thomas
/// (2006), ch. 2.
///
/// Not for a table of observed shares: the value is biased upward by about `(|X| − 1)(|Y| −
/// 1)/(2N)`, also of independent columns; the estimators of this crate answer from data. Not a
/// direction: for that see [`TransferEntropy`](crate::TransferEntropy).
///
/// ```
/// use ergodic_info::{MutualInformation, Table};
///
/// // A binary symmetric channel with error ¼, uniform input: log 2 − h(¼).
/// let table = Table::new(&[("x", 2), ("y", 2)], [0.375, 0.125, 0.125, 0.375])?;
/// let (x, y) = (table.variables(["x"])?, table.variables(["y"])?);
/// let bits = MutualInformation::new(x, y).of(&table)?.bits();
/// assert!((bits - (0.75 * 3f64.log2() - 1.0)).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MutualInformation {
    x: Variables,
    y: Variables,
}

impl MutualInformation {
    /// Between two sets of variables.
    pub const fn new(x: Variables, y: Variables) -> Self {
        Self { x, y }
    }

    /// The same, given a third set.
    pub const fn given(self, z: Variables) -> ConditionalMutualInformation {
        ConditionalMutualInformation::new(self.x, self.y, z)
    }

    /// The mutual information in this law.
    ///
    /// # Errors
    /// If a variable is not of the table.
    pub fn of(&self, table: &Table) -> Result<Information, InfoError> {
        self.given(Variables::EMPTY).of(table)
    }
}

/// The conditional mutual information `I(X; Y|Z) = Σ_z p(z) I(X; Y|Z = z)`, in nats or bits.
///
/// What X and Y tell about each other once Z is known: never negative, 0 exactly where Z fixes
/// either of them. It may be larger or smaller than `I(X; Y)`. The sets may overlap; what is in Z
/// is known.
///
/// Error and cost as [`MutualInformation`], over the cells of all three. Cover and Thomas (2006),
/// §2.5. Not evidence of cause by itself: conditioning on a common effect makes independent causes
/// dependent.
///
/// ```
/// use ergodic_info::{MutualInformation, Table};
///
/// // z = x xor y of two coins: independent, but not once z is known.
/// let xor = [0.25, 0.0, 0.0, 0.25, 0.0, 0.25, 0.25, 0.0];
/// let table = Table::new(&[("x", 2), ("y", 2), ("z", 2)], xor)?;
/// let [x, y, z] = ["x", "y", "z"].map(|name| table.variables([name]).unwrap());
/// let between = MutualInformation::new(x, y);
/// assert_eq!(between.of(&table)?.bits(), 0.0);
/// assert!((between.given(z).of(&table)?.bits() - 1.0).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionalMutualInformation {
    x: Variables,
    y: Variables,
    z: Variables,
}

impl ConditionalMutualInformation {
    /// Between `x` and `y`, given `z`.
    pub const fn new(x: Variables, y: Variables, z: Variables) -> Self {
        Self { x, y, z }
    }

    /// The conditional mutual information in this law.
    ///
    /// # Errors
    /// If a variable is not of the table.
    pub fn of(&self, table: &Table) -> Result<Information, InfoError> {
        table.check("x", self.x)?;
        table.check("y", self.y)?;
        table.check("z", self.z)?;
        let (x, y) = (self.x.without(self.z), self.y.without(self.z));
        // I(X, C; Y, C|Z) = H(C|Z) + I(X; Y|Z, C).
        let both = x.intersection(y);
        let (x, y, z) = (x.without(both), y.without(both), self.z.union(both));
        let mut information = Information::ZERO;
        if !both.is_empty() {
            information += Shannon.conditional(table, both, self.z)?;
        }
        if !(x.is_empty() || y.is_empty()) {
            let cells = table.grouped(&[z, x, y]);
            let nats = conditional_nats(&cells, table.size_of(x), table.size_of(y));
            information += Information::from_nats(nats);
        }
        Ok(information)
    }
}

/// `I(X; Y|Z)` in nats of a joint law as a tensor `[z][x][y]`.
pub(crate) fn conditional_nats(cells: &[f64], rows: usize, columns: usize) -> f64 {
    if rows == 1 || columns == 1 {
        return 0.0;
    }
    let mut sum = Total::default();
    let mut of_column = vec![Total::default(); columns];
    let mut share = vec![0.0; columns];
    let mut of_row = vec![0.0; rows];
    for slice in cells.chunks_exact(rows * columns) {
        of_column.fill(Total::default());
        let mut mass = Total::default();
        for (row, of_row) in slice.chunks_exact(columns).zip(&mut of_row) {
            let mut total = Total::default();
            for (p, of_column) in row.iter().zip(&mut of_column) {
                total.add(*p);
                of_column.add(*p);
            }
            *of_row = total.value();
            mass.add(*of_row);
        }
        let mass = mass.value();
        for (share, of_column) in share.iter_mut().zip(&of_column) {
            *share = of_column.value();
        }
        let several = |margin: &[f64]| margin.iter().filter(|p| **p > 0.0).nth(1).is_some();
        // A constant tells nothing, exactly; so does a value of Z that never occurs.
        if !(several(&of_row) && several(&share)) {
            continue;
        }
        for share in &mut share {
            *share /= mass;
        }
        for (row, of_row) in slice.chunks_exact(columns).zip(&of_row) {
            if *of_row == 0.0 {
                continue;
            }
            for (p, share) in row.iter().zip(&share) {
                let q = of_row * share;
                sum.add(if *p == 0.0 {
                    q
                } else if q.is_normal() {
                    relative_term(*p, q, q - p)
                } else {
                    // The product left the range of f64, its logarithm does not.
                    p * (log_ratio(*p, *of_row) - ergodic_math::Real::ln(*share)) + (q - p)
                });
            }
        }
    }
    sum.value()
}

/// The variation of information `VI(X; Y) = H(X|Y) + H(Y|X) = H(X, Y) − I(X; Y)`, in nats or bits:
/// a metric between random variables on one space, as between two clusterings of one set.
///
/// 0 exactly if each determines the other. Relative error a few ulp; O(cells of X × cells of Y).
/// Meilă, *J. Multivar. Anal.* 98 (2007). Not bounded by the number of clusters alone: it grows up
/// to `log N`; compare clusterings of the same set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariationOfInformation {
    x: Variables,
    y: Variables,
}

impl VariationOfInformation {
    /// Between two sets of variables.
    pub const fn new(x: Variables, y: Variables) -> Self {
        Self { x, y }
    }

    /// The variation of information in this law.
    ///
    /// # Errors
    /// If a variable is not of the table.
    pub fn of(&self, table: &Table) -> Result<Information, InfoError> {
        table.check("x", self.x)?;
        table.check("y", self.y)?;
        Ok(Shannon.conditional(table, self.x, self.y)?
            + Shannon.conditional(table, self.y, self.x)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Information, expected: f64, relative: f64) {
        let found = found.nats();
        assert!(
            (found - expected).abs() <= relative * expected.abs(),
            "{found:e} is not {expected:e}"
        );
    }

    fn pair(shape: [usize; 2], weights: &[f64]) -> Table {
        Table::from_weights(&[("x", shape[0]), ("y", shape[1])], weights).unwrap()
    }

    const X: Variables = Variables::from_bits(1);
    const Y: Variables = Variables::from_bits(2);
    const Z: Variables = Variables::from_bits(4);

    #[test]
    fn constants_share_exactly_nothing() {
        // Weights whose sums round.
        let weights: Vec<f64> = (1..=7).map(|i| 0.1 * f64::from(i)).collect();
        let table = pair([7, 1], &weights);
        assert_eq!(MutualInformation::new(X, Y).of(&table).unwrap().nats(), 0.0);
        // Two values of y of which one never occurs.
        let mut padded = vec![0.0; 14];
        for (i, w) in weights.iter().enumerate() {
            padded[2 * i + 1] = *w;
        }
        let table = pair([7, 2], &padded);
        assert_eq!(MutualInformation::new(X, Y).of(&table).unwrap().nats(), 0.0);
        assert_eq!(MutualInformation::new(Y, X).of(&table).unwrap().nats(), 0.0);
    }

    #[test]
    fn independent_variables_share_nothing_beyond_rounding_squared() {
        let x = Table::from_weights(&[("x", 5)], [0.1, 0.7, 0.3, 0.9, 1.3]).unwrap();
        let y = Table::from_weights(&[("y", 3)], [0.2, 0.3, 0.7]).unwrap();
        let table = Table::product(&[&x, &y]).unwrap();
        let nats = MutualInformation::new(X, Y).of(&table).unwrap().nats();
        assert!((0.0..1e-30).contains(&nats), "{nats:e}");
    }

    #[test]
    fn weak_dependence_keeps_its_figures() {
        // ¼(1 ± ε): I = ½[(1+ε) log(1+ε) + (1−ε) log(1−ε)] = Σ ε^{2j}/(2j(2j−1)).
        for k in [3, 10, 25, 40] {
            let e = 2f64.powi(-k);
            let (same, other) = (0.25 * (1.0 + e), 0.25 * (1.0 - e));
            let table = pair([2, 2], &[same, other, other, same]);
            let expected: f64 = (1..40)
                .rev()
                .map(|j| e.powi(2 * j) / f64::from(2 * j * (2 * j - 1)))
                .sum();
            close(
                MutualInformation::new(X, Y).of(&table).unwrap(),
                expected,
                2e-15,
            );
        }
    }

    #[test]
    fn a_set_tells_its_entropy_about_itself() {
        let weights: Vec<f64> = (1..=12).map(f64::from).collect();
        let shape = [("x", 2), ("y", 3), ("z", 2)];
        let table = Table::from_weights(&shape, weights).unwrap();
        let h = Shannon.joint(&table, X).unwrap().nats();
        close(MutualInformation::new(X, X).of(&table).unwrap(), h, 1e-15);
        // I(X, Y; Y, Z) = H(Y) + I(X; Z|Y)
        let overlap = MutualInformation::new(X.union(Y), Y.union(Z))
            .of(&table)
            .unwrap();
        let parts = Shannon.joint(&table, Y).unwrap()
            + MutualInformation::new(X, Z).given(Y).of(&table).unwrap();
        close(overlap, parts.nats(), 1e-15);
        // What is given is known.
        let known = MutualInformation::new(X, Y).given(X).of(&table).unwrap();
        assert_eq!(known.nats(), 0.0);
        let nothing = MutualInformation::new(X, Variables::EMPTY)
            .of(&table)
            .unwrap();
        assert_eq!(nothing.nats(), 0.0);
    }

    #[test]
    fn products_below_the_range_of_f64_stay_finite() {
        let table = pair([2, 2], &[1.0, 0.0, 0.0, 1e-200]);
        let found = MutualInformation::new(X, Y).of(&table).unwrap();
        // H(Y) of the rare outcome: −ε log ε + ε.
        close(found, 1e-200 * (200.0 * 10f64.ln() + 1.0), 1e-12);
    }

    #[test]
    fn equal_variables_have_no_variation() {
        let table = pair([3, 3], &[0.1, 0.0, 0.0, 0.0, 0.0, 0.3, 0.0, 0.7, 0.0]);
        let vi = VariationOfInformation::new(X, Y).of(&table).unwrap();
        assert_eq!(vi.nats(), 0.0);
        let coins = pair([2, 2], &[1.0; 4]);
        let vi = VariationOfInformation::new(X, Y).of(&coins).unwrap();
        assert!((vi.bits() - 2.0).abs() < 1e-15);
    }

    #[test]
    fn sets_of_other_tables_are_named() {
        let table = pair([2, 2], &[1.0; 4]);
        let text = |r: Result<Information, InfoError>| r.unwrap_err().to_string();
        assert!(text(MutualInformation::new(Z, Y).of(&table)).starts_with("x "));
        assert!(text(MutualInformation::new(X, Z).of(&table)).starts_with("y "));
        let given = MutualInformation::new(X, Y).given(Z);
        assert!(text(given.of(&table)).starts_with("z "));
        assert!(text(VariationOfInformation::new(X, Z).of(&table)).starts_with("y "));
    }
}
