//! What every benchmark of Ergodic is made of: a [`Case`] with an id, a unit and perhaps peers.
//!
//! There is one file per topic in `benches/benches/`, and the id of a case starts with its topic:
//! `math/rng/uniform-f64` lives in `math.rs`. A case is timed only after its result was checked:
//! a fast wrong kernel has no rate. `cargo bench` runs the cases alone; `cargo xtask bench`
//! also writes `docs/benchmarks/` and, with `--peers`, runs the peers in the same minute.

use std::path::PathBuf;
use std::time::Duration;

use criterion::Criterion;
use serde_json::{Value, json};

/// Something whose speed is measured.
///
/// ```
/// use ergodic_benches::Case;
///
/// let mut criterion = criterion::Criterion::default().without_plots();
/// # if false {
/// Case::rate("math/sum", "elements/s", 1000.0)
///     .peer_script("NumPy", "math_numpy.py", &["sum"])
///     .run(
///         &mut criterion,
///         || vec![1.0f64; 1000],
///         |x| match x.iter().sum::<f64>() {
///             1000.0 => Ok(()),
///             other => Err(format!("the sum is {other}, not 1000")),
///         },
///         |x| {
///             std::hint::black_box(x.iter().sum::<f64>());
///         },
///     );
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a case does nothing before `run`"]
pub struct Case {
    id: String,
    unit: String,
    work: f64,
    higher_is_better: bool,
    threads: usize,
    long: bool,
    peers: Vec<Value>,
}

impl Case {
    /// A rate: one call of the routine does `work` of what `unit` counts per second, so 512 kB
    /// per call are a work of 5.12e-4 in `GB/s`.
    pub fn rate(id: &str, unit: &str, work: f64) -> Self {
        Self {
            id: id.to_owned(),
            unit: unit.to_owned(),
            work,
            higher_is_better: true,
            threads: 1,
            long: false,
            peers: Vec::new(),
        }
    }

    /// A duration in seconds: one call of the routine does `work` pieces, the figure is seconds
    /// per piece, and less is better.
    pub fn seconds(id: &str, work: f64) -> Self {
        Self {
            higher_is_better: false,
            ..Self::rate(id, "s", work)
        }
    }

    /// The number of threads that the case and its peers may use; 1 unless said otherwise.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Ten samples instead of a hundred, for routines that take a tenth of a second or more.
    pub fn long(mut self) -> Self {
        self.long = true;
        self
    }

    /// A peer that is a script of `benches/peers/`, run with `arguments`. It prints one line of
    /// JSON: `{"name", "unit", "values": […], "versions": {…}}` in the unit of this case.
    pub fn peer_script(mut self, name: &str, script: &str, arguments: &[&str]) -> Self {
        self.peers
            .push(json!({"name": name, "script": script, "arguments": arguments}));
        self
    }

    /// A peer that is another case with the same unit: another library's way to the same result.
    pub fn peer_case(mut self, name: &str, id: &str) -> Self {
        self.peers.push(json!({"name": name, "case": id}));
        self
    }

    /// As [`run`](Self::run), for work that is counted while preparing: `prepare` returns the
    /// state and the work of one call, which replaces that of the case. Effective draws per
    /// second are counted so.
    ///
    /// # Panics
    /// If the check fails.
    pub fn run_counted<S>(
        self,
        criterion: &mut Criterion,
        prepare: impl FnOnce() -> (S, f64),
        check: impl FnOnce(&mut S) -> Result<(), String>,
        routine: impl FnMut(&mut S),
    ) {
        let counted = self.clone();
        self.run(
            criterion,
            || {
                let (state, work) = prepare();
                Self { work, ..counted }.describe();
                state
            },
            check,
            routine,
        );
    }

    /// Prepares a state, checks the result, then times the routine on the state.
    ///
    /// `prepare` and `check` run only if the case is selected.
    ///
    /// # Panics
    /// If the check fails: there is nothing to time then.
    pub fn run<S>(
        self,
        criterion: &mut Criterion,
        prepare: impl FnOnce() -> S,
        check: impl FnOnce(&mut S) -> Result<(), String>,
        mut routine: impl FnMut(&mut S),
    ) {
        self.describe();
        let (topic, name) = self.id.split_once('/').unwrap_or((&self.id, "all"));
        let mut group = criterion.benchmark_group(topic);
        if self.long {
            group.sample_size(10);
        } else {
            group.warm_up_time(Duration::from_secs(1));
            group.measurement_time(Duration::from_secs(3));
        }
        let mut once = Some((prepare, check));
        let mut state = None;
        // Criterion calls this closure once per warm-up round and once to measure.
        group.bench_function(name, |bencher| {
            if let Some((prepare, check)) = once.take() {
                let mut prepared = prepare();
                if let Err(reason) = check(&mut prepared) {
                    panic!("{}: {reason}; a wrong result has no speed", self.id);
                }
                state = Some(prepared);
            }
            if let Some(state) = &mut state {
                bencher.iter(|| routine(state));
            }
        });
        group.finish();
    }

    /// Leaves what the case is for `cargo xtask bench`, if that has named a folder.
    fn describe(&self) {
        let Some(folder) = std::env::var_os("ERGODIC_BENCH_CASES") else {
            return;
        };
        let path = PathBuf::from(folder).join(format!("{}.json", self.id.replace('/', "+")));
        let text = json!({
            "id": self.id,
            "unit": self.unit,
            "work": self.work,
            "higher_is_better": self.higher_is_better,
            "threads": self.threads,
            "peers": self.peers,
        })
        .to_string();
        if let Err(error) = std::fs::write(&path, text) {
            panic!("{}: {error}", path.display());
        }
    }
}

/// Whether `found` equals `exact` to a relative error of `tolerance`, in a sentence if not.
///
/// # Errors
/// If it does not.
///
/// ```
/// use ergodic_benches::close;
///
/// assert!(close("energy", 1.0 + 1e-9, 1.0, 1e-8).is_ok());
/// assert_eq!(
///     close("energy", 1.5, 1.0, 1e-8).unwrap_err(),
///     "energy is 1.5, not 1 (relative error 5.0e-1, allowed 1.0e-8)"
/// );
/// assert!(close("energy", f64::NAN, 1.0, 1e-8).is_err());
/// ```
pub fn close(what: &str, found: f64, exact: f64, tolerance: f64) -> Result<(), String> {
    let error = (found - exact).abs() / exact.abs().max(f64::MIN_POSITIVE);
    if error <= tolerance {
        return Ok(());
    }
    Err(format!(
        "{what} is {found}, not {exact} (relative error {error:.1e}, allowed {tolerance:.1e})"
    ))
}
