//! Maximum entropy on an interval, a half-line or the line, from the first few moments.

use std::fmt;

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::elementary::exp_slice;
use ergodic_math::quadrature::{Rule, gauss_legendre};
use ergodic_math::reduce::dot;
use nalgebra::{DMatrix, DVector};

/// Where a density lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Support {
    /// From the first number to the second.
    Interval(f64, f64),
    /// From this number up.
    HalfLine(f64),
    /// All real numbers.
    Line,
}

/// A measure on the line with a density, relative to which entropy is counted.
///
/// Every function from `x` to a logarithm is one: that of the density, not necessarily normalised, and `−∞`
/// where there is nothing. The integrals want it smooth within the support: kinks and jumps cost accuracy, and
/// then convergence.
pub trait BaseMeasure {
    /// Whether the density is the same everywhere.
    const CONSTANT: bool = false;

    /// The logarithm of the density at `x`: finite, or `−∞`.
    fn log_density(&self, x: f64) -> f64;
}

impl<F: Fn(f64) -> f64> BaseMeasure for F {
    fn log_density(&self, x: f64) -> f64 {
        self(x)
    }
}

/// The measure of length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lebesgue;

impl BaseMeasure for Lebesgue {
    const CONSTANT: bool = true;

    fn log_density(&self, _: f64) -> f64 {
        0.0
    }
}

/// Why no density was found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ContinuousMaximumEntropyError {
    /// An argument outside its domain.
    Argument(ArgumentError),
    /// No law on the support has these moments: a matrix of moments is not positive.
    Infeasible {
        /// The first power whose moment does not go with those before it.
        power: usize,
    },
    /// The moments up to this one are, to rounding, those of a few points and of no density.
    Boundary {
        /// The power.
        power: usize,
    },
    /// There are densities, and none has the largest entropy: what this moment asks for can be had at
    /// infinity, at no cost.
    NotAttained {
        /// The power.
        power: usize,
        /// The bound on all entropies, in nats, where it is known: infinite, or the entropy of the law of the
        /// moments before.
        supremum: Option<f64>,
    },
    /// The iteration ended with the moments missed by so much.
    NotConverged {
        /// In units of the variable's spread.
        violation: f64,
    },
}

impl fmt::Display for ContinuousMaximumEntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(error) => error.fmt(f),
            Self::Infeasible { power } => {
                write!(
                    f,
                    "no law on the support has these moments: that of power {power} does not go with those before it"
                )
            }
            Self::Boundary { power } => write!(
                f,
                "up to power {power} the moments are those of a few points alone, of no density"
            ),
            Self::NotAttained { power, .. } => write!(
                f,
                "no density has the largest entropy: the moment of power {power} can be had at infinity"
            ),
            Self::NotConverged { violation } => {
                write!(f, "ended with the moments missed by {violation:e}")
            }
        }
    }
}

impl std::error::Error for ContinuousMaximumEntropyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Argument(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ArgumentError> for ContinuousMaximumEntropyError {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}

/// The most moments.
pub(crate) const MOMENTS: usize = 6;

/// The density of largest entropy with given moments `E x, E x², …`, up to six of them:
/// `p(x) = exp(λ₁x + λ₂x² + … − log Z)`, or, relative to a base measure of density `h`
/// ([`relative_to`](Self::relative_to)), the one of least divergence from it,
/// `p(x) = h(x) exp(λ₁x + λ₂x² + … − log Z)`.
///
/// With respect to length, on an interval it exists wherever the moments are those of any density. On the line one moment bounds no
/// entropy, two give the normal law, three none unless the third is that of the normal law, and with four
/// there is a law except for symmetric moments of more than normal kurtosis (Junk, *J. Stat. Phys.* 93, 1998);
/// on a half-line one gives the exponential law, two a law up to `E x² = 2 (E x)²` from its start (Dowson
/// and Wragg, *IEEE Trans. Inf. Theory* 19, 1973). Where there is none the error says so.
///
/// Newton's method on the dual, the integrals by Gauss–Legendre rules on panels that are halved until the
/// moments stay. An infinite support is cut where what is left out counts no more; if it always counts, the
/// largest entropy is not attained. Some milliseconds. Moments are met to about 1e-11 of the variable's
/// spread; those of a mean far from 0 lose the digits in which their powers cancel.
///
/// Relative to another base, whether there is a law is found the same way: the support is cut farther and
/// farther out.
///
/// For other features, intervals and penalties, use the nodes of a quadrature rule as the states of
/// [`MaximumEntropy`](super::MaximumEntropy), and its weights, times the density of the base, as base measure:
///
/// ```
/// use ergodic_expfam::{Constraint, MaximumEntropy};
/// use ergodic_math::quadrature::gauss_legendre_on;
/// use nalgebra::DMatrix;
///
/// // E log x = −1/6 on the unit interval: the density 6x⁵.
/// let rule = gauss_legendre_on(400, 0.0, 1.0)?;
/// let logs = DMatrix::from_iterator(400, 1, rule.nodes().iter().map(|x| x.ln()));
/// let law = MaximumEntropy::new(logs, rule.weights())?.solve(&[Constraint::Equal(-1.0 / 6.0)])?;
/// assert!((law.multipliers[0] - 5.0).abs() < 1e-9);
/// let density_at_node = |i: usize| law.probabilities[i] / rule.weights()[i];
/// assert!((density_at_node(300) - 6.0 * rule.nodes()[300].powi(5)).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// use ergodic_expfam::{ContinuousMaximumEntropy, Support};
///
/// // Mean 1, variance 4: the normal law.
/// let law = ContinuousMaximumEntropy::new(Support::Line)?.solve(&[1.0, 5.0])?;
/// assert!((law.multipliers[1] + 0.125).abs() < 1e-10);
/// assert!((law.entropy - 0.5 * (8.0 * std::f64::consts::PI * 1f64.exp()).ln()).abs() < 1e-10);
/// # Ok::<(), ergodic_expfam::ContinuousMaximumEntropyError>(())
/// ```
#[derive(Clone, Copy, PartialEq)]
pub struct ContinuousMaximumEntropy<B = Lebesgue> {
    support: Support,
    base: B,
}

impl<B> fmt::Debug for ContinuousMaximumEntropy<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContinuousMaximumEntropy")
            .field("support", &self.support)
            .finish_non_exhaustive()
    }
}

/// A density of maximum entropy.
#[derive(Clone, PartialEq)]
pub struct ContinuousLaw<B = Lebesgue> {
    /// `λ` of `x, x², …`.
    pub multipliers: Vec<f64>,
    /// `log ∫ h(x) exp(λ₁x + λ₂x² + …) dx`, with `h = 1` for the measure of length.
    pub log_partition: f64,
    /// `−∫ p log(p/h) dx`, in nats: the differential entropy, or less the divergence from a base that is a law.
    pub entropy: f64,
    /// `E x, E x², …` of the density.
    pub moments: Vec<f64>,
    /// The dual value less the entropy, in nats: no density with the moments has an entropy larger by more than
    /// this, but for the error of the integrals. It may be below 0, by what is left of
    /// [`violation`](Self::violation).
    pub gap: f64,
    /// By how much a moment is missed at most, in units of the variable's spread.
    pub violation: f64,
    scale: Scale,
    /// `λ` in the scaled variable.
    scaled: Vec<f64>,
    /// `log Z` in the scaled variable.
    scaled_log_partition: f64,
    support: Support,
    base: B,
}

impl<B> fmt::Debug for ContinuousLaw<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContinuousLaw")
            .field("multipliers", &self.multipliers)
            .field("log_partition", &self.log_partition)
            .field("entropy", &self.entropy)
            .field("moments", &self.moments)
            .field("gap", &self.gap)
            .field("violation", &self.violation)
            .field("support", &self.support)
            .finish_non_exhaustive()
    }
}

impl<B: BaseMeasure> ContinuousLaw<B> {
    /// `log p(x)`; `−∞` outside the support.
    pub fn log_density(&self, x: f64) -> f64 {
        let inside = match self.support {
            Support::Interval(a, b) => (a..=b).contains(&x),
            Support::HalfLine(a) => x >= a && x.is_finite(),
            Support::Line => x.is_finite(),
        };
        if !inside {
            return f64::NEG_INFINITY;
        }
        let t = (x - self.scale.origin) / self.scale.unit;
        let value = self.base.log_density(x) + polynomial(&self.scaled, t)
            - self.scaled_log_partition
            - Real::ln(self.scale.unit);
        // Far out powers overflow, with opposite signs perhaps; there is nothing there.
        if value.is_nan() {
            f64::NEG_INFINITY
        } else {
            value
        }
    }

    /// `p(x)`.
    pub fn density(&self, x: f64) -> f64 {
        Real::exp(self.log_density(x))
    }
}

/// `x = origin + unit·t`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    origin: f64,
    unit: f64,
}

/// `c₁t + c₂t² + …`.
fn polynomial(coefficients: &[f64], t: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| (sum + c) * t)
}

/// The coefficients `a₀, a₁, …` of a polynomial in `t` as those in `x = origin + unit·t`.
fn unscaled(mut coefficients: Vec<f64>, scale: Scale) -> Vec<f64> {
    let mut power = 1.0;
    for c in &mut coefficients {
        *c /= power;
        power *= scale.unit;
    }
    // The polynomial in x − origin, moved (Horner's scheme).
    let n = coefficients.len();
    for i in 0..n {
        for j in (i..n - 1).rev() {
            coefficients[j] -= scale.origin * coefficients[j + 1];
        }
    }
    coefficients
}

/// Where the solution on a cut support stands.
struct Solution {
    lambda: Vec<f64>,
    log_partition: f64,
    moments: Vec<f64>,
    violation: f64,
}

impl ContinuousMaximumEntropy {
    /// On this support.
    ///
    /// # Errors
    /// If an end is not finite, or the first is not below the second.
    pub fn new(support: Support) -> Result<Self, ArgumentError> {
        let sound = match support {
            Support::Interval(a, b) => a < b && a.is_finite() && (b - a).is_finite(),
            Support::HalfLine(a) => a.is_finite(),
            Support::Line => true,
        };
        if !sound {
            return Err(ArgumentError::new(
                "support",
                format!("{support:?}"),
                "of finite ends, the first below the second",
            ));
        }
        Ok(Self {
            support,
            base: Lebesgue,
        })
    }
}

impl<B: BaseMeasure + Clone> ContinuousMaximumEntropy<B> {
    /// Relative to a measure of this log density, in place of length: the law of least divergence from it.
    ///
    /// ```
    /// use ergodic_expfam::{ContinuousMaximumEntropy, Support};
    ///
    /// // From the standard normal law to mean 3: the normal law of mean 3.
    /// let log_normal = |x: f64| -0.5 * x * x - 0.5 * (2.0 * std::f64::consts::PI).ln();
    /// let law = ContinuousMaximumEntropy::new(Support::Line)?
    ///     .relative_to(log_normal)
    ///     .solve(&[3.0])?;
    /// assert!((law.multipliers[0] - 3.0).abs() < 1e-10);
    /// assert!((law.entropy + 4.5).abs() < 1e-10); // a divergence of 3²/2 nats
    /// assert!((law.log_density(3.0) - log_normal(0.0)).abs() < 1e-9);
    /// # Ok::<(), ergodic_expfam::ContinuousMaximumEntropyError>(())
    /// ```
    pub fn relative_to<C: BaseMeasure>(self, base: C) -> ContinuousMaximumEntropy<C> {
        ContinuousMaximumEntropy {
            support: self.support,
            base,
        }
    }

    /// The density whose moments `E x, E x², …` are these.
    ///
    /// # Errors
    /// If they are none or more than six or not finite, no density on the support has them, none of those that
    /// have has the largest entropy, the log density of the base is NaN or `+∞` somewhere, or the iteration
    /// does not converge.
    pub fn solve(
        &self,
        moments: &[f64],
    ) -> Result<ContinuousLaw<B>, ContinuousMaximumEntropyError> {
        if moments.is_empty() || moments.len() > MOMENTS {
            return Err(ArgumentError::new(
                "moments",
                format!("a list of {}", moments.len()),
                format!("1 to {MOMENTS} numbers"),
            )
            .into());
        }
        if let Some(at) = moments.iter().position(|m| !m.is_finite()) {
            return Err(ArgumentError::new(
                "moments",
                format!("{} for power {}", moments[at], at + 1),
                "finite",
            )
            .into());
        }
        let scale = self.scale(moments)?;
        let target = scaled_moments(moments, scale);
        if target.iter().any(|m| !m.is_finite()) {
            return Err(ArgumentError::new(
                "moments",
                format!("{moments:?}"),
                "of powers that do not overflow",
            )
            .into());
        }
        let (a, b) = self.ends();
        let ends = (
            (a - scale.origin) / scale.unit,
            (b - scale.origin) / scale.unit,
        );
        Self::feasible(&target, ends)?;
        let k = target.len();
        if B::CONSTANT && self.support == Support::Line && k % 2 == 1 {
            // A density on the line can only end in an even power.
            let mut law = self.solve_scaled(scale, &target[..k - 1], ends)?;
            let found = law.scaled_moments(k);
            let missed = (found[k - 1] - target[k - 1]).abs() / (1.0 + found[k - 1].abs());
            if missed > 1e-9 || missed.is_nan() {
                return Err(ContinuousMaximumEntropyError::NotAttained {
                    power: k,
                    supremum: Some(law.entropy),
                });
            }
            law.multipliers.push(0.0);
            law.scaled.push(0.0);
            law.moments.push(moment(&found, scale, k));
            law.violation = law.violation.max(missed);
            return Ok(law);
        }
        self.solve_scaled(scale, &target, ends)
    }

    /// The variable in which the moments are of size 1: standardised, if there are two moments.
    fn scale(&self, moments: &[f64]) -> Result<Scale, ContinuousMaximumEntropyError> {
        let first = moments[0];
        let inside = |distance: f64| match distance {
            d if d > 0.0 => Ok(()),
            0.0 => Err(ContinuousMaximumEntropyError::Boundary { power: 1 }),
            _ => Err(ContinuousMaximumEntropyError::Infeasible { power: 1 }),
        };
        let (a, b) = self.ends();
        inside(first - a)?;
        inside(b - first)?;
        if let Some(second) = moments.get(1) {
            let variance = libm::fma(-first, first, *second);
            let rounding = 1e-14 * second.abs();
            if variance > rounding {
                return Ok(Scale {
                    origin: first,
                    unit: variance.sqrt(),
                });
            }
            return Err(if variance >= -rounding {
                ContinuousMaximumEntropyError::Boundary { power: 2 }
            } else {
                ContinuousMaximumEntropyError::Infeasible { power: 2 }
            });
        }
        if !B::CONSTANT {
            return Ok(self.scale_of_base(first));
        }
        match self.support {
            Support::Interval(a, b) => Ok(Scale {
                origin: a + 0.5 * (b - a),
                unit: 0.5 * (b - a),
            }),
            Support::HalfLine(a) => Ok(Scale {
                origin: a,
                unit: first - a,
            }),
            Support::Line => Err(ContinuousMaximumEntropyError::NotAttained {
                power: 1,
                supremum: Some(f64::INFINITY),
            }),
        }
    }

    /// The distance over which the base falls by about 1 to both sides of its tangent, which a tilt does not
    /// change; bounded by what the support has room for.
    fn scale_of_base(&self, mean: f64) -> Scale {
        let b = |x: f64| self.base.log_density(x);
        let here = b(mean);
        let falls = |unit: &f64| 2.0 * here - b(mean - unit) - b(mean + unit) >= 1.0;
        // The widest window is to reach the end of an interval.
        let room = match self.support {
            Support::Interval(a, b) => Some((0.5 * (b - a), (b - a) / WIDEST)),
            Support::HalfLine(a) => Some((mean - a, (mean - a) / WIDEST)),
            Support::Line => None,
        };
        let found = (-300..=300).map(|j| libm::scalbn(1.0, j)).find(falls);
        let unit = match (found, room) {
            (Some(unit), Some((most, least))) => unit.clamp(least, most),
            (None, Some((most, _))) => most,
            (Some(unit), None) => unit,
            (None, None) => 1.0,
        };
        Scale { origin: mean, unit }
    }

    fn ends(&self) -> (f64, f64) {
        match self.support {
            Support::Interval(a, b) => (a, b),
            Support::HalfLine(a) => (a, f64::INFINITY),
            Support::Line => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// Whether densities have these moments: the matrices of Hamburger, Stieltjes and Hausdorff are
    /// positive definite (Akhiezer, *The Classical Moment Problem*, 1965).
    fn feasible(
        target: &[f64],
        (low, high): (f64, f64),
    ) -> Result<(), ContinuousMaximumEntropyError> {
        let m = |i: usize| if i == 0 { 1.0 } else { target[i - 1] };
        for power in 1..=target.len() {
            let n = power / 2;
            let hankel = |size: usize, entry: &dyn Fn(usize) -> f64| {
                DMatrix::from_fn(size, size, |i, j| entry(i + j))
            };
            let (even, bounded) = (power % 2 == 0, high.is_finite());
            let mut matrices = Vec::new();
            if even {
                matrices.push(hankel(n + 1, &m));
                if bounded {
                    let inside = |i: usize| (low + high) * m(i + 1) - m(i + 2) - low * high * m(i);
                    matrices.push(hankel(n, &inside));
                }
            } else {
                if low.is_finite() {
                    matrices.push(hankel(n + 1, &|i| m(i + 1) - low * m(i)));
                }
                if bounded {
                    matrices.push(hankel(n + 1, &|i| high * m(i) - m(i + 1)));
                }
            }
            for matrix in matrices {
                let scales = matrix.diagonal().map(|h| h.abs().sqrt());
                let eigenvalues = if scales.min() > 0.0 {
                    DMatrix::from_fn(matrix.nrows(), matrix.nrows(), |i, j| {
                        matrix[(i, j)] / (scales[i] * scales[j])
                    })
                    .symmetric_eigenvalues()
                } else {
                    matrix.symmetric_eigenvalues()
                };
                let least = eigenvalues.min();
                if least < -1e-12 {
                    return Err(ContinuousMaximumEntropyError::Infeasible { power });
                }
                if least <= 1e-12 {
                    return Err(ContinuousMaximumEntropyError::Boundary { power });
                }
            }
        }
        Ok(())
    }

    fn solve_scaled(
        &self,
        scale: Scale,
        target: &[f64],
        (low, high): (f64, f64),
    ) -> Result<ContinuousLaw<B>, ContinuousMaximumEntropyError> {
        let log_base = |t: f64| self.base.log_density(scale.origin + scale.unit * t);
        let k = target.len();
        let mut lambda = vec![0.0; k];
        match self.support {
            _ if k > 1 => lambda[1] = -0.5,
            Support::HalfLine(_) => lambda[0] = -1.0,
            _ => {}
        }
        if !B::CONSTANT {
            // Against the slope of the base at the mean, or the start is at one end of the window.
            const STEP: f64 = 1.0 / 1024.0;
            let slope = (log_base(STEP) - log_base(-STEP)) / (2.0 * STEP);
            if slope.is_finite() {
                lambda[0] -= slope;
            }
        }
        let mut width = FIRST;
        let mut missed = f64::INFINITY;
        for window in 0..WINDOWS {
            let (from, to) = (low.max(-width), high.min(width));
            let solution = match solve_window(target, &lambda, (from, to), &log_base) {
                Ok(solution) => solution,
                Err(Failure::Base(error)) => return Err(error.into()),
                Err(Failure::Missed(violation)) if window == 0 => {
                    return Err(ContinuousMaximumEntropyError::NotConverged { violation });
                }
                // What is left sits at the edge of each window.
                Err(Failure::Missed(violation)) => {
                    missed = violation;
                    break;
                }
            };
            let closed = (to == high || ends(&solution, (to, 1.0), k, &log_base))
                && (from == low || ends(&solution, (-from, -1.0), k, &log_base));
            if closed {
                return Ok(self.law(scale, target, solution));
            }
            lambda = solution.lambda;
            width *= 2.0;
        }
        Err(match self.support {
            Support::Interval(..) => {
                ContinuousMaximumEntropyError::NotConverged { violation: missed }
            }
            _ => ContinuousMaximumEntropyError::NotAttained {
                power: k,
                supremum: None,
            },
        })
    }

    fn law(&self, scale: Scale, target: &[f64], solution: Solution) -> ContinuousLaw<B> {
        let mut coefficients = vec![-solution.log_partition];
        coefficients.extend(&solution.lambda);
        let coefficients = unscaled(coefficients, scale);
        let products: f64 = (solution.lambda.iter().zip(&solution.moments))
            .map(|(l, m)| l * m)
            .sum();
        let gap: f64 = (solution.lambda.iter())
            .zip(solution.moments.iter().zip(target))
            .map(|(l, (m, t))| l * (m - t))
            .sum();
        let log_unit = Real::ln(scale.unit);
        ContinuousLaw {
            multipliers: coefficients[1..].to_vec(),
            log_partition: log_unit - coefficients[0],
            entropy: solution.log_partition - products + log_unit,
            moments: (1..=target.len())
                .map(|power| moment(&solution.moments, scale, power))
                .collect(),
            gap,
            violation: solution.violation,
            scale,
            scaled: solution.lambda,
            scaled_log_partition: solution.log_partition,
            support: self.support,
            base: self.base.clone(),
        }
    }
}

/// The first window, in units of the scaled variable.
const FIRST: f64 = 12.0;

/// Windows, each twice the one before.
const WINDOWS: usize = 7;

/// The last one.
const WIDEST: f64 = FIRST * (1 << (WINDOWS - 1)) as f64;

/// Why there is no solution on a cut support.
enum Failure {
    /// The moments are missed by so much.
    Missed(f64),
    /// The base is not what it has to be.
    Base(ArgumentError),
}

impl<B> ContinuousLaw<B> {
    /// The moments of the scaled variable up to a power, of a law relative to length on the line.
    fn scaled_moments(&self, power: usize) -> Vec<f64> {
        let mut end = 10.0;
        let off = |t: f64| polynomial(&self.scaled, t) - self.scaled_log_partition;
        while off(end).max(off(-end)) + (power as f64 + 1.0) * Real::ln(end) > -40.0 && end < 1e3 {
            end *= 2.0;
        }
        match Grid::new((-end, end), 4 * PANELS, &|_| 0.0) {
            Ok(grid) => grid.evaluate(&self.scaled, power).moments[1..].to_vec(),
            Err(_) => vec![f64::NAN; power],
        }
    }
}

/// `E xʲ` from the moments of the scaled variable.
fn moment(scaled: &[f64], scale: Scale, power: usize) -> f64 {
    // Σ C(j, i) originʲ⁻ⁱ unitⁱ E tⁱ.
    let mut sum = 0.0;
    let mut binomial = 1.0;
    for i in 0..=power {
        let t = if i == 0 { 1.0 } else { scaled[i - 1] };
        sum += binomial * power_of(scale.origin, power - i) * power_of(scale.unit, i) * t;
        binomial *= (power - i) as f64 / (i + 1) as f64;
    }
    sum
}

/// The moments of `t = (x − origin)/unit` from those of `x`.
fn scaled_moments(moments: &[f64], scale: Scale) -> Vec<f64> {
    let inverse = Scale {
        origin: -scale.origin / scale.unit,
        unit: 1.0 / scale.unit,
    };
    (1..=moments.len())
        .map(|power| moment(moments, inverse, power))
        .collect()
}

fn power_of(x: f64, power: usize) -> f64 {
    (0..power).fold(1.0, |product, _| product * x)
}

/// Whether a density on a cut support ends there: its tail is nothing beside its moments, and falls on.
fn ends(
    solution: &Solution,
    (edge, side): (f64, f64),
    k: usize,
    log_base: &impl Fn(f64) -> f64,
) -> bool {
    let at = |t: f64| {
        log_base(side * t) + polynomial(&solution.lambda, side * t) - solution.log_partition
    };
    let here = at(edge);
    let negligible = here + (k as f64 + 1.0) * Real::ln(edge) < -38.0;
    // Beyond, down to minus infinity.
    let falls = [1.1, 1.5, 2.0, 4.0, 1e2, 1e4, 1e8]
        .iter()
        .map(|factor| at(factor * edge))
        .all(|there| there < here || there == f64::NEG_INFINITY);
    negligible && falls
}

/// Panels of the first rule.
const PANELS: usize = 32;

/// Nodes of a panel.
const NODES: usize = 24;

/// A composite rule.
struct Grid {
    nodes: Vec<f64>,
    weights: Vec<f64>,
    /// Of the nodes.
    log_base: Vec<f64>,
}

/// What a rule says of a density `∝ exp(λ₁t + λ₂t² + …)`.
struct Evaluated {
    log_partition: f64,
    /// `E tʲ` from `j = 0`.
    moments: Vec<f64>,
}

impl Grid {
    fn new(
        (low, high): (f64, f64),
        panels: usize,
        log_base: &impl Fn(f64) -> f64,
    ) -> Result<Self, Failure> {
        // That the rule fails is not known to happen.
        let rule: Rule = gauss_legendre(NODES).map_err(|_| Failure::Missed(f64::INFINITY))?;
        let half = 0.5 * (high - low) / panels as f64;
        let (mut nodes, mut weights) = (Vec::new(), Vec::new());
        for panel in 0..panels {
            let middle = low + half * (2 * panel + 1) as f64;
            for (x, w) in rule.iter() {
                nodes.push(middle + half * x);
                weights.push(half * w);
            }
        }
        let log_base: Vec<f64> = nodes.iter().map(|t| log_base(*t)).collect();
        let sound = |b: &f64| *b < f64::INFINITY;
        if let Some(at) = log_base.iter().position(|b| !sound(b)) {
            return Err(Failure::Base(ArgumentError::new(
                "base",
                format!("a log density of {}", log_base[at]),
                "finite or −∞ on the support",
            )));
        }
        if log_base.iter().all(|b| *b == f64::NEG_INFINITY) {
            return Err(Failure::Base(ArgumentError::new(
                "base",
                "a density that is 0 wherever it was asked for",
                "positive somewhere near the moments",
            )));
        }
        Ok(Self {
            nodes,
            weights,
            log_base,
        })
    }

    fn evaluate(&self, lambda: &[f64], highest: usize) -> Evaluated {
        let mut density: Vec<f64> = (self.nodes.iter().zip(&self.log_base))
            .map(|(t, b)| b + polynomial(lambda, *t))
            .collect();
        let top = density.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for e in &mut density {
            *e -= top;
        }
        exp_slice(&mut density);
        for (e, w) in density.iter_mut().zip(&self.weights) {
            *e *= w;
        }
        let total = ergodic_math::reduce::sum(&density);
        let mut powers = vec![1.0; density.len()];
        let mut moments = vec![1.0];
        for _ in 0..highest {
            for (p, t) in powers.iter_mut().zip(&self.nodes) {
                *p *= t;
            }
            moments.push(dot(&powers, &density).unwrap_or(f64::NAN) / total);
        }
        Evaluated {
            log_partition: top + Real::ln(total),
            moments,
        }
    }
}

impl Evaluated {
    /// By how much the moments are missed, each in units of its standard deviation.
    fn violation(&self, target: &[f64]) -> f64 {
        (1..=target.len())
            .map(|j| {
                let off = (self.moments[j] - target[j - 1]).abs();
                let deviation = (self.moments[2 * j] - self.moments[j] * self.moments[j])
                    .max(0.0)
                    .sqrt();
                off / (1.0 + deviation.max(target[j - 1].abs()))
            })
            .fold(0.0, |m, v| {
                if v.is_nan() {
                    f64::INFINITY
                } else {
                    f64::max(m, v)
                }
            })
    }
}

/// The multipliers on a cut support; if they are not found, by how much the moments are missed.
fn solve_window(
    target: &[f64],
    start: &[f64],
    window: (f64, f64),
    log_base: &impl Fn(f64) -> f64,
) -> Result<Solution, Failure> {
    /// Halvings of the panels.
    const HALVINGS: usize = 6;
    let k = target.len();
    let mut lambda = start.to_vec();
    let mut panels = PANELS;
    let mut missed = f64::INFINITY;
    for _ in 0..HALVINGS {
        let grid = Grid::new(window, panels, log_base)?;
        lambda = newton(&grid, target, lambda).map_err(Failure::Missed)?;
        panels *= 2;
        let finer = Grid::new(window, panels, log_base)?;
        let judged = finer.evaluate(&lambda, 2 * k);
        let violation = judged.violation(target);
        missed = violation;
        if violation <= 1e-11 {
            return Ok(Solution {
                log_partition: judged.log_partition,
                moments: judged.moments[1..=k].to_vec(),
                lambda,
                violation,
            });
        }
    }
    Err(Failure::Missed(missed))
}

/// Newton's method on `A(λ) − λ·μ` for the integrals of one rule.
fn newton(grid: &Grid, target: &[f64], mut lambda: Vec<f64>) -> Result<Vec<f64>, f64> {
    /// Most steps.
    const STEPS: usize = 200;
    let k = target.len();
    let value = |at: &Evaluated, lambda: &[f64]| {
        let products: f64 = lambda.iter().zip(target).map(|(l, m)| l * m).sum();
        at.log_partition - products
    };
    let mut at = grid.evaluate(&lambda, 2 * k);
    for _ in 0..STEPS {
        let left = at.violation(target);
        if left <= 1e-14 {
            return Ok(lambda);
        }
        let gradient = DVector::from_fn(k, |j, _| at.moments[j + 1] - target[j]);
        let covariance =
            |i: usize, j: usize| at.moments[i + j + 2] - at.moments[i + 1] * at.moments[j + 1];
        let scales = DVector::from_fn(k, |j, _| covariance(j, j).max(1e-300).sqrt());
        let mut hessian = DMatrix::from_fn(k, k, |i, j| covariance(i, j) / (scales[i] * scales[j]));
        let mut ridge = 1e-15;
        let factor = loop {
            for j in 0..k {
                hessian[(j, j)] += ridge;
            }
            if let Some(factor) = hessian.clone().cholesky() {
                break factor;
            }
            ridge *= 10.0;
            if ridge >= 1.0 {
                return Err(left);
            }
        };
        let direction = -factor
            .solve(&gradient.component_div(&scales))
            .component_div(&scales);
        let slope = gradient.dot(&direction);
        let before = value(&at, &lambda);
        let mut length = 1.0;
        let next = loop {
            let trial: Vec<f64> = (lambda.iter().zip(direction.iter()))
                .map(|(l, d)| l + length * d)
                .collect();
            let there = grid.evaluate(&trial, 2 * k);
            let after = value(&there, &trial);
            let rounding = 1e-14 * (1.0 + before.abs());
            let falls = after <= before + 1e-4 * length * slope + rounding;
            if falls && (after < before - rounding || there.violation(target) < left) {
                break Some((trial, there));
            }
            length *= 0.5;
            if length < 1e-10 {
                break None;
            }
        };
        match next {
            Some(next) => (lambda, at) = next,
            // Rounding ends the descent.
            None if left <= 1e-11 => return Ok(lambda),
            None => return Err(left),
        }
    }
    Err(at.violation(target))
}
