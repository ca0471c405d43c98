//! Carnot, Otto and Stirling cycles on any system.

use ergodic_core::ArgumentError;

use super::calculus;
use super::response::Response;
use super::stroke::{Stroke, StrokeKind};
use super::system::{Equilibrium, System, WorkLine, isentropic};
use crate::domain;

/// Which cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CycleKind {
    /// Two isothermal and two isentropic strokes: reversible.
    Carnot,
    /// Two isentropic strokes and two of constant work parameters.
    Otto,
    /// Two isothermal strokes and two of constant work parameters.
    Stirling,
}

impl CycleKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Carnot => "carnot",
            Self::Otto => "otto",
            Self::Stirling => "stirling",
        }
    }
}

/// A cycle of four strokes between two baths, with its ledger.
///
/// The work parameters move between two ends, along a line on which each goes geometrically where both of
/// its ends have one sign, else straight. Of the two ends the one of less entropy at the hot temperature
/// (small volume, stiff trap, wide gap) is where heat is taken up, so that the cycle runs as an engine
/// where it can. Both baths have temperatures above 0. All numbers follow from the states at the corners, without integration (but for a
/// regenerator): `W = ΔF`, `ΔU` or 0, `Q = TΔS`, 0 or `ΔU`.
///
/// ```
/// use ergodic_expfam::thermodynamics::{Canonical, Cycle};
///
/// // A two-level system as an engine: no gas is needed.
/// let levels = Canonical::two_level();
/// let cycle = Cycle::carnot(&levels, 2.0, 1.0, &[4.0], &[1.0])?;
/// assert!((cycle.efficiency().unwrap() - 0.5).abs() < 1e-15);
/// let otto = Cycle::otto(&levels, 2.0, 0.5, &[3.0], &[2.0])?;
/// assert!((otto.efficiency().unwrap() - (1.0 - 2.0 / 3.0)).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Cycle {
    kind: CycleKind,
    hot: f64,
    cold: f64,
    strokes: Vec<Stroke>,
    regenerated: f64,
}

/// Baths and the line of work parameters, checked and turned so that entropy rises along it.
fn oriented<S: System + ?Sized>(
    system: &S,
    hot: f64,
    cold: f64,
    from: &[f64],
    to: &[f64],
) -> Result<(f64, f64, WorkLine), ArgumentError> {
    domain::positive("hot", hot)?;
    domain::positive("cold", cold)?;
    if hot <= cold {
        return Err(ArgumentError::new(
            "hot",
            hot,
            format!("above the cold temperature, {cold}"),
        ));
    }
    let (beta, beta_cold) = (1.0 / hot, 1.0 / cold);
    domain::positive("hot", beta)?;
    domain::positive("cold", beta_cold)?;
    // Strokes are told apart by the β of their bath.
    if beta >= beta_cold {
        return Err(ArgumentError::new(
            "hot",
            hot,
            format!("above the cold temperature, {cold}, by more than the rounding of its inverse"),
        ));
    }
    let parameters = system.work_parameters();
    if parameters == 0 {
        return Err(ArgumentError::new(
            "system",
            "without work parameters",
            "one with at least one work parameter",
        ));
    }
    let line = WorkLine::new(from, to, parameters)?;
    let (a, b) = (
        system.equilibrium(beta, from)?,
        system.equilibrium(beta, to)?,
    );
    if a.entropy() <= b.entropy() {
        Ok((beta, beta_cold, line))
    } else {
        Ok((beta, beta_cold, WorkLine::new(to, from, parameters)?))
    }
}

impl Cycle {
    /// Carnot's cycle: isothermal at `hot` between the two ends of the work parameters, isentropic to
    /// `cold`, isothermal there, isentropic back. The isentropic strokes follow the line of work
    /// parameters beyond its ends, to where the cold isotherm has the entropies of the hot one.
    ///
    /// Its efficiency is `1 − T_c/T_h` for every system (Carnot 1824), as heats are `TΔS` between equal
    /// entropies. It says nothing of the forces: those are checked by the work along the strokes,
    /// [`quasi_static`](super::quasi_static) or the area of their [`trace`](Stroke::trace)s.
    ///
    /// # Errors
    /// If temperatures are not above 0 with `hot > cold`, the ends are equal or outside the system's domain,
    /// the entropy does not change between them, or the cold isotherm does not reach the entropies of the
    /// hot one.
    pub fn carnot<S: System + ?Sized>(
        system: &S,
        hot: f64,
        cold: f64,
        from: &[f64],
        to: &[f64],
    ) -> Result<Self, ArgumentError> {
        let (beta_hot, beta_cold, line) = oriented(system, hot, cold, from, to)?;
        let a = system.equilibrium(beta_hot, &line.at(0.0))?;
        let b = system.equilibrium(beta_hot, &line.at(1.0))?;
        if b.entropy() - a.entropy() <= f64::EPSILON * a.entropy().abs() {
            return Err(ArgumentError::new(
                "to",
                format!("{to:?}"),
                "such that the entropy differs between the ends",
            ));
        }
        let (place_c, c) = line.place_of_entropy(system, beta_cold, b.entropy())?;
        let (place_d, d) = line.place_of_entropy(system, beta_cold, a.entropy())?;
        // The cold isotherm gives back the entropy that the hot one took up: with one number for both, the
        // efficiency is that of the temperatures also where the two differ by little.
        let taken = b.entropy() - a.entropy();
        let strokes = vec![
            Stroke::new(
                StrokeKind::Isothermal,
                a.clone(),
                b.clone(),
                &line,
                (0.0, 1.0),
            ),
            Stroke::new(StrokeKind::Isentropic, b, c.clone(), &line, (1.0, place_c)),
            Stroke::new(
                StrokeKind::Isothermal,
                c,
                d.clone(),
                &line,
                (place_c, place_d),
            )
            .with_entropy_change(-taken),
            Stroke::new(StrokeKind::Isentropic, d, a, &line, (place_d, 0.0)),
        ];
        Ok(Self::closed(CycleKind::Carnot, hot, cold, strokes, 0.0))
    }

    /// Otto's cycle: isentropic compression from the cold bath's temperature, heating by the hot bath at
    /// constant work parameters, isentropic expansion, cooling by the cold bath.
    ///
    /// Heating and cooling meet baths of another temperature and produce entropy. Efficiency of systems
    /// whose isentropes keep `g(λ)/T`: `1 − g(λ_c)/g(λ_h)`, with frequencies for `g` in a trap with momenta,
    /// gaps in a two-level system, `V^{−2/3}` in a gas of atoms. Where all that is excited has frozen out, so that the
    /// entropy has no digit that depends on the temperature, the temperature of an isentropic stroke is not
    /// determined and stays; work and heat do not depend on it.
    ///
    /// # Errors
    /// As [`carnot`](Self::carnot).
    pub fn otto<S: System + ?Sized>(
        system: &S,
        hot: f64,
        cold: f64,
        from: &[f64],
        to: &[f64],
    ) -> Result<Self, ArgumentError> {
        let (beta_hot, beta_cold, line) = oriented(system, hot, cold, from, to)?;
        let (tight, wide) = (line.at(0.0), line.at(1.0));
        let a = system.equilibrium(beta_cold, &wide)?;
        let b = isentropic(system, a.entropy(), &tight, beta_cold)?;
        let c = system.equilibrium(beta_hot, &tight)?;
        let d = isentropic(system, c.entropy(), &wide, beta_hot)?;
        let strokes = vec![
            Stroke::new(
                StrokeKind::Isentropic,
                a.clone(),
                b.clone(),
                &line,
                (1.0, 0.0),
            ),
            Stroke::new(StrokeKind::ConstantWork, b, c.clone(), &line, (0.0, 0.0)),
            Stroke::new(StrokeKind::Isentropic, c, d.clone(), &line, (0.0, 1.0)),
            Stroke::new(StrokeKind::ConstantWork, d, a, &line, (1.0, 1.0)),
        ];
        Ok(Self::closed(CycleKind::Otto, hot, cold, strokes, 0.0))
    }

    /// Stirling's cycle: isothermal at `hot`, cooling at constant work parameters, isothermal at `cold`,
    /// heating. The regenerator keeps the part `regenerator ∈ [0, 1]` of what heat can be given back at the
    /// temperature at which it was taken, `∫ min(C_tight, C_wide) dT`; the rest of the heating is done by the
    /// hot bath.
    ///
    /// With a perfect regenerator and a heat capacity that does not depend on the work parameters (gas, trap),
    /// the cycle is reversible; else less efficient.
    ///
    /// # Errors
    /// As [`carnot`](Self::carnot), and for a regenerator outside `[0, 1]`.
    ///
    /// ```
    /// use ergodic_expfam::thermodynamics::{Cycle, IdealGas};
    ///
    /// // Q = N T log 2 of the hot isotherm, and C_V ΔT where nothing is regenerated.
    /// let gas = IdealGas::new(1.0, 3.0)?;
    /// let log2 = 2f64.ln();
    /// let without = Cycle::stirling(&gas, 2.0, 1.0, &[1.0], &[2.0], 0.0)?;
    /// assert!((without.efficiency().unwrap() - log2 / (2.0 * log2 + 1.5)).abs() < 1e-15);
    /// let with = Cycle::stirling(&gas, 2.0, 1.0, &[1.0], &[2.0], 1.0)?;
    /// assert!((with.efficiency().unwrap() - 0.5).abs() < 1e-12);
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    pub fn stirling<S: System + ?Sized>(
        system: &S,
        hot: f64,
        cold: f64,
        from: &[f64],
        to: &[f64],
        regenerator: f64,
    ) -> Result<Self, ArgumentError> {
        let (beta_hot, beta_cold, line) = oriented(system, hot, cold, from, to)?;
        if !(0.0..=1.0).contains(&regenerator) {
            return Err(ArgumentError::new(
                "regenerator",
                regenerator,
                "from 0 to 1",
            ));
        }
        let (tight, wide) = (line.at(0.0), line.at(1.0));
        let a = system.equilibrium(beta_hot, &tight)?;
        let b = system.equilibrium(beta_hot, &wide)?;
        let c = system.equilibrium(beta_cold, &wide)?;
        let d = system.equilibrium(beta_cold, &tight)?;
        let regenerated = if regenerator > 0.0 {
            // In units of the hot temperature, which may be that of 1e-21 J.
            let shared = hot
                * calculus::integrate("hot", 1e-12, 1.0, cold / hot, 1.0, |t| {
                    let capacity = |work: &[f64]| -> Result<f64, ArgumentError> {
                        let state = system.equilibrium(1.0 / (t * hot), work)?;
                        Ok(Response::new(&state).heat_capacity())
                    };
                    Ok(capacity(&tight)?.min(capacity(&wide)?))
                })?;
            regenerator * shared
        } else {
            0.0
        };
        let strokes = vec![
            Stroke::new(
                StrokeKind::Isothermal,
                a.clone(),
                b.clone(),
                &line,
                (0.0, 1.0),
            ),
            Stroke::new(StrokeKind::ConstantWork, b, c.clone(), &line, (1.0, 1.0)),
            Stroke::new(StrokeKind::Isothermal, c, d.clone(), &line, (1.0, 0.0)),
            Stroke::new(StrokeKind::ConstantWork, d, a, &line, (0.0, 0.0)),
        ];
        Ok(Self::closed(
            CycleKind::Stirling,
            hot,
            cold,
            strokes,
            regenerated,
        ))
    }

    fn closed(
        kind: CycleKind,
        hot: f64,
        cold: f64,
        strokes: Vec<Stroke>,
        regenerated: f64,
    ) -> Self {
        Self {
            kind,
            hot,
            cold,
            strokes,
            regenerated,
        }
    }

    /// Which cycle.
    pub fn kind(&self) -> CycleKind {
        self.kind
    }

    /// The temperature of the hot bath.
    pub fn hot(&self) -> f64 {
        self.hot
    }

    /// The temperature of the cold bath.
    pub fn cold(&self) -> f64 {
        self.cold
    }

    /// The four strokes.
    pub fn strokes(&self) -> &[Stroke] {
        &self.strokes
    }

    /// The four states where strokes meet, the start of each stroke.
    pub fn corners(&self) -> impl Iterator<Item = &Equilibrium> {
        self.strokes.iter().map(Stroke::start)
    }

    /// The heat that a regenerator took and gave back in each round.
    pub fn regenerated(&self) -> f64 {
        self.regenerated
    }

    /// `Σ W`, done on the system: negative for an engine.
    pub fn work(&self) -> f64 {
        self.strokes.iter().map(Stroke::work).sum()
    }

    /// The heat of strokes in contact with the hot bath (or with the cold one).
    fn bath(&self, hot: bool) -> f64 {
        let heat: f64 = self
            .strokes
            .iter()
            .filter(|s| match s.kind() {
                StrokeKind::Isentropic => false,
                _ => (s.end().beta() == 1.0 / self.hot) == hot,
            })
            .map(Stroke::heat)
            .sum();
        if hot {
            heat - self.regenerated
        } else {
            heat + self.regenerated
        }
    }

    /// `Q_h`, what the hot bath gives in each round; negative if it takes.
    pub fn heat_from_hot(&self) -> f64 {
        self.bath(true)
    }

    /// `Q_c`, what the cold bath gives in each round; negative if it takes, as in an engine.
    pub fn heat_from_cold(&self) -> f64 {
        self.bath(false)
    }

    /// `−W/Q_h = 1 + Q_c/Q_h` of an engine; `None` for a cycle that does no work.
    pub fn efficiency(&self) -> Option<f64> {
        let (hot, cold) = (self.heat_from_hot(), self.heat_from_cold());
        (hot > 0.0 && hot + cold > 0.0).then(|| 1.0 + cold / hot)
    }

    /// `Q_c/W` of a refrigerator; `None` for a cycle that does not cool the cold bath.
    pub fn coefficient_of_performance(&self) -> Option<f64> {
        let (hot, cold) = (self.heat_from_hot(), self.heat_from_cold());
        (cold > 0.0 && hot + cold < 0.0).then(|| -cold / (hot + cold))
    }

    /// `1 − T_c/T_h`, which no cycle between these baths exceeds.
    pub fn carnot_efficiency(&self) -> f64 {
        1.0 - self.cold / self.hot
    }

    /// `−Q_h/T_h − Q_c/T_c ≥ 0`, in nats: what each round adds to the entropy of the baths.
    pub fn entropy_production(&self) -> f64 {
        -self.heat_from_hot() / self.hot - self.heat_from_cold() / self.cold
    }

    /// Carnot's cycle in the other direction: a refrigerator.
    ///
    /// # Errors
    /// For other cycles, whose strokes of constant work parameters cannot be run backwards with these baths.
    pub fn reversed(&self) -> Result<Self, ArgumentError> {
        if self.kind != CycleKind::Carnot {
            return Err(ArgumentError::new(
                "cycle",
                self.kind.name(),
                "a Carnot cycle, which is reversible",
            ));
        }
        let strokes = self.strokes.iter().rev().map(Stroke::reversed).collect();
        Ok(Self::closed(self.kind, self.hot, self.cold, strokes, 0.0))
    }
}
