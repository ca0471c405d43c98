//! Equipartition by quadrature and from draws.

use super::*;

#[test]
fn equipartition_holds_in_one_two_and_three_dimensions() {
    let quartic = Equipartition::new(&[(-5.0, 5.0)], 1.0, 1e-11, |x, g| {
        g[0] = 4.0 * x[0].powi(3) - 2.0 * x[0];
        (x[0].powi(4) - x[0] * x[0], 12.0 * x[0] * x[0] - 2.0)
    })
    .unwrap();
    close(quartic.log_partition, 1.0157193191187683, 1e-13);
    close(quartic.matrix[(0, 0)], 1.0, 1e-13);
    close(quartic.configurational_temperature, 1.0, 1e-13);
    // Coupled wells at T = 0.7: U = x⁴ + y⁴ − x² + 0.6xy.
    let t = 0.7;
    let coupled = Equipartition::new(&[(-4.0, 4.0), (-4.0, 4.0)], t, 1e-10, |x, g| {
        let (x, y) = (x[0], x[1]);
        g[0] = 4.0 * x.powi(3) - 2.0 * x + 0.6 * y;
        g[1] = 4.0 * y.powi(3) + 0.6 * x;
        (
            x.powi(4) + y.powi(4) - x * x + 0.6 * x * y,
            12.0 * x * x - 2.0 + 12.0 * y * y,
        )
    })
    .unwrap();
    assert!((&coupled.matrix - DMatrix::identity(2, 2) * t).amax() < 1e-11);
    close(coupled.configurational_temperature, t, 1e-11);
    let bowl = Equipartition::new(&[(-9.0, 9.0); 3], 1.5, 1e-6, |x, g| {
        for (g, x) in g.iter_mut().zip(x) {
            *g = *x;
        }
        (x.iter().map(|x| 0.5 * x * x).sum(), 3.0)
    })
    .unwrap();
    assert!((&bowl.matrix - DMatrix::identity(3, 3) * 1.5).amax() < 1e-6);
    close(bowl.energy, 2.25, 1e-6);
}

#[test]
fn a_wrong_gradient_or_a_wall_breaks_equipartition() {
    let wrong = Equipartition::new(&[(-9.0, 9.0)], 1.0, 1e-10, |x, g| {
        g[0] = 1.02 * x[0];
        (0.5 * x[0] * x[0], 1.0)
    })
    .unwrap();
    assert!((wrong.matrix[(0, 0)] - 1.0).abs() > 0.01);
    assert!((wrong.configurational_temperature - 1.0).abs() > 0.01);
    let wall = Equipartition::new(&[(-1.0, 1.0)], 1.0, 1e-10, |x, g| {
        g[0] = x[0];
        (0.5 * x[0] * x[0], 1.0)
    })
    .unwrap();
    assert!(wall.matrix[(0, 0)] < 0.7);
}

#[test]
fn temperatures_from_draws_lie_in_their_intervals_and_wrong_ones_do_not() {
    // U = |x|²/2 + …: a normal law of temperature 2 in three dimensions. Each interval misses a right value with
    // probability 1e-7.
    let (mut random, n, t) = (rng::stream(31, 0), 20_000, 2.0f64);
    let (mut squares, mut laplacians, mut virials) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let stiff = [0.5, 1.0, 4.0];
        let x: Vec<f64> = stiff
            .iter()
            .map(|k| random.normal() * (t / k).sqrt())
            .collect();
        squares.push(x.iter().zip(stiff).map(|(x, k)| k * k * x * x).sum::<f64>());
        laplacians.push(5.5);
        virials.push(x.iter().zip(stiff).map(|(x, k)| k * x * x).sum::<f64>());
    }
    let confidence = 1.0 - 1e-7;
    let configurational = configurational_temperature(&squares, &laplacians, confidence).unwrap();
    assert!(configurational.interval.contains(t), "{configurational}");
    let virial = virial_temperature(&virials, 3, confidence).unwrap();
    assert!(virial.interval.contains(t), "{virial}");
    for wrong in [0.93 * t, 1.07 * t] {
        assert!(!configurational.interval.contains(wrong));
        assert!(!virial.interval.contains(wrong));
    }
    // Var |∇U|² = 2T² Σ k² of normal draws, and the Laplacian is constant.
    let exact = (2.0 * 17.25 / f64::from(n)).sqrt() * t / 5.5;
    close(configurational.std_err / exact, 1.0, 0.05);
    // Var ⟨x·∇U⟩/3 = (2/3)T²/n.
    close(
        virial.std_err / (2.0 / 3.0 * t * t / f64::from(n)).sqrt(),
        1.0,
        0.05,
    );
}

#[test]
fn equipartition_is_as_exact_in_joule() {
    let kt = 4.14e-21;
    let found = Equipartition::new(&[(-5.0, 5.0)], kt, 1e-11, |x, g| {
        g[0] = kt * (4.0 * x[0].powi(3) - 2.0 * x[0]);
        (
            kt * (x[0].powi(4) - x[0] * x[0]),
            kt * (12.0 * x[0] * x[0] - 2.0),
        )
    })
    .unwrap();
    close(found.matrix[(0, 0)] / kt, 1.0, 1e-11);
    close(found.configurational_temperature / kt, 1.0, 1e-11);
    close(found.log_partition, 1.0157193191187683, 1e-13);
    // The mean square from the virial: ⟨U⟩ = ¼ − ½⟨x²⟩.
    close(found.energy / kt, 0.25 - 0.5 * 0.5208986482435781, 1e-11);
}

#[test]
fn numbers_of_equipartition_do_not_depend_on_the_unit_of_energy() {
    // In a unit of a power of two, every rounding is the same: results, error and nodes too.
    let run = |unit: f64, offset: f64, tolerance: f64| {
        let (mut calls, temperature) = (0, unit * 0.5);
        let found = Equipartition::new(&[(-5.0, 5.0)], temperature, tolerance, |x, g| {
            calls += 1;
            g[0] = unit * (4.0 * x[0].powi(3) - 2.0 * x[0]);
            (
                unit * (offset + x[0].powi(4) - x[0] * x[0]),
                unit * (12.0 * x[0] * x[0] - 2.0),
            )
        })
        .unwrap();
        (found, calls)
    };
    for tolerance in [1e-2, 1e-4, 1e-6, 1e-9] {
        let (one, calls) = run(1.0, 0.0, tolerance);
        for unit in [2f64.powi(-70), 2f64.powi(40)] {
            let (scaled, also) = run(unit, 0.0, tolerance);
            assert_eq!(scaled.matrix, &one.matrix * unit);
            assert_eq!(scaled.energy, one.energy * unit);
            assert_eq!((scaled.error, also), (one.error, calls));
        }
    }
    // A gradient of which x ∂U alone converges slowly, as it jumps where its square does not.
    let jump = |unit: f64| {
        Equipartition::new(&[(-5.0, 5.0)], 0.5 * unit, 1e-3, |x, g| {
            let x = x[0];
            g[0] = unit * if x > 0.3217 { x } else { -x };
            (unit * 0.5 * x * x, unit)
        })
        .unwrap()
    };
    let one = jump(1.0);
    assert!(one.error > 1e-9, "{}", one.error);
    for unit in [2f64.powi(-70), 2f64.powi(40)] {
        assert_eq!(jump(unit).error, one.error);
        assert_eq!(jump(unit).matrix, &one.matrix * unit);
    }
    // A potential of which ⟨U⟩ converges slowest: 0 in a corner that holds a sixth of the law, 3T elsewhere.
    let step = |unit: f64| {
        Equipartition::new(&[(-5.0, 5.0)], 0.5 * unit, 1e-2, |x, g| {
            g[0] = 1e-6 * unit;
            (if x[0] > -4.9 { 1.5 * unit } else { 0.0 }, unit)
        })
        .unwrap()
    };
    let one = step(1.0);
    assert!(one.error > 1e-6, "{}", one.error);
    for unit in [2f64.powi(-70), 2f64.powi(40)] {
        assert_eq!(step(unit).error, one.error);
        assert_eq!(step(unit).energy, one.energy * unit);
    }
    // Numbers above 1 count by their relative change: a gradient as a whole has no unit then.
    let steep = |factor: f64| {
        Equipartition::new(&[(-5.0, 5.0)], 0.5, 1e-3, |x, g| {
            let x = x[0];
            g[0] = factor * if x > 0.3217 { x } else { -2.0 * x };
            (0.5 * x * x, 1.0)
        })
        .unwrap()
    };
    let one = steep(2f64.powi(10));
    assert!(one.error > 1e-9, "{}", one.error);
    assert_eq!(steep(2f64.powi(20)).error, one.error);
    // Numbers above 1 count relatively: a large offset of the energy stops nothing.
    let (far, _) = run(1.0, 1e9, 1e-8);
    close(far.energy, 1e9, 1e-9);
    close(far.log_partition, -2e9, 1e-9);
    close(far.matrix[(0, 0)], 0.5, 1e-6);
}

#[test]
fn the_error_of_a_ratio_of_means_is_that_of_what_the_ratio_leaves() {
    // Where the ratio is the same in every draw, it has no error however much both parts vary.
    let laplacians: Vec<f64> = (1..=50).map(|k| f64::from(k).sqrt()).collect();
    let squares: Vec<f64> = laplacians.iter().map(|l| 2.5 * l).collect();
    let found = configurational_temperature(&squares, &laplacians, 0.99).unwrap();
    close(found.value, 2.5, 1e-15);
    assert!(found.std_err < 1e-15, "{found}");
    // Else Var = (s_gg − 2T s_gl + T² s_ll)/(n l̄²).
    let mut random = rng::stream(52, 0);
    let (g, l): (Vec<f64>, Vec<f64>) = (0..200)
        .map(|_| {
            let l = 1.0 + random.uniform();
            (3.0 * l + random.normal(), l)
        })
        .unzip();
    let n = g.len() as f64;
    let mean = |x: &[f64]| x.iter().sum::<f64>() / n;
    let (a, b) = (mean(&g), mean(&l));
    let cov = |x: &[f64], y: &[f64]| {
        let (p, q) = (mean(x), mean(y));
        x.iter().zip(y).map(|(x, y)| (x - p) * (y - q)).sum::<f64>() / (n - 1.0)
    };
    let t = a / b;
    let variance = (cov(&g, &g) - 2.0 * t * cov(&g, &l) + t * t * cov(&l, &l)) / (n * b * b);
    let found = configurational_temperature(&g, &l, 0.99).unwrap();
    close(found.value, t, 1e-14);
    close(found.std_err, variance.sqrt(), 1e-12);
}
