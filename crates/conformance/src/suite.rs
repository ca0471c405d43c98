//! The tests that every kernel owes, as functions and as one macro line.

use std::fmt::Debug;
use std::hash::Hash;

use ergodic_core::{Claims, Energy, MarkovKernel, Randomness, Stationarity};
use ergodic_math::Real;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::orbit::larger;
use crate::{
    Budget, CountingAllocator, Finding, Law, Quadrature, QuasiMonteCarlo, Report, Shifted, check,
    enumerate,
};

/// Runs `law` on random targets from a fixed seed; a failure is shrunk to a small target.
#[track_caller]
fn on_targets<S: Strategy>(targets: S, law: impl Fn(&S::Value) -> Result<(), String>) {
    let config = Config {
        cases: Budget::cases(),
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng)
        .run(&targets, |target| law(&target).map_err(TestCaseError::fail));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn verdict(report: Report) -> Result<(), String> {
    if report.passed() {
        Ok(())
    } else {
        Err(report.to_string())
    }
}

/// The kernel keeps its claims on random finite targets: exact transition matrices, by
/// [`check`].
///
/// # Panics
/// With the report and the smallest failing target.
#[track_caller]
pub fn discrete<T, K, S>(
    kernel: impl Fn(&T) -> K,
    targets: S,
    states: impl Fn(&T) -> Vec<<T::State as ToOwned>::Owned>,
    tolerance: f64,
) where
    T: Energy + Debug,
    T::State: Hash + Eq + Debug,
    <T::State as ToOwned>::Owned: Hash + Eq,
    K: MarkovKernel<T>,
    S: Strategy<Value = T>,
{
    on_targets(targets, |target| {
        check(&kernel(target), target, &states(target), tolerance)
            .map_err(|e| e.to_string())
            .and_then(verdict)
    });
}

/// The same claims as [`discrete`], but others than the kernel's own: for what holds on a class
/// of targets only, such as ergodicity.
///
/// # Panics
/// With the report and the smallest failing target.
#[track_caller]
pub fn discrete_claims<T, K, S>(
    kernel: impl Fn(&T) -> K,
    claims: Claims,
    targets: S,
    states: impl Fn(&T) -> Vec<<T::State as ToOwned>::Owned>,
    tolerance: f64,
) where
    T: Energy + Debug,
    T::State: Hash + Eq + Debug,
    <T::State as ToOwned>::Owned: Hash + Eq,
    K: MarkovKernel<T>,
    S: Strategy<Value = T>,
{
    on_targets(targets, |target| {
        let states = states(target);
        let energies: Vec<f64> = states
            .iter()
            .map(|x| target.energy(std::borrow::Borrow::borrow(x)))
            .collect();
        let matrix = enumerate(&kernel(target), target, &states).map_err(|e| e.to_string())?;
        matrix
            .check(&energies, claims, tolerance)
            .map_err(|e| e.to_string())
            .and_then(verdict)
    });
}

/// `E + c` gives the same transition matrix as `E`, for `c = ±1000`: to the bit if
/// `tolerance = 0`, which kernels owe that use energy differences only.
///
/// # Panics
/// With the distance and the smallest failing target.
#[track_caller]
pub fn energy_shift<T, K, S>(
    kernel: impl Fn(&T) -> K,
    targets: S,
    states: impl Fn(&T) -> Vec<<T::State as ToOwned>::Owned>,
    tolerance: f64,
) where
    T: Energy + Debug + Clone,
    T::State: Hash + Eq + Debug,
    <T::State as ToOwned>::Owned: Hash + Eq,
    K: MarkovKernel<T> + MarkovKernel<Shifted<T>>,
    S: Strategy<Value = T>,
{
    on_targets(targets, |target| {
        let (kernel, states) = (kernel(target), states(target));
        let plain = enumerate(&kernel, target, &states).map_err(|e| e.to_string())?;
        for constant in [1000.0, -1000.0] {
            let shifted = Shifted {
                target: target.clone(),
                constant,
            };
            let moved = enumerate(&kernel, &shifted, &states).map_err(|e| e.to_string())?;
            let distance = plain.distance(&moved);
            if distance > tolerance {
                return Err(format!(
                    "{}: adding {constant} to the energy changes a transition probability by \
                     {distance:e}",
                    Law::EnergyShift
                ));
            }
        }
        Ok(())
    });
}

/// Positions after each of `steps` steps from `x`, on stream `(seed, 0)`.
fn trace<T, K>(
    kernel: &mut K,
    target: &T,
    state: &mut K::State,
    rng: &mut impl Randomness,
    steps: usize,
) -> Result<Vec<<T::State as ToOwned>::Owned>, String>
where
    T: Energy,
    K: MarkovKernel<T>,
{
    let mut positions = Vec::with_capacity(steps);
    for _ in 0..steps {
        kernel.step(target, state, rng).map_err(|e| e.to_string())?;
        positions.push(kernel.position(target, state).to_owned());
    }
    Ok(positions)
}

fn first<T: Energy>(
    states: &[<T::State as ToOwned>::Owned],
) -> Result<&<T::State as ToOwned>::Owned, String> {
    states.first().ok_or_else(|| "there are no states".into())
}

/// Two runs with one seed visit the same positions.
///
/// # Panics
/// With the first step at which they part.
#[track_caller]
pub fn determinism<T, K, S>(
    kernel: impl Fn(&T) -> K,
    targets: S,
    states: impl Fn(&T) -> Vec<<T::State as ToOwned>::Owned>,
) where
    T: Energy + Debug,
    <T::State as ToOwned>::Owned: PartialEq,
    K: MarkovKernel<T>,
    S: Strategy<Value = T>,
{
    on_targets(targets, |target| {
        let states = states(target);
        let start = first::<T>(&states)?;
        runs_twice(
            || kernel(target),
            target,
            std::borrow::Borrow::borrow(start),
        )
    });
}

fn runs_twice<T, K>(kernel: impl Fn() -> K, target: &T, start: &T::State) -> Result<(), String>
where
    T: Energy,
    <T::State as ToOwned>::Owned: PartialEq,
    K: MarkovKernel<T>,
{
    let run = || {
        let mut kernel = kernel();
        let mut state = kernel.init(target, start).map_err(|e| e.to_string())?;
        let mut rng = ergodic_math::rng::stream(20, 0);
        trace(&mut kernel, target, &mut state, &mut rng, 64)
    };
    same(&run()?, &run()?, "a second run with the same seed")
}

/// A run that is copied in the middle (kernel, state and generator, as a checkpoint stores them)
/// goes on as the original does.
///
/// # Panics
/// With the first step at which they part.
#[track_caller]
pub fn checkpoint<T, K, S>(
    kernel: impl Fn(&T) -> K,
    targets: S,
    states: impl Fn(&T) -> Vec<<T::State as ToOwned>::Owned>,
) where
    T: Energy + Debug,
    <T::State as ToOwned>::Owned: PartialEq,
    K: MarkovKernel<T>,
    S: Strategy<Value = T>,
{
    on_targets(targets, |target| {
        let states = states(target);
        let start = first::<T>(&states)?;
        goes_on(kernel(target), target, std::borrow::Borrow::borrow(start))
    });
}

fn goes_on<T, K>(mut kernel: K, target: &T, start: &T::State) -> Result<(), String>
where
    T: Energy,
    <T::State as ToOwned>::Owned: PartialEq,
    K: MarkovKernel<T>,
{
    let mut state = kernel.init(target, start).map_err(|e| e.to_string())?;
    let mut rng = ergodic_math::rng::stream(21, 0);
    trace(&mut kernel, target, &mut state, &mut rng, 32)?;
    let (mut kernel2, mut state2, mut rng2) = (kernel.clone(), state.clone(), rng.clone());
    let original = trace(&mut kernel, target, &mut state, &mut rng, 32)?;
    let copy = trace(&mut kernel2, target, &mut state2, &mut rng2, 32)?;
    same(&original, &copy, "the copy of a run")
}

/// The kernel keeps its claims on a 1-D or 2-D target, by [`Quadrature::check`]; a claim of an
/// order in the step size needs [`Quadrature::asymptotic`] instead.
///
/// # Panics
/// With the report.
#[track_caller]
pub fn continuous<T, K>(kernel: &K, target: &T, quadrature: &Quadrature, tolerance: f64)
where
    T: Energy<State = [f64]>,
    K: MarkovKernel<T>,
{
    match quadrature.check(kernel, target, tolerance) {
        Ok(report) => report.assert(),
        Err(error) => panic!("{error}"),
    }
}

/// [`determinism`] and [`checkpoint`] for one target, from the centre of the domain of
/// `quadrature`.
///
/// # Panics
/// With the first step at which two runs part.
#[track_caller]
pub fn continuous_runs<T, K>(kernel: &K, target: &T, quadrature: &Quadrature)
where
    T: Energy<State = [f64]>,
    K: MarkovKernel<T>,
{
    runs(kernel, target, &quadrature.centre());
}

fn same<X: PartialEq>(a: &[X], b: &[X], what: &str) -> Result<(), String> {
    match a.iter().zip(b).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(step) => Err(format!("{what} parts from the first at step {step}")),
    }
}

/// The kernel keeps its claims from exact draws of a target of any dimension, by
/// [`QuasiMonteCarlo::check`].
///
/// # Panics
/// With the report.
#[track_caller]
pub fn tapes<T, K>(
    kernel: &K,
    target: &T,
    exact: impl Fn(&mut dyn Randomness) -> Vec<f64>,
    tapes: &QuasiMonteCarlo,
) where
    T: Energy<State = [f64]> + ?Sized,
    K: MarkovKernel<T>,
{
    match tapes.check(kernel, target, exact) {
        Ok(report) => report.assert(),
        Err(error) => panic!("{error}"),
    }
}

/// For tests: a single finding.
///
/// # Panics
/// With the finding if its law is broken, or with the error.
#[track_caller]
pub fn holds<E: std::fmt::Display>(finding: Result<Finding, E>) {
    match finding {
        Ok(finding) if finding.passed => {}
        Ok(finding) => panic!(
            "{} is broken by {:.3e}: {}",
            finding.law, finding.residual, finding.detail
        ),
        Err(error) => panic!("{error}"),
    }
}

/// Two runs with one seed visit the same positions, and one that is copied in the middle goes on
/// as the original does: [`determinism`] and [`checkpoint`] for one target and start.
///
/// # Panics
/// With the first step at which two runs part.
#[track_caller]
pub fn runs<T, K>(kernel: &K, target: &T, start: &T::State)
where
    T: Energy,
    <T::State as ToOwned>::Owned: PartialEq,
    K: MarkovKernel<T>,
{
    assert_ok(
        runs_twice(|| kernel.clone(), target, start)
            .and_then(|()| goes_on(kernel.clone(), target, start)),
    );
}

#[track_caller]
fn assert_ok(outcome: Result<(), String>) {
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Steps of a test of something that every step either does or does not.
const STEPS: usize = 32;

/// A step calls the allocator not once, the first step included: scratch belongs to the state.
/// Nor does a `reset` on the same target, which tempering and composition do within their steps.
///
/// What the target allocates counts as well; take one that allocates nothing. The test program has
/// to install [`CountingAllocator`] with
/// [`counting_allocator!`](crate::counting_allocator).
///
/// # Panics
/// With the step and the number of calls, or if the allocator is not installed.
#[track_caller]
pub fn allocates_nothing<T, K>(kernel: &K, target: &T, start: &T::State)
where
    T: Energy + ?Sized,
    K: MarkovKernel<T>,
{
    assert_ok(counts_no_call(kernel, target, start));
}

fn counts_no_call<T, K>(kernel: &K, target: &T, start: &T::State) -> Result<(), String>
where
    T: Energy + ?Sized,
    K: MarkovKernel<T>,
{
    if !CountingAllocator::is_installed() {
        return Err(
            "allocations cannot be counted: put `ergodic_conformance::counting_allocator!();` at \
             the top of the test program"
                .into(),
        );
    }
    let mut kernel = kernel.clone();
    let mut state = kernel.init(target, start).map_err(|e| e.to_string())?;
    let mut rng = ergodic_math::rng::stream(22, 0);
    for step in 0..STEPS {
        let before = CountingAllocator::calls();
        let info = kernel.step(target, &mut state, &mut rng);
        drop(info.map_err(|e| e.to_string())?);
        let calls = CountingAllocator::calls() - before;
        if calls > 0 {
            return Err(format!(
                "step {step} calls the allocator {calls} times: scratch belongs to the state"
            ));
        }
        for to in [None, Some(start)] {
            // To where it is at every step, and away from there in the middle.
            if to.is_some() && step != STEPS / 2 {
                continue;
            }
            let before = CountingAllocator::calls();
            let outcome = kernel.reset(target, &mut state, to);
            let calls = CountingAllocator::calls() - before;
            outcome.map_err(|e| e.to_string())?;
            if calls > 0 {
                let where_to = if to.is_some() {
                    "to a start"
                } else {
                    "in place"
                };
                return Err(format!(
                    "a reset {where_to} after step {step} calls the allocator {calls} times: it \
                     is part of a step of a composition"
                ));
            }
        }
    }
    Ok(())
}

/// [`allocates_nothing`] on random finite targets.
///
/// # Panics
/// As [`allocates_nothing`], with the smallest failing target.
#[track_caller]
pub fn allocates_nothing_on<T, K, S>(
    kernel: impl Fn(&T) -> K,
    targets: S,
    states: impl Fn(&T) -> Vec<<T::State as ToOwned>::Owned>,
) where
    T: Energy + Debug,
    K: MarkovKernel<T>,
    S: Strategy<Value = T>,
{
    on_targets(targets, |target| {
        let states = states(target);
        let start = first::<T>(&states)?;
        counts_no_call(&kernel(target), target, std::borrow::Borrow::borrow(start))
    });
}

/// Pools of 1, 2 and 4 threads.
fn pools() -> Result<Vec<ThreadPool>, String> {
    [1, 2, 4]
        .into_iter()
        .map(|threads| {
            ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .map_err(|e| e.to_string())
        })
        .collect()
}

/// Chains give the same bits on 1, 2 and 4 threads, and one after another without a pool.
///
/// # Panics
/// With the chain and the step at which runs part.
#[track_caller]
pub fn threads<T, K>(kernel: &K, target: &T, start: &T::State)
where
    T: Energy + Sync,
    T::State: Sync,
    <T::State as ToOwned>::Owned: PartialEq + Send,
    K: MarkovKernel<T> + Sync,
{
    assert_ok(pools().and_then(|pools| same_on_threads(kernel, target, start, &pools)));
}

fn same_on_threads<T, K>(
    kernel: &K,
    target: &T,
    start: &T::State,
    pools: &[ThreadPool],
) -> Result<(), String>
where
    T: Energy + Sync,
    T::State: Sync,
    <T::State as ToOwned>::Owned: PartialEq + Send,
    K: MarkovKernel<T> + Sync,
{
    const CHAINS: u64 = 6;
    let chain = |number: u64| {
        let mut kernel = kernel.clone();
        let mut state = kernel.init(target, start).map_err(|e| e.to_string())?;
        let mut rng = ergodic_math::rng::stream(23, number);
        trace(&mut kernel, target, &mut state, &mut rng, STEPS)
    };
    let alone = (0..CHAINS).map(chain).collect::<Result<Vec<_>, _>>()?;
    for pool in pools {
        let together: Vec<Result<_, String>> =
            pool.install(|| (0..CHAINS).into_par_iter().map(chain).collect());
        for (number, (a, b)) in alone.iter().zip(together).enumerate() {
            let threads = pool.current_num_threads();
            same(a, &b?, &format!("chain {number} on {threads} threads"))?;
        }
    }
    Ok(())
}

/// [`threads`] on random finite targets.
///
/// # Panics
/// As [`threads`], with the smallest failing target.
#[track_caller]
pub fn threads_on<T, K, S>(
    kernel: impl Fn(&T) -> K,
    targets: S,
    states: impl Fn(&T) -> Vec<<T::State as ToOwned>::Owned>,
) where
    T: Energy + Debug + Sync,
    T::State: Sync,
    <T::State as ToOwned>::Owned: PartialEq + Send,
    K: MarkovKernel<T> + Sync,
    S: Strategy<Value = T>,
{
    let pools = match pools() {
        Ok(pools) => pools,
        Err(error) => panic!("{error}"),
    };
    on_targets(targets, |target| {
        let states = states(target);
        let start = std::borrow::Borrow::borrow(first::<T>(&states)?);
        same_on_threads(&kernel(target), target, start, &pools)
    });
}

/// `E + c` gives the same chain as `E`, for `c = ±1000`, to `tolerance` in each coordinate: 0 for
/// kernels that use differences and gradients only, else what rounding of `c` does (1e-9 is
/// ample). A decision that rounding could turn has a probability of about 1e-12 per step.
///
/// # Panics
/// With the step and the distance.
#[track_caller]
pub fn energy_shift_of_a_chain<T, K>(kernel: &K, target: &T, start: &[f64], tolerance: f64)
where
    T: Energy<State = [f64]>,
    K: MarkovKernel<T> + for<'a> MarkovKernel<Shifted<&'a T>>,
{
    let run = |constant: f64| {
        let shifted = Shifted { target, constant };
        let mut kernel = kernel.clone();
        let mut state = MarkovKernel::<Shifted<&T>>::init(&kernel, &shifted, start)
            .map_err(|e| e.to_string())?;
        let mut rng = ergodic_math::rng::stream(24, 0);
        trace(&mut kernel, &shifted, &mut state, &mut rng, STEPS)
    };
    let outcome = run(0.0).and_then(|plain| {
        for constant in [1000.0, -1000.0] {
            for (step, (a, b)) in plain.iter().zip(run(constant)?).enumerate() {
                let distance = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
                let distance = distance.fold(0.0, larger);
                if distance.is_nan() || distance > tolerance {
                    return Err(format!(
                        "{}: adding {constant} to the energy moves step {step} by {distance:e}",
                        Law::EnergyShift
                    ));
                }
            }
        }
        Ok(())
    });
    assert_ok(outcome);
}

/// Kernel and state that are written with serde in the middle of a run and read back go on as the
/// original does: what a checkpoint does. The format is that of the checkpoints of
/// `ergodic-samplers`, `postcard`, which keeps every bit and does not describe itself.
///
/// # Panics
/// With the first step at which the two part, or with what could not be written or read.
#[track_caller]
pub fn serde_round_trip<T, K>(kernel: &K, target: &T, start: &T::State)
where
    T: Energy,
    <T::State as ToOwned>::Owned: PartialEq,
    K: MarkovKernel<T> + Serialize + DeserializeOwned,
    K::State: Serialize + DeserializeOwned,
{
    assert_ok(goes_on_from_bytes(kernel.clone(), target, start));
}

fn goes_on_from_bytes<T, K>(mut kernel: K, target: &T, start: &T::State) -> Result<(), String>
where
    T: Energy,
    <T::State as ToOwned>::Owned: PartialEq,
    K: MarkovKernel<T> + Serialize + DeserializeOwned,
    K::State: Serialize + DeserializeOwned,
{
    let mut state = kernel.init(target, start).map_err(|e| e.to_string())?;
    let mut rng = ergodic_math::rng::stream(25, 0);
    trace(&mut kernel, target, &mut state, &mut rng, STEPS)?;
    let mut copied_kernel: K = through_bytes(&kernel, "the kernel")?;
    let mut copied_state: K::State = through_bytes(&state, "the state")?;
    let mut copied_rng = rng.clone();
    let original = trace(&mut kernel, target, &mut state, &mut rng, STEPS)?;
    let copy = trace(
        &mut copied_kernel,
        target,
        &mut copied_state,
        &mut copied_rng,
        STEPS,
    )?;
    same(&original, &copy, "the run that was written and read")
}

fn through_bytes<X: Serialize + DeserializeOwned>(x: &X, what: &str) -> Result<X, String> {
    let bytes = postcard::to_stdvec(x).map_err(|e| format!("{what} cannot be written: {e}"))?;
    postcard::from_bytes(&bytes).map_err(|e| format!("{what} cannot be read back: {e}"))
}

/// [`serde_round_trip`] on random finite targets.
///
/// # Panics
/// As [`serde_round_trip`], with the smallest failing target.
#[track_caller]
pub fn serde_round_trip_on<T, K, S>(
    kernel: impl Fn(&T) -> K,
    targets: S,
    states: impl Fn(&T) -> Vec<<T::State as ToOwned>::Owned>,
) where
    T: Energy + Debug,
    <T::State as ToOwned>::Owned: PartialEq,
    K: MarkovKernel<T> + Serialize + DeserializeOwned,
    K::State: Serialize + DeserializeOwned,
    S: Strategy<Value = T>,
{
    on_targets(targets, |target| {
        let states = states(target);
        let start = std::borrow::Borrow::borrow(first::<T>(&states)?);
        goes_on_from_bytes(kernel(target), target, start)
    });
}

/// Chains of [`concentrates`] per target, and their length.
const MEANS: u64 = 64;
const LENGTH: u64 = 48;

/// Means over chains of the kernel on random finite targets keep the bounds that its own exact
/// transition matrix gives.
///
/// 64 chains of 48 steps start at exact draws. For an `f` with values in `[0, 1]` (the scaled
/// energy, and a function without structure), with the share of the [`Budget`] that falls to each
/// of all comparisons on all targets:
///
/// * for kernels that claim to be reversible, every mean keeps Hoeffding's bound for Markov chains
///   with the second eigenvalue of the matrix ([`Budget::markov_hoeffding`]);
/// * the number of means that are 3 standard deviations off, with the exact variance over 48 steps
///   ([`TransitionMatrix::mean_over`](crate::TransitionMatrix::mean_over)), is what Chebyshev's
///   inequality allows: at most binomial with probability 1/9;
/// * the mean of all means keeps Chebyshev's bound in the form for sums of independent bounded
///   means (Bernstein's inequality with the exact variance).
///
/// This is about many steps of a running chain, where enumeration is about one: it finds steps that
/// depend on each other beyond the position.
///
/// # Panics
/// With the mean and its bound, and the smallest failing target.
#[track_caller]
pub fn concentrates<T, K, S>(
    kernel: impl Fn(&T) -> K,
    targets: S,
    states: impl Fn(&T) -> Vec<<T::State as ToOwned>::Owned>,
) where
    T: Energy + Debug,
    T::State: Hash + Eq + Debug,
    <T::State as ToOwned>::Owned: Hash + Eq,
    K: MarkovKernel<T>,
    S: Strategy<Value = T>,
{
    let budget = Budget::of_one_test().over(u64::from(Budget::cases()) * 2 * (MEANS + 2));
    on_targets(targets, |target| {
        means_keep_their_bounds(&kernel(target), target, &states(target), budget)
    });
}

fn means_keep_their_bounds<T, K>(
    kernel: &K,
    target: &T,
    states: &[<T::State as ToOwned>::Owned],
    budget: Budget,
) -> Result<(), String>
where
    T: Energy,
    T::State: Hash + Eq + Debug,
    <T::State as ToOwned>::Owned: Hash + Eq,
    K: MarkovKernel<T>,
{
    use std::borrow::Borrow;

    let energies: Vec<f64> = states.iter().map(|x| target.energy(x.borrow())).collect();
    let matrix = enumerate(kernel, target, states).map_err(|e| e.to_string())?;
    let second = match kernel.claims().stationarity {
        Stationarity::Reversible => matrix
            .eigenvalues(&energies, 1e-9)
            .map_err(|e| e.to_string())?
            .get(1)
            .copied()
            .unwrap_or(0.0),
        _ => 1.0,
    };
    let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = energies
        .iter()
        .copied()
        .filter(|e| e.is_finite())
        .fold(lowest, f64::max);
    let weights: Vec<f64> = energies.iter().map(|e| Real::exp(lowest - e)).collect();
    let scaled = |e: f64| ((e.min(highest) - lowest) / (highest - lowest)).clamp(0.0, 1.0);
    let functions: [(&str, Vec<f64>); 2] = [
        (
            "the scaled energy",
            energies
                .iter()
                .map(|&e| if highest > lowest { scaled(e) } else { 0.0 })
                .collect(),
        ),
        (
            "a function without structure",
            (0..states.len())
                .map(|i| ((i * 7 + 3) % 11) as f64 / 10.0)
                .collect(),
        ),
    ];
    let place: std::collections::HashMap<&T::State, usize> = states
        .iter()
        .enumerate()
        .map(|(i, x)| (x.borrow(), i))
        .collect();
    let mut means = [const { Vec::new() }; 2];
    for chain in 0..MEANS {
        let mut rng = ergodic_math::rng::stream(27, chain);
        let start = &states[rng.categorical(&weights)];
        let mut kernel = kernel.clone();
        let mut state = kernel
            .init(target, start.borrow())
            .map_err(|e| e.to_string())?;
        let mut sums = [0.0; 2];
        for step in 0..LENGTH {
            if step > 0 {
                kernel
                    .step(target, &mut state, &mut rng)
                    .map_err(|e| e.to_string())?;
            }
            let x = kernel.position(target, &state);
            let Some(&i) = place.get(x) else {
                return Err(format!(
                    "the chain reached {x:?}, which is not among the states"
                ));
            };
            for (sum, (_, f)) in sums.iter_mut().zip(&functions) {
                *sum += f[i];
            }
        }
        for (all, sum) in means.iter_mut().zip(sums) {
            all.push(sum / LENGTH as f64);
        }
    }
    for ((name, f), means) in functions.iter().zip(&means) {
        let (exact, variance) = matrix
            .mean_over(&energies, f, LENGTH)
            .map_err(|e| e.to_string())?;
        let radius = budget.markov_hoeffding(LENGTH, second, 1.0);
        let rounding = 1e-12;
        if let Some(mean) = means
            .iter()
            .find(|m| (*m - exact).abs() > radius + rounding)
        {
            return Err(format!(
                "the mean {mean} of {name} is beyond Hoeffding's {radius} of {exact}"
            ));
        }
        let far = 3.0 * variance.sqrt() + rounding;
        let beyond = means.iter().filter(|m| (*m - exact).abs() > far).count() as u64;
        let allowed = budget.binomial(MEANS, 1.0 / 9.0);
        if beyond > allowed {
            return Err(format!(
                "{beyond} of {MEANS} means of {name} are 3 standard deviations off, {allowed} may be"
            ));
        }
        let overall = means.iter().sum::<f64>() / MEANS as f64;
        let radius = budget.known_variance(MEANS, variance, 1.0);
        if (overall - exact).abs() > radius + rounding {
            return Err(format!(
                "the mean {overall} of {name} over all chains is beyond {radius} of {exact}"
            ));
        }
    }
    Ok(())
}

/// Kernel and state can be sent to and shared between threads: fails to compile otherwise.
pub fn send_and_sync<T, K, S>(_kernel: impl Fn(&T) -> K, _targets: S)
where
    T: Energy,
    K: MarkovKernel<T> + Send + Sync,
    K::State: Send + Sync,
    S: Strategy<Value = T>,
{
}

/// As [`send_and_sync`] for a kernel and a target that are given as values.
pub fn both_are_send_and_sync<T, K>(_kernel: &K, _target: &T)
where
    T: Energy + ?Sized,
    K: MarkovKernel<T> + Send + Sync,
    K::State: Send + Sync,
{
}

/// One exact draw, from which a test starts.
#[doc(hidden)]
pub fn drawn(exact: impl Fn(&mut dyn Randomness) -> Vec<f64>) -> Vec<f64> {
    exact(&mut ergodic_math::rng::stream(26, 0))
}

/// The tests that a kernel owes, from one line.
///
/// There are three forms: for finite states by enumeration, for one or two continuous dimensions
/// by quadrature, and for any dimension by tapes from exact draws. Every form also tests: same seed
/// same bits, a copied run goes on identically, chains on 1, 2 and 4 threads give the same bits,
/// `Send + Sync`, and that `step` allocates nothing, for which the test program has
/// `ergodic_conformance::counting_allocator!();` at its top. After the fields shown, any of these
/// may follow:
///
/// | field | test |
/// |---|---|
/// | `serde: true` | kernel and state, written and read in the middle of a run, go on identically |
/// | `allocates: "why"` | leaves the test of allocations out |
/// | `energy_shift: 1e-9` (continuous) | `E + c` gives the same chain to that distance, [`suite::energy_shift_of_a_chain`](crate::suite::energy_shift_of_a_chain) |
/// | `hamiltonian: 1e-8` (quadrature: a tolerance; tapes: `true`) | `E[exp(−ΔH)] = 1`, with `energy_error` the `ΔH` of the one proposal |
///
/// On finite states it makes a module of tests: the kernel's claims by exact enumeration on random targets
/// ([`suite::discrete`](crate::suite::discrete)), same seed same bits, a copied run goes on identically, `Send + Sync`,
/// that means over chains concentrate as the exact matrix says
/// ([`suite::concentrates`](crate::suite::concentrates)),
/// and that `E + c` changes nothing. There `energy_shift` is required: it is `bitwise` for kernels that use energy
/// differences only, `rounding` for those that subtract energies, and `none` for kernels of one
/// model that cannot be given a [`Shifted`](crate::Shifted) target.
///
/// ```
/// # mod metropolis { // a kernel defined elsewhere
/// # use ergodic_core::*;
/// # #[derive(Clone)]
/// # pub struct Heat;
/// # impl<T: Conditional> MarkovKernel<T> for Heat where <T::State as ToOwned>::Owned: Clone + std::borrow::BorrowMut<T::State> {
/// #     type State = <T::State as ToOwned>::Owned;
/// #     type Info = ();
/// #     fn claims(&self) -> Claims { Claims::REVERSIBLE }
/// #     fn init(&self, _: &T, x: &T::State) -> Result<Self::State, TargetError> { Ok(x.to_owned()) }
/// #     fn position<'s>(&self, _: &T, s: &'s Self::State) -> &'s T::State where T: 's { std::borrow::Borrow::borrow(s) }
/// #     fn reset(&self, _: &T, s: &mut Self::State, x: Option<&T::State>) -> Result<(), TargetError> { if let Some(x) = x { x.clone_into(s); } Ok(()) }
/// #     fn step<R: Randomness + ?Sized>(&mut self, t: &T, s: &mut Self::State, rng: &mut R) -> Result<(), TargetError> {
/// #         let site = rng.index(t.num_sites());
/// #         t.resample_site(std::borrow::BorrowMut::borrow_mut(s), site, 1.0, rng);
/// #         Ok(())
/// #     }
/// # }
/// # }
/// # use metropolis::Heat;
/// use ergodic_conformance::strategies::{self, PairwiseSpins};
///
/// ergodic_conformance::kernel!(heat_bath {
///     kernel: |_: &PairwiseSpins| Heat,
///     targets: strategies::pairwise_spins(1..=4, 1.0),
///     states: PairwiseSpins::states,
///     tolerance: 1e-12,
///     energy_shift: bitwise,
/// });
/// # fn main() {}
/// ```
///
/// On continuous states, in one or two dimensions, `target` and `quadrature` take the place of
/// `targets` and `states`: the claims are checked by
/// [`Quadrature::check`](crate::Quadrature::check), the rest as above.
///
/// ```
/// # mod defined_elsewhere {
/// # use ergodic_core::*;
/// # pub struct Normal;
/// # impl Energy for Normal {
/// #     type State = [f64];
/// #     fn energy(&self, x: &[f64]) -> f64 { 0.5 * x[0] * x[0] }
/// # }
/// # #[derive(Clone)]
/// # pub struct Autoregression(pub f64);
/// # impl MarkovKernel<Normal> for Autoregression {
/// #     type State = Vec<f64>;
/// #     type Info = ();
/// #     fn claims(&self) -> Claims { Claims::REVERSIBLE }
/// #     fn init(&self, _: &Normal, x: &[f64]) -> Result<Vec<f64>, TargetError> { Ok(x.to_vec()) }
/// #     fn position<'s>(&self, _: &Normal, s: &'s Vec<f64>) -> &'s [f64] where Normal: 's { s }
/// #     fn reset(&self, _: &Normal, s: &mut Vec<f64>, x: Option<&[f64]>) -> Result<(), TargetError> { if let Some(x) = x { s.copy_from_slice(x); } Ok(()) }
/// #     fn step<R: Randomness + ?Sized>(&mut self, _: &Normal, x: &mut Vec<f64>, rng: &mut R) -> Result<(), TargetError> {
/// #         x[0] = self.0 * x[0] + (1.0 - self.0 * self.0).sqrt() * rng.normal();
/// #         Ok(())
/// #     }
/// # }
/// # }
/// # use defined_elsewhere::{Autoregression, Normal};
/// use ergodic_conformance::Quadrature;
///
/// ergodic_conformance::kernel!(autoregression {
///     kernel: Autoregression(0.6),
///     target: Normal,
///     quadrature: Quadrature::new(&[(-9.0, 9.0)]).unwrap().nodes(50, 50).unwrap(),
///     tolerance: 1e-12,
/// });
/// # fn main() {}
/// ```
///
/// In any dimension, and with any number of draws per step, `exact` and `tapes` take that place:
/// exact draws of the target, and [`QuasiMonteCarlo`](crate::QuasiMonteCarlo). Here with some of
/// the fields that may follow:
///
/// ```
/// # mod defined_elsewhere {
/// # use ergodic_core::*;
/// # pub struct Normal;
/// # impl Energy for Normal {
/// #     type State = [f64];
/// #     fn energy(&self, x: &[f64]) -> f64 { 0.5 * x.iter().map(|x| x * x).sum::<f64>() }
/// # }
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # pub struct Autoregression(pub f64);
/// # impl<T: Energy<State = [f64]> + ?Sized> MarkovKernel<T> for Autoregression {
/// #     type State = Vec<f64>;
/// #     type Info = ();
/// #     fn claims(&self) -> Claims { Claims::REVERSIBLE }
/// #     fn init(&self, _: &T, x: &[f64]) -> Result<Vec<f64>, TargetError> { Ok(x.to_vec()) }
/// #     fn position<'s>(&self, _: &T, s: &'s Vec<f64>) -> &'s [f64] where T: 's { s }
/// #     fn reset(&self, _: &T, s: &mut Vec<f64>, x: Option<&[f64]>) -> Result<(), TargetError> { if let Some(x) = x { s.copy_from_slice(x); } Ok(()) }
/// #     fn step<R: Randomness + ?Sized>(&mut self, _: &T, x: &mut Vec<f64>, rng: &mut R) -> Result<(), TargetError> {
/// #         for x in x { *x = self.0 * *x + (1.0 - self.0 * self.0).sqrt() * rng.normal(); }
/// #         Ok(())
/// #     }
/// # }
/// # }
/// # use defined_elsewhere::{Autoregression, Normal};
/// use ergodic_conformance::QuasiMonteCarlo;
/// use ergodic_core::Randomness;
///
/// ergodic_conformance::counting_allocator!();
///
/// ergodic_conformance::kernel!(autoregression_in_20_dimensions {
///     kernel: Autoregression(0.6),
///     target: Normal,
///     exact: |rng: &mut dyn Randomness| (0..20).map(|_| rng.normal()).collect(),
///     tapes: QuasiMonteCarlo::new(),
///     energy_shift: 0.0,
///     serde: true,
/// });
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! kernel {
    ($name:ident {
        kernel: $kernel:expr,
        target: $target:expr,
        quadrature: $quadrature:expr,
        tolerance: $tolerance:expr
        $(, $option:ident: $value:expr)* $(,)?
    }) => {
        #[cfg(test)]
        mod $name {
            use super::*;

            #[test]
            fn claims_hold_by_quadrature() {
                $crate::suite::continuous(&$kernel, &$target, &$quadrature, $tolerance);
            }

            $crate::kernel!(@one $kernel, $target, $quadrature.centre(), [$($option)*]);
            $($crate::kernel!(
                @quadrature_option $option, $value, $kernel, $target, $quadrature
            );)*
        }
    };
    ($name:ident {
        kernel: $kernel:expr,
        target: $target:expr,
        exact: $exact:expr,
        tapes: $tapes:expr
        $(, $option:ident: $value:expr)* $(,)?
    }) => {
        #[cfg(test)]
        mod $name {
            use super::*;

            fn an_exact_draw() -> Vec<f64> {
                $crate::suite::drawn($exact)
            }

            #[test]
            fn claims_hold_by_randomised_quasi_monte_carlo() {
                $crate::suite::tapes(&$kernel, &$target, $exact, &$tapes);
            }

            $crate::kernel!(@one $kernel, $target, an_exact_draw(), [$($option)*]);
            $($crate::kernel!(
                @tapes_option $option, $value, $kernel, $target, $exact, $tapes
            );)*
        }
    };
    ($name:ident {
        kernel: $kernel:expr,
        targets: $targets:expr,
        states: $states:expr,
        tolerance: $tolerance:expr,
        energy_shift: $shift:ident
        $(, $option:ident: $value:expr)* $(,)?
    }) => {
        #[cfg(test)]
        mod $name {
            use super::*;

            #[test]
            fn claims_hold_exactly() {
                $crate::suite::discrete($kernel, $targets, $states, $tolerance);
            }

            #[test]
            fn same_seed_same_bits() {
                $crate::suite::determinism($kernel, $targets, $states);
            }

            #[test]
            fn a_copied_run_goes_on_identically() {
                $crate::suite::checkpoint($kernel, $targets, $states);
            }

            #[test]
            fn any_number_of_threads_gives_the_same_bits() {
                $crate::suite::threads_on($kernel, $targets, $states);
            }

            #[test]
            fn kernel_and_state_are_send_and_sync() {
                $crate::suite::send_and_sync($kernel, $targets);
            }

            #[test]
            fn means_concentrate_as_the_exact_matrix_says() {
                $crate::suite::concentrates($kernel, $targets, $states);
            }

            $crate::kernel!(@allocations [$($option)*]
                $crate::suite::allocates_nothing_on($kernel, $targets, $states));
            $crate::kernel!(@shift $shift, $kernel, $targets, $states);
            $($crate::kernel!(
                @discrete_option $option, $value, $kernel, $targets, $states
            );)*
        }
    };

    // What a kernel on one continuous target owes besides its claims.
    (@one $kernel:expr, $target:expr, $start:expr, [$($option:ident)*]) => {
        #[test]
        fn same_seed_same_bits_and_a_copied_run_goes_on_identically() {
            $crate::suite::runs(&$kernel, &$target, &$start);
        }

        #[test]
        fn any_number_of_threads_gives_the_same_bits() {
            $crate::suite::threads(&$kernel, &$target, &$start);
        }

        #[test]
        fn kernel_and_state_are_send_and_sync() {
            $crate::suite::both_are_send_and_sync(&$kernel, &$target);
        }

        $crate::kernel!(@allocations [$($option)*]
            $crate::suite::allocates_nothing(&$kernel, &$target, &$start));
    };

    (@allocations [] $test:expr) => {
        #[test]
        fn a_step_allocates_nothing() {
            $test;
        }
    };
    (@allocations [allocates $($rest:ident)*] $test:expr) => {};
    (@allocations [$first:ident $($rest:ident)*] $test:expr) => {
        $crate::kernel!(@allocations [$($rest)*] $test);
    };

    (@quadrature_option hamiltonian, $tolerance:expr, $kernel:expr, $target:expr, $rule:expr) => {
        #[test]
        fn the_mean_of_exp_of_minus_the_energy_error_is_one() {
            $crate::suite::holds($rule.exponential_work(&$kernel, &$target, $tolerance));
        }
    };
    (@quadrature_option $option:ident, $value:expr, $kernel:expr, $target:expr, $rule:expr) => {
        $crate::kernel!(@one_option $option, $value, $kernel, $target, $rule.centre());
    };

    (@tapes_option hamiltonian, $yes:expr, $kernel:expr, $target:expr, $exact:expr, $tapes:expr) => {
        #[test]
        fn the_mean_of_exp_of_minus_the_energy_error_is_one() {
            $crate::suite::holds($tapes.exponential_work(&$kernel, &$target, $exact));
        }
    };
    (@tapes_option $option:ident, $value:expr, $kernel:expr, $target:expr, $exact:expr, $tapes:expr) => {
        $crate::kernel!(@one_option $option, $value, $kernel, $target, an_exact_draw());
    };

    (@one_option energy_shift, $tolerance:expr, $kernel:expr, $target:expr, $start:expr) => {
        #[test]
        fn a_constant_in_the_energy_changes_nothing() {
            $crate::suite::energy_shift_of_a_chain(&$kernel, &$target, &$start, $tolerance);
        }
    };
    (@one_option serde, $yes:expr, $kernel:expr, $target:expr, $start:expr) => {
        #[test]
        fn a_run_that_was_written_and_read_goes_on_identically() {
            $crate::suite::serde_round_trip(&$kernel, &$target, &$start);
        }
    };
    (@one_option allocates, $why:expr, $kernel:expr, $target:expr, $start:expr) => {
        const _: &str = $why;
    };

    (@discrete_option serde, $yes:expr, $kernel:expr, $targets:expr, $states:expr) => {
        #[test]
        fn a_run_that_was_written_and_read_goes_on_identically() {
            $crate::suite::serde_round_trip_on($kernel, $targets, $states);
        }
    };
    (@discrete_option allocates, $why:expr, $kernel:expr, $targets:expr, $states:expr) => {
        const _: &str = $why;
    };

    (@shift none, $kernel:expr, $targets:expr, $states:expr) => {};
    (@shift bitwise, $kernel:expr, $targets:expr, $states:expr) => {
        #[test]
        fn a_constant_in_the_energy_changes_no_bit() {
            $crate::suite::energy_shift($kernel, $targets, $states, 0.0);
        }
    };
    (@shift rounding, $kernel:expr, $targets:expr, $states:expr) => {
        #[test]
        fn a_constant_in_the_energy_changes_nothing_beyond_rounding() {
            // Energies of size 1000 are rounded to 1.1e-13; a difference of two, to twice that.
            $crate::suite::energy_shift($kernel, $targets, $states, 1e-12);
        }
    };
}
