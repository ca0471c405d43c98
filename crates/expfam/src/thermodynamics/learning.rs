//! The same ledger for learning: log-loss is an energy, regret an excess free energy, entropy a Bayes risk.
//!
//! A model `q` gives outcome `x` the energy `E(x) = −log q(x)`, at `β = 1` with free energy 0, as `q` is normalised.
//! A law of data `p` is a state, in equilibrium if it is `q`. Then
//!
//! | learning | thermodynamics |
//! |---|---|
//! | log-loss `E_p[−log q]` | energy `⟨E⟩` |
//! | Bayes risk `H(p)`, what no model avoids | entropy `S` |
//! | regret `KL(p‖q)` | excess free energy `F[p] − F = ⟨E⟩ − S` |
//! | the model changes, the data do not | work |
//! | the data shift, the model does not | heat |

use ergodic_core::{ArgumentError, ExponentialFamily};
use ergodic_math::Real;
use nalgebra::DMatrix;

use super::law;
use crate::domain;
use crate::member::{Member, dot};

/// `⟨E⟩ = S + (F[p] − F)` in the words of learning: log-loss = Bayes risk + regret, in nats.
///
/// ```
/// use ergodic_expfam::thermodynamics::LogLossBalance;
///
/// let balance = LogLossBalance::new(&[0.5, 0.3, 0.2], &[0.2, 0.3, 0.5])?;
/// assert!((balance.regret - 0.27488721956224654).abs() < 1e-15);
/// assert!((balance.loss - balance.bayes_risk - balance.regret).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogLossBalance {
    /// `E_p[−log q]`.
    pub loss: f64,
    /// `H(p)`.
    pub bayes_risk: f64,
    /// `KL(p‖q)`.
    pub regret: f64,
}

impl LogLossBalance {
    /// Of the law of the data and the model, on finitely many outcomes.
    ///
    /// # Errors
    /// If either is no law, they are of different sizes, or the model excludes what the data have (infinite
    /// loss).
    pub fn new(data: &[f64], model: &[f64]) -> Result<Self, ArgumentError> {
        law::check("data", data, data.len())?;
        law::check("model", model, data.len())?;
        Ok(Self {
            loss: loss(data, model)?,
            bayes_risk: law::entropy(data),
            regret: law::divergence(data, model),
        })
    }
}

/// `−Σ p log q`.
fn loss(data: &[f64], model: &[f64]) -> Result<f64, ArgumentError> {
    let mut sum = 0.0;
    for (i, (&p, &q)) in data.iter().zip(model).enumerate() {
        if p > 0.0 {
            domain::require("model", model, i, q > 0.0, "above 0 where the data are")?;
            sum -= p * Real::ln(q);
        }
    }
    Ok(sum)
}

/// The change of the log-loss when a model is updated and then its data shift: the first law,
/// `Δloss = work + heat`.
///
/// ```
/// use ergodic_expfam::thermodynamics::{DataShift, LogLossBalance};
///
/// let (p, q) = ([0.5, 0.3, 0.2], [0.4, 0.4, 0.2]);
/// let (later, updated) = ([0.2, 0.3, 0.5], [0.3, 0.3, 0.4]);
/// let shift = DataShift::of_laws((&p, &q), (&later, &updated))?;
/// let change = LogLossBalance::new(&later, &updated)?.loss - LogLossBalance::new(&p, &q)?.loss;
/// assert!((shift.work + shift.heat - change).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataShift {
    /// `E_p[−log q′ + log q]`: the update of the model, on the data that were.
    pub work: f64,
    /// `(E_{p′} − E_p)[−log q′]`: the shift of the data, under the model that is.
    pub heat: f64,
}

impl DataShift {
    /// From `(data, model)` to `(data, model)`, on finitely many outcomes.
    ///
    /// # Errors
    /// If one is no law, sizes differ, or a model excludes what data before or after have.
    pub fn of_laws(
        before: (&[f64], &[f64]),
        after: (&[f64], &[f64]),
    ) -> Result<Self, ArgumentError> {
        let states = before.0.len();
        for law in [before.0, after.0] {
            law::check("data", law, states)?;
        }
        for law in [before.1, after.1] {
            law::check("model", law, states)?;
        }
        let middle = loss(before.0, after.1)?;
        Ok(Self {
            work: middle - loss(before.0, before.1)?,
            heat: loss(after.0, after.1)? - middle,
        })
    }

    /// From one member of a family to another, on data of which only the means of the statistics matter:
    /// `W = A(θ′) − A(θ) − (θ′ − θ)·μ`, `Q = −θ′·(μ′ − μ) − Δ⟨log h⟩`.
    ///
    /// `base_change` is the change of `E[log h]` under the data, 0 for a family whose base measure is constant.
    ///
    /// # Errors
    /// If lengths differ, a number is not finite, or work or heat overflow.
    ///
    /// ```
    /// use ergodic_expfam::{Member, families::Poisson, thermodynamics::DataShift};
    ///
    /// // A model at its data, fitted to the counts of before, meets twice as many.
    /// let model = Member::from_mean(Poisson, [2.0])?;
    /// let shift = DataShift::of_members((&model, &[2.0]), (&model, &[4.0]), 0.0)?;
    /// assert_eq!(shift.work, 0.0);
    /// assert!((shift.heat + 2.0 * 2f64.ln()).abs() < 1e-15); // without −Δ⟨log h⟩ = Δ⟨log x!⟩
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn of_members<F: ExponentialFamily>(
        before: (&Member<F>, &[f64]),
        after: (&Member<F>, &[f64]),
        base_change: f64,
    ) -> Result<Self, ArgumentError> {
        let dim = before.0.natural().len();
        domain::finite("before", before.1, dim)?;
        domain::finite("after", after.1, dim)?;
        domain::length("after", after.0.natural(), dim)?;
        domain::finite("base_change", &[base_change], 1)?;
        let (theta, later) = (before.0.natural(), after.0.natural());
        let step: Vec<f64> = later.iter().zip(theta).map(|(a, b)| a - b).collect();
        let shift: Vec<f64> = after.1.iter().zip(before.1).map(|(a, b)| a - b).collect();
        let work = after.0.log_partition() - before.0.log_partition() - dot(&step, before.1);
        let heat = -dot(later, &shift) - base_change;
        if !(work.is_finite() && heat.is_finite()) {
            return Err(ArgumentError::new(
                "after",
                format!("{:?}: work {work}, heat {heat}", after.1),
                "such that work and heat are within the range of f64",
            ));
        }
        Ok(Self { work, heat })
    }

    /// `Δloss = W + Q`.
    pub fn loss_change(&self) -> f64 {
        self.work + self.heat
    }
}

/// `F[p] − F = ⟨E⟩_p − TS(p) + T log Z = T·KL(p‖e^{−βE}/Z) ≥ 0`: what a law out of equilibrium could do as work,
/// and what a model's regret is at `β = 1`.
///
/// Summed as a divergence, so accurate near equilibrium.
///
/// # Errors
/// If `β` is not finite and above 0, energies are not finite or `p` is no law on as many states, or the result is
/// infinite.
///
/// ```
/// use ergodic_expfam::thermodynamics::excess_free_energy;
///
/// // One bit at T = 1/2: a state that is known can do T log 2 of work (Szilard).
/// let excess = excess_free_energy(&[0.0, 0.0], 2.0, &[1.0, 0.0])?;
/// assert!((excess - 0.5 * 2f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn excess_free_energy(energies: &[f64], beta: f64, p: &[f64]) -> Result<f64, ArgumentError> {
    domain::positive("beta", beta)?;
    domain::finite("energies", energies, energies.len())?;
    law::check("p", p, energies.len())?;
    let equilibrium = law::boltzmann(energies, &vec![0.0; energies.len()], beta);
    let excess = law::divergence_from(p, &equilibrium) / beta;
    if excess.is_finite() {
        return Ok(excess);
    }
    Err(ArgumentError::new(
        "p",
        format!("of excess free energy {excess}"),
        "of a finite one: energies and β within the range of f64",
    ))
}

/// The Bayes risk under log-loss of predicting a column from a row of a joint law, `H(Y|X)` in nats: the mean
/// entropy of the posteriors, which no predictor goes below.
///
/// # Errors
/// If the entries are not a joint law (not negative, of sum 1).
///
/// ```
/// use ergodic_expfam::thermodynamics::bayes_risk;
/// use nalgebra::DMatrix;
///
/// // A channel that errs one time in ten: H(0.1).
/// let joint = DMatrix::from_row_slice(2, 2, &[0.45, 0.05, 0.05, 0.45]);
/// let h = -0.9 * 0.9f64.ln() - 0.1 * 0.1f64.ln();
/// assert!((bayes_risk(&joint)? - h).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn bayes_risk(joint: &DMatrix<f64>) -> Result<f64, ArgumentError> {
    law::check("joint", joint.as_slice(), joint.len())?;
    Ok(joint
        .row_iter()
        .map(|row| {
            let mass = row.sum();
            row.iter()
                .filter(|p| **p > 0.0)
                .map(|p| -p * Real::ln(p / mass))
                .sum::<f64>()
        })
        .sum())
}
