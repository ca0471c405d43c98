//! Exponential families: the duality that binds their functions together, and their draws.

use ergodic_core::{ArgumentError, ExponentialFamily};
use nalgebra::{DMatrix, DVector};

use crate::budget::Budget;
use crate::report::{Finding, Law, Report};

/// Relative tolerance of what is compared with differences, and of what is compared with itself
/// by another way.
const DIFFERENCE: f64 = 2e-7;
const IDENTITY: f64 = 1e-9;

/// An exponential family held against its own laws at members of the user's choice.
///
/// With nothing but the family's own code, at each natural parameter `θ`:
///
/// * `∇A(θ)` is the mean, `∇²A(θ)` the Fisher information, by extrapolated differences of `A` and
///   of the mean; the Fisher information is symmetric and positive definite;
/// * natural → mean → natural returns, measured in standard deviations: `(θ′ − θ)ᵀ F (θ′ − θ)`;
/// * `A(θ) + A*(μ) = θ·μ`, and the divergence to another member is that of `A*` with its arguments
///   exchanged, not negative, and 0 to itself;
/// * the columns agree with the single calls;
/// * `draws` draws have the mean and (for the variances of the statistics) the Fisher
///   information as their law says, and `E_θ[p_φ/p_θ] = 1`, within the error budget;
/// * a parameter of the wrong length, and one that is NaN, are refused.
///
/// What it cannot see is a base measure that is wrong: [`nodes`](Self::nodes) adds that
/// `Σ wᵢ p_θ(xᵢ) = 1` by the user's own summation or quadrature.
///
/// ```
/// use ergodic_conformance::FamilyCheck;
/// # use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
/// # use ergodic_math::special::{log1p_exp, logit, sigmoid};
/// # struct Bernoulli;
/// # impl ExponentialFamily for Bernoulli {
/// #     type Sample = bool;
/// #     fn dim(&self) -> usize { 1 }
/// #     fn sufficient_statistics(&self, x: &bool, out: &mut [f64]) { out[0] = f64::from(u8::from(*x)); }
/// #     fn log_base_measure(&self, _: &bool) -> f64 { 0.0 }
/// #     fn log_partition(&self, t: &[f64]) -> Result<f64, ArgumentError> {
/// #         if t.len() != 1 || !t[0].is_finite() { return Err(ArgumentError::new("natural", "x", "one finite number")); }
/// #         Ok(log1p_exp(t[0]))
/// #     }
/// #     fn mean_from_natural(&self, t: &[f64], m: &mut [f64]) -> Result<(), ArgumentError> { self.log_partition(t)?; m[0] = sigmoid(t[0]); Ok(()) }
/// #     fn natural_from_mean(&self, m: &[f64], t: &mut [f64]) -> Result<(), ArgumentError> {
/// #         if m.len() != 1 { return Err(ArgumentError::new("mean", "x", "one number")); }
/// #         t[0] = logit(m[0]).map_err(|_| ArgumentError::new("mean", m[0], "in (0, 1)"))?; Ok(())
/// #     }
/// #     fn fisher_information(&self, t: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> { self.log_partition(t)?; out[0] = sigmoid(t[0]) * sigmoid(-t[0]); Ok(()) }
/// #     fn sample<R: Randomness + ?Sized>(&self, t: &[f64], rng: &mut R) -> Result<bool, ArgumentError> { self.log_partition(t)?; Ok(rng.bernoulli(sigmoid(t[0]))) }
/// # }
/// FamilyCheck::new(10_000, 7)
///     .nodes(vec![(false, 1.0), (true, 1.0)])
///     .check(&Bernoulli, &[vec![0.3], vec![-2.0]])?
///     .assert();
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FamilyCheck<S> {
    draws: usize,
    seed: u64,
    nodes: Vec<(S, f64)>,
    tolerance: f64,
}

impl<S> FamilyCheck<S> {
    /// `draws` draws at each member, from the streams of `seed`; at least 100.
    pub fn new(draws: usize, seed: u64) -> Self {
        Self {
            draws: draws.max(100),
            seed,
            nodes: Vec::new(),
            tolerance: 1e-9,
        }
    }

    /// Nodes and weights whose sum is the integral (or sum) over the support, to the tolerance of
    /// [`nodes_within`](Self::nodes_within), 1e-9 if it is not set.
    #[must_use]
    pub fn nodes(mut self, nodes: Vec<(S, f64)>) -> Self {
        self.nodes = nodes;
        self
    }

    /// How far from 1 the sum over the nodes may be.
    #[must_use]
    pub fn nodes_within(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Holds the family against its laws at each of the natural parameters, which should be
    /// well inside the domain: differences with steps of up to a tenth of the parameter's scale
    /// are taken there.
    ///
    /// # Errors
    /// If the family refuses one of the parameters.
    pub fn check<F, T>(&self, family: &F, naturals: &[Vec<f64>]) -> Result<Report, ArgumentError>
    where
        F: ExponentialFamily<Sample = T>,
        T: ?Sized + ToOwned,
        S: std::borrow::Borrow<T>,
    {
        let mut findings = Vec::new();
        for (index, natural) in naturals.iter().enumerate() {
            let at = Point::new(family, natural)?;
            at.derivatives(&mut findings)?;
            at.round_trip(&mut findings)?;
            let other = naturals
                .get(index + 1)
                .or(naturals.first())
                .filter(|o| *o != natural);
            if let Some(other) = other {
                at.divergence(other, &mut findings)?;
            }
            at.draws(self, index as u64, naturals.len(), &mut findings)?;
            if !self.nodes.is_empty() {
                let terms: Result<Vec<f64>, _> = self
                    .nodes
                    .iter()
                    .map(|(x, w)| {
                        let log_density = family.log_density(natural, x.borrow())?;
                        Ok(w * log_density.exp())
                    })
                    .collect();
                let total = ergodic_math::reduce::sum(&terms?);
                findings.push(finding(
                    Law::Normalised,
                    (total - 1.0).abs(),
                    self.tolerance,
                    format!("θ = {natural:?}: the sum over the nodes is {total}"),
                ));
            }
        }
        columns(family, naturals, &mut findings)?;
        refusals(family, naturals, &mut findings);
        Ok(Report {
            subject: format!(
                "{}, dimension {}, {} members",
                std::any::type_name::<F>(),
                family.dim(),
                naturals.len()
            ),
            findings: worst(findings),
        })
    }
}

fn finding(law: Law, residual: f64, allowed: f64, detail: String) -> Finding {
    Finding {
        law,
        passed: residual <= allowed,
        residual,
        detail: format!("{detail} (allowed: {allowed:.1e})"),
    }
}

/// Of the findings about each law the worst: failed ones first, then the largest residual.
fn worst(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    for new in findings {
        match kept.iter_mut().find(|f| f.law == new.law) {
            Some(old) => {
                let rank = |f: &Finding| (!f.passed, f.residual.is_nan(), f.residual);
                if rank(&new) > rank(old) {
                    *old = new;
                }
            }
            None => kept.push(new),
        }
    }
    kept
}

/// A member with what its family says of it.
struct Point<'a, F> {
    family: &'a F,
    natural: &'a [f64],
    mean: Vec<f64>,
    fisher: DMatrix<f64>,
}

impl<'a, F: ExponentialFamily> Point<'a, F> {
    fn new(family: &'a F, natural: &'a [f64]) -> Result<Self, ArgumentError> {
        let dim = family.dim();
        family.check_natural(natural)?;
        let mut mean = vec![0.0; dim];
        family.mean_from_natural(natural, &mut mean)?;
        let mut fisher = vec![0.0; dim * dim];
        family.fisher_information(natural, &mut fisher)?;
        Ok(Self {
            family,
            natural,
            mean,
            fisher: DMatrix::from_row_slice(dim, dim, &fisher),
        })
    }

    /// The derivative of `f` along coordinate `k`, by Ridders' extrapolation of central differences.
    fn derivative(
        &self,
        k: usize,
        f: &mut dyn FnMut(&[f64]) -> Result<f64, ArgumentError>,
    ) -> Result<f64, ArgumentError> {
        // A tenth of a standard deviation of the statistic keeps the step where A changes slowly.
        let sd = self.fisher[(k, k)].sqrt();
        let mut step = (0.1 * self.natural[k].abs()).max(1e-3).min(0.3 / sd);
        let mut theta = self.natural.to_vec();
        let mut central = |h: f64| -> Result<f64, ArgumentError> {
            theta[k] = self.natural[k] + h;
            let (up, right) = (theta[k], f(&theta)?);
            theta[k] = self.natural[k] - h;
            let (down, left) = (theta[k], f(&theta)?);
            theta[k] = self.natural[k];
            Ok((right - left) / (up - down))
        };
        let mut previous = vec![central(step)?];
        let (mut best, mut error) = (previous[0], f64::INFINITY);
        for _ in 0..8 {
            step /= 1.6;
            let mut row = vec![central(step)?];
            let mut factor = 1.0;
            for j in 0..previous.len() {
                factor *= 1.6 * 1.6;
                let next = (row[j] * factor - previous[j]) / (factor - 1.0);
                let change = (next - row[j]).abs().max((next - previous[j]).abs());
                if change < error {
                    (best, error) = (next, change);
                }
                row.push(next);
            }
            previous = row;
        }
        Ok(best)
    }

    fn derivatives(&self, findings: &mut Vec<Finding>) -> Result<(), ArgumentError> {
        let dim = self.family.dim();
        let theta = self.natural;
        for k in 0..dim {
            let slope = self.derivative(k, &mut |t| self.family.log_partition(t))?;
            let sd = self.fisher[(k, k)].sqrt();
            findings.push(finding(
                Law::MeanIsGradient,
                (slope - self.mean[k]).abs() / (self.mean[k].abs() + sd),
                DIFFERENCE,
                format!("θ = {theta:?}: ∂A/∂θ{k} = {slope}, mean {}", self.mean[k]),
            ));
            for i in 0..dim {
                let slope = self.derivative(k, &mut |t| {
                    let mut mean = vec![0.0; dim];
                    self.family.mean_from_natural(t, &mut mean)?;
                    Ok(mean[i])
                })?;
                let scale = sd * self.fisher[(i, i)].sqrt();
                findings.push(finding(
                    Law::FisherIsHessian,
                    (slope - self.fisher[(i, k)]).abs() / scale,
                    DIFFERENCE,
                    format!(
                        "θ = {theta:?}: ∂μ{i}/∂θ{k} = {slope}, Fisher information {}",
                        self.fisher[(i, k)]
                    ),
                ));
            }
        }
        let scaled = DMatrix::from_fn(dim, dim, |i, k| {
            self.fisher[(i, k)] / (self.fisher[(i, i)] * self.fisher[(k, k)]).sqrt()
        });
        let asymmetry = (&scaled - scaled.transpose()).amax();
        let definite = scaled.cholesky().is_some();
        findings.push(finding(
            Law::FisherIsPositive,
            if definite { asymmetry } else { f64::INFINITY },
            IDENTITY,
            format!("θ = {theta:?}: {}", self.fisher),
        ));
        Ok(())
    }

    fn round_trip(&self, findings: &mut Vec<Finding>) -> Result<(), ArgumentError> {
        let dim = self.family.dim();
        let mut back = vec![0.0; dim];
        self.family.natural_from_mean(&self.mean, &mut back)?;
        let off = DVector::from_fn(dim, |k, _| back[k] - self.natural[k]);
        let sds = (off.transpose() * &self.fisher * &off)[(0, 0)].abs().sqrt();
        findings.push(finding(
            Law::RoundTrip,
            sds,
            1e-8,
            format!("θ = {:?} comes back as {back:?}", self.natural),
        ));
        let (a, dual) = (
            self.family.log_partition(self.natural)?,
            self.family.conjugate(&self.mean)?,
        );
        let dot = dot(self.natural, &self.mean);
        let scale = 1.0 + a.abs() + dual.abs() + abs_dot(self.natural, &self.mean);
        findings.push(finding(
            Law::FenchelYoung,
            (a + dual - dot).abs() / scale,
            IDENTITY,
            format!("θ = {:?}: A + A* = {}, θ·μ = {dot}", self.natural, a + dual),
        ));
        Ok(())
    }

    fn divergence(&self, other: &[f64], findings: &mut Vec<Finding>) -> Result<(), ArgumentError> {
        let family = self.family;
        let there = Point::new(family, other)?;
        let divergence = family.kl_divergence(self.natural, other)?;
        // B_{A*}(μ, ν) = A*(μ) − A*(ν) − φ·(μ − ν)
        let (here, away) = (
            family.conjugate(&self.mean)?,
            family.conjugate(&there.mean)?,
        );
        let slope: f64 = (0..family.dim())
            .map(|k| other[k] * (self.mean[k] - there.mean[k]))
            .sum();
        let dual = here - away - slope;
        let scale = 1.0
            + here.abs()
            + away.abs()
            + abs_dot(other, &self.mean)
            + abs_dot(other, &there.mean);
        findings.push(finding(
            Law::Divergence,
            (divergence - dual).abs() / scale,
            IDENTITY,
            format!(
                "KL of θ = {:?} from {other:?} is {divergence}, by the conjugate {dual}",
                self.natural
            ),
        ));
        let nothing = family.kl_divergence(self.natural, self.natural)?;
        let sign = if divergence > 0.0 && nothing == 0.0 {
            0.0
        } else {
            f64::INFINITY
        };
        findings.push(finding(
            Law::Divergence,
            sign,
            0.0,
            format!(
                "KL of θ = {:?} from {other:?} is {divergence}, from itself {nothing}",
                self.natural
            ),
        ));
        Ok(())
    }

    fn draws<S>(
        &self,
        settings: &FamilyCheck<S>,
        stream: u64,
        members: usize,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ArgumentError> {
        let (family, dim, n) = (self.family, self.family.dim(), settings.draws);
        let mut rng = ergodic_math::rng::stream(settings.seed, stream);
        let mut t = vec![0.0; dim];
        // Where the other member's density has a second moment: a step of half a standard deviation
        // along each coordinate, halved until A is finite at twice the step.
        let mut tilt: Vec<f64> = (0..dim)
            .map(|k| 0.5 / (self.fisher[(k, k)].sqrt() * dim as f64))
            .collect();
        let shifted = |tilt: &[f64], times: f64| -> Vec<f64> {
            (0..dim)
                .map(|k| self.natural[k] + times * tilt[k])
                .collect()
        };
        while family.check_natural(&shifted(&tilt, 4.0)).is_err() {
            for step in &mut tilt {
                *step = -*step;
            }
            if family.check_natural(&shifted(&tilt, 4.0)).is_ok() {
                break;
            }
            for step in &mut tilt {
                *step *= -0.5;
            }
        }
        let a = family.log_partition(self.natural)?;
        let log_ratio_constant = family.log_partition(&shifted(&tilt, 1.0))? - a;
        // Sums of each statistic, and of p_φ/p_θ, with their squares.
        let mut moments = vec![ergodic_math::moments::Moments::new(); 2 * dim + 1];
        for _ in 0..n {
            let x = family.sample(self.natural, &mut rng)?;
            let x = std::borrow::Borrow::borrow(&x);
            family.sufficient_statistics(x, &mut t);
            for k in 0..dim {
                let off = t[k] - self.mean[k];
                moments[k].push(off);
                moments[dim + k].push(off * off - self.fisher[(k, k)]);
            }
            moments[2 * dim].push((dot(&tilt, &t) - log_ratio_constant).exp() - 1.0);
        }
        let budget = Budget::of_one_test().over(((2 * dim + 1) * members) as u64);
        let allowed = budget.normal();
        for (index, m) in moments.iter().enumerate() {
            let off = m.mean().unwrap_or(f64::NAN);
            let error = if index < dim {
                // Known exactly.
                (self.fisher[(index, index)] / n as f64).sqrt()
            } else {
                m.std_err().unwrap_or(f64::NAN)
            };
            let what = match index {
                i if i < dim => format!("mean of statistic {i}"),
                i if i < 2 * dim => format!("variance of statistic {}", i - dim),
                _ => "mean of p_φ/p_θ".to_owned(),
            };
            // What is constant has no error, and is right to rounding.
            let rounding = 1e-13 * (1.0 + self.mean.iter().fold(0.0, |m: f64, x| m.max(x.abs())));
            let z = if off.abs() <= rounding {
                0.0
            } else {
                off.abs() / error
            };
            findings.push(finding(
                Law::Sampling,
                z,
                allowed,
                format!(
                    "θ = {:?}: the {what} is off by {off}, {z:.2} standard errors",
                    self.natural
                ),
            ));
        }
        Ok(())
    }
}

/// Batches agree with single calls.
fn columns<F: ExponentialFamily>(
    family: &F,
    naturals: &[Vec<f64>],
    findings: &mut Vec<Finding>,
) -> Result<(), ArgumentError> {
    // Repeated, so that vector and tail of a batch are both seen.
    let members: Vec<&Vec<f64>> = naturals.iter().cycle().take(21).collect();
    let (n, dim) = (members.len(), family.dim());
    let mut theta = vec![0.0; dim * n];
    for (i, member) in members.iter().enumerate() {
        for k in 0..dim {
            theta[k * n + i] = member[k];
        }
    }
    let (mut a, mut mu) = (vec![0.0; n], vec![0.0; dim * n]);
    family.evaluate_columns(&theta, &mut a, &mut mu)?;
    let mut mean = vec![0.0; dim];
    for (i, member) in members.iter().enumerate() {
        let single = family.log_partition(member)?;
        family.mean_from_natural(member, &mut mean)?;
        let mut off = (a[i] - single).abs() / (1.0 + single.abs());
        for k in 0..dim {
            off = off.max((mu[k * n + i] - mean[k]).abs() / (1.0 + mean[k].abs()));
        }
        findings.push(finding(
            Law::Columns,
            off,
            1e-13,
            format!("member {i} of the batch, θ = {member:?}"),
        ));
    }
    Ok(())
}

/// Parameters that no family may take.
fn refusals<F: ExponentialFamily>(family: &F, naturals: &[Vec<f64>], findings: &mut Vec<Finding>) {
    let Some(natural) = naturals.first() else {
        return;
    };
    let dim = family.dim();
    let mut out = vec![0.0; dim];
    let mut matrix = vec![0.0; dim * dim];
    let long = [&natural[..], &[0.0]].concat();
    for k in 0..=dim {
        let (what, bad) = if k == dim {
            ("one number too many".to_owned(), long.clone())
        } else {
            let mut bad = natural.clone();
            bad[k] = f64::NAN;
            (format!("NaN at index {k}"), bad)
        };
        let mut rng = ergodic_math::rng::stream(0, 0);
        let taken = [
            ("check_natural", family.check_natural(&bad).is_ok()),
            ("log_partition", family.log_partition(&bad).is_ok()),
            (
                "mean_from_natural",
                family.mean_from_natural(&bad, &mut out).is_ok(),
            ),
            (
                "fisher_information",
                family.fisher_information(&bad, &mut matrix).is_ok(),
            ),
            ("sample", family.sample(&bad, &mut rng).is_ok()),
            (
                "natural_from_mean",
                family.natural_from_mean(&bad, &mut out).is_ok(),
            ),
        ];
        for (function, taken) in taken {
            findings.push(finding(
                Law::Refusal,
                f64::from(u8::from(taken)),
                0.0,
                format!("{function} takes {what}"),
            ));
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn abs_dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a * b).abs()).sum()
}
