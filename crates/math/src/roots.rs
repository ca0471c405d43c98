//! Roots and minima of functions of one variable: Brent's methods, safeguarded Newton, bracketing.
//!
//! All work on finite `f64` brackets, call the function a bounded number of times, and return a
//! typed error instead of NaN.

use std::fmt;

/// Why no root or minimum was found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RootError {
    /// An argument outside its domain.
    Argument {
        /// Which one.
        argument: &'static str,
        /// What was found.
        found: f64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The function has the same sign at both ends of the bracket.
    NoSignChange {
        /// The bracket.
        bracket: (f64, f64),
        /// The values at its ends.
        values: (f64, f64),
    },
    /// The function, or its derivative, is NaN (or infinite where that is not allowed).
    NonFinite {
        /// Where.
        x: f64,
        /// The value found.
        value: f64,
    },
    /// The budget of evaluations is spent.
    NotConverged {
        /// The bracket that is left.
        bracket: (f64, f64),
        /// The evaluations spent.
        evaluations: usize,
    },
}

impl fmt::Display for RootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument {
                argument,
                found,
                allowed,
            } => write!(f, "{argument} is {found}, but must be {allowed}"),
            Self::NoSignChange { bracket, values } => write!(
                f,
                "no sign change on [{}, {}]: the function is {} and {} at its ends",
                bracket.0, bracket.1, values.0, values.1
            ),
            Self::NonFinite { x, value } => write!(f, "the function is {value} at {x}"),
            Self::NotConverged {
                bracket,
                evaluations,
            } => write!(
                f,
                "not converged after {evaluations} evaluations, left with [{}, {}]",
                bracket.0, bracket.1
            ),
        }
    }
}

impl std::error::Error for RootError {}

/// A root that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Root {
    /// The place.
    pub x: f64,
    /// The function there.
    pub value: f64,
    /// How often the function was called.
    pub evaluations: usize,
}

/// A local minimum that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minimum {
    /// The place.
    pub x: f64,
    /// The function there.
    pub value: f64,
    /// How often the function was called.
    pub evaluations: usize,
}

/// Evaluations that [`brent`], [`newton`] and [`minimize`] spend at most. Brent's bound for a
/// bracket of relative width 1 and full precision is `(log₂ 1/ε)² ≈ 2800`; in practice some ten
/// suffice.
pub const MAX_EVALUATIONS: usize = 4000;

fn finite(argument: &'static str, x: f64) -> Result<f64, RootError> {
    if x.is_finite() {
        Ok(x)
    } else {
        Err(RootError::Argument {
            argument,
            found: x,
            allowed: "finite",
        })
    }
}

fn tolerance(t: f64) -> Result<f64, RootError> {
    if t.is_finite() && t >= 0.0 {
        Ok(t)
    } else {
        Err(RootError::Argument {
            argument: "tolerance",
            found: t,
            allowed: "finite and not negative",
        })
    }
}

/// The midpoint without overflow.
fn middle(a: f64, b: f64) -> f64 {
    0.5 * a + 0.5 * b
}

/// Evaluates, counting, with NaN as an error. Infinities have a sign and may bracket a root.
struct Counted<F> {
    f: F,
    evaluations: usize,
}

impl<F: FnMut(f64) -> f64> Counted<F> {
    fn at(&mut self, x: f64) -> Result<f64, RootError> {
        self.evaluations += 1;
        let value = (self.f)(x);
        if value.is_nan() {
            return Err(RootError::NonFinite { x, value });
        }
        Ok(value)
    }
}

/// A root of `f` in `[a, b]`, where `f(a)` and `f(b)` differ in sign or one is 0, by Brent's
/// combination of bisection, secant and inverse quadratic interpolation.
///
/// Returns an `x` for which a sign change lies within `2·tolerance + 4ε|x|`; `tolerance = 0` asks
/// for full precision. `f` need not be continuous (then the place of a sign change is found), and
/// may be infinite but not NaN. The ends may come in either order.
///
/// Cost: superlinear, some ten calls of a smooth `f`; each run of slow steps ends in a bisection.
///
/// Source: R. P. Brent, *Algorithms for Minimization without Derivatives*, 1973, ch. 4.
///
/// # Errors
/// [`RootError`] for ends that are not finite or have no sign change between them, NaN of `f`,
/// and [`MAX_EVALUATIONS`] spent.
///
/// ```
/// use ergodic_math::roots::brent;
///
/// // The spontaneous magnetisation of the Curie–Weiss model at β = 1.2: m = tanh βm.
/// let m = brent(|m| m - (1.2 * m).tanh(), 0.1, 1.0, 0.0)?;
/// assert!((m.x - (1.2 * m.x).tanh()).abs() < 1e-15);
/// # Ok::<(), ergodic_math::roots::RootError>(())
/// ```
pub fn brent(f: impl FnMut(f64) -> f64, a: f64, b: f64, tolerance: f64) -> Result<Root, RootError> {
    let (mut a, mut b) = (finite("a", a)?, finite("b", b)?);
    let t = self::tolerance(tolerance)?;
    let mut f = Counted { f, evaluations: 0 };
    let (mut fa, mut fb) = (f.at(a)?, f.at(b)?);
    if fa * fb.signum() > 0.0 && fb != 0.0 {
        return Err(RootError::NoSignChange {
            bracket: (a, b),
            values: (fa, fb),
        });
    }
    // b is the best point, c the opposite end of the bracket, a the previous b.
    let (mut c, mut fc) = (a, fa);
    let mut step = b - a;
    let mut before = step;
    loop {
        if fc.abs() < fb.abs() {
            (a, b, c) = (b, c, b);
            (fa, fb, fc) = (fb, fc, fb);
        }
        let width = 2.0 * f64::EPSILON * b.abs() + t;
        let half = 0.5 * c - 0.5 * b;
        if half.abs() <= width || fb == 0.0 {
            return Ok(Root {
                x: b,
                value: fb,
                evaluations: f.evaluations,
            });
        }
        if f.evaluations >= MAX_EVALUATIONS {
            return Err(RootError::NotConverged {
                bracket: (b.min(c), b.max(c)),
                evaluations: f.evaluations,
            });
        }
        let mut bisect = true;
        if before.abs() >= width && fa.abs() > fb.abs() && fa.is_finite() && fc.is_finite() {
            let s = fb / fa;
            let (mut p, mut q) = if a == c {
                (2.0 * half * s, 1.0 - s)
            } else {
                let (u, v) = (fa / fc, fb / fc);
                (
                    s * (2.0 * half * u * (u - v) - (b - a) * (v - 1.0)),
                    (u - 1.0) * (v - 1.0) * (s - 1.0),
                )
            };
            if p > 0.0 {
                q = -q;
            } else {
                p = -p;
            }
            if 2.0 * p < (3.0 * half * q - (width * q).abs()).min((before * q).abs()) {
                before = step;
                step = p / q;
                bisect = !step.is_finite();
            }
        }
        if bisect {
            step = half;
            before = half;
        }
        (a, fa) = (b, fb);
        b += if step.abs() > width {
            step
        } else {
            width.copysign(half)
        };
        fb = f.at(b)?;
        if (fb > 0.0) == (fc > 0.0) && fb != 0.0 {
            (c, fc) = (a, fa);
            step = b - a;
            before = step;
        }
    }
}

/// A root of `f` in `[a, b]` by Newton steps kept inside a shrinking bracket; `f` returns the
/// value and the derivative.
///
/// A step that leaves the bracket, or does not at least halve the previous but one, is replaced by
/// a bisection, so that the call converges for every continuous `f` with a sign change, whatever
/// the derivative. The answer is as that of [`brent`]: a sign change lies within
/// `2·tolerance + 4ε|x|`, or `f(x) = 0`, or the last Newton step was shorter than that.
///
/// Cost: quadratic near a simple root. Source: Press et al., *Numerical Recipes*, 3rd ed., §9.4;
/// the rule of halving is Dekker's.
///
/// # Errors
/// As [`brent`]. A derivative that is not finite only forces a bisection.
///
/// ```
/// use ergodic_math::roots::newton;
///
/// let root = newton(|x| (x * x - 2.0, 2.0 * x), 0.0, 2.0, 0.0)?;
/// assert!((root.x - 2f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), ergodic_math::roots::RootError>(())
/// ```
pub fn newton(
    mut f: impl FnMut(f64) -> (f64, f64),
    a: f64,
    b: f64,
    tolerance: f64,
) -> Result<Root, RootError> {
    let (a, b) = (finite("a", a)?, finite("b", b)?);
    let t = self::tolerance(tolerance)?;
    let mut evaluations = 0;
    let mut at = |x: f64| {
        evaluations += 1;
        let (value, slope) = f(x);
        if value.is_nan() {
            return Err(RootError::NonFinite { x, value });
        }
        Ok((value, slope, evaluations))
    };
    let (fa, _, _) = at(a)?;
    let (fb, _, n) = at(b)?;
    for (x, value) in [(a, fa), (b, fb)] {
        if value == 0.0 {
            return Ok(Root {
                x,
                value,
                evaluations: n,
            });
        }
    }
    if (fa > 0.0) == (fb > 0.0) {
        return Err(RootError::NoSignChange {
            bracket: (a, b),
            values: (fa, fb),
        });
    }
    let (mut negative, mut positive) = if fa < 0.0 { (a, b) } else { (b, a) };
    let mut x = middle(a, b);
    let mut step = 0.5 * b - 0.5 * a;
    let mut before = f64::INFINITY;
    loop {
        let (value, slope, evaluations) = at(x)?;
        let found = Root {
            x,
            value,
            evaluations,
        };
        if value == 0.0 {
            return Ok(found);
        }
        if value < 0.0 {
            negative = x;
        } else {
            positive = x;
        }
        let width = 2.0 * f64::EPSILON * x.abs() + t;
        if 0.5 * (negative - positive).abs() <= width {
            return Ok(found);
        }
        if evaluations >= MAX_EVALUATIONS {
            return Err(RootError::NotConverged {
                bracket: (negative.min(positive), negative.max(positive)),
                evaluations,
            });
        }
        let newton = value / slope;
        let next = x - newton;
        let inside = next > negative.min(positive) && next < negative.max(positive);
        let fast = 2.0 * newton.abs() <= before.abs();
        before = step;
        if inside && fast {
            step = newton;
            if newton.abs() <= 0.5 * width {
                return Ok(found);
            }
            x = next;
        } else {
            let half = 0.5 * positive - 0.5 * negative;
            step = half;
            x = middle(negative, positive);
            if x == negative || x == positive {
                return Ok(found); // no double lies between the ends
            }
        }
    }
}

/// Grows `[a, b]` until `f` changes sign on it: the end with the smaller `|f|` moves outwards by
/// 1.6 times the width, at most `expansions` times. Returns the ends in increasing order.
///
/// Domain: finite `a ≠ b`. Ends never pass ±`f64::MAX`. Each expansion costs one call.
///
/// Source: Press et al., *Numerical Recipes*, 3rd ed., §9.1.
///
/// # Errors
/// [`RootError::NoSignChange`] with the last bracket; [`RootError::NonFinite`] for NaN.
///
/// ```
/// use ergodic_math::roots::{brent, expand_bracket};
///
/// let f = |x: f64| x.exp() - 1e9;
/// let (a, b) = expand_bracket(f, 0.0, 1.0, 50)?;
/// assert!((brent(f, a, b, 0.0)?.x - 1e9f64.ln()).abs() < 1e-14);
/// # Ok::<(), ergodic_math::roots::RootError>(())
/// ```
pub fn expand_bracket(
    f: impl FnMut(f64) -> f64,
    a: f64,
    b: f64,
    expansions: usize,
) -> Result<(f64, f64), RootError> {
    const FACTOR: f64 = 1.6;
    let (mut a, mut b) = (finite("a", a)?.min(b), finite("b", b)?.max(a));
    if a == b {
        return Err(RootError::Argument {
            argument: "b",
            found: b,
            allowed: "different from a",
        });
    }
    let mut f = Counted { f, evaluations: 0 };
    let (mut fa, mut fb) = (f.at(a)?, f.at(b)?);
    for _ in 0..expansions {
        if (fa > 0.0) != (fb > 0.0) || fa == 0.0 || fb == 0.0 {
            return Ok((a, b));
        }
        let width = FACTOR * (b - a);
        if fa.abs() < fb.abs() {
            a = (a - width).max(-f64::MAX);
            fa = f.at(a)?;
        } else {
            b = (b + width).min(f64::MAX);
            fb = f.at(b)?;
        }
    }
    if (fa > 0.0) != (fb > 0.0) || fa == 0.0 || fb == 0.0 {
        return Ok((a, b));
    }
    Err(RootError::NoSignChange {
        bracket: (a, b),
        values: (fa, fb),
    })
}

/// A local minimum of `f` inside `[a, b]` by Brent's golden-section search with parabolic steps;
/// for a unimodal `f`, the minimum.
///
/// The place is found to `3·(√ε|x| + tolerance)`: around a smooth minimum, values of `f` cannot
/// resolve less than `√ε`. The ends themselves are approached, not evaluated. `f` may be `+∞` but
/// not NaN.
///
/// Source: Brent 1973, ch. 5.
///
/// # Errors
/// [`RootError`] for ends that are not finite, NaN of `f`, and [`MAX_EVALUATIONS`] spent.
///
/// ```
/// use ergodic_math::roots::minimize;
///
/// // The right-hand minimum of the double well x⁴ − x².
/// let m = minimize(|x| x.powi(4) - x * x, 0.0, 2.0, 0.0)?;
/// assert!((m.x - 0.5f64.sqrt()).abs() < 1e-7);
/// assert!((m.value + 0.25).abs() < 1e-15);
/// # Ok::<(), ergodic_math::roots::RootError>(())
/// ```
pub fn minimize(
    f: impl FnMut(f64) -> f64,
    a: f64,
    b: f64,
    tolerance: f64,
) -> Result<Minimum, RootError> {
    let (mut a, mut b) = (finite("a", a)?.min(b), finite("b", b)?.max(a));
    let t = self::tolerance(tolerance)?;
    let golden = 0.5 * (3.0 - 5f64.sqrt());
    let relative = f64::EPSILON.sqrt();
    let mut f = Counted { f, evaluations: 0 };
    // x is the best place, w the second, v the previous w; u the newest.
    let mut x = a + golden * b - golden * a;
    let (mut w, mut v) = (x, x);
    let mut fx = f.at(x)?;
    let (mut fw, mut fv) = (fx, fx);
    let (mut step, mut before) = (0.0f64, 0.0f64);
    loop {
        let m = middle(a, b);
        // The smallest normal number keeps the steps off zero around x = 0.
        let width = relative * x.abs() + t + f64::MIN_POSITIVE;
        if (x - m).abs() <= 2.0 * width - (0.5 * b - 0.5 * a) {
            return Ok(Minimum {
                x,
                value: fx,
                evaluations: f.evaluations,
            });
        }
        if f.evaluations >= MAX_EVALUATIONS {
            return Err(RootError::NotConverged {
                bracket: (a, b),
                evaluations: f.evaluations,
            });
        }
        let mut parabola = false;
        if before.abs() > width {
            // The parabola through x, w and v.
            let r = (x - w) * (fx - fv);
            let s = (x - v) * (fx - fw);
            let mut p = (x - v) * s - (x - w) * r;
            let mut q = 2.0 * (s - r);
            if q > 0.0 {
                p = -p;
            } else {
                q = -q;
            }
            let last = before;
            before = step;
            if p.abs() < (0.5 * q * last).abs() && p > q * (a - x) && p < q * (b - x) {
                step = p / q;
                let u = x + step;
                if u - a < 2.0 * width || b - u < 2.0 * width {
                    step = width.copysign(m - x);
                }
                parabola = true;
            }
        }
        if !parabola {
            before = if x < m { b - x } else { a - x };
            step = golden * before;
        }
        let u = if step.abs() >= width {
            x + step
        } else {
            x + width.copysign(step)
        };
        let fu = f.at(u)?;
        if fu <= fx {
            if u < x {
                b = x;
            } else {
                a = x;
            }
            (v, fv) = (w, fw);
            (w, fw) = (x, fx);
            (x, fx) = (u, fu);
        } else {
            if u < x {
                a = u;
            } else {
                b = u;
            }
            if fu <= fw || w == x {
                (v, fv) = (w, fw);
                (w, fw) = (u, fu);
            } else if fu <= fv || v == x || v == w {
                (v, fv) = (u, fu);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (fn(f64) -> f64, f64, f64, f64);

    /// Functions with a known root: flat, steep, discontinuous, at an end, far off.
    const HARD: [Case; 12] = [
        (|x| x * x * x - 2.0 * x - 5.0, 2.0, 3.0, 2.0945514815423265),
        (|x| x.cos() - x, 0.0, 1.0, 0.7390851332151607),
        (|x| x.exp() - 1.0, -700.0, 10.0, 0.0),
        (|x| x.atan() + 0.3, -1e6, 1e7, -0.30933624960962325),
        (|x| x.powi(9), -1.0, 4.0, 0.0),
        (|x| (x - 1.0) * (1.0 + (x - 1.0).powi(2)), 0.0, 3.0, 1.0),
        (|x| x - 0.25, 0.25, 9.0, 0.25),
        (|x| if x < 0.7 { -1e-300 } else { 1e300 }, 0.0, 1.0, 0.7),
        (|x| 1.0 / x - 1e-8, 1.0, 1e12, 1e8),
        (|x| x.ln(), 0.0, 5.0, 1.0), // −∞ at the end
        (
            |x| (x - 3.0).signum() * (x - 3.0).abs().sqrt(),
            -10.0,
            20.0,
            3.0,
        ),
        (|x| 1e-280 * (x - 0.3), -1e3, 1e3, 0.3),
    ];

    #[test]
    fn brent_finds_roots_of_hard_functions_at_full_precision() {
        for (i, &(f, a, b, root)) in HARD.iter().enumerate() {
            for (a, b) in [(a, b), (b, a)] {
                let found = brent(f, a, b, 0.0).unwrap();
                // Rounded to zero, as eˣ − 1 is within ε of 0, is as good as a sign change.
                let tolerance = 8.0 * f64::EPSILON * root.abs() + 1e-34;
                let close = (found.x - root).abs() <= tolerance || f(found.x) == 0.0;
                assert!(
                    close && (found.x - root).abs() < 1e-15 * (1.0 + root.abs()),
                    "case {i}: {found:?}"
                );
                assert!(found.evaluations < 1000, "case {i}: {found:?}");
            }
        }
    }

    #[test]
    fn newton_finds_the_same_roots_with_any_derivative() {
        for (i, &(f, a, b, root)) in HARD.iter().enumerate() {
            let h = 1e-6;
            for slope in 0..4 {
                let found = newton(
                    |x| {
                        let d = (f(x + h) - f(x - h)) / (2.0 * h);
                        (f(x), [d, -d, 0.0, f64::NAN][slope])
                    },
                    a,
                    b,
                    0.0,
                )
                .unwrap();
                let tolerance = 8.0 * f64::EPSILON * root.abs() + 1e-34;
                let close = (found.x - root).abs() <= tolerance || f(found.x) == 0.0;
                assert!(
                    close && (found.x - root).abs() < 1e-15 * (1.0 + root.abs()),
                    "case {i}, slope {slope}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn smooth_functions_cost_few_evaluations() {
        assert!(brent(|x| x.cos() - x, 0.0, 1.0, 0.0).unwrap().evaluations <= 10);
        let n = newton(|x| (x.cos() - x, -x.sin() - 1.0), 0.0, 1.0, 0.0).unwrap();
        assert!(n.evaluations <= 8, "{n:?}");
    }

    #[test]
    fn tolerance_bounds_the_error() {
        for t in [1e-2, 1e-6, 1e-10] {
            let r = brent(|x| x.exp() - 3.0, -5.0, 5.0, t).unwrap();
            assert!((r.x - 3f64.ln()).abs() <= 2.0 * t + 1e-15);
        }
    }

    #[test]
    fn bad_brackets_and_nan_are_typed_errors() {
        let e = brent(|x| x * x + 1.0, -1.0, 2.0, 0.0).unwrap_err();
        assert_eq!(
            e.to_string(),
            "no sign change on [-1, 2]: the function is 2 and 5 at its ends"
        );
        assert!(matches!(
            newton(|x| (x * x + 1.0, 2.0 * x), -1.0, 2.0, 0.0),
            Err(RootError::NoSignChange { .. })
        ));
        assert!(matches!(
            brent(|x| if x > 0.3 { f64::NAN } else { -1.0 }, 0.0, 1.0, 0.0),
            Err(RootError::NonFinite { .. })
        ));
        assert!(matches!(
            brent(|x| x, f64::NEG_INFINITY, 1.0, 0.0),
            Err(RootError::Argument { argument: "a", .. })
        ));
        assert!(brent(|x| x, -1.0, 1.0, -1.0).is_err());
        assert!(minimize(|x| x, 0.0, f64::NAN, 0.0).is_err());
        assert!(minimize(|_| f64::NAN, 0.0, 1.0, 0.0).is_err());
    }

    #[test]
    fn brackets_expand_to_the_sign_change_or_say_no() {
        for target in [-1e12, -3.0, 0.5, 7.0, 1e9] {
            let (a, b) = expand_bracket(|x| x - target, 0.0, 1.0, 100).unwrap();
            assert!(a <= target && target <= b);
        }
        assert!(matches!(
            expand_bracket(|x| x * x + 1.0, 0.0, 1.0, 3000),
            Err(RootError::NoSignChange { .. })
        ));
        assert!(expand_bracket(|x| x, 1.0, 1.0, 9).is_err());
    }

    #[test]
    fn minimize_finds_minima_of_hard_functions() {
        let cases: [Case; 7] = [
            (|x| (x - 2.0).powi(2), -1e3, 1e3, 2.0),
            (|x| (x - 0.3).abs(), -1.0, 1.0, 0.3),
            (|x| x.exp() - 2.0 * x, -5.0, 5.0, std::f64::consts::LN_2),
            (|x| -(-x * x).exp(), -3.0, 20.0, 0.0),
            (|x| x, 1.0, 4.0, 1.0),
            (|x| (x + 7.0).powi(4), -100.0, 3.0, -7.0),
            (|x| if x < 0.5 { f64::INFINITY } else { x }, 0.0, 2.0, 0.5),
        ];
        for (i, &(f, a, b, place)) in cases.iter().enumerate() {
            let m = minimize(f, a, b, 1e-9).unwrap();
            // A quartic minimum is flat to ε^{1/4}.
            let tolerance = if i == 5 { 2e-3 } else { 1e-7 };
            assert!((m.x - place).abs() < tolerance, "case {i}: {m:?}");
            assert_eq!(m.value, f(m.x));
            assert!(m.evaluations < 200, "case {i}: {m:?}");
        }
    }

    #[test]
    fn extreme_brackets_neither_overflow_nor_hang() {
        let m = f64::MAX;
        let r = brent(|x| x - 1.0, -m, m, 0.0).unwrap();
        assert!((r.x - 1.0).abs() < 1e-15, "{r:?}");
        let r = newton(|x| (x - 1.0, 1.0), -m, m, 0.0).unwrap();
        assert!((r.x - 1.0).abs() < 1e-15, "{r:?}");
        assert!(minimize(|x| x * x, -m, m, 0.0).is_ok());
    }
}
