//! Every inequality against exact laws: sums on lattices, Markov chains, random signs, closed forms.
//!
//! Nothing here is simulated. Where a bound is checked, [`Sharpened`] forms of it, with a larger
//! exponent or a smaller factor, have to be found wrong: a check that cannot fail is none.

use ergodic_concentration::inequality::*;
use ergodic_core::ArgumentError;
use ergodic_expfam::Member;
use ergodic_expfam::families::{Bernoulli, Exponential, NormalKnownVariance, Poisson};
use ergodic_math::special::{binomial_cdf, binomial_survival, gamma_p, gamma_q, normal_cdf};
use nalgebra::DMatrix;
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 256,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(5),
        ..ProptestConfig::default()
    }
}

/// A law on 0, 1, …, m.
#[derive(Clone, Debug)]
struct Law(Vec<f64>);

impl Law {
    fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        Self(weights.iter().map(|w| w / total).collect())
    }

    fn moment(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.0
            .iter()
            .enumerate()
            .map(|(x, p)| p * f(x as f64))
            .sum()
    }

    fn mean(&self) -> f64 {
        self.moment(|x| x)
    }

    fn variance(&self) -> f64 {
        let mean = self.mean();
        self.moment(|x| (x - mean).powi(2))
    }

    fn top(&self) -> f64 {
        (self.0.len() - 1) as f64
    }

    /// The exact law of the sum of n.
    fn sum(&self, n: usize) -> Vec<f64> {
        (0..n).fold(vec![1.0], |law, _| {
            let mut next = vec![0.0; law.len() + self.0.len() - 1];
            for (i, a) in law.iter().enumerate() {
                for (j, b) in self.0.iter().enumerate() {
                    next[i + j] += a * b;
                }
            }
            next
        })
    }

    fn mirrored(&self) -> Self {
        Self(self.0.iter().rev().copied().collect())
    }
}

fn law() -> impl Strategy<Value = Law> {
    // Exponents, so that weights of 1e-4 occur.
    prop::collection::vec(-9.0..0.0f64, 2..6)
        .prop_map(|e| Law::new(&e.iter().map(|e| e.exp()).collect::<Vec<_>>()))
}

/// A bound made wrong: its exponent times a factor.
struct Sharpened<'a>(&'a dyn TailBound, f64);

impl TailBound for Sharpened<'_> {
    fn name(&self) -> &'static str {
        "sharpened"
    }
    fn two_sided(&self) -> bool {
        self.0.two_sided()
    }
    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        Ok(self.1 * self.0.evaluate(n, t)?)
    }
}

/// The largest `log P − log bound` over thresholds, with the one where it is.
fn worst(bound: &dyn TailBound, law: &Law, n: usize) -> (f64, f64) {
    let (mean, sum) = (law.mean(), law.sum(n));
    let mut worst = (f64::NEG_INFINITY, 0.0);
    for s in 0..sum.len() {
        let t = s as f64 / n as f64 - mean;
        if t <= 1e-9 {
            continue;
        }
        let far = |x: usize| (x as f64 / n as f64 - mean).abs() >= t - 1e-12;
        let exact: f64 = if bound.two_sided() {
            (0..sum.len()).filter(|&x| far(x)).map(|x| sum[x]).sum()
        } else {
            sum[s..].iter().rev().sum()
        };
        if exact > 0.0 {
            let excess = exact.ln() - bound.log_tail(n as u64, t).unwrap();
            if excess > worst.0 {
                worst = (excess, t);
            }
        }
    }
    worst
}

/// All bounds that a law on a lattice allows.
fn bounds(law: &Law) -> Vec<Box<dyn TailBound>> {
    let (mean, variance, top) = (law.mean(), law.variance(), law.top());
    let range = Bounded::new(0.0, top).unwrap();
    let known = BoundedMean::new(range, mean).unwrap();
    let above = BoundedAbove::new(top - mean, variance).unwrap();
    let within = BoundedDeviation::new(mean.max(top - mean), variance).unwrap();
    let finite = FiniteVariance::new(variance).unwrap();
    let in_range = BoundedDeviation::in_range(range, variance).unwrap();
    vec![
        Box::new(Markov::new(NonNegative::new(mean).unwrap())),
        Box::new(Chebyshev::new(finite)),
        Box::new(Cantelli::new(finite)),
        Box::new(Hoeffding::new(range)),
        Box::new(SubGaussian::bounded(range)),
        Box::new(Bernstein::new(above)),
        Box::new(Bennett::new(above)),
        Box::new(Bernstein::new(in_range)),
        Box::new(SubGamma::bernstein(&above).unwrap()),
        Box::new(Chernoff::new(known)),
        Box::new(TwoSided::new(Cantelli::new(finite))),
        Box::new(TwoSided::new(Hoeffding::new(range))),
        Box::new(TwoSided::new(Chernoff::new(known))),
        Box::new(TwoSided::new(Bennett::new(within))),
        Box::new(TwoSided::new(Bernstein::new(within))),
        Box::new(McDiarmid::new(BoundedDifferences::new(&[top]).unwrap())),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_bound_dominates_the_exact_tail_of_random_lattice_laws(law in law(), n in 1usize..24) {
        for bound in bounds(&law) {
            let (excess, t) = worst(&*bound, &law, n);
            prop_assert!(
                excess <= 1e-9,
                "{} is exceeded by a factor e^{excess} at n = {n}, t = {t}, {law:?}",
                bound.name()
            );
        }
        // A function of n independent variables itself, and the same as n copies of a mean.
        let top = law.top();
        let whole = BoundedDifferences::uniform(top / n as f64, n as u64).unwrap();
        let hoeffding = Hoeffding::new(Bounded::new(0.0, top).unwrap());
        let (a, b) = (
            McDiarmid::new(whole).log_tail(1, 0.3).unwrap(),
            hoeffding.log_tail(n as u64, 0.3).unwrap(),
        );
        prop_assert!((a / b - 1.0).abs() < 1e-13);
    }

    #[test]
    fn sharper_inequalities_are_never_above_coarser_ones(
        law in law(), n in 1u64..10_000, exponent in -12.0..1.0f64
    ) {
        let t = exponent.exp() * law.top();
        let (mean, variance, top) = (law.mean(), law.variance(), law.top());
        let range = Bounded::new(0.0, top).unwrap();
        let chernoff = Chernoff::new(BoundedMean::new(range, mean).unwrap());
        let above = BoundedAbove::new(top - mean, variance).unwrap();
        let finite = FiniteVariance::new(variance).unwrap();
        let log = |b: &dyn TailBound| b.log_tail(n, t).unwrap();
        let chain: [(&dyn TailBound, &dyn TailBound); 5] = [
            (&chernoff, &Hoeffding::new(range)),
            (&Bennett::new(above), &SubGamma::bernstein(&above).unwrap()),
            (&SubGamma::bernstein(&above).unwrap(), &Bernstein::new(above)),
            (&Cantelli::new(finite), &Chebyshev::new(finite)),
            (&chernoff.reflected(), &TwoSided::new(chernoff)),
        ];
        for (sharp, coarse) in chain {
            let (a, b) = (log(sharp), log(coarse));
            prop_assert!(
                a <= b || a <= b + 1e-12 * b.abs(),
                "{} {a} above {} {b} at n = {n}, t = {t}, {law:?}", sharp.name(), coarse.name()
            );
        }
    }

    #[test]
    fn radius_and_sample_size_are_where_the_tail_meets_the_risk(
        law in law(), n in 1u64..5000, log_risk in -40.0..-0.01f64, exponent in -6.0..0.0f64
    ) {
        let t = exponent.exp() * law.top();
        for bound in bounds(&law) {
            match bound.radius_at(n, log_risk) {
                Ok(radius) => {
                    prop_assert!(bound.log_tail(n, radius).unwrap() <= log_risk);
                    let before = bound.log_tail(n, radius.next_down()).unwrap();
                    prop_assert!(before > log_risk, "{}: {radius}", bound.name());
                }
                Err(error) => prop_assert_eq!(error.argument, "log_risk"),
            }
            match bound.sample_size_at(t, log_risk) {
                Ok(size) => {
                    prop_assert!(bound.log_tail(size, t).unwrap() <= log_risk);
                    prop_assert!(size == 1 || bound.log_tail(size - 1, t).unwrap() > log_risk);
                }
                Err(error) => {
                    prop_assert_eq!(error.argument, "t");
                    prop_assert!(bound.log_tail(1 << 53, t).unwrap() > log_risk);
                }
            }
        }
    }
}

#[test]
fn a_larger_exponent_would_be_wrong() {
    // Coins and dice of few throws; each bound is close somewhere.
    let laws = [
        Law::new(&[1.0, 1.0]),
        Law::new(&[99.0, 1.0]),
        Law::new(&[1.0, 9.0]),
        Law::new(&[3.0, 0.0, 0.0, 1.0]),
    ];
    let count = bounds(&laws[0]).len();
    for index in 0..count {
        let name = bounds(&laws[0])[index].name();
        // Up to the factor before the exponential each of these is met; Bernstein and sub-gamma tails
        // are looser by the 1/3, two-sided ones by the 2, Chebyshev by its square.
        let worst = laws
            .iter()
            .flat_map(|law| [1, 2, 5, 30, 200].map(|n| (law, n)))
            .map(|(law, n)| worst(&Sharpened(&*bounds(law)[index], 1.6), law, n).0)
            .fold(f64::NEG_INFINITY, f64::max);
        assert!(
            worst > 1e-3,
            "{name} with 1.6 times the exponent passes: {worst}"
        );
    }
}

#[test]
fn twenty_tosses_have_their_known_tail_and_bounds() {
    let exact = binomial_survival(14, 20, 0.5).unwrap();
    assert!((exact - 0.020694732666015625).abs() < 1e-16);
    let chernoff = Chernoff::new(BoundedMean::unit(0.5).unwrap())
        .tail(20, 0.25)
        .unwrap();
    let hoeffding = Hoeffding::new(Bounded::new(0.0, 1.0).unwrap())
        .tail(20, 0.25)
        .unwrap();
    assert!((chernoff - 0.07307706433667734).abs() < 1e-16, "{chernoff}");
    assert!(
        (hoeffding - 0.0820849986238988).abs() < 1e-16,
        "{hoeffding}"
    );
    assert!(exact <= chernoff && chernoff <= hoeffding);
}

#[test]
fn inequalities_that_are_sharp_are_attained() {
    // Markov: all mass at 0 and at the threshold.
    let law = Law::new(&[3.0, 0.0, 0.0, 0.0, 1.0]);
    let markov = Markov::new(NonNegative::new(1.0).unwrap());
    assert!((markov.tail(1, 3.0).unwrap() - law.0[4]).abs() < 1e-16);
    // Cantelli: two points; Chebyshev: three.
    let coin = Law::new(&[4.0, 1.0]);
    let cantelli = Cantelli::new(FiniteVariance::new(coin.variance()).unwrap());
    assert!((cantelli.tail(1, 0.8).unwrap() - 0.2).abs() < 1e-15);
    let three = Law::new(&[1.0, 6.0, 1.0]);
    let chebyshev = Chebyshev::new(FiniteVariance::new(three.variance()).unwrap());
    assert!((chebyshev.tail(1, 1.0).unwrap() - 0.25).abs() < 1e-15);
    // Chernoff at the end of the range: all heads.
    let chernoff = Chernoff::new(BoundedMean::unit(0.3).unwrap());
    assert!((chernoff.log_tail(7, 0.7).unwrap() - 7.0 * 0.3f64.ln()).abs() < 1e-14);
    assert!((chernoff.reflected().log_tail(7, 0.3).unwrap() - 7.0 * 0.7f64.ln()).abs() < 1e-14);
    // A difference with a rounding of its own is no impossibility.
    let far = Bounded::new(1000.0, 1001.0).unwrap();
    let chernoff = Chernoff::new(BoundedMean::new(far, 1000.3).unwrap());
    let log = chernoff.log_tail(7, 0.7 + 1e-13).unwrap();
    assert!((log - 7.0 * 0.3f64.ln()).abs() < 1e-11, "{log}");
    assert_eq!(
        chernoff.log_tail(7, 0.7 + 1e-11).unwrap(),
        f64::NEG_INFINITY
    );
}

#[test]
fn far_tails_stay_numbers_and_tiny_deviations_keep_their_digits() {
    let close = |found: f64, expected: f64, relative: f64| {
        assert!(
            (found / expected - 1.0).abs() < relative,
            "{found:e} is not {expected:e}"
        );
    };
    let half = BoundedMean::unit(0.5).unwrap();
    // A million heads: 2^−1000000, which no f64 holds.
    close(
        Chernoff::new(half).log_tail(1_000_000, 0.5).unwrap(),
        -1e6 * std::f64::consts::LN_2,
        1e-15,
    );
    // t²/2v up to t³
    for t in [1e-6, 1e-9, 1e-100] {
        close(
            Chernoff::new(half).log_tail(1, t).unwrap(),
            -2.0 * t * t,
            1e-11,
        );
        let above = BoundedAbove::new(1.0, 0.25).unwrap();
        close(
            Bennett::new(above).log_tail(1, t).unwrap(),
            -2.0 * t * t,
            2e-6,
        );
        let cantelli = Cantelli::new(FiniteVariance::new(0.25).unwrap());
        close(cantelli.log_tail(1, t).unwrap(), -4.0 * t * t, 1e-11);
    }
    // Extremes of scale give no NaN, and a bound in order.
    for v in [0.0, 1e-300, 1e-10, 1.0, 1e300] {
        for c in [1e-300, 1.0, 1e300] {
            for t in [1e-300, 1.0, 1e300] {
                let above = BoundedAbove::new(c, v).unwrap();
                let finite = FiniteVariance::new(v).unwrap();
                let all: [&dyn TailBound; 4] = [
                    &Bernstein::new(above),
                    &Bennett::new(above),
                    &Cantelli::new(finite),
                    &Chebyshev::new(finite),
                ];
                for bound in all {
                    let log = bound.log_tail(1 << 53, t).unwrap();
                    assert!(
                        log <= 0.0,
                        "{} is {log} at v = {v}, c = {c}, t = {t}",
                        bound.name()
                    );
                }
            }
        }
    }
    for p in [0.0, 1e-300, 0.5, 1.0] {
        for t in [0.0, 1e-300, 0.4, 1.0, 1e300] {
            let log = Chernoff::new(BoundedMean::unit(p).unwrap())
                .log_tail(3, t)
                .unwrap();
            assert!(
                log <= 0.0 && (t > 0.0 || log == 0.0),
                "{log} at p = {p}, t = {t}"
            );
        }
    }
}

#[test]
fn the_divergence_ball_is_the_set_it_says() {
    for q in [0.0, 1e-12, 0.01, 0.3, 0.5, 0.9, 1.0 - 1e-9, 1.0] {
        for c in [0.0, 1e-20, 1e-6, 0.1, 3.0, 800.0] {
            let upper = bernoulli_divergence_upper(q, c).unwrap();
            let lower = bernoulli_divergence_lower(q, c).unwrap();
            assert!(lower <= q && q <= upper);
            if upper < 1.0 {
                assert!(bernoulli_divergence(q, upper).unwrap() > c);
                assert!(bernoulli_divergence(q, upper.next_down()).unwrap() <= c);
            }
            if lower > 0.0 {
                assert!(bernoulli_divergence(q, lower).unwrap() > c);
                assert!(bernoulli_divergence(q, lower.next_up()).unwrap() <= c);
            }
        }
    }
    for (q, p) in [(0.6, 0.5), (0.1, 0.8), (0.99, 0.02), (0.5, 0.7)] {
        let direct = f64::ln(q / p) * q + f64::ln((1.0 - q) / (1.0 - p)) * (1.0 - q);
        assert!((bernoulli_divergence(q, p).unwrap() / direct - 1.0).abs() < 1e-14);
    }
    assert_eq!(bernoulli_divergence(0.5, 0.0).unwrap(), f64::INFINITY);
    assert_eq!(bernoulli_divergence(1.0, 1.0).unwrap(), 0.0);
    for bad in [-0.1, 1.1, f64::NAN] {
        assert_eq!(bernoulli_divergence(bad, 0.5).unwrap_err().argument, "q");
        assert_eq!(bernoulli_divergence(0.5, bad).unwrap_err().argument, "p");
    }
    assert_eq!(
        bernoulli_divergence_upper(0.5, -1.0).unwrap_err().argument,
        "c"
    );
    assert_eq!(
        bernoulli_divergence_lower(0.5, f64::NAN)
            .unwrap_err()
            .argument,
        "c"
    );
}

/// `P(p ∉ interval)` for n tosses of a coin.
fn missed(n: u64, p: f64, interval: impl Fn(u64) -> ergodic_core::Interval) -> f64 {
    (0..=n)
        .filter(|&k| !interval(k).contains(p))
        .map(|k| {
            let below = if k == 0 {
                0.0
            } else {
                binomial_cdf(k - 1, n, p).unwrap()
            };
            if (k as f64) < p * n as f64 {
                binomial_cdf(k, n, p).unwrap() - below
            } else {
                let above = if k == 0 {
                    1.0
                } else {
                    binomial_survival(k - 1, n, p).unwrap()
                };
                above - binomial_survival(k, n, p).unwrap()
            }
        })
        .sum()
}

#[test]
fn intervals_cover_coins_at_their_stated_rate() {
    let unit = Bounded::new(0.0, 1.0).unwrap();
    let mut largest = 0.0f64;
    for n in [1u64, 2, 3, 10, 40, 150] {
        for confidence in [0.5, 0.9, 0.99] {
            let chernoff: Vec<_> = (0..=n)
                .map(|k| {
                    let mean = k as f64 / n as f64;
                    chernoff_interval(unit, mean, n, confidence)
                        .unwrap()
                        .interval
                })
                .collect();
            let sample = |k: u64| -> Vec<f64> { (0..n).map(|i| f64::from(i < k)).collect() };
            let empirical = |bound: &dyn EmpiricalBernstein| -> Vec<_> {
                (0..=n)
                    .map(|k| bound.interval(&sample(k), confidence).unwrap().interval)
                    .collect()
            };
            let (pontil, audibert) = if n > 1 {
                (
                    empirical(&MaurerPontil::new(unit)),
                    empirical(&Audibert::new(unit)),
                )
            } else {
                (chernoff.clone(), chernoff.clone())
            };
            let hoeffding = Hoeffding::new(unit);
            let both = TwoSided::new(hoeffding);
            let radii = (
                hoeffding.radius(n, confidence).unwrap(),
                both.radius(n, confidence).unwrap(),
            );
            for step in 0..=30 {
                // Off the lattice of means, and just off the ends of the intervals.
                let mut candidates = vec![f64::from(step) / 30.0 * 0.999 + 0.0003];
                if let Some(i) = chernoff.get(step as usize) {
                    candidates.extend([i.lower - 1e-9, i.upper + 1e-9]);
                }
                for p in candidates.into_iter().filter(|p| (0.0..=1.0).contains(p)) {
                    let variance = FiniteVariance::new(p * (1.0 - p)).unwrap();
                    let chebyshev = Chebyshev::new(variance).radius(n, confidence).unwrap();
                    let around = |radius: f64, k: u64| ergodic_core::Interval {
                        lower: k as f64 / n as f64 - radius,
                        upper: k as f64 / n as f64 + radius,
                    };
                    let misses = [
                        missed(n, p, |k| chernoff[k as usize]),
                        missed(n, p, |k| pontil[k as usize]),
                        missed(n, p, |k| audibert[k as usize]),
                        missed(n, p, |k| around(radii.1, k)),
                        missed(n, p, |k| around(chebyshev, k)),
                        missed(n, p, |k| ergodic_core::Interval {
                            lower: k as f64 / n as f64 - radii.0,
                            upper: f64::INFINITY,
                        }),
                    ];
                    for (which, miss) in misses.iter().enumerate() {
                        assert!(
                            *miss <= (1.0 - confidence) * (1.0 + 1e-9),
                            "interval {which} misses {p} with probability {miss} at n = {n}, {confidence}"
                        );
                    }
                    largest = largest.max(misses[0] / (1.0 - confidence));
                }
            }
        }
    }
    // The power of the check: Chernoff's intervals are within a small factor of being wrong.
    assert!(largest > 0.4, "{largest}");
}

#[test]
fn ends_are_rounded_outwards_and_largest_variances_are_allowed() {
    let c = 40f64.ln() / 100.0;
    let unit = Bounded::new(0.0, 1.0).unwrap();
    let interval = chernoff_interval(unit, 0.5, 100, 0.95).unwrap().interval;
    assert!(interval.lower < bernoulli_divergence_lower(0.5, c).unwrap());
    assert!(interval.upper > bernoulli_divergence_upper(0.5, c).unwrap());
    // Half of ten at each end, with some roundings.
    let largest = unit.largest_variance() * 10.0 / 9.0 * (1.0 + 1e-15);
    assert!(MaurerPontil::new(unit).radius(10, largest, 0.9).is_ok());
    let beyond = MaurerPontil::new(unit).radius(10, largest * (1.0 + 1e-9), 0.9);
    assert_eq!(beyond.unwrap_err().argument, "variance");
}

#[test]
fn pivotal_intervals_are_mean_and_radius() {
    let bound = Hoeffding::new(Bounded::new(-1.0, 1.0).unwrap());
    let one = bound.interval(0.25, 64, 0.9).unwrap();
    let radius = bound.radius(64, 0.9).unwrap();
    assert!((radius - (0.1f64.ln() / -32.0).sqrt()).abs() < 1e-15);
    assert_eq!(one.interval.upper, f64::INFINITY);
    assert!((one.interval.lower - (0.25 - radius)).abs() < 1e-15);
    let two = TwoSided::new(bound).interval(0.25, 64, 0.9).unwrap();
    let half = bound.radius(64, 0.95).unwrap();
    assert!((two.interval.upper - 0.25 - half).abs() < 1e-14);
    assert_eq!((two.samples, two.confidence, two.value), (64, 0.9, 0.25));
    assert!(bound.interval(f64::NAN, 64, 0.9).is_err());
}

#[test]
fn empirical_bernstein_covers_laws_on_three_points() {
    // Values 0, ½, 1: all counts enumerated.
    let unit = Bounded::new(0.0, 1.0).unwrap();
    for n in [2usize, 5, 20, 60] {
        let log_factorial: Vec<f64> = (0..=n)
            .scan(0.0, |s, k| {
                *s += if k > 0 { (k as f64).ln() } else { 0.0 };
                Some(*s)
            })
            .collect();
        for p in [
            [0.05, 0.9, 0.05],
            [0.9, 0.09, 0.01],
            [0.3, 0.3, 0.4],
            [0.0, 0.2, 0.8],
        ] {
            let mean = 0.5 * p[1] + p[2];
            for confidence in [0.6, 0.95] {
                let (mut one_sided, mut two_sided) = (0.0, 0.0);
                for a in 0..=n {
                    for b in 0..=n - a {
                        let c = n - a - b;
                        let counts = [a, b, c];
                        let mut log = log_factorial[n];
                        for (k, p) in counts.iter().zip(p) {
                            log += *k as f64 * f64::max(p, 1e-300).ln() - log_factorial[*k];
                        }
                        let m = (0.5 * b as f64 + c as f64) / n as f64;
                        let s2 = counts
                            .iter()
                            .zip([0.0, 0.5, 1.0])
                            .map(|(&k, x)| k as f64 * (x - m) * (x - m))
                            .sum::<f64>()
                            / (n - 1) as f64;
                        let r = MaurerPontil::new(unit)
                            .radius(n as u64, s2, confidence)
                            .unwrap();
                        if mean > m + r {
                            one_sided += log.exp();
                        }
                        let bound = Audibert::new(unit);
                        let r = bound.radius(n as u64, s2, confidence).unwrap();
                        if (mean - m).abs() > r {
                            two_sided += log.exp();
                        }
                        let back = bound.log_tail(n as u64, s2, r).unwrap();
                        assert!((back - (1.0 - confidence).ln()).abs() < 1e-12);
                    }
                }
                assert!(one_sided <= 1.0 - confidence && two_sided <= 1.0 - confidence);
            }
        }
    }
    // The radii as the papers have them, on a range of 3: δ = .05, n = 100, s² = .5.
    let wide = Bounded::new(-1.0, 2.0).unwrap();
    let (l2, l3) = (40f64.ln(), 60f64.ln());
    let pontil = (2.0 * 0.5 * l2 / 100.0).sqrt() + 7.0 * 3.0 * l2 / (3.0 * 99.0);
    let audibert = (2.0 * 0.5 * 0.99 * l3 / 100.0).sqrt() + 3.0 * 3.0 * l3 / 100.0;
    let found = (
        MaurerPontil::new(wide).radius(100, 0.5, 0.95).unwrap(),
        Audibert::new(wide).radius(100, 0.5, 0.95).unwrap(),
    );
    assert!((found.0 - pontil).abs() < 1e-14 && (found.1 - audibert).abs() < 1e-14);
    // Both sides at half the risk.
    let few: Vec<f64> = (0..2000).map(|i| f64::from(i % 10 == 0)).collect();
    let interval = MaurerPontil::new(unit)
        .interval(&few, 0.9)
        .unwrap()
        .interval;
    let half = MaurerPontil::new(unit)
        .radius(2000, 0.09 * 2000.0 / 1999.0, 0.95)
        .unwrap();
    assert!((interval.upper - 0.1 - half).abs() < 1e-13);
    assert!((interval.lower - 0.1 + half).abs() < 1e-13);
    let bound = MaurerPontil::new(unit);
    let size = bound.sample_size(0.01, 0.02, 0.95).unwrap();
    assert!(bound.radius(size, 0.01, 0.95).unwrap() <= 0.02);
    assert!(bound.radius(size - 1, 0.01, 0.95).unwrap() > 0.02);
}

/// `P(sup(Fₙ − F) ≥ t)` for a continuous law: Birnbaum and Tingey 1951.
fn birnbaum_tingey(n: usize, t: f64) -> f64 {
    let nf = n as f64;
    let mut sum = 0.0;
    let mut log_choose = 0.0;
    for j in 0..=n {
        let x = j as f64 / nf;
        if 1.0 - t - x <= 0.0 {
            break;
        }
        let log =
            log_choose + (n - j) as f64 * (1.0 - t - x).ln() + (j as f64 - 1.0) * (t + x).ln();
        sum += log.exp();
        log_choose += ((n - j) as f64 / (j + 1) as f64).ln();
    }
    t * sum
}

#[test]
fn the_empirical_distribution_function_keeps_to_massart_and_reeve() {
    let one = DvoretzkyKieferWolfowitz;
    for n in [1usize, 2, 3, 7, 20, 100, 400] {
        for step in 1..200 {
            let t = f64::from(step) / 200.0;
            let exact = birnbaum_tingey(n, t);
            let bound = one.tail(n as u64, t).unwrap();
            assert!(
                exact <= bound * (1.0 + 1e-9),
                "n = {n}, t = {t}: {exact} > {bound}"
            );
        }
    }
    // P(D₁⁺ ≥ t) = 1 − t.
    assert!((birnbaum_tingey(1, 0.3) - 0.7).abs() < 1e-15);
    assert_eq!(one.log_tail(5, 1.1).unwrap(), f64::NEG_INFINITY);
    // No constant above 2 in the exponent: the bound is met for large n.
    let met = birnbaum_tingey(400, 0.05).ln() / one.log_tail(400, 0.05).unwrap();
    assert!(met < 1.04, "{met}");
}

#[test]
fn the_band_covers_three_point_laws_everywhere_at_once() {
    let p = [0.2, 0.5, 0.3];
    let f = [0.2, 0.7, 1.0];
    for n in [1usize, 4, 12] {
        for confidence in [0.5, 0.9] {
            let mut missed = 0.0;
            let mut factorial = vec![1.0];
            for k in 1..=n {
                factorial.push(factorial[k - 1] * k as f64);
            }
            for a in 0..=n {
                for b in 0..=n - a {
                    let counts = [a, b, n - a - b];
                    let mut draws = Vec::new();
                    let mut probability = factorial[n];
                    for (x, (&k, p)) in counts.iter().zip(p).enumerate() {
                        draws.extend(std::iter::repeat_n(x as f64, k));
                        probability *= f64::powi(p, k as i32) / factorial[k];
                    }
                    let band = Band::new(draws, confidence).unwrap();
                    let covered = (0..3)
                        .all(|x| band.distribution_function(x as f64).unwrap().contains(f[x]));
                    if !covered {
                        missed += probability;
                    }
                    if covered {
                        // Then every quantile is in its interval.
                        for (q, place) in [(0.1, 0.0), (0.5, 1.0), (0.69, 1.0), (0.9, 2.0)] {
                            assert!(band.quantile(q).unwrap().contains(place));
                        }
                    }
                }
            }
            assert!(missed <= 1.0 - confidence, "{missed}");
        }
    }
    assert_eq!(Band::new(vec![], 0.9).unwrap_err().argument, "draws");
    assert_eq!(
        Band::new(vec![f64::NAN], 0.9).unwrap_err().argument,
        "draws"
    );
    let band = Band::new(vec![1.0, 2.0], 0.9).unwrap();
    assert!(band.quantile(1.0).is_err() && band.distribution_function(f64::NAN).is_err());
}

#[test]
fn normal_and_gamma_tails_keep_to_sub_gaussian_and_sub_gamma_bounds() {
    let pi = std::f64::consts::PI;
    let unit = GaussianLipschitz::new(Lipschitz::new(1.0, 1.0).unwrap());
    let mut closest = f64::NEG_INFINITY;
    for step in 1..300 {
        let t = 0.03 * f64::from(step);
        let bound = unit.log_tail(1, t).unwrap();
        let upper = |x: f64| normal_cdf(-x);
        // Z, |Z| and the larger of two, each about its mean.
        let identity = upper(t);
        let absolute = 2.0 * upper(t + (2.0 / pi).sqrt());
        let u = upper(t + 1.0 / pi.sqrt());
        let larger = 2.0 * u - u * u;
        let below = if t < (2.0 / pi).sqrt() {
            1.0 - 2.0 * upper((2.0 / pi).sqrt() - t)
        } else {
            0.0
        };
        for exact in [identity, absolute, larger, below] {
            assert!(exact <= bound.exp() * (1.0 + 1e-9), "{exact} at {t}");
        }
        closest = closest.max(identity.ln() / bound);
        // The mean of n squares of normals: chi-squared.
        for n in [1u64, 3, 30] {
            let exact = gamma_q(0.5 * n as f64, 0.5 * n as f64 * (1.0 + t)).unwrap();
            let exponential = SubExponential::new(4.0, 4.0).unwrap().tail(n, t).unwrap();
            let gamma = SubGamma::new(2.0, 2.0).unwrap().tail(n, t).unwrap();
            assert!(exact <= exponential * (1.0 + 1e-9) && exact <= gamma * (1.0 + 1e-9));
            // Exponential variables: sub-gamma with v = 1, c = 1; the lower tail is sub-Gaussian.
            let exact = gamma_q(n as f64, n as f64 * (1.0 + t)).unwrap();
            let gamma = SubGamma::new(1.0, 1.0).unwrap().tail(n, t).unwrap();
            assert!(
                exact <= gamma * (1.0 + 1e-9),
                "{exact} > {gamma} at n = {n}, t = {t}"
            );
            if t < 1.0 {
                let exact = gamma_p(n as f64, n as f64 * (1.0 - t)).unwrap();
                let normal = SubGaussian::new(1.0).unwrap().tail(n, t).unwrap();
                assert!(exact <= normal * (1.0 + 1e-9));
            }
        }
    }
    // The conjugate of vλ²/2 on [0, 1/b], by search.
    let bound = SubExponential::new(3.0, 2.0).unwrap();
    for t in [0.3, 1.0, 1.5, 1.500001, 2.0, 10.0] {
        let best = (0..=100_000)
            .map(|i| 0.5 * f64::from(i) / 100_000.0)
            .map(|l| l * t - 1.5 * l * l)
            .fold(0.0, f64::max);
        assert!(
            (bound.log_tail(1, t).unwrap() + best).abs() < 1e-9,
            "t = {t}"
        );
    }
    // c = 0 is the sub-Gaussian case.
    let (a, b) = (
        SubGamma::new(2.0, 0.0).unwrap(),
        SubGaussian::new(2.0).unwrap(),
    );
    assert!((a.log_tail(7, 0.3).unwrap() / b.log_tail(7, 0.3).unwrap() - 1.0).abs() < 1e-14);
    // Power: a chi-squared variable is not sub-gamma with half the scale.
    let wrong = SubGamma::new(2.0, 1.0).unwrap();
    assert!(gamma_q(0.5, 0.5 * 31.0).unwrap() > wrong.tail(1, 30.0).unwrap());
}

#[test]
fn chernoff_bounds_of_families_dominate_their_exact_tails() {
    for mean in [0.3, 2.0, 9.0] {
        let poisson = FamilyChernoff::new(Member::from_mean(Poisson, [mean]).unwrap()).unwrap();
        let exponential =
            FamilyChernoff::new(Member::from_mean(Exponential, [mean]).unwrap()).unwrap();
        for n in [1u64, 5, 40] {
            let total = mean * n as f64;
            for x in [0.1, 0.5, 0.9, 1.1, 2.0, 5.0] {
                // The sum of n exponential variables is gamma.
                let t = mean * (x - 1.0);
                let (exact, bound) = if t > 0.0 {
                    (
                        gamma_q(n as f64, x * n as f64).unwrap(),
                        exponential.tail(n, t),
                    )
                } else {
                    (
                        gamma_p(n as f64, x * n as f64).unwrap(),
                        exponential.reflected().tail(n, -t),
                    )
                };
                assert!(exact <= bound.unwrap() * (1.0 + 1e-9), "n = {n}, x = {x}");
            }
            for k in 1..200u64 {
                let t = (k as f64 - total) / n as f64;
                if t > 0.0 {
                    let exact = gamma_p(k as f64, total).unwrap(); // P(sum ≥ k)
                    let bound = poisson.tail(n, t).unwrap();
                    assert!(
                        exact <= bound * (1.0 + 1e-9),
                        "n = {n}, k = {k}: {exact} > {bound}"
                    );
                } else if t < 0.0 {
                    let exact = gamma_q(k as f64 + 1.0, total).unwrap(); // P(sum ≤ k)
                    let bound = poisson.reflected().tail(n, -t).unwrap();
                    assert!(
                        exact <= bound * (1.0 + 1e-9),
                        "n = {n}, k = {k}: {exact} > {bound}"
                    );
                }
            }
        }
    }
    // The families that have their own bounds.
    let coin = FamilyChernoff::new(Member::from_mean(Bernoulli, [0.3]).unwrap()).unwrap();
    let direct = Chernoff::new(BoundedMean::unit(0.3).unwrap());
    let family = NormalKnownVariance::new(2.0).unwrap();
    let normal = FamilyChernoff::new(Member::from_mean(family, [1.0]).unwrap()).unwrap();
    let gaussian = SubGaussian::new(2.0).unwrap();
    for t in [0.1, 0.3, 0.6] {
        let (a, b) = (coin.log_tail(9, t).unwrap(), direct.log_tail(9, t).unwrap());
        assert!((a / b - 1.0).abs() < 1e-13);
        let (a, b) = (
            normal.log_tail(9, t).unwrap(),
            gaussian.log_tail(9, t).unwrap(),
        );
        assert!((a / b - 1.0).abs() < 1e-14);
    }
    let radius = normal.radius(9, 0.95).unwrap();
    assert!((radius - gaussian.radius(9, 0.95).unwrap()).abs() < 1e-15);
    // One toss cannot be as unlikely as that, and the family's domain says no more.
    assert_eq!(coin.radius(1, 0.99).unwrap_err().argument, "confidence");
    assert_eq!(coin.log_tail(1, 0.8).unwrap_err().argument, "t");
    // With the range they are as complete as the bound for coins.
    let coin = coin.with_range(0.0, 1.0).unwrap();
    for t in [0.3, 0.7, 0.71, 1.0, 5.0] {
        for (a, b) in [(&coin, &direct), (&coin.reflected(), &direct.reflected())] {
            let (a, b) = (a.log_tail(5, t).unwrap(), b.log_tail(5, t).unwrap());
            assert!(a == b || (a / b - 1.0).abs() < 1e-13, "{a} and {b} at {t}");
        }
    }
    for n in [1, 3, 50] {
        let (a, b) = (TwoSided::new(coin.clone()), TwoSided::new(direct));
        let (a, b) = (a.radius(n, 0.99).unwrap(), b.radius(n, 0.99).unwrap());
        assert!((a / b - 1.0).abs() < 1e-13, "{a} and {b} at {n}");
    }
    let rare = FamilyChernoff::new(Member::from_mean(Poisson, [0.3]).unwrap()).unwrap();
    let rare = TwoSided::new(rare.with_range(0.0, f64::INFINITY).unwrap());
    let radius = rare.radius(1, 0.95).unwrap();
    // The upper tail alone: 0.05 = exp(−(x log(x/.3) − x + .3)) at x = .3 + radius.
    let x = 0.3 + radius;
    assert!(
        (x * (x / 0.3).ln() - x + 0.3 - 20f64.ln()).abs() < 1e-12,
        "{radius}"
    );
    assert_eq!(
        coin.clone().with_range(0.3, 1.0).unwrap_err().argument,
        "lower"
    );
    assert_eq!(
        coin.clone().with_range(0.0, f64::NAN).unwrap_err().argument,
        "upper"
    );
    let two = ergodic_expfam::families::Normal;
    let member = Member::new(
        two,
        ergodic_expfam::families::Normal::natural(0.0, 1.0).unwrap(),
    );
    assert_eq!(
        FamilyChernoff::new(member.unwrap()).unwrap_err().argument,
        "member"
    );
}

/// Small matrices with entries that depend on a seed.
fn matrices(count: usize, rows: usize, columns: usize, seed: u64) -> Vec<DMatrix<f64>> {
    use ergodic_core::Randomness;
    let mut rng = ergodic_math::rng::stream(seed, 0);
    (0..count)
        .map(|_| DMatrix::from_fn(rows, columns, |_, _| Randomness::normal(&mut rng)))
        .collect()
}

#[test]
fn matrix_bounds_dominate_all_sign_patterns() {
    let check = |coefficients: &[DMatrix<f64>], symmetric: bool| {
        let series = if symmetric {
            MatrixSeries::symmetric(coefficients).unwrap()
        } else {
            MatrixSeries::rectangular(coefficients).unwrap()
        };
        let patterns = 1u32 << coefficients.len();
        let mut sizes: Vec<f64> = (0..patterns)
            .map(|signs| {
                let mut z = DMatrix::zeros(coefficients[0].nrows(), coefficients[0].ncols());
                for (k, a) in coefficients.iter().enumerate() {
                    if signs >> k & 1 == 1 { z += a } else { z -= a }
                }
                if symmetric {
                    z.symmetric_eigenvalues().max()
                } else {
                    z.singular_values().max()
                }
            })
            .collect();
        sizes.sort_by(f64::total_cmp);
        let bounded = series.bounded();
        let all: [&dyn TailBound; 3] = [
            &series,
            &MatrixBernstein::new(bounded),
            &IntrinsicMatrixBernstein::new(bounded, series.trace()).unwrap(),
        ];
        let mut tightest = f64::NEG_INFINITY;
        for bound in all {
            for (index, &t) in sizes.iter().enumerate() {
                if t <= 0.0 {
                    continue;
                }
                let exact = (sizes.len() - index) as f64 / f64::from(patterns);
                let log = bound.log_tail(1, t * (1.0 - 1e-12)).unwrap();
                assert!(exact.ln() <= log + 1e-9, "{}: {exact} at {t}", bound.name());
                tightest = tightest.max(exact.ln() - log);
            }
        }
        tightest
    };
    for seed in 0..4 {
        let plain = matrices(9, 3, 2, seed);
        check(&plain, false);
        let symmetric: Vec<_> = matrices(9, 3, 3, seed)
            .iter()
            .map(|a| a + a.transpose())
            .collect();
        check(&symmetric, true);
        // One strong direction among many weak ones.
        let strong: Vec<_> = (0..9)
            .map(|k| {
                DMatrix::from_fn(4, 4, |i, j| {
                    if i == j {
                        1.0 / (1.0 + (i * (k + 1)) as f64)
                    } else {
                        0.0
                    }
                })
            })
            .collect();
        check(&strong, true);
    }
    // Signs alone. Power: 1.6 times the exponent is wrong where all twelve agree.
    let ones = vec![DMatrix::from_element(1, 1, 1.0); 12];
    assert!(check(&ones, true) > -0.9);
    let series = MatrixSeries::symmetric(&ones).unwrap();
    assert!(-12.0 * std::f64::consts::LN_2 > 1.6 * series.log_tail(1, 12.0).unwrap());
    // The factor d is needed: a sum over the coordinates, each with signs of its own.
    let axes: Vec<_> = (0..10)
        .map(|k| DMatrix::from_fn(10, 10, |i, j| f64::from(i == k && j == k)))
        .collect();
    let series = MatrixSeries::symmetric(&axes).unwrap();
    let exact: f64 = 1.0 - 0.5f64.powi(10); // some sign is +
    check(&axes, true);
    assert!(exact.ln() > series.log_tail(1, 1.0).unwrap() - 10f64.ln() + 0.4);
    // All in one direction: nothing is left of the dimension but the factor 4.
    let lone = BoundedMatrix::symmetric(100, 1.0, 1.0).unwrap();
    let intrinsic = IntrinsicMatrixBernstein::new(lone, 1.0).unwrap();
    assert!((intrinsic.intrinsic_dimension() - 1.0).abs() < 1e-15);
    assert!(IntrinsicMatrixBernstein::new(lone, 0.5).is_err());
    assert!(IntrinsicMatrixBernstein::new(lone, 101.0).is_err());
}

#[test]
fn bad_matrices_are_typed_errors() {
    let a = DMatrix::from_element(2, 2, 1.0);
    let name = |m: &[DMatrix<f64>]| MatrixSeries::rectangular(m).unwrap_err().argument;
    assert_eq!(name(&[]), "coefficients");
    assert_eq!(name(&[a.clone(), DMatrix::zeros(2, 3)]), "coefficients");
    assert_eq!(name(&[a.clone() * f64::NAN]), "coefficients");
    assert_eq!(name(&[a.clone() * 1e200]), "coefficients");
    assert_eq!(name(&[DMatrix::zeros(2, 2)]), "variance of the series");
    assert_eq!(name(&[DMatrix::zeros(0, 2)]), "rows");
    let skew = DMatrix::from_row_slice(2, 2, &[0.0, 1.0, -1.0, 0.0]);
    assert!(MatrixSeries::symmetric(&[skew]).is_err());
    assert!(MatrixSeries::symmetric(&[DMatrix::from_element(2, 3, 1.0)]).is_err());
    assert_eq!(
        BoundedMatrix::symmetric(0, 1.0, 1.0).unwrap_err().argument,
        "dimension"
    );
    assert_eq!(
        BoundedMatrix::symmetric(2, 0.0, 1.0).unwrap_err().argument,
        "limit"
    );
    assert_eq!(
        BoundedMatrix::symmetric(2, 1.0, -1.0).unwrap_err().argument,
        "variance"
    );
}

/// The law of Σ f(Xᵢ) over n steps from a start law, f with values in 0, 1, ….
fn chain_law(p: &DMatrix<f64>, start: &[f64], f: &[usize], n: usize) -> Vec<f64> {
    let k = start.len();
    let top = f.iter().max().unwrap() * n;
    // probability of (sum, state)
    let mut now = vec![vec![0.0; k]; top + 1];
    for (x, s) in start.iter().enumerate() {
        now[f[x]][x] += s;
    }
    for _ in 1..n {
        let mut next = vec![vec![0.0; k]; top + 1];
        for (sum, row) in now.iter().enumerate() {
            for (x, &w) in row.iter().enumerate().filter(|(_, w)| **w > 0.0) {
                for y in 0..k {
                    if p[(x, y)] > 0.0 {
                        next[sum + f[y]][y] += w * p[(x, y)];
                    }
                }
            }
        }
        now = next;
    }
    now.iter().map(|row| row.iter().sum()).collect()
}

/// The largest `log P − log bound` over thresholds.
fn chain_excess(bound: &dyn TailBound, law: &[f64], mean: f64, n: usize) -> f64 {
    let mut worst = f64::NEG_INFINITY;
    for s in 0..law.len() {
        let t = s as f64 / n as f64 - mean;
        let exact: f64 = law[s..].iter().rev().sum();
        if t > 1e-9 && exact > 0.0 {
            worst = worst.max(exact.ln() - bound.log_tail(n as u64, t).unwrap());
        }
    }
    worst
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn markov_chains_keep_to_hoeffding_with_their_gap(
        weights in prop::collection::vec(0.001..1.0f64, 9), n in 1usize..30, rotation in 0.0..1.0f64
    ) {
        let f = [0usize, 2, 1];
        let range = Bounded::new(0.0, 2.0).unwrap();
        // Reversible: symmetric weights. Heavy diagonals make it slow.
        let w = DMatrix::from_fn(3, 3, |i, j| {
            let (a, b) = (i.min(j), i.max(j));
            weights[3 * a + b].powi(3) * if i == j { 5.0 } else { 1.0 }
        });
        let rows: Vec<f64> = w.row_iter().map(|r| r.sum()).collect();
        let total: f64 = rows.iter().sum();
        let pi: Vec<f64> = rows.iter().map(|r| r / total).collect();
        let p = DMatrix::from_fn(3, 3, |i, j| w[(i, j)] / rows[i]);
        let mean: f64 = pi.iter().zip(f).map(|(p, f)| p * f as f64).sum();
        let chain = ReversibleChain::of_matrix(&p, &pi, range).unwrap();
        let general = GeneralChain::of_matrix(&p, &pi, range).unwrap();
        prop_assert!(general.norm() >= chain.second_eigenvalue() - 1e-12);
        let law = chain_law(&p, &pi, &f, n);
        prop_assert!(chain_excess(&MarkovChainHoeffding::new(chain), &law, mean, n) <= 1e-9);
        prop_assert!(chain_excess(&MarkovChainHoeffding::new(general), &law, mean, n) <= 1e-9);
        // Started at one state.
        for x in 0..3 {
            let mut start = [0.0; 3];
            start[x] = 1.0;
            let law = chain_law(&p, &start, &f, n);
            let bound = MarkovChainHoeffding::new(chain).started_from(1.0 / pi[x]).unwrap();
            prop_assert!(chain_excess(&bound, &law, mean, n) <= 1e-9);
        }
        // Not reversible: a rotation mixed with a reversible doubly stochastic chain.
        let lazy = 0.2 * weights[0];
        let q = DMatrix::from_fn(3, 3, |i, j| {
            let turn = f64::from((i + 1) % 3 == j);
            lazy / 3.0 + (1.0 - lazy) * (rotation * turn + (1.0 - rotation) * f64::from(i == j))
        });
        let third = [1.0 / 3.0; 3];
        let chain = GeneralChain::of_matrix(&q, &third, range).unwrap();
        let law = chain_law(&q, &third, &f, n);
        prop_assert!(chain_excess(&MarkovChainHoeffding::new(chain), &law, 1.0, n) <= 1e-9);
    }
}

#[test]
fn slow_chains_break_the_bound_for_independent_draws() {
    // Power: a chain that stays with probability .95 against Hoeffding without its gap, and with half
    // of the correlation.
    let range = Bounded::new(0.0, 1.0).unwrap();
    let p = DMatrix::from_row_slice(2, 2, &[0.95, 0.05, 0.05, 0.95]);
    let chain = ReversibleChain::of_matrix(&p, &[0.5; 2], range).unwrap();
    assert!((chain.second_eigenvalue() - 0.9).abs() < 1e-13);
    let law = chain_law(&p, &[0.5; 2], &[0, 1], 60);
    let excess = |b: &dyn TailBound| chain_excess(b, &law, 0.5, 60);
    assert!(excess(&MarkovChainHoeffding::new(chain)) < 0.0);
    assert!(excess(&Hoeffding::new(range)) > 1.0);
    let half = ReversibleChain::new(0.45, range).unwrap();
    assert!(excess(&MarkovChainHoeffding::new(half)) > 0.1);
    // Over many correlation times the exponent is right within 1.6: the factor (1 + λ) is needed.
    let law = chain_law(&p, &[0.5; 2], &[0, 1], 600);
    let bound = MarkovChainHoeffding::new(chain);
    assert!(chain_excess(&bound, &law, 0.5, 600) < 0.0);
    assert!(chain_excess(&Sharpened(&bound, 1.6), &law, 0.5, 600) > 1.0);
}

#[test]
fn bad_chains_are_typed_errors() {
    let range = Bounded::new(0.0, 1.0).unwrap();
    let p = DMatrix::from_row_slice(2, 2, &[0.9, 0.1, 0.2, 0.8]);
    let pi = [2.0 / 3.0, 1.0 / 3.0];
    assert!(ReversibleChain::of_matrix(&p, &pi, range).is_ok());
    let name = |p: &DMatrix<f64>, pi: &[f64]| {
        let a = ReversibleChain::of_matrix(p, pi, range)
            .unwrap_err()
            .argument;
        let b = GeneralChain::of_matrix(p, pi, range).unwrap_err().argument;
        assert_eq!(a, b);
        a
    };
    assert_eq!(name(&p, &[0.5, 0.5]), "stationary");
    assert_eq!(name(&p, &[1.0, 0.0]), "stationary");
    assert_eq!(name(&p, &[0.2, 0.1]), "stationary");
    assert_eq!(name(&p, &[1.0]), "transition");
    assert_eq!(name(&(p.clone() * 2.0), &pi), "transition");
    assert_eq!(name(&(p.clone() * 0.5), &pi), "transition");
    // Reducible.
    let identity = DMatrix::identity(2, 2);
    let error = ReversibleChain::of_matrix(&identity, &pi, range).unwrap_err();
    assert_eq!(error.argument, "second_eigenvalue");
    assert_eq!(
        GeneralChain::of_matrix(&identity, &pi, range)
            .unwrap_err()
            .argument,
        "norm"
    );
    // A rotation is stationary but not reversible.
    let turn = DMatrix::from_row_slice(3, 3, &[0., 1., 0., 0., 0., 1., 1., 0., 0.]);
    let third = [1.0 / 3.0; 3];
    assert_eq!(
        ReversibleChain::of_matrix(&turn, &third, range)
            .unwrap_err()
            .argument,
        "transition"
    );
    assert!(ReversibleChain::new(1.0, range).is_err());
    assert!(GeneralChain::new(-0.1, range).is_err());
    let chain = MarkovChainHoeffding::new(ReversibleChain::new(-0.5, range).unwrap());
    assert_eq!(chain.started_from(0.5).unwrap_err().argument, "ratio");
    // Alternating chains are bounded as independent draws are.
    let plain = Hoeffding::new(range).log_tail(10, 0.2).unwrap();
    assert!((chain.log_tail(10, 0.2).unwrap() / plain - 1.0).abs() < 1e-15);
}

#[test]
fn bad_arguments_are_typed_errors_that_name_them() {
    let nan = f64::NAN;
    let bound = Hoeffding::new(Bounded::new(0.0, 1.0).unwrap());
    let of = |e: Result<f64, ArgumentError>| e.unwrap_err().argument;
    assert_eq!(of(bound.log_tail(0, 0.1)), "n");
    assert_eq!(of(bound.tail((1 << 53) + 1, 0.1)), "n");
    for t in [-0.1, nan, f64::INFINITY] {
        assert_eq!(of(bound.log_tail(1, t)), "t");
    }
    for confidence in [0.0, 1.0, -1.0, 2.0, nan] {
        assert_eq!(of(bound.radius(5, confidence)), "confidence");
        assert_eq!(
            bound.sample_size(0.1, confidence).unwrap_err().argument,
            "confidence"
        );
    }
    assert_eq!(of(bound.radius(0, 0.9)), "n");
    for log_risk in [0.0, 0.5, nan, f64::NEG_INFINITY] {
        assert_eq!(of(bound.radius_at(5, log_risk)), "log_risk");
        assert_eq!(
            bound.sample_size_at(0.1, log_risk).unwrap_err().argument,
            "log_risk"
        );
    }
    for t in [0.0, -1.0, nan, 1e-300] {
        assert_eq!(bound.sample_size(t, 0.9).unwrap_err().argument, "t");
    }
    // Markov's inequality does not care for n.
    let markov = Markov::new(NonNegative::new(1.0).unwrap());
    assert_eq!(markov.sample_size(9.0, 0.9 - 1e-12).unwrap(), 1);
    assert_eq!(markov.sample_size(8.9, 0.9).unwrap_err().argument, "t");
    let unit = Bounded::new(0.0, 1.0).unwrap();
    let names = [
        Bounded::new(1.0, 1.0).unwrap_err().argument,
        Bounded::new(nan, 1.0).unwrap_err().argument,
        Bounded::new(-f64::MAX, f64::MAX).unwrap_err().argument,
        BoundedMean::new(unit, 1.1).unwrap_err().argument,
        BoundedMean::unit(-0.1).unwrap_err().argument,
        BoundedAbove::new(1.0, -1.0).unwrap_err().argument,
        BoundedDeviation::new(1.0, 1.1).unwrap_err().argument,
        BoundedDeviation::in_range(unit, 0.26).unwrap_err().argument,
        FiniteVariance::new(-1.0).unwrap_err().argument,
        NonNegative::new(nan).unwrap_err().argument,
        SubGaussian::new(0.0).unwrap_err().argument,
        SubGamma::new(1.0, -1.0).unwrap_err().argument,
        SubExponential::new(1.0, 0.0).unwrap_err().argument,
        Lipschitz::new(1.0, nan).unwrap_err().argument,
        BoundedDifferences::new(&[]).unwrap_err().argument,
        BoundedDifferences::new(&[-1.0]).unwrap_err().argument,
        BoundedDifferences::uniform(1.0, 0).unwrap_err().argument,
    ];
    let expected = [
        "upper",
        "lower",
        "upper",
        "mean",
        "p",
        "variance",
        "variance",
        "variance",
        "variance",
        "mean",
        "variance_proxy",
        "scale",
        "scale",
        "standard_deviation",
        "differences",
        "differences",
        "n",
    ];
    assert_eq!(names, expected);
    let empirical = MaurerPontil::new(unit);
    assert_eq!(of(empirical.radius(1, 0.0, 0.9)), "n");
    assert_eq!(of(empirical.radius(10, 0.3, 0.9)), "variance");
    assert_eq!(of(empirical.radius(10, 0.1, 1.0)), "confidence");
    assert_eq!(of(empirical.log_tail(10, 0.1, -1.0)), "t");
    assert_eq!(
        empirical.interval(&[0.5, 1.5], 0.9).unwrap_err().argument,
        "observations"
    );
    assert_eq!(empirical.interval(&[0.5], 0.9).unwrap_err().argument, "n");
    assert_eq!(
        empirical.sample_size(0.3, 0.1, 0.9).unwrap_err().argument,
        "variance"
    );
    assert_eq!(
        chernoff_interval(unit, 1.5, 3, 0.9).unwrap_err().argument,
        "mean"
    );
    assert_eq!(
        chernoff_interval(unit, 0.5, 0, 0.9).unwrap_err().argument,
        "n"
    );
}

#[test]
fn the_mirror_image_of_a_law_has_the_reflected_bound() {
    let law = Law::new(&[5.0, 2.0, 1.0, 0.5]);
    let mirrored = law.mirrored();
    let range = Bounded::new(0.0, 3.0).unwrap();
    let chernoff = Chernoff::new(BoundedMean::new(range, law.mean()).unwrap());
    let (excess, _) = worst(&chernoff.reflected(), &mirrored, 12);
    assert!(excess <= 0.0);
    // Power: it is wrong for the law itself.
    let (wrong, _) = worst(&chernoff.reflected(), &law, 12);
    assert!(wrong > 0.1, "{wrong}");
}

#[test]
fn a_negative_zero_is_a_zero() {
    let unit = Bounded::new(0.0, 1.0).unwrap();
    assert_eq!(
        bernoulli_divergence_upper(-0.0, 0.1),
        bernoulli_divergence_upper(0.0, 0.1)
    );
    assert_eq!(bernoulli_divergence_lower(-0.0, 0.1).unwrap(), 0.0);
    assert_eq!(
        chernoff_interval(unit, -0.0, 9, 0.9).unwrap().interval,
        chernoff_interval(unit, 0.0, 9, 0.9).unwrap().interval
    );
    assert_eq!(Hoeffding::new(unit).log_tail(3, -0.0).unwrap(), 0.0);
}

#[test]
fn extreme_scales_are_refused_or_keep_their_digits() {
    for (lower, upper) in [(0.0, 1e-200), (-1e200, 0.0), (1e300, 1e300f64.next_up())] {
        assert_eq!(Bounded::new(lower, upper).unwrap_err().argument, "upper");
    }
    for range in [1.1e-150, 0.9e150] {
        let bounded = Bounded::new(0.0, range).unwrap();
        let (a, b) = (SubGaussian::bounded(bounded), Hoeffding::new(bounded));
        assert_eq!(a.log_tail(3, 0.0).unwrap(), 0.0);
        let (a, b) = (
            a.log_tail(3, 0.3 * range).unwrap(),
            b.log_tail(3, 0.3 * range).unwrap(),
        );
        assert!((a / b - 1.0).abs() < 1e-14 && (b + 0.54).abs() < 1e-14);
    }
    // A limit that hardly matters leaves the normal tail.
    for limit in [1e-12, 1e-160, 1e-200, 1e-300] {
        let log = Bennett::new(BoundedAbove::new(limit, 1.0).unwrap())
            .log_tail(4, 1.0)
            .unwrap();
        assert!((log + 2.0).abs() < 1e-11, "{log} with c = {limit}");
    }
    // Both sides of where the form of h changes: h(u)/u² = 1/2 − u/6 + u²/12 − …
    for u in [0.9e-9f64, 1.1e-9, 1e-7] {
        let log = Bennett::new(BoundedAbove::new(u, 1.0).unwrap())
            .log_tail(1, 1.0)
            .unwrap();
        let exact = 0.5 - u / 6.0 + u * u / 12.0;
        assert!((-log / exact - 1.0).abs() < 1e-15, "{log} at u = {u}");
    }
    // Variances whose squares are no numbers.
    let log = |v: i32, t: i32| {
        let two = |k: i32| f64::from(k).exp2();
        SubGamma::new(two(v), 0.0)
            .unwrap()
            .log_tail(1, two(t))
            .unwrap()
    };
    assert!((log(-1070, -530) / -512.0 - 1.0).abs() < 1e-14);
    assert!((log(1000, 480) / -(-41f64).exp2() - 1.0).abs() < 1e-14);
}

#[test]
fn a_mean_at_an_end_of_the_range_is_certain_up_to_rounding() {
    let far = Bounded::new(1000.0, 1001.0).unwrap();
    for mean in [1000.0, 1001.0] {
        let known = Chernoff::new(BoundedMean::new(far, mean).unwrap());
        for bound in [known, known.reflected()] {
            assert_eq!(bound.log_tail(5, 1e-13).unwrap(), 0.0);
            assert_eq!(bound.log_tail(5, 1e-11).unwrap(), f64::NEG_INFINITY);
        }
    }
}

#[test]
fn the_intrinsic_matrix_bound_is_above_what_its_proof_gives() {
    // P(λ ≥ t) ≤ intdim e^{−a/2} e^a/(e^a − a − 1)·e^{−a/2} with a = θt, θ = t/(v + Lt/3): the factor is
    // below 1 + 3/a², and a ≥ 1 from t = √v + L/3 on.
    for limit in [1e-9, 0.3, 1.0, 20.0] {
        for n in [1u64, 7, 1000] {
            let matrix = BoundedMatrix::symmetric(50, limit, 2.0).unwrap();
            let bound = IntrinsicMatrixBernstein::new(matrix, 6.0).unwrap();
            let nf = n as f64;
            let from = (2.0 / nf).sqrt() + limit / (3.0 * nf);
            assert_eq!(bound.evaluate(nf, from * (1.0 - 1e-12)).unwrap(), 0.0);
            let mut tightest = f64::INFINITY;
            for step in 0..200 {
                let t = from * (1.0 + 1e-12 + 0.02 * f64::from(step));
                let a = nf * t * t / (2.0 + limit * t / 3.0);
                assert!(a >= 1.0 - 1e-9, "{a}");
                let proof = 3f64.ln() - 0.5 * a - f64::ln(1.0 - (a + 1.0) * (-a).exp());
                let excess = bound.evaluate(nf, t).unwrap() - proof;
                assert!(excess >= 0.0, "{excess} at a = {a}");
                tightest = tightest.min(excess);
            }
            // 4 against e/(e − 2) = 3.78 where a = 1.
            assert!(limit > 1e-8 || tightest < 0.06, "{tightest}");
        }
    }
    // No trace below the norm, in however many dimensions.
    let huge = BoundedMatrix::symmetric(1 << 50, 1.0, 1.0).unwrap();
    for trace in [0.0, 0.999, -1.0, f64::NAN] {
        let error = IntrinsicMatrixBernstein::new(huge, trace).unwrap_err();
        assert_eq!(error.argument, "trace");
    }
    let rounded = IntrinsicMatrixBernstein::new(huge, 1.0 - 1e-14).unwrap();
    assert_eq!(rounded.intrinsic_dimension(), 1.0);
}

#[test]
fn rare_states_have_to_be_in_balance_too() {
    // Three states of probability 1e-12 that turn in a circle: every net flow is tiny, and a function
    // of them alone sees no reversible chain.
    let (rare, range) = (1e-12, Bounded::new(0.0, 1.0).unwrap());
    let common = 1.0 - 3.0 * rare;
    let enter = 0.5 * rare / common;
    let p = DMatrix::from_fn(4, 4, |i, j| match (i, j) {
        (0, 0) => 1.0 - 3.0 * enter,
        (0, _) => enter,
        (1, 2) | (2, 3) | (3, 1) | (_, 0) => 0.5,
        _ => 0.0,
    });
    let law = [common, rare, rare, rare];
    let error = ReversibleChain::of_matrix(&p, &law, range).unwrap_err();
    assert_eq!(error.argument, "transition");
    let general = GeneralChain::of_matrix(&p, &law, range).unwrap();
    assert!((general.norm() - 0.5).abs() < 1e-6, "{}", general.norm());
    // Nor is a law stationary that is off by a multiple of its own on such a state.
    let off = [common, 1.5 * rare, 0.5 * rare, rare];
    let error = GeneralChain::of_matrix(&p, &off, range).unwrap_err();
    assert_eq!(error.argument, "stationary");
}

#[test]
fn small_deviations_of_families_keep_their_digits() {
    let coin = FamilyChernoff::new(Member::from_mean(Bernoulli, [0.3]).unwrap()).unwrap();
    let direct = Chernoff::new(BoundedMean::unit(0.3).unwrap());
    let poisson = FamilyChernoff::new(Member::from_mean(Poisson, [3.0]).unwrap()).unwrap();
    let t = (-22f64).exp2();
    let ratio = coin.log_tail(1000, t).unwrap() / direct.log_tail(1000, t).unwrap();
    assert!((ratio - 1.0).abs() < 1e-8, "{ratio}");
    // μ h(t/μ) = t²/2μ − t³/6μ² + …
    let exact = t * t / 6.0 - t * t * t / 54.0;
    let ratio = -poisson.log_tail(1, t).unwrap() / exact;
    assert!((ratio - 1.0).abs() < 1e-8, "{ratio}");
}

#[test]
fn bands_and_matrix_bounds_have_the_constants_that_they_state() {
    // √(log(2/.05)/200) = .13581 around 50 of 100.
    let band = Band::new((0..100).map(f64::from).collect(), 0.95).unwrap();
    assert!((band.radius() - (40f64.ln() / 200.0).sqrt()).abs() < 1e-15);
    let at = band.distribution_function(49.5).unwrap();
    assert!((at.lower - 0.5 + band.radius()).abs() < 1e-15);
    assert!((at.upper - 0.5 - band.radius()).abs() < 1e-15);
    // The 37th and the 64th draw: the first with .3642 and .6358 of all at or below it.
    let median = band.quantile(0.5).unwrap();
    assert_eq!((median.lower, median.upper), (36.0, 63.0));
    let low = band.quantile(0.1).unwrap();
    assert_eq!((low.lower, low.upper), (f64::NEG_INFINITY, 23.0));
    let high = band.quantile(0.9).unwrap();
    assert_eq!((high.lower, high.upper), (76.0, f64::INFINITY));
    // exp(−nt²/2L²σ²) with L = 3, σ = ½; a range of 2 as the limit.
    let lipschitz = GaussianLipschitz::new(Lipschitz::new(3.0, 0.5).unwrap());
    assert!((lipschitz.log_tail(9, 0.5).unwrap() + 0.5).abs() < 1e-15);
    let wide = Bounded::new(-1.0, 1.0).unwrap();
    assert_eq!(
        BoundedDeviation::in_range(wide, 0.1).unwrap(),
        BoundedDeviation::new(2.0, 0.1).unwrap()
    );
    // Rows and columns both count: log 8 − 100·.09/2(.5 + .4/3·.3).
    let matrix = BoundedMatrix::rectangular(3, 5, 0.4, 0.5).unwrap();
    let log = MatrixBernstein::new(matrix).log_tail(100, 0.3).unwrap();
    assert!((log - 8f64.ln() + 4.5 / 0.54).abs() < 1e-13, "{log}");
    let tall = DMatrix::from_element(4, 1, 0.5); // AᵀA = 1
    let series = MatrixSeries::rectangular(&[tall.clone(), tall]).unwrap();
    assert!((series.variance() - 2.0).abs() < 1e-14 && (series.trace() - 4.0).abs() < 1e-14);
    assert!((series.log_tail(3, 2.0).unwrap() - 5f64.ln() + 3.0).abs() < 1e-13);
}
