//! Priors of laws that are made of others.

use std::borrow::Borrow;

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};

use super::Conjugate;
use crate::families::{Componentwise, Independent, Product};
use crate::{Fit, domain};

/// The owned form of a family's samples.
type Owned<F> = <<F as ExponentialFamily>::Sample as ToOwned>::Owned;

impl<F: Conjugate> Conjugate for Independent<F>
where
    Owned<F>: Clone,
{
    type Prior = F::Prior;

    fn prior(&self) -> F::Prior {
        self.family().prior()
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        self.family()
            .increment(&sample.of_single_draws(self.draws()))
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        self.family().sample_natural(prior, rng)
    }
}

impl<F: Conjugate, G: Conjugate> Conjugate for Product<F, G>
where
    Owned<F>: Clone,
    Owned<G>: Clone,
    Owned<F::Prior>: Clone,
    Owned<G::Prior>: Clone,
{
    type Prior = Product<F::Prior, G::Prior>;

    fn prior(&self) -> Self::Prior {
        let (first, second) = self.factors();
        Product::new(first.prior(), second.prior())
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let (first, second) = self.factors();
        let cut = first.dim().min(sample.mean().len());
        let rest = sample.of_statistics(cut..sample.mean().len());
        let mut both = first.increment(&sample.of_statistics(0..cut));
        both.extend(second.increment(&rest));
        both
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        domain::length("natural", prior, self.prior().dim())?;
        let (first, second) = self.factors();
        let (a, b) = prior.split_at(first.prior().dim());
        let mut both = first.sample_natural(a, rng)?;
        both.extend(second.sample_natural(b, rng)?);
        Ok(both)
    }

    /// The sum of those of the factors.
    fn log_predictive(&self, prior: &[f64], x: &Self::Sample) -> Result<f64, ArgumentError> {
        domain::length("natural", prior, self.prior().dim())?;
        let (first, second) = self.factors();
        let (a, b) = prior.split_at(first.prior().dim());
        Ok(first.log_predictive(a, x.0.borrow())? + second.log_predictive(b, x.1.borrow())?)
    }
}

impl<F: Conjugate> Conjugate for Componentwise<F>
where
    Owned<F>: Clone,
    Owned<F::Prior>: Clone,
{
    type Prior = Componentwise<F::Prior>;

    fn prior(&self) -> Self::Prior {
        Componentwise::of(self.family().prior(), self.places())
    }

    fn increment(&self, sample: &Fit) -> Vec<f64> {
        let dim = self.family().dim();
        (0..self.places())
            .flat_map(|i| {
                let place = sample.of_statistics(i * dim..(i + 1) * dim);
                self.family().increment(&place)
            })
            .collect()
    }

    fn sample_natural<R: Randomness + ?Sized>(
        &self,
        prior: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        domain::length("natural", prior, self.prior().dim())?;
        let mut natural = Vec::with_capacity(self.dim());
        for prior in prior.chunks_exact(prior.len() / self.places()) {
            natural.extend(self.family().sample_natural(prior, rng)?);
        }
        Ok(natural)
    }

    /// The sum of those of the places.
    fn log_predictive(&self, prior: &[f64], x: &Self::Sample) -> Result<f64, ArgumentError> {
        domain::length("natural", prior, self.prior().dim())?;
        if x.len() != self.places() {
            let found = format!("a list of {}", x.len());
            return Err(ArgumentError::new(
                "x",
                found,
                format!("{} long", self.places()),
            ));
        }
        let places = prior.chunks_exact(prior.len() / self.places()).zip(x);
        let logs = places.map(|(prior, x)| self.family().log_predictive(prior, x.borrow()));
        logs.sum()
    }
}
