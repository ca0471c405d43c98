//! Iterative proportional fitting against closed forms, maximum entropy, Pythagoras, and what must be
//! refused.

use ergodic_expfam::{
    Constraint, FeatureRows, FittedTable, ProportionalFitting, ProportionalFittingError,
    SparseFeatures, SparseMaximumEntropy,
};
use ergodic_info::Table;
use ergodic_math::rng;
use proptest::prelude::*;

const XYZ: [(&str, usize); 3] = [("x", 2), ("y", 3), ("z", 2)];

fn random_table(seed: u64, block: u64) -> Table {
    let mut random = rng::stream(seed, block);
    let weights: Vec<f64> = (0..12).map(|_| 0.02 + rng::uniform(&mut random)).collect();
    Table::from_weights(&XYZ, weights).unwrap()
}

fn marginal(table: &Table, names: &[&str]) -> Table {
    table.ordered(names).unwrap()
}

fn cells(table: &Table) -> &[f64] {
    table.probabilities().as_slice()
}

fn divergence(p: &[f64], q: &[f64]) -> f64 {
    p.iter()
        .zip(q)
        .filter(|(p, _)| **p > 0.0)
        .map(|(p, q)| p * (p / q).ln())
        .sum()
}

#[test]
fn marginals_of_a_chain_make_it_markov_in_one_cycle() {
    let law = random_table(1, 0);
    let uniform = Table::new(&XYZ, vec![1.0 / 12.0; 12]).unwrap();
    let (xy, yz, y) = (
        marginal(&law, &["y", "x"]), // in another order
        marginal(&law, &["y", "z"]),
        marginal(&law, &["y"]),
    );
    let fit = ProportionalFitting::new(uniform)
        .fit(&[xy.clone(), yz.clone()])
        .unwrap();
    assert_eq!(fit.cycles, 1);
    for i in 0..2 {
        for j in 0..3 {
            for k in 0..2 {
                let exact = xy.probability(&[j, i]).unwrap() * yz.probability(&[j, k]).unwrap()
                    / y.probability(&[j]).unwrap();
                let found = fit.table.probability(&[i, j, k]).unwrap();
                assert!((found - exact).abs() < 1e-15, "{found} {exact}");
            }
        }
    }
    assert!(fit.gap.abs() < 1e-14 && fit.violation < 1e-14);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: prop::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// All three pairs of three variables: no closed form. The fit is the law of maximum entropy of the
    /// cells' indicators, and every law with these marginals stands in Pythagoras' relation to it.
    #[test]
    fn fits_are_projections(seed in 0u64..1 << 32) {
        let (law, base) = (random_table(seed, 0), random_table(seed, 1));
        let pairs = [["x", "y"], ["y", "z"], ["x", "z"]];
        let marginals: Vec<Table> = pairs.iter().map(|p| marginal(&law, p)).collect();
        let fit = ProportionalFitting::new(base.clone()).fit(&marginals).unwrap();
        prop_assert!(fit.violation <= 1e-12 && fit.gap.abs() < 1e-10);
        for (pair, wanted) in pairs.iter().zip(&marginals) {
            for (p, q) in cells(&marginal(&fit.table, pair)).iter().zip(cells(wanted)) {
                prop_assert!((p - q).abs() < 1e-11);
            }
        }
        let p = cells(&fit.table);
        prop_assert!((fit.divergence - divergence(p, cells(&base))).abs() < 1e-10);
        let whole = divergence(cells(&law), cells(&base));
        let sides = divergence(cells(&law), p) + divergence(p, cells(&base));
        prop_assert!((whole - sides).abs() < 1e-10, "{} {}", whole, sides);
        // Its form: the base times a factor of each pair.
        let mut rows = FeatureRows::default();
        for (cell, q) in cells(&base).iter().enumerate() {
            let (i, j, k) = (cell / 6, cell / 2 % 3, cell % 2);
            let places = [i * 3 + j, j * 2 + k, i * 2 + k];
            let sum: f64 = (0..3).map(|m| fit.multipliers[m][places[m]]).sum();
            prop_assert!((q * sum.exp() - p[cell]).abs() < 1e-12);
            let starts = [0, 6, 12];
            let entries: Vec<u32> = (0..3).map(|m| (starts[m] + places[m]) as u32).collect();
            rows.push(*q, &entries, &[1.0; 3]);
        }
        let constraints: Vec<Constraint> = (marginals.iter())
            .flat_map(|m| cells(m).iter().map(|c| Constraint::Equal(*c)))
            .collect();
        let other = SparseMaximumEntropy::new(SparseFeatures::new(16, rows)).unwrap();
        let other = other.solve(&constraints).unwrap();
        for (p, q) in p.iter().zip(&other.probabilities) {
            prop_assert!((p - q).abs() < 1e-8);
        }
    }
}

/// Zeros of base and marginals stay; the rest is the projection still.
#[test]
fn zeros_stay() {
    let square = [("a", 3), ("b", 3)];
    // Nobody moves to where they are: quasi-independence off the diagonal.
    let base = Table::from_weights(&square, [0., 1., 1., 1., 0., 1., 1., 1., 0.]).unwrap();
    let fit = |first: f64| {
        let rest = 0.5 - 0.5 * first;
        let marginal = |name| Table::new(&[(name, 3)], [first, rest, rest]).unwrap();
        ProportionalFitting::new(base.clone()).fit(&[marginal("a"), marginal("b")])
    };
    // By symmetry p₁₂ = p₁₃ = p₂₁ = p₃₁, and the rest is p₂₃ = p₃₂.
    let found = fit(0.4).unwrap();
    let exact = [0.0, 0.2, 0.2, 0.2, 0.0, 0.1, 0.2, 0.1, 0.0];
    for (p, e) in cells(&found.table).iter().zip(exact) {
        assert!((p - e).abs() < 1e-12, "{:?}", found.table);
    }
    // Nothing is left for p₂₃ and p₃₂: the only law has two zeros more.
    let (forced, limit) = boundary(fit(0.5));
    assert_eq!(forced, [[1, 2], [2, 1]]);
    let exact = [0.0, 0.25, 0.25, 0.25, 0.0, 0.0, 0.25, 0.0, 0.0];
    for (p, e) in cells(&limit.table).iter().zip(exact) {
        assert!((p - e).abs() < 1e-12, "{limit:?}");
    }
    assert!((limit.divergence - 1.5f64.ln()).abs() < 1e-12 && limit.gap.abs() < 1e-11);
    // Less than nothing: by how little or much does not matter.
    for first in [0.500_001, 0.6, 0.9] {
        let error = fit(first).unwrap_err();
        let ProportionalFittingError::Infeasible { together, .. } = &error else {
            panic!("{first}: {error:?}");
        };
        assert_eq!(together, &[0, 1]);
    }
    // A little more than nothing: no zeros, and no claim of any.
    for first in [0.49, 0.499] {
        let found = fit(first).unwrap();
        assert!((cells(&found.table)[5] - (0.5 - first)).abs() < 1e-10);
    }
    for first in [0.49999, 0.5 - 1e-9] {
        let error = fit(first).unwrap_err();
        assert!(
            matches!(error, ProportionalFittingError::NotConverged { .. }),
            "{error:?}"
        );
    }
    let uniform = Table::new(&square, [1.0 / 9.0; 9]).unwrap();
    let none = Table::new(&[("a", 3)], [0.0, 0.25, 0.75]).unwrap();
    let fit = ProportionalFitting::new(uniform).fit(&[none]).unwrap();
    assert_eq!(fit.multipliers[0][0], f64::NEG_INFINITY);
    assert_eq!(&cells(&fit.table)[..3], [0.0; 3]);
    assert!((cells(&fit.table)[4] - 0.25 / 3.0).abs() < 1e-15);
    // From 1/9 to 0, 1/12 and 1/4 each.
    let exact = 0.25 * 0.75f64.ln() + 0.75 * 2.25f64.ln();
    assert!((fit.divergence - exact).abs() < 1e-14 && fit.gap.abs() < 1e-14);
}

fn boundary(fit: Result<FittedTable, ProportionalFittingError>) -> (Vec<Vec<usize>>, FittedTable) {
    match fit {
        Err(ProportionalFittingError::Boundary { cells, limit }) => (cells, *limit),
        other => panic!("{other:?}"),
    }
}

/// Cells on and above the diagonal, with the same marginals twice: all of it has to stay on the diagonal. The
/// zeros are approached at different orders.
#[test]
fn zeros_that_the_marginals_force_are_named_with_the_limit() {
    for n in [2usize, 3, 5, 8] {
        let square = [("a", n), ("b", n)];
        let above: Vec<f64> = (0..n * n)
            .map(|cell| f64::from(u8::from(cell / n <= cell % n)))
            .collect();
        let base = Table::from_weights(&square, above).unwrap();
        let weights: Vec<f64> = (1..=n).map(|i| i as f64).collect();
        let marginal = |name| Table::from_weights(&[(name, n)], weights.clone()).unwrap();
        let fit = ProportionalFitting::new(base).fit(&[marginal("a"), marginal("b")]);
        let (forced, limit) = boundary(fit);
        let exact: Vec<Vec<usize>> = (0..n)
            .flat_map(|i| (i + 1..n).map(move |j| vec![i, j]))
            .collect();
        assert_eq!(forced, exact, "{n}");
        let total = (n * (n + 1)) as f64 / 2.0;
        for (cell, p) in cells(&limit.table).iter().enumerate() {
            let diagonal = if cell / n == cell % n {
                (cell % n + 1) as f64 / total
            } else {
                0.0
            };
            assert!((p - diagonal).abs() < 1e-12, "{n}: {limit:?}");
        }
    }
    // Three variables, pair by pair: x = y = z half of the time forced by x = y and y = z always.
    let bits = [("x", 2), ("y", 2), ("z", 2)];
    let same = |a, b, p: f64| {
        let off = 0.5 - p / 2.0;
        Table::new(&[(a, 2), (b, 2)], [p / 2.0, off, off, p / 2.0]).unwrap()
    };
    let uniform = ProportionalFitting::new(Table::new(&bits, [0.125; 8]).unwrap());
    // P(x ≠ z) = 0.2 is all of P(x ≠ y) + P(y ≠ z): never both, so that x = z implies y = x.
    let fit = uniform.fit(&[
        same("x", "y", 0.9),
        same("y", "z", 0.9),
        same("x", "z", 0.8),
    ]);
    let (forced, limit) = boundary(fit);
    assert_eq!(forced, [[0, 1, 0], [1, 0, 1]]);
    let exact = [0.4, 0.05, 0.0, 0.05, 0.05, 0.0, 0.05, 0.4];
    for (p, e) in cells(&limit.table).iter().zip(exact) {
        assert!((p - e).abs() < 1e-11, "{limit:?}");
    }
    assert!((limit.divergence - divergence(&exact, &[0.125; 8])).abs() < 1e-10);
}

/// Zeros that are forced by two of the marginals, and a contradiction of what is left with the third: that is
/// what counts.
#[test]
fn contradictions_behind_forced_zeros_are_infeasible() {
    let bits = [("x", 2), ("y", 2), ("z", 2)];
    // Where x = y, z is 0 by the base.
    let base: Vec<f64> = (0..8)
        .map(|c| f64::from(u8::from(c / 4 != c / 2 % 2 || c % 2 == 0)))
        .collect();
    let base = Table::from_weights(&bits, base).unwrap();
    let xy = Table::new(&[("x", 2), ("y", 2)], [0.5, 0.0, 0.0, 0.5]).unwrap();
    let z = Table::new(&[("z", 2)], [0.5, 0.5]).unwrap();
    let error = ProportionalFitting::new(base).fit(&[xy, z]).unwrap_err();
    assert!(
        matches!(error, ProportionalFittingError::Infeasible { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("marginals [0, 1]"), "{error}");
}

/// Fits of slow convergence whose cells all have a limit: never taken for zeros.
#[test]
fn slow_fits_are_no_zeros() {
    let variables = [("x", 3), ("y", 3), ("z", 3)];
    let mut slow = 0;
    for seed in 0..60 {
        // Laws over four orders of magnitude.
        let mut random = rng::stream(seed, 5);
        let weights: Vec<f64> = (0..27)
            .map(|_| 10f64.powf(-4.0 * rng::uniform(&mut random)))
            .collect();
        let law = Table::from_weights(&variables, weights).unwrap();
        let marginals: Vec<Table> = [["x", "y"], ["y", "z"], ["x", "z"]]
            .iter()
            .map(|p| marginal(&law, p))
            .collect();
        let base = Table::new(&variables, [1.0 / 27.0; 27]).unwrap();
        match ProportionalFitting::new(base).fit(&marginals) {
            Ok(fit) => {
                slow += usize::from(fit.cycles > 64);
                assert!(cells(&fit.table).iter().all(|p| *p > 0.0));
            }
            Err(ProportionalFittingError::NotConverged { violation, .. }) => {
                assert!(violation < 1e-6, "{seed}: {violation:e}");
            }
            Err(other) => panic!("{seed}: {other:?}"),
        }
    }
    assert!(slow > 5, "{slow}");
}

/// A cell that is next to nothing and is asked for most: the fit, or an error, and never NaN.
#[test]
fn rare_cells_are_fitted_or_refused() {
    for rare in [1e-100, 1e-300, 1e-310, 5e-324] {
        let base = Table::from_weights(&[("a", 2)], [rare, 1.0]).unwrap();
        let asked = Table::new(&[("a", 2)], [0.75, 0.25]).unwrap();
        match ProportionalFitting::new(base).fit(&[asked]) {
            Ok(fit) => {
                assert!((cells(&fit.table)[0] - 0.75).abs() < 1e-15);
                let exact = divergence(&[0.75, 0.25], &[rare, 1.0]);
                assert!((fit.divergence / exact - 1.0).abs() < 1e-13, "{fit:?}");
            }
            Err(ProportionalFittingError::Argument(error)) => {
                assert!(rare < 1e-307 && error.argument == "base", "{rare}: {error}");
            }
            Err(other) => panic!("{rare}: {other:?}"),
        }
    }
}

#[test]
fn misses_fall_by_a_constant_factor_per_cycle() {
    let (law, base) = (random_table(7, 0), random_table(7, 1));
    let marginals: Vec<Table> = [["x", "y"], ["y", "z"], ["x", "z"]]
        .iter()
        .map(|p| marginal(&law, p))
        .collect();
    let miss = |cycles: usize| {
        let fit = ProportionalFitting::new(base.clone())
            .cycles(cycles)
            .unwrap();
        match fit.tolerance(1e-15).unwrap().fit(&marginals) {
            Err(ProportionalFittingError::NotConverged { violation, .. }) => violation,
            other => panic!("{other:?}"),
        }
    };
    let rates: Vec<f64> = (20..24).map(|n| miss(n + 1) / miss(n)).collect();
    for rate in &rates {
        assert!(
            *rate < 0.9 && (rate / rates[3] - 1.0).abs() < 0.01,
            "{rates:?}"
        );
    }
}

#[test]
fn contradictions_are_named() {
    let uniform = Table::new(&XYZ, vec![1.0 / 12.0; 12]).unwrap();
    let fit = ProportionalFitting::new(uniform);
    // They share y.
    let xy = Table::new(&XYZ[..2], [0.1, 0.2, 0.1, 0.2, 0.2, 0.2]).unwrap();
    let yz = Table::new(&XYZ[1..], [0.1, 0.1, 0.2, 0.2, 0.2, 0.2]).unwrap();
    let reverse = fit.fit(&[yz.clone(), xy.clone()]).unwrap_err();
    let error = fit.fit(&[xy, yz]).unwrap_err();
    let first = |error: &ProportionalFittingError| match error {
        ProportionalFittingError::Conflict { cell, .. } => cell.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(first(&reverse), first(&error));
    let ProportionalFittingError::Conflict {
        marginals,
        variables,
        cell,
        asked,
    } = error
    else {
        panic!("{error:?}");
    };
    let place = (marginals, variables, cell);
    assert_eq!(place, ((0, 1), vec!["y".into()], vec![0]));
    assert!((asked.0 - 0.3).abs() < 1e-15 && (asked.1 - 0.2).abs() < 1e-15);
    // Every two agree, all three do not: x = y, y = z, x ≠ z.
    let bits = [("x", 2), ("y", 2), ("z", 2)];
    let same = |a, b, p: f64| {
        Table::new(
            &[(a, 2), (b, 2)],
            [p / 2.0, 0.5 - p / 2.0, 0.5 - p / 2.0, p / 2.0],
        )
        .unwrap()
    };
    let fit = ProportionalFitting::new(Table::new(&bits, [0.125; 8]).unwrap());
    let error = fit
        .fit(&[
            same("x", "y", 0.9),
            same("y", "z", 0.9),
            same("x", "z", 0.1),
        ])
        .unwrap_err();
    assert!(
        matches!(error, ProportionalFittingError::Infeasible { .. }),
        "{error:?}"
    );
    // 0.9 + 0.9 − 1 = 0.8 of both agree, so x = z can be had that often.
    let least = fit.fit(&[
        same("x", "y", 0.9),
        same("y", "z", 0.9),
        same("x", "z", 0.82),
    ]);
    assert!(least.is_ok(), "{least:?}");
    // The base has nothing there.
    let base = Table::from_weights(&bits, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
    let x = Table::new(&[("x", 2)], [0.5, 0.5]).unwrap();
    let error = ProportionalFitting::new(base).fit(&[x]).unwrap_err();
    assert_eq!(
        error,
        ProportionalFittingError::Impossible {
            marginal: 0,
            cell: vec![1],
            asked: 0.5
        }
    );
}

#[test]
fn bad_arguments_are_named() {
    let fit = ProportionalFitting::new(random_table(1, 0));
    let argument = |marginals: &[Table]| match fit.fit(marginals).unwrap_err() {
        ProportionalFittingError::Argument(error) => error.argument,
        other => panic!("{other:?}"),
    };
    assert_eq!(argument(&[]), "marginals");
    let table =
        |name, size: usize| Table::new(&[(name, size)], vec![1.0 / size as f64; size]).unwrap();
    assert_eq!(argument(&[table("w", 2)]), "marginals");
    assert_eq!(argument(&[table("y", 2)]), "marginals");
    assert_eq!(fit.clone().cycles(0).unwrap_err().argument, "cycles");
    for bad in [0.0, f64::NAN, 0.2] {
        assert_eq!(
            fit.clone().tolerance(bad).unwrap_err().argument,
            "tolerance"
        );
    }
}
