//! Batched block Gibbs sampling: every chain of a block in one binary product per layer.

use std::sync::Arc;

use ergodic_core::{
    ArgumentError, Claims, Energy, MarkovKernel, Population, Randomness, TargetError,
};
use ergodic_math::Real;
use ergodic_math::binary::{Init, PackedBits, Scratch, multiply};
use ergodic_math::simd::{Vectorize, vectorize};

use super::{LANES, Rbm, Unit, dot_bits};

/// A block of visible configurations with their hidden inputs `v·W`, without biases.
///
/// The inputs depend on the weights alone, so they stay valid along a path that scales the
/// energy, and the work of a chain costs `O(H)`.
#[derive(Clone, Debug, PartialEq)]
pub struct RbmBlock<F> {
    pub(super) chains: usize,
    pub(super) visible: Vec<u8>,
    pub(super) inputs: Vec<F>,
    product: Product<F>,
}

/// Memory for the products of a block, kept with it so that nothing is allocated when its chains
/// move or are drawn anew. No part of its value.
#[derive(Clone, Debug)]
struct Product<F> {
    bits: PackedBits,
    scratch: Scratch<F>,
}

impl<F> PartialEq for Product<F> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<F: Unit> Product<F> {
    fn new() -> Self {
        Self {
            bits: PackedBits::default(),
            scratch: Scratch::default(),
        }
    }

    /// `out = bytes · weights` for `rows` rows of bytes and weights of so many columns.
    fn write(&mut self, bytes: &[u8], rows: usize, weights: &[F], columns: usize, out: &mut [F]) {
        self.bits.pack(bytes, rows, weights.len() / columns);
        multiply(
            &self.bits,
            weights,
            columns,
            Init::Zero,
            out,
            &mut self.scratch,
        );
    }
}

impl<F: Unit> RbmBlock<F> {
    /// Computes the inputs anew, of this machine at the visible units as they are.
    pub(super) fn refresh(&mut self, rbm: &Rbm<F>) {
        self.inputs.resize(self.chains * rbm.hidden, F::ZERO);
        self.product.write(
            &self.visible,
            self.chains,
            rbm.weights(),
            rbm.hidden,
            &mut self.inputs,
        );
    }
}

impl<F> RbmBlock<F> {
    /// The number of chains.
    pub fn chains(&self) -> usize {
        self.chains
    }

    /// The visible units, row-major `chains × visible`, one byte of 0 or 1 each.
    pub fn visible(&self) -> &[u8] {
        &self.visible
    }

    /// `v·W` of each chain, row-major `chains × hidden`.
    pub fn inputs(&self) -> &[F] {
        &self.inputs
    }
}

impl<F: Unit> Rbm<F> {
    /// A block of chains at `visible` (row-major, one byte of 0 or 1 per unit).
    ///
    /// # Errors
    /// If the length is not a multiple of the number of visible units or a byte is not 0 or 1.
    pub fn block(&self, visible: Vec<u8>) -> Result<RbmBlock<F>, ArgumentError> {
        check_bits(&visible, self.visible)?;
        Ok(self.block_of_bits(visible))
    }

    /// [`block`](Self::block) for bytes that are known to be 0 or 1, a whole number of rows.
    pub(super) fn block_of_bits(&self, visible: Vec<u8>) -> RbmBlock<F> {
        let mut block = RbmBlock {
            chains: visible.len() / self.visible,
            visible,
            inputs: Vec::new(),
            product: Product::new(),
        };
        block.refresh(self);
        block
    }

    /// `Wᵀ`, row-major `hidden × visible`.
    pub(super) fn transposed_weights(&self) -> Vec<F> {
        let mut out = vec![F::ZERO; self.visible * self.hidden];
        transpose(self.weights(), self.visible, self.hidden, &mut out);
        out
    }

    /// The law of the visible units as a target for blocks of chains.
    pub fn population(&self) -> RbmTarget<'_, F> {
        RbmTarget {
            rbm: self,
            transposed: Arc::from(self.transposed_weights()),
            scale: F::ONE,
            visible_bias: self.visible_bias().to_vec(),
        }
    }
}

/// Checks that `bytes` are whole rows of 0 and 1.
pub(super) fn check_bits(bytes: &[u8], width: usize) -> Result<(), ArgumentError> {
    if !bytes.len().is_multiple_of(width) {
        return Err(ArgumentError::new(
            "visible",
            format!("of length {}", bytes.len()),
            format!("a multiple of {width} visible units"),
        ));
    }
    if let Some(i) = bytes.iter().position(|v| *v > 1) {
        return Err(ArgumentError::new(
            "visible",
            format!("{} at index {i}", bytes[i]),
            "0 or 1",
        ));
    }
    Ok(())
}

/// `to = fromᵀ` for a row-major `rows × columns` matrix.
pub(super) fn transpose<F: Unit>(from: &[F], rows: usize, columns: usize, to: &mut [F]) {
    vectorize(Transpose {
        from,
        rows,
        columns,
        to,
    });
}

struct Transpose<'a, F> {
    from: &'a [F],
    rows: usize,
    columns: usize,
    to: &'a mut [F],
}

impl<F: Unit> Vectorize for Transpose<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        const TILE: usize = 16; // a cache line of f32
        let Self {
            from,
            rows,
            columns,
            to,
        } = self;
        let (whole_rows, whole_columns) = (rows / TILE * TILE, columns / TILE * TILE);
        for c in (0..whole_columns).step_by(TILE) {
            for r in (0..whole_rows).step_by(TILE) {
                let mut tile = [[F::ZERO; TILE]; TILE];
                for (k, t) in tile.iter_mut().enumerate() {
                    t.copy_from_slice(&from[(r + k) * columns + c..][..TILE]);
                }
                for k in 0..TILE {
                    let column: [F; TILE] = std::array::from_fn(|i| tile[i][k]);
                    to[(c + k) * rows + r..][..TILE].copy_from_slice(&column);
                }
            }
        }
        for r in 0..rows {
            let rest = if r < whole_rows { whole_columns } else { 0 };
            for c in rest..columns {
                to[c * rows + r] = from[r * columns + c];
            }
        }
    }
}

/// The visible law of a machine whose energy is scaled: hidden inputs times `scale`, given
/// visible biases. `scale = 1` and the machine's own biases give the machine itself
/// ([`Rbm::population`]); [`RbmPath`](super::RbmPath) makes the others.
///
/// `E(v) = − a·v − Σⱼ log(1 + exp(scale (cⱼ + (v·W)ⱼ)))`
#[derive(Clone, Debug)]
pub struct RbmTarget<'m, F> {
    pub(super) rbm: &'m Rbm<F>,
    pub(super) transposed: Arc<[F]>,
    pub(super) scale: F,
    pub(super) visible_bias: Vec<F>,
}

impl<F: Unit> Energy for RbmTarget<'_, F> {
    type State = RbmBlock<F>;
    fn energy(&self, block: &RbmBlock<F>) -> f64 {
        let mut energies = vec![0.0; block.chains];
        self.energies(block, &mut energies);
        energies.iter().sum()
    }
}

impl<F: Unit> Population for RbmTarget<'_, F> {
    fn chains(&self, block: &RbmBlock<F>) -> usize {
        block.chains
    }

    fn energies(&self, block: &RbmBlock<F>, out: &mut [f64]) {
        let rows = block.visible.chunks_exact(self.rbm.visible);
        let inputs = block.inputs.chunks_exact(self.rbm.hidden);
        for ((o, v), x) in out.iter_mut().zip(rows).zip(inputs) {
            let hidden = vectorize(ScaledSoftplus {
                inputs: x,
                bias: self.rbm.hidden_bias(),
                scale: self.scale,
            });
            *o = -dot_bits(v, &self.visible_bias) - hidden;
        }
    }
}

/// `Σⱼ log(1 + exp(scale (cⱼ + xⱼ)))` in `f64`.
struct ScaledSoftplus<'a, F> {
    inputs: &'a [F],
    bias: &'a [F],
    scale: F,
}

impl<F: Unit> Vectorize for ScaledSoftplus<'_, F> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let scale = self.scale.to_f64();
        let mut lanes = [0.0; LANES];
        for (xs, cs) in self.inputs.chunks(LANES).zip(self.bias.chunks(LANES)) {
            for ((l, x), c) in lanes.iter_mut().zip(xs).zip(cs) {
                *l += Real::log1p_exp(scale * (x.to_f64() + c.to_f64()));
            }
        }
        lanes.iter().sum()
    }
}

/// Block Gibbs sampling `v → h → v′` of every chain of a block.
///
/// Draws all hidden units from `P(h | v)`, then all visible units from `P(v | h)`; reversible on
/// the visible marginal. One step costs two binary products
/// ([`multiply`]) and `chains · (V + H)` Bernoulli draws, row by row, hidden
/// layer first. A block gives the same bits as its chains one by one on the same uniforms.
/// Reference: Hinton, *Neural Computation* 14, 2002; Geman and Geman 1984.
///
/// For [`RbmTarget`] it moves a block, for [`Rbm`] a single chain.
///
/// ```
/// use ergodic_core::MarkovKernel;
/// use ergodic_models::rbm::{BlockGibbs, Rbm};
///
/// let rbm = Rbm::<f32>::from_base_rates(&[0.9, 0.1, 0.5], 4, 0.1, 1).unwrap();
/// let target = rbm.population();
/// let start = rbm.block(vec![0; 3 * 100]).unwrap(); // 100 chains
/// let mut state = BlockGibbs.init(&target, &start).unwrap();
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// for _ in 0..10 {
///     BlockGibbs.step(&target, &mut state, &mut rng).unwrap();
/// }
/// let ones: u32 = state.block().visible().chunks(3).map(|v| u32::from(v[0])).sum();
/// assert!(ones > 70);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockGibbs;

/// The block, the last hidden sample, and scratch for one step.
#[derive(Clone, Debug)]
pub struct BlockGibbsState<F> {
    block: RbmBlock<F>,
    hidden: Vec<u8>,
    probabilities: Vec<F>,
    /// The transpose of the weights that the inputs of the block were computed with.
    weights: Arc<[F]>,
}

impl<F: Unit> BlockGibbsState<F> {
    fn new(target: &RbmTarget<'_, F>, block: RbmBlock<F>) -> Self {
        let (visible, hidden) = (target.rbm.visible, target.rbm.hidden);
        Self {
            hidden: vec![0; block.chains * hidden],
            probabilities: vec![F::ZERO; block.chains * visible.max(hidden)],
            weights: Arc::clone(&target.transposed),
            block,
        }
    }

    /// The chains.
    pub fn block(&self) -> &RbmBlock<F> {
        &self.block
    }

    /// The hidden units drawn in the last step, row-major `chains × hidden`; zeros before it.
    pub fn hidden(&self) -> &[u8] {
        &self.hidden
    }

    fn advance<R: Randomness + ?Sized>(
        &mut self,
        rbm: &Rbm<F>,
        transposed: &[F],
        scale: F,
        visible_bias: &[F],
        rng: &mut R,
    ) {
        let (chains, visible, hidden) = (self.block.chains, rbm.visible, rbm.hidden);
        let p = &mut self.probabilities[..chains * hidden];
        vectorize(HiddenProbabilities {
            inputs: &self.block.inputs,
            bias: rbm.hidden_bias(),
            scale,
            out: p,
        });
        F::bernoulli_mask(rng, p, &mut self.hidden);

        let p = &mut self.probabilities[..chains * visible];
        let product = &mut self.block.product;
        product.write(&self.hidden, chains, transposed, visible, p);
        vectorize(VisibleProbabilities {
            bias: visible_bias,
            scale,
            inputs: p,
        });
        F::bernoulli_mask(rng, p, &mut self.block.visible);
        self.block.refresh(rbm);
    }

    /// As [`new`](Self::new) with the visible units that the block has now, in the memory that the
    /// state has.
    fn renew(&mut self, rbm: &Rbm<F>) {
        let chains = self.block.chains;
        self.hidden.clear();
        self.hidden.resize(chains * rbm.hidden, 0);
        let units = rbm.visible.max(rbm.hidden);
        self.probabilities.resize(chains * units, F::ZERO);
        self.block.refresh(rbm);
    }
}

/// `out = σ(scale (inputs + bias))`, row by row.
struct HiddenProbabilities<'a, F> {
    inputs: &'a [F],
    bias: &'a [F],
    scale: F,
    out: &'a mut [F],
}

impl<F: Unit> Vectorize for HiddenProbabilities<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let n = self.bias.len();
        for (out, x) in self
            .out
            .chunks_exact_mut(n)
            .zip(self.inputs.chunks_exact(n))
        {
            for ((o, x), c) in out.iter_mut().zip(x).zip(self.bias) {
                *o = (self.scale * (*x + *c)).sigmoid();
            }
        }
    }
}

/// `inputs = σ(scale · inputs + bias)` in place, row by row.
struct VisibleProbabilities<'a, F> {
    bias: &'a [F],
    scale: F,
    inputs: &'a mut [F],
}

impl<F: Unit> Vectorize for VisibleProbabilities<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for row in self.inputs.chunks_exact_mut(self.bias.len()) {
            for (x, b) in row.iter_mut().zip(self.bias) {
                *x = (self.scale * *x + *b).sigmoid();
            }
        }
    }
}

impl<'m, F: Unit> MarkovKernel<RbmTarget<'m, F>> for BlockGibbs {
    type State = BlockGibbsState<F>;
    type Info = ();

    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }

    fn init(
        &self,
        target: &RbmTarget<'m, F>,
        block: &RbmBlock<F>,
    ) -> Result<Self::State, TargetError> {
        check_shape(target.rbm, block)?;
        // The inputs of `block` may be those of another machine.
        let block = target.rbm.block_of_bits(block.visible.clone());
        Ok(BlockGibbsState::new(target, block))
    }

    fn position<'s>(&self, _: &RbmTarget<'m, F>, state: &'s Self::State) -> &'s RbmBlock<F>
    where
        RbmTarget<'m, F>: 's,
    {
        &state.block
    }

    fn reset(
        &self,
        target: &RbmTarget<'m, F>,
        state: &mut Self::State,
        block: Option<&RbmBlock<F>>,
    ) -> Result<(), TargetError> {
        if let Some(block) = block {
            check_shape(target.rbm, block)?;
            state.block.chains = block.chains;
            state.block.visible.clone_from(&block.visible);
            state.weights = Arc::clone(&target.transposed);
            state.renew(target.rbm);
            return Ok(());
        }
        // The state caches `v·W`, which all targets of one machine share: along a path nothing
        // is stale. Other weights have another transpose.
        if !Arc::ptr_eq(&state.weights, &target.transposed) {
            check_shape(target.rbm, &state.block)?;
            state.weights = Arc::clone(&target.transposed);
            state.renew(target.rbm);
        }
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &RbmTarget<'m, F>,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        state.advance(
            target.rbm,
            &target.transposed,
            target.scale,
            &target.visible_bias,
            rng,
        );
        Ok(())
    }
}

fn check_shape<F: Unit>(rbm: &Rbm<F>, block: &RbmBlock<F>) -> Result<(), TargetError> {
    let expected = block.chains * rbm.visible;
    if block.visible.len() != expected {
        return Err(TargetError::dimension(
            "visible units of the block",
            block.visible.len(),
            expected,
        ));
    }
    let expected = block.chains * rbm.hidden;
    if block.inputs.len() != expected {
        return Err(TargetError::dimension(
            "hidden inputs of the block",
            block.inputs.len(),
            expected,
        ));
    }
    Ok(())
}

/// A single chain of an [`Rbm`]: a block of one.
#[derive(Clone, Debug)]
pub struct RbmChain<F>(BlockGibbsState<F>);

impl<F: Unit> MarkovKernel<Rbm<F>> for BlockGibbs {
    type State = RbmChain<F>;
    type Info = ();

    fn claims(&self) -> Claims {
        Claims::REVERSIBLE
    }

    fn init(&self, rbm: &Rbm<F>, v: &[u8]) -> Result<Self::State, TargetError> {
        if v.len() != rbm.visible {
            return Err(TargetError::dimension("visible", v.len(), rbm.visible));
        }
        let block = rbm
            .block(v.to_vec())
            .map_err(|e| TargetError::new(e.to_string()))?;
        Ok(RbmChain(BlockGibbsState::new(&rbm.population(), block)))
    }

    fn position<'s>(&self, _: &Rbm<F>, state: &'s Self::State) -> &'s [u8]
    where
        Rbm<F>: 's,
    {
        &state.0.block.visible
    }

    fn reset(
        &self,
        rbm: &Rbm<F>,
        state: &mut Self::State,
        v: Option<&[u8]>,
    ) -> Result<(), TargetError> {
        let state = &mut state.0;
        let length = v.map_or(state.block.visible.len(), <[u8]>::len);
        if length != rbm.visible {
            return Err(TargetError::dimension("visible", length, rbm.visible));
        }
        if let Some(v) = v {
            check_bits(v, rbm.visible).map_err(|e| TargetError::new(e.to_string()))?;
            state.block.visible.clear();
            state.block.visible.extend_from_slice(v);
        }
        // The weights may be others. A transpose that no other state shares is written over.
        match Arc::get_mut(&mut state.weights) {
            Some(old) if old.len() == rbm.weights().len() => {
                transpose(rbm.weights(), rbm.visible, rbm.hidden, old);
            }
            _ => state.weights = Arc::from(rbm.transposed_weights()),
        }
        state.renew(rbm);
        Ok(())
    }

    fn step<R: Randomness + ?Sized>(
        &mut self,
        rbm: &Rbm<F>,
        state: &mut Self::State,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let weights = Arc::clone(&state.0.weights);
        state
            .0
            .advance(rbm, &weights, F::ONE, rbm.visible_bias(), rng);
        Ok(())
    }
}
