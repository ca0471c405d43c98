//! The bottleneck's equations by iteration, at one β.

use ergodic_core::Randomness;
use ergodic_math::{Real, rng};

use super::{Bottleneck, Solution, price};
use crate::channel::{Channel, divide};
use crate::{InfoError, Probabilities};

/// A point of the iteration.
pub(super) struct Point {
    pub(super) encoder: Channel,
    /// `ln p(t|x)` up to a constant of the row; `−∞` for a cluster that a symbol cannot be in.
    scores: Vec<f64>,
}

impl Bottleneck {
    /// A stationary point at `β` from a given encoder `p(t|x)`, one row per symbol.
    ///
    /// Iterates `p(t|x) ∝ p(t) exp(−β D(p(y|x) ‖ p(y|t)))`, `p(t) = Σ p(x) p(t|x)`,
    /// `p(y|t) = Σ p(x|t) p(y|x)` (Tishby, Pereira and Bialek 1999), which never raises
    /// `I(T; X) − β I(T; Y)`; every two steps are extrapolated (SQUAREM: Varadhan and Roland,
    /// *Scand. J. Stat.* 35, 335, 2008) and the extrapolation is kept where it lowers it too. What
    /// is found depends on the start: clusters that are alike stay alike.
    ///
    /// **Cost**: `O(symbols · clusters · outputs)` an iteration; tens of them, and thousands close to
    /// a bifurcation, where convergence slows down.
    ///
    /// # Errors
    /// If `β` is negative or not finite, the start does not have a row per symbol, and
    /// [`InfoError::NotConverged`] if the residual is not reached.
    pub fn solve(&self, beta: f64, start: &Channel) -> Result<Solution, InfoError> {
        self.generalized(1.0, beta, start)
    }

    /// The best of some stationary points at `β`, from encoders drawn uniformly (each row from the
    /// flat Dirichlet law), start `i` with stream `i` of the seed. Starts whose residual is not reached
    /// are left out; [`Solution::failed_starts`] counts them.
    ///
    /// # Errors
    /// As [`solve`](Self::solve) where every start fails (with the least gap), and if there are no
    /// clusters or no starts.
    pub fn solve_from_random(
        &self,
        beta: f64,
        clusters: usize,
        starts: usize,
        seed: u64,
    ) -> Result<Solution, InfoError> {
        let flat = |random: &mut dyn Randomness| {
            let weights: Vec<f64> = (0..clusters).map(|_| random.exponential()).collect();
            Probabilities::from_weights(weights)
        };
        self.best_of(clusters, starts, seed, flat, |start| {
            self.solve(beta, start)
        })
    }

    /// A stationary point of `H(T) − α H(T|X) − β I(T; Y)` (Strouse and Schwab, *Neural Comput.*
    /// 29, 1611, 2017): the bottleneck for `α = 1`, and ever harder clusters for smaller `α`.
    ///
    /// Iterates `p(t|x) ∝ exp((ln p(t) − β D(p(y|x) ‖ p(y|t)))/α)`. See
    /// [`deterministic`](Self::deterministic) for the limit `α = 0`.
    ///
    /// # Errors
    /// As [`solve`](Self::solve), and if `α` is not in `(0, 1]`.
    pub fn generalized(
        &self,
        alpha: f64,
        beta: f64,
        start: &Channel,
    ) -> Result<Solution, InfoError> {
        check_beta(beta)?;
        if !(alpha > 0.0 && alpha <= 1.0) {
            return Err(InfoError::argument(
                "alpha",
                alpha,
                "above 0 and at most 1 (`deterministic` for 0)",
            ));
        }
        self.check_start(start)?;
        let found = self.attempt((alpha, beta), start, self.iterations);
        if found.residual <= self.tolerance {
            Ok(found)
        } else {
            Err(self.not_converged(&found))
        }
    }

    pub(super) fn not_converged(&self, found: &Solution) -> InfoError {
        InfoError::NotConverged {
            quantity: "information bottleneck",
            gap: found.residual,
            tolerance: self.tolerance,
            iterations: found.iterations,
        }
    }

    /// What is reached until the residual is small enough or the iterations are spent.
    pub(super) fn attempt(&self, weights: (f64, f64), start: &Channel, limit: usize) -> Solution {
        let mut point = Point::of(start.clone());
        let mut used = 0;
        loop {
            let first = self.apply(weights, &point.encoder);
            let residual = self.change(&point.encoder, &first.encoder);
            used += 1;
            if residual <= self.tolerance || used >= limit {
                return self.solution(point.encoder, weights, residual, used);
            }
            let second = self.apply(weights, &first.encoder);
            used += 1;
            let bold = self.extrapolate(&point, &first, &second);
            let plain = self.objective(weights, &second.encoder);
            point = match bold {
                Some(bold) => {
                    let bold = self.apply(weights, &bold);
                    used += 1;
                    if self.objective(weights, &bold.encoder) <= plain {
                        bold
                    } else {
                        second
                    }
                }
                None => second,
            };
        }
    }

    /// The best of what `solve` finds from encoders with rows drawn by `row`.
    pub(super) fn best_of(
        &self,
        clusters: usize,
        starts: usize,
        seed: u64,
        row: impl Fn(&mut dyn Randomness) -> Result<Probabilities, InfoError>,
        solve: impl Fn(&Channel) -> Result<Solution, InfoError>,
    ) -> Result<Solution, InfoError> {
        if clusters == 0 {
            return Err(InfoError::argument("clusters", 0, "at least 1"));
        }
        let mut best: Option<Solution> = None;
        let mut failures: Vec<InfoError> = Vec::new();
        for i in 0..starts {
            let mut random = rng::stream(seed, i as u64);
            let rows = (0..self.source.len()).map(|_| row(&mut random));
            let rows = rows.collect::<Result<Vec<_>, _>>()?;
            let found = match solve(&Channel::from_rows(&rows)?) {
                Ok(found) => found,
                Err(error @ InfoError::NotConverged { .. }) => {
                    failures.push(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let better = |b: &Solution| found.objective() < b.objective();
            if best.as_ref().is_none_or(better) {
                best = Some(found);
            }
        }
        if let Some(best) = &mut best {
            best.failed_starts = failures.len();
        }
        let gap = |error: &InfoError| match error {
            InfoError::NotConverged { gap, .. } => *gap,
            InfoError::Argument(_) => f64::INFINITY,
        };
        best.ok_or_else(|| {
            let least = failures
                .into_iter()
                .min_by(|a, b| gap(a).total_cmp(&gap(b)));
            least.unwrap_or_else(|| InfoError::argument("starts", 0, "at least 1"))
        })
    }

    /// One application of the equations.
    pub(super) fn apply(&self, (alpha, beta): (f64, f64), encoder: &Channel) -> Point {
        let (weights, decoder) = self.decoder(encoder);
        let clusters = weights.len();
        let logs: Vec<f64> = weights
            .iter()
            // What has this little weight is empty: its decoder row has too few digits.
            .map(|w| {
                if *w > 1e-290 {
                    Real::ln(*w)
                } else {
                    f64::NEG_INFINITY
                }
            })
            .collect();
        let mut scores = Vec::with_capacity(encoder.as_slice().len());
        let mut values = Vec::with_capacity(encoder.as_slice().len());
        for (row, old) in self.channel.rows().zip(encoder.rows()) {
            let clusters_of = decoder.chunks_exact(row.len());
            let prices: Vec<f64> = clusters_of.map(|c| price(beta, row, c)).collect();
            let start = scores.len();
            for (log, price) in logs.iter().zip(&prices) {
                scores.push(if *log == f64::NEG_INFINITY {
                    *log
                } else {
                    (log - price) / alpha
                });
            }
            match softmax(&scores[start..]) {
                Some(members) => values.extend(members),
                None => values.extend(hardest(row, &logs, &decoder, beta, old)),
            }
        }
        Point {
            encoder: Channel::unchecked(values, clusters),
            scores,
        }
    }

    /// The largest change of a membership of a symbol that occurs.
    fn change(&self, old: &Channel, new: &Channel) -> f64 {
        let rows = old.rows().zip(new.rows()).zip(self.source.as_slice());
        rows.filter(|(_, p)| **p > 0.0)
            .flat_map(|((a, b), _)| a.iter().zip(b).map(|(a, b)| (a - b).abs()))
            .fold(0.0, f64::max)
    }

    fn objective(&self, (alpha, beta): (f64, f64), encoder: &Channel) -> f64 {
        self.solution(Channel::clone(encoder), (alpha, beta), 0.0, 0)
            .objective()
            .nats()
    }

    /// The encoder to which three points in a row lead, extrapolated in the logarithms; none where
    /// it would not be longer than the steps.
    fn extrapolate(&self, zero: &Point, first: &Point, second: &Point) -> Option<Channel> {
        let clusters = zero.encoder.outputs();
        let (mut steps, mut bends) = (0.0, 0.0);
        let weight = |i: usize| self.source.as_slice()[i / clusters] * first.encoder.as_slice()[i];
        let differences = |i: usize| {
            let (a, b, c) = (zero.scores[i], first.scores[i], second.scores[i]);
            (b - a, c - b - (b - a))
        };
        for i in 0..zero.scores.len() {
            let (r, v) = differences(i);
            if r.is_finite() && v.is_finite() {
                steps += weight(i) * r * r;
                bends += weight(i) * v * v;
            }
        }
        let length = (steps / bends).sqrt();
        if !(length.is_finite() && length > 1.0) {
            return None;
        }
        let scores: Vec<f64> = (0..zero.scores.len())
            .map(|i| {
                let (r, v) = differences(i);
                if r.is_finite() && v.is_finite() {
                    zero.scores[i] + 2.0 * length * r + length * length * v
                } else {
                    second.scores[i]
                }
            })
            .collect();
        let values = (scores.chunks_exact(clusters).zip(second.encoder.rows()))
            .flat_map(|(scores, old)| softmax(scores).unwrap_or_else(|| old.to_vec()))
            .collect();
        Some(Channel::unchecked(values, clusters))
    }
}

impl Point {
    fn of(encoder: Channel) -> Self {
        let scores = encoder.as_slice().iter();
        let log = |v: &f64| {
            if *v > 0.0 {
                Real::ln(*v)
            } else {
                f64::NEG_INFINITY
            }
        };
        Self {
            scores: scores.map(log).collect(),
            encoder,
        }
    }
}

/// The limit of the memberships of a symbol whose scores all left the range of f64: the cluster of
/// the best score has all, as the others are infinitely worse. Where no cluster can hold the symbol,
/// it stays where it is.
fn hardest(symbol: &[f64], logs: &[f64], decoder: &[f64], beta: f64, old: &[f64]) -> Vec<f64> {
    // In units in which neither a large β nor a small α overflows.
    let scale = beta.max(1.0);
    let clusters = logs.iter().zip(decoder.chunks_exact(symbol.len()));
    let scores: Vec<f64> = clusters
        .map(|(log, cluster)| log / scale - price(beta / scale, symbol, cluster))
        .collect();
    let best = (0..scores.len()).fold(0, |b, t| if scores[t] > scores[b] { t } else { b });
    if !scores[best].is_finite() {
        return old.to_vec();
    }
    let mut members = vec![0.0; scores.len()];
    members[best] = 1.0;
    members
}

/// None if no score is finite.
fn softmax(scores: &[f64]) -> Option<Vec<f64>> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return None;
    }
    let mut values: Vec<f64> = scores.iter().map(|s| Real::exp(s - largest)).collect();
    let total: f64 = values.iter().sum();
    divide(&mut values, total);
    Some(values)
}

pub(super) fn check_beta(beta: f64) -> Result<(), InfoError> {
    if beta.is_finite() && beta >= 0.0 {
        Ok(())
    } else {
        Err(InfoError::argument("beta", beta, "finite and at least 0"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn random_problem() -> impl Strategy<Value = Bottleneck> {
        (2..6usize, 2..5usize).prop_flat_map(|(x, y)| {
            prop::collection::vec(0.01..1.0f64, x * y).prop_map(move |weights| {
                let joint = Probabilities::from_weights(weights).unwrap();
                let (source, channel) = Channel::of_joint(&joint, y).unwrap();
                Bottleneck::new(source, channel).unwrap()
            })
        })
    }

    /// With fewer iterations than some starts need, the others are kept and the failures counted; with too few
    /// for any, the error has the least gap.
    #[test]
    fn starts_that_fail_are_left_out_and_counted() {
        let rows = [
            [0.8, 0.15, 0.05],
            [0.5, 0.3, 0.2],
            [0.1, 0.3, 0.6],
            [0.2, 0.6, 0.2],
        ];
        let source = Probabilities::uniform(4).unwrap();
        let problem = Bottleneck::new(source, Channel::from_rows(&rows).unwrap()).unwrap();
        let all = problem.solve_from_random(8.0, 3, 8, 2).unwrap();
        assert_eq!(all.failed_starts(), 0);
        let mut partial = 0;
        for limit in (4..200).step_by(4) {
            let hurried = problem.clone().iterations(limit);
            match hurried.solve_from_random(8.0, 3, 8, 2) {
                Ok(found) => {
                    partial += usize::from(found.failed_starts() > 0);
                    assert!(found.residual() <= 1e-10 && found.failed_starts() < 8);
                    assert!(found.objective() >= all.objective() - Information::from_nats(1e-12));
                }
                Err(InfoError::NotConverged { gap, .. }) => assert!(gap > 1e-10),
                Err(error) => panic!("{error}"),
            }
        }
        assert!(partial > 0, "some limit stops some starts only");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn solutions_satisfy_the_equations_and_data_processing(
            problem in random_problem(), beta in 0.5..40.0f64
        ) {
            let found = match problem.solve_from_random(beta, 3, 2, 7) {
                Ok(found) => found,
                // At a bifurcation convergence is as slow as one likes: another case instead.
                Err(InfoError::NotConverged { .. }) => {
                    return Err(TestCaseError::reject("a bifurcation"));
                }
                Err(error) => panic!("{error}"),
            };
            prop_assert!(found.residual() <= 1e-10);
            let again = problem.apply((1.0, beta), found.encoder());
            prop_assert!(problem.change(found.encoder(), &again.encoder) <= 1e-10);
            prop_assert!(found.relevance() <= problem.information() + Information::from_nats(1e-12));
            prop_assert!(found.relevance() <= found.compression() + Information::from_nats(1e-12));
            prop_assert!(found.compression() <= found.entropy() + Information::from_nats(1e-12));
            // One cluster is always a candidate.
            prop_assert!(found.objective().nats() <= 1e-9 || found.relevance().nats() < 1e-6);
        }
    }

    use crate::Information;

    #[test]
    fn below_the_critical_beta_everything_collapses() {
        let channel = Channel::from_rows(&[[0.8, 0.2], [0.5, 0.5], [0.1, 0.9]]).unwrap();
        let problem = Bottleneck::new(Probabilities::uniform(3).unwrap(), channel).unwrap();
        let critical = problem.critical_beta();
        let below = problem.solve_from_random(0.9 * critical, 3, 3, 1).unwrap();
        assert!(below.compression().nats() < 1e-12, "{below:?}");
        let above = problem.solve_from_random(1.1 * critical, 3, 3, 1).unwrap();
        assert!(above.relevance().nats() > 1e-3, "{above:?}");
    }

    #[test]
    fn without_a_reward_everything_collapses_from_hard_clusters_too() {
        // At β = 0 only I(T; X) counts, although D is infinite between these clusters.
        let wire = Channel::binary_symmetric(0.0).unwrap();
        let problem = Bottleneck::new(Probabilities::new([0.3, 0.7]).unwrap(), wire).unwrap();
        let apart = Channel::from_rows(&[[1.0, 0.0], [0.0, 1.0]]).unwrap();
        let found = problem.solve(0.0, &apart).unwrap();
        assert!(found.compression().nats() < 1e-15, "{found:?}");
        let found = problem.deterministic(0.0, &apart).unwrap();
        assert_eq!(found.entropy().nats(), 0.0, "{found:?}");
    }

    #[test]
    fn the_hardest_noise_and_the_largest_reward_give_hard_clusters() {
        let channel = Channel::binary_symmetric(0.1).unwrap();
        let problem = Bottleneck::new(Probabilities::uniform(2).unwrap(), channel).unwrap();
        let start = Channel::from_rows(&[[0.6, 0.4], [0.3, 0.7]]).unwrap();
        for (alpha, beta) in [(1e-310, 20.0), (1e-310, 1e300), (1.0, 1e308)] {
            let found = problem.generalized(alpha, beta, &start).unwrap();
            let encoder = found.encoder().as_slice();
            assert_eq!(encoder, [1.0, 0.0, 0.0, 1.0], "α = {alpha}, β = {beta}");
        }
    }

    #[test]
    fn a_symmetric_binary_problem_has_the_encoder_of_its_closed_form() {
        // Fair bit through a binary symmetric channel: the optimal T is a binary symmetric channel
        // away from X, with flip u that satisfies ln((1−u)/u) = β (1−2f) ln((1−g)/g), g = u ⋆ f.
        let (f, beta) = (0.1, 3.0);
        let channel = Channel::binary_symmetric(f).unwrap();
        let problem = Bottleneck::new(Probabilities::uniform(2).unwrap(), channel).unwrap();
        let odds = |p: f64| ((1.0 - p) / p).ln();
        let equation =
            |u: f64| odds(u) - beta * (1.0 - 2.0 * f) * odds(u * (1.0 - f) + f * (1.0 - u));
        let u = ergodic_math::roots::brent(equation, 1e-9, 0.4, 0.0)
            .unwrap()
            .x;
        let start = Channel::from_rows(&[[0.6, 0.4], [0.4, 0.6]]).unwrap();
        let found = problem.solve(beta, &start).unwrap();
        assert!(
            (found.encoder().given(0)[1] - u).abs() < 1e-8,
            "{found:?} {u}"
        );
    }
}
