//! How often do the intervals of the information estimators cover the truth, and how often does the
//! flag of dominating bias fire? Run by `cargo xtask coverage`, which keeps the page.
//!
//! `coverage PAGE [--quick] [--seeds N] [--only TEXT]`: `--quick` takes 40 seeds for 1,000; `--only` keeps the rows
//! whose estimator or law contains the text; `--only flag` gives the section on the flag alone.

mod flag;
mod laws;
mod table;

use std::fmt::Write as _;
use std::process::ExitCode;

use ergodic_info::continuous::{
    FrenzelPompe, KernelDensity, KozachenkoLeonenko, Ksg, KsgAlgorithm, KullbackLeiblerNeighbors,
    MixedNeighbors, WeightedNeighbors,
};
use ergodic_info::discrete::{
    ChaoShen, ChaoWangJost, DiscreteMutualInformation, Grassberger, Jackknife, MillerMadow,
    Minimax, Nsb, PlugIn, Shrinkage,
};
use ergodic_info::gaussian::{
    GaussianConditionalMutualInformation, GaussianEntropy, GaussianMutualInformation,
};
use ergodic_info::series::{Embedding, TransferEntropy};
use ergodic_info::{Counts, Estimator, Inference, IntervalSource};

use table::{Contestant, Table};

const HEAD: &str = "\
# Coverage

How often the 95 % intervals of `ergodic-info` cover the truth, over {seeds} seeds a row; how wide they are; and whether the
estimate says so where its bias dominates. Written by `cargo xtask coverage`; the laws and their true values are in
`benches/src/bin/coverage/laws.rs`.

* *coverage*: share of intervals with the truth in them, with its binomial standard error;
* *half width*, *bias*, *sd*: means over the seeds, in nats (bias: estimate minus truth; sd: of the estimates);
* *flagged*: share of estimates that say `Bias::Dominates`;
* *silent misses*: share of intervals that miss the truth and do not say so: what a user who heeds the flag is exposed to. Nominal: 5 %.

A row below 90 % is marked **below 90 %**, *says so* where at most 10 % of the intervals miss
without the flag, or *outside its domain* where the estimator's docs say that it is not for such a law.
";

fn own<D>(estimator: &dyn Estimator<D>) -> Contestant<'_, D> {
    Contestant {
        estimator,
        inference: Inference::new(),
        note: "",
        outside: false,
    }
}

/// The interval from 100 subsamples of a quarter.
fn subsampled<D>(estimator: &dyn Estimator<D>) -> Contestant<'_, D> {
    Contestant {
        estimator,
        inference: Inference::new().interval(IntervalSource::Subsamples {
            share: 0.25,
            number: 100,
        }),
        note: " (subsamples)",
        outside: false,
    }
}

/// A law that the docs of the estimator say it is not for.
fn outside<D>(estimator: &dyn Estimator<D>) -> Contestant<'_, D> {
    Contestant {
        outside: true,
        ..own(estimator)
    }
}

fn entropies_of_symbols(table: &mut Table) {
    table.section(
        "Entropy of symbols",
        "Where the alphabet is known the intervals hold the worst bias over all laws, hence they are wide.",
    );
    let rules: [&dyn Estimator<Counts>; 9] = [
        &PlugIn::new(),
        &MillerMadow::new(),
        &Grassberger::new(),
        &Jackknife::new(),
        &Minimax::new(),
        &ChaoShen::new(),
        &ChaoWangJost::new(),
        &Shrinkage::new(),
        &Nsb::new(),
    ];
    let all: Vec<Contestant<'_, Counts>> = rules.iter().map(|r| own(*r)).collect();
    for known in [true, false] {
        table.measure(&laws::uniform(16, known), 100, &all);
        table.measure(&laws::zipf(100, known), 1_000, &all);
        table.measure(&laws::zipf(10_000, known), 10_000, &all);
        table.measure(&laws::dirichlet(50, 1.0, known), 500, &all);
        table.measure(&laws::dirichlet(1_000, 0.1, known), 1_000, &all);
    }
    let some: Vec<Contestant<'_, Counts>> =
        [rules[2], rules[6]].into_iter().map(subsampled).collect();
    table.measure(&laws::zipf(100, true), 1_000, &some);
}

fn information_of_symbols(table: &mut Table) {
    table.section("Mutual information of symbols", "");
    let plug_in = DiscreteMutualInformation::new(PlugIn::new());
    let miller_madow = DiscreteMutualInformation::new(MillerMadow::new());
    let grassberger = DiscreteMutualInformation::new(Grassberger::new());
    let all = [own(&plug_in), own(&miller_madow), own(&grassberger)];
    table.measure(&laws::independent_pair(4), 400, &all);
    table.measure(&laws::dirichlet_pair(5, 1.0), 1_000, &all);
    table.measure(&laws::dirichlet_pair(20, 1.0), 1_000, &all);
}

fn entropies_of_points(table: &mut Table) {
    table.section("Differential entropy", "");
    let gaussian = GaussianEntropy;
    let (nearest, weighted) = (KozachenkoLeonenko::new(), WeightedNeighbors::new(10));
    let kernel = KernelDensity::new();
    let all = [
        own(&gaussian),
        own(&nearest),
        subsampled(&nearest),
        own(&weighted),
        own(&kernel),
    ];
    table.measure(&laws::normal(1), 200, &all);
    let rough = [
        own(&nearest),
        subsampled(&nearest),
        outside(&weighted),
        outside(&kernel),
    ];
    let three = [&all[..4], &rough[3..]].concat();
    table.measure(&laws::normal(3), 500, &three);
    // No normal law: the rule for one does not apply.
    table.measure(&laws::student(1, 3.0), 500, &all[1..]);
    table.measure(&laws::student(1, 5.0), 500, &all[1..]);
    table.measure(&laws::student(3, 3.0), 500, &rough);
    for dim in [1, 2, 3] {
        table.measure(&laws::uniform_cube(dim), 500, &rough);
        table.measure(&laws::exponential(dim), 500, &rough);
    }
    let wide = WeightedNeighbors::new(20);
    let many = [own(&nearest), own(&wide)];
    table.measure(&laws::normal(4), 2_000, &many);
    let beyond = [outside(&nearest), outside(&wide)];
    table.measure(&laws::normal(5), 2_000, &beyond);
}

fn information_of_points(table: &mut Table) {
    table.section("Mutual information of points", "");
    let gaussian = GaussianMutualInformation;
    let (one, two) = (Ksg::new(), Ksg::new().algorithm(KsgAlgorithm::Two));
    let mixed = MixedNeighbors::new();
    let all = [
        own(&gaussian),
        own(&one),
        subsampled(&one),
        own(&two),
        own(&mixed),
    ];
    for (dim, rho, n) in [
        (1, 0.0, 500),
        (1, 0.6, 500),
        (1, 0.9, 1_000),
        (2, 0.6, 500),
        (3, 0.9, 1_000),
        (5, 0.0, 500),
        (5, 0.9, 1_000),
    ] {
        table.measure(&laws::normal_pair(dim, rho), n, &all);
    }
    table.measure(&laws::student_pair(3.0, 0.6), 500, &all[1..]);
    table.section("Mutual information of mixed data", "");
    let all = [own(&mixed), subsampled(&mixed)];
    table.measure(&laws::mixed_pair(5), 500, &all);
    table.measure(&laws::zero_inflated(0.15), 500, &all);
}

fn conditional_and_divergence(table: &mut Table) {
    table.section("Conditional mutual information", "");
    let gaussian = GaussianConditionalMutualInformation;
    let nearest = FrenzelPompe::new();
    for rho in [0.0, 0.6] {
        let law = laws::conditional_normals(rho);
        table.measure(
            &law,
            500,
            &[own(&gaussian), own(&nearest), subsampled(&nearest)],
        );
    }
    table.section("Transfer entropy", "Intervals rest on blocks.");
    let normal = TransferEntropy::new(gaussian, Embedding::new());
    let nearest = TransferEntropy::new(nearest, Embedding::new());
    for n in [500, 2_000] {
        table.measure(&laws::driven(), n, &[own(&normal), own(&nearest)]);
    }
    table.section("Divergence", "");
    let nearest = KullbackLeiblerNeighbors::new();
    let all = [own(&nearest), subsampled(&nearest)];
    table.measure(&laws::two_normals(), 500, &all);
}

fn run() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let (mut page, mut seeds, mut only) = (None, 1_000, String::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => seeds = 40,
            "--seeds" => {
                let number = arguments.next().ok_or("--seeds needs a number")?;
                seeds = number.parse().map_err(|e| format!("--seeds: {e}"))?;
            }
            "--only" => only = arguments.next().ok_or("--only needs a text")?,
            _ if page.is_none() => page = Some(argument),
            other => return Err(format!("unknown argument `{other}`")),
        }
    }
    let page = page.ok_or("usage: coverage PAGE [--quick] [--seeds N] [--only TEXT]")?;
    let mut table = Table {
        text: HEAD.replace("{seeds}", &seeds.to_string()),
        seeds,
        only,
        below: Vec::new(),
        rows: 0,
    };
    entropies_of_symbols(&mut table);
    information_of_symbols(&mut table);
    entropies_of_points(&mut table);
    information_of_points(&mut table);
    conditional_and_divergence(&mut table);
    if table.only.is_empty() || table.only == "flag" {
        flag::section(&mut table.text, seeds < 1_000);
    }
    let _ = writeln!(table.text, "\n## Summary\n");
    if table.below.is_empty() {
        let _ = writeln!(
            table.text,
            "Of {} rows none is below 90 % without saying so.",
            table.rows
        );
    } else {
        let _ = writeln!(
            table.text,
            "Of {} rows {} are below 90 % without saying so:\n",
            table.rows,
            table.below.len()
        );
        for row in &table.below {
            let _ = writeln!(table.text, "* {row}");
        }
    }
    std::fs::write(&page, &table.text).map_err(|e| format!("{page}: {e}"))?;
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
