//! Every bad input is a typed error that names its argument.

use ergodic_core::ArgumentError;
use ergodic_expfam::families::Normal;

use super::*;

#[track_caller]
fn blames<T: std::fmt::Debug>(result: Result<T, ArgumentError>, argument: &str) {
    let e = result.expect_err("an error");
    assert_eq!(e.argument, argument, "{e}");
    assert!(!e.found.is_empty() && !e.allowed.is_empty());
}

#[test]
fn systems_name_what_is_wrong() {
    let trap = Trap::overdamped(1).unwrap();
    // A subnormal β has no finite temperature.
    for beta in [0.0, f64::NAN, f64::INFINITY, 1e-320, -1e-320] {
        blames(trap.equilibrium(beta, &[1.0]), "beta");
        blames(Canonical::two_level().equilibrium(beta, &[1.0]), "beta");
    }
    blames(trap.equilibrium(-1.0, &[1.0]), "beta");
    blames(trap.equilibrium(1.0, &[]), "work");
    blames(trap.equilibrium(1.0, &[1.0, 2.0]), "work");
    blames(trap.equilibrium(1.0, &[-1.0]), "work");
    blames(trap.equilibrium(1.0, &[f64::NAN]), "work");
    blames(trap.energy_after_switch(1.0, &[1.0], &[0.0]), "work");
    blames(Trap::with_momenta(0), "dimensions");
    blames(IdealGas::new(0.0, 3.0), "particles");
    blames(IdealGas::new(1.0, f64::NAN), "degrees");
    let gas = IdealGas::new(1.0, 3.0).unwrap();
    blames(gas.fisher_information(1.0, &[1.0]), "system");
    blames(gas.fisher_information(1.0, &[-1.0]), "work");
    let one = DMatrix::from_element(2, 1, 1.0);
    blames(
        Canonical::new(Normal, f64::NAN, &[0.0; 2], one.clone()),
        "constant",
    );
    blames(Canonical::new(Normal, 0.0, &[0.0], one.clone()), "offset");
    blames(
        Canonical::new(Normal, 0.0, &[0.0; 2], DMatrix::zeros(1, 1)),
        "directions",
    );
    let normal = Canonical::new(Normal, 0.0, &[0.0; 2], one).unwrap();
    blames(normal.equilibrium(1.0, &[-1.0]), "work");
    blames(
        Canonical::levels(&[0.0], DMatrix::zeros(2, 1), &[1.0; 2]),
        "energies",
    );
    blames(
        Canonical::levels(&[0.0, 1.0], DMatrix::zeros(2, 1), &[1.0; 2]),
        "statistics",
    );
    blames(
        Landscape::new(0.0, 1.0, 8, 1, |x, a| {
            a[0] = x * x;
            x
        }),
        "nodes",
    );
    blames(
        Landscape::new(1.0, 0.0, 64, 1, |x, a| {
            a[0] = x * x;
            x
        }),
        "high",
    );
    blames(Landscape::new(0.0, 1.0, 64, 0, |x, _| x), "work_parameters");
    blames(
        Landscape::new(0.0, 1.0, 64, 1, |_, a| {
            a[0] = f64::NAN;
            0.0
        }),
        "statistics",
    );
    let coarse = Landscape::new(-500.0, 500.0, 32, 1, |x, a| {
        a[0] = x * x;
        x.powi(4)
    })
    .unwrap();
    blames(coarse.equilibrium(1.0, &[1.0]), "nodes");
    blames(
        Equilibrium::new(1.0, &[1.0], 0.0, f64::NAN, vec![0.0], DMatrix::zeros(2, 2)),
        "energy",
    );
    blames(
        Equilibrium::new(1.0, &[1.0], 0.0, 0.0, vec![], DMatrix::zeros(2, 2)),
        "forces",
    );
    for hessian in [
        DMatrix::zeros(1, 1),
        DMatrix::zeros(1, 4),
        DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 0.4, 1.0]),
        DMatrix::from_element(2, 2, f64::NAN),
    ] {
        blames(
            Equilibrium::new(1.0, &[1.0], 0.0, 0.0, vec![0.0], hessian),
            "hessian",
        );
    }
}

#[test]
fn potentials_and_responses_name_what_is_wrong() {
    blames(Potentials::new(0.0, 1.0, 1.0, 0.0, 0.0), "temperature");
    blames(
        Potentials::new(1.0, 1.0, f64::INFINITY, 0.0, 0.0),
        "entropy",
    );
    let levels = Canonical::two_level();
    blames(entropy_of_energy(&levels, f64::NAN, &[1.0]), "energy");
    // A two-level system has energies between its levels only, of β = 0 and ±∞ those without a temperature.
    for energy in [-0.1, 0.0, 0.5, 1.0, 1.1] {
        blames(entropy_of_energy(&levels, energy, &[1.0]), "energy");
    }
    blames(entropy_of_energy(&levels, 0.3, &[]), "work");
    blames(LegendreWeb::new(&levels, &[1.0], 0.0, 1.0, 5), "low");
    blames(LegendreWeb::new(&levels, &[1.0], 2.0, 1.0, 5), "high");
    blames(LegendreWeb::new(&levels, &[1.0], 1.0, 2.0, 1), "points");
    blames(LegendreWeb::new(&levels, &[0.0], 1.0, 2.0, 5), "system");
    blames(maxwell_relation(&levels, 1.0, &[1.0], 1), "index");
    let flat = Response::new(&levels.equilibrium(1.0, &[0.0]).unwrap());
    blames(flat.adiabatic_stiffness(), "state");
    blames(le_chatelier(&DMatrix::zeros(2, 3)), "fisher");
    blames(le_chatelier(&DMatrix::zeros(2, 2)), "fisher");
    blames(
        le_chatelier(&DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 0.0, 1.0])),
        "fisher",
    );
}

#[test]
fn ensembles_name_what_is_wrong() {
    blames(Microstates::new(&[]), "energies");
    blames(Microstates::new(&[f64::NAN]), "energies");
    let states = || Microstates::new(&[0.0, 1.0]).unwrap();
    blames(states().degeneracies(&[1.0, 0.0]), "degeneracies");
    blames(states().volumes(&[1.0]), "volumes");
    blames(states().particles(&[1.0, f64::INFINITY]), "particles");
    blames(states().observable(&[1.0]), "values");
    blames(states().canonical(f64::NAN), "beta");
    blames(states().canonical(f64::NEG_INFINITY), "beta");
    for beta in [0.0, 1e-320] {
        blames(states().canonical(beta).unwrap().potentials(), "beta");
    }
    let far = Microstates::new(&[0.0, 1e308]).and_then(|s| s.volumes(&[0.0, 1e308]));
    blames(far.unwrap().isobaric(1.0, 1e3), "reservoir");
    blames(states().isobaric(1.0, 1.0), "pressure");
    blames(states().grand(1.0, 1.0), "chemical_potential");
    blames(
        states().ensemble(&Reservoir::new(1.0).unwrap().fields(&[1.0]).unwrap()),
        "fields",
    );
    blames(Reservoir::new(1.0).unwrap().pressure(f64::NAN), "pressure");
    blames(
        Reservoir::new(1.0).unwrap().chemical_potential(f64::NAN),
        "mu",
    );
    blames(states().microcanonical(0.5, 0.1), "energy");
    blames(states().microcanonical(0.5, -0.1), "half_width");
    blames(states().microcanonical_beta((1.0, 1.0), 0.0), "energies");
    let shell = states();
    let shell = shell.microcanonical(0.0, 0.0).unwrap();
    blames(shell.potentials(), "ensemble");
    blames(shell.heat_capacity(), "ensemble");
    let plain = states();
    let plain = plain.canonical(1.0).unwrap();
    blames(plain.compressibility(), "states");
    blames(plain.particle_susceptibility(), "states");
    assert!(
        plain.volume().is_none() && plain.particles().is_none() && plain.observable(0).is_none()
    );
}

#[test]
fn cycles_name_what_is_wrong() {
    let gas = IdealGas::new(1.0, 3.0).unwrap();
    let levels = Canonical::two_level();
    blames(Cycle::carnot(&gas, 1.0, 2.0, &[1.0], &[2.0]), "hot");
    blames(Cycle::carnot(&gas, f64::NAN, 2.0, &[1.0], &[2.0]), "hot");
    blames(Cycle::otto(&gas, 2.0, 0.0, &[1.0], &[2.0]), "cold");
    // The inverse of a temperature is one of f64, and tells the baths apart.
    blames(Cycle::otto(&gas, 2.0, 1e-320, &[1.0], &[2.0]), "cold");
    blames(Cycle::otto(&gas, 1e-319, 1e-320, &[1.0], &[2.0]), "hot");
    let (hot, cold) = (2f64.next_down(), 2f64.next_down().next_down());
    blames(Cycle::otto(&gas, hot, cold, &[1.0], &[2.0]), "hot");
    blames(Cycle::otto(&gas, 2.0, 1.0, &[1.0], &[1.0]), "to");
    blames(Cycle::otto(&gas, 2.0, 1.0, &[1.0, 1.0], &[2.0]), "from");
    blames(Cycle::otto(&gas, 2.0, 1.0, &[-1.0], &[2.0]), "work");
    blames(
        Cycle::stirling(&gas, 2.0, 1.0, &[1.0], &[2.0], 1.5),
        "regenerator",
    );
    // A gap that only changes its sign has one entropy at both ends.
    blames(Cycle::carnot(&levels, 2.0, 1.0, &[-1.0], &[1.0]), "to");
    // Three levels with a fixed excitation cannot follow far down.
    let table = Canonical::levels(
        &[0.0, 1.0, 1.1],
        DMatrix::from_row_slice(3, 1, &[0.0, 0.1, 0.0]),
        &[1.0; 3],
    )
    .unwrap();
    blames(Cycle::carnot(&table, 50.0, 0.01, &[-0.01], &[0.01]), "to");
    let cycle = Cycle::otto(&gas, 2.0, 1.0, &[1.0], &[2.0]).unwrap();
    blames(cycle.strokes()[0].trace(&gas, 1), "points");
    blames(cycle.strokes()[0].trace(&gas, usize::MAX), "points");
    blames(cycle.reversed(), "cycle");
    let path = Segment::new((1.0, 2.0), &[1.0], &[2.0]).unwrap();
    blames(quasi_static(&gas, &path, 0.0), "tolerance");
    blames(
        quasi_static(
            &gas,
            &Segment::new((1.0, 1.0), &[1.0], &[-1.0]).unwrap(),
            1e-9,
        ),
        "work",
    );
    blames(Segment::new((0.0, 1.0), &[1.0], &[1.0]), "temperatures");
    blames(Segment::new((-1.0, 1.0), &[1.0], &[1.0]), "temperatures");
    blames(Segment::new((1.0, 1.0), &[1.0], &[1.0, 2.0]), "to");
}

#[test]
fn finite_time_names_what_is_wrong() {
    blames(MarkovStep::isolated(&[]), "energies");
    blames(MarkovStep::metropolis(&[0.0], 1.0), "energies");
    blames(MarkovStep::metropolis(&[0.0, 1.0], 0.0), "beta");
    blames(MarkovStep::thermalize(&[0.0, 1.0], 1.0, 0.0), "strength");
    blames(MarkovStep::thermalize(&[0.0, 1.0], 1.0, 1.1), "strength");
    for degeneracies in [&[1.0][..], &[1.0, 0.0], &[1.0, f64::NAN]] {
        blames(
            MarkovStep::thermalize_levels(&[0.0, 1.0], degeneracies, 1.0, 1.0),
            "degeneracies",
        );
    }
    let (two, cycle) = (
        Canonical::with_observable(&[0.0; 2], &[0.0, 1.0], &[1.0; 2]).unwrap(),
        Cycle::carnot(&Canonical::two_level(), 2.0, 1.0, &[4.0], &[1.0]).unwrap(),
    );
    blames(FiniteTimeCycle::follow(&cycle, &two, 0, 1.0), "switches");
    blames(
        FiniteTimeCycle::follow(&cycle, &two, usize::MAX, 1.0),
        "points",
    );
    blames(
        MarkovStep::new(&[0.0, 1.0], 1.0, DMatrix::identity(3, 3)),
        "kernel",
    );
    blames(
        MarkovStep::new(&[0.0, 1.0], 1.0, DMatrix::from_element(2, 2, 0.5)),
        "kernel",
    );
    blames(
        MarkovStep::new(&[0.0, 1.0], 1.0, DMatrix::from_element(2, 2, 0.4)),
        "kernel",
    );
    assert!(MarkovStep::new(&[0.0, 1.0], 1.0, DMatrix::identity(2, 2)).is_ok());
    blames(Evolution::new(&[0.0, 1.0], &[0.5, 0.6]), "probabilities");
    blames(Evolution::new(&[0.0, 1.0], &[1.5, -0.5]), "probabilities");
    let mut chain = Evolution::equilibrium(&[0.0, 1.0], 1.0).unwrap();
    let three = MarkovStep::isolated(&[0.0; 3]).unwrap();
    blames(chain.step(&three), "step");
    blames(
        WorkStatistics::new(&chain, std::slice::from_ref(&three)),
        "step",
    );
    let one = MarkovStep::metropolis(&[0.0, 2.0], 1.0).unwrap();
    let work = WorkStatistics::new(&chain, std::slice::from_ref(&one)).unwrap();
    blames(work.log_exponential_average(f64::NAN), "s");
    blames(FiniteTimeCycle::new(&[]), "steps");
    blames(
        FiniteTimeCycle::new(&[MarkovStep::isolated(&[0.0; 2]).unwrap()]),
        "steps",
    );
    blames(FiniteTimeCycle::new(&[three, one]), "steps");
    let dynamics = TrapDynamics::new(1.0, 1.0).unwrap();
    blames(TrapDynamics::new(0.0, 1.0), "friction");
    blames(TrapDynamics::new(1.0, -1.0), "temperature");
    blames(dynamics.equilibrium(0.0, 0.0), "stiffness");
    blames(dynamics.equilibrium(1.0, f64::NAN), "centre");
    let law = dynamics.equilibrium(1.0, 0.0).unwrap();
    blames(dynamics.drag(law, 1.0, 0.0, f64::NAN, 1.0), "velocity");
    blames(dynamics.drag(law, 1.0, 0.0, 1.0, -1.0), "duration");
    blames(dynamics.ramp(law, 0.0, 1.0, 1.0, 1e9), "duration");
    let none = TrapLaw {
        mean: 0.0,
        variance: 0.0,
    };
    blames(dynamics.switch(none, (1.0, 0.0), (2.0, 0.0)), "law");
    blames(dynamics.drag(law, 1e300, 0.0, 1e200, 1.0), "protocol");
}

#[test]
fn lengths_learning_and_equipartition_name_what_is_wrong() {
    let line = Line::new(&[0.0], &[1.0]).unwrap();
    blames(Line::new(&[0.0], &[]), "to");
    let one = |_: &[f64]| Ok(DMatrix::from_element(1, 1, 1.0));
    let negative = |_: &[f64]| Ok(DMatrix::from_element(1, 1, -1.0));
    let wide = |_: &[f64]| Ok(DMatrix::from_element(2, 2, 1.0));
    blames(thermodynamic_length(one, &line, 0.0), "tolerance");
    blames(thermodynamic_length(negative, &line, 1e-9), "metric");
    blames(thermodynamic_length(wide, &line, 1e-9), "metric");
    blames(constant_speed_schedule(one, &line, 0, 1e-9), "steps");
    let point = Line::new(&[1.0], &[1.0]).unwrap();
    blames(constant_speed_schedule(one, &point, 3, 1e-9), "curve");
    blames(
        excess_of_full_relaxation(&Normal, &[vec![0.0, -1.0]]),
        "points",
    );
    blames(
        excess_of_full_relaxation(&Normal, &[vec![0.0], vec![0.0]]),
        "points",
    );
    blames(geodesic_distance(&[0.5, 0.5], &[1.0]), "q");
    blames(geodesic_distance(&[0.5, 0.6], &[0.5, 0.5]), "p");
    blames(dissipation_bound(&[1.0], &[1.0], 0), "steps");
    blames(LogLossBalance::new(&[0.5, 0.5], &[1.0, 0.0]), "model");
    blames(LogLossBalance::new(&[0.5, 0.4], &[1.0, 0.0]), "data");
    blames(
        DataShift::of_laws((&[1.0], &[1.0]), (&[0.5, 0.5], &[1.0])),
        "data",
    );
    blames(excess_free_energy(&[0.0, 1.0], 0.0, &[0.5, 0.5]), "beta");
    blames(excess_free_energy(&[-1e308, 1e308], 1.0, &[0.5, 0.5]), "p");
    blames(bayes_risk(&DMatrix::from_element(2, 2, 0.5)), "joint");
    let field = |_: &[f64], g: &mut [f64]| {
        g.fill(0.0);
        (0.0, 0.0)
    };
    blames(Equipartition::new(&[], 1.0, 1e-9, field), "region");
    blames(
        Equipartition::new(&[(0.0, 1.0); 4], 1.0, 1e-9, field),
        "region",
    );
    blames(
        Equipartition::new(&[(1.0, 0.0)], 1.0, 1e-9, field),
        "region",
    );
    blames(
        Equipartition::new(&[(0.0, 1.0)], 0.0, 1e-9, field),
        "temperature",
    );
    blames(Equipartition::new(&[(0.0, 1.0)], 1.0, 1e-9, field), "field");
    blames(
        Equipartition::new(&[(0.0, 1.0)], 1.0, 1e-9, |_, g| {
            g[0] = f64::NAN;
            (0.0, 1.0)
        }),
        "field",
    );
    let step = |x: &[f64], g: &mut [f64]| {
        g[0] = 1.0;
        (if x[0] > 0.3217 { 5.0 } else { 0.0 }, 1.0)
    };
    blames(
        Equipartition::new(&[(0.0, 1.0)], 1.0, 1e-13, step),
        "tolerance",
    );
    blames(
        configurational_temperature(&[1.0], &[1.0], 0.9),
        "gradient_squares",
    );
    blames(
        configurational_temperature(&[1.0, 1.0], &[1.0], 0.9),
        "laplacians",
    );
    blames(
        configurational_temperature(&[1.0, 1.0], &[-1.0, 0.5], 0.9),
        "laplacians",
    );
    blames(
        configurational_temperature(&[1.0, 1.0], &[1.0, 0.5], 1.0),
        "confidence",
    );
    blames(virial_temperature(&[1.0], 1, 0.9), "virials");
    blames(virial_temperature(&[1.0, 2.0], 0, 0.9), "dimensions");
}
