//! Maximum entropy with a dense matrix of features, for as many as a Hessian has room for.

use ergodic_core::{ArgumentError, ExponentialFamily};
use ergodic_math::Real;
use nalgebra::{DMatrix, DVector};

use super::{
    Constraint, MaximumEntropyError, MaximumEntropyLaw, certificate, check, firm, not_inside,
    penalties, residual, sharper, softest, verdict, within_reach,
};
use crate::families::Discrete;
use crate::newton::far;

/// The law of maximum entropy relative to a base measure, that is of least divergence from it, under
/// constraints on the means of features: the information projection of the base law.
///
/// It is `p ∝ h exp(λ·f)`. The multipliers maximise the concave dual
/// `λ·c − A(λ) − Σ r|λ| − ½ Σ s²λ²` (centres `c`, radii `r`, standard deviations `s`), by Newton
/// steps whose L1 part is solved by coordinate descent. The duality gap certifies the answer.
/// References: Jaynes, *Phys. Rev.* 106, 1957; Csiszár, *Ann. Probab.* 3, 1975; for the relaxations Dudík,
/// Phillips and Schapire, *JMLR* 8, 2007.
///
/// Cost per step `O(md² + d³)` for `m` states and `d` features, memory `O(md)`: for some hundred features;
/// for more, dense or not, see [`SparseMaximumEntropy`](super::SparseMaximumEntropy), which forms no Hessian.
///
/// ```
/// use ergodic_expfam::{Constraint, MaximumEntropy};
/// use nalgebra::DMatrix;
///
/// // A die with mean 4.5 (Jaynes' Brandeis problem).
/// let faces = DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64);
/// let die = MaximumEntropy::new(faces, &[1.0; 6])?.solve(&[Constraint::Equal(4.5)])?;
/// assert!((die.multipliers[0] - 0.37104893808103323).abs() < 1e-12);
/// assert!((die.entropy() - 1.6135810981538292).abs() < 1e-12);
/// assert!(die.gap.abs() < 1e-12);
/// # Ok::<(), ergodic_expfam::MaximumEntropyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MaximumEntropy {
    /// Of the features in their frames.
    family: Discrete,
    frames: Vec<Frame>,
    /// The least and the largest value of each feature on the support.
    reach: Vec<(f64, f64)>,
    /// The base measure, normalised.
    base: Vec<f64>,
}

/// In `(f − origin)/unit` a feature reaches from about −1 to 1 on the support: far from 0, or of extreme
/// size, it would leave a Hessian of rounding.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    origin: f64,
    /// A power of 2, so that dividing by it rounds nothing.
    unit: f64,
}

impl Frame {
    fn new((least, most): (f64, f64)) -> Self {
        let half = 0.5 * most - 0.5 * least;
        let sound = half > 0.0 && half.is_finite();
        // Not so far that the reciprocal leaves the range.
        let exponent = if sound {
            libm::ilogb(half).clamp(-1000, 1000)
        } else {
            0
        };
        Self {
            origin: if least <= most {
                0.5 * least + 0.5 * most
            } else {
                0.0
            },
            unit: libm::scalbn(1.0, exponent),
        }
    }

    fn inside(self, value: f64) -> f64 {
        (value - self.origin) / self.unit
    }

    fn constraint(self, constraint: Constraint) -> Constraint {
        match constraint {
            Constraint::Equal(value) => Constraint::Equal(self.inside(value)),
            Constraint::Within { centre, radius } => Constraint::Within {
                centre: self.inside(centre),
                radius: radius / self.unit,
            },
            Constraint::Near { centre, sd } => Constraint::Near {
                centre: self.inside(centre),
                sd: sd / self.unit,
            },
        }
    }

    fn outside(self, value: f64) -> f64 {
        self.origin + self.unit * value
    }
}

/// Most Newton steps.
const STEPS: usize = 500;

/// Where the iteration stands.
struct State {
    lambda: DVector<f64>,
    value: f64,
    log_partition: f64,
    probabilities: DVector<f64>,
    moments: DVector<f64>,
}

impl State {
    fn residual(&self, constraints: &[Constraint], scales: &[f64]) -> f64 {
        residual(
            self.moments.as_slice(),
            self.lambda.as_slice(),
            constraints,
            scales,
        )
    }

    /// In terms of the features as they were given.
    fn law(
        &self,
        gap: f64,
        constraints: &[Constraint],
        frames: &[Frame],
        iterations: usize,
    ) -> MaximumEntropyLaw {
        let divergence = self.lambda.dot(&self.moments) - self.log_partition;
        let multipliers: Vec<f64> = (self.lambda.iter().zip(frames))
            .map(|(l, frame)| l / frame.unit)
            .collect();
        let origins: f64 = (multipliers.iter().zip(frames))
            .map(|(l, frame)| l * frame.origin)
            .sum();
        let missed = (self.moments.iter().zip(constraints).zip(frames))
            .filter(|((_, c), _)| c.variance() == 0.0)
            .map(|((m, c), frame)| ((m - c.centre()).abs() - c.radius()) * frame.unit);
        MaximumEntropyLaw {
            probabilities: self.probabilities.as_slice().to_vec(),
            multipliers,
            moments: (self.moments.iter().zip(frames))
                .map(|(m, frame)| frame.outside(*m))
                .collect(),
            divergence: divergence.max(0.0), // of two laws: only rounding makes it negative
            log_partition: self.log_partition + origins,
            gap,
            violation: missed.fold(0.0, f64::max),
            iterations,
        }
    }
}

impl MaximumEntropy {
    /// Of features, a row per state, relative to a base measure, not necessarily normalised.
    ///
    /// # Errors
    /// If features and base measure are not those of a family ([`Discrete::new`]): not finite,
    /// negative, or affinely dependent, so that multipliers are not unique.
    pub fn new(features: DMatrix<f64>, base_measure: &[f64]) -> Result<Self, MaximumEntropyError> {
        let total = ergodic_math::reduce::sum(base_measure);
        let base: Vec<f64> = base_measure.iter().map(|h| h / total).collect();
        let reach: Vec<(f64, f64)> = (features.column_iter())
            .map(|feature| {
                let possible = feature.iter().zip(base_measure).filter(|(_, h)| **h > 0.0);
                possible.fold((f64::INFINITY, f64::NEG_INFINITY), |r, (x, _)| {
                    (r.0.min(*x), r.1.max(*x))
                })
            })
            .collect();
        let frames: Vec<Frame> = reach.iter().map(|r| Frame::new(*r)).collect();
        let mut framed = features;
        for (mut column, frame) in framed.column_iter_mut().zip(&frames) {
            for (x, h) in column.iter_mut().zip(base_measure) {
                // Off the support they do not count, but are to be finite.
                if x.is_finite() {
                    *x = if *h > 0.0 { frame.inside(*x) } else { 0.0 };
                }
            }
        }
        // What a family calls statistics are features here.
        let family = |base: &[f64]| {
            Discrete::new(framed.clone(), base).map_err(|mut error| {
                if error.argument == "statistics" {
                    error.argument = "features";
                }
                error
            })
        };
        // Checks features, length, signs, and that some weight is above 0.
        family(base_measure)?;
        if !total.is_finite() {
            let found = "weights whose sum overflows";
            return Err(ArgumentError::new("base_measure", found, "of a finite sum").into());
        }
        Ok(Self {
            family: family(&base)?,
            frames,
            reach,
            base,
        })
    }

    /// The law under these constraints, one per feature.
    ///
    /// # Errors
    /// If their number is not that of the features or one is not finite (a radius or standard
    /// deviation not above 0), no law meets them, only a law on the boundary does, or the iteration
    /// does not converge.
    pub fn solve(
        &self,
        constraints: &[Constraint],
    ) -> Result<MaximumEntropyLaw, MaximumEntropyError> {
        check(constraints, self.family.dim())?;
        within_reach(constraints, &self.reach)?;
        let d = constraints.len();
        let asked = constraints;
        let framed: Vec<Constraint> = (asked.iter().zip(&self.frames))
            .map(|(c, frame)| frame.constraint(*c))
            .collect();
        let constraints = framed.as_slice();
        check(constraints, d)?;
        // No law has a larger divergence from the base than that on its rarest state.
        let rarest = self.base.iter().copied().filter(|h| *h > 0.0);
        let largest = -Real::ln(rarest.fold(1.0, f64::min));
        let most = largest + softest(asked, &self.reach);
        let scales = self.scales();
        let mut at = self.state(DVector::zeros(d), constraints)?;
        for iterations in 0..STEPS {
            let gap = certificate(at.moments.as_slice(), at.lambda.as_slice(), constraints).0;
            let residual = at.residual(constraints, &scales);
            let gradient = DVector::from_fn(d, |j, _| {
                at.moments[j] - constraints[j].centre() + constraints[j].variance() * at.lambda[j]
            });
            let hessian = self.hessian(&at, constraints);
            let direction = direction(&gradient, &hessian, &at.lambda, constraints);
            if residual <= 4e-15 {
                if far(&direction, &at.lambda) {
                    return Err(self.verdict(&direction, &at, (asked, constraints), gap));
                }
                return Ok(at.law(gap, constraints, &self.frames, iterations));
            }
            // Weak duality: what the dual reaches, the divergence of every feasible law exceeds.
            if -at.value > most + 1e-9 * (1.0 + most) {
                let excess = DVector::from_fn(d, |j, _| {
                    let off = at.moments[j] - constraints[j].centre();
                    (off.abs() - constraints[j].radius()).max(0.0) * at.lambda[j].abs()
                });
                let constraint = excess.imax();
                return Err(MaximumEntropyError::Infeasible {
                    constraint,
                    asked: asked[constraint],
                    found: self.frames[constraint].outside(at.moments[constraint]),
                });
            }
            match self.descend(&at, &gradient, &direction, constraints, &scales) {
                Some(next) => at = next,
                // Rounding ends the descent.
                None if far(&direction, &at.lambda) => {
                    return Err(self.verdict(&direction, &at, (asked, constraints), gap));
                }
                None if residual <= 1e-9 => {
                    let whole = self.verdict(&at.lambda, &at, (asked, constraints), gap);
                    if not_inside(&whole) {
                        return Err(whole);
                    }
                    return Ok(at.law(gap, constraints, &self.frames, iterations));
                }
                None => return Err(self.verdict(&direction, &at, (asked, constraints), gap)),
            }
        }
        // Just outside of the hull the multipliers grow without end, and too slowly for the dual to tell.
        let gap = certificate(at.moments.as_slice(), at.lambda.as_slice(), constraints).0;
        Err(self.verdict(&at.lambda, &at, (asked, constraints), gap))
    }

    /// What it means that multipliers run off in a direction, which is seen by it, by its reverse (rounding may
    /// turn a step around), or by the multipliers.
    fn verdict(
        &self,
        direction: &DVector<f64>,
        at: &State,
        (asked, constraints): (&[Constraint], &[Constraint]),
        gap: f64,
    ) -> MaximumEntropyError {
        let firm = |d: &DVector<f64>| DVector::from_vec(firm(d.as_slice(), constraints));
        let constraint = firm(direction).iamax();
        let along = |direction: &DVector<f64>| {
            let direction = &firm(direction);
            let products = self.family.statistics() * direction;
            let possible = products.iter().zip(&self.base).filter(|(_, h)| **h > 0.0);
            let most = possible.fold(f64::NEG_INFINITY, |most, (x, _)| most.max(*x));
            verdict(
                constraint,
                direction.as_slice(),
                most,
                (constraints, at.moments.as_slice()),
                &self.scales(),
                gap,
            )
        };
        let step = sharper(along(direction), along(&-direction));
        match sharper(step, along(&at.lambda)) {
            MaximumEntropyError::Infeasible { .. } => MaximumEntropyError::Infeasible {
                constraint,
                asked: asked[constraint],
                found: self.frames[constraint].outside(at.moments[constraint]),
            },
            other => other,
        }
    }

    /// How far each feature reaches.
    fn scales(&self) -> Vec<f64> {
        let features = self.family.statistics();
        features.column_iter().map(|f| f.amax()).collect()
    }

    fn state(
        &self,
        lambda: DVector<f64>,
        constraints: &[Constraint],
    ) -> Result<State, ArgumentError> {
        let (log_partition, probabilities, moments) = self.family.moments(lambda.as_slice())?;
        let value = log_partition + penalties(lambda.as_slice(), constraints);
        Ok(State {
            lambda,
            value,
            log_partition,
            probabilities,
            moments,
        })
    }

    fn hessian(&self, at: &State, constraints: &[Constraint]) -> DMatrix<f64> {
        let mut hessian = self.family.covariance(&at.probabilities, &at.moments);
        for (j, c) in constraints.iter().enumerate() {
            hessian[(j, j)] += c.variance();
        }
        hessian
    }

    /// A step along the direction that lowers the dual, by Armijo's rule; none if rounding allows none.
    fn descend(
        &self,
        at: &State,
        gradient: &DVector<f64>,
        direction: &DVector<f64>,
        constraints: &[Constraint],
        scales: &[f64],
    ) -> Option<State> {
        let l1 = |lambda: &DVector<f64>| -> f64 {
            let terms = lambda.iter().zip(constraints);
            terms.map(|(l, c)| c.radius() * l.abs()).sum()
        };
        let model = gradient.dot(direction) + l1(&(&at.lambda + direction)) - l1(&at.lambda);
        let mut step = 1.0;
        // A direction may be beyond all measure, where the Hessian nearly underflows.
        let shortest = 1e-12 / direction.amax().max(1.0);
        while step > shortest {
            let trial = self.state(&at.lambda + direction * step, constraints);
            if let Ok(trial) = trial {
                let size: f64 = (trial.lambda.iter().zip(constraints))
                    .map(|(l, c)| l.abs() * (c.centre().abs() + c.radius()))
                    .sum();
                let rounding = 1e-14 * (1.0 + trial.log_partition.abs() + size);
                let enough = trial.value <= at.value + 0.2 * step * model + rounding;
                // Below rounding only a smaller residual is progress.
                let nearer =
                    || trial.residual(constraints, scales) < at.residual(constraints, scales);
                if enough && (trial.value < at.value - rounding || nearer()) {
                    return Some(trial);
                }
            }
            step *= 0.5;
        }
        None
    }
}

/// The minimiser of `g·δ + ½ δᵀHδ + Σ r|λ + δ|`: by Cholesky's factor without L1 part, else by
/// coordinate descent.
fn direction(
    gradient: &DVector<f64>,
    hessian: &DMatrix<f64>,
    lambda: &DVector<f64>,
    constraints: &[Constraint],
) -> DVector<f64> {
    let d = lambda.len();
    let smooth = constraints.iter().all(|c| c.radius() == 0.0);
    // Far out the Hessian underflows; a trace of it keeps the step finite.
    let ridge = 1e-14 * hessian.diagonal().amax().max(f64::MIN_POSITIVE);
    let mut regular = hessian.clone();
    for j in 0..d {
        regular[(j, j)] += ridge;
    }
    if smooth && let Some(factor) = regular.clone().cholesky() {
        return -factor.solve(gradient);
    }
    let (mut delta, mut product) = (DVector::zeros(d), DVector::<f64>::zeros(d));
    for _ in 0..1000 {
        let mut largest = 0.0;
        for j in 0..d {
            let a = regular[(j, j)];
            let here = lambda[j] + delta[j];
            let free = here - (gradient[j] + product[j]) / a;
            let r = constraints[j].radius() / a;
            let there = if free > r {
                free - r
            } else if free < -r {
                free + r
            } else {
                0.0
            };
            let change = there - here;
            if change != 0.0 {
                delta[j] += change;
                product.axpy(change, &regular.column(j), 1.0);
                largest = f64::max(largest, change.abs() / (1.0 + there.abs()));
            }
        }
        if largest < 1e-14 {
            break;
        }
    }
    delta
}
