//! Partial information decomposition: what two or three sources tell of a target, split into
//! redundant, unique and synergistic parts.
//!
//! Williams and Beer (*Nonnegative decomposition of multivariate information*, arXiv:1004.2515,
//! 2010) arrange the collections of sources by what a redundancy must contain, the
//! [`Lattice`] of antichains, and read the parts off a redundancy by Möbius inversion. They
//! leave open which redundancy to take, and no choice has every property that one would like:
//!
//! | redundancy | parts | choose it | not for |
//! |---|---|---|---|
//! | [`MinimumSpecific`] (I_min) | ≥ 0 | as the historical reference | copies: two independent bits, copied, count as one redundant bit |
//! | [`MinimumMutual`] (MMI) | ≥ 0 | Gaussians, where it agrees with all that depend on pairs alone | telling *the same* from *as much* information |
//! | [`Broja`] | ≥ 0, two sources only | decisions: unique information is what an agent can use that the other cannot | three sources |
//! | [`CommonChange`] (CCS) | of any sign | pointwise reading: which outcomes inform in the same direction | where negative parts have no meaning to you, or tiny changes of the law must not jump |
//!
//! All are exact on a law. Parts of an empirical law are biased, synergy upwards.

mod broja;
mod ccs;
mod lattice;
mod minimum;
mod mmi;

pub use broja::{Broja, UniqueInformation};
pub use ccs::CommonChange;
pub use lattice::{Antichain, Lattice, Node, SourceSet, antichains};
pub use minimum::MinimumSpecific;
pub use mmi::MinimumMutual;

use ergodic_math::Real;

use crate::table::disjoint;
use crate::{InfoError, Information, Table, Variables};

/// The information that two sources hold of a target, in four parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoSources {
    /// What either source tells.
    pub redundancy: Information,
    /// What the first source tells and the second does not.
    pub unique_x: Information,
    /// What the second source tells and the first does not.
    pub unique_y: Information,
    /// What only both together tell.
    pub synergy: Information,
}

impl TwoSources {
    /// The parts that follow from one of them: `I(T;X) = R + U_x`, `I(T;Y) = R + U_y`,
    /// `I(T;X,Y) = R + U_x + U_y + S`.
    fn from_redundancy(law: &Sources, redundancy: Information) -> Self {
        let [x, y, both] = [0b01, 0b10, 0b11].map(|set| law.amount(SourceSet::from_bits(set)));
        Self {
            redundancy,
            unique_x: x - redundancy,
            unique_y: y - redundancy,
            synergy: both - x - y + redundancy,
        }
    }

    /// The sum of the parts, `I(T; X, Y)`.
    pub fn total(&self) -> Information {
        self.redundancy + self.unique_x + self.unique_y + self.synergy
    }
}

/// A target and two or three sources, with their joint law.
///
/// ```
/// use ergodic_info::Table;
/// use ergodic_info::decomposition::{SourceSet, Sources};
///
/// // T = X xor Y.
/// let table = Table::new(&[("x", 2), ("y", 2), ("t", 2)],
///     [0.25, 0.0, 0.0, 0.25, 0.0, 0.25, 0.25, 0.0])?;
/// let set = |name| table.variables([name]);
/// let law = Sources::new(&table, set("t")?, &[set("x")?, set("y")?])?;
/// assert_eq!(law.information(SourceSet::from_bits(0b01))?.nats(), 0.0); // X alone
/// assert!((law.information(SourceSet::from_bits(0b11))?.bits() - 1.0).abs() < 1e-15);
/// assert!(law.information(SourceSet::from_bits(0b100)).is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sources {
    /// The numbers of values of the sources.
    sizes: Vec<usize>,
    /// The number of values of the target.
    target: usize,
    /// `p(s₁, s₂, …, t)`, the target fastest.
    cells: Vec<f64>,
}

impl Sources {
    /// Reads target and sources off a table; each may be several variables, taken together.
    ///
    /// # Errors
    /// If there are not two or three sources, one or the target is empty or not of the table, or
    /// two of them share a variable.
    pub fn new(table: &Table, target: Variables, sources: &[Variables]) -> Result<Self, InfoError> {
        if !(2..=3).contains(&sources.len()) {
            return Err(InfoError::argument(
                "sources",
                format!("a list of {}", sources.len()),
                "two or three sources",
            ));
        }
        let named = |i: usize| if i == 0 { "target" } else { "sources" };
        let mut seen = Variables::EMPTY;
        for (i, set) in std::iter::once(&target).chain(sources).enumerate() {
            table.check(named(i), *set)?;
            if set.is_empty() {
                return Err(InfoError::argument(
                    named(i),
                    "an empty set of variables",
                    "at least one variable",
                ));
            }
            disjoint(named(i), *set, seen)?;
            seen = seen.union(*set);
        }
        let mut groups = sources.to_vec();
        groups.push(target);
        Ok(Self {
            sizes: sources.iter().map(|s| table.size_of(*s)).collect(),
            target: table.size_of(target),
            cells: table.grouped(&groups),
        })
    }

    /// The number of sources.
    pub fn number(&self) -> usize {
        self.sizes.len()
    }

    /// `I(T; A)` for some of the sources together; 0 for none of them.
    ///
    /// # Errors
    /// If the set names a source that does not exist.
    pub fn information(&self, set: SourceSet) -> Result<Information, InfoError> {
        if set.is_subset_of(SourceSet::all(self.number())) {
            Ok(self.amount(set))
        } else {
            Err(InfoError::argument(
                "set",
                format!("the set of bits {:#b}", set.bits()),
                format!("of the {} sources", self.number()),
            ))
        }
    }

    /// `I(T; A)` for a set of sources that exist.
    fn amount(&self, set: SourceSet) -> Information {
        let joint = self.joint(set);
        let target = self.target_law();
        let mut sum = 0.0;
        for row in joint.chunks_exact(self.target) {
            let total: f64 = row.iter().sum();
            let terms = row.iter().zip(&target).filter(|(p, _)| **p > 0.0);
            sum += terms
                .map(|(p, t)| p * pointwise(*p, total, *t))
                .sum::<f64>();
        }
        Information::from_nats(sum.max(0.0))
    }

    /// `p(a, t)`, the target fastest.
    fn joint(&self, set: SourceSet) -> Vec<f64> {
        let mut joint = vec![0.0; self.size(set) * self.target];
        for (row, cells) in self.cells.chunks_exact(self.target).enumerate() {
            let start = self.place(row, set) * self.target;
            for (sum, p) in joint[start..start + self.target].iter_mut().zip(cells) {
                *sum += p;
            }
        }
        joint
    }

    /// The number of joint values of some sources.
    fn size(&self, set: SourceSet) -> usize {
        let sizes = self.sizes.iter().enumerate();
        sizes
            .filter(|(i, _)| set.contains(*i))
            .map(|(_, s)| s)
            .product()
    }

    /// The joint value of some sources, given the joint value of all.
    fn place(&self, mut row: usize, set: SourceSet) -> usize {
        let (mut place, mut stride) = (0, 1);
        for (i, size) in self.sizes.iter().enumerate().rev() {
            if set.contains(i) {
                place += stride * (row % size);
                stride *= size;
            }
            row /= size;
        }
        place
    }

    fn target_law(&self) -> Vec<f64> {
        let mut law = vec![0.0; self.target];
        for cells in self.cells.chunks_exact(self.target) {
            for (sum, p) in law.iter_mut().zip(cells) {
                *sum += p;
            }
        }
        law
    }
}

/// `ln p(a, t) / (p(a) p(t))`, without products that underflow.
fn pointwise(joint: f64, a: f64, t: f64) -> f64 {
    // Exactly 0 where the quotient is 1, and no cancellation near it.
    let ratio = joint / a / t;
    if (0.5..2.0).contains(&ratio) {
        Real::ln_1p(ratio - 1.0)
    } else {
        Real::ln(joint) - Real::ln(a) - Real::ln(t)
    }
}

/// A measure of the information that collections of sources share, for any antichain.
///
/// [`Broja`] is not one: it is defined for two sources alone.
pub trait Redundancy {
    /// The redundancy `I_∩(T; A₁, …, A_k)` of a collection of sets of sources.
    ///
    /// # Errors
    /// If the collection names sources that the law does not have; measures that iterate may not
    /// converge.
    fn redundancy(&self, law: &Sources, collection: &Antichain) -> Result<Information, InfoError>;

    /// The four parts for two sources.
    ///
    /// # Errors
    /// As [`Sources::new`] and [`redundancy`](Self::redundancy).
    fn two_sources(
        &self,
        table: &Table,
        target: Variables,
        sources: [Variables; 2],
    ) -> Result<TwoSources, InfoError> {
        let law = Sources::new(table, target, &sources)?;
        let redundancy = self.redundancy(&law, &Antichain::of_singles(2))?;
        Ok(TwoSources::from_redundancy(&law, redundancy))
    }

    /// The 18 parts for three sources.
    ///
    /// # Errors
    /// As [`Sources::new`] and [`redundancy`](Self::redundancy).
    fn three_sources(
        &self,
        table: &Table,
        target: Variables,
        sources: [Variables; 3],
    ) -> Result<Lattice, InfoError> {
        let law = Sources::new(table, target, &sources)?;
        Lattice::new(3, |collection| self.redundancy(&law, collection))
    }
}

/// Whether all sources of a collection exist.
fn check_collection(law: &Sources, collection: &Antichain) -> Result<(), InfoError> {
    let allowed = SourceSet::all(law.number());
    if collection.sets().iter().all(|s| s.is_subset_of(allowed)) {
        Ok(())
    } else {
        Err(InfoError::argument(
            "collection",
            collection,
            format!("sets of the {} sources", law.number()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    /// The law of `(x, y, t)` where `t` is a function of two fair symbols.
    fn gate(n: usize, targets: usize, f: impl Fn(usize, usize) -> usize) -> Table {
        let mut cells = vec![0.0; n * n * targets];
        for x in 0..n {
            for y in 0..n {
                cells[(x * n + y) * targets + f(x, y)] = 1.0;
            }
        }
        Table::from_weights(&[("x", n), ("y", n), ("t", targets)], cells).unwrap()
    }

    fn sets(table: &Table) -> (Variables, [Variables; 2]) {
        let set = |name| table.variables([name]).unwrap();
        (set("t"), [set("x"), set("y")])
    }

    fn all_four(table: &Table) -> [TwoSources; 4] {
        let (t, s) = sets(table);
        [
            MinimumSpecific.two_sources(table, t, s).unwrap(),
            MinimumMutual.two_sources(table, t, s).unwrap(),
            Broja::new().two_sources(table, t, s).unwrap().parts(),
            CommonChange.two_sources(table, t, s).unwrap(),
        ]
    }

    fn bits(parts: TwoSources) -> [f64; 4] {
        [
            parts.redundancy,
            parts.unique_x,
            parts.unique_y,
            parts.synergy,
        ]
        .map(Information::bits)
    }

    fn assert_parts(name: &str, found: TwoSources, exact: [f64; 4]) {
        for (a, b) in bits(found).into_iter().zip(exact) {
            assert!(
                (a - b).abs() < 1e-9,
                "{name}: {:?} against {exact:?}",
                bits(found)
            );
        }
    }

    #[test]
    fn sources_that_do_not_exist_are_refused_and_none_tell_nothing() {
        let table = gate(2, 2, |x, y| x ^ y);
        let (t, s) = sets(&table);
        let law = Sources::new(&table, t, &s).unwrap();
        for bits in [0b100, 0b101, 0b1000_0011] {
            let error = law.information(SourceSet::from_bits(bits)).unwrap_err();
            assert!(error.to_string().starts_with("set is"), "{error}");
        }
        let none = law.information(SourceSet::from_bits(0)).unwrap();
        assert_eq!(none, Information::ZERO);
    }

    #[test]
    fn exclusive_or_is_synergy_alone() {
        for parts in all_four(&gate(2, 2, |x, y| x ^ y)) {
            assert_parts("xor", parts, [0.0, 0.0, 0.0, 1.0]);
        }
    }

    #[test]
    fn and_splits_as_published() {
        let [minimum, mmi, broja, ccs] = all_four(&gate(2, 2, |x, y| x & y));
        // I(T;X) = h(1/4) − ½ (bits); Williams and Beer 2010, Bertschinger et al. 2014.
        let single = 0.311_278_124_459_132_8;
        for (name, parts) in [("I_min", minimum), ("MMI", mmi), ("BROJA", broja)] {
            assert_parts(name, parts, [single, 0.0, 0.0, 0.5]);
        }
        // Ince 2017: ¼ log₂ 4/3.
        let shared = 0.25 * (4f64 / 3.0).log2();
        let exact = [
            shared,
            single - shared,
            single - shared,
            0.5 - single + shared,
        ];
        assert_parts("CCS", ccs, exact);
    }

    #[test]
    fn a_copy_of_two_independent_bits() {
        // Harder, Salge and Polani 2013: the identity property. I_min and MMI fail it.
        let [minimum, mmi, broja, ccs] = all_four(&gate(2, 4, |x, y| 2 * x + y));
        assert_parts("I_min", minimum, [1.0, 0.0, 0.0, 1.0]);
        assert_parts("MMI", mmi, [1.0, 0.0, 0.0, 1.0]);
        assert_parts("BROJA", broja, [0.0, 1.0, 1.0, 0.0]);
        assert_parts("CCS", ccs, [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn a_shared_bit_is_redundant_and_a_lone_one_unique() {
        let rdn = Table::new(
            &[("x", 2), ("y", 2), ("t", 2)],
            [0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5],
        );
        for parts in all_four(&rdn.unwrap()) {
            assert_parts("rdn", parts, [1.0, 0.0, 0.0, 0.0]);
        }
        for parts in all_four(&gate(2, 2, |x, _| x)) {
            assert_parts("unq", parts, [0.0, 1.0, 0.0, 0.0]);
        }
    }

    #[test]
    fn the_sum_of_two_bits() {
        // I(T;X) = ½, I(T;X,Y) = 1.5 bits; T − X is Y: redundancy of I_min, MMI and BROJA is ½
        // (Bertschinger et al. 2014, example 30 for two bits).
        let [minimum, mmi, broja, ccs] = all_four(&gate(2, 3, |x, y| x + y));
        for parts in [minimum, mmi, broja] {
            assert_parts("sum", parts, [0.5, 0.0, 0.0, 0.5 + 0.5]);
        }
        // CCS: the cells (0,0,0) and (1,1,2), where both inform by log 2 and together by log 4,
        // have co-information 0; the others have i(x;1) = 0.
        assert_parts("sum, CCS", ccs, [0.0, 0.5, 0.5, 0.5]);
    }

    #[test]
    fn the_duplicated_and_of_three_sources() {
        // X3 = X1, T = X1 and X2. I_min: the parts of the lattice as for two sources.
        let mut cells = vec![0.0; 16];
        for x in 0..2 {
            for y in 0..2 {
                cells[((x * 2 + y) * 2 + x) * 2 + (x & y)] = 0.25;
            }
        }
        let variables = [("x", 2), ("y", 2), ("z", 2), ("t", 2)];
        let table = Table::new(&variables, cells).unwrap();
        let set = |name| table.variables([name]).unwrap();
        let sources = [set("x"), set("y"), set("z")];
        let single = 0.311_278_124_459_132_8;
        for lattice in [
            MinimumSpecific
                .three_sources(&table, set("t"), sources)
                .unwrap(),
            MinimumMutual
                .three_sources(&table, set("t"), sources)
                .unwrap(),
        ] {
            for node in lattice.nodes() {
                let exact = match node.collection.to_string().as_str() {
                    "{1}{2}{3}" => single,
                    "{12}{23}" => 0.5,
                    _ => 0.0,
                };
                assert!((node.part.bits() - exact).abs() < 1e-12, "{node:?}");
            }
        }
        // Ince 2017, the same law.
        let lattice = CommonChange
            .three_sources(&table, set("t"), sources)
            .unwrap();
        for node in lattice.nodes() {
            let exact = match node.collection.to_string().as_str() {
                "{1}{2}{3}" => 0.103_759_374_819_710_94,
                "{1}{3}" | "{2}" => 0.207_518_749_639_421_91,
                "{3}{12}" | "{1}{23}" | "{12}{13}" | "{12}{23}" | "{13}{23}" | "{123}" => {
                    0.146_240_625_180_289_02
                }
                "{1}" | "{3}" | "{13}" | "{12}{13}{23}" => -0.146_240_625_180_289_02,
                _ => 0.0,
            };
            assert!(
                (node.part.bits() - exact).abs() < 1e-9,
                "{node:?} against {exact}"
            );
        }
    }

    #[test]
    fn bad_sources_are_refused() {
        let table = gate(2, 2, |x, y| x ^ y);
        let (t, [x, y]) = sets(&table);
        let text = |t, s: &[Variables]| Sources::new(&table, t, s).unwrap_err().to_string();
        assert!(text(t, &[x]).contains("two or three"));
        assert!(text(t, &[x, x]).contains("disjoint"));
        assert!(text(x, &[x, y]).contains("disjoint"));
        assert!(text(Variables::EMPTY, &[x, y]).contains("empty"));
        assert!(text(t, &[x, Variables::from_bits(8)]).contains("3 variables"));
        let law = Sources::new(&table, t, &[x, y]).unwrap();
        for measure in [
            &MinimumSpecific as &dyn Redundancy,
            &MinimumMutual,
            &CommonChange,
        ] {
            assert!(measure.redundancy(&law, &Antichain::of_singles(3)).is_err());
        }
    }

    fn random_table() -> impl Strategy<Value = Table> {
        let weight = prop_oneof![1 => Just(0.0), 4 => 0.01..1.0f64];
        (2..4usize, 2..4usize, 2..4usize).prop_flat_map(move |(x, y, t)| {
            prop::collection::vec(weight.clone(), x * y * t)
                .prop_filter("a law", |w| w.iter().any(|w| *w > 0.0))
                .prop_map(move |w| Table::from_weights(&[("x", x), ("y", y), ("t", t)], w).unwrap())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn parts_are_consistent_symmetric_and_bounded(table in random_table()) {
            let (t, [x, y]) = sets(&table);
            let law = Sources::new(&table, t, &[x, y]).unwrap();
            let [of_x, of_y, both] =
                [1, 2, 3].map(|set| law.amount(SourceSet::from_bits(set)).nats());
            let turned = table.ordered(["y", "x", "t"]).unwrap();
            let renamed: Vec<f64> = turned.probabilities().as_slice().to_vec();
            let shape = turned.shape().to_vec();
            let swapped =
                Table::new(&[("x", shape[0]), ("y", shape[1]), ("t", shape[2])], renamed).unwrap();
            for (i, (a, b)) in all_four(&table).into_iter().zip(all_four(&swapped)).enumerate() {
                prop_assert!((a.total().nats() - both).abs() < 1e-12);
                prop_assert!(((a.redundancy + a.unique_x).nats() - of_x).abs() < 1e-12);
                prop_assert!(((a.redundancy + a.unique_y).nats() - of_y).abs() < 1e-12);
                // Symmetry in the sources: BROJA to its certified gap.
                prop_assert!((a.redundancy - b.redundancy).nats().abs() < 1e-8, "{}", i);
                prop_assert!((a.unique_x - b.unique_y).nats().abs() < 1e-8, "{}", i);
                if i < 3 {
                    for part in bits(a) {
                        prop_assert!(part > -2e-8, "measure {}: {:?}", i, a);
                    }
                    prop_assert!(a.unique_x.nats() <= of_x + 1e-8);
                }
            }
            // BROJA's redundancy is at most MMI's, which is the largest of all.
            let [_, mmi, broja, _] = all_four(&table);
            prop_assert!(broja.redundancy.nats() <= mmi.redundancy.nats() + 1e-8);
        }

        #[test]
        fn minima_leave_no_part_of_three_sources_negative(
            weights in prop::collection::vec(prop_oneof![1 => Just(0.0), 3 => 0.0..1.0f64], 16)
        ) {
            prop_assume!(weights.iter().any(|w| *w > 0.0));
            let variables = [("x", 2), ("y", 2), ("z", 2), ("t", 2)];
            let table = Table::from_weights(&variables, weights).unwrap();
            let set = |name| table.variables([name]).unwrap();
            let (t, sources) = (set("t"), [set("x"), set("y"), set("z")]);
            for lattice in [
                MinimumSpecific.three_sources(&table, t, sources).unwrap(),
                MinimumMutual.three_sources(&table, t, sources).unwrap(),
            ] {
                for node in lattice.nodes() {
                    prop_assert!(node.part.nats() >= -1e-14, "{:?}", node);
                }
                let law = Sources::new(&table, t, &sources).unwrap();
                let all = law.information(SourceSet::from_bits(0b111)).unwrap();
                prop_assert!((lattice.total() - all).nats().abs() < 1e-14);
            }
        }

        #[test]
        fn a_source_shares_with_itself_all_that_it_tells(table in random_table()) {
            let (t, [x, y]) = sets(&table);
            let law = Sources::new(&table, t, &[x, y]).unwrap();
            for set in [1u8, 2, 3].map(SourceSet::from_bits) {
                let alone = Antichain::new([set]).unwrap();
                let exact = law.information(set).unwrap().nats();
                for measure in [&MinimumSpecific as &dyn Redundancy, &MinimumMutual, &CommonChange] {
                    let found = measure.redundancy(&law, &alone).unwrap().nats();
                    prop_assert!((found - exact).abs() < 1e-12);
                }
            }
        }
    }
}
