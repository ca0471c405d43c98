//! Geweke's joint-distribution test: is the sampler that of the model?

use ergodic_core::{ArgumentError, Randomness, TargetError};
use ergodic_math::rng::stream;
use ergodic_math::special::erfc;
use rayon::prelude::*;

use crate::lags::mean_and_variance;
use crate::{DiagnosticsError, GenerativeModel, ess_mean};

/// How a [`JointTest`] is run.
///
/// ```
/// use ergodic_diagnostics::JointTestSettings;
///
/// let settings = JointTestSettings { seed: 7, ..Default::default() };
/// assert_eq!(settings.chains, 8);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JointTestSettings {
    /// Independent draws of the joint law, at least 100; 10,000 by default.
    pub independent: usize,
    /// Chains of the sampler, at least 1; 8 by default.
    pub chains: usize,
    /// Draws of each chain, at least 100; 5000 by default.
    pub draws: usize,
    /// Transitions of the sampler between two redraws of the data, at least 1; 1 by default.
    pub transitions: usize,
    /// The same seed gives the same bits for any number of threads; 1 by default.
    pub seed: u64,
}

impl Default for JointTestSettings {
    fn default() -> Self {
        Self {
            independent: 10_000,
            chains: 8,
            draws: 5000,
            transitions: 1,
            seed: 1,
        }
    }
}

/// Geweke's joint-distribution test ("Getting it right", *J. Am. Stat. Assoc.* 99, 2004).
///
/// The joint law `p(θ, y)` is drawn in two ways: forwards (`θ` from the prior, `y` given `θ`), and by
/// a chain that alternates the sampler under test, `θ ← K_y(θ)`, with fresh data, `y ∼ p(y | θ)`.
/// If `K_y` leaves `p(θ | y)` invariant, both have one law, and the first two moments of every
/// quantity agree: `z = (ḡ₁ − ḡ₂)/√(s₁²/M₁ + mcse₂²)`, the second error from the effective sample
/// size of the chain. The chains start from the prior, so they are stationary from the first draw
/// on. A wrong kernel, prior, likelihood or gradient shows; a slow kernel only widens the error.
///
/// Cost: `independent` forward draws and `chains · draws · transitions` steps, chains in parallel.
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
/// #         vec!["theta".into(), "theta * y".into()]
/// #     }
/// #     fn quantities(&self, theta: &f64, y: &f64, out: &mut [f64]) {
/// #         out.copy_from_slice(&[*theta, theta * y]);
/// #     }
/// # }
/// use ergodic_diagnostics::{JointTest, JointTestSettings};
///
/// // θ ∼ N(0, 1), y ∼ N(θ, 1): the posterior is N(y/2, 1/2).
/// let test = JointTest::new(JointTestSettings::default())?;
/// let right = |y: &f64, theta: &mut f64, rng: &mut dyn Randomness| {
///     *theta = 0.5 * y + 0.5f64.sqrt() * rng.normal();
///     Ok(())
/// };
/// assert!(test.run(&Normal, right)?.passes(1e-6));
/// let wrong = |y: &f64, theta: &mut f64, rng: &mut dyn Randomness| {
///     *theta = 0.5 * y + 0.6 * rng.normal(); // too narrow
///     Ok(())
/// };
/// assert!(!test.run(&Normal, wrong)?.passes(1e-6));
/// # Ok::<(), ergodic_diagnostics::DiagnosticsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JointTest {
    settings: JointTestSettings,
}

/// One comparison of a [`JointTest`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JointComparison {
    /// The quantity.
    pub name: String,
    /// 1: its mean. 2: its mean square about the mean of the independent draws.
    pub moment: u32,
    /// The moment of the independent draws.
    pub independent: f64,
    /// The moment of the sampler's draws.
    pub sampler: f64,
    /// The effective sample size of the latter; none if they are all one value.
    pub ess: Option<f64>,
    /// The difference over its standard error; about standard normal for a right sampler. Infinite
    /// if two constants differ.
    pub z: f64,
    /// `P(|Z| ≥ |z|)`.
    pub p_value: f64,
}

/// What a [`JointTest`] found.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JointReport {
    /// Both moments of each quantity.
    pub comparisons: Vec<JointComparison>,
}

impl JointReport {
    /// The probability that a right sampler shows one `z` as large as the largest, by Bonferroni's
    /// bound over the comparisons.
    pub fn p_value(&self) -> f64 {
        family_wise(self.comparisons.iter().map(|c| c.p_value))
    }

    /// Whether [`p_value`](Self::p_value) is at least `alpha`.
    pub fn passes(&self, alpha: f64) -> bool {
        self.p_value() >= alpha
    }
}

/// Bonferroni: the smallest times their number, at most 1.
pub(crate) fn family_wise(p: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = p.len() as f64;
    (count * p.fold(1.0, f64::min)).min(1.0)
}

impl JointTest {
    /// A test with these settings.
    ///
    /// # Errors
    /// A setting outside its domain.
    pub fn new(settings: JointTestSettings) -> Result<Self, ArgumentError> {
        for (name, found, least) in [
            ("independent", settings.independent, 100),
            ("chains", settings.chains, 1),
            ("draws", settings.draws, 100),
            ("transitions", settings.transitions, 1),
        ] {
            if found < least {
                return Err(ArgumentError::new(name, found, format!("at least {least}")));
            }
        }
        Ok(Self { settings })
    }

    /// Tests `transition`, one step of the sampler of `p(θ | y)` for the data that it is given;
    /// [`kernel_transition`](crate::kernel_transition) makes one of a kernel.
    ///
    /// # Errors
    /// If the transition fails (the replication named is the chain), a quantity is not finite, or
    /// there is none.
    pub fn run<M, K>(&self, model: &M, transition: K) -> Result<JointReport, DiagnosticsError>
    where
        M: GenerativeModel + Sync,
        K: Fn(&M::Data, &mut M::Parameters, &mut dyn Randomness) -> Result<(), TargetError> + Sync,
    {
        let settings = &self.settings;
        let names = named(model)?;
        let width = names.len();
        let mut rng = stream(settings.seed, 0);
        let mut independent = vec![0.0; settings.independent * width];
        for row in independent.chunks_exact_mut(width) {
            let parameters = model.draw_parameters(&mut rng);
            let data = model.draw_data(&parameters, &mut rng);
            model.quantities(&parameters, &data, row);
        }
        let chains: Vec<Result<Vec<f64>, TargetError>> = (0..settings.chains)
            .into_par_iter()
            .map(|chain| {
                let mut rng = stream(settings.seed, 1 + chain as u64);
                let mut parameters = model.draw_parameters(&mut rng);
                let mut data = model.draw_data(&parameters, &mut rng);
                let mut rows = vec![0.0; settings.draws * width];
                for row in rows.chunks_exact_mut(width) {
                    for _ in 0..settings.transitions {
                        transition(&data, &mut parameters, &mut rng)?;
                    }
                    data = model.draw_data(&parameters, &mut rng);
                    model.quantities(&parameters, &data, row);
                }
                Ok(rows)
            })
            .collect();
        let mut sampled = Vec::with_capacity(settings.chains);
        for (replication, chain) in chains.into_iter().enumerate() {
            sampled.push(chain.map_err(|error| DiagnosticsError::Target { replication, error })?);
        }
        let mut comparisons = Vec::with_capacity(2 * width);
        for (i, name) in names.iter().enumerate() {
            let column = |rows: &[f64]| -> Vec<f64> {
                rows.iter().skip(i).step_by(width).copied().collect()
            };
            let forwards = column(&independent);
            let chains: Vec<Vec<f64>> = sampled.iter().map(|rows| column(rows)).collect();
            if let Some(draw) = forwards.iter().position(|x| !x.is_finite()) {
                return Err(DiagnosticsError::NonFinite {
                    parameter: Some(name.clone()),
                    chain: 0,
                    draw,
                    value: forwards[draw],
                });
            }
            let (mean, _) = mean_and_variance(&forwards);
            let square = |x: &f64| (x - mean) * (x - mean);
            let forwards_2: Vec<f64> = forwards.iter().map(square).collect();
            let chains_2: Vec<Vec<f64>> = chains
                .iter()
                .map(|c| c.iter().map(square).collect())
                .collect();
            for (moment, forwards, chains) in [(1, &forwards, &chains), (2, &forwards_2, &chains_2)]
            {
                comparisons.push(
                    compare(name, moment, forwards, chains).map_err(|e| e.of_parameter(name))?,
                );
            }
        }
        Ok(JointReport { comparisons })
    }
}

/// The names of the quantities of a model, which has some.
pub(crate) fn named<M: GenerativeModel>(model: &M) -> Result<Vec<String>, ArgumentError> {
    let names = model.names();
    if names.is_empty() {
        return Err(ArgumentError::new("names", "empty", "at least one name"));
    }
    Ok(names)
}

fn compare(
    name: &str,
    moment: u32,
    forwards: &[f64],
    chains: &[Vec<f64>],
) -> Result<JointComparison, DiagnosticsError> {
    let (independent, variance) = mean_and_variance(forwards);
    let pooled: Vec<f64> = chains.concat();
    let (sampler, pooled_variance) = mean_and_variance(&pooled);
    let ess = match ess_mean(chains) {
        Ok(ess) => Some(ess),
        Err(DiagnosticsError::Constant) => None,
        Err(e) => return Err(e),
    };
    let error =
        (variance / forwards.len() as f64 + ess.map_or(0.0, |ess| pooled_variance / ess)).sqrt();
    let difference = independent - sampler;
    // Squares that overflow would make every difference look like chance.
    if !(difference.is_finite() && error.is_finite()) {
        return Err(ArgumentError::new(
            "quantities",
            format!("{name:?} with a standard error of {error}"),
            "small enough for finite fourth powers",
        )
        .into());
    }
    let z = if difference == 0.0 {
        0.0
    } else {
        difference / error
    };
    Ok(JointComparison {
        name: name.to_owned(),
        moment,
        independent,
        sampler,
        ess,
        z,
        p_value: erfc(z.abs() * std::f64::consts::FRAC_1_SQRT_2),
    })
}
