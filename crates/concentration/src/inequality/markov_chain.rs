//! Hoeffding's inequality for Markov chains with a spectral gap.

use ergodic_core::ArgumentError;
use nalgebra::{DMatrix, DVector};

use super::{Bounded, Pivotal, Reflect, TailBound};
use crate::argument;

/// A stationary Markov chain seen through a function with a range, whose steps contract by `λ`.
pub trait Mixing: Clone {
    /// `λ`, below 1.
    fn contraction(&self) -> f64;
    /// The range of the function.
    fn bounded(&self) -> Bounded;
}

/// A reversible chain: `λ` is its second largest eigenvalue. Negative ones count as 0.
///
/// ```
/// use ergodic_concentration::inequality::{Bounded, ReversibleChain};
/// use nalgebra::DMatrix;
///
/// let flip = DMatrix::from_row_slice(2, 2, &[0.9, 0.1, 0.1, 0.9]);
/// let chain = ReversibleChain::of_matrix(&flip, &[0.5, 0.5], Bounded::new(0.0, 1.0)?)?;
/// assert!((chain.second_eigenvalue() - 0.8).abs() < 1e-14);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReversibleChain {
    second_eigenvalue: f64,
    bounded: Bounded,
}

impl ReversibleChain {
    /// With this second largest eigenvalue (or an upper bound) and a function with this range.
    ///
    /// # Errors
    /// Unless `−1 ≤ λ < 1`.
    pub fn new(second_eigenvalue: f64, bounded: Bounded) -> Result<Self, ArgumentError> {
        argument::require(
            "second_eigenvalue",
            second_eigenvalue,
            (-1.0..1.0).contains(&second_eigenvalue),
            "at least −1 and below 1",
        )?;
        Ok(Self {
            second_eigenvalue,
            bounded,
        })
    }

    /// Of a transition matrix (rows sum to 1) and its stationary law, to rounding. Cost `O(k³)`.
    ///
    /// # Errors
    /// If the shapes do not fit, the rows or the law are no laws, the law has a 0, detailed balance
    /// fails by more than 1e-10 (`πᵢPᵢⱼ − πⱼPⱼᵢ` over `√πᵢπⱼ`), or the chain is reducible (to rounding).
    pub fn of_matrix(
        transition: &DMatrix<f64>,
        stationary: &[f64],
        bounded: Bounded,
    ) -> Result<Self, ArgumentError> {
        check_chain(transition, stationary)?;
        let k = stationary.len();
        let mut centred = centred(transition, stationary);
        // Net flows over √πᵢπⱼ: rare states count as much as others.
        let net = (&centred - centred.transpose()).amax();
        argument::require(
            "transition",
            net,
            net <= BALANCE,
            "of a net flow of 0 between any two states",
        )?;
        // Exactly symmetric, as the solver takes it to be.
        centred = 0.5 * (&centred + centred.transpose());
        let values = centred.symmetric_eigenvalues();
        // Centring has moved the eigenvalue 1 of the constants to 0. That changes a second eigenvalue
        // below 0 only, which counts as 0.
        let second = values.iter().copied().fold(0.0, f64::max);
        Self::new(second + rounding(k), bounded)
    }

    /// `λ`.
    pub fn second_eigenvalue(&self) -> f64 {
        self.second_eigenvalue
    }
}

impl Mixing for ReversibleChain {
    fn contraction(&self) -> f64 {
        if self.second_eigenvalue > 0.0 {
            self.second_eigenvalue
        } else {
            0.0
        }
    }

    fn bounded(&self) -> Bounded {
        self.bounded
    }
}

/// Any stationary chain: `λ` is the norm of its operator on functions of mean 0 in `L²(π)`, the second
/// singular value, which for reversible chains is the second largest absolute eigenvalue.
///
/// ```
/// use ergodic_concentration::inequality::{Bounded, GeneralChain};
/// use nalgebra::DMatrix;
///
/// // A lazy rotation on three states.
/// let p = DMatrix::from_row_slice(3, 3, &[0.5, 0.5, 0.0, 0.0, 0.5, 0.5, 0.5, 0.0, 0.5]);
/// let chain = GeneralChain::of_matrix(&p, &[1.0 / 3.0; 3], Bounded::new(0.0, 1.0)?)?;
/// assert!((chain.norm() - 0.5).abs() < 1e-13);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneralChain {
    norm: f64,
    bounded: Bounded,
}

impl GeneralChain {
    /// With this norm (or an upper bound) and a function with this range.
    ///
    /// # Errors
    /// Unless `0 ≤ λ < 1`.
    pub fn new(norm: f64, bounded: Bounded) -> Result<Self, ArgumentError> {
        argument::require(
            "norm",
            norm,
            (0.0..1.0).contains(&norm),
            "at least 0 and below 1",
        )?;
        Ok(Self { norm, bounded })
    }

    /// Of a transition matrix (rows sum to 1) and its stationary law, to rounding. Cost `O(k³)`.
    ///
    /// # Errors
    /// If the shapes do not fit, the rows or the law are no laws, the law has a 0 or is not stationary
    /// to 1e-10 (`(πP − π)ⱼ` over `√πⱼ`), or the norm is 1 (to rounding), as that of a rotation is.
    pub fn of_matrix(
        transition: &DMatrix<f64>,
        stationary: &[f64],
        bounded: Bounded,
    ) -> Result<Self, ArgumentError> {
        check_chain(transition, stationary)?;
        let centred = centred(transition, stationary);
        let square = centred.transpose() * &centred;
        let largest = square
            .symmetric_eigenvalues()
            .iter()
            .copied()
            .fold(0.0, f64::max);
        Self::new(largest.sqrt() + rounding(stationary.len()), bounded)
    }

    /// `λ`.
    pub fn norm(&self) -> f64 {
        self.norm
    }
}

impl Mixing for GeneralChain {
    fn contraction(&self) -> f64 {
        self.norm
    }

    fn bounded(&self) -> Bounded {
        self.bounded
    }
}

/// What detailed balance and stationarity may miss by.
const BALANCE: f64 = 1e-10;

/// What the eigenvalues may have lost.
fn rounding(states: usize) -> f64 {
    16.0 * f64::EPSILON * states as f64
}

fn check_chain(transition: &DMatrix<f64>, stationary: &[f64]) -> Result<(), ArgumentError> {
    let k = stationary.len();
    if k == 0 || transition.shape() != (k, k) {
        return Err(ArgumentError::new(
            "transition",
            format!("of shape {:?}", transition.shape()),
            format!("of {k} rows and columns, at least one, as the stationary law has"),
        ));
    }
    for &p in transition.iter() {
        argument::require("transition", p, (0.0..=1.0).contains(&p), "probabilities")?;
    }
    for &p in stationary {
        argument::require(
            "stationary",
            p,
            p > 0.0 && p <= 1.0,
            "probabilities above 0",
        )?;
    }
    for row in transition.row_iter() {
        let sum = row.sum();
        argument::require(
            "transition",
            sum,
            (sum - 1.0).abs() <= BALANCE,
            "of row sums 1",
        )?;
    }
    let law = DVector::from_column_slice(stationary);
    let total = law.sum();
    argument::require(
        "stationary",
        total,
        (total - 1.0).abs() <= BALANCE,
        "of sum 1",
    )?;
    let change = (transition.transpose() * &law - &law)
        .component_div(&law.map(f64::sqrt))
        .amax();
    argument::require(
        "stationary",
        change,
        change <= BALANCE,
        "unchanged by a step",
    )
}

/// `D^{1/2} P D^{−1/2} − √π √πᵀ`: the operator on functions of mean 0 in an orthonormal basis.
fn centred(transition: &DMatrix<f64>, stationary: &[f64]) -> DMatrix<f64> {
    let root: Vec<f64> = stationary.iter().map(|p| p.sqrt()).collect();
    DMatrix::from_fn(root.len(), root.len(), |i, j| {
        transition[(i, j)] * (root[i] / root[j]) - root[i] * root[j]
    })
}

/// `P(mean − μ ≥ t) ≤ M exp(−2nt²(1 − λ)/(1 + λ)(b − a)²)` for the mean of a function over `n` steps of
/// a Markov chain; `μ` is its stationary mean.
///
/// `M = 1` for a stationary start. From another start law, `M` is the largest ratio of its
/// probabilities to the stationary ones ([`started_from`](Self::started_from)). Sources: C. León and
/// F. Perron, *Ann. Appl. Probab.* 14, 2004 (reversible, finite); J. Fan, B. Jiang and Q. Sun, *J. Mach.
/// Learn. Res.* 22, 2021 (general).
///
/// ```
/// use ergodic_concentration::inequality::*;
///
/// // A correlation of .8 from step to step costs a factor 9 in sample size.
/// let range = Bounded::new(0.0, 1.0)?;
/// let chain = MarkovChainHoeffding::new(ReversibleChain::new(0.8, range)?);
/// let independent = Hoeffding::new(range);
/// let ratio = chain.log_tail(1000, 0.1)? / independent.log_tail(1000, 0.1)?;
/// assert!((ratio - 1.0 / 9.0).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkovChainHoeffding<C> {
    chain: C,
    log_start: f64,
}

impl<C: Mixing> MarkovChainHoeffding<C> {
    /// Of a chain that starts in its stationary law.
    pub fn new(chain: C) -> Self {
        Self {
            chain,
            log_start: 0.0,
        }
    }

    /// The same chain started from a law whose probabilities are at most `ratio` times the
    /// stationary ones: the bound grows by that factor.
    ///
    /// # Errors
    /// Unless `ratio` is finite and at least 1.
    pub fn started_from(mut self, ratio: f64) -> Result<Self, ArgumentError> {
        argument::require(
            "ratio",
            ratio,
            ratio >= 1.0 && ratio.is_finite(),
            "finite and at least 1",
        )?;
        self.log_start = libm::log(ratio);
        Ok(self)
    }
}

impl<C: Mixing> TailBound for MarkovChainHoeffding<C> {
    fn name(&self) -> &'static str {
        "Hoeffding for Markov chains"
    }

    fn two_sided(&self) -> bool {
        false
    }

    fn evaluate(&self, n: f64, t: f64) -> Result<f64, ArgumentError> {
        let lambda = self.chain.contraction();
        let relative = t / self.chain.bounded().range();
        let slowing = (1.0 - lambda) / (1.0 + lambda);
        Ok(self.log_start - 2.0 * slowing * n * relative * relative)
    }
}

impl<C: Mixing> Pivotal for MarkovChainHoeffding<C> {}

impl<C: Mixing> Reflect for MarkovChainHoeffding<C> {
    fn reflected(&self) -> Self {
        self.clone()
    }
}
