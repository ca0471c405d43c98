//! Losses of two outcomes as mixtures of decisions.

use ergodic_core::ArgumentError;
use ergodic_info::InfoError;
use ergodic_math::quadrature::{Adaptive, QuadratureError};

/// The proper loss of a probability `q` of an event with the weight `w(c) ≥ 0` on thresholds `c`:
/// `ℓ(q, 1) = ∫_q¹ (1 − c) w(c) dc`, `ℓ(q, 0) = ∫₀^q c w(c) dc`.
///
/// A threshold is a decision to act if `q > c`, where missing the event costs `1 − c` and a false alarm
/// `c`: every proper loss of two outcomes is such a mixture (Shuford, Albert and Massengill,
/// *Psychometrika* 31, 1966; Schervish, *Ann. Stat.* 17, 1989). `w = 2` gives the squared error
/// `(y − q)²`, `1/c(1 − c)` the logarithmic loss, a point mass the cost of one decision. The integrals are
/// adaptive, to a relative error of 1e-10 (some hundred evaluations, more where `w` is singular).
///
/// ```
/// use ergodic_expfam::scoring::WeightedBinaryRule;
///
/// let logarithmic = WeightedBinaryRule::new(|c| 1.0 / (c * (1.0 - c)));
/// assert!((logarithmic.loss(0.3, true)? + 0.3f64.ln()).abs() < 1e-10);
/// assert!((logarithmic.loss(0.3, false)? + 0.7f64.ln()).abs() < 1e-10);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WeightedBinaryRule<W> {
    weight: W,
}

impl<W: Fn(f64) -> f64> WeightedBinaryRule<W> {
    /// Of a weight on `(0, 1)`.
    pub const fn new(weight: W) -> Self {
        Self { weight }
    }

    /// What the forecast `q` costs when the event happens, or does not.
    ///
    /// # Errors
    /// Unless `0 ≤ q ≤ 1`; if the weight is negative or not finite inside `(0, 1)`; or
    /// [`InfoError::NotConverged`] if the integral does not settle, as where it is infinite.
    pub fn loss(&self, forecast: f64, event: bool) -> Result<f64, InfoError> {
        probability("forecast", forecast)?;
        if event {
            self.integral(forecast, 1.0, |c| 1.0 - c)
        } else {
            self.integral(0.0, forecast, |c| c)
        }
    }

    /// The regret of the forecast `q` under the probability `p`: `∫ |p − c| w(c) dc` between `q` and `p`, the
    /// decisions that they make differently.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn divergence(&self, p: f64, forecast: f64) -> Result<f64, InfoError> {
        probability("p", p)?;
        probability("forecast", forecast)?;
        self.integral(p.min(forecast), p.max(forecast), |c| (p - c).abs())
    }

    /// The least expected loss under the probability `p`: `∫ min(c(1 − p), (1 − c)p) w(c) dc`, the Bayes risk
    /// of all decisions together.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn entropy(&self, p: f64) -> Result<f64, InfoError> {
        probability("p", p)?;
        if p == 0.0 || p == 1.0 {
            return Ok(0.0);
        }
        Ok(p * self.loss(p, true)? + (1.0 - p) * self.loss(p, false)?)
    }

    /// `∫ cost(c) w(c) dc`.
    fn integral(&self, a: f64, b: f64, cost: impl Fn(f64) -> f64) -> Result<f64, InfoError> {
        let mut bad = None;
        let found = Adaptive::default().integrate(
            |c| {
                let w = (self.weight)(c);
                if !(w >= 0.0 && w.is_finite()) {
                    bad.get_or_insert((c, w));
                    return 0.0;
                }
                cost(c) * w
            },
            a,
            b,
        );
        if let Some((c, w)) = bad {
            let found = format!("{w} at {c}");
            return Err(ArgumentError::new("weight", found, "finite and at least 0").into());
        }
        match found {
            Ok(integral) => Ok(integral.value),
            Err(QuadratureError::NotConverged {
                error, evaluations, ..
            }) => Err(InfoError::NotConverged {
                quantity: "the integral over thresholds",
                gap: error,
                tolerance: 1e-10,
                iterations: evaluations,
            }),
            Err(error) => Err(ArgumentError::new("weight", error, "integrable").into()),
        }
    }
}

fn probability(argument: &'static str, p: f64) -> Result<(), ArgumentError> {
    if (0.0..=1.0).contains(&p) {
        return Ok(());
    }
    Err(ArgumentError::new(argument, p, "from 0 to 1"))
}
