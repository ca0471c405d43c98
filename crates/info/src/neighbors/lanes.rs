//! Eight numbers side by side: the unit in which the searches compute.

/// How many numbers are side by side: points per leaf, children per node.
pub(super) const LANES: usize = 8;

/// Eight numbers on a cache line of their own.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Lanes(pub(super) [f64; LANES]);

impl Lanes {
    #[inline(always)]
    pub(super) fn splat(x: f64) -> Self {
        Self([x; LANES])
    }

    #[inline(always)]
    pub(super) fn from_fn(mut f: impl FnMut(usize) -> f64) -> Self {
        let mut out = [0.0; LANES];
        for lane in 0..LANES {
            out[lane] = f(lane);
        }
        Self(out)
    }

    /// Which lanes are below `bound`: bit `8 + lane`, so that the compiler sees eight shifts and
    /// makes one vector operation of them. [`first`] reads it.
    #[inline(always)]
    pub(super) fn below(&self, bound: f64) -> u32 {
        let mut mask = 0;
        for lane in 0..LANES {
            mask |= u32::from(self.0[lane] < bound) << (LANES + lane);
        }
        mask
    }

    /// Which lanes are at most `bound`, as [`below`](Self::below).
    #[inline(always)]
    pub(super) fn at_most(&self, bound: f64) -> u32 {
        let mut mask = 0;
        for lane in 0..LANES {
            mask |= u32::from(self.0[lane] <= bound) << (LANES + lane);
        }
        mask
    }

    /// Whether any lane is below the same lane of `bounds`.
    #[inline(always)]
    pub(super) fn any_below(&self, bounds: &Self) -> bool {
        let mut any = false;
        for lane in 0..LANES {
            any |= self.0[lane] < bounds.0[lane];
        }
        any
    }

    /// The largest lane, of numbers.
    #[inline(always)]
    pub(super) fn largest(&self) -> f64 {
        let x = &self.0;
        let max = |a: f64, b: f64| if a > b { a } else { b };
        max(
            max(max(x[0], x[4]), max(x[1], x[5])),
            max(max(x[2], x[6]), max(x[3], x[7])),
        )
    }
}

/// The bit of a lane in a mask of [`Lanes::below`].
#[inline(always)]
pub(super) fn bit(lane: usize) -> u32 {
    1 << (LANES + lane)
}

/// The first lane of a mask of [`Lanes::below`] that is not empty.
#[inline(always)]
pub(super) fn first(mask: u32) -> usize {
    mask.trailing_zeros() as usize % LANES
}
