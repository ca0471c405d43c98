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

fn in_support<T: Energy + ?Sized>(target: &T, x: &T::State) -> Result<(), TargetError> {
    let energy = target.energy(x);
    if energy.is_finite() {
        Ok(())
    } else {
        Err(TargetError::non_finite("energy at the start", energy))
    }
}
