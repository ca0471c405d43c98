//! Loaders against files made here byte by byte, and against files written by `npyz`.

use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
    fn load(&self, name: &str, bytes: &[u8], options: &LoadOptions) -> Result<Dataset, CliError> {
        load(self.file(name, bytes).to_str().unwrap(), options)
    }
    /// The message of a file that must be refused.
    fn refusal(&self, name: &str, bytes: &[u8], options: &LoadOptions) -> String {
        let e = self.load(name, bytes, options).unwrap_err();
        assert_eq!(e.exit_code(), 2);
        let text = e.to_string();
        assert!(!text.contains('\n'), "{text}");
        text
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx(magic: u32, shape: &[u32], pixels: &[u8]) -> Vec<u8> {
    let mut out = magic.to_be_bytes().to_vec();
    for d in shape {
        out.extend(d.to_be_bytes());
    }
    out.extend(pixels);
    out
}

fn npy<T: npyz::Serialize + npyz::AutoSerialize + Copy>(
    shape: &[u64],
    order: npyz::Order,
    values: &[T],
) -> Vec<u8> {
    use npyz::WriterBuilder;
    let mut out = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .order(order)
        .shape(shape)
        .writer(&mut out)
        .begin_nd()
        .unwrap();
    writer.extend(values.iter().copied()).unwrap();
    writer.finish().unwrap();
    out
}

fn keep() -> LoadOptions {
    LoadOptions {
        keep_probabilities: true,
        ..Default::default()
    }
}

fn bits(data: &Dataset) -> Vec<u8> {
    match &data.values {
        Values::Binary(bits) => bits.clone(),
        Values::Probabilities(p) => panic!("expected bits, found {p:?}"),
    }
}

#[test]
fn digits_follow_the_convention() {
    let digits = load("digits", &LoadOptions::default()).unwrap();
    assert_eq!((digits.rows, digits.columns), (1797, 64));
    assert_eq!(digits.image, Some((8, 8)));
    let raw = embedded::digits();
    let expected: Vec<u8> = raw.pixels.iter().map(|&p| u8::from(p >= 8)).collect();
    assert_eq!(bits(&digits), expected);
    let (train, test) = digits.split(5).unwrap();
    assert_eq!((train.rows, test.rows), (1438, 359));
    assert_eq!(test.row(0), {
        let row = &raw.binary()[4 * 64..5 * 64];
        row.to_vec()
    });
    assert_eq!(test.labels.unwrap()[0], raw.labels[4]);
    let grey = load("digits", &keep()).unwrap();
    assert_eq!(grey.row(0)[2], 5.0 / 16.0);
}

#[test]
fn idx_images_load_plain_and_gzipped_whatever_the_name() {
    let folder = Folder::new();
    let pixels: Vec<u8> = (0..12).map(|i| i * 23).collect();
    let file = idx(0x803, &[2, 3, 2], &pixels);
    let expected: Vec<u8> = pixels.iter().map(|&p| u8::from(p >= 128)).collect();
    for (name, bytes) in [
        ("train-images-idx3-ubyte", file.clone()),
        ("train-images-idx3-ubyte.gz", gzip(&file)),
        ("compressed-without-saying-so", gzip(&file)),
    ] {
        let data = folder.load(name, &bytes, &LoadOptions::default()).unwrap();
        assert_eq!((data.rows, data.columns), (2, 6));
        assert_eq!(data.image, Some((3, 2)));
        assert_eq!(bits(&data), expected);
    }
    let grey = folder.load("grey", &file, &keep()).unwrap();
    assert_eq!(grey.row(1)[5], (253.0f64 / 255.0) as f32);
}

#[test]
fn npy_of_every_type_and_order_loads() {
    let folder = Folder::new();
    let options = LoadOptions::default();
    let rows = [0u8, 1, 1, 1, 0, 0];
    let f: Vec<f64> = rows.iter().map(|&v| f64::from(v)).collect();
    let files = [
        npy(&[2, 3], npyz::Order::C, &f),
        npy(
            &[2, 3],
            npyz::Order::C,
            &f.iter().map(|&v| v as f32).collect::<Vec<_>>(),
        ),
        npy(&[2, 3], npyz::Order::C, &rows),
        npy(&[2, 3], npyz::Order::C, &rows.map(|v| v == 1)),
        npy(&[2, 3], npyz::Order::C, &rows.map(i64::from)),
        npy(&[2, 3], npyz::Order::C, &rows.map(i16::from)),
        npy(&[2, 3], npyz::Order::C, &rows.map(|v| v as i8)),
        npy(&[2, 3], npyz::Order::C, &rows.map(u32::from)),
        npy(&[2, 3], npyz::Order::Fortran, &[0u8, 1, 1, 0, 1, 0]),
        npy(
            &[2, 3],
            npyz::Order::Fortran,
            &[0.0f32, 1.0, 1.0, 0.0, 1.0, 0.0],
        ),
        gzip(&npy(&[2, 3], npyz::Order::C, &rows)),
        encode_npy(),
    ];
    fn encode_npy() -> Vec<u8> {
        npy::encode_bytes(2, 3, &[0, 1, 1, 1, 0, 0])
    }
    for (i, file) in files.iter().enumerate() {
        let data = folder.load("x.npy", file, &options).unwrap();
        assert_eq!((data.rows, data.columns), (2, 3), "file {i}");
        assert_eq!(bits(&data), rows, "file {i}");
    }
    let images = npy(&[1, 2, 2], npyz::Order::C, &[0u8, 255, 127, 128]);
    let data = folder.load("x.npy", &images, &options).unwrap();
    assert_eq!(data.image, Some((2, 2)));
    assert_eq!(bits(&data), [0, 1, 0, 1]);
    let columns_first = npy(
        &[2, 2, 3],
        npyz::Order::Fortran,
        &[
            0.0, 0.6, 0.3, 0.9, 0.1, 0.7, 0.4, 1.0, 0.2, 0.8, 0.5, 0.95f64,
        ],
    );
    let data = folder.load("x.npy", &columns_first, &keep()).unwrap();
    let expected: Vec<f32> = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
        .map(|v: f64| v as f32)
        .to_vec();
    assert_eq!(data.row(0), expected);
}

#[test]
fn our_npy_reads_back_with_npyz() {
    let file = npy::encode_bytes(3, 2, &[1, 2, 3, 4, 5, 6]);
    let parsed = npyz::NpyFile::new(&file[..]).unwrap();
    assert_eq!(parsed.shape(), [3, 2]);
    assert_eq!(parsed.into_vec::<u8>().unwrap(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn csv_loads_with_and_without_header_and_labels() {
    let folder = Folder::new();
    let options = LoadOptions::default();
    let plain = b"0,1,0.5\n0.2,0.49,1\n";
    let data = folder.load("a.csv", plain, &options).unwrap();
    assert_eq!((data.rows, data.columns), (2, 3));
    assert_eq!(bits(&data), [0, 1, 1, 0, 0, 1]);
    let headed = b"\xef\xbb\xbfa,b,Label\r\n0, 1 ,7\r\n1,0,3\r\n";
    let data = folder.load("a.csv", headed, &options).unwrap();
    assert_eq!(bits(&data), [0, 1, 1, 0]);
    assert_eq!(data.labels, Some(vec![7, 3]));
    let last = LoadOptions {
        label_column: LabelColumn::Last,
        max_value: Some(16.0),
        ..Default::default()
    };
    let data = folder.load("a.csv", b"16,0,9\n7,8,1", &last).unwrap();
    assert_eq!(bits(&data), [1, 0, 0, 1]);
    assert_eq!(data.labels, Some(vec![9, 1]));
    let numbered = LoadOptions {
        header: Header::Yes,
        ..Default::default()
    };
    let data = folder
        .load("a.csv", b"0,1,2,3\n1,0,0,1\n", &numbered)
        .unwrap();
    assert_eq!(bits(&data), [1, 0, 0, 1]);
    assert_eq!(data.image, Some((2, 2)));
}

#[test]
fn the_embedded_file_read_as_csv_equals_the_embedded_digits() {
    let folder = Folder::new();
    let raw = embedded::digits();
    let mut text = String::new();
    for (row, label) in raw.pixels.chunks(64).zip(&raw.labels) {
        for p in row.iter().chain([label]) {
            text.push_str(&p.to_string());
            text.push(',');
        }
        text.pop();
        text.push('\n');
    }
    let options = LoadOptions {
        label_column: LabelColumn::Last,
        max_value: Some(16.0),
        ..Default::default()
    };
    let file = folder.load("d.csv", text.as_bytes(), &options).unwrap();
    let digits = load("digits", &LoadOptions::default()).unwrap();
    assert_eq!(
        (file.values, file.labels, file.image),
        (digits.values, digits.labels, digits.image)
    );
}

#[test]
fn thresholds_and_ranges_are_applied() {
    let folder = Folder::new();
    let options = LoadOptions {
        threshold: Some(0.25),
        max_value: Some(16.0),
        ..Default::default()
    };
    let data = folder
        .load(
            "x.npy",
            &npy(&[1, 4], npyz::Order::C, &[3u8, 4, 16, 0]),
            &options,
        )
        .unwrap();
    assert_eq!(bits(&data), [0, 1, 1, 0]);
}

#[test]
fn every_bad_file_is_named_with_its_place() {
    let folder = Folder::new();
    let plain = LoadOptions::default();
    let good = idx(0x803, &[2, 2, 2], &[0; 8]);
    let floats = |values: &[f64]| npy(&[2, values.len() as u64 / 2], npyz::Order::C, values);
    let f = floats(&[0.0, 1.0, 0.5, 0.25]);
    let with_header = |text: &str| {
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend((text.len() as u16).to_le_bytes());
        out.extend(text.as_bytes());
        out
    };
    let cases: Vec<(&str, Vec<u8>, Vec<&str>)> = vec![
        (
            "a",
            idx(0x801, &[3], &[1, 2, 3]),
            vec!["labels", "0x00000803"],
        ),
        (
            "a",
            idx(0xd03, &[1, 1, 1], &[0; 4]),
            vec!["0x00000d03", "0x00000803"],
        ),
        (
            "a-ubyte",
            b"hello world".to_vec(),
            vec!["0x68656c6c", "0x00000803"],
        ),
        (
            "a",
            good[..good.len() - 1].to_vec(),
            vec!["truncated", "8 bytes", "there are 7"],
        ),
        ("a", good[..10].to_vec(), vec!["truncated"]),
        ("a", [&good[..], &[0]].concat(), vec!["trailing bytes"]),
        ("a", idx(0x803, &[0, 2, 2], &[]), vec!["zero rows"]),
        ("a", idx(0x803, &[2, 0, 2], &[]), vec!["zero columns"]),
        ("a", idx(0x803, &[u32::MAX; 3], &[]), vec!["at most"]),
        ("a.gz", gzip(&good)[..20].to_vec(), vec!["truncated"]),
        (
            "a.gz",
            [&gzip(&good)[..], b"rubbish, not a member"].concat(),
            vec!["corrupt"],
        ),
        ("a.gz", gzip(&good[..good.len() - 3]), vec!["truncated"]),
        ("a.gz", gzip(&[]), vec!["empty"]),
        ("a.csv", vec![], vec!["empty", "at least one row"]),
        ("a.csv", b"a,b\n".to_vec(), vec!["zero rows"]),
        ("a.csv", b"\n\n".to_vec(), vec!["zero rows"]),
        ("a.csv", b"label\n3\n".to_vec(), vec!["zero columns"]),
        (
            "a.csv",
            b"0,1\n1\n".to_vec(),
            vec!["row 2", "1 columns", "2 columns"],
        ),
        (
            "a.csv",
            b"a,b\n0,1\n1,0,1\n".to_vec(),
            vec!["row 2 (line 3)", "3 columns"],
        ),
        (
            "a.csv",
            b"0,1\n1,x\n".to_vec(),
            vec!["row 2, column 2", "\"x\"", "a number"],
        ),
        (
            "a.csv",
            b"0,y\n1,0\n".to_vec(),
            vec!["row 1, column 2", "--header yes"],
        ),
        (
            "a.csv",
            b"0,1\n,0\n".to_vec(),
            vec!["row 2, column 1", "\"\""],
        ),
        (
            "a.csv",
            b"0,1\n0,NaN\n".to_vec(),
            vec!["row 2, column 2", "NaN", "0..=1"],
        ),
        (
            "a.csv",
            b"0,1\n0,inf\n".to_vec(),
            vec!["row 2, column 2", "inf"],
        ),
        (
            "a.csv",
            b"0,1\n0,13\n".to_vec(),
            vec!["row 2, column 2", "13", "--max-value"],
        ),
        (
            "a.csv",
            b"0,1\n-0.5,1\n".to_vec(),
            vec!["row 2, column 1", "-0.5"],
        ),
        (
            "a.csv",
            b"a,label\n0,red\n".to_vec(),
            vec!["row 1 (line 2), column 2", "label"],
        ),
        (
            "a.csv",
            b"0,1\n\xff\xfe,1\n".to_vec(),
            vec!["row 2, column 1"],
        ),
        ("a.npy", b"0,1\n".to_vec(), vec!["truncated"]),
        ("a.npy", b"0,1\n0,1\n0,1\n".to_vec(), vec!["magic", "NUMPY"]),
        (
            "a.npy",
            f[..f.len() - 4].to_vec(),
            vec!["truncated", "32 bytes"],
        ),
        ("a.npy", f[..20].to_vec(), vec!["truncated"]),
        ("a.npy", [&f[..], &[1]].concat(), vec!["trailing"]),
        (
            "a.npy",
            floats(&[0.0, 1.0, f64::NAN, 0.0]),
            vec!["row 2, column 1", "NaN"],
        ),
        (
            "a.npy",
            floats(&[0.0, 1.5, 0.0, 0.0]),
            vec!["row 1, column 2", "1.5", "--max-value"],
        ),
        ("a.npy", floats(&[]), vec!["zero columns"]),
        (
            "a.npy",
            npy(&[0, 4], npyz::Order::C, &[0u8; 0]),
            vec!["zero rows"],
        ),
        (
            "a.npy",
            npy(&[4], npyz::Order::C, &[0u8; 4]),
            vec!["1 dimensions"],
        ),
        (
            "a.npy",
            npy(&[1, 3], npyz::Order::C, &[0u8, 16, 1]),
            vec!["up to 16", "--max-value"],
        ),
        (
            "a.npy",
            npy(&[1, 3], npyz::Order::C, &[0i32, -1, 1]),
            vec!["row 1, column 2", "-1"],
        ),
        (
            "a.npy",
            npy(&[1, 2], npyz::Order::C, &[0i64, 70000]),
            vec!["70000", "--max-value"],
        ),
        (
            "a.npy",
            npy(&[2, 2], npyz::Order::Fortran, &[0.0, 9.0, 0.0, 0.0]),
            vec!["row 2, column 1", "9"],
        ),
        (
            "a.npy",
            with_header("{'descr': '<c8', 'fortran_order': False, 'shape': (1, 1), }"),
            vec!["<c8", "f4"],
        ),
        (
            "a.npy",
            with_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"),
            vec!["plain array"],
        ),
        (
            "a.npy",
            with_header(
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 1099511627776), }",
            ),
            vec!["at most"],
        ),
        (
            "a.npy",
            b"\x93NUMPY\x09\x00\x00\x00\x00\x00".to_vec(),
            vec!["version 9"],
        ),
    ];
    for (name, bytes, words) in cases {
        let text = folder.refusal(name, &bytes, &plain);
        assert!(text.contains(name), "{text}");
        for word in words {
            assert!(text.contains(word), "no \"{word}\" in: {text}");
        }
    }
}

#[test]
fn bad_options_are_named() {
    let folder = Folder::new();
    let message = |options: LoadOptions| folder.refusal("a.csv", b"a,b\n0,1\n", &options);
    let options = LoadOptions::default;
    let cases = [
        (
            LoadOptions {
                threshold: Some(0.0),
                ..options()
            },
            "--threshold",
        ),
        (
            LoadOptions {
                threshold: Some(f64::NAN),
                ..options()
            },
            "--threshold",
        ),
        (
            LoadOptions {
                max_value: Some(-1.0),
                ..options()
            },
            "--max-value",
        ),
        (
            LoadOptions {
                label_column: LabelColumn::Number(3),
                ..options()
            },
            "--label-column",
        ),
        (
            LoadOptions {
                label_column: LabelColumn::Name("c".into()),
                ..options()
            },
            "--label-column",
        ),
        (
            LoadOptions {
                image: Some((2, 2)),
                ..options()
            },
            "--image-shape",
        ),
    ];
    for (options, name) in cases {
        let text = message(options);
        assert!(text.contains(name), "{text}");
    }
    assert!(load("no/such/file", &options()).is_err());
    let folder_path = folder.0.path().to_str().unwrap();
    assert!(
        load(folder_path, &options())
            .unwrap_err()
            .to_string()
            .contains("folder")
    );
}

#[test]
fn a_split_without_training_or_test_rows_is_refused() {
    let folder = Folder::new();
    let small = || {
        folder
            .load("a.csv", b"0,1\n1,0\n1,1\n", &LoadOptions::default())
            .unwrap()
    };
    for every in [0, 1, 4, 100] {
        let e = small().split(every).unwrap_err().to_string();
        assert!(e.contains("--test-every"), "{e}");
    }
    let (train, test) = small().split(3).unwrap();
    assert_eq!((train.rows, test.rows), (2, 1));
    assert_eq!(bits(&test), [1, 1]);
}
