//! Correlation matrices, by the partial correlations in their Cholesky factor.

use ergodic_core::ArgumentError;
use ergodic_math::Real;

use super::{Bijection, at_least, outside};

/// The Cholesky factor `L` of an `n × n` correlation matrix `L Lᵀ`, from `n(n − 1)/2` coordinates.
///
/// The coordinates are the canonical partial correlations on the scale of Fisher,
/// `zᵢⱼ = tanh uᵢⱼ` (`j < i`), and fill the rows of `L` from left to right
/// (Lewandowski, Kurowicka and Joe, *J. Multivariate Anal.* 100, 1989, 2009):
///
/// `Lᵢⱼ = zᵢⱼ wᵢⱼ`, `wᵢ₁ = 1`, `wᵢ,ⱼ₊₁ = wᵢⱼ √(1 − zᵢⱼ²)`, `Lᵢᵢ = wᵢᵢ`.
///
/// `log |det ∂L/∂u| = Σ_{j < i} log(1 − zᵢⱼ²) + log wᵢⱼ`, for the entries below the diagonal: the
/// density of the target is taken with respect to these. A density `f(R)` of the matrix itself
/// becomes `f(L Lᵀ) Πᵢ Lᵢᵢⁿ⁻ⁱ` (`i = 2, …, n`); so the law `∝ |R|^{η − 1}` of the paper has the
/// energy `−Σᵢ (n − i + 2η − 2) log Lᵢᵢ`.
///
/// The parameters are the lower triangle row by row, diagonal included: `L[0,0]`, `L[1,0]`,
/// `L[1,1]`, …, of which the first is always 1. Cost: an exponential and a logarithm or two per
/// coordinate.
///
/// ```
/// use ergodic_samplers::transform::{Bijection, CorrelationCholesky};
///
/// let factor = CorrelationCholesky::new(2)?;
/// let mut l = [0.0; 3];
/// factor.constrain(&[0.5f64.atanh()], &mut l);
/// assert!((l[1] - 0.5).abs() < 1e-15 && (l[2] - 0.75f64.sqrt()).abs() < 1e-15);
/// assert_eq!(factor.names("L"), ["L[0,0]", "L[1,0]", "L[1,1]"]);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CorrelationCholesky {
    order: usize,
}

impl CorrelationCholesky {
    /// For `order × order` matrices, at least 2.
    ///
    /// # Errors
    /// If the order is smaller.
    pub fn new(order: usize) -> Result<Self, ArgumentError> {
        Ok(Self {
            order: at_least("order", order, 2)?,
        })
    }

    /// The number of rows and columns.
    pub const fn order(&self) -> usize {
        self.order
    }
}

/// `tanh u`, `1/cosh u` and the logarithm of the latter.
fn tanh_sech(u: f64) -> (f64, f64, f64) {
    let small = Real::exp(-2.0 * u.abs());
    let tanh = (-Real::exp_m1(-2.0 * u.abs()) / (1.0 + small)).copysign(u);
    let log_sech = std::f64::consts::LN_2 - u.abs() - Real::ln_1p(small);
    (tanh, Real::exp(log_sech), log_sech)
}

impl Bijection for CorrelationCholesky {
    fn dim(&self) -> usize {
        self.order * (self.order - 1) / 2
    }
    fn num_parameters(&self) -> usize {
        self.order * (self.order + 1) / 2
    }
    fn constrain(&self, u: &[f64], x: &mut [f64]) -> f64 {
        let (mut from, mut to, mut log_jacobian) = (0, 0, 0.0);
        for row in 0..self.order {
            let (mut rest, mut log_rest) = (1.0, 0.0);
            for column in 0..row {
                let (tanh, sech, log_sech) = tanh_sech(u[from + column]);
                x[to + column] = tanh * rest;
                log_jacobian += 2.0 * log_sech + log_rest;
                rest *= sech;
                log_rest += log_sech;
            }
            x[to + row] = rest;
            from += row;
            to += row + 1;
        }
        log_jacobian
    }
    fn unconstrain(&self, x: &[f64], u: &mut [f64]) -> Result<(), ArgumentError> {
        let (mut from, mut to) = (0, 0);
        for row in 0..self.order {
            let entries = &x[from..=from + row];
            let square: f64 = entries.iter().map(|l| l * l).sum();
            if square.is_nan() || (square - 1.0).abs() > 1e-8 {
                let found = format!("a factor whose row {row} has the square sum {square}");
                return Err(ArgumentError::new("x", found, "rows of square sum 1"));
            }
            if entries[row] <= 0.0 {
                return Err(outside(from + row, entries[row], "above 0 on the diagonal"));
            }
            // w² is the sum of squares from here on; from the right nothing is subtracted.
            let mut behind = entries[row] * entries[row];
            for column in (0..row).rev() {
                let entry = entries[column];
                // atanh(l/w) = asinh(l/√(w² − l²)).
                u[to + column] = libm::asinh(entry / Real::sqrt(behind));
                behind += entry * entry;
            }
            from += row + 1;
            to += row;
        }
        Ok(())
    }
    fn pull_back(&self, u: &[f64], x: &[f64], gradient_x: &[f64], gradient_u: &mut [f64]) {
        let (mut from, mut to) = (0, 0);
        for row in 0..self.order {
            // First w of every column, which the way back needs in reverse order.
            let mut rest = 1.0;
            for column in 0..row {
                gradient_u[from + column] = rest;
                rest *= tanh_sech(u[from + column]).1;
            }
            // `along` is w ∂/∂w of everything that follows from w, as in breaking a stick.
            let mut along = x[to + row] * gradient_x[to + row];
            for column in (0..row).rev() {
                let (tanh, sech, _) = tanh_sech(u[from + column]);
                let rest = gradient_u[from + column];
                let slope = gradient_x[to + column];
                gradient_u[from + column] = slope * rest * sech * sech - tanh * along + 2.0 * tanh;
                along += x[to + column] * slope - 1.0;
            }
            from += row;
            to += row + 1;
        }
    }
    fn names(&self, name: &str) -> Vec<String> {
        let rows = 0..self.order;
        rows.flat_map(|i| (0..=i).map(move |j| format!("{name}[{i},{j}]")))
            .collect()
    }
}
