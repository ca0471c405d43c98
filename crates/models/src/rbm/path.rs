//! The path from the independent law of the base rates to a machine.

use std::sync::Arc;

use ergodic_core::{ArgumentError, Energy, Path, Randomness};
use ergodic_math::simd::{Vectorize, vectorize};

use super::{LANES, Rbm, RbmBlock, RbmTarget, Unit, base_rate_biases, dot_bits};

/// Base rates → RBM: `E_t(v, h) = − t (vᵀWh + c·h) − (t b + (1 − t) a)·v`.
///
/// At `t = 0` visible unit `i` is on with its base rate `σ(aᵢ)` and hidden units are fair coins,
/// `log Z₀ = Σᵢ log(1 + e^{aᵢ}) + H log 2`; at `t = 1` it is the machine. Starting from the base
/// rates of the data instead of the uniform law shortens the path (Salakhutdinov and Murray,
/// ICML 2008, section 4.1).
///
/// ```
/// use ergodic_core::Path;
/// use ergodic_models::rbm::{Rbm, RbmPath};
///
/// let rbm = Rbm::<f64>::zeros(4, 3).unwrap();
/// let path = RbmPath::new(&rbm, &[0.5; 4]).unwrap();
/// assert!((path.log_z_base() - 7.0 * 2f64.ln()).abs() < 1e-14);
/// ```
#[derive(Clone, Debug)]
pub struct RbmPath<'m, F> {
    rbm: &'m Rbm<F>,
    transposed: Arc<[F]>,
    base: Vec<F>,
    /// `σ(base)`.
    rates: Vec<F>,
    log_z_base: f64,
}

impl<'m, F: Unit> RbmPath<'m, F> {
    /// The path to `rbm` from independent visible units with the given rates.
    ///
    /// # Errors
    /// If there is not one rate per visible unit, each strictly between 0 and 1.
    pub fn new(rbm: &'m Rbm<F>, base_rates: &[f64]) -> Result<Self, ArgumentError> {
        if base_rates.len() != rbm.visible() {
            return Err(ArgumentError::new(
                "base_rates",
                format!("of length {}", base_rates.len()),
                format!("of length {}, one per visible unit", rbm.visible()),
            ));
        }
        let base: Vec<F> = base_rate_biases(base_rates)?
            .into_iter()
            .map(F::from_f64)
            .collect();
        let log_z_base = base
            .iter()
            .map(|a| ergodic_math::special::log1p_exp(a.to_f64()))
            .sum::<f64>()
            + rbm.hidden() as f64 * std::f64::consts::LN_2;
        Ok(Self {
            rbm,
            transposed: Arc::from(rbm.transposed_weights()),
            rates: base.iter().map(|a| a.sigmoid()).collect(),
            base,
            log_z_base,
        })
    }

    /// The machine at the end of the path.
    pub fn rbm(&self) -> &'m Rbm<F> {
        self.rbm
    }

    /// A bound, in nats, on what rounding in `F` can change in the log-weight of a run, for the
    /// states it visits: to be given away by a certificate.
    ///
    /// To first order in `ε`: the inputs `v·W` are off by at most `(V/32 + 12) ε Σᵢ|Wᵢⱼ|` and every
    /// increment of the work of unit `j` by `16 ε` of `Δt |yⱼ|`. Over a path from 0 to 1 the `Δt`
    /// add up to 1, so that sum is the same for every ladder. The visible part of the work and the
    /// running total of the weight are in `f64`: at most `V + rungs` roundings of what the path
    /// adds up to.
    pub fn rounding_allowance(&self, rungs: usize) -> f64 {
        let (inputs, outputs) = self.rounding();
        let in_f64 = (self.rbm.visible() + rungs) as f64 * 2.0 * (inputs.0 + outputs.0);
        F::EPSILON.to_f64() * inputs.0 * (inputs.1 + 16.0) + f64::EPSILON * in_f64
    }

    /// A bound on the probability that rounding in `F` ever changes a decision of `chains` chains
    /// over `rungs` steps each: to be given away from the confidence of a certificate.
    ///
    /// A chain of the machine's arithmetic and one of exact conditionals can share their uniforms;
    /// they part at a unit with probability `|p̂ − p| ≤ ¼ |δx| + 4 ε`, where `δx` is the error of
    /// the input of the unit. Until then both are the same chain, for which the certificate holds
    /// as it stands. In `f64` this is far below 1e-3 for every machine of practical size; in `f32`
    /// it exceeds 1 for long runs, which is why certificates are computed in `f64`.
    pub fn coverage_loss(&self, rungs: usize, chains: usize) -> f64 {
        let (hidden, visible) = self.rounding();
        let units = (self.rbm.visible() + self.rbm.hidden()) as f64;
        let step = 0.25 * (hidden.0 * hidden.1 + visible.0 * visible.1) + 4.0 * units;
        F::EPSILON.to_f64() * step * (rungs as f64 + 1.0) * chains as f64
    }

    /// Draws the rows of `visible` from the base rates.
    fn draw<R: Randomness + ?Sized>(&self, visible: &mut [u8], rng: &mut R) {
        for row in visible.chunks_exact_mut(self.rates.len()) {
            F::bernoulli_mask(rng, &self.rates, row);
        }
    }

    /// For the hidden and for the visible units: the sum over the units of the largest absolute
    /// input, and the number of roundings that an input takes.
    fn rounding(&self) -> ((f64, f64), (f64, f64)) {
        let (visible, hidden) = (self.rbm.visible(), self.rbm.hidden());
        let absolute = |x: &[F]| x.iter().map(|x| x.to_f64().abs()).sum::<f64>();
        let weights = absolute(self.rbm.weights());
        let larger_bias = |(a, b): (&F, &F)| a.abs().max(b.abs()).to_f64();
        let biases = self.base.iter().zip(self.rbm.visible_bias());
        let roundings = |inputs: usize| inputs as f64 / 32.0 + 12.0;
        (
            (
                weights + absolute(self.rbm.hidden_bias()),
                roundings(visible),
            ),
            (
                weights + biases.map(larger_bias).sum::<f64>(),
                roundings(hidden),
            ),
        )
    }
}

impl<'m, F: Unit> Path for RbmPath<'m, F> {
    type Target = RbmTarget<'m, F>;

    fn at(&self, t: f64) -> RbmTarget<'m, F> {
        let scale = F::from_f64(t);
        let rest = F::from_f64(1.0 - t);
        RbmTarget {
            rbm: self.rbm,
            transposed: Arc::clone(&self.transposed),
            scale,
            visible_bias: self
                .base
                .iter()
                .zip(self.rbm.visible_bias())
                .map(|(a, b)| rest * *a + scale * *b)
                .collect(),
        }
    }

    fn log_z_base(&self) -> f64 {
        self.log_z_base
    }

    fn sample_base<R: Randomness + ?Sized>(&self, chains: usize, rng: &mut R) -> RbmBlock<F> {
        let mut visible = vec![0u8; chains * self.base.len()];
        self.draw(&mut visible, rng);
        self.rbm.block_of_bits(visible)
    }

    fn sample_base_into<R: Randomness + ?Sized>(&self, block: &mut RbmBlock<F>, rng: &mut R) {
        block.visible.resize(block.chains * self.base.len(), 0);
        self.draw(&mut block.visible, rng);
        block.refresh(self.rbm);
    }

    /// The rounding error is a few `ε` of `Δt |y|` per hidden unit, not of its energies: see
    /// `WorkOfHidden`.
    fn work(
        &self,
        block: &<RbmTarget<'m, F> as Energy>::State,
        from: f64,
        to: f64,
        out: &mut [f64],
    ) {
        let (from, to, sign) = if from <= to {
            (from, to, 1.0)
        } else {
            (to, from, -1.0)
        };
        let difference = to - from;
        let rows = block.visible.chunks_exact(self.rbm.visible());
        let inputs = block.inputs.chunks_exact(self.rbm.hidden());
        for ((o, v), x) in out.iter_mut().zip(rows).zip(inputs) {
            let hidden = vectorize(WorkOfHidden {
                inputs: x,
                bias: self.rbm.hidden_bias(),
                from: F::from_f64(from),
                difference: F::from_f64(difference),
            });
            let visible = dot_bits(v, self.rbm.visible_bias()) - dot_bits(v, &self.base);
            *o = -sign * (difference * visible + hidden);
        }
    }
}

/// `Σⱼ [log(1 + e^{to·yⱼ}) − log(1 + e^{from·yⱼ})]` with `y = c + x` and `to = from + difference`.
///
/// With `s = |y|` and `u = log(1 + σ(−from·s)(e^{−difference·s} − 1)) ≤ 0` the summand is `u` where
/// `y < 0` and `difference·s + u` where `y ≥ 0`. Nothing cancels by more than a factor 2, so the
/// sum keeps relative accuracy even where the increment is tiny beside the energies.
///
/// A row of small increments takes `u = −2 artanh z` with
/// `z = q·tanh h/(1 − (1 − q) tanh² h)`, `h = difference·s/4`, `q = 2σ(−(from + difference/2)·s)`: the
/// same value, from `log(1 + eᵇ) − log(1 + eᵃ) = 2h + 2 artanh(tanh((a + b)/4)·tanh h)`, whose series
/// in `h` are short and leave one exponential instead of three.
struct WorkOfHidden<'a, F> {
    inputs: &'a [F],
    bias: &'a [F],
    from: F,
    difference: F,
}

impl<F: Unit> WorkOfHidden<'_, F> {
    #[inline(always)]
    fn term(&self, x: F, c: F) -> F {
        let y = x + c;
        let s = y.abs();
        let d = self.difference * s;
        let u = F::ln_1p((-(self.from * s)).sigmoid() * F::exp_m1(-d));
        if y < F::ZERO { u } else { d + u }
    }
}

impl<F: Unit> WorkOfHidden<'_, F> {
    /// [`term`](Self::term) for `h ≤ SMALL`. The first terms left out of the series, relative to
    /// the value: `17h⁶/315` of tanh, `h⁶` of the quotient, `h⁶/7` of artanh.
    #[inline(always)]
    fn small_term(&self, x: F, c: F) -> F {
        let constant = |x: f64| F::from_f64(x);
        let y = x + c;
        let s = y.abs();
        let d = self.difference * s;
        let h = constant(0.25) * d;
        let q = constant(2.0) * (-(self.from * s + constant(0.5) * d)).sigmoid();
        let square = h * h;
        let tanh = h - h * square * (constant(1.0 / 3.0) - constant(2.0 / 15.0) * square);
        let w = (F::ONE - q) * tanh * tanh;
        let z = q * tanh;
        let z = z + z * (w + w * w);
        let square = z * z;
        let artanh = z + z * square * (constant(1.0 / 3.0) + constant(0.2) * square);
        let u = constant(-2.0) * artanh;
        if y < F::ZERO { u } else { d + u }
    }

    /// The largest `h` for which the series are exact to the rounding of `F`: `h⁶` is `2⁻³⁶` in
    /// `f32` and `2⁻⁶⁰` in `f64`.
    fn largest_small() -> F {
        let single = F::from_f64(1.0 + 1e-12) == F::ONE;
        F::from_f64(if single { 1.0 / 64.0 } else { 1.0 / 1024.0 })
    }

    #[inline(always)]
    fn is_small(&self) -> bool {
        let mut lanes = [F::ZERO; 2 * LANES];
        let (xs, x_rest) = self.inputs.as_chunks::<{ 2 * LANES }>();
        let (cs, c_rest) = self.bias.as_chunks::<{ 2 * LANES }>();
        for (xs, cs) in xs.iter().zip(cs) {
            for ((l, x), c) in lanes.iter_mut().zip(xs).zip(cs) {
                *l = (*x + *c).abs().max(*l);
            }
        }
        for ((l, x), c) in lanes.iter_mut().zip(x_rest).zip(c_rest) {
            *l = (*x + *c).abs().max(*l);
        }
        let largest = lanes.iter().fold(F::ZERO, |m, l| m.max(*l));
        F::from_f64(0.25) * self.difference * largest <= Self::largest_small()
    }

    #[inline(always)]
    fn sum(&self, term: impl Fn(F, F) -> F) -> f64 {
        let mut lanes = [0.0; 2 * LANES];
        let (xs, x_rest) = self.inputs.as_chunks::<{ 2 * LANES }>();
        let (cs, c_rest) = self.bias.as_chunks::<{ 2 * LANES }>();
        for (xs, cs) in xs.iter().zip(cs) {
            for ((l, x), c) in lanes.iter_mut().zip(xs).zip(cs) {
                *l += term(*x, *c).to_f64();
            }
        }
        for ((l, x), c) in lanes.iter_mut().zip(x_rest).zip(c_rest) {
            *l += term(*x, *c).to_f64();
        }
        lanes.iter().sum()
    }
}

impl<F: Unit> Vectorize for WorkOfHidden<'_, F> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        if self.is_small() {
            self.sum(
                #[inline(always)]
                |x, c| self.small_term(x, c),
            )
        } else {
            self.sum(
                #[inline(always)]
                |x, c| self.term(x, c),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error of the short series relative to the general term in `f64`, over its bound:
    /// `2⁻ᵖ(24 + 2a)`, the roundings of some 24 operations and those of the argument `a` of a tail.
    fn worst<F: Unit>(unit: f64) -> f64 {
        let largest = WorkOfHidden::<F>::largest_small().to_f64();
        let mut worst = 0f64;
        for i in -400..=400 {
            let y = F::from_f64(f64::from(i) * 0.1371);
            for j in 0..=20 {
                let from = F::from_f64(f64::from(j) * 0.05);
                for k in 0..8 {
                    let h = largest * [1.0, 0.9, 0.5, 0.1, 1e-2, 1e-3, 1e-4, 1e-6][k];
                    let s = y.to_f64().abs().max(1.0);
                    let difference = F::from_f64(h * 4.0 / s);
                    let work = WorkOfHidden::<F> {
                        inputs: &[],
                        bias: &[],
                        from,
                        difference,
                    };
                    let exact = WorkOfHidden::<f64> {
                        inputs: &[],
                        bias: &[],
                        from: from.to_f64(),
                        difference: difference.to_f64(),
                    };
                    let truth = exact.term(y.to_f64(), 0.0);
                    let error = (work.small_term(y, F::ZERO).to_f64() - truth).abs();
                    let tail = (from.to_f64() + difference.to_f64()) * y.to_f64().abs();
                    let bound = unit * (24.0 + 2.0 * tail) * truth.abs();
                    if truth == 0.0 {
                        assert_eq!(error, 0.0);
                    } else {
                        worst = worst.max(error / bound);
                    }
                }
            }
        }
        worst
    }

    #[test]
    fn series_of_small_increments_keeps_relative_accuracy() {
        let single = worst::<f32>(1.0 / (1u64 << 24) as f64);
        let double = worst::<f64>(1.0 / (1u64 << 53) as f64);
        assert!(single <= 1.0, "{single}");
        assert!(double <= 1.0, "{double}");
    }
}
