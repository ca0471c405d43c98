//! Bugs of practice rather than of mathematics: seeds, checkpoints, allocations, scales.

use std::sync::atomic::{AtomicU64, Ordering};

use ergodic_conformance::strategies::FiniteTable;
use ergodic_conformance::suite;
use ergodic_core::{Claims, Conditional, Energy, MarkovKernel, Randomness, TargetError};
use proptest::strategy::Just;

use crate::common::{Bug, Hmc, LogGamma};
use crate::small::{Normal, Step};
use crate::{Mutant, Outcome};

/// Draws anew from weights in linear space, or relative to the lowest energy.
#[derive(Clone, Copy)]
struct Weights {
    broken: bool,
}
impl<T: Energy<State = usize>> MarkovKernel<T> for Weights {
    type State = usize;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(&self, _: &T, x: &usize) -> Result<usize, TargetError> {
        Ok(*x)
    }
    fn position<'s>(&self, _: &T, state: &'s usize) -> &'s usize
    where
        T: 's,
    {
        state
    }
    fn reset(&self, _: &T, state: &mut usize, x: Option<&usize>) -> Result<(), TargetError> {
        *state = *x.unwrap_or(state);
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        t: &T,
        x: &mut usize,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let e = [0, 1, 2].map(|x| t.energy(&x));
        let lowest = if self.broken {
            0.0
        } else {
            e[0].min(e[1]).min(e[2])
        };
        *x = rng.categorical(&e.map(|e| (lowest - e).exp()));
        Ok(())
    }
}

fn linear_weights(broken: bool) -> Outcome {
    let table = FiniteTable::new(vec![0.0, 1.0, 0.3]).unwrap();
    Outcome::test(|| {
        suite::energy_shift(
            |_: &FiniteTable| Weights { broken },
            Just(table),
            |t: &FiniteTable| t.states(),
            1e-12,
        );
    })
}

/// A generator that the constructor of every run seeds anew, as from the operating system.
static RUNS: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Copy)]
struct SelfSeeded {
    broken: bool,
}
impl MarkovKernel<Normal> for SelfSeeded {
    type State = (Vec<f64>, f64);
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(&self, _: &Normal, x: &[f64]) -> Result<(Vec<f64>, f64), TargetError> {
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        Ok((x.to_vec(), if self.broken { run as f64 } else { 0.0 }))
    }
    fn position<'s>(&self, _: &Normal, state: &'s (Vec<f64>, f64)) -> &'s [f64]
    where
        Normal: 's,
    {
        &state.0
    }
    fn reset(
        &self,
        _: &Normal,
        state: &mut (Vec<f64>, f64),
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            state.0.copy_from_slice(x);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        _: &Normal,
        (x, seed): &mut (Vec<f64>, f64),
        rng: &mut R,
    ) -> Result<(), TargetError> {
        x[0] = 0.6 * x[0] + 0.8 * rng.normal() + *seed;
        Ok(())
    }
}

fn not_reproducible(broken: bool) -> Outcome {
    Outcome::test(|| suite::runs(&SelfSeeded { broken }, &Normal, &[0.0]))
}

/// A counter that all chains share decides.
fn shared_between_chains(broken: bool) -> Outcome {
    static STEPS: AtomicU64 = AtomicU64::new(0);
    let kernel = Step::<Normal> {
        broken,
        claims: Claims::REVERSIBLE,
        once: |broken, _, x, rng| {
            let step = STEPS.fetch_add(1, Ordering::Relaxed);
            x[0] = 0.6 * x[0] + 0.8 * rng.normal() + if broken { step as f64 } else { 0.0 };
        },
    };
    Outcome::test(|| suite::threads(&kernel, &Normal, &[0.0]))
}

/// A sampler that is exact for some steps and then stands still: one step from any state that
/// enumeration tries is right.
#[derive(Clone, Copy)]
struct Tires {
    broken: bool,
    steps: u32,
}
impl MarkovKernel<FiniteTable> for Tires {
    type State = usize;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(&self, _: &FiniteTable, x: &usize) -> Result<usize, TargetError> {
        Ok(*x)
    }
    fn position<'s>(&self, _: &FiniteTable, state: &'s usize) -> &'s usize
    where
        FiniteTable: 's,
    {
        state
    }
    fn reset(
        &self,
        _: &FiniteTable,
        state: &mut usize,
        x: Option<&usize>,
    ) -> Result<(), TargetError> {
        *state = *x.unwrap_or(state);
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        t: &FiniteTable,
        x: &mut usize,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        self.steps += 1;
        if !self.broken || self.steps <= 4 {
            t.resample_site(x, 0, 1.0, rng);
        }
        Ok(())
    }
}

fn tires(broken: bool) -> Outcome {
    let kernel = Tires { broken, steps: 0 };
    let table = FiniteTable::new(vec![0.0, 1.0, 0.3]).unwrap();
    // One step from any state is right, so enumeration has nothing to say.
    let targets = Just(table.clone());
    suite::discrete(
        |_: &FiniteTable| kernel,
        targets,
        FiniteTable::states,
        1e-12,
    );
    Outcome::test(|| {
        suite::concentrates(|_: &FiniteTable| kernel, Just(table), FiniteTable::states);
    })
}

fn hmc(broken: bool, bug: Bug) -> Hmc {
    Hmc {
        step: 0.3,
        steps: 2,
        bug: if broken { bug } else { Bug::None },
    }
}

fn allocates(broken: bool) -> Outcome {
    Outcome::test(|| {
        suite::allocates_nothing(&hmc(broken, Bug::Allocates), &LogGamma(3), &[0.5; 3]);
    })
}

fn looks_at_the_energy(broken: bool) -> Outcome {
    let kernel = hmc(broken, Bug::LooksAtTheEnergy);
    Outcome::test(|| suite::energy_shift_of_a_chain(&kernel, &LogGamma(3), &[0.5; 3], 1e-9))
}

/// A checkpoint that leaves out how far the kernel is in its cycle.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Alternating {
    broken: bool,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Place {
    x: Vec<f64>,
    #[serde(skip)]
    forgotten: u32,
    kept: u32,
}

impl MarkovKernel<Normal> for Alternating {
    type State = Place;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::INVARIANT
    }
    fn init(&self, _: &Normal, x: &[f64]) -> Result<Place, TargetError> {
        Ok(Place {
            x: x.to_vec(),
            forgotten: 0,
            kept: 0,
        })
    }
    fn position<'s>(&self, _: &Normal, state: &'s Place) -> &'s [f64]
    where
        Normal: 's,
    {
        &state.x
    }
    fn reset(&self, _: &Normal, state: &mut Place, x: Option<&[f64]>) -> Result<(), TargetError> {
        if let Some(x) = x {
            state.x.copy_from_slice(x);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        _: &Normal,
        s: &mut Place,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        s.forgotten += 1;
        s.kept += 1;
        let count = if self.broken { s.forgotten } else { s.kept };
        // Every third step is longer: it matters how many were made.
        let rho: f64 = if count % 3 == 0 { 0.0 } else { 0.6 };
        s.x[0] = rho * s.x[0] + (1.0 - rho * rho).sqrt() * rng.normal();
        Ok(())
    }
}

fn incomplete_checkpoint(broken: bool) -> Outcome {
    let kernel = Alternating { broken };
    Outcome::test(|| suite::serde_round_trip(&kernel, &Normal, &[0.3]))
}

pub(crate) fn mutants() -> Vec<Mutant> {
    let m = |name, origin, rejected_by, run| Mutant {
        name,
        origin,
        rejected_by,
        run,
    };
    vec![
        m(
            "weights in linear space",
            "localsearch 0.26, QUESTS 2026.2",
            "E + c changes nothing, enumeration",
            linear_weights,
        ),
        m(
            "step size that looks at the energy",
            "classic",
            "E + c changes nothing, one chain",
            looks_at_the_energy,
        ),
        m(
            "constructor that draws before it is seeded",
            "mini-mcmc 0.9.1",
            "same seed, same bits",
            not_reproducible,
        ),
        m(
            "state shared between chains",
            "classic",
            "same bits on 1, 2 and 4 threads",
            shared_between_chains,
        ),
        m(
            "checkpoint without a part of the state",
            "classic",
            "written, read, goes on identically",
            incomplete_checkpoint,
        ),
        m(
            "kernel that stands still after four steps",
            "classic",
            "Hoeffding and Chebyshev from the exact matrix",
            tires,
        ),
        m(
            "allocation in a step",
            "classic",
            "counting allocator",
            allocates,
        ),
    ]
}
