//! Progress as lines of text, for logs and plain terminals.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ergodic_core::ArgumentError;

use super::observer::{Observer, Progress};

/// Lines of one phase of one chain, unless it is told otherwise.
const LINES: u64 = 10;

/// An [`Observer`] that writes lines: chain, phase, steps done, step size and divergences.
///
/// ```text
/// chain 0: warm-up 100/1000, step size 0.612, 1 divergence
/// chain 2: draw 500/1000, step size 0.448, 0 divergences
/// ```
///
/// Each chain writes ten lines in its warm-up and ten in its sampling, at equal distances, the
/// last one when the phase is done ([`lines`](Self::lines) sets another number). That depends on
/// nothing but the counts: the lines of a chain are the same in every run. No library code reads a
/// clock, so for at most one line in a while, of all chains together, hand one over with
/// [`at_most_every`](Self::at_most_every).
///
/// A call costs two divisions; a lock and a write only where there is a line. A writer that fails is
/// not asked again: progress is not worth a run.
///
/// ```
/// use ergodic_samplers::{LogDensity, ProgressLines, RandomWalk, Sampler};
///
/// let normal = LogDensity::new(1, |x: &[f64], gradient: &mut [f64]| {
///     gradient[0] = -x[0];
///     -0.5 * x[0] * x[0]
/// });
/// let mut log = Vec::new(); // or std::io::stderr()
/// let run = Sampler::new(RandomWalk::new(2.4)?, &normal)
///     .chains(1)
///     .warmup(0)
///     .draws(100)
///     .progress(ProgressLines::new(&mut log).lines(2)?)
///     .run()?;
/// # assert!(!run.interrupted);
/// assert_eq!(
///     String::from_utf8(log)?,
///     "chain 0: draw 50/100, 0 divergences\nchain 0: draw 100/100, 0 divergences\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ProgressLines<W> {
    lines: u64,
    clock: Option<Clock>,
    written: Mutex<Written<W>>,
}

/// The user's clock, and how long it has to go on between two lines.
struct Clock {
    now: Box<dyn Fn() -> Duration + Send + Sync>,
    pause: Duration,
}

struct Written<W> {
    writer: W,
    /// When the last line was written.
    last: Option<Duration>,
    failed: bool,
}

impl<W: Write + Send> ProgressLines<W> {
    /// Lines to `writer`, such as `std::io::stderr()`; each is flushed.
    pub fn new(writer: W) -> Self {
        Self {
            lines: LINES,
            clock: None,
            written: Mutex::new(Written {
                writer,
                last: None,
                failed: false,
            }),
        }
    }

    /// With `lines` lines for the warm-up of each chain, and as many for its sampling; fewer where
    /// it has fewer steps.
    ///
    /// # Errors
    /// If it is 0.
    pub fn lines(mut self, lines: u64) -> Result<Self, ArgumentError> {
        if lines == 0 {
            return Err(ArgumentError::new("lines", lines, "at least 1"));
        }
        self.lines = lines;
        Ok(self)
    }

    /// Leaves out lines that would come less than `pause` after the last one by `clock`, the time
    /// since any fixed moment. The last line of each phase is always written.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use ergodic_samplers::ProgressLines;
    ///
    /// let start = Instant::now();
    /// let progress = ProgressLines::new(std::io::stderr())
    ///     .lines(1000)?
    ///     .at_most_every(Duration::from_millis(500), move || start.elapsed());
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn at_most_every(
        mut self,
        pause: Duration,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.clock = Some(Clock {
            now: Box::new(clock),
            pause,
        });
        self
    }

    /// Whether a line is due: a further part of the phase is done.
    fn is_due(&self, at: &Progress) -> bool {
        let parts = |done: usize| done as u128 * u128::from(self.lines) / at.of.max(1) as u128;
        at.done > 0 && parts(at.done) > parts(at.done - 1)
    }
}

/// `chain 1: warm-up 300/1000, step size 0.41, 2 divergences`.
fn line(at: &Progress) -> String {
    let phase = if at.warmup { "warm-up" } else { "draw" };
    let step_size = at.step_size.map_or(String::new(), |h| {
        if (1e-3..1e4).contains(&h) {
            format!(", step size {h:.3}")
        } else {
            format!(", step size {h:.2e}")
        }
    });
    let plural = if at.divergences == 1 { "" } else { "s" };
    format!(
        "chain {}: {phase} {}/{}{step_size}, {} divergence{plural}\n",
        at.chain, at.done, at.of, at.divergences
    )
}

impl<W: Write + Send> Observer for ProgressLines<W> {
    fn progress(&self, at: &Progress) {
        if !self.is_due(at) {
            return;
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.failed {
            return;
        }
        if let Some(clock) = &self.clock {
            let now = (clock.now)();
            let early = written
                .last
                .is_some_and(|last| now.saturating_sub(last) < clock.pause);
            if early && at.done < at.of {
                return;
            }
            written.last = Some(now);
        }
        let writer = &mut written.writer;
        let outcome = writer
            .write_all(line(at).as_bytes())
            .and_then(|()| writer.flush());
        written.failed = outcome.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(chain: usize, done: usize, of: usize) -> Progress {
        Progress {
            chain,
            warmup: false,
            done,
            of,
            divergences: 0,
            step_size: None,
        }
    }

    #[test]
    fn a_phase_has_as_many_lines_as_it_was_told_and_ends_with_one() {
        for of in [1, 3, 10, 1000, 1_234_567] {
            let mut log = Vec::new();
            let progress = ProgressLines::new(&mut log).lines(7).unwrap();
            for done in 1..=of {
                progress.progress(&at(0, done, of));
            }
            let log = String::from_utf8(log).unwrap();
            assert_eq!(log.lines().count(), of.min(7), "{log}");
            assert!(log.ends_with(&format!("chain 0: draw {of}/{of}, 0 divergences\n")));
        }
        assert!(ProgressLines::new(Vec::new()).lines(0).is_err());
    }

    #[test]
    fn a_line_says_phase_step_size_and_divergences() {
        let mut warm = Progress {
            warmup: true,
            divergences: 1,
            step_size: Some(0.4123),
            ..at(3, 10, 20)
        };
        let expected = "chain 3: warm-up 10/20, step size 0.412, 1 divergence\n";
        assert_eq!(line(&warm), expected);
        warm.step_size = Some(1.5e-7);
        assert!(line(&warm).contains("step size 1.50e-7,"));
        assert_eq!(line(&at(0, 1, 2)), "chain 0: draw 1/2, 0 divergences\n");
    }

    #[test]
    fn lines_keep_the_pause_but_for_the_last_of_a_phase() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicU64, Ordering};
        let seconds = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&seconds);
        let mut log = Vec::new();
        let progress = ProgressLines::new(&mut log)
            .lines(100)
            .unwrap()
            .at_most_every(Duration::from_secs(10), move || {
                Duration::from_secs(clock.load(Ordering::Relaxed))
            });
        // Two chains, a draw of each per second.
        for done in 1..=35 {
            seconds.store(done, Ordering::Relaxed);
            for chain in 0..2 {
                progress.progress(&at(chain, done as usize, 35));
            }
        }
        let log = String::from_utf8(log).unwrap();
        let draws: Vec<&str> = log.lines().filter_map(|l| l.split(',').next()).collect();
        let expected = [
            "chain 0: draw 1/35",
            "chain 0: draw 11/35",
            "chain 0: draw 21/35",
            "chain 0: draw 31/35",
            "chain 0: draw 35/35",
            "chain 1: draw 35/35",
        ];
        assert_eq!(draws, expected);
    }

    /// Takes one line, then fails.
    struct Once(usize);
    impl Write for Once {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += 1;
            assert!(self.0 <= 2, "asked again after an error");
            if self.0 == 1 {
                Ok(bytes.len())
            } else {
                Err(std::io::Error::other("the disk is full"))
            }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_writer_that_fails_is_not_asked_again() {
        let progress = ProgressLines::new(Once(0));
        for done in 1..=10 {
            progress.progress(&at(0, done, 10));
        }
    }
}
