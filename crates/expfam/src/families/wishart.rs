//! Laws of covariance and precision matrices.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::{digamma, ln_gamma, trigamma};
use nalgebra::{Cholesky, DMatrix, Dyn};

use super::gamma::{gap_of_shape, slope_of_gap};
use super::multivariate_normal::{factor, log_det};
use crate::{domain, sampling, symmetric};

/// `log Γ_d(a)`, the multivariate gamma function, and its first two derivatives.
pub(crate) fn multivariate_gamma(d: usize, a: f64) -> [f64; 3] {
    let (d, pi) = (d as f64, std::f64::consts::PI);
    let mut sums = [0.25 * d * (d - 1.0) * Real::ln(pi), 0.0, 0.0];
    let mut i = 0.0;
    while i < d {
        let x = a - 0.5 * i;
        sums[0] += ln_gamma(x);
        sums[1] += digamma(x);
        sums[2] += trigamma(x);
        i += 1.0;
    }
    sums
}

/// `a > (d − 1)/2` with `d log a − ψ_d(a) = gap`, for `gap > 0`: Newton's iteration in the logarithm
/// of `a − (d − 1)/2`.
pub(crate) fn half_degrees(d: usize, gap: f64) -> f64 {
    let low = 0.5 * (d as f64 - 1.0);
    // For large a the left-hand side is d(d + 1)/4a.
    let mut t = (0.25 * (d * (d + 1)) as f64 / gap).max(0.1);
    for _ in 0..200 {
        let (f, slope) = gap_of_half_degrees(d, t);
        // The logarithms of both sides are nearly linear in log t.
        let df = t * slope / f;
        let step = (-Real::ln(f / gap) / df).clamp(-3.0, 3.0);
        t *= Real::exp(step);
        if step.abs() < 4e-16 {
            break;
        }
    }
    low + t
}

/// `d log a − ψ_d(a)` for `a = (d − 1)/2 + t`, and its derivative: sums of terms of one sign.
fn gap_of_half_degrees(d: usize, t: f64) -> (f64, f64) {
    let a = 0.5 * (d as f64 - 1.0) + t;
    let (mut gap, mut slope) = (0.0, 0.0);
    for i in 0..d {
        let x = t + 0.5 * (d - 1 - i) as f64; // a − i/2
        let below = 0.5 * i as f64;
        // log a − ψ(x) = log a/x + (log x − ψ(x))
        gap += Real::ln_1p(below / x) + gap_of_shape(x);
        slope -= below / (a * x) + slope_of_gap(x);
    }
    (gap, slope)
}

/// A Wishart law of the matrix `W` by `p(W) ∝ |W|^{a − (d+1)/2} e^{−tr SW}`.
pub(crate) struct Core {
    pub(crate) d: usize,
    pub(crate) a: f64,
    pub(crate) s: Cholesky<f64, Dyn>,
}

impl Core {
    /// From `a` and `svec` of `−S`.
    pub(crate) fn new(
        argument: &'static str,
        d: usize,
        a: f64,
        minus_s: &[f64],
    ) -> Result<Self, ArgumentError> {
        if a.is_nan() || a <= 0.5 * (d as f64 - 1.0) {
            return Err(ArgumentError::new(
                argument,
                format!("of {} degrees of freedom", 2.0 * a),
                format!("of more than {} degrees of freedom", d - 1),
            ));
        }
        let s = factor(
            argument,
            symmetric::unpack(d, minus_s) * -1.0,
            "such that its matrix is negative definite",
        )?;
        Ok(Self { d, a, s })
    }

    /// `log Γ_d(a) − a log |S|`.
    pub(crate) fn log_partition(&self) -> f64 {
        multivariate_gamma(self.d, self.a)[0] - self.a * log_det(&self.s)
    }

    /// `E log |W|` and `E W = aS⁻¹`.
    pub(crate) fn mean(&self) -> (f64, DMatrix<f64>) {
        let log = multivariate_gamma(self.d, self.a)[1] - log_det(&self.s);
        (log, self.s.inverse() * self.a)
    }

    /// The law of these means.
    pub(crate) fn of_mean(
        d: usize,
        log: f64,
        mean: &DMatrix<f64>,
    ) -> Result<(f64, DMatrix<f64>), ArgumentError> {
        let m = factor(
            "mean",
            mean.clone(),
            "such that its matrix is positive definite",
        )?;
        let gap = log_det(&m) - log;
        if !(gap > 0.0 && gap.is_finite()) {
            return Err(ArgumentError::new(
                "mean",
                log,
                "below the log determinant of the mean matrix",
            ));
        }
        let a = half_degrees(d, gap);
        Ok((a, m.inverse() * a))
    }

    /// `Cov(W_ij, W_kl) = (a/2)(P_ik P_jl + P_il P_jk)` with `P = S⁻¹`.
    pub(crate) fn covariance(
        &self,
        p: &DMatrix<f64>,
        i: usize,
        j: usize,
        k: usize,
        l: usize,
    ) -> f64 {
        0.5 * self.a * (p[(i, k)] * p[(j, l)] + p[(i, l)] * p[(j, k)])
    }

    /// The Fisher information in `(sign·log |W|, svec W)`.
    fn fisher(&self, sign: f64, out: &mut [f64]) {
        let p = self.s.inverse();
        let dim = 1 + symmetric::length(self.d);
        out[0] = multivariate_gamma(self.d, self.a)[2];
        for (x, &(i, j)) in pairs(self.d).iter().enumerate() {
            let entry = sign * scale(i, j) * p[(i, j)];
            out[1 + x] = entry;
            out[(1 + x) * dim] = entry;
            for (y, &(k, l)) in pairs(self.d).iter().enumerate() {
                out[(1 + x) * dim + 1 + y] =
                    scale(i, j) * scale(k, l) * self.covariance(&p, i, j, k, l);
            }
        }
    }

    /// A factor `F` of a draw `W = FFᵀ`.
    pub(crate) fn sample_factor<R: Randomness + ?Sized>(&self, rng: &mut R) -> DMatrix<f64> {
        // S = LLᵀ; V = (2S)⁻¹ = (L⁻ᵀ/√2)(L⁻ᵀ/√2)ᵀ.
        let mut bartlett = sampling::bartlett(self.d, 2.0 * self.a, rng);
        self.s
            .l_dirty()
            .tr_solve_lower_triangular_mut(&mut bartlett);
        bartlett * std::f64::consts::FRAC_1_SQRT_2
    }
}

/// The indices of `svec`, and the factors of its entries.
pub(crate) fn pairs(d: usize) -> Vec<(usize, usize)> {
    (0..d).flat_map(|i| (0..=i).map(move |j| (i, j))).collect()
}

pub(crate) fn scale(i: usize, j: usize) -> f64 {
    if i == j {
        1.0
    } else {
        std::f64::consts::SQRT_2
    }
}

/// The Cholesky factor of a sample, if it is a point of the cone.
fn sample_factor(d: usize, x: &DMatrix<f64>) -> Option<Cholesky<f64, Dyn>> {
    if x.shape() != (d, d) {
        return None;
    }
    let scale = x.amax();
    let symmetric = (x - x.transpose()).amax() <= 1e-9 * scale;
    if symmetric {
        x.clone().cholesky()
    } else {
        None
    }
}

/// The Wishart family of positive definite `d × d` matrices:
/// `p(X) ∝ |X|^{(n−d−1)/2} e^{−½ tr V⁻¹X}`, statistics `log |X|, svec X`,
/// `θ = ((n − d − 1)/2, −½ svec V⁻¹)`, `A = log Γ_d(n/2) + (n/2) log |2V|`, with respect to the entries
/// of the lower triangle. The sum of `n` outer products of normal vectors of covariance `V`.
///
/// Natural domain: `n > d − 1` degrees of freedom, `V` positive definite; mean domain: `E X` positive
/// definite, `E log |X| < log |E X|`. Cost `O(d³)`.
///
/// Reference: Muirhead, *Aspects of Multivariate Statistical Theory*, 1982, ch. 3.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Wishart;
/// use nalgebra::DMatrix;
///
/// let plane = Wishart::new(2)?;
/// let natural = plane.natural(5.0, &DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 3.0]))?; // degrees, scale
/// let mut mean = [0.0; 4];
/// plane.mean_from_natural(&natural, &mut mean)?;
/// assert!((mean[1] - 10.0).abs() < 1e-13 && (mean[3] - 15.0).abs() < 1e-13); // n V
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishart {
    d: usize,
}

impl Wishart {
    /// Of `d × d` matrices.
    ///
    /// # Errors
    /// If `d` is 0.
    pub fn new(d: usize) -> Result<Self, ArgumentError> {
        if d == 0 {
            return Err(ArgumentError::new("d", d, "at least 1"));
        }
        Ok(Self { d })
    }

    /// Of degrees of freedom and scale matrix.
    ///
    /// # Errors
    /// If there are no more than `d − 1` degrees, or the scale is not `d × d` and positive definite.
    pub fn natural(&self, degrees: f64, scale: &DMatrix<f64>) -> Result<Vec<f64>, ArgumentError> {
        let d = self.d;
        check_usual("degrees", degrees, "scale", scale, d)?;
        let allowed = "positive definite, and finite with its inverse";
        let v = factor("scale", scale.clone(), allowed)?;
        let mut natural = vec![0.5 * (degrees - d as f64 - 1.0); self.dim()];
        symmetric::pack(&(v.inverse() * -0.5), &mut natural[1..]);
        domain::finite("scale", &natural, self.dim())?;
        check_rounding(degrees, natural[0] + 0.5 * (d as f64 + 1.0), d)?;
        Ok(natural)
    }

    /// Degrees of freedom and scale matrix.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain, or the scale overflows.
    pub fn usual(&self, natural: &[f64]) -> Result<(f64, DMatrix<f64>), ArgumentError> {
        let core = self.core(natural)?;
        let scale = core.s.inverse() * 0.5;
        finite_matrix(&scale)?;
        Ok((2.0 * core.a, scale))
    }

    fn core(self, natural: &[f64]) -> Result<Core, ArgumentError> {
        domain::finite("natural", natural, self.dim())?;
        let a = natural[0] + 0.5 * (self.d as f64 + 1.0);
        Core::new("natural", self.d, a, &natural[1..])
    }
}

/// Refuses degrees whose part above `d − 1` vanishes in the natural parameter: `half` comes back from it.
fn check_rounding(degrees: f64, half: f64, d: usize) -> Result<(), ArgumentError> {
    if half > 0.5 * (d as f64 - 1.0) {
        return Ok(());
    }
    let allowed = format!("above {} by more than rounding", d - 1);
    Err(ArgumentError::new("degrees", degrees, allowed))
}

/// Refuses a scale that left the range of `f64` on the way back from natural parameters.
pub(super) fn finite_matrix(scale: &DMatrix<f64>) -> Result<(), ArgumentError> {
    if scale.iter().all(|x| x.is_finite()) {
        return Ok(());
    }
    Err(ArgumentError::new(
        "natural",
        "of a scale that overflows",
        "of a scale that f64 can hold",
    ))
}

fn check_usual(
    name: &'static str,
    degrees: f64,
    matrix_name: &'static str,
    matrix: &DMatrix<f64>,
    d: usize,
) -> Result<(), ArgumentError> {
    if !(degrees > d as f64 - 1.0 && degrees.is_finite()) {
        return Err(ArgumentError::new(
            name,
            degrees,
            format!("finite and above {}", d - 1),
        ));
    }
    if matrix.shape() != (d, d) {
        let (rows, columns) = matrix.shape();
        return Err(ArgumentError::new(
            matrix_name,
            format!("a {rows} × {columns} matrix"),
            format!("{d} × {d}"),
        ));
    }
    Ok(())
}

impl ExponentialFamily for Wishart {
    type Sample = DMatrix<f64>;

    fn dim(&self) -> usize {
        1 + symmetric::length(self.d)
    }

    fn sufficient_statistics(&self, x: &DMatrix<f64>, out: &mut [f64]) {
        out.fill(f64::NAN);
        if let Some(factor) = sample_factor(self.d, x) {
            out[0] = log_det(&factor);
            symmetric::pack(x, &mut out[1..]);
        }
    }

    fn log_base_measure(&self, x: &DMatrix<f64>) -> f64 {
        if sample_factor(self.d, x).is_some() {
            0.0
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::computed(self.core(natural)?.log_partition())
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let (log, matrix) = self.core(natural)?.mean();
        mean[0] = log;
        symmetric::pack(&matrix, &mut mean[1..]);
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, self.dim())?;
        let (a, s) = Core::of_mean(self.d, mean[0], &symmetric::unpack(self.d, &mean[1..]))?;
        natural[0] = a - 0.5 * (self.d as f64 + 1.0);
        symmetric::pack(&(s * -1.0), &mut natural[1..]);
        domain::found(self, mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        self.core(natural)?.fisher(1.0, out);
        domain::no_nan("Fisher information", out)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<DMatrix<f64>, ArgumentError> {
        let factor = self.core(natural)?.sample_factor(rng);
        let draw = &factor * factor.transpose();
        // With hardly more than d − 1 degrees the least eigenvalue may be below rounding.
        if sample_factor(self.d, &draw).is_some() {
            return Ok(draw);
        }
        Err(ArgumentError::new(
            "natural",
            "a law with a draw that is singular to rounding",
            "of more degrees of freedom",
        ))
    }
}

/// The inverse Wishart family of positive definite `d × d` matrices:
/// `p(X) ∝ |X|^{−(n+d+1)/2} e^{−½ tr ΨX⁻¹}`, statistics `log |X|, svec X⁻¹`,
/// `θ = (−(n + d + 1)/2, −½ svec Ψ)`, `A = log Γ_d(n/2) − (n/2) log |Ψ/2|`. The law of `X` where `X⁻¹` is
/// [`Wishart`] of scale `Ψ⁻¹`.
///
/// Natural domain: `n > d − 1`, `Ψ` positive definite. Cost `O(d³)`.
///
/// Mean domain: `E X⁻¹` positive definite, `E log |X| > −log |E X⁻¹|`. Reference: Muirhead, *Aspects of
/// Multivariate Statistical Theory*, 1982, ch. 3.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::InverseWishart;
/// use nalgebra::DMatrix;
///
/// let line = InverseWishart::new(1)?;
/// // In one dimension the inverse gamma law of shape n/2 and scale Ψ/2.
/// let log_p = line.log_density(&line.natural(6.0, &DMatrix::from_row_slice(1, 1, &[4.0]))?, &DMatrix::from_row_slice(1, 1, &[1.0]))?;
/// assert!((log_p - (4f64.ln() - 2.0)).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InverseWishart {
    d: usize,
}

impl InverseWishart {
    /// Of `d × d` matrices.
    ///
    /// # Errors
    /// If `d` is 0.
    pub fn new(d: usize) -> Result<Self, ArgumentError> {
        Wishart::new(d).map(|family| Self { d: family.d })
    }

    /// Of degrees of freedom and scale matrix.
    ///
    /// # Errors
    /// If there are no more than `d − 1` degrees, or the scale is not `d × d` and positive definite.
    pub fn natural(&self, degrees: f64, scale: &DMatrix<f64>) -> Result<Vec<f64>, ArgumentError> {
        let d = self.d;
        check_usual("degrees", degrees, "scale", scale, d)?;
        factor("scale", scale.clone(), "positive definite and finite")?;
        let mut natural = vec![-0.5 * (degrees + d as f64 + 1.0); self.dim()];
        symmetric::pack(&(scale * -0.5), &mut natural[1..]);
        check_rounding(degrees, -natural[0] - 0.5 * (d as f64 + 1.0), d)?;
        Ok(natural)
    }

    /// Degrees of freedom and scale matrix.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain, or the scale overflows.
    pub fn usual(&self, natural: &[f64]) -> Result<(f64, DMatrix<f64>), ArgumentError> {
        let core = self.core(natural)?;
        let scale = symmetric::unpack(self.d, &natural[1..]) * -2.0;
        finite_matrix(&scale)?;
        Ok((2.0 * core.a, scale))
    }

    fn core(self, natural: &[f64]) -> Result<Core, ArgumentError> {
        domain::finite("natural", natural, self.dim())?;
        let a = -natural[0] - 0.5 * (self.d as f64 + 1.0);
        Core::new("natural", self.d, a, &natural[1..])
    }
}

impl ExponentialFamily for InverseWishart {
    type Sample = DMatrix<f64>;

    fn dim(&self) -> usize {
        1 + symmetric::length(self.d)
    }

    fn sufficient_statistics(&self, x: &DMatrix<f64>, out: &mut [f64]) {
        out.fill(f64::NAN);
        if let Some(factor) = sample_factor(self.d, x) {
            out[0] = log_det(&factor);
            symmetric::pack(&factor.inverse(), &mut out[1..]);
        }
    }

    fn log_base_measure(&self, x: &DMatrix<f64>) -> f64 {
        Wishart { d: self.d }.log_base_measure(x)
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::computed(self.core(natural)?.log_partition())
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let (log, matrix) = self.core(natural)?.mean();
        mean[0] = -log;
        symmetric::pack(&matrix, &mut mean[1..]);
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, self.dim())?;
        let (a, s) = Core::of_mean(self.d, -mean[0], &symmetric::unpack(self.d, &mean[1..]))?;
        natural[0] = -a - 0.5 * (self.d as f64 + 1.0);
        symmetric::pack(&(s * -1.0), &mut natural[1..]);
        domain::found(self, mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        self.core(natural)?.fisher(-1.0, out);
        domain::no_nan("Fisher information", out)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<DMatrix<f64>, ArgumentError> {
        let w = self.core(natural)?.sample_factor(rng);
        let w = &w * w.transpose();
        match w.cholesky() {
            Some(factor) => Ok(factor.inverse()),
            None => Err(ArgumentError::new(
                "natural",
                "a law with a draw that is singular to rounding",
                "of more degrees of freedom",
            )),
        }
    }
}
