//! Normal laws: entropies, divergences and informations in closed form, and their estimators.

mod autoregression;
mod cholesky;
mod entropy;
mod log_determinant;
mod mutual;

use ergodic_core::{Bias, Estimate};
use ergodic_math::Real;
use ergodic_math::special::x_minus_ln_1p;
use nalgebra::{DMatrix, SymmetricEigen};

use crate::inference::{Resample, attach};
use crate::{Estimator, Inference, InfoError, Information, IntervalSource};
pub use autoregression::VectorAutoregression;
use cholesky::{Cholesky, transposed};
pub use entropy::GaussianEntropy;
pub use mutual::{GaussianConditionalMutualInformation, GaussianMutualInformation};

/// `log 2π`.
const LN_2PI: f64 = 2.0 * ergodic_math::special::HALF_LN_2PI;

/// How far two entries of a covariance that should agree may differ, relative to `√(Σᵢᵢ Σⱼⱼ)`.
const ASYMMETRY: f64 = 1e-9;

/// A normal law `N(μ, Σ)` on ℝᵈ with positive definite covariance.
///
/// All information quantities of normal laws are in closed form, by log-determinants from Cholesky
/// factors; `O(d³)` each. Data that only look normal have others: an entropy or mutual information
/// from second moments is a bound or a guess, not the quantity itself (of all laws with covariance
/// `Σ` the normal one has the largest entropy).
///
/// ```
/// use ergodic_info::gaussian::Gaussian;
///
/// let p = Gaussian::new([0.0, 0.0], [1.0, 0.9, 0.9, 1.0])?;
/// // −½ log(1 − ρ²)
/// assert!((p.mutual_information(&[0], &[1])?.nats() - 0.8303656034108254).abs() < 1e-14);
/// let q = Gaussian::new([0.0, 0.0], [1.0, 0.0, 0.0, 1.0])?;
/// // The mutual information is the divergence from the product of the marginals.
/// assert!((p.kullback_leibler(&q)?.nats() - 0.8303656034108254).abs() < 1e-14);
/// assert!(Gaussian::new([0.0, 0.0], [1.0, 1.0, 1.0, 1.0]).is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gaussian {
    mean: Vec<f64>,
    /// Row-major, exactly symmetric.
    covariance: Vec<f64>,
    factor: Cholesky,
}

/// The pieces of a divergence between two normal laws in the frame where `q` is standard:
/// `L_q⁻¹ Σp L_q⁻ᵀ = I + V diag(e) Vᵀ` and `u = Vᵀ L_q⁻¹ (μp − μq)`.
struct Relative {
    excess: Vec<f64>,
    shift: Vec<f64>,
    /// `log(1 + eᵢ)` summed, from the Cholesky factors: right where some `1 + eᵢ` is tiny.
    log_ratio: f64,
}

impl Gaussian {
    /// The law of this mean, `d` numbers, and covariance, `d × d` numbers by rows.
    ///
    /// # Errors
    /// If there is no coordinate, lengths do not fit, an entry is not finite, the covariance is not
    /// symmetric (the entries are named) or not positive definite (the coordinate is named that
    /// those before it determine, up to rounding).
    pub fn new(
        mean: impl Into<Vec<f64>>,
        covariance: impl Into<Vec<f64>>,
    ) -> Result<Self, InfoError> {
        let (mean, mut covariance) = (mean.into(), covariance.into());
        let d = mean.len();
        if d == 0 {
            return Err(InfoError::argument(
                "mean",
                "an empty list",
                "at least one coordinate",
            ));
        }
        if let Some(i) = mean.iter().position(|m| !m.is_finite()) {
            return Err(InfoError::argument(
                "mean",
                format!("{} at coordinate {i}", mean[i]),
                "finite",
            ));
        }
        check_symmetric("covariance", &mut covariance, d)?;
        let factor = Cholesky::new(&covariance, d).map_err(|i| singular("covariance", i))?;
        Ok(Self {
            mean,
            covariance,
            factor,
        })
    }

    /// The law with this covariance and mean 0.
    ///
    /// # Errors
    /// As [`new`](Self::new); the list must hold a square number of entries.
    pub fn centred(covariance: impl Into<Vec<f64>>) -> Result<Self, InfoError> {
        let covariance = covariance.into();
        let d = covariance.len().isqrt();
        if d * d != covariance.len() {
            return Err(InfoError::argument(
                "covariance",
                format!("a list of {} numbers", covariance.len()),
                "a square matrix by rows",
            ));
        }
        Self::new(vec![0.0; d], covariance)
    }

    /// The number of coordinates.
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// `μ`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// `Σ` by rows.
    pub fn covariance(&self) -> &[f64] {
        &self.covariance
    }

    /// `log |Σ|`.
    pub fn log_determinant(&self) -> f64 {
        self.factor.log_determinant()
    }

    /// The law of these coordinates, in this order.
    ///
    /// # Errors
    /// If there are none, one does not exist, or one is named twice.
    pub fn marginal(&self, coordinates: &[usize]) -> Result<Self, InfoError> {
        self.check_groups(&[("coordinates", coordinates)])?;
        Self::new(
            coordinates
                .iter()
                .map(|i| self.mean[*i])
                .collect::<Vec<_>>(),
            submatrix(&self.covariance, self.dim(), coordinates),
        )
    }

    /// The differential entropy `½ log((2πe)ᵈ |Σ|)`.
    ///
    /// Relative to Lebesgue measure: it depends on the units of the coordinates and may be negative.
    /// Cover and Thomas, *Elements of Information Theory*, 2nd ed., theorem 8.4.1. Not a measure of
    /// uncertainty by itself: only differences at equal units mean something.
    pub fn entropy(&self) -> Information {
        let d = self.dim() as f64;
        Information::from_nats(0.5 * (d * (1.0 + LN_2PI) + self.log_determinant()))
    }

    /// The Rényi entropy `½ log((2π)ᵈ |Σ|) + (d/2) log α/(α − 1)`, `α > 0`; `α = 1` is
    /// [`entropy`](Self::entropy), `α = ∞` minus the log of the largest density, and `α = 0`, the
    /// log of the volume of the support, infinite.
    ///
    /// # Errors
    /// If the order is negative or NaN.
    pub fn renyi_entropy(&self, order: f64) -> Result<Information, InfoError> {
        check_order(order)?;
        let d = self.dim() as f64;
        // log α/(α − 1) is log1p(x)/x at x = α − 1.
        let x = order - 1.0;
        let term = if order == 0.0 {
            return Ok(Information::from_nats(f64::INFINITY));
        } else if order == f64::INFINITY {
            0.0
        } else if x == 0.0 {
            1.0
        } else {
            Real::ln_1p(x) / x
        };
        Ok(Information::from_nats(
            0.5 * (d * (LN_2PI + term) + self.log_determinant()),
        ))
    }

    /// The cross entropy `−E_p log q = h(p) + KL(p‖q)`, `p` being `self`.
    ///
    /// # Errors
    /// If the dimensions differ.
    pub fn cross_entropy(&self, q: &Self) -> Result<Information, InfoError> {
        Ok(self.entropy() + self.kullback_leibler(q)?)
    }

    /// The Kullback–Leibler divergence
    /// `KL(p‖q) = ½ [tr(Σq⁻¹Σp) − d − log |Σq⁻¹Σp| + (μp − μq)ᵀ Σq⁻¹ (μp − μq)]`, `p` being `self`.
    ///
    /// It is summed over the eigenvalues `1 + e` of `Σq⁻¹Σp` as `½ Σ [e − log(1 + e)]`, each term at
    /// least 0: near-equal laws keep a relative accuracy of about `ε·|Σp|/|Σp − Σq|`, where the
    /// formula as written cancels. Cover and Thomas, §8.5. `O(d³)`. Not for laws that are not
    /// normal: by moments alone it is no bound in either direction.
    ///
    /// # Errors
    /// If the dimensions differ.
    pub fn kullback_leibler(&self, q: &Self) -> Result<Information, InfoError> {
        Ok(Information::from_nats(self.relative_to(q)?.divergence(1.0)))
    }

    /// The Rényi divergence of order `α`,
    /// `½ α Δᵀ Σ*⁻¹ Δ − log(|Σ*| / (|Σp|^{1−α} |Σq|^α)) / (2(α − 1))`, `Σ* = α Σq + (1 − α) Σp`, and
    /// infinite where `Σ*` is not positive definite, which can be only for `α > 1`.
    ///
    /// `α = 1` is [`kullback_leibler`](Self::kullback_leibler), `α = 0` is 0, `α = ∞` the largest
    /// log-ratio of the densities. Gil, Alajaji and Linder, *Information Sciences* 249 (2013),
    /// table 2. Near-equal laws and orders near 1 keep their digits, as in `kullback_leibler`.
    ///
    /// # Errors
    /// If the order is negative or NaN, or the dimensions differ.
    pub fn renyi_divergence(&self, q: &Self, order: f64) -> Result<Information, InfoError> {
        check_order(order)?;
        Ok(Information::from_nats(
            self.relative_to(q)?.divergence(order),
        ))
    }

    /// The Bhattacharyya distance `−log ∫ √(p q)`, half the Rényi divergence of order ½; symmetric.
    ///
    /// # Errors
    /// If the dimensions differ.
    pub fn bhattacharyya(&self, q: &Self) -> Result<Information, InfoError> {
        Ok(self.renyi_divergence(q, 0.5)? * 0.5)
    }

    /// The squared Hellinger distance `½ ∫ (√p − √q)² = 1 − ∫ √(p q)`, in `[0, 1]`; symmetric.
    ///
    /// # Errors
    /// If the dimensions differ.
    pub fn squared_hellinger(&self, q: &Self) -> Result<f64, InfoError> {
        Ok(-Real::exp_m1(-self.bhattacharyya(q)?.nats()))
    }

    /// The mutual information `I(X; Y) = −½ Σ log(1 − ρᵢ²)` between two groups of coordinates, by
    /// their canonical correlations `ρᵢ`.
    ///
    /// Exactly 0 where all covariances between the groups are 0. Cover and Thomas, example 8.5.1;
    /// Kullback, *Information Theory and Statistics*, 1959, ch. 9. On data that are not normal this
    /// is neither an upper nor a lower bound of the mutual information: it sees second moments only.
    ///
    /// # Errors
    /// If a group is empty, a coordinate does not exist, or is named twice.
    pub fn mutual_information(&self, x: &[usize], y: &[usize]) -> Result<Information, InfoError> {
        self.check_groups(&[("x", x), ("y", y)])?;
        let squares = canonical_correlations(&self.covariance, self.dim(), x, y, &[])
            .map_err(|i| singular("covariance", i))?;
        Ok(information_of(&squares))
    }

    /// The conditional mutual information `I(X; Y | Z)`: that of the partial canonical correlations,
    /// from the covariance of `X` and `Y` given `Z`. An empty `z` gives the mutual information.
    ///
    /// # Errors
    /// If `x` or `y` is empty, a coordinate does not exist, or is named twice.
    pub fn conditional_mutual_information(
        &self,
        x: &[usize],
        y: &[usize],
        z: &[usize],
    ) -> Result<Information, InfoError> {
        self.check_groups(&[("x", x), ("y", y)])?;
        if !z.is_empty() {
            self.check_groups(&[("x", x), ("y", y), ("z", z)])?;
        }
        let squares = canonical_correlations(&self.covariance, self.dim(), x, y, z)
            .map_err(|i| singular("covariance", i))?;
        Ok(information_of(&squares))
    }

    /// The total correlation `Σ h(Xᵢ) − h(X) = −½ log |R|`, `R` the correlation matrix; 0 exactly
    /// where it is the identity. Watanabe, *IBM J.* 4 (1960).
    pub fn total_correlation(&self) -> Information {
        Information::from_nats(-0.5 * self.factor.log_determinant_of_correlation())
    }

    fn check_groups(&self, groups: &[(&'static str, &[usize])]) -> Result<(), InfoError> {
        let mut taken = vec![false; self.dim()];
        for (name, group) in groups {
            if group.is_empty() {
                return Err(InfoError::argument(
                    name,
                    "an empty group",
                    "at least one coordinate",
                ));
            }
            for i in *group {
                match taken.get_mut(*i) {
                    None => {
                        return Err(InfoError::argument(
                            name,
                            format!("a group with coordinate {i}"),
                            format!("of coordinates below {}", self.dim()),
                        ));
                    }
                    Some(true) => {
                        return Err(InfoError::argument(
                            name,
                            format!("a group with coordinate {i}, which was named before"),
                            "of coordinates that are named once",
                        ));
                    }
                    Some(free) => *free = true,
                }
            }
        }
        Ok(())
    }

    fn relative_to(&self, q: &Self) -> Result<Relative, InfoError> {
        let d = self.dim();
        if q.dim() != d {
            return Err(InfoError::argument(
                "q",
                format!("a law on {} coordinates", q.dim()),
                format!("a law on {d}, as the first"),
            ));
        }
        let difference: Vec<f64> = self
            .covariance
            .iter()
            .zip(&q.covariance)
            .map(|(a, b)| a - b)
            .collect();
        let excess = q.factor.whiten(&difference);
        let eigen = eigen(&excess, d)?;
        let mut white: Vec<f64> = self.mean.iter().zip(&q.mean).map(|(a, b)| a - b).collect();
        q.factor.solve_lower(&mut white);
        let shift = (0..d)
            .map(|j| (0..d).map(|i| eigen.eigenvectors[(i, j)] * white[i]).sum())
            .collect();
        Ok(Relative {
            excess: eigen.eigenvalues.iter().copied().collect(),
            shift,
            log_ratio: self.log_determinant() - q.log_determinant(),
        })
    }
}

impl Relative {
    /// The Rényi divergence of this order, at least 0. Per eigenvalue, with `β = 1 − α` and
    /// `f(x) = x − log(1 + x)`: `½ [f(e) − f(βe)/β] + ½ α u²/(1 + βe)`.
    fn divergence(&self, order: f64) -> f64 {
        let beta = 1.0 - order;
        let mut sum = 0.0;
        // Σp almost singular beside Σq: the log-determinants know log(1 + e) better.
        let steep = self.excess.iter().any(|e| *e < -0.5);
        let correction = if steep {
            self.log_ratio
                - self
                    .excess
                    .iter()
                    .map(|e| Real::ln_1p(e.max(-1.0 + f64::EPSILON)))
                    .sum::<f64>()
        } else {
            0.0
        };
        for (e, u) in self.excess.iter().zip(&self.shift) {
            let e = e.max(-1.0 + f64::EPSILON);
            if order == f64::INFINITY {
                // Bounded where q is wider: log p/q is −½ log(1 + e) + ½ u²/(−e) at its top.
                if e > 0.0 || (e == 0.0 && *u != 0.0) {
                    return f64::INFINITY;
                }
                let top = if *u == 0.0 { 0.0 } else { u * u / -e };
                sum += 0.5 * (top - Real::ln_1p(e));
                continue;
            }
            let mixed = 1.0 + beta * e;
            if mixed <= 0.0 {
                return f64::INFINITY;
            }
            let tail = if beta == 0.0 {
                0.0
            } else {
                x_minus_ln_1p(beta * e) / beta
            };
            sum += 0.5 * (x_minus_ln_1p(e) - tail + order * u * u / mixed);
        }
        // Each term is at least 0; only rounding can say otherwise.
        (sum - 0.5 * correction).max(0.0)
    }
}

/// The eigenvalues and eigenvectors of a symmetric matrix.
fn eigen(matrix: &[f64], dim: usize) -> Result<SymmetricEigen<f64, nalgebra::Dyn>, InfoError> {
    const SWEEPS: usize = 1000;
    SymmetricEigen::try_new(
        DMatrix::from_row_slice(dim, dim, matrix),
        f64::EPSILON,
        SWEEPS * dim,
    )
    .ok_or(InfoError::NotConverged {
        quantity: "eigenvalues",
        gap: f64::INFINITY,
        tolerance: f64::EPSILON,
        iterations: SWEEPS * dim,
    })
}

/// Whether `matrix` is a finite symmetric `dim × dim` matrix; rounding is averaged out.
fn check_symmetric(
    argument: &'static str,
    matrix: &mut [f64],
    dim: usize,
) -> Result<(), InfoError> {
    if matrix.len() != dim * dim {
        return Err(InfoError::argument(
            argument,
            format!("a list of {} numbers", matrix.len()),
            format!("a matrix of {dim} × {dim}"),
        ));
    }
    if let Some(i) = matrix.iter().position(|v| !v.is_finite()) {
        return Err(InfoError::argument(
            argument,
            format!("{} in row {}, column {}", matrix[i], i / dim, i % dim),
            "finite",
        ));
    }
    for i in 0..dim {
        for j in 0..i {
            let (a, b) = (matrix[i * dim + j], matrix[j * dim + i]);
            let scale = matrix[i * dim + i].abs().sqrt() * matrix[j * dim + j].abs().sqrt();
            if (a - b).abs() > ASYMMETRY * scale {
                return Err(InfoError::argument(
                    argument,
                    format!("{a} in row {i}, column {j}, but {b} in row {j}, column {i}"),
                    "symmetric",
                ));
            }
            let mean = 0.5 * a + 0.5 * b;
            matrix[i * dim + j] = mean;
            matrix[j * dim + i] = mean;
        }
    }
    Ok(())
}

/// The error of a matrix whose Cholesky factorisation stopped at this coordinate.
fn singular(argument: &'static str, coordinate: usize) -> InfoError {
    InfoError::argument(
        argument,
        format!(
            "a matrix in which coordinate {coordinate} has no variance left beside those before it"
        ),
        "positive definite",
    )
}

/// The estimate with an interval from parts of the data, of an estimator without bias; none if the
/// estimator's own interval is asked for.
fn by_parts<D: Resample>(
    estimator: &impl Estimator<D>,
    data: &D,
    inference: &Inference,
) -> Result<Option<Estimate>, InfoError> {
    inference.check()?;
    if inference.interval_source() == IntervalSource::Own {
        return Ok(None);
    }
    let (value, bias) = (estimator.value(data)?, Bias::Bounded(0.0));
    attach(estimator, data, inference, value, None, bias).map(Some)
}

fn check_order(order: f64) -> Result<(), InfoError> {
    if order >= 0.0 {
        Ok(())
    } else {
        Err(InfoError::argument("order", order, "at least 0"))
    }
}

/// The rows and columns `keep` of a `dim × dim` matrix.
fn submatrix(matrix: &[f64], dim: usize, keep: &[usize]) -> Vec<f64> {
    keep.iter()
        .flat_map(|i| keep.iter().map(move |j| matrix[i * dim + j]))
        .collect()
}

/// The squared canonical correlations of the coordinates `x` and `y` given `z`, in no order, or the
/// place in `z, x, y` at which the covariance turned out singular.
///
/// The factor of the covariance in the order `z, x, y` holds that of `x, y` given `z` in its last
/// rows; there `L_yx` and `L_yy` are the regression of `y` on white `x` and what is left:
/// `Σ_yy = L_yx L_yxᵀ + L_yy L_yyᵀ`. The correlations are the singular values of `x` against `y`,
/// both white.
fn canonical_correlations(
    covariance: &[f64],
    dim: usize,
    x: &[usize],
    y: &[usize],
    z: &[usize],
) -> Result<Vec<f64>, usize> {
    let order: Vec<usize> = z.iter().chain(x).chain(y).copied().collect();
    let total = order.len();
    let joint = Cholesky::new(&submatrix(covariance, dim, &order), total)?;
    let (p, q, r) = (x.len(), y.len(), z.len());
    // Covariance of y given z, and its part that white x explains.
    let mut given = vec![0.0; q * q];
    let mut cross = vec![0.0; q * p];
    for i in 0..q {
        for j in 0..q {
            given[i * q + j] = (r..total)
                .map(|k| joint.entry(r + p + i, k) * joint.entry(r + p + j, k))
                .sum();
        }
        for j in 0..p {
            cross[i * p + j] = joint.entry(r + p + i, r + j);
        }
    }
    let white = Cholesky::new(&given, q).map_err(|i| r + p + i)?;
    let correlations = white.solve_columns(&cross, p);
    // The eigenvalues of the smaller of K Kᵀ and Kᵀ K.
    let (rows, matrix) = if q <= p {
        (q, correlations)
    } else {
        (p, transposed(&correlations, q, p))
    };
    let columns = p.max(q);
    let gram: Vec<f64> = (0..rows * rows)
        .map(|at| {
            let (i, j) = (at / rows, at % rows);
            (0..columns)
                .map(|k| matrix[i * columns + k] * matrix[j * columns + k])
                .sum()
        })
        .collect();
    if rows == 1 {
        return Ok(gram);
    }
    let values = DMatrix::from_row_slice(rows, rows, &gram).symmetric_eigenvalues();
    Ok(values.iter().map(|v| v.max(0.0)).collect())
}

/// `−½ Σ log(1 − ρ²)`.
fn information_of(squares: &[f64]) -> Information {
    let sum: f64 = squares
        .iter()
        .map(|s| Real::ln_1p(-s.min(1.0 - f64::EPSILON)))
        .sum();
    Information::from_nats(-0.5 * sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Estimator, Inference, Pair, Points, Triple};
    use ergodic_math::quadrature::gauss_legendre_on;
    use ergodic_math::rng;

    fn normals(seed: u64, n: usize) -> Vec<f64> {
        let mut x = vec![0.0; n];
        rng::fill_normal(&mut rng::stream(seed, 0), &mut x);
        x
    }

    /// `G Gᵀ + ½ I` with normal `G`, and a normal mean.
    fn random(seed: u64, d: usize) -> Gaussian {
        let x = normals(seed, d * d + d);
        let mut covariance = vec![0.0; d * d];
        for i in 0..d {
            for j in 0..d {
                covariance[i * d + j] = (0..d).map(|k| x[i * d + k] * x[j * d + k]).sum::<f64>()
                    + if i == j { 0.5 } else { 0.0 };
            }
        }
        Gaussian::new(&x[d * d..], covariance).unwrap()
    }

    fn one(mean: f64, variance: f64) -> Gaussian {
        Gaussian::new([mean], [variance]).unwrap()
    }

    fn close(found: f64, exact: f64, tolerance: f64) {
        assert!(
            (found - exact).abs() <= tolerance * exact.abs().max(1.0),
            "{found:e} is not {exact:e}"
        );
    }

    /// `h(aX) = h(X) + log a`, and information does not change, over the whole range of `f64`.
    #[test]
    fn estimates_follow_the_scale_of_the_data_to_the_ends_of_the_range() {
        let z = normals(3, 600);
        let x: Vec<f64> = z[..300].to_vec();
        let y: Vec<f64> = x.iter().zip(&z[300..]).map(|(x, e)| x + e).collect();
        let scaled = |v: &[f64], power: i32| {
            let all: Vec<f64> = v.iter().map(|v| libm::ldexp(*v, power)).collect();
            Points::scalar(all).unwrap()
        };
        let ask = Inference::new();
        let h = GaussianEntropy.value(&scaled(&x, 0)).unwrap();
        let both = Pair::new(scaled(&x, 0), scaled(&y, 0)).unwrap();
        let i = GaussianMutualInformation.estimate(&both, &ask).unwrap();
        for power in [-1000, -520, 520, 1020] {
            let found = GaussianEntropy.value(&scaled(&x, power)).unwrap();
            let exact = h + f64::from(power) * std::f64::consts::LN_2;
            close(found, exact, 1e-14);
            let far = Pair::new(scaled(&x, power), scaled(&y, -power)).unwrap();
            let found = GaussianMutualInformation.estimate(&far, &ask).unwrap();
            close(found.value, i.value, 1e-13);
            close(found.interval.upper, i.interval.upper, 1e-13);
            // Both columns at one end, with a third beside them.
            let triple = Triple::new(scaled(&x, power), scaled(&y, power), scaled(&z[300..], 0));
            let found = GaussianConditionalMutualInformation.value(&triple.unwrap());
            let error = found.unwrap_err();
            // y − x is z: nothing is left of it.
            assert!(error.to_string().contains("linear function"), "{error}");
        }
        // The mean of three equal numbers is not always that number.
        let error = GaussianEntropy.value(&Points::scalar([0.1; 3]).unwrap());
        assert!(error.unwrap_err().to_string().contains("constant"));
    }

    #[test]
    fn closed_forms_have_their_known_values() {
        let (p, q) = (one(0.0, 1.0), one(1.0, 4.0));
        close(p.entropy().nats(), 1.4189385332046727, 1e-15);
        let unit = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let cube = Gaussian::centred(unit).unwrap();
        close(cube.entropy().nats(), 4.2568155996140185, 1e-15);
        assert_eq!(cube.total_correlation().nats(), 0.0);
        close(
            p.kullback_leibler(&q).unwrap().nats(),
            0.4431471805599453,
            1e-15,
        );
        close(
            p.renyi_divergence(&q, 2.0).unwrap().nats(),
            0.5561964294493768,
            1e-15,
        );
        close(p.squared_hellinger(&q).unwrap(), 0.1491945378473598, 1e-15);
        close(
            p.renyi_entropy(2.0).unwrap().nats(),
            1.2655121234846454,
            1e-15,
        );
        close(
            p.renyi_entropy(0.5).unwrap().nats(),
            1.612085713764618,
            1e-15,
        );
        assert_eq!(p.renyi_entropy(1.0).unwrap(), p.entropy());
        assert_eq!(p.renyi_entropy(0.0).unwrap().nats(), f64::INFINITY);
        close(
            p.renyi_entropy(f64::INFINITY).unwrap().nats(),
            0.5 * LN_2PI,
            1e-15,
        );
        close(
            p.cross_entropy(&q).unwrap().nats(),
            1.4189385332046727 + 0.4431471805599453,
            1e-15,
        );
    }

    #[test]
    fn renyi_divergences_are_the_integral_and_infinite_beyond_their_order() {
        let (p, q) = (one(0.3, 2.0), one(-0.4, 1.5));
        let log_density = |g: &Gaussian, x: f64| {
            let z = x - g.mean[0];
            -0.5 * (z * z / g.covariance[0] + LN_2PI + g.covariance[0].ln())
        };
        // α Σq + (1 − α) Σp = 2 − α/2 > 0 below α = 4.
        for order in [0.25, 0.5, 0.999, 1.5, 2.0, 3.5] {
            let rule = gauss_legendre_on(400, -90.0, 90.0).unwrap();
            let integral = rule.integrate(|x| {
                (order * log_density(&p, x) + (1.0 - order) * log_density(&q, x)).exp()
            });
            let exact = integral.ln() / (order - 1.0);
            close(
                p.renyi_divergence(&q, order).unwrap().nats(),
                exact,
                2e-12 / (order - 1.0).abs(),
            );
        }
        for order in [4.0, 5.0, f64::INFINITY] {
            let d = p.renyi_divergence(&q, order).unwrap();
            assert_eq!(d.nats(), f64::INFINITY, "{order}");
        }
        // The largest log-ratio, by a fine grid.
        let top = (0..200_000)
            .map(|i| f64::from(i) * 1e-4 - 10.0)
            .map(|x| log_density(&q, x) - log_density(&p, x))
            .fold(f64::NEG_INFINITY, f64::max);
        close(
            q.renyi_divergence(&p, f64::INFINITY).unwrap().nats(),
            top,
            1e-7,
        );
        assert_eq!(p.renyi_divergence(&q, 0.0).unwrap().nats(), 0.0);
    }

    #[test]
    fn identities_hold_for_random_laws() {
        for seed in 0..40 {
            let p = random(seed, 6);
            let q = random(seed + 1000, 6);
            let i = |x: &[usize], y: &[usize]| p.mutual_information(x, y).unwrap().nats();
            let given = |x: &[usize], y: &[usize], z: &[usize]| {
                p.conditional_mutual_information(x, y, z).unwrap().nats()
            };
            let h = |x: &[usize]| p.marginal(x).unwrap().entropy().nats();
            // By entropies, symmetric, chain rule, conditioning on nothing.
            close(
                i(&[0, 1], &[2, 3, 4]),
                h(&[0, 1]) + h(&[2, 3, 4]) - h(&[0, 1, 2, 3, 4]),
                1e-12,
            );
            close(i(&[0, 1], &[4, 2, 3]), i(&[2, 3, 4], &[1, 0]), 1e-12);
            close(
                i(&[0, 1], &[2, 3, 4, 5]),
                i(&[0, 1], &[4, 5]) + given(&[0, 1], &[2, 3], &[4, 5]),
                1e-12,
            );
            assert_eq!(given(&[0], &[1], &[]), i(&[0], &[1]));
            assert!(i(&[0], &[1]) >= 0.0 && i(&[0], &[1]) <= i(&[0], &[1, 2]) + 1e-14);
            // Total correlation: divergence from the product, and a chain of informations.
            let mut product = vec![0.0; 36];
            for k in 0..6 {
                product[7 * k] = p.covariance[7 * k];
            }
            let product = Gaussian::new(p.mean.clone(), product).unwrap();
            let total = p.total_correlation().nats();
            close(total, p.kullback_leibler(&product).unwrap().nats(), 1e-11);
            let order = [0, 1, 2, 3, 4, 5];
            close(total, (1..6).map(|k| i(&order[..k], &[k])).sum(), 1e-12);
            // Divergences: non-negative, 0 to itself, rising in the order, skew-symmetric.
            let d = |a: &Gaussian, b: &Gaussian, order: f64| {
                a.renyi_divergence(b, order).unwrap().nats()
            };
            assert_eq!(d(&p, &p, 1.0), 0.0);
            let orders = [0.0, 0.1, 0.5, 0.9, 1.0, 1.01, 1.5, 3.0, f64::INFINITY];
            for pair in orders.windows(2) {
                assert!(
                    d(&p, &q, pair[0]) <= d(&p, &q, pair[1]) * (1.0 + 1e-12),
                    "{pair:?}"
                );
            }
            close(0.7 * d(&p, &q, 0.3), 0.3 * d(&q, &p, 0.7), 1e-12);
            close(d(&p, &q, 1.0 - 1e-9), d(&p, &q, 1.0), 1e-5);
            close(
                p.bhattacharyya(&q).unwrap().nats(),
                q.bhattacharyya(&p).unwrap().nats(),
                1e-12,
            );
            // KL as the formula is written.
            let log_ratio = p.log_determinant() - q.log_determinant();
            let mut sum = 0.0;
            for k in 0..6 {
                let mut column: Vec<f64> = (0..6).map(|r| p.covariance[r * 6 + k]).collect();
                q.factor.solve_lower(&mut column);
                // (L⁻¹ Σp)ᵀ again through L.
                let mut unit = vec![0.0; 6];
                unit[k] = 1.0;
                q.factor.solve_lower(&mut unit);
                sum += column.iter().zip(&unit).map(|(a, b)| a * b).sum::<f64>();
            }
            let mut shift: Vec<f64> = p.mean.iter().zip(&q.mean).map(|(a, b)| a - b).collect();
            q.factor.solve_lower(&mut shift);
            let squares: f64 = shift.iter().map(|s| s * s).sum();
            close(
                d(&p, &q, 1.0),
                0.5 * (sum - 6.0 - log_ratio + squares),
                1e-11,
            );
        }
    }

    #[test]
    fn near_equal_laws_keep_their_digits() {
        let p = one(0.0, 1.0);
        for shift in [1e-3, 1e-8, 1e-100] {
            let d = p.kullback_leibler(&one(shift, 1.0)).unwrap().nats();
            assert!(
                (d / (0.5 * shift * shift) - 1.0).abs() < 1e-14,
                "{shift}: {d:e}"
            );
        }
        // ½ [e − log(1 + e)], e = 2⁻³⁰ exactly: e²/4 − e³/6 + …
        let e = 2f64.powi(-30);
        for order in [1.0, 0.5, 2.0] {
            let d = one(0.0, 1.0 + e)
                .renyi_divergence(&p, order)
                .unwrap()
                .nats();
            assert!(
                (d / (0.25 * order * e * e) - 1.0).abs() < 1e-8,
                "{order}: {d:e}"
            );
        }
        let weak = Gaussian::centred([1.0, 1e-9, 1e-9, 1.0]).unwrap();
        let i = weak.mutual_information(&[0], &[1]).unwrap().nats();
        assert!((i / 5e-19 - 1.0).abs() < 1e-14);
        assert!((weak.total_correlation().nats() / 5e-19 - 1.0).abs() < 1e-14);
        // A nearly singular p: log(1 + e) comes from the determinants.
        let thin = Gaussian::centred([1.0, 0.0, 0.0, 1e-20]).unwrap();
        let round = Gaussian::centred([1.0, 0.0, 0.0, 1.0]).unwrap();
        let d = thin.kullback_leibler(&round).unwrap().nats();
        close(d, 0.5 * (-1.0 - 1e-20f64.ln()), 1e-14);
    }

    #[test]
    fn autoregressions_are_stationary_and_transfer_what_they_should() {
        // x′ = φ x + n.
        let ar = VectorAutoregression::new([0.9], [1.0]).unwrap();
        close(ar.stationary().unwrap().covariance()[0], 1.0 / 0.19, 1e-13);
        let slow = VectorAutoregression::new([1.0 - 1e-9], [1.0]).unwrap();
        let exact = 1.0 / (1e-9 * (2.0 - 1e-9));
        close(
            slow.stationary().unwrap().covariance()[0] / exact,
            1.0,
            1e-6,
        );
        for radius in [1.0, -1.0, 1.5] {
            let error = VectorAutoregression::new([radius], [1.0]).unwrap_err();
            assert!(error.to_string().contains("spectral radius"), "{error}");
        }
        for seed in 0..10 {
            let d = 4;
            // Row sums below 1 in absolute value bound the radius.
            let mut a = normals(seed, d * d);
            for row in a.chunks_mut(d) {
                let sum: f64 = row.iter().map(|v| v.abs()).sum();
                for v in row {
                    *v *= 0.9 / sum;
                }
            }
            let noise = random(seed + 50, d).covariance().to_vec();
            let process = VectorAutoregression::new(a.clone(), noise.clone()).unwrap();
            let stationary = process.stationary().unwrap();
            let p = stationary.covariance();
            for i in 0..d {
                for j in 0..d {
                    let mut next = noise[i * d + j];
                    for k in 0..d {
                        for l in 0..d {
                            next += a[i * d + k] * p[k * d + l] * a[j * d + l];
                        }
                    }
                    close(p[i * d + j], next, 1e-12);
                }
            }
            // By determinants of residual covariances, and as conditional information.
            let two = process.two_times().unwrap();
            let found = process
                .conditional_transfer_entropy(&[0], &[1], &[2, 3])
                .unwrap()
                .nats();
            let by_law = two
                .conditional_mutual_information(&[0], &[5], &[1, 2, 3])
                .unwrap()
                .nats();
            close(found, by_law, 1e-13);
            let residual = |past: &[usize]| {
                let mut with = past.to_vec();
                with.push(5);
                two.marginal(&with).unwrap().log_determinant()
                    - two.marginal(past).unwrap().log_determinant()
            };
            close(
                found,
                0.5 * (residual(&[1, 2, 3]) - residual(&[0, 1, 2, 3])),
                1e-12,
            );
            // All of the past leaves exactly the noise.
            close(residual(&[0, 1, 2, 3]), noise[5].ln(), 1e-12);
        }
    }

    /// Means over 3,000 samples with known standard errors; each of 9 comparisons fails correct code
    /// with probability 1e-8 (5.7 standard errors).
    #[test]
    fn estimators_are_unbiased_at_any_size() {
        const RUNS: u64 = 3000;
        let law = random(3, 4);
        let mean = |n: usize, f: &dyn Fn(&[f64]) -> f64| {
            let values: Vec<f64> = (0..RUNS).map(|run| f(&draws(&law, n, 77 + run))).collect();
            let m = values.iter().sum::<f64>() / RUNS as f64;
            let v = values.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / (RUNS - 1) as f64;
            (m, (v / RUNS as f64).sqrt())
        };
        let column = |x: &[f64], keep: &[usize]| {
            let picked: Vec<f64> = x
                .chunks(4)
                .flat_map(|row| keep.iter().map(move |k| row[*k]))
                .collect();
            Points::new(picked, keep.len()).unwrap()
        };
        for n in [6, 9, 40] {
            let entropy = |x: &[f64]| {
                GaussianEntropy
                    .value(&Points::new(x.to_vec(), 4).unwrap())
                    .unwrap()
            };
            let mutual = |x: &[f64]| {
                GaussianMutualInformation
                    .value(&Pair::new(column(x, &[0, 2]), column(x, &[1, 3])).unwrap())
                    .unwrap()
            };
            let conditional = |x: &[f64]| {
                let all = Triple::new(column(x, &[0]), column(x, &[1, 2]), column(x, &[3]));
                GaussianConditionalMutualInformation
                    .value(&all.unwrap())
                    .unwrap()
            };
            let truths = [
                law.entropy(),
                law.mutual_information(&[0, 2], &[1, 3]).unwrap(),
                law.conditional_mutual_information(&[0], &[1, 2], &[3])
                    .unwrap(),
            ];
            type Value<'a> = &'a dyn Fn(&[f64]) -> f64;
            let estimators: [Value<'_>; 3] = [&entropy, &mutual, &conditional];
            for (f, truth) in estimators.into_iter().zip(truths) {
                let (m, se) = mean(n, f);
                let z = (m - truth.nats()) / se;
                assert!(z.abs() < 5.7, "n = {n}: {m} ± {se} against {truth}");
            }
        }
    }

    fn draws(law: &Gaussian, n: usize, seed: u64) -> Vec<f64> {
        let d = law.dim();
        let z = normals(seed, n * d);
        z.chunks(d)
            .flat_map(|row| {
                (0..d).map(move |i| {
                    law.mean[i]
                        + (0..=i)
                            .map(|k| law.factor.entry(i, k) * row[k])
                            .sum::<f64>()
                })
            })
            .collect()
    }

    /// Of 2,000 intervals at 90 % 1,800 should cover; below 1,732 or above 1,865 lies a probability
    /// of 1e-6 for an exact interval (normal approximation to the binomial, ±4.9 deviations).
    #[test]
    fn intervals_cover_at_their_confidence() {
        const RUNS: u64 = 2000;
        let ask = Inference::new().confidence(0.9).build().unwrap();
        let covered =
            |law: &Gaussian, n: usize, f: &dyn Fn(&[f64]) -> ergodic_core::Estimate, truth: f64| {
                (0..RUNS)
                    .filter(|run| f(&draws(law, n, 9000 + run)).interval.contains(truth))
                    .count()
            };
        let law = random(5, 2);
        let entropy = |x: &[f64]| {
            GaussianEntropy
                .estimate(&Points::new(x.to_vec(), 2).unwrap(), &ask)
                .unwrap()
        };
        for n in [4, 30] {
            let hits = covered(&law, n, &entropy, law.entropy().nats());
            assert!((1732..=1865).contains(&hits), "entropy, n = {n}: {hits}");
        }
        for rho in [0.0, 0.1, 0.9] {
            let law = Gaussian::centred([1.0, rho, rho, 1.0]).unwrap();
            let pair = |x: &[f64]| {
                let (a, b): (Vec<f64>, Vec<f64>) = x.chunks(2).map(|r| (r[0], r[1])).unzip();
                let pair = Pair::new(Points::scalar(a).unwrap(), Points::scalar(b).unwrap());
                GaussianMutualInformation
                    .estimate(&pair.unwrap(), &ask)
                    .unwrap()
            };
            let truth = law.mutual_information(&[0], &[1]).unwrap().nats();
            let hits = covered(&law, 25, &pair, truth);
            // The interval of |ρ| covers more where ρ is near 0: both signs count.
            let most = if rho < 0.5 { 2000 } else { 1865 };
            assert!((1732..=most).contains(&hits), "rho = {rho}: {hits}");
        }
        // Two and two columns, independent, weak and strong.
        for strength in [0.0, 0.15, 0.8] {
            let mut covariance = vec![0.0; 16];
            for i in 0..4 {
                covariance[5 * i] = 1.0;
            }
            for (i, j) in [(0, 2), (1, 3)] {
                covariance[4 * i + j] = strength;
                covariance[4 * j + i] = strength;
            }
            let law = Gaussian::centred(covariance).unwrap();
            let pair = |x: &[f64]| {
                let part = |from: usize| {
                    let values: Vec<f64> =
                        x.chunks(4).flat_map(|r| [r[from], r[from + 1]]).collect();
                    Points::new(values, 2).unwrap()
                };
                GaussianMutualInformation
                    .estimate(&Pair::new(part(0), part(2)).unwrap(), &ask)
                    .unwrap()
            };
            let truth = law.mutual_information(&[0, 1], &[2, 3]).unwrap().nats();
            let hits = covered(&law, 200, &pair, truth);
            assert!(hits >= 1732, "strength {strength}: {hits}");
        }
    }

    #[test]
    fn subsamples_give_intervals_of_about_the_same_width() {
        let points = Points::scalar(normals(4, 2000)).unwrap();
        let own = GaussianEntropy
            .estimate(&points, &Inference::new())
            .unwrap();
        let ask = Inference::new().interval(crate::IntervalSource::Subsamples {
            share: 0.2,
            number: 300,
        });
        let other = GaussianEntropy.estimate(&points, &ask).unwrap();
        assert_eq!(own.value, other.value);
        assert!((other.std_err / own.std_err - 1.0).abs() < 0.4);
        assert!(other.method.contains("subsamples"));
    }

    #[test]
    fn constant_columns_carry_nothing() {
        let x = Points::scalar(normals(1, 50)).unwrap();
        let still = Points::scalar(vec![2.5; 50]).unwrap();
        let pair = Pair::new(x.clone(), still.clone()).unwrap();
        let e = GaussianMutualInformation
            .estimate(&pair, &Inference::new())
            .unwrap();
        assert_eq!((e.value, e.std_err), (0.0, 0.0));
        assert_eq!((e.interval.lower, e.interval.upper), (0.0, 0.0));
        let beside: Vec<f64> = normals(2, 50).iter().flat_map(|v| [*v, 2.5]).collect();
        let with = Pair::new(x.clone(), Points::new(beside, 2).unwrap()).unwrap();
        let without = Pair::new(x, Points::scalar(normals(2, 50)).unwrap()).unwrap();
        assert_eq!(
            GaussianMutualInformation.value(&with).unwrap(),
            GaussianMutualInformation.value(&without).unwrap()
        );
        assert!(GaussianEntropy.value(&still).is_err());
    }

    #[test]
    fn bad_input_names_its_argument() {
        let text = |r: Result<Gaussian, InfoError>| r.unwrap_err().to_string();
        assert!(text(Gaussian::new([], [])).contains("mean"));
        assert!(text(Gaussian::new([f64::NAN], [1.0])).contains("NaN at coordinate 0"));
        assert!(text(Gaussian::new([0.0], [1.0, 2.0])).contains("1 × 1"));
        assert!(text(Gaussian::new([0.0], [f64::INFINITY])).contains("row 0, column 0"));
        assert!(text(Gaussian::new([0.0], [0.0])).contains("positive definite"));
        assert!(text(Gaussian::new([0.0], [-1.0])).contains("positive definite"));
        assert!(text(Gaussian::centred([1.0, 2.0])).contains("square"));
        assert!(text(Gaussian::centred([1.0, 0.5, 0.4, 1.0])).contains("symmetric"));
        assert!(text(Gaussian::centred([1.0, 2.0, 2.0, 1.0])).contains("coordinate 1"));
        assert!(text(Gaussian::centred([1.0, 1.0, 1.0, 1.0])).contains("coordinate 1"));
        let p = random(1, 3);
        for order in [-1.0, f64::NAN] {
            assert!(p.renyi_entropy(order).is_err());
            assert!(p.renyi_divergence(&p, order).is_err());
        }
        assert!(p.kullback_leibler(&one(0.0, 1.0)).is_err());
        assert!(p.mutual_information(&[], &[1]).is_err());
        assert!(p.mutual_information(&[0], &[0]).is_err());
        assert!(p.mutual_information(&[0], &[3]).is_err());
        assert!(p.conditional_mutual_information(&[0], &[1], &[1]).is_err());
        assert!(p.marginal(&[0, 0]).is_err());
        let few = Points::new(normals(1, 6), 3).unwrap();
        assert!(GaussianEntropy.value(&few).is_err());
        let line = Points::new(vec![1.0, 2.0, 2.0, 4.0, 3.0, 6.0, 4.0, 8.0], 2).unwrap();
        assert!(GaussianEntropy.value(&line).is_err());
        let x = Points::scalar(normals(3, 9)).unwrap();
        let same = Pair::new(x.clone(), x.clone()).unwrap();
        assert!(GaussianMutualInformation.value(&same).is_err());
        let short = Points::scalar(normals(3, 2)).unwrap();
        let short = Pair::new(short.clone(), short).unwrap();
        assert!(GaussianMutualInformation.value(&short).is_err());
        let bad = Inference::new().confidence(2.0);
        assert!(GaussianEntropy.estimate(&x, &bad).is_err());
        assert!(VectorAutoregression::new([0.5, 0.1], [1.0]).is_err());
        assert!(VectorAutoregression::new([f64::NAN], [1.0]).is_err());
        assert!(VectorAutoregression::new([0.5], [0.0]).is_err());
        let process =
            VectorAutoregression::new([0.5, 0.0, 0.1, 0.2], [1.0, 0.0, 0.0, 1.0]).unwrap();
        assert!(process.transfer_entropy(&[0], &[0]).is_err());
        assert!(process.transfer_entropy(&[], &[0]).is_err());
        assert!(process.transfer_entropy(&[2], &[0]).is_err());
    }
}
