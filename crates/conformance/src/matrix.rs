//! A transition matrix and the laws it can be held against.

use std::fmt::Write;

use ergodic_core::{ArgumentError, Claims, Stationarity};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::report::{Finding, Law, Report};

/// How far a row depends on how its state was built, and where that is worst.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    checked: bool,
    residual: f64,
    place: usize,
    to: usize,
    fresh: f64,
    other: f64,
    how: &'static str,
}

impl Memory {
    pub(crate) fn compare(&mut self, how: &'static str, place: usize, fresh: &[f64], row: &[f64]) {
        self.checked = true;
        for (to, (&a, &b)) in fresh.iter().zip(row).enumerate() {
            if (a - b).abs() > self.residual {
                *self = Self {
                    checked: true,
                    residual: (a - b).abs(),
                    place,
                    to,
                    fresh: a,
                    other: b,
                    how,
                };
            }
        }
    }
}

/// How far rounding in a kernel may have moved the entries of its matrix, in units of the relative
/// error of the numbers that it decides with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bounds {
    /// Of each entry.
    pub(crate) errors: DMatrix<f64>,
    /// Of each row: paths that are missing because a probability was rounded to 1.
    pub(crate) lost: Vec<f64>,
}

/// Transition probabilities below this are not judged relatively: kernels in `f32` lose digits and
/// then everything there. It is reached at `ΔE = 87`.
const UNDERFLOW: f64 = f32::MIN_POSITIVE as f64;

/// The transition matrix `P` of a kernel on a finite list of states, `P[(i, j)] = P(i → j)`.
///
/// Made by [`enumerate`](crate::enumerate) from a kernel's code, or by [`new`](Self::new) from
/// numbers. Residuals of [`check`](Self::check) are scaled so that rounding in a transition
/// probability counts once and errors among improbable states count in full, those of rare moves
/// to improbable states in an enumerated matrix; see there.
///
/// ```
/// use ergodic_conformance::TransitionMatrix;
/// use nalgebra::DMatrix;
///
/// // Metropolis between two levels, ΔE = 1: the second eigenvalue is −e⁻¹.
/// let up = (-1f64).exp();
/// let p = DMatrix::from_row_slice(2, 2, &[1.0 - up, up, 1.0, 0.0]);
/// let matrix = TransitionMatrix::new(p, vec!["0".into(), "1".into()])?;
/// let eigenvalues = matrix.eigenvalues(&[0.0, 1.0], 1e-12)?;
/// assert!((eigenvalues[1] + up).abs() < 1e-15);
/// assert!((matrix.spectral_gap(&[0.0, 1.0], 1e-12)? - (1.0 + up)).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionMatrix {
    matrix: DMatrix<f64>,
    labels: Vec<String>,
    paths: usize,
    memory: Memory,
    bounds: Option<Bounds>,
}

/// The communicating structure of a chain on its support.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// The communicating classes (strongly connected components), each sorted, ordered by their
    /// first state.
    pub classes: Vec<Vec<usize>>,
    /// Whether a class cannot be left, in the order of `classes`.
    pub closed: Vec<bool>,
    /// The period of each class: the greatest common divisor of its cycle lengths, 0 for a single
    /// state without a loop.
    pub periods: Vec<usize>,
}

impl TransitionMatrix {
    /// A matrix from numbers.
    ///
    /// # Errors
    /// If it is not square with one label per state, is empty, or has an entry that is negative
    /// or not finite. Row sums are left to [`check`](Self::check).
    pub fn new(matrix: DMatrix<f64>, labels: Vec<String>) -> Result<Self, ArgumentError> {
        let (rows, columns) = matrix.shape();
        if rows != columns || rows == 0 {
            return Err(ArgumentError::new(
                "matrix",
                format!("{rows} by {columns}"),
                "square and not empty",
            ));
        }
        if labels.len() != rows {
            return Err(ArgumentError::new(
                "labels",
                format!("{} labels", labels.len()),
                format!("one per state, {rows}"),
            ));
        }
        if let Some(bad) = matrix.iter().find(|p| !(p.is_finite() && **p >= 0.0)) {
            return Err(ArgumentError::new(
                "matrix",
                format!("holding {bad}"),
                "made of finite entries that are not negative",
            ));
        }
        Ok(Self::enumerated(matrix, labels, 0, Memory::default(), None))
    }

    pub(crate) fn enumerated(
        matrix: DMatrix<f64>,
        labels: Vec<String>,
        paths: usize,
        memory: Memory,
        bounds: Option<Bounds>,
    ) -> Self {
        Self {
            matrix,
            labels,
            paths,
            memory,
            bounds,
        }
    }

    /// The number of states.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no states; never true.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of decision paths that the matrix was built from.
    pub fn paths(&self) -> usize {
        self.paths
    }

    /// `P(i → j)`.
    pub fn probability(&self, i: usize, j: usize) -> f64 {
        self.matrix[(i, j)]
    }

    /// The matrix, rows are "from".
    pub fn matrix(&self) -> &DMatrix<f64> {
        &self.matrix
    }

    /// The printed states.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// `max |P − Q|` over all entries; infinite if the sizes differ.
    pub fn distance(&self, other: &Self) -> f64 {
        if self.matrix.shape() != other.matrix.shape() {
            return f64::INFINITY;
        }
        self.matrix
            .iter()
            .zip(other.matrix.iter())
            .fold(0.0, |m, (a, b)| f64::max(m, (a - b).abs()))
    }

    /// `πᵢ = exp(−Eᵢ)/Z` for the states; `E = +∞` gives 0.
    fn stationary(&self, energies: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        if energies.len() != self.len() {
            return Err(ArgumentError::new(
                "energies",
                format!("of length {}", energies.len()),
                format!("of length {}, one per state", self.len()),
            ));
        }
        if let Some(bad) = energies
            .iter()
            .find(|e| e.is_nan() || **e == f64::NEG_INFINITY)
        {
            return Err(ArgumentError::new("energies", bad, "finite or +inf"));
        }
        let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
        if lowest == f64::INFINITY {
            return Err(ArgumentError::new(
                "energies",
                "inf everywhere",
                "finite somewhere",
            ));
        }
        let mut pi: Vec<f64> = energies.iter().map(|e| (lowest - e).exp()).collect();
        let z: f64 = pi.iter().sum();
        for p in &mut pi {
            *p /= z;
        }
        Ok(pi)
    }

    /// Holds the matrix against `claims` for `π ∝ exp(−E)`.
    ///
    /// The residuals, which have to stay at or below `tolerance`:
    ///
    /// * *rows sum to 1*: `maxᵢ |Σⱼ Pᵢⱼ − 1|` over the support;
    /// * *Markov* (enumerated matrices): the largest difference between rows of one position
    ///   whose state was built by `init`, by `reset`, and by a step;
    /// * *invariance*: `maxⱼ |Σᵢ πᵢPᵢⱼ − πⱼ| / sⱼ` with `sⱼ` the largest `π` among `j` and the
    ///   states that reach it; less `tolerance·Σᵢ πᵢlᵢ`, see below;
    /// * *detailed balance* (if claimed): `max |πᵢPᵢⱼ − πⱼPⱼᵢ| / max(πᵢ, πⱼ)`.
    ///
    /// The scales turn a probability flow into the error of a transition probability out of the
    /// likelier state: rounding there is a few `ε` whatever the energies, and an error that
    /// happens only among improbable states counts as much as any other. By themselves they see
    /// nothing of a move that is rarer than the tolerance, `ΔE > ln(1/tolerance)`. For enumerated
    /// matrices both laws are therefore judged a second time, by the defect over
    /// `Σ πᵢ(eᵢⱼ + lᵢ)(1 + |Eᵢ|)`, the sum over both flows (all flows into `j`): the error that a
    /// relative error of 1 in every number makes. `eᵢⱼ` adds the probabilities of the paths from
    /// `i` to `j`, each times its number of decisions and `p/(1 − p)` more for every `bernoulli(p)`
    /// that answered no (only `1 − p` loses digits: a kernel is expected to hand over the
    /// probability that may be small, `exp(−ΔE)`, and not its complement); `lᵢ` the probability of
    /// answers that are certain, where a rounded `p` may have hidden a path; `1 + |E|` is what
    /// rounding does to `exp(−E)`. A wrong ratio of rare moves gives about `1/(1 + |E|)`, a
    /// right one the precision of the kernel. Moves below 1.2e-38 (`ΔE > 87`) are left out:
    /// `f32` underflows there. A finding whose first residual is within the tolerance and whose
    /// second is not reports the second.
    ///
    /// The plain maxima are printed too. Ergodicity (if claimed) is decided on the graph of positive entries by
    /// Tarjan's components and the gcd of cycle lengths. *Moves* asks for a positive probability
    /// of leaving some state (`⟨f,f⟩ − ⟨f,Pf⟩ = ½ Σ πᵢPᵢⱼ(fᵢ − fⱼ)² > 0` for an `f` that tells
    /// the states apart); it is waived on a single state.
    ///
    /// A matrix cannot show an [`Asymptotic`](Stationarity::Asymptotic) claim, which is about a
    /// family of kernels: it gives a failed [`Law::Order`] that says so.
    ///
    /// Cost `O(n²)`.
    ///
    /// # Errors
    /// If the number of energies is wrong, one is NaN or `−∞`, all are `+∞`, or the tolerance is
    /// negative or not finite.
    pub fn check(
        &self,
        energies: &[f64],
        claims: Claims,
        tolerance: f64,
    ) -> Result<Report, ArgumentError> {
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            return Err(ArgumentError::new(
                "tolerance",
                tolerance,
                "finite and at least 0",
            ));
        }
        let pi = self.stationary(energies)?;
        let view = View {
            matrix: self,
            pi: &pi,
            energies,
            tolerance,
        };
        let mut findings = vec![view.rows()];
        findings.extend(view.memory());
        findings.push(view.moves());
        match claims.stationarity {
            Stationarity::Reversible => {
                findings.push(view.invariance());
                findings.push(view.detailed_balance());
            }
            Stationarity::Invariant => findings.push(view.invariance()),
            Stationarity::Asymptotic { order } => findings.push(Finding {
                law: Law::Order,
                passed: false,
                residual: f64::INFINITY,
                detail: format!(
                    "one matrix cannot show a bias of order h^{order}: refine the step with \
                     Quadrature::asymptotic"
                ),
            }),
        }
        if claims.ergodic {
            findings.extend(view.ergodicity());
        }
        let n = self.len();
        Ok(Report {
            subject: if self.paths > 0 {
                format!(
                    "{n} states, {} paths, tolerance {tolerance:.1e}",
                    self.paths
                )
            } else {
                format!("{n} states, tolerance {tolerance:.1e}")
            },
            findings,
        })
    }

    /// `max |πᵢPᵢⱼ − πⱼPⱼᵢ|`, unscaled: the largest violation of detailed balance as a flow.
    ///
    /// # Errors
    /// As [`check`](Self::check) for bad energies.
    pub fn detailed_balance_flow(&self, energies: &[f64]) -> Result<f64, ArgumentError> {
        let pi = self.stationary(energies)?;
        let mut worst = 0.0f64;
        for j in 0..self.len() {
            for i in 0..j {
                worst =
                    worst.max((pi[i] * self.matrix[(i, j)] - pi[j] * self.matrix[(j, i)]).abs());
            }
        }
        Ok(worst)
    }

    /// `maxⱼ |Σᵢ πᵢPᵢⱼ − πⱼ|`, unscaled: the largest change of a probability in one step.
    ///
    /// # Errors
    /// As [`check`](Self::check) for bad energies.
    pub fn invariance_flow(&self, energies: &[f64]) -> Result<f64, ArgumentError> {
        let pi = self.stationary(energies)?;
        Ok((0..self.len())
            .map(|j| (inflow(&self.matrix, &pi, j) - pi[j]).abs())
            .fold(0.0, f64::max))
    }

    /// The communicating classes on the states of finite energy, by Tarjan's algorithm (*SIAM J.
    /// Comput.* 1, 1972), with their periods.
    ///
    /// # Errors
    /// As [`check`](Self::check) for bad energies.
    pub fn structure(&self, energies: &[f64]) -> Result<Structure, ArgumentError> {
        self.stationary(energies)?;
        Ok(structure(&self.matrix, |i| energies[i] != f64::INFINITY))
    }

    /// The eigenvalues of a reversible `P`, in descending order, from the symmetric matrix
    /// `√πᵢ Pᵢⱼ / √πⱼ` on the support.
    ///
    /// # Errors
    /// As [`check`](Self::check) for bad energies, and if detailed balance is broken beyond
    /// `tolerance`: the spectrum of a kernel that is not reversible is not real.
    pub fn eigenvalues(&self, energies: &[f64], tolerance: f64) -> Result<Vec<f64>, ArgumentError> {
        let report = self.check(energies, Claims::REVERSIBLE.not_ergodic(), tolerance)?;
        if let Some(broken) = report.finding(Law::DetailedBalance).filter(|f| !f.passed) {
            return Err(ArgumentError::new(
                "matrix",
                format!("reversible only to {:.1e}", broken.residual),
                format!("reversible to {tolerance:.1e}"),
            ));
        }
        let support: Vec<usize> = (0..self.len())
            .filter(|&i| energies[i] != f64::INFINITY)
            .collect();
        // √(PᵢⱼPⱼᵢ) equals √πᵢ Pᵢⱼ/√πⱼ under detailed balance and does not divide by a π that
        // may have underflowed.
        let s = DMatrix::from_fn(support.len(), support.len(), |a, b| {
            let (i, j) = (support[a], support[b]);
            (self.matrix[(i, j)] * self.matrix[(j, i)]).sqrt()
        });
        let mut values: Vec<f64> = SymmetricEigen::new(s).eigenvalues.iter().copied().collect();
        values.sort_by(|a, b| b.total_cmp(a));
        Ok(values)
    }

    /// `1 − λ₂` of a reversible `P`: the spectral gap, which rules decay of correlations and
    /// concentration of averages (Levin, Peres and Wilmer, *Markov Chains and Mixing Times*, ch.
    /// 12). 1 on a single state.
    ///
    /// # Errors
    /// As [`eigenvalues`](Self::eigenvalues).
    pub fn spectral_gap(&self, energies: &[f64], tolerance: f64) -> Result<f64, ArgumentError> {
        let values = self.eigenvalues(energies, tolerance)?;
        Ok(1.0 - values.get(1).copied().unwrap_or(0.0))
    }

    /// `1 − max(|λ₂|, |λₙ|)`: the absolute spectral gap, which rules mixing; 0 for a periodic
    /// kernel.
    ///
    /// # Errors
    /// As [`eigenvalues`](Self::eigenvalues).
    pub fn absolute_spectral_gap(
        &self,
        energies: &[f64],
        tolerance: f64,
    ) -> Result<f64, ArgumentError> {
        let values = self.eigenvalues(energies, tolerance)?;
        Ok(1.0 - values.iter().skip(1).fold(0.0, |m, v| f64::max(m, v.abs())))
    }

    /// The mean and the exact variance of `(1/n) Σₜ f(Xₜ)` over `n` steps of the stationary chain
    /// (the start counts as the first):
    /// `Var = n⁻² (n γ₀ + 2 Σₖ (n − k) γₖ)` with `γₖ = ⟨f̄, Pᵏ f̄⟩_π`, `f̄ = f − ⟨f⟩_π`.
    ///
    /// Holds for every chain that leaves `π` invariant, reversible or not. Cost `O(n·N²)` for `N`
    /// states.
    ///
    /// ```
    /// use ergodic_conformance::TransitionMatrix;
    /// use nalgebra::DMatrix;
    ///
    /// // A coin that is kept with probability 0.8: λ₂ = 0.6, γₖ = 0.6ᵏ/4.
    /// let p = DMatrix::from_row_slice(2, 2, &[0.8, 0.2, 0.2, 0.8]);
    /// let coin = TransitionMatrix::new(p, vec!["0".into(), "1".into()])?;
    /// let (mean, variance) = coin.mean_over(&[0.0, 0.0], &[0.0, 1.0], 2)?;
    /// assert!((mean - 0.5).abs() < 1e-15 && (variance - 0.25 * 1.6 / 2.0).abs() < 1e-15);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    ///
    /// # Errors
    /// As [`check`](Self::check) for bad energies, if there is not one finite value per state, or
    /// if `n` is 0.
    pub fn mean_over(
        &self,
        energies: &[f64],
        values: &[f64],
        n: u64,
    ) -> Result<(f64, f64), ArgumentError> {
        let pi = self.stationary(energies)?;
        if values.len() != self.len() || values.iter().any(|v| !v.is_finite()) {
            return Err(ArgumentError::new(
                "values",
                format!("{values:?}"),
                format!("{} finite numbers, one per state", self.len()),
            ));
        }
        if n == 0 {
            return Err(ArgumentError::new("n", n, "at least 1"));
        }
        let mean: f64 = pi.iter().zip(values).map(|(p, v)| p * v).sum();
        let centred = DVector::from_iterator(self.len(), values.iter().map(|v| v - mean));
        let mut moved = centred.clone();
        let mut sum = 0.0;
        for k in 0..n {
            let gamma: f64 = (0..self.len()).map(|i| pi[i] * centred[i] * moved[i]).sum();
            sum += if k == 0 { 1.0 } else { 2.0 } * (n - k) as f64 * gamma;
            moved = &self.matrix * moved;
        }
        // Rounding may leave a variance that vanishes a few ε below 0.
        Ok((mean, (sum / (n as f64).powi(2)).max(0.0)))
    }

    /// The exact law of `Σₜ f(Xₜ)` over `n` steps of the stationary chain (the start counts as the
    /// first) for an `f` with small whole values: the probability of each sum from 0 to `n·max f`.
    ///
    /// By dynamic programming over state and sum, `O(n² · max f · N²)`.
    ///
    /// ```
    /// use ergodic_conformance::TransitionMatrix;
    /// use nalgebra::DMatrix;
    ///
    /// let p = DMatrix::from_row_slice(2, 2, &[0.8, 0.2, 0.2, 0.8]);
    /// let coin = TransitionMatrix::new(p, vec!["0".into(), "1".into()])?;
    /// let law = coin.law_of_the_sum(&[0.0, 0.0], &[0, 1], 2)?;
    /// assert!((law[0] - 0.4).abs() < 1e-15 && (law[1] - 0.2).abs() < 1e-15);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    ///
    /// # Errors
    /// As [`check`](Self::check) for bad energies, if there is not one value per state, or if `n`
    /// is 0.
    pub fn law_of_the_sum(
        &self,
        energies: &[f64],
        values: &[usize],
        n: usize,
    ) -> Result<Vec<f64>, ArgumentError> {
        let pi = self.stationary(energies)?;
        if values.len() != self.len() {
            return Err(ArgumentError::new(
                "values",
                format!("of length {}", values.len()),
                format!("of length {}, one per state", self.len()),
            ));
        }
        if n == 0 {
            return Err(ArgumentError::new("n", n, "at least 1"));
        }
        let states = self.len();
        let most = n * values.iter().copied().max().unwrap_or(0);
        // joint[s * states + i] = P(sum = s, state = i).
        let mut joint = vec![0.0; (most + 1) * states];
        for (i, p) in pi.iter().enumerate() {
            joint[values[i] * states + i] += p;
        }
        for _ in 1..n {
            let mut next = vec![0.0; joint.len()];
            for (s, row) in joint.chunks(states).enumerate() {
                for (i, &p) in row.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                    for j in 0..states {
                        if self.matrix[(i, j)] > 0.0 {
                            next[(s + values[j]) * states + j] += p * self.matrix[(i, j)];
                        }
                    }
                }
            }
            joint = next;
        }
        Ok(joint.chunks(states).map(|row| row.iter().sum()).collect())
    }
}

fn inflow(matrix: &DMatrix<f64>, pi: &[f64], j: usize) -> f64 {
    matrix.column(j).iter().zip(pi).map(|(p, w)| p * w).sum()
}

/// A matrix together with the law it is held against.
struct View<'a> {
    matrix: &'a TransitionMatrix,
    pi: &'a [f64],
    energies: &'a [f64],
    tolerance: f64,
}

impl View<'_> {
    fn p(&self, i: usize, j: usize) -> f64 {
        self.matrix.matrix[(i, j)]
    }

    fn in_support(&self, i: usize) -> bool {
        self.energies[i] != f64::INFINITY
    }

    fn support(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.pi.len()).filter(|&i| self.in_support(i))
    }

    fn describe(&self, name: &str, i: usize) -> String {
        format!(
            "{name} = {} (π = {:.6e}, E = {})",
            self.matrix.labels[i], self.pi[i], self.energies[i]
        )
    }

    fn pair(&self, i: usize, j: usize) -> String {
        format!(
            "P(a → b) = {:.12e}, P(b → a) = {:.12e}\nπ(a)P(a → b) = {:.12e}, π(b)P(b → a) = {:.12e}\n{}\n{}",
            self.p(i, j),
            self.p(j, i),
            self.pi[i] * self.p(i, j),
            self.pi[j] * self.p(j, i),
            self.describe("a", i),
            self.describe("b", j),
        )
    }

    /// The error in `πᵢPᵢⱼ` when every number of the kernel has a relative error of 1, with `πᵢ`
    /// given as `weight`; `None` where errors are unknown.
    fn rounding(&self, i: usize, j: usize, weight: f64) -> Option<f64> {
        let bounds = self.matrix.bounds.as_ref()?;
        let error = self.p(i, j) + bounds.errors[(i, j)] + bounds.lost[i];
        Some(weight * error * (1.0 + self.energies[i].abs()))
    }

    /// One law from its scaled defect and from its defect relative to rounding.
    fn balance(&self, law: Law, scaled: f64, relative: f64, mut detail: String) -> Finding {
        let hidden = scaled <= self.tolerance && relative > self.tolerance;
        if hidden {
            let _ = write!(
                detail,
                "\nbeside the flows themselves: relative to the likelier state it is {scaled:.3e}"
            );
        } else if self.matrix.bounds.is_none() && self.tolerance > 0.0 {
            let _ = write!(
                detail,
                "\nmoves of ΔE > {:.1} are rarer than the tolerance and not judged",
                -self.tolerance.ln()
            );
        }
        Finding {
            law,
            passed: scaled <= self.tolerance && relative <= self.tolerance,
            residual: if hidden { relative } else { scaled },
            detail,
        }
    }

    fn rows(&self) -> Finding {
        let mut worst = (0.0, 0, 1.0);
        for i in self.support() {
            let sum: f64 = self.matrix.matrix.row(i).iter().sum();
            if (sum - 1.0).abs() > worst.0 {
                worst = ((sum - 1.0).abs(), i, sum);
            }
        }
        Finding {
            law: Law::Probability,
            passed: worst.0 <= self.tolerance,
            residual: worst.0,
            detail: format!(
                "the row of a sums to {}\n{}",
                worst.2,
                self.describe("a", worst.1)
            ),
        }
    }

    fn memory(&self) -> Option<Finding> {
        let m = &self.matrix.memory;
        m.checked.then(|| Finding {
            law: Law::Markov,
            passed: m.residual <= self.tolerance,
            residual: m.residual,
            detail: if m.residual == 0.0 {
                "the rows after init, reset and a step agree".into()
            } else {
                format!(
                    "P(a → b) = {:.12e} from a state made by init, {:.12e} from one made by {}: a \
                     stale cache, or a hidden variable\n{}\n{}",
                    m.fresh,
                    m.other,
                    m.how,
                    self.describe("a", m.place),
                    self.describe("b", m.to),
                )
            },
        })
    }

    fn moves(&self) -> Finding {
        let mut rate = 0.0;
        let mut moves = false;
        for i in self.support() {
            for j in 0..self.pi.len() {
                if i != j {
                    rate += self.pi[i] * self.p(i, j);
                    moves |= self.p(i, j) > 0.0;
                }
            }
        }
        Finding {
            law: Law::Moves,
            passed: moves || self.support().count() == 1,
            residual: rate,
            detail: if moves {
                format!("leaves its state with probability {rate:.6e} per step")
            } else {
                "the kernel is frozen: it never leaves any state".into()
            },
        }
    }

    fn invariance(&self) -> Finding {
        let n = self.pi.len();
        let (mut worst, mut at, mut plain) = (0.0, 0, 0.0f64);
        let (mut worst_relative, mut at_relative) = (0.0, 0);
        for j in 0..n {
            let reaching = || self.support().filter(|&i| self.p(i, j) > 0.0);
            if !self.in_support(j) {
                if reaching().next().is_some() {
                    // Mass leaves the support: a defect whatever its size.
                    (worst, at) = (f64::INFINITY, j);
                }
                continue;
            }
            plain = plain.max((inflow(&self.matrix.matrix, self.pi, j) - self.pi[j]).abs());
            // Relative to the likeliest state involved, in logarithms: nothing underflows.
            let lowest = reaching()
                .map(|i| self.energies[i])
                .fold(self.energies[j], f64::min);
            let relative = |i: usize| (lowest - self.energies[i]).exp();
            let arriving: f64 = reaching().map(|i| relative(i) * self.p(i, j)).sum();
            let defect = (arriving - relative(j)).abs();
            // A conditional that is rounded to 1 hides the way to its complement.
            let hidden: f64 = self.matrix.bounds.as_ref().map_or(0.0, |b| {
                let lost = |i: usize| (lowest - self.energies[i]).min(700.0).exp() * b.lost[i];
                self.tolerance * self.support().map(lost).sum::<f64>()
            });
            if defect - hidden > worst {
                (worst, at) = (defect - hidden, j);
            }
            // Rows that do not reach j may have lost the way there.
            let bound: Option<f64> = self
                .support()
                .map(|i| self.rounding(i, j, (lowest - self.energies[i]).min(700.0).exp()))
                .sum();
            if let Some(bound) = bound {
                let bound = bound + relative(j) * (1.0 + self.energies[j].abs());
                let judged = (defect - UNDERFLOW).max(0.0) / bound;
                if judged > worst_relative {
                    (worst_relative, at_relative) = (judged, j);
                }
            }
        }
        if worst <= self.tolerance && worst_relative > self.tolerance {
            at = at_relative;
        }
        let unbalanced =
            |i: usize| (self.pi[i] * self.p(i, at) - self.pi[at] * self.p(at, i)).abs();
        let partner = (0..n)
            .filter(|&i| i != at)
            .max_by(|&i, &k| unbalanced(i).total_cmp(&unbalanced(k)));
        let mut detail = format!(
            "π(b) = {:.12e} becomes (πP)(b) = {:.12e}; largest change of a probability {plain:.3e}",
            self.pi[at],
            inflow(&self.matrix.matrix, self.pi, at),
        );
        if let Some(i) = partner {
            detail.push_str("\nthe state a that is least in balance with b:\n");
            detail.push_str(&self.pair(i, at));
        }
        self.balance(Law::Invariance, worst, worst_relative, detail)
    }

    fn detailed_balance(&self) -> Finding {
        let n = self.pi.len();
        let (mut worst, mut at, mut plain) = (0.0, (0, 0), 0.0f64);
        let (mut worst_relative, mut at_relative) = (0.0, (0, 0));
        for j in 0..n {
            for i in 0..j {
                let (there, back) = (self.p(i, j), self.p(j, i));
                if (there == 0.0 && back == 0.0) || !(self.in_support(i) && self.in_support(j)) {
                    continue;
                }
                plain = plain.max((self.pi[i] * there - self.pi[j] * back).abs());
                let lowest = self.energies[i].min(self.energies[j]);
                let relative = |i: usize| (lowest - self.energies[i]).exp();
                let defect = (relative(i) * there - relative(j) * back).abs();
                if defect > worst {
                    (worst, at) = (defect, (i, j));
                }
                let errors = self
                    .rounding(i, j, relative(i))
                    .zip(self.rounding(j, i, relative(j)));
                if let Some((out, home)) = errors {
                    let judged = (defect - UNDERFLOW).max(0.0) / (out + home);
                    if judged > worst_relative {
                        (worst_relative, at_relative) = (judged, (i, j));
                    }
                }
            }
        }
        if worst <= self.tolerance && worst_relative > self.tolerance {
            at = at_relative;
        }
        self.balance(
            Law::DetailedBalance,
            worst,
            worst_relative,
            format!(
                "largest defect of a flow {plain:.3e}\n{}",
                self.pair(at.0, at.1)
            ),
        )
    }

    fn ergodicity(&self) -> Vec<Finding> {
        let s = structure(&self.matrix.matrix, |i| self.in_support(i));
        let classes = s.classes.len();
        let mut detail = format!(
            "{classes} communicating class(es), {} of them closed",
            s.closed.iter().filter(|c| **c).count()
        );
        if classes > 1 {
            let smallest = s
                .classes
                .iter()
                .zip(&s.closed)
                .filter(|(_, closed)| **closed)
                .map(|(c, _)| c)
                .min_by_key(|c| c.len());
            if let Some(trap) = smallest {
                let outside = self
                    .support()
                    .find(|i| trap.binary_search(i).is_err())
                    .unwrap_or(0);
                let _ = write!(
                    detail,
                    "\na class of {} state(s) is never left; from a there is no way to b\n{}\n{}",
                    trap.len(),
                    self.describe("a", trap[0]),
                    self.describe("b", outside),
                );
            }
        }
        let mut period = 1;
        let mut where_periodic = String::from("every closed class has period 1");
        for ((class, closed), &p) in s.classes.iter().zip(&s.closed).zip(&s.periods) {
            if *closed && p != 1 && p > period {
                period = p;
                where_periodic = format!(
                    "the class of a ({} states) has period {p}: a is revisited only after \
                     multiples of {p} steps\n{}",
                    class.len(),
                    self.describe("a", class[0]),
                );
            }
        }
        vec![
            Finding {
                law: Law::Irreducibility,
                passed: classes == 1,
                residual: classes as f64 - 1.0,
                detail,
            },
            Finding {
                law: Law::Aperiodicity,
                passed: period == 1,
                residual: period as f64 - 1.0,
                detail: where_periodic,
            },
        ]
    }
}

/// Communicating classes and periods of the graph of positive entries among the kept states.
fn structure(matrix: &DMatrix<f64>, keep: impl Fn(usize) -> bool) -> Structure {
    let n = matrix.nrows();
    let edges: Vec<Vec<usize>> = (0..n)
        .map(|i| {
            if !keep(i) {
                return Vec::new();
            }
            (0..n)
                .filter(|&j| keep(j) && matrix[(i, j)] > 0.0)
                .collect()
        })
        .collect();

    let mut classes = strongly_connected(&edges, &keep);
    classes.sort_by_key(|c| c[0]);
    let mut class_of = vec![usize::MAX; n];
    for (c, class) in classes.iter().enumerate() {
        for &i in class {
            class_of[i] = c;
        }
    }
    let closed = classes
        .iter()
        .enumerate()
        .map(|(c, class)| {
            class
                .iter()
                .all(|&i| edges[i].iter().all(|&j| class_of[j] == c))
        })
        .collect();

    // The period is the gcd of level(i) + 1 − level(j) over the edges of the class, with levels
    // from a breadth-first search (Denardo, Oper. Res. 25, 1977).
    let periods = classes
        .iter()
        .enumerate()
        .map(|(c, class)| {
            let mut level = vec![usize::MAX; n];
            level[class[0]] = 0;
            let mut queue = std::collections::VecDeque::from([class[0]]);
            let mut period = 0;
            while let Some(i) = queue.pop_front() {
                for &j in edges[i].iter().filter(|&&j| class_of[j] == c) {
                    if level[j] == usize::MAX {
                        level[j] = level[i] + 1;
                        queue.push_back(j);
                    } else {
                        period = gcd(period, (level[i] + 1).abs_diff(level[j]));
                    }
                }
            }
            period
        })
        .collect();
    Structure {
        classes,
        closed,
        periods,
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Tarjan's algorithm with an explicit stack, so that long chains cannot overflow the call stack.
fn strongly_connected(edges: &[Vec<usize>], keep: &impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let n = edges.len();
    let (mut order, mut low) = (vec![NEW; n], vec![0; n]);
    let mut on_stack = vec![false; n];
    let (mut stack, mut classes) = (Vec::new(), Vec::new());
    let mut visited = 0;
    for root in (0..n).filter(|&i| keep(i)) {
        if order[root] != NEW {
            continue;
        }
        let mut calls = vec![(root, 0)];
        while let Some(&mut (i, ref mut next)) = calls.last_mut() {
            if *next == 0 && order[i] == NEW {
                order[i] = visited;
                low[i] = visited;
                visited += 1;
                stack.push(i);
                on_stack[i] = true;
            }
            if let Some(&j) = edges[i].get(*next) {
                *next += 1;
                if order[j] == NEW {
                    calls.push((j, 0));
                } else if on_stack[j] {
                    low[i] = low[i].min(order[j]);
                }
                continue;
            }
            calls.pop();
            if let Some(&(parent, _)) = calls.last() {
                low[parent] = low[parent].min(low[i]);
            }
            if low[i] == order[i] {
                let mut class = Vec::new();
                while let Some(j) = stack.pop() {
                    on_stack[j] = false;
                    class.push(j);
                    if j == i {
                        break;
                    }
                }
                class.sort_unstable();
                classes.push(class);
            }
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(n: usize, p: &[f64]) -> TransitionMatrix {
        let labels = (0..n).map(|i| i.to_string()).collect();
        TransitionMatrix::new(DMatrix::from_row_slice(n, n, p), labels).unwrap()
    }

    #[test]
    fn a_rotation_is_invariant_periodic_and_not_reversible() {
        let m = matrix(3, &[0., 1., 0., 0., 0., 1., 1., 0., 0.]);
        let report = m.check(&[0.0; 3], Claims::REVERSIBLE, 1e-15).unwrap();
        assert!(!report.fails(Law::Invariance));
        assert!(report.fails(Law::DetailedBalance));
        assert!(!report.fails(Law::Irreducibility));
        assert_eq!(report.finding(Law::Aperiodicity).unwrap().residual, 2.0);
        assert!(m.eigenvalues(&[0.0; 3], 1e-12).is_err());
    }

    #[test]
    fn classes_closures_and_periods_of_a_known_graph() {
        // 0 → 1 ⇄ 2, 0 → 3 (loop); 4 has no finite energy.
        let m = matrix(
            5,
            &[
                0., 0.5, 0., 0.5, 0., //
                0., 0., 1., 0., 0., //
                0., 1., 0., 0., 0., //
                0., 0., 0., 1., 0., //
                0., 0., 0., 0., 0.,
            ],
        );
        let s = m.structure(&[0.0, 0.0, 0.0, 0.0, f64::INFINITY]).unwrap();
        assert_eq!(s.classes, vec![vec![0], vec![1, 2], vec![3]]);
        assert_eq!(s.closed, vec![false, true, true]);
        assert_eq!(s.periods, vec![0, 2, 1]);
    }

    #[test]
    fn mass_that_leaves_the_support_breaks_invariance() {
        let m = matrix(2, &[1.0 - 1e-20, 1e-20, 0., 0.]);
        let report = m
            .check(&[0.0, f64::INFINITY], Claims::INVARIANT, 1e-12)
            .unwrap();
        assert!(report.fails(Law::Invariance), "{report}");
    }

    #[test]
    fn errors_among_improbable_states_count_in_full() {
        // States 1 and 2 have probability e^{-40}; the flow between them is wrong by a factor.
        let tiny = (-40f64).exp();
        let m = matrix(
            3,
            &[
                1.0 - tiny,
                tiny,
                0., //
                1.0,
                0.,
                0., //
                0.,
                0.5,
                0.5,
            ],
        );
        let energies = [0.0, 40.0, 40.0];
        let report = m
            .check(&energies, Claims::REVERSIBLE.not_ergodic(), 1e-12)
            .unwrap();
        assert!(m.detailed_balance_flow(&energies).unwrap() < 1e-17);
        assert_eq!(report.finding(Law::DetailedBalance).unwrap().residual, 0.5);
        assert!(report.fails(Law::Invariance));
    }

    #[test]
    fn states_whose_probability_underflows_are_checked_too() {
        // Energies 0, 2000 and 2001; the flow between the latter two is right, then wrong.
        let energies = [0.0, 2000.0, 2001.0];
        let up = (-1f64).exp() / 2.0;
        for (down, right) in [(0.5, true), (0.25, false)] {
            let m = matrix(
                3,
                &[
                    1.0,
                    0.,
                    0., //
                    0.0,
                    1.0 - up,
                    up, //
                    0.0,
                    down,
                    1.0 - down,
                ],
            );
            let report = m
                .check(&energies, Claims::REVERSIBLE.not_ergodic(), 1e-12)
                .unwrap();
            assert_eq!(!report.fails(Law::DetailedBalance), right, "{report}");
            assert_eq!(!report.fails(Law::Invariance), right, "{report}");
        }
    }

    #[test]
    fn the_spectrum_of_a_walk_on_a_cycle_is_known() {
        // Lazy walk on n = 8 points: λ_k = ½ + ½ cos(2πk/n).
        let n = 8;
        let mut p = vec![0.0; n * n];
        for i in 0..n {
            p[i * n + i] = 0.5;
            p[i * n + (i + 1) % n] = 0.25;
            p[i * n + (i + n - 1) % n] = 0.25;
        }
        let m = matrix(n, &p);
        let gap = 0.5 - 0.5 * (std::f64::consts::TAU / n as f64).cos();
        assert!((m.spectral_gap(&[0.0; 8], 1e-14).unwrap() - gap).abs() < 1e-14);
        assert!((m.absolute_spectral_gap(&[0.0; 8], 1e-14).unwrap() - gap).abs() < 1e-14);
    }

    #[test]
    fn bad_arguments_are_named() {
        let m = matrix(1, &[1.0]);
        assert_eq!(
            m.check(&[], Claims::INVARIANT, 0.0).unwrap_err().argument,
            "energies"
        );
        assert!(m.check(&[f64::NAN], Claims::INVARIANT, 0.0).is_err());
        assert!(m.check(&[f64::INFINITY], Claims::INVARIANT, 0.0).is_err());
        assert!(m.check(&[0.0], Claims::INVARIANT, f64::NAN).is_err());
        assert!(m.check(&[0.0], Claims::INVARIANT, 0.0).unwrap().passed());
        assert!(TransitionMatrix::new(DMatrix::zeros(0, 0), vec![]).is_err());
        assert!(
            TransitionMatrix::new(DMatrix::from_element(1, 1, -1.0), vec!["a".into()]).is_err()
        );
    }
}
