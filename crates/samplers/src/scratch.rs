//! Buffers for targets that need room during a call: taken from the thread, given back after.
//!
//! Targets are called through `&self` from several threads, and a step must not allocate, so the
//! room belongs to the thread. A stack of buffers serves targets inside targets.

use std::cell::RefCell;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `act` with `length` zeros.
pub(crate) fn with_buffer<O>(length: usize, act: impl FnOnce(&mut [f64]) -> O) -> O {
    let mut buffer = BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.clear();
    buffer.resize(length, 0.0);
    let outcome = act(&mut buffer);
    BUFFERS.with_borrow_mut(|buffers| buffers.push(buffer));
    outcome
}
