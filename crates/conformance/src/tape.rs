//! Kernels with many draws per step, checked by randomised quasi-Monte Carlo.

use ergodic_core::{
    ArgumentError, Claims, Energy, MarkovKernel, Randomness, Stationarity, StepInfo, TargetError,
};
use ergodic_math::Real;
use ergodic_math::moments::Moments;
use ergodic_math::special::normal_quantile;
use rand_chacha::ChaCha8Rng;

use crate::budget::Budget;
use crate::enumerate::{EnumerateError, Failure};
use crate::quadrature::TestFunction;
use crate::report::{Finding, Law, Report};
use crate::sobol::Sobol;

/// A [`Randomness`] that answers from the coordinates of one point of `[0, 1)ᵈ`, in order.
///
/// A uniform draw is a coordinate, a normal one its quantile, a decision compares it: any number
/// of draws of a step becomes one point, and a low-discrepancy sequence of points integrates over
/// all of them at once. Coordinates beyond the dimension of the sequence come from a ChaCha8
/// stream, so a step may draw as often as it likes. Certain answers (`bernoulli(0)`, `index(1)`)
/// use no coordinate.
///
/// An argument outside the domain that `Randomness` states is remembered and fails the check.
#[derive(Clone, Debug)]
pub struct Tape {
    net: Sobol,
    point: Vec<f64>,
    cursor: usize,
    padding: ChaCha8Rng,
    failure: Option<Failure>,
}

impl Tape {
    /// Randomisation `number` under `seed` of the sequence in `dimensions` dimensions, before its
    /// first point. Randomisations are independent.
    pub fn new(dimensions: usize, seed: u64, number: u64) -> Self {
        Self {
            net: Sobol::scrambled(dimensions, seed, number),
            point: vec![0.0; dimensions],
            cursor: dimensions,
            padding: ergodic_math::rng::stream(seed, 2 * number + 1),
            failure: None,
        }
    }

    /// Goes to the next point of the sequence.
    pub fn advance(&mut self) {
        self.net.next(&mut self.point);
        self.cursor = 0;
    }

    /// How many draws have been answered from the present point.
    pub fn used(&self) -> usize {
        self.cursor
    }

    fn fail(&mut self, call: &'static str, found: String, allowed: &'static str) {
        self.failure.get_or_insert(Failure::Domain {
            call,
            found,
            allowed,
        });
    }

    /// The next coordinate, inside `(0, 1)`.
    fn coordinate(&mut self) -> f64 {
        let place = self.cursor;
        self.cursor += 1;
        match self.point.get(place) {
            Some(&u) => u,
            None => self.padding.uniform() + 0.25 * f64::EPSILON,
        }
    }
}

impl Randomness for Tape {
    fn bernoulli(&mut self, p: f64) -> bool {
        if !(0.0..=1.0).contains(&p) {
            self.fail("bernoulli", p.to_string(), "a probability in [0, 1]");
            return false;
        }
        if p == 0.0 || p == 1.0 {
            return p == 1.0;
        }
        self.coordinate() < p
    }

    fn index(&mut self, n: usize) -> usize {
        if n == 0 {
            self.fail("index", "0".into(), "at least 1");
            return 0;
        }
        if n == 1 {
            return 0;
        }
        ((self.coordinate() * n as f64) as usize).min(n - 1)
    }

    fn categorical(&mut self, weights: &[f64]) -> usize {
        let total: f64 = weights.iter().sum();
        if !(weights.iter().all(|&w| w >= 0.0) && total > 0.0 && total.is_finite()) {
            self.fail(
                "categorical",
                format!("{weights:?}"),
                "finite weights, not negative and not all zero",
            );
            return 0;
        }
        let last = weights.iter().rposition(|&w| w > 0.0).unwrap_or(0);
        let mut left = self.coordinate() * total;
        for (i, &w) in weights[..last].iter().enumerate() {
            if left < w {
                return i;
            }
            left -= w;
        }
        last
    }

    fn uniform(&mut self) -> f64 {
        self.coordinate()
    }

    fn normal(&mut self) -> f64 {
        // The coordinate is inside (0, 1), where the quantile is defined.
        normal_quantile(self.coordinate()).unwrap_or(0.0)
    }

    fn exponential(&mut self) -> f64 {
        -Real::ln_1p(-self.coordinate())
    }
}

/// Checks kernels with any number of draws per step, on targets that can be drawn exactly.
///
/// With `X ~ π` and `Y` the position after `s` steps, invariance is `E[g(Y) − g(X)] = 0` and
/// reversibility `E[f(X)g(Y) − g(X)f(Y)] = 0` for all `f, g`. Both are integrals over the draws
/// that make `X` and over those of the steps: one point of a scrambled Sobol' sequence answers
/// all of them ([`Tape`]). `R` independent randomisations of `N` points give `R` unbiased
/// estimates of each integral, hence a mean, a standard error and a Student statistic with `R − 1`
/// degrees of freedom, judged at the share of the [`Budget`] that falls to one comparison. The
/// statistic takes the `R` estimates as normal, as means over thousands of points of bounded
/// functions nearly are (Owen, *Monte Carlo theory, methods and examples*, ch. 17; L'Ecuyer,
/// *Handb. Oper. Res.* 2018).
///
/// The defects are taken after the first step and after the last of [`steps`](Self::steps): a
/// cache that a step leaves stale shows in the second. Odd points start from a state made by
/// `reset` instead of `init`. The test functions are bounded functions of the standardised position
/// `z = (x − mean)/sd` (moments from exact draws of another stream) and of the energy, which sees
/// most errors in many dimensions.
///
/// Power: the report says which defect would have been found. Smooth integrands gain a factor of
/// 10 to 1000 on independent draws, accept/reject steps in ten dimensions about 2. Cost:
/// `R·N·steps` steps of the kernel.
///
/// ```
/// use ergodic_conformance::QuasiMonteCarlo;
/// use ergodic_core::*;
///
/// /// The standard normal in ten dimensions.
/// struct Normal;
/// impl Energy for Normal {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         0.5 * x.iter().map(|x| x * x).sum::<f64>()
///     }
/// }
///
/// /// x′ = ρx + √(1 − ρ²) s ξ, reversible for s = 1.
/// #[derive(Clone)]
/// struct Autoregression(f64, f64);
/// impl MarkovKernel<Normal> for Autoregression {
///     type State = Vec<f64>;
///     type Info = ();
///     fn claims(&self) -> Claims {
///         Claims::REVERSIBLE
///     }
///     fn init(&self, _: &Normal, x: &[f64]) -> Result<Vec<f64>, TargetError> {
///         Ok(x.to_vec())
///     }
///     fn position<'s>(&self, _: &Normal, state: &'s Vec<f64>) -> &'s [f64]
///     where
///         Normal: 's,
///     {
///         state
///     }
///     fn reset(&self, _: &Normal, state: &mut Vec<f64>, x: Option<&[f64]>) -> Result<(), TargetError> {
///         if let Some(x) = x {
///             state.copy_from_slice(x);
///         }
///         Ok(())
///     }
///     fn step<R: Randomness + ?Sized>(&mut self, _: &Normal, x: &mut Vec<f64>, rng: &mut R) -> Result<(), TargetError> {
///         for x in x {
///             *x = self.0 * *x + (1.0 - self.0 * self.0).sqrt() * self.1 * rng.normal();
///         }
///         Ok(())
///     }
/// }
///
/// let exact = |rng: &mut dyn Randomness| (0..10).map(|_| rng.normal()).collect();
/// let tapes = QuasiMonteCarlo::new().points(10)?;
/// let report = tapes.check(&Autoregression(0.6, 1.0), &Normal, exact)?;
/// assert!(report.passed(), "{report}");
/// // A noise that is one percent too strong is found.
/// assert!(!tapes.check(&Autoregression(0.6, 1.01), &Normal, exact)?.passed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct QuasiMonteCarlo {
    log2_points: u32,
    randomisations: u32,
    dimensions: usize,
    steps: usize,
    seed: u64,
    budget: Budget,
    functions: Option<Vec<TestFunction>>,
}

impl Default for QuasiMonteCarlo {
    fn default() -> Self {
        Self::new()
    }
}

/// Exact draws from which the test functions are standardised.
const PILOT: usize = 1 << 12;

/// What rounding may do to a mean of test functions, which are of size 1.
const ROUNDING: f64 = 1e-12;

impl QuasiMonteCarlo {
    /// 64 randomisations of 2¹¹ points whose first 64 coordinates are a net, two steps, the
    /// budget of one test. With so many randomisations 8 standard errors are beyond chance at
    /// the share of one comparison; with 16 it would take 16 of them.
    pub fn new() -> Self {
        Self {
            log2_points: 11,
            randomisations: 64,
            dimensions: 64,
            steps: 2,
            seed: 1,
            budget: Budget::of_one_test(),
            functions: None,
        }
    }

    /// `2^log2` points per randomisation.
    ///
    /// # Errors
    /// Unless `4 ≤ log2 ≤ 30`.
    pub fn points(mut self, log2: u32) -> Result<Self, ArgumentError> {
        if !(4..=30).contains(&log2) {
            return Err(ArgumentError::new("log2", log2, "from 4 to 30"));
        }
        self.log2_points = log2;
        Ok(self)
    }

    /// The number of independent randomisations; fewer than 30 cost more power than they save.
    ///
    /// # Errors
    /// If it is below 4.
    pub fn randomisations(mut self, number: u32) -> Result<Self, ArgumentError> {
        if number < 4 {
            return Err(ArgumentError::new(
                "randomisations",
                number,
                "at least 4, for a standard error",
            ));
        }
        self.randomisations = number;
        Ok(self)
    }

    /// How many leading draws of a point are answered from the net; the rest from a stream.
    pub fn dimensions(mut self, dimensions: usize) -> Self {
        self.dimensions = dimensions;
        self
    }

    /// The number of steps from an exact draw.
    ///
    /// # Errors
    /// If it is 0.
    pub fn steps(mut self, steps: usize) -> Result<Self, ArgumentError> {
        if steps == 0 {
            return Err(ArgumentError::new("steps", steps, "at least 1"));
        }
        self.steps = steps;
        Ok(self)
    }

    /// Another seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Another probability of a false alarm for the whole check.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Replaces the test functions of the position. They have to be bounded by about 1.
    ///
    /// # Errors
    /// If there is none.
    pub fn functions(mut self, functions: Vec<TestFunction>) -> Result<Self, ArgumentError> {
        if functions.is_empty() {
            return Err(ArgumentError::new("functions", "empty", "at least one"));
        }
        self.functions = Some(functions);
        Ok(self)
    }

    /// Holds `kernel` against its own claims.
    ///
    /// `exact` draws from the target: any function of its randomness whose result has the law
    /// `exp(−E)/Z`, the fewer draws and the smoother, the better. An asymptotic claim is judged
    /// as invariance would be and reported as [`Law::Order`] without verdict on the order.
    ///
    /// # Errors
    /// If the target or the kernel fails, the kernel hands over a bad argument, goes to a position
    /// that is not finite, or a test function is not finite.
    pub fn check<T, K>(
        &self,
        kernel: &K,
        target: &T,
        exact: impl Fn(&mut dyn Randomness) -> Vec<f64>,
    ) -> Result<Report, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        self.check_claims(kernel, target, exact, kernel.claims())
    }

    /// [`check`](Self::check) against other claims than the kernel's own.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_claims<T, K>(
        &self,
        kernel: &K,
        target: &T,
        exact: impl Fn(&mut dyn Randomness) -> Vec<f64>,
        claims: Claims,
    ) -> Result<Report, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        let start = |tape: &mut Tape, state: &mut Option<K::State>| {
            let x = exact(tape);
            if let Some(state) = state {
                return kernel.reset(target, state, Some(&x));
            }
            *state = Some(kernel.init(target, &x)?);
            Ok(())
        };
        self.check_from(kernel, target, &exact, start, claims)
    }

    /// [`check_claims`](Self::check_claims) for kernels whose state holds more than the position,
    /// such as a momentum that survives the step: `start` makes a state from exact draws of all
    /// of it. It finds `None`, or a used state that it may rebuild in place. For such kernels the
    /// position alone is seldom reversible: claim [`Stationarity::Invariant`].
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_from<T, K>(
        &self,
        kernel: &K,
        target: &T,
        exact: impl Fn(&mut dyn Randomness) -> Vec<f64>,
        start: impl Fn(&mut Tape, &mut Option<K::State>) -> Result<(), TargetError>,
        claims: Claims,
    ) -> Result<Report, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        let probe = Probe::new(target, self.functions.as_deref(), self.seed, &exact)?;
        let reversible = claims.stationarity == Stationarity::Reversible;
        let mut statistics = Statistics::new(probe.len(), reversible, self.steps);
        let mut draws = 0;
        for number in 0..u64::from(self.randomisations) {
            let sample = self.randomisation(kernel, target, &probe, &start, reversible, number)?;
            statistics.push(&sample);
            draws = draws.max(sample.draws);
        }
        Ok(self.report(&probe, &statistics, claims, draws))
    }

    /// `E[exp(−ΔH)] = 1` from exact starts, for kernels whose
    /// [`energy_error`](ergodic_core::StepStats::energy_error) is the `ΔH` of the one proposal of
    /// the step, whether it was accepted or not: Hamiltonian kernels of fixed length (Neal,
    /// *Handb. of MCMC* 2011, section 5.2.3), since leapfrog keeps volume. A divergent proposal has
    /// `exp(−∞) = 0`. A tree of doublings reports a maximum and does not qualify.
    ///
    /// # Errors
    /// As [`check`](Self::check), and if the kernel reports no energy error.
    pub fn exponential_work<T, K>(
        &self,
        kernel: &K,
        target: &T,
        exact: impl Fn(&mut dyn Randomness) -> Vec<f64>,
    ) -> Result<Finding, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        let probe = Probe::new(target, self.functions.as_deref(), self.seed, &exact)?;
        let start = |tape: &mut Tape, state: &mut Option<K::State>| {
            *state = Some(kernel.init(target, &exact(tape))?);
            Ok(())
        };
        let mut means = Moments::new();
        for number in 0..u64::from(self.randomisations) {
            let sample = self.randomisation(kernel, target, &probe, &start, false, number)?;
            let Some(mean) = sample.exponential_work else {
                let error = TargetError::new("the kernel reports no energy_error in its StepStats");
                return Err(Failure::Target(error).into());
            };
            means.push(mean - 1.0);
        }
        let one = Tested::of(&means, self.budget, self.randomisations);
        Ok(Finding {
            law: Law::ExponentialWork,
            passed: one.passed,
            residual: one.defect.abs(),
            detail: format!("E[exp(−ΔH)] − 1 = {one}"),
        })
    }

    fn randomisation<T, K>(
        &self,
        kernel: &K,
        target: &T,
        probe: &Probe<'_>,
        start: &impl Fn(&mut Tape, &mut Option<K::State>) -> Result<(), TargetError>,
        reversible: bool,
        number: u64,
    ) -> Result<Sample, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        let m = probe.len();
        let mut sample = Sample::new(m, reversible);
        let (mut at_x, mut at_y) = (vec![0.0; m], vec![0.0; m]);
        let mut tape = Tape::new(self.dimensions, self.seed, number);
        let points = 1u64 << self.log2_points;
        let (mut work, mut reported) = (0.0, 0u64);
        let mut used: Option<K::State> = None;
        for place in 0..points {
            tape.advance();
            // Even points begin afresh, odd ones where the last ended.
            let mut slot = if place % 2 == 1 { used.take() } else { None };
            start(&mut tape, &mut slot).map_err(Failure::Target)?;
            let Some(mut state) = slot else {
                let error = TargetError::new("`start` made no state");
                return Err(Failure::Target(error).into());
            };
            let mut kernel = kernel.clone();
            let x = kernel.position(target, &state).to_vec();
            let fatal = |failure| EnumerateError::at(&x, failure);
            probe
                .evaluate(&x, target.energy(&x), &mut at_x)
                .map_err(fatal)?;
            for step in 1..=self.steps {
                let info = kernel
                    .step(target, &mut state, &mut tape)
                    .map_err(|e| fatal(Failure::Target(e)))?;
                if step == 1
                    && let Some(error) = info.stats().energy_error
                {
                    reported += 1;
                    work += exp_minus(error);
                }
                if step == 1 || step == self.steps {
                    let y = kernel.position(target, &state);
                    probe
                        .evaluate(y, target.energy(y), &mut at_y)
                        .map_err(fatal)?;
                    sample.add(usize::from(step > 1), &at_x, &at_y);
                }
            }
            if let Some(failure) = tape.failure.take() {
                return Err(fatal(failure));
            }
            sample.draws = sample.draws.max(tape.used());
            used = Some(state);
        }
        sample.divide(points as f64);
        if reported == points {
            sample.exponential_work = Some(work / points as f64);
        }
        Ok(sample)
    }

    fn report(
        &self,
        probe: &Probe<'_>,
        statistics: &Statistics,
        claims: Claims,
        draws: usize,
    ) -> Report {
        let budget = self.budget.over(statistics.comparisons());
        let judge = |law: Law, which: &[(String, Moments)]| {
            let tested = which
                .iter()
                .map(|(name, means)| (name, Tested::of(means, budget, self.randomisations)))
                .max_by(|a, b| a.1.excess().total_cmp(&b.1.excess()));
            tested.map(|(name, worst)| Finding {
                law,
                passed: worst.passed,
                residual: worst.defect.abs(),
                detail: format!("{name} = {worst}"),
            })
        };
        let mut findings = Vec::new();
        let moved = statistics
            .moves
            .iter()
            .map(|m| m.mean().unwrap_or(0.0))
            .fold(0.0, f64::max);
        findings.push(Finding {
            law: Law::Moves,
            passed: moved > ROUNDING,
            residual: moved,
            detail: "max ½ E[(f(Y) − f(X))²] over the test functions".into(),
        });
        let named = statistics.named(probe);
        findings.extend(judge(Law::Invariance, &named.invariance));
        if let Stationarity::Asymptotic { order } = claims.stationarity {
            // The defect of a step of finite size is no fault of an asymptotic kernel.
            if let Some(found) = findings.last_mut() {
                found.law = Law::Order;
                found.passed = false;
                found.detail = format!(
                    "one step size cannot show a bias of order h^{order}: refine the step; here {}",
                    found.detail
                );
            }
        }
        findings.extend(judge(Law::DetailedBalance, &named.reversibility));
        Report {
            subject: format!(
                "{} randomisations of 2^{} points, {} of at most {draws} draws in the net, 1 and {} \
                 steps; false alarms {:.1e} over {} comparisons",
                self.randomisations,
                self.log2_points,
                self.dimensions.min(draws),
                self.steps,
                self.budget.alpha(),
                statistics.comparisons(),
            ),
            findings,
        }
    }
}

/// `exp(−ΔH)`, 0 where the integrator flew away.
pub(crate) fn exp_minus(error: f64) -> f64 {
    if error.is_nan() {
        0.0
    } else {
        Real::exp(-error)
    }
}

/// A defect with its error and verdict.
struct Tested {
    defect: f64,
    std_err: f64,
    allowed: f64,
    passed: bool,
    randomisations: u32,
}

impl Tested {
    fn of(means: &Moments, budget: Budget, randomisations: u32) -> Self {
        let defect = means.mean().unwrap_or(f64::INFINITY);
        let std_err = means.std_err().unwrap_or(f64::INFINITY);
        let allowed = budget.student(randomisations.saturating_sub(1)) * std_err + ROUNDING;
        Self {
            defect,
            std_err,
            allowed,
            passed: defect.abs() <= allowed,
            randomisations,
        }
    }

    /// How far beyond what is allowed, as a ratio.
    fn excess(&self) -> f64 {
        self.defect.abs() / self.allowed
    }
}

impl std::fmt::Display for Tested {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.3e} ± {:.1e} ({} randomisations); beyond {:.1e} it cannot be chance",
            self.defect, self.std_err, self.randomisations, self.allowed
        )
    }
}

/// Test functions of position and energy, standardised under the target.
struct Probe<'a> {
    functions: std::borrow::Cow<'a, [TestFunction]>,
    mean: Vec<f64>,
    inverse_sd: Vec<f64>,
    energy: (f64, f64),
}

impl<'a> Probe<'a> {
    fn new<T: Energy<State = [f64]> + ?Sized>(
        target: &T,
        functions: Option<&'a [TestFunction]>,
        seed: u64,
        exact: &impl Fn(&mut dyn Randomness) -> Vec<f64>,
    ) -> Result<Self, EnumerateError> {
        // A stream that no tape uses: those are numbered from 0.
        let mut rng = ergodic_math::rng::stream(seed, u64::MAX);
        let mut of_energy = Moments::new();
        let mut of_position: Vec<Moments> = Vec::new();
        for _ in 0..PILOT {
            let x = exact(&mut rng);
            of_position.resize(x.len(), Moments::new());
            for (m, &x) in of_position.iter_mut().zip(&x) {
                m.push(x);
            }
            let energy = target.energy(&x);
            if !energy.is_finite() {
                let error = TargetError::non_finite("energy of an exact draw", energy);
                return Err(EnumerateError::at(&x, Failure::Target(error)));
            }
            of_energy.push(energy);
        }
        let scale = |m: &Moments| match m.variance() {
            Some(v) if v > 0.0 => 1.0 / v.sqrt(),
            _ => 1.0,
        };
        let energy = (of_energy.mean().unwrap_or(0.0), scale(&of_energy));
        let mean = of_position.iter().map(|m| m.mean().unwrap_or(0.0));
        Ok(Self {
            functions: match functions {
                Some(own) => own.into(),
                None => standard_functions(of_position.len()).into(),
            },
            mean: mean.collect(),
            inverse_sd: of_position.iter().map(scale).collect(),
            energy,
        })
    }

    /// The functions of the position and that of the energy.
    fn len(&self) -> usize {
        self.functions.len() + 1
    }

    fn name(&self, k: usize) -> &str {
        self.functions
            .get(k)
            .map_or("tanh of the standardised energy", TestFunction::name)
    }

    fn evaluate(&self, x: &[f64], energy: f64, out: &mut [f64]) -> Result<(), Failure> {
        if x.len() != self.mean.len() {
            let error = TargetError::dimension("position", x.len(), self.mean.len());
            return Err(Failure::Target(error));
        }
        let z: Vec<f64> = x
            .iter()
            .zip(&self.mean)
            .zip(&self.inverse_sd)
            .map(|((x, m), s)| (x - m) * s)
            .collect();
        for (k, f) in self.functions.iter().enumerate() {
            out[k] = f.at(&z);
        }
        out[self.functions.len()] = ((energy - self.energy.0) * self.energy.1).tanh();
        if let Some(k) = out.iter().position(|v| !v.is_finite()) {
            return Err(Failure::Target(TargetError::new(format!(
                "the test function {} is {} at {x:?}",
                self.name(k),
                out[k]
            ))));
        }
        Ok(())
    }
}

/// Bounded functions without symmetry for `d` dimensions.
pub(crate) fn standard_functions(d: usize) -> Vec<TestFunction> {
    if d <= 1 {
        return vec![
            TestFunction::new("tanh z", |z| z[0].tanh()),
            TestFunction::new("cos z", |z| z[0].cos()),
            TestFunction::new("sin(2z + 1)", |z| (2.0 * z[0] + 1.0).sin()),
            TestFunction::new("exp(−(z − 1)²)", |z| Real::exp(-(z[0] - 1.0).powi(2))),
        ];
    }
    let last = d - 1;
    vec![
        TestFunction::new("tanh z₁", |z| z[0].tanh()),
        TestFunction::new("cos z_d", move |z| z[last].cos()),
        TestFunction::new("sin(z₁ + z_d + 1)", move |z| (z[0] + z[last] + 1.0).sin()),
        TestFunction::new("exp(−(z₁ − 1)² − z_d²)", move |z| {
            Real::exp(-(z[0] - 1.0).powi(2) - z[last] * z[last])
        }),
        TestFunction::new("tanh(Σz/√d)", move |z| {
            (z.iter().sum::<f64>() / (d as f64).sqrt()).tanh()
        }),
        TestFunction::new("tanh((|z|² − d)/√(2d))", move |z| {
            let square: f64 = z.iter().map(|z| z * z).sum();
            ((square - d as f64) / (2.0 * d as f64).sqrt()).tanh()
        }),
    ]
}

/// Means of one randomisation: after the first step, and after the last if there are more.
struct Sample {
    m: usize,
    reversible: bool,
    invariance: [Vec<f64>; 2],
    reversibility: [Vec<f64>; 2],
    moves: Vec<f64>,
    exponential_work: Option<f64>,
    draws: usize,
}

impl Sample {
    fn new(m: usize, reversible: bool) -> Self {
        let pairs = if reversible { m * (m - 1) / 2 } else { 0 };
        Self {
            m,
            reversible,
            invariance: [vec![0.0; m], vec![0.0; m]],
            reversibility: [vec![0.0; pairs], vec![0.0; pairs]],
            moves: vec![0.0; m],
            exponential_work: None,
            draws: 0,
        }
    }

    fn add(&mut self, when: usize, x: &[f64], y: &[f64]) {
        for k in 0..self.m {
            self.invariance[when][k] += y[k] - x[k];
            if when == 0 {
                self.moves[k] += 0.5 * (y[k] - x[k]).powi(2);
            }
        }
        if self.reversible {
            let mut place = 0;
            for a in 0..self.m {
                for b in 0..a {
                    self.reversibility[when][place] += x[a] * y[b] - x[b] * y[a];
                    place += 1;
                }
            }
        }
    }

    fn divide(&mut self, n: f64) {
        let [a, b] = &mut self.invariance;
        let [c, d] = &mut self.reversibility;
        for sums in [a, b, c, d, &mut self.moves] {
            for s in sums {
                *s /= n;
            }
        }
    }
}

/// The means of all randomisations.
struct Statistics {
    m: usize,
    times: usize,
    steps: usize,
    invariance: [Vec<Moments>; 2],
    reversibility: [Vec<Moments>; 2],
    moves: Vec<Moments>,
}

/// Defects with their names.
struct Named {
    invariance: Vec<(String, Moments)>,
    reversibility: Vec<(String, Moments)>,
}

impl Statistics {
    fn new(m: usize, reversible: bool, steps: usize) -> Self {
        let pairs = if reversible { m * (m - 1) / 2 } else { 0 };
        let of = |n| [vec![Moments::new(); n], vec![Moments::new(); n]];
        Self {
            m,
            times: if steps > 1 { 2 } else { 1 },
            steps,
            invariance: of(m),
            reversibility: of(pairs),
            moves: vec![Moments::new(); m],
        }
    }

    fn push(&mut self, sample: &Sample) {
        let add = |to: &mut [Moments], from: &[f64]| {
            for (m, &x) in to.iter_mut().zip(from) {
                m.push(x);
            }
        };
        for when in 0..self.times {
            add(&mut self.invariance[when], &sample.invariance[when]);
            add(&mut self.reversibility[when], &sample.reversibility[when]);
        }
        add(&mut self.moves, &sample.moves);
    }

    fn comparisons(&self) -> u64 {
        (self.times * (self.invariance[0].len() + self.reversibility[0].len())) as u64
    }

    fn named(&self, probe: &Probe<'_>) -> Named {
        let mut named = Named {
            invariance: Vec::new(),
            reversibility: Vec::new(),
        };
        for when in 0..self.times {
            let steps = if when == 0 { 1 } else { self.steps };
            for (k, &means) in self.invariance[when].iter().enumerate() {
                let name = format!("E[g(Y) − g(X)] after {steps} for g = {}", probe.name(k));
                named.invariance.push((name, means));
            }
            let pairs = (0..self.m).flat_map(|a| (0..a).map(move |b| (a, b)));
            for ((a, b), &means) in pairs.zip(&self.reversibility[when]) {
                let name = format!(
                    "E[f(X)g(Y) − g(X)f(Y)] after {steps} for f = {}, g = {}",
                    probe.name(a),
                    probe.name(b)
                );
                named.reversibility.push((name, means));
            }
        }
        named
    }
}
