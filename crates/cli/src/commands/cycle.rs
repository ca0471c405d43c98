//! `ergodic cycle`: the ledger of a heat engine, its efficiency and its diagrams.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

use csv::{ReaderBuilder, Trim};
use ergodic::core::ArgumentError;
use ergodic::diagnostics::plots::figure::{Axis, Curve, Mark, Panel, figure};
use ergodic::expfam::families::Discrete;
use ergodic::expfam::thermodynamics::{
    Canonical, Cycle, CycleKind, Equilibrium, FiniteTimeCycle, IdealGas, Stroke, StrokeKind,
    System, Trap, UnitSystem,
};
use serde::Serialize;

use super::info::aligned;
use super::print;
use crate::arguments::{CycleArgs, CycleName, UnitsName};
use crate::error::CliError;
use crate::output::{check_plot, write_atomically};
use crate::summary::to_json;

/// Points of one stroke in a diagram.
const POINTS: usize = 201;

/// Characters of a name in the title of a diagram.
const TITLE: usize = 48;

/// Rows of a table at most.
const MAX_ROWS: usize = 1 << 16;

/// Numbers in the kernels of an engine in finite time at most (512 MiB), and products of them.
const MAX_KERNELS: usize = 1 << 26;
const MAX_PRODUCTS: usize = 1 << 33;

/// What `cycle --json` prints: energies, temperatures and entropies in `units`; work is done on the
/// system, heat flows into it.
#[derive(Serialize)]
struct Answer {
    cycle: &'static str,
    system: String,
    units: Units,
    hot: f64,
    cold: f64,
    strokes: Vec<StrokeAnswer>,
    work: f64,
    heat_from_hot: f64,
    heat_from_cold: f64,
    regenerated: f64,
    efficiency: Option<f64>,
    carnot_efficiency: f64,
    coefficient_of_performance: Option<f64>,
    entropy_production: f64,
    finite_time: Option<FiniteTimeAnswer>,
}

#[derive(Serialize)]
struct Units {
    temperature: &'static str,
    energy: &'static str,
    entropy: &'static str,
}

#[derive(Serialize)]
struct StrokeAnswer {
    kind: &'static str,
    start: StateAnswer,
    end: StateAnswer,
    work: f64,
    heat: f64,
    energy_change: f64,
    entropy_change: f64,
    entropy_production: f64,
}

#[derive(Serialize)]
struct StateAnswer {
    temperature: f64,
    work_parameter: f64,
    force: f64,
    energy: f64,
    entropy: f64,
}

#[derive(Serialize)]
struct FiniteTimeAnswer {
    switches: usize,
    strength: f64,
    work: f64,
    baths: Vec<BathAnswer>,
    efficiency: Option<f64>,
    entropy_production: f64,
}

#[derive(Serialize)]
struct BathAnswer {
    temperature: f64,
    heat: f64,
}

/// What is run, and what its axes are called.
struct Engine {
    system: Box<dyn System>,
    /// The same as levels, if it has any.
    levels: Option<Canonical<Discrete>>,
    name: String,
    parameter: &'static str,
    /// The quantity against the work parameter, and its sign.
    force: (&'static str, f64),
}

pub(super) fn cycle(args: &CycleArgs) -> Result<(), CliError> {
    if let Some(plot) = &args.plot {
        check_plot(plot)?;
    }
    let units = match args.units {
        UnitsName::Natural => UnitSystem::Natural,
        UnitsName::Si => UnitSystem::Si,
        UnitsName::KjMol => UnitSystem::KilojoulePerMole,
        UnitsName::Ev => UnitSystem::ElectronVolt,
    };
    if args.cycle != CycleName::Stirling && args.regenerator != 0.0 {
        return Err(CliError::option(
            "--regenerator",
            args.regenerator,
            "left out: only stirling has one",
        ));
    }
    if args.system != "ideal-gas" {
        for (option, found, default) in [
            ("--particles", args.particles, 1.0),
            ("--degrees", args.degrees, 3.0),
        ] {
            if found != default {
                return Err(CliError::option(
                    option,
                    found,
                    "left out: only ideal-gas has them",
                ));
            }
        }
    }
    if args.switches.is_some() && args.regenerator != 0.0 {
        return Err(CliError::option(
            "--switches",
            args.switches.unwrap_or(0),
            "left out with a regenerator, which is none of the baths of an engine in finite time",
        ));
    }
    let engine = engine(args)?;
    let wrong = |e: ArgumentError| error(args, e);
    if args.hot <= args.cold {
        return Err(CliError::option(
            "--hot",
            args.hot,
            format!("above the cold temperature, {}", args.cold),
        ));
    }
    // Temperatures are energies within the library.
    let energy = |option: &'static str, temperature: f64| match units.beta(temperature) {
        Ok(beta) => Ok(1.0 / beta),
        Err(e) => Err(CliError::option(option, e.found, e.allowed)),
    };
    let (hot, cold) = (energy("--hot", args.hot)?, energy("--cold", args.cold)?);
    let (from, to) = ([args.work.0], [args.work.1]);
    let system = &*engine.system;
    let cycle = match args.cycle {
        CycleName::Carnot => Cycle::carnot(system, hot, cold, &from, &to),
        CycleName::Otto => Cycle::otto(system, hot, cold, &from, &to),
        CycleName::Stirling => Cycle::stirling(system, hot, cold, &from, &to, args.regenerator),
    }
    .map_err(wrong)?;
    let finite_time = finite_time(args, &engine, &cycle, units)?;
    let answer = answer(args, &engine, &cycle, units, finite_time);
    if let Some(plot) = &args.plot {
        let drawing = drawing(&engine, &cycle, units, &answer).map_err(wrong)?;
        write_atomically(plot, drawing.as_bytes())?;
    }
    if args.json {
        print(&to_json(&answer)?)
    } else {
        print(&text(args, cycle.kind(), &answer))
    }
}

/// The error of the library in the words of the command line.
fn error(args: &CycleArgs, e: ArgumentError) -> CliError {
    let option = match e.argument {
        "hot" => "--hot",
        "cold" => "--cold",
        // What was typed says more than where the search for a state has ended.
        "from" | "to" | "work" => {
            return CliError::option(
                "--work",
                format!("{}:{}", args.work.0, args.work.1),
                e.allowed,
            );
        }
        "regenerator" => "--regenerator",
        "switches" => "--switches",
        "strength" => "--strength",
        "particles" => "--particles",
        "degrees" => "--degrees",
        _ => return CliError::file(Path::new(&args.system), format!("{e}")),
    };
    CliError::option(option, e.found, e.allowed)
}

fn engine(args: &CycleArgs) -> Result<Engine, CliError> {
    let wrong = |e: ArgumentError| error(args, e);
    let trap = |trap: Trap, name: &str| Engine {
        system: Box::new(trap),
        levels: None,
        name: name.into(),
        parameter: "stiffness",
        force: ("mean half square displacement", 1.0),
    };
    match args.system.as_str() {
        "trap" => Ok(trap(Trap::overdamped(1).map_err(wrong)?, "trap")),
        "oscillator" => Ok(trap(Trap::with_momenta(1).map_err(wrong)?, "oscillator")),
        "ideal-gas" => Ok(Engine {
            system: Box::new(IdealGas::new(args.particles, args.degrees).map_err(wrong)?),
            levels: None,
            name: "ideal gas".into(),
            parameter: "volume",
            force: ("pressure", -1.0),
        }),
        "two-level" => {
            let levels =
                Canonical::with_observable(&[0.0, 0.0], &[0.0, 1.0], &[1.0, 1.0]).map_err(wrong)?;
            Ok(of_levels(
                levels,
                "two-level system",
                "gap",
                "population of the upper level",
            ))
        }
        file => {
            let levels = table(Path::new(file))?;
            Ok(of_levels(levels, file, "work parameter", "mean observable"))
        }
    }
}

fn of_levels(
    levels: Canonical<Discrete>,
    name: &str,
    parameter: &'static str,
    force: &'static str,
) -> Engine {
    Engine {
        system: Box::new(levels.clone()),
        levels: Some(levels),
        name: name.into(),
        parameter,
        force: (force, 1.0),
    }
}

/// Levels from columns `energy`, `observable` and perhaps `degeneracy`.
fn table(path: &Path) -> Result<Canonical<Discrete>, CliError> {
    let file = File::open(path).map_err(|e| {
        CliError::file(
            path,
            format!("{e}; --system must be trap, oscillator, ideal-gas, two-level or a CSV file"),
        )
    })?;
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(file);
    let reason = |e: csv::Error| CliError::file(path, e.to_string());
    let names = reader.headers().map_err(reason)?.clone();
    let place = |name: &str| names.iter().position(|n| n.eq_ignore_ascii_case(name));
    let (Some(energy), Some(observable)) = (place("energy"), place("observable")) else {
        return Err(CliError::file(
            path,
            "must have a first line that names columns energy and observable, and degeneracy if there is one",
        ));
    };
    let degeneracy = place("degeneracy");
    let (mut energies, mut observables, mut degeneracies) = (Vec::new(), Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(reason)?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |column: usize, positive: bool| {
            let field = record.get(column).unwrap_or("");
            match field.parse::<f64>() {
                Ok(x) if x.is_finite() && (!positive || x > 0.0) => Ok(x),
                _ => Err(CliError::Cell {
                    path: path.to_owned(),
                    place: format!("line {line}, column \"{}\"", &names[column]),
                    found: format!("\"{field}\""),
                    allowed: if positive {
                        "a finite number above 0".into()
                    } else {
                        "a finite number".into()
                    },
                }),
            }
        };
        energies.push(number(energy, false)?);
        observables.push(number(observable, false)?);
        degeneracies.push(degeneracy.map_or(Ok(1.0), |d| number(d, true))?);
        if energies.len() > MAX_ROWS {
            return Err(CliError::file(
                path,
                format!("must have at most {MAX_ROWS} rows"),
            ));
        }
    }
    if energies.is_empty() {
        return Err(CliError::file(
            path,
            "has no row, but must have at least two levels",
        ));
    }
    Canonical::with_observable(&energies, &observables, &degeneracies).map_err(|e| {
        CliError::file(
            path,
            format!(
                "energies and observables are {}, but must be {}; where the work parameter scales all of the energy, \
                 let energy be 0 and observable what is scaled",
                e.found, e.allowed
            ),
        )
    })
}

fn finite_time(
    args: &CycleArgs,
    engine: &Engine,
    cycle: &Cycle,
    units: UnitSystem,
) -> Result<Option<FiniteTimeAnswer>, CliError> {
    let Some(switches) = args.switches else {
        return Ok(None);
    };
    let Some(levels) = &engine.levels else {
        return Err(CliError::option(
            "--switches",
            switches,
            "left out, as this system is no table of levels",
        ));
    };
    let states = levels.family().outcomes();
    let kernels = states.saturating_mul(states).saturating_mul(4 * switches);
    if kernels > MAX_KERNELS || kernels.saturating_mul(states) > MAX_PRODUCTS {
        let most = (MAX_KERNELS / states / states).min(MAX_PRODUCTS / states / states / states) / 4;
        return Err(CliError::option(
            "--switches",
            switches,
            format!("at most {most} with {states} levels"),
        ));
    }
    let found = FiniteTimeCycle::follow(cycle, levels, switches, args.strength)
        .map_err(|e| error(args, e))?;
    Ok(Some(FiniteTimeAnswer {
        switches,
        strength: args.strength,
        work: found.work(),
        baths: found
            .baths()
            .iter()
            .map(|(beta, heat)| BathAnswer {
                temperature: 1.0 / beta / units.boltzmann(),
                heat: *heat,
            })
            .collect(),
        efficiency: found.efficiency(),
        entropy_production: units.entropy(found.entropy_production()),
    }))
}

fn answer(
    args: &CycleArgs,
    engine: &Engine,
    cycle: &Cycle,
    units: UnitSystem,
    finite_time: Option<FiniteTimeAnswer>,
) -> Answer {
    let sign = engine.force.1;
    let state = |s: &Equilibrium| StateAnswer {
        temperature: s.temperature() / units.boltzmann(),
        work_parameter: s.work().first().copied().unwrap_or(0.0),
        force: sign * s.forces().first().copied().unwrap_or(0.0),
        energy: s.energy(),
        entropy: units.entropy(s.entropy()),
    };
    let stroke = |s: &Stroke| StrokeAnswer {
        kind: match s.kind() {
            StrokeKind::ConstantWork if engine.parameter == "volume" => "isochoric",
            kind => kind.name(),
        },
        start: state(s.start()),
        end: state(s.end()),
        work: s.work(),
        heat: s.heat(),
        energy_change: s.energy_change(),
        entropy_change: units.entropy(s.entropy_change()),
        entropy_production: units.entropy(s.entropy_production()),
    };
    Answer {
        cycle: cycle.kind().name(),
        system: engine.name.clone(),
        units: Units {
            temperature: units.temperature_unit(),
            energy: units.energy_unit(),
            entropy: units.entropy_unit(),
        },
        hot: args.hot,
        cold: args.cold,
        strokes: cycle.strokes().iter().map(stroke).collect(),
        work: cycle.work(),
        heat_from_hot: cycle.heat_from_hot(),
        heat_from_cold: cycle.heat_from_cold(),
        regenerated: cycle.regenerated(),
        efficiency: cycle.efficiency(),
        carnot_efficiency: cycle.carnot_efficiency(),
        coefficient_of_performance: cycle.coefficient_of_performance(),
        entropy_production: units.entropy(cycle.entropy_production()),
        finite_time,
    }
}

/// A number in as few characters as a table has room for.
fn number(x: f64) -> String {
    if x == 0.0 || (1e-3..1e6).contains(&x.abs()) {
        format!("{x:.6}")
    } else {
        format!("{x:.5e}")
    }
}

/// A number with its unit, if that has a name.
fn with_unit(x: f64, unit: &str) -> String {
    format!("{} {unit}", number(x)).trim_end().to_owned()
}

/// What rounding leaves of a 0, beside numbers of this size, is 0.
fn cleaned(x: f64, size: f64) -> f64 {
    if x.abs() <= 1e-12 * size { 0.0 } else { x }
}

fn text(args: &CycleArgs, kind: CycleKind, answer: &Answer) -> String {
    let u = &answer.units;
    let unit = |name: &str, unit: &str| {
        if unit.is_empty() {
            name.to_owned()
        } else {
            format!("{name}, {unit}")
        }
    };
    let mut out = format!(
        "{} cycle of {}, between baths at {} and {}\n\n",
        proper(kind),
        shown(&answer.system),
        with_unit(answer.hot, u.temperature),
        with_unit(answer.cold, u.temperature)
    );
    let exchanged = answer.heat_from_hot.abs() + answer.heat_from_cold.abs();
    let entropies = answer.strokes.iter().fold(0.0f64, |m, s| {
        m.max(s.start.entropy.abs()).max(s.entropy_change.abs())
    });
    let mut rows = vec![vec![
        "stroke".to_owned(),
        unit("temperature", u.temperature),
        "work parameter".to_owned(),
        unit("work", u.energy),
        unit("heat", u.energy),
        unit("entropy change", u.entropy),
        unit("entropy production", u.entropy),
    ]];
    for s in &answer.strokes {
        let arrow = |a: f64, b: f64| {
            if a == b {
                number(a)
            } else {
                format!("{} → {}", number(a), number(b))
            }
        };
        rows.push(vec![
            s.kind.to_owned(),
            arrow(s.start.temperature, s.end.temperature),
            arrow(s.start.work_parameter, s.end.work_parameter),
            number(cleaned(s.work, exchanged)),
            number(cleaned(s.heat, exchanged)),
            number(cleaned(s.entropy_change, entropies)),
            number(cleaned(s.entropy_production, entropies)),
        ]);
    }
    out.push_str(&aligned(&rows));
    out.push('\n');
    let mut rows = vec![
        vec![
            "work done in a round".to_owned(),
            with_unit(-answer.work, u.energy),
        ],
        vec![
            "heat from the hot bath".to_owned(),
            with_unit(answer.heat_from_hot, u.energy),
        ],
        vec![
            "heat from the cold bath".to_owned(),
            with_unit(answer.heat_from_cold, u.energy),
        ],
    ];
    if answer.regenerated != 0.0 {
        rows.push(vec![
            "regenerated".to_owned(),
            with_unit(answer.regenerated, u.energy),
        ]);
    }
    let produced = cleaned(
        answer.entropy_production,
        entropies.max(exchanged / args.cold),
    );
    rows.push(vec![
        "entropy production".to_owned(),
        with_unit(produced, u.entropy),
    ]);
    rows.push(vec![
        "efficiency".to_owned(),
        answer
            .efficiency
            .map_or_else(|| "- (no engine)".to_owned(), number),
    ]);
    rows.push(vec![
        "Carnot's efficiency".to_owned(),
        number(answer.carnot_efficiency),
    ]);
    if let Some(cop) = answer.coefficient_of_performance {
        rows.push(vec!["coefficient of performance".to_owned(), number(cop)]);
    }
    if let Some(f) = &answer.finite_time {
        rows.push(vec![
            format!("in {} switches per stroke", f.switches),
            format!(
                "efficiency {}, work done {}, entropy production {}",
                f.efficiency
                    .map_or_else(|| "- (no engine)".to_owned(), number),
                with_unit(-f.work, u.energy),
                with_unit(f.entropy_production, u.entropy)
            ),
        ]);
    }
    out.push_str(&aligned(&rows));
    out.push_str(
        "\nwork is done on the system and heat flows into it, but for the work done in a round\n",
    );
    if let Some(plot) = &args.plot {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "plot in {}", plot.display());
    }
    out
}

fn axis<'a>(name: &'a str, unit: &'a str, decades: bool) -> Axis<'a> {
    Axis {
        name,
        unit,
        decades,
    }
}

/// The name of a cycle in a sentence.
fn proper(kind: CycleKind) -> &'static str {
    match kind {
        CycleKind::Carnot => "Carnot",
        CycleKind::Otto => "Otto",
        CycleKind::Stirling => "Stirling",
    }
}

/// A file name for a terminal.
fn shown(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Two diagrams side by side, a colour for each stroke.
fn drawing(
    engine: &Engine,
    cycle: &Cycle,
    units: UnitSystem,
    answer: &Answer,
) -> Result<String, ArgumentError> {
    let (mut forces, mut heats) = (Vec::new(), Vec::new());
    for (colour, (stroke, named)) in cycle.strokes().iter().zip(&answer.strokes).enumerate() {
        let trace = stroke.trace(&*engine.system, POINTS)?;
        let curve = |place: &dyn Fn(&Equilibrium) -> (f64, f64)| Curve {
            name: format!("{} {}", colour + 1, named.kind),
            colour,
            mark: Mark::Arrow,
            guide: false,
            points: trace.iter().map(place).collect(),
        };
        forces.push(curve(&|s| (s.work()[0], engine.force.1 * s.forces()[0])));
        heats.push(curve(&|s| {
            (
                units.entropy(s.entropy()),
                s.temperature() / units.boltzmann(),
            )
        }));
    }
    // A gap is an energy; in what other work parameters are measured is up to who gives them.
    let of_parameter = if engine.parameter == "gap" {
        units.energy_unit()
    } else {
        ""
    };
    let of_force = match (engine.parameter, units.energy_unit()) {
        ("volume", energy) if !energy.is_empty() => format!("{energy} per unit of volume"),
        _ => String::new(),
    };
    let name: String = if answer.system.chars().count() > TITLE {
        let start = answer.system.chars().count() + 1 - TITLE;
        std::iter::once('…')
            .chain(answer.system.chars().skip(start))
            .collect()
    } else {
        answer.system.clone()
    };
    let title = format!(
        "{} cycle of {}: {}, Carnot's {:.4}",
        proper(cycle.kind()),
        shown(&name),
        answer
            .efficiency
            .map_or_else(|| "no engine".to_owned(), |e| format!("efficiency {e:.4}")),
        answer.carnot_efficiency
    );
    Ok(figure(
        &title,
        &[
            Panel {
                x: axis(engine.parameter, of_parameter, true),
                y: axis(engine.force.0, &of_force, true),
                curves: forces,
            },
            // Areas in this one are heats: no decades.
            Panel {
                x: axis("entropy", units.entropy_unit(), false),
                y: axis("temperature", units.temperature_unit(), false),
                curves: heats,
            },
        ],
    ))
}
