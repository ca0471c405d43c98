//! Thermodynamic length, and the schedules of least dissipation.

use ergodic_core::{ArgumentError, ExponentialFamily};
use nalgebra::{DMatrix, DVector};

use super::{calculus, law};
use crate::domain;

/// A path through parameters, `t ∈ [0, 1]`.
pub trait Curve {
    /// The parameters at `t`.
    fn at(&self, t: f64) -> Vec<f64>;

    /// Their derivatives at `t`.
    fn velocity(&self, t: f64) -> Vec<f64>;
}

/// The straight line between two points.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    from: Vec<f64>,
    to: Vec<f64>,
}

impl Line {
    /// Between these points.
    ///
    /// # Errors
    /// If they are not finite or not of equal length.
    pub fn new(from: &[f64], to: &[f64]) -> Result<Self, ArgumentError> {
        domain::finite("from", from, from.len())?;
        domain::finite("to", to, from.len())?;
        Ok(Self {
            from: from.to_vec(),
            to: to.to_vec(),
        })
    }
}

impl Curve for Line {
    fn at(&self, t: f64) -> Vec<f64> {
        self.from
            .iter()
            .zip(&self.to)
            .map(|(a, b)| (1.0 - t) * a + t * b)
            .collect()
    }

    fn velocity(&self, _: f64) -> Vec<f64> {
        self.from.iter().zip(&self.to).map(|(a, b)| b - a).collect()
    }
}

/// `θ̇ᵀ g θ̇` at `t`.
fn squared_speed<C: Curve + ?Sized>(
    metric: &impl Fn(&[f64]) -> Result<DMatrix<f64>, ArgumentError>,
    curve: &C,
    t: f64,
) -> Result<f64, ArgumentError> {
    let velocity = DVector::from_vec(curve.velocity(t));
    let g = metric(&curve.at(t))?;
    if g.shape() != (velocity.len(), velocity.len()) {
        return Err(ArgumentError::new(
            "metric",
            format!("a {} × {} matrix", g.nrows(), g.ncols()),
            format!("square, of dimension {}", velocity.len()),
        ));
    }
    let squared = velocity.dot(&(&g * &velocity));
    // A singular metric may come out below 0 by rounding.
    let scale = g.amax() * velocity.norm_squared();
    if squared >= 0.0 {
        Ok(squared)
    } else if squared >= -1e-12 * scale {
        Ok(0.0)
    } else {
        Err(ArgumentError::new(
            "metric",
            format!("{g} at {:?}", curve.at(t)),
            "positive semi-definite",
        ))
    }
}

/// The length of a curve, `L = ∫ √(θ̇ᵀ g(θ) θ̇) dt` (Crooks, *Phys. Rev. Lett.* 99, 100602, 2007).
///
/// The metric is any positive semi-definite matrix of the parameters: the Fisher information of a family or
/// of a [`System`](super::System) gives the thermodynamic length, in nats to the ½; the Fisher information
/// times a relaxation time, a friction (Sivak and Crooks, *Phys. Rev. Lett.* 108, 190602, 2012), one in
/// (nats·time)^½. It does not depend on the parametrisation or on the pace along the curve. Adaptive
/// Gauss–Kronrod integration to the tolerance; a metric per node.
///
/// # Errors
/// Those of the metric, and if it is not positive semi-definite or the tolerance cannot be reached.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Normal;
/// use ergodic_expfam::thermodynamics::{Line, thermodynamic_length};
/// use nalgebra::DMatrix;
///
/// // A normal law of mean 0 whose deviation grows from 1 to 3: √2 log 3.
/// let metric = |theta: &[f64]| {
///     let mut fisher = vec![0.0; 4];
///     Normal.fisher_information(theta, &mut fisher)?;
///     Ok(DMatrix::from_row_slice(2, 2, &fisher))
/// };
/// let line = Line::new(&Normal::natural(0.0, 1.0)?, &Normal::natural(0.0, 9.0)?)?;
/// let length = thermodynamic_length(metric, &line, 1e-12)?;
/// assert!((length - 2f64.sqrt() * 3f64.ln()).abs() < 1e-12);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn thermodynamic_length<C: Curve + ?Sized>(
    metric: impl Fn(&[f64]) -> Result<DMatrix<f64>, ArgumentError>,
    curve: &C,
    tolerance: f64,
) -> Result<f64, ArgumentError> {
    domain::positive("tolerance", tolerance)?;
    length_between(&metric, curve, 0.0, 1.0, tolerance, 1.0)
}

fn length_between<C: Curve + ?Sized>(
    metric: &impl Fn(&[f64]) -> Result<DMatrix<f64>, ArgumentError>,
    curve: &C,
    from: f64,
    to: f64,
    tolerance: f64,
    unit: f64,
) -> Result<f64, ArgumentError> {
    calculus::integrate("curve", tolerance, unit, from, to, |t| {
        Ok(squared_speed(metric, curve, t)?.sqrt())
    })
}

/// The divergence of a curve that is run in unit time, `J = ∫ θ̇ᵀ g(θ) θ̇ dt ≥ L²`, with equality at constant
/// speed (Crooks 2007).
///
/// With the friction metric, a process that takes a time `τ` dissipates `J/τ` nats to first order in `1/τ`;
/// with the Fisher metric, `n` steps that each relax fully dissipate `J/2n`.
///
/// # Errors
/// As [`thermodynamic_length`].
pub fn thermodynamic_divergence<C: Curve + ?Sized>(
    metric: impl Fn(&[f64]) -> Result<DMatrix<f64>, ArgumentError>,
    curve: &C,
    tolerance: f64,
) -> Result<f64, ArgumentError> {
    domain::positive("tolerance", tolerance)?;
    calculus::integrate("curve", tolerance, 1.0, 0.0, 1.0, |t| {
        squared_speed(&metric, curve, t)
    })
}

/// The schedule of least dissipation on a given curve: `t₀ = 0 < t₁ < … < tₙ = 1` such that all steps have the
/// same length, as constant speed minimises `J` (Crooks 2007; Sivak and Crooks 2012).
///
/// Each `tₖ` is found by bisection-guarded root finding on the length from `tₖ₋₁`, to the tolerance. The curve
/// itself is not changed: geodesics are shorter still.
///
/// # Errors
/// As [`thermodynamic_length`], and for no steps or a curve of length 0.
///
/// ```
/// use ergodic_expfam::thermodynamics::{Line, constant_speed_schedule};
/// use nalgebra::DMatrix;
///
/// // Stiffness of an overdamped trap, friction metric ∝ k⁻³: k^{−1/2} changes at a constant rate.
/// let metric = |k: &[f64]| Ok(DMatrix::from_element(1, 1, 0.25 / k[0].powi(3)));
/// let schedule = constant_speed_schedule(metric, &Line::new(&[1.0], &[4.0])?, 2, 1e-12)?;
/// let k = 1.0 + 3.0 * schedule[1];
/// assert!((k.powf(-0.5) - 0.75).abs() < 1e-11);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn constant_speed_schedule<C: Curve + ?Sized>(
    metric: impl Fn(&[f64]) -> Result<DMatrix<f64>, ArgumentError>,
    curve: &C,
    steps: usize,
    tolerance: f64,
) -> Result<Vec<f64>, ArgumentError> {
    domain::positive("tolerance", tolerance)?;
    if steps == 0 {
        return Err(ArgumentError::new("steps", 0, "at least 1"));
    }
    let total = length_between(&metric, curve, 0.0, 1.0, tolerance, 1.0)?;
    if total <= 0.0 {
        return Err(ArgumentError::new(
            "curve",
            "of length 0",
            "of a length above 0",
        ));
    }
    // Finer than a step, or neighbours would fall together.
    let fine = tolerance.min(1e-3 / steps as f64);
    let mut schedule = vec![0.0];
    let (mut last, mut done) = (0.0, 0.0);
    for k in 1..steps {
        let target = total * k as f64 / steps as f64;
        // Lengths are counted from the last point, whose own length is known.
        let t = crossing(
            last,
            1.0,
            |t| {
                let length = length_between(&metric, curve, last, t, fine, total)?;
                Ok((done + length - target) / total)
            },
            fine,
        )?;
        done += length_between(&metric, curve, last, t, fine, total)?;
        last = t;
        schedule.push(t);
    }
    schedule.push(1.0);
    Ok(schedule)
}

/// The place in `[a, b]` where a rising function crosses 0, by regula falsi (Illinois) to the tolerance.
fn crossing(
    mut a: f64,
    mut b: f64,
    mut f: impl FnMut(f64) -> Result<f64, ArgumentError>,
    tolerance: f64,
) -> Result<f64, ArgumentError> {
    let (mut fa, mut fb) = (f(a)?, f(b)?);
    let mut side = 0;
    // Beyond this the ends are neighbours.
    for _ in 0..200 {
        if b - a <= 4.0 * f64::EPSILON * b || fa >= 0.0 || fb <= 0.0 {
            break;
        }
        let mut t = (a * fb - b * fa) / (fb - fa);
        if !(t > a && t < b) {
            t = 0.5 * (a + b);
        }
        let ft = f(t)?;
        if ft.abs() <= tolerance {
            return Ok(t);
        }
        if ft < 0.0 {
            (a, fa) = (t, ft);
            if side == -1 {
                fb *= 0.5;
            }
            side = -1;
        } else {
            (b, fb) = (t, ft);
            if side == 1 {
                fa *= 0.5;
            }
            side = 1;
        }
    }
    Ok(if fa >= 0.0 {
        a
    } else if fb <= 0.0 {
        b
    } else {
        0.5 * (a + b)
    })
}

/// The dissipation of a protocol of switches between members of a family, each followed by full relaxation:
/// `Σ KL(θₖ‖θₖ₊₁)` nats, exactly.
///
/// It is `β(⟨W⟩ − ΔF)` of [`sudden_switch`](super::sudden_switch)es in a row; for many small steps it tends to
/// `½ Σ Δs² ≥ L²/2n`.
///
/// # Errors
/// If there are fewer than two points, or one is outside the natural domain.
///
/// ```
/// use ergodic_expfam::families::NormalKnownVariance;
/// use ergodic_expfam::thermodynamics::excess_of_full_relaxation;
///
/// // A trap that is moved by 3 in steps of 1, T = k = 1: 3 · ½.
/// let steps = [vec![0.0], vec![1.0], vec![2.0], vec![3.0]];
/// let excess = excess_of_full_relaxation(&NormalKnownVariance::new(1.0)?, &steps)?;
/// assert_eq!(excess, 1.5);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn excess_of_full_relaxation<F: ExponentialFamily>(
    family: &F,
    points: &[Vec<f64>],
) -> Result<f64, ArgumentError> {
    if points.len() < 2 {
        return Err(ArgumentError::new("points", points.len(), "at least 2"));
    }
    let mut sum = 0.0;
    for pair in points.windows(2) {
        domain::length("points", &pair[0], family.dim())?;
        domain::length("points", &pair[1], family.dim())?;
        sum += family.kl_divergence(&pair[0], &pair[1])?;
    }
    Ok(sum)
}

/// The length of the shortest curve between two laws on finitely many states in the Fisher metric:
/// `2 arccos Σ √(pᵢqᵢ)`, at most `π` (Wootters, *Phys. Rev. D* 23, 1981).
///
/// Relative accuracy for close laws: `4 arcsin(½‖√p − √q‖)`.
///
/// # Errors
/// If either is no law, or they are of different sizes.
pub fn geodesic_distance(p: &[f64], q: &[f64]) -> Result<f64, ArgumentError> {
    law::check("p", p, p.len())?;
    law::check("q", q, p.len())?;
    let squared: f64 = p
        .iter()
        .zip(q)
        .map(|(p, q)| {
            let d = p.sqrt() - q.sqrt();
            d * d
        })
        .sum();
    // ‖√p − √q‖² = 2 − 2cos(D/2) = 4 sin²(D/4), at most 2.
    Ok(4.0 * libm::asin((0.5 * squared.sqrt()).min(std::f64::consts::FRAC_1_SQRT_2)))
}

/// What `n` switches between laws on finitely many states, each followed by full relaxation, dissipate at
/// least: `D²/4n` nats, `D` the geodesic distance between first and last.
///
/// No asymptotics: `KL(p‖q) ≥ −2 log cos(d/2) ≥ d²/4` for each step of length `d` (Jensen's inequality, and
/// that of the cosine), and lengths add up to `D` at least. For many steps the true least is twice as much,
/// `L²/2n`.
///
/// # Errors
/// As [`geodesic_distance`], and for no steps.
///
/// ```
/// use ergodic_expfam::thermodynamics::dissipation_bound;
///
/// let (p, q) = ([0.5, 0.5], [0.9, 0.1]);
/// let at_once = 0.5 * (0.5f64 / 0.9).ln() + 0.5 * (0.5f64 / 0.1).ln();
/// assert!(dissipation_bound(&p, &q, 1)? <= at_once);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn dissipation_bound(p: &[f64], q: &[f64], steps: usize) -> Result<f64, ArgumentError> {
    if steps == 0 {
        return Err(ArgumentError::new("steps", 0, "at least 1"));
    }
    let distance = geodesic_distance(p, q)?;
    Ok(distance * distance / (4.0 * steps as f64))
}
