//! Generalised equipartition `⟨xᵢ ∂ⱼU⟩ = T δᵢⱼ` and configurational temperatures: by quadrature, and from draws.

use ergodic_core::{ArgumentError, Estimate, Units};
use ergodic_math::Real;
use ergodic_math::moments::Moments;
use ergodic_math::quadrature::gauss_legendre_on;
use nalgebra::DMatrix;

use crate::domain;

/// Moments of `e^{−U/T}` in one to three dimensions that equal a temperature, by quadrature.
///
/// By partial integration, over a region at whose ends the law has vanished,
/// `⟨xᵢ ∂ⱼU⟩ = T δᵢⱼ` (Tolman, *Phys. Rev.* 11, 1918) and `⟨|∇U|²⟩ = T⟨∇²U⟩` (Rugh, *Phys. Rev. Lett.* 78, 1997).
/// That they do is a check of a gradient against its potential; where the law reaches the ends, they do not.
///
/// Tensor products of Gauss rules in panels of 16 nodes, doubled until all numbers change by less than the
/// tolerance (energies in units of the temperature, relative where above 1); at most 2¹⁸ nodes, so 4096 panels in one dimension, 32 × 32 in two, 4 × 4 × 4 in three.
#[derive(Clone, Debug, PartialEq)]
pub struct Equipartition {
    /// `⟨xᵢ ∂ⱼU⟩`.
    pub matrix: DMatrix<f64>,
    /// `⟨|∇U|²⟩/⟨∇²U⟩`.
    pub configurational_temperature: f64,
    /// `log ∫ e^{−U/T}`.
    pub log_partition: f64,
    /// `⟨U⟩`.
    pub energy: f64,
    /// The largest change of these numbers in the last doubling: energies in units of the temperature,
    /// relative where above 1.
    pub error: f64,
}

/// Nodes of one panel in one dimension.
const PANEL: usize = 16;

/// Most nodes in all.
const NODES: usize = 1 << 18;

impl Equipartition {
    /// Over the region `[low, high]` in each dimension; `field(x, gradient)` writes `∇U` and returns
    /// `(U, ∇²U)`.
    ///
    /// # Errors
    /// If the temperature is not finite and above 0, there are not one to three dimensions, a range is empty
    /// or not finite, the field is not finite, `⟨∇²U⟩` is 0, or the tolerance is not reached.
    ///
    /// ```
    /// use ergodic_expfam::thermodynamics::Equipartition;
    ///
    /// let found = Equipartition::new(&[(-5.0, 5.0)], 1.0, 1e-11, |x, gradient| {
    ///     let x = x[0];
    ///     gradient[0] = 4.0 * x.powi(3) - 2.0 * x;
    ///     (x.powi(4) - x * x, 12.0 * x * x - 2.0)
    /// })?;
    /// assert!((found.matrix[(0, 0)] - 1.0).abs() < 1e-13);
    /// assert!((found.configurational_temperature - 1.0).abs() < 1e-13);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn new(
        region: &[(f64, f64)],
        temperature: f64,
        tolerance: f64,
        mut field: impl FnMut(&[f64], &mut [f64]) -> (f64, f64),
    ) -> Result<Self, ArgumentError> {
        domain::positive("temperature", temperature)?;
        domain::positive("tolerance", tolerance)?;
        let dimensions = region.len();
        if !(1..=3).contains(&dimensions) {
            return Err(ArgumentError::new(
                "region",
                format!("of {dimensions} dimensions"),
                "of one, two or three",
            ));
        }
        let mut panels = 1usize;
        let mut last: Option<Self> = None;
        loop {
            if (panels * PANEL).pow(dimensions as u32) > NODES {
                return Err(ArgumentError::new(
                    "tolerance",
                    tolerance,
                    format!(
                        "reached by {NODES} nodes: the last doubling changed the result by {:e}",
                        last.map_or(f64::INFINITY, |l| l.error)
                    ),
                ));
            }
            let mut found = Self::with_panels(region, temperature, panels, &mut field)?;
            if let Some(last) = &last {
                found.error = found.change(last, temperature);
                if found.error <= tolerance {
                    return Ok(found);
                }
            }
            last = Some(found);
            panels *= 2;
        }
    }

    /// The largest difference to another result, energies in units of the temperature, relative where
    /// numbers are above 1.
    fn change(&self, other: &Self, temperature: f64) -> f64 {
        let numbers = |e: &Self| {
            let mut all = vec![
                e.configurational_temperature / temperature,
                e.log_partition,
                e.energy / temperature,
            ];
            all.extend(e.matrix.iter().map(|m| m / temperature));
            all
        };
        numbers(self)
            .iter()
            .zip(&numbers(other))
            .fold(0.0, |m, (a, b)| m.max((a - b).abs() / a.abs().max(1.0)))
    }

    fn with_panels(
        region: &[(f64, f64)],
        temperature: f64,
        panels: usize,
        field: &mut impl FnMut(&[f64], &mut [f64]) -> (f64, f64),
    ) -> Result<Self, ArgumentError> {
        let d = region.len();
        let axes: Vec<Vec<(f64, f64)>> = region
            .iter()
            .map(|&(low, high)| axis(low, high, panels))
            .collect::<Result<_, _>>()?;
        let per_axis = panels * PANEL;
        let total = per_axis.pow(d as u32);
        // Per node its energy, its weight, and what is averaged: x ∂U, |∇U|², ∇²U.
        let width = d * d + 2;
        let mut energies = Vec::with_capacity(total);
        let mut weights = Vec::with_capacity(total);
        let mut values = Vec::with_capacity(total * width);
        let (mut x, mut gradient) = (vec![0.0; d], vec![0.0; d]);
        for node in 0..total {
            let (mut rest, mut weight) = (node, 1.0);
            for (place, axis) in x.iter_mut().zip(&axes) {
                let (at, w) = axis[rest % per_axis];
                *place = at;
                weight *= w;
                rest /= per_axis;
            }
            let (energy, laplacian) = field(&x, &mut gradient);
            let finite = energy.is_finite()
                && laplacian.is_finite()
                && gradient.iter().all(|g| g.is_finite());
            if !finite {
                return Err(ArgumentError::new(
                    "field",
                    format!("U = {energy}, ∇U = {gradient:?}, ∇²U = {laplacian} at {x:?}"),
                    "finite all over the region",
                ));
            }
            energies.push(energy);
            weights.push(weight);
            for a in &x {
                values.extend(gradient.iter().map(|g| a * g));
            }
            values.push(gradient.iter().map(|g| g * g).sum());
            values.push(laplacian);
        }
        let lowest = energies.iter().copied().fold(f64::INFINITY, f64::min);
        let (mut mass, mut energy, mut sums) = (0.0, 0.0, vec![0.0; width]);
        for ((e, w), row) in energies
            .iter()
            .zip(&weights)
            .zip(values.chunks_exact(width))
        {
            let p = w * Real::exp((lowest - e) / temperature);
            mass += p;
            energy += p * (e - lowest);
            for (s, v) in sums.iter_mut().zip(row) {
                *s += p * v;
            }
        }
        for s in &mut sums {
            *s /= mass;
        }
        let found = Self {
            matrix: DMatrix::from_row_slice(d, d, &sums[..d * d]),
            configurational_temperature: sums[d * d] / sums[d * d + 1],
            log_partition: Real::ln(mass) - lowest / temperature,
            energy: lowest + energy / mass,
            error: f64::INFINITY,
        };
        if found.configurational_temperature.is_finite()
            && found.log_partition.is_finite()
            && found.energy.is_finite()
            && found.matrix.iter().all(|m| m.is_finite())
        {
            return Ok(found);
        }
        Err(ArgumentError::new(
            "field",
            format!("one with mean Laplacian {}", sums[d * d + 1]),
            "one with finite moments and a mean Laplacian that is not 0",
        ))
    }
}

/// Nodes and weights of panels on `[low, high]`.
fn axis(low: f64, high: f64, panels: usize) -> Result<Vec<(f64, f64)>, ArgumentError> {
    let wrong = |reason: String| {
        ArgumentError::new(
            "region",
            format!("[{low}, {high}]: {reason}"),
            "a finite range",
        )
    };
    let width = (high - low) / panels as f64;
    let unit = gauss_legendre_on(PANEL, low, high).map_err(|e| wrong(e.to_string()))?;
    if !width.is_finite() {
        return Err(wrong("too wide".into()));
    }
    let scale = panels as f64;
    Ok((0..panels)
        .flat_map(|k| {
            let start = low + width * k as f64;
            unit.iter()
                .map(|(x, w)| (start + (x - low) / scale, w / scale))
                .collect::<Vec<_>>()
        })
        .collect())
}

/// The configurational temperature `⟨|∇U|²⟩/⟨∇²U⟩` from values of both at independent draws (Rugh 1997; Butler
/// et al., *J. Chem. Phys.* 109, 1998), with the interval of the ratio of means (delta method, central limit
/// theorem).
///
/// Draws of a law `∝ e^{−U/T}` give `T`: a check of a sampler that never saw its momenta. Draws of a chain
/// have to be thinned to independence first, or the interval is too narrow.
///
/// # Errors
/// If there are fewer than two draws, slices differ in length, a number is not finite, the mean Laplacian is
/// not above 0, or the confidence is not in `(0, 1)`.
///
/// ```
/// use ergodic_core::Randomness;
/// use ergodic_expfam::thermodynamics::configurational_temperature;
///
/// // U = x²/2 at T = 2: draws of variance 2.
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let squares: Vec<f64> = (0..10_000).map(|_| 2.0 * rng.normal().powi(2)).collect();
/// let found = configurational_temperature(&squares, &[1.0; 10_000], 0.999)?;
/// assert!(found.interval.contains(2.0));
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
pub fn configurational_temperature(
    gradient_squares: &[f64],
    laplacians: &[f64],
    confidence: f64,
) -> Result<Estimate, ArgumentError> {
    let n = gradient_squares.len();
    domain::finite("gradient_squares", gradient_squares, n)?;
    domain::finite("laplacians", laplacians, n)?;
    let (mut above, mut below) = (Moments::new(), Moments::new());
    for (g, l) in gradient_squares.iter().zip(laplacians) {
        above.push(*g);
        below.push(*l);
    }
    let (Some(numerator), Some(denominator), true) = (above.mean(), below.mean(), n >= 2) else {
        return Err(ArgumentError::new(
            "gradient_squares",
            n,
            "at least two draws",
        ));
    };
    if denominator <= 0.0 {
        return Err(ArgumentError::new(
            "laplacians",
            format!("of mean {denominator}"),
            "of a mean above 0: the potential has to confine",
        ));
    }
    let ratio = numerator / denominator;
    let mut residuals = Moments::new();
    for (g, l) in gradient_squares.iter().zip(laplacians) {
        residuals.push(g - ratio * l);
    }
    let std_err = residuals.std_err().unwrap_or(f64::INFINITY) / denominator;
    let mut estimate = Estimate::normal(
        "configurational temperature; ratio of means, central limit theorem",
        ratio,
        std_err,
        n,
        confidence,
    )?;
    estimate.units = Units::Dimensionless;
    Ok(estimate)
}

/// The temperature `⟨x·∇U⟩/d` from values of the virial `x·∇U` at independent draws in `d` dimensions (Clausius),
/// with the interval of the mean (central limit theorem).
///
/// # Errors
/// If there are fewer than two draws, a number is not finite, there is no dimension, or the confidence is not in
/// `(0, 1)`.
pub fn virial_temperature(
    virials: &[f64],
    dimensions: usize,
    confidence: f64,
) -> Result<Estimate, ArgumentError> {
    domain::finite("virials", virials, virials.len())?;
    if dimensions == 0 {
        return Err(ArgumentError::new("dimensions", 0, "at least 1"));
    }
    let mut moments = Moments::new();
    for v in virials {
        moments.push(v / dimensions as f64);
    }
    let (Some(mean), Some(std_err)) = (moments.mean(), moments.std_err()) else {
        return Err(ArgumentError::new(
            "virials",
            virials.len(),
            "at least two draws",
        ));
    };
    let mut estimate = Estimate::normal(
        "virial temperature; mean, central limit theorem",
        mean,
        std_err,
        virials.len(),
        confidence,
    )?;
    estimate.units = Units::Dimensionless;
    Ok(estimate)
}
