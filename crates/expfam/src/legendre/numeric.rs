//! The conjugate of any smooth strictly convex function, by Newton's method.

use ergodic_core::ArgumentError;
use ergodic_info::{Convex, InfoError};
use nalgebra::{DMatrix, DVector};

use super::{Legendre, Smooth, boundary, dot, inside, same_length};

/// The conjugate `F*(y) = sup_x x·y − F(x)`, solved anew at each `y`.
///
/// Newton's method on `F(x) − x·y` with steps that stay in the domain (Boyd and Vandenberghe,
/// *Convex Optimization*, 2004, §9.5), some ten Hessians and Cholesky factors per value. What
/// [`solve`](Self::solve) finds is the exact conjugate at `y − residual`, and a lower bound at `y`; at
/// its last step the value can grow by about `decrement`. Twice conjugated, a convex function is
/// itself.
///
/// As a [`Convex`] function it is `∞` where no maximum is found, which can also be where the supremum
/// is finite and not attained.
///
/// ```
/// use ergodic_expfam::legendre::NumericConjugate;
/// use ergodic_info::NegativeEntropy;
///
/// let conjugate = NumericConjugate::new(NegativeEntropy, [1.0])?;
/// let at = conjugate.solve(&[2.0])?;
/// assert!((at.value - 1f64.exp()).abs() < 1e-14); // e^{y−1}
/// assert!(at.residual < 1e-14);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NumericConjugate<F> {
    function: F,
    start: Vec<f64>,
}

/// A value of a [`NumericConjugate`], with what certifies it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConjugatePoint {
    /// `x·y − F(x)`: at most `F*(y)`, and `F*` of `∇F(x)` up to rounding and `x·(y − ∇F(x))`.
    pub value: f64,
    /// `x = ∇F*(y)`.
    pub argument: Vec<f64>,
    /// `max |y − ∇F(x)|`: how far off the slope is for which the value is exact.
    pub residual: f64,
    /// `½ rᵀ(∇²F)⁻¹r`, `r = y − ∇F(x)`: what another step would add.
    pub decrement: f64,
    /// Newton steps.
    pub iterations: usize,
}

/// Most Newton steps.
const STEPS: usize = 300;

/// The largest decrement of an answer, relative to the size of the value.
const TOLERANCE: f64 = 1e-12;

impl<F: Smooth> NumericConjugate<F> {
    /// Of a function, searched from a point inside its domain.
    ///
    /// # Errors
    /// If the point is empty, not finite, outside the domain or on its boundary.
    pub fn new(function: F, start: impl Into<Vec<f64>>) -> Result<Self, InfoError> {
        let start = start.into();
        inside(&function, "start", &start)?;
        let mut gradient = vec![0.0; start.len()];
        function.gradient(&start, &mut gradient);
        if !function.value(&start).is_finite() || gradient.iter().any(|g| !g.is_finite()) {
            return Err(boundary("start"));
        }
        Ok(Self { function, start })
    }

    /// The function.
    pub fn function(&self) -> &F {
        &self.function
    }

    /// The value at `y`, the point that attains it, and the certificate.
    ///
    /// # Errors
    /// If `y` has another length or is not finite; [`InfoError::NotConverged`] with the last decrement
    /// if no maximum is found, as where the supremum is infinite or not attained.
    pub fn solve(&self, slope: &[f64]) -> Result<ConjugatePoint, InfoError> {
        let n = self.start.len();
        same_length("slope", slope, n)?;
        if let Some(i) = slope.iter().position(|s| !s.is_finite()) {
            let found = format!("{} at index {i}", slope[i]);
            return Err(ArgumentError::new("slope", found, "finite").into());
        }
        let mut x = self.start.clone();
        let mut at = self.residual(&x, slope);
        let mut objective = self.function.value(&x) - dot(&x, slope);
        let mut hessian = vec![0.0; n * n];
        let mut decrement = f64::INFINITY;
        // Towards an infinite supremum the value outgrows every decrement, but the slope stays off.
        let slopes = largest(slope) + largest(&at);
        for iterations in 0..STEPS {
            self.function.hessian(&x, &mut hessian);
            let Some(direction) = newton_step(&hessian, &at) else {
                break;
            };
            decrement = 0.5 * dot(direction.as_slice(), &at);
            let scale = 1.0 + objective.abs() + abs_dot(&x, slope);
            let rounding = 1e-15 * scale;
            let mut next = None;
            let mut step = 1.0;
            while step > 1e-13 && decrement > 0.0 {
                let trial: Vec<f64> = (0..n).map(|i| x[i] + step * direction[i]).collect();
                if self.function.contains(&trial) {
                    let value = self.function.value(&trial) - dot(&trial, slope);
                    let there = self.residual(&trial, slope);
                    let lower = value <= objective - 0.2 * step * decrement;
                    // Below rounding only a smaller residual is progress.
                    let nearer = value <= objective + rounding && largest(&there) < largest(&at);
                    if value.is_finite()
                        && there.iter().all(|r| r.is_finite())
                        && (lower || nearer)
                        && trial != x
                    {
                        next = Some((trial, there, value));
                        break;
                    }
                }
                step *= 0.5;
            }
            let settled = decrement <= TOLERANCE * scale && largest(&at) <= 1e-6 * slopes;
            match next {
                Some((trial, there, value)) if !(settled && decrement <= 1e-28 * scale) => {
                    (x, at, objective) = (trial, there, value);
                }
                _ if settled => {
                    return Ok(ConjugatePoint {
                        value: -objective,
                        residual: largest(&at),
                        argument: x,
                        decrement: decrement.max(0.0),
                        iterations,
                    });
                }
                _ => break,
            }
        }
        Err(InfoError::NotConverged {
            quantity: "the maximum that is the conjugate",
            gap: decrement,
            tolerance: TOLERANCE,
            iterations: STEPS,
        })
    }

    /// `y − ∇F(x)`.
    fn residual(&self, x: &[f64], slope: &[f64]) -> Vec<f64> {
        let mut gradient = vec![0.0; x.len()];
        self.function.gradient(x, &mut gradient);
        slope.iter().zip(&gradient).map(|(s, g)| s - g).collect()
    }
}

/// `H⁻¹ r`, with a ridge of rounding size where `H` is singular to rounding.
pub(super) fn newton_step(hessian: &[f64], residual: &[f64]) -> Option<DVector<f64>> {
    let n = residual.len();
    let matrix = DMatrix::from_row_slice(n, n, hessian);
    if matrix.iter().any(|h| !h.is_finite()) {
        return None;
    }
    let right = DVector::from_column_slice(residual);
    let plain = matrix.clone().cholesky().map(|c| c.solve(&right));
    let good = |x: &DVector<f64>| x.iter().all(|v| v.is_finite());
    if let Some(step) = plain.filter(good) {
        return Some(step);
    }
    let largest = matrix.diagonal().amax().max(f64::MIN_POSITIVE);
    let ridged = matrix + DMatrix::identity(n, n) * (1e-12 * largest);
    ridged.cholesky().map(|c| c.solve(&right)).filter(good)
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m: f64, v| m.max(v.abs()))
}

fn abs_dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a * b).abs()).sum()
}

impl<F: Smooth> Convex for NumericConjugate<F> {
    fn value(&self, x: &[f64]) -> f64 {
        self.solve(x).map_or(f64::INFINITY, |at| at.value)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        match self.solve(x) {
            Ok(at) => gradient.copy_from_slice(&at.argument),
            Err(_) => gradient.fill(f64::NAN),
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        self.solve(x).is_ok()
    }

    fn domain(&self) -> &'static str {
        "a slope of the function, where the supremum is attained"
    }

    /// That of `F` with its arguments exchanged, `D_{F*}(x‖y) = D_F(∇F*(y)‖∇F*(x))`.
    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        match (self.solve(x), self.solve(y)) {
            (Ok(x), Ok(y)) => self.function.divergence(&y.argument, &x.argument),
            _ => f64::INFINITY,
        }
    }
}

impl<F: Smooth> Smooth for NumericConjugate<F> {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        let n = x.len();
        let inverse = self.solve(x).ok().and_then(|at| {
            self.function.hessian(&at.argument, hessian);
            let matrix = DMatrix::from_row_slice(n, n, hessian);
            Some(matrix.cholesky()?.inverse())
        });
        match inverse {
            Some(inverse) => hessian.copy_from_slice(inverse.as_slice()),
            None => hessian.fill(f64::NAN),
        }
    }
}

impl<F: Smooth + Clone> Legendre for NumericConjugate<F> {
    type Conjugate = F;

    fn conjugate(&self) -> F {
        self.function.clone()
    }
}
