//! Numerics: bulk random draws, elementary functions over slices, matrix products.

use std::marker::PhantomData;

use criterion::{Criterion, criterion_group, criterion_main};
use ergodic_benches::{Case, close};
use ergodic_math::binary::{self, Init, PackedBits, Scratch};
use ergodic_math::gemm::{GemmError, MatMut, MatRef, gemm};
use ergodic_math::simd::{Vectorize, vectorize};
use ergodic_math::{Real, rng};
use rand::Rng;

/// Elements per call: the buffers stay in the second-level cache.
const N: usize = 1 << 16;

fn gigabytes(bytes_per_element: usize) -> f64 {
    (N * bytes_per_element) as f64 * 1e-9
}

/// The mean of `n` draws with standard deviation `deviation` lies within six standard errors.
fn mean_of(draws: impl Iterator<Item = f64>, exact: f64, deviation: f64) -> Result<(), String> {
    let mean = draws.sum::<f64>() / N as f64;
    let allowed = 6.0 * deviation / (N as f64).sqrt();
    if (mean - exact).abs() <= allowed {
        return Ok(());
    }
    Err(format!("the mean is {mean}, not {exact} ± {allowed}"))
}

const UNIFORM_DEVIATION: f64 = 0.288_675_134_594_812_9; // 1/√12

fn random(criterion: &mut Criterion) {
    Case::rate("math/rng/words", "GB/s", gigabytes(8))
        .peer_case("next_u64 in a loop", "math/rng/words-one-by-one")
        .run(
            criterion,
            || (rng::stream(1, 0), vec![0u64; N]),
            |(random, words)| {
                let mut same = random.clone();
                rng::fill_u64(random, words);
                match words.iter().position(|&w| w != same.next_u64()) {
                    None => Ok(()),
                    Some(i) => Err(format!("word {i} is not the stream's")),
                }
            },
            |(random, words)| rng::fill_u64(random, words),
        );
    Case::rate("math/rng/words-one-by-one", "GB/s", gigabytes(8)).run(
        criterion,
        || (rng::stream(1, 0), vec![0u64; N]),
        |_| Ok(()),
        |(random, words)| words.fill_with(|| random.next_u64()),
    );
    Case::rate("math/rng/uniform-f64", "GB/s", gigabytes(8))
        .peer_script("NumPy PCG64", "math_numpy.py", &["uniform-f64"])
        .run(
            criterion,
            || (rng::stream(1, 0), vec![0f64; N]),
            |(random, out)| {
                let mut same = random.clone();
                rng::fill_uniform(random, out);
                match out.iter().position(|&u| u != rng::uniform(&mut same)) {
                    None => Ok(()),
                    Some(i) => Err(format!("draw {i} is not the stream's")),
                }
            },
            |(random, out)| rng::fill_uniform(random, out),
        );
    Case::rate("math/rng/uniform-f32", "GB/s", gigabytes(4))
        .peer_script("NumPy PCG64", "math_numpy.py", &["uniform-f32"])
        .run(
            criterion,
            || (rng::stream(1, 0), vec![0f32; N]),
            |(random, out)| {
                rng::fill_uniform_f32(random, out);
                mean_of(out.iter().map(|&u| f64::from(u)), 0.5, UNIFORM_DEVIATION)
            },
            |(random, out)| rng::fill_uniform_f32(random, out),
        );
    Case::rate("math/rng/normal-f64", "GB/s", gigabytes(8))
        .peer_script("NumPy PCG64", "math_numpy.py", &["normal-f64"])
        .run(
            criterion,
            || (rng::stream(1, 0), vec![0f64; N]),
            |(random, out)| {
                rng::fill_normal(random, out);
                mean_of(out.iter().copied(), 0.0, 1.0)?;
                mean_of(out.iter().map(|z| z * z), 1.0, 2f64.sqrt())
            },
            |(random, out)| rng::fill_normal(random, out),
        );
    Case::rate("math/rng/bernoulli-f32", "draws/s", N as f64)
        .peer_script("NumPy PCG64", "math_numpy.py", &["bernoulli-f32"])
        .run(
            criterion,
            || (rng::stream(1, 0), vec![0.3f32; N], vec![0u8; N]),
            |(random, p, out)| {
                rng::bernoulli_mask_f32(random, p, out);
                mean_of(out.iter().map(|&b| f64::from(b)), 0.3, 0.21f64.sqrt())
            },
            |(random, p, out)| rng::bernoulli_mask_f32(random, p, out),
        );
}

/// Points on which a function is evaluated: `[−30, 30]`, evenly.
fn points<F: Real>() -> Vec<F> {
    (0..N)
        .map(|i| F::from_f64(60.0 * i as f64 / (N - 1) as f64 - 30.0))
        .collect()
}

/// One of the functions of [`Real`] over a slice, compiled for the processor's instruction set.
trait Elementwise<F> {
    fn at(x: F) -> F;
    /// The same in `f64` from `libm`.
    fn exact(x: f64) -> f64;
}

struct Sigmoid;
impl<F: Real> Elementwise<F> for Sigmoid {
    #[inline(always)]
    fn at(x: F) -> F {
        x.sigmoid()
    }
    fn exact(x: f64) -> f64 {
        1.0 / (1.0 + libm::exp(-x))
    }
}

struct Softplus;
impl<F: Real> Elementwise<F> for Softplus {
    #[inline(always)]
    fn at(x: F) -> F {
        x.log1p_exp()
    }
    fn exact(x: f64) -> f64 {
        libm::log1p(libm::exp(-x.abs())) + x.max(0.0)
    }
}

struct Exp;
impl<F: Real> Elementwise<F> for Exp {
    #[inline(always)]
    fn at(x: F) -> F {
        x.exp()
    }
    fn exact(x: f64) -> f64 {
        libm::exp(x)
    }
}

struct Map<'a, F, E>(&'a [F], &'a mut [F], PhantomData<E>);
impl<F: Real, E: Elementwise<F>> Vectorize for Map<'_, F, E> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (o, &x) in self.1.iter_mut().zip(self.0) {
            *o = E::at(x);
        }
    }
}

/// Times one function in one precision after comparing every point with `libm`.
fn elementwise<F: Real, E: Elementwise<F>>(criterion: &mut Criterion, name: &str, error: f64) {
    Case::rate(&format!("math/elementary/{name}"), "elements/s", N as f64)
        .peer_script("NumPy", "math_numpy.py", &[name])
        .run(
            criterion,
            || (points::<F>(), vec![F::ZERO; N]),
            |(x, out)| {
                vectorize(Map(x, out, PhantomData::<E>));
                out.iter().zip(x).try_for_each(|(o, x)| {
                    let (x, o) = (x.to_f64(), o.to_f64());
                    close(&format!("{name}({x})"), o, E::exact(x), error)
                })
            },
            |(x, out)| vectorize(Map(x, out, PhantomData::<E>)),
        );
}

fn elementary(criterion: &mut Criterion) {
    elementwise::<f32, Exp>(criterion, "exp-f32", 1e-6);
    elementwise::<f64, Exp>(criterion, "exp-f64", 1e-15);
    elementwise::<f32, Sigmoid>(criterion, "sigmoid-f32", 1e-6);
    elementwise::<f64, Sigmoid>(criterion, "sigmoid-f64", 1e-15);
    elementwise::<f32, Softplus>(criterion, "log1p_exp-f32", 1e-6);
    elementwise::<f64, Softplus>(criterion, "log1p_exp-f64", 1e-15);
}

/// The shape of one layer of a 784×500 machine with 128 chains.
const ROWS: usize = 128;
const INPUTS: usize = 784;
const COLUMNS: usize = 500;

/// A binary matrix and a dense one, both row-major.
fn operands() -> (Vec<u8>, Vec<f32>) {
    let mut random = rng::stream(1, 0);
    let mut bits = vec![0u8; ROWS * INPUTS];
    rng::bernoulli_mask_f32(&mut random, &vec![0.5; bits.len()], &mut bits);
    let mut weights = vec![0f32; INPUTS * COLUMNS];
    rng::fill_normal_f32(&mut random, &mut weights);
    (bits, weights)
}

/// Compares every element of `B·W` with its sum in `f64`, to the rounding of `f32` sums.
fn check_product(bits: &[u8], weights: &[f32], found: &[f32]) -> Result<(), String> {
    let mut exact = vec![0f64; COLUMNS];
    let mut magnitude = vec![0f64; COLUMNS];
    for (r, found) in found.chunks_exact(COLUMNS).enumerate() {
        exact.fill(0.0);
        magnitude.fill(0.0);
        let row = &bits[r * INPUTS..][..INPUTS];
        for (w, _) in weights
            .chunks_exact(COLUMNS)
            .zip(row)
            .filter(|(_, b)| **b == 1)
        {
            for ((e, m), w) in exact.iter_mut().zip(&mut magnitude).zip(w) {
                *e += f64::from(*w);
                *m += f64::from(w.abs());
            }
        }
        for (j, ((e, m), f)) in exact.iter().zip(&magnitude).zip(found).enumerate() {
            let allowed = INPUTS as f64 * f64::from(f32::EPSILON) * m;
            if (e - f64::from(*f)).abs() > allowed {
                return Err(format!("element ({r}, {j}) is {f}, not {e} ± {allowed}"));
            }
        }
    }
    Ok(())
}

/// `out = A·B` through strided views of row-major slices.
fn dense_product(a: &[f32], b: &[f32], out: &mut [f32]) -> Result<(), String> {
    let text = |e: GemmError| e.to_string();
    let a = MatRef::from_slice(a, ROWS, INPUTS, INPUTS, 1).map_err(text)?;
    let b = MatRef::from_slice(b, INPUTS, COLUMNS, COLUMNS, 1).map_err(text)?;
    let out = MatMut::from_slice(out, ROWS, COLUMNS, COLUMNS, 1).map_err(text)?;
    gemm(1.0, a, b, 0.0, out).map_err(text)
}

fn products(criterion: &mut Criterion) {
    let flop = 2.0 * (ROWS * INPUTS * COLUMNS) as f64;
    // The operands of the binary case, so that the two can be compared and checked alike.
    Case::rate("math/gemm/128x784x500-f32", "GFLOP/s", flop * 1e-9)
        .peer_script("NumPy sgemm", "math_numpy.py", &["gemm-f32"])
        .peer_script(
            "NumPy sgemm, SkylakeX",
            "math_numpy.py",
            &["gemm-f32", "--coretype", "SkylakeX"],
        )
        .run(
            criterion,
            || {
                let (bits, weights) = operands();
                let dense: Vec<f32> = bits.iter().map(|&b| f32::from(b)).collect();
                let out = vec![0f32; ROWS * COLUMNS];
                (bits, dense, weights, out)
            },
            |(bits, dense, weights, out)| {
                dense_product(dense, weights, out)?;
                check_product(bits, weights, out)
            },
            |(_, dense, weights, out)| {
                let done = dense_product(dense, weights, out);
                debug_assert!(done.is_ok());
            },
        );
    Case::rate("math/binary/128x784x500-f32", "GFLOP/s", flop * 1e-9)
        .peer_script("NumPy sgemm", "math_numpy.py", &["gemm-f32"])
        .peer_script(
            "NumPy sgemm, SkylakeX",
            "math_numpy.py",
            &["gemm-f32", "--coretype", "SkylakeX"],
        )
        .run(
            criterion,
            || {
                let (bits, weights) = operands();
                let out = vec![0f32; ROWS * COLUMNS];
                (
                    bits,
                    weights,
                    PackedBits::default(),
                    Scratch::default(),
                    out,
                )
            },
            |(bits, weights, packed, scratch, out)| {
                packed.pack(bits, ROWS, INPUTS);
                binary::multiply(packed, weights, COLUMNS, Init::Zero, out, scratch);
                check_product(bits, weights, out)
            },
            |(bits, weights, packed, scratch, out)| {
                packed.pack(bits, ROWS, INPUTS);
                binary::multiply(packed, weights, COLUMNS, Init::Zero, out, scratch);
            },
        );
}

criterion_group!(benches, random, elementary, products);
criterion_main!(benches);
