//! Every kernel with what it learns under the driver: a run in pieces, on other numbers of threads,
//! has the bits of one run.
#![cfg(feature = "serde")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ergodic_core::{Energy, EnergyGradient, MarkovKernel, StepInfo};
use ergodic_samplers::{
    Andersen, Cycle, Hmc, Jitter, Langevin, LeimkuhlerMatthews, Mala, Mams, Mclmc, Mixture,
    NoseHoover, Nuts, Progress, RandomWalk, Run, SampleError, Sampler, Slice, TrajectoryLength,
    UnadjustedLangevin, VelocityRescaling, energy_gradient_fn,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A normal in three dimensions with unlike scales, two of them correlated.
fn target() -> impl EnergyGradient + Sync {
    energy_gradient_fn(3, |x: &[f64], g: &mut [f64]| {
        let residual = (x[1] - 0.8 * x[0]) / 0.36;
        g[0] = x[0] - 0.8 * residual;
        g[1] = residual;
        g[2] = 4.0 * x[2];
        0.5 * (x[0] * x[0] + 0.36 * residual * residual + 4.0 * x[2] * x[2])
    })
}

fn bits<K, S>(run: &Run<K, S>) -> Vec<u64> {
    run.draws.values().iter().map(|x| x.to_bits()).collect()
}

#[track_caller]
fn comes_back<T, K>(target: &T, kernel: K)
where
    T: EnergyGradient + Sync,
    K: MarkovKernel<T> + Serialize + DeserializeOwned + Send + Sync,
    K::State: Serialize + DeserializeOwned + Send,
{
    const WARMUP: usize = 150;
    let sampler = || {
        Sampler::new(kernel.clone(), target)
            .chains(2)
            .warmup(WARMUP)
            .draws(60)
            .seed(8)
    };
    let whole = sampler().threads(1).run().unwrap_or_else(|e| panic!("{e}"));
    assert!(whole.draws.values().iter().all(|x| x.is_finite()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ckpt");
    // Iterations of both chains together: breaks at the start, in the warm-up, at its end, after.
    for pieces in [vec![3, 170, 120, 1, 60], vec![299, 2, 40]] {
        let _ = std::fs::remove_file(&path);
        let mut pieces = pieces.into_iter().chain([usize::MAX]);
        let run = loop {
            let length = pieces.next().unwrap();
            let (stop, done) = (AtomicBool::new(false), AtomicUsize::new(0));
            let watch = |_: &Progress| {
                if done.fetch_add(1, Ordering::Relaxed) + 1 >= length {
                    stop.store(true, Ordering::Relaxed);
                }
            };
            let mut run = sampler()
                .threads(2)
                .checkpoint(&path, 1_000_000)
                .progress(watch)
                .stop(&stop);
            if path.exists() {
                run = run.resume(&path);
            }
            match run.run() {
                Ok(run) if !run.interrupted => break run,
                Ok(_) | Err(SampleError::Interrupted { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(bits(&whole), bits(&run));
        assert_eq!(whole.stats, run.stats);
        for (a, b) in whole.chains.iter().zip(&run.chains) {
            assert_eq!((a.warmup, a.sampling), (b.warmup, b.sampling));
        }
    }
}

macro_rules! kernels {
    ($($name:ident: $kernel:expr;)*) => {$(
        #[test]
        fn $name() {
            comes_back(&target(), $kernel);
        }
    )*};
}

kernels! {
    nuts: Nuts::new();
    hmc: Hmc::new(TrajectoryLength::Time(1.5)).unwrap();
    jittered_hmc: Hmc::new(TrajectoryLength::Steps(5)).unwrap().with_jitter(Jitter::StepSize(0.2)).unwrap();
    mala: Mala::new();
    mams: Mams::new();
    mclmc: Mclmc::new();
    random_walk: RandomWalk::new(0.5).unwrap();
    slice: Slice::new(1.0).unwrap();
    unadjusted_langevin: UnadjustedLangevin::new(0.05).unwrap();
    leimkuhler_matthews: LeimkuhlerMatthews::new(0.05).unwrap();
    langevin: Langevin::new("BAOAB".parse().unwrap(), 0.2, 1.0).unwrap();
    adjusted_langevin: Langevin::new("OBABO".parse().unwrap(), 0.2, 1.0).unwrap().adjusted().unwrap();
    andersen: Andersen::new(0.2, 1.0).unwrap();
    nose_hoover: NoseHoover::chain(0.2, vec![1.0; 3]).unwrap();
    velocity_rescaling: VelocityRescaling::new(0.2, 1.0).unwrap();
    cycle: Cycle::new(Nuts::new(), Slice::new(1.0).unwrap());
    mixture: Mixture::new(0.5, Mala::new(), RandomWalk::new(0.5).unwrap()).unwrap();
}

/// Whether the energies that a kernel reports are all, or none of them, `H` with a fresh momentum.
fn fresh<T, K>(target: &T, kernel: K) -> bool
where
    T: EnergyGradient + Sync,
    K: MarkovKernel<T> + Send + Sync,
    K::State: Send,
    K::Info: StepInfo,
{
    let run = Sampler::new(kernel, target)
        .chains(1)
        .warmup(20)
        .draws(20)
        .seed(1)
        .run()
        .unwrap();
    let steps = run.stats.chain(0);
    let found = steps.iter().filter(|s| s.fresh_momentum).count();
    assert!(
        found == 0 || found == steps.len(),
        "{found} of {}",
        steps.len()
    );
    found > 0
}

#[test]
fn energies_are_of_fresh_momenta_where_a_step_draws_all_of_them_anew() {
    let t = &target();
    assert!(fresh(t, Nuts::new()) && fresh(t, Mala::new()));
    assert!(fresh(t, Hmc::new(TrajectoryLength::Steps(5)).unwrap()));
    assert!(fresh(t, Cycle::new(Nuts::new(), Mala::new())));
    // No momenta, momenta of fixed length, momenta kept in part; and energies before a further move.
    assert!(
        !fresh(t, Slice::new(1.0).unwrap()) && !fresh(t, UnadjustedLangevin::new(0.05).unwrap())
    );
    assert!(!fresh(t, Mams::new()) && !fresh(t, Mclmc::new()));
    assert!(!fresh(
        t,
        Langevin::new("BAOAB".parse().unwrap(), 0.2, 1.0).unwrap()
    ));
    assert!(!fresh(t, Andersen::new(0.2, 1.0).unwrap()));
    assert!(!fresh(t, Cycle::new(Nuts::new(), Slice::new(1.0).unwrap())));
}

#[test]
fn the_target_is_what_it_says() {
    ergodic_samplers::check_gradient(&target(), &[0.3, -1.0, 0.7]).unwrap();
    assert!(target().energy(&[0.0; 3]) == 0.0);
}
