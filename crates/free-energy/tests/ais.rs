//! Laws of annealed importance sampling, on machines whose log Z is enumerated.

mod common;

use common::{At, BlockGibbs, Machine, WrongLevel, binomial_quantile, exact_mean, log_mean_exp};
use ergodic_core::{
    EachChain, Energy, GeometricPath, MarkovKernel, Path, PathBase, Population, Randomness,
    TargetError,
};
use ergodic_free_energy::{
    Ais, FreeEnergyError, Ladder, LadderOrigin, LogZ, Method, Pilot, RestsOn, anneal_block,
};

#[test]
fn the_golden_machine_has_its_golden_log_z() {
    let machine = Machine::golden();
    assert!((machine.log_z(1.0) - 6.971258118926752).abs() < 1e-13);
    assert!((machine.log_z(0.0) - (&machine).log_z_base()).abs() < 1e-13);
}

/// `log E[w] + log Z_base` from the driver's own code, over every path of its coins.
fn exact_log_mean_weight<P>(path: &P, ladder: &Ladder) -> f64
where
    P: Path,
    BlockGibbs: MarkovKernel<P::Target>,
{
    let mean = exact_mean(|rng| {
        let mut log_weight = [0.0];
        let mut kernel = BlockGibbs::HONEST;
        anneal_block(path, &mut kernel, ladder, rng, &mut log_weight).unwrap();
        log_weight[0].exp()
    });
    mean.ln() + path.log_z_base()
}

#[test]
fn the_mean_weight_is_exactly_the_ratio_of_partition_functions() {
    for (seed, rungs) in [
        (1, vec![0.0, 1.0]),
        (2, vec![0.0, 0.5, 1.0]),
        (3, vec![0.0, 0.1, 0.9, 1.0]),
        (4, vec![0.0, 0.3, 0.5, 0.8, 1.0]),
    ] {
        let machine = Machine::random(2, 1, 3.0, seed);
        let ladder = Ladder::from_rungs(rungs).unwrap();
        let found = exact_log_mean_weight(&&machine, &ladder);
        let exact = machine.log_z(1.0);
        assert!((found - exact).abs() < 1e-13, "{found} {exact}");
    }
}

#[test]
fn sampling_from_the_wrong_level_is_caught_by_the_exact_mean_weight() {
    let machine = Machine::random(2, 1, 3.0, 2);
    let ladder = Ladder::from_rungs(vec![0.0, 0.3, 0.6, 1.0]).unwrap();
    let levels: [fn(f64) -> f64; 3] = [|t| t, |t| t + 0.3, |t| t - 0.3];
    let defect = levels.map(|level| {
        let path = WrongLevel {
            machine: &machine,
            level,
        };
        (exact_log_mean_weight(&path, &ladder) - machine.log_z(1.0)).abs()
    });
    assert!(defect[0] < 1e-13, "{defect:?}");
    assert!(defect[1] > 1e-3 && defect[2] > 1e-3, "{defect:?}");
}

#[test]
fn weights_have_their_exact_moments_and_the_mean_of_logs_is_another_number() {
    let machine = Machine::random(4, 3, 1.5, 7);
    let ladder = Ladder::linear(3).unwrap();
    let rungs = ladder.rungs();
    let base = (&machine).log_z_base();
    // Matrix products over all states: E[w] = Z/Z_base for any ladder.
    let mean = machine.weight_moment(rungs, 1.0);
    assert!((mean.ln() + base - machine.log_z(1.0)).abs() < 1e-12);

    let runs = 20_000;
    let ais = Ais::builder()
        .ladder(ladder.clone())
        .runs(runs)
        .seed(3)
        .build()
        .unwrap();
    let result = ais.run(&&machine, &BlockGibbs::HONEST).unwrap();
    // Standard errors from the exact moments; six of them are below 2e-9 for normal errors and
    // leave room for the skewness of the weights.
    let relative = machine.weight_moment(rungs, 2.0) / (mean * mean) - 1.0;
    let std_err = (relative / runs as f64).sqrt();
    let error = result.log_z.estimate.value - machine.log_z(1.0);
    assert!(error.abs() < 6.0 * std_err, "{error} {std_err}");
    assert!((result.log_z.estimate.std_err / std_err - 1.0).abs() < 0.1);

    let mean_log = result.log_weights.iter().sum::<f64>() / runs as f64;
    let exact = machine.mean_log_weight(rungs);
    let variance = result
        .log_weights
        .iter()
        .map(|w| (w - mean_log).powi(2))
        .sum::<f64>()
        / runs as f64;
    assert!((mean_log - exact).abs() < 6.0 * (variance / runs as f64).sqrt());
    // The mean of the logs is biased far beyond every error bar, and the test above can tell.
    assert!(mean.ln() - exact > 20.0 * std_err);
}

/// Lower bounds of 200 seeds at 90 %: how many lie above `truth`, and their mean distance.
fn misses_of_200<P>(path: &P, truth: f64, runs: usize, steps: usize) -> (usize, f64)
where
    P: Path + Sync,
    BlockGibbs: MarkovKernel<P::Target>,
{
    let (mut misses, mut gap) = (0, 0.0);
    for seed in 0..200 {
        let ais = Ais::builder()
            .ladder(Ladder::linear(steps).unwrap())
            .runs(runs)
            .seed(seed)
            .confidence(0.9)
            .build()
            .unwrap();
        let result = ais.run(path, &BlockGibbs::HONEST).unwrap();
        let lower = result.log_z.lower.unwrap();
        assert_eq!(lower.rests_on, RestsOn::UnbiasedWeights);
        assert!(lower.value < result.log_z.estimate.value);
        misses += usize::from(lower.value > truth);
        gap += (truth - lower.value) / 200.0;
    }
    (misses, gap)
}

#[test]
fn the_lower_bound_holds_at_its_rate_and_is_not_vacuous() {
    // A true rate of 10 % passes 39 or more of 200 with probability below 1e-6.
    let allowed = binomial_quantile(200, 0.1, 1e-6);
    assert!((38..=45).contains(&allowed), "{allowed}");
    let trained = Machine::random(6, 4, 2.5, 11);
    for (machine, runs, steps, reach) in [
        (&Machine::golden(), 100, 2, 0.3),
        (&trained, 100, 10, 1.0),
        (&trained, 20, 1, 2.2),
    ] {
        let (misses, gap) = misses_of_200(&machine, machine.log_z(1.0), runs, steps);
        assert!(misses <= allowed, "{misses} misses, {allowed} allowed");
        // Markov's inequality would lie 2.3 nats below the average of the weights.
        assert!(gap < reach, "{gap}");
    }
}

#[test]
fn sampling_from_the_wrong_level_breaks_the_bound() {
    let machine = Machine::random(6, 4, 2.5, 11);
    let path = WrongLevel {
        machine: &machine,
        level: |t| (t + 0.4).min(1.0),
    };
    let (misses, _) = misses_of_200(&path, machine.log_z(1.0), 100, 10);
    assert!(
        misses > binomial_quantile(200, 0.1, 1e-6),
        "only {misses} misses"
    );
}

#[test]
fn a_stated_rounding_allowance_is_given_away() {
    let machine = Machine::golden();
    let bound = |allowance| {
        let ais = Ais::builder()
            .ladder(Ladder::linear(10).unwrap())
            .rounding_allowance(allowance);
        let result = ais.build().unwrap().run(&&machine, &BlockGibbs::HONEST);
        result.unwrap().log_z.lower.unwrap()
    };
    assert_eq!(bound(0.0).value - 0.25, bound(0.25).value);
    assert_eq!(bound(0.25).rounding_allowance, 0.25);
}

#[test]
fn results_have_the_same_bits_for_any_number_of_threads() {
    let machine = Machine::random(6, 4, 1.0, 5);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let pilot = Pilot::builder().chains(40).block(7).build().unwrap();
            let ladder = pilot.choose(&&machine, &BlockGibbs::HONEST, 15).unwrap();
            let ais = Ais::builder().ladder(ladder).runs(50).block(8).seed(9);
            let ais = ais.build().unwrap();
            ais.run_with_draws(&&machine, &BlockGibbs::HONEST, &|_| ())
                .unwrap()
        })
    };
    let (one, draws) = run(1);
    assert_eq!(one.log_weights.len(), 50);
    assert_eq!(
        draws.iter().map(Vec::len).collect::<Vec<_>>(),
        [8, 8, 8, 8, 8, 8, 2]
    );
    for threads in [2, 3] {
        let (many, others) = run(threads);
        let same = |a: &f64, b: &f64| a.to_bits() == b.to_bits();
        let mut pairs = one.log_weights.iter().zip(&many.log_weights);
        assert!(pairs.all(|(a, b)| same(a, b)));
        assert_eq!(one.log_z, many.log_z);
        assert_eq!(draws, others);
    }
}

#[test]
fn draws_follow_the_annealed_model_and_leave_the_weights_alone() {
    let machine = Machine::random(3, 2, 2.0, 4);
    let ladder = Ladder::linear(2).unwrap();
    let exact = machine.annealed(ladder.rungs());
    let ais = Ais::builder().ladder(ladder).runs(40_000).block(40_000);
    let ais = ais.build().unwrap();
    let (result, draws) = ais
        .run_with_draws(&&machine, &BlockGibbs::HONEST, &|_| ())
        .unwrap();
    assert_eq!(result, ais.run(&&machine, &BlockGibbs::HONEST).unwrap());
    let mut distance = 0.0f64;
    for (v, p) in exact.iter().enumerate() {
        let hits = draws[0].iter().filter(|&&d| d == v as u32).count();
        let error = hits as f64 / 4e4 - p;
        assert!(error.abs() < 6.0 * (p * (1.0 - p) / 4e4).sqrt(), "{v}");
        distance += (p - machine.law(1.0)[v]).abs();
    }
    assert!(distance > 0.05); // it is another model than the one at the end of the path
}

#[test]
fn a_pilot_shares_no_randomness_with_the_runs_that_use_its_ladder() {
    let machine = Machine::random(6, 4, 2.5, 11);
    // Under one seed: the bound on pilot-chosen ladders still holds at its rate.
    let mut misses = 0;
    for seed in 0..200 {
        let pilot = Pilot::builder()
            .ladder(Ladder::linear(8).unwrap())
            .chains(8)
            .seed(seed)
            .build()
            .unwrap();
        let ladder = pilot.choose(&&machine, &BlockGibbs::HONEST, 4).unwrap();
        assert_eq!(ladder.origin(), LadderOrigin::Pilot { chains: 8, seed });
        assert_eq!(ladder.steps(), 4);
        let ais = Ais::builder().ladder(ladder).runs(30).seed(seed);
        let ais = ais.confidence(0.9).build().unwrap();
        let result = ais.run(&&machine, &BlockGibbs::HONEST).unwrap();
        misses += usize::from(result.log_z.lower.unwrap().value > machine.log_z(1.0));
    }
    assert!(misses <= binomial_quantile(200, 0.1, 1e-6), "{misses}");
}

#[test]
fn a_pilot_puts_rungs_where_the_path_is_fast() {
    // One strong machine: the standard deviation of the energy difference falls along the path.
    let machine = Machine::random(6, 4, 4.0, 3);
    let pilot = Pilot::builder().chains(512).build().unwrap();
    let ladder = pilot.choose(&&machine, &BlockGibbs::HONEST, 50).unwrap();
    // Exact thermodynamic speed by enumeration: sd of dE/dt at equilibrium.
    let speed = |t: f64| {
        let law = machine.law(t);
        let h = 1e-5;
        let slope =
            |v: u32| (machine.energy_at(t + h, v) - machine.energy_at(t - h, v)) / (2.0 * h);
        let mean: f64 = (0..64).map(|v| law[v as usize] * slope(v)).sum();
        let square: f64 = (0..64).map(|v| law[v as usize] * slope(v).powi(2)).sum();
        (square - mean * mean).sqrt()
    };
    let lengths: Vec<f64> = ladder
        .rungs()
        .windows(2)
        .map(|w| (w[1] - w[0]) * speed(0.5 * (w[0] + w[1])))
        .collect();
    let longest = lengths.iter().copied().fold(0.0, f64::max);
    let shortest = lengths.iter().copied().fold(f64::MAX, f64::min);
    let of_linear = (0..50).map(|k| 0.02 * speed(0.02 * (f64::from(k) + 0.5)));
    let (low, high) = of_linear.fold((f64::MAX, 0.0f64), |(l, h), x| (l.min(x), h.max(x)));
    assert!(high / low > 3.0, "the linear ladder is no challenge");
    assert!(longest / shortest < 1.7, "{lengths:?}");
}

#[test]
fn huge_free_energies_neither_overflow_nor_lose_the_bound() {
    // 20,000 nats of energy apart: weights of e^±20000.
    for offset in [-2e4, 2e4] {
        let mut machine = Machine::golden();
        machine.hidden.push(offset); // a unit without weights: a factor 1 + e^{offset}
        machine.weights.push(vec![0.0; 6]);
        let ais = Ais::builder().ladder(Ladder::linear(20).unwrap());
        let result = ais.build().unwrap().run(&&machine, &BlockGibbs::HONEST);
        let log_z = result.unwrap().log_z;
        let exact = 6.971258118926752 + offset.max(0.0);
        assert!((log_z.estimate.value - exact).abs() < 0.2);
        let gap = exact - log_z.lower.unwrap().value;
        assert!(gap > 0.0 && gap < 0.4, "{gap}");
    }
}

#[test]
fn few_effective_runs_are_flagged() {
    let machine = Machine::random(6, 4, 6.0, 11);
    let ais = |steps| {
        Ais::builder()
            .ladder(Ladder::linear(steps).unwrap())
            .build()
    };
    let rough = ais(1).unwrap().run(&&machine, &BlockGibbs::HONEST).unwrap();
    assert!(rough.log_z.rests_on.is_doubtful() && rough.log_z.estimate.bias.dominates());
    assert!(!rough.log_z.rests_on.is_unconditional());
    let fine = ais(300)
        .unwrap()
        .run(&&machine, &BlockGibbs::HONEST)
        .unwrap();
    assert!(!fine.log_z.rests_on.is_doubtful());
    let steps = fine.log_z.method;
    assert_eq!(
        steps.to_string(),
        "AIS, 100 runs of 300 steps, ladder fixed"
    );
}

#[test]
fn a_likelihood_changes_the_sides_of_its_log_z() {
    let machine = Machine::golden();
    let ais = Ais::builder().ladder(Ladder::linear(50).unwrap());
    let result = ais.build().unwrap().run(&&machine, &BlockGibbs::HONEST);
    let log_z = result.unwrap().log_z;
    // Visible unit 0 is the most significant bit of 7, 21, 42, 63.
    let data = [7u32, 21, 42, 63].map(|x| x.reverse_bits() >> 26);
    let mean = -data.iter().map(|&v| machine.energy_at(1.0, v)).sum::<f64>() / 4.0;
    let exact = LogZ::exact(machine.log_z(1.0), 0.0).unwrap();
    let exact = exact.log_likelihood(mean).unwrap();
    assert!((exact.estimate.value + 4.0777120869348105).abs() < 1e-12);
    assert_eq!(exact.lower.unwrap().value, exact.upper.unwrap().value);
    let likelihood = log_z.log_likelihood(mean).unwrap();
    assert!(likelihood.lower.is_none());
    assert!(likelihood.upper.unwrap().value > exact.estimate.value);
    assert!(
        likelihood
            .estimate
            .interval
            .contains(likelihood.estimate.value)
    );
    assert!(log_z.log_likelihood(f64::NAN).is_err());
}

#[test]
fn progress_rises_to_its_total() {
    let machine = Machine::golden();
    let seen = std::sync::Mutex::new(Vec::new());
    let ais = Ais::builder()
        .ladder(Ladder::linear(10).unwrap())
        .runs(30)
        .block(10)
        .build()
        .unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(|| {
        ais.run_with_progress(&&machine, &BlockGibbs::HONEST, &|p| {
            seen.lock().unwrap().push((p.done, p.total));
        })
        .unwrap()
    });
    let expected: Vec<_> = (1..=30).map(|done| (done, 30)).collect();
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn settings_outside_their_domain_are_typed_errors() {
    let name = |b: ergodic_free_energy::AisBuilder| b.build().unwrap_err().argument;
    assert_eq!(name(Ais::builder().runs(0)), "runs");
    assert_eq!(name(Ais::builder().block(0)), "block");
    for x in [0.0, 1.0, f64::NAN, -3.0] {
        assert_eq!(name(Ais::builder().confidence(x)), "confidence");
    }
    for x in [-1e-9, f64::NAN, f64::INFINITY] {
        assert_eq!(
            name(Ais::builder().rounding_allowance(x)),
            "rounding_allowance"
        );
    }
    assert_eq!(
        Pilot::builder().chains(1).build().unwrap_err().argument,
        "chains"
    );
    let machine = Machine::golden();
    let pilot = Pilot::builder().build().unwrap();
    assert!(pilot.choose(&&machine, &BlockGibbs::HONEST, 0).is_err());
    assert!(LogZ::exact(f64::NAN, 0.0).is_err());
    assert!(LogZ::exact(0.0, -1.0).is_err());
    let of_zero =
        LogZ::from_unbiased_weights(&[f64::NEG_INFINITY], 0.0, 0.9, 0.0, Method::Enumeration);
    assert_eq!(of_zero.unwrap_err().argument, "log_weights");
}

#[test]
fn a_kernel_without_invariance_gets_no_weights() {
    let machine = Machine::golden();
    let ais = Ais::builder().build().unwrap();
    let error = ais.run(&&machine, &BlockGibbs::ASYMPTOTIC).unwrap_err();
    assert!(matches!(error, FreeEnergyError::NotInvariant { .. }));
    let pilot = Pilot::builder().build().unwrap();
    assert!(pilot.choose(&&machine, &BlockGibbs::ASYMPTOTIC, 5).is_err());
    let ais = Ais::builder().ladder(Ladder::linear(5).unwrap()).build();
    assert!(
        ais.unwrap()
            .run(&&machine, &BlockGibbs::IRREVERSIBLE)
            .is_ok()
    );
}

/// A path whose work is broken in one place.
struct Broken<'a> {
    machine: &'a Machine,
    work: f64,
}

impl<'a> Path for Broken<'a> {
    type Target = At<'a>;
    fn at(&self, t: f64) -> At<'a> {
        self.machine.at(t)
    }
    fn log_z_base(&self) -> f64 {
        0.0
    }
    fn sample_base<R: Randomness + ?Sized>(&self, chains: usize, rng: &mut R) -> Vec<u32> {
        self.machine.sample_base(chains, rng)
    }
    fn work(&self, block: &Vec<u32>, from: f64, to: f64, out: &mut [f64]) {
        self.machine.work(block, from, to, out);
        if from >= 0.5 {
            out[2] = self.work;
        }
    }
}

#[test]
fn a_nan_is_an_error_that_names_chain_and_rung_whatever_the_threads() {
    let machine = Machine::golden();
    let path = Broken {
        machine: &machine,
        work: f64::NAN,
    };
    let ais = Ais::builder()
        .ladder(Ladder::linear(10).unwrap())
        .block(10)
        .build()
        .unwrap();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let error = pool
            .unwrap()
            .install(|| ais.run(&path, &BlockGibbs::HONEST).unwrap_err());
        assert_eq!(
            error.to_string(),
            "chain 2, rung 6: the work is NaN, but must be finite"
        );
    }
}

#[test]
fn a_run_that_leaves_the_support_has_weight_zero_and_counts() {
    let machine = Machine::golden();
    let path = Broken {
        machine: &machine,
        work: f64::INFINITY,
    };
    let ais = |runs| {
        Ais::builder()
            .ladder(Ladder::linear(10).unwrap())
            .runs(runs)
            .block(10)
            .build()
            .unwrap()
    };
    let result = ais(100).run(&path, &BlockGibbs::HONEST).unwrap();
    let dead = result
        .log_weights
        .iter()
        .filter(|w| **w == f64::NEG_INFINITY);
    assert_eq!(dead.count(), 10);
    assert!((result.log_z.estimate.value - log_mean_exp(&result.log_weights)).abs() < 1e-12);
    assert!(result.log_z.lower.unwrap().value.is_finite());
}

#[test]
fn no_weight_at_all_is_an_error() {
    /// Infinite work for everyone.
    #[derive(Clone, Copy)]
    struct Wall;
    impl Energy for Wall {
        type State = u8;
        fn energy(&self, _: &u8) -> f64 {
            0.0
        }
    }
    struct Nowhere;
    impl Path for Nowhere {
        type Target = ergodic_core::Independent<Wall>;
        fn at(&self, _: f64) -> Self::Target {
            ergodic_core::Independent(Wall)
        }
        fn log_z_base(&self) -> f64 {
            0.0
        }
        fn sample_base<R: Randomness + ?Sized>(&self, chains: usize, _: &mut R) -> Vec<u8> {
            vec![0; chains]
        }
        fn work(&self, _: &Vec<u8>, _: f64, _: f64, out: &mut [f64]) {
            out.fill(f64::INFINITY);
        }
    }
    let error = Ais::builder().build().unwrap().run(&Nowhere, &Still);
    assert_eq!(error.unwrap_err(), FreeEnergyError::NoWeight { runs: 100 });
}

/// The kernel that stays: reversible for every law, and does not mix at all.
#[derive(Clone)]
struct Still;

impl<T: Population> MarkovKernel<T> for Still
where
    <T::State as ToOwned>::Owned: Clone,
{
    type State = <T::State as ToOwned>::Owned;
    type Info = ();
    fn claims(&self) -> ergodic_core::Claims {
        ergodic_core::Claims::REVERSIBLE.not_ergodic()
    }
    fn init(&self, _: &T, x: &T::State) -> Result<Self::State, TargetError> {
        Ok(x.to_owned())
    }
    fn position<'s>(&self, _: &T, state: &'s Self::State) -> &'s T::State
    where
        T: 's,
    {
        std::borrow::Borrow::borrow(state)
    }
    fn reset(
        &self,
        _: &T,
        state: &mut Self::State,
        x: Option<&T::State>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            x.clone_into(state);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        _: &T,
        _: &mut Self::State,
        _: &mut R,
    ) -> Result<(), TargetError> {
        Ok(())
    }
}

#[test]
fn a_kernel_that_never_moves_still_has_unbiased_weights() {
    // Importance sampling from the base: the bound needs no mixing.
    let machine = Machine::golden();
    let ais = Ais::builder()
        .ladder(Ladder::linear(30).unwrap())
        .runs(5000);
    let result = ais.build().unwrap().run(&&machine, &Still).unwrap();
    let log_z = result.log_z;
    let error = log_z.estimate.value - machine.log_z(1.0);
    assert!(error.abs() < 6.0 * log_z.estimate.std_err);
    assert!(log_z.lower.unwrap().value < machine.log_z(1.0));
}

#[test]
fn a_geometric_path_of_chains_on_their_own_gives_log_cosh() {
    /// One spin in a field: log Z = log(2 cosh h).
    #[derive(Clone, Copy)]
    struct Field(f64);
    impl Energy for Field {
        type State = i8;
        fn energy(&self, s: &i8) -> f64 {
            -self.0 * f64::from(*s)
        }
    }
    struct Coin;
    impl PathBase<i8> for Coin {
        fn log_z(&self) -> f64 {
            2f64.ln()
        }
        fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> i8 {
            if rng.bernoulli(0.5) { 1 } else { -1 }
        }
    }
    /// Redraws the spin from its law.
    #[derive(Clone)]
    struct Redraw;
    impl<T: Energy<State = i8>> MarkovKernel<T> for Redraw {
        type State = i8;
        type Info = ();
        fn claims(&self) -> ergodic_core::Claims {
            ergodic_core::Claims::REVERSIBLE
        }
        fn init(&self, _: &T, s: &i8) -> Result<i8, TargetError> {
            Ok(*s)
        }
        fn position<'s>(&self, _: &T, state: &'s i8) -> &'s i8
        where
            T: 's,
        {
            state
        }
        fn reset(&self, _: &T, state: &mut i8, s: Option<&i8>) -> Result<(), TargetError> {
            *state = *s.unwrap_or(state);
            Ok(())
        }
        fn step<R: Randomness + ?Sized>(
            &mut self,
            t: &T,
            s: &mut i8,
            rng: &mut R,
        ) -> Result<(), TargetError> {
            let up = 1.0 / (1.0 + (t.energy(&1) - t.energy(&-1)).exp());
            *s = if rng.bernoulli(up) { 1 } else { -1 };
            Ok(())
        }
    }
    let path = GeometricPath {
        target: Field(2.0),
        base: Coin,
    };
    let ais = Ais::builder().ladder(Ladder::sigmoid(100, 2.0).unwrap());
    let ais = ais.runs(2000).build().unwrap();
    let result = ais.run(&path, &EachChain(Redraw)).unwrap();
    let exact = (2.0 * 2f64.cosh()).ln();
    let log_z = result.log_z;
    assert!(log_z.estimate.std_err < 0.02);
    assert!((log_z.estimate.value - exact).abs() < 6.0 * log_z.estimate.std_err);
}

#[test]
fn a_forbidden_state_has_weight_zero_in_the_exact_mean_of_any_kernel() {
    /// Four levels, one of them forbidden.
    #[derive(Clone)]
    struct Levels;
    impl Energy for Levels {
        type State = usize;
        fn energy(&self, x: &usize) -> f64 {
            [0.0, 1.0, f64::INFINITY, -0.5][*x]
        }
    }
    /// One of four, by the coins that the exact mean follows.
    fn coins<R: Randomness + ?Sized>(rng: &mut R) -> usize {
        2 * usize::from(rng.bernoulli(0.5)) + usize::from(rng.bernoulli(0.5))
    }
    struct Uniform;
    impl PathBase<usize> for Uniform {
        fn log_z(&self) -> f64 {
            4f64.ln()
        }
        fn sample<R: Randomness + ?Sized>(&self, rng: &mut R) -> usize {
            coins(rng)
        }
    }
    /// Metropolis that starts in the support only, as kernels do.
    #[derive(Clone)]
    struct Strict;
    impl<T: Energy<State = usize>> MarkovKernel<T> for Strict {
        type State = usize;
        type Info = ();
        fn claims(&self) -> ergodic_core::Claims {
            ergodic_core::Claims::REVERSIBLE
        }
        fn init(&self, t: &T, x: &usize) -> Result<usize, TargetError> {
            let energy = t.energy(x);
            if energy.is_finite() {
                Ok(*x)
            } else {
                Err(TargetError::non_finite("energy at the start", energy))
            }
        }
        fn position<'s>(&self, _: &T, state: &'s usize) -> &'s usize
        where
            T: 's,
        {
            state
        }
        fn reset(&self, t: &T, state: &mut usize, x: Option<&usize>) -> Result<(), TargetError> {
            *state = self.init(t, x.unwrap_or(&*state))?;
            Ok(())
        }
        fn step<R: Randomness + ?Sized>(
            &mut self,
            t: &T,
            x: &mut usize,
            rng: &mut R,
        ) -> Result<(), TargetError> {
            let to = coins(rng);
            if rng.bernoulli((t.energy(x) - t.energy(&to)).exp().min(1.0)) {
                *x = to;
            }
            Ok(())
        }
    }
    let path = GeometricPath {
        target: Levels,
        base: Uniform,
    };
    let ladder = Ladder::from_rungs(vec![0.0, 0.2, 0.7, 1.0]).unwrap();
    let mean = exact_mean(|rng| {
        let mut log_weight = [0.0];
        anneal_block(&path, &mut EachChain(Strict), &ladder, rng, &mut log_weight).unwrap();
        log_weight[0].exp()
    });
    let z = 1.0 + (-1f64).exp() + 0.5f64.exp();
    assert!((4.0 * mean - z).abs() < 1e-13, "{} {z}", 4.0 * mean);
}
