//! Globally adaptive integration with the Gauss–Kronrod pair of 10 and 21 points.

use super::QuadratureError;
use crate::reduce;

/// Positive nodes of the Kronrod rule, from the outside; every second one is a Gauss node.
const NODES: [f64; 10] = [
    0.995657163025808080735527280689003,
    0.973906528517171720077964012084452,
    0.930157491355708226001207180059508,
    0.865063366688984510732096688423493,
    0.780817726586416897063717578345042,
    0.679409568299024406234327365114874,
    0.562757134668604683339000099272694,
    0.433395394129247190799265943165784,
    0.294392862701460198131126603103866,
    0.148874338981631210884826001129720,
];

/// Weights of the Kronrod rule at these nodes, and at 0.
const KRONROD: [f64; 11] = [
    0.011694638867371874278064396062192,
    0.032558162307964727478818972459390,
    0.054755896574351996031381300244580,
    0.075039674810919952767043140916190,
    0.093125454583697605535065465083366,
    0.109387158802297641899210590325805,
    0.123491976262065851077958109585166,
    0.134709217311473325928054001771707,
    0.142775938577060080797094273138717,
    0.147739104901338491374841515972068,
    0.149445554002916905664936468389821,
];

/// Weights of the Gauss rule at the second, fourth, … node.
const GAUSS: [f64; 5] = [
    0.066671344308688137593568809893332,
    0.149451349150580593145863397657697,
    0.219086362515982043995534934228163,
    0.269266719309996355091226921569469,
    0.295524224714752870173815619188769,
];

/// An integral, its estimated error and what it cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Integral {
    /// The integral.
    pub value: f64,
    /// An estimate of `|value − exact|`, as a rule pessimistic.
    pub error: f64,
    /// How often the integrand was called.
    pub evaluations: usize,
}

/// Settings of adaptive integration: the interval of the largest error estimate is halved until
/// the estimates add up to `max(absolute, relative·|value|)`.
///
/// The rule is the 21-point extension of the 10-point Gauss rule by Kronrod, whose difference
/// gives the estimate, as in QAG of QUADPACK (Piessens et al. 1983). Infinite ranges are mapped to
/// (0, 1] by `x = a + (1 − t)/t`; the whole line is folded at 0. The ends of the range are never
/// evaluated, so integrable singularities belong there.
///
/// The estimate sees the function at 21 points at first: a peak much narrower than the range, or
/// far from 0 on an infinite range, can be missed. Split the range at known peaks.
///
/// ```
/// use ergodic_math::quadrature::Adaptive;
///
/// let z = Adaptive::new(0.0, 1e-12)?
///     .integrate(|x| (x * x - x.powi(4)).exp(), f64::NEG_INFINITY, f64::INFINITY)?;
/// assert!((z.value.ln() - 1.0157193191187683).abs() < 1e-12);
/// # Ok::<(), ergodic_math::quadrature::QuadratureError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptive {
    absolute: f64,
    relative: f64,
    max_intervals: usize,
}

impl Default for Adaptive {
    /// Relative tolerance 1e-10, no absolute one, at most 1000 intervals.
    fn default() -> Self {
        Self {
            absolute: 0.0,
            relative: 1e-10,
            max_intervals: 1000,
        }
    }
}

struct Piece {
    a: f64,
    b: f64,
    value: f64,
    error: f64,
}

/// The relative error below which the estimates do not go: rounding.
const FLOOR: f64 = 50.0 * f64::EPSILON;

impl Adaptive {
    /// With these tolerances, at most 1000 intervals. A tolerance of 0 is off.
    ///
    /// # Errors
    /// [`QuadratureError::Argument`] for a tolerance that is negative or not finite, or a relative
    /// one below 50ε ≈ 1.1e-14 with no absolute one.
    pub fn new(absolute: f64, relative: f64) -> Result<Self, QuadratureError> {
        for (argument, found) in [("absolute", absolute), ("relative", relative)] {
            if !(found >= 0.0 && found.is_finite()) {
                return Err(QuadratureError::Argument {
                    argument,
                    found,
                    allowed: "finite and not negative",
                });
            }
        }
        if absolute == 0.0 && relative < FLOOR {
            return Err(QuadratureError::Argument {
                argument: "relative",
                found: relative,
                allowed: "at least 50 machine epsilons where absolute is 0",
            });
        }
        Ok(Self {
            absolute,
            relative,
            ..Self::default()
        })
    }

    /// Allows this many intervals, of 21 evaluations (42 on the whole line) for each of two per
    /// halving.
    ///
    /// # Errors
    /// [`QuadratureError::Argument`] for 0.
    pub fn max_intervals(mut self, max_intervals: usize) -> Result<Self, QuadratureError> {
        if max_intervals == 0 {
            return Err(QuadratureError::Argument {
                argument: "max_intervals",
                found: 0.0,
                allowed: "at least 1",
            });
        }
        self.max_intervals = max_intervals;
        Ok(self)
    }

    /// `∫ₐᵇ f(x) dx`; either end may be infinite, and `b < a` changes the sign.
    ///
    /// # Errors
    /// [`QuadratureError::Argument`] for an end that is NaN or two equal infinite ends,
    /// [`QuadratureError::NonFinite`] where `f` is not finite, [`QuadratureError::NotConverged`]
    /// with the best value.
    pub fn integrate(
        &self,
        mut f: impl FnMut(f64) -> f64,
        a: f64,
        b: f64,
    ) -> Result<Integral, QuadratureError> {
        for (argument, found) in [("a", a), ("b", b)] {
            if found.is_nan() {
                return Err(QuadratureError::Argument {
                    argument,
                    found,
                    allowed: "a number or an infinity",
                });
            }
        }
        if a == b {
            if a.is_infinite() {
                return Err(QuadratureError::Argument {
                    argument: "b",
                    found: b,
                    allowed: "different from an infinite a",
                });
            }
            return Ok(Integral {
                value: 0.0,
                error: 0.0,
                evaluations: 0,
            });
        }
        let sign = if a < b { 1.0 } else { -1.0 };
        let (a, b) = (a.min(b), a.max(b));
        let mut evaluations = 0;
        let mut at = |x: f64| {
            evaluations += 1;
            let value = f(x);
            if value.is_finite() {
                Ok(value)
            } else {
                Err(QuadratureError::NonFinite { x, value })
            }
        };
        // On a mapped range: dx = dt/t², and the tail beyond the largest double is 0.
        let mapped = |t: f64, value: f64| value / t / t;
        let found = match (a.is_infinite(), b.is_infinite()) {
            (false, false) => self.refine(at, a, b),
            (false, true) => self.refine(|t| Ok(mapped(t, at(a + (1.0 - t) / t)?)), 0.0, 1.0),
            (true, false) => self.refine(|t| Ok(mapped(t, at(b - (1.0 - t) / t)?)), 0.0, 1.0),
            (true, true) => {
                let both = |t: f64| {
                    let x = (1.0 - t) / t;
                    Ok(mapped(t, at(x)? + at(-x)?))
                };
                self.refine(both, 0.0, 1.0)
            }
        };
        match found {
            Ok((value, error)) => Ok(Integral {
                value: sign * value,
                error,
                evaluations,
            }),
            Err(QuadratureError::NotConverged { value, error, .. }) => {
                Err(QuadratureError::NotConverged {
                    value: sign * value,
                    error,
                    evaluations,
                })
            }
            Err(e) => Err(e),
        }
    }

    fn refine(
        &self,
        mut f: impl FnMut(f64) -> Result<f64, QuadratureError>,
        a: f64,
        b: f64,
    ) -> Result<(f64, f64), QuadratureError> {
        let mut pieces = vec![estimate(&mut f, a, b)?];
        loop {
            let total =
                |part: fn(&Piece) -> f64| reduce::sum(&pieces.iter().map(part).collect::<Vec<_>>());
            let (value, error) = (total(|p| p.value), total(|p| p.error));
            if error <= self.absolute.max(self.relative * value.abs()) {
                return Ok((value, error));
            }
            let worst = (0..pieces.len())
                .max_by(|&i, &j| pieces[i].error.total_cmp(&pieces[j].error))
                .unwrap_or(0);
            let Piece { a, b, .. } = pieces[worst];
            let middle = 0.5 * a + 0.5 * b;
            // Stop also where the outermost nodes would fall on the ends.
            let width = 0.5 * b - 0.5 * a;
            let resolved = width > 1e3 * f64::EPSILON * a.abs().max(b.abs());
            if pieces.len() >= self.max_intervals || !resolved {
                return Err(QuadratureError::NotConverged {
                    value,
                    error,
                    evaluations: 0,
                });
            }
            pieces[worst] = estimate(&mut f, a, middle)?;
            pieces.push(estimate(&mut f, middle, b)?);
        }
    }
}

/// The Kronrod value on one interval, with QUADPACK's estimate of its error.
fn estimate(
    f: &mut impl FnMut(f64) -> Result<f64, QuadratureError>,
    a: f64,
    b: f64,
) -> Result<Piece, QuadratureError> {
    let (middle, half) = (0.5 * a + 0.5 * b, 0.5 * b - 0.5 * a);
    // Multiplied by the width before they are summed: values near the largest double survive.
    let centre = f(middle)? * half;
    let mut sides = [(0.0, 0.0); 10];
    for (side, x) in sides.iter_mut().zip(NODES) {
        *side = (f(middle - half * x)? * half, f(middle + half * x)? * half);
    }
    let mut value = KRONROD[10] * centre;
    let mut magnitude = value.abs();
    let mut gauss = 0.0;
    for (i, &(l, r)) in sides.iter().enumerate() {
        value += KRONROD[i] * l + KRONROD[i] * r;
        magnitude += KRONROD[i] * l.abs() + KRONROD[i] * r.abs();
        if i % 2 == 1 {
            gauss += GAUSS[i / 2] * l + GAUSS[i / 2] * r;
        }
    }
    let mean = 0.5 * value;
    let mut spread = KRONROD[10] * (centre - mean).abs();
    for (i, &(l, r)) in sides.iter().enumerate() {
        spread += KRONROD[i] * ((l - mean).abs() + (r - mean).abs());
    }
    let mut error = (value - gauss).abs();
    if spread > 0.0 && error > 0.0 {
        let ratio = 200.0 * error / spread;
        error = spread * (ratio * ratio.sqrt()).min(1.0);
    }
    let error = error.max(FLOOR * magnitude);
    if !(value.is_finite() && error.is_finite()) {
        return Err(QuadratureError::NonFinite { x: middle, value });
    }
    Ok(Piece { a, b, value, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn the_pair_is_exact_to_degrees_19_and_31() {
        for d in 0..=33 {
            let exact = if d % 2 == 0 {
                2.0 / f64::from(d + 1)
            } else {
                0.0
            };
            let mut kronrod = if d == 0 { KRONROD[10] } else { 0.0 };
            let mut gauss = 0.0;
            for i in 0..10 {
                let both = NODES[i].powi(d) + (-NODES[i]).powi(d);
                kronrod += KRONROD[i] * both;
                if i % 2 == 1 {
                    gauss += GAUSS[i / 2] * both;
                }
            }
            assert_eq!(
                (kronrod - exact).abs() < 4e-16,
                d < 32 || d % 2 == 1,
                "degree {d}: {kronrod}"
            );
            assert_eq!(
                (gauss - exact).abs() < 4e-16,
                d < 20 || d % 2 == 1,
                "degree {d}: {gauss}"
            );
        }
    }

    #[test]
    fn gauss_nodes_of_the_pair_are_those_of_the_rule() {
        let rule = super::super::gauss_legendre(10).unwrap();
        for i in 0..5 {
            assert!((rule.nodes()[9 - i] - NODES[2 * i + 1]).abs() < 2e-16);
            assert!((rule.weights()[9 - i] - GAUSS[i]).abs() < 1e-16);
        }
    }

    #[test]
    fn known_integrals_lie_within_tolerance_and_estimate() {
        use std::f64::consts::PI;
        type Case = (&'static str, fn(f64) -> f64, f64, f64, f64);
        let cases: [Case; 14] = [
            ("sin", f64::sin, 0.0, PI, 2.0),
            ("reversed", f64::sin, PI, 0.0, -2.0),
            ("log", f64::ln, 0.0, 1.0, -1.0),
            ("root", |x| 1.0 / x.sqrt(), 0.0, 1.0, 2.0),
            ("kink", |x| (x - 1.0 / 3.0).abs(), 0.0, 1.0, 5.0 / 18.0),
            ("jump", |x| if x < 0.3 { 1.0 } else { 3.0 }, 0.0, 1.0, 2.4),
            (
                "fast",
                |x| (200.0 * x).cos().powi(2),
                0.0,
                1.0,
                0.498936350800451,
            ),
            (
                "peak",
                |x| 1e-3 / (1e-6 + x * x),
                -1.0,
                2.0,
                3.140092653964793,
            ),
            ("cauchy", |x| 1.0 / (1.0 + x * x), -INF, INF, PI),
            (
                "normal",
                |x| (-0.5 * x * x).exp(),
                -INF,
                INF,
                2.5066282746310002,
            ),
            ("exponential", |x| (-x).exp(), 0.0, INF, 1.0),
            (
                "shifted normal",
                |x| (-0.5 * (x - 1.0) * (x - 1.0)).exp(),
                -INF,
                INF,
                2.5066282746310002,
            ),
            ("left tail", f64::exp, -INF, -2.0, 0.1353352832366127),
            ("power", |x| x.powi(-3), 2.0, INF, 0.125),
        ];
        for (name, f, a, b, exact) in cases {
            for relative in [1e-6, 1e-12] {
                let found = Adaptive::new(0.0, relative)
                    .unwrap()
                    .integrate(f, a, b)
                    .unwrap();
                let off = (found.value - exact).abs();
                assert!(
                    off <= relative * exact.abs(),
                    "{name}: {found:?} vs {exact}"
                );
                assert!(
                    off <= found.error + 4e-16 * exact.abs(),
                    "{name}: {found:?}"
                );
            }
        }
    }

    #[test]
    fn the_quartic_double_well_has_its_oracles() {
        let z = |x: f64| (x * x - x.powi(4)).exp();
        let rule = Adaptive::new(0.0, 1e-13).unwrap();
        let mass = rule.integrate(z, -INF, INF).unwrap().value;
        assert!((mass.ln() - 1.0157193191187683).abs() < 2e-15);
        let second = rule.integrate(|x| x * x * z(x), -INF, INF).unwrap().value;
        assert!((second / mass - 0.5208986482435781).abs() < 2e-15);
    }

    #[test]
    fn divergent_and_undefined_integrals_are_typed_errors() {
        let rule = Adaptive::default();
        assert!(matches!(
            rule.integrate(|x| 1.0 / x, 0.0, 1.0),
            Err(QuadratureError::NotConverged { .. } | QuadratureError::NonFinite { .. })
        ));
        assert!(matches!(
            rule.integrate(|x| if x > 0.5 { f64::NAN } else { 1.0 }, 0.0, 1.0),
            Err(QuadratureError::NonFinite { .. })
        ));
        let tight = Adaptive::new(0.0, 1e-12).unwrap().max_intervals(3).unwrap();
        let e = tight
            .integrate(|x| (200.0 * x).cos(), 0.0, 1.0)
            .unwrap_err();
        assert!(
            matches!(
                e,
                QuadratureError::NotConverged {
                    evaluations: 105,
                    ..
                }
            ),
            "{e}"
        );
        assert!(rule.integrate(|x| x, f64::NAN, 1.0).is_err());
        assert!(rule.integrate(|x| x, INF, INF).is_err());
        assert_eq!(rule.integrate(|x| x, 2.0, 2.0).unwrap().value, 0.0);
        assert!(Adaptive::new(-1.0, 0.1).is_err());
        assert!(Adaptive::new(0.0, 1e-15).is_err());
        assert!(Adaptive::new(1e-20, 0.0).is_ok());
        assert!(rule.max_intervals(0).is_err());
    }
}
