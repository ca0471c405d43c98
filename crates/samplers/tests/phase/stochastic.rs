//! Stochastic-gradient kernels: exact moments with the noise of batches, orders, and estimates
//! whose expectation is enumerated.

use crate::targets::Gaussian;
use ergodic_conformance::{Law, Limits, Quadrature, outcomes, suite};
use ergodic_core::{
    Energy, EnergyGradient, MarkovKernel, StepInfo, StochasticGradient, Tempered, WarmupStep,
};
use ergodic_samplers::{
    ControlVariate, Cycle, FixedMode, InPhaseSpace, MiniBatch, Mixture, NoControl, PhaseKernel,
    PreconditionedSgld, Saga, Sghmc, Sgld, Sgnht, StepSchedule, Svrg,
};

/// The mean of a normal with variance `1/k` from data, under the prior `N(0, 1)`:
/// `E = x²/2 + Σ k (x − yᵢ)²/2`.
struct Mean {
    precision: f64,
    data: Vec<f64>,
}

impl Mean {
    fn of(data: &[f64]) -> Self {
        Self {
            precision: 0.5,
            data: data.to_vec(),
        }
    }
    /// `E = a (x − b)²/2 + const`.
    fn posterior(&self) -> (f64, f64) {
        let a = 1.0 + self.precision * self.data.len() as f64;
        (a, self.precision * self.data.iter().sum::<f64>() / a)
    }
    /// The variance of the gradient estimate, by the formulas of `MiniBatch`.
    fn gradient_variance(&self, batch: usize, replacement: bool) -> f64 {
        let n = self.data.len() as f64;
        let mean = self.data.iter().sum::<f64>() / n;
        let square: f64 = self.data.iter().map(|y| (y - mean).powi(2)).sum();
        let all = n * n * self.precision.powi(2) * square / n / batch as f64;
        if replacement {
            all
        } else {
            all * (n - batch as f64) / (n - 1.0)
        }
    }
}

impl Energy for Mean {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let data: f64 = self.data.iter().map(|y| (x[0] - y).powi(2)).sum();
        0.5 * x[0] * x[0] + 0.5 * self.precision * data
    }
}
impl EnergyGradient for Mean {
    fn dim(&self) -> usize {
        1
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let data: f64 = self.data.iter().map(|y| x[0] - y).sum();
        grad[0] = x[0] + self.precision * data;
        self.energy(x)
    }
}
impl StochasticGradient for Mean {
    fn num_terms(&self) -> usize {
        self.data.len()
    }
    fn base_gradient(&self, x: &[f64], grad: &mut [f64]) {
        grad[0] = x[0];
    }
    fn add_terms_gradient(&self, x: &[f64], batch: &[usize], scale: f64, grad: &mut [f64]) {
        for &i in batch {
            grad[0] += scale * self.precision * (x[0] - self.data[i]);
        }
    }
}

const DATA: [f64; 4] = [-1.0, 0.3, 1.1, 2.0];

/// Two parameters and terms of unlike curvature: `Eᵢ = log cosh(aᵢx + y − bᵢ)`, prior
/// `(x² + y²)/2`.
#[derive(Clone)]
struct Unlike;
const A: [f64; 4] = [0.5, -1.0, 2.0, 0.1];
const B: [f64; 4] = [0.2, 1.0, -0.7, 0.4];
impl Energy for Unlike {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let data: f64 = (0..4)
            .map(|i| (A[i] * x[0] + x[1] - B[i]).cosh().ln())
            .sum();
        0.5 * (x[0] * x[0] + x[1] * x[1]) + data
    }
}
impl EnergyGradient for Unlike {
    fn dim(&self) -> usize {
        2
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        self.base_gradient(x, grad);
        self.add_terms_gradient(x, &[0, 1, 2, 3], 1.0, grad);
        self.energy(x)
    }
}
impl StochasticGradient for Unlike {
    fn num_terms(&self) -> usize {
        4
    }
    fn base_gradient(&self, x: &[f64], grad: &mut [f64]) {
        grad.copy_from_slice(x);
    }
    fn add_terms_gradient(&self, x: &[f64], batch: &[usize], scale: f64, grad: &mut [f64]) {
        for &i in batch {
            let t = (A[i] * x[0] + x[1] - B[i]).tanh();
            grad[0] += scale * A[i] * t;
            grad[1] += scale * t;
        }
    }
}

/// The last estimate of the gradient at `end` over every batch, after two steps of exploration
/// (which draw batches and no noise) whose batches are enumerated too.
fn mean_estimate<C: ControlVariate>(batch: &MiniBatch<C>) -> (Vec<f64>, Vec<f64>) {
    // A step so small that it does not move, so that the gradient is that of a known point; the
    // memory is made elsewhere.
    let schedule = StepSchedule::cyclical(1e-300, u64::MAX, 0.5).unwrap();
    let kernel = Sgld::new(schedule, batch.clone());
    let mut state = kernel.init(&Unlike, &[0.7, -0.4]).unwrap();
    let mut rng = ergodic_math::rng::stream(2, 0);
    let mut moving = Sgld::new(StepSchedule::constant(0.01).unwrap(), batch.clone());
    for _ in 0..7 {
        moving.step(&Unlike, &mut state, &mut rng).unwrap();
    }
    let mut exact = vec![0.0; 2];
    Unlike.energy_gradient(state.position(), &mut exact);
    let all = outcomes(Limits::default(), |tape| {
        let (mut kernel, mut state) = (kernel.clone(), state.clone());
        kernel.step(&Unlike, &mut state, tape).unwrap();
        kernel.step(&Unlike, &mut state, tape).unwrap();
        state.gradient().to_vec()
    })
    .unwrap();
    let mut mean = vec![0.0; 2];
    for (p, g) in &all {
        for (m, g) in mean.iter_mut().zip(g) {
            *m += p * g;
        }
    }
    (mean, exact)
}

#[test]
fn gradient_estimates_are_unbiased_over_all_batches() {
    fn law<C: ControlVariate>(name: &str, control: C) {
        for size in [1, 2, 3] {
            let without = MiniBatch::new(size).unwrap().control(control.clone());
            for batch in [without.clone(), without.with_replacement()] {
                let (mean, exact) = mean_estimate(&batch);
                for (m, e) in mean.iter().zip(&exact) {
                    assert!(
                        (m - e).abs() < 1e-13,
                        "{name}, batches of {size}, replacement {}: {mean:?}, exact {exact:?}",
                        batch.is_with_replacement()
                    );
                }
            }
        }
    }
    law("none", NoControl);
    law("fixed mode", FixedMode::new(vec![0.1, 0.2]).unwrap());
    law("SVRG, every step", Svrg::new(1).unwrap());
    law("SVRG, every third", Svrg::new(3).unwrap());
    law("SVRG, every 100", Svrg::new(100).unwrap());
    law("SAGA", Saga);
}

#[test]
fn sgld_has_its_exact_stationary_moments_with_the_noise_of_the_batches() {
    let target = Mean::of(&DATA);
    let (a, b) = target.posterior();
    for h in [0.05, 0.3] {
        for size in 1..=4 {
            for replacement in [false, true] {
                let mut batch = MiniBatch::new(size).unwrap();
                if replacement {
                    batch = batch.with_replacement();
                }
                let v = target.gradient_variance(size, replacement);
                Gaussian {
                    mean: vec![b],
                    covariance: vec![(2.0 + h * v) / (a * (2.0 - h * a))],
                }
                .assert_stationary(
                    &Sgld::constant(h, batch).unwrap(),
                    &target,
                    &format!("h = {h}, {size} terms, replacement {replacement}"),
                );
            }
        }
    }
}

#[test]
fn at_a_temperature_the_noise_is_2_eta_t_whatever_the_gradient() {
    // E/T with h = ηT: x′ = x − η∇E + √(2ηT) ξ.
    let (eta, t) = (0.1, 0.3);
    let target = Mean::of(&DATA);
    let (a, b) = target.posterior();
    let cold = Tempered {
        target,
        beta: 1.0 / t,
    };
    let kernel = Sgld::constant(eta * t, MiniBatch::new(4).unwrap()).unwrap();
    let start = Gaussian {
        mean: vec![b + 3.0],
        covariance: vec![1e-30],
    };
    let after = start.after_a_step(&kernel, &cold);
    assert!((after.covariance[0] - 2.0 * eta * t).abs() < 1e-13);
    assert!((after.mean[0] - (b + 3.0 * (1.0 - eta * a))).abs() < 1e-13);
}

#[test]
fn control_variates_are_exact_for_terms_of_one_curvature() {
    // Then ∇Eᵢ(x) − ∇Eᵢ(x̂) is the same for all i and the batch adds no noise.
    let target = Mean::of(&DATA);
    let (a, b) = target.posterior();
    let h = 0.2;
    let stationary = Gaussian {
        mean: vec![b],
        covariance: vec![2.0 / (a * (2.0 - h * a))],
    };
    let batch = MiniBatch::new(1).unwrap();
    let fixed = batch.clone().control(FixedMode::new(vec![0.7]).unwrap());
    stationary.assert_stationary(&Sgld::constant(h, fixed).unwrap(), &target, "fixed mode");
    let svrg = batch.clone().control(Svrg::new(10).unwrap());
    stationary.assert_stationary(&Sgld::constant(h, svrg).unwrap(), &target, "SVRG");
    let saga = batch.control(Saga);
    stationary.assert_stationary(&Sgld::constant(h, saga).unwrap(), &target, "SAGA");
}

/// Solves `S = M S Mᵀ + N` for a 2 × 2 matrix by iteration.
fn lyapunov(m: [f64; 4], n: [f64; 4]) -> [f64; 4] {
    let product = |a: [f64; 4], b: [f64; 4]| {
        [
            a[0] * b[0] + a[1] * b[2],
            a[0] * b[1] + a[1] * b[3],
            a[2] * b[0] + a[3] * b[2],
            a[2] * b[1] + a[3] * b[3],
        ]
    };
    let (mut sum, mut power) = (n, m);
    for _ in 0..60 {
        let transposed = [power[0], power[2], power[1], power[3]];
        let next = product(product(power, sum), transposed);
        for (s, n) in sum.iter_mut().zip(next) {
            *s += n;
        }
        power = product(power, power);
    }
    sum
}

#[test]
fn sghmc_has_the_moments_of_its_recursion_and_takes_a_known_gradient_noise_off_its_own() {
    use ergodic_samplers::Momenta;
    let target = Mean::of(&DATA);
    let (a, b) = target.posterior();
    let momenta = Momenta::uniform(2.0).unwrap().at_temperature(0.6).unwrap();
    let (m, kt) = (2.0, 0.6);
    for (h, friction, size, replacement, known) in [
        (0.1, 1.0, 4, false, false),
        (0.1, 1.0, 2, false, false),
        (0.1, 3.0, 2, true, false),
        (0.1, 3.0, 2, true, true),
        (0.05, 2.0, 1, false, true),
    ] {
        let mut batch = MiniBatch::new(size).unwrap();
        if replacement {
            batch = batch.with_replacement();
        }
        let v = target.gradient_variance(size, replacement);
        let schedule = StepSchedule::constant(h).unwrap();
        let mut kernel = Sghmc::new(schedule, friction, batch)
            .unwrap()
            .momenta(momenta.clone());
        let bath = 2.0 * h * friction * m * kt;
        let mut noise = bath + h * h * kt * kt * v;
        if known {
            kernel = kernel.gradient_variance(v).unwrap();
            noise = bath;
        }
        // Algorithm 2: x′ = x + hp/m; p′ = p − h kT a (x′ − b) − hγp + noise.
        let force = h * kt * a;
        let step = [1.0, h / m, -force, 1.0 - h * friction - force * h / m];
        let covariance = lyapunov(step, [0.0, 0.0, 0.0, noise]);
        let space = kernel.phase_space(&target);
        Gaussian {
            mean: vec![b, 0.0],
            covariance: covariance.to_vec(),
        }
        .assert_stationary(
            &InPhaseSpace(kernel.clone()),
            &space,
            &format!("h = {h}, γ = {friction}, {size} terms, known {known}"),
        );
        // Close to π ⊗ N where the gradient's noise is accounted for.
        if known {
            assert!((covariance[0] * a - 1.0).abs() < 2.0 * h);
            assert!((covariance[3] / (m * kt) - 1.0).abs() < 2.0 * h);
        }
    }
}

/// A double well whose quartic is spread over three unlike terms: `E = x²/4 + Σ kᵢ(x² − cᵢ)²/2`.
struct Wells;
const K: [f64; 3] = [0.2, 0.5, 0.3];
const C: [f64; 3] = [1.5, 1.0, 0.5];
impl Energy for Wells {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let s = x[0] * x[0];
        let terms: f64 = (0..3).map(|i| 0.5 * K[i] * (s - C[i]).powi(2)).sum();
        0.25 * s + terms
    }
}
impl EnergyGradient for Wells {
    fn dim(&self) -> usize {
        1
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        self.base_gradient(x, grad);
        self.add_terms_gradient(x, &[0, 1, 2], 1.0, grad);
        self.energy(x)
    }
}
impl StochasticGradient for Wells {
    fn num_terms(&self) -> usize {
        3
    }
    fn base_gradient(&self, x: &[f64], grad: &mut [f64]) {
        grad[0] = 0.5 * x[0];
    }
    fn add_terms_gradient(&self, x: &[f64], batch: &[usize], scale: f64, grad: &mut [f64]) {
        for &i in batch {
            grad[0] += scale * 2.0 * K[i] * x[0] * (x[0] * x[0] - C[i]);
        }
    }
}

fn constant(h: f64) -> StepSchedule {
    StepSchedule::constant(h).unwrap()
}

#[test]
fn stochastic_kernels_have_order_one() {
    let one = || MiniBatch::new(1).unwrap();
    let rule = Quadrature::new(&[(-3.5, 3.5)]).unwrap();

    let sgld = |h| Sgld::new(constant(h), one());
    let fine = rule.clone().nodes(120, 60).unwrap();
    fine.asymptotic(sgld, &Wells, 0.01).unwrap().assert();

    let near = FixedMode::new(vec![0.8]).unwrap();
    let fixed = |h| Sgld::new(constant(h), one().control(near.clone()));
    fine.asymptotic(fixed, &Wells, 0.01).unwrap().assert();

    let psgld = |h| PreconditionedSgld::new(constant(h), one());
    fine.asymptotic(psgld, &Wells, 0.01).unwrap().assert();

    let sghmc = |h| Sghmc::new(constant(h), 1.0, one()).unwrap();
    Quadrature::new(&[(-3.5, 3.5), (-8.5, 8.5)])
        .unwrap()
        .nodes(56, 28)
        .unwrap()
        .asymptotic(
            |h| InPhaseSpace(sghmc(h)),
            &sghmc(0.02).phase_space(&Wells),
            0.02,
        )
        .unwrap()
        .assert();

    // Three hidden draws: momentum, thermostat, noise. The position is no Markov chain.
    let sgnht = |h| Sgnht::new(constant(h), 1.0, one()).unwrap();
    let report = rule
        .nodes(48, 20)
        .unwrap()
        .asymptotic(sgnht, &Wells, 0.1)
        .unwrap();
    assert!(
        !report.fails(Law::Order) && report.fails(Law::Markov),
        "{report}"
    );
}

#[test]
fn a_thermostat_absorbs_gradient_noise_of_unknown_size() {
    // hV = 0.5 h N²σ²: with A = 1 the bath alone would be a third too hot. Averages over 2·10⁶
    // steps of h = 0.02, i.e. 40,000 units of time; batch means over 100 batches give the standard
    // errors, of which 7 are allowed besides the bias of order h.
    let target = Mean::of(&DATA);
    let (a, b) = target.posterior();
    let h = 0.02;
    let batch = MiniBatch::new(1).unwrap();
    let v = target.gradient_variance(1, false);
    let mut kernel = Sgnht::new(constant(h), 1.0, batch).unwrap();
    let mut state = kernel.init(&target, &[b]).unwrap();
    let mut rng = ergodic_math::rng::stream(9, 0);
    let mut moments = [ergodic_math::moments::Moments::new(); 3];
    for _ in 0..100 {
        let mut sums = [0.0; 3];
        for _ in 0..20_000 {
            kernel.step(&target, &mut state, &mut rng).unwrap();
            sums[0] += a * (state.position()[0] - b).powi(2) / 20_000.0;
            sums[1] += state.auxiliary()[0].powi(2) / 20_000.0;
            sums[2] += state.auxiliary()[1] / 20_000.0;
        }
        for (m, s) in moments.iter_mut().zip(sums) {
            m.push(s);
        }
    }
    let expected = [1.0, 1.0, 1.0 + 0.5 * h * v];
    for ((m, e), bias) in moments.iter().zip(expected).zip([0.05, 0.05, 0.02]) {
        let (mean, error) = (m.mean().unwrap(), m.std_err().unwrap());
        assert!(error < 0.03, "{error}");
        assert!(
            (mean - e).abs() < 7.0 * error + bias,
            "{mean} ± {error}, expected {e}"
        );
    }
}

#[test]
fn the_preconditioner_is_learnt_in_the_warmup_and_then_frozen() {
    let target = Mean::of(&DATA);
    let (a, b) = target.posterior();
    let h = 0.05;
    let full = MiniBatch::new(4).unwrap();
    let mut kernel = PreconditionedSgld::new(constant(h), full)
        .memory(0.5)
        .unwrap()
        .floor(0.1)
        .unwrap();
    let mut state = kernel.init(&target, &[b + 1.0]).unwrap();
    let mut rng = ergodic_math::rng::stream(3, 0);
    let mut square = None;
    for step in 0..20 {
        let g = a * (state.position()[0] - b) / 4.0;
        let info = kernel.step(&target, &mut state, &mut rng).unwrap();
        let at = WarmupStep { step, of: 20 };
        kernel
            .adapt(&target, &mut state, Some(&info), at, &mut rng)
            .unwrap();
        let v = 0.5 * square.unwrap_or(g * g) + 0.5 * g * g;
        square = Some(v);
        let exact = 1.0 / (0.1 + v.sqrt());
        assert!((kernel.preconditioner()[0] / exact - 1.0).abs() < 1e-12);
    }
    // Frozen: the stationary variance is that of a step hG.
    let g = kernel.preconditioner()[0];
    let frozen = kernel.clone();
    let hg = h * g;
    assert!(hg * a < 2.0);
    Gaussian {
        mean: vec![b],
        covariance: vec![2.0 / (a * (2.0 - hg * a))],
    }
    .assert_stationary(&kernel, &target, "pSGLD");
    kernel.step(&target, &mut state, &mut rng).unwrap();
    assert_eq!(kernel, frozen);
}

#[test]
fn cycles_explore_without_noise_and_the_state_counts_the_steps() {
    let target = Mean::of(&DATA);
    let schedule = StepSchedule::cyclical(0.1, 4, 0.5).unwrap();
    let mut kernel = Sgld::new(schedule, MiniBatch::new(4).unwrap());
    let mut state = kernel.init(&target, &[3.0]).unwrap();
    let mut rng = ergodic_math::rng::stream(3, 0);
    let (a, b) = target.posterior();
    for t in 0..12 {
        let x = state.position()[0];
        let info = kernel.step(&target, &mut state, &mut rng).unwrap();
        assert_eq!(info.sampling, t % 4 >= 2, "step {t}");
        assert_eq!(info.step_size, schedule.at(t).0);
        let drift = x - info.step_size * a * (x - b);
        assert_eq!((state.position()[0] - drift).abs() < 1e-12, !info.sampling);
        assert_eq!((state.iteration(), info.terms), (t + 1, 4));
    }
}

macro_rules! owes {
    ($($name:ident: $kernel:expr;)*) => {$(
        #[test]
        fn $name() {
            let (kernel, start) = ($kernel, [0.3, -0.5]);
            suite::runs(&kernel, &Unlike, &start);
            suite::threads(&kernel, &Unlike, &start);
            suite::allocates_nothing(&kernel, &Unlike, &start);
            suite::serde_round_trip(&kernel, &Unlike, &start);
            suite::both_are_send_and_sync(&kernel, &Unlike);
        }
    )*};
}

fn pair() -> MiniBatch {
    MiniBatch::new(2).unwrap()
}

owes! {
    sgld_owes: Sgld::new(StepSchedule::polynomial(0.05, 10.0, 0.6).unwrap(), pair());
    fixed_mode_owes: Sgld::new(constant(0.05), pair().control(FixedMode::new(vec![0.1, 0.2]).unwrap()));
    svrg_owes: Sgld::new(constant(0.05), pair().control(Svrg::new(5).unwrap()));
    saga_owes: Sgld::new(constant(0.05), pair().with_replacement().control(Saga));
    psgld_owes: PreconditionedSgld::new(constant(0.05), pair());
    sghmc_owes: Sghmc::new(constant(0.05), 1.0, pair().control(Saga)).unwrap();
    sgnht_owes: Sgnht::new(StepSchedule::cyclical(0.1, 10, 0.2).unwrap(), 1.0, pair()).unwrap();
    // Each is reset to where the other went, with the memory of its control variate.
    a_cycle_owes: Cycle::new(
        Sgld::new(constant(0.05), pair().control(Svrg::new(3).unwrap())),
        Sgnht::new(constant(0.05), 1.0, pair().with_replacement().control(Saga)).unwrap(),
    );
    a_mixture_owes: Mixture::new(
        0.5,
        Sghmc::new(constant(0.05), 1.0, pair()).unwrap(),
        Sgld::new(constant(0.05), pair().control(FixedMode::new(vec![0.1, 0.2]).unwrap())),
    ).unwrap();
}

/// `E = x⁴` as one term.
struct Steep;
impl Energy for Steep {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        x[0].powi(4)
    }
}
impl EnergyGradient for Steep {
    fn dim(&self) -> usize {
        1
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        grad[0] = 4.0 * x[0].powi(3);
        self.energy(x)
    }
}
impl StochasticGradient for Steep {
    fn num_terms(&self) -> usize {
        1
    }
    fn base_gradient(&self, _: &[f64], grad: &mut [f64]) {
        grad.fill(0.0);
    }
    fn add_terms_gradient(&self, x: &[f64], batch: &[usize], scale: f64, grad: &mut [f64]) {
        grad[0] += scale * batch.len() as f64 * 4.0 * x[0].powi(3);
    }
}

#[test]
fn a_chain_that_overflows_stays_finite_and_is_counted() {
    fn law<K: MarkovKernel<Steep>>(mut kernel: K) {
        let mut state = kernel.init(&Steep, &[1e60]).unwrap();
        let mut rng = ergodic_math::rng::stream(4, 0);
        let mut divergent = false;
        for _ in 0..20 {
            divergent |= kernel
                .step(&Steep, &mut state, &mut rng)
                .unwrap()
                .stats()
                .divergent;
            assert!(kernel.position(&Steep, &state)[0].is_finite());
        }
        assert!(divergent);
    }
    let one = || MiniBatch::new(1).unwrap();
    law(Sgld::new(constant(1.0), one()));
    law(PreconditionedSgld::new(constant(1.0), one()));
    law(Sghmc::new(constant(0.5), 1.0, one()).unwrap());
    law(Sgnht::new(constant(1.0), 1.0, one()).unwrap());
}

#[test]
fn a_control_variate_forgets_what_overflowed() {
    fn law<C: ControlVariate>(control: C) {
        let mut memory = control.memory(&Steep, &[0.5], 1).unwrap();
        let mut estimate = |x: f64| {
            let mut out = [0.0];
            control.estimate(&Steep, &[x], &[0], &mut memory, &mut out);
            out[0]
        };
        // Where a chain flew to and does not stay: the cube overflows.
        assert!(!estimate(1e110).is_finite());
        for x in [0.5, 1.0] {
            assert_eq!(estimate(x), 4.0 * x * x * x);
        }
    }
    law(NoControl);
    law(Svrg::new(100).unwrap());
    law(Saga);
}

/// The steps since the anchor moved go round and round, so that the chain is periodic.
#[test]
fn ergodicity_is_not_claimed_for_a_chain_with_a_memory() {
    let ergodic = |claims: ergodic_core::Claims| claims.ergodic;
    let plain = Sgld::new(constant(0.1), pair());
    assert!(ergodic(MarkovKernel::<Steep>::claims(&plain)));
    let svrg = || pair().control(Svrg::new(5).unwrap());
    let kernel = Sgld::new(constant(0.1), svrg());
    assert!(!ergodic(MarkovKernel::<Steep>::claims(&kernel)));
    let kernel = PreconditionedSgld::new(constant(0.1), svrg());
    assert!(!ergodic(MarkovKernel::<Steep>::claims(&kernel)));
    let kernel = Sghmc::new(constant(0.1), 1.0, svrg()).unwrap();
    assert!(!ergodic(MarkovKernel::<Steep>::claims(&kernel)));
    let kernel = Sgnht::new(constant(0.1), 1.0, svrg()).unwrap();
    assert!(!ergodic(MarkovKernel::<Steep>::claims(&kernel)));
}

#[test]
fn bad_settings_and_starts_are_named() {
    let target = Mean::of(&DATA);
    assert_eq!(MiniBatch::new(0).unwrap_err().argument, "size");
    assert_eq!(Svrg::new(0).unwrap_err().argument, "every");
    assert_eq!(
        FixedMode::new(vec![f64::NAN]).unwrap_err().argument,
        "centre"
    );
    let friction = |f| Sghmc::new(constant(0.1), f, pair()).unwrap_err().argument;
    assert_eq!((friction(0.0), friction(10.0)), ("friction", "friction"));
    let sghmc = Sghmc::new(constant(0.1), 1.0, pair()).unwrap();
    let error = sghmc.clone().gradient_variance(-1.0).unwrap_err();
    assert_eq!(error.argument, "gradient_variance");
    let hot = sghmc.gradient_variance(100.0).unwrap();
    assert!(
        hot.init(&target, &[0.0])
            .unwrap_err()
            .reason
            .contains("noise of momentum 0")
    );
    assert_eq!(
        Sgnht::new(constant(0.1), 0.0, pair()).unwrap_err().argument,
        "diffusion"
    );
    let psgld = PreconditionedSgld::new(constant(0.1), pair());
    assert_eq!(psgld.clone().memory(1.0).unwrap_err().argument, "memory");
    assert_eq!(psgld.floor(0.0).unwrap_err().argument, "floor");

    let five = Sgld::new(constant(0.1), MiniBatch::new(5).unwrap());
    assert!(
        five.init(&target, &[0.0])
            .unwrap_err()
            .reason
            .contains("4 only")
    );
    let ok = Sgld::new(constant(0.1), MiniBatch::new(5).unwrap().with_replacement());
    assert!(ok.init(&target, &[0.0]).is_ok());
    let none = Mean::of(&[]);
    assert!(
        ok.init(&none, &[0.0])
            .unwrap_err()
            .reason
            .contains("0 data terms")
    );
    let wide = Sgld::new(
        constant(0.1),
        pair().control(FixedMode::new(vec![0.0; 2]).unwrap()),
    );
    assert!(
        wide.init(&target, &[0.0])
            .unwrap_err()
            .reason
            .contains("centre")
    );
}
