//! Langevin dynamics: overdamped, and underdamped by splittings.

mod leimkuhler_matthews;
mod splitting;
mod unadjusted;
mod underdamped;

pub use leimkuhler_matthews::{LeimkuhlerMatthews, LeimkuhlerMatthewsState};
pub use splitting::{Letter, Splitting};
pub use unadjusted::{OverdampedInfo, OverdampedState, UnadjustedLangevin};
pub use underdamped::{Langevin, LangevinInfo};
