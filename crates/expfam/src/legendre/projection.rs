//! Bregman projections onto affine sets and half-spaces, and centroids.

use ergodic_core::ArgumentError;
use ergodic_info::{Convex, InfoError};
use nalgebra::{DMatrix, DVector};

use super::numeric::newton_step;
use super::{Legendre, Smooth, boundary, dot, inside, known, same_length, usable};
use crate::domain;

/// The nearest point of a set in the sense of a Bregman divergence.
#[derive(Clone, Debug, PartialEq)]
pub struct BregmanProjection {
    /// `x`, with `∇F(x) = ∇F(x₀) + Σ λᵢaᵢ`.
    pub point: Vec<f64>,
    /// `λ`, one per row.
    pub multipliers: Vec<f64>,
    /// `D_F(x‖x₀)`.
    pub divergence: f64,
    /// `λ·(Ax − b)`: the divergence less the value of the dual. For a point of the set it bounds what
    /// the divergence exceeds the least by.
    pub gap: f64,
    /// By how much the worst row is missed.
    pub violation: f64,
    /// Newton steps, or passes over the half-spaces.
    pub iterations: usize,
}

/// How far rows may be missed, relative to the size of their terms.
const TOLERANCE: f64 = 1e-11;

/// The dual problem: `λ ↦ λ·b − F*(y₀ + Aᵀλ)`.
struct Dual<'a, C> {
    conjugate: C,
    from: &'a [f64],
    origin: Vec<f64>,
    matrix: &'a DMatrix<f64>,
    right: &'a [f64],
}

/// What some multipliers make: `y₀ + Aᵀλ`, `x = ∇F*` of it, and `b − Ax`.
struct At {
    image: Vec<f64>,
    point: Vec<f64>,
    missing: Vec<f64>,
}

impl<'a, C: Smooth> Dual<'a, C> {
    fn new<F: Legendre<Conjugate = C>>(
        function: &F,
        from: &'a [f64],
        matrix: &'a DMatrix<f64>,
        right: &'a [f64],
    ) -> Result<Self, InfoError> {
        inside(function, "from", from)?;
        let (rows, columns) = matrix.shape();
        if columns != from.len() || rows == 0 || matrix.iter().any(|a| !a.is_finite()) {
            let found = format!("a {rows} × {columns} matrix");
            let allowed = format!("finite, of some rows and {} columns", from.len());
            return Err(ArgumentError::new("matrix", found, allowed).into());
        }
        domain::finite("right", right, rows)?;
        let conjugate = function.conjugate();
        let mut origin = vec![0.0; from.len()];
        function.gradient(from, &mut origin);
        if !usable(&conjugate, &origin) {
            return Err(boundary("from"));
        }
        Ok(Self {
            conjugate,
            from,
            origin,
            matrix,
            right,
        })
    }

    /// `y₀ + Aᵀλ`.
    fn image(&self, multipliers: &[f64]) -> Vec<f64> {
        let shift = self.matrix.tr_mul(&DVector::from_column_slice(multipliers));
        self.origin.iter().zip(&shift).map(|(y, s)| y + s).collect()
    }

    /// `x = ∇F*(y)`, and `b − Ax`; none outside the domain.
    fn at(&self, multipliers: &[f64]) -> Option<At> {
        let image = self.image(multipliers);
        if !usable(&self.conjugate, &image) {
            return None;
        }
        let mut point = vec![0.0; image.len()];
        self.conjugate.gradient(&image, &mut point);
        let reached = self.matrix * DVector::from_column_slice(&point);
        let missing: Vec<f64> = self
            .right
            .iter()
            .zip(&reached)
            .map(|(b, r)| b - r)
            .collect();
        missing.iter().all(|m| m.is_finite()).then_some(At {
            image,
            point,
            missing,
        })
    }

    /// The largest miss, relative to the size of the row's terms; where they vanish with it, as next to the
    /// origin, relative to what roundings of the dual variables do to them.
    fn relative(&self, at: &At, missing: &[f64], rows: &[usize]) -> f64 {
        let size = |i: usize, x: &[f64]| -> f64 {
            let terms = self
                .matrix
                .row(i)
                .iter()
                .zip(x)
                .map(|(a, x)| (a * x).abs())
                .sum::<f64>();
            terms + self.right[i].abs()
        };
        let mut worst: f64 = 0.0;
        let mut spread: Option<Vec<f64>> = None;
        for &i in rows {
            let (miss, mut terms) = (missing[i].abs(), size(i, &at.point));
            if miss > 1e-15 * terms && miss <= 1e-12 * size(i, self.from) {
                terms += size(i, spread.get_or_insert_with(|| self.spread(&at.image)));
            }
            worst = worst.max(miss / terms.max(f64::MIN_POSITIVE));
        }
        worst
    }

    /// By how much each coordinate changes where the dual variables change by all of their size.
    fn spread(&self, image: &[f64]) -> Vec<f64> {
        let n = image.len();
        let mut hessian = vec![0.0; n * n];
        self.conjugate.hessian(image, &mut hessian);
        let sizes = image.iter().zip(&self.origin).enumerate();
        sizes
            .map(|(j, (y, origin))| hessian[j * n + j] * (y.abs() + origin.abs()))
            .map(|change| if change.is_finite() { change } else { 0.0 })
            .collect()
    }

    /// Newton's method in the multipliers of some rows; true if it met them.
    fn meet(&self, multipliers: &mut [f64], rows: &[usize]) -> (bool, usize) {
        let (n, d) = (self.origin.len(), rows.len());
        let Some(mut at) = self.at(multipliers) else {
            return (false, 0);
        };
        let part = self.matrix.select_rows(rows);
        let mut hessian = vec![0.0; n * n];
        for iterations in 0..200 {
            let miss = self.relative(&at, &at.missing, rows);
            if miss <= 1e-15 {
                return (true, iterations);
            }
            self.conjugate.hessian(&at.image, &mut hessian);
            let curvature = &part * DMatrix::from_row_slice(n, n, &hessian) * part.transpose();
            let residual: Vec<f64> = rows.iter().map(|&i| at.missing[i]).collect();
            let Some(direction) = newton_step(curvature.as_slice(), &residual) else {
                return (miss <= TOLERANCE, iterations);
            };
            // The slope of the concave dual along the direction is `residual·direction`; a step is taken
            // while it stays a good part of what it was, or the miss falls.
            let slope = dot(&residual, direction.as_slice());
            let mut step = 1.0;
            let mut next = None;
            while step > 1e-12 {
                let mut trial = multipliers.to_vec();
                for k in 0..d {
                    trial[rows[k]] += step * direction[k];
                }
                if let Some(there) = self.at(&trial) {
                    let left: f64 = (0..d).map(|k| there.missing[rows[k]] * direction[k]).sum();
                    if left.abs() <= 0.9 * slope.abs()
                        || self.relative(&there, &there.missing, rows) < miss
                    {
                        next = Some((trial, there));
                        break;
                    }
                }
                step *= 0.5;
            }
            match next {
                Some((trial, there))
                    if self.relative(&there, &there.missing, rows) < miss || miss > TOLERANCE =>
                {
                    multipliers.copy_from_slice(&trial);
                    at = there;
                }
                _ => return (miss <= TOLERANCE, iterations),
            }
        }
        (false, 200)
    }

    fn finish<F: Convex>(
        &self,
        function: &F,
        from: &[f64],
        multipliers: Vec<f64>,
        iterations: usize,
        violation: impl Fn(f64) -> f64,
    ) -> Result<BregmanProjection, InfoError> {
        let Some(At { point, missing, .. }) = self.at(&multipliers) else {
            return Err(boundary("from"));
        };
        Ok(BregmanProjection {
            divergence: known(function.divergence(&point, from))?,
            gap: -dot(&multipliers, &missing),
            violation: missing.iter().map(|m| violation(*m)).fold(0.0, f64::max),
            point,
            multipliers,
            iterations,
        })
    }
}

/// The point of `{x : Ax = b}` of least `D_F(x‖x₀)`, by Newton's method on the dual.
///
/// Of [`NegativeEntropy`](ergodic_info::NegativeEntropy) it is an information projection of measures, of
/// [`SquaredNorm`](ergodic_info::SquaredNorm) the orthogonal one. Rows may depend on each other if they
/// agree. Cost per step `O(mn² + m³)` for `m` rows of `n`. Bregman, *USSR Comput. Math. Math. Phys.* 7,
/// 1967.
///
/// ```
/// use ergodic_expfam::legendre::project_onto_affine;
/// use ergodic_info::NegativeEntropy;
/// use nalgebra::DMatrix;
///
/// // A measure made a law keeps its proportions.
/// let ones = DMatrix::from_element(1, 3, 1.0);
/// let p = project_onto_affine(&NegativeEntropy, &[1.0, 2.0, 1.0], &ones, &[1.0])?;
/// assert!((p.point[1] - 0.5).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
///
/// # Errors
/// If a shape is wrong, a number not finite, `x₀` not inside the domain, or
/// [`InfoError::NotConverged`] with the relative miss if no point inside the domain is on all the
/// hyperplanes.
pub fn project_onto_affine<F: Legendre>(
    function: &F,
    from: &[f64],
    matrix: &DMatrix<f64>,
    right: &[f64],
) -> Result<BregmanProjection, InfoError> {
    let dual = Dual::new(function, from, matrix, right)?;
    let rows: Vec<usize> = (0..right.len()).collect();
    let mut multipliers = vec![0.0; rows.len()];
    let (met, iterations) = dual.meet(&mut multipliers, &rows);
    if met {
        return dual.finish(function, from, multipliers, iterations, f64::abs);
    }
    let miss = dual
        .at(&multipliers)
        .map_or(f64::INFINITY, |at| dual.relative(&at, &at.missing, &rows));
    Err(InfoError::NotConverged {
        quantity: "the Bregman projection",
        gap: miss,
        tolerance: TOLERANCE,
        iterations,
    })
}

/// The point of `{x : Ax ≤ b}` of least `D_F(x‖x₀)`, by projections onto one half-space after the other
/// with the corrections of Dykstra.
///
/// The correction of a half-space is its multiplier, never above 0, so this is ascent of the dual along
/// its coordinates (Hildreth, *Nav. Res. Log. Q.* 4, 1957; Censor and Reich, *J. Optim. Theory Appl.* 96,
/// 1998; Bauschke and Lewis, *Optimization* 48, 2000). It ends when all rows hold and the gap is at most
/// `tolerance`; convergence is linear, slow where the half-spaces meet at small angles.
///
/// ```
/// use ergodic_expfam::legendre::project_onto_half_spaces;
/// use ergodic_info::SquaredNorm;
/// use nalgebra::DMatrix;
///
/// // The corner of x ≤ 1, y ≤ 1 is nearest to (2, 3).
/// let p = project_onto_half_spaces(&SquaredNorm, &[2.0, 3.0], &DMatrix::identity(2, 2), &[1.0, 1.0], 1e-12, 100)?;
/// assert!((p.point[0] - 1.0).abs() < 1e-12 && (p.point[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
///
/// # Errors
/// As [`project_onto_affine`], and if the tolerance is not above 0 or `passes` do not suffice.
pub fn project_onto_half_spaces<F: Legendre>(
    function: &F,
    from: &[f64],
    matrix: &DMatrix<f64>,
    right: &[f64],
    tolerance: f64,
    passes: usize,
) -> Result<BregmanProjection, InfoError> {
    domain::positive("tolerance", tolerance)?;
    let dual = Dual::new(function, from, matrix, right)?;
    let mut multipliers = vec![0.0; right.len()];
    let mut worst = f64::INFINITY;
    for pass in 0..=passes {
        if let Some(at) = dual.at(&multipliers) {
            let outside: Vec<f64> = at.missing.iter().map(|m| m.min(0.0)).collect();
            let rows: Vec<usize> = (0..right.len()).collect();
            let miss = dual.relative(&at, &outside, &rows);
            let gap = dot(&multipliers, &at.missing).abs();
            worst = gap.max(miss);
            if worst <= tolerance {
                return dual.finish(function, from, multipliers, pass, |m| (-m).max(0.0));
            }
        }
        for row in 0..right.len() {
            let old = multipliers[row];
            // With the correction taken back, is the point inside?
            multipliers[row] = 0.0;
            let free = dual.at(&multipliers);
            if free.is_some_and(|at| at.missing[row] >= 0.0) {
                continue;
            }
            multipliers[row] = old;
            if dual.meet(&mut multipliers, &[row]).0 {
                multipliers[row] = multipliers[row].min(0.0);
            }
        }
    }
    Err(InfoError::NotConverged {
        quantity: "the Bregman projection onto half-spaces",
        gap: worst,
        tolerance,
        iterations: passes,
    })
}

/// Checks points and weights, and divides the weights by their sum.
fn shares<F: Convex>(
    function: &F,
    points: &[&[f64]],
    weights: &[f64],
) -> Result<Vec<f64>, InfoError> {
    let Some(first) = points.first() else {
        return Err(ArgumentError::new("points", "empty", "at least one point").into());
    };
    for point in points {
        inside(function, "points", point)?;
        same_length("points", point, first.len())?;
    }
    domain::finite("weights", weights, points.len())?;
    for i in 0..weights.len() {
        domain::require("weights", weights, i, weights[i] >= 0.0, "at least 0")?;
    }
    let total: f64 = weights.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        let found = format!("a list with sum {total}");
        return Err(ArgumentError::new("weights", found, "of a sum above 0").into());
    }
    Ok(weights.iter().map(|w| w / total).collect())
}

/// The point `y` of least `Σ wᵢ D_F(xᵢ‖y)`: the mean `Σ wᵢxᵢ`, whatever `F`; and that least value,
/// `Σ wᵢF(xᵢ) − F(y)`, the Jensen gap (Banerjee et al., *JMLR* 6, 2005). Weights are divided by their
/// sum.
///
/// ```
/// use ergodic_expfam::legendre::right_centroid;
/// use ergodic_info::SquaredNorm;
///
/// let (mean, variance) = right_centroid(&SquaredNorm, &[&[1.0], &[3.0]], &[1.0, 1.0])?;
/// assert_eq!((mean[0], variance), (2.0, 1.0));
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
///
/// # Errors
/// If there is no point, one is outside the domain or of another length, or a weight is negative, not
/// finite, or missing, or all are 0.
pub fn right_centroid<F: Convex>(
    function: &F,
    points: &[&[f64]],
    weights: &[f64],
) -> Result<(Vec<f64>, f64), InfoError> {
    let shares = shares(function, points, weights)?;
    let mut mean = vec![0.0; points[0].len()];
    for (point, w) in points.iter().zip(&shares) {
        for (m, x) in mean.iter_mut().zip(*point) {
            *m += w * x;
        }
    }
    let mut value = 0.0;
    for (point, w) in points.iter().zip(&shares) {
        if *w > 0.0 {
            value += w * known(function.divergence(point, &mean))?;
        }
    }
    Ok((mean, value))
}

/// The point `y` of least `Σ wᵢ D_F(y‖xᵢ)`: `∇F*(Σ wᵢ∇F(xᵢ))`, a quasi-arithmetic mean; and that least
/// value (Nielsen and Nock, *IEEE Trans. Inf. Theory* 55, 2009). Of
/// [`NegativeEntropy`](ergodic_info::NegativeEntropy) the geometric mean, of the negative logarithm the
/// harmonic one, of a log-partition the member at the mean of the mean parameters.
///
/// ```
/// use ergodic_expfam::legendre::left_centroid;
/// use ergodic_info::NegativeEntropy;
///
/// let (geometric, _) = left_centroid(&NegativeEntropy, &[&[1.0], &[4.0]], &[1.0, 1.0])?;
/// assert!((geometric[0] - 2.0).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
///
/// # Errors
/// As [`right_centroid`], and if a point is on the boundary of the domain.
pub fn left_centroid<F: Legendre>(
    function: &F,
    points: &[&[f64]],
    weights: &[f64],
) -> Result<(Vec<f64>, f64), InfoError> {
    let shares = shares(function, points, weights)?;
    let conjugate = function.conjugate();
    let n = points[0].len();
    let (mut image, mut sum) = (vec![0.0; n], vec![0.0; n]);
    for (point, w) in points.iter().zip(&shares) {
        function.gradient(point, &mut image);
        if !usable(&conjugate, &image) {
            return Err(boundary("points"));
        }
        for (s, y) in sum.iter_mut().zip(&image) {
            *s += w * y;
        }
    }
    let mut centre = vec![0.0; n];
    conjugate.gradient(&sum, &mut centre);
    let mut value = 0.0;
    for (point, w) in points.iter().zip(&shares) {
        value += w * known(function.divergence(&centre, point))?;
    }
    Ok((centre, value))
}
