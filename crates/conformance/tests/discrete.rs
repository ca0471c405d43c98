//! Discrete kernels that are right, and broken ones that really shipped somewhere: the first pass,
//! the second are rejected for the right reason.

use ergodic_conformance::strategies::{FiniteTable, PairwiseSpins};
use ergodic_conformance::{Failure, Law, Report, TransitionMatrix, check, enumerate};
use ergodic_core::{
    Claims, Conditional, Energy, LocalEnergy, MarkovKernel, Randomness, Stationarity, TargetError,
};
use ergodic_math::special::sigmoid;

/// Implements the parts of a kernel whose state is its position and whose step is `self.step_on`.
macro_rules! plain_kernel {
    ($kernel:ty, $target:ty, $position:ty, $owned:ty, $claims:expr) => {
        impl MarkovKernel<$target> for $kernel {
            type State = $owned;
            type Info = ();
            fn claims(&self) -> Claims {
                $claims
            }
            fn init(&self, _: &$target, x: &$position) -> Result<$owned, TargetError> {
                Ok(x.to_owned())
            }
            fn position<'s>(&self, _: &$target, state: &'s $owned) -> &'s $position
            where
                $target: 's,
            {
                state
            }
            fn reset(
                &self,
                _: &$target,
                state: &mut $owned,
                x: Option<&$position>,
            ) -> Result<(), TargetError> {
                if let Some(x) = x {
                    x.clone_into(state);
                }
                Ok(())
            }
            fn step<R: Randomness + ?Sized>(
                &mut self,
                target: &$target,
                state: &mut $owned,
                rng: &mut R,
            ) -> Result<(), TargetError> {
                self.step_on(target, state, rng);
                Ok(())
            }
        }
    };
}

/// The critical inverse temperature of the infinite lattice, ln(1 + √2)/2.
const BETA: f64 = 0.440_686_793_509_772;

/// How a single-spin kernel decides about a flip.
#[derive(Clone, Copy)]
enum Rule {
    Metropolis,
    Barker,
    /// Metropolis with an inverse temperature that is off by the factor.
    Beta(f64),
    /// argmin 0.11: downhill always, uphill with 1/(1 + e^Δ).
    Logistic,
    /// Never.
    Frozen,
    /// Whatever the energy says.
    Always,
}

impl Rule {
    fn accepts<R: Randomness + ?Sized>(self, delta: f64, rng: &mut R) -> bool {
        rng.bernoulli(match self {
            Self::Metropolis => (-delta).exp().min(1.0),
            Self::Barker => sigmoid(-delta),
            Self::Beta(factor) => (-factor * delta).exp().min(1.0),
            Self::Logistic if delta <= 0.0 => 1.0,
            Self::Logistic => 1.0 / (1.0 + delta.exp()),
            Self::Frozen => 0.0,
            Self::Always => 1.0,
        })
    }
}

#[derive(Clone)]
struct RandomScan(Rule);
impl RandomScan {
    fn step_on<R: Randomness + ?Sized>(&self, t: &PairwiseSpins, s: &mut [i8], rng: &mut R) {
        let site = rng.index(t.len());
        if self.0.accepts(t.delta_energy(s, site), rng) {
            t.apply(s, site);
        }
    }
}
plain_kernel!(RandomScan, PairwiseSpins, [i8], Vec<i8>, Claims::REVERSIBLE);

#[derive(Clone)]
struct Typewriter(Rule);
impl Typewriter {
    fn step_on<R: Randomness + ?Sized>(&self, t: &PairwiseSpins, s: &mut [i8], rng: &mut R) {
        for site in 0..t.len() {
            if self.0.accepts(t.delta_energy(s, site), rng) {
                t.apply(s, site);
            }
        }
    }
}
plain_kernel!(Typewriter, PairwiseSpins, [i8], Vec<i8>, Claims::INVARIANT);

/// Gibbs sampling with a conditional off by a factor 2 in the field when `wrong`.
#[derive(Clone)]
struct Gibbs {
    wrong: bool,
}
impl Gibbs {
    fn step_on<R: Randomness + ?Sized>(&self, t: &PairwiseSpins, s: &mut [i8], rng: &mut R) {
        let site = rng.index(t.num_sites());
        if self.wrong {
            let up = sigmoid(t.local_field(s, site));
            s[site] = if rng.bernoulli(up) { 1 } else { -1 };
        } else {
            t.resample_site(s, site, 1.0, rng);
        }
    }
}
plain_kernel!(Gibbs, PairwiseSpins, [i8], Vec<i8>, Claims::REVERSIBLE);

/// A walk on `0..n` that steps left or right, from an end always inward: an asymmetric proposal,
/// corrected or not.
#[derive(Clone)]
struct Walk {
    hastings: bool,
}
impl Walk {
    fn step_on<R: Randomness + ?Sized>(&self, t: &FiniteTable, x: &mut usize, rng: &mut R) {
        let last = t.energies().len() - 1;
        let density = |at: usize| if at == 0 || at == last { 1.0 } else { 0.5 };
        let to = match *x {
            0 => 1,
            x if x == last => last - 1,
            x if rng.bernoulli(0.5) => x + 1,
            x => x - 1,
        };
        let factor = if self.hastings {
            density(to) / density(*x)
        } else {
            1.0
        };
        if rng.bernoulli((factor * (-t.delta_energy(x, to)).exp()).min(1.0)) {
            *x = to;
        }
    }
}
plain_kernel!(Walk, FiniteTable, usize, usize, Claims::REVERSIBLE);

fn energies(t: &PairwiseSpins) -> Vec<f64> {
    t.states().iter().map(|s| t.energy(s)).collect()
}

fn torus_matrix<K: MarkovKernel<PairwiseSpins>>(
    kernel: &K,
    beta: f64,
) -> (TransitionMatrix, Vec<f64>) {
    let t = PairwiseSpins::torus(3, beta).unwrap();
    (enumerate(kernel, &t, &t.states()).unwrap(), energies(&t))
}

fn on_torus<K: MarkovKernel<PairwiseSpins>>(kernel: &K, beta: f64) -> Report {
    let t = PairwiseSpins::torus(3, beta).unwrap();
    check(kernel, &t, &t.states(), 1e-12).unwrap()
}

#[test]
fn random_scan_metropolis_is_reversible_on_the_torus() {
    let (matrix, energies) = torus_matrix(&RandomScan(Rule::Metropolis), BETA);
    // 512·9 proposals, of which 5/16 go uphill and branch.
    assert_eq!(matrix.paths(), 6048);
    assert!(matrix.detailed_balance_flow(&energies).unwrap() < 1e-17);
    assert!(matrix.invariance_flow(&energies).unwrap() < 1e-15);
    let report = matrix.check(&energies, Claims::REVERSIBLE, 1e-14).unwrap();
    assert!(report.passed(), "{report}");
}

#[test]
fn barker_and_gibbs_are_reversible_on_the_torus() {
    on_torus(&RandomScan(Rule::Barker), BETA).assert();
    on_torus(&Gibbs { wrong: false }, BETA).assert();
}

#[test]
fn a_sequential_sweep_is_invariant_and_not_reversible() {
    let (matrix, energies) = torus_matrix(&Typewriter(Rule::Metropolis), BETA);
    assert!(matrix.invariance_flow(&energies).unwrap() < 1e-15);
    let flow = matrix.detailed_balance_flow(&energies).unwrap();
    assert!((flow - 3.664e-3).abs() < 1e-6, "{flow}");
    let claims = Claims::REVERSIBLE.not_ergodic();
    let report = matrix.check(&energies, claims, 1e-12).unwrap();
    assert!(!report.fails(Law::Invariance), "{report}");
    assert!(report.fails(Law::DetailedBalance));
}

#[test]
fn a_typewriter_sweep_that_accepts_ties_traps_eight_states() {
    let (matrix, energies) = torus_matrix(&Typewriter(Rule::Metropolis), BETA);
    let structure = matrix.structure(&energies).unwrap();
    // Four pairs of states, each pair swapped by every sweep: 2·4 = 8 trapped.
    let sizes: Vec<usize> = structure.classes.iter().map(Vec::len).collect();
    assert_eq!(sizes, [504, 2, 2, 2, 2]);
    assert_eq!(structure.closed, [true; 5]);
    assert_eq!(structure.periods, [1, 2, 2, 2, 2]);
    let report = on_torus(&Typewriter(Rule::Metropolis), BETA);
    assert!(report.fails(Law::Irreducibility), "{report}");
    // Barker's rule hesitates at a tie and is not trapped.
    on_torus(&Typewriter(Rule::Barker), BETA).assert();
}

#[test]
fn an_inverse_temperature_off_by_two_percent_is_caught() {
    let (matrix, energies) = torus_matrix(&RandomScan(Rule::Beta(1.02)), BETA);
    let flow = matrix.invariance_flow(&energies).unwrap();
    assert!((flow - 6.753e-4).abs() < 1e-6, "{flow}");
    let report = matrix.check(&energies, Claims::REVERSIBLE, 1e-12).unwrap();
    assert!(report.fails(Law::Invariance) && report.fails(Law::DetailedBalance));
    assert!(report.finding(Law::DetailedBalance).unwrap().residual > 2e-4);
}

#[test]
fn a_logistic_uphill_rule_is_caught() {
    let report = on_torus(&RandomScan(Rule::Logistic), BETA);
    assert!(report.fails(Law::DetailedBalance) && report.fails(Law::Invariance));

    // Two levels, ΔE = 1: the occupation ratio is 1 + e = 3.72 instead of e.
    let one = PairwiseSpins::new(vec![0.0], vec![0.5]).unwrap();
    let p = enumerate(&RandomScan(Rule::Logistic), &one, &one.states()).unwrap();
    let ratio = p.probability(0, 1) / p.probability(1, 0);
    assert!((ratio - 3.72).abs() < 0.005);
}

#[test]
fn a_frozen_kernel_is_caught() {
    let report = on_torus(&RandomScan(Rule::Frozen), BETA);
    assert!(report.fails(Law::Moves));
    assert!(report.fails(Law::Irreducibility));
    assert!(!report.fails(Law::DetailedBalance)); // which the identity keeps
}

#[test]
fn proposals_that_are_always_accepted_are_caught() {
    let report = on_torus(&RandomScan(Rule::Always), BETA);
    assert!(report.fails(Law::Invariance) && report.fails(Law::Aperiodicity));
}

#[test]
fn a_wrong_conditional_is_caught() {
    let report = on_torus(&Gibbs { wrong: true }, BETA);
    assert!(report.fails(Law::Invariance) && report.fails(Law::DetailedBalance));
}

#[test]
fn a_missing_hastings_factor_is_caught() {
    let table = FiniteTable::new(vec![0.0, 0.3, 1.0, -0.5]).unwrap();
    check(&Walk { hastings: true }, &table, &table.states(), 1e-14)
        .unwrap()
        .assert();
    let report = check(&Walk { hastings: false }, &table, &table.states(), 1e-14).unwrap();
    assert!(report.fails(Law::DetailedBalance) && report.fails(Law::Invariance));
}

/// Metropolis that keeps the energy of its position and forgets to update it.
#[derive(Clone)]
struct StaleCache {
    in_step: bool,
    in_reset: bool,
}
impl MarkovKernel<FiniteTable> for StaleCache {
    type State = (usize, f64);
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(&self, t: &FiniteTable, x: &usize) -> Result<(usize, f64), TargetError> {
        Ok((*x, t.energy(x)))
    }
    fn position<'s>(&self, _: &FiniteTable, state: &'s (usize, f64)) -> &'s usize
    where
        FiniteTable: 's,
    {
        &state.0
    }
    fn reset(
        &self,
        t: &FiniteTable,
        state: &mut (usize, f64),
        x: Option<&usize>,
    ) -> Result<(), TargetError> {
        state.0 = *x.unwrap_or(&state.0);
        if !self.in_reset {
            state.1 = t.energy(&state.0);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        t: &FiniteTable,
        state: &mut (usize, f64),
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let to = rng.index(t.energies().len());
        if rng.bernoulli((state.1 - t.energy(&to)).exp().min(1.0)) {
            state.0 = to;
            if !self.in_step {
                state.1 = t.energy(&to);
            }
        }
        Ok(())
    }
}

#[test]
fn stale_caches_are_caught_after_a_step_and_after_a_reset() {
    let table = FiniteTable::new(vec![0.0, 0.7, 1.9]).unwrap();
    for (in_step, in_reset) in [(false, false), (true, false), (false, true)] {
        let kernel = StaleCache { in_step, in_reset };
        let report = check(&kernel, &table, &table.states(), 1e-14).unwrap();
        assert_eq!(report.fails(Law::Markov), in_step || in_reset, "{report}");
        // The rows from `init` are right: only the comparison can see it.
        assert!(!report.fails(Law::Invariance));
    }
}

/// Uses a linear-space weight, which a constant in the energy overflows.
#[derive(Clone)]
struct LinearWeights;
impl<T: Energy<State = usize>> MarkovKernel<T> for LinearWeights {
    type State = usize;
    type Info = ();
    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }
    fn init(&self, _: &T, x: &usize) -> Result<usize, TargetError> {
        Ok(*x)
    }
    fn position<'s>(&self, _: &T, state: &'s usize) -> &'s usize
    where
        T: 's,
    {
        state
    }
    fn reset(&self, _: &T, state: &mut usize, x: Option<&usize>) -> Result<(), TargetError> {
        *state = *x.unwrap_or(state);
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        t: &T,
        x: &mut usize,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let (a, b) = ((-t.energy(&0)).exp(), (-t.energy(&1)).exp());
        *x = usize::from(rng.bernoulli(b / (a + b)));
        Ok(())
    }
}

#[test]
#[should_panic(expected = "bernoulli(NaN)")]
fn weights_in_linear_space_are_caught_by_an_energy_shift() {
    ergodic_conformance::suite::energy_shift(
        |_: &FiniteTable| LinearWeights,
        ergodic_conformance::strategies::finite_table(2..=2, 1.0),
        FiniteTable::states,
        1e-12,
    );
}

#[test]
#[should_panic(expected = "FAIL  detailed balance")]
fn the_suite_rejects_a_broken_kernel() {
    ergodic_conformance::suite::discrete_claims(
        |_: &PairwiseSpins| RandomScan(Rule::Logistic),
        Claims::REVERSIBLE.not_ergodic(), // a free spin alternates
        ergodic_conformance::strategies::pairwise_spins(1..=3, 1.0),
        PairwiseSpins::states,
        1e-12,
    );
}

/// A kernel that counts its steps outside of its state and randomness.
#[derive(Clone)]
struct Shared(std::sync::Arc<std::sync::atomic::AtomicUsize>);
impl Shared {
    fn step_on<R: Randomness + ?Sized>(&self, t: &PairwiseSpins, s: &mut [i8], rng: &mut R) {
        let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let site = count % t.len();
        if count.is_multiple_of(2) {
            t.resample_site(s, site, 1.0, rng);
        } else {
            s[site] = if rng.index(3) == 0 { 1 } else { -1 };
        }
    }
}
plain_kernel!(Shared, PairwiseSpins, [i8], Vec<i8>, Claims::REVERSIBLE);

#[test]
fn hidden_inputs_and_unknown_states_are_errors_that_name_the_state() {
    let t = PairwiseSpins::torus(2, BETA).unwrap();
    let error = enumerate(&Shared(std::sync::Arc::default()), &t, &t.states()).unwrap_err();
    assert!(matches!(error.failure, Failure::NotReproducible { .. }));

    let some = &t.states()[..3];
    let error = enumerate(&Gibbs { wrong: false }, &t, some).unwrap_err();
    assert!(matches!(error.failure, Failure::UnknownState { .. }));
    assert!(error.to_string().starts_with("from state ["), "{error}");

    let twice = vec![t.states()[0].clone(); 2];
    let error = enumerate(&Gibbs { wrong: false }, &t, &twice).unwrap_err();
    assert_eq!(error.failure, Failure::DuplicateState);
}

#[test]
fn a_failed_report_names_states_probabilities_and_the_law() {
    let one = PairwiseSpins::new(vec![0.0], vec![0.5]).unwrap();
    let report = check(&RandomScan(Rule::Logistic), &one, &one.states(), 1e-12).unwrap();
    let text = report.to_string();
    for part in ["FAIL  detailed balance", "[-1]", "[1]", "P(a → b)", "π = "] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn an_asymptotic_claim_is_not_taken_for_granted() {
    let one = PairwiseSpins::new(vec![0.0], vec![0.5]).unwrap();
    let matrix = enumerate(&Gibbs { wrong: false }, &one, &one.states()).unwrap();
    let claims = Claims {
        stationarity: Stationarity::Asymptotic { order: 1 },
        ergodic: false,
    };
    let report = matrix.check(&energies(&one), claims, 1e-12).unwrap();
    assert!(report.fails(Law::Order));
}

#[test]
fn two_state_metropolis_has_second_eigenvalue_minus_one_over_e() {
    let one = PairwiseSpins::new(vec![0.0], vec![0.5]).unwrap();
    let matrix = enumerate(&RandomScan(Rule::Metropolis), &one, &one.states()).unwrap();
    let values = matrix.eigenvalues(&energies(&one), 1e-14).unwrap();
    assert!((values[1] + (-1f64).exp()).abs() < 1e-15);
}

#[test]
fn metropolis_has_at_least_the_dirichlet_form_of_barker() {
    // Peskun: off-diagonal entries dominate, so asymptotic variances are smaller.
    let (metropolis, _) = torus_matrix(&RandomScan(Rule::Metropolis), BETA);
    let (barker, _) = torus_matrix(&RandomScan(Rule::Barker), BETA);
    for i in 0..metropolis.len() {
        for j in (0..metropolis.len()).filter(|&j| j != i) {
            assert!(metropolis.probability(i, j) >= barker.probability(i, j));
        }
    }
}

/// How a two-level kernel accepts the other level.
#[derive(Clone, Copy)]
enum Flaw {
    None,
    /// Correct, but `1 − p` is handed over where `p` is meant and the answer turned round.
    Complement,
    /// `exp(−min(ΔE, 30))`.
    Capped,
    /// Downhill moves of more than 28 nats are taken with probability 0.01.
    Timid,
    /// Everything is accepted from the second step on.
    Second,
}

/// Metropolis between the two states of a table, with a counter of its own.
#[derive(Clone)]
struct TwoLevels {
    flaw: Flaw,
    steps: u32,
}
impl TwoLevels {
    fn step_on<R: Randomness + ?Sized>(&mut self, t: &FiniteTable, x: &mut usize, rng: &mut R) {
        self.steps += 1;
        let delta = t.delta_energy(x, 1 - *x);
        let right = (-delta).exp().min(1.0);
        let p = match self.flaw {
            Flaw::Complement => {
                if !rng.bernoulli(1.0 - right) {
                    *x = 1 - *x;
                }
                return;
            }
            Flaw::Capped => (-delta.min(30.0)).exp().min(1.0),
            Flaw::Timid if delta < -28.0 => 0.01,
            Flaw::Second if self.steps > 1 => 1.0,
            _ => right,
        };
        if rng.bernoulli(p) {
            *x = 1 - *x;
        }
    }
}
plain_kernel!(TwoLevels, FiniteTable, usize, usize, Claims::REVERSIBLE);

fn two_levels(flaw: Flaw, delta: f64) -> Report {
    let table = FiniteTable::new(vec![0.0, delta]).unwrap();
    check(&TwoLevels { flaw, steps: 0 }, &table, &[0, 1], 1e-12).unwrap()
}

#[test]
fn a_kernel_that_changes_with_its_own_steps_is_caught() {
    let report = two_levels(Flaw::Second, 1.0);
    assert!(report.fails(Law::Markov), "{report}");
    assert!(!report.fails(Law::DetailedBalance), "{report}");
    two_levels(Flaw::None, 1.0).assert();
}

#[test]
fn ratios_are_checked_among_rare_moves_too() {
    for (flaw, delta) in [(Flaw::Capped, 45.0), (Flaw::Timid, 29.0)] {
        let report = two_levels(flaw, delta);
        assert!(report.fails(Law::DetailedBalance), "{report}");
        assert!(report.fails(Law::Invariance), "{report}");
    }
    for delta in [0.5, 29.0, 45.0, 80.0, 700.0] {
        two_levels(Flaw::None, delta).assert();
    }
    // What the branch of 1 − p loses to rounding is not held against a kernel.
    for delta in [0.5, 20.0, 29.0, 33.0] {
        two_levels(Flaw::Complement, delta).assert();
    }
}

#[test]
fn conditionals_that_saturate_are_right_within_rounding() {
    for field in [1.0, 15.0, 19.0, 20.0, 40.0, 300.0] {
        let one = PairwiseSpins::new(vec![0.0, 1.0, 1.0, 0.0], vec![field, -0.3]).unwrap();
        // From 20 on the conditional rounds to 1 and some states are never reached.
        let claims = Claims::REVERSIBLE.not_ergodic();
        let matrix = enumerate(&Gibbs { wrong: false }, &one, &one.states()).unwrap();
        let report = matrix.check(&energies(&one), claims, 1e-12).unwrap();
        report.assert();
    }
}
