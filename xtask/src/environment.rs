//! Where a benchmark was run: processor, compiler, flags, commit, day.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// What a reader needs to compare a figure with one of their own.
pub(crate) fn describe(root: &Path, date: Option<&str>) -> Value {
    json!({
        "cpu": cpu(),
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "rustc": first_line(Command::new("rustc").arg("--version")),
        "flags": variable("RUSTFLAGS", "none"),
        "profile": "bench (release, thin LTO, one codegen unit)",
        "simd": variable("ERGODIC_SIMD", "detected"),
        "commit": commit(root),
        "date": date.map_or_else(today, str::to_owned),
    })
}

fn variable(name: &str, otherwise: &str) -> String {
    std::env::var(name)
        .ok()
        .filter(|v| !v.is_empty())
        .unwrap_or_else(|| otherwise.to_owned())
}

/// The model name of the first processor, or the architecture where the system keeps none.
fn cpu() -> String {
    let named = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|t| {
        let line = t.lines().find(|l| l.starts_with("model name"))?;
        let (_, name) = line.split_once(':')?;
        let number = |key: &str| {
            let line = t
                .lines()
                .find(|l| l.split(':').next().map(str::trim) == Some(key))?;
            line.split_once(':').map(|(_, n)| n.trim().to_owned())
        };
        Some(match (number("cpu family"), number("model")) {
            (Some(family), Some(model)) => {
                format!("{}, family {family} model {model}", name.trim())
            }
            _ => name.trim().to_owned(),
        })
    });
    named.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn commit(root: &Path) -> String {
    let git =
        |arguments: &[&str]| first_line(Command::new("git").args(arguments).current_dir(root));
    let hash = git(&["rev-parse", "--short", "HEAD"]);
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    if changed.is_empty() || hash.is_empty() {
        hash
    } else {
        format!("{hash} with changes")
    }
}

fn first_line(command: &mut Command) -> String {
    command
        .output()
        .ok()
        .map(|o| String::from_utf8_lossy(&o.stdout).into_owned())
        .and_then(|text| text.lines().next().map(|l| l.trim().to_owned()))
        .unwrap_or_default()
}

fn today() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The Gregorian date of a day counted from 1970-01-01.
fn civil(mut days: u64) -> (u64, usize, u64) {
    let leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    (year, month + 1, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_fall_on_their_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(11_017), (2000, 3, 1));
        assert_eq!(civil(19_722), (2023, 12, 31));
        assert_eq!(civil(47_541), (2100, 3, 1)); // 2100 has no 29 February
    }
}
