//! Training by contrastive divergence and persistent contrastive divergence.

use std::ops::{ControlFlow, Range};

use ergodic_core::{ArgumentError, Optimizer};
use ergodic_math::binary::{self, Init, PackedBits, multiply};
use ergodic_math::rng;
use ergodic_math::simd::{Vectorize, vectorize};

use super::data::shuffle;
use super::gibbs::transpose;
use super::likelihood::quick_log_z;
use super::settings::{Algorithm, TrainSettings};
use super::{Data, Rbm, Unit};

/// What one epoch did.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochReport {
    /// Epochs done so far, this one included.
    pub epoch: usize,
    /// Updates done so far.
    pub updates: u64,
    /// The learning rate of the last update.
    pub learning_rate: f64,
    /// Root mean square of the last gradient, per parameter.
    pub gradient_rms: f64,
    /// Root mean square of the weights.
    pub weight_rms: f64,
    /// Mean over the epoch's chains and pixels of the visible units: the model's mean activity.
    pub chain_activity: f64,
    /// Mean pseudo-log-likelihood of (at most 500) training rows, at evaluations.
    pub pseudo_log_likelihood: Option<f64>,
    /// Estimate of the mean log-likelihood of the same training rows, at evaluations.
    pub train_log_likelihood: Option<f64>,
    /// Estimate of the mean log-likelihood of the validation rows, at evaluations.
    pub validation_log_likelihood: Option<f64>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// All epochs were done.
    Completed,
    /// The validation likelihood did not improve for `patience` evaluations.
    EarlyStopped,
    /// The callback asked for it.
    Interrupted,
}

/// The best model so far, by validation likelihood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Best<F> {
    pub(super) epoch: usize,
    pub(super) log_likelihood: f64,
    pub(super) parameters: Vec<F>,
}

/// Everything that the next epoch depends on, besides settings and data: what a checkpoint stores.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TrainState<F> {
    pub(super) epoch: usize,
    pub(super) updates: u64,
    pub(super) rbm: Rbm<F>,
    /// Hidden units of the persistent chains, row-major `chains × hidden`.
    pub(super) chains: Vec<u8>,
    /// Running mean of the hidden probabilities on data: centring offset and sparsity.
    pub(super) hidden_mean: Vec<F>,
    pub(super) averaged: Vec<F>,
    pub(super) averaged_epochs: u64,
    pub(super) best: Option<Best<F>>,
    pub(super) without_improvement: usize,
}

/// Streams of one run: (purpose, epoch) picks the stream, so that a resumed run needs no
/// generator state.
#[derive(Clone, Copy)]
enum Purpose {
    Start = 0x81,
    Order = 0x82,
    Chains = 0x83,
    Rows = 0x84,
    Evaluation = 0x85,
}

fn stream_of(purpose: Purpose, epoch: usize) -> u64 {
    (purpose as u64) << 48 | epoch as u64
}

/// Trains an [`Rbm`] on [`Data`].
///
/// One update moves the parameters along `⟨∂E⟩_data − ⟨∂E⟩_model` estimated on a mini-batch and on
/// Gibbs chains. With `B` rows and `C` chains it costs three binary products of
/// `(B + C) × V × H` shape (hidden inputs, visible inputs of the chains, statistics) and one pass
/// of the optimiser. Runs on one thread: same seed, same bits.
///
/// ```
/// use ergodic_models::rbm::{Data, TrainSettings, Trainer};
///
/// // Two visible units that always agree.
/// let data = Data::binary(2, 2, vec![0, 0, 1, 1]).unwrap();
/// let settings = TrainSettings { hidden: 2, epochs: 2000, batch: 2, chains: 50, learning_rate: 0.1, ..Default::default() };
/// let mut trainer = Trainer::<f32>::new(settings, &data).unwrap();
/// trainer.run(&mut |_| std::ops::ControlFlow::Continue(())).unwrap();
/// let ll = trainer.model().mean_log_likelihood_exact(&[0, 0, 1, 1]).unwrap();
/// assert!(ll > -0.9); // at best −log 2 = −0.69; independent units reach −1.39
/// ```
pub struct Trainer<F: Unit = f32> {
    pub(super) settings: TrainSettings,
    pub(super) state: TrainState<F>,
    pub(super) optimizer: Box<dyn Optimizer<F> + Send>,
    pub(super) fingerprint: u64,
    train: Data,
    validation: Option<Data>,
    base_rates: Vec<f64>,
    scratch: Scratch<F>,
}

struct Scratch<F> {
    /// `W` transposed, row-major `hidden × visible`.
    transposed: Vec<F>,
    /// Rows of the batch, then of the chains: `(B + C) × visible`.
    visible: Vec<u8>,
    /// Hidden samples of CD chains or the copy of the persistent ones: `C × hidden`.
    hidden: Vec<u8>,
    /// Hidden probabilities of the same rows: `(B + C) × hidden`.
    probabilities: Vec<F>,
    /// Visible probabilities of the chains: `C × visible`.
    visible_probabilities: Vec<F>,
    gradient: Vec<F>,
    bits: PackedBits,
    hidden_bits: PackedBits,
    product: binary::Scratch<F>,
}

impl<F: Unit> Scratch<F> {
    /// The hidden probabilities of the given rows.
    fn forward(&mut self, rbm: &Rbm<F>, rows: Range<usize>) {
        let (visible, hidden) = (rbm.visible(), rbm.hidden());
        let bytes = &self.visible[rows.start * visible..rows.end * visible];
        self.bits.pack(bytes, rows.len(), visible);
        let out = &mut self.probabilities[rows.start * hidden..rows.end * hidden];
        multiply(
            &self.bits,
            rbm.weights(),
            hidden,
            Init::Bias(rbm.hidden_bias()),
            out,
            &mut self.product,
        );
        vectorize(Sigmoid(out));
    }
}

impl<F: Unit> Trainer<F> {
    /// A trainer at epoch 0. The validation part is cut off here; the machine starts at the base
    /// rates of the remaining rows.
    ///
    /// # Errors
    /// If a setting is out of its domain.
    pub fn new(settings: TrainSettings, data: &Data) -> Result<Self, ArgumentError> {
        settings.check()?;
        let (train, _) = data.split(settings.validation_fraction, settings.seed)?;
        let rbm = Rbm::from_base_rates(
            &train.base_rates(),
            settings.hidden,
            settings.weight_std,
            settings.seed,
        )?;
        let mut start = rng::stream(settings.seed, stream_of(Purpose::Start, 0));
        let mut chains = vec![0; settings.chains * settings.hidden];
        F::bernoulli_mask(
            &mut start,
            &vec![F::from_f64(0.5); chains.len()],
            &mut chains,
        );
        let state = TrainState {
            epoch: 0,
            updates: 0,
            hidden_mean: vec![F::from_f64(0.5); settings.hidden],
            averaged: Vec::new(),
            averaged_epochs: 0,
            best: None,
            without_improvement: 0,
            chains,
            rbm,
        };
        let optimizer = settings.build_optimizer()?;
        Self::assemble(settings, data, state, optimizer)
    }

    pub(super) fn assemble(
        settings: TrainSettings,
        data: &Data,
        state: TrainState<F>,
        optimizer: Box<dyn Optimizer<F> + Send>,
    ) -> Result<Self, ArgumentError> {
        let (train, validation) = data.split(settings.validation_fraction, settings.seed)?;
        let (visible, hidden) = (train.visible(), settings.hidden);
        let batch = settings.batch.min(train.rows());
        let chains = match settings.algorithm {
            Algorithm::Pcd { .. } => settings.chains,
            Algorithm::Cd { .. } => batch,
        };
        let scratch = Scratch {
            transposed: state.rbm.transposed_weights(),
            visible: vec![0; (batch + chains) * visible],
            hidden: vec![0; chains * hidden],
            probabilities: vec![F::ZERO; (batch + chains) * hidden],
            visible_probabilities: vec![F::ZERO; chains * visible],
            gradient: vec![F::ZERO; state.rbm.parameters().len()],
            bits: PackedBits::default(),
            hidden_bits: PackedBits::default(),
            product: binary::Scratch::default(),
        };
        Ok(Self {
            fingerprint: data.fingerprint(),
            base_rates: train.base_rates(),
            settings,
            state,
            optimizer,
            train,
            validation,
            scratch,
        })
    }

    /// The settings.
    pub fn settings(&self) -> &TrainSettings {
        &self.settings
    }

    /// Epochs done so far.
    pub fn epochs_done(&self) -> usize {
        self.state.epoch
    }

    /// Updates done so far.
    pub fn updates_done(&self) -> u64 {
        self.state.updates
    }

    /// Training rows, without the validation part.
    pub fn training_rows(&self) -> usize {
        self.train.rows()
    }

    /// Validation rows.
    pub fn validation_rows(&self) -> usize {
        self.validation.as_ref().map_or(0, Data::rows)
    }

    /// The base rates of the training rows: where the machine started, and where its path starts.
    pub fn base_rates(&self) -> &[f64] {
        &self.base_rates
    }

    /// The current machine, without averaging.
    pub fn current(&self) -> &Rbm<F> {
        &self.state.rbm
    }

    /// The machine that training has to show for itself: the average of parameters where averaging
    /// has begun, else the current one.
    pub fn model(&self) -> Rbm<F> {
        if self.state.averaged_epochs == 0 {
            self.state.rbm.clone()
        } else {
            self.with_parameters(self.state.averaged.clone())
        }
    }

    /// The machine with the best validation likelihood and its epoch, else [`model`](Self::model)
    /// and the current epoch.
    pub fn best(&self) -> (Rbm<F>, usize) {
        match &self.state.best {
            Some(best) => (self.with_parameters(best.parameters.clone()), best.epoch),
            None => (self.model(), self.state.epoch),
        }
    }

    fn with_parameters(&self, parameters: Vec<F>) -> Rbm<F> {
        let mut rbm = self.state.rbm.clone();
        rbm.parameters_mut().copy_from_slice(&parameters);
        rbm
    }

    /// Runs the remaining epochs. The callback sees every epoch and may stop the run.
    ///
    /// # Errors
    /// If the parameters stop being finite: the learning rate is too large.
    pub fn run(
        &mut self,
        callback: &mut dyn FnMut(&EpochReport) -> ControlFlow<()>,
    ) -> Result<StopReason, ArgumentError> {
        loop {
            // Before the epoch, so that a run resumed after its early stop stays stopped.
            if self.out_of_patience() {
                return Ok(StopReason::EarlyStopped);
            }
            if self.state.epoch >= self.settings.epochs {
                return Ok(StopReason::Completed);
            }
            let report = self.epoch()?;
            if callback(&report).is_break() {
                return Ok(StopReason::Interrupted);
            }
        }
    }

    /// Whether early stopping has decided to end the run.
    pub fn out_of_patience(&self) -> bool {
        self.settings.patience > 0 && self.state.without_improvement >= self.settings.patience
    }

    /// One pass over the training rows, in random order.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn epoch(&mut self) -> Result<EpochReport, ArgumentError> {
        let epoch = self.state.epoch;
        let stream = |purpose| rng::stream(self.settings.seed, stream_of(purpose, epoch));
        let mut order: Vec<usize> = (0..self.train.rows()).collect();
        shuffle(&mut order, &mut stream(Purpose::Order));
        let (mut rows_rng, mut chains_rng) = (stream(Purpose::Rows), stream(Purpose::Chains));
        let per_epoch = order.len().div_ceil(self.settings.batch) as u64;
        let total = per_epoch.saturating_mul(self.settings.epochs as u64);
        let (mut factor, mut activity) = (1.0, 0.0);
        for rows in order.chunks(self.settings.batch) {
            let visible = rows.len() * self.train.visible();
            self.train
                .draw(rows, &mut self.scratch.visible[..visible], &mut rows_rng);
            activity += self.gradient(rows.len(), &mut chains_rng);
            factor = self.settings.schedule.factor(self.state.updates, total);
            self.optimizer.step(
                factor,
                self.state.rbm.parameters_mut(),
                &self.scratch.gradient,
            );
            if !vectorize(AllFinite(self.state.rbm.parameters())) {
                return Err(ArgumentError::new(
                    "learning_rate",
                    self.settings.learning_rate,
                    format!(
                        "small enough: the parameters diverged in epoch {}",
                        epoch + 1
                    ),
                ));
            }
            transpose(
                self.state.rbm.weights(),
                self.train.visible(),
                self.settings.hidden,
                &mut self.scratch.transposed,
            );
            self.state.updates += 1;
        }
        self.state.epoch += 1;
        let weight_rms = rms(self.state.rbm.weights());
        self.accumulate_average();
        let mut report = EpochReport {
            epoch: self.state.epoch,
            updates: self.state.updates,
            learning_rate: self.settings.learning_rate * factor,
            gradient_rms: rms(&self.scratch.gradient),
            weight_rms,
            chain_activity: activity / per_epoch as f64,
            pseudo_log_likelihood: None,
            train_log_likelihood: None,
            validation_log_likelihood: None,
        };
        let every = self.settings.evaluate_every;
        if every > 0
            && (self.state.epoch.is_multiple_of(every) || self.state.epoch == self.settings.epochs)
        {
            self.evaluate(&mut report)?;
        }
        Ok(report)
    }

    fn accumulate_average(&mut self) {
        let length = self.settings.average * self.settings.epochs as f64;
        if (self.state.epoch as f64) <= self.settings.epochs as f64 - length {
            return;
        }
        self.state.averaged_epochs += 1;
        let parameters = self.state.rbm.parameters();
        if self.state.averaged_epochs == 1 {
            self.state.averaged = parameters.to_vec();
        } else {
            let weight = F::from_f64(1.0 / self.state.averaged_epochs as f64);
            for (a, p) in self.state.averaged.iter_mut().zip(parameters) {
                *a += weight * (*p - *a);
            }
        }
    }

    /// Likelihoods of the present model, and the bookkeeping of early stopping.
    fn evaluate(&mut self, report: &mut EpochReport) -> Result<(), ArgumentError> {
        let model = self.model();
        let seed = self.settings.seed;
        let some = self.train.rows().min(500);
        let mut rows = vec![0; some * self.train.visible()];
        let mut evaluation = rng::stream(seed, stream_of(Purpose::Evaluation, self.state.epoch));
        let indices: Vec<usize> = (0..some).collect();
        self.train.draw(&indices, &mut rows, &mut evaluation);
        report.pseudo_log_likelihood = Some(model.pseudo_log_likelihood(&rows)?);
        let log_z = quick_log_z(&model, &self.base_rates, seed)?;
        report.train_log_likelihood = Some(-mean_free_energy(&model, &rows) - log_z);
        if let Some(validation) = &self.validation {
            let rows = validation.to_bits(seed);
            let ll = -mean_free_energy(&model, &rows) - log_z;
            report.validation_log_likelihood = Some(ll);
            if self
                .state
                .best
                .as_ref()
                .is_none_or(|b| ll > b.log_likelihood)
            {
                self.state.best = Some(Best {
                    epoch: self.state.epoch,
                    log_likelihood: ll,
                    parameters: model.parameters().to_vec(),
                });
                self.state.without_improvement = 0;
            } else {
                self.state.without_improvement += 1;
            }
        }
        Ok(())
    }

    /// The descent direction `⟨·⟩_model − ⟨·⟩_data` plus penalties into the gradient buffer, for
    /// the `batch` rows at the front of the visible buffer. Moves the chains; returns the mean of
    /// their visible units.
    fn gradient(&mut self, batch: usize, rng: &mut rand_chacha::ChaCha8Rng) -> f64 {
        let (visible, hidden) = (self.train.visible(), self.settings.hidden);
        let rbm = &self.state.rbm;
        let s = &mut self.scratch;
        let (chains, steps, persistent) = match self.settings.algorithm {
            Algorithm::Pcd { steps } => (self.settings.chains, steps, true),
            Algorithm::Cd { steps } => (batch, steps, false),
        };
        let rows = batch + chains;
        if persistent {
            s.hidden.copy_from_slice(&self.state.chains);
        } else {
            s.forward(rbm, 0..batch);
            let p = &s.probabilities[..batch * hidden];
            F::bernoulli_mask(rng, p, &mut s.hidden[..batch * hidden]);
        }
        for step in 0..steps {
            s.hidden_bits
                .pack(&s.hidden[..chains * hidden], chains, hidden);
            let p = &mut s.visible_probabilities[..chains * visible];
            multiply(
                &s.hidden_bits,
                &s.transposed,
                visible,
                Init::Bias(rbm.visible_bias()),
                p,
                &mut s.product,
            );
            vectorize(Sigmoid(p));
            let v = &mut s.visible[batch * visible..rows * visible];
            F::bernoulli_mask(rng, p, v);
            if step + 1 < steps {
                s.forward(rbm, batch..rows);
                let p = &s.probabilities[batch * hidden..rows * hidden];
                F::bernoulli_mask(rng, p, &mut s.hidden[..chains * hidden]);
            }
        }
        if persistent {
            s.forward(rbm, 0..rows);
            let p = &s.probabilities[batch * hidden..rows * hidden];
            F::bernoulli_mask(rng, p, &mut self.state.chains);
        } else {
            s.forward(rbm, batch..rows);
        }

        let gradient = &mut s.gradient;
        let p = &mut s.probabilities[..rows * hidden];
        let (on_data, on_chains) = (1.0 / batch as f64, 1.0 / chains as f64);
        column_sums(
            &p[..batch * hidden],
            F::from_f64(0.01 * on_data),
            F::from_f64(0.99),
            &mut self.state.hidden_mean,
        );
        vectorize(Scale(&mut p[..batch * hidden], F::from_f64(-on_data)));
        vectorize(Scale(&mut p[batch * hidden..], F::from_f64(on_chains)));
        let (weights, biases) = gradient.split_at_mut(visible * hidden);
        let (visible_bias, hidden_bias) = biases.split_at_mut(visible);
        let visible_rows = &s.visible[..rows * visible];
        s.bits.pack_transposed(visible_rows, rows, visible);
        multiply(&s.bits, p, hidden, Init::Zero, weights, &mut s.product);
        column_sums(p, F::ONE, F::ZERO, hidden_bias);
        let activity = visible_means(visible_rows, batch, visible_bias);

        if self.settings.centering {
            center(
                weights,
                visible_bias,
                hidden_bias,
                &self.base_rates,
                &self.state.hidden_mean,
            );
        }
        if self.settings.l1 > 0.0 || self.settings.l2 > 0.0 {
            vectorize(Decay {
                gradient: weights,
                weights: rbm.weights(),
                l1: F::from_f64(self.settings.l1),
                l2: F::from_f64(self.settings.l2),
            });
        }
        if let Some(sparsity) = self.settings.sparsity {
            let (target, strength) = (F::from_f64(sparsity.target), F::from_f64(sparsity.strength));
            for (g, q) in hidden_bias.iter_mut().zip(&self.state.hidden_mean) {
                *g += strength * (*q - target);
            }
        }
        activity
    }
}

/// The gradient of the centred parametrisation expressed in the plain parameters, in place:
/// `∇W ← ∇W − μ ∇cᵀ − ∇b λᵀ`, then `∇b ← ∇b − ∇W λ`, `∇c ← ∇c − ∇Wᵀ μ`, with the offsets `μ` of the
/// visible and `λ` of the hidden units (Melchior, Fischer and Wiskott 2016, eqs. 13–15).
fn center<F: Unit>(
    weights: &mut [F],
    visible_bias: &mut [F],
    hidden_bias: &mut [F],
    visible_offset: &[f64],
    hidden_offset: &[F],
) {
    let hidden = hidden_bias.len();
    let mut hidden_correction = vec![F::ZERO; hidden];
    for ((row, b), mu) in weights
        .chunks_exact_mut(hidden)
        .zip(visible_bias)
        .zip(visible_offset)
    {
        let mu = F::from_f64(*mu);
        let mut correction = F::ZERO;
        for (((w, c), lambda), h) in row
            .iter_mut()
            .zip(&*hidden_bias)
            .zip(hidden_offset)
            .zip(&mut hidden_correction)
        {
            *w = *w - mu * *c - *b * *lambda;
            correction += *w * *lambda;
            *h += *w * mu;
        }
        *b -= correction;
    }
    for (c, h) in hidden_bias.iter_mut().zip(&hidden_correction) {
        *c -= *h;
    }
}

/// `out = keep · out + factor · Σ_rows`, over the columns of a row-major matrix.
fn column_sums<F: Unit>(rows: &[F], factor: F, keep: F, out: &mut [F]) {
    let mut sums = vec![F::ZERO; out.len()];
    vectorize(ColumnSums {
        rows,
        sums: &mut sums,
    });
    for (o, s) in out.iter_mut().zip(&sums) {
        *o = keep * *o + factor * *s;
    }
}

struct ColumnSums<'a, F> {
    rows: &'a [F],
    sums: &'a mut [F],
}
impl<F: Unit> Vectorize for ColumnSums<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for row in self.rows.chunks_exact(self.sums.len()) {
            for (s, x) in self.sums.iter_mut().zip(row) {
                *s += *x;
            }
        }
    }
}

/// `out = mean over the chains − mean over the first `batch` rows`; returns the overall mean of
/// the chains.
fn visible_means<F: Unit>(rows: &[u8], batch: usize, out: &mut [F]) -> f64 {
    let visible = out.len();
    let count = |rows: &[u8]| {
        let mut sums = vec![0u32; visible];
        vectorize(ColumnCounts {
            rows,
            sums: &mut sums,
        });
        sums
    };
    let (data, chains) = rows.split_at(batch * visible);
    let chain_rows = (chains.len() / visible) as f64;
    let (on_data, on_chains) = (count(data), count(chains));
    for ((o, d), c) in out.iter_mut().zip(&on_data).zip(&on_chains) {
        *o = F::from_f64(f64::from(*c) / chain_rows - f64::from(*d) / batch as f64);
    }
    let ones: u64 = on_chains.iter().map(|c| u64::from(*c)).sum();
    ones as f64 / chains.len() as f64
}

struct ColumnCounts<'a> {
    rows: &'a [u8],
    sums: &'a mut [u32],
}
impl Vectorize for ColumnCounts<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for row in self.rows.chunks_exact(self.sums.len()) {
            for (s, x) in self.sums.iter_mut().zip(row) {
                *s += u32::from(*x);
            }
        }
    }
}

fn mean_free_energy<F: Unit>(rbm: &Rbm<F>, rows: &[u8]) -> f64 {
    let mut f = vec![0.0; rows.len() / rbm.visible()];
    rbm.free_energies(rows, &mut f);
    f.iter().sum::<f64>() / f.len() as f64
}

fn rms<F: Unit>(x: &[F]) -> f64 {
    let squares: f64 = x.iter().map(|x| x.to_f64() * x.to_f64()).sum();
    (squares / x.len() as f64).sqrt()
}

/// Whether no value is infinite or NaN: `0·x` is 0 for the others alone.
struct AllFinite<'a, F>(&'a [F]);
impl<F: Unit> Vectorize for AllFinite<'_, F> {
    type Output = bool;
    #[inline(always)]
    fn run(self) -> bool {
        let mut lanes = [F::ZERO; 64];
        let (chunks, rest) = self.0.as_chunks::<64>();
        for chunk in chunks {
            for (l, x) in lanes.iter_mut().zip(chunk) {
                *l += F::ZERO * *x;
            }
        }
        lanes.iter().all(|l| *l == F::ZERO) && rest.iter().all(|x| x.is_finite())
    }
}

/// `x ← σ(x)`.
struct Sigmoid<'a, F>(&'a mut [F]);
impl<F: Unit> Vectorize for Sigmoid<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for x in self.0 {
            *x = x.sigmoid();
        }
    }
}

/// `x ← a x`.
struct Scale<'a, F>(&'a mut [F], F);
impl<F: Unit> Vectorize for Scale<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for x in self.0 {
            *x *= self.1;
        }
    }
}

/// `g ← g + l2 W + l1 sign(W)`, with `sign(0) = 0`.
struct Decay<'a, F> {
    gradient: &'a mut [F],
    weights: &'a [F],
    l1: F,
    l2: F,
}
impl<F: Unit> Vectorize for Decay<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (g, w) in self.gradient.iter_mut().zip(self.weights) {
            let sign = if *w > F::ZERO {
                self.l1
            } else if *w < F::ZERO {
                -self.l1
            } else {
                F::ZERO
            };
            *g += self.l2 * *w + sign;
        }
    }
}
