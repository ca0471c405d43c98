//! Laws of the optimisers: closed forms on quadratics, exact checkpoints, typed errors.

use ergodic_core::{Optimizer, OptimizerState};
use ergodic_math::Real;
use ergodic_optim::{Adam, Sgd};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// `A r₁ᵏ + B r₂ᵏ` for the recursion `x_{k+1} = s x_k − d x_{k−1}` from `x₀`, `x₁`.
fn second_order(s: f64, d: f64, x0: f64, x1: f64, k: i32) -> f64 {
    let root = (s * s - 4.0 * d).sqrt();
    let (r1, r2) = (0.5 * (s + root), 0.5 * (s - root));
    let a = (x1 - r2 * x0) / (r1 - r2);
    a * r1.powi(k) + (x0 - a) * r2.powi(k)
}

#[test]
fn classical_momentum_follows_its_linear_recursion_on_a_quadratic() {
    // ½ c x²: x_{k+1} = (1 + μ − ηc) x_k − μ x_{k−1}, x₁ = (1 − ηc) x₀; real roots for ηc = .05.
    let (c, rate, momentum) = (2.0, 0.025, 0.5);
    let mut sgd = Sgd::builder()
        .learning_rate(rate)
        .momentum(momentum)
        .build()
        .unwrap();
    let mut x = [3.0f64];
    for k in 1..=60 {
        let g = [c * x[0]];
        sgd.step(1.0, &mut x, &g);
        let x1 = (1.0 - rate * c) * 3.0;
        let exact = second_order(1.0 + momentum - rate * c, momentum, 3.0, x1, k);
        assert!((x[0] - exact).abs() < 1e-13, "step {k}: {} {exact}", x[0]);
    }
}

#[test]
fn nesterov_momentum_follows_its_linear_recursion_on_a_quadratic() {
    // The look-ahead point obeys y_{k+1} = (1 + μ)(1 − ηc) y_k − μ (1 − ηc) y_{k−1}, and starts
    // with θ₁ = (1 − ηc) y₀ and y₁ = (1 + μ) θ₁ − μ y₀.
    let (c, rate, momentum) = (2.0, 0.025, 0.5);
    let mut sgd = Sgd::builder()
        .learning_rate(rate)
        .momentum(momentum)
        .nesterov(true)
        .build()
        .unwrap();
    let mut y = [3.0f64];
    let q = 1.0 - rate * c;
    for k in 1..=60 {
        let g = [c * y[0]];
        sgd.step(1.0, &mut y, &g);
        let y1 = (1.0 + momentum) * q * 3.0 - momentum * 3.0;
        let exact = second_order((1.0 + momentum) * q, momentum * q, 3.0, y1, k);
        assert!((y[0] - exact).abs() < 1e-13, "step {k}: {} {exact}", y[0]);
    }
}

#[test]
fn plain_descent_is_a_geometric_sequence_on_a_quadratic() {
    let mut sgd = Sgd::builder().learning_rate(0.25).build().unwrap();
    let mut x = [8.0f32];
    for k in 1..=10 {
        let g = [2.0 * x[0]];
        sgd.step(1.0, &mut x, &g);
        assert_eq!(x[0], 8.0 * 0.5f32.powi(k)); // powers of two: exact
    }
}

#[test]
fn the_first_step_of_adam_is_the_learning_rate_times_the_sign() {
    let g = [3.0, -1e-2, 4e5, -7.0, 0.0];
    let mut adam = Adam::builder()
        .learning_rate(0.125)
        .epsilon(1e-300)
        .build()
        .unwrap();
    let mut x = [0.0f64; 5];
    adam.step(0.5, &mut x, &g);
    for (x, g) in x.iter().zip(g) {
        let sign = if g == 0.0 { 0.0 } else { g.signum() };
        assert!((x + 0.0625 * sign).abs() < 1e-12, "{x} for gradient {g}");
    }
}

#[test]
fn adam_keeps_its_step_under_a_constant_gradient() {
    // m̂ = g and v̂ = g² at every t, whatever the decays: bias correction at work.
    for (beta1, beta2) in [(0.9, 0.999), (0.0, 0.5), (0.5, 0.0)] {
        let mut adam = Adam::builder()
            .learning_rate(0.01)
            .beta1(beta1)
            .beta2(beta2)
            .epsilon(1e-300)
            .build()
            .unwrap();
        let mut x = [0.0f64];
        for t in 1..=1000 {
            adam.step(1.0, &mut x, &[0.3]);
            assert!((x[0] + 0.01 * f64::from(t)).abs() < 1e-10);
        }
    }
}

#[test]
fn decoupled_decay_shrinks_by_the_same_ratio_at_every_step() {
    let mut adam = Adam::builder()
        .learning_rate(0.5)
        .weight_decay(0.5)
        .build()
        .unwrap();
    let mut x = [1.0f64, -16.0];
    for _ in 0..3 {
        adam.step(1.0, &mut x, &[0.0, 0.0]);
    }
    assert_eq!(x, [0.75f64.powi(3), -16.0 * 0.75f64.powi(3)]);
}

fn gradient<F: Real>(x: &[F], k: usize) -> Vec<F> {
    let noise = |i: usize| F::from_f64(((i * 7 + k * 13) as f64).sin());
    x.iter().enumerate().map(|(i, &x)| x + noise(i)).collect()
}

fn restored_run_has_the_same_bits<F: Real, O: Optimizer<F>>(new: impl Fn() -> O) {
    let mut reference = new();
    let mut x: Vec<F> = (0..37).map(|i| F::from_f64((i as f64).cos())).collect();
    for k in 0..5 {
        let g = gradient(&x, k);
        reference.step(1.0, &mut x, &g);
    }
    let mut resumed = new();
    resumed.restore(reference.state()).unwrap();
    let mut y = x.clone();
    for k in 5..25 {
        let g = gradient(&x, k);
        reference.step(0.5, &mut x, &g);
        let g = gradient(&y, k);
        resumed.step(0.5, &mut y, &g);
    }
    let same = |a: &F, b: &F| a.to_f64().to_bits() == b.to_f64().to_bits();
    assert!(x.iter().zip(&y).all(|(a, b)| same(a, b)));
    assert_eq!(reference.state(), resumed.state());
}

#[test]
fn an_optimiser_continues_from_its_state_with_the_same_bits() {
    let sgd = || Sgd::builder().momentum(0.9);
    restored_run_has_the_same_bits::<f32, _>(|| Sgd::builder().build().unwrap());
    restored_run_has_the_same_bits::<f32, _>(|| sgd().build().unwrap());
    restored_run_has_the_same_bits::<f64, _>(|| {
        Sgd::builder().momentum(0.9).nesterov(true).build().unwrap()
    });
    restored_run_has_the_same_bits::<f32, _>(|| Adam::builder().build().unwrap());
    restored_run_has_the_same_bits::<f64, _>(|| {
        Adam::builder().weight_decay(0.01).build().unwrap()
    });
}

#[test]
fn a_state_of_another_optimiser_or_size_is_refused() {
    let mut sgd = Sgd::<f32>::builder().momentum(0.5).build().unwrap();
    let mut adam = Adam::<f32>::builder().build().unwrap();
    sgd.step(1.0, &mut [0.0; 3], &[1.0; 3]);
    adam.step(1.0, &mut [0.0; 3], &[1.0; 3]);
    assert!(sgd.restore(adam.state()).is_err());
    assert!(adam.restore(sgd.state()).is_err());
    let slot = |name: &str, n: usize| (name.to_owned(), vec![1.0; n]);
    let error = sgd
        .restore(OptimizerState {
            steps: 1,
            slots: vec![slot("velocity", 4)],
        })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "velocity is a slot of length 4, but must be of length 3, the number of parameters"
    );
    let uneven = OptimizerState {
        steps: 1,
        slots: vec![slot("first_moment", 3), slot("second_moment", 2)],
    };
    assert!(Adam::builder().build().unwrap().restore(uneven).is_err());
    let negative = OptimizerState {
        steps: 1,
        slots: vec![
            slot("first_moment", 3),
            ("second_moment".into(), vec![-1.0; 3]),
        ],
    };
    assert!(adam.restore(negative).is_err());
    for bad in [f32::NAN, f32::INFINITY] {
        let slots = |at: usize| {
            let mut slots = vec![slot("first_moment", 3), slot("second_moment", 3)];
            slots[at].1[2] = bad;
            OptimizerState { steps: 1, slots }
        };
        assert_eq!(adam.restore(slots(0)).unwrap_err().argument, "first_moment");
        assert_eq!(
            adam.restore(slots(1)).unwrap_err().argument,
            "second_moment"
        );
        let velocity = OptimizerState {
            steps: 1,
            slots: vec![("velocity".into(), vec![0.0, bad, 0.0])],
        };
        assert_eq!(sgd.restore(velocity).unwrap_err().argument, "velocity");
    }
    // What was refused has changed nothing, and a fresh state resets.
    assert_eq!(sgd.state().steps, 1);
    sgd.restore(Sgd::builder().momentum(0.5).build().unwrap().state())
        .unwrap();
    assert_eq!(sgd.state().steps, 0);
}

#[test]
fn settings_outside_their_domain_are_typed_errors() {
    let bad = [f64::NAN, f64::INFINITY, -0.1, 0.0];
    for x in bad {
        let sgd = Sgd::<f32>::builder().learning_rate(x).build();
        assert_eq!(sgd.unwrap_err().argument, "learning_rate", "{x}");
        let adam = Adam::<f32>::builder().learning_rate(x).build();
        assert_eq!(adam.unwrap_err().argument, "learning_rate", "{x}");
        let adam = Adam::<f32>::builder().epsilon(x).build();
        assert_eq!(adam.unwrap_err().argument, "epsilon", "{x}");
    }
    for x in [f64::NAN, 1.0, -0.1, f64::INFINITY] {
        let sgd = Sgd::<f32>::builder().momentum(x).build();
        assert_eq!(sgd.unwrap_err().argument, "momentum", "{x}");
        let adam = Adam::<f32>::builder().beta1(x).build();
        assert_eq!(adam.unwrap_err().argument, "beta1", "{x}");
        let adam = Adam::<f32>::builder().beta2(x).build();
        assert_eq!(adam.unwrap_err().argument, "beta2", "{x}");
    }
    for x in [f64::NAN, -0.1, f64::INFINITY] {
        let adam = Adam::<f32>::builder().weight_decay(x).build();
        assert_eq!(adam.unwrap_err().argument, "weight_decay", "{x}");
    }
    // Fine in f64; in f32 a zero learning rate, a decay of 1, an ε of 0.
    assert!(Sgd::<f64>::builder().learning_rate(1e-60).build().is_ok());
    assert!(Sgd::<f32>::builder().learning_rate(1e-60).build().is_err());
    assert!(Adam::<f32>::builder().beta2(1.0 - 1e-9).build().is_err());
    assert!(Adam::<f32>::builder().epsilon(1e-60).build().is_err());
    assert!(Sgd::<f64>::builder().nesterov(true).build().is_err());
}

#[test]
fn momentum_can_change_in_between_but_not_appear() {
    let mut sgd = Sgd::builder()
        .learning_rate(1.0)
        .momentum(0.5)
        .build()
        .unwrap();
    let mut x = [0.0f64];
    sgd.step(1.0, &mut x, &[-1.0]);
    sgd.set_momentum(0.25).unwrap();
    sgd.step(1.0, &mut x, &[-1.0]);
    assert_eq!(x, [2.25]);
    assert!(sgd.set_momentum(0.0).is_err());
    assert!(sgd.set_momentum(f64::NAN).is_err());
}

#[test]
#[should_panic(expected = "an optimiser of 3 parameters got 2")]
fn another_number_of_parameters_is_refused_loudly() {
    let mut adam = Adam::<f64>::builder().build().unwrap();
    adam.step(1.0, &mut [0.0; 3], &[1.0; 3]);
    adam.step(1.0, &mut [0.0; 2], &[1.0; 2]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(20),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_bits_do_not_depend_on_where_a_parameter_sits_in_the_slice(
        x in prop::collection::vec(-1e3f32..1e3, 1..70),
        g in prop::collection::vec(-1e3f32..1e3, 70),
    ) {
        // Vector body and scalar tail of a pass agree: the whole equals one at a time.
        let mut whole = x.clone();
        let mut adam = Adam::builder().weight_decay(0.1).build().unwrap();
        let mut nesterov = Sgd::builder().momentum(0.7).nesterov(true).build().unwrap();
        for _ in 0..3 {
            adam.step(0.3, &mut whole, &g[..x.len()]);
            nesterov.step(0.3, &mut whole, &g[..x.len()]);
        }
        for (i, &x) in x.iter().enumerate() {
            let mut one = [x];
            let mut adam = Adam::builder().weight_decay(0.1).build().unwrap();
            let mut nesterov = Sgd::builder().momentum(0.7).nesterov(true).build().unwrap();
            for _ in 0..3 {
                adam.step(0.3, &mut one, &g[i..=i]);
                nesterov.step(0.3, &mut one, &g[i..=i]);
            }
            prop_assert_eq!(one[0].to_bits(), whole[i].to_bits());
        }
    }
}
