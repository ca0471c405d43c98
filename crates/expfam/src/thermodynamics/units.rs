//! Unit systems: what a temperature, an energy and an entropy are called.

use ergodic_core::ArgumentError;

use crate::domain;

/// How temperatures, energies and entropies are measured.
///
/// A system is given by its Boltzmann constant `k`, in units of energy per unit of temperature:
/// `β = 1/kT`, and an entropy of `s` nats is `ks`. The constants are exact since the revision of the
/// SI in 2019 (*The International System of Units*, 9th ed., BIPM 2019): `k = 1.380649e-23 J/K`,
/// `e = 1.602176634e-19 C`, `N_A = 6.02214076e23 /mol`.
///
/// ```
/// use ergodic_expfam::thermodynamics::UnitSystem;
///
/// // kT at 300 K is 2.494 kJ/mol, 25.85 meV.
/// let beta = UnitSystem::KilojoulePerMole.beta(300.0)?;
/// assert!((1.0 / beta - 2.49433878544596).abs() < 1e-13);
/// let energy = UnitSystem::KilojoulePerMole.convert_energy(1.0 / beta, UnitSystem::ElectronVolt);
/// assert!((energy - 0.025851999786435).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnitSystem {
    /// `k = 1`: temperatures are energies, entropies are in nats. Beside the other systems its unit
    /// of energy is read as `k · 1 K`.
    #[default]
    Natural,
    /// Kelvin, joule, J/K.
    Si,
    /// Kelvin, kJ/mol, kJ/(mol K).
    KilojoulePerMole,
    /// Kelvin, electronvolt, eV/K.
    ElectronVolt,
}

/// J/K, exact.
const BOLTZMANN: f64 = 1.380649e-23;

/// C, exact.
const ELEMENTARY_CHARGE: f64 = 1.602176634e-19;

/// kJ/(mol K): `k N_A / 1000`, exact.
const MOLAR_GAS: f64 = 8.314_462_618_153_24e-3;

impl UnitSystem {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Natural,
        Self::Si,
        Self::KilojoulePerMole,
        Self::ElectronVolt,
    ];

    /// `k`, in units of energy per unit of temperature.
    pub fn boltzmann(self) -> f64 {
        match self {
            Self::Natural => 1.0,
            Self::Si => BOLTZMANN,
            Self::KilojoulePerMole => MOLAR_GAS,
            Self::ElectronVolt => BOLTZMANN / ELEMENTARY_CHARGE,
        }
    }

    /// The name of the unit of energy; empty in natural units.
    pub fn energy_unit(self) -> &'static str {
        match self {
            Self::Natural => "",
            Self::Si => "J",
            Self::KilojoulePerMole => "kJ/mol",
            Self::ElectronVolt => "eV",
        }
    }

    /// The name of the unit of temperature; empty in natural units.
    pub fn temperature_unit(self) -> &'static str {
        match self {
            Self::Natural => "",
            _ => "K",
        }
    }

    /// The name of the unit of entropy: nats in natural units.
    pub fn entropy_unit(self) -> &'static str {
        match self {
            Self::Natural => "nats",
            Self::Si => "J/K",
            Self::KilojoulePerMole => "kJ/(mol K)",
            Self::ElectronVolt => "eV/K",
        }
    }

    /// `β = 1/kT`, per unit of energy; of the sign of the temperature.
    ///
    /// # Errors
    /// If the temperature, or `β`, is not finite, or 0.
    pub fn beta(self, temperature: f64) -> Result<f64, ArgumentError> {
        self.reciprocal("temperature", temperature)
    }

    /// `T = 1/kβ`.
    ///
    /// # Errors
    /// If `β`, or the temperature, is not finite, or 0.
    pub fn temperature(self, beta: f64) -> Result<f64, ArgumentError> {
        self.reciprocal("beta", beta)
    }

    fn reciprocal(self, argument: &'static str, found: f64) -> Result<f64, ArgumentError> {
        domain::inverse_temperature(argument, found)?;
        // In this order the product of two small numbers does not underflow.
        let result = 1.0 / found / self.boltzmann();
        if result != 0.0 && result.is_finite() {
            return Ok(result);
        }
        Err(ArgumentError::new(
            argument,
            format!("{found:e}"),
            "such that its inverse is within the range of f64",
        ))
    }

    /// An energy of this system in another.
    pub fn convert_energy(self, energy: f64, to: Self) -> f64 {
        energy / self.boltzmann() * to.boltzmann()
    }

    /// An entropy of `nats` in this system.
    pub fn entropy(self, nats: f64) -> f64 {
        nats * self.boltzmann()
    }

    /// An entropy of this system in nats.
    pub fn nats(self, entropy: f64) -> f64 {
        entropy / self.boltzmann()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_those_of_the_si() {
        // R, k in eV/K (CODATA 2018, exact to the digits given).
        assert!((UnitSystem::KilojoulePerMole.boltzmann() - 8.31446261815324e-3).abs() < 1e-17);
        assert!(
            (UnitSystem::KilojoulePerMole.boltzmann() / (1.380649e-23 * 6.02214076e23 * 1e-3)
                - 1.0)
                .abs()
                < 4e-16
        );
        assert!(
            (UnitSystem::ElectronVolt.boltzmann() / 8.617_333_262_145_179e-5 - 1.0).abs() < 4e-16
        );
        // 1 eV per particle is 96.485332… kJ/mol (e N_A / 1000).
        let mole = UnitSystem::ElectronVolt.convert_energy(1.0, UnitSystem::KilojoulePerMole);
        assert!((mole / (1.602176634e-19 * 6.02214076e23 * 1e-3) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn units_have_the_names_of_the_si_brochure() {
        let names =
            UnitSystem::ALL.map(|u| (u.temperature_unit(), u.energy_unit(), u.entropy_unit()));
        let allowed = [
            ("", "", "nats"),
            ("K", "J", "J/K"),
            ("K", "kJ/mol", "kJ/(mol K)"),
            ("K", "eV", "eV/K"),
        ];
        assert_eq!(names, allowed);
    }

    #[test]
    fn conversions_invert_each_other() {
        for a in UnitSystem::ALL {
            let beta = a.beta(287.3).unwrap();
            assert!((a.temperature(beta).unwrap() / 287.3 - 1.0).abs() < 1e-15);
            assert!((a.nats(a.entropy(1.7)) / 1.7 - 1.0).abs() < 1e-15);
            for b in UnitSystem::ALL {
                let back = b.convert_energy(a.convert_energy(-3.1, b), a);
                assert!((back / -3.1 - 1.0).abs() < 1e-15);
                // βE is a pure number.
                let scaled = b.beta(287.3).unwrap() * a.convert_energy(2.0, b);
                assert!((scaled / (2.0 * beta) - 1.0).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn temperatures_that_are_none_are_typed_errors() {
        for t in [0.0, -0.0, f64::NAN, f64::INFINITY, 1e-320] {
            assert_eq!(
                UnitSystem::Natural.beta(t).unwrap_err().argument,
                "temperature"
            );
            assert_eq!(UnitSystem::Si.temperature(t).unwrap_err().argument, "beta");
        }
    }
}
