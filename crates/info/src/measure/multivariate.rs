//! Information among many variables: what they share, how redundantly, and the entropies of all
//! their marginals.
//!
//! With X₁, …, Xₙ the variables (or disjoint groups of them) and X₋ᵢ all but the i-th:
//!
//! | measure | formula | sign |
//! |---|---|---|
//! | [`TotalCorrelation`] | `TC = Σ H(Xᵢ) − H(X)` | ≥ 0 |
//! | [`DualTotalCorrelation`] | `DTC = H(X) − Σ H(Xᵢ \| X₋ᵢ)` | ≥ 0 |
//! | [`OInformation`] | `Ω = TC − DTC` | + redundancy, − synergy |
//! | [`SInformation`] | `Σ = TC + DTC = Σ I(Xᵢ; X₋ᵢ)` | ≥ 0 |
//! | [`CoInformation`] | `−Σ_T (−1)^{#T} H(X_T)` over sets T of variables | any |
//!
//! Of two variables all but Ω (which is 0) and Σ (twice) are their mutual information.

use ergodic_math::Real;
use ergodic_math::simd::{Vectorize, vectorize};

use super::entropy::entropy_nats;
use super::mutual::conditional_nats;
use super::{Total, relative_term};
use crate::table::{disjoint, sum_axis};
use crate::{InfoError, Information, Table, Variables};

/// The most variables whose 2ⁿ marginals are asked for at once: the answer has 2ⁿ numbers.
pub const MAX_LATTICE: usize = 24;

/// Disjoint groups as the axes of a tensor.
struct Groups {
    cells: Vec<f64>,
    shape: Vec<usize>,
}

impl Groups {
    fn new(groups: &[Variables], table: &Table) -> Result<Self, InfoError> {
        if groups.is_empty() {
            return Err(InfoError::argument(
                "groups",
                "an empty list",
                "at least one group of variables",
            ));
        }
        let mut all = Variables::EMPTY;
        for group in groups {
            table.check("groups", *group)?;
            disjoint("groups", *group, all)?;
            all = all.union(*group);
        }
        Ok(Self {
            cells: table.grouped(groups),
            shape: groups.iter().map(|g| table.size_of(*g)).collect(),
        })
    }

    /// The number of cells of the axes before and after one.
    fn around(&self, axis: usize) -> (usize, usize) {
        (
            self.shape[..axis].iter().product(),
            self.shape[axis + 1..].iter().product(),
        )
    }

    /// The law of each group.
    fn margins(&self) -> Vec<Vec<f64>> {
        // One axis after the other leaves from the front, so the sums run over ever fewer cells.
        let mut rest = std::borrow::Cow::Borrowed(&self.cells);
        let mut margins = Vec::with_capacity(self.shape.len());
        for (axis, size) in self.shape.iter().enumerate() {
            let (_, after) = self.around(axis);
            margins.push(sum_axis(&rest, after, 1));
            rest = std::borrow::Cow::Owned(sum_axis(&rest, *size, after));
        }
        margins
    }

    /// The law of all groups but one.
    fn without(&self, axis: usize) -> Vec<f64> {
        let (_, after) = self.around(axis);
        let size = self.shape[axis];
        let mut cells = vec![0.0; self.cells.len() / size];
        sum_into(&self.cells, size, after, &mut cells);
        cells
    }
}

macro_rules! measure_of_groups {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            groups: Vec<Variables>,
        }

        impl $name {
            /// Among these groups of variables, each taken as one variable; they may not overlap.
            pub fn new(groups: impl Into<Vec<Variables>>) -> Self {
                Self {
                    groups: groups.into(),
                }
            }

            /// The groups.
            pub fn groups(&self) -> &[Variables] {
                &self.groups
            }
        }
    };
}

measure_of_groups! {
    /// The total correlation (multi-information) `TC = Σ H(Xᵢ) − H(X) = KL(P‖∏ Pᵢ)`, in nats or
    /// bits.
    ///
    /// 0 only of independent variables, at most `Σ H(Xᵢ) − max H(Xᵢ)`. Summed as a divergence, in
    /// terms that are never negative: relative accuracy also where dependence is weak. O(cells).
    /// Watanabe, *IBM J. Res. Dev.* 4 (1960).
    ///
    /// Not a sign of interaction of high order: pairwise dependence raises it as well.
    ///
    /// ```
    /// use ergodic_info::{DualTotalCorrelation, OInformation, Table, TotalCorrelation};
    ///
    /// // Three copies of a coin: redundant.
    /// let copies = [0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5];
    /// let table = Table::new(&[("x", 2), ("y", 2), ("z", 2)], copies)?;
    /// let bits = |x: ergodic_info::Information| (x.bits() * 1e12).round() / 1e12;
    /// assert_eq!(bits(TotalCorrelation::new(table.each()).of(&table)?), 2.0);
    /// assert_eq!(bits(DualTotalCorrelation::new(table.each()).of(&table)?), 1.0);
    /// assert_eq!(bits(OInformation::new(table.each()).of(&table)?), 1.0);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    TotalCorrelation
}

impl TotalCorrelation {
    /// The total correlation in this law.
    ///
    /// # Errors
    /// If there are no groups, they overlap, or a variable is not of the table.
    pub fn of(&self, table: &Table) -> Result<Information, InfoError> {
        let groups = Groups::new(&self.groups, table)?;
        let margins = groups.margins();
        // A constant is independent of the rest, exactly.
        let several = |margin: &&Vec<f64>| margin.iter().filter(|p| **p > 0.0).nth(1).is_some();
        if margins.iter().filter(several).nth(1).is_none() {
            return Ok(Information::ZERO);
        }
        let mut product = vec![1.0];
        product.reserve(groups.cells.len());
        for margin in &margins {
            product = product
                .iter()
                .flat_map(|left| margin.iter().map(move |right| left * right))
                .collect();
        }
        let mut sum = Total::default();
        for (cell, (p, q)) in groups.cells.iter().zip(&product).enumerate() {
            sum.add(if *p == 0.0 || q.is_normal() {
                relative_term(*p, *q, q - p)
            } else {
                // The product left the range of f64, its logarithm does not.
                let mut place = cell;
                let mut log = 0.0;
                for margin in margins.iter().rev() {
                    log += Real::ln(margin[place % margin.len()]);
                    place /= margin.len();
                }
                p * (Real::ln(*p) - log) + (q - p)
            });
        }
        Ok(Information::from_nats(sum.value()))
    }
}

measure_of_groups! {
    /// The dual total correlation (excess entropy, binding information) `DTC = H(X) − Σ
    /// H(Xᵢ|X₋ᵢ)`, in nats or bits.
    ///
    /// The part of the joint entropy that two variables or more share: between 0 and `H(X)`;
    /// `TC/(n − 1) ≤ DTC ≤ (n − 1) TC`. Summed as `Σ I(Xᵢ; Xᵢ₊₁…ₙ|X₁…ᵢ₋₁)`, in terms that are
    /// never negative. O(n·cells). Han, *Inf. Control* 36 (1978).
    ///
    /// Not small whenever dependence is: a parity of n bits has TC = 1 bit and DTC = n − 1.
    DualTotalCorrelation
}

impl DualTotalCorrelation {
    /// The dual total correlation in this law.
    ///
    /// # Errors
    /// If there are no groups, they overlap, or a variable is not of the table.
    pub fn of(&self, table: &Table) -> Result<Information, InfoError> {
        let groups = Groups::new(&self.groups, table)?;
        let nats = (0..groups.shape.len())
            .map(|i| conditional_nats(&groups.cells, groups.shape[i], groups.around(i).1));
        Ok(Information::from_nats(super::total(nats)))
    }
}

measure_of_groups! {
    /// The O-information `Ω = TC − DTC = (n − 2) H(X) + Σ [H(Xᵢ) − H(X₋ᵢ)]`, in nats or bits.
    ///
    /// Positive where redundancy prevails, negative where synergy does; 0 of two variables or
    /// fewer, their [`CoInformation`] of three. Between `−(n − 2) log K` and `(n − 2) log K` for
    /// variables of K values.
    ///
    /// A difference of entropies: absolute error some 1e-16 times `n H(X)`, no relative one.
    /// O(n·cells). Rosas, Mediano, Gastpar and Jensen, *Phys. Rev. E* 100 (2019).
    ///
    /// Not a measure of how much redundancy or synergy there is: the two cancel in it.
    OInformation
}

impl OInformation {
    /// The O-information in this law.
    ///
    /// # Errors
    /// If there are no groups, they overlap, or a variable is not of the table.
    pub fn of(&self, table: &Table) -> Result<Information, InfoError> {
        let groups = Groups::new(&self.groups, table)?;
        let n = groups.shape.len();
        if n <= 2 {
            return Ok(Information::ZERO);
        }
        let mut sum = Total::default();
        sum.add((n - 2) as f64 * entropy_nats(&groups.cells));
        for (i, margin) in groups.margins().iter().enumerate() {
            sum.add(entropy_nats(margin));
            sum.add(-entropy_nats(&groups.without(i)));
        }
        Ok(Information::from_nats(sum.value()))
    }
}

measure_of_groups! {
    /// The S-information `Σ = TC + DTC = Σ I(Xᵢ; X₋ᵢ)`, in nats or bits: the total strength of
    /// dependence, redundant or synergistic.
    ///
    /// 0 only of independent variables. Summed in terms that are never negative. O(n·cells). Rosas
    /// et al. (2019).
    ///
    /// Not an amount of information in the variables: what k of them share is counted k times.
    SInformation
}

impl SInformation {
    /// The S-information in this law.
    ///
    /// # Errors
    /// If there are no groups, they overlap, or a variable is not of the table.
    pub fn of(&self, table: &Table) -> Result<Information, InfoError> {
        Ok(TotalCorrelation::new(self.groups.clone()).of(table)?
            + DualTotalCorrelation::new(self.groups.clone()).of(table)?)
    }
}

measure_of_groups! {
    /// The co-information `I(X₁; …; Xₙ) = −Σ_T (−1)^{#T} H(X_T)` over the sets T of variables, in
    /// nats or bits.
    ///
    /// Of one variable its entropy, of two their mutual information, and then `I(X₁; …; Xₙ) =
    /// I(X₁; …; Xₙ₋₁) − I(X₁; …; Xₙ₋₁|Xₙ)`: the atom of the information diagram that all share. It
    /// may be negative: −1 bit of the parity of two coins. Interaction information (McGill 1954)
    /// differs by the sign `(−1)ⁿ`.
    ///
    /// A sum of 2ⁿ entropies: absolute error some 1e-16 times their sum. At most [`MAX_LATTICE`]
    /// groups; O(∏(1 + Kᵢ)) for groups of Kᵢ values. Bell, *Proc. ICA* (2003).
    ///
    /// Not redundancy: synergy is subtracted from it; a partial information decomposition separates
    /// them.
    ///
    /// ```
    /// use ergodic_info::{CoInformation, Table};
    ///
    /// let xor = [0.25, 0.0, 0.0, 0.25, 0.0, 0.25, 0.25, 0.0];
    /// let table = Table::new(&[("x", 2), ("y", 2), ("z", 2)], xor)?;
    /// let bits = CoInformation::new(table.each()).of(&table)?.bits();
    /// assert!((bits + 1.0).abs() < 1e-15);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    CoInformation
}

impl CoInformation {
    /// The co-information in this law.
    ///
    /// # Errors
    /// If there are no groups or more than [`MAX_LATTICE`], they overlap, or a variable is not of
    /// the table.
    pub fn of(&self, table: &Table) -> Result<Information, InfoError> {
        let groups = Groups::new(&self.groups, table)?;
        check_lattice("groups", groups.shape.len())?;
        let entropies = lattice_nats(&groups.cells, &groups.shape);
        let signed = entropies
            .iter()
            .enumerate()
            .map(|(set, h)| if set.count_ones() % 2 == 0 { -h } else { *h });
        Ok(Information::from_nats(super::total(signed)))
    }
}

/// The entropies of all 2ⁿ marginals of a table, by one pass over the lattice of subsets: each
/// marginal is summed from the one above it that has one variable more.
///
/// Any quantity that is a sum of entropies is read off it: conditional entropies, mutual
/// informations, and by a Möbius transform the co-information of every subset. Entropies to a few
/// ulp; differences of them with that absolute error. O(∏(1 + Kᵢ)) for variables of Kᵢ values,
/// 3ⁿ of bits; memory 2ⁿ numbers and the table once more.
///
/// Not for one or two measures of a large table: they are cheaper, and more accurate where they
/// are small, by their own types.
///
/// ```
/// use ergodic_info::{MarginalEntropies, Table};
///
/// let xor = [0.25, 0.0, 0.0, 0.25, 0.0, 0.25, 0.25, 0.0];
/// let table = Table::new(&[("x", 2), ("y", 2), ("z", 2)], xor)?;
/// let entropies = MarginalEntropies::of(&table)?;
/// let xy = table.variables(["x", "y"])?;
/// assert!((entropies.get(xy)?.bits() - 2.0).abs() < 1e-15);
/// assert!((entropies.get(table.all())?.bits() - 2.0).abs() < 1e-15);
/// let shared = entropies.co_informations();
/// assert!(shared.get(xy)?.bits().abs() < 1e-15);
/// assert!((shared.get(table.all())?.bits() + 1.0).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MarginalEntropies {
    nats: Vec<f64>,
}

impl MarginalEntropies {
    /// The entropies of all marginals.
    ///
    /// # Errors
    /// If the table has more than [`MAX_LATTICE`] variables.
    pub fn of(table: &Table) -> Result<Self, InfoError> {
        check_lattice("table", table.shape().len())?;
        Ok(Self {
            nats: lattice_nats(table.cells(), table.shape()),
        })
    }

    /// The entropy of some variables together.
    ///
    /// # Errors
    /// If a variable is not of the table.
    pub fn get(&self, variables: Variables) -> Result<Information, InfoError> {
        look_up(&self.nats, variables)
    }

    /// All entropies in nats, that of a set at the place of its [bits](Variables::bits).
    pub fn as_nats(&self) -> &[f64] {
        &self.nats
    }

    /// The co-information of every subset, by one Möbius pass of n·2ⁿ subtractions.
    pub fn co_informations(&self) -> CoInformations {
        // f(S) = Σ_{T ⊆ S} (−1)^{#T} H(T), one variable after the other; the empty set adds 0.
        let mut nats = self.nats.clone();
        let mut bit = 1;
        while bit < nats.len() {
            for block in nats.chunks_exact_mut(2 * bit) {
                let (without, with) = block.split_at_mut(bit);
                for (with, without) in with.iter_mut().zip(without) {
                    *with = *without - *with;
                }
            }
            bit *= 2;
        }
        for value in &mut nats {
            *value = 0.0 - *value;
        }
        CoInformations { nats }
    }
}

/// The co-information of every subset of the variables of a table: see
/// [`MarginalEntropies::co_informations`] and [`CoInformation`].
///
/// The absolute error at a set of k variables is some 1e-16 times the sum of its 2ᵏ entropies.
#[derive(Clone, Debug, PartialEq)]
pub struct CoInformations {
    nats: Vec<f64>,
}

impl CoInformations {
    /// The co-information of these variables: their entropy if there is one, their mutual
    /// information if there are two, 0 if there is none.
    ///
    /// # Errors
    /// If a variable is not of the table.
    pub fn get(&self, variables: Variables) -> Result<Information, InfoError> {
        look_up(&self.nats, variables)
    }

    /// All of them in nats, that of a set at the place of its [bits](Variables::bits).
    pub fn as_nats(&self) -> &[f64] {
        &self.nats
    }
}

fn look_up(nats: &[f64], variables: Variables) -> Result<Information, InfoError> {
    let found = nats.get(variables.bits() as usize);
    found
        .map(|nats| Information::from_nats(*nats))
        .ok_or_else(|| {
            InfoError::argument(
                "variables",
                format!("a set with the bits {:#b}", variables.bits()),
                format!("a set of the table's {} variables", nats.len().ilog2()),
            )
        })
}

fn check_lattice(argument: &'static str, n: usize) -> Result<(), InfoError> {
    if n <= MAX_LATTICE {
        Ok(())
    } else {
        Err(InfoError::argument(
            argument,
            format!("one of {n} variables"),
            format!("one of at most {MAX_LATTICE}, whose subsets are 2ⁿ"),
        ))
    }
}

/// The entropies of all marginals of a tensor; bit `i` of the place is axis `i`.
fn lattice_nats(cells: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut lattice = Lattice {
        shape,
        nats: vec![0.0; 1 << shape.len()],
    };
    // Each marginal has at most half the cells of the one above it, or is the same.
    let mut scratch = vec![0.0; cells.len()];
    lattice.visit(cells, (1 << shape.len()) - 1, shape.len(), &mut scratch);
    lattice.nats
}

struct Lattice<'a> {
    shape: &'a [usize],
    nats: Vec<f64>,
}

impl Lattice<'_> {
    /// Fills in the set whose marginal `cells` is, and all that lack some of its axes below
    /// `end`; the axes below `end` are all there.
    ///
    /// The last axis goes first, so that in most sums the axes behind the summed one are still
    /// many, and the sum is one of long rows.
    fn visit(&mut self, cells: &[f64], set: usize, end: usize, scratch: &mut [f64]) {
        if set == 0 {
            return;
        }
        self.nats[set] = entropy_nats(cells);
        let mut outer: usize = self.shape[..end].iter().product();
        let mut inner = cells.len() / outer;
        for axis in (0..end).rev() {
            let size = self.shape[axis];
            let below = set & !(1 << axis);
            outer /= size;
            if size == 1 {
                self.visit(cells, below, axis, scratch);
            } else {
                let (child, rest) = scratch.split_at_mut(outer * inner);
                sum_into(cells, size, inner, child);
                self.visit(child, below, axis, rest);
            }
            inner *= size;
        }
    }
}

/// `out[o, i] = Σ_s in[o, s, i]`, vectorised; plain sums of the few values of one variable.
fn sum_into(cells: &[f64], summed: usize, inner: usize, out: &mut [f64]) {
    vectorize(SumAxis {
        cells,
        summed,
        inner,
        out,
    });
}

struct SumAxis<'a> {
    cells: &'a [f64],
    summed: usize,
    inner: usize,
    out: &'a mut [f64],
}

impl Vectorize for SumAxis<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            cells,
            summed,
            inner,
            out,
        } = self;
        if inner == 1 {
            for (out, block) in out.iter_mut().zip(cells.chunks_exact(summed)) {
                *out = block.iter().sum();
            }
            return;
        }
        for (out, block) in out
            .chunks_exact_mut(inner)
            .zip(cells.chunks_exact(summed * inner))
        {
            let (first, others) = block.split_at(inner);
            out.copy_from_slice(first);
            for row in others.chunks_exact(inner) {
                for (out, value) in out.iter_mut().zip(row) {
                    *out += value;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entropy, MutualInformation, Shannon};

    fn close(found: Information, expected: f64, absolute: f64) {
        let found = found.nats();
        assert!(
            (found - expected).abs() <= absolute,
            "{found:e} is not {expected:e}"
        );
    }

    /// Bits whose laws are the weights, named a, b, ….
    fn bits(n: usize, weights: Vec<f64>) -> Table {
        let names: Vec<String> = (0..n).map(|i| format!("v{i}")).collect();
        let variables: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), 2)).collect();
        Table::from_weights(&variables, weights).unwrap()
    }

    fn each(n: usize, f: impl Fn(u32) -> bool) -> Vec<f64> {
        (0..1u32 << n).map(|x| f64::from(u8::from(f(x)))).collect()
    }

    const LN_2: f64 = std::f64::consts::LN_2;

    #[test]
    fn copies_and_parities_have_their_known_values() {
        for n in [2usize, 3, 5, 8] {
            let m = (n - 1) as f64;
            // n copies of a coin: H = 1 bit.
            let copies = bits(n, each(n, |x| x == 0 || x == (1 << n) - 1));
            let all = copies.each();
            close(
                TotalCorrelation::new(all.clone()).of(&copies).unwrap(),
                m * LN_2,
                1e-14,
            );
            close(
                DualTotalCorrelation::new(all.clone()).of(&copies).unwrap(),
                LN_2,
                1e-14,
            );
            close(
                OInformation::new(all.clone()).of(&copies).unwrap(),
                (m - 1.0) * LN_2,
                1e-14,
            );
            close(
                SInformation::new(all.clone()).of(&copies).unwrap(),
                (m + 1.0) * LN_2,
                1e-14,
            );
            close(CoInformation::new(all).of(&copies).unwrap(), LN_2, 1e-12);
            // n bits of even parity: H = n − 1 bits, every n − 1 of them independent.
            let parity = bits(n, each(n, |x| x.count_ones() % 2 == 0));
            let all = parity.each();
            close(
                TotalCorrelation::new(all.clone()).of(&parity).unwrap(),
                LN_2,
                1e-14,
            );
            close(
                DualTotalCorrelation::new(all.clone()).of(&parity).unwrap(),
                m * LN_2,
                1e-14,
            );
            close(
                OInformation::new(all.clone()).of(&parity).unwrap(),
                (1.0 - m) * LN_2,
                1e-14,
            );
            let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
            close(
                CoInformation::new(all).of(&parity).unwrap(),
                sign * LN_2,
                1e-12,
            );
        }
    }

    #[test]
    fn independent_variables_share_exactly_nothing_or_to_rounding() {
        let coins = bits(4, vec![1.0; 16]);
        let all = coins.each();
        assert_eq!(
            TotalCorrelation::new(all.clone())
                .of(&coins)
                .unwrap()
                .nats(),
            0.0
        );
        assert_eq!(
            DualTotalCorrelation::new(all).of(&coins).unwrap().nats(),
            0.0
        );
        // One variable and constants, with weights that round.
        let weights: Vec<f64> = (1..=7).map(|i| 0.1 * f64::from(i)).collect();
        let table = Table::from_weights(&[("a", 1), ("x", 7), ("b", 1)], weights).unwrap();
        for measure in [table.each(), vec![table.all()]] {
            assert_eq!(
                TotalCorrelation::new(measure.clone())
                    .of(&table)
                    .unwrap()
                    .nats(),
                0.0
            );
            assert_eq!(
                DualTotalCorrelation::new(measure.clone())
                    .of(&table)
                    .unwrap()
                    .nats(),
                0.0
            );
            assert_eq!(SInformation::new(measure).of(&table).unwrap().nats(), 0.0);
        }
    }

    #[test]
    fn weak_dependence_keeps_its_figures() {
        // Bits with p ∝ 1 + ε ∏ sᵢ: every n − 1 are fair coins, so TC = Σ ε^{2j}/(2j(2j−1)).
        let e = 2f64.powi(-24);
        let weights = (0..16u32)
            .map(|x| {
                if x.count_ones() % 2 == 0 {
                    1.0 + e
                } else {
                    1.0 - e
                }
            })
            .collect();
        let table = bits(4, weights);
        let tc = TotalCorrelation::new(table.each()).of(&table).unwrap();
        let expected = e * e / 2.0 + e.powi(4) / 12.0;
        close(tc, expected, 2e-15 * expected);
        let dtc = DualTotalCorrelation::new(table.each()).of(&table).unwrap();
        let s = SInformation::new(table.each()).of(&table).unwrap();
        close(s - tc - dtc, 0.0, 1e-30);
        // I(Xᵢ; rest) = TC each, as the rest are fair coins: S = 4 TC.
        close(s, 4.0 * expected, 1e-14 * expected);
    }

    #[test]
    fn products_below_the_range_of_f64_stay_finite() {
        let table = bits(2, vec![1.0, 0.0, 0.0, 1e-200]);
        let tc = TotalCorrelation::new(table.each()).of(&table).unwrap();
        let expected = 1e-200 * (200.0 * 10f64.ln() + 1.0);
        close(tc, expected, 1e-12 * expected);
    }

    #[test]
    fn one_pass_gives_every_marginal() {
        let weights: Vec<f64> = (0..72u32).map(|i| f64::from(i * i % 17)).collect();
        let shape = [("a", 2), ("b", 1), ("c", 3), ("d", 4), ("e", 3)];
        let table = Table::from_weights(&shape, weights).unwrap();
        let entropies = MarginalEntropies::of(&table).unwrap();
        assert_eq!(entropies.as_nats().len(), 32);
        for set in 0..32 {
            let set = Variables::from_bits(set);
            let direct = Shannon.joint(&table, set).unwrap();
            close(entropies.get(set).unwrap(), direct.nats(), 2e-15);
        }
        // And the co-information of every subset that of its own type.
        let all = entropies.co_informations();
        for set in 1..32 {
            let set = Variables::from_bits(set);
            let groups: Vec<Variables> = set.iter().map(|i| Variables::from_bits(1 << i)).collect();
            let direct = CoInformation::new(groups).of(&table).unwrap();
            close(all.get(set).unwrap(), direct.nats(), 1e-14);
        }
        assert_eq!(all.get(Variables::EMPTY).unwrap().nats(), 0.0);
    }

    #[test]
    fn groups_count_as_one_variable() {
        let weights: Vec<f64> = (0..16u32).map(|i| f64::from(i * i % 13)).collect();
        let table = bits(4, weights);
        let group = |b: u32| Variables::from_bits(b);
        // Out of order and interleaved.
        let pair = vec![group(0b1010), group(0b0101)];
        let direct = MutualInformation::new(pair[0], pair[1])
            .of(&table)
            .unwrap()
            .nats();
        close(
            TotalCorrelation::new(pair.clone()).of(&table).unwrap(),
            direct,
            1e-15,
        );
        close(
            DualTotalCorrelation::new(pair.clone()).of(&table).unwrap(),
            direct,
            1e-15,
        );
        close(
            CoInformation::new(pair.clone()).of(&table).unwrap(),
            direct,
            1e-14,
        );
        close(
            SInformation::new(pair.clone()).of(&table).unwrap(),
            2.0 * direct,
            1e-15,
        );
        assert_eq!(OInformation::new(pair).of(&table).unwrap().nats(), 0.0);
    }

    #[test]
    fn bad_groups_are_named() {
        let table = bits(2, vec![1.0; 4]);
        let text = |groups: Vec<Variables>| {
            let error = TotalCorrelation::new(groups.clone())
                .of(&table)
                .unwrap_err();
            assert_eq!(
                DualTotalCorrelation::new(groups.clone()).of(&table),
                Err(error.clone())
            );
            assert_eq!(
                OInformation::new(groups.clone()).of(&table),
                Err(error.clone())
            );
            assert_eq!(
                SInformation::new(groups.clone()).of(&table),
                Err(error.clone())
            );
            assert_eq!(CoInformation::new(groups).of(&table), Err(error.clone()));
            error.to_string()
        };
        assert!(text(vec![]).starts_with("groups"));
        assert!(text(vec![Variables::from_bits(4)]).starts_with("groups"));
        assert!(text(vec![table.all(), Variables::from_bits(1)]).starts_with("groups"));
        let names: Vec<String> = (0..25).map(|i| i.to_string()).collect();
        let variables: Vec<(&str, usize)> = names.iter().map(|n| (n.as_str(), 1)).collect();
        let wide = Table::new(&variables, [1.0]).unwrap();
        let error = MarginalEntropies::of(&wide).unwrap_err().to_string();
        assert!(error.starts_with("table"), "{error}");
        let error = CoInformation::new(wide.each()).of(&wide).unwrap_err();
        assert!(error.to_string().starts_with("groups"));
        let entropies = MarginalEntropies::of(&table).unwrap();
        assert!(entropies.get(Variables::from_bits(4)).is_err());
        assert!(
            entropies
                .co_informations()
                .get(Variables::from_bits(4))
                .is_err()
        );
    }
}
