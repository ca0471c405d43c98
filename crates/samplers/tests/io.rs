//! Draws to and from files: the same bits back, the layout that other programs know, and typed
//! errors for whatever is no file of draws.
#![cfg(all(feature = "csv", feature = "npy", feature = "parquet"))]

use std::path::{Path, PathBuf};

use ergodic_core::{Draws, StepStats};
use ergodic_samplers::{ChainSink, DrawSink, FileError, RunShape, io};
use proptest::prelude::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn bits(draws: &Draws) -> Vec<u64> {
    draws.values().iter().map(|x| x.to_bits()).collect()
}

fn draws() -> impl Strategy<Value = Draws> {
    (1..4usize, 1..6usize, 1..4usize).prop_flat_map(|(chains, draws, parameters)| {
        let any = prop_oneof![
            any::<f64>(),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
            Just(f64::NAN),
            Just(-0.0),
            Just(f64::MIN_POSITIVE / 3.0),
        ];
        let values = prop::collection::vec(any, chains * draws * parameters);
        let names = ["mu", "x[0,1]", "a \"quoted\", név", "β"];
        values.prop_map(move |values| {
            // One payload of NaN, as a text cannot say another.
            let values = values
                .into_iter()
                .map(|x| if x.is_nan() { f64::NAN } else { x });
            let names = names[..parameters].iter().map(ToString::to_string);
            Draws::new(names.collect(), chains, draws, values.collect()).unwrap()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 15,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_format_gives_the_same_bits_back(draws in draws()) {
        let folder = folder();
        for ending in ["csv", "npz", "npy", "parquet"] {
            let path = folder.path().join(format!("draws.{ending}"));
            io::write(&path, &draws).unwrap();
            let back = io::read(&path).unwrap();
            prop_assert_eq!(bits(&back), bits(&draws), "{}", ending);
            prop_assert_eq!(back.num_chains(), draws.num_chains());
            prop_assert_eq!(back.num_draws(), draws.num_draws());
            if ending != "npy" {
                prop_assert_eq!(back.names(), draws.names(), "{}", ending);
            }
            // Nothing else is left in the folder.
            std::fs::remove_file(&path).unwrap();
        }
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

fn small() -> Draws {
    let names = vec!["mu".to_owned(), "tau".to_owned()];
    Draws::new(names, 2, 3, (0..12).map(|i| f64::from(i) / 8.0).collect()).unwrap()
}

#[test]
fn an_npy_file_is_what_the_format_says() {
    // NEP 1: magic, version, length of the header, a Python dict, padding to 64, then the data.
    let folder = folder();
    let path = folder.path().join("draws.npy");
    io::write_npy(&path, &small()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
    let header = std::str::from_utf8(&bytes[10..128]).unwrap();
    assert!(header.starts_with("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3, 2), }"));
    assert!(header.ends_with('\n'));
    assert_eq!(bytes.len(), 128 + 8 * 12);
    assert_eq!(bytes[128 + 8..128 + 16], 0.125f64.to_le_bytes());
}

#[test]
fn a_csv_of_another_program_is_read_in_any_order() {
    let folder = folder();
    let path = folder.path().join("draws.csv");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        io::read_csv(&path)
    };
    let draws = read("tau,draw,chain,mu\n4, 1, 0, 3\n8,1,1,7\n2,0,0,1\n6,0,1,5\n").unwrap();
    assert_eq!(draws.names(), ["tau", "mu"]);
    assert_eq!(draws.values(), [2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 8.0, 7.0]);
    let draws = read("a,b\n1,2\n3,4\n").unwrap();
    assert_eq!((draws.num_chains(), draws.num_draws()), (1, 2));
    // No names, and one chain; a mark of the byte order is no part of a number.
    let draws = read("\u{feff}1,2\n3,4\n").unwrap();
    assert_eq!(draws.names(), ["x[0]", "x[1]"]);
    assert_eq!(draws.values(), [1.0, 2.0, 3.0, 4.0]);
    // Chains by any word in the order of their first rows, by number in that of the numbers; draws
    // thinned, or not numbered at all.
    let draws = read("Draw,Chain,1\n7,b,3\n5,b,2\n50,a,0\n52.5,a,1\n").unwrap();
    assert_eq!(draws.names(), ["1"]);
    assert_eq!(draws.values(), [2.0, 3.0, 0.0, 1.0]);
    let draws = read("chain,mu\n10,3\n9,1\n10,4\n9,2\n").unwrap();
    assert_eq!(draws.values(), [1.0, 2.0, 3.0, 4.0]);

    let error = |text: &str| read(text).unwrap_err().to_string();
    for (text, expected) in [
        ("", "is empty"),
        ("chain,draw\n0,0\n", "no column"),
        ("Chain,chain,mu\n0,0,1\n", "two columns called chain"),
        ("mu,1\n1,2\n", "first line"),
        ("chain,draw,mu\n", "holds no draw"),
        (
            "chain,draw,mu\n0,0,1\n0,1,one\n",
            "line 3, column \"mu\": \"one\" is not a number",
        ),
        (
            "chain,draw,mu\n0,first,1\n",
            "line 2, column \"draw\": \"first\" is not a number",
        ),
        (
            "chain,draw,mu\n0,NaN,1\n",
            "line 2: the draw NaN is not finite",
        ),
        (
            "chain,draw,mu\n0,0,1\n0,0,2\n",
            "line 3: draw 0 of chain \"0\" is there twice",
        ),
        (
            "chain,mu\na,1\na,2\nb,3\n",
            "has 1 draws in chain b, but must have 2 as in chain a",
        ),
        (
            "chain,draw,mu\n0,0,1\n0,2,2\n0,2,2\n",
            "line 4: draw 2 of chain \"0\" is there twice",
        ),
        ("chain,draw,mu\n0,0,1\n0,1\n", "line 3 has 2 fields"),
        ("mu,mu\n1,2\n", "\"mu\" twice"),
    ] {
        let found = error(text);
        assert!(found.contains(expected), "{text:?}: {found}");
        assert!(found.starts_with(path.to_str().unwrap()));
    }
    let chain = Draws::new(vec!["chain".into()], 1, 1, vec![0.0]).unwrap();
    assert!(io::write_csv(&path, &chain).is_err());
    assert!(io::write_parquet(&path, &chain).is_err());
}

#[test]
fn arrays_of_other_types_and_shapes_are_read_or_refused_with_a_reason() {
    use npyz::WriterBuilder;
    let folder = folder();
    let path = folder.path().join("draws.npy");
    fn save<T: npyz::Serialize + npyz::AutoSerialize + Copy>(
        path: &Path,
        order: npyz::Order,
        shape: &[u64],
        values: &[T],
    ) {
        let mut file = std::fs::File::create(path).unwrap();
        let options = npyz::WriteOptions::new().default_dtype().order(order);
        let mut writer = options.shape(shape).writer(&mut file).begin_nd().unwrap();
        writer.extend(values.iter().copied()).unwrap();
        writer.finish().unwrap();
    }
    let read = || io::read_npy(&path, None);
    save(
        &path,
        npyz::Order::C,
        &[2, 3],
        &[1.5f32, 2.0, 3.0, 4.0, 5.0, 6.0],
    );
    let draws = read().unwrap();
    assert_eq!(
        (
            draws.num_chains(),
            draws.num_draws(),
            draws.num_parameters()
        ),
        (1, 2, 3)
    );
    save(&path, npyz::Order::C, &[2], &[1u16, 65_535]);
    assert_eq!(read().unwrap().values(), [1.0, 65_535.0]);
    save(&path, npyz::Order::C, &[1], &[u32::MAX]);
    assert_eq!(read().unwrap().values(), [f64::from(u32::MAX)]);
    save(&path, npyz::Order::C, &[1], &[1u64 << 40]);
    assert_eq!(read().unwrap().values(), [2f64.powi(40)]);
    save(&path, npyz::Order::C, &[3], &[1i64, 2, 3]);
    assert_eq!(read().unwrap().values(), [1.0, 2.0, 3.0]);
    save(&path, npyz::Order::C, &[3], &[1u16, 2, 65535]);
    assert_eq!(read().unwrap().values(), [1.0, 2.0, 65535.0]);
    // In Fortran order element (i, j, k) of 2 × 3 × 2 is at i + 2j + 6k.
    let numbers: Vec<f64> = (0..12).map(f64::from).collect();
    save(&path, npyz::Order::Fortran, &[2, 3, 2], &numbers);
    let draws = read().unwrap();
    for (i, j) in (0..2).flat_map(|i| (0..3).map(move |j| (i, j))) {
        let first = (i + 2 * j) as f64;
        assert_eq!(draws.draw(i, j), [first, first + 6.0]);
    }
    let mut longer = std::fs::read(&path).unwrap();
    longer.push(0);
    std::fs::write(&path, longer).unwrap();
    assert!(read().unwrap_err().to_string().contains("trailing"));
    save(&path, npyz::Order::C, &[1, 1, 1, 1], &[1.0]);
    assert!(
        read()
            .unwrap_err()
            .to_string()
            .contains("chain × draw × parameter")
    );
    save::<f64>(&path, npyz::Order::C, &[2, 0, 3], &[]);
    assert!(read().unwrap_err().to_string().contains("holds no value"));
    save(&path, npyz::Order::C, &[1, 1, 2], &[1.0, 2.0]);
    assert!(io::read_npy(&path, Some(vec!["a".into()])).is_err());
    assert!(io::read_npy(folder.path().join("none.npy"), None).is_err());
}

#[test]
fn a_header_that_promises_names_without_values_is_refused_and_not_believed() {
    let folder = folder();
    let header = |shape: &str| {
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}");
        bytes.extend(format!("{text:<117}\n").bytes());
        bytes
    };
    // 10¹⁸ parameters of no draw, and 10¹⁸ draws of no parameter.
    for shape in ["0, 1, 1000000000000000000", "1, 1000000000000000000, 0"] {
        let path = folder.path().join("draws.npy");
        std::fs::write(&path, header(shape)).unwrap();
        let error = io::read(&path).unwrap_err().to_string();
        assert!(error.contains("holds no value"), "{error}");
        let error = io::read_npy_chains(&[&path], None).unwrap_err().to_string();
        assert!(error.contains("holds no value"), "{error}");

        let path = folder.path().join("draws.npz");
        let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file("x.npy", options).unwrap();
        std::io::Write::write_all(&mut archive, &header(shape)).unwrap();
        archive.finish().unwrap();
        let error = io::read(&path).unwrap_err().to_string();
        assert!(error.contains("holds no value"), "{error}");
    }
}

#[test]
fn damaged_files_are_typed_errors() {
    let folder = folder();
    for ending in ["npy", "npz", "csv", "parquet"] {
        let path = folder.path().join(format!("draws.{ending}"));
        io::write(&path, &small()).unwrap();
        let good = std::fs::read(&path).unwrap();
        for length in 0..good.len() {
            std::fs::write(&path, &good[..length]).unwrap();
            let read: Result<Draws, FileError> = io::read(&path);
            // The last line of a text may lack its end, and a number its last digits.
            assert!(ending == "csv" || read.is_err(), "{ending}: {length} bytes");
        }
        // A changed byte may be another number, but never a panic.
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= [0x01, 0x80, 0xff][at % 3];
            std::fs::write(&path, &bad).unwrap();
            let _ = io::read(&path);
        }
    }
}

#[test]
fn the_content_says_the_format_of_what_is_read_and_the_ending_of_what_is_written() {
    let folder = folder();
    let plain = folder.path().join("draws");
    for ending in ["npy", "npz", "csv", "parquet"] {
        let path = folder.path().join(format!("draws.{ending}"));
        io::write(&path, &small()).unwrap();
        std::fs::copy(&path, &plain).unwrap();
        assert_eq!(io::read(&plain).unwrap().values(), small().values());
        // The same in gzip.
        let file = std::fs::File::create(&plain).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, &std::fs::read(&path).unwrap()).unwrap();
        packed.finish().unwrap();
        match (ending, io::read(&plain)) {
            ("npy" | "csv", read) => assert_eq!(read.unwrap().values(), small().values()),
            (_, read) => assert!(read.unwrap_err().to_string().contains("unpack it first")),
        }
    }
    let known = ".npy, .npz, .csv, .parquet";
    let error = io::write(&plain, &small()).unwrap_err().to_string();
    assert!(error.ends_with(known), "{error}");
    std::fs::write(&plain, [1, 0, 7, 0]).unwrap();
    let error = io::read(&plain).unwrap_err().to_string();
    assert!(error.ends_with(known), "{error}");
    let error = io::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is a folder"), "{error}");
}

#[test]
fn a_header_of_nested_brackets_is_an_error() {
    let folder = folder();
    let path = folder.path().join("draws.npy");
    let mut file = b"\x93NUMPY\x01\x00\xff\xff".to_vec();
    file.resize(10 + 0xffff, b'(');
    std::fs::write(&path, file).unwrap();
    assert!(io::read(&path).is_err());
}

/// Pushes the draws of `small` chain by chain, with a break after `pause` draws, and more draws
/// between the checkpoint and the break that are made again.
fn stream(sink: &impl DrawSink, pause: usize) {
    let (draws, shape) = (
        small(),
        RunShape {
            names: small().names().to_vec(),
            chains: 2,
            draws: 3,
        },
    );
    let stats = StepStats::default();
    for c in 0..2 {
        let mut chain = sink.open(c, &shape).unwrap();
        for d in 0..pause {
            chain.push(d, draws.draw(c, d), &stats).unwrap();
        }
        let saved = chain.save().unwrap();
        for d in pause..3 {
            chain.push(d, &[99.0, -99.0], &stats).unwrap();
        }
        drop(chain);
        let mut chain = sink.resume(c, &shape, pause, &saved).unwrap();
        for d in pause..3 {
            chain.push(d, draws.draw(c, d), &stats).unwrap();
        }
        chain.finish(3).unwrap();
    }
}

#[test]
fn files_of_a_stream_are_those_of_one_without_a_break() {
    let folder = folder();
    let prefix = folder.path().join("run.of");
    for pause in 0..=3 {
        let sink = io::NpySink::new(&prefix);
        stream(&sink, pause);
        let paths: Vec<PathBuf> = (0..2).map(|c| sink.path(c)).collect();
        assert!(paths[1].ends_with("run.of.1.npy"));
        let back = io::read_npy_chains(&paths, Some(small().names().to_vec())).unwrap();
        assert_eq!(back, small());

        let sink = io::CsvSink::new(&prefix);
        stream(&sink, pause);
        let text = |c| std::fs::read_to_string(sink.path(c)).unwrap();
        let (first, second) = (text(0), text(1));
        let joined = first + second.strip_prefix("chain,draw,mu,tau\n").unwrap();
        let path = folder.path().join("whole.csv");
        std::fs::write(&path, joined).unwrap();
        assert_eq!(io::read_csv(&path).unwrap(), small());
    }
}

#[test]
fn a_stream_cannot_go_on_from_a_file_that_is_too_short() {
    let folder = folder();
    let shape = RunShape {
        names: vec!["x".into()],
        chains: 1,
        draws: 3,
    };
    let npy = io::NpySink::new(folder.path().join("run"));
    drop(npy.open(0, &shape).unwrap());
    let error = npy.resume(0, &shape, 2, &[]).unwrap_err();
    assert!(error.to_string().contains("128 bytes"), "{error}");
    assert!(npy.resume(1, &shape, 0, &[]).is_err());
    let csv = io::CsvSink::new(folder.path().join("run"));
    drop(csv.open(0, &shape).unwrap());
    assert!(csv.resume(0, &shape, 2, &99u64.to_le_bytes()).is_err());
    assert!(csv.resume(0, &shape, 2, &[1]).is_err());
    let nowhere = io::NpySink::new(folder.path().join("none").join("run"));
    assert!(nowhere.open(0, &shape).is_err());
}

#[test]
fn chains_of_unlike_length_are_cut_and_of_unlike_width_refused() {
    let folder = folder();
    let sink = io::NpySink::new(folder.path().join("run"));
    let open = |chain, parameters: usize, draws: usize| {
        let names = Draws::default_names(parameters);
        let shape = RunShape {
            names,
            chains: 3,
            draws: 10,
        };
        let mut file = sink.open(chain, &shape).unwrap();
        for d in 0..draws {
            file.push(d, &vec![d as f64; parameters], &StepStats::default())
                .unwrap();
        }
        file.finish(draws).unwrap();
        sink.path(chain)
    };
    let paths = [open(0, 2, 5), open(1, 2, 3), open(2, 1, 4)];
    let draws = io::read_npy_chains(&paths[..2], None).unwrap();
    assert_eq!((draws.num_chains(), draws.num_draws()), (2, 3));
    assert!(io::read_npy_chains(&paths, None).is_err());
    assert!(io::read_npy_chains::<PathBuf>(&[], None).is_err());
}
