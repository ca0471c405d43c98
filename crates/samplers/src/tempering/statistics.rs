//! What is counted while replicas wander: swaps, weights between neighbours, round trips.

use ergodic_core::{ArgumentError, Bias, Estimate};
use ergodic_math::Real;
use ergodic_math::special::log_add_exp;

use super::exchange::Exchange;
use crate::batch_means;

/// Batches are joined in pairs when there are so many.
const MOST_BATCHES: usize = 64;

/// Sums over the proposed swaps of one pair of levels in one batch of scans.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Sums {
    proposed: u64,
    accepted: u64,
    acceptance: f64,
    /// `log Σ exp(−W_up)`.
    up: f64,
    /// `log Σ exp(−W_down)`.
    down: f64,
    /// How many `W_up` and `W_down` were finite.
    inside: [u64; 2],
}

impl Sums {
    const NONE: Self = Self {
        proposed: 0,
        accepted: 0,
        acceptance: 0.0,
        up: f64::NEG_INFINITY,
        down: f64::NEG_INFINITY,
        inside: [0; 2],
    };

    fn join(self, next: Self) -> Self {
        Self {
            proposed: self.proposed + next.proposed,
            accepted: self.accepted + next.accepted,
            acceptance: self.acceptance + next.acceptance,
            up: log_add_exp(self.up, next.up),
            down: log_add_exp(self.down, next.down),
            inside: [
                self.inside[0] + next.inside[0],
                self.inside[1] + next.inside[1],
            ],
        }
    }

    /// `log Z_{i+1}/Z_i` from below and from above.
    ///
    /// Weights from below see only what both supports share, `Z(S_i ∩ S_{i+1})/Z_i`; the share of
    /// level `i + 1` that lies in `S_i` makes it whole, and likewise from above. Both shares are
    /// 1 where supports agree.
    fn log_ratio(self) -> [f64; 2] {
        let n = self.proposed.max(1) as f64;
        let log_share = |count: u64| Real::ln(count as f64 / n);
        let log_mean = |log_sum: f64| log_sum - Real::ln(n);
        [
            log_mean(self.up) - log_share(self.inside[1]),
            log_share(self.inside[0]) - log_mean(self.down),
        ]
    }
}

/// Swaps of all pairs in at most [`MOST_BATCHES`] batches of consecutive scans: constant memory,
/// and standard errors that know of the correlation in time and between pairs.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct SwapStatistics {
    pairs: usize,
    /// Complete batches, one row of pairs each.
    batches: Vec<Sums>,
    current: Vec<Sums>,
    /// Scans per batch, and in the current one.
    length: usize,
    scans: usize,
}

impl SwapStatistics {
    pub(super) fn new(pairs: usize) -> Self {
        Self {
            pairs,
            batches: Vec::with_capacity(MOST_BATCHES * pairs),
            current: vec![Sums::NONE; pairs],
            // One cycle of even and odd swaps.
            length: 2,
            scans: 0,
        }
    }

    pub(super) fn push(&mut self, pair: usize, exchange: Exchange, accepted: bool) {
        self.current[pair] = self.current[pair].join(Sums {
            proposed: 1,
            accepted: u64::from(accepted),
            acceptance: exchange.acceptance,
            up: -exchange.up,
            down: -exchange.down,
            inside: [
                u64::from(exchange.up.is_finite()),
                u64::from(exchange.down.is_finite()),
            ],
        });
    }

    /// Ends a scan.
    pub(super) fn scan(&mut self) {
        self.scans += 1;
        if self.scans < self.length {
            return;
        }
        self.scans = 0;
        self.batches.extend_from_slice(&self.current);
        self.current.fill(Sums::NONE);
        if self.batches.len() == MOST_BATCHES * self.pairs {
            for b in 0..MOST_BATCHES / 2 {
                for pair in 0..self.pairs {
                    let first = self.batches[2 * b * self.pairs + pair];
                    let second = self.batches[(2 * b + 1) * self.pairs + pair];
                    self.batches[b * self.pairs + pair] = first.join(second);
                }
            }
            self.batches.truncate(MOST_BATCHES / 2 * self.pairs);
            self.length *= 2;
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[Sums]> {
        self.batches.chunks_exact(self.pairs.max(1))
    }

    /// Proposed swaps of a pair per complete batch: what is under way belongs to none.
    fn per_batch(&self, pair: usize) -> f64 {
        let (batches, proposed) = self
            .rows()
            .fold((0u64, 0u64), |(b, p), row| (b + 1, p + row[pair].proposed));
        proposed.max(1) as f64 / batches.max(1) as f64
    }

    fn total(&self, pair: usize) -> Sums {
        self.rows()
            .fold(self.current[pair], |sum, row| sum.join(row[pair]))
    }

    /// The mean rejection probability of a pair; 0 if it was never proposed.
    pub(super) fn rejection(&self, pair: usize) -> f64 {
        let total = self.total(pair);
        if total.proposed == 0 {
            return 0.0;
        }
        // Acceptances are at most 1 each, but their sum is rounded.
        (1.0 - total.acceptance / total.proposed as f64).max(0.0)
    }

    /// Proposed and accepted swaps of a pair.
    pub(super) fn counts(&self, pair: usize) -> (u64, u64) {
        let total = self.total(pair);
        (total.proposed, total.accepted)
    }

    /// The mean acceptance probability of a pair.
    pub(super) fn acceptance(
        &self,
        pair: usize,
        confidence: f64,
    ) -> Result<Estimate, ArgumentError> {
        let total = self.total(pair);
        let proposed = total.proposed.max(1) as f64;
        let mean = total.acceptance / proposed;
        let batches: Vec<f64> = self
            .rows()
            .map(|row| row[pair])
            .map(|sums| sums.acceptance - sums.proposed as f64 * mean)
            .collect();
        let per_batch = self.per_batch(pair);
        let mut estimate = batch_means::student(
            "mean acceptance probability; central limit theorem, batch means".into(),
            mean,
            batch_means::std_err(&batches) / per_batch,
            batches.len(),
            total.proposed as usize,
            confidence,
        )?;
        estimate.units = ergodic_core::Units::Dimensionless;
        Ok(estimate)
    }

    /// `log Z_N/Z_0` by stepping stones: from below, from above, and their mean.
    ///
    /// `log Z_{i+1}/Z_i = log E_i e^{−W_up} = −log E_{i+1} e^{−W_down}` where supports agree. The standard error is
    /// that of the sum over pairs of relative deviations `ȳ_b/ȳ − 1`, batch by batch, so that
    /// correlations in time and between pairs count (delta method).
    pub(super) fn log_ratio(&self, confidence: f64) -> Result<[Estimate; 3], ArgumentError> {
        let count = self.rows().count();
        let mut deviations = vec![[0.0; 2]; count];
        let (mut forward, mut reverse, mut samples) = (0.0, 0.0, u64::MAX);
        for pair in 0..self.pairs {
            let total = self.total(pair);
            let n = total.proposed.max(1) as f64;
            let [up, down] = total.log_ratio();
            forward += up;
            reverse += down;
            samples = samples.min(total.proposed);
            let per_batch = self.per_batch(pair);
            for (deviation, row) in deviations.iter_mut().zip(self.rows()) {
                let sums = row[pair];
                // Deviations of a mean of weights and of a share, relative to them; of nothing
                // there is none.
                let weights = |log_sum: f64, total: f64| {
                    if total == f64::NEG_INFINITY {
                        return 0.0;
                    }
                    let mean = Real::exp(log_sum - total) * n;
                    (mean - sums.proposed as f64) / per_batch
                };
                let share = |inside: u64, total: u64| {
                    let share = total.max(1) as f64 / n;
                    (inside as f64 / share - sums.proposed as f64) / per_batch
                };
                deviation[0] += weights(sums.up, total.up) - share(sums.inside[1], total.inside[1]);
                deviation[1] +=
                    share(sums.inside[0], total.inside[0]) - weights(sums.down, total.down);
            }
        }
        let estimate = |name: &str, value: f64, weight: [f64; 2]| {
            if !value.is_finite() {
                return Err(ArgumentError::new(
                    "scans",
                    samples,
                    "enough that every pair of levels has seen a finite weight",
                ));
            }
            let series: Vec<f64> = deviations
                .iter()
                .map(|d| weight[0] * d[0] + weight[1] * d[1])
                .collect();
            batch_means::student(
                format!("stepping stones {name}; central limit theorem, batch means"),
                value,
                batch_means::std_err(&series),
                count,
                samples as usize,
                confidence,
            )
        };
        let mut up = estimate("from below", forward, [1.0, 0.0])?;
        let mut down = estimate("from above", reverse, [0.0, 1.0])?;
        let mut both = estimate(
            "from below and above",
            0.5 * (forward + reverse),
            [0.5, 0.5],
        )?;
        // Logs of means are biased, from below downward and from above upward: intervals that
        // do not meet show it.
        let rounding = 1e-9 * (1.0 + both.value.abs());
        let apart = up.interval.upper + rounding < down.interval.lower;
        if apart {
            for e in [&mut up, &mut down, &mut both] {
                e.bias = Bias::Dominates(None);
            }
        }
        Ok([up, down, both])
    }

    /// `log Z_k/Z_0` of every level, the mean of both directions.
    pub(super) fn log_ratios(&self) -> Vec<f64> {
        let mut sum = 0.0;
        let mut all = vec![0.0];
        for pair in 0..self.pairs {
            let [up, down] = self.total(pair).log_ratio();
            sum += 0.5 * (up + down);
            all.push(sum);
        }
        all
    }
}

/// Where a replica is on its way: it has come from neither end yet, from the base, or from the
/// target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Leg {
    #[default]
    Nowhere,
    Up,
    Down,
}

/// Round trips of replicas, base to target to base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct RoundTrips {
    legs: Vec<Leg>,
    pub(super) completed: u64,
}

impl RoundTrips {
    pub(super) fn new(replicas: usize) -> Self {
        Self {
            legs: vec![Leg::Nowhere; replicas],
            completed: 0,
        }
    }

    /// Replica `bottom` is at the base and `top` at the target.
    pub(super) fn visit(&mut self, bottom: usize, top: usize) {
        if self.legs[bottom] == Leg::Down {
            self.completed += 1;
        }
        self.legs[bottom] = Leg::Up;
        if self.legs[top] == Leg::Up {
            self.legs[top] = Leg::Down;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_is_base_to_target_to_base() {
        let mut trips = RoundTrips::new(2);
        trips.visit(0, 1);
        trips.visit(1, 0); // 0 has arrived above
        assert_eq!(trips.completed, 0);
        trips.visit(0, 1); // and is back
        assert_eq!(trips.completed, 1);
        trips.visit(0, 1);
        assert_eq!(trips.completed, 1);
        trips.visit(1, 0);
        assert_eq!(trips.completed, 2);
    }

    #[test]
    fn constant_weights_give_an_exact_ratio_whatever_the_batching() {
        let mut statistics = SwapStatistics::new(2);
        for scan in 0..1000 {
            let pair = scan % 2;
            let w = [0.25, -1.5][pair];
            statistics.push(
                pair,
                Exchange {
                    up: w,
                    down: -w,
                    acceptance: 0.5,
                },
                scan % 4 < 2,
            );
            statistics.scan();
        }
        assert_eq!(statistics.counts(0), (500, 250));
        assert_eq!(statistics.rejection(1), 0.5);
        for e in statistics.log_ratio(0.95).unwrap() {
            assert!((e.value - 1.25).abs() < 1e-10, "{e}");
            assert!(e.std_err < 1e-10 && !e.bias.dominates(), "{e}");
        }
        let all = statistics.log_ratios();
        assert!((all[1] + 0.25).abs() < 1e-11 && (all[2] - 1.25).abs() < 1e-11);
    }

    #[test]
    fn scans_beyond_the_last_batch_do_not_shrink_the_error() {
        let mut statistics = SwapStatistics::new(1);
        for scan in 0..17 {
            let acceptance = if scan == 16 {
                0.5
            } else {
                [0.0, 1.0][scan / 2 % 2]
            };
            let exchange = Exchange {
                up: 0.0,
                down: 0.0,
                acceptance,
            };
            statistics.push(0, exchange, false);
            statistics.scan();
        }
        // Means 0, 1, 0, 1, … of eight batches.
        let exact = (0.25f64 / 7.0).sqrt();
        let found = statistics.acceptance(0, 0.95).unwrap();
        assert!((found.value - 0.5).abs() < 1e-15);
        assert!((found.std_err - exact).abs() < 1e-15, "{}", found.std_err);
    }

    #[test]
    fn a_pair_without_finite_weights_is_a_typed_error() {
        let mut statistics = SwapStatistics::new(1);
        let forbidden = Exchange {
            up: f64::INFINITY,
            down: 0.0,
            acceptance: 0.0,
        };
        statistics.push(0, forbidden, false);
        statistics.scan();
        assert_eq!(statistics.log_ratio(0.95).unwrap_err().argument, "scans");
    }
}
