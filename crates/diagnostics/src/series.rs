//! The draws of one quantity, checked once: several chains of one length, chain after chain.

use std::borrow::Cow;

use ergodic_core::ArgumentError;
use ergodic_math::reduce;

use crate::DiagnosticsError;

/// Fewer draws than this in a chain have no diagnosis (the halves need a variance).
pub(crate) const FEWEST: usize = 4;

/// Chains of one length, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Series<'a> {
    pub(crate) values: Cow<'a, [f64]>,
    pub(crate) chains: usize,
    pub(crate) draws: usize,
}

impl Series<'static> {
    /// Copies and checks chains.
    pub(crate) fn new<C: AsRef<[f64]>>(chains: &[C]) -> Result<Self, DiagnosticsError> {
        let draws = chains
            .first()
            .ok_or(DiagnosticsError::Empty)?
            .as_ref()
            .len();
        for (chain, values) in chains.iter().enumerate() {
            let found = values.as_ref().len();
            if found != draws {
                return Err(DiagnosticsError::Unequal {
                    chain,
                    found,
                    expected: draws,
                });
            }
        }
        let mut values = Vec::with_capacity(draws * chains.len());
        for chain in chains {
            values.extend_from_slice(chain.as_ref());
        }
        Series::checked(Cow::Owned(values), chains.len(), draws)
    }
}

impl<'a> Series<'a> {
    /// Values of `chains` chains of `draws` draws, one chain after the other.
    pub(crate) fn checked(
        values: Cow<'a, [f64]>,
        chains: usize,
        draws: usize,
    ) -> Result<Self, DiagnosticsError> {
        if chains == 0 {
            return Err(DiagnosticsError::Empty);
        }
        if draws < FEWEST {
            return Err(DiagnosticsError::Short {
                found: draws,
                needed: FEWEST,
            });
        }
        if values.len() > u32::MAX as usize {
            return Err(ArgumentError::new(
                "chains",
                format!("of {} values", values.len()),
                "fewer than 2³² values of one quantity",
            )
            .into());
        }
        // One sum tells whether anything is wrong, at the speed of the memory: x·0 is 0 or NaN.
        if values.iter().map(|x| x * 0.0).sum::<f64>() != 0.0
            && let Some(at) = values.iter().position(|x| !x.is_finite())
        {
            return Err(DiagnosticsError::NonFinite {
                parameter: None,
                chain: at / draws,
                draw: at % draws,
                value: values[at],
            });
        }
        Ok(Self {
            values,
            chains,
            draws,
        })
    }

    /// One chain.
    pub(crate) fn chain(&self, chain: usize) -> &[f64] {
        &self.values[chain * self.draws..][..self.draws]
    }

    /// Whether all values are the same.
    pub(crate) fn is_constant(&self) -> bool {
        self.values.iter().all(|&x| x == self.values[0])
    }

    /// The first and the last `n/2` draws of each chain as chains of their own; the middle draw of
    /// an odd number belongs to neither.
    pub(crate) fn halves(&self) -> Series<'_> {
        let half = self.draws / 2;
        let values = if self.draws.is_multiple_of(2) {
            Cow::Borrowed(&*self.values)
        } else {
            let mut values = Vec::with_capacity(2 * half * self.chains);
            for chain in 0..self.chains {
                let chain = self.chain(chain);
                values.extend_from_slice(&chain[..half]);
                values.extend_from_slice(&chain[half + 1..]);
            }
            Cow::Owned(values)
        };
        Series {
            values,
            chains: 2 * self.chains,
            draws: half,
        }
    }

    /// The middle draw of each chain if their number is odd: what [`halves`](Self::halves) leaves
    /// out.
    pub(crate) fn middles(&self) -> Vec<f64> {
        if self.draws.is_multiple_of(2) {
            return Vec::new();
        }
        (0..self.chains)
            .map(|c| self.chain(c)[self.draws / 2])
            .collect()
    }

    /// Deviations from the mean in units of a power of two, so that neither squares nor fourth
    /// powers leave the range of `f64`.
    pub(crate) fn standardized(&self) -> Standardized {
        let largest = self.values.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        // 2⁻ᵉ is a normal number for every e between.
        let exponent = libm::ilogb(largest).clamp(-1000, 1000);
        let unit = libm::scalbn(1.0, exponent);
        let inverse = libm::scalbn(1.0, -exponent);
        let mut deviations: Vec<f64> = self.values.iter().map(|x| x * inverse).collect();
        let mean = reduce::mean(&deviations).unwrap_or(0.0);
        for x in &mut deviations {
            *x -= mean;
        }
        // Exponents of values that are all alike: the spread may be far smaller than the values.
        let n = deviations.len() as f64;
        let square = reduce::dot(&deviations, &deviations).unwrap_or(0.0);
        Standardized {
            deviations,
            unit,
            mean: mean * unit,
            sum_of_squares: square,
            count: n,
        }
    }
}

/// What [`Series::standardized`] gives.
pub(crate) struct Standardized {
    /// `(x − x̄)/unit`.
    pub(crate) deviations: Vec<f64>,
    /// A power of two.
    pub(crate) unit: f64,
    /// `x̄`.
    pub(crate) mean: f64,
    /// Of the deviations.
    pub(crate) sum_of_squares: f64,
    /// The number of values.
    pub(crate) count: f64,
}

impl Standardized {
    /// The standard deviation with divisor `N − 1`, in the units of the values.
    pub(crate) fn standard_deviation(&self) -> f64 {
        (self.sum_of_squares / (self.count - 1.0)).sqrt() * self.unit
    }
}
