//! Sub-gamma and sub-exponential tails: Gaussian near the mean, exponential far off.

use ergodic_core::ArgumentError;

use super::{LimitAndVariance, Pivotal, TailBound};
use crate::argument;

/// `log E e^{λ(X − μ)} ≤ vλ²/2(1 − cλ)` for `0 < λ < 1/c`, so that
/// `P(mean − μ ≥ t) ≤ exp(−n(v/c²) g(ct/v))`, `g(u) = 1 + u − √(1 + 2u)`.
///
/// Radius `√(2vL/n) + cL/n` with `L = log 1/(1 − confidence)`. `c = 0` is the sub-Gaussian case.
/// Speaks of the upper tail; a law may have another `c` below. Source: Boucheron, Lugosi and Massart,
/// *Concentration Inequalities*, 2013, §2.4.
///
/// ```
/// use ergodic_concentration::inequality::{SubGamma, TailBound};
///
/// let bound = SubGamma::new(2.0, 1.0)?;
/// let l = 0.01f64.ln() / -50.0;
/// assert!((bound.radius(50, 0.99)? - ((4.0 * l).sqrt() + l)).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubGamma {
    variance_factor: f64,
    scale: f64,
}

impl SubGamma {
    /// With the variance factor `v` and the scale `c`.
    ///
    /// # Errors
    /// Unless `v` is finite and above 0, `c` finite and at least 0.
    pub fn new(variance_factor: f64, scale: f64) -> Result<Self, ArgumentError> {
        argument::positive("variance_factor", variance_factor)?;
        argument::not_negative("scale", scale)?;
        Ok(Self {
            variance_factor,
            scale,
        })
    }

    /// Of a law with a limit `c` on its deviations and a variance `v`: scale `c/3`, by Bernstein.
    ///
    /// # Errors
    /// If the variance is 0.
    pub fn bernstein(assumption: &impl LimitAndVariance) -> Result<Self, ArgumentError> {
        argument::positive("variance", assumption.variance())?;
        Self::new(assumption.variance(), assumption.limit() / 3.0)
    }

    /// `v`.
    pub fn variance_factor(&self) -> f64 {
        self.variance_factor
    }

    /// `c`.
    pub fn scale(&self) -> f64 {
        self.scale
    }
}

impl TailBound for SubGamma {
    fn name(&self) -> &'static str {
        "sub-gamma"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        if t == 0.0 {
            return Ok(0.0);
        }
        // (v/c²) g(u) = (t²/v)/(1 + u + √(1 + 2u)), here divided through by u/c = t/v so that neither a
        // small c nor a small v overflows.
        let w = self.variance_factor / t;
        let root = w.sqrt() * (w + 2.0 * self.scale).sqrt();
        Ok(-n * (t / (w + self.scale + root)))
    }
}

impl Pivotal for SubGamma {}

/// `log E e^{λ(X − μ)} ≤ vλ²/2` for `0 ≤ λ ≤ 1/b`: `P(mean − μ ≥ t)` is at most `exp(−nt²/2v)` for
/// `t ≤ v/b`, and `exp(−n(t/b − v/2b²))` beyond.
///
/// The conjugate of the bound on the generating function as it stands, which for large `t` is sharper
/// than the usual `exp(−nt/2b)`. Speaks of the upper tail. Source: M. Wainwright, *High-Dimensional
/// Statistics*, 2019, proposition 2.9.
///
/// ```
/// use ergodic_concentration::inequality::{SubExponential, TailBound};
///
/// // The square of a standard normal variable: v = 4, b = 4.
/// let square = SubExponential::new(4.0, 4.0)?;
/// assert!((square.log_tail(10, 0.5)? + 10.0 * 0.25 / 8.0).abs() < 1e-15);
/// assert!((square.log_tail(10, 3.0)? + 10.0 * (0.75 - 0.125)).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubExponential {
    variance_factor: f64,
    scale: f64,
}

impl SubExponential {
    /// With the variance factor `v` and the scale `b`.
    ///
    /// # Errors
    /// Unless both are finite and above 0.
    pub fn new(variance_factor: f64, scale: f64) -> Result<Self, ArgumentError> {
        argument::positive("variance_factor", variance_factor)?;
        argument::positive("scale", scale)?;
        Ok(Self {
            variance_factor,
            scale,
        })
    }
}

impl TailBound for SubExponential {
    fn name(&self) -> &'static str {
        "sub-exponential"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let kink = self.variance_factor / self.scale;
        Ok(if t <= kink {
            let standardised = t / self.variance_factor.sqrt();
            -0.5 * n * standardised * standardised
        } else {
            -n * ((t - 0.5 * kink) / self.scale)
        })
    }
}

impl Pivotal for SubExponential {}
