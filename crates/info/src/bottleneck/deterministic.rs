//! The deterministic bottleneck: hard clusters.

use ergodic_core::Randomness;
use ergodic_math::Real;

use super::iterative::check_beta;
use super::{Bottleneck, Solution, price};
use crate::channel::Channel;
use crate::{InfoError, Probabilities};

impl Bottleneck {
    /// A fixed point of the deterministic bottleneck `min H(T) − β I(T; Y)` (Strouse and Schwab,
    /// *Neural Comput.* 29, 1611, 2017), from a given encoder.
    ///
    /// Iterates `t(x) = argmax_t ln p(t) − β D(p(y|x) ‖ p(y|t))`, which never raises the objective,
    /// until no symbol changes its cluster; a symbol stays where it is on a tie. Empty clusters stay
    /// empty. The first step hardens a soft start.
    ///
    /// **When not**: with many equivalent optima and few clusters the fixed points are many and
    /// poor; take the best of [random starts](Self::deterministic_from_random).
    ///
    /// **Cost**: `O(symbols · clusters · outputs)` an iteration, of which it takes few.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn deterministic(&self, beta: f64, start: &Channel) -> Result<Solution, InfoError> {
        check_beta(beta)?;
        self.check_start(start)?;
        let mut encoder = start.clone();
        for used in 1..=self.iterations {
            let next = self.harden(beta, &encoder);
            if next == encoder {
                return Ok(self.solution(encoder, (0.0, beta), 0.0, used));
            }
            encoder = next;
        }
        Err(InfoError::NotConverged {
            quantity: "deterministic information bottleneck",
            gap: 1.0,
            tolerance: self.tolerance,
            iterations: self.iterations,
        })
    }

    /// The best of some fixed points of the deterministic bottleneck, each from symbols put into
    /// clusters at random, start `i` with stream `i` of the seed.
    ///
    /// # Errors
    /// As [`solve_from_random`](Self::solve_from_random).
    ///
    /// ```
    /// use ergodic_info::Probabilities;
    /// use ergodic_info::bottleneck::Bottleneck;
    /// use ergodic_info::channel::Channel;
    ///
    /// let channel = Channel::from_rows(&[[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]])?;
    /// let problem = Bottleneck::new(Probabilities::uniform(4)?, channel)?;
    /// let found = problem.deterministic_from_random(20.0, 4, 20, 3)?;
    /// assert!((found.entropy().bits() - 1.0).abs() < 1e-12); // two clusters of two
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    pub fn deterministic_from_random(
        &self,
        beta: f64,
        clusters: usize,
        starts: usize,
        seed: u64,
    ) -> Result<Solution, InfoError> {
        let hard = |random: &mut dyn Randomness| {
            let mut row = vec![0.0; clusters];
            row[random.index(clusters)] = 1.0;
            Probabilities::new(row)
        };
        self.best_of(clusters, starts, seed, hard, |start| {
            self.deterministic(beta, start)
        })
    }

    fn harden(&self, beta: f64, encoder: &Channel) -> Channel {
        let (weights, decoder) = self.decoder(encoder);
        let (clusters, outputs) = (weights.len(), self.channel.outputs());
        let mut values = vec![0.0; encoder.as_slice().len()];
        for (x, row) in self.channel.rows().enumerate() {
            let score = |t: usize| {
                if weights[t] > 1e-290 {
                    let cluster = &decoder[t * outputs..(t + 1) * outputs];
                    Real::ln(weights[t]) - price(beta, row, cluster)
                } else {
                    f64::NEG_INFINITY
                }
            };
            // Where it mostly is now is left only for something better.
            let members = encoder.given(x);
            let mut best =
                (0..clusters).fold(0, |b, t| if members[t] > members[b] { t } else { b });
            for t in 0..clusters {
                if score(t) > score(best) {
                    best = t;
                }
            }
            values[x * clusters + best] = 1.0;
        }
        Channel::unchecked(values, clusters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Bottleneck {
        let rows = [
            [0.7, 0.2, 0.1],
            [0.6, 0.3, 0.1],
            [0.1, 0.8, 0.1],
            [0.1, 0.1, 0.8],
            [0.2, 0.1, 0.7],
        ];
        let source = Probabilities::new([0.1, 0.3, 0.2, 0.25, 0.15]).unwrap();
        Bottleneck::new(source, Channel::from_rows(&rows).unwrap()).unwrap()
    }

    /// All partitions of five symbols, by brute force.
    fn best_partition(problem: &Bottleneck, beta: f64) -> f64 {
        (0..5usize.pow(5))
            .map(|code| {
                let mut values = vec![0.0; 25];
                for x in 0..5 {
                    values[x * 5 + code / 5usize.pow(x as u32) % 5] = 1.0;
                }
                let encoder = Channel::new(&values, 5).unwrap();
                problem
                    .solution(encoder, (0.0, beta), 0.0, 0)
                    .objective()
                    .nats()
            })
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn random_starts_find_the_best_partition() {
        let problem = problem();
        for beta in [0.5, 2.0, 5.0, 20.0, 200.0] {
            let found = problem.deterministic_from_random(beta, 5, 200, 1).unwrap();
            let best = best_partition(&problem, beta);
            assert!(
                (found.objective().nats() - best).abs() < 1e-12,
                "{beta}: {found:?} {best}"
            );
            assert_eq!(found.compression(), found.entropy());
        }
    }

    #[test]
    fn small_alpha_hardens_the_clusters() {
        let problem = problem();
        let start = problem.deterministic_from_random(20.0, 5, 200, 1).unwrap();
        let mut last = f64::INFINITY;
        for alpha in [1.0, 0.5, 0.1, 0.01] {
            let found = problem.generalized(alpha, 20.0, start.encoder()).unwrap();
            let noise = (found.entropy() - found.compression()).nats();
            assert!(noise <= last + 1e-12, "α = {alpha}: {noise} after {last}");
            last = noise;
        }
        assert!(last < 1e-6);
    }
}
