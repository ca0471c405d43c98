//! Mean and covariance of a normal law in `ℝᵈ`.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::HALF_LN_2PI;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::multivariate_normal::{factor, log_det};
use super::wishart::{Core, multivariate_gamma, pairs, scale};
use crate::{domain, symmetric};

/// Mean and covariance of a normal law: a draw of [`NormalInverseWishart`].
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: DVector<f64>,
    /// The covariance.
    pub covariance: DMatrix<f64>,
}

/// The normal–inverse-Wishart family of pairs `(m, Σ)` in `ℝᵈ`: `Σ` inverse Wishart of `n` degrees and
/// scale `Ψ`, `m` given `Σ` normal around `m₀` with covariance `Σ/κ`. Statistics
/// `log |Σ|, svec Σ⁻¹, Σ⁻¹m, mᵀΣ⁻¹m`,
/// `θ = (−(n + d + 2)/2, −½ svec(Ψ + κm₀m₀ᵀ), κm₀, −κ/2)`,
/// `A = log Γ_d(n/2) − (n/2) log |Ψ/2| − (d/2) log κ`, base measure `(2π)^{−d/2}`.
///
/// The conjugate prior of [`MultivariateNormal`](super::MultivariateNormal). Natural domain: `κ > 0`,
/// `n > d − 1`, `Ψ` positive definite. Cost `O(d³)`, Fisher information `O(d⁴)` entries.
///
/// Mean domain: `E Σ⁻¹` positive definite, `E log |Σ| > −log |E Σ⁻¹|`, the mean of the form above that of the
/// means. Where `κm₀m₀ᵀ` is large against `Ψ`, natural parameters hold few of the digits of `Ψ`: then take the
/// data less a constant. Reference: Gelman et al., *Bayesian Data Analysis*, 2013, §3.6.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::NormalInverseWishart;
/// use nalgebra::{DMatrix, DVector};
///
/// let line = NormalInverseWishart::new(1)?;
/// let natural = line.natural(&DVector::from_column_slice(&[1.0]), 2.0, 6.0, &DMatrix::from_row_slice(1, 1, &[4.0]))?; // m₀, κ, n, Ψ
/// let mut mean = [0.0; 4];
/// line.mean_from_natural(&natural, &mut mean)?;
/// assert!((mean[1] - 1.5).abs() < 1e-15); // E Σ⁻¹ = n Ψ⁻¹
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormalInverseWishart {
    d: usize,
}

pub(crate) struct Parts {
    /// The law of the precision.
    pub(crate) core: Core,
    pub(crate) location: DVector<f64>,
    pub(crate) kappa: f64,
}

impl NormalInverseWishart {
    /// In `d` dimensions.
    ///
    /// # Errors
    /// If `d` is 0.
    pub fn new(d: usize) -> Result<Self, ArgumentError> {
        if d == 0 {
            return Err(ArgumentError::new("d", d, "at least 1"));
        }
        Ok(Self { d })
    }

    /// In at least one dimension, as the caller knows.
    pub(super) const fn of(d: usize) -> Self {
        Self { d }
    }

    /// Of location `m₀`, its weight `κ`, degrees of freedom `n` and scale `Ψ`.
    ///
    /// # Errors
    /// If a shape is wrong, `κ` is not finite and above 0, there are no more than `d − 1` degrees, or the
    /// scale is not positive definite.
    pub fn natural(
        &self,
        location: &DVector<f64>,
        kappa: f64,
        degrees: f64,
        scale: &DMatrix<f64>,
    ) -> Result<Vec<f64>, ArgumentError> {
        let d = self.d;
        domain::finite("location", location.as_slice(), d)?;
        domain::positive("kappa", kappa)?;
        // Checks degrees and scale.
        super::InverseWishart::new(d)?.natural(degrees, scale)?;
        let mut natural = vec![-0.5 * (degrees + d as f64 + 2.0); self.dim()];
        let s = symmetric::length(d);
        let matrix = (scale + location * location.transpose() * kappa) * -0.5;
        symmetric::pack(&matrix, &mut natural[1..=s]);
        for i in 0..d {
            natural[1 + s + i] = kappa * location[i];
        }
        natural[1 + s + d] = -0.5 * kappa;
        domain::finite("location", &natural, self.dim())?;
        Ok(natural)
    }

    /// Location `m₀`, its weight `κ`, degrees of freedom `n` and scale `Ψ`.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain, or the scale overflows.
    pub fn usual(
        &self,
        natural: &[f64],
    ) -> Result<(DVector<f64>, f64, f64, DMatrix<f64>), ArgumentError> {
        let p = self.parts(natural)?;
        // θ₁ = −½(Ψ + κm₀m₀ᵀ)
        let matrix = symmetric::unpack(self.d, &natural[1..=symmetric::length(self.d)]);
        let scale = matrix * -2.0 - &p.location * p.location.transpose() * p.kappa;
        super::wishart::finite_matrix(&scale)?;
        Ok((p.location, p.kappa, 2.0 * p.core.a, scale))
    }

    pub(crate) fn parts(self, natural: &[f64]) -> Result<Parts, ArgumentError> {
        let (d, s) = (self.d, symmetric::length(self.d));
        domain::finite("natural", natural, self.dim())?;
        let last = 1 + s + d;
        domain::require("natural", natural, last, natural[last] < 0.0, "below 0")?;
        let kappa = -2.0 * natural[last];
        let location = DVector::from_column_slice(&natural[1 + s..last]) / kappa;
        // −S = −½Ψ = θ₁ + ½κm₀m₀ᵀ
        let minus_s = symmetric::unpack(d, &natural[1..=s])
            + &location * location.transpose() * (0.5 * kappa);
        let mut packed = vec![0.0; s];
        symmetric::pack(&minus_s, &mut packed);
        let a = -natural[0] - 0.5 * (d as f64 + 2.0);
        Ok(Parts {
            core: Core::new("natural", d, a, &packed)?,
            location,
            kappa,
        })
    }
}

/// A draw of mean and precision, and the factor of the precision.
struct Draw {
    mean: DVector<f64>,
    precision: DMatrix<f64>,
    factor: Cholesky<f64, Dyn>,
}

impl NormalInverseWishart {
    /// A draw of mean and precision.
    pub(crate) fn sample_precision<R: Randomness + ?Sized>(
        self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<(DVector<f64>, DMatrix<f64>), ArgumentError> {
        let draw = self.draw(natural, rng)?;
        Ok((draw.mean, draw.precision))
    }

    fn draw<R: Randomness + ?Sized>(
        self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Draw, ArgumentError> {
        let Parts {
            core,
            location,
            kappa,
        } = self.parts(natural)?;
        let w = core.sample_factor(rng);
        let precision = &w * w.transpose();
        let Some(factor) = precision.clone().cholesky() else {
            return Err(ArgumentError::new(
                "natural",
                "a law with a draw that is singular to rounding",
                "of more degrees of freedom",
            ));
        };
        let mut z = DVector::zeros(self.d);
        rng.fill_normal(z.as_mut_slice());
        factor.l_dirty().tr_solve_lower_triangular_mut(&mut z);
        Ok(Draw {
            mean: location + z / kappa.sqrt(),
            precision,
            factor,
        })
    }
}

impl ExponentialFamily for NormalInverseWishart {
    type Sample = Moments;

    fn dim(&self) -> usize {
        2 + self.d + symmetric::length(self.d)
    }

    fn sufficient_statistics(&self, x: &Moments, out: &mut [f64]) {
        let (d, s) = (self.d, symmetric::length(self.d));
        out.fill(f64::NAN);
        if x.mean.len() != d || x.covariance.shape() != (d, d) {
            return;
        }
        let Some(factor) = x.covariance.clone().cholesky() else {
            return;
        };
        out[0] = log_det(&factor);
        symmetric::pack(&factor.inverse(), &mut out[1..=s]);
        let linear = factor.solve(&x.mean);
        out[1 + s..=s + d].copy_from_slice(linear.as_slice());
        out[1 + s + d] = linear.dot(&x.mean);
    }

    fn log_base_measure(&self, x: &Moments) -> f64 {
        let inside = x.mean.len() == self.d && x.mean.iter().all(|m| m.is_finite());
        let cone = super::Wishart::new(self.d)
            .map_or(f64::NEG_INFINITY, |w| w.log_base_measure(&x.covariance));
        if inside && cone == 0.0 {
            -(self.d as f64) * HALF_LN_2PI
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let parts = self.parts(natural)?;
        domain::computed(parts.core.log_partition() - 0.5 * self.d as f64 * Real::ln(parts.kappa))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let (d, s) = (self.d, symmetric::length(self.d));
        let parts = self.parts(natural)?;
        let (log, precision) = parts.core.mean();
        mean[0] = -log;
        symmetric::pack(&precision, &mut mean[1..=s]);
        let linear = &precision * &parts.location;
        mean[1 + s..=s + d].copy_from_slice(linear.as_slice());
        mean[1 + s + d] = d as f64 / parts.kappa + linear.dot(&parts.location);
        domain::no_nan("mean", mean)
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        let (d, s) = (self.d, symmetric::length(self.d));
        domain::finite("mean", mean, self.dim())?;
        let precision = symmetric::unpack(d, &mean[1..=s]);
        let solver = factor(
            "mean",
            precision.clone(),
            "such that its matrix is positive definite",
        )?;
        let linear = DVector::from_column_slice(&mean[1 + s..=s + d]);
        let location = solver.solve(&linear);
        let last = 1 + s + d;
        let spread = mean[last] - linear.dot(&location);
        domain::require(
            "mean",
            mean,
            last,
            spread > 0.0,
            "above the form of the other means",
        )?;
        let (a, s_matrix) = Core::of_mean(d, -mean[0], &precision)?;
        let found = self
            .natural(&location, d as f64 / spread, 2.0 * a, &(s_matrix * 2.0))
            .map_err(|e| ArgumentError::new("mean", e.found, "of finite natural parameters"))?;
        natural.copy_from_slice(&found);
        domain::found(self, mean, natural)
    }

    /// With `W = Σ⁻¹` Wishart and `m = m₀ + W^{−½}z/√κ`: `Wm = Wm₀ + W^{½}z/√κ` and
    /// `mᵀWm = m₀ᵀWm₀ + 2m₀ᵀW^{½}z/√κ + |z|²/κ`.
    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let (d, s, dim) = (self.d, symmetric::length(self.d), self.dim());
        let Parts {
            core,
            location,
            kappa,
        } = self.parts(natural)?;
        let p = core.s.inverse();
        let pm = &p * &location;
        let form = location.dot(&pm);
        let mut set = |i: usize, j: usize, value: f64| {
            out[i * dim + j] = value;
            out[j * dim + i] = value;
        };
        let (linear, last) = (1 + s, 1 + s + d);
        set(0, 0, multivariate_gamma(d, core.a)[2]);
        set(0, last, -form);
        // Covariances of W contracted with m₀: W_ij with (Wm₀)_k, and with m₀ᵀWm₀.
        let half = 0.5 * core.a;
        let with_linear =
            |i: usize, j: usize, k: usize| half * (p[(i, k)] * pm[j] + p[(j, k)] * pm[i]);
        for (x, &(i, j)) in pairs(d).iter().enumerate() {
            let f = scale(i, j);
            set(0, 1 + x, -f * p[(i, j)]);
            for (y, &(k, l)) in pairs(d).iter().enumerate() {
                set(
                    1 + x,
                    1 + y,
                    f * scale(k, l) * core.covariance(&p, i, j, k, l),
                );
            }
            for k in 0..d {
                set(1 + x, linear + k, f * with_linear(i, j, k));
            }
            set(1 + x, last, f * core.a * pm[i] * pm[j]);
        }
        for k in 0..d {
            set(0, linear + k, -pm[k]);
            for l in 0..d {
                let through = half * (p[(k, l)] * form + pm[k] * pm[l]);
                set(linear + k, linear + l, through + core.a * p[(k, l)] / kappa);
            }
            set(linear + k, last, core.a * pm[k] * (form + 2.0 / kappa));
        }
        let a = core.a;
        set(
            last,
            last,
            a * form * form + 4.0 * a * form / kappa + 2.0 * d as f64 / (kappa * kappa),
        );
        domain::no_nan("Fisher information", out)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Moments, ArgumentError> {
        let draw = self.draw(natural, rng)?;
        Ok(Moments {
            mean: draw.mean,
            covariance: draw.factor.inverse(),
        })
    }
}
