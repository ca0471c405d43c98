//! Projections, alternating projections, mixtures and robust Bayes against exact values and certificates.

use ergodic_expfam::families::*;
use ergodic_expfam::scoring::ScoringRule;
use ergodic_expfam::*;
use ergodic_info::{Convex, InfoError, NegativeEntropy};
use ergodic_math::rng;
use nalgebra::DMatrix;
use proptest::prelude::*;

fn faces() -> DMatrix<f64> {
    DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64)
}

fn kl(p: &[f64], q: &[f64]) -> f64 {
    NegativeEntropy.divergence(p, q)
}

fn random_law(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = rng::stream(seed, 0);
    let w: Vec<f64> = (0..n).map(|_| 0.05 + rng::uniform(&mut rng)).collect();
    let total: f64 = w.iter().sum();
    w.iter().map(|w| w / total).collect()
}

#[test]
fn pythagoras_is_an_equality_on_linear_families_and_an_inequality_on_convex_sets() {
    let q = [0.1, 0.1, 0.2, 0.2, 0.2, 0.2];
    let p = [0.09, 0.05, 0.1, 0.15, 0.25, 0.36];
    let set = MomentSet::new(faces(), [Constraint::Equal(4.5)]).unwrap();
    let t = set.pythagoras(&p, &q).unwrap();
    assert!((t.whole - 0.110782252832352).abs() < 1e-14);
    assert!((t.first + t.second - 0.110782252832352).abs() < 1e-14);
    let convex = MomentSet::new(
        faces(),
        [Constraint::Within {
            centre: 4.8,
            radius: 0.4,
        }],
    )
    .unwrap();
    for mean in [4.4, 4.6, 5.1] {
        // The nearest law of that mean to uniform is in the set.
        let inside = MaximumEntropy::new(faces(), &[1.0; 6]).unwrap();
        let p = inside
            .solve(&[Constraint::Equal(mean)])
            .unwrap()
            .probabilities;
        let t = convex.pythagoras(&p, &q).unwrap();
        let strict = mean > 4.41;
        assert!(
            if strict {
                t.defect() > 1e-3
            } else {
                t.defect() > -1e-13
            },
            "{mean}: {t:?}"
        );
    }
    let missed = convex.violation(&q).unwrap(); // of mean 3.9
    assert!((missed - 0.5).abs() < 1e-14);
    let errors = [
        set.pythagoras(&q, &p).unwrap_err(),
        set.pythagoras(&p[..5], &q).unwrap_err(),
        set.pythagoras(&p, &[0.5; 6]).unwrap_err(),
    ];
    for (error, name) in errors.into_iter().zip(["p", "p", "q"]) {
        let MaximumEntropyError::Argument(error) = error else {
            panic!("{error:?}")
        };
        assert_eq!(error.argument, name);
    }
    let near = Constraint::Near {
        centre: 4.0,
        sd: 1.0,
    };
    assert_eq!(
        MomentSet::new(faces(), [near]).unwrap_err().argument,
        "constraints"
    );
    assert!(MomentSet::new(faces(), []).is_err());
    assert!(MomentSet::new(faces(), [Constraint::Equal(f64::NAN)]).is_err());
    assert!(MomentSet::new(DMatrix::zeros(0, 0), []).is_err());
}

#[test]
fn moment_projections_match_moments_and_obey_pythagoras() {
    // A law on small counts to the Poisson family, and to a flat family on six outcomes.
    let law: Vec<(u64, f64)> = vec![(0, 0.2), (1, 0.5), (3, 0.2), (7, 0.1)];
    let mean = 0.5 + 0.6 + 0.7;
    let projection = moment_projection(Poisson, law.clone()).unwrap();
    assert!((projection.member.mean()[0] - mean).abs() < 1e-15);
    let direct: f64 = law
        .iter()
        .map(|(x, p)| p * (p.ln() - projection.member.log_density(x)))
        .sum();
    assert!((projection.divergence() - direct).abs() < 1e-14);
    let t = moment_pythagoras(Poisson, law, &[1.3]).unwrap();
    assert!(t.defect().abs() < 1e-14 && t.second > 0.1, "{t:?}");
    let p = random_law(6, 1);
    let statistics = DMatrix::from_fn(6, 2, |i, j| ((i + 1) as f64).powi(j as i32 + 1));
    let family = Discrete::new(statistics, &[1.0; 6]).unwrap();
    let law = || p.iter().copied().enumerate();
    let best = moment_projection(family.clone(), law()).unwrap();
    let fitted = family.probabilities(best.member.natural()).unwrap();
    assert!((best.divergence() - kl(&p, &fitted)).abs() < 1e-13);
    for other in [[0.0, 0.0], [0.3, -0.1], [-1.0, 0.2]] {
        let t = moment_pythagoras(family.clone(), law(), &other).unwrap();
        let q = family.probabilities(&other).unwrap();
        assert!((t.whole - kl(&p, &q)).abs() < 1e-12);
        assert!(t.defect().abs() < 1e-12, "{t:?}");
    }
    // The e-flat sub-family without the square is the family of the first statistic.
    let direction = DMatrix::from_row_slice(2, 1, &[1.0, 0.0]);
    let part = Subfamily::new(family, &[0.0, 0.0], direction).unwrap();
    let alone = Discrete::new(faces(), &[1.0; 6]).unwrap();
    let (a, b) = (
        moment_projection(part, law()).unwrap(),
        moment_projection(alone, law()).unwrap(),
    );
    assert!((a.member.natural()[0] - b.member.natural()[0]).abs() < 1e-12);
    assert!((a.divergence() - b.divergence()).abs() < 1e-13);
    assert!(a.divergence() > best.divergence());
    let empty: [(u64, f64); 0] = [];
    assert!(moment_projection(Poisson, empty).is_err());
    assert!(moment_projection(Poisson, [(1u64, -1.0)]).is_err());
    assert!(moment_projection(Poisson, [(0u64, 1.0)]).is_err()); // on the boundary
    assert!(moment_projection(Gamma, [(-1.0, 1.0)]).is_err());
}

#[test]
fn mixtures_of_members_project_to_the_mean_of_means() {
    let member = |m: f64, v: f64| Member::new(Normal, Normal::natural(m, v).unwrap()).unwrap();
    let (a, b) = (member(-1.0, 0.5), member(3.0, 2.0));
    let both = Member::mixture(&[&a, &b], &[3.0, 1.0]).unwrap();
    assert!((both.mean()[0]).abs() < 1e-15);
    assert!((both.mean()[1] - (0.75 * 1.5 + 0.25 * 11.0)).abs() < 1e-14);
    let half = a.m_geodesic(&b, 0.25).unwrap();
    assert!((both.natural()[0] - half.natural()[0]).abs() < 1e-14);
    assert!(Member::<Normal>::mixture(&[], &[]).is_err());
    assert!(Member::mixture(&[&a, &b], &[1.0]).is_err());
    assert!(Member::mixture(&[&a, &b], &[1.0, -1.0]).is_err());
    assert!(Member::mixture(&[&a, &b], &[0.0, 0.0]).is_err());
}

/// Indicators of the marginals of a table, a set per axis.
fn marginal_sets(shape: [usize; 3], pairs: &[(usize, usize)], law: &[f64]) -> Vec<MomentSet> {
    let cell = |i: usize| {
        [
            i / (shape[1] * shape[2]),
            i / shape[2] % shape[1],
            i % shape[2],
        ]
    };
    pairs
        .iter()
        .map(|&(a, b)| {
            let cells = shape[a] * shape[b];
            // All but one: the last follows from the sum.
            let f = DMatrix::from_fn(law.len(), cells - 1, |i, k| {
                let c = cell(i);
                f64::from(u8::from(c[a] * shape[b] + c[b] == k))
            });
            let targets: Vec<Constraint> = f
                .column_iter()
                .map(|column| Constraint::Equal(column.iter().zip(law).map(|(f, p)| f * p).sum()))
                .collect();
            MomentSet::new(f, targets).unwrap()
        })
        .collect()
}

#[test]
fn cyclic_projections_reach_the_law_of_all_marginals() {
    // All three two-way marginals of a 2 × 3 × 2 table: they overlap, so that one problem of all features
    // would have dependent ones.
    let shape = [2, 3, 2];
    let p = random_law(12, 3);
    let q = random_law(12, 4);
    let sets = marginal_sets(shape, &[(0, 1), (0, 2), (1, 2)], &p);
    let found = project_onto_intersection(&q, &sets, 1e-13, 1000).unwrap();
    assert!(found.violation < 1e-13 && found.gap.abs() < 1e-13);
    assert!(
        found.dual.windows(2).all(|w| w[1] >= w[0] - 1e-15),
        "{:?}",
        found.dual
    );
    // No three-way interaction relative to q: the ratio of odds ratios is that of q.
    let ratio = |law: &[f64], j: usize, k: usize| {
        let at = |i: usize, j: usize, l: usize| law[(i * 3 + j) * 2 + l].ln();
        let odds = |l: usize| at(0, j, l) - at(0, k, l) - at(1, j, l) + at(1, k, l);
        odds(0) - odds(1)
    };
    for (j, k) in [(0, 1), (0, 2)] {
        assert!((ratio(&found.probabilities, j, k) - ratio(&q, j, k)).abs() < 1e-10);
    }
    // Pythagoras with p, which is in all the sets.
    let defect = kl(&p, &q) - kl(&p, &found.probabilities) - found.divergence;
    assert!(defect.abs() < 1e-12, "{defect}");
    assert!((found.divergence - kl(&found.probabilities, &q)).abs() < 1e-13);
}

#[test]
fn intervals_need_corrections_and_get_them() {
    // Two convex sets; the joint problem in one is the truth.
    let features = DMatrix::from_fn(6, 2, |i, j| ((i + 1) as f64).powi(j as i32 + 1));
    // The second asks for so much that the first holds by itself; at q it does not.
    let first = Constraint::Within {
        centre: 4.8,
        radius: 0.6,
    };
    let second = Constraint::Within {
        centre: 24.0,
        radius: 1.0,
    };
    let q = [0.1, 0.1, 0.2, 0.2, 0.2, 0.2];
    let truth = MaximumEntropy::new(features.clone(), &q)
        .unwrap()
        .solve(&[first, second])
        .unwrap();
    assert!(truth.multipliers[0] == 0.0 && truth.multipliers[1] > 0.0);
    let column = |j: usize| DMatrix::from_fn(6, 1, |i, _| features[(i, j)]);
    let sets = [
        MomentSet::new(column(0), [first]).unwrap(),
        MomentSet::new(column(1), [second]).unwrap(),
    ];
    let found = project_onto_intersection(&q, &sets, 1e-12, 5000).unwrap();
    for (a, b) in found.probabilities.iter().zip(&truth.probabilities) {
        assert!((a - b).abs() < 1e-9, "{found:?} {truth:?}");
    }
    assert!(
        (found.divergence - kl(&found.probabilities, &q)).abs() < 1e-11,
        "{found:?}"
    );
    assert!(
        (found.divergence - truth.divergence).abs() < 1e-11,
        "{found:?}"
    );
    // The dual climbs to it from below.
    let last = found.dual.last().unwrap();
    assert!((last - found.divergence).abs() < 1e-11 && found.dual[0] < last + 1e-12);
    assert!(
        found.dual.windows(2).all(|w| w[1] >= w[0] - 1e-13),
        "{:?}",
        found.dual
    );
    // Plain cycles without corrections end elsewhere: the test has power.
    let mut plain = q.to_vec();
    for _ in 0..5000 {
        for set in &sets {
            plain = set.project(&plain).unwrap().probabilities;
        }
    }
    let off = plain
        .iter()
        .zip(&truth.probabilities)
        .map(|(a, b)| (a - b).abs());
    assert!(off.fold(0.0, f64::max) > 1e-4, "{plain:?}");
}

#[test]
fn sets_without_a_common_law_are_refused_by_the_dual() {
    let two = MomentSet::new(faces(), [Constraint::Equal(2.0)]).unwrap();
    let five = MomentSet::new(faces(), [Constraint::Equal(5.0)]).unwrap();
    let error =
        project_onto_intersection(&[1.0; 6], &[two.clone(), five], 1e-10, 1000).unwrap_err();
    assert!(
        matches!(error, MaximumEntropyError::Infeasible { .. }),
        "{error:?}"
    );
    let other = MomentSet::new(
        DMatrix::from_fn(5, 1, |i, _| i as f64),
        [Constraint::Equal(2.0)],
    )
    .unwrap();
    for bad in [
        project_onto_intersection(&[1.0; 6], &[], 1e-10, 10),
        project_onto_intersection(&[1.0; 6], &[two.clone(), other], 1e-10, 10),
        project_onto_intersection(&[0.0; 6], std::slice::from_ref(&two), 1e-10, 10),
        project_onto_intersection(&[1.0; 6], std::slice::from_ref(&two), f64::NAN, 10),
    ] {
        assert!(
            matches!(bad, Err(MaximumEntropyError::Argument(_))),
            "{bad:?}"
        );
    }
    let slow = project_onto_intersection(&[1.0; 6], &[two], 1e-10, 0);
    assert!(matches!(
        slow,
        Err(MaximumEntropyError::NotConverged { .. })
    ));
}

#[test]
fn alternation_catches_steps_that_do_not_minimise() {
    let wrong = alternate(
        3.0,
        |q: &f64| Ok(q + 1.0),
        |p: &f64| Ok(p + 1.0),
        |p, q| p * p + q * q,
        1e-10,
        100,
    );
    let Err(InfoError::Argument(error)) = wrong else {
        panic!("{wrong:?}")
    };
    assert_eq!(error.argument, "divergence");
    // However little it rises.
    let creeping = alternate(
        1.0,
        |q: &f64| Ok(q + 1e-6),
        |p: &f64| Ok(*p),
        |p, q| 0.5 * (p + q),
        1e-10,
        100,
    );
    assert!(
        matches!(creeping, Err(InfoError::Argument(_))),
        "{creeping:?}"
    );
    let slow = alternate(
        1.0,
        |q: &f64| Ok(q * 0.9),
        |p: &f64| Ok(p * 0.9),
        |p, q| p * p + q * q,
        1e-30,
        5,
    );
    assert!(matches!(slow, Err(InfoError::NotConverged { .. })));
    assert!(
        alternate(
            1.0,
            |q: &f64| Ok(*q),
            |p: &f64| Ok(*p),
            |_, _| f64::NAN,
            1e-9,
            5
        )
        .is_err()
    );
    assert!(alternate(1.0, |q: &f64| Ok(*q), |p: &f64| Ok(*p), |_, _| 0.0, 0.0, 5).is_err());
}

#[test]
fn mixture_weights_meet_their_optimality_conditions() {
    let logs = DMatrix::from_fn(40, 3, |i, k| {
        -0.5 * (0.2 * i as f64 - 3.0 * k as f64).powi(2)
    });
    let p = random_law(40, 9);
    let found = mixture_weights(&logs, &p, 1e-9, 200_000).unwrap();
    assert!(found.gap <= 1e-9);
    let value = |w: &[f64]| -> f64 {
        (0..40)
            .map(|i| p[i] * (0..3).map(|k| w[k] * logs[(i, k)].exp()).sum::<f64>().ln())
            .sum()
    };
    assert!((value(&found.weights) - found.log_likelihood).abs() < 1e-12);
    for seed in 0..50 {
        assert!(value(&random_law(3, seed)) <= found.log_likelihood + found.gap + 1e-13);
    }
    // A component that is no help gets no weight.
    let logs = DMatrix::from_fn(10, 2, |_, k| if k == 0 { 0.0 } else { -5.0 });
    let found = mixture_weights(&logs, &[1.0; 10], 1e-12, 100).unwrap();
    assert!(found.weights[1] < 1e-12);
    assert!(mixture_weights(&logs, &[1.0; 9], 1e-9, 10).is_err());
    assert!(mixture_weights(&logs, &[-1.0; 10], 1e-9, 10).is_err());
    assert!(mixture_weights(&logs, &[0.0; 10], 1e-9, 10).is_err());
    assert!(mixture_weights(&DMatrix::zeros(10, 0), &[1.0; 10], 1e-9, 10).is_err());
    assert!(
        mixture_weights(
            &DMatrix::from_element(1, 1, f64::NEG_INFINITY),
            &[1.0],
            1e-9,
            10
        )
        .is_err()
    );
    assert!(mixture_weights(&DMatrix::from_element(1, 1, f64::NAN), &[1.0], 1e-9, 10).is_err());
}

#[test]
fn expectation_maximisation_never_lowers_the_likelihood_and_ends_where_it_is_stationary() {
    let mut random = rng::stream(17, 0);
    let normal = |m: f64, v: f64| Member::new(Normal, Normal::natural(m, v).unwrap()).unwrap();
    let truth = [normal(-2.0, 0.5), normal(1.5, 1.0)];
    let data: Vec<f64> = (0..400)
        .map(|_| {
            truth[usize::from(rng::bernoulli(&mut random, 0.3))]
                .sample(&mut random)
                .unwrap()
        })
        .collect();
    let start = [normal(-1.0, 2.0), normal(0.5, 2.0)];
    let fit = Mixture::fit(&data, &[1.0, 1.0], &start, 1e-14, 20_000).unwrap();
    assert!(fit.log_likelihoods.windows(2).all(|w| w[1] >= w[0] - 1e-13));
    let value = |w: &[f64], members: &[Member<Normal>]| -> f64 {
        let terms = data.iter().map(|x| {
            let each = w
                .iter()
                .zip(members)
                .map(|(w, m)| w * m.log_density(x).exp());
            each.sum::<f64>().ln()
        });
        terms.sum::<f64>() / data.len() as f64
    };
    let best = value(&fit.weights, &fit.members);
    assert!(best >= *fit.log_likelihoods.last().unwrap() - 1e-13);
    // No slope is left in any parameter.
    for k in 0..2 {
        for j in 0..2 {
            let at = |h: f64| {
                let mut members = fit.members.clone();
                let mut natural = members[k].natural().to_vec();
                natural[j] += h;
                members[k] = Member::new(Normal, natural).unwrap();
                value(&fit.weights, &members)
            };
            let slope = (at(1e-4) - at(-1e-4)) / 2e-4;
            assert!(slope.abs() < 1e-5, "{k} {j}: {slope}");
        }
    }
    assert!((fit.weights[0] - 0.7).abs() < 0.1 && (fit.members[0].mean()[0] + 2.0).abs() < 0.3);
    assert!(Mixture::fit::<f64>(&[], &[1.0], &start[..1], 1e-9, 10).is_err());
    assert!(Mixture::<Normal>::fit(&data, &[], &[], 1e-9, 10).is_err());
    assert!(Mixture::fit(&data, &[1.0], &start, 1e-9, 10).is_err());
    assert!(Mixture::fit(&[f64::NAN], &[1.0], &start[..1], 1e-9, 10).is_err());
    // One component on one point has no member.
    assert!(Mixture::fit(&[1.0], &[1.0], &start[..1], 1e-9, 10).is_err());
}

fn die(mean: f64) -> MomentSet {
    MomentSet::new(faces(), [Constraint::Equal(mean)]).unwrap()
}

#[test]
fn robust_bayes_under_the_logarithmic_loss_is_maximum_entropy() {
    let saddle = RobustBayes::new(ScoringRule::logarithmic(), die(4.5))
        .unwrap()
        .solve()
        .unwrap();
    assert!((saddle.value - 1.6135810981538292).abs() < 1e-12);
    assert!(
        (saddle.multipliers[0] + 0.37104893808103323).abs() < 1e-9,
        "{saddle:?}"
    );
    assert!(saddle.gap < 1e-11 && saddle.violation < 1e-12, "{saddle:?}");
    // Constant loss over the set: by certificate, and for two laws of mean 4.5.
    assert!(saddle.unevenness < 1e-10);
    let rule = ScoringRule::logarithmic();
    for p in [
        [0.09, 0.05, 0.1, 0.15, 0.25, 0.36],
        [0.3, 0.0, 0.0, 0.0, 0.0, 0.7],
    ] {
        let mean: f64 = p.iter().zip(1..).map(|(p, x)| p * f64::from(x)).sum();
        assert!((mean - 4.5).abs() < 1e-12);
        let loss = rule.expected_loss(&p, &saddle.law).unwrap();
        assert!((loss - 1.6135810981538292).abs() < 1e-10, "{loss}");
    }
}

#[test]
fn robust_bayes_under_the_brier_loss_is_a_projection_onto_the_simplex() {
    // min Σp² under the mean: p = a + b·face where positive. At mean 5.5 faces 1 to 3 get nothing:
    // p = (k, k + b…) with 4a + … solved by hand: faces 4, 5, 6 with sum 1 and mean 5.5 has
    // p = 1/3 + b(x − 5), b = .5/2 = .25: p₄ = 1/12, p₅ = 1/3, p₆ = 7/12.
    let saddle = RobustBayes::new(ScoringRule::brier(), die(5.5))
        .unwrap()
        .solve()
        .unwrap();
    for (p, known) in saddle
        .law
        .iter()
        .zip([0.0, 0.0, 0.0, 1.0 / 12.0, 1.0 / 3.0, 7.0 / 12.0])
    {
        assert!((p - known).abs() < 1e-9, "{saddle:?}");
    }
    let squares: f64 = [1.0f64, 4.0, 7.0].iter().map(|x| (x / 12.0).powi(2)).sum();
    assert!((saddle.value - (1.0 - squares)).abs() < 1e-10);
    assert!(saddle.gap < 1e-10 && saddle.unevenness < 1e-8, "{saddle:?}");
    // The loss is constant on the laws of the faces that count, and less on others.
    let rule = ScoringRule::brier();
    let there = rule
        .expected_loss(&[0.0, 0.0, 0.0, 0.25, 0.0, 0.75], &saddle.law)
        .unwrap();
    assert!((there - saddle.value).abs() < 1e-8);
    let away = rule
        .expected_loss(&[0.1, 0.0, 0.0, 0.0, 0.0, 0.9], &saddle.law)
        .unwrap();
    assert!(away < saddle.value - 1e-3);
}

#[test]
fn games_that_have_no_solution_are_refused() {
    for (mean, infeasible) in [(6.5, true), (6.0, false)] {
        let error = RobustBayes::new(ScoringRule::brier(), die(mean))
            .unwrap()
            .solve()
            .unwrap_err();
        let right = match error {
            MaximumEntropyError::Infeasible { .. } => infeasible,
            MaximumEntropyError::Boundary { .. } => !infeasible,
            _ => false,
        };
        assert!(right, "{mean}: {error:?}");
    }
    let one = MomentSet::new(DMatrix::from_element(1, 1, 2.0), [Constraint::Equal(2.0)]).unwrap();
    let error = RobustBayes::new(ScoringRule::brier(), one).unwrap_err();
    assert_eq!(error.argument, "set");
    // An interval that begins where the faces end.
    let error = RobustBayes::new(ScoringRule::brier(), die_within(7.5, 1.0)).unwrap();
    let error = error.solve().unwrap_err();
    assert!(
        matches!(error, MaximumEntropyError::Infeasible { .. }),
        "{error:?}"
    );
}

fn die_within(centre: f64, radius: f64) -> MomentSet {
    MomentSet::new(faces(), [Constraint::Within { centre, radius }]).unwrap()
}

/// A mean between bounds: the game is that of the bound nearest to the fair die, or of no bound.
#[test]
fn robust_bayes_between_bounds_is_that_of_the_bound_that_binds() {
    for rule in [2.0, 1.5] {
        let solve = |set: MomentSet| {
            let rule = ScoringRule::power(rule).unwrap();
            RobustBayes::new(rule, set).unwrap().solve().unwrap()
        };
        for (centre, radius, bound) in [(4.5, 0.5, 4.0), (2.0, 0.25, 2.25)] {
            let (found, exact) = (solve(die_within(centre, radius)), solve(die(bound)));
            assert!((found.value - exact.value).abs() < 1e-10, "{found:?}");
            assert!((found.multipliers[0] - exact.multipliers[0]).abs() < 1e-7);
            for (p, q) in found.law.iter().zip(&exact.law) {
                assert!((p - q).abs() < 1e-8, "{found:?}");
            }
            assert!(found.gap < 1e-10 && found.violation < 1e-10, "{found:?}");
        }
    }
    let rule = ScoringRule::logarithmic();
    for (centre, radius) in [(3.5, 1.0), (4.0, 0.6), (0.0, 1e6)] {
        let open = RobustBayes::new(rule, die_within(centre, radius)).unwrap();
        let open = open.solve().unwrap();
        assert!((open.value - 6f64.ln()).abs() < 1e-12, "{open:?}");
        assert!(
            open.multipliers[0].abs() < 1e-9 && open.gap < 1e-10,
            "{open:?}"
        );
        assert!(open.law.iter().all(|p| (p - 1.0 / 6.0).abs() < 1e-6));
    }
    // Brier, mean 4 by hand: p = 1/6 + (x − 3.5)/35, of value 1 − 1/6 − 1/70.
    let saddle = RobustBayes::new(ScoringRule::brier(), die_within(5.0, 1.0)).unwrap();
    let saddle = saddle.solve().unwrap();
    assert!(
        (saddle.value - (1.0 - 1.0 / 6.0 - 1.0 / 70.0)).abs() < 1e-11,
        "{saddle:?}"
    );
    for (i, p) in saddle.law.iter().enumerate() {
        assert!(
            (p - (1.0 / 6.0 + (i as f64 - 2.5) / 35.0)).abs() < 1e-8,
            "{saddle:?}"
        );
    }
    // Laws of the set cost at most the value: at the bound just that, inside less.
    let rule = ScoringRule::brier();
    let cost = |p: [f64; 6]| rule.expected_loss(&p, &saddle.law).unwrap();
    assert!((cost([0.0, 0.0, 0.0, 1.0, 0.0, 0.0]) - saddle.value).abs() < 1e-8);
    assert!(cost([0.0, 0.0, 0.0, 0.0, 0.0, 1.0]) < saddle.value - 0.05);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, rng_seed: prop::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn games_under_any_proper_loss_close_their_gap(
        p in ergodic_conformance::strategies::probabilities(4..=9),
        entries in proptest::collection::vec(-2.0..2.0f64, 18),
    ) {
        let n = p.len();
        let p: Vec<f64> = p.iter().map(|p| 0.8 * p + 0.2 / n as f64).collect();
        let features = DMatrix::from_fn(n, 2, |i, j| entries[2 * i + j]);
        let targets: Vec<Constraint> = features
            .column_iter()
            .map(|f| Constraint::Equal(f.iter().zip(&p).map(|(f, p)| f * p).sum()))
            .collect();
        let set = MomentSet::new(features, targets).unwrap();
        prop_assume!(set.project(&vec![1.0; n]).is_ok());
        let mut saddles = vec![
            RobustBayes::new(ScoringRule::logarithmic(), set.clone()).unwrap().solve(),
            RobustBayes::new(ScoringRule::brier(), set.clone()).unwrap().solve(),
            RobustBayes::new(ScoringRule::spherical(), set.clone()).unwrap().solve(),
        ];
        for order in [0.6, 1.5, 3.0] {
            let rule = ScoringRule::power(order).unwrap();
            saddles.push(RobustBayes::new(rule, set.clone()).unwrap().solve());
        }
        for (index, saddle) in saddles.into_iter().enumerate() {
            let saddle = saddle.unwrap();
            prop_assert!(saddle.gap < 1e-8 && saddle.violation < 1e-9, "{index}: {saddle:?}");
            // p is in the set: it costs no more than the value, and its own entropy is no larger.
            let (cost, own) = match index {
                0 => { let r = ScoringRule::logarithmic(); (r.expected_loss(&p, &saddle.law), r.entropy(&p)) }
                1 => { let r = ScoringRule::brier(); (r.expected_loss(&p, &saddle.law), r.entropy(&p)) }
                2 => { let r = ScoringRule::spherical(); (r.expected_loss(&p, &saddle.law), r.entropy(&p)) }
                k => { let r = ScoringRule::power([0.6, 1.5, 3.0][k - 3]).unwrap(); (r.expected_loss(&p, &saddle.law), r.entropy(&p)) }
            };
            prop_assert!(cost.unwrap() <= saddle.value + 1e-7);
            prop_assert!(own.unwrap() <= saddle.value + 1e-7);
        }
    }

    /// The bound of the forecast's cost computed here: it holds for every law of the set, and is the value.
    #[test]
    fn games_with_intervals_close_their_gap(
        p in ergodic_conformance::strategies::probabilities(4..=9),
        entries in proptest::collection::vec(-2.0..2.0f64, 18),
        radii in proptest::collection::vec(0.01..0.5f64, 2),
        equal in proptest::bool::ANY,
    ) {
        let n = p.len();
        let p: Vec<f64> = p.iter().map(|p| 0.8 * p + 0.2 / n as f64).collect();
        let features = DMatrix::from_fn(n, 2, |i, j| entries[2 * i + j]);
        let mean = |j: usize| features.column(j).iter().zip(&p).map(|(f, p)| f * p).sum::<f64>();
        let constraints = [
            Constraint::Within { centre: mean(0) + 0.5 * radii[0], radius: radii[0] },
            if equal {
                Constraint::Equal(mean(1))
            } else {
                Constraint::Within { centre: mean(1) - 0.9 * radii[1], radius: radii[1] }
            },
        ];
        let set = MomentSet::new(features.clone(), constraints).unwrap();
        prop_assume!(set.project(&vec![1.0; n]).is_ok());
        for order in [0.6, 2.0, 3.0] {
            let rule = ScoringRule::power(order).unwrap();
            let saddle = RobustBayes::new(rule, set.clone()).unwrap().solve().unwrap();
            let rule = ScoringRule::power(order).unwrap();
            let losses = rule.losses(&saddle.law).unwrap();
            let rest = (0..n).map(|i| {
                losses[i] - (0..2).map(|j| saddle.multipliers[j] * features[(i, j)]).sum::<f64>()
            });
            let most = rest.fold(f64::NEG_INFINITY, f64::max);
            let support: f64 = (saddle.multipliers.iter().zip(&constraints))
                .map(|(l, c)| match *c {
                    Constraint::Equal(value) => l * value,
                    Constraint::Within { centre, radius } => l * centre + radius * l.abs(),
                    Constraint::Near { .. } => unreachable!(),
                })
                .sum();
            prop_assert!(most + support - saddle.value < 1e-8, "{order}: {saddle:?}");
            prop_assert!(saddle.violation < 1e-9, "{order}: {saddle:?}");
            prop_assert!(rule.expected_loss(&p, &saddle.law).unwrap() <= saddle.value + 1e-8);
            prop_assert!(rule.entropy(&p).unwrap() <= saddle.value + 1e-8);
        }
    }

    #[test]
    fn information_projections_obey_pythagoras_at_random(
        p in ergodic_conformance::strategies::probabilities(3..=8),
        seed in 0u64..1000,
    ) {
        let n = p.len();
        let p: Vec<f64> = p.iter().map(|p| 0.9 * p + 0.1 / n as f64).collect();
        let q = random_law(n, seed);
        let features = DMatrix::from_fn(n, 1, |i, _| i as f64);
        let target = p.iter().enumerate().map(|(i, p)| i as f64 * p).sum();
        let set = MomentSet::new(features, [Constraint::Equal(target)]).unwrap();
        let t = set.pythagoras(&p, &q).unwrap();
        prop_assert!(t.defect().abs() < 1e-11, "{t:?}");
        prop_assert!(t.first >= 0.0 && t.second >= 0.0);
    }
}

#[test]
fn triangles_with_infinite_sides_are_refused() {
    let p = [0.05, 0.1, 0.1, 0.15, 0.2, 0.4];
    let mean: f64 = (1..).zip(&p).map(|(i, p)| f64::from(i) * p).sum();
    let error = die(mean).pythagoras(&p, &[0.2, 0.2, 0.2, 0.2, 0.2, 0.0]);
    assert!(error.unwrap_err().to_string().contains('q'));
}

#[test]
fn components_that_start_without_weight_are_refused() {
    let start = [
        Member::new(Exponential, [-1.0]).unwrap(),
        Member::new(Exponential, [-9.0]).unwrap(),
    ];
    let error = Mixture::fit(&[1.0, 2.0], &[1.0, 0.0], &start, 1e-9, 10).unwrap_err();
    assert!(error.to_string().contains("weights"), "{error}");
}
