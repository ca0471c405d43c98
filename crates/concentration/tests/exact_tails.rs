//! Exact tails of random laws against every bound whose assumptions they meet.

use ergodic_concentration::inequality::{
    Bennett, Bernstein, Bounded, BoundedAbove, BoundedMean, Cantelli, Chebyshev, Chernoff,
    FiniteVariance, Hoeffding, Markov, NonNegative, TailBound,
};
use ergodic_concentration::{CumulantGenerating, LatticeLaw, LatticeSum, Tail, large_deviation};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// For every law on a lattice, size and threshold: the exact tail is below all bounds, and these are in the
    /// order of what they know.
    #[test]
    fn exact_tails_are_below_every_applicable_bound(
        weights in prop::collection::vec(0.0001f64..1.0, 2..9),
        origin in -3.0f64..3.0,
        spacing in 0.1f64..2.0,
        n in 1u64..400,
        place in 0.001f64..1.0,
    ) {
        let total: f64 = weights.iter().sum();
        let p: Vec<f64> = weights.iter().map(|w| w / total).collect();
        let law = LatticeLaw::new(origin, spacing, &p).unwrap();
        let (support, c) = (law.support(), law.cumulants(0.0).unwrap());
        let x = c.mean + place * (support.upper - c.mean);
        let t = x - c.mean;
        let sums = LatticeSum::new(law.clone(), n).unwrap();
        let exact = sums.at_least(x * n as f64).unwrap().log_probability;
        let found = large_deviation(&law, n, x, Tail::AtLeast).unwrap();
        let range = Bounded::new(support.lower, support.upper).unwrap();
        let spread = FiniteVariance::new(c.variance).unwrap();
        let above = BoundedAbove::new(support.upper - c.mean, c.variance).unwrap();
        let known = BoundedMean::new(range, c.mean).unwrap();
        let chernoff = Chernoff::new(known).log_tail(n, t).unwrap();
        let hoeffding = Hoeffding::new(range).log_tail(n, t).unwrap();
        let bennett = Bennett::new(above).log_tail(n, t).unwrap();
        let bernstein = Bernstein::new(above).log_tail(n, t).unwrap();
        let cantelli = Cantelli::new(spread).log_tail(n, t).unwrap();
        let chebyshev = Chebyshev::new(spread).log_tail(n, t).unwrap();
        let slack = 1e-9 * (1.0 + exact.abs());
        for (tighter, wider) in [
            (exact, found.log_chernoff),
            (found.log_chernoff, chernoff),
            (found.log_chernoff, bennett),
            (chernoff, hoeffding),
            (bennett, bernstein),
            (exact, cantelli),
            (cantelli, chebyshev),
        ] {
            prop_assert!(tighter <= wider + slack, "{tighter} {wider}");
        }
        // Markov's, of the law moved to start at 0.
        let mean = c.mean - support.lower;
        let markov = Markov::new(NonNegative::new(mean).unwrap()).log_tail(n, t).unwrap();
        prop_assert!(exact <= markov + slack);
    }
}
