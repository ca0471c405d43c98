//! Bad input: every public constructor names the argument.

use ergodic_core::ArgumentError;
use ergodic_free_energy::{AisSettings, FreeEnergyError, RaiseSettings};
use ergodic_models::rbm::{
    Algorithm, Data, MAX_ENUMERATED, OptimizerKind, Rbm, RbmPath, Sparsity, TrainSettings, Trainer,
};

use crate::common::oracle;

#[track_caller]
fn names<T>(outcome: Result<T, ArgumentError>, argument: &str) {
    let e = outcome.err().expect("accepted");
    assert_eq!(e.argument, argument, "{e}");
    assert!(!e.found.is_empty() && !e.allowed.is_empty());
}

#[test]
fn machines_name_bad_arguments() {
    names(Rbm::<f32>::zeros(0, 1), "visible");
    names(Rbm::<f32>::zeros(1, 0), "hidden");
    names(Rbm::<f32>::zeros((1 << 24) + 1, 1), "visible");
    names(
        Rbm::<f64>::from_parameters(2, 2, vec![0.0; 7]),
        "parameters",
    );
    for bad in [f32::NAN, f32::INFINITY] {
        let parameters = vec![0.0, 0.0, bad];
        names(Rbm::from_parameters(1, 1, parameters), "parameters");
    }
    for bad in [0.0, 1.0, -0.1, 1.5, f64::NAN] {
        names(Rbm::<f32>::from_base_rates(&[0.5, bad], 1, 0.1, 1), "rates");
        names(RbmPath::new(&oracle(), &[bad; 6]), "rates");
    }
    names(Rbm::<f32>::from_base_rates(&[], 1, 0.1, 1), "visible");
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let outcome = Rbm::<f32>::from_base_rates(&[0.5], 1, bad, 1);
        names(outcome, "weight_std");
    }
    names(RbmPath::new(&oracle(), &[0.5; 5]), "base_rates");
}

#[test]
fn a_weight_std_beyond_the_range_of_the_parameters_is_a_typed_error() {
    names(
        Rbm::<f32>::from_base_rates(&[0.5; 9], 9, 1e300, 1),
        "weight_std",
    );
    names(
        Rbm::<f64>::from_base_rates(&[0.5; 9], 9, 1.7e308, 1),
        "weight_std",
    );
}

#[test]
fn rows_that_do_not_fit_are_typed_errors() {
    let rbm = oracle();
    for rows in [&[][..], &[1; 7][..]] {
        names(rbm.pseudo_log_likelihood(rows), "rows");
        names(rbm.mean_log_likelihood_exact(rows), "rows");
        names(rbm.log_likelihood_gradient_exact(rows), "rows");
    }
    names(rbm.block(vec![0; 7]), "visible");
    names(rbm.block(vec![0, 1, 2, 0, 0, 0]), "visible");
    let settings = RaiseSettings::default();
    for rows in [vec![], vec![1; 7], vec![2; 6]] {
        let outcome = rbm.annealed_log_likelihood(&rows, &[0.5; 6], &settings, &|_| ());
        assert!(matches!(outcome, Err(FreeEnergyError::Argument(_))));
    }
}

#[test]
fn enumerations_that_are_too_large_are_refused() {
    let n = MAX_ENUMERATED + 1;
    let rbm = Rbm::<f32>::zeros(n, n).unwrap();
    names(rbm.log_z_exact(), "min(visible, hidden)");
    names(
        rbm.mean_log_likelihood_exact(&vec![0; n]),
        "min(visible, hidden)",
    );
    names(Rbm::<f32>::zeros(21, 1).unwrap().exact_moments(), "visible");
    let settings = AisSettings {
        runs: 0,
        ..AisSettings::default()
    };
    let outcome = rbm.log_z(&vec![0.5; n], &settings, &|_| ());
    assert!(matches!(outcome, Err(FreeEnergyError::Argument(e)) if e.argument == "runs"));
}

#[test]
fn data_name_bad_arguments_and_where_they_are() {
    names(Data::binary(0, 3, vec![]), "rows");
    names(Data::binary(3, 0, vec![]), "visible");
    names(Data::binary(2, 3, vec![0; 5]), "values");
    names(Data::binary(usize::MAX, 2, vec![0; 5]), "values");
    let e = Data::binary(2, 3, vec![0, 0, 0, 0, 7, 0]).unwrap_err();
    assert_eq!(
        e.to_string(),
        "bits is 7 in row 1, column 1, but must be 0 or 1"
    );
    for bad in [-0.1, 1.1, f32::NAN] {
        names(Data::probabilities(1, 2, vec![0.5, bad]), "values");
    }
    let data = Data::binary(2, 1, vec![0, 1]).unwrap();
    names(data.select(&[0, 2]), "rows");
    names(data.select(&[]), "rows");
    for bad in [-0.1, 1.0, f64::NAN] {
        names(data.split(bad, 1), "fraction");
    }
    // Both rows would go: nothing would be left to train on.
    assert!(data.split(0.9, 1).is_err());
}

#[test]
fn the_parts_of_a_split_are_the_whole() {
    let bits: Vec<u8> = (0..64 * 6)
        .map(|k| (((k / 6) >> (k % 6)) & 1) as u8)
        .collect();
    let data = Data::binary(64, 6, bits).unwrap();
    let (rest, part) = data.split(0.25, 3).unwrap();
    let part = part.unwrap();
    assert_eq!((rest.rows(), part.rows()), (48, 16));
    let mut seen: Vec<&[u8]> = [&rest, &part]
        .iter()
        .flat_map(|d| d.bits().unwrap().chunks(6))
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 64);
    assert_eq!(data.split(0.25, 3).unwrap().0, rest);
    assert_ne!(data.split(0.25, 4).unwrap().0, rest);
    assert_eq!(data.split(0.0, 3).unwrap(), (data, None));
}

#[test]
fn settings_name_what_is_out_of_its_domain() {
    type Change = fn(&mut TrainSettings);
    let changes: [(&str, Change); 25] = [
        ("hidden", |s| s.hidden = 0),
        ("epochs", |s| s.epochs = 0),
        ("batch", |s| s.batch = 0),
        ("chains", |s| s.chains = 0),
        ("steps", |s| s.algorithm = Algorithm::Pcd { steps: 0 }),
        ("steps", |s| s.algorithm = Algorithm::Cd { steps: 0 }),
        ("learning_rate", |s| s.learning_rate = 0.0),
        ("learning_rate", |s| s.learning_rate = f64::NAN),
        ("learning_rate", |s| s.learning_rate = f64::INFINITY),
        ("l1", |s| s.l1 = -1.0),
        ("l1", |s| s.l1 = f64::NAN),
        ("l2", |s| s.l2 = f64::INFINITY),
        ("weight_std", |s| s.weight_std = -0.1),
        ("strength", |s| {
            s.sparsity = Some(Sparsity {
                target: 0.1,
                strength: -1.0,
            });
        }),
        ("target", |s| {
            s.sparsity = Some(Sparsity {
                target: 0.0,
                strength: 1.0,
            });
        }),
        ("target", |s| {
            s.sparsity = Some(Sparsity {
                target: f64::NAN,
                strength: 1.0,
            });
        }),
        ("validation_fraction", |s| s.validation_fraction = 1.0),
        ("validation_fraction", |s| s.validation_fraction = f64::NAN),
        ("average", |s| s.average = 1.1),
        ("average", |s| s.average = f64::NAN),
        ("patience", |s| s.patience = 1),
        ("patience", |s| (s.patience, s.evaluate_every) = (1, 1)),
        ("momentum", |s| {
            s.optimizer = OptimizerKind::Sgd { momentum: 1.0 }
        }),
        ("beta1", |s| {
            s.optimizer = OptimizerKind::Adam {
                beta1: -0.1,
                beta2: 0.9,
            }
        }),
        ("beta2", |s| {
            s.optimizer = OptimizerKind::Adam {
                beta1: 0.9,
                beta2: 1.0,
            }
        }),
    ];
    let data = Data::binary(2, 2, vec![0, 1, 1, 0]).unwrap();
    assert!(TrainSettings::default().check().is_ok());
    for (argument, change) in changes {
        let mut settings = TrainSettings::default();
        change(&mut settings);
        names(settings.check(), argument);
        names(Trainer::<f32>::new(settings, &data), argument);
    }
    // The step size is checked in the precision of the parameters.
    let settings = TrainSettings {
        optimizer: OptimizerKind::Sgd {
            momentum: 1.0 - 1e-12,
        },
        ..TrainSettings::default()
    };
    names(Trainer::<f32>::new(settings.clone(), &data), "momentum");
    assert!(Trainer::<f64>::new(settings, &data).is_ok());
}

#[test]
fn more_chains_than_memory_can_hold_are_a_typed_error() {
    let data = Data::binary(2, 2, vec![0, 1, 1, 0]).unwrap();
    let settings = TrainSettings {
        chains: usize::MAX,
        ..TrainSettings::default()
    };
    names(Trainer::<f32>::new(settings, &data), "chains");
}
