//! Information in time: finite Markov chains, and transfer entropy.

use ergodic_math::Real;
use nalgebra::DMatrix;

use super::entropy::entropy_nats;
use super::mutual::{ConditionalMutualInformation, conditional_nats};
use super::{log_ratio, total};
use crate::table::stochastic_rows;
use crate::{InfoError, Information, Probabilities, Table, Variables};

/// A stationary Markov chain on finitely many states: a stochastic matrix with its one stationary
/// law.
///
/// `P[i, j]` is the probability to go from state `i` to `j`. States that the chain leaves for ever
/// have stationary probability 0.
///
/// The stationary law is found by the elimination of Grassmann, Taksar and Heyman, which subtracts
/// nothing: each entry is relatively accurate to about n·1e-16, however small it is or however
/// slowly the chain mixes. O(n³) for n states. Grassmann, Taksar and Heyman, *Oper. Res.* 33
/// (1985); O'Cinneide, *Numer. Math.* 65 (1993).
///
/// Not for chains in continuous time, and not to learn from a series what is below the resolution
/// of its counts.
///
/// ```
/// use ergodic_info::MarkovChain;
/// use nalgebra::DMatrix;
///
/// // Up stays up with ½, down stays down with ¾: π = (⅓, ⅔).
/// let chain = MarkovChain::new(&DMatrix::from_row_slice(2, 2, &[0.5, 0.5, 0.25, 0.75]))?;
/// assert!((chain.stationary().as_slice()[0] - 1.0 / 3.0).abs() < 1e-15);
/// let rate = (1.0 + 2.0 * (2.0 - 0.75 * 3f64.log2())) / 3.0;
/// assert!((chain.entropy_rate().bits() - rate).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MarkovChain {
    rows: Vec<Probabilities>,
    stationary: Probabilities,
}

impl MarkovChain {
    /// The chain of a stochastic matrix.
    ///
    /// # Errors
    /// If the matrix is empty or not square, an entry is negative or not finite, a row's sum is off
    /// 1 by more than 1e-9 (rows are then divided by it), or there is more than one stationary law
    /// because two states never reach a common one (they are named).
    pub fn new(transition: &DMatrix<f64>) -> Result<Self, InfoError> {
        if transition.nrows() == 0 || transition.nrows() != transition.ncols() {
            return Err(InfoError::argument(
                "transition",
                format!(
                    "a matrix of {} × {}",
                    transition.nrows(),
                    transition.ncols()
                ),
                "a square matrix of at least one state",
            ));
        }
        let rows = stochastic_rows("transition", transition)?;
        let recurrent = recurrent_class(&rows)?;
        let stationary = stationary_law(&rows, &recurrent)?;
        Ok(Self { rows, stationary })
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.rows.len()
    }

    /// The stationary law π, `πP = π`.
    pub fn stationary(&self) -> &Probabilities {
        &self.stationary
    }

    /// The law of the next state given this one.
    ///
    /// # Errors
    /// If there is no such state.
    pub fn row(&self, state: usize) -> Result<&Probabilities, InfoError> {
        self.rows.get(state).ok_or_else(|| {
            InfoError::argument(
                "state",
                state,
                format!("below the number of states, {}", self.rows.len()),
            )
        })
    }

    /// π with the rows of the states that have some.
    fn weighted(&self) -> impl Iterator<Item = (f64, &[f64])> {
        let law = self.stationary.as_slice().iter().copied();
        law.zip(self.rows.iter().map(Probabilities::as_slice))
            .filter(|(mass, _)| *mass > 0.0)
    }

    /// The entropy rate `h = Σ πᵢ H(Pᵢ)` per step, in nats or bits: the limit of `H(X₁…Xₙ)/n`.
    ///
    /// Between 0 (a cycle) and `log n` (independent uniform states). Relative error some 1e-15.
    /// O(n²). Shannon (1948); Cover and Thomas (2006), §4.2.
    ///
    /// Not of a function of the chain, which is not Markov: that has no such formula.
    pub fn entropy_rate(&self) -> Information {
        let nats = total(self.weighted().map(|(mass, row)| mass * entropy_nats(row)));
        Information::from_nats(nats)
    }

    /// The excess entropy (predictive information) `E = I(past; future) = I(X₀; X₁) = H(π) − h`,
    /// in nats or bits: what the past of the stationary chain tells about its future.
    ///
    /// 0 of independent states; `log n` of a cycle of n, where every future is known and the phase
    /// is what is told. Summed in terms that are never negative. O(n²). Crutchfield and Feldman,
    /// *Chaos* 13 (2003); Bialek, Nemenman and Tishby, *Neural Comput.* 13 (2001).
    ///
    /// Not the memory that a model of the process needs, which may be larger (statistical
    /// complexity).
    pub fn excess_entropy(&self) -> Information {
        let n = self.states();
        let mut joint = Vec::with_capacity(n * n);
        for (mass, row) in self.stationary.as_slice().iter().zip(&self.rows) {
            joint.extend(row.as_slice().iter().map(|p| mass * p));
        }
        Information::from_nats(conditional_nats(&joint, n, n))
    }

    /// The entropy production per step, `Σ πᵢ Pᵢⱼ log(πᵢPᵢⱼ/πⱼPⱼᵢ)`: the divergence rate of the
    /// chain from itself run backwards, in nats or bits.
    ///
    /// 0 to rounding of a reversible chain (detailed balance), `∞` where a step has no way back.
    /// Summed in terms that are never negative. O(n²). Gaspard, *J. Stat. Phys.* 117 (2004).
    ///
    /// Not the heat of a physical process unless the states resolve all that dissipates.
    pub fn entropy_production(&self) -> Information {
        let law = self.stationary.as_slice();
        let step = |i: usize, j: usize| self.rows[i].as_slice()[j];
        let n = self.states();
        // Both directions of a pair together: (a − b) log(a/b) ≥ 0.
        let nats = total(
            (0..n)
                .flat_map(|i| (0..i).map(move |j| (i, j)))
                .map(|(i, j)| {
                    let (forth, back) = (law[i] * step(i, j), law[j] * step(j, i));
                    let one_way =
                        |i: usize, j: usize| law[i] > 0.0 && step(i, j) > 0.0 && step(j, i) == 0.0;
                    if one_way(i, j) || one_way(j, i) {
                        f64::INFINITY
                    } else if forth == back || forth == 0.0 || back == 0.0 {
                        // Equal, or below the range of f64, and then what there is to add.
                        0.0
                    } else {
                        let difference = forth - back;
                        let ratio = difference / back;
                        let log = if ratio.abs() < 0.5 {
                            Real::ln_1p(ratio)
                        } else {
                            log_ratio(forth, back)
                        };
                        difference * log
                    }
                }),
        );
        Information::from_nats(nats)
    }

    /// The joint law of `length` successive states of the stationary chain, as a table.
    ///
    /// A state may be made of several variables, the last fastest: their sizes multiply to the
    /// number of states, and time `t` of variable `"x"` is named `"x[t]"`.
    ///
    /// ```
    /// use ergodic_info::{MarkovChain, MutualInformation};
    /// use nalgebra::DMatrix;
    ///
    /// let chain = MarkovChain::new(&DMatrix::from_row_slice(2, 2, &[0.5, 0.5, 0.25, 0.75]))?;
    /// let paths = chain.paths(&[("x", 2)], 3)?;
    /// let [x0, x1, x2] = ["x[0]", "x[1]", "x[2]"].map(|x| paths.variables([x]).unwrap());
    /// // Given the present, past and future are independent.
    /// assert!(MutualInformation::new(x0, x2).given(x1).of(&paths)?.nats() < 1e-30);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If the sizes do not multiply to the number of states, the length is zero, a name is taken
    /// twice, or the table would be too large.
    pub fn paths(&self, parts: &[(&str, usize)], length: usize) -> Result<Table, InfoError> {
        if length == 0 {
            return Err(InfoError::argument("length", 0, "at least 1"));
        }
        let n = self.states();
        let product = parts.iter().try_fold(1usize, |n, (_, s)| n.checked_mul(*s));
        if product != Some(n) {
            return Err(InfoError::argument(
                "parts",
                "a list whose sizes do not multiply to the number of states",
                format!("a list whose sizes multiply to {n}"),
            ));
        }
        // The table's own limits, before its cells are made; a chain of one state may be long.
        let limit = crate::table::MAX_CELLS;
        let cells = (0..length.min(limit)).try_fold(1usize, |cells, _| {
            cells.checked_mul(n).filter(|cells| *cells <= limit)
        });
        let variables = length.checked_mul(parts.len());
        if cells.is_none() || variables.is_none_or(|v| v > crate::table::MAX_VARIABLES) {
            return Err(InfoError::argument(
                "length",
                length,
                "so short that the table of paths is within its limits",
            ));
        }
        let mut values = self.stationary.as_slice().to_vec();
        for _ in 1..length {
            values = values
                .iter()
                .enumerate()
                .flat_map(|(path, mass)| {
                    let row = self.rows[path % n].as_slice();
                    row.iter().map(move |p| mass * p)
                })
                .collect();
        }
        let names: Vec<(String, usize)> = (0..length)
            .flat_map(|t| {
                parts
                    .iter()
                    .map(move |(name, s)| (format!("{name}[{t}]"), *s))
            })
            .collect();
        let variables: Vec<(&str, usize)> = names.iter().map(|(n, s)| (n.as_str(), *s)).collect();
        Table::from_weights(&variables, values)
    }
}

/// The states reached from a state by steps, where `step(i, j)` says whether there is one.
fn reached(n: usize, start: usize, step: impl Fn(usize, usize) -> bool) -> Vec<bool> {
    let mut seen = vec![false; n];
    seen[start] = true;
    let mut open = vec![start];
    while let Some(i) = open.pop() {
        for j in 0..n {
            if !seen[j] && step(i, j) {
                seen[j] = true;
                open.push(j);
            }
        }
    }
    seen
}

/// The one class of states that the chain ends in.
fn recurrent_class(rows: &[Probabilities]) -> Result<Vec<usize>, InfoError> {
    let n = rows.len();
    let step = |i: usize, j: usize| rows[i].as_slice()[j] > 0.0;
    let mut start = 0;
    loop {
        let ahead = reached(n, start, step);
        let behind = reached(n, start, |i, j| step(j, i));
        // A state from which there is no way back is further on towards a closed class.
        if let Some(next) = (0..n).find(|i| ahead[*i] && !behind[*i]) {
            start = next;
            continue;
        }
        if let Some(other) = behind.iter().position(|b| !b) {
            return Err(InfoError::argument(
                "transition",
                format!("reducible: state {other} never reaches state {start}, nor {start} it"),
                "a chain with one stationary law",
            ));
        }
        return Ok((0..n).filter(|i| ahead[*i]).collect());
    }
}

/// The stationary law by elimination without subtraction, over the recurrent class.
fn stationary_law(rows: &[Probabilities], recurrent: &[usize]) -> Result<Probabilities, InfoError> {
    let m = recurrent.len();
    let mut a = vec![0.0; m * m];
    for (i, from) in recurrent.iter().enumerate() {
        for (j, to) in recurrent.iter().enumerate() {
            a[i * m + j] = rows[*from].as_slice()[*to];
        }
    }
    // Censor the last state: the chain watched only while it is below.
    for last in (1..m).rev() {
        let out = total(a[last * m..last * m + last].iter().copied());
        for i in 0..last {
            // Where `out` has underflowed, the entries cannot be told from a closed class.
            a[i * m + last] /= out;
            let share = a[i * m + last];
            if share == 0.0 {
                continue;
            }
            let (upper, lower) = a.split_at_mut(last * m);
            let row = &mut upper[i * m..i * m + last];
            for (entry, step) in row.iter_mut().zip(&lower[..last]) {
                *entry += share * step;
            }
        }
    }
    let mut law = vec![0.0; m];
    law[0] = 1.0;
    for j in 1..m {
        law[j] = total((0..j).map(|i| law[i] * a[i * m + j]));
        if !law[j].is_finite() || law[j] > 1e250 {
            // Weights of one law: only their ratios matter.
            let largest = law[j];
            if !largest.is_finite() {
                return Err(InfoError::argument(
                    "transition",
                    "a chain whose stationary probabilities differ by more than f64 can hold",
                    "a chain with entries that are 0 or above 1e-250",
                ));
            }
            for weight in &mut law[..=j] {
                *weight /= largest;
            }
        }
    }
    let mut weights = vec![0.0; rows.len()];
    for (state, weight) in recurrent.iter().zip(law) {
        weights[*state] = weight;
    }
    Probabilities::from_weights(weights)
}

/// The transfer entropy `T = I(Y⁺; X⁻|Y⁻)` from X to Y, in nats or bits: what the past of X tells
/// about the next value of Y beyond what the past of Y tells.
///
/// Between 0 and `H(Y⁺|Y⁻)`; not symmetric. The past is what the caller takes for it, one variable
/// or several; of a jointly Markov pair one step of X is enough, but of Y alone it may take more,
/// and a longer past of Y lowers T.
///
/// A [`ConditionalMutualInformation`], with its error and cost. Schreiber, *Phys. Rev. Lett.* 85
/// (2000).
///
/// Not causal influence: a common driver or a missing variable gives it too, and a copy of Y's own
/// past in X hides it.
///
/// ```
/// use ergodic_info::{MarkovChain, TransferEntropy};
/// use nalgebra::DMatrix;
///
/// // X tosses a fair coin; Y repeats X one step late. States (x, y), y fastest.
/// let next = |x: usize| [0, 1].map(|coin| (2 * coin + x, 0.5));
/// let mut matrix = DMatrix::zeros(4, 4);
/// for (x, y) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
///     for (to, p) in next(x) {
///         matrix[(2 * x + y, to)] = p;
///     }
/// }
/// let paths = MarkovChain::new(&matrix)?.paths(&[("x", 2), ("y", 2)], 2)?;
/// let v = |name: &str| paths.variables([name]);
/// let forth = TransferEntropy::new(v("x[0]")?, v("y[0]")?, v("y[1]")?);
/// assert!((forth.of(&paths)?.bits() - 1.0).abs() < 1e-15);
/// let back = TransferEntropy::new(v("y[0]")?, v("x[0]")?, v("x[1]")?);
/// assert_eq!(back.of(&paths)?.bits(), 0.0);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferEntropy {
    source_past: Variables,
    target_past: Variables,
    target_next: Variables,
}

impl TransferEntropy {
    /// From the past of the source, given the past of the target, to its next value.
    pub const fn new(
        source_past: Variables,
        target_past: Variables,
        target_next: Variables,
    ) -> Self {
        Self {
            source_past,
            target_past,
            target_next,
        }
    }

    /// The transfer entropy in this law.
    ///
    /// # Errors
    /// If a variable is not of the table.
    pub fn of(&self, table: &Table) -> Result<Information, InfoError> {
        table.check("source_past", self.source_past)?;
        table.check("target_past", self.target_past)?;
        table.check("target_next", self.target_next)?;
        ConditionalMutualInformation::new(self.target_next, self.source_past, self.target_past)
            .of(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entropy, MutualInformation, Shannon};

    fn chain(n: usize, rows: &[f64]) -> MarkovChain {
        MarkovChain::new(&DMatrix::from_row_slice(n, n, rows)).unwrap()
    }

    fn close(found: f64, expected: f64, relative: f64) {
        assert!(
            (found - expected).abs() <= relative * expected.abs(),
            "{found:e} is not {expected:e}"
        );
    }

    #[test]
    fn stationary_laws_are_relatively_accurate_however_small() {
        // A birth–death chain: up with a, down with b, π_k ∝ (a/b)^k.
        let (n, a, b) = (40, 2f64.powi(-30), 0.5);
        let mut rows = vec![0.0; n * n];
        for i in 0..n {
            if i + 1 < n {
                rows[i * n + i + 1] = a;
            }
            if i > 0 {
                rows[i * n + i - 1] = b;
            }
            rows[i * n + i] = 1.0 - rows[i * n..(i + 1) * n].iter().sum::<f64>();
        }
        let chain = chain(n, &rows);
        let ratio = a / b;
        for (k, p) in chain.stationary().as_slice().iter().enumerate() {
            close(*p, (1.0 - ratio) * ratio.powi(k as i32), 1e-13);
        }
        // Reversible: no entropy is produced, to rounding of the flows squared.
        assert!(chain.entropy_production().nats() < 1e-25);
        // A nearly uncoupled pair: π = (⅔, ⅓) although the coupling is far below ε.
        let e = 2f64.powi(-200);
        let pair = super::tests::chain(2, &[1.0, e, 2.0 * e, 1.0]);
        close(pair.stationary().as_slice()[0], 2.0 / 3.0, 1e-15);
    }

    #[test]
    fn two_states_have_the_closed_forms() {
        let (a, b) = (0.125, 0.375);
        let chain = chain(2, &[1.0 - a, a, b, 1.0 - b]);
        let binary = |p: f64| -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
        let up = a / (a + b);
        close(chain.stationary().as_slice()[1], up, 1e-15);
        let rate = (1.0 - up) * binary(a) + up * binary(b);
        close(chain.entropy_rate().nats(), rate, 1e-15);
        close(chain.excess_entropy().nats(), binary(up) - rate, 1e-14);
        assert_eq!(chain.states(), 2);
        assert_eq!(chain.row(1).unwrap().as_slice(), [0.375, 0.625]);
    }

    #[test]
    fn cycles_and_coins_are_the_extremes() {
        let cycle = chain(3, &[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(cycle.entropy_rate().nats(), 0.0);
        close(cycle.excess_entropy().nats(), 3f64.ln(), 1e-15);
        assert_eq!(cycle.entropy_production().nats(), f64::INFINITY);
        let coins = chain(2, &[0.5; 4]);
        close(coins.entropy_rate().bits(), 1.0, 1e-15);
        assert_eq!(coins.excess_entropy().nats(), 0.0);
        // A driven ring: p forward, 1 − p back, (2p − 1) log(p/(1 − p)) per step.
        let p = 0.75;
        let ring = chain(3, &[0.0, p, 1.0 - p, 1.0 - p, 0.0, p, p, 1.0 - p, 0.0]);
        close(ring.entropy_production().nats(), 0.5 * 3f64.ln(), 1e-14);
    }

    #[test]
    fn flows_below_the_range_of_f64_are_not_taken_for_steps_without_return() {
        // Birth and death are reversible; the far states' probabilities underflow.
        let n = 50;
        let mut rows = vec![0.0; n * n];
        for i in 0..n {
            let (up, down) = (
                if i + 1 < n { 3e-10 } else { 0.0 },
                if i > 0 { 0.3 } else { 0.0 },
            );
            if i + 1 < n {
                rows[i * n + i + 1] = up;
            }
            if i > 0 {
                rows[i * n + i - 1] = down;
            }
            rows[i * n + i] = 1.0 - up - down;
        }
        let birth_and_death = chain(n, &rows);
        assert_eq!(birth_and_death.stationary().as_slice()[n - 1], 0.0);
        assert!(birth_and_death.entropy_production().nats() < 1e-25);
        // A step that is never taken back is one however rare.
        let ring = chain(3, &[1.0, 1e-200, 0.0, 0.0, 1.0, 1e-200, 1e-200, 0.0, 1.0]);
        assert_eq!(ring.entropy_production().nats(), f64::INFINITY);
    }

    #[test]
    fn states_that_are_left_for_ever_have_no_weight() {
        let chain = chain(3, &[0.5, 0.25, 0.25, 0.0, 0.5, 0.5, 0.0, 0.5, 0.5]);
        assert_eq!(chain.stationary().as_slice(), [0.0, 0.5, 0.5]);
        close(chain.entropy_rate().bits(), 1.0, 1e-15);
    }

    #[test]
    fn paths_have_the_entropies_of_the_chain() {
        let chain = chain(3, &[0.5, 0.3, 0.2, 0.1, 0.6, 0.3, 0.25, 0.25, 0.5]);
        let paths = chain.paths(&[("x", 3)], 4).unwrap();
        let x: Vec<Variables> = paths.each();
        // Stationary: each time has the law π; H(X₃|past) = h; I(past; future) = E.
        for t in &x {
            let margin = paths.marginal(*t).unwrap();
            let pairs = margin.probabilities().as_slice().iter();
            for (p, q) in pairs.zip(chain.stationary().as_slice()) {
                close(*p, *q, 1e-14);
            }
        }
        let past = x[0].union(x[1]).union(x[2]);
        let next = Shannon.conditional(&paths, x[3], past).unwrap();
        close(next.nats(), chain.entropy_rate().nats(), 1e-14);
        let halves = MutualInformation::new(x[0].union(x[1]), x[2].union(x[3]));
        let excess = halves.of(&paths).unwrap().nats();
        close(excess, chain.excess_entropy().nats(), 1e-13);
    }

    #[test]
    fn transfer_entropy_of_a_noisy_copy_has_its_closed_form() {
        // X fair coins; Y⁺ = X with error e: T = log 2 − h(e), and nothing back.
        let e = 0.125;
        let mut matrix = DMatrix::zeros(4, 4);
        for x in 0..2 {
            for y in 0..2 {
                for coin in 0..2 {
                    for copy in 0..2 {
                        let noise = if copy == x { 1.0 - e } else { e };
                        matrix[(2 * x + y, 2 * coin + copy)] = 0.5 * noise;
                    }
                }
            }
        }
        let chain = MarkovChain::new(&matrix).unwrap();
        let paths = chain.paths(&[("x", 2), ("y", 2)], 3).unwrap();
        let v = |name: &str| paths.variables([name]).unwrap();
        let binary: f64 = -e * e.ln() - (1.0 - e) * (1.0 - e).ln();
        let expected = std::f64::consts::LN_2 - binary;
        let forth = TransferEntropy::new(v("x[1]"), v("y[1]"), v("y[2]"));
        close(forth.of(&paths).unwrap().nats(), expected, 1e-14);
        let longer = TransferEntropy::new(
            v("x[1]").union(v("x[0]")),
            v("y[1]").union(v("y[0]")),
            v("y[2]"),
        );
        close(longer.of(&paths).unwrap().nats(), expected, 1e-14);
        let back = TransferEntropy::new(v("y[1]"), v("x[1]"), v("x[2]"));
        assert!(back.of(&paths).unwrap().nats() < 1e-30);
    }

    #[test]
    fn bad_chains_and_paths_are_named() {
        let text = |n: usize, m: usize, v: &[f64]| {
            let matrix = DMatrix::from_row_slice(n, m, v);
            MarkovChain::new(&matrix).unwrap_err().to_string()
        };
        assert!(text(1, 2, &[0.5, 0.5]).starts_with("transition"));
        assert!(text(0, 0, &[]).starts_with("transition"));
        assert!(text(2, 2, &[0.5, 0.6, 0.5, 0.5]).contains("row 0"));
        assert!(text(1, 1, &[f64::NAN]).starts_with("transition"));
        let split = text(3, 3, &[1.0, 0.0, 0.0, 0.2, 0.3, 0.5, 0.0, 0.0, 1.0]);
        assert!(split.contains("reducible"), "{split}");
        let chain = chain(2, &[0.5; 4]);
        let named = |r: Result<Table, InfoError>, name: &str| {
            let error = r.unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        };
        named(chain.paths(&[("x", 2)], 0), "length");
        named(chain.paths(&[("x", 2)], 29), "length");
        named(chain.paths(&[("x", 2)], usize::MAX), "length");
        named(chain.paths(&[("x", 3)], 2), "parts");
        named(chain.paths(&[("x", 2), ("x", 1)], 2), "variables");
        assert!(chain.row(2).is_err());
        let paths = chain.paths(&[("x", 2)], 1).unwrap();
        let (x, other) = (paths.all(), Variables::from_bits(2));
        for (measure, name) in [
            (TransferEntropy::new(other, x, x), "source_past"),
            (TransferEntropy::new(x, other, x), "target_past"),
            (TransferEntropy::new(x, x, other), "target_next"),
        ] {
            let error = measure.of(&paths).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
