//! Estimators for continuous and mixed data: their formulas on all pairs, exact identities, and
//! truth. Where a test has chance in it, its tolerance is 5.5 standard deviations of what is compared
//! (4e-8 two-sided, for at most 20 comparisons a test) plus a stated allowance for bias.

use std::f64::consts::{E, LN_2, PI};

use ergodic_core::Bias;
use ergodic_info::continuous::{
    Bandwidth, FrenzelPompe, KernelDensity, KozachenkoLeonenko, Ksg, KsgAlgorithm,
    KullbackLeiblerNeighbors, MixedNeighbors, RenyiNeighbors, Scaling, Ties, TwoSamples,
    WeightedNeighbors,
};
use ergodic_info::neighbors::Norm;
use ergodic_info::{Estimator, Inference, InfoError, Pair, Points, Sample, Triple};
use ergodic_math::rng;
use ergodic_math::special::{digamma, ln_gamma, trigamma};

fn normals(n: usize, seed: u64) -> Vec<f64> {
    let mut values = vec![0.0; n];
    rng::fill_normal(&mut rng::stream(seed, 0), &mut values);
    values
}

fn uniforms(n: usize, seed: u64) -> Vec<f64> {
    let mut values = vec![0.0; n];
    rng::fill_uniform(&mut rng::stream(seed, 1), &mut values);
    values
}

fn points(values: Vec<f64>, dim: usize) -> Points {
    Points::new(values, dim).unwrap()
}

fn rounded(values: Vec<f64>, steps: f64) -> Vec<f64> {
    values.iter().map(|x| (x * steps).round() / steps).collect()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

#[track_caller]
fn close(found: f64, truth: f64, tolerance: f64) {
    assert!(
        (found - truth).abs() <= tolerance,
        "{found}, but {truth} ± {tolerance}"
    );
}

/// The largest or the Euclidean difference of two rows.
fn distance(a: &[f64], b: &[f64], norm: Norm) -> f64 {
    let pairs = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    match norm {
        Norm::Maximum => pairs.fold(0.0, f64::max),
        Norm::Euclidean => pairs.map(|x| x * x).sum::<f64>().sqrt(),
    }
}

/// The distances of a row to the other rows, in their order.
fn to_others(p: &Points, row: usize, norm: Norm) -> Vec<(usize, f64)> {
    (0..p.len())
        .filter(|j| *j != row)
        .map(|j| (j, distance(p.row(row), p.row(j), norm)))
        .collect()
}

fn kth(mut distances: Vec<f64>, k: usize) -> f64 {
    distances.sort_unstable_by(f64::total_cmp);
    distances[k - 1]
}

/// Two normals of correlation `rho`, by coordinates; and the true local information of each pair.
fn correlated(n: usize, d: usize, rho: f64, seed: u64) -> (Pair<Points>, Vec<f64>) {
    let x = normals(n * d, 2 * seed);
    let noise = normals(n * d, 2 * seed + 1);
    let s = (1.0 - rho * rho).sqrt();
    let y: Vec<f64> = x.iter().zip(&noise).map(|(x, e)| rho * x + s * e).collect();
    let local = |i: usize| {
        let sum: f64 = (i * d..(i + 1) * d)
            .map(|j| 0.5 * (y[j] * y[j] - noise[j] * noise[j]) - s.ln())
            .sum();
        sum
    };
    let locals = (0..n).map(local).collect();
    (Pair::new(points(x, d), points(y, d)).unwrap(), locals)
}

fn argument(error: InfoError) -> &'static str {
    match error {
        InfoError::Argument(error) => error.argument,
        other => panic!("{other}"),
    }
}

// ---- Entropy -------------------------------------------------------------------------------

#[test]
fn kozachenko_leonenko_is_its_formula_on_all_pairs() {
    for d in [1, 2, 3, 6] {
        for norm in [Norm::Maximum, Norm::Euclidean] {
            let (n, k) = (60, 3);
            let p = points(normals(n * d, 1), d);
            let half = 0.5 * d as f64;
            let log_ball = match norm {
                Norm::Maximum => d as f64 * LN_2,
                Norm::Euclidean => half * PI.ln() - ln_gamma(half + 1.0),
            };
            let logs: Vec<f64> = (0..n)
                .map(|i| kth(to_others(&p, i, norm).iter().map(|x| x.1).collect(), k).ln())
                .collect();
            let truth = digamma(60.0) - digamma(3.0) + log_ball + d as f64 * mean(&logs);
            let estimator = KozachenkoLeonenko::new().neighbors(k).norm(norm);
            close(estimator.value(&p).unwrap(), truth, 1e-12);
        }
    }
}

#[test]
fn kozachenko_leonenko_of_a_ladder_is_exact() {
    // All nearest neighbours are at distance 1.
    let ladder: Vec<f64> = (0..1000).map(f64::from).collect();
    let h = KozachenkoLeonenko::new().neighbors(1);
    let found = h.value(&points(ladder, 1)).unwrap();
    close(found, digamma(1000.0) - digamma(1.0) + LN_2, 1e-12);
}

#[test]
fn entropies_change_by_the_log_of_the_scale() {
    for d in [1, 2, 5] {
        let x = normals(500 * d, 2);
        let scaled: Vec<f64> = x.iter().map(|x| 8.0 * x).collect();
        let (x, scaled) = (points(x, d), points(scaled, d));
        let shift = d as f64 * 8f64.ln();
        let estimators: [&dyn Estimator<Points>; 5] = [
            &KozachenkoLeonenko::new(),
            &KozachenkoLeonenko::new().norm(Norm::Maximum),
            &KozachenkoLeonenko::new().scaling(Scaling::Standard),
            &WeightedNeighbors::new(12),
            &KernelDensity::new(),
        ];
        for h in estimators {
            let (before, after) = (h.value(&x).unwrap(), h.value(&scaled).unwrap());
            close(after - before, shift, 1e-11);
        }
    }
}

#[test]
fn standard_scaling_makes_entropy_equivariant_by_coordinate() {
    let x = normals(1000, 3);
    let scaled: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| if i % 2 == 0 { 1024.0 * x } else { *x })
        .collect();
    let h = KozachenkoLeonenko::new().scaling(Scaling::Standard);
    let before = h.value(&points(x, 2)).unwrap();
    close(
        h.value(&points(scaled, 2)).unwrap(),
        before + 1024f64.ln(),
        1e-11,
    );
}

#[test]
fn entropies_of_normals_are_right() {
    let n = 20_000;
    // Bias of order (k/N)^{2/d}.
    for (d, allowance) in [(1, 0.002), (2, 0.01), (3, 0.03)] {
        let truth = 0.5 * d as f64 * (2.0 * PI * E).ln();
        let p = points(normals(n * d, 4), d);
        for norm in [Norm::Maximum, Norm::Euclidean] {
            let k = 4;
            let variance = 0.5 * d as f64 + 1.8 * trigamma(k as f64);
            let h = KozachenkoLeonenko::new().neighbors(k).norm(norm);
            let tolerance = 5.5 * (variance / n as f64).sqrt() + allowance;
            close(h.value(&p).unwrap(), truth, tolerance);
        }
    }
}

#[test]
fn entropy_of_the_uniform_law_is_right() {
    let n = 20_000;
    let values: Vec<f64> = uniforms(n, 5).iter().map(|u| 3.0 * u).collect();
    let found = KozachenkoLeonenko::new().value(&points(values, 1)).unwrap();
    close(
        found,
        3f64.ln(),
        5.5 * (1.8 * trigamma(4.0) / n as f64).sqrt() + 0.002,
    );
}

#[test]
fn coincident_points_are_named_or_get_noise() {
    let mut values = normals(200, 6);
    for i in [10, 50, 51, 52, 199] {
        values[i] = 0.25;
    }
    let p = points(values, 1);
    let h = KozachenkoLeonenko::new().neighbors(4);
    let error = h.value(&p).unwrap_err();
    assert!(error.to_string().contains("row 10"), "{error}");
    assert!(error.to_string().contains("4 others"), "{error}");
    // Four coincident points have no fourth neighbour among them.
    assert!(h.neighbors(5).value(&p).is_ok());
    let noisy = h.ties(Ties::Noise { seed: 1 });
    let value = noisy.value(&p).unwrap();
    assert!(value.is_finite());
    assert_eq!(value, noisy.value(&p).unwrap());
    assert_ne!(value, h.ties(Ties::Noise { seed: 2 }).value(&p).unwrap());
}

#[test]
fn noise_leaves_data_without_ties_as_they_are() {
    // Far from 0, where 1e-10 would be lost in rounding without centring.
    let values: Vec<f64> = normals(500, 6).iter().map(|x| x + 1e6).collect();
    let p = points(values, 1);
    let h = KozachenkoLeonenko::new();
    let noisy = h.ties(Ties::Noise { seed: 1 }).value(&p).unwrap();
    close(noisy, h.value(&p).unwrap(), 1e-6);
}

#[test]
fn weights_cancel_what_they_should() {
    for (d, k) in [(4, 10), (5, 40), (8, 30), (12, 100), (16, 200)] {
        let w = WeightedNeighbors::new(k).weights(d).unwrap();
        assert_eq!(w.len(), k);
        close(w.iter().sum(), 1.0, 1e-10);
        for l in 1..=d / 4 {
            let power = 2.0 * l as f64 / d as f64;
            let ratio = |j: usize| (ln_gamma(j as f64 + power) - ln_gamma(j as f64)).exp();
            let sum: f64 = (1..=k).map(|j| w[j - 1] * ratio(j)).sum();
            let size: f64 = (1..=k).map(|j| (w[j - 1] * ratio(j)).abs()).sum();
            close(sum, 0.0, 1e-9 * size);
        }
        assert!((1..=k).all(|j| w[j - 1] == 0.0 || (1..=d).any(|i| i * k / d == j)));
    }
    assert_eq!(
        argument(WeightedNeighbors::new(4).weights(5).unwrap_err()),
        "neighbors"
    );
    assert_eq!(
        argument(WeightedNeighbors::new(4).weights(0).unwrap_err()),
        "dim"
    );
}

#[test]
fn weighted_neighbors_below_four_dimensions_are_kozachenko_leonenko() {
    let p = points(normals(900, 7), 3);
    let plain = KozachenkoLeonenko::new().neighbors(6).value(&p).unwrap();
    close(WeightedNeighbors::new(6).value(&p).unwrap(), plain, 1e-12);
}

#[test]
fn weights_take_the_leading_bias_away() {
    let (n, d) = (20_000, 5);
    let p = points(normals(n * d, 8), d);
    // The mean of −log p over the same points, from which only the noise of the neighbours, c/N with
    // c < 0.2 for twenty and more, sets the estimates apart: 5.5 sd are 0.017.
    let squares: f64 = p.as_slice().iter().map(|x| x * x).sum();
    let truth = 2.5 * (2.0 * PI).ln() + 0.5 * squares / n as f64;
    let k = 20;
    let plain = KozachenkoLeonenko::new().neighbors(k).value(&p).unwrap() - truth;
    let weighted = WeightedNeighbors::new(k).value(&p).unwrap() - truth;
    assert!(plain.abs() > 0.035, "{plain}");
    assert!(weighted.abs() < 0.5 * plain.abs(), "{weighted}, {plain}");
}

#[test]
fn kernel_density_is_its_formula_on_all_pairs() {
    let (n, d, h) = (40, 2, 0.7);
    let p = points(normals(n * d, 9), d);
    let logs: Vec<f64> = (0..n)
        .map(|i| {
            let sum: f64 = to_others(&p, i, Norm::Euclidean)
                .iter()
                .map(|(_, r)| (-r * r / (2.0 * h * h)).exp() / (2.0 * PI * h * h))
                .sum();
            -(sum / (n - 1) as f64).ln()
        })
        .collect();
    let estimator = KernelDensity::new().bandwidth(Bandwidth::Fixed(h));
    close(estimator.value(&p).unwrap(), mean(&logs), 1e-12);
    // Points hundreds of widths apart underflow in the formula, not in the estimate.
    let far = points(vec![0.0, 1000.0], 1);
    let narrow = KernelDensity::new().bandwidth(Bandwidth::Fixed(1.0));
    close(
        narrow.value(&far).unwrap(),
        0.5e6 + 0.5 * (2.0 * PI).ln(),
        1e-6,
    );
}

#[test]
fn kernel_density_of_normals_is_right() {
    let n = 4000;
    for d in [1, 2] {
        let p = points(normals(n * d, 10), d);
        let truth = 0.5 * d as f64 * (2.0 * PI * E).ln();
        let tolerance = 5.5 * (0.6 * d as f64 / n as f64).sqrt() + 0.03;
        close(KernelDensity::new().value(&p).unwrap(), truth, tolerance);
    }
}

#[test]
fn cross_validated_width_is_a_minimum() {
    // Two narrow modes, where Silverman's width is far too wide.
    let mut values = normals(300, 11);
    for (i, x) in values.iter_mut().enumerate() {
        *x = 0.1 * *x + f64::from(i32::from(i % 2 == 0));
    }
    let p = points(values, 1);
    let score = |h: f64| {
        let (mut squared, mut crossed) = (0.0, 0.0);
        for i in 0..300 {
            for j in 0..300 {
                let s = (p.row(i)[0] - p.row(j)[0]) / h;
                squared += (-0.25 * s * s).exp() / (4.0 * PI).sqrt();
                if i != j {
                    crossed += (-0.5 * s * s).exp() / (2.0 * PI).sqrt();
                }
            }
        }
        squared / (300.0 * 300.0 * h) - 2.0 * crossed / (300.0 * 299.0 * h)
    };
    let found = KernelDensity::new().bandwidth(Bandwidth::LeastSquares);
    let h = found.widths(&p).unwrap()[0];
    assert!(h < 0.3 * KernelDensity::new().widths(&p).unwrap()[0]);
    assert!(score(h) < score(1.05 * h) && score(h) < score(0.95 * h));
}

#[test]
fn kernel_density_refuses_what_has_no_density() {
    let k = KernelDensity::new();
    assert_eq!(
        argument(k.value(&points(vec![1.0], 1)).unwrap_err()),
        "points"
    );
    let constant = points(vec![1.0, 2.0, 2.0, 2.0, 0.0, 2.0], 2);
    let error = k.value(&constant).unwrap_err();
    assert!(error.to_string().contains("column 1"), "{error}");
    let p = points(normals(50, 12), 1);
    for h in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = k.bandwidth(Bandwidth::Fixed(h)).value(&p).unwrap_err();
        assert_eq!(argument(error), "bandwidth");
    }
    assert!(k.bandwidth(Bandwidth::Fixed(1e-320)).value(&p).is_err());
    let ties = points(rounded(normals(400, 13), 2.0), 1);
    let error = k
        .bandwidth(Bandwidth::LeastSquares)
        .value(&ties)
        .unwrap_err();
    assert_eq!(argument(error), "bandwidth");
}

// ---- Mutual information ----------------------------------------------------------------------

/// Formulas of the estimators with counts on all pairs.
fn ksg_by_hand(pair: &Pair<Points>, k: usize, algorithm: KsgAlgorithm) -> f64 {
    let n = pair.len();
    let (x, y) = (pair.x(), pair.y());
    let locals: Vec<f64> = (0..n)
        .map(|i| {
            let dx = to_others(x, i, Norm::Maximum);
            let dy = to_others(y, i, Norm::Maximum);
            let joint: Vec<f64> = dx.iter().zip(&dy).map(|(a, b)| a.1.max(b.1)).collect();
            let radius = kth(joint.clone(), k);
            let count = |d: &[(usize, f64)], within: &dyn Fn(f64) -> bool| {
                d.iter().filter(|d| within(d.1)).count() as f64
            };
            match algorithm {
                KsgAlgorithm::One => {
                    let within = |d: f64| d < radius;
                    digamma(k as f64) + digamma(n as f64)
                        - digamma(count(&dx, &within) + 1.0)
                        - digamma(count(&dy, &within) + 1.0)
                }
                KsgAlgorithm::Two => {
                    let side = |d: &[(usize, f64)]| {
                        let near = d.iter().zip(&joint).filter(|(_, joint)| **joint <= radius);
                        near.map(|(d, _)| d.1).fold(0.0, f64::max)
                    };
                    let (a, b) = (side(&dx), side(&dy));
                    digamma(k as f64) - 1.0 / k as f64 + digamma(n as f64)
                        - digamma(count(&dx, &|d| d <= a))
                        - digamma(count(&dy, &|d| d <= b))
                }
            }
        })
        .collect();
    mean(&locals)
}

#[test]
fn ksg_is_its_formula_on_all_pairs() {
    for (dx, dy) in [(1, 1), (2, 1), (1, 3), (4, 3)] {
        for steps in [f64::INFINITY, 20.0] {
            let make = |d: usize, seed| {
                let values = normals(90 * d, seed);
                points(
                    if steps.is_finite() {
                        rounded(values, steps)
                    } else {
                        values
                    },
                    d,
                )
            };
            let pair = Pair::new(make(dx, 14), make(dy, 15)).unwrap();
            for algorithm in [KsgAlgorithm::One, KsgAlgorithm::Two] {
                for k in [1, 3, 7] {
                    let found = Ksg::new().neighbors(k).algorithm(algorithm).value(&pair);
                    match found {
                        Ok(found) => close(found, ksg_by_hand(&pair, k, algorithm), 1e-12),
                        // Rounded pairs that coincide have no density.
                        Err(error) => assert!(steps.is_finite() && dx + dy == 2, "{error}"),
                    }
                }
            }
        }
    }
}

#[test]
fn ksg_is_symmetric_and_blind_to_the_order_of_rows() {
    let (pair, _) = correlated(500, 2, 0.7, 16);
    let swapped = Pair::new(pair.y().clone(), pair.x().clone()).unwrap();
    let shuffled = pair.shuffled(&mut rng::stream(1, 0));
    for algorithm in [KsgAlgorithm::One, KsgAlgorithm::Two] {
        let ksg = Ksg::new().algorithm(algorithm);
        let value = ksg.value(&pair).unwrap();
        close(ksg.value(&swapped).unwrap(), value, 1e-13);
        close(ksg.value(&shuffled).unwrap(), value, 1e-13);
    }
}

#[test]
fn scalings_make_information_invariant() {
    let (pair, _) = correlated(400, 1, 0.7, 17);
    let map = |p: &Points, f: &dyn Fn(f64) -> f64| {
        points(p.as_slice().iter().map(|x| f(*x)).collect(), 1)
    };
    let linear = Pair::new(map(pair.x(), &|x| 64.0 * x), map(pair.y(), &|y| -0.5 * y)).unwrap();
    let monotone = Pair::new(map(pair.x(), &f64::exp), map(pair.y(), &|y| y * y * y)).unwrap();
    let standard = Ksg::new().scaling(Scaling::Standard);
    assert_eq!(
        standard.value(&pair).unwrap(),
        standard.value(&linear).unwrap()
    );
    let ranks = Ksg::new()
        .scaling(Scaling::Ranks)
        .ties(Ties::Noise { seed: 3 });
    assert_eq!(ranks.value(&pair).unwrap(), ranks.value(&monotone).unwrap());
    assert_ne!(
        Ksg::new().value(&pair).unwrap(),
        Ksg::new().value(&linear).unwrap()
    );
}

/// The mean over data sets of the estimate minus the mean true local information of the same data,
/// from which the variance of the data is gone; what is left per point is at most `noise`.
fn mean_error(
    estimator: &dyn Estimator<Pair<Points>>,
    (n, d, rho): (usize, usize, f64),
    seeds: u64,
    noise: f64,
) -> (f64, f64) {
    let errors: Vec<f64> = (0..seeds)
        .map(|seed| {
            let (pair, locals) = correlated(n, d, rho, 100 + seed);
            estimator.value(&pair).unwrap() - mean(&locals)
        })
        .collect();
    let tolerance = 5.5 * (noise / (n as f64 * seeds as f64)).sqrt();
    (mean(&errors), tolerance)
}

#[test]
fn ksg_of_correlated_normals_is_right() {
    for algorithm in [KsgAlgorithm::One, KsgAlgorithm::Two] {
        let ksg = Ksg::new().algorithm(algorithm);
        for rho in [0.0, 0.5, 0.9] {
            let (error, tolerance) = mean_error(&ksg, (2000, 1, rho), 20, 0.8);
            close(error, 0.0, tolerance + 0.008);
        }
        let (error, tolerance) = mean_error(&ksg, (2000, 2, 0.0), 20, 0.8);
        close(error, 0.0, tolerance + 0.005);
    }
}

#[test]
fn both_algorithms_of_ksg_are_within_the_oracle_on_the_same_pairs() {
    let (pair, locals) = correlated(10_000, 1, 0.9, 18);
    for algorithm in [KsgAlgorithm::One, KsgAlgorithm::Two] {
        let found = Ksg::new().algorithm(algorithm).value(&pair).unwrap();
        // Noise of at most 0.8 per point: 5.5 sd are 0.049. The bug of one side for both marginals
        // would be off by 0.35.
        close(found, mean(&locals), 0.05);
    }
}

#[test]
fn information_with_a_constant_is_zero() {
    let x = points(normals(100, 19), 1);
    let one = points(vec![1.0; 200], 2);
    let ask = Inference::new();
    for pair in [
        Pair::new(x.clone(), one.clone()).unwrap(),
        Pair::new(one.clone(), x.clone()).unwrap(),
    ] {
        for estimate in [
            Ksg::new().estimate(&pair, &ask).unwrap(),
            Ksg::new()
                .ties(Ties::Noise { seed: 1 })
                .estimate(&pair, &ask)
                .unwrap(),
            MixedNeighbors::new().estimate(&pair, &ask).unwrap(),
        ] {
            assert_eq!((estimate.value, estimate.std_err), (0.0, 0.0));
            assert_eq!(estimate.bias, Bias::Bounded(0.0));
        }
    }
    let triple = Triple::new(one, x.clone(), x).unwrap();
    let estimate = FrenzelPompe::new().estimate(&triple, &ask).unwrap();
    assert_eq!((estimate.value, estimate.std_err), (0.0, 0.0));
}

#[test]
fn neighbors_must_be_fewer_than_points() {
    let (pair, _) = correlated(10, 1, 0.5, 20);
    let triple = Triple::new(pair.x().clone(), pair.y().clone(), pair.x().clone()).unwrap();
    let both = TwoSamples::new(pair.x().clone(), pair.y().clone()).unwrap();
    for k in [0, 10] {
        let errors = [
            Ksg::new().neighbors(k).value(&pair).unwrap_err(),
            MixedNeighbors::new().neighbors(k).value(&pair).unwrap_err(),
            FrenzelPompe::new().neighbors(k).value(&triple).unwrap_err(),
            KozachenkoLeonenko::new()
                .neighbors(k)
                .value(pair.x())
                .unwrap_err(),
            WeightedNeighbors::new(k).value(pair.x()).unwrap_err(),
            KullbackLeiblerNeighbors::new()
                .neighbors(k)
                .value(&both)
                .unwrap_err(),
        ];
        for error in errors {
            assert_eq!(argument(error), "neighbors");
        }
    }
    let few = TwoSamples::new(pair.x().clone(), points(vec![0.0; 2], 1)).unwrap();
    let error = KullbackLeiblerNeighbors::new().value(&few).unwrap_err();
    assert_eq!(argument(error), "neighbors");
}

#[test]
fn pairs_that_coincide_are_named() {
    let (pair, _) = correlated(50, 1, 0.5, 21);
    let rows: Vec<usize> = (0..50).chain([7, 7, 7]).collect();
    let pair = pair.select(&rows);
    for algorithm in [KsgAlgorithm::One, KsgAlgorithm::Two] {
        let error = Ksg::new().algorithm(algorithm).value(&pair).unwrap_err();
        assert!(error.to_string().contains("row 7"), "{error}");
    }
    assert!(MixedNeighbors::new().value(&pair).unwrap().is_finite());
    let noisy = Ksg::new().ties(Ties::Noise { seed: 1 });
    assert!(noisy.value(&pair).unwrap().is_finite());
    let triple = Triple::new(pair.x().clone(), pair.y().clone(), pair.x().clone()).unwrap();
    let error = FrenzelPompe::new().neighbors(3).value(&triple).unwrap_err();
    assert!(error.to_string().contains("row 7"), "{error}");
}

#[test]
fn what_overflows_is_an_error() {
    let huge = points(vec![-1.7e308, 1.7e308, 0.0, 1.0], 1);
    let small = points(vec![0.0, 1.0, 2.0, 3.0], 1);
    let h = KozachenkoLeonenko::new().neighbors(3).norm(Norm::Maximum);
    assert_eq!(argument(h.value(&huge).unwrap_err()), "points");
    let pair = Pair::new(huge.clone(), small.clone()).unwrap();
    assert_eq!(argument(Ksg::new().value(&pair).unwrap_err()), "pair");
    let mixed = MixedNeighbors::new().neighbors(3);
    assert_eq!(argument(mixed.value(&pair).unwrap_err()), "pair");
    let standard = Ksg::new().scaling(Scaling::Standard);
    assert_eq!(argument(standard.value(&pair).unwrap_err()), "points");
    assert!(KernelDensity::new().value(&huge).is_err());
    let ranks = KozachenkoLeonenko::new().scaling(Scaling::Ranks);
    assert_eq!(argument(ranks.value(&small).unwrap_err()), "scaling");
}

#[test]
fn mixed_neighbors_are_their_formula_on_all_pairs() {
    for steps in [1.0, 4.0, 1e9] {
        let (pair, _) = correlated(90, 1, 0.6, 22);
        let round = |p: &Points| points(rounded(p.as_slice().to_vec(), steps), 1);
        let pair = Pair::new(round(pair.x()), round(pair.y())).unwrap();
        let locals: Vec<f64> = (0..90)
            .map(|i| {
                let dx: Vec<f64> = to_others(pair.x(), i, Norm::Maximum)
                    .iter()
                    .map(|d| d.1)
                    .collect();
                let dy: Vec<f64> = to_others(pair.y(), i, Norm::Maximum)
                    .iter()
                    .map(|d| d.1)
                    .collect();
                let joint: Vec<f64> = dx.iter().zip(&dy).map(|(a, b)| a.max(*b)).collect();
                let radius = kth(joint.clone(), 5);
                let within = joint.iter().filter(|d| **d <= radius).count();
                // The edge counts where several points are on it.
                let single = within == 5 && radius > 0.0;
                let count = |d: &[f64]| {
                    let near = |d: &&f64| **d < radius || (!single && **d == radius);
                    digamma(d.iter().filter(near).count() as f64 + 1.0)
                };
                let of_joint = digamma((within + usize::from(!single)) as f64);
                of_joint + digamma(90.0) - count(&dx) - count(&dy)
            })
            .collect();
        close(
            MixedNeighbors::new().value(&pair).unwrap(),
            mean(&locals),
            1e-12,
        );
    }
}

#[test]
fn mixed_neighbors_are_right_on_mixtures() {
    let n = 8000;
    let mixed = MixedNeighbors::new().neighbors(20);
    // X uniform on 0, …, 4 and Y uniform on [X, X + 2]: log 5 − (4/5) log 2 (Gao et al., §5). The
    // bias of the logarithms is O(1/k).
    let u = uniforms(2 * n, 23);
    let x: Vec<f64> = u[..n].iter().map(|u| (5.0 * u).floor()).collect();
    let y: Vec<f64> = x.iter().zip(&u[n..]).map(|(x, u)| x + 2.0 * u).collect();
    let pair = Pair::new(points(x, 1), points(y, 1)).unwrap();
    let tolerance = 5.5 * (1.0 / n as f64).sqrt();
    close(
        mixed.value(&pair).unwrap(),
        5f64.ln() - 0.8 * LN_2,
        tolerance + 0.05,
    );
    // Both are 0 half of the time, else correlated normals far from 0: H(coin) + ½ I.
    let (normal, _) = correlated(n, 1, 0.9, 24);
    let coin: Vec<f64> = uniforms(n, 25)
        .iter()
        .map(|u| f64::from(i32::from(*u < 0.5)))
        .collect();
    let inflate = |p: &Points| {
        points(
            p.as_slice()
                .iter()
                .zip(&coin)
                .map(|(x, c)| (x + 8.0) * c)
                .collect(),
            1,
        )
    };
    let pair = Pair::new(inflate(normal.x()), inflate(normal.y())).unwrap();
    let truth = LN_2 - 0.25 * (1.0f64 - 0.81).ln();
    close(mixed.value(&pair).unwrap(), truth, tolerance + 0.05);
    // Independent dice: 0 up to (6 − 1)²/2N.
    let dice = |seed| {
        points(
            uniforms(n, seed)
                .iter()
                .map(|u| (6.0 * u).floor())
                .collect(),
            1,
        )
    };
    let pair = Pair::new(dice(26), dice(27)).unwrap();
    close(mixed.value(&pair).unwrap(), 0.0, 0.01);
}

#[test]
fn frenzel_pompe_is_its_formula_on_all_pairs() {
    for (dx, dy, dz) in [(1, 1, 1), (2, 1, 3)] {
        let (n, k) = (80, 4);
        let part = |d: usize, seed| points(normals(n * d, seed), d);
        let data = Triple::new(part(dx, 28), part(dy, 29), part(dz, 30)).unwrap();
        let locals: Vec<f64> = (0..n)
            .map(|i| {
                let of = |p: &Points| to_others(p, i, Norm::Maximum);
                let (x, y, z) = (of(data.x()), of(data.y()), of(data.z()));
                let joint = (0..n - 1).map(|j| x[j].1.max(y[j].1).max(z[j].1)).collect();
                let radius = kth(joint, k);
                let count = |within: &dyn Fn(usize) -> bool| {
                    digamma((0..n - 1).filter(|j| within(*j)).count() as f64 + 1.0)
                };
                digamma(k as f64)
                    - count(&|j| x[j].1.max(z[j].1) < radius)
                    - count(&|j| y[j].1.max(z[j].1) < radius)
                    + count(&|j| z[j].1 < radius)
            })
            .collect();
        let found = FrenzelPompe::new().neighbors(k).value(&data).unwrap();
        close(found, mean(&locals), 1e-12);
    }
}

#[test]
fn frenzel_pompe_of_normals_is_right() {
    let n = 2000;
    for rho in [0.0, 0.6] {
        let errors: Vec<f64> = (0..10)
            .map(|seed| {
                // X = Z + a, Y = Z + b with correlated a and b, so I(X; Y | Z) = I(a; b).
                let (noise, locals) = correlated(n, 1, rho, 200 + seed);
                let z = normals(n, 300 + seed);
                let plus = |p: &Points| {
                    points(p.as_slice().iter().zip(&z).map(|(e, z)| e + z).collect(), 1)
                };
                let data =
                    Triple::new(plus(noise.x()), plus(noise.y()), points(z.clone(), 1)).unwrap();
                FrenzelPompe::new().value(&data).unwrap() - mean(&locals)
            })
            .collect();
        // Noise of about 0.5 per point; bias toward 0.
        close(
            mean(&errors),
            0.0,
            5.5 * (0.6 / (10.0 * n as f64)).sqrt() + 0.03,
        );
    }
}

// ---- Divergences -----------------------------------------------------------------------------

fn two_normals(n: usize, m: usize, seed: u64) -> TwoSamples {
    let y: Vec<f64> = normals(m, 2 * seed + 1)
        .iter()
        .map(|y| 2.0 * y + 1.0)
        .collect();
    TwoSamples::new(points(normals(n, 2 * seed), 1), points(y, 1)).unwrap()
}

#[test]
fn divergences_are_their_formulas_on_all_pairs() {
    let (n, m, d, k) = (50, 40, 2, 3);
    let both =
        TwoSamples::new(points(normals(n * d, 31), d), points(normals(m * d, 32), d)).unwrap();
    let ratios: Vec<f64> = (0..n)
        .map(|i| {
            let own = to_others(both.first(), i, Norm::Euclidean)
                .iter()
                .map(|d| d.1)
                .collect();
            let other = (0..m)
                .map(|j| distance(both.first().row(i), both.second().row(j), Norm::Euclidean))
                .collect();
            (kth(other, k) / kth(own, k)).powi(d as i32) * m as f64 / (n - 1) as f64
        })
        .collect();
    let logs: Vec<f64> = ratios.iter().map(|r| r.ln()).collect();
    let found = KullbackLeiblerNeighbors::new()
        .neighbors(k)
        .value(&both)
        .unwrap();
    close(found, mean(&logs), 1e-12);
    for alpha in [0.5, 0.8, 2.0, 3.5] {
        let powers: Vec<f64> = ratios.iter().map(|r| r.powf(alpha - 1.0)).collect();
        let gamma = |a: f64| ln_gamma(k as f64 + a);
        let b = (2.0 * gamma(0.0) - gamma(alpha - 1.0) - gamma(1.0 - alpha)).exp();
        let truth = (b * mean(&powers)).ln() / (alpha - 1.0);
        let renyi = RenyiNeighbors::new(alpha).neighbors(k).build().unwrap();
        close(renyi.value(&both).unwrap(), truth, 1e-11);
    }
}

#[test]
fn divergences_of_normals_are_right() {
    // N(0, 1) from N(1, 4): log 2 − ¼ and the values of orders 2 and ½.
    let seeds = 20;
    let over = |estimator: &dyn Estimator<TwoSamples>| {
        let found: Vec<f64> = (0..seeds)
            .map(|seed| {
                estimator
                    .value(&two_normals(2000, 3000, 40 + seed))
                    .unwrap()
            })
            .collect();
        mean(&found)
    };
    // Per data set: Var(log p/q) = 0.34 and noise 1.8·2ψ′(4) = 1 over 2000, and Var_Q(p/q) over 3000.
    let sd = ((1.4 / 2000.0 + 1.0 / 3000.0) / seeds as f64).sqrt();
    close(
        over(&KullbackLeiblerNeighbors::new()),
        LN_2 - 0.25,
        5.5 * sd + 0.005,
    );
    close(
        over(&RenyiNeighbors::new(2.0)),
        0.5561964294493768,
        5.5 * 1.5 * sd + 0.01,
    );
    // Order ½ of N(0, 1) and N(1, 4), −2 log of the Bhattacharyya coefficient.
    let half = 0.2 / 2.0 + (2.5f64 / 2.0).ln();
    close(over(&RenyiNeighbors::new(0.5)), half, 5.5 * 1.5 * sd + 0.01);
}

#[test]
fn divergences_do_not_change_under_common_scaling() {
    let both = two_normals(300, 400, 60);
    let map = |p: &Points| points(p.as_slice().iter().map(|x| 16.0 * x).collect(), 1);
    let scaled = TwoSamples::new(map(both.first()), map(both.second())).unwrap();
    let estimators: [&dyn Estimator<TwoSamples>; 2] =
        [&KullbackLeiblerNeighbors::new(), &RenyiNeighbors::new(1.5)];
    for d in estimators {
        close(d.value(&scaled).unwrap(), d.value(&both).unwrap(), 1e-12);
    }
}

#[test]
fn divergences_refuse_what_they_cannot_answer() {
    for order in [0.0, -1.0, 1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(
            argument(RenyiNeighbors::new(order).build().unwrap_err()),
            "order"
        );
    }
    let both = two_normals(50, 50, 61);
    let error = RenyiNeighbors::new(4.5)
        .neighbors(3)
        .value(&both)
        .unwrap_err();
    assert_eq!(argument(error), "neighbors");
    let kl = KullbackLeiblerNeighbors::new();
    let repeated = TwoSamples::new(points(vec![1.0; 9], 1), both.second().clone()).unwrap();
    assert_eq!(argument(kl.value(&repeated).unwrap_err()), "first");
    let touching: Vec<f64> = std::iter::repeat_n(both.first().row(3)[0], 4)
        .chain([0.0; 9])
        .collect();
    let touching = TwoSamples::new(both.first().clone(), points(touching, 1)).unwrap();
    let error = kl.value(&touching).unwrap_err();
    assert!(
        error.to_string().contains("second") && error.to_string().contains("row 3"),
        "{error}"
    );
    assert_eq!(
        argument(kl.scaling(Scaling::Ranks).value(&both).unwrap_err()),
        "scaling"
    );
    assert!(TwoSamples::new(points(vec![0.0; 4], 2), both.second().clone()).is_err());
}

// ---- Intervals, threads ------------------------------------------------------------------------

/// How many of `runs` intervals contain the truth is not below what intervals that cover 90 % would
/// show with probability 1e-6.
#[track_caller]
fn covers(runs: u64, mut run: impl FnMut(u64) -> bool) {
    let hits = (0..runs).filter(|seed| run(1000 + seed)).count() as f64;
    let least = 0.9 * runs as f64 - 4.9 * (0.09 * runs as f64).sqrt();
    assert!(hits >= least, "{hits} of {runs}, at least {least}");
}

#[test]
fn intervals_cover_on_normals() {
    let ask = Inference::new().search_bias(false);
    let runs = 300;
    for d in [1, 2] {
        covers(runs, |seed| {
            let p = points(normals(500 * d, seed), d);
            let h = KozachenkoLeonenko::new().estimate(&p, &ask).unwrap();
            h.interval.contains(0.5 * d as f64 * (2.0 * PI * E).ln())
        });
    }
    for rho in [0.0, 0.5, 0.9] {
        for algorithm in [KsgAlgorithm::One, KsgAlgorithm::Two] {
            covers(runs, |seed| {
                let (pair, _) = correlated(500, 1, rho, seed);
                let ksg = Ksg::new().algorithm(algorithm);
                let i = ksg.estimate(&pair, &ask).unwrap();
                i.interval.contains(-0.5 * (1.0 - rho * rho).ln())
            });
        }
    }
    covers(runs, |seed| {
        let both = two_normals(500, 700, seed);
        let d = KullbackLeiblerNeighbors::new()
            .estimate(&both, &ask)
            .unwrap();
        d.interval.contains(LN_2 - 0.25)
    });
    covers(runs, |seed| {
        let both = two_normals(500, 700, seed);
        let d = RenyiNeighbors::new(2.0).estimate(&both, &ask).unwrap();
        d.interval.contains(0.5561964294493768)
    });
    covers(runs, |seed| {
        let p = points(normals(500, seed), 1);
        let h = KernelDensity::new().estimate(&p, &ask).unwrap();
        h.interval.contains(0.5 * (2.0 * PI * E).ln())
    });
}

#[test]
fn the_search_for_bias_finds_that_of_ten_dimensions() {
    let bias = |d, rho| {
        let (pair, _) = correlated(4000, d, rho, 70);
        Ksg::new().estimate(&pair, &Inference::new()).unwrap().bias
    };
    assert!(bias(5, 0.9).dominates());
    assert!(!bias(1, 0.9).dominates());
    assert!(!bias(5, 0.0).dominates());
}

#[test]
fn estimates_do_not_depend_on_threads() {
    let (pair, _) = correlated(3000, 1, 0.6, 71);
    let (wide, _) = correlated(3000, 4, 0.6, 72);
    let both = two_normals(3000, 2000, 73);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let values = pool.install(|| {
            [
                Ksg::new().value(&pair).unwrap(),
                Ksg::new()
                    .ties(Ties::Noise { seed: 1 })
                    .value(&pair)
                    .unwrap(),
                Ksg::new()
                    .algorithm(KsgAlgorithm::Two)
                    .value(&wide)
                    .unwrap(),
                MixedNeighbors::new().value(&wide).unwrap(),
                KozachenkoLeonenko::new().value(wide.x()).unwrap(),
                KullbackLeiblerNeighbors::new().value(&both).unwrap(),
                KernelDensity::new().value(pair.x()).unwrap(),
            ]
        });
        values.map(f64::to_bits)
    };
    let one = run(1);
    assert!(one == run(2) && one == run(5));
}
