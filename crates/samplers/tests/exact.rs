//! Kernels on finite spaces and exact samplers, against exact laws.

use std::cell::RefCell;
use std::collections::HashMap;

use ergodic_conformance::strategies::{self, FiniteTable, PairwiseSpins};
use ergodic_conformance::{Law, Limits, enumerate, outcomes, suite};
use ergodic_core::{Claims, Conditional, Energy, MarkovKernel, Randomness, StepInfo, TargetError};
use ergodic_math::rng::stream;
use ergodic_samplers::{
    Attractive, Barker, BlockedGibbs, Colouring, CouplingError, CouplingFromThePast, Cycle,
    DelayedProposal, DelayedRejection, ExactLaw, Gaussian, Independence, Metropolis,
    MetropolisHastings, Monotone, Propose, Reach, Rejection, RejectionError, Repeat, Scan,
    UniformSite, coupling_from_the_past,
};
use proptest::prelude::*;

ergodic_conformance::counting_allocator!();

// ---- Metropolis–Hastings, independence, delayed rejection ------------------------------------

/// From `i` to `j` with weight `1 + (3i + 5j) mod 4`: asymmetric, and reaches everything.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Weights {
    n: usize,
    hastings: bool,
}
/// Weights of at most as many states as the tables have, without allocation.
type Row = [f64; 6];
impl Weights {
    fn row(from: usize, salt: usize) -> Row {
        std::array::from_fn(|to| (1 + (3 * from + 5 * to + salt) % 4) as f64)
    }
    fn log_q(n: usize, from: usize, to: usize, salt: usize) -> f64 {
        let row = Self::row(from, salt);
        (row[to] / row[..n].iter().sum::<f64>()).ln()
    }
}
impl<T: Energy<State = usize>> Propose<T> for Weights {
    fn propose<R: Randomness + ?Sized>(
        &self,
        _: &T,
        x: &usize,
        candidate: &mut usize,
        rng: &mut R,
    ) -> f64 {
        assert_eq!(x, candidate, "the candidate comes as a copy");
        *candidate = rng.categorical(&Self::row(*x, 0)[..self.n]);
        if self.hastings {
            Self::log_q(self.n, *candidate, *x, 0) - Self::log_q(self.n, *x, *candidate, 0)
        } else {
            0.0
        }
    }
    fn reach(&self) -> Reach {
        Reach::Everywhere
    }
}

fn weights(t: &FiniteTable) -> Weights {
    Weights {
        n: t.energies().len(),
        hastings: true,
    }
}

/// One line per kernel on tables.
macro_rules! on_tables {
    ($($name:ident: $kernel:expr;)*) => {$(
        ergodic_conformance::kernel!($name {
            kernel: $kernel,
            targets: strategies::finite_table(2..=6, 3.0),
            states: FiniteTable::states,
            tolerance: 1e-12,
            energy_shift: rounding,
            serde: true,
        });
    )*};
}

on_tables! {
    hastings: |t: &FiniteTable| MetropolisHastings::new(weights(t));
    hastings_with_barkers_rule: |t: &FiniteTable| MetropolisHastings::new(weights(t)).with_rule(Barker);
    independence: |t: &FiniteTable| Independence::new(table_law(t));
    independence_with_barkers_rule: |t: &FiniteTable| Independence::new(table_law(t)).with_rule(Barker);
    delayed_rejection: |t: &FiniteTable| DelayedRejection::new(TwoStages(t.energies().len()));
    delayed_rejection_that_cannot_come_back: |t: &FiniteTable| DelayedRejection::new(OneWay(t.energies().len()));
}

/// The proposals of the table above as a law: weights 1, 2, 3, 1, …
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct TableLaw(Vec<f64>);
fn table_law(t: &FiniteTable) -> TableLaw {
    TableLaw(
        (0..t.energies().len())
            .map(|i| (1 + i % 3) as f64)
            .collect(),
    )
}
impl Energy for TableLaw {
    type State = usize;
    fn energy(&self, x: &usize) -> f64 {
        -self.0[*x].ln()
    }
}
impl ExactLaw for TableLaw {
    fn draw<R: Randomness + ?Sized>(&self, x: &mut usize, rng: &mut R) {
        *x = rng.categorical(&self.0);
    }
    fn full_support(&self) -> bool {
        true
    }
}

/// Two asymmetric stages, the second of which depends on what was rejected.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct TwoStages(usize);
impl<T: Energy<State = usize>> DelayedProposal<T> for TwoStages {
    fn first<R: Randomness + ?Sized>(&self, _: &T, x: &usize, y: &mut usize, rng: &mut R) {
        *y = rng.categorical(&Weights::row(*x, 0)[..self.0]);
    }
    fn log_first(&self, _: &T, x: &usize, y: &usize) -> f64 {
        Weights::log_q(self.0, *x, *y, 0)
    }
    fn second<R: Randomness + ?Sized>(
        &self,
        _: &T,
        x: &usize,
        y: &usize,
        z: &mut usize,
        rng: &mut R,
    ) {
        *z = rng.categorical(&Weights::row(*x, 1 + y)[..self.0]);
    }
    fn log_second(&self, _: &T, x: &usize, y: &usize, z: &usize) -> f64 {
        Weights::log_q(self.0, *x, *z, 1 + y)
    }
    fn reach(&self) -> Reach {
        Reach::Everywhere
    }
}

/// Stages whose way back is sometimes impossible: one step up (around), then anywhere else.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct OneWay(usize);
impl OneWay {
    fn weight(x: usize, y: usize, z: usize) -> f64 {
        f64::from(u8::from(z != x)) * (1 + (x + y + z) % 2) as f64
    }
}
impl<T: Energy<State = usize>> DelayedProposal<T> for OneWay {
    fn first<R: Randomness + ?Sized>(&self, _: &T, x: &usize, y: &mut usize, rng: &mut R) {
        *y = (*x + if rng.bernoulli(0.8) { 1 } else { 2 }) % self.0;
    }
    fn log_first(&self, _: &T, x: &usize, y: &usize) -> f64 {
        let mut q = 0.0f64;
        for (step, p) in [(1, 0.8), (2, 0.2)] {
            if (x + step) % self.0 == *y {
                q += p;
            }
        }
        q.ln()
    }
    fn second<R: Randomness + ?Sized>(
        &self,
        _: &T,
        x: &usize,
        y: &usize,
        z: &mut usize,
        rng: &mut R,
    ) {
        let weights: Row = std::array::from_fn(|z| Self::weight(*x, *y, z));
        *z = rng.categorical(&weights[..self.0]);
    }
    fn log_second(&self, _: &T, x: &usize, y: &usize, z: &usize) -> f64 {
        let total: f64 = (0..self.0).map(|z| Self::weight(*x, *y, z)).sum();
        (Self::weight(*x, *y, *z) / total).ln()
    }
}

#[test]
fn a_hastings_term_left_out_breaks_detailed_balance() {
    let table = FiniteTable::new(vec![0.0, 0.3, 1.0, 0.2]).unwrap();
    let proposal = Weights {
        n: 4,
        hastings: false,
    };
    let p = enumerate(&MetropolisHastings::new(proposal), &table, &table.states()).unwrap();
    let report = p
        .check(table.energies(), Claims::REVERSIBLE, 1e-12)
        .unwrap();
    assert!(report.fails(Law::DetailedBalance) && report.fails(Law::Invariance));
}

#[test]
fn one_proposal_over_all_states_is_the_metropolis_kernel_of_local_moves() {
    // Uniform proposals: the same matrix from whole energies and from differences.
    #[derive(Clone)]
    struct Uniform(usize);
    impl Propose<FiniteTable> for Uniform {
        fn propose<R: Randomness + ?Sized>(
            &self,
            _: &FiniteTable,
            _: &usize,
            c: &mut usize,
            rng: &mut R,
        ) -> f64 {
            *c = rng.index(self.0);
            0.0
        }
    }
    let table = FiniteTable::new(vec![0.0, 0.3, f64::INFINITY, 0.2]).unwrap();
    let states = table.states();
    let a = enumerate(&MetropolisHastings::new(Uniform(4)), &table, &states).unwrap();
    let local = Metropolis::new(UniformSite::new(4).unwrap());
    let b = enumerate(&local, &table, &states).unwrap();
    assert!(a.distance(&b) < 1e-16);
}

// ---- Repetitions ------------------------------------------------------------------------------

#[test]
fn repetitions_and_palindromes_account_for_every_run() {
    let target = PairwiseSpins::torus(2, 0.4).unwrap();
    let one = Metropolis::new(UniformSite::new(4).unwrap());
    let mut kernel = Repeat::new(5, one).unwrap();
    let mut state = kernel.init(&target, &[1; 4]).unwrap();
    let info = kernel.step(&target, &mut state, &mut stream(3, 0)).unwrap();
    assert_eq!((info.stats().energies, info.times()), (5, 5));
    // The same five steps by hand.
    let (mut alone, mut by_hand, mut rng) = (one, vec![1i8; 4], stream(3, 0));
    let mut mean = 0.0;
    for _ in 0..5 {
        let step = alone.step(&target, &mut by_hand, &mut rng).unwrap();
        mean += step.acceptance / 5.0;
    }
    assert!((info.stats().acceptance.unwrap() - mean).abs() < 1e-15);
    assert_eq!(state, by_hand);

    let mut cycle = Cycle::new(one, Repeat::new(3, one).unwrap()).palindrome();
    let mut state = cycle.init(&target, &[1; 4]).unwrap();
    let info = cycle.step(&target, &mut state, &mut stream(3, 0)).unwrap();
    assert_eq!(info.stats().energies, 5);
}

// ---- Colours ----------------------------------------------------------------------------------

/// The neighbours of each spin, from local fields.
fn neighbours(t: &PairwiseSpins) -> Vec<Vec<usize>> {
    let n = t.len();
    let mut s = vec![1i8; n];
    (0..n)
        .map(|i| {
            (0..n)
                .filter(|&j| {
                    let up = t.local_field(&s, i);
                    s[j] = -1;
                    let down = t.local_field(&s, i);
                    s[j] = 1;
                    j != i && up != down
                })
                .collect()
        })
        .collect()
}

fn colours(t: &PairwiseSpins, scan: Scan) -> BlockedGibbs {
    BlockedGibbs::new(Colouring::greedy(&neighbours(t)).unwrap(), scan)
}

/// Spins of which about half the pairs are coupled, so that colours hold several sites.
fn sparse() -> impl Strategy<Value = PairwiseSpins> + Clone {
    (strategies::pairwise_spins(1..=5, 1.5), any::<u32>()).prop_map(|(t, mask)| {
        let n = t.len();
        let mut s = vec![1i8; n];
        let (mut j, mut h) = (vec![0.0; n * n], vec![0.0; n]);
        for a in 0..n {
            for b in 0..a {
                let up = t.local_field(&s, a);
                s[b] = -1;
                let coupling = 0.5 * (up - t.local_field(&s, a));
                s[b] = 1;
                if mask >> (5 * a + b) & 1 == 1 {
                    j[a * n + b] = coupling;
                    j[b * n + a] = coupling;
                }
            }
            h[a] = 0.3 * (a as f64 - 1.0);
        }
        PairwiseSpins::new(j, h).unwrap()
    })
}

/// One line per order of the colours.
macro_rules! on_sparse_spins {
    ($($name:ident: $scan:expr;)*) => {$(
        ergodic_conformance::kernel!($name {
            kernel: |t: &PairwiseSpins| colours(t, $scan),
            targets: sparse(),
            states: PairwiseSpins::states,
            tolerance: 1e-12,
            energy_shift: bitwise,
            serde: true,
        });
    )*};
}

on_sparse_spins! {
    a_random_colour: Scan::Random;
    colours_in_order: Scan::Sweep;
    colours_there_and_back: Scan::Palindrome;
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(2),
        ..ProptestConfig::default()
    })]

    #[test]
    fn greedy_colours_are_independent_by_the_targets_own_conditionals(t in sparse()) {
        let colouring = Colouring::greedy(&neighbours(&t)).unwrap();
        let most = neighbours(&t).iter().map(Vec::len).max().unwrap_or(0);
        prop_assert!(colouring.num_colours() <= most + 1);
        prop_assert_eq!(colouring.blocks().iter().map(Vec::len).sum::<usize>(), t.len());
        prop_assert!(colouring.check_independence(&t, &t.states(), 1e-12).is_ok());
    }
}

#[test]
fn colours_that_hold_neighbours_are_found_out() {
    // A triangle whose third bond the list of neighbours forgets.
    let mut j = vec![0.4; 9];
    for i in 0..3 {
        j[4 * i] = 0.0;
    }
    let target = PairwiseSpins::new(j, vec![0.1, 0.2, -0.3]).unwrap();
    let forgetful = vec![vec![1], vec![0, 2], vec![1]];
    let colouring = Colouring::new(&[0, 1, 0], &forgetful).unwrap();
    let error = colouring
        .check_independence(&target, &[vec![1; 3]], 1e-12)
        .unwrap_err();
    assert!(error.to_string().contains("sites 0 and 2"), "{error}");

    // Still invariant, but the block is no reversible move any more.
    let states = target.states();
    let energies: Vec<f64> = states.iter().map(|s| target.energy(s)).collect();
    for scan in [Scan::Random, Scan::Palindrome] {
        let kernel = BlockedGibbs::new(colouring.clone(), scan);
        let report = enumerate(&kernel, &target, &states)
            .unwrap()
            .check(&energies, Claims::REVERSIBLE, 1e-12)
            .unwrap();
        assert!(!report.fails(Law::Invariance), "{report}");
        assert!(report.fails(Law::DetailedBalance), "{report}");
    }
}

#[test]
fn a_palindrome_over_colours_is_the_product_of_its_blocks() {
    // A chessboard: with B and W the two blocks, B W B; and the sweep is B W.
    let target = PairwiseSpins::torus(2, 0.3).unwrap();
    let states = target.states();
    let matrix = |scan| {
        enumerate(&colours(&target, scan), &target, &states)
            .unwrap()
            .matrix()
            .clone()
    };
    let (sweep, palindrome) = (matrix(Scan::Sweep), matrix(Scan::Palindrome));
    let random = matrix(Scan::Random);
    // ½(B + W)² = ¼(B + W + BW + WB), with B² = B: BW + WB from the random scan.
    let both = 4.0 * &random * &random - 2.0 * &random;
    let wb = both - &sweep;
    // (BW)(WB) = BWB.
    assert!((&sweep * &wb - &palindrome).amax() < 1e-14);
}

#[test]
fn bad_colourings_are_named() {
    let ring = vec![vec![1, 2], vec![0, 2], vec![0, 1]];
    let argument = |c: &[usize], n: &[Vec<usize>]| Colouring::new(c, n).unwrap_err().argument;
    assert_eq!(argument(&[0, 1], &ring), "colour_of");
    assert_eq!(argument(&[0, 1, 1], &ring), "colour_of");
    assert_eq!(argument(&[0, 1, 3], &ring), "colour_of");
    assert_eq!(argument(&[0, 1, usize::MAX], &ring), "colour_of");
    assert_eq!(argument(&[], &[]), "neighbours");
    assert_eq!(argument(&[0], &[vec![0]]), "neighbours");
    assert_eq!(argument(&[0], &[vec![7]]), "neighbours");
    assert_eq!(argument(&[0, 1], &[vec![1], vec![]]), "neighbours");
    let three = BlockedGibbs::new(Colouring::greedy(&ring).unwrap(), Scan::Sweep);
    let four = PairwiseSpins::torus(2, 0.1).unwrap();
    let error = three.init(&four, &[1; 4]).unwrap_err();
    assert!(error.to_string().contains("4 sites"));
    let colouring = three.colouring();
    assert!(colouring.check_independence(&four, &[], 0.0).is_err());
    let triple = PairwiseSpins::new(vec![0.0; 9], vec![0.0; 3]).unwrap();
    let nowhere = colouring.check_independence(&triple, &[], 0.0);
    assert_eq!(nowhere.unwrap_err().argument, "configurations");
    assert!(
        colouring
            .check_independence(&triple, &[], f64::NAN)
            .is_err()
    );
    assert!(
        colouring
            .check_independence(&triple, &triple.states(), 0.0)
            .is_ok()
    );
}

// ---- Coupling from the past -------------------------------------------------------------------

/// The randomness of one time slice, found by the enumerator the first time it is asked for: each
/// `bernoulli` gets a uniform number, known up to the interval between the thresholds that the
/// target can ask for.
struct SliceOf<'a> {
    /// The midpoints of the intervals, call by call.
    recorded: Vec<f64>,
    tape: &'a RefCell<&'a mut ergodic_conformance::Enumerate>,
    memory: &'a RefCell<HashMap<u64, Vec<f64>>>,
    thresholds: &'a [f64],
    time: u64,
    cursor: usize,
}
impl Drop for SliceOf<'_> {
    fn drop(&mut self) {
        self.memory
            .borrow_mut()
            .insert(self.time, std::mem::take(&mut self.recorded));
    }
}
impl Randomness for SliceOf<'_> {
    fn bernoulli(&mut self, p: f64) -> bool {
        if self.cursor == self.recorded.len() {
            let mut ends = vec![0.0];
            ends.extend_from_slice(self.thresholds);
            ends.push(1.0);
            let widths: Vec<f64> = ends.windows(2).map(|w| w[1] - w[0]).collect();
            let k = self.tape.borrow_mut().categorical(&widths);
            self.recorded.push(0.5 * (ends[k] + ends[k + 1]));
        }
        self.cursor += 1;
        self.recorded[self.cursor - 1] < p
    }
    fn index(&mut self, _: usize) -> usize {
        unreachable!("the update draws spins alone")
    }
    fn categorical(&mut self, _: &[f64]) -> usize {
        unreachable!("the update draws spins alone")
    }
    fn uniform(&mut self) -> f64 {
        unreachable!("the update draws spins alone")
    }
    fn normal(&mut self) -> f64 {
        unreachable!("the update draws spins alone")
    }
    fn exponential(&mut self) -> f64 {
        unreachable!("the update draws spins alone")
    }
}

/// `P(draw = x)` for every state, over all outcomes of at most `limit` updates, and the
/// probability that these do not suffice. `forget` makes the classic mistake: new randomness for
/// times that were used before.
fn law_of_coupling(target: &PairwiseSpins, limit: u64, forget: bool) -> (Vec<f64>, f64) {
    let attractive = Attractive::new(target.clone()).unwrap();
    let n = target.len();
    let mut thresholds: Vec<f64> = target
        .states()
        .iter()
        .flat_map(|s| {
            (0..n).map(|i| ergodic_math::special::sigmoid(2.0 * target.local_field(s, i)))
        })
        .collect();
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup_by(|a, b| (*a - *b).abs() < 1e-12);
    let all = outcomes(
        Limits {
            paths: 1 << 22,
            ..Limits::default()
        },
        |tape| {
            let tape = RefCell::new(tape);
            let memory = RefCell::new(HashMap::<u64, Vec<f64>>::new());
            let (mut lower, mut upper) = (vec![0i8; n], vec![0i8; n]);
            let mut longest = 0;
            let found =
                coupling_from_the_past(&attractive, &mut lower, &mut upper, limit, |time| {
                    if forget && time > longest {
                        memory.borrow_mut().clear();
                    }
                    longest = longest.max(time);
                    SliceOf {
                        recorded: memory.borrow_mut().remove(&time).unwrap_or_default(),
                        tape: &tape,
                        memory: &memory,
                        thresholds: &thresholds,
                        time,
                        cursor: 0,
                    }
                });
            found.ok().map(|_| lower)
        },
    )
    .unwrap();
    let mut law = vec![0.0; 1 << n];
    let mut lost = 0.0;
    for (p, x) in all {
        match x {
            Some(x) => {
                let k: usize = (0..n).map(|i| usize::from(x[i] == 1) << i).sum();
                law[k] += p;
            }
            None => lost += p,
        }
    }
    (law, lost)
}

fn gibbs_law(target: &PairwiseSpins) -> Vec<f64> {
    let w: Vec<f64> = target
        .states()
        .iter()
        .map(|s| (-target.energy(s)).exp())
        .collect();
    let z: f64 = w.iter().sum();
    w.iter().map(|w| w / z).collect()
}

#[test]
fn coupling_from_the_past_has_exactly_the_law_of_the_target() {
    // Every outcome of the coupled sweeps. What has met within the limit is a part of the law, and
    // the rest is too rare to matter: P(draw = x) is in [π(x) − lost, π(x)].
    for (j, h) in [(0.1, [0.3, -0.2]), (0.25, [0.0, 0.1])] {
        let target = PairwiseSpins::new(vec![0.0, j, j, 0.0], h.to_vec()).unwrap();
        let (law, lost) = law_of_coupling(&target, 4, false);
        assert!(lost < 0.02, "{lost}");
        for (found, exact) in law.iter().zip(gibbs_law(&target)) {
            assert!(*found <= exact + 1e-14, "{found} for {exact}");
            assert!(*found >= exact - lost - 1e-14, "{found} for {exact}");
        }
    }
}

#[test]
fn new_randomness_for_old_times_biases_the_coupling_and_that_is_seen() {
    let target = PairwiseSpins::new(vec![0.0, 0.25, 0.25, 0.0], vec![0.0, 0.1]).unwrap();
    let (law, _) = law_of_coupling(&target, 2, true);
    let excess = law
        .iter()
        .zip(gibbs_law(&target))
        .map(|(found, exact)| found - exact)
        .fold(0.0, f64::max);
    assert!(excess > 1e-4, "{excess:e}");
}

/// Oracles of the 4 × 4 torus: β, log Z, U (J = 1, so the target's energy is βU) and the mean
/// acceptance of single-spin Metropolis.
fn torus_oracles() -> [(f64, f64, f64, f64); 3] {
    let critical = 2f64.sqrt().ln_1p() / 2.0;
    [
        (
            0.2,
            11.771470358541581,
            -7.298165912685515,
            0.6789979970951707,
        ),
        (
            critical,
            15.521915458755284,
            -25.04998060221284,
            0.14674029303660457,
        ),
        (
            0.6,
            20.056532884346808,
            -30.52911244529634,
            0.02637833993287588,
        ),
    ]
}

#[test]
fn single_spin_metropolis_on_the_4_by_4_torus_is_invariant_and_accepts_as_the_oracle_says() {
    // All 65,536 states, all 16 moves, both outcomes of each, from the kernel's own code.
    for (beta, log_z, energy, acceptance) in torus_oracles() {
        let target = PairwiseSpins::torus(4, beta).unwrap();
        let kernel = Metropolis::new(UniformSite::new(16).unwrap());
        let states = target.states();
        let energies: Vec<f64> = states.iter().map(|s| target.energy(s)).collect();
        let pi: Vec<f64> = energies.iter().map(|e| (-e - log_z).exp()).collect();
        assert!((pi.iter().sum::<f64>() - 1.0).abs() < 1e-11);
        let mean: f64 = pi.iter().zip(&energies).map(|(p, e)| p * e / beta).sum();
        assert!((mean - energy).abs() < 1e-10, "{mean}");

        let (mut after, mut accepted) = (vec![0.0; states.len()], Vec::new());
        for (s, p) in states.iter().zip(&pi) {
            let paths = outcomes(Limits::default(), |rng| {
                let (mut kernel, mut state) = (kernel, s.clone());
                let info = kernel.step(&target, &mut state, rng).unwrap();
                (state, info.accepted)
            })
            .unwrap();
            let mut row = 0.0;
            for (q, (x, moved)) in paths {
                let k: usize = (0..16).map(|i| usize::from(x[i] == 1) << i).sum();
                after[k] += p * q;
                row += q * f64::from(u8::from(moved));
            }
            accepted.push(p * row);
        }
        // Sums of sums: two million terms in a row would lose three digits.
        let accepted: f64 = accepted.chunks(256).map(|c| c.iter().sum::<f64>()).sum();
        assert!((accepted - acceptance).abs() < 1e-12, "{accepted}");
        for (a, b) in after.iter().zip(&pi) {
            assert!((a - b).abs() <= 1e-13 * b.max(1e-3), "{a} {b}");
        }
    }
}

/// The law of the energy of the 4 × 4 torus from its density of states.
fn torus_energy_law(beta: f64, log_z: f64) -> Vec<(f64, f64)> {
    let g = [
        (-32, 2),
        (-24, 32),
        (-20, 64),
        (-16, 424),
        (-12, 1728),
        (-8, 6688),
        (-4, 13568),
    ];
    let mut levels: Vec<(f64, f64)> = Vec::new();
    for (e, n) in g {
        levels.push((f64::from(e), f64::from(n)));
        levels.push((f64::from(-e), f64::from(n)));
    }
    levels.push((0.0, 20524.0));
    levels.sort_by(|a, b| a.0.total_cmp(&b.0));
    levels
        .into_iter()
        .map(|(e, n)| (e, n * (-beta * e - log_z).exp()))
        .collect()
}

/// Energies of draws against the exact law: DKW at 1e-9 on the distribution function, and the
/// mean by its exact standard error at 6.5 (8e-11).
fn draws_have_the_energy_law(energies: &[f64], beta: f64, log_z: f64, mean: f64) {
    let n = energies.len() as f64;
    let law = torus_energy_law(beta, log_z);
    let band = ((2.0 / 1e-9f64).ln() / (2.0 * n)).sqrt();
    let mut exact = 0.0;
    for (e, p) in &law {
        exact += p;
        let below = energies.iter().filter(|x| **x <= e + 0.5).count() as f64 / n;
        assert!(
            (below - exact).abs() < band,
            "beta {beta}, E ≤ {e}: {below} for {exact}"
        );
    }
    let variance: f64 = law.iter().map(|(e, p)| p * (e - mean).powi(2)).sum();
    let found = energies.iter().sum::<f64>() / n;
    let sigmas = (found - mean).abs() / (variance / n).sqrt();
    assert!(
        sigmas < 6.5,
        "beta {beta}: mean energy {found} for {mean}, {sigmas} standard errors"
    );
}

#[test]
fn coupling_from_the_past_draws_the_energies_of_the_4_by_4_torus() {
    for ((beta, log_z, mean, _), draws) in torus_oracles().into_iter().zip([20_000, 4_000, 60]) {
        let target = Attractive::new(PairwiseSpins::torus(4, beta).unwrap()).unwrap();
        let mut kernel = CouplingFromThePast::default();
        let mut state = kernel.init(&target, &[1; 16]).unwrap();
        let mut rng = stream(5, 0);
        let energies: Vec<f64> = (0..draws)
            .map(|_| {
                kernel.step(&target, &mut state, &mut rng).unwrap();
                target.energy(kernel.position(&target, &state)) / beta
            })
            .collect();
        draws_have_the_energy_law(&energies, beta, log_z, mean);
    }
}

#[test]
fn colours_of_the_4_by_4_torus_keep_exact_draws_exact() {
    for (beta, log_z, mean, _) in torus_oracles().into_iter().take(2) {
        let spins = PairwiseSpins::torus(4, beta).unwrap();
        let target = Attractive::new(spins.clone()).unwrap();
        let (mut exact, mut rng) = (CouplingFromThePast::default(), stream(6, 0));
        let mut draw = exact.init(&target, &[1; 16]).unwrap();
        let mut sweep = colours(&spins, Scan::Sweep);
        assert_eq!(sweep.colouring().num_colours(), 2);
        let mut state = sweep.init(&spins, &[1; 16]).unwrap();
        let energies: Vec<f64> = (0..4_000)
            .map(|_| {
                exact.step(&target, &mut draw, &mut rng).unwrap();
                let x = exact.position(&target, &draw);
                sweep.reset(&spins, &mut state, Some(x)).unwrap();
                for _ in 0..3 {
                    sweep.step(&spins, &mut state, &mut rng).unwrap();
                }
                spins.energy(&state) / beta
            })
            .collect();
        draws_have_the_energy_law(&energies, beta, log_z, mean);
    }
}

#[test]
fn coupling_reports_what_is_not_monotone_and_what_does_not_meet() {
    let frozen = Attractive::new(PairwiseSpins::torus(4, 3.0).unwrap()).unwrap();
    let mut kernel = CouplingFromThePast::new(8).unwrap();
    let mut state = kernel.init(&frozen, &[1; 16]).unwrap();
    let error = kernel
        .step(&frozen, &mut state, &mut stream(1, 0))
        .unwrap_err();
    assert!(error.to_string().contains("after 8 updates"), "{error}");
    assert!(CouplingFromThePast::new(0).is_err());
    // Spins that are not there.
    assert!(kernel.init(&frozen, &[1; 15]).is_err());
    assert!(kernel.init(&frozen, &[1; 17]).is_err());

    /// An antiferromagnet that says it is monotone.
    struct Liar(PairwiseSpins);
    impl Energy for Liar {
        type State = [i8];
        fn energy(&self, s: &[i8]) -> f64 {
            self.0.energy(s)
        }
    }
    impl Monotone for Liar {
        fn lowest(&self, s: &mut [i8]) {
            s.fill(-1);
        }
        fn highest(&self, s: &mut [i8]) {
            s.fill(1);
        }
        fn precedes(&self, s: &[i8], t: &[i8]) -> bool {
            s.iter().zip(t).all(|(s, t)| s <= t)
        }
        fn update<R: Randomness + ?Sized>(&self, s: &mut [i8], rng: &mut R) {
            for site in 0..self.0.len() {
                self.0.resample_site(s, site, 1.0, rng);
            }
        }
    }
    let liar = Liar(PairwiseSpins::torus(4, -0.5).unwrap());
    let (mut lower, mut upper) = ([0i8; 16], [0i8; 16]);
    let found = coupling_from_the_past(&liar, &mut lower, &mut upper, 1024, |t| stream(1, t));
    assert!(matches!(found, Err(CouplingError::NotMonotone { .. })));

    // A sum of three spins is not one bernoulli: Attractive refuses what it cannot verify.
    assert!(Attractive::new(PairwiseSpins::new(vec![0.0], vec![800.0]).unwrap()).is_ok());
    assert!(Attractive::new(Twice(PairwiseSpins::torus(2, 0.1).unwrap())).is_err());
    assert!(Attractive::new(Upside(PairwiseSpins::torus(2, 0.1).unwrap())).is_err());
}

macro_rules! spins_with_another_conditional {
    ($name:ident, $doc:literal, |$target:ident, $s:ident, $site:ident, $rng:ident| $body:expr) => {
        #[doc = $doc]
        struct $name(PairwiseSpins);
        impl Energy for $name {
            type State = [i8];
            fn energy(&self, s: &[i8]) -> f64 {
                self.0.energy(s)
            }
        }
        impl Conditional for $name {
            fn num_sites(&self) -> usize {
                self.0.len()
            }
            fn resample_site<R: Randomness + ?Sized>(
                &self,
                $s: &mut [i8],
                $site: usize,
                _: f64,
                $rng: &mut R,
            ) {
                let $target = &self.0;
                $body
            }
        }
    };
}
spins_with_another_conditional!(Twice, "Draws the same spin twice.", |t, s, site, rng| {
    t.resample_site(s, site, 1.0, rng);
    t.resample_site(s, site, 1.0, rng);
});
spins_with_another_conditional!(Upside, "Asks for P(down).", |t, s, site, rng| {
    let down = ergodic_math::special::sigmoid(-2.0 * t.local_field(s, site));
    s[site] = if rng.bernoulli(down) { -1 } else { 1 };
});

// ---- Rejection --------------------------------------------------------------------------------

#[test]
fn rejection_has_exactly_the_law_of_the_target_however_many_proposals_it_takes() {
    // Within k proposals: P(x) = π(x)(1 − (1 − a)ᵏ), a = Z/(c Z_q).
    let table = FiniteTable::new(vec![0.3, -0.4, f64::INFINITY, 1.0, 0.0]).unwrap();
    let law = table_law(&table);
    let states = table.states();
    let log_bound = states
        .iter()
        .map(|x| law.energy(x) - table.energy(x))
        .fold(f64::NEG_INFINITY, f64::max);
    let z: f64 = states.iter().map(|x| (-table.energy(x)).exp()).sum();
    for slack in [0.0, 0.7] {
        let c = log_bound + slack;
        let a = z / (c.exp() * law.0.iter().sum::<f64>());
        for k in 1..=3u64 {
            let kernel = Rejection::new(law.clone(), c)
                .unwrap()
                .max_proposals(k)
                .unwrap();
            let all = outcomes(Limits::default(), |rng| {
                let mut x = 0;
                let info = kernel.draw(&table, &mut x, rng);
                info.map(|i| (x, i.proposals))
            })
            .unwrap();
            let mut p = vec![0.0; states.len()];
            for (q, found) in all {
                match found {
                    Ok((x, proposals)) => {
                        assert!(proposals <= k);
                        p[x] += q;
                    }
                    Err(e) => assert_eq!(e, RejectionError::Exhausted { proposals: k }),
                }
            }
            let reached = 1.0 - (1.0 - a).powi(k as i32);
            for x in &states {
                let exact = (-table.energy(x)).exp() / z * reached;
                assert!((p[*x] - exact).abs() < 1e-15, "{} for {exact}", p[*x]);
            }
        }
    }
}

#[test]
fn a_violated_envelope_is_a_typed_error() {
    let table = FiniteTable::new(vec![0.0, -3.0]).unwrap();
    let kernel = Rejection::new(table_law(&table), 0.0).unwrap();
    let mut rng = stream(1, 0);
    let mut x = 0;
    let error = loop {
        if let Err(e) = kernel.draw(&table, &mut x, &mut rng) {
            break e;
        }
    };
    // log π̃ − log q̃ = 3 − log 2 at state 1.
    match error {
        RejectionError::EnvelopeViolated {
            log_ratio,
            log_bound,
        } => assert!((log_ratio - (3.0 - 2f64.ln())).abs() < 1e-15 && log_bound == 0.0),
        other => panic!("{other}"),
    }
    assert!(
        TargetError::from(error)
            .to_string()
            .contains("envelope is violated")
    );
    assert!(Rejection::new(table_law(&table), f64::NAN).is_err());
    assert!(kernel.max_proposals(0).is_err());
}

#[test]
fn rejection_draws_a_truncated_normal() {
    // N(0, 1) above 1: P(x > 2) = Φ(−2)/Φ(−1).
    struct Above;
    impl Energy for Above {
        type State = [f64];
        fn energy(&self, x: &[f64]) -> f64 {
            if x[0] > 1.0 {
                0.5 * x[0] * x[0]
            } else {
                f64::INFINITY
            }
        }
    }
    let mut kernel = Rejection::new(Gaussian::standard(1).unwrap(), 0.0).unwrap();
    let mut state = kernel.init(&Above, &[1.5]).unwrap();
    let mut rng = stream(8, 0);
    let n = 100_000u32;
    let (mut beyond, mut proposals) = (0u32, 0);
    for _ in 0..n {
        let info = kernel.step(&Above, &mut state, &mut rng).unwrap();
        proposals += info.proposals;
        assert!(state[0] > 1.0 && info.forbidden == info.proposals - 1);
        beyond += u32::from(state[0] > 2.0);
    }
    let phi = ergodic_math::special::normal_cdf;
    let judge = |found: f64, p: f64, n: f64| {
        let sigmas = (found - p).abs() / (p * (1.0 - p) / n).sqrt();
        assert!(sigmas < 6.5, "{found} for {p}");
    };
    judge(
        f64::from(beyond) / f64::from(n),
        phi(-2.0) / phi(-1.0),
        f64::from(n),
    );
    judge(f64::from(n) / proposals as f64, phi(-1.0), proposals as f64);
}

#[test]
fn exact_samplers_run_the_same_twice_and_from_a_copy() {
    let tables = || Just(FiniteTable::new(vec![0.0, 1.0, 0.5]).unwrap());
    let rejection = |t: &FiniteTable| Rejection::new(table_law(t), 3.0).unwrap();
    suite::determinism(rejection, tables(), FiniteTable::states);
    suite::checkpoint(rejection, tables(), FiniteTable::states);
    suite::threads_on(rejection, tables(), FiniteTable::states);
    suite::allocates_nothing_on(rejection, tables(), FiniteTable::states);
    suite::serde_round_trip_on(rejection, tables(), FiniteTable::states);
    suite::send_and_sync(rejection, tables());
    let spins = || {
        (0.0..0.6f64)
            .prop_map(|beta| Attractive::new(PairwiseSpins::torus(2, beta).unwrap()).unwrap())
    };
    let coupling = |_: &Attractive<PairwiseSpins>| CouplingFromThePast::default();
    let states = |t: &Attractive<PairwiseSpins>| t.target().states();
    suite::determinism(coupling, spins(), states);
    suite::checkpoint(coupling, spins(), states);
    suite::threads_on(coupling, spins(), states);
    suite::allocates_nothing_on(coupling, spins(), states);
    suite::serde_round_trip_on(coupling, spins(), states);
    suite::send_and_sync(coupling, spins());
}

#[test]
fn a_proposal_of_another_dimension_is_a_typed_error() {
    // Coordinates that the law does not weigh would be drawn and never corrected for.
    let target = Gaussian::standard(3).unwrap();
    for dim in [1, 2, 4] {
        let law = Gaussian::standard(dim).unwrap();
        assert!(
            Independence::new(law.clone())
                .init(&target, &[0.0; 3])
                .is_err()
        );
        let mut kernel = Rejection::new(law, 0.0).unwrap();
        let mut state = kernel.init(&target, &[0.0; 3]).unwrap();
        assert!(kernel.step(&target, &mut state, &mut stream(1, 0)).is_err());
        assert!(kernel.init(&target, &vec![0.0; dim]).is_err());
    }
}
