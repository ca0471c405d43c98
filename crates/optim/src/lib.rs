//! Gradient optimisers and learning-rate schedules.
