//! Amounts with their unit.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

use ergodic_core::Units;

/// An amount of information; read it in [`nats`](Self::nats) or [`bits`](Self::bits).
///
/// ```
/// use ergodic_info::Information;
///
/// let coin = Information::from_bits(1.0);
/// assert!((coin.nats() - 2f64.ln()).abs() < 1e-15);
/// assert_eq!(format!("{coin:.3}"), "0.693 nats");
/// assert!(coin + coin > coin);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Information {
    nats: f64,
}

impl Information {
    /// Nothing.
    pub const ZERO: Self = Self { nats: 0.0 };

    /// An amount given in nats.
    pub const fn from_nats(nats: f64) -> Self {
        Self { nats }
    }

    /// An amount given in bits; 1 bit = ln 2 nats.
    pub const fn from_bits(bits: f64) -> Self {
        Self {
            nats: bits * std::f64::consts::LN_2,
        }
    }

    /// The amount in nats.
    pub const fn nats(self) -> f64 {
        self.nats
    }

    /// The amount in bits.
    pub const fn bits(self) -> f64 {
        self.nats * std::f64::consts::LOG2_E
    }

    /// The absolute amount.
    pub const fn abs(self) -> Self {
        Self {
            nats: self.nats.abs(),
        }
    }
}

impl fmt::Display for Information {
    /// In nats: `0.693 nats` with `{:.3}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.nats, f)?;
        f.write_str(" nats")
    }
}

impl Add for Information {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::from_nats(self.nats + other.nats)
    }
}

impl AddAssign for Information {
    fn add_assign(&mut self, other: Self) {
        self.nats += other.nats;
    }
}

impl Sub for Information {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::from_nats(self.nats - other.nats)
    }
}

impl SubAssign for Information {
    fn sub_assign(&mut self, other: Self) {
        self.nats -= other.nats;
    }
}

impl Neg for Information {
    type Output = Self;
    fn neg(self) -> Self {
        Self::from_nats(-self.nats)
    }
}

impl Mul<f64> for Information {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self::from_nats(self.nats * factor)
    }
}

impl Div<f64> for Information {
    type Output = Self;
    fn div(self, divisor: f64) -> Self {
        Self::from_nats(self.nats / divisor)
    }
}

impl Sum for Information {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// What a measure can answer with: [`Information`], or a pure number (`f64`) where there is no
/// logarithm, as in Tsallis entropy, χ² or total variation.
pub trait Quantity: Copy + fmt::Debug + PartialOrd {
    /// The unit of [`raw`](Self::raw).
    const UNITS: Units;

    /// The number: nats, or the pure number.
    fn raw(self) -> f64;

    /// The quantity of that number.
    fn from_raw(raw: f64) -> Self;
}

impl Quantity for Information {
    const UNITS: Units = Units::Nats;

    fn raw(self) -> f64 {
        self.nats
    }

    fn from_raw(raw: f64) -> Self {
        Self::from_nats(raw)
    }
}

impl Quantity for f64 {
    const UNITS: Units = Units::Dimensionless;

    fn raw(self) -> f64 {
        self
    }

    fn from_raw(raw: f64) -> Self {
        raw
    }
}
