//! Sums of independent lattice variables as convolutions of what matters of their laws.

use ergodic_core::ArgumentError;
use ergodic_math::reduce;
use ergodic_math::simd::{Vectorize, vectorize};

use crate::lattice::MOST_POINTS;
use crate::transform::{convolution, norm, transform_error};

/// The unit roundoff.
const UNIT: f64 = 0.5 * f64::EPSILON;

/// Convolutions of more multiplications than this go through Fourier transforms.
const DIRECT: usize = 1 << 28;

/// The masses of consecutive lattice points, and bounds of their errors.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// The index of the first.
    pub(crate) first: i64,
    pub(crate) masses: Vec<f64>,
    /// Bound of the relative error of every mass, from sums of positive terms.
    pub(crate) relative: f64,
    /// Bound of the absolute error of every mass besides, from Fourier transforms.
    pub(crate) absolute: f64,
    /// Bound of the mass that was left out.
    pub(crate) lost: f64,
}

impl Window {
    /// A law whose masses have this relative error.
    pub(crate) fn of_law(masses: Vec<f64>, relative: f64) -> Self {
        Self {
            first: 0,
            masses,
            relative,
            absolute: 0.0,
            lost: 0.0,
        }
    }

    /// The unit of convolution.
    pub(crate) fn nothing() -> Self {
        Self::of_law(vec![1.0], 0.0)
    }

    /// Spread to every `stride`-th point.
    pub(crate) fn strided(mut self, stride: usize) -> Result<Self, ArgumentError> {
        if stride > 1 {
            let length = (self.masses.len() - 1).saturating_mul(stride) + 1;
            fits(length)?;
            let mut masses = vec![0.0; length];
            for (i, m) in self.masses.iter().enumerate() {
                masses[i * stride] = *m;
            }
            self.masses = masses;
        }
        Ok(self)
    }

    /// Without ends of mass at most `negligible` each, or of masses that are not resolved.
    fn trimmed(mut self, negligible: f64) -> Self {
        let unresolved = self.absolute;
        let ends = |masses: &mut dyn Iterator<Item = &f64>| {
            let (mut sum, mut number) = (0.0, 0);
            for m in masses {
                if sum + m > negligible && *m > unresolved {
                    break;
                }
                sum += m;
                number += 1;
            }
            (sum, number)
        };
        let front = ends(&mut self.masses.iter());
        let back = ends(&mut self.masses.iter().rev());
        if front.1 + back.1 >= self.masses.len() {
            return self; // all of it is negligible: of no use without
        }
        let number = front.1 + back.1;
        if number > 0 {
            self.masses.truncate(self.masses.len() - back.1);
            self.masses.drain(..front.1);
            self.first += front.1 as i64;
            // What they are, with room for their own errors.
            self.lost += 2.0 * (front.0 + back.0) + number as f64 * unresolved;
        }
        self
    }

    /// The law of the sum of two independent variables.
    pub(crate) fn convolved(&self, other: &Self, negligible: f64) -> Result<Self, ArgumentError> {
        let (long, short) = if self.masses.len() < other.masses.len() {
            (other, self)
        } else {
            (self, other)
        };
        let length = long.masses.len() + short.masses.len() - 1;
        fits(length)?;
        let mut relative = self.relative + other.relative;
        // The masses of each sum to 1 at most.
        let mut absolute = self.absolute + other.absolute;
        let masses = if long.masses.len().saturating_mul(short.masses.len()) <= DIRECT {
            relative += (short.masses.len() + 1) as f64 * UNIT;
            direct(&long.masses, &short.masses)
        } else {
            let size = norm(&long.masses) * norm(&short.masses);
            let transform = length.next_power_of_two();
            absolute += transform_error(transform) * size;
            convolution(&long.masses, &short.masses, transform)
        };
        let whole = Self {
            first: self.first + other.first,
            masses,
            relative,
            absolute,
            lost: self.lost + other.lost,
        };
        Ok(whole.trimmed(negligible))
    }

    /// The law of the sum of `n ≥ 1` independent copies, by repeated squaring.
    pub(crate) fn power(self, n: u64, negligible: f64) -> Result<Self, ArgumentError> {
        let base = self.trimmed(negligible);
        let mut result = base.clone();
        for bit in (0..n.ilog2()).rev() {
            result = result.convolved(&result, negligible)?;
            if n >> bit & 1 == 1 {
                result = result.convolved(&base, negligible)?;
            }
        }
        Ok(result)
    }

    /// `Σ masses·weight(index)` over indices `low..=high` for weights between 0 and 1, and bounds of its
    /// relative error: from numerical errors, and from what was left out.
    pub(crate) fn sum(&self, low: i64, high: i64, weight: impl Fn(i64) -> f64) -> (f64, [f64; 2]) {
        let end = self.first + self.masses.len() as i64;
        let (low, high) = (low.max(self.first), high.min(end - 1));
        let mut terms = Vec::new();
        let mut weights = 0.0;
        for index in low..=high {
            let w = weight(index);
            if w == 0.0 {
                continue;
            }
            weights += w;
            terms.push(w * self.masses[(index - self.first) as usize]);
        }
        let sum = reduce::sum(&terms);
        let error = if sum > 0.0 {
            let rounding = self.relative + 4.0 * UNIT + self.absolute * weights / sum;
            [rounding, self.lost / sum]
        } else {
            [f64::INFINITY; 2]
        };
        (sum, error)
    }
}

fn fits(length: usize) -> Result<(), ArgumentError> {
    if length <= MOST_POINTS {
        return Ok(());
    }
    Err(ArgumentError::new(
        "n",
        format!("so large that the sum needs {length} lattice points"),
        format!("small enough for {MOST_POINTS}"),
    ))
}

pub(crate) fn direct(long: &[f64], short: &[f64]) -> Vec<f64> {
    struct Direct<'a>(&'a [f64], &'a [f64], &'a mut [f64]);
    impl Vectorize for Direct<'_> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            for (offset, factor) in self.1.iter().enumerate() {
                if *factor == 0.0 {
                    continue;
                }
                for (o, l) in self.2[offset..].iter_mut().zip(self.0) {
                    *o += factor * l;
                }
            }
        }
    }
    let mut out = vec![0.0; long.len() + short.len() - 1];
    vectorize(Direct(long, short, &mut out));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` coins, by the recurrence of binomial coefficients in whole numbers.
    #[test]
    fn powers_of_a_coin_are_binomial_within_the_stated_error() {
        for n in [1u64, 2, 3, 7, 50, 52] {
            let coin = Window::of_law(vec![0.5, 0.5], 0.0);
            let sum = coin.power(n, 0.0).unwrap();
            let mut exact = 1u64;
            for k in 0..=n {
                let p = exact as f64 / 2f64.powi(n as i32);
                let found = sum.masses[k as usize];
                assert!((found / p - 1.0).abs() <= sum.relative, "{n} {k}");
                exact = (u128::from(exact) * u128::from(n - k) / u128::from(k + 1)) as u64;
            }
        }
    }

    #[test]
    fn what_is_left_out_is_accounted_for() {
        let coin = Window::of_law(vec![0.5, 0.5], 0.0);
        let whole = coin.clone().power(200, 0.0).unwrap();
        let part = coin.power(200, 1e-12).unwrap();
        assert!(part.masses.len() < whole.masses.len());
        let missing: f64 = 1.0 - part.masses.iter().sum::<f64>();
        assert!(
            missing.abs() <= part.lost + 1e-13,
            "{missing} {}",
            part.lost
        );
        let too_large = Window::of_law(vec![0.5; 2], 0.0).strided(usize::MAX / 2);
        assert_eq!(too_large.unwrap_err().argument, "n");
    }
}
