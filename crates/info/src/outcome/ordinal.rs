//! Orders of successive values as outcomes.

use ergodic_math::rng;

use super::{OutcomeSpace, finite};
use crate::{InfoError, Symbols};

/// How equal values within a window are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ties {
    /// The earlier value counts as the smaller one. Rounded data then show rising patterns too often.
    #[default]
    ByIndex,
    /// At random, as infinitesimal noise would: each value of the series draws one number from the seed's
    /// stream, and equal values are ordered by it.
    Noise {
        /// The seed.
        seed: u64,
    },
}

/// Ordinal patterns (Bandt and Pompe, *Phys. Rev. Lett.* 88, 174102, 2002): the window
/// `x_t, x_{t+τ}, …, x_{t+(m−1)τ}` of order `m` and delay `τ` becomes the permutation that sorts it, one of
/// `m!` symbols, numbered by its Lehmer code: `Σᵢ (number of later values in the window that are smaller
/// than the i-th)·(m − 1 − i)!`. The rising pattern is 0, the falling one `m! − 1`.
///
/// A series of `n` values has `n − (m − 1)τ` windows. The entropy of their law is the permutation entropy;
/// it is unchanged by increasing functions of the values.
///
/// * **Not** for intervals as if the windows were independent: they overlap. Take subsamples in stretches, or
///   every `mτ`-th window.
///
/// ```
/// use ergodic_info::outcome::{OrdinalPatterns, OutcomeSpace};
///
/// let patterns = OrdinalPatterns::new(3, 1)?;
/// let symbols = patterns.encode(&[4.0, 7.0, 9.0, 10.0, 6.0, 11.0, 3.0])?;
/// assert_eq!((symbols.codes(), symbols.alphabet()), (&[0, 0, 3, 2, 3][..], 6));
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrdinalPatterns {
    order: usize,
    delay: usize,
    ties: Ties,
}

impl OrdinalPatterns {
    /// Patterns of `order` values (2 to 12, as `12! < 2³²`), `delay ≥ 1` apart, ties by index.
    ///
    /// # Errors
    /// If order or delay are outside these ranges.
    pub fn new(order: usize, delay: usize) -> Result<Self, InfoError> {
        if !(2..=12).contains(&order) {
            return Err(InfoError::argument("order", order, "between 2 and 12"));
        }
        if delay == 0 {
            return Err(InfoError::argument("delay", delay, "at least 1"));
        }
        Ok(Self {
            order,
            delay,
            ties: Ties::ByIndex,
        })
    }

    /// How equal values are ordered.
    pub const fn ties(mut self, ties: Ties) -> Self {
        self.ties = ties;
        self
    }
}

impl OutcomeSpace for OrdinalPatterns {
    fn encode(&self, values: &[f64]) -> Result<Symbols, InfoError> {
        finite("values", values)?;
        let reach = self.delay.saturating_mul(self.order - 1);
        if values.len() <= reach {
            return Err(InfoError::argument(
                "values",
                format!("a series of {} values", values.len()),
                format!("longer than (order − 1)·delay = {reach}"),
            ));
        }
        let noise: Vec<f64> = match self.ties {
            Ties::ByIndex => Vec::new(),
            Ties::Noise { seed } => {
                let mut noise = vec![0.0; values.len()];
                rng::fill_uniform(&mut rng::stream(seed, 0), &mut noise);
                noise
            }
        };
        // Whether the value at `later` is the smaller one.
        let below = |later: usize, earlier: usize| {
            values[later] < values[earlier]
                || values[later] == values[earlier]
                    && !noise.is_empty()
                    && noise[later] < noise[earlier]
        };
        let codes: Vec<u32> = (0..values.len() - reach)
            .map(|start| {
                let place = |i: usize| start + i * self.delay;
                (0..self.order).fold(0, |code, i| {
                    let smaller = (i + 1..self.order)
                        .filter(|j| below(place(*j), place(i)))
                        .count();
                    // Horner's rule in the factorial number system.
                    code * (self.order - i) as u32 + smaller as u32
                })
            })
            .collect();
        Symbols::new(codes, self.alphabet())
    }

    fn alphabet(&self) -> u32 {
        (1..=self.order as u32).product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_number_all_permutations() {
        // All permutations of four values in lexicographic order have the codes 0..24.
        let mut codes = Vec::new();
        for a in 0..4 {
            for b in 0..4 {
                for c in 0..4 {
                    for d in 0..4 {
                        let window = [a, b, c, d].map(f64::from);
                        if (0..4).all(|v| window.contains(&f64::from(v))) {
                            let symbols = OrdinalPatterns::new(4, 1).unwrap().encode(&window);
                            codes.push(symbols.unwrap().codes()[0]);
                        }
                    }
                }
            }
        }
        assert_eq!(codes, (0..24).collect::<Vec<u32>>());
    }

    #[test]
    fn delays_take_every_second_value() {
        let values = [1.0, 9.0, 2.0, 8.0, 3.0, 7.0];
        let symbols = OrdinalPatterns::new(3, 2).unwrap().encode(&values).unwrap();
        assert_eq!(symbols.codes(), [0, 5]);
    }

    #[test]
    fn ties_rise_by_index_and_are_even_by_noise() {
        let constant = vec![1.0; 20_001];
        let patterns = OrdinalPatterns::new(3, 2).unwrap();
        assert!(
            patterns
                .encode(&constant)
                .unwrap()
                .codes()
                .iter()
                .all(|c| *c == 0)
        );
        let noisy = patterns.ties(Ties::Noise { seed: 4 });
        let symbols = noisy.encode(&constant).unwrap();
        assert_eq!(symbols, noisy.encode(&constant).unwrap());
        // Uniform on six patterns: a frequency of 19,997 windows has a deviation of .0026 if they are
        // independent, at most √5 times that as each overlaps four others; 5.5 of those: 2e-7 for six.
        for count in symbols.counts().as_slice() {
            let share = *count as f64 / 19_997.0;
            assert!((share - 1.0 / 6.0).abs() < 0.033, "{share}");
        }
    }

    #[test]
    fn bad_input_names_its_argument() {
        let text = |e: InfoError| e.to_string();
        assert!(text(OrdinalPatterns::new(1, 1).unwrap_err()).contains("order"));
        assert!(text(OrdinalPatterns::new(13, 1).unwrap_err()).contains("order"));
        assert!(text(OrdinalPatterns::new(3, 0).unwrap_err()).contains("delay"));
        let patterns = OrdinalPatterns::new(3, usize::MAX).unwrap();
        assert!(text(patterns.encode(&[1.0; 9]).unwrap_err()).contains("values"));
        let patterns = OrdinalPatterns::new(3, 2).unwrap();
        assert!(text(patterns.encode(&[1.0; 4]).unwrap_err()).contains("(order − 1)·delay = 4"));
        assert!(text(patterns.encode(&[f64::NAN; 9]).unwrap_err()).contains("position 0"));
    }
}
