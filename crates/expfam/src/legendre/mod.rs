//! Convex functions in pairs: conjugates, and the identities that bind a pair together.
//!
//! `F*(y) = sup_x x·y − F(x)` is the conjugate of `F` (Legendre, Fenchel); for a smooth and strictly
//! convex function `∇F* = (∇F)⁻¹`. Duality of natural and mean parameters, of Bregman divergences, of
//! losses and of thermodynamic potentials is this one transform. The functions are
//! [`ergodic_info::Convex`], their divergences [`ergodic_info::Bregman`]. References: Rockafellar,
//! *Convex Analysis*, 1970, §§12 and 26; Bauschke and Borwein, *J. Convex Anal.* 4, 1997.
//!
//! | function | conjugate |
//! |---|---|
//! | [`SquaredNorm`](ergodic_info::SquaredNorm) `‖x‖²` | `‖y‖²/4`, a [`Scaled`] one |
//! | [`Quadratic`] `½ xᵀQx` | `½ yᵀQ⁻¹y` |
//! | [`PowerSum`] `Σ \|x\|ᵖ/p` | `Σ \|y\|^q/q`, `1/p + 1/q = 1` |
//! | [`NegativeEntropy`](ergodic_info::NegativeEntropy) `Σ x log x` | [`SumOfExponentials`] `Σ e^{y−1}` |
//! | [`LogSumExp`](ergodic_info::LogSumExp) `log Σ eˣ` | [`SimplexEntropy`] `Σ p log p` on laws |
//! | [`SoftPlus`] `Σ log(1 + eˣ)` | [`BinaryEntropy`] `Σ p log p + (1 − p) log(1 − p)` |
//! | [`NegativeLogarithm`](ergodic_info::NegativeLogarithm) `−Σ log x` | [`NegativeLogarithmConjugate`] `−Σ log(−y) − n` |
//! | [`LogPartition`] `A(θ)` of a family | [`MeanConjugate`] `A*(μ)` |
//! | any smooth function | [`NumericConjugate`] |

mod log_partition;
mod numeric;
mod pairs;
mod projection;

use ergodic_core::ArgumentError;
use ergodic_info::{Convex, InfoError};

pub use log_partition::{LogPartition, MeanConjugate};
pub use numeric::{ConjugatePoint, NumericConjugate};
pub use pairs::{
    BinaryEntropy, NegativeLogarithmConjugate, PowerSum, Quadratic, Scaled, SimplexEntropy,
    SoftPlus, SumOfExponentials,
};
pub use projection::{
    BregmanProjection, left_centroid, project_onto_affine, project_onto_half_spaces, right_centroid,
};

/// A convex function with a Hessian.
pub trait Smooth: Convex {
    /// `∇²F(x)`, row-major, at a point where the gradient is finite.
    ///
    /// The body given here takes central differences of the gradient, with some eight digits.
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        differences(self, x, hessian);
    }

    /// `diag(x) ∇²F(x) v`: what changes of logits or of logarithms do to the gradient. Functions
    /// whose second derivatives are infinite where `x` is 0 override it.
    fn scaled_hessian_product(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        let n = x.len();
        let mut hessian = vec![0.0; n * n];
        self.hessian(x, &mut hessian);
        for (i, (out, row)) in out
            .iter_mut()
            .zip(hessian.chunks_exact(n.max(1)))
            .enumerate()
        {
            *out = x[i] * dot(row, v);
        }
    }
}

/// A function whose conjugate is known.
///
/// ```
/// use ergodic_expfam::legendre::Legendre;
/// use ergodic_info::{Convex, NegativeEntropy};
///
/// let exponentials = NegativeEntropy.conjugate();
/// // (x log x)* = e^{y−1}.
/// assert!((exponentials.value(&[2.0]) - 1f64.exp()).abs() < 1e-15);
/// ```
pub trait Legendre: Smooth {
    /// The function `F*`.
    type Conjugate: Smooth;

    /// `F*`.
    fn conjugate(&self) -> Self::Conjugate;
}

/// The Fenchel–Young loss `F(x) + F*(y) − x·y`, at least 0 and 0 where `y = ∇F(x)`.
///
/// It is `D_F(x‖∇F*(y)) = D_{F*}(y‖∇F(x))`, and computed as one of these, with their accuracy. Of
/// [`LogSumExp`](ergodic_info::LogSumExp) and a one-hot `y` it is the logistic loss of the logits `x`
/// (Blondel, Martins and Niculae, *JMLR* 21, 2020). Cost: a gradient and a divergence.
///
/// ```
/// use ergodic_expfam::legendre::fenchel_young_loss;
/// use ergodic_info::LogSumExp;
///
/// let loss = fenchel_young_loss(&LogSumExp, &[1.0, 3.0], &[0.0, 1.0])?;
/// assert!((loss - (-2f64).exp().ln_1p()).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
///
/// # Errors
/// If the lengths differ, a number is not finite, `x` is outside the domain of `F` or `y` outside that of
/// `F*`.
pub fn fenchel_young_loss<F: Legendre>(
    function: &F,
    x: &[f64],
    y: &[f64],
) -> Result<f64, InfoError> {
    let conjugate = function.conjugate();
    inside(function, "x", x)?;
    inside(&conjugate, "y", y)?;
    same_length("y", y, x.len())?;
    let mut image = vec![0.0; x.len()];
    function.gradient(x, &mut image);
    let loss = if usable(&conjugate, &image) {
        conjugate.divergence(y, &image)
    } else {
        conjugate.gradient(y, &mut image);
        if usable(function, &image) {
            function.divergence(x, &image)
        } else {
            (function.value(x) + conjugate.value(y) - dot(x, y)).max(0.0)
        }
    };
    known(loss)
}

/// `D_F(x‖y)` and `D_{F*}(∇F(y)‖∇F(x))`, which duality makes equal.
///
/// ```
/// use ergodic_expfam::legendre::dual_divergences;
/// use ergodic_info::NegativeLogarithm;
///
/// let (primal, dual) = dual_divergences(&NegativeLogarithm, &[1.0, 2.0], &[3.0, 0.5])?;
/// assert!((primal - dual).abs() < 1e-14);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
///
/// # Errors
/// If the points are outside the domain or of different length, or a gradient is not finite.
pub fn dual_divergences<F: Legendre>(
    function: &F,
    x: &[f64],
    y: &[f64],
) -> Result<(f64, f64), InfoError> {
    inside(function, "x", x)?;
    inside(function, "y", y)?;
    same_length("y", y, x.len())?;
    let conjugate = function.conjugate();
    let mut images = [vec![0.0; x.len()], vec![0.0; x.len()]];
    function.gradient(x, &mut images[0]);
    function.gradient(y, &mut images[1]);
    for (name, image) in ["x", "y"].into_iter().zip(&images) {
        if !usable(&conjugate, image) {
            return Err(boundary(name));
        }
    }
    let dual = known(conjugate.divergence(&images[1], &images[0]))?;
    Ok((known(function.divergence(x, y))?, dual))
}

/// The terms of the three-point identity, from [`three_points`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThreePoints {
    /// `D(x‖z)`.
    pub whole: f64,
    /// `D(x‖y)`.
    pub first: f64,
    /// `D(y‖z)`.
    pub second: f64,
    /// `⟨∇F(y) − ∇F(z), x − y⟩`: 0 at a right angle, where Pythagoras' theorem holds.
    pub angle: f64,
}

impl ThreePoints {
    /// `D(x‖z) − D(x‖y) − D(y‖z) − ⟨∇F(y) − ∇F(z), x − y⟩`, which is 0.
    pub fn defect(&self) -> f64 {
        self.whole - self.first - self.second - self.angle
    }
}

/// The law of cosines of a Bregman divergence,
/// `D(x‖z) = D(x‖y) + D(y‖z) + ⟨∇F(y) − ∇F(z), x − y⟩` (Chen and Teboulle, *SIAM J. Optim.* 3, 1993).
///
/// ```
/// use ergodic_expfam::legendre::three_points;
/// use ergodic_info::SquaredNorm;
///
/// let t = three_points(&SquaredNorm, &[0.0, 1.0], &[0.0, 0.0], &[2.0, 0.0])?;
/// assert_eq!((t.whole, t.first, t.second, t.angle), (5.0, 1.0, 4.0, 0.0));
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
///
/// # Errors
/// If a point is outside the domain, the lengths differ, or `y` or `z` is on the boundary, where the
/// gradient is not finite.
pub fn three_points<F: Convex>(
    function: &F,
    x: &[f64],
    y: &[f64],
    z: &[f64],
) -> Result<ThreePoints, InfoError> {
    for (name, point) in [("x", x), ("y", y), ("z", z)] {
        inside(function, name, point)?;
        same_length(name, point, x.len())?;
    }
    let (mut at_y, mut at_z) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    function.gradient(y, &mut at_y);
    function.gradient(z, &mut at_z);
    for (name, gradient) in [("y", &at_y), ("z", &at_z)] {
        if gradient.iter().any(|g| !g.is_finite()) {
            return Err(boundary(name));
        }
    }
    let angle = (0..x.len())
        .map(|i| (at_y[i] - at_z[i]) * (x[i] - y[i]))
        .sum();
    Ok(ThreePoints {
        whole: known(function.divergence(x, z))?,
        first: known(function.divergence(x, y))?,
        second: known(function.divergence(y, z))?,
        angle,
    })
}

/// Finite numbers in the domain.
fn inside<F: Convex + ?Sized>(
    function: &F,
    argument: &'static str,
    x: &[f64],
) -> Result<(), InfoError> {
    let bad = x.iter().position(|v| !v.is_finite());
    if let Some(i) = bad {
        let found = format!("a vector with {} at position {i}", x[i]);
        return Err(ArgumentError::new(argument, found, "finite").into());
    }
    if x.is_empty() || !function.contains(x) {
        let found = format!("{x:?}, outside the domain");
        return Err(ArgumentError::new(argument, found, function.domain()).into());
    }
    Ok(())
}

fn same_length(argument: &'static str, found: &[f64], expected: usize) -> Result<(), InfoError> {
    crate::domain::length(argument, found, expected).map_err(InfoError::from)
}

fn boundary(argument: &'static str) -> InfoError {
    let found = "a point where the gradient is not finite";
    ArgumentError::new(argument, found, "in the interior of the domain").into()
}

fn usable<F: Convex>(function: &F, x: &[f64]) -> bool {
    x.iter().all(|v| v.is_finite()) && function.contains(x)
}

/// A number, or what a user's function did instead.
fn known(value: f64) -> Result<f64, InfoError> {
    if value.is_nan() {
        let found = "a function that answers NaN";
        return Err(ArgumentError::new("function", found, "a number in its domain").into());
    }
    Ok(value)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    crate::member::dot(a, b)
}

/// The Hessian by central differences of the gradient, symmetrised.
fn differences<F: Convex + ?Sized>(function: &F, x: &[f64], hessian: &mut [f64]) {
    let n = x.len();
    let mut point = x.to_vec();
    let (mut up, mut down) = (vec![0.0; n], vec![0.0; n]);
    for k in 0..n {
        let mut step = 6e-6 * x[k].abs().max(1.0);
        // Nearer where the domain ends.
        for _ in 0..40 {
            point[k] = x[k] + step;
            let high = point[k];
            let mut good = function.contains(&point);
            function.gradient(&point, &mut up);
            point[k] = x[k] - step;
            let low = point[k];
            good &= function.contains(&point);
            function.gradient(&point, &mut down);
            point[k] = x[k];
            for i in 0..n {
                let slope = (up[i] - down[i]) / (high - low);
                good &= slope.is_finite();
                hessian[i * n + k] = slope;
            }
            if good {
                break;
            }
            step *= 0.125;
        }
    }
    for i in 0..n {
        for j in 0..i {
            let mean = 0.5 * (hessian[i * n + j] + hessian[j * n + i]);
            hessian[i * n + j] = mean;
            hessian[j * n + i] = mean;
        }
    }
}
