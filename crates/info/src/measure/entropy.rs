//! Entropies of a law, of a marginal of a table, and conditional ones.

use ergodic_math::Real;
use ergodic_math::reduce::two_sum;
use ergodic_math::simd::{Vectorize, vectorize};

use super::{Total, log_mean_exp, log_ratio, order_of, same_outcomes, total};
use crate::measure::divergence::Divergence;
use crate::{InfoError, Information, Probabilities, Quantity, Table, Variables};

/// A measure of the uncertainty of a law.
///
/// ```
/// use ergodic_info::{Entropy, Renyi, Shannon, Table, Tsallis};
///
/// let table = Table::new(&[("x", 2), ("y", 2)], [0.5, 0.0, 0.25, 0.25])?;
/// let (x, y) = (table.variables(["x"])?, table.variables(["y"])?);
/// assert!((Shannon.of(table.probabilities()).bits() - 1.5).abs() < 1e-15);
/// assert!((Shannon.joint(&table, x)?.bits() - 1.0).abs() < 1e-15);
/// assert!((Shannon.conditional(&table, y, x)?.bits() - 0.5).abs() < 1e-15);
/// let collision = Renyi::new(2.0)?.of(table.probabilities());
/// assert!((collision.nats() + 0.375f64.ln()).abs() < 1e-15);
/// assert!((Tsallis::new(2.0)?.of(table.probabilities()) - 0.625).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
pub trait Entropy {
    /// [`Information`], or a pure number where there is no logarithm.
    type Value: Quantity;

    /// The entropy of a law. Cost: one pass.
    fn of(&self, p: &Probabilities) -> Self::Value;

    /// The entropy of some variables of a table together; 0 of none.
    ///
    /// # Errors
    /// If a variable is not of the table.
    fn joint(&self, table: &Table, variables: Variables) -> Result<Self::Value, InfoError> {
        Ok(self.of(table.marginal(variables)?.probabilities()))
    }

    /// The entropy of `variables` that is left when `given` is known, as the type defines it.
    /// What is on both sides is known.
    ///
    /// # Errors
    /// If a variable is not of the table.
    fn conditional(
        &self,
        table: &Table,
        variables: Variables,
        given: Variables,
    ) -> Result<Self::Value, InfoError>;
}

/// Shannon's entropy `H = −Σ p log p`, in nats or bits.
///
/// Between 0 and `log K` on K outcomes. Conditional: `H(X|Y) = Σ_y p(y) H(X|Y = y)
/// = H(X, Y) − H(Y)`, as a sum of non-negative terms `p(x, y) log(p(y)/p(x, y))`: exactly 0 where
/// Y determines X.
///
/// Relative error a few ulp; O(K), vectorised. Shannon, *Bell Syst. Tech. J.* 27 (1948); Cover and
/// Thomas, *Elements of Information Theory* (2006), ch. 2.
///
/// Not for laws estimated from few observations: the value for the observed shares is biased
/// downward by about (K − 1)/(2N); the estimators of this crate correct it. Not comparable with
/// the differential entropy of a density, whose value depends on the unit of x.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shannon;

impl Entropy for Shannon {
    type Value = Information;

    fn of(&self, p: &Probabilities) -> Information {
        Information::from_nats(entropy_nats(p.as_slice()))
    }

    fn conditional(
        &self,
        table: &Table,
        variables: Variables,
        given: Variables,
    ) -> Result<Information, InfoError> {
        let rows = Rows::new(table, variables, given)?;
        let mut sum = Total::default();
        for row in rows.iter() {
            let mass = total(row.iter().copied());
            for p in row.iter().filter(|p| **p > 0.0 && **p < mass) {
                sum.add(p * log_ratio(mass, *p));
            }
        }
        Ok(Information::from_nats(sum.value()))
    }
}

/// `−Σ p log p` in nats, vectorised and compensated.
pub(crate) fn entropy_nats(p: &[f64]) -> f64 {
    vectorize(EntropySum(p))
}

struct EntropySum<'a>(&'a [f64]);

impl Vectorize for EntropySum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        const LANES: usize = 8;
        #[inline(always)]
        fn term(p: f64) -> f64 {
            let term = -p * Real::ln(p);
            if p > 0.0 { term } else { 0.0 }
        }
        let mut heads = [0.0; LANES];
        let mut tails = [0.0; LANES];
        let mut chunks = self.0.chunks_exact(LANES);
        for chunk in &mut chunks {
            for lane in 0..LANES {
                let (head, error) = two_sum(heads[lane], term(chunk[lane]));
                heads[lane] = head;
                tails[lane] += error;
            }
        }
        let (mut head, mut tail) = (0.0, 0.0);
        for (lane, rest) in heads.iter().zip(tails) {
            let (sum, error) = two_sum(head, *lane);
            head = sum;
            tail += error + rest;
        }
        for p in chunks.remainder() {
            let (sum, error) = two_sum(head, term(*p));
            head = sum;
            tail += error;
        }
        head + tail
    }
}

/// Rényi's entropy of order α, `H_α = log(Σ p^α)/(1 − α)`, `0 ≤ α ≤ ∞`, in nats or bits.
///
/// Its limits are the Hartley entropy (α = 0), Shannon's (α = 1) and the min-entropy (α = ∞); it
/// falls as α grows. Order 2 is the collision entropy.
///
/// Conditional, by Arimoto (1977): `α/(1 − α)·log Σ_y p(y) (Σ_x p(x|y)^α)^{1/α}`, the definition
/// under which conditioning never raises the entropy (Fehr and Berens, *IEEE Trans. Inf. Theory*
/// 60, 2014); there are others, and none has Shannon's chain rule.
///
/// Computed as `log1p(Σ p·expm1((α − 1) log p))/(1 − α)`: relative error of some 1e-15 near α = 1
/// as elsewhere. O(K). Rényi, *Proc. 4th Berkeley Symp.* 1 (1961).
///
/// Not where additivity over dependent parts is needed: only order 1 has a chain rule. Orders
/// below 1 weigh rare outcomes, which data determine poorly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Renyi {
    order: f64,
}

impl Renyi {
    /// The entropy of this order.
    ///
    /// # Errors
    /// If the order is negative or NaN.
    pub fn new(order: f64) -> Result<Self, InfoError> {
        Ok(Self {
            order: order_of(order)?,
        })
    }

    /// The order.
    pub const fn order(&self) -> f64 {
        self.order
    }

    fn nats(self, p: impl Iterator<Item = f64> + Clone) -> f64 {
        if self.order == 0.0 {
            return Real::ln(p.filter(|p| *p > 0.0).count() as f64);
        }
        if self.order == 1.0 {
            return total(p.filter(|p| *p > 0.0).map(|p| -p * Real::ln(p)));
        }
        if self.order == f64::INFINITY {
            return min_entropy_nats(p);
        }
        let power = self.order - 1.0;
        let terms = p.filter(|p| *p > 0.0).map(|p| (p, power * Real::ln(p)));
        // Orders so large that `power·log p` overflows have reached their limit.
        if terms.clone().any(|(_, t)| t == f64::NEG_INFINITY) {
            return min_entropy_nats(terms.map(|(p, _)| p));
        }
        positive_zero(-log_mean_exp(terms) / power)
    }
}

fn min_entropy_nats(p: impl Iterator<Item = f64>) -> f64 {
    positive_zero(-Real::ln(p.fold(0.0, |m: f64, p| m.max(p))))
}

/// `x`, without the sign of zero.
fn positive_zero(x: f64) -> f64 {
    x + 0.0
}

impl Entropy for Renyi {
    type Value = Information;

    fn of(&self, p: &Probabilities) -> Information {
        Information::from_nats(self.nats(p.as_slice().iter().copied()))
    }

    fn conditional(
        &self,
        table: &Table,
        variables: Variables,
        given: Variables,
    ) -> Result<Information, InfoError> {
        if self.order == 1.0 {
            return Shannon.conditional(table, variables, given);
        }
        let rows = Rows::new(table, variables, given)?;
        // p(y) and the entropy given y.
        let given: Vec<(f64, f64)> = rows
            .iter()
            .map(|row| {
                let mass = total(row.iter().copied());
                let law = row
                    .iter()
                    .map(move |p| if mass > 0.0 { p / mass } else { 0.0 });
                let entropy = if mass > 0.0 { self.nats(law) } else { 0.0 };
                (mass, entropy)
            })
            .collect();
        let factor = if self.order == f64::INFINITY {
            -1.0
        } else {
            (1.0 - self.order) / self.order
        };
        if factor == f64::INFINITY {
            return Ok(Information::from_nats(largest_entropy(&given)));
        }
        let nats = log_mean_exp(given.into_iter().map(|(p, h)| (p, factor * h))) / factor;
        Ok(Information::from_nats(positive_zero(nats)))
    }
}

/// The largest entropy of a row of positive mass.
fn largest_entropy(rows: &[(f64, f64)]) -> f64 {
    rows.iter()
        .filter(|(mass, _)| *mass > 0.0)
        .fold(0.0, |m: f64, (_, entropy)| m.max(*entropy))
}

/// Tsallis' entropy `S_q = (1 − Σ p^q)/(q − 1)`, `q ≥ 0` finite; a pure number, at q = 1
/// Shannon's entropy in nats.
///
/// Not additive: of independent X and Y, `S(X, Y) = S(X) + S(Y) + (1 − q) S(X) S(Y)`. Order 2 is
/// the Gini–Simpson index. Conditional, by Furuichi (*J. Math. Phys.* 47, 2006):
/// `S_q(X|Y) = Σ_y p(y)^q S_q(X|Y = y)`, for which the chain rule `S(X, Y) = S(Y) + S(X|Y)` holds.
///
/// Computed as `−Σ p·expm1((q − 1) log p)/(q − 1)`: relative error of some 1e-15 near q = 1 as
/// elsewhere. O(K). Havrda and Charvát, *Kybernetika* 3 (1967); Tsallis, *J. Stat. Phys.* 52
/// (1988).
///
/// Not an amount of information: it has no unit and no coding meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tsallis {
    order: f64,
}

impl Tsallis {
    /// The entropy of this order.
    ///
    /// # Errors
    /// If the order is negative or not finite.
    pub fn new(order: f64) -> Result<Self, InfoError> {
        if order >= 0.0 && order.is_finite() {
            Ok(Self { order })
        } else {
            Err(InfoError::argument("order", order, "at least 0 and finite"))
        }
    }

    /// The order.
    pub const fn order(&self) -> f64 {
        self.order
    }

    fn number(self, p: impl Iterator<Item = f64>) -> f64 {
        let power = self.order - 1.0;
        let p = p.filter(|p| *p > 0.0);
        positive_zero(if power == 0.0 {
            total(p.map(|p| -p * Real::ln(p)))
        } else {
            total(p.map(|p| {
                let t = power * Real::ln(p);
                // p^q − p; of the smallest p the factor would overflow, but not the product.
                let term = if t > 700.0 {
                    Real::exp(self.order * Real::ln(p)) - p
                } else {
                    p * Real::exp_m1(t)
                };
                -term / power
            }))
        })
    }
}

impl Entropy for Tsallis {
    type Value = f64;

    fn of(&self, p: &Probabilities) -> f64 {
        self.number(p.as_slice().iter().copied())
    }

    fn conditional(
        &self,
        table: &Table,
        variables: Variables,
        given: Variables,
    ) -> Result<f64, InfoError> {
        let rows = Rows::new(table, variables, given)?;
        Ok(total(rows.iter().filter_map(|row| {
            let mass = total(row.iter().copied());
            (mass > 0.0).then(|| {
                Real::exp(self.order * Real::ln(mass)) * self.number(row.iter().map(|p| p / mass))
            })
        })))
    }
}

/// The min-entropy `H_∞ = −log max p`, Rényi's of order ∞, in nats or bits.
///
/// `exp(−H_∞)` is the chance of guessing the outcome at once. Conditional:
/// `−log Σ_y max_x p(x, y)`, from the chance of guessing X having seen Y (König, Renner and
/// Schaffner, *IEEE Trans. Inf. Theory* 55, 2009).
///
/// Relative error 1 ulp unless the law is nearly certain; O(K). Not where the bulk of the law
/// matters: it sees one outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinEntropy;

impl Entropy for MinEntropy {
    type Value = Information;

    fn of(&self, p: &Probabilities) -> Information {
        Renyi {
            order: f64::INFINITY,
        }
        .of(p)
    }

    fn conditional(
        &self,
        table: &Table,
        variables: Variables,
        given: Variables,
    ) -> Result<Information, InfoError> {
        Renyi {
            order: f64::INFINITY,
        }
        .conditional(table, variables, given)
    }
}

/// The max-entropy `H_0 = log #{p > 0}` of Hartley, Rényi's of order 0, in nats or bits.
///
/// Conditional: the largest over the values of Y that occur, `max_y log #{x: p(x, y) > 0}`.
///
/// Exact to 1 ulp; O(K). Hartley, *Bell Syst. Tech. J.* 7 (1928). Not for laws from computation or
/// data: an outcome of probability 1e-300 counts as much as any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxEntropy;

impl Entropy for MaxEntropy {
    type Value = Information;

    fn of(&self, p: &Probabilities) -> Information {
        Renyi { order: 0.0 }.of(p)
    }

    fn conditional(
        &self,
        table: &Table,
        variables: Variables,
        given: Variables,
    ) -> Result<Information, InfoError> {
        Renyi { order: 0.0 }.conditional(table, variables, given)
    }
}

/// The cross entropy `H(P, Q) = −Σ p log q = H(P) + KL(P‖Q)`, in nats or bits: the mean length of
/// a code made for Q when P is true.
///
/// `∞` where P has an outcome that Q has not. Asked as a [`Divergence`], but it is none: of equal
/// laws it is their entropy. Relative error a few ulp; O(K). Cover and Thomas (2006), §5.4.
///
/// Not to compare laws P with each other; its part H(P) is theirs alone. For the excess use
/// [`KullbackLeibler`](crate::KullbackLeibler).
///
/// ```
/// use ergodic_info::{CrossEntropy, Divergence, Probabilities};
///
/// let p = Probabilities::new([0.5, 0.5])?;
/// let q = Probabilities::new([0.25, 0.75])?;
/// let bits = CrossEntropy.between(&p, &q)?.bits();
/// assert!((bits - (0.5 * 2.0 + 0.5 * (4.0f64 / 3.0).log2())).abs() < 1e-15);
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrossEntropy;

impl Divergence for CrossEntropy {
    type Value = Information;

    fn between(&self, p: &Probabilities, q: &Probabilities) -> Result<Information, InfoError> {
        same_outcomes(p, q)?;
        let pairs = p.as_slice().iter().zip(q.as_slice());
        let nats = total(pairs.filter(|(p, _)| **p > 0.0).map(|(p, q)| {
            if *q > 0.0 {
                -p * Real::ln(*q)
            } else {
                f64::INFINITY
            }
        }));
        Ok(Information::from_nats(nats))
    }
}

/// The joint masses of `variables` in a row for each value of `given`.
struct Rows {
    cells: Vec<f64>,
    columns: usize,
}

impl Rows {
    fn new(table: &Table, variables: Variables, given: Variables) -> Result<Self, InfoError> {
        table.check("variables", variables)?;
        table.check("given", given)?;
        let open = variables.without(given);
        Ok(Self {
            cells: table.grouped(&[given, open]),
            columns: table.size_of(open),
        })
    }

    fn iter(&self) -> std::slice::ChunksExact<'_, f64> {
        self.cells.chunks_exact(self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(values: &[f64]) -> Probabilities {
        Probabilities::from_weights(values).unwrap()
    }

    fn close(found: f64, expected: f64, relative: f64) {
        assert!(
            (found - expected).abs() <= relative * expected.abs(),
            "{found:e} is not {expected:e}"
        );
    }

    #[test]
    fn uniform_laws_have_the_logarithm_of_their_size_at_every_order() {
        for k in [1usize, 2, 3, 17, 1000] {
            let p = Probabilities::uniform(k).unwrap();
            let expected = (k as f64).ln();
            for order in [
                0.0,
                1e-12,
                0.3,
                1.0 - 1e-9,
                1.0,
                1.0 + 1e-9,
                2.0,
                50.0,
                1e9,
                1e308,
                f64::INFINITY,
            ] {
                let h = Renyi::new(order).unwrap().of(&p).nats();
                assert!((h - expected).abs() <= 4e-15 * expected, "{k} {order} {h}");
            }
            close(Shannon.of(&p).nats(), expected, 1e-15);
            close(MinEntropy.of(&p).nats(), expected, 1e-15);
            close(MaxEntropy.of(&p).nats(), expected, 1e-15);
            for order in [0.0f64, 0.5, 2.0, 3.0] {
                let expected = ((k as f64).powf(1.0 - order) - 1.0) / (1.0 - order);
                close(Tsallis::new(order).unwrap().of(&p), expected, 1e-14);
            }
        }
    }

    #[test]
    fn orders_near_one_follow_the_expansion_in_the_order() {
        // H_α = H − (α − 1)/2·Var(log p) + (α − 1)²/6·κ₃(log p)·(…): first order is enough at 1e-9.
        let p = law(&[0.5, 0.3, 0.2, 0.0, 1e-5]);
        let logs: Vec<(f64, f64)> = p
            .as_slice()
            .iter()
            .filter(|p| **p > 0.0)
            .map(|p| (*p, p.ln()))
            .collect();
        let mean: f64 = logs.iter().map(|(p, l)| p * l).sum();
        let square: f64 = logs.iter().map(|(p, l)| p * l * l).sum();
        let variance = square - mean * mean;
        for step in [1e-9, -1e-9, 1e-12, -1e-7] {
            let order = 1.0 + step;
            let step = order - 1.0;
            let h = Renyi::new(order).unwrap().of(&p).nats();
            close(h, -mean - 0.5 * step * variance, 3e-14);
            // S_q = −Σ p (log p + (q − 1)/2 log² p + …)
            let s = Tsallis::new(order).unwrap().of(&p);
            close(s, -mean - 0.5 * step * square, 3e-14);
        }
        close(Renyi::new(1.0).unwrap().of(&p).nats(), -mean, 1e-15);
        close(Tsallis::new(1.0).unwrap().of(&p), -mean, 1e-15);
    }

    #[test]
    fn certain_laws_have_exactly_no_entropy() {
        let p = law(&[0.0, 1.0, 0.0]);
        for order in [0.0, 0.5, 1.0, 2.0, 1e308, f64::INFINITY] {
            let h = Renyi::new(order).unwrap().of(&p).nats();
            assert!(h == 0.0 && h.is_sign_positive(), "{order} {h}");
            if order.is_finite() {
                let s = Tsallis::new(order).unwrap().of(&p);
                assert!(s == 0.0 && s.is_sign_positive(), "{order} {s}");
            }
        }
        assert_eq!(Shannon.of(&p).nats(), 0.0);
        assert!(Shannon.of(&p).nats().is_sign_positive());
    }

    #[test]
    fn tiny_probabilities_give_finite_entropies() {
        let p = law(&[1.0, 5e-324, 1e-310, 0.0]);
        for order in [0.0, 1e-300, 1e-3, 0.5, 1.0, 2.0, 1e308] {
            let h = Renyi::new(order).unwrap().of(&p).nats();
            assert!(h.is_finite() && h >= 0.0, "{order} {h}");
            let s = Tsallis::new(order).unwrap().of(&p);
            assert!(s.is_finite() && s >= 0.0, "{order} {s}");
        }
        // Three outcomes at an order that does not tell 5e-324 from 1.
        close(Renyi::new(1e-300).unwrap().of(&p).nats(), 3f64.ln(), 1e-13);
        // −ε log ε, from the rare outcomes alone.
        let expected = 1e-310 * 713.8 + 5e-324 * 744.44;
        close(Shannon.of(&p).nats(), expected, 1e-4);
    }

    #[test]
    fn hand_computed_values() {
        // Dyadic: H = 1.75 bits, collision −log(11/32).
        let p = law(&[4.0, 2.0, 1.0, 1.0]);
        close(Shannon.of(&p).bits(), 1.75, 1e-15);
        close(
            Renyi::new(2.0).unwrap().of(&p).nats(),
            (32f64 / 11.0).ln(),
            1e-15,
        );
        close(MinEntropy.of(&p).bits(), 1.0, 1e-15);
        close(MaxEntropy.of(&p).bits(), 2.0, 1e-15);
        close(Tsallis::new(2.0).unwrap().of(&p), 21.0 / 32.0, 1e-15);
        close(
            Tsallis::new(3.0).unwrap().of(&p),
            0.5 * (1.0 - 74.0 / 512.0),
            1e-15,
        );
        // Order ½: 2 log Σ √p = 2 log(½ + ½√2... ) with p = ½, ¼, ⅛, ⅛.
        let roots = 0.5f64.sqrt() + 0.5 + 2.0 * 0.125f64.sqrt();
        close(
            Renyi::new(0.5).unwrap().of(&p).nats(),
            2.0 * roots.ln(),
            1e-15,
        );
        // Zipf's law on 10,000 symbols.
        let zipf: Vec<f64> = (1..=10_000).map(|i| 1.0 / f64::from(i)).collect();
        close(Shannon.of(&law(&zipf)).nats(), 6.607285050255021, 1e-14);
    }

    #[test]
    fn conditional_entropies_of_a_function_are_exactly_zero() {
        // y = x mod 2, weights not dyadic.
        let mut weights = vec![0.0; 12];
        for (x, w) in [0.1, 0.7, 0.3, 0.2, 0.9, 1.1].into_iter().enumerate() {
            weights[x * 2 + x % 2] = w;
        }
        let table = Table::from_weights(&[("x", 6), ("y", 2)], weights).unwrap();
        let (x, y) = (Variables::from_bits(1), Variables::from_bits(2));
        assert_eq!(Shannon.conditional(&table, y, x).unwrap().nats(), 0.0);
        assert_eq!(MinEntropy.conditional(&table, y, x).unwrap().nats(), 0.0);
        assert_eq!(MaxEntropy.conditional(&table, y, x).unwrap().nats(), 0.0);
        for order in [0.0, 0.5, 2.0] {
            let h = Renyi::new(order)
                .unwrap()
                .conditional(&table, y, x)
                .unwrap();
            assert!(h.nats().abs() < 1e-15, "{order} {h}");
            let s = Tsallis::new(order)
                .unwrap()
                .conditional(&table, y, x)
                .unwrap();
            assert_eq!(s, 0.0);
        }
        let all = table.all();
        assert_eq!(Shannon.conditional(&table, all, all).unwrap().nats(), 0.0);
        let left = MaxEntropy.conditional(&table, x, y).unwrap();
        close(left.nats(), 3f64.ln(), 1e-15);
        // Guessing x from its parity: right with probability (0.9 + 1.1)/3.3.
        let guess = MinEntropy.conditional(&table, x, y).unwrap();
        close(guess.nats(), -(2.0f64 / 3.3).ln(), 1e-14);
    }

    #[test]
    fn bad_orders_and_sets_are_named() {
        for order in [-0.1, f64::NAN, f64::NEG_INFINITY] {
            assert!(
                Renyi::new(order)
                    .unwrap_err()
                    .to_string()
                    .starts_with("order")
            );
            assert!(Tsallis::new(order).is_err());
        }
        assert!(Tsallis::new(f64::INFINITY).is_err());
        let table = Table::new(&[("x", 1)], [1.0]).unwrap();
        let other = Variables::from_bits(2);
        let text = |e: InfoError| e.to_string();
        assert!(text(Shannon.joint(&table, other).unwrap_err()).starts_with("variables"));
        let given = Shannon.conditional(&table, table.all(), other).unwrap_err();
        assert!(text(given).starts_with("given"));
        let two = Probabilities::uniform(2).unwrap();
        let three = Probabilities::uniform(3).unwrap();
        assert!(text(CrossEntropy.between(&two, &three).unwrap_err()).starts_with("q "));
    }

    #[test]
    fn cross_entropy_is_infinite_where_a_code_word_is_missing() {
        let (p, q) = (law(&[0.5, 0.5, 0.0]), law(&[1.0, 0.0, 0.0]));
        assert_eq!(CrossEntropy.between(&p, &q).unwrap().nats(), f64::INFINITY);
        assert_eq!(CrossEntropy.between(&q, &p).unwrap().bits(), 1.0);
    }
}
