//! Block Gibbs sampling: exact transition matrices, a scalar reference bit for bit, and caches.

use ergodic_conformance::{
    CountingAllocator, Law, Limits, Report, TransitionMatrix, check, enumerate_by,
};
use ergodic_core::{
    Claims, Energy, MarkovKernel, Path, Population, Randomness, Stationarity, TargetError,
};
use ergodic_math::rng;
use ergodic_models::rbm::{BlockGibbs, BlockGibbsState, Rbm, RbmBlock, RbmPath, RbmTarget, Unit};
use proptest::prelude::*;

use crate::common::{Conditionals, bits, for_all, machines, random, sigmoid, to_f32};

/// All blocks of `chains` chains.
fn blocks<F: Unit>(rbm: &Rbm<F>, chains: usize) -> Vec<RbmBlock<F>> {
    let n = rbm.visible() * chains;
    (0..1 << n)
        .map(|s| rbm.block(bits(s, n)).unwrap())
        .collect()
}

/// The transition matrix of `kernel` on the blocks of `chains` chains, and their energies.
fn matrix<'m, F: Unit, K: MarkovKernel<RbmTarget<'m, F>>>(
    kernel: &K,
    target: &RbmTarget<'m, F>,
    states: &[RbmBlock<F>],
) -> (TransitionMatrix, Vec<f64>) {
    let place = |block: &RbmBlock<F>| {
        let bits = block.visible().iter().enumerate();
        Some(bits.map(|(i, b)| usize::from(*b) << i).sum())
    };
    let matrix = enumerate_by(kernel, target, states, place, Limits::default()).unwrap();
    let energies = states.iter().map(|x| target.energy(x)).collect();
    (matrix, energies)
}

fn report<'m, F: Unit, K: MarkovKernel<RbmTarget<'m, F>>>(
    kernel: &K,
    target: &RbmTarget<'m, F>,
    states: &[RbmBlock<F>],
    tolerance: f64,
) -> Report {
    let (matrix, energies) = matrix(kernel, target, states);
    matrix.check(&energies, kernel.claims(), tolerance).unwrap()
}

/// What rounding in `f32` can do to a residual of the report, for parameters of the path bounded
/// by `scale` (base biases included).
///
/// An input is a sum of at most `n ≤ 4` terms with absolute sum `S = scale (n + 1)`: two roundings
/// within its one group of four, at most three in a bias of the path, one where the bias is added,
/// two for the scale and its product; each is `½ ε`, so it is off by at most `4 ε S`. The slope of
/// `σ` is at most ¼ and its own error 2.5 ε, so one conditional is off by at most
/// `δ = ε (S + 2.5)`. A transition probability sums products of conditionals over all outcomes:
/// changing one conditional by `δ` changes the law of a layer by `2δ` in absolute sum, so `P(x, y)`
/// is off by at most `2 δ` per unit. Invariance sums over the `N` states, each weighed by at most
/// the largest: `N` times that. The energies, in `f64` from `f32` inputs, are off by an input error
/// per hidden unit, which detailed balance sees twice.
fn f32_tolerance(visible: usize, hidden: usize, chains: usize, scale: f64) -> f64 {
    let epsilon = f64::from(f32::EPSILON);
    let n = visible.max(hidden);
    assert!(n <= 4, "one group of four");
    let input = 4.0 * epsilon * scale * (n as f64 + 1.0);
    let delta = 0.25 * input + 2.5 * epsilon;
    let states = (1u64 << (visible * chains)) as f64;
    chains as f64 * (states * 2.0 * delta * (visible + hidden) as f64 + 2.0 * hidden as f64 * input)
}

/// A machine of at most 3 + 3 units, base rates in `(0.1, 0.9)`.
fn small() -> impl Strategy<Value = (Rbm<f64>, Vec<f64>)> {
    (machines(3, 3, 2.0), prop::collection::vec(0.1f64..0.9, 3)).prop_map(|(rbm, mut rates)| {
        rates.truncate(rbm.visible());
        (rbm, rates)
    })
}

#[test]
fn block_gibbs_claims_reversibility_and_ergodicity() {
    let claims = <BlockGibbs as MarkovKernel<Rbm<f64>>>::claims(&BlockGibbs);
    assert_eq!(claims.stationarity, Stationarity::Reversible);
    assert!(claims.ergodic);
    assert_eq!(
        <BlockGibbs as MarkovKernel<RbmTarget<'_, f32>>>::claims(&BlockGibbs),
        claims
    );
}

#[test]
fn a_single_chain_keeps_its_claims_exactly() {
    for_all(40, machines(4, 4, 2.5), |rbm| {
        let n = rbm.visible();
        let states: Vec<Vec<u8>> = (0..1 << n).map(|s| bits(s, n)).collect();
        let report = check(&BlockGibbs, &rbm, &states, 1e-12).unwrap();
        assert!(report.passed(), "{report}");
    });
}

#[test]
fn a_single_chain_in_f32_keeps_its_claims_within_the_rounding_of_its_probabilities() {
    for_all(40, machines(3, 3, 2.0), |rbm| {
        let n = rbm.visible();
        let states: Vec<Vec<u8>> = (0..1 << n).map(|s| bits(s, n)).collect();
        let tolerance = f32_tolerance(n, rbm.hidden(), 1, 2.0);
        let report = check(&BlockGibbs, &to_f32(&rbm), &states, tolerance).unwrap();
        assert!(report.passed(), "{report}");
    });
}

#[test]
fn blocks_of_one_chain_keep_their_claims_exactly_along_the_path() {
    for_all(20, small(), |(rbm, rates)| {
        let path = RbmPath::new(&rbm, &rates).unwrap();
        let states = blocks(&rbm, 1);
        for t in [0.0, 0.3, 0.77, 1.0] {
            let report = report(&BlockGibbs, &path.at(t), &states, 1e-12);
            assert!(report.passed(), "t = {t}: {report}");
        }
        let report = report(&BlockGibbs, &rbm.population(), &states, 1e-12);
        assert!(report.passed(), "{report}");
    });
}

#[test]
fn blocks_of_two_chains_keep_their_claims_exactly_along_the_path() {
    let machines = (machines(2, 2, 2.0), prop::collection::vec(0.1f64..0.9, 2));
    for_all(8, machines, |(rbm, mut rates)| {
        rates.truncate(rbm.visible());
        let path = RbmPath::new(&rbm, &rates).unwrap();
        let states = blocks(&rbm, 2);
        for t in [0.0, 0.4, 1.0] {
            let report = report(&BlockGibbs, &path.at(t), &states, 1e-12);
            assert!(report.passed(), "t = {t}: {report}");
        }
    });
}

#[test]
fn blocks_in_f32_keep_their_claims_within_the_rounding_of_their_probabilities() {
    for_all(12, small(), |(rbm, rates)| {
        let narrow = to_f32(&rbm);
        let path = RbmPath::new(&narrow, &rates).unwrap();
        // Base biases are at most log 9 = 2.2.
        for chains in 1..=2 {
            if rbm.visible() * chains + rbm.hidden() * chains > 8 {
                continue;
            }
            let tolerance = f32_tolerance(rbm.visible(), rbm.hidden(), chains, 2.2);
            assert!(tolerance < 2e-3, "no power left: {tolerance}");
            let states = blocks(&narrow, chains);
            for t in [0.0, 0.37, 1.0] {
                let report = report(&BlockGibbs, &path.at(t), &states, tolerance);
                assert!(report.passed(), "t = {t}: {report}");
            }
        }
    });
}

#[test]
fn the_transition_matrix_is_the_product_of_the_exact_conditionals() {
    for_all(20, small(), |(rbm, rates)| {
        let path = RbmPath::new(&rbm, &rates).unwrap();
        let states = blocks(&rbm, 1);
        for t in [0.0, 0.6, 1.0] {
            let (found, _) = matrix(&BlockGibbs, &path.at(t), &states);
            let exact = Conditionals::on_path(&rbm, &rates, t);
            for i in 0..states.len() {
                let mut law = vec![0.0; states.len()];
                law[i] = 1.0;
                for (j, p) in exact.step(&law).iter().enumerate() {
                    assert!((found.probability(i, j) - p).abs() < 1e-14);
                }
            }
        }
    });
}

#[test]
fn energies_along_the_path_are_those_of_its_formula() {
    for_all(30, (small(), 0.0f64..1.0), |((rbm, rates), t)| {
        let path = RbmPath::new(&rbm, &rates).unwrap();
        let states = blocks(&rbm, 1);
        for (s, block) in states.iter().enumerate() {
            let v = bits(s, rbm.visible());
            let terms: Vec<f64> = (0..1 << rbm.hidden())
                .map(|h| {
                    let h = bits(h, rbm.hidden());
                    let mut x = 0.0;
                    for i in 0..v.len() {
                        let a = (rates[i] / (1.0 - rates[i])).ln();
                        let bias = t * rbm.visible_bias()[i] + (1.0 - t) * a;
                        x += bias * f64::from(v[i]);
                        for j in 0..h.len() {
                            let w = rbm.weights()[i * h.len() + j];
                            x += t * w * f64::from(v[i] * h[j]);
                        }
                    }
                    for j in 0..h.len() {
                        x += t * rbm.hidden_bias()[j] * f64::from(h[j]);
                    }
                    x
                })
                .collect();
            let mut energy = [0.0];
            path.at(t).energies(block, &mut energy);
            assert!((energy[0] + crate::common::log_sum_exp(&terms)).abs() < 1e-12);
        }
    });
}

/// Block Gibbs at another point of the path than it is told: a wrong scale of the energy.
#[derive(Clone)]
struct WrongScale<'p, 'm>(&'p RbmPath<'m, f64>, f64);

impl<'m> MarkovKernel<RbmTarget<'m, f64>> for WrongScale<'_, 'm> {
    type State = BlockGibbsState<f64>;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(
        &self,
        target: &RbmTarget<'m, f64>,
        x: &RbmBlock<f64>,
    ) -> Result<Self::State, TargetError> {
        BlockGibbs.init(target, x)
    }
    fn position<'s>(&self, _: &RbmTarget<'m, f64>, state: &'s Self::State) -> &'s RbmBlock<f64>
    where
        RbmTarget<'m, f64>: 's,
    {
        state.block()
    }
    fn reset(
        &self,
        target: &RbmTarget<'m, f64>,
        state: &mut Self::State,
        x: Option<&RbmBlock<f64>>,
    ) -> Result<(), TargetError> {
        BlockGibbs.reset(target, state, x)
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        _: &RbmTarget<'m, f64>,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        BlockGibbs.step(&self.0.at(self.1), state, rng)
    }
}

#[test]
fn a_two_percent_error_of_the_scale_is_caught() {
    let rbm = random::<f64>(3, 2, 2.0, 3);
    let path = RbmPath::new(&rbm, &[0.3, 0.6, 0.5]).unwrap();
    let states = blocks(&rbm, 1);
    let at = |t| report(&WrongScale(&path, t), &path.at(0.5), &states, 1e-12);
    assert!(at(0.5).passed());
    let report = at(0.51);
    assert!(report.fails(Law::DetailedBalance) && report.fails(Law::Invariance));
    // It exceeds the tolerance in f32 as well.
    let residual = report.finding(Law::DetailedBalance).unwrap().residual;
    assert!(residual > f32_tolerance(3, 2, 1, 2.0), "{residual}");
}

/// One chain by the plain formulas, which may forget to compute its inputs anew.
#[derive(Clone)]
struct Plain {
    forgetful: bool,
}

impl MarkovKernel<Rbm<f64>> for Plain {
    /// Visible units, and the hidden probabilities that the next step will use.
    type State = (Vec<u8>, Vec<f64>);
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(&self, rbm: &Rbm<f64>, v: &[u8]) -> Result<Self::State, TargetError> {
        Ok((v.to_vec(), Conditionals::of(rbm).hidden(v)))
    }
    fn position<'s>(&self, _: &Rbm<f64>, state: &'s Self::State) -> &'s [u8]
    where
        Rbm<f64>: 's,
    {
        &state.0
    }
    fn reset(
        &self,
        rbm: &Rbm<f64>,
        state: &mut Self::State,
        v: Option<&[u8]>,
    ) -> Result<(), TargetError> {
        *state = self.init(rbm, v.unwrap_or(&state.0))?;
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        rbm: &Rbm<f64>,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let law = Conditionals::of(rbm);
        let mut h = vec![0; rbm.hidden()];
        rng.bernoulli_mask(&state.1, &mut h);
        rng.bernoulli_mask(&law.visible(&h), &mut state.0);
        if !self.forgetful {
            state.1 = law.hidden(&state.0);
        }
        Ok(())
    }
}

#[test]
fn a_step_that_keeps_stale_inputs_is_caught() {
    let rbm = random::<f64>(3, 2, 2.0, 3);
    let states: Vec<Vec<u8>> = (0..8).map(|s| bits(s, 3)).collect();
    let report = check(&Plain { forgetful: false }, &rbm, &states, 1e-12).unwrap();
    assert!(report.passed(), "{report}");
    let report = check(&Plain { forgetful: true }, &rbm, &states, 1e-12).unwrap();
    assert!(report.fails(Law::Markov), "{report}");
}

/// One step from a fresh state at `x` and one from `state`, on the same randomness.
fn same_step<F: Unit>(
    target: &RbmTarget<'_, F>,
    mut state: BlockGibbsState<F>,
    x: &RbmBlock<F>,
) -> bool {
    let mut fresh = BlockGibbs.init(target, x).unwrap();
    let same_start = fresh.block() == state.block();
    let (mut a, mut b) = (rng::stream(5, 0), rng::stream(5, 0));
    for _ in 0..3 {
        BlockGibbs.step(target, &mut fresh, &mut a).unwrap();
        BlockGibbs.step(target, &mut state, &mut b).unwrap();
    }
    same_start && fresh.block() == state.block() && fresh.hidden() == state.hidden()
}

#[test]
fn reset_to_another_machine_leaves_nothing_stale() {
    let (a, b) = (random::<f64>(5, 4, 3.0, 1), random::<f64>(5, 4, 3.0, 2));
    let visible: Vec<u8> = (0..15).map(|i| u8::from(i % 3 == 0)).collect();
    let on_a = a.block(visible.clone()).unwrap();
    let on_b = b.block(visible).unwrap();
    let (target_a, target_b) = (a.population(), b.population());
    let from_a = || BlockGibbs.init(&target_a, &on_a).unwrap();

    let mut state = from_a();
    BlockGibbs.reset(&target_b, &mut state, None).unwrap();
    assert!(same_step(&target_b, state, &on_b));

    let mut state = from_a();
    BlockGibbs
        .reset(&target_b, &mut state, Some(&on_b))
        .unwrap();
    assert!(same_step(&target_b, state, &on_b));

    // A block whose inputs were computed with the weights of the other machine.
    let mut state = from_a();
    BlockGibbs
        .reset(&target_b, &mut state, Some(&on_a))
        .unwrap();
    assert!(same_step(&target_b, state, &on_b));
    let state = BlockGibbs.init(&target_b, &on_a).unwrap();
    assert!(same_step(&target_b, state, &on_b));
    let mut state = BlockGibbs.init(&target_b, &on_b).unwrap();
    BlockGibbs
        .reset(&target_b, &mut state, Some(&on_a))
        .unwrap();
    assert!(same_step(&target_b, state, &on_b));
    // Another number of chains.
    let two = a.block(vec![1; 10]).unwrap();
    let mut state = from_a();
    BlockGibbs.reset(&target_b, &mut state, Some(&two)).unwrap();
    assert!(same_step(&target_b, state, &b.block(vec![1; 10]).unwrap()));
}

#[test]
fn reset_along_a_path_goes_on_as_a_fresh_state_does() {
    let rbm = random::<f32>(7, 5, 2.0, 4);
    let path = RbmPath::new(&rbm, &[0.4; 7]).unwrap();
    let mut rng = rng::stream(1, 0);
    let mut state = {
        let start = path.sample_base(6, &mut rng);
        BlockGibbs.init(&path.at(0.0), &start).unwrap()
    };
    for k in 1..=10 {
        let target = path.at(f64::from(k) / 10.0);
        BlockGibbs.reset(&target, &mut state, None).unwrap();
        let block = rbm.block(state.block().visible().to_vec()).unwrap();
        assert!(same_step(&target, state.clone(), &block));
        BlockGibbs.step(&target, &mut state, &mut rng).unwrap();
    }
}

#[test]
fn base_draws_and_resets_write_over_what_is_there() {
    fn check<F: Unit>(rbm: &Rbm<F>, other: &Rbm<F>) {
        let path = RbmPath::new(rbm, &[0.2, 0.5, 0.9, 0.4, 0.7]).unwrap();
        let mut drawn = path.sample_base(6, &mut rng::stream(1, 0));
        let expected = path.sample_base(6, &mut rng::stream(2, 0));
        let (base, middle, rest) = (path.at(0.0), path.at(0.5), other.population());
        let mut state = BlockGibbs.init(&base, &drawn).unwrap();
        let v = &expected.visible()[..5];
        let mut chain = BlockGibbs.init(rbm, &[0; 5]).unwrap();
        let mut random = rng::stream(2, 0);
        assert!(CountingAllocator::is_installed());
        let before = CountingAllocator::calls();
        path.sample_base_into(&mut drawn, &mut random);
        BlockGibbs.reset(&middle, &mut state, Some(&drawn)).unwrap();
        BlockGibbs.reset(&rest, &mut state, None).unwrap();
        BlockGibbs.reset(&middle, &mut state, Some(&drawn)).unwrap();
        BlockGibbs.reset(other, &mut chain, Some(v)).unwrap();
        let calls = CountingAllocator::calls() - before;
        assert_eq!(calls, 0, "calls of the allocator");
        // The draws of a new block, and the state that a fresh one is.
        assert_eq!(drawn, expected);
        assert!(same_step(&middle, state, &expected));
        let mut fresh = BlockGibbs.init(other, v).unwrap();
        let (mut a, mut b) = (rng::stream(5, 0), rng::stream(5, 0));
        for _ in 0..3 {
            BlockGibbs.step(other, &mut chain, &mut a).unwrap();
            BlockGibbs.step(other, &mut fresh, &mut b).unwrap();
            let place = BlockGibbs.position(other, &chain);
            assert_eq!(place, BlockGibbs.position(other, &fresh));
        }
    }
    check(&random::<f64>(5, 4, 3.0, 1), &random(5, 4, 3.0, 2));
    check(&random::<f32>(5, 4, 3.0, 1), &random(5, 4, 3.0, 2));
}

#[test]
fn a_state_of_another_shape_is_a_typed_error() {
    let (a, b) = (random::<f64>(3, 4, 1.0, 1), random::<f64>(6, 4, 1.0, 2));
    let (target_a, target_b) = (a.population(), b.population());
    let block = a.block(vec![1; 6]).unwrap();
    assert!(BlockGibbs.init(&target_b, &block).is_err());
    let mut state = BlockGibbs.init(&target_a, &block).unwrap();
    assert!(
        BlockGibbs
            .reset(&target_b, &mut state, Some(&block))
            .is_err()
    );
    let mut state = BlockGibbs.init(&target_a, &block).unwrap();
    // Two chains of 3 units are not one chain of 6.
    assert!(BlockGibbs.reset(&target_b, &mut state, None).is_err());

    let e = BlockGibbs.init(&b, &[0; 5]).unwrap_err();
    assert!(
        e.reason.contains("visible") && e.reason.contains('5'),
        "{e}"
    );
    assert!(BlockGibbs.init(&b, &[0, 1, 2, 0, 0, 0]).is_err());
}

/// `init + b·w` in the documented order of the binary product: groups of four as
/// `(b₀w₀ + b₁w₁) + (b₂w₂ + b₃w₃)`, eight groups to a block, from left to right.
fn product<F: Unit>(b: &[u8], weight: impl Fn(usize) -> F) -> F {
    let term = |i: usize| {
        if i < b.len() && b[i] == 1 {
            weight(i)
        } else {
            F::ZERO
        }
    };
    let group = |i: usize| (term(i) + term(i + 1)) + (term(i + 2) + term(i + 3));
    let mut out = F::ZERO;
    for block in (0..b.len()).step_by(32) {
        let mut sum = group(block);
        for g in 1..8 {
            sum += group(block + 4 * g);
        }
        out += sum;
    }
    out
}

/// A block of chains moved one unit at a time by the documented formulas and orders.
struct Scalar<F> {
    visible: Vec<u8>,
    hidden: Vec<u8>,
    inputs: Vec<F>,
}

impl<F: Unit> Scalar<F> {
    fn new(rbm: &Rbm<F>, visible: Vec<u8>) -> Self {
        let m = rbm.hidden();
        let inputs = visible
            .chunks(rbm.visible())
            .flat_map(|v| {
                (0..m)
                    .map(|j| product(v, |i| rbm.weights()[i * m + j]))
                    .collect::<Vec<F>>()
            })
            .collect();
        Self {
            visible,
            hidden: Vec::new(),
            inputs,
        }
    }

    fn step<R: Randomness>(&mut self, rbm: &Rbm<F>, scale: F, bias: &[F], rng: &mut R) {
        let m = rbm.hidden();
        let p: Vec<F> = self
            .inputs
            .iter()
            .enumerate()
            .map(|(k, x)| (scale * (*x + rbm.hidden_bias()[k % m])).sigmoid())
            .collect();
        self.hidden = vec![0; p.len()];
        F::bernoulli_mask(rng, &p, &mut self.hidden);
        let p: Vec<F> = self
            .hidden
            .chunks(m)
            .flat_map(|h| {
                bias.iter()
                    .enumerate()
                    .map(|(i, a)| {
                        let x = product(h, |j| rbm.weights()[i * m + j]);
                        (scale * x + *a).sigmoid()
                    })
                    .collect::<Vec<F>>()
            })
            .collect();
        F::bernoulli_mask(rng, &p, &mut self.visible);
        *self = Self {
            hidden: std::mem::take(&mut self.hidden),
            ..Self::new(rbm, std::mem::take(&mut self.visible))
        };
    }
}

/// The sizes: odd, one chain, above the 64 columns of a table, above the 32 inputs of a block.
const SIZES: [(usize, usize, usize); 7] = [
    (1, 1, 1),
    (3, 5, 1),
    (33, 65, 4),
    (70, 131, 3),
    (64, 32, 2),
    (7, 200, 5),
    (130, 9, 17),
];

fn bits_of<F: Unit>(x: &[F]) -> Vec<u64> {
    x.iter().map(|x| x.to_f64().to_bits()).collect()
}

fn batched_is_scalar<F: Unit>() {
    for (n, m, chains) in SIZES {
        let rbm = random::<F>(n, m, 2.0 / (n.max(m) as f64).sqrt(), 9);
        let rates = vec![0.4; n];
        let path = RbmPath::new(&rbm, &rates).unwrap();
        for t in [0.37, 1.0] {
            let start: Vec<u8> = (0..n * chains).map(|i| u8::from(i % 3 == 1)).collect();
            let mut scalar = Scalar::new(&rbm, start.clone());
            let mut state = BlockGibbs
                .init(&path.at(t), &rbm.block(start).unwrap())
                .unwrap();
            let (mut a, mut b) = (rng::stream(3, 0), rng::stream(3, 0));
            let scale = F::from_f64(t);
            let rest = F::from_f64(1.0 - t);
            let base = F::from_f64((0.4f64 / (1.0 - 0.4)).ln());
            let bias: Vec<F> = rbm
                .visible_bias()
                .iter()
                .map(|b| rest * base + scale * *b)
                .collect();
            for step in 0..5 {
                assert_eq!(
                    bits_of(state.block().inputs()),
                    bits_of(&scalar.inputs),
                    "inputs before step {step}, {n} x {m}, {chains} chains"
                );
                BlockGibbs.step(&path.at(t), &mut state, &mut a).unwrap();
                scalar.step(&rbm, scale, &bias, &mut b);
                assert_eq!(state.hidden(), scalar.hidden);
                assert_eq!(state.block().visible(), scalar.visible);
            }
        }
    }
}

#[test]
fn the_batched_step_is_the_scalar_step_bit_for_bit_in_f32() {
    batched_is_scalar::<f32>();
}

#[test]
fn the_batched_step_is_the_scalar_step_bit_for_bit_in_f64() {
    batched_is_scalar::<f64>();
}

/// Recorded uniforms: every bulk draw goes element by element through `bernoulli`.
struct Tape(std::collections::VecDeque<f64>);

impl Randomness for Tape {
    fn bernoulli(&mut self, p: f64) -> bool {
        self.0.pop_front().unwrap() < p
    }
    fn index(&mut self, _: usize) -> usize {
        unreachable!("block Gibbs draws bits")
    }
    fn categorical(&mut self, _: &[f64]) -> usize {
        unreachable!("block Gibbs draws bits")
    }
    fn uniform(&mut self) -> f64 {
        unreachable!("block Gibbs draws bits")
    }
    fn normal(&mut self) -> f64 {
        unreachable!("block Gibbs draws bits")
    }
    fn exponential(&mut self) -> f64 {
        unreachable!("block Gibbs draws bits")
    }
}

fn a_block_is_its_chains<F: Unit>() {
    let mut uniforms = rng::stream(12, 0);
    for (n, m, chains) in SIZES {
        let rbm = random::<F>(n, m, 1.0, 10);
        let target = rbm.population();
        let steps = 4;
        // [step][layer][chain] → uniforms, in the documented order.
        let mut draw = |width: usize| -> Vec<Vec<f64>> {
            (0..chains)
                .map(|_| {
                    let mut u = vec![0.0; width];
                    uniforms.fill_uniform(&mut u);
                    u
                })
                .collect()
        };
        let tape: Vec<[Vec<Vec<f64>>; 2]> = (0..steps).map(|_| [draw(m), draw(n)]).collect();
        let start: Vec<u8> = (0..n * chains).map(|i| u8::from(i % 2 == 0)).collect();
        let mut all = BlockGibbs
            .init(&target, &rbm.block(start.clone()).unwrap())
            .unwrap();
        let mut rng = Tape(tape.iter().flatten().flatten().flatten().copied().collect());
        for _ in 0..steps {
            BlockGibbs.step(&target, &mut all, &mut rng).unwrap();
        }
        assert!(rng.0.is_empty(), "V + H draws per chain and step");
        for k in 0..chains {
            let own = tape.iter().flatten().flat_map(|layer| layer[k].clone());
            let row = start[k * n..(k + 1) * n].to_vec();
            let mut rng = Tape(own.clone().collect());
            let mut one = BlockGibbs
                .init(&target, &rbm.block(row.clone()).unwrap())
                .unwrap();
            let mut chain = BlockGibbs.init(&rbm, &row).unwrap();
            let mut again = Tape(own.collect());
            for _ in 0..steps {
                BlockGibbs.step(&target, &mut one, &mut rng).unwrap();
                BlockGibbs.step(&rbm, &mut chain, &mut again).unwrap();
            }
            assert_eq!(one.block().visible(), &all.block().visible()[k * n..][..n]);
            assert_eq!(
                bits_of(one.block().inputs()),
                bits_of(&all.block().inputs()[k * m..][..m])
            );
            assert_eq!(BlockGibbs.position(&rbm, &chain), one.block().visible());
        }
    }
}

#[test]
fn a_block_of_chains_gives_the_bits_of_its_chains_one_at_a_time() {
    a_block_is_its_chains::<f32>();
    a_block_is_its_chains::<f64>();
}

#[test]
fn base_draws_have_the_base_rates() {
    // 40,000 draws per unit: |mean − rate| > t has probability at most 2 exp(−2 n t²), with
    // t = 0.0145 below 1e-7 per unit.
    let rates = [0.03, 0.5, 0.9];
    let rbm = random::<f32>(3, 2, 1.0, 1);
    let path = RbmPath::new(&rbm, &rates).unwrap();
    let n = 40_000;
    let block = path.sample_base(n, &mut rng::stream(8, 0));
    for (i, rate) in rates.iter().enumerate() {
        let ones = block.visible().chunks(3).filter(|v| v[i] == 1).count();
        assert!((ones as f64 / n as f64 - rate).abs() < 0.0145);
    }
    // The law that the draws come from is the path's own at t = 0.
    let wide = rbm.to_f64();
    let path = RbmPath::new(&wide, &rates).unwrap();
    let law = Conditionals::on_path(&wide, &rates, 0.0);
    for (found, exact) in law.visible(&[0, 1]).iter().zip(rates) {
        assert!((found - exact).abs() < 1e-15);
    }
    let z: f64 = rates
        .iter()
        .map(|r| -sigmoid(-(r / (1.0 - r)).ln()).ln())
        .sum();
    assert!((path.log_z_base() - z - 2.0 * 2f64.ln()).abs() < 1e-14);
}
