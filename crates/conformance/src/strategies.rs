//! Small random targets and matrices for property tests, as proptest strategies.
//!
//! The targets are small enough to enumerate and are drawn with ties, zeros and strong couplings
//! among generic values, because that is where kernels break.
//!
//! ```
//! use ergodic_conformance::strategies;
//! use ergodic_core::Energy;
//! use proptest::prelude::*;
//!
//! proptest!(ProptestConfig::with_cases(16), |(target in strategies::pairwise_spins(1..=4, 1.0))| {
//!     prop_assert!(target.states().iter().all(|s| target.energy(s).is_finite()));
//! });
//! ```

use std::ops::RangeInclusive;

use ergodic_core::{ArgumentError, Conditional, Energy, LocalEnergy, Randomness};
use ergodic_math::special::sigmoid;
use nalgebra::DMatrix;
use proptest::prelude::*;

/// Ising spins with any couplings, `E(s) = −½ Σᵢⱼ Jᵢⱼ sᵢ sⱼ − Σᵢ hᵢ sᵢ`, `s ∈ {−1, 1}ⁿ`.
///
/// Dense and plain: a target for tests. `J` is symmetric with zero diagonal, and holds the inverse
/// temperature. A move flips one spin.
///
/// ```
/// use ergodic_conformance::strategies::PairwiseSpins;
/// use ergodic_core::Energy;
///
/// let torus = PairwiseSpins::torus(3, 0.5)?;
/// assert_eq!(torus.energy(&[1; 9]), -9.0); // 18 bonds at βJ = ½
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PairwiseSpins {
    couplings: Vec<f64>,
    fields: Vec<f64>,
}

impl PairwiseSpins {
    /// From row-major `n × n` couplings and `n` fields.
    ///
    /// # Errors
    /// If there are no fields, the couplings are not `n × n`, symmetric, with zero diagonal, or
    /// anything is not finite.
    pub fn new(couplings: Vec<f64>, fields: Vec<f64>) -> Result<Self, ArgumentError> {
        let n = fields.len();
        if n == 0 || fields.iter().any(|h| !h.is_finite()) {
            return Err(ArgumentError::new(
                "fields",
                format!("{fields:?}"),
                "finite, at least one",
            ));
        }
        let symmetric = couplings.len() == n * n
            && (0..n).all(|i| {
                couplings[i * n + i] == 0.0
                    && (0..i).all(|j| {
                        couplings[i * n + j].is_finite()
                            && couplings[i * n + j] == couplings[j * n + i]
                    })
            });
        if !symmetric {
            return Err(ArgumentError::new(
                "couplings",
                format!("{couplings:?}"),
                format!("a finite symmetric {n} by {n} matrix with zero diagonal"),
            ));
        }
        Ok(Self { couplings, fields })
    }

    /// The ferromagnet on a periodic `side × side` square lattice without field, `Jᵢⱼ = beta`
    /// (twice that on the doubled bonds of side 2), sites in rows.
    ///
    /// # Errors
    /// If `side < 2` or `beta` is not finite.
    pub fn torus(side: usize, beta: f64) -> Result<Self, ArgumentError> {
        if side < 2 {
            return Err(ArgumentError::new("side", side, "at least 2"));
        }
        if !beta.is_finite() {
            return Err(ArgumentError::new("beta", beta, "finite"));
        }
        let n = side * side;
        let mut couplings = vec![0.0; n * n];
        for i in 0..n {
            let (r, c) = (i / side, i % side);
            for j in [r * side + (c + 1) % side, (r + 1) % side * side + c] {
                couplings[i * n + j] += beta;
                couplings[j * n + i] += beta;
            }
        }
        Self::new(couplings, vec![0.0; n])
    }

    /// The number of spins.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no spins; never true.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// All `2ⁿ` configurations; bit `i` of the place says whether spin `i` is up.
    pub fn states(&self) -> Vec<Vec<i8>> {
        let n = self.len();
        (0..1usize << n)
            .map(|k| {
                (0..n)
                    .map(|i| if k >> i & 1 == 1 { 1 } else { -1 })
                    .collect()
            })
            .collect()
    }

    /// The local field `Σⱼ Jᵢⱼ sⱼ + hᵢ`.
    pub fn local_field(&self, s: &[i8], site: usize) -> f64 {
        let n = self.len();
        let row = &self.couplings[site * n..(site + 1) * n];
        row.iter()
            .zip(s)
            .map(|(j, &s)| j * f64::from(s))
            .sum::<f64>()
            + self.fields[site]
    }
}

impl Energy for PairwiseSpins {
    type State = [i8];
    fn energy(&self, s: &[i8]) -> f64 {
        (0..self.len())
            .map(|i| {
                // ½ of the pair term, all of the field.
                -0.5 * f64::from(s[i]) * (self.local_field(s, i) + self.fields[i])
            })
            .sum()
    }
}

impl LocalEnergy for PairwiseSpins {
    type Move = usize;
    fn delta_energy(&self, s: &[i8], site: usize) -> f64 {
        2.0 * f64::from(s[site]) * self.local_field(s, site)
    }
    fn apply(&self, s: &mut [i8], site: usize) {
        s[site] = -s[site];
    }
}

impl Conditional for PairwiseSpins {
    fn num_sites(&self) -> usize {
        self.len()
    }
    fn resample_site<R: Randomness + ?Sized>(
        &self,
        s: &mut [i8],
        site: usize,
        beta: f64,
        rng: &mut R,
    ) {
        let up = sigmoid(2.0 * beta * self.local_field(s, site));
        s[site] = if rng.bernoulli(up) { 1 } else { -1 };
    }
}

/// A law on `0..n` given by a table of energies; `+∞` forbids a state. A move names the new state.
///
/// ```
/// use ergodic_conformance::strategies::FiniteTable;
/// use ergodic_core::LocalEnergy;
///
/// assert_eq!(FiniteTable::new(vec![1.0, 3.0])?.delta_energy(&0, 1), 2.0);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteTable {
    energies: Vec<f64>,
}

impl FiniteTable {
    /// From energies in nats.
    ///
    /// # Errors
    /// If one is NaN or `−∞`, or none is finite.
    pub fn new(energies: Vec<f64>) -> Result<Self, ArgumentError> {
        let valid = energies
            .iter()
            .all(|e| !e.is_nan() && *e != f64::NEG_INFINITY)
            && energies.iter().any(|e| e.is_finite());
        if !valid {
            return Err(ArgumentError::new(
                "energies",
                format!("{energies:?}"),
                "finite or +inf, and finite somewhere",
            ));
        }
        Ok(Self { energies })
    }

    /// The table.
    pub fn energies(&self) -> &[f64] {
        &self.energies
    }

    /// `0, 1, …, n − 1`.
    pub fn states(&self) -> Vec<usize> {
        (0..self.energies.len()).collect()
    }
}

impl Energy for FiniteTable {
    type State = usize;
    fn energy(&self, x: &usize) -> f64 {
        self.energies[*x]
    }
}

impl LocalEnergy for FiniteTable {
    type Move = usize;
    fn delta_energy(&self, x: &usize, to: usize) -> f64 {
        self.energies[to] - self.energies[*x]
    }
    fn apply(&self, x: &mut usize, to: usize) {
        *x = to;
    }
}

/// One site that takes all values.
impl Conditional for FiniteTable {
    fn num_sites(&self) -> usize {
        1
    }
    fn resample_site<R: Randomness + ?Sized>(
        &self,
        x: &mut usize,
        _: usize,
        beta: f64,
        rng: &mut R,
    ) {
        // On the stack for small tables: kernels are tested for allocations on this target.
        let (mut stack, mut heap) = ([0.0; 64], Vec::new());
        let weights = if let Some(weights) = stack.get_mut(..self.energies.len()) {
            weights
        } else {
            heap.resize(self.energies.len(), 0.0);
            &mut heap[..]
        };
        let lowest = self.energies.iter().copied().fold(f64::INFINITY, f64::min);
        for (w, e) in weights.iter_mut().zip(&self.energies) {
            if *e != f64::INFINITY {
                *w = (beta * (lowest - e)).exp();
            }
        }
        *x = rng.categorical(weights);
    }
}

/// A number in `[−scale, scale]` that is often exactly 0 or `±scale`, so that ties occur.
pub fn coupling(scale: f64) -> impl Strategy<Value = f64> + Clone {
    prop_oneof![
        2 => Just(0.0),
        1 => Just(scale),
        1 => Just(-scale),
        4 => -scale..=scale,
    ]
}

/// Random Ising systems of the given numbers of spins with couplings and fields of at most
/// `scale`; half of them have no field.
pub fn pairwise_spins(
    spins: RangeInclusive<usize>,
    scale: f64,
) -> impl Strategy<Value = PairwiseSpins> + Clone {
    (spins, any::<bool>()).prop_flat_map(move |(n, with_field)| {
        let n = n.max(1);
        let pairs = proptest::collection::vec(coupling(scale), n * (n - 1) / 2);
        let fields = proptest::collection::vec(coupling(scale), n);
        (pairs, fields).prop_map(move |(pairs, mut fields)| {
            let mut couplings = vec![0.0; n * n];
            let mut pairs = pairs.into_iter();
            for i in 0..n {
                for j in 0..i {
                    let value = pairs.next().unwrap_or(0.0);
                    couplings[i * n + j] = value;
                    couplings[j * n + i] = value;
                }
            }
            if !with_field {
                fields.fill(0.0);
            }
            PairwiseSpins { couplings, fields }
        })
    })
}

/// Random energy tables with the given numbers of states, energies of at most `scale` in absolute
/// value, with ties.
pub fn finite_table(
    states: RangeInclusive<usize>,
    scale: f64,
) -> impl Strategy<Value = FiniteTable> + Clone {
    states.prop_flat_map(move |n| {
        proptest::collection::vec(coupling(scale), n.max(1))
            .prop_map(|energies| FiniteTable { energies })
    })
}

/// `n` weights for a categorical choice: some zero, some tiny, at least one positive.
pub fn weights(n: RangeInclusive<usize>) -> impl Strategy<Value = Vec<f64>> + Clone {
    let weight = prop_oneof![
        1 => Just(0.0),
        4 => 1e-3..1.0f64,
        1 => (-30.0..0.0f64).prop_map(f64::exp),
    ];
    n.prop_flat_map(move |n| {
        let n = n.max(1);
        (proptest::collection::vec(weight.clone(), n), 0..n).prop_map(|(mut w, i)| {
            if w.iter().all(|w| *w == 0.0) {
                w[i] = 1.0;
            }
            w
        })
    })
}

/// A law on `n` points, all probabilities positive.
pub fn probabilities(n: RangeInclusive<usize>) -> impl Strategy<Value = Vec<f64>> + Clone {
    n.prop_flat_map(|n| proptest::collection::vec(1e-3..1.0f64, n.max(1)))
        .prop_map(|mut w| {
            let total: f64 = w.iter().sum();
            for w in &mut w {
                *w /= total;
            }
            w
        })
}

/// Temperatures from 0.1 to 10, uniform in the logarithm, with 1 among them.
pub fn temperature() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![1 => Just(1.0), 4 => (-1.0..1.0f64).prop_map(|x| 10f64.powf(x))]
}

/// Random stochastic matrices that are reversible for the law `pi`, with positive diagonal.
///
/// Symmetric flows `Sᵢⱼ = uᵢⱼ min(πᵢ, πⱼ)/n`, some of them zero, divided by `πᵢ`.
pub fn reversible_matrix(pi: Vec<f64>) -> impl Strategy<Value = DMatrix<f64>> + Clone {
    let n = pi.len();
    let flow = prop_oneof![1 => Just(0.0), 4 => 0.0..1.0f64];
    proptest::collection::vec(flow, n * n.saturating_sub(1) / 2).prop_map(move |u| {
        let mut u = u.into_iter();
        let mut p = DMatrix::zeros(n, n);
        for i in 0..n {
            for j in 0..i {
                let s = u.next().unwrap_or(0.0) * pi[i].min(pi[j]) / n as f64;
                p[(i, j)] = s / pi[i];
                p[(j, i)] = s / pi[j];
            }
        }
        for i in 0..n {
            let away: f64 = p.row(i).iter().sum();
            p[(i, i)] = 1.0 - away;
        }
        p
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Law, TransitionMatrix};
    use ergodic_core::Claims;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn local_energy_differences_agree_with_energies(t in pairwise_spins(1..=5, 2.0)) {
            for s in t.states() {
                for site in 0..t.len() {
                    let mut flipped = s.clone();
                    t.apply(&mut flipped, site);
                    let exact = t.energy(&flipped) - t.energy(&s);
                    prop_assert!((exact - t.delta_energy(&s, site)).abs() < 1e-12);
                }
            }
        }

        #[test]
        fn reversible_matrices_pass_the_check(
            (pi, p) in probabilities(1..=6).prop_flat_map(|pi| (Just(pi.clone()), reversible_matrix(pi)))
        ) {
            let energies: Vec<f64> = pi.iter().map(|p| -p.ln()).collect();
            let labels = pi.iter().map(f64::to_string).collect();
            let m = TransitionMatrix::new(p, labels).unwrap();
            let report = m.check(&energies, Claims::REVERSIBLE.not_ergodic(), 1e-13).unwrap();
            prop_assert!(!report.fails(Law::DetailedBalance) && !report.fails(Law::Invariance), "{report}");
            prop_assert!(m.eigenvalues(&energies, 1e-13).unwrap()[0] <= 1.0 + 1e-12);
        }

        #[test]
        fn weights_are_usable(w in weights(1..=5)) {
            prop_assert!(w.iter().sum::<f64>() > 0.0);
        }
    }

    #[test]
    fn bad_targets_are_named() {
        assert_eq!(
            PairwiseSpins::new(vec![], vec![]).unwrap_err().argument,
            "fields"
        );
        assert_eq!(
            PairwiseSpins::new(vec![0.0, 1.0, 2.0, 0.0], vec![0.0; 2])
                .unwrap_err()
                .argument,
            "couplings"
        );
        assert!(PairwiseSpins::torus(1, 1.0).is_err());
        assert!(FiniteTable::new(vec![f64::INFINITY]).is_err());
        assert!(FiniteTable::new(vec![f64::NAN]).is_err());
    }
}
