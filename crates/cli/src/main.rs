//! The `ergodic` program.
fn main() {}
