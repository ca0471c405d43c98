//! Information projections: onto sets of moments (I) and onto families (M), and Pythagoras' theorem.

use std::borrow::Borrow;

use ergodic_core::{ArgumentError, ExponentialFamily};
use ergodic_info::{Convex, NegativeEntropy};
use ergodic_math::Real;
use nalgebra::DMatrix;

use crate::maximum_entropy::extent;
use crate::member::dot;
use crate::{Constraint, MaximumEntropy, MaximumEntropyError, MaximumEntropyLaw, Member, domain};

/// The laws on finitely many states whose features have given means, or means in given intervals: a
/// linear family, or a convex set.
///
/// ```
/// use ergodic_expfam::{Constraint, MomentSet};
/// use nalgebra::DMatrix;
///
/// let faces = DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64);
/// let loaded = MomentSet::new(faces, [Constraint::Equal(4.5)])?;
/// let q = [0.1, 0.1, 0.2, 0.2, 0.2, 0.2];
/// let nearest = loaded.project(&q)?;
/// assert!((nearest.multipliers[0] - 0.2628326650897997).abs() < 1e-12);
/// // KL(p‖q) = KL(p‖p*) + KL(p*‖q) for every p of the set.
/// let triangle = loaded.pythagoras(&[0.09, 0.05, 0.1, 0.15, 0.25, 0.36], &q)?;
/// assert!((triangle.whole - 0.110782252832352).abs() < 1e-14);
/// assert!(triangle.defect().abs() < 1e-14);
/// # Ok::<(), ergodic_expfam::MaximumEntropyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MomentSet {
    features: DMatrix<f64>,
    constraints: Vec<Constraint>,
}

/// The sides of a triangle of laws, from [`MomentSet::pythagoras`] or [`moment_pythagoras`], in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pythagoras {
    /// The divergence of the far law from the near one.
    pub whole: f64,
    /// From the far law to the projection.
    pub first: f64,
    /// From the projection to the near law.
    pub second: f64,
}

impl Pythagoras {
    /// `whole − first − second`: 0 for a linear family, at least 0 for a convex set.
    pub fn defect(&self) -> f64 {
        self.whole - self.first - self.second
    }
}

impl MomentSet {
    /// Of features, a row per state, and one constraint per feature.
    ///
    /// # Errors
    /// If there are no states or features, a number is not finite, a radius is not above 0, the numbers
    /// of features and constraints differ, or a constraint is [`Constraint::Near`], which is a penalty
    /// and no set.
    pub fn new(
        features: DMatrix<f64>,
        constraints: impl Into<Vec<Constraint>>,
    ) -> Result<Self, ArgumentError> {
        let constraints = constraints.into();
        let (m, d) = features.shape();
        if m == 0 || d == 0 || features.iter().any(|f| !f.is_finite()) {
            let found = format!("a {m} × {d} matrix");
            let allowed = "of at least one state and one feature, and finite";
            return Err(ArgumentError::new("features", found, allowed));
        }
        if constraints.len() != d {
            let found = format!("a list of {}", constraints.len());
            let allowed = format!("one per feature, {d}");
            return Err(ArgumentError::new("constraints", found, allowed));
        }
        for (j, c) in constraints.iter().enumerate() {
            let good = interval(c).is_some_and(|(centre, radius)| {
                centre.is_finite()
                    && radius.is_finite()
                    && (radius > 0.0 || matches!(c, Constraint::Equal(_)))
            });
            if !good {
                let found = format!("{c:?} for feature {j}");
                let allowed = "an equality, or an interval of radius above 0, and finite";
                return Err(ArgumentError::new("constraints", found, allowed));
            }
        }
        Ok(Self {
            features,
            constraints,
        })
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.features.nrows()
    }

    /// The features, a row per state.
    pub fn features(&self) -> &DMatrix<f64> {
        &self.features
    }

    /// The constraints, one per feature.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// Whether all constraints are equalities, so that the set is a linear family.
    pub fn is_linear(&self) -> bool {
        let equal = |c: &Constraint| matches!(c, Constraint::Equal(_));
        self.constraints.iter().all(equal)
    }

    /// By how much the law misses its worst constraint; 0 in the set.
    ///
    /// # Errors
    /// If the law has another number of states, or a probability is negative or not finite.
    pub fn violation(&self, law: &[f64]) -> Result<f64, ArgumentError> {
        self.check("law", law)?;
        Ok(self.miss(law).0)
    }

    /// The I-projection of `q` to the set: its member `p*` of least `KL(p*‖q)`, `p* ∝ q e^{λ·f}`
    /// (Csiszár, *Ann. Probab.* 3, 1975). It is maximum entropy relative to `q`: [`MaximumEntropy`] says
    /// what it costs and how it is certified.
    ///
    /// `q` is divided by its sum; states where it is 0 keep probability 0.
    ///
    /// # Errors
    /// As [`MaximumEntropy::new`] and [`MaximumEntropy::solve`].
    pub fn project(&self, q: &[f64]) -> Result<MaximumEntropyLaw, MaximumEntropyError> {
        MaximumEntropy::new(self.features.clone(), q)?.solve(&self.constraints)
    }

    /// Pythagoras' theorem for a law `p` of the set, `q`, and the projection `p*` of `q`:
    /// `KL(p‖q) = KL(p‖p*) + KL(p*‖q)` for a linear family, `≥` for a convex set.
    ///
    /// # Errors
    /// As [`project`](Self::project), and if `p` misses the set by more than 1e-9 of the size of a
    /// feature, one of the two is no law, or `q` is 0 where `p` is not, so that all sides are infinite.
    pub fn pythagoras(&self, p: &[f64], q: &[f64]) -> Result<Pythagoras, MaximumEntropyError> {
        self.check("p", p)?;
        self.check("q", q)?;
        for (name, law) in [("p", p), ("q", q)] {
            let total = ergodic_math::reduce::sum(law);
            if (total - 1.0).abs() > 1e-9 {
                let found = format!("a list with sum {total}");
                return Err(ArgumentError::new(name, found, "a list with sum 1").into());
            }
        }
        let (miss, share) = self.miss(p);
        if share > 1e-9 {
            let found = format!("a law that misses a constraint by {miss:e}");
            return Err(ArgumentError::new("p", found, "in the set").into());
        }
        for k in 0..q.len() {
            let reached = q[k] > 0.0 || p[k] == 0.0;
            domain::require("q", q, k, reached, "above 0 where p is")?;
        }
        let star = self.project(q)?.probabilities;
        let kl = |p: &[f64], q: &[f64]| NegativeEntropy.divergence(p, q);
        Ok(Pythagoras {
            whole: kl(p, q),
            first: kl(p, &star),
            second: kl(&star, q),
        })
    }

    pub(crate) fn check(&self, argument: &'static str, law: &[f64]) -> Result<(), ArgumentError> {
        domain::finite(argument, law, self.states())?;
        for k in 0..law.len() {
            domain::require(argument, law, k, law[k] >= 0.0, "at least 0")?;
        }
        Ok(())
    }

    /// The means of the features.
    pub(crate) fn moments(&self, law: &[f64]) -> Vec<f64> {
        let columns = self.features.column_iter();
        columns.map(|f| dot(f.as_slice(), law)).collect()
    }

    /// By how much the means are outside at most, and at most beside the size of their feature.
    fn miss(&self, law: &[f64]) -> (f64, f64) {
        let moments = self.moments(law);
        let columns = self.features.column_iter();
        let mut worst = (0.0f64, 0.0f64);
        for ((m, c), feature) in moments.iter().zip(&self.constraints).zip(columns) {
            if let Some((centre, radius)) = interval(c) {
                let miss = (m - centre).abs() - radius;
                let size = extent((feature.min(), feature.max()));
                worst.0 = worst.0.max(miss);
                worst.1 = worst.1.max(miss / size.max(f64::MIN_POSITIVE));
            }
        }
        worst
    }
}

/// The middle and half the length of what a hard constraint allows.
pub(crate) fn interval(constraint: &Constraint) -> Option<(f64, f64)> {
    match constraint {
        Constraint::Equal(value) => Some((*value, 0.0)),
        Constraint::Within { centre, radius } => Some((*centre, *radius)),
        Constraint::Near { .. } => None,
    }
}

/// The M-projection of a law on finitely many points to a family.
#[derive(Clone, Debug, PartialEq)]
pub struct MomentProjection<F> {
    /// The member of least `KL(p‖p_θ)`: that with the mean statistics of `p`.
    pub member: Member<F>,
    /// `H(p) = −Σ p log p`, in nats, if all points differ: a point that is given twice counts as two.
    pub entropy: f64,
    /// `−Σ p log p_θ`, in nats.
    pub cross_entropy: f64,
}

impl<F> MomentProjection<F> {
    /// `KL(p‖p_θ)` in nats, if all points differ, for a family of laws of probabilities (of densities it has no meaning: a law
    /// on points is infinitely far from all of them).
    pub fn divergence(&self) -> f64 {
        (self.cross_entropy - self.entropy).max(0.0)
    }
}

/// The M-projection of a law, given as points with their weights, to a family: `argmin_θ KL(p‖p_θ)`, which
/// matches moments, `E_θ[T] = E_p[T]`.
///
/// Maximum likelihood, if the weights are those of a sample ([`Fit`](crate::Fit)); the points have to differ
/// for the entropy and the divergence, not for the member. To a flat sub-family:
/// of [`Subfamily`](crate::families::Subfamily). Weights are divided by their sum. Reference: Csiszár and
/// Matúš, *IEEE Trans. Inf. Theory* 49, 2003.
///
/// ```
/// use ergodic_expfam::{families::Poisson, moment_projection};
///
/// let projection = moment_projection(Poisson, [(0u64, 0.5), (4, 0.5)])?;
/// assert!((projection.member.mean()[0] - 2.0).abs() < 1e-15);
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
///
/// # Errors
/// If there is no point, a weight is negative or not finite, all are 0, a point of weight above 0 is
/// outside the support, or the means are on the boundary of the mean domain.
pub fn moment_projection<F, X>(
    family: F,
    law: impl IntoIterator<Item = (X, f64)>,
) -> Result<MomentProjection<F>, ArgumentError>
where
    F: ExponentialFamily,
    X: Borrow<F::Sample>,
{
    let dim = family.dim();
    let (mut t, mut mean) = (vec![0.0; dim], vec![0.0; dim]);
    let (mut total, mut base, mut weights) = (0.0, 0.0, Vec::new());
    for (index, (x, weight)) in law.into_iter().enumerate() {
        if !(weight >= 0.0 && weight.is_finite()) {
            let found = format!("a law with weight {weight} at point {index}");
            return Err(ArgumentError::new(
                "law",
                found,
                "finite and nowhere below 0",
            ));
        }
        if weight == 0.0 {
            continue;
        }
        let log_base = family.log_base_measure(x.borrow());
        if !log_base.is_finite() {
            let found = format!("outside the support at point {index}");
            return Err(ArgumentError::new("law", found, "in the family's support"));
        }
        family.sufficient_statistics(x.borrow(), &mut t);
        for (m, t) in mean.iter_mut().zip(&t) {
            *m += weight * t;
        }
        base += weight * log_base;
        total += weight;
        weights.push(weight);
    }
    if !(total > 0.0 && total.is_finite()) {
        let found = format!("a list of weights with sum {total}");
        return Err(ArgumentError::new("law", found, "of a sum above 0"));
    }
    for m in &mut mean {
        *m /= total;
    }
    let member = Member::from_mean(family, mean)?;
    let entropy = weights
        .iter()
        .map(|w| -(w / total) * Real::ln(w / total))
        .sum();
    let fitted = dot(member.natural(), member.mean());
    let cross_entropy = member.log_partition() - fitted - base / total;
    Ok(MomentProjection {
        member,
        entropy,
        cross_entropy,
    })
}

/// Pythagoras' theorem for the M-projection `p_θ` of a law `p` to a family, and any other member `p_φ`:
/// `KL(p‖p_φ) = KL(p‖p_θ) + KL(p_θ‖p_φ)`, here `whole`, `first` and `second`.
///
/// # Errors
/// As [`moment_projection`], and if `other` is outside the natural domain.
pub fn moment_pythagoras<F, X>(
    family: F,
    law: impl IntoIterator<Item = (X, f64)>,
    other: &[f64],
) -> Result<Pythagoras, ArgumentError>
where
    F: ExponentialFamily,
    X: Borrow<F::Sample>,
{
    let projection = moment_projection(family, law)?;
    let member = &projection.member;
    let family = member.family();
    domain::length("other", other, family.dim())?;
    // −Σ p log p_φ, by what p_θ and p_φ have in common.
    let shift = family.log_partition(other)? - member.log_partition();
    let tilt: f64 = (0..other.len())
        .map(|k| (other[k] - member.natural()[k]) * member.mean()[k])
        .sum();
    let first = projection.divergence();
    Ok(Pythagoras {
        whole: projection.cross_entropy + shift - tilt - projection.entropy,
        first,
        second: family.kl_divergence(member.natural(), other)?,
    })
}

impl<F: ExponentialFamily + Clone + PartialEq> Member<F> {
    /// The M-projection to the family of the mixture `Σ wᵢpᵢ` of members: of mean parameters `Σ wᵢμᵢ`. The
    /// weights are divided by their sum. (Its counterpart, the e-mixture, is
    /// [`product`](Self::product).)
    ///
    /// ```
    /// use ergodic_expfam::{Member, families::Normal};
    ///
    /// let member = |m: f64| Member::new(Normal, Normal::natural(m, 1.0)?);
    /// let both = Member::mixture(&[&member(-2.0)?, &member(2.0)?], &[1.0, 1.0])?;
    /// assert_eq!(both.mean(), [0.0, 5.0]); // variance 1 within, 4 between
    /// # Ok::<(), ergodic_core::ArgumentError>(())
    /// ```
    ///
    /// # Errors
    /// If there is no member, the numbers of weights and members differ, the families have unlike settings, a
    /// weight is negative or not finite, or all are 0.
    pub fn mixture(members: &[&Self], weights: &[f64]) -> Result<Self, ArgumentError> {
        let Some(first) = members.first() else {
            return Err(ArgumentError::new(
                "members",
                "empty",
                "at least one member",
            ));
        };
        domain::finite("weights", weights, members.len())?;
        for k in 0..weights.len() {
            domain::require("weights", weights, k, weights[k] >= 0.0, "at least 0")?;
        }
        let total: f64 = weights.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            let found = format!("a list with sum {total}");
            return Err(ArgumentError::new("weights", found, "of a sum above 0"));
        }
        let mut mean = vec![0.0; first.mean().len()];
        for (member, w) in members.iter().zip(weights) {
            first.same_family("members", member)?;
            for (sum, m) in mean.iter_mut().zip(member.mean()) {
                *sum += w / total * m;
            }
        }
        Self::from_mean(first.family().clone(), mean)
    }
}
