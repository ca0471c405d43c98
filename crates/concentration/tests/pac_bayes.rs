//! PAC-Bayes bounds by enumeration of all samples, and the Gibbs variational principle.

use ergodic_concentration::pac_bayes::{GibbsPosterior, PacBayes};
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 256,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(6),
        ..ProptestConfig::default()
    }
}

fn kl(q: &[f64], p: &[f64]) -> f64 {
    q.iter()
        .zip(p)
        .map(|(q, p)| if *q > 0.0 { q * (q / p).ln() } else { 0.0 })
        .sum()
}

fn dot(q: &[f64], r: &[f64]) -> f64 {
    q.iter().zip(r).map(|(q, r)| q * r).sum()
}

/// Three hypotheses on three kinds of examples.
struct Problem {
    examples: [f64; 3],
    losses: [[f64; 3]; 3],
    prior: [f64; 3],
}

impl Problem {
    fn risks(&self) -> Vec<f64> {
        self.losses.iter().map(|l| dot(l, &self.examples)).collect()
    }

    /// All samples of n: their probability and the empirical risks.
    fn samples(&self, n: usize) -> Vec<(f64, Vec<f64>)> {
        let factorial = |k: usize| (1..=k).map(|i| i as f64).product::<f64>();
        let mut all = Vec::new();
        for a in 0..=n {
            for b in 0..=n - a {
                let counts = [a, b, n - a - b];
                let mut probability = factorial(n);
                for (&k, p) in counts.iter().zip(self.examples) {
                    probability *= p.powi(k as i32) / factorial(k);
                }
                let share: Vec<f64> = counts.iter().map(|&k| k as f64 / n as f64).collect();
                let risks = self.losses.iter().map(|l| dot(l, &share)).collect();
                all.push((probability, risks));
            }
        }
        all
    }

    /// Posteriors to try on a sample: a grid of the simplex, and Gibbs posteriors of all temperatures.
    fn posteriors(&self, empirical: &[f64]) -> Vec<Vec<f64>> {
        let mut all = Vec::new();
        for i in 0..=8 {
            for j in 0..=8 - i {
                all.push(vec![
                    i as f64 / 8.0,
                    j as f64 / 8.0,
                    (8 - i - j) as f64 / 8.0,
                ]);
            }
        }
        for lambda in [0.0, 0.5, 1.0, 3.0, 8.0, 20.0, 100.0] {
            let gibbs = GibbsPosterior::new(&self.prior, empirical, lambda).unwrap();
            all.push(gibbs.probabilities().to_vec());
        }
        all
    }

    /// The exact probability that some posterior breaks a bound.
    fn broken(&self, n: usize, breaks: impl Fn(f64, f64, f64) -> bool) -> f64 {
        let risks = self.risks();
        self.samples(n)
            .iter()
            .filter(|(_, empirical)| {
                self.posteriors(empirical).iter().any(|q| {
                    let empirical = dot(q, empirical).clamp(0.0, 1.0);
                    breaks(dot(q, &risks), empirical, kl(q, &self.prior).max(0.0))
                })
            })
            .map(|(p, _)| p)
            .sum()
    }
}

fn problems() -> [Problem; 3] {
    [
        Problem {
            examples: [0.5, 0.3, 0.2],
            losses: [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.2, 0.6, 0.0]],
            prior: [0.4, 0.3, 0.3],
        },
        Problem {
            examples: [0.9, 0.05, 0.05],
            losses: [[0.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            prior: [0.8, 0.1, 0.1],
        },
        // One hypothesis three times: the bound for a mean.
        Problem {
            examples: [0.6, 0.4, 0.0],
            losses: [[0.0, 1.0, 0.0]; 3],
            prior: [0.5, 0.25, 0.25],
        },
    ]
}

#[test]
fn bounds_hold_for_all_posteriors_at_once_at_their_stated_rate() {
    let mut tightest = 0.0f64;
    for (which, problem) in problems().iter().enumerate() {
        for n in [1usize, 4, 12, 30] {
            for confidence in [0.4, 0.9] {
                let bound = PacBayes::new(n as u64, confidence).unwrap();
                let delta = 1.0 - confidence;
                let mut found = vec![
                    problem.broken(n, |risk, e, kl| risk > bound.mcallester(e, kl).unwrap()),
                    problem.broken(n, |risk, e, kl| {
                        !bound.seeger(e, kl).unwrap().contains(risk)
                    }),
                ];
                for share in [0.3, 1.0, 4.0] {
                    let lambda = share * n as f64;
                    found.push(problem.broken(n, |risk, e, kl| {
                        risk > bound.catoni(e, kl, lambda).unwrap() + 1e-12
                    }));
                    found.push(problem.broken(n, |risk, e, kl| {
                        risk > bound.linear(e, kl, lambda).unwrap() + 1e-12
                    }));
                }
                for (kind, broken) in found.iter().enumerate() {
                    assert!(
                        *broken <= delta,
                        "bound {kind} of problem {which} breaks with probability {broken} > {delta}, n = {n}"
                    );
                    tightest = tightest.max(broken / delta);
                }
            }
        }
    }
    assert!(tightest > 0.2, "{tightest}");
    // Power: claims for three times the sample are wrong.
    let wrong = PacBayes::new(90, 0.4).unwrap();
    let broken = problems()[2].broken(30, |risk, e, kl| risk > wrong.catoni(e, kl, 90.0).unwrap());
    let other = problems()[2].broken(12, |risk, e, kl| {
        risk > PacBayes::new(120, 0.9)
            .unwrap()
            .catoni(e, kl, 120.0)
            .unwrap()
    });
    assert!(other > 0.1, "{broken}, {other}");
}

#[test]
fn the_linear_bound_breaks_just_where_the_free_energy_says() {
    // sup_Q λ(L(Q) − L̂(Q)) − KL(Q‖P) = log E_P e^{λ(L − L̂)}, attained by a Gibbs law.
    let problem = &problems()[0];
    let (n, lambda, confidence) = (10usize, 7.0, 0.8);
    let bound = PacBayes::new(n as u64, confidence).unwrap();
    let risks = problem.risks();
    let mut missed = 0.0;
    for (probability, empirical) in problem.samples(n) {
        let gain: Vec<f64> = empirical.iter().zip(&risks).map(|(e, r)| e - r).collect();
        let worst = GibbsPosterior::new(&problem.prior, &gain, lambda).unwrap();
        let q = worst.probabilities();
        let sup = -worst.free_energy();
        let allowed = (1.0 / (1.0 - confidence)).ln() + lambda * lambda / (8.0 * n as f64);
        let bound = bound
            .linear(dot(q, &empirical), worst.kl_divergence(), lambda)
            .unwrap();
        let risk = dot(q, &risks);
        if bound < 1.0 {
            assert_eq!(
                sup > allowed,
                risk > bound,
                "{sup} {allowed} {risk} {bound}"
            );
        }
        if sup > allowed {
            missed += probability;
        }
    }
    assert!(missed <= 1.0 - confidence, "{missed}");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_gibbs_posterior_minimises_the_free_energy(
        weights in prop::collection::vec(0.0..1.0f64, 1..8),
        risks in prop::collection::vec(-3.0..3.0f64, 8),
        other in prop::collection::vec(0.001..1.0f64, 8),
        lambda in 0.0..50.0f64,
    ) {
        let total: f64 = weights.iter().sum::<f64>() + 0.1;
        let mut prior: Vec<f64> = weights.iter().map(|w| w / total).collect();
        prior[0] += 0.1 / total;
        let risks = &risks[..prior.len()];
        let gibbs = GibbsPosterior::new(&prior, risks, lambda).unwrap();
        let q = gibbs.probabilities();
        prop_assert!((q.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        let free = |r: &[f64]| lambda * dot(r, risks) + kl(r, &prior);
        let scale = 1e-12 * (1.0 + lambda * 3.0);
        prop_assert!((gibbs.free_energy() - free(q)).abs() < scale);
        prop_assert!((gibbs.risk() - dot(q, risks)).abs() < 1e-13);
        prop_assert!((gibbs.kl_divergence() - kl(q, &prior)).abs() < 1e-12 * (1.0 + lambda));
        // Any other loses its divergence from the Gibbs posterior.
        let other: Vec<f64> = other[..prior.len()]
            .iter()
            .zip(&prior)
            .map(|(o, &p)| if p > 0.0 { *o } else { 0.0 })
            .collect();
        let total: f64 = other.iter().sum();
        let r: Vec<f64> = other.iter().map(|o| o / total).collect();
        if q.iter().zip(&r).all(|(q, r)| *q > 0.0 || *r == 0.0) {
            let loss = free(&r) - gibbs.free_energy();
            prop_assert!((loss - kl(&r, q)).abs() < 10.0 * scale, "{loss} and {}", kl(&r, q));
            prop_assert!(loss >= -scale);
        }
    }

    #[test]
    fn sharper_bounds_are_never_above_coarser_ones(
        empirical in 0.0..1.0f64, kl in 0.0..30.0f64, n in 1u64..100_000, share in 0.01..5.0f64
    ) {
        let bound = PacBayes::new(n, 0.95).unwrap();
        let lambda = share * n as f64;
        let seeger = bound.seeger(empirical, kl).unwrap();
        prop_assert!(seeger.lower <= empirical && empirical <= seeger.upper);
        prop_assert!(seeger.upper <= bound.mcallester(empirical, kl).unwrap() + 1e-12);
        let (catoni, linear) = (
            bound.catoni(empirical, kl, lambda).unwrap(),
            bound.linear(empirical, kl, lambda).unwrap(),
        );
        prop_assert!(catoni <= linear + 1e-12 && catoni >= empirical * 0.999_999);
    }
}

#[test]
fn gaussian_posteriors_meet_the_same_free_energy() {
    use ergodic_expfam::Member;
    use ergodic_expfam::families::Normal;

    // Prior N(0, 1), energy λ(w − a)²/2: the Gibbs posterior is N(λa/(1 + λ), 1/(1 + λ)) and
    // −log E_P e^{−λr} = ½ log(1 + λ) + λa²/2(1 + λ).
    let prior = Member::new(Normal, Normal::natural(0.0, 1.0).unwrap()).unwrap();
    let (a, lambda) = (1.3f64, 7.0f64);
    let free = |mean: f64, variance: f64| {
        let posterior = Member::new(Normal, Normal::natural(mean, variance).unwrap()).unwrap();
        let risk = 0.5 * ((mean - a).powi(2) + variance);
        lambda * risk + posterior.kl_divergence(&prior).unwrap()
    };
    let (mean, variance) = (lambda * a / (1.0 + lambda), 1.0 / (1.0 + lambda));
    let least = 0.5 * (1.0 + lambda).ln() + 0.5 * lambda * a * a / (1.0 + lambda);
    assert!((free(mean, variance) - least).abs() < 1e-14);
    for (m, v) in [
        (0.0, 1.0),
        (mean, 1.1 * variance),
        (1.1 * mean, variance),
        (a, 0.01),
    ] {
        // What it loses is KL(R‖Q), between normal laws.
        let loss = 0.5 * ((m - mean).powi(2) / variance + v / variance - 1.0 - (v / variance).ln());
        assert!((free(m, v) - least - loss).abs() < 1e-13);
    }
}

#[test]
fn small_temperatures_keep_the_digits_of_small_divergences() {
    // KL(Q‖P) → λ² Var_P(L̂)/2.
    let gibbs = GibbsPosterior::new(&[0.25, 0.75], &[0.0, 1.0], 1e-9).unwrap();
    assert!((gibbs.kl_divergence() / (0.5e-18 * 0.1875) - 1.0).abs() < 1e-6);
    // And large ones give the best hypothesis that the prior knows.
    let gibbs = GibbsPosterior::new(&[0.5, 0.5, 0.0], &[1e300, 2.0, 1.0], 1e200).unwrap();
    assert_eq!(gibbs.probabilities(), [0.0, 1.0, 0.0]);
    assert!((gibbs.kl_divergence() - std::f64::consts::LN_2).abs() < 1e-15);
}

#[test]
fn bad_arguments_are_typed_errors() {
    assert_eq!(PacBayes::new(0, 0.9).unwrap_err().argument, "n");
    assert_eq!(PacBayes::new(5, 1.0).unwrap_err().argument, "confidence");
    let bound = PacBayes::new(5, 0.9).unwrap();
    for bad in [-0.1, 1.1, f64::NAN] {
        assert_eq!(
            bound.mcallester(bad, 1.0).unwrap_err().argument,
            "empirical_risk"
        );
        assert_eq!(
            bound.seeger(bad, 1.0).unwrap_err().argument,
            "empirical_risk"
        );
    }
    assert_eq!(bound.mcallester(0.1, -1.0).unwrap_err().argument, "kl");
    assert_eq!(bound.catoni(0.1, 1.0, 0.0).unwrap_err().argument, "lambda");
    assert_eq!(
        bound.linear(0.1, 1.0, f64::INFINITY).unwrap_err().argument,
        "lambda"
    );
    assert_eq!(bound.mcallester(0.1, f64::INFINITY).unwrap(), 1.0);
    assert_eq!(bound.catoni(0.1, f64::INFINITY, 1.0).unwrap(), 1.0);
    assert_eq!(bound.catoni(0.1, 1.0, 1e-320).unwrap(), 1.0);
    let name = |p: &[f64], r: &[f64], l| GibbsPosterior::new(p, r, l).unwrap_err().argument;
    assert_eq!(name(&[], &[], 1.0), "risks");
    assert_eq!(name(&[1.0], &[1.0, 2.0], 1.0), "risks");
    assert_eq!(name(&[-1.0], &[1.0], 1.0), "prior");
    assert_eq!(name(&[0.0], &[1.0], 1.0), "sum of the prior");
    assert_eq!(name(&[1.0], &[f64::NAN], 1.0), "risks");
    assert_eq!(name(&[1.0], &[1.0], -1.0), "lambda");
    assert_eq!(name(&[1.0, 1.0], &[f64::MAX, -f64::MAX], 0.0), "risks");
}

#[test]
fn the_constant_of_maurer_holds_at_every_sample_size() {
    // E e^{n kl(mean, p)} ≤ Σₖ C(n, k)(k/n)ᵏ(1 − k/n)ⁿ⁻ᵏ, with equality for coins, whatever p: between
    // √n and 2√n. Maurer proves it from n = 8 on; these are the others, and more.
    for n in 1..=400u32 {
        let nf = f64::from(n);
        let (mut sum, mut log_choose) = (0.0, 0.0);
        for k in 0..=n {
            let q = f64::from(k) / nf;
            let term = |q: f64| if q > 0.0 { nf * q * q.ln() } else { 0.0 };
            sum += f64::exp(log_choose + term(q) + term(1.0 - q));
            log_choose += (f64::from(n - k) / f64::from(k + 1)).ln();
        }
        let two = 2.0 * nf.sqrt();
        assert!(sum <= two * (1.0 + 1e-12) && sum >= nf.sqrt(), "{n}: {sum}");
        // n = 1 needs all of it.
        assert!(n > 1 || (sum - two).abs() < 1e-15);
    }
}

#[test]
fn bounds_have_the_constants_that_they_state() {
    let bound = PacBayes::new(100, 0.95).unwrap();
    let complexity = (0.5 + 400f64.ln()) / 100.0; // 2√100/.05
    let mcallester = bound.mcallester(0.1, 0.5).unwrap();
    assert!((mcallester - 0.1 - (0.5 * complexity).sqrt()).abs() < 1e-15);
    let seeger = bound.seeger(0.1, 0.5).unwrap();
    for end in [seeger.lower, seeger.upper] {
        let kl = 0.1 * (0.1 / end).ln() + 0.9 * (0.9 / (1.0 - end)).ln();
        assert!((kl / complexity - 1.0).abs() < 1e-12);
    }
    let lambda = 80.0f64;
    let exponent = (lambda * 0.1 + 0.5 + 20f64.ln()) / 100.0;
    let catoni = (1.0 - (-exponent).exp()) / (1.0 - (-0.8f64).exp());
    assert!((bound.catoni(0.1, 0.5, lambda).unwrap() - catoni).abs() < 1e-15);
    let linear = 0.1 + (0.5 + 20f64.ln()) / lambda + 0.1;
    assert!((bound.linear(0.1, 0.5, lambda).unwrap() - linear).abs() < 1e-15);
    // −0 is 0.
    assert_eq!(bound.seeger(-0.0, 0.5), bound.seeger(0.0, 0.5));
}
