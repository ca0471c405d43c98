//! A member of a family, and what can be asked of it.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_info::{FamilyMember, InfoError};
use nalgebra::{DMatrix, DVector};

use crate::domain;

/// One law of a family, with its natural and mean parameters, its log-partition and its Fisher
/// information.
///
/// ```
/// use ergodic_expfam::{Member, families::Bernoulli};
///
/// let coin = Member::from_mean(Bernoulli, [0.25])?;
/// assert!((coin.natural()[0] - (0.25f64 / 0.75).ln()).abs() < 1e-15);
/// assert!((coin.fisher_information()?[(0, 0)] - 0.1875).abs() < 1e-15);
/// // The entropy of a fair coin is log 2: what the conjugate says, as the base measure counts.
/// let fair = Member::from_mean(Bernoulli, [0.5])?;
/// assert!((fair.conjugate() + 2f64.ln()).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Member<F> {
    family: F,
    natural: Vec<f64>,
    mean: Vec<f64>,
    log_partition: f64,
}

impl<F: ExponentialFamily> Member<F> {
    /// The member with these natural parameters.
    ///
    /// # Errors
    /// If they are outside the natural domain.
    pub fn new(family: F, natural: impl Into<Vec<f64>>) -> Result<Self, ArgumentError> {
        let natural = natural.into();
        let log_partition = family.log_partition(&natural)?;
        let mut mean = vec![0.0; family.dim()];
        family.mean_from_natural(&natural, &mut mean)?;
        Ok(Self {
            family,
            natural,
            mean,
            log_partition,
        })
    }

    /// The member with these mean parameters.
    ///
    /// # Errors
    /// If they are outside the interior of the mean domain.
    pub fn from_mean(family: F, mean: impl Into<Vec<f64>>) -> Result<Self, ArgumentError> {
        let mean = mean.into();
        let mut natural = vec![0.0; family.dim()];
        family.natural_from_mean(&mean, &mut natural)?;
        let log_partition = family.log_partition(&natural)?;
        Ok(Self {
            family,
            natural,
            mean,
            log_partition,
        })
    }

    /// The family.
    pub fn family(&self) -> &F {
        &self.family
    }

    /// `θ`.
    pub fn natural(&self) -> &[f64] {
        &self.natural
    }

    /// `μ = ∇A(θ) = E[T]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// `A(θ)`.
    pub fn log_partition(&self) -> f64 {
        self.log_partition
    }

    /// `A*(μ) = θ·μ − A(θ)`: the negative entropy relative to the base measure, in nats.
    pub fn conjugate(&self) -> f64 {
        dot(&self.natural, &self.mean) - self.log_partition
    }

    /// `∇²A(θ) = Cov(T)`, `dim × dim`.
    ///
    /// # Errors
    /// If entries overflow where `A` does not, at the edge of the range of `f64`.
    pub fn fisher_information(&self) -> Result<DMatrix<f64>, ArgumentError> {
        let dim = self.family.dim();
        let mut entries = vec![0.0; dim * dim];
        self.family
            .fisher_information(&self.natural, &mut entries)?;
        Ok(DMatrix::from_row_slice(dim, dim, &entries))
    }

    /// `log p(x)`.
    pub fn log_density(&self, x: &F::Sample) -> f64 {
        self.family
            .log_density(&self.natural, x)
            .expect("the parameters were checked when the member was made")
    }

    /// One draw.
    ///
    /// # Errors
    /// If it is no number of its type, as a count above 2⁵³ or a quantity above the range of `f64`: families
    /// have members with such draws.
    pub fn sample<R: Randomness + ?Sized>(
        &self,
        rng: &mut R,
    ) -> Result<<F::Sample as ToOwned>::Owned, ArgumentError> {
        self.family.sample(&self.natural, rng)
    }

    /// `KL(self‖other)` in nats, the Bregman divergence of `A`.
    ///
    /// # Errors
    /// If `other` is of a family of other settings (binomials of unlike numbers of trials), or its log-partition
    /// overflows.
    pub fn kl_divergence(&self, other: &Self) -> Result<f64, ArgumentError>
    where
        F: PartialEq,
    {
        self.same_family("other", other)?;
        self.family.kl_divergence(&self.natural, &other.natural)
    }

    /// The Rényi divergence of order `α > 0`,
    /// `[A(αθ + (1 − α)φ) − αA(θ) − (1 − α)A(φ)]/(α − 1)`, in nats; infinite where
    /// `αθ + (1 − α)φ` is outside the natural domain, KL at `α = 1`.
    ///
    /// [`FamilyMember`]'s, which stays accurate near order 1.
    ///
    /// # Errors
    /// If the order is not positive and finite, or `other` is of a family of other settings.
    pub fn renyi_divergence(&self, other: &Self, order: f64) -> Result<f64, ArgumentError>
    where
        F: PartialEq,
    {
        domain::positive("order", order)?;
        self.same_family("other", other)?;
        let member = |m: &Self| FamilyMember::new(&self.family, m.natural.clone());
        let divergence = member(self)
            .and_then(|p| p.renyi_divergence(&member(other)?, order))
            .map_err(|error| match error {
                InfoError::Argument(error) => error,
                other => ArgumentError::new("other", other, "a law at a computable divergence"),
            })?;
        Ok(divergence.nats())
    }

    /// The natural gradient `F⁻¹ ∇` of a function whose gradient in `θ` is given (Amari, *Neural
    /// Computation* 10, 1998). Its gradient in `μ`, by the chain rule.
    ///
    /// # Errors
    /// If the gradient has the wrong length or the Fisher information overflows or is singular to rounding.
    pub fn natural_gradient(&self, gradient: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        domain::finite("gradient", gradient, self.natural.len())?;
        let factor = self.fisher_information()?.cholesky().ok_or_else(|| {
            ArgumentError::new(
                "natural",
                format!("{:?}", self.natural),
                "a point with a positive definite Fisher information",
            )
        })?;
        let solved = factor.solve(&DVector::from_column_slice(gradient));
        Ok(solved.as_slice().to_vec())
    }
}

impl<F: PartialEq> Member<F> {
    /// Whether the parameters of the other mean the same as those of this.
    pub(crate) fn same_family(
        &self,
        argument: &'static str,
        other: &Self,
    ) -> Result<(), ArgumentError> {
        if self.family == other.family {
            return Ok(());
        }
        let found = "a member of a family of other settings";
        Err(ArgumentError::new(argument, found, "of the same family"))
    }
}

impl<F: ExponentialFamily + Clone + PartialEq> Member<F> {
    /// The point at `t` of the e-geodesic from here: `(1 − t)θ + tφ`, a line in natural parameters;
    /// its log density is the mixture of log densities, normalised.
    ///
    /// # Errors
    /// If it is outside the natural domain (impossible for `0 ≤ t ≤ 1`: the domain is convex), `t` is not
    /// finite, or `other` is of a family of other settings.
    pub fn e_geodesic(&self, other: &Self, t: f64) -> Result<Self, ArgumentError> {
        domain::finite("t", &[t], 1)?;
        self.same_family("other", other)?;
        Self::new(self.family.clone(), line(&self.natural, &other.natural, t))
    }

    /// The point at `t` of the m-geodesic from here: `(1 − t)μ + tν`, a line in mean parameters:
    /// the M-projection of the mixture `(1 − t)p + tq` to the family.
    ///
    /// # Errors
    /// If it is outside the mean domain, `t` is not finite, or `other` is of a family of other settings.
    pub fn m_geodesic(&self, other: &Self, t: f64) -> Result<Self, ArgumentError> {
        domain::finite("t", &[t], 1)?;
        self.same_family("other", other)?;
        Self::from_mean(self.family.clone(), line(&self.mean, &other.mean, t))
    }

    /// The normalised weighted geometric mean `∏ pᵢ^wᵢ`, of natural parameters `Σ wᵢθᵢ`. Weights
    /// of 1 give the product of densities (of families with `h = 1`), weights of sum 1 the
    /// logarithmic opinion pool.
    ///
    /// # Errors
    /// If there is no member, the numbers of weights and members differ, the families have unlike settings, or
    /// the result is outside the natural domain.
    pub fn product(members: &[&Self], weights: &[f64]) -> Result<Self, ArgumentError> {
        let Some(first) = members.first() else {
            return Err(ArgumentError::new(
                "members",
                "empty",
                "at least one member",
            ));
        };
        domain::finite("weights", weights, members.len())?;
        let mut natural = vec![0.0; first.natural.len()];
        for (member, w) in members.iter().zip(weights) {
            first.same_family("members", member)?;
            for (n, m) in natural.iter_mut().zip(&member.natural) {
                *n += w * m;
            }
        }
        Self::new(first.family.clone(), natural)
    }
}

fn line(from: &[f64], to: &[f64], t: f64) -> Vec<f64> {
    from.iter()
        .zip(to)
        .map(|(a, b)| (1.0 - t) * a + t * b)
        .collect()
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
