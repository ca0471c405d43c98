//! Families on finitely many outcomes with statistics of the user's choice.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::log_sum_exp;
use nalgebra::{DMatrix, DVector};

use crate::domain;
use crate::newton::{Evaluation, natural_of_mean};

/// The family on outcomes `0..m` with given statistics: `p(i) = h_i exp(θ·T_i − A(θ))`, `T_i` row `i` of
/// an `m × d` matrix.
///
/// Natural domain `ℝᵈ`; mean domain the interior of the convex hull of the rows with `h > 0`. The
/// inverse minimises `A(θ) − θ·μ` by damped Newton steps. The statistics have to be affinely
/// independent, so that parameters are unique. Cost `O(md)`, Fisher information `O(md²)`.
///
/// Reference: Wainwright and Jordan, *Graphical Models, Exponential Families, and Variational Inference*, 2008,
/// §3.4–3.6.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::{Member, families::Discrete};
/// use nalgebra::DMatrix;
///
/// // A die of mean 4.5 (Brandeis).
/// let die = Discrete::new(DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64), &[1.0; 6])?;
/// let loaded = Member::from_mean(die, [4.5])?;
/// assert!((loaded.natural()[0] - 0.37104893808103323).abs() < 1e-13);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Discrete {
    statistics: DMatrix<f64>,
    log_base: Vec<f64>,
}

impl Discrete {
    /// From the statistics, a row per outcome, and the base measure, not necessarily normalised;
    /// outcomes of measure 0 are outside the support.
    ///
    /// # Errors
    /// If there are no statistics, one is not finite, a weight is negative or not finite, there are not
    /// as many as outcomes, or the statistics are affinely dependent on the support (such as a
    /// constant column).
    pub fn new(statistics: DMatrix<f64>, base_measure: &[f64]) -> Result<Self, ArgumentError> {
        let (m, d) = statistics.shape();
        if m == 0 || d == 0 {
            return Err(ArgumentError::new(
                "statistics",
                format!("a {m} × {d} matrix"),
                "of at least one outcome and one statistic",
            ));
        }
        if let Some(at) = statistics.iter().position(|x| !x.is_finite()) {
            return Err(ArgumentError::new(
                "statistics",
                format!(
                    "{} at outcome {}, statistic {}",
                    statistics[at],
                    at % m,
                    at / m
                ),
                "finite",
            ));
        }
        domain::finite("base_measure", base_measure, m)?;
        for i in 0..m {
            domain::require(
                "base_measure",
                base_measure,
                i,
                base_measure[i] >= 0.0,
                "at least 0",
            )?;
        }
        let log_base: Vec<f64> = base_measure.iter().map(|h| Real::ln(*h)).collect();
        let family = Self {
            statistics,
            log_base,
        };
        // Uniform over the support, so that the base measure's spread does not decide.
        let uniform = Self {
            statistics: family.statistics.clone(),
            log_base: family
                .log_base
                .iter()
                .map(|h| if *h == f64::NEG_INFINITY { *h } else { 0.0 })
                .collect(),
        };
        let covariance = uniform.evaluate(&vec![0.0; d])?.fisher;
        let scaled = DMatrix::from_fn(d, d, |i, j| {
            covariance[(i, j)] / (covariance[(i, i)] * covariance[(j, j)]).sqrt()
        });
        // A column whose spread is rounding is constant; an eigenvalue at the rounding of a correlation
        // matrix is a dependence.
        let constant = (0..d).any(|j| {
            let size = family.statistics.column(j).amax();
            covariance[(j, j)] <= 1e-26 * size * size
        });
        let dependent = constant
            || scaled.iter().any(|x| !x.is_finite())
            || scaled.symmetric_eigenvalues().min() < 1e-12 * d as f64;
        if dependent {
            return Err(ArgumentError::new(
                "statistics",
                "a matrix with an affine dependence between columns",
                "affinely independent on the support (no constant column)",
            ));
        }
        Ok(family)
    }

    /// The number of outcomes.
    pub fn outcomes(&self) -> usize {
        self.statistics.nrows()
    }

    /// The statistics, a row per outcome.
    pub fn statistics(&self) -> &DMatrix<f64> {
        &self.statistics
    }

    /// The probabilities of all outcomes.
    ///
    /// # Errors
    /// If `θ` has the wrong length or is not finite.
    pub fn probabilities(&self, natural: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        let (log_weights, a) = self.log_weights(natural)?;
        Ok(log_weights.iter().map(|w| Real::exp(w - a)).collect())
    }

    fn log_weights(&self, natural: &[f64]) -> Result<(Vec<f64>, f64), ArgumentError> {
        domain::finite("natural", natural, self.statistics.ncols())?;
        let mut log_weights = self.log_base.clone();
        for (column, theta) in self.statistics.column_iter().zip(natural) {
            for (w, t) in log_weights.iter_mut().zip(column.iter()) {
                *w += theta * t;
            }
        }
        let a = log_sum_exp(&log_weights);
        if a.is_finite() {
            return Ok((log_weights, a));
        }
        if self.log_base.iter().all(|h| *h == f64::NEG_INFINITY) {
            return Err(ArgumentError::new(
                "base_measure",
                "0 everywhere",
                "positive somewhere",
            ));
        }
        Err(ArgumentError::new(
            "natural",
            format!("{natural:?}"),
            "of finite log-partition",
        ))
    }

    /// The log-partition, the probabilities, and the means of the statistics.
    pub(crate) fn moments(
        &self,
        natural: &[f64],
    ) -> Result<(f64, DVector<f64>, DVector<f64>), ArgumentError> {
        let (log_weights, log_partition) = self.log_weights(natural)?;
        let p = DVector::from_iterator(
            log_weights.len(),
            log_weights.iter().map(|w| Real::exp(w - log_partition)),
        );
        let mean = self.statistics.tr_mul(&p);
        Ok((log_partition, p, mean))
    }

    /// The covariance of the statistics under probabilities whose means are known.
    pub(crate) fn covariance(&self, p: &DVector<f64>, mean: &DVector<f64>) -> DMatrix<f64> {
        let d = self.statistics.ncols();
        let mut covariance = DMatrix::zeros(d, d);
        for i in 0..d {
            for j in 0..=i {
                let sum: f64 = (0..p.len())
                    .map(|k| {
                        p[k] * (self.statistics[(k, i)] - mean[i])
                            * (self.statistics[(k, j)] - mean[j])
                    })
                    .sum();
                covariance[(i, j)] = sum;
                covariance[(j, i)] = sum;
            }
        }
        covariance
    }

    fn evaluate(&self, natural: &[f64]) -> Result<Evaluation, ArgumentError> {
        let (log_partition, p, mean) = self.moments(natural)?;
        let fisher = self.covariance(&p, &mean);
        Ok(Evaluation {
            log_partition,
            mean,
            fisher,
        })
    }
}

impl ExponentialFamily for Discrete {
    type Sample = usize;

    fn dim(&self) -> usize {
        self.statistics.ncols()
    }

    fn sufficient_statistics(&self, x: &usize, out: &mut [f64]) {
        for (k, o) in out.iter_mut().enumerate() {
            *o = if *x < self.outcomes() {
                self.statistics[(*x, k)]
            } else {
                f64::NAN
            };
        }
    }

    fn log_base_measure(&self, x: &usize) -> f64 {
        self.log_base.get(*x).copied().unwrap_or(f64::NEG_INFINITY)
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        Ok(self.log_weights(natural)?.1)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        mean.copy_from_slice(self.moments(natural)?.2.as_slice());
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, self.dim())?;
        natural.copy_from_slice(&natural_of_mean(mean, |theta| self.evaluate(theta))?);
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        out.copy_from_slice(self.evaluate(natural)?.fisher.as_slice());
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<usize, ArgumentError> {
        Ok(rng.categorical(&self.probabilities(natural)?))
    }
}
