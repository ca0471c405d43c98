//! Bugs on continuous spaces, found by quadrature and by tapes.

use ergodic_conformance::{Law, Quadrature, QuasiMonteCarlo};
use ergodic_core::{Claims, Energy, MarkovKernel, Randomness, TargetError};

use crate::common::LogGamma;
use crate::small::{DoubleWell, Move, Normal, Step, threshold};
use crate::{Mutant, Outcome};

fn kernel<T: Energy>(broken: bool, claims: Claims, step: Move<T>) -> Step<T> {
    Step {
        broken,
        claims,
        once: step,
    }
}

fn line<T: Energy<State = [f64]>>(
    kernel: &Step<T>,
    target: &T,
    domain: (f64, f64),
    law: Law,
    tolerance: f64,
) -> Outcome {
    let rule = Quadrature::new(&[domain]).unwrap().nodes(120, 120).unwrap();
    Outcome::of(&rule.check(kernel, target, tolerance).unwrap(), law)
}

/// `x′ = ρx + √(1 − ρ²) s ξ + m`, right for `s = 1`, `m = 0`.
fn autoregression(x: &mut [f64], sd: f64, drift: f64, rng: &mut dyn Randomness) {
    for x in x {
        *x = 0.6 * *x + 0.8 * sd * rng.normal() + drift;
    }
}

fn variance_bias(broken: bool) -> Outcome {
    let step: Move<Normal> = |broken, _, x, rng| {
        autoregression(x, if broken { 1.004f64.sqrt() } else { 1.0 }, 0.0, rng);
    };
    line(
        &kernel(broken, Claims::REVERSIBLE, step),
        &Normal,
        (-9.0, 9.0),
        Law::Invariance,
        1e-10,
    )
}

fn mean_bias(broken: bool) -> Outcome {
    let step: Move<Normal> = |broken, _, x, rng| {
        // Stationary mean 0.03.
        autoregression(x, 1.0, if broken { 0.4 * 0.03 } else { 0.0 }, rng);
    };
    let exact = |rng: &mut dyn Randomness| (0..10).map(|_| rng.normal()).collect();
    let kernel = kernel(broken, Claims::REVERSIBLE, step);
    let report = QuasiMonteCarlo::new()
        .check(&kernel, &Normal, exact)
        .unwrap();
    Outcome::of(&report, Law::Invariance)
}

const H: f64 = 0.12;

/// MALA whose noise has `factor` times the variance that its density has.
fn mala(factor: f64, x: &mut [f64], rng: &mut dyn Randomness) {
    let mean = |x: f64| x - H * DoubleWell::gradient(x);
    let y = mean(x[0]) + (2.0 * H * factor).sqrt() * rng.normal();
    let log_q = |from: f64, to: f64| -(to - mean(from)).powi(2) / (4.0 * H);
    let log_ratio =
        DoubleWell.energy(x) - DoubleWell.energy(&[y]) + log_q(y, x[0]) - log_q(x[0], y);
    if rng.bernoulli(threshold(log_ratio)) {
        x[0] = y;
    }
}

fn doubled_noise(broken: bool) -> Outcome {
    let step: Move<DoubleWell> = |broken, _, x, rng| mala(if broken { 2.0 } else { 1.0 }, x, rng);
    let kernel = kernel(broken, Claims::REVERSIBLE, step);
    line(
        &kernel,
        &DoubleWell,
        (-3.0, 3.0),
        Law::DetailedBalance,
        1e-4,
    )
}

fn unadjusted(broken: bool) -> Outcome {
    let step: Move<DoubleWell> = |broken, _, x, rng| {
        if broken {
            x[0] += -0.05 * DoubleWell::gradient(x[0]) + 0.1f64.sqrt() * rng.normal();
        } else {
            mala(1.0, x, rng);
        }
    };
    let kernel = kernel(broken, Claims::REVERSIBLE, step);
    line(&kernel, &DoubleWell, (-3.0, 3.0), Law::Invariance, 1e-4)
}

/// A Gamma(3) variable `y` sampled through `x = ln y`, whose energy is `y − 2 ln y − x`.
fn missing_jacobian(broken: bool) -> Outcome {
    let step: Move<LogGamma> = |broken, _, x, rng| {
        let energy = |x: f64| x.exp() - 2.0 * x - if broken { 0.0 } else { x };
        let y = x[0] + 0.8 * rng.normal();
        if rng.bernoulli(threshold(energy(x[0]) - energy(y))) {
            x[0] = y;
        }
    };
    let kernel = kernel(broken, Claims::REVERSIBLE, step);
    line(
        &kernel,
        &LogGamma(1),
        (-9.0, 4.0),
        Law::DetailedBalance,
        1e-4,
    )
}

fn drift_without_correction(broken: bool) -> Outcome {
    let step: Move<DoubleWell> = |broken, t, x, rng| {
        let y = x[0] + 0.8 * (rng.normal() + if broken { 0.1 } else { 0.0 });
        if rng.bernoulli(threshold(t.energy(x) - t.energy(&[y]))) {
            x[0] = y;
        }
    };
    let kernel = kernel(broken, Claims::REVERSIBLE, step);
    line(
        &kernel,
        &DoubleWell,
        (-3.0, 3.0),
        Law::DetailedBalance,
        1e-4,
    )
}

/// Two replicas at β = 1 and ½ of the normal law, moved by MALA with cached gradients and
/// exchanged: the caches have to be exchanged as well.
#[derive(Clone, Copy)]
struct Exchanged {
    broken: bool,
}

struct TwoTemperatures;
impl Energy for TwoTemperatures {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        (0..2).map(|k| 0.5 * BETA[k] * x[k] * x[k]).sum()
    }
}
const BETA: [f64; 2] = [1.0, 0.5];

#[derive(Clone)]
struct Cached {
    x: Vec<f64>,
    /// Of `x²/2`, at any temperature.
    gradient: [f64; 2],
}

impl MarkovKernel<TwoTemperatures> for Exchanged {
    type State = Cached;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::INVARIANT
    }
    fn init(&self, _: &TwoTemperatures, x: &[f64]) -> Result<Cached, TargetError> {
        Ok(Cached {
            x: x.to_vec(),
            gradient: [x[0], x[1]],
        })
    }
    fn position<'s>(&self, _: &TwoTemperatures, state: &'s Cached) -> &'s [f64]
    where
        TwoTemperatures: 's,
    {
        &state.x
    }
    fn reset(
        &self,
        t: &TwoTemperatures,
        state: &mut Cached,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        *state = self.init(t, x.unwrap_or(&state.x))?;
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        _: &TwoTemperatures,
        s: &mut Cached,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let h = 0.3;
        for k in 0..2 {
            let b = BETA[k];
            let y = s.x[k] - h * b * s.gradient[k] + (2.0 * h).sqrt() * rng.normal();
            let log_q = |from: f64, g: f64, to: f64| -(to - from + h * b * g).powi(2) / (4.0 * h);
            let log_ratio = 0.5 * b * (s.x[k].powi(2) - y * y) + log_q(y, y, s.x[k])
                - log_q(s.x[k], s.gradient[k], y);
            if rng.bernoulli(threshold(log_ratio)) {
                s.x[k] = y;
                s.gradient[k] = y;
            }
        }
        let log_ratio = 0.5 * (BETA[0] - BETA[1]) * (s.x[0].powi(2) - s.x[1].powi(2));
        if rng.bernoulli(threshold(log_ratio)) {
            s.x.swap(0, 1);
            if !self.broken {
                s.gradient.swap(0, 1);
            }
        }
        Ok(())
    }
}

fn stale_gradient(broken: bool) -> Outcome {
    let exact =
        |rng: &mut dyn Randomness| vec![rng.normal(), rng.normal() * std::f64::consts::SQRT_2];
    let report = QuasiMonteCarlo::new()
        .check(&Exchanged { broken }, &TwoTemperatures, exact)
        .unwrap();
    Outcome::of(&report, Law::Invariance)
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
            "variance biased by 0.4 percent",
            "pymc #1763",
            "invariance, quadrature",
            variance_bias,
        ),
        m(
            "mean biased by 0.03 sd in ten dimensions",
            "passes tests at atol 0.1",
            "invariance, tapes",
            mean_bias,
        ),
        m(
            "noise variance doubled",
            "classic",
            "detailed balance, quadrature",
            doubled_noise,
        ),
        m(
            "unadjusted Langevin that claims to be exact",
            "classic",
            "invariance, quadrature",
            unadjusted,
        ),
        m(
            "missing Jacobian of a transform",
            "classic",
            "detailed balance, quadrature",
            missing_jacobian,
        ),
        m(
            "random walk with drift and no correction",
            "classic",
            "detailed balance, quadrature",
            drift_without_correction,
        ),
        m(
            "cached gradient not exchanged in a swap",
            "classic",
            "invariance, tapes",
            stale_gradient,
        ),
    ]
}
