//! Maximum entropy against exact values, its optimality conditions, and the geometry of projections.

use ergodic_expfam::{
    Constraint, FeatureRows, MaximumEntropy, MaximumEntropyError, MaximumEntropyLaw,
    SparseFeatures, SparseMaximumEntropy,
};
use ergodic_math::rng;
use nalgebra::DMatrix;
use proptest::prelude::*;

fn faces() -> DMatrix<f64> {
    DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64)
}

fn divergence(p: &[f64], q: &[f64]) -> f64 {
    p.iter()
        .zip(q)
        .filter(|(p, _)| **p > 0.0)
        .map(|(p, q)| p * (p / q).ln())
        .sum()
}

#[test]
fn the_brandeis_die_is_solved_to_twelve_digits() {
    let die = MaximumEntropy::new(faces(), &[1.0; 6])
        .unwrap()
        .solve(&[Constraint::Equal(4.5)])
        .unwrap();
    assert!((die.multipliers[0] - 0.37104893808103323).abs() < 1e-12);
    assert!((die.entropy() - 1.6135810981538292).abs() < 1e-12);
    assert!((die.divergence - (6f64.ln() - 1.6135810981538292)).abs() < 1e-12);
    // With h = 1/6 the log-partition is smaller by log 6.
    assert!((die.log_partition + 6f64.ln() - 3.2833013195184786).abs() < 1e-12);
    assert!(die.gap.abs() < 1e-12 && die.violation < 1e-12);
}

#[test]
fn the_projection_of_a_law_obeys_pythagoras() {
    let q = [0.1, 0.1, 0.2, 0.2, 0.2, 0.2];
    let law = MaximumEntropy::new(faces(), &q)
        .unwrap()
        .solve(&[Constraint::Equal(4.5)])
        .unwrap();
    assert!((law.multipliers[0] - 0.2628326650897997).abs() < 1e-12);
    let known = [
        0.0430104938,
        0.0559398381,
        0.1455117209,
        0.189253863,
        0.2461452896,
        0.3201387945,
    ];
    for (p, k) in law.probabilities.iter().zip(known) {
        assert!((p - k).abs() < 1e-10);
    }
    let p = [0.09, 0.05, 0.1, 0.15, 0.25, 0.36];
    let whole = divergence(&p, &q);
    let sides = divergence(&p, &law.probabilities) + divergence(&law.probabilities, &q);
    assert!((whole - 0.110782252832352).abs() < 1e-14);
    assert!((whole - sides).abs() < 1e-13, "{whole} {sides}");
    // Robust Bayes: against p* every law with these moments has the same loss, that of p* itself.
    let loss = |p: &[f64]| -> f64 {
        p.iter()
            .zip(law.probabilities.iter().zip(q))
            .map(|(p, (s, q))| -p * (s / q).ln())
            .sum()
    };
    assert!((loss(&p) - loss(&law.probabilities)).abs() < 1e-13);
    assert!((loss(&p) + law.divergence).abs() < 1e-13);
}

#[test]
fn moments_that_no_law_has_are_refused_by_certificate() {
    let problem = MaximumEntropy::new(faces(), &[1.0; 6]).unwrap();
    for value in [6.5, 0.0, 100.0, 6.0001] {
        let error = problem.solve(&[Constraint::Equal(value)]).unwrap_err();
        let MaximumEntropyError::Infeasible { constraint: 0, .. } = error else {
            panic!("{value}: {error:?}");
        };
    }
    for value in [1.0, 6.0] {
        let error = problem.solve(&[Constraint::Equal(value)]).unwrap_err();
        assert!(
            matches!(
                error,
                MaximumEntropyError::Boundary {
                    constraint: 0,
                    distance: 0.0
                }
            ),
            "{value}: {error:?}"
        );
    }
    // Each can be had, not both: E x = 2 and E x² = 36.
    let squares = DMatrix::from_fn(6, 2, |i, j| ((i + 1) as f64).powi(j as i32 + 1));
    let both = MaximumEntropy::new(squares, &[1.0; 6]).unwrap();
    let error = both
        .solve(&[Constraint::Equal(2.0), Constraint::Equal(20.0)])
        .unwrap_err();
    assert!(
        matches!(error, MaximumEntropyError::Infeasible { .. }),
        "{error:?}"
    );
    // An interval that meets what laws have is feasible all the same.
    let wide = Constraint::Within {
        centre: 6.5,
        radius: 1.0,
    };
    let law = problem.solve(&[wide]).unwrap();
    assert!((law.moments[0] - 5.5).abs() < 1e-9, "{law:?}");
}

#[test]
fn bad_problems_name_what_is_wrong() {
    let argument = |error: MaximumEntropyError| match error {
        MaximumEntropyError::Argument(error) => error.argument,
        other => panic!("{other:?}"),
    };
    let new = |f: DMatrix<f64>, h: &[f64]| MaximumEntropy::new(f, h).unwrap_err();
    assert_eq!(argument(new(faces(), &[1.0; 5])), "base_measure");
    assert_eq!(argument(new(faces(), &[-1.0; 6])), "base_measure");
    assert_eq!(
        argument(new(DMatrix::from_element(6, 1, 1.0), &[1.0; 6])),
        "features"
    );
    assert_eq!(argument(new(DMatrix::zeros(0, 0), &[])), "features");
    let overflow = new(faces(), &[f64::MAX; 6]).to_string();
    assert!(overflow.starts_with("base_measure is weights whose sum overflows"));
    let problem = MaximumEntropy::new(faces(), &[1.0; 6]).unwrap();
    for bad in [
        vec![],
        vec![Constraint::Equal(f64::NAN)],
        vec![Constraint::Within {
            centre: 3.0,
            radius: 0.0,
        }],
        vec![Constraint::Near {
            centre: 3.0,
            sd: -1.0,
        }],
    ] {
        assert_eq!(argument(problem.solve(&bad).unwrap_err()), "constraints");
    }
}

/// Kuhn–Tucker: residuals within the radius, at its end where the multiplier is not 0, with its
/// sign; for penalties `E f − c = −s²λ`.
fn assert_optimal(law: &MaximumEntropyLaw, constraints: &[Constraint]) {
    for ((m, l), c) in law.moments.iter().zip(&law.multipliers).zip(constraints) {
        match *c {
            Constraint::Equal(value) => assert!((m - value).abs() < 1e-8, "{m} {value}"),
            Constraint::Within { centre, radius } => {
                let off = m - centre;
                assert!(off.abs() <= radius + 1e-8, "{off} {radius}");
                if l.abs() > 1e-6 {
                    assert!(
                        (off + radius * l.signum()).abs() < 1e-6,
                        "{off} {radius} {l}"
                    );
                }
            }
            Constraint::Near { centre, sd } => {
                assert!((m - centre + sd * sd * l).abs() < 1e-7, "{m} {centre} {l}");
            }
        }
    }
    assert!(law.gap.abs() < 1e-8, "{}", law.gap);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: prop::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// Random features and feasible centres (moments of a random law), each kind of constraint.
    #[test]
    fn solutions_are_optimal(seed in 0u64..1 << 32, d in 1usize..6, kind in 0u8..4) {
        let mut random = rng::stream(seed, 0);
        let states = 40;
        let mut values = vec![0.0; states * d];
        rng::fill_normal(&mut random, &mut values);
        let features = DMatrix::from_vec(states, d, values);
        let mut weights = vec![0.0; states];
        rng::fill_uniform(&mut random, &mut weights);
        let total: f64 = weights.iter().sum();
        let constraints: Vec<Constraint> = (0..d)
            .map(|j| {
                let centre = (0..states).map(|i| weights[i] / total * features[(i, j)]).sum();
                match (kind + j as u8) % 4 {
                    0 => Constraint::Equal(centre),
                    1 => Constraint::Within { centre: centre + 0.3, radius: 0.2 },
                    2 => Constraint::Near { centre: centre + 0.5, sd: 0.7 },
                    _ => Constraint::Within { centre, radius: 2.0 },
                }
            })
            .collect();
        let mut base = vec![0.0; states];
        rng::fill_uniform(&mut random, &mut base);
        match MaximumEntropy::new(features.clone(), &base).unwrap().solve(&constraints) {
            Ok(law) => {
                assert_optimal(&law, &constraints);
                // No law with the same moments is nearer to the base: mix towards the other feasible one.
                let h: f64 = base.iter().sum();
                let base: Vec<f64> = base.iter().map(|b| b / h).collect();
                prop_assert!((divergence(&law.probabilities, &base) - law.divergence).abs() < 1e-9);
            }
            // A centre moved by .3 may leave the hull; then the certificate says so.
            Err(error) => prop_assert!(
                kind != 0 && matches!(error, MaximumEntropyError::Infeasible { .. }),
                "{error:?}"
            ),
        }
    }
}

/// Both methods, the sparse one with full rows.
fn both(
    features: &DMatrix<f64>,
    base: &[f64],
    constraints: &[Constraint],
) -> [Result<MaximumEntropyLaw, MaximumEntropyError>; 2] {
    let mut rows = FeatureRows::default();
    let entries: Vec<u32> = (0..features.ncols() as u32).collect();
    for (row, h) in features.row_iter().zip(base) {
        let values: Vec<f64> = row.iter().copied().collect();
        rows.push(*h, &entries, &values);
    }
    let sparse = SparseMaximumEntropy::new(SparseFeatures::new(features.ncols(), rows));
    [
        MaximumEntropy::new(features.clone(), base).and_then(|p| p.solve(constraints)),
        sparse.and_then(|p| p.solve(constraints)),
    ]
}

/// A die whose faces are moved and stretched has the same law; its multiplier shrinks.
#[test]
fn laws_do_not_depend_on_where_features_lie_and_how_large_they_are() {
    for (origin, unit) in [
        (1e3, 1.0),
        (1e6, 1.0),
        (1e9, 1.0),
        (1e12, 1.0),
        (-1e12, 1e3),
        (0.0, 1e-100),
        (0.0, 1e100),
        (0.0, 1e250),
    ] {
        let moved = faces().map(|x| origin + unit * x);
        let mean = origin + unit * 4.5;
        let laws = both(&moved, &[1.0; 6], &[Constraint::Equal(mean)]);
        for (method, law) in laws.into_iter().enumerate() {
            if method == 1 && (unit < 1.0 || origin.abs() > 1e6 || unit > 1e100) {
                continue; // What the sparse method promises is less.
            }
            let law = law.unwrap_or_else(|e| panic!("{method}, {origin:e}, {unit:e}: {e:?}"));
            let tolerance = if method == 0 { 1e-12 } else { 1e-7 };
            let off = law.multipliers[0] * unit - 0.37104893808103323;
            assert!(
                off.abs() < tolerance,
                "{method}, {origin:e}, {unit:e}: {law:?}"
            );
            assert!((law.entropy() - 1.6135810981538292).abs() < tolerance);
            let exact = origin * law.multipliers[0] + 3.2833013195184786 - 6f64.ln();
            assert!((law.log_partition - exact).abs() < tolerance * (1.0 + exact.abs()));
            assert!((law.moments[0] - mean).abs() < tolerance * unit + 1e-15 * origin.abs());
            assert!(law.violation < tolerance * unit, "{law:?}");
        }
    }
    // The sparse method never passes a miss that is large beside the feature's spread.
    for origin in [1e9, 1e12, 1e15] {
        let moved = faces().map(|x| origin + x);
        let [_, sparse] = both(&moved, &[1.0; 6], &[Constraint::Equal(origin + 4.5)]);
        assert!(
            sparse.is_err() || sparse.as_ref().unwrap().violation < 1e-2,
            "{sparse:?}"
        );
    }
}

/// States of weights 1, 1e-60, …, 1e-300: the law of mean 3.5 is uniform, since the base is geometric.
#[test]
fn a_base_of_many_orders_of_magnitude_is_no_boundary() {
    let base: Vec<f64> = [1.0, 1e-60, 1e-120, 1e-180, 1e-240, 1e-300].into();
    for mean in [1.5, 3.5, 5.9] {
        let [dense, sparse] = both(&faces(), &base, &[Constraint::Equal(mean)]);
        let law = dense.unwrap_or_else(|e| panic!("{mean}: {e:?}"));
        assert!(law.violation < 1e-9);
        if mean == 3.5 {
            assert!(
                (law.multipliers[0] - 60.0 * 10f64.ln()).abs() < 1e-9,
                "{law:?}"
            );
            for p in &law.probabilities {
                assert!((p - 1.0 / 6.0).abs() < 1e-9, "{law:?}");
            }
        }
        let sparse = sparse.unwrap_or_else(|e| panic!("{mean}: {e:?}"));
        assert!((sparse.divergence - law.divergence).abs() < 1e-6 * law.divergence);
    }
}

/// The value of a dual with penalties is bounded as well: `E x² ≤ 7 E x − 6` is broken for certain.
#[test]
fn contradictions_beside_a_penalty_are_infeasible() {
    let features = DMatrix::from_fn(6, 3, |i, j| match j {
        2 => (i % 2) as f64,
        _ => ((i + 1) as f64).powi(j as i32 + 1),
    });
    let soft = Constraint::Near {
        centre: 0.3,
        sd: 1.0,
    };
    let asked = [Constraint::Equal(2.0), Constraint::Equal(20.0), soft];
    for law in both(&features, &[1.0; 6], &asked) {
        assert!(
            matches!(
                law,
                Err(MaximumEntropyError::Infeasible {
                    constraint: 0 | 1,
                    ..
                })
            ),
            "{law:?}"
        );
    }
}

#[test]
fn penalties_whose_square_leaves_the_range_are_refused() {
    for sd in [1e-200, 1e200] {
        let near = Constraint::Near { centre: 5.0, sd };
        for law in both(&faces(), &[1.0; 6], &[near]) {
            assert!(
                matches!(&law, Err(MaximumEntropyError::Argument(e)) if e.argument == "constraints"),
                "{law:?}"
            );
        }
    }
}

/// The least divergence of a die of mean m is known to every digit at 4.5: it lies above the certificate's
/// bound, also where the law still misses the mean.
#[test]
fn the_gap_bounds_the_divergence_from_above_also_where_a_mean_is_missed() {
    let least = 0.17817837107422574;
    let mut rows = FeatureRows::default();
    for x in 1..=6 {
        rows.push(1.0, &[0], &[f64::from(x)]);
    }
    let problem = SparseMaximumEntropy::new(SparseFeatures::new(1, rows)).unwrap();
    for tolerance in [1e-2, 1e-3, 1e-5, 1e-10] {
        let problem = problem.clone().tolerance(tolerance).unwrap();
        let law = problem.solve(&[Constraint::Equal(4.5)]).unwrap();
        assert!(law.divergence - law.gap <= least + 1e-14, "{law:?}");
        let miss = law.multipliers[0] * law.violation;
        assert!((law.gap.abs() - miss).abs() < 1e-14, "{law:?}");
        assert!(
            (law.divergence - least).abs() <= 1.1 * miss + 1e-14,
            "{law:?}"
        );
    }
}

/// Rows that give every feature, more than a vector's width of them: the laws of both methods are one.
#[test]
fn full_rows_have_the_law_of_the_dense_method() {
    let (states, d) = (400, 37);
    let mut random = rng::stream(12, 0);
    let mut values = vec![0.0; states * d];
    rng::fill_normal(&mut random, &mut values);
    let features = DMatrix::from_vec(states, d, values);
    let mut weights = vec![0.0; states];
    rng::fill_uniform(&mut random, &mut weights);
    let total: f64 = weights.iter().sum();
    let constraints: Vec<Constraint> = (features.column_iter())
        .map(|f| Constraint::Equal(f.iter().zip(&weights).map(|(f, w)| f * w / total).sum()))
        .collect();
    let [dense, sparse] = both(&features, &vec![1.0; states], &constraints).map(Result::unwrap);
    for (p, q) in dense.probabilities.iter().zip(&sparse.probabilities) {
        assert!((p - q).abs() < 1e-9);
    }
    for (l, m) in dense.multipliers.iter().zip(&sparse.multipliers) {
        assert!((l - m).abs() < 1e-7);
    }
    assert!(dense.gap.abs() < 1e-12 && sparse.gap.abs() < 1e-8);
}

/// Faces and their squares.
fn parabola() -> DMatrix<f64> {
    DMatrix::from_fn(6, 2, |i, j| ((i + 1) as f64).powi(j as i32 + 1))
}

/// However near to the boundary, the moments are met and the multiplier is right, or the error says how near.
#[test]
fn moments_near_the_boundary_are_met_or_the_distance_is_told() {
    for exponent in 3..18 {
        let inside = 10f64.powi(-exponent);
        let asked = 1.0 + inside;
        let inside = asked - 1.0; // as it is rounded
        // With y = e^λ: E x − 1 = Σ k yᵏ/Σ yᵏ = y + y² + O(y³).
        let mut y = inside;
        for _ in 0..50 {
            let (mut weight, mut first) = (0.0, 0.0);
            for k in 1..6 {
                weight += y.powi(k - 1);
                first += f64::from(k) * y.powi(k - 1);
            }
            y = inside * (1.0 + y * weight) / first;
        }
        for (method, law) in (0..).zip(both(&faces(), &[1.0; 6], &[Constraint::Equal(asked)])) {
            match law {
                Ok(law) => {
                    let off = (law.multipliers[0] - y.ln()).abs();
                    // To rounding; the sparse method stops at a step of 1/100.
                    let rounding = 1e-9 + 1e-14 / inside;
                    let allowed = if method == 0 {
                        rounding
                    } else {
                        rounding + 0.01
                    };
                    assert!(off < allowed, "{method}, {inside:e}: {law:?}");
                    assert!(law.violation <= 1e-10 && law.gap.abs() < 1e-8);
                }
                Err(MaximumEntropyError::Boundary { distance, .. }) => {
                    assert!(inside < 2e-12, "{method}, {inside:e}: {distance:e}");
                    assert!((0.0..1e-12).contains(&distance));
                }
                Err(other) => panic!("{method}, {inside:e}: {other:?}"),
            }
        }
        // The same beside two extreme faces: E (x − 1)(6 − x) is so much.
        let inside = 10f64.powi(-exponent);
        let asked = [Constraint::Equal(2.0), Constraint::Equal(8.0 - inside)];
        let inside = 8.0 - (8.0 - inside);
        for (method, law) in (0..).zip(both(&parabola(), &[1.0; 6], &asked)) {
            match law {
                Ok(law) => {
                    let middle: f64 = (law.probabilities.iter().zip(1..))
                        .map(|(p, x)| p * f64::from((x - 1) * (6 - x)))
                        .sum();
                    assert!(
                        (middle / inside - 1.0).abs() < 0.02 + 1e-12 / inside,
                        "{method}, {inside:e}: {law:?}"
                    );
                    assert!(law.violation <= 1e-8 && law.gap.abs() < 1e-6);
                }
                Err(MaximumEntropyError::Boundary { distance, .. }) => {
                    assert!(inside < 2e-10, "{method}, {inside:e}: {distance:e}");
                    assert!(distance < 1e-10, "{distance:e}");
                }
                Err(other) => panic!("{method}, {inside:e}: {other:?}"),
            }
        }
        // As far outside.
        let asked = [Constraint::Equal(2.0), Constraint::Equal(8.0 + inside)];
        for (method, law) in (0..).zip(both(&parabola(), &[1.0; 6], &asked)) {
            match law {
                // Met within the tolerance, 1e-10 of a feature's reach, and what is missed is told.
                Ok(law) => assert!(
                    inside < 4e-9 && law.violation > 0.3 * inside && law.gap < 0.0,
                    "{method}, {inside:e}: {law:?}"
                ),
                Err(MaximumEntropyError::Infeasible { .. }) => {}
                Err(MaximumEntropyError::Boundary { distance, .. }) => {
                    assert!(
                        inside < 1e-6 && distance < 1e-6,
                        "{method}, {inside:e}: {distance:e}"
                    );
                }
                Err(other) => panic!("{method}, {inside:e}: {other:?}"),
            }
        }
    }
}

/// Two features that differ by 1e-3 to 1e-13 of a third: the law is right, or there is none, never the law of
/// the one feature alone.
#[test]
fn features_that_are_nearly_one_have_the_right_law_or_none() {
    let exact: Vec<f64> = (1..=6)
        .map(|x| {
            let x = f64::from(x);
            (0.3 * x - 0.2 * x * x).exp()
        })
        .collect();
    let total: f64 = exact.iter().sum();
    let exact: Vec<f64> = exact.iter().map(|w| w / total).collect();
    for exponent in 3..14 {
        let apart = 10f64.powi(-exponent);
        let features = DMatrix::from_fn(6, 2, |i, j| {
            let x = (i + 1) as f64;
            if j == 0 { x } else { x + apart * x * x }
        });
        let asked: Vec<Constraint> = (features.column_iter())
            .map(|f| Constraint::Equal(f.iter().zip(&exact).map(|(f, p)| f * p).sum()))
            .collect();
        for (method, law) in (0..).zip(both(&features, &[1.0; 6], &asked)) {
            match law {
                Ok(law) => {
                    let allowed = 1e-6 + 1e-14 / apart;
                    for (p, q) in law.probabilities.iter().zip(&exact) {
                        assert!((p - q).abs() < allowed, "{method}, {apart:e}: {law:?}");
                    }
                }
                // The dense method refuses dependence, from 1e-6.
                Err(MaximumEntropyError::Argument(error)) => {
                    assert!(method == 0 && apart < 1e-5, "{apart:e}: {error}");
                }
                // All moments are near the boundary: no state is far from the line.
                Err(MaximumEntropyError::Boundary { distance, .. }) => {
                    assert!(
                        apart < 1e-6 && distance < 100.0 * apart,
                        "{method}, {apart:e}"
                    );
                }
                Err(MaximumEntropyError::NotConverged { .. }) => {
                    assert!(method == 1 && apart < 1e-6, "{method}, {apart:e}");
                }
                Err(other) => panic!("{method}, {apart:e}: {other:?}"),
            }
        }
    }
}

/// Indicators of three of four states, whose means leave nothing for the fourth; and a fifth state that never
/// happens, wherever it is.
#[test]
fn states_that_never_happen_are_no_inside() {
    let features = DMatrix::from_fn(5, 3, |i, j| match i {
        4 => 7.0,
        _ => f64::from(u8::from(i == j)),
    });
    let asked = [0.3, 0.3, 0.4].map(Constraint::Equal);
    for law in both(&features, &[1.0, 1.0, 1.0, 1.0, 0.0], &asked) {
        assert!(
            matches!(law, Err(MaximumEntropyError::Boundary { distance, .. }) if distance < 1e-12),
            "{law:?}"
        );
    }
    let asked = [0.3, 0.3, 0.3].map(Constraint::Equal);
    for law in both(&features, &[1.0, 1.0, 1.0, 1.0, 0.0], &asked) {
        let law = law.unwrap();
        for (p, exact) in law.probabilities.iter().zip([0.3, 0.3, 0.3, 0.1, 0.0]) {
            assert!((p - exact).abs() < 1e-9, "{law:?}");
        }
    }
}

/// An aim far outside costs more nats than any divergence, and has its law all the same: E x − 10 = −λ.
#[test]
fn aims_out_of_reach_have_a_law() {
    for (centre, sd) in [(10.0, 1.0), (-30.0, 2.0), (7.0, 0.3)] {
        let near = Constraint::Near { centre, sd };
        for law in both(&faces(), &[1.0; 6], &[near]) {
            let law = law.unwrap();
            let off = law.moments[0] - centre + sd * sd * law.multipliers[0];
            assert!(off.abs() < 1e-8, "{law:?}");
            let weights: Vec<f64> = (1..=6)
                .map(|x| {
                    (law.multipliers[0] * f64::from(x - if centre > 0.0 { 6 } else { 1 })).exp()
                })
                .collect();
            let total: f64 = weights.iter().sum();
            let mean: f64 = (1..)
                .zip(&weights)
                .map(|(x, w)| f64::from(x) * w / total)
                .sum();
            assert!((mean - law.moments[0]).abs() < 1e-12, "{law:?}");
        }
    }
}

/// Goals that no law reaches are no contradiction, however many they are and whatever has to be met beside them.
#[test]
fn goals_out_of_reach_beside_each_other_and_beside_constraints_have_a_law() {
    for seed in 0..12 {
        let mut random = rng::stream(31, seed);
        let mut values = vec![0.0; 60 * 6];
        rng::fill_normal(&mut random, &mut values);
        let features = DMatrix::from_vec(60, 6, values);
        let mut goals = [0.0; 6];
        rng::fill_uniform(&mut random, &mut goals);
        let mut asked: Vec<Constraint> = (goals.iter().zip(features.column_iter()))
            .map(|(u, f)| {
                let (low, high) = (f.min(), f.max());
                let out = (0.5 + 0.3 * (u - 0.5)) * 1.2 * (high - low);
                let side = if *u < 0.5 { -1.0 } else { 1.0 };
                Constraint::Near {
                    centre: 0.5 * (low + high) + side * out,
                    sd: 0.005 * (high - low),
                }
            })
            .collect();
        for firm in [false, true] {
            if firm {
                asked[0] = Constraint::Equal(features.column(0).mean());
            }
            for law in both(&features, &[1.0; 60], &asked) {
                let law = law.unwrap();
                for (j, c) in asked.iter().enumerate() {
                    let (centre, variance) = match *c {
                        Constraint::Near { centre, sd } => (centre, sd * sd),
                        _ => (features.column(0).mean(), 0.0),
                    };
                    let off = law.moments[j] - centre + variance * law.multipliers[j];
                    assert!(off.abs() < 1e-7, "{seed} {j}: {off}");
                }
            }
        }
    }
}

/// Newton's method with penalties: a handful of steps, whatever the number of features.
#[test]
fn penalised_problems_take_a_handful_of_steps() {
    let (states, d) = (400, 40);
    let mut values = vec![0.0; states * d];
    rng::fill_normal(&mut rng::stream(21, 0), &mut values);
    let features = DMatrix::from_vec(states, d, values);
    let asked: Vec<Constraint> = (0..d)
        .map(|j| Constraint::Near {
            centre: 0.3,
            sd: 0.1 * (1 + j % 5) as f64,
        })
        .collect();
    for law in both(&features, &vec![1.0; states], &asked) {
        let law = law.unwrap();
        assert!(
            law.iterations <= 8 && law.gap.abs() < 1e-9,
            "{} {}",
            law.iterations,
            law.gap
        );
    }
}
