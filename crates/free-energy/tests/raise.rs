//! Laws of RAISE, on machines whose annealed model is known by products of transition matrices.

mod common;

use common::{BlockGibbs, Machine, WrongLevel, binomial_quantile, exact_mean};
use ergodic_core::Path;
use ergodic_free_energy::{FreeEnergyError, Ladder, Raise, RaiseBuilder, RestsOn, raise_block};

/// `E[p̂(v)]` from the driver's own code, over every path of its coins.
fn exact_mean_probability(machine: &Machine, ladder: &Ladder, v: u32) -> f64 {
    exact_mean(|rng| {
        let mut log_p = [0.0];
        let mut kernel = BlockGibbs::HONEST;
        raise_block(&machine, &mut kernel, ladder, &vec![v], rng, &mut log_p).unwrap();
        log_p[0].exp()
    })
}

#[test]
fn the_mean_of_the_estimate_is_exactly_the_probability_of_the_annealed_model() {
    for (seed, rungs) in [
        (1, vec![0.0, 1.0]),
        (2, vec![0.0, 0.5, 1.0]),
        (3, vec![0.0, 0.2, 0.4, 1.0]),
    ] {
        let machine = Machine::random(2, 1, 3.0, seed);
        let ladder = Ladder::from_rungs(rungs).unwrap();
        let annealed = machine.annealed(ladder.rungs());
        for v in 0..machine.states() {
            let found = exact_mean_probability(&machine, &ladder, v);
            let exact = annealed[v as usize];
            assert!((found / exact - 1.0).abs() < 1e-12, "{found} {exact}");
        }
    }
}

#[test]
fn kernels_in_the_wrong_order_are_caught_by_the_exact_mean() {
    // Up the ladder instead of down: the step at t becomes one at 1 − t (that at 1 stays).
    let machine = Machine::random(2, 1, 3.0, 2);
    let ladder = Ladder::from_rungs(vec![0.0, 0.2, 0.4, 1.0]).unwrap();
    let annealed = machine.annealed(ladder.rungs());
    let defect = |level: fn(f64) -> f64| {
        let path = WrongLevel {
            machine: &machine,
            level,
        };
        (0..machine.states())
            .map(|v| {
                let mean = exact_mean(|rng| {
                    let mut log_p = [0.0];
                    let mut kernel = BlockGibbs::HONEST;
                    raise_block(&path, &mut kernel, &ladder, &vec![v], rng, &mut log_p).unwrap();
                    log_p[0].exp()
                });
                (mean / annealed[v as usize] - 1.0).abs()
            })
            .fold(0.0, f64::max)
    };
    assert!(defect(|t| t) < 1e-12);
    assert!(defect(|t| 0.6 - t) > 1e-3);
}

fn raise(steps: usize) -> RaiseBuilder {
    Raise::builder().ladder(Ladder::linear(steps).unwrap())
}

/// Bounds of 200 seeds at 90 % on `data`: how many lie above the truth, and their mean distance.
fn misses_of_200<P>(
    path: &P,
    machine: &Machine,
    data: &[u32],
    steps: usize,
    chains: usize,
) -> (usize, f64)
where
    P: Path + Sync,
    BlockGibbs: ergodic_core::MarkovKernel<P::Target>,
    P::Target: ergodic_core::Energy<State = Vec<u32>>,
{
    let ladder = Ladder::linear(steps).unwrap();
    let annealed = machine.annealed(ladder.rungs());
    let truth = data.iter().map(|&v| annealed[v as usize].ln()).sum::<f64>() / data.len() as f64;
    let block_of = |rows: &[usize]| rows.iter().map(|&r| data[r]).collect::<Vec<u32>>();
    let (mut misses, mut gap) = (0, 0.0);
    for seed in 0..200 {
        let raise = raise(steps).chains(chains).seed(seed).confidence(0.9);
        let raise = raise.build().unwrap();
        let result = raise
            .run(path, &BlockGibbs::HONEST, data.len(), block_of)
            .unwrap();
        assert_eq!(result.lower.rests_on, RestsOn::UnbiasedProbabilities);
        misses += usize::from(result.lower.value > truth);
        gap += (truth - result.lower.value) / 200.0;
    }
    (misses, gap)
}

#[test]
fn the_lower_bound_holds_at_its_rate_on_the_annealed_model() {
    let allowed = binomial_quantile(200, 0.1, 1e-6);
    let golden = Machine::golden();
    let strong = Machine::random(6, 4, 2.5, 11);
    let many: Vec<u32> = (0..30).map(|i| (7 * i + 3) % 64).collect();
    for (machine, data, steps, chains, reach) in [
        (&golden, vec![56u32, 42, 21, 63], 3, 1, 1.0),
        (&strong, many.clone(), 5, 1, 2.0),
        (&strong, many, 5, 50, 0.3),
        // One example and one chain: Markov's inequality for a single estimate.
        (&strong, vec![17], 4, 1, 5.0),
        (&strong, vec![17], 4, 300, 2.5),
    ] {
        let (misses, gap) = misses_of_200(&machine, machine, &data, steps, chains);
        assert!(misses <= allowed, "{misses} misses, {allowed} allowed");
        // Not vacuous: the cost of confidence, log 10 / n, plus the spread of log p̂.
        assert!(gap < reach, "{gap}");
    }
}

#[test]
fn kernels_in_the_wrong_order_break_the_bound() {
    let machine = Machine::random(6, 4, 2.5, 11);
    let path = WrongLevel {
        machine: &machine,
        level: |t| 1.0 - t,
    };
    // The examples at which the wrong order is too optimistic, found on another seed.
    let annealed = machine.annealed(Ladder::linear(3).unwrap().rungs());
    let all = |rows: &[usize]| rows.iter().map(|&r| r as u32).collect::<Vec<u32>>();
    let look = raise(3).chains(2000).seed(1000).build().unwrap();
    let look = look.run(&path, &BlockGibbs::HONEST, 64, all).unwrap();
    let data: Vec<u32> = (0..64u32)
        .filter(|&v| look.log_p[v as usize] > annealed[v as usize].ln() + 0.1)
        .collect();
    assert!(data.len() > 5, "{data:?}");
    let right = misses_of_200(&&machine, &machine, &data, 3, 100);
    let wrong = misses_of_200(&path, &machine, &data, 3, 100);
    let allowed = binomial_quantile(200, 0.1, 1e-6);
    assert!(right.0 <= allowed, "{right:?}");
    assert!(
        wrong.0 > allowed,
        "only {wrong:?} misses, {right:?} in the right order"
    );
}

#[test]
fn more_chains_bring_the_mean_up_to_the_annealed_model() {
    let machine = Machine::random(6, 4, 2.5, 11);
    let data = [3u32, 17, 40, 63, 0];
    let block_of = |rows: &[usize]| rows.iter().map(|&r| data[r]).collect::<Vec<u32>>();
    let annealed = machine.annealed(Ladder::linear(5).unwrap().rungs());
    let truth = data.iter().map(|&v| annealed[v as usize].ln()).sum::<f64>() / 5.0;
    let run = |chains| {
        let raise = raise(5).chains(chains).build().unwrap();
        let result = raise.run(&&machine, &BlockGibbs::HONEST, 5, block_of);
        result.unwrap()
    };
    let (few, many) = (run(1), run(20_000));
    assert!(few.monte_carlo_std_err.is_none());
    let std_err = many.monte_carlo_std_err.unwrap();
    let error = many.estimate.value - truth;
    assert!(
        std_err < 0.02 && error.abs() < 6.0 * std_err,
        "{error} {std_err}"
    );
    for (&v, log_p) in data.iter().zip(&many.log_p) {
        assert!((log_p - annealed[v as usize].ln()).abs() < 0.2);
    }
    let cost = 100f64.ln() / 5.0;
    assert!((many.estimate.value - many.lower.value - cost).abs() < 1e-12);
}

#[test]
fn the_annealed_model_is_not_the_machine() {
    // At data where p_ann is above the machine a bound on the former exceeds the latter.
    let machine = Machine::random(6, 4, 4.0, 3);
    let ladder = Ladder::linear(2).unwrap();
    let (annealed, law) = (machine.annealed(ladder.rungs()), machine.law(1.0));
    let data: Vec<u32> = (0..64)
        .filter(|&v| annealed[v as usize] > 2.0 * law[v as usize])
        .collect();
    assert!(data.len() > 10);
    let block_of = |rows: &[usize]| rows.iter().map(|&r| data[r]).collect::<Vec<u32>>();
    let raise = raise(2).chains(5000).build().unwrap();
    let result = raise.run(&&machine, &BlockGibbs::HONEST, data.len(), block_of);
    let of_machine = data.iter().map(|&v| law[v as usize].ln()).sum::<f64>() / data.len() as f64;
    let of_annealed =
        data.iter().map(|&v| annealed[v as usize].ln()).sum::<f64>() / data.len() as f64;
    let lower = result.unwrap().lower.value;
    assert!(of_machine < lower && lower < of_annealed);
}

#[test]
fn doubling_the_ladder_reports_the_change_with_its_error() {
    let machine = Machine::random(6, 4, 2.5, 11);
    let data: Vec<u32> = (0..64).collect();
    let block_of = |rows: &[usize]| rows.iter().map(|&r| data[r]).collect::<Vec<u32>>();
    let raise = raise(2).chains(2000).build().unwrap();
    let seen = std::sync::Mutex::new((0, 0));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let both = pool.unwrap().install(|| {
        raise.run_with_doubling(&&machine, &BlockGibbs::HONEST, 64, block_of, &|p| {
            *seen.lock().unwrap() = (p.done, p.total);
        })
    });
    let both = both.unwrap();
    assert_eq!((both.single.steps, both.doubled.steps), (2, 4));
    let mean = |steps: usize| {
        let p = machine.annealed(Ladder::linear(steps).unwrap().rungs());
        p.iter().map(|p| p.ln()).sum::<f64>() / 64.0
    };
    let exact = mean(4) - mean(2);
    assert!(
        (both.change.value - exact).abs() < 0.05,
        "{} {exact}",
        both.change
    );
    assert!(exact.abs() > 0.1 && both.change.std_err > 0.0);
    let (done, total) = *seen.lock().unwrap();
    assert!(total == 2000 * 6 && done == total);
}

#[test]
fn results_have_the_same_bits_for_any_number_of_threads() {
    let machine = Machine::random(6, 4, 1.0, 5);
    let data: Vec<u32> = (0..23).collect();
    let block_of = |rows: &[usize]| rows.iter().map(|&r| data[r]).collect::<Vec<u32>>();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let raise = raise(7).chains(3).block(5).seed(2).build().unwrap();
        pool.unwrap().install(|| {
            raise
                .run(&&machine, &BlockGibbs::HONEST, 23, block_of)
                .unwrap()
        })
    };
    let one = run(1);
    assert_eq!(one.log_p.len(), 23);
    for threads in [2, 3] {
        let many = run(threads);
        let mut pairs = one.log_p.iter().zip(&many.log_p);
        assert!(pairs.all(|(a, b)| a.to_bits() == b.to_bits()));
        assert_eq!(one, many);
    }
}

#[test]
fn blocks_are_fixed_by_the_settings_and_repeat_rows_for_chains() {
    let machine = Machine::golden();
    let seen = std::sync::Mutex::new(Vec::new());
    let raise = raise(1).chains(3).block(4).build().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(|| {
        let block_of = |rows: &[usize]| {
            seen.lock().unwrap().push(rows.to_vec());
            vec![0u32; rows.len()]
        };
        raise
            .run(&&machine, &BlockGibbs::HONEST, 3, block_of)
            .unwrap()
    });
    let mut blocks = seen.into_inner().unwrap();
    blocks.sort();
    assert_eq!(blocks, [vec![0, 0, 0, 1], vec![1, 1, 2, 2], vec![2]]);
}

#[test]
fn a_kernel_without_detailed_balance_is_refused() {
    let machine = Machine::golden();
    let raise = raise(3).build().unwrap();
    let block_of = |rows: &[usize]| vec![0u32; rows.len()];
    for kernel in [BlockGibbs::IRREVERSIBLE, BlockGibbs::ASYMPTOTIC] {
        let error = raise.run(&&machine, &kernel, 2, block_of).unwrap_err();
        assert!(matches!(error, FreeEnergyError::NotReversible { .. }));
    }
}

#[test]
fn settings_outside_their_domain_are_typed_errors() {
    let name = |b: RaiseBuilder| b.build().unwrap_err().argument;
    assert_eq!(name(Raise::builder().chains(0)), "chains");
    assert_eq!(name(Raise::builder().block(0)), "block");
    assert_eq!(name(Raise::builder().confidence(1.0)), "confidence");
    let negative = Raise::builder().rounding_allowance(-1.0);
    assert_eq!(name(negative), "rounding_allowance");
    let machine = Machine::golden();
    let raise = raise(3).rounding_allowance(0.5).build().unwrap();
    let kernel = BlockGibbs::HONEST;
    let none = raise
        .run(&&machine, &kernel, 0, |_| Vec::new())
        .unwrap_err();
    assert!(none.to_string().starts_with("examples is 0"));
    // A block of the wrong size names itself.
    let wrong = raise.run(&&machine, &kernel, 4, |_| vec![0u32; 3]);
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "chains 0 to 3: a block of examples has length 3, but must have 4"
    );
    // The allowance is given away per example.
    let result = raise.run(&&machine, &kernel, 4, |_| vec![0u32; 4]).unwrap();
    let given = result.estimate.value - result.lower.value;
    assert!((given - 100f64.ln() / 4.0 - 0.5).abs() < 1e-12);
}
