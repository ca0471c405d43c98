//! Finite time in a harmonic trap: an overdamped particle whose law stays normal, solved exactly.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::quadrature::{Rule, gauss_legendre_on};

use crate::domain;

/// Overdamped Langevin dynamics in a harmonic trap, `γ dx = −k(t)(x − c(t)) dt + √(2γT) dB`: a normal law stays
/// normal.
///
/// The trap is switched ([`switch`](Self::switch)), dragged at constant stiffness and velocity
/// ([`drag`](Self::drag)), or its stiffness ramped ([`ramp`](Self::ramp)); a protocol is a sequence of these.
/// Work is the change of energy at fixed position, heat at fixed trap (Sekimoto, *Stochastic Energetics*,
/// 2010; Mazonka and Jarzynski, arXiv:cond-mat/9912121, for dragging).
///
/// ```
/// use ergodic_expfam::thermodynamics::TrapDynamics;
///
/// let dynamics = TrapDynamics::new(1.0, 1.0)?; // friction, temperature
/// let start = dynamics.equilibrium(1.0, 0.0)?;
/// let dragged = dynamics.drag(start, 1.0, 0.0, 1.0, 2.0)?; // for a time of 2 at velocity 1
/// assert!((dragged.work - 1.1353352832366128).abs() < 1e-15);
/// assert!((dragged.work_variance - 2.0 * dragged.work).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrapDynamics {
    friction: f64,
    temperature: f64,
}

/// A normal law of the position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrapLaw {
    /// Its mean.
    pub mean: f64,
    /// Its variance, above 0.
    pub variance: f64,
}

/// The ledger of one move of the trap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrapRecord {
    /// The law at the end.
    pub law: TrapLaw,
    /// `⟨W⟩`, done on the particle.
    pub work: f64,
    /// `Var W` of this move. (The works of moves in a row are correlated: their variances do not add.)
    pub work_variance: f64,
    /// `⟨Q⟩`, taken up from the bath.
    pub heat: f64,
    /// `ΔS = ½ log(v′/v)`, in nats.
    pub entropy_change: f64,
    /// `ΔS − Q/T ≥ 0`, in nats.
    pub entropy_production: f64,
}

/// Nodes of Gauss's rule on a panel of at most one relaxation time: exact to rounding there.
const NODES: usize = 16;

/// Panels of a ramp at most.
const PANELS: f64 = 1e5;

fn trap(stiffness: f64, centre: f64) -> Result<(), ArgumentError> {
    domain::positive("stiffness", stiffness)?;
    domain::finite("centre", &[centre], 1)
}

impl TrapDynamics {
    /// With this friction `γ` and temperature.
    ///
    /// # Errors
    /// Unless both are finite and above 0.
    pub fn new(friction: f64, temperature: f64) -> Result<Self, ArgumentError> {
        domain::positive("friction", friction)?;
        domain::positive("temperature", temperature)?;
        Ok(Self {
            friction,
            temperature,
        })
    }

    /// The equilibrium law in a trap: variance `T/k`.
    ///
    /// # Errors
    /// If the stiffness is not finite and above 0, or the centre is not finite.
    pub fn equilibrium(&self, stiffness: f64, centre: f64) -> Result<TrapLaw, ArgumentError> {
        trap(stiffness, centre)?;
        let law = TrapLaw {
            mean: centre,
            variance: self.temperature / stiffness,
        };
        checked(law)?;
        Ok(law)
    }

    /// `½k⟨(x − c)²⟩`.
    fn energy(law: TrapLaw, stiffness: f64, centre: f64) -> f64 {
        let off = law.mean - centre;
        0.5 * stiffness * (off * off + law.variance)
    }

    fn record(
        &self,
        start: TrapLaw,
        end: TrapLaw,
        work: f64,
        work_variance: f64,
        heat: f64,
    ) -> Result<TrapRecord, ArgumentError> {
        let entropy_change = 0.5 * Real::ln(end.variance / start.variance);
        let record = TrapRecord {
            law: end,
            work,
            work_variance,
            heat,
            entropy_change,
            entropy_production: entropy_change - heat / self.temperature,
        };
        let numbers = [
            end.mean,
            end.variance,
            work,
            work_variance,
            heat,
            entropy_change,
        ];
        if numbers.iter().all(|x| x.is_finite()) && end.variance > 0.0 {
            return Ok(record);
        }
        Err(ArgumentError::new(
            "protocol",
            format!("one that leads to {record:?}"),
            "within the range of f64",
        ))
    }

    /// The trap switches from `(stiffness, centre)` to another at once: work `½k′(x − c′)² − ½k(x − c)²`, no heat.
    ///
    /// # Errors
    /// If a stiffness is not finite and above 0, a centre is not finite, or the law is none.
    pub fn switch(
        &self,
        law: TrapLaw,
        from: (f64, f64),
        to: (f64, f64),
    ) -> Result<TrapRecord, ArgumentError> {
        checked(law)?;
        trap(from.0, from.1)?;
        trap(to.0, to.1)?;
        let work = Self::energy(law, to.0, to.1) - Self::energy(law, from.0, from.1);
        // W = αu² + bu + const in u = x − ⟨x⟩.
        let quadratic = 0.5 * (to.0 - from.0);
        let linear = to.0 * (law.mean - to.1) - from.0 * (law.mean - from.1);
        let variance =
            law.variance * (2.0 * quadratic * quadratic * law.variance + linear * linear);
        self.record(law, law, work, variance, 0.0)
    }

    /// The centre moves at constant velocity for a time, from `centre`; velocity 0 lets the particle relax.
    ///
    /// With `κ = k/γ` and `a = (1 − e^{−κt})/κ`: `⟨W⟩ = γu²t − ku(⟨x − c⟩₀ + u/κ)a` for velocity `u`, and
    /// `W` is normal if the particle starts from a normal law, with variance
    /// `k²u²{v₀a² + (2T/γκ²)[t − 2a + (1 − e^{−2κt})/2κ]}`.
    ///
    /// # Errors
    /// If the stiffness is not finite and above 0, the centre or velocity not finite, the duration not finite
    /// or below 0, or the law is none.
    pub fn drag(
        &self,
        law: TrapLaw,
        stiffness: f64,
        centre: f64,
        velocity: f64,
        duration: f64,
    ) -> Result<TrapRecord, ArgumentError> {
        checked(law)?;
        trap(stiffness, centre)?;
        domain::finite("velocity", &[velocity], 1)?;
        duration_ok(duration)?;
        let rate = stiffness / self.friction;
        // 1 − e^{−κt} and 1 − e^{−2κt}, accurate for short times.
        let (once, twice) = (
            -Real::exp_m1(-rate * duration),
            -Real::exp_m1(-2.0 * rate * duration),
        );
        // κt − (1 − e^{−κt}) and what is left of it after its leading term.
        let (once_left, twice_left) = remainders(rate * duration, once);
        let lag = velocity / rate;
        let start = law.mean - centre;
        let end_centre = centre + velocity * duration;
        let end = TrapLaw {
            mean: end_centre + start - (start + lag) * once,
            variance: law.variance + (self.temperature / stiffness - law.variance) * twice,
        };
        let a = once / rate;
        let work = self.friction * velocity * velocity * once_left / rate
            - stiffness * velocity * start * a;
        let wander = law.variance * a * a
            + 2.0 * self.temperature / self.friction / rate / rate * twice_left / rate;
        let force = stiffness * velocity;
        let energy_change =
            Self::energy(end, stiffness, end_centre) - Self::energy(law, stiffness, centre);
        self.record(law, end, work, force * force * wander, energy_change - work)
    }

    /// The stiffness changes linearly in a time, around a fixed centre.
    ///
    /// `v̇ = −2(k/γ)v + 2T/γ` is solved by its integrating factor and `⟨W⟩ = ½∫ k̇ ⟨(x − c)²⟩ dt` integrated, both
    /// by Gauss's rule of 16 nodes on panels of at most one relaxation time, which is exact to rounding;
    /// `O(k·duration/γ)`. The work is not normal; its variance is `∬ k̇k̇′ Cov` of the squared displacements,
    /// by the same rule.
    ///
    /// # Errors
    /// As [`drag`](Self::drag), and if the ramp lasts more than 10⁵ relaxation times.
    ///
    /// ```
    /// use ergodic_expfam::thermodynamics::TrapDynamics;
    ///
    /// // Slow: the work tends to ΔF = ½ log 4.
    /// let dynamics = TrapDynamics::new(1.0, 1.0)?;
    /// let start = dynamics.equilibrium(1.0, 0.0)?;
    /// let slow = dynamics.ramp(start, 0.0, 1.0, 4.0, 1000.0)?;
    /// assert!(slow.work > 0.6931471805599453 && slow.work < 0.6945);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn ramp(
        &self,
        law: TrapLaw,
        centre: f64,
        from: f64,
        to: f64,
        duration: f64,
    ) -> Result<TrapRecord, ArgumentError> {
        checked(law)?;
        trap(from, centre)?;
        trap(to, centre)?;
        duration_ok(duration)?;
        if duration == 0.0 {
            return self.switch(law, (from, centre), (to, centre));
        }
        let fastest = from.max(to) / self.friction;
        let panels = (fastest * duration).ceil().max(1.0);
        if panels > PANELS {
            return Err(ArgumentError::new(
                "duration",
                duration,
                format!("at most {PANELS:e} relaxation times, {}", PANELS / fastest),
            ));
        }
        let slope = (to - from) / duration;
        let unit = gauss_legendre_on(NODES, 0.0, 1.0)
            .map_err(|e| ArgumentError::new("duration", duration, e.to_string()))?;
        let ramp = Ramp {
            stiffness: from,
            slope,
            friction: self.friction,
            noise: 2.0 * self.temperature / self.friction,
            unit,
        };
        let (mut variance, mut square) = (law.variance, (law.mean - centre) * (law.mean - centre));
        let mut work = 0.0;
        // ∫₀ᵗ Cov(y_s², y_t²) ds at the start of the panel, y = x − c.
        let mut covariance = 0.0;
        let mut work_variance = 0.0;
        let h = duration / panels;
        for k in 0..panels as usize {
            let start = h * k as f64;
            for (x, w) in ramp.unit.iter() {
                let t = start + h * x;
                let (v, decay) = ramp.variance(start, t, variance);
                let m = square * decay;
                work += 0.5 * slope * h * w * (v + m);
            }
            // Of normal variables, Cov(y_s², y_t²) = e^{−2(Φ_t − Φ_s)}(2v_s² + 4⟨y_s⟩²v_s).
            let source = |v: f64, m: f64| 2.0 * v * v + 4.0 * m * v;
            let at = |t: f64| {
                let mut sum = covariance * ramp.decay(start, t);
                for (x, w) in ramp.unit.iter() {
                    let s = start + (t - start) * x;
                    let (v, decay) = ramp.variance(start, s, variance);
                    sum += (t - start) * w * ramp.decay(s, t) * source(v, square * decay);
                }
                sum
            };
            for (x, w) in ramp.unit.iter() {
                work_variance += 0.5 * slope * slope * h * w * at(start + h * x);
            }
            covariance = at(start + h);
            let (v, decay) = ramp.variance(start, start + h, variance);
            variance = v;
            square *= decay;
        }
        let total = ramp.exponent(0.0, duration);
        let end = TrapLaw {
            mean: centre + (law.mean - centre) * Real::exp(-total),
            variance,
        };
        let energy_change = Self::energy(end, to, centre) - Self::energy(law, from, centre);
        self.record(law, end, work, work_variance, energy_change - work)
    }
}

fn checked(law: TrapLaw) -> Result<(), ArgumentError> {
    domain::finite("law", &[law.mean], 1)?;
    domain::positive("law", law.variance)
}

/// `y − w` and `y − w − w²/2` for `w = 1 − e^{−y}`, with relative accuracy: as `y = −log(1 − w)`, they are
/// `Σ wᵏ/k` from `k = 2` and from `k = 3`.
fn remainders(y: f64, w: f64) -> (f64, f64) {
    if w > 0.35 {
        let first = y - w;
        return (first, first - 0.5 * w * w);
    }
    // 0.35⁴⁰ is below rounding.
    let series = (3..=40).rev().fold(0.0, |s, k| s * w + 1.0 / f64::from(k));
    let second = w * w * w * series;
    (0.5 * w * w + second, second)
}

fn duration_ok(duration: f64) -> Result<(), ArgumentError> {
    if duration >= 0.0 && duration.is_finite() {
        return Ok(());
    }
    Err(ArgumentError::new(
        "duration",
        duration,
        "finite, at least 0",
    ))
}

/// A linear ramp of the stiffness.
struct Ramp {
    stiffness: f64,
    slope: f64,
    friction: f64,
    /// `2T/γ`.
    noise: f64,
    unit: Rule,
}

impl Ramp {
    /// `Φ(t) − Φ(s) = ∫ₛᵗ k/γ`.
    fn exponent(&self, s: f64, t: f64) -> f64 {
        (t - s) * (self.stiffness + 0.5 * self.slope * (s + t)) / self.friction
    }

    /// `e^{−2(Φ(t) − Φ(s))}`.
    fn decay(&self, s: f64, t: f64) -> f64 {
        Real::exp(-2.0 * self.exponent(s, t))
    }

    /// The variance at `t` from that at `s`, and the decay of squares between.
    fn variance(&self, s: f64, t: f64, variance: f64) -> (f64, f64) {
        let decay = self.decay(s, t);
        let fresh: f64 = self
            .unit
            .iter()
            .map(|(x, w)| w * self.decay(s + (t - s) * x, t))
            .sum();
        (variance * decay + self.noise * (t - s) * fresh, decay)
    }
}
