//! Scoring rules against their definitions: closed losses, propriety, gradients, weights.

use ergodic_expfam::legendre::Smooth;
use ergodic_expfam::scoring::*;
use ergodic_info::{Convex, InfoError};
use proptest::prelude::*;

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
        "{found:e} is not {expected:e}"
    );
}

#[test]
fn named_losses_are_those_of_the_books() {
    let q = [0.5, 0.3, 0.2];
    for i in 0..3 {
        close(
            ScoringRule::logarithmic().loss(&q, i).unwrap(),
            -q[i].ln(),
            1e-15,
        );
        let brier: f64 = (0..3)
            .map(|k| (q[k] - f64::from(u8::from(k == i))).powi(2))
            .sum();
        close(ScoringRule::brier().loss(&q, i).unwrap(), brier, 1e-15);
        let norm = (0.25f64 + 0.09 + 0.04).sqrt();
        close(
            ScoringRule::spherical().loss(&q, i).unwrap(),
            1.0 - q[i] / norm,
            1e-15,
        );
        let cube = (0.125f64 + 0.027 + 0.008).cbrt();
        let rule = ScoringRule::pseudospherical(3.0).unwrap();
        close(
            rule.loss(&q, i).unwrap(),
            1.0 - (q[i] / cube).powi(2),
            1e-14,
        );
        let rule = ScoringRule::power(3.0).unwrap();
        let cubes = 0.125 + 0.027 + 0.008;
        close(
            rule.loss(&q, i).unwrap(),
            (1.0 - 3.0 * q[i] * q[i]) / 2.0 + cubes,
            1e-14,
        );
        // The family of power losses joins the two classics.
        let two = ScoringRule::power(2.0).unwrap();
        close(two.loss(&q, i).unwrap(), brier, 1e-14);
        let one = ScoringRule::power(1.0).unwrap();
        close(one.loss(&q, i).unwrap(), -q[i].ln(), 1e-14);
        let near = ScoringRule::power(1.0 + 1e-9).unwrap();
        close(near.loss(&q, i).unwrap(), -q[i].ln(), 1e-8);
    }
}

#[test]
fn certain_forecasts_cost_nothing_if_right_and_never_nan() {
    let sure = [0.0, 1.0, 0.0];
    assert_eq!(
        ScoringRule::logarithmic().losses(&sure).unwrap(),
        [f64::INFINITY, 0.0, f64::INFINITY]
    );
    assert_eq!(ScoringRule::brier().losses(&sure).unwrap(), [2.0, 0.0, 2.0]);
    assert_eq!(
        ScoringRule::spherical().losses(&sure).unwrap(),
        [1.0, 0.0, 1.0]
    );
    assert_eq!(
        ScoringRule::pseudospherical(1.5)
            .unwrap()
            .losses(&sure)
            .unwrap(),
        [1.0, 0.0, 1.0]
    );
    assert_eq!(
        ScoringRule::power(0.5).unwrap().losses(&sure).unwrap(),
        [f64::INFINITY, 0.0, f64::INFINITY]
    );
    close(
        ScoringRule::power(1.5).unwrap().losses(&sure).unwrap()[0],
        3.0,
        1e-15,
    );
    // A law that excludes an outcome is no worse under a forecast that does too.
    let p = [0.5, 0.5, 0.0];
    close(
        ScoringRule::logarithmic().expected_loss(&p, &p).unwrap(),
        2f64.ln(),
        1e-15,
    );
    assert_eq!(
        ScoringRule::logarithmic()
            .divergence(&[0.2, 0.3, 0.5], &p)
            .unwrap(),
        f64::INFINITY
    );
    // Logits whose softmax underflows.
    let log = ScoringRule::logarithmic();
    close(
        log.loss_of_logits(&[0.0, 3000.0], 0).unwrap(),
        3000.0,
        1e-15,
    );
    let mut g = [0.0; 2];
    log.logit_gradient(&[0.0, 3000.0], 0, &mut g).unwrap();
    assert_eq!(g, [-1.0, 1.0]);
}

/// Expected loss = entropy + divergence ≥ entropy, with equality at the truth, and the gradient in the
/// logits against differences.
fn is_proper<G: Smooth>(rule: &ScoringRule<G>, p: &[f64], q: &[f64], tolerance: f64) {
    let expected = rule.expected_loss(p, q).unwrap();
    let entropy = rule.entropy(p).unwrap();
    let divergence = rule.divergence(p, q).unwrap();
    close(expected, entropy + divergence, tolerance);
    close(rule.expected_loss(p, p).unwrap(), entropy, tolerance);
    assert!(divergence >= 0.0);
    let logits: Vec<f64> = q.iter().map(|q| q.ln() + 0.7).collect();
    for outcome in 0..q.len() {
        let mut gradient = vec![0.0; q.len()];
        rule.logit_gradient(&logits, outcome, &mut gradient)
            .unwrap();
        for k in 0..q.len() {
            let at = |h: f64| {
                let mut moved = logits.clone();
                moved[k] += h;
                let mut law = vec![0.0; q.len()];
                ergodic_info::LogSumExp.gradient(&moved, &mut law);
                rule.loss(&law, outcome).unwrap()
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (slope - gradient[k]).abs() < 1e-7 * (1.0 + slope.abs()),
                "{slope} {gradient:?}"
            );
        }
    }
}

/// A user's own generator: −Σ √(p(1 − p))… any strictly convex function will do; here Σ eᵖ.
#[derive(Clone, Copy)]
struct Exponentials;

impl Convex for Exponentials {
    fn value(&self, x: &[f64]) -> f64 {
        x.iter().map(|x| x.exp()).sum()
    }
    fn gradient(&self, x: &[f64], gradient: &mut [f64]) {
        for (g, x) in gradient.iter_mut().zip(x) {
            *g = x.exp();
        }
    }
}

impl Smooth for Exponentials {}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: prop::test_runner::RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_of_convex_generators_are_proper(
        p in ergodic_conformance::strategies::probabilities(4..=4),
        q in ergodic_conformance::strategies::probabilities(4..=4),
    ) {
        // Weights far apart are another test: differences would see nothing.
        let mix = |p: &[f64]| -> Vec<f64> { p.iter().map(|p| 0.9 * p + 0.025).collect() };
        let (p, q) = (mix(&p), mix(&q));
        is_proper(&ScoringRule::logarithmic(), &p, &q, 1e-13);
        is_proper(&ScoringRule::brier(), &p, &q, 1e-13);
        is_proper(&ScoringRule::spherical(), &p, &q, 1e-13);
        for order in [1.2, 2.0, 3.5] {
            is_proper(&ScoringRule::pseudospherical(order).unwrap(), &p, &q, 1e-12);
        }
        for order in [0.5, 1.0, 1.5, 2.0, 4.0] {
            is_proper(&ScoringRule::power(order).unwrap(), &p, &q, 1e-12);
        }
        is_proper(&ScoringRule::new(Exponentials, 2.0).unwrap(), &p, &q, 1e-12);
    }
}

#[test]
fn small_regrets_keep_their_digits() {
    let p = [0.3, 0.5, 0.2];
    let e = 2f64.powi(-30);
    let q = [0.3 + e, 0.5 - e, 0.2];
    let off = |i: usize| q[i] - p[i];
    // To second order the divergence is ½ dᵀ∇²G d.
    let curved = |rule: &ScoringRule<PowerEntropy>| -> f64 {
        let mut h = [0.0; 9];
        rule.generator().hessian(&p, &mut h);
        0.5 * (0..3).map(|i| h[4 * i] * off(i) * off(i)).sum::<f64>()
    };
    for order in [0.5, 1.0, 1.7, 3.0] {
        let rule = ScoringRule::power(order).unwrap();
        let d = rule.divergence(&p, &q).unwrap();
        assert!((d / curved(&rule) - 1.0).abs() < 1e-7, "{order}: {d:e}");
    }
    let d = ScoringRule::spherical().divergence(&p, &q).unwrap();
    let norm = 0.38f64.sqrt();
    let along = (0..3).map(|i| p[i] * off(i)).sum::<f64>();
    let all = (0..3).map(|i| off(i) * off(i)).sum::<f64>();
    let second = 0.5 * (all - along * along / 0.38) / norm;
    assert!((d / second - 1.0).abs() < 1e-6, "{d:e} {second:e}");
}

#[test]
fn losses_of_two_outcomes_are_mixtures_of_decisions() {
    // Each rule rebuilt from its weight, which the rule itself says.
    fn rebuilt<G: Smooth + Copy>(rule: ScoringRule<G>, weight: impl Fn(f64) -> f64) {
        let mixture = WeightedBinaryRule::new(|c: f64| rule.binary_weight(c).unwrap());
        for q in [0.001, 0.2, 0.5, 0.83, 0.999] {
            close(rule.binary_weight(q).unwrap(), weight(q), 1e-7);
            let forecast = [1.0 - q, q];
            close(
                mixture.loss(q, true).unwrap(),
                rule.loss(&forecast, 1).unwrap(),
                1e-7,
            );
            close(
                mixture.loss(q, false).unwrap(),
                rule.loss(&forecast, 0).unwrap(),
                1e-7,
            );
            close(
                mixture.entropy(q).unwrap(),
                rule.entropy(&forecast).unwrap(),
                1e-7,
            );
            let truth = [0.7, 0.3];
            close(
                mixture.divergence(0.3, q).unwrap(),
                rule.divergence(&truth, &forecast).unwrap(),
                1e-7,
            );
        }
    }
    rebuilt(ScoringRule::brier(), |_| 4.0);
    rebuilt(ScoringRule::logarithmic(), |c| 1.0 / (c * (1.0 - c)));
    rebuilt(ScoringRule::spherical(), |c| {
        (c * c + (1.0 - c) * (1.0 - c)).powf(-1.5)
    });
    rebuilt(ScoringRule::power(3.0).unwrap(), |_| 3.0);
    // The squared error of one probability.
    let squared = WeightedBinaryRule::new(|_| 2.0);
    close(squared.loss(0.3, true).unwrap(), 0.49, 1e-14);
    close(squared.entropy(0.3).unwrap(), 0.21, 1e-14);
    assert_eq!(squared.entropy(0.0).unwrap(), 0.0);
    assert!(
        WeightedBinaryRule::new(|c| 1.0 / c / c)
            .loss(0.5, false)
            .is_err()
    ); // infinite
    assert!(WeightedBinaryRule::new(|_| -1.0).loss(0.5, false).is_err());
    assert!(
        WeightedBinaryRule::new(|_| f64::NAN)
            .loss(0.5, false)
            .is_err()
    );
    assert!(squared.loss(1.5, true).is_err() && squared.divergence(f64::NAN, 0.5).is_err());
}

#[test]
fn improper_losses_are_caught_and_proper_ones_are_not() {
    type Loss<'a> = &'a dyn Fn(&[f64], usize) -> f64;
    let laws = lattice_of_laws(3, 12).unwrap();
    assert_eq!(laws.len(), 91);
    let named: [Loss<'_>; 4] = [
        &|q, i| ScoringRule::logarithmic().loss(q, i).unwrap(),
        &|q, i| ScoringRule::brier().loss(q, i).unwrap(),
        &|q, i| ScoringRule::spherical().loss(q, i).unwrap(),
        &|q, i| ScoringRule::power(1.4).unwrap().loss(q, i).unwrap(),
    ];
    for loss in named {
        let worst = worst_forecast(loss, &laws).unwrap();
        assert!(worst.gain < -1e-4, "{worst:?}"); // strictly proper: another forecast costs more
    }
    // Linear, and quadratic without its normalising term.
    assert!(worst_forecast(|q, i| -q[i], &laws).unwrap().gain > 0.15);
    assert!(
        worst_forecast(|q, i| (1.0 - q[i]).powi(2), &laws)
            .unwrap()
            .gain
            > 1e-3
    );
    assert!(worst_forecast(|_, _| f64::NAN, &laws).is_err());
    assert!(worst_forecast(|_, _| 0.0, &laws[..1]).is_err());
    assert!(lattice_of_laws(1, 3).is_err() && lattice_of_laws(3, 0).is_err());
    assert!(lattice_of_laws(30, 30).is_err());
}

#[test]
fn bad_forecasts_and_settings_are_named() {
    let rule = ScoringRule::brier();
    let text = |r: Result<f64, InfoError>| r.unwrap_err().to_string();
    assert!(text(rule.loss(&[0.5, 0.6], 0)).contains("sum"));
    assert!(text(rule.loss(&[0.5, 0.5], 2)).starts_with("outcome"));
    assert!(text(rule.loss(&[1.0], 0)).starts_with("forecast"));
    assert!(text(rule.loss(&[1.5, -0.5], 0)).contains("index 1"));
    assert!(text(rule.loss(&[f64::NAN, 0.5], 0)).contains("finite"));
    assert!(text(rule.expected_loss(&[0.5, 0.5], &[0.2, 0.3, 0.5])).starts_with("forecast"));
    assert!(text(rule.entropy(&[0.5, 0.4])).starts_with("law"));
    assert!(rule.binary_weight(0.0).is_err() && rule.binary_weight(f64::NAN).is_err());
    let mut g = [0.0; 3];
    assert!(rule.logit_gradient(&[0.0, 0.0], 0, &mut g).is_err());
    assert!(
        rule.logit_gradient(&[0.0, f64::INFINITY, 0.0], 0, &mut g)
            .is_err()
    );
    assert!(rule.logit_gradient(&[0.0; 3], 3, &mut g).is_err());
    for order in [1.0, 0.5, f64::NAN, 101.0] {
        assert_eq!(
            ScoringRule::pseudospherical(order).unwrap_err().argument,
            "order"
        );
    }
    for order in [0.0, -1.0, f64::INFINITY] {
        assert_eq!(ScoringRule::power(order).unwrap_err().argument, "order");
    }
    assert!(ScoringRule::new(Exponentials, f64::NAN).is_err());
}

#[test]
fn lattices_of_absurd_size_are_refused_at_once() {
    // C(83, 3) laws are not too many, C(88, 3) are.
    assert_eq!(lattice_of_laws(4, 80).unwrap().len(), 91_881);
    assert!(lattice_of_laws(4, 85).is_err());
    for (outcomes, steps) in [
        (usize::MAX, 1),
        (usize::MAX, 0),
        (3, usize::MAX),
        (1 << 40, 1 << 40),
    ] {
        assert!(lattice_of_laws(outcomes, steps).is_err());
    }
    assert_eq!(lattice_of_laws(4, 5).unwrap().len(), 56); // C(8, 3)
    assert_eq!(lattice_of_laws(2, 99_999).unwrap().len(), 100_000);
    assert!(lattice_of_laws(2, 100_000).is_err());
}
