//! Maximum entropy with sparse features: against exact laws, the dense method, the conditions of Kuhn and
//! Tucker, and what must be refused.

use std::ops::Range;

use ergodic_expfam::{
    Constraint, FeatureRows, MaximumEntropy, MaximumEntropyError, MaximumEntropyLaw,
    SparseFeatures, SparseMaximumEntropy, StateFeatures,
};
use ergodic_math::rng;
use nalgebra::DMatrix;
use proptest::prelude::*;

/// Each state has some features, of normal size.
fn random_rows(seed: u64, states: usize, features: usize, each: usize) -> FeatureRows {
    let mut random = rng::stream(seed, 0);
    let mut rows = FeatureRows::default();
    for _ in 0..states {
        let mut entries: Vec<u32> = (0..each)
            .map(|_| rng::index(&mut random, features) as u32)
            .collect();
        entries.sort_unstable();
        entries.dedup();
        let mut values = vec![0.0; entries.len()];
        rng::fill_normal(&mut random, &mut values);
        rows.push(0.1 + rng::uniform(&mut random), &entries, &values);
    }
    rows
}

/// The rows as matrix and weights, by visiting them.
fn dense<S: StateFeatures>(source: &S) -> (DMatrix<f64>, Vec<f64>) {
    let n = source.states();
    let mut matrix = DMatrix::zeros(n, source.features());
    let mut rows = FeatureRows::default();
    source.visit(0..n, &mut rows);
    let mut base = Vec::new();
    for i in 0..n {
        let (h, entries, values) = rows.get(i).expect("a state");
        base.push(h);
        for (j, v) in entries.iter().zip(values) {
            matrix[(i, *j as usize)] = *v;
        }
    }
    (matrix, base)
}

/// Kuhn–Tucker, with moments and law computed here from the multipliers.
fn assert_optimal(
    law: &MaximumEntropyLaw,
    matrix: &DMatrix<f64>,
    base: &[f64],
    constraints: &[Constraint],
    tolerance: f64,
) {
    let n = matrix.nrows();
    let weights: Vec<f64> = (0..n)
        .map(|i| {
            let terms = (0..matrix.ncols()).map(|j| law.multipliers[j] * matrix[(i, j)]);
            base[i] * terms.sum::<f64>().exp()
        })
        .collect();
    let total: f64 = weights.iter().sum();
    for (i, w) in weights.iter().enumerate() {
        let p = law.probabilities[i];
        assert!(
            (p - w / total).abs() < 1e-12,
            "state {i}: {p} {}",
            w / total
        );
    }
    for (j, c) in constraints.iter().enumerate() {
        let m: f64 = (0..n).map(|i| weights[i] / total * matrix[(i, j)]).sum();
        let l = law.multipliers[j];
        assert!((m - law.moments[j]).abs() < 1e-12);
        match *c {
            Constraint::Equal(value) => {
                assert!((m - value).abs() < tolerance, "{j}: {m} {value}");
            }
            Constraint::Within { centre, radius } => {
                let off = m - centre;
                assert!(off.abs() <= radius + tolerance, "{j}: {off} {radius}");
                if l != 0.0 {
                    let rest = off + radius * l.signum();
                    assert!(rest.abs() < tolerance, "{j}: {off} {radius} {l}");
                }
            }
            Constraint::Near { centre, sd } => {
                let rest = m - centre + sd * sd * l;
                assert!(rest.abs() < tolerance, "{j}: {rest}");
            }
        }
    }
    assert!(law.gap.abs() < 1e-7, "{}", law.gap);
    assert!(law.violation < tolerance, "{}", law.violation);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: prop::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// Random sparse features, centres that a random law has, each kind of constraint.
    #[test]
    fn solutions_are_optimal_and_those_of_the_dense_method(
        seed in 0u64..1 << 32, features in 1usize..25, kind in 0u8..4,
    ) {
        let rows = random_rows(seed, 300, features, 3);
        let source = SparseFeatures::new(features, rows);
        let (matrix, base) = dense(&source);
        let mut random = rng::stream(seed, 1);
        let weights: Vec<f64> = (0..300).map(|_| rng::uniform(&mut random).powi(4)).collect();
        let total: f64 = weights.iter().sum();
        let constraints: Vec<Constraint> = (0..features)
            .map(|j| {
                let centre = (0..300).map(|i| weights[i] / total * matrix[(i, j)]).sum();
                match (kind + j as u8) % 4 {
                    0 => Constraint::Equal(centre),
                    1 => Constraint::Within { centre, radius: 0.02 },
                    2 => Constraint::Near { centre, sd: 0.1 },
                    _ => Constraint::Within { centre, radius: 1.0 },
                }
            })
            .collect();
        let law = SparseMaximumEntropy::new(&source).unwrap().solve(&constraints);
        let law = law.map_err(|e| TestCaseError::fail(e.to_string()))?;
        assert_optimal(&law, &matrix, &base, &constraints, 1e-8);
        if let Ok(problem) = MaximumEntropy::new(matrix, &base) {
            let other = problem.solve(&constraints).unwrap();
            prop_assert!((law.divergence - other.divergence).abs() < 1e-8);
            for (p, q) in law.probabilities.iter().zip(&other.probabilities) {
                prop_assert!((p - q).abs() < 1e-8);
            }
        }
    }
}

/// All strings of bits; the features are the bits, twice each if asked for.
#[derive(Debug)]
struct Strings {
    bits: u32,
    copies: usize,
}

impl StateFeatures for Strings {
    fn states(&self) -> usize {
        1 << self.bits
    }

    fn features(&self) -> usize {
        self.bits as usize * self.copies
    }

    fn visit(&self, states: Range<usize>, rows: &mut FeatureRows) {
        for state in states {
            let ones: Vec<u32> = (0..self.features() as u32)
                .filter(|j| state >> (j % self.bits) & 1 == 1)
                .collect();
            rows.push(2.0, &ones, &vec![1.0; ones.len()]);
        }
    }
}

/// Bits of given means are independent; the entropy is the sum of theirs.
#[test]
fn bits_of_given_means_are_independent() {
    let strings = Strings {
        bits: 14,
        copies: 1,
    };
    let means: Vec<f64> = (0..14).map(|j| 0.05 + 0.06 * f64::from(j)).collect();
    let constraints: Vec<Constraint> = means.iter().map(|m| Constraint::Equal(*m)).collect();
    let law = SparseMaximumEntropy::new(strings)
        .unwrap()
        .solve(&constraints)
        .unwrap();
    let mut entropy = 0.0;
    for (m, l) in means.iter().zip(&law.multipliers) {
        let exact = (m / (1.0 - m)).ln();
        assert!((l - exact).abs() < 1e-9, "{l} {exact}");
        entropy -= m * m.ln() + (1.0 - m) * (1.0 - m).ln();
    }
    assert!((law.entropy() - entropy).abs() < 1e-9);
    assert!(law.gap.abs() < 1e-9 && law.violation < 1e-10);
}

#[test]
fn dependent_features_leave_the_law_as_it_is() {
    let solve = |copies: usize| {
        let strings = Strings { bits: 8, copies };
        let constraints = vec![Constraint::Equal(0.3); 8 * copies];
        SparseMaximumEntropy::new(strings)
            .unwrap()
            .solve(&constraints)
            .unwrap()
    };
    let (one, two) = (solve(1), solve(2));
    for (p, q) in one.probabilities.iter().zip(&two.probabilities) {
        assert!((p - q).abs() < 1e-10);
    }
    // Copies that contradict each other.
    let mut constraints = vec![Constraint::Equal(0.3); 16];
    constraints[11] = Constraint::Equal(0.35);
    let strings = Strings { bits: 8, copies: 2 };
    let error = SparseMaximumEntropy::new(strings)
        .unwrap()
        .solve(&constraints)
        .unwrap_err();
    assert!(
        matches!(
            error,
            MaximumEntropyError::Infeasible {
                constraint: 3 | 11,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn results_have_the_same_bits_for_any_number_of_threads() {
    let source = SparseFeatures::new(60, random_rows(3, 30_000, 60, 5));
    let problem = SparseMaximumEntropy::new(&source).unwrap();
    let constraints: Vec<Constraint> = (0..60)
        .map(|j| Constraint::Within {
            centre: 0.01 * f64::from(j % 7),
            radius: 0.005,
        })
        .collect();
    let on = |threads: usize| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| problem.solve(&constraints).unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(5));
}

fn dice() -> FeatureRows {
    let mut rows = FeatureRows::default();
    for face in 1..=6 {
        let x = f64::from(face);
        rows.push(1.0, &[0, 1], &[x, x * x]);
    }
    rows.push(0.0, &[0], &[100.0]); // a state that never happens does not count
    rows
}

#[test]
fn moments_that_no_law_has_are_refused_by_name() {
    let problem = SparseMaximumEntropy::new(SparseFeatures::new(2, dice())).unwrap();
    let solve = |a: Constraint, b: Constraint| problem.solve(&[a, b]).unwrap_err();
    let open = Constraint::Within {
        centre: 18.0,
        radius: 30.0,
    };
    for (value, limit) in [(6.5, 6.0), (0.5, 1.0)] {
        let error = solve(Constraint::Equal(value), open);
        let MaximumEntropyError::Infeasible {
            constraint: 0,
            found,
            ..
        } = error
        else {
            panic!("{value}: {error:?}");
        };
        assert_eq!(found, limit);
    }
    let error = solve(open, Constraint::Equal(40.0));
    assert!(matches!(
        error,
        MaximumEntropyError::Infeasible { constraint: 1, .. }
    ));
    for value in [1.0, 6.0] {
        let error = solve(Constraint::Equal(value), open);
        let boundary = MaximumEntropyError::Boundary {
            constraint: 0,
            distance: 0.0,
        };
        assert_eq!(error, boundary);
    }
    // Each can be had, not both: E x² is at most 6 E x.
    let error = solve(Constraint::Equal(2.0), Constraint::Equal(20.0));
    assert!(
        matches!(error, MaximumEntropyError::Infeasible { .. }),
        "{error:?}"
    );
    // Both can, by the two extreme faces alone: E x² = 7 E x − 6.
    let error = solve(Constraint::Equal(2.0), Constraint::Equal(8.0));
    assert!(
        matches!(error, MaximumEntropyError::Boundary { distance, .. } if distance < 1e-13),
        "{error:?}"
    );
    // The middle faces alone: E (x − 3)(x − 4) = 0.
    let error = solve(Constraint::Equal(3.5), Constraint::Equal(12.5));
    assert!(
        matches!(error, MaximumEntropyError::Boundary { distance, .. } if distance < 1e-13),
        "{error:?}"
    );
    let error = solve(Constraint::Equal(3.5), Constraint::Equal(12.5 - 1e-6));
    assert!(
        matches!(error, MaximumEntropyError::Infeasible { .. }),
        "{error:?}"
    );
}

#[test]
fn bad_problems_name_what_is_wrong() {
    let argument = |error: MaximumEntropyError| match error {
        MaximumEntropyError::Argument(error) => error.argument,
        other => panic!("{other:?}"),
    };
    let build = |features: usize, rows: &[(f64, &[u32], &[f64])]| {
        let mut all = FeatureRows::default();
        for (base, entries, values) in rows {
            all.push(*base, entries, values);
        }
        argument(SparseMaximumEntropy::new(SparseFeatures::new(features, all)).unwrap_err())
    };
    assert_eq!(build(1, &[]), "source");
    assert_eq!(build(0, &[(1.0, &[], &[])]), "source");
    assert_eq!(build(1, &[(1.0, &[1], &[1.0])]), "source");
    assert_eq!(build(2, &[(1.0, &[1, 0], &[1.0, 1.0])]), "source");
    assert_eq!(build(2, &[(1.0, &[1, 1], &[1.0, 1.0])]), "source");
    assert_eq!(build(1, &[(1.0, &[0], &[f64::NAN])]), "source");
    assert_eq!(build(1, &[(-1.0, &[0], &[1.0])]), "base_measure");
    assert_eq!(build(1, &[(f64::INFINITY, &[0], &[1.0])]), "base_measure");
    assert_eq!(build(1, &[(0.0, &[0], &[1.0])]), "base_measure");
    assert_eq!(
        build(1, &[(f64::MAX, &[0][..], &[1.0][..]); 2]),
        "base_measure"
    );

    #[derive(Debug)]
    struct Short;
    impl StateFeatures for Short {
        fn states(&self) -> usize {
            10
        }
        fn features(&self) -> usize {
            1
        }
        fn visit(&self, _: Range<usize>, rows: &mut FeatureRows) {
            rows.push(1.0, &[], &[]);
        }
    }
    assert_eq!(
        argument(SparseMaximumEntropy::new(Short).unwrap_err()),
        "source"
    );

    let problem = SparseMaximumEntropy::new(SparseFeatures::new(2, dice())).unwrap();
    for bad in [
        vec![Constraint::Equal(3.5)],
        vec![Constraint::Equal(f64::NAN); 2],
    ] {
        assert_eq!(argument(problem.solve(&bad).unwrap_err()), "constraints");
    }
    for bad in [0.0, f64::NAN, 1.0] {
        let error = problem.clone().tolerance(bad).unwrap_err();
        assert_eq!(error.argument, "tolerance");
    }
}

/// Weights over a thousand orders of magnitude, from the least to the largest and back: the geometric law
/// of mean 1/2 from either end, λ = ±log 3.
#[test]
fn weights_of_any_range_add_up() {
    let rows = || {
        let mut rows = FeatureRows::default();
        for x in 0..3000 {
            rows.push(1.0, &[0], &[f64::from(x)]);
        }
        SparseMaximumEntropy::new(SparseFeatures::new(1, rows)).unwrap()
    };
    for (mean, sign) in [(0.5, -1.0), (2998.5, 1.0)] {
        let law = rows().solve(&[Constraint::Equal(mean)]).unwrap();
        let exact = sign * 3f64.ln();
        assert!(
            (law.multipliers[0] - exact).abs() < 1e-6,
            "{:?}",
            law.multipliers
        );
        let p = law.probabilities[if sign < 0.0 { 0 } else { 2999 }];
        assert!((p - 2.0 / 3.0).abs() < 1e-6, "{p}");
        assert!(law.gap.abs() < 1e-6 && law.violation < 1e-6);
    }
}

/// A million states with ten features each of a hundred thousand, never in memory.
#[derive(Debug)]
struct Vast;

impl Vast {
    /// The finaliser of SplitMix64.
    fn mix(x: u64) -> u64 {
        let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    fn entries(state: usize) -> ([u32; 10], [f64; 10]) {
        let word =
            |i: u64| Self::mix((state as u64 * 16 + i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // One of each ten thousand, so that they are in order.
        let feature = |i: usize| (i * 10_000) as u32 + (word(i as u64) % 10_000) as u32;
        let value = |i: usize| (word(i as u64) >> 40) as f64 / f64::from(1u32 << 23) - 1.0;
        (std::array::from_fn(feature), std::array::from_fn(value))
    }
}

impl StateFeatures for Vast {
    fn states(&self) -> usize {
        1_000_000
    }

    fn features(&self) -> usize {
        100_000
    }

    fn visit(&self, states: Range<usize>, rows: &mut FeatureRows) {
        for state in states {
            let (entries, values) = Self::entries(state);
            rows.push(1.0, &entries, &values);
        }
    }
}

/// The multipliers of a member of the family come back from its moments.
#[test]
#[ignore = "half a minute"]
fn a_hundred_thousand_features_on_a_million_states_are_fitted() {
    let mut truth = vec![0.0; 100_000];
    rng::fill_normal(&mut rng::stream(9, 0), &mut truth);
    let weight = |(entries, values): &([u32; 10], [f64; 10])| -> f64 {
        let terms = entries.iter().zip(values);
        terms
            .map(|(j, v)| truth[*j as usize] * v)
            .sum::<f64>()
            .exp()
    };
    let total: f64 = (0..1_000_000).map(|s| weight(&Vast::entries(s))).sum();
    let mut moments = vec![0.0; 100_000];
    for state in 0..1_000_000 {
        let row = Vast::entries(state);
        let p = weight(&row) / total;
        for (j, v) in row.0.iter().zip(&row.1) {
            moments[*j as usize] += p * v;
        }
    }
    let constraints: Vec<Constraint> = moments.iter().map(|m| Constraint::Equal(*m)).collect();
    let started = std::time::Instant::now();
    let problem = SparseMaximumEntropy::new(Vast).unwrap();
    let law = problem.solve(&constraints).unwrap();
    println!(
        "{:.1} s, {} steps, gap {:e}, violation {:e}",
        started.elapsed().as_secs_f64(),
        law.iterations,
        law.gap,
        law.violation
    );
    assert!(law.gap.abs() < 1e-6 && law.violation < 1e-9);
    let exact: f64 = (truth.iter().zip(&moments)).map(|(l, m)| l * m).sum();
    let divergence = exact - (total / 1e6).ln();
    assert!(
        (law.divergence - divergence).abs() < 1e-6,
        "{} {divergence}",
        law.divergence
    );
    for (j, (l, t)) in law.multipliers.iter().zip(&truth).enumerate() {
        assert!((l - t).abs() < 0.01, "{j}: {l} {t}");
    }
}

/// Full rows, with a few beside that leave features out; a number of rows and of features that no vector divides.
#[test]
fn full_rows_have_the_same_bits_for_any_number_of_threads() {
    let (states, d) = (13_003, 37);
    let mut random = rng::stream(4, 0);
    let mut rows = FeatureRows::default();
    let all: Vec<u32> = (0..d as u32).collect();
    let mut values = vec![0.0; d];
    for state in 0..states {
        rng::fill_normal(&mut random, &mut values);
        let given = if state % 1000 == 999 { d / 2 } else { d };
        rows.push(1.0, &all[..given], &values[..given]);
    }
    let source = SparseFeatures::new(d, rows);
    let (matrix, base) = dense(&source);
    let problem = SparseMaximumEntropy::new(&source).unwrap();
    let constraints: Vec<Constraint> = (0..d)
        .map(|j| Constraint::Equal(0.1 * (j % 5) as f64 - 0.2))
        .collect();
    let on = |threads: usize| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| problem.solve(&constraints).unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(7));
    assert_optimal(&one, &matrix, &base, &constraints, 1e-8);
}
