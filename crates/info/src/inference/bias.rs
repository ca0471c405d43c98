//! The bias that an estimator has on given data, by extrapolation over parts of them.
//!
//! The data are cut at random into halves, quarters and eighths. The mean estimate of the `2ʲ`
//! parts at level `j` is
//!
//! ```text
//! Vⱼ = θ + b·2^{jγ} + noise,
//! ```
//!
//! where `b` is the bias at full size, if the bias falls as `n^{−γ}`. What all levels have in common
//! (the linear part of the estimator, which is most of its noise) goes into the intercept. For
//! every `γ` between 1/8 and 2, least squares give `b`; the noise of the levels is estimated from
//! the differences between a part and its own halves, of which there are 2 and 4 (four degrees of
//! freedom). The rates of the field: `γ = 1` for entropies of finite alphabets, `2/d` or `1/d` for
//! nearest neighbours in `d` dimensions.
//!
//! Bias **dominates** when it exceeds the half width of the interval for every `γ` that the levels
//! do not rule out: the end nearest to zero of the profile-likelihood interval of `b` (one-sided 1 %,
//! Student's law) lies beyond.
//!
//! # When not to trust it
//! It sees only bias that changes with the number of observations on scales from `n/8` to `n`. An
//! estimator that is wrong by a constant, or stuck (mutual information at its ceiling `log n`, which
//! has not begun to converge), looks unbiased or nearly so. Silence is no proof. How often it fires
//! rightly and wrongly is published in `docs/coverage.md`.

use ergodic_core::Bias;
use ergodic_math::{Real, reduce};
use rayon::prelude::*;

use super::Resample;
use crate::Estimator;

/// Halvings: halves, quarters, eighths.
const LEVELS: usize = 3;

/// The smallest part that is asked.
const SMALLEST: usize = 8;

/// The 99 % quantile of Student's law with the 1 + 3 degrees of freedom that the noise has.
const QUANTILE: f64 = 3.746_947;

/// The rates `γ` tried, `2^{i/4}`: from 1/8 to 2.
const RATES: std::ops::RangeInclusive<i32> = -12..=4;

/// The extrapolated bias at full size, and how small it may be.
///
/// ```
/// use ergodic_info::inference::bias::Extrapolation;
///
/// // Means over 1, 2, 4, 8 parts of 1 + 0.5·parts/n·…: bias 0.5 at full size, rate 1.
/// let levels = [1.5, 2.0, 3.0, 5.0];
/// let found = Extrapolation::fit(&levels, 1e-3);
/// assert!((found.bias - 0.5).abs() < 0.01 && (found.rate - 1.0).abs() < 1e-12);
/// assert!(found.least > 0.4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extrapolation {
    /// The bias at full size, value minus truth, at the most plausible rate.
    pub bias: f64,
    /// That rate `γ`: the bias falls as `n^{−γ}`.
    pub rate: f64,
    /// The absolute bias is at least this with 99 % confidence, over all plausible rates.
    pub least: f64,
}

impl Extrapolation {
    /// Fits `θ + b·2^{jγ}` to the mean estimates over `2ʲ` parts, whose noise beside what is common
    /// to all levels has the standard deviation `noise`.
    ///
    /// The reported rate minimises the squared residual in units of the noise plus `(log₂ γ)²`: where
    /// the data do not speak, `γ` is near 1.
    pub fn fit(levels: &[f64], noise: f64) -> Self {
        let largest = levels.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        // Noise below rounding would divide by zero.
        let noise = noise.max(1e-14 * largest).max(f64::MIN_POSITIVE.sqrt());
        let fits: Vec<Line> = RATES
            .map(|i| {
                Line::through(
                    levels,
                    Real::exp(0.25 * f64::from(i) * std::f64::consts::LN_2),
                    noise,
                )
            })
            .collect();
        let smallest = fits.iter().fold(f64::INFINITY, |m, l| m.min(l.residual));
        let plausible = |line: &Line| {
            let log = Real::ln(line.rate) * std::f64::consts::LOG2_E;
            line.residual + log * log
        };
        let best = fits
            .iter()
            .min_by(|a, b| plausible(a).total_cmp(&plausible(b)))
            .copied()
            .unwrap_or(Line::NONE);
        // The end nearest to zero over all rates; zero when the sign is open.
        let (mut lower, mut upper) = (f64::INFINITY, f64::NEG_INFINITY);
        for line in &fits {
            let left = QUANTILE * QUANTILE - (line.residual - smallest);
            if left >= 0.0 {
                lower = lower.min(line.slope - line.std_err * left.sqrt());
                upper = upper.max(line.slope + line.std_err * left.sqrt());
            }
        }
        Self {
            bias: best.slope,
            rate: best.rate,
            least: lower.max(-upper).max(0.0),
        }
    }
}

/// A least-squares line of the levels against `2^{jγ}`.
#[derive(Clone, Copy)]
struct Line {
    rate: f64,
    slope: f64,
    std_err: f64,
    /// The sum of squared residuals over the noise's variance.
    residual: f64,
}

impl Line {
    const NONE: Self = Self {
        rate: 1.0,
        slope: 0.0,
        std_err: 0.0,
        residual: 0.0,
    };

    fn through(levels: &[f64], rate: f64, noise: f64) -> Self {
        let count = levels.len() as f64;
        let x: Vec<f64> = (0..levels.len())
            .map(|j| Real::exp(rate * j as f64 * std::f64::consts::LN_2))
            .collect();
        let x_mean = x.iter().sum::<f64>() / count;
        let y_mean = levels.iter().sum::<f64>() / count;
        let (mut xx, mut xy) = (0.0, 0.0);
        for (x, y) in x.iter().zip(levels) {
            xx += (x - x_mean) * (x - x_mean);
            xy += (x - x_mean) * (y - y_mean);
        }
        let slope = xy / xx;
        let residual = x.iter().zip(levels).map(|(x, y)| {
            let r = (y - y_mean - slope * (x - x_mean)) / noise;
            r * r
        });
        Self {
            rate,
            slope,
            std_err: noise / xx.sqrt(),
            residual: residual.sum(),
        }
    }
}

/// Looks for bias: extrapolates `value`, which `estimator` found from `data`, over parts of them.
///
/// [`Bias::Dominates`] if the bias exceeds `half_width` beyond doubt, else [`Bias::NotDetected`] with
/// the extrapolated figure, which may be noise. [`Bias::Unknown`] if the data have fewer than 64
/// observations or the estimator refuses the parts.
///
/// The cuts are drawn from `seed` alone; cost: three estimates' work at most, in parallel.
pub fn search<D, E>(estimator: &E, data: &D, value: f64, half_width: f64, seed: u64) -> Bias
where
    D: Resample,
    E: Estimator<D> + ?Sized,
{
    let Some(found) = extrapolate(estimator, data, value, seed) else {
        return Bias::Unknown;
    };
    if !found.bias.is_finite() {
        Bias::Unknown
    } else if found.least > half_width {
        Bias::Dominates(Some(found.bias))
    } else {
        Bias::NotDetected(found.bias)
    }
}

/// The extrapolation behind [`search`]; `None` if the data are too few or a part is refused.
pub fn extrapolate<D, E>(estimator: &E, data: &D, value: f64, seed: u64) -> Option<Extrapolation>
where
    D: Resample,
    E: Estimator<D> + ?Sized,
{
    if data.size() < SMALLEST << LEVELS || !value.is_finite() {
        return None;
    }
    let mut means = vec![value];
    let mut above = vec![value];
    let mut parts: Vec<D> = Vec::new();
    let (mut squares, mut degrees) = (0.0, 0.0);
    for level in 1..=LEVELS {
        let whole = std::slice::from_ref(data);
        let cut: Vec<(D, D)> = (if level == 1 { whole } else { &parts })
            .par_iter()
            .enumerate()
            .map(|(i, part)| {
                // Streams that no subsample uses.
                let stream = u64::MAX - ((1 << level) + i as u64);
                part.halves(&mut ergodic_math::rng::stream(seed, stream))
            })
            .collect();
        parts = cut.into_iter().flat_map(|(a, b)| [a, b]).collect();
        let values = parts
            .par_iter()
            .map(|part| estimator.value(part).ok().filter(|v| v.is_finite()))
            .collect::<Option<Vec<f64>>>()?;
        // How far the mean of its own halves is from a part: one figure per part above.
        let steps: Vec<f64> = above
            .iter()
            .zip(values.chunks_exact(2))
            .map(|(whole, halves)| 0.5 * (halves[0] + halves[1]) - whole)
            .collect();
        let count = steps.len() as f64;
        if steps.len() > 1 {
            let mean = reduce::mean(&steps)?;
            let deviations: Vec<f64> = steps.iter().map(|s| (s - mean) * (s - mean)).collect();
            // The mean of `count` steps is the difference of two levels with equal noise.
            squares += reduce::sum(&deviations) / (2.0 * count);
            degrees += count - 1.0;
        }
        means.push(reduce::mean(&values)?);
        above = values;
    }
    Some(Extrapolation::fit(&means, (squares / degrees).sqrt()))
}
