//! Independent members of one family, one for each place of a vector.

use std::borrow::Borrow;

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};

use crate::domain;

/// The owned form of a family's samples.
type Owned<F> = <<F as ExponentialFamily>::Sample as ToOwned>::Owned;

/// Vectors of independent draws of one family, each place with its own parameters: parameters and statistics
/// of the first place, then of the second, `A = Σ Aᵢ`, the Fisher information block-diagonal.
///
/// [`Product`](super::Product) of as many equal families; [`Independent`](super::Independent) has the same
/// parameters in all places. Domains are those of the family; cost: that of the family for each place, and the
/// square of all parameters for the Fisher information.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::{Componentwise, Poisson};
///
/// let pair = Componentwise::new(Poisson, 2)?;
/// let a = pair.log_partition(&[0.0, 1.0])?;
/// assert!((a - (1.0 + 1f64.exp())).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Componentwise<F> {
    family: F,
    places: usize,
}

impl<F: ExponentialFamily> Componentwise<F> {
    /// Of this many places.
    ///
    /// # Errors
    /// If there are none.
    pub fn new(family: F, places: usize) -> Result<Self, ArgumentError> {
        if places == 0 {
            return Err(ArgumentError::new("places", places, "at least 1"));
        }
        if family.dim().checked_mul(places).is_none() {
            return Err(ArgumentError::new(
                "places",
                places,
                "so few that all their parameters can be counted",
            ));
        }
        Ok(Self { family, places })
    }

    /// Of at least one place, as the caller knows.
    pub(crate) const fn of(family: F, places: usize) -> Self {
        Self { family, places }
    }

    /// The family of one place.
    pub const fn family(&self) -> &F {
        &self.family
    }

    /// The number of places.
    pub const fn places(&self) -> usize {
        self.places
    }

    /// The parameters of each place.
    fn parts<'a>(
        &self,
        argument: &'static str,
        all: &'a [f64],
    ) -> Result<std::slice::ChunksExact<'a, f64>, ArgumentError> {
        let dim = self.family.dim();
        domain::length(argument, all, dim * self.places)?;
        Ok(all.chunks_exact(dim))
    }
}

/// Says which place complains.
fn of_place(place: usize) -> impl Fn(ArgumentError) -> ArgumentError {
    move |error| {
        let found = format!("{} (in place {place})", error.found);
        ArgumentError::new(error.argument, found, error.allowed)
    }
}

impl<F: ExponentialFamily> ExponentialFamily for Componentwise<F>
where
    Owned<F>: Clone,
{
    type Sample = [Owned<F>];

    fn dim(&self) -> usize {
        self.family.dim() * self.places
    }

    fn sufficient_statistics(&self, x: &[Owned<F>], out: &mut [f64]) {
        for (x, out) in x.iter().zip(out.chunks_exact_mut(self.family.dim())) {
            self.family.sufficient_statistics(x.borrow(), out);
        }
    }

    /// `−∞` if there are not as many.
    fn log_base_measure(&self, x: &[Owned<F>]) -> f64 {
        if x.len() != self.places {
            return f64::NEG_INFINITY;
        }
        let each = x.iter().map(|x| self.family.log_base_measure(x.borrow()));
        each.sum()
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let mut sum = 0.0;
        for (i, theta) in self.parts("natural", natural)?.enumerate() {
            sum += self.family.log_partition(theta).map_err(of_place(i))?;
        }
        domain::computed(sum)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let parts = self.parts("natural", natural)?;
        let means = mean.chunks_exact_mut(self.family.dim());
        for (i, (theta, mean)) in parts.zip(means).enumerate() {
            let family = &self.family;
            family.mean_from_natural(theta, mean).map_err(of_place(i))?;
        }
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        let parts = self.parts("mean", mean)?;
        let naturals = natural.chunks_exact_mut(self.family.dim());
        for (i, (mean, theta)) in parts.zip(naturals).enumerate() {
            let family = &self.family;
            family.natural_from_mean(mean, theta).map_err(of_place(i))?;
        }
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let (dim, k) = (self.dim(), self.family.dim());
        let mut block = vec![0.0; k * k];
        out.fill(0.0);
        for (i, theta) in self.parts("natural", natural)?.enumerate() {
            let family = &self.family;
            family
                .fisher_information(theta, &mut block)
                .map_err(of_place(i))?;
            for (row, entries) in block.chunks_exact(k).enumerate() {
                let start = (i * k + row) * dim + i * k;
                out[start..start + k].copy_from_slice(entries);
            }
        }
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Vec<Owned<F>>, ArgumentError> {
        let parts = self.parts("natural", natural)?.enumerate();
        parts
            .map(|(i, theta)| self.family.sample(theta, rng).map_err(of_place(i)))
            .collect()
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        let pairs = self
            .parts("natural", natural)?
            .zip(self.parts("other", other)?);
        let each = pairs.enumerate().map(|(i, (theta, phi))| {
            let family = &self.family;
            family.kl_divergence(theta, phi).map_err(of_place(i))
        });
        each.sum()
    }

    /// The sum over the places, as exact as that of each.
    fn log_density(&self, natural: &[f64], x: &[Owned<F>]) -> Result<f64, ArgumentError> {
        if x.len() != self.places {
            self.check_natural(natural)?;
            return Ok(f64::NEG_INFINITY);
        }
        let pairs = self.parts("natural", natural)?.zip(x);
        let each = pairs.enumerate().map(|(i, (theta, x))| {
            let log = self.family.log_density(theta, x.borrow());
            log.map_err(of_place(i))
        });
        each.sum()
    }
}
