//! Laws of the schedules: their formulas at exact points, ranges, and their text form.

use ergodic_optim::Schedule;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[test]
fn schedules_take_their_exact_values() {
    let at = |text: &str, step| text.parse::<Schedule>().unwrap().factor(step, 100);
    for step in [0, 50, 100, 1000] {
        assert_eq!(at("constant", step), 1.0);
    }
    assert_eq!(at("linear:0.5", 0), 1.0);
    assert_eq!(at("linear:0.5", 50), 0.75);
    assert_eq!(at("linear:0.5", 100), 0.5);
    assert_eq!(at("linear:0.5", 101), 0.5);
    assert_eq!(at("cosine:0", 0), 1.0);
    assert!((at("cosine:0", 50) - 0.5).abs() < 1e-15);
    assert!((at("cosine:0.2", 25) - (0.6 + 0.4 * 0.5f64.sqrt())).abs() < 1e-15);
    assert_eq!(at("cosine:0.25", 100), 0.25);
    assert!((at("exponential:0.01", 50) - 0.1).abs() < 1e-15);
    assert_eq!(at("exponential:0.01", 100), 0.01);
    assert_eq!(at("step:30:0.5", 29), 1.0);
    assert_eq!(at("step:30:0.5", 30), 0.5);
    assert_eq!(at("step:30:0.5", 90), 0.125);
    assert_eq!(at("inverse-time:20", 0), 1.0);
    assert_eq!(at("inverse-time:20", 20), 0.5);
    assert_eq!(at("inverse-time:20", 60), 0.25);
}

#[test]
fn a_warm_up_rises_to_one_and_hands_over_to_the_shape_from_its_start() {
    let s = Schedule::linear(0.0).unwrap().with_warm_up(4);
    let factors: Vec<f64> = (0..=8).map(|k| s.factor(k, 8)).collect();
    assert_eq!(factors, [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]);
}

#[test]
fn malformed_text_and_values_out_of_range_are_typed_errors() {
    for text in [
        "",
        "lineal:0.1",
        "linear",
        "linear:",
        "linear:x",
        "linear:0.1:2",
        "constant:1",
        "step:0.5:10",
        "inverse-time:-3",
        "warmup:3+constant",
        "warm-up:3",
        "constant+warm-up:3",
        "warm-up:-1+constant",
    ] {
        let error = text.parse::<Schedule>().unwrap_err();
        assert_eq!(error.argument, "schedule", "{text}");
        assert!(error.found.contains(text) && error.allowed.contains("linear:F"));
    }
    for text in [
        "linear:-0.1",
        "linear:1.5",
        "linear:NaN",
        "cosine:inf",
        "exponential:0",
        "step:0:0.5",
        "step:10:0",
        "inverse-time:0",
    ] {
        let error = text.parse::<Schedule>().unwrap_err();
        assert_ne!(error.argument, "schedule", "{text}");
    }
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let last = 1e-9f64..=1.0;
    let shape = prop_oneof![
        Just(Schedule::constant()),
        last.clone().prop_map(|f| Schedule::linear(f).unwrap()),
        last.clone().prop_map(|f| Schedule::cosine(f).unwrap()),
        last.clone().prop_map(|f| Schedule::exponential(f).unwrap()),
        (1u64..1000, last).prop_map(|(n, f)| Schedule::step(n, f).unwrap()),
        (1u64..1000).prop_map(|n| Schedule::inverse_time(n).unwrap()),
    ];
    (shape, 0u64..50).prop_map(|(s, w)| s.with_warm_up(w))
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(20),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn text_is_read_back_as_the_same_schedule(s in any_schedule()) {
        prop_assert_eq!(s.to_string().parse::<Schedule>().unwrap(), s);
    }

    #[test]
    fn factors_lie_in_the_unit_interval_and_never_rise_after_the_warm_up(
        s in any_schedule(), total in 0u64..500,
    ) {
        let factors: Vec<f64> = (0..=total + 2).map(|k| s.factor(k, total)).collect();
        prop_assert!(factors.iter().all(|f| (0.0..=1.0).contains(f)));
        let after = factors.get(s.warm_up() as usize..).unwrap_or_default();
        prop_assert!(after.windows(2).all(|w| w[1] <= w[0]));
    }
}
