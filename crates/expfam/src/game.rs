//! Robust Bayes: the game of a forecaster against nature, under a proper loss and known moments.

use ergodic_core::ArgumentError;
use ergodic_info::InfoError;
use nalgebra::{DMatrix, DVector};

use crate::legendre::Smooth;
use crate::member::dot;
use crate::scoring::ScoringRule;
use crate::{MaximumEntropyError, MomentSet};

/// The game in which nature chooses a law with given moments and a forecaster a law to announce, who pays
/// the expected loss.
///
/// Its value `max_{P ∈ Γ} min_Q E_P ℓ(Q, ·) = min_Q max_{P ∈ Γ} E_P ℓ(Q, ·)` is the largest entropy
/// `H(P) = min_Q E_P ℓ(Q, ·)` over `Γ`, and the law that attains it is optimal for both (Topsøe, *Kybernetika*
/// 15, 1979; Grünwald and Dawid, *Ann. Stat.* 32, 2004): maximum entropy is robust Bayes. With the
/// logarithmic loss it is Shannon's entropy and [`MaximumEntropy`](crate::MaximumEntropy), with others the
/// law of largest Gini–Simpson index, Tsallis entropy, and so on, which may have states of probability 0.
/// Moments may be given by intervals ([`Constraint::Within`](crate::Constraint::Within)): a convex `Γ` has the
/// same theorem, the multiplier of an interval that does not bind being 0.
///
/// Interior-point steps from the law of largest Shannon entropy, each interval with a slack to either end;
/// `O((n + 2k)³)` each for `n` states and `k` intervals, some tens: for some hundred states.
///
/// ```
/// use ergodic_expfam::{Constraint, MomentSet, RobustBayes, scoring::ScoringRule};
/// use nalgebra::DMatrix;
///
/// // A die of mean 4.5 under the Brier loss: probabilities are affine in the face.
/// let faces = DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64);
/// let set = MomentSet::new(faces, [Constraint::Equal(4.5)])?;
/// let saddle = RobustBayes::new(ScoringRule::brier(), set)?.solve()?;
/// assert!((saddle.law[0] - 1.0 / 42.0).abs() < 1e-10 && (saddle.law[5] - 13.0 / 42.0).abs() < 1e-10);
/// assert!(saddle.gap < 1e-11);
/// # Ok::<(), ergodic_expfam::MaximumEntropyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RobustBayes<G> {
    rule: ScoringRule<G>,
    set: MomentSet,
}

/// The solution of a [`RobustBayes`] game.
#[derive(Clone, Debug, PartialEq)]
pub struct Saddle {
    /// The law of largest entropy, and the forecast of least worst loss.
    pub law: Vec<f64>,
    /// Its entropy: what nature can enforce.
    pub value: f64,
    /// `λ`, one per feature.
    pub multipliers: Vec<f64>,
    /// What the forecast can cost at most, under any law of the set, less `value`. Exact duality:
    /// `ℓ(q, i) ≤ λ·fᵢ + ν` for all states bounds the expected loss by `λ·c + Σ r|λ| + ν`, radii `r`.
    pub gap: f64,
    /// `max_i |ℓ(q, i) − λ·fᵢ − ν|` over states of probability above `10⁻⁹`: the expected loss of the forecast
    /// is the same, to this, under all laws on them that have the moments of `law`. (It costs less on the
    /// others.)
    pub unevenness: f64,
    /// By how much the worst moment of the law is missed.
    pub violation: f64,
    /// Newton steps.
    pub iterations: usize,
}

/// Most Newton steps.
const STEPS: usize = 300;

/// The gap, relative to 1 and the value, that is aimed at, and that is taken.
const AIM: f64 = 1e-13;
const ACCEPTED: f64 = 1e-8;

impl<G: Smooth> RobustBayes<G> {
    /// Of a proper loss and the set that nature chooses from.
    ///
    /// # Errors
    /// If the set has a single state.
    pub fn new(rule: ScoringRule<G>, set: MomentSet) -> Result<Self, ArgumentError> {
        if set.states() < 2 {
            let found = format!("of {} states", set.states());
            return Err(ArgumentError::new("set", found, "of at least two states"));
        }
        Ok(Self { rule, set })
    }

    /// The loss.
    pub fn rule(&self) -> &ScoringRule<G> {
        &self.rule
    }

    /// The set.
    pub fn set(&self) -> &MomentSet {
        &self.set
    }

    /// The value, the law and the certificate.
    ///
    /// # Errors
    /// As [`MomentSet::project`] if there is no law with these moments that gives all states probability;
    /// [`MaximumEntropyError::NotConverged`] with the gap if it stays above `1e-8 (1 + |value|)`, as for a
    /// generator that is not convex; [`MaximumEntropyError::Argument`] if the generator answers NaN.
    pub fn solve(&self) -> Result<Saddle, MaximumEntropyError> {
        let n = self.set.states();
        let start = self.set.project(&vec![1.0; n])?;
        let mut state = State::new(self, start.probabilities);
        let mut best = self.saddle(&state, 0)?;
        let mut mu = 0.1 * dot(&state.law, &state.slack) / state.law.len() as f64;
        for iterations in 1..=STEPS {
            if best.gap <= AIM * (1.0 + best.value.abs()) {
                break;
            }
            while state.error(mu) <= 10.0 * mu && mu > 1e-22 {
                mu = (0.2 * mu).min(mu * mu.sqrt());
            }
            let Some(next) = state.step(self, mu) else {
                break;
            };
            state = next;
            let now = self.saddle(&state, iterations)?;
            if now.gap < best.gap {
                best = now;
            }
        }
        if best.gap <= ACCEPTED * (1.0 + best.value.abs()) {
            return Ok(best);
        }
        Err(MaximumEntropyError::NotConverged { gap: best.gap })
    }

    /// `max_P E_P ℓ(q, ·) − H(p)` and its kin at a state.
    fn saddle(&self, state: &State, iterations: usize) -> Result<Saddle, MaximumEntropyError> {
        let argument = |error: InfoError| match error {
            InfoError::Argument(error) => error,
            other => ArgumentError::new("rule", other, "a loss that can be computed"),
        };
        // The sum may be off by rounding of the steps.
        let law = &state.law[..self.set.states()];
        let total: f64 = law.iter().sum();
        let law: Vec<f64> = law.iter().map(|p| p / total).collect();
        let losses = self.rule.losses(&law).map_err(argument)?;
        let value = self.rule.entropy(&law).map_err(argument)?;
        let m = self.set.constraints().len();
        let multipliers: Vec<f64> = state.dual[..m].iter().map(|y| -y).collect();
        let rest: Vec<f64> = (0..law.len())
            .map(|i| {
                let tilt: f64 = (0..m)
                    .map(|j| multipliers[j] * self.set.features()[(i, j)])
                    .sum();
                losses[i] - tilt
            })
            .collect();
        let reached: f64 = (multipliers.iter().zip(self.intervals()))
            .map(|(l, (centre, radius))| l * centre + l.abs() * radius)
            .sum();
        let top = rest.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let gap = (top + reached - value).max(0.0);
        let level = value - reached;
        let unevenness = (rest.iter().zip(&law))
            .filter(|(_, p)| **p > 1e-9)
            .map(|(r, _)| (r - level).abs())
            .fold(0.0, f64::max);
        Ok(Saddle {
            violation: self.set.violation(&law)?,
            value,
            multipliers,
            gap: if gap.is_nan() { f64::INFINITY } else { gap },
            unevenness,
            iterations,
            law,
        })
    }

    /// Of the generator at the law, with zeros for what is behind it.
    fn gradient(&self, law: &[f64]) -> Vec<f64> {
        let states = self.set.states();
        let mut gradient = vec![0.0; law.len()];
        let generator = self.rule.generator();
        generator.gradient(&law[..states], &mut gradient[..states]);
        gradient
    }

    /// The middle and the radius of each constraint.
    fn intervals(&self) -> Vec<(f64, f64)> {
        let all = self.set.constraints().iter();
        all.filter_map(crate::projection::interval).collect()
    }
}

/// A point on the way: the law, the multipliers of moments and of the sum, the slacks, and the residuals.
struct State {
    /// Behind the law, for each interval, how far the moment is below its upper end and above its lower one.
    law: Vec<f64>,
    dual: Vec<f64>,
    slack: Vec<f64>,
    /// `∇G − Aᵀy − z`.
    stationarity: Vec<f64>,
    /// `b − Ap`.
    missing: Vec<f64>,
    /// Rows: features (with the distance to the upper end), then the ones of the sum, then the lengths of the
    /// intervals.
    rows: DMatrix<f64>,
    right: Vec<f64>,
}

impl State {
    fn new<G: Smooth>(game: &RobustBayes<G>, law: Vec<f64>) -> Self {
        let (n, m) = (game.set.states(), game.set.constraints().len());
        let features = game.set.features();
        let intervals = game.intervals();
        let open: Vec<usize> = (0..m).filter(|j| intervals[*j].1 > 0.0).collect();
        let (total, lines) = (n + 2 * open.len(), m + 1 + open.len());
        let mut rows = DMatrix::zeros(lines, total);
        for i in 0..n {
            for j in 0..m {
                rows[(j, i)] = features[(i, j)];
            }
            rows[(m, i)] = 1.0;
        }
        let mut right: Vec<f64> = intervals.iter().map(|(c, r)| c + r).collect();
        right.push(1.0);
        let mut law = law;
        for (t, j) in open.into_iter().enumerate() {
            let (above, below) = (n + 2 * t, n + 2 * t + 1);
            let (centre, radius) = intervals[j];
            rows[(j, above)] = 1.0;
            rows[(m + 1 + t, above)] = 1.0;
            rows[(m + 1 + t, below)] = 1.0;
            right.push(2.0 * radius);
            let moment: f64 = (0..n).map(|i| features[(i, j)] * law[i]).sum();
            // Off the ends, where the law of largest Shannon entropy may be.
            let off = (moment - centre).clamp(-0.9 * radius, 0.9 * radius);
            law.extend([radius - off, radius + off]);
        }
        let gradient = game.gradient(&law);
        // The multiplier of the sum alone, with slacks above 0.
        let least = gradient[..n].iter().copied().fold(f64::INFINITY, f64::min);
        let most = gradient[..n]
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let level = least - (0.1 * (most - least)).max(1e-3);
        let mut dual = vec![0.0; lines];
        dual[m] = level;
        let mut slack: Vec<f64> = gradient[..n].iter().map(|g| g - level).collect();
        let product = dot(&law[..n], &slack) / n as f64;
        slack.extend(law[n..].iter().map(|s| product / s));
        let mut state = Self {
            law,
            dual,
            slack,
            stationarity: Vec::new(),
            missing: Vec::new(),
            rows,
            right,
        };
        state.refresh(&gradient);
        state
    }

    fn refresh(&mut self, gradient: &[f64]) {
        let adjoint = self.rows.tr_mul(&DVector::from_column_slice(&self.dual));
        self.stationarity = (0..self.law.len())
            .map(|i| gradient[i] - adjoint[i] - self.slack[i])
            .collect();
        let reached = &self.rows * DVector::from_column_slice(&self.law);
        self.missing = self
            .right
            .iter()
            .zip(&reached)
            .map(|(b, r)| b - r)
            .collect();
    }

    /// The largest violation of the conditions for this `μ`.
    fn error(&self, mu: f64) -> f64 {
        let products = self.law.iter().zip(&self.slack);
        let all = products
            .map(|(p, z)| (p * z - mu).abs())
            .chain(
                self.law
                    .iter()
                    .zip(&self.stationarity)
                    .map(|(p, r)| p * r.abs()),
            )
            .chain(self.missing.iter().map(|m| m.abs()));
        all.fold(0.0, |m: f64, e| if e > m || e.is_nan() { e } else { m })
    }

    /// A Newton step to the centre of `μ`, in units of the probabilities:
    /// `(P∇²GP + PZ) u − PAᵀ dy = −P r + μ − PZ`, `AP u = b − Ap`.
    fn step<G: Smooth>(&self, game: &RobustBayes<G>, mu: f64) -> Option<Self> {
        let (states, n, p) = (game.set.states(), self.law.len(), &self.law);
        let mut hessian = vec![0.0; states * states];
        let generator = game.rule.generator();
        generator.hessian(&p[..states], &mut hessian);
        let scaled = DMatrix::from_fn(self.rows.nrows(), n, |j, i| self.rows[(j, i)] * p[i]);
        let missing = DVector::from_column_slice(&self.missing);
        let mut matrix = DMatrix::from_fn(n, n, |i, j| {
            if i < states && j < states {
                p[i] * hessian[i * states + j] * p[j]
            } else {
                0.0
            }
        });
        // A multiple of the square of the constraints changes nothing but the conditioning.
        let weight = matrix.diagonal().amax().max(f64::MIN_POSITIVE) / scaled.amax().max(1.0);
        matrix += scaled.transpose() * &scaled * weight;
        let mut right = scaled.tr_mul(&missing) * weight;
        for i in 0..n {
            matrix[(i, i)] += p[i] * self.slack[i];
            right[i] += mu - p[i] * self.slack[i] - p[i] * self.stationarity[i];
        }
        let factor = matrix.cholesky()?;
        let free = factor.solve(&right);
        let answers = factor.solve(&scaled.transpose());
        let schur = (&scaled * &answers).cholesky()?;
        let change = schur.solve(&(missing - &scaled * &free));
        let relative = free + answers * &change;
        let slack: Vec<f64> = (0..n)
            .map(|i| (mu - p[i] * self.slack[i] - p[i] * self.slack[i] * relative[i]) / p[i])
            .collect();
        // As far as all stays positive.
        let mut length = 1.0f64;
        for i in 0..n {
            if relative[i] < 0.0 {
                length = length.min(-0.995 / relative[i]);
            }
            if slack[i] < 0.0 {
                length = length.min(-0.995 * self.slack[i] / slack[i]);
            }
        }
        let before = self.error(mu);
        for _ in 0..40 {
            let mut next = Self {
                law: (0..n)
                    .map(|i| p[i] * (1.0 + length * relative[i]))
                    .collect(),
                dual: (self.dual.iter().zip(change.iter()))
                    .map(|(y, d)| y + length * d)
                    .collect(),
                slack: (self.slack.iter().zip(&slack))
                    .map(|(z, d)| z + length * d)
                    .collect(),
                stationarity: Vec::new(),
                missing: Vec::new(),
                rows: self.rows.clone(),
                right: self.right.clone(),
            };
            next.refresh(&game.gradient(&next.law));
            if next.error(mu) <= (1.0 - 1e-3 * length) * before + 1e-15 {
                return Some(next);
            }
            length *= 0.5;
        }
        None
    }
}
