//! Bugs on finite spaces, found by exact enumeration.

use ergodic_conformance::strategies::{FiniteTable, PairwiseSpins};
use ergodic_conformance::{Law, Limits, check, enumerate, outcomes};
use ergodic_core::{Claims, Conditional, Energy, LocalEnergy, Randomness};
use ergodic_math::special::sigmoid;

use crate::small::{Move, Owned, Replicas, Step, threshold};
use crate::{Mutant, Outcome};

/// The law `law` of a one-function kernel by its transition matrix.
fn matrix<T>(
    broken: bool,
    target: &T,
    states: &[Owned<T>],
    claims: Claims,
    law: Law,
    step: Move<T>,
) -> Outcome
where
    T: Energy,
    T::State: std::hash::Hash + Eq + std::fmt::Debug,
    Owned<T>: Clone + std::hash::Hash + Eq + std::borrow::BorrowMut<T::State>,
{
    let kernel = Step {
        broken,
        claims,
        once: step,
    };
    Outcome::of(&check(&kernel, target, states, 1e-12).unwrap(), law)
}

fn table() -> FiniteTable {
    FiniteTable::new(vec![0.0, 1.0, 0.3]).unwrap()
}

fn on_table(broken: bool, claims: Claims, law: Law, step: Move<FiniteTable>) -> Outcome {
    let t = table();
    matrix(broken, &t, &t.states(), claims, law, step)
}

fn on_spins(broken: bool, claims: Claims, law: Law, step: Move<PairwiseSpins>) -> Outcome {
    let t = PairwiseSpins::torus(2, 0.3).unwrap();
    matrix(broken, &t, &t.states(), claims, law, step)
}

fn on_replicas(broken: bool, betas: &'static [f64], law: Law, step: Move<Replicas>) -> Outcome {
    let t = Replicas::new(betas);
    matrix(
        broken,
        &t,
        &t.states(),
        Claims::INVARIANT.not_ergodic(),
        law,
        step,
    )
}

fn logistic_uphill(broken: bool) -> Outcome {
    on_table(
        broken,
        Claims::REVERSIBLE,
        Law::DetailedBalance,
        |broken, t, x, rng| {
            let to = (*x + 1 + rng.index(2)) % 3;
            let delta = t.delta_energy(x, to);
            let p = match delta {
                d if d <= 0.0 => 1.0,
                d if broken => 1.0 / (1.0 + d.exp()),
                d => (-d).exp(),
            };
            if rng.bernoulli(p) {
                *x = to;
            }
        },
    )
}

fn typewriter_with_ties(broken: bool) -> Outcome {
    let t = PairwiseSpins::torus(3, 0.44).unwrap();
    matrix(
        broken,
        &t,
        &t.states(),
        Claims::INVARIANT,
        Law::Irreducibility,
        |broken, t, s, rng| {
            for site in 0..t.len() {
                let delta = t.delta_energy(s, site);
                // Barker's rule hesitates at ΔE = 0.
                let p = if broken {
                    threshold(-delta)
                } else {
                    sigmoid(-delta)
                };
                if rng.bernoulli(p) {
                    t.apply(s, site);
                }
            }
        },
    )
}

fn two_percent_hot(broken: bool) -> Outcome {
    on_spins(
        broken,
        Claims::REVERSIBLE.not_ergodic(),
        Law::DetailedBalance,
        |broken, t, s, rng| {
            let site = rng.index(t.len());
            let beta = if broken { 0.98 } else { 1.0 };
            if rng.bernoulli(threshold(-beta * t.delta_energy(s, site))) {
                t.apply(s, site);
            }
        },
    )
}

fn half_field(broken: bool) -> Outcome {
    on_spins(
        broken,
        Claims::REVERSIBLE,
        Law::DetailedBalance,
        |broken, t, s, rng| {
            let site = rng.index(t.len());
            t.resample_site(s, site, if broken { 0.5 } else { 1.0 }, rng);
        },
    )
}

/// On a line that is left inward at its ends only: `q(0 → 1) = 1`, `q(1 → 0) = ½`.
fn missing_hastings(broken: bool) -> Outcome {
    on_table(
        broken,
        Claims::REVERSIBLE.not_ergodic(),
        Law::DetailedBalance,
        |broken, t, x, rng| {
            let last = t.energies().len() - 1;
            let q = |at: usize| if at == 0 || at == last { 1.0f64 } else { 0.5 };
            let to = match *x {
                0 => 1,
                x if x == last => last - 1,
                x if rng.bernoulli(0.5) => x + 1,
                x => x - 1,
            };
            let correction = if broken { 0.0 } else { (q(to) / q(*x)).ln() };
            if rng.bernoulli(threshold(correction - t.delta_energy(x, to))) {
                *x = to;
            }
        },
    )
}

fn frozen(broken: bool) -> Outcome {
    on_table(
        broken,
        Claims::REVERSIBLE.not_ergodic(),
        Law::Moves,
        |broken, t, x, rng| {
            let to = (*x + 1 + rng.index(2)) % 3;
            if rng.bernoulli(threshold(-t.delta_energy(x, to))) && !broken {
                *x = to;
            }
        },
    )
}

/// The number that chose the proposal also decides about it.
fn reused_number(broken: bool) -> Outcome {
    on_table(
        broken,
        Claims::REVERSIBLE,
        Law::DetailedBalance,
        |broken, t, x, rng| {
            let k = rng.index(2);
            let to = (*x + 1 + k) % 3;
            let a = threshold(-t.delta_energy(x, to));
            let accept = if broken {
                0.5 * (k as f64 + 0.5) < a
            } else {
                rng.bernoulli(a)
            };
            if accept {
                *x = to;
            }
        },
    )
}

/// Exchanges a pair of neighbouring temperatures after one Metropolis step of each replica.
fn swap(
    t: &Replicas,
    x: &mut [usize],
    rng: &mut dyn Randomness,
    log_ratio: impl Fn(&[f64], &[f64], usize) -> f64,
) {
    for k in 0..x.len() {
        t.metropolis(x, k, rng);
    }
    let k = rng.index(x.len() - 1);
    let energies: Vec<f64> = x.iter().map(|&x| t.table.energies()[x]).collect();
    if rng.bernoulli(threshold(log_ratio(t.betas, &energies, k))) {
        x.swap(k, k + 1);
    }
}

fn inverted_swap(broken: bool) -> Outcome {
    on_replicas(broken, &[1.0, 0.4], Law::Invariance, |broken, t, x, rng| {
        swap(t, x, rng, |beta, e, k| {
            let right = (beta[k] - beta[k + 1]) * (e[k] - e[k + 1]);
            if broken { -right } else { right }
        });
    })
}

fn tempering_index(broken: bool) -> Outcome {
    on_replicas(
        broken,
        &[1.0, 0.6, 0.2],
        Law::Invariance,
        |broken, t, x, rng| {
            swap(t, x, rng, |beta, e, k| {
                // The energies of the pair before.
                let i = if broken { (k + 2) % 3 } else { k };
                (beta[k] - beta[k + 1]) * (e[i] - e[(i + 1) % 3])
            });
        },
    )
}

/// Two reads of a batch that answer from one stream: the same uniform number decides both.
fn identical_reads(broken: bool) -> Outcome {
    on_replicas(broken, &[1.0, 1.0], Law::Invariance, |broken, t, x, rng| {
        if !broken {
            t.metropolis(x, 0, rng);
            t.metropolis(x, 1, rng);
            return;
        }
        let e = t.table.energies();
        let shift = 1 + rng.index(e.len() - 1);
        let to = [(x[0] + shift) % e.len(), (x[1] + shift) % e.len()];
        let p = [0, 1].map(|k| threshold(e[x[k]] - e[to[k]]));
        // u < p for both from one u: the likelier first, the other given it.
        let (likely, other) = if p[0] >= p[1] { (0, 1) } else { (1, 0) };
        if rng.bernoulli(p[likely]) {
            x[likely] = to[likely];
            if rng.bernoulli(p[other] / p[likely]) {
                x[other] = to[other];
            }
        }
    })
}

/// Three replicas of two spins. Houdayer's move exchanges a cluster of sites in which two replicas
/// differ, and keeps the sum of the energies; moved on to a third replica it does not.
struct Three(PairwiseSpins);
impl Energy for Three {
    type State = [i8];
    fn energy(&self, s: &[i8]) -> f64 {
        s.chunks(self.0.len()).map(|s| self.0.energy(s)).sum()
    }
}

fn houdayer(broken: bool) -> Outcome {
    let spins = PairwiseSpins::new(vec![0.0, 0.8, 0.8, 0.0], vec![0.3, -0.5]).unwrap();
    let states: Vec<Vec<i8>> = (0..64)
        .map(|k| {
            (0..6)
                .map(|i| if k >> i & 1 == 1 { 1 } else { -1 })
                .collect()
        })
        .collect();
    matrix(
        broken,
        &Three(spins),
        &states,
        Claims::INVARIANT.not_ergodic(),
        Law::Invariance,
        |broken, t, s, rng| {
            let n = t.0.len();
            let a = rng.index(3);
            let (b, c) = ((a + 1) % 3, (a + 2) % 3);
            let differ: Vec<usize> = (0..n).filter(|i| s[a * n + i] != s[b * n + i]).collect();
            if differ.is_empty() {
                return;
            }
            // Two coupled sites: the cluster of a site is all sites that differ.
            let _ = rng.index(differ.len());
            for &i in &differ {
                if broken {
                    let third = s[c * n + i];
                    s[c * n + i] = s[b * n + i];
                    s[b * n + i] = s[a * n + i];
                    s[a * n + i] = third;
                } else {
                    s.swap(a * n + i, b * n + i);
                }
            }
        },
    )
}

/// The bias of the mean energy after a warm-up from all spins up: so many clusters, or clusters
/// until each spin was flipped so often on average.
fn short_warmup(broken: bool) -> Outcome {
    const SWEEPS: usize = 3;
    let t = PairwiseSpins::torus(2, 0.05).unwrap();
    let wolff: Move<PairwiseSpins> = |_, t, s, rng| {
        let n = t.len();
        let mut cluster = vec![rng.index(n)];
        let mut next = 0;
        while next < cluster.len() {
            let i = cluster[next];
            next += 1;
            for j in 0..n {
                // Torus of side 2: neighbours share a row or a column, by two bonds of β = 0.05.
                let bonded = i != j && (i / 2 == j / 2 || i % 2 == j % 2);
                if bonded && s[i] == s[j] && !cluster.contains(&j) {
                    let p = -(-2.0 * 0.1f64).exp_m1();
                    if rng.bernoulli(p) {
                        cluster.push(j);
                    }
                }
            }
        }
        for i in cluster {
            s[i] = -s[i];
        }
    };
    let kernel = Step {
        broken,
        claims: Claims::REVERSIBLE,
        once: wolff,
    };
    let states = t.states();
    let energies: Vec<f64> = states.iter().map(|s| t.energy(s)).collect();
    let matrix = enumerate(&kernel, &t, &states).unwrap();
    let z: f64 = energies.iter().map(|e| (-e).exp()).sum();
    let exact: f64 = energies.iter().map(|e| e * (-e).exp() / z).sum();
    // Of all spins up, which is the last state.
    let mut law = nalgebra::RowDVector::zeros(states.len());
    law[states.len() - 1] = 1.0;
    let steps = if broken { SWEEPS } else { SWEEPS * t.len() };
    for _ in 0..steps {
        law *= matrix.matrix();
    }
    let found: f64 = law.iter().zip(&energies).map(|(p, e)| p * e).sum();
    Outcome::identity(found - exact, 1e-3)
}

/// The weight of annealed importance sampling over three levels, as a function of its randomness.
fn annealed(rng: &mut dyn Randomness, wrong_level: bool) -> f64 {
    let (e, betas) = ([0.0, 1.0, 0.3], [0.0, 0.3, 0.7, 1.0]);
    let mut x = rng.index(3);
    let mut log_weight = 0.0;
    for k in 1..betas.len() {
        log_weight -= (betas[k] - betas[k - 1]) * e[x];
        // The move at the level just reached; the bug moves at the next one already.
        let level = if wrong_level { (k + 1).min(3) } else { k };
        let to = (x + 1 + rng.index(2)) % 3;
        if rng.bernoulli(threshold(betas[level] * (e[x] - e[to]))) {
            x = to;
        }
    }
    log_weight
}

/// `Z₁/Z₀` of [`annealed`].
fn ratio() -> f64 {
    [0.0f64, 1.0, 0.3].iter().map(|e| (-e).exp()).sum::<f64>() / 3.0
}

fn wrong_level(broken: bool) -> Outcome {
    let all = outcomes(Limits::default(), |rng| annealed(rng, broken)).unwrap();
    let mean: f64 = all.iter().map(|(p, w)| p * w.exp()).sum();
    Outcome::identity(mean / ratio() - 1.0, 1e-12)
}

fn mean_of_logarithms(broken: bool) -> Outcome {
    let all = outcomes(Limits::default(), |rng| {
        let w = [annealed(rng, false), annealed(rng, false)];
        if broken {
            (0.5 * (w[0] + w[1])).exp()
        } else {
            0.5 * (w[0].exp() + w[1].exp())
        }
    })
    .unwrap();
    let mean: f64 = all.iter().map(|(p, z)| p * z).sum();
    Outcome::identity(mean / ratio() - 1.0, 1e-12)
}

/// Reweighting of a population from β = 0.5 to 1: `E[w f]/E[w]` has to be the mean at 1.
fn population_weights(broken: bool) -> Outcome {
    let e = [0.0f64, 1.0, 0.3];
    let at = |beta: f64| e.map(|e| (-beta * e).exp());
    let all = outcomes(Limits::default(), |rng| rng.categorical(&at(0.5))).unwrap();
    let weight = |x: usize| (-(if broken { 1.0 } else { 0.5 }) * e[x]).exp();
    let sum = |f: &dyn Fn(usize) -> f64| -> f64 { all.iter().map(|(p, x)| p * f(*x)).sum() };
    let found = sum(&|x| weight(x) * e[x]) / sum(&weight);
    let z: f64 = at(1.0).iter().sum();
    let exact: f64 = at(1.0).iter().zip(e).map(|(w, e)| w * e / z).sum();
    Outcome::identity(found - exact, 1e-12)
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
            "uphill moves accepted with 1/(1 + exp ΔE), downhill always",
            "argmin 0.11 annealing",
            "detailed balance, enumeration",
            logistic_uphill,
        ),
        m(
            "sequential Metropolis that always accepts ΔE = 0",
            "dwave-samplers, mcising",
            "irreducibility, enumeration of the 3×3 torus",
            typewriter_with_ties,
        ),
        m(
            "annealed importance sampling moved at the wrong level",
            "rbms before #7",
            "E[w] = Z₁/Z₀, enumeration",
            wrong_level,
        ),
        m(
            "mean of log-weights for the log of their mean",
            "PGM",
            "E[Ẑ] = Z, enumeration",
            mean_of_logarithms,
        ),
        m(
            "parallel tempering with the energies of another pair",
            "rbms #59",
            "invariance, enumeration",
            tempering_index,
        ),
        m(
            "swap ratio inverted",
            "classic",
            "invariance, enumeration",
            inverted_swap,
        ),
        m(
            "population weights exp(−βE) for exp(−ΔβE)",
            "localsearch 0.26",
            "reweighted mean, enumeration",
            population_weights,
        ),
        m(
            "cluster move passed on to a third replica",
            "peapods, spin-sim",
            "invariance, enumeration",
            houdayer,
        ),
        m(
            "reads of a batch share one random stream",
            "OpenJij 0.12",
            "invariance of the product law, enumeration",
            identical_reads,
        ),
        m(
            "warm-up counted in clusters for sweeps",
            "mcising",
            "bias of the mean energy, exact powers",
            short_warmup,
        ),
        m(
            "missing Hastings factor",
            "classic",
            "detailed balance, enumeration",
            missing_hastings,
        ),
        m("frozen kernel", "classic", "moves, enumeration", frozen),
        m(
            "random number of the proposal reused for acceptance",
            "classic",
            "detailed balance, enumeration",
            reused_number,
        ),
        m(
            "inverse temperature off by two percent",
            "classic",
            "detailed balance, enumeration",
            two_percent_hot,
        ),
        m(
            "conditional at half the field",
            "classic",
            "detailed balance, enumeration",
            half_field,
        ),
    ]
}
