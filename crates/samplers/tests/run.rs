//! The driver of runs: it is the loop that its documentation describes, whatever happens to it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ergodic_core::{
    ArgumentError, Claims, Energy, EnergyGradient, MarkovKernel, Observables, Randomness, StepInfo,
    StepStats, TargetError, WarmupStep,
};
use ergodic_math::rng::stream;
use ergodic_samplers::{
    Both, ChainSink, DrawSink, Gibbs, Problem, Progress, ProgressLines, Run, RunShape, SampleError,
    Sampler, Scan, SinkError,
};

/// A correlated normal in two dimensions whose energy fails for good where it is told to.
struct Target {
    scale: f64,
    fail_above: f64,
}

const NORMAL: Target = Target {
    scale: 1.0,
    fail_above: f64::INFINITY,
};

impl Energy for Target {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        self.scale * (0.5 * x[0] * x[0] + 0.5 * (x[1] - 0.8 * x[0]).powi(2) / 0.36)
    }
}

impl EnergyGradient for Target {
    fn dim(&self) -> usize {
        2
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let residual = (x[1] - 0.8 * x[0]) / 0.36;
        grad[0] = self.scale * (x[0] - 0.8 * residual);
        grad[1] = self.scale * residual;
        self.energy(x)
    }
}

/// Random-walk Metropolis whose warm-up tunes the step towards an acceptance of one half.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Walk {
    step: f64,
    tuner: Option<Box<Tuner>>,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Tuner {
    log_step: f64,
    count: f64,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct WalkState {
    x: Vec<f64>,
    energy: f64,
    proposal: Vec<f64>,
}

struct WalkInfo {
    acceptance: f64,
    step: f64,
    energy: f64,
    far: bool,
}

impl StepInfo for WalkInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            acceptance: Some(self.acceptance),
            step_size: Some(self.step),
            energy: Some(self.energy),
            divergent: self.far,
            energies: 1,
            ..StepStats::default()
        }
    }
}

fn walk() -> Walk {
    Walk {
        step: 0.5,
        tuner: None,
    }
}

impl MarkovKernel<Target> for Walk {
    type State = WalkState;
    type Info = WalkInfo;
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(&self, target: &Target, x: &[f64]) -> Result<WalkState, TargetError> {
        if x.len() != 2 {
            return Err(TargetError::dimension("start", x.len(), 2));
        }
        let energy = target.energy(x);
        if !energy.is_finite() {
            return Err(TargetError::non_finite("energy at the start", energy));
        }
        Ok(WalkState {
            x: x.to_vec(),
            energy,
            proposal: x.to_vec(),
        })
    }
    fn position<'s>(&self, _: &Target, state: &'s WalkState) -> &'s [f64]
    where
        Target: 's,
    {
        &state.x
    }
    fn reset(
        &self,
        target: &Target,
        state: &mut WalkState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        *state = self.init(target, x.unwrap_or(&state.x.clone()))?;
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &Target,
        state: &mut WalkState,
        rng: &mut R,
    ) -> Result<WalkInfo, TargetError> {
        rng.fill_normal(&mut state.proposal);
        for (p, x) in state.proposal.iter_mut().zip(&state.x) {
            *p = x + self.step * *p;
        }
        if state.proposal[0] > target.fail_above {
            return Err(TargetError::new("the model cannot be evaluated"));
        }
        let energy = target.energy(&state.proposal);
        let acceptance = (state.energy - energy).exp().min(1.0);
        if rng.bernoulli(acceptance) {
            state.x.copy_from_slice(&state.proposal);
            state.energy = energy;
        }
        Ok(WalkInfo {
            acceptance,
            step: self.step,
            energy: state.energy,
            far: state.energy > 12.0,
        })
    }
    fn adapt<R: Randomness + ?Sized>(
        &mut self,
        _: &Target,
        _: &mut WalkState,
        info: Option<&WalkInfo>,
        at: WarmupStep,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let step = self.step;
        let tuner = self.tuner.get_or_insert_with(|| {
            Box::new(Tuner {
                log_step: step.ln(),
                count: 0.0,
            })
        });
        tuner.count += 1.0;
        // A draw of its own: adaptation may use randomness, and that has to be resumed too.
        let jitter = rng.uniform() * 1e-3;
        tuner.log_step += (info.map_or(0.5, |i| i.acceptance) - 0.5 + jitter) / tuner.count.sqrt();
        self.step = tuner.log_step.exp();
        if at.is_last() {
            self.tuner = None;
        }
        Ok(())
    }
}

fn sampler(target: &Target) -> Sampler<'_, Walk, Target> {
    Sampler::new(walk(), target)
        .chains(3)
        .warmup(60)
        .draws(40)
        .seed(11)
}

fn bits(x: &[f64]) -> Vec<u64> {
    x.iter().map(|x| x.to_bits()).collect()
}

fn assert_same(a: &Run<Walk, WalkState>, b: &Run<Walk, WalkState>) {
    assert_eq!(a.draws.names(), b.draws.names());
    assert_eq!(bits(a.draws.values()), bits(b.draws.values()));
    assert_eq!(a.stats, b.stats);
    for (a, b) in a.chains.iter().zip(&b.chains) {
        assert_eq!(a.kernel, b.kernel);
        assert_eq!(a.state, b.state);
        assert_eq!((a.warmup, a.sampling), (b.warmup, b.sampling));
        assert_eq!(a.draws, b.draws);
    }
}

#[test]
fn a_run_is_the_loop_over_the_stream_of_each_chain() {
    let run = sampler(&NORMAL).thin(2).run().unwrap();
    for chain in 0..3 {
        let mut rng = stream(11, chain as u64);
        let start = [0, 1].map(|_| 4.0 * rng.uniform() - 2.0);
        let mut kernel = walk();
        let mut state = kernel.init(&NORMAL, &start).unwrap();
        for step in 0..60 {
            let info = kernel.step(&NORMAL, &mut state, &mut rng).unwrap();
            let at = WarmupStep { step, of: 60 };
            kernel
                .adapt(&NORMAL, &mut state, Some(&info), at, &mut rng)
                .unwrap();
        }
        for draw in 0..40 {
            let first = kernel.step(&NORMAL, &mut state, &mut rng).unwrap();
            let second = kernel.step(&NORMAL, &mut state, &mut rng).unwrap();
            assert_eq!(run.draws.draw(chain, draw), state.x);
            let stats = run.stats.chain(chain)[draw];
            assert_eq!(
                stats.acceptance,
                Some(0.5 * (first.acceptance + second.acceptance))
            );
            assert_eq!((stats.energy, stats.energies), (Some(state.energy), 2));
        }
        assert_eq!(run.chains[chain].kernel, kernel);
        assert_eq!(run.chains[chain].kernel.tuner, None);
        assert_eq!(run.chains[chain].warmup.steps, 60);
        assert_eq!(run.chains[chain].sampling.steps, 80);
    }
    assert!(!run.interrupted);
}

#[test]
fn the_bits_do_not_depend_on_the_threads() {
    let reference = sampler(&NORMAL).threads(1).run().unwrap();
    for threads in [2, 3, 7] {
        assert_same(
            &reference,
            &sampler(&NORMAL).threads(threads).run().unwrap(),
        );
    }
    assert_same(&reference, &sampler(&NORMAL).run().unwrap());
}

#[test]
fn chains_differ_and_so_do_seeds() {
    let a = sampler(&NORMAL).run().unwrap();
    let b = sampler(&NORMAL).seed(12).run().unwrap();
    assert_ne!(a.draws.chain(0), a.draws.chain(1));
    assert_ne!(a.draws.chain(0), b.draws.chain(0));
}

#[test]
fn a_stop_keeps_a_prefix_of_the_full_run() {
    let full = sampler(&NORMAL).run().unwrap();
    let stop = AtomicBool::new(false);
    let watch = |at: &Progress| {
        if !at.warmup && at.chain == 1 && at.done == 17 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let run = sampler(&NORMAL)
        .threads(3)
        .progress(watch)
        .stop(&stop)
        .run();
    match run {
        Ok(run) => {
            assert!(run.interrupted);
            let n = run.draws.num_draws();
            assert_eq!(n, run.chains.iter().map(|c| c.draws).min().unwrap());
            for chain in 0..3 {
                assert_eq!(run.draws.chain(chain), &full.draws.chain(chain)[..2 * n]);
            }
            let verdict = run.verdict().unwrap_err();
            assert!(matches!(
                verdict.problems[..],
                [Problem::Interrupted { .. }]
            ));
        }
        // The other chains may still have been in their warm-up.
        Err(SampleError::Interrupted { iterations }) => assert_eq!(iterations[1], 77),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_stop_before_the_first_draw_is_an_error_that_says_how_far_it_went() {
    let stop = AtomicBool::new(true);
    let error = sampler(&NORMAL).stop(&stop).run().unwrap_err();
    assert!(error.to_string().contains("[0, 0, 0]"), "{error}");
}

#[test]
fn progress_is_told_after_every_warm_up_step_and_draw() {
    let (warm, drawn) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let watch = |at: &Progress| {
        let of = if at.warmup { 60 } else { 40 };
        assert!(at.of == of && at.done >= 1 && at.done <= of);
        assert!(at.step_size.is_some());
        let counter = if at.warmup { &warm } else { &drawn };
        counter.fetch_add(1, Ordering::Relaxed);
    };
    let run = sampler(&NORMAL).progress(watch).run().unwrap();
    assert_eq!(warm.load(Ordering::Relaxed), 180);
    assert_eq!(drawn.load(Ordering::Relaxed), 120);
    assert_eq!(run.divergences().len(), 3);
}

#[test]
fn a_failing_target_names_chain_and_draw() {
    let target = Target {
        scale: 1.0,
        fail_above: 2.5,
    };
    let run = |warmup| {
        let error = sampler(&target).warmup(warmup).draws(100_000).run();
        match error.unwrap_err() {
            SampleError::Target(e) => e,
            other => panic!("{other}"),
        }
    };
    let e = run(0);
    assert!(e.chain.is_some_and(|c| c < 3) && e.draw.is_some());
    assert_eq!(e.reason, "the model cannot be evaluated");
    let e = run(100_000);
    assert!(e.reason.starts_with("warm-up step "), "{e}");
}

/// A number that a step counts down, waiting `pause` milliseconds; there is nothing below 0.
#[derive(Clone, Copy)]
struct Countdown;
#[derive(Clone, Copy, Debug)]
struct Left {
    steps: u32,
    pause: u64,
}
impl Energy for Countdown {
    type State = Left;
    fn energy(&self, _: &Left) -> f64 {
        0.0
    }
}
impl MarkovKernel<Countdown> for Countdown {
    type State = Left;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::INVARIANT.not_ergodic()
    }
    fn init(&self, _: &Countdown, x: &Left) -> Result<Left, TargetError> {
        Ok(*x)
    }
    fn position<'s>(&self, _: &Countdown, state: &'s Left) -> &'s Left
    where
        Countdown: 's,
    {
        state
    }
    fn reset(&self, _: &Countdown, s: &mut Left, x: Option<&Left>) -> Result<(), TargetError> {
        *s = *x.unwrap_or(s);
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        _: &Countdown,
        state: &mut Left,
        _: &mut R,
    ) -> Result<(), TargetError> {
        std::thread::sleep(std::time::Duration::from_millis(state.pause));
        state.steps = state
            .steps
            .checked_sub(1)
            .ok_or_else(|| TargetError::new("nothing is left"))?;
        Ok(())
    }
}

#[test]
fn of_several_failures_the_earliest_is_reported_whichever_chain_is_faster() {
    // Chain 2 fails first by the clock, chain 1 at the same draw and with the lower number; chain 0
    // comes to its end later, and chain 3 never.
    let start = |steps, pause| Left { steps, pause };
    let starts = || vec![start(9, 1), start(7, 2), start(7, 0), start(u32::MAX, 0)];
    let sampler = |warmup, threads| {
        Sampler::new(Countdown, &Countdown)
            .starts(starts())
            .observe(["left"], |_: &Countdown, x: &Left, out| {
                out[0] = f64::from(x.steps);
            })
            .warmup(warmup)
            .draws(30)
            .threads(threads)
            .run()
    };
    for threads in [1, 2, 4] {
        for _ in 0..2 {
            let Err(SampleError::Target(error)) = sampler(0, threads) else {
                panic!("it fails");
            };
            assert_eq!((error.chain, error.draw), (Some(1), Some(7)), "{threads}");
            let Err(SampleError::Target(error)) = sampler(20, threads) else {
                panic!("it fails");
            };
            assert_eq!(error.chain, Some(1), "{threads} threads");
            assert!(error.reason.starts_with("warm-up step 7:"), "{error}");
        }
    }
}

#[test]
fn progress_lines_tell_of_every_chain() {
    let mut log = Vec::new();
    let progress = ProgressLines::new(&mut log).lines(4).unwrap();
    let _ = sampler(&NORMAL).progress(progress).run().unwrap();
    let log = String::from_utf8(log).unwrap();
    assert_eq!(log.lines().count(), 3 * 2 * 4, "{log}");
    for chain in 0..3 {
        for at in ["warm-up 60/60", "draw 10/40", "draw 40/40"] {
            let line = format!("chain {chain}: {at}, step size ");
            assert_eq!(log.matches(&line).count(), 1, "{line}\n{log}");
        }
    }
}

#[test]
fn bad_settings_are_typed_errors() {
    let error = |sampler: Sampler<'_, Walk, Target>| sampler.run().unwrap_err().to_string();
    for (found, expected) in [
        (error(sampler(&NORMAL).chains(0)), "chains is 0"),
        (error(sampler(&NORMAL).draws(0)), "draws is 0"),
        (error(sampler(&NORMAL).thin(0)), "thin is 0"),
        (error(sampler(&NORMAL).threads(0)), "threads is 0"),
        (error(sampler(&NORMAL).draws(usize::MAX)), "draws is"),
        (error(sampler(&NORMAL).draws(usize::MAX / 2)), "no memory"),
        (error(sampler(&NORMAL).names(["a"])), "names is 1 names"),
        (error(sampler(&NORMAL).names(["a", "a"])), "\"a\" twice"),
        (error(sampler(&NORMAL).names(["a", ""])), "an empty name"),
    ] {
        assert!(found.contains(expected), "{found}");
    }
    let starts = |n: usize| sampler(&NORMAL).starts(vec![vec![0.0; 2]; n]).run();
    assert!(
        starts(2)
            .unwrap_err()
            .to_string()
            .starts_with("starts is 2")
    );
    assert!(starts(0).is_err());
    assert!(starts(1).is_ok() && starts(3).is_ok());
    let wrong = sampler(&NORMAL).starts(vec![vec![0.0; 3]]).run();
    let wrong = wrong.unwrap_err().to_string();
    assert!(
        wrong.starts_with("chain 0, draw 0: start has length 3"),
        "{wrong}"
    );
    let outside = sampler(&NORMAL).starts(vec![vec![f64::NAN; 2]]).run();
    assert!(matches!(outside, Err(SampleError::Target(_))));
}

#[test]
fn a_target_without_finite_energy_is_an_error_that_says_how_often_it_was_tried() {
    let nowhere = Target {
        scale: f64::INFINITY,
        fail_above: f64::INFINITY,
    };
    let error = sampler(&nowhere).run().unwrap_err();
    assert!(
        matches!(
            error,
            SampleError::NoStart {
                chain: 0,
                tries: 100,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("100 random starts"));
}

/// An energy that knows better what is to be recorded.
struct Scale;
impl Energy for Scale {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        x[0].exp() - x[0]
    }
    fn observables(&self) -> Option<&dyn Observables<[f64]>> {
        Some(self)
    }
}
impl Observables<[f64]> for Scale {
    fn names(&self) -> Vec<String> {
        vec!["sigma".into(), "log_sigma".into()]
    }
    fn observe(&self, x: &[f64], out: &mut [f64]) {
        out[0] = x[0].exp();
        out[1] = x[0];
    }
}
#[derive(Clone, Debug)]
struct Still;
impl<T: Energy<State = [f64]>> MarkovKernel<T> for Still {
    type State = Vec<f64>;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE.not_ergodic()
    }
    fn init(&self, _: &T, x: &[f64]) -> Result<Vec<f64>, TargetError> {
        Ok(x.to_vec())
    }
    fn position<'s>(&self, _: &T, state: &'s Vec<f64>) -> &'s [f64]
    where
        T: 's,
    {
        state
    }
    fn reset(&self, _: &T, _: &mut Vec<f64>, _: Option<&[f64]>) -> Result<(), TargetError> {
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        _: &T,
        _: &mut Vec<f64>,
        _: &mut R,
    ) -> Result<(), TargetError> {
        Ok(())
    }
}

#[test]
fn a_target_that_knows_its_observables_has_them_recorded() {
    let run = Sampler::new(Still, &Scale)
        .start_with(|_, chain, _| vec![chain as f64])
        .chains(2)
        .draws(3)
        .run()
        .unwrap();
    assert_eq!(run.draws.names(), ["sigma", "log_sigma"]);
    assert_eq!(run.draws.draw(1, 2), [1.0f64.exp(), 1.0]);
    assert_eq!(run.draws.draw(0, 0), [1.0, 0.0]);
    let verdict = run.verdict().unwrap_err();
    assert_eq!(verdict.problems[0], Problem::NeverMoved { chain: 0 });
    assert!(
        verdict
            .to_string()
            .contains("chain 1: every draw is the same")
    );
}

#[test]
fn starts_of_unlike_lengths_are_refused() {
    struct Flat;
    impl Energy for Flat {
        type State = [f64];
        fn energy(&self, _: &[f64]) -> f64 {
            0.0
        }
    }
    let run = Sampler::new(Still, &Flat)
        .start_with(|_, chain, _| vec![0.0; 1 + chain / 3])
        .run();
    let error = run.unwrap_err().to_string();
    assert!(error.contains("2 values in chain 3"), "{error}");
}

#[test]
fn spins_are_recorded_as_numbers_by_default() {
    let ising = ergodic_conformance::strategies::PairwiseSpins::torus(2, 0.1).unwrap();
    let run = Sampler::new(Gibbs::new(Scan::Sweep), &ising)
        .starts(vec![vec![1, -1, 1, -1]])
        .warmup(0)
        .draws(50)
        .run()
        .unwrap();
    assert_eq!(run.draws.names(), ["x[0]", "x[1]", "x[2]", "x[3]"]);
    assert!(run.draws.values().iter().all(|s| s.abs() == 1.0));
    assert_eq!(run.stats.acceptance(0), None);
}

#[test]
fn divergences_and_values_that_are_not_finite_are_said_aloud() {
    let hot = Target {
        scale: 0.1,
        fail_above: f64::INFINITY,
    };
    // An energy of 12 at a tenth of the scale is reached by every long chain.
    let run = sampler(&hot)
        .warmup(0)
        .draws(40)
        .starts(vec![vec![20.0, 16.0]]);
    let run = run.observe(["inverse"], |_: &Target, _: &[f64], out: &mut [f64]| {
        out[0] = f64::INFINITY;
    });
    let run = run.run().unwrap();
    assert!(run.divergences().iter().all(|&d| d > 0));
    let verdict = run.verdict().unwrap_err().to_string();
    assert!(verdict.contains("steps diverged"), "{verdict}");
    assert!(
        verdict.contains("chain 2, draw 0: the recorded value of inverse"),
        "{verdict}"
    );
}

/// Counts and sums, and refuses a draw if told to.
struct Sum {
    refuse: usize,
}
#[derive(Debug)]
struct SumChain {
    sum: f64,
    refuse: usize,
    finished: Option<usize>,
}
impl DrawSink for Sum {
    type Chain = SumChain;
    fn open(&self, chain: usize, shape: &RunShape) -> Result<SumChain, SinkError> {
        assert!(chain < shape.chains && shape.draws == 40 && shape.names.len() == 2);
        Ok(SumChain {
            sum: 0.0,
            refuse: self.refuse,
            finished: None,
        })
    }
    fn resume(
        &self,
        chain: usize,
        shape: &RunShape,
        draws: usize,
        saved: &[u8],
    ) -> Result<SumChain, SinkError> {
        let mut sink = self.open(chain, shape)?;
        let (sum, count) = saved.split_at(8);
        assert_eq!(count, [draws as u8]);
        sink.finished = Some(draws);
        sink.sum = f64::from_le_bytes(sum.try_into().unwrap());
        Ok(sink)
    }
}
impl ChainSink for SumChain {
    fn push(&mut self, draw: usize, x: &[f64], stats: &StepStats) -> Result<(), SinkError> {
        if draw == self.refuse {
            return Err(SinkError::new("the disk is full"));
        }
        assert_eq!(stats.energies, 1);
        self.sum += x[0];
        self.finished = Some(draw + 1);
        Ok(())
    }
    fn save(&mut self) -> Result<Vec<u8>, SinkError> {
        let mut saved = self.sum.to_le_bytes().to_vec();
        saved.push(self.finished.unwrap_or(0) as u8);
        Ok(saved)
    }
    fn finish(&mut self, draws: usize) -> Result<(), SinkError> {
        assert_eq!(self.finished.unwrap_or(0), draws);
        Ok(())
    }
}

#[test]
fn a_stream_has_the_draws_of_the_run() {
    let run = sampler(&NORMAL).run().unwrap();
    let streamed = sampler(&NORMAL)
        .stream_to(&Both(Sum { refuse: 99 }, Sum { refuse: 99 }))
        .unwrap();
    assert_eq!(streamed.names, run.draws.names());
    for (chain, Both(a, b)) in streamed.sinks.iter().enumerate() {
        let sum = run.draws.chain(chain).iter().step_by(2);
        let sum = sum.fold(0.0, |s, x| s + x);
        assert_eq!((a.sum, b.sum), (sum, sum));
    }
    assert!(streamed.verdict().is_ok());
}

#[test]
fn a_sink_that_refuses_a_draw_ends_the_run() {
    let error = sampler(&NORMAL).threads(1).stream_to(&Sum { refuse: 7 });
    let error = error.unwrap_err();
    assert!(matches!(error, SampleError::Sink(_)));
    assert_eq!(error.to_string(), "chain 0, draw 7: the disk is full");
}

#[test]
fn an_argument_error_is_passed_on_as_it_is() {
    let e = ArgumentError::new("draws", 0, "at least 1");
    let source = SampleError::from(e.clone());
    assert_eq!(source.to_string(), e.to_string());
    assert!(std::error::Error::source(&source).is_some());
}

#[cfg(feature = "serde")]
mod checkpoints {
    use super::*;
    use std::path::{Path, PathBuf};

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.ckpt");
        (folder, path)
    }

    /// Runs in pieces, each stopped after a number of iterations, until it is done.
    fn in_pieces(path: &Path, mut pieces: impl FnMut() -> usize) -> (Run<Walk, WalkState>, usize) {
        for piece in 0..1000 {
            let stop = AtomicBool::new(false);
            let (length, done) = (pieces(), AtomicUsize::new(0));
            let watch = |_: &Progress| {
                if done.fetch_add(1, Ordering::Relaxed) + 1 >= length {
                    stop.store(true, Ordering::Relaxed);
                }
            };
            let mut run = sampler(&NORMAL)
                .threads(1 + piece % 4)
                .checkpoint(path, 7 + piece)
                .stop(&stop)
                .progress(watch);
            if path.exists() {
                run = run.resume(path);
            }
            match run.run() {
                Ok(run) if !run.interrupted => return (run, piece),
                Ok(_) | Err(SampleError::Interrupted { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        panic!("no end");
    }

    #[test]
    fn a_run_in_pieces_has_the_bits_of_one_run() {
        let whole = sampler(&NORMAL).run().unwrap();
        let mut lengths = stream(5, 0);
        for longest in [20, 60, 150, 290] {
            let (_folder, path) = folder();
            let (run, breaks) = in_pieces(&path, || 1 + lengths.index(longest));
            assert!(breaks > 0);
            assert_same(&whole, &run);
        }
    }

    #[test]
    fn a_stream_in_pieces_has_the_bits_of_one_stream() {
        let whole = sampler(&NORMAL).stream_to(&Sum { refuse: 99 }).unwrap();
        let (_folder, path) = folder();
        for piece in 0.. {
            let stop = AtomicBool::new(false);
            let done = AtomicUsize::new(0);
            let watch = |_: &Progress| {
                stop.store(
                    done.fetch_add(1, Ordering::Relaxed) >= 50,
                    Ordering::Relaxed,
                );
            };
            let mut run = sampler(&NORMAL)
                .checkpoint(&path, 9)
                .stop(&stop)
                .progress(watch);
            if path.exists() {
                run = run.resume(&path);
            }
            let streamed = run.stream_to(&Sum { refuse: 99 }).unwrap();
            if !streamed.interrupted {
                assert!(piece > 3);
                for (a, b) in whole.sinks.iter().zip(&streamed.sinks) {
                    assert_eq!(a.sum.to_bits(), b.sum.to_bits());
                }
                break;
            }
        }
    }

    #[test]
    fn the_file_that_a_kill_leaves_continues_with_the_same_bits() {
        // Copies the file whenever a chain has moved, as a kill at that moment would leave it.
        let whole = sampler(&NORMAL).run().unwrap();
        let (folder, path) = folder();
        let (copies, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let watch = |_: &Progress| {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            if call % 23 == 22 && path.exists() {
                let copy = copies.fetch_add(1, Ordering::Relaxed);
                std::fs::copy(&path, folder.path().join(format!("{copy}"))).unwrap();
            }
        };
        let run = sampler(&NORMAL).threads(2).checkpoint(&path, 5);
        assert_same(&whole, &run.progress(watch).run().unwrap());
        let copies = copies.load(Ordering::Relaxed);
        assert!(copies > 5, "{copies}");
        for copy in 0..copies {
            let run = sampler(&NORMAL).resume(folder.path().join(format!("{copy}")));
            assert_same(&whole, &run.run().unwrap());
        }
    }

    #[test]
    fn a_finished_run_can_be_lengthened_but_not_cut() {
        let (_folder, path) = folder();
        let short = sampler(&NORMAL).checkpoint(&path, 1000).run().unwrap();
        assert_eq!(short.draws.num_draws(), 40);
        let long = sampler(&NORMAL).draws(90).resume(&path).run().unwrap();
        assert_same(&sampler(&NORMAL).draws(90).run().unwrap(), &long);
        let error = sampler(&NORMAL).draws(39).resume(&path).run().unwrap_err();
        assert!(
            error.to_string().contains("holds 40 draws of chain 0"),
            "{error}"
        );
    }

    #[test]
    fn another_run_is_refused_by_name() {
        let (_folder, path) = folder();
        let _ = sampler(&NORMAL).checkpoint(&path, 50).run().unwrap();
        let error = |s: Sampler<'_, Walk, Target>| match s.resume(&path).run() {
            Err(SampleError::Checkpoint(e)) => e.to_string(),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("continued"),
        };
        let other = Target {
            scale: 1.1,
            ..NORMAL
        };
        let mut longer = walk();
        longer.step = 0.6;
        let longer = Sampler::new(longer, &NORMAL)
            .chains(3)
            .warmup(60)
            .draws(40)
            .seed(11);
        for (found, expected) in [
            (
                error(sampler(&NORMAL).seed(12)),
                "its seed is 11, here it is 12",
            ),
            (error(sampler(&NORMAL).chains(4)), "number of chains is 3"),
            (error(sampler(&NORMAL).warmup(61)), "warm-up steps is 60"),
            (error(sampler(&NORMAL).thin(2)), "thinning is 1"),
            (
                error(sampler(&NORMAL).names(["a", "b"])),
                "its parameters are",
            ),
            (error(sampler(&other)), "its target has energy"),
            (error(longer), "the settings of its kernel"),
        ] {
            assert!(found.contains(expected), "{found}");
        }
        let error = sampler(&NORMAL)
            .resume(&path)
            .stream_to(&Sum { refuse: 99 });
        assert!(error.err().unwrap().to_string().contains("sink"));
    }

    #[test]
    fn a_damaged_or_truncated_file_is_a_typed_error() {
        let (_folder, path) = folder();
        let _ = sampler(&NORMAL)
            .chains(1)
            .draws(2)
            .checkpoint(&path, 1000)
            .run()
            .unwrap();
        let good = std::fs::read(&path).unwrap();
        let attempt = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            match sampler(&NORMAL).chains(1).draws(2).resume(&path).run() {
                Err(SampleError::Checkpoint(e)) => Some(e.to_string()),
                Err(other) => panic!("{other}"),
                Ok(_) => None,
            }
        };
        assert_eq!(attempt(&good), None);
        for length in 0..good.len() {
            assert!(attempt(&good[..length]).is_some(), "{length} bytes");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(attempt(&bad).is_some(), "byte {at}");
        }
        let mut long = good.clone();
        long.push(0);
        assert!(attempt(&long).is_some());
        let mut newer = good.clone();
        newer[8] = 2;
        assert!(attempt(&newer).unwrap().contains("format version 2"));
        std::fs::remove_file(&path).unwrap();
        let missing = sampler(&NORMAL).resume(&path).run().unwrap_err();
        assert!(matches!(missing, SampleError::Checkpoint(_)));
    }

    #[test]
    fn a_checkpoint_that_cannot_be_written_is_a_typed_error() {
        let (folder, _) = folder();
        let nowhere = folder.path().join("none").join("run.ckpt");
        let error = sampler(&NORMAL).checkpoint(&nowhere, 10).run().unwrap_err();
        assert!(matches!(error, SampleError::Checkpoint(_)), "{error}");
        let (_folder, path) = super::checkpoints::folder();
        let error = sampler(&NORMAL).checkpoint(path, 0).run().unwrap_err();
        assert!(error.to_string().starts_with("every is 0"));
    }

    #[test]
    fn a_failed_target_leaves_a_checkpoint_of_the_other_chains() {
        let (_folder, path) = folder();
        let target = Target {
            scale: 1.0,
            fail_above: 2.5,
        };
        let run = |t| sampler(t).draws(10_000).checkpoint(&path, 500).run();
        assert!(matches!(run(&target), Err(SampleError::Target(_))));
        let resumed = sampler(&NORMAL).draws(10_000).resume(&path).run().unwrap();
        assert_same(&sampler(&NORMAL).draws(10_000).run().unwrap(), &resumed);
    }
}
