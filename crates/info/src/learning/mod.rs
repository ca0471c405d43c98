//! Information quantities of learning: what a model predicts, how sure it is, and how rightly.
//!
//! | question | item |
//! |---|---|
//! | how uncertain is a prediction, and how much of that is ignorance of the parameters (BALD) | [`PosteriorPredictions`] |
//! | do probabilities mean what they say | [`CalibrationError`] |
//! | a score, taken apart: calibration, resolution, what is left | [`BrierScore`], [`LogLoss`] |
//! | what of a loss is unavoidable | [`ExpectedLogLoss`] |
//! | reward uncertainty in training | [`EntropyRegularizer`] |
//! | the temperature of a softmax | [`Softmax`] |

mod brier;
mod calibration;
mod forecasts;
mod log_loss;
mod posterior;
mod regularizer;
mod softmax;

pub use brier::BrierScore;
pub use calibration::{CalibrationError, Norm};
pub use forecasts::{Bins, Forecasts};
pub use log_loss::{ExpectedLogLoss, LogLoss};
pub use posterior::PosteriorPredictions;
pub use regularizer::EntropyRegularizer;
pub use softmax::Softmax;
