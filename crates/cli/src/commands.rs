//! The commands, from the parsed command line to the exit code.

mod cycle;
mod diagnose;
mod info;
mod maxent;
mod rate;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use serde::Serialize;

use crate::arguments::{
    Cli, Command, EvaluateArgs, SampleArgs, TrainModel, TrainRbmArgs, usage_error,
};
use crate::artifacts::{Artifacts, picture_of_bits, tile};
use crate::data::{Dataset, npy_of_bits};
use crate::error::CliError;
use crate::machine;
use crate::output::{OutputFolder, check_writable, write_atomically};
use crate::progress::Style;
use crate::summary::{Baselines, LogZ, Summary, to_json};

/// More parameters than this are a slip of the keyboard: 1 GiB of `f32`.
const MAX_PARAMETERS: usize = 1 << 28;

/// More values than this in one block of chains or rows are a slip of the keyboard.
const MAX_BLOCK: usize = 1 << 30;

/// More reverse chains than this in all are a slip of the keyboard.
const MAX_RAISED: usize = 1 << 24;

/// Runs the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let result = match Cli::try_parse_from(arguments) {
        Ok(cli) => dispatch(cli),
        // Help and version are what was asked for.
        Err(e) if !e.use_stderr() => print(&e.render().to_string()),
        Err(e) => Err(usage_error(&e)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // Nothing is left to be done when stderr is closed too.
            let _ = writeln!(io::stderr(), "error: {e}");
            ExitCode::from(e.exit_code())
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Train {
            model: TrainModel::Rbm(args),
        } => train_rbm(&args),
        Command::Sample(args) => sample(&args),
        Command::Evaluate(args) => evaluate(&args),
        Command::Diagnose(args) => diagnose::diagnose(&args),
        Command::Info(args) => info::info(&args),
        Command::Rate(args) => rate::rate(&args),
        Command::Maxent(args) => maxent::maxent(&args),
        Command::Cycle(args) => cycle::cycle(&args),
    }
}

/// Writes to stdout; a reader that has gone away is no error.
fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::output(Path::new("stdout"), e))
        }
        _ => Ok(()),
    }
}

fn start_threads(threads: Option<usize>) -> Result<(), CliError> {
    let Some(threads) = threads else {
        return Ok(());
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|e| CliError::Failed(format!("cannot start {threads} threads: {e}")))
}

/// Refuses sizes that would exhaust the memory, naming the option.
fn check_size(option: &str, count: usize, width: usize, limit: usize) -> Result<(), CliError> {
    if count.saturating_mul(width) > limit {
        let most = limit / width.max(1);
        return Err(CliError::option(
            option,
            count,
            format!("at most {most} with {width} units"),
        ));
    }
    Ok(())
}

fn train_rbm(args: &TrainRbmArgs) -> Result<(), CliError> {
    let started = Instant::now();
    let (train, test) = args.split.load(&args.data)?;
    check_size("--hidden", args.hidden, train.columns, MAX_PARAMETERS)?;
    let widest = train.columns.max(args.hidden);
    check_size("--batch", args.batch, widest, MAX_BLOCK)?;
    check_size("--chains", args.chains, widest, MAX_BLOCK)?;
    check_size("--ais-runs", args.estimate.ais_runs, widest, MAX_BLOCK)?;
    let raised = test.rows.min(args.raise.raise_rows);
    if args.raise.raise_chains.saturating_mul(raised) > MAX_RAISED {
        return Err(CliError::option(
            "--raise-chains",
            args.raise.raise_chains,
            format!("at most {} with {raised} rows", MAX_RAISED / raised.max(1)),
        ));
    }
    machine::check(args, &train)?;
    let folder = OutputFolder::open(&args.out)?;
    start_threads(args.show.threads)?;
    let style = Style::detect(args.show.quiet);
    let summary = train_into(args, &train, &test, &folder, style, started)
        .inspect_err(|_| folder.discard_if_empty())?;
    if args.show.json {
        print(&to_json(&summary)?)
    } else {
        print(&format!(
            "{}results in {}\n",
            summary.table(),
            args.out.display()
        ))
    }
}

/// Trains, computes everything, and only then writes it.
fn train_into(
    args: &TrainRbmArgs,
    train: &Dataset,
    test: &Dataset,
    folder: &OutputFolder,
    style: Style,
    started: Instant,
) -> Result<Summary, CliError> {
    let (model, trained) = machine::train(args, train, test, folder, style)?;
    let baselines = Baselines::fit(train, test, args.seed)?;
    let summary = trained.summary(args, train, test, baselines, started.elapsed());
    Artifacts {
        summary: &summary,
        metrics: &trained.metrics,
        data: train,
        samples: &trained.samples,
        receptive_fields: &trained.receptive_fields,
    }
    .write(folder, |path| model.save(path))?;
    if args.checkpoint_every == 0 && !args.resume {
        machine::remove_checkpoint(folder)?;
    }
    Ok(summary)
}

/// What `sample --json` prints.
#[derive(Serialize)]
struct Sampled<'a> {
    out: &'a Path,
    count: usize,
    visible: usize,
    hidden: usize,
    seed: u64,
}

/// How samples are stored.
#[derive(Clone, Copy)]
enum Format {
    Png,
    Csv,
    Npy,
}

fn sample(args: &SampleArgs) -> Result<(), CliError> {
    let extension = args
        .out
        .extension()
        .map(|e| e.to_string_lossy().to_lowercase());
    let format = match extension.as_deref() {
        Some("png") => Format::Png,
        Some("csv") => Format::Csv,
        Some("npy") => Format::Npy,
        _ => {
            return Err(CliError::option(
                "--out",
                args.out.display(),
                "a file that ends in .png, .csv or .npy",
            ));
        }
    };
    let model = machine::Model::load(&args.model)?;
    check_size(
        "--count",
        args.count,
        model.visible().max(model.hidden()),
        MAX_BLOCK,
    )?;
    let image = match args.image_shape {
        Some(s) if s.0.checked_mul(s.1) != Some(model.visible()) => {
            return Err(CliError::option(
                "--image-shape",
                format!("{}x{}", s.0, s.1),
                format!("a height and width whose product is {}", model.visible()),
            ));
        }
        Some(s) => Some((s.0, s.1)),
        None => model.image(),
    };
    check_writable(&args.out)?;
    start_threads(args.show.threads)?;
    let bits = model.sample(
        args.count,
        args.burn_in,
        args.steps,
        args.seed,
        Style::detect(args.show.quiet),
    )?;
    let bytes = match format {
        Format::Png => picture_of_bits(&bits, tile(image, model.visible()))?.png()?,
        Format::Csv => csv_of_bits(&bits, model.visible()).into_bytes(),
        Format::Npy => npy_of_bits(args.count, model.visible(), &bits),
    };
    write_atomically(&args.out, &bytes)?;
    if args.show.json {
        print(&to_json(&Sampled {
            out: &args.out,
            count: args.count,
            visible: model.visible(),
            hidden: model.hidden(),
            seed: args.seed,
        })?)
    } else {
        print(&format!(
            "{} samples in {}\n",
            args.count,
            args.out.display()
        ))
    }
}

/// A table of 0 and 1 with a header `v0,v1,…`.
fn csv_of_bits(bits: &[u8], columns: usize) -> String {
    let header: Vec<String> = (0..columns).map(|i| format!("v{i}")).collect();
    let mut out = header.join(",");
    out.push('\n');
    for row in bits.chunks_exact(columns.max(1)) {
        for (i, b) in row.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push(if *b == 0 { '0' } else { '1' });
        }
        out.push('\n');
    }
    out
}

/// What `evaluate --json` prints.
#[derive(Serialize)]
struct Evaluated<'a> {
    model: &'a Path,
    data: &'a str,
    rows: usize,
    visible: usize,
    hidden: usize,
    seed: u64,
    log_z: LogZ,
    mean_log_likelihood: f64,
    std_dev_of_rows: f64,
}

fn evaluate(args: &EvaluateArgs) -> Result<(), CliError> {
    let model = machine::Model::load(&args.model)?;
    let data = args.load()?;
    if data.columns != model.visible() {
        return Err(CliError::option(
            "--data",
            format!("{} with {} columns", data.name, data.columns),
            format!(
                "rows of {} columns, as {} has visible units",
                model.visible(),
                args.model.display()
            ),
        ));
    }
    let widest = model.visible().max(model.hidden());
    check_size("--ais-runs", args.estimate.ais_runs, widest, MAX_BLOCK)?;
    if let Some(scores) = &args.scores {
        check_writable(scores)?;
    }
    start_threads(args.show.threads)?;
    let (log_z, scores) = model.evaluate(
        &data,
        &args.estimate,
        args.seed,
        Style::detect(args.show.quiet),
    )?;
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let variance = scores.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / n;
    if let Some(path) = &args.scores {
        let mut text = "row,log_likelihood\n".to_owned();
        for (row, score) in scores.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{row},{score}");
        }
        write_atomically(path, text.as_bytes())?;
    }
    let evaluated = Evaluated {
        model: &args.model,
        data: &data.name,
        rows: data.rows,
        visible: model.visible(),
        hidden: model.hidden(),
        seed: args.seed,
        log_z,
        mean_log_likelihood: mean,
        std_dev_of_rows: variance.sqrt(),
    };
    if args.show.json {
        return print(&to_json(&evaluated)?);
    }
    let z = &evaluated.log_z;
    print(&format!(
        "model                {} visible x {} hidden\nrows                 {} of {}\nlog Z                \
         {:.4} ± {:.4} [{:.4}, {:.4}] at {} % ({})\nmean log-likelihood  {:.4} nats per row, standard \
         deviation of rows {:.4}\n",
        evaluated.visible,
        evaluated.hidden,
        evaluated.rows,
        evaluated.data,
        z.estimate,
        z.std_err,
        z.lower,
        z.upper,
        100.0 * z.confidence,
        z.method,
        evaluated.mean_log_likelihood,
        evaluated.std_dev_of_rows,
    ))
}
