//! Normal laws in `ℝᵈ`, with full and with diagonal covariance.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::{HALF_LN_2PI, x_minus_ln_1p};
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use crate::{domain, symmetric};

/// `log det` of a factored matrix.
pub(crate) fn log_det(factor: &Cholesky<f64, Dyn>) -> f64 {
    2.0 * factor
        .l_dirty()
        .diagonal()
        .iter()
        .map(|x| Real::ln(*x))
        .sum::<f64>()
}

/// The Cholesky factor of a matrix that has to be positive definite.
pub(crate) fn factor(
    argument: &'static str,
    matrix: DMatrix<f64>,
    allowed: &str,
) -> Result<Cholesky<f64, Dyn>, ArgumentError> {
    let shown = format!("a matrix with diagonal {:?}", matrix.diagonal().as_slice());
    match matrix.cholesky() {
        Some(factor) if factor.l_dirty().diagonal().iter().all(|x| x.is_finite()) => Ok(factor),
        _ => Err(ArgumentError::new(argument, shown, allowed.to_owned())),
    }
}

/// The normal family in `ℝᵈ`: statistics `x, svec xxᵀ`, `θ = (Λm, −½ svec Λ)` with the precision
/// `Λ = Σ⁻¹`, `A = ½ mᵀΛm − ½ log det Λ`, base measure `(2π)^{−d/2}`.
///
/// `d + d(d + 1)/2` parameters. Natural domain: `Λ` positive definite; mean domain: the second
/// moments less the square of the mean positive definite. Cost `O(d³)`, Fisher information `O(d⁴)`
/// entries.
///
/// Reference: Barndorff-Nielsen, *Information and Exponential Families*, 1978, ch. 8.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::MultivariateNormal;
/// use nalgebra::{DMatrix, DVector};
///
/// let plane = MultivariateNormal::new(2)?;
/// let natural = plane.natural(&DVector::from_column_slice(&[1.0, 0.0]), &DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 2.0]))?;
/// // At the mean: −log 2π − ½ log det Σ.
/// let log_p = plane.log_density(&natural, &[1.0, 0.0])?;
/// assert!((log_p + (2.0 * std::f64::consts::PI * 3f64.sqrt()).ln()).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultivariateNormal {
    d: usize,
}

/// What the natural parameters say.
struct Parts {
    precision: Cholesky<f64, Dyn>,
    linear: DVector<f64>,
    mean: DVector<f64>,
}

impl MultivariateNormal {
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

    /// `d`.
    pub fn dimensions(&self) -> usize {
        self.d
    }

    /// In at least one dimension, as the caller knows.
    pub(super) const fn of(d: usize) -> Self {
        Self { d }
    }

    /// The family of laws on its mean and covariance.
    pub(crate) fn moments_family(self) -> super::NormalInverseWishart {
        super::NormalInverseWishart::of(self.d)
    }

    /// `(Σ⁻¹m, −½ svec Σ⁻¹)`.
    ///
    /// # Errors
    /// If the shapes are not `d` and `d × d`, the mean is not finite, or the covariance not
    /// positive definite (its lower triangle is read).
    pub fn natural(
        &self,
        mean: &DVector<f64>,
        covariance: &DMatrix<f64>,
    ) -> Result<Vec<f64>, ArgumentError> {
        domain::finite("mean", mean.as_slice(), self.d)?;
        if covariance.shape() != (self.d, self.d) {
            let (rows, columns) = covariance.shape();
            return Err(ArgumentError::new(
                "covariance",
                format!("a {rows} × {columns} matrix"),
                format!("{0} × {0}", self.d),
            ));
        }
        let factor = factor(
            "covariance",
            covariance.clone(),
            "positive definite and finite",
        )?;
        let mut natural = vec![0.0; self.dim()];
        let (linear, quadratic) = natural.split_at_mut(self.d);
        linear.copy_from_slice(factor.solve(mean).as_slice());
        symmetric::pack(&(factor.inverse() * -0.5), quadratic);
        domain::finite("covariance", &natural, self.dim())?;
        Ok(natural)
    }

    /// Mean and covariance.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(&self, natural: &[f64]) -> Result<(DVector<f64>, DMatrix<f64>), ArgumentError> {
        let parts = self.parts("natural", natural)?;
        Ok((parts.mean, parts.precision.inverse()))
    }

    fn parts(self, argument: &'static str, natural: &[f64]) -> Result<Parts, ArgumentError> {
        domain::finite(argument, natural, self.dim())?;
        let precision = symmetric::unpack(self.d, &natural[self.d..]) * -2.0;
        let precision = factor(
            argument,
            precision,
            "such that the precision is positive definite",
        )?;
        let linear = DVector::from_column_slice(&natural[..self.d]);
        let mean = precision.solve(&linear);
        if !linear.dot(&mean).is_finite() || !mean.norm_squared().is_finite() {
            let found = format!("{natural:?}");
            return Err(ArgumentError::new(
                argument,
                found,
                "of finite log-partition and mean",
            ));
        }
        Ok(Parts {
            precision,
            linear,
            mean,
        })
    }
}

impl ExponentialFamily for MultivariateNormal {
    type Sample = [f64];

    fn dim(&self) -> usize {
        self.d + symmetric::length(self.d)
    }

    fn sufficient_statistics(&self, x: &[f64], out: &mut [f64]) {
        let (linear, quadratic) = out.split_at_mut(self.d);
        if x.len() == self.d {
            linear.copy_from_slice(x);
            symmetric::pack_outer(x, quadratic);
        }
    }

    fn log_base_measure(&self, x: &[f64]) -> f64 {
        if x.len() == self.d && x.iter().all(|x| x.is_finite()) {
            -(self.d as f64) * HALF_LN_2PI
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        let parts = self.parts("natural", natural)?;
        Ok(0.5 * (parts.linear.dot(&parts.mean) - log_det(&parts.precision)))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let parts = self.parts("natural", natural)?;
        let second = parts.precision.inverse() + &parts.mean * parts.mean.transpose();
        mean[..self.d].copy_from_slice(parts.mean.as_slice());
        symmetric::pack(&second, &mut mean[self.d..]);
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, self.dim())?;
        let m = DVector::from_column_slice(&mean[..self.d]);
        let covariance = symmetric::unpack(self.d, &mean[self.d..]) - &m * m.transpose();
        let found = self.natural(&m, &covariance).map_err(|e| {
            ArgumentError::new(
                "mean",
                e.found,
                "such that second moments less the squared mean are positive definite",
            )
        })?;
        natural.copy_from_slice(&found);
        Ok(())
    }

    /// `Cov(x) = Σ`, `Cov(x, xxᵀ)` and `Cov(xxᵀ, xxᵀ)` by Isserlis' theorem.
    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let (m, s) = self.usual(natural)?;
        let (d, dim) = (self.d, self.dim());
        let scale = |i: usize, j: usize| {
            if i == j {
                1.0
            } else {
                std::f64::consts::SQRT_2
            }
        };
        let pairs: Vec<(usize, usize)> =
            (0..d).flat_map(|i| (0..=i).map(move |j| (i, j))).collect();
        for i in 0..d {
            for j in 0..d {
                out[i * dim + j] = s[(i, j)];
            }
            for (p, &(a, b)) in pairs.iter().enumerate() {
                let entry = scale(a, b) * (m[a] * s[(i, b)] + m[b] * s[(i, a)]);
                out[i * dim + d + p] = entry;
                out[(d + p) * dim + i] = entry;
            }
        }
        for (p, &(a, b)) in pairs.iter().enumerate() {
            for (q, &(e, f)) in pairs.iter().enumerate() {
                let covariance = s[(a, e)] * s[(b, f)]
                    + s[(a, f)] * s[(b, e)]
                    + m[a] * m[e] * s[(b, f)]
                    + m[a] * m[f] * s[(b, e)]
                    + m[b] * m[e] * s[(a, f)]
                    + m[b] * m[f] * s[(a, e)];
                out[(d + p) * dim + d + q] = scale(a, b) * scale(e, f) * covariance;
            }
        }
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        let parts = self.parts("natural", natural)?;
        let mut z = DVector::zeros(self.d);
        rng.fill_normal(z.as_mut_slice());
        // Λ = LLᵀ: L⁻ᵀz has covariance Λ⁻¹.
        parts
            .precision
            .l_dirty()
            .tr_solve_lower_triangular_mut(&mut z);
        Ok((z + parts.mean).as_slice().to_vec())
    }

    /// In terms of `x − m`: without the cancellation of `mᵀΛm`.
    fn log_density(&self, natural: &[f64], x: &[f64]) -> Result<f64, ArgumentError> {
        let parts = self.parts("natural", natural)?;
        let base = self.log_base_measure(x);
        if base == f64::NEG_INFINITY {
            return Ok(base);
        }
        let off = DVector::from_column_slice(x) - parts.mean;
        let form = parts.precision.l().tr_mul(&off).norm_squared();
        Ok(base + 0.5 * (log_det(&parts.precision) - form))
    }

    /// `½ [Σᵢ (ρᵢ − log(1 + ρᵢ)) + (m₁ − m₂)ᵀΛ₂(m₁ − m₂)]` with the eigenvalues `1 + ρᵢ` of
    /// `L₂ᵀΣ₁L₂`, `Λ₂ = L₂L₂ᵀ`: relative accuracy where the laws are close.
    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        let here = self.parts("natural", natural)?;
        let there = self.parts("other", other)?;
        // L₁⁻¹(Λ₂ − Λ₁)L₁⁻ᵀ has the eigenvalues of Σ₁Λ₂ less 1.
        let difference = symmetric::unpack(self.d, &other[self.d..]) * -2.0
            - symmetric::unpack(self.d, &natural[self.d..]) * -2.0;
        let l = here.precision.l();
        let half = l.solve_lower_triangular(&difference).unwrap_or(difference);
        let whole = l.solve_lower_triangular(&half.transpose()).unwrap_or(half);
        let symmetrised = (&whole + whole.transpose()) * 0.5;
        let ratios = symmetrised.symmetric_eigenvalues();
        // Near −1 they have lost their digits; the sum is not small then, and the determinants hold it.
        let spread: f64 = if ratios.iter().all(|r| *r > -0.5) {
            ratios.iter().map(|r| x_minus_ln_1p(*r)).sum()
        } else {
            symmetrised.trace() + log_det(&here.precision) - log_det(&there.precision)
        };
        let off = there.precision.l().tr_mul(&(here.mean - there.mean));
        Ok(0.5 * (spread + off.norm_squared()))
    }
}

/// The normal family in `ℝᵈ` with independent coordinates: statistics `x₀…, x₀²…`,
/// `θ = (mᵢ/vᵢ…, −1/2vᵢ…)`, a product of [`Normal`](super::Normal) families.
///
/// `2d` parameters. Natural domain `θ_{d+i} < 0`, mean domain `μ_{d+i} > μᵢ²`. Cost `O(d)`, Fisher
/// information `O(d²)` entries, four diagonals of them not 0.
///
/// Columns of many members are vectorised. Reference: as [`Normal`](super::Normal).
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::DiagonalNormal;
///
/// let plane = DiagonalNormal::new(2)?;
/// let natural = plane.natural(&[0.0, 1.0], &[1.0, 4.0])?;
/// let log_p = plane.log_density(&natural, &[0.0, 1.0])?;
/// assert!((log_p + (4.0 * std::f64::consts::PI).ln()).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiagonalNormal {
    d: usize,
}

impl DiagonalNormal {
    /// In `d` dimensions.
    ///
    /// # Errors
    /// If `d` is 0.
    pub fn new(d: usize) -> Result<Self, ArgumentError> {
        MultivariateNormal::new(d).map(|family| Self { d: family.d })
    }

    /// `d`.
    pub fn dimensions(&self) -> usize {
        self.d
    }

    /// `(mᵢ/vᵢ…, −1/2vᵢ…)`.
    ///
    /// # Errors
    /// If there are not `d` means and variances, a mean is not finite or a variance not finite and
    /// above 0.
    pub fn natural(&self, mean: &[f64], variance: &[f64]) -> Result<Vec<f64>, ArgumentError> {
        domain::finite("mean", mean, self.d)?;
        domain::finite("variance", variance, self.d)?;
        let mut natural = vec![0.0; 2 * self.d];
        for i in 0..self.d {
            domain::require("variance", variance, i, variance[i] > 0.0, "above 0")?;
            let [linear, quadratic] = super::Normal::natural(mean[i], variance[i])?;
            natural[i] = linear;
            natural[self.d + i] = quadratic;
        }
        Ok(natural)
    }

    /// Means and variances.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(&self, natural: &[f64]) -> Result<(Vec<f64>, Vec<f64>), ArgumentError> {
        self.check(natural)?;
        let mut both = (Vec::with_capacity(self.d), Vec::with_capacity(self.d));
        for i in 0..self.d {
            let (mean, variance) = super::Normal::usual(&self.coordinate(i, natural))?;
            both.0.push(mean);
            both.1.push(variance);
        }
        Ok(both)
    }

    fn coordinate(self, i: usize, both: &[f64]) -> [f64; 2] {
        [both[i], both[self.d + i]]
    }

    fn check(self, natural: &[f64]) -> Result<(), ArgumentError> {
        domain::finite("natural", natural, 2 * self.d)?;
        for i in self.d..2 * self.d {
            domain::require("natural", natural, i, natural[i] < 0.0, "below 0")?;
        }
        Ok(())
    }
}

impl ExponentialFamily for DiagonalNormal {
    type Sample = [f64];

    fn dim(&self) -> usize {
        2 * self.d
    }

    fn sufficient_statistics(&self, x: &[f64], out: &mut [f64]) {
        let (linear, quadratic) = out.split_at_mut(self.d);
        for ((x, l), q) in x.iter().zip(linear).zip(quadratic) {
            *l = *x;
            *q = x * x;
        }
    }

    fn log_base_measure(&self, x: &[f64]) -> f64 {
        MultivariateNormal { d: self.d }.log_base_measure(x)
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        self.check(natural)?;
        let mut sum = 0.0;
        for i in 0..self.d {
            sum += super::Normal.log_partition(&self.coordinate(i, natural))?;
        }
        domain::computed(sum)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        self.check(natural)?;
        for i in 0..self.d {
            let mut both = [0.0; 2];
            super::Normal.mean_from_natural(&self.coordinate(i, natural), &mut both)?;
            [mean[i], mean[self.d + i]] = both;
        }
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, 2 * self.d)?;
        for i in 0..self.d {
            let mut both = [0.0; 2];
            super::Normal.natural_from_mean(&self.coordinate(i, mean), &mut both)?;
            [natural[i], natural[self.d + i]] = both;
        }
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        self.check(natural)?;
        let dim = 2 * self.d;
        out.fill(0.0);
        for i in 0..self.d {
            let mut block = [0.0; 4];
            super::Normal.fisher_information(&self.coordinate(i, natural), &mut block)?;
            let j = self.d + i;
            out[i * dim + i] = block[0];
            out[i * dim + j] = block[1];
            out[j * dim + i] = block[2];
            out[j * dim + j] = block[3];
        }
        Ok(())
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        self.check(natural)?;
        (0..self.d)
            .map(|i| super::Normal.sample(&self.coordinate(i, natural), rng))
            .collect()
    }

    fn log_density(&self, natural: &[f64], x: &[f64]) -> Result<f64, ArgumentError> {
        self.check(natural)?;
        if x.len() != self.d {
            return Ok(f64::NEG_INFINITY);
        }
        (x.iter().enumerate())
            .map(|(i, x)| super::Normal.log_density(&self.coordinate(i, natural), x))
            .sum()
    }

    fn kl_divergence(&self, natural: &[f64], other: &[f64]) -> Result<f64, ArgumentError> {
        self.check(natural)?;
        self.check(other)?;
        (0..self.d)
            .map(|i| {
                super::Normal
                    .kl_divergence(&self.coordinate(i, natural), &self.coordinate(i, other))
            })
            .sum()
    }

    /// Vectorised, as those of [`Normal`](super::Normal).
    fn evaluate_columns(
        &self,
        natural: &[f64],
        log_partition: &mut [f64],
        mean: &mut [f64],
    ) -> Result<(), ArgumentError> {
        let (n, d) = (log_partition.len(), self.d);
        domain::length("natural", natural, 2 * d * n)?;
        domain::length("mean", mean, 2 * d * n)?;
        let (linear, quadratic) = natural.split_at(d * n);
        let (first, second) = mean.split_at_mut(d * n);
        let mut own = vec![0.0; n];
        let mut inside = true;
        log_partition.fill(0.0);
        for start in (0..d * n).step_by(n.max(1)) {
            let range = start..start + n;
            inside &= super::normal::columns(
                &linear[range.clone()],
                &quadratic[range.clone()],
                &mut own,
                &mut first[range.clone()],
                &mut second[range],
            );
            for (sum, a) in log_partition.iter_mut().zip(&own) {
                *sum += a;
            }
        }
        if inside && log_partition.iter().all(|a| a.is_finite()) {
            return Ok(());
        }
        // Which one it is, and why.
        let mut theta = vec![0.0; 2 * d];
        for member in 0..n {
            for (k, t) in theta.iter_mut().enumerate() {
                *t = natural[k * n + member];
            }
            self.log_partition(&theta)?;
        }
        Err(ArgumentError::new(
            "natural",
            "a member whose log-partition overflows",
            "of finite log-partition and mean",
        ))
    }
}
