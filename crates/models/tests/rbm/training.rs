//! Training: exact likelihood reached, exact expectation of the gradient, penalties, stopping.

use std::ops::ControlFlow;

use ergodic_models::rbm::{
    Algorithm, Data, OptimizerKind, Rbm, Sparsity, StopReason, TrainSettings, Trainer,
};

use crate::common::{Conditionals, bars_and_stripes, bits};

fn go_on(_: &ergodic_models::rbm::EpochReport) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The exact mean log-likelihood of 4×4 bars and stripes after training; at best
/// −log 30 = −3.401197.
fn learned(settings: TrainSettings) -> f64 {
    let rows = bars_and_stripes(4);
    let data = Data::binary(30, 16, rows.clone()).unwrap();
    let mut trainer = Trainer::<f32>::new(settings, &data).unwrap();
    assert_eq!(trainer.run(&mut go_on).unwrap(), StopReason::Completed);
    trainer.model().mean_log_likelihood_exact(&rows).unwrap()
}

fn bars() -> TrainSettings {
    TrainSettings {
        hidden: 16,
        epochs: 6000,
        batch: 30,
        chains: 300,
        algorithm: Algorithm::Pcd { steps: 5 },
        learning_rate: 0.2,
        schedule: "linear:0.01".parse().unwrap(),
        weight_std: 0.1,
        ..TrainSettings::default()
    }
}

#[test]
fn pcd_learns_bars_and_stripes_to_near_the_best_possible_likelihood() {
    let ll = learned(bars());
    assert!((-3.6..-3.401197).contains(&ll), "{ll}");
}

#[test]
fn pcd_with_adam_and_averaging_learns_bars_and_stripes() {
    let ll = learned(TrainSettings {
        optimizer: OptimizerKind::Adam {
            beta1: 0.9,
            beta2: 0.999,
        },
        learning_rate: 0.02,
        average: 0.1,
        ..bars()
    });
    assert!((-3.6..-3.401197).contains(&ll), "{ll}");
}

#[test]
fn cd_with_many_steps_learns_bars_and_stripes() {
    let ll = learned(TrainSettings {
        algorithm: Algorithm::Cd { steps: 20 },
        epochs: 4000,
        ..bars()
    });
    assert!((-3.8..-3.401197).contains(&ll), "{ll}");
}

#[test]
fn centring_learns_bars_and_stripes() {
    let ll = learned(TrainSettings {
        centering: true,
        ..bars()
    });
    assert!((-3.6..-3.401197).contains(&ll), "{ll}");
}

/// Rows of three visible units: 8 patterns with unlike weights, 20,000 rows.
fn many_rows() -> (Data, Vec<f64>) {
    let counts = [6000, 1000, 500, 4500, 500, 3000, 500, 4000];
    let mut rows = Vec::new();
    for (s, n) in counts.iter().enumerate() {
        for _ in 0..*n {
            rows.extend(bits(s, 3));
        }
    }
    let law = counts.iter().map(|n| f64::from(*n) / 20_000.0).collect();
    (Data::binary(20_000, 3, rows).unwrap(), law)
}

/// Full-batch updates so small that the machine stands still.
fn still(algorithm: Algorithm) -> TrainSettings {
    TrainSettings {
        hidden: 2,
        epochs: 1000,
        batch: 20_000,
        chains: 20_000,
        algorithm,
        learning_rate: 1e-7,
        weight_std: 1.0,
        seed: 3,
        ..TrainSettings::default()
    }
}

/// The gradient of the next update, the machine before it.
fn gradient_of_next(trainer: &mut Trainer<f64>) -> (Vec<f64>, Rbm<f64>) {
    let before = trainer.current().clone();
    trainer.epoch().unwrap();
    let rate = trainer.settings().learning_rate;
    let after = trainer.current().parameters();
    let pairs = after.iter().zip(before.parameters());
    (pairs.map(|(a, b)| (a - b) / rate).collect(), before)
}

/// `⟨∂(−E)⟩` under a law of the visible units, in the layout of the parameters.
fn statistics(rbm: &Rbm<f64>, law: &[f64]) -> Vec<f64> {
    let (n, m) = (rbm.visible(), rbm.hidden());
    let mut out = vec![0.0; n * m + n + m];
    for (s, p) in law.iter().enumerate() {
        let v = bits(s, n);
        let q = Conditionals::of(rbm).hidden(&v);
        for i in 0..n {
            for j in 0..m {
                out[i * m + j] += p * f64::from(v[i]) * q[j];
            }
            out[n * m + i] += p * f64::from(v[i]);
        }
        for j in 0..m {
            out[n * m + n + j] += p * q[j];
        }
    }
    out
}

/// The model side is a mean of 20,000 independent numbers in `[0, 1]`: by Hoeffding one of the 11
/// entries is off by more than `t` with probability at most `22 exp(−40,000 t²)`, below 1e-6 at
/// this `t`.
const HOEFFDING: f64 = 0.0206;

#[track_caller]
fn agrees(found: &[f64], rbm: &Rbm<f64>, data: &[f64], model: &[f64]) {
    let (data, model) = (statistics(rbm, data), statistics(rbm, model));
    let mut largest = 0.0f64;
    for (k, found) in found.iter().enumerate() {
        let exact = data[k] - model[k];
        largest = largest.max(exact.abs());
        // 1e-8: the resolution of a parameter of size 4 divided by the learning rate.
        assert!(
            (found - exact).abs() < HOEFFDING + 1e-8,
            "{k}: {found} {exact}"
        );
    }
    assert!(largest > 4.0 * HOEFFDING, "no power: {largest}");
}

#[test]
fn the_pcd_gradient_at_stationarity_is_the_exact_gradient() {
    let (data, law) = many_rows();
    let mut trainer = Trainer::<f64>::new(still(Algorithm::Pcd { steps: 5 }), &data).unwrap();
    for _ in 0..20 {
        trainer.epoch().unwrap(); // 100 steps of a machine of five units
    }
    let (found, rbm) = gradient_of_next(&mut trainer);
    let log_z = rbm.log_z_exact().unwrap();
    let model: Vec<f64> = (0..8)
        .map(|s| (-rbm.free_energy(&bits(s, 3)) - log_z).exp())
        .collect();
    agrees(&found, &rbm, &law, &model);
    let rows: Vec<u8> = data.bits().unwrap().to_vec();
    let exact = rbm.log_likelihood_gradient_exact(&rows).unwrap();
    for (f, e) in found.iter().zip(exact) {
        assert!((f - e).abs() < HOEFFDING + 1e-8);
    }
}

#[test]
fn the_cd_gradient_is_that_of_k_exact_gibbs_steps_from_the_data() {
    let (data, law) = many_rows();
    for steps in [1, 2, 50] {
        let mut trainer = Trainer::<f64>::new(still(Algorithm::Cd { steps }), &data).unwrap();
        let (found, rbm) = gradient_of_next(&mut trainer);
        let mut model = law.clone();
        for _ in 0..steps {
            model = Conditionals::of(&rbm).step(&model);
        }
        // CD-1 of this machine is small: power is judged on the data side by the others.
        if steps == 1 {
            let (d, m) = (statistics(&rbm, &law), statistics(&rbm, &model));
            for (k, f) in found.iter().enumerate() {
                assert!((f - (d[k] - m[k])).abs() < HOEFFDING + 1e-8);
            }
        } else {
            agrees(&found, &rbm, &law, &model);
        }
    }
}

/// The offsets after the first update: add-one base rates, and 0.99·½ + 0.01 of the mean hidden
/// probability on data.
fn offsets(rbm: &Rbm<f64>, data: &Data, law: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let q = statistics(rbm, law);
    let q = &q[q.len() - rbm.hidden()..];
    let lambda = q.iter().map(|q| 0.495 + 0.01 * q).collect();
    (data.base_rates(), lambda)
}

#[test]
fn the_centred_gradient_is_that_of_the_centred_parametrisation() {
    let (data, law) = many_rows();
    let plain_settings = still(Algorithm::Cd { steps: 3 });
    let centred_settings = TrainSettings {
        centering: true,
        ..plain_settings.clone()
    };
    // The same seed: the same machine, the same draws, the same statistics.
    let (plain, rbm) = gradient_of_next(&mut Trainer::new(plain_settings, &data).unwrap());
    let (centred, same) = gradient_of_next(&mut Trainer::new(centred_settings, &data).unwrap());
    assert_eq!(rbm, same);
    let (mu, lambda) = offsets(&rbm, &data, &law);
    let (n, m) = (3, 2);
    // E = −(v−μ)ᵀW(h−λ) − b′·(v−μ) − c′·(h−λ) has the plain biases b = b′ − Wλ, c = c′ − Wᵀμ. Chain
    // rule: ∂/∂W′ᵢⱼ = ∂/∂Wᵢⱼ − λⱼ ∂/∂bᵢ − μᵢ ∂/∂cⱼ, and b′, c′ have the derivatives of b, c. A step
    // along that, back in plain parameters: Δb = Δb′ − ΔW λ, Δc = Δc′ − ΔWᵀμ.
    let (b, c) = (&plain[n * m..n * m + n], &plain[n * m + n..]);
    let mut expected = plain.clone();
    let mut squared = 0.0;
    for i in 0..n {
        for j in 0..m {
            let w = plain[i * m + j] - lambda[j] * b[i] - mu[i] * c[j];
            expected[i * m + j] = w;
            expected[n * m + i] -= w * lambda[j];
            expected[n * m + n + j] -= w * mu[i];
            squared += w * w;
        }
    }
    squared += b.iter().chain(c).map(|x| x * x).sum::<f64>();
    for (found, exact) in centred.iter().zip(&expected) {
        assert!((found - exact).abs() < 5e-8, "{found} {exact}");
    }
    // An ascent direction: its product with the plain gradient is the squared norm of the
    // gradient in the centred parameters.
    let product: f64 = centred.iter().zip(&plain).map(|(a, b)| a * b).sum();
    assert!(
        (product - squared).abs() < 1e-6 && squared > 1e-3,
        "{product} {squared}"
    );
}

#[test]
fn penalties_and_sparsity_add_their_terms_to_the_gradient() {
    let (data, law) = many_rows();
    let settings = still(Algorithm::Cd { steps: 1 });
    let (plain, rbm) = gradient_of_next(&mut Trainer::new(settings.clone(), &data).unwrap());
    let penalised = TrainSettings {
        l1: 0.03,
        l2: 0.2,
        sparsity: Some(Sparsity {
            target: 0.1,
            strength: 2.0,
        }),
        ..settings
    };
    let (found, _) = gradient_of_next(&mut Trainer::new(penalised, &data).unwrap());
    let (_, q) = offsets(&rbm, &data, &law);
    for k in 0..plain.len() {
        // Ascent: penalties pull down.
        let term = if k < 6 {
            let w = rbm.weights()[k];
            -0.2 * w - 0.03 * w.signum()
        } else if k < 9 {
            0.0
        } else {
            -2.0 * (q[k - 9] - 0.1)
        };
        assert!((found[k] - plain[k] - term).abs() < 5e-8, "{k}");
    }
}

#[test]
fn l2_shrinks_and_l1_empties_the_weights_of_independent_data() {
    // Every pattern once: the best machine has no weights, and the penalty keeps them away.
    let rows: Vec<u8> = (0..16).flat_map(|s| bits(s, 4)).collect();
    let data = Data::binary(16, 4, rows).unwrap();
    let norm = |l1, l2| {
        let settings = TrainSettings {
            hidden: 3,
            epochs: 1500,
            batch: 16,
            chains: 200,
            l1,
            l2,
            weight_std: 1.0,
            schedule: "linear:0.01".parse().unwrap(),
            ..TrainSettings::default()
        };
        let mut trainer = Trainer::<f64>::new(settings, &data).unwrap();
        trainer.run(&mut go_on).unwrap();
        let w = trainer.model();
        w.weights().iter().map(|w| w.abs()).fold(0.0, f64::max)
    };
    let free = norm(0.0, 0.0);
    assert!(norm(0.0, 0.1) < 0.5 * free, "l2");
    assert!(norm(0.05, 0.0) < 0.5 * free, "l1");
}

#[test]
fn sparsity_pulls_the_mean_hidden_activation_to_its_target() {
    let rows = bars_and_stripes(3);
    let data = Data::binary(14, 9, rows.clone()).unwrap();
    let activity = |sparsity| {
        let settings = TrainSettings {
            hidden: 6,
            epochs: 3000,
            batch: 14,
            chains: 100,
            sparsity,
            weight_std: 0.1,
            ..TrainSettings::default()
        };
        let mut trainer = Trainer::<f64>::new(settings, &data).unwrap();
        trainer.run(&mut go_on).unwrap();
        let model = trainer.model();
        let mut mean = [0.0; 6];
        for v in rows.chunks(9) {
            for (m, q) in mean.iter_mut().zip(model.hidden_probabilities(v)) {
                *m += q / 14.0;
            }
        }
        mean.iter().map(|m| (m - 0.15).abs()).fold(0.0, f64::max)
    };
    let pulled = activity(Some(Sparsity {
        target: 0.15,
        strength: 5.0,
    }));
    assert!(pulled < 0.05, "{pulled}");
    assert!(activity(None) > 0.2);
}

#[test]
fn the_average_is_the_mean_of_the_last_epochs() {
    let data = Data::binary(14, 9, bars_and_stripes(3)).unwrap();
    let settings = TrainSettings {
        hidden: 3,
        epochs: 10,
        batch: 5,
        chains: 11,
        average: 0.4,
        weight_std: 0.5,
        learning_rate: 0.5,
        ..TrainSettings::default()
    };
    let mut trainer = Trainer::<f64>::new(settings, &data).unwrap();
    let mut sum = vec![0.0; trainer.current().parameters().len()];
    for epoch in 1..=10 {
        trainer.epoch().unwrap();
        if epoch <= 6 {
            assert_eq!(trainer.model(), *trainer.current());
            continue;
        }
        for (s, p) in sum.iter_mut().zip(trainer.current().parameters()) {
            *s += p;
        }
        let n = f64::from(epoch - 6);
        for (a, s) in trainer.model().parameters().iter().zip(&sum) {
            assert!((a - s / n).abs() < 1e-14);
        }
    }
    assert_ne!(trainer.model(), *trainer.current());
}

#[test]
fn early_stopping_ends_after_patience_and_returns_the_best_model() {
    // Twelve training rows against forty hidden units: over-fitting.
    let mut rows = Vec::new();
    for k in 0..24usize {
        rows.extend(bits(k.wrapping_mul(2654435761) >> 7 & 0xff, 8));
    }
    let data = Data::binary(24, 8, rows).unwrap();
    let settings = TrainSettings {
        hidden: 40,
        epochs: 5000,
        batch: 12,
        chains: 50,
        validation_fraction: 0.5,
        evaluate_every: 10,
        patience: 3,
        ..TrainSettings::default()
    };
    let mut trainer = Trainer::<f32>::new(settings, &data).unwrap();
    assert_eq!(
        (trainer.training_rows(), trainer.validation_rows()),
        (12, 12)
    );
    let mut seen = Vec::new();
    let mut models = Vec::new();
    let mut previous = None;
    let reason = loop {
        let mut stopped = None;
        let reason = trainer
            .run(&mut |report| {
                stopped = Some(report.clone());
                ControlFlow::Break(())
            })
            .unwrap();
        if reason != StopReason::Interrupted {
            break reason;
        }
        let report = stopped.unwrap();
        assert_ne!(previous.replace(report.epoch), Some(report.epoch));
        assert_eq!(
            report.validation_log_likelihood.is_some(),
            report.epoch % 10 == 0
        );
        if let Some(ll) = report.validation_log_likelihood {
            seen.push((ll, report.epoch));
            models.push(trainer.model());
        }
    };
    assert_eq!(reason, StopReason::EarlyStopped);
    let best = (0..seen.len())
        .reduce(|a, b| if seen[b].0 > seen[a].0 { b } else { a })
        .unwrap();
    assert_eq!(
        seen.len(),
        best + 1 + 3,
        "three evaluations without improvement"
    );
    let (model, epoch) = trainer.best();
    assert_eq!(epoch, seen[best].1);
    assert_eq!(model, models[best]);
}

#[test]
fn reported_likelihoods_are_near_the_exact_ones() {
    let rows = bars_and_stripes(3);
    let data = Data::binary(14, 9, rows.clone()).unwrap();
    let settings = TrainSettings {
        hidden: 8,
        epochs: 300,
        batch: 14,
        chains: 100,
        evaluate_every: 100,
        ..TrainSettings::default()
    };
    let mut trainer = Trainer::<f64>::new(settings, &data).unwrap();
    for epoch in 1..=300 {
        let report = trainer.epoch().unwrap();
        let Some(found) = report.train_log_likelihood else {
            assert_ne!(epoch % 100, 0);
            continue;
        };
        let model = trainer.model();
        let exact = model.mean_log_likelihood_exact(&rows).unwrap();
        // 128 runs of 500 steps on 17 units: far more than six standard errors.
        assert!((found - exact).abs() < 0.1, "{found} {exact}");
        let pseudo = model.pseudo_log_likelihood(&rows).unwrap();
        assert_eq!(report.pseudo_log_likelihood, Some(pseudo));
    }
}

#[test]
fn a_learning_rate_that_diverges_is_a_typed_error() {
    let data = Data::binary(14, 9, bars_and_stripes(3)).unwrap();
    let settings = TrainSettings {
        hidden: 3,
        batch: 2, // it diverges between two updates of an epoch
        epochs: 2000,
        l2: 1.0,
        learning_rate: 1e3,
        ..TrainSettings::default()
    };
    let mut trainer = Trainer::<f32>::new(settings, &data).unwrap();
    let e = trainer.run(&mut go_on).unwrap_err();
    assert_eq!(e.argument, "learning_rate");
}

#[test]
fn training_until_stopped_may_have_any_number_of_epochs() {
    let data = Data::binary(14, 9, bars_and_stripes(3)).unwrap();
    let settings = TrainSettings {
        hidden: 3,
        epochs: usize::MAX,
        batch: 1,
        ..TrainSettings::default()
    };
    let mut trainer = Trainer::<f32>::new(settings, &data).unwrap();
    assert!(trainer.epoch().is_ok());
}
