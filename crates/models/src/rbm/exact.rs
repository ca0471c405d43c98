//! Exact log Z, moments and gradients of small machines by enumerating the smaller layer.

use ergodic_core::ArgumentError;
use ergodic_math::Real;
use ergodic_math::simd::{Vectorize, vectorize};
use ergodic_math::special::log_sum_exp;
use rayon::prelude::*;

use super::{Rbm, Unit};

/// The largest smaller layer that [`Rbm::log_z_exact`] enumerates.
pub const MAX_ENUMERATED: usize = 30;

/// States enumerated from one fresh start: bounds the drift of the running sums, and is the unit
/// of parallel work, so that results do not depend on threads.
const CHUNK_BITS: usize = 12;

/// Exact first and second moments of a machine, the model side of the log-likelihood gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactMoments {
    /// `log Z`.
    pub log_z: f64,
    /// `⟨vᵢ⟩`.
    pub visible: Vec<f64>,
    /// `⟨hⱼ⟩`.
    pub hidden: Vec<f64>,
    /// `⟨vᵢ hⱼ⟩`, row-major `visible × hidden`.
    pub products: Vec<f64>,
    /// The entropy of the visible marginal, in nats.
    pub visible_entropy: f64,
}

/// A machine seen from its smaller layer, in `f64`: `n` enumerated units with biases `a`, `m`
/// summed units with biases `c`, couplings `w` (`n × m`, row-major).
struct Enumerated {
    n: usize,
    m: usize,
    a: Vec<f64>,
    c: Vec<f64>,
    w: Vec<f64>,
}

impl<F: Unit> Rbm<F> {
    /// `log Z`, exact up to rounding ([`log_z_exact_error`](Self::log_z_exact_error)), by enumerating the smaller
    /// layer with a Gray code and summing the other layer out:
    /// `Z = Σ_s e^{a·s} Πⱼ (1 + e^{cⱼ + s·Wⱼ})`.
    ///
    /// Cost `2ⁿ m` exponentials with `n = min(V, H)`, spread over the threads of the current
    /// rayon pool; the same bits for any number of them.
    ///
    /// # Errors
    /// If the smaller layer has more than [`MAX_ENUMERATED`] units.
    pub fn log_z_exact(&self) -> Result<f64, ArgumentError> {
        let n = self.visible.min(self.hidden);
        if n > MAX_ENUMERATED {
            return Err(ArgumentError::new(
                "min(visible, hidden)",
                n,
                format!("at most {MAX_ENUMERATED} to be enumerated"),
            ));
        }
        Ok(self.smaller_layer().log_z())
    }

    /// A bound on the rounding error of [`log_z_exact`](Self::log_z_exact), whose value was
    /// `log_z`.
    ///
    /// With `Aⱼ = |cⱼ| + Σᵢ |Wᵢⱼ|` for the `m` summed units and `n` enumerated ones of biases `a`: the
    /// running inputs and biases take at most `4096 + n` roundings of values up to `Aⱼ` and `Σ|a|`
    /// from one fresh start to the next, and `log(1 + eˣ)` is 1-Lipschitz; each term adds
    /// `m/8 + 16` sums and `4 m` roundings of the product; the sum of terms and its logarithm are
    /// good to `64 ε` and two roundings.
    pub fn log_z_exact_error(&self, log_z: f64) -> f64 {
        let e = self.smaller_layer();
        let inputs: f64 = e.c.iter().chain(&e.w).map(|x| x.abs()).sum();
        let biases: f64 = e.a.iter().map(|x| x.abs()).sum();
        let running = 0.5 * ((1 << CHUNK_BITS) + e.n) as f64;
        let m = e.m as f64;
        f64::EPSILON
            * ((running + m / 8.0 + 16.0) * inputs
                + running * biases
                + 4.0 * m
                + 64.0
                + 2.0 * log_z.abs())
    }

    fn smaller_layer(&self) -> Enumerated {
        let f = |x: &[F]| x.iter().map(|x| x.to_f64()).collect::<Vec<_>>();
        if self.visible <= self.hidden {
            Enumerated {
                n: self.visible,
                m: self.hidden,
                a: f(self.visible_bias()),
                c: f(self.hidden_bias()),
                w: f(self.weights()),
            }
        } else {
            Enumerated {
                n: self.hidden,
                m: self.visible,
                a: f(self.hidden_bias()),
                c: f(self.visible_bias()),
                w: f(&self.transposed_weights()),
            }
        }
    }

    /// The exact mean log-likelihood of `rows` (row-major, one byte per visible unit), in nats.
    ///
    /// # Errors
    /// If the smaller layer is too large, or there are no rows.
    pub fn mean_log_likelihood_exact(&self, rows: &[u8]) -> Result<f64, ArgumentError> {
        self.check_rows(rows)?;
        let log_z = self.log_z_exact()?;
        let mut f = vec![0.0; rows.len() / self.visible];
        self.free_energies(rows, &mut f);
        Ok(-f.iter().sum::<f64>() / f.len() as f64 - log_z)
    }

    /// Exact moments by enumerating all visible configurations: for tests and for exact training
    /// of toy machines. Cost `2^V V H`.
    ///
    /// # Errors
    /// If there are more than 20 visible units.
    pub fn exact_moments(&self) -> Result<ExactMoments, ArgumentError> {
        if self.visible > 20 {
            return Err(ArgumentError::new("visible", self.visible, "at most 20"));
        }
        let (visible, hidden) = (self.visible, self.hidden);
        let log_z = if visible.min(hidden) <= MAX_ENUMERATED {
            self.smaller_layer().log_z()
        } else {
            unreachable!("visible <= 20 <= MAX_ENUMERATED")
        };
        let mut moments = ExactMoments {
            log_z,
            visible: vec![0.0; visible],
            hidden: vec![0.0; hidden],
            products: vec![0.0; visible * hidden],
            visible_entropy: 0.0,
        };
        let mut v = vec![0u8; visible];
        for s in 0..1usize << visible {
            for (i, v) in v.iter_mut().enumerate() {
                *v = (s >> i & 1) as u8;
            }
            let log_p = -self.free_energy(&v) - log_z;
            let p = Real::exp(log_p);
            moments.visible_entropy -= p * log_p;
            let q = self.hidden_probabilities(&v);
            for (m, q) in moments.hidden.iter_mut().zip(&q) {
                *m += p * q;
            }
            for (i, _) in v.iter().enumerate().filter(|(_, v)| **v == 1) {
                moments.visible[i] += p;
                for (m, q) in moments.products[i * hidden..].iter_mut().zip(&q) {
                    *m += p * q;
                }
            }
        }
        Ok(moments)
    }

    /// The exact gradient of the mean log-likelihood of `rows` in the layout of
    /// [`Rbm::parameters`]: `⟨·⟩_data − ⟨·⟩_model`.
    ///
    /// # Errors
    /// As [`exact_moments`](Self::exact_moments), and if there are no rows.
    pub fn log_likelihood_gradient_exact(&self, rows: &[u8]) -> Result<Vec<f64>, ArgumentError> {
        let model = self.exact_moments()?;
        self.check_rows(rows)?;
        let mut gradient: Vec<f64> = model
            .products
            .iter()
            .chain(&model.visible)
            .chain(&model.hidden)
            .map(|m| -m)
            .collect();
        let (visible, hidden) = (self.visible, self.hidden);
        let weight = visible as f64 / rows.len() as f64;
        for v in rows.chunks_exact(visible) {
            let q = self.hidden_probabilities(v);
            for (i, _) in v.iter().enumerate().filter(|(_, v)| **v == 1) {
                gradient[visible * hidden + i] += weight;
                for (g, q) in gradient[i * hidden..(i + 1) * hidden].iter_mut().zip(&q) {
                    *g += weight * q;
                }
            }
            for (g, q) in gradient[visible * (hidden + 1)..].iter_mut().zip(&q) {
                *g += weight * q;
            }
        }
        Ok(gradient)
    }
}

impl Enumerated {
    fn log_z(&self) -> f64 {
        let chunk_bits = CHUNK_BITS.min(self.n);
        let chunks: Vec<f64> = (0..1u64 << (self.n - chunk_bits))
            .into_par_iter()
            .map(|chunk| self.chunk(chunk << chunk_bits, 1 << chunk_bits))
            .collect();
        log_sum_exp(&chunks)
    }

    /// `log Σ` over the Gray codes of ranks `first..first + count`.
    fn chunk(&self, first: u64, count: u64) -> f64 {
        let start = first ^ (first >> 1);
        let mut bias = 0.0;
        let mut inputs = self.c.clone();
        for i in (0..self.n).filter(|i| start >> i & 1 == 1) {
            bias += self.a[i];
            for (x, w) in inputs.iter_mut().zip(&self.w[i * self.m..]) {
                *x += w;
            }
        }
        let mut terms = Vec::with_capacity(count as usize);
        let mut state = start;
        for rank in first..first + count {
            if rank > first {
                let i = rank.trailing_zeros() as usize;
                state ^= 1 << i;
                let sign = if state >> i & 1 == 1 { 1.0 } else { -1.0 };
                bias += sign * self.a[i];
                vectorize(AddScaled(
                    &mut inputs,
                    &self.w[i * self.m..(i + 1) * self.m],
                    sign,
                ));
            }
            terms.push(bias + vectorize(LogProduct(&inputs)));
        }
        log_sum_exp(&terms)
    }
}

struct AddScaled<'a>(&'a mut [f64], &'a [f64], f64);
impl Vectorize for AddScaled<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (x, w) in self.0.iter_mut().zip(self.1) {
            *x += self.2 * w;
        }
    }
}

/// `Σ log(1 + eˣ) = Σ max(x, 0) + log Π (1 + e^{−|x|})`: one logarithm per 512 factors, each of
/// which is at most 2, so that no product overflows.
struct LogProduct<'a>(&'a [f64]);
impl Vectorize for LogProduct<'_> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        const LANES: usize = 8;
        let mut positive = [0.0; LANES];
        let mut logs = 0.0;
        for block in self.0.chunks(512 * LANES) {
            let mut product = [1.0f64; LANES];
            for xs in block.chunks(LANES) {
                for ((q, s), &x) in product.iter_mut().zip(&mut positive).zip(xs) {
                    *s += Real::max(x, 0.0);
                    *q *= 1.0 + Real::exp(-x.abs());
                }
            }
            logs += product.iter().map(|q| Real::ln(*q)).sum::<f64>();
        }
        positive.iter().sum::<f64>() + logs
    }
}
