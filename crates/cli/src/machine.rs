//! The restricted Boltzmann machine behind the commands: training, sampling, weighing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ergodic::core::{ArgumentError, MarkovKernel, Randomness, TargetError};
use ergodic::free_energy::{self, AisSettings, FreeEnergyError, Ladder, Progress, RaiseSettings};
use ergodic::math::rng;
use ergodic::math::special::sigmoid;
use ergodic::models::rbm::{
    Algorithm, BlockGibbs, Data, EpochReport, FileError, MAX_ENUMERATED, OptimizerKind, Rbm,
    Sparsity, TrainSettings, Trainer,
};
use ergodic::optim::Schedule;
use rayon::prelude::*;

use crate::arguments::{
    AlgorithmName, EstimateArgs, ImageShape, OptimizerName, RaiseArgs, TrainRbmArgs,
};
use crate::data::{Dataset, Values};
use crate::error::CliError;
use crate::output::OutputFolder;
use crate::progress::{Phase, Style};
use crate::report::METRICS;
use crate::summary::{Annealed, Baselines, Likelihood, LogZ, Summary, Table};

/// Chains that share one random stream; part of what a seed means.
const CHAINS_PER_BLOCK: usize = 32;

/// At most this many chains are run; more samples are taken from the same chains.
const MAX_CHAINS: usize = 1024;

/// Set apart from the streams of training and estimation.
const SAMPLE_STREAMS: u64 = 5 << 48;

/// Samples of the report and of `samples.png`.
const SAMPLES: usize = 100;

/// Gibbs steps before they are taken.
const SAMPLE_BURN_IN: usize = 2000;

/// Rows that one thread takes at a time.
const ROWS_PER_CHUNK: usize = 256;

/// Turns the seed of the run into that of its certificates. Training may look at estimates of log Z
/// to stop early; weights that shared randomness with the choice of a model would not be unbiased
/// for it.
const CERTIFICATE: u64 = 0x9d5c_0fb4_2a61_e873;

/// Draws the bits of rows of probabilities.
const BIT_STREAM: u64 = 6 << 48;

/// Picks the rows that RAISE weighs.
const ROW_STREAM: u64 = 7 << 48;

/// Nats per row by which the annealed model may differ from the machine and still stand for it.
const MAX_DIFFERENCE: f64 = 0.3;

/// Nats per row by which its estimate may change when the ladder doubles.
const MAX_CHANGE: f64 = 0.1;

/// Metadata: height and width of the images.
const IMAGE: &str = "image";

/// Metadata: base rates of the training rows.
const BASE_RATES: &str = "base_rates";

/// The checkpoint in the output folder.
pub const CHECKPOINT: &str = "checkpoint.safetensors";

/// Metrics up to that checkpoint, or beyond.
const CHECKPOINT_METRICS: &str = "checkpoint-metrics.csv";

/// What training leaves.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Epochs done.
    pub epochs: usize,
    /// Why training ended.
    pub stopped: String,
    /// Rows cut off for validation.
    pub validation_rows: usize,
    /// Parameter updates per second, without evaluations and checkpoints.
    pub updates_per_second: f64,
    /// One row per epoch, in the columns of [`METRICS`].
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

/// The settings of the trainer, checked before anything is written.
///
/// # Errors
/// The first setting outside its domain, by the name of its option.
pub fn settings(args: &TrainRbmArgs) -> Result<TrainSettings, CliError> {
    let steps = args.k;
    let settings = TrainSettings {
        hidden: args.hidden,
        epochs: args.epochs,
        batch: args.batch,
        chains: args.chains,
        algorithm: match args.algorithm {
            AlgorithmName::Pcd => Algorithm::Pcd { steps },
            AlgorithmName::Cd => Algorithm::Cd { steps },
        },
        optimizer: match args.optimizer {
            OptimizerName::Sgd => OptimizerKind::Sgd {
                momentum: args.momentum,
            },
            OptimizerName::Adam => OptimizerKind::Adam {
                beta1: 0.9,
                beta2: 0.999,
            },
        },
        learning_rate: args.lr,
        schedule: args.lr_schedule.parse::<Schedule>().map_err(|e| {
            CliError::option(
                "--lr-schedule",
                &args.lr_schedule,
                format!("a schedule such as linear:0 ({e})"),
            )
        })?,
        l1: args.l1,
        l2: args.l2,
        centering: args.centering,
        sparsity: args
            .sparsity_target
            .zip(args.sparsity_strength)
            .map(|(target, strength)| Sparsity { target, strength }),
        validation_fraction: args.validation_fraction,
        evaluate_every: args.evaluate_every,
        patience: args.patience,
        average: args.average,
        weight_std: args.weight_std,
        seed: args.seed,
    };
    settings.check().map_err(option_of)?;
    Ok(settings)
}

/// The trainer's names of its settings as options.
fn option_of(e: ArgumentError) -> CliError {
    let option = match e.argument {
        "learning_rate" => "--lr".to_owned(),
        "steps" => "--k".to_owned(),
        "target" => "--sparsity-target".to_owned(),
        "strength" => "--sparsity-strength".to_owned(),
        other => format!("--{}", other.replace('_', "-")),
    };
    let allowed = e
        .allowed
        .replace("validation_fraction", "--validation-fraction")
        .replace("evaluate_every", "--evaluate-every");
    CliError::option(option, e.found, allowed)
}

/// Checks what depends on data and output folder, before anything is written.
///
/// # Errors
/// The first option that does not fit.
pub fn check(args: &TrainRbmArgs, train: &Dataset) -> Result<(), CliError> {
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
    settings(args).map(drop)
}

/// The trainer's form of the data.
fn rows_of(data: &Dataset) -> Result<Data, CliError> {
    Ok(match &data.values {
        Values::Binary(bits) => Data::binary(data.rows, data.columns, bits.clone())?,
        Values::Probabilities(p) => Data::probabilities(data.rows, data.columns, p.clone())?,
    })
}

/// A new trainer, or that of the checkpoint in the output folder.
fn start(args: &TrainRbmArgs, rows: &Data) -> Result<Trainer<f32>, CliError> {
    let settings = settings(args)?;
    if !args.resume {
        return Trainer::new(settings, rows).map_err(option_of);
    }
    let path = args.out.join(CHECKPOINT);
    let trainer = Trainer::resume(&path, rows).map_err(|e| CliError::file(&e.path, e.reason))?;
    // Silently preferring one of two settings would be wrong for someone.
    let (given, stored) = (record(&settings)?, record(trainer.settings())?);
    let fields = |v: &serde_json::Value| v.as_object().cloned().unwrap_or_default();
    let stored_fields = fields(&stored);
    for (name, value) in fields(&given) {
        if stored_fields.get(&name) != Some(&value) {
            let there = stored_fields.get(&name).unwrap_or(&serde_json::Value::Null);
            return Err(CliError::option(
                "--resume",
                format!("given with {name} = {value}"),
                format!(
                    "used with the settings of {}, which has {name} = {there}",
                    path.display()
                ),
            ));
        }
    }
    Ok(trainer)
}

fn record(settings: &TrainSettings) -> Result<serde_json::Value, CliError> {
    serde_json::to_value(settings).map_err(|e| CliError::Failed(format!("settings: {e}")))
}

fn unwritable(e: FileError) -> CliError {
    CliError::output(&e.path, e.reason)
}

/// Removes the checkpoint of a former run, which is not that of the model beside it.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_checkpoint(folder: &OutputFolder) -> Result<(), CliError> {
    folder.remove(CHECKPOINT)?;
    folder.remove(CHECKPOINT_METRICS)
}

/// Trains and weighs a machine. Nothing is written but checkpoints.
///
/// # Errors
/// If training or estimation fails, or the folder cannot be written any more.
pub fn train(
    args: &TrainRbmArgs,
    train: &Dataset,
    test: &Dataset,
    folder: &OutputFolder,
    style: Style,
) -> Result<(Model, Trained), CliError> {
    let mut trainer = start(args, &rows_of(train)?)?;
    let mut metrics = if args.resume {
        earlier_metrics(&folder.file(CHECKPOINT_METRICS), &trainer)
    } else {
        Table::new(&METRICS)
    };
    // Seconds go on where the rows that were read ended.
    let earlier = metrics.curve("seconds").last().map_or(0.0, |p| p.1);
    // The metrics first: rows beyond a checkpoint are left out on resuming, missing ones are lost.
    let save = |trainer: &Trainer<f32>, metrics: &Table| {
        folder.write(CHECKPOINT_METRICS, metrics.csv().as_bytes())?;
        trainer
            .checkpoint(&folder.file(CHECKPOINT))
            .map_err(unwritable)
    };
    let record = record(trainer.settings())?;
    let started = Instant::now();
    let mut phase = Phase::start(style, "train", args.epochs as u64, "epochs");
    let mut last_score = None;
    let mut speed = Speed::default();
    // Patience is asked before each epoch, so that a run resumed after its early stop stays
    // stopped.
    while !trainer.out_of_patience() && trainer.epochs_done() < args.epochs {
        let (before, begun) = (trainer.updates_done(), Instant::now());
        let report = trainer.epoch().map_err(|e| {
            let e = option_of(e);
            CliError::Failed(format!("training failed, a smaller --lr may help: {e}"))
        })?;
        speed.add(
            report.updates - before,
            begun.elapsed().as_secs_f64(),
            report.pseudo_log_likelihood.is_some(),
        );
        metrics.rows.push(metrics_row(
            &report,
            earlier + started.elapsed().as_secs_f64(),
        ));
        last_score = report.train_log_likelihood.or(last_score);
        phase.set(report.epoch as u64, || {
            last_score.map_or_else(String::new, |s| format!("train {s:.2} nats/row"))
        });
        if args.checkpoint_every > 0 && report.epoch.is_multiple_of(args.checkpoint_every) {
            save(&trainer, &metrics)?;
        }
    }
    let stopped = if trainer.out_of_patience() {
        "no better validation score"
    } else {
        "all epochs done"
    };
    if args.checkpoint_every > 0 {
        save(&trainer, &metrics)?;
    }
    phase.finish();

    let (rbm, epochs) = trainer.best();
    let model = Model {
        image: train.image,
        base_rates: trainer.base_rates().to_vec(),
        rbm,
    };

    let log_z = model.log_z(&args.estimate, args.seed, style)?;
    let test_bits = bits_of(test, args.seed);
    let test_scores = model.log_unnormalised(&test_bits);
    let annealed = model.annealed(
        &test_bits,
        &test_scores,
        &log_z,
        &args.estimate,
        &args.raise,
        args.seed,
        style,
    )?;
    let log_z_figures = figures(&log_z, args.estimate.confidence);
    let test_log_likelihood = likelihood(
        &log_z,
        mean(&test_scores),
        &annealed,
        args.estimate.confidence,
    )?;
    let train_mean = mean(&model.log_unnormalised(&bits_of(train, args.seed)));
    let trained = Trained {
        epochs,
        stopped: stopped.into(),
        validation_rows: trainer.validation_rows(),
        updates_per_second: speed.updates_per_second(),
        metrics,
        log_z: log_z_figures,
        test_log_likelihood,
        train_log_likelihood: train_mean - log_z.estimate.value,
        annealed_model: annealed,
        samples: model.sample(SAMPLES, SAMPLE_BURN_IN, 1, args.seed, style)?,
        receptive_fields: receptive_fields(&model.rbm),
        settings: all_settings(args, record),
    };
    Ok((model, trained))
}

/// Updates and the seconds they took, those of epochs that ended in an evaluation apart.
#[derive(Default)]
struct Speed {
    plain: (u64, f64),
    evaluated: (u64, f64),
}

impl Speed {
    fn add(&mut self, updates: u64, seconds: f64, evaluated: bool) {
        let sum = if evaluated {
            &mut self.evaluated
        } else {
            &mut self.plain
        };
        sum.0 += updates;
        sum.1 += seconds;
    }

    /// Of the epochs without evaluation; of all where every epoch was evaluated. NaN without any.
    fn updates_per_second(&self) -> f64 {
        let (updates, seconds) = if self.plain.0 > 0 {
            self.plain
        } else {
            self.evaluated
        };
        updates as f64 / seconds
    }
}

/// The metrics that were stored with the checkpoint, up to its epoch; none if they are of another
/// run or cannot be read, which the model does not suffer from.
fn earlier_metrics(path: &Path, trainer: &Trainer<f32>) -> Table {
    let rows = std::fs::read_to_string(path)
        .ok()
        .and_then(|text| Table::parse(&METRICS, &text));
    let mut table = rows.unwrap_or_else(|| Table::new(&METRICS));
    let epochs = trainer.epochs_done();
    table.rows.truncate(epochs);
    let last = [epochs as f64, trainer.updates_done() as f64].map(Some);
    if table.rows.len() != epochs || table.rows.last().is_some_and(|r| r[..2] != last) {
        table.rows.clear();
    }
    table
}

fn metrics_row(report: &EpochReport, seconds: f64) -> Vec<Option<f64>> {
    vec![
        Some(report.epoch as f64),
        Some(report.updates as f64),
        Some(seconds),
        Some(report.learning_rate),
        report.train_log_likelihood,
        report.validation_log_likelihood,
        report.pseudo_log_likelihood,
        Some(report.chain_activity),
        Some(report.gradient_rms),
        Some(report.weight_rms),
    ]
}

/// The trainer's settings and the program's own, for the record.
fn all_settings(
    args: &TrainRbmArgs,
    record: serde_json::Value,
) -> BTreeMap<String, serde_json::Value> {
    let mut all = BTreeMap::new();
    if let serde_json::Value::Object(map) = record {
        all.extend(map);
    }
    let own = [
        ("data", args.data.data.clone().into()),
        ("test_data", args.split.test_data.clone().into()),
        ("test_every", args.split.test_every.into()),
        ("threshold", args.data.threshold.into()),
        ("keep_probabilities", args.data.keep_probabilities.into()),
        ("max_value", args.data.max_value.into()),
        ("ais_runs", args.estimate.ais_runs.into()),
        ("ais_temperatures", args.estimate.ais_temperatures.into()),
        ("confidence", args.estimate.confidence.into()),
        ("raise_temperatures", args.raise.raise_temperatures.into()),
        ("raise_rows", args.raise.raise_rows.into()),
        ("raise_chains", args.raise.raise_chains.into()),
        ("threads", args.show.threads.into()),
    ];
    all.extend(own.map(|(name, value)| (name.to_owned(), value)));
    all
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// A mean log-likelihood from log Z and the mean of `−F(v)`.
fn likelihood(
    log_z: &free_energy::LogZ,
    mean_log_unnormalised: f64,
    annealed: &Annealed,
    confidence: f64,
) -> Result<Likelihood, CliError> {
    let found = log_z.log_likelihood(mean_log_unnormalised)?;
    let (upper, upper_method) = match &found.upper {
        Some(bound) => (bound.value, format!("{}: {}", found.method, bound.rests_on)),
        None => (f64::INFINITY, "none".into()),
    };
    let (lower, lower_method) = match &found.lower {
        Some(bound) => (bound.value, format!("{}: {}", found.method, bound.rests_on)),
        None if annealed.rows < annealed.of_rows => (
            f64::NEG_INFINITY,
            format!(
                "none: RAISE weighed {} of {} test rows, see the annealed model",
                annealed.rows, annealed.of_rows
            ),
        ),
        None if annealed.above_the_rbm => (
            f64::NEG_INFINITY,
            "none: the annealed model is not the RBM here; raise --raise-temperatures".into(),
        ),
        None => (
            annealed.lower,
            "RAISE: unconditional for the annealed model, which is not the RBM itself".into(),
        ),
    };
    Ok(Likelihood {
        estimate: found.estimate.value,
        lower,
        upper,
        confidence,
        lower_method,
        upper_method,
    })
}

/// log Z as `summary.json` has it: the certified lower end, and the best upper end there is.
fn figures(log_z: &free_energy::LogZ, confidence: f64) -> LogZ {
    let lower = log_z
        .lower
        .map_or((log_z.estimate.interval.lower, log_z.rests_on), |b| {
            (b.value, b.rests_on)
        });
    let (upper, upper_method) = match &log_z.upper {
        Some(bound) => (bound.value, bound.rests_on.to_string()),
        None => (
            log_z.estimate.interval.upper,
            format!(
                "end of the estimate's interval, not certified: {}",
                log_z.rests_on
            ),
        ),
    };
    LogZ {
        estimate: log_z.estimate.value,
        std_err: log_z.estimate.std_err,
        exact: log_z.is_exact(),
        lower: lower.0,
        upper,
        confidence,
        method: if log_z.is_exact() {
            log_z.method.to_string()
        } else {
            format!(
                "{}; lower: {}; upper: {upper_method}",
                log_z.method, lower.1
            )
        },
    }
}

fn estimation(e: FreeEnergyError) -> CliError {
    match e {
        FreeEnergyError::Argument(e) => CliError::from(e),
        other => CliError::Failed(format!("estimation: {other}")),
    }
}

/// A phase that any thread can move on.
struct SharedPhase {
    name: &'static str,
    style: Style,
    phase: Mutex<Option<Phase>>,
}

impl SharedPhase {
    fn new(style: Style, name: &'static str) -> Self {
        Self {
            name,
            style,
            phase: Mutex::new(None),
        }
    }

    fn set(&self, done: u64, total: u64) {
        if let Ok(mut phase) = self.phase.lock() {
            phase
                .get_or_insert_with(|| Phase::start(self.style, self.name, total, "block steps"))
                .set(done, String::new);
        }
    }

    fn finish(self) {
        if let Ok(Some(phase)) = self.phase.into_inner() {
            phase.finish();
        }
    }
}

/// A trained machine read from its file.
pub struct Model {
    rbm: Rbm<f32>,
    image: Option<(usize, usize)>,
    /// Base rates of the training rows, where the annealing path starts.
    base_rates: Vec<f64>,
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
        let (rbm, metadata) =
            Rbm::<f32>::load(path).map_err(|e| CliError::file(&e.path, e.reason))?;
        let bad = |key: &str| CliError::file(path, format!("has unreadable metadata `{key}`"));
        let image = match metadata.get(IMAGE) {
            None => None,
            Some(text) => {
                let ImageShape(h, w) = text.parse().map_err(|_| bad(IMAGE))?;
                if h.checked_mul(w) != Some(rbm.visible()) {
                    return Err(bad(IMAGE));
                }
                Some((h, w))
            }
        };
        let base_rates = match metadata.get(BASE_RATES) {
            // Any base is right; that of the biases is near.
            None => rbm
                .visible_bias()
                .iter()
                .map(|&b| sigmoid(f64::from(b)).clamp(0.01, 0.99))
                .collect(),
            Some(text) => {
                let rates: Vec<f64> = text
                    .split(' ')
                    .map(str::parse)
                    .collect::<Result<_, _>>()
                    .map_err(|_| bad(BASE_RATES))?;
                let valid = |p: &f64| *p > 0.0 && *p < 1.0;
                if rates.len() != rbm.visible() || !rates.iter().all(valid) {
                    return Err(bad(BASE_RATES));
                }
                rates
            }
        };
        Ok(Self {
            rbm,
            image,
            base_rates,
        })
    }

    /// Writes the model file: nothing in it depends on time or threads.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), CliError> {
        let rates: Vec<String> = self.base_rates.iter().map(f64::to_string).collect();
        let mut metadata = BTreeMap::from([(BASE_RATES.to_owned(), rates.join(" "))]);
        if let Some((h, w)) = self.image {
            metadata.insert(IMAGE.to_owned(), format!("{h}x{w}"));
        }
        self.rbm.save(path, &metadata).map_err(unwritable)
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

    /// log Z: exact where the smaller layer has at most 30 units, else by AIS.
    ///
    /// # Errors
    /// If the estimation fails.
    pub fn log_z(
        &self,
        estimate: &EstimateArgs,
        seed: u64,
        style: Style,
    ) -> Result<free_energy::LogZ, CliError> {
        let settings = AisSettings {
            ladder: Ladder::linear(estimate.ais_temperatures)?,
            runs: estimate.ais_runs,
            seed: seed ^ CERTIFICATE,
            confidence: estimate.confidence,
            ..AisSettings::default()
        };
        let smaller = self.visible().min(self.hidden());
        if smaller <= MAX_ENUMERATED && style != Style::Quiet {
            eprintln!("log Z: enumerating 2^{smaller} states");
        }
        let phase = SharedPhase::new(style, "log Z");
        let progress = |p: Progress| phase.set(p.done, p.total);
        let log_z = self
            .rbm
            .log_z(&self.base_rates, &settings, &progress)
            .map_err(estimation)?;
        phase.finish();
        Ok(log_z)
    }

    /// `log Σ_h exp(−E(v, h)) = −F(v)` of each row of bits.
    pub fn log_unnormalised(&self, bits: &[u8]) -> Vec<f64> {
        let rbm = self.rbm.to_f64();
        let mut out = vec![0.0; bits.len() / self.visible()];
        out.par_chunks_mut(ROWS_PER_CHUNK)
            .zip(bits.par_chunks(ROWS_PER_CHUNK * self.visible()))
            .for_each(|(out, rows)| rbm.free_energies(rows, out));
        for f in &mut out {
            *f = -*f;
        }
        out
    }

    /// RAISE on the rows of `bits`, or on a random part of them, beside the machine itself on the
    /// same rows: `scores` are their `−F(v)`.
    fn annealed(
        &self,
        bits: &[u8],
        scores: &[f64],
        log_z: &free_energy::LogZ,
        estimate: &EstimateArgs,
        raise: &RaiseArgs,
        seed: u64,
        style: Style,
    ) -> Result<Annealed, CliError> {
        let settings = RaiseSettings {
            ladder: Ladder::linear((raise.raise_temperatures / 2).max(1))?,
            chains: raise.raise_chains,
            seed: seed ^ CERTIFICATE,
            confidence: estimate.confidence,
            ..RaiseSettings::default()
        };
        let chosen = choice(scores.len(), raise.raise_rows, seed);
        let visible = self.visible();
        let rows: Vec<u8> = chosen
            .iter()
            .flat_map(|&r| &bits[r * visible..][..visible])
            .copied()
            .collect();
        let own: Vec<f64> = chosen.iter().map(|&r| scores[r]).collect();
        let rbm = log_z.log_likelihood(mean(&own))?;
        let phase = SharedPhase::new(style, "RAISE");
        let progress = |p: Progress| phase.set(p.done, p.total);
        let found = self
            .rbm
            .annealed_log_likelihood(&rows, &self.base_rates, &settings, &progress)
            .map_err(estimation)?;
        phase.finish();
        let doubled = &found.doubled;
        let (value, lower) = (doubled.estimate.value, doubled.lower.value);
        let above_the_rbm = rbm.upper.is_some_and(|upper| lower > upper.value);
        Ok(Annealed {
            estimate: value,
            lower,
            confidence: doubled.lower.confidence,
            temperatures: doubled.steps,
            chains_per_row: doubled.chains,
            rows: doubled.log_p.len(),
            of_rows: scores.len(),
            rbm_on_these_rows: rbm.estimate.value,
            agrees: agree(
                above_the_rbm,
                value - rbm.estimate.value,
                found.change.value,
            ),
            above_the_rbm,
            estimate_half_ladder: found.single.estimate.value,
            change_on_doubling: found.change.value,
            method: format!(
                "RAISE, {} per row, {} steps: {}",
                doubled.chains, doubled.steps, doubled.lower.rests_on
            ),
        })
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
        style: Style,
    ) -> Result<(LogZ, Vec<f64>), CliError> {
        let log_z = self.log_z(estimate, seed, style)?;
        let mut scores = self.log_unnormalised(&bits_of(data, seed));
        for s in &mut scores {
            *s -= log_z.estimate.value;
        }
        Ok((figures(&log_z, estimate.confidence), scores))
    }
}

/// Whether the annealed model may stand for the machine: its lower bound is not above the machine's
/// upper one, the estimates are near, and a longer ladder would change little.
fn agree(above_the_rbm: bool, difference: f64, change: f64) -> bool {
    !above_the_rbm && difference.abs() <= MAX_DIFFERENCE && change.abs() <= MAX_CHANGE
}

/// At most `most` of `rows` row numbers, in order: a uniformly random subset under `seed`.
fn choice(rows: usize, most: usize, seed: u64) -> Vec<usize> {
    let mut all: Vec<usize> = (0..rows).collect();
    if rows > most {
        let mut rng = rng::stream(seed, ROW_STREAM);
        for i in 0..most {
            let j = i + rng.index(rows - i);
            all.swap(i, j);
        }
        all.truncate(most);
        all.sort_unstable();
    }
    all
}

/// The rows as bits; probabilities are drawn once under `seed`.
pub(crate) fn bits_of(data: &Dataset, seed: u64) -> Vec<u8> {
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
    let phase = SharedPhase::new(style, "sample");
    let done = AtomicU64::new(0);
    let advance = |by: usize| {
        let now = done.fetch_add(by as u64, Ordering::Relaxed) + by as u64;
        phase.set(now, total);
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
    phase.finish();
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
    fn a_part_of_the_rows_is_drawn_without_repetition() {
        assert_eq!(choice(5, 5, 1), [0, 1, 2, 3, 4]);
        let (one, two) = (choice(1000, 40, 1), choice(1000, 40, 2));
        assert!(one.len() == 40 && one.windows(2).all(|w| w[0] < w[1]) && one[39] < 1000);
        assert_ne!(one, two);
        // Each of 10 rows is in 3 of 10 subsets; five standard deviations and a fixed seed.
        let mut counts = [0u32; 10];
        for seed in 0..10_000 {
            for r in choice(10, 3, seed) {
                counts[r] += 1;
            }
        }
        assert!(counts.iter().all(|&n| n.abs_diff(3000) < 230), "{counts:?}");
    }

    #[test]
    fn an_under_annealed_model_is_not_taken_for_the_machine() {
        // Strong couplings that one temperature cannot follow.
        let rbm = Rbm::<f32>::from_base_rates(&[0.5; 40], 40, 2.0, 3).unwrap();
        let model = Model {
            rbm,
            image: None,
            base_rates: vec![0.5; 40],
        };
        let estimate = EstimateArgs {
            ais_runs: 50,
            ais_temperatures: 1000,
            confidence: 0.99,
        };
        let bits = model.sample(50, 50, 1, 1, Style::Quiet).unwrap();
        let scores = model.log_unnormalised(&bits);
        let log_z = model.log_z(&estimate, 1, Style::Quiet).unwrap();
        let with = |raise_temperatures, raise_rows| {
            let raise = RaiseArgs {
                raise_temperatures,
                raise_chains: 1,
                raise_rows,
            };
            let annealed = model
                .annealed(&bits, &scores, &log_z, &estimate, &raise, 1, Style::Quiet)
                .unwrap();
            let found = likelihood(&log_z, mean(&scores), &annealed, 0.99).unwrap();
            (annealed, found)
        };
        let (annealed, _) = with(2, 1000);
        assert!(!annealed.agrees, "{annealed:?}");
        let (annealed, found) = with(2, 20);
        assert_eq!((annealed.rows, annealed.of_rows), (20, 50));
        assert!(found.lower == f64::NEG_INFINITY && found.lower_method.starts_with("none:"));
        // A bound above the upper side is no bound of the machine.
        let (mut annealed, _) = with(2, 1000);
        annealed.above_the_rbm = true;
        annealed.lower = found.upper + 1.0;
        let found = likelihood(&log_z, mean(&scores), &annealed, 0.99).unwrap();
        assert!(found.lower == f64::NEG_INFINITY && found.lower_method.contains("not the RBM"));
    }

    #[test]
    fn agreement_asks_for_order_nearness_and_a_long_ladder() {
        assert!(agree(false, -0.2, 0.05));
        assert!(!agree(true, 0.0, 0.0));
        assert!(!agree(false, 0.31, 0.0));
        assert!(!agree(false, 0.0, -0.11));
        assert!(!agree(false, f64::NAN, 0.0) && !agree(false, 0.0, f64::NAN));
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
