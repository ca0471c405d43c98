//! Data of which random parts can be drawn: what subsamples and the search for bias need.

use ergodic_core::Randomness;
use ergodic_math::Real;
use ergodic_math::special::ln_gamma;

use crate::{Counts, Sample};

/// Data that can be thinned: random parts of them are data of the same law.
///
/// Every [`Sample`] is (its rows are exchangeable), and [`Counts`] (a part is drawn as from an urn,
/// multivariate hypergeometric). Serially dependent data draw contiguous stretches:
/// [`series::Series`](crate::series::Series).
///
/// ```
/// use ergodic_info::inference::Resample;
/// use ergodic_info::Counts;
///
/// let urn = Counts::new([6, 3, 1])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (a, b) = urn.halves(&mut rng);
/// assert_eq!((a.size(), b.size()), (5, 5));
/// assert_eq!(a.as_slice()[0] + b.as_slice()[0], 6);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
pub trait Resample: Sized + Send + Sync {
    /// The number of observations.
    fn size(&self) -> usize;

    /// A uniformly random part of `size` observations, without replacement.
    ///
    /// # Panics
    /// If `size` is 0 or above [`size`](Self::size).
    fn part<R: Randomness + ?Sized>(&self, size: usize, rng: &mut R) -> Self;

    /// The data in two random halves that share no observation; of an odd number, the second has
    /// one more.
    ///
    /// # Panics
    /// If there are fewer than two observations.
    fn halves<R: Randomness + ?Sized>(&self, rng: &mut R) -> (Self, Self);
}

impl<S: Sample> Resample for S {
    fn size(&self) -> usize {
        self.len()
    }

    fn part<R: Randomness + ?Sized>(&self, size: usize, rng: &mut R) -> Self {
        let mut rows = first_rows(self.len(), size, rng);
        rows.truncate(size);
        self.select(&rows)
    }

    fn halves<R: Randomness + ?Sized>(&self, rng: &mut R) -> (Self, Self) {
        let middle = self.len() / 2;
        let rows = first_rows(self.len(), middle, rng);
        (self.select(&rows[..middle]), self.select(&rows[middle..]))
    }
}

/// The rows `0..len`, of which the first `size` are a random subset and the rest its complement
/// (a Fisher–Yates shuffle broken off). Both are in increasing order: memory is then read in
/// order, and estimators that add up rows in order do so alike for equal subsets.
fn first_rows<R: Randomness + ?Sized>(len: usize, size: usize, rng: &mut R) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..len).collect();
    for i in 0..size {
        rows.swap(i, i + rng.index(len - i));
    }
    rows[..size].sort_unstable();
    rows[size..].sort_unstable();
    rows
}

impl Resample for Counts {
    fn size(&self) -> usize {
        self.total() as usize
    }

    fn part<R: Randomness + ?Sized>(&self, size: usize, rng: &mut R) -> Self {
        let drawn = urn(self, size as u64, rng);
        self.with_counts(drawn)
    }

    fn halves<R: Randomness + ?Sized>(&self, rng: &mut R) -> (Self, Self) {
        let first = urn(self, self.total() / 2, rng);
        let rest = self.as_slice().iter().zip(&first).map(|(all, a)| all - a);
        let rest = self.with_counts(rest.collect());
        (self.with_counts(first), rest)
    }
}

/// How many of each symbol are among `wanted` observations drawn without replacement: symbol after symbol from
/// the hypergeometric law of its share in what is left. Each takes bounded time on average, however many
/// observations there are.
fn urn<R: Randomness + ?Sized>(counts: &Counts, wanted: u64, rng: &mut R) -> Vec<u64> {
    let (mut wanted, mut left) = (wanted, counts.total());
    let mut drawn = Vec::with_capacity(counts.as_slice().len());
    for &count in counts.as_slice() {
        let taken = if count < ONE_BY_ONE {
            one_by_one(count, wanted, left, rng)
        } else {
            hypergeometric(count, wanted, left, rng)
        };
        wanted -= taken;
        left -= count;
        drawn.push(taken);
    }
    drawn
}

/// Up to so many observations of a symbol are drawn one by one.
const ONE_BY_ONE: u64 = 32;

/// Each of `count` observations is taken with probability (places left)/(observations left).
fn one_by_one<R: Randomness + ?Sized>(count: u64, wanted: u64, left: u64, rng: &mut R) -> u64 {
    let mut taken = 0;
    for i in 0..count {
        if (rng.index((left - i) as usize) as u64) < wanted - taken {
            taken += 1;
        }
    }
    taken
}

/// The number of marked among `wanted` drawn from `left`, of which `count` are marked: by rejection under the
/// table-mountain hat of ratio-of-uniforms, whose half width is `√(2/e) s + 3/2 − √(3/e)` with `s² = variance + ½`
/// (Stadlober, *J. Comput. Appl. Math.* 31, 1990, 181).
fn hypergeometric<R: Randomness + ?Sized>(count: u64, wanted: u64, left: u64, rng: &mut R) -> u64 {
    let low = (wanted + count).saturating_sub(left);
    let high = wanted.min(count);
    if low == high {
        return low;
    }
    let (k, n, total) = (count as f64, wanted as f64, left as f64);
    let share = k / total;
    let mean = n * share;
    let variance = n * share * (1.0 - share) * ((total - n) / (total - 1.0));
    let half_width = WIDTH * (variance + 0.5).sqrt() + SLACK;
    let mode = (((n + 1.0) * ((k + 1.0) / (total + 2.0))) as u64).clamp(low, high);
    // Of the four factorials that change, the law at the mode.
    let corners = |x: u64| [x, count - x, wanted - x, (left - count) - (wanted - x)];
    let at_mode = corners(mode);
    loop {
        let u = 1.0 - rng.uniform();
        let x = (mean + 0.5 + half_width * (rng.uniform() - 0.5) / u).floor();
        if !(x >= low as f64 && x <= high as f64) {
            continue;
        }
        let x = x as u64;
        let ratios = at_mode.iter().zip(corners(x));
        let log_ratio: f64 = ratios.map(|(from, to)| -log_factorials(*from, to)).sum();
        if 2.0 * Real::ln(u) <= log_ratio {
            return x;
        }
    }
}

/// `2√(2/e)` and `3 − 2√(3/e)`.
const WIDTH: f64 = 1.715_527_769_921_413_5;
const SLACK: f64 = 0.898_916_162_058_898_8;

/// `log(to!/from!)`: Stirling's series with its large terms taken together, so that no digits are lost between
/// numbers that are large and near each other.
fn log_factorials(from: u64, to: u64) -> f64 {
    const STIRLING: u64 = 64;
    if from == to {
        return 0.0;
    }
    let (a, b) = (from as f64, to as f64);
    if from.min(to) < STIRLING {
        return ln_gamma(b + 1.0) - ln_gamma(a + 1.0);
    }
    let d = b - a;
    let log = Real::ln_1p(d / a);
    let tail = |x: f64| (1.0 - (1.0 - 2.0 / (7.0 * x * x)) / (30.0 * x * x)) / (12.0 * x);
    d * Real::ln(a) + (b + 0.5) * log - d + tail(b) - tail(a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Symbols;

    /// Exact law of parts: all subsets of 2 out of 5 rows are equally likely.
    #[test]
    fn parts_are_uniform_subsets() {
        const DRAWS: usize = 20_000;
        let codes: Vec<u32> = (0..5).collect();
        let all = Symbols::new(codes, 5).unwrap();
        let mut seen = std::collections::HashMap::new();
        for seed in 0..DRAWS as u64 {
            let part = all.part(2, &mut ergodic_math::rng::stream(seed, 0));
            *seen.entry(part.codes().to_vec()).or_insert(0.0) += 1.0;
        }
        assert_eq!(seen.len(), 10);
        // χ² of 9 degrees: P(χ² > 45) < 1e-6.
        let expected = DRAWS as f64 / 10.0;
        let chi: f64 = seen
            .values()
            .map(|n| (n - expected) * (n - expected) / expected)
            .sum();
        assert!(chi < 45.0, "χ² = {chi}");
    }

    /// Hypergeometric law of the first symbol among 3 of the urn (4, 2): P(k) = C(4,k)C(2,3−k)/20.
    #[test]
    fn parts_of_counts_are_hypergeometric() {
        const DRAWS: usize = 20_000;
        let urn = Counts::new([4, 2]).unwrap();
        let mut seen = [0.0; 4];
        for seed in 0..DRAWS as u64 {
            let part = urn.part(3, &mut ergodic_math::rng::stream(seed, 0));
            assert_eq!(part.total(), 3);
            seen[part.as_slice()[0] as usize] += 1.0;
        }
        let mut chi = 0.0;
        for (k, p) in [(1, 4.0), (2, 12.0), (3, 4.0)] {
            let expected = DRAWS as f64 * p / 20.0;
            chi += (seen[k] - expected) * (seen[k] - expected) / expected;
        }
        assert_eq!(seen[0], 0.0);
        // 2 degrees: P(χ² > 28) = e^{−14} < 1e-6.
        assert!(chi < 28.0, "χ² = {chi}, {seen:?}");
    }

    /// The law of the first symbol against the hypergeometric one by the recurrence of its masses, where it is
    /// drawn by rejection: many and few wanted, few marked, and an end of the range that is no tail.
    #[test]
    fn large_parts_of_counts_are_hypergeometric() {
        const DRAWS: usize = 40_000;
        for (count, wanted, left) in [
            (40u64, 50u64, 90u64),
            (1_000, 600, 1_700),
            (100, 5, 1_000),
            (3_000, 2_990, 3_050),
            (20_000, 3_000, 30_000),
        ] {
            let (low, high) = ((wanted + count).saturating_sub(left), wanted.min(count));
            let mut masses = vec![1.0f64];
            for x in low..high {
                let (x, last) = (x as f64, masses[masses.len() - 1]);
                let up = (count as f64 - x) * (wanted as f64 - x);
                let down = (x + 1.0) * ((left - count) as f64 - wanted as f64 + x + 1.0);
                // Scaled as they grow, so that they stay finite.
                if last > 1e250 {
                    for mass in &mut masses {
                        *mass *= 1e-250;
                    }
                }
                let last = masses[masses.len() - 1];
                masses.push(last * (up / down));
            }
            let total: f64 = masses.iter().sum();
            let mut rng = ergodic_math::rng::stream(count, 1);
            let mut seen = vec![0.0; masses.len()];
            for _ in 0..DRAWS {
                let x = hypergeometric(count, wanted, left, &mut rng);
                assert!(x >= low && x <= high);
                seen[(x - low) as usize] += 1.0;
            }
            // Cells of at least 50 expected, from below; the rest goes to the last.
            let (mut chi, mut cells) = (0.0, 0.0f64);
            let (mut expected, mut found, mut open) = (0.0, 0.0, DRAWS as f64);
            for (mass, seen) in masses.iter().zip(&seen) {
                let here = mass / total * DRAWS as f64;
                expected += here;
                found += seen;
                open -= here;
                if expected >= 50.0 && open >= 50.0 {
                    chi += (found - expected) * (found - expected) / expected;
                    cells += 1.0;
                    (expected, found) = (0.0, 0.0);
                }
            }
            if expected > 0.0 {
                chi += (found - expected) * (found - expected) / expected;
            }
            // Wilson and Hilferty: P(χ² > bound) is about 5e-8.
            let f = cells.max(1.0);
            let c = 1.0 - 2.0 / (9.0 * f) + 5.33 * (2.0 / (9.0 * f)).sqrt();
            assert!(
                chi < f * c * c * c,
                "{count}, {wanted}, {left}: χ² = {chi} of {f}"
            );
        }
    }

    /// Mean and variance of the hypergeometric law at 10¹² observations, and at once.
    #[test]
    fn parts_of_huge_counts_are_drawn() {
        let urn = Counts::new([400_000_000_000, 600_000_000_000, 3]).unwrap();
        let (n, share) = (1e12 + 3.0, 0.4);
        let wanted = 250_000_000_000u64;
        let f = wanted as f64 / n;
        let sd = (n * share * (1.0 - share) * f * (1.0 - f)).sqrt();
        let scores: Vec<f64> = (0..2_000)
            .map(|seed| {
                let part = urn.part(wanted as usize, &mut ergodic_math::rng::stream(seed, 0));
                assert_eq!(part.total(), wanted);
                (part.as_slice()[0] as f64 - wanted as f64 * 4e11 / n) / sd
            })
            .collect();
        let mean = scores.iter().sum::<f64>() / 2_000.0;
        let square = scores.iter().map(|s| s * s).sum::<f64>() / 2_000.0;
        // Six standard deviations: 1/√2000 and √(2/2000).
        assert!(mean.abs() < 0.135, "{mean}");
        assert!((square - 1.0).abs() < 0.19, "{square}");
    }

    #[test]
    fn halves_share_nothing_and_miss_nothing() {
        let all = Symbols::new((0..11).collect::<Vec<u32>>(), 11).unwrap();
        let (a, b) = all.halves(&mut ergodic_math::rng::stream(3, 0));
        assert_eq!((a.len(), b.len()), (5, 6));
        let mut both = [a.codes(), b.codes()].concat();
        both.sort_unstable();
        assert_eq!(both, all.codes());
        let counts = Counts::observed_only([7, 0, 4]).unwrap();
        let (a, b) = counts.halves(&mut ergodic_math::rng::stream(3, 0));
        assert_eq!((a.total(), b.total()), (5, 6));
        assert_eq!(a.known_alphabet(), None);
        for i in 0..3 {
            assert_eq!(a.as_slice()[i] + b.as_slice()[i], counts.as_slice()[i]);
        }
    }
}
