//! The restricted Boltzmann machine behind the commands: training, sampling, weighing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ergodic::core::{MarkovKernel, Randomness, TargetError};
use ergodic::math::rng;
use ergodic::math::special::sigmoid;
use ergodic::models::rbm::{BlockGibbs, MAX_ENUMERATED, Rbm};
use rayon::prelude::*;

use crate::arguments::{EstimateArgs, TrainRbmArgs};
use crate::data::{Dataset, Values};
use crate::error::CliError;
use crate::output::OutputFolder;
use crate::progress::{Phase, Style};
use crate::summary::{Annealed, Baselines, Likelihood, LogZ, Summary, Table};

/// Chains that share one random stream; part of what a seed means.
const CHAINS_PER_BLOCK: usize = 32;

/// At most this many chains are run; more samples are taken from the same chains.
const MAX_CHAINS: usize = 1024;

/// Set apart from the streams of training and estimation.
const SAMPLE_STREAMS: u64 = 5 << 48;

/// Draws the bits of rows of probabilities.
const BIT_STREAM: u64 = 6 << 48;

/// The checkpoint in the output folder.
pub const CHECKPOINT: &str = "checkpoint.safetensors";

/// What training leaves.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Epochs done.
    pub epochs: usize,
    /// Why training ended.
    pub stopped: String,
    /// Rows cut off for validation.
    pub validation_rows: usize,
    /// Parameter updates per second of training time.
    pub updates_per_second: f64,
    /// One row per epoch, in the columns of [`METRICS`](crate::report::METRICS).
    pub metrics: Table,
    /// log Z.
    pub log_z: LogZ,
    /// Test rows under the machine.
    pub test_log_likelihood: Likelihood,
    /// Training rows under the machine.
    pub train_log_likelihood: f64,
    /// Test rows under the annealed model.
    pub annealed_model: Annealed,
    /// Samples, row-major 0 and 1.
    pub samples: Vec<u8>,
    /// Weights of each hidden unit, the strongest first.
    pub receptive_fields: Vec<Vec<f32>>,
    /// Every setting as it was used.
    pub settings: BTreeMap<String, serde_json::Value>,
}

impl Trained {
    /// The figures of the run.
    pub fn summary(
        &self,
        args: &TrainRbmArgs,
        train: &Dataset,
        test: &Dataset,
        baselines: Baselines,
        elapsed: Duration,
    ) -> Summary {
        Summary {
            model: "bernoulli-rbm".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            data: train.name.clone(),
            visible: train.columns,
            hidden: args.hidden,
            train_size: train.rows,
            test_size: test.rows,
            validation_size: self.validation_rows,
            epochs: self.epochs,
            stopped: self.stopped.clone(),
            seed: args.seed,
            updates_per_second: self.updates_per_second,
            seconds: elapsed.as_secs_f64(),
            log_z: self.log_z.clone(),
            test_log_likelihood: self.test_log_likelihood.clone(),
            train_log_likelihood: self.train_log_likelihood,
            annealed_model: self.annealed_model.clone(),
            baselines,
            settings: self.settings.clone(),
        }
    }
}

/// Checks the training settings before anything is written.
///
/// # Errors
/// The first setting outside its domain, by the name of its option.
pub fn check(args: &TrainRbmArgs, train: &Dataset) -> Result<(), CliError> {
    if args.patience > 0 && (args.validation_fraction == 0.0 || args.evaluate_every == 0) {
        return Err(CliError::option(
            "--patience",
            args.patience,
            "0, or used with --validation-fraction and --evaluate-every above 0",
        ));
    }
    let validation = (train.rows as f64 * args.validation_fraction).round() as usize;
    if validation >= train.rows {
        return Err(CliError::option(
            "--validation-fraction",
            args.validation_fraction,
            format!(
                "small enough to leave some of the {} training rows",
                train.rows
            ),
        ));
    }
    if args.resume && !args.out.join(CHECKPOINT).is_file() {
        return Err(CliError::option(
            "--resume",
            format!("given without {}", args.out.join(CHECKPOINT).display()),
            "used with an output folder that holds a checkpoint",
        ));
    }
    Ok(())
}

/// Trains and weighs a machine, and writes the model file.
///
/// # Errors
/// If training or estimation fails, or the folder cannot be written any more.
pub fn train(
    _args: &TrainRbmArgs,
    _train: &Dataset,
    _test: &Dataset,
    _folder: &OutputFolder,
    _style: Style,
) -> Result<Trained, CliError> {
    Err(CliError::Failed(
        "the trainer is not linked into this build".into(),
    ))
}

/// A trained machine read from its file.
pub struct Model {
    rbm: Rbm<f32>,
    image: Option<(usize, usize)>,
}

impl Model {
    /// Reads a model file.
    ///
    /// # Errors
    /// If it is missing, a folder, or not a model of this program.
    pub fn load(path: &Path) -> Result<Self, CliError> {
        let meta = std::fs::metadata(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => CliError::file(path, "no such model file"),
            _ => CliError::file(path, format!("cannot be read: {e}")),
        })?;
        if meta.is_dir() {
            return Err(CliError::file(
                path,
                "is a folder, but must be a model file such as ergodic-out/model.safetensors",
            ));
        }
        Err(CliError::file(
            path,
            "is not a model file that this build can read",
        ))
    }

    /// Visible units.
    pub fn visible(&self) -> usize {
        self.rbm.visible()
    }

    /// Hidden units.
    pub fn hidden(&self) -> usize {
        self.rbm.hidden()
    }

    /// Height and width of the images that it was trained on.
    pub fn image(&self) -> Option<(usize, usize)> {
        self.image
    }

    /// Draws `count` rows; see [`draw`].
    ///
    /// # Errors
    /// As [`draw`].
    pub fn sample(
        &self,
        count: usize,
        burn_in: usize,
        steps: usize,
        seed: u64,
        style: Style,
    ) -> Result<Vec<u8>, CliError> {
        draw(&self.rbm, count, burn_in, steps, seed, style)
    }

    /// log Z and the log-likelihood of each row; probabilities are turned into bits once, under
    /// `seed`.
    ///
    /// # Errors
    /// If the estimation fails.
    pub fn evaluate(
        &self,
        data: &Dataset,
        estimate: &EstimateArgs,
        seed: u64,
        _style: Style,
    ) -> Result<(LogZ, Vec<f64>), CliError> {
        if self.visible().min(self.hidden()) > MAX_ENUMERATED {
            return Err(CliError::Failed(
                "annealed importance sampling is not linked into this build".into(),
            ));
        }
        let exact = self.rbm.to_f64().log_z_exact()?;
        let log_z = LogZ {
            estimate: exact,
            std_err: 0.0,
            lower: exact,
            upper: exact,
            confidence: estimate.confidence,
            method: "exact, by enumeration of the smaller layer".into(),
        };
        let bits = bits_of(data, seed);
        let mut scores = vec![0.0; data.rows];
        self.rbm.free_energies(&bits, &mut scores);
        for s in &mut scores {
            *s = -*s - exact;
        }
        Ok((log_z, scores))
    }
}

/// The rows as bits; probabilities are drawn once under `seed`.
fn bits_of(data: &Dataset, seed: u64) -> Vec<u8> {
    match &data.values {
        Values::Binary(bits) => bits.clone(),
        Values::Probabilities(p) => {
            let mut bits = vec![0; p.len()];
            rng::stream(seed, BIT_STREAM).bernoulli_mask_f32(p, &mut bits);
            bits
        }
    }
}

/// Weights of each hidden unit, those of the largest norm first.
pub fn receptive_fields(rbm: &Rbm<f32>) -> Vec<Vec<f32>> {
    let (visible, hidden) = (rbm.visible(), rbm.hidden());
    let mut fields: Vec<(f64, Vec<f32>)> = (0..hidden)
        .map(|j| {
            let field: Vec<f32> = (0..visible)
                .map(|i| rbm.weights()[i * hidden + j])
                .collect();
            let norm = field.iter().map(|w| f64::from(*w).powi(2)).sum();
            (norm, field)
        })
        .collect();
    fields.sort_by(|a, b| b.0.total_cmp(&a.0));
    fields.into_iter().map(|(_, field)| field).collect()
}

/// Draws `count` rows of visible units, row-major.
///
/// Up to 1024 chains start at the law of the visible biases alone and run `burn_in` steps; if
/// there are more samples than chains, each chain gives further ones, `steps` apart. A chain
/// belongs to a block of 32 with a random stream of its own: the same bits for any number of
/// threads.
///
/// # Errors
/// If the kernel cannot run, which finite parameters always let it.
pub fn draw(
    rbm: &Rbm<f32>,
    count: usize,
    burn_in: usize,
    steps: usize,
    seed: u64,
    style: Style,
) -> Result<Vec<u8>, CliError> {
    let fatal = |e: TargetError| CliError::Failed(format!("sampling: {e}"));
    let visible = rbm.visible();
    let chains = count.clamp(1, MAX_CHAINS);
    let rounds = count.div_ceil(chains);
    let blocks = chains.div_ceil(CHAINS_PER_BLOCK);
    let total = (burn_in + steps.saturating_mul(rounds - 1)) as u64 * blocks as u64;
    let phase = std::sync::Mutex::new(Phase::start(style, "sample", total, "block steps"));
    let done = AtomicU64::new(0);
    let advance = |by: usize| {
        let now = done.fetch_add(by as u64, Ordering::Relaxed) + by as u64;
        if let Ok(mut phase) = phase.lock() {
            phase.set(now, String::new);
        }
    };
    let target = rbm.population();
    let rates: Vec<f64> = rbm
        .visible_bias()
        .iter()
        .map(|&b| sigmoid(f64::from(b)))
        .collect();
    // Per block: its rounds one after the other.
    let drawn: Vec<Vec<u8>> = (0..blocks)
        .into_par_iter()
        .map(|block| {
            let mine = CHAINS_PER_BLOCK.min(chains - block * CHAINS_PER_BLOCK);
            let mut rng = rng::stream(seed, SAMPLE_STREAMS + block as u64);
            let mut start = vec![0; mine * visible];
            for row in start.chunks_exact_mut(visible) {
                rng.bernoulli_mask(&rates, row);
            }
            let block = rbm.block(start).map_err(CliError::from)?;
            let mut kernel = BlockGibbs;
            let mut state = kernel.init(&target, &block).map_err(fatal)?;
            let mut out = Vec::with_capacity(rounds * mine * visible);
            for round in 0..rounds {
                let mut left = if round == 0 { burn_in } else { steps };
                while left > 0 {
                    let now = left.min(100);
                    for _ in 0..now {
                        kernel.step(&target, &mut state, &mut rng).map_err(fatal)?;
                    }
                    advance(now);
                    left -= now;
                }
                out.extend_from_slice(state.block().visible());
            }
            Ok(out)
        })
        .collect::<Result<_, CliError>>()?;
    if let Ok(phase) = phase.into_inner() {
        phase.finish();
    }
    let mut rows = Vec::with_capacity(rounds * chains * visible);
    for round in 0..rounds {
        for block in &drawn {
            let length = block.len() / rounds;
            rows.extend_from_slice(&block[round * length..][..length]);
        }
    }
    rows.truncate(count * visible);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Rbm<f32> {
        Rbm::from_base_rates(&[0.9, 0.1, 0.5], 4, 0.3, 1).unwrap()
    }

    #[test]
    fn samples_have_the_exact_frequencies_of_a_small_machine() {
        let rbm = machine();
        let log_z = rbm.log_z_exact().unwrap();
        // 40 steps apart the draws are independent to all purposes.
        let n = 20_000;
        let rows = draw(&rbm, n, 100, 40, 3, Style::Quiet).unwrap();
        assert_eq!(rows.len(), 3 * n);
        for x in 0..8u8 {
            let v = [x & 1, x >> 1 & 1, x >> 2 & 1];
            let p = (-rbm.free_energy(&v) - log_z).exp();
            let seen = rows.chunks_exact(3).filter(|row| *row == v).count() as f64;
            // Two-sided normal tail of 1e-7 per cell: fixed seed, 8 cells, below 1e-6 in all.
            let limit = 5.33 * (n as f64 * p * (1.0 - p)).sqrt() + 1.0;
            assert!(
                (seen - n as f64 * p).abs() < limit,
                "{v:?}: {seen}, p = {p}"
            );
        }
    }

    #[test]
    fn any_number_of_threads_draws_the_same_rows() {
        let rbm = machine();
        let with = |threads| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(|| draw(&rbm, 1500, 3, 2, 7, Style::Quiet).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn receptive_fields_come_strongest_first() {
        let fields = receptive_fields(&machine());
        let norms: Vec<f32> = fields
            .iter()
            .map(|f| f.iter().map(|w| w * w).sum())
            .collect();
        assert_eq!(fields.len(), 4);
        assert!(norms.windows(2).all(|w| w[0] >= w[1]));
    }
}
