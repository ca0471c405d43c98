//! Kernels on continuous targets, checked by integrating over the state and every draw.

use std::fmt;
use std::sync::Arc;

use ergodic_core::{
    ArgumentError, Claims, Energy, MarkovKernel, Stationarity, StepInfo, TargetError,
};

use crate::enumerate::{Enumerate, EnumerateError, Failure, Rules};
use crate::report::{Finding, Law, Report};
use crate::rule::{Nodes, interval};
use crate::tape::exp_minus;

/// How the state is integrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateRule {
    /// Equal steps: converges faster than any power of the step for densities that vanish at
    /// both ends. The default.
    Trapezoid,
    /// Four-point Gauss–Legendre panels: for densities that end abruptly.
    GaussLegendre,
}

type Function = dyn Fn(&[f64]) -> f64 + Send + Sync;

/// A test function of the standardised position `z = (x − mean)/sd` under the target.
#[derive(Clone)]
pub struct TestFunction {
    name: String,
    f: Arc<Function>,
}

impl TestFunction {
    /// A function with a name for reports. It has to be bounded or grow slowly beside the tails
    /// of the target; the smoother it is, the fewer nodes are needed.
    pub fn new(name: impl Into<String>, f: impl Fn(&[f64]) -> f64 + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            f: Arc::new(f),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn at(&self, z: &[f64]) -> f64 {
        (self.f)(z)
    }
}

impl fmt::Debug for TestFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestFunction").field(&self.name).finish()
    }
}

/// The defects of a kernel at one resolution, as [`Quadrature::measure`] finds them.
#[derive(Clone, Debug, PartialEq)]
pub struct Defects {
    /// Nodes per dimension of the state.
    pub state_nodes: usize,
    /// Nodes per continuous draw.
    pub draw_nodes: usize,
    /// Kernel steps that were run.
    pub paths: usize,
    /// `|⟨1, P 1⟩ − 1|`: probability that the rules for the draws lose.
    pub mass: f64,
    /// `max_g |⟨1, P g⟩ − ⟨1, g⟩| / ‖g‖`.
    pub invariance: f64,
    /// The function that attains it.
    pub invariance_at: String,
    /// `max_{f,g} |⟨f, P g⟩ − ⟨g, P f⟩| / (‖f‖ ‖g‖)`.
    pub reversibility: f64,
    /// The pair of functions that attains it.
    pub reversibility_at: String,
    /// `max_f (⟨f, f⟩ − ⟨f, P f⟩) / Var f`: 0 for a frozen kernel, 1 for independent draws.
    pub moves: f64,
    /// `max_g |P g − P' g| / ‖g‖` over a few points, where `P'` starts from the same position in a
    /// state made by `reset` from another point or by a step: 0 unless a cache is stale or a
    /// variable besides the position (in the state, or in the kernel) steers the step.
    pub markov: f64,
    /// The point, the function and the past that attain it.
    pub markov_at: String,
    /// The share of the target's mass outside the domain, from a box twice as wide.
    pub truncated_mass: f64,
}

/// Beyond what rounding does to a comparison of rows: for checks that take no tolerance.
const ROUNDING: f64 = 1e-10;

/// How many points of the grid the rows from states with a past are computed at.
const MARKOV_STARTS: usize = 8;

/// States that one step leads to: the likeliest and the last, each with the kernel that made it.
struct Arrivals<S> {
    likeliest: Option<(f64, S)>,
    last: Option<S>,
}

impl<S> Default for Arrivals<S> {
    fn default() -> Self {
        Self {
            likeliest: None,
            last: None,
        }
    }
}

impl<S> Arrivals<S> {
    fn add(&mut self, probability: f64, state: S) {
        if self.likeliest.as_ref().is_none_or(|l| probability > l.0) {
            self.likeliest = Some((probability, state));
        } else {
            self.last = Some(state);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &S> {
        self.likeliest.iter().map(|l| &l.1).chain(&self.last)
    }
}

/// Integrates `⟨f, P g⟩_π` for kernels on 1-D and 2-D targets.
///
/// Every `normal()`, `uniform()` and `exponential()` of the kernel is replaced by nodes and
/// weights (a tensor rule, so at most [`max_draws`](Self::max_draws) per step), every discrete
/// decision is enumerated, and the state runs over a grid. What comes out is deterministic: for a
/// right kernel the defects are integration error and shrink as the grid is refined, for a wrong
/// one they plateau at its error. [`check`](Self::check) therefore runs at `n` and at `2n` nodes,
/// judges the latter, and reports both with the truncated mass.
///
/// Accept/reject makes the integrand kink, which costs `O(h²)` per line and less on average: 400
/// nodes in one dimension give defects of 1e-6 to 1e-7. Normal draws are cut at ±8.5 and
/// exponential ones at 40. The cost is `state_nodes^d · draw_nodes^draws` kernel steps.
///
/// The position has to be a Markov chain by itself: momenta that survive a step are set anew by
/// `init` here. At eight points that is verified, as [`enumerate`](crate::enumerate) does: the
/// row is computed again from a state made by `reset` from another point, and rows from states
/// reached by a step (with the kernel that made it) are compared with those after `init`.
///
/// ```
/// use ergodic_conformance::Quadrature;
/// use ergodic_core::*;
///
/// struct Normal;
/// impl Energy for Normal {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         0.5 * x[0] * x[0]
///     }
/// }
///
/// /// The autoregressive kernel x′ = ρx + √(1 − ρ²) ξ, reversible for the standard normal.
/// #[derive(Clone)]
/// struct Autoregression(f64);
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
///         x[0] = self.0 * x[0] + (1.0 - self.0 * self.0).sqrt() * rng.normal();
///         Ok(())
///     }
/// }
///
/// let report = Quadrature::new(&[(-9.0, 9.0)])?
///     .nodes(50, 50)?
///     .check(&Autoregression(0.6), &Normal, 1e-12)?;
/// assert!(report.passed(), "{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Quadrature {
    domain: Vec<(f64, f64)>,
    state_nodes: usize,
    draw_nodes: usize,
    rule: StateRule,
    functions: Vec<TestFunction>,
    max_draws: usize,
}

impl Quadrature {
    /// Over the box `domain`, one `(lower, upper)` per dimension, which should hold all but a
    /// negligible mass of the target. Starts with 200 nodes per state dimension and draw in one
    /// dimension, 24 in two, and smooth bounded test functions without symmetry.
    ///
    /// # Errors
    /// If there are not one or two dimensions, or an interval is empty or not finite.
    pub fn new(domain: &[(f64, f64)]) -> Result<Self, ArgumentError> {
        if !(1..=2).contains(&domain.len()) {
            return Err(ArgumentError::new(
                "domain",
                format!("{}-dimensional", domain.len()),
                "1- or 2-dimensional",
            ));
        }
        for &(a, b) in domain {
            interval("domain", a, b)?;
        }
        let functions = if domain.len() == 1 {
            vec![
                TestFunction::new("tanh z", |z| z[0].tanh()),
                TestFunction::new("cos z", |z| z[0].cos()),
                TestFunction::new("sin(2z + 1)", |z| (2.0 * z[0] + 1.0).sin()),
                TestFunction::new("exp(−(z − 1)²)", |z| (-(z[0] - 1.0).powi(2)).exp()),
            ]
        } else {
            vec![
                TestFunction::new("tanh z₁", |z| z[0].tanh()),
                TestFunction::new("tanh z₂", |z| z[1].tanh()),
                TestFunction::new("cos z₁", |z| z[0].cos()),
                TestFunction::new("cos z₂", |z| z[1].cos()),
                TestFunction::new("sin(z₁ + z₂ + 1)", |z| (z[0] + z[1] + 1.0).sin()),
                TestFunction::new("exp(−(z₁ − 1)² − z₂²)", |z| {
                    (-(z[0] - 1.0).powi(2) - z[1] * z[1]).exp()
                }),
            ]
        };
        let nodes = if domain.len() == 1 { 200 } else { 24 };
        Ok(Self {
            domain: domain.to_vec(),
            state_nodes: nodes,
            draw_nodes: nodes,
            rule: StateRule::Trapezoid,
            functions,
            max_draws: 3,
        })
    }

    /// Nodes per dimension of the state, and per continuous draw.
    ///
    /// # Errors
    /// If either is below 4.
    pub fn nodes(mut self, state: usize, draw: usize) -> Result<Self, ArgumentError> {
        if state < 4 {
            return Err(ArgumentError::new("state", state, "at least 4 nodes"));
        }
        if draw < 4 {
            return Err(ArgumentError::new("draw", draw, "at least 4 nodes"));
        }
        self.state_nodes = state;
        self.draw_nodes = draw;
        Ok(self)
    }

    /// How the state is integrated.
    pub fn state_rule(mut self, rule: StateRule) -> Self {
        self.rule = rule;
        self
    }

    /// Replaces the test functions; the constant 1 is always among them.
    ///
    /// # Errors
    /// If there is none.
    pub fn functions(mut self, functions: Vec<TestFunction>) -> Result<Self, ArgumentError> {
        if functions.is_empty() {
            return Err(ArgumentError::new("functions", "empty", "at least one"));
        }
        self.functions = functions;
        Ok(self)
    }

    /// The most continuous draws in one step before it is an error; default 3.
    pub fn max_draws(mut self, draws: usize) -> Self {
        self.max_draws = draws;
        self
    }

    /// The middle of the domain.
    pub fn centre(&self) -> Vec<f64> {
        self.domain.iter().map(|(a, b)| 0.5 * (a + b)).collect()
    }

    fn axis(&self, (a, b): (f64, f64), n: usize) -> Nodes {
        match self.rule {
            StateRule::Trapezoid => Nodes::trapezoid(a, b, n),
            StateRule::GaussLegendre => Nodes::panels(a, b, n),
        }
    }

    /// The grid over `domain` with the energy at each point.
    fn grid<T: Energy<State = [f64]> + ?Sized>(
        &self,
        target: &T,
        domain: &[(f64, f64)],
        n: usize,
    ) -> Result<Vec<Point>, EnumerateError> {
        let axes: Vec<Nodes> = domain.iter().map(|&d| self.axis(d, n)).collect();
        let total: usize = axes.iter().map(Nodes::len).product();
        let mut points = Vec::with_capacity(total);
        for mut k in 0..total {
            let (mut x, mut weight) = (Vec::with_capacity(axes.len()), 1.0);
            for axis in &axes {
                x.push(axis.points[k % axis.len()]);
                weight *= axis.weights[k % axis.len()];
                k /= axis.len();
            }
            let energy = target.energy(&x);
            if energy.is_nan() || energy == f64::NEG_INFINITY {
                let error = TargetError::non_finite("energy", energy);
                return Err(EnumerateError::at(&x, Failure::Target(error)));
            }
            points.push(Point { x, weight, energy });
        }
        Ok(points)
    }

    /// The share of the mass outside the domain, from a box twice as wide.
    fn truncated<T: Energy<State = [f64]> + ?Sized>(
        &self,
        target: &T,
        lowest: f64,
        inside: f64,
    ) -> Result<f64, EnumerateError> {
        let wide: Vec<(f64, f64)> = self
            .domain
            .iter()
            .map(|&(a, b)| (a - 0.5 * (b - a), b + 0.5 * (b - a)))
            .collect();
        let outside: f64 = self
            .grid(target, &wide, 2 * self.state_nodes)?
            .iter()
            .filter(|p| {
                p.x.iter()
                    .zip(&self.domain)
                    .any(|(x, (a, b))| x < a || x > b)
            })
            .map(|p| p.weight * (lowest - p.energy).exp())
            .sum();
        Ok(outside / (outside + inside))
    }

    /// The defects of one step at this resolution.
    ///
    /// # Errors
    /// If the target's energy is NaN or `−∞` or has no mass in the domain, if the kernel fails,
    /// draws more than [`max_draws`](Self::max_draws) continuous variables, goes to a position
    /// that is not finite, or breaks the rules of [`Enumerate`]; if a test function is not finite
    /// there or does not vary under the target.
    pub fn measure<T, K>(&self, kernel: &K, target: &T) -> Result<Defects, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        let mut points = self.grid(target, &self.domain, self.state_nodes)?;
        let lowest = points
            .iter()
            .map(|p| p.energy)
            .fold(f64::INFINITY, f64::min);
        if lowest == f64::INFINITY {
            return Err(Failure::NoStates.into());
        }
        let mut inside = 0.0;
        for p in &mut points {
            p.weight *= (lowest - p.energy).exp();
            inside += p.weight;
        }
        let truncated_mass = self.truncated(target, lowest, inside)?;
        points.retain(|p| p.weight > 0.0);
        for p in &mut points {
            p.weight /= inside;
        }
        let scale = Standard::of(&points, self.domain.len());

        let rules = Rules {
            normal: Nodes::normal(self.draw_nodes),
            uniform: Nodes::uniform(self.draw_nodes),
            exponential: Nodes::exponential(self.draw_nodes),
            max_draws: self.max_draws,
        };
        let mut tape = Enumerate::new(4096, Some(rules));
        let m = self.functions.len() + 1; // 0 is the constant
        let (mut f, mut pg) = (vec![1.0; m], vec![0.0; m]);
        let mut product = vec![0.0; m * m]; // ⟨f, P g⟩
        let mut gram = vec![0.0; m * m]; // ⟨f, g⟩
        let mut paths = 0;
        // Where rows are computed again from states with a past, see `Defects::markov`.
        let stride = points.len().div_ceil(MARKOV_STARTS);
        let mut pasts = Vec::new();
        for (k, p) in points.iter().enumerate() {
            let fatal = |failure| EnumerateError::at(&p.x, failure);
            let start = kernel
                .init(target, &p.x)
                .map_err(|e| fatal(Failure::Target(e)))?;
            let mut arrivals = Arrivals::default();
            paths += self
                .row(
                    &mut tape,
                    &scale,
                    target,
                    (kernel, &start),
                    &mut pg,
                    |probability, (kernel, state)| {
                        if k % stride == stride / 2 && kernel.position(target, &state) != p.x {
                            arrivals.add(probability, (kernel, state));
                        }
                    },
                )
                .map_err(fatal)?;
            if k % stride == stride / 2 {
                pasts.push((k, pg.clone(), arrivals));
            }
            self.evaluate(&scale, &p.x, &mut f).map_err(fatal)?;
            for a in 0..m {
                for b in 0..m {
                    product[a * m + b] += p.weight * f[a] * pg[b];
                    gram[a * m + b] += p.weight * f[a] * f[b];
                }
            }
        }

        for b in 0..m {
            let (square, mean) = (gram[b * m + b], gram[b]);
            // Rounding leaves a few ε of the square where the variance is 0.
            if b > 0 && square - mean * mean <= 1e-14 * square {
                let error = TargetError::new(format!(
                    "the test function {} does not vary under the target",
                    self.functions[b - 1].name
                ));
                return Err(Failure::Target(error).into());
            }
        }
        let norm = |a: usize| gram[a * m + a].sqrt();
        let name = |a: usize| match a {
            0 => "1",
            a => self.functions[a - 1].name.as_str(),
        };

        // Rows from states with a past: made by `reset` from another point, or by a step.
        let (mut markov, mut markov_at) = (0.0f64, String::new());
        let mut compare = |how: &str, x: &[f64], fresh: &[f64], other: &[f64]| {
            for b in 0..m {
                let defect = (fresh[b] - other[b]).abs() / norm(b);
                if defect > markov {
                    markov = defect;
                    markov_at = format!(
                        "from {x:?}, P({}) = {} from a state made by init, {} from one made by \
                         {how}: a stale cache, or a hidden variable",
                        name(b),
                        fresh[b],
                        other[b]
                    );
                }
            }
        };
        let mut other = vec![0.0; m];
        for (n, (k, fresh, arrivals)) in pasts.iter().enumerate() {
            let x = &points[*k].x;
            let fatal = |failure| EnumerateError::at(x, failure);
            let failed = |e| fatal(Failure::Target(e));
            let from = &points[pasts[(n + 1) % pasts.len()].0].x;
            let mut state = kernel.init(target, from).map_err(failed)?;
            kernel.reset(target, &mut state, Some(x)).map_err(failed)?;
            let start = (kernel, &state);
            paths += self
                .row(&mut tape, &scale, target, start, &mut other, |_, _| ())
                .map_err(fatal)?;
            compare("reset", x, fresh, &other);
            for (after, state) in arrivals.iter() {
                let y = kernel.position(target, state);
                if !target.energy(y).is_finite() {
                    continue; // nothing starts there; invariance judges it
                }
                let fatal = |failure| EnumerateError::at(y, failure);
                let anew = kernel
                    .init(target, y)
                    .map_err(|e| fatal(Failure::Target(e)))?;
                let start = (kernel, &anew);
                paths += self
                    .row(&mut tape, &scale, target, start, &mut pg, |_, _| ())
                    .map_err(fatal)?;
                let start = (after, state);
                paths += self
                    .row(&mut tape, &scale, target, start, &mut other, |_, _| ())
                    .map_err(fatal)?;
                compare("a step", y, &pg, &other);
            }
        }

        let mut out = Defects {
            state_nodes: self.state_nodes,
            draw_nodes: self.draw_nodes,
            paths,
            mass: (product[0] - 1.0).abs(),
            invariance: 0.0,
            invariance_at: String::new(),
            reversibility: 0.0,
            reversibility_at: String::new(),
            moves: 0.0,
            markov,
            markov_at,
            truncated_mass,
        };
        for b in 1..m {
            let defect = (product[b] - gram[b]).abs() / norm(b);
            if defect > out.invariance {
                out.invariance = defect;
                out.invariance_at = format!(
                    "g = {}: ⟨1, P g⟩ = {}, ⟨1, g⟩ = {}",
                    name(b),
                    product[b],
                    gram[b]
                );
            }
            let variance = gram[b * m + b] - gram[b] * gram[b];
            let moved = (gram[b * m + b] - product[b * m + b]) / variance;
            out.moves = out.moves.max(moved);
        }
        for a in 0..m {
            for b in 0..a {
                let (there, back) = (product[a * m + b], product[b * m + a]);
                let defect = (there - back).abs() / (norm(a) * norm(b));
                if defect > out.reversibility {
                    out.reversibility = defect;
                    out.reversibility_at = format!(
                        "f = {}, g = {}: ⟨f, P g⟩ = {there}, ⟨g, P f⟩ = {back}",
                        name(a),
                        name(b)
                    );
                }
            }
        }
        Ok(out)
    }

    /// `E[exp(−ΔH)] = 1` in equilibrium, to `tolerance` at `2n` nodes: for kernels whose
    /// [`energy_error`](ergodic_core::StepStats::energy_error) is the `ΔH` of the one proposal of
    /// the step, accepted or not (Neal, *Handb. of MCMC* 2011, section 5.2.3). It rests on the map
    /// that makes the proposal keeping volume, whatever its order. A divergent proposal has
    /// `exp(−∞) = 0`.
    ///
    /// # Errors
    /// As [`measure`](Self::measure), and if the kernel reports no energy error.
    pub fn exponential_work<T, K>(
        &self,
        kernel: &K,
        target: &T,
        tolerance: f64,
    ) -> Result<Finding, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        let mut finer = self.clone();
        finer.state_nodes *= 2;
        finer.draw_nodes *= 2;
        let defects = [
            self.mean_exponential_work(kernel, target)? - 1.0,
            finer.mean_exponential_work(kernel, target)? - 1.0,
        ];
        Ok(Finding {
            law: Law::ExponentialWork,
            passed: defects[1].abs() <= tolerance,
            residual: defects[1].abs(),
            detail: format!(
                "E[exp(−ΔH)] − 1 = {:.3e} at n nodes, {:.3e} at 2n",
                defects[0], defects[1]
            ),
        })
    }

    fn mean_exponential_work<T, K>(&self, kernel: &K, target: &T) -> Result<f64, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        let points = self.grid(target, &self.domain, self.state_nodes)?;
        let lowest = points
            .iter()
            .map(|p| p.energy)
            .fold(f64::INFINITY, f64::min);
        let rules = Rules {
            normal: Nodes::normal(self.draw_nodes),
            uniform: Nodes::uniform(self.draw_nodes),
            exponential: Nodes::exponential(self.draw_nodes),
            max_draws: self.max_draws,
        };
        let mut tape = Enumerate::new(4096, Some(rules));
        let (mut mass, mut sum) = (0.0, 0.0);
        for p in points.iter().filter(|p| p.energy < f64::INFINITY) {
            let weight = p.weight * (lowest - p.energy).exp();
            let fatal = |failure| EnumerateError::at(&p.x, failure);
            let start = kernel
                .init(target, &p.x)
                .map_err(|e| fatal(Failure::Target(e)))?;
            tape.run(
                usize::MAX,
                |rng| {
                    let (mut kernel, mut state) = (kernel.clone(), start.clone());
                    kernel.step(target, &mut state, rng)
                },
                |path, info| {
                    let info = info.map_err(Failure::Target)?;
                    let Some(error) = info.stats().energy_error else {
                        return Err(Failure::Target(TargetError::new(
                            "the kernel reports no energy_error in its StepStats",
                        )));
                    };
                    sum += weight * path.probability * exp_minus(error);
                    Ok(())
                },
            )
            .map_err(fatal)?;
            mass += weight;
        }
        Ok(sum / mass)
    }

    /// `(P g)(x)` for every test function, from one state of a kernel.
    fn row<T, K>(
        &self,
        tape: &mut Enumerate,
        scale: &Standard,
        target: &T,
        (kernel, start): (&K, &K::State),
        out: &mut [f64],
        mut visit: impl FnMut(f64, (K, K::State)),
    ) -> Result<usize, Failure>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        let mut g = vec![1.0; out.len()];
        out.fill(0.0);
        tape.run(
            usize::MAX,
            |rng| {
                let (mut kernel, mut state) = (kernel.clone(), start.clone());
                let result = kernel.step(target, &mut state, rng);
                result.map(|_| (kernel, state))
            },
            |path, after| {
                let (kernel, state) = after.map_err(Failure::Target)?;
                self.evaluate(scale, kernel.position(target, &state), &mut g)?;
                for (acc, g) in out.iter_mut().zip(&g) {
                    *acc += path.probability * g;
                }
                visit(path.probability, (kernel, state));
                Ok(())
            },
        )
    }

    /// The test functions at `x`, which have to be finite, as `x` has.
    fn evaluate(&self, scale: &Standard, x: &[f64], out: &mut [f64]) -> Result<(), Failure> {
        if x.len() != self.domain.len() {
            let error = TargetError::dimension("position", x.len(), self.domain.len());
            return Err(Failure::Target(error));
        }
        if let Some(&bad) = x.iter().find(|x| !x.is_finite()) {
            return Err(Failure::Target(TargetError::non_finite("position", bad)));
        }
        let z = scale.apply(x);
        for (o, f) in out[1..].iter_mut().zip(&self.functions) {
            *o = (f.f)(&z[..x.len()]);
            if !o.is_finite() {
                return Err(Failure::Target(TargetError::new(format!(
                    "the test function {} is {o} at {x:?}",
                    f.name
                ))));
            }
        }
        Ok(())
    }

    /// Holds `kernel` against its own claims, at `n` and at `2n` nodes.
    ///
    /// Every law is judged by its residual at `2n` nodes; the report gives both and says whether
    /// it shrinks (integration error) or plateaus (a wrong kernel). A truncated mass above the
    /// tolerance fails [`Law::Probability`]. *Moves* asks for `⟨f,f⟩ − ⟨f,Pf⟩ > 0` beyond the
    /// tolerance. An asymptotic claim fails [`Law::Order`] here: see
    /// [`asymptotic`](Self::asymptotic). Ergodicity is not checked.
    ///
    /// # Errors
    /// As [`measure`](Self::measure).
    pub fn check<T, K>(
        &self,
        kernel: &K,
        target: &T,
        tolerance: f64,
    ) -> Result<Report, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        self.check_claims(kernel, target, kernel.claims(), tolerance)
    }

    /// [`check`](Self::check) against other claims than the kernel's own.
    ///
    /// # Errors
    /// As [`measure`](Self::measure).
    pub fn check_claims<T, K>(
        &self,
        kernel: &K,
        target: &T,
        claims: Claims,
        tolerance: f64,
    ) -> Result<Report, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        let coarse = self.measure(kernel, target)?;
        let mut finer = self.clone();
        finer.state_nodes *= 2;
        finer.draw_nodes *= 2;
        let fine = finer.measure(kernel, target)?;

        let law = |law, at_n: f64, at_2n: f64, wherever: &str| Finding {
            law,
            passed: at_2n <= tolerance,
            residual: at_2n,
            detail: format!(
                "{at_n:.3e} at n nodes, {at_2n:.3e} at 2n: {}\n{wherever}",
                if at_2n < 1e-13 {
                    "rounding"
                } else if at_2n <= 0.5 * at_n {
                    "it shrinks with the grid, as integration error does"
                } else {
                    "it plateaus, as the error of a wrong kernel does"
                }
            ),
        };
        let mut findings = vec![
            law(
                Law::Probability,
                coarse.mass.max(coarse.truncated_mass),
                fine.mass.max(fine.truncated_mass),
                &format!(
                    "the rules for the draws lose {:.1e}, the domain loses {:.1e} of the target",
                    fine.mass, fine.truncated_mass
                ),
            ),
            Finding {
                law: Law::Markov,
                passed: fine.markov <= tolerance,
                residual: fine.markov,
                detail: fine.markov_at.clone(),
            },
            Finding {
                law: Law::Moves,
                passed: fine.moves > tolerance,
                residual: fine.moves,
                detail: "max (⟨f, f⟩ − ⟨f, P f⟩)/Var f over the test functions".into(),
            },
        ];
        if let Stationarity::Asymptotic { order } = claims.stationarity {
            findings.push(Finding {
                law: Law::Order,
                passed: false,
                residual: f64::INFINITY,
                detail: format!(
                    "one step size cannot show a bias of order h^{order}: use \
                     Quadrature::asymptotic"
                ),
            });
        } else {
            findings.push(law(
                Law::Invariance,
                coarse.invariance,
                fine.invariance,
                &fine.invariance_at,
            ));
        }
        if claims.stationarity == Stationarity::Reversible {
            findings.push(law(
                Law::DetailedBalance,
                coarse.reversibility,
                fine.reversibility,
                &fine.reversibility_at,
            ));
        }
        Ok(Report {
            subject: format!(
                "quadrature on {:?}, n = {} state and {} draw nodes, then 2n; tolerance \
                 {tolerance:.1e}, truncated mass {:.1e}",
                self.domain, self.state_nodes, self.draw_nodes, fine.truncated_mass
            ),
            findings,
        })
    }

    /// Holds an [`Asymptotic`](Stationarity::Asymptotic) claim of order `p` against the one-step
    /// defect `d(h) = max_g |⟨1, P_h g⟩ − ⟨1, g⟩|/‖g‖`, which has to fall as `h^(p+1)`.
    ///
    /// `kernel` makes the kernel with step size `h`; `d` is measured at `h`, `h/2` and `h/4`, and
    /// the order `log₂(d(h/2)/d(h/4)) − 1` has to be at least `p − ¼`. Choose `h` small enough
    /// for the leading term to dominate. A defect below 1e-13 counts as exact. A kernel
    /// that claims no order fails [`Law::Order`]. *Moves* and *Markov* are judged at 1e-10, and
    /// the mass that the draws or the domain lose has to stay below a tenth of `d(h/4)`, or 1e-12
    /// where that is less.
    ///
    /// # Errors
    /// As [`measure`](Self::measure).
    pub fn asymptotic<T, K>(
        &self,
        kernel: impl Fn(f64) -> K,
        target: &T,
        h: f64,
    ) -> Result<Report, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        let mut defects = [0.0; 3];
        let (mut lost, mut truncated) = (0.0f64, 0.0);
        let (mut moves, mut markov) = (f64::INFINITY, (0.0, String::new()));
        for (k, d) in defects.iter_mut().enumerate() {
            let measured = self.measure(&kernel(h / f64::from(1u32 << k)), target)?;
            *d = measured.invariance;
            truncated = measured.truncated_mass;
            lost = lost.max(measured.mass).max(truncated);
            moves = moves.min(measured.moves);
            if measured.markov > markov.0 {
                markov = (measured.markov, measured.markov_at);
            }
        }
        // What is lost has to be small beside the defect from which the order is read.
        let allowed = (0.1 * defects[2]).max(1e-12);
        let slope = |a: f64, b: f64| {
            if b < 1e-13 {
                f64::INFINITY
            } else {
                (a / b).log2() - 1.0
            }
        };
        let order = slope(defects[1], defects[2]);
        let claim = match kernel(h).claims().stationarity {
            Stationarity::Asymptotic { order } => Some(order),
            _ => None,
        };
        Ok(Report {
            subject: format!(
                "one-step defect on {:?}, {} state and {} draw nodes, truncated mass {truncated:.1e}",
                self.domain, self.state_nodes, self.draw_nodes
            ),
            findings: vec![
                Finding {
                    law: Law::Probability,
                    passed: lost <= allowed,
                    residual: lost,
                    detail: format!(
                        "the rules for the draws or the domain lose this much at worst; at most \
                         {allowed:.1e} is small beside d(h/4)"
                    ),
                },
                Finding {
                    law: Law::Markov,
                    passed: markov.0 <= ROUNDING,
                    residual: markov.0,
                    detail: markov.1,
                },
                Finding {
                    law: Law::Moves,
                    passed: moves > ROUNDING,
                    residual: moves,
                    detail: "max (⟨f, f⟩ − ⟨f, P f⟩)/Var f over the test functions, least over \
                             the step sizes"
                        .into(),
                },
                Finding {
                    law: Law::Order,
                    passed: claim.is_some_and(|p| order >= f64::from(p) - 0.25),
                    residual: order,
                    detail: format!(
                        "d(h) = {:.6e}, d(h/2) = {:.6e}, d(h/4) = {:.6e} at h = {h}: orders {:.3} and \
                     {order:.3}; {}",
                        defects[0],
                        defects[1],
                        defects[2],
                        slope(defects[0], defects[1]),
                        claim.map_or("the kernel claims no order".into(), |p| format!(
                            "claimed {p}"
                        )),
                    ),
                },
            ],
        })
    }
}

/// A grid point with its weight.
struct Point {
    x: Vec<f64>,
    weight: f64,
    energy: f64,
}

/// Mean and standard deviation of each coordinate under the target.
struct Standard {
    mean: [f64; 2],
    inverse_sd: [f64; 2],
}

impl Standard {
    fn of(points: &[Point], dim: usize) -> Self {
        let mut s = Self {
            mean: [0.0; 2],
            inverse_sd: [1.0; 2],
        };
        for k in 0..dim {
            let mean: f64 = points.iter().map(|p| p.weight * p.x[k]).sum();
            let variance: f64 = points
                .iter()
                .map(|p| p.weight * (p.x[k] - mean).powi(2))
                .sum();
            s.mean[k] = mean;
            if variance > 0.0 {
                s.inverse_sd[k] = 1.0 / variance.sqrt();
            }
        }
        s
    }

    fn apply(&self, x: &[f64]) -> [f64; 2] {
        let mut z = [0.0; 2];
        for (k, (z, x)) in z.iter_mut().zip(x).enumerate() {
            *z = (x - self.mean[k]) * self.inverse_sd[k];
        }
        z
    }
}
