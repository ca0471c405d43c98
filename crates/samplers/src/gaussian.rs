//! The normal law on `ℝᵈ`: a prior, an envelope, a proposal, a target for tests.

use ergodic_core::{ArgumentError, Energy, EnergyGradient, PathBase, Randomness};
use ergodic_math::Real;

use crate::{AddGradient, ExactLaw, triangular};

/// The factor of a covariance and its inverse.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
enum Factor {
    Diagonal { sd: Vec<f64> },
    Dense { lower: Vec<f64>, inverse: Vec<f64> },
}

/// The normal law `N(μ, Σ)` with `E(x) = ½ (x − μ)ᵀ Σ⁻¹ (x − μ)`.
///
/// Keeps the mean and Cholesky's factor `L` of the covariance with its inverse: a draw and an
/// energy cost `O(d²)` for a dense covariance and `O(d)` for a diagonal one, and allocate nothing.
///
/// ```
/// use ergodic_core::Energy;
/// use ergodic_samplers::Gaussian;
///
/// let law = Gaussian::new(vec![1.0, 0.0], &[2.0, 1.0, 1.0, 2.0])?;
/// assert!((law.energy(&[2.0, 0.0]) - 1.0 / 3.0).abs() < 1e-15); // ½ (Σ⁻¹)₁₁ = ½ · ⅔
/// assert!(Gaussian::new(vec![0.0; 2], &[1.0, 2.0, 2.0, 1.0]).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
pub struct Gaussian {
    mean: Vec<f64>,
    factor: Factor,
}

fn checked_mean(mean: &[f64]) -> Result<(), ArgumentError> {
    if mean.is_empty() {
        return Err(ArgumentError::new("mean", "empty", "of length at least 1"));
    }
    match mean.iter().find(|m| !m.is_finite()) {
        Some(bad) => Err(ArgumentError::new("mean", bad, "finite")),
        None => Ok(()),
    }
}

impl Gaussian {
    /// With a dense covariance, `d × d` in rows.
    ///
    /// # Errors
    /// If the mean is empty or not finite, or the covariance is not a finite symmetric positive
    /// definite matrix of its size.
    pub fn new(mean: Vec<f64>, covariance: &[f64]) -> Result<Self, ArgumentError> {
        checked_mean(&mean)?;
        let lower = triangular::checked_cholesky(mean.len(), covariance)?;
        let inverse = triangular::invert(mean.len(), &lower);
        Ok(Self {
            mean,
            factor: Factor::Dense { lower, inverse },
        })
    }

    /// With independent coordinates of the given standard deviations.
    ///
    /// # Errors
    /// If the mean is empty or not finite, or the standard deviations are not as many, finite and
    /// above 0.
    pub fn independent(mean: Vec<f64>, sd: Vec<f64>) -> Result<Self, ArgumentError> {
        checked_mean(&mean)?;
        if sd.len() != mean.len() {
            return Err(ArgumentError::new(
                "sd",
                format!("of length {}", sd.len()),
                format!("of length {}", mean.len()),
            ));
        }
        if let Some(bad) = sd.iter().find(|s| !(**s > 0.0 && s.is_finite())) {
            return Err(ArgumentError::new("sd", bad, "finite numbers above 0"));
        }
        Ok(Self {
            mean,
            factor: Factor::Diagonal { sd },
        })
    }

    /// `N(0, I)` in `dim` dimensions.
    ///
    /// # Errors
    /// If `dim` is 0.
    pub fn standard(dim: usize) -> Result<Self, ArgumentError> {
        if dim == 0 {
            return Err(ArgumentError::new("dim", dim, "at least 1"));
        }
        Self::independent(vec![0.0; dim], vec![1.0; dim])
    }

    /// The mean `μ`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Coordinate `i` of `L⁻¹ (x − μ)`, a standard normal vector for `x` of this law.
    pub(crate) fn whitened(&self, i: usize, x: &[f64]) -> f64 {
        match &self.factor {
            Factor::Diagonal { sd } => (x[i] - self.mean[i]) / sd[i],
            Factor::Dense { inverse, .. } => triangular::whitened(inverse, i, x, &self.mean),
        }
    }

    /// `x ← L x`, without the mean.
    pub(crate) fn colour(&self, x: &mut [f64]) {
        match &self.factor {
            Factor::Diagonal { sd } => {
                for (x, sd) in x.iter_mut().zip(sd) {
                    *x *= sd;
                }
            }
            Factor::Dense { lower, .. } => triangular::multiply(lower, x),
        }
    }
}

impl Energy for Gaussian {
    type State = [f64];
    /// NaN for a position of another dimension: kernels refuse it as a start.
    fn energy(&self, x: &[f64]) -> f64 {
        if x.len() != self.mean.len() {
            return f64::NAN;
        }
        let square = |w: f64| w * w;
        0.5 * (0..self.mean.len())
            .map(|i| square(self.whitened(i, x)))
            .sum::<f64>()
    }
}

impl EnergyGradient for Gaussian {
    fn dim(&self) -> usize {
        self.mean.len()
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let mut energy = 0.0;
        match &self.factor {
            Factor::Diagonal { sd } => {
                for i in 0..sd.len() {
                    let w = self.whitened(i, x);
                    energy += 0.5 * w * w;
                    grad[i] = w / sd[i];
                }
            }
            Factor::Dense { inverse, .. } => {
                grad.fill(0.0);
                let mut rows = inverse.as_slice();
                for i in 0..self.mean.len() {
                    let w = self.whitened(i, x);
                    energy += 0.5 * w * w;
                    let (row, rest) = rows.split_at(i + 1);
                    for (g, r) in grad.iter_mut().zip(row) {
                        *g += r * w;
                    }
                    rows = rest;
                }
            }
        }
        energy
    }
}

impl ExactLaw for Gaussian {
    fn draw<R: Randomness + ?Sized>(&self, x: &mut [f64], rng: &mut R) {
        rng.fill_normal(x);
        self.colour(x);
        for (x, m) in x.iter_mut().zip(&self.mean) {
            *x += m;
        }
    }
    fn full_support(&self) -> bool {
        true
    }
}

impl AddGradient for Gaussian {
    fn add_gradient(&self, x: &[f64], scale: f64, grad: &mut [f64]) -> f64 {
        let mut energy = 0.0;
        for i in 0..self.mean.len() {
            let w = self.whitened(i, x);
            energy += 0.5 * w * w;
            match &self.factor {
                Factor::Diagonal { sd } => grad[i] += scale * w / sd[i],
                Factor::Dense { inverse, .. } => {
                    let row = &inverse[i * (i + 1) / 2..][..=i];
                    for (g, r) in grad.iter_mut().zip(row) {
                        *g += scale * w * r;
                    }
                }
            }
        }
        energy
    }
}

/// The base of a path: `log Z = ½ log det 2πΣ`.
impl PathBase<Vec<f64>> for Gaussian {
    fn log_z(&self) -> f64 {
        const HALF_LOG_TWO_PI: f64 = ergodic_math::special::HALF_LN_2PI;
        let mut sum = 0.0;
        for i in 0..self.mean.len() {
            let sd = match &self.factor {
                Factor::Diagonal { sd } => sd[i],
                Factor::Dense { lower, .. } => lower[i * (i + 1) / 2 + i],
            };
            sum += HALF_LOG_TWO_PI + Real::ln(sd);
        }
        sum
    }
    fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> Vec<f64> {
        let mut x = vec![0.0; self.mean.len()];
        self.draw(&mut x, rng);
        x
    }
    fn sample_into<R: Randomness + ?Sized>(&self, x: &mut Vec<f64>, rng: &mut R) {
        x.resize(self.mean.len(), 0.0);
        self.draw(x, rng);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_and_gradient_agree_with_the_inverse_of_a_known_matrix() {
        // Σ = [[2, 1], [1, 2]], Σ⁻¹ = ⅓ [[2, −1], [−1, 2]].
        let law = Gaussian::new(vec![0.5, -1.0], &[2.0, 1.0, 1.0, 2.0]).unwrap();
        let (x, y) = (1.3 - 0.5, 0.4 + 1.0);
        let mut grad = [0.0; 2];
        let energy = law.energy_gradient(&[1.3, 0.4], &mut grad);
        let exact = (x * x - x * y + y * y) / 3.0;
        assert!((energy - exact).abs() < 1e-15);
        assert!((law.energy(&[1.3, 0.4]) - exact).abs() < 1e-15);
        assert!((grad[0] - (2.0 * x - y) / 3.0).abs() < 1e-15);
        assert!((grad[1] - (2.0 * y - x) / 3.0).abs() < 1e-15);
    }

    #[test]
    fn an_added_gradient_is_a_multiple_and_log_z_that_of_the_determinant() {
        let dense = Gaussian::new(vec![0.5, -1.0], &[2.0, 1.0, 1.0, 2.0]).unwrap();
        let diagonal = Gaussian::independent(vec![0.5, -1.0], vec![3.0, 0.25]).unwrap();
        for (law, determinant) in [(dense, 3.0f64), (diagonal, 0.5625)] {
            let (x, mut grad, mut sum) = ([1.3, 0.4], [0.0; 2], [10.0, 20.0]);
            let energy = law.energy_gradient(&x, &mut grad);
            assert!((law.add_gradient(&x, -0.5, &mut sum) - energy).abs() < 1e-15);
            for i in 0..2 {
                let exact = [10.0, 20.0][i] - 0.5 * grad[i];
                assert!((sum[i] - exact).abs() < 1e-14);
            }
            let exact = std::f64::consts::TAU.ln() + 0.5 * determinant.ln();
            assert!((law.log_z() - exact).abs() < 1e-14);
        }
    }

    #[test]
    fn a_position_of_another_dimension_has_no_energy() {
        for law in [
            Gaussian::standard(2).unwrap(),
            Gaussian::new(vec![0.0; 2], &[2.0, 1.0, 1.0, 2.0]).unwrap(),
        ] {
            for x in [&[][..], &[1.0], &[1.0; 3]] {
                assert!(law.energy(x).is_nan());
            }
        }
    }

    #[test]
    fn bad_laws_are_named() {
        let argument = |r: Result<Gaussian, ArgumentError>| r.unwrap_err().argument;
        assert_eq!(argument(Gaussian::new(vec![], &[])), "mean");
        assert_eq!(argument(Gaussian::new(vec![f64::NAN], &[1.0])), "mean");
        assert_eq!(argument(Gaussian::new(vec![0.0], &[0.0])), "covariance");
        assert_eq!(argument(Gaussian::independent(vec![0.0], vec![])), "sd");
        assert_eq!(argument(Gaussian::independent(vec![0.0], vec![-1.0])), "sd");
        assert_eq!(argument(Gaussian::standard(0)), "dim");
    }
}
