//! Normal scores: what replaces values by their ranks on the scale of a standard normal.

use ergodic_math::special::normal_quantile;

use crate::order::Order;

/// `Φ⁻¹((r − 3/8)/(S + 1/4))` for the ranks `r = 1, …, S` (Blom, *Statistical Estimates and
/// Transformed Beta-Variables*, 1958). One table serves every quantity of `S` draws.
#[derive(Clone, Debug)]
pub(crate) struct NormalScores {
    of_rank: Vec<f64>,
}

impl NormalScores {
    pub(crate) fn new(count: usize) -> Self {
        let mut of_rank = vec![0.0; count];
        for i in 0..count / 2 {
            let z = score((i + 1) as f64, count);
            of_rank[i] = z;
            of_rank[count - 1 - i] = -z;
        }
        Self { of_rank }
    }

    pub(crate) fn len(&self) -> usize {
        self.of_rank.len()
    }

    /// The scores of values in ascending order; equal values share the score of their mean rank.
    /// Calls `put(i, score)` for the `i`-th of them.
    #[inline(always)]
    fn assign(&self, sorted: &[f64], mut put: impl FnMut(usize, f64)) {
        let n = sorted.len();
        let mut i = 0;
        while i < n {
            let value = sorted[i];
            if i + 1 == n || sorted[i + 1] != value {
                put(i, self.of_rank[i]);
                i += 1;
                continue;
            }
            let end = i + sorted[i..].iter().take_while(|&&x| x == value).count();
            // Ranks i + 1, …, end; a mean of two neighbours is no rank of the table.
            let first_and_last = i + 1 + end;
            let z = if first_and_last.is_multiple_of(2) {
                self.of_rank[first_and_last / 2 - 1]
            } else {
                score(0.5 * first_and_last as f64, n)
            };
            for j in i..end {
                put(j, z);
            }
            i = end;
        }
    }

    /// Writes the scores of the values that `order` has sorted to their positions.
    pub(crate) fn by_position(&self, order: &Order, scores: &mut Vec<f64>) {
        scores.resize(order.sorted.len(), 0.0);
        self.assign(&order.sorted, |i, z| {
            scores[order.positions[i] as usize] = z;
        });
    }

    /// The same for the distances `|x − median|`, whose order is that of a merge of the two sides
    /// of the median: no second sort.
    pub(crate) fn of_distances(&self, order: &Order, folded: &mut Folded, scores: &mut Vec<f64>) {
        folded.merge(order);
        scores.resize(folded.sorted.len(), 0.0);
        self.assign(&folded.sorted, |i, z| {
            scores[folded.positions[i] as usize] = z;
        });
    }
}

fn score(rank: f64, count: usize) -> f64 {
    // A rank lies in [1, S], so the probability is inside (0, 1).
    normal_quantile((rank - 0.375) / (count as f64 + 0.25)).unwrap_or(0.0)
}

/// Positions by ascending distance from the median.
#[derive(Default)]
pub(crate) struct Folded {
    sorted: Vec<f64>,
    positions: Vec<u32>,
}

impl Folded {
    fn merge(&mut self, order: &Order) {
        let x = &order.sorted;
        let n = x.len();
        let (below, above) = (x[(n - 1) / 2], x[n / 2]);
        let median = if below == above {
            below
        } else {
            // Halves first where the sum would overflow.
            let sum = below + above;
            if sum.is_finite() {
                0.5 * sum
            } else {
                0.5 * below + 0.5 * above
            }
        };
        self.sorted.resize(n, 0.0);
        self.positions.resize(n, 0);
        // The values below the median are left of `left`, the others from `right` on.
        let mut right = x.partition_point(|&v| v < median);
        let mut left = right;
        let mut at = 0;
        // The next comes from either side as by the throw of a coin: selects, no branches.
        while left > 0 && right < n {
            let (down, up) = (median - x[left - 1], x[right] - median);
            let take_left = down < up;
            self.sorted[at] = if take_left { down } else { up };
            let from = if take_left { left - 1 } else { right };
            self.positions[at] = order.positions[from];
            left -= usize::from(take_left);
            right += usize::from(!take_left);
            at += 1;
        }
        for from in (0..left).rev().chain(right..n) {
            self.sorted[at] = (x[from] - median).abs();
            self.positions[at] = order.positions[from];
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores_of(values: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut order = Order::default();
        order.sort(values);
        let table = NormalScores::new(values.len());
        let (mut bulk, mut fold) = (Vec::new(), Vec::new());
        table.by_position(&order, &mut bulk);
        table.of_distances(&order, &mut Folded::default(), &mut fold);
        (bulk, fold)
    }

    /// From the definition: the mean rank is 1 + #{smaller} + (#{equal} − 1)/2.
    fn definition(values: &[f64]) -> Vec<f64> {
        values
            .iter()
            .map(|x| {
                let smaller = values.iter().filter(|v| *v < x).count() as f64;
                let equal = values.iter().filter(|v| *v == x).count() as f64;
                score(smaller + 0.5 * (equal + 1.0), values.len())
            })
            .collect()
    }

    #[test]
    fn scores_are_those_of_mean_ranks_also_after_folding() {
        for n in [4usize, 5, 16, 33, 400] {
            for step in [0.0, 1e-9, 0.3] {
                let mut random = ergodic_math::rng::stream(3, n as u64);
                let values: Vec<f64> = (0..n)
                    .map(|_| {
                        let x = ergodic_math::rng::normal(&mut random);
                        if step > 0.0 {
                            (x / step).round() * step
                        } else {
                            x
                        }
                    })
                    .collect();
                let (bulk, fold) = scores_of(&values);
                let mut sorted = values.clone();
                sorted.sort_by(f64::total_cmp);
                let median = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
                let distances: Vec<f64> = values.iter().map(|x| (x - median).abs()).collect();
                for (found, exact) in [(bulk, definition(&values)), (fold, definition(&distances))]
                {
                    for (f, e) in found.iter().zip(&exact) {
                        assert!((f - e).abs() < 1e-13, "n {n}, step {step}: {f} vs {e}");
                    }
                }
            }
        }
    }

    #[test]
    fn distances_may_overflow_and_still_have_ranks() {
        let m = f64::MAX;
        let (bulk, fold) = scores_of(&[m, -m, -m, 0.0, -m, m, -m]);
        assert!(bulk.iter().chain(&fold).all(|z| z.is_finite()));
    }
}
