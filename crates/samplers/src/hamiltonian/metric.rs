//! Metrics: the linear map between whitened momenta and velocities.

use std::fmt;

use ergodic_core::{ArgumentError, Randomness};
use nalgebra::DMatrix;

use ergodic_math::simd::{Vectorize, vectorize};

use super::lanes::{
    Aligned, LANES, add_scaled_body, combine_body, dot, dot_body, multiply_body, padded,
    project_body,
};

/// Whether applying `A` costs so much that `Aᵀ∇E` is kept beside the gradient.
pub(crate) const fn is_full(metric: &Metric) -> bool {
    matches!(metric.form, Form::Dense(_) | Form::LowRank { .. })
}

/// An estimate `Σ = A Aᵀ` of the covariance of the target, the inverse of the mass matrix.
///
/// | form | `A` | memory | cost of `A p` | fits |
/// |---|---|---|---|---|
/// | [`identity`](Self::identity) | `I` | none | none | scales that agree |
/// | [`diagonal`](Self::diagonal) | `diag(σ)` | `d` | `d` | independent coordinates |
/// | [`dense`](Self::dense) | Cholesky factor of `Σ` | `d²` | `2d²` | correlations, `d` to some hundred |
/// | [`low_rank`](Self::low_rank) | `D(I + U(Λ^½ − I)Uᵀ)`, `D = diag(σ)` | `(k+1)d` | `4kd` | a few strong directions in many dimensions |
///
/// Momenta are whitened (see the [module](crate::hamiltonian)): they are standard normal for every metric,
/// `A p` is the velocity and `½|p|²` the kinetic energy. A mass matrix that is not positive
/// definite has no metric: the constructors refuse it.
///
/// ```
/// use ergodic_samplers::hamiltonian::Metric;
///
/// let metric = Metric::diagonal(&[4.0, 9.0])?;
/// let mut velocity = [0.0; 2];
/// metric.velocity(&[1.0, -1.0], &mut velocity);
/// assert_eq!(velocity, [2.0, -3.0]);
/// assert!(Metric::diagonal(&[1.0, 0.0]).is_err());
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Metric {
    dim: Option<usize>,
    form: Form,
}

#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Form {
    Identity,
    /// Standard deviations, padded.
    Diagonal(Aligned),
    /// The columns of `A`, each padded.
    Dense(Aligned),
    LowRank {
        /// Standard deviations `σ`, padded.
        scale: Aligned,
        /// Orthonormal rows of `Uᵀ`, each padded.
        directions: Aligned,
        /// `λ^½ − 1` for each direction.
        stretch: Vec<f64>,
    },
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metric({}", self.name())?;
        if let Some(dim) = self.dim {
            write!(f, ", dim {dim}")?;
        }
        if let Form::LowRank { stretch, .. } = &self.form {
            write!(f, ", rank {}", stretch.len())?;
        }
        f.write_str(")")
    }
}

impl Default for Metric {
    fn default() -> Self {
        Self::identity()
    }
}

impl Metric {
    /// `Σ = I`, for any dimension.
    pub const fn identity() -> Self {
        Self {
            dim: None,
            form: Form::Identity,
        }
    }

    /// `Σ = diag(variances)`.
    ///
    /// # Errors
    /// If there are none, or one is not a positive normal number.
    pub fn diagonal(variances: &[f64]) -> Result<Self, ArgumentError> {
        Ok(Self {
            dim: Some(variances.len()),
            form: Form::Diagonal(scales(variances)?),
        })
    }

    /// `Σ` itself, by its Cholesky factor; `d³/3` operations.
    ///
    /// # Errors
    /// If `covariance` is empty, not square, not symmetric (to 10⁻¹⁰ of its diagonal), not finite
    /// or not positive definite.
    pub fn dense(covariance: &DMatrix<f64>) -> Result<Self, ArgumentError> {
        let dim = covariance.nrows();
        if dim == 0 || covariance.ncols() != dim {
            return Err(ArgumentError::new(
                "covariance",
                format!("{dim} × {}", covariance.ncols()),
                "square, of at least one row",
            ));
        }
        if let Some(entry) = covariance.iter().find(|c| !c.is_finite()) {
            return Err(ArgumentError::new("covariance", entry, "finite"));
        }
        for i in 0..dim {
            for j in 0..i {
                let (a, b) = (covariance[(i, j)], covariance[(j, i)]);
                let size = (covariance[(i, i)] * covariance[(j, j)]).abs().sqrt();
                if (a - b).abs() > 1e-10 * size {
                    return Err(ArgumentError::new(
                        "covariance",
                        format!("{a} at ({i}, {j}) and {b} at ({j}, {i})"),
                        "symmetric",
                    ));
                }
            }
        }
        let Some(cholesky) = covariance.clone().cholesky() else {
            return Err(ArgumentError::new(
                "covariance",
                "not positive definite",
                "positive definite",
            ));
        };
        Self::factor(&cholesky.l())
    }

    /// `Σ = A Aᵀ` from a square factor `A`, not necessarily triangular.
    ///
    /// # Errors
    /// If `factor` is empty, not square or not finite. That it is regular is the caller's
    /// business.
    pub fn factor(factor: &DMatrix<f64>) -> Result<Self, ArgumentError> {
        let dim = factor.nrows();
        if dim == 0 || factor.ncols() != dim {
            return Err(ArgumentError::new(
                "factor",
                format!("{dim} × {}", factor.ncols()),
                "square, of at least one row",
            ));
        }
        if let Some(entry) = factor.iter().find(|c| !c.is_finite()) {
            return Err(ArgumentError::new("factor", entry, "finite"));
        }
        let stride = padded(dim);
        let mut columns = Aligned::zeros(dim * stride);
        for (to, from) in columns.chunks_exact_mut(stride).zip(factor.column_iter()) {
            for (to, from) in to.iter_mut().zip(from.iter()) {
                *to = *from;
            }
        }
        Ok(Self {
            dim: Some(dim),
            form: Form::Dense(columns),
        })
    }

    /// `Σ = D (I + U(Λ − I)Uᵀ) D` with `D² = diag(variances)`, orthonormal `directions` (the rows
    /// of `Uᵀ`, one after the other, `k × d`) and their `eigenvalues`.
    ///
    /// # Errors
    /// If a variance or an eigenvalue is not a positive normal number, or the directions do not
    /// have `k·d` numbers or are not orthonormal to 10⁻⁸.
    pub fn low_rank(
        variances: &[f64],
        directions: &[f64],
        eigenvalues: &[f64],
    ) -> Result<Self, ArgumentError> {
        let (dim, rank) = (variances.len(), eigenvalues.len());
        let scale = scales(variances)?;
        if directions.len() != rank * dim {
            return Err(ArgumentError::new(
                "directions",
                format!("{} numbers", directions.len()),
                format!("{rank} directions × {dim}"),
            ));
        }
        if let Some(value) = eigenvalues.iter().find(|v| !(v.is_normal() && **v > 0.0)) {
            return Err(ArgumentError::new("eigenvalues", value, "finite, above 0"));
        }
        for (i, u) in directions.chunks_exact(dim).enumerate() {
            for (j, v) in directions.chunks_exact(dim).enumerate().take(i + 1) {
                let product = dot(u, v);
                let error = (product - f64::from(u8::from(i == j))).abs();
                if error.is_nan() || error > 1e-8 {
                    return Err(ArgumentError::new(
                        "directions",
                        format!("{product} as the product of {i} and {j}"),
                        "orthonormal",
                    ));
                }
            }
        }
        let stride = padded(dim);
        let mut rows = Aligned::zeros(rank * stride);
        for (to, from) in rows
            .chunks_exact_mut(stride)
            .zip(directions.chunks_exact(dim))
        {
            to[..dim].copy_from_slice(from);
        }
        Ok(Self {
            dim: Some(dim),
            form: Form::LowRank {
                scale,
                directions: rows,
                stretch: eigenvalues.iter().map(|v| v.sqrt() - 1.0).collect(),
            },
        })
    }

    /// The dimension, or `None` for the identity, which fits any.
    pub const fn dim(&self) -> Option<usize> {
        self.dim
    }

    /// Refuses a metric that does not have dimension `dim`.
    pub(crate) fn fits(&self, dim: usize) -> Result<(), ergodic_core::TargetError> {
        match self.dim {
            Some(own) if own != dim => {
                Err(ergodic_core::TargetError::dimension("the metric", own, dim))
            }
            _ => Ok(()),
        }
    }

    pub(crate) const fn form(&self) -> &Form {
        &self.form
    }

    /// `identity`, `diagonal`, `dense` or `low rank`.
    pub const fn name(&self) -> &'static str {
        match self.form {
            Form::Identity => "identity",
            Form::Diagonal(_) => "diagonal",
            Form::Dense(_) => "dense",
            Form::LowRank { .. } => "low rank",
        }
    }

    /// Draws a momentum: standard normal, in every metric.
    pub fn draw_momentum<R: Randomness + ?Sized>(&self, momentum: &mut [f64], rng: &mut R) {
        rng.fill_normal(momentum);
    }

    /// `½|p|²` in nats, the same in every metric.
    pub fn kinetic_energy(&self, momentum: &[f64]) -> f64 {
        0.5 * dot(momentum, momentum)
    }

    /// `A p`, the velocity `ẋ` of the whitened momentum `p`. Slices of length `d`.
    pub fn velocity(&self, momentum: &[f64], velocity: &mut [f64]) {
        vectorize(Apply(self, momentum, velocity, false));
    }

    /// `Aᵀ g`, the gradient in whitened coordinates. Slices of length `d`.
    pub fn whiten(&self, gradient: &[f64], whitened: &mut [f64]) {
        vectorize(Apply(self, gradient, whitened, true));
    }

    #[inline(always)]
    pub(crate) fn velocity_body(&self, momentum: &[f64], velocity: &mut [f64]) {
        let n = velocity.len();
        match &self.form {
            Form::Identity => velocity.copy_from_slice(momentum),
            Form::Diagonal(scale) => multiply_body(&scale[..n], momentum, velocity),
            Form::Dense(columns) => {
                combine_body(columns, self.stride(), momentum, velocity);
            }
            Form::LowRank {
                scale,
                directions,
                stretch,
            } => {
                velocity.copy_from_slice(momentum);
                self.stretch_along(directions, stretch, velocity);
                for (v, s) in velocity.iter_mut().zip(&**scale) {
                    *v *= s;
                }
            }
        }
    }

    #[inline(always)]
    pub(crate) fn whiten_body(&self, gradient: &[f64], whitened: &mut [f64]) {
        let n = whitened.len();
        match &self.form {
            Form::Identity => whitened.copy_from_slice(gradient),
            Form::Diagonal(scale) => multiply_body(&scale[..n], gradient, whitened),
            Form::Dense(columns) => {
                project_body(columns, self.stride(), gradient, whitened);
            }
            Form::LowRank {
                scale,
                directions,
                stretch,
            } => {
                multiply_body(&scale[..n], gradient, whitened);
                self.stretch_along(directions, stretch, whitened);
            }
        }
    }

    fn stride(&self) -> usize {
        padded(self.dim.unwrap_or(0)).max(LANES)
    }

    /// `v ← (I + Σ s u uᵀ) v`, one direction after the other: as the directions are orthonormal,
    /// what one adds is invisible to the next.
    #[inline(always)]
    fn stretch_along(&self, directions: &[f64], stretch: &[f64], v: &mut [f64]) {
        let n = v.len();
        for (u, s) in directions.chunks_exact(self.stride()).zip(stretch) {
            let u = &u[..n];
            add_scaled_body(s * dot_body(u, v), u, v);
        }
    }
}

/// `A` or `Aᵀ` applied to a vector.
struct Apply<'a>(&'a Metric, &'a [f64], &'a mut [f64], bool);

impl Vectorize for Apply<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self(metric, from, to, transposed) = self;
        if transposed {
            metric.whiten_body(from, to);
        } else {
            metric.velocity_body(from, to);
        }
    }
}

/// Padded square roots of variances.
fn scales(variances: &[f64]) -> Result<Aligned, ArgumentError> {
    if variances.is_empty() {
        return Err(ArgumentError::new("variances", "empty", "at least one"));
    }
    if let Some(v) = variances.iter().find(|v| !(v.is_normal() && **v > 0.0)) {
        return Err(ArgumentError::new("variances", v, "finite, above 0"));
    }
    let mut scale = Aligned::zeros(padded(variances.len()));
    for (s, v) in scale.iter_mut().zip(variances) {
        *s = v.sqrt();
    }
    Ok(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rotation and its eigenvalues as every form, where it has one.
    fn forms() -> Vec<(Metric, DMatrix<f64>)> {
        let (c, s) = (0.6, 0.8);
        let u = [c, s, 0.0, -s, c, 0.0];
        let variances = [4.0, 0.25, 2.0];
        let d = DMatrix::from_diagonal(&nalgebra::DVector::from_vec(vec![2.0, 0.5, 2.0f64.sqrt()]));
        let rows = DMatrix::from_row_slice(2, 3, &u);
        let lambda = DMatrix::from_diagonal(&nalgebra::DVector::from_vec(vec![9.0, 0.1]));
        let inner =
            DMatrix::identity(3, 3) + rows.transpose() * (lambda - DMatrix::identity(2, 2)) * &rows;
        let sigma = &d * inner * &d;
        vec![
            (Metric::identity(), DMatrix::identity(3, 3)),
            (Metric::diagonal(&variances).unwrap(), &d * &d),
            (Metric::dense(&sigma).unwrap(), sigma.clone()),
            (
                Metric::low_rank(&variances, &u, &[9.0, 0.1]).unwrap(),
                sigma,
            ),
        ]
    }

    #[test]
    fn velocity_after_whitening_is_the_covariance() {
        for (metric, sigma) in forms() {
            for j in 0..3 {
                let mut e = [0.0; 3];
                e[j] = 1.0;
                let (mut h, mut v) = ([0.0; 3], [0.0; 3]);
                metric.whiten(&e, &mut h);
                metric.velocity(&h, &mut v);
                for i in 0..3 {
                    let expected = sigma[(i, j)];
                    assert!(
                        (v[i] - expected).abs() < 1e-14 * sigma.amax(),
                        "{metric:?} ({i}, {j}): {} for {expected}",
                        v[i]
                    );
                }
            }
        }
    }

    #[test]
    fn metrics_that_are_not_positive_definite_are_refused() {
        let matrix = |a: [f64; 4]| DMatrix::from_row_slice(2, 2, &a);
        for bad in [
            matrix([1.0, 2.0, 2.0, 1.0]),
            matrix([1.0, 0.5, 0.4, 1.0]),
            matrix([f64::NAN, 0.0, 0.0, 1.0]),
            matrix([0.0, 0.0, 0.0, 1.0]),
            matrix([-1.0, 0.0, 0.0, 1.0]),
            DMatrix::zeros(0, 0),
            DMatrix::zeros(1, 2),
        ] {
            let error = Metric::dense(&bad).unwrap_err();
            assert_eq!(error.argument, "covariance", "{bad}");
        }
        for bad in [
            vec![],
            vec![0.0],
            vec![-1.0],
            vec![f64::INFINITY],
            vec![f64::NAN],
        ] {
            assert!(Metric::diagonal(&bad).is_err(), "{bad:?}");
        }
        assert!(Metric::low_rank(&[1.0, 1.0], &[1.0, 1.0], &[2.0]).is_err());
        assert!(Metric::low_rank(&[1.0, 1.0], &[1.0, 0.0], &[0.0]).is_err());
        assert!(Metric::low_rank(&[1.0, 1.0], &[f64::NAN, 0.0], &[1.0]).is_err());
        assert!(Metric::low_rank(&[1.0, 1.0], &[1.0], &[1.0]).is_err());
    }
}
