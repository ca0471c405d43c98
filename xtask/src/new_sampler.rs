//! `cargo xtask new-sampler NAME`: a kernel that works, to be replaced step by step.
//!
//! Writes `crates/samplers/src/NAME.rs` from the template `new_sampler.txt` and registers it in four
//! places: the module and its row in `crates/samplers/src/lib.rs`, its conformance lines in
//! `crates/samplers/tests/conformance.rs`, and its case in `benches/benches/samplers.rs`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::manifest::cargo;

/// The kernel as it is written, with `walk_name` and `WalkName` for the names.
const TEMPLATE: &str = include_str!("new_sampler.txt");

const MANIFEST: &str = "crates/samplers/Cargo.toml";
const LIBRARY: &str = "crates/samplers/src/lib.rs";
const CONFORMANCE: &str = "crates/samplers/tests/conformance.rs";
const BENCHMARK: &str = "benches/benches/samplers.rs";

/// Writes the sampler `name` and registers it; changes nothing if any part would fail.
pub(crate) fn run(root: &Path, name: &str) -> Result<(), String> {
    let path = |file: &str| root.join(file);
    let read = |file: &str| {
        fs::read_to_string(path(file)).map_err(|e| format!("{}: {e}", path(file).display()))
    };
    let sampler = Sampler::named(name)?;
    let own = format!("crates/samplers/src/{name}.rs");
    if path(&own).exists() || path(&format!("crates/samplers/src/{name}")).exists() {
        return Err(format!("{own} is already there"));
    }
    let library = read(LIBRARY)?;
    let (conformance, benchmark) = (read(CONFORMANCE)?, read(BENCHMARK)?);
    for (file, text) in [
        (LIBRARY, &library),
        (CONFORMANCE, &conformance),
        (BENCHMARK, &benchmark),
        // A module of the name of a dependency would hide it. Crates are words with hyphens there.
        (MANIFEST, &read(MANIFEST)?.replace('-', "_")),
    ] {
        if let Some(word) = sampler.known(text) {
            return Err(format!("{file} already knows {word}: take another name"));
        }
    }
    let files = [
        (own.as_str(), sampler.source()),
        (LIBRARY, sampler.in_library(&library)?),
        (CONFORMANCE, sampler.in_conformance(&conformance)),
        (BENCHMARK, sampler.in_benchmark(&benchmark)?),
    ];
    for (file, text) in files {
        fs::write(path(file), text).map_err(|e| format!("{}: {e}", path(file).display()))?;
        println!("wrote {file}");
    }
    // Where lines break depends on the length of the names.
    let formatted = Command::new(cargo())
        .args([
            "fmt",
            "--package",
            "ergodic-samplers",
            "--package",
            "ergodic-benches",
        ])
        .current_dir(root)
        .status();
    if !formatted.is_ok_and(|status| status.success()) {
        println!("run `cargo fmt` yourself: it could not be run from here");
    }
    println!(
        "\nIt is a random walk for now. Next:\n  cargo test -p ergodic-samplers --test conformance {name}\n  \
         cargo xtask bench --filter samplers/{name}\nand docs/adding-a-sampler.md."
    );
    Ok(())
}

/// The first word of a source, its comments left out, that is one of `names`.
fn find<'t>(names: &[String], text: &'t str) -> Option<&'t str> {
    text.lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .flat_map(|code| code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
        .find(|word| names.iter().any(|name| name == word))
}

#[derive(Debug)]
struct Sampler {
    /// `my_walk`.
    name: String,
    /// `MyWalk`.
    kernel: String,
}

/// Words that Rust keeps for itself.
const RESERVED: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "lib", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Crates and types that every file sees: a module of that name would hide them.
const SEEN_AS_MODULE: &[&str] = &[
    "alloc",
    "bool",
    "char",
    "core",
    "f128",
    "f16",
    "f32",
    "f64",
    "i128",
    "i16",
    "i32",
    "i64",
    "i8",
    "isize",
    "proc_macro",
    "std",
    "str",
    "test",
    "u128",
    "u16",
    "u32",
    "u64",
    "u8",
    "usize",
];

/// What the prelude of Rust gives to every file: a kernel of that name would hide it.
const PRELUDE: &[&str] = &[
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Self",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
];

impl Sampler {
    fn named(name: &str) -> Result<Self, String> {
        let valid = name.starts_with(|c: char| c.is_ascii_lowercase())
            && !name.ends_with('_')
            && !name.contains("__")
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && !RESERVED.contains(&name);
        if !valid {
            return Err(format!(
                "NAME is {name:?}, but must be the name of a module such as zig_zag: small \
                 letters, digits and single underscores, from a letter, and no word of Rust"
            ));
        }
        let kernel = name
            .split('_')
            .map(|word| {
                let (first, rest) = word.split_at(1);
                first.to_ascii_uppercase() + rest
            })
            .collect();
        let sampler = Self {
            name: name.to_owned(),
            kernel,
        };
        let hidden = SEEN_AS_MODULE
            .iter()
            .find(|word| **word == sampler.name)
            .or_else(|| PRELUDE.iter().find(|word| **word == sampler.kernel));
        if let Some(word) = hidden {
            return Err(format!(
                "NAME is {name:?}, which would hide Rust's own {word}: take another name"
            ));
        }
        // What the template imports, such as `Energy`.
        if let Some(word) = find(&sampler.types(), TEMPLATE) {
            return Err(format!(
                "NAME is {name:?}, but its kernel itself needs another {word}: take another name"
            ));
        }
        Ok(sampler)
    }

    /// The types that it exports.
    fn types(&self) -> [String; 3] {
        let kernel = &self.kernel;
        [
            kernel.clone(),
            format!("{kernel}Info"),
            format!("{kernel}State"),
        ]
    }

    /// A name of this sampler that the code of `text` has already, if there is one: of the module,
    /// of its tests, or of a type.
    fn known<'t>(&self, text: &'t str) -> Option<&'t str> {
        let name = &self.name;
        let modules = [
            name.clone(),
            format!("{name}_in_one_dimension"),
            format!("{name}_in_ten_dimensions"),
        ];
        find(&modules, text).or_else(|| find(&self.types(), text))
    }

    fn source(&self) -> String {
        TEMPLATE
            .replace("walk_name", &self.name)
            .replace("WalkName", &self.kernel)
    }

    /// The module among its neighbours, the export, and the row of the table.
    fn in_library(&self, text: &str) -> Result<String, String> {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let missing = |what: &str| format!("{LIBRARY} has no {what} to stand beside");
        let place = |lines: &[String], start: &str, word: &str| {
            let mut last = None;
            for (i, line) in lines
                .iter()
                .enumerate()
                .filter(|(_, l)| l.starts_with(start))
            {
                last = Some(i);
                let other = line[start.len()..].trim_end_matches(';');
                if other.split("::").next().unwrap_or(other) > word {
                    return Some(i);
                }
            }
            last.map(|i| end_of_item(lines, i) + 1)
        };
        let (name, kernel) = (&self.name, &self.kernel);
        let at = place(&lines, "mod ", name).ok_or_else(|| missing("module"))?;
        lines.insert(at, format!("mod {name};"));
        let at = place(&lines, "pub use ", name).ok_or_else(|| missing("export"))?;
        lines.insert(
            at,
            format!("pub use {name}::{{{kernel}, {kernel}Info, {kernel}State}};"),
        );
        let at = lines
            .iter()
            .rposition(|line| line.starts_with("//! |"))
            .ok_or_else(|| missing("table"))?;
        lines.insert(
            at + 1,
            format!("//! | [`{kernel}`] | all coordinates by a Gaussian step | yes | yes |"),
        );
        Ok(lines.join("\n") + "\n")
    }

    fn in_conformance(&self, text: &str) -> String {
        let (name, kernel) = (&self.name, &self.kernel);
        format!(
            "{text}
ergodic_conformance::kernel!({name}_in_one_dimension {{
    kernel: ergodic_samplers::{kernel}::new(0.8).unwrap(),
    target: ergodic_conformance::targets::DoubleWell,
    quadrature: ergodic_conformance::targets::DoubleWell::quadrature(),
    tolerance: 1e-4,
    energy_shift: 1e-9,
    serde: true,
}});

ergodic_conformance::kernel!({name}_in_ten_dimensions {{
    kernel: ergodic_samplers::{kernel}::new(0.4).unwrap(),
    target: ergodic_conformance::targets::LogGamma(10),
    exact: ergodic_conformance::targets::LogGamma(10).exact(),
    tapes: ergodic_conformance::QuasiMonteCarlo::new(),
    energy_shift: 1e-9,
    serde: true,
}});
"
        )
    }

    fn in_benchmark(&self, text: &str) -> Result<String, String> {
        let start = text.find("\nsampler_cases! {");
        let end = start.and_then(|start| text[start..].find("\n}").map(|end| start + end));
        let Some(end) = end else {
            return Err(format!("{BENCHMARK} has no table `sampler_cases! {{ … }}`"));
        };
        let (before, after) = text.split_at(end);
        Ok(format!(
            "{before}\n    {}: ergodic_samplers::{}::new(0.5).expect(VALID), on LogGamma(10);{after}",
            self.name, self.kernel
        ))
    }
}

/// The line on which the item that begins on line `start` ends.
fn end_of_item(lines: &[String], start: usize) -> usize {
    (start..lines.len())
        .find(|&i| lines[i].trim_end().ends_with(';'))
        .unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_modules() {
        assert_eq!(Sampler::named("zig_zag2").unwrap().kernel, "ZigZag2");
        for bad in [
            "", "ZigZag", "zig-zag", "2zig", "_zig", "zig_", "zig__zag", "../zig", "fn", "lib",
        ] {
            assert!(Sampler::named(bad).unwrap_err().contains("NAME"), "{bad:?}");
        }
    }

    #[test]
    fn names_that_would_hide_what_a_file_needs_are_refused() {
        // Kernels `Vec`, `ToString`; modules `std`, `f64`; what the template imports.
        for bad in [
            "vec",
            "option",
            "box",
            "self",
            "result",
            "string",
            "clone",
            "copy",
            "default",
            "some",
            "ok",
            "err",
            "send",
            "to_string",
            "into_iterator",
            "debug",
            "partial_eq",
            "std",
            "core",
            "alloc",
            "f64",
            "usize",
            "str",
            "energy",
            "randomness",
            "markov_kernel",
            "argument_error",
            "real",
            "step",
        ] {
            let message = Sampler::named(bad).unwrap_err();
            assert!(message.contains("NAME"), "{bad:?}: {message}");
        }
        for good in [
            "walk",
            "vec_walk",
            "my_option",
            "boxed",
            "stringy",
            "zig_zag",
            "hug_and_hop",
        ] {
            assert!(Sampler::named(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn names_that_the_crate_has_are_found() {
        let walk = Sampler::named("my_walk").unwrap();
        for text in [
            "mod my_walk;",
            "pub use other::{A, MyWalk};",
            "pub use other::MyWalkState;",
            "pub use other::MyWalkInfo as It;",
            "kernel!(my_walk_in_ten_dimensions {",
            "    my_walk: there, on C;",
        ] {
            assert!(walk.known(text).is_some(), "{text}");
        }
        for text in [
            "mod my_walks; use {MyWalks, MyWalkStates};",
            "//! of MyWalk and my_walk",
        ] {
            assert_eq!(walk.known(text), None);
        }
        let hidden = Sampler::named("rand_chacha").unwrap();
        let manifest = "rand-chacha.workspace = true".replace('-', "_");
        assert_eq!(hidden.known(&manifest), Some("rand_chacha"));
    }

    #[test]
    fn modules_and_exports_keep_their_order() {
        let text = "//! | a | b |\n//! | [`Z`] | c |\n\nmod gibbs;\nmod start;\n\npub use gibbs::{\n    Gibbs,\n};\n";
        let found = Sampler::named("my_walk").unwrap().in_library(text).unwrap();
        assert_eq!(
            found,
            "//! | a | b |\n//! | [`Z`] | c |\n//! | [`MyWalk`] | all coordinates by a Gaussian step | yes | yes |\n\n\
             mod gibbs;\nmod my_walk;\nmod start;\n\npub use gibbs::{\n    Gibbs,\n};\n\
             pub use my_walk::{MyWalk, MyWalkInfo, MyWalkState};\n"
        );
        assert!(Sampler::named("my_walk").unwrap().in_library("").is_err());
    }

    #[test]
    fn the_line_of_the_benchmark_is_the_last_of_the_table() {
        let sampler = Sampler::named("my_walk").unwrap();
        let found = sampler
            .in_benchmark("x\nsampler_cases! {\n    a: b, on C;\n}\ny\n")
            .unwrap();
        assert_eq!(
            found,
            "x\nsampler_cases! {\n    a: b, on C;\n    my_walk: ergodic_samplers::MyWalk::new(0.5).expect(VALID), \
             on LogGamma(10);\n}\ny\n"
        );
        assert!(sampler.in_benchmark("nothing").is_err());
    }
}
