//! Pilot runs that choose a ladder.

use ergodic_core::{ArgumentError, MarkovKernel, Path};
use ergodic_math::rng;

use crate::ais::{anneal, invariant};
use crate::blocks::{Streams, over_blocks};
use crate::{FreeEnergyError, Ladder, LadderOrigin, check};

/// The settings of [`Pilot`]; checked by [`Pilot::new`] and [`PilotBuilder::build`].
#[derive(Clone, Debug, PartialEq)]
pub struct PilotSettings {
    /// The ladder of the pilot chains; default linear with 200 steps.
    pub ladder: Ladder,
    /// The number of pilot chains, at least 2; default 64.
    pub chains: usize,
    /// Chains per block, at least 1; default 64.
    pub block: usize,
    /// The seed; default 0. The streams of pilots are apart from those of estimators, also under
    /// the same seed.
    pub seed: u64,
}

impl Default for PilotSettings {
    fn default() -> Self {
        Self {
            ladder: Ladder::linear(200).unwrap_or_default(),
            chains: 64,
            block: 64,
            seed: 0,
        }
    }
}

/// Chooses a ladder by a short run of its own: rungs at equal thermodynamic length.
///
/// Over a short step of the path the work has the variance `I(t) Δt²` with the Fisher information
/// `I(t)` of the path, and the thermodynamic length is `Λ(t) = ∫ √I dt` (Salamon and Berry, *Phys.
/// Rev. Lett.* 51, 1983; Crooks, *Phys. Rev. Lett.* 99, 2007). For well-mixing kernels the
/// variance of `log w` over `K` steps is about `Σ_k (ΔΛ_k)²`, least for equal `ΔΛ_k`.
///
/// The pilot measures the standard deviation of the work over its chains in every step of its own
/// ladder, adds a twentieth of their mean (so that no stretch is skipped because the pilot chains
/// happened to agree on it), and puts the new rungs at equal parts of the sum, linear in between.
///
/// The rungs are a function of the pilot chains alone, which share nothing with the runs that
/// will use them: certificates on those runs hold.
#[derive(Clone, Debug)]
pub struct Pilot {
    settings: PilotSettings,
}

impl Pilot {
    /// A builder with the default settings.
    pub fn builder() -> PilotBuilder {
        PilotBuilder {
            settings: PilotSettings::default(),
        }
    }

    /// A pilot with checked settings.
    ///
    /// # Errors
    /// If `chains` is below 2 or `block` is 0.
    pub fn new(settings: PilotSettings) -> Result<Self, ArgumentError> {
        check::at_least(2, "chains", settings.chains)?;
        check::at_least(1, "block", settings.block)?;
        Ok(Self { settings })
    }

    /// The settings.
    pub fn settings(&self) -> &PilotSettings {
        &self.settings
    }

    /// A ladder of `steps` steps for `path` and `kernel`.
    ///
    /// # Errors
    /// If `steps` is 0, the kernel does not claim invariance, or the target or kernel fails.
    pub fn choose<P, K>(
        &self,
        path: &P,
        kernel: &K,
        steps: usize,
    ) -> Result<Ladder, FreeEnergyError>
    where
        P: Path + Sync,
        K: MarkovKernel<P::Target> + Sync,
    {
        check::at_least(1, "steps", steps)?;
        invariant(kernel.claims().stationarity)?;
        let s = &self.settings;
        let rungs = s.ladder.rungs();
        let blocks = over_blocks(
            s.chains,
            s.block,
            s.ladder.steps(),
            &|_| (),
            |block, chains, ticker| {
                let mut rng = rng::stream(s.seed, Streams::Pilot.of_block(block));
                let mut kernel = kernel.clone();
                let mut log_weights = vec![0.0; chains.len()];
                let mut works = vec![Vec::new(); s.ladder.steps()];
                let keep = |k: usize, work: &[f64]| {
                    works[k - 1].extend(work.iter().filter(|w| w.is_finite()));
                    ticker.tick()
                };
                anneal(path, &mut kernel, rungs, &mut rng, &mut log_weights, keep)?;
                Ok(works)
            },
        )?;
        let speeds: Vec<f64> = (0..s.ladder.steps())
            .map(|k| {
                let works: Vec<f64> = blocks.iter().flat_map(|w| &w[k]).copied().collect();
                standard_deviation(&works)
            })
            .collect();
        let origin = LadderOrigin::Pilot {
            chains: s.chains,
            seed: s.seed,
        };
        Ok(Ladder::with_origin(
            equal_parts(rungs, &speeds, steps),
            origin,
        )?)
    }
}

/// The sample standard deviation; 0 for fewer than two values.
fn standard_deviation(x: &[f64]) -> f64 {
    if x.len() < 2 {
        return 0.0;
    }
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let squares: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
    (squares / (x.len() - 1) as f64).sqrt()
}

/// Rungs that cut the length over `rungs`, given per interval and raised by a twentieth of its
/// mean, into `steps` equal parts.
fn equal_parts(rungs: &[f64], lengths: &[f64], steps: usize) -> Vec<f64> {
    let mean = lengths.iter().sum::<f64>() / lengths.len() as f64;
    // Nothing was measured, or beyond what can be summed: no reason to leave the pilot's ladder.
    let flat = mean <= 0.0 || !mean.is_finite();
    let mut upto = vec![0.0];
    let mut total = 0.0;
    for &length in lengths {
        total += if flat { 1.0 } else { length / mean + 0.05 };
        upto.push(total);
    }
    let mut out = Vec::with_capacity(steps + 1);
    out.push(0.0);
    let mut k = 0;
    for step in 1..steps {
        let goal = total * (step as f64 / steps as f64);
        while k + 2 < upto.len() && upto[k + 1] < goal {
            k += 1;
        }
        let within = (goal - upto[k]) / (upto[k + 1] - upto[k]);
        out.push(rungs[k] + within * (rungs[k + 1] - rungs[k]));
    }
    out.push(1.0);
    out
}

/// Builds a [`Pilot`] from settings that are checked once, by [`build`](Self::build).
#[derive(Clone, Debug)]
pub struct PilotBuilder {
    settings: PilotSettings,
}

impl PilotBuilder {
    /// Sets [`PilotSettings::ladder`].
    pub fn ladder(mut self, ladder: Ladder) -> Self {
        self.settings.ladder = ladder;
        self
    }

    /// Sets [`PilotSettings::chains`].
    pub fn chains(mut self, chains: usize) -> Self {
        self.settings.chains = chains;
        self
    }

    /// Sets [`PilotSettings::block`].
    pub fn block(mut self, block: usize) -> Self {
        self.settings.block = block;
        self
    }

    /// Sets [`PilotSettings::seed`].
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// The pilot.
    ///
    /// # Errors
    /// As [`Pilot::new`].
    pub fn build(self) -> Result<Pilot, ArgumentError> {
        Pilot::new(self.settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lengths_leave_the_rungs_where_they_are() {
        let rungs = [0.0, 0.1, 0.5, 1.0];
        for length in [0.0, 2.5] {
            let parts = equal_parts(&rungs, &[length; 3], 3);
            assert!(parts.iter().zip(rungs).all(|(a, b)| (a - b).abs() < 1e-15));
        }
    }

    #[test]
    fn parts_have_equal_length() {
        // Lengths 3 and 1 plus .05 times their mean 2: of 4.2 in all, 2.1 lie before the middle.
        let parts = equal_parts(&[0.0, 0.5, 1.0], &[3.0, 1.0], 2);
        assert!((parts[1] - 0.5 * 2.1 / 3.1).abs() < 1e-15);
    }
}
