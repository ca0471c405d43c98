//! Statistical mechanics for learning: the facade over the Ergodic crates.
