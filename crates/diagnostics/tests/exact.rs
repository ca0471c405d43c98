//! Diagnostics where the truth is known: exact sizes, bounds, invariances, bad input.

use ergodic_core::{Draws, StepStats};
use ergodic_diagnostics::{
    DiagnosticsError, Reason, RunSummary, Thresholds, ebfmi, ess_bulk, ess_mean, ess_quantile,
    ess_sd, ess_tail, integrated_autocorrelation_time, mcse_mean, mcse_quantile, mcse_sd, rhat,
    rhat_bulk, rhat_folded, rhat_split, rhat_unsplit, summary, thin, thinning, trace_summary,
};
use ergodic_math::rng;

/// Stationary chains of `x ← φ x + √(1 − φ²) z`.
fn ar1(phi: f64, chains: usize, draws: usize, seed: u64) -> Vec<Vec<f64>> {
    let s = (1.0 - phi * phi).sqrt();
    (0..chains)
        .map(|c| {
            let mut x = vec![0.0; draws];
            rng::fill_normal(&mut rng::stream(seed, c as u64), &mut x);
            for i in 1..draws {
                x[i] = phi * x[i - 1] + s * x[i];
            }
            x
        })
        .collect()
}

fn draws_of(chains: &[Vec<f64>], name: &str) -> Draws {
    Draws::new(
        vec![name.into()],
        chains.len(),
        chains[0].len(),
        chains.concat(),
    )
    .unwrap()
}

/// The relative standard deviation of an effective sample size from a truncated sum of `m`
/// autocorrelations over `n` draws is about `√(2(2m + 1)/n)` (Priestley, *Spectral Analysis and Time
/// Series*, 1981, §6.2.4: a rectangular lag window). Geyer's rule stops where the sum of a pair of
/// autocorrelations meets its noise, here within ten autocorrelation times for every chain. Six
/// standard deviations: error probability below 2·10⁻⁹ for each comparison.
fn allowed(tau: f64, n: f64) -> f64 {
    6.0 * (2.0 * (2.0 * 10.0 * tau.max(1.0) + 1.0) / n).sqrt()
}

#[test]
fn ess_of_the_mean_of_an_autoregression_is_n_one_minus_phi_over_one_plus_phi() {
    for phi in [-0.5, 0.0, 0.5, 0.9, 0.98] {
        let (c, n) = (4, 100_000);
        let x = ar1(phi, c, n, 17);
        let total = (c * n) as f64;
        let tau = (1.0 + phi) / (1.0 - phi);
        let (exact, tolerance) = (total / tau, allowed(tau, total));
        for (what, found) in [
            ("mean", ess_mean(&x).unwrap()),
            // A normal law's normal scores are itself, but for its mean and scale.
            ("bulk", ess_bulk(&x).unwrap()),
            ("time", total / integrated_autocorrelation_time(&x).unwrap()),
        ] {
            assert!(
                (found / exact - 1.0).abs() < tolerance,
                "φ = {phi}, {what}: {found}, not {exact} within {tolerance:.3}"
            );
        }
        // (x − x̄)² has the autocorrelation φ²ᵏ.
        let tau = (1.0 + phi * phi) / (1.0 - phi * phi);
        let (found, exact) = (ess_sd(&x).unwrap(), total / tau);
        let tolerance = allowed(tau, total);
        assert!(
            (found / exact - 1.0).abs() < tolerance,
            "φ = {phi}, sd: {found}, not {exact}"
        );
        // √(τ/N), with the sample's own standard deviation beside.
        let error = mcse_mean(&x).unwrap() * ess_mean(&x).unwrap().sqrt();
        assert!((error - 1.0).abs() < 0.1, "φ = {phi}: {error}");
        assert!(rhat(&x).unwrap() < 1.01);
    }
}

#[test]
fn standard_errors_cover_the_truth() {
    // 200 runs; each |error|/mcse is about standard normal, so its mean square is 1 with standard
    // deviation √(2/200) = 0.1, apart from the 10 % or so that an estimated error brings in. Six
    // standard deviations to each side.
    let (mut mean, mut sd, mut median) = (0.0, 0.0, 0.0);
    let runs = 200;
    for run in 0..runs {
        let x = ar1(0.6, 4, 2000, 1000 + run);
        let all = x.concat();
        let n = all.len() as f64;
        let average = all.iter().sum::<f64>() / n;
        let variance = all.iter().map(|v| (v - average).powi(2)).sum::<f64>() / (n - 1.0);
        let mut sorted = all.clone();
        sorted.sort_by(f64::total_cmp);
        mean += (average / mcse_mean(&x).unwrap()).powi(2) / runs as f64;
        sd += ((variance.sqrt() - 1.0) / mcse_sd(&x).unwrap()).powi(2) / runs as f64;
        median +=
            (sorted[sorted.len() / 2] / mcse_quantile(&x, 0.5).unwrap()).powi(2) / runs as f64;
    }
    for (what, ratio) in [("mean", mean), ("sd", sd), ("median", median)] {
        assert!(
            (0.3..1.9).contains(&ratio),
            "{what}: mean square of errors/mcse is {ratio}"
        );
    }
}

#[test]
fn antithetic_chains_have_more_effective_draws_than_draws_within_the_bound() {
    let x = ar1(-0.9, 4, 5000, 3);
    let (n, ess) = (20_000.0f64, ess_mean(&x).unwrap());
    assert!(ess > 2.0 * n, "{ess}");
    assert!(ess <= n * n.log10() * (1.0 + 1e-12), "{ess}");
    // The bound is reached by perfect turns.
    let turns: Vec<f64> = (0..1000).map(|i| f64::from(i % 2)).collect();
    assert!((ess_mean(&[turns]).unwrap() - 3000.0).abs() < 1e-9);
}

#[test]
fn rank_diagnostics_do_not_change_under_monotone_maps() {
    let x = ar1(0.7, 3, 501, 9);
    let map = |f: fn(f64) -> f64| -> Vec<Vec<f64>> {
        x.iter()
            .map(|c| c.iter().map(|&v| f(v)).collect())
            .collect()
    };
    let (bulk, tail, r) = (
        ess_bulk(&x).unwrap(),
        ess_tail(&x).unwrap(),
        rhat_bulk(&x).unwrap(),
    );
    for y in [
        map(|v| 1e200 * v),
        map(|v| 1e-200 * v),
        map(|v| (3.0 * v).exp()),
        map(|v| v * v * v),
    ] {
        assert_eq!(ess_bulk(&y), Ok(bulk));
        assert_eq!(ess_tail(&y), Ok(tail));
        assert_eq!(rhat_bulk(&y), Ok(r));
    }
    // And those of values under affine maps.
    let scaled = map(|v| 1e150 * v);
    let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
    assert!(close(ess_mean(&scaled).unwrap(), ess_mean(&x).unwrap()));
    assert!(close(ess_sd(&scaled).unwrap(), ess_sd(&x).unwrap()));
    assert!(close(rhat_split(&scaled).unwrap(), rhat_split(&x).unwrap()));
    assert!(close(
        mcse_sd(&scaled).unwrap(),
        1e150 * mcse_sd(&x).unwrap()
    ));
    let shifted = map(|v| 1e6 + v);
    assert!(close(ess_mean(&shifted).unwrap(), ess_mean(&x).unwrap()));
    assert!(close(ess_sd(&shifted).unwrap(), ess_sd(&x).unwrap()));
}

#[test]
fn rhat_sees_what_it_is_there_to_see() {
    let good = ar1(0.3, 4, 1000, 5);
    let change = |f: &dyn Fn(usize, usize, f64) -> f64| -> Vec<Vec<f64>> {
        good.iter()
            .enumerate()
            .map(|(c, chain)| chain.iter().enumerate().map(|(i, &v)| f(c, i, v)).collect())
            .collect()
    };
    assert!(rhat(&good).unwrap() < 1.01);
    let shifted = change(&|c, _, v| v + if c == 2 { 1.0 } else { 0.0 });
    let wide = change(&|c, _, v| v * if c == 1 { 3.0 } else { 1.0 });
    // The same drift in every chain: only halves can tell.
    let drifting = change(&|_, i, v| v + if i >= 500 { 1.0 } else { 0.0 });
    assert!(rhat_bulk(&shifted).unwrap() > 1.05);
    assert!(rhat_bulk(&wide).unwrap() < 1.01 && rhat_folded(&wide).unwrap() > 1.05);
    assert!(rhat_unsplit(&drifting).unwrap() < 1.01 && rhat_split(&drifting).unwrap() > 1.05);
    for bad in [shifted, wide, drifting] {
        assert!(rhat(&bad).unwrap() > 1.05);
    }
}

#[test]
fn chains_that_never_moved_are_told_from_chains_stuck_apart() {
    let constant = vec![vec![0.1; 50]; 3];
    assert_eq!(rhat(&constant), Err(DiagnosticsError::Constant));
    assert_eq!(rhat_split(&constant), Err(DiagnosticsError::Constant));
    assert_eq!(ess_bulk(&constant), Err(DiagnosticsError::Constant));
    assert_eq!(ess_tail(&constant), Err(DiagnosticsError::Constant));
    assert_eq!(mcse_mean(&constant), Err(DiagnosticsError::Constant));
    // Each at a place of its own: no agreement at all, and next to nothing known.
    let stuck = vec![vec![0.1; 50], vec![0.2; 50], vec![0.3; 50]];
    assert_eq!(rhat(&stuck), Ok(f64::INFINITY));
    assert_eq!(rhat_split(&stuck), Ok(f64::INFINITY));
    assert!(ess_bulk(&stuck).unwrap() < 10.0);
    // Only the middle draw of an odd number differs: it belongs to no half.
    let mut odd = vec![0.0; 9];
    odd[4] = 1.0;
    assert_eq!(rhat(&[odd.clone()]), Ok(1.0));
    assert_eq!(ess_bulk(&[odd]), Err(DiagnosticsError::Constant));
    // Two values, as often each: the squares about the mean are constant.
    let coin: Vec<f64> = (0..64)
        .map(|i| f64::from(i / 3 % 2))
        .chain([0.0, 0.0])
        .collect();
    assert_eq!(coin.iter().sum::<f64>(), 31.0);
    assert!(ess_mean(&[coin]).unwrap().is_finite());
    let fair: Vec<f64> = (0..64).map(|i| f64::from(i % 2)).collect();
    assert_eq!(
        ess_sd(std::slice::from_ref(&fair)),
        Err(DiagnosticsError::Constant)
    );
    assert_eq!(mcse_sd(&[fair]), Err(DiagnosticsError::Constant));
}

#[test]
fn quantiles_of_discrete_draws_count_ties_whole() {
    // 99 % ones: every draw is at most the 95 % quantile, which is 1.
    let x: Vec<f64> = (0..1000).map(|i| f64::from(i % 100 != 0)).collect();
    assert_eq!(ess_quantile(&[&x[..]], 0.95), Ok(1000.0));
    assert_eq!(mcse_quantile(&[&x[..]], 0.5), Ok(0.0));
}

#[test]
fn bad_chains_are_typed_errors_in_every_function() {
    type Function = fn(&[Vec<f64>]) -> Result<f64, DiagnosticsError>;
    let functions: [Function; 12] = [
        rhat,
        rhat_bulk,
        rhat_folded,
        rhat_split,
        rhat_unsplit,
        ess_bulk,
        ess_tail,
        ess_mean,
        ess_sd,
        mcse_mean,
        mcse_sd,
        integrated_autocorrelation_time,
    ];
    for f in functions {
        assert_eq!(f(&[]), Err(DiagnosticsError::Empty));
        assert_eq!(
            f(&[vec![1.0, 2.0, 3.0]]),
            Err(DiagnosticsError::Short {
                found: 3,
                needed: 4
            })
        );
        assert_eq!(
            f(&[vec![1.0; 5], vec![1.0; 6]]),
            Err(DiagnosticsError::Unequal {
                chain: 1,
                found: 6,
                expected: 5
            })
        );
        for value in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let error = f(&[vec![1.0, 2.0, 3.0, 4.0], vec![1.0, 2.0, value, 0.0]]).unwrap_err();
            assert!(
                matches!(
                    error,
                    DiagnosticsError::NonFinite {
                        chain: 1,
                        draw: 2,
                        ..
                    }
                ),
                "{error}"
            );
        }
        // The shortest that are allowed, and the largest numbers there are.
        for x in [
            vec![1.0, 2.0, 3.0, 5.0],
            vec![1.0, 2.0, 3.0, 5.0, 4.0],
            vec![
                f64::MAX,
                -f64::MAX,
                f64::MAX,
                -f64::MAX,
                0.0,
                1.0,
                f64::MAX,
                -3.0,
            ],
            vec![5e-324, 0.0, 5e-324, 0.0, 0.0, 5e-324, 0.0, 0.0],
        ] {
            if let Ok(found) = f(std::slice::from_ref(&x)) {
                assert!(!found.is_nan(), "NaN of {x:?}");
            }
        }
    }
    for p in [0.0, 1.0, -0.1, f64::NAN] {
        assert!(ess_quantile(&[[1.0, 2.0, 3.0, 4.0]], p).is_err());
        assert!(mcse_quantile(&[[1.0, 2.0, 3.0, 4.0]], p).is_err());
    }
}

#[test]
fn the_table_is_its_functions_for_any_number_of_threads() {
    for draws in [500, 501] {
        let columns: Vec<Vec<Vec<f64>>> = (0..19)
            .map(|p| match p {
                3 => vec![vec![2.5; draws]; 3],
                7 => ar1(0.5, 3, draws, p)
                    .into_iter()
                    .map(|c| c.into_iter().map(f64::round).collect())
                    .collect(),
                _ => ar1(0.05 * p as f64, 3, draws, p),
            })
            .collect();
        let mut values = Vec::new();
        for c in 0..3 {
            for i in 0..draws {
                values.extend(columns.iter().map(|column| column[c][i]));
            }
        }
        let all = Draws::new(Draws::default_names(19), 3, draws, values).unwrap();
        let tables: Vec<_> = [1, 2, 5]
            .map(|threads| {
                rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap()
                    .install(|| summary(&all).unwrap())
            })
            .into();
        assert_eq!(tables[0], tables[1]);
        assert_eq!(tables[0], tables[2]);
        for (row, x) in tables[0].rows.iter().zip(&columns) {
            let flat = x.concat();
            let mean = flat.iter().sum::<f64>() / flat.len() as f64;
            assert!((row.mean - mean).abs() < 1e-13);
            let Some(mixing) = row.mixing else {
                assert_eq!((row.name.as_str(), row.sd, row.q05), ("x[3]", 0.0, 2.5));
                continue;
            };
            assert_eq!(mixing.rhat, rhat(x).unwrap());
            assert_eq!(mixing.ess_bulk, ess_bulk(x).unwrap());
            assert_eq!(mixing.ess_tail, ess_tail(x).unwrap());
            let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-11;
            assert!(close(mixing.ess_mean, ess_mean(x).unwrap()));
            assert!(close(mixing.mcse_mean, mcse_mean(x).unwrap()));
            let below = flat.iter().filter(|v| **v <= row.q95).count() as f64;
            assert!(below >= 0.95 * (flat.len() - 1) as f64);
        }
        let failures = tables[0].failures(&Thresholds::new(1.01, 1e9).unwrap());
        assert_eq!(
            failures
                .iter()
                .filter(|f| f.reason == Reason::Constant)
                .count(),
            1
        );
        assert!(failures.len() >= 37);
        let text = tables[0].to_string();
        assert_eq!(text.lines().count(), 20);
        let width = text.lines().next().unwrap().chars().count();
        assert!(text.lines().all(|l| l.chars().count() == width), "{text}");
    }
}

#[test]
fn the_table_names_the_parameter_that_is_not_finite() {
    let mut values = vec![0.5; 2 * 10 * 3];
    values[30 + 3 * 4 + 1] = f64::NAN;
    let names = vec!["a".into(), "b".into(), "c".into()];
    let error = summary(&Draws::new(names, 2, 10, values).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "chain 1, draw 4: b is NaN, but must be finite"
    );
    let short = Draws::new(vec!["a".into()], 1, 3, vec![1.0, 2.0, 3.0]).unwrap();
    assert!(
        summary(&short)
            .unwrap_err()
            .to_string()
            .contains("at least 4")
    );
}

#[test]
fn ebfmi_is_two_for_independent_energies_and_small_for_slow_ones() {
    // E(ΔE)² = 2 Var(1 − ρ₁). Relative standard deviations of some 1 %: far inside.
    for (phi, exact) in [(0.0, 2.0), (0.9, 0.2)] {
        let energies = &ar1(phi, 1, 50_000, 8)[0];
        let found = ebfmi(energies).unwrap();
        assert!((found / exact - 1.0).abs() < 0.15, "{found}");
    }
    assert_eq!(ebfmi(&[3.0; 9]), Err(DiagnosticsError::Constant));
    assert!(ebfmi(&[1.0, 2.0, f64::NAN, 1.0]).is_err());
}

#[test]
fn a_run_counts_what_its_steps_report() {
    let chain = |slow: bool| -> Vec<StepStats> {
        ar1(if slow { 0.95 } else { 0.0 }, 1, 1000, 4)[0]
            .iter()
            .enumerate()
            .map(|(i, &e)| StepStats {
                acceptance: (i % 2 == 0).then_some(0.6),
                divergent: i % 100 == 0,
                energy: Some(e),
                fresh_momentum: true,
                depth: Some(i as u32 % 5),
                gradients: 3,
                energies: 1,
                ..StepStats::default()
            })
            .collect()
    };
    let run = RunSummary::of_chains(&[chain(false), chain(true)]).unwrap();
    assert_eq!((run.steps, run.divergences), (2000, 20));
    assert_eq!(
        (run.gradients, run.energies, run.largest_depth),
        (6000, 2000, Some(4))
    );
    assert!((run.acceptance.unwrap() - 0.6).abs() < 1e-12);
    assert!(run.ebfmi[0].unwrap() > 1.0 && run.smallest_ebfmi().unwrap() < 0.3);
    // One step without a fresh momentum: its energy belongs to no such series.
    let mut mixed = chain(false);
    mixed[7].fresh_momentum = false;
    let mixed = RunSummary::of_chains(&[mixed, chain(false)]).unwrap();
    assert_eq!(mixed.ebfmi[0], None);
    assert!(mixed.mean_energy[0].is_some() && mixed.ebfmi[1].is_some());
    let silent = RunSummary::of_chains(&[vec![StepStats::default(); 10]]).unwrap();
    assert_eq!(
        (silent.smallest_ebfmi(), silent.mean_energy[0]),
        (None, None)
    );
    assert!(RunSummary::of_chains::<Vec<StepStats>>(&[]).is_err());
}

#[test]
fn thinning_leaves_about_one_effective_draw_a_draw() {
    let slow = ar1(0.9, 4, 10_000, 6);
    let plan = thinning(&draws_of(&slow, "slow")).unwrap();
    assert!((17..22).contains(&plan.every), "{plan:?}"); // 19
    assert!((0.7..1.2).contains(&plan.ess_per_kept_draw), "{plan:?}");
    let thinned = thin(&draws_of(&slow, "slow"), plan.every).unwrap();
    assert_eq!(thinned.num_draws(), plan.kept);
    assert_eq!(thinned.draw(1, 2), &[slow[1][2 * plan.every]]);
    let fast = thinning(&draws_of(&ar1(-0.5, 2, 1000, 6), "fast")).unwrap();
    assert_eq!(fast.every, 1);
    assert!(thin(&thinned, 0).is_err());
    assert!(thinning(&draws_of(&[vec![1.0; 20]], "still")).is_err());
}

#[test]
fn a_trace_summary_tells_a_chain_that_stands_still() {
    let mut x = ar1(0.0, 2, 100, 2);
    let stuck = x[1][10];
    x[1][10..60].fill(stuck);
    let summary = trace_summary(&x).unwrap();
    assert_eq!(
        (summary[0].longest_stall, summary[1].longest_stall),
        (1, 50)
    );
    assert_eq!((summary[0].moved, summary[1].moved), (1.0, 50.0 / 99.0));
    let still = trace_summary(&[[0.1; 10]]).unwrap()[0].clone();
    assert_eq!((still.mean, still.sd, still.ess_mean), (0.1, 0.0, None));
}
