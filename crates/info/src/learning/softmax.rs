//! The entropy of a softmax as its temperature changes.

use ergodic_math::Real;
use ergodic_math::roots::brent;

use crate::{InfoError, Information, Probabilities};

/// The law `p_T(k) ∝ exp(z_k/T)` of logits `z` at every temperature `T`, from 0 (the largest logits
/// alone) to `∞` (uniform).
///
/// It is the Boltzmann law of energies `−z`: the entropy rises with `T`,
/// `dH/dT = Var_T(z)/T³ ≥ 0`, from `log m` (`m` logits share the maximum) to `log K`. Temperature
/// scaling of a classifier: Guo, Pleiss, Sun and Weinberger, *ICML* 2017. `O(K)` per evaluation.
///
/// ```
/// use ergodic_info::learning::Softmax;
///
/// let softmax = Softmax::new([2.0, 1.0, -1.0])?;
/// assert_eq!(softmax.entropy(0.0)?.nats(), 0.0);
/// assert!((softmax.entropy(f64::INFINITY)?.nats() - 3f64.ln()).abs() < 1e-15);
/// let t = softmax.temperature_at(softmax.entropy(0.7)?)?;
/// assert!((t - 0.7).abs() < 1e-12);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    /// `z − max z`, at most 0.
    below: Vec<f64>,
    ties: usize,
}

impl Softmax {
    /// The softmax of these logits. Only differences matter.
    ///
    /// # Errors
    /// If there are none, one is not finite, or two differ by more than the largest number.
    pub fn new(logits: impl Into<Vec<f64>>) -> Result<Self, InfoError> {
        let mut below = logits.into();
        check_logits(&below)?;
        let largest = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for z in &mut below {
            *z -= largest;
        }
        if let Some(i) = below.iter().position(|z| !z.is_finite()) {
            return Err(InfoError::argument(
                "logits",
                format!(
                    "a list with {} less than its maximum at position {i}",
                    below[i]
                ),
                "of finite differences",
            ));
        }
        let ties = below.iter().filter(|z| **z == 0.0).count();
        Ok(Self { below, ties })
    }

    /// The law at a temperature.
    ///
    /// # Errors
    /// If the temperature is negative or NaN.
    pub fn probabilities(&self, temperature: f64) -> Result<Probabilities, InfoError> {
        let temperature = checked(temperature)?;
        Probabilities::from_weights(
            self.below
                .iter()
                .map(|z| weight(*z, temperature))
                .collect::<Vec<_>>(),
        )
    }

    /// The entropy `H(T) = log Σ exp(z_k/T) − E_T[z]/T`; `log m` at `T = 0`, `log K` at `∞`.
    ///
    /// Relative accuracy of a few ulp, also where it is tiny.
    ///
    /// # Errors
    /// If the temperature is negative or NaN.
    pub fn entropy(&self, temperature: f64) -> Result<Information, InfoError> {
        let temperature = checked(temperature)?;
        let (partition, _, moment) = self.sums(temperature);
        // log(m + rest) − Σ w z/(TZ): both parts at least 0.
        Ok(Information::from_nats(
            Real::ln(self.ties as f64) + Real::ln_1p(partition) + moment,
        ))
    }

    /// `dH/dT = Var_T(z)/T³`, in nats per unit of temperature; at least 0.
    ///
    /// At `T = 0` it is 0: the variance vanishes faster than any power, as `exp(−gap/T)`.
    ///
    /// # Errors
    /// If the temperature is negative or NaN.
    pub fn entropy_slope(&self, temperature: f64) -> Result<f64, InfoError> {
        let temperature = checked(temperature)?;
        if temperature == 0.0 || temperature == f64::INFINITY {
            return Ok(0.0);
        }
        let (_, total, moment) = self.sums(temperature);
        let mut square = 0.0;
        for z in &self.below {
            let w = weight(*z, temperature) / total;
            // In units of the temperature; what has no weight may be infinitely far.
            if w > 0.0 {
                let d = scaled(*z, temperature) + moment;
                square += w * d * d;
            }
        }
        Ok(square / temperature)
    }

    /// The temperature at which the entropy is `entropy`, by bisection and interpolation in `log T`;
    /// 0 at `log m`, `∞` at `log K`. If all logits are equal the entropy is `log K` at every
    /// temperature, and the answer is `∞`.
    ///
    /// # Errors
    /// If the entropy is not between `log m` and `log K`.
    pub fn temperature_at(&self, entropy: Information) -> Result<f64, InfoError> {
        let target = entropy.nats();
        let (least, most) = (
            self.entropy(0.0)?.nats(),
            self.entropy(f64::INFINITY)?.nats(),
        );
        if !(least..=most).contains(&target) {
            return Err(InfoError::argument(
                "entropy",
                entropy,
                format!(
                    "between {least} and {most} nats, its values at temperatures 0 and infinity"
                ),
            ));
        }
        if target == most {
            return Ok(f64::INFINITY);
        }
        if target == least {
            return Ok(0.0);
        }
        // Temperatures beside the smallest gap and the largest spread bracket it; in log T the
        // curve is smooth on the scale of one.
        let spread = self.below.iter().copied().fold(0.0f64, f64::min);
        let gap = self
            .below
            .iter()
            .filter(|z| **z < 0.0)
            .copied()
            .fold(spread, f64::max);
        let low = Real::ln(-gap) - 7.0;
        let high = Real::ln(-spread) + 20.0;
        let mut failure = None;
        let root = brent(
            |log_t| match self.entropy(Real::exp(log_t)) {
                Ok(h) => h.nats() - target,
                Err(error) => {
                    failure = Some(error);
                    f64::NAN
                }
            },
            low,
            high.min(709.0),
            0.0,
        );
        if let Some(error) = failure {
            return Err(error);
        }
        match root {
            Ok(root) => Ok(Real::exp(root.x)),
            // Nearer to an end than temperatures in the bracket come: the entropy is flat there.
            Err(_) if target - least < most - target => Ok(0.0),
            Err(_) => Ok(f64::INFINITY),
        }
    }

    /// `Σ_{z<0} w/m`, `Σ w`, and `−Σ w z/T/Σ w`, with `w = exp(z/T)`.
    fn sums(&self, temperature: f64) -> (f64, f64, f64) {
        let (mut rest, mut moment) = (0.0, 0.0);
        for z in &self.below {
            if *z < 0.0 {
                let w = weight(*z, temperature);
                rest += w;
                if w > 0.0 {
                    moment -= w * scaled(*z, temperature);
                }
            }
        }
        let ties = self.ties as f64;
        (rest / ties, ties + rest, moment / (ties + rest))
    }
}

/// `exp(z/T)` for `z ≤ 0` and `0 ≤ T ≤ ∞`.
fn weight(z: f64, temperature: f64) -> f64 {
    Real::exp(scaled(z, temperature))
}

/// `z/T`, which may be `−∞`; a quotient, as `1/T` overflows where `z/T` need not.
fn scaled(z: f64, temperature: f64) -> f64 {
    if z == 0.0 { 0.0 } else { z / temperature }
}

/// The temperature, without the sign of −0.
fn checked(temperature: f64) -> Result<f64, InfoError> {
    if temperature >= 0.0 {
        Ok(temperature.abs())
    } else {
        Err(InfoError::argument(
            "temperature",
            temperature,
            "at least 0",
        ))
    }
}

/// Whether logits are a non-empty list of finite numbers.
pub(super) fn check_logits(logits: &[f64]) -> Result<(), InfoError> {
    if logits.is_empty() {
        return Err(InfoError::argument(
            "logits",
            "an empty list",
            "at least one logit",
        ));
    }
    match logits.iter().position(|z| !z.is_finite()) {
        Some(i) => Err(InfoError::argument(
            "logits",
            format!("a list with {} at position {i}", logits[i]),
            "finite",
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_rises_from_the_ties_to_all() {
        let softmax = Softmax::new([1.0, 3.0, 3.0, -2.0, 0.5]).unwrap();
        assert!((softmax.entropy(0.0).unwrap().nats() - 2f64.ln()).abs() < 1e-15);
        let mut last = 0.0;
        for i in -300..300 {
            let h = softmax.entropy((0.1 * f64::from(i)).exp()).unwrap().nats();
            assert!(h >= last - 1e-15, "{i}: {h} after {last}");
            last = h;
        }
        assert!((last - 5f64.ln()).abs() < 1e-15);
        assert_eq!(
            softmax.probabilities(0.0).unwrap().as_slice(),
            [0.0, 0.5, 0.5, 0.0, 0.0]
        );
    }

    #[test]
    fn entropy_and_slope_are_those_of_the_probabilities() {
        let z = [0.3, -1.2, 2.0, 1.9];
        let softmax = Softmax::new(z).unwrap();
        for t in [0.05, 0.3, 1.0, 4.0, 50.0] {
            let p = softmax.probabilities(t).unwrap();
            let p = p.as_slice();
            let h: f64 = p
                .iter()
                .map(|p| if *p > 0.0 { -p * p.ln() } else { 0.0 })
                .sum();
            assert!((softmax.entropy(t).unwrap().nats() - h).abs() < 1e-14);
            let mean: f64 = p.iter().zip(&z).map(|(p, z)| p * z).sum();
            let variance: f64 = p
                .iter()
                .zip(&z)
                .map(|(p, z)| p * (z - mean) * (z - mean))
                .sum();
            let slope = softmax.entropy_slope(t).unwrap();
            assert!((slope - variance / (t * t * t)).abs() < 1e-13 * slope.max(1.0));
            let step = 1e-5 * t;
            let difference = (softmax.entropy(t + step).unwrap().nats()
                - softmax.entropy(t - step).unwrap().nats())
                / (2.0 * step);
            assert!((slope - difference).abs() < 1e-6 * slope.max(1e-3), "{t}");
        }
    }

    #[test]
    fn a_small_entropy_keeps_its_digits() {
        // Two logits, gap g: with w = e^{−g/T}, H = log(1 + w) + w/(1 + w)·g/T ≈ w (1 + g/T).
        let softmax = Softmax::new([0.0, -1.0]).unwrap();
        let t = 0.02;
        let w = (-50f64).exp();
        let h = softmax.entropy(t).unwrap().nats();
        assert!((h / (w * 51.0) - 1.0).abs() < 1e-13);
        assert_eq!(softmax.entropy_slope(0.0).unwrap(), 0.0);
        assert_eq!(softmax.entropy_slope(1e-300).unwrap(), 0.0);
    }

    /// Where `z/T` or `1/T` leaves the range of `f64`, and where only `1/T` does.
    #[test]
    fn the_coldest_temperatures_have_entropies_and_slopes() {
        for z in [1.0, 1e10, 1e300] {
            let softmax = Softmax::new([0.0, -z]).unwrap();
            for t in [f64::from_bits(1), 1e-310, 1e-300] {
                assert_eq!(softmax.entropy(t).unwrap().nats(), 0.0);
                assert_eq!(softmax.entropy_slope(t).unwrap(), 0.0);
            }
        }
        let softmax = Softmax::new([0.0, -f64::MIN_POSITIVE]).unwrap();
        let like = Softmax::new([0.0, -1.0]).unwrap();
        let h = softmax.entropy(0.5 * f64::MIN_POSITIVE).unwrap();
        assert_eq!(h, like.entropy(0.5).unwrap());
        let t = softmax.temperature_at(h).unwrap();
        assert!((t / f64::MIN_POSITIVE - 0.5).abs() < 1e-12, "{t}");
    }

    #[test]
    fn temperature_is_found_from_the_entropy() {
        for z in [
            vec![0.0, 1.0],
            vec![5.0, 5.0, 4.0, -300.0],
            vec![1e-6, 0.0, 3e-6],
            vec![1e8, 0.0, 3.0],
        ] {
            let softmax = Softmax::new(z.clone()).unwrap();
            for share in [0.01, 0.3, 0.5, 0.9, 0.999] {
                let (least, most) = (
                    softmax.entropy(0.0).unwrap().nats(),
                    softmax.entropy(f64::INFINITY).unwrap().nats(),
                );
                let h = least + share * (most - least);
                let t = softmax.temperature_at(Information::from_nats(h)).unwrap();
                let found = softmax.entropy(t).unwrap().nats();
                assert!((found - h).abs() < 1e-13, "{z:?}: {found} is not {h}");
            }
            let at = |h| softmax.temperature_at(h).unwrap();
            assert_eq!(at(softmax.entropy(0.0).unwrap()), 0.0);
            assert_eq!(at(softmax.entropy(f64::INFINITY).unwrap()), f64::INFINITY);
        }
        let equal = Softmax::new([1.0, 1.0]).unwrap();
        let h = equal.entropy(3.0).unwrap();
        assert_eq!(equal.temperature_at(h).unwrap(), f64::INFINITY);
    }

    #[test]
    fn bad_logits_and_temperatures_are_refused() {
        assert!(Softmax::new([]).is_err());
        assert!(Softmax::new([0.0, f64::NAN]).is_err());
        assert!(Softmax::new([f64::INFINITY]).is_err());
        assert!(Softmax::new([f64::MAX, -f64::MAX]).is_err());
        let softmax = Softmax::new([0.0, 1.0, 1.0]).unwrap();
        for t in [-1.0, f64::NAN] {
            assert!(softmax.entropy(t).is_err());
            assert!(softmax.entropy_slope(t).is_err());
            assert!(softmax.probabilities(t).is_err());
        }
        for nats in [0.1, 1.2, f64::NAN] {
            assert!(
                softmax
                    .temperature_at(Information::from_nats(nats))
                    .is_err()
            );
        }
    }
}
