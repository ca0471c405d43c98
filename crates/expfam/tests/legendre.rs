//! Conjugate pairs and Bregman geometry against their identities.

use ergodic_expfam::families::*;
use ergodic_expfam::legendre::*;
use ergodic_info::{Bregman, Divergence};
use ergodic_info::{
    Convex, InfoError, KullbackLeibler, LogSumExp, NegativeEntropy, NegativeLogarithm,
    Probabilities, SquaredNorm,
};
use nalgebra::DMatrix;
use proptest::prelude::*;

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
        "{found:e} is not {expected:e}"
    );
}

/// What a pair of conjugates owes at points inside the domain.
fn is_a_pair<F: Legendre>(function: &F, x: &[f64], other: &[f64])
where
    F::Conjugate: Legendre,
{
    let n = x.len();
    let name = std::any::type_name::<F>();
    let conjugate = function.conjugate();
    let mut y = vec![0.0; n];
    function.gradient(x, &mut y);
    // Fenchel and Young with equality at the gradient, and the inverse of the gradient.
    let dot: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
    close(function.value(x) + conjugate.value(&y), dot, 1e-12);
    let mut back = vec![0.0; n];
    conjugate.gradient(&y, &mut back);
    // Conjugates of functions that do not see constants bring back the point up to one.
    let shift = if name.contains("LogSumExp") {
        back[0] - x[0]
    } else {
        0.0
    };
    for (b, x) in back.iter().zip(x) {
        assert!(
            (b - shift - x).abs() < 1e-10 * (1.0 + x.abs()),
            "{name}: {b} {x}"
        );
    }
    // ∇²F against differences of the gradient, and ∇²F ∇²F* = 1.
    let (mut h, mut k) = (vec![0.0; n * n], vec![0.0; n * n]);
    function.hessian(x, &mut h);
    for j in 0..n {
        let step = 1e-5 * x[j].abs().max(0.01);
        let at = |step: f64| {
            let mut moved = x.to_vec();
            moved[j] += step;
            let mut g = vec![0.0; n];
            function.gradient(&moved, &mut g);
            g
        };
        let (up, down) = (at(step), at(-step));
        for i in 0..n {
            close((up[i] - down[i]) / (2.0 * step), h[i * n + j], 1e-6);
        }
    }
    conjugate.hessian(&y, &mut k);
    let product = DMatrix::from_row_slice(n, n, &h) * DMatrix::from_row_slice(n, n, &k);
    if !name.contains("LogSumExp") && !name.contains("Simplex") {
        assert!((product - DMatrix::identity(n, n)).amax() < 1e-6, "{name}");
    }
    let (v, mut scaled) = (
        (0..n).map(|i| 0.3 - i as f64).collect::<Vec<_>>(),
        vec![0.0; n],
    );
    function.scaled_hessian_product(x, &v, &mut scaled);
    for i in 0..n {
        let row: f64 = (0..n).map(|j| h[i * n + j] * v[j]).sum();
        close(scaled[i], x[i] * row, 1e-12);
    }
    // D_F(x‖y) = D_{F*}(∇F(y)‖∇F(x)).
    let (primal, dual) = dual_divergences(function, x, other).unwrap();
    close(primal, dual, 1e-10);
    assert!(primal > 0.0, "{name}");
    // The biconjugate is the function.
    close(conjugate.conjugate().value(x), function.value(x), 1e-11);
    // The loss is a divergence, 0 at the gradient, and at least 0 elsewhere.
    assert!(
        fenchel_young_loss(function, x, &y).unwrap().abs() < 1e-11,
        "{name}"
    );
    let mut z = vec![0.0; n];
    function.gradient(other, &mut z);
    let loss = fenchel_young_loss(function, x, &z).unwrap();
    close(loss, primal, 1e-10);
}

#[test]
fn named_pairs_are_conjugate() {
    let (x, y) = ([0.3, 1.7, 0.9], [1.1, 0.2, 0.8]);
    is_a_pair(&SquaredNorm, &x, &y);
    is_a_pair(&Scaled::new(3.0, SquaredNorm).unwrap(), &x, &y);
    is_a_pair(&NegativeEntropy, &x, &y);
    is_a_pair(&SumOfExponentials, &x, &y);
    is_a_pair(&NegativeLogarithm, &x, &y);
    is_a_pair(&NegativeLogarithmConjugate, &[-0.3, -1.7], &[-1.0, -2.0]);
    is_a_pair(&LogSumExp, &x, &y);
    is_a_pair(&SimplexEntropy, &[0.2, 0.5, 0.3], &[0.6, 0.1, 0.3]);
    is_a_pair(&SoftPlus, &[0.3, -1.7, 4.0], &y);
    is_a_pair(&BinaryEntropy, &[0.3, 0.9], &[0.5, 0.01]);
    for p in [1.3, 2.0, 4.0] {
        is_a_pair(&PowerSum::new(p).unwrap(), &[0.3, -1.7, 0.9], &y);
    }
    let q = DMatrix::from_row_slice(3, 3, &[2.0, 0.3, 0.1, 0.3, 1.0, -0.2, 0.1, -0.2, 0.7]);
    is_a_pair(&Quadratic::new(q).unwrap(), &x, &y);
}

#[test]
fn log_partitions_of_families_are_conjugate_to_negative_entropies() {
    is_a_pair(&LogPartition::new(Normal), &[0.5, -0.3], &[-1.0, -2.0]);
    is_a_pair(&LogPartition::new(Gamma), &[1.5, -0.7], &[0.2, -2.0]);
    is_a_pair(&LogPartition::new(Poisson), &[0.7], &[-1.0]);
    is_a_pair(&MeanConjugate::new(Gamma), &[0.1, 2.0], &[0.4, 1.7]);
    is_a_pair(
        &LogPartition::new(Categorical::new(4).unwrap()),
        &[0.1, -1.0, 2.0],
        &[0.0; 3],
    );
    // KL, two ways.
    let a = LogPartition::new(Normal);
    let (p, q) = (
        Normal::natural(0.0, 1.0).unwrap(),
        Normal::natural(1.0, 4.0).unwrap(),
    );
    let d = Bregman::new(a).between(&q, &p).unwrap();
    close(d, 0.4431471805599453, 1e-15);
}

#[test]
fn numeric_conjugates_agree_with_closed_forms() {
    for y in [[0.5, -1.0], [3.0, 2.0], [-20.0, 0.0]] {
        let numeric = NumericConjugate::new(NegativeEntropy, [1.0, 1.0]).unwrap();
        let at = numeric.solve(&y).unwrap();
        close(at.value, SumOfExponentials.value(&y), 1e-13);
        assert!(at.residual < 1e-12, "{at:?}");
        let numeric = NumericConjugate::new(SoftPlus, [0.0, 0.0]).unwrap();
        // Slopes of SoftPlus are between 0 and 1.
        assert!(matches!(
            numeric.solve(&y),
            Err(InfoError::NotConverged { .. })
        ));
        assert!(!numeric.contains(&y));
        assert_eq!(numeric.value(&y), f64::INFINITY);
    }
    let numeric = NumericConjugate::new(SoftPlus, [0.0, 0.0]).unwrap();
    for p in [[0.5, 0.1], [0.999999, 1e-6], [1e-9, 0.3]] {
        close(
            numeric.solve(&p).unwrap().value,
            BinaryEntropy.value(&p),
            1e-12,
        );
    }
    let numeric = NumericConjugate::new(NegativeLogarithm, [1.0]).unwrap();
    for y in [-1e-6, -1.0, -1e6] {
        close(
            numeric.solve(&[y]).unwrap().value,
            NegativeLogarithmConjugate.value(&[y]),
            1e-12,
        );
    }
    let twice = NumericConjugate::new(
        NumericConjugate::new(SoftPlus, [0.0, 0.0]).unwrap(),
        [0.4, 0.4],
    )
    .unwrap();
    is_a_pair(&twice, &[0.3, 1.0], &[-0.5, 2.0]);
    // A function without its own Hessian.
    struct Quartic;
    impl Convex for Quartic {
        fn value(&self, x: &[f64]) -> f64 {
            x.iter().map(|x| x * x * x * x / 4.0 + 0.5 * x * x).sum()
        }
        fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
            for (g, x) in gradient.iter_mut().zip(x) {
                *g = x * x * x + x;
            }
        }
    }
    impl Smooth for Quartic {}
    let numeric = NumericConjugate::new(Quartic, [0.3]).unwrap();
    // At x = 2 the slope is 10: 20 − 6 = 14.
    let at = numeric.solve(&[10.0]).unwrap();
    close(at.value, 14.0, 1e-14);
    close(at.argument[0], 2.0, 1e-13);
}

#[test]
fn centroids_minimise_and_their_values_are_jensen_gaps() {
    let points: [&[f64]; 3] = [&[0.5, 2.0], &[1.5, 0.2], &[3.0, 1.0]];
    let w = [0.2, 0.5, 0.3];
    let (mean, value) = right_centroid(&NegativeEntropy, &points, &w).unwrap();
    let gap: f64 = points
        .iter()
        .zip(w)
        .map(|(x, w)| w * NegativeEntropy.value(x))
        .sum::<f64>()
        - NegativeEntropy.value(&mean);
    close(value, gap, 1e-14);
    let (centre, best) = left_centroid(&NegativeEntropy, &points, &w).unwrap();
    let cost = |y: &[f64]| -> f64 {
        points
            .iter()
            .zip(w)
            .map(|(x, w)| w * NegativeEntropy.divergence(y, x))
            .sum()
    };
    close(best, cost(&centre), 1e-15);
    close(
        centre[0],
        (0.2 * 0.5f64.ln() + 0.5 * 1.5f64.ln() + 0.3 * 3f64.ln()).exp(),
        1e-14,
    );
    for k in 0..2 {
        for h in [-1e-3, 1e-3] {
            let mut moved = centre.clone();
            moved[k] += h;
            assert!(cost(&moved) > best);
        }
    }
    // Of a log-partition: the M-projection of the mixture and the e-mixture of members.
    let a = LogPartition::new(Poisson);
    let (theta, _) = left_centroid(&a, &[&[0.0], &[1.0]], &[0.5, 0.5]).unwrap();
    close(theta[0], (0.5 * (1.0 + 1f64.exp())).ln(), 1e-14);
}

#[test]
fn bregman_projections_obey_pythagoras_and_the_dual_certificate() {
    let matrix = DMatrix::from_row_slice(2, 3, &[1.0, 1.0, 1.0, 0.0, 1.0, 2.0]);
    let from = [0.2, 0.5, 0.9];
    let right = [1.0, 1.3];
    let p = project_onto_affine(&NegativeEntropy, &from, &matrix, &right).unwrap();
    assert!(p.violation < 1e-14 && p.gap.abs() < 1e-14, "{p:?}");
    // Another point of the plane: (−.3 + s, 1.3 − 2s, s).
    let other = [0.1, 0.5, 0.4];
    let t = three_points(&NegativeEntropy, &other, &p.point, &from).unwrap();
    assert!(t.angle.abs() < 1e-14 && t.defect().abs() < 1e-14, "{t:?}");
    close(t.whole, t.first + t.second, 1e-14);
    // Orthogonal projection onto x + y = 1.
    let line = DMatrix::from_element(1, 2, 1.0);
    let p = project_onto_affine(&SquaredNorm, &[2.0, 0.0], &line, &[1.0]).unwrap();
    close(p.point[0], 1.5, 1e-15);
    close(p.divergence, 0.5, 1e-15);
    // No positive point has this sum; dependent rows that agree, and that do not.
    assert!(matches!(
        project_onto_affine(&NegativeEntropy, &[1.0, 1.0], &line, &[-1.0]),
        Err(InfoError::NotConverged { .. })
    ));
    let twice = DMatrix::from_element(2, 2, 1.0);
    let p = project_onto_affine(&NegativeEntropy, &[1.0, 3.0], &twice, &[1.0, 1.0]).unwrap();
    close(p.point[1], 0.75, 1e-9);
    assert!(project_onto_affine(&NegativeEntropy, &[1.0, 3.0], &twice, &[1.0, 2.0]).is_err());
    for bad in [
        project_onto_affine(&NegativeEntropy, &[0.0, 1.0], &line, &[1.0]),
        project_onto_affine(&NegativeEntropy, &[-1.0, 1.0], &line, &[1.0]),
        project_onto_affine(&NegativeEntropy, &[1.0; 3], &line, &[1.0]),
        project_onto_affine(&NegativeEntropy, &[1.0; 2], &line, &[f64::NAN]),
        project_onto_affine(&NegativeEntropy, &[1.0; 2], &line, &[1.0, 1.0]),
    ] {
        assert!(matches!(bad, Err(InfoError::Argument(_))), "{bad:?}");
    }
}

#[test]
fn half_spaces_in_turn_with_corrections_reach_the_nearest_point() {
    // x + y ≤ 1 and x ≤ 2y, from (2, 1.2): both bind? Kuhn and Tucker decide.
    let matrix = DMatrix::from_row_slice(3, 2, &[1.0, 1.0, 1.0, -2.0, -1.0, 0.0]);
    let right = [1.0, 0.0, 0.0];
    let from = [2.0, 0.4];
    for euclid in [true, false] {
        let p = if euclid {
            project_onto_half_spaces(&SquaredNorm, &from, &matrix, &right, 1e-13, 10_000)
        } else {
            project_onto_half_spaces(&NegativeEntropy, &from, &matrix, &right, 1e-13, 10_000)
        }
        .unwrap();
        for (k, l) in p.multipliers.iter().enumerate() {
            assert!(*l <= 0.0);
            let slack = right[k] - (matrix[(k, 0)] * p.point[0] + matrix[(k, 1)] * p.point[1]);
            assert!(slack > -1e-12 && (l * slack).abs() < 1e-12, "{p:?}");
        }
        // The inequality of Pythagoras for points of the set.
        for other in [[0.1, 0.2], [0.5, 0.4], [0.0, 0.9]] {
            let (d, e) = if euclid {
                (
                    SquaredNorm.divergence(&other, &from)
                        - SquaredNorm.divergence(&other, &p.point),
                    p.divergence,
                )
            } else {
                (
                    NegativeEntropy.divergence(&other, &from)
                        - NegativeEntropy.divergence(&other, &p.point),
                    p.divergence,
                )
            };
            assert!(d >= e - 1e-12, "{other:?}: {d} {e}");
        }
    }
    let none = DMatrix::from_row_slice(2, 1, &[1.0, -1.0]);
    assert!(matches!(
        project_onto_half_spaces(&SquaredNorm, &[0.0], &none, &[-1.0, -1.0], 1e-10, 50),
        Err(InfoError::NotConverged { .. })
    ));
    assert!(project_onto_half_spaces(&SquaredNorm, &[0.0], &none, &[1.0, 1.0], 0.0, 50).is_err());
}

#[test]
fn the_gap_of_an_early_projection_bounds_what_is_missing() {
    // Two half-spaces that meet at a small angle, so that passes gain little.
    let matrix = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, -0.8, 0.6]);
    let (from, right) = ([1.0, 2.0], [0.0, 0.0]);
    let run = |tolerance| {
        project_onto_half_spaces(&SquaredNorm, &from, &matrix, &right, tolerance, 10_000).unwrap()
    };
    // The corner is the origin, where the terms of the rows vanish with what they miss.
    let best = run(1e-13);
    close(best.divergence, 5.0, 1e-10);
    assert!(best.point.iter().all(|x| x.abs() < 1e-12), "{best:?}");
    let origin = project_onto_affine(&SquaredNorm, &from, &matrix, &right).unwrap();
    assert!(origin.point.iter().all(|x| x.abs() < 1e-14), "{origin:?}");
    // Small numbers that rounding does not explain are met, to their own size.
    let ones = DMatrix::from_element(1, 2, 1.0);
    let small = project_onto_affine(&NegativeEntropy, &[1.0, 3.0], &ones, &[4e-20]).unwrap();
    close(small.point[1] / 3e-20, 1.0, 1e-12);
    // The same triangle with its corner at (1, 4/3).
    let (from, right) = ([2.0, 10.0 / 3.0], [1.0, 0.0]);
    let run = |tolerance| {
        project_onto_half_spaces(&SquaredNorm, &from, &matrix, &right, tolerance, 10_000).unwrap()
    };
    let best = run(1e-13);
    close(best.divergence, 5.0, 1e-10);
    let mut open = 0;
    for tolerance in [1.0, 0.3, 0.1, 0.03, 1e-3] {
        let early = run(tolerance);
        // The dual, λ·b − F*(y₀ + Aᵀλ) + F*(y₀) with F* = |y|²/4, is below every value of the primal.
        let [l, m] = early.multipliers[..] else {
            panic!("{early:?}")
        };
        let start = from.map(|x| 2.0 * x);
        let image = [start[0] + l - 0.8 * m, start[1] + 0.6 * m];
        let quarter = |y: [f64; 2]| 0.25 * (y[0] * y[0] + y[1] * y[1]);
        let dual = l * right[0] + m * right[1] - quarter(image) + quarter(start);
        close(early.divergence - early.gap, dual, 1e-13);
        assert!(
            early.divergence - early.gap <= best.divergence + 1e-12,
            "{early:?}"
        );
        assert!((early.gap.abs() <= tolerance) && early.violation <= 3.0 * tolerance);
        open += u32::from(early.gap.abs() > 1e-6);
    }
    assert!(open > 0);
}

#[test]
fn bad_arguments_are_named() {
    let text = |r: Result<f64, InfoError>| r.unwrap_err().to_string();
    let loss = |x: &[f64], y: &[f64]| text(fenchel_young_loss(&LogSumExp, x, y));
    assert!(loss(&[1.0, 2.0], &[0.4, 0.4]).starts_with("y "));
    assert!(loss(&[1.0, f64::NAN], &[0.5, 0.5]).starts_with("x "));
    assert!(loss(&[1.0], &[0.5, 0.5]).starts_with("y "));
    let (a, b) = ([1.0, 0.0], [1.0, 1.0]);
    assert!(dual_divergences(&NegativeEntropy, &b, &a).is_err());
    assert!(three_points(&NegativeEntropy, &a, &b, &b).is_ok());
    assert!(three_points(&NegativeEntropy, &b, &a, &b).is_err());
    assert!(three_points(&NegativeEntropy, &b, &b, &[1.0]).is_err());
    for order in [1.0, 0.5, f64::NAN, f64::INFINITY, 1e300] {
        assert_eq!(PowerSum::new(order).unwrap_err().argument, "order");
    }
    assert!(Scaled::new(0.0, SquaredNorm).is_err());
    assert!(Quadratic::new(DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 2.0, 1.0])).is_err());
    assert!(Quadratic::new(DMatrix::zeros(0, 0)).is_err());
    assert!(NumericConjugate::new(NegativeEntropy, [0.0]).is_err());
    assert!(NumericConjugate::new(NegativeEntropy, [-1.0]).is_err());
    let numeric = NumericConjugate::new(NegativeEntropy, [1.0]).unwrap();
    assert!(numeric.solve(&[1.0, 2.0]).is_err() && numeric.solve(&[f64::NAN]).is_err());
    assert!(right_centroid(&SquaredNorm, &[], &[]).is_err());
    assert!(right_centroid(&SquaredNorm, &[&[1.0]], &[0.0]).is_err());
    assert!(right_centroid(&SquaredNorm, &[&[1.0], &[1.0, 2.0]], &[1.0, 1.0]).is_err());
    assert!(left_centroid(&NegativeEntropy, &[&[0.0]], &[1.0]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: prop::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_law_of_cosines_holds_at_random_points(
        points in proptest::collection::vec(0.01..20.0f64, 9),
    ) {
        let (x, y, z) = (&points[..3], &points[3..6], &points[6..]);
        for t in [
            three_points(&NegativeEntropy, x, y, z).unwrap(),
            three_points(&SquaredNorm, x, y, z).unwrap(),
            three_points(&SoftPlus, x, y, z).unwrap(),
            three_points(&LogSumExp, x, y, z).unwrap(),
            three_points(&SumOfExponentials, x, y, z).unwrap(),
        ] {
            let scale = t.whole.abs() + t.first + t.second + t.angle.abs() + 1.0;
            prop_assert!(t.defect().abs() < 1e-12 * scale, "{t:?}");
        }
    }

    #[test]
    fn the_logistic_loss_is_a_divergence_of_laws(
        logits in proptest::collection::vec(-8.0..8.0f64, 4),
        weights in proptest::collection::vec(0.01..1.0f64, 4),
    ) {
        let p = Probabilities::from_weights(weights).unwrap();
        let mut q = vec![0.0; 4];
        LogSumExp.gradient(&logits, &mut q);
        let kl = KullbackLeibler.between(&p, &Probabilities::new(q).unwrap()).unwrap().nats();
        let loss = fenchel_young_loss(&LogSumExp, &logits, p.as_slice()).unwrap();
        prop_assert!((loss - kl).abs() < 1e-13 * (1.0 + kl));
    }
}
