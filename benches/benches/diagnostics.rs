//! Diagnostics: the whole table of a long run, and online accumulators.

use criterion::{Criterion, criterion_group, criterion_main};
use ergodic_benches::{Case, close};
use ergodic_core::Draws;
use ergodic_diagnostics::{OnlineDiagnostics, summary};
use ergodic_math::rng;

const CHAINS: usize = 4;
const DRAWS: usize = 100_000;
const PARAMETERS: usize = 50;
const PHI: f64 = 0.5;

/// Stationary autoregressions `x ← φ x + √(1 − φ²) z`.
fn autoregressions() -> Draws {
    let mut values = vec![0.0; CHAINS * DRAWS * PARAMETERS];
    rng::fill_normal(&mut rng::stream(1, 0), &mut values);
    let scale = (1.0 - PHI * PHI).sqrt();
    for chain in values.chunks_exact_mut(DRAWS * PARAMETERS) {
        for i in PARAMETERS..chain.len() {
            chain[i] = PHI * chain[i - PARAMETERS] + scale * chain[i];
        }
    }
    Draws::new(Draws::default_names(PARAMETERS), CHAINS, DRAWS, values).expect("a shape")
}

/// Six standard deviations of an estimated effective sample size are about 15 % here.
fn check(what: &str, ess: f64) -> Result<(), String> {
    let exact = (CHAINS * DRAWS) as f64 * (1.0 - PHI) / (1.0 + PHI);
    close(what, ess, exact, 0.15)
}

fn table(criterion: &mut Criterion) {
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    Case::seconds("diagnostics/summary_4x100000x50", 1.0)
        .long()
        .peer_script("ArviZ", "diagnostics_arviz.py", &[])
        .run(
            criterion,
            autoregressions,
            |draws| {
                let table = one.install(|| summary(draws)).map_err(|e| e.to_string())?;
                for row in &table.rows {
                    let mixing = row.mixing.ok_or("a constant")?;
                    check("the bulk ESS", mixing.ess_bulk)?;
                    check("the ESS of the mean", mixing.ess_mean)?;
                    if mixing.rhat >= 1.001 {
                        return Err(format!("R-hat of stationary chains is {}", mixing.rhat));
                    }
                }
                Ok(())
            },
            |draws| {
                one.install(|| std::hint::black_box(summary(draws)).expect("it was checked"));
            },
        );
}

fn online(criterion: &mut Criterion) {
    let work = (CHAINS * DRAWS * PARAMETERS) as f64;
    let run = |draws: &Draws| {
        let mut all = OnlineDiagnostics::default();
        for chain in 0..CHAINS {
            let mut one = OnlineDiagnostics::one_chain(PARAMETERS)?;
            for draw in draws.chain(chain).chunks_exact(PARAMETERS) {
                one.push(draw)?;
            }
            all.merge(one)?;
        }
        all.rows()
    };
    Case::rate("diagnostics/online", "values/s", work)
        .long()
        .run(
            criterion,
            autoregressions,
            |draws| {
                // Fewer than 800 batches tell less than all lags: 6·√(2/760).
                let exact = (CHAINS * DRAWS) as f64 * (1.0 - PHI) / (1.0 + PHI);
                for row in run(draws).map_err(|e| e.to_string())? {
                    close("the online ESS", row.ess_mean.unwrap_or(0.0), exact, 0.35)?;
                }
                Ok(())
            },
            |draws| {
                std::hint::black_box(run(draws)).expect("it was checked");
            },
        );
}

criterion_group!(benches, table, online);
criterion_main!(benches);
