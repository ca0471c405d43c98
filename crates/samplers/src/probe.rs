//! A randomness that asks a conditional for its law: which probabilities it decides by.

use std::borrow::{Borrow, BorrowMut};

use ergodic_core::{Conditional, Randomness};

/// The most paths of decisions that one conditional may have.
const PATHS: usize = 4096;

/// Answers from a tape of choices and records the weights of each decision.
#[derive(Clone, Debug, Default)]
struct Tape {
    /// The choice at each decision, and how many options of positive weight there were.
    choices: Vec<(usize, usize)>,
    cursor: usize,
    /// The weights that were asked for on this path.
    weights: Vec<f64>,
    continuous: bool,
}

impl Tape {
    /// Picks among the options of positive weight; returns its place among all.
    fn decide(&mut self, weights: &[f64]) -> usize {
        self.weights.extend_from_slice(weights);
        let mut support = (0..weights.len()).filter(|&i| weights[i] > 0.0);
        if self.cursor == self.choices.len() {
            self.choices.push((0, support.clone().count()));
        }
        let choice = self.choices[self.cursor].0;
        self.cursor += 1;
        support.nth(choice).unwrap_or(0)
    }

    /// The next path; `false` after the last.
    fn advance(&mut self) -> bool {
        self.choices.truncate(self.cursor);
        self.cursor = 0;
        self.weights.clear();
        while let Some((choice, options)) = self.choices.last_mut() {
            *choice += 1;
            if *choice < *options {
                return true;
            }
            self.choices.pop();
        }
        false
    }

    fn continuous(&mut self) -> f64 {
        self.continuous = true;
        0.5
    }
}

impl Randomness for Tape {
    fn bernoulli(&mut self, p: f64) -> bool {
        self.decide(&[p, 1.0 - p]) == 0
    }
    fn index(&mut self, n: usize) -> usize {
        self.decide(&vec![1.0 / n as f64; n])
    }
    fn categorical(&mut self, weights: &[f64]) -> usize {
        let total: f64 = weights.iter().sum();
        let shares: Vec<f64> = weights.iter().map(|w| w / total).collect();
        self.decide(&shares)
    }
    fn uniform(&mut self) -> f64 {
        self.continuous()
    }
    fn normal(&mut self) -> f64 {
        self.continuous()
    }
    fn exponential(&mut self) -> f64 {
        self.continuous()
    }
}

/// Why a conditional could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknowable {
    /// It draws continuous variables.
    Continuous,
    /// It has too many outcomes.
    TooManyPaths,
}

impl Unknowable {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Continuous => "a conditional that draws continuous variables",
            Self::TooManyPaths => "a conditional with more than 4096 outcomes",
        }
    }
}

/// The conditional law of `site` at `x`: the weights of every decision along every path, and what
/// `x` becomes on each.
pub(crate) struct Law<X> {
    pub(crate) weights: Vec<f64>,
    pub(crate) outcomes: Vec<X>,
}

/// Asks the target for the conditional law of `site` at `x`, at `β = 1`.
pub(crate) fn conditional_law<T>(
    target: &T,
    x: &T::State,
    site: usize,
) -> Result<Law<<T::State as ToOwned>::Owned>, Unknowable>
where
    T: Conditional + ?Sized,
    <T::State as ToOwned>::Owned: BorrowMut<T::State>,
{
    let mut tape = Tape::default();
    let mut law = Law {
        weights: Vec::new(),
        outcomes: Vec::new(),
    };
    loop {
        let mut after = x.to_owned();
        target.resample_site(after.borrow_mut(), site, 1.0, &mut tape);
        if tape.continuous {
            return Err(Unknowable::Continuous);
        }
        law.weights.extend_from_slice(&tape.weights);
        law.outcomes.push(after);
        if law.outcomes.len() > PATHS {
            return Err(Unknowable::TooManyPaths);
        }
        if !tape.advance() {
            return Ok(law);
        }
    }
}

/// Whether site `other` has no say in the law of `site` at `x`: the largest difference that an
/// outcome of `other` makes to a weight, infinite if it changes which decisions are taken.
pub(crate) fn influence<T>(
    target: &T,
    x: &T::State,
    site: usize,
    other: usize,
) -> Result<f64, Unknowable>
where
    T: Conditional + ?Sized,
    <T::State as ToOwned>::Owned: BorrowMut<T::State>,
{
    let here = conditional_law(target, x, site)?.weights;
    let mut largest = 0.0f64;
    for after in conditional_law(target, x, other)?.outcomes {
        let there = conditional_law(target, after.borrow(), site)?.weights;
        if here.len() != there.len() {
            return Ok(f64::INFINITY);
        }
        for (a, b) in here.iter().zip(&there) {
            // NaN counts as a difference.
            let difference = (a - b).abs();
            largest = if difference <= largest {
                largest
            } else {
                difference
            };
        }
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_conformance::strategies::{FiniteTable, PairwiseSpins};

    #[test]
    fn the_law_of_a_table_is_its_weights() {
        let table = FiniteTable::new(vec![0.0, f64::INFINITY, 3f64.ln()]).unwrap();
        let law = conditional_law(&table, &0, 0).unwrap();
        assert_eq!(law.outcomes, [0, 2]);
        assert!((law.weights[0] - 0.75).abs() < 1e-15 && law.weights[1] == 0.0);
    }

    #[test]
    fn neighbours_have_influence_and_others_have_none() {
        // A chain 0 – 1 – 2.
        let j = vec![0.0, 0.5, 0.0, 0.5, 0.0, 0.5, 0.0, 0.5, 0.0];
        let spins = PairwiseSpins::new(j, vec![0.1, 0.2, 0.3]).unwrap();
        assert_eq!(influence(&spins, &[1, 1, 1], 0, 2).unwrap(), 0.0);
        assert!(influence(&spins, &[1, 1, 1], 0, 1).unwrap() > 0.1);
    }
}
