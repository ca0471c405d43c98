//! Numerics: bulk random draws and special functions.

use criterion::{Criterion, criterion_group, criterion_main};
use ergodic_benches::{Case, close};
use ergodic_math::{rng, special};
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

/// Points on which a special function is evaluated: `[−30, 30]`, evenly.
fn points() -> Vec<f64> {
    (0..N)
        .map(|i| 60.0 * i as f64 / (N - 1) as f64 - 30.0)
        .collect()
}

fn special_functions(criterion: &mut Criterion) {
    Case::rate("math/special/sigmoid-f64", "elements/s", N as f64)
        .peer_script("NumPy", "math_numpy.py", &["sigmoid-f64"])
        .run(
            criterion,
            || (points(), vec![0f64; N]),
            |(x, out)| {
                for (o, &x) in out.iter_mut().zip(x.iter()) {
                    *o = special::sigmoid(x);
                    close("the sigmoid", *o, 1.0 / (1.0 + libm::exp(-x)), 1e-15)?;
                }
                Ok(())
            },
            |(x, out)| {
                for (o, &x) in out.iter_mut().zip(x.iter()) {
                    *o = special::sigmoid(x);
                }
            },
        );
    Case::rate("math/special/log1p_exp-f64", "elements/s", N as f64)
        .peer_script("NumPy logaddexp", "math_numpy.py", &["log1p_exp-f64"])
        .run(
            criterion,
            || (points(), vec![0f64; N]),
            |(x, out)| {
                for (o, &x) in out.iter_mut().zip(x.iter()) {
                    *o = special::log1p_exp(x);
                    let exact = libm::log1p(libm::exp(-x.abs())) + x.max(0.0);
                    close("log(1 + exp x)", *o, exact, 1e-15)?;
                }
                Ok(())
            },
            |(x, out)| {
                for (o, &x) in out.iter_mut().zip(x.iter()) {
                    *o = special::log1p_exp(x);
                }
            },
        );
}

criterion_group!(benches, random, special_functions);
criterion_main!(benches);
