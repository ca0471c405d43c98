//! Bregman divergences: how far a convex function is above its tangent.

use ergodic_math::Real;
use ergodic_math::special::x_minus_ln_1p;

use super::{excess_of_exp, log_sum_exp, relative_term, total};
use crate::InfoError;

/// A strictly convex function of a vector, with its gradient: the generator of a [`Bregman`]
/// divergence.
pub trait Convex {
    /// `F(x)`.
    fn value(&self, x: &[f64]) -> f64;

    /// `∇F(x)`, written to `gradient`, which is as long as `x`.
    fn gradient(&self, x: &[f64], gradient: &mut [f64]);

    /// Whether `F` is defined at this vector of finite numbers.
    fn contains(&self, x: &[f64]) -> bool {
        let _ = x;
        true
    }

    /// What [`contains`](Self::contains) asks for, in words.
    fn domain(&self) -> &'static str {
        "finite"
    }

    /// `F(x) − F(y) − ⟨∇F(y), x − y⟩`, for `x` and `y` of one length in the domain.
    ///
    /// The body given here loses the relative accuracy of small divergences to cancellation;
    /// functions with a better form override it.
    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        let mut gradient = vec![0.0; y.len()];
        self.gradient(y, &mut gradient);
        let slope = gradient.iter().zip(x.iter().zip(y));
        self.value(x) - self.value(y) - total(slope.map(|(g, (x, y))| g * (x - y)))
    }
}

/// The Bregman divergence of a convex function, `D_F(x‖y) = F(x) − F(y) − ⟨∇F(y), x − y⟩`.
///
/// Never negative, convex in `x`, in general not symmetric. The mean of a random vector is the `y`
/// that minimises `E D_F(X‖y)`, whatever `F`. Of the log-partition function of an exponential
/// family it is a Kullback–Leibler divergence.
///
/// | function | divergence |
/// |---|---|
/// | [`NegativeEntropy`] | generalised Kullback–Leibler, `Σ x log(x/y) − x + y` |
/// | [`SquaredNorm`] | `‖x − y‖²` |
/// | [`NegativeLogarithm`] | Itakura–Saito, `Σ x/y − log(x/y) − 1` |
/// | [`LogSumExp`] | `KL(softmax y‖softmax x)` |
///
/// Error: a few ulp for the functions above, also for nearly equal arguments; for a function
/// without its own [`Convex::divergence`], a few ulp of `F(x)`, `F(y)` and the slope term, so no
/// figure of a smaller result is certain. Cost: that of `F`. Bregman, *USSR Comput. Math. Math.
/// Phys.* 7 (1967); Banerjee, Merugu, Dhillon and Ghosh, *JMLR* 6 (2005).
///
/// Not a metric; and of two laws, only that of [`NegativeEntropy`] is also an f-divergence, with
/// the data-processing inequality.
///
/// ```
/// use ergodic_info::{Bregman, NegativeEntropy, NegativeLogarithm};
///
/// let itakura_saito = Bregman::new(NegativeLogarithm);
/// let d = itakura_saito.between(&[2.0, 1.0], &[1.0, 1.0])?;
/// assert!((d - (1.0 - 2f64.ln())).abs() < 1e-15);
/// assert!(itakura_saito.between(&[0.0], &[1.0]).is_err());
/// assert_eq!(Bregman::new(NegativeEntropy).between(&[1.0], &[0.0])?, f64::INFINITY);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bregman<F> {
    function: F,
}

impl<F: Convex> Bregman<F> {
    /// The divergence of this function.
    pub const fn new(function: F) -> Self {
        Self { function }
    }

    /// The function.
    pub const fn function(&self) -> &F {
        &self.function
    }

    /// `D_F(x‖y)`.
    ///
    /// # Errors
    /// If the lengths differ, a number is not finite or outside the function's domain, or the
    /// function answers NaN.
    pub fn between(&self, x: &[f64], y: &[f64]) -> Result<f64, InfoError> {
        if x.len() != y.len() {
            return Err(InfoError::argument(
                "y",
                format!("a vector of {} numbers", y.len()),
                format!("as long as `x`, {}", x.len()),
            ));
        }
        for (name, vector) in [("x", x), ("y", y)] {
            if let Some(i) = vector.iter().position(|v| !v.is_finite()) {
                let found = format!("a vector with {} at position {i}", vector[i]);
                return Err(InfoError::argument(name, found, "finite"));
            }
            if !self.function.contains(vector) {
                let found = "a vector outside the domain";
                return Err(InfoError::argument(name, found, self.function.domain()));
            }
        }
        let value = self.function.divergence(x, y);
        if value.is_nan() {
            return Err(InfoError::argument(
                "function",
                "a function that answers NaN",
                "a number or ∞ in its domain",
            ));
        }
        Ok(value)
    }
}

/// `Σ x log x` on `x ≥ 0`: its divergence is the Kullback–Leibler divergence of measures,
/// `Σ x log(x/y) − x + y`, `∞` where `y = 0 < x`.
///
/// Relative error some 1e-15; the vectors need not sum to 1. Csiszár, *Ann. Stat.* 19 (1991).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NegativeEntropy;

impl Convex for NegativeEntropy {
    fn value(&self, x: &[f64]) -> f64 {
        total(
            x.iter()
                .map(|x| if *x > 0.0 { x * Real::ln(*x) } else { 0.0 }),
        )
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (gradient, x) in gradient.iter_mut().zip(x) {
            *gradient = 1.0 + Real::ln(*x);
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        x.iter().all(|x| *x >= 0.0)
    }

    fn domain(&self) -> &'static str {
        "at or above 0 in every place"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        let pairs = x.iter().zip(y);
        total(pairs.map(|(x, y)| relative_term(*x, *y, y - x)))
    }
}

/// `‖x‖²`: its divergence is `‖x − y‖²`, the only symmetric one besides other quadratic forms.
///
/// Relative error a few ulp; `∞` above the range of `f64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SquaredNorm;

impl Convex for SquaredNorm {
    fn value(&self, x: &[f64]) -> f64 {
        total(x.iter().map(|x| x * x))
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (gradient, x) in gradient.iter_mut().zip(x) {
            *gradient = 2.0 * x;
        }
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        total(x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)))
    }
}

/// `−Σ log x` on `x > 0` (Burg's entropy): its divergence is that of Itakura and Saito,
/// `Σ x/y − log(x/y) − 1`, which does not change with the scale of both.
///
/// For power spectra and other positive quantities whose ratios matter. Relative error some
/// 1e-15; `∞` above the range of `f64`. Itakura and Saito, *Proc. 6th Int. Congr. Acoustics*
/// (1968). Not for data with zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NegativeLogarithm;

impl Convex for NegativeLogarithm {
    fn value(&self, x: &[f64]) -> f64 {
        -total(x.iter().map(|x| Real::ln(*x)))
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (gradient, x) in gradient.iter_mut().zip(x) {
            *gradient = -1.0 / x;
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        x.iter().all(|x| *x > 0.0)
    }

    fn domain(&self) -> &'static str {
        "above 0 in every place"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        total(x.iter().zip(y).map(|(x, y)| {
            let ratio = x / y;
            if ratio > 0.25 {
                x_minus_ln_1p((x - y) / y)
            } else {
                // The ratio may underflow, its logarithm does not.
                ratio - super::log_ratio(*x, *y) - 1.0
            }
        }))
    }
}

/// `log Σ exp x`, the log-partition function of the categorical law by its logits: its divergence
/// is `KL(softmax y‖softmax x)`.
///
/// Convex, strictly but for adding a constant to all logits, which changes nothing. Relative error
/// some 1e-15 for nearly equal arguments too. Wainwright and Jordan, *Found. Trends Mach. Learn.*
/// 1 (2008), §5.2.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSumExp;

impl Convex for LogSumExp {
    fn value(&self, x: &[f64]) -> f64 {
        ergodic_math::special::log_sum_exp(x)
    }

    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        let largest = x.iter().fold(f64::NEG_INFINITY, |m: f64, x| m.max(*x));
        for (gradient, x) in gradient.iter_mut().zip(x) {
            *gradient = Real::exp(x - largest);
        }
        let sum = total(gradient.iter().copied());
        for gradient in gradient {
            *gradient /= sum;
        }
    }

    fn contains(&self, x: &[f64]) -> bool {
        !x.is_empty()
    }

    fn domain(&self) -> &'static str {
        "of at least one number"
    }

    fn divergence(&self, x: &[f64], y: &[f64]) -> f64 {
        let mut law = vec![0.0; y.len()];
        self.gradient(y, &mut law);
        // log Σ p e^d − Σ p d with d = x − y; less its mean, the linear terms vanish.
        let d = || {
            law.iter()
                .zip(x.iter().zip(y))
                .map(|(p, (x, y))| (*p, x - y))
        };
        let mean = total(d().map(|(p, d)| p * d));
        let excess = total(d().map(|(p, d)| p * excess_of_exp(d - mean)));
        if excess < 1e300 {
            return Real::ln_1p(excess);
        }
        let terms = law
            .iter()
            .zip(x.iter().zip(y))
            .map(|(p, (x, y))| (*p, x - y - mean));
        log_sum_exp(terms.filter(|(p, _)| *p > 0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Divergence, KullbackLeibler, Probabilities};

    fn close(found: f64, expected: f64, relative: f64) {
        assert!(
            (found - expected).abs() <= relative * expected.abs(),
            "{found:e} is not {expected:e}"
        );
    }

    /// A function with no form of its own for the divergence.
    struct Plain<F>(F);

    impl<F: Convex> Convex for Plain<F> {
        fn value(&self, x: &[f64]) -> f64 {
            self.0.value(x)
        }

        fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
            self.0.gradient(x, gradient);
        }
    }

    fn definition_agrees<F: Convex + Copy>(function: F) {
        let (x, y) = ([0.3, 1.7, 0.9, 2.5], [1.1, 0.2, 0.8, 2.4]);
        let direct = Bregman::new(function).between(&x, &y).unwrap();
        let defined = Bregman::new(Plain(function)).between(&x, &y).unwrap();
        close(direct, defined, 1e-13);
        // The gradient is that of the value: central differences.
        let mut gradient = [0.0; 4];
        function.gradient(&x, &mut gradient);
        for i in 0..4 {
            let at = |step: f64| {
                let mut x = x;
                x[i] += step;
                function.value(&x)
            };
            close((at(1e-5) - at(-1e-5)) / 2e-5, gradient[i], 1e-8);
        }
        assert_eq!(Bregman::new(function).between(&x, &x).unwrap(), 0.0);
    }

    #[test]
    fn own_forms_agree_with_the_definition_and_gradients_with_differences() {
        definition_agrees(NegativeEntropy);
        definition_agrees(SquaredNorm);
        definition_agrees(NegativeLogarithm);
        definition_agrees(LogSumExp);
    }

    #[test]
    fn log_sum_exp_generates_the_divergence_of_softmax_laws() {
        let softmax = |z: &[f64]| {
            let mut p = vec![0.0; z.len()];
            LogSumExp.gradient(z, &mut p);
            Probabilities::new(p).unwrap()
        };
        let bregman = Bregman::new(LogSumExp);
        let (x, y) = ([0.3, -1.0, 4.0], [1.0, 2.0, -0.5]);
        let kl = KullbackLeibler.between(&softmax(&y), &softmax(&x)).unwrap();
        close(bregman.between(&x, &y).unwrap(), kl.nats(), 1e-14);
        // Adding a constant changes nothing; logits in the thousands do not overflow.
        let shifted = x.map(|x| x + 1024.0);
        close(bregman.between(&shifted, &y).unwrap(), kl.nats(), 1e-12);
        let d = bregman.between(&[5000.0, 0.0], &[0.0, 0.0]).unwrap();
        close(d, 2500.0 - 2f64.ln(), 1e-14);
        // Two logits that differ by ε: log cosh(ε/2).
        let e = 2f64.powi(-20);
        let d = bregman.between(&[e, 0.0], &[0.0, 0.0]).unwrap();
        let half = 0.5 * e;
        close(d, half * half / 2.0 - half.powi(4) / 12.0, 1e-14);
    }

    #[test]
    fn nearly_equal_arguments_keep_relative_accuracy() {
        let e = 2f64.powi(-30);
        let d = Bregman::new(NegativeLogarithm)
            .between(&[1.0 + e], &[1.0])
            .unwrap();
        close(d, e * e / 2.0 - e * e * e / 3.0 + e.powi(4) / 4.0, 1e-15);
        let d = Bregman::new(NegativeEntropy)
            .between(&[1.0 + e], &[1.0])
            .unwrap();
        close(d, e * e / 2.0 - e * e * e / 6.0 + e.powi(4) / 12.0, 1e-15);
    }

    #[test]
    fn ratios_beyond_the_range_of_f64_are_infinite_and_not_nan() {
        let itakura_saito = Bregman::new(NegativeLogarithm);
        let far = itakura_saito.between(&[1e300], &[1e-300]).unwrap();
        assert_eq!(far, f64::INFINITY);
        // The other way the ratio underflows: −log(x/y) − 1.
        let near = itakura_saito.between(&[1e-300], &[1e300]).unwrap();
        close(near, 600.0 * 10f64.ln() - 1.0, 1e-15);
    }

    #[test]
    fn bad_vectors_are_named() {
        let text = |r: Result<f64, InfoError>| r.unwrap_err().to_string();
        let entropy = Bregman::new(NegativeEntropy);
        assert!(text(entropy.between(&[1.0], &[1.0, 2.0])).starts_with("y "));
        assert!(text(entropy.between(&[-1.0], &[1.0])).starts_with("x "));
        assert!(text(entropy.between(&[1.0], &[f64::NAN])).starts_with("y "));
        assert!(text(Bregman::new(NegativeLogarithm).between(&[1.0], &[0.0])).starts_with("y "));
        assert!(text(Bregman::new(LogSumExp).between(&[], &[])).starts_with("x "));
        assert_eq!(entropy.between(&[0.0], &[0.0]).unwrap(), 0.0);
        assert_eq!(entropy.between(&[0.0], &[3.0]).unwrap(), 3.0);
        let broken = Bregman::new(Plain(NegativeLogarithm));
        assert!(text(broken.between(&[-1.0], &[1.0])).starts_with("function"));
    }
}
