//! Draws of several chains, as every sampler returns them and every diagnostic reads them.

use crate::ArgumentError;

/// Draws of named parameters: chains × draws × parameters, all chains of one length.
///
/// Row-major in that order, so that a draw is a contiguous slice and the whole is the array that
/// `.npy` readers and ArviZ call `(chain, draw, parameter)`.
///
/// Made by the drivers of `ergodic-samplers`, read by `ergodic-diagnostics`.
///
/// ```
/// use ergodic_core::Draws;
///
/// let draws = Draws::new(vec!["mu".into(), "tau".into()], 2, 3, (0..12).map(f64::from).collect())?;
/// assert_eq!(draws.draw(1, 0), &[6.0, 7.0]);
/// assert_eq!(draws.parameter(1).collect::<Vec<_>>(), [vec![1.0, 3.0, 5.0], vec![7.0, 9.0, 11.0]]);
/// assert_eq!(draws.index_of("tau"), Some(1));
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    names: Vec<String>,
    chains: usize,
    length: usize,
    values: Vec<f64>,
}

impl Draws {
    /// From values in the order chain, draw, parameter.
    ///
    /// # Errors
    /// If there is no parameter, chain or draw, a name occurs twice or is empty, or the length of
    /// `values` is not `chains · draws · names`.
    pub fn new(
        names: Vec<String>,
        chains: usize,
        draws: usize,
        values: Vec<f64>,
    ) -> Result<Self, ArgumentError> {
        if names.is_empty() {
            return Err(ArgumentError::new("names", "empty", "at least one name"));
        }
        let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        if sorted.first().is_some_and(|name| name.is_empty()) {
            return Err(ArgumentError::new(
                "names",
                "an empty name",
                "names of at least one letter",
            ));
        }
        let twice = sorted.windows(2).find_map(|pair| match pair {
            [a, b] if a == b => Some(*a),
            _ => None,
        });
        if let Some(name) = twice {
            return Err(ArgumentError::new(
                "names",
                format!("{name:?} twice"),
                "all different",
            ));
        }
        for (argument, found) in [("chains", chains), ("draws", draws)] {
            if found == 0 {
                return Err(ArgumentError::new(argument, found, "at least 1"));
            }
        }
        let expected = chains
            .checked_mul(draws)
            .and_then(|n| n.checked_mul(names.len()));
        if expected != Some(values.len()) {
            return Err(ArgumentError::new(
                "values",
                format!("of length {}", values.len()),
                format!("of length {chains} × {draws} × {}", names.len()),
            ));
        }
        Ok(Self {
            names,
            chains,
            length: draws,
            values,
        })
    }

    /// The names `x[0]`, `x[1]`, … of `dim` parameters that have none.
    pub fn default_names(dim: usize) -> Vec<String> {
        (0..dim).map(|i| format!("x[{i}]")).collect()
    }

    /// The names of the parameters.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The position of the parameter called `name`.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// The number of chains.
    pub const fn num_chains(&self) -> usize {
        self.chains
    }

    /// The number of draws in each chain.
    pub const fn num_draws(&self) -> usize {
        self.length
    }

    /// The number of parameters.
    pub fn num_parameters(&self) -> usize {
        self.names.len()
    }

    /// All values in the order chain, draw, parameter.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values of one chain, draw by draw.
    ///
    /// # Panics
    /// If there is no such chain.
    pub fn chain(&self, chain: usize) -> &[f64] {
        let length = self.length * self.names.len();
        &self.values[chain * length..][..length]
    }

    /// The parameters of one draw.
    ///
    /// # Panics
    /// If there is no such chain or draw.
    pub fn draw(&self, chain: usize, draw: usize) -> &[f64] {
        &self.chain(chain)[draw * self.names.len()..][..self.names.len()]
    }

    /// One parameter, chain by chain.
    ///
    /// # Panics
    /// If there is no such parameter.
    pub fn parameter(&self, index: usize) -> impl Iterator<Item = Vec<f64>> + '_ {
        assert!(index < self.names.len(), "there is no parameter {index}");
        (0..self.chains).map(move |chain| {
            self.chain(chain)
                .iter()
                .skip(index)
                .step_by(self.names.len())
                .copied()
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: &[&str]) -> Vec<String> {
        n.iter().map(|&s| s.to_owned()).collect()
    }

    #[test]
    fn wrong_shapes_and_names_are_errors_that_say_which() {
        let error = |n: &[&str], c, d, len| {
            Draws::new(names(n), c, d, vec![0.0; len])
                .unwrap_err()
                .to_string()
        };
        assert!(error(&[], 1, 1, 0).starts_with("names is empty"));
        assert!(error(&["a", ""], 1, 1, 2).contains("an empty name"));
        assert!(error(&["a", "b", "a"], 1, 1, 3).contains("\"a\" twice"));
        assert!(error(&["a"], 0, 1, 0).starts_with("chains is 0"));
        assert!(error(&["a"], 1, 0, 0).starts_with("draws is 0"));
        assert!(error(&["a"], 2, 3, 5).contains("2 × 3 × 1"));
        assert!(error(&["a"], usize::MAX, 2, 1).starts_with("values"));
    }
}
