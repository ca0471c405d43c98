//! What is plainly wrong with a run, said aloud.

use std::fmt;

use super::{Run, Streamed};

/// Something that makes the draws of a run unfit for use as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Steps diverged after the warm-up: the chain avoids a region of high curvature, and means
    /// are biased however many draws there are (Betancourt, arXiv:1701.02434, § 6.2).
    Divergences {
        /// The chain.
        chain: usize,
        /// Divergent steps of the sampling.
        divergences: u64,
        /// All steps of the sampling.
        steps: u64,
    },
    /// All draws of the chain are one and the same: nothing was accepted, or what is recorded is
    /// conserved.
    NeverMoved {
        /// The chain.
        chain: usize,
    },
    /// A recorded value is not finite.
    NotFinite {
        /// The chain.
        chain: usize,
        /// The draw.
        draw: usize,
        /// The name of the parameter.
        parameter: String,
    },
    /// The run was stopped before it was done.
    Interrupted {
        /// Draws of each chain.
        draws: Vec<usize>,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Divergences {
                chain,
                divergences,
                steps,
            } => write!(
                f,
                "chain {chain}: {divergences} of {steps} steps diverged; take a higher target \
                 acceptance or another parametrisation"
            ),
            Self::NeverMoved { chain } => write!(
                f,
                "chain {chain}: every draw is the same; nothing was accepted, or what is recorded \
                 is conserved"
            ),
            Self::NotFinite {
                chain,
                draw,
                parameter,
            } => write!(
                f,
                "chain {chain}, draw {draw}: the recorded value of {parameter} is not finite"
            ),
            Self::Interrupted { draws } => {
                write!(f, "the run was stopped; draws of each chain: {draws:?}")
            }
        }
    }
}

/// The list of what is wrong with a run; an error, so that `run.verdict()?` stops a program.
///
/// It holds only what the driver sees. Whether the chains agree (R̂) and whether there are enough
/// draws (ESS) is for `ergodic-diagnostics` to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the run failed")?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Verdict {}

impl<K, S> Run<K, S> {
    /// `Ok` if nothing is plainly wrong.
    ///
    /// # Errors
    /// The list of what is: divergences, chains that never moved, recorded values that are not
    /// finite, an interruption.
    pub fn verdict(&self) -> Result<(), Verdict> {
        let mut problems: Vec<Problem> = Vec::new();
        for (index, chain) in self.chains.iter().enumerate() {
            problems.extend(chain.divergence_problem(index));
            let values = self.draws.chain(index);
            let parameters = self.draws.num_parameters();
            let first = self.draws.draw(index, 0);
            if self.draws.num_draws() > 1 && values.chunks(parameters).all(|d| d == first) {
                problems.push(Problem::NeverMoved { chain: index });
            }
            if let Some(at) = values.iter().position(|x| !x.is_finite()) {
                problems.push(Problem::NotFinite {
                    chain: index,
                    draw: at / parameters,
                    parameter: self.draws.names()[at % parameters].clone(),
                });
            }
        }
        conclude(
            problems,
            self.interrupted,
            self.chains.iter().map(|c| c.draws),
        )
    }
}

impl<K, S, C> Streamed<K, S, C> {
    /// `Ok` if nothing is plainly wrong, as far as the counts tell.
    ///
    /// # Errors
    /// The list of what is: divergences, an interruption.
    pub fn verdict(&self) -> Result<(), Verdict> {
        let problems = self.chains.iter().enumerate();
        let problems = problems.filter_map(|(i, chain)| chain.divergence_problem(i));
        let draws = self.chains.iter().map(|c| c.draws);
        conclude(problems.collect(), self.interrupted, draws)
    }
}

fn conclude(
    mut problems: Vec<Problem>,
    interrupted: bool,
    draws: impl Iterator<Item = usize>,
) -> Result<(), Verdict> {
    if interrupted {
        problems.push(Problem::Interrupted {
            draws: draws.collect(),
        });
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Verdict { problems })
    }
}
