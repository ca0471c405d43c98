//! The lattice of antichains of sources, and the parts by Möbius inversion.

use std::fmt;

use crate::{InfoError, Information};

/// A set of sources: bit `i` for source `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceSet(u8);

impl SourceSet {
    /// The set whose bit `i` is source `i`.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Bit `i` for source `i`.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether it holds this source.
    pub const fn contains(self, source: usize) -> bool {
        source < 8 && self.0 >> source & 1 == 1
    }

    /// Whether it is part of another.
    pub const fn is_subset_of(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Those of either.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn all(number: usize) -> Self {
        Self((1 << number) - 1)
    }
}

/// Sets of sources none of which contains another: a node of the lattice. What they share is what
/// each of them tells.
///
/// ```
/// use ergodic_info::decomposition::{Antichain, SourceSet};
///
/// let node = Antichain::new([SourceSet::from_bits(0b001), SourceSet::from_bits(0b110)])?;
/// assert_eq!(node.to_string(), "{1}{23}");
/// assert!(Antichain::new([SourceSet::from_bits(0b01), SourceSet::from_bits(0b11)]).is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Antichain(Vec<SourceSet>);

impl Antichain {
    /// The antichain of these sets.
    ///
    /// # Errors
    /// If there is none, one is empty, or one contains another.
    pub fn new(sets: impl Into<Vec<SourceSet>>) -> Result<Self, InfoError> {
        let mut sets = sets.into();
        // By size and then by position, as papers list them.
        sets.sort_by_key(|s| (s.0.count_ones(), s.0.reverse_bits() ^ u8::MAX));
        let nested = |i: usize| sets[..i].iter().any(|s| s.is_subset_of(sets[i]));
        if sets.is_empty() || sets[0].0 == 0 || (1..sets.len()).any(nested) {
            return Err(InfoError::argument(
                "sets",
                Self(sets),
                "one or more sets, not empty, none within another",
            ));
        }
        Ok(Self(sets))
    }

    /// Each source for itself: the bottom of the lattice.
    pub(crate) fn of_singles(number: usize) -> Self {
        Self((0..number).map(|i| SourceSet(1 << i)).collect())
    }

    /// The sets, small ones first.
    pub fn sets(&self) -> &[SourceSet] {
        &self.0
    }

    /// Whether this node is at or below another: each set of the other contains one of this.
    /// Redundancy does not fall going up.
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        let covered = |b: &SourceSet| self.0.iter().any(|a| a.is_subset_of(*b));
        other.0.iter().all(covered)
    }
}

impl fmt::Display for Antichain {
    /// As in the papers, sources counted from 1: `{1}{23}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for set in &self.0 {
            f.write_str("{")?;
            for i in (0..8).filter(|i| set.contains(*i)) {
                write!(f, "{}", i + 1)?;
            }
            f.write_str("}")?;
        }
        Ok(())
    }
}

/// All nodes of the lattice of up to four sources, each after those below it: 1, 4, 18, 166 of
/// them (Dedekind numbers less 2).
///
/// # Errors
/// If the number is not between 1 and 4.
///
/// ```
/// use ergodic_info::decomposition::antichains;
///
/// let two: Vec<String> = antichains(2)?.iter().map(ToString::to_string).collect();
/// assert_eq!(two, ["{1}{2}", "{1}", "{2}", "{12}"]);
/// assert_eq!(antichains(3)?.len(), 18);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
pub fn antichains(number: usize) -> Result<Vec<Antichain>, InfoError> {
    if !(1..=4).contains(&number) {
        return Err(InfoError::argument("number", number, "between 1 and 4"));
    }
    let mut found: Vec<Vec<SourceSet>> = vec![Vec::new()];
    for set in (1..1u8 << number).map(SourceSet) {
        let apart = |chain: &&Vec<SourceSet>| {
            !(chain.iter()).any(|s| s.is_subset_of(set) || set.is_subset_of(*s))
        };
        let longer: Vec<_> = found.iter().filter(apart).cloned().collect();
        found.extend(longer.into_iter().map(|mut chain| {
            chain.push(set);
            chain
        }));
    }
    let mut nodes: Vec<Antichain> = (found.into_iter().filter(|chain| !chain.is_empty()))
        .map(Antichain::new)
        .collect::<Result<_, _>>()?;
    // The number of nodes below is a height that orders the lattice.
    let below = |node: &Antichain| nodes.iter().filter(|n| n.is_at_or_below(node)).count();
    let heights: Vec<usize> = nodes.iter().map(below).collect();
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_cached_key(|i| {
        let key = |s: &SourceSet| (s.0.count_ones(), s.0.reverse_bits() ^ u8::MAX);
        (heights[*i], nodes[*i].0.iter().map(key).collect::<Vec<_>>())
    });
    let mut slots: Vec<Option<Antichain>> = nodes.drain(..).map(Some).collect();
    Ok(order.into_iter().filter_map(|i| slots[i].take()).collect())
}

/// A node of a decomposition.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The collection of sources.
    pub collection: Antichain,
    /// What they share, with all that collections below share.
    pub redundancy: Information,
    /// What they share and no collection below does.
    pub part: Information,
}

/// A decomposition over the lattice: a redundancy on each node, and the parts that sum to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lattice {
    nodes: Vec<Node>,
}

impl Lattice {
    /// Inverts `redundancy(α) = Σ_{β ≤ α} part(β)`, from the bottom up.
    pub(crate) fn new(
        number: usize,
        mut redundancy: impl FnMut(&Antichain) -> Result<Information, InfoError>,
    ) -> Result<Self, InfoError> {
        let mut nodes: Vec<Node> = Vec::new();
        for collection in antichains(number)? {
            let redundancy = redundancy(&collection)?;
            let below = nodes
                .iter()
                .filter(|n| n.collection.is_at_or_below(&collection));
            let part = redundancy - below.map(|n| n.part).sum();
            nodes.push(Node {
                collection,
                redundancy,
                part,
            });
        }
        Ok(Self { nodes })
    }

    /// The nodes, each after those below it.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of a collection.
    pub fn node(&self, collection: &Antichain) -> Option<&Node> {
        self.nodes.iter().find(|n| n.collection == *collection)
    }

    /// The sum of the parts: the information of all sources together.
    pub fn total(&self) -> Information {
        self.nodes.iter().map(|n| n.part).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lattices_have_the_sizes_of_dedekind() {
        for (number, size) in [(1, 1), (2, 4), (3, 18), (4, 166)] {
            let nodes = antichains(number).unwrap();
            assert_eq!(nodes.len(), size);
            for (i, a) in nodes.iter().enumerate() {
                assert!(nodes[0].is_at_or_below(a), "{a}");
                assert!(nodes[i + 1..].iter().all(|b| !b.is_at_or_below(a)), "{a}");
            }
        }
        assert!(antichains(0).is_err());
        assert!(antichains(5).is_err());
    }

    #[test]
    fn order_is_that_of_williams_and_beer() {
        let node = |sets: &[u8]| {
            Antichain::new(sets.iter().map(|s| SourceSet(*s)).collect::<Vec<_>>()).unwrap()
        };
        assert!(node(&[0b001, 0b110]).is_at_or_below(&node(&[0b001])));
        assert!(node(&[0b001, 0b110]).is_at_or_below(&node(&[0b011, 0b110])));
        assert!(!node(&[0b001]).is_at_or_below(&node(&[0b110])));
        assert!(!node(&[0b011, 0b101]).is_at_or_below(&node(&[0b001])));
    }

    #[test]
    fn sets_that_are_no_antichain_are_refused() {
        assert!(Antichain::new([]).is_err());
        assert!(Antichain::new([SourceSet(0)]).is_err());
        assert!(Antichain::new([SourceSet(3), SourceSet(1)]).is_err());
        assert!(Antichain::new([SourceSet(1), SourceSet(1)]).is_err());
    }
}
