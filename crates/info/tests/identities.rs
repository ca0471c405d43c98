//! The identities and bounds of information theory on random laws, tables and channels.
//!
//! Laws have zeros, ties and probabilities down to e⁻³⁰ among generic ones. Tolerances are
//! absolute, some hundred roundings of the amounts (of order 1) that are compared.

use ergodic_info::{
    Bhattacharyya, Bregman, ChernoffInformation, ChiSquared, CoInformation, Convex, CrossEntropy,
    Divergence, DualTotalCorrelation, Entropy, Hellinger, JensenShannon, KullbackLeibler,
    LogSumExp, MarginalEntropies, MarkovChain, MaxEntropy, MinEntropy, MutualInformation,
    NegativeEntropy, NegativeLogarithm, OInformation, Probabilities, Renyi, RenyiDivergence,
    SInformation, Shannon, SquaredHellinger, SquaredNorm, Table, TotalCorrelation, TotalVariation,
    TransferEntropy, Tsallis, TsallisDivergence, Variables, VariationOfInformation, generators,
};
use nalgebra::DMatrix;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const TOLERANCE: f64 = 3e-14;
const ORDERS: [f64; 9] = [0.0, 0.2, 0.5, 0.9, 1.0, 1.1, 2.0, 7.0, f64::INFINITY];

fn config() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(20),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Weights with zeros, ties and tiny ones; one is positive.
fn weights(n: usize) -> impl Strategy<Value = Vec<f64>> + Clone {
    let weight = prop_oneof![
        2 => Just(0.0),
        2 => Just(0.5),
        6 => 1e-3..1.0f64,
        1 => (-30.0..0.0f64).prop_map(f64::exp),
    ];
    (proptest::collection::vec(weight, n), 0..n).prop_map(|(mut w, i)| {
        if w.iter().all(|w| *w == 0.0) {
            w[i] = 1.0;
        }
        w
    })
}

fn law(n: usize) -> impl Strategy<Value = Probabilities> + Clone {
    weights(n).prop_map(|w| Probabilities::from_weights(w).unwrap())
}

fn two_laws() -> impl Strategy<Value = (Probabilities, Probabilities)> {
    (1usize..7).prop_flat_map(|n| (law(n), law(n)))
}

/// A stochastic matrix, with zeros.
fn channel(rows: usize, columns: usize) -> impl Strategy<Value = DMatrix<f64>> {
    proptest::collection::vec(law(columns), rows).prop_map(move |laws| {
        let entries = laws.iter().flat_map(|law| law.as_slice().iter().copied());
        DMatrix::from_row_iterator(rows, columns, entries)
    })
}

const NAMES: [&str; 4] = ["x", "y", "z", "w"];

/// Tables of this many variables of one to three values.
fn table(variables: usize) -> impl Strategy<Value = Table> {
    proptest::collection::vec(1usize..4, variables).prop_flat_map(|shape| {
        weights(shape.iter().product()).prop_map(move |w| {
            let described: Vec<(&str, usize)> = NAMES.into_iter().zip(shape.clone()).collect();
            Table::from_weights(&described, w).unwrap()
        })
    })
}

/// The law that a channel makes of another.
fn pushed(p: &Probabilities, channel: &DMatrix<f64>) -> Probabilities {
    let out: Vec<f64> = (0..channel.ncols())
        .map(|y| {
            (0..p.len())
                .map(|x| p.as_slice()[x] * channel[(x, y)])
                .sum()
        })
        .collect();
    Probabilities::from_weights(out).unwrap()
}

fn mixture(w: f64, p: &Probabilities, q: &Probabilities) -> Probabilities {
    let pairs = p.as_slice().iter().zip(q.as_slice());
    let mixed: Vec<f64> = pairs.map(|(p, q)| w * p + (1.0 - w) * q).collect();
    Probabilities::from_weights(mixed).unwrap()
}

fn h(p: &Probabilities) -> f64 {
    Shannon.of(p).nats()
}

fn kl(p: &Probabilities, q: &Probabilities) -> f64 {
    KullbackLeibler.between(p, q).unwrap().nats()
}

fn renyi(order: f64, p: &Probabilities, q: &Probabilities) -> f64 {
    let measure = RenyiDivergence::new(order).unwrap();
    measure.between(p, q).unwrap().nats()
}

fn mean(p: &Probabilities, f: impl Fn(usize) -> f64) -> f64 {
    let positive = p.as_slice().iter().enumerate().filter(|(_, p)| **p > 0.0);
    positive.map(|(i, p)| p * f(i)).sum()
}

/// Close, or infinite both.
fn same(a: f64, b: f64) -> Result<(), TestCaseError> {
    let scale = 1.0 + b.abs();
    prop_assert!(
        a == b || (a - b).abs() <= TOLERANCE * scale,
        "{} is not {}",
        a,
        b
    );
    Ok(())
}

fn at_most(a: f64, b: f64) -> Result<(), TestCaseError> {
    let scale = if b.is_finite() { 1.0 + b.abs() } else { 1.0 };
    prop_assert!(a <= b + TOLERANCE * scale, "{} is above {}", a, b);
    Ok(())
}

fn single(i: usize) -> Variables {
    Variables::single(i).unwrap()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn entropies_lie_between_zero_and_their_support_and_fall_with_the_order(p in (1usize..9).prop_flat_map(law)) {
        let support = p.as_slice().iter().filter(|p| **p > 0.0).count() as f64;
        let mut above = support.ln();
        for order in ORDERS {
            let entropy = Renyi::new(order).unwrap().of(&p).nats();
            prop_assert!(entropy >= 0.0);
            at_most(entropy, above)?;
            above = entropy;
            if order.is_finite() {
                let tsallis = Tsallis::new(order).unwrap().of(&p);
                // S_q = (exp((1 − q) H_q) − 1)/(1 − q)
                let expected = if order == 1.0 { entropy } else {
                    ((1.0 - order) * entropy).exp_m1() / (1.0 - order)
                };
                prop_assert!(tsallis >= 0.0);
                same(tsallis, expected)?;
            }
        }
        same(h(&p), Renyi::new(1.0).unwrap().of(&p).nats())?;
        same(MaxEntropy.of(&p).nats(), support.ln())?;
        same(MinEntropy.of(&p).nats(), above)?;
        at_most(Renyi::new(2.0).unwrap().of(&p).nats(), 2.0 * above)?;
    }

    #[test]
    fn entropy_is_concave((p, q) in two_laws(), w in 0.0..1.0f64) {
        let mixed = mixture(w, &p, &q);
        at_most(w * h(&p) + (1.0 - w) * h(&q), h(&mixed))?;
        // The gap is the Jensen–Shannon divergence.
        let gap = JensenShannon::weighted(w).unwrap().between(&p, &q).unwrap().nats();
        same(gap, h(&mixed) - w * h(&p) - (1.0 - w) * h(&q))?;
    }

    #[test]
    fn independent_parts_add_up((p, q) in (law(4), law(3)), (r, s) in (law(4), law(3))) {
        let table = |p: &Probabilities, q: &Probabilities| {
            let x = Table::new(&[("x", 4)], p.as_slice()).unwrap();
            let y = Table::new(&[("y", 3)], q.as_slice()).unwrap();
            Table::product(&[&x, &y]).unwrap()
        };
        let (joint, other) = (table(&p, &q), table(&r, &s));
        for order in ORDERS {
            let renyi_of = |p: &Probabilities| Renyi::new(order).unwrap().of(p).nats();
            same(renyi_of(joint.probabilities()), renyi_of(&p) + renyi_of(&q))?;
            let d = renyi(order, joint.probabilities(), other.probabilities());
            same(d, renyi(order, &p, &r) + renyi(order, &q, &s))?;
            if order.is_finite() {
                let s = |p: &Probabilities| Tsallis::new(order).unwrap().of(p);
                same(s(joint.probabilities()), s(&p) + s(&q) + (1.0 - order) * s(&p) * s(&q))?;
            }
        }
    }

    #[test]
    fn conditional_entropies_obey_the_chain_rule_and_never_exceed_the_marginal(t in table(3)) {
        let (x, y, z) = (single(0), single(1), single(2));
        let joint = |v: Variables| Shannon.joint(&t, v).unwrap().nats();
        let given = |v: Variables, g: Variables| Shannon.conditional(&t, v, g).unwrap().nats();
        same(joint(x.union(y)), joint(y) + given(x, y))?;
        same(given(x.union(y), z), given(y, z) + given(x, y.union(z)))?;
        prop_assert!(given(x, y) >= 0.0);
        at_most(given(x, y.union(z)), given(x, y))?;
        at_most(given(x, y), joint(x))?;
        for order in ORDERS {
            let renyi = Renyi::new(order).unwrap();
            let left = renyi.conditional(&t, x, y).unwrap().nats();
            prop_assert!(left >= 0.0);
            at_most(left, renyi.joint(&t, x).unwrap().nats())?;
            at_most(renyi.conditional(&t, x, y.union(z)).unwrap().nats(), left)?;
            if order.is_finite() {
                let tsallis = Tsallis::new(order).unwrap();
                let s = |v: Variables| tsallis.joint(&t, v).unwrap();
                let chain = s(y) + tsallis.conditional(&t, x, y).unwrap();
                same(s(x.union(y)), chain)?;
            }
        }
        // Arimoto: α/(1 − α) log Σ_y (Σ_x p(x, y)^α)^{1/α}; order ∞: −log Σ_y max_x p(x, y).
        let columns = t.marginal(x.union(y)).unwrap().ordered(["y", "x"]).unwrap();
        let size = t.size(x).unwrap();
        for order in [0.2, 0.5, 0.9, 1.1, 2.0, 7.0f64] {
            let norms = columns.probabilities().as_slice().chunks(size).map(|row| {
                row.iter().map(|p| p.powf(order)).sum::<f64>().powf(1.0 / order)
            });
            let expected = order / (1.0 - order) * norms.sum::<f64>().ln();
            let found = Renyi::new(order).unwrap().conditional(&t, x, y).unwrap().nats();
            prop_assert!((found - expected).abs() <= 1e-12, "{} {}", found, expected);
        }
        let guesses = columns.probabilities().as_slice().chunks(size);
        let guess: f64 = guesses.map(|row| row.iter().fold(0.0, |m: f64, p| m.max(*p))).sum();
        same(MinEntropy.conditional(&t, x, y).unwrap().nats(), -guess.ln())?;
        same(MinEntropy.conditional(&t, x, Variables::EMPTY).unwrap().nats(),
             MinEntropy.joint(&t, x).unwrap().nats())?;
    }

    #[test]
    fn divergences_bound_each_other((p, q) in two_laws()) {
        let d = kl(&p, &q);
        let tv = TotalVariation.between(&p, &q).unwrap();
        let square = SquaredHellinger.between(&p, &q).unwrap();
        let js = JensenShannon::equal().between(&p, &q).unwrap().nats();
        let chi = ChiSquared.between(&p, &q).unwrap();
        let overlap = Bhattacharyya.coefficient(&p, &q).unwrap();
        prop_assert!(d >= 0.0 && tv >= 0.0 && square >= 0.0 && js >= 0.0 && chi >= 0.0);
        at_most(tv, (0.5 * d).sqrt())?; // Pinsker
        at_most(tv, (-(-d).exp_m1()).sqrt())?; // Bretagnolle–Huber
        at_most(d, chi.ln_1p())?;
        at_most(square, tv)?;
        at_most(1.0 - (1.0 - (tv * tv).min(1.0)).sqrt(), square)?;
        at_most(js, std::f64::consts::LN_2 * tv)?; // Lin
        at_most(2.0 * square, d)?;
        let half = TsallisDivergence::new(0.5).unwrap().between(&p, &q).unwrap();
        same(half, 2.0 * square)?;
        at_most(-2.0 * overlap.ln(), d)?;
        same(1.0 - overlap, square)?;
        same(Hellinger.between(&p, &q).unwrap().powi(2), square)?;
        same(CrossEntropy.between(&p, &q).unwrap().nats(), h(&p) + d)?;
        same(JensenShannon::equal().between(&q, &p).unwrap().nats(), js)?;
        same(TotalVariation.between(&q, &p).unwrap(), tv)?;
        // And through the mixture.
        let m = mixture(0.5, &p, &q);
        same(0.5 * (kl(&p, &m) + kl(&q, &m)), js)?;
    }

    #[test]
    fn renyi_divergence_grows_with_the_order_and_is_skew_symmetric((p, q) in two_laws()) {
        let mut below = 0.0;
        for order in ORDERS {
            let d = renyi(order, &p, &q);
            prop_assert!(d >= 0.0, "order {}: {}", order, d);
            at_most(below, d)?;
            below = d;
            if order.is_finite() && order != 1.0 {
                let tsallis = TsallisDivergence::new(order).unwrap().between(&p, &q).unwrap();
                let expected = ((order - 1.0) * d).exp_m1() / (order - 1.0);
                if expected < 1e300 {
                    prop_assert!((tsallis - expected).abs() <= 1e-12 * (1.0 + expected),
                        "order {}: {} {}", order, tsallis, expected);
                }
            }
            if order > 0.0 && order < 1.0 {
                same((1.0 - order) * d, order * renyi(1.0 - order, &q, &p))?;
            }
        }
        same(renyi(0.5, &p, &q), 2.0 * Bhattacharyya.between(&p, &q).unwrap().nats())?;
        same(renyi(2.0, &p, &q), ChiSquared.between(&p, &q).unwrap().ln_1p())?;
        same(renyi(1.0, &p, &q), kl(&p, &q))?;
    }

    #[test]
    fn no_channel_raises_a_divergence(
        (p, q, channel) in (1usize..6, 1usize..6)
            .prop_flat_map(|(n, m)| (law(n), law(n), channel(n, m))),
    ) {
        let (a, b) = (pushed(&p, &channel), pushed(&q, &channel));
        for order in ORDERS {
            at_most(renyi(order, &a, &b), renyi(order, &p, &q))?;
        }
        macro_rules! falls {
            ($($measure:expr),* $(,)?) => {$(
                at_most($measure.between(&a, &b).unwrap(), $measure.between(&p, &q).unwrap())?;
            )*};
        }
        falls!(
            ChiSquared, Hellinger, SquaredHellinger, TotalVariation,
            TsallisDivergence::new(0.3).unwrap(), TsallisDivergence::new(3.0).unwrap(),
            generators::kullback_leibler(), generators::reverse_kullback_leibler(),
            generators::chi_squared(), generators::total_variation(),
            generators::squared_hellinger(), generators::jensen_shannon(),
            generators::jeffreys(), generators::tsallis(1.5).unwrap(),
        );
        let chernoff = |p, q| ChernoffInformation.between(p, q).unwrap().nats();
        at_most(chernoff(&a, &b), chernoff(&p, &q))?;
        let js = |p, q| JensenShannon::weighted(0.3).unwrap().between(p, q).unwrap().nats();
        at_most(js(&a, &b), js(&p, &q))?;
    }

    #[test]
    fn chernoff_information_is_half_way_between_the_laws((p, q) in two_laws()) {
        let best = ChernoffInformation.optimum(&p, &q).unwrap();
        let (value, s) = (best.information.nats(), best.exponent);
        at_most(Bhattacharyya.between(&p, &q).unwrap().nats(), value)?;
        at_most(value, kl(&p, &q).min(kl(&q, &p)))?;
        same(ChernoffInformation.between(&q, &p).unwrap().nats(), value)?;
        if s > 0.0 && s < 1.0 && value.is_finite() && value > 1e-3 {
            // The law ∝ p^s q^{1−s} is equally far from both: by the information.
            let pairs = p.as_slice().iter().zip(q.as_slice());
            let tilted: Vec<f64> = pairs.map(|(p, q)| p.powf(s) * q.powf(1.0 - s)).collect();
            let middle = Probabilities::from_weights(tilted).unwrap();
            prop_assert!((kl(&middle, &p) - value).abs() < 1e-9);
            prop_assert!((kl(&middle, &q) - value).abs() < 1e-9);
        }
    }

    #[test]
    fn donsker_and_varadhan_bound_relative_entropy_and_attain_it(
        (p, q, g) in (1usize..7).prop_flat_map(|n| {
            (law(n), law(n), proptest::collection::vec(-3.0..3.0f64, n))
        }),
    ) {
        // sup_g E_P g − log E_Q e^g = KL, attained at g = log p/q.
        let bound = |g: &dyn Fn(usize) -> f64| mean(&p, g) - mean(&q, |i| g(i).exp()).ln();
        let d = kl(&p, &q);
        at_most(bound(&|i| g[i]), d)?;
        if d.is_finite() {
            let (p, q) = (p.as_slice(), q.as_slice());
            let log = |i: usize| if p[i] > 0.0 { (p[i] / q[i]).ln() } else { f64::NEG_INFINITY };
            same(bound(&log), d)?;
        }
        // log E_Q e^g = max_P E_P g − KL(P‖Q), attained at P ∝ q e^g.
        let free = mean(&q, |i| g[i].exp()).ln();
        at_most(mean(&p, |i| g[i]) - d, free)?;
        let tilted: Vec<f64> = q.as_slice().iter().zip(&g).map(|(q, g)| q * g.exp()).collect();
        let best = Probabilities::from_weights(tilted).unwrap();
        same(mean(&best, |i| g[i]) - kl(&best, &q), free)?;
    }

    #[test]
    fn relative_entropy_obeys_the_chain_rule(
        (n, m) in (1usize..4, 1usize..4),
        p in weights(9), q in weights(9),
    ) {
        let (x, y) = (single(0), single(1));
        let shape = [("x", n), ("y", m)];
        let cut = |w: &[f64]| w[..n * m].iter().map(|w| w + 1e-6).collect::<Vec<_>>();
        let joint = Table::from_weights(&shape, cut(&p)).unwrap();
        let other = Table::from_weights(&shape, cut(&q)).unwrap();
        let of = |t: &Table| t.marginal(x).unwrap().probabilities().clone();
        let (a, b) = (joint.channel(x, y).unwrap(), other.channel(x, y).unwrap());
        let row = |m: &DMatrix<f64>, i: usize| {
            Probabilities::new(m.row(i).iter().copied().collect::<Vec<_>>()).unwrap()
        };
        let given = mean(&of(&joint), |i| kl(&row(&a, i), &row(&b, i)));
        same(kl(joint.probabilities(), other.probabilities()), kl(&of(&joint), &of(&other)) + given)?;
    }

    #[test]
    fn mutual_information_is_what_entropies_say(t in table(4)) {
        let (x, y, z) = (single(0), single(1), single(2));
        let joint = |v: Variables| Shannon.joint(&t, v).unwrap().nats();
        let mutual = |a: Variables, b: Variables| MutualInformation::new(a, b).of(&t).unwrap().nats();
        let given = |a: Variables, b: Variables, c: Variables| {
            MutualInformation::new(a, b).given(c).of(&t).unwrap().nats()
        };
        let i = mutual(x, y);
        prop_assert!(i >= 0.0 && given(x, y, z) >= 0.0);
        same(i, joint(x) + joint(y) - joint(x.union(y)))?;
        same(i, mutual(y, x))?;
        at_most(i, joint(x).min(joint(y)))?;
        same(mutual(x, x), joint(x))?;
        let c = joint(x.union(z)) + joint(y.union(z)) - joint(x.union(y).union(z)) - joint(z);
        same(given(x, y, z), c)?;
        same(mutual(x, y.union(z)), i + given(x, z, y))?;
        let vi = VariationOfInformation::new(x, y).of(&t).unwrap().nats();
        same(vi, joint(x.union(y)) - i)?;
        // The divergence from independence.
        let pair = t.marginal(x.union(y)).unwrap();
        let parts = [pair.marginal(x).unwrap(), pair.marginal(y).unwrap()];
        let product = Table::product(&[&parts[0], &parts[1]]).unwrap();
        same(i, kl(pair.probabilities(), product.probabilities()))?;
        // And among the laws of y given x.
        let rows = pair.channel(x, y).unwrap();
        let laws: Vec<Probabilities> = rows
            .row_iter()
            .map(|row| Probabilities::new(row.iter().copied().collect::<Vec<_>>()).unwrap())
            .collect();
        let among = JensenShannon::among(parts[0].probabilities(), &laws).unwrap();
        same(among.nats(), i)?;
    }

    #[test]
    fn processing_data_loses_information(
        (t, channel) in table(2).prop_flat_map(|t| {
            let rows = t.shape()[1];
            (Just(t), (1usize..4).prop_flat_map(move |m| channel(rows, m)))
        }),
    ) {
        let (x, y, z) = (single(0), single(1), single(2));
        let chain = t.through(y, &channel, "z").unwrap();
        let mutual = |a, b| MutualInformation::new(a, b).of(&chain).unwrap().nats();
        at_most(mutual(x, z), mutual(x, y))?;
        at_most(mutual(x, z), mutual(y, z))?;
        let past = MutualInformation::new(x, z).given(y).of(&chain).unwrap().nats();
        prop_assert!(past < 1e-28, "{past}");
    }

    #[test]
    fn shared_information_of_many_is_what_entropies_say(t in table(4)) {
        let all = t.each();
        let joint = |v: Variables| Shannon.joint(&t, v).unwrap().nats();
        let whole = joint(t.all());
        let singles: f64 = all.iter().map(|v| joint(*v)).sum();
        let rests: f64 = all.iter().map(|v| whole - joint(t.all().without(*v))).sum();
        let tc = TotalCorrelation::new(all.clone()).of(&t).unwrap().nats();
        let dtc = DualTotalCorrelation::new(all.clone()).of(&t).unwrap().nats();
        let o = OInformation::new(all.clone()).of(&t).unwrap().nats();
        let s = SInformation::new(all.clone()).of(&t).unwrap().nats();
        prop_assert!(tc >= 0.0 && dtc >= 0.0 && s >= 0.0);
        same(tc, singles - whole)?;
        same(dtc, whole - rests)?;
        same(o, tc - dtc)?;
        same(s, tc + dtc)?;
        let one_to_rest: f64 = all
            .iter()
            .map(|v| MutualInformation::new(*v, t.all().without(*v)).of(&t).unwrap().nats())
            .sum();
        same(s, one_to_rest)?;
        at_most(tc / 3.0, dtc)?;
        at_most(dtc, 3.0 * tc)?;
        // The order of the groups does not matter.
        let turned: Vec<Variables> = [2, 0, 3, 1].map(|i| all[i]).to_vec();
        same(DualTotalCorrelation::new(turned.clone()).of(&t).unwrap().nats(), dtc)?;
        same(TotalCorrelation::new(turned).of(&t).unwrap().nats(), tc)?;
    }

    #[test]
    fn co_information_is_what_conditioning_takes_away(t in table(4)) {
        let [x, y, z, w] = [0, 1, 2, 3].map(single);
        let mutual = MutualInformation::new(x, y);
        let given = |v: Variables| mutual.given(v).of(&t).unwrap().nats();
        let three = CoInformation::new([x, y, z]).of(&t).unwrap().nats();
        same(three, mutual.of(&t).unwrap().nats() - given(z))?;
        same(three, OInformation::new([x, y, z]).of(&t).unwrap().nats())?;
        // Four: I(x; y; z) − I(x; y; z|w).
        let four = CoInformation::new([x, y, z, w]).of(&t).unwrap().nats();
        same(four, three - (given(w) - given(z.union(w))))?;
        let pair = CoInformation::new([x, y]).of(&t).unwrap().nats();
        same(pair, mutual.of(&t).unwrap().nats())?;
        let all = MarginalEntropies::of(&t).unwrap().co_informations();
        same(all.get(t.all()).unwrap().nats(), four)?;
        same(all.get(x.union(y).union(z)).unwrap().nats(), three)?;
        // Its Möbius inverse gives back the joint entropy.
        let signed = all.as_nats().iter().enumerate().map(|(set, c)| {
            if set.count_ones() % 2 == 0 { -c } else { *c }
        });
        same(signed.sum(), Shannon.joint(&t, t.all()).unwrap().nats())?;
    }

    #[test]
    fn bregman_divergences_obey_the_three_point_identity_and_the_mean_minimises(
        (x, y, z) in {
            let v = || proptest::collection::vec(0.01..4.0f64, 3);
            (v(), v(), v())
        },
    ) {
        fn check<F: Convex>(f: F, x: &[f64], y: &[f64], z: &[f64]) -> Result<(), TestCaseError> {
            let bregman = Bregman::new(f);
            let d = |a: &[f64], b: &[f64]| bregman.between(a, b).unwrap();
            prop_assert!(d(x, y) >= 0.0);
            // D(x‖z) = D(x‖y) + D(y‖z) + ⟨∇F(y) − ∇F(z), x − y⟩
            let (mut at_y, mut at_z) = ([0.0; 3], [0.0; 3]);
            bregman.function().gradient(y, &mut at_y);
            bregman.function().gradient(z, &mut at_z);
            let cross: f64 = (0..3).map(|i| (at_y[i] - at_z[i]) * (x[i] - y[i])).sum();
            let (left, right) = (d(x, z), d(x, y) + d(y, z) + cross);
            let scale = 1.0 + d(x, y) + d(y, z) + cross.abs();
            prop_assert!((left - right).abs() <= 1e-12 * scale, "{} {}", left, right);
            // The mean of x and y costs less than z.
            let middle: Vec<f64> = x.iter().zip(y).map(|(x, y)| 0.5 * (x + y)).collect();
            let (best, other) = (d(x, &middle) + d(y, &middle), d(x, z) + d(y, z));
            prop_assert!(best <= other * (1.0 + 1e-13) + 1e-15, "{} {}", best, other);
            Ok(())
        }
        check(NegativeEntropy, &x, &y, &z)?;
        check(SquaredNorm, &x, &y, &z)?;
        check(NegativeLogarithm, &x, &y, &z)?;
        check(LogSumExp, &x, &y, &z)?;
    }

    #[test]
    fn chains_keep_their_law_and_lose_what_they_know(
        (matrix, start) in (1usize..6).prop_flat_map(|n| (channel(n, n), law(n))),
    ) {
        let n = matrix.nrows();
        let Ok(chain) = MarkovChain::new(&matrix) else {
            // More than one closed class: two laws at least are kept.
            let distance = |p: &Probabilities| {
                TotalVariation.between(p, &pushed(p, &matrix)).unwrap()
            };
            let long = |i: usize| {
                // Averages over time end in the class where they started.
                let mut p = Probabilities::from_weights(
                    (0..n).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>()).unwrap();
                for _ in 0..60 {
                    p = mixture(0.5, &p, &pushed(&p, &matrix));
                }
                p
            };
            let ends: Vec<Probabilities> = (0..n).map(long).collect();
            let apart = ends.iter().any(|p| {
                TotalVariation.between(p, &ends[0]).unwrap() > 1e-9 || distance(p) > 1e-12
            });
            prop_assert!(apart);
            return Ok(());
        };
        let pi = chain.stationary();
        let next = pushed(pi, &matrix);
        for (a, b) in pi.as_slice().iter().zip(next.as_slice()) {
            prop_assert!((a - b).abs() <= 1e-14);
        }
        let rate = chain.entropy_rate().nats();
        let excess = chain.excess_entropy().nats();
        prop_assert!(rate >= 0.0 && excess >= 0.0);
        prop_assert!(chain.entropy_production().nats() >= 0.0);
        same(excess, h(pi) - rate)?;
        // KL(p_t‖π) never grows.
        at_most(kl(&pushed(&start, &matrix), pi), kl(&start, pi))?;
    }

    #[test]
    fn transfer_entropy_is_bounded_by_what_is_left_to_know(matrix in channel(4, 4)) {
        let mixed = matrix.map(|p| 0.9 * p + 0.025);
        let chain = MarkovChain::new(&mixed).unwrap();
        let paths = chain.paths(&[("x", 2), ("y", 2)], 3).unwrap();
        let v = |name: &str| paths.variables([name]).unwrap();
        let transfer = |past: Variables| {
            TransferEntropy::new(v("x[1]"), past, v("y[2]")).of(&paths).unwrap().nats()
        };
        let left = |past| Shannon.conditional(&paths, v("y[2]"), past).unwrap().nats();
        let (one, two) = (v("y[1]"), v("y[0]").union(v("y[1]")));
        for past in [one, two] {
            let t = transfer(past);
            prop_assert!(t >= 0.0);
            at_most(t, left(past))?;
            same(t, left(past) - left(past.union(v("x[1]"))))?;
        }
        // Jointly Markov: older values of y tell nothing beyond x and y one step back.
        same(left(two.union(v("x[1]"))), left(one.union(v("x[1]"))))?;
    }
}
