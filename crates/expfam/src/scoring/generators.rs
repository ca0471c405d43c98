//! Convex functions of laws that generate scoring rules.

use ergodic_core::ArgumentError;
use ergodic_info::Convex;
use ergodic_math::Real;

use crate::legendre::Smooth;

/// Whether all entries are at least 0 and one is above.
fn measure(x: &[f64]) -> bool {
    x.iter().all(|x| *x >= 0.0) && x.iter().any(|x| *x > 0.0)
}

/// The norm `‖x‖_α` on measures, `α > 1`, generator of the pseudospherical losses; `α = 2` is the
/// Euclidean norm and the spherical loss.
///
/// Strictly convex on laws, though not along rays. Divergence
/// `‖x‖ − Σ x (y/‖y‖)^{α−1}`; for `α = 2` it is `½‖x‖·‖x/‖x‖ − y/‖y‖‖²` and has relative accuracy, else
/// the absolute error is that of the norm. Good, *Foundations of Statistical Inference*, 1971, p. 337.
///
/// ```
/// use ergodic_expfam::scoring::PseudoNorm;
/// use ergodic_info::Convex;
///
/// assert!((PseudoNorm::new(2.0)?.value(&[0.6, 0.8]) - 1.0).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PseudoNorm {
    order: f64,
}

impl PseudoNorm {
    /// Of this order.
    ///
    /// # Errors
    /// Unless it is above 1 and at most 100.
    pub fn new(order: f64) -> Result<Self, ArgumentError> {
        if order > 1.0 && order <= 100.0 {
            return Ok(Self { order });
        }
        Err(ArgumentError::new(
            "order",
            order,
            "above 1 and at most 100",
        ))
    }

    pub(super) const fn euclidean() -> Self {
        Self { order: 2.0 }
    }

    fn norm(self, x: &[f64]) -> f64 {
        let largest = x.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 {
            return 0.0;
        }
        if self.order == 2.0 {
            let squares = x.iter().map(|x| (x / largest) * (x / largest));
            return largest * squares.sum::<f64>().sqrt();
        }
        let powers = x.iter().map(|x| libm::pow(x / largest, self.order));
        largest * libm::pow(powers.sum(), 1.0 / self.order)
    }
}

impl Convex for PseudoNorm {
    fn value(&self, x: &[f64]) -> f64 {
        self.norm(x)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        let norm = self.norm(x);
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = if self.order == 2.0 {
                x / norm
            } else {
                libm::pow(x / norm, self.order - 1.0)
            };
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        measure(x)
    }

    fn domain(&self) -> &'static str {
        "nowhere below 0 and somewhere above"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        let (here, there) = (self.norm(x), self.norm(y));
        if self.order == 2.0 {
            let off = x.iter().zip(y).map(|(x, y)| {
                let d = x / here - y / there;
                d * d
            });
            return 0.5 * here * off.sum::<f64>();
        }
        let pairs = x.iter().zip(y);
        let inner: f64 = pairs
            .map(|(x, y)| x * libm::pow(y / there, self.order - 1.0))
            .sum();
        (here - inner).max(0.0) // Hölder's inequality: only rounding makes it negative
    }
}

impl Smooth for PseudoNorm {
    /// `(α − 1)/‖x‖ [diag(u^{α−2}) − u^{α−1}(u^{α−1})ᵀ]`, `u = x/‖x‖`.
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        let n = x.len();
        let norm = self.norm(x);
        let mut slope = vec![0.0; n];
        self.gradient(x, &mut slope);
        let factor = (self.order - 1.0) / norm;
        for i in 0..n {
            for j in 0..n {
                let own = if i != j {
                    0.0
                } else if self.order == 2.0 {
                    1.0
                } else {
                    libm::pow(x[i] / norm, self.order - 2.0)
                };
                hessian[i * n + j] = factor * (own - slope[i] * slope[j]);
            }
        }
    }

    fn scaled_hessian_product(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        let norm = self.norm(x);
        let mut slope = vec![0.0; x.len()];
        self.gradient(x, &mut slope);
        let along = crate::member::dot(&slope, v);
        // x u^{α−2} = ‖x‖ u^{α−1}, finite where x is 0.
        for i in 0..x.len() {
            let own = norm * slope[i] * v[i];
            out[i] = (self.order - 1.0) / norm * (own - x[i] * slope[i] * along);
        }
    }
}

/// `Σ (x^α − x)/(α − 1)` on measures, `α > 0`: on laws the negative entropy of Tsallis, generator of the
/// power losses; `α = 1` is `Σ x log x`, `α = 2` on laws `Σ x² − 1`.
///
/// Its divergence `Σ [x^α − y^α − αy^{α−1}(x − y)]/(α − 1)` (of Basu et al., *Biometrika* 85, 1998,
/// density power divergence) is summed with relative accuracy, `∞` where `y = 0 < x` and `α ≤ 1`.
/// Tsallis, *J. Stat. Phys.* 52, 1988.
///
/// ```
/// use ergodic_expfam::scoring::PowerEntropy;
/// use ergodic_info::Convex;
///
/// assert!((PowerEntropy::new(2.0)?.value(&[0.5, 0.5]) + 0.5).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerEntropy {
    order: f64,
}

impl PowerEntropy {
    /// Of this order.
    ///
    /// # Errors
    /// Unless it is above 0 and at most 100.
    pub fn new(order: f64) -> Result<Self, ArgumentError> {
        if order > 0.0 && order <= 100.0 {
            return Ok(Self { order });
        }
        Err(ArgumentError::new(
            "order",
            order,
            "above 0 and at most 100",
        ))
    }

    /// `(x^{α−1} − 1)/(α − 1)`, at order 1 the logarithm.
    fn deformed_log(self, x: f64) -> f64 {
        let k = self.order - 1.0;
        let log = Real::ln(x);
        if k == 0.0 {
            log
        } else if log == f64::NEG_INFINITY {
            if k > 0.0 { -1.0 / k } else { log }
        } else {
            Real::exp_m1(k * log) / k
        }
    }
}

impl Convex for PowerEntropy {
    fn value(&self, x: &[f64]) -> f64 {
        let terms = x.iter().filter(|x| **x > 0.0);
        terms.map(|x| x * self.deformed_log(*x)).sum()
    }

    /// `1 + α (x^{α−1} − 1)/(α − 1)`.
    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = 1.0 + self.order * self.deformed_log(*x);
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        measure(x)
    }

    fn domain(&self) -> &'static str {
        "nowhere below 0 and somewhere above"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        let pairs = x.iter().zip(y);
        pairs.map(|(x, y)| self.term(*x, *y)).sum()
    }
}

impl PowerEntropy {
    /// `[x^α − y^α − αy^{α−1}(x − y)]/(α − 1)`.
    fn term(self, x: f64, y: f64) -> f64 {
        let a = self.order;
        if x == y {
            return 0.0;
        }
        if y == 0.0 {
            // x^α/(α − 1), or ∞
            return if a > 1.0 {
                libm::pow(x, a) / (a - 1.0)
            } else {
                f64::INFINITY
            };
        }
        let d = (x - y) / y;
        if d.abs() > 0.1 {
            // x (log_α x − log_α y) − (x − y) y^{α−1}, with log_α the deformed logarithm
            let power = if a == 1.0 { 1.0 } else { libm::pow(y, a - 1.0) };
            let logs = if x == 0.0 {
                0.0
            } else {
                x * (self.deformed_log(x) - self.deformed_log(y))
            };
            return (logs - (x - y) * power).max(0.0);
        }
        // y^α Σ_{k ≥ 2} C(α, k)/(α − 1) dᵏ
        let mut coefficient = 0.5 * a;
        let (mut sum, mut power) = (0.0, d * d);
        for k in 2..200 {
            let term = coefficient * power;
            sum += term;
            if term.abs() <= 1e-17 * sum.abs() {
                break;
            }
            coefficient *= (a - f64::from(k)) / f64::from(k + 1);
            power *= d;
        }
        libm::pow(y, a) * sum
    }
}

impl Smooth for PowerEntropy {
    fn hessian(&self, x: &[f64], hessian: &mut [f64]) {
        let n = x.len();
        hessian.fill(0.0);
        for (i, x) in x.iter().enumerate() {
            hessian[i * n + i] = self.order * libm::pow(*x, self.order - 2.0);
        }
    }

    fn scaled_hessian_product(&self, x: &[f64], v: &[f64], out: &mut [f64]) {
        for ((o, x), v) in out.iter_mut().zip(x).zip(v) {
            *o = self.order * libm::pow(*x, self.order - 1.0) * v;
        }
    }
}
