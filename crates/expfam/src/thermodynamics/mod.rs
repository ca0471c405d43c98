//! Thermodynamics of any family: potentials, ensembles, responses, ledgers, cycles, lengths.
//!
//! A law `p ∝ e^{−βE}` has a log-partition `log Z`, and thermodynamics is what its derivatives and
//! Legendre transforms say. Nothing here needs a gas: a two-level system, a user's table of energies
//! or a family of normal laws run the same cycles.
//!
//! **Conventions, the same everywhere.** Boltzmann's constant is 1: temperatures are energies,
//! entropies are in nats ([`UnitSystem`] converts). `β = 1/T`. Work `W` is done *on* the system
//! and heat `Q` flows *into* it, so that `ΔU = W + Q`. The force of a work parameter `λ` is
//! `f = ⟨∂E/∂λ⟩`, so that `dF = −S dT + f·dλ` and quasi-static work is `∫ f·dλ`; of a volume, `f = −P`.
//! The free energy is `F = U − TS = −T log Z`.
//!
//! **Negative temperatures** (Ramsey, *Phys. Rev.* 103, 1956) are those of states where energies are bounded
//! above: there `e^{−βE}` with `β < 0` is a law, of spins in a field that was turned round, say. It favours
//! high energies, and its entropy falls as energy rises, `∂S/∂U = β`. So [`Microstates`], and [`Canonical`] of a
//! family in whose domain `−β(c + Mλ)` lies, have states at either sign of `β`, hotter than any of `T > 0`:
//! along `β` from `∞` to `−∞` the energy rises. Variances and heat capacities stay positive there, what is
//! `β` times a variance changes its sign, and `F` is maximal, not minimal; Massieu's function is maximal at
//! either sign. [`Trap`] and [`IdealGas`], whose energies have no bound, answer with an error. Baths,
//! and what runs between or in contact with them (cycles, driven chains, [`TrapDynamics`]), have `T > 0`. At `β = 0`,
//! [`Microstates`] have a law (all states equally likely) but no potentials, as `T` is infinite.
//!
//! | what | where |
//! |---|---|
//! | kelvin, joule, kJ/mol, eV | [`UnitSystem`] |
//! | what can be run through a process: anything with `log Z(β, λ)` | [`System`], its state [`Equilibrium`] |
//! | systems | [`Canonical`] (any family), [`Landscape`] (quadrature), [`Trap`], [`IdealGas`] |
//! | micro-, canonical, grand, isobaric ensembles over a user's observables | [`Microstates`], [`Reservoir`], [`EnsembleState`] |
//! | `U, F, H, G, Ω, S`, Massieu, Planck, Kramers, and Legendre's transforms between them | [`Potentials`], [`entropy_of_energy`], [`LegendreWeb`] |
//! | heat capacity, susceptibility, compressibility; Maxwell, Le Chatelier | [`Response`], [`maxwell_relation`], [`le_chatelier`] |
//! | work, heat and entropy along a path, or of a sudden switch | [`quasi_static`], [`sudden_switch`] |
//! | finite time on finitely many states, exactly | [`MarkovStep`], [`Evolution`], [`WorkStatistics`] |
//! | finite time in a harmonic trap, exactly | [`TrapDynamics`] |
//! | Carnot, Otto, Stirling; engines in finite time | [`Cycle`], [`FiniteTimeCycle`] |
//! | thermodynamic length, best schedules | [`Curve`], [`thermodynamic_length`], [`constant_speed_schedule`] |
//! | equipartition, configurational temperature | [`Equipartition`], [`configurational_temperature`] |
//! | the same ledger for learning: log-loss, regret, Bayes risk | [`LogLossBalance`], [`DataShift`] |
//!
//! References: H. B. Callen, *Thermodynamics and an Introduction to Thermostatistics*, 2nd ed., 1985;
//! U. Seifert, *Rep. Prog. Phys.* 75, 2012 (finite time).

mod calculus;
mod cycles;
mod ensembles;
mod equipartition;
mod finite_time_cycle;
mod law;
mod learning;
mod ledger;
mod length;
mod markov;
mod potentials;
mod response;
mod stroke;
mod system;
mod systems;
mod trap_dynamics;
mod units;

pub use cycles::{Cycle, CycleKind};
pub use ensembles::{EnsembleState, Microstates, Reservoir};
pub use equipartition::{Equipartition, configurational_temperature, virial_temperature};
pub use finite_time_cycle::FiniteTimeCycle;
pub use learning::{DataShift, LogLossBalance, bayes_risk, excess_free_energy};
pub use ledger::{Ledger, Segment, StatePath, SuddenSwitch, quasi_static, sudden_switch};
pub use length::{
    Curve, Line, constant_speed_schedule, dissipation_bound, excess_of_full_relaxation,
    geodesic_distance, thermodynamic_divergence, thermodynamic_length,
};
pub use markov::{Evolution, MarkovStep, StepRecord, WorkStatistics};
pub use potentials::{LegendreWeb, Potentials, entropy_of_energy};
pub use response::{LeChatelier, Maxwell, Response, le_chatelier, maxwell_relation};
pub use stroke::{Stroke, StrokeKind};
pub use system::{Equilibrium, System};
pub use systems::{Canonical, IdealGas, Landscape, Trap};
pub use trap_dynamics::{TrapDynamics, TrapLaw, TrapRecord};
pub use units::UnitSystem;
