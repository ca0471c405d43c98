//! The entropy of a softmax as a term of a loss, with its gradient.

use ergodic_math::Real;

use super::softmax::check_logits;
use crate::{InfoError, Information};

/// The term `−λ H(softmax(z))` of a loss: `λ > 0` rewards uncertain predictions (confidence penalty,
/// exploration), `λ < 0` sure ones (entropy minimisation on unlabelled data).
///
/// The gradient with respect to the logits is `λ p_k (log p_k + H)`, since
/// `∂H/∂z_k = −p_k (log p_k + H)`; its entries sum to 0. Pereyra et al., arXiv:1701.06548;
/// Grandvalet and Bengio, *NeurIPS* 2004. `O(K)` and no allocation; probabilities that underflow
/// contribute 0, their limit.
///
/// ```
/// use ergodic_info::learning::EntropyRegularizer;
///
/// let (logits, mut gradient) = ([1.0, 0.0, -1.0], [0.0; 3]);
/// let penalty = EntropyRegularizer::new(0.1)?;
/// let value = penalty.add_gradient(&logits, &mut gradient)?;
/// assert!(value < 0.0 && gradient[0] > 0.0); // a step downhill lowers the largest logit
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EntropyRegularizer {
    strength: f64,
}

impl EntropyRegularizer {
    /// The term of strength `λ`, per nat.
    ///
    /// # Errors
    /// If the strength is not finite.
    pub fn new(strength: f64) -> Result<Self, InfoError> {
        if strength.is_finite() {
            Ok(Self { strength })
        } else {
            Err(InfoError::argument("strength", strength, "finite"))
        }
    }

    /// `λ`.
    pub fn strength(&self) -> f64 {
        self.strength
    }

    /// The entropy of `softmax(z)`.
    ///
    /// # Errors
    /// If there are no logits or one is not finite.
    pub fn entropy(logits: &[f64]) -> Result<Information, InfoError> {
        check_logits(logits)?;
        Ok(Information::from_nats(Law::of(logits).entropy))
    }

    /// `−λ H(softmax(z))`.
    ///
    /// # Errors
    /// If there are no logits or one is not finite.
    pub fn value(&self, logits: &[f64]) -> Result<f64, InfoError> {
        Ok(-self.strength * Self::entropy(logits)?.nats())
    }

    /// Adds the gradient of the term to `gradient`, and returns the term.
    ///
    /// # Errors
    /// If there are no logits, one is not finite, or the lengths differ.
    pub fn add_gradient(&self, logits: &[f64], gradient: &mut [f64]) -> Result<f64, InfoError> {
        check_logits(logits)?;
        if gradient.len() != logits.len() {
            return Err(InfoError::argument(
                "gradient",
                format!("a slice of {} numbers", gradient.len()),
                format!("as long as the logits, {}", logits.len()),
            ));
        }
        let law = Law::of(logits);
        for (g, z) in gradient.iter_mut().zip(logits) {
            let log_p = z - law.largest - law.log_sum;
            let p = Real::exp(log_p);
            if p > 0.0 {
                *g += self.strength * p * (log_p + law.entropy);
            }
        }
        Ok(-self.strength * law.entropy)
    }
}

struct Law {
    largest: f64,
    /// `log Σ exp(z − largest)`.
    log_sum: f64,
    entropy: f64,
}

impl Law {
    fn of(logits: &[f64]) -> Self {
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // The maxima count apart, so that a tiny rest is not lost beside them.
        let (mut ties, mut rest, mut moment) = (0.0, 0.0, 0.0);
        for z in logits {
            let below = z - largest;
            if below == 0.0 {
                ties += 1.0;
                continue;
            }
            let w = Real::exp(below);
            rest += w;
            if w > 0.0 {
                moment -= w * below;
            }
        }
        let log_sum = Real::ln(ties) + Real::ln_1p(rest / ties);
        Self {
            largest,
            log_sum,
            entropy: log_sum + moment / (ties + rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_the_derivative_and_sums_to_zero() {
        let z = [0.4, -1.0, 2.2, 2.0, 0.0];
        for strength in [0.3, -2.0] {
            let term = EntropyRegularizer::new(strength).unwrap();
            let mut gradient = [10.0; 5];
            let value = term.add_gradient(&z, &mut gradient).unwrap();
            assert_eq!(value, term.value(&z).unwrap());
            let mut sum = 0.0;
            for k in 0..5 {
                let at = |h: f64| {
                    let mut moved = z;
                    moved[k] += h;
                    term.value(&moved).unwrap()
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((gradient[k] - 10.0 - slope).abs() < 1e-9);
                sum += gradient[k] - 10.0;
            }
            assert!(sum.abs() < 1e-14);
        }
    }

    #[test]
    fn entropy_is_stationary_at_the_uniform_law_and_finite_at_the_extremes() {
        let term = EntropyRegularizer::new(1.0).unwrap();
        let mut gradient = [0.0; 4];
        let value = term.add_gradient(&[3.0; 4], &mut gradient).unwrap();
        assert!((value + 4f64.ln()).abs() < 1e-15);
        assert!(gradient.iter().all(|g| g.abs() < 1e-16));
        let value = term
            .add_gradient(&[f64::MAX, -f64::MAX, 0.0, -1.0], &mut gradient)
            .unwrap();
        assert_eq!(value, 0.0);
        assert!(gradient.iter().all(|g| g.is_finite()));
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(EntropyRegularizer::new(f64::NAN).is_err());
        let term = EntropyRegularizer::new(1.0).unwrap();
        assert!(term.value(&[]).is_err());
        assert!(term.value(&[f64::NAN]).is_err());
        assert!(term.add_gradient(&[0.0, 1.0], &mut [0.0]).is_err());
    }
}
