//! Thermostats: exact moments, orders, conserved quantities, and histograms from several starts.

use crate::targets::{DoubleWell, Gaussian, Oscillator, Wall};
use ergodic_conformance::{Law, Quadrature, suite};
use ergodic_core::{Energy, EnergyGradient, MarkovKernel, StepInfo};
use ergodic_math::moments::Moments;
use ergodic_samplers::{
    Andersen, Conserved, InPhaseSpace, Momenta, NoseHoover, PhaseKernel, SuzukiYoshida,
    VelocityRescaling,
};

fn heavy() -> Momenta {
    Momenta::uniform(2.5).unwrap().at_temperature(0.7).unwrap()
}

#[test]
fn random_thermostats_have_the_exact_moments_of_verlet_on_the_oscillator() {
    fn law<K>(kernel: K, target: &Oscillator, h: f64, momenta: &Momenta)
    where
        K: for<'a> PhaseKernel<&'a Oscillator> + PhaseKernel<Oscillator>,
    {
        // Velocity Verlet keeps p²/2m + (1 − h²Ω²/4) kT E with Ω² = kT ω²/m: a normal law whose
        // momenta have the right variance, which the bath leaves alone.
        let (kt, variance) = (momenta.temperature(), momenta.variance(0));
        let shrink = 1.0 - h * h * kt * kt * target.stiffness / (4.0 * variance);
        let space = PhaseKernel::<Oscillator>::phase_space(&kernel, target);
        Gaussian::centred(&[1.0 / (target.stiffness * shrink), 0.0, 0.0, variance])
            .assert_stationary(&InPhaseSpace(kernel), &space, "a thermostat");
    }
    let target = Oscillator {
        stiffness: 1.7,
        dim: 1,
    };
    for h in [0.1, 0.9] {
        for momenta in [Momenta::unit(), heavy()] {
            for rate in [0.3, 20.0, f64::INFINITY] {
                let kernel = Andersen::new(h, rate).unwrap().momenta(momenta.clone());
                law(kernel, &target, h, &momenta);
            }
            for time in [0.05, 2.0] {
                let kernel = VelocityRescaling::new(h, time).unwrap();
                law(kernel.momenta(momenta.clone()), &target, h, &momenta);
            }
        }
    }
}

#[test]
fn random_thermostats_have_order_two() {
    fn law<K>(kernel: impl Fn(f64) -> K)
    where
        K: for<'a> PhaseKernel<&'a DoubleWell> + PhaseKernel<DoubleWell>,
    {
        let space = PhaseKernel::<DoubleWell>::phase_space(&kernel(0.1), &DoubleWell);
        let report = Quadrature::new(&[(-3.2, 3.2), (-11.0, 11.0)])
            .unwrap()
            .nodes(48, 36)
            .unwrap()
            .asymptotic(|h| InPhaseSpace(kernel(h)), &space, 0.1)
            .unwrap();
        assert!(report.passed(), "{report}");
        let order = report.finding(Law::Order).unwrap().residual;
        assert!((order - 2.0).abs() < 0.25, "{report}");
    }
    law(|h| Andersen::new(h, 1.3).unwrap().momenta(heavy()));
    law(|h| VelocityRescaling::new(h, 0.8).unwrap().momenta(heavy()));
}

fn chain(h: f64, masses: &[f64]) -> NoseHoover {
    NoseHoover::chain(h, masses.to_vec()).unwrap()
}

#[test]
fn nose_hoover_has_order_two_and_is_no_markov_chain_of_positions() {
    for masses in [vec![0.8], vec![0.8, 1.3]] {
        let rule = Quadrature::new(&[(-3.2, 3.2)])
            .unwrap()
            .nodes(32, if masses.len() == 1 { 28 } else { 16 })
            .unwrap();
        let kernel = |h| chain(h, &masses).momenta(heavy());
        let report = rule.asymptotic(kernel, &DoubleWell, 0.2).unwrap();
        assert!(!report.fails(Law::Order), "{report}");
        assert!(report.fails(Law::Markov), "{report}");
    }
}

/// The change of the conserved quantity is the logarithm of the weight by which a step misses the
/// stationary law: an identity for any step size, which a wrong Jacobian breaks.
#[test]
fn the_mean_of_exp_of_minus_the_drift_is_one() {
    for (masses, composition) in [
        (vec![0.8], SuzukiYoshida::Order2),
        (vec![0.8], SuzukiYoshida::Order4),
        (vec![0.8, 1.3], SuzukiYoshida::Order4Suzuki),
        (vec![2.0, 0.7], SuzukiYoshida::Order2),
    ] {
        let kernel = chain(0.3, &masses)
            .momenta(heavy())
            .composition(composition)
            .multiple_steps(2)
            .unwrap();
        let (state, draws, tolerance) = match masses.len() {
            1 => (16, 20, 1e-10),
            _ => (20, 12, 1e-7),
        };
        suite::holds(
            Quadrature::new(&[(-3.2, 3.2)])
                .unwrap()
                .nodes(state, draws)
                .unwrap()
                .exponential_work(&kernel, &DoubleWell, tolerance),
        );
    }
}

#[test]
fn nose_hoover_is_reversible_in_time() {
    let target = Oscillator {
        stiffness: 1.3,
        dim: 2,
    };
    let momenta = Momenta::diagonal(vec![0.5, 2.0]).unwrap();
    for m in 1..=4 {
        for composition in [
            SuzukiYoshida::Order2,
            SuzukiYoshida::Order4,
            SuzukiYoshida::Order4Suzuki,
            SuzukiYoshida::Order6,
        ] {
            let mut kernel = InPhaseSpace(
                chain(0.3, &vec![1.1; m])
                    .momenta(momenta.clone())
                    .composition(composition)
                    .multiple_steps(3)
                    .unwrap(),
            );
            let space = PhaseKernel::<Oscillator>::phase_space(&kernel.0, &target);
            let start: Vec<f64> = (0..4 + m).map(|i| 0.4 + 0.17 * i as f64).collect();
            let mut rng = ergodic_math::rng::stream(1, 0);
            let mut there = |z: &[f64]| {
                let mut state = kernel.init(&space, z).unwrap();
                kernel.step(&space, &mut state, &mut rng).unwrap();
                let mut z = kernel.position(&space, &state).to_vec();
                z[2..].iter_mut().for_each(|v| *v = -*v);
                z
            };
            let end = there(&start);
            let back = there(&end);
            for (a, b) in start.iter().zip(&back) {
                assert!((a - b).abs() < 1e-13, "M = {m}: {start:?} and {back:?}");
            }
        }
    }
}

/// The right-hand side of the Nosé–Hoover equations for one oscillator, as Martyna et al. (1992)
/// print them.
fn equations(z: &[f64], masses: &[f64]) -> Vec<f64> {
    let (q, p, xi) = (z[0], z[1], &z[2..]);
    let mut dz = vec![p, -q - xi[0] * p];
    for k in 0..xi.len() {
        let drive = if k == 0 {
            p * p - 1.0
        } else {
            masses[k - 1] * xi[k - 1] * xi[k - 1] - 1.0
        };
        let damping = xi.get(k + 1).map_or(0.0, |next| next * xi[k]);
        dz.push(drive / masses[k] - damping);
    }
    dz
}

#[test]
fn nose_hoover_follows_its_equations_with_any_number_of_thermostats() {
    for m in 1..=3 {
        let masses: Vec<f64> = (0..m).map(|k| 0.7 + 0.4 * f64::from(k)).collect();
        let mut start = vec![1.2, -0.4];
        start.extend((0..m).map(|k| 0.3 - 0.2 * f64::from(k)));
        // Runge and Kutta with a tiny step for the truth.
        let (n, time) = (20_000, 2.0);
        let h = time / f64::from(n);
        let mut exact = start.clone();
        for _ in 0..n {
            let at = |z: &[f64], k: &[f64], h: f64| -> Vec<f64> {
                z.iter().zip(k).map(|(z, k)| z + h * k).collect()
            };
            let k1 = equations(&exact, &masses);
            let k2 = equations(&at(&exact, &k1, h / 2.0), &masses);
            let k3 = equations(&at(&exact, &k2, h / 2.0), &masses);
            let k4 = equations(&at(&exact, &k3, h), &masses);
            for (i, z) in exact.iter_mut().enumerate() {
                *z += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
            }
        }
        let error = |steps: u32| {
            let mut kernel = InPhaseSpace(chain(time / f64::from(steps), &masses));
            let space = PhaseKernel::<Oscillator>::phase_space(&kernel.0, &Oscillator::UNIT);
            let mut state = kernel.init(&space, &start).unwrap();
            let mut rng = ergodic_math::rng::stream(1, 0);
            for _ in 0..steps {
                kernel.step(&space, &mut state, &mut rng).unwrap();
            }
            let z = kernel.position(&space, &state);
            let distances = z.iter().zip(&exact).map(|(a, b)| (a - b).abs());
            distances.fold(0.0, f64::max)
        };
        let (coarse, fine) = (error(100), error(200));
        assert!(fine < 1e-4, "M = {m}: {fine}");
        assert!(
            (coarse / fine - 4.0).abs() < 0.1,
            "M = {m}: {coarse} and {fine}"
        );
    }
}

/// The bins of a histogram, each of probability 1/10 under the standard normal law.
const BINS: usize = 10;

/// The bin of `x`: between two deciles of the standard normal law.
fn bin(x: f64) -> usize {
    const DECILES: [f64; BINS - 1] = [
        -1.281_551_565_544_600_4,
        -0.841_621_233_572_914_3,
        -0.524_400_512_708_040_9,
        -0.253_347_103_135_799_7,
        0.0,
        0.253_347_103_135_799_7,
        0.524_400_512_708_040_9,
        0.841_621_233_572_914_3,
        1.281_551_565_544_600_4,
    ];
    DECILES.iter().filter(|d| **d < x).count()
}

/// What a trajectory on the unit oscillator shows.
struct Seen {
    /// Batch means of `q²`, `p²`, `ξ₁²` and `|q| < 0.1`.
    means: [Moments; 4],
    /// Batch means of the share of time that `q`, and `p`, spend in each bin.
    histograms: [[Moments; BINS]; 2],
    least_radius: f64,
    greatest_radius: f64,
    /// The conserved quantity in either half of the run.
    conserved: [Moments; 2],
}

impl Seen {
    fn mean(&self, k: usize) -> f64 {
        self.means[k].mean().unwrap()
    }
    fn near(&self) -> f64 {
        self.mean(3)
    }
    /// Time averages and shares with their exact values.
    fn comparisons(&self) -> impl Iterator<Item = (&Moments, f64)> {
        let means = self.means.iter().zip([1.0, 1.0, 1.0, NEAR]);
        means.chain(self.shares().map(|share| (share, 0.1)))
    }
    /// Of `q`, then of `p`.
    fn shares(&self) -> impl Iterator<Item = &Moments> {
        self.histograms.as_flattened().iter()
    }
}

/// By how many standard errors an average is off, a bias of order `h²` forgiven: below 4e-4 for a
/// mean square, and less for a share.
fn off(average: &Moments, exact: f64) -> f64 {
    let off = (average.mean().unwrap() - exact).abs() - 4e-4;
    off / average.std_err().unwrap()
}

/// Student's t with 49 degrees of freedom, of batch means, is beyond this with probability 1.2e-9.
const FAR: f64 = 7.5;

const BATCHES: usize = 50;

/// From `(q, p)` with the thermostats at rest.
fn trajectory(kernel: NoseHoover, (q, p): (f64, f64), steps: usize) -> Seen {
    let mut kernel = InPhaseSpace(kernel);
    let space = PhaseKernel::<Oscillator>::phase_space(&kernel.0, &Oscillator::UNIT);
    let mut start = vec![0.0; 2 + kernel.0.thermostats().len()];
    (start[0], start[1]) = (q, p);
    let mut state = kernel.init(&space, &start).unwrap();
    let mut rng = ergodic_math::rng::stream(1, 0);
    let mut seen = Seen {
        means: [Moments::new(); 4],
        histograms: [[Moments::new(); BINS]; 2],
        least_radius: f64::INFINITY,
        greatest_radius: 0.0,
        conserved: [Moments::new(); 2],
    };
    let length = steps / BATCHES;
    for batch in 0..BATCHES {
        let mut sums = [0.0; 4];
        let mut counts = [[0u32; BINS]; 2];
        for _ in 0..length {
            kernel.step(&space, &mut state, &mut rng).unwrap();
            let z = kernel.position(&space, &state);
            let near = f64::from(u8::from(z[0].abs() < 0.1));
            for (s, v) in sums
                .iter_mut()
                .zip([z[0] * z[0], z[1] * z[1], z[2] * z[2], near])
            {
                *s += v;
            }
            for (counts, x) in counts.iter_mut().zip(z) {
                counts[bin(*x)] += 1;
            }
            let radius = (z[0] * z[0] + z[1] * z[1]).sqrt();
            seen.least_radius = seen.least_radius.min(radius);
            seen.greatest_radius = seen.greatest_radius.max(radius);
            let conserved = kernel.0.conserved_quantity(&Oscillator::UNIT, &state);
            seen.conserved[2 * batch / BATCHES].push(conserved);
        }
        for (m, s) in seen.means.iter_mut().zip(sums) {
            m.push(s / length as f64);
        }
        let shares = counts.as_flattened();
        for (m, n) in seen.histograms.as_flattened_mut().iter_mut().zip(shares) {
            m.push(f64::from(*n) / length as f64);
        }
    }
    seen
}

/// `P(|q| < 0.1)` of the standard normal.
const NEAR: f64 = 0.079_655_674_554_057_96;

#[test]
fn one_thermostat_does_not_fill_the_space_of_the_oscillator_though_its_temperature_is_right() {
    // From these starts the trajectory stays in a ring (Legoll, Luskin and Moeckel 2007). The
    // temperature shows nothing of it, and with the heavy thermostat the mean square of q does
    // not either; the histograms do.
    for (mass, start, inner, outer) in [
        (1.0, (1.0, 0.0), 0.9, 1.9),
        (1.0, (0.0, 1.5), 1.1, 1.7),
        (1.0, (2.5, 0.0), 0.01, 3.6),
        (10.0, (2.5, 0.0), 0.5, 2.6),
    ] {
        let seen = trajectory(chain(0.02, &[mass]), start, 500_000);
        assert!((seen.mean(1) - 1.0).abs() < 2e-3, "⟨p²⟩ = {}", seen.mean(1));
        assert!(seen.least_radius > inner, "{}", seen.least_radius);
        assert!(seen.greatest_radius < outer, "{}", seen.greatest_radius);
        assert!(
            (seen.near() - NEAR).abs() > 0.008,
            "P(|q| < 0.1) = {}",
            seen.near()
        );
        for (of, shares) in ["q", "p"].iter().zip(&seen.histograms) {
            let worst = shares.iter().map(|s| off(s, 0.1)).fold(0.0, f64::max);
            println!("Q = {mass}, {start:?}: the worst bin of {of} is off by {worst} errors");
            assert!(worst > 2.0 * FAR, "Q = {mass}, {start:?}, {of}: {worst}");
        }
    }
}

#[test]
fn two_heavy_thermostats_do_not_fill_it_either() {
    let seen = trajectory(chain(0.02, &[10.0; 2]), (1.0, 0.0), 500_000);
    assert!(seen.least_radius > 0.6, "{}", seen.least_radius);
    assert!(seen.greatest_radius < 3.2, "{}", seen.greatest_radius);
    for shares in &seen.histograms {
        let worst = shares.iter().map(|s| off(s, 0.1)).fold(0.0, f64::max);
        assert!(worst > 2.0 * FAR, "{worst}");
    }
}

#[test]
fn chains_of_two_three_and_four_fill_it_from_every_start() {
    // Over 24,000 units of time; 24 comparisons from each of nine starts, 2.6e-7 in all.
    for m in 2..=4 {
        for start in [(1.0, 0.0), (0.0, 1.5), (2.5, 0.0)] {
            let kernel = chain(0.04, &vec![1.0; m]).composition(SuzukiYoshida::Order2);
            let seen = trajectory(kernel, start, 600_000);
            for (k, (average, exact)) in seen.comparisons().enumerate() {
                let (mean, error) = (average.mean().unwrap(), average.std_err().unwrap());
                assert!(error < 0.06 * exact, "M = {m}, {start:?}, {k}: {error}");
                assert!(
                    off(average, exact) < FAR,
                    "M = {m}, {start:?}, {k}: {mean} ± {error}, exact {exact}"
                );
            }
            assert!(seen.least_radius < 0.1 && seen.greatest_radius > 3.8);
        }
    }
}

#[test]
fn the_conserved_quantity_fluctuates_by_h_squared_and_stays_bounded() {
    let spread = |m: &Moments| m.population_variance().unwrap().sqrt();
    for m in 1..=4 {
        // One trajectory over 20 units of time, too short for chaos to tell the steps apart.
        let run = |h: f64, steps| trajectory(chain(h, &vec![1.0; m]), (1.0, 0.3), steps).conserved;
        let ratio = spread(&run(0.04, 500)[1]) / spread(&run(0.02, 1000)[1]);
        assert!((ratio - 4.0).abs() < 0.1, "M = {m}: {ratio}");
        // And one over 10,000. The single thermostat is regular here and does not drift; a chaotic
        // chain wanders, as no Hamiltonian behind the map bounds it, far below kT.
        let [first, second] = run(0.05, 200_000);
        let drift = (first.mean().unwrap() - second.mean().unwrap()).abs();
        if m == 1 {
            assert!(
                drift < 1e-3 * spread(&first),
                "{drift} beside {}",
                spread(&first)
            );
        }
        assert!(drift < 0.01, "M = {m}: {drift}");
        assert!(spread(&first).max(spread(&second)) < 0.01, "M = {m}");
    }
}

/// Four sites of an anharmonic chain, `E = Σ x²/2 + x⁴/2 + Σ (x − y)²/2`.
struct Anharmonic;
impl Energy for Anharmonic {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        let site: f64 = x.iter().map(|x| 0.5 * x * x + 0.5 * x.powi(4)).sum();
        let pair: f64 = x.windows(2).map(|w| 0.5 * (w[0] - w[1]).powi(2)).sum();
        site + pair
    }
}
impl EnergyGradient for Anharmonic {
    fn dim(&self) -> usize {
        4
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        for i in 0..4 {
            grad[i] = x[i] + 2.0 * x[i].powi(3);
            if i > 0 {
                grad[i] += x[i] - x[i - 1];
            }
            if i < 3 {
                grad[i] += x[i] - x[i + 1];
            }
        }
        self.energy(x)
    }
}

#[test]
fn thermostats_keep_the_variance_of_their_own_variable_and_the_virial() {
    // ⟨ξ²⟩ = kT/Q, ⟨K⟩ = d kT/2, ⟨x·∇E⟩ = d. Time averages over 32,000 units of time, in 50
    // batches: Student's t is beyond 7 with probability 7e-9 for each of four comparisons. The
    // bias is below h²ω²/4 = 0.01.
    let momenta = Momenta::diagonal(vec![1.0, 2.0, 0.5, 1.0]).unwrap();
    let momenta = momenta.at_temperature(1.6).unwrap();
    let (q1, q2) = (6.0, 1.5);
    let mut kernel = chain(0.04, &[q1, q2, q2]).momenta(momenta.clone());
    let mut state = kernel.init(&Anharmonic, &[0.1, 0.0, 0.2, -0.1]).unwrap();
    let mut rng = ergodic_math::rng::stream(8, 0);
    let mut gradient = [0.0; 4];
    let mut means = [Moments::new(); 4];
    for _ in 0..BATCHES {
        let mut sums = [0.0; 4];
        for _ in 0..16_000 {
            kernel.step(&Anharmonic, &mut state, &mut rng).unwrap();
            let (xi, p) = (state.auxiliary(), state.momentum());
            Anharmonic.energy_gradient(state.position(), &mut gradient);
            let dot: f64 = gradient
                .iter()
                .zip(state.position())
                .map(|(g, x)| g * x)
                .sum();
            sums[0] += xi[0] * xi[0] * q1 / 1.6;
            sums[1] += xi[1] * xi[1] * q2 / 1.6;
            sums[2] += dot / 4.0;
            sums[3] += 2.0 * momenta.kinetic_energy(p) / (4.0 * 1.6);
        }
        for (m, s) in means.iter_mut().zip(sums) {
            m.push(s / 16_000.0);
        }
    }
    for (k, m) in means.iter().enumerate() {
        let (mean, error) = (m.mean().unwrap(), m.std_err().unwrap());
        assert!(error < 0.01, "{k}: {error}");
        assert!(
            (mean - 1.0).abs() < 7.0 * error + 0.006,
            "{k}: {mean} ± {error}"
        );
    }
}

#[test]
fn heat_and_energy_errors_balance_the_energy() {
    fn law<K>(mut kernel: K, kt: f64)
    where
        K: Conserved<Anharmonic>,
        K::Info: StepInfo,
    {
        let mut state = kernel.init(&Anharmonic, &[0.5, 0.1, 0.0, -1.0]).unwrap();
        let mut rng = ergodic_math::rng::stream(5, 0);
        kernel.step(&Anharmonic, &mut state, &mut rng).unwrap();
        let mut last = kernel.conserved_quantity(&Anharmonic, &state);
        for _ in 0..100 {
            let info = kernel
                .step(&Anharmonic, &mut state, &mut rng)
                .unwrap()
                .stats();
            let now = kernel.conserved_quantity(&Anharmonic, &state);
            let error = info.energy_error.unwrap();
            assert!((now - last - kt * error).abs() < 1e-11);
            assert!(error.abs() < 0.5);
            last = now;
        }
    }
    law(
        Andersen::new(0.1, 3.0)
            .unwrap()
            .particles_of(3)
            .unwrap()
            .momenta(heavy()),
        0.7,
    );
    law(
        VelocityRescaling::new(0.1, 0.3).unwrap().momenta(heavy()),
        0.7,
    );
    law(chain(0.1, &[1.0, 0.5]).momenta(heavy()), 0.7);
}

macro_rules! owes {
    ($($name:ident: $kernel:expr;)*) => {$(
        #[test]
        fn $name() {
            let (kernel, start) = ($kernel, [0.3, -0.5, 0.1, 0.0]);
            suite::runs(&kernel, &Anharmonic, &start);
            suite::threads(&kernel, &Anharmonic, &start);
            suite::allocates_nothing(&kernel, &Anharmonic, &start);
            suite::serde_round_trip(&kernel, &Anharmonic, &start);
            suite::energy_shift_of_a_chain(&kernel, &Anharmonic, &start, 1e-9);
            suite::both_are_send_and_sync(&kernel, &Anharmonic);
        }
    )*};
}

owes! {
    andersen_keeps_what_every_kernel_owes: Andersen::new(0.1, 2.0).unwrap();
    rescaling_keeps_what_every_kernel_owes: VelocityRescaling::new(0.1, 1.0).unwrap();
    nose_hoover_keeps_what_every_kernel_owes: chain(0.1, &[1.0, 2.0]).momenta(heavy());
}

#[test]
fn walls_turn_the_trajectory_back_and_are_counted() {
    fn law<K>(mut kernel: K)
    where
        K: MarkovKernel<Wall>,
    {
        let mut state = kernel.init(&Wall, &[0.1]).unwrap();
        let mut rng = ergodic_math::rng::stream(4, 0);
        let mut rejected = 0;
        for _ in 0..2000 {
            rejected += kernel
                .step(&Wall, &mut state, &mut rng)
                .unwrap()
                .stats()
                .forbidden;
            assert!(kernel.position(&Wall, &state)[0] >= 0.0);
        }
        assert!(rejected > 10, "{rejected}");
    }
    law(Andersen::new(0.3, 1.0).unwrap());
    law(VelocityRescaling::new(0.3, 1.0).unwrap());
    law(chain(0.3, &[1.0, 1.0]));
}

#[test]
fn bad_settings_are_named() {
    assert_eq!(Andersen::new(0.0, 1.0).unwrap_err().argument, "step_size");
    assert_eq!(Andersen::new(0.1, -1.0).unwrap_err().argument, "rate");
    let andersen = Andersen::new(0.1, 1.0).unwrap();
    assert_eq!(
        andersen.particles_of(0).unwrap_err().argument,
        "coordinates"
    );
    let svr = |h, t| VelocityRescaling::new(h, t).unwrap_err().argument;
    assert_eq!(
        (svr(f64::NAN, 1.0), svr(0.1, 0.0)),
        ("step_size", "relaxation_time")
    );
    assert_eq!(
        NoseHoover::single(-1.0, 1.0).unwrap_err().argument,
        "step_size"
    );
    assert_eq!(
        NoseHoover::single(0.1, 0.0).unwrap_err().argument,
        "thermostats"
    );
    assert_eq!(
        NoseHoover::chain(0.1, vec![]).unwrap_err().argument,
        "thermostats"
    );
    let kernel = NoseHoover::single(0.1, 1.0).unwrap();
    assert_eq!(kernel.multiple_steps(0).unwrap_err().argument, "times");
}

/// Rescaling would divide one infinity by another, and keep the NaN for good.
#[test]
fn momenta_whose_kinetic_energy_overflows_are_refused() {
    fn law<K: PhaseKernel<Oscillator>>(kernel: K, point: &[f64]) {
        let mut state = kernel.init(&Oscillator::UNIT, &[0.5]).unwrap();
        let error = kernel
            .place(&Oscillator::UNIT, &mut state, point)
            .unwrap_err();
        assert!(error.reason.contains("kinetic energy"), "{error}");
    }
    law(VelocityRescaling::new(0.1, 1.0).unwrap(), &[0.5, 1e200]);
    law(Andersen::new(0.1, 1.0).unwrap(), &[0.5, 1e200]);
    law(NoseHoover::single(0.1, 1.0).unwrap(), &[0.5, 1e200, 0.0]);
}
