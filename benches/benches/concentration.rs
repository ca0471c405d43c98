//! Concentration: exact tails, large deviations, types, confidence sequences, rare events.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ergodic_benches::{Case, close};
use ergodic_concentration::confidence_sequence::{
    ApproximateGrapa, BetaBinomialMixture, Betting, ConfidenceSequence, NormalMixture,
    PredictableMixture, Stitched,
};
use ergodic_concentration::inequality::{Bounded, SubGamma, SubGaussian};
use ergodic_concentration::rare::{AdaptiveSplitting, ExponentialTilting, SplittingProcess};
use ergodic_concentration::{CountingLaw, LatticeLaw, LatticeSum, Tail, TypeLaw, large_deviation};
use ergodic_core::Randomness;
use ergodic_info::Probabilities;
use ergodic_math::rng;

/// Tosses and heads, with `log P(at least so many)` to 40 digits, from whole numbers.
const TAILS: [(u64, u64, f64); 2] = [
    (1_000, 600, -22.715_259_239_806_747),
    (100_000, 52_000, -83.4437618795551),
];

fn coin() -> LatticeLaw {
    LatticeLaw::bernoulli(0.5).expect("a law")
}

fn tails(criterion: &mut Criterion) {
    for (n, k, exact) in TAILS {
        let arguments = [n.to_string(), k.to_string(), format!("{exact:?}")];
        let arguments = arguments.each_ref().map(String::as_str);
        let name = format!("concentration/lattice-tail/{n}");
        Case::seconds(&name, 1.0)
            .long()
            .peer_script("NumPy", "concentration_numpy.py", &arguments)
            .run(
                criterion,
                coin,
                |law| {
                    let sum = LatticeSum::new(law.clone(), n).map_err(|e| e.to_string())?;
                    let found = sum.at_least(k as f64).map_err(|e| e.to_string())?;
                    close("log P", found.log_probability, exact, 1e-11)
                },
                |law| {
                    let sum = LatticeSum::new(law.clone(), n).expect("it was checked");
                    std::hint::black_box(sum.at_least(k as f64)).expect("it was checked");
                },
            );
        let name = format!("concentration/binomial-tail/{n}");
        Case::seconds(&name, 1.0)
            .long()
            .peer_script("SciPy", "concentration_scipy.py", &arguments)
            .run(
                criterion,
                || CountingLaw::binomial(n, 0.5).expect("a law"),
                |law| close("log P", law.log_at_least(k), exact, 1e-13),
                |law| {
                    std::hint::black_box(law.log_at_least(std::hint::black_box(k)));
                },
            );
    }
}

fn large_deviations(criterion: &mut Criterion) {
    Case::seconds("concentration/large-deviation/die-400", 1.0)
        .long()
        .run(
            criterion,
            || LatticeLaw::die(6).expect("a law"),
            |die| {
                let found =
                    large_deviation(die, 400, 4.5, Tail::AtLeast).map_err(|e| e.to_string())?;
                close("the rate", found.rate, 0.178_178_371_074_225_91, 1e-13)?;
                let exact = 4.706_473_444_287_079_5e-33f64.ln();
                let saddle = found.log_lugannani_rice.unwrap_or(f64::NAN);
                close("e^(saddlepoint − log P)", (saddle - exact).exp(), 1.0, 1e-4)?;
                let first = found.log_bahadur_rao.unwrap_or(f64::NAN);
                close("e^(Bahadur–Rao − log P)", (first - exact).exp(), 1.0, 0.1)
            },
            |die| {
                let found = large_deviation(die, 400, 4.5, Tail::AtLeast);
                std::hint::black_box(found).expect("it was checked");
            },
        );
}

fn types(criterion: &mut Criterion) {
    // 100 draws on four outcomes: C(103, 3) types.
    let event = |c: &[u64]| c[3] >= c[0] + 40;
    Case::rate("concentration/types/100-of-4", "types/s", 176_851.0)
        .long()
        .run(
            criterion,
            || TypeLaw::new(&Probabilities::new([0.4, 0.3, 0.2, 0.1]).expect("a law")),
            |law| {
                let found = law
                    .log_probability_of_event(100, event)
                    .map_err(|e| e.to_string())?;
                let score = LatticeLaw::new(-1.0, 1.0, &[0.4, 0.5, 0.1]).expect("a law");
                let exact = LatticeSum::new(score, 100)
                    .and_then(|sum| sum.at_least(40.0))
                    .map_err(|e| e.to_string())?;
                close("log P", found, exact.log_probability, 1e-12)
            },
            |law| {
                let found = law.log_probability_of_event(100, event);
                std::hint::black_box(found).expect("it was checked");
            },
        );
}

const OBSERVATIONS: usize = 1000;

/// Of mean 0.5 and standard deviation 0.1·√(1/3).
fn observations() -> Vec<f64> {
    let mut random = rng::stream(1, 0);
    (0..OBSERVATIONS)
        .map(|_| 0.4 + 0.2 * random.uniform())
        .collect()
}

/// Pushes all observations, with the interval after each or only at the end.
fn watch<S: ConfidenceSequence + Clone>(start: &S, x: &[f64], each: bool) -> S {
    let mut sequence = start.clone();
    for &x in x {
        sequence.push(x).expect("in the range");
        if each {
            std::hint::black_box(sequence.interval());
        }
    }
    std::hint::black_box(sequence.interval());
    sequence
}

fn sequence<S: ConfidenceSequence + Clone>(
    criterion: &mut Criterion,
    name: &str,
    start: &S,
    each: bool,
    widest: f64,
) {
    let id = format!("concentration/sequence/{name}");
    Case::rate(&id, "observations/s", OBSERVATIONS as f64)
        .long()
        .run(
            criterion,
            observations,
            |x| {
                let found = watch(start, x, each).interval().ok_or("empty")?;
                let width = found.upper - found.lower;
                if found.contains(0.5) && width < widest && width > 0.008 {
                    return Ok(());
                }
                Err(format!(
                    "{found:?}, which should hold 0.5 and be below {widest}"
                ))
            },
            |x| {
                std::hint::black_box(watch(start, x, each));
            },
        );
}

fn sequences(criterion: &mut Criterion) {
    let unit = Bounded::new(0.0, 1.0).expect("a range");
    let expect = "a confidence";
    let normal = NormalMixture::new(SubGaussian::bounded(unit), 0.95, 1000).expect(expect);
    sequence(criterion, "normal-mixture", &normal, true, 0.12);
    let beta = BetaBinomialMixture::new(unit, 0.95).expect(expect);
    sequence(criterion, "beta-binomial", &beta, true, 0.12);
    let mixture = PredictableMixture::new(unit, 0.95).expect(expect);
    sequence(criterion, "predictable-mixture", &mixture, true, 0.05);
    let gamma = SubGamma::new(0.25, 0.0).expect("a bound");
    let stitched = Stitched::new(gamma, 0.95, 100).expect(expect);
    sequence(criterion, "stitched", &stitched, true, 0.15);
    let grapa = ApproximateGrapa::new(unit, 0.95).expect(expect);
    sequence(
        criterion,
        "approximate-grapa-1000-cells",
        &grapa,
        true,
        0.03,
    );
    // Its interval costs passes over all observations: once at the end.
    let betting = Betting::new(unit, 0.95).expect(expect);
    sequence(criterion, "betting-interval-at-1000", &betting, false, 0.03);
}

/// A gambler who wins with probability 0.4, from 1 to ruin at 0.
struct Gambler;

impl SplittingProcess for Gambler {
    type State = i32;
    fn start<R: Randomness + ?Sized>(&self, _: &mut R) -> i32 {
        1
    }
    fn ended(&self, x: &i32) -> bool {
        *x == 0
    }
    fn step<R: Randomness + ?Sized>(&self, x: &mut i32, rng: &mut R) {
        *x += if rng.bernoulli(0.4) { 1 } else { -1 };
    }
    fn score(&self, x: &i32) -> f64 {
        f64::from(*x)
    }
}

/// Within five standard errors, which are below a tenth of it.
fn near(found: f64, std_err: f64, exact: f64) -> Result<(), String> {
    if (found - exact).abs() < 5.0 * std_err && std_err < 0.1 * exact {
        return Ok(());
    }
    Err(format!("{found} ± {std_err}, not {exact}"))
}

fn rare(criterion: &mut Criterion) {
    const RUNS: usize = 4000;
    Case::rate(
        "concentration/tilting/die-400",
        "draws/s",
        400.0 * RUNS as f64,
    )
    .long()
    .run(
        criterion,
        || LatticeLaw::die(6).expect("a law"),
        |die| {
            let settings = ExponentialTilting::new().runs(RUNS);
            let found = settings
                .estimate(die, 400, 4.5, Tail::AtLeast)
                .map_err(|e| e.to_string())?
                .probability();
            near(found.value, found.std_err, 4.706_473_444_287_079_5e-33)
        },
        |die| {
            let settings = ExponentialTilting::new().runs(RUNS);
            let found = settings.estimate(die, 400, 4.5, Tail::AtLeast);
            std::hint::black_box(found).expect("it was checked");
        },
    );
    Case::seconds("concentration/splitting/gambler-20-per-run", 64.0)
        .long()
        .run(
            criterion,
            || AdaptiveSplitting::new().runs(64),
            |settings| {
                let found = settings
                    .estimate(&Gambler, 20.0)
                    .map_err(|e| e.to_string())?;
                let exact = 0.5 / (1.5f64.powi(20) - 1.0);
                near(found.estimate.value, found.estimate.std_err, exact)
            },
            |settings| {
                let found = settings.estimate(&Gambler, 20.0);
                std::hint::black_box(found).expect("it was checked");
            },
        );
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_millis(1500));
    targets = tails, large_deviations, types, sequences, rare
}
criterion_main!(benches);
