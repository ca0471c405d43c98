//! The elementary functions against references of higher precision.

use ergodic_math::Real;

/// Every `f32`, thinned: all exponents, both signs, some 1.4 million mantissas.
fn sweep() -> impl Iterator<Item = f32> {
    (0..=u32::MAX)
        .step_by(3001)
        .map(f32::from_bits)
        .filter(|x| x.is_finite())
}

/// `|y − reference|` in units in the last place of `f32` at the reference.
fn ulps(y: f32, reference: f64) -> f64 {
    if f64::from(y) == reference || f64::from(y) == f64::from(reference as f32) {
        return 0.0; // an infinite result where the reference rounds to ∞ as well
    }
    let exponent = libm::ilogb(reference).max(-126);
    (f64::from(y) - reference).abs() / libm::scalbn(1.0, exponent - 23)
}

fn worst(
    f: impl Fn(f32) -> f32,
    reference: impl Fn(f64) -> f64,
    domain: impl Fn(f32) -> bool,
) -> f64 {
    let mut worst = (0.0, 0.0);
    for x in sweep().filter(|&x| domain(x)) {
        let e = ulps(f(x), reference(f64::from(x)));
        if !(e <= worst.0) {
            worst = (e, x);
        }
    }
    println!("{worst:?}");
    worst.0
}

fn sigmoid(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x > 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    }
}

fn log1p_exp(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

#[test]
fn f32_exp_is_accurate() {
    assert!(worst(Real::exp, libm::exp, |_| true) < 1.1);
}
#[test]
fn f32_exp_m1_is_accurate() {
    assert!(worst(Real::exp_m1, libm::expm1, |_| true) < 1.8);
}
#[test]
fn f32_ln_is_accurate() {
    assert!(worst(Real::ln, libm::log, |x| x > 0.0) < 1.0);
}
#[test]
fn f32_ln_1p_is_accurate() {
    assert!(worst(Real::ln_1p, libm::log1p, |x| x > -1.0) < 1.7);
}
#[test]
fn f32_sigmoid_is_accurate() {
    assert!(worst(Real::sigmoid, sigmoid, |x| x > -87.3365) < 2.5);
}
#[test]
fn f32_log1p_exp_is_accurate() {
    assert!(worst(Real::log1p_exp, log1p_exp, |_| true) < 2.5);
}
