//! Reference posteriors: kernels with their warm-ups agree with the long runs of another program.
//!
//! Every mean and mean of squares of every parameter has to lie within four standard errors, those
//! of the reference and of the run together. A run's error comes from the means of 80 batches, so
//! a right sampler misses a number with a probability of at most 1.4·10⁻⁴ (Student's law with 79
//! degrees of freedom) over the choice of the seed. A kernel on all three posteriors makes 40
//! comparisons: it misses with probability below 6·10⁻³, and one of the twelve tests of this
//! file with probability below 0.06. Numbers of one run depend on each other, which makes that less. The
//! seeds are fixed and were not chosen: they count the tests.

mod data;

use data::{
    ARK, ARK_CHECKS, Check, EIGHT, EIGHT_CHECKS, KID_SCORE, KIDSCORE, KIDSCORE_CHECKS, MOTHER_IQ,
    Reference, SERIES,
};
use ergodic_core::{ArgumentError, Energy, EnergyGradient, MarkovKernel, Randomness, WarmupStep};
use ergodic_math::Real;
use ergodic_math::moments::Moments;
use ergodic_math::rng::stream;
use ergodic_samplers::transform::{Blocks, Positive, Transformed, Unconstrained};
use ergodic_samplers::{
    Hmc, Langevin, Mala, Mams, Mclmc, NoseHoover, Nuts, RandomWalk, Slice, StepHalving,
    TemperatureLadder, Temperatures, Tempering, TemperingSettings, TrajectoryLength,
};
use nalgebra::{DMatrix, DVector};

/// A posterior of parameters on their own scale.
#[derive(Clone)]
enum Model {
    /// `y ~ N(μ + τθ̃, s)`, `θ̃ ~ N(0, 1)`, `μ ~ N(0, 5)`, `τ ~ Cauchy⁺(0, 5)`; `x = (θ̃, μ, τ)`.
    EightSchools,
    Regression(Regression),
}

/// `y ~ N(Xβ, σ)`, `σ ~ Cauchy⁺(0, 2.5)` and normal or flat `β`, by sufficient statistics;
/// `x = (β, σ)`.
#[derive(Clone)]
struct Regression {
    rows: f64,
    yy: f64,
    xy: DVector<f64>,
    xx: DMatrix<f64>,
    prior_variance: f64,
}

impl Regression {
    fn new(rows: impl Iterator<Item = (f64, Vec<f64>)>, prior_variance: f64) -> Self {
        let (y, x): (Vec<f64>, Vec<Vec<f64>>) = rows.unzip();
        let columns = x[0].len();
        let x = DMatrix::from_fn(y.len(), columns, |i, j| x[i][j]);
        let y = DVector::from_vec(y);
        Self {
            rows: y.len() as f64,
            yy: y.dot(&y),
            xy: x.transpose() * &y,
            xx: x.transpose() * &x,
            prior_variance,
        }
    }

    fn log_density(&self, x: &[f64], g: &mut [f64]) -> f64 {
        let k = self.xy.len();
        let (beta, sigma) = (&x[..k], x[k]);
        let precision = 1.0 / (sigma * sigma);
        let ratio = sigma * sigma / 6.25;
        let (mut residual, mut prior) = (self.yy, 0.0);
        for i in 0..k {
            // Xᵀ(y − Xβ); the fitted part of yᵀy is βᵀXᵀy plus βᵀ of that.
            let rest = self.xy[i] - (0..k).map(|j| self.xx[(i, j)] * beta[j]).sum::<f64>();
            residual -= beta[i] * (self.xy[i] + rest);
            prior -= 0.5 * beta[i] * beta[i] / self.prior_variance;
            g[i] = rest * precision - beta[i] / self.prior_variance;
        }
        g[k] = (residual * precision - self.rows) / sigma - 2.0 * sigma / (6.25 * (1.0 + ratio));
        prior - 0.5 * residual * precision - self.rows * Real::ln(sigma) - Real::ln_1p(ratio)
    }
}

impl Model {
    fn log_density(&self, x: &[f64], g: &mut [f64]) -> f64 {
        const Y: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
        const S: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
        let Self::Regression(regression) = self else {
            let (mu, tau) = (x[8], x[9]);
            let ratio = tau * tau / 25.0;
            let mut value = -Real::ln_1p(ratio) - mu * mu / 50.0;
            g[8] = -mu / 25.0;
            g[9] = -2.0 * tau / (25.0 * (1.0 + ratio));
            for i in 0..8 {
                let r = (Y[i] - mu - tau * x[i]) / S[i];
                value -= 0.5 * (r * r + x[i] * x[i]);
                g[i] = r / S[i] * tau - x[i];
                g[8] += r / S[i];
                g[9] += r / S[i] * x[i];
            }
            return value;
        };
        regression.log_density(x, g)
    }
}

impl Energy for Model {
    type State = [f64];
    fn energy(&self, x: &[f64]) -> f64 {
        self.energy_gradient(x, &mut [0.0; 16][..x.len()])
    }
}

impl EnergyGradient for Model {
    fn dim(&self) -> usize {
        match self {
            Self::EightSchools => 10,
            Self::Regression(regression) => regression.xy.len() + 1,
        }
    }
    fn energy_gradient(&self, x: &[f64], grad: &mut [f64]) -> f64 {
        let value = self.log_density(x, grad);
        for g in grad.iter_mut() {
            *g = -*g;
        }
        -value
    }
}

/// A posterior on unconstrained coordinates `u = c + Lz`, seen from `z`.
struct Posterior {
    target: Transformed<Model>,
    map: Option<(DVector<f64>, DMatrix<f64>)>,
    reference: &'static [Reference],
    checks: &'static [Check],
}

impl Posterior {
    /// With `c = 0` and `L = 1`. The scale is the last parameter.
    fn new(model: Model, reference: &'static [Reference], checks: &'static [Check]) -> Self {
        let blocks = Blocks::new()
            .block("others", Unconstrained::new(model.dim() - 1).unwrap())
            .block("scale", Positive::new(1).unwrap());
        Self {
            target: Transformed::new(model, blocks).unwrap(),
            map: None,
            reference,
            checks,
        }
    }

    fn eight_schools() -> Self {
        Self::new(Model::EightSchools, EIGHT, EIGHT_CHECKS)
    }

    /// The score of a child on the IQ of its mother.
    fn kidscore() -> Self {
        let rows = KID_SCORE.iter().zip(&MOTHER_IQ);
        let rows = rows.map(|(y, x)| (*y, vec![1.0, *x]));
        let model = Regression::new(rows, f64::INFINITY);
        Self::new(Model::Regression(model), KIDSCORE, KIDSCORE_CHECKS)
    }

    /// `α, β ~ N(0, 10)`.
    fn autoregression() -> Self {
        let rows = (5..SERIES.len()).map(|t| {
            let mut x = vec![1.0];
            x.extend((1..=5).map(|k| SERIES[t - k]));
            (SERIES[t], x)
        });
        let model = Regression::new(rows, 100.0);
        Self::new(Model::Regression(model), ARK, ARK_CHECKS)
    }

    fn all() -> [Self; 3] {
        [
            Self::eight_schools(),
            Self::kidscore(),
            Self::autoregression(),
        ]
    }

    /// About centre 0 and covariance 1, for kernels that know no metric: of a regression by
    /// `σ²(XᵀX)⁻¹`, of the schools roughly.
    fn standardised(mut self) -> Self {
        let n = self.target.dim();
        let (mut centre, mut factor) = (DVector::zeros(n), DMatrix::identity(n, n));
        match self.target.target() {
            Model::EightSchools => {
                (centre[8], factor[(8, 8)]) = (4.4, 3.3);
                (centre[9], factor[(9, 9)]) = (0.8, 1.1);
            }
            Model::Regression(regression) => {
                let k = n - 1;
                let sigma = self.reference[k].mean;
                let cholesky = regression.xx.clone().cholesky().unwrap();
                let inverse = cholesky.l().try_inverse().unwrap();
                let block = inverse.transpose() * sigma;
                factor.view_mut((0, 0), (k, k)).copy_from(&block);
                centre
                    .rows_mut(0, k)
                    .copy_from(&cholesky.solve(&regression.xy));
                centre[k] = Real::ln(sigma);
                factor[(k, k)] = 1.0 / (2.0 * regression.rows).sqrt();
            }
        }
        self.map = Some((centre, factor));
        self
    }

    fn unconstrained(&self, z: &[f64], u: &mut [f64]) {
        let Some((centre, factor)) = &self.map else {
            return u.copy_from_slice(z);
        };
        for (i, u) in u.iter_mut().enumerate() {
            *u = centre[i]
                + z.iter()
                    .enumerate()
                    .map(|(j, z)| factor[(i, j)] * z)
                    .sum::<f64>();
        }
    }

    /// The parameters of the reference, in its order.
    fn parameters(&self, z: &[f64]) -> Vec<f64> {
        let mut u = [0.0; 16];
        self.unconstrained(z, &mut u[..z.len()]);
        let mut x = self.target.constrain(&u[..z.len()]).unwrap();
        if let Model::EightSchools = self.target.target() {
            let (mu, tau) = (x[8], x[9]);
            for theta in &mut x[..8] {
                *theta = mu + tau * *theta;
            }
        }
        x
    }

    /// Uniform on `[−2, 2]` in every coordinate.
    fn start(&self, rng: &mut impl Randomness) -> Vec<f64> {
        (0..self.dim()).map(|_| 4.0 * rng.uniform() - 2.0).collect()
    }
}

impl Energy for Posterior {
    type State = [f64];
    fn energy(&self, z: &[f64]) -> f64 {
        let mut u = [0.0; 16];
        self.unconstrained(z, &mut u[..z.len()]);
        self.target.energy(&u[..z.len()])
    }
}

impl EnergyGradient for Posterior {
    fn dim(&self) -> usize {
        self.target.dim()
    }
    fn energy_gradient(&self, z: &[f64], grad: &mut [f64]) -> f64 {
        let Some((_, factor)) = &self.map else {
            return self.target.energy_gradient(z, grad);
        };
        let (mut u, mut g) = ([0.0; 16], [0.0; 16]);
        self.unconstrained(z, &mut u[..z.len()]);
        let energy = self
            .target
            .energy_gradient(&u[..z.len()], &mut g[..z.len()]);
        for (j, grad) in grad.iter_mut().enumerate() {
            *grad = (0..z.len()).map(|i| factor[(i, j)] * g[i]).sum();
        }
        energy
    }
}

/// Differences of the log density and gradients are those of an independent coding.
#[test]
fn densities_are_those_of_the_reference() {
    for posterior in Posterior::all() {
        let mut g = vec![0.0; posterior.dim()];
        let mut offsets = Vec::new();
        for (u, log_density, gradient) in posterior.checks {
            let energy = posterior.energy_gradient(u, &mut g);
            assert_eq!(energy, posterior.energy(u));
            for (i, (found, expected)) in g.iter().zip(*gradient).enumerate() {
                let error = (found + expected).abs() / expected.abs();
                assert!(error < 1e-9, "∂{i}: {}, not {expected}", -found);
            }
            offsets.push(energy + log_density);
        }
        let size = (posterior.checks[0].1 - posterior.checks[1].1).abs();
        let error = (offsets[0] - offsets[1]).abs() / size;
        assert!(error < 1e-9, "{offsets:?}");
        let standardised = posterior.standardised();
        ergodic_samplers::check_gradient(&standardised, &vec![0.3; standardised.dim()]).unwrap();
    }
}

const CHAINS: u64 = 4;
const BATCHES: usize = 20;

/// Means of parameters and their squares over batches, beside the reference.
struct Tally<'a> {
    posterior: &'a Posterior,
    /// Of the means over batches; parameters first, then squares.
    batches: Vec<Moments>,
    /// Of the squares themselves: their spread gives the error of the reference.
    squares: Vec<Moments>,
}

impl<'a> Tally<'a> {
    fn new(posterior: &'a Posterior) -> Self {
        let n = posterior.reference.len();
        Self {
            posterior,
            batches: vec![Moments::new(); 2 * n],
            squares: vec![Moments::new(); n],
        }
    }

    fn batch<'d>(&mut self, draws: impl Iterator<Item = &'d [f64]>) {
        let n = self.squares.len();
        let mut sums = vec![0.0; 2 * n];
        let mut count = 0.0;
        for z in draws {
            for (i, x) in self.posterior.parameters(z).iter().enumerate() {
                sums[i] += x;
                sums[n + i] += x * x;
                self.squares[i].push(x * x);
            }
            count += 1.0;
        }
        for (moments, sum) in self.batches.iter_mut().zip(sums) {
            moments.push(sum / count);
        }
    }

    fn check(&self, what: &str) {
        let pairs = self.batches.iter();
        let found: Vec<(f64, f64)> = pairs
            .map(|m| (m.mean().unwrap(), m.std_err().unwrap()))
            .collect();
        let spreads = self.squares.iter().map(|m| m.variance().unwrap().sqrt());
        check(what, self.posterior, &found, &spreads.collect::<Vec<_>>());
    }
}

/// Means and standard errors of all parameters and their squares agree with the reference; the
/// standard deviations of the squares give the reference's own errors.
fn check(what: &str, posterior: &Posterior, found: &[(f64, f64)], square_sds: &[f64]) {
    let n = posterior.reference.len();
    let mut worst = (0.0, String::new());
    let mut precision = 0.0_f64;
    for (k, (mean, own)) in found.iter().enumerate() {
        let r = &posterior.reference[k % n];
        let (label, expected, theirs, sd) = if k < n {
            ("mean", r.mean, r.mcse, r.sd)
        } else {
            let sd = square_sds[k - n];
            ("mean square", r.mean_square, sd * r.mcse / r.sd, sd)
        };
        let z = (mean - expected) / (own * own + theirs * theirs).sqrt();
        precision = precision.max(own / sd);
        if z.is_nan() || z.abs() > worst.0 {
            let text = format!("{label} of {}: {mean} for {expected}, z = {z:.2}", r.name);
            worst = (z.abs(), text);
        }
    }
    println!("{what}: {} (errors up to {precision:.3} sd)", worst.1);
    // An agreement within errors that are large says little.
    assert!(precision < 0.06, "{what}: errors of {precision} sd");
    assert!(worst.0 < 4.0, "{what}: {}", worst.1);
}

/// Four chains of `warmup` steps and 20 batches each, held against the reference.
fn agrees<K: MarkovKernel<Posterior>>(
    posterior: &Posterior,
    new: impl Fn() -> K,
    warmup: usize,
    batch: usize,
    seed: u64,
) {
    let mut tally = Tally::new(posterior);
    for chain in 0..CHAINS {
        let mut rng = stream(seed, chain);
        let start = posterior.start(&mut rng);
        let mut kernel = new();
        let mut state = kernel.init(posterior, &start).unwrap();
        for step in 0..warmup {
            let info = kernel.step(posterior, &mut state, &mut rng).unwrap();
            let at = WarmupStep { step, of: warmup };
            kernel
                .adapt(posterior, &mut state, Some(&info), at, &mut rng)
                .unwrap();
        }
        let mut draws = vec![Vec::new(); batch];
        for _ in 0..BATCHES {
            for draw in &mut draws {
                kernel.step(posterior, &mut state, &mut rng).unwrap();
                kernel.position(posterior, &state).clone_into(draw);
            }
            tally.batch(draws.iter().map(Vec::as_slice));
        }
    }
    let parts = std::any::type_name::<K>().rsplit("::");
    tally.check(parts.into_iter().next().unwrap());
}

#[test]
fn nuts_agrees_with_the_reference() {
    for posterior in Posterior::all() {
        agrees(&posterior, Nuts::new, 300, 125, 1);
    }
}

#[test]
fn hmc_agrees_with_the_reference() {
    let new = || Hmc::new(TrajectoryLength::Time(1.5)).unwrap();
    for posterior in Posterior::all() {
        agrees(&posterior, new, 500, 250, 2);
    }
}

/// From starts whose energy is 10⁷ nats too high every chain finds the posterior. Its 3 dimensions have
/// about 3/2 nats above the lowest energy on average, with a standard deviation of 0.12 over 100
/// independent draws and three times that over ten; a chain on the way is hundreds too high.
#[test]
fn no_chain_is_lost_on_the_way_from_its_start() {
    fn energies<K: MarkovKernel<Posterior>>(
        posterior: &Posterior,
        kernel: &K,
        warmup: usize,
    ) -> Vec<f64> {
        let chain = |chain| {
            let (mut kernel, mut rng) = (kernel.clone(), stream(12, chain));
            let start = posterior.start(&mut rng);
            let mut state = kernel.init(posterior, &start).unwrap();
            for step in 0..warmup {
                let info = kernel.step(posterior, &mut state, &mut rng).unwrap();
                let at = WarmupStep { step, of: warmup };
                kernel
                    .adapt(posterior, &mut state, Some(&info), at, &mut rng)
                    .unwrap();
            }
            let mut sum = 0.0;
            for _ in 0..100 {
                kernel.step(posterior, &mut state, &mut rng).unwrap();
                sum += posterior.energy(kernel.position(posterior, &state));
            }
            sum / 100.0
        };
        (0..150).map(chain).collect()
    }
    let posterior = Posterior::kidscore();
    let hmc = Hmc::new(TrajectoryLength::Time(1.5)).unwrap();
    let hmc = energies(&posterior, &hmc, 150);
    let nuts = energies(&posterior, &Nuts::new(), 100);
    // An expected energy cannot be far below that of the best 100 draws.
    let lowest = nuts.iter().fold(f64::INFINITY, |m, e| m.min(*e));
    for (kernel, energies) in [("HMC", hmc), ("NUTS", nuts)] {
        for (chain, energy) in energies.iter().enumerate() {
            let excess = energy - lowest;
            assert!(excess < 5.0, "{kernel}, chain {chain}: {excess} nats");
        }
    }
}

#[test]
fn mams_agrees_with_the_reference() {
    for posterior in Posterior::all() {
        agrees(&posterior, Mams::new, 1000, 250, 3);
    }
}

#[test]
fn random_walk_agrees_with_the_reference() {
    for posterior in Posterior::all() {
        agrees(
            &posterior,
            || RandomWalk::new(0.5).unwrap(),
            10_000,
            10_000,
            4,
        );
    }
}

#[test]
fn mala_agrees_with_the_reference() {
    for posterior in Posterior::all() {
        agrees(&posterior.standardised(), Mala::new, 1000, 2500, 5);
    }
}

#[test]
fn slice_agrees_with_the_reference() {
    for posterior in Posterior::all() {
        let new = || Slice::new(2.0).unwrap();
        agrees(&posterior.standardised(), new, 500, 500, 6);
    }
}

fn langevin(word: &str, step_size: f64) -> Result<Langevin, ArgumentError> {
    Langevin::new(word.parse()?, step_size, 1.0)
}

#[test]
fn adjusted_langevin_agrees_with_the_reference() {
    for posterior in Posterior::all() {
        let new = || langevin("OBABO", 0.3).unwrap().adjusted().unwrap();
        agrees(&posterior.standardised(), new, 500, 2500, 7);
    }
}

#[test]
fn nuts_under_parallel_tempering_agrees_with_the_reference() {
    for posterior in Posterior::all() {
        let mut tally = Tally::new(&posterior);
        for chain in 0..CHAINS {
            let ladder = TemperatureLadder::geometric(0.3, 1.0, 3).unwrap();
            let mut rng = stream(8, chain);
            let starts: Vec<_> = (0..ladder.len())
                .map(|_| posterior.start(&mut rng))
                .collect();
            let settings = TemperingSettings::default()
                .tuning_rounds(5)
                .scans(125 * BATCHES)
                .parallel(false)
                .seed(8 + (chain << 8));
            let path = Temperatures(&posterior);
            let tempering = Tempering::new(path, Nuts::new(), ladder, settings).unwrap();
            let report = tempering.run_from(&starts).unwrap();
            assert_eq!(report.draws.len(), 125 * BATCHES);
            assert!(report.round_trips > 100, "{}", report.round_trips);
            for batch in report.draws.chunks(125) {
                tally.batch(batch.iter().map(Vec::as_slice));
            }
        }
        tally.check("tempering");
    }
}

/// Averages at a step size less their measured bias, which is what is called extrapolated, agree
/// with the reference. Returns how many of the biases at the step size itself are seen beyond four standard errors.
fn agrees_but_for_its_bias<K: MarkovKernel<Posterior>>(
    posterior: &Posterior,
    new: impl Fn(f64) -> Result<K, ArgumentError>,
    step_size: f64,
    steps: usize,
    seed: u64,
) -> usize {
    let n = posterior.reference.len();
    let halving = StepHalving::new(step_size).unwrap().seed(seed);
    let halving = halving.steps(steps).unwrap().batches(BATCHES).unwrap();
    let observe = |z: &[f64], out: &mut [f64]| {
        for (i, x) in posterior.parameters(z).iter().enumerate() {
            (out[i], out[n + i], out[2 * n + i]) = (*x, x * x, x.powi(4));
        }
    };
    let start = vec![0.1; posterior.dim()];
    let measured = halving.run(new, posterior, &start, 3 * n, observe).unwrap();
    for m in &measured {
        assert_eq!((m.divergences, m.order), (0, 2));
    }
    let fourth = measured[2 * n..].iter().zip(&measured[n..]);
    let square_sds: Vec<f64> = fourth
        .map(|(fourth, square)| (fourth.fine.value - square.fine.value.powi(2)).sqrt())
        .collect();
    let found: Vec<_> = measured[..2 * n]
        .iter()
        .map(|m| (m.extrapolated.value, m.extrapolated.std_err))
        .collect();
    let what = std::any::type_name::<K>().rsplit("::").next().unwrap();
    let biased = measured[..2 * n]
        .iter()
        .filter(|m| m.bias.value.abs() > 4.0 * m.bias.std_err);
    let biased = biased.count();
    println!("{what}: {biased} biases seen at step size {step_size}");
    check(what, posterior, &found, &square_sds);
    biased
}

#[test]
fn baoab_agrees_with_the_reference_but_for_its_measured_bias() {
    for posterior in Posterior::all() {
        let posterior = posterior.standardised();
        agrees_but_for_its_bias(&posterior, |h| langevin("BAOAB", h), 0.4, 50_000, 9);
    }
}

#[test]
fn mclmc_agrees_with_the_reference_but_for_its_measured_bias() {
    for posterior in Posterior::all() {
        let posterior = posterior.standardised();
        let new = |h| Mclmc::new().with_step_size(h)?.with_fixed_length(1.0);
        agrees_but_for_its_bias(&posterior, new, 0.4, 50_000, 10);
    }
}

/// The teeth of these tests: steps that are far too long, whose averages are plainly wrong, agree
/// with the reference once their measured bias is taken off.
#[test]
fn a_large_bias_is_seen_and_taken_off() {
    // Regressions, near to normal laws: what halving leaves there is h⁴/64 of a variance, 0.6 %
    // (`step_halving_measures_the_bias_of_the_oscillator` has it exactly).
    for posterior in [Posterior::kidscore(), Posterior::autoregression()] {
        let new = |h| langevin("OBABO", h);
        let seen = agrees_but_for_its_bias(&posterior.standardised(), new, 0.8, 50_000, 12);
        assert!(seen > 0, "no bias is seen");
    }
}

/// Thermostats do not mix a standardised normal law, whose oscillators keep their planes; the
/// schools, which are not normal, they do.
#[test]
fn nose_hoover_agrees_with_the_reference_but_for_its_measured_bias() {
    let posterior = Posterior::eight_schools().standardised();
    let new = |h| NoseHoover::chain(h, vec![10.0, 1.0, 1.0]);
    agrees_but_for_its_bias(&posterior, new, 0.3, 50_000, 11);
}
