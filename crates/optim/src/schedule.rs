//! Learning-rate schedules: the factor on the learning rate at each step.

use std::fmt;
use std::str::FromStr;

use ergodic_core::ArgumentError;

/// How the learning rate falls after the warm-up; parameters are checked by [`Schedule`].
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Constant,
    Linear { last: f64 },
    Cosine { last: f64 },
    Exponential { last: f64 },
    Step { every: u64, by: f64 },
    InverseTime { half: u64 },
}

/// The factor on the learning rate at step `s` of `S`, between 0 and 1.
///
/// With the progress `p = s/S` (1 from step `S` on) and the factor `f` at `S`:
///
/// | constructor | text | factor |
/// |---|---|---|
/// | [`constant`](Self::constant) | `constant` | 1 |
/// | [`linear`](Self::linear) | `linear:f` | `1 − p (1 − f)` |
/// | [`cosine`](Self::cosine) | `cosine:f` | `f + (1 − f) (1 + cos πp)/2` (Loshchilov and Hutter, ICLR 2017) |
/// | [`exponential`](Self::exponential) | `exponential:f` | `fᵖ` |
/// | [`step`](Self::step) | `step:n:b` | `b^⌊s/n⌋` |
/// | [`inverse_time`](Self::inverse_time) | `inverse-time:n` | `1/(1 + s/n)` (Robbins and Monro, *Ann. Math. Stat.* 22, 1951) |
///
/// A [`with_warm_up`](Self::with_warm_up) of `w` steps, text `warm-up:w+` before the shape, rises
/// as `(s + 1)/w` and leaves the remaining `S − w` steps, counted from 0, to the shape.
///
/// `Display` writes the text form, and parsing that gives the same schedule back.
///
/// ```
/// use ergodic_optim::Schedule;
///
/// let schedule: Schedule = "warm-up:10+linear:0".parse()?;
/// assert_eq!(schedule, Schedule::linear(0.0)?.with_warm_up(10));
/// assert_eq!(schedule.factor(4, 110), 0.5);
/// assert_eq!(schedule.factor(60, 110), 0.5);
/// assert_eq!(schedule.factor(110, 110), 0.0);
/// assert_eq!(schedule.to_string(), "warm-up:10+linear:0");
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    shape: Shape,
    warm_up: u64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::constant()
    }
}

impl Schedule {
    /// The factor 1 at every step.
    pub const fn constant() -> Self {
        Self {
            shape: Shape::Constant,
            warm_up: 0,
        }
    }

    /// From 1 to `last` along a line.
    ///
    /// # Errors
    /// If `last` is not in `[0, 1]`.
    pub fn linear(last: f64) -> Result<Self, ArgumentError> {
        fraction("last factor of a linear schedule", last, true)?;
        Ok(Shape::Linear { last }.into())
    }

    /// From 1 to `last` along half a cosine.
    ///
    /// # Errors
    /// If `last` is not in `[0, 1]`.
    pub fn cosine(last: f64) -> Result<Self, ArgumentError> {
        fraction("last factor of a cosine schedule", last, true)?;
        Ok(Shape::Cosine { last }.into())
    }

    /// From 1 to `last` by equal ratios.
    ///
    /// # Errors
    /// If `last` is not in `(0, 1]`.
    pub fn exponential(last: f64) -> Result<Self, ArgumentError> {
        fraction("last factor of an exponential schedule", last, false)?;
        Ok(Shape::Exponential { last }.into())
    }

    /// Times `by` after every `every` steps.
    ///
    /// # Errors
    /// If `every` is 0 or `by` not in `(0, 1]`.
    pub fn step(every: u64, by: f64) -> Result<Self, ArgumentError> {
        at_least_one("steps between the drops of a step schedule", every)?;
        fraction("factor of a step schedule", by, false)?;
        Ok(Shape::Step { every, by }.into())
    }

    /// `1/(1 + s/half)`: one half after `half` steps, whatever the total.
    ///
    /// # Errors
    /// If `half` is 0.
    pub fn inverse_time(half: u64) -> Result<Self, ArgumentError> {
        at_least_one("half time of an inverse-time schedule", half)?;
        Ok(Shape::InverseTime { half }.into())
    }

    /// The same schedule behind a linear rise over the first `steps` steps; 0 for none.
    pub const fn with_warm_up(mut self, steps: u64) -> Self {
        self.warm_up = steps;
        self
    }

    /// The number of steps of the warm-up.
    pub const fn warm_up(&self) -> u64 {
        self.warm_up
    }

    /// The factor at step `step`, counted from 0, of `total_steps`. Beyond the last step the
    /// progress stays at 1. Where the warm-up takes all steps the shape never starts.
    pub fn factor(&self, step: u64, total_steps: u64) -> f64 {
        if step < self.warm_up {
            return (step + 1) as f64 / self.warm_up as f64;
        }
        let step = step - self.warm_up;
        let total = total_steps.saturating_sub(self.warm_up);
        let progress = if step < total {
            step as f64 / total as f64
        } else {
            1.0
        };
        match self.shape {
            Shape::Constant => 1.0,
            Shape::Linear { last } => 1.0 - progress * (1.0 - last),
            Shape::Cosine { last } => {
                last + (1.0 - last) * (0.5 + 0.5 * libm::cos(std::f64::consts::PI * progress))
            }
            Shape::Exponential { last } => libm::pow(last, progress),
            Shape::Step { every, by } => libm::pow(by, (step / every) as f64),
            Shape::InverseTime { half } => 1.0 / (1.0 + step as f64 / half as f64),
        }
    }
}

impl From<Shape> for Schedule {
    fn from(shape: Shape) -> Self {
        Self { shape, warm_up: 0 }
    }
}

fn fraction(name: &'static str, x: f64, zero: bool) -> Result<(), ArgumentError> {
    if (x > 0.0 || (zero && x == 0.0)) && x <= 1.0 {
        return Ok(());
    }
    let allowed = if zero {
        "between 0 and 1"
    } else {
        "above 0 and at most 1"
    };
    Err(ArgumentError::new(name, x, allowed))
}

fn at_least_one(name: &'static str, x: u64) -> Result<(), ArgumentError> {
    if x == 0 {
        return Err(ArgumentError::new(name, x, "at least 1"));
    }
    Ok(())
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.warm_up > 0 {
            write!(f, "warm-up:{}+", self.warm_up)?;
        }
        match self.shape {
            Shape::Constant => f.write_str("constant"),
            Shape::Linear { last } => write!(f, "linear:{last}"),
            Shape::Cosine { last } => write!(f, "cosine:{last}"),
            Shape::Exponential { last } => write!(f, "exponential:{last}"),
            Shape::Step { every, by } => write!(f, "step:{every}:{by}"),
            Shape::InverseTime { half } => write!(f, "inverse-time:{half}"),
        }
    }
}

const FORMS: &str = "constant, linear:F, cosine:F, exponential:F, step:N:F or inverse-time:N \
     with numbers F and whole N, optionally behind warm-up:N+";

impl FromStr for Schedule {
    type Err = ArgumentError;

    /// Reads the text form of the table above.
    ///
    /// # Errors
    /// If the text has another form, or a number is outside its range.
    fn from_str(text: &str) -> Result<Self, ArgumentError> {
        let malformed = || ArgumentError::new("schedule", format!("\"{text}\""), FORMS);
        let real = |s: &str| s.parse::<f64>().map_err(|_| malformed());
        let whole = |s: &str| s.parse::<u64>().map_err(|_| malformed());
        let (warm_up, shape) = match text.split_once('+') {
            Some((first, shape)) => {
                let steps = first.strip_prefix("warm-up:").ok_or_else(malformed)?;
                (whole(steps)?, shape)
            }
            None => (0, text),
        };
        let words: Vec<&str> = shape.split(':').collect();
        let schedule = match words.as_slice() {
            ["constant"] => Ok(Self::constant()),
            ["linear", last] => Self::linear(real(last)?),
            ["cosine", last] => Self::cosine(real(last)?),
            ["exponential", last] => Self::exponential(real(last)?),
            ["step", every, by] => Self::step(whole(every)?, real(by)?),
            ["inverse-time", half] => Self::inverse_time(whole(half)?),
            _ => Err(malformed()),
        }?;
        Ok(schedule.with_warm_up(warm_up))
    }
}
