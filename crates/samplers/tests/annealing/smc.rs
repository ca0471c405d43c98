//! Sequential Monte Carlo against exact partition functions and moments.

use crate::targets::{CRITICAL, Free, Torus, TwoWells, Uniform};
use ergodic_conformance::strategies::FiniteTable;
use ergodic_core::{
    Claims, EachChain, Energy, GeometricPath, LocalEnergy, MarkovKernel, PathBase, Randomness,
    TargetError,
};
use ergodic_math::special::log_mean_exp;
use ergodic_samplers::{
    AnnealingError, Between, Gaussian, Gibbs, LinearPath, Metropolis, OneChain, Proposal,
    RandomWalk, Resampling, Scan, Smc, SmcLadder, SmcSettings, TemperatureLadder, Temperatures,
    UnadjustedLangevin,
};

const ALL: [Resampling; 4] = [
    Resampling::Multinomial,
    Resampling::Residual,
    Resampling::Stratified,
    Resampling::Systematic,
];

fn table() -> FiniteTable {
    FiniteTable::new(vec![0.0, 3.0, -2.0, 1.0]).unwrap()
}

fn log_z(table: &FiniteTable) -> f64 {
    table
        .energies()
        .iter()
        .map(|e| (-e).exp())
        .sum::<f64>()
        .ln()
}

fn fixed(steps: usize) -> SmcLadder {
    SmcLadder::Fixed(TemperatureLadder::linear(0.0, 1.0, steps).unwrap())
}

/// Proposes any of four states: a kernel that remembers where it was, so that resampling matters.
#[derive(Clone)]
struct Anywhere;
impl<T: LocalEnergy<Move = usize> + ?Sized> Proposal<T> for Anywhere {
    fn propose<R: Randomness + ?Sized>(&self, _: &T, _: &T::State, rng: &mut R) -> usize {
        rng.index(4)
    }
    fn connects(&self) -> bool {
        true
    }
}

/// Mean and standard error of `Ẑ/Z` over many small populations, and the mean of their variance
/// estimates.
fn replicate(settings: &SmcSettings, runs: u64) -> (f64, f64, f64, f64) {
    let table = table();
    let (mut ratios, mut variances) = (Vec::new(), 0.0);
    for seed in 0..runs {
        let path = GeometricPath {
            target: &table,
            base: Uniform(4),
        };
        let settings = settings.clone().seed(seed);
        let report = Smc::new(path, Metropolis::new(Anywhere), settings)
            .unwrap()
            .run()
            .unwrap();
        let ratio = (report.log_z.value - log_z(&table)).exp();
        // Infinite where few families are left, as among eight particles.
        let v = report.log_z.std_err.powi(2);
        variances += ratio * ratio * if v.is_finite() { v } else { 1.0 };
        ratios.push(ratio);
    }
    let n = runs as f64;
    let mean = ratios.iter().sum::<f64>() / n;
    let variance = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt(), variance, variances / n)
}

#[test]
fn z_on_a_fixed_ladder_is_unbiased_for_few_particles_whatever_the_resampling() {
    // Eight particles: a bias of O(1/N) would be a tenth. Each mean within six standard errors:
    // 2e-9 for each of six.
    for resampling in ALL {
        for threshold in if resampling == Resampling::Systematic {
            &[0.5, 0.8, 1.0][..]
        } else {
            &[1.0]
        } {
            let settings = SmcSettings::default()
                .particles(8)
                .ladder(fixed(3))
                .resampling(resampling)
                .threshold(*threshold);
            let (mean, std_err, _, _) = replicate(&settings, 10_000);
            assert!(std_err < 0.01);
            assert!(
                (mean - 1.0).abs() < 6.0 * std_err,
                "{resampling:?} at {threshold}: {mean} ± {std_err}"
            );
        }
    }
}

#[test]
fn the_genealogical_variance_is_that_of_z_under_multinomial_resampling() {
    let settings = SmcSettings::default()
        .particles(128)
        .ladder(fixed(3))
        .resampling(Resampling::Multinomial)
        .threshold(1.0);
    let (_, _, variance, estimated) = replicate(&settings, 10_000);
    // E[Ẑ² V] = Var Ẑ; both sides are known to a few per cent.
    assert!(
        (estimated / variance - 1.0).abs() < 0.2,
        "{estimated} for {variance}"
    );
}

#[test]
fn intervals_cover_for_one_population_and_for_several() {
    let table = table();
    let exact = log_z(&table);
    let runs = 400;
    let mut misses = [0u64; 3];
    for seed in 0..runs {
        let settings = SmcSettings::default()
            .particles(256)
            .confidence(0.9)
            .seed(seed);
        let kinds = [
            settings.clone().resampling(Resampling::Multinomial),
            settings.clone(),
            settings.particles(64).populations(6),
        ];
        for (miss, settings) in misses.iter_mut().zip(kinds) {
            let path = GeometricPath {
                target: &table,
                base: Uniform(4),
            };
            let smc = Smc::new(path, Gibbs::new(Scan::Random), settings).unwrap();
            let log_z = smc.run().unwrap().log_z;
            *miss += u64::from(!log_z.interval.contains(exact));
        }
    }
    let most = ergodic_math::special::binomial_quantile(1.0 - 1e-8, runs, 0.1).unwrap();
    println!("misses {misses:?} of {runs}, at most {most}");
    assert!(misses.iter().all(|&m| m <= most), "{misses:?} above {most}");
}

#[test]
fn critical_ising_has_its_log_z_adaptively_and_without_bias() {
    let exact = 60.141_780_789_1;
    let torus = Torus::new(8);
    for resampling in ALL {
        let path = GeometricPath {
            target: &torus,
            base: Free(64),
        };
        // The path runs to t = 1: give it the energy at β_c.
        let path = crate::targets::Scaled { path, to: CRITICAL };
        let settings = SmcSettings::default()
            .particles(1000)
            .steps(3)
            .resampling(resampling)
            .confidence(1.0 - 1e-8)
            .seed(3);
        let smc = Smc::new(path, Gibbs::new(Scan::Sweep), settings).unwrap();
        let (adaptive, second) = smc.run_twice().unwrap();
        for report in [&adaptive, &second] {
            let log_z = &report.log_z;
            assert!(log_z.interval.contains(exact), "{resampling:?}: {log_z}");
            assert!(log_z.std_err < 0.2, "{log_z}");
        }
        assert!(!adaptive.unbiased && second.unbiased);
        assert_eq!(adaptive.ladder, second.ladder);
        // Every stage but the last takes what the share of 0.9 allows.
        let (last, stages) = adaptive.stages.split_last().unwrap();
        assert!(last.conditional_ess >= 0.9);
        for stage in stages {
            assert!((stage.conditional_ess - 0.9).abs() < 1e-6, "{stage:?}");
        }
    }
}

#[test]
fn two_wells_have_their_moments_and_log_z() {
    let wells = TwoWells { dim: 3, apart: 4.0 };
    let path = LinearPath {
        base: Gaussian::independent(vec![0.0; 3], vec![4.0; 3]).unwrap(),
        target: &wells,
    };
    let settings = SmcSettings::default()
        .particles(2000)
        .steps(5)
        .populations(12)
        .confidence(1.0 - 1e-8)
        .seed(9);
    let report = Smc::new(path, RandomWalk::new(1.0).unwrap(), settings)
        .unwrap()
        .run()
        .unwrap();
    assert!(report.log_z.interval.contains(0.0), "{}", report.log_z);
    assert!(report.log_z.std_err < 0.02, "{}", report.log_z);
    assert_eq!(report.particles.len(), 24_000);
    assert!(report.ess() > 10_000.0);
    // ⟨x₀²⟩ = 17 with variance 66, ⟨x₁²⟩ = 1 with variance 2: six standard errors of 3000 of the
    // ten thousand effective draws.
    for (found, exact, variance) in [
        (report.mean(|x| x[0] * x[0]), 17.0, 66.0f64),
        (report.mean(|x| x[1] * x[1]), 1.0, 2.0),
    ] {
        assert!(
            (found - exact).abs() < 6.0 * (variance / 3000.0).sqrt(),
            "{found} for {exact}"
        );
    }
    let mut rng = ergodic_math::rng::stream(1, 0);
    assert_eq!(report.resampled(10, &mut rng).unwrap().len(), 10);
}

#[test]
fn populations_are_averaged_as_their_z() {
    let table = table();
    let path = GeometricPath {
        target: &table,
        base: Uniform(4),
    };
    let settings = SmcSettings::default()
        .particles(200)
        .populations(5)
        .ladder(fixed(4));
    let report = Smc::new(path, Gibbs::new(Scan::Random), settings)
        .unwrap()
        .run()
        .unwrap();
    assert!(report.unbiased);
    let mean = log_mean_exp(&report.log_z_populations);
    assert!((report.log_z.value - mean).abs() < 1e-12);
    for (p, log_z) in report.log_z_populations.iter().enumerate() {
        let share: f64 = report.weights[200 * p..200 * (p + 1)].iter().sum();
        assert!((share - (log_z - mean).exp() / 5.0).abs() < 1e-12);
    }
}

#[test]
fn blocks_of_one_chain_and_draws_outside_the_support_give_the_same_law() {
    // Two of five base states are forbidden.
    let table = FiniteTable::new(vec![0.0, f64::INFINITY, 1.0, f64::INFINITY, -1.0]).unwrap();
    let exact = (1.0 + (-1.0f64).exp() + 1f64.exp()).ln();
    let settings = SmcSettings::default()
        .particles(5000)
        .confidence(1.0 - 1e-8)
        .seed(2);
    let path = || GeometricPath {
        target: &table,
        base: Uniform(5),
    };
    let kernel = Gibbs::new(Scan::Random);
    let one = Smc::new(path(), kernel, settings.clone()).unwrap();
    let block = Smc::new(OneChain(path()), EachChain(kernel), settings).unwrap();
    let (one, block) = (one.run().unwrap(), block.run().unwrap());
    for log_z in [&one.log_z, &block.log_z] {
        assert!(log_z.interval.contains(exact), "{exact}: {log_z}");
        assert!(log_z.std_err < 0.05);
    }
    // P(4) = e/Z within six standard errors of 1000 draws.
    let p = (1.0 - exact).exp();
    let six = 6.0 * (p * (1.0 - p) / 1000.0).sqrt();
    let found = one.mean(|x| f64::from(u8::from(*x == 4)));
    assert!((found - p).abs() < six, "{found} for {p}");
    let found = block.mean(|x| f64::from(u8::from(x[0] == 4)));
    assert!((found - p).abs() < six, "{found} for {p}");
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let wells = TwoWells { dim: 2, apart: 3.0 };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let path = LinearPath {
                base: Gaussian::independent(vec![0.0; 2], vec![4.0; 2]).unwrap(),
                target: &wells,
            };
            let settings = SmcSettings::default().particles(300).seed(6);
            let report = Smc::new(path, RandomWalk::new(1.0).unwrap(), settings)
                .unwrap()
                .run()
                .unwrap();
            let mut bits: Vec<u64> = report
                .particles
                .iter()
                .flatten()
                .map(|x| x.to_bits())
                .collect();
            bits.extend(report.weights.iter().map(|w| w.to_bits()));
            bits.push(report.log_z.value.to_bits());
            bits
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}

#[test]
fn bad_settings_and_targets_are_typed_errors() {
    let table = table();
    let path = || GeometricPath {
        target: &table,
        base: Uniform(4),
    };
    let default = SmcSettings::default;
    let from_half = TemperatureLadder::linear(0.5, 1.0, 2).unwrap();
    for (settings, argument) in [
        (default().particles(1), "particles"),
        (default().steps(0), "steps"),
        (default().populations(0), "populations"),
        (default().threshold(0.0), "threshold"),
        (default().threshold(1.1), "threshold"),
        (default().confidence(f64::NAN), "confidence"),
        (default().ladder(SmcLadder::Adaptive(1.0)), "ladder"),
        (default().ladder(SmcLadder::Fixed(from_half)), "ladder"),
    ] {
        let error = Smc::new(path(), Gibbs::new(Scan::Random), settings).unwrap_err();
        assert_eq!(error.argument, argument);
    }
    let no_base = Smc::new(Temperatures(&table), Gibbs::new(Scan::Random), default());
    assert_eq!(no_base.unwrap_err().argument, "path");
    // Nothing of the base is in the support.
    #[derive(Clone)]
    struct Only(usize);
    impl PathBase<usize> for Only {
        fn log_z(&self) -> f64 {
            0.0
        }
        fn sample<R: Randomness + ?Sized>(&self, _: &mut R) -> usize {
            self.0
        }
    }
    let table = FiniteTable::new(vec![0.0, f64::INFINITY]).unwrap();
    let path = GeometricPath {
        target: &table,
        base: Only(1),
    };
    let smc = Smc::new(path, Gibbs::new(Scan::Random), default()).unwrap();
    assert!(smc.run().unwrap_err().to_string().contains("finite energy"));
}

/// Draws exactly from the law of each level between two centred normals: particles forget where
/// they were, so that all of the variance of `Ẑ` is that of the weights.
#[derive(Clone)]
struct Forgets {
    precision: f64,
}
impl<T: Energy<State = [f64]>> MarkovKernel<Between<Gaussian, T>> for Forgets {
    type State = Vec<f64>;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(&self, _: &Between<Gaussian, T>, x: &[f64]) -> Result<Vec<f64>, TargetError> {
        Ok(x.to_vec())
    }
    fn position<'s>(&self, _: &Between<Gaussian, T>, x: &'s Vec<f64>) -> &'s [f64]
    where
        T: 's,
    {
        x
    }
    fn reset(
        &self,
        _: &Between<Gaussian, T>,
        state: &mut Vec<f64>,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            state.copy_from_slice(x);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &Between<Gaussian, T>,
        x: &mut Vec<f64>,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let precision = (1.0 - target.t) + target.t * self.precision;
        x.fill_with(|| rng.normal() / precision.sqrt());
        Ok(())
    }
}

#[test]
fn the_stated_error_is_not_below_the_true_one_after_many_resamplings() {
    // From N(0, 1) to N(0, 10⁻⁶) in three dimensions: a dozen resamplings.
    let target = Gaussian::independent(vec![0.0; 3], vec![1e-3; 3]).unwrap();
    let path = || LinearPath {
        base: Gaussian::standard(3).unwrap(),
        target: &target,
    };
    let smc = |settings| Smc::new(path(), Forgets { precision: 1e6 }, settings).unwrap();
    // The levels of one adaptive run serve all others, which need not search for them.
    let settings = SmcSettings::default().particles(256);
    let ladder = SmcLadder::Fixed(smc(settings.clone()).run().unwrap().ladder);
    let settings = settings.ladder(ladder);
    let runs = 200;
    for resampling in ALL {
        let (mut squares, mut stated, mut resamplings) = (0.0, 0.0, 0);
        for seed in 0..runs {
            let settings = settings.clone().resampling(resampling).seed(1000 + seed);
            let report = smc(settings).run().unwrap();
            let error = report.log_z.value - PathBase::<Vec<f64>>::log_z(&target);
            squares += error * error / runs as f64;
            stated += report.log_z.std_err.powi(2) / runs as f64;
            resamplings += report.stages.iter().filter(|s| s.resampled).count();
        }
        // A sum of 200 squares is known to a tenth: three fifths and twice are over five
        // standard deviations away for the multinomial, and the others err towards large errors.
        let (ratio, resamplings) = (stated / squares, resamplings as u64 / runs);
        println!("{resampling:?}: {resamplings} resamplings, stated/true variance {ratio}");
        assert!(resamplings >= 5);
        assert!((0.6..2.5).contains(&ratio), "{resampling:?}: {ratio}");
    }
}

#[test]
fn z_is_not_called_unbiased_where_the_moves_are_not_invariant() {
    let target = Gaussian::standard(1).unwrap();
    let path = || LinearPath {
        base: Gaussian::independent(vec![0.0], vec![2.0]).unwrap(),
        target: &target,
    };
    let settings = SmcSettings::default().particles(64).ladder(fixed(4));
    let unadjusted = UnadjustedLangevin::new(0.1).unwrap();
    let report = Smc::new(path(), unadjusted, settings.clone())
        .unwrap()
        .run();
    assert!(!report.unwrap().unbiased);
    let adjusted = RandomWalk::new(1.0).unwrap();
    let report = Smc::new(path(), adjusted, settings).unwrap().run();
    assert!(report.unwrap().unbiased);
}

#[test]
fn the_second_of_two_runs_has_random_numbers_of_its_own() {
    let table = table();
    let path = GeometricPath {
        target: &table,
        base: Uniform(4),
    };
    let settings = SmcSettings::default()
        .particles(64)
        .populations(2)
        .ladder(fixed(4));
    let smc = Smc::new(path, Gibbs::new(Scan::Random), settings).unwrap();
    let (first, second) = smc.run_twice().unwrap();
    let mut all = first.log_z_populations;
    all.extend(second.log_z_populations);
    all.sort_by(f64::total_cmp);
    assert!(all.windows(2).all(|w| w[0] < w[1]), "{all:?}");
}

#[cfg(feature = "serde")]
#[test]
fn a_stored_run_goes_on_with_the_same_bits() {
    let wells = TwoWells { dim: 2, apart: 2.0 };
    let path = LinearPath {
        base: Gaussian::independent(vec![0.0; 2], vec![3.0; 2]).unwrap(),
        target: &wells,
    };
    // Kernels that adapt from stage to stage, resampling, and two populations: all that a run has.
    let settings = SmcSettings::default()
        .particles(150)
        .ladder(SmcLadder::Adaptive(0.97))
        .threshold(0.99)
        .tuning_steps(10)
        .populations(2)
        .seed(6);
    let smc = Smc::new(path, RandomWalk::new(1.0).unwrap(), settings).unwrap();
    let (first, second) = smc.run_twice().unwrap();
    assert!(first.stages.len() > 3 && first.stages.iter().any(|s| s.resampled));
    for (whole, mut run) in [(&first, smc.start()), (&second, smc.start_again(&first))] {
        let mut stops = 0;
        // A stage at a time, each stored and read; first the run that has not begun.
        loop {
            let bytes = postcard::to_allocvec(&run).unwrap();
            run = postcard::from_bytes(&bytes).unwrap();
            stops += 1;
            if smc.advance(&mut run, 1).unwrap() {
                break;
            }
            assert!(run.arrived() < 2 && !run.stages().is_empty());
        }
        assert!(stops > whole.stages.len());
        assert!(smc.advance(&mut run, 5).unwrap(), "nothing is left to do");
        let pieces = smc.finish(run).unwrap();
        assert_eq!(whole.particles, pieces.particles);
        assert_eq!(whole.weights, pieces.weights);
        assert_eq!(whole.ancestors, pieces.ancestors);
        assert_eq!(whole.stages, pieces.stages);
        assert_eq!(whole.log_z, pieces.log_z);
        assert_eq!(whole.log_z_populations, pieces.log_z_populations);
        assert_eq!(
            (whole.unbiased, &whole.ladder),
            (pieces.unbiased, &pieces.ladder)
        );
    }
}

#[test]
fn a_run_that_has_not_arrived_has_no_report() {
    let table = table();
    let path = GeometricPath {
        target: &table,
        base: Uniform(4),
    };
    let settings = SmcSettings::default()
        .particles(64)
        .populations(2)
        .ladder(fixed(3));
    let smc = Smc::new(path, Gibbs::new(Scan::Random), settings).unwrap();
    let mut run = smc.start();
    assert_eq!((run.arrived(), run.stages().len()), (0, 0));
    assert!(!smc.advance(&mut run, 4).unwrap());
    assert_eq!((run.arrived(), run.stages().len()), (1, 1));
    let Err(AnnealingError::Argument(error)) = smc.finish(run.clone()) else {
        panic!("one population is missing");
    };
    assert_eq!(error.argument, "run");
    assert!(smc.advance(&mut run, 2).unwrap());
    assert_eq!(run.arrived(), 2);
    assert_eq!(smc.finish(run).unwrap().log_z_populations.len(), 2);
}
