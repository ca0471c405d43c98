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
//! do not rule out: the end nearest to zero of the profile-likelihood interval of `b` (one-sided 10 %,
//! Student's law) lies beyond.
//!
//! # When not to trust it
//! It sees only bias that changes with the number of observations on scales from `n/8` to `n`. An
//! estimator that is wrong by a constant, or that has not begun to converge (nearest neighbours for
//! weak dependence in four dimensions and more), looks unbiased or nearly so. Silence is no proof. How often it fires
//! rightly and wrongly is published in `docs/coverage.md`.

use ergodic_core::Bias;
use ergodic_math::{Real, reduce};
use rayon::prelude::*;

use super::Resample;
use crate::{Estimator, InfoError};

/// Halvings: halves, quarters, eighths.
const LEVELS: usize = 3;

/// The smallest part that is asked.
const SMALLEST: usize = 8;

/// The 90 % quantile of Student's law with the 1 + 3 degrees of freedom that the noise has.
const QUANTILE: f64 = 1.533_206;

/// The rates `γ` tried, `2^{i/4}`: from 1/8 to 2.
const RATES: std::ops::RangeInclusive<i32> = -12..=4;

/// The extrapolated bias at full size, and how small it may be.
///
/// ```
/// use ergodic_info::inference::bias::Extrapolation;
///
/// // Means over 1, 2, 4, 8 parts of 1 + 0.5·parts: bias 0.5 at full size, rate 1.
/// let levels = [1.5, 2.0, 3.0, 5.0];
/// let found = Extrapolation::fit(&levels, 1e-3)?;
/// assert!((found.bias - 0.5).abs() < 0.01 && (found.rate - 1.0).abs() < 1e-12);
/// assert!(found.least > 0.4);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extrapolation {
    /// The bias at full size, value minus truth, at the most plausible rate.
    pub bias: f64,
    /// That rate `γ`: the bias falls as `n^{−γ}`.
    pub rate: f64,
    /// The absolute bias is at least this with 90 % confidence, over all plausible rates.
    pub least: f64,
}

impl Extrapolation {
    /// Fits `θ + b·2^{jγ}` to the mean estimates over `2ʲ` parts, whose noise beside what is common
    /// to all levels has the standard deviation `noise`.
    ///
    /// The reported rate minimises the squared residual in units of the noise plus `(log₂ γ + ½)²`:
    /// where the data do not speak, `γ` is near 0.7, between the rates of counts and of neighbours.
    ///
    /// # Errors
    /// If there are fewer than two levels, or one of them or the noise is not finite.
    pub fn fit(levels: &[f64], noise: f64) -> Result<Self, InfoError> {
        if levels.len() < 2 || levels.iter().any(|level| !level.is_finite()) {
            return Err(InfoError::argument(
                "levels",
                format!("{levels:?}"),
                "two or more finite numbers",
            ));
        }
        if !noise.is_finite() {
            return Err(InfoError::argument("noise", noise, "finite"));
        }
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
            line.residual + (log + 0.5) * (log + 0.5)
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
        Ok(Self {
            bias: best.slope,
            rate: best.rate,
            least: lower.max(-upper).max(0.0),
        })
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
    Extrapolation::fit(&means, (squares / degrees).sqrt()).ok()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use ergodic_core::Estimate;

    use super::*;
    use crate::inference::tests::{BruteForce, Mean, correlated};
    use crate::{Inference, Points, Sample};

    /// Levels without noise give back bias and rate for every rate of the grid.
    #[test]
    fn exact_levels_give_back_their_bias_and_rate() {
        for rate in [0.125, 0.25, 0.5, 1.0, 2.0] {
            for bias in [-0.7, 0.02] {
                let levels: Vec<f64> = (0..4)
                    .map(|j| 3.0 + bias * Real::exp(rate * f64::from(j) * std::f64::consts::LN_2))
                    .collect();
                let found = Extrapolation::fit(&levels, 1e-7).unwrap();
                assert!((found.rate - rate).abs() < 1e-12, "{rate}: {found:?}");
                assert!((found.bias / bias - 1.0).abs() < 1e-4, "{bias}: {found:?}");
                assert!(found.least <= bias.abs() && found.least > 0.99 * bias.abs());
            }
        }
    }

    #[test]
    fn levels_that_have_no_line_are_refused() {
        for levels in [
            &[][..],
            &[1.0],
            &[1.0, f64::NAN],
            &[1.0, f64::INFINITY, 2.0],
        ] {
            let error = Extrapolation::fit(levels, 1.0).unwrap_err();
            assert!(error.to_string().contains("levels"), "{error}");
        }
        let error = Extrapolation::fit(&[1.0, 2.0], f64::NAN).unwrap_err();
        assert!(error.to_string().contains("noise"), "{error}");
    }

    /// Where noise hides every rate, the rate is 2^{−½}.
    #[test]
    fn levels_that_say_nothing_have_the_usual_rate() {
        let found = Extrapolation::fit(&[0.0, 1.0, -1.0, 0.0], 1e6).unwrap();
        assert!((found.rate - 0.5f64.sqrt()).abs() < 1e-15, "{found:?}");
    }

    /// Equal levels: no bias, whatever the noise, also none.
    #[test]
    fn equal_levels_have_no_bias() {
        for noise in [0.0, 1.0] {
            for level in [0.0, 2.0, -1e300] {
                let found = Extrapolation::fit(&[level; 4], noise).unwrap();
                assert_eq!((found.bias, found.least), (0.0, 0.0), "{level}, {noise}");
            }
        }
    }

    /// Levels with the noise that is claimed and no bias.
    #[test]
    fn noise_alone_is_seldom_taken_for_bias() {
        let mut rng = ergodic_math::rng::stream(4, 0);
        let fired = (0..2_000)
            .filter(|_| {
                let levels: Vec<f64> = (0..4)
                    .map(|_| ergodic_math::rng::normal(&mut rng))
                    .collect();
                // Beyond the noise itself, which is well below the half width of any estimator.
                Extrapolation::fit(&levels, 1.0).unwrap().least > 1.0
            })
            .count();
        // P(fire) is below 5 %; 170 of 2,000 is seven standard deviations above.
        assert!(fired < 170, "{fired} of 2000");
    }

    /// The mean plus a bias that is known.
    struct Biased {
        size: f64,
        rate: f64,
    }

    impl Estimator<Points> for Biased {
        fn method(&self) -> Cow<'static, str> {
            "biased".into()
        }

        fn value(&self, data: &Points) -> Result<f64, InfoError> {
            // Noise that no level shares, of a tenth of the common one, beside the bias.
            let n = data.len() as f64;
            let wiggle = 0.1 * Mean.value(data)? * (7.0 * data.row(0)[0]).signum();
            let bias = self.size * Real::exp(-self.rate * Real::ln(n));
            Ok(Mean.value(data)? + wiggle + bias)
        }

        fn estimate(&self, _: &Points, _: &Inference) -> Result<Estimate, InfoError> {
            unreachable!("the search asks for values")
        }
    }

    #[test]
    fn known_bias_is_found_when_it_dominates_and_not_when_it_does_not() {
        const N: usize = 1_600;
        let half_width = 1.96 / (N as f64).sqrt();
        for (rate, size) in [(1.0, 1.0), (0.5, 1.0), (0.25, -1.0)] {
            let at = |share: f64| Biased {
                size: size * share * half_width * Real::exp(rate * Real::ln(N as f64)),
                rate,
            };
            let (mut found, mut alarms) = (Vec::new(), 0);
            for seed in 0..40 {
                let mut x = vec![0.0; N];
                ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(seed, 9), &mut x);
                let data = Points::scalar(x).unwrap();
                let ask = |estimator: &Biased| {
                    let value = estimator.value(&data).unwrap();
                    search(estimator, &data, value, half_width, seed)
                };
                let large = ask(&at(10.0));
                assert!(large.dominates(), "rate {rate}, seed {seed}: {large:?}");
                if let Bias::Dominates(Some(bias)) = large {
                    found.push(bias / (10.0 * size * half_width));
                }
                alarms += usize::from(ask(&at(0.3)).dominates());
            }
            let mean = reduce::mean(&found).unwrap();
            assert!((mean - 1.0).abs() < 0.15, "rate {rate}: {mean}");
            // At most 5 % are found here: more than 12 of 40 has probability 3e-8.
            assert!(alarms <= 12, "rate {rate}: {alarms} of 40 false alarms");
        }
    }

    /// An estimator that is noise of variance 1/n alone, of its own in every part: bias is found at 10 % on either
    /// side, or less, as all rates are tried. At 20 %, 121 of 400 or more have probability 4e-7.
    #[test]
    fn noise_of_single_parts_is_measured() {
        struct Noise;
        impl Estimator<Points> for Noise {
            fn method(&self) -> Cow<'static, str> {
                "noise".into()
            }
            fn value(&self, data: &Points) -> Result<f64, InfoError> {
                // Another row in parts of another size: what a part shares with its halves is rare.
                let n = data.len();
                Ok(data.row((n * 37 / 100 + n / 7) % n)[0] / (n as f64).sqrt())
            }
            fn estimate(&self, _: &Points, _: &Inference) -> Result<Estimate, InfoError> {
                unreachable!("the search asks for values")
            }
        }
        let found = (0..400)
            .filter(|seed| {
                let mut x = vec![0.0; 800];
                ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(*seed, 3), &mut x);
                let data = Points::scalar(x).unwrap();
                let value = Noise.value(&data).unwrap();
                extrapolate(&Noise, &data, value, *seed).unwrap().least > 0.0
            })
            .count();
        assert!(found < 121, "{found} of 400");
    }

    #[test]
    fn too_few_data_and_refused_parts_leave_the_bias_unknown() {
        let few = Points::scalar((0..63).map(f64::from).collect::<Vec<_>>()).unwrap();
        assert_eq!(search(&Mean, &few, 31.0, 1.0, 0), Bias::Unknown);
        // 9 neighbours do not exist in a part of 8.
        let (ksg, data) = (BruteForce { k: 9 }, correlated(64, 1, 0.0, 1));
        let value = ksg.value(&data).unwrap();
        assert_eq!(search(&ksg, &data, value, 1.0, 0), Bias::Unknown);
    }

    /// Kraskov's estimator in 5 + 5 dimensions at ρ = .9 (truth 4.1518) is off by −1.27 at n = 2000,
    /// and by nothing that counts in 1 + 1, or where there is no dependence.
    #[test]
    fn nearest_neighbours_are_flagged_in_five_dimensions_and_not_in_one() {
        let ksg = BruteForce { k: 3 };
        for seed in 0..4 {
            let ask = |dim, rho, half_width| {
                let data = correlated(1_000, dim, rho, seed);
                let value = ksg.value(&data).unwrap();
                search(&ksg, &data, value, half_width, seed)
            };
            // Half widths: 1.96 of the spread over seeds.
            let flagged = ask(5, 0.9, 0.1);
            assert!(flagged.dominates(), "5 + 5, ρ = .9: {flagged:?}");
            for (dim, rho) in [(1, 0.9), (5, 0.0)] {
                let silent = ask(dim, rho, 0.07);
                assert!(!silent.dominates(), "{dim} + {dim}, ρ = {rho}: {silent:?}");
            }
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let data = correlated(200, 2, 0.5, 3);
        let ask = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| extrapolate(&BruteForce { k: 2 }, &data, 0.1, 5).unwrap())
        };
        assert_eq!(ask(1), ask(3));
    }
}
