//! Replaying a kernel along every path of its decisions.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use ergodic_core::{Energy, MarkovKernel, Randomness, TargetError};
use nalgebra::DMatrix;

use crate::matrix::{Bounds, Memory, TransitionMatrix};
use crate::report::Report;
use crate::rule::Nodes;

/// Guards on the size of an enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most paths that may leave one state. Default 2²⁰.
    pub paths: usize,
    /// The most decisions along one path: stops kernels that draw until they accept. Default
    /// 4096.
    pub decisions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            paths: 1 << 20,
            decisions: 4096,
        }
    }
}

/// Why a kernel could not be enumerated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The kernel made a continuous draw, which has no finite set of outcomes.
    Continuous {
        /// The method of `Randomness` that was called.
        call: &'static str,
    },
    /// An argument outside the domain that `Randomness` states.
    Domain {
        /// The method of `Randomness` that was called.
        call: &'static str,
        /// The argument.
        found: String,
        /// What it has to be.
        allowed: &'static str,
    },
    /// More decisions along one path than [`Limits::decisions`].
    TooManyDecisions {
        /// The limit.
        limit: usize,
    },
    /// More paths than [`Limits::paths`].
    TooManyPaths {
        /// The limit.
        limit: usize,
    },
    /// More continuous draws in one step than a tensor rule serves.
    TooManyDraws {
        /// The limit.
        limit: usize,
    },
    /// The same decisions led to other calls: the kernel depends on something besides its
    /// arguments (a clock, a counter, the order of a hash map).
    NotReproducible {
        /// What the first run asked for.
        first: String,
        /// What the replay asked for.
        replay: String,
    },
    /// The kernel went to a position that is not among the states.
    UnknownState {
        /// The position.
        reached: String,
    },
    /// Two of the states are equal.
    DuplicateState,
    /// There are no states, or none of finite energy.
    NoStates,
    /// The target or the kernel returned an error.
    Target(TargetError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Continuous { call } => write!(
                f,
                "the kernel called {call}(), a continuous draw: it is not discrete and needs \
                 quadrature"
            ),
            Self::Domain {
                call,
                found,
                allowed,
            } => write!(
                f,
                "the kernel called {call}({found}), but the argument must be {allowed}"
            ),
            Self::TooManyDecisions { limit } => write!(
                f,
                "one path takes more than {limit} decisions: the kernel may draw until it accepts"
            ),
            Self::TooManyPaths { limit } => write!(f, "more than {limit} paths"),
            Self::TooManyDraws { limit } => {
                write!(f, "more than {limit} continuous draws in one step")
            }
            Self::NotReproducible { first, replay } => write!(
                f,
                "the kernel is not a function of its randomness: the same decisions led to \
                 {first} and then to {replay}"
            ),
            Self::UnknownState { reached } => write!(
                f,
                "the kernel reached {reached}, which is not among the states"
            ),
            Self::DuplicateState => write!(f, "the state occurs twice in the list"),
            Self::NoStates => write!(f, "no state has finite energy"),
            Self::Target(e) => e.fmt(f),
        }
    }
}

/// An enumeration that could not be finished, and the state it had started from.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumerateError {
    /// The state in which it happened, printed; `None` outside a kernel.
    pub state: Option<String>,
    /// What happened.
    pub failure: Failure,
}

impl EnumerateError {
    pub(crate) fn at(state: impl fmt::Debug, failure: Failure) -> Self {
        Self {
            state: Some(format!("{state:?}")),
            failure,
        }
    }
}

impl From<Failure> for EnumerateError {
    fn from(failure: Failure) -> Self {
        Self {
            state: None,
            failure,
        }
    }
}

impl fmt::Display for EnumerateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(state) = &self.state {
            write!(f, "from state {state}: ")?;
        }
        self.failure.fmt(f)
    }
}

impl std::error::Error for EnumerateError {}

/// Nodes that stand for the continuous draws of one step.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) normal: Nodes,
    pub(crate) uniform: Nodes,
    pub(crate) exponential: Nodes,
    pub(crate) max_draws: usize,
}

/// One decision on the tape: what was asked, what was answered, and what to answer next time.
#[derive(Clone, Copy, Debug)]
struct Decision {
    call: &'static str,
    options: usize,
    choice: usize,
    next: Option<usize>,
}

/// A path of decisions: its probability, and how far rounding in the kernel may have moved it.
///
/// Both bounds are in units of the relative error of the numbers that the kernel hands over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    pub(crate) probability: f64,
    /// On the probability of this path. One unit per decision, and `p/(1 − p)` more where a
    /// `bernoulli(p)` answered no: `1 − p` is known to an absolute `p` units only.
    pub(crate) error: f64,
    /// What paths may be missing because a `p` was rounded to 1, as far as they would have left
    /// this one.
    pub(crate) lost: f64,
}

/// A [`Randomness`] that answers from a tape of decisions and knows the probability of its
/// answers.
///
/// Running a randomised function once per tape, depth first, visits every outcome:
/// `bernoulli(p)` branches in two unless `p` is 0 or 1, `index(n)` in `n`, `categorical` once per
/// positive weight, bulk masks once per element. [`outcomes`] drives it for any function and
/// [`enumerate`] for a kernel.
///
/// Continuous draws (`uniform`, `normal`, `exponential`) have no finite set of outcomes: they make
/// the enumeration fail with [`Failure::Continuous`], which names the call. After a failure the
/// remaining answers of that run are arbitrary (so that loops end) and its result is thrown away.
#[derive(Clone, Debug)]
pub struct Enumerate {
    tape: Vec<Decision>,
    cursor: usize,
    probability: f64,
    /// The relative error of `probability`, in units of that of the kernel's numbers.
    error: f64,
    /// How often the probability of an answer was rounded to exactly 1.
    certain: f64,
    draws: usize,
    failure: Option<Failure>,
    arbitrary: u64,
    max_decisions: usize,
    rules: Option<Rules>,
}

impl Enumerate {
    pub(crate) fn new(max_decisions: usize, rules: Option<Rules>) -> Self {
        Self {
            tape: Vec::new(),
            cursor: 0,
            probability: 1.0,
            error: 0.0,
            certain: 0.0,
            draws: 0,
            failure: None,
            arbitrary: 0,
            max_decisions,
            rules,
        }
    }

    /// The probability of the answers given so far in this run.
    pub fn probability(&self) -> f64 {
        self.probability
    }

    /// Runs `body` once per path and hands each result to `visit` with its probability; returns
    /// the number of paths.
    pub(crate) fn run<A>(
        &mut self,
        max_paths: usize,
        mut body: impl FnMut(&mut Self) -> A,
        mut visit: impl FnMut(Path, A) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        self.tape.clear();
        let mut paths = 0;
        loop {
            self.cursor = 0;
            self.probability = 1.0;
            self.error = 0.0;
            self.certain = 0.0;
            self.draws = 0;
            let out = body(self);
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if let Some(unasked) = self.tape.get(self.cursor) {
                return Err(Failure::NotReproducible {
                    first: format!("{}({})", unasked.call, unasked.options),
                    replay: "no further call".into(),
                });
            }
            if paths == max_paths {
                return Err(Failure::TooManyPaths { limit: max_paths });
            }
            paths += 1;
            let path = Path {
                probability: self.probability,
                error: self.probability * self.error,
                lost: self.probability * self.certain,
            };
            visit(path, out)?;
            if !self.advance() {
                return Ok(paths);
            }
        }
    }

    /// Moves the tape to the next path; `false` when all have been followed.
    fn advance(&mut self) -> bool {
        while let Some(last) = self.tape.last_mut() {
            if let Some(next) = last.next {
                last.choice = next;
                return true;
            }
            self.tape.pop();
        }
        false
    }

    fn fail(&mut self, failure: Failure) {
        if self.failure.is_none() {
            self.failure = Some(failure);
        }
    }

    /// An answer after a failure: equidistributed, so that "draw until accepted" ends.
    fn arbitrary(&mut self) -> u64 {
        self.arbitrary = self.arbitrary.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.arbitrary;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn decide(
        &mut self,
        call: &'static str,
        options: usize,
        weight: impl Fn(usize) -> f64,
    ) -> usize {
        if self.failure.is_none() && self.cursor == self.tape.len() {
            if self.cursor == self.max_decisions {
                self.fail(Failure::TooManyDecisions {
                    limit: self.max_decisions,
                });
            } else {
                self.tape.push(Decision {
                    call,
                    options,
                    choice: (0..options).find(|&i| weight(i) > 0.0).unwrap_or(0),
                    next: None,
                });
            }
        }
        if self.failure.is_some() {
            return (self.arbitrary() % options as u64) as usize;
        }
        let last = self.cursor + 1 == self.tape.len();
        let decision = &mut self.tape[self.cursor];
        if decision.call != call || decision.options != options {
            let first = format!("{}({})", decision.call, decision.options);
            self.fail(Failure::NotReproducible {
                first,
                replay: format!("{call}({options})"),
            });
            return (self.arbitrary() % options as u64) as usize;
        }
        if last {
            decision.next = (decision.choice + 1..options).find(|&i| weight(i) > 0.0);
        }
        let choice = decision.choice;
        self.cursor += 1;
        self.probability *= weight(choice);
        choice
    }

    fn continuous(&mut self, call: &'static str, pick: impl Fn(&Rules) -> &Nodes) -> f64 {
        let Some(rules) = self.rules.take() else {
            self.fail(Failure::Continuous { call });
            // In (0, 1): inside the support of every draw, for kernels that take logarithms.
            return (self.arbitrary() >> 11) as f64 / (1u64 << 53) as f64;
        };
        self.draws += 1;
        if self.draws > rules.max_draws {
            self.fail(Failure::TooManyDraws {
                limit: rules.max_draws,
            });
        }
        let nodes = pick(&rules);
        let choice = self.decide(call, nodes.len(), |i| nodes.weights[i]);
        let value = nodes.points[choice];
        self.rules = Some(rules);
        value
    }
}

impl Randomness for Enumerate {
    fn bernoulli(&mut self, p: f64) -> bool {
        if !(0.0..=1.0).contains(&p) {
            self.fail(Failure::Domain {
                call: "bernoulli",
                found: p.to_string(),
                allowed: "a probability in [0, 1]",
            });
            return self.arbitrary() & 1 == 1;
        }
        if p == 0.0 || p == 1.0 {
            self.certain += p;
            return p == 1.0;
        }
        let yes = self.decide("bernoulli", 2, |i| if i == 0 { p } else { 1.0 - p }) == 0;
        self.error += if yes { 1.0 } else { 1.0 + p / (1.0 - p) };
        yes
    }

    fn index(&mut self, n: usize) -> usize {
        if n == 0 {
            self.fail(Failure::Domain {
                call: "index",
                found: "0".into(),
                allowed: "at least 1",
            });
            return 0;
        }
        if n == 1 {
            return 0;
        }
        let p = 1.0 / n as f64;
        self.error += 1.0;
        self.decide("index", n, |_| p)
    }

    fn categorical(&mut self, weights: &[f64]) -> usize {
        let total: f64 = weights.iter().sum();
        let valid = weights.iter().all(|&w| w >= 0.0) && total > 0.0 && total.is_finite();
        if !valid {
            self.fail(Failure::Domain {
                call: "categorical",
                found: format!("{weights:?}"),
                allowed: "finite weights, not negative and not all zero",
            });
            return 0;
        }
        let mut support = (0..weights.len()).filter(|&i| weights[i] > 0.0);
        let first = support.next().unwrap_or(0);
        if support.next().is_none() {
            return first;
        }
        self.error += 1.0;
        self.decide("categorical", weights.len(), |i| weights[i] / total)
    }

    fn uniform(&mut self) -> f64 {
        self.continuous("uniform", |r| &r.uniform)
    }

    fn normal(&mut self) -> f64 {
        self.continuous("normal", |r| &r.normal)
    }

    fn exponential(&mut self) -> f64 {
        self.continuous("exponential", |r| &r.exponential)
    }
}

/// Every outcome of a function of discrete randomness, with its probability, one entry per path.
///
/// Use it to check anything that takes a `Randomness` and is not a kernel: a resampler, a tree
/// builder, an estimator. `body` must be a function of its randomness: it is called once per path.
///
/// # Errors
/// If `body` makes a continuous draw, passes a bad argument, is not reproducible, or has more
/// paths or decisions than `limits` allow.
///
/// ```
/// use ergodic_conformance::{Limits, outcomes};
/// use ergodic_core::Randomness;
///
/// // P(two dice sum to 7) = 6/36.
/// let all = outcomes(Limits::default(), |rng| 2 + rng.index(6) + rng.index(6))?;
/// let seven: f64 = all.iter().filter(|(_, sum)| *sum == 7).map(|(p, _)| p).sum();
/// assert!((seven - 1.0 / 6.0).abs() < 1e-15);
/// assert_eq!(all.len(), 36);
/// # Ok::<(), ergodic_conformance::EnumerateError>(())
/// ```
pub fn outcomes<A>(
    limits: Limits,
    body: impl FnMut(&mut Enumerate) -> A,
) -> Result<Vec<(f64, A)>, EnumerateError> {
    let mut all = Vec::new();
    Enumerate::new(limits.decisions, None).run(limits.paths, body, |path, a| {
        all.push((path.probability, a));
        Ok(())
    })?;
    Ok(all)
}

/// The exact transition matrix of `kernel` on `states`, read off the kernel's own code.
///
/// From each state of finite energy the kernel is initialised and stepped along every path of its
/// decisions; the probability of each path is added to the entry of the position it leads to.
/// The *position* is what is compared, so a kernel that carries hidden variables is enumerated
/// correctly only if its position alone is a Markov chain (a block Gibbs step that redraws the
/// hidden layer first is; a momentum that survives the step is not). That is itself verified: each
/// row is computed again from a state built by `reset` from another state, and from a state
/// reached by a step (two of them, each with the kernel that made the step, so that nothing may
/// hide in `&mut self`), and the largest difference is reported as [`Law::Markov`](crate::Law). It
/// also catches stale caches.
///
/// States of infinite energy may be listed: nothing starts there, and a kernel that goes there
/// breaks invariance. Cost: four times the number of paths, in kernel steps; memory `n²`.
///
/// # Errors
/// As [`outcomes`], and if a state is listed twice, if the kernel leaves the list, or if the
/// target fails.
///
/// ```
/// use ergodic_conformance::{enumerate, strategies::FiniteTable};
/// use ergodic_core::*;
///
/// /// Independence sampler: draw from the table.
/// #[derive(Clone)]
/// struct Exact;
/// impl MarkovKernel<FiniteTable> for Exact {
///     type State = usize;
///     type Info = ();
///     fn claims(&self) -> Claims {
///         Claims::REVERSIBLE
///     }
///     fn init(&self, _: &FiniteTable, x: &usize) -> Result<usize, TargetError> {
///         Ok(*x)
///     }
///     fn position<'s>(&self, _: &FiniteTable, s: &'s usize) -> &'s usize
///     where
///         FiniteTable: 's,
///     {
///         s
///     }
///     fn reset(&self, _: &FiniteTable, s: &mut usize, x: Option<&usize>) -> Result<(), TargetError> {
///         *s = *x.unwrap_or(s);
///         Ok(())
///     }
///     fn step<R: Randomness + ?Sized>(&mut self, t: &FiniteTable, s: &mut usize, rng: &mut R) -> Result<(), TargetError> {
///         t.resample_site(s, 0, 1.0, rng);
///         Ok(())
///     }
/// }
/// let table = FiniteTable::new(vec![0.0, 3f64.ln()])?;
/// let p = enumerate(&Exact, &table, &[0, 1])?;
/// assert!((p.probability(1, 0) - 0.75).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn enumerate<T, K>(
    kernel: &K,
    target: &T,
    states: &[<T::State as ToOwned>::Owned],
) -> Result<TransitionMatrix, EnumerateError>
where
    T: Energy + ?Sized,
    T::State: Hash + Eq + fmt::Debug,
    <T::State as ToOwned>::Owned: Hash + Eq,
    K: MarkovKernel<T>,
{
    let mut index: HashMap<&T::State, usize> = HashMap::with_capacity(states.len());
    for (i, x) in states.iter().enumerate() {
        let x: &T::State = std::borrow::Borrow::borrow(x);
        if index.insert(x, i).is_some() {
            return Err(EnumerateError::at(x, Failure::DuplicateState));
        }
    }
    enumerate_by(
        kernel,
        target,
        states,
        |x| index.get(x).copied(),
        Limits::default(),
    )
}

/// A kernel and the state to which it has stepped.
type After<T, K> = (K, <K as MarkovKernel<T>>::State);

/// [`enumerate`] with an own map from positions to places in `states` (for states that cannot be
/// hashed) and own guards.
///
/// # Errors
/// As [`enumerate`]; equal states are the caller's responsibility.
pub fn enumerate_by<T, K>(
    kernel: &K,
    target: &T,
    states: &[<T::State as ToOwned>::Owned],
    index: impl Fn(&T::State) -> Option<usize>,
    limits: Limits,
) -> Result<TransitionMatrix, EnumerateError>
where
    T: Energy + ?Sized,
    T::State: fmt::Debug,
    K: MarkovKernel<T>,
{
    let borrow = |i: usize| -> &T::State { std::borrow::Borrow::borrow(&states[i]) };
    let n = states.len();
    let energies: Vec<f64> = (0..n).map(|i| target.energy(borrow(i))).collect();
    let support: Vec<usize> = (0..n).filter(|&i| energies[i] != f64::INFINITY).collect();
    if support.is_empty() {
        return Err(Failure::NoStates.into());
    }

    let mut tape = Enumerate::new(limits.decisions, None);
    // One row: every path out of `from`; `seen` gets each state together with its place.
    let mut row = |(kernel, from): (&K, &K::State),
                   place: usize,
                   out: &mut [f64],
                   mut errors: Option<&mut [f64]>,
                   seen: &mut dyn FnMut(usize, After<T, K>)|
     -> Result<usize, EnumerateError> {
        out.fill(0.0);
        tape.run(
            limits.paths,
            |rng| {
                let (mut kernel, mut state) = (kernel.clone(), from.clone());
                let result = kernel.step(target, &mut state, rng);
                result.map(|_| (kernel, state))
            },
            |path, after| {
                let (kernel, state) = after.map_err(Failure::Target)?;
                let position = kernel.position(target, &state);
                let Some(j) = index(position).filter(|&j| j < n) else {
                    return Err(Failure::UnknownState {
                        reached: format!("{position:?}"),
                    });
                };
                out[j] += path.probability;
                if let Some(errors) = errors.as_deref_mut() {
                    errors[j] += path.error;
                    errors[n] += path.lost;
                }
                seen(j, (kernel, state));
                Ok(())
            },
        )
        .map_err(|failure| EnumerateError::at(borrow(place), failure))
    };
    let fatal = |i: usize| move |e: TargetError| EnumerateError::at(borrow(i), Failure::Target(e));

    let mut rows = vec![0.0; n * n];
    // Bounds on what rounding does to the entries, and on what each row has lost.
    let (mut errors, mut lost) = (vec![0.0; n * n], vec![0.0; n]);
    let mut bounds = vec![0.0; n + 1];
    // The first and the last state in which a move reached each position, with the kernel that
    // made the move: kernels of several parts are left in different parts by different paths.
    let mut arrivals: Vec<[Option<After<T, K>>; 2]> = (0..n).map(|_| [None, None]).collect();
    let mut paths = 0;
    for &i in &support {
        let start = kernel.init(target, borrow(i)).map_err(fatal(i))?;
        paths += row(
            (kernel, &start),
            i,
            &mut rows[i * n..(i + 1) * n],
            Some(&mut bounds),
            &mut |j, after| {
                if j != i {
                    let [first, last] = &mut arrivals[j];
                    if first.is_none() {
                        *first = Some(after);
                    } else {
                        *last = Some(after);
                    }
                }
            },
        )?;
        errors[i * n..(i + 1) * n].copy_from_slice(&bounds[..n]);
        lost[i] = bounds[n];
    }

    let mut memory = Memory::default();
    let mut again = vec![0.0; n];
    for (k, &i) in support.iter().enumerate() {
        let other = support[(k + 1) % support.len()];
        let mut reset = kernel.init(target, borrow(other)).map_err(fatal(other))?;
        kernel
            .reset(target, &mut reset, Some(borrow(i)))
            .map_err(fatal(i))?;
        row((kernel, &reset), i, &mut again, None, &mut |_, _| {})?;
        memory.compare("reset", i, &rows[i * n..(i + 1) * n], &again);
        for (after, state) in arrivals[i].iter().flatten() {
            row((after, state), i, &mut again, None, &mut |_, _| {})?;
            memory.compare("a step", i, &rows[i * n..(i + 1) * n], &again);
        }
    }

    Ok(TransitionMatrix::enumerated(
        DMatrix::from_row_slice(n, n, &rows),
        (0..n).map(|i| format!("{:?}", borrow(i))).collect(),
        paths,
        memory,
        Some(Bounds {
            errors: DMatrix::from_row_slice(n, n, &errors),
            lost,
        }),
    ))
}

/// Enumerates `kernel` and holds it against its own claims, with the energies of `target`.
///
/// `tolerance` bounds the residuals as [`TransitionMatrix::check`] defines them: 1e-12 for kernels
/// in `f64`; for models that compute probabilities in `f32` a stated multiple of `f32::EPSILON`.
///
/// # Errors
/// As [`enumerate`].
pub fn check<T, K>(
    kernel: &K,
    target: &T,
    states: &[<T::State as ToOwned>::Owned],
    tolerance: f64,
) -> Result<Report, EnumerateError>
where
    T: Energy + ?Sized,
    T::State: Hash + Eq + fmt::Debug,
    <T::State as ToOwned>::Owned: Hash + Eq,
    K: MarkovKernel<T>,
{
    let matrix = enumerate(kernel, target, states)?;
    let energies: Vec<f64> = states
        .iter()
        .map(|x| target.energy(std::borrow::Borrow::borrow(x)))
        .collect();
    matrix
        .check(&energies, kernel.claims(), tolerance)
        .map_err(|e| Failure::Target(TargetError::new(e.to_string())).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total<A>(all: &[(f64, A)]) -> f64 {
        all.iter().map(|(p, _)| p).sum()
    }

    #[test]
    fn certain_decisions_do_not_branch() {
        let all = outcomes(Limits::default(), |rng| {
            (
                rng.bernoulli(0.0),
                rng.bernoulli(1.0),
                rng.index(1),
                rng.categorical(&[0.0, 2.0, 0.0]),
            )
        })
        .unwrap();
        assert_eq!(all, vec![(1.0, (false, true, 0, 1))]);
    }

    #[test]
    fn a_tree_of_unlike_decisions_has_total_probability_one() {
        let all = outcomes(Limits::default(), |rng| {
            if rng.bernoulli(0.3) {
                rng.index(5)
            } else {
                10 + rng.categorical(&[1.0, 0.0, 3.0])
            }
        })
        .unwrap();
        assert_eq!(all.len(), 7);
        assert!((total(&all) - 1.0).abs() < 1e-15);
        assert!((all[6].0 - 0.7 * 0.75).abs() < 1e-15);
        assert_eq!(all[6].1, 12);
    }

    #[test]
    fn masks_are_independent_decisions() {
        let mut count = [0.0; 8];
        let all = outcomes(Limits::default(), |rng| {
            let mut out = [0u8; 3];
            rng.bernoulli_mask(&[0.5, 0.25, 1.0], &mut out);
            out
        })
        .unwrap();
        for (p, m) in &all {
            count[usize::from(m[0] + 2 * m[1] + 4 * m[2])] += p;
        }
        assert_eq!(count, [0.0, 0.0, 0.0, 0.0, 0.375, 0.375, 0.125, 0.125]);
    }

    #[test]
    fn continuous_draws_are_named() {
        let e = outcomes(Limits::default(), Randomness::normal).unwrap_err();
        assert_eq!(e.failure, Failure::Continuous { call: "normal" });
        let e = outcomes(Limits::default(), |rng| rng.uniform() < 0.5).unwrap_err();
        assert_eq!(e.failure, Failure::Continuous { call: "uniform" });
    }

    #[test]
    fn arguments_outside_the_domain_are_named() {
        for p in [-0.1, 1.0 + 1e-15, f64::NAN] {
            let e = outcomes(Limits::default(), |rng| rng.bernoulli(p)).unwrap_err();
            assert!(matches!(
                e.failure,
                Failure::Domain {
                    call: "bernoulli",
                    ..
                }
            ));
        }
        assert!(outcomes(Limits::default(), |rng| rng.index(0)).is_err());
        assert!(outcomes(Limits::default(), |rng| rng.categorical(&[0.0])).is_err());
        assert!(outcomes(Limits::default(), |rng| rng.categorical(&[1.0, -1.0])).is_err());
    }

    #[test]
    fn drawing_until_accepted_is_stopped() {
        let e = outcomes(Limits::default(), |rng| while !rng.bernoulli(0.5) {}).unwrap_err();
        assert_eq!(e.failure, Failure::TooManyDecisions { limit: 4096 });
        let limits = Limits {
            paths: 1000,
            ..Limits::default()
        };
        let e = outcomes(limits, |rng| (0..10).filter(|_| rng.bernoulli(0.5)).count()).unwrap_err();
        assert_eq!(e.failure, Failure::TooManyPaths { limit: 1000 });
    }

    #[test]
    fn hidden_state_is_found() {
        let mut calls = 0;
        let e = outcomes(Limits::default(), |rng| {
            calls += 1;
            rng.index(1 + calls)
        })
        .unwrap_err();
        assert!(matches!(e.failure, Failure::NotReproducible { .. }));
    }
}
