//! Gibbs sampling in blocks of sites that do not depend on each other: a verified colouring.

use std::borrow::{Borrow, BorrowMut};

use ergodic_core::{ArgumentError, Claims, Conditional, MarkovKernel, Randomness, TargetError};

use crate::{Scan, probe, start};

/// A colouring of the sites in which no two neighbours have the same colour.
///
/// Neighbours are sites whose conditional laws depend on each other; sites of one colour are
/// independent given all others.
///
/// ```
/// use ergodic_samplers::Colouring;
///
/// // A ring of four sites is a chessboard, one of five is not.
/// let ring = |n: usize| -> Vec<Vec<usize>> { (0..n).map(|i| vec![(i + 1) % n, (i + n - 1) % n]).collect() };
/// assert_eq!(Colouring::new(&[0, 1, 0, 1], &ring(4))?.num_colours(), 2);
/// let error = Colouring::new(&[0, 1, 0, 1, 0], &ring(5)).unwrap_err();
/// assert!(error.to_string().contains("sites 0 and 4"));
/// assert_eq!(Colouring::greedy(&ring(5))?.num_colours(), 3);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colouring {
    sites: usize,
    /// The sites of each colour, in order.
    blocks: Vec<Vec<usize>>,
}

/// The list names sites, none its own neighbour, and every pair from both ends.
fn checked_neighbours(neighbours: &[Vec<usize>]) -> Result<(), ArgumentError> {
    let error = |found: String| {
        ArgumentError::new(
            "neighbours",
            found,
            "a list per site of other sites, every pair listed from both ends",
        )
    };
    if neighbours.is_empty() {
        return Err(error("empty".into()));
    }
    for (i, list) in neighbours.iter().enumerate() {
        for &j in list {
            if j >= neighbours.len() || j == i {
                return Err(error(format!("{j} in the list of site {i}")));
            }
            if !neighbours[j].contains(&i) {
                return Err(error(format!(
                    "{j} in the list of site {i} and not {i} in that of site {j}"
                )));
            }
        }
    }
    Ok(())
}

impl Colouring {
    /// Site `i` has the colour `colour_of[i]`; colours are `0, 1, …` without a gap.
    ///
    /// Cost: the number of neighbours, squared per site.
    ///
    /// # Errors
    /// If the lists disagree in length, the neighbours are not a symmetric list, a colour is
    /// skipped, or two neighbours have one colour: the message names them.
    pub fn new(colour_of: &[usize], neighbours: &[Vec<usize>]) -> Result<Self, ArgumentError> {
        checked_neighbours(neighbours)?;
        let sites = neighbours.len();
        if colour_of.len() != sites {
            return Err(ArgumentError::new(
                "colour_of",
                format!("of length {}", colour_of.len()),
                format!("of length {sites}"),
            ));
        }
        for (i, list) in neighbours.iter().enumerate() {
            for &j in list {
                if colour_of[i] == colour_of[j] {
                    return Err(ArgumentError::new(
                        "colour_of",
                        format!("{} at the sites {i} and {j}", colour_of[i]),
                        "different at neighbours",
                    ));
                }
            }
        }
        // No colour is skipped, so there are no more colours than sites.
        let largest = colour_of.iter().max().copied().unwrap_or(0);
        if largest >= sites {
            return Err(ArgumentError::new(
                "colour_of",
                format!("as large as {largest}"),
                format!("below {sites}"),
            ));
        }
        let mut blocks: Vec<Vec<usize>> = vec![Vec::new(); largest + 1];
        for (i, &c) in colour_of.iter().enumerate() {
            blocks[c].push(i);
        }
        if let Some(unused) = blocks.iter().position(Vec::is_empty) {
            return Err(ArgumentError::new(
                "colour_of",
                format!("{unused} nowhere"),
                "without a gap",
            ));
        }
        Ok(Self { sites, blocks })
    }

    /// A colouring with at most one colour more than the largest number of neighbours: sites in
    /// the order of falling degree take the first colour that is free (Welsh and Powell, *Comput.
    /// J.* 10, 85, 1967).
    ///
    /// # Errors
    /// If the neighbours are not a symmetric list.
    pub fn greedy(neighbours: &[Vec<usize>]) -> Result<Self, ArgumentError> {
        checked_neighbours(neighbours)?;
        let mut order: Vec<usize> = (0..neighbours.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(neighbours[i].len()), i));
        let mut colour_of: Vec<Option<usize>> = vec![None; neighbours.len()];
        for i in order {
            // One of as many colours as it has neighbours, and one more, is free.
            let free = (0..=neighbours[i].len())
                .find(|&c| neighbours[i].iter().all(|&j| colour_of[j] != Some(c)));
            colour_of[i] = free;
        }
        let colour_of: Vec<usize> = colour_of.into_iter().flatten().collect();
        Self::new(&colour_of, neighbours)
    }

    /// The number of sites.
    pub const fn num_sites(&self) -> usize {
        self.sites
    }

    /// The number of colours.
    pub fn num_colours(&self) -> usize {
        self.blocks.len()
    }

    /// The sites of each colour.
    pub fn blocks(&self) -> &[Vec<usize>] {
        &self.blocks
    }

    /// Asks the target's own conditionals whether sites of one colour depend on each other, at the
    /// given configurations: whether some outcome of one changes a probability by which another is
    /// drawn, by more than `tolerance`.
    ///
    /// This is what a neighbour list claims and cannot prove. For pairwise interactions one
    /// configuration tells; otherwise give several, for a small system all. Conditionals have to be
    /// discrete. A conditional that takes other decisions for the same law is reported too.
    ///
    /// Cost: for every configuration and pair of one colour, one conditional per outcome.
    ///
    /// # Errors
    /// Names the first pair of dependent sites; or that a conditional is continuous or has more
    /// than 4096 outcomes, that the target has another number of sites, that there is no
    /// configuration, or that the tolerance is negative or NaN.
    ///
    /// ```
    /// use ergodic_conformance::strategies::PairwiseSpins;
    /// use ergodic_samplers::Colouring;
    ///
    /// // A 2 × 2 torus with one diagonal bond that the list of neighbours has forgotten.
    /// let mut j = vec![0.0; 16];
    /// for (a, b, v) in [(0, 1, 0.3), (1, 3, 0.3), (3, 2, 0.3), (2, 0, 0.3), (0, 3, 0.1)] {
    ///     j[4 * a + b] = v;
    ///     j[4 * b + a] = v;
    /// }
    /// let target = PairwiseSpins::new(j, vec![0.0; 4])?;
    /// let forgetful = vec![vec![1, 2], vec![0, 3], vec![0, 3], vec![1, 2]];
    /// let colouring = Colouring::new(&[0, 1, 1, 0], &forgetful)?;
    /// let error = colouring.check_independence(&target, &[vec![1; 4]], 1e-12).unwrap_err();
    /// assert!(error.to_string().contains("sites 0 and 3"));
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn check_independence<T>(
        &self,
        target: &T,
        configurations: &[<T::State as ToOwned>::Owned],
        tolerance: f64,
    ) -> Result<(), ArgumentError>
    where
        T: Conditional + ?Sized,
        <T::State as ToOwned>::Owned: BorrowMut<T::State>,
    {
        if tolerance.is_nan() || tolerance < 0.0 {
            return Err(ArgumentError::new("tolerance", tolerance, "at least 0"));
        }
        if configurations.is_empty() {
            return Err(ArgumentError::new("configurations", "none", "at least one"));
        }
        if target.num_sites() != self.sites {
            return Err(ArgumentError::new(
                "target",
                format!("of {} sites", target.num_sites()),
                format!("of {} sites, as the colouring", self.sites),
            ));
        }
        for x in configurations {
            for block in &self.blocks {
                for &i in block {
                    for &j in block {
                        if i == j {
                            continue;
                        }
                        let influence =
                            probe::influence(target, x.borrow(), i, j).map_err(|why| {
                                ArgumentError::new("target", why.text(), "a discrete one")
                            })?;
                        if influence > tolerance {
                            return Err(ArgumentError::new(
                                "colouring",
                                format!(
                                    "one that gives the sites {} and {} one colour, though the \
                                     former changes the law of the latter by {influence:e}",
                                    j.min(i),
                                    j.max(i)
                                ),
                                "one whose colours hold independent sites",
                            ));
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Gibbs sampling by colours: all sites of one colour are drawn given all others, colour after
/// colour.
///
/// Sites of one colour are independent given the rest, so that drawing them one after another is
/// drawing them at once, in any order: a block update `∏ π(xᵢ | x₋ᵢ)` that is reversible as a whole
/// (González, Low, Gretton and Guestrin, AISTATS 2011). One step is one colour drawn uniformly
/// ([`Scan::Random`], reversible), every colour in order ([`Scan::Sweep`], invariant), or every
/// colour there and back ([`Scan::Palindrome`], reversible). Reversibility rests on the colouring:
/// a [`Colouring`] that is wrong about the target still gives an *invariant* kernel, so check it
/// with [`Colouring::check_independence`].
///
/// Cost: one conditional per site of the colours that are visited; nothing allocated. Use it for
/// lattices and other sparse graphs. A chessboard mixes a ferromagnet about as fast as a
/// typewriter sweep, and twice as fast as a random scan of as many sites.
///
/// ```
/// use ergodic_conformance::{check, strategies::PairwiseSpins};
/// use ergodic_samplers::{BlockedGibbs, Colouring, Scan};
///
/// let target = PairwiseSpins::torus(2, 0.4)?;
/// let neighbours = vec![vec![1, 2], vec![0, 3], vec![0, 3], vec![1, 2]];
/// let kernel = BlockedGibbs::new(Colouring::greedy(&neighbours)?, Scan::Palindrome);
/// check(&kernel, &target, &target.states(), 1e-14)?.assert();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedGibbs {
    colouring: Colouring,
    scan: Scan,
}

impl BlockedGibbs {
    /// By the colours of `colouring`, in the given order.
    pub const fn new(colouring: Colouring, scan: Scan) -> Self {
        Self { colouring, scan }
    }

    /// The colouring.
    pub const fn colouring(&self) -> &Colouring {
        &self.colouring
    }

    fn sites_agree<T: Conditional + ?Sized>(&self, target: &T) -> Result<(), TargetError> {
        let (found, expected) = (target.num_sites(), self.colouring.sites);
        if found == expected {
            Ok(())
        } else {
            Err(TargetError::new(format!(
                "the target has {found} sites, but the colouring {expected}"
            )))
        }
    }
}

impl<T> MarkovKernel<T> for BlockedGibbs
where
    T: Conditional + ?Sized,
    <T::State as ToOwned>::Owned: Clone + BorrowMut<T::State>,
{
    type State = <T::State as ToOwned>::Owned;
    type Info = ();

    fn claims(&self) -> Claims {
        if self.scan.is_reversible() {
            Claims::REVERSIBLE
        } else {
            Claims::INVARIANT
        }
    }

    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError> {
        self.sites_agree(target)?;
        start::begin(target, x)
    }

    fn position<'s>(&self, _: &T, state: &'s Self::State) -> &'s T::State
    where
        T: 's,
    {
        state.borrow()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut Self::State,
        x: Option<&T::State>,
    ) -> Result<(), TargetError> {
        self.sites_agree(target)?;
        start::again(target, state, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        self.sites_agree(target)?;
        let x = state.borrow_mut();
        let blocks = &self.colouring.blocks;
        let mut draw = |colour: usize, rng: &mut R| {
            for &site in &blocks[colour] {
                target.resample_site(x, site, 1.0, rng);
            }
        };
        let colours = blocks.len();
        match self.scan {
            Scan::Random => draw(rng.index(colours), rng),
            Scan::Sweep => (0..colours).for_each(|c| draw(c, rng)),
            Scan::Palindrome => {
                // The last colour once: two draws from one conditional are one.
                (0..colours)
                    .chain((0..colours - 1).rev())
                    .for_each(|c| draw(c, rng));
            }
        }
        Ok(())
    }
}
