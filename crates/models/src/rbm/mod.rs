//! The Bernoulli–Bernoulli restricted Boltzmann machine.
//!
//! Visible units `v ∈ {0,1}^V` and hidden units `h ∈ {0,1}^H` with energy
//!
//! ```text
//! E(v, h) = − vᵀ W h − b·v − c·h,     π(v, h) = exp(−E(v, h)) / Z
//! ```
//!
//! (Smolensky 1986; Hinton, *Neural Computation* 14, 2002). The hidden units can be summed out:
//! the visible marginal is `exp(−F(v))/Z` with the free energy
//! `F(v) = − b·v − Σⱼ log(1 + exp(cⱼ + Σᵢ vᵢ Wᵢⱼ))`, and both conditionals factorise, which is
//! what makes block Gibbs sampling fast.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod.rs` | [`Rbm`]: parameters, energies, conditionals, pseudo-likelihood |
//! | `gibbs.rs` | [`RbmBlock`], [`RbmTarget`], [`BlockGibbs`]: many chains at once |
//! | `exact.rs` | exact log Z, moments and gradients by enumeration |
//! | `path.rs` | [`RbmPath`] from base rates to the machine, for AIS and RAISE |
//! | `data.rs` | [`Data`]: binary rows or probabilities |
//! | `settings.rs` | [`TrainSettings`] and what they are made of |
//! | `train.rs` | [`Trainer`]: CD and PCD |
//! | `likelihood.rs` | log Z and likelihoods of large machines, with certificates |
//! | `file.rs` | safetensors models and checkpoints |
//!
//! ```
//! use ergodic_models::rbm::Rbm;
//!
//! let rbm = Rbm::<f64>::zeros(3, 2).unwrap();
//! // With all parameters zero every one of the 2⁵ states has energy 0.
//! assert!((rbm.log_z_exact().unwrap() - 5.0 * 2f64.ln()).abs() < 1e-14);
//! assert!((rbm.free_energy(&[1, 0, 1]) + 2.0 * 2f64.ln()).abs() < 1e-14);
//! ```

use ergodic_core::{ArgumentError, Energy, Randomness};
use ergodic_math::simd::{Vectorize, vectorize};
use ergodic_math::{Real, rng};

mod data;
mod exact;
mod file;
mod gibbs;
mod likelihood;
mod path;
mod settings;
mod train;

pub use data::Data;
pub use exact::{ExactMoments, MAX_ENUMERATED};
pub use file::{FileError, write_atomically};
pub use gibbs::{BlockGibbs, BlockGibbsState, RbmBlock, RbmChain, RbmTarget};
pub use path::RbmPath;
pub use settings::{Algorithm, OptimizerKind, Sparsity, TrainSettings};
pub use train::{EpochReport, StopReason, Trainer};

/// The stream of [`Rbm::from_base_rates`].
const WEIGHTS: u64 = 0x93 << 48;

/// A floating-point type whose Bernoulli units can be drawn in bulk: `f32` or `f64`.
pub trait Unit: Real {
    /// `out[i] = 1` with probability `p[i]`, through the bulk form of [`Randomness`] for this type.
    fn bernoulli_mask<R: Randomness + ?Sized>(rng: &mut R, p: &[Self], out: &mut [u8]);
    /// The name of the type in files: `F32` or `F64`.
    const NAME: &'static str;
}

impl Unit for f32 {
    const NAME: &'static str = "F32";
    fn bernoulli_mask<R: Randomness + ?Sized>(rng: &mut R, p: &[f32], out: &mut [u8]) {
        rng.bernoulli_mask_f32(p, out);
    }
}

impl Unit for f64 {
    const NAME: &'static str = "F64";
    fn bernoulli_mask<R: Randomness + ?Sized>(rng: &mut R, p: &[f64], out: &mut [u8]) {
        rng.bernoulli_mask(p, out);
    }
}

/// A Bernoulli–Bernoulli RBM with parameters of type `F` (`f32` by default).
///
/// Parameters are one flat slice, `W` row-major (`visible × hidden`), then `b`, then `c`, so that
/// an optimiser sees one vector. Energies are `f64` whatever `F` is. As an [`Energy`] its state is
/// one visible configuration and its energy the free energy `F(v)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rbm<F = f32> {
    visible: usize,
    hidden: usize,
    parameters: Vec<F>,
}

/// The number of parameters of a `visible × hidden` machine, or an error that names the side.
fn parameter_count(visible: usize, hidden: usize) -> Result<usize, ArgumentError> {
    for (name, n) in [("visible", visible), ("hidden", hidden)] {
        if n == 0 || n > 1 << 24 {
            return Err(ArgumentError::new(name, n, "between 1 and 2^24"));
        }
    }
    Ok(visible * hidden + visible + hidden)
}

impl<F: Unit> Rbm<F> {
    /// A machine with all parameters zero: the uniform law.
    ///
    /// # Errors
    /// If `visible` or `hidden` is 0 or above 2²⁴.
    pub fn zeros(visible: usize, hidden: usize) -> Result<Self, ArgumentError> {
        let n = parameter_count(visible, hidden)?;
        Ok(Self {
            visible,
            hidden,
            parameters: vec![F::ZERO; n],
        })
    }

    /// A machine from its flat parameters: `W` row-major, `b`, `c`.
    ///
    /// # Errors
    /// If the number of parameters is not `visible·hidden + visible + hidden`, or one of them is
    /// not finite.
    pub fn from_parameters(
        visible: usize,
        hidden: usize,
        parameters: Vec<F>,
    ) -> Result<Self, ArgumentError> {
        let n = parameter_count(visible, hidden)?;
        if parameters.len() != n {
            return Err(ArgumentError::new(
                "parameters",
                format!("of length {}", parameters.len()),
                format!("of length {n} for {visible} visible and {hidden} hidden units"),
            ));
        }
        if let Some(i) = parameters.iter().position(|p| !p.is_finite()) {
            return Err(ArgumentError::new(
                "parameters",
                format!("{} at index {i}", parameters[i]),
                "finite",
            ));
        }
        Ok(Self {
            visible,
            hidden,
            parameters,
        })
    }

    /// A machine to start training from: `b = logit(rates)`, `W ~ N(0, weight_std²)`, `c = 0`.
    /// With `weight_std = 0` it is the independent law of the base rates.
    ///
    /// Base-rate biases after Hinton, *A Practical Guide to Training RBMs*, 2010, section 8.
    ///
    /// # Errors
    /// If a rate is not strictly between 0 and 1, `weight_std` is negative, not finite or beyond
    /// the range of `F`, or a size is 0 or above 2²⁴.
    pub fn from_base_rates(
        rates: &[f64],
        hidden: usize,
        weight_std: f64,
        seed: u64,
    ) -> Result<Self, ArgumentError> {
        let mut rbm = Self::zeros(rates.len(), hidden)?;
        if !(weight_std >= 0.0 && weight_std.is_finite()) {
            return Err(ArgumentError::new(
                "weight_std",
                weight_std,
                "finite and at least 0",
            ));
        }
        for (b, rate) in rbm
            .visible_bias_mut()
            .iter_mut()
            .zip(base_rate_biases(rates)?)
        {
            *b = F::from_f64(rate);
        }
        let mut generator = rng::stream(seed, WEIGHTS);
        for w in rbm.weights_mut() {
            *w = F::from_f64(weight_std * Randomness::normal(&mut generator));
        }
        if rbm.weights().iter().any(|w| !w.is_finite()) {
            return Err(ArgumentError::new(
                "weight_std",
                weight_std,
                "small enough for weights in the precision of the parameters",
            ));
        }
        Ok(rbm)
    }

    /// The number of visible units `V`.
    pub fn visible(&self) -> usize {
        self.visible
    }

    /// The number of hidden units `H`.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// All parameters: `W` row-major, `b`, `c`.
    pub fn parameters(&self) -> &[F] {
        &self.parameters
    }

    /// All parameters, to be changed in place. Finite values are the caller's responsibility.
    pub fn parameters_mut(&mut self) -> &mut [F] {
        &mut self.parameters
    }

    /// `W`, row-major `visible × hidden`.
    pub fn weights(&self) -> &[F] {
        &self.parameters[..self.visible * self.hidden]
    }

    /// `W`, to be changed in place.
    pub fn weights_mut(&mut self) -> &mut [F] {
        &mut self.parameters[..self.visible * self.hidden]
    }

    /// `b`, the biases of the visible units.
    pub fn visible_bias(&self) -> &[F] {
        &self.parameters[self.visible * self.hidden..][..self.visible]
    }

    /// `b`, to be changed in place.
    pub fn visible_bias_mut(&mut self) -> &mut [F] {
        let at = self.visible * self.hidden;
        &mut self.parameters[at..at + self.visible]
    }

    /// `c`, the biases of the hidden units.
    pub fn hidden_bias(&self) -> &[F] {
        &self.parameters[self.visible * (self.hidden + 1)..]
    }

    /// `c`, to be changed in place.
    pub fn hidden_bias_mut(&mut self) -> &mut [F] {
        let at = self.visible * (self.hidden + 1);
        &mut self.parameters[at..]
    }

    /// The same machine in `f64`. The parameters are exact, so it has the same density; rounding
    /// of everything computed from it is smaller by nine digits.
    pub fn to_f64(&self) -> Rbm<f64> {
        Rbm {
            visible: self.visible,
            hidden: self.hidden,
            parameters: self.parameters.iter().map(|p| p.to_f64()).collect(),
        }
    }

    /// `E(v, h) = − vᵀWh − b·v − c·h`, summed in `f64`.
    ///
    /// # Panics
    /// If a length does not match.
    pub fn joint_energy(&self, v: &[u8], h: &[u8]) -> f64 {
        assert_eq!((v.len(), h.len()), (self.visible, self.hidden), "state");
        let mut sum = 0.0;
        for (i, _) in v.iter().enumerate().filter(|(_, v)| **v == 1) {
            sum += self.visible_bias()[i].to_f64();
            let row = &self.weights()[i * self.hidden..(i + 1) * self.hidden];
            sum += row
                .iter()
                .zip(h)
                .map(|(w, &h)| w.to_f64() * f64::from(h))
                .sum::<f64>();
        }
        let hidden: f64 = self
            .hidden_bias()
            .iter()
            .zip(h)
            .map(|(c, &h)| c.to_f64() * f64::from(h))
            .sum();
        -(sum + hidden)
    }

    /// `cⱼ + Σᵢ vᵢ Wᵢⱼ` in `f64`, into `out` of length `hidden`.
    fn hidden_inputs(&self, v: &[u8], out: &mut [f64]) {
        for (o, c) in out.iter_mut().zip(self.hidden_bias()) {
            *o = c.to_f64();
        }
        for (row, _) in self
            .weights()
            .chunks_exact(self.hidden)
            .zip(v)
            .filter(|(_, v)| **v == 1)
        {
            for (o, w) in out.iter_mut().zip(row) {
                *o += w.to_f64();
            }
        }
    }

    /// `F(v) = −log Σ_h exp(−E(v, h))`, in `f64`; cost `O(V H)`.
    ///
    /// # Panics
    /// If `v` does not have one entry per visible unit.
    pub fn free_energy(&self, v: &[u8]) -> f64 {
        let mut out = [0.0];
        self.free_energies(v, &mut out);
        out[0]
    }

    /// `F` of each row of `rows` (row-major, one byte per visible unit) into `out`.
    ///
    /// # Panics
    /// If `rows.len() != out.len() * visible`.
    pub fn free_energies(&self, rows: &[u8], out: &mut [f64]) {
        assert_eq!(rows.len(), out.len() * self.visible, "rows");
        let mut inputs = vec![0.0; self.hidden];
        for (o, v) in out.iter_mut().zip(rows.chunks_exact(self.visible)) {
            self.hidden_inputs(v, &mut inputs);
            let bias: f64 = dot_bits(v, self.visible_bias());
            *o = -bias - vectorize(SumLog1pExp(&inputs));
        }
    }

    /// `P(hⱼ = 1 | v) = σ(cⱼ + Σᵢ vᵢ Wᵢⱼ)`, in `f64`.
    ///
    /// # Panics
    /// If `v` does not have one entry per visible unit.
    pub fn hidden_probabilities(&self, v: &[u8]) -> Vec<f64> {
        assert_eq!(v.len(), self.visible, "v");
        let mut p = vec![0.0; self.hidden];
        self.hidden_inputs(v, &mut p);
        for p in &mut p {
            *p = p.sigmoid();
        }
        p
    }

    /// `P(vᵢ = 1 | h) = σ(bᵢ + Σⱼ Wᵢⱼ hⱼ)`, in `f64`.
    ///
    /// # Panics
    /// If `h` does not have one entry per hidden unit.
    pub fn visible_probabilities(&self, h: &[u8]) -> Vec<f64> {
        assert_eq!(h.len(), self.hidden, "h");
        self.weights()
            .chunks_exact(self.hidden)
            .zip(self.visible_bias())
            .map(|(row, b)| (b.to_f64() + dot_bits(h, row)).sigmoid())
            .collect()
    }

    /// Checks that `rows` are whole rows of visible units, at least one.
    fn check_rows(&self, rows: &[u8]) -> Result<(), ArgumentError> {
        if rows.is_empty() || !rows.len().is_multiple_of(self.visible) {
            return Err(ArgumentError::new(
                "rows",
                format!("of length {}", rows.len()),
                format!("a positive multiple of {} visible units", self.visible),
            ));
        }
        Ok(())
    }

    /// The mean over `rows` of `Σᵢ log P(vᵢ | v₋ᵢ)`, every pixel counted (no sampling); cost
    /// `O(V H)` per row.
    ///
    /// Flipping pixel `i` changes the hidden inputs by `±Wᵢ`, so
    /// `log P(vᵢ | v₋ᵢ) = −log(1 + exp(F(v) − F(v with i flipped)))`. Besag, *The Statistician*
    /// 24, 1975.
    ///
    /// # Errors
    /// If there are no rows, or the length is not a multiple of the number of visible units.
    pub fn pseudo_log_likelihood(&self, rows: &[u8]) -> Result<f64, ArgumentError> {
        self.check_rows(rows)?;
        let mut inputs = vec![0.0; self.hidden];
        let mut total = 0.0;
        for v in rows.chunks_exact(self.visible) {
            self.hidden_inputs(v, &mut inputs);
            let here = vectorize(SumLog1pExp(&inputs));
            for (i, &bit) in v.iter().enumerate() {
                let row = &self.weights()[i * self.hidden..(i + 1) * self.hidden];
                let sign = if bit == 1 { -1.0 } else { 1.0 };
                let flipped = vectorize(SumLog1pExpShifted(&inputs, row, sign));
                // log π(flipped)/π(v)
                let odds = sign * self.visible_bias()[i].to_f64() + flipped - here;
                total -= odds.log1p_exp();
            }
        }
        Ok(total / (rows.len() / self.visible) as f64)
    }
}

impl<F: Unit> Energy for Rbm<F> {
    type State = [u8];
    fn energy(&self, v: &[u8]) -> f64 {
        self.free_energy(v)
    }
}

/// `log(rate / (1 − rate))` of every rate.
pub(crate) fn base_rate_biases(rates: &[f64]) -> Result<Vec<f64>, ArgumentError> {
    if let Some(i) = rates.iter().position(|r| !(*r > 0.0 && *r < 1.0)) {
        return Err(ArgumentError::new(
            "rates",
            format!("{} at index {i}", rates[i]),
            "strictly between 0 and 1",
        ));
    }
    Ok(rates.iter().map(|r| Real::ln(r / (1.0 - r))).collect())
}

/// `Σᵢ vᵢ wᵢ` in `f64`.
fn dot_bits<F: Real>(v: &[u8], w: &[F]) -> f64 {
    vectorize(DotBits(v, w))
}

struct DotBits<'a, F>(&'a [u8], &'a [F]);
impl<F: Real> Vectorize for DotBits<'_, F> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0; 2 * LANES];
        let (vs, v_rest) = self.0.as_chunks::<{ 2 * LANES }>();
        let (ws, w_rest) = self.1.as_chunks::<{ 2 * LANES }>();
        for (v, w) in vs.iter().zip(ws) {
            for ((l, v), w) in lanes.iter_mut().zip(v).zip(w) {
                *l += f64::from(*v) * w.to_f64();
            }
        }
        for ((l, v), w) in lanes.iter_mut().zip(v_rest).zip(w_rest) {
            *l += f64::from(*v) * w.to_f64();
        }
        lanes.iter().sum()
    }
}

/// Lanes of the fixed summation order: the same at every SIMD level.
const LANES: usize = 8;

/// `Σⱼ log(1 + exp(xⱼ))`.
struct SumLog1pExp<'a>(&'a [f64]);
impl Vectorize for SumLog1pExp<'_> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0; LANES];
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        for chunk in chunks {
            for (l, x) in lanes.iter_mut().zip(chunk) {
                *l += x.log1p_exp();
            }
        }
        for (l, x) in lanes.iter_mut().zip(rest) {
            *l += x.log1p_exp();
        }
        lanes.iter().sum()
    }
}

/// `Σⱼ log(1 + exp(xⱼ + s wⱼ))`.
struct SumLog1pExpShifted<'a, F>(&'a [f64], &'a [F], f64);
impl<F: Real> Vectorize for SumLog1pExpShifted<'_, F> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let mut lanes = [0.0; LANES];
        for (xs, ws) in self.0.chunks(LANES).zip(self.1.chunks(LANES)) {
            for ((l, x), w) in lanes.iter_mut().zip(xs).zip(ws) {
                *l += (x + self.2 * w.to_f64()).log1p_exp();
            }
        }
        lanes.iter().sum()
    }
}
