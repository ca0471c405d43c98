//! Linear normal processes of order one: their stationary law and transfer entropy.

use super::cholesky::Cholesky;
use super::{Gaussian, canonical_correlations, check_symmetric, information_of, singular};
use crate::{InfoError, Information};

/// A vector autoregression `x_{t+1} = A x_t + ε_t`, `ε ~ N(0, Q)`, stationary: all eigenvalues of `A`
/// inside the unit circle.
///
/// ```
/// use ergodic_info::gaussian::VectorAutoregression;
///
/// // y′ = ½ x + n, x white, unit variances: ½ log(1 + ¼).
/// let process = VectorAutoregression::new([0.0, 0.0, 0.5, 0.0], [1.0, 0.0, 0.0, 1.0])?;
/// let there = process.transfer_entropy(&[0], &[1])?;
/// assert!((there.nats() - 0.11157177565710488).abs() < 1e-15);
/// assert_eq!(process.transfer_entropy(&[1], &[0])?.nats(), 0.0);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug)]
pub struct VectorAutoregression {
    dim: usize,
    transition: Vec<f64>,
    noise: Vec<f64>,
    stationary: Vec<f64>,
}

impl VectorAutoregression {
    /// The process of this `A` and `Q`, `d × d` numbers by rows each.
    ///
    /// The stationary covariance solves `P = A P Aᵀ + Q` by Smith's doubling, `O(d³)` per step,
    /// which converges quadratically (Anderson and Moore, *Optimal Filtering*, 1979, §4.3).
    ///
    /// # Errors
    /// If the lists are not square matrices of equal size or not finite, `Q` is not symmetric and
    /// positive definite, or the process is not stationary.
    pub fn new(
        transition: impl Into<Vec<f64>>,
        noise: impl Into<Vec<f64>>,
    ) -> Result<Self, InfoError> {
        let (transition, mut noise) = (transition.into(), noise.into());
        let dim = transition.len().isqrt();
        if dim == 0 || dim * dim != transition.len() {
            return Err(InfoError::argument(
                "transition",
                format!("a list of {} numbers", transition.len()),
                "a square matrix by rows",
            ));
        }
        if let Some(i) = transition.iter().position(|v| !v.is_finite()) {
            return Err(InfoError::argument(
                "transition",
                format!("{} in row {}, column {}", transition[i], i / dim, i % dim),
                "finite",
            ));
        }
        check_symmetric("noise", &mut noise, dim)?;
        Cholesky::new(&noise, dim).map_err(|i| singular("noise", i))?;
        let stationary = stationary(&transition, &noise, dim)?;
        Ok(Self {
            dim,
            transition,
            noise,
            stationary,
        })
    }

    /// `A` by rows.
    pub fn transition(&self) -> &[f64] {
        &self.transition
    }

    /// `Q` by rows.
    pub fn noise(&self) -> &[f64] {
        &self.noise
    }

    /// The stationary law `N(0, P)`, `P = A P Aᵀ + Q`.
    ///
    /// # Errors
    /// If `P` is singular to rounding.
    pub fn stationary(&self) -> Result<Gaussian, InfoError> {
        Gaussian::centred(self.stationary.clone())
    }

    /// The law of `(x_t, x_{t+1})`, `2d` coordinates, in the stationary process.
    ///
    /// # Errors
    /// If it is singular to rounding.
    pub fn two_times(&self) -> Result<Gaussian, InfoError> {
        Gaussian::centred(self.joint())
    }

    /// The transfer entropy `I(X_t; Y_{t+1} | Y_t)` from the coordinates `source` to the
    /// coordinates `target`, one step of history each.
    ///
    /// Schreiber, *Phys. Rev. Lett.* 85 (2000); for normal processes half the Granger causality
    /// (Barnett, Barrett and Seth, *Phys. Rev. Lett.* 103, 2009). With one step of the target's past
    /// this exceeds the rate with its whole past where the target alone is not a Markov chain. Other
    /// coordinates that drive both are seen as transfer; condition on them with
    /// [`conditional_transfer_entropy`](Self::conditional_transfer_entropy).
    ///
    /// # Errors
    /// If a group is empty, a coordinate does not exist, or is named twice.
    pub fn transfer_entropy(
        &self,
        source: &[usize],
        target: &[usize],
    ) -> Result<Information, InfoError> {
        self.conditional_transfer_entropy(source, target, &[])
    }

    /// The transfer entropy `I(X_t; Y_{t+1} | Y_t, Z_t)` given other coordinates at present. With
    /// all others as `given`, it is the transfer entropy with the whole past, as the process is a
    /// Markov chain.
    ///
    /// # Errors
    /// If `source` or `target` is empty, a coordinate does not exist, or is named twice.
    pub fn conditional_transfer_entropy(
        &self,
        source: &[usize],
        target: &[usize],
        given: &[usize],
    ) -> Result<Information, InfoError> {
        let mut taken = vec![false; self.dim];
        for (name, group) in [("source", source), ("target", target), ("given", given)] {
            if group.is_empty() && name != "given" {
                return Err(InfoError::argument(
                    name,
                    "an empty group",
                    "at least one coordinate",
                ));
            }
            for i in group {
                match taken.get_mut(*i) {
                    Some(free) if !*free => *free = true,
                    _ => {
                        return Err(InfoError::argument(
                            name,
                            format!("a group with coordinate {i}"),
                            format!("of coordinates below {}, each named once", self.dim),
                        ));
                    }
                }
            }
        }
        let next: Vec<usize> = target.iter().map(|i| self.dim + i).collect();
        let present: Vec<usize> = target.iter().chain(given).copied().collect();
        let squares = canonical_correlations(&self.joint(), 2 * self.dim, source, &next, &present)
            .map_err(|i| singular("stationary covariance", i))?;
        Ok(information_of(&squares))
    }

    /// The covariance of `(x_t, x_{t+1})`: `P` on the diagonal, `A P` below.
    fn joint(&self) -> Vec<f64> {
        let (d, p) = (self.dim, &self.stationary);
        let lagged = product(&self.transition, p, d);
        let mut joint = vec![0.0; 4 * d * d];
        for i in 0..d {
            for j in 0..d {
                joint[i * 2 * d + j] = p[i * d + j];
                joint[(d + i) * 2 * d + d + j] = p[i * d + j];
                joint[(d + i) * 2 * d + j] = lagged[i * d + j];
                joint[j * 2 * d + d + i] = lagged[i * d + j];
            }
        }
        joint
    }
}

/// `Σ_k Aᵏ Q (Aᵏ)ᵀ`.
fn stationary(transition: &[f64], noise: &[f64], dim: usize) -> Result<Vec<f64>, InfoError> {
    // After j doublings the sum has 2ʲ terms; a radius of 1 − ε needs about 58.
    const DOUBLINGS: usize = 64;
    let mut power = transition.to_vec();
    let mut sum = noise.to_vec();
    for _ in 0..DOUBLINGS {
        let half = product(&power, &sum, dim);
        let mut largest: f64 = 0.0;
        for i in 0..dim {
            for j in 0..=i {
                let term: f64 = (0..dim)
                    .map(|k| half[i * dim + k] * power[j * dim + k])
                    .sum();
                let total = 0.5 * (sum[i * dim + j] + sum[j * dim + i]) + term;
                sum[i * dim + j] = total;
                sum[j * dim + i] = total;
            }
        }
        power = product(&power, &power, dim);
        for p in &power {
            largest = largest.max(p.abs());
        }
        if !largest.is_finite() || sum.iter().any(|s| !s.is_finite()) {
            break;
        }
        if largest < 1e-30 {
            return Ok(sum);
        }
    }
    Err(InfoError::argument(
        "transition",
        "a matrix whose powers do not vanish",
        "of spectral radius below 1",
    ))
}

fn product(a: &[f64], b: &[f64], dim: usize) -> Vec<f64> {
    let mut out = vec![0.0; dim * dim];
    for i in 0..dim {
        for k in 0..dim {
            for j in 0..dim {
                out[i * dim + j] += a[i * dim + k] * b[k * dim + j];
            }
        }
    }
    out
}
