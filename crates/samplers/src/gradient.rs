//! Holds a gradient against differences of its energy, coordinate by coordinate.

use std::fmt;

use ergodic_core::{EnergyGradient, TargetError};

/// What [`check_gradient`] found where nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientReport {
    /// The largest difference between a component and the differences of the energy.
    pub largest: f64,
    /// The largest error that those differences may have: what is smaller cannot be seen.
    pub resolution: f64,
}

/// Why a gradient is not that of its energy.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GradientError {
    /// The point has the wrong length, or the energy or the gradient there is not finite.
    Target(TargetError),
    /// `energy` and `energy_gradient` return different energies.
    Energy {
        /// From `energy_gradient`.
        found: f64,
        /// From `energy`.
        expected: f64,
    },
    /// A component is not the derivative of the energy.
    Component {
        /// The coordinate.
        coordinate: usize,
        /// The component of the gradient.
        found: f64,
        /// The derivative of the energy by differences.
        expected: f64,
        /// The error that `expected` may have.
        error: f64,
    },
    /// The differences do not settle: the energy is not smooth here, or noisy.
    Undecided {
        /// The coordinate.
        coordinate: usize,
        /// The component of the gradient.
        found: f64,
        /// The derivative of the energy by differences.
        expected: f64,
        /// The error that `expected` may have.
        error: f64,
    },
}

impl fmt::Display for GradientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(e) => e.fmt(f),
            Self::Energy { found, expected } => write!(
                f,
                "energy_gradient returns the energy {found}, but energy returns {expected}"
            ),
            Self::Component {
                coordinate,
                found,
                expected,
                error,
            } => write!(
                f,
                "component {coordinate} of the gradient is {found}, but the energy changes by \
                 {expected} (error at most {error:.1e})"
            ),
            Self::Undecided {
                coordinate,
                found,
                expected,
                error,
            } => write!(
                f,
                "component {coordinate} of the gradient is {found}; differences of the energy give \
                 {expected} with an error of {error:.1e}, too much to judge: the energy is not \
                 smooth here, or noisy"
            ),
        }
    }
}

impl std::error::Error for GradientError {}

impl From<TargetError> for GradientError {
    fn from(e: TargetError) -> Self {
        Self::Target(e)
    }
}

/// Halvings of the step of the differences.
const LEVELS: usize = 14;
/// Errors by which a component may miss the extrapolated difference.
const SLACK: f64 = 20.0;

/// Checks that the gradient of `target` at `x` is that of its energy.
///
/// Each component is compared with central differences `(E(x + heᵢ) − E(x − heᵢ))/2h`, extrapolated
/// to `h → 0` over steps that are halved (Richardson; Ridders, *Adv. Eng. Softw.* 4, 75, 1982). The
/// error of the extrapolation is the last change of the table, plus the rounding `4ε max|E|/h` of
/// the energies, plus the difference of the two best rows; a component that misses by more than 20 such errors is wrong. Steps that leave
/// the support are skipped. Cost: one gradient and 28 energies for each coordinate.
///
/// A mistake below the [`resolution`](GradientReport::resolution), usually `10⁻⁹` of the energy or
/// less, cannot be seen, nor one that shows at other points alone: check a few random points.
///
/// ```
/// use ergodic_samplers::{GradientError, check_gradient, energy_gradient_fn};
///
/// let wrong = energy_gradient_fn(2, |x: &[f64], g: &mut [f64]| {
///     g[0] = x[0];
///     g[1] = 2.0 * x[1]; // the factor 2 belongs elsewhere
///     0.5 * (x[0] * x[0] + x[1] * x[1])
/// });
/// let error = check_gradient(&wrong, &[1.0, 1.5]).unwrap_err();
/// assert!(matches!(error, GradientError::Component { coordinate: 1, found: 3.0, .. }));
/// ```
///
/// # Errors
/// If `x` has the wrong length, energy or gradient are not finite there, energies disagree, a
/// component is wrong, or the differences cannot tell. The first coordinate is named.
pub fn check_gradient<T>(target: &T, x: &[f64]) -> Result<GradientReport, GradientError>
where
    T: EnergyGradient + ?Sized,
{
    let dim = target.dim();
    if x.len() != dim {
        return Err(TargetError::dimension("the point", x.len(), dim).into());
    }
    if dim == 0 {
        return Err(
            TargetError::new("the target has dimension 0, but must have at least 1").into(),
        );
    }
    let mut gradient = vec![f64::NAN; dim];
    let found = target.energy_gradient(x, &mut gradient);
    let expected = target.energy(x);
    for (what, value) in [("energy", expected), ("energy with gradient", found)] {
        if !value.is_finite() {
            return Err(TargetError::non_finite(what, value).into());
        }
    }
    if (found - expected).abs() > 1e-9 * expected.abs().max(1.0) {
        return Err(GradientError::Energy { found, expected });
    }
    let mut report = GradientReport {
        largest: 0.0,
        resolution: 0.0,
    };
    let mut at = x.to_vec();
    for (coordinate, &found) in gradient.iter().enumerate() {
        if !found.is_finite() {
            let what = format!("component {coordinate} of the gradient");
            return Err(TargetError::non_finite(&what, found).into());
        }
        let (expected, error) = derivative(target, &mut at, coordinate);
        let miss = (found - expected).abs();
        if error.is_nan() || error > 0.01 * (expected.abs().max(found.abs()) + 1e-3) {
            return Err(GradientError::Undecided {
                coordinate,
                found,
                expected,
                error,
            });
        }
        // One rounding of the component itself comes on top.
        if miss > SLACK * error + 1e-12 * found.abs() {
            return Err(GradientError::Component {
                coordinate,
                found,
                expected,
                error,
            });
        }
        report.largest = report.largest.max(miss);
        report.resolution = report.resolution.max(error);
    }
    Ok(report)
}

/// `∂E/∂xᵢ` by extrapolated central differences, and its error; an infinite error if no step
/// stays within the support.
fn derivative<T>(target: &T, x: &mut [f64], i: usize) -> (f64, f64)
where
    T: EnergyGradient + ?Sized,
{
    let center = x[i];
    // The best entries of the two best rows: one estimate of an error may be small by accident, so
    // the two have to agree as well.
    let mut best = [(0.0, f64::INFINITY); 2];
    let mut row: [f64; LEVELS] = [0.0; LEVELS];
    let mut known = 0;
    let mut step = 0.125 * center.abs().max(1.0);
    for _ in 0..LEVELS {
        // A step that the sum represents exactly.
        let (above, below) = (center + step, center - step);
        x[i] = above;
        let up = target.energy(x);
        x[i] = below;
        let down = target.energy(x);
        x[i] = center;
        let difference = (up - down) / (above - below);
        let rounding = 4.0 * f64::EPSILON * up.abs().max(down.abs()) / step;
        step *= 0.5;
        if !difference.is_finite() {
            known = 0;
            continue;
        }
        // row[k] removes the powers h², …, h²ᵏ; the new row from left to right.
        let mut previous = row[0];
        row[0] = difference;
        let mut factor = 1.0;
        let mut row_best = (0.0, f64::INFINITY);
        for k in 1..=known.min(LEVELS - 1) {
            factor *= 4.0;
            let refined = row[k - 1] + (row[k - 1] - previous) / (factor - 1.0);
            let change = (refined - row[k - 1]).abs().max((refined - previous).abs());
            let error = change + rounding;
            if error < row_best.1 {
                row_best = (refined, error);
            }
            previous = row[k];
            row[k] = refined;
        }
        known += 1;
        if row_best.1 < best[0].1 {
            best = [row_best, best[0]];
        } else if row_best.1 < best[1].1 {
            best[1] = row_best;
        }
    }
    let [(value, error), (other, other_error)] = best;
    if other_error.is_finite() {
        (value, error + (value - other).abs())
    } else {
        (value, f64::INFINITY)
    }
}
