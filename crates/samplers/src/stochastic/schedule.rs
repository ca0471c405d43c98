//! Step sizes that change with the iteration.

use ergodic_core::ArgumentError;

use crate::phase::positive;

/// The step size of a stochastic-gradient kernel at iteration `t = 0, 1, …`, which the state of
/// the chain counts.
///
/// ```
/// use ergodic_samplers::StepSchedule;
///
/// let cycle = StepSchedule::cyclical(0.1, 100, 0.25)?;
/// assert_eq!(cycle.at(0), (0.1, false)); // exploring: no noise
/// assert_eq!(cycle.at(100), (0.1, false));
/// assert!(cycle.at(99).0 < 1e-4 && cycle.at(99).1);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StepSchedule(Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Kind {
    Constant(f64),
    Polynomial {
        first: f64,
        offset: f64,
        power: f64,
    },
    Cyclical {
        peak: f64,
        period: u64,
        exploration: f64,
    },
}

impl StepSchedule {
    /// `h` at all times: a homogeneous chain with a bias.
    ///
    /// # Errors
    /// If it is not a finite number above 0.
    pub fn constant(step_size: f64) -> Result<Self, ArgumentError> {
        Ok(Self(Kind::Constant(positive("step_size", step_size)?)))
    }

    /// `h (1 + t/b)^(−κ)`: Welling and Teh's `a (b + t)^(−κ)` with `h = a b^(−κ)`.
    ///
    /// With `½ < κ ≤ 1` the steps sum to infinity and their squares do not, so that averages
    /// weighted by step size converge to those of the target (Teh, Thiery and Vollmer, *JMLR* 17,
    /// 7, 2016; the best rate is at `κ = ⅓`, where they converge still).
    ///
    /// # Errors
    /// If the first step size or `offset` (`b`) is not a finite number above 0, or `power` (`κ`)
    /// not in (0, 1].
    pub fn polynomial(first: f64, offset: f64, power: f64) -> Result<Self, ArgumentError> {
        positive("step_size", first)?;
        positive("offset", offset)?;
        if !(power > 0.0 && power <= 1.0) {
            return Err(ArgumentError::new("power", power, "in (0, 1]"));
        }
        Ok(Self(Kind::Polynomial {
            first,
            offset,
            power,
        }))
    }

    /// `½ h (1 + cos(π r))` with `r = (t mod period)/period`: cycles from a large step that finds
    /// modes to small ones that sample them; no noise while `r < exploration`.
    ///
    /// Zhang, Li, Zhang, Chen and Wilson, *ICLR* 2020. Draws belong to the sample only where
    /// [`StochasticInfo::sampling`](super::StochasticInfo::sampling) says so. The weights of the
    /// modes are those of the search, not those of the target.
    ///
    /// # Errors
    /// If the peak is not a finite number above 0, the period is 0, or `exploration` is not in
    /// [0, 1).
    pub fn cyclical(peak: f64, period: u64, exploration: f64) -> Result<Self, ArgumentError> {
        positive("step_size", peak)?;
        if period == 0 {
            return Err(ArgumentError::new("period", period, "at least 1"));
        }
        if !(0.0..1.0).contains(&exploration) {
            return Err(ArgumentError::new("exploration", exploration, "in [0, 1)"));
        }
        Ok(Self(Kind::Cyclical {
            peak,
            period,
            exploration,
        }))
    }

    /// The step size at iteration `t`, and whether noise is added.
    pub fn at(&self, t: u64) -> (f64, bool) {
        match self.0 {
            Kind::Constant(h) => (h, true),
            Kind::Polynomial {
                first,
                offset,
                power,
            } => (first * libm::pow(1.0 + t as f64 / offset, -power), true),
            Kind::Cyclical {
                peak,
                period,
                exploration,
            } => {
                let r = (t % period) as f64 / period as f64;
                // ½(1 + cos πr) = cos²(πr/2), without cancellation at the end of the cycle.
                let c = libm::cos(std::f64::consts::FRAC_PI_2 * r);
                (peak * c * c, r >= exploration)
            }
        }
    }

    /// The largest step size, that of iteration 0.
    pub fn largest(&self) -> f64 {
        self.at(0).0
    }

    /// Whether the step size is always the same.
    pub const fn is_constant(&self) -> bool {
        matches!(self.0, Kind::Constant(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_follow_their_formulas() {
        let s = StepSchedule::polynomial(0.5, 10.0, 0.55).unwrap();
        let (a, b) = (0.5 * 10f64.powf(0.55), 10.0);
        for t in [0, 1, 30, 1000] {
            let exact = a * (b + t as f64).powf(-0.55);
            assert!((s.at(t).0 / exact - 1.0).abs() < 1e-14);
        }
        let s = StepSchedule::cyclical(0.2, 50, 0.5).unwrap();
        for t in 0..200 {
            let r = (t % 50) as f64 / 50.0;
            let exact = 0.1 * ((std::f64::consts::PI * r).cos() + 1.0);
            assert!((s.at(t).0 - exact).abs() < 1e-16);
            assert_eq!(s.at(t).1, r >= 0.5);
        }
    }

    #[test]
    fn settings_out_of_their_domain_are_named() {
        let name = |s: Result<StepSchedule, ArgumentError>| s.unwrap_err().argument;
        assert_eq!(name(StepSchedule::constant(0.0)), "step_size");
        assert_eq!(name(StepSchedule::constant(f64::NAN)), "step_size");
        assert_eq!(name(StepSchedule::polynomial(1.0, 0.0, 0.5)), "offset");
        assert_eq!(name(StepSchedule::polynomial(1.0, 1.0, 1.5)), "power");
        assert_eq!(name(StepSchedule::cyclical(1.0, 0, 0.5)), "period");
        assert_eq!(name(StepSchedule::cyclical(1.0, 5, 1.0)), "exploration");
    }
}
