//! Metrics estimated from draws and gradients, and how they are scored.

use nalgebra::{DMatrix, SymmetricEigen};

use super::Metric;
use super::leapfrog::{add_scaled, dot};
use super::metric::padded;

/// The last positions and gradients of a warm-up, oldest first, rows padded with zeros.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Window {
    dim: usize,
    positions: Vec<f64>,
    gradients: Vec<f64>,
}

/// Pairs that a window holds at most.
const MOST_PAIRS: usize = 512;
/// Numbers that a window holds at most, where that leaves [`FEWEST_PAIRS`].
const MOST_NUMBERS: usize = 1 << 23;
const FEWEST_PAIRS: usize = 16;
/// Up to this dimension the full metric is dense.
const DENSE: usize = 128;
/// Draws that the low-rank metric uses at most.
const LOW_RANK_DRAWS: usize = 64;
/// Weight of the identity, in draws, beside the sample covariances.
const PRIOR: f64 = 1e-3;
/// Iterations of the power method.
const POWER: usize = 12;

impl Window {
    pub(crate) const fn new(dim: usize) -> Self {
        Self {
            dim,
            positions: Vec::new(),
            gradients: Vec::new(),
        }
    }

    fn stride(&self) -> usize {
        padded(self.dim)
    }

    pub(crate) fn len(&self) -> usize {
        self.positions.len() / self.stride()
    }

    pub(crate) fn push(&mut self, position: &[f64], gradient: &[f64]) {
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
    }

    /// Drops all but the last `n` pairs.
    pub(crate) fn keep_last(&mut self, n: usize) {
        let drop = self.len().saturating_sub(n) * self.stride();
        self.positions.drain(..drop);
        self.gradients.drain(..drop);
    }
}

/// Rows of numbers of which a fit or a score takes some.
struct Rows<'a> {
    stride: usize,
    positions: Vec<&'a [f64]>,
    gradients: Vec<&'a [f64]>,
}

impl<'a> Rows<'a> {
    fn of(window: &'a Window, take: impl Fn(usize) -> bool) -> Self {
        let stride = window.stride();
        let pick = |all: &'a [f64]| {
            all.chunks_exact(stride)
                .enumerate()
                .filter(|(i, _)| take(*i))
                .map(|(_, row)| row)
                .collect()
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

    /// The last `n`.
    fn last(&self, n: usize) -> Self {
        let from = self.len().saturating_sub(n);
        Self {
            stride: self.stride,
            positions: self.positions[from..].to_vec(),
            gradients: self.gradients[from..].to_vec(),
        }
    }
}

/// Means and variances of the columns.
fn moments(rows: &[&[f64]], stride: usize) -> (Vec<f64>, Vec<f64>) {
    let n = rows.len() as f64;
    let mut mean = vec![0.0; stride];
    for row in rows {
        add_scaled(1.0 / n, row, &mut mean);
    }
    let mut variance = vec![0.0; stride];
    for row in rows {
        for ((v, x), m) in variance.iter_mut().zip(*row).zip(&mean) {
            *v += (x - m) * (x - m) / n;
        }
    }
    (mean, variance)
}

/// `A`, and `A⁻¹` to score it.
struct Candidate {
    metric: Metric,
    inverse: Inverse,
}

enum Inverse {
    Identity,
    /// `1/σ`, padded.
    Diagonal(Vec<f64>),
    /// Rows of `A⁻¹`, padded.
    Dense(Vec<f64>),
    /// `1/σ`, directions, and `λ^(−½) − 1`.
    LowRank(Vec<f64>, Vec<f64>, Vec<f64>),
}

impl Inverse {
    fn apply(&self, x: &[f64], out: &mut [f64]) {
        match self {
            Self::Identity => out.copy_from_slice(x),
            Self::Diagonal(inverse) => {
                for ((o, x), s) in out.iter_mut().zip(x).zip(inverse) {
                    *o = x * s;
                }
            }
            Self::Dense(rows) => {
                for (o, row) in out.iter_mut().zip(rows.chunks_exact(x.len())) {
                    *o = dot(row, x);
                }
            }
            Self::LowRank(inverse, directions, stretch) => {
                for ((o, x), s) in out.iter_mut().zip(x).zip(inverse) {
                    *o = x * s;
                }
                for (u, s) in directions.chunks_exact(x.len()).zip(stretch) {
                    add_scaled(s * dot(u, out), u, out);
                }
            }
        }
    }
}

/// The metric that leaves the smallest condition number on held-out draws, and the factor by which
/// the step size changes from `current` to it. `None` if there is nothing to learn from.
pub(crate) fn fit(window: &Window, current: &Metric, full: bool) -> Option<(Metric, f64)> {
    let dim = window.dim;
    let learn = Rows::of(window, |i| i % 4 != 3);
    let judge = Rows::of(window, |i| i % 4 == 3).last(64);
    let all = Rows::of(window, |_| true);
    if judge.len() < 2 || learn.len() < 4 {
        return None;
    }
    let mut best: Option<(Kind, f64)> = None;
    let mut kinds = vec![Kind::Identity, Kind::Variance, Kind::Fisher];
    if full {
        kinds.push(Kind::Full);
    }
    for kind in kinds {
        let Some(candidate) = kind.fit(dim, &learn) else {
            continue;
        };
        let score = spread_of_positions(&candidate, &judge)
            * spread_of_gradients(&candidate.metric, &judge);
        if std::env::var("ERGODIC_TRACE").is_ok() {
            eprintln!("  n {} {kind:?} {score:.4}", window.len());
        }
        // A richer metric has to earn its cost and its noise.
        let better = match best {
            Some((_, other)) => score < kind.handicap() * other,
            None => true,
        };
        if score.is_finite() && better {
            best = Some((kind, score));
        }
    }
    let (kind, _) = best?;
    let metric = kind.fit(dim, &all)?.metric;
    let ratio = spread_of_gradients(current, &judge) / spread_of_gradients(&metric, &judge);
    let stretch = ratio.sqrt();
    (stretch.is_normal() && stretch > 0.0).then_some((metric, stretch))
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Identity,
    Variance,
    Fisher,
    Full,
}

impl Kind {
    const fn handicap(self) -> f64 {
        match self {
            Self::Identity | Self::Variance => 1.0,
            Self::Fisher => 1.0,
            Self::Full => 0.9,
        }
    }

    fn fit(self, dim: usize, rows: &Rows<'_>) -> Option<Candidate> {
        if matches!(self, Self::Identity) {
            return Some(Candidate {
                metric: Metric::identity(),
                inverse: Inverse::Identity,
            });
        }
        let (centre, spread) = moments(&rows.positions, rows.stride);
        if matches!(self, Self::Variance) {
            return diagonal(dim, spread);
        }
        let (slope, force) = moments(&rows.gradients, rows.stride);
        let variances: Vec<f64> = spread
            .iter()
            .zip(&force)
            .map(|(x, g)| (x / g).sqrt())
            .collect();
        if matches!(self, Self::Fisher) {
            return diagonal(dim, variances);
        }
        let scale: Vec<f64> = variances[..dim].iter().map(|v| v.sqrt()).collect();
        if !scale.iter().all(|s| s.is_normal()) {
            return None;
        }
        if dim <= DENSE {
            dense(rows, dim, &scale, &centre, &slope)
        } else {
            low_rank(&rows.last(LOW_RANK_DRAWS), dim, &scale, &centre, &slope)
        }
    }
}

fn diagonal(dim: usize, mut variances: Vec<f64>) -> Option<Candidate> {
    let stride = variances.len();
    variances.truncate(dim);
    let metric = Metric::diagonal(&variances).ok()?;
    let mut inverse: Vec<f64> = variances.iter().map(|v| 1.0 / v.sqrt()).collect();
    inverse.resize(stride, 0.0);
    Some(Candidate {
        metric,
        inverse: Inverse::Diagonal(inverse),
    })
}

/// `(Z ᵀZ + prior·I)/(n + prior)` of `n` rows.
fn covariance(rows: &DMatrix<f64>) -> DMatrix<f64> {
    let (n, m) = rows.shape();
    let mut product = rows.transpose() * rows;
    for i in 0..m {
        product[(i, i)] += PRIOR;
    }
    product / (n as f64 + PRIOR)
}

/// The factor `L⁻ᵀ W Λ^¼` of the solution of `Σ G Σ = X`, and its inverse: with `G = L Lᵀ` and
/// `Lᵀ X L = W Λ Wᵀ` it is `Σ = L⁻ᵀ W Λ^½ Wᵀ L⁻¹`.
fn geometric_mean(x: &DMatrix<f64>, g: DMatrix<f64>) -> Option<(DMatrix<f64>, DMatrix<f64>)> {
    let l = g.cholesky()?.l();
    let lt = l.transpose();
    let middle = &lt * x * &l;
    let eigen = SymmetricEigen::try_new(middle, f64::EPSILON, 0)?;
    let mut inverse = eigen.eigenvectors.transpose() * &lt;
    let mut factor = lt.solve_upper_triangular(&eigen.eigenvectors)?;
    for (i, value) in eigen.eigenvalues.iter().enumerate() {
        if !(value.is_normal() && *value > 0.0) {
            return None;
        }
        let root = value.sqrt().sqrt();
        factor.column_mut(i).scale_mut(root);
        inverse.row_mut(i).scale_mut(1.0 / root);
    }
    Some((factor, inverse))
}

fn dense(
    rows: &Rows<'_>,
    dim: usize,
    scale: &[f64],
    centre: &[f64],
    slope: &[f64],
) -> Option<Candidate> {
    let n = rows.len();
    let x = DMatrix::from_fn(n, dim, |i, j| (rows.positions[i][j] - centre[j]) / scale[j]);
    let g = DMatrix::from_fn(n, dim, |i, j| (rows.gradients[i][j] - slope[j]) * scale[j]);
    let (mut factor, inverse) = geometric_mean(&covariance(&x), covariance(&g))?;
    for (i, s) in scale.iter().enumerate() {
        factor.row_mut(i).scale_mut(*s);
    }
    let mut padded_inverse = vec![0.0; dim * rows.stride];
    for (i, row) in padded_inverse.chunks_exact_mut(rows.stride).enumerate() {
        for j in 0..dim {
            row[j] = inverse[(i, j)] / scale[j];
        }
    }
    Some(Candidate {
        metric: Metric::factor(&factor).ok()?,
        inverse: Inverse::Dense(padded_inverse),
    })
}

/// Eigenvalues between the inverse of this and this are as good as 1.
const CUTOFF: f64 = 1.5;

fn low_rank(
    rows: &Rows<'_>,
    dim: usize,
    scale: &[f64],
    centre: &[f64],
    slope: &[f64],
) -> Option<Candidate> {
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
    let (factor, _) = geometric_mean(&covariance(&project(x)), covariance(&project(g)))?;
    let eigen = SymmetricEigen::try_new(&factor * factor.transpose(), f64::EPSILON, 0)?;
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
    Some(Candidate {
        metric: Metric::low_rank(&variances, &plain, &values).ok()?,
        inverse: Inverse::LowRank(
            inverse,
            directions,
            values.iter().map(|v| 1.0 / v.sqrt() - 1.0).collect(),
        ),
    })
}

/// `λ_max` of the covariance of `A⁻¹x`.
fn spread_of_positions(candidate: &Candidate, rows: &Rows<'_>) -> f64 {
    largest(&rows.positions, rows.stride, |x, out| {
        candidate.inverse.apply(x, out);
    })
}

/// `λ_max` of the covariance of `Aᵀ∇E`.
fn spread_of_gradients(metric: &Metric, rows: &Rows<'_>) -> f64 {
    largest(&rows.gradients, rows.stride, |g, out| metric.whiten(g, out))
}

/// The largest eigenvalue of the covariance of mapped rows, by the power method on their Gram
/// matrix: a lower bound, tight enough to compare metrics.
fn largest(rows: &[&[f64]], stride: usize, map: impl Fn(&[f64], &mut [f64])) -> f64 {
    let n = rows.len();
    let (mean, _) = moments(rows, stride);
    let mut centred = vec![0.0; stride];
    let mut mapped = vec![0.0; n * stride];
    for (row, out) in rows.iter().zip(mapped.chunks_exact_mut(stride)) {
        for ((c, x), m) in centred.iter_mut().zip(*row).zip(&mean) {
            *c = x - m;
        }
        map(&centred, out);
    }
    // The longest row is a fair first guess of the direction.
    let square = |row: &[f64]| dot(row, row);
    let longest = mapped
        .chunks_exact(stride)
        .map(square)
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((start, _)) = longest else {
        return f64::NAN;
    };
    let mut direction = mapped[start * stride..(start + 1) * stride].to_vec();
    let mut value = 0.0;
    for _ in 0..POWER {
        let size = square(&direction).sqrt();
        let unit: Vec<f64> = direction.iter().map(|d| d / size).collect();
        direction.fill(0.0);
        for row in mapped.chunks_exact(stride) {
            add_scaled(dot(row, &unit) / n as f64, row, &mut direction);
        }
        value = square(&direction).sqrt();
    }
    value
}
