//! Gibbs sampling: single-site draws from the exact conditional.

use std::borrow::{Borrow, BorrowMut};

use ergodic_core::{Claims, Conditional, MarkovKernel, Randomness, TargetError};

use crate::{Scan, start};

/// Gibbs sampling (heat bath), `xᵢ ∼ π(xᵢ | x₋ᵢ)`, over any [`Conditional`] target.
///
/// Geman and Geman, *IEEE Trans. PAMI* 6, 721 (1984). Every single-site update is reversible and
/// idempotent; the [`Scan`] decides what the step is: reversible for a random scan and for the
/// palindrome, invariant for a sweep. All three are ergodic where every conditional is positive,
/// that is for finite energies; hard constraints between sites can disconnect the space.
///
/// Cost: one conditional per site visited, nothing allocated. Use it where conditionals are
/// cheap: it never rejects, but a site may be redrawn as it was. For binary spins it is Barker's
/// rule, and [`Metropolis`](crate::Metropolis) has the smaller asymptotic variance (Peskun,
/// *Biometrika* 60, 607, 1973).
///
/// ```
/// use ergodic_core::{Conditional, Energy, MarkovKernel, Randomness};
/// use ergodic_samplers::{Gibbs, Scan};
///
/// /// Independent spins in a field.
/// struct Field;
/// impl Energy for Field {
///     type State = [i8];
///     fn energy(&self, s: &[i8]) -> f64 {
///         s.iter().map(|&s| -0.5 * f64::from(s)).sum()
///     }
/// }
/// impl Conditional for Field {
///     fn num_sites(&self) -> usize {
///         4
///     }
///     fn resample_site<R: Randomness + ?Sized>(&self, s: &mut [i8], site: usize, beta: f64, rng: &mut R) {
///         let up = 1.0 / (1.0 + (-beta).exp());
///         s[site] = if rng.bernoulli(up) { 1 } else { -1 };
///     }
/// }
///
/// let mut kernel = Gibbs::new(Scan::Sweep);
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// let mut state = kernel.init(&Field, &[-1; 4])?;
/// let mut total = 0;
/// for _ in 0..1000 {
///     kernel.step(&Field, &mut state, &mut rng)?;
///     total += state.iter().map(|&s| i32::from(s)).sum::<i32>();
/// }
/// assert!((f64::from(total) / 4000.0 - 0.5f64.tanh()).abs() < 0.1);
/// # Ok::<(), ergodic_core::TargetError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gibbs {
    scan: Scan,
}

impl Gibbs {
    /// Gibbs sampling in the given order.
    pub const fn new(scan: Scan) -> Self {
        Self { scan }
    }

    /// The order of visits.
    pub const fn scan(&self) -> Scan {
        self.scan
    }
}

impl<T> MarkovKernel<T> for Gibbs
where
    T: Conditional + ?Sized,
    <T::State as ToOwned>::Owned: Clone + BorrowMut<T::State>,
{
    type State = <T::State as ToOwned>::Owned;
    type Info = ();

    fn claims(&self) -> Claims {
        if self.scan.is_reversible() {
            Claims::REVERSIBLE
        } else {
            Claims::INVARIANT
        }
    }

    fn init(&self, target: &T, x: &T::State) -> Result<Self::State, TargetError> {
        start::begin(target, x)
    }

    fn position<'s>(&self, _: &T, state: &'s Self::State) -> &'s T::State
    where
        T: 's,
    {
        state.borrow()
    }

    fn reset(
        &self,
        target: &T,
        state: &mut Self::State,
        x: Option<&T::State>,
    ) -> Result<(), TargetError> {
        start::again(target, state, x)
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &T,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let (x, n) = (state.borrow_mut(), target.num_sites());
        if n == 0 {
            return Err(TargetError::new("the target has no sites"));
        }
        match self.scan {
            Scan::Random => target.resample_site(x, rng.index(n), 1.0, rng),
            Scan::Sweep => {
                for site in 0..n {
                    target.resample_site(x, site, 1.0, rng);
                }
            }
            Scan::Palindrome => {
                // The last site once: two draws from one conditional are one.
                for site in (0..n).chain((0..n - 1).rev()) {
                    target.resample_site(x, site, 1.0, rng);
                }
            }
        }
        Ok(())
    }
}
