//! The searches against all pairs.

use ergodic_info::Points;
use ergodic_info::Sample;
use ergodic_info::neighbors::{Norm, Reach, Tree};
use ergodic_math::rng;
use proptest::prelude::*;

fn distance(a: &[f64], b: &[f64], norm: Norm) -> f64 {
    let pairs = a.iter().zip(b);
    match norm {
        Norm::Maximum => pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max),
        Norm::Euclidean => pairs
            .map(|(a, b)| (a - b) * (a - b))
            .fold(0.0, |s, x| s + x)
            .sqrt(),
    }
}

/// All distances from a row to the others, ascending.
fn sorted(points: &Points, row: usize, norm: Norm) -> Vec<f64> {
    let mut all: Vec<f64> = (0..points.len())
        .filter(|other| *other != row)
        .map(|other| distance(points.row(row), points.row(other), norm))
        .collect();
    all.sort_unstable_by(f64::total_cmp);
    all
}

fn check(points: &Points, k: usize, rows: impl Iterator<Item = usize>) {
    let tree = Tree::new(points).unwrap();
    let (n, rows): (_, Vec<usize>) = (points.len(), rows.collect());
    for norm in [Norm::Maximum, Norm::Euclidean] {
        let found = tree.distances(k, norm).unwrap();
        let from = tree.distances_from(points, k + 1, norm).unwrap();
        for &row in &rows {
            let truth = sorted(points, row, norm);
            assert_eq!(found[row * k..][..k], truth[..k], "{norm:?}, row {row}");
            // The point itself is its own first neighbour.
            assert_eq!(from[row * (k + 1) + 1..][..k], truth[..k]);
        }
        // Radii that are distances, so that points lie on the edge.
        let radii: Vec<f64> = (0..n).map(|row| found[row * k + k - 1]).collect();
        for reach in [Reach::Below, Reach::AtMost] {
            let counts = tree.counts(points, &radii, reach, norm).unwrap();
            for &row in &rows {
                let truth = sorted(points, row, norm);
                let truth = match reach {
                    Reach::Below => {
                        truth.iter().filter(|d| **d < radii[row]).count()
                            + usize::from(radii[row] > 0.0)
                    }
                    Reach::AtMost => truth.iter().filter(|d| **d <= radii[row]).count() + 1,
                };
                assert_eq!(
                    counts[row] as usize, truth,
                    "{norm:?}, {reach:?}, row {row}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn searches_find_what_all_pairs_show(
        dim in 1usize..13,
        len in 2usize..180,
        k in 1usize..9,
        // Steps of a lattice, so that ties and duplicates are frequent; 0 for none.
        steps in prop::sample::select(vec![0u32, 1, 2, 5, 40]),
        seed in any::<u64>(),
    ) {
        let mut values = vec![0.0; len * dim];
        rng::fill_normal(&mut rng::stream(seed, 0), &mut values);
        if steps > 0 {
            let steps = f64::from(steps);
            for x in &mut values {
                *x = (*x * steps).round() / steps;
            }
        }
        check(&Points::new(values, dim).unwrap(), k.min(len - 1), 0..len);
    }
}

#[test]
fn searches_are_exact_in_deep_trees() {
    for (dim, spread) in [(1, 1.0), (2, 1e8), (3, 1e-8), (5, 1.0), (10, 1.0)] {
        let mut values = vec![0.0; 4099 * dim];
        rng::fill_normal(&mut rng::stream(dim as u64, 0), &mut values);
        for x in values.iter_mut().step_by(dim) {
            *x *= spread;
        }
        check(&Points::new(values, dim).unwrap(), 3, (0..4099).step_by(16));
    }
}

#[test]
fn searches_do_not_depend_on_threads() {
    let mut values = vec![0.0; 9000];
    rng::fill_normal(&mut rng::stream(5, 0), &mut values);
    let points = Points::new(values, 3).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let tree = Tree::new(&points).unwrap();
            let distances = tree.distances(4, Norm::Euclidean).unwrap();
            let radii: Vec<f64> = distances.chunks(4).map(|d| 2.0 * d[3]).collect();
            let counts = tree
                .counts(&points, &radii, Reach::Below, Norm::Maximum)
                .unwrap();
            (tree.rows().to_vec(), distances, counts)
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(5));
}

#[test]
fn searches_refuse_what_has_no_answer() {
    let points = Points::new([0.0, 0.0, 1.0, 1.0, 2.0, 0.0], 2).unwrap();
    let tree = Tree::new(&points).unwrap();
    for k in [0, 3] {
        let error = tree.distances(k, Norm::Maximum).unwrap_err();
        assert!(error.to_string().contains('k'), "{error}");
    }
    assert!(tree.distances_from(&points, 4, Norm::Maximum).is_err());
    assert!(tree.distances_from(&points, 3, Norm::Maximum).is_ok());
    let line = Points::scalar([0.0]).unwrap();
    assert!(tree.distances_from(&line, 1, Norm::Maximum).is_err());
    let reach = Reach::Below;
    assert!(tree.counts(&line, &[1.0], reach, Norm::Maximum).is_err());
    assert!(tree.counts(&points, &[1.0], reach, Norm::Maximum).is_err());
    assert!(
        tree.counts(&points, &[1.0, f64::NAN, 1.0], reach, Norm::Maximum)
            .is_err()
    );
}

#[test]
fn distances_that_overflow_are_infinite_and_not_nan() {
    let points = Points::scalar([-1.7e308, 1.7e308, 0.0]).unwrap();
    let tree = Tree::new(&points).unwrap();
    let found = tree.distances(2, Norm::Maximum).unwrap();
    assert_eq!(found[..2], [1.7e308, f64::INFINITY]);
    assert_eq!(
        tree.distances_from(&points, 3, Norm::Maximum).unwrap()[2],
        f64::INFINITY
    );
}
