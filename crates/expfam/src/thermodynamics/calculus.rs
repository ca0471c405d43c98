//! Integrals, roots and derivatives of functions that can fail, with one kind of error.

use ergodic_core::ArgumentError;
use ergodic_math::quadrature::Adaptive;
use ergodic_math::roots::brent;

/// `∫ₐᵇ f` to the tolerance, relative, or absolute in numbers of size `unit`.
///
/// # Errors
/// The first error of `f`; else one that names `argument`.
pub(super) fn integrate(
    argument: &'static str,
    tolerance: f64,
    unit: f64,
    a: f64,
    b: f64,
    mut f: impl FnMut(f64) -> Result<f64, ArgumentError>,
) -> Result<f64, ArgumentError> {
    let rule = Adaptive::new(tolerance * unit, tolerance)
        .map_err(|e| ArgumentError::new("tolerance", tolerance, e.to_string()))?;
    let mut failed = None;
    let found = rule.integrate(
        |x| {
            f(x).unwrap_or_else(|e| {
                failed.get_or_insert(e);
                f64::NAN
            })
        },
        a,
        b,
    );
    match (found, failed) {
        (_, Some(e)) => Err(e),
        (Ok(found), None) => Ok(found.value),
        (Err(e), None) => Err(ArgumentError::new(
            argument,
            e,
            format!("such that it can be integrated to {tolerance:e}"),
        )),
    }
}

/// Ends around a change of sign, found by growing `[a, b]` at the end of the smaller `|f|` (Press et al.,
/// *Numerical Recipes*, 3rd ed., §9.1). Where `f` fails, which may be just beyond the root, steps are halved.
fn bracket(
    mut a: f64,
    mut b: f64,
    f: &mut impl FnMut(f64) -> Result<f64, ArgumentError>,
) -> Result<(f64, f64), String> {
    const EXPANSIONS: usize = 80;
    const FACTOR: f64 = 1.6;
    let mut value = |x: f64| match f(x) {
        Ok(y) if y.is_nan() => Err(format!("not a number at {x}")),
        found => found.map_err(|e| e.to_string()),
    };
    let (mut fa, mut fb) = (value(a)?, value(b)?);
    // Steps to the left and to the right: a failure limits those of its side for good.
    let mut factors = (FACTOR, FACTOR);
    for _ in 0..EXPANSIONS {
        if (fa > 0.0) != (fb > 0.0) || fa == 0.0 || fb == 0.0 {
            return Ok((a, b));
        }
        let left = fa.abs() < fb.abs();
        let factor = if left { &mut factors.0 } else { &mut factors.1 };
        let width = *factor * (b - a);
        let next = if left { a - width } else { b + width };
        match value(next) {
            Ok(y) if left => (a, fa) = (next, y),
            Ok(y) => (b, fb) = (next, y),
            Err(reason) => {
                *factor *= 0.5;
                if *factor < 1e-9 {
                    return Err(reason);
                }
            }
        }
    }
    Err(format!("no change of sign: {fa} at {a}, {fb} at {b}"))
}

/// A root of `f` near `[a, b]`, to full precision.
///
/// # Errors
/// What `missing` makes of a function without a root there; the first error of `f` becomes the reason.
pub(super) fn root(
    a: f64,
    b: f64,
    mut f: impl FnMut(f64) -> Result<f64, ArgumentError>,
    missing: impl FnOnce(String) -> ArgumentError,
) -> Result<f64, ArgumentError> {
    let mut failed = None;
    let (a, b) = match bracket(a, b, &mut f) {
        Ok(ends) => ends,
        Err(reason) => return Err(missing(reason)),
    };
    let found = brent(
        |x| {
            f(x).unwrap_or_else(|e| {
                failed.get_or_insert(e);
                f64::NAN
            })
        },
        a,
        b,
        0.0,
    );
    match (found, failed) {
        (Ok(found), _) => Ok(found.x),
        (Err(_), Some(e)) => Err(missing(e.to_string())),
        (Err(e), None) => Err(missing(e.to_string())),
    }
}

/// `f′(x)` by central differences of fourth order with step `10⁻³|x|`: error about `10⁻¹²|f|/|x|` where
/// `f` varies on the scale of `x`.
pub(super) fn derivative(
    x: f64,
    mut f: impl FnMut(f64) -> Result<f64, ArgumentError>,
) -> Result<f64, ArgumentError> {
    let h = 1e-3 * if x == 0.0 { 1.0 } else { x.abs() };
    let near = f(x + h)? - f(x - h)?;
    let far = f(x + 2.0 * h)? - f(x - 2.0 * h)?;
    Ok((8.0 * near - far) / (12.0 * h))
}
