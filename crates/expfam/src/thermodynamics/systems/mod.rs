//! Systems: any exponential family, a landscape by quadrature, a harmonic trap, an ideal gas.

mod canonical;
mod ideal_gas;
mod landscape;
mod trap;

use ergodic_core::ArgumentError;

pub use canonical::Canonical;
pub use ideal_gas::IdealGas;
pub use landscape::Landscape;
pub use trap::Trap;

use crate::domain;

/// `log 2π`.
const LN_2PI: f64 = 2.0 * ergodic_math::special::HALF_LN_2PI;

/// The error of a family as one of the work parameters.
fn outside(beta: f64, work: &[f64], e: ArgumentError) -> ArgumentError {
    if e.argument == "beta" || e.argument == "work" {
        return e;
    }
    ArgumentError::new(
        "work",
        format!("{work:?} at inverse temperature {beta:?}"),
        format!("in the domain of the system: {e}"),
    )
}

/// One work parameter, above 0.
fn one_positive(beta: f64, work: &[f64]) -> Result<f64, ArgumentError> {
    domain::positive("beta", beta)?;
    domain::finite("work", work, 1)?;
    domain::require("work", work, 0, work[0] > 0.0, "above 0")?;
    Ok(work[0])
}
