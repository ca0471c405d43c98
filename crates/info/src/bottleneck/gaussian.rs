//! The bottleneck of jointly normal variables, in closed form.

use ergodic_math::Real;
use nalgebra::{DMatrix, DVector};

use super::iterative::check_beta;
use crate::{InfoError, Information};

/// The Gaussian information bottleneck (Chechik, Globerson, Tishby and Weiss, *J. Mach. Learn.
/// Res.* 6, 165, 2005).
///
/// For jointly normal `X` and `Y` the optimal `T` is `A X + ξ` with standard normal noise `ξ`. With
/// `λ₁ ≤ λ₂ ≤ …` the eigenvalues of `Σ_{x|y} Σ_x⁻¹` (`1 − λ_i` are the squared canonical
/// correlations), direction `i` opens at `β_i = 1/(1 − λ_i)`, and
///
/// `I(T; X) = ½ Σ ln((β − 1)(1 − λ_i)/λ_i)`, `I(T; Y) = I(T; X) − ½ Σ ln(β (1 − λ_i))`
///
/// over the open directions.
///
/// **Cost**: `O(d³)` once; then `O(d)` per point.
///
/// **When not**: it uses the covariance alone. For other laws it is the bottleneck of the normal
/// law with that covariance, not of the data.
///
/// ```
/// use ergodic_info::bottleneck::GaussianBottleneck;
/// use nalgebra::DMatrix;
///
/// // One dimension each, correlation 0.8: opens at 1/0.64.
/// let problem = GaussianBottleneck::new(&DMatrix::from_row_slice(2, 2, &[1.0, 0.8, 0.8, 1.0]), 1)?;
/// assert!((problem.critical_betas()[0] - 1.5625).abs() < 1e-12);
/// // At large β all of −½ ln(1 − ρ²) is kept.
/// let kept = problem.at(1e9)?.relevance();
/// assert!((kept.nats() + 0.5 * 0.36f64.ln()).abs() < 1e-8);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianBottleneck {
    /// The squared canonical correlations `1 − λ_i`, descending; 0 where there is none. Kept
    /// themselves, as `λ` loses the figures of weak dependence.
    squares: Vec<f64>,
    /// `λ_i`.
    eigenvalues: Vec<f64>,
    /// `v_i` with `v_iᵀ Σ_x v_i = 1`, as columns, for the first of them.
    directions: DMatrix<f64>,
}

impl GaussianBottleneck {
    /// Reads the problem off the covariance of `(X, Y)`, of which the first `dimensions`
    /// coordinates are `X`.
    ///
    /// # Errors
    /// If the matrix is not square, not symmetric, not positive definite, or not finite, or if
    /// `dimensions` is not between 1 and its size less 1.
    pub fn new(covariance: &DMatrix<f64>, dimensions: usize) -> Result<Self, InfoError> {
        let n = covariance.nrows();
        let refuse = |found: String, allowed: &str| {
            Err(InfoError::argument("covariance", found, allowed.to_owned()))
        };
        if n != covariance.ncols() {
            return refuse(
                format!("a matrix of {n} × {}", covariance.ncols()),
                "square",
            );
        }
        if dimensions == 0 || dimensions >= n {
            return Err(InfoError::argument(
                "dimensions",
                dimensions,
                format!("between 1 and {}", n.saturating_sub(1)),
            ));
        }
        if covariance.iter().any(|v| !v.is_finite()) {
            return refuse(
                "a matrix with entries that are not finite".to_owned(),
                "finite",
            );
        }
        if (0..n).any(|i| covariance[(i, i)] <= 0.0) {
            return refuse("a variance at or below 0".to_owned(), "positive definite");
        }
        // In units of the standard deviations, which changes no information.
        let scales: Vec<f64> = (0..n).map(|i| covariance[(i, i)].sqrt()).collect();
        let correlation = DMatrix::from_fn(n, n, |i, j| covariance[(i, j)] / scales[i] / scales[j]);
        let asymmetry = (&correlation - correlation.transpose()).amax();
        if asymmetry > 1e-10 {
            return refuse(
                format!("a matrix off symmetry by {asymmetry:e}"),
                "symmetric",
            );
        }
        let m = n - dimensions;
        let xx = correlation
            .view((0, 0), (dimensions, dimensions))
            .into_owned();
        let xy = correlation
            .view((0, dimensions), (dimensions, m))
            .into_owned();
        let yy = correlation
            .view((dimensions, dimensions), (m, m))
            .into_owned();
        let factors = (xx.cholesky(), yy.cholesky(), correlation.cholesky());
        let (Some(xx), Some(yy), Some(_)) = factors else {
            return refuse("a matrix that is not".to_owned(), "positive definite");
        };
        // L⁻¹ Σ_xy Σ_yy⁻¹ Σ_yx L⁻ᵀ = C Cᵀ with the canonical correlations as singular values.
        let l = xx.l();
        let half = (l.solve_lower_triangular(&xy))
            .and_then(|left| yy.l().solve_lower_triangular(&left.transpose()));
        let Some(half) = half else {
            return refuse("a matrix that is not".to_owned(), "positive definite");
        };
        let decomposed = half.svd(false, true);
        let Some(right) = decomposed.v_t else {
            return refuse("a matrix that is not".to_owned(), "positive definite");
        };
        // What rounding leaves of no correlation is none.
        let rounding = 4.0 * n as f64 * f64::EPSILON;
        let mut squares: Vec<f64> = (decomposed.singular_values.iter())
            .map(|r| if *r > rounding { r * r } else { 0.0 })
            .collect();
        if squares.iter().any(|s| *s >= 1.0) {
            return refuse("a matrix that is not".to_owned(), "positive definite");
        }
        squares.resize(dimensions, 0.0);
        let whitened = right.transpose();
        // v = L⁻ᵀ u, back in the units of x.
        let Some(mut directions) = l.transpose().solve_upper_triangular(&whitened) else {
            return refuse("a matrix that is not".to_owned(), "positive definite");
        };
        for (i, mut row) in directions.row_iter_mut().enumerate() {
            row /= scales[i];
        }
        Ok(Self {
            eigenvalues: squares.iter().map(|s| 1.0 - s).collect(),
            squares,
            directions,
        })
    }

    /// The eigenvalues `λ_i` of `Σ_{x|y} Σ_x⁻¹`, ascending, in `(0, 1]`.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// The `β_i = 1/(1 − λ_i)` at which directions open, ascending; infinite for a direction that
    /// tells nothing of `Y`.
    pub fn critical_betas(&self) -> Vec<f64> {
        self.squares.iter().map(|s| 1.0 / s).collect()
    }

    /// `I(X; Y) = −½ Σ ln λ_i`.
    pub fn information(&self) -> Information {
        let sum: f64 = self.squares.iter().map(|s| Real::ln_1p(-s)).sum();
        Information::from_nats(-0.5 * sum)
    }

    /// The optimum at `β`.
    ///
    /// # Errors
    /// If `β` is negative or not finite.
    pub fn at(&self, beta: f64) -> Result<GaussianPoint, InfoError> {
        check_beta(beta)?;
        let (mut compression, mut loss) = (0.0, 0.0);
        let mut rows = Vec::new();
        for (i, (square, lambda)) in self.squares.iter().zip(&self.eigenvalues).enumerate() {
            let gain = beta * square;
            if gain > 1.0 {
                // (β − 1)(1 − λ)/λ is 1 + (gain − 1)/λ.
                compression += 0.5 * Real::ln_1p((gain - 1.0) / lambda);
                loss += 0.5 * Real::ln(gain);
                let scale = ((gain - 1.0) / lambda).sqrt();
                rows.push((self.directions.column(i) * scale).transpose());
            }
        }
        let projection = if rows.is_empty() {
            DMatrix::zeros(0, self.directions.nrows())
        } else {
            DMatrix::from_rows(&rows)
        };
        Ok(GaussianPoint {
            compression: Information::from_nats(compression.max(0.0)),
            relevance: Information::from_nats((compression - loss).max(0.0)),
            projection,
            beta,
        })
    }

    /// The most that a description of this many nats can keep of `Y`, `I(T; Y)` as a function of
    /// `I(T; X)`.
    ///
    /// # Errors
    /// If the compression is negative or not finite.
    pub fn relevance_at(&self, compression: Information) -> Result<Information, InfoError> {
        let nats = compression.nats();
        if !(nats.is_finite() && nats >= 0.0) {
            return Err(InfoError::argument(
                "compression",
                nats,
                "finite and at least 0",
            ));
        }
        // With k directions open, I = ½ Σ ln((β − 1)(1 − λ)/λ) gives β.
        let (mut odds, mut logs, mut kept) = (0.0, 0.0, 0.0);
        let open = self.squares.iter().filter(|s| **s > 0.0);
        for (i, square) in open.enumerate() {
            let k = (i + 1) as f64;
            odds += Real::ln(square / (1.0 - square));
            logs += Real::ln(*square);
            // ln(β − 1), and ln β without overflow.
            let log_excess = (2.0 * nats - odds) / k;
            let log_beta = ergodic_math::special::log1p_exp(log_excess);
            // The next direction is closed up to β = 1/(1 − λ), that is β − 1 = λ/(1 − λ).
            let next = self.squares.get(i + 1).filter(|s| **s > 0.0);
            let closed = next.is_none_or(|s| log_excess <= Real::ln((1.0 - s) / s));
            if closed {
                kept = nats - 0.5 * (k * log_beta + logs);
                break;
            }
        }
        Ok(Information::from_nats(kept.max(0.0)))
    }
}

/// A point of the Gaussian bottleneck's curve.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianPoint {
    compression: Information,
    relevance: Information,
    projection: DMatrix<f64>,
    beta: f64,
}

impl GaussianPoint {
    /// `I(T; X)`.
    pub const fn compression(&self) -> Information {
        self.compression
    }

    /// `I(T; Y)`.
    pub const fn relevance(&self) -> Information {
        self.relevance
    }

    /// `A`, one row per open direction: `T = A X + ξ` with standard normal `ξ`.
    pub const fn projection(&self) -> &DMatrix<f64> {
        &self.projection
    }

    /// The trade-off `β`.
    pub const fn beta(&self) -> f64 {
        self.beta
    }

    /// `A x`, the mean of `T` given `x`.
    ///
    /// # Errors
    /// If `x` has another number of coordinates than `X`.
    pub fn project(&self, x: &[f64]) -> Result<Vec<f64>, InfoError> {
        if x.len() != self.projection.ncols() {
            return Err(InfoError::argument(
                "x",
                format!("{} coordinates", x.len()),
                format!("{} coordinates", self.projection.ncols()),
            ));
        }
        let mean = &self.projection * DVector::from_column_slice(x);
        Ok(mean.iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (DMatrix<f64>, GaussianBottleneck) {
        let root = DMatrix::from_row_slice(
            5,
            5,
            &[
                1.0, 0.2, 0.1, 0.7, 0.1, 0.0, 1.5, 0.3, 0.2, 0.9, 0.4, 0.0, 0.8, 0.1, 0.3, 0.5,
                0.6, 0.0, 1.1, 0.2, 0.1, 0.9, 0.5, 0.0, 0.7,
            ],
        );
        let covariance = &root * root.transpose();
        let problem = GaussianBottleneck::new(&covariance, 3).unwrap();
        (covariance, problem)
    }

    #[test]
    fn informations_are_those_of_the_projection() {
        // I(T;X) = ½ ln |A Σ_x Aᵀ + 1|, I(T;Y) = that less ½ ln |A Σ_{x|y} Aᵀ + 1|.
        let (covariance, problem) = example();
        let x = covariance.view((0, 0), (3, 3)).into_owned();
        let y = covariance.view((3, 3), (2, 2)).into_owned();
        let xy = covariance.view((0, 3), (3, 2)).into_owned();
        let given = &x - &xy * y.try_inverse().unwrap() * xy.transpose();
        for beta in [1.0, 1.3, 2.0, 5.0, 100.0, 1e6] {
            let point = problem.at(beta).unwrap();
            let a = point.projection();
            let one = DMatrix::identity(a.nrows(), a.nrows());
            let all = 0.5 * (a * &x * a.transpose() + &one).determinant().ln();
            let rest = 0.5 * (a * &given * a.transpose() + &one).determinant().ln();
            let scale = 1.0 + all;
            assert!(
                (point.compression().nats() - all).abs() < 1e-9 * scale,
                "{beta}"
            );
            assert!(
                (point.relevance().nats() - (all - rest)).abs() < 1e-9 * scale,
                "{beta}"
            );
            let curve = problem.relevance_at(point.compression()).unwrap();
            assert!((curve - point.relevance()).nats().abs() < 1e-12, "{beta}");
        }
    }

    #[test]
    fn the_curve_is_concave_and_its_slope_is_one_over_beta() {
        let (_, problem) = example();
        let at = |i: f64| {
            problem
                .relevance_at(Information::from_nats(i))
                .unwrap()
                .nats()
        };
        assert_eq!(at(0.0), 0.0);
        for beta in [1.5, 2.5, 4.0, 30.0] {
            let point = problem.at(beta).unwrap();
            let here = point.compression().nats();
            if here > 0.0 {
                let slope = (at(here + 1e-5) - at(here - 1e-5)) / 2e-5;
                assert!((slope * beta - 1.0).abs() < 1e-6, "β = {beta}: {slope}");
            }
        }
        let curve: Vec<f64> = (0..60).map(|i| at(0.1 * f64::from(i))).collect();
        for w in curve.windows(3) {
            assert!(w[2] - w[1] <= w[1] - w[0] + 1e-12 && w[2] >= w[1] - 1e-12);
        }
        assert!((at(200.0) - problem.information().nats()).abs() < 1e-12);
    }

    #[test]
    fn no_direction_is_open_below_the_first_critical_beta() {
        let (_, problem) = example();
        let critical = problem.critical_betas();
        // Two coordinates of Y open two directions of X at most.
        assert!(critical[0] < critical[1] && critical[2] > 1e12);
        for (open, beta) in [
            (0, 0.999 * critical[0]),
            (1, 1.001 * critical[0]),
            (2, 1.001 * critical[1]),
        ] {
            assert_eq!(problem.at(beta).unwrap().projection().nrows(), open);
        }
        assert_eq!(
            problem.at(2.0).unwrap().project(&[0.0; 3]).unwrap().len(),
            problem.at(2.0).unwrap().projection().nrows()
        );
    }

    #[test]
    fn weak_dependence_keeps_its_figures_and_none_opens_nothing() {
        for rho in [1e-3, 1e-6, 1e-12] {
            let pair = DMatrix::from_row_slice(2, 2, &[1.0, rho, rho, 1.0]);
            let problem = GaussianBottleneck::new(&pair, 1).unwrap();
            let exact = -0.5 * (-rho * rho).ln_1p();
            assert!((problem.information().nats() / exact - 1.0).abs() < 1e-15);
            assert!((problem.critical_betas()[0] * rho * rho - 1.0).abs() < 1e-15);
        }
        let apart = DMatrix::from_diagonal(&DVector::from_column_slice(&[2.0, 3.0, 0.5]));
        let problem = GaussianBottleneck::new(&apart, 2).unwrap();
        assert_eq!(problem.critical_betas(), [f64::INFINITY; 2]);
        assert_eq!(problem.information(), Information::ZERO);
        assert_eq!(problem.at(1e300).unwrap().projection().nrows(), 0);
    }

    #[test]
    fn bad_covariances_are_refused() {
        let text = |m: DMatrix<f64>, d| GaussianBottleneck::new(&m, d).unwrap_err().to_string();
        let good = DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 0.5, 1.0]);
        assert!(text(good.clone(), 0).contains("dimensions"));
        assert!(text(good.clone(), 2).contains("dimensions"));
        assert!(text(DMatrix::zeros(2, 3), 1).contains("square"));
        assert!(
            text(DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 0.4, 1.0]), 1).contains("symmetric")
        );
        assert!(text(DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 1.0, 1.0]), 1).contains("definite"));
        assert!(text(DMatrix::from_row_slice(2, 2, &[0.0, 0.0, 0.0, 1.0]), 1).contains("definite"));
        assert!(
            text(DMatrix::from_row_slice(2, 2, &[1.0, f64::NAN, 0.0, 1.0]), 1).contains("finite")
        );
        let problem = GaussianBottleneck::new(&good, 1).unwrap();
        assert!(problem.at(-1.0).is_err());
        assert!(problem.at(f64::INFINITY).is_err());
        assert!(problem.relevance_at(Information::from_nats(-1.0)).is_err());
        assert!(problem.at(3.0).unwrap().project(&[1.0, 2.0]).is_err());
    }
}
