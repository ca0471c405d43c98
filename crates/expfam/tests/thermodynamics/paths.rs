//! Ledgers of quasi-static paths and sudden switches.

use super::*;

#[test]
fn the_laws_of_thermodynamics_hold_along_quasi_static_paths() {
    for seed in 0..10 {
        let levels = random_levels(seed, 2);
        let mut random = rng::stream(seed, 3);
        let mut point = || vec![random.normal(), random.normal()];
        let (from, to) = (point(), point());
        let path = Segment::new((0.7, 1.9), &from, &to).unwrap();
        let ledger = quasi_static(&levels, &path, 1e-11).unwrap();
        close(ledger.energy_residual(), 0.0, 1e-10);
        close(ledger.entropy_residual(), 0.0, 1e-10);
        let isothermal = Segment::new((1.2, 1.2), &from, &to).unwrap();
        let ledger = quasi_static(&levels, &isothermal, 1e-11).unwrap();
        close(ledger.work, ledger.free_energy_change, 1e-10);
        close(ledger.heat, 1.2 * ledger.entropy_change, 1e-10);
    }
}

/// The isentrope of a gas, T V^{2/3} constant.
struct Isentrope {
    hot: f64,
    volumes: (f64, f64),
}

impl StatePath for Isentrope {
    fn at(&self, t: f64) -> (f64, Vec<f64>) {
        let v = self.volumes.0 + t * (self.volumes.1 - self.volumes.0);
        ((v / self.volumes.0).powf(2.0 / 3.0) / self.hot, vec![v])
    }
    fn velocity(&self, t: f64) -> (f64, Vec<f64>) {
        let (beta, work) = self.at(t);
        let rate = self.volumes.1 - self.volumes.0;
        (2.0 / 3.0 * beta / work[0] * rate, vec![rate])
    }
}

#[test]
fn a_gas_on_its_isentrope_takes_up_no_heat() {
    let gas = IdealGas::new(4.0, 3.0).unwrap();
    let path = Isentrope {
        hot: 3.0,
        volumes: (1.0, 8.0),
    };
    let ledger = quasi_static(&gas, &path, 1e-11).unwrap();
    close(ledger.heat, 0.0, 1e-10);
    close(ledger.entropy_change, 0.0, 1e-13);
    close(ledger.work, 6.0 * (3.0 / 4.0 - 3.0), 1e-10); // C_V ΔT, T falls by 8^{2/3}
}

#[test]
fn a_sudden_switch_dissipates_the_divergence_of_its_laws() {
    let found = sudden_switch(&Trap::overdamped(1).unwrap(), 1.0, &[1.0], &[4.0]).unwrap();
    close(found.free_energy_change, 0.5 * 4f64.ln(), 1e-15);
    close(found.work, 1.5, 1e-15);
    close(found.dissipated_work(), 0.8068528194400547, 1e-15);
    for seed in 0..10 {
        let levels = random_levels(seed, 2);
        let (beta, from, to) = (0.7, [0.2, -0.4], [1.0, 0.9]);
        let found = sudden_switch(&levels, beta, &from, &to).unwrap();
        let p = levels.probabilities(beta, &from).unwrap();
        let q = levels.probabilities(beta, &to).unwrap();
        let kl: f64 = p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum();
        close(found.entropy_production, kl, 1e-12);
        // First law.
        let u = |w: &[f64]| levels.equilibrium(beta, w).unwrap().energy();
        close(found.work + found.heat, u(&to) - u(&from), 1e-13);
    }
}

#[test]
fn a_gas_expands_into_the_void_without_work() {
    let gas = IdealGas::new(2.0, 3.0).unwrap();
    let found = sudden_switch(&gas, 1.0, &[1.0], &[2.0]).unwrap();
    assert_eq!((found.work, found.heat), (0.0, 0.0));
    close(found.entropy_production, 2.0 * 2f64.ln(), 1e-14);
    // Nor does one that stays: nothing at all happens.
    let still = sudden_switch(&gas, 1.0, &[2.0], &[2.0]).unwrap();
    assert_eq!(
        (still.work, still.heat, still.entropy_production),
        (0.0, 0.0, 0.0)
    );
    let squeezed = sudden_switch(&gas, 1.0, &[2.0], &[1.0]);
    assert_eq!(squeezed.unwrap_err().argument, "switched");
}

#[test]
fn a_ledger_in_joule_is_as_exact_as_one_in_kelvin() {
    // Across a Schottky peak, far from polynomial.
    let levels = Canonical::two_level();
    let k = 1.380649e-23;
    let run = |unit: f64| {
        let path = Segment::new((0.02 * unit, 5.0 * unit), &[unit], &[0.5 * unit]).unwrap();
        quasi_static(&levels, &path, 1e-11).unwrap()
    };
    let (kelvin, joule) = (run(1.0), run(k));
    close(kelvin.energy_residual(), 0.0, 1e-9);
    close(joule.energy_residual() / k, 0.0, 1e-9);
    close(joule.work / k, kelvin.work, 1e-9);
    close(joule.heat / k, kelvin.heat, 1e-9);
}
