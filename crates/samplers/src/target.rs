//! Functions as targets: an energy, an energy with its gradient, a log density.

use ergodic_core::{Energy, EnergyGradient};

use crate::scratch::with_buffer;

/// A target from a log density with its gradient: `E(x) = −log p(x)`.
///
/// The function gets `x` and room for the gradient, both of length `dim`; it writes
/// `∂ log p/∂xᵢ` and returns `log p(x)`, up to a constant, `−∞` outside the support. An `x` of
/// another length has no energy: it is NaN, which kernels refuse as a start.
///
/// [`Energy::energy`] alone costs as much as with the gradient, since the function computes both.
///
/// ```
/// use ergodic_core::EnergyGradient;
/// use ergodic_samplers::{LogDensity, check_gradient};
///
/// // A standard normal in three dimensions.
/// let normal = LogDensity::new(3, |x: &[f64], gradient: &mut [f64]| {
///     for (g, x) in gradient.iter_mut().zip(x) {
///         *g = -x;
///     }
///     -0.5 * x.iter().map(|x| x * x).sum::<f64>()
/// });
/// let mut g = [0.0; 3];
/// assert_eq!(normal.energy_gradient(&[1.0, 2.0, 0.0], &mut g), 2.5);
/// assert_eq!(g, [1.0, 2.0, 0.0]);
/// check_gradient(&normal, &[0.3, -1.0, 2.0])?;
/// # Ok::<(), ergodic_samplers::GradientError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LogDensity<F> {
    dim: usize,
    function: F,
}

impl<F: Fn(&[f64], &mut [f64]) -> f64> LogDensity<F> {
    /// A log density on `dim` coordinates.
    pub const fn new(dim: usize, function: F) -> Self {
        Self { dim, function }
    }
}

impl<F: Fn(&[f64], &mut [f64]) -> f64> Energy for LogDensity<F> {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        if x.len() != self.dim {
            return f64::NAN;
        }
        with_buffer(self.dim, |gradient| -(self.function)(x, gradient))
    }
}

impl<F: Fn(&[f64], &mut [f64]) -> f64> EnergyGradient for LogDensity<F> {
    fn dim(&self) -> usize {
        self.dim
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        if x.len() != self.dim || grad.len() != self.dim {
            return f64::NAN;
        }
        let log_density = (self.function)(x, grad);
        for g in grad {
            *g = -*g;
        }
        -log_density
    }
}

/// A target from an energy alone, for kernels without gradients: made by [`energy_fn`].
#[derive(Clone, Copy, Debug)]
pub struct EnergyFn<F> {
    dim: usize,
    function: F,
}

/// A target `E(x)` on `dim` coordinates from a function.
///
/// An `x` of another length has no energy: it is NaN, which kernels refuse as a start.
///
/// ```
/// use ergodic_core::Energy;
/// use ergodic_samplers::energy_fn;
///
/// let double_well = energy_fn(1, |x: &[f64]| (x[0] * x[0] - 1.0).powi(2));
/// assert_eq!(double_well.energy(&[0.0]), 1.0);
/// assert!(double_well.energy(&[0.0, 1.0]).is_nan());
/// ```
pub const fn energy_fn<F: Fn(&[f64]) -> f64>(dim: usize, function: F) -> EnergyFn<F> {
    EnergyFn { dim, function }
}

impl<F> EnergyFn<F> {
    /// The number of coordinates.
    pub const fn dim(&self) -> usize {
        self.dim
    }
}

impl<F: Fn(&[f64]) -> f64> Energy for EnergyFn<F> {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        if x.len() == self.dim {
            (self.function)(x)
        } else {
            f64::NAN
        }
    }
}

/// A target from an energy with its gradient: made by [`energy_gradient_fn`].
#[derive(Clone, Copy, Debug)]
pub struct EnergyGradientFn<F> {
    dim: usize,
    function: F,
}

/// A target on `dim` coordinates from a function that writes `∂E/∂xᵢ` and returns `E(x)`.
///
/// ```
/// use ergodic_core::EnergyGradient;
/// use ergodic_samplers::energy_gradient_fn;
///
/// let quartic = energy_gradient_fn(1, |x: &[f64], g: &mut [f64]| {
///     g[0] = 4.0 * x[0].powi(3);
///     x[0].powi(4)
/// });
/// let mut g = [0.0];
/// assert_eq!((quartic.energy_gradient(&[2.0], &mut g), g), (16.0, [32.0]));
/// ```
pub const fn energy_gradient_fn<F>(dim: usize, function: F) -> EnergyGradientFn<F>
where
    F: Fn(&[f64], &mut [f64]) -> f64,
{
    EnergyGradientFn { dim, function }
}

impl<F: Fn(&[f64], &mut [f64]) -> f64> Energy for EnergyGradientFn<F> {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        if x.len() != self.dim {
            return f64::NAN;
        }
        with_buffer(self.dim, |gradient| (self.function)(x, gradient))
    }
}

impl<F: Fn(&[f64], &mut [f64]) -> f64> EnergyGradient for EnergyGradientFn<F> {
    fn dim(&self) -> usize {
        self.dim
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        if x.len() != self.dim || grad.len() != self.dim {
            return f64::NAN;
        }
        (self.function)(x, grad)
    }
}
