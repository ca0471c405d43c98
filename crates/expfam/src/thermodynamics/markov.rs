//! Finite time on finitely many states: the exact law of a driven Markov chain, and of its work.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::special::log_sum_exp;
use nalgebra::{DMatrix, DVector};

use super::law::{self, Boltzmann};
use crate::domain;

/// One step of a driven chain: the energies switch while the state stands still (work), then a Markov
/// kernel that leaves their Boltzmann law invariant moves the state (heat).
#[derive(Clone, Debug, PartialEq)]
pub struct MarkovStep {
    energies: Vec<f64>,
    /// `None` for a step without a bath.
    bath: Option<Bath>,
}

#[derive(Clone, Debug, PartialEq)]
struct Bath {
    beta: f64,
    equilibrium: Boltzmann,
    log_degeneracies: Vec<f64>,
    kernel: DMatrix<f64>,
}

impl MarkovStep {
    /// To these energies, then this kernel (row `i`: the law of the next state after `i`) at `β`.
    ///
    /// # Errors
    /// If `β` is not finite and above 0, sizes differ, a number is not finite, rows of the kernel are not
    /// laws, or it does not leave `e^{−βE}/Z` invariant to 10⁻¹⁰.
    pub fn new(energies: &[f64], beta: f64, kernel: DMatrix<f64>) -> Result<Self, ArgumentError> {
        Self::with_degeneracies(energies, vec![0.0; energies.len()], beta, kernel)
    }

    fn with_degeneracies(
        energies: &[f64],
        log_degeneracies: Vec<f64>,
        beta: f64,
        kernel: DMatrix<f64>,
    ) -> Result<Self, ArgumentError> {
        let step = Self::isolated(energies)?;
        domain::positive("beta", beta)?;
        let n = energies.len();
        if kernel.shape() != (n, n) {
            return Err(ArgumentError::new(
                "kernel",
                format!("a {} × {} matrix", kernel.nrows(), kernel.ncols()),
                format!("{n} × {n}, as there are energies"),
            ));
        }
        for i in 0..n {
            let row: Vec<f64> = kernel.row(i).iter().copied().collect();
            law::check("kernel", &row, n)?;
        }
        let equilibrium = law::boltzmann(energies, &log_degeneracies, beta);
        let moved = kernel.tr_mul(&DVector::from_column_slice(&equilibrium.probabilities));
        let defect = moved
            .iter()
            .zip(&equilibrium.probabilities)
            .fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
        if defect > 1e-10 {
            return Err(ArgumentError::new(
                "kernel",
                format!("one that moves the Boltzmann law by {defect:e}"),
                "one that leaves the Boltzmann law of the energies invariant",
            ));
        }
        Ok(Self {
            bath: Some(Bath {
                beta,
                equilibrium,
                log_degeneracies,
                kernel,
            }),
            ..step
        })
    }

    /// To these energies without a bath: no state moves, no heat flows.
    ///
    /// # Errors
    /// If there are no energies or one is not finite.
    pub fn isolated(energies: &[f64]) -> Result<Self, ArgumentError> {
        if energies.is_empty() {
            return Err(ArgumentError::new(
                "energies",
                "empty",
                "at least one state",
            ));
        }
        domain::finite("energies", energies, energies.len())?;
        Ok(Self {
            energies: energies.to_vec(),
            bath: None,
        })
    }

    /// To these energies, then with probability `strength` a fresh state from the Boltzmann law:
    /// `P = (1 − a)1 + a·1πᵀ`. At `a = 1` the system relaxes fully.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if the strength is not in `(0, 1]`.
    pub fn thermalize(energies: &[f64], beta: f64, strength: f64) -> Result<Self, ArgumentError> {
        Self::thermalize_levels(energies, &vec![1.0; energies.len()], beta, strength)
    }

    /// [`thermalize`](Self::thermalize) of levels that each stand for `g` states: the Boltzmann law is
    /// `g e^{−βE}/Z`, and the entropy change counts the states of a level, `−Δ Σ p log(p/g)`.
    ///
    /// # Errors
    /// As [`thermalize`](Self::thermalize), and if there are not as many degeneracies as energies or one is
    /// not finite and above 0.
    ///
    /// ```
    /// use ergodic_expfam::thermodynamics::{Evolution, MarkovStep};
    ///
    /// // Full relaxation between a level and one of three states, all of energy 0.
    /// let mut chain = Evolution::new(&[0.0, 0.0], &[1.0, 0.0])?;
    /// let record = chain.step(&MarkovStep::thermalize_levels(&[0.0, 0.0], &[1.0, 3.0], 1.0, 1.0)?)?;
    /// assert!((chain.probabilities()[1] - 0.75).abs() < 1e-15);
    /// assert!((record.entropy_change - 4f64.ln()).abs() < 1e-15);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn thermalize_levels(
        energies: &[f64],
        degeneracies: &[f64],
        beta: f64,
        strength: f64,
    ) -> Result<Self, ArgumentError> {
        Self::isolated(energies)?;
        domain::positive("beta", beta)?;
        domain::finite("degeneracies", degeneracies, energies.len())?;
        for i in 0..degeneracies.len() {
            domain::require(
                "degeneracies",
                degeneracies,
                i,
                degeneracies[i] > 0.0,
                "above 0",
            )?;
        }
        if !(strength > 0.0 && strength <= 1.0) {
            return Err(ArgumentError::new(
                "strength",
                strength,
                "above 0 and at most 1",
            ));
        }
        let logs: Vec<f64> = degeneracies.iter().map(|g| Real::ln(*g)).collect();
        let pi = law::boltzmann(energies, &logs, beta).probabilities;
        let n = energies.len();
        let kernel = DMatrix::from_fn(n, n, |i, j| {
            strength * pi[j] + if i == j { 1.0 - strength } else { 0.0 }
        });
        Self::with_degeneracies(energies, logs, beta, kernel)
    }

    /// To these energies, then one Metropolis step with a proposal uniform over the other states.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if there is one state only.
    pub fn metropolis(energies: &[f64], beta: f64) -> Result<Self, ArgumentError> {
        Self::isolated(energies)?;
        domain::positive("beta", beta)?;
        let n = energies.len();
        if n < 2 {
            return Err(ArgumentError::new(
                "energies",
                "of one state",
                "of at least two states",
            ));
        }
        let mut kernel = DMatrix::from_fn(n, n, |i, j| {
            if i == j {
                0.0
            } else {
                let climb = beta * (energies[j] - energies[i]);
                if climb > 0.0 { Real::exp(-climb) } else { 1.0 }
            }
        });
        kernel /= (n - 1) as f64;
        for i in 0..n {
            kernel[(i, i)] = (1.0 - kernel.row(i).sum()).max(0.0); // rounding where all are accepted
        }
        Self::new(energies, beta, kernel)
    }

    /// The energies after the switch.
    pub fn energies(&self) -> &[f64] {
        &self.energies
    }

    /// `β` of the bath, if there is one.
    pub fn beta(&self) -> Option<f64> {
        self.bath.as_ref().map(|b| b.beta)
    }

    /// The kernel, if there is a bath.
    pub(super) fn kernel(&self) -> Option<&DMatrix<f64>> {
        self.bath.as_ref().map(|b| &b.kernel)
    }
}

/// The ledger of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRecord {
    /// `⟨W⟩ = Σ p (E′ − E)`, done on the system by the switch.
    pub work: f64,
    /// `⟨Q⟩ = Σ (p′ − p) E′`, taken up in the move.
    pub heat: f64,
    /// `ΔS` of the law of the state, in nats; where levels stand for several states, those count.
    pub entropy_change: f64,
    /// `KL(p‖π) − KL(p′‖π) = ΔS − βQ ≥ 0`, in nats; 0 without a bath.
    pub entropy_production: f64,
    /// `KL(p‖π)` before the move, in nats; 0 without a bath.
    pub divergence_before: f64,
    /// `KL(p′‖π)` after it: not above the one before, as `π` is invariant.
    pub divergence_after: f64,
}

/// The law of the state of a driven chain, moved exactly.
///
/// `⟨W⟩`, `⟨Q⟩` and `S` are those of stochastic thermodynamics (Seifert, *Rep. Prog. Phys.* 75, 2012; in
/// discrete time Crooks, *J. Stat. Phys.* 90, 1998). No sampling; `O(n²)` per step.
///
/// ```
/// use ergodic_expfam::thermodynamics::{Evolution, MarkovStep};
///
/// // A gap is opened at once, then the system relaxes fully: what is dissipated is a divergence.
/// let mut chain = Evolution::equilibrium(&[0.0, 0.0], 1.0)?;
/// let record = chain.step(&MarkovStep::thermalize(&[0.0, 2.0], 1.0, 1.0)?)?;
/// assert_eq!(record.work, 1.0);
/// assert!((record.entropy_production - record.divergence_before).abs() < 1e-15);
/// let free_energy = -((1.0 + (-2f64).exp()) / 2.0).ln();
/// assert!((record.entropy_production - (record.work - free_energy)).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Evolution {
    energies: Vec<f64>,
    probabilities: Vec<f64>,
}

impl Evolution {
    /// From any law.
    ///
    /// # Errors
    /// If the energies are empty or not finite, or the probabilities no law on as many states.
    pub fn new(energies: &[f64], probabilities: &[f64]) -> Result<Self, ArgumentError> {
        MarkovStep::isolated(energies)?;
        law::check("probabilities", probabilities, energies.len())?;
        Ok(Self {
            energies: energies.to_vec(),
            probabilities: probabilities.to_vec(),
        })
    }

    /// From the Boltzmann law.
    ///
    /// # Errors
    /// If the energies are empty or not finite, or `β` is not finite and above 0.
    pub fn equilibrium(energies: &[f64], beta: f64) -> Result<Self, ArgumentError> {
        MarkovStep::isolated(energies)?;
        domain::positive("beta", beta)?;
        Ok(Self {
            energies: energies.to_vec(),
            probabilities: law::boltzmann(energies, &vec![0.0; energies.len()], beta).probabilities,
        })
    }

    /// The energies now.
    pub fn energies(&self) -> &[f64] {
        &self.energies
    }

    /// The law of the state now.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// `⟨E⟩`.
    pub fn energy(&self) -> f64 {
        law::mean(&self.probabilities, &self.energies)
    }

    /// `−Σ p log p`, in nats.
    pub fn entropy(&self) -> f64 {
        law::entropy(&self.probabilities)
    }

    /// One step.
    ///
    /// # Errors
    /// If it is of another number of states.
    pub fn step(&mut self, step: &MarkovStep) -> Result<StepRecord, ArgumentError> {
        domain::length("step", &step.energies, self.energies.len())?;
        let work = self
            .probabilities
            .iter()
            .zip(step.energies.iter().zip(&self.energies))
            .map(|(p, (to, from))| p * (to - from))
            .sum();
        self.energies.clone_from(&step.energies);
        let Some(bath) = &step.bath else {
            return Ok(StepRecord {
                work,
                heat: 0.0,
                entropy_change: 0.0,
                entropy_production: 0.0,
                divergence_before: 0.0,
                divergence_after: 0.0,
            });
        };
        let before = DVector::from_column_slice(&self.probabilities);
        let after = bath.kernel.tr_mul(&before);
        let heat = after
            .iter()
            .zip(before.iter().zip(&step.energies))
            .map(|(a, (b, e))| (a - b) * e)
            .sum();
        let entropy_before = self.entropy();
        let divergence_before = law::divergence_from(&self.probabilities, &bath.equilibrium);
        self.probabilities.copy_from_slice(after.as_slice());
        let divergence_after = law::divergence_from(&self.probabilities, &bath.equilibrium);
        let within: f64 = after
            .iter()
            .zip(before.iter().zip(&bath.log_degeneracies))
            .map(|(a, (b, g))| (a - b) * g)
            .sum();
        Ok(StepRecord {
            work,
            heat,
            entropy_change: self.entropy() - entropy_before + within,
            entropy_production: divergence_before - divergence_after,
            divergence_before,
            divergence_after,
        })
    }

    /// All steps, one after the other.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn run(&mut self, steps: &[MarkovStep]) -> Result<Vec<StepRecord>, ArgumentError> {
        steps.iter().map(|s| self.step(s)).collect()
    }
}

/// The law of the work of a whole protocol, by its moments and exponential averages, exactly: sums over all
/// paths by transfer matrices, `O(n²)` per step.
///
/// From equilibrium, `⟨e^{−βW}⟩ = e^{−βΔF}` however fast the protocol (Jarzynski, *Phys. Rev. Lett.* 78,
/// 1997).
///
/// ```
/// use ergodic_expfam::thermodynamics::{Evolution, MarkovStep, WorkStatistics};
///
/// let steps = [MarkovStep::metropolis(&[0.0, 1.0, 0.5], 2.0)?, MarkovStep::metropolis(&[0.3, 3.0, 0.0], 2.0)?];
/// let work = WorkStatistics::new(&Evolution::equilibrium(&[0.0; 3], 2.0)?, &steps)?;
/// let z = (-0.6f64).exp() + (-6f64).exp() + 1.0;
/// assert!((work.log_exponential_average(-2.0)? - (z / 3.0).ln()).abs() < 1e-14);
/// assert!(work.mean() > -(z / 3.0).ln() / 2.0);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct WorkStatistics {
    initial: Evolution,
    steps: Vec<MarkovStep>,
    mean: f64,
    variance: f64,
}

impl WorkStatistics {
    /// Of these steps from this law.
    ///
    /// # Errors
    /// If a step is of another number of states.
    pub fn new(initial: &Evolution, steps: &[MarkovStep]) -> Result<Self, ArgumentError> {
        let n = initial.energies.len();
        let mut energies = initial.energies.clone();
        let mut p = DVector::from_column_slice(&initial.probabilities);
        // Of all paths that end in a state: the sums of W and W², weighted by the paths; W is counted from
        // its mean so far, so that the variance does not cancel.
        let (mut first, mut second) = (DVector::zeros(n), DVector::zeros(n));
        let mut mean = 0.0;
        for step in steps {
            domain::length("step", &step.energies, n)?;
            let average: f64 = (0..n)
                .map(|i| p[i] * (step.energies[i] - energies[i]))
                .sum();
            for i in 0..n {
                let w = step.energies[i] - energies[i] - average;
                second[i] += w * (2.0 * first[i] + w * p[i]);
                first[i] += w * p[i];
            }
            mean += average;
            energies.clone_from(&step.energies);
            if let Some(bath) = &step.bath {
                p = bath.kernel.tr_mul(&p);
                first = bath.kernel.tr_mul(&first);
                second = bath.kernel.tr_mul(&second);
            }
        }
        let drift: f64 = first.sum();
        Ok(Self {
            initial: initial.clone(),
            steps: steps.to_vec(),
            mean: mean + drift,
            variance: second.sum() - drift * drift,
        })
    }

    /// `⟨W⟩`.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// `Var W`.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// `log⟨e^{sW}⟩`: the cumulant-generating function of the work.
    ///
    /// # Errors
    /// If `s` is not finite, or the average is beyond what `f64` holds as a logarithm.
    pub fn log_exponential_average(&self, s: f64) -> Result<f64, ArgumentError> {
        domain::finite("s", &[s], 1)?;
        let mut energies = &self.initial.energies;
        // Logarithms all the way: a path whose weight underflows in one step can be the one that matters
        // after the next.
        let mut logs: Vec<f64> = self
            .initial
            .probabilities
            .iter()
            .map(|p| Real::ln(*p))
            .collect();
        let mut terms = vec![0.0; logs.len()];
        for step in &self.steps {
            for (log, (to, from)) in logs.iter_mut().zip(step.energies.iter().zip(energies)) {
                if *log > f64::NEG_INFINITY {
                    *log += s * (to - from);
                }
            }
            if let Some(bath) = &step.bath {
                logs = bath
                    .kernel
                    .column_iter()
                    .map(|column| {
                        for (t, (log, k)) in terms.iter_mut().zip(logs.iter().zip(column.iter())) {
                            *t = log + Real::ln(*k);
                        }
                        log_sum_exp(&terms)
                    })
                    .collect();
            }
            energies = &step.energies;
        }
        let average = log_sum_exp(&logs);
        if average.is_finite() {
            return Ok(average);
        }
        Err(ArgumentError::new(
            "s",
            s,
            "such that the average is within the range of f64",
        ))
    }
}
