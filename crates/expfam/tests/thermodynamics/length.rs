//! Thermodynamic length and schedules.

use ergodic_core::{ArgumentError, ExponentialFamily};
use ergodic_expfam::Member;
use ergodic_expfam::families::Normal;

use super::*;

fn metric<F: ExponentialFamily + Clone>(
    family: &F,
) -> impl Fn(&[f64]) -> Result<DMatrix<f64>, ArgumentError> {
    move |theta| Member::new(family.clone(), theta)?.fisher_information()
}

#[test]
fn the_length_of_a_change_of_scale_is_root_two_log() {
    for (a, b) in [(1.0, 3.0), (5.0, 0.2), (1.0, 1.001)] {
        let line = Line::new(
            &Normal::natural(0.0, a * a).unwrap(),
            &Normal::natural(0.0, b * b).unwrap(),
        )
        .unwrap();
        let length = thermodynamic_length(metric(&Normal), &line, 1e-12).unwrap();
        let exact = 2f64.sqrt() * (b / a).ln().abs();
        assert!(
            (length - exact).abs() < 1e-11 * exact.max(1.0),
            "{length} {exact}"
        );
    }
}

#[test]
fn length_does_not_depend_on_the_pace_and_divergence_is_not_below_its_square() {
    struct Slow(Line);
    impl Curve for Slow {
        fn at(&self, t: f64) -> Vec<f64> {
            self.0.at(t * t)
        }
        fn velocity(&self, t: f64) -> Vec<f64> {
            self.0.velocity(t).iter().map(|v| 2.0 * t * v).collect()
        }
    }
    for seed in 0..8 {
        let levels = random_levels(seed, 2);
        let family = levels.family();
        let from = levels.natural(0.5, &[0.3, 1.0]).unwrap();
        let to = levels.natural(1.5, &[-1.0, 0.2]).unwrap();
        let line = Line::new(&from, &to).unwrap();
        let length = thermodynamic_length(metric(family), &line, 1e-11).unwrap();
        let slow = thermodynamic_length(metric(family), &Slow(line.clone()), 1e-11).unwrap();
        close(slow, length, 1e-9);
        let divergence = thermodynamic_divergence(metric(family), &line, 1e-11).unwrap();
        assert!(divergence >= length * length);
        // No curve is shorter than the geodesic through all laws.
        let p = family.probabilities(&from).unwrap();
        let q = family.probabilities(&to).unwrap();
        assert!(length >= geodesic_distance(&p, &q).unwrap() - 1e-9);
        // Jensen–Shannon and KL to second order: for a short line, KL = L²/2.
        let near: Vec<f64> = from
            .iter()
            .zip(&to)
            .map(|(a, b)| a + 1e-4 * (b - a))
            .collect();
        let short = Line::new(&from, &near).unwrap();
        let l = thermodynamic_length(metric(family), &short, 1e-13).unwrap();
        let kl = family.kl_divergence(&from, &near).unwrap();
        assert!((2.0 * kl / (l * l) - 1.0).abs() < 1e-2, "{kl} {l}");
    }
}

#[test]
fn the_length_of_one_statistic_is_the_geodesic_between_two_states() {
    // Two states have one dimension: the curve is the geodesic, 2 arccos Σ√(pq).
    let levels = Canonical::two_level();
    let line = Line::new(&[-3.0], &[1.0]).unwrap();
    let length = thermodynamic_length(metric(levels.family()), &line, 1e-12).unwrap();
    let p = |t: f64| [1.0 / (1.0 + t.exp()), 1.0 / (1.0 + (-t).exp())];
    close(length, geodesic_distance(&p(-3.0), &p(1.0)).unwrap(), 1e-11);
    close(
        geodesic_distance(&[1.0, 0.0], &[0.0, 1.0]).unwrap(),
        std::f64::consts::PI,
        1e-15,
    );
}

#[test]
fn constant_speed_dissipates_least_and_half_the_length_squared() {
    let levels = random_levels(11, 1);
    let family = levels.family();
    let line = Line::new(
        &levels.natural(1.0, &[-3.0]).unwrap(),
        &levels.natural(1.0, &[2.5]).unwrap(),
    )
    .unwrap();
    let length = thermodynamic_length(metric(family), &line, 1e-11).unwrap();
    let divergence = thermodynamic_divergence(metric(family), &line, 1e-11).unwrap();
    let ends = [line.at(0.0), line.at(1.0)].map(|t| family.probabilities(&t).unwrap());
    for n in [4, 16, 64, 256] {
        let cost = |schedule: &[f64]| {
            let points: Vec<Vec<f64>> = schedule.iter().map(|t| line.at(*t)).collect();
            excess_of_full_relaxation(family, &points).unwrap()
        };
        let best = constant_speed_schedule(metric(family), &line, n, 1e-10).unwrap();
        assert_eq!(best.len(), n + 1);
        assert!(best.windows(2).all(|w| w[0] < w[1]));
        let even: Vec<f64> = (0..=n).map(|k| k as f64 / n as f64).collect();
        let (best, even) = (cost(&best), cost(&even));
        assert!(best >= dissipation_bound(&ends[0], &ends[1], n).unwrap());
        if n >= 16 {
            assert!(best < even, "{n}: {best} {even}");
            let n = n as f64;
            // The first correction is of order 1/n relative.
            assert!(
                (2.0 * n * best / (length * length) - 1.0).abs() < 3.0 / n,
                "{n}: {best}"
            );
            assert!(
                (2.0 * n * even / divergence - 1.0).abs() < 3.0 / n,
                "{n}: {even}"
            );
        }
    }
}

#[test]
fn excess_of_full_relaxation_is_the_entropy_that_a_chain_produces() {
    for seed in 0..5 {
        let levels = random_levels(seed, 1);
        // Degeneracies of 1, so that a state is an outcome.
        let plain = Canonical::levels(
            &levels.energies(&[0.0]).unwrap(),
            DMatrix::from_iterator(
                levels.energies(&[0.0]).unwrap().len(),
                1,
                levels
                    .energies(&[1.0])
                    .unwrap()
                    .iter()
                    .zip(levels.energies(&[0.0]).unwrap())
                    .map(|(a, b)| a - b),
            ),
            &vec![1.0; levels.energies(&[0.0]).unwrap().len()],
        )
        .unwrap();
        let beta = 1.2;
        let works: Vec<f64> = (0..=10).map(|k| -1.0 + 0.3 * f64::from(k)).collect();
        let energies: Vec<Vec<f64>> = works
            .iter()
            .map(|w| plain.energies(&[*w]).unwrap())
            .collect();
        let steps: Vec<MarkovStep> = energies[1..]
            .iter()
            .map(|e| MarkovStep::thermalize(e, beta, 1.0).unwrap())
            .collect();
        let mut chain = Evolution::equilibrium(&energies[0], beta).unwrap();
        let produced: f64 = chain
            .run(&steps)
            .unwrap()
            .iter()
            .map(|r| r.entropy_production)
            .sum();
        let points: Vec<Vec<f64>> = works
            .iter()
            .map(|w| plain.natural(beta, &[*w]).unwrap())
            .collect();
        close(
            excess_of_full_relaxation(plain.family(), &points).unwrap(),
            produced,
            1e-12,
        );
    }
}

#[test]
fn slow_partial_relaxation_dissipates_by_the_friction_metric() {
    // P = (1 − a) + a·1πᵀ forgets by 1 − a a step: friction (1/a − ½) times the Fisher information.
    let (beta, strength, n) = (1.0, 0.25, 4000);
    let energies = |k: usize| [0.0, -1.0 + 3.0 * k as f64 / n as f64, 0.4];
    let steps: Vec<MarkovStep> = (1..=n)
        .map(|k| MarkovStep::thermalize(&energies(k), beta, strength).unwrap())
        .collect();
    let mut chain = Evolution::equilibrium(&energies(0), beta).unwrap();
    let work: f64 = chain.run(&steps).unwrap().iter().map(|r| r.work).sum();
    let log_z = |e: [f64; 3]| e.iter().map(|e| (-e).exp()).sum::<f64>().ln();
    let dissipated = work - (log_z(energies(0)) - log_z(energies(n)));
    let levels = Canonical::levels(
        &[0.0, 0.0, 0.4],
        DMatrix::from_row_slice(3, 1, &[0.0, 1.0, 0.0]),
        &[1.0; 3],
    )
    .unwrap();
    let friction = |x: &[f64]| {
        let fisher = levels.fisher_information(beta, x)?;
        Ok(DMatrix::from_element(
            1,
            1,
            fisher[(1, 1)] * (1.0 / strength - 0.5),
        ))
    };
    let line = Line::new(&[-1.0], &[2.0]).unwrap();
    let divergence = thermodynamic_divergence(friction, &line, 1e-11).unwrap();
    let found = dissipated * n as f64 / divergence;
    assert!((found - 1.0).abs() < 5e-3, "{found}");
    let length = thermodynamic_length(friction, &line, 1e-11).unwrap();
    assert!(dissipated * n as f64 > 0.99 * length * length);
    // The schedule of constant speed does better than the even one, and comes to the length.
    let schedule = constant_speed_schedule(friction, &line, n, 1e-9).unwrap();
    let at = |t: f64| [0.0, -1.0 + 3.0 * t, 0.4];
    let steps: Vec<MarkovStep> = schedule[1..]
        .iter()
        .map(|t| MarkovStep::thermalize(&at(*t), beta, strength).unwrap())
        .collect();
    let mut chain = Evolution::equilibrium(&energies(0), beta).unwrap();
    let work: f64 = chain.run(&steps).unwrap().iter().map(|r| r.work).sum();
    let best = work - (log_z(energies(0)) - log_z(energies(n)));
    assert!(best < dissipated);
    assert!((best * n as f64 / (length * length) - 1.0).abs() < 5e-3);
}

#[test]
fn a_trap_is_stiffened_best_along_its_friction_length() {
    let dynamics = TrapDynamics::new(1.0, 1.0).unwrap();
    let friction = |k: &[f64]| Ok(DMatrix::from_element(1, 1, 0.25 / k[0].powi(3)));
    let line = Line::new(&[1.0], &[9.0]).unwrap();
    let length = thermodynamic_length(friction, &line, 1e-12).unwrap();
    close(length, 1.0 - 1.0 / 3.0, 1e-11); // ∫ dk/2k^{3/2}
    let (n, duration) = (60, 300.0);
    let cost = |schedule: &[f64]| {
        let mut law = dynamics.equilibrium(1.0, 0.0).unwrap();
        let mut work = 0.0;
        for pair in schedule.windows(2) {
            let k = [pair[0], pair[1]].map(|t| 1.0 + 8.0 * t);
            let record = dynamics
                .ramp(law, 0.0, k[0], k[1], duration / f64::from(n))
                .unwrap();
            law = record.law;
            work += record.work;
        }
        work - 0.5 * 9f64.ln()
    };
    let best = cost(&constant_speed_schedule(friction, &line, n as usize, 1e-11).unwrap());
    let even: Vec<f64> = (0..=n).map(|k| f64::from(k) / f64::from(n)).collect();
    assert!(best < 0.75 * cost(&even));
    assert!(
        (best * duration / (length * length) - 1.0).abs() < 2e-2,
        "{best}"
    );
}

#[test]
fn one_step_dissipates_at_least_a_quarter_of_its_squared_length() {
    let (mut random, mut least) = (rng::stream(12, 0), f64::INFINITY);
    for _ in 0..2000 {
        let n = 2 + random.index(4);
        let (p, q) = (random_law(&mut random, n), random_law(&mut random, n));
        let kl: f64 = p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum();
        assert!(kl >= dissipation_bound(&p, &q, 1).unwrap());
        let distance = geodesic_distance(&p, &q).unwrap();
        least = least.min(kl / (distance * distance));
    }
    // The factor ½ of many small steps is no bound.
    assert!(least < 0.49, "{least}");
}

#[test]
fn schedules_rise_also_at_a_rough_tolerance() {
    let metric = |x: &[f64]| Ok(DMatrix::from_element(1, 1, 1.0 / (x[0] * x[0])));
    let line = Line::new(&[1e-3], &[1.0]).unwrap();
    let schedule = constant_speed_schedule(metric, &line, 40, 0.5).unwrap();
    assert!(schedule.windows(2).all(|w| w[0] < w[1]), "{schedule:?}");
    // log x changes at a constant rate.
    for (k, t) in schedule.iter().enumerate() {
        let x = 1e-3 + t * (1.0 - 1e-3);
        let done = 1.0 + x.ln() / 1e3f64.ln();
        assert!((done - k as f64 / 40.0).abs() < 1e-3, "{k}: {done}");
    }
}
