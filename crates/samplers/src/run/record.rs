//! What a run records of a position, and where its chains start.

use std::borrow::Borrow;

use ergodic_core::{ArgumentError, Draws, Energy, EnergyGradient, Randomness};
use rand_chacha::ChaCha8Rng;

use super::SampleError;

/// A position that can be written as a row of numbers.
///
/// Implemented for slices and single values of floats, integers and `bool`.
///
/// ```
/// use ergodic_samplers::Coordinates;
///
/// let mut row = [0.0; 3];
/// let spins: &[i8] = &[1, -1, 1];
/// assert_eq!(spins.num_coordinates(), 3);
/// spins.write(&mut row);
/// assert_eq!(row, [1.0, -1.0, 1.0]);
/// ```
pub trait Coordinates {
    /// The number of coordinates.
    fn num_coordinates(&self) -> usize;

    /// Writes the coordinates; `out` is as long as there are.
    fn write(&self, out: &mut [f64]);
}

impl Coordinates for [f64] {
    fn num_coordinates(&self) -> usize {
        self.len()
    }
    fn write(&self, out: &mut [f64]) {
        out.copy_from_slice(self);
    }
}

impl Coordinates for f64 {
    fn num_coordinates(&self) -> usize {
        1
    }
    fn write(&self, out: &mut [f64]) {
        out.fill(*self);
    }
}

macro_rules! coordinates {
    ($($number:ty => $to:expr;)*) => {$(
        impl Coordinates for [$number] {
            fn num_coordinates(&self) -> usize {
                self.len()
            }
            fn write(&self, out: &mut [f64]) {
                for (o, x) in out.iter_mut().zip(self) {
                    *o = $to(*x);
                }
            }
        }
        impl Coordinates for $number {
            fn num_coordinates(&self) -> usize {
                1
            }
            fn write(&self, out: &mut [f64]) {
                out.fill($to(*self));
            }
        }
    )*};
}

coordinates! {
    f32 => f64::from;
    i8 => f64::from;
    i16 => f64::from;
    i32 => f64::from;
    u8 => f64::from;
    u16 => f64::from;
    u32 => f64::from;
    bool => |b| f64::from(u8::from(b));
    usize => |n| n as f64;
}

/// What a run records of each position.
///
/// [`Positions`] is the default; [`Sampler::observe`](crate::Sampler::observe) takes functions.
#[diagnostic::on_unimplemented(
    message = "a run does not know what to record of this target",
    note = "give names and a function with `.observe(names, |target, position, out| ..)`"
)]
pub trait Record<T: Energy + ?Sized>: Sync {
    /// The names of what is recorded, given one position.
    fn names(&self, target: &T, position: &T::State) -> Vec<String>;

    /// How many values a position gives.
    fn len(&self, target: &T, position: &T::State) -> usize;

    /// Writes the values; `out` is as long as they are many.
    fn record(&self, target: &T, position: &T::State, out: &mut [f64]);
}

/// Records what the target says of itself ([`Energy::observables`]), or else the coordinates of
/// the position, `x[0]`, `x[1]`, ….
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Positions;

impl<T: Energy + ?Sized> Record<T> for Positions
where
    T::State: Coordinates,
{
    fn names(&self, target: &T, position: &T::State) -> Vec<String> {
        match target.observables() {
            Some(observables) => observables.names(),
            None => Draws::default_names(position.num_coordinates()),
        }
    }
    fn len(&self, target: &T, position: &T::State) -> usize {
        match target.observables() {
            Some(observables) => observables.names().len(),
            None => position.num_coordinates(),
        }
    }
    fn record(&self, target: &T, position: &T::State, out: &mut [f64]) {
        match target.observables() {
            Some(observables) => observables.observe(position, out),
            None => position.write(out),
        }
    }
}

/// Records functions of the position: made by [`Sampler::observe`](crate::Sampler::observe).
#[derive(Clone, Debug)]
pub struct Observe<F> {
    pub(super) names: Vec<String>,
    pub(super) function: F,
}

impl<T, F> Record<T> for Observe<F>
where
    T: Energy + ?Sized,
    F: Fn(&T, &T::State, &mut [f64]) + Sync,
{
    fn names(&self, _: &T, _: &T::State) -> Vec<String> {
        self.names.clone()
    }
    fn len(&self, _: &T, _: &T::State) -> usize {
        self.names.len()
    }
    fn record(&self, target: &T, position: &T::State, out: &mut [f64]) {
        (self.function)(target, position, out);
    }
}

/// A position that the chain owns.
pub(super) type Owned<T> = <<T as Energy>::State as ToOwned>::Owned;

/// Where the chains of a run start.
///
/// [`UniformStarts`] is the default and asks for the dimension, hence for a gradient;
/// [`Sampler::starts`](crate::Sampler::starts) and
/// [`Sampler::start_with`](crate::Sampler::start_with) serve every target.
#[diagnostic::on_unimplemented(
    message = "a run does not know where to start on this target",
    note = "random starts need an `EnergyGradient`; give positions with `.starts(..)` or \
            `.start_with(|target, chain, rng| ..)`"
)]
pub trait Starts<T: Energy + ?Sized>: Sync {
    /// Whether there is a start for each of `chains` chains.
    ///
    /// # Errors
    /// If not.
    fn check(&self, chains: usize) -> Result<(), ArgumentError> {
        let _ = chains;
        Ok(())
    }

    /// The start of one chain; `rng` is the chain's own stream.
    ///
    /// # Errors
    /// If there is none.
    fn start(
        &self,
        target: &T,
        chain: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<<T::State as ToOwned>::Owned, SampleError>;
}

/// Uniform on `(−2, 2)ᵈ`, drawn again up to 100 times while the energy or its gradient is not
/// finite. On the scale of most posteriors that is wide, which is what diagnostics that compare
/// chains want of their starts (Gelman and Rubin, *Statist. Sci.* 7, 457, 1992).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UniformStarts;

/// How many random starts are tried.
const TRIES: usize = 100;

impl<T: EnergyGradient + ?Sized> Starts<T> for UniformStarts {
    fn start(
        &self,
        target: &T,
        chain: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<f64>, SampleError> {
        let dim = target.dim();
        if dim == 0 {
            return Err(ArgumentError::new("dimension of the target", dim, "at least 1").into());
        }
        let (mut x, mut gradient) = (vec![0.0; dim], vec![0.0; dim]);
        let mut energy = f64::NAN;
        for _ in 0..TRIES {
            rng.fill_uniform(&mut x);
            for x in &mut x {
                *x = 4.0 * *x - 2.0;
            }
            energy = target.energy_gradient(&x, &mut gradient);
            if energy.is_finite() && gradient.iter().all(|g| g.is_finite()) {
                return Ok(x);
            }
        }
        Err(SampleError::NoStart {
            chain,
            tries: TRIES,
            energy,
        })
    }
}

/// Given positions, one for each chain or one for all: made by
/// [`Sampler::starts`](crate::Sampler::starts).
#[derive(Clone, Debug)]
pub struct GivenStarts<X> {
    pub(super) positions: Vec<X>,
}

impl<T> Starts<T> for GivenStarts<Owned<T>>
where
    T: Energy + ?Sized,
    Owned<T>: Sync,
{
    fn check(&self, chains: usize) -> Result<(), ArgumentError> {
        if self.positions.len() == chains || self.positions.len() == 1 {
            Ok(())
        } else {
            Err(ArgumentError::new(
                "starts",
                format!("{} positions", self.positions.len()),
                format!("one position for each of {chains} chains, or one for all"),
            ))
        }
    }

    fn start(&self, _: &T, chain: usize, _: &mut ChaCha8Rng) -> Result<Owned<T>, SampleError> {
        let position = self.positions.get(chain).or_else(|| self.positions.first());
        match position {
            Some(x) => Ok(Borrow::<T::State>::borrow(x).to_owned()),
            None => Err(ArgumentError::new("starts", "empty", "at least one position").into()),
        }
    }
}

/// Positions from a function: made by [`Sampler::start_with`](crate::Sampler::start_with).
#[derive(Clone, Debug)]
pub struct StartsWith<F> {
    pub(super) function: F,
}

impl<T, F> Starts<T> for StartsWith<F>
where
    T: Energy + ?Sized,
    F: Fn(&T, usize, &mut ChaCha8Rng) -> Owned<T> + Sync,
{
    fn start(
        &self,
        target: &T,
        chain: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<Owned<T>, SampleError> {
        Ok((self.function)(target, chain, rng))
    }
}
