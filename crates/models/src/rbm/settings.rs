//! The settings of a training run.

use ergodic_core::{ArgumentError, Optimizer};
use ergodic_optim::{Adam, Schedule, Sgd};
use serde::{Deserialize, Serialize};

use super::Unit;

/// Where the model side of the gradient comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Persistent contrastive divergence: chains that go on from update to update, `steps` Gibbs
    /// steps each (Tieleman, ICML 2008).
    Pcd {
        /// Gibbs steps per update.
        steps: usize,
    },
    /// Contrastive divergence: chains that start at the batch every time (Hinton 2002). Biased
    /// for every finite number of steps.
    Cd {
        /// Gibbs steps per update.
        steps: usize,
    },
}

/// The optimiser of the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Stochastic gradient with momentum (0 for none).
    Sgd {
        /// Momentum in `[0, 1)`.
        momentum: f64,
    },
    /// Adam.
    Adam {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
    },
}

/// A pull of each hidden unit's mean activation towards a target, through its bias: adds
/// `strength (qⱼ − target)` to the gradient, with `q` a running mean (Hinton, *Practical Guide*,
/// 2010, section 11, on the biases alone).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sparsity {
    /// The wanted mean activation, strictly between 0 and 1.
    pub target: f64,
    /// How hard to pull, at least 0.
    pub strength: f64,
}

/// All settings of a [`Trainer`](super::Trainer); plain values, checked once when it is built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainSettings {
    /// Hidden units.
    pub hidden: usize,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Rows per update.
    pub batch: usize,
    /// Persistent chains (PCD), at most 2²⁴; CD runs one per row of the batch.
    pub chains: usize,
    /// CD or PCD.
    pub algorithm: Algorithm,
    /// SGD or Adam.
    pub optimizer: OptimizerKind,
    /// The learning rate before the schedule, above 0.
    pub learning_rate: f64,
    /// The factor on the learning rate over the run, counted in updates.
    #[serde(with = "schedule_text")]
    pub schedule: Schedule,
    /// L1 penalty on the weights: adds `l1 · sign(W)` to the gradient.
    pub l1: f64,
    /// L2 penalty on the weights: adds `l2 · W` to the gradient.
    pub l2: f64,
    /// Gradient of the centred parametrisation (Melchior, Fischer and Wiskott, *JMLR* 17, 2016).
    pub centering: bool,
    /// Sparsity target, if any.
    pub sparsity: Option<Sparsity>,
    /// Part of the training rows to be kept for early stopping, in `[0, 1)`.
    pub validation_fraction: f64,
    /// Epochs between evaluations of pseudo-likelihood and validation likelihood; 0 for never.
    pub evaluate_every: usize,
    /// Evaluations without improvement of the validation likelihood after which to stop; 0 for
    /// never.
    pub patience: usize,
    /// The last part of the run, in `[0, 1]`, over which the parameters of each epoch are
    /// averaged (Polyak and Juditsky 1992); 0 for none.
    pub average: f64,
    /// Standard deviation of the initial weights.
    pub weight_std: f64,
    /// The seed of everything.
    pub seed: u64,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            hidden: 128,
            epochs: 1000,
            batch: 64,
            chains: 256,
            algorithm: Algorithm::Pcd { steps: 1 },
            optimizer: OptimizerKind::Sgd { momentum: 0.0 },
            learning_rate: 0.05,
            schedule: Schedule::default(),
            l1: 0.0,
            l2: 0.0,
            centering: false,
            sparsity: None,
            validation_fraction: 0.0,
            evaluate_every: 0,
            patience: 0,
            average: 0.0,
            weight_std: 0.01,
            seed: 1,
        }
    }
}

mod schedule_text {
    use super::Schedule;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(s: &Schedule, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Schedule, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl TrainSettings {
    /// Whether every setting is in its domain.
    ///
    /// # Errors
    /// The first one that is not, with what is allowed.
    pub fn check(&self) -> Result<(), ArgumentError> {
        let steps = match self.algorithm {
            Algorithm::Pcd { steps } | Algorithm::Cd { steps } => steps,
        };
        for (name, n) in [
            ("hidden", self.hidden),
            ("epochs", self.epochs),
            ("batch", self.batch),
            ("chains", self.chains),
            ("steps", steps),
        ] {
            if n == 0 {
                return Err(ArgumentError::new(name, 0, "at least 1"));
            }
        }
        if self.chains > 1 << 24 {
            return Err(ArgumentError::new("chains", self.chains, "at most 2^24"));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return Err(ArgumentError::new(
                "learning_rate",
                self.learning_rate,
                "a finite number above 0",
            ));
        }
        for (name, x) in [
            ("l1", self.l1),
            ("l2", self.l2),
            ("weight_std", self.weight_std),
            ("strength", self.sparsity.map_or(0.0, |s| s.strength)),
        ] {
            if !(x >= 0.0 && x.is_finite()) {
                return Err(ArgumentError::new(name, x, "a finite number, at least 0"));
            }
        }
        if let Some(s) = self.sparsity
            && !(s.target > 0.0 && s.target < 1.0)
        {
            return Err(ArgumentError::new(
                "target",
                s.target,
                "strictly between 0 and 1",
            ));
        }
        if !(0.0..1.0).contains(&self.validation_fraction) {
            return Err(ArgumentError::new(
                "validation_fraction",
                self.validation_fraction,
                "at least 0 and below 1",
            ));
        }
        if !(0.0..=1.0).contains(&self.average) {
            return Err(ArgumentError::new(
                "average",
                self.average,
                "between 0 and 1",
            ));
        }
        if self.patience > 0 && (self.validation_fraction == 0.0 || self.evaluate_every == 0) {
            return Err(ArgumentError::new(
                "patience",
                self.patience,
                "0, or used with a validation_fraction and evaluate_every above 0",
            ));
        }
        self.build_optimizer::<f64>().map(|_| ())
    }

    pub(super) fn build_optimizer<F: Unit>(
        &self,
    ) -> Result<Box<dyn Optimizer<F> + Send>, ArgumentError> {
        Ok(match self.optimizer {
            OptimizerKind::Sgd { momentum } => Box::new(
                Sgd::builder()
                    .learning_rate(self.learning_rate)
                    .momentum(momentum)
                    .build()?,
            ),
            OptimizerKind::Adam { beta1, beta2 } => Box::new(
                Adam::builder()
                    .learning_rate(self.learning_rate)
                    .beta1(beta1)
                    .beta2(beta2)
                    .build()?,
            ),
        })
    }
}
