//! `ergodic cycle`: the ledger of a heat engine, its efficiency and its diagrams.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

use csv::{ReaderBuilder, Trim};
use ergodic::core::ArgumentError;
use ergodic::diagnostics::plots::chart::{Series, escape, lines};
use ergodic::diagnostics::plots::standalone;
use ergodic::expfam::families::Discrete;
use ergodic::expfam::thermodynamics::{
    Canonical, Cycle, Equilibrium, FiniteTimeCycle, IdealGas, Stroke, StrokeKind, System, Trap,
    UnitSystem,
};
use serde::Serialize;

use super::info::aligned;
use super::print;
use crate::arguments::{CycleArgs, CycleName, UnitsName};
use crate::error::CliError;
use crate::output::{check_writable, write_atomically};
use crate::summary::to_json;

/// Points of one stroke in a diagram.
const POINTS: usize = 201;

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
        if plot
            .extension()
            .is_none_or(|e| !e.eq_ignore_ascii_case("svg"))
        {
            return Err(CliError::option(
                "--plot",
                plot.display(),
                "a file that ends in .svg",
            ));
        }
        check_writable(plot)?;
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
        print(&text(args, &answer))
    }
}

/// The error of the library in the words of the command line.
fn error(args: &CycleArgs, e: ArgumentError) -> CliError {
    let option = match e.argument {
        "hot" => "--hot",
        "cold" => "--cold",
        "from" | "to" | "work" => "--work",
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
                "energies and observables are {}, but must be {}",
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

fn text(args: &CycleArgs, answer: &Answer) -> String {
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
        answer.cycle,
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

/// A file name for a terminal.
fn shown(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Brings a coordinate to numbers that ticks have room for, and says by which power of ten in its label.
fn scaled(
    label: &str,
    series: &mut [Series],
    coordinate: fn(&mut (f64, f64)) -> &mut f64,
) -> String {
    let largest = series
        .iter_mut()
        .flat_map(|s| s.points.iter_mut())
        .fold(0.0f64, |m, p| m.max(coordinate(p).abs()));
    if largest == 0.0 || (1e-2..1e5).contains(&largest) {
        return label.to_owned();
    }
    let exponent = largest.log10().floor();
    for p in series.iter_mut().flat_map(|s| s.points.iter_mut()) {
        *coordinate(p) /= 10f64.powf(exponent);
    }
    format!("{label} × 1e{exponent}")
}

/// Two diagrams side by side, a colour for each stroke.
fn drawing(
    engine: &Engine,
    cycle: &Cycle,
    units: UnitSystem,
    answer: &Answer,
) -> Result<String, ArgumentError> {
    let (mut forces, mut heats) = (Vec::new(), Vec::new());
    for (colour, stroke) in cycle.strokes().iter().enumerate() {
        let trace = stroke.trace(&*engine.system, POINTS)?;
        let series = |points: Vec<(f64, f64)>| Series {
            name: String::new(),
            colour,
            points,
        };
        forces.push(series(
            trace
                .iter()
                .map(|s| (s.work()[0], engine.force.1 * s.forces()[0]))
                .collect(),
        ));
        heats.push(series(
            trace
                .iter()
                .map(|s| {
                    (
                        units.entropy(s.entropy()),
                        s.temperature() / units.boltzmann(),
                    )
                })
                .collect(),
        ));
    }
    let unit = |name: &str, unit: &str| {
        if unit.is_empty() {
            name.to_owned()
        } else {
            format!("{name}, {unit}")
        }
    };
    let left = lines(
        "Force and work parameter",
        &scaled(engine.parameter, &mut forces, |p| &mut p.0),
        &scaled(engine.force.0, &mut forces, |p| &mut p.1),
        &forces,
    );
    let right = lines(
        "Temperature and entropy",
        &scaled(&unit("entropy", units.entropy_unit()), &mut heats, |p| {
            &mut p.0
        }),
        &scaled(
            &unit("temperature", units.temperature_unit()),
            &mut heats,
            |p| &mut p.1,
        ),
        &heats,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1080 372\" role=\"img\"><title>{} cycle of \
         {}</title><rect width=\"1080\" height=\"372\" fill=\"#fff\"/>",
        answer.cycle,
        escape(&shown(&answer.system))
    );
    for (x, chart) in [(10, &left), (550, &right)] {
        // An element within: it needs a place.
        let chart = standalone(chart);
        svg.push_str(&chart.replacen(
            "<svg ",
            &format!("<svg x=\"{x}\" y=\"56\" width=\"520\" height=\"300\" "),
            1,
        ));
    }
    let efficiency = answer
        .efficiency
        .map_or_else(|| "no engine".to_owned(), |e| format!("efficiency {e:.4}"));
    let _ = write!(
        svg,
        "<text class=\"name\" x=\"24\" y=\"26\">{} cycle of {}: {efficiency}, Carnot's {:.4}</text>",
        answer.cycle,
        escape(&shown(&answer.system)),
        answer.carnot_efficiency
    );
    for (k, stroke) in answer.strokes.iter().enumerate() {
        let x = 24 + 180 * k;
        let _ = write!(
            svg,
            "<line class=\"line c{k}\" x1=\"{x}\" x2=\"{}\" y1=\"44\" y2=\"44\"/><text class=\"label\" x=\"{}\" \
             y=\"48\">{}</text>",
            x + 24,
            x + 30,
            stroke.kind
        );
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}
