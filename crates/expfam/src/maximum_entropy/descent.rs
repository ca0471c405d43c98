//! Truncated Newton steps within orthants: convex duals of many multipliers, with L1 parts.
//!
//! Minimise `F(λ) = A(λ) − λ·c + Σ r|λ| + ½ Σ s²λ²` where `A` is smooth and convex and its Hessian is
//! known by its products with vectors alone. In each step multipliers at 0 whose slope is within the
//! radius stay; for the others the L1 part is linear in the orthant that the slope points into, and a
//! Newton direction comes from conjugate gradients, stopped early (Dembo, Eisenstat and Steihaug, *SIAM J.
//! Numer. Anal.* 19, 1982), preconditioned by the diagonal. The line search stays in the orthant
//! (Andrew and Gao, *ICML* 2007; Byrd, Chin, Nocedal and Oztoprak, *Math. Program.* 159, 2016).

use super::{Constraint, certificate, penalties, residual};

/// A smooth convex function known by what a step needs of it.
pub(crate) trait Dual {
    /// What is kept of a point between evaluation and products.
    type Cache;

    /// `A(λ)` and, into `moments`, its gradient.
    fn evaluate(&self, lambda: &[f64], cache: &mut Self::Cache, moments: &mut [f64]) -> f64;

    /// Prepares [`product`](Self::product) at the point evaluated last, and the diagonal of the
    /// Hessian, which may be approximate.
    fn settle(&self, at: &Point, cache: &mut Self::Cache, diagonal: &mut [f64]);

    /// The product of the Hessian with a vector, and its product with the vector again, as a sum of squares: a
    /// direction in which the features hardly vary has a curvature that differences would lose.
    fn product(&self, at: &Point, cache: &Self::Cache, vector: &[f64], out: &mut [f64]) -> f64;
}

/// A point and what the dual says there.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) lambda: Vec<f64>,
    pub(crate) moments: Vec<f64>,
    pub(crate) log_partition: f64,
    value: f64,
}

/// How a descent ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// The residual is at its tolerance, and the next step would be short.
    Settled,
    /// The residual is what rounding leaves, or rounding allows no step, while Newton's step would still go
    /// far, mostly along this coordinate.
    Far {
        /// The coordinate.
        coordinate: usize,
        /// The step.
        direction: Vec<f64>,
    },
    /// The dual is above every possible value of the primal; this constraint asks for most.
    Unbounded(usize),
    /// The caller has seen enough.
    Stopped,
    /// Steps ran out, or rounding allows none.
    Stuck,
}

/// What is asked of a descent.
pub(crate) struct Ask<'a> {
    pub(crate) constraints: &'a [Constraint],
    /// How far each feature reaches.
    pub(crate) scales: &'a [f64],
    /// Of the residual.
    pub(crate) tolerance: f64,
    /// What the dual cannot exceed if it has a maximum, but for penalties.
    pub(crate) largest: f64,
    /// The most that penalties can cost.
    pub(crate) soft: f64,
}

/// A point with its certificate, and how many steps and passes over the states led there.
pub(crate) struct Answer<C> {
    pub(crate) at: Point,
    pub(crate) cache: C,
    pub(crate) gap: f64,
    pub(crate) violation: f64,
    pub(crate) iterations: usize,
}

/// Most Newton steps.
const STEPS: usize = 300;

/// Most conjugate gradients per step.
const PRODUCTS: usize = 400;

/// Residuals that rounding leaves.
const ROUNDING: f64 = 1e-15;

/// From 0 to the minimum; `stop` sees every point, with its cache settled.
pub(crate) fn minimise<D: Dual>(
    dual: &D,
    ask: &Ask<'_>,
    (mut cache, mut spare): (D::Cache, D::Cache),
    mut stop: impl FnMut(&Point, &D::Cache) -> bool,
) -> (Answer<D::Cache>, Ending) {
    let d = ask.constraints.len();
    let mut at = ask.point(dual, vec![0.0; d], &mut cache);
    let mut diagonal = vec![0.0; d];
    let mut iterations = 0;
    let begun = ask.residual(&at);
    // The residual from which the last step went far, and that step.
    let mut before: Option<(f64, Ending)> = None;
    let ending = loop {
        let left = ask.residual(&at);
        let most = ask.largest + ask.soft;
        if -at.value > most + 1e-9 * (1.0 + most.abs()) {
            break Ending::Unbounded(ask.worst(&at));
        }
        dual.settle(&at, &mut cache, &mut diagonal);
        ask.complete(&mut diagonal);
        if stop(&at, &cache) {
            break Ending::Stopped;
        }
        // On the boundary of the hull each step takes e off the residual, down to rounding.
        if let Some((earlier, far)) = before.take()
            && left <= ROUNDING
            && earlier <= 5.0 * ROUNDING
        {
            break far;
        }
        let slope = ask.slope(&at);
        // Superlinear, and no more exact than the point deserves: at the end only to see how far it goes.
        let forcing = if left <= 0.01 * ask.tolerance {
            0.25
        } else {
            (left / begun).sqrt().clamp(1e-3, 0.25)
        };
        let direction =
            conjugate_gradients(dual, ask, &at, &cache, &diagonal, &slope, (left, forcing));
        let far = ask.far(&at, &direction).map(|coordinate| Ending::Far {
            coordinate,
            direction: direction.clone(),
        });
        // Within the tolerance a step that is still long says that the target is near the boundary, or that a
        // combination of features hardly varies: the way goes on until it is short, or the end of rounding.
        if left <= ask.tolerance && (far.is_none() || left <= ROUNDING) {
            break far.unwrap_or(Ending::Settled);
        }
        if iterations == STEPS {
            break far
                .filter(|_| left <= ask.tolerance)
                .unwrap_or(Ending::Stuck);
        }
        // Projection may spoil a Newton direction, not one of the preconditioner.
        let plain: Vec<f64> = slope.iter().zip(&diagonal).map(|(g, h)| -g / h).collect();
        let next = search(dual, ask, &at, &slope, &direction, 12, &mut spare)
            .or_else(|| search(dual, ask, &at, &slope, &plain, 40, &mut spare));
        match next {
            Some(next) => {
                before = far.map(|far| (left, far));
                at = next;
                std::mem::swap(&mut cache, &mut spare);
                iterations += 1;
            }
            // Rounding ends the descent.
            None => break far.unwrap_or(Ending::Stuck),
        }
    };
    let (gap, violation) = certificate(&at.moments, &at.lambda, ask.constraints);
    let answer = Answer {
        at,
        cache,
        gap,
        violation,
        iterations,
    };
    (answer, ending)
}

impl Ask<'_> {
    fn point<D: Dual>(&self, dual: &D, lambda: Vec<f64>, cache: &mut D::Cache) -> Point {
        let mut moments = vec![0.0; lambda.len()];
        let log_partition = dual.evaluate(&lambda, cache, &mut moments);
        Point {
            value: log_partition + penalties(&lambda, self.constraints),
            lambda,
            moments,
            log_partition,
        }
    }

    pub(crate) fn residual(&self, at: &Point) -> f64 {
        residual(&at.moments, &at.lambda, self.constraints, self.scales)
    }

    /// The subgradient of least size: the slope where there is one, 0 where the radius holds it.
    fn slope(&self, at: &Point) -> Vec<f64> {
        let terms = at.moments.iter().zip(&at.lambda).zip(self.constraints);
        terms
            .map(|((m, l), c)| {
                let smooth = m - c.centre() + c.variance() * l;
                let r = c.radius();
                if *l != 0.0 {
                    smooth + r * l.signum()
                } else if smooth.abs() <= r {
                    0.0
                } else {
                    smooth - r * smooth.signum()
                }
            })
            .collect()
    }

    /// Adds the L2 part to the diagonal of `A`, and keeps what rounds to 0 above it.
    fn complete(&self, diagonal: &mut [f64]) {
        for ((h, c), scale) in diagonal.iter_mut().zip(self.constraints).zip(self.scales) {
            let floor = (1e-16 * scale * scale).max(f64::MIN_POSITIVE.sqrt());
            *h = (*h + c.variance()).max(floor);
        }
    }

    /// The coordinate along which a direction mostly goes, if it goes far: as for dense features, a
    /// Newton step near the boundary of the hull still goes on by about 1.
    fn far(&self, at: &Point, direction: &[f64]) -> Option<usize> {
        let reach = |v: &[f64]| {
            let scaled = v.iter().zip(self.scales).map(|(v, s)| v.abs() * s);
            let mut largest = (0, 0.0);
            for (j, v) in scaled.enumerate() {
                if v > largest.1 {
                    largest = (j, v);
                }
            }
            largest
        };
        let (coordinate, length) = reach(direction);
        (length > 0.01 * (1.0 + 1e-3 * reach(&at.lambda).1)).then_some(coordinate)
    }

    /// The constraint that asks for most.
    pub(crate) fn worst(&self, at: &Point) -> usize {
        let mut worst = (0, 0.0);
        let terms = at.moments.iter().zip(&at.lambda).zip(self.constraints);
        for (j, ((m, l), c)) in terms.enumerate() {
            let excess = ((m - c.centre()).abs() - c.radius()).max(0.0) * l.abs();
            if excess > worst.1 {
                worst = (j, excess);
            }
        }
        worst.0
    }
}

/// The step of the quadratic model, on the coordinates that may move.
fn conjugate_gradients<D: Dual>(
    dual: &D,
    ask: &Ask<'_>,
    at: &Point,
    cache: &D::Cache,
    diagonal: &[f64],
    slope: &[f64],
    (left, forcing): (f64, f64),
) -> Vec<f64> {
    let d = slope.len();
    let free: Vec<bool> = (at.lambda.iter().zip(slope).zip(ask.constraints))
        .map(|((l, g), c)| *l != 0.0 || *g != 0.0 || c.radius() == 0.0)
        .collect();
    let precondition =
        |r: &[f64]| -> Vec<f64> { r.iter().zip(diagonal).map(|(r, h)| r / h).collect() };
    let mut step = vec![0.0; d];
    let mut rest: Vec<f64> = slope.iter().map(|g| -g).collect();
    let mut z = precondition(&rest);
    let mut p = z.clone();
    let mut rz = dot(&rest, &z);
    let first = rz;
    let mut hp = vec![0.0; d];
    for _ in 0..PRODUCTS.min(2 * d) {
        if rz <= forcing * forcing * first || rz.is_nan() {
            break;
        }
        let mut curvature = dual.product(at, cache, &p, &mut hp);
        let mut metric = 0.0;
        for (((hp, p), c), (free, h)) in
            (hp.iter_mut().zip(&p).zip(ask.constraints)).zip(free.iter().zip(diagonal))
        {
            *hp = if *free { *hp + c.variance() * p } else { 0.0 };
            metric += h * p * p;
            curvature += c.variance() * p * p;
        }
        // A sum of squares, of each of which rounding leaves some 1e-32.
        if curvature <= 1e-26 * metric || curvature.is_nan() {
            // A line without an end, or with one beyond rounding: as far as the dual could rise.
            let fall = -dot(slope, &p);
            if fall > 0.0 && left > ask.tolerance {
                let length = (1.0 + ask.largest.abs().min(1e6)) / fall;
                for (s, p) in step.iter_mut().zip(&p) {
                    *s += length * p;
                }
            }
            break;
        }
        let length = rz / curvature;
        for ((s, r), (p, hp)) in step.iter_mut().zip(rest.iter_mut()).zip(p.iter().zip(&hp)) {
            *s += length * p;
            *r -= length * hp;
        }
        z = precondition(&rest);
        let next = dot(&rest, &z);
        let ratio = next / rz;
        rz = next;
        for (p, z) in p.iter_mut().zip(&z) {
            *p = z + ratio * *p;
        }
    }
    step
}

/// A point along the direction, kept in the orthant, where Armijo's rule holds; none if rounding
/// allows none.
fn search<D: Dual>(
    dual: &D,
    ask: &Ask<'_>,
    at: &Point,
    slope: &[f64],
    direction: &[f64],
    halvings: usize,
    spare: &mut D::Cache,
) -> Option<Point> {
    let mut length = 1.0;
    // A direction may be beyond all measure, where the Hessian nearly underflows.
    let far = (direction.iter().zip(ask.scales))
        .map(|(d, scale)| d.abs() * scale)
        .fold(1.0, f64::max);
    let halvings = halvings + (libm::log2(far).min(2000.0) as usize).saturating_sub(20);
    for _ in 0..halvings {
        let lambda: Vec<f64> = (at.lambda.iter().zip(direction))
            .zip(slope.iter().zip(ask.constraints))
            .map(|((l, d), (g, c))| {
                let there = l + length * d;
                let side = if *l == 0.0 { -g } else { *l };
                if c.radius() > 0.0 && there * side <= 0.0 {
                    0.0
                } else {
                    there
                }
            })
            .collect();
        let model: f64 = (lambda.iter().zip(&at.lambda).zip(slope))
            .map(|((there, here), g)| g * (there - here))
            .sum();
        length *= 0.5;
        if model >= 0.0 || lambda.iter().any(|l| !l.is_finite()) {
            continue;
        }
        let trial = ask.point(dual, lambda, spare);
        let size: f64 = (trial.lambda.iter().zip(ask.constraints))
            .map(|(l, c)| l.abs() * (c.centre().abs() + c.radius()))
            .sum();
        let rounding = 1e-13 * (1.0 + trial.log_partition.abs() + size);
        let enough = trial.value <= at.value + 1e-4 * model + rounding;
        // Below rounding only a smaller residual is progress.
        let nearer = || ask.residual(&trial) < ask.residual(at);
        if enough && (trial.value < at.value - rounding || nearer()) {
            return Some(trial);
        }
    }
    None
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
