//! Splittings of underdamped Langevin dynamics, written as words.

use std::fmt;
use std::str::FromStr;

use ergodic_core::ArgumentError;

/// One part of the dynamics, which is solved exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Letter {
    /// Drift, `ẋ = M⁻¹ p`.
    A,
    /// Kick, `ṗ = −kT ∇E(x)`.
    B,
    /// Ornstein–Uhlenbeck bath, `dp = −γ p dt + √(2γ M kT) dW`.
    O,
}

/// A word over `A`, `B` and `O`: the order in which the parts of
/// `dx = M⁻¹p dt, dp = −kT ∇E dt − γp dt + √(2γ M kT) dW` are solved in one step.
///
/// Each occurrence of a letter lasts `h / count`, where `count` is how often the letter occurs:
/// `BAOAB` is half a kick, half a drift, a full bath, half a drift, half a kick (Leimkuhler and
/// Matthews, *Appl. Math. Res. Express* 2013, 34; *Molecular Dynamics*, Springer 2015, ch. 7).
/// Any word in which each letter occurs is a consistent scheme.
///
/// On `E = ω²x²/2` with `M = kT = 1`, whatever the friction:
///
/// | word | `⟨x²⟩ω²` | `⟨p²⟩` | `⟨xp⟩` | remark |
/// |---|---|---|---|---|
/// | `BAOAB` | 1 | `1 − h²ω²/4` | 0 | positions of order 4 at high friction: the default choice |
/// | `ABOBA` | 1 | `1/(1 − h²ω²/4)` | 0 | |
/// | `BAOA` | 1 | 1 | `h/2` | the positions of `BAOAB`, one evaluation as well |
/// | `OBABO` | `1/(1 − h²ω²/4)` | 1 | 0 | best to adjust: its proposal is velocity Verlet |
/// | `OABAO` | `1 − h²ω²/4` | 1 | 0 | |
/// | `BAO` | `(1+c)²/(2 + 2c − h²ω²)` | `(1+c)(2 − (1−c)h²ω²)/(2 + 2c − h²ω²)` | `ch(1+c)/(2 + 2c − h²ω²)` | symplectic Euler, `c = e^{−γh}` |
///
/// ```
/// use ergodic_samplers::Splitting;
///
/// let word = Splitting::parse("BAOAB")?;
/// assert_eq!((word.order(), word.position_order()), (2, 2));
/// let word = Splitting::parse("BAOA")?;
/// assert_eq!((word.order(), word.position_order()), (1, 2));
/// assert!(Splitting::parse("BAB").is_err()); // no bath
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Splitting {
    letters: Vec<Letter>,
}

impl Splitting {
    /// From a word of the letters `A`, `B` and `O`, upper case.
    ///
    /// # Errors
    /// If there is another letter, or one of the three does not occur.
    pub fn parse(word: &str) -> Result<Self, ArgumentError> {
        const ALLOWED: &str = "a word of the letters A, B and O in which each occurs";
        let letters: Option<Vec<Letter>> = word
            .chars()
            .map(|c| match c {
                'A' => Some(Letter::A),
                'B' => Some(Letter::B),
                'O' => Some(Letter::O),
                _ => None,
            })
            .collect();
        let error = || ArgumentError::new("splitting", format!("{word:?}"), ALLOWED);
        let splitting = Self {
            letters: letters.ok_or_else(error)?,
        };
        for letter in [Letter::A, Letter::B, Letter::O] {
            if splitting.count(letter) == 0 {
                return Err(error());
            }
        }
        Ok(splitting)
    }

    /// The letters in the order in which they act.
    pub fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// How often a letter occurs; it lasts `h / count` each time.
    pub fn count(&self, letter: Letter) -> usize {
        self.letters.iter().filter(|&&l| l == letter).count()
    }

    /// Whether the word reads the same backwards.
    pub fn is_palindrome(&self) -> bool {
        palindrome(&self.letters)
    }

    /// The order of the bias in `h`, over positions and momenta together: 2 for every
    /// palindrome, 1 in general.
    ///
    /// More precisely: the law `μ = π ⊗ N(0, M kT)` is changed by one step by
    /// `h² Σⱼ tⱼ Sⱼ Lⱼ ν + O(h³)` with `ν = L_A μ = −L_B μ`, where letter `j` lasts `tⱼ h`, `Lⱼ` is
    /// its generator on densities, and `Sⱼ` is the time of `A` less the time of `B` that has
    /// passed by the middle of it. The order is 2 where `Σ tⱼ Sⱼ` vanishes for each of the three
    /// letters. Palindromes are among these words, and so are others whose baths stand elsewhere,
    /// such as `OBAB`: a bath at an end leaves `μ` as it is.
    pub fn order(&self) -> u32 {
        // Halves of letters as units, so that the middle of a letter is an integer.
        let halves: Vec<Letter> = self.letters.iter().flat_map(|&l| [l, l]).collect();
        order_of(&halves)
    }

    /// The order of the bias of the positions alone under the stationary law of the scheme, as far
    /// as it follows from [`order`](Self::order): schemes that differ by where in a run of `B` and
    /// `O` a step begins visit the same positions.
    ///
    /// `BAOA` and `BAOAB` are such a pair, so that the former has order 2 in positions.
    pub fn position_order(&self) -> u32 {
        let mut halves: Vec<Letter> = self.letters.iter().flat_map(|&l| [l, l]).collect();
        // To the end of the run that the seam lies in, then back through it.
        while halves.last().is_some_and(|&l| l != Letter::A) {
            halves.rotate_right(1);
        }
        let mut best = order_of(&halves);
        while halves.first().is_some_and(|&l| l != Letter::A) {
            halves.rotate_left(1);
            best = best.max(order_of(&halves));
        }
        best
    }

    /// The letters without the baths at both ends, as a range.
    pub(crate) fn core(&self) -> std::ops::Range<usize> {
        let is_motion = |l: &Letter| *l != Letter::O;
        let start = self.letters.iter().position(is_motion).unwrap_or(0);
        let end = self
            .letters
            .iter()
            .rposition(is_motion)
            .map_or(start, |i| i + 1);
        start..end
    }

    /// Whether the core reads the same backwards, which a Metropolis test needs.
    pub(crate) fn has_reversible_core(&self) -> bool {
        palindrome(&self.letters[self.core()])
    }
}

fn palindrome(letters: &[Letter]) -> bool {
    letters.iter().eq(letters.iter().rev())
}

/// The order of a word of half letters, in exact arithmetic.
fn order_of(halves: &[Letter]) -> u32 {
    let count = |letter| halves.iter().filter(|&&l| l == letter).count() as i64;
    let (a, b) = (count(Letter::A), count(Letter::B));
    // Times in units of h/(2ab): a half letter A lasts 2b, B lasts 2a, their middles are integers.
    let mut passed = 0i64;
    let mut sums = [0i64; 3];
    for letter in halves {
        let lasts = match letter {
            Letter::A => 2 * b,
            Letter::B => -2 * a,
            Letter::O => 0,
        };
        // Each occurrence of one letter lasts equally long, so the weight tⱼ is left out.
        sums[*letter as usize] += passed + lasts / 2;
        passed += lasts;
    }
    if sums == [0; 3] { 2 } else { 1 }
}

impl FromStr for Splitting {
    type Err = ArgumentError;
    fn from_str(word: &str) -> Result<Self, ArgumentError> {
        Self::parse(word)
    }
}

impl fmt::Display for Splitting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in &self.letters {
            write!(f, "{letter:?}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(word: &str) -> (u32, u32) {
        let word = Splitting::parse(word).unwrap();
        (word.order(), word.position_order())
    }

    #[test]
    fn palindromes_have_order_two_and_others_what_their_letters_give() {
        for word in ["BAOAB", "ABOBA", "OBABO", "OABAO", "AOBOA", "BOAOB"] {
            assert!(Splitting::parse(word).unwrap().is_palindrome());
            assert_eq!(orders(word), (2, 2), "{word}");
        }
        assert_eq!(orders("OBAB"), (2, 2));
        assert_eq!(orders("BABO"), (2, 2));
        assert_eq!(orders("BAOA"), (1, 2));
        assert_eq!(orders("AOAB"), (1, 2));
        for word in ["BAO", "ABO", "OAB", "AOB", "OBA", "BOA", "ABAO"] {
            assert_eq!(orders(word).0, if word == "ABAO" { 2 } else { 1 }, "{word}");
        }
        assert_eq!(orders("BAO"), (1, 1));
    }

    #[test]
    fn words_that_are_no_splitting_are_refused() {
        for word in ["", "BAB", "AO", "BO", "baoab", "BAOAX", "B A O"] {
            let error = Splitting::parse(word).unwrap_err();
            assert_eq!(error.argument, "splitting", "{word}");
        }
    }

    #[test]
    fn a_word_prints_as_it_was_parsed() {
        for word in ["BAOAB", "OOABBA"] {
            assert_eq!(Splitting::parse(word).unwrap().to_string(), word);
        }
    }
}
