//! The online accumulators against the exact autoregression and against the table.

use ergodic_core::Draws;
use ergodic_diagnostics::{DiagnosticsError, OnlineDiagnostics, OnlineRow, rhat_split, summary};
use ergodic_math::rng;

/// Chains of two parameters: an autoregression, and the same from a place of its own.
fn chain(phi: f64, draws: usize, seed: u64, stream: u64, shift: f64) -> Vec<[f64; 2]> {
    let mut random = rng::stream(seed, stream);
    let s = (1.0 - phi * phi).sqrt();
    let mut x = rng::normal(&mut random);
    (0..draws)
        .map(|_| {
            x = phi * x + s * rng::normal(&mut random);
            [x, x + shift]
        })
        .collect()
}

fn online(chains: &[Vec<[f64; 2]>]) -> OnlineDiagnostics {
    let mut all = OnlineDiagnostics::default();
    for chain in chains {
        let mut one = OnlineDiagnostics::one_chain(2).unwrap();
        for draw in chain {
            one.push(draw).unwrap();
        }
        all.merge(one).unwrap();
    }
    all
}

fn rows(chains: &[Vec<[f64; 2]>]) -> Vec<OnlineRow> {
    online(chains).rows().unwrap()
}

#[test]
fn online_ess_is_that_of_the_autoregression() {
    // Four chains of some 190 batches: relative standard deviation √(2/760) = 5 %, over 10 seeds
    // 1.6 %. Six of them, and the bias −τ/b of the batch means (2 % at φ = 0.9: b = 512, τ = 19 less
    // 1). Error probability below 2·10⁻⁹ each.
    for phi in [-0.5, 0.0, 0.5, 0.9] {
        let tau = (1.0 + phi) / (1.0 - phi);
        let mut mean = 0.0;
        for seed in 0..10 {
            let chains: Vec<_> = (0..4).map(|c| chain(phi, 100_000, seed, c, 0.0)).collect();
            let row = rows(&chains)[0];
            assert_eq!((row.draws, row.batch_size), (400_000, 512));
            let ratio = row.ess_mean.unwrap() * tau / 4e5;
            assert!(
                (ratio - 1.0).abs() < 0.35,
                "φ = {phi}, seed {seed}: {ratio}"
            );
            mean += ratio / 10.0;
            assert!(row.rhat.unwrap() < 1.01);
            assert!((row.sd - 1.0).abs() < 0.1 && row.mean.abs() < 0.1);
        }
        assert!((mean - 1.0).abs() < 0.12, "φ = {phi}: {mean}");
    }
}

#[test]
fn online_rhat_is_that_of_kept_draws_where_halves_are_whole_batches() {
    // 2048 = 128 batches of 16: both halves are whole.
    let chains: Vec<_> = (0..4).map(|c| chain(0.9, 2048, 3, c, c as f64)).collect();
    for (parameter, row) in rows(&chains).iter().enumerate() {
        let kept: Vec<Vec<f64>> = chains
            .iter()
            .map(|c| c.iter().map(|d| d[parameter]).collect())
            .collect();
        let exact = rhat_split(&kept).unwrap();
        assert!(
            (row.rhat.unwrap() / exact - 1.0).abs() < 1e-12,
            "{row:?}, not {exact}"
        );
        let values = kept.concat();
        let draws = Draws::new(vec!["x".into()], 4, 2048, values).unwrap();
        let table = summary(&draws).unwrap();
        assert!((row.mean - table.rows[0].mean).abs() < 1e-13);
        assert!((row.sd - table.rows[0].sd).abs() < 1e-12);
    }
}

#[test]
fn chains_that_disagree_have_few_effective_draws() {
    let chains: Vec<_> = (0..4)
        .map(|c| chain(0.0, 10_000, 5, c, 3.0 * c as f64))
        .collect();
    let rows = rows(&chains);
    assert!(rows[0].rhat.unwrap() < 1.01 && rows[0].ess_mean.unwrap() > 2e4);
    assert!(rows[1].rhat.unwrap() > 2.0 && rows[1].ess_mean.unwrap() < 1000.0);
}

#[test]
fn memory_is_bounded_and_nothing_is_said_before_there_is_something_to_say() {
    let mut one = OnlineDiagnostics::one_chain(1).unwrap();
    assert!(one.rows().is_err());
    for i in 0..100_000u32 {
        one.push(&[f64::from(i % 7)]).unwrap();
        if i < 3 {
            let row = one.rows().unwrap()[0];
            assert_eq!((row.rhat, row.ess_mean), (None, None));
        }
    }
    // 256 batches of 24 bytes at most.
    let text = format!("{one:?}");
    assert!(text.matches("mean").count() <= 257);
    let mut still = OnlineDiagnostics::one_chain(1).unwrap();
    for _ in 0..1000 {
        still.push(&[0.1]).unwrap();
    }
    let row = still.rows().unwrap()[0];
    assert_eq!(
        (row.mean, row.sd, row.rhat, row.ess_mean),
        (0.1, 0.0, None, None)
    );
}

#[test]
fn bad_draws_are_refused_and_change_nothing() {
    assert!(OnlineDiagnostics::one_chain(0).is_err());
    assert_eq!(
        OnlineDiagnostics::default().push(&[1.0]),
        Err(DiagnosticsError::Empty)
    );
    let mut one = online(&[chain(0.5, 100, 1, 0, 0.0)]);
    let before = one.clone();
    assert!(one.push(&[1.0]).is_err());
    let error = one.push(&[1.0, f64::NAN]).unwrap_err();
    assert!(
        error.to_string().starts_with("chain 0, draw 100"),
        "{error}"
    );
    assert_eq!(one, before);
    assert!(one.merge(OnlineDiagnostics::one_chain(3).unwrap()).is_err());
}

#[cfg(feature = "serde")]
#[test]
fn a_stored_accumulator_goes_on_with_the_same_bits() {
    let draws = chain(0.7, 5000, 2, 0, 1.0);
    let mut whole = OnlineDiagnostics::one_chain(2).unwrap();
    let mut resumed = OnlineDiagnostics::one_chain(2).unwrap();
    for (i, draw) in draws.iter().enumerate() {
        whole.push(draw).unwrap();
        resumed.push(draw).unwrap();
        if i % 777 == 0 {
            let text = serde_json::to_string(&resumed).unwrap();
            resumed = serde_json::from_str(&text).unwrap();
        }
    }
    assert_eq!(whole, resumed);
    assert_eq!(whole.rows(), resumed.rows());
}

#[test]
fn values_whose_squares_overflow_are_refused_and_never_called_mixed() {
    let mut online = OnlineDiagnostics::one_chain(1).unwrap();
    for i in 0..100 {
        let x = if i % 2 == 0 { 1e150 } else { -1e150 };
        online.push(&[x]).unwrap();
        assert!(online.push(&[1.1 * x]).is_err());
    }
    let row = online.rows().unwrap()[0];
    assert!((row.sd / 1e150 - 1.0).abs() < 0.01 && row.mean.abs() < 1e136);
    assert!(row.mcse_mean.unwrap().is_finite() && row.rhat.unwrap().is_finite());
}
