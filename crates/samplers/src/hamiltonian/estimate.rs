//! Metrics estimated from draws and gradients, and how they are scored.

use std::ops::Range;

use ergodic_math::Real;
use nalgebra::{DMatrix, SymmetricEigen};

use super::Metric;
use super::lanes::{
    add_scaled, add_squared_differences, add_squares, dot, multiply, padded, principal_of_matrix,
    principal_of_rows,
};

/// The last positions and gradients of a warm-up, oldest first, rows padded with zeros.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Window {
    dim: usize,
    positions: Vec<f64>,
    gradients: Vec<f64>,
    energies: Vec<f64>,
}

/// Pairs that a window holds at most.
const MOST_PAIRS: usize = 512;
/// Numbers that a window holds at most, where that leaves [`FEWEST_PAIRS`].
const MOST_NUMBERS: usize = 1 << 23;
const FEWEST_PAIRS: usize = 16;
/// How far above the lowest energy of its window a pair may be to be taken for one of a chain that
/// has arrived, in nats, and per dimension: a normal law has ½ and spreads by a root of that, heavier
/// tails and funnels have more.
const FALL: f64 = 50.0;
const FALL_PER_DIMENSION: f64 = 10.0;
/// Fewer pairs of a chain that has arrived give no metric.
const FEWEST_ARRIVED: usize = 5;
/// Up to this dimension the full metric is dense.
const DENSE: usize = 128;
/// Draws that the low-rank metric uses at most.
const LOW_RANK_DRAWS: usize = 64;
/// Draws that score metrics at most in many dimensions.
const MOST_JUDGES: usize = 32;
/// Weight of the identity, in draws, beside the sample covariances, at least.
const PRIOR: f64 = 1e-5;
/// Weight of the identity per draw beside covariances of low rank, where all but a few dimensions
/// are missing.
const SHRINKAGE: f64 = 1.0 / 16.0;
/// Iterations of the power method.
const POWER: usize = 10;
/// Of this many draws one is held out to score what the others propose.
const HOLD_OUT: usize = 4;
/// With fewer draws there is no choice: the Fisher diagonal.
const CHOICE: usize = 32;
/// The factor by which the score of the full metric has to be better: it costs more per step.
const HANDICAP: f64 = 0.8;
/// The score of the best diagonal from which on a low-rank metric is tried, times the judges: few
/// of them see large variances where there are none.
const STANDS_OUT: f64 = 96.0;
/// Eigenvalues between the inverse of this and this are as good as 1.
const CUTOFF: f64 = 1.5;
/// Scales whose logarithms have less than this variance are as good as equal.
const EVEN: f64 = 0.0025;
/// The variance of the logarithm of a sample variance, times the draws: 2 if they are independent
/// and normal, more by what draws of a chain know of each other.
const NOISE: f64 = 10.0;

impl Window {
    pub(crate) const fn new(dim: usize) -> Self {
        Self {
            dim,
            positions: Vec::new(),
            gradients: Vec::new(),
            energies: Vec::new(),
        }
    }

    fn stride(&self) -> usize {
        padded(self.dim)
    }

    pub(crate) fn len(&self) -> usize {
        self.positions.len() / self.stride()
    }

    pub(crate) fn push(&mut self, position: &[f64], gradient: &[f64], energy: f64) {
        let stride = self.stride();
        let most = (MOST_NUMBERS / (2 * stride)).clamp(FEWEST_PAIRS, MOST_PAIRS);
        if self.len() >= most {
            // Half of them at once, so that a draw costs no move of all.
            self.keep_last(most / 2);
        }
        for (rows, row) in [
            (&mut self.positions, position),
            (&mut self.gradients, gradient),
        ] {
            let end = rows.len() + stride;
            rows.extend_from_slice(row);
            rows.resize(end, 0.0);
        }
        self.energies.push(energy);
    }

    /// Drops all but the last `n` pairs.
    pub(crate) fn keep_last(&mut self, n: usize) {
        let drop = self.len().saturating_sub(n);
        self.energies.drain(..drop);
        self.positions.drain(..drop * self.stride());
        self.gradients.drain(..drop * self.stride());
    }

    /// Drops the pairs from which the chain was still falling: those far above the lowest energy.
    /// Far from where the mass is, positions and gradients do not show the scales that they have there.
    /// False if too few are left to say anything.
    pub(crate) fn keep_arrived(&mut self) -> bool {
        let lowest = self.energies.iter().fold(f64::INFINITY, |m, e| m.min(*e));
        let most = lowest + FALL + FALL_PER_DIMENSION * self.dim as f64;
        if self.energies.iter().any(|e| *e > most) {
            let stride = self.stride();
            for rows in [&mut self.positions, &mut self.gradients] {
                let mut kept = 0;
                for (i, energy) in self.energies.iter().enumerate() {
                    if *energy <= most {
                        rows.copy_within(i * stride..(i + 1) * stride, kept * stride);
                        kept += 1;
                    }
                }
                rows.truncate(kept * stride);
            }
            self.energies.retain(|e| *e <= most);
        }
        self.len() >= FEWEST_ARRIVED
    }
}

/// Positions and gradients, row by row.
struct Pairs<'a> {
    stride: usize,
    positions: Vec<&'a [f64]>,
    gradients: Vec<&'a [f64]>,
}

impl<'a> Pairs<'a> {
    fn of(window: &'a Window, take: impl Fn(usize) -> bool) -> Self {
        let stride = window.stride();
        let pick = |all: &'a [f64]| {
            let rows = all.chunks_exact(stride).enumerate();
            rows.filter(|(i, _)| take(*i)).map(|(_, row)| row).collect()
        };
        Self {
            stride,
            positions: pick(&window.positions),
            gradients: pick(&window.gradients),
        }
    }

    fn len(&self) -> usize {
        self.positions.len()
    }

    /// The first `n`.
    fn first(&self, n: usize) -> Self {
        self.part(0..self.len().min(n))
    }

    /// The last `n`.
    fn last(&self, n: usize) -> Self {
        self.part(self.len().saturating_sub(n)..self.len())
    }

    fn part(&self, range: Range<usize>) -> Self {
        Self {
            stride: self.stride,
            positions: self.positions[range.clone()].to_vec(),
            gradients: self.gradients[range].to_vec(),
        }
    }
}

/// What a fit returns: the metric, and the factor by which the step size changes with it.
pub(crate) type Fitted = (Metric, f64);

/// The metric that leaves the smallest condition number on held-out draws. `None` if there is
/// nothing to learn from.
pub(crate) fn fit(window: &Window, current: &Metric, full: bool) -> Option<Fitted> {
    let small = window.dim <= DENSE;
    let metric = match (window.len() < CHOICE, small) {
        (true, _) => fisher_diagonal(window)?,
        (false, true) => choose_among_few(window, full)?,
        (false, false) => choose_among_many(window, full)?,
    };
    if metric == *current {
        return Some((metric, 1.0));
    }
    let judges = Pairs::of(window, |_| true).last(MOST_JUDGES);
    let mut probe = Probe::new(judges.stride);
    let mut spread = |m: &Metric| {
        let whiten = |g: &[f64], out: &mut [f64]| m.whiten(g, out);
        probe.principal(&judges.gradients, &whiten)
    };
    let stretch = (spread(current) / spread(&metric)).sqrt();
    (stretch.is_normal() && stretch > 0.0).then_some((metric, stretch))
}

/// Means and variances of the columns, padded.
fn moments(rows: &[&[f64]], stride: usize) -> (Vec<f64>, Vec<f64>) {
    let share = 1.0 / rows.len() as f64;
    let mut mean = vec![0.0; stride];
    for row in rows {
        add_scaled(share, row, &mut mean);
    }
    let mut variance = vec![0.0; stride];
    for row in rows {
        add_squared_differences(share, row, &mean, &mut variance);
    }
    (mean, variance)
}

/// `√(V(xᵢ)/V(∂ᵢE))`.
fn fisher(positions: &[f64], gradients: &[f64]) -> Vec<f64> {
    let ratio = positions.iter().zip(gradients);
    ratio.map(|(x, g)| (x / g).sqrt()).collect()
}

/// The variance of `log aᵢ/bᵢ` over coordinates: 0 for diagonals that differ by a common factor, which
/// the step size takes care of.
fn log_ratio_variance(a: impl Iterator<Item = f64>, b: impl Iterator<Item = f64>) -> f64 {
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for ratio in a.zip(b).map(|(a, b)| Real::ln(a / b)) {
        n += 1.0;
        sum += ratio;
        squares += ratio * ratio;
    }
    (squares - sum * sum / n) / n
}

fn fisher_diagonal(window: &Window) -> Option<Metric> {
    let all = Pairs::of(window, |_| true);
    let (_, spread) = moments(&all.positions, all.stride);
    let (_, force) = moments(&all.gradients, all.stride);
    let variances = fisher(&spread[..window.dim], &force[..window.dim]);
    let diagonal = Metric::diagonal(&variances).ok()?;
    let even = log_ratio_variance(variances.into_iter(), std::iter::repeat(1.0)) < EVEN;
    Some(if even { Metric::identity() } else { diagonal })
}

/// Sums over rows around one centre, from which covariances are made.
struct Sums {
    rows: f64,
    /// Padded, and the matrix too.
    sum: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn of(rows: &[&[f64]], centre: &[f64]) -> Self {
        let stride = centre.len();
        let mut centred = vec![0.0; rows.len() * stride];
        let mut sum = vec![0.0; stride];
        for (to, row) in centred.chunks_exact_mut(stride).zip(rows) {
            for (to, (x, c)) in to.iter_mut().zip(row.iter().zip(centre)) {
                *to = x - c;
            }
            for (sum, x) in sum.iter_mut().zip(&*to) {
                *sum += x;
            }
        }
        let mut squares = vec![0.0; stride * stride];
        add_squares(&centred, stride, &mut squares);
        Self {
            rows: rows.len() as f64,
            sum,
            squares,
        }
    }

    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        add_scaled(1.0, &other.sum, &mut self.sum);
        add_scaled(1.0, &other.squares, &mut self.squares);
    }

    fn covariance(&self, dim: usize) -> DMatrix<f64> {
        let stride = self.sum.len();
        let share = 1.0 / self.rows;
        let mut covariance = DMatrix::zeros(dim, dim);
        for (j, mut column) in covariance.column_iter_mut().enumerate() {
            let products = &self.squares[j * stride..][..dim];
            let shift = self.sum[j] * share;
            for ((c, product), sum) in column.iter_mut().zip(products).zip(&self.sum) {
                *c = share * (product - shift * sum);
            }
        }
        covariance
    }
}

/// The sample covariances of positions and gradients.
struct Covariances {
    draws: f64,
    positions: DMatrix<f64>,
    gradients: DMatrix<f64>,
}

impl Covariances {
    fn of(positions: &Sums, gradients: &Sums, dim: usize) -> Self {
        Self {
            draws: positions.rows,
            positions: positions.covariance(dim),
            gradients: gradients.covariance(dim),
        }
    }

    /// The sample covariances with a little of the identity in the coordinates `x/σ`, and back.
    fn full(&self) -> Option<Factor> {
        let dim = self.positions.nrows();
        let variances = fisher(
            self.positions.diagonal().as_slice(),
            self.gradients.diagonal().as_slice(),
        );
        let scale: Vec<f64> = variances.iter().map(|v| v.sqrt()).collect();
        if !scale.iter().all(|s| s.is_normal()) {
            return None;
        }
        let inverse: Vec<f64> = scale.iter().map(|s| 1.0 / s).collect();
        let shrink = |covariance: &DMatrix<f64>, unit: &[f64]| {
            let mut shrunk = scaled(covariance, unit);
            for i in 0..dim {
                shrunk[(i, i)] += PRIOR / self.draws;
            }
            shrunk * (self.draws / (self.draws + PRIOR))
        };
        let x = shrink(&self.positions, &inverse);
        let g = shrink(&self.gradients, &scale);
        let mut factor = geometric_mean(&x, g)?;
        for (i, s) in scale.iter().enumerate() {
            factor.forth.row_mut(i).scale_mut(*s);
            factor.back.column_mut(i).scale_mut(1.0 / s);
        }
        Some(factor)
    }
}

/// `A` and `A⁻¹`.
struct Factor {
    forth: DMatrix<f64>,
    back: DMatrix<f64>,
}

/// The factor `L⁻ᵀ W Λ^¼` of the solution of `Σ G Σ = X`, and its inverse: with `G = L Lᵀ` and
/// `Lᵀ X L = W Λ Wᵀ` it is `Σ = L⁻ᵀ W Λ^½ Wᵀ L⁻¹`.
fn geometric_mean(x: &DMatrix<f64>, g: DMatrix<f64>) -> Option<Factor> {
    let l = g.cholesky()?.unpack();
    let lt = l.transpose();
    let middle = &lt * x * &l;
    if !middle.iter().all(|v| v.is_finite()) {
        return None;
    }
    let eigen = SymmetricEigen::try_new(middle, f64::EPSILON, 0)?;
    let mut back = eigen.eigenvectors.transpose() * &lt;
    let mut forth = lt.solve_upper_triangular(&eigen.eigenvectors)?;
    for (i, value) in eigen.eigenvalues.iter().enumerate() {
        if !(value.is_normal() && *value > 0.0) {
            return None;
        }
        let root = value.sqrt().sqrt();
        forth.column_mut(i).scale_mut(root);
        back.row_mut(i).scale_mut(1.0 / root);
    }
    Some(Factor { forth, back })
}

/// A candidate in few dimensions.
enum Few {
    Identity,
    Diagonal(Vec<f64>),
    Full(Factor),
}

impl Few {
    fn score(&self, judge: &Covariances) -> f64 {
        let (x, g) = match self {
            Self::Identity => {
                return largest_eigenvalue(&judge.positions) * largest_eigenvalue(&judge.gradients);
            }
            Self::Diagonal(variances) => {
                let scale: Vec<f64> = variances.iter().map(|v| v.sqrt()).collect();
                let inverse: Vec<f64> = scale.iter().map(|s| 1.0 / s).collect();
                (
                    scaled(&judge.positions, &inverse),
                    scaled(&judge.gradients, &scale),
                )
            }
            Self::Full(Factor { forth, back }) => (
                back * &judge.positions * back.transpose(),
                forth.transpose() * &judge.gradients * forth,
            ),
        };
        largest_eigenvalue(&x) * largest_eigenvalue(&g)
    }

    fn metric(&self) -> Option<Metric> {
        match self {
            Self::Identity => Some(Metric::identity()),
            Self::Diagonal(variances) => Metric::diagonal(variances).ok(),
            Self::Full(factor) => Metric::factor(&factor.forth).ok(),
        }
    }
}

/// `sᵢ mᵢⱼ sⱼ`.
fn scaled(m: &DMatrix<f64>, s: &[f64]) -> DMatrix<f64> {
    let mut out = m.clone();
    for (mut column, sj) in out.column_iter_mut().zip(s) {
        for (m, si) in column.iter_mut().zip(s) {
            *m *= si * sj;
        }
    }
    out
}

/// `λ_max` by the power method from the column of the largest diagonal element: a lower bound,
/// tight enough to compare metrics.
fn largest_eigenvalue(m: &DMatrix<f64>) -> f64 {
    let dim = m.nrows();
    let start = m.diagonal().imax();
    let mut direction = m.as_slice()[start * dim..][..dim].to_vec();
    principal_of_matrix(m.as_slice(), POWER, &mut direction, &mut vec![0.0; dim])
}

/// The upper edge of the eigenvalues of a sample covariance of white noise (Marchenko and Pastur,
/// *Math. USSR Sb.* 1, 1967).
fn edge_of_noise(dim: usize, draws: f64) -> f64 {
    (1.0 + (dim as f64 / draws).sqrt()).powi(2)
}

fn choose_among_few(window: &Window, full: bool) -> Option<Metric> {
    let dim = window.dim;
    let all = Pairs::of(window, |_| true);
    let centre = |rows: &[&[f64]]| moments(rows, all.stride).0;
    let (mean, slope) = (centre(&all.positions), centre(&all.gradients));
    let part = |take: &dyn Fn(usize) -> bool| {
        let pairs = Pairs::of(window, take);
        (
            Sums::of(&pairs.positions, &mean),
            Sums::of(&pairs.gradients, &slope),
        )
    };
    // The last draws judge those before: neighbours in time would know too much of each other.
    let split = window.len() - window.len() / HOLD_OUT;
    let (mut positions, mut gradients) = part(&|i| i < split);
    let learnt = Covariances::of(&positions, &gradients, dim);
    let (held_positions, held_gradients) = part(&|i| i >= split);
    let judge = Covariances::of(&held_positions, &held_gradients, dim);
    let propose = |kind: Kind, from: &Covariances| -> Option<Few> {
        let spread = from.positions.diagonal();
        Some(match kind {
            Kind::Identity => Few::Identity,
            Kind::Variance => Few::Diagonal(spread.as_slice().to_vec()),
            Kind::Fisher => Few::Diagonal(fisher(
                spread.as_slice(),
                from.gradients.diagonal().as_slice(),
            )),
            Kind::Full => Few::Full(from.full()?),
        })
    };
    let mut smallest = f64::INFINITY;
    let perfect = edge_of_noise(dim, judge.draws).powi(2);
    let kind = best(full, |kind| {
        // What looks like noise cannot be made better.
        if kind == Kind::Full && HANDICAP * smallest < perfect {
            return None;
        }
        let score = propose(kind, &learnt)?.score(&judge);
        smallest = smallest.min(score);
        Some(score)
    })?;
    positions.add(&held_positions);
    gradients.add(&held_gradients);
    let all = Covariances::of(&positions, &gradients, dim);
    propose(kind, &all)?.metric()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Identity,
    Variance,
    Fisher,
    Full,
}

/// The kind of the smallest score, the full metric with its handicap.
fn best(full: bool, mut score: impl FnMut(Kind) -> Option<f64>) -> Option<Kind> {
    let mut best: Option<(Kind, f64)> = None;
    for kind in [Kind::Identity, Kind::Variance, Kind::Fisher, Kind::Full] {
        if kind == Kind::Full && !full {
            continue;
        }
        let Some(score) = score(kind).filter(|s| s.is_finite()) else {
            continue;
        };
        let handicap = if kind == Kind::Full { HANDICAP } else { 1.0 };
        if best.is_none_or(|(_, other)| score < handicap * other) {
            best = Some((kind, score));
        }
    }
    best.map(|(kind, _)| kind)
}

/// A candidate in many dimensions: `A` and how `A⁻¹` is applied.
struct Many {
    metric: Metric,
    /// `1/σ`, padded.
    inverse: Vec<f64>,
    directions: Vec<f64>,
    /// `λ^(−½) − 1` for each direction.
    stretch: Vec<f64>,
}

impl Many {
    fn diagonal(mut variances: Vec<f64>, dim: usize) -> Option<Self> {
        let stride = variances.len();
        variances.truncate(dim);
        let mut inverse: Vec<f64> = variances.iter().map(|v| 1.0 / v.sqrt()).collect();
        inverse.resize(stride, 0.0);
        Some(Self {
            metric: Metric::diagonal(&variances).ok()?,
            inverse,
            directions: Vec::new(),
            stretch: Vec::new(),
        })
    }

    /// `A⁻¹x`.
    fn back(&self, x: &[f64], out: &mut [f64]) {
        multiply(x, &self.inverse, out);
        for (u, s) in self.directions.chunks_exact(x.len()).zip(&self.stretch) {
            add_scaled(s * dot(u, out), u, out);
        }
    }

    /// The product of the variances of held-out draws along the directions in which the other
    /// draws spread most: unlike `λ_max` of few draws in many dimensions it is not inflated by
    /// noise.
    fn score(&self, learnt: &Pairs<'_>, judge: &Pairs<'_>, probe: &mut Probe) -> f64 {
        let mut held_out = |fit: &[&[f64]], test: &[&[f64]], map: &dyn Fn(&[f64], &mut [f64])| {
            probe.principal(fit, map);
            probe.variance_along(test, map)
        };
        let back = |x: &[f64], out: &mut [f64]| self.back(x, out);
        let whiten = |g: &[f64], out: &mut [f64]| self.metric.whiten(g, out);
        held_out(&learnt.positions, &judge.positions, &back)
            * held_out(&learnt.gradients, &judge.gradients, &whiten)
    }
}

fn choose_among_many(window: &Window, full: bool) -> Option<Metric> {
    let dim = window.dim;
    // The last draws judge those before: neighbours in time would know too much of each other.
    let split = window.len() - (window.len() / HOLD_OUT).clamp(2, MOST_JUDGES);
    let judge = Pairs::of(window, |i| i >= split);
    let learnt = Pairs::of(window, |i| i < split);
    // The oldest say along what: neighbours of the judges would know too much of them.
    let directing = learnt.first(MOST_JUDGES);
    let moments_of = |pairs: &Pairs<'_>| {
        let (centre, spread) = moments(&pairs.positions, pairs.stride);
        let (slope, force) = moments(&pairs.gradients, pairs.stride);
        [centre, spread, slope, force]
    };
    let propose = |kind: Kind, from: &Pairs<'_>, moments: &[Vec<f64>; 4]| -> Option<Many> {
        let [centre, spread, slope, force] = moments;
        match kind {
            Kind::Identity => return Many::diagonal(vec![1.0; from.stride], dim),
            Kind::Variance => return Many::diagonal(spread.clone(), dim),
            Kind::Fisher => return Many::diagonal(fisher(spread, force), dim),
            Kind::Full => {}
        }
        let variances = fisher(spread, force);
        let scale: Vec<f64> = variances[..dim].iter().map(|v| v.sqrt()).collect();
        if !scale.iter().all(|s| s.is_normal()) {
            return None;
        }
        low_rank(&from.last(LOW_RANK_DRAWS), dim, &scale, centre, slope)
    };
    let learnt_moments = moments_of(&learnt);
    let [_, spread, _, force] = &learnt_moments;
    let variances = || fisher(&spread[..dim], &force[..dim]).into_iter();
    // Diagonals that are the same but for noise need no judge: the score of a draw's luck would
    // choose among them, and noise in the scales of many coordinates is what it would choose.
    let even = log_ratio_variance(variances(), std::iter::repeat(1.0)) < EVEN;
    let noise = NOISE / learnt.len() as f64;
    let alike = log_ratio_variance(variances(), spread[..dim].iter().copied()) < noise;
    let mut probe = Probe::new(learnt.stride);
    let mut smallest = f64::INFINITY;
    let kind = best(full, |kind| {
        let needless = match kind {
            Kind::Identity => false,
            Kind::Variance => alike,
            Kind::Fisher => even,
            // A diagonal that leaves no direction that stands out needs no help.
            Kind::Full => smallest < STANDS_OUT / judge.len() as f64,
        };
        if needless {
            return None;
        }
        let proposed = propose(kind, &learnt, &learnt_moments)?;
        let score = proposed.score(&directing, &judge, &mut probe);
        smallest = smallest.min(score);
        Some(score)
    })?;
    if kind == Kind::Identity {
        return Some(Metric::identity());
    }
    let all = Pairs::of(window, |_| true);
    propose(kind, &all, &moments_of(&all)).map(|candidate| candidate.metric)
}

fn low_rank(
    rows: &Pairs<'_>,
    dim: usize,
    scale: &[f64],
    centre: &[f64],
    slope: &[f64],
) -> Option<Many> {
    let n = rows.len();
    let stride = rows.stride;
    // Scaled draws and gradients, and an orthonormal basis of their span by Gram and Schmidt's
    // method, each vector twice.
    let mut scaled = vec![0.0; 2 * n * stride];
    for (i, row) in scaled.chunks_exact_mut(stride).enumerate() {
        for j in 0..dim {
            row[j] = if i < n {
                (rows.positions[i][j] - centre[j]) / scale[j]
            } else {
                (rows.gradients[i - n][j] - slope[j]) * scale[j]
            };
        }
    }
    let mut basis: Vec<f64> = Vec::with_capacity(2 * n * stride);
    let mut next = vec![0.0; stride];
    for row in scaled.chunks_exact(stride) {
        let size = dot(row, row).sqrt();
        next.copy_from_slice(row);
        for _ in 0..2 {
            for q in basis.chunks_exact(stride) {
                add_scaled(-dot(q, &next), q, &mut next);
            }
        }
        let rest = dot(&next, &next).sqrt();
        if rest > 1e-8 * size {
            basis.extend(next.iter().map(|v| v / rest));
        }
    }
    let m = basis.len() / stride;
    let project = |rows: &[f64]| {
        DMatrix::from_fn(n, m, |i, j| {
            dot(
                &rows[i * stride..(i + 1) * stride],
                &basis[j * stride..(j + 1) * stride],
            )
        })
    };
    let (x, g) = scaled.split_at(n * stride);
    // Where draws are fewer than dimensions the sample covariances vanish in directions that the
    // target does have: the more of them are missing, the more weight has the identity.
    let draws = n as f64;
    let prior = PRIOR + SHRINKAGE * draws * (1.0 - draws / dim as f64).max(0.0);
    let shrunk = |rows: DMatrix<f64>| {
        let mut product = rows.transpose() * rows;
        for i in 0..m {
            product[(i, i)] += prior;
        }
        product / (draws + prior)
    };
    let factor = geometric_mean(&shrunk(project(x)), shrunk(project(g)))?.forth;
    let sigma = &factor * factor.transpose();
    if !sigma.iter().all(|v| v.is_finite()) {
        return None;
    }
    let eigen = SymmetricEigen::try_new(sigma, f64::EPSILON, 0)?;
    let mut directions = Vec::new();
    let mut plain = Vec::new();
    let mut values = Vec::new();
    for (k, value) in eigen.eigenvalues.iter().enumerate() {
        if *value > CUTOFF || *value < 1.0 / CUTOFF {
            let mut u = vec![0.0; stride];
            for (q, c) in basis
                .chunks_exact(stride)
                .zip(eigen.eigenvectors.column(k).iter())
            {
                add_scaled(*c, q, &mut u);
            }
            plain.extend_from_slice(&u[..dim]);
            directions.extend_from_slice(&u);
            values.push(*value);
        }
    }
    if values.is_empty() {
        return None;
    }
    let variances: Vec<f64> = scale.iter().map(|s| s * s).collect();
    let mut inverse: Vec<f64> = scale.iter().map(|s| 1.0 / s).collect();
    inverse.resize(stride, 0.0);
    Some(Many {
        metric: Metric::low_rank(&variances, &plain, &values).ok()?,
        inverse,
        directions,
        stretch: values.iter().map(|v| 1.0 / v.sqrt() - 1.0).collect(),
    })
}

/// Measures how far rows spread once they are centred and mapped; one for all candidates, as fresh
/// memory for each costs more than the arithmetic.
struct Probe {
    mapped: Vec<f64>,
    mean: Vec<f64>,
    centred: Vec<f64>,
    /// Of length 1.
    direction: Vec<f64>,
    next: Vec<f64>,
}

impl Probe {
    fn new(stride: usize) -> Self {
        Self {
            mapped: Vec::new(),
            mean: vec![0.0; stride],
            centred: vec![0.0; stride],
            direction: vec![0.0; stride],
            next: vec![0.0; stride],
        }
    }

    /// Calls `act` with each row, centred and mapped.
    fn for_each(
        &mut self,
        rows: &[&[f64]],
        map: &dyn Fn(&[f64], &mut [f64]),
        mut act: impl FnMut(&[f64]),
    ) {
        self.mean.fill(0.0);
        for row in rows {
            add_scaled(1.0 / rows.len() as f64, row, &mut self.mean);
        }
        for row in rows {
            self.centred.copy_from_slice(row);
            add_scaled(-1.0, &self.mean, &mut self.centred);
            map(&self.centred, &mut self.next);
            act(&self.next);
        }
    }

    /// `λ_max` of the covariance of mapped rows, by the power method: a lower bound, tight enough to
    /// compare metrics. Keeps the direction.
    fn principal(&mut self, rows: &[&[f64]], map: &dyn Fn(&[f64], &mut [f64])) -> f64 {
        let mut mapped = std::mem::take(&mut self.mapped);
        mapped.clear();
        mapped.reserve(rows.len() * self.next.len());
        self.for_each(rows, map, |row| mapped.extend_from_slice(row));
        let value = principal_of_rows(&mapped, POWER, &mut self.direction, &mut self.next);
        self.mapped = mapped;
        value / rows.len() as f64
    }

    /// The variance of mapped rows along the direction of the last [`principal`](Self::principal).
    fn variance_along(&mut self, rows: &[&[f64]], map: &dyn Fn(&[f64], &mut [f64])) -> f64 {
        let direction = std::mem::take(&mut self.direction);
        let mut sum = 0.0;
        self.for_each(rows, map, |row| {
            let product = dot(row, &direction);
            sum += product * product;
        });
        self.direction = direction;
        sum / (rows.len() - 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use ergodic_core::Randomness;
    use ergodic_math::rng::stream;

    use super::*;

    /// Exact draws of `N(0, F Fᵀ)` with their gradients, `x = F z`, `∇E = F⁻ᵀ z`.
    fn normal_window(factor: &DMatrix<f64>, draws: usize, seed: u64) -> Window {
        let dim = factor.nrows();
        let back = factor.clone().try_inverse().unwrap().transpose();
        let mut rng = stream(seed, 0);
        let mut window = Window::new(dim);
        for _ in 0..draws {
            let z = DMatrix::from_fn(dim, 1, |_, _| rng.normal());
            window.push((factor * &z).as_slice(), (&back * &z).as_slice(), 0.0);
        }
        window
    }

    /// `A Aᵀ`, column by column.
    fn covariance(metric: &Metric, dim: usize) -> DMatrix<f64> {
        let mut out = DMatrix::zeros(dim, dim);
        for j in 0..dim {
            let (mut e, mut h, mut v) = (vec![0.0; dim], vec![0.0; dim], vec![0.0; dim]);
            e[j] = 1.0;
            metric.whiten(&e, &mut h);
            metric.velocity(&h, &mut v);
            out.column_mut(j).copy_from_slice(&v);
        }
        out
    }

    /// Pairs on the way from a start far off are left out, wherever they are; those of a chain that has
    /// arrived stay, each with its own gradient.
    #[test]
    fn pairs_on_the_way_are_left_out() {
        let mut window = Window::new(3);
        for (i, energy) in [1e7, 300.0, 7.0, 80.5, 4.0, 81.5, 5.0, 9.0]
            .into_iter()
            .enumerate()
        {
            window.push(&[i as f64; 3], &[-(i as f64); 3], energy);
        }
        // The lowest is 4, and 50 + 10·3 above it is 84.
        assert!(window.keep_arrived());
        assert_eq!(window.energies, [7.0, 80.5, 4.0, 81.5, 5.0, 9.0]);
        let stride = window.stride();
        for (k, i) in [2.0, 3.0, 4.0, 5.0, 6.0, 7.0].into_iter().enumerate() {
            assert_eq!(window.positions[k * stride..][..3], [i; 3]);
            assert_eq!(window.gradients[k * stride..][..3], [-i; 3]);
        }
        assert_eq!(window.positions.len(), 6 * stride);
        window.push(&[0.0; 3], &[0.0; 3], -80.0);
        assert!(!window.keep_arrived());
        assert_eq!(window.energies, [-80.0]);
    }

    #[test]
    fn fit_to_a_normal_law_is_exact_with_more_draws_than_dimensions() {
        for dim in [2, 7, 30] {
            let factor = DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
                std::cmp::Ordering::Less => 0.0,
                std::cmp::Ordering::Equal => 1.0 + i as f64,
                std::cmp::Ordering::Greater => 0.9 * (1.0 + i as f64),
            });
            let window = normal_window(&factor, 3 * dim + 40, 1);
            let (metric, _) = fit(&window, &Metric::identity(), true).unwrap();
            assert_eq!(metric.name(), "dense");
            let exact = &factor * factor.transpose();
            let error = (covariance(&metric, dim) - &exact).amax() / exact.amax();
            // The prior has the weight of 10⁻⁵ draws.
            assert!(error < 1e-4, "{dim} dimensions: {error:e}");
        }
    }

    #[test]
    fn independent_normals_of_any_scales_get_a_diagonal_or_the_identity() {
        for (dim, spread) in [(10, 1.0), (10, 100.0), (300, 1.0), (300, 100.0)] {
            let scales = |i: usize| 1.0 + (spread - 1.0) * i as f64 / dim as f64;
            let factor = DMatrix::from_fn(dim, dim, |i, j| if i == j { scales(i) } else { 0.0 });
            let window = normal_window(&factor, 120, 2);
            let (metric, _) = fit(&window, &Metric::identity(), true).unwrap();
            let expected: &[&str] = if spread > 1.0 {
                &["diagonal"]
            } else {
                &["identity", "diagonal"]
            };
            assert!(
                expected.contains(&metric.name()),
                "{dim} {spread} {metric:?}"
            );
            let covariance = covariance(&metric, dim);
            for i in 0..dim {
                // V(x)/V(∇E) is σ⁴ whatever the draws.
                let ratio = covariance[(i, i)] / scales(i).powi(2);
                assert!((ratio - 1.0).abs() < 1e-9, "coordinate {i}: {ratio}");
            }
        }
    }

    #[test]
    fn one_strong_direction_in_many_dimensions_gets_a_low_rank_metric() {
        let dim = 300;
        // x = z + 19 u (u·z): variance 400 along u, else 1.
        let u = 1.0 / (dim as f64).sqrt();
        let factor = DMatrix::from_fn(dim, dim, |i, j| {
            19.0 * u * u + if i == j { 1.0 } else { 0.0 }
        });
        let window = normal_window(&factor, 120, 3);
        let (metric, stretch) = fit(&window, &Metric::identity(), true).unwrap();
        assert_eq!(metric.name(), "low rank");
        assert!(stretch > 0.1 && stretch < 10.0, "{stretch}");
        // The condition number that is left, 400 without a metric.
        let mut a = DMatrix::zeros(dim, dim);
        for j in 0..dim {
            let mut e = vec![0.0; dim];
            e[j] = 1.0;
            metric.velocity(&e, a.column_mut(j).as_mut_slice());
        }
        let left = a.lu().solve(&factor).unwrap().singular_values();
        let condition = (left.max() / left.min()).powi(2);
        // From 64 draws in 300 dimensions: less than a tenth of the 400 is left.
        assert!(condition < 40.0, "{condition}");
    }

    #[test]
    fn draws_that_do_not_move_teach_nothing() {
        let mut window = Window::new(3);
        for _ in 0..50 {
            window.push(&[1.0, 2.0, 3.0], &[0.0, 0.0, 0.0], 0.0);
        }
        assert!(
            fit(&window, &Metric::identity(), true).is_none_or(|(m, _)| m.name() == "identity")
        );
        window.keep_last(10);
        assert!(fit(&window, &Metric::identity(), true).is_none());
    }
}
