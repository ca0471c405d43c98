//! Functions whose conjugates have closed forms.

use ergodic_core::ArgumentError;
use ergodic_info::{Convex, InfoError, LogSumExp, NegativeEntropy, NegativeLogarithm, SquaredNorm};
use ergodic_math::Real;
use ergodic_math::special::{log1p_exp, sigmoid};
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::{Legendre, Smooth};

fn diagonal(hessian: &mut [f64], entries: impl ExactSizeIterator<Item = f64>) {
    let n = entries.len();
    hessian.fill(0.0);
    for (i, entry) in entries.enumerate() {
        hessian[i * n + i] = entry;
    }
}

/// `eᵈ − 1 − d`, with its digits near 0.
fn exp_excess(d: f64) -> f64 {
    if d.abs() > 0.5 {
        return Real::exp_m1(d) - d;
    }
    // d²/2 (1 + d/3 (1 + d/4 (…)))
    let mut sum = 1.0;
    for k in (3..20).rev() {
        sum = 1.0 + sum * d / f64::from(k);
    }
    0.5 * d * d * sum
}

impl Smooth for SquaredNorm {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        diagonal(hessian, x.iter().map(|_| 2.0));
    }
}

impl Legendre for SquaredNorm {
    type Conjugate = Scaled<SquaredNorm>;

    fn conjugate(&self) -> Scaled<SquaredNorm> {
        Scaled {
            factor: 0.25,
            function: SquaredNorm,
        }
    }
}

impl Smooth for NegativeEntropy {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        diagonal(hessian, x.iter().map(|x| 1.0 / x));
    }

    fn scaled_hessian_product(&self, _: &[f64], v: &[f64], out: &mut [f64]) {
        out.copy_from_slice(v);
    }
}

impl Legendre for NegativeEntropy {
    type Conjugate = SumOfExponentials;

    fn conjugate(&self) -> SumOfExponentials {
        SumOfExponentials
    }
}

impl Smooth for NegativeLogarithm {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        diagonal(hessian, x.iter().map(|x| 1.0 / x / x));
    }
}

impl Legendre for NegativeLogarithm {
    type Conjugate = NegativeLogarithmConjugate;

    fn conjugate(&self) -> NegativeLogarithmConjugate {
        NegativeLogarithmConjugate
    }
}

impl Smooth for LogSumExp {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        let n = x.len();
        let mut law = vec![0.0; n];
        self.gradient(x, &mut law);
        for i in 0..n {
            for j in 0..n {
                let own = if i == j { law[i] } else { 0.0 };
                hessian[i * n + j] = own - law[i] * law[j];
            }
        }
    }
}

impl Legendre for LogSumExp {
    type Conjugate = SimplexEntropy;

    fn conjugate(&self) -> SimplexEntropy {
        SimplexEntropy
    }
}

/// A function times a factor above 0.
///
/// ```
/// use ergodic_expfam::legendre::Scaled;
/// use ergodic_info::{Convex, SquaredNorm};
///
/// assert_eq!(Scaled::new(0.5, SquaredNorm)?.value(&[3.0, 1.0]), 5.0);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaled<F> {
    factor: f64,
    function: F,
}

impl<F> Scaled<F> {
    /// `factor · F`.
    ///
    /// # Errors
    /// Unless the factor is finite and above 0.
    pub fn new(factor: f64, function: F) -> Result<Self, ArgumentError> {
        crate::domain::positive("factor", factor)?;
        Ok(Self { factor, function })
    }
}

impl<F: Convex> Convex for Scaled<F> {
    fn value(&self, x: &[f64]) -> f64 {
        self.factor * self.function.value(x)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        self.function.gradient(x, gradient);
        for g in gradient {
            *g *= self.factor;
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        self.function.contains(x)
    }

    fn domain(&self) -> &'static str {
        self.function.domain()
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        self.factor * self.function.divergence(x, y)
    }
}

impl<F: Smooth> Smooth for Scaled<F> {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        self.function.hessian(x, hessian);
        for h in hessian {
            *h *= self.factor;
        }
    }

    fn scaled_hessian_product(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        self.function.scaled_hessian_product(x, v, out);
        for o in out {
            *o *= self.factor;
        }
    }
}

impl Legendre for Scaled<SquaredNorm> {
    type Conjugate = Self;

    fn conjugate(&self) -> Self {
        Self {
            factor: 0.25 / self.factor,
            function: SquaredNorm,
        }
    }
}

/// `½ xᵀQx` of a positive definite matrix; its conjugate is that of `Q⁻¹`, its divergence half the
/// squared Mahalanobis distance.
///
/// ```
/// use ergodic_expfam::legendre::{Legendre, Quadratic};
/// use ergodic_info::Convex;
/// use nalgebra::DMatrix;
///
/// let form = Quadratic::new(DMatrix::from_row_slice(2, 2, &[2.0, 0.0, 0.0, 4.0]))?;
/// assert_eq!(form.value(&[1.0, 1.0]), 3.0);
/// assert_eq!(form.conjugate().value(&[2.0, 4.0]), 3.0); // at the gradient: x·y − F(x)
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Quadratic {
    matrix: DMatrix<f64>,
    inverse: DMatrix<f64>,
}

impl Quadratic {
    /// Of this matrix, of which the lower triangle counts. Cost `O(n³)`.
    ///
    /// # Errors
    /// Unless it is square, not empty, finite and positive definite.
    pub fn new(matrix: DMatrix<f64>) -> Result<Self, InfoError> {
        let (rows, columns) = matrix.shape();
        let factor: Option<Cholesky<f64, Dyn>> =
            if rows == columns && rows > 0 && matrix.iter().all(|x| x.is_finite()) {
                matrix.clone().cholesky()
            } else {
                None
            };
        let Some(factor) = factor else {
            let found = format!("a {rows} × {columns} matrix that is not");
            let allowed = "symmetric positive definite and finite";
            return Err(ArgumentError::new("matrix", found, allowed).into());
        };
        let matrix = DMatrix::from_fn(rows, rows, |i, j| matrix[(i.max(j), i.min(j))]);
        Ok(Self {
            matrix,
            inverse: factor.inverse(),
        })
    }

    fn image(&self, x: &[f64]) -> DVector<f64> {
        &self.matrix * DVector::from_column_slice(x)
    }
}

impl Convex for Quadratic {
    fn value(&self, x: &[f64]) -> f64 {
        0.5 * super::dot(self.image(x).as_slice(), x)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        gradient.copy_from_slice(self.image(x).as_slice());
    }

    fn contains(&self, x: &[f64]) -> bool {
        x.len() == self.matrix.nrows()
    }

    fn domain(&self) -> &'static str {
        "as long as the matrix is wide"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        let off: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
        self.value(&off)
    }
}

impl Smooth for Quadratic {
    fn hessian(&self, _: &[f64], hessian: &mut [f64]) {
        hessian.copy_from_slice(self.matrix.as_slice()); // symmetric
    }
}

impl Legendre for Quadratic {
    type Conjugate = Self;

    fn conjugate(&self) -> Self {
        Self {
            matrix: self.inverse.clone(),
            inverse: self.matrix.clone(),
        }
    }
}

/// `Σ |x|ᵖ/p`, `p > 1`; its conjugate is that of `p/(p − 1)`.
///
/// Its divergence is a difference, with the absolute error of the values. Where `p < 2` the second
/// derivative at 0 is infinite.
///
/// ```
/// use ergodic_expfam::legendre::{Legendre, PowerSum};
/// use ergodic_info::Convex;
///
/// let cubes = PowerSum::new(3.0)?;
/// assert!((cubes.value(&[-2.0]) - 8.0 / 3.0).abs() < 1e-15);
/// assert!((cubes.conjugate().value(&[4.0]) - 16.0 / 3.0).abs() < 1e-14); // 4^{3/2}/(3/2)
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerSum {
    order: f64,
}

impl PowerSum {
    /// Of this order.
    ///
    /// # Errors
    /// Unless it is finite and above 1, and its dual order too.
    pub fn new(order: f64) -> Result<Self, ArgumentError> {
        if order > 1.0 && order.is_finite() && order / (order - 1.0) > 1.0 {
            return Ok(Self { order });
        }
        Err(ArgumentError::new("order", order, "finite and above 1"))
    }
}

impl Convex for PowerSum {
    fn value(&self, x: &[f64]) -> f64 {
        let terms = x.iter().map(|x| libm::pow(x.abs(), self.order));
        terms.sum::<f64>() / self.order
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = libm::pow(x.abs(), self.order - 1.0).copysign(*x);
        }
    }
}

impl Smooth for PowerSum {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        let second = |x: &f64| (self.order - 1.0) * libm::pow(x.abs(), self.order - 2.0);
        diagonal(hessian, x.iter().map(second));
    }
}

impl Legendre for PowerSum {
    type Conjugate = Self;

    fn conjugate(&self) -> Self {
        Self {
            order: self.order / (self.order - 1.0),
        }
    }
}

/// `Σ e^{y−1}`, the conjugate of [`NegativeEntropy`]; divergence `Σ e^{y−1}(eᵈ − 1 − d)`, `d = x − y`, to
/// a few ulp.
///
/// ```
/// use ergodic_expfam::legendre::SumOfExponentials;
/// use ergodic_info::Convex;
///
/// assert_eq!(SumOfExponentials.value(&[1.0, 1.0]), 2.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SumOfExponentials;

impl Convex for SumOfExponentials {
    fn value(&self, x: &[f64]) -> f64 {
        x.iter().map(|x| Real::exp(x - 1.0)).sum()
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = Real::exp(x - 1.0);
        }
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        let terms = x.iter().zip(y).map(|(x, y)| {
            let excess = exp_excess(x - y);
            if excess.is_finite() {
                Real::exp(y - 1.0) * excess
            } else {
                Real::exp(x - 1.0)
            }
        });
        terms.sum()
    }
}

impl Smooth for SumOfExponentials {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        diagonal(hessian, x.iter().map(|x| Real::exp(x - 1.0)));
    }
}

impl Legendre for SumOfExponentials {
    type Conjugate = NegativeEntropy;

    fn conjugate(&self) -> NegativeEntropy {
        NegativeEntropy
    }
}

/// `−n − Σ log(−y)` on `y < 0`, the conjugate of [`NegativeLogarithm`]; its divergence is that of
/// Itakura and Saito too.
///
/// ```
/// use ergodic_expfam::legendre::NegativeLogarithmConjugate;
/// use ergodic_info::Convex;
///
/// assert_eq!(NegativeLogarithmConjugate.value(&[-1.0]), -1.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NegativeLogarithmConjugate;

impl Convex for NegativeLogarithmConjugate {
    fn value(&self, x: &[f64]) -> f64 {
        x.iter().map(|x| -1.0 - Real::ln(-x)).sum()
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = -1.0 / x;
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        x.iter().all(|x| *x < 0.0)
    }

    fn domain(&self) -> &'static str {
        "below 0 in every place"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        let negative = |v: &[f64]| -> Vec<f64> { v.iter().map(|v| -v).collect() };
        NegativeLogarithm.divergence(&negative(x), &negative(y))
    }
}

impl Smooth for NegativeLogarithmConjugate {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        diagonal(hessian, x.iter().map(|x| 1.0 / x / x));
    }
}

impl Legendre for NegativeLogarithmConjugate {
    type Conjugate = NegativeLogarithm;

    fn conjugate(&self) -> NegativeLogarithm {
        NegativeLogarithm
    }
}

/// `Σ p log p` on laws, the conjugate of [`LogSumExp`]: divergence `KL(p‖q)`, gradient `log p` (up to a
/// constant, which no law sees).
///
/// The domain is the simplex: no entry below 0, sum 1 to 1e-9.
///
/// ```
/// use ergodic_expfam::legendre::SimplexEntropy;
/// use ergodic_info::Convex;
///
/// assert!((SimplexEntropy.value(&[0.5, 0.5]) + 2f64.ln()).abs() < 1e-15);
/// assert!(!SimplexEntropy.contains(&[0.5, 0.6]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimplexEntropy;

impl Convex for SimplexEntropy {
    fn value(&self, x: &[f64]) -> f64 {
        NegativeEntropy.value(x)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = Real::ln(*x);
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        x.iter().all(|x| *x >= 0.0) && (x.iter().sum::<f64>() - 1.0).abs() <= 1e-9
    }

    fn domain(&self) -> &'static str {
        "a law: nowhere below 0 and of sum 1"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        NegativeEntropy.divergence(x, y)
    }
}

impl Smooth for SimplexEntropy {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        NegativeEntropy.hessian(x, hessian);
    }

    fn scaled_hessian_product(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        NegativeEntropy.scaled_hessian_product(x, v, out);
    }
}

impl Legendre for SimplexEntropy {
    type Conjugate = LogSumExp;

    fn conjugate(&self) -> LogSumExp {
        LogSumExp
    }
}

/// `Σ log(1 + eˣ)`, the log-partition of independent coins; its gradient is the logistic function, its
/// conjugate [`BinaryEntropy`].
///
/// ```
/// use ergodic_expfam::legendre::SoftPlus;
/// use ergodic_info::Convex;
///
/// let mut p = [0.0];
/// SoftPlus.gradient(&[0.0], &mut p);
/// assert_eq!(p, [0.5]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoftPlus;

impl Convex for SoftPlus {
    fn value(&self, x: &[f64]) -> f64 {
        x.iter().map(|x| log1p_exp(*x)).sum()
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = sigmoid(*x);
        }
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        let pairs = x.iter().zip(y);
        pairs
            .map(|(x, y)| LogSumExp.divergence(&[*x, 0.0], &[*y, 0.0]))
            .sum()
    }
}

impl Smooth for SoftPlus {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        diagonal(hessian, x.iter().map(|x| sigmoid(*x) * sigmoid(-x)));
    }
}

impl Legendre for SoftPlus {
    type Conjugate = BinaryEntropy;

    fn conjugate(&self) -> BinaryEntropy {
        BinaryEntropy
    }
}

/// `Σ p log p + (1 − p) log(1 − p)` on `0 ≤ p ≤ 1` (of Fermi and Dirac), the conjugate of [`SoftPlus`].
///
/// ```
/// use ergodic_expfam::legendre::BinaryEntropy;
/// use ergodic_info::Convex;
///
/// assert!((BinaryEntropy.value(&[0.5, 1.0]) + 2f64.ln()).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BinaryEntropy;

impl Convex for BinaryEntropy {
    fn value(&self, x: &[f64]) -> f64 {
        x.iter()
            .map(|p| NegativeEntropy.value(&[*p, 1.0 - p]))
            .sum()
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (g, p) in gradient.iter_mut().zip(x) {
            *g = Real::ln(*p) - Real::ln_1p(-p);
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        x.iter().all(|p| (0.0..=1.0).contains(p))
    }

    fn domain(&self) -> &'static str {
        "from 0 to 1 in every place"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        let pairs = x.iter().zip(y);
        pairs
            .map(|(p, q)| NegativeEntropy.divergence(&[*p, 1.0 - p], &[*q, 1.0 - q]))
            .sum()
    }
}

impl Smooth for BinaryEntropy {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        diagonal(hessian, x.iter().map(|p| 1.0 / p / (1.0 - p)));
    }
}

impl Legendre for BinaryEntropy {
    type Conjugate = SoftPlus;

    fn conjugate(&self) -> SoftPlus {
        SoftPlus
    }
}
