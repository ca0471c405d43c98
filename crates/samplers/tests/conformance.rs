//! Every kernel against its claims, by exact transition matrices on random small targets.

use ergodic_conformance::strategies::{self, FiniteTable, PairwiseSpins};
use ergodic_conformance::{Law, enumerate, suite};
use ergodic_core::{
    Claims, EachChain, Energy, Independent, LocalEnergy, MarkovKernel, Randomness, Tempered,
};
use ergodic_samplers::{
    Barker, Cycle, Gibbs, Metropolis, MetropolisSweep, Mixture, Proposal, Repeat, Scan, UniformSite,
};
use proptest::strategy::Strategy;

ergodic_conformance::counting_allocator!();

fn spins() -> impl Strategy<Value = PairwiseSpins> + Clone {
    strategies::pairwise_spins(1..=4, 2.0)
}

fn site(t: &PairwiseSpins) -> UniformSite {
    UniformSite::new(t.len()).unwrap()
}

fn sweep(t: &PairwiseSpins, scan: Scan) -> MetropolisSweep {
    MetropolisSweep::new(t.len(), scan).unwrap()
}

/// One line per kernel on spins.
macro_rules! on_spins {
    ($($name:ident: $kernel:expr;)*) => {$(
        ergodic_conformance::kernel!($name {
            kernel: $kernel,
            targets: spins(),
            states: PairwiseSpins::states,
            tolerance: 1e-12,
            energy_shift: bitwise,
        });
    )*};
}

on_spins! {
    metropolis: |t: &PairwiseSpins| Metropolis::new(site(t));
    barker: |t: &PairwiseSpins| Metropolis::new(site(t)).with_rule(Barker);
    metropolis_sweep: |t: &PairwiseSpins| sweep(t, Scan::Sweep);
    metropolis_random: |t: &PairwiseSpins| sweep(t, Scan::Random);
    metropolis_palindrome: |t: &PairwiseSpins| sweep(t, Scan::Palindrome);
    barker_sweep: |t: &PairwiseSpins| sweep(t, Scan::Sweep).with_rule(Barker);
    gibbs_random_scan: |_: &PairwiseSpins| Gibbs::new(Scan::Random);
    gibbs_sweep: |_: &PairwiseSpins| Gibbs::new(Scan::Sweep);
    gibbs_palindrome: |_: &PairwiseSpins| Gibbs::new(Scan::Palindrome);
    cycle: |t: &PairwiseSpins| Cycle::new(Gibbs::new(Scan::Random), Metropolis::new(site(t)));
    cycle_palindrome: |t: &PairwiseSpins| {
        Cycle::new(Metropolis::new(site(t)), Gibbs::new(Scan::Random)).palindrome()
    };
    nested_cycle: |t: &PairwiseSpins| {
        let inner = Cycle::new(Gibbs::new(Scan::Random), Metropolis::new(site(t)));
        Cycle::new(inner, Metropolis::new(site(t)).with_rule(Barker))
    };
    mixture: |t: &PairwiseSpins| {
        Mixture::new(0.3, sweep(t, Scan::Sweep), Gibbs::new(Scan::Random)).unwrap()
    };
    mixture_of_reversibles: |t: &PairwiseSpins| {
        Mixture::new(0.6, Metropolis::new(site(t)), Gibbs::new(Scan::Random)).unwrap()
    };
    repeat: |t: &PairwiseSpins| Repeat::new(3, Metropolis::new(site(t))).unwrap();
    cycle_of_mixtures: |t: &PairwiseSpins| {
        let mix = Mixture::new(0.5, Metropolis::new(site(t)), Gibbs::new(Scan::Random)).unwrap();
        Cycle::new(mix, Repeat::new(2, Gibbs::new(Scan::Random)).unwrap())
    };
}

/// One step up or down in a table, from an end always inward: asymmetric.
#[derive(Clone)]
struct Step {
    hastings: bool,
}
impl Step {
    fn density(t: &FiniteTable, x: usize) -> f64 {
        let ends = x == 0 || x + 1 == t.energies().len();
        if ends { 1.0 } else { 0.5 }
    }
}
/// The same for a table and for a table at another temperature or with a shifted energy.
trait Table {
    fn table(&self) -> &FiniteTable;
}
impl Table for FiniteTable {
    fn table(&self) -> &FiniteTable {
        self
    }
}
impl<T: Table> Table for ergodic_conformance::Shifted<T> {
    fn table(&self) -> &FiniteTable {
        self.target.table()
    }
}
impl<T: Table + LocalEnergy<State = usize, Move = usize>> Proposal<T> for Step {
    fn propose<R: Randomness + ?Sized>(&self, t: &T, x: &usize, rng: &mut R) -> usize {
        let last = t.table().energies().len() - 1;
        match *x {
            0 => 1,
            x if x == last => last - 1,
            x if rng.bernoulli(0.5) => x + 1,
            x => x - 1,
        }
    }
    fn log_hastings(&self, t: &T, x: &usize, to: usize) -> f64 {
        if self.hastings {
            (Self::density(t.table(), to) / Self::density(t.table(), *x)).ln()
        } else {
            0.0
        }
    }
    fn connects(&self) -> bool {
        true
    }
}

ergodic_conformance::kernel!(metropolis_hastings {
    kernel: |_: &FiniteTable| Metropolis::new(Step { hastings: true }),
    targets: strategies::finite_table(2..=6, 3.0),
    states: FiniteTable::states,
    tolerance: 1e-12,
    energy_shift: bitwise,
});

ergodic_conformance::kernel!(gibbs_of_a_table_is_an_exact_draw {
    kernel: |_: &FiniteTable| Gibbs::new(Scan::Random),
    targets: strategies::finite_table(1..=6, 3.0),
    states: FiniteTable::states,
    tolerance: 1e-12,
    energy_shift: bitwise,
});

#[test]
fn a_hastings_term_left_out_breaks_detailed_balance() {
    let table = FiniteTable::new(vec![0.0, 0.3, 1.0]).unwrap();
    let p = enumerate(
        &Metropolis::new(Step { hastings: false }),
        &table,
        &table.states(),
    )
    .unwrap();
    let report = p
        .check(table.energies(), Claims::REVERSIBLE.not_ergodic(), 1e-12)
        .unwrap();
    assert!(report.fails(Law::DetailedBalance));
}

#[test]
fn kernels_serve_a_tempered_target_at_its_temperature() {
    let target = Tempered {
        target: PairwiseSpins::torus(2, 0.4).unwrap(),
        beta: 0.37,
    };
    let states = target.target.states();
    let energies: Vec<f64> = states.iter().map(|s| target.energy(s)).collect();
    for (matrix, claims) in [
        (
            enumerate(&Gibbs::new(Scan::Sweep), &target, &states),
            Claims::INVARIANT,
        ),
        (
            enumerate(
                &Metropolis::new(UniformSite::new(4).unwrap()),
                &target,
                &states,
            ),
            Claims::REVERSIBLE,
        ),
    ] {
        matrix
            .unwrap()
            .check(&energies, claims, 1e-14)
            .unwrap()
            .assert();
    }
}

#[test]
fn a_population_of_chains_has_the_product_law() {
    let spins = PairwiseSpins::new(vec![0.0, 0.7, 0.7, 0.0], vec![0.2, -0.5]).unwrap();
    let one = spins.states();
    let target = Independent(spins);
    let states: Vec<Vec<Vec<i8>>> = one
        .iter()
        .flat_map(|a| one.iter().map(|b| vec![a.clone(), b.clone()]))
        .collect();
    for scan in [Scan::Random, Scan::Sweep] {
        ergodic_conformance::check(&EachChain(Gibbs::new(scan)), &target, &states, 1e-14)
            .unwrap()
            .assert();
    }
}

#[test]
fn a_sweep_is_not_reversible_and_that_is_seen() {
    let target = PairwiseSpins::torus(2, 0.4).unwrap();
    let states = target.states();
    let energies: Vec<f64> = states.iter().map(|s| target.energy(s)).collect();
    for matrix in [
        enumerate(&Gibbs::new(Scan::Sweep), &target, &states),
        enumerate(&sweep(&target, Scan::Sweep), &target, &states),
        enumerate(
            &Cycle::new(Gibbs::new(Scan::Random), Metropolis::new(site(&target))),
            &target,
            &states,
        ),
    ] {
        let matrix = matrix.unwrap();
        let claims = Claims::REVERSIBLE.not_ergodic();
        let report = matrix.check(&energies, claims, 1e-12).unwrap();
        assert!(!report.fails(Law::Invariance), "{report}");
        assert!(report.fails(Law::DetailedBalance));
    }
}

#[test]
fn compositions_are_products_sums_and_powers_of_matrices() {
    let target = PairwiseSpins::torus(2, 0.3).unwrap();
    let states = target.states();
    let of = |k| enumerate::<PairwiseSpins, Metropolis<UniformSite>>(k, &target, &states).unwrap();
    let metropolis = Metropolis::new(site(&target));
    let gibbs = Gibbs::new(Scan::Sweep);
    let a = of(&metropolis).matrix().clone();
    let b = enumerate(&gibbs, &target, &states)
        .unwrap()
        .matrix()
        .clone();

    let distance = |x: &nalgebra::DMatrix<f64>, y: &nalgebra::DMatrix<f64>| (x - y).amax();
    let cycle = enumerate(&Cycle::new(metropolis, gibbs), &target, &states).unwrap();
    assert!(distance(cycle.matrix(), &(&a * &b)) < 1e-15);
    let there_and_back = Cycle::new(metropolis, gibbs).palindrome();
    let palindrome = enumerate(&there_and_back, &target, &states).unwrap();
    assert!(distance(palindrome.matrix(), &(&a * &b * &a)) < 1e-15);
    let mixture = Mixture::new(0.25, metropolis, gibbs).unwrap();
    let mixed = enumerate(&mixture, &target, &states).unwrap();
    assert!(distance(mixed.matrix(), &(0.25 * &a + 0.75 * &b)) < 1e-15);
    let repeat = Repeat::new(3, metropolis).unwrap();
    let power = enumerate(&repeat, &target, &states).unwrap();
    assert!(distance(power.matrix(), &(&a * &a * &a)) < 1e-15);
}

#[test]
fn random_scan_metropolis_is_ergodic_away_from_flat_energies() {
    // Fields of at least ½ on spins that do not interact: some flip is always uphill.
    let targets = proptest::collection::vec(0.5..3.0f64, 1..=4).prop_map(|h| {
        let n = h.len();
        PairwiseSpins::new(vec![0.0; n * n], h).unwrap()
    });
    suite::discrete_claims(
        |t: &PairwiseSpins| Metropolis::new(site(t)),
        Claims::REVERSIBLE,
        targets,
        PairwiseSpins::states,
        1e-12,
    );
}

#[test]
fn a_forbidden_state_is_never_entered_and_cannot_be_started_from() {
    let table = FiniteTable::new(vec![0.0, f64::INFINITY, 1.0]).unwrap();
    let kernel = Metropolis::new(UniformSite::new(3).unwrap());
    let p = enumerate(&kernel, &table, &table.states()).unwrap();
    assert_eq!(p.probability(0, 1), 0.0);
    p.check(table.energies(), Claims::REVERSIBLE, 1e-14)
        .unwrap()
        .assert();
    let error = kernel.init(&table, &1).unwrap_err();
    assert!(error.to_string().contains("energy at the start is inf"));
}

#[test]
fn bad_settings_are_named() {
    assert_eq!(
        MetropolisSweep::new(0, Scan::Sweep).unwrap_err().argument,
        "sites"
    );
    for weight in [0.0, 1.0, f64::NAN] {
        assert!(Mixture::new(weight, Gibbs::new(Scan::Sweep), Gibbs::new(Scan::Sweep)).is_err());
    }
    assert!(Repeat::new(0, Gibbs::new(Scan::Sweep)).is_err());
}

#[test]
fn barkers_rule_over_all_sites_is_ergodic() {
    suite::discrete_claims(
        |t: &PairwiseSpins| sweep(t, Scan::Sweep).with_rule(Barker),
        Claims::INVARIANT,
        spins(),
        PairwiseSpins::states,
        1e-12,
    );
    suite::discrete_claims(
        |t: &PairwiseSpins| Metropolis::new(site(t)).with_rule(Barker),
        Claims::REVERSIBLE,
        spins(),
        PairwiseSpins::states,
        1e-12,
    );
}

#[test]
fn kernels_are_right_at_low_temperature() {
    // Energy differences up to a few hundred: conditionals saturate, moves are rare.
    fn law<K: MarkovKernel<PairwiseSpins>>(kernel: impl Fn(&PairwiseSpins) -> K) {
        suite::discrete_claims(
            &kernel,
            kernel(&PairwiseSpins::torus(2, 0.0).unwrap())
                .claims()
                .not_ergodic(),
            strategies::pairwise_spins(1..=3, 30.0),
            PairwiseSpins::states,
            1e-12,
        );
    }
    law(|t| Metropolis::new(site(t)));
    law(|t| Metropolis::new(site(t)).with_rule(Barker));
    for scan in [Scan::Random, Scan::Sweep, Scan::Palindrome] {
        law(|_| Gibbs::new(scan));
        law(|t| sweep(t, scan));
        law(|t| sweep(t, scan).with_rule(Barker));
    }
    law(|t| Cycle::new(Metropolis::new(site(t)), Gibbs::new(Scan::Random)).palindrome());
    law(|t| Mixture::new(0.3, sweep(t, Scan::Sweep), Gibbs::new(Scan::Random)).unwrap());
    law(|t| Repeat::new(3, Metropolis::new(site(t))).unwrap());
}

#[test]
fn kernels_over_some_of_the_sites_keep_their_claims() {
    // Two sites of four: invariant, but not ergodic, and so not claimed.
    let target = PairwiseSpins::torus(2, 0.4).unwrap();
    let states = target.states();
    for scan in [Scan::Random, Scan::Sweep, Scan::Palindrome] {
        let kernel = MetropolisSweep::new(2, scan).unwrap().with_rule(Barker);
        ergodic_conformance::check(&kernel, &target, &states, 1e-12)
            .unwrap()
            .assert();
    }
    let kernel = Metropolis::new(UniformSite::new(2).unwrap()).with_rule(Barker);
    ergodic_conformance::check(&kernel, &target, &states, 1e-12)
        .unwrap()
        .assert();
}

/// Spins whose energy difference is NaN from the `k`-th question on.
struct Failing {
    spins: PairwiseSpins,
    left: std::cell::Cell<u32>,
}
impl Energy for Failing {
    type State = [i8];
    fn energy(&self, s: &[i8]) -> f64 {
        self.spins.energy(s)
    }
}
impl LocalEnergy for Failing {
    type Move = usize;
    fn delta_energy(&self, s: &[i8], site: usize) -> f64 {
        match self.left.get() {
            0 => f64::NAN,
            left => {
                self.left.set(left - 1);
                self.spins.delta_energy(s, site)
            }
        }
    }
    fn apply(&self, s: &mut [i8], site: usize) {
        self.spins.apply(s, site);
    }
}

#[test]
fn a_kernel_goes_on_after_a_failed_step_once_it_is_reset() {
    fn law<K: MarkovKernel<Failing>>(mut kernel: K, asks: u32) {
        let target = Failing {
            spins: PairwiseSpins::torus(2, 0.4).unwrap(),
            left: std::cell::Cell::new(u32::MAX),
        };
        let start = [1, -1, 1, 1];
        let mut expected = kernel.init(&target, &start).unwrap();
        let mut rng = ergodic_math::rng::stream(3, 1);
        kernel.step(&target, &mut expected, &mut rng).unwrap();

        for k in 0..asks {
            let mut state = kernel.init(&target, &start).unwrap();
            target.left.set(k);
            let mut rng = ergodic_math::rng::stream(3, 0);
            assert!(kernel.step(&target, &mut state, &mut rng).is_err());
            target.left.set(u32::MAX);
            kernel.reset(&target, &mut state, Some(&start)).unwrap();
            assert_eq!(kernel.position(&target, &state), start);
            let mut rng = ergodic_math::rng::stream(3, 1);
            kernel.step(&target, &mut state, &mut rng).unwrap();
            assert_eq!(
                kernel.position(&target, &state),
                kernel.position(&target, &expected)
            );
        }
    }
    let one = Metropolis::new(UniformSite::new(4).unwrap());
    let sweep = MetropolisSweep::new(4, Scan::Sweep).unwrap();
    law(one, 1);
    law(sweep, 4);
    law(Repeat::new(3, one).unwrap(), 3);
    law(Cycle::new(one, sweep).palindrome(), 6);
    law(Cycle::new(sweep, one), 5);
}
