//! Conditional maximum entropy: multinomial logistic regression, from moments of labelled data.

use std::fmt;

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::elementary::exp_slice;
use ergodic_math::gemm::{MatRef, gemm};
use nalgebra::{DMatrix, DVector};

use super::Constraint;
use super::descent::{Ask, Dual, Ending, Point, minimise};

/// How closely the moments of a feature with each class are to be met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relaxation {
    /// Exactly: no penalty on its multipliers.
    Exact,
    /// To within this, above 0: an L1 penalty.
    Within(f64),
    /// With a penalty of half a nat for this much off, above 0: an L2 penalty.
    Near(f64),
}

/// Why no conditional law was found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConditionalMaximumEntropyError {
    /// An argument outside its domain.
    Argument(ArgumentError),
    /// Features without penalty separate classes: along a direction `v` the likelihood grows, or stays,
    /// for every row, without end (Albert and Anderson, *Biometrika* 71, 1984). A penalty helps.
    Separable {
        /// `v`, a column per class: `(v_y − v_z)·x ≥ 0` for every row `x` of class `y` and every other
        /// class `z`; of largest entry 1.
        direction: DMatrix<f64>,
        /// The least of these numbers. Above 0 every row is told from every other class (complete
        /// separation); 0, but for rounding, if some rows are on the border.
        margin: f64,
    },
    /// The iteration ended with this duality gap, in nats: with exact features of more than 500 unknowns perhaps
    /// because some rows are separated and others are on the border.
    NotConverged {
        /// The gap.
        gap: f64,
    },
}

impl fmt::Display for ConditionalMaximumEntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(error) => error.fmt(f),
            Self::Separable { margin, .. } => write!(
                f,
                "features without penalty separate the classes, with a least margin of {margin:e}: \
                 their multipliers have no end"
            ),
            Self::NotConverged { gap } => write!(f, "ended with a duality gap of {gap:e} nats"),
        }
    }
}

impl std::error::Error for ConditionalMaximumEntropyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Argument(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ArgumentError> for ConditionalMaximumEntropyError {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}

/// The conditional law of a class of largest entropy, over the rows of the data, whose moments of each
/// feature with each class are those of the data: multinomial logistic regression.
///
/// It is `p(y|x) ∝ exp(λ_y·x)`. With `n` rows, `E[f 1_y] = (1/n) Σᵢ p(y|xᵢ) fᵢ` is to be
/// `(1/n) Σᵢ 1[yᵢ = y] fᵢ`, for each feature exactly, to within a radius, or with a penalty. The
/// multipliers minimise the mean log-loss with an L1 and an L2 part (Berger, Della Pietra and Della Pietra,
/// *Comput. Linguist.* 22, 1996): without penalty the largest entropy is the least log-loss. An intercept is a
/// feature that is 1.
///
/// By truncated Newton steps; cost of each some dozen times `O(n d k)` for `d` features and `k` classes,
/// memory two matrices of the size of the data and some of `n k`.
///
/// Complete separation of the classes is found at any size: some step gets every row right. Where some rows stay
/// on the border (quasi-separation), the direction in which the multipliers run off has to be freed of rounding,
/// which is done for up to 500 unknowns `d k`; above, it is taken as it is. Either way it is checked row by row
/// before it is called a separation, and what does not pass is `NotConverged`: a claim of separation is right,
/// and none is made of a law whose multipliers run off; above 500 unknowns only its name may be missing.
///
/// ```
/// use ergodic_expfam::{ConditionalMaximumEntropy, Relaxation};
/// use nalgebra::DMatrix;
///
/// // 4 rows without and 4 with a sign: 1 and 3 of them are of class 1. The multiplier of the sign is
/// // the log of the odds ratio, 9.
/// let rows = DMatrix::from_fn(8, 2, |i, j| if j == 0 || i >= 4 { 1.0 } else { 0.0 });
/// let classes = [1, 0, 0, 0, 1, 1, 1, 0];
/// let law = ConditionalMaximumEntropy::new(rows, &classes, 2)?.solve(&[Relaxation::Exact; 2])?;
/// let sign = law.multipliers[(1, 1)] - law.multipliers[(1, 0)];
/// assert!((sign - 9f64.ln()).abs() < 1e-9);
/// assert!((law.log_loss - law.entropy).abs() < 1e-12);
/// # Ok::<(), ergodic_expfam::ConditionalMaximumEntropyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionalMaximumEntropy {
    rows: DMatrix<f64>,
    /// The entries squared, for the diagonal of the Hessian.
    squares: DMatrix<f64>,
    labels: Vec<usize>,
    /// Of the data: a column per class.
    moments: DMatrix<f64>,
    tolerance: f64,
}

/// A conditional law of maximum entropy.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionalLaw {
    /// `λ`, a row per feature and a column per class. Of features that are exact only differences between
    /// classes count; they sum to 0.
    pub multipliers: DMatrix<f64>,
    /// The mean of `−log p(yᵢ|xᵢ)` over the data, in nats.
    pub log_loss: f64,
    /// The mean over the data of the entropy of `p(·|xᵢ)`, in nats.
    pub entropy: f64,
    /// The value of the primal less that of the dual, in nats.
    pub gap: f64,
    /// By how much the worst hard constraint is still missed.
    pub violation: f64,
    /// Newton steps.
    pub iterations: usize,
}

impl ConditionalLaw {
    /// `p(y|x)` for rows `x`: a row each, a column per class.
    ///
    /// # Errors
    /// If the rows do not have as many features, or an entry is not finite.
    pub fn predict(&self, rows: &DMatrix<f64>) -> Result<DMatrix<f64>, ArgumentError> {
        if rows.ncols() != self.multipliers.nrows() {
            return Err(ArgumentError::new(
                "rows",
                format!("of {} features", rows.ncols()),
                format!("of {} features", self.multipliers.nrows()),
            ));
        }
        check_finite(rows)?;
        let mut p = product(rows, &self.multipliers);
        normalise(&mut p);
        Ok(p)
    }
}

fn check_finite(rows: &DMatrix<f64>) -> Result<(), ArgumentError> {
    match rows.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let (row, feature) = (at % rows.nrows(), at / rows.nrows());
            Err(ArgumentError::new(
                "rows",
                format!("{} at row {row}, feature {feature}", rows[at]),
                "finite",
            ))
        }
    }
}

/// `A B`, of shapes that fit.
fn product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(a.nrows(), b.ncols());
    let done = gemm(1.0, a, b, 0.0, &mut out);
    debug_assert!(done.is_ok(), "the shapes fit");
    out
}

/// `Aᵀ B/n`, of shapes that fit.
fn moments(rows: &DMatrix<f64>, weights: &DMatrix<f64>) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(rows.ncols(), weights.ncols());
    let scale = 1.0 / rows.nrows() as f64;
    let done = gemm(scale, MatRef::from(rows).t(), weights, 0.0, &mut out);
    debug_assert!(done.is_ok(), "the shapes fit");
    out
}

/// Turns each row of logits into a law; their log-partitions.
fn normalise(logits: &mut DMatrix<f64>) -> Vec<f64> {
    let n = logits.nrows();
    let mut top = vec![f64::NEG_INFINITY; n];
    for column in logits.as_slice().chunks(n) {
        for (t, x) in top.iter_mut().zip(column) {
            *t = t.max(*x);
        }
    }
    for column in logits.as_mut_slice().chunks_mut(n) {
        for (x, t) in column.iter_mut().zip(&top) {
            *x -= t;
        }
    }
    exp_slice(logits.as_mut_slice());
    let mut sums = vec![0.0; n];
    for column in logits.as_slice().chunks(n) {
        for (s, x) in sums.iter_mut().zip(column) {
            *s += x;
        }
    }
    for column in logits.as_mut_slice().chunks_mut(n) {
        for (x, s) in column.iter_mut().zip(&sums) {
            *x /= s;
        }
    }
    (top.iter().zip(sums))
        .map(|(t, s)| t + Real::ln(s))
        .collect()
}

impl ConditionalMaximumEntropy {
    /// Of data: a row of features each, with its class, a number below `classes`.
    ///
    /// # Errors
    /// If there are no rows or features or fewer than two classes, an entry is not finite, or the labels are
    /// not one per row below the number of classes.
    pub fn new(
        rows: DMatrix<f64>,
        labels: &[usize],
        classes: usize,
    ) -> Result<Self, ArgumentError> {
        let (n, d) = rows.shape();
        if n == 0 || d == 0 {
            return Err(ArgumentError::new(
                "rows",
                format!("a {n} × {d} matrix"),
                "of at least one row and one feature",
            ));
        }
        check_finite(&rows)?;
        if classes < 2 {
            return Err(ArgumentError::new("classes", classes, "at least 2"));
        }
        if labels.len() != n {
            return Err(ArgumentError::new(
                "labels",
                format!("a list of {}", labels.len()),
                format!("one per row, {n}"),
            ));
        }
        if let Some(row) = labels.iter().position(|y| *y >= classes) {
            return Err(ArgumentError::new(
                "labels",
                format!("{} at row {row}", labels[row]),
                format!("below the number of classes, {classes}"),
            ));
        }
        let mut ones = DMatrix::zeros(n, classes);
        for (row, label) in labels.iter().enumerate() {
            ones[(row, *label)] = 1.0;
        }
        Ok(Self {
            moments: moments(&rows, &ones),
            squares: rows.map(|x| x * x),
            rows,
            labels: labels.to_vec(),
            tolerance: 1e-11,
        })
    }

    /// How exactly the conditions of Kuhn and Tucker are to be met, in units of the size of each feature;
    /// 1e-11 unless said otherwise.
    ///
    /// # Errors
    /// If it is not between 1e-13, where rounding rules, and 1e-2.
    pub fn tolerance(mut self, tolerance: f64) -> Result<Self, ArgumentError> {
        if !(1e-13..=1e-2).contains(&tolerance) {
            return Err(ArgumentError::new(
                "tolerance",
                tolerance,
                "from 1e-13 to 0.01",
            ));
        }
        self.tolerance = tolerance;
        Ok(self)
    }

    /// The law whose moments of each feature are met so, with every class.
    ///
    /// # Errors
    /// If there is not one relaxation per feature or one is not finite and above 0, exact features separate
    /// the classes, or the iteration does not converge.
    pub fn solve(
        &self,
        relaxations: &[Relaxation],
    ) -> Result<ConditionalLaw, ConditionalMaximumEntropyError> {
        let (d, k) = self.moments.shape();
        if relaxations.len() != d {
            return Err(ArgumentError::new(
                "relaxations",
                format!("a list of {}", relaxations.len()),
                format!("one per feature, {d}"),
            )
            .into());
        }
        for (j, relaxation) in relaxations.iter().enumerate() {
            if let Relaxation::Within(size) | Relaxation::Near(size) = relaxation
                && !(*size > 0.0 && size.is_finite())
            {
                return Err(ArgumentError::new(
                    "relaxations",
                    format!("{relaxation:?} for feature {j}"),
                    "finite and above 0",
                )
                .into());
            }
        }
        let constraints: Vec<Constraint> = (self.moments.iter().enumerate())
            .map(|(at, centre)| match relaxations[at % d] {
                Relaxation::Exact => Constraint::Equal(*centre),
                Relaxation::Within(radius) => Constraint::Within {
                    centre: *centre,
                    radius,
                },
                Relaxation::Near(sd) => Constraint::Near {
                    centre: *centre,
                    sd,
                },
            })
            .collect();
        let reach: Vec<f64> = self.rows.column_iter().map(|x| x.amax()).collect();
        let ask = Ask {
            constraints: &constraints,
            scales: &reach.repeat(k),
            tolerance: self.tolerance,
            largest: Real::ln(k as f64),
            // Moments are data's own, so that no constraint is out of reach.
            soft: if constraints.iter().any(|c| c.variance() > 0.0) {
                f64::INFINITY
            } else {
                0.0
            },
        };
        let exact: Vec<bool> = relaxations
            .iter()
            .map(|r| *r == Relaxation::Exact)
            .collect();
        let all_exact = exact.iter().all(|e| *e);
        let empty = DMatrix::zeros(self.rows.nrows(), k);
        let (answer, ending) = minimise(self, &ask, (empty.clone(), empty), |_, probabilities| {
            all_exact && self.all_right(probabilities)
        });
        let matrix = |v: &[f64]| DMatrix::from_column_slice(d, k, v);
        match ending {
            Ending::Settled => {}
            Ending::Stuck if ask.residual(&answer.at) <= 1e-9 => {}
            Ending::Stopped => return Err(self.separable(matrix(&answer.at.lambda))),
            Ending::Far { direction, .. } => {
                let direction = self.polished(matrix(&direction), &exact);
                return Err(direction.map_or(
                    ConditionalMaximumEntropyError::NotConverged { gap: answer.gap },
                    |direction| self.separable(direction),
                ));
            }
            Ending::Stuck | Ending::Unbounded(_) => {
                return Err(ConditionalMaximumEntropyError::NotConverged { gap: answer.gap });
            }
        }
        let mut multipliers = matrix(&answer.at.lambda);
        let log_loss = answer.at.log_partition - multipliers.dot(&self.moments);
        let products = multipliers.dot(&matrix(&answer.at.moments));
        for (mut row, exact) in multipliers.row_iter_mut().zip(&exact) {
            if *exact {
                let mean = row.mean();
                row.add_scalar_mut(-mean);
            }
        }
        Ok(ConditionalLaw {
            multipliers,
            log_loss: log_loss.max(0.0), // of probabilities: only rounding makes it negative
            entropy: (answer.at.log_partition - products).max(0.0),
            gap: answer.gap,
            violation: answer.violation,
            iterations: answer.iterations,
        })
    }

    /// Whether each row has its class for the likeliest, by itself.
    fn all_right(&self, probabilities: &DMatrix<f64>) -> bool {
        self.labels.iter().enumerate().all(|(i, y)| {
            let p = probabilities[(i, *y)];
            (0..probabilities.ncols()).all(|z| z == *y || probabilities[(i, z)] < p)
        })
    }

    /// The margins of a direction: by row and other class.
    fn margins(&self, direction: &DMatrix<f64>) -> Vec<(usize, usize, f64)> {
        let scores = product(&self.rows, direction);
        let classes = direction.ncols();
        let rows = self.labels.iter().enumerate();
        rows.flat_map(|(i, y)| {
            let scores = &scores;
            (0..classes)
                .filter(move |z| z != y)
                .map(move |z| (i, z, scores[(i, *y)] - scores[(i, z)]))
        })
        .collect()
    }

    fn separable(&self, direction: DMatrix<f64>) -> ConditionalMaximumEntropyError {
        let direction = &direction / direction.amax().max(f64::MIN_POSITIVE);
        let margins = self.margins(&direction);
        ConditionalMaximumEntropyError::Separable {
            margin: margins.iter().fold(f64::INFINITY, |m, (.., x)| m.min(*x)),
            direction,
        }
    }

    /// From a step that goes far to a direction of separation: rows on the border are moved onto it
    /// exactly. None if there is no such direction near.
    fn polished(&self, direction: DMatrix<f64>, exact: &[bool]) -> Option<DMatrix<f64>> {
        /// More unknowns than this are left as they are.
        const MOST: usize = 500;
        /// Margins below this part of the largest are on the border.
        const BORDER: f64 = 1e-2;
        let (d, k) = direction.shape();
        let mut direction = direction;
        for (mut row, exact) in direction.row_iter_mut().zip(exact) {
            if !exact {
                row.fill(0.0);
            }
        }
        let largest = |margins: &[(usize, usize, f64)]| {
            margins.iter().fold(0.0f64, |m, (.., x)| m.max(x.abs()))
        };
        let margins = self.margins(&direction);
        let top = largest(&margins);
        if d * k <= MOST {
            // The span of what has to vanish, by its Gram matrix, features in units of their reach.
            let reach: Vec<f64> = (self.rows.column_iter())
                .map(|x| x.amax().max(f64::MIN_POSITIVE))
                .collect();
            let mut gram = DMatrix::<f64>::zeros(d * k, d * k);
            for (i, z, margin) in &margins {
                if margin.abs() > BORDER * top {
                    continue;
                }
                let mut a = DVector::zeros(d * k);
                for j in (0..d).filter(|j| exact[*j]) {
                    let x = self.rows[(*i, j)] / reach[j];
                    a[self.labels[*i] * d + j] = x;
                    a[z * d + j] = -x;
                }
                gram.ger(1.0, &a, &a, 1.0);
            }
            let eigen = gram.symmetric_eigen();
            let limit = 1e-10 * eigen.eigenvalues.amax();
            let scaled = |at: usize| direction.as_slice()[at] * reach[at % d];
            let mut v = DVector::from_fn(d * k, |at, _| scaled(at));
            for (value, vector) in eigen
                .eigenvalues
                .iter()
                .zip(eigen.eigenvectors.column_iter())
            {
                if *value > limit {
                    let along = vector.dot(&v);
                    v.axpy(-along, &vector, 1.0);
                }
            }
            direction = DMatrix::from_fn(d, k, |j, y| v[y * d + j] / reach[j]);
        }
        let margins = self.margins(&direction);
        let top = largest(&margins);
        let holds = top > 0.0 && margins.iter().all(|(.., m)| *m >= -1e-9 * top);
        holds.then_some(direction)
    }
}

impl Dual for ConditionalMaximumEntropy {
    /// The probabilities of the classes, a row per row.
    type Cache = DMatrix<f64>;

    fn evaluate(&self, lambda: &[f64], cache: &mut DMatrix<f64>, out: &mut [f64]) -> f64 {
        let (d, k) = self.moments.shape();
        *cache = product(&self.rows, &DMatrix::from_column_slice(d, k, lambda));
        let log_partitions = normalise(cache);
        out.copy_from_slice(moments(&self.rows, cache).as_slice());
        ergodic_math::reduce::sum(&log_partitions) / self.rows.nrows() as f64
    }

    fn settle(&self, _: &Point, cache: &mut DMatrix<f64>, diagonal: &mut [f64]) {
        let variances = cache.map(|p| p * (1.0 - p));
        diagonal.copy_from_slice(moments(&self.squares, &variances).as_slice());
    }

    fn product(&self, _: &Point, cache: &DMatrix<f64>, vector: &[f64], out: &mut [f64]) -> f64 {
        let (d, k) = self.moments.shape();
        let mut scores = product(&self.rows, &DMatrix::from_column_slice(d, k, vector));
        let n = scores.nrows();
        let mut means = vec![0.0; n];
        for (scores, p) in scores.as_slice().chunks(n).zip(cache.as_slice().chunks(n)) {
            for ((m, s), p) in means.iter_mut().zip(scores).zip(p) {
                *m += p * s;
            }
        }
        let columns = scores.as_mut_slice().chunks_mut(n);
        let mut curvature = 0.0;
        for (scores, p) in columns.zip(cache.as_slice().chunks(n)) {
            for ((s, m), p) in scores.iter_mut().zip(&means).zip(p) {
                let off = *s - m;
                *s = p * off;
                curvature += *s * off;
            }
        }
        out.copy_from_slice(moments(&self.rows, &scores).as_slice());
        curvature / n as f64
    }
}
