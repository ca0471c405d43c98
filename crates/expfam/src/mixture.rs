//! Mixtures: the M-projection to the laws between given ones, and expectation–maximisation.

use std::borrow::Borrow;

use ergodic_core::{ArgumentError, ExponentialFamily};
use ergodic_info::InfoError;
use ergodic_math::Real;
use ergodic_math::special::log_sum_exp;
use nalgebra::DMatrix;

use crate::{Alternation, Fit, Member, alternate, domain};

/// The weights of a mixture, from [`mixture_weights`].
#[derive(Clone, Debug, PartialEq)]
pub struct MixtureWeights {
    /// One per component, of sum 1.
    pub weights: Vec<f64>,
    /// `Σ pᵢ log Σₖ wₖfₖ(xᵢ)`, in nats.
    pub log_likelihood: f64,
    /// No weights have a log-likelihood larger than by this, in nats.
    pub gap: f64,
    /// Iterations.
    pub iterations: usize,
}

/// The M-projection of a law `p` on points to the mixtures `Σ wₖfₖ` of given laws: the weights of largest
/// likelihood, from the logarithms of the densities, a row per point and a column per component.
///
/// Each iteration multiplies a weight by `Dₖ = Σ pᵢfₖ(xᵢ)/Σⱼwⱼfⱼ(xᵢ)`, an alternating projection. The problem is
/// concave, and `log maxₖ Dₖ` bounds what is left to gain, which certifies the result (Csiszár and
/// Tusnády, 1984; Cover, *IEEE Trans. Inf. Theory* 30, 1984). Convergence is slow, like `1/iterations`, where
/// weights go to 0. Cost per iteration: the size of the matrix.
///
/// ```
/// use ergodic_expfam::mixture_weights;
/// use nalgebra::DMatrix;
///
/// // Components that do not overlap: the shares of the points.
/// let logs = DMatrix::from_row_slice(2, 2, &[0.0, f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0]);
/// let mixture = mixture_weights(&logs, &[0.3, 0.7], 1e-12, 100)?;
/// assert!((mixture.weights[0] - 0.3).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
///
/// # Errors
/// If the matrix is empty, a logarithm is NaN or `+∞`, a point of weight above 0 has no density under any
/// component, `law` is not as long as there are rows or not of weights of a sum above 0, the tolerance is
/// not above 0, or [`InfoError::NotConverged`] with the gap if the iterations do not suffice.
pub fn mixture_weights(
    log_densities: &DMatrix<f64>,
    law: &[f64],
    tolerance: f64,
    iterations: usize,
) -> Result<MixtureWeights, InfoError> {
    domain::positive("tolerance", tolerance)?;
    let (n, k) = log_densities.shape();
    domain::finite("law", law, n)?;
    for i in 0..n {
        domain::require("law", law, i, law[i] >= 0.0, "at least 0")?;
    }
    let total: f64 = law.iter().sum();
    if k == 0 || !(total > 0.0 && total.is_finite()) {
        let found = format!("a list with sum {total}, for {k} components");
        return Err(ArgumentError::new("law", found, "of a sum above 0, for some").into());
    }
    // Densities relative to the largest at each point.
    let mut rows = Vec::new();
    let mut offset = 0.0;
    for i in (0..n).filter(|i| law[*i] > 0.0) {
        let row: Vec<f64> = log_densities.row(i).iter().copied().collect();
        let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if row.iter().any(|l| l.is_nan()) || !top.is_finite() {
            let found = format!("{row:?} at point {i}");
            let allowed = "finite or −∞, and finite for some component";
            return Err(ArgumentError::new("log_densities", found, allowed).into());
        }
        offset += law[i] / total * top;
        let densities: Vec<f64> = row.iter().map(|l| Real::exp(l - top)).collect();
        rows.push((law[i] / total, densities));
    }
    let mut weights = vec![1.0 / k as f64; k];
    let mut gap = f64::INFINITY;
    for iteration in 0..=iterations {
        let mut factors = vec![0.0; k];
        let mut log_likelihood = offset;
        for (p, densities) in &rows {
            let mixed = crate::member::dot(&weights, densities);
            log_likelihood += p * Real::ln(mixed);
            for (factor, f) in factors.iter_mut().zip(densities) {
                *factor += p * f / mixed;
            }
        }
        let largest = factors.iter().copied().fold(0.0, f64::max);
        gap = Real::ln(largest).max(0.0);
        if gap <= tolerance {
            return Ok(MixtureWeights {
                weights,
                log_likelihood,
                gap,
                iterations: iteration,
            });
        }
        for (w, factor) in weights.iter_mut().zip(&factors) {
            *w *= factor;
        }
        let sum: f64 = weights.iter().sum();
        for w in &mut weights {
            *w /= sum;
        }
    }
    Err(InfoError::NotConverged {
        quantity: "the weights of the mixture",
        gap,
        tolerance,
        iterations,
    })
}

/// A mixture of members of a family, fitted by [`Mixture::fit`].
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture<F> {
    /// One per component, of sum 1.
    pub weights: Vec<f64>,
    /// The components.
    pub members: Vec<Member<F>>,
    /// The mean log-likelihood per observation before each round, in nats, which never falls.
    pub log_likelihoods: Vec<f64>,
}

/// A mixture on the way.
type Model<F> = (Vec<f64>, Vec<Member<F>>);

impl<F: ExponentialFamily + Clone + PartialEq> Mixture<F> {
    /// Expectation–maximisation from a start: responsibilities by Bayes' rule, then weights and members by
    /// moment matching, until a round gains at most `tolerance` nats per observation.
    ///
    /// It is [`alternate`] between the laws of data and labels that have the sample as their marginal, and
    /// the model (Dempster, Laird and Rubin, *JRSS B* 39, 1977; Amari, *Neural Netw.* 8, 1995): the
    /// likelihood never falls, which is checked. It ends at a stationary point that depends on the start,
    /// not always the best; starts of equal members stay equal. Cost per round: a log density per
    /// observation and component.
    ///
    /// ```
    /// use ergodic_expfam::{Member, Mixture, families::Exponential};
    ///
    /// let start = [Member::new(Exponential, [-1.0])?, Member::new(Exponential, [-100.0])?];
    /// let data = [0.01, 0.02, 0.015, 3.0, 5.0];
    /// let fit = Mixture::fit(&data, &[0.5, 0.5], &start, 1e-12, 1000)?;
    /// assert!((fit.weights[0] - 0.4).abs() < 0.01); // two of the five are long
    /// assert!(fit.log_likelihoods.is_sorted());
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If the data are empty or an observation is outside the support or of no density under the start; if
    /// there is no member, the families have unlike settings, weights are not as many or not above 0; if a component runs off to where no
    /// member is (onto a single observation, say); [`InfoError::NotConverged`] if `rounds` do not suffice.
    pub fn fit<X: Borrow<F::Sample>>(
        data: &[X],
        weights: &[f64],
        start: &[Member<F>],
        tolerance: f64,
        rounds: usize,
    ) -> Result<Self, InfoError> {
        let Some(first) = start.first() else {
            return Err(ArgumentError::new("start", "empty", "at least one member").into());
        };
        for member in start {
            first.same_family("start", member)?;
        }
        domain::finite("weights", weights, start.len())?;
        for k in 0..weights.len() {
            domain::require("weights", weights, k, weights[k] > 0.0, "above 0")?;
        }
        let total: f64 = weights.iter().sum();
        if !total.is_finite() {
            let found = format!("a list with sum {total}");
            return Err(ArgumentError::new("weights", found, "of a finite sum").into());
        }
        let family = first.family().clone();
        let samples = data.iter().map(Borrow::borrow);
        Fit::of(&family, samples)?; // refuses what is outside the support
        let dim = family.dim();
        let mut statistics = DMatrix::zeros(dim, data.len());
        for (i, x) in data.iter().enumerate() {
            let mut column = statistics.column_mut(i);
            family.sufficient_statistics(x.borrow(), column.as_mut_slice());
        }
        let start: Model<F> = (weights.iter().map(|w| w / total).collect(), start.to_vec());
        let log_terms = |model: &Model<F>, i: usize| -> Vec<f64> {
            let terms = model.0.iter().zip(&model.1);
            terms
                .map(|(w, member)| Real::ln(*w) + member.log_density(data[i].borrow()))
                .collect()
        };
        let share = 1.0 / data.len() as f64;
        let mut log_likelihoods = Vec::new();
        let found: Alternation<DMatrix<f64>, Model<F>> = alternate(
            start,
            |model| {
                let mut responsibilities = DMatrix::zeros(model.0.len(), data.len());
                let mut likelihood = 0.0;
                for i in 0..data.len() {
                    let terms = log_terms(model, i);
                    let whole = log_sum_exp(&terms);
                    if !whole.is_finite() {
                        let found = format!("of log density {whole} at observation {i}");
                        return Err(ArgumentError::new("data", found, "of finite density").into());
                    }
                    likelihood += share * whole;
                    for (k, term) in terms.iter().enumerate() {
                        responsibilities[(k, i)] = Real::exp(term - whole);
                    }
                }
                log_likelihoods.push(likelihood);
                Ok(responsibilities)
            },
            |responsibilities| {
                let mut model = (Vec::new(), Vec::new());
                for row in responsibilities.row_iter() {
                    let count: f64 = row.iter().sum();
                    if count <= 0.0 {
                        let found = format!("a component {} without data", model.0.len());
                        let allowed = "such that all components keep some";
                        return Err(ArgumentError::new("start", found, allowed).into());
                    }
                    let mut mean = vec![0.0; dim];
                    for (i, r) in row.iter().enumerate() {
                        for (m, t) in mean.iter_mut().zip(statistics.column(i).iter()) {
                            *m += r / count * t;
                        }
                    }
                    model.0.push(count * share);
                    model.1.push(Member::from_mean(family.clone(), mean)?);
                }
                Ok(model)
            },
            |responsibilities, model| {
                let mut sum = 0.0;
                for i in 0..data.len() {
                    let terms = log_terms(model, i);
                    for (r, term) in responsibilities.column(i).iter().zip(&terms) {
                        if *r > 0.0 {
                            sum += share * r * (Real::ln(*r) - term);
                        }
                    }
                }
                sum
            },
            tolerance,
            rounds,
        )?;
        let (weights, members) = found.q;
        Ok(Self {
            weights,
            members,
            log_likelihoods,
        })
    }
}
