//! Checks that the optimisers share: settings, slice lengths and restored slots.

use ergodic_core::{ArgumentError, OptimizerState};
use ergodic_math::Real;

/// `x` is finite and above 0, also once rounded to `F`.
pub(crate) fn positive<F: Real>(name: &'static str, x: f64) -> Result<(), ArgumentError> {
    let rounded = F::from_f64(x);
    if rounded.is_finite() && rounded > F::ZERO {
        Ok(())
    } else {
        Err(ArgumentError::new(name, x, "a finite number above 0"))
    }
}

/// `x` is finite and not negative.
pub(crate) fn not_negative<F: Real>(name: &'static str, x: f64) -> Result<(), ArgumentError> {
    if F::from_f64(x).is_finite() && x >= 0.0 {
        Ok(())
    } else {
        Err(ArgumentError::new(name, x, "a finite number, at least 0"))
    }
}

/// `0 ≤ x < 1`, also once rounded to `F`: a decay that rounds to 1 never forgets.
pub(crate) fn decay<F: Real>(name: &'static str, x: f64) -> Result<(), ArgumentError> {
    if x >= 0.0 && F::from_f64(x) < F::ONE {
        Ok(())
    } else {
        Err(ArgumentError::new(
            name,
            x,
            "at least 0 and below 1 in the precision of the parameters",
        ))
    }
}

/// The slices of one step agree with each other and with what the optimiser carries.
pub(crate) fn lengths(parameters: usize, gradient: usize, carried: usize) {
    assert_eq!(
        parameters, gradient,
        "an optimiser step got {parameters} parameters but a gradient of length {gradient}"
    );
    assert!(
        carried == 0 || carried == parameters,
        "an optimiser of {carried} parameters got {parameters}"
    );
}

/// The slots of `state` in the order of `names`, finite, all of one length that agrees with `carried`.
pub(crate) fn slots<F: Real, const N: usize>(
    state: OptimizerState<F>,
    names: [&'static str; N],
    carried: usize,
) -> Result<[Vec<F>; N], ArgumentError> {
    let found = || {
        let names: Vec<&str> = state.slots.iter().map(|(n, _)| n.as_str()).collect();
        format!("[{}]", names.join(", "))
    };
    if state.slots.len() != N || state.slots.iter().zip(names).any(|((n, _), e)| n != e) {
        return Err(ArgumentError::new(
            "slots of the optimiser state",
            found(),
            format!("[{}]", names.join(", ")),
        ));
    }
    let mut out = [const { Vec::new() }; N];
    for (o, (_, slot)) in out.iter_mut().zip(state.slots) {
        *o = slot;
    }
    for (slot, name) in out.iter().zip(names) {
        // A state from before the first step carries nothing: it fits every length.
        let fresh = state.steps == 0 && out.iter().all(Vec::is_empty);
        let expected = if carried == 0 || fresh {
            out[0].len()
        } else {
            carried
        };
        if slot.len() != expected {
            return Err(ArgumentError::new(
                name,
                format!("a slot of length {}", slot.len()),
                format!("of length {expected}, the number of parameters"),
            ));
        }
        if let Some(i) = slot.iter().position(|x| !x.is_finite()) {
            let found = format!("{} at index {i}", slot[i]);
            return Err(ArgumentError::new(name, found, "finite"));
        }
    }
    Ok(out)
}
