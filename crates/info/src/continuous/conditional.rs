//! Conditional mutual information from nearest neighbours.

use std::borrow::Cow;

use ergodic_core::Estimate;

use super::ksg::constant_has_no_bias;
use super::{
    Digamma, NO_DENSITY, Scaling, Ties, check_neighbors, check_radii, counts_within, is_constant,
    joined, mean_and_doubled_error, mean_and_error, neighbor_settings, prepared, radii_in_place,
};
use crate::neighbors::{Norm, Reach, Tree};
use crate::{Estimator, Inference, InfoError, Points, Sample, Triple, inference};

/// Conditional mutual information `I(X; Y | Z)` of continuous variables of any dimensions, in
/// nats, after Frenzel and Pompe, *Phys. Rev. Lett.* 99 (2007) 204101, in the maximum norm:
///
/// ```text
/// Î = ψ(k) − ⟨ψ(n_xz + 1) + ψ(n_yz + 1) − ψ(n_z + 1)⟩
/// ```
///
/// where `n_xz`, `n_yz`, `n_z` count the other points that are, in those coordinates, strictly
/// closer than the k-th neighbour in the space of all three.
///
/// **Standard error** √(2s²/N) from the contributions of single points, as of [`Ksg`](super::Ksg). **Domain**: a joint
/// density; a constant `X` or `Y` gives 0 exactly; coincident points: [`Ties`]. **Bias**: toward 0,
/// so that dependence is underestimated, increasingly with the dimension of `Z`; vanishes where X
/// and Y are independent given Z in few dimensions. **Not** for discrete or mixed data, nor for a `Z`
/// that determines `X` or `Y`. **Cost**: one search in d_x + d_y + d_z dimensions and three counts.
///
/// ```
/// use ergodic_info::{Estimator, Points, Triple};
/// use ergodic_info::continuous::FrenzelPompe;
///
/// let mut values = vec![0.0; 3000];
/// ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(2, 0), &mut values);
/// // X and Y are copies of Z with independent noise: dependent, but not given Z.
/// let z = &values[..1000];
/// let plus = |noise: &[f64]| -> Vec<f64> { z.iter().zip(noise).map(|(z, e)| z + e).collect() };
/// let data = Triple::new(
///     Points::scalar(plus(&values[1000..2000]))?,
///     Points::scalar(plus(&values[2000..]))?,
///     Points::scalar(z)?,
/// )?;
/// assert!(FrenzelPompe::new().value(&data)?.abs() < 0.1);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrenzelPompe {
    neighbors: usize,
    ties: Ties,
    scaling: Scaling,
}

impl Default for FrenzelPompe {
    fn default() -> Self {
        Self::new()
    }
}

impl FrenzelPompe {
    /// Four neighbours, data as they are.
    pub const fn new() -> Self {
        Self {
            neighbors: 4,
            ties: Ties::Exact,
            scaling: Scaling::None,
        }
    }

    /// The contribution of each triple, in nats; their mean is [`value`](Estimator::value).
    ///
    /// # Errors
    /// If there are not more triples than neighbours, a triple coincides with `k` others, or
    /// distances overflow.
    pub fn local(&self, data: &Triple<Points>) -> Result<Vec<f64>, InfoError> {
        let (n, k) = (data.len(), self.neighbors);
        check_neighbors(k, n)?;
        if is_constant(data.x()) || is_constant(data.y()) {
            return Ok(vec![0.0; n]);
        }
        let (x, _) = prepared(data.x(), self.scaling, self.ties, 0)?;
        let (y, _) = prepared(data.y(), self.scaling, self.ties, 1)?;
        let (z, _) = prepared(data.z(), self.scaling, self.ties, 2)?;
        let tree = Tree::new(&joined(&[&x, &y, &z])?)?;
        let in_place = radii_in_place(&tree, k, Norm::Maximum);
        let rows = || tree.rows().iter().map(|row| *row as usize);
        check_radii(rows().zip(&in_place), k, "data", NO_DENSITY)?;
        let mut radii = vec![0.0; n];
        for (row, radius) in rows().zip(in_place) {
            radii[row] = radius;
        }
        let (xz, yz) = (joined(&[&x, &z])?, joined(&[&y, &z])?);
        let (of_xz, (of_yz, of_z)) = rayon::join(
            || counts_within(&xz, &radii, Reach::Below),
            || {
                rayon::join(
                    || counts_within(&yz, &radii, Reach::Below),
                    || counts_within(&z, &radii, Reach::Below),
                )
            },
        );
        let (of_xz, of_yz, of_z) = (of_xz?, of_yz?, of_z?);
        let digamma = Digamma::up_to(n);
        // Counts include the point itself: they are n + 1.
        let counts = of_xz.iter().zip(&of_yz).zip(&of_z);
        Ok(counts
            .map(|((xz, yz), z)| {
                digamma.at(k) - digamma.at(*xz as usize) - digamma.at(*yz as usize)
                    + digamma.at(*z as usize)
            })
            .collect())
    }
}

neighbor_settings!(FrenzelPompe);

impl Estimator<Triple<Points>> for FrenzelPompe {
    fn method(&self) -> Cow<'static, str> {
        let k = self.neighbors;
        format!("conditional mutual information, Frenzel–Pompe, k = {k}").into()
    }

    fn value(&self, data: &Triple<Points>) -> Result<f64, InfoError> {
        Ok(mean_and_error(&self.local(data)?, 0.0).0)
    }

    fn estimate(
        &self,
        data: &Triple<Points>,
        inference: &Inference,
    ) -> Result<Estimate, InfoError> {
        let (value, error) = mean_and_doubled_error(&self.local(data)?);
        let bias = constant_has_no_bias(is_constant(data.x()) || is_constant(data.y()));
        inference::attach(self, data, inference, value, Some(error), bias)
    }
}
