//! Energies, marginals, likelihoods and gradients against enumeration and stored exact values.

use ergodic_core::Energy;
use ergodic_models::rbm::Rbm;
use proptest::prelude::*;

use crate::common::{
    Conditionals, bits, brute_log_z, for_all, log_sum_exp, machines, oracle, random, softplus,
    to_f32, transposed, twice,
};

#[test]
fn the_oracle_machine_has_its_exact_log_z_from_either_layer() {
    let rbm = oracle();
    assert!((rbm.log_z_exact().unwrap() - 6.971258118926752).abs() < 1e-12);
    assert!((transposed(&rbm).log_z_exact().unwrap() - 6.971258118926752).abs() < 1e-12);
}

#[test]
fn the_oracle_machine_has_its_exact_entropy_and_means() {
    let moments = oracle().exact_moments().unwrap();
    assert!((moments.log_z - 6.971258118926752).abs() < 1e-12);
    assert!((moments.visible_entropy - 4.137436851901747).abs() < 1e-12);
    let means = [
        0.5697524126,
        0.4736711432,
        0.5219112707,
        0.4521252144,
        0.4993910165,
        0.5005579506,
    ];
    for (found, exact) in moments.visible.iter().zip(means) {
        assert!((found - exact).abs() < 6e-11, "{found} {exact}");
    }
}

#[test]
fn the_oracle_machine_has_its_exact_likelihood_and_gradient() {
    // Most significant bit first.
    let rows: Vec<u8> = [7usize, 21, 42, 63]
        .into_iter()
        .flat_map(|s| bits(s, 6).into_iter().rev())
        .collect();
    let rbm = oracle();
    let ll = rbm.mean_log_likelihood_exact(&rows).unwrap();
    assert!((ll + 4.0777120869348105).abs() < 1e-12, "{ll}");
    let gradient = rbm.log_likelihood_gradient_exact(&rows).unwrap();
    let norm = gradient[..24].iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!((norm - 0.4812396880979444).abs() < 1e-12, "{norm}");
    assert!((gradient[0] + 0.011050723056344636).abs() < 1e-12);
}

#[test]
fn the_free_energy_sums_the_hidden_units_out() {
    for_all(64, (machines(5, 5, 3.0), 0usize..32), |(rbm, s)| {
        let v = bits(s, rbm.visible());
        let terms: Vec<f64> = (0..1 << rbm.hidden())
            .map(|h| -rbm.joint_energy(&v, &bits(h, rbm.hidden())))
            .collect();
        let exact = -log_sum_exp(&terms);
        assert!((rbm.free_energy(&v) - exact).abs() < 1e-12);
        assert_eq!(rbm.energy(&v), rbm.free_energy(&v));
        let p = Conditionals::of(&rbm).hidden(&v);
        for (found, exact) in rbm.hidden_probabilities(&v).iter().zip(p) {
            assert!((found - exact).abs() < 1e-14);
        }
        let h = bits(s, rbm.hidden());
        let p = Conditionals::of(&rbm).visible(&h);
        for (found, exact) in rbm.visible_probabilities(&h).iter().zip(p) {
            assert!((found - exact).abs() < 1e-14);
        }
    });
}

#[test]
fn the_energy_is_its_formula() {
    for_all(
        64,
        (machines(4, 4, 3.0), 0usize..16, 0usize..16),
        |(rbm, v, h)| {
            let (v, h) = (bits(v, rbm.visible()), bits(h, rbm.hidden()));
            let mut sum = 0.0;
            for i in 0..v.len() {
                sum += f64::from(v[i]) * rbm.visible_bias()[i];
                for j in 0..h.len() {
                    sum += f64::from(v[i] * h[j]) * rbm.weights()[i * h.len() + j];
                }
            }
            for j in 0..h.len() {
                sum += f64::from(h[j]) * rbm.hidden_bias()[j];
            }
            assert!((rbm.joint_energy(&v, &h) + sum).abs() < 1e-13);
        },
    );
}

#[test]
fn log_z_is_the_sum_over_all_joint_states_and_the_same_from_either_layer() {
    for_all(48, machines(6, 6, 4.0), |rbm| {
        let exact = brute_log_z(&rbm);
        assert!((rbm.log_z_exact().unwrap() - exact).abs() < 1e-12);
        assert!((transposed(&rbm).log_z_exact().unwrap() - exact).abs() < 1e-12);
    });
}

#[test]
fn log_z_of_independent_layers_is_a_sum_of_softplus_across_chunk_borders() {
    // W = 0: log Z = Σ log(1 + e^b) + Σ log(1 + e^c). 13 units take two chunks of 2¹² states, 14
    // take four.
    for n in [11, 12, 13, 14] {
        let mut rbm = Rbm::<f64>::zeros(n, 40).unwrap();
        let mut exact = 0.0;
        for (i, p) in rbm.parameters_mut()[n * 40..].iter_mut().enumerate() {
            *p = 3.0 * (i as f64).sin();
            exact += softplus(*p);
        }
        assert!((rbm.log_z_exact().unwrap() - exact).abs() < 1e-12 * exact);
        assert!((transposed(&rbm).log_z_exact().unwrap() - exact).abs() < 1e-12 * exact);
    }
}

#[test]
fn log_z_of_two_machines_side_by_side_is_the_sum_across_chunk_borders() {
    // 14 × 16 units take four chunks, each part of 7 × 8 one.
    let part = random::<f64>(7, 8, 2.0, 8);
    let exact = 2.0 * brute_log_z(&part);
    let both = twice(&part);
    assert!((both.log_z_exact().unwrap() - exact).abs() < 1e-12 * exact.abs());
    assert!((transposed(&both).log_z_exact().unwrap() - exact).abs() < 1e-12 * exact.abs());
}

#[test]
fn log_z_has_the_same_bits_for_any_number_of_threads() {
    let rbm = random::<f64>(14, 20, 1.0, 5);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build()
            .unwrap()
            .install(|| rbm.log_z_exact().unwrap().to_bits())
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn a_machine_of_large_weights_has_a_finite_log_z() {
    // Σ e^{b·v} with |inputs| up to 1e5: only the ground state counts.
    let rbm = Rbm::<f64>::from_parameters(2, 1, vec![1e5, -2e5, 3e4, 5e4, -1e4]).unwrap();
    // Best state: v = (1, 0), h = 1: 1e5 + 3e4 − 1e4; against v = (1, 1), h = 0: 8e4.
    assert_eq!(rbm.log_z_exact().unwrap(), 1.2e5);
}

#[test]
fn the_gradient_is_the_derivative_of_the_exact_likelihood() {
    let cases = (
        machines(4, 4, 2.0),
        prop::collection::vec(0usize..16, 1..=5),
    );
    for_all(24, cases, |(rbm, rows)| {
        let data: Vec<u8> = rows.iter().flat_map(|s| bits(*s, rbm.visible())).collect();
        let gradient = rbm.log_likelihood_gradient_exact(&data).unwrap();
        let step = 1e-4;
        for k in 0..gradient.len() {
            let at = |shift: f64| {
                let mut moved = rbm.clone();
                moved.parameters_mut()[k] += shift;
                moved.mean_log_likelihood_exact(&data).unwrap()
            };
            // Fourth order: error ≲ step⁴/30 · 5th derivative + 1e-15/step.
            let slope =
                (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step);
            assert!((slope - gradient[k]).abs() < 1e-9, "{k}");
        }
    });
}

#[test]
fn the_pseudo_likelihood_is_the_mean_log_conditional_of_every_pixel() {
    let cases = (
        machines(5, 4, 3.0),
        prop::collection::vec(0usize..32, 1..=4),
    );
    for_all(48, cases, |(rbm, rows)| {
        let n = rbm.visible();
        let mut exact = 0.0;
        for s in rows.iter().map(|s| s & ((1 << n) - 1)) {
            for i in 0..n {
                let here = -rbm.free_energy(&bits(s, n));
                let flipped = -rbm.free_energy(&bits(s ^ 1 << i, n));
                exact += here - log_sum_exp(&[here, flipped]);
            }
        }
        exact /= rows.len() as f64;
        let data: Vec<u8> = rows.iter().flat_map(|s| bits(*s, n)).collect();
        let found = rbm.pseudo_log_likelihood(&data).unwrap();
        assert!((found - exact).abs() < 1e-12, "{found} {exact}");
    });
}

#[test]
fn an_f32_machine_has_the_energies_of_its_parameters_in_f64() {
    for_all(16, machines(5, 4, 3.0), |rbm| {
        let narrow = to_f32(&rbm);
        let wide = narrow.to_f64();
        assert_eq!(narrow.log_z_exact().unwrap(), wide.log_z_exact().unwrap());
        for s in 0..1 << rbm.visible() {
            let v = bits(s, rbm.visible());
            assert_eq!(narrow.free_energy(&v), wide.free_energy(&v));
        }
    });
}

#[test]
fn base_rates_without_weights_give_exactly_the_independent_law() {
    let rates = [0.9, 0.02, 0.5, 0.3];
    let rbm = Rbm::<f64>::from_base_rates(&rates, 3, 0.0, 7).unwrap();
    let law = crate::common::independent(&rates);
    let log_z = rbm.log_z_exact().unwrap();
    for (s, p) in law.iter().enumerate() {
        let log_p = -rbm.free_energy(&bits(s, 4)) - log_z;
        assert!((log_p - p.ln()).abs() < 1e-13);
    }
}

#[test]
fn the_stated_error_of_log_z_covers_what_a_dead_unit_with_huge_weights_does() {
    // A visible unit that is never on, with weights and a bias so large that its passing by loses
    // digits of the running inputs: log Z is that of the machine without it.
    let small = crate::common::random::<f64>(12, 14, 1.0, 5);
    let exact = small.log_z_exact().unwrap();
    for scale in [1e3, 1e6, 1e8] {
        let mut parameters = vec![scale; 14];
        parameters.extend_from_slice(small.weights());
        parameters.push(-20.0 * scale);
        parameters.extend_from_slice(small.visible_bias());
        parameters.extend_from_slice(small.hidden_bias());
        let padded = Rbm::from_parameters(13, 14, parameters).unwrap();
        let found = padded.log_z_exact().unwrap();
        let stated = padded.log_z_exact_error(found);
        assert!((found - exact).abs() <= stated, "{found} {exact} {stated}");
    }
    assert!(small.log_z_exact_error(exact) < 1e-9);
}
