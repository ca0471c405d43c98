//! The bias of an unadjusted kernel, measured by halving its step.

use std::fmt;

use ergodic_core::{
    ArgumentError, Bias, Energy, Estimate, MarkovKernel, Stationarity, StepInfo, TargetError, Units,
};
use ergodic_math::moments::Moments;

use crate::batch_means::student;
use crate::phase::positive;

/// Measures the bias of an unadjusted kernel on functionals of a user: runs it with steps `h` and
/// `h/2` over the same time and compares.
///
/// A kernel that claims [`Asymptotic`](Stationarity::Asymptotic) order `p` has averages
/// `m(h) = m + c hᵖ + O(h^(p+1))`. Two runs give Richardson's estimate of the bias of the first,
/// `m(h) − m ≈ (m(h) − m(h/2))·2ᵖ/(2ᵖ − 1)`, and the extrapolated average without it,
/// `m(h/2) + (m(h/2) − m(h))/(2ᵖ − 1)`. What is left is of higher order in `h` and in no interval:
/// halve `h` once more and see whether the bias falls as claimed.
///
/// Pairs of chains start from the same point and the same stream of random numbers, one stream per
/// chain. Each run is cut in [`batches`](Self::batches) of equal time, whose means are compared
/// batch by batch; the standard errors rest on batches that are long beside the autocorrelation
/// time, and on the central limit theorem; the intervals are those of Student's law for so many
/// batches, which is wide for a few.
///
/// ```
/// # use ergodic_core::{Energy, EnergyGradient};
/// # struct Normal;
/// # impl Energy for Normal {
/// #     type State = [f64];
/// #     fn energy(&self, x: &[f64]) -> f64 { 0.5 * x[0] * x[0] }
/// # }
/// # impl EnergyGradient for Normal {
/// #     fn dim(&self) -> usize { 1 }
/// #     fn energy_gradient(&self, x: &[f64], g: &mut [f64]) -> f64 { g[0] = x[0]; self.energy(x) }
/// # }
/// use ergodic_samplers::{StepHalving, UnadjustedLangevin};
///
/// let measured = StepHalving::new(0.2)?.steps(20_000)?.run(
///     UnadjustedLangevin::new,
///     &Normal,
///     &[0.0],
///     1,
///     |x, out| out[0] = x[0] * x[0],
/// )?;
/// // Exactly: ⟨x²⟩ = 1/(1 − h/2) = 1.111 at h = 0.2 and 1.053 at h = 0.1.
/// assert!(measured[0].bias.interval.contains(2.0 * (1.0 / 0.9 - 1.0 / 0.95)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepHalving {
    step_size: f64,
    steps: usize,
    warmup: usize,
    chains: usize,
    batches: usize,
    seed: u64,
    confidence: f64,
    order: Option<u32>,
}

/// What [`StepHalving`] found for one functional.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredBias {
    /// The average with step `h`.
    pub coarse: Estimate,
    /// The average with step `h/2`.
    pub fine: Estimate,
    /// The bias of the average with step `h`.
    pub bias: Estimate,
    /// The average without the leading term of the bias.
    pub extrapolated: Estimate,
    /// The order of the bias that was assumed: what the kernel claims, or
    /// [`StepHalving::order`].
    pub order: u32,
    /// Divergent steps of all runs after their warm-up. If there are any, the expansion in `h` does not hold, and
    /// bias dominates in every estimate.
    pub divergences: u64,
}

/// Why a bias could not be measured.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StepHalvingError {
    /// A setting or the kernel's step size is out of its domain.
    Argument(ArgumentError),
    /// The target failed, in the chain and step that the error names.
    Target(TargetError),
}

impl fmt::Display for StepHalvingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(e) => e.fmt(f),
            Self::Target(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for StepHalvingError {}

impl From<ArgumentError> for StepHalvingError {
    fn from(e: ArgumentError) -> Self {
        Self::Argument(e)
    }
}

impl From<TargetError> for StepHalvingError {
    fn from(e: TargetError) -> Self {
        Self::Target(e)
    }
}

fn at_least(argument: &'static str, found: usize, least: usize) -> Result<usize, ArgumentError> {
    if found < least {
        return Err(ArgumentError::new(
            argument,
            found,
            format!("at least {least}"),
        ));
    }
    Ok(found)
}

impl StepHalving {
    /// For steps `h` and `h/2`. By default 4 chains of 10,000 steps of `h` after 1000 of warm-up,
    /// in 32 batches each, seed 0, confidence 0.95.
    ///
    /// # Errors
    /// If the step size is not a finite number above 0.
    pub fn new(step_size: f64) -> Result<Self, ArgumentError> {
        Ok(Self {
            step_size: positive("step_size", step_size)?,
            steps: 10_000,
            warmup: 1000,
            chains: 4,
            batches: 32,
            seed: 0,
            confidence: 0.95,
            order: None,
        })
    }

    /// Steps of size `h` per chain; twice as many of `h/2` take the same time.
    ///
    /// # Errors
    /// If there are none.
    pub fn steps(mut self, steps: usize) -> Result<Self, ArgumentError> {
        self.steps = at_least("steps", steps, 1)?;
        Ok(self)
    }

    /// Steps of size `h` that are left out at the start of a chain; the kernel does not adapt in
    /// them.
    pub const fn warmup(mut self, steps: usize) -> Self {
        self.warmup = steps;
        self
    }

    /// Pairs of chains.
    ///
    /// # Errors
    /// If there are none.
    pub fn chains(mut self, chains: usize) -> Result<Self, ArgumentError> {
        self.chains = at_least("chains", chains, 1)?;
        Ok(self)
    }

    /// Batches per chain, from which the standard errors come. Steps that do not fill a batch are
    /// left out.
    ///
    /// # Errors
    /// If there are fewer than 2.
    pub fn batches(mut self, batches: usize) -> Result<Self, ArgumentError> {
        self.batches = at_least("batches", batches, 2)?;
        Ok(self)
    }

    /// The seed; chain `c` uses stream `(seed, c)`.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The confidence of the intervals.
    ///
    /// # Errors
    /// If it is not strictly between 0 and 1.
    pub fn confidence(mut self, confidence: f64) -> Result<Self, ArgumentError> {
        if !(confidence > 0.0 && confidence < 1.0) {
            return Err(ArgumentError::new(
                "confidence",
                confidence,
                "strictly between 0 and 1",
            ));
        }
        self.confidence = confidence;
        Ok(self)
    }

    /// Assumes a bias of order `p` instead of what the kernel claims, for functionals of which more
    /// is known: positions of a [`Splitting`](crate::Splitting) have its
    /// [`position_order`](crate::Splitting::position_order), those of
    /// [`LeimkuhlerMatthews`](crate::LeimkuhlerMatthews) order 2. With an order that is too low the
    /// bias is overrated, with one too high underrated.
    ///
    /// # Errors
    /// If it is 0.
    pub fn order(mut self, order: u32) -> Result<Self, ArgumentError> {
        if order == 0 {
            return Err(ArgumentError::new("order", order, "at least 1"));
        }
        self.order = Some(order);
        Ok(self)
    }

    /// Runs the kernels that `kernel` makes of a step size, from `start`, and compares the averages
    /// of `functionals` numbers that `observe` writes.
    ///
    /// # Errors
    /// If `kernel` refuses a step size, claims no order (it is exact, then), a batch would be
    /// empty, a functional is not finite, or the target fails.
    pub fn run<T, K, F, O>(
        &self,
        kernel: F,
        target: &T,
        start: &T::State,
        functionals: usize,
        observe: O,
    ) -> Result<Vec<MeasuredBias>, StepHalvingError>
    where
        T: Energy + ?Sized,
        K: MarkovKernel<T>,
        F: Fn(f64) -> Result<K, ArgumentError>,
        O: Fn(&T::State, &mut [f64]),
    {
        let length = self.steps / self.batches;
        if length == 0 {
            return Err(ArgumentError::new(
                "steps",
                self.steps,
                format!("at least the number of batches, {}", self.batches),
            )
            .into());
        }
        let Stationarity::Asymptotic { order: claimed } =
            kernel(self.step_size)?.claims().stationarity
        else {
            return Err(ArgumentError::new(
                "kernel",
                "without a bias",
                "one that claims an order in the step size",
            )
            .into());
        };
        let order = self.order.unwrap_or(claimed);
        let mut divergences = 0;
        let mut run = |refine: usize, chain: usize| -> Result<Vec<f64>, StepHalvingError> {
            let mut kernel = kernel(self.step_size / refine as f64)?;
            let mut rng = ergodic_math::rng::stream(self.seed, chain as u64);
            let mut state = kernel.init(target, start).map_err(|e| e.at(chain, 0))?;
            let mut means = vec![0.0; self.batches * functionals];
            let mut values = vec![0.0; functionals];
            let mut made = 0;
            for _ in 0..self.warmup {
                for _ in 0..refine {
                    let step = kernel.step(target, &mut state, &mut rng);
                    step.map_err(|e| e.at(chain, made))?;
                    made += 1;
                }
            }
            for batch in 0..self.batches {
                for _ in 0..length * refine {
                    let step = kernel.step(target, &mut state, &mut rng);
                    let info = step.map_err(|e| e.at(chain, made))?;
                    divergences += u64::from(info.stats().divergent);
                    observe(kernel.position(target, &state), &mut values);
                    if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
                        return Err(TargetError::non_finite("a functional", *bad)
                            .at(chain, made)
                            .into());
                    }
                    for (k, v) in values.iter().enumerate() {
                        means[batch * functionals + k] += v / (length * refine) as f64;
                    }
                    made += 1;
                }
            }
            Ok(means)
        };
        // 2⁻ᵖ, which is 0 and not infinite for an order beyond reason.
        let shrinks = 0.5f64.powi(i32::try_from(order).unwrap_or(i32::MAX));
        // For each functional: coarse, fine, bias, extrapolated.
        let mut moments = vec![
            [
                Moments::new(),
                Moments::new(),
                Moments::new(),
                Moments::new()
            ];
            functionals
        ];
        for chain in 0..self.chains {
            let (coarse, fine) = (run(1, chain)?, run(2, chain)?);
            for (k, (a, b)) in coarse.iter().zip(&fine).enumerate() {
                let m = &mut moments[k % functionals];
                m[0].push(*a);
                m[1].push(*b);
                m[2].push((a - b) / (1.0 - shrinks));
                m[3].push(b + (b - a) * shrinks / (1.0 - shrinks));
            }
        }
        let estimate = |m: &Moments, method: &'static str| -> Result<Estimate, ArgumentError> {
            let (Some(mean), Some(error)) = (m.mean(), m.std_err()) else {
                return Err(ArgumentError::new("batches", self.batches, "at least 2"));
            };
            let n = self.chains * self.batches;
            let mut e = student(method.to_owned(), mean, error, n, n, self.confidence)?;
            e.units = Units::Dimensionless;
            if divergences > 0 {
                e.bias = Bias::Dominates(None);
            }
            Ok(e)
        };
        let measured = moments.iter().map(|[coarse, fine, bias, extrapolated]| {
            Ok(MeasuredBias {
                coarse: estimate(coarse, "mean at step h, Student over batches")?,
                fine: estimate(fine, "mean at step h/2, Student over batches")?,
                bias: estimate(
                    bias,
                    "Richardson from steps h and h/2, Student over batches",
                )?,
                extrapolated: estimate(
                    extrapolated,
                    "Richardson from steps h and h/2, Student over batches",
                )?,
                order,
                divergences,
            })
        });
        Ok(measured.collect::<Result<_, ArgumentError>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_batches_have_the_wide_intervals_of_student_and_any_order_a_number() {
        let target = crate::energy_gradient_fn(1, |x: &[f64], g: &mut [f64]| {
            g[0] = x[0];
            0.5 * x[0] * x[0]
        });
        let halving = StepHalving::new(0.1).unwrap().steps(100).unwrap();
        let halving = halving.chains(1).unwrap().batches(2).unwrap();
        let run = |halving: StepHalving| {
            let square = |x: &[f64], out: &mut [f64]| out[0] = x[0] * x[0];
            let kernel = crate::UnadjustedLangevin::new;
            halving.run(kernel, &target, &[0.5], 1, square).unwrap()
        };
        // One degree of freedom: tan(0.475 π).
        let fine = &run(halving)[0].fine;
        let widths = (fine.interval.upper - fine.value) / fine.std_err;
        assert!((widths / 12.706_204_736_174_7 - 1.0).abs() < 1e-9);
        let m = &run(halving.order(u32::MAX).unwrap())[0];
        assert_eq!(m.extrapolated.value, m.fine.value);
        assert!((m.bias.value - (m.coarse.value - m.fine.value)).abs() < 1e-15);
    }

    #[test]
    fn settings_out_of_their_domain_are_named() {
        let s = StepHalving::new(0.1).unwrap();
        let name = |r: Result<StepHalving, ArgumentError>| r.unwrap_err().argument;
        assert_eq!(name(StepHalving::new(-1.0)), "step_size");
        assert_eq!(name(s.steps(0)), "steps");
        assert_eq!(name(s.chains(0)), "chains");
        assert_eq!(name(s.batches(1)), "batches");
        assert_eq!(name(s.confidence(1.0)), "confidence");
        assert_eq!(name(s.order(0)), "order");
    }
}
