//! The elementary functions: `f32` against `f64`, edges, identical bits at every SIMD level. The
//! `f64` forms are compared with 60-digit references in `special.rs`.

use ergodic_math::Real;
use ergodic_math::elementary::{exp_slice, ln_slice, log1p_exp_slice, sigmoid_slice};
use ergodic_math::simd::{Level, Vectorize, vectorize_at};

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
) -> (f64, f32) {
    let mut worst = (0.0, 0.0);
    for x in sweep().filter(|&x| domain(x)) {
        let e = ulps(f(x), reference(f64::from(x)));
        if e.is_nan() || e > worst.0 {
            worst = (e, x);
        }
    }
    worst
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
fn f32_functions_are_within_their_ulps() {
    let all = |_: f32| true;
    for (name, (error, x), bound) in [
        ("exp", worst(Real::exp, libm::exp, all), 1.1),
        ("exp_m1", worst(Real::exp_m1, libm::expm1, all), 2.0),
        ("ln", worst(Real::ln, libm::log, |x| x > 0.0), 1.0),
        ("ln_1p", worst(Real::ln_1p, libm::log1p, |x| x > -1.0), 1.5),
        (
            "sigmoid",
            worst(Real::sigmoid, sigmoid, |x| x > -88.37),
            2.5,
        ),
        ("log1p_exp", worst(Real::log1p_exp, log1p_exp, all), 2.0),
    ] {
        assert!(error <= bound, "{name}({x}): {error} ulp, allowed {bound}");
    }
}

/// The edges that the documentation states, for one type.
fn edges<T: Real>(smallest_subnormal: T, largest: T) {
    let v = T::from_f64;
    let (inf, nan) = (v(f64::INFINITY), v(f64::NAN));
    let zero_or_nan = |x: T| x == T::ZERO;
    assert!(T::exp(-inf) == T::ZERO && T::exp(inf) == inf && T::exp(T::ZERO) == T::ONE);
    assert!(T::exp(largest) == inf && zero_or_nan(T::exp(-largest)));
    assert!(T::exp_m1(-inf) == -T::ONE && T::exp_m1(inf) == inf);
    assert!(T::exp_m1(largest) == inf && T::exp_m1(-largest) == -T::ONE);
    assert!(T::ln(T::ZERO) == -inf && T::ln(-T::ZERO) == -inf && T::ln(inf) == inf);
    assert!(T::ln(T::ONE) == T::ZERO);
    assert!(T::ln_1p(-T::ONE) == -inf && T::ln_1p(inf) == inf);
    assert!(T::sigmoid(inf) == T::ONE && zero_or_nan(T::sigmoid(-inf)));
    assert!(T::sigmoid(largest) == T::ONE && zero_or_nan(T::sigmoid(-largest)));
    assert!(T::sigmoid(T::ZERO).to_f64() == 0.5);
    assert!(T::log1p_exp(inf) == inf && zero_or_nan(T::log1p_exp(-inf)));
    assert!(T::log1p_exp(largest) == largest);
    for x in [smallest_subnormal, T::ZERO] {
        for x in [x, -x] {
            // ±0 and the subnormals pass unchanged, the sign of 0 too.
            assert!(T::exp_m1(x).to_f64().to_bits() == x.to_f64().to_bits());
            assert!(T::ln_1p(x).to_f64().to_bits() == x.to_f64().to_bits());
        }
    }
    for f in [T::exp, T::exp_m1, T::ln, T::ln_1p, T::sigmoid, T::log1p_exp] {
        assert!(f(nan).to_f64().is_nan());
    }
    for x in [-smallest_subnormal, -T::ONE, -largest, -inf] {
        assert!(T::ln(x).to_f64().is_nan());
        assert!(T::ln_1p(x - T::ONE - T::EPSILON).to_f64().is_nan());
    }
}

#[test]
fn edges_are_as_documented() {
    edges(f32::from_bits(1), f32::MAX);
    edges(f64::from_bits(1), f64::MAX);
}

#[test]
fn sigmoid_and_softplus_never_leave_their_range_and_never_decrease() {
    let mut last = (0.0f32, 0.0f32);
    for i in -120_000..=120_000 {
        let x = i as f32 * 1e-3;
        let (s, l) = (Real::sigmoid(x), Real::log1p_exp(x));
        assert!((0.0..=1.0).contains(&s) && l >= x.max(0.0), "{x}: {s} {l}");
        // Rounding may step back by an ulp or two, no more.
        let back = 1.0 - 4.0 * f32::EPSILON;
        assert!(s >= last.0 * back && l >= last.1 * back, "{x}");
        last = (s, l);
    }
}

struct Map<'a, T>(&'a mut [T], usize);
impl<T: Real> Vectorize for Map<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        match self.1 {
            0 => self.0.iter_mut().for_each(|x| *x = x.exp()),
            1 => self.0.iter_mut().for_each(|x| *x = x.exp_m1()),
            2 => self.0.iter_mut().for_each(|x| *x = x.ln()),
            3 => self.0.iter_mut().for_each(|x| *x = x.ln_1p()),
            4 => self.0.iter_mut().for_each(|x| *x = x.sigmoid()),
            _ => self.0.iter_mut().for_each(|x| *x = x.log1p_exp()),
        }
    }
}

fn same_bits<T: Real>(source: &[T]) {
    let scalar = [T::exp, T::exp_m1, T::ln, T::ln_1p, T::sigmoid, T::log1p_exp];
    for (i, f) in scalar.iter().enumerate() {
        for level in [Level::Portable, Level::Avx2, Level::Avx512] {
            let mut y = source.to_vec();
            vectorize_at(level, Map(&mut y, i));
            for (&y, &x) in y.iter().zip(source) {
                let one = std::hint::black_box(f)(std::hint::black_box(x)).to_f64();
                let y = y.to_f64();
                assert!(
                    y.to_bits() == one.to_bits() || y.is_nan() && one.is_nan(),
                    "function {i} at {x}: {y} at {level:?}, {one} alone"
                );
            }
        }
    }
}

#[test]
fn every_simd_level_and_scalar_code_give_the_same_bits() {
    let x: Vec<f32> = sweep().step_by(37).collect();
    same_bits(&x);
    let x: Vec<f64> = (0..u64::MAX - (1 << 50))
        .step_by(1 << 50)
        .map(|b| f64::from_bits(b ^ 0x5_5555_1234_9871))
        .chain((-4000..4000).map(|i| f64::from(i) * 0.01))
        .collect();
    same_bits(&x);
}

#[test]
fn slices_apply_the_scalar_functions() {
    for n in [0usize, 1, 7, 16, 33, 1000] {
        let x: Vec<f32> = (0..n).map(|i| i as f32 * 0.37 - 20.0).collect();
        let apply = |f: fn(&mut [f32]), g: fn(f32) -> f32| {
            let mut y = x.clone();
            f(&mut y);
            for (&y, &x) in y.iter().zip(&x) {
                assert!(y.to_bits() == g(x).to_bits() || y.is_nan() && g(x).is_nan());
            }
        };
        apply(exp_slice, Real::exp);
        apply(ln_slice, Real::ln);
        apply(sigmoid_slice, Real::sigmoid);
        apply(log1p_exp_slice, Real::log1p_exp);
    }
}
