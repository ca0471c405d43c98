//! Control variates: gradient estimates of small variance near what was seen before.

use ergodic_core::{ArgumentError, StochasticGradient, TargetError};

/// Estimates `∇E(x)` from a batch, without bias.
///
/// Implemented by [`NoControl`], [`FixedMode`], [`Svrg`] and [`Saga`]. `estimate` allocates
/// nothing: what it needs lives in `Memory`.
pub trait ControlVariate: Clone {
    /// What the chain carries for it.
    type Memory: Clone;

    /// Whether the memory changes along a run: the chain of position and memory is then not claimed
    /// to be ergodic, as [`Svrg`] counts its steps, which makes it periodic.
    const REMEMBERS: bool;

    /// The memory of a chain at `x`, for batches of `size`.
    ///
    /// # Errors
    /// If the settings do not fit the target.
    fn memory<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        size: usize,
    ) -> Result<Self::Memory, TargetError>;

    /// Makes `memory` what [`memory`](Self::memory) returns, without an allocation where it has that
    /// shape already: a kernel in a composition is reset within a step. After an error it is
    /// valid but unspecified.
    ///
    /// # Errors
    /// As [`memory`](Self::memory).
    fn renew<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        size: usize,
        memory: &mut Self::Memory,
    ) -> Result<(), TargetError> {
        *memory = self.memory(target, x, size)?;
        Ok(())
    }

    /// Writes an estimate of `∇E(x)` from the terms of `batch`; returns the number of gradients
    /// of terms that it took.
    fn estimate<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        batch: &[usize],
        memory: &mut Self::Memory,
        out: &mut [f64],
    ) -> u64;
}

/// Adds `Σᵢ ∇Eᵢ(x)` over all terms.
fn add_all<T: StochasticGradient + ?Sized>(target: &T, x: &[f64], out: &mut [f64]) {
    const CHUNK: usize = 256;
    let terms = target.num_terms();
    let mut indices = [0usize; CHUNK];
    for first in (0..terms).step_by(CHUNK) {
        let chunk = &mut indices[..CHUNK.min(terms - first)];
        for (k, i) in chunk.iter_mut().enumerate() {
            *i = first + k;
        }
        target.add_terms_gradient(x, chunk, 1.0, out);
    }
}

/// Makes `room` a vector of `length` zeros.
fn zeros(room: &mut Vec<f64>, length: usize) {
    room.clear();
    room.resize(length, 0.0);
}

/// `N/n`.
fn weight<T: StochasticGradient + ?Sized>(target: &T, batch: &[usize]) -> f64 {
    target.num_terms() as f64 / batch.len() as f64
}

/// None: `∇E₀(x) + (N/n) Σ_{i∈B} ∇Eᵢ(x)`. `n` gradients of terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NoControl;

impl ControlVariate for NoControl {
    type Memory = ();
    const REMEMBERS: bool = false;

    fn memory<T: StochasticGradient + ?Sized>(
        &self,
        _: &T,
        _: &[f64],
        _: usize,
    ) -> Result<(), TargetError> {
        Ok(())
    }

    fn estimate<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        batch: &[usize],
        (): &mut (),
        out: &mut [f64],
    ) -> u64 {
        target.base_gradient(x, out);
        target.add_terms_gradient(x, batch, weight(target, batch), out);
        batch.len() as u64
    }
}

/// A fixed point `x̂` near the mode: `∇E₀(x) + Σᵢ∇Eᵢ(x̂) + (N/n) Σ_{i∈B} (∇Eᵢ(x) − ∇Eᵢ(x̂))`.
///
/// Baker, Fearnhead, Fox and Nemeth, *Stat. Comput.* 29, 599 (2019): with `x̂` the mode the cost of
/// a given accuracy does not grow with `N` for a posterior that concentrates. The variance grows
/// with the squared distance from `x̂`; a chain that starts elsewhere should be moved to `x̂` first.
/// `2n` gradients of terms, and all `N` once.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FixedMode {
    centre: Vec<f64>,
}

impl FixedMode {
    /// Around `centre`, found by an optimiser.
    ///
    /// # Errors
    /// If a coordinate is not finite.
    pub fn new(centre: Vec<f64>) -> Result<Self, ArgumentError> {
        match centre.iter().find(|c| !c.is_finite()) {
            Some(c) => Err(ArgumentError::new("centre", c, "finite")),
            None => Ok(Self { centre }),
        }
    }
}

impl ControlVariate for FixedMode {
    /// `Σᵢ∇Eᵢ(x̂)`.
    type Memory = Vec<f64>;
    const REMEMBERS: bool = false;

    fn memory<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        size: usize,
    ) -> Result<Vec<f64>, TargetError> {
        let mut sum = Vec::new();
        self.renew(target, x, size, &mut sum)?;
        Ok(sum)
    }

    fn renew<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        _: usize,
        sum: &mut Vec<f64>,
    ) -> Result<(), TargetError> {
        if self.centre.len() != x.len() {
            return Err(TargetError::dimension("centre", self.centre.len(), x.len()));
        }
        zeros(sum, x.len());
        add_all(target, &self.centre, sum);
        match sum.iter().find(|s| !s.is_finite()) {
            Some(&bad) => Err(TargetError::non_finite("gradient at the centre", bad)),
            None => Ok(()),
        }
    }

    fn estimate<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        batch: &[usize],
        sum: &mut Vec<f64>,
        out: &mut [f64],
    ) -> u64 {
        difference(target, x, &self.centre, sum, batch, out);
        2 * batch.len() as u64
    }
}

/// `∇E₀(x) + sum + (N/n) Σ_{i∈B} (∇Eᵢ(x) − ∇Eᵢ(anchor))`.
fn difference<T: StochasticGradient + ?Sized>(
    target: &T,
    x: &[f64],
    anchor: &[f64],
    sum: &[f64],
    batch: &[usize],
    out: &mut [f64],
) {
    let weight = weight(target, batch);
    target.base_gradient(x, out);
    for (o, s) in out.iter_mut().zip(sum) {
        *o += s;
    }
    target.add_terms_gradient(x, batch, weight, out);
    target.add_terms_gradient(anchor, batch, -weight, out);
}

/// Stochastic variance-reduced gradients: as [`FixedMode`] around an anchor that is moved to the
/// position of the chain every so many steps.
///
/// Johnson and Zhang (NIPS 2013); for Langevin dynamics Dubey, Reddi, Póczos, Smola, Xing and
/// Williamson (NIPS 2016). `2n` gradients of terms per step, and `N` when the anchor moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Svrg {
    every: u64,
}

impl Svrg {
    /// Moves the anchor every `every` steps; `N/n` balances the costs.
    ///
    /// # Errors
    /// If it is 0.
    pub fn new(every: u64) -> Result<Self, ArgumentError> {
        if every == 0 {
            return Err(ArgumentError::new("every", every, "at least 1"));
        }
        Ok(Self { every })
    }
}

/// The anchor of [`Svrg`] with its sum of gradients, and the steps since it was moved.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SvrgMemory {
    anchor: Vec<f64>,
    sum: Vec<f64>,
    age: u64,
}

impl ControlVariate for Svrg {
    type Memory = SvrgMemory;
    const REMEMBERS: bool = true;

    fn memory<T: StochasticGradient + ?Sized>(
        &self,
        _: &T,
        x: &[f64],
        _: usize,
    ) -> Result<SvrgMemory, TargetError> {
        Ok(SvrgMemory {
            anchor: x.to_vec(),
            sum: vec![0.0; x.len()],
            age: 0,
        })
    }

    fn renew<T: StochasticGradient + ?Sized>(
        &self,
        _: &T,
        x: &[f64],
        _: usize,
        memory: &mut SvrgMemory,
    ) -> Result<(), TargetError> {
        memory.anchor.clear();
        memory.anchor.extend_from_slice(x);
        zeros(&mut memory.sum, x.len());
        memory.age = 0;
        Ok(())
    }

    fn estimate<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        batch: &[usize],
        memory: &mut SvrgMemory,
        out: &mut [f64],
    ) -> u64 {
        let SvrgMemory { anchor, sum, age } = memory;
        let mut terms = 2 * batch.len() as u64;
        if *age == 0 {
            anchor.copy_from_slice(x);
            sum.fill(0.0);
            add_all(target, anchor, sum);
            terms += target.num_terms() as u64;
        }
        // An anchor where the gradient overflows is no help: the chain does not stay there either.
        if sum.iter().all(|s| s.is_finite()) {
            *age = (*age + 1) % self.every;
        }
        difference(target, x, anchor, sum, batch, out);
        terms
    }
}

/// A table of the gradient of each term where it was last seen:
/// `∇E₀(x) + Σᵢ aᵢ + (N/n) Σ_{i∈B} (∇Eᵢ(x) − aᵢ)`, then `aᵢ ← ∇Eᵢ(x)` for `i ∈ B`.
///
/// Defazio, Bach and Lacoste-Julien (NIPS 2014); for Langevin dynamics Dubey et al. (NIPS 2016).
/// `n` gradients of terms per step, `N` at the start, and memory for `N × d` numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Saga;

/// The table of [`Saga`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SagaMemory {
    /// Row `i` is the gradient of term `i` where it was last seen.
    table: Vec<f64>,
    sum: Vec<f64>,
    /// Rows for the terms of a batch.
    fresh: Vec<f64>,
}

impl ControlVariate for Saga {
    type Memory = SagaMemory;
    const REMEMBERS: bool = true;

    fn memory<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        size: usize,
    ) -> Result<SagaMemory, TargetError> {
        let mut memory = SagaMemory {
            table: Vec::new(),
            sum: Vec::new(),
            fresh: Vec::new(),
        };
        self.renew(target, x, size, &mut memory)?;
        Ok(memory)
    }

    fn renew<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        size: usize,
        memory: &mut SagaMemory,
    ) -> Result<(), TargetError> {
        let SagaMemory { table, sum, fresh } = memory;
        let dim = x.len();
        zeros(table, target.num_terms() * dim);
        zeros(sum, dim);
        zeros(fresh, size * dim);
        for (i, row) in table.chunks_mut(dim).enumerate() {
            target.add_terms_gradient(x, &[i], 1.0, row);
            for (s, r) in sum.iter_mut().zip(row) {
                *s += *r;
            }
        }
        Ok(())
    }

    fn estimate<T: StochasticGradient + ?Sized>(
        &self,
        target: &T,
        x: &[f64],
        batch: &[usize],
        memory: &mut SagaMemory,
        out: &mut [f64],
    ) -> u64 {
        let SagaMemory { table, sum, fresh } = memory;
        let (dim, weight) = (x.len(), weight(target, batch));
        target.base_gradient(x, out);
        for (o, s) in out.iter_mut().zip(sum.iter()) {
            *o += s;
        }
        // All differences before the table changes: a term may occur twice.
        for (&i, new) in batch.iter().zip(fresh.chunks_mut(dim)) {
            new.fill(0.0);
            target.add_terms_gradient(x, &[i], 1.0, new);
            let old = &table[i * dim..][..dim];
            for (o, (new, old)) in out.iter_mut().zip(new.iter().zip(old)) {
                *o += weight * (new - old);
            }
        }
        for (&i, new) in batch.iter().zip(fresh.chunks(dim)) {
            // What overflowed would stay in the sum for good, though the step is not made.
            if !new.iter().all(|g| g.is_finite()) {
                continue;
            }
            let old = &mut table[i * dim..][..dim];
            for (s, (old, new)) in sum.iter_mut().zip(old.iter_mut().zip(new)) {
                *s += new - *old;
                *old = *new;
            }
        }
        batch.len() as u64
    }
}
