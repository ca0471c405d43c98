//! The whole curve of the bottleneck, by annealing from one cluster, with its bifurcations.

use ergodic_math::Real;
use ergodic_math::roots::brent;

use super::{Bottleneck, Solution, instability, price};
use crate::InfoError;
use crate::channel::{Channel, add_scaled, divide};

/// The range of `β` to anneal over, and the finest description allowed.
///
/// ```
/// use ergodic_info::bottleneck::Annealing;
///
/// let schedule = Annealing::new(1.0, 100.0, 40)?.clusters(4)?;
/// assert!(Annealing::new(2.0, 1.0, 40).is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealing {
    from: f64,
    to: f64,
    points: usize,
    clusters: usize,
}

impl Annealing {
    /// From one `β` up to another, at this many values in geometric progression.
    ///
    /// # Errors
    /// If the first is not positive, the second is not finite and above it, or there are fewer than
    /// two points.
    pub fn new(from: f64, to: f64, points: usize) -> Result<Self, InfoError> {
        if !(from.is_finite() && from > 0.0) {
            return Err(InfoError::argument("from", from, "finite and positive"));
        }
        if !(to.is_finite() && to > from) {
            return Err(InfoError::argument(
                "to",
                to,
                format!("finite and above {from}"),
            ));
        }
        if points < 2 {
            return Err(InfoError::argument("points", points, "at least 2"));
        }
        Ok(Self {
            from,
            to,
            points,
            clusters: usize::MAX,
        })
    }

    /// Allows this many clusters at most; as many as symbols otherwise.
    ///
    /// # Errors
    /// If it is zero.
    pub fn clusters(mut self, most: usize) -> Result<Self, InfoError> {
        if most == 0 {
            return Err(InfoError::argument("clusters", 0, "at least 1"));
        }
        self.clusters = most;
        Ok(self)
    }
}

/// A `β` at which the description becomes finer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bifurcation {
    beta: f64,
    before: usize,
    after: usize,
}

impl Bifurcation {
    /// The critical `β`.
    pub const fn beta(&self) -> f64 {
        self.beta
    }

    /// The number of clusters below.
    pub const fn before(&self) -> usize {
        self.before
    }

    /// The number of clusters at the next point of the curve.
    pub const fn after(&self) -> usize {
        self.after
    }
}

/// A curve `I(T; X) → I(T; Y)`, and where clusters split on it.
#[derive(Clone, Debug, PartialEq)]
pub struct InformationCurve {
    points: Vec<Solution>,
    bifurcations: Vec<Bifurcation>,
}

impl InformationCurve {
    /// The solutions, `β` ascending.
    pub fn points(&self) -> &[Solution] {
        &self.points
    }

    /// The bifurcations, `β` ascending.
    pub fn bifurcations(&self) -> &[Bifurcation] {
        &self.bifurcations
    }
}

/// Clusters whose laws of `Y` differ nowhere by more than this are one.
const SAME: f64 = 1e-7;

/// A cluster with less weight than this is none.
const EMPTY: f64 = 1e-12;

/// The residual with which a point of the curve is accepted when iterations are spent.
const LOOSE: f64 = 1e-4;

/// An excess over 1 above this is one, not a residual of the equations.
const UNSTABLE: f64 = 1e-9;

impl Bottleneck {
    /// The curve of optimal descriptions by deterministic annealing (Rose, *Proc. IEEE* 86, 2210,
    /// 1998; for the bottleneck Slonim's thesis, 2002, and Zaslavsky and Tishby 2019).
    ///
    /// Starts from one cluster and raises `β`. At each `β` the equations are solved from the last
    /// solution, and clusters are added until neither of two things helps:
    ///
    /// * a **split**: cluster `t` is unstable where `β ρ_t² > 1`, with `ρ_t` the maximal correlation
    ///   of `X` and `Y` under `p(x|t) p(y|x)`. It is split along the function of `x` that attains it.
    /// * a **birth**: the bottleneck is a rate–distortion problem whose reproductions are all laws
    ///   `r` of `Y` at distortion `D(p(y|x) ‖ r)` (Harremoës and Tishby, *ISIT* 2007), and a new
    ///   cluster `r` lowers the objective exactly where `c(r) = Σₓ p(x) e^{−βD(p(y|x)‖r)}/Zₓ > 1`, with
    ///   `Zₓ = Σ_t p(t) e^{−βD(p(y|x)‖p(y|t))}`. Its maxima are sought by ascent from every `p(y|x)`.
    ///
    /// Where clusters were added, the critical `β` is found as the root of what says so, on the
    /// solution that was optimal so far. Stability alone would find the first one at `1/ρ²`
    /// ([`critical_beta`](Self::critical_beta)); a birth may come before.
    ///
    /// **Errors of the method**: bifurcations that lie between two neighbouring `β` are reported as
    /// one, at the first. The ascents may miss a birth; the curve then has a dent, where it is not
    /// concave.
    ///
    /// **Cost**: for each `β` some solutions ([`solve`](Self::solve)), an eigenvalue problem of
    /// `O(symbols³)` per cluster, and two ascents per symbol. Where `X` and `Y` are discretised
    /// continuous variables, optima are nearly flat and solutions slow: ask for a
    /// [residual](Self::tolerance) of 1e-5.
    ///
    /// # Errors
    /// [`InfoError::NotConverged`] if a residual stays above 1e-4 after the iterations allowed, of
    /// which it uses at most 20,000 a solution. Very close to a bifurcation convergence is slow, and
    /// a point may keep a residual between that and what was asked for: [`Solution::residual`] says
    /// which.
    ///
    /// ```
    /// use ergodic_info::Probabilities;
    /// use ergodic_info::bottleneck::{Annealing, Bottleneck};
    /// use ergodic_info::channel::Channel;
    ///
    /// let channel = Channel::from_rows(&[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])?;
    /// let problem = Bottleneck::new(Probabilities::uniform(3)?, channel)?;
    /// let curve = problem.anneal(Annealing::new(1.0, 200.0, 30)?)?;
    /// let first = curve.bifurcations()[0];
    /// assert!(first.beta() <= problem.critical_beta() * (1.0 + 1e-6));
    /// assert_eq!((first.before(), curve.points()[0].encoder().outputs()), (1, 1));
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    pub fn anneal(&self, schedule: Annealing) -> Result<InformationCurve, InfoError> {
        let ratio = Real::ln(schedule.to / schedule.from) / (schedule.points - 1) as f64;
        let most = schedule.clusters.min(self.source.len());
        let mut encoder = Channel::unchecked(vec![1.0; self.source.len()], 1);
        let mut curve = InformationCurve {
            points: Vec::with_capacity(schedule.points),
            bifurcations: Vec::new(),
        };
        let mut last = 0.0;
        for i in 0..schedule.points {
            let beta = if i + 1 == schedule.points {
                schedule.to
            } else {
                schedule.from * Real::exp(ratio * i as f64)
            };
            let before = encoder.clone();
            let point = self.settle(beta, encoder, most)?;
            let grown = point.encoder.outputs();
            if grown > before.outputs() {
                curve.bifurcations.push(Bifurcation {
                    beta: self.critical_between(last, beta, &before)?,
                    before: before.outputs(),
                    after: grown,
                });
            }
            encoder = point.encoder.clone();
            curve.points.push(point);
            last = beta;
        }
        Ok(curve)
    }

    /// A solution at `β` that no split and no birth improves, or with as many clusters as are
    /// allowed.
    fn settle(&self, beta: f64, start: Channel, most: usize) -> Result<Solution, InfoError> {
        let mut point = self.merged(self.tracked(beta, &start)?)?;
        // Each round lowers the objective; rounding could make it do so for ever.
        for _ in 0..4 * self.source.len() {
            if point.encoder.outputs() >= most {
                break;
            }
            let mut improved = None;
            for (margin, finer) in [
                self.split(beta, &point.encoder),
                self.birth(beta, &point.encoder),
            ] {
                if margin > UNSTABLE && improved.is_none() {
                    let next = self.merged(self.tracked(beta, &finer)?)?;
                    improved = (next.objective() < point.objective()).then_some(next);
                }
            }
            match improved {
                Some(next) => point = next,
                None => break,
            }
        }
        Ok(point)
    }

    /// A solution, or what comes close to it where convergence is slow: at a bifurcation.
    fn tracked(&self, beta: f64, start: &Channel) -> Result<Solution, InfoError> {
        let found = self.attempt((1.0, beta), start, self.iterations.min(20_000));
        if found.residual() <= self.tolerance.max(LOOSE) {
            Ok(found)
        } else {
            Err(self.not_converged(&found))
        }
    }

    /// By how much one cluster is unstable, `max_t β ρ_t² − 1`, and the encoder with that cluster
    /// split: memberships apart by a bounded function of the sign and shape of the unstable one.
    fn split(&self, beta: f64, encoder: &Channel) -> (f64, Channel) {
        let (square, cluster, function) = self.most_unstable(encoder);
        let clusters = encoder.outputs() + 1;
        let mut values = Vec::with_capacity(self.source.len() * clusters);
        for (row, v) in encoder.rows().zip(function) {
            let lean = 0.5 * (v / (1.0 + v.abs()));
            for (t, member) in row.iter().enumerate() {
                values.push(if t == cluster {
                    0.5 * member * (1.0 + lean)
                } else {
                    *member
                });
            }
            values.push(0.5 * row[cluster] * (1.0 - lean));
        }
        (beta * square - 1.0, Channel::unchecked(values, clusters))
    }

    /// The largest `c(r) − 1` found away from the clusters, and the encoder with a light cluster
    /// there.
    fn birth(&self, beta: f64, encoder: &Channel) -> (f64, Channel) {
        let (weights, decoder) = self.decoder(encoder);
        let outputs = self.channel.outputs();
        let clusters: Vec<&[f64]> = decoder.chunks_exact(outputs).collect();
        let score = |row: &[f64], r: &[f64]| -price(beta, row, r);
        let normal: Vec<f64> = (self.channel.rows())
            .map(|row| {
                let terms = clusters.iter().zip(&weights).filter(|(_, w)| **w > EMPTY);
                let terms: Vec<f64> = terms.map(|(r, w)| Real::ln(*w) + score(row, r)).collect();
                ergodic_math::special::log_sum_exp(&terms)
            })
            .collect();
        // The factor by which a symbol prefers r to what there is.
        let preference = |r: &[f64]| -> Vec<f64> {
            let rows = self.channel.rows().zip(&normal);
            rows.map(|(row, z)| Real::exp(score(row, r) - z)).collect()
        };
        let mut best = (f64::NEG_INFINITY, Vec::new());
        for (x, row) in self.channel.rows().enumerate() {
            if self.source.as_slice()[x] == 0.0 {
                continue;
            }
            let members = encoder.given(x).iter().enumerate();
            let home = members.fold(0, |b, (t, m)| if *m > encoder.given(x)[b] { t } else { b });
            let halfway = row
                .iter()
                .zip(clusters[home])
                .map(|(a, b)| 0.5 * (a + b))
                .collect();
            for start in [row.to_vec(), halfway] {
                let (value, r) = self.ascend(start, &preference);
                let apart = |c: &&[f64]| c.iter().zip(&r).any(|(a, b)| (a - b).abs() > 1e-4);
                if value > best.0 && clusters.iter().all(apart) {
                    best = (value, preference(&r));
                }
            }
        }
        if best.1.is_empty() {
            return (f64::NEG_INFINITY, encoder.clone());
        }
        let mut values = Vec::new();
        for (row, preference) in encoder.rows().zip(&best.1) {
            let share = 0.01 * preference / (1.0 + 0.01 * preference);
            values.extend(row.iter().map(|m| m * (1.0 - share)));
            values.push(share);
        }
        (
            best.0 - 1.0,
            Channel::unchecked(values, encoder.outputs() + 1),
        )
    }

    /// A maximum of `c(r) = Σ p(x) preference(x, r)`, and `c` there: `r` becomes the mean of `p(y|x)`
    /// with these weights, which never lowers `c` (Jensen).
    fn ascend(&self, start: Vec<f64>, preference: &impl Fn(&[f64]) -> Vec<f64>) -> (f64, Vec<f64>) {
        let mut r = start;
        let mut value = 0.0;
        for _ in 0..300 {
            let mut next = vec![0.0; r.len()];
            let mut total = 0.0;
            let symbols = self.channel.rows().zip(self.source.as_slice());
            for ((row, p), preference) in symbols.zip(preference(&r)) {
                total += p * preference;
                add_scaled(&mut next, row, p * preference);
            }
            if !(total.is_finite() && total > 0.0) {
                break;
            }
            divide(&mut next, total);
            let moved = next
                .iter()
                .zip(&r)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            (r, value) = (next, total);
            if moved < 1e-10 {
                break;
            }
        }
        (value, r)
    }

    /// The largest `ρ_t²`, its cluster, and the function that attains it.
    fn most_unstable(&self, encoder: &Channel) -> (f64, usize, Vec<f64>) {
        let mut best = (f64::NEG_INFINITY, 0, Vec::new());
        for t in 0..encoder.outputs() {
            let members = encoder.rows().zip(self.source.as_slice());
            let mut law: Vec<f64> = members.map(|(row, p)| p * row[t]).collect();
            let total: f64 = law.iter().sum();
            if total > EMPTY {
                divide(&mut law, total);
                let (square, function) = instability(&law, &self.channel);
                if square > best.0 {
                    best = (square, t, function);
                }
            }
        }
        best
    }

    /// Without empty clusters, and with those that say the same of `Y` as one.
    fn merged(&self, point: Solution) -> Result<Solution, InfoError> {
        let (weights, decoder) = self.decoder(&point.encoder);
        let outputs = self.channel.outputs();
        let row = |t: usize| &decoder[t * outputs..(t + 1) * outputs];
        let alike = |a: usize, b: usize| {
            let pairs = row(a).iter().zip(row(b));
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) <= SAME
        };
        let mut kept: Vec<usize> = Vec::new();
        // Where each cluster goes; an empty one to none.
        let mut target = vec![None; weights.len()];
        for t in (0..weights.len()).filter(|t| weights[*t] > EMPTY) {
            let same = kept.iter().position(|k| alike(*k, t));
            target[t] = Some(same.unwrap_or(kept.len()));
            if same.is_none() {
                kept.push(t);
            }
        }
        if kept.len() == weights.len() {
            return Ok(point);
        }
        let mut values = vec![0.0; self.source.len() * kept.len()];
        for (new, old) in values
            .chunks_exact_mut(kept.len())
            .zip(point.encoder.rows())
        {
            for (member, target) in old.iter().zip(&target) {
                if let Some(target) = target {
                    new[*target] += member;
                }
            }
            let total: f64 = new.iter().sum();
            if total > 0.0 {
                divide(new, total);
            } else if let Some(first) = new.first_mut() {
                // A symbol that does not occur may be anywhere.
                *first = 1.0;
            }
        }
        self.tracked(point.beta, &Channel::unchecked(values, kept.len()))
    }

    /// The `β` at which the solution that was optimal at `low` stops being so.
    fn critical_between(&self, low: f64, high: f64, encoder: &Channel) -> Result<f64, InfoError> {
        let mut failure = None;
        let mut margin = |beta: f64| -> f64 {
            match self.tracked(beta, encoder) {
                Ok(point) => {
                    let split = self.split(beta, &point.encoder).0;
                    split.max(self.birth(beta, &point.encoder).0) - UNSTABLE
                }
                Err(error) => {
                    failure = Some(error);
                    f64::NAN
                }
            }
        };
        // The lowest β may be beyond the first bifurcation; one cluster is stable at 0.
        if margin(high) <= 0.0 {
            return Ok(high);
        }
        if margin(low) >= 0.0 {
            return Ok(low);
        }
        let root = brent(&mut margin, low, high, 1e-10 * high);
        match (root, failure) {
            (Ok(root), _) => Ok(root.x),
            (Err(_), Some(error)) => Err(error),
            (Err(_), None) => Err(InfoError::NotConverged {
                quantity: "critical beta",
                gap: high - low,
                tolerance: 1e-10 * high,
                iterations: 0,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use ergodic_math::special::normal_cdf;
    use nalgebra::DMatrix;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use crate::bottleneck::GaussianBottleneck;
    use crate::channel::divergence;
    use crate::{Information, Probabilities};

    use super::*;

    fn check_curve(problem: &Bottleneck, curve: &InformationCurve) {
        let all = problem.information().nats();
        for pair in curve.points().windows(2) {
            let [x0, x1] = [0, 1].map(|i: usize| pair[i].compression().nats());
            let [y0, y1] = [0, 1].map(|i: usize| pair[i].relevance().nats());
            assert!(
                x1 >= x0 - 1e-9 && y1 >= y0 - 1e-9,
                "the curve goes back at β = {}",
                pair[1].beta()
            );
            assert!(y1 <= all + 1e-12 && y1 <= x1 + 1e-12);
            // Concave with slope 1/β: the chord lies between the slopes at its ends.
            let (rise, run) = (y1 - y0, x1 - x0);
            assert!(
                rise <= run / pair[0].beta() + 1e-9,
                "{} {}",
                pair[0].beta(),
                rise / run
            );
            assert!(
                rise >= run / pair[1].beta() - 1e-9,
                "{} {}",
                pair[1].beta(),
                rise / run
            );
        }
    }

    #[test]
    fn a_skewed_problem_has_a_concave_curve_that_ends_with_all() {
        let rows = [
            [0.7, 0.2, 0.1],
            [0.2, 0.6, 0.2],
            [0.1, 0.2, 0.7],
            [0.3, 0.3, 0.4],
        ];
        let source = Probabilities::new([0.3, 0.2, 0.35, 0.15]).unwrap();
        let problem = Bottleneck::new(source, Channel::from_rows(&rows).unwrap()).unwrap();
        let curve = problem
            .anneal(Annealing::new(1.0, 2e3, 60).unwrap())
            .unwrap();
        let first = curve.bifurcations()[0];
        assert!(first.beta() <= problem.critical_beta() * (1.0 + 1e-6));
        assert_eq!(first.before(), 1);
        check_curve(&problem, &curve);
        let last = &curve.points()[59];
        assert_eq!(last.encoder().outputs(), 4);
        assert!((last.relevance() - problem.information()).nats().abs() < 1e-6);
        assert!((last.compression() - problem.entropy()).nats().abs() < 1e-3);
    }

    #[test]
    fn below_the_first_critical_beta_the_curve_is_at_its_origin() {
        // A fair bit through a symmetric channel: no birth comes before the split, as the
        // contraction coefficient is the squared correlation.
        let channel = Channel::binary_symmetric(0.2).unwrap();
        let problem = Bottleneck::new(Probabilities::uniform(2).unwrap(), channel).unwrap();
        let critical = problem.critical_beta();
        assert!((critical - 1.0 / 0.36).abs() < 1e-12);
        let curve = problem
            .anneal(Annealing::new(0.5, critical * 0.999, 10).unwrap())
            .unwrap();
        assert!(curve.bifurcations().is_empty());
        assert!(
            curve
                .points()
                .iter()
                .all(|p| p.compression() == Information::ZERO)
        );
        // Beyond it from the start, the bifurcation is still found where it is.
        let late = problem
            .anneal(Annealing::new(3.0 * critical, 4.0 * critical, 2).unwrap())
            .unwrap();
        assert!((late.bifurcations()[0].beta() / critical - 1.0).abs() < 1e-6);
    }

    #[test]
    fn one_cluster_loses_its_stability_at_the_maximal_correlation() {
        // A small split along the unstable function grows, to first order, by β ρ² in one
        // application of the equations: above 1 it goes on, below it dies out.
        let rows = [
            [0.7, 0.2, 0.1],
            [0.2, 0.6, 0.2],
            [0.1, 0.2, 0.7],
            [0.3, 0.3, 0.4],
        ];
        let source = Probabilities::new([0.3, 0.2, 0.35, 0.15]).unwrap();
        let problem = Bottleneck::new(source, Channel::from_rows(&rows).unwrap()).unwrap();
        let (square, function) = instability(problem.source.as_slice(), &problem.channel);
        let critical = problem.critical_beta();
        assert!((critical * square - 1.0).abs() < 1e-12);
        for ratio in [0.5, 1.0, 1.5] {
            let small = 1e-6;
            let values = function
                .iter()
                .flat_map(|v| [0.5 + small * v, 0.5 - small * v])
                .collect();
            let encoder = Channel::unchecked(values, 2);
            let next = problem.apply((1.0, ratio * critical), &encoder).encoder;
            for (row, v) in next.rows().zip(&function) {
                let growth = (row[0] - row[1]) / (2.0 * small * v);
                assert!((growth - ratio).abs() < 1e-5, "{growth} {ratio}");
            }
        }
    }

    #[test]
    fn a_rare_symbol_that_says_much_is_told_apart_before_the_split() {
        // The slope of the curve at its origin is the contraction coefficient sup I(T;Y)/I(T;X),
        // here found over all binary T that single out one direction; it exceeds ρ² for a skewed
        // source (Anantharam, Gohari, Kamath and Nair 2013).
        let channel = Channel::from_rows(&[[0.5, 0.5], [0.98, 0.02]]).unwrap();
        let source = Probabilities::new([0.95, 0.05]).unwrap();
        let problem = Bottleneck::new(source.clone(), channel.clone()).unwrap();
        // sup over r of D(rW ‖ pW)/D(r ‖ p).
        let marginal = channel.mixture(source.as_slice());
        let ratio = |a: f64| {
            let r = [1.0 - a, a];
            divergence(&channel.mixture(&r), &marginal) / divergence(&r, source.as_slice())
        };
        let best = (1..10_000)
            .map(|i| f64::from(i) / 10_000.0)
            .filter(|a| (a - 0.05).abs() > 1e-3);
        let contraction = best.map(ratio).fold(0.0, f64::max);
        let critical = problem.critical_beta();
        assert!(contraction * critical > 1.05, "{contraction} {critical}");
        let schedule = Annealing::new(0.9 / contraction, 3.0 * critical, 25).unwrap();
        let curve = problem.anneal(schedule).unwrap();
        let first = curve.bifurcations()[0].beta();
        assert!(
            (first * contraction - 1.0).abs() < 1e-5,
            "{first} {}",
            1.0 / contraction
        );
        check_curve(&problem, &curve);
    }

    #[test]
    fn independent_variables_never_split() {
        let rows = [[0.3, 0.7], [0.3, 0.7], [0.3, 0.7]];
        let source = Probabilities::new([0.2, 0.3, 0.5]).unwrap();
        let problem = Bottleneck::new(source, Channel::from_rows(&rows).unwrap()).unwrap();
        assert_eq!(problem.critical_beta(), f64::INFINITY);
        let curve = problem
            .anneal(Annealing::new(1.0, 1e6, 10).unwrap())
            .unwrap();
        assert!(curve.bifurcations().is_empty());
    }

    #[test]
    fn a_discretised_normal_pair_stays_just_below_the_gaussian_curve() {
        // Cells of X and of Y are functions of X and Y: by data processing no description of the
        // cells keeps more than the Gaussian optimum at the same cost.
        let rho: f64 = 0.9;
        let edges: Vec<f64> = (0..=18).map(|i| -4.5 + 0.5 * f64::from(i)).collect();
        let spread = (1.0 - rho * rho).sqrt();
        let cells = edges.len() - 1;
        let mut joint = vec![0.0; cells * cells];
        for i in 0..cells {
            // Gauss–Legendre would do; a fine midpoint rule is as exact as is needed here.
            for k in 0..400 {
                let x = edges[i] + (f64::from(k) + 0.5) * 0.5 / 400.0;
                let weight = (-0.5 * x * x).exp();
                let below = |edge: f64| normal_cdf((edge - rho * x) / spread);
                for j in 0..cells {
                    joint[i * cells + j] += weight * (below(edges[j + 1]) - below(edges[j]));
                }
            }
        }
        let joint = Probabilities::from_weights(joint).unwrap();
        let (source, channel) = Channel::of_joint(&joint, cells).unwrap();
        let problem = Bottleneck::new(source, channel)
            .unwrap()
            .tolerance(1e-5)
            .unwrap();
        let with = |r: f64| {
            let covariance = DMatrix::from_row_slice(2, 2, &[1.0, r, r, 1.0]);
            GaussianBottleneck::new(&covariance, 1).unwrap()
        };
        // Sheppard: cells of width h add h²/12 to the variances and leave the covariance.
        let (normal, grouped) = (with(rho), with(rho / (1.0 + 0.25 / 12.0)));
        let schedule = Annealing::new(1.0, 4.0, 12).unwrap();
        let curve = problem.anneal(schedule).unwrap();
        let first = curve.bifurcations()[0].beta();
        assert!(first > normal.critical_betas()[0], "{first}");
        assert!(
            (first / grouped.critical_betas()[0] - 1.0).abs() < 2e-3,
            "{first}"
        );
        for point in curve.points() {
            let (cost, kept) = (point.compression(), point.relevance().nats());
            let bound = normal.relevance_at(cost).unwrap().nats();
            let near = grouped.relevance_at(cost).unwrap().nats();
            // The tails that the cells leave out have a weight of 1e-5.
            assert!(kept <= bound + 1e-4, "{kept} above {bound}");
            assert!((kept - near).abs() <= 0.01 * near, "{kept} against {near}");
        }
    }

    #[test]
    fn bad_schedules_are_refused() {
        for (from, to, points) in [
            (0.0, 1.0, 5),
            (f64::NAN, 1.0, 5),
            (1.0, 1.0, 5),
            (1.0, f64::INFINITY, 5),
            (1.0, 2.0, 1),
        ] {
            assert!(Annealing::new(from, to, points).is_err());
        }
        assert!(Annealing::new(1.0, 2.0, 5).unwrap().clusters(0).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn curves_of_random_problems_are_concave(
            weights in prop::collection::vec(0.02..1.0f64, 12)
        ) {
            let joint = Probabilities::from_weights(weights).unwrap();
            let (source, channel) = Channel::of_joint(&joint, 3).unwrap();
            let problem = Bottleneck::new(source, channel).unwrap();
            let critical = problem.critical_beta();
            let schedule = Annealing::new(0.8 * critical, 30.0 * critical, 20).unwrap();
            let curve = problem.anneal(schedule).unwrap();
            let first = curve.bifurcations()[0].beta();
            prop_assert!(first <= critical * (1.0 + 1e-6), "{} {}", first, critical);
            check_curve(&problem, &curve);
        }
    }
}
