//! Simulation-based calibration: is the truth a typical draw of the posterior?

use ergodic_core::{ArgumentError, Randomness, TargetError};
use ergodic_math::rng::stream;
use ergodic_math::special::chi_squared_survival;
use rayon::prelude::*;

use crate::joint::{family_wise, named};
use crate::{DiagnosticsError, GenerativeModel, ess_bulk};

/// How a [`Calibration`] is run.
///
/// ```
/// use ergodic_diagnostics::CalibrationSettings;
///
/// let settings = CalibrationSettings { replications: 500, ..Default::default() };
/// assert_eq!((settings.draws, settings.bins), (63, 16));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalibrationSettings {
    /// Data sets that are simulated, at least 5 per bin; 1000 by default.
    pub replications: usize,
    /// Draws `L` that are kept of each posterior, so that ranks go from 0 to `L`; 63 by default.
    pub draws: usize,
    /// Bins of the histogram of ranks, 2 or more, a divisor of `L + 1`; 16 by default.
    pub bins: usize,
    /// Transitions before the first draw; 50 by default.
    pub warmup: usize,
    /// Most transitions after the warm-up of one replication, at least `L` and 8; 6300 by default.
    pub longest: usize,
    /// The same seed gives the same bits for any number of threads; 1 by default.
    pub seed: u64,
}

impl Default for CalibrationSettings {
    fn default() -> Self {
        Self {
            replications: 1000,
            draws: 63,
            bins: 16,
            warmup: 50,
            longest: 6300,
            seed: 1,
        }
    }
}

/// Simulation-based calibration (Talts, Betancourt, Simpson, Vehtari and Gelman,
/// arXiv:1804.06788, 2018).
///
/// For `θ ∼ p(θ)`, `y ∼ p(y | θ)` and `L` independent draws from the posterior `p(· | y)`, the rank
/// of `g(θ, y)` among the `g` of the draws is uniform on `0, …, L`. Draws of a chain depend on each
/// other, so each replication is run until its thinned draws are worth `L` independent ones (bulk
/// effective sample size of the slowest quantity) and `L` of them are kept, evenly. The chain
/// starts at `θ`, which is a draw of its posterior: a right sampler is stationary from the first
/// step, the warm-up lets it forget `θ`. Ties are broken at random. The histogram of the ranks of
/// each quantity is tested by `χ²` with `bins − 1` degrees of freedom.
///
/// Cost: `replications` chains, in parallel, of at most `warmup + longest` transitions.
///
/// ```
/// # use ergodic_core::{Randomness, TargetError};
/// # use ergodic_diagnostics::GenerativeModel;
/// # struct Normal;
/// # impl GenerativeModel for Normal {
/// #     type Parameters = f64;
/// #     type Data = f64;
/// #     fn draw_parameters<R: Randomness + ?Sized>(&self, rng: &mut R) -> f64 {
/// #         rng.normal()
/// #     }
/// #     fn draw_data<R: Randomness + ?Sized>(&self, theta: &f64, rng: &mut R) -> f64 {
/// #         theta + rng.normal()
/// #     }
/// #     fn names(&self) -> Vec<String> {
/// #         vec!["theta".into()]
/// #     }
/// #     fn quantities(&self, theta: &f64, y: &f64, out: &mut [f64]) {
/// #         out[0] = *theta;
/// #     }
/// # }
/// use ergodic_diagnostics::{Calibration, CalibrationSettings};
///
/// // θ ∼ N(0, 1), y ∼ N(θ, 1): the posterior is N(y/2, 1/2).
/// let right = |y: &f64, theta: &mut f64, rng: &mut dyn Randomness| {
///     *theta = 0.5 * y + 0.5f64.sqrt() * rng.normal();
///     Ok(())
/// };
/// let report = Calibration::new(CalibrationSettings::default())?.run(&Normal, right)?;
/// assert!(report.passes(1e-6));
/// assert_eq!(report.quantities[0].histogram.iter().sum::<u64>(), 1000);
/// # Ok::<(), ergodic_diagnostics::DiagnosticsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibration {
    settings: CalibrationSettings,
}

/// The ranks of one quantity.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CalibratedQuantity {
    /// The quantity.
    pub name: String,
    /// The rank of the truth in each replication, 0 to `L`. High at both ends: posteriors too
    /// narrow (or draws that depend on each other); in the middle: too wide; sloped: biased.
    pub ranks: Vec<u32>,
    /// How many ranks fall into each bin.
    pub histogram: Vec<u64>,
    /// `χ² = Σ (count − expected)²/expected`.
    pub chi_squared: f64,
    /// The probability of a larger one under uniform ranks.
    pub p_value: f64,
}

/// What a [`Calibration`] found.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CalibrationReport {
    /// One for each quantity.
    pub quantities: Vec<CalibratedQuantity>,
    /// Replications whose kept draws are worth less than `L/2` independent ones because `longest`
    /// was reached: many of them make a right sampler fail.
    pub too_short: usize,
    /// The mean number of transitions from one kept draw to the next.
    pub mean_stride: f64,
}

impl CalibrationReport {
    /// The probability that a right sampler shows a `χ²` as improbable as the worst, by
    /// Bonferroni's bound over the quantities.
    pub fn p_value(&self) -> f64 {
        family_wise(self.quantities.iter().map(|q| q.p_value))
    }

    /// Whether [`p_value`](Self::p_value) is at least `alpha`.
    pub fn passes(&self, alpha: f64) -> bool {
        self.p_value() >= alpha
    }
}

/// Ranks of one replication.
struct Replication {
    ranks: Vec<u32>,
    stride: usize,
    too_short: bool,
}

impl Calibration {
    /// A calibration with these settings.
    ///
    /// # Errors
    /// A setting outside its domain.
    pub fn new(settings: CalibrationSettings) -> Result<Self, ArgumentError> {
        let CalibrationSettings {
            replications,
            draws,
            bins,
            longest,
            ..
        } = settings;
        if draws == 0 || draws > u32::MAX as usize {
            return Err(ArgumentError::new("draws", draws, "between 1 and 2³² − 1"));
        }
        if bins < 2 || !(draws + 1).is_multiple_of(bins) {
            return Err(ArgumentError::new(
                "bins",
                bins,
                format!("at least 2 and a divisor of draws + 1, {}", draws + 1),
            ));
        }
        if replications < 5 * bins {
            return Err(ArgumentError::new(
                "replications",
                replications,
                format!("at least 5 for each of {bins} bins"),
            ));
        }
        let least = draws.max(8);
        if longest < least {
            return Err(ArgumentError::new(
                "longest",
                longest,
                format!("at least {least}"),
            ));
        }
        Ok(Self { settings })
    }

    /// Tests `transition`, one step of the sampler of `p(θ | y)` for the data that it is given;
    /// [`kernel_transition`](crate::kernel_transition) makes one of a kernel.
    ///
    /// # Errors
    /// If the transition fails (the replication is named), a quantity is not finite, or there is
    /// none.
    pub fn run<M, K>(&self, model: &M, transition: K) -> Result<CalibrationReport, DiagnosticsError>
    where
        M: GenerativeModel + Sync,
        K: Fn(&M::Data, &mut M::Parameters, &mut dyn Randomness) -> Result<(), TargetError> + Sync,
    {
        let names = named(model)?;
        let results: Vec<Result<Replication, DiagnosticsError>> = (0..self.settings.replications)
            .into_par_iter()
            .map(|replication| self.replicate(model, &transition, &names, replication))
            .collect();
        let mut ranks = vec![Vec::with_capacity(results.len()); names.len()];
        let (mut too_short, mut strides) = (0, 0);
        for result in results {
            let result = result?;
            too_short += usize::from(result.too_short);
            strides += result.stride;
            for (all, rank) in ranks.iter_mut().zip(result.ranks) {
                all.push(rank);
            }
        }
        let quantities = names
            .into_iter()
            .zip(ranks)
            .map(|(name, ranks)| self.judge(name, ranks))
            .collect();
        Ok(CalibrationReport {
            quantities,
            too_short,
            mean_stride: strides as f64 / self.settings.replications as f64,
        })
    }

    fn replicate<M, K>(
        &self,
        model: &M,
        transition: &K,
        names: &[String],
        replication: usize,
    ) -> Result<Replication, DiagnosticsError>
    where
        M: GenerativeModel,
        K: Fn(&M::Data, &mut M::Parameters, &mut dyn Randomness) -> Result<(), TargetError>,
    {
        let CalibrationSettings {
            draws,
            warmup,
            longest,
            seed,
            ..
        } = self.settings;
        let width = names.len();
        let mut rng = stream(seed, replication as u64);
        let mut parameters = model.draw_parameters(&mut rng);
        let data = model.draw_data(&parameters, &mut rng);
        let mut truth = vec![0.0; width];
        model.quantities(&parameters, &data, &mut truth);
        let failed = |error| DiagnosticsError::Target { replication, error };
        for _ in 0..warmup {
            transition(&data, &mut parameters, &mut rng).map_err(failed)?;
        }
        // Quantity by quantity, one value a transition.
        let mut chains = vec![Vec::with_capacity(draws.max(8)); width];
        let mut row = vec![0.0; width];
        let mut length = draws.max(8);
        let stride = loop {
            while chains.first().is_some_and(|c| c.len() < length) {
                transition(&data, &mut parameters, &mut rng).map_err(failed)?;
                model.quantities(&parameters, &data, &mut row);
                for (chain, &value) in chains.iter_mut().zip(&row) {
                    chain.push(value);
                }
            }
            let mut stride = 1.0f64;
            for ((chain, name), &truth) in chains.iter().zip(names).zip(&truth) {
                let check = |value: f64, draw| {
                    if value.is_finite() {
                        return Ok(());
                    }
                    Err(DiagnosticsError::NonFinite {
                        parameter: Some(name.clone()),
                        chain: replication,
                        draw,
                        value,
                    })
                };
                check(truth, 0)?;
                match ess_bulk(&[chain]) {
                    Ok(ess) => stride = stride.max(length as f64 / ess),
                    // It has not moved yet, or never will.
                    Err(DiagnosticsError::Constant) => {}
                    Err(DiagnosticsError::NonFinite { draw, value, .. }) => check(value, draw)?,
                    Err(other) => return Err(other),
                }
            }
            let wanted = (stride * draws as f64).ceil();
            if wanted <= length as f64 || length == longest {
                break stride;
            }
            // A longer chain also knows its memory better, so no leap beyond four times.
            length = (wanted.min(4.0 * length as f64) as usize).min(longest);
        };
        let every = length / draws;
        let ranks = chains
            .iter()
            .zip(&truth)
            .map(|(chain, truth)| {
                let kept = || chain.iter().skip(every - 1).step_by(every).take(draws);
                let below = kept().filter(|x| *x < truth).count();
                let equal = kept().filter(|x| *x == truth).count();
                (below + rng.index(equal + 1)) as u32
            })
            .collect();
        Ok(Replication {
            ranks,
            stride: every,
            too_short: stride > 2.0 * every as f64,
        })
    }

    fn judge(&self, name: String, ranks: Vec<u32>) -> CalibratedQuantity {
        let per_bin = (self.settings.draws + 1) / self.settings.bins;
        let mut histogram = vec![0u64; self.settings.bins];
        for &rank in &ranks {
            histogram[rank as usize / per_bin] += 1;
        }
        let expected = ranks.len() as f64 / self.settings.bins as f64;
        let chi_squared = histogram
            .iter()
            .map(|&count| {
                let difference = count as f64 - expected;
                difference * difference / expected
            })
            .sum();
        let degrees = (self.settings.bins - 1) as f64;
        CalibratedQuantity {
            name,
            ranks,
            histogram,
            chi_squared,
            // Inside the domain: finite and not negative, one degree of freedom or more.
            p_value: chi_squared_survival(chi_squared, degrees).unwrap_or(0.0),
        }
    }
}
