//! Independent laws together as one family.

use std::borrow::Borrow;

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};

use crate::domain;

/// The owned form of a family's samples.
type Owned<F> = <<F as ExponentialFamily>::Sample as ToOwned>::Owned;

/// Pairs of independent draws of two families: parameters and statistics one after the other, `A = A₁ + A₂`,
/// the Fisher information block-diagonal.
///
/// Cost and domains are those of the two. Errors of the second count indices from its own start. More than
/// two: products of products.
///
/// Reference: Barndorff-Nielsen, *Information and Exponential Families*, 1978, ch. 8.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::{Bernoulli, Poisson, Product};
///
/// let both = Product::new(Bernoulli, Poisson);
/// let a = both.log_partition(&[0.0, 1.0])?;
/// assert!((a - (2f64.ln() + 1f64.exp())).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Product<F, G> {
    first: F,
    second: G,
}

impl<F: ExponentialFamily, G: ExponentialFamily> Product<F, G> {
    /// Of these two.
    pub const fn new(first: F, second: G) -> Self {
        Self { first, second }
    }

    /// The two families.
    pub const fn factors(&self) -> (&F, &G) {
        (&self.first, &self.second)
    }
}

/// Says which factor complains.
fn of_second(error: ArgumentError) -> ArgumentError {
    let found = format!("{} (of the second factor)", error.found);
    ArgumentError::new(error.argument, found, error.allowed)
}

impl<F: ExponentialFamily, G: ExponentialFamily> ExponentialFamily for Product<F, G>
where
    Owned<F>: Clone,
    Owned<G>: Clone,
{
    type Sample = (Owned<F>, Owned<G>);

    fn dim(&self) -> usize {
        self.first.dim() + self.second.dim()
    }

    fn sufficient_statistics(&self, x: &Self::Sample, out: &mut [f64]) {
        let (a, b) = out.split_at_mut(self.first.dim());
        self.first.sufficient_statistics(x.0.borrow(), a);
        self.second.sufficient_statistics(x.1.borrow(), b);
    }

    fn log_base_measure(&self, x: &Self::Sample) -> f64 {
        self.first.log_base_measure(x.0.borrow()) + self.second.log_base_measure(x.1.borrow())
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::length("natural", natural, self.dim())?;
        let (a, b) = natural.split_at(self.first.dim());
        let first = self.first.log_partition(a)?;
        domain::computed(first + self.second.log_partition(b).map_err(of_second)?)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        domain::length("natural", natural, self.dim())?;
        let (a, b) = natural.split_at(self.first.dim());
        let (m, n) = mean.split_at_mut(self.first.dim());
        self.first.mean_from_natural(a, m)?;
        self.second.mean_from_natural(b, n).map_err(of_second)
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::length("mean", mean, self.dim())?;
        let (a, b) = mean.split_at(self.first.dim());
        let (m, n) = natural.split_at_mut(self.first.dim());
        self.first.natural_from_mean(a, m)?;
        self.second.natural_from_mean(b, n).map_err(of_second)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        domain::length("natural", natural, self.dim())?;
        let (dim, k) = (self.dim(), self.first.dim());
        let (a, b) = natural.split_at(k);
        let mut blocks = [vec![0.0; k * k], vec![0.0; (dim - k) * (dim - k)]];
        self.first.fisher_information(a, &mut blocks[0])?;
        self.second
            .fisher_information(b, &mut blocks[1])
            .map_err(of_second)?;
        out.fill(0.0);
        for (start, block) in [0, k].into_iter().zip(&blocks) {
            let size = if start == 0 { k } else { dim - k };
            for i in 0..size {
                for j in 0..size {
                    out[(start + i) * dim + start + j] = block[i * size + j];
                }
            }
        }
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Self::Sample, ArgumentError> {
        domain::length("natural", natural, self.dim())?;
        let (a, b) = natural.split_at(self.first.dim());
        let x = self.first.sample(a, rng)?;
        Ok((x, self.second.sample(b, rng).map_err(of_second)?))
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        domain::length("natural", natural, self.dim())?;
        domain::length("other", other, self.dim())?;
        let ((a, b), (c, d)) = (
            natural.split_at(self.first.dim()),
            other.split_at(self.first.dim()),
        );
        let second = self.second.kl_divergence(b, d).map_err(of_second)?;
        Ok(self.first.kl_divergence(a, c)? + second)
    }

    fn log_density(&self, natural: &[f64], x: &Self::Sample) -> Result<f64, ArgumentError> {
        domain::length("natural", natural, self.dim())?;
        let (a, b) = natural.split_at(self.first.dim());
        let second = self
            .second
            .log_density(b, x.1.borrow())
            .map_err(of_second)?;
        Ok(self.first.log_density(a, x.0.borrow())? + second)
    }
}

/// `n` independent draws of one member of a family: the same natural parameters, statistics and
/// log-partition summed, `A = nA₁`, the Fisher information `n` times that of one.
///
/// Domains are those of the family, the mean domain times `n`. Cost: that of one member; statistics and
/// densities `n` times. Reference: Barndorff-Nielsen, *Information and Exponential Families*, 1978, ch. 8.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::{Bernoulli, Independent};
///
/// let tosses = Independent::new(Bernoulli, 10)?;
/// let mut heads = [0.0];
/// tosses.mean_from_natural(&[0.0], &mut heads)?;
/// assert_eq!(heads, [5.0]);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Independent<F> {
    family: F,
    draws: usize,
}

impl<F: ExponentialFamily> Independent<F> {
    /// Of this many draws.
    ///
    /// # Errors
    /// If there are none.
    pub fn new(family: F, draws: usize) -> Result<Self, ArgumentError> {
        if draws == 0 {
            return Err(ArgumentError::new("draws", draws, "at least 1"));
        }
        Ok(Self { family, draws })
    }

    /// The family of one draw.
    pub const fn family(&self) -> &F {
        &self.family
    }

    /// The number of draws.
    pub const fn draws(&self) -> usize {
        self.draws
    }
}

impl<F: ExponentialFamily> ExponentialFamily for Independent<F>
where
    Owned<F>: Clone,
{
    type Sample = [Owned<F>];

    fn dim(&self) -> usize {
        self.family.dim()
    }

    fn sufficient_statistics(&self, x: &[Owned<F>], out: &mut [f64]) {
        let mut one = vec![0.0; out.len()];
        out.fill(0.0);
        for x in x {
            self.family.sufficient_statistics(x.borrow(), &mut one);
            for (sum, t) in out.iter_mut().zip(&one) {
                *sum += t;
            }
        }
    }

    /// `−∞` if there are not as many draws.
    fn log_base_measure(&self, x: &[Owned<F>]) -> f64 {
        if x.len() != self.draws {
            return f64::NEG_INFINITY;
        }
        let each = x.iter().map(|x| self.family.log_base_measure(x.borrow()));
        each.sum()
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::computed(self.draws as f64 * self.family.log_partition(natural)?)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        self.family.mean_from_natural(natural, mean)?;
        for m in mean {
            *m *= self.draws as f64;
        }
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        let one: Vec<f64> = mean.iter().map(|m| m / self.draws as f64).collect();
        self.family.natural_from_mean(&one, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        self.family.fisher_information(natural, out)?;
        for entry in out {
            *entry *= self.draws as f64;
        }
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Vec<Owned<F>>, ArgumentError> {
        (0..self.draws)
            .map(|_| self.family.sample(natural, rng))
            .collect()
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        Ok(self.draws as f64 * self.family.kl_divergence(natural, other)?)
    }

    /// The sum over the draws, as exact as that of each.
    fn log_density(&self, natural: &[f64], x: &[Owned<F>]) -> Result<f64, ArgumentError> {
        if x.len() != self.draws {
            self.check_natural(natural)?;
            return Ok(f64::NEG_INFINITY);
        }
        let each = x.iter();
        each.map(|x| self.family.log_density(natural, x.borrow()))
            .sum()
    }
}
