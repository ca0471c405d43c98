//! Continuous kernels that are right, and broken ones: quadrature tells them apart.

use ergodic_conformance::{Failure, Law, Limits, Quadrature, Report, StateRule, enumerate_by};
use ergodic_core::{
    Claims, Energy, EnergyGradient, MarkovKernel, Randomness, Stationarity, TargetError,
};

ergodic_conformance::counting_allocator!();

/// The quartic double well `E(x) = x⁴ − x²`, per coordinate, with a coupling `c x₁x₂` in two
/// dimensions.
struct DoubleWell {
    dim: usize,
    coupling: f64,
}
impl Energy for DoubleWell {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let wells: f64 = x.iter().map(|x| x.powi(4) - x * x).sum();
        wells
            + if self.dim == 2 {
                self.coupling * x[0] * x[1]
            } else {
                0.0
            }
    }
}
impl EnergyGradient for DoubleWell {
    fn dim(&self) -> usize {
        self.dim
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        for (g, x) in grad.iter_mut().zip(x) {
            *g = 4.0 * x.powi(3) - 2.0 * x;
        }
        if self.dim == 2 {
            grad[0] += self.coupling * x[1];
            grad[1] += self.coupling * x[0];
        }
        self.energy(x)
    }
}

const WELL: DoubleWell = DoubleWell {
    dim: 1,
    coupling: 0.0,
};

/// One of the classic kernels, right or with a bug.
#[derive(Clone, Copy)]
enum Kind {
    RandomWalk,
    /// A random walk with a drift that no Hastings factor corrects.
    Drifting,
    Mala,
    MalaWithoutHastings,
    /// Unadjusted Langevin, `x′ = x − h∇E + √(2h) ξ`.
    Ula,
    Hmc,
    /// HMC whose momentum is drawn with standard deviation 1.02.
    HmcHotMomentum,
    Frozen,
    /// An exponential proposal to the right or left, symmetric.
    TwoSidedExponential,
}

#[derive(Clone)]
struct Kernel {
    kind: Kind,
    h: f64,
    claims: Claims,
}

fn kernel(kind: Kind, h: f64) -> Kernel {
    Kernel {
        kind,
        h,
        claims: Claims::REVERSIBLE,
    }
}

impl Kernel {
    fn log_langevin(&self, t: &DoubleWell, from: &[f64], to: &[f64]) -> f64 {
        let mut g = vec![0.0; from.len()];
        t.energy_gradient(from, &mut g);
        let mut q = 0.0;
        for k in 0..from.len() {
            q -= (to[k] - from[k] + self.h * g[k]).powi(2) / (4.0 * self.h);
        }
        q
    }
}

impl MarkovKernel<DoubleWell> for Kernel {
    type State = Vec<f64>;
    type Info = ();
    fn claims(&self) -> Claims {
        self.claims
    }
    fn init(&self, _: &DoubleWell, x: &[f64]) -> Result<Vec<f64>, TargetError> {
        Ok(x.to_vec())
    }
    fn position<'s>(&self, _: &DoubleWell, state: &'s Vec<f64>) -> &'s [f64]
    where
        DoubleWell: 's,
    {
        state
    }
    fn reset(
        &self,
        _: &DoubleWell,
        state: &mut Vec<f64>,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            state.copy_from_slice(x);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        t: &DoubleWell,
        x: &mut Vec<f64>,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let h = self.h;
        let mut y = x.clone();
        let mut grad = vec![0.0; x.len()];
        let log_ratio = match self.kind {
            Kind::Frozen => return Ok(()),
            Kind::RandomWalk => {
                for y in &mut y {
                    *y += h * rng.normal();
                }
                t.energy(x) - t.energy(&y)
            }
            Kind::Drifting => {
                y[0] += h * (rng.normal() + 0.1);
                t.energy(x) - t.energy(&y)
            }
            Kind::TwoSidedExponential => {
                let length = h * rng.exponential();
                y[0] += if rng.bernoulli(0.5) { length } else { -length };
                t.energy(x) - t.energy(&y)
            }
            Kind::Mala | Kind::MalaWithoutHastings | Kind::Ula => {
                t.energy_gradient(x, &mut grad);
                for k in 0..x.len() {
                    y[k] += -h * grad[k] + (2.0 * h).sqrt() * rng.normal();
                }
                match self.kind {
                    Kind::Ula => {
                        *x = y;
                        return Ok(());
                    }
                    Kind::Mala => {
                        t.energy(x) - t.energy(&y) + self.log_langevin(t, &y, x)
                            - self.log_langevin(t, x, &y)
                    }
                    _ => t.energy(x) - t.energy(&y),
                }
            }
            Kind::Hmc | Kind::HmcHotMomentum => {
                let sd = if matches!(self.kind, Kind::Hmc) {
                    1.0
                } else {
                    1.02
                };
                let mut p: Vec<f64> = x.iter().map(|_| sd * rng.normal()).collect();
                let kinetic = |p: &[f64]| 0.5 * p.iter().map(|p| p * p).sum::<f64>();
                let before = t.energy(x) + kinetic(&p);
                t.energy_gradient(&y, &mut grad);
                for _ in 0..5 {
                    for k in 0..x.len() {
                        p[k] -= 0.5 * h * grad[k];
                        y[k] += h * p[k];
                    }
                    t.energy_gradient(&y, &mut grad);
                    for k in 0..x.len() {
                        p[k] -= 0.5 * h * grad[k];
                    }
                }
                before - t.energy(&y) - kinetic(&p)
            }
        };
        if rng.bernoulli(log_ratio.exp().min(1.0)) {
            *x = y;
        }
        Ok(())
    }
}

fn line() -> Quadrature {
    Quadrature::new(&[(-3.2, 3.2)])
        .unwrap()
        .nodes(200, 200)
        .unwrap()
}

fn on_line(kernel: &Kernel, tolerance: f64) -> Report {
    line().check(kernel, &WELL, tolerance).unwrap()
}

#[test]
fn random_walk_metropolis_is_reversible_on_a_double_well() {
    on_line(&kernel(Kind::RandomWalk, 1.0), 1e-5).assert();
}

#[test]
fn mala_is_reversible_on_a_double_well() {
    on_line(&kernel(Kind::Mala, 0.1), 1e-5).assert();
}

#[test]
fn hmc_is_reversible_on_a_double_well() {
    on_line(&kernel(Kind::Hmc, 0.2), 1e-5).assert();
}

#[test]
fn a_two_sided_exponential_proposal_is_reversible() {
    on_line(&kernel(Kind::TwoSidedExponential, 0.7), 1e-4).assert();
}

#[test]
fn momentum_scaled_by_two_percent_is_caught() {
    let report = on_line(&kernel(Kind::HmcHotMomentum, 0.2), 1e-5);
    assert!(report.fails(Law::Invariance) && report.fails(Law::DetailedBalance));
    assert!(report.finding(Law::Invariance).unwrap().residual > 1e-4);
    assert!(report.to_string().contains("plateaus"));
}

#[test]
fn mala_without_its_hastings_factor_is_caught() {
    let report = on_line(&kernel(Kind::MalaWithoutHastings, 0.1), 1e-5);
    assert!(report.fails(Law::Invariance) && report.fails(Law::DetailedBalance));
}

#[test]
fn a_drifting_proposal_without_correction_is_caught() {
    let report = on_line(&kernel(Kind::Drifting, 1.0), 1e-5);
    assert!(report.fails(Law::Invariance) && report.fails(Law::DetailedBalance));
}

#[test]
fn unadjusted_langevin_that_claims_to_be_exact_is_caught() {
    let report = on_line(&kernel(Kind::Ula, 0.05), 1e-5);
    assert!(report.fails(Law::Invariance) && report.fails(Law::DetailedBalance));
    assert!(report.finding(Law::Invariance).unwrap().residual > 1e-3);
}

#[test]
fn a_frozen_kernel_is_caught() {
    let report = on_line(&kernel(Kind::Frozen, 1.0), 1e-5);
    assert!(report.fails(Law::Moves) && !report.fails(Law::Invariance));
}

#[test]
fn unadjusted_langevin_has_order_one_and_not_two() {
    let with_order = |order| {
        move |h| Kernel {
            kind: Kind::Ula,
            h,
            claims: Claims {
                stationarity: Stationarity::Asymptotic { order },
                ergodic: true,
            },
        }
    };
    let report = line().asymptotic(with_order(1), &WELL, 0.01).unwrap();
    report.assert();
    let order = report.finding(Law::Order).unwrap().residual;
    assert!((order - 1.0).abs() < 0.2, "{report:#}");
    assert!(
        line()
            .asymptotic(with_order(2), &WELL, 0.01)
            .unwrap()
            .fails(Law::Order)
    );
    // Exact kernels claim no order, and a single step size cannot show one.
    assert!(
        line()
            .asymptotic(|h| kernel(Kind::Ula, h), &WELL, 0.01)
            .unwrap()
            .fails(Law::Order)
    );
    assert!(on_line(&with_order(1)(0.01), 1e-5).fails(Law::Order));
}

#[test]
fn random_walk_metropolis_is_reversible_in_two_dimensions() {
    let wells = DoubleWell {
        dim: 2,
        coupling: 0.5,
    };
    let plane = Quadrature::new(&[(-2.6, 2.6), (-2.6, 2.6)])
        .unwrap()
        .nodes(14, 14)
        .unwrap();
    let report = plane
        .check(&kernel(Kind::RandomWalk, 0.8), &wells, 2e-3)
        .unwrap();
    report.assert();
    // The adjusted one at the same cost, and the same without its correction.
    plane
        .check(&kernel(Kind::Mala, 0.1), &wells, 2e-3)
        .unwrap()
        .assert();
    let report = plane
        .check(&kernel(Kind::MalaWithoutHastings, 0.1), &wells, 2e-3)
        .unwrap();
    assert!(report.fails(Law::DetailedBalance));
}

#[test]
fn a_domain_that_cuts_the_target_is_reported() {
    let narrow = Quadrature::new(&[(-1.0, 1.5)]).unwrap();
    let report = narrow
        .check(&kernel(Kind::RandomWalk, 1.0), &WELL, 1e-5)
        .unwrap();
    assert!(report.fails(Law::Probability), "{report}");
    assert!(report.finding(Law::Probability).unwrap().residual > 0.05);
}

#[test]
fn a_hard_wall_is_served_by_panels() {
    /// Uniform on (0, 1).
    struct Unit;
    impl Energy for Unit {
        type State = [f64];
        fn energy(&self, x: &[f64]) -> f64 {
            if (0.0..1.0).contains(&x[0]) {
                0.0
            } else {
                f64::INFINITY
            }
        }
    }
    /// Draws from (0, 1) anew.
    #[derive(Clone)]
    struct Anew;
    impl MarkovKernel<Unit> for Anew {
        type State = Vec<f64>;
        type Info = ();
        fn claims(&self) -> Claims {
            Claims::REVERSIBLE
        }
        fn init(&self, _: &Unit, x: &[f64]) -> Result<Vec<f64>, TargetError> {
            Ok(x.to_vec())
        }
        fn position<'s>(&self, _: &Unit, state: &'s Vec<f64>) -> &'s [f64]
        where
            Unit: 's,
        {
            state
        }
        fn reset(&self, _: &Unit, s: &mut Vec<f64>, x: Option<&[f64]>) -> Result<(), TargetError> {
            if let Some(x) = x {
                s.copy_from_slice(x);
            }
            Ok(())
        }
        fn step<R: Randomness + ?Sized>(
            &mut self,
            _: &Unit,
            x: &mut Vec<f64>,
            rng: &mut R,
        ) -> Result<(), TargetError> {
            x[0] = rng.uniform();
            Ok(())
        }
    }
    let report = Quadrature::new(&[(0.0, 1.0)])
        .unwrap()
        .state_rule(StateRule::GaussLegendre)
        .nodes(16, 16)
        .unwrap()
        .check(&Anew, &Unit, 1e-12)
        .unwrap();
    assert!(report.passed(), "{report:#}");
    assert!((report.finding(Law::Moves).unwrap().residual - 1.0).abs() < 1e-12);
}

#[test]
fn a_continuous_kernel_cannot_be_enumerated_and_the_call_is_named() {
    let states = vec![vec![0.0], vec![1.0]];
    let error = enumerate_by(
        &kernel(Kind::Mala, 0.1),
        &WELL,
        &states,
        |x| states.iter().position(|s| s == x),
        Limits::default(),
    )
    .unwrap_err();
    assert_eq!(error.failure, Failure::Continuous { call: "normal" });
    assert!(error.to_string().contains("normal()"), "{error}");
}

#[test]
fn more_draws_than_a_tensor_rule_serves_are_an_error() {
    let wells = DoubleWell {
        dim: 2,
        coupling: 0.0,
    };
    let error = Quadrature::new(&[(-2.0, 2.0), (-2.0, 2.0)])
        .unwrap()
        .max_draws(1)
        .measure(&kernel(Kind::Hmc, 0.1), &wells)
        .unwrap_err();
    assert_eq!(error.failure, Failure::TooManyDraws { limit: 1 });
}

#[test]
fn bad_settings_are_named() {
    assert!(Quadrature::new(&[]).is_err());
    assert!(Quadrature::new(&[(1.0, 0.0)]).is_err());
    assert!(Quadrature::new(&[(0.0, f64::INFINITY)]).is_err());
    assert!(line().nodes(3, 10).is_err());
    assert!(line().functions(vec![]).is_err());
}

/// The standard normal in any dimension.
struct Normal;
impl Energy for Normal {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        0.5 * x.iter().map(|x| x * x).sum::<f64>()
    }
}

/// Kernels for the normal that only NaN, an order or a second step gives away.
#[derive(Clone)]
enum Mutant {
    /// Right in the first coordinate, NaN in the second.
    NanCoordinate,
    /// Draws, and stays.
    Frozen,
    /// NaN everywhere.
    Nan,
    /// Autoregressive, from the second step on with five times the noise.
    Counting(u32),
    /// Random-walk Metropolis that keeps its energy, updated after a move and in `reset` or not.
    Cached { in_step: bool, in_reset: bool },
}

impl MarkovKernel<Normal> for Mutant {
    type State = (Vec<f64>, f64);
    type Info = ();
    fn claims(&self) -> Claims {
        match self {
            Self::Frozen | Self::Nan => Claims {
                stationarity: Stationarity::Asymptotic { order: 2 },
                ergodic: false,
            },
            _ => Claims::REVERSIBLE.not_ergodic(),
        }
    }
    fn init(&self, t: &Normal, x: &[f64]) -> Result<Self::State, TargetError> {
        Ok((x.to_vec(), t.energy(x)))
    }
    fn position<'s>(&self, _: &Normal, state: &'s Self::State) -> &'s [f64]
    where
        Normal: 's,
    {
        &state.0
    }
    fn reset(
        &self,
        t: &Normal,
        state: &mut Self::State,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            state.0.copy_from_slice(x);
        }
        if !matches!(
            self,
            Self::Cached {
                in_reset: false,
                ..
            }
        ) {
            state.1 = t.energy(&state.0);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        t: &Normal,
        (x, energy): &mut Self::State,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let xi = rng.normal();
        match self {
            Self::NanCoordinate => {
                x[0] = 0.6 * x[0] + 0.8 * xi;
                x[1] = f64::NAN;
            }
            Self::Frozen => {}
            Self::Nan => x[0] = f64::NAN,
            Self::Counting(steps) => {
                x[0] = 0.6 * x[0] + if *steps == 0 { 0.8 } else { 4.0 } * xi;
                *steps += 1;
            }
            Self::Cached { in_step, .. } => {
                let y = [x[0] + xi];
                let proposed = t.energy(&y);
                if rng.bernoulli((*energy - proposed).exp().min(1.0)) {
                    x[0] = y[0];
                    if *in_step {
                        *energy = proposed;
                    }
                }
            }
        }
        Ok(())
    }
}

fn on_normal(dim: usize, nodes: usize) -> Quadrature {
    Quadrature::new(&vec![(-9.0, 9.0); dim])
        .unwrap()
        .nodes(nodes, nodes)
        .unwrap()
}

#[test]
fn a_position_that_is_not_finite_is_an_error() {
    let error = on_normal(2, 12)
        .check(&Mutant::NanCoordinate, &Normal, 1e-6)
        .unwrap_err();
    assert!(error.to_string().contains("position is NaN"), "{error}");
    let error = on_normal(1, 50)
        .asymptotic(|_| Mutant::Nan, &Normal, 0.1)
        .unwrap_err();
    assert!(matches!(error.failure, Failure::Target(_)));
}

#[test]
fn test_functions_that_cannot_tell_are_errors() {
    use ergodic_conformance::TestFunction;
    let with = |f: TestFunction| {
        let rule = on_normal(1, 50).functions(vec![f]).unwrap();
        rule.check(&Mutant::Counting(0), &Normal, 1e-6).unwrap_err()
    };
    for (name, error) in [
        ("zero", with(TestFunction::new("zero", |_| 0.0))),
        ("constant", with(TestFunction::new("constant", |_| 0.3))),
        ("pole", with(TestFunction::new("pole", |_| f64::NAN))),
    ] {
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_frozen_kernel_has_no_order() {
    let report = on_normal(1, 50)
        .asymptotic(|_| Mutant::Frozen, &Normal, 0.1)
        .unwrap();
    assert!(report.fails(Law::Moves), "{report}");
}

#[test]
fn an_order_is_not_read_from_a_domain_that_cuts_the_target() {
    let report = Quadrature::new(&[(-1.0, 1.5)])
        .unwrap()
        .asymptotic(|h| kernel(Kind::Ula, h), &WELL, 0.01)
        .unwrap();
    assert!(report.fails(Law::Probability), "{report}");
}

#[test]
fn stale_caches_are_caught_after_a_step_and_after_a_reset() {
    for (in_step, in_reset) in [(true, true), (false, true), (true, false)] {
        let report = on_normal(1, 100)
            .check(&Mutant::Cached { in_step, in_reset }, &Normal, 1e-4)
            .unwrap();
        assert_eq!(report.passed(), in_step && in_reset, "{report}");
        assert_eq!(report.fails(Law::Markov), !(in_step && in_reset));
    }
}

#[test]
fn a_kernel_that_changes_with_its_own_steps_is_caught() {
    let report = on_normal(1, 50)
        .check(&Mutant::Counting(0), &Normal, 1e-10)
        .unwrap();
    assert!(report.fails(Law::Markov), "{report}");
    assert!(!report.fails(Law::Invariance), "{report}");
}

ergodic_conformance::kernel!(metropolis_with_a_cache {
    kernel: Mutant::Cached {
        in_step: true,
        in_reset: true
    },
    target: Normal,
    quadrature: on_normal(1, 100),
    tolerance: 1e-4,
});

#[test]
#[should_panic(expected = "FAIL  position is Markov")]
fn the_suite_rejects_a_continuous_kernel_with_a_stale_cache() {
    let mutant = Mutant::Cached {
        in_step: false,
        in_reset: true,
    };
    ergodic_conformance::suite::continuous(&mutant, &Normal, &on_normal(1, 100), 1e-4);
}
