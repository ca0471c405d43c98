//! The strokes that cycles are made of, each in closed form from the states at its ends.

use ergodic_core::ArgumentError;

use super::system::{Equilibrium, System, WorkLine, isentropic};

/// Most points of a trace.
const MOST_POINTS: usize = 1 << 24;

/// What a stroke holds fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrokeKind {
    /// The temperature: quasi-static, in contact with a bath. `W = ΔF`, `Q = TΔS`.
    Isothermal,
    /// The entropy: quasi-static, in contact with nothing. `Q = 0`, `W = ΔU`.
    Isentropic,
    /// The work parameters, in contact with a bath at the temperature of the end. `W = 0`, `Q = ΔU`.
    ConstantWork,
}

impl StrokeKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Isothermal => "isothermal",
            Self::Isentropic => "isentropic",
            Self::ConstantWork => "constant work",
        }
    }
}

/// One stroke of a cycle: from one equilibrium to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    kind: StrokeKind,
    start: Equilibrium,
    end: Equilibrium,
    /// The line of work parameters and the places on it.
    line: WorkLine,
    places: (f64, f64),
    entropy_change: f64,
}

impl Stroke {
    pub(super) fn new(
        kind: StrokeKind,
        start: Equilibrium,
        end: Equilibrium,
        line: &WorkLine,
        places: (f64, f64),
    ) -> Self {
        let entropy_change = match kind {
            StrokeKind::Isentropic => 0.0,
            _ => end.entropy() - start.entropy(),
        };
        Self {
            kind,
            start,
            end,
            line: line.clone(),
            places,
            entropy_change,
        }
    }

    /// The same with an entropy change that is known better than as a difference of the states' entropies.
    pub(super) fn with_entropy_change(mut self, nats: f64) -> Self {
        self.entropy_change = nats;
        self
    }

    /// What it holds fixed.
    pub fn kind(&self) -> StrokeKind {
        self.kind
    }

    /// The state at its start.
    pub fn start(&self) -> &Equilibrium {
        &self.start
    }

    /// The state at its end.
    pub fn end(&self) -> &Equilibrium {
        &self.end
    }

    /// `ΔU`.
    pub fn energy_change(&self) -> f64 {
        self.end.energy() - self.start.energy()
    }

    /// `ΔS` of the system, in nats.
    pub fn entropy_change(&self) -> f64 {
        self.entropy_change
    }

    /// `W`, done on the system.
    pub fn work(&self) -> f64 {
        match self.kind {
            StrokeKind::Isothermal => {
                // ΔF, and what makes up for an entropy that is known better, so that W + Q = ΔU stays.
                let of_states = self.end.entropy() - self.start.entropy();
                self.end.free_energy() - self.start.free_energy()
                    + self.start.temperature() * (of_states - self.entropy_change)
            }
            StrokeKind::Isentropic => self.energy_change(),
            StrokeKind::ConstantWork => 0.0,
        }
    }

    /// `Q`, taken up by the system.
    pub fn heat(&self) -> f64 {
        match self.kind {
            StrokeKind::Isothermal => self.start.temperature() * self.entropy_change(),
            StrokeKind::Isentropic => 0.0,
            StrokeKind::ConstantWork => self.energy_change(),
        }
    }

    /// `ΔS − Q/T` with the temperature of the bath, in nats: what the stroke adds to the entropy of the
    /// world. 0 but for strokes of constant work parameters, which meet a bath of another temperature.
    pub fn entropy_production(&self) -> f64 {
        match self.kind {
            StrokeKind::ConstantWork => self.entropy_change() - self.heat() * self.end.beta(),
            _ => 0.0,
        }
    }

    pub(super) fn reversed(&self) -> Self {
        Self {
            kind: self.kind,
            start: self.end.clone(),
            end: self.start.clone(),
            line: self.line.clone(),
            places: (self.places.1, self.places.0),
            entropy_change: 0.0 - self.entropy_change,
        }
    }

    /// From 2 to 2²⁴ states along the stroke, both ends included: what a diagram is drawn of.
    ///
    /// # Errors
    /// If there are fewer than 2 points or more than 2²⁴, or a state between the ends is outside the domain of the system.
    pub fn trace<S: System + ?Sized>(
        &self,
        system: &S,
        points: usize,
    ) -> Result<Vec<Equilibrium>, ArgumentError> {
        if !(2..=MOST_POINTS).contains(&points) {
            return Err(ArgumentError::new(
                "points",
                points,
                format!("from 2 to {MOST_POINTS}"),
            ));
        }
        let mut beta = self.start.beta();
        let mut states = Vec::with_capacity(points);
        states.push(self.start.clone());
        for k in 1..points - 1 {
            let t = k as f64 / (points - 1) as f64;
            let work = self.line.at((1.0 - t) * self.places.0 + t * self.places.1);
            states.push(match self.kind {
                StrokeKind::Isothermal => system.equilibrium(beta, &work)?,
                StrokeKind::Isentropic => {
                    let state = isentropic(system, self.start.entropy(), &work, beta)?;
                    beta = state.beta();
                    state
                }
                StrokeKind::ConstantWork => {
                    let (a, b) = (self.start.temperature(), self.end.temperature());
                    system.equilibrium(1.0 / ((1.0 - t) * a + t * b), &work)?
                }
            });
        }
        states.push(self.end.clone());
        Ok(states)
    }
}
