//! The command line: every option, its default and its domain.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::data::{Dataset, Header, LabelColumn, LoadOptions, load};
use crate::error::CliError;

/// Statistical mechanics for learning.
#[derive(Clone, Debug, Parser)]
#[command(name = "ergodic", version, about)]
#[command(propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Train a model, certify its likelihood and write a report.
    Train {
        /// Which model.
        #[command(subcommand)]
        model: TrainModel,
    },
    /// Draw samples from a trained model.
    Sample(SampleArgs),
    /// Weigh a trained model on data: log Z, mean log-likelihood, score of each row.
    Evaluate(EvaluateArgs),
    /// Judge the draws of Markov chains: R-hat, effective sample sizes, standard errors.
    Diagnose(DiagnoseArgs),
    /// Entropies of a table's columns and their pairwise mutual information.
    Info(InfoArgs),
    /// The probability that a mean of draws is far from expected: exact, refined, and bounded.
    Rate(RateArgs),
    /// The law of most entropy whose features have given means, with its certificate.
    Maxent(MaxentArgs),
    /// Run a heat engine: work, heat and entropy of each stroke, efficiency, diagrams.
    Cycle(CycleArgs),
}

/// The models that can be trained.
#[derive(Clone, Debug, Subcommand)]
pub enum TrainModel {
    /// A Bernoulli restricted Boltzmann machine.
    Rbm(Box<TrainRbmArgs>),
}

/// Where rows come from.
#[derive(Args, Clone, Debug)]
pub struct DataArgs {
    /// The embedded handwritten digits, or a file: .csv, .npy, IDX images as MNIST is published,
    /// each also gzipped.
    #[arg(long, value_name = "digits|FILE", default_value = "digits")]
    pub data: String,
    /// A pixel is 1 where value / largest value is at least this; in (0, 1].
    #[arg(long, value_name = "T", value_parser = unit_open_closed, allow_negative_numbers = true)]
    pub threshold: Option<f64>,
    /// Keep value / largest value as the probability of a 1 instead of applying a threshold.
    #[arg(long, visible_alias = "grey", conflicts_with = "threshold")]
    pub keep_probabilities: bool,
    /// The largest allowed value [default: 16 for digits, 255 for IDX, 1 for CSV and floats].
    #[arg(long, value_name = "M", value_parser = positive, allow_negative_numbers = true)]
    pub max_value: Option<f64>,
    /// The column of a CSV file that holds labels: a name, a number from 1, last, or none
    /// [default: the column named label].
    #[arg(long, value_name = "COLUMN")]
    pub label_column: Option<LabelColumn>,
    /// Whether the first line of a CSV file names the columns.
    #[arg(long, value_enum, default_value_t = Header::Auto)]
    pub header: Header,
    /// Height and width of the images, such as 28x28 [default: what the file says, else square].
    #[arg(long, value_name = "HxW")]
    pub image_shape: Option<ImageShape>,
}

impl DataArgs {
    /// The loader's form of these options.
    pub fn options(&self) -> LoadOptions {
        LoadOptions {
            threshold: self.threshold,
            keep_probabilities: self.keep_probabilities,
            max_value: self.max_value,
            label_column: self.label_column.clone().unwrap_or_default(),
            header: self.header,
            image: self.image_shape.map(|s| (s.0, s.1)),
        }
    }

    /// Loads the data.
    ///
    /// # Errors
    /// As [`load`].
    pub fn load(&self) -> Result<Dataset, CliError> {
        load(&self.data, &self.options())
    }
}

/// How test rows are told from training rows.
#[derive(Args, Clone, Debug)]
pub struct SplitArgs {
    /// Row i is a test row where i mod N = N − 1.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        conflicts_with = "test_data",
        allow_negative_numbers = true
    )]
    pub test_every: usize,
    /// Take the test rows from this file and train on all rows of --data.
    #[arg(long, value_name = "FILE")]
    pub test_data: Option<String>,
}

impl SplitArgs {
    /// Loads and splits the data: `(train, test)`.
    ///
    /// # Errors
    /// As [`load`] and [`Dataset::split`], and if the two files have rows of different lengths.
    pub fn load(&self, data: &DataArgs) -> Result<(Dataset, Dataset), CliError> {
        let Some(test_data) = &self.test_data else {
            return data.load()?.split(self.test_every);
        };
        let train = data.load()?;
        let test = load(test_data, &data.options())?;
        if test.columns == train.columns {
            Ok((train, test))
        } else {
            Err(CliError::option(
                "--test-data",
                format!("{test_data} with {} columns", test.columns),
                format!("a file of {} columns like {}", train.columns, train.name),
            ))
        }
    }
}

/// How much is shown.
#[derive(Args, Clone, Copy, Debug)]
pub struct ShowArgs {
    /// Print nothing but one JSON object on stdout; progress stays on stderr.
    #[arg(long)]
    pub json: bool,
    /// Show no progress.
    #[arg(long, short)]
    pub quiet: bool,
    /// Threads [default: one per core]; results do not depend on it.
    #[arg(long, value_name = "N", value_parser = count::<4096>, allow_negative_numbers = true)]
    pub threads: Option<usize>,
}

/// How log Z and the likelihood are estimated.
#[derive(Args, Clone, Debug)]
pub struct EstimateArgs {
    /// Independent annealing runs (AIS) for log Z.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = count::<1_000_000>,
          allow_negative_numbers = true)]
    pub ais_runs: usize,
    /// Temperatures of the annealing ladder.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = count::<100_000_000>,
          allow_negative_numbers = true)]
    pub ais_temperatures: usize,
    /// Probability with which each certified side holds, in (0, 1).
    #[arg(long, value_name = "P", default_value_t = 0.99, value_parser = unit_open,
          allow_negative_numbers = true)]
    pub confidence: f64,
}

/// The learning rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AlgorithmName {
    /// Persistent contrastive divergence.
    #[default]
    Pcd,
    /// Contrastive divergence, chains started at the data.
    Cd,
}

/// The optimisers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OptimizerName {
    /// Stochastic gradient descent with momentum.
    #[default]
    Sgd,
    /// Adam.
    Adam,
}

/// How the annealed model is weighed.
#[derive(Args, Clone, Debug)]
pub struct RaiseArgs {
    /// Temperatures of the annealed model (RAISE), an even number; a ladder of half the length
    /// shows the change.
    #[arg(long, value_name = "N", default_value_t = 6000, value_parser = even_count::<100_000_000>,
          allow_negative_numbers = true)]
    pub raise_temperatures: usize,
    /// Reverse chains per test row.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count::<1_000_000>,
          allow_negative_numbers = true)]
    pub raise_chains: usize,
    /// Test rows of the annealed model at most: a random part where there are more.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = count::<100_000_000>,
          allow_negative_numbers = true)]
    pub raise_rows: usize,
}

/// Options of `train rbm`.
#[derive(Args, Clone, Debug)]
pub struct TrainRbmArgs {
    /// The rows.
    #[command(flatten)]
    pub data: DataArgs,
    /// The split.
    #[command(flatten)]
    pub split: SplitArgs,
    /// Hidden units.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = count::<1_000_000>,
          allow_negative_numbers = true)]
    pub hidden: usize,
    /// Passes over the training rows.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = count::<1_000_000_000>,
          allow_negative_numbers = true)]
    pub epochs: usize,
    /// Rows per update.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = count::<1_000_000>,
          allow_negative_numbers = true)]
    pub batch: usize,
    /// Persistent chains of PCD.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = count::<1_000_000>,
          allow_negative_numbers = true)]
    pub chains: usize,
    /// Learning rate.
    #[arg(long, value_name = "RATE", default_value_t = 0.05, value_parser = positive,
          allow_negative_numbers = true)]
    pub lr: f64,
    /// How the learning rate falls: constant, linear:LAST, cosine:LAST, exponential:LAST,
    /// step:UPDATES:FACTOR or inverse-time:UPDATES, after an optional warm-up:UPDATES+.
    #[arg(long, value_name = "SCHEDULE", default_value = "linear:0")]
    pub lr_schedule: String,
    /// Optimiser.
    #[arg(long, value_enum, default_value_t)]
    pub optimizer: OptimizerName,
    /// Momentum of sgd, in [0, 1).
    #[arg(long, value_name = "M", default_value_t = 0.0, value_parser = unit_closed_open,
          allow_negative_numbers = true)]
    pub momentum: f64,
    /// Learning rule.
    #[arg(long, value_enum, default_value_t)]
    pub algorithm: AlgorithmName,
    /// Gibbs steps per update.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count::<1_000_000>,
          allow_negative_numbers = true)]
    pub k: usize,
    /// L1 weight decay.
    #[arg(long, value_name = "C", default_value_t = 0.0, value_parser = not_negative,
          allow_negative_numbers = true)]
    pub l1: f64,
    /// L2 weight decay.
    #[arg(long, value_name = "C", default_value_t = 1e-4, value_parser = not_negative,
          allow_negative_numbers = true)]
    pub l2: f64,
    /// Centre the units in the gradient.
    #[arg(long)]
    pub centering: bool,
    /// Mean activity that hidden units are drawn to, in (0, 1).
    #[arg(long, value_name = "P", value_parser = unit_open, requires = "sparsity_strength",
          allow_negative_numbers = true)]
    pub sparsity_target: Option<f64>,
    /// Strength of the pull to --sparsity-target.
    #[arg(long, value_name = "C", value_parser = not_negative, requires = "sparsity_target",
          allow_negative_numbers = true)]
    pub sparsity_strength: Option<f64>,
    /// Part of the training rows that is held out to stop early, in [0, 1).
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = unit_closed_open,
          allow_negative_numbers = true)]
    pub validation_fraction: f64,
    /// Stop after this many evaluations without a better validation score; 0 never stops.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub patience: usize,
    /// Epochs between evaluations of likelihood and pseudo-likelihood; 0 evaluates never.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 50,
        allow_negative_numbers = true
    )]
    pub evaluate_every: usize,
    /// Last part of the run over which the parameters are averaged, in [0, 1].
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = unit_closed,
          allow_negative_numbers = true)]
    pub average: f64,
    /// Standard deviation of the initial weights.
    #[arg(long, value_name = "S", default_value_t = 0.01, value_parser = not_negative,
          allow_negative_numbers = true)]
    pub weight_std: f64,
    /// Seed: the same seed gives the same bits for any number of threads.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Folder of the results.
    #[arg(long, value_name = "FOLDER", default_value = "ergodic-out")]
    pub out: PathBuf,
    /// Continue from the checkpoint in the output folder, with the same bits as without the break;
    /// needs a run with --checkpoint-every, which writes none by default.
    #[arg(long)]
    pub resume: bool,
    /// Write a checkpoint every N epochs; 0 writes none.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub checkpoint_every: usize,
    /// Estimation.
    #[command(flatten)]
    pub estimate: EstimateArgs,
    /// Annealed model.
    #[command(flatten)]
    pub raise: RaiseArgs,
    /// Show.
    #[command(flatten)]
    pub show: ShowArgs,
}

/// Options of `sample`.
#[derive(Args, Clone, Debug)]
pub struct SampleArgs {
    /// A model file, such as ergodic-out/model.safetensors.
    pub model: PathBuf,
    /// Samples, each from its own chain.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = count::<100_000_000>,
          allow_negative_numbers = true)]
    pub count: usize,
    /// Gibbs steps between recorded states when there are fewer chains than samples.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = count::<1_000_000_000>,
          allow_negative_numbers = true)]
    pub steps: usize,
    /// Gibbs steps before the first recorded state.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        allow_negative_numbers = true
    )]
    pub burn_in: usize,
    /// Seed.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Where the samples go: .png (a grid of images), .csv or .npy (a table of 0 and 1).
    #[arg(long, value_name = "FILE", default_value = "samples.png")]
    pub out: PathBuf,
    /// Height and width of the images [default: what the model was trained on, else square].
    #[arg(long, value_name = "HxW")]
    pub image_shape: Option<ImageShape>,
    /// Show.
    #[command(flatten)]
    pub show: ShowArgs,
}

/// Which rows are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rows {
    /// Every row.
    All,
    /// The training rows of the split.
    Train,
    /// The test rows of the split.
    Test,
}

/// Options of `evaluate`.
#[derive(Args, Clone, Debug)]
pub struct EvaluateArgs {
    /// A model file, such as ergodic-out/model.safetensors.
    pub model: PathBuf,
    /// The rows.
    #[command(flatten)]
    pub data: DataArgs,
    /// Which rows [default: test for the digits, all for a file].
    #[arg(long, value_enum)]
    pub rows: Option<Rows>,
    /// Row i is a test row where i mod N = N − 1.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        allow_negative_numbers = true
    )]
    pub test_every: usize,
    /// Write the log-likelihood of each row to this CSV file.
    #[arg(long, value_name = "FILE")]
    pub scores: Option<PathBuf>,
    /// Seed.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Estimation.
    #[command(flatten)]
    pub estimate: EstimateArgs,
    /// Show.
    #[command(flatten)]
    pub show: ShowArgs,
}

impl EvaluateArgs {
    /// Loads the rows to be weighed.
    ///
    /// # Errors
    /// As [`load`] and [`Dataset::split`].
    pub fn load(&self) -> Result<Dataset, CliError> {
        let default = if self.data.data == "digits" {
            Rows::Test
        } else {
            Rows::All
        };
        let data = self.data.load()?;
        Ok(match self.rows.unwrap_or(default) {
            Rows::All => data,
            Rows::Train => data.split(self.test_every)?.0,
            Rows::Test => data.split(self.test_every)?.1,
        })
    }
}

/// Options of `diagnose`.
#[derive(Args, Clone, Debug)]
pub struct DiagnoseArgs {
    /// A file of draws: .csv or .parquet (columns chain, draw and the parameters, or parameters
    /// alone), .npy (draws x parameters, or chains x draws x parameters), or .npz (an array chains
    /// x draws for each parameter); .csv and .npy also gzipped.
    pub draws: PathBuf,
    /// The largest rank-normalised split R-hat that passes, at least 1.
    #[arg(long, value_name = "R", default_value_t = 1.01, value_parser = at_least_one,
          allow_negative_numbers = true)]
    pub rhat: f64,
    /// The smallest effective sample size that passes, of bulk and tails, over all chains.
    #[arg(long, value_name = "N", default_value_t = 400.0, value_parser = not_negative,
          allow_negative_numbers = true)]
    pub ess: f64,
    /// Write a page with the table and charts to this HTML file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print nothing but one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// Threads [default: one per core]; results do not depend on it.
    #[arg(long, value_name = "N", value_parser = count::<4096>, allow_negative_numbers = true)]
    pub threads: Option<usize>,
}

/// The cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CycleName {
    /// Two isothermal and two isentropic strokes.
    Carnot,
    /// Two isentropic strokes and two of constant work parameter.
    Otto,
    /// Two isothermal strokes and two of constant work parameter.
    Stirling,
}

/// The systems of units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum UnitsName {
    /// Temperatures are energies, entropies in nats.
    #[default]
    Natural,
    /// Kelvin and joule.
    Si,
    /// Kelvin and kJ/mol.
    KjMol,
    /// Kelvin and electronvolt.
    Ev,
}

/// Options of `cycle`.
#[derive(Args, Clone, Debug)]
pub struct CycleArgs {
    /// Which cycle.
    #[arg(value_enum)]
    pub cycle: CycleName,
    /// What is run: trap (an overdamped particle, work parameter: stiffness), oscillator (a trap
    /// with momenta), ideal-gas (volume), two-level (gap), or a CSV file of levels with columns
    /// energy, observable and, if there is one, degeneracy: E = energy + work parameter x
    /// observable.
    #[arg(
        long,
        value_name = "trap|oscillator|ideal-gas|two-level|FILE",
        default_value = "ideal-gas"
    )]
    pub system: String,
    /// Temperature of the hot bath.
    #[arg(long, value_name = "T", value_parser = positive, allow_negative_numbers = true)]
    pub hot: f64,
    /// Temperature of the cold bath, below the hot one.
    #[arg(long, value_name = "T", value_parser = positive, allow_negative_numbers = true)]
    pub cold: f64,
    /// The two ends of the work parameter; of carnot, those of the hot stroke.
    #[arg(long, value_name = "FROM:TO", value_parser = range, allow_negative_numbers = true,
          allow_hyphen_values = true)]
    pub work: (f64, f64),
    /// Units of temperatures, energies and entropies.
    #[arg(long, value_enum, default_value_t)]
    pub units: UnitsName,
    /// Part of the heat that stirling's regenerator gives back, 0 to 1.
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = unit_closed,
          allow_negative_numbers = true)]
    pub regenerator: f64,
    /// Particles of the gas.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = positive,
          allow_negative_numbers = true)]
    pub particles: f64,
    /// Quadratic degrees of freedom of a particle of the gas.
    #[arg(long, value_name = "N", default_value_t = 3.0, value_parser = positive,
          allow_negative_numbers = true)]
    pub degrees: f64,
    /// Also run the cycle in finite time, with this number of switches per stroke (two-level and
    /// tables).
    #[arg(long, value_name = "N", value_parser = count::<100_000>, allow_negative_numbers = true)]
    pub switches: Option<usize>,
    /// Probability with which the bath renews the state after a switch, in (0, 1].
    #[arg(long, value_name = "P", default_value_t = 1.0, value_parser = unit_open_closed,
          requires = "switches", allow_negative_numbers = true)]
    pub strength: f64,
    /// Draw the cycle, force against work parameter and temperature against entropy, to this SVG
    /// file.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Print nothing but one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

fn range(text: &str) -> Result<(f64, f64), String> {
    text.split_once(':')
        .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)))
        .filter(|(a, b): &(f64, f64)| a.is_finite() && b.is_finite() && a != b)
        .ok_or_else(|| "must be two different numbers such as 1:4".to_owned())
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColumnKind {
    /// Categories: words, or numbers of which there are few.
    Discrete,
    /// Real numbers with a density.
    Continuous,
}

/// Options of `info`.
#[derive(Args, Clone, Debug)]
pub struct InfoArgs {
    /// A table of comma-separated values, also gzipped: one observation per row, independent of
    /// the others.
    pub table: PathBuf,
    /// Use these columns only, by name or number from 1.
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Say what a column holds, discrete or continuous [default: discrete if it has words, or at
    /// most 50 distinct values, each seen five times on average]; once per column.
    #[arg(long = "type", value_name = "COLUMN=KIND", value_parser = column_kind)]
    pub types: Vec<(String, ColumnKind)>,
    /// Whether the first line names the columns.
    #[arg(long, value_enum, default_value_t = Header::Auto)]
    pub header: Header,
    /// Leave out rows in which a column has no value (empty, NA, NaN, null) instead of stopping.
    #[arg(long)]
    pub skip_missing: bool,
    /// Nearest neighbours [default: 4 for entropies, or as many as one value is repeated, up to a
    /// twentieth of the rows; 3 for pairs with a continuous column, 5 where one value fills a
    /// twentieth of it].
    #[arg(long, value_name = "K", value_parser = count::<1000>, allow_negative_numbers = true)]
    pub k: Option<usize>,
    /// Permutations for each p-value, which is at least 1/(N + 1); 0 computes none.
    #[arg(long, value_name = "N", default_value_t = 199, value_parser = count_or_none::<1_000_000>,
          allow_negative_numbers = true)]
    pub permutations: usize,
    /// Confidence of the intervals, in (0, 1).
    #[arg(long, value_name = "P", default_value_t = 0.95, value_parser = unit_open,
          allow_negative_numbers = true)]
    pub confidence: f64,
    /// Amounts in bits instead of nats.
    #[arg(long)]
    pub bits: bool,
    /// Seed: the same seed gives the same bits for any number of threads.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Write a page with the heat map and all tables to this HTML file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print nothing but one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// Threads [default: one per core]; results do not depend on it.
    #[arg(long, value_name = "N", value_parser = count::<4096>, allow_negative_numbers = true)]
    pub threads: Option<usize>,
}

/// Options of `rate`.
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("event").required(true).args(["mean_at_least", "mean_at_most"]))]
pub struct RateArgs {
    /// The law of a draw: coin:P, die:SIDES, binomial:TRIALS:P, poisson:MEAN, geometric:P (failures before
    /// a success), exponential:RATE, normal:MEAN:SD; values with weights such as 1:1,2:1,6:3; or a CSV
    /// file of values and their probabilities.
    #[arg(long, value_name = "LAW|FILE", allow_hyphen_values = true)]
    pub law: String,
    /// The number of independent draws.
    #[arg(long, value_name = "N", value_parser = count::<1_000_000_000>, allow_negative_numbers = true)]
    pub n: usize,
    /// The event: the mean of the draws is at least this.
    #[arg(long, value_name = "X", value_parser = finite, allow_negative_numbers = true)]
    pub mean_at_least: Option<f64>,
    /// The event: the mean of the draws is at most this.
    #[arg(long, value_name = "X", value_parser = finite, allow_negative_numbers = true)]
    pub mean_at_most: Option<f64>,
    /// Draw -log P / n against n up to N, with the rate, to this SVG file.
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Print nothing but one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

fn finite(text: &str) -> Result<f64, String> {
    checked(text, f64::is_finite, "a finite number")
}

fn column_kind(text: &str) -> Result<(String, ColumnKind), String> {
    text.rsplit_once('=')
        .filter(|(name, _)| !name.is_empty())
        .and_then(|(name, kind)| Some((name.to_owned(), ColumnKind::from_str(kind, true).ok()?)))
        .ok_or_else(|| "must be COLUMN=discrete or COLUMN=continuous".to_owned())
}

/// Options of `maxent`.
#[derive(Args, Clone, Debug)]
pub struct MaxentArgs {
    /// A table of comma-separated values, also gzipped: a row per state, its columns are the features.
    #[arg(required_unless_present = "states", conflicts_with = "states")]
    pub table: Option<PathBuf>,
    /// Numbers as states, instead of a table: 1..6 for whole numbers, or 0,0.5,2. Their features are x
    /// and its powers, such as x^2.
    #[arg(long, value_name = "FIRST..LAST|X,...", allow_hyphen_values = true)]
    pub states: Option<States>,
    /// The mean of a feature: 4.5, an interval 4..5, or 4.5~0.2, a penalty of half a nat for 0.2 off. The
    /// feature is a column, by name or number from 1, or x, x^2, ... of --states; without its name, the
    /// targets are those of the features that --feature gives, in their order.
    #[arg(
        long = "target",
        value_name = "[FEATURE=]MEAN",
        required = true,
        allow_hyphen_values = true
    )]
    pub targets: Vec<Target>,
    /// Features of targets without a name.
    #[arg(long = "feature", value_name = "FEATURE")]
    pub features: Vec<String>,
    /// The law to depart from: a column of weights, or weights of --states [default: all the same].
    #[arg(long, value_name = "COLUMN|W,...")]
    pub base: Option<String>,
    /// The column that names the states [default: their number, or their value].
    #[arg(long, value_name = "COLUMN", conflicts_with = "states")]
    pub label: Option<String>,
    /// Whether the first line of the table names the columns.
    #[arg(long, value_enum, default_value_t = Header::Auto)]
    pub header: Header,
    /// Draw the law beside the base law to this SVG file.
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Print nothing but one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// Threads [default: one per core]; results do not depend on it.
    #[arg(long, value_name = "N", value_parser = count::<4096>, allow_negative_numbers = true)]
    pub threads: Option<usize>,
}

/// Numbers as states.
#[derive(Clone, Debug, PartialEq)]
pub struct States(pub Vec<f64>);

/// More states than this in a range are a slip of the keyboard.
const MAX_STATES: i64 = 1 << 22;

impl FromStr for States {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = || {
            format!(
                "must be FIRST..LAST, at most {MAX_STATES} whole numbers, or finite numbers with commas between"
            )
        };
        if let Some((first, last)) = text.split_once("..") {
            let end = |t: &str| t.trim().parse::<i64>().ok().filter(|x| x.abs() < 1 << 53);
            let (first, last) = end(first).zip(end(last)).ok_or_else(allowed)?;
            if last < first || last - first >= MAX_STATES {
                return Err(allowed());
            }
            return Ok(Self((first..=last).map(|x| x as f64).collect()));
        }
        let numbers: Option<Vec<f64>> = text.split(',').map(finite_number).collect();
        numbers.map(Self).ok_or_else(allowed)
    }
}

fn finite_number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|x| x.is_finite())
}

/// What the mean of a feature is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The feature, if it is named.
    pub feature: Option<String>,
    /// Its mean.
    pub mean: Mean,
}

/// A mean: a number, an interval, or a number with a penalty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mean {
    /// This number.
    Equal(f64),
    /// From the first to the second, the first below the second.
    Between(f64, f64),
    /// About the first; half a nat for the second, above 0, off.
    Near(f64, f64),
}

impl FromStr for Target {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (feature, mean) = match text.rsplit_once('=') {
            Some((feature, mean)) => (Some(feature.trim().to_owned()), mean),
            None => (None, text),
        };
        let pair = |parts: (&str, &str)| finite_number(parts.0).zip(finite_number(parts.1));
        let found = if let Some(ends) = mean.split_once("..") {
            pair(ends)
                .filter(|(low, high)| low < high && (high - low).is_finite())
                .map(|(low, high)| Mean::Between(low, high))
        } else if let Some(parts) = mean.split_once('~') {
            pair(parts)
                .filter(|(_, sd)| *sd > 0.0)
                .map(|(centre, sd)| Mean::Near(centre, sd))
        } else {
            finite_number(mean).map(Mean::Equal)
        };
        match found {
            Some(mean) if feature.as_ref().is_none_or(|f| !f.is_empty()) => Ok(Self { feature, mean }),
            _ => Err(
                "must be FEATURE=MEAN or MEAN, the mean a number, LOW..HIGH with LOW below HIGH, or \
                 CENTRE~SD with SD above 0"
                    .to_owned(),
            ),
        }
    }
}

/// Height and width, written `28x28`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape(pub usize, pub usize);

impl FromStr for ImageShape {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('x')
            .and_then(|(h, w)| Some(Self(h.parse().ok()?, w.parse().ok()?)))
            .filter(|s| s.0 > 0 && s.1 > 0)
            .ok_or_else(|| "must be a height and a width such as 28x28".to_owned())
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "must be a number".to_owned())
}

fn checked(text: &str, ok: impl Fn(f64) -> bool, allowed: &str) -> Result<f64, String> {
    let value = number(text)?;
    if ok(value) {
        Ok(value)
    } else {
        Err(format!("must be {allowed}"))
    }
}

fn positive(text: &str) -> Result<f64, String> {
    checked(
        text,
        |v| v.is_finite() && v > 0.0,
        "a finite number above 0",
    )
}

fn not_negative(text: &str) -> Result<f64, String> {
    checked(
        text,
        |v| v.is_finite() && v >= 0.0,
        "a finite number, at least 0",
    )
}

fn at_least_one(text: &str) -> Result<f64, String> {
    checked(
        text,
        |v| v.is_finite() && v >= 1.0,
        "a finite number, at least 1",
    )
}

fn unit_open(text: &str) -> Result<f64, String> {
    checked(text, |v| v > 0.0 && v < 1.0, "strictly between 0 and 1")
}

fn unit_closed_open(text: &str) -> Result<f64, String> {
    checked(text, |v| (0.0..1.0).contains(&v), "at least 0 and below 1")
}

fn unit_closed(text: &str) -> Result<f64, String> {
    checked(text, |v| (0.0..=1.0).contains(&v), "between 0 and 1")
}

fn unit_open_closed(text: &str) -> Result<f64, String> {
    checked(text, |v| v > 0.0 && v <= 1.0, "above 0 and at most 1")
}

/// A number in `1..=MAX`: large enough for every real use, small enough that a slip of the keyboard
/// does not exhaust the memory.
fn count<const MAX: usize>(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|n| (1..=MAX).contains(n))
        .ok_or_else(|| format!("must be an integer between 1 and {MAX}"))
}

/// A number in `0..=MAX`.
fn count_or_none<const MAX: usize>(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|n| *n <= MAX)
        .ok_or_else(|| format!("must be an integer between 0 and {MAX}"))
}

/// An even number in `2..=MAX`.
fn even_count<const MAX: usize>(text: &str) -> Result<usize, String> {
    count::<MAX>(text)
        .ok()
        .filter(|n| n.is_multiple_of(2))
        .ok_or_else(|| format!("must be an even integer between 2 and {MAX}"))
}

/// What clap has to say about a command line that does not parse, as one line.
pub fn usage_error(e: &clap::Error) -> CliError {
    if e.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return CliError::Usage(
            "a command is missing: train rbm, sample, evaluate, diagnose, info, maxent, rate or cycle (see --help)"
                .into(),
        );
    }
    let text = e.render().to_string();
    let first: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty() && !line.starts_with("Usage:"))
        .collect();
    let text = first.join(" ");
    CliError::Usage(text.strip_prefix("error: ").unwrap_or(&text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_usage_error_is_one_line_that_names_the_option() {
        for (line, word) in [
            ("ergodic", "train rbm"),
            ("ergodic train", "train rbm"),
            ("ergodic fly", "fly"),
            ("ergodic train rbm --hidden 0", "--hidden"),
            ("ergodic train rbm --hidden -3", "--hidden"),
            ("ergodic train rbm --lr -0.1", "--lr"),
            ("ergodic train rbm --lr NaN", "--lr"),
            ("ergodic train rbm --lr fast", "--lr"),
            ("ergodic train rbm --nonsense", "--nonsense"),
            ("ergodic train rbm --raise-temperatures 1", "even"),
            ("ergodic train rbm --raise-temperatures 21", "even"),
            ("ergodic train rbm --raise-rows 0", "--raise-rows"),
            ("ergodic train rbm --confidence 1", "--confidence"),
            ("ergodic train rbm --optimizer lbfgs", "--optimizer"),
            ("ergodic train rbm --threads 0", "--threads"),
            ("ergodic train rbm --seed -1", "--seed"),
            ("ergodic train rbm --image-shape 8", "--image-shape"),
            (
                "ergodic train rbm --sparsity-target 0.1",
                "--sparsity-strength",
            ),
            ("ergodic train rbm --grey --threshold 0.5", "--threshold"),
            ("ergodic evaluate", "<MODEL>"),
            ("ergodic diagnose", "<DRAWS>"),
            ("ergodic diagnose x.csv --rhat 0.9", "--rhat"),
            ("ergodic diagnose x.csv --ess NaN", "--ess"),
            ("ergodic info", "<TABLE>"),
            ("ergodic info x.csv --type a", "--type"),
            ("ergodic info x.csv --type a=real", "--type"),
            ("ergodic info x.csv --permutations -1", "--permutations"),
            ("ergodic info x.csv --confidence 1", "--confidence"),
            ("ergodic info x.csv --k 0", "--k"),
            ("ergodic cycle", "<CYCLE>"),
            ("ergodic cycle diesel", "diesel"),
            ("ergodic cycle otto --hot 0", "--hot"),
            ("ergodic cycle otto --hot 2 --cold -1", "--cold"),
            ("ergodic cycle otto --work 1", "--work"),
            ("ergodic cycle otto --work 1:1", "--work"),
            ("ergodic cycle otto --work -1:nan", "--work"),
            ("ergodic cycle otto --regenerator 2", "--regenerator"),
            ("ergodic cycle otto --units kelvin", "--units"),
        ] {
            let e = Cli::try_parse_from(line.split(' ')).unwrap_err();
            let text = usage_error(&e).to_string();
            assert!(
                text.contains(word) && !text.contains('\n') && text.len() < 250,
                "{line}: {text}"
            );
        }
    }
}
