//! Closed forms for members of any exponential family, through its log-partition.

use ergodic_core::ExponentialFamily;
use ergodic_math::Real;
use ergodic_math::quadrature::gauss_legendre_on;
use ergodic_math::roots::{RootError, brent};

use crate::{InfoError, Information};

/// Below this many nats a divergence is summed from the Fisher information.
const CLOSE: f64 = 0.01;

/// The member `p_θ(x) = h(x) exp(θ·T(x) − A(θ))` of an exponential family, with `A(θ)` and
/// `μ = ∇A(θ)`.
///
/// Divergences need nothing but `A`: the base measure cancels. Entropies need the expectation of
/// `log h`, which the caller gives (0 for most discrete families on finite sets, `−½ log 2π` per
/// coordinate for a normal law whose `h` holds it); there is no way to it through `A` alone.
/// Nielsen and Nock, *IEEE Signal Process. Lett.* 20 (2013) and arXiv:1105.3259. The cost is a few
/// evaluations of `A` and `∇A`; the absolute error is that of `A`, except that small divergences are
/// summed from the Fisher information and keep their relative accuracy.
///
/// ```
/// use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
/// use ergodic_info::FamilyMember;
///
/// /// Exponential laws of rate −θ: T(x) = x, A(θ) = −log(−θ).
/// struct Waiting;
/// # impl Waiting { fn check(n: &[f64]) -> Result<f64, ArgumentError> {
/// #     if n[0] < 0.0 { Ok(-n[0]) } else { Err(ArgumentError::new("natural", n[0], "below 0")) } } }
/// impl ExponentialFamily for Waiting {
/// #   type Sample = f64;
/// #   fn dim(&self) -> usize { 1 }
/// #   fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) { out[0] = *x; }
/// #   fn log_base_measure(&self, _: &f64) -> f64 { 0.0 }
///     fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
///         Ok(-Self::check(natural)?.ln())
///     }
///     // …
/// #   fn mean_from_natural(&self, n: &[f64], m: &mut [f64]) -> Result<(), ArgumentError> {
/// #       m[0] = 1.0 / Self::check(n)?; Ok(()) }
/// #   fn natural_from_mean(&self, m: &[f64], n: &mut [f64]) -> Result<(), ArgumentError> {
/// #       n[0] = -1.0 / m[0]; Ok(()) }
/// #   fn fisher_information(&self, n: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
/// #       out[0] = Self::check(n)?.powi(-2); Ok(()) }
/// #   fn sample<R: Randomness + ?Sized>(&self, n: &[f64], r: &mut R) -> Result<f64, ArgumentError> {
/// #       Ok(r.exponential() / Self::check(n)?) }
/// }
/// let (p, q) = (FamilyMember::new(&Waiting, [-1.0])?, FamilyMember::new(&Waiting, [-2.0])?);
/// assert!((p.kullback_leibler(&q)?.nats() - (1.0 - 2f64.ln())).abs() < 1e-15);
/// assert!((p.entropy(0.0).nats() - 1.0).abs() < 1e-15);
/// assert_eq!(p.renyi_divergence(&q, 2.0)?.nats(), f64::INFINITY);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Debug)]
pub struct FamilyMember<'a, F: ?Sized> {
    family: &'a F,
    natural: Vec<f64>,
    mean: Vec<f64>,
    log_partition: f64,
}

impl<F: ?Sized> Clone for FamilyMember<'_, F> {
    fn clone(&self) -> Self {
        Self {
            family: self.family,
            natural: self.natural.clone(),
            mean: self.mean.clone(),
            log_partition: self.log_partition,
        }
    }
}

impl<'a, F: ExponentialFamily + ?Sized> FamilyMember<'a, F> {
    /// The member with these natural parameters.
    ///
    /// # Errors
    /// If their number is not that of the family, or they are outside its natural domain.
    pub fn new(family: &'a F, natural: impl Into<Vec<f64>>) -> Result<Self, InfoError> {
        let natural = natural.into();
        if natural.len() != family.dim() {
            return Err(InfoError::argument(
                "natural",
                format!("a list of {} parameters", natural.len()),
                format!("a list of {}, as the family has", family.dim()),
            ));
        }
        let log_partition = family.log_partition(&natural)?;
        let mut mean = vec![0.0; natural.len()];
        family.mean_from_natural(&natural, &mut mean)?;
        Ok(Self {
            family,
            natural,
            mean,
            log_partition,
        })
    }

    /// `θ`.
    pub fn natural(&self) -> &[f64] {
        &self.natural
    }

    /// `μ = E[T] = ∇A(θ)`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// `A(θ)`.
    pub fn log_partition(&self) -> f64 {
        self.log_partition
    }

    /// The entropy `A(θ) − θ·μ − E_p[log h]`; `expected_log_base` is `E_p[log h]`, which is `log h`
    /// itself where `h` is constant.
    ///
    /// For a continuous family it is relative to the measure that `h` is a density of.
    pub fn entropy(&self, expected_log_base: f64) -> Information {
        Information::from_nats(
            self.log_partition - dot(&self.natural, &self.mean) - expected_log_base,
        )
    }

    /// The Rényi entropy `H_α = [A(αθ) − α A(θ)]/(1 − α) − log h` of a family whose base measure `h`
    /// is constant, `log_base` being its logarithm; `α = 1` is [`entropy`](Self::entropy).
    ///
    /// Where `αθ` is outside the natural domain the integral of `p^α` diverges: `+∞` for `α < 1` (as
    /// of order 0 of a law on an unbounded set), `−∞` for `α > 1` (of an unbounded density).
    /// Computed as `H_1 + KL(p_θ‖p_{αθ})/(1 − α)`, by the Bregman divergence of `A`, which stays
    /// accurate near `α = 1`. Nielsen and Nock, arXiv:1105.3259, 2011. Not for a base measure that varies (Poisson, binomial): its power
    /// then stays in the integral, and there is no way to it through `A`.
    ///
    /// ```
    /// # use ergodic_core::{ArgumentError, ExponentialFamily, Randomness};
    /// # use ergodic_info::FamilyMember;
    /// # struct Coin;
    /// # impl ExponentialFamily for Coin {
    /// #   type Sample = bool;
    /// #   fn dim(&self) -> usize { 1 }
    /// #   fn sufficient_statistics(&self, x: &bool, out: &mut [f64]) { out[0] = f64::from(u8::from(*x)); }
    /// #   fn log_base_measure(&self, _: &bool) -> f64 { 0.0 }
    /// #   fn log_partition(&self, n: &[f64]) -> Result<f64, ArgumentError> { Ok(n[0].exp().ln_1p()) }
    /// #   fn mean_from_natural(&self, n: &[f64], m: &mut [f64]) -> Result<(), ArgumentError> {
    /// #       m[0] = 1.0 / (1.0 + (-n[0]).exp()); Ok(()) }
    /// #   fn natural_from_mean(&self, m: &[f64], n: &mut [f64]) -> Result<(), ArgumentError> {
    /// #       n[0] = (m[0] / (1.0 - m[0])).ln(); Ok(()) }
    /// #   fn fisher_information(&self, n: &[f64], out: &mut [f64]) -> Result<(), ArgumentError> {
    /// #       let p = 1.0 / (1.0 + (-n[0]).exp()); out[0] = p * (1.0 - p); Ok(()) }
    /// #   fn sample<R: Randomness + ?Sized>(&self, n: &[f64], r: &mut R) -> Result<bool, ArgumentError> {
    /// #       Ok(r.bernoulli(1.0 / (1.0 + (-n[0]).exp()))) }
    /// # }
    /// // A coin that shows heads with probability ¾: −log(¾² + ¼²).
    /// let coin = FamilyMember::new(&Coin, [3f64.ln()])?;
    /// assert!((coin.renyi_entropy(2.0, 0.0)?.nats() - 1.6f64.ln()).abs() < 1e-15);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    ///
    /// # Errors
    /// If the order is negative, infinite or NaN.
    pub fn renyi_entropy(&self, order: f64, log_base: f64) -> Result<Information, InfoError> {
        if !(order >= 0.0 && order.is_finite()) {
            return Err(InfoError::argument("order", order, "at least 0 and finite"));
        }
        if order == 1.0 {
            return Ok(self.entropy(log_base));
        }
        let scaled: Vec<f64> = self.natural.iter().map(|t| order * t).collect();
        let divergence = match Self::new(self.family, scaled) {
            // A(αθ) − αA(θ) = (1 − α)[A(θ) − θ·μ] + KL(p_θ‖p_{αθ}).
            Ok(scaled) if scaled.log_partition.is_finite() => self.divergence(&scaled)?,
            // The integral of p^α diverges.
            _ => f64::INFINITY,
        };
        Ok(self.entropy(log_base) + Information::from_nats(divergence / (1.0 - order)))
    }

    /// The cross entropy `−E_p[log q] = A(φ) − φ·μ − E_p[log h]`, `p` being `self` and `φ` the
    /// parameters of `q`.
    pub fn cross_entropy(&self, q: &Self, expected_log_base: f64) -> Information {
        Information::from_nats(q.log_partition - dot(&q.natural, &self.mean) - expected_log_base)
    }

    /// The Kullback–Leibler divergence `KL(p_θ‖p_φ) = A(φ) − A(θ) − μ·(φ − θ)`, the Bregman divergence
    /// of `A` from `φ` to `θ`.
    ///
    /// Where it is small the difference loses its digits, and
    /// `∫₀¹ (1 − t) δᵀ ∇²A(θ + tδ) δ dt`, `δ = φ − θ`, takes its place (16 Gauss nodes).
    ///
    /// # Errors
    /// What the family says of parameters between the two, which a convex domain contains.
    pub fn kullback_leibler(&self, q: &Self) -> Result<Information, InfoError> {
        Ok(Information::from_nats(self.divergence(q)?))
    }

    /// The Rényi divergence
    /// `D_α = [A(αθ + (1 − α)φ) − α A(θ) − (1 − α) A(φ)]/(α − 1)`, infinite where
    /// `αθ + (1 − α)φ` is outside the natural domain, which can be only for `α > 1`.
    ///
    /// `α = 1` is the Kullback–Leibler divergence and `α = 0` is 0, as all members have one
    /// support. With `m` the member at `αθ + (1 − α)φ` it is computed as
    /// `KL(m‖q) + α/(1 − α) KL(m‖p)`, which stays accurate near `α = 1`. Only finite orders:
    /// the limit `α → ∞` needs the support of `T`, not `A`.
    ///
    /// # Errors
    /// If the order is negative, infinite or NaN.
    pub fn renyi_divergence(&self, q: &Self, order: f64) -> Result<Information, InfoError> {
        if !(order >= 0.0 && order.is_finite()) {
            return Err(InfoError::argument("order", order, "at least 0 and finite"));
        }
        if order == 0.0 {
            return Ok(Information::ZERO);
        }
        if order == 1.0 {
            return self.kullback_leibler(q);
        }
        let Ok(between) = self.mixed(q, order) else {
            if order < 1.0 {
                // A convex domain holds it; the family says why not.
                self.mixed(q, order)?;
            }
            return Ok(Information::from_nats(f64::INFINITY));
        };
        let ratio = order / (1.0 - order);
        let nats = between.divergence(q)? + ratio * between.divergence(self)?;
        Ok(Information::from_nats(nats.max(0.0)))
    }

    /// The Chernoff information `max_α −log ∫ p^α q^{1−α}` over `0 < α < 1`: the best exponent of the
    /// Bayes error between the two from independent observations (Cover and Thomas, theorem
    /// 11.9.1); symmetric.
    ///
    /// At the best `α` the member in between is equally far from both,
    /// `KL(m‖p) = KL(m‖q)`, and that is the value (Nielsen, *IEEE Signal Process. Lett.* 20, 2013);
    /// `α` is found by bisection and interpolation.
    ///
    /// # Errors
    /// As [`kullback_leibler`](Self::kullback_leibler).
    pub fn chernoff_information(&self, q: &Self) -> Result<Information, InfoError> {
        if self.natural == q.natural {
            return Ok(Information::ZERO);
        }
        let gap = |order: f64| -> Result<(f64, f64), InfoError> {
            let between = self.mixed(q, order)?;
            Ok((between.divergence(self)?, between.divergence(q)?))
        };
        let mut failure = None;
        let root = brent(
            |order| match gap(order) {
                Ok((to_p, to_q)) => to_p - to_q,
                Err(error) => {
                    failure = Some(error);
                    f64::NAN
                }
            },
            0.0,
            1.0,
            0.0,
        );
        if let Some(error) = failure {
            return Err(error);
        }
        match root {
            Ok(root) => {
                let (to_p, to_q) = gap(root.x)?;
                Ok(Information::from_nats(0.5 * (to_p + to_q)))
            }
            // Laws so close that both divergences round to 0.
            Err(RootError::NoSignChange { values, .. }) => Ok(Information::from_nats(
                0.25 * values.0.abs().min(values.1.abs()),
            )),
            Err(error) => Err(InfoError::argument(
                "q",
                format!("a law for which {error}"),
                "a law at a finite divergence",
            )),
        }
    }

    /// The Bhattacharyya distance `−log ∫ √(p q) = ½ A(θ) + ½ A(φ) − A((θ + φ)/2)`; symmetric.
    ///
    /// # Errors
    /// As [`kullback_leibler`](Self::kullback_leibler).
    pub fn bhattacharyya(&self, q: &Self) -> Result<Information, InfoError> {
        Ok(self.renyi_divergence(q, 0.5)? * 0.5)
    }

    /// The squared Hellinger distance `1 − ∫ √(p q)`, in `[0, 1]`; symmetric.
    ///
    /// # Errors
    /// As [`kullback_leibler`](Self::kullback_leibler).
    pub fn squared_hellinger(&self, q: &Self) -> Result<f64, InfoError> {
        Ok(-Real::exp_m1(-self.bhattacharyya(q)?.nats()))
    }

    /// The member at `αθ + (1 − α)φ`.
    fn mixed(&self, q: &Self, order: f64) -> Result<Self, InfoError> {
        let natural: Vec<f64> = self
            .natural
            .iter()
            .zip(&q.natural)
            .map(|(p, q)| q + order * (p - q))
            .collect();
        let member = Self::new(self.family, natural)?;
        if member.log_partition.is_finite() {
            Ok(member)
        } else {
            Err(InfoError::argument(
                "natural",
                format!("a point with log-partition {}", member.log_partition),
                "where the log-partition is finite",
            ))
        }
    }

    fn divergence(&self, q: &Self) -> Result<f64, InfoError> {
        if self.natural == q.natural {
            return Ok(0.0);
        }
        let plain = self.family.kl_divergence(&self.natural, &q.natural)?;
        let slope: f64 = self
            .mean
            .iter()
            .zip(q.natural.iter().zip(&self.natural))
            .map(|(m, (b, a))| (m * (b - a)).abs())
            .sum();
        let scale = self.log_partition.abs() + q.log_partition.abs() + slope;
        if plain >= CLOSE || 8.0 * f64::EPSILON * scale < 1e-12 * plain {
            return Ok(plain);
        }
        let dim = self.natural.len();
        let delta: Vec<f64> = q
            .natural
            .iter()
            .zip(&self.natural)
            .map(|(b, a)| b - a)
            .collect();
        let rule = gauss_legendre_on(16, 0.0, 1.0)
            .map_err(|e| InfoError::argument("nodes", e, "a rule of 16 nodes"))?;
        let (mut at, mut fisher) = (vec![0.0; dim], vec![0.0; dim * dim]);
        let mut sum = 0.0;
        for (t, weight) in rule.iter() {
            for ((x, a), d) in at.iter_mut().zip(&self.natural).zip(&delta) {
                *x = a + t * d;
            }
            self.family.fisher_information(&at, &mut fisher)?;
            let square: f64 = fisher
                .chunks_exact(dim)
                .zip(&delta)
                .map(|(row, d)| d * dot(row, &delta))
                .sum();
            sum += weight * (1.0 - t) * square;
        }
        Ok(sum.max(0.0))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ergodic_core::{ArgumentError, Randomness};

    /// Laws on `0..=K` with `T = (1[x = 1], …, 1[x = K])`.
    struct Categorical(usize);

    impl Categorical {
        fn law(&self, natural: &[f64]) -> Vec<f64> {
            let a = self.log_partition(natural).unwrap();
            std::iter::once(0.0)
                .chain(natural.iter().copied())
                .map(|t| (t - a).exp())
                .collect()
        }
    }

    impl ExponentialFamily for Categorical {
        type Sample = usize;
        fn dim(&self) -> usize {
            self.0
        }
        fn sufficient_statistics(&self, x: &usize, out: &mut [f64]) {
            out.fill(0.0);
            if *x > 0 {
                out[x - 1] = 1.0;
            }
        }
        fn log_base_measure(&self, _: &usize) -> f64 {
            0.0
        }
        fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
            let all: Vec<f64> = std::iter::once(0.0)
                .chain(natural.iter().copied())
                .collect();
            Ok(ergodic_math::special::log_sum_exp(&all))
        }
        fn mean_from_natural(
            &self,
            natural: &[f64],
            mean: &mut [f64],
        ) -> Result<(), ArgumentError> {
            mean.copy_from_slice(&self.law(natural)[1..]);
            Ok(())
        }
        fn natural_from_mean(
            &self,
            mean: &[f64],
            natural: &mut [f64],
        ) -> Result<(), ArgumentError> {
            let rest = 1.0 - mean.iter().sum::<f64>();
            for (n, m) in natural.iter_mut().zip(mean) {
                *n = (m / rest).ln();
            }
            Ok(())
        }
        fn fisher_information(
            &self,
            natural: &[f64],
            out: &mut [f64],
        ) -> Result<(), ArgumentError> {
            let p = self.law(natural);
            for i in 0..self.0 {
                for j in 0..self.0 {
                    out[i * self.0 + j] = if i == j { p[i + 1] } else { 0.0 } - p[i + 1] * p[j + 1];
                }
            }
            Ok(())
        }
        fn sample<R: Randomness + ?Sized>(
            &self,
            natural: &[f64],
            rng: &mut R,
        ) -> Result<usize, ArgumentError> {
            Ok(rng.categorical(&self.law(natural)))
        }
    }

    /// Normal laws on the line: `T = (x, x²)`, `h = 1/√(2π)`.
    struct Normal;

    impl Normal {
        fn natural(mean: f64, variance: f64) -> [f64; 2] {
            [mean / variance, -0.5 / variance]
        }
        fn variance(natural: &[f64]) -> Result<f64, ArgumentError> {
            if natural[1] < 0.0 {
                Ok(-0.5 / natural[1])
            } else {
                Err(ArgumentError::new("natural", natural[1], "below 0"))
            }
        }
    }

    impl ExponentialFamily for Normal {
        type Sample = f64;
        fn dim(&self) -> usize {
            2
        }
        fn sufficient_statistics(&self, x: &f64, out: &mut [f64]) {
            out.copy_from_slice(&[*x, x * x]);
        }
        fn log_base_measure(&self, _: &f64) -> f64 {
            -0.5 * (2.0 * std::f64::consts::PI).ln()
        }
        fn log_partition(&self, natural: &[f64]) -> Result<f64, ArgumentError> {
            let v = Self::variance(natural)?;
            Ok(0.5 * natural[0] * natural[0] * v + 0.5 * v.ln())
        }
        fn mean_from_natural(
            &self,
            natural: &[f64],
            mean: &mut [f64],
        ) -> Result<(), ArgumentError> {
            let v = Self::variance(natural)?;
            let m = natural[0] * v;
            mean.copy_from_slice(&[m, m * m + v]);
            Ok(())
        }
        fn natural_from_mean(
            &self,
            mean: &[f64],
            natural: &mut [f64],
        ) -> Result<(), ArgumentError> {
            natural.copy_from_slice(&Self::natural(mean[0], mean[1] - mean[0] * mean[0]));
            Ok(())
        }
        fn fisher_information(
            &self,
            natural: &[f64],
            out: &mut [f64],
        ) -> Result<(), ArgumentError> {
            let v = Self::variance(natural)?;
            let m = natural[0] * v;
            out.copy_from_slice(&[v, 2.0 * m * v, 2.0 * m * v, 4.0 * m * m * v + 2.0 * v * v]);
            Ok(())
        }
        fn sample<R: Randomness + ?Sized>(
            &self,
            natural: &[f64],
            rng: &mut R,
        ) -> Result<f64, ArgumentError> {
            let v = Self::variance(natural)?;
            Ok(natural[0] * v + v.sqrt() * rng.normal())
        }
    }

    fn close(found: f64, exact: f64) {
        assert!(
            (found - exact).abs() <= 1e-14 * exact.abs().max(1.0),
            "{found} is not {exact}"
        );
    }

    #[test]
    fn categorical_members_have_the_values_of_their_tables() {
        let family = Categorical(2);
        let of = |p: [f64; 3]| {
            FamilyMember::new(&family, [(p[1] / p[0]).ln(), (p[2] / p[0]).ln()]).unwrap()
        };
        let (p, q) = (of([0.5, 0.3, 0.2]), of([0.2, 0.3, 0.5]));
        close(p.kullback_leibler(&q).unwrap().nats(), 0.27488721956224654);
        close(
            p.renyi_divergence(&q, 2.0).unwrap().nats(),
            0.488580014818671,
        );
        close(
            p.renyi_divergence(&q, 0.5).unwrap().nats(),
            0.13986763085675327,
        );
        close(
            p.chernoff_information(&q).unwrap().nats(),
            0.06993381542837664,
        );
        close(p.squared_hellinger(&q).unwrap(), 0.06754446796632418);
        let entropy: f64 = [0.5, 0.3, 0.2].iter().map(|p: &f64| -p * p.ln()).sum();
        close(p.entropy(0.0).nats(), entropy);
        close(
            p.cross_entropy(&q, 0.0).nats(),
            entropy + 0.27488721956224654,
        );
        for order in [0.0, 0.3, 2.0, 9.0] {
            let table = crate::Probabilities::new([0.5, 0.3, 0.2]).unwrap();
            let exact = crate::Entropy::of(&crate::Renyi::new(order).unwrap(), &table);
            close(p.renyi_entropy(order, 0.0).unwrap().nats(), exact.nats());
        }
        assert_eq!(p.renyi_divergence(&q, 0.0).unwrap().nats(), 0.0);
        assert_eq!(p.chernoff_information(&p).unwrap().nats(), 0.0);
    }

    #[test]
    fn chernoff_information_is_the_largest_of_its_exponents_and_symmetric() {
        let family = Categorical(3);
        for k in 0..30 {
            let t = f64::from(k);
            let p = FamilyMember::new(&family, [t.sin(), t.cos(), 0.1 * t]).unwrap();
            let q = FamilyMember::new(&family, [0.3, -t.sin(), 1.0]).unwrap();
            let best = p.chernoff_information(&q).unwrap().nats();
            let (a, b) = (family.law(&p.natural), family.law(&q.natural));
            for i in 1..200 {
                let s = f64::from(i) / 200.0;
                let sum: f64 = a
                    .iter()
                    .zip(&b)
                    .map(|(a, b)| a.powf(s) * b.powf(1.0 - s))
                    .sum();
                assert!(-sum.ln() <= best + 1e-14, "{s}");
            }
            let other = q.chernoff_information(&p).unwrap().nats();
            assert!((best - other).abs() < 1e-14);
            let (kl, bhattacharyya) = (
                p.kullback_leibler(&q).unwrap().nats(),
                p.bhattacharyya(&q).unwrap().nats(),
            );
            assert!(bhattacharyya <= best + 1e-15 && best <= kl);
        }
    }

    #[test]
    fn normal_members_agree_with_their_closed_forms_and_know_their_domain() {
        let of = |m, v| FamilyMember::new(&Normal, Normal::natural(m, v)).unwrap();
        let (p, q) = (of(0.0, 1.0), of(1.0, 4.0));
        close(p.kullback_leibler(&q).unwrap().nats(), 0.4431471805599453);
        close(
            p.renyi_divergence(&q, 2.0).unwrap().nats(),
            0.5561964294493768,
        );
        close(p.squared_hellinger(&q).unwrap(), 0.1491945378473598);
        let log_base = Normal.log_base_measure(&0.0);
        close(p.entropy(log_base).nats(), 1.4189385332046727);
        close(
            p.renyi_entropy(2.0, log_base).unwrap().nats(),
            1.2655121234846454,
        );
        close(
            p.renyi_entropy(0.5, log_base).unwrap().nats(),
            1.612085713764618,
        );
        let gaussian = crate::gaussian::Gaussian::new([1.0], [4.0]).unwrap();
        for order in [0.01, 0.999_999_9, 1.0, 1.000_000_1, 7.0] {
            let exact = gaussian.renyi_entropy(order).unwrap().nats();
            close(q.renyi_entropy(order, log_base).unwrap().nats(), exact);
        }
        // The volume of the line.
        let volume = p.renyi_entropy(0.0, log_base).unwrap();
        assert_eq!(volume.nats(), f64::INFINITY);
        // α·4… the other way: Σ* = α − 4(α − 1) vanishes at 4/3.
        assert!(q.renyi_divergence(&p, 1.3).unwrap().nats().is_finite());
        assert_eq!(q.renyi_divergence(&p, 1.4).unwrap().nats(), f64::INFINITY);
        for order in [0.3, 0.999_999_9, 1.000_000_1, 2.5] {
            let exact = crate::gaussian::Gaussian::new([0.0], [1.0])
                .unwrap()
                .renyi_divergence(
                    &crate::gaussian::Gaussian::new([1.0], [4.0]).unwrap(),
                    order,
                )
                .unwrap();
            close(p.renyi_divergence(&q, order).unwrap().nats(), exact.nats());
        }
    }

    #[test]
    fn near_equal_members_keep_their_digits() {
        let of = |m, v| FamilyMember::new(&Normal, Normal::natural(m, v)).unwrap();
        for shift in [1e-3, 1e-6, 1e-9] {
            let d = of(100.0, 1.0)
                .kullback_leibler(&of(100.0 + shift, 1.0))
                .unwrap()
                .nats();
            // The mean moved by the rounding of 100 + shift.
            let moved = 100.0 + shift - 100.0;
            let exact = 0.5 * moved * moved;
            assert!((d / exact - 1.0).abs() < 1e-9, "{shift}: {d:e}");
        }
    }

    #[test]
    fn bad_members_name_their_argument() {
        assert!(FamilyMember::new(&Normal, [1.0]).is_err());
        assert!(FamilyMember::new(&Normal, [0.0, 1.0]).is_err());
        let p = FamilyMember::new(&Normal, [0.0, -0.5]).unwrap();
        for order in [-0.5, f64::NAN, f64::INFINITY] {
            assert!(p.renyi_divergence(&p, order).is_err());
            assert!(p.renyi_entropy(order, 0.0).is_err());
        }
    }
}
