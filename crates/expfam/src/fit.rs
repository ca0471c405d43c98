//! Maximum likelihood.

use ergodic_core::{ArgumentError, ExponentialFamily};

use crate::{Member, domain, member::dot};

/// Sufficient statistics of a sample: their mean, all that its likelihood depends on.
///
/// Maximum likelihood is moment matching: the member whose mean parameters are the sample's mean
/// statistics. It exists where they are in the interior of the mean domain (Barndorff-Nielsen,
/// *Information and Exponential Families*, 1978, ch. 9).
///
/// ```
/// use ergodic_expfam::{Fit, families::Poisson};
///
/// let fit = Fit::of(&Poisson, [3u64, 5, 4, 4])?;
/// let member = fit.maximum_likelihood(Poisson)?;
/// assert!((member.mean()[0] - 4.0).abs() < 1e-15);
/// // Of all members it has the largest likelihood.
/// let best = fit.log_likelihood(&Poisson, member.natural())?;
/// assert!(best > fit.log_likelihood(&Poisson, &[4.1f64.ln()])?);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    sums: Vec<f64>,
    mean: Vec<f64>,
    log_base_measure: f64,
    samples: usize,
}

impl Fit {
    /// The mean statistics of a sample, in one compensated pass.
    ///
    /// # Errors
    /// If the sample is empty, an observation is outside the support (it is counted from 0), or the sum of a
    /// statistic overflows.
    pub fn of<F, X>(family: &F, sample: impl IntoIterator<Item = X>) -> Result<Self, ArgumentError>
    where
        F: ExponentialFamily + ?Sized,
        X: std::borrow::Borrow<F::Sample>,
    {
        let dim = family.dim();
        let mut t = vec![0.0; dim];
        let mut sums = vec![(0.0, 0.0); dim + 1];
        let mut samples = 0usize;
        for x in sample {
            let base = family.log_base_measure(x.borrow());
            if !base.is_finite() {
                return Err(ArgumentError::new(
                    "sample",
                    format!("outside the support at observation {samples}"),
                    "in the family's support",
                ));
            }
            family.sufficient_statistics(x.borrow(), &mut t);
            for (sum, value) in sums.iter_mut().zip(t.iter().chain([&base])) {
                let (head, error) = ergodic_math::reduce::two_sum(sum.0, *value);
                *sum = (head, sum.1 + error);
            }
            samples += 1;
        }
        if samples == 0 {
            return Err(ArgumentError::new(
                "sample",
                "empty",
                "at least one observation",
            ));
        }
        if sums.iter().any(|(head, tail)| !(head + tail).is_finite()) {
            return Err(ArgumentError::new(
                "sample",
                format!("a sample of {samples} whose statistics overflow"),
                "of finite sums of statistics",
            ));
        }
        let mut sums: Vec<f64> = sums.iter().map(|(head, tail)| head + tail).collect();
        let base = sums.pop().unwrap_or(0.0);
        Ok(Self {
            mean: sums.iter().map(|sum| sum / samples as f64).collect(),
            sums,
            log_base_measure: base / samples as f64,
            samples,
        })
    }

    /// The mean of the statistics.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The sums of the statistics: of counts they are exact, as `samples · mean` is not.
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// The mean of `log h`.
    pub fn log_base_measure(&self) -> f64 {
        self.log_base_measure
    }

    /// What it says of some of the statistics, as of one factor of a product.
    pub(crate) fn of_statistics(&self, statistics: std::ops::Range<usize>) -> Self {
        Self {
            sums: self.sums[statistics.clone()].to_vec(),
            mean: self.mean[statistics].to_vec(),
            log_base_measure: self.log_base_measure,
            samples: self.samples,
        }
    }

    /// The sample of single draws, where each observation is of `draws` independent ones.
    pub(crate) fn of_single_draws(&self, draws: usize) -> Self {
        let samples = self.samples.saturating_mul(draws);
        Self {
            sums: self.sums.clone(),
            mean: self.sums.iter().map(|sum| sum / samples as f64).collect(),
            log_base_measure: self.log_base_measure / draws as f64,
            samples,
        }
    }

    /// The number of observations.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The mean log-likelihood per observation, `mean log h + θ·t̄ − A(θ)`, in nats.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain, or the family has another number of statistics than that of the
    /// sample.
    pub fn log_likelihood<F: ExponentialFamily + ?Sized>(
        &self,
        family: &F,
        natural: &[f64],
    ) -> Result<f64, ArgumentError> {
        domain::length("natural", natural, self.mean.len())?;
        let a = family.log_partition(natural)?;
        Ok(self.log_base_measure + dot(natural, &self.mean) - a)
    }

    /// The member of largest likelihood.
    ///
    /// # Errors
    /// If it does not exist: the mean statistics are on the boundary of the mean domain (as of a
    /// coin that never fell heads).
    pub fn maximum_likelihood<F: ExponentialFamily>(
        &self,
        family: F,
    ) -> Result<Member<F>, ArgumentError> {
        Member::from_mean(family, self.mean.clone())
    }
}
