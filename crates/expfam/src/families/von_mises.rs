//! Directions: von Mises on the circle, von Mises–Fisher on the sphere.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::{
    bessel_i_ratio, bessel_i_ratio_derivative, ln_bessel_i_scaled, ln_gamma,
};

use crate::{Fit, domain, sampling};

/// The family on the unit sphere of `ℝᵈ`, in terms of `κ = |θ|`: its log-partition with respect to
/// the surface measure, the mean resultant length `A_d(κ) = I_{d/2}/I_{d/2−1}`, and the derivative.
struct Radial {
    log_partition: f64,
    length: f64,
    slope: f64,
}

fn too_large(kappa: f64) -> ArgumentError {
    ArgumentError::new("natural", kappa, "of finite length")
}

/// `A − κ = log[(2π)^{d/2} κ^{−ν} e^{−κ} I_ν(κ)]`, `ν = d/2 − 1`: of the size of `log κ`.
fn log_partition_above(d: usize, kappa: f64) -> Result<f64, ArgumentError> {
    let nu = 0.5 * d as f64 - 1.0;
    let half_d = 0.5 * d as f64;
    if kappa < 1e-6 {
        // At 0 the area of the sphere, 2π^{d/2}/Γ(d/2).
        let area =
            std::f64::consts::LN_2 + half_d * Real::ln(std::f64::consts::PI) - ln_gamma(half_d);
        return Ok(area + 0.5 * kappa * kappa / d as f64 - kappa);
    }
    let bessel = ln_bessel_i_scaled(nu, kappa).map_err(|_| too_large(kappa))?;
    Ok(half_d * Real::ln(2.0 * std::f64::consts::PI) - nu * Real::ln(kappa) + bessel)
}

fn radial(d: usize, kappa: f64) -> Result<Radial, ArgumentError> {
    let nu = 0.5 * d as f64 - 1.0;
    let too_large = |_| too_large(kappa);
    let log_partition = kappa + log_partition_above(d, kappa)?;
    let length = bessel_i_ratio(nu, kappa).map_err(too_large)?;
    let slope = bessel_i_ratio_derivative(nu, kappa).map_err(too_large)?;
    Ok(Radial {
        log_partition,
        length,
        slope,
    })
}

/// `A_d(κ)/κ`, at 0 its limit `1/d`.
fn across(d: usize, kappa: f64, at: &Radial) -> f64 {
    if kappa < 1e-8 {
        1.0 / d as f64
    } else {
        at.length / kappa
    }
}

/// `κ` with `A_d(κ) = length`, for `0 ≤ length < 1`: Newton's iteration from the approximation of
/// Banerjee et al. (*JMLR* 6, 2005), `κ ≈ r(d − r²)/(1 − r²)`.
fn concentration(d: usize, length: f64) -> Result<f64, ArgumentError> {
    let rest = (1.0 - length) * (1.0 + length);
    let mut kappa = length * (d as f64 - length * length) / rest;
    if kappa.is_nan() || kappa >= 1e8 {
        return Err(ArgumentError::new(
            "mean",
            format!("a vector of length {length}"),
            "of a concentration below 1e8",
        ));
    }
    for _ in 0..50 {
        if kappa == 0.0 {
            break;
        }
        let at = radial(d, kappa)?;
        let step = ((length - at.length) / at.slope).clamp(-0.5 * kappa, kappa);
        kappa += step;
        if step.abs() <= 1e-15 * kappa {
            break;
        }
    }
    Ok(kappa)
}

/// What both families share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sphere {
    d: usize,
}

impl Sphere {
    fn kappa(self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, self.d)?;
        let kappa = norm(natural);
        // Rounding may make a vector of this length longer.
        if kappa <= 1e8 * (1.0 + 1e-12) {
            return Ok(kappa);
        }
        Err(ArgumentError::new(
            "natural",
            format!("a vector of length {kappa}"),
            "of length at most 1e8",
        ))
    }

    fn mean(self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let kappa = self.kappa(natural)?;
        let at = radial(self.d, kappa)?;
        let factor = across(self.d, kappa, &at);
        for (m, t) in mean.iter_mut().zip(natural) {
            *m = factor * t;
        }
        Ok(())
    }

    fn natural(self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, self.d)?;
        let length = norm(mean);
        if length >= 1.0 {
            return Err(ArgumentError::new(
                "mean",
                format!("a vector of length {length}"),
                "of length below 1",
            ));
        }
        let factor = if length < 1e-8 {
            self.d as f64
        } else {
            concentration(self.d, length)? / length
        };
        for (t, m) in natural.iter_mut().zip(mean) {
            *t = factor * m;
        }
        Ok(())
    }

    /// `A/κ (1 − uuᵀ) + A′ uuᵀ` with the mean direction `u`.
    fn fisher(self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        let kappa = self.kappa(natural)?;
        let at = radial(self.d, kappa)?;
        let across = across(self.d, kappa, &at);
        let u: Vec<f64> = natural
            .iter()
            .map(|t| if kappa == 0.0 { 0.0 } else { t / kappa })
            .collect();
        for i in 0..self.d {
            for j in 0..self.d {
                // 1 − uᵢ² is the sum of the other squares.
                let rest = if i != j {
                    -u[i] * u[j]
                } else if kappa == 0.0 {
                    1.0
                } else {
                    (0..self.d).filter(|k| *k != i).map(|k| u[k] * u[k]).sum()
                };
                out[i * self.d + j] = across * rest + at.slope * u[i] * u[j];
            }
        }
        Ok(())
    }
}

impl Sphere {
    fn direction_posterior(
        self,
        prior: &[f64],
        concentration: f64,
        sample: &Fit,
    ) -> Result<Vec<f64>, ArgumentError> {
        domain::length("sample", sample.mean(), self.d)?;
        check_concentration(concentration)?;
        self.kappa(prior)?;
        let sums = prior.iter().zip(sample.sums());
        let posterior: Vec<f64> = sums.map(|(p, s)| p + concentration * s).collect();
        self.kappa(&posterior)?;
        Ok(posterior)
    }

    fn direction_log_evidence(
        self,
        prior: &[f64],
        concentration: f64,
        sample: &Fit,
    ) -> Result<f64, ArgumentError> {
        let posterior = self.direction_posterior(prior, concentration, sample)?;
        // A = κ + (A − κ): the lengths first, the small rest apart.
        let (before, after) = (self.kappa(prior)?, self.kappa(&posterior)?);
        let n = sample.samples() as f64;
        let above = |kappa| log_partition_above(self.d, kappa);
        let lengths = after - before - n * concentration;
        Ok(lengths + (above(after)? - above(before)? - n * above(concentration)?))
    }
}

impl Sphere {
    /// `log p` at a point of the sphere, `−κ|x − u|²/2 − (A − κ)` with the mean direction `u`: without the
    /// cancellation of `θ·x` against `A`.
    fn log_density(self, natural: &[f64], x: &[f64]) -> Result<f64, ArgumentError> {
        let kappa = self.kappa(natural)?;
        let above = log_partition_above(self.d, kappa)?;
        if kappa == 0.0 {
            return Ok(-above);
        }
        let apart = x.iter().zip(natural).map(|(x, t)| x - t / kappa);
        let squares: f64 = apart.map(|a| a * a).sum();
        Ok(-0.5 * kappa * squares - above)
    }
}

fn check_concentration(concentration: f64) -> Result<(), ArgumentError> {
    if (0.0..=1e8).contains(&concentration) {
        return Ok(());
    }
    Err(ArgumentError::new(
        "concentration",
        concentration,
        "from 0 to 1e8",
    ))
}

fn norm(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |sum: f64, x| libm::hypot(sum, *x))
}

/// The von Mises family of angles: `p(x) = e^{κ cos(x − m)}/2πI₀(κ)` on the circle; statistics
/// `cos x, sin x`, `θ = κ(cos m, sin m)`, `A = log 2πI₀(|θ|)` with respect to `dx`.
///
/// Natural domain `|θ| ≤ 10⁸` (beyond, take a normal law), mean domain `|μ| < 1`. An angle is any
/// finite number; densities are per turn of `2π`. The inverse solves `I₁/I₀(κ) = |μ|` by Newton's
/// iteration. Cost `O(κ)` up to `κ = 60`, constant beyond.
///
/// Reference: Mardia and Jupp, *Directional Statistics*, 2000, §3.5.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::VonMises;
///
/// let natural = VonMises::natural(0.0, 1.0)?; // mean angle, concentration
/// let log_p = VonMises.log_density(&natural, &0.0)?;
/// let i0 = 1.2660658777520084;
/// assert!((log_p - (1.0 - (2.0 * std::f64::consts::PI * i0).ln())).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VonMises;

const CIRCLE: Sphere = Sphere { d: 2 };

impl VonMises {
    /// `κ(cos m, sin m)`.
    ///
    /// # Errors
    /// If the angle is not finite or the concentration not in `[0, 1e8]`.
    pub fn natural(mean_angle: f64, concentration: f64) -> Result<[f64; 2], ArgumentError> {
        domain::finite("mean_angle", &[mean_angle], 1)?;
        check_concentration(concentration)?;
        Ok([
            concentration * libm::cos(mean_angle),
            concentration * libm::sin(mean_angle),
        ])
    }

    /// The mean angle, from `−π` to `π`, and the concentration; the angle 0 where the concentration is.
    ///
    /// # Errors
    /// If `θ` is outside the natural domain.
    pub fn usual(natural: &[f64]) -> Result<(f64, f64), ArgumentError> {
        let concentration = CIRCLE.kappa(natural)?;
        if concentration == 0.0 {
            return Ok((0.0, 0.0)); // whatever the signs of the zeros
        }
        Ok((libm::atan2(natural[1], natural[0]), concentration))
    }

    /// The posterior of the mean angle where the concentration is known: [`VonMisesFisher::direction_posterior`]
    /// on the circle.
    ///
    /// # Errors
    /// As there.
    pub fn direction_posterior(
        prior: &[f64],
        concentration: f64,
        sample: &Fit,
    ) -> Result<Vec<f64>, ArgumentError> {
        CIRCLE.direction_posterior(prior, concentration, sample)
    }

    /// The log evidence of the sample, in nats: [`VonMisesFisher::direction_log_evidence`] on the circle.
    ///
    /// # Errors
    /// As there.
    pub fn direction_log_evidence(
        prior: &[f64],
        concentration: f64,
        sample: &Fit,
    ) -> Result<f64, ArgumentError> {
        CIRCLE.direction_log_evidence(prior, concentration, sample)
    }
}

impl ExponentialFamily for VonMises {
    type Sample = f64;

    fn dim(&self) -> usize {
        2
    }

    fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
        out[0] = libm::cos(*x);
        out[1] = libm::sin(*x);
    }

    fn log_base_measure(&self, x: &f64) -> f64 {
        if x.is_finite() {
            0.0
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        Ok(radial(2, CIRCLE.kappa(natural)?)?.log_partition)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        CIRCLE.mean(natural, mean)
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        CIRCLE.natural(mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        CIRCLE.fisher(natural, out)
    }

    /// To some ulp of its terms also where `κ` is large: as `−κ(1 − cos(x − m)) − (A − κ)`.
    fn log_density(&self, natural: &[f64], x: &f64) -> Result<f64, ArgumentError> {
        if !x.is_finite() {
            return self.check_natural(natural).map(|()| f64::NEG_INFINITY);
        }
        CIRCLE.log_density(natural, &[libm::cos(*x), libm::sin(*x)])
    }

    /// In `(−π, π]`.
    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<f64, ArgumentError> {
        use std::f64::consts::PI;
        let kappa = CIRCLE.kappa(natural)?;
        let x = libm::atan2(natural[1], natural[0]) + sampling::von_mises(kappa, rng);
        Ok(if x > PI {
            x - 2.0 * PI
        } else if x <= -PI {
            x + 2.0 * PI
        } else {
            x
        })
    }
}

/// The von Mises–Fisher family on the unit sphere of `ℝᵈ`, `d ≥ 2`: `p(x) ∝ e^{θ·x}`; statistics
/// `x`, `A = log[(2π)^{d/2} κ^{1−d/2} I_{d/2−1}(κ)]`, `κ = |θ|`, with respect to the surface
/// measure.
///
/// Natural domain `|θ| ≤ 10⁸`, mean domain `|μ| < 1`. The inverse solves
/// `I_{d/2}/I_{d/2−1}(κ) = |μ|` by Newton's iteration (Mardia and Jupp, *Directional Statistics*,
/// 2000, ch. 9).
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::VonMisesFisher;
///
/// let sphere = VonMisesFisher::new(3)?;
/// // In three dimensions A = log[4π sinh κ/κ].
/// let a = sphere.log_partition(&[0.0, 2.0, 0.0])?;
/// assert!((a - (2.0 * std::f64::consts::PI * 2f64.sinh()).ln()).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VonMisesFisher {
    sphere: Sphere,
}

impl VonMisesFisher {
    /// On the sphere of `ℝᵈ`.
    ///
    /// # Errors
    /// If `d` is below 2 or above 10,000.
    pub fn new(d: usize) -> Result<Self, ArgumentError> {
        if !(2..=10_000).contains(&d) {
            return Err(ArgumentError::new("d", d, "from 2 to 10,000"));
        }
        Ok(Self {
            sphere: Sphere { d },
        })
    }

    /// The posterior `θ₀ + κ Σ xᵢ` of the mean direction where the concentration `κ` is known, from a prior of
    /// this family, `θ₀`: the conjugate prior of directions. (As a family of laws with one `κ`, these are no
    /// exponential family: their natural parameters are a sphere.)
    ///
    /// To draw from the predictive law, draw a direction and then around it. Reference: Mardia and El-Atoum,
    /// *Biometrika* 63, 1976.
    ///
    /// ```
    /// use ergodic_expfam::{Fit, families::VonMisesFisher};
    ///
    /// let sphere = VonMisesFisher::new(3)?;
    /// let seen = Fit::of(&sphere, [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]].iter().map(|x| &x[..]))?;
    /// assert_eq!(sphere.direction_posterior(&[0.0; 3], 5.0, &seen)?, [0.0, 5.0, 5.0]);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    ///
    /// # Errors
    /// If the concentration is not in `[0, 1e8]`, the prior or the posterior is outside the natural domain, or the
    /// sample is of another dimension.
    pub fn direction_posterior(
        &self,
        prior: &[f64],
        concentration: f64,
        sample: &Fit,
    ) -> Result<Vec<f64>, ArgumentError> {
        self.sphere
            .direction_posterior(prior, concentration, sample)
    }

    /// The log evidence `A(θ₀ + κ Σ xᵢ) − A(θ₀) − n A(κ)` of the sample, in nats, the mean direction drawn from
    /// the prior `θ₀` and the concentration `κ` known.
    ///
    /// # Errors
    /// As [`direction_posterior`](Self::direction_posterior).
    pub fn direction_log_evidence(
        &self,
        prior: &[f64],
        concentration: f64,
        sample: &Fit,
    ) -> Result<f64, ArgumentError> {
        self.sphere
            .direction_log_evidence(prior, concentration, sample)
    }
}

impl ExponentialFamily for VonMisesFisher {
    type Sample = [f64];

    fn dim(&self) -> usize {
        self.sphere.d
    }

    fn sufficient_statistics(&self, x: &[f64], out: &mut [f64]) {
        for (o, x) in out.iter_mut().zip(x) {
            *o = *x;
        }
    }

    /// 0 on the sphere, to `1e-9` of its radius.
    fn log_base_measure(&self, x: &[f64]) -> f64 {
        if x.len() == self.sphere.d && (norm(x) - 1.0).abs() <= 1e-9 {
            0.0
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        Ok(radial(self.sphere.d, self.sphere.kappa(natural)?)?.log_partition)
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        self.sphere.mean(natural, mean)
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        self.sphere.natural(mean, natural)
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        self.sphere.fisher(natural, out)
    }

    /// To some ulp of its terms also where `κ` is large; at `x/|x|`, whatever the rounding of `|x|`.
    fn log_density(&self, natural: &[f64], x: &[f64]) -> Result<f64, ArgumentError> {
        if self.log_base_measure(x) == f64::NEG_INFINITY {
            return self.check_natural(natural).map(|()| f64::NEG_INFINITY);
        }
        let size = norm(x);
        let unit: Vec<f64> = x.iter().map(|x| x / size).collect();
        self.sphere.log_density(natural, &unit)
    }

    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Vec<f64>, ArgumentError> {
        let kappa = self.sphere.kappa(natural)?;
        let d = self.sphere.d;
        let mut x = vec![0.0; d];
        let mut size = 0.0;
        while size == 0.0 {
            rng.fill_normal(&mut x);
            size = norm(&x);
        }
        if kappa == 0.0 {
            return Ok(x.iter().map(|x| x / size).collect());
        }
        let u: Vec<f64> = natural.iter().map(|t| t / kappa).collect();
        // Normals less their part along u: uniform across it.
        let along: f64 = x.iter().zip(&u).map(|(x, u)| x * u).sum();
        for (x, u) in x.iter_mut().zip(&u) {
            *x -= along * u;
        }
        let across = norm(&x);
        let excess = sampling::von_mises_fisher_excess(d, kappa, rng);
        let sine = (excess * (2.0 - excess)).max(0.0).sqrt();
        for (x, u) in x.iter_mut().zip(&u) {
            *x = (1.0 - excess) * u
                + if across > 0.0 {
                    sine * *x / across
                } else {
                    0.0
                };
        }
        let size = norm(&x);
        Ok(x.iter().map(|x| x / size).collect())
    }
}
