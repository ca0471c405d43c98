//! What a check found: one line per law, readable when it fails.

use std::fmt;

/// A law that a kernel, integrator or family is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Law {
    /// Every row of the transition matrix sums to 1 (by quadrature: `⟨1, P 1⟩ = 1`).
    Probability,
    /// The next position depends on the present one alone: the row is the same whether the state
    /// was built by `init`, by `reset` or by a step.
    Markov,
    /// `⟨f, f⟩ − ⟨f, P f⟩ > 0` for some `f`: the kernel is not the identity.
    Moves,
    /// `πP = π`.
    Invariance,
    /// `π(x) P(x, y) = π(y) P(y, x)`.
    DetailedBalance,
    /// Every state of the support can be reached from every other.
    Irreducibility,
    /// The return times to a state have no common divisor above 1.
    Aperiodicity,
    /// `E + c` gives the same kernel as `E`.
    EnergyShift,
    /// The one-step defect falls as `h^(p+1)`.
    Order,
    /// `E[exp(−ΔH)] = 1` in equilibrium.
    ExponentialWork,
    /// Chains that start at exact draws keep their law (moments, coordinates, energy).
    Distribution,
    /// A map undone by its inverse gives the point back.
    MapReversibility,
    /// A map keeps volume: its Jacobian determinant is ±1.
    Volume,
    /// `∇A(θ)` is the mean of the statistics.
    MeanIsGradient,
    /// `∇²A(θ)` is the Fisher information.
    FisherIsHessian,
    /// The Fisher information is symmetric and positive definite.
    FisherIsPositive,
    /// Natural → mean → natural returns.
    RoundTrip,
    /// `A(θ) + A*(μ) = θ·μ`.
    FenchelYoung,
    /// The divergence between members is the Bregman divergence of `A` and, exchanged, of `A*`.
    Divergence,
    /// The density sums or integrates to 1.
    Normalised,
    /// Draws have the moments of their law.
    Sampling,
    /// A batch gives what single calls give.
    Columns,
    /// What is no parameter is refused.
    Refusal,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Probability => "rows sum to 1",
            Self::Markov => "position is Markov",
            Self::Moves => "moves",
            Self::Invariance => "invariance",
            Self::DetailedBalance => "detailed balance",
            Self::Irreducibility => "irreducible",
            Self::Aperiodicity => "aperiodic",
            Self::EnergyShift => "E + c changes nothing",
            Self::Order => "order in the step size",
            Self::ExponentialWork => "E[exp(−ΔH)] = 1",
            Self::Distribution => "keeps the law",
            Self::MapReversibility => "the map is undone",
            Self::Volume => "the map keeps volume",
            Self::MeanIsGradient => "∇A is the mean",
            Self::FisherIsHessian => "∇²A is Fisher's",
            Self::FisherIsPositive => "Fisher's is positive",
            Self::RoundTrip => "natural and mean agree",
            Self::FenchelYoung => "A + A* = θ·μ",
            Self::Divergence => "KL is Bregman of A",
            Self::Normalised => "density has sum 1",
            Self::Sampling => "draws have the law",
            Self::Columns => "batch as single",
            Self::Refusal => "refuses no parameters",
        })
    }
}

/// The outcome for one law.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The law.
    pub law: Law,
    /// Whether it holds within the tolerance.
    pub passed: bool,
    /// How far the kernel is from it; what it is relative to is part of `detail`. For
    /// [`Law::Irreducibility`] the number of classes beyond one, for [`Law::Aperiodicity`] the
    /// period less one, for [`Law::Moves`] the probability of moving, for [`Law::Order`] the
    /// measured order.
    pub residual: f64,
    /// Which states or functions, which probabilities.
    pub detail: String,
}

/// All findings about one kernel.
///
/// `Display` prints one line per law, and below each failed law the states (or test functions)
/// and probabilities that break it.
///
/// ```
/// use ergodic_conformance::{Law, TransitionMatrix};
/// use ergodic_core::Claims;
/// use nalgebra::DMatrix;
///
/// // "Accept downhill always, else with 1/(1 + e^Δ)" on two levels, ΔE = 1.
/// let up = 1.0 / (1.0 + 1f64.exp());
/// let p = DMatrix::from_row_slice(2, 2, &[1.0 - up, up, 1.0, 0.0]);
/// let matrix = TransitionMatrix::new(p, vec!["ground".into(), "excited".into()]).unwrap();
/// let report = matrix.check(&[0.0, 1.0], Claims::REVERSIBLE, 1e-12).unwrap();
/// assert!(!report.finding(Law::DetailedBalance).unwrap().passed);
/// assert!(report.to_string().contains("ground"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What was checked, at which tolerance.
    pub subject: String,
    /// One entry per law, in the order of checking.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether every law holds.
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|f| f.passed)
    }

    /// The finding about `law`, if it was checked.
    pub fn finding(&self, law: Law) -> Option<&Finding> {
        self.findings.iter().find(|f| f.law == law)
    }

    /// Whether `law` was checked and broken.
    pub fn fails(&self, law: Law) -> bool {
        self.finding(law).is_some_and(|f| !f.passed)
    }

    /// The laws that are broken.
    pub fn failures(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| !f.passed)
    }

    /// For tests.
    ///
    /// # Panics
    /// With the whole report, if a law is broken.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.passed(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.subject)?;
        for finding in &self.findings {
            let verdict = if finding.passed { "ok  " } else { "FAIL" };
            writeln!(
                f,
                "  {verdict}  {:<24} {:.3e}",
                finding.law, finding.residual
            )?;
            if !finding.passed || f.alternate() {
                for line in finding.detail.lines() {
                    writeln!(f, "          {line}")?;
                }
            }
        }
        Ok(())
    }
}
