//! Elliptical slice sampling, for targets with a Gaussian part.

use std::f64::consts::TAU;

use ergodic_core::{Claims, Energy, MarkovKernel, Randomness, StepInfo, StepStats, TargetError};

use crate::{ExactLaw, Gaussian, start};

/// Elliptical slice sampling for `π(x) ∝ N(x; μ, Σ) e^{−ℓ(x)}`.
///
/// Murray, Adams and MacKay, AISTATS 2010. With `ν ∼ N(0, Σ)` the points
/// `x(θ) = μ + (x − μ) cos θ + ν sin θ` form an ellipse that the Gaussian leaves invariant; an angle
/// is drawn from the slice `ℓ(x(θ)) ≤ ℓ(x) + Exp(1)`, shrinking a bracket of one turn towards the
/// position. No step is rejected and nothing is tuned. Reversible; ergodic for finite energies
/// that are bounded on bounded sets.
///
/// The kernel is told the Gaussian part and takes `ℓ = E − ½(x − μ)ᵀΣ⁻¹(x − μ)`, so that it serves
/// *any* target: the prior of a latent Gaussian model, or a Gaussian fitted to a target without
/// one (Nishihara, Murray and Adams, *JMLR* 15, 2087, 2014). The remainder `ℓ` should not be very
/// negative far out (a Gaussian narrower than the target is slow to leave the centre), and it is
/// known to the rounding of `E`.
///
/// Cost: one draw and one whitening (`O(d²)` for a dense covariance) per step, and one energy per
/// angle, some 2 to 5. Use it for strong Gaussian priors with weak likelihoods.
///
/// ```
/// use ergodic_core::{Energy, MarkovKernel};
/// use ergodic_samplers::{EllipticalSlice, Gaussian};
///
/// /// A standard normal prior, observed with unit noise at 2: the posterior is N(1, ½).
/// struct Posterior;
/// impl Energy for Posterior {
///     type State = [f64];
///     fn energy(&self, x: &[f64]) -> f64 {
///         0.5 * x[0] * x[0] + 0.5 * (x[0] - 2.0) * (x[0] - 2.0)
///     }
/// }
/// let mut kernel = EllipticalSlice::new(Gaussian::standard(1)?);
/// let mut state = kernel.init(&Posterior, &[0.0])?;
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let (mut mean, mut square) = (0.0, 0.0);
/// for _ in 0..20_000 {
///     kernel.step(&Posterior, &mut state, &mut rng)?;
///     let x = kernel.position(&Posterior, &state)[0];
///     mean += x / 2e4;
///     square += x * x / 2e4;
/// }
/// assert!((mean - 1.0).abs() < 0.05 && (square - 1.5).abs() < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
pub struct EllipticalSlice {
    gaussian: Gaussian,
}

impl EllipticalSlice {
    /// For targets whose Gaussian part is `gaussian`.
    pub const fn new(gaussian: Gaussian) -> Self {
        Self { gaussian }
    }

    fn shaped_for(&self, x: &[f64]) -> Result<(), TargetError> {
        start::finite_start(x)?;
        let expected = self.gaussian.mean().len();
        if x.len() != expected {
            return Err(TargetError::dimension("the start", x.len(), expected));
        }
        in_reach(self.gaussian.energy(x))
    }
}

/// Where the energy of the Gaussian part overflows, every point would pass for one of the slice.
fn in_reach(energy: f64) -> Result<(), TargetError> {
    if energy.is_finite() {
        Ok(())
    } else {
        Err(TargetError::non_finite(
            "energy of the Gaussian part",
            energy,
        ))
    }
}

/// What an [`EllipticalSlice`] sampler carries: the position with its energy, and scratch.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq)]
pub struct EllipticalSliceState {
    position: Vec<f64>,
    energy: f64,
    candidate: Vec<f64>,
    /// The other axis of the ellipse, with the mean: a draw from the Gaussian.
    other: Vec<f64>,
}

/// What an elliptical-slice step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EllipticalSliceInfo {
    /// Evaluations of the energy: one more than the bracket was shrunk.
    pub energies: u64,
    /// The energy after the step.
    pub energy: f64,
}

impl StepInfo for EllipticalSliceInfo {
    fn stats(&self) -> StepStats {
        StepStats {
            energy: Some(self.energy),
            energies: self.energies,
            ..StepStats::default()
        }
    }
}

impl<T: Energy<State = [f64]> + ?Sized> MarkovKernel<T> for EllipticalSlice {
    type State = EllipticalSliceState;
    type Info = EllipticalSliceInfo;

    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }

    fn init(&self, target: &T, x: &[f64]) -> Result<EllipticalSliceState, TargetError> {
        self.shaped_for(x)?;
        Ok(EllipticalSliceState {
            energy: start::energy_at_start(target, x)?,
            position: x.to_vec(),
            candidate: x.to_vec(),
            other: x.to_vec(),
        })
    }

    fn position<'s>(&self, _: &T, state: &'s EllipticalSliceState) -> &'s [f64]
    where
        T: 's,
    {
        &state.position
    }

    fn reset(
        &self,
        target: &T,
        state: &mut EllipticalSliceState,
        x: Option<&[f64]>,
    ) -> Result<(), TargetError> {
        if let Some(x) = x {
            self.shaped_for(x)?;
        }
        state.energy = start::energy_at_start(target, x.unwrap_or(&state.position))?;
        if let Some(x) = x {
            state.position.copy_from_slice(x);
        }
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut EllipticalSliceState,
        rng: &mut R,
    ) -> Result<EllipticalSliceInfo, TargetError> {
        let EllipticalSliceState {
            position,
            energy,
            candidate,
            other,
        } = state;
        self.gaussian.draw(other, rng);
        // ½ |cos θ a + sin θ b|² for the whitened axes a and b, from three products.
        let (mut aa, mut ab, mut bb) = (0.0, 0.0, 0.0);
        for i in 0..position.len() {
            let a = self.gaussian.whitened(i, position);
            let b = self.gaussian.whitened(i, other);
            aa += a * a;
            ab += a * b;
            bb += b * b;
        }
        in_reach(aa + bb)?;
        let level = *energy - 0.5 * aa + rng.exponential();

        let mut angle = TAU * rng.uniform();
        let (mut lower, mut upper) = (angle - TAU, angle);
        let mut energies = 0;
        loop {
            let (sin, cos) = libm::sincos(angle);
            for (((c, x), y), m) in candidate
                .iter_mut()
                .zip(&*position)
                .zip(&*other)
                .zip(self.gaussian.mean())
            {
                *c = m + (x - m) * cos + (y - m) * sin;
            }
            energies += 1;
            let found = start::proposed_energy(target, candidate)?;
            let gaussian = 0.5 * (cos * cos * aa + 2.0 * sin * cos * ab + sin * sin * bb);
            if found - gaussian <= level {
                std::mem::swap(position, candidate);
                *energy = found;
                break;
            }
            if *candidate == *position || angle.abs() < 1e-17 {
                // The position is in the slice, and only rounding, or a target whose answers vary
                // from call to call, says otherwise: the bracket is a point, the chain stays.
                break;
            }
            if angle < 0.0 {
                lower = angle;
            } else {
                upper = angle;
            }
            angle = lower + (upper - lower) * rng.uniform();
        }
        Ok(EllipticalSliceInfo {
            energies,
            energy: *energy,
        })
    }
}
