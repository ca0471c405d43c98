//! Bugs of Hamiltonian kernels, found along orbits, by quadrature, tapes and the work identity.

use ergodic_conformance::{
    Law, Orbit, Phase, Quadrature, QuasiMonteCarlo, Report, check_integrator,
};
use ergodic_core::{Claims, EnergyGradient, MarkovKernel, Randomness, TargetError};

use crate::common::nuts::{Flaw, Nuts, hamiltonian, leapfrog};
use crate::common::{Bug, Hmc, LogGamma};
use crate::small::threshold;
use crate::{Mutant, Outcome};

fn hmc(broken: bool, bug: Bug) -> Hmc {
    Hmc {
        step: 0.35,
        steps: 3,
        bug: if broken { bug } else { Bug::None },
    }
}

fn on_line(broken: bool, bug: Bug, law: Law) -> Outcome {
    let rule = Quadrature::new(&[(-9.0, 4.5)])
        .unwrap()
        .nodes(150, 150)
        .unwrap();
    let report = rule.check(&hmc(broken, bug), &LogGamma(1), 1e-5).unwrap();
    Outcome::of(&report, law)
}

fn in_ten_dimensions(broken: bool, bug: Bug) -> Outcome {
    let report = QuasiMonteCarlo::new()
        .check(&hmc(broken, bug), &LogGamma(10), LogGamma(10).exact())
        .unwrap();
    Outcome::of(&report, Law::Invariance)
}

fn half_kick(broken: bool) -> Outcome {
    on_line(broken, Bug::WrongHalfKick, Law::DetailedBalance)
}

fn hot_momentum(broken: bool) -> Outcome {
    in_ten_dimensions(broken, Bug::HotMomentum)
}

fn stale_after_rejection(broken: bool) -> Outcome {
    in_ten_dimensions(broken, Bug::StaleGradient)
}

fn friction(broken: bool) -> Outcome {
    let finding = QuasiMonteCarlo::new()
        .exponential_work(
            &hmc(broken, Bug::Friction),
            &LogGamma(10),
            LogGamma(10).exact(),
        )
        .unwrap();
    Outcome::finding(&finding)
}

fn euler(broken: bool) -> Outcome {
    let step = move |h: f64| {
        move |z: &mut [f64]| {
            if broken {
                let mut g = [0.0];
                LogGamma(1).energy_gradient(&z[..1], &mut g);
                z[0] += h * z[1];
                z[1] -= h * g[0];
            } else {
                let (x, p) = z.split_at_mut(1);
                leapfrog(&LogGamma(1), h, x, p);
            }
        }
    };
    let report = check_integrator(step(0.1), step(-0.1), &[vec![0.5, 0.7]], 1e-9);
    Outcome::of(&report, Law::Volume)
}

fn orbit(broken: bool, flaw: Flaw) -> Report {
    let h = 0.75;
    let kernel = Nuts {
        step: h,
        depth: 3,
        flaw: if broken { flaw } else { Flaw::None },
    };
    let target = LogGamma(1);
    Orbit::new(
        Phase::new([-1.5], [0.2]),
        7,
        |z| leapfrog(&target, h, &mut z.x, &mut z.p),
        |z| leapfrog(&target, -h, &mut z.x, &mut z.p),
        |z| hamiltonian(&target, &z.x, &z.p),
    )
    .unwrap()
    .check(&kernel, &target, |z| z.p.clone(), 1e-12)
    .unwrap()
}

fn inverted_branch(broken: bool) -> Outcome {
    Outcome::of(&orbit(broken, Flaw::InvertedWeight), Law::Invariance)
}

fn missing_subtree_check(broken: bool) -> Outcome {
    Outcome::of(&orbit(broken, Flaw::NoSubtreeCheck), Law::Invariance)
}

/// HMC whose momentum survives the step (Horowitz, *Phys. Lett. B* 268, 247 (1991)): after a
/// rejection it has to be flipped.
#[derive(Clone, Copy)]
struct Persistent {
    broken: bool,
}

#[derive(Clone)]
struct Moving {
    x: Vec<f64>,
    p: f64,
}

impl MarkovKernel<LogGamma> for Persistent {
    type State = Moving;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::INVARIANT
    }
    fn init(&self, _: &LogGamma, x: &[f64]) -> Result<Moving, TargetError> {
        Ok(Moving {
            x: x.to_vec(),
            p: 0.0,
        })
    }
    fn position<'s>(&self, _: &LogGamma, state: &'s Moving) -> &'s [f64]
    where
        LogGamma: 's,
    {
        &state.x
    }
    fn reset(&self, _: &LogGamma, s: &mut Moving, x: Option<&[f64]>) -> Result<(), TargetError> {
        if let Some(x) = x {
            s.x.copy_from_slice(x);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        t: &LogGamma,
        s: &mut Moving,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        s.p = 0.9 * s.p + (1.0f64 - 0.81).sqrt() * rng.normal();
        let (mut x, mut p) = (s.x.clone(), [s.p]);
        leapfrog(t, 0.9, &mut x, &mut p);
        let log_ratio = hamiltonian(t, &s.x, &[s.p]) - hamiltonian(t, &x, &p);
        if rng.bernoulli(threshold(log_ratio)) {
            s.x = x;
            s.p = p[0];
        } else if !self.broken {
            s.p = -s.p;
        }
        Ok(())
    }
}

fn momentum_not_flipped(broken: bool) -> Outcome {
    let exact = LogGamma(1).exact();
    let report = QuasiMonteCarlo::new()
        .steps(4)
        .unwrap()
        .check_from(
            &Persistent { broken },
            &LogGamma(1),
            exact,
            |tape, state| {
                *state = Some(Moving {
                    x: exact(tape),
                    p: tape.normal(),
                });
                Ok(())
            },
            Claims::INVARIANT,
        )
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
            "NUTS with the branch weight inverted",
            "classic",
            "Σ wᵢPᵢⱼ = wⱼ along one orbit",
            inverted_branch,
        ),
        m(
            "NUTS without the U-turn check of subtrees",
            "classic",
            "Σ wᵢPᵢⱼ = wⱼ along one orbit",
            missing_subtree_check,
        ),
        m(
            "momentum not flipped after a rejection",
            "classic",
            "invariance, tapes over position and momentum",
            momentum_not_flipped,
        ),
        m(
            "wrong half-kick",
            "classic",
            "detailed balance, quadrature",
            half_kick,
        ),
        m(
            "momentum drawn one percent too hot",
            "classic",
            "invariance, tapes",
            hot_momentum,
        ),
        m(
            "gradient of a rejected proposal kept",
            "classic",
            "invariance, tapes",
            stale_after_rejection,
        ),
        m(
            "momentum shrunk without its Jacobian",
            "classic",
            "E[exp(−ΔH)] = 1, tapes",
            friction,
        ),
        m(
            "explicit Euler for leapfrog",
            "classic",
            "volume, numerical Jacobian",
            euler,
        ),
    ]
}
