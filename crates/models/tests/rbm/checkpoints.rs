//! Files: bits that come back, atomic writes under SIGKILL, and typed errors for damaged files.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ergodic_core::Randomness;
use ergodic_math::rng;
use ergodic_models::rbm::{
    Algorithm, Data, OptimizerKind, Rbm, StopReason, TrainSettings, Trainer, Unit, write_atomically,
};

use crate::common::random;

fn binary() -> Data {
    let bits = (0..20 * 5).map(|i| u8::from((i * i) % 7 < 3)).collect();
    Data::binary(20, 5, bits).unwrap()
}

fn grey() -> Data {
    let values = (0..20 * 5).map(|i| (i % 11) as f32 / 10.0).collect();
    Data::probabilities(20, 5, values).unwrap()
}

fn settings() -> TrainSettings {
    TrainSettings {
        hidden: 4,
        epochs: 6,
        batch: 6,
        chains: 7,
        optimizer: OptimizerKind::Sgd { momentum: 0.5 },
        schedule: "linear:0.1".parse().unwrap(),
        weight_std: 0.3,
        seed: 4,
        ..TrainSettings::default()
    }
}

const ADAM: OptimizerKind = OptimizerKind::Adam {
    beta1: 0.9,
    beta2: 0.999,
};

/// What a trainer has to show, and its checkpoint as bytes.
fn bytes<F: Unit>(trainer: &Trainer<F>, folder: &Path) -> Vec<u8> {
    let path = folder.join("bytes.safetensors");
    trainer.checkpoint(&path).unwrap();
    std::fs::read(&path).unwrap()
}

fn resumed_is_straight<F: Unit>(settings: &TrainSettings, data: &Data, what: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.safetensors");
    let mut straight = Trainer::<F>::new(settings.clone(), data).unwrap();
    let reports: Vec<_> = (0..6).map(|_| straight.epoch().unwrap()).collect();
    for half in [0, 1, 3, 5] {
        let mut first = Trainer::<F>::new(settings.clone(), data).unwrap();
        for _ in 0..half {
            first.epoch().unwrap();
        }
        first
            .checkpoint(&path)
            .unwrap_or_else(|e| panic!("{what}, epoch {half}: {e}"));
        let mut second = Trainer::<F>::resume(&path, data).unwrap();
        assert_eq!(second.settings(), settings);
        assert_eq!(second.epochs_done(), half);
        assert_eq!(bytes(&second, folder.path()), std::fs::read(&path).unwrap());
        for report in &reports[half..] {
            assert_eq!(second.epoch().unwrap(), *report, "{what}, from {half}");
        }
        assert!(
            bytes(&second, folder.path()) == bytes(&straight, folder.path()),
            "{what}: the checkpoints after epoch 6 differ, resumed after {half}"
        );
        assert_eq!(second.model(), straight.model());
        assert_eq!(second.best(), straight.best());
    }
}

#[test]
fn a_resumed_run_has_the_bits_of_a_straight_one() {
    for algorithm in [Algorithm::Pcd { steps: 2 }, Algorithm::Cd { steps: 2 }] {
        for optimizer in [OptimizerKind::Sgd { momentum: 0.5 }, ADAM] {
            for (data, kind) in [(binary(), "bits"), (grey(), "grey")] {
                let settings = TrainSettings {
                    algorithm,
                    optimizer,
                    ..settings()
                };
                let what = format!("{algorithm:?}, {optimizer:?}, {kind}");
                resumed_is_straight::<f32>(&settings, &data, &what);
            }
        }
    }
    let plain = TrainSettings {
        optimizer: OptimizerKind::Sgd { momentum: 0.0 },
        centering: true,
        ..settings()
    };
    resumed_is_straight::<f64>(&plain, &grey(), "centred, f64");
}

#[test]
fn a_resumed_run_has_the_bits_of_a_straight_one_with_averaging_and_validation() {
    let settings = TrainSettings {
        optimizer: ADAM,
        average: 0.8,
        validation_fraction: 0.25,
        evaluate_every: 2,
        patience: 2,
        ..settings()
    };
    resumed_is_straight::<f32>(&settings, &binary(), "averaging, validation");
    resumed_is_straight::<f64>(&settings, &grey(), "averaging, validation, f64");
}

#[test]
fn a_run_that_stopped_early_stays_stopped_after_resume() {
    let settings = TrainSettings {
        epochs: 400,
        learning_rate: 2.0,
        validation_fraction: 0.25,
        evaluate_every: 1,
        patience: 1,
        ..settings()
    };
    let data = binary();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stopped.safetensors");
    let mut trainer = Trainer::<f32>::new(settings, &data).unwrap();
    let go_on = &mut |_: &_| ControlFlow::Continue(());
    assert_eq!(trainer.run(go_on).unwrap(), StopReason::EarlyStopped);
    let epoch = trainer.epochs_done();
    trainer.checkpoint(&path).unwrap();
    let mut resumed = Trainer::<f32>::resume(&path, &data).unwrap();
    assert_eq!(resumed.run(go_on).unwrap(), StopReason::EarlyStopped);
    assert_eq!(resumed.epochs_done(), epoch);
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let run = |seed| {
        let settings = TrainSettings { seed, ..settings() };
        let mut trainer = Trainer::<f32>::new(settings, &grey()).unwrap();
        trainer.run(&mut |_| ControlFlow::Continue(())).unwrap();
        bytes(&trainer, folder.path())
    };
    assert!(run(4) == run(4));
    assert!(run(4) != run(5));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let settings = TrainSettings {
            evaluate_every: 3,
            validation_fraction: 0.2,
            ..settings()
        };
        let mut trainer = Trainer::<f32>::new(settings, &grey()).unwrap();
        pool.build().unwrap().install(|| {
            trainer.run(&mut |_| ControlFlow::Continue(())).unwrap();
            bytes(&trainer, folder.path())
        })
    };
    assert!(on(1) == on(3));
}

fn model_round_trip<F: Unit>() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let mut rbm = random::<F>(5, 3, 1.0, 6);
    rbm.parameters_mut()[0] = F::from_f64(-0.0);
    rbm.parameters_mut()[1] = F::from_f64(1e-40); // subnormal in f32
    let metadata: BTreeMap<String, String> = ["z", "a", "größe"]
        .into_iter()
        .map(|k| (k.to_owned(), format!("\"{k}\"\n")))
        .collect();
    rbm.save(&a, &metadata).unwrap();
    rbm.save(&b, &metadata).unwrap();
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    let (loaded, found) = Rbm::<F>::load(&a).unwrap();
    let bits = |r: &Rbm<F>| -> Vec<u64> {
        let p = r.parameters().iter();
        p.map(|p| p.to_f64().to_bits()).collect()
    };
    assert_eq!(bits(&loaded), bits(&rbm));
    assert_eq!(found, metadata);
    loaded.save(&b, &found).unwrap();
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
}

#[test]
fn a_model_comes_back_with_its_bits_and_equal_models_are_equal_files() {
    model_round_trip::<f32>();
    model_round_trip::<f64>();
}

#[test]
fn a_checkpoint_serves_as_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c");
    let mut trainer = Trainer::<f32>::new(settings(), &binary()).unwrap();
    trainer.epoch().unwrap();
    trainer.checkpoint(&path).unwrap();
    assert_eq!(Rbm::<f32>::load(&path).unwrap().0, *trainer.current());
}

/// A checkpoint with every optional part in it.
fn full_checkpoint(path: &Path) -> Data {
    let settings = TrainSettings {
        optimizer: ADAM,
        average: 1.0,
        validation_fraction: 0.25,
        evaluate_every: 1,
        patience: 100,
        ..settings()
    };
    let data = binary();
    let mut trainer = Trainer::<f32>::new(settings, &data).unwrap();
    trainer.epoch().unwrap();
    trainer.epoch().unwrap();
    trainer.checkpoint(path).unwrap();
    data
}

fn names_its_file(message: &str, path: &Path) {
    assert!(
        message.starts_with(&path.display().to_string()),
        "{message}"
    );
}

#[test]
fn files_cut_off_anywhere_are_errors_that_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.safetensors");
    let data = full_checkpoint(&path);
    let whole = std::fs::read(&path).unwrap();
    assert!(Trainer::<f32>::resume(&path, &data).is_ok());
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let Err(e) = Trainer::<f32>::resume(&path, &data) else {
            panic!("{length} of {} bytes are accepted", whole.len());
        };
        names_its_file(&e.to_string(), &path);
        let Err(e) = Rbm::<f32>::load(&path) else {
            panic!("{length} of {} bytes are accepted", whole.len());
        };
        names_its_file(&e.to_string(), &path);
    }
    let mut longer = whole;
    longer.push(0);
    std::fs::write(&path, &longer).unwrap();
    assert!(Trainer::<f32>::resume(&path, &data).is_err());
}

#[test]
fn flipped_bits_never_panic_nor_bring_in_numbers_that_are_not_finite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped.safetensors");
    let data = full_checkpoint(&path);
    let whole = std::fs::read(&path).unwrap();
    let mut rng = rng::stream(30, 0);
    let mut refused = 0;
    for k in 0..6000 {
        let mut damaged = whole.clone();
        for _ in 0..=k % 3 {
            let at = Randomness::index(&mut rng, damaged.len());
            damaged[at] ^= if k % 2 == 0 {
                1 << Randomness::index(&mut rng, 8)
            } else {
                1 + Randomness::index(&mut rng, 255) as u8
            };
        }
        std::fs::write(&path, &damaged).unwrap();
        match Trainer::<f32>::resume(&path, &data) {
            Ok(trainer) => {
                let (best, _) = trainer.best();
                let parameters = trainer.model().parameters().to_vec();
                assert!(
                    parameters
                        .iter()
                        .chain(best.parameters())
                        .all(|p| p.is_finite())
                );
                assert!(trainer.current().parameters().iter().all(|p| p.is_finite()));
            }
            Err(e) => {
                refused += 1;
                names_its_file(&e.to_string(), &path);
            }
        }
        if let Err(e) = Rbm::<f32>::load(&path) {
            names_its_file(&e.to_string(), &path);
        }
    }
    assert!(refused > 1000, "{refused}");
}

/// `from` replaced by as many other bytes.
fn patched(path: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes
        .windows(from.len())
        .position(|w| w == from.as_bytes())
        .unwrap_or_else(|| panic!("{from} is not in the file"));
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn files_of_another_kind_are_errors_that_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let resume = |data: &Data| match Trainer::<f32>::resume(&path, data) {
        Ok(_) => panic!("accepted"),
        Err(e) => {
            names_its_file(&e.to_string(), &path);
            e.reason
        }
    };
    let data = binary();
    // Missing, text, a folder.
    resume(&data);
    std::fs::write(&path, "not a checkpoint at all, but long enough to be read").unwrap();
    assert!(resume(&data).contains("safetensors"));
    assert!(Trainer::<f32>::resume(folder.path(), &data).is_err());
    // Somebody else's safetensors file: eight bytes of length, an empty header.
    std::fs::write(&path, b"\x02\0\0\0\0\0\0\0{}").unwrap();
    assert!(resume(&data).contains("ergodic"));
    // A model is no checkpoint.
    random::<f32>(5, 4, 1.0, 1)
        .save(&path, &BTreeMap::new())
        .unwrap();
    resume(&data);
    // Other data, another version, another type, another shape.
    full_checkpoint(&path);
    assert!(resume(&grey()).contains("other data"));
    patched(&path, "\\\"version\\\":1", "\\\"version\\\":2");
    assert!(resume(&data).contains("version 2"));
    let e = Rbm::<f32>::load(&path).unwrap_err();
    assert!(e.reason.contains("version 2"), "{e}");
    full_checkpoint(&path);
    let Err(e) = Trainer::<f64>::resume(&path, &data) else {
        panic!("f32 weights are accepted as f64");
    };
    assert!(e.reason.contains("F32") && e.reason.contains("F64"), "{e}");
    assert!(Rbm::<f64>::load(&path).is_err());
    patched(&path, "\\\"hidden\\\":4", "\\\"hidden\\\":5");
    assert!(resume(&data).contains('5'));
    full_checkpoint(&path);
    patched(&path, "\\\"chains\\\":7", "\\\"chains\\\":8");
    assert!(resume(&data).contains("chains"));
}

#[test]
fn a_folder_that_is_not_there_is_an_error_and_a_failed_write_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let rbm = random::<f32>(3, 2, 1.0, 1);
    let nowhere = folder.path().join("no").join("model");
    let e = rbm.save(&nowhere, &BTreeMap::new()).unwrap_err();
    names_its_file(&e.to_string(), &nowhere);
    // A folder stands where the file should go: the rename fails, nothing is lost or left over.
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("inside"), "old").unwrap();
    let e = write_atomically(&taken, b"new").unwrap_err();
    names_its_file(&e.to_string(), &taken);
    assert_eq!(std::fs::read(taken.join("inside")).unwrap(), b"old");
    assert_eq!(parts(folder.path()), 0);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_leaves_the_old_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    write_atomically(&path, b"old").unwrap();
    let mode = |m| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(m));
    mode(0o555).unwrap();
    let outcome = write_atomically(&path, b"new");
    mode(0o755).unwrap();
    // The superuser may write anywhere.
    let content = std::fs::read(&path).unwrap();
    assert_eq!(content, if outcome.is_ok() { b"new" } else { b"old" });
}

/// Left-over temporary files.
fn parts(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).unwrap();
    names
        .filter(|f| {
            let name = f.as_ref().unwrap().file_name();
            name.to_string_lossy().ends_with(".part")
        })
        .count()
}

const CHILD: &str = "ERGODIC_TEST_CHECKPOINT_FOLDER";

#[test]
#[ignore = "the child process of the kill test"]
fn child_that_writes_checkpoints_until_it_is_killed() {
    let Ok(folder) = std::env::var(CHILD) else {
        return;
    };
    let path = Path::new(&folder).join("checkpoint");
    let data = binary();
    let settings = TrainSettings {
        hidden: 200, // 4 KB of weights, as much of momentum, in several writes to the disk
        epochs: usize::MAX >> 20,
        ..settings()
    };
    let mut trainer = if path.exists() {
        Trainer::<f32>::resume(&path, &data).unwrap()
    } else {
        Trainer::<f32>::new(settings, &data).unwrap()
    };
    loop {
        trainer.epoch().unwrap();
        trainer.checkpoint(&path).unwrap();
    }
}

#[test]
fn a_checkpoint_survives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let data = binary();
    let mut rng = rng::stream(31, 0);
    let mut epoch = 0;
    let kills = 20;
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact"])
            .arg("checkpoints::child_that_writes_checkpoints_until_it_is_killed")
            .env(CHILD, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The first child may take its time to start; then any moment within a few writes.
        let deadline = Instant::now() + Duration::from_secs(20);
        while !path.exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        let wait = 5_000 + Randomness::index(&mut rng, 45_000) as u64;
        std::thread::sleep(Duration::from_micros(wait));
        assert!(child.try_wait().unwrap().is_none(), "the child gave up");
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        let trainer = Trainer::<f32>::resume(&path, &data)
            .unwrap_or_else(|e| panic!("after kill {kill}: {e}"));
        assert!(trainer.epochs_done() >= epoch, "an older file came back");
        epoch = trainer.epochs_done();
    }
    assert!(
        epoch > kills,
        "{epoch} epochs in {kills} runs: nothing was written"
    );
    // A kill may leave one temporary file behind, never more, and none is ever read.
    assert!(parts(folder.path()) <= kills);
}
