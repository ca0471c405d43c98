//! The tests that every kernel owes, as functions and as one macro line.

use std::fmt::Debug;
use std::hash::Hash;

use ergodic_core::{Claims, Energy, MarkovKernel};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::{Law, Quadrature, Report, Shifted, check, enumerate};

/// Number of random targets that a kernel is held against.
const CASES: u32 = 48;

/// Runs `law` on random targets from a fixed seed; a failure is shrunk to a small target.
#[track_caller]
fn on_targets<S: Strategy>(targets: S, law: impl Fn(&S::Value) -> Result<(), String>) {
    let config = Config {
        cases: CASES,
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
    rng: &mut impl ergodic_core::Randomness,
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
    let start = quadrature.centre();
    let outcome = runs_twice(|| kernel.clone(), target, &start)
        .and_then(|()| goes_on(kernel.clone(), target, &start));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn same<X: PartialEq>(a: &[X], b: &[X], what: &str) -> Result<(), String> {
    match a.iter().zip(b).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(step) => Err(format!("{what} parts from the first at step {step}")),
    }
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

/// The tests that a kernel owes, from one line.
///
/// On finite states it makes a module of tests: the kernel's claims by exact enumeration on random targets
/// ([`suite::discrete`](crate::suite::discrete)), same seed same bits, a copied run goes on identically, `Send + Sync`,
/// and that `E + c` changes nothing. `energy_shift` is `bitwise` for kernels that use energy
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
#[macro_export]
macro_rules! kernel {
    ($name:ident {
        kernel: $kernel:expr,
        target: $target:expr,
        quadrature: $quadrature:expr,
        tolerance: $tolerance:expr $(,)?
    }) => {
        #[cfg(test)]
        mod $name {
            use super::*;

            #[test]
            fn claims_hold_by_quadrature() {
                $crate::suite::continuous(&$kernel, &$target, &$quadrature, $tolerance);
            }

            #[test]
            fn same_seed_same_bits_and_a_copied_run_goes_on_identically() {
                $crate::suite::continuous_runs(&$kernel, &$target, &$quadrature);
            }

            #[test]
            fn kernel_and_state_are_send_and_sync() {
                $crate::suite::both_are_send_and_sync(&$kernel, &$target);
            }
        }
    };
    ($name:ident {
        kernel: $kernel:expr,
        targets: $targets:expr,
        states: $states:expr,
        tolerance: $tolerance:expr,
        energy_shift: $shift:ident $(,)?
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
            fn kernel_and_state_are_send_and_sync() {
                $crate::suite::send_and_sync($kernel, $targets);
            }

            $crate::kernel!(@shift $shift, $kernel, $targets, $states);
        }
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
