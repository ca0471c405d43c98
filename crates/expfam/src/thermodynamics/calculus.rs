//! Integrals, roots and derivatives of functions that can fail, with one kind of error.

use ergodic_core::ArgumentError;
use ergodic_math::quadrature::Adaptive;
use ergodic_math::roots::{brent, expand_bracket};

/// `∫ₐᵇ f` to the tolerance, relative and absolute.
///
/// # Errors
/// The first error of `f`; else one that names `argument`.
pub(super) fn integrate(
    argument: &'static str,
    tolerance: f64,
    a: f64,
    b: f64,
    mut f: impl FnMut(f64) -> Result<f64, ArgumentError>,
) -> Result<f64, ArgumentError> {
    let rule = Adaptive::new(tolerance, tolerance)
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
    const EXPANSIONS: usize = 40;
    let mut failed = None;
    let mut value = |x: f64| {
        f(x).unwrap_or_else(|e| {
            failed.get_or_insert(e);
            f64::NAN
        })
    };
    let found = expand_bracket(&mut value, a, b, EXPANSIONS)
        .and_then(|(a, b)| brent(&mut value, a, b, 0.0));
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
