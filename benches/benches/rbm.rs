//! Restricted Boltzmann machines: training, annealed importance sampling, exact enumeration.
//!
//! Training runs on the calling thread. What would use the current pool of threads (annealing,
//! enumeration) runs in a pool of one, whatever `RAYON_NUM_THREADS` says.

use criterion::{Criterion, criterion_group, criterion_main};
use ergodic_benches::{Case, close};
use ergodic_free_energy::{Ais, Ladder};
use ergodic_math::gemm::{self, GemmError};
use ergodic_math::simd::{Vectorize, vectorize};
use ergodic_math::special::{log_sum_exp, log1p_exp};
use ergodic_math::{elementary, rng};
use ergodic_models::data::digits;
use ergodic_models::rbm::{BlockGibbs, Data, Rbm, RbmPath, TrainSettings, Trainer};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPool;

/// The machine and the batch of the large cases, as in `peers/pcd_numpy.py`.
const VISIBLE: usize = 784;
const HIDDEN: usize = 500;
const BATCH: usize = 128;
const RATE: f64 = 0.01;
/// The part of a prototype's pixels that a row of [`prototypes`] flips.
const FLIPPED: f64 = 0.05;

/// More epochs than any benchmark runs: the schedule is constant.
const ENDLESS: usize = 1 << 30;

/// Ten random prototypes with 5 % of their pixels flipped, as in `peers/pcd_numpy.py`.
fn prototypes(rows: usize, visible: usize) -> Vec<u8> {
    let mut random = rng::stream(1, 0);
    let mut prototypes = vec![0u8; 10 * visible];
    rng::bernoulli_mask_f32(&mut random, &vec![0.2; 10 * visible], &mut prototypes);
    let mut bits = vec![0u8; rows * visible];
    let flips = vec![FLIPPED as f32; bits.len()];
    rng::bernoulli_mask_f32(&mut random, &flips, &mut bits);
    for row in bits.chunks_exact_mut(visible) {
        let label = rng::index(&mut random, 10);
        for (x, p) in row.iter_mut().zip(&prototypes[label * visible..]) {
            *x ^= p;
        }
    }
    bits
}

fn mean(bits: &[u8]) -> f64 {
    bits.iter().map(|b| f64::from(*b)).sum::<f64>() / bits.len() as f64
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A way to train by PCD-1 with plain gradient ascent.
trait Pcd: Sized {
    fn new(bits: Vec<u8>, visible: usize, settings: TrainSettings) -> Result<Self, String>;
    /// One pass over the rows.
    fn epoch(&mut self) -> Result<(), String>;
    fn machine(&self) -> &Rbm<f32>;
}

impl Pcd for Trainer<f32> {
    fn new(bits: Vec<u8>, visible: usize, settings: TrainSettings) -> Result<Self, String> {
        let data = Data::binary(bits.len() / visible, visible, bits).map_err(text)?;
        Self::new(settings, &data).map_err(text)
    }

    fn epoch(&mut self) -> Result<(), String> {
        Self::epoch(self).map(|_| ()).map_err(text)
    }

    fn machine(&self) -> &Rbm<f32> {
        self.current()
    }
}

/// `c += a·b` for row-major slices; `a` may be transposed, so that `a` is stored `k × m`.
trait DenseProduct {
    fn add(a: View<'_>, b: View<'_>, c: &mut [f32]);
}

/// A row-major matrix, perhaps to be read as its transpose.
#[derive(Clone, Copy)]
struct View<'a> {
    values: &'a [f32],
    columns: usize,
    transposed: bool,
}

impl<'a> View<'a> {
    fn of(values: &'a [f32], columns: usize) -> Self {
        Self {
            values,
            columns,
            transposed: false,
        }
    }

    fn t(self) -> Self {
        Self {
            transposed: !self.transposed,
            ..self
        }
    }
}

/// `ergodic_math::gemm`, that is `matrixmultiply`.
struct Gemm;
impl DenseProduct for Gemm {
    fn add(a: View<'_>, b: View<'_>, c: &mut [f32]) {
        fn view(x: View<'_>) -> Result<gemm::MatRef<'_, f32>, GemmError> {
            let rows = x.values.len() / x.columns;
            let stored = gemm::MatRef::from_slice(x.values, rows, x.columns, x.columns, 1)?;
            Ok(if x.transposed { stored.t() } else { stored })
        }
        let columns = width(b);
        let mut product = || {
            let rows = c.len() / columns;
            let c = gemm::MatMut::from_slice(&mut *c, rows, columns, columns, 1)?;
            gemm::gemm(1.0, view(a)?, view(b)?, 1.0, c)
        };
        if let Err(error) = product() {
            panic!("{error}");
        }
    }
}

/// The product of `faer`.
#[cfg(feature = "peers")]
struct Faer;
#[cfg(feature = "peers")]
impl DenseProduct for Faer {
    fn add(a: View<'_>, b: View<'_>, c: &mut [f32]) {
        fn view(x: View<'_>) -> faer::MatRef<'_, f32> {
            let rows = x.values.len() / x.columns;
            let stored = faer::MatRef::from_row_major_slice(x.values, rows, x.columns);
            if x.transposed {
                stored.transpose()
            } else {
                stored
            }
        }
        let columns = width(b);
        let rows = c.len() / columns;
        let c = faer::MatMut::from_row_major_slice_mut(c, rows, columns);
        let (a, b, add) = (view(a), view(b), faer::Accum::Add);
        faer::linalg::matmul::matmul(c, add, a, b, 1.0, faer::Par::Seq);
    }
}

/// The number of columns as read.
fn width(x: View<'_>) -> usize {
    if x.transposed {
        x.values.len() / x.columns
    } else {
        x.columns
    }
}

/// PCD-1 by dense products, as good as they allow: one product for the hidden inputs of batch and
/// chains together, the weights never transposed in memory, statistics added to the weights
/// straight from the product, everything else by the bulk functions that the trainer uses.
struct Dense<K> {
    settings: TrainSettings,
    data: Vec<u8>,
    machine: Rbm<f32>,
    random: ChaCha8Rng,
    /// Batch, then chains: `(B + C) × V`.
    visible: Vec<f32>,
    /// Hidden units of the chains: `C × H`.
    hidden: Vec<f32>,
    /// Hidden probabilities of batch and chains, then their shares of the gradient.
    probabilities: Vec<f32>,
    visible_probabilities: Vec<f32>,
    mask: Vec<u8>,
    kernel: std::marker::PhantomData<K>,
}

impl<K: DenseProduct> Pcd for Dense<K> {
    fn new(data: Vec<u8>, visible: usize, settings: TrainSettings) -> Result<Self, String> {
        let (batch, chains, hidden) = (settings.batch, settings.chains, settings.hidden);
        let rows = data.len() / visible;
        if !rows.is_multiple_of(batch) {
            return Err(format!("{rows} rows are no whole number of batches"));
        }
        let rates = Data::binary(rows, visible, data.clone())
            .map_err(text)?
            .base_rates();
        let (std, seed) = (settings.weight_std, settings.seed);
        Ok(Self {
            machine: Rbm::from_base_rates(&rates, hidden, std, seed).map_err(text)?,
            random: rng::stream(seed, 1),
            visible: vec![0.0; (batch + chains) * visible],
            hidden: vec![0.0; chains * hidden],
            probabilities: vec![0.0; (batch + chains) * hidden],
            visible_probabilities: vec![0.0; chains * visible],
            mask: vec![0; chains * visible.max(hidden)],
            kernel: std::marker::PhantomData,
            settings,
            data,
        })
    }

    fn epoch(&mut self) -> Result<(), String> {
        let rows = self.data.len() / self.machine.visible();
        for first in (0..rows).step_by(self.settings.batch) {
            self.update(first);
        }
        Ok(())
    }

    fn machine(&self) -> &Rbm<f32> {
        &self.machine
    }
}

impl<K: DenseProduct> Dense<K> {
    fn update(&mut self, first: usize) {
        let (v, h) = (self.machine.visible(), self.machine.hidden());
        let (batch, chains) = (self.settings.batch, self.settings.chains);
        let random = &mut self.random;
        let (rows, chain_rows) = self.visible.split_at_mut(batch * v);
        vectorize(Floats(&self.data[first * v..][..batch * v], rows));

        let p = &mut self.visible_probabilities;
        fill_rows(self.machine.visible_bias(), p);
        let weights = View::of(self.machine.weights(), h);
        K::add(View::of(&self.hidden, h), weights.t(), p);
        elementary::sigmoid_slice(p);
        let mask = &mut self.mask[..chains * v];
        rng::bernoulli_mask_f32(random, p, mask);
        vectorize(Floats(mask, chain_rows));

        let p = &mut self.probabilities;
        fill_rows(self.machine.hidden_bias(), p);
        K::add(View::of(&self.visible, v), weights, p);
        elementary::sigmoid_slice(p);
        let mask = &mut self.mask[..chains * h];
        rng::bernoulli_mask_f32(random, &p[batch * h..], mask);
        vectorize(Floats(mask, &mut self.hidden));

        let rate = self.settings.learning_rate as f32;
        let share = |row: usize| {
            if row < batch {
                rate / batch as f32
            } else {
                -rate / chains as f32
            }
        };
        // Sums apart: a row's share alone is near the last bit of a bias.
        let mut sums = vec![0f32; v + h];
        let (visible_sums, hidden_sums) = sums.split_at_mut(v);
        for (row, p) in p.chunks_exact_mut(h).enumerate() {
            vectorize(Scale(p, share(row)));
            vectorize(AddScaled(hidden_sums, p, 1.0));
        }
        for (row, x) in self.visible.chunks_exact(v).enumerate() {
            vectorize(AddScaled(visible_sums, x, share(row)));
        }
        let biases = &mut self.machine.parameters_mut()[v * h..];
        vectorize(AddScaled(biases, &sums, 1.0));
        let visible = View::of(&self.visible, v);
        K::add(visible.t(), View::of(p, h), self.machine.weights_mut());
    }
}

fn fill_rows(row: &[f32], out: &mut [f32]) {
    for out in out.chunks_exact_mut(row.len()) {
        out.copy_from_slice(row);
    }
}

struct Floats<'a>(&'a [u8], &'a mut [f32]);
impl Vectorize for Floats<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (o, b) in self.1.iter_mut().zip(self.0) {
            *o = f32::from(*b);
        }
    }
}

struct Scale<'a>(&'a mut [f32], f32);
impl Vectorize for Scale<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for x in self.0 {
            *x *= self.1;
        }
    }
}

struct AddScaled<'a>(&'a mut [f32], &'a [f32], f32);
impl Vectorize for AddScaled<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (o, x) in self.0.iter_mut().zip(self.1) {
            *o += self.2 * x;
        }
    }
}

/// The mean update of a small machine is the exact gradient of its log-likelihood.
///
/// 11 visible units can be enumerated; 70 hidden ones make a full strip of columns and a ragged
/// one. At this rate the machine hardly moves during the updates; the gradient is taken where it is
/// midway. The tolerance is some six standard errors of 128 chains over the updates for the biases
/// of visible units, the noisiest components; the root mean square of the gradient is 0.13.
fn check_gradient<T: Pcd>() -> Result<(), String> {
    const UPDATES: usize = 6000;
    let visible = 11;
    let settings = TrainSettings {
        hidden: 70,
        epochs: ENDLESS,
        batch: 128,
        chains: 128,
        learning_rate: 5e-6,
        weight_std: 0.3,
        ..Default::default()
    };
    let rate = settings.learning_rate;
    let bits = prototypes(128, visible);
    let mut training = T::new(bits.clone(), visible, settings)?;
    for _ in 0..200 {
        training.epoch()?;
    }
    let before = training.machine().to_f64();
    for _ in 0..UPDATES {
        training.epoch()?;
    }
    let after = training.machine().to_f64();
    let mut middle = before.clone();
    for (m, a) in middle.parameters_mut().iter_mut().zip(after.parameters()) {
        *m = 0.5 * (*m + a);
    }
    let exact = middle.log_likelihood_gradient_exact(&bits).map_err(text)?;
    let moved = after.parameters().iter().zip(before.parameters());
    for (i, ((a, b), exact)) in moved.zip(&exact).enumerate() {
        let found = (a - b) / (rate * UPDATES as f64);
        let error = (found - exact).abs();
        if error.is_nan() || error > 0.006 {
            return Err(format!(
                "component {i} of the gradient is {found}, not {exact}"
            ));
        }
    }
    Ok(())
}

fn pcd_settings(chains: usize) -> TrainSettings {
    TrainSettings {
        hidden: HIDDEN,
        epochs: ENDLESS,
        batch: BATCH,
        chains,
        learning_rate: RATE,
        ..Default::default()
    }
}

/// One epoch of PCD-1 of the large machine per call.
fn pcd<T: Pcd>(criterion: &mut Criterion, case: Case, rows: usize, chains: usize) {
    let bits = prototypes(rows, VISIBLE);
    let sample = bits[..50 * VISIBLE].to_vec();
    case.long().run(
        criterion,
        || T::new(bits, VISIBLE, pcd_settings(chains)).unwrap_or_else(|e| panic!("{e}")),
        |training| {
            check_gradient::<T>()?;
            // The law that drew the rows is known: pixels are independent given a prototype that
            // the other pixels betray, so no machine predicts them better than its flips.
            let best =
                VISIBLE as f64 * (FLIPPED * FLIPPED.ln() + (1.0 - FLIPPED) * (1.0 - FLIPPED).ln());
            let score = |rbm: &Rbm<f32>| rbm.pseudo_log_likelihood(&sample).map_err(text);
            let before = score(training.machine())?;
            for _ in 0..256 * BATCH / rows {
                training.epoch()?;
            }
            let after = score(training.machine())?;
            if after > 0.5 * (before + best) && after < best + 10.0 {
                return Ok(());
            }
            Err(format!(
                "256 updates lift the pseudo-log-likelihood from {before} to {after}; it should \
                 come half the way to {best}"
            ))
        },
        |training| {
            let done = training.epoch();
            debug_assert!(done.is_ok());
        },
    );
}

fn training(criterion: &mut Criterion) {
    let rows = 64 * BATCH;
    pcd::<Trainer<f32>>(
        criterion,
        Case::rate("rbm/pcd_784x500_b128_c128_f32", "updates/s", 64.0)
            .peer_script("NumPy, default", "pcd_numpy.py", &[])
            .peer_script(
                "NumPy, SkylakeX",
                "pcd_numpy.py",
                &["--coretype", "SkylakeX"],
            ),
        rows,
        BATCH,
    );
    // A quarter of the rows: an update with 2000 chains takes nine times as long.
    let (rows, updates) = (16 * BATCH, 16.0);
    let case = |suffix| {
        let id = format!("rbm/pcd_784x500_b128_c2000_f32{suffix}");
        Case::rate(&id, "updates/s", updates)
    };
    let ours = case("");
    #[cfg(feature = "peers")]
    let ours = ours.peer_case(
        "dense products of faer",
        "rbm/pcd_784x500_b128_c2000_f32_faer",
    );
    pcd::<Trainer<f32>>(
        criterion,
        ours.peer_case(
            "dense products of gemm",
            "rbm/pcd_784x500_b128_c2000_f32_gemm",
        )
        .peer_script(
            "NumPy, SkylakeX",
            "pcd_numpy.py",
            &["--coretype", "SkylakeX", "--chains", "2000"],
        ),
        rows,
        2000,
    );
    #[cfg(feature = "peers")]
    pcd::<Dense<Faer>>(criterion, case("_faer"), rows, 2000);
    pcd::<Dense<Gemm>>(criterion, case("_gemm"), rows, 2000);
}

/// The case of `peers/sklearn_rbm.py`: the same rows, sizes and rate; as many chains as rows in a
/// batch, as there.
fn on_digits(criterion: &mut Criterion) {
    let (rows, _) = digits().binary_split();
    let bits: Vec<u8> = rows.iter().map(|x| u8::from(*x > 0.5)).collect();
    let settings = TrainSettings {
        hidden: 256,
        epochs: ENDLESS,
        batch: 64,
        chains: 64,
        learning_rate: 0.05,
        ..Default::default()
    };
    Case::rate("rbm/digits_256_b64", "epochs/s", 1.0)
        .peer_script("scikit-learn", "sklearn_rbm.py", &[])
        .run(
            criterion,
            || {
                let training = <Trainer<f32> as Pcd>::new(bits.clone(), 64, settings);
                training.unwrap_or_else(|e| panic!("{e}"))
            },
            |training| {
                check_gradient::<Trainer<f32>>()?;
                let score = |rbm: &Rbm<f32>| rbm.pseudo_log_likelihood(&bits).map_err(text);
                // Before training this is the entropy of independent pixels.
                let before = score(training.current())?;
                for _ in 0..20 {
                    Pcd::epoch(training)?;
                }
                let report = training.epoch().map_err(text)?;
                let after = score(training.current())?;
                if after.is_nan() || after < before + 3.0 {
                    return Err(format!("pseudo-log-likelihood from {before} to {after}"));
                }
                close(
                    "activity of the chains",
                    report.chain_activity,
                    mean(&bits),
                    0.1,
                )
            },
            |training| {
                let done = training.epoch();
                debug_assert!(done.is_ok());
            },
        );
}

/// A pool of one thread.
fn alone() -> ThreadPool {
    match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool,
        Err(error) => panic!("{error}"),
    }
}

/// A machine with normal weights and biases, on the first `coupled` of its hidden units alone: the
/// others are independent coins with their biases.
fn random_machine(visible: usize, hidden: usize, coupled: usize, std: f64) -> Rbm<f32> {
    let mut random = rng::stream(3, 0);
    let mut parameters = vec![0f32; visible * hidden + visible + hidden];
    rng::fill_normal_f32(&mut random, &mut parameters);
    let (weights, biases) = parameters.split_at_mut(visible * hidden);
    for row in weights.chunks_exact_mut(hidden) {
        row[coupled..].fill(0.0);
        for w in row {
            *w *= std as f32;
        }
    }
    for b in biases {
        *b *= 0.5;
    }
    match Rbm::from_parameters(visible, hidden, parameters) {
        Ok(machine) => machine,
        Err(error) => panic!("{error}"),
    }
}

/// log Z of a [`random_machine`]: its coupled part by enumeration, the rest in closed form.
fn log_z_by_parts(machine: &Rbm<f32>, coupled: usize) -> Result<f64, String> {
    let (visible, hidden) = (machine.visible(), machine.hidden());
    let mut parameters = Vec::with_capacity(visible * coupled + visible + coupled);
    for row in machine.weights().chunks_exact(hidden) {
        parameters.extend_from_slice(&row[..coupled]);
    }
    parameters.extend_from_slice(machine.visible_bias());
    let (inside, outside) = machine.hidden_bias().split_at(coupled);
    parameters.extend_from_slice(inside);
    let part = Rbm::from_parameters(visible, coupled, parameters).map_err(text)?;
    let coins: f64 = outside.iter().map(|c| log1p_exp(f64::from(*c))).sum();
    Ok(part.log_z_exact().map_err(text)? + coins)
}

/// `log Z` by 100 chains in one block, with the estimate of its standard error.
fn anneal(
    pool: &ThreadPool,
    machine: &Rbm<f32>,
    rates: &[f64],
    steps: usize,
) -> Result<(f64, f64), String> {
    let path = RbmPath::new(machine, rates).map_err(text)?;
    let ais = Ais::builder()
        .ladder(Ladder::linear(steps).map_err(text)?)
        .runs(100)
        .block(100)
        .seed(1)
        .build()
        .map_err(text)?;
    let result = pool.install(|| ais.run(&path, &BlockGibbs)).map_err(text)?;
    let estimate = result.log_z.estimate;
    Ok((estimate.value, estimate.std_err))
}

fn annealing(criterion: &mut Criterion) {
    Case::seconds("rbm/ais_784x500_100x10000", 1.0)
        .peer_script(
            "NumPy, SkylakeX",
            "rbm_numpy.py",
            &["ais", "--coretype", "SkylakeX"],
        )
        .long()
        .run(
            criterion,
            || {
                // A machine that has learnt for some epochs: its path is not trivial.
                let bits = prototypes(16 * BATCH, VISIBLE);
                let training = <Trainer<f32> as Pcd>::new(bits, VISIBLE, pcd_settings(BATCH))
                    .and_then(|mut t| (0..20).try_for_each(|_| Pcd::epoch(&mut t)).map(|()| t));
                match training {
                    Ok(t) => (alone(), t.current().clone(), t.base_rates().to_vec()),
                    Err(error) => panic!("{error}"),
                }
            },
            |(pool, _, _)| {
                // The same size, with a log Z that is known.
                for (visible, hidden, std) in [(VISIBLE, HIDDEN, 0.1), (30, 20, 0.5)] {
                    let machine = random_machine(visible, hidden, 10, std);
                    let exact = log_z_by_parts(&machine, 10)?;
                    let (found, error) = anneal(pool, &machine, &vec![0.3; visible], 1000)?;
                    if !(error < 0.2 && (found - exact).abs() < 6.0 * error) {
                        return Err(format!("log Z is {found} ± {error}, not {exact}"));
                    }
                }
                Ok(())
            },
            |(pool, machine, rates)| {
                let found = anneal(pool, machine, rates, 10_000);
                assert!(found.is_ok_and(|(log_z, _)| log_z.is_finite()));
            },
        );
}

/// 20 hidden units of which each has three of 64 visible units for itself: `log Z` in closed form.
fn clusters() -> (Rbm<f32>, f64) {
    let (visible, hidden) = (64, 20);
    let mut machine = random_machine(visible, hidden, hidden, 1.0);
    let owner = |i: usize| i / 3;
    for (i, row) in machine.weights_mut().chunks_exact_mut(hidden).enumerate() {
        for (j, w) in row.iter_mut().enumerate() {
            if owner(i) != j {
                *w = 0.0;
            }
        }
    }
    let soft = |x: f32| log1p_exp(f64::from(x));
    let b = machine.visible_bias();
    let free: f64 = (3 * hidden..visible).map(|i| soft(b[i])).sum();
    let owned: f64 = (0..hidden)
        .map(|j| {
            let units = 3 * j..3 * j + 3;
            let off: f64 = units.clone().map(|i| soft(b[i])).sum();
            let on: f64 = units
                .map(|i| log1p_exp(f64::from(b[i]) + f64::from(machine.weights()[i * hidden + j])))
                .sum();
            log_sum_exp(&[off, on + f64::from(machine.hidden_bias()[j])])
        })
        .sum();
    (machine, free + owned)
}

fn enumeration(criterion: &mut Criterion) {
    Case::rate("rbm/exact_log_z_20", "states/s", (1u64 << 20) as f64)
        .peer_script("NumPy", "rbm_numpy.py", &["exact"])
        .long()
        .run(
            criterion,
            || (alone(), random_machine(64, 20, 20, 1.0)),
            |(pool, _)| {
                let (machine, exact) = clusters();
                let found = pool.install(|| machine.log_z_exact()).map_err(text)?;
                close("log Z of clusters", found, exact, 1e-13)
            },
            |(pool, machine)| {
                let found = pool.install(|| machine.log_z_exact());
                assert!(found.is_ok_and(f64::is_finite));
            },
        );
}

criterion_group!(benches, training, on_digits, annealing, enumeration);
criterion_main!(benches);
