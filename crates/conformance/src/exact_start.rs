//! Chains that start at exact draws: what is left for statistics, with bounds that hold for every
//! sample size.

use std::fmt;
use std::sync::Arc;

use ergodic_core::{ArgumentError, Energy, MarkovKernel, Randomness, TargetError};
use ergodic_math::moments::Moments;

use crate::budget::Budget;
use crate::enumerate::{EnumerateError, Failure};
use crate::report::{Finding, Law, Report};

type Number<X> = dyn Fn(&X) -> f64 + Send + Sync;
type Distribution = dyn Fn(f64) -> f64 + Send + Sync;

/// A real number that is read off a position, perhaps with its exact distribution function.
pub struct Observable<X: ?Sized> {
    name: String,
    value: Arc<Number<X>>,
    distribution: Option<Arc<Distribution>>,
}

impl<X: ?Sized> Clone for Observable<X> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            value: Arc::clone(&self.value),
            distribution: self.distribution.clone(),
        }
    }
}

impl<X: ?Sized> fmt::Debug for Observable<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observable").field(&self.name).finish()
    }
}

impl<X: ?Sized> Observable<X> {
    /// A number with a name for reports.
    pub fn new(name: impl Into<String>, value: impl Fn(&X) -> f64 + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            value: Arc::new(value),
            distribution: None,
        }
    }

    /// Its distribution function `P(value ≤ t)` under the target: the chains are then held against
    /// it, and no longer against fresh draws, which doubles the power.
    pub fn distributed_as(
        mut self,
        distribution: impl Fn(f64) -> f64 + Send + Sync + 'static,
    ) -> Self {
        self.distribution = Some(Arc::new(distribution));
        self
    }
}

/// The first and last coordinate, their sum over `√d`, and `|x|²`.
pub fn coordinates(dim: usize) -> Vec<Observable<[f64]>> {
    let last = dim.saturating_sub(1);
    let mut all = vec![Observable::new("x₁", |x: &[f64]| x[0])];
    if dim > 1 {
        all.push(Observable::new("x_d", move |x: &[f64]| x[last]));
        all.push(Observable::new("Σx/√d", move |x: &[f64]| {
            x.iter().sum::<f64>() / (dim as f64).sqrt()
        }));
    }
    all.push(Observable::new("|x|²", |x: &[f64]| {
        x.iter().map(|x| x * x).sum()
    }));
    all
}

/// Starts many chains at exact draws of the target and asks whether some steps keep the law.
///
/// For kernels that neither enumeration nor quadrature serves: any state space, any number of
/// draws, SIMD and bit-packed paths. Of every observable, the energy among them, after `steps`
/// steps:
///
/// * the *distribution*: Kolmogorov's distance between the chains and as many fresh exact draws, or
///   the exact distribution function where it is known, against the bound of Dvoretzky, Kiefer,
///   Wolfowitz and Massart;
/// * the *moments*: means of the paired differences `g(Y) − g(X)` of one chain for `g = z` and
///   `g = z²`, `z` standardised by the fresh draws and cut at `±4`, against the empirical Bernstein
///   bound of Maurer and Pontil. Pairs cancel what a slow kernel leaves as it was.
///
/// Both bounds hold for every law and sample size: the stated error probability is an inequality,
/// not an approximation ([`Budget`]). Power: with `n` chains it sees a distance of
/// `√(2 ln(4/α)/n)`, 0.031 at the default 50,000, and a shift of a mean of about `7·sd/√n`. A
/// one-step shift is the stationary bias times one minus the autocorrelation: give slow kernels
/// more steps.
///
/// ```
/// use ergodic_conformance::{ExactStart, strategies::PairwiseSpins};
/// # use ergodic_core::*;
/// # #[derive(Clone)]
/// # struct Gibbs(f64);
/// # impl MarkovKernel<PairwiseSpins> for Gibbs {
/// #     type State = Vec<i8>;
/// #     type Info = ();
/// #     fn claims(&self) -> Claims { Claims::INVARIANT }
/// #     fn init(&self, _: &PairwiseSpins, x: &[i8]) -> Result<Vec<i8>, TargetError> { Ok(x.to_vec()) }
/// #     fn position<'s>(&self, _: &PairwiseSpins, s: &'s Vec<i8>) -> &'s [i8] where PairwiseSpins: 's { s }
/// #     fn reset(&self, _: &PairwiseSpins, s: &mut Vec<i8>, x: Option<&[i8]>) -> Result<(), TargetError> { if let Some(x) = x { s.copy_from_slice(x); } Ok(()) }
/// #     fn step<R: Randomness + ?Sized>(&mut self, t: &PairwiseSpins, x: &mut Vec<i8>, rng: &mut R) -> Result<(), TargetError> {
/// #         for site in 0..t.len() { t.resample_site(x, site, self.0, rng); }
/// #         Ok(())
/// #     }
/// # }
///
/// // A sweep of Gibbs sampling on nine spins, drawn exactly by inverting the table of all states.
/// let target = PairwiseSpins::torus(3, 0.3)?;
/// let states = target.states();
/// let weights: Vec<f64> = states.iter().map(|s| (-target.energy(s)).exp()).collect();
/// let exact = |rng: &mut dyn Randomness| states[rng.categorical(&weights)].clone();
///
/// let start = ExactStart::new().chains(20_000)?.steps(1)?;
/// assert!(start.check(&Gibbs(1.0), &target, exact, &[])?.passed());
/// assert!(!start.check(&Gibbs(0.9), &target, exact, &[])?.passed()); // at β = 0.9
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ExactStart {
    chains: u64,
    steps: usize,
    seed: u64,
    budget: Budget,
}

impl Default for ExactStart {
    fn default() -> Self {
        Self::new()
    }
}

/// Where standardised values are cut before their moments are taken.
const CUT: f64 = 4.0;

impl ExactStart {
    /// 50,000 chains of 3 steps at the budget of one test.
    pub fn new() -> Self {
        Self {
            chains: 50_000,
            steps: 3,
            seed: 2,
            budget: Budget::of_one_test(),
        }
    }

    /// The number of chains.
    ///
    /// # Errors
    /// If it is below 100, where the bounds say nothing.
    pub fn chains(mut self, chains: u64) -> Result<Self, ArgumentError> {
        if chains < 100 {
            return Err(ArgumentError::new("chains", chains, "at least 100"));
        }
        self.chains = chains;
        Ok(self)
    }

    /// The number of steps of each chain.
    ///
    /// # Errors
    /// If it is 0.
    pub fn steps(mut self, steps: usize) -> Result<Self, ArgumentError> {
        if steps == 0 {
            return Err(ArgumentError::new("steps", steps, "at least 1"));
        }
        self.steps = steps;
        Ok(self)
    }

    /// Another seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Another probability of a false alarm for the whole check.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Whether the law of the energy and of `observables` ([`coordinates`] for vectors) is kept.
    ///
    /// # Errors
    /// If the target or the kernel fails, or an observable is not finite.
    pub fn check<T, K>(
        &self,
        kernel: &K,
        target: &T,
        exact: impl Fn(&mut dyn Randomness) -> <T::State as ToOwned>::Owned,
        observables: &[Observable<T::State>],
    ) -> Result<Report, EnumerateError>
    where
        T: Energy + ?Sized,
        K: MarkovKernel<T>,
    {
        let failed = |e: TargetError| EnumerateError::from(Failure::Target(e));
        let read = |x: &T::State, into: &mut [Vec<f64>]| -> Result<(), EnumerateError> {
            let energy = target.energy(x);
            let all = observables.iter().map(|o| (o.value)(x));
            for (k, value) in std::iter::once(energy).chain(all).enumerate() {
                if !value.is_finite() {
                    let name = name_of(observables, k);
                    return Err(failed(TargetError::non_finite(name, value)));
                }
                into[k].push(value);
            }
            Ok(())
        };
        let columns = || vec![Vec::with_capacity(self.chains as usize); observables.len() + 1];
        let (mut before, mut after, mut fresh) = (columns(), columns(), columns());
        let mut used: Option<K::State> = None;
        for chain in 0..self.chains {
            let mut rng = ergodic_math::rng::stream(self.seed, chain);
            let x = exact(&mut rng);
            let x = std::borrow::Borrow::borrow(&x);
            // Even chains begin afresh, odd ones where the last ended.
            let mut state = match used.take() {
                Some(mut state) if chain % 2 == 1 => {
                    kernel
                        .reset(target, &mut state, Some(x))
                        .map_err(|e| failed(e.at(chain as usize, 0)))?;
                    state
                }
                _ => kernel
                    .init(target, x)
                    .map_err(|e| failed(e.at(chain as usize, 0)))?,
            };
            read(x, &mut before)?;
            let mut kernel = kernel.clone();
            for step in 0..self.steps {
                kernel
                    .step(target, &mut state, &mut rng)
                    .map_err(|e| failed(e.at(chain as usize, step)))?;
            }
            read(kernel.position(target, &state), &mut after)?;
            read(std::borrow::Borrow::borrow(&exact(&mut rng)), &mut fresh)?;
            used = Some(state);
        }
        Ok(self.report(observables, &before, &mut after, &mut fresh))
    }

    fn report<X: ?Sized>(
        &self,
        observables: &[Observable<X>],
        before: &[Vec<f64>],
        after: &mut [Vec<f64>],
        fresh: &mut [Vec<f64>],
    ) -> Report {
        let n = self.chains;
        // A distance and two moments of each observable.
        let budget = self.budget.over(3 * before.len() as u64);
        let (mut moments, mut distances) = (Vec::new(), Vec::new());
        for k in 0..before.len() {
            let name = name_of(observables, k);
            let scale: Moments = fresh[k].iter().copied().collect();
            let mean = scale.mean().unwrap_or(0.0);
            let sd = scale.variance().unwrap_or(0.0).sqrt();
            // The scale is that of other draws, so the bound holds given it.
            if sd > 0.0 {
                let z = |x: f64| ((x - mean) / sd).clamp(-CUT, CUT);
                for (power, range) in [(1, 4.0 * CUT), (2, 2.0 * CUT * CUT)] {
                    let shift: Moments = before[k]
                        .iter()
                        .zip(&after[k])
                        .map(|(&x, &y)| z(y).powi(power) - z(x).powi(power))
                        .collect();
                    let found = shift.mean().unwrap_or(f64::INFINITY);
                    let spread = shift.variance().unwrap_or(f64::INFINITY);
                    let allowed = budget.bernstein(n, spread, range);
                    let what = if power == 1 { "mean" } else { "mean square" };
                    moments.push((
                        found.abs() / allowed,
                        found.abs(),
                        format!("the {what} of {name} shifts by {found:.3e} sd; {allowed:.1e} may be chance"),
                    ));
                }
            }
            after[k].sort_by(f64::total_cmp);
            let known = k.checked_sub(1).map(|k| &observables[k].distribution);
            let (distance, allowed) = if let Some(Some(exact)) = known {
                (
                    to_distribution(&after[k], |x| exact(x)),
                    budget.kolmogorov(n),
                )
            } else {
                fresh[k].sort_by(f64::total_cmp);
                // Each side has half of the error probability.
                (
                    between_samples(&after[k], &fresh[k]),
                    2.0 * budget.over(2).kolmogorov(n),
                )
            };
            distances.push((
                distance / allowed,
                distance,
                format!("the distribution function of {name} is off by {distance:.3e}; {allowed:.1e} may be chance"),
            ));
        }
        let worst = |law, found: Vec<(f64, f64, String)>| {
            found
                .into_iter()
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(ratio, residual, detail)| Finding {
                    law,
                    passed: ratio <= 1.0,
                    residual,
                    detail,
                })
        };
        Report {
            subject: format!(
                "{n} chains of {} steps from exact draws, {} observables, false alarms {:.1e}",
                self.steps,
                before.len(),
                self.budget.alpha()
            ),
            findings: [
                worst(Law::Distribution, distances),
                worst(Law::Invariance, moments),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }
}

fn name_of<X: ?Sized>(observables: &[Observable<X>], k: usize) -> &str {
    match k {
        0 => "the energy",
        k => &observables[k - 1].name,
    }
}

/// `sup |F_n − F|` for a sorted sample; exact for steps of `F` at the sample too.
fn to_distribution(sorted: &[f64], exact: impl Fn(f64) -> f64) -> f64 {
    let n = sorted.len() as f64;
    let mut worst = 0.0f64;
    for (k, &x) in sorted.iter().enumerate() {
        let f = exact(x);
        // Of equal values the last says what F_n is there, the first what it was before.
        if sorted.get(k + 1) != Some(&x) {
            worst = worst.max((((k + 1) as f64) / n - f).abs());
        }
        if k == 0 || sorted[k - 1] != x {
            let left = exact(x.next_down());
            worst = worst.max((left - k as f64 / n).abs());
        }
    }
    worst
}

/// `sup |F_n − G_m|` for two sorted samples.
fn between_samples(a: &[f64], b: &[f64]) -> f64 {
    let (mut i, mut j, mut worst) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        while i < a.len() && a[i] <= x {
            i += 1;
        }
        while j < b.len() && b[j] <= x {
            j += 1;
        }
        worst = worst.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_of_small_samples_are_known() {
        let sample = [0.1, 0.4, 0.4, 0.9];
        // F(x) = x on (0, 1): largest just before 0.9, |0.75 − 0.9|, and at 0.4, |0.75 − 0.4|.
        let found = to_distribution(&sample, |x| x.clamp(0.0, 1.0));
        assert!((found - 0.35).abs() < 1e-12, "{found}");
        assert_eq!(between_samples(&sample, &sample), 0.0);
        assert_eq!(between_samples(&[0.0, 1.0], &[2.0, 3.0]), 1.0);
        assert_eq!(between_samples(&[1.0, 2.0, 3.0, 4.0], &[2.5]), 0.5);
    }

    #[test]
    fn bad_settings_are_named() {
        assert!(ExactStart::new().chains(99).is_err());
        assert!(ExactStart::new().steps(0).is_err());
    }
}
