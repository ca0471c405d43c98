//! Simulated tempering: exact transition matrices, tuned weights, ratios of partition functions.

use crate::targets::{CRITICAL, Free, LEVELS_4X4, Torus, Uniform};
use ergodic_conformance::strategies::{self, FiniteTable, PairwiseSpins};
use ergodic_conformance::{Law, check, suite};
use ergodic_core::{Energy, GeometricPath, MarkovKernel, Randomness, StepInfo, Tempered};
use ergodic_math::special::log_sum_exp;
use ergodic_samplers::{
    AnnealingPath, AtLevel, Gibbs, LevelMixture, LevelMove, Metropolis, MetropolisHastings,
    Propose, Scan, SimulatedTempering, TemperatureLadder, Temperatures, UniformSite,
};
use proptest::strategy::Strategy;

type SpinMixture = LevelMixture<Temperatures<PairwiseSpins>>;

fn at_levels<X: Clone>(one: &[X], levels: usize) -> Vec<AtLevel<X>> {
    (0..levels)
        .flat_map(|level| {
            one.iter().map(move |x| AtLevel {
                x: x.clone(),
                level,
            })
        })
        .collect()
}

fn mixtures() -> impl Strategy<Value = SpinMixture> + Clone {
    let weights = proptest::collection::vec(-3.0..3.0f64, 3);
    (strategies::pairwise_spins(1..=3, 2.0), weights).prop_map(|(spins, weights)| {
        let ladder = TemperatureLadder::new(vec![0.1, 0.5, 1.0]).unwrap();
        LevelMixture::new(Temperatures(spins), ladder, weights).unwrap()
    })
}

fn states(t: &SpinMixture) -> Vec<AtLevel<Vec<i8>>> {
    at_levels(&t.path().0.states(), 3)
}

macro_rules! on_mixtures {
    ($($name:ident: $kernel:expr;)*) => {$(
        ergodic_conformance::kernel!($name {
            kernel: $kernel,
            targets: mixtures(),
            states: states,
            tolerance: 1e-12,
            energy_shift: none,
        });
    )*};
}

on_mixtures! {
    neighbours_over_gibbs: |_: &SpinMixture| SimulatedTempering::new(Gibbs::new(Scan::Random), 3);
    neighbours_over_metropolis: |t: &SpinMixture| {
        let site = UniformSite::new(t.path().0.len()).unwrap();
        SimulatedTempering::new(Metropolis::new(site), 3)
    };
    heat_bath_over_gibbs: |_: &SpinMixture| {
        SimulatedTempering::new(Gibbs::new(Scan::Sweep), 3).level_move(LevelMove::HeatBath)
    };
}

#[test]
fn exact_draws_at_the_base_keep_the_joint_law() {
    let table = FiniteTable::new(vec![0.0, 1.3, -0.7]).unwrap();
    let ladder = TemperatureLadder::new(vec![0.0, 0.4, 1.0]).unwrap();
    for moves in [LevelMove::Neighbour, LevelMove::HeatBath] {
        let path = GeometricPath {
            target: &table,
            base: Uniform(3),
        };
        let weights = vec![0.2, -0.3, 0.5];
        let target = LevelMixture::new(path, ladder.clone(), weights).unwrap();
        let kernel = SimulatedTempering::new(Gibbs::new(Scan::Random), 3).level_move(moves);
        let states = at_levels(&table.states(), 3);
        check(&kernel, &target, &states, 1e-13).unwrap().assert();
    }
}

#[test]
fn a_step_allocates_nothing_where_the_base_is_drawn() {
    let torus = Torus::new(4);
    let spins = GeometricPath {
        target: &torus,
        base: Free(16),
    };
    let start = AtLevel {
        x: vec![1; 16],
        level: 0,
    };
    for moves in [LevelMove::Neighbour, LevelMove::HeatBath] {
        let ladder = TemperatureLadder::linear(0.0, 0.2, 2).unwrap();
        let target = LevelMixture::new(spins.clone(), ladder, vec![0.0; 3]).unwrap();
        let kernel = SimulatedTempering::new(Gibbs::new(Scan::Sweep), 3).level_move(moves);
        suite::allocates_nothing(&kernel, &target, &start);
    }
}

/// Works of the wrong sign: the ratio of a level move upside down.
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

#[test]
fn an_inverted_level_ratio_is_caught() {
    let table = FiniteTable::new(vec![0.0, 1.0, 2.5]).unwrap();
    let ladder = TemperatureLadder::new(vec![0.2, 1.0]).unwrap();
    for moves in [LevelMove::Neighbour, LevelMove::HeatBath] {
        let target = LevelMixture::new(Inverted(&table), ladder.clone(), vec![0.0; 2]).unwrap();
        let kernel = SimulatedTempering::new(Gibbs::new(Scan::Random), 2).level_move(moves);
        let report = check(&kernel, &target, &at_levels(&table.states(), 2), 1e-12).unwrap();
        assert!(report.fails(Law::Invariance), "{report}");
    }
}

#[test]
fn tuned_weights_visit_all_levels_and_give_log_z() {
    let torus = Torus::new(4);
    let ladder = TemperatureLadder::linear(0.0, CRITICAL, 6).unwrap();
    let terms: Vec<f64> = LEVELS_4X4
        .iter()
        .map(|(e, g)| g.ln() - CRITICAL * e)
        .collect();
    let exact = log_sum_exp(&terms) - 16.0 * 2f64.ln();
    let start = AtLevel {
        x: vec![1; 16],
        level: 0,
    };
    for (seed, moves) in [(1, LevelMove::Neighbour), (2, LevelMove::HeatBath)] {
        let path = GeometricPath {
            target: &torus,
            base: Free(16),
        };
        let kernel = SimulatedTempering::new(Gibbs::new(Scan::Sweep), 7).level_move(moves);
        let law = kernel
            .tune(path, ladder.clone(), start.clone(), 60_000, seed)
            .unwrap();
        // The weights are −log Z_k up to what 60,000 steps resolve.
        assert!((law.log_weights()[6] + exact).abs() < 0.5);
        let report = kernel.run(&law, &start, 150_000, 1.0 - 1e-8, seed).unwrap();
        for &v in &report.visits {
            let share = v as f64 * 7.0 / 150_000.0;
            assert!((0.6..1.6).contains(&share), "{:?}", report.visits);
        }
        let log_ratio = &report.log_ratio;
        assert!(log_ratio.interval.contains(exact), "{exact}: {log_ratio}");
        assert!(log_ratio.std_err < 0.1, "{log_ratio}");
        assert!(report.round_trips > 100);
        assert_eq!(report.draws.len() as u64, report.visits[6]);
    }
}

#[test]
fn intervals_of_the_ratio_cover() {
    let table = FiniteTable::new(vec![0.0, 3.0, -2.0, 1.0]).unwrap();
    let log_z = |beta: f64| {
        let terms: Vec<f64> = table.energies().iter().map(|e| -beta * e).collect();
        log_sum_exp(&terms)
    };
    let ladder = TemperatureLadder::linear(0.1, 1.0, 5).unwrap();
    let exact = log_z(1.0) - log_z(0.1);
    let weights = ladder.levels().iter().map(|&t| -log_z(t)).collect();
    let law = LevelMixture::new(Temperatures(&table), ladder, weights).unwrap();
    let kernel = SimulatedTempering::new(Gibbs::new(Scan::Random), 6);
    let start = AtLevel { x: 0, level: 0 };
    let (runs, mut misses) = (400, 0u64);
    for seed in 0..runs {
        let log_ratio = kernel.run(&law, &start, 8000, 0.9, seed).unwrap().log_ratio;
        assert!(log_ratio.std_err < 0.3, "{log_ratio}");
        misses += u64::from(!log_ratio.interval.contains(exact));
    }
    let most = ergodic_math::special::binomial_quantile(1.0 - 1e-8, runs, 0.1).unwrap();
    println!("misses {misses} of {runs}, at most {most}");
    assert!(misses <= most, "{misses} above {most}");
}

#[test]
fn a_chain_that_has_hardly_travelled_states_no_error() {
    // Weights that hold the chain for thousands of steps at either end: one passage is no estimate,
    // however many steps there were.
    let table = FiniteTable::new(vec![0.0, 1.0]).unwrap();
    let ladder = TemperatureLadder::new(vec![0.2, 0.6, 1.0]).unwrap();
    let law = LevelMixture::new(Temperatures(&table), ladder, vec![0.0, -9.0, 0.0]).unwrap();
    let kernel = SimulatedTempering::new(Gibbs::new(Scan::Random), 3);
    let start = AtLevel { x: 0, level: 0 };
    let mut seen = 0;
    for seed in 0..20 {
        let Ok(report) = kernel.run(&law, &start, 30_000, 0.95, seed) else {
            continue; // has not left
        };
        seen += 1;
        assert!(report.round_trips < 8);
        assert_eq!(report.log_ratio.std_err, f64::INFINITY);
    }
    assert!(seen > 0);
}

#[test]
fn the_energy_of_a_level_is_not_passed_off_as_that_of_the_mixture() {
    let table = FiniteTable::new(vec![0.0, 1.0]).unwrap();
    let ladder = TemperatureLadder::new(vec![0.2, 1.0]).unwrap();
    let law = LevelMixture::new(Temperatures(&table), ladder, vec![0.0, -5.0]).unwrap();
    let any = MetropolisHastings::new(Any);
    let mut kernel = SimulatedTempering::new(any, 2);
    let mut state = kernel.init(&law, &AtLevel { x: 0, level: 0 }).unwrap();
    let mut rng = ergodic_math::rng::stream(1, 0);
    let info = kernel.step(&law, &mut state, &mut rng).unwrap();
    assert!(info.within.energy.is_some());
    assert_eq!(info.stats().energy, None);
}

/// Proposes either of two states.
#[derive(Clone)]
struct Any;
impl<T: Energy<State = usize> + ?Sized> Propose<T> for Any {
    fn propose<R: Randomness + ?Sized>(&self, _: &T, _: &usize, c: &mut usize, rng: &mut R) -> f64 {
        *c = rng.index(2);
        0.0
    }
}

#[test]
fn a_run_under_way_has_no_report_and_fits_its_own_ladder_only() {
    let table = FiniteTable::new(vec![0.0, 1.0]).unwrap();
    let ladder = |levels: &[f64]| TemperatureLadder::new(levels.to_vec()).unwrap();
    let law = LevelMixture::new(Temperatures(&table), ladder(&[0.5, 1.0]), vec![0.0; 2]).unwrap();
    let longer = ladder(&[0.2, 0.5, 1.0]);
    let longer = LevelMixture::new(Temperatures(&table), longer, vec![0.0; 3]).unwrap();
    let kernel = SimulatedTempering::new(Gibbs::new(Scan::Random), 2);
    let start = AtLevel { x: 0, level: 0 };
    assert!(kernel.start(&law, &start, 0, 1).is_err());
    let mut run = kernel.start(&law, &start, 100, 1).unwrap();
    assert!(!run.advance(&law, 99).unwrap());
    assert_eq!(run.step(), 99);
    let error = run.clone().finish(&law, 0.9).unwrap_err();
    assert!(error.to_string().contains("99 steps"), "{error}");
    assert!(run.advance(&longer, 1).is_err());
    assert!(run.advance(&law, 5).unwrap());
    assert_eq!(run.step(), 100);
    assert!(run.clone().finish(&longer, 0.9).is_err());
    assert!(run.clone().finish(&law, f64::NAN).is_err());
    assert_eq!(
        run.finish(&law, 0.9).unwrap().visits.iter().sum::<u64>(),
        100
    );
}

#[test]
fn bad_weights_levels_and_starts_are_typed_errors() {
    let table = FiniteTable::new(vec![0.0, f64::INFINITY]).unwrap();
    let ladder = || TemperatureLadder::new(vec![0.5, 1.0]).unwrap();
    let path = || Temperatures(&table);
    for weights in [vec![0.0], vec![0.0, f64::NAN]] {
        let error = LevelMixture::new(path(), ladder(), weights).unwrap_err();
        assert_eq!(error.argument, "log_weights");
    }
    let target = LevelMixture::new(path(), ladder(), vec![0.0; 2]).unwrap();
    let kernel = SimulatedTempering::new(Gibbs::new(Scan::Random), 2);
    assert_eq!(target.energy(&AtLevel { x: 0, level: 2 }), f64::INFINITY);
    assert!(kernel.init(&target, &AtLevel { x: 0, level: 2 }).is_err());
    assert!(kernel.init(&target, &AtLevel { x: 1, level: 0 }).is_err());
    let mut state = kernel.init(&target, &AtLevel { x: 0, level: 0 }).unwrap();
    let nowhere = AtLevel { x: 0, level: 9 };
    assert!(kernel.reset(&target, &mut state, Some(&nowhere)).is_err());
    let start = AtLevel { x: 0, level: 0 };
    assert!(kernel.tune(path(), ladder(), start.clone(), 0, 1).is_err());
    assert!(kernel.run(&target, &start, 0, 0.9, 1).is_err());
    assert!(kernel.run(&target, &start, 100, 1.0, 1).is_err());
    let three = SimulatedTempering::new(Gibbs::new(Scan::Random), 3);
    assert!(three.init(&target, &start).is_err());
    // A new target with more levels or fewer.
    let longer = TemperatureLadder::new(vec![0.2, 0.5, 1.0]).unwrap();
    let longer = LevelMixture::new(path(), longer, vec![0.0; 3]).unwrap();
    assert!(kernel.reset(&longer, &mut state, None).is_err());
    let top = AtLevel { x: 0, level: 2 };
    three.reset(&longer, &mut state, Some(&top)).unwrap();
    assert!(kernel.reset(&target, &mut state, None).is_err());
    assert!(three.steps_per_move(0).is_err());
}

/// What is stored goes on with the same bits.
#[cfg(feature = "serde")]
mod stored {
    use ergodic_core::LocalEnergy;
    use ergodic_samplers::{Proposal, Sampler};

    use super::*;

    /// Proposes any of three states.
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Anywhere;
    impl<T: LocalEnergy<Move = usize> + ?Sized> Proposal<T> for Anywhere {
        fn propose<R: Randomness + ?Sized>(&self, _: &T, _: &T::State, rng: &mut R) -> usize {
            rng.index(3)
        }
        fn connects(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_stored_run_goes_on_with_the_same_bits() {
        let table = FiniteTable::new(vec![0.0, 1.3, -0.7]).unwrap();
        let path = GeometricPath {
            target: &table,
            base: Uniform(3),
        };
        let ladder = TemperatureLadder::new(vec![0.0, 0.4, 1.0]).unwrap();
        let law = LevelMixture::new(path, ladder, vec![0.2, -0.3, 0.5]).unwrap();
        let start = AtLevel { x: 0, level: 0 };
        for moves in [LevelMove::Neighbour, LevelMove::HeatBath] {
            let kernel = SimulatedTempering::new(Metropolis::new(Anywhere), 3).level_move(moves);
            let whole = kernel.run(&law, &start, 1000, 0.9, 3).unwrap();
            let mut run = kernel.start(&law, &start, 1000, 3).unwrap();
            while !run.advance(&law, 37).unwrap() {
                let bytes = postcard::to_allocvec(&run).unwrap();
                run = postcard::from_bytes(&bytes).unwrap();
            }
            let pieces = run.finish(&law, 0.9).unwrap();
            assert_eq!(whole.draws, pieces.draws);
            assert_eq!(whole.visits, pieces.visits);
            assert_eq!(whole.log_ratio, pieces.log_ratio);
            assert_eq!(whole.leaving, pieces.leaving);
            assert_eq!(whole.round_trips, pieces.round_trips);
        }
    }

    #[test]
    fn the_driver_runs_it_as_any_kernel_and_resumes_its_checkpoint() {
        let table = FiniteTable::new(vec![0.0, 1.3, -0.7]).unwrap();
        let ladder = TemperatureLadder::new(vec![0.3, 0.6, 1.0]).unwrap();
        let law = LevelMixture::new(Temperatures(&table), ladder, vec![0.0; 3]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run");
        let kernel = SimulatedTempering::new(Gibbs::new(Scan::Random), 3);
        let sampler = |draws| {
            Sampler::new(kernel.clone(), &law)
                .starts(vec![AtLevel { x: 0, level: 0 }])
                .observe(
                    ["level", "x"],
                    |_: &LevelMixture<_>, at: &AtLevel<usize>, out| {
                        out[0] = at.level as f64;
                        out[1] = at.x as f64;
                    },
                )
                .chains(2)
                .warmup(10)
                .draws(draws)
        };
        let whole = sampler(200).run().unwrap();
        let _ = sampler(70).checkpoint(&file, 50).run().unwrap();
        let resumed = sampler(200).resume(&file).run().unwrap();
        for chain in 0..2 {
            assert_eq!(whole.draws.chain(chain), resumed.draws.chain(chain));
        }
    }
}
