//! Parallel tempering: the kernel by exact enumeration, the run against exact values.

use crate::targets::{CRITICAL, Free, LEVELS_4X4, Torus, TwoWells, Uniform};
use ergodic_conformance::strategies::{self, FiniteTable, PairwiseSpins};
use ergodic_conformance::{CountingAllocator, Law, Shifted, check, enumerate, suite};
use ergodic_core::{
    Claims, EachChain, Energy, GeometricPath, LocalEnergy, MarkovKernel, Randomness, TargetError,
    Tempered, WarmupStep,
};
use ergodic_math::rng::stream;
use ergodic_math::special::log_sum_exp;
use ergodic_samplers::{
    AnnealingPath, Gaussian, Gibbs, LevelProduct, LinearPath, Metropolis, Nuts, OneChain,
    ParallelTempering, Proposal, RandomWalk, Scan, SwapScheme, TemperatureLadder, Temperatures,
    Tempering, TemperingSettings, UniformSite,
};
use nalgebra::DMatrix;
use proptest::strategy::Strategy;

/// All ways to put one of `one` at each of `levels` levels.
fn product<X: Clone>(one: &[X], levels: usize) -> Vec<Vec<X>> {
    let mut all = vec![Vec::new()];
    for _ in 0..levels {
        all = all
            .iter()
            .flat_map(|head: &Vec<X>| {
                one.iter().map(|x| {
                    let mut longer = head.clone();
                    longer.push(x.clone());
                    longer
                })
            })
            .collect();
    }
    all
}

fn ladder(levels: &[f64]) -> TemperatureLadder {
    TemperatureLadder::new(levels.to_vec()).unwrap()
}

type SpinLevels = LevelProduct<Temperatures<PairwiseSpins>>;
type TableLevels = LevelProduct<Temperatures<FiniteTable>>;

fn spin_levels() -> impl Strategy<Value = SpinLevels> + Clone {
    (strategies::pairwise_spins(1..=2, 2.0), 0.05..0.9f64)
        .prop_map(|(spins, hot)| LevelProduct::new(Temperatures(spins), ladder(&[hot, 1.0])))
}

fn spin_states(t: &SpinLevels) -> Vec<Vec<Vec<i8>>> {
    product(&t.path().0.states(), 2)
}

fn table_levels() -> impl Strategy<Value = TableLevels> + Clone {
    (
        strategies::finite_table(2..=2, 3.0),
        0.0..0.5f64,
        0.1..0.9f64,
    )
        .prop_map(|(table, a, b)| {
            let levels = ladder(&[a, a + b * (1.0 - a), 1.0]);
            LevelProduct::new(Temperatures(table), levels)
        })
}

fn table_states(t: &TableLevels) -> Vec<Vec<usize>> {
    product(&t.path().0.states(), 3)
}

macro_rules! on_levels {
    ($($name:ident: $targets:expr, $states:expr, $kernel:expr;)*) => {$(
        ergodic_conformance::kernel!($name {
            kernel: $kernel,
            targets: $targets,
            states: $states,
            tolerance: 1e-12,
            energy_shift: none,
        });
    )*};
}

on_levels! {
    even_odd_over_metropolis: spin_levels(), spin_states, |t: &SpinLevels| {
        let sites = t.path().0.len();
        ParallelTempering::new(Metropolis::new(UniformSite::new(sites).unwrap()), 2)
    };
    even_odd_over_gibbs: spin_levels(), spin_states, |_: &SpinLevels| {
        ParallelTempering::new(Gibbs::new(Scan::Random), 2)
    };
    stochastic_over_gibbs: spin_levels(), spin_states, |_: &SpinLevels| {
        ParallelTempering::new(Gibbs::new(Scan::Sweep), 2).scheme(SwapScheme::Stochastic)
    };
    even_odd_of_three_levels: table_levels(), table_states, |_: &TableLevels| {
        ParallelTempering::new(Gibbs::new(Scan::Random), 3)
    };
    stochastic_of_three_levels: table_levels(), table_states, |_: &TableLevels| {
        ParallelTempering::new(Gibbs::new(Scan::Random), 3).scheme(SwapScheme::Stochastic)
    };
}

#[test]
fn two_replicas_of_three_spins_keep_their_product_law() {
    let spins = PairwiseSpins::new(
        vec![0.0, 0.8, -0.4, 0.8, 0.0, 1.1, -0.4, 1.1, 0.0],
        vec![0.3, 0.0, -0.6],
    )
    .unwrap();
    let target = LevelProduct::new(Temperatures(&spins), ladder(&[0.25, 1.0]));
    let kernel = ParallelTempering::new(Metropolis::new(UniformSite::new(3).unwrap()), 2);
    let report = check(&kernel, &target, &product(&spins.states(), 2), 1e-12).unwrap();
    report.assert();
}

#[test]
fn exact_draws_at_the_base_keep_the_product_law() {
    let table = FiniteTable::new(vec![0.0, 1.3, -0.7]).unwrap();
    let path = GeometricPath {
        target: &table,
        base: Uniform(3),
    };
    let states = product(&table.states(), 3);
    let target = LevelProduct::new(path.clone(), ladder(&[0.0, 0.4, 1.0]));
    let kernel = ParallelTempering::new(Gibbs::new(Scan::Random), 3);
    check(&kernel, &target, &states, 1e-12).unwrap().assert();
    // The same path of blocks of one chain.
    let path = OneChain(path);
    let blocks: Vec<_> = states
        .iter()
        .map(|s| s.iter().map(|x| vec![*x]).collect::<Vec<_>>())
        .collect();
    let target = LevelProduct::new(path, ladder(&[0.0, 0.4, 1.0]));
    let kernel = ParallelTempering::new(EachChain(Gibbs::new(Scan::Random)), 3);
    check(&kernel, &target, &blocks, 1e-12).unwrap().assert();
}

/// The owned states of a path.
type StateOf<A> = <<<A as AnnealingPath>::Target as Energy>::State as ToOwned>::Owned;

#[test]
fn a_draw_written_over_a_state_is_that_draw_and_allocates_nothing() {
    fn law<A: AnnealingPath>(path: &A, mut x: StateOf<A>)
    where
        StateOf<A>: PartialEq + std::fmt::Debug,
    {
        let (mut fresh, mut reused) = (stream(5, 0), stream(5, 0));
        for _ in 0..10 {
            let draw = path.sample_base(&mut fresh).unwrap();
            let before = CountingAllocator::calls();
            assert!(path.sample_base_into(&mut x, &mut reused));
            assert_eq!(CountingAllocator::calls(), before);
            assert_eq!(x, draw);
        }
        assert_eq!(fresh, reused);
    }
    let (torus, wells) = (Torus::new(3), TwoWells { dim: 2, apart: 1.0 });
    let spins = GeometricPath {
        target: &torus,
        base: Free(9),
    };
    let normal = Gaussian::new(vec![1.0, 2.0], &[2.0, 0.5, 0.5, 1.0]).unwrap();
    let numbers = LinearPath {
        base: normal,
        target: &wells,
    };
    law(&spins, vec![1; 9]);
    law(&&spins, vec![1; 9]);
    law(&OneChain(spins.clone()), vec![vec![1; 9]]);
    law(&numbers, vec![0.0; 2]);
    law(&OneChain(numbers), vec![vec![0.0; 2]]);
    // A path without exact draws says so, and leaves the state alone.
    let mut state = vec![1; 9];
    assert!(!Temperatures(&torus).sample_base_into(&mut state, &mut stream(5, 0)));
    assert_eq!(state, [1; 9]);
}

#[test]
fn a_step_allocates_nothing_where_the_base_is_drawn() {
    let torus = Torus::new(4);
    let spins = GeometricPath {
        target: &torus,
        base: Free(16),
    };
    for scheme in [SwapScheme::EvenOdd, SwapScheme::Stochastic] {
        let target = LevelProduct::new(spins.clone(), ladder(&[0.0, 0.1, 0.2]));
        let kernel = ParallelTempering::new(Gibbs::new(Scan::Sweep), 3).scheme(scheme);
        suite::allocates_nothing(&kernel, &target, &vec![vec![1; 16]; 3]);

        // The same path by blocks of one chain.
        let target = LevelProduct::new(OneChain(spins.clone()), ladder(&[0.0, 0.1, 0.2]));
        let kernel = ParallelTempering::new(EachChain(Gibbs::new(Scan::Sweep)), 3).scheme(scheme);
        suite::allocates_nothing(&kernel, &target, &vec![vec![vec![1; 16]]; 3]);
    }
    let wells = TwoWells { dim: 2, apart: 1.0 };
    let numbers = LinearPath {
        base: Gaussian::independent(vec![0.0; 2], vec![2.0; 2]).unwrap(),
        target: &wells,
    };
    let target = LevelProduct::new(numbers, ladder(&[0.0, 0.5, 1.0]));
    let kernel = ParallelTempering::new(Nuts::new().with_step_size(0.3).unwrap(), 3);
    suite::allocates_nothing(&kernel, &target, &vec![vec![0.1; 2]; 3]);
}

#[test]
fn a_cycle_is_moves_then_even_swaps_then_moves_then_odd_swaps() {
    let table = FiniteTable::new(vec![0.0, 1.0, -0.5]).unwrap();
    let levels = [0.2, 0.5, 1.0];
    let states = product(&table.states(), 3);
    let energy = |x: usize| table.energies()[x];
    let matrix = |entry: &dyn Fn(&[usize], &[usize]) -> f64| {
        DMatrix::from_fn(states.len(), states.len(), |i, j| {
            entry(&states[i], &states[j])
        })
    };
    let gibbs = |k: usize, x: usize| {
        let z: f64 = (0..3).map(|y| (-levels[k] * energy(y)).exp()).sum();
        (-levels[k] * energy(x)).exp() / z
    };
    let moves = matrix(&|_, to| (0..3).map(|k| gibbs(k, to[k])).product());
    let swap = |i: usize| {
        matrix(&|from, to| {
            let accept = ((levels[i + 1] - levels[i]) * (energy(from[i + 1]) - energy(from[i])))
                .exp()
                .min(1.0);
            let mut swapped = from.to_vec();
            swapped.swap(i, i + 1);
            f64::from(u8::from(swapped == to)) * accept
                + f64::from(u8::from(from == to)) * (1.0 - accept)
        })
    };
    let (even, odd) = (swap(0), swap(1));

    let target = LevelProduct::new(Temperatures(&table), ladder(&levels));
    let kernel = ParallelTempering::new(Gibbs::new(Scan::Random), 3);
    let cycle = enumerate(&kernel, &target, &states).unwrap();
    assert!((cycle.matrix() - &moves * &even * &moves * &odd).amax() < 1e-15);
    let coin = enumerate(&kernel.scheme(SwapScheme::Stochastic), &target, &states).unwrap();
    assert!((coin.matrix() - &moves * (0.5 * (even + odd))).amax() < 1e-15);
}

#[test]
fn a_constant_in_the_energy_changes_nothing_beyond_rounding() {
    let table = FiniteTable::new(vec![0.0, 1.0, -0.5]).unwrap();
    let states = product(&table.states(), 2);
    let kernel = ParallelTempering::new(Metropolis::new(Anywhere), 2);
    let plain = LevelProduct::new(Temperatures(&table), ladder(&[0.3, 1.0]));
    let plain = enumerate(&kernel, &plain, &states).unwrap();
    for constant in [1000.0, -1000.0] {
        let shifted = Shifted {
            target: table.clone(),
            constant,
        };
        let shifted = LevelProduct::new(Temperatures(&shifted), ladder(&[0.3, 1.0]));
        let shifted = enumerate(&kernel, &shifted, &states).unwrap();
        assert!(plain.distance(&shifted) < 1e-12);
    }
}

/// Proposes any of three states.
#[derive(Clone)]
struct Anywhere;
impl<T: LocalEnergy<Move = usize> + ?Sized> Proposal<T> for Anywhere {
    fn propose<R: Randomness + ?Sized>(&self, _: &T, _: &T::State, rng: &mut R) -> usize {
        rng.index(3)
    }
    fn connects(&self) -> bool {
        true
    }
}

/// A path whose works have the wrong sign: the swap ratio upside down.
#[derive(Clone)]
struct Inverted<'a>(&'a FiniteTable);
impl<'a> AnnealingPath for Inverted<'a> {
    type Target = Tempered<&'a FiniteTable>;
    fn at(&self, t: f64) -> Self::Target {
        Temperatures(self.0).at(t)
    }
    fn work(&self, x: &usize, from: f64, to: f64) -> f64 {
        -Temperatures(self.0).work(x, from, to)
    }
}

/// Metropolis to any of the states, with a cached energy that `reset` may forget to rebuild.
#[derive(Clone)]
struct Cached {
    forgets: bool,
}
impl MarkovKernel<Tempered<&FiniteTable>> for Cached {
    type State = (usize, f64);
    type Info = bool;
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE.not_ergodic()
    }
    fn init(&self, t: &Tempered<&FiniteTable>, x: &usize) -> Result<(usize, f64), TargetError> {
        Ok((*x, t.energy(x)))
    }
    fn position<'s>(&self, _: &Tempered<&FiniteTable>, s: &'s (usize, f64)) -> &'s usize
    where
        Tempered<&'s FiniteTable>: 's,
    {
        &s.0
    }
    fn reset(
        &self,
        t: &Tempered<&FiniteTable>,
        s: &mut (usize, f64),
        x: Option<&usize>,
    ) -> Result<(), TargetError> {
        if !self.forgets || x.is_some() {
            s.0 = *x.unwrap_or(&s.0);
            s.1 = t.energy(&s.0);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        t: &Tempered<&FiniteTable>,
        s: &mut (usize, f64),
        rng: &mut R,
    ) -> Result<bool, TargetError> {
        let to = rng.index(t.target.energies().len());
        let energy = t.energy(&to);
        let accepted = rng.bernoulli((s.1 - energy).exp().min(1.0));
        if accepted {
            *s = (to, energy);
        }
        Ok(accepted)
    }
}

#[test]
fn an_inverted_swap_ratio_and_a_stale_cache_are_caught() {
    let table = FiniteTable::new(vec![0.0, 1.0, 2.5]).unwrap();
    let states = product(&table.states(), 2);
    let levels = || ladder(&[0.2, 1.0]);
    let kernel = |forgets| ParallelTempering::new(Cached { forgets }, 2);

    let sound = LevelProduct::new(Temperatures(&table), levels());
    check(&kernel(false), &sound, &states, 1e-12)
        .unwrap()
        .assert();
    let stale = check(&kernel(true), &sound, &states, 1e-12).unwrap();
    assert!(
        stale.fails(Law::Invariance) || stale.fails(Law::Markov),
        "{stale}"
    );

    let inverted = LevelProduct::new(Inverted(&table), levels());
    let report = check(&kernel(false), &inverted, &states, 1e-12).unwrap();
    assert!(report.fails(Law::Invariance), "{report}");
}

/// `log Z` of the 4 × 4 lattice.
fn log_z_4x4(beta: f64) -> f64 {
    let terms: Vec<f64> = LEVELS_4X4.iter().map(|(e, g)| g.ln() - beta * e).collect();
    log_sum_exp(&terms)
}

/// The exact mean acceptance of a swap on the 4 × 4 lattice.
fn acceptance_4x4(a: f64, b: f64) -> f64 {
    let weight = |beta: f64, (e, g): (f64, f64)| (g.ln() - beta * e - log_z_4x4(beta)).exp();
    let mut sum = 0.0;
    for x in LEVELS_4X4 {
        for y in LEVELS_4X4 {
            sum += weight(a, x) * weight(b, y) * ((b - a) * (y.0 - x.0)).exp().min(1.0);
        }
    }
    sum
}

#[test]
fn swaps_on_four_by_four_ising_have_their_exact_acceptance_and_log_z() {
    let torus = Torus::new(4);
    for (seed, [a, b, exact]) in [
        [0.40, 0.45, 0.774_850_816_805_796_4],
        [0.40, 0.50, 0.613_613_729_545_333_7],
        [0.30, 0.60, 0.127_716_579_462_205_71],
    ]
    .into_iter()
    .enumerate()
    {
        assert!((acceptance_4x4(a, b) - exact).abs() < 1e-13);
        // Five intervals per pair, each missing with probability 1e-8.
        let settings = TemperingSettings::default()
            .tuning_rounds(0)
            .scans(60_000)
            .thin(60_000)
            .parallel(false)
            .steps_per_scan(2)
            .confidence(1.0 - 1e-8)
            .seed(seed as u64);
        let tempering = Tempering::new(
            Temperatures(&torus),
            Gibbs::new(Scan::Sweep),
            ladder(&[a, b]),
            settings,
        )
        .unwrap();
        let report = tempering.run_from(&vec![vec![1; 16]; 2]).unwrap();
        let swap = &report.swaps[0];
        assert_eq!(swap.proposed, 30_000);
        let measured = &swap.acceptance;
        assert!(measured.interval.contains(exact), "{exact}: {measured}");
        assert!(measured.std_err < 0.006, "{measured}");
        let ratio = log_z_4x4(b) - log_z_4x4(a);
        for e in [
            &report.log_ratio,
            &report.log_ratio_forward,
            &report.log_ratio_reverse,
        ] {
            assert!(e.interval.contains(ratio), "{ratio}: {e}");
            assert!(e.std_err < 0.1, "{e}");
        }
        assert!(report.log_z.is_none());
    }
}

#[test]
fn intervals_cover_where_moves_are_slow() {
    // One site of sixteen per scan: neighbouring scans hardly differ, and an interval that took
    // them for independent would miss most of the time.
    let torus = Torus::new(4);
    let levels = [0.25, 0.35, 0.44];
    let exact = log_z_4x4(0.44) - log_z_4x4(0.25);
    let swap = acceptance_4x4(0.25, 0.35);
    let runs = 150;
    let mut misses = [0u64; 3];
    for seed in 0..runs {
        let settings = TemperingSettings::default()
            .tuning_rounds(0)
            .scans(8000)
            .thin(8000)
            .parallel(false)
            .confidence(0.9)
            .seed(seed);
        let tempering = Tempering::new(
            Temperatures(&torus),
            Gibbs::new(Scan::Random),
            ladder(&levels),
            settings,
        )
        .unwrap();
        // A start that the run forgets within a hundredth of its length.
        let report = tempering.run_from(&vec![vec![1; 16]; 3]).unwrap();
        let intervals = [
            (&report.log_ratio, exact),
            (&report.log_ratio_forward, exact),
            (&report.swaps[0].acceptance, swap),
        ];
        for (miss, (estimate, exact)) in misses.iter_mut().zip(intervals) {
            *miss += u64::from(!estimate.interval.contains(exact));
        }
    }
    // 90 % intervals: more misses than this have probability 1e-8 if each has one of ten.
    let most = ergodic_math::special::binomial_quantile(1.0 - 1e-8, runs, 0.1).unwrap();
    println!("misses {misses:?} of {runs}, at most {most}");
    assert!(misses.iter().all(|&m| m <= most), "{misses:?} above {most}");
}

fn ising(side: usize, levels: usize, seed: u64, scans: usize, steps: usize) {
    let exact = [(8, 60.141_780_789_1), (16, 238.642_256_635_1)]
        .into_iter()
        .find(|(l, _)| *l == side)
        .unwrap()
        .1;
    let torus = Torus::new(side);
    let path = GeometricPath {
        target: &torus,
        base: Free(side * side),
    };
    let settings = TemperingSettings::default()
        .tuning_rounds(6)
        .scans(scans)
        .thin(scans)
        .steps_per_scan(steps)
        .confidence(1.0 - 1e-8)
        .seed(seed);
    let report = Tempering::new(
        path,
        Gibbs::new(Scan::Sweep),
        TemperatureLadder::linear(0.0, CRITICAL, levels - 1).unwrap(),
        settings,
    )
    .unwrap()
    .run()
    .unwrap();
    let log_z = report.log_z.as_ref().unwrap();
    println!(
        "L = {side}: Λ = {:.3}, rate {:.4} of best {:.4} (predicted {:.4}), {} round trips, {log_z}",
        report.barrier.total(),
        report.round_trip_rate,
        report.barrier.best_rate(),
        report.barrier.predicted_rate(true),
        report.round_trips,
    );
    assert!(log_z.interval.contains(exact), "{exact}: {log_z}");
    assert!(!log_z.bias.dominates());
    assert!(report.round_trip_rate >= 0.8 * report.barrier.best_rate());
    // Equal rejections after tuning.
    let r = report.barrier.rejections();
    let mean = report.barrier.total() / r.len() as f64;
    for r in r {
        assert!((r - mean).abs() < 0.35 * mean, "{r} beside {mean}");
    }
}

#[test]
fn critical_ising_reaches_its_round_trips_and_log_z() {
    ising(8, 40, 1, 5000, 6);
}

#[test]
#[ignore = "a minute"]
fn critical_ising_of_side_16_reaches_its_round_trips_and_log_z() {
    ising(16, 72, 1, 8000, 12);
}

fn two_wells_path(wells: &TwoWells) -> LinearPath<Gaussian, &TwoWells> {
    LinearPath {
        base: Gaussian::independent(vec![0.0; wells.dim], vec![5.0; wells.dim]).unwrap(),
        target: wells,
    }
}

#[test]
fn two_wells_reach_their_round_trips_and_log_z() {
    let wells = TwoWells { dim: 4, apart: 6.0 };
    let settings = TemperingSettings::default()
        .tuning_rounds(7)
        .scans(12_000)
        .steps_per_scan(10)
        .confidence(1.0 - 1e-8)
        .seed(5);
    let report = Tempering::new(
        two_wells_path(&wells),
        RandomWalk::new(1.2).unwrap(),
        TemperatureLadder::linear(0.0, 1.0, 20).unwrap(),
        settings,
    )
    .unwrap()
    .run()
    .unwrap();
    let log_z = report.log_z.as_ref().unwrap();
    println!(
        "two wells: Λ = {:.3}, rate {:.4} of best {:.4} (predicted {:.4}), {log_z}",
        report.barrier.total(),
        report.round_trip_rate,
        report.barrier.best_rate(),
        report.barrier.predicted_rate(true),
    );
    assert!(log_z.interval.contains(0.0), "{log_z}");
    assert!(log_z.std_err < 0.1, "{log_z}");
    assert!(report.round_trip_rate >= 0.8 * report.barrier.best_rate());
    // Both wells are visited: each round trip brings a new coin toss, so that hundreds of round
    // trips leave less than 1e-9 for a share outside [0.3, 0.7].
    let right = report.draws.iter().filter(|x| x[0] > 0.0).count() as f64 / 12_000.0;
    assert!((0.3..0.7).contains(&right), "{right}");
}

#[test]
fn gradient_kernels_are_tuned_at_every_level_and_keep_no_stale_gradient() {
    let wells = TwoWells { dim: 3, apart: 5.0 };
    let settings = TemperingSettings::default()
        .tuning_rounds(6)
        .scans(4000)
        .parallel(false)
        .confidence(1.0 - 1e-8)
        .seed(6);
    let report = Tempering::new(
        two_wells_path(&wells),
        Nuts::new(),
        TemperatureLadder::linear(0.0, 1.0, 8).unwrap(),
        settings,
    )
    .unwrap()
    .run()
    .unwrap();
    let log_z = report.log_z.unwrap();
    println!(
        "NUTS: Λ = {:.3}, rate {:.4}, {log_z}, acceptance {:?}",
        report.barrier.total(),
        report.round_trip_rate,
        report.acceptance,
    );
    assert!(log_z.interval.contains(0.0), "{log_z}");
    assert!(log_z.std_err < 0.1, "{log_z}");
    // The dual averaging of each level has reached its target of some 0.8.
    for acceptance in report.acceptance.iter().flatten() {
        assert!((0.6..0.98).contains(acceptance), "{:?}", report.acceptance);
    }
    // ⟨x₁²⟩ = 1 with variance 2, ⟨x₀²⟩ = 26 with variance 102: six standard errors of 500
    // independent draws of 4000.
    for (coordinate, exact, variance) in [(1, 1.0, 2.0f64), (0, 26.0, 102.0)] {
        let squares = report.draws.iter().map(|x| x[coordinate] * x[coordinate]);
        let mean = squares.sum::<f64>() / 4000.0;
        let six = 6.0 * (variance / 500.0).sqrt();
        assert!((mean - exact).abs() < six, "{mean} for {exact}");
    }
}

#[test]
fn reversible_swaps_diffuse_where_non_reversible_ones_travel() {
    let torus = Torus::new(4);
    let rate = |scheme| {
        let path = GeometricPath {
            target: &torus,
            base: Free(16),
        };
        let settings = TemperingSettings::default()
            .scheme(scheme)
            .tuning_rounds(5)
            .scans(8000)
            .thin(8000)
            .parallel(false)
            .seed(2);
        Tempering::new(
            path,
            Gibbs::new(Scan::Sweep),
            TemperatureLadder::linear(0.0, CRITICAL, 19).unwrap(),
            settings,
        )
        .unwrap()
        .run()
        .unwrap()
    };
    let (travel, diffuse) = (rate(SwapScheme::EvenOdd), rate(SwapScheme::Stochastic));
    // Theory: 1/(2 + 2·1.9) against 1/(2·19 + …).
    assert!(travel.round_trip_rate > 4.0 * diffuse.round_trip_rate);
    assert!(diffuse.round_trip_rate < 1.3 * diffuse.barrier.predicted_rate(false));
}

fn small(settings: TemperingSettings) -> Vec<u64> {
    let wells = TwoWells { dim: 2, apart: 3.0 };
    let report = Tempering::new(
        two_wells_path(&wells),
        RandomWalk::new(1.0).unwrap(),
        TemperatureLadder::linear(0.0, 1.0, 6).unwrap(),
        settings,
    )
    .unwrap()
    .run()
    .unwrap();
    let mut bits: Vec<u64> = report.draws.iter().flatten().map(|x| x.to_bits()).collect();
    bits.push(report.log_ratio.value.to_bits());
    bits.push(report.log_ratio.std_err.to_bits());
    bits.push(report.round_trips);
    bits
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let settings = TemperingSettings::default()
            .tuning_rounds(3)
            .scans(200)
            .seed(11);
        pool.build().unwrap().install(|| small(settings))
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(7));
    let alone = TemperingSettings::default()
        .tuning_rounds(3)
        .scans(200)
        .parallel(false)
        .seed(11);
    assert_eq!(one, small(alone));
}

#[cfg(feature = "serde")]
#[test]
fn a_stored_run_goes_on_with_the_same_bits() {
    let wells = TwoWells { dim: 2, apart: 3.0 };
    let settings = TemperingSettings::default()
        .tuning_rounds(3)
        .scans(300)
        .record_index(true)
        .seed(4);
    let tempering = Tempering::new(
        two_wells_path(&wells),
        RandomWalk::new(1.0).unwrap(),
        TemperatureLadder::linear(0.0, 1.0, 5).unwrap(),
        settings,
    )
    .unwrap();
    let whole = tempering.run().unwrap();
    // In pieces of 37 scans, each stored and read.
    let mut run = tempering.start().unwrap();
    while !tempering.advance(&mut run, 37).unwrap() {
        let bytes = postcard::to_allocvec(&run).unwrap();
        run = postcard::from_bytes(&bytes).unwrap();
    }
    let pieces = tempering.finish(run).unwrap();
    assert_eq!(whole.draws, pieces.draws);
    assert_eq!(whole.ladder, pieces.ladder);
    assert_eq!(whole.index, pieces.index);
    assert_eq!(whole.log_ratio, pieces.log_ratio);
    // Every replica is at one level after every scan.
    let index = whole.index.unwrap();
    assert_eq!(index.scans(), 300);
    for scan in 0..300 {
        let mut levels = index.levels(scan).unwrap().to_vec();
        levels.sort_unstable();
        assert_eq!(levels, [0, 1, 2, 3, 4, 5]);
    }
}

#[test]
fn bad_settings_and_targets_are_typed_errors() {
    let table = FiniteTable::new(vec![0.0, f64::INFINITY]).unwrap();
    let new = |settings| {
        Tempering::new(
            Temperatures(&table),
            Gibbs::new(Scan::Random),
            ladder(&[0.5, 1.0]),
            settings,
        )
    };
    let default = TemperingSettings::default;
    for (settings, argument) in [
        (default().scans(0), "scans"),
        (default().thin(0), "thin"),
        (default().steps_per_scan(0), "steps_per_scan"),
        (default().first_round(1), "first_round"),
        (default().tuning_rounds(80), "tuning_rounds"),
        (default().steps_per_scan(usize::MAX), "tuning_rounds"),
        (default().confidence(1.0), "confidence"),
    ] {
        assert_eq!(new(settings).unwrap_err().argument, argument);
    }
    let tempering = new(default()).unwrap();
    assert!(tempering.start().is_err()); // no base
    assert!(tempering.start_at(&[0]).is_err()); // one start for two levels
    assert!(tempering.start_at(&[0, 1]).is_err()); // infinite energy
    let unfinished = tempering.start_at(&[0, 0]).unwrap();
    assert!(tempering.finish(unfinished).is_err());

    let target = LevelProduct::new(Temperatures(&table), ladder(&[0.5, 1.0]));
    assert!(target.energy(&vec![0]).is_nan());
    let kernel = ParallelTempering::new(Gibbs::new(Scan::Random), 3);
    assert!(kernel.init(&target, &vec![0, 0]).is_err());
    assert!(kernel.steps_per_scan(0).is_err());

    // A new target with more levels or fewer.
    let kernel = ParallelTempering::new(Gibbs::new(Scan::Random), 2);
    let mut state = kernel.init(&target, &vec![0, 0]).unwrap();
    let three = LevelProduct::new(Temperatures(&table), ladder(&[0.2, 0.5, 1.0]));
    assert!(kernel.reset(&three, &mut state, None).is_err());
    assert!(kernel.reset(&three, &mut state, Some(&vec![0; 3])).is_err());
    let longer = ParallelTempering::new(Gibbs::new(Scan::Random), 3);
    assert!(longer.reset(&three, &mut state, None).is_err());
    longer.reset(&three, &mut state, Some(&vec![0; 3])).unwrap();
    assert_eq!(longer.position(&three, &state).len(), 3);
    assert!(kernel.reset(&target, &mut state, None).is_err());
}

#[test]
fn draws_outside_the_support_weigh_nothing() {
    // Half of the base is forbidden: Z = 1 + e⁻¹ of a reference measure of mass 4.
    let table = FiniteTable::new(vec![0.0, 1.0, f64::INFINITY, f64::INFINITY]).unwrap();
    let path = GeometricPath {
        target: &table,
        base: Uniform(4),
    };
    let settings = TemperingSettings::default()
        .tuning_rounds(0)
        .scans(20_000)
        .confidence(1.0 - 1e-8)
        .seed(8);
    let report = Tempering::new(
        path,
        Gibbs::new(Scan::Random),
        ladder(&[0.0, 1.0]),
        settings,
    )
    .unwrap()
    .run()
    .unwrap();
    let exact = (1.0 + (-1.0f64).exp()).ln();
    for e in [
        &report.log_ratio_forward,
        &report.log_ratio_reverse,
        &report.log_ratio,
    ] {
        assert!(e.interval.contains(exact - 4f64.ln()), "{e}");
        assert!(e.std_err > 1e-3 && e.std_err < 0.02, "{e}");
    }
    assert!(report.log_z.unwrap().interval.contains(exact));
    assert!(report.draws.iter().all(|x| *x < 2));
}

/// An exact draw from a table, that counts how it is tuned.
#[derive(Clone, Debug, Default, PartialEq)]
struct Tuned {
    first: usize,
    last: usize,
    steps: usize,
    frozen: usize,
}
impl<'t> MarkovKernel<Tempered<&'t FiniteTable>> for Tuned {
    type State = usize;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(&self, _: &Tempered<&'t FiniteTable>, x: &usize) -> Result<usize, TargetError> {
        Ok(*x)
    }
    fn position<'s>(&self, _: &Tempered<&'t FiniteTable>, s: &'s usize) -> &'s usize
    where
        Tempered<&'t FiniteTable>: 's,
    {
        s
    }
    fn reset(
        &self,
        _: &Tempered<&'t FiniteTable>,
        s: &mut usize,
        x: Option<&usize>,
    ) -> Result<(), TargetError> {
        *s = *x.unwrap_or(s);
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        t: &Tempered<&'t FiniteTable>,
        s: &mut usize,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        use ergodic_core::Conditional;
        self.frozen += 1;
        t.resample_site(s, 0, 1.0, rng);
        Ok(())
    }
    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        _: &Tempered<&'t FiniteTable>,
        _: &mut usize,
        _: Option<&()>,
        at: WarmupStep,
        _: &mut R,
    ) -> Result<(), TargetError> {
        self.first += usize::from(at.is_first());
        self.last += usize::from(at.is_last());
        self.steps += 1;
        self.frozen = 0;
        Ok(())
    }
}

#[test]
fn the_kernel_of_each_level_is_tuned_in_every_round_and_frozen_afterwards() {
    let table = FiniteTable::new(vec![0.0, 2.0, -1.0]).unwrap();
    let path = GeometricPath {
        target: &table,
        base: Uniform(3),
    };
    let settings = TemperingSettings::default()
        .tuning_rounds(3)
        .first_round(10)
        .scans(50)
        .steps_per_scan(2);
    let report = Tempering::new(path, Tuned::default(), ladder(&[0.0, 0.5, 1.0]), settings)
        .unwrap()
        .run()
        .unwrap();
    // Level 0 is drawn from the base; the others have seen 10 + 20 + 40 scans of two steps.
    let tuned = Tuned {
        first: 3,
        last: 3,
        steps: 140,
        frozen: 100,
    };
    assert_eq!(report.kernels, [Tuned::default(), tuned.clone(), tuned]);
    let scans: Vec<usize> = report.rounds.iter().map(|r| r.scans).collect();
    assert_eq!(scans, [10, 20, 40]);
    // The frozen run is a kernel that keeps its claims, its swaps and its steps between them.
    assert_eq!(
        (report.scheme, report.steps_per_scan),
        (SwapScheme::EvenOdd, 2)
    );
    let (mut frozen, law) = report.frozen(path_of(&table)).unwrap();
    let mut state = frozen.init(&law, &vec![0; 3]).unwrap();
    frozen.step(&law, &mut state, &mut stream(1, 0)).unwrap();
    let two = |steps| {
        let kernels = ParallelTempering::with_kernels(report.kernels.clone());
        let mut kernel = kernels.steps_per_scan(steps).unwrap();
        let mut state = kernel.init(&law, &vec![0; 3]).unwrap();
        kernel.step(&law, &mut state, &mut stream(1, 0)).unwrap();
        kernel
    };
    assert_eq!(frozen, two(2));
    assert_ne!(frozen, two(1));
    let kernel = ParallelTempering::new(Gibbs::new(Scan::Random), 3);
    check(&kernel, &law, &product(&table.states(), 3), 1e-12)
        .unwrap()
        .assert();
}

fn path_of(table: &FiniteTable) -> GeometricPath<&FiniteTable, Uniform> {
    GeometricPath {
        target: table,
        base: Uniform(3),
    }
}
