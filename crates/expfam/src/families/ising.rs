//! The Ising model on a small graph, by enumeration.

use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
use ergodic_math::Real;
use ergodic_math::special::LogSum;
use nalgebra::{DMatrix, DVector};

use crate::domain;
use crate::newton::{Evaluation, natural_of_mean};

/// The Ising family of `n` spins `±1` on a graph: `p(s) = exp(Σ hᵢsᵢ + Σ J_e s_i s_j − A)`, statistics all
/// spins, then `s_i s_j` of the edges in their order; `θ = (h, J)`, `A = log Z`.
///
/// Enumerates all `2ⁿ` states, `n ≤ 20`: cost `O(2ⁿ(n + e))`, Fisher information `O(2ⁿ(n + e)²)`, the
/// inverse (the inverse Ising problem, exactly) ten times that. Natural domain all, mean domain the
/// interior of the correlation polytope. For larger systems use a sampler.
///
/// Reference: Wainwright and Jordan, *Graphical Models, Exponential Families, and Variational Inference*, 2008,
/// §3.3.
///
/// ```
/// use ergodic_core::ExponentialFamily;
/// use ergodic_expfam::families::Ising;
///
/// let pair = Ising::new(2, &[(0, 1)])?;
/// // Z = 4 cosh J without fields.
/// let a = pair.log_partition(&[0.0, 0.0, 0.7])?;
/// assert!((a - (4.0 * 0.7f64.cosh()).ln()).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ising {
    spins: usize,
    edges: Vec<(usize, usize)>,
}

/// Most spins.
const SPINS: usize = 20;

impl Ising {
    /// On `spins` vertices with these edges.
    ///
    /// # Errors
    /// If there are no spins or more than 20, or an edge names a vertex that does not exist, is a
    /// loop, or comes twice.
    pub fn new(spins: usize, edges: &[(usize, usize)]) -> Result<Self, ArgumentError> {
        if !(1..=SPINS).contains(&spins) {
            return Err(ArgumentError::new(
                "spins",
                spins,
                format!("from 1 to {SPINS}"),
            ));
        }
        let mut seen = std::collections::BTreeSet::new();
        for &(i, j) in edges {
            if i >= spins || j >= spins || i == j || !seen.insert((i.min(j), i.max(j))) {
                return Err(ArgumentError::new(
                    "edges",
                    format!("a list with ({i}, {j})"),
                    format!("distinct pairs of different vertices below {spins}"),
                ));
            }
        }
        Ok(Self {
            spins,
            edges: edges.to_vec(),
        })
    }

    fn statistics_of(&self, state: u64, out: &mut [f64]) {
        let spin = |i: usize| if state >> i & 1 == 1 { 1.0 } else { -1.0 };
        for (i, o) in out.iter_mut().enumerate() {
            *o = if i < self.spins {
                spin(i)
            } else {
                let (a, b) = self.edges[i - self.spins];
                spin(a) * spin(b)
            };
        }
    }

    fn for_each(&self, natural: &[f64], mut f: impl FnMut(u64, f64, &[f64])) {
        let mut t = vec![0.0; self.dim()];
        for state in 0..1u64 << self.spins {
            self.statistics_of(state, &mut t);
            let log_weight: f64 = t.iter().zip(natural).map(|(t, n)| t * n).sum();
            f(state, log_weight, &t);
        }
    }

    fn evaluate(&self, natural: &[f64]) -> Result<Evaluation, ArgumentError> {
        let log_partition = self.log_partition(natural)?;
        let dim = self.dim();
        let mut mean = DVector::zeros(dim);
        self.for_each(natural, |_, w, t| {
            let p = Real::exp(w - log_partition);
            for (m, t) in mean.iter_mut().zip(t) {
                *m += p * t;
            }
        });
        let mut fisher = DMatrix::zeros(dim, dim);
        self.for_each(natural, |_, w, t| {
            let p = Real::exp(w - log_partition);
            for i in 0..dim {
                let a = p * (t[i] - mean[i]);
                for j in 0..=i {
                    fisher[(i, j)] += a * (t[j] - mean[j]);
                }
            }
        });
        fisher.fill_upper_triangle_with_lower_triangle();
        Ok(Evaluation {
            log_partition,
            mean,
            fisher,
        })
    }
}

impl ExponentialFamily for Ising {
    /// One `±1` per spin.
    type Sample = [i8];

    fn dim(&self) -> usize {
        self.spins + self.edges.len()
    }

    fn sufficient_statistics(&self, x: &[i8], out: &mut [f64]) {
        let spin = |i: usize| x.get(i).copied().map_or(f64::NAN, f64::from);
        for (i, o) in out.iter_mut().enumerate() {
            *o = if i < self.spins {
                spin(i)
            } else {
                let (a, b) = self.edges[i - self.spins];
                spin(a) * spin(b)
            };
        }
    }

    fn log_base_measure(&self, x: &[i8]) -> f64 {
        if x.len() == self.spins && x.iter().all(|s| s.abs() == 1) {
            0.0
        } else {
            f64::NEG_INFINITY
        }
    }

    fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
        domain::finite("natural", natural, self.dim())?;
        let mut sum = LogSum::new();
        self.for_each(natural, |_, w, _| sum.push(w));
        let a = sum.value();
        if a.is_finite() {
            return Ok(a);
        }
        Err(ArgumentError::new(
            "natural",
            format!("{natural:?}"),
            "of finite log-partition",
        ))
    }

    fn mean_from_natural(&self, natural: &[f64], mean: &mut [f64]) -> Result<(), ArgumentError> {
        let a = self.log_partition(natural)?;
        mean.fill(0.0);
        self.for_each(natural, |_, w, t| {
            let p = Real::exp(w - a);
            for (m, t) in mean.iter_mut().zip(t) {
                *m += p * t;
            }
        });
        Ok(())
    }

    fn natural_from_mean(&self, mean: &[f64], natural: &mut [f64]) -> Result<(), ArgumentError> {
        domain::finite("mean", mean, self.dim())?;
        natural.copy_from_slice(&natural_of_mean(mean, |theta| self.evaluate(theta))?);
        Ok(())
    }

    fn fisher_information(&self, natural: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
        out.copy_from_slice(self.evaluate(natural)?.fisher.as_slice());
        Ok(())
    }

    /// By its cumulative law: `O(2ⁿ(n + e))` a draw.
    fn sample<R: Randomness + ?Sized>(
        &self,
        natural: &[f64],
        rng: &mut R,
    ) -> Result<Vec<i8>, ArgumentError> {
        let a = self.log_partition(natural)?;
        let mut weights = vec![0.0; 1 << self.spins];
        self.for_each(natural, |state, w, _| {
            weights[state as usize] = Real::exp(w - a);
        });
        let state = rng.categorical(&weights);
        Ok((0..self.spins)
            .map(|i| if state >> i & 1 == 1 { 1 } else { -1 })
            .collect())
    }
}
