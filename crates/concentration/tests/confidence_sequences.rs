//! Confidence sequences against exact probabilities: dynamic programming over the number of successes,
//! and full binary trees. Nothing is simulated.

use ergodic_concentration::confidence_sequence::*;
use ergodic_concentration::inequality::{
    Bounded, BoundedDeviation, Hoeffding, Pivotal, SubGamma, SubGaussian, TwoSided,
    chernoff_interval,
};

fn unit() -> Bounded {
    Bounded::new(0.0, 1.0).unwrap()
}

/// `P(mean outside of the interval at some n ≤ horizon)` for a sequence whose interval depends on the
/// sum alone, and observations `j/m` with probabilities `law[j]`.
fn ever_missed<S: ConfidenceSequence + Clone>(start: &S, law: &[f64], horizon: usize) -> f64 {
    let m = law.len() - 1;
    let value = |j: usize| j as f64 / m as f64;
    let mean: f64 = law.iter().enumerate().map(|(j, p)| p * value(j)).sum();
    // For each sum, the sequence and the probability of having covered so far.
    let mut now = vec![(start.clone(), 1.0)];
    let mut missed = 0.0;
    for _ in 0..horizon {
        let mut next: Vec<(S, f64)> = (0..now.len() + m)
            .map(|sum| {
                let from = sum.min(now.len() - 1);
                let mut sequence = now[from].0.clone();
                sequence.push(value(sum - from)).unwrap();
                (sequence, 0.0)
            })
            .collect();
        for (sum, (_, probability)) in now.iter().enumerate() {
            for (j, p) in law.iter().enumerate() {
                next[sum + j].1 += probability * p;
            }
        }
        for (sequence, probability) in &mut next {
            if !sequence.interval().is_some_and(|i| i.contains(mean)) {
                missed += *probability;
                *probability = 0.0;
            }
        }
        now = next;
    }
    missed
}

/// An interval for one sample size used at all of them.
#[derive(Clone)]
struct Naive {
    count: u64,
    sum: f64,
    confidence: f64,
}

impl ConfidenceSequence for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }
    fn push(&mut self, x: f64) -> Result<(), ergodic_core::ArgumentError> {
        self.count += 1;
        self.sum += x;
        Ok(())
    }
    fn count(&self) -> u64 {
        self.count
    }
    fn mean(&self) -> Option<f64> {
        Some(self.sum / self.count as f64)
    }
    fn confidence(&self) -> f64 {
        self.confidence
    }
    fn interval(&self) -> Option<ergodic_core::Interval> {
        let estimate = chernoff_interval(unit(), self.mean()?, self.count, self.confidence);
        Some(estimate.ok()?.interval)
    }
}

#[test]
fn mixtures_and_stitched_boundaries_obey_ville_exactly_for_coins() {
    for p in [0.5, 0.2, 0.03] {
        for confidence in [0.6, 0.95] {
            let alpha = 1.0 - confidence;
            let law = [1.0 - p, p];
            let hoeffding = SubGaussian::bounded(unit());
            let normal = NormalMixture::new(hoeffding, confidence, 40).unwrap();
            let beta = BetaBinomialMixture::new(unit(), confidence).unwrap();
            let informed = beta.clone().with_prior(5.0 * p, 5.0 - 5.0 * p).unwrap();
            let around = BoundedDeviation::new(f64::max(p, 1.0 - p), p * (1.0 - p)).unwrap();
            let stitched =
                Stitched::new(SubGamma::bernstein(&around).unwrap(), confidence, 5).unwrap();
            let fine = stitched.clone().with_growth(1.3, 1.1).unwrap();
            let found = [
                ever_missed(&normal, &law, 250),
                ever_missed(&beta, &law, 250),
                ever_missed(&informed, &law, 250),
                ever_missed(&stitched, &law, 250),
                ever_missed(&fine, &law, 250),
            ];
            for (which, missed) in found.iter().enumerate() {
                assert!(
                    *missed <= alpha * (1.0 + 1e-12),
                    "sequence {which} is left with probability {missed} > {alpha}, p = {p}"
                );
            }
            // The check can fail: the mixture is tight within a small factor.
            assert!(found[2] > 0.15 * alpha, "{found:?}");
        }
    }
    // Power: intervals for one time, used at all times.
    let naive = Naive {
        count: 0,
        sum: 0.0,
        confidence: 0.95,
    };
    assert!(ever_missed(&naive, &[0.5, 0.5], 250) > 0.06);
}

#[test]
fn the_mixture_is_valid_for_laws_that_are_no_coins() {
    for law in [[0.25, 0.5, 0.25], [0.1, 0.1, 0.8], [0.98, 0.01, 0.01]] {
        let beta = BetaBinomialMixture::new(unit(), 0.8).unwrap();
        let missed = ever_missed(&beta, &law, 120);
        assert!(missed <= 0.2, "{missed}");
    }
}

/// The same over the tree of all paths, for sequences that remember the order.
fn ever_missed_in_tree<S: ConfidenceSequence + Clone>(
    sequence: &S,
    law: &[(f64, f64)],
    mean: f64,
    depth: usize,
) -> f64 {
    if depth == 0 {
        return 0.0;
    }
    law.iter()
        .map(|&(x, p)| {
            let mut next = sequence.clone();
            next.push(x).unwrap();
            if next.interval().is_some_and(|i| i.contains(mean)) {
                p * ever_missed_in_tree(&next, law, mean, depth - 1)
            } else {
                p
            }
        })
        .sum()
}

#[test]
fn the_running_intersection_misses_no_more_than_the_sequence() {
    // On every path it leaves the mean out from the same time on.
    let beta = BetaBinomialMixture::new(unit(), 0.6).unwrap();
    for p in [0.5, 0.2] {
        let law = [(0.0, 1.0 - p), (1.0, p)];
        let plain = ever_missed_in_tree(&beta, &law, p, 10);
        let running = ever_missed_in_tree(&RunningIntersection::new(beta.clone()), &law, p, 10);
        assert_eq!(plain, running);
        assert!(plain > 0.01 && plain <= 0.4, "{plain}");
    }
}

#[test]
fn betting_obeys_ville_exactly_on_trees() {
    let mut tightest = 0.0f64;
    for confidence in [0.5, 0.8, 0.95] {
        for cap in [0.5, 0.9] {
            let betting = Betting::new(unit(), confidence)
                .unwrap()
                .with_cap(cap)
                .unwrap();
            for p in [0.5, 0.1, 0.85] {
                let law = [(0.0, 1.0 - p), (1.0, p)];
                let missed = ever_missed_in_tree(&betting, &law, p, 12);
                assert!(
                    missed <= 1.0 - confidence,
                    "{missed} at p = {p}, {confidence}"
                );
                tightest = tightest.max(missed / (1.0 - confidence));
            }
            let law = [(0.0, 0.3), (0.5, 0.3), (1.0, 0.4)];
            let missed = ever_missed_in_tree(&betting, &law, 0.55, 7);
            assert!(missed <= 1.0 - confidence, "{missed}, {confidence}");
            let mixture = PredictableMixture::new(unit(), confidence).unwrap();
            for (law, mean) in [(&law[..], 0.55), (&[(0.0, 0.1), (1.0, 0.9)], 0.9)] {
                let missed = ever_missed_in_tree(&mixture, law, mean, 7);
                assert!(missed <= 1.0 - confidence, "{missed}, {confidence}");
            }
        }
    }
    assert!(tightest > 0.25, "{tightest}");
    // Power: the interval of the same bets against a mean that is off.
    let betting = Betting::new(unit(), 0.5).unwrap();
    assert!(ever_missed_in_tree(&betting, &[(0.0, 0.05), (1.0, 0.95)], 0.5, 12) > 0.9);
}

#[test]
fn approximate_grapa_obeys_ville_exactly_on_trees() {
    let mut tightest = 0.0f64;
    for confidence in [0.5, 0.8, 0.95] {
        for cap in [0.5, 0.9] {
            let grapa = ApproximateGrapa::new(unit(), confidence)
                .unwrap()
                .with_cap(cap)
                .unwrap()
                .with_cells(60)
                .unwrap();
            for p in [0.5, 0.1, 0.85] {
                let law = [(0.0, 1.0 - p), (1.0, p)];
                let missed = ever_missed_in_tree(&grapa, &law, p, 11);
                assert!(
                    missed <= 1.0 - confidence,
                    "{missed} at p = {p}, {confidence}"
                );
                tightest = tightest.max(missed / (1.0 - confidence));
            }
            let law = [(0.0, 0.3), (0.5, 0.3), (1.0, 0.4)];
            let missed = ever_missed_in_tree(&grapa, &law, 0.55, 6);
            assert!(missed <= 1.0 - confidence, "{missed}, {confidence}");
        }
    }
    assert!(tightest > 0.25, "{tightest}");
    // Power: against a mean that is off.
    let grapa = ApproximateGrapa::new(unit(), 0.5).unwrap();
    let grapa = grapa.with_cells(60).unwrap();
    assert!(ever_missed_in_tree(&grapa, &[(0.0, 0.05), (1.0, 0.95)], 0.5, 11) > 0.9);
}

/// The definition by hand: the cells that are left, and that what is counted against a cell is no more than what is won
/// against each candidate in it with the stakes of the cell.
#[test]
fn approximate_grapa_leaves_out_the_cells_that_its_gambler_rejects() {
    for (spread, cap, alpha, cells) in [
        (0.8, 0.5, 0.1f64, 50usize),
        (0.1, 0.5, 0.05, 1000),
        (0.5, 0.9, 0.3, 7),
    ] {
        let x: Vec<f64> = (0..150)
            .map(|i| 0.1 + spread * f64::from((i * 37 + 11) % 50) / 50.0)
            .collect();
        let new = |low: f64, high: f64| {
            let range = Bounded::new(low, high).unwrap();
            let grapa = ApproximateGrapa::new(range, 1.0 - alpha).unwrap();
            grapa.with_cap(cap).unwrap().with_cells(cells).unwrap()
        };
        let mut grapa = new(0.0, 1.0);
        let mut past = Vec::new();
        for (i, &xi) in x.iter().enumerate() {
            let guess = |k: usize| (0.5 + x[..k].iter().sum::<f64>()) / (k + 1) as f64;
            let squares: f64 = (1..=i).map(|k| (x[k - 1] - guess(k)).powi(2)).sum();
            past.push((guess(i), (0.25 + squares) / (i + 1) as f64));
            grapa.push(xi).unwrap();
        }
        let end = |cell: usize| cell as f64 / cells as f64;
        // With the stakes of a cell against a candidate in it; none: against the end that counts.
        let capital = |cell: usize, candidate: Option<f64>| -> f64 {
            let bets = x.iter().zip(&past);
            bets.map(|(x, (mean, variance))| {
                let near = mean.clamp(end(cell), end(cell + 1));
                let stake = (mean - near) / (variance + (mean - near).powi(2));
                let stake = stake.clamp(-cap / (1.0 - near), cap / near);
                1.0 + stake * (x - candidate.unwrap_or(near))
            })
            .product()
        };
        let left: Vec<usize> = (0..cells)
            .filter(|c| capital(*c, None) < 1.0 / alpha)
            .collect();
        let interval = grapa.interval().unwrap();
        assert!(
            (interval.lower - end(left[0])).abs() < 1e-15,
            "{interval:?}"
        );
        assert!((interval.upper - end(left[left.len() - 1] + 1)).abs() < 1e-15);
        assert!(left.len() < cells / 2, "{interval:?}");
        for cell in 0..cells {
            for m in [end(cell), 0.5 * (end(cell) + end(cell + 1)), end(cell + 1)] {
                let (counted, won) = (capital(cell, None), capital(cell, Some(m)));
                assert!(counted <= won * (1.0 + 1e-12), "{counted} {won} at {m}");
            }
        }
        // Another range, mirrored, is the same on its scale.
        let mut scaled = new(-2.0, 6.0);
        for x in &x {
            scaled.push(6.0 - 8.0 * x).unwrap();
        }
        let other = scaled.interval().unwrap();
        assert!((other.lower - (6.0 - 8.0 * interval.upper)).abs() < 1e-12);
        assert!((other.upper - (6.0 - 8.0 * interval.lower)).abs() < 1e-12);
    }
}

#[test]
fn the_betting_interval_is_the_set_of_means_that_no_gambler_rejects() {
    // The definition, by hand.
    let x: Vec<f64> = (0..60)
        .map(|i| f64::from((i * 37 + 11) % 50) / 100.0 + 0.1)
        .collect();
    let (alpha, cap) = (0.1f64, 0.5);
    let mut betting = Betting::new(unit(), 1.0 - alpha).unwrap();
    let mut stakes = Vec::new();
    for (i, &xi) in x.iter().enumerate() {
        let guess = |k: usize| (0.5 + x[..k].iter().sum::<f64>()) / (k + 1) as f64;
        let squares: f64 = (1..=i).map(|k| (x[k - 1] - guess(k)).powi(2)).sum();
        let variance = (0.25 + squares) / (i + 1) as f64;
        let t = (i + 1) as f64;
        stakes.push((2.0 * (2.0 / alpha).ln() / (variance * t * (t + 1.0).ln())).sqrt());
        betting.push(xi).unwrap();
    }
    let capital = |m: f64, sign: f64| -> f64 {
        let limit = cap / if sign > 0.0 { m } else { 1.0 - m };
        x.iter()
            .zip(&stakes)
            .map(|(x, s)| 1.0 + sign * s.min(limit) * (x - m))
            .product()
    };
    let interval = betting.interval().unwrap();
    let goal = 2.0 / alpha;
    for step in 1..1000 {
        let m = f64::from(step) / 1000.0;
        let kept = capital(m, 1.0) < goal && capital(m, -1.0) < goal;
        assert_eq!(kept, interval.contains(m), "{m} and {interval:?}");
    }
    assert!((capital(interval.lower, 1.0) / goal - 1.0).abs() < 1e-9);
    assert!((capital(interval.upper, -1.0) / goal - 1.0).abs() < 1e-9);
    // Another range is the same on its scale.
    let mut scaled = Betting::new(Bounded::new(-2.0, 6.0).unwrap(), 1.0 - alpha).unwrap();
    for x in &x {
        scaled.push(8.0 * x - 2.0).unwrap();
    }
    let other = scaled.interval().unwrap();
    assert!((other.lower - (8.0 * interval.lower - 2.0)).abs() < 1e-12);
    assert!((other.upper - (8.0 * interval.upper - 2.0)).abs() < 1e-12);
}

#[test]
fn the_predictable_mixture_is_the_sum_it_says_and_its_factors_are_supermartingales() {
    // E exp(λ(X − μ) − (X − μ̂)² ψ(λ)) ≤ 1 for every law on [0, 1], prediction and stake: laws of two
    // points suffice, as the condition is linear in the law with its mean fixed.
    let psi = |l: f64| -(1.0 - l).ln() - l;
    for i in 0..=20 {
        for j in 0..=20 {
            for k in 0..=10 {
                for stake in [0.01, 0.2, 0.5] {
                    let (x, y, guess) = (
                        f64::from(i) / 20.0,
                        f64::from(j) / 20.0,
                        f64::from(k) / 10.0,
                    );
                    for p in [0.05, 0.5, 0.8] {
                        let mean = p * x + (1.0 - p) * y;
                        for l in [stake, -stake] {
                            let factor =
                                |x: f64| (l * (x - mean) - (x - guess).powi(2) * psi(stake)).exp();
                            let expected = p * factor(x) + (1.0 - p) * factor(y);
                            assert!(
                                expected <= 1.0 + 1e-12,
                                "{expected}: {x}, {y}, {guess}, {l}"
                            );
                        }
                    }
                }
            }
        }
    }
    // The sums by hand; observations so far apart that most stakes are below their cap.
    let x: Vec<f64> = (0..80)
        .map(|i| f64::from((i * 37 + 11) % 50 % 2) * 0.98 + 0.01)
        .collect();
    let alpha = 0.1f64;
    let mut sequence = PredictableMixture::new(unit(), 1.0 - alpha).unwrap();
    let (mut stakes, mut weighted, mut penalty, mut capped) = (0.0, 0.0, 0.0, 0);
    for (i, &xi) in x.iter().enumerate() {
        let guess = |k: usize| (0.5 + x[..k].iter().sum::<f64>()) / (k + 1) as f64;
        let squares: f64 = (1..=i).map(|k| (x[k - 1] - guess(k)).powi(2)).sum();
        let variance = (0.25 + squares) / (i + 1) as f64;
        let t = (i + 1) as f64;
        let stake = (2.0 * (2.0 / alpha).ln() / (variance * t * (t + 1.0).ln()))
            .sqrt()
            .min(0.5);
        capped += u32::from(stake == 0.5);
        stakes += stake;
        weighted += stake * xi;
        penalty += (xi - guess(i)).powi(2) * psi(stake);
        sequence.push(xi).unwrap();
    }
    assert!((1..40).contains(&capped), "{capped}");
    let radius = ((2.0 / alpha).ln() + penalty) / stakes;
    let interval = sequence.interval().unwrap();
    assert!((interval.upper - weighted / stakes - radius).abs() < 1e-12);
    assert!((interval.lower - weighted / stakes + radius).abs() < 1e-12);
    // Betting with the same stakes is shorter.
    let mut betting = Betting::new(unit(), 1.0 - alpha).unwrap();
    for &x in &x {
        betting.push(x).unwrap();
    }
    let other = betting.interval().unwrap();
    assert!(other.upper - other.lower < interval.upper - interval.lower);
}

#[test]
fn the_beta_mixture_is_the_integral_it_says() {
    // ∫ θˢ(1 − θ)ᶠ dθ = s! f!/(n + 1)! for the uniform prior, against pˢ(1 − p)ᶠ at the ends.
    let mut sequence = BetaBinomialMixture::new(unit(), 0.9)
        .unwrap()
        .with_prior(1.0, 1.0)
        .unwrap();
    for i in 0..10 {
        sequence.push(f64::from(i < 3)).unwrap();
    }
    let integral = 6.0 * 5040.0 / 39_916_800.0;
    let interval = sequence.interval().unwrap();
    for p in [interval.lower, interval.upper] {
        let factor = integral / (p.powi(3) * (1.0 - p).powi(7));
        assert!((factor - 10.0).abs() < 1e-10, "{factor} at {p}");
    }
    assert_eq!(sequence.mean(), Some(0.3));
    assert_eq!(sequence.estimate().unwrap().samples, 10);
}

#[test]
fn the_normal_mixture_is_the_integral_it_says_and_best_where_asked() {
    let proxy = SubGaussian::new(4.0).unwrap();
    let sequence = NormalMixture::new(proxy, 0.95, 100).unwrap();
    // No other choice of ρ has a smaller radius at 100.
    let at = sequence.radius(100).unwrap();
    for other in [1, 20, 70, 90, 95, 105, 110, 150, 1000, 100_000] {
        let radius = NormalMixture::new(proxy, 0.95, other)
            .unwrap()
            .radius(100)
            .unwrap();
        assert!(radius >= at, "{other}: {radius} below {at}");
    }
    // Recover ρ from two radii and check ∫ exp(λS − λ²V/2) N(dλ; 0, 1/ρ) = 1/α by quadrature.
    let v = 400.0;
    let s = 100.0 * at;
    let mixture = |rho: f64| {
        let (mut sum, step) = (0.0, 1e-4);
        for i in -40_000..=40_000 {
            let l = f64::from(i) * step;
            let density = (rho / (2.0 * std::f64::consts::PI)).sqrt() * (-0.5 * rho * l * l).exp();
            sum += (l * s - 0.5 * l * l * v).exp() * density * step;
        }
        sum
    };
    // k = V/ρ solves k = log(1 + k) + 2 log 20.
    let mut k = 8.0f64;
    for _ in 0..100 {
        k = (1.0 + k).ln() + 2.0 * 20f64.ln();
    }
    assert!((mixture(v / k) / 20.0 - 1.0).abs() < 1e-9);
    // Wider than the interval for one time, and no more than twice as wide.
    let one = TwoSided::new(proxy)
        .interval(0.0, 100, 0.95)
        .unwrap()
        .interval
        .upper;
    assert!(at > one && at < 2.0 * one);
}

#[test]
fn stitching_ends_below_mixtures_and_shrinks_as_iterated_logarithms() {
    let proxy = SubGaussian::new(1.0).unwrap();
    let normal = NormalMixture::new(proxy, 0.95, 10).unwrap();
    let stitched = Stitched::new(SubGamma::new(1.0, 0.0).unwrap(), 0.95, 10).unwrap();
    let ratio = |n: u64| stitched.radius(n).unwrap() / normal.radius(n).unwrap();
    assert!(ratio(100) > 1.0);
    assert!(ratio(1 << 52) < 1.0, "{}", ratio(1 << 52));
    // √(2·(1.06)²·1.4·log log) up to constants: n·radius²/log log n levels off.
    let level = |n: u64| {
        let r = stitched.radius(n).unwrap();
        n as f64 * r * r / (n as f64).ln().ln()
    };
    assert!(level(1 << 52) < level(1 << 20) && level(1 << 52) > 2.8);
}

/// The proof of the stitched boundary, replayed: in epoch k it is above the line
/// `(r + ψ(λ)V)/λ` that is crossed at any time with probability at most `e^{−r}` (Howard, Ramdas,
/// McAuliffe and Sekhon, *Probab. Surv.* 17, 2020), and the `e^{−r}` of all epochs add up to the risk.
#[test]
fn stitched_boundaries_are_above_the_lines_that_prove_them() {
    let (alpha, start) = (0.05f64, 4u64);
    for (v, c) in [(1.0, 0.0), (0.3, 0.2), (2.0, 5.0)] {
        for (eta, power) in [(2.0f64, 1.4f64), (1.2, 2.0), (4.0, 1.4)] {
            let sequence = Stitched::new(SubGamma::new(v, c).unwrap(), 1.0 - alpha, start)
                .unwrap()
                .with_growth(eta, power)
                .unwrap();
            // ζ from below is not enough, so from above: terms and the integral of the rest.
            let rest = 20_000f64.powf(1.0 - power) / (power - 1.0);
            let zeta: f64 = (1..=20_000).map(|k| f64::from(k).powf(-power)).sum::<f64>() + rest;
            let (mut epochs, mut tightest) = (0.0, f64::INFINITY);
            for k in 0..14 {
                let share = f64::from(k + 1).powf(-power) / zeta;
                epochs += share;
                let r = (2.0 / (alpha * share)).ln();
                let (low, high) = (eta.powi(k), eta.powi(k + 1));
                let u = r / (v * start as f64 * (low * high).sqrt());
                let lambda = 2.0 / (c + (c * c + 2.0 / u).sqrt());
                let psi = lambda * lambda / (2.0 * (1.0 - c * lambda));
                assert!((psi / u - 1.0).abs() < 1e-9);
                let from = (start as f64 * low).ceil() as u64;
                let to = (start as f64 * high).floor() as u64;
                for n in [from, u64::midpoint(from, to), to] {
                    if n < from || n > to {
                        continue;
                    }
                    let line = (r + psi * v * n as f64) / lambda;
                    let boundary = sequence.radius(n).unwrap() * n as f64;
                    assert!(
                        boundary >= line * (1.0 - 1e-6),
                        "epoch {k}, n = {n}: {boundary} < {line}"
                    );
                    tightest = f64::min(tightest, boundary / line);
                }
            }
            assert!(epochs < 1.0 && tightest < 1.05, "{tightest}");
        }
    }
}

#[test]
fn running_intersections_stay_inside_and_covering() {
    let mut plain = BetaBinomialMixture::new(unit(), 0.9).unwrap();
    let mut running = RunningIntersection::new(plain.clone());
    for i in 0..300 {
        let x = f64::from(i % 3 == 0);
        plain.push(x).unwrap();
        running.push(x).unwrap();
        let (a, b) = (running.interval().unwrap(), plain.interval().unwrap());
        assert!(a.lower >= b.lower && a.upper <= b.upper && a.contains(1.0 / 3.0));
    }
    assert_eq!((running.count(), running.confidence()), (300, 0.9));
    assert_eq!(running.name(), plain.name());
    // A mean that moves empties it.
    for _ in 0..300 {
        running.push(1.0).unwrap();
    }
    assert!(running.interval().is_none() && running.estimate().is_err());
}

#[test]
fn bad_input_is_a_typed_error_and_changes_nothing() {
    for confidence in [0.0, 1.0, f64::NAN] {
        let names = [
            BetaBinomialMixture::new(unit(), confidence)
                .unwrap_err()
                .argument,
            Betting::new(unit(), confidence).unwrap_err().argument,
            NormalMixture::new(SubGaussian::bounded(unit()), confidence, 1)
                .unwrap_err()
                .argument,
            Stitched::new(SubGamma::new(1.0, 0.0).unwrap(), confidence, 1)
                .unwrap_err()
                .argument,
        ];
        assert_eq!(names, ["confidence"; 4]);
    }
    let proxy = SubGaussian::bounded(unit());
    let gamma = SubGamma::new(1.0, 0.0).unwrap();
    assert_eq!(
        NormalMixture::new(proxy, 0.9, 0).unwrap_err().argument,
        "best_at"
    );
    assert_eq!(Stitched::new(gamma, 0.9, 0).unwrap_err().argument, "start");
    let mut stitched = Stitched::new(gamma, 0.9, 1).unwrap();
    assert_eq!(
        stitched.clone().with_growth(1.0, 1.4).unwrap_err().argument,
        "eta"
    );
    assert_eq!(
        stitched.clone().with_growth(2.0, 1.0).unwrap_err().argument,
        "power"
    );
    let mut beta = BetaBinomialMixture::new(unit(), 0.9).unwrap();
    assert_eq!(beta.clone().with_prior(0.0, 1.0).unwrap_err().argument, "a");
    assert_eq!(
        beta.clone().with_prior(1.0, 1e308).unwrap_err().argument,
        "b"
    );
    assert_eq!(
        beta.clone().with_prior(1.0, f64::NAN).unwrap_err().argument,
        "b"
    );
    let mut betting = Betting::new(unit(), 0.9).unwrap();
    assert_eq!(betting.clone().with_cap(1.0).unwrap_err().argument, "cap");
    let mut normal = NormalMixture::new(proxy, 0.9, 10).unwrap();
    let mut mixture = PredictableMixture::new(unit(), 0.9).unwrap();
    let mut grapa = ApproximateGrapa::new(unit(), 0.9).unwrap();
    assert!(ApproximateGrapa::new(unit(), 1.0).is_err());
    assert_eq!(grapa.clone().with_cap(0.0).unwrap_err().argument, "cap");
    let none = grapa.clone().with_cells(1).unwrap_err();
    assert_eq!(none.argument, "cells");
    assert_eq!(
        PredictableMixture::new(unit(), 1.0).unwrap_err().argument,
        "confidence"
    );
    let all: [&mut dyn ConfidenceSequence; 6] = [
        &mut beta,
        &mut betting,
        &mut normal,
        &mut stitched,
        &mut mixture,
        &mut grapa,
    ];
    for sequence in all {
        assert_eq!(sequence.estimate().unwrap_err().argument, "observations");
        assert_eq!(sequence.mean(), None);
        assert!(sequence.interval().unwrap().contains(0.7));
        sequence.push(0.5).unwrap();
        for bad in [f64::NAN, f64::INFINITY] {
            assert_eq!(sequence.push(bad).unwrap_err().argument, "x");
        }
        assert_eq!((sequence.count(), sequence.mean()), (1, Some(0.5)));
        let estimate = sequence.estimate().unwrap();
        assert!(estimate.interval.contains(0.5) && estimate.std_err.is_infinite());
    }
    assert_eq!(beta.push(-0.1).unwrap_err().argument, "x");
    // No prior that has seen the data.
    assert_eq!(beta.clone().with_prior(1.0, 1.0).unwrap_err().argument, "a");
    assert!(betting.with_cap(0.7).is_err() && grapa.clone().with_cap(0.7).is_err());
    assert!(grapa.with_cells(10).is_err());
    assert!(stitched.with_growth(2.0, 1.5).is_err());
    // Hoeffding's interval needs its n beforehand.
    assert!(
        TwoSided::new(Hoeffding::new(unit()))
            .interval(0.5, 0, 0.9)
            .is_err()
    );
}

#[test]
fn long_runs_keep_their_sum_and_an_honest_rounding() {
    // 0.1 a million times: the mean is exact, and the interval is that of the closed form.
    let mut normal = NormalMixture::new(SubGaussian::new(1.0).unwrap(), 0.9, 1000).unwrap();
    let mut beta = BetaBinomialMixture::new(unit(), 0.9).unwrap();
    for _ in 0..1_000_000 {
        normal.push(0.1).unwrap();
        beta.push(0.1).unwrap();
    }
    assert!((normal.mean().unwrap() - 0.1).abs() < 1e-16);
    let interval = beta.interval().unwrap();
    // ½ log(n) + log 10 + ½ log(π/2) + …: about 9.4 nats for kl.
    let width = (2.0 * 0.09 * 9.4f64 / 1e6).sqrt();
    assert!(
        (interval.upper - 0.1 - width).abs() < 0.05 * width,
        "{interval:?}, {width}"
    );
}

#[test]
fn normal_mixtures_scale_and_are_best_where_asked_at_every_confidence() {
    let radius = |proxy: f64, confidence: f64, best_at: u64, n: u64| {
        NormalMixture::new(SubGaussian::new(proxy).unwrap(), confidence, best_at)
            .unwrap()
            .radius(n)
            .unwrap()
    };
    let one = radius(1.0, 0.9, 1 << 53, 1 << 50);
    assert!((radius(1e300, 0.9, 1 << 53, 1 << 50) / one / 1e150 - 1.0).abs() < 1e-13);
    assert!((radius(1e-300, 0.9, 1 << 53, 1 << 50) / one / 1e-150 - 1.0).abs() < 1e-13);
    for confidence in [1e-12, 1e-4, 0.5, 1.0 - 1e-15] {
        let at = radius(1.0, confidence, 1000, 1000);
        for other in [100, 900, 990, 1010, 1100, 10_000] {
            let radius = radius(1.0, confidence, other, 1000);
            assert!(radius > at, "{confidence}, {other}: {radius} below {at}");
        }
    }
}
