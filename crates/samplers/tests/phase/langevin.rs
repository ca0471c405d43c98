//! Langevin kernels: exact moments on the oscillator, orders and invariance by quadrature.

use crate::targets::{DoubleWell, Gaussian, Oscillator, Skewed, Wall};
use ergodic_conformance::{Law, Quadrature, QuasiMonteCarlo, suite};
use ergodic_core::{Energy, EnergyGradient, MarkovKernel, Randomness, Stationarity};
use ergodic_samplers::{
    Conserved, InPhaseSpace, Langevin, LeimkuhlerMatthews, Momenta, PhaseKernel, PhaseSpace,
    Splitting, StepHalving, UnadjustedLangevin,
};

fn langevin(word: &str, h: f64, friction: f64) -> Langevin {
    Langevin::new(Splitting::parse(word).unwrap(), h, friction).unwrap()
}

fn heavy() -> Momenta {
    Momenta::uniform(2.5).unwrap().at_temperature(0.7).unwrap()
}

/// `⟨q²⟩`, `⟨qp⟩`, `⟨p²⟩` of a word on `p²/2 + ω²q²/2` at `kT = 1`: discrete Lyapunov equations
/// solved by hand.
fn harmonic(word: &str, h: f64, w: f64, c: f64) -> [f64; 3] {
    let (s, w2) = (h * h * w * w / 4.0, w * w);
    let denominator = 2.0 + 2.0 * c - 4.0 * s;
    match word {
        "BAOAB" => [1.0 / w2, 0.0, 1.0 - s],
        "ABOBA" => [1.0 / w2, 0.0, 1.0 / (1.0 - s)],
        "BAOA" => [1.0 / w2, h / 2.0, 1.0],
        "OBABO" => [1.0 / (w2 * (1.0 - s)), 0.0, 1.0],
        "OABAO" => [(1.0 - s) / w2, 0.0, 1.0],
        "BAO" => [
            (1.0 + c).powi(2) / (w2 * denominator),
            c * h * (1.0 + c) / denominator,
            (1.0 + c) * (2.0 - (1.0 - c) * 4.0 * s) / denominator,
        ],
        _ => unreachable!(),
    }
}

#[test]
fn splittings_have_their_exact_stationary_moments_on_the_oscillator() {
    for word in ["BAOAB", "ABOBA", "BAOA", "OBABO", "OABAO", "BAO"] {
        for momenta in [Momenta::unit(), heavy()] {
            let (kt, variance) = (momenta.temperature(), momenta.variance(0));
            // Time in units of √(m/kT), momenta in units of √(m kT).
            let time = kt / variance.sqrt();
            for (h, friction, w) in [
                (0.1, 1.0, 1.0),
                (0.5, 0.3, 1.5),
                (1.2, 10.0, 1.0),
                (1.2, f64::INFINITY, 1.2),
            ] {
                let kernel = langevin(word, h, friction).momenta(momenta.clone());
                let target = Oscillator {
                    stiffness: w * w,
                    dim: 1,
                };
                let c = (-friction * h).exp();
                if word == "BAO" && (h * w).powi(2) >= 2.0 + 2.0 * c {
                    continue; // not stable
                }
                let [qq, qp, pp] = harmonic(word, h * time, w, c);
                let qp = qp * variance.sqrt();
                Gaussian::centred(&[qq, qp, qp, pp * variance]).assert_stationary(
                    &InPhaseSpace(kernel.clone()),
                    &kernel.phase_space(&target),
                    &format!("{word} at h = {h}, friction {friction}, ω = {w}"),
                );
            }
        }
    }
}

#[test]
fn euler_and_maruyama_have_the_variance_s2_over_1_minus_h_over_2_s2() {
    for (h, s2) in [(0.5, 1.0), (0.1, 0.3), (1.9, 1.0)] {
        let target = Oscillator {
            stiffness: 1.0 / s2,
            dim: 1,
        };
        Gaussian::centred(&[s2 / (1.0 - h / (2.0 * s2))]).assert_stationary(
            &UnadjustedLangevin::new(h).unwrap(),
            &target,
            "ULA",
        );
    }
}

/// Normal draws from a list.
struct Given<'a>(std::slice::Iter<'a, f64>);
impl Randomness for Given<'_> {
    fn bernoulli(&mut self, _: f64) -> bool {
        unreachable!()
    }
    fn index(&mut self, _: usize) -> usize {
        unreachable!()
    }
    fn categorical(&mut self, _: &[f64]) -> usize {
        unreachable!()
    }
    fn uniform(&mut self) -> f64 {
        unreachable!()
    }
    fn normal(&mut self) -> f64 {
        *self.0.next().unwrap()
    }
    fn exponential(&mut self) -> f64 {
        unreachable!()
    }
}

#[test]
fn leimkuhler_and_matthews_have_the_exact_variance_on_normal_targets() {
    // The position after n steps is linear in the noise, so that its variance is the sum of the
    // squared responses to unit impulses.
    let (n, s2) = (200, 0.8);
    let target = Oscillator {
        stiffness: 1.0 / s2,
        dim: 1,
    };
    for h in [0.1, 0.5, 1.2] {
        let variance: f64 = (0..=n)
            .map(|k| {
                let mut noise = vec![0.0; n + 1];
                noise[k] = 1.0;
                let mut rng = Given(noise.iter());
                let mut kernel = LeimkuhlerMatthews::new(h).unwrap();
                let mut state = kernel.init(&target, &[0.0]).unwrap();
                for _ in 0..n {
                    kernel.step(&target, &mut state, &mut rng).unwrap();
                }
                kernel.position(&target, &state)[0].powi(2)
            })
            .sum();
        assert!((variance - s2).abs() < 1e-12, "h = {h}: {variance}");
    }
}

#[test]
fn leimkuhler_and_matthews_is_baoab_at_infinite_friction() {
    let h: f64 = 0.08;
    let (mut a, mut b) = (
        LeimkuhlerMatthews::new(h).unwrap(),
        langevin("BAOAB", (2.0 * h).sqrt(), f64::INFINITY),
    );
    let mut state = a.init(&DoubleWell, &[0.4]).unwrap();
    let mut other = b.init(&DoubleWell, &[0.4]).unwrap();
    let mut rng = ergodic_math::rng::stream(3, 0);
    let mut same = rng.clone();
    for step in 0..60 {
        a.step(&DoubleWell, &mut state, &mut rng).unwrap();
        b.step(&DoubleWell, &mut other, &mut same).unwrap();
        let (x, y) = (a.position(&DoubleWell, &state)[0], other.position()[0]);
        assert!((x - y).abs() < 1e-11, "step {step}: {x} and {y}");
    }
}

/// The one-step order that quadrature finds, and whether the claim holds.
fn order<T, K>(
    rule: &Quadrature,
    kernel: impl Fn(f64) -> K,
    target: &T,
    h: f64,
) -> (f64, bool, String)
where
    T: Energy<State = [f64]>,
    K: MarkovKernel<T>,
{
    let report = rule.asymptotic(kernel, target, h).unwrap();
    let order = report.findings.iter().find(|f| f.law == Law::Order);
    (order.unwrap().residual, report.passed(), report.to_string())
}

#[test]
fn every_splitting_has_the_order_that_its_word_says() {
    for word in [
        "BAOAB", "ABOBA", "BAOA", "OBABO", "OABAO", "BAO", "OAB", "OBAB", "BOAOB", "ABAO", "AOAB",
    ] {
        let kernel = |h| langevin(word, h, 1.3).momenta(heavy());
        let draws = Splitting::parse(word).unwrap();
        let two = draws.letters().len() - word.replace('O', "").len() > 1;
        let rule = Quadrature::new(&[(-3.2, 3.2), (-11.0, 11.0)])
            .unwrap()
            .nodes(if two { 32 } else { 48 }, 20)
            .unwrap();
        let space = kernel(0.1).phase_space(&DoubleWell);
        let (found, passed, report) = order(&rule, |h| InPhaseSpace(kernel(h)), &space, 0.1);
        assert!(passed, "{word}: {report}");
        let claimed = f64::from(draws.order());
        assert!((found - claimed).abs() < 0.25, "{word}: {report}");
    }
}

#[test]
fn overdamped_kernels_have_their_one_step_order() {
    let rule = Quadrature::new(&[(-3.5, 3.5)])
        .unwrap()
        .nodes(120, 60)
        .unwrap();
    let ula = |h| UnadjustedLangevin::new(h).unwrap();
    let (found, passed, report) = order(&rule, ula, &DoubleWell, 0.02);
    assert!(passed && (found - 1.0).abs() < 0.25, "{report}");
    let rule = Quadrature::new(&[(-70.0, 40.0)])
        .unwrap()
        .nodes(400, 60)
        .unwrap();
    let (found, passed, report) = order(&rule, ula, &Skewed, 0.1);
    assert!(passed && (found - 1.0).abs() < 0.25, "{report}");

    // The noise of the last step is a hidden variable, which is seen.
    let rule = Quadrature::new(&[(-3.5, 3.5)])
        .unwrap()
        .nodes(120, 24)
        .unwrap();
    let lm = |h| LeimkuhlerMatthews::new(h).unwrap();
    let report = rule.asymptotic(lm, &DoubleWell, 0.02).unwrap();
    assert!(
        !report.fails(Law::Order) && report.fails(Law::Markov),
        "{report}"
    );
}

const ADJUSTABLE: [&str; 5] = ["BAOAB", "ABOBA", "OBABO", "OABAO", "OBAB"];

#[test]
fn words_that_cannot_be_adjusted_are_refused() {
    for word in ["BAOA", "BAO", "ABO"] {
        let error = langevin(word, 0.1, 1.0).adjusted().unwrap_err();
        assert_eq!(error.argument, "splitting", "{word}");
    }
}

#[test]
fn adjusted_splittings_are_invariant_at_large_steps() {
    for word in ADJUSTABLE {
        let sd = heavy().variance(0).sqrt();
        let biased = langevin(word, 1.2, 1.0).momenta(heavy());
        let kernel = biased.clone().adjusted().unwrap();
        let space = kernel.phase_space(&DoubleWell);
        let two = word.starts_with('O') && word.ends_with('O');
        let rule = Quadrature::new(&[(-3.0, 3.0), (-6.5 * sd, 6.5 * sd)])
            .unwrap()
            .nodes(if two { 24 } else { 28 }, if two { 12 } else { 16 })
            .unwrap();
        let report = rule.check(&InPhaseSpace(kernel), &space, 2e-4).unwrap();
        assert!(report.passed(), "{word}: {report}");
        // Without the test the bias is far beyond that.
        let defects = rule.measure(&InPhaseSpace(biased), &space).unwrap();
        assert!(defects.invariance > 1e-2, "{word}: {}", defects.invariance);
    }
}

#[test]
fn the_mean_of_exp_of_minus_the_shadow_work_is_one() {
    for word in ADJUSTABLE.iter().chain(&["BAOA", "BAO"]) {
        let kernel = langevin(word, 0.4, 1.0).momenta(heavy());
        let space = kernel.phase_space(&DoubleWell);
        suite::holds(
            Quadrature::new(&[(-3.2, 3.2), (-11.0, 11.0)])
                .unwrap()
                .nodes(20, 10)
                .unwrap()
                .exponential_work(&InPhaseSpace(kernel), &space, 1e-8),
        );
    }
}

#[test]
fn positions_alone_are_invariant_and_their_hidden_momenta_are_seen() {
    let kernel = langevin("BAOAB", 0.9, 1.0).adjusted().unwrap();
    let report = Quadrature::new(&[(-3.2, 3.2)])
        .unwrap()
        .nodes(60, 24)
        .unwrap()
        .check(&kernel, &DoubleWell, 1e-3)
        .unwrap();
    assert!(
        !report.fails(Law::Invariance) && report.fails(Law::Markov),
        "{report}"
    );
}

/// Correlated normal in two dimensions: `E = (x² − 2ρxy + y²)/(2(1 − ρ²))`.
#[derive(Clone, Copy)]
struct Correlated;
const RHO: f64 = 0.8;
impl Energy for Correlated {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        (x[0] * x[0] - 2.0 * RHO * x[0] * x[1] + x[1] * x[1]) / (2.0 * (1.0 - RHO * RHO))
    }
}
impl EnergyGradient for Correlated {
    fn dim(&self) -> usize {
        2
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad[0] = (x[0] - RHO * x[1]) / (1.0 - RHO * RHO);
        grad[1] = (x[1] - RHO * x[0]) / (1.0 - RHO * RHO);
        self.energy(x)
    }
}

fn unlike() -> Momenta {
    Momenta::diagonal(vec![0.5, 2.0])
        .unwrap()
        .at_temperature(1.4)
        .unwrap()
}

/// Positions and momenta, exactly.
fn exact(rng: &mut dyn Randomness) -> Vec<f64> {
    let momenta = unlike();
    let x = rng.normal();
    let y = RHO * x + (1.0 - RHO * RHO).sqrt() * rng.normal();
    let mut p = |i| momenta.variance(i).sqrt() * rng.normal();
    vec![x, y, p(0), p(1)]
}

fn space() -> PhaseSpace<Correlated> {
    let momenta = unlike();
    PhaseSpace {
        target: Correlated,
        auxiliaries: (0..2).map(|i| (0.0, momenta.variance(i))).collect(),
    }
}

macro_rules! adjusted {
    ($($name:ident: $word:literal;)*) => {$(
        ergodic_conformance::kernel!($name {
            kernel: InPhaseSpace(langevin($word, 0.5, 1.0).momenta(unlike()).adjusted().unwrap()),
            target: space(),
            exact: exact,
            tapes: QuasiMonteCarlo::new().points(9).unwrap(),
            hamiltonian: true,
            serde: true,
        });
    )*};
}

adjusted! {
    adjusted_baoab_on_a_correlated_normal: "BAOAB";
    adjusted_obabo_on_a_correlated_normal: "OBABO";
    adjusted_aboba_on_a_correlated_normal: "ABOBA";
}

/// What every kernel owes whose bias keeps it from the line `kernel!`.
macro_rules! owes {
    ($($name:ident: $kernel:expr;)*) => {$(
        mod $name {
            use super::*;
            #[test]
            fn determinism_threads_checkpoints_allocations_and_energy_shift() {
                let (kernel, start) = ($kernel, [0.3, -0.5]);
                suite::runs(&kernel, &Correlated, &start);
                suite::threads(&kernel, &Correlated, &start);
                suite::allocates_nothing(&kernel, &Correlated, &start);
                suite::serde_round_trip(&kernel, &Correlated, &start);
                suite::energy_shift_of_a_chain(&kernel, &Correlated, &start, 1e-9);
                suite::both_are_send_and_sync(&kernel, &Correlated);
            }
        }
    )*};
}

owes! {
    unadjusted: UnadjustedLangevin::new(0.1).unwrap();
    leimkuhler_matthews: LeimkuhlerMatthews::new(0.1).unwrap();
    baoab: langevin("BAOAB", 0.3, 1.0);
    aboba: langevin("ABOBA", 0.3, 1.0).momenta(unlike());
    obabo_adjusted: langevin("OBABO", 0.3, 1.0).adjusted().unwrap();
}

#[test]
fn no_kernel_goes_where_the_energy_is_infinite_and_attempts_are_counted() {
    fn law<K>(mut kernel: K)
    where
        K: MarkovKernel<Wall>,
        K::Info: ergodic_core::StepInfo,
    {
        use ergodic_core::StepInfo;
        let mut state = kernel.init(&Wall, &[0.1]).unwrap();
        let mut rng = ergodic_math::rng::stream(4, 0);
        let mut rejected = 0;
        for _ in 0..2000 {
            let info = kernel.step(&Wall, &mut state, &mut rng).unwrap();
            rejected += info.stats().forbidden;
            assert!(kernel.position(&Wall, &state)[0] >= 0.0);
        }
        assert!(rejected > 10, "{rejected}");
    }
    law(UnadjustedLangevin::new(0.3).unwrap());
    law(LeimkuhlerMatthews::new(0.3).unwrap());
    for word in ["BAOAB", "ABOBA", "OABAO", "BAOA"] {
        law(langevin(word, 0.7, 1.0));
    }
    law(langevin("OBABO", 0.7, 1.0).adjusted().unwrap());
}

#[test]
fn a_wall_is_no_obstacle_to_invariance() {
    use ergodic_conformance::StateRule;
    let kernel = langevin("ABOBA", 0.7, 1.0).adjusted().unwrap();
    let space = kernel.phase_space(&Wall);
    let report = Quadrature::new(&[(0.0, 30.0), (-7.5, 7.5)])
        .unwrap()
        .state_rule(StateRule::GaussLegendre)
        .nodes(120, 16)
        .unwrap()
        .check(&InPhaseSpace(kernel), &space, 3e-3)
        .unwrap();
    assert!(!report.fails(Law::Invariance), "{report}");
}

/// `E = x⁴` from far away: the unadjusted step overflows.
struct Quartic;
impl Energy for Quartic {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        x[0].powi(4)
    }
}
impl EnergyGradient for Quartic {
    fn dim(&self) -> usize {
        1
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad[0] = 4.0 * x[0].powi(3);
        self.energy(x)
    }
}

#[test]
fn a_chain_that_flies_away_stays_finite_and_is_counted() {
    use ergodic_core::StepInfo;
    let mut rng = ergodic_math::rng::stream(4, 1);
    let mut kernel = langevin("BAOAB", 1.0, 1.0);
    let mut state = kernel.init(&Quartic, &[50.0]).unwrap();
    let mut ula = UnadjustedLangevin::new(1.0).unwrap();
    let mut over = ula.init(&Quartic, &[50.0]).unwrap();
    let (mut a, mut b) = (false, false);
    for _ in 0..50 {
        a |= kernel
            .step(&Quartic, &mut state, &mut rng)
            .unwrap()
            .stats()
            .divergent;
        b |= ula
            .step(&Quartic, &mut over, &mut rng)
            .unwrap()
            .stats()
            .divergent;
        assert!(state.position()[0].is_finite() && state.momentum()[0].is_finite());
        assert!(state.energy().is_finite() && over.energy().is_finite());
    }
    assert!(a && b);
}

#[test]
fn heat_and_shadow_work_balance_the_energy() {
    let mut kernel = langevin("BAOAB", 0.3, 1.0).momenta(heavy());
    let mut state = kernel.init(&DoubleWell, &[0.5]).unwrap();
    let mut rng = ergodic_math::rng::stream(5, 0);
    kernel.step(&DoubleWell, &mut state, &mut rng).unwrap();
    let mut last = kernel.conserved_quantity(&DoubleWell, &state);
    for _ in 0..100 {
        let info = kernel.step(&DoubleWell, &mut state, &mut rng).unwrap();
        let now = kernel.conserved_quantity(&DoubleWell, &state);
        assert!((now - last - 0.7 * info.shadow_work).abs() < 1e-12);
        last = now;
    }
}

#[test]
fn bad_settings_and_starts_are_named() {
    let word = || Splitting::parse("BAOAB").unwrap();
    let name = |h, g| Langevin::new(word(), h, g).unwrap_err().argument;
    assert_eq!(name(0.0, 1.0), "step_size");
    assert_eq!(name(f64::INFINITY, 1.0), "step_size");
    assert_eq!(name(0.1, 0.0), "friction");
    assert_eq!(name(0.1, f64::NAN), "friction");
    assert_eq!(
        UnadjustedLangevin::new(-1.0).unwrap_err().argument,
        "step_size"
    );
    assert_eq!(
        LeimkuhlerMatthews::new(f64::NAN).unwrap_err().argument,
        "step_size"
    );
    assert_eq!(Momenta::uniform(-1.0).unwrap_err().argument, "mass");
    assert_eq!(Momenta::diagonal(vec![]).unwrap_err().argument, "masses");
    assert_eq!(
        Momenta::unit().at_temperature(0.0).unwrap_err().argument,
        "temperature"
    );

    let kernel = langevin("BAOAB", 0.1, 1.0);
    let reason = |k: &Langevin, x: &[f64]| k.init(&Correlated, x).unwrap_err().reason;
    assert!(reason(&kernel, &[1.0]).contains("length 1"));
    assert!(reason(&kernel, &[1.0, f64::NAN]).contains("start[1]"));
    let wrong = kernel
        .clone()
        .momenta(Momenta::diagonal(vec![1.0; 3]).unwrap());
    assert!(reason(&wrong, &[0.0, 0.0]).contains("masses"));
    assert!(
        kernel
            .init(&Wall, &[-1.0])
            .unwrap_err()
            .reason
            .contains("energy at the start")
    );
    let nothing = Oscillator {
        stiffness: 1.0,
        dim: 0,
    };
    assert!(
        kernel
            .init(&nothing, &[])
            .unwrap_err()
            .reason
            .contains("dimension 0")
    );
    assert!(
        UnadjustedLangevin::new(0.1)
            .unwrap()
            .init(&nothing, &[])
            .is_err()
    );
    let view = InPhaseSpace(kernel);
    assert!(view.init(&space(), &[0.0; 3]).is_err());
    assert!(view.init(&space(), &[0.0]).is_err());
}

#[test]
fn claims_state_the_order_or_invariance() {
    let of = |k: &Langevin| MarkovKernel::<Oscillator>::claims(k).stationarity;
    assert_eq!(
        of(&langevin("BAOAB", 0.1, 1.0)),
        Stationarity::Asymptotic { order: 2 }
    );
    assert_eq!(
        of(&langevin("BAOA", 0.1, 1.0)),
        Stationarity::Asymptotic { order: 1 }
    );
    let exact = langevin("BAOAB", 0.1, 1.0).adjusted().unwrap();
    assert_eq!(of(&exact), Stationarity::Invariant);
}

/// The positions of `BAOA` are of order 2 though its momenta are not, and exact on an oscillator:
/// intervals at an error probability of 4e-9 each.
#[test]
fn step_halving_takes_the_order_of_the_positions_and_says_when_steps_diverged() {
    let word = || Splitting::parse("BAOA").unwrap();
    let halving = StepHalving::new(0.5)
        .unwrap()
        .confidence(1.0 - 4e-9)
        .unwrap();
    let square = |x: &[f64], out: &mut [f64]| out[0] = x[0] * x[0];
    let kernel = |h| Langevin::new(word(), h, 1.0);
    let run = |order| {
        let halving = halving.order(order).unwrap();
        let all = halving.run(kernel, &Oscillator::UNIT, &[0.9], 1, square);
        all.unwrap().remove(0)
    };
    let (known, claimed) = (run(word().position_order()), run(word().order()));
    assert!(known.extrapolated.interval.contains(1.0) && known.bias.interval.contains(0.0));
    assert!((claimed.bias.value / known.bias.value - 1.5).abs() < 1e-9);
    assert!(known.divergences == 0 && !known.bias.bias.dominates());

    let all = halving.run(kernel, &Quartic, &[50.0], 1, square).unwrap();
    assert!(all[0].divergences > 0 && all[0].bias.bias.dominates());
}

/// Richardson's estimates cover their exact expectations, at an error probability of 4e-9 each.
#[test]
fn step_halving_measures_the_bias_of_the_oscillator() {
    let halving = StepHalving::new(0.8)
        .unwrap()
        .steps(100_000)
        .unwrap()
        .seed(6)
        .confidence(1.0 - 4e-9)
        .unwrap();
    let measured = halving
        .run(
            |h| Langevin::new(Splitting::parse("OBABO").unwrap(), h, 1.0),
            &Oscillator::UNIT,
            &[0.0],
            2,
            |x, out| {
                out[0] = x[0] * x[0];
                out[1] = x[0];
            },
        )
        .unwrap();
    let exact = |h: f64| 1.0 / (1.0 - h * h / 4.0);
    let square = &measured[0];
    let bias = (exact(0.8) - exact(0.4)) * 4.0 / 3.0;
    assert!(
        square.coarse.interval.contains(exact(0.8)),
        "{}",
        square.coarse
    );
    assert!(square.fine.interval.contains(exact(0.4)), "{}", square.fine);
    assert!(square.bias.interval.contains(bias), "{}", square.bias);
    assert!(!square.bias.interval.contains(0.0), "{}", square.bias);
    let limit = exact(0.4) + (exact(0.4) - exact(0.8)) / 3.0;
    assert!(square.extrapolated.interval.contains(limit));
    assert!(measured[1].bias.interval.contains(0.0));
    assert_eq!((square.order, square.divergences), (2, 0));

    let exact = |h| Langevin::new(Splitting::parse("OBABO").unwrap(), h, 1.0)?.adjusted();
    let error = halving.run(exact, &Oscillator::UNIT, &[0.0], 1, |_, _| ());
    assert!(error.unwrap_err().to_string().starts_with("kernel is"));
}
