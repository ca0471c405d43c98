//! The comparison of NUTS with nuts-rs in `cargo xtask bench`: two programs that write draws and CPU
//! seconds, judged by one measure of effective sample size.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::bench::median;
use crate::manifest::cargo;

/// Targets, whether the low-rank mode of the peer can be waited for, and over how many seeds the median
/// goes: the effective sample size of one run scatters by a fifth where runs are short.
const TARGETS: [(&str, bool, u32); 6] = [
    ("iso10", true, 31),
    ("iso1000", false, 11),
    ("ar1", true, 5),
    ("funnel_nc", true, 31),
    ("eight", true, 31),
    ("logit", true, 3),
];
const FIRST_SEED: u32 = 601;
/// Modes of the peer with the lengths of their warm-ups.
const MODES: [(&str, &str); 2] = [("diag", "400"), ("lowrank", "800")];

/// The ids of the comparison, `nuts/TARGET`, that contain a text.
pub(crate) fn ids(filter: &str) -> Vec<String> {
    let all = TARGETS.iter().map(|(target, ..)| format!("nuts/{target}"));
    all.filter(|id| id.contains(filter)).collect()
}

/// The two programs, built.
pub(crate) struct Programs {
    ours: PathBuf,
    peer: Option<PathBuf>,
    data: PathBuf,
    out: PathBuf,
}

impl Programs {
    /// Builds the drivers, that of the peer in a folder of its own.
    pub(crate) fn build(root: &Path, peers: bool) -> Result<Self, String> {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |t| root.join(t));
        let run = |command: &mut Command| match command.current_dir(root).status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{command:?}: {status}")),
            Err(e) => Err(format!("{command:?}: {e}")),
        };
        let release = ["build", "--quiet", "--release"];
        run(Command::new(cargo()).args(release).args([
            "--package",
            "ergodic-benches",
            "--bin",
            "nuts",
        ]))?;
        let folder = target.join("nuts-rs");
        if peers {
            run(Command::new(cargo())
                .args(release)
                .arg("--manifest-path")
                .arg(root.join("benches/peers/nuts-rs/Cargo.toml"))
                .env("CARGO_TARGET_DIR", &folder))?;
        }
        let out = target.join("nuts-draws");
        std::fs::create_dir_all(&out).map_err(|e| format!("{}: {e}", out.display()))?;
        Ok(Self {
            ours: target.join("release/nuts"),
            peer: peers.then(|| folder.join("release/nuts-rs-bench")),
            data: root.join("benches/data/wdbc.csv"),
            out,
        })
    }

    /// Medians over the seeds, the programs in turn for each seed.
    pub(crate) fn measure(&self, id: &str) -> Result<Map<String, Value>, String> {
        let target = id.trim_start_matches("nuts/");
        let (_, low_rank, seeds) = TARGETS
            .iter()
            .find(|(name, ..)| *name == target)
            .ok_or_else(|| format!("{id}: not a target of the comparison"))?;
        let modes = if *low_rank { &MODES[..] } else { &MODES[..1] };
        let mut ours = Vec::new();
        let mut theirs = vec![Vec::new(); modes.len()];
        let mut seconds = Vec::new();
        for seed in FIRST_SEED..FIRST_SEED + seeds {
            let seed = seed.to_string();
            let (rate, time) = self.one(&self.ours, &[target, "300", "1000", &seed])?;
            ours.push(rate);
            seconds.push(time);
            if let Some(peer) = &self.peer {
                for ((mode, warmup), rates) in modes.iter().zip(&mut theirs) {
                    let arguments = [target, mode, warmup, "1000", &seed];
                    rates.push(self.one(peer, &arguments)?.0);
                }
            }
        }
        let ours = median(ours);
        let peers = if self.peer.is_some() { modes } else { &[] };
        let peers: Vec<Value> = peers
            .iter()
            .zip(theirs)
            .map(|((mode, _), rates)| {
                let theirs = median(rates);
                json!({
                    "name": format!("nuts-rs 0.19.1 {mode}"),
                    "value": theirs,
                    "ratio": ours / theirs,
                    "versions": Value::Null,
                })
            })
            .collect();
        let result = json!({
            "unit": "ESS/s",
            "threads": 1,
            "higher_is_better": true,
            "median_seconds": median(seconds),
            "value": ours,
            "peers": peers,
        });
        Ok(result.as_object().cloned().unwrap_or_default())
    }

    /// Least bulk ESS per CPU second of one run, warm-up counted, and its CPU seconds.
    fn one(&self, program: &Path, arguments: &[&str]) -> Result<(f64, f64), String> {
        let prefix = self.out.join("run");
        let output = |command: &mut Command| -> Result<String, String> {
            let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
            if !output.status.success() {
                let text = String::from_utf8_lossy(&output.stderr);
                return Err(format!("{command:?}: {}", text.trim()));
            }
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        output(
            Command::new(program)
                .args(arguments)
                .arg(&prefix)
                .arg(&self.data),
        )?;
        let ess = output(Command::new(&self.ours).arg("ess").arg(&prefix))?;
        let ess: f64 = ess.parse().map_err(|e| format!("`{ess}`: {e}"))?;
        let summary = prefix.with_extension("json");
        let text =
            std::fs::read_to_string(&summary).map_err(|e| format!("{}: {e}", summary.display()))?;
        let summary: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        match (summary["warm_s"].as_f64(), summary["samp_s"].as_f64()) {
            (Some(warmup), Some(sampling)) => {
                let seconds = warmup + sampling;
                Ok((ess / seconds, seconds))
            }
            _ => Err(format!("{}: no seconds", program.display())),
        }
    }
}
