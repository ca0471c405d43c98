//! The start of a chain that carries its position alone: it has to lie in the support.

use std::borrow::Borrow;

use ergodic_core::{Energy, TargetError};

/// A position as a kernel that caches nothing carries it.
type Owned<T> = <<T as Energy>::State as ToOwned>::Owned;

/// The state of a chain that starts at `x`.
pub(crate) fn begin<T: Energy + ?Sized>(target: &T, x: &T::State) -> Result<Owned<T>, TargetError> {
    in_support(target, x)?;
    Ok(x.to_owned())
}

/// Moves the chain to `x` if there is one; it stays where it was if the new start is refused.
pub(crate) fn again<T: Energy + ?Sized>(
    target: &T,
    state: &mut Owned<T>,
    x: Option<&T::State>,
) -> Result<(), TargetError> {
    in_support(target, x.unwrap_or((*state).borrow()))?;
    if let Some(x) = x {
        x.clone_into(state);
    }
    Ok(())
}

/// The energy of a proposal, for kernels that keep energies: `+∞`, a state of probability zero,
/// also where it is NaN (arithmetic that overflowed far out), an error where it is `−∞`.
pub(crate) fn proposed_energy<T: Energy + ?Sized>(
    target: &T,
    x: &T::State,
) -> Result<f64, TargetError> {
    let energy = target.energy(x);
    if energy == f64::NEG_INFINITY {
        Err(TargetError::non_finite("energy", energy))
    } else if energy.is_nan() {
        Ok(f64::INFINITY)
    } else {
        Ok(energy)
    }
}

/// The energy of a start, which has to be finite.
pub(crate) fn energy_at_start<T: Energy + ?Sized>(
    target: &T,
    x: &T::State,
) -> Result<f64, TargetError> {
    let energy = target.energy(x);
    if energy.is_finite() {
        Ok(energy)
    } else {
        Err(TargetError::non_finite("energy at the start", energy))
    }
}

/// A start on the real coordinates: at least one, all finite.
pub(crate) fn finite_start(x: &[f64]) -> Result<(), TargetError> {
    if x.is_empty() {
        return Err(TargetError::new("the start has dimension 0"));
    }
    match x.iter().find(|v| !v.is_finite()) {
        Some(&v) => Err(TargetError::non_finite("a coordinate of the start", v)),
        None => Ok(()),
    }
}

fn in_support<T: Energy + ?Sized>(target: &T, x: &T::State) -> Result<(), TargetError> {
    energy_at_start(target, x).map(|_| ())
}
