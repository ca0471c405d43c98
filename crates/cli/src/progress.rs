//! Progress on stderr: a bar with rate and time left on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Not at all.
    Quiet,
    /// A bar that is redrawn.
    Bar,
    /// At most twenty lines per phase, and at most one in half a second but for the last.
    Lines,
}

impl Style {
    /// Bars on a terminal, lines elsewhere, nothing if `quiet`.
    pub fn detect(quiet: bool) -> Self {
        match (quiet, stderr().is_terminal()) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Bar,
            (false, false) => Self::Lines,
        }
    }
}

/// One phase of a run: training, annealing.
pub struct Phase {
    name: &'static str,
    unit: &'static str,
    total: u64,
    style: Style,
    bar: ProgressBar,
    started: Instant,
    /// Twentieths of the way that have been reported.
    reported: u64,
    /// Seconds from the start to the last report.
    reported_at: f64,
}

/// Least seconds between two lines.
const PAUSE: f64 = 0.5;

impl Phase {
    /// Starts a phase of `total` steps called `unit`.
    pub fn start(style: Style, name: &'static str, total: u64, unit: &'static str) -> Self {
        let bar = if style == Style::Bar {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let template = "{prefix:>10} {bar:30.cyan/dim} {pos}/{len} {per_sec} {eta} left  {msg}";
            if let Ok(bar_style) = ProgressStyle::with_template(template) {
                bar.set_style(bar_style.progress_chars("━━─"));
            }
            bar.set_prefix(name);
            bar
        } else {
            ProgressBar::hidden()
        };
        Self {
            name,
            unit,
            total,
            style,
            bar,
            started: Instant::now(),
            reported: 0,
            reported_at: 0.0,
        }
    }

    /// `done` steps are done; `message` is asked for only when it is shown.
    pub fn set(&mut self, done: u64, message: impl FnOnce() -> String) {
        match self.style {
            Style::Quiet => {}
            Style::Bar => {
                self.bar.set_position(done);
                self.bar.set_message(message());
            }
            Style::Lines => {
                if let Some(line) = self.line(done, self.started.elapsed().as_secs_f64(), message) {
                    eprintln!("{line}");
                }
            }
        }
    }

    /// The line to be printed, if a further twentieth of the way is done.
    fn line(
        &mut self,
        done: u64,
        seconds: f64,
        message: impl FnOnce() -> String,
    ) -> Option<String> {
        let total = self.total.max(1);
        let twentieth = (u128::from(done.min(total)) * 20 / u128::from(total)) as u64;
        let hurried = seconds - self.reported_at < PAUSE && done < total;
        if twentieth <= self.reported || hurried {
            return None;
        }
        self.reported = twentieth;
        self.reported_at = seconds;
        let rate = done as f64 / seconds.max(1e-9);
        let left = (total - done.min(total)) as f64 / rate.max(1e-9);
        let message = message();
        let comma = if message.is_empty() { "" } else { ", " };
        Some(format!(
            "{}: {done}/{} {}, {rate:.0}/s, {} left{comma}{message}",
            self.name,
            self.total,
            self.unit,
            duration(left),
        ))
    }

    /// Ends the phase.
    pub fn finish(self) {
        self.bar.finish_and_clear();
        if self.style != Style::Quiet {
            eprintln!(
                "{}: done in {}",
                self.name,
                duration(self.started.elapsed().as_secs_f64())
            );
        }
    }
}

/// `850 ms`, `12.3 s`, `4 min 10 s`, `2 h 05 min`.
pub fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", 1000.0 * seconds)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else if seconds < 3600.0 {
        let s = seconds as u64;
        format!("{} min {:02} s", s / 60, s % 60)
    } else {
        let minutes = (seconds / 60.0) as u64;
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_progress_is_about_twenty_lines_whatever_the_total() {
        for total in [1u64, 7, 20, 1000, 123_457] {
            let mut phase = Phase::start(Style::Lines, "train", total, "epochs");
            let lines: Vec<String> = (1..=total)
                .filter_map(|done| phase.line(done, 0.5 * done as f64, || "ok".into()))
                .collect();
            assert_eq!(lines.len() as u64, total.min(20), "{lines:?}");
            let last = format!("train: {total}/{total} epochs, 2/s, 0 ms left, ok");
            assert_eq!(lines.last(), Some(&last));
        }
    }

    #[test]
    fn short_phases_do_not_flood_the_log() {
        let mut phase = Phase::start(Style::Lines, "train", 1000, "epochs");
        let lines = (1..=1000)
            .filter_map(|done| phase.line(done, 1e-3 * done as f64, String::new))
            .count();
        assert_eq!(lines, 2);
    }

    #[test]
    fn durations_read_naturally() {
        let shown: Vec<String> = [0.0851, 12.34, 250.0, 7500.0].map(duration).to_vec();
        assert_eq!(shown, ["85 ms", "12.3 s", "4 min 10 s", "2 h 05 min"]);
    }
}
