//! Matrix concentration: the Bernstein inequality and series with random signs.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use nalgebra::DMatrix;

use super::TailBound;
use crate::argument;

/// A random matrix of mean 0 that is a sum `Z = Σ Sₖ` of independent matrices of mean 0 with
/// `‖Sₖ‖ ≤ L` (one summand is a sum as well), and of matrix variance at most `v`.
///
/// ```
/// use ergodic_concentration::inequality::BoundedMatrix;
/// assert!(BoundedMatrix::symmetric(3, 1.0, 2.0).is_ok()); // v may exceed L²: many summands
/// assert_eq!(BoundedMatrix::rectangular(0, 3, 1.0, 1.0).unwrap_err().argument, "rows");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedMatrix {
    dimension: f64,
    limit: f64,
    variance: f64,
    two_sided: bool,
}

impl BoundedMatrix {
    /// Symmetric `d × d`: bounds are on the largest eigenvalue. `v ≥ ‖Σ E Sₖ²‖`, and it is enough that
    /// the largest eigenvalue of each `Sₖ` is at most `L`. For the norm use
    /// [`rectangular`](Self::rectangular) with `d` rows and columns.
    ///
    /// # Errors
    /// Unless `d ≥ 1` and `L`, `v` are finite and above 0.
    pub fn symmetric(dimension: usize, limit: f64, variance: f64) -> Result<Self, ArgumentError> {
        Self::new(count("dimension", dimension)?, limit, variance, false)
    }

    /// Any shape: bounds are on the norm, the largest singular value.
    /// `v ≥ max(‖Σ E SₖSₖᵀ‖, ‖Σ E SₖᵀSₖ‖)`.
    ///
    /// # Errors
    /// Unless the sizes are at least 1 and `L`, `v` are finite and above 0.
    pub fn rectangular(
        rows: usize,
        columns: usize,
        limit: f64,
        variance: f64,
    ) -> Result<Self, ArgumentError> {
        let dimension = count("rows", rows)? + count("columns", columns)?;
        Self::new(dimension, limit, variance, true)
    }

    fn new(
        dimension: f64,
        limit: f64,
        variance: f64,
        two_sided: bool,
    ) -> Result<Self, ArgumentError> {
        argument::positive("limit", limit)?;
        argument::positive("variance", variance)?;
        Ok(Self {
            dimension,
            limit,
            variance,
            two_sided,
        })
    }

    fn log_tail_per_dimension(&self, n: f64, t: f64) -> f64 {
        if t == 0.0 {
            return 0.0;
        }
        -n * (0.5 * t / (self.variance / t + self.limit / 3.0))
    }
}

fn count(argument: &'static str, found: usize) -> Result<f64, ArgumentError> {
    if found == 0 {
        return Err(ArgumentError::new(argument, found, "at least 1"));
    }
    Ok(found as f64)
}

/// The matrix Bernstein inequality: the largest eigenvalue (symmetric, `d` its size) or the norm
/// (`d` rows plus columns) of the mean of `n` independent copies is `t` or more with probability at
/// most `d exp(−nt²/2(v + Lt/3))`.
///
/// Source: J. Tropp, *An Introduction to Matrix Concentration Inequalities*, 2015, theorems 6.1.1 and
/// 6.6.1 (*Found. Comput. Math.* 12, 2012).
///
/// ```
/// use ergodic_concentration::inequality::{BoundedMatrix, MatrixBernstein, TailBound};
///
/// let bound = MatrixBernstein::new(BoundedMatrix::symmetric(10, 1.0, 0.5)?);
/// // log 10 − 100·.3²/2(.5 + .1)
/// assert!((bound.log_tail(100, 0.3)? - (10f64.ln() - 7.5)).abs() < 1e-13);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatrixBernstein {
    assumption: BoundedMatrix,
}

impl MatrixBernstein {
    /// Under this assumption.
    pub fn new(assumption: BoundedMatrix) -> Self {
        Self { assumption }
    }
}

impl TailBound for MatrixBernstein {
    fn name(&self) -> &'static str {
        "matrix Bernstein"
    }

    fn two_sided(&self) -> bool {
        self.assumption.two_sided
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let a = &self.assumption;
        Ok(libm::log(a.dimension) + a.log_tail_per_dimension(n, t))
    }
}

/// The matrix Bernstein inequality with the intrinsic dimension `tr V/‖V‖` in place of the ambient
/// one: `4 (tr V/‖V‖) exp(−nt²/2(v + Lt/3))` for `t ≥ √(v/n) + L/3n`, 1 below that.
///
/// `V ≽ Σ E Sₖ²` for symmetric matrices; for others `V` has the two blocks `V₁ ≽ Σ E SₖSₖᵀ` and
/// `V₂ ≽ Σ E SₖᵀSₖ`. Does not know how large the matrices are; use it where few directions hold most of
/// the variance. Source: J. Tropp, *An Introduction to Matrix Concentration Inequalities*, 2015,
/// theorems 7.3.1 and 7.7.1.
///
/// ```
/// use ergodic_concentration::inequality::*;
///
/// // A million dimensions, of which ten count.
/// let matrix = BoundedMatrix::symmetric(1_000_000, 1.0, 0.5)?;
/// let ambient = MatrixBernstein::new(matrix).radius(1000, 0.99)?;
/// let intrinsic = IntrinsicMatrixBernstein::new(matrix, 5.0)?.radius(1000, 0.99)?;
/// assert!(intrinsic < 0.8 * ambient);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntrinsicMatrixBernstein {
    assumption: BoundedMatrix,
    intrinsic_dimension: f64,
}

impl IntrinsicMatrixBernstein {
    /// Under this assumption, with the trace of `V` (of both blocks, where there are two).
    ///
    /// # Errors
    /// Unless the trace is between `v` and `d v`.
    pub fn new(assumption: BoundedMatrix, trace: f64) -> Result<Self, ArgumentError> {
        let intrinsic_dimension = trace / assumption.variance;
        // A trace computed by a sum may miss the ends by rounding.
        let slack = 1e-12;
        if intrinsic_dimension >= 1.0 - slack
            && intrinsic_dimension <= assumption.dimension * (1.0 + slack)
        {
            return Ok(Self {
                assumption,
                intrinsic_dimension: Real::max(intrinsic_dimension, 1.0),
            });
        }
        Err(ArgumentError::new(
            "trace",
            trace,
            format!(
                "between the variance {} and {} times that",
                assumption.variance, assumption.dimension
            ),
        ))
    }

    /// `tr V/‖V‖`.
    pub fn intrinsic_dimension(&self) -> f64 {
        self.intrinsic_dimension
    }
}

impl TailBound for IntrinsicMatrixBernstein {
    fn name(&self) -> &'static str {
        "matrix Bernstein (intrinsic dimension)"
    }

    fn two_sided(&self) -> bool {
        self.assumption.two_sided
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let a = &self.assumption;
        if t < (a.variance / n).sqrt() + a.limit / (3.0 * n) {
            return Ok(0.0);
        }
        Ok(libm::log(4.0 * self.intrinsic_dimension) + a.log_tail_per_dimension(n, t))
    }
}

/// A fixed list of matrices with independent random signs, or standard normal factors:
/// `Z = Σ εₖ Aₖ` has its largest eigenvalue (symmetric `Aₖ`, `d` their size) or its norm (`d` rows plus
/// columns) at `t` or above with probability at most `d exp(−t²/2v)`,
/// `v = max(‖Σ AₖAₖᵀ‖, ‖Σ AₖᵀAₖ‖)`.
///
/// For `n > 1` the mean of `n` copies: `d exp(−nt²/2v)`. Source: J. Tropp, *An Introduction to Matrix
/// Concentration Inequalities*, 2015, theorems 4.1.1 and 4.6.1.
///
/// ```
/// use ergodic_concentration::inequality::{MatrixSeries, TailBound};
/// use nalgebra::DMatrix;
///
/// let a = DMatrix::from_diagonal_element(2, 2, 1.0);
/// let series = MatrixSeries::symmetric(&vec![a; 8])?;
/// assert!((series.variance() - 8.0).abs() < 1e-13);
/// assert!((series.log_tail(1, 4.0)? - (2f64.ln() - 1.0)).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixSeries {
    dimension: f64,
    variance: f64,
    trace: f64,
    limit: f64,
    two_sided: bool,
}

impl MatrixSeries {
    /// Of symmetric matrices; the bound is on the largest eigenvalue.
    ///
    /// # Errors
    /// If there are none, they differ in size, are not symmetric, have an entry that is not finite, or
    /// are all 0.
    pub fn symmetric(coefficients: &[DMatrix<f64>]) -> Result<Self, ArgumentError> {
        check_series(coefficients)?;
        for a in coefficients {
            if a.nrows() != a.ncols() || *a != a.transpose() {
                return Err(ArgumentError::new(
                    "coefficients",
                    "a matrix that differs from its transpose",
                    "symmetric",
                ));
            }
        }
        let sum = total(coefficients, |a| a * a);
        Self::new(&[sum], coefficients, false)
    }

    /// Of matrices of any one shape; the bound is on the norm.
    ///
    /// # Errors
    /// If there are none, they differ in shape, have an entry that is not finite, or are all 0.
    pub fn rectangular(coefficients: &[DMatrix<f64>]) -> Result<Self, ArgumentError> {
        check_series(coefficients)?;
        let blocks = [
            total(coefficients, |a| a * a.transpose()),
            total(coefficients, |a| a.transpose() * a),
        ];
        Self::new(&blocks, coefficients, true)
    }

    fn new(
        blocks: &[DMatrix<f64>],
        coefficients: &[DMatrix<f64>],
        two_sided: bool,
    ) -> Result<Self, ArgumentError> {
        if blocks.iter().any(|b| b.iter().any(|x| !x.is_finite())) {
            return Err(ArgumentError::new(
                "coefficients",
                "a sum of squares that overflows",
                "below the square root of the largest number",
            ));
        }
        let largest = |m: &DMatrix<f64>| {
            m.symmetric_eigenvalues()
                .iter()
                .copied()
                .fold(0.0, f64::max)
        };
        let variance = blocks.iter().map(largest).fold(0.0, f64::max);
        argument::positive("variance of the series", variance)?;
        let limit = coefficients
            .iter()
            .map(|a| largest(&(a.transpose() * a)).sqrt())
            .fold(0.0, f64::max);
        Ok(Self {
            dimension: blocks.iter().map(|b| b.nrows() as f64).sum(),
            variance,
            trace: blocks.iter().map(DMatrix::trace).sum(),
            limit,
            two_sided,
        })
    }

    /// `v`.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// `tr V`, which [`IntrinsicMatrixBernstein`] asks for.
    pub fn trace(&self) -> f64 {
        self.trace
    }

    /// What the Bernstein inequalities make of the series with random signs.
    pub fn bounded(&self) -> BoundedMatrix {
        BoundedMatrix {
            dimension: self.dimension,
            limit: self.limit,
            variance: self.variance,
            two_sided: self.two_sided,
        }
    }
}

fn check_series(coefficients: &[DMatrix<f64>]) -> Result<(), ArgumentError> {
    let Some(first) = coefficients.first() else {
        return Err(ArgumentError::new(
            "coefficients",
            "empty",
            "at least one matrix",
        ));
    };
    count("rows", first.nrows())?;
    count("columns", first.ncols())?;
    for a in coefficients {
        if a.shape() != first.shape() {
            return Err(ArgumentError::new(
                "coefficients",
                format!("of shapes {:?} and {:?}", first.shape(), a.shape()),
                "of one shape",
            ));
        }
        if let Some(x) = a.iter().find(|x| !x.is_finite()) {
            return Err(ArgumentError::new("coefficients", x, "finite"));
        }
    }
    Ok(())
}

fn total(
    coefficients: &[DMatrix<f64>],
    square: impl Fn(&DMatrix<f64>) -> DMatrix<f64>,
) -> DMatrix<f64> {
    coefficients
        .iter()
        .map(square)
        .reduce(|sum, a| sum + a)
        .unwrap_or_else(|| DMatrix::zeros(0, 0))
}

impl TailBound for MatrixSeries {
    fn name(&self) -> &'static str {
        "matrix series"
    }

    fn two_sided(&self) -> bool {
        self.two_sided
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let standardised = t / self.variance.sqrt();
        Ok(libm::log(self.dimension) - 0.5 * n * standardised * standardised)
    }
}
