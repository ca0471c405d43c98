//! The rate–distortion function of a finite source, by slope and by distortion.

use ergodic_math::Real;
use nalgebra::DMatrix;

use super::parametric::{Solved, constrained};
use super::simplex::{Convex, Minimum, minimize};
use super::{Channel, add_scaled, check_tolerance};
use crate::{InfoError, Information, Probabilities};

/// A source, a distortion `d(x, y) ≥ 0` of each reproduction `y` of each symbol `x`, and how
/// exactly the rate is asked for.
///
/// `R(D) = min I(X; Y)` over channels `W(y|x)` with `E d ≤ D` (Shannon 1959). With a slope `s ≥ 0`
/// the optimum is `W(y|x) ∝ q(y) e^{−s d(x,y)}`, and `q` solves a convex problem over the laws of
/// the reproduction: minimise `−Σ p(x) ln Σ_y q(y) e^{−s d(x,y)}`. Blahut's iterations (*IEEE
/// Trans. Inf. Theory* 18, 460, 1972) begin the search and a primal–dual interior-point method ends
/// it. Each answer comes with the lower bound of Berger (*Rate Distortion Theory*, 1971, theorem
/// 2.5.3): `R(D) ≥ −sD − Σ p ln Σ q e^{−sd} − ln max_y Σ_x p(x) e^{−s d(x,y)} / Σ q e^{−sd}`.
///
/// **Cost**: per slope some tens of steps of `O(reproductions³ + symbols · reproductions²)`; a given
/// distortion takes some ten slopes.
///
/// **Not for** continuous sources as such: a discretised source gives the function of that
/// discretised source, and tends to the continuous one only where `D` is far above the squared
/// step.
///
/// ```
/// use ergodic_info::Probabilities;
/// use ergodic_info::channel::RateDistortion;
///
/// // Bits of bias 0.3 with Hamming distortion: R(D) = h(0.3) − h(D).
/// let source = Probabilities::new([0.7, 0.3])?;
/// let bits = RateDistortion::hamming(source)?;
/// let point = bits.at_distortion(0.1)?;
/// assert!((point.rate().bits() - (0.8812908992306926 - 0.4689955935892812)).abs() < 1e-9);
/// assert!((point.slope() - 9f64.ln()).abs() < 1e-4); // −dR/dD = ln (1 − D)/D
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RateDistortion {
    source: Probabilities,
    distortion: Vec<f64>,
    reproductions: usize,
    tolerance: f64,
    iterations: usize,
}

impl RateDistortion {
    /// A source and its distortion matrix, row-major: a row per symbol of the source.
    ///
    /// # Errors
    /// If the matrix does not have a row per symbol, or an entry is negative or not finite. (An
    /// infinite distortion is not allowed; a distortion many times `D_max` acts as one.)
    pub fn new(
        source: Probabilities,
        distortion: impl Into<Vec<f64>>,
        reproductions: usize,
    ) -> Result<Self, InfoError> {
        let distortion = distortion.into();
        let expected = source.len().checked_mul(reproductions);
        if reproductions == 0 || expected != Some(distortion.len()) {
            return Err(InfoError::argument(
                "distortion",
                format!(
                    "{} numbers for {reproductions} reproductions",
                    distortion.len()
                ),
                format!(
                    "a row of reproductions for each of {} symbols",
                    source.len()
                ),
            ));
        }
        if let Some(i) = distortion
            .iter()
            .position(|d| !(d.is_finite() && *d >= 0.0))
        {
            return Err(InfoError::argument(
                "distortion",
                format!(
                    "{} in row {}, column {}",
                    distortion[i],
                    i / reproductions,
                    i % reproductions
                ),
                "finite and at least 0",
            ));
        }
        Ok(Self {
            source,
            distortion,
            reproductions,
            tolerance: 1e-10,
            iterations: 500,
        })
    }

    /// Hamming distortion: 0 where the symbol is right, 1 where it is wrong.
    ///
    /// # Errors
    /// Never for a valid source; the signature is that of [`new`](Self::new).
    pub fn hamming(source: Probabilities) -> Result<Self, InfoError> {
        let n = source.len();
        let distortion: Vec<f64> = (0..n * n)
            .map(|i| if i / n == i % n { 0.0 } else { 1.0 })
            .collect();
        Self::new(source, distortion, n)
    }

    /// Asks for another gap between the bounds than 1e-10 nats.
    ///
    /// # Errors
    /// If it is not finite and positive.
    pub fn tolerance(mut self, nats: f64) -> Result<Self, InfoError> {
        check_tolerance(nats)?;
        self.tolerance = nats;
        Ok(self)
    }

    /// Allows another number of iterations per slope than 500.
    pub const fn iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// The least distortion possible, `Σ p(x) min_y d(x, y)`.
    pub fn least_distortion(&self) -> f64 {
        let rows = self.rows().zip(self.source.as_slice());
        rows.map(|(row, p)| p * least(row)).sum()
    }

    /// The distortion from which on the rate is 0: `min_y Σ p(x) d(x, y)`.
    pub fn largest_distortion(&self) -> f64 {
        self.best_constant().1
    }

    /// The point of the curve at which `−dR/dD` is `slope`, in nats per unit of distortion.
    ///
    /// Where the curve has a straight part of this slope, a point of it.
    ///
    /// # Errors
    /// If the slope is negative or NaN (infinite gives the point of least distortion), and
    /// [`InfoError::NotConverged`].
    pub fn at_slope(&self, slope: f64) -> Result<RatePoint, InfoError> {
        if slope.is_nan() || slope < 0.0 {
            return Err(InfoError::argument("slope", slope, "at least 0"));
        }
        if slope == 0.0 {
            return Ok(self.constant_point());
        }
        let found = self.solve(slope, self.tolerance);
        if found.gap > self.tolerance {
            return Err(InfoError::NotConverged {
                quantity: "rate-distortion function",
                gap: found.gap,
                tolerance: self.tolerance,
                iterations: found.iterations,
            });
        }
        let weights = self.channel_of(&found.point, slope);
        let bound = found.value - found.gap;
        let distortion = self.distortion_of(&weights);
        let lower = if slope.is_finite() {
            bound - slope * (distortion - self.least_distortion())
        } else {
            bound
        };
        self.point(&weights, lower, slope, found.iterations)
    }

    /// The rate at mean distortion `distortion`.
    ///
    /// # Errors
    /// If it is below the [least distortion](Self::least_distortion) or not finite, and
    /// [`InfoError::NotConverged`].
    pub fn at_distortion(&self, distortion: f64) -> Result<RatePoint, InfoError> {
        let least = self.least_distortion();
        if !(distortion.is_finite() && distortion >= least) {
            return Err(InfoError::argument(
                "distortion",
                distortion,
                format!("finite and at least the least possible, {least}"),
            ));
        }
        let (constant, largest) = self.best_constant();
        if distortion >= largest {
            return Ok(self.constant_point());
        }
        if distortion - least <= 1e-15 * (largest - least) {
            return self.at_slope(f64::INFINITY);
        }
        let free = Solved {
            point: self.constant_channel(constant),
            linear: largest - least,
            bound: 0.0,
            iterations: 0,
        };
        let solve = |s: f64| {
            let found = self.solve(s, 0.1 * self.tolerance);
            let point = self.channel_of(&found.point, s);
            Solved {
                linear: self.distortion_of(&point) - least,
                bound: found.value - found.gap,
                point,
                iterations: found.iterations,
            }
        };
        let best = constrained(
            "rate-distortion function",
            solve,
            |weights| self.rate_of(weights),
            distortion - least,
            free,
            1.0 / (largest - least),
            self.tolerance,
        )?;
        self.point(&best.point, best.lower, best.multiplier, best.iterations)
    }

    /// The best law of the reproduction at a slope; the value is relative to the least distortion.
    fn solve(&self, slope: f64, tolerance: f64) -> Minimum {
        minimize(&Problem::new(self, slope), tolerance, self.iterations)
    }

    fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.distortion.chunks_exact(self.reproductions)
    }

    /// `W(y|x) ∝ q(y) e^{−s d}`, row-major.
    fn channel_of(&self, output: &[f64], slope: f64) -> Vec<f64> {
        let mut weights = Problem::new(self, slope).kernel;
        for row in weights.chunks_exact_mut(self.reproductions) {
            let total: f64 = row.iter().zip(output).map(|(a, q)| a * q).sum();
            for (a, q) in row.iter_mut().zip(output) {
                *a *= q / total;
            }
        }
        weights
    }

    fn distortion_of(&self, weights: &[f64]) -> f64 {
        let rows = weights.chunks_exact(self.reproductions).zip(self.rows());
        let mean = |(w, d): (&[f64], &[f64])| w.iter().zip(d).map(|(w, d)| w * d).sum::<f64>();
        rows.map(mean)
            .zip(self.source.as_slice())
            .map(|(d, p)| d * p)
            .sum()
    }

    /// `I(X; Y)` of the source through a channel.
    fn rate_of(&self, weights: &[f64]) -> f64 {
        let mut output = vec![0.0; self.reproductions];
        let rows = || {
            weights
                .chunks_exact(self.reproductions)
                .zip(self.source.as_slice())
        };
        for (row, p) in rows() {
            add_scaled(&mut output, row, *p);
        }
        let terms = rows().filter(|(_, p)| **p > super::NEGLIGIBLE);
        let rate: f64 = terms.map(|(row, p)| super::share(*p, row, &output)).sum();
        rate.max(0.0)
    }

    /// The single reproduction that is best for all, and its distortion.
    fn best_constant(&self) -> (usize, f64) {
        let mut means = vec![0.0; self.reproductions];
        for (row, p) in self.rows().zip(self.source.as_slice()) {
            add_scaled(&mut means, row, *p);
        }
        let better =
            |best: (usize, f64), (y, d): (usize, &f64)| if *d < best.1 { (y, *d) } else { best };
        means.iter().enumerate().fold((0, f64::INFINITY), better)
    }

    fn constant_channel(&self, reproduction: usize) -> Vec<f64> {
        let mut weights = vec![0.0; self.distortion.len()];
        for row in weights.chunks_exact_mut(self.reproductions) {
            row[reproduction] = 1.0;
        }
        weights
    }

    fn constant_point(&self) -> RatePoint {
        let (reproduction, distortion) = self.best_constant();
        RatePoint {
            lower: Information::ZERO,
            upper: Information::ZERO,
            distortion,
            slope: 0.0,
            channel: Channel {
                outputs: self.reproductions,
                values: self.constant_channel(reproduction),
            },
            iterations: 0,
        }
    }

    fn point(
        &self,
        weights: &[f64],
        lower: f64,
        slope: f64,
        iterations: usize,
    ) -> Result<RatePoint, InfoError> {
        let upper = self.rate_of(weights);
        Ok(RatePoint {
            lower: Information::from_nats(lower.clamp(0.0, upper)),
            upper: Information::from_nats(upper),
            distortion: self.distortion_of(weights),
            slope,
            channel: Channel::new(weights, self.reproductions)?,
            iterations,
        })
    }
}

/// A point of a rate–distortion curve between certified bounds, and a channel that attains it.
#[derive(Clone, Debug, PartialEq)]
pub struct RatePoint {
    lower: Information,
    upper: Information,
    distortion: f64,
    slope: f64,
    channel: Channel,
    iterations: usize,
}

impl RatePoint {
    /// The rate of [`channel`](Self::channel): above the minimum by at most the
    /// [`gap`](Self::gap).
    pub const fn rate(&self) -> Information {
        self.upper
    }

    /// The certified bounds of `R` at [`distortion`](Self::distortion), `[lower, upper]`.
    pub const fn bounds(&self) -> [Information; 2] {
        [self.lower, self.upper]
    }

    /// The difference of the bounds.
    pub fn gap(&self) -> Information {
        self.upper - self.lower
    }

    /// The mean distortion of the channel.
    pub const fn distortion(&self) -> f64 {
        self.distortion
    }

    /// `−dR/dD` in nats per unit of distortion.
    pub const fn slope(&self) -> f64 {
        self.slope
    }

    /// The channel from symbol to reproduction.
    pub const fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The iterations spent, over all slopes tried.
    pub const fn iterations(&self) -> usize {
        self.iterations
    }
}

fn least(row: &[f64]) -> f64 {
    row.iter().copied().fold(f64::INFINITY, f64::min)
}

/// `−Σ p ln Σ q e^{−s(d − min d)}` over the laws `q` of the reproduction.
struct Problem<'a> {
    source: &'a [f64],
    /// `e^{−s(d − min d)}`: 1 for the nearest reproduction, so that no row vanishes.
    kernel: Vec<f64>,
    reproductions: usize,
}

impl<'a> Problem<'a> {
    fn new(rd: &'a RateDistortion, slope: f64) -> Self {
        let mut kernel = rd.distortion.clone();
        for row in kernel.chunks_exact_mut(rd.reproductions) {
            let least = least(row);
            for d in row {
                // ∞ · 0 in the limit of least distortion.
                *d = if *d == least {
                    1.0
                } else {
                    Real::exp(-slope * (*d - least))
                };
            }
        }
        Self {
            source: rd.source.as_slice(),
            kernel,
            reproductions: rd.reproductions,
        }
    }

    /// `p(x)` and `Σ_y q(y) kernel(x, y)` with the row of the kernel, for symbols that occur.
    fn totals<'s>(&'s self, q: &'s [f64]) -> impl Iterator<Item = (f64, f64, &'s [f64])> {
        let rows = self
            .kernel
            .chunks_exact(self.reproductions)
            .zip(self.source);
        rows.filter(|(_, p)| **p > 0.0).map(move |(row, p)| {
            let total: f64 = row.iter().zip(q).map(|(a, q)| a * q).sum();
            (*p, total, row)
        })
    }
}

impl Convex for Problem<'_> {
    fn len(&self) -> usize {
        self.reproductions
    }

    fn value(&self, q: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut value = 0.0;
        for (p, total, row) in self.totals(q) {
            value -= p * Real::ln(total);
            add_scaled(gradient, row, -p / total);
        }
        value
    }

    fn hessian(&self, q: &[f64]) -> DMatrix<f64> {
        let mut scaled = Vec::new();
        for (p, total, row) in self.totals(q) {
            scaled.extend(row.iter().map(|a| a * p.sqrt() / total));
        }
        let scaled = DMatrix::from_vec(
            self.reproductions,
            scaled.len() / self.reproductions,
            scaled,
        );
        &scaled * scaled.transpose()
    }

    fn factor(&self, slope: f64, _: f64) -> f64 {
        -slope
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn binary_entropy(p: f64) -> f64 {
        if p == 0.0 || p == 1.0 {
            0.0
        } else {
            -p * p.ln() - (1.0 - p) * (1.0 - p).ln()
        }
    }

    fn bias(p: f64) -> Probabilities {
        Probabilities::new([1.0 - p, p]).unwrap()
    }

    #[test]
    fn biased_bits_with_hamming_distortion() {
        for p in [0.05, 0.3, 0.5] {
            let bits = RateDistortion::hamming(bias(p)).unwrap();
            assert_eq!(bits.least_distortion(), 0.0);
            assert!((bits.largest_distortion() - p).abs() < 1e-15);
            for share in [0.0, 1e-6, 0.01, 0.3, 0.9, 0.999, 1.0, 2.0] {
                let d = share * p;
                let exact = (binary_entropy(p) - binary_entropy(d.min(p))).max(0.0);
                let point = bits.at_distortion(d).unwrap();
                let [lower, upper] = point.bounds();
                assert!(upper.nats() - lower.nats() <= 1e-10);
                assert!(
                    (point.rate().nats() - exact).abs() < 2e-10,
                    "{p} {d}: {point:?}"
                );
                assert!(point.distortion() <= d + 1e-14);
            }
        }
    }

    #[test]
    fn uniform_symbols_with_hamming_distortion() {
        // R(D) = log K − h(D) − D log(K − 1).
        let k = 5;
        let source = Probabilities::uniform(k).unwrap();
        let rd = RateDistortion::hamming(source).unwrap();
        for d in [0.1, 0.5, 0.75] {
            let exact = (k as f64).ln() - binary_entropy(d) - d * ((k - 1) as f64).ln();
            let point = rd.at_distortion(d).unwrap();
            assert!((point.rate().nats() - exact).abs() < 2e-10, "{point:?}");
        }
    }

    #[test]
    fn erasures_make_the_curve_straight() {
        // Fair bits, erasure at distortion 1, a wrong bit at 1e3 (all but forbidden): for D below 1
        // the curve is (1 − D) log 2 up to the term of wrong bits, which is below 1e-300.
        let source = Probabilities::uniform(2).unwrap();
        let matrix = vec![0.0, 1e3, 1.0, 1e3, 0.0, 1.0];
        let rd = RateDistortion::new(source, matrix, 3).unwrap();
        for d in [0.1, 0.5, 0.9] {
            let point = rd.at_distortion(d).unwrap();
            assert!(
                (point.rate().nats() - (1.0 - d) * 2f64.ln()).abs() < 2e-10,
                "{point:?}"
            );
            assert!((point.slope() - 2f64.ln()).abs() < 1e-6, "{point:?}");
        }
    }

    #[test]
    fn slope_and_distortion_name_the_same_points() {
        let source = Probabilities::new([0.5, 0.3, 0.2]).unwrap();
        let matrix = vec![0.0, 1.0, 4.0, 1.0, 0.0, 1.0, 4.0, 1.0, 0.0];
        let rd = RateDistortion::new(source, matrix, 3).unwrap();
        let mut last: Option<RatePoint> = None;
        for s in [0.3, 0.8, 2.0, 5.0] {
            let a = rd.at_slope(s).unwrap();
            let b = rd.at_distortion(a.distortion()).unwrap();
            assert!((a.rate() - b.rate()).nats().abs() < 2e-10);
            if let Some(last) = last {
                // Between two slopes lies the slope of the chord: the curve is convex.
                let chord = (a.rate() - last.rate()).nats() / (last.distortion() - a.distortion());
                assert!(chord <= s + 1e-6 && chord >= last.slope() - 1e-6);
            }
            last = Some(a);
        }
        let end = rd.at_slope(f64::INFINITY).unwrap();
        let entropy = -[0.5f64, 0.3, 0.2].iter().map(|p| p * p.ln()).sum::<f64>();
        assert!((end.rate().nats() - entropy).abs() < 1e-10);
        assert_eq!(rd.at_slope(0.0).unwrap().rate(), Information::ZERO);
    }

    #[test]
    fn a_finely_discretised_normal_has_the_rate_of_the_normal() {
        // R(D) = ½ log(σ²/D). Step 0.25 on ±6: for D well above the squared step the discrete
        // source has the rate of the continuous one up to its theta-function corrections.
        let grid: Vec<f64> = (-24..=24).map(|i| 0.25 * f64::from(i)).collect();
        let density: Vec<f64> = grid.iter().map(|x| (-0.5 * x * x).exp()).collect();
        let source = Probabilities::from_weights(density).unwrap();
        let squares: Vec<f64> = (grid.iter())
            .flat_map(|x| grid.iter().map(move |y| (x - y) * (x - y)))
            .collect();
        let rd = RateDistortion::new(source, squares, grid.len())
            .unwrap()
            .tolerance(1e-8)
            .unwrap();
        for d in [0.3, 0.5, 0.8] {
            let point = rd.at_distortion(d).unwrap();
            let exact = -0.5 * f64::ln(d);
            assert!(
                (point.rate().nats() - exact).abs() < 1e-6,
                "{d}: {} {exact}",
                point.rate()
            );
        }
    }

    #[test]
    fn bad_distortions_are_refused() {
        let source = bias(0.5);
        assert!(RateDistortion::new(source.clone(), vec![0.0; 3], 2).is_err());
        assert!(RateDistortion::new(source.clone(), vec![], 0).is_err());
        let nan = RateDistortion::new(source.clone(), vec![0.0, 1.0, f64::NAN, 0.0], 2);
        assert!(nan.unwrap_err().to_string().contains("row 1, column 0"));
        assert!(RateDistortion::new(source.clone(), vec![0.0, -1.0, 1.0, 0.0], 2).is_err());
        let shifted = RateDistortion::new(source, vec![0.5, 1.0, 1.0, 0.5], 2).unwrap();
        assert!(
            shifted
                .at_distortion(0.4)
                .unwrap_err()
                .to_string()
                .contains("0.5")
        );
        assert!(shifted.at_distortion(f64::NAN).is_err());
        assert!(shifted.at_slope(-1.0).is_err());
        assert!(shifted.at_slope(f64::NAN).is_err());
        assert!(shifted.clone().tolerance(0.0).is_err());
        let skew = RateDistortion::hamming(bias(0.3)).unwrap().iterations(2);
        let error = skew.at_slope(1.0).unwrap_err();
        assert!(matches!(error, InfoError::NotConverged { .. }), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn the_curve_is_convex_and_its_bounds_meet(
            (source, matrix) in (1..5usize, 1..5usize).prop_flat_map(|(x, y)| {
                let entry = prop_oneof![Just(0.0), Just(1.0), 0.0..3.0f64];
                (prop::collection::vec(0.01..1.0f64, x), prop::collection::vec(entry, x * y))
            })
        ) {
            let source = Probabilities::from_weights(source).unwrap();
            let outputs = matrix.len() / source.len();
            let rd = RateDistortion::new(source.clone(), matrix, outputs).unwrap();
            let (least, largest) = (rd.least_distortion(), rd.largest_distortion());
            let at = |i: u32| {
                let d = least + (largest - least) * 0.125 * f64::from(i);
                let point = rd.at_distortion(d).unwrap();
                prop_assert!(point.distortion() <= d + 1e-12);
                prop_assert!(point.gap().nats() <= 1e-10);
                // Its channel has this rate: the upper bound is attained.
                let rate = point.channel().mutual_information(&source).unwrap();
                prop_assert!((rate - point.rate()).nats().abs() < 1e-12);
                Ok(point.rate().nats())
            };
            let rates = (0..=8).map(at).collect::<Result<Vec<_>, TestCaseError>>()?;
            prop_assert!(rates[8].abs() < 1e-10);
            for w in rates.windows(3) {
                prop_assert!(w[1] <= w[0] + 2e-10, "{:?}", w);
                prop_assert!(w[0] - w[1] >= w[1] - w[2] - 4e-10, "{:?}", w);
            }
        }
    }
}
