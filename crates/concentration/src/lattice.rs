//! Laws on finitely many points of a lattice.

use ergodic_core::{ArgumentError, Interval, Randomness};
use ergodic_info::{InfoError, Probabilities};
use ergodic_math::special::log_sum_exp;
use ergodic_math::{Real, reduce};

use crate::argument::positive;
use crate::cumulants::{CumulantGenerating, Cumulants, Lattice};

/// Most points of a lattice between the ends of a law.
pub const MOST_POINTS: usize = 1 << 24;

/// A law on finitely many points of a lattice `origin + spacing·{0, 1, …}`.
///
/// Kept in its canonical form: the ends have positive probability, and the spacing is the largest that
/// has all points of positive probability on the lattice (the span, which the theorems on lattice laws
/// ask for). A law on one point has spacing 1.
///
/// ```
/// use ergodic_concentration::{CumulantGenerating, LatticeLaw};
///
/// let coin = LatticeLaw::bernoulli(0.5)?;
/// // Cramér's rate of a fair coin: log 2 − H(x); log 2 at the end.
/// assert!((coin.rate(0.6)? - 0.020135513550688863).abs() < 1e-16);
/// assert!((coin.rate(1.0)? - 2f64.ln()).abs() < 1e-15);
/// assert_eq!(coin.rate(1.1)?, f64::INFINITY);
/// // The lattice of these values is 0.1 + 0.2·ℤ.
/// let law = LatticeLaw::from_values(&[0.1, 0.5, 1.1], &[0.2, 0.3, 0.5])?;
/// assert!((law.spacing() - 0.2).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LatticeLaw {
    origin: f64,
    spacing: f64,
    /// Of `origin + spacing·i`; sum 1, ends positive.
    probabilities: Vec<f64>,
    log_probabilities: Vec<f64>,
}

impl LatticeLaw {
    /// `P(X = origin + spacing·i) = probabilities[i]`.
    ///
    /// # Errors
    /// If the origin is not finite, the spacing not above 0, the probabilities are not those of a law
    /// ([`Probabilities::new`]), or there are more than [`MOST_POINTS`].
    pub fn new(origin: f64, spacing: f64, probabilities: &[f64]) -> Result<Self, ArgumentError> {
        positive("spacing", spacing)?;
        let last = origin + spacing * probabilities.len() as f64;
        if !(origin.is_finite() && last.is_finite()) {
            return Err(ArgumentError::new(
                "origin",
                origin,
                "finite, as the last point",
            ));
        }
        if probabilities.len() > MOST_POINTS {
            return Err(ArgumentError::new(
                "probabilities",
                format!("a list of {}", probabilities.len()),
                format!("at most {MOST_POINTS} long"),
            ));
        }
        let law = checked(probabilities)?;
        let support: Vec<usize> = (0..law.len())
            .filter(|&i| law.as_slice()[i] > 0.0)
            .collect();
        let (Some(&first), Some(&last)) = (support.first(), support.last()) else {
            return Err(ArgumentError::new("probabilities", "all 0", "of sum 1"));
        };
        let stride = support.iter().fold(0, |d, i| gcd(d, i - first));
        let (stride, spacing) = match stride {
            0 => (1, 1.0),
            d => (d, spacing * d as f64),
        };
        let offset = if first == 0 {
            origin
        } else {
            origin + spacing / stride as f64 * first as f64
        };
        let probabilities: Vec<f64> = (first..=last)
            .step_by(stride)
            .map(|i| law.as_slice()[i])
            .collect();
        Ok(Self {
            origin: offset,
            spacing,
            log_probabilities: probabilities.iter().map(|p| Real::ln(*p)).collect(),
            probabilities,
        })
    }

    /// Of values, in any order and not necessarily different, with their probabilities; the lattice is
    /// found by Euclid's algorithm on the differences, where differences below 1e-9 of the range count as
    /// rounding.
    ///
    /// # Errors
    /// If there are not as many values as probabilities, one is not finite, the probabilities are not
    /// those of a law, or the values are on no lattice with at most [`MOST_POINTS`] points between them.
    pub fn from_values(values: &[f64], probabilities: &[f64]) -> Result<Self, ArgumentError> {
        let law = checked(probabilities)?;
        if values.len() != law.len() {
            return Err(ArgumentError::new(
                "values",
                format!("a list of {}", values.len()),
                format!("one per probability, {}", law.len()),
            ));
        }
        if let Some(v) = values.iter().find(|v| !v.is_finite()) {
            return Err(ArgumentError::new("values", v, "finite"));
        }
        let support = || values.iter().zip(law.as_slice()).filter(|(_, p)| **p > 0.0);
        let low = support().fold(f64::INFINITY, |m, (v, _)| m.min(*v));
        let high = support().fold(f64::NEG_INFINITY, |m, (v, _)| m.max(*v));
        let range = high - low;
        let off = || {
            ArgumentError::new(
                "values",
                format!("a list with range {range} and no lattice"),
                format!("on a lattice with at most {MOST_POINTS} points between them"),
            )
        };
        if !range.is_finite() {
            return Err(off());
        }
        if range == 0.0 {
            return Self::new(low, 1.0, &[1.0]);
        }
        let spacing = support()
            .map(|(v, _)| v - low)
            .fold(0.0, |d, x| real_gcd(d, x, 1e-9 * range));
        let points = (range / spacing).round() + 1.0;
        if points.is_nan() || points > MOST_POINTS as f64 {
            return Err(off());
        }
        // The spacing that the range says, which has the most digits.
        let spacing = range / (points - 1.0);
        let mut masses = vec![0.0; points as usize];
        for (v, p) in support() {
            let index = (v - low) / spacing;
            let nearest = index.round();
            if (index - nearest).abs() > 1e-6 {
                return Err(off());
            }
            masses[nearest as usize] += p;
        }
        Self::new(low, spacing, &masses)
    }

    /// `P(X = 1) = p`, `P(X = 0) = 1 − p`.
    ///
    /// # Errors
    /// Unless `0 ≤ p ≤ 1`.
    pub fn bernoulli(p: f64) -> Result<Self, ArgumentError> {
        if !(0.0..=1.0).contains(&p) {
            return Err(ArgumentError::new("p", p, "between 0 and 1"));
        }
        Self::new(0.0, 1.0, &[1.0 - p, p])
    }

    /// Uniform on `1, …, sides`.
    ///
    /// # Errors
    /// If there are no sides, or more than [`MOST_POINTS`].
    pub fn die(sides: usize) -> Result<Self, ArgumentError> {
        if sides == 0 || sides > MOST_POINTS {
            let allowed = format!("between 1 and {MOST_POINTS}");
            return Err(ArgumentError::new("sides", sides, allowed));
        }
        Self::new(1.0, 1.0, &vec![1.0 / sides as f64; sides])
    }

    /// The least value.
    pub fn origin(&self) -> f64 {
        self.origin
    }

    /// The span of the lattice.
    pub fn spacing(&self) -> f64 {
        self.spacing
    }

    /// `P(X = origin + spacing·i)`, sum 1.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    pub(crate) fn log_probabilities(&self) -> &[f64] {
        &self.log_probabilities
    }

    /// Point `i` of the lattice.
    pub fn value(&self, i: usize) -> f64 {
        self.origin + self.spacing * i as f64
    }

    /// `E[X]`.
    pub fn mean(&self) -> f64 {
        self.origin + self.spacing * moments(&self.probabilities).0
    }

    /// One draw.
    pub fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> f64 {
        self.value(rng.categorical(&self.probabilities))
    }

    /// The tilted probabilities `∝ pᵢ e^{tsi}`, `s` the spacing, and `log Σ pᵢ e^{tsi}`.
    pub(crate) fn tilted(&self, t: f64) -> (Vec<f64>, f64) {
        let slope = t * self.spacing;
        let mut weights: Vec<f64> = self
            .log_probabilities
            .iter()
            .enumerate()
            .map(|(i, l)| l + slope * i as f64)
            .collect();
        let log_total = log_sum_exp(&weights);
        for w in &mut weights {
            *w = Real::exp(*w - log_total);
        }
        (weights, log_total)
    }
}

/// The mean index and the second to fourth central moments under weights of sum 1.
pub(crate) fn moments(weights: &[f64]) -> (f64, [f64; 3]) {
    let moment = |f: &dyn Fn(f64) -> f64| {
        let terms: Vec<f64> = weights
            .iter()
            .enumerate()
            .map(|(i, w)| w * f(i as f64))
            .collect();
        reduce::sum(&terms)
    };
    let mean = moment(&|i| i);
    let about = |power: i32| {
        moment(&move |i| {
            let d = i - mean;
            if power == 2 {
                d * d
            } else if power == 3 {
                d * d * d
            } else {
                d * d * d * d
            }
        })
    };
    (mean, [about(2), about(3), about(4)])
}

/// Checked probabilities, blamed as the argument of that name.
fn checked(probabilities: &[f64]) -> Result<Probabilities, ArgumentError> {
    Probabilities::new(probabilities).map_err(|error| match error {
        InfoError::Argument(error) => error,
        other => ArgumentError::new("probabilities", other, "those of a law"),
    })
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The greatest common divisor of two reals, where remainders up to `rounding` are none.
pub(crate) fn real_gcd(mut a: f64, mut b: f64, rounding: f64) -> f64 {
    while b > rounding {
        let quotient = (a / b).round();
        (a, b) = (b, (a - quotient * b).abs());
    }
    a
}

impl CumulantGenerating for LatticeLaw {
    fn cumulants(&self, t: f64) -> Result<Cumulants, ArgumentError> {
        if !t.is_finite() {
            return Err(ArgumentError::new("t", t, "finite"));
        }
        let s = self.spacing;
        let reach = t.abs() * (s * self.probabilities.len() as f64 + self.origin.abs());
        if !reach.is_finite() {
            let allowed = "of exponents within the range of f64";
            return Err(ArgumentError::new("t", t, allowed));
        }
        let (weights, log_total) = self.tilted(t);
        let (mean, [m2, m3, m4]) = moments(&weights);
        Ok(Cumulants {
            value: log_total + t * self.origin,
            mean: self.origin + s * mean,
            variance: s * s * m2,
            third: s * s * s * m3,
            fourth: s * s * s * s * (m4 - 3.0 * m2 * m2),
        })
    }

    fn tilts(&self) -> Interval {
        Interval {
            lower: f64::NEG_INFINITY,
            upper: f64::INFINITY,
        }
    }

    fn support(&self) -> Interval {
        Interval {
            lower: self.origin,
            upper: self.value(self.probabilities.len() - 1),
        }
    }

    fn lattice(&self) -> Option<Lattice> {
        Some(Lattice {
            origin: self.origin,
            spacing: self.spacing,
        })
    }

    fn log_atom(&self, end: f64) -> f64 {
        let support = self.support();
        if end == support.upper {
            self.log_probabilities[self.log_probabilities.len() - 1]
        } else if end == support.lower {
            self.log_probabilities[0]
        } else {
            f64::NEG_INFINITY
        }
    }

    /// `−log Σ p e^{t(v − x)}`, by sums of `eʸ − 1` where those are small: relative error some roundings of
    /// `x` over its distance from the mean, which is what the rounding of `x` itself costs.
    fn rate(&self, x: f64) -> Result<f64, ArgumentError> {
        if let Some(rate) = self.edge_rate(x)? {
            return Ok(rate);
        }
        let t = self.tilt_of_mean(x)?;
        let (slope, at) = (t * self.spacing, (x - self.origin) / self.spacing);
        let y = |i: usize| slope * (i as f64 - at);
        let largest = y(0).abs().max(y(self.probabilities.len() - 1).abs());
        let rate = if largest < 0.5 {
            let terms = self.probabilities.iter().enumerate();
            let terms: Vec<f64> = terms.map(|(i, p)| p * Real::exp_m1(y(i))).collect();
            -Real::ln_1p(reduce::sum(&terms))
        } else {
            let terms = self.log_probabilities.iter().enumerate();
            let terms: Vec<f64> = terms.map(|(i, l)| l + y(i)).collect();
            -log_sum_exp(&terms)
        };
        Ok(rate.max(0.0)) // below 0 by rounding only
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_span_is_found_from_values_and_from_indices() {
        let law = LatticeLaw::new(-1.0, 0.5, &[0.0, 0.3, 0.0, 0.0, 0.7, 0.0]).unwrap();
        assert_eq!((law.origin(), law.spacing()), (-0.5, 1.5));
        assert_eq!(law.probabilities(), [0.3, 0.7]);
        let law = LatticeLaw::from_values(&[3.0, -1.5, 0.3, 3.0], &[0.1, 0.5, 0.2, 0.2]).unwrap();
        assert!((law.spacing() - 0.9).abs() < 1e-14);
        assert_eq!(law.probabilities().len(), 6);
        assert!((law.probabilities()[5] - 0.3).abs() < 1e-16);
        let point = LatticeLaw::from_values(&[4.0, 4.0], &[0.5, 0.5]).unwrap();
        assert_eq!(point.rate(4.0).unwrap(), 0.0);
        assert_eq!(point.rate(3.9).unwrap(), f64::INFINITY);
    }

    #[test]
    fn bad_laws_are_typed_errors_that_name_the_argument() {
        let argument = |r: Result<LatticeLaw, ArgumentError>| r.unwrap_err().argument;
        assert_eq!(argument(LatticeLaw::new(0.0, 0.0, &[1.0])), "spacing");
        assert_eq!(argument(LatticeLaw::new(f64::NAN, 1.0, &[1.0])), "origin");
        let far = LatticeLaw::new(1e308, 1e308, &[0.5, 0.5]);
        assert_eq!(argument(far), "origin");
        assert_eq!(
            argument(LatticeLaw::new(0.0, 1.0, &[0.5, 0.6])),
            "probabilities"
        );
        assert_eq!(argument(LatticeLaw::new(0.0, 1.0, &[])), "probabilities");
        assert_eq!(argument(LatticeLaw::bernoulli(1.5)), "p");
        assert_eq!(argument(LatticeLaw::die(0)), "sides");
        assert_eq!(
            argument(LatticeLaw::from_values(&[0.0], &[0.5, 0.5])),
            "values"
        );
        let off = LatticeLaw::from_values(&[0.0, 1.0, std::f64::consts::SQRT_2], &[0.3, 0.3, 0.4]);
        assert_eq!(argument(off), "values");
        let infinite = LatticeLaw::from_values(&[0.0, f64::INFINITY], &[0.5, 0.5]);
        assert_eq!(argument(infinite), "values");
        let coin = LatticeLaw::bernoulli(0.5).unwrap();
        assert_eq!(coin.rate(f64::NAN).unwrap_err().argument, "mean");
        assert_eq!(coin.tilt_of_mean(1.0).unwrap_err().argument, "mean");
        assert_eq!(coin.cumulants(f64::INFINITY).unwrap_err().argument, "t");
        let wide = LatticeLaw::new(-1e10, 1e10, &[0.2, 0.3, 0.5]).unwrap();
        assert_eq!(wide.cumulants(1e300).unwrap_err().argument, "t");
    }

    /// `I(μ + ε) = ε²/2σ² − κ₃ε³/6σ⁶ + …`, to all digits though `tx − K` cancels; and the atom's at the
    /// very end.
    #[test]
    fn the_rate_is_accurate_near_the_mean_and_near_the_ends() {
        let coin = LatticeLaw::bernoulli(0.5).unwrap();
        for e in [1e-2f64, 1e-5, 1e-8] {
            let e = (0.5 + e) - 0.5; // as it is after rounding
            // KL of coins: ½(1 + 2e) log(1 + 2e) + ½(1 − 2e) log(1 − 2e) = Σ (2e)²ᵏ/2k(2k − 1).
            let series = [1.0, 6.0, 15.0, 28.0].iter().zip([2, 4, 6, 8]);
            let exact: f64 = series
                .map(|(d, power)| (2.0 * e).powi(power) / (2.0 * d))
                .sum();
            let found = coin.rate(0.5 + e).unwrap();
            let relative = found / exact - 1.0;
            assert!(relative.abs() < 1e-14 + 1e-15 / e, "{e}: {relative}");
        }
        let skewed = LatticeLaw::new(0.0, 1.0, &[0.9, 0.0999999, 1e-7]).unwrap();
        let near = skewed.rate(2.0 - 1e-12).unwrap();
        assert!((near + 1e-7f64.ln()).abs() < 1e-9, "{near}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// K′ is the derivative of K, K″ of K′, …; `K′(tilt_of_mean(x)) = x`; the rate is the supremum.
        #[test]
        fn the_rate_is_the_legendre_transform_of_the_cumulants(
            weights in prop::collection::vec(0.001f64..1.0, 2..8),
            origin in -5.0f64..5.0,
            spacing in 0.1f64..3.0,
            place in 0.001f64..0.999,
            other in -3.0f64..3.0,
        ) {
            let total: f64 = weights.iter().sum();
            let p: Vec<f64> = weights.iter().map(|w| w / total).collect();
            let law = LatticeLaw::new(origin, spacing, &p).unwrap();
            let support = law.support();
            let x = support.lower + place * (support.upper - support.lower);
            let t = law.tilt_of_mean(x).unwrap();
            let c = law.cumulants(t).unwrap();
            let width = support.upper - support.lower;
            prop_assert!((c.mean - x).abs() < 1e-13 * (width + x.abs()));
            let rate = law.rate(x).unwrap();
            prop_assert!((rate - (t * x - c.value)).abs() < 1e-12 * (1.0 + (t * x).abs()));
            let elsewhere = law.cumulants(other).unwrap();
            prop_assert!(other * x - elsewhere.value <= rate + 1e-12);
            let h = 1e-4 / spacing;
            let (a, b) = (law.cumulants(other - h).unwrap(), law.cumulants(other + h).unwrap());
            let slope = |f: fn(&Cumulants) -> f64| (f(&b) - f(&a)) / (2.0 * h);
            prop_assert!((slope(|c| c.value) - elsewhere.mean).abs() < 1e-5 * width);
            prop_assert!((slope(|c| c.mean) - elsewhere.variance).abs() < 1e-5 * width.powi(2));
            prop_assert!((slope(|c| c.variance) - elsewhere.third).abs() < 1e-5 * width.powi(3));
            prop_assert!((slope(|c| c.third) - elsewhere.fourth).abs() < 1e-4 * width.powi(4));
        }
    }
}
