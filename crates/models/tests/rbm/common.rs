//! Machines, data and reference formulas that the tests share, written as the definitions read.

use ergodic_core::Randomness;
use ergodic_math::rng;
use ergodic_models::rbm::{Rbm, Unit};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// `n` bits of `s`, least significant first.
pub(crate) fn bits(s: usize, n: usize) -> Vec<u8> {
    (0..n).map(|i| (s >> i & 1) as u8).collect()
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

pub(crate) fn log_sum_exp(x: &[f64]) -> f64 {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + x.iter().map(|x| (x - top).exp()).sum::<f64>().ln()
}

/// Parameters uniform on `(−scale, scale)`.
pub(crate) fn random<F: Unit>(visible: usize, hidden: usize, scale: f64, seed: u64) -> Rbm<F> {
    let mut rng = rng::stream(seed, 1);
    let parameters = (0..visible * hidden + visible + hidden)
        .map(|_| F::from_f64(scale * (2.0 * Randomness::uniform(&mut rng) - 1.0)))
        .collect();
    Rbm::from_parameters(visible, hidden, parameters).unwrap()
}

/// The same joint law with the layers exchanged.
pub(crate) fn transposed(rbm: &Rbm<f64>) -> Rbm<f64> {
    let (visible, hidden) = (rbm.visible(), rbm.hidden());
    let mut parameters = Vec::new();
    for j in 0..hidden {
        parameters.extend((0..visible).map(|i| rbm.weights()[i * hidden + j]));
    }
    parameters.extend(rbm.hidden_bias());
    parameters.extend(rbm.visible_bias());
    Rbm::from_parameters(hidden, visible, parameters).unwrap()
}

/// Two copies of a machine side by side, without couplings between them.
pub(crate) fn twice(part: &Rbm<f64>) -> Rbm<f64> {
    let (n, m) = (part.visible(), part.hidden());
    let mut both = Rbm::<f64>::zeros(2 * n, 2 * m).unwrap();
    for i in 0..2 * n {
        for j in 0..2 * m {
            if i / n == j / m {
                both.weights_mut()[i * 2 * m + j] = part.weights()[i % n * m + j % m];
            }
        }
        both.visible_bias_mut()[i] = part.visible_bias()[i % n];
    }
    for j in 0..2 * m {
        both.hidden_bias_mut()[j] = part.hidden_bias()[j % m];
    }
    both
}

/// `W_ij = ½ sin(1 + 3i + 2j)`, `b_i = cos(i)/10`, `c_j = −0.2 + 0.1 j`; 6 visible, 4 hidden.
pub(crate) fn oracle() -> Rbm<f64> {
    let mut parameters = Vec::new();
    for i in 0..6 {
        parameters.extend((0..4).map(|j| 0.5 * f64::from(1 + 3 * i + 2 * j).sin()));
    }
    parameters.extend((0..6).map(|i| 0.1 * f64::from(i).cos()));
    parameters.extend((0..4).map(|j| -0.2 + 0.1 * f64::from(j)));
    Rbm::from_parameters(6, 4, parameters).unwrap()
}

/// `log Z` as the sum over all joint states.
pub(crate) fn brute_log_z<F: Unit>(rbm: &Rbm<F>) -> f64 {
    let mut terms = Vec::new();
    for v in 0..1 << rbm.visible() {
        for h in 0..1 << rbm.hidden() {
            terms.push(-rbm.joint_energy(&bits(v, rbm.visible()), &bits(h, rbm.hidden())));
        }
    }
    log_sum_exp(&terms)
}

/// `σ(scale (c + v·W))` and `σ(scale h·Wᵀ + a)`, from the definition.
pub(crate) struct Conditionals<'a> {
    pub(crate) rbm: &'a Rbm<f64>,
    pub(crate) scale: f64,
    pub(crate) visible_bias: Vec<f64>,
}

impl<'a> Conditionals<'a> {
    pub(crate) fn of(rbm: &'a Rbm<f64>) -> Self {
        Self {
            rbm,
            scale: 1.0,
            visible_bias: rbm.visible_bias().to_vec(),
        }
    }

    /// The point `t` of the path from `base_rates`.
    pub(crate) fn on_path(rbm: &'a Rbm<f64>, base_rates: &[f64], t: f64) -> Self {
        let bias = base_rates.iter().zip(rbm.visible_bias());
        Self {
            rbm,
            scale: t,
            visible_bias: bias
                .map(|(r, b)| (1.0 - t) * (r / (1.0 - r)).ln() + t * b)
                .collect(),
        }
    }

    pub(crate) fn hidden(&self, v: &[u8]) -> Vec<f64> {
        let m = self.rbm.hidden();
        (0..m)
            .map(|j| {
                let input: f64 = (0..v.len())
                    .map(|i| f64::from(v[i]) * self.rbm.weights()[i * m + j])
                    .sum();
                sigmoid(self.scale * (self.rbm.hidden_bias()[j] + input))
            })
            .collect()
    }

    pub(crate) fn visible(&self, h: &[u8]) -> Vec<f64> {
        let m = self.rbm.hidden();
        (0..self.rbm.visible())
            .map(|i| {
                let input: f64 = (0..m)
                    .map(|j| f64::from(h[j]) * self.rbm.weights()[i * m + j])
                    .sum();
                sigmoid(self.scale * input + self.visible_bias[i])
            })
            .collect()
    }

    /// The law over visible states after one block step `v → h → v′` from `law`.
    pub(crate) fn step(&self, law: &[f64]) -> Vec<f64> {
        let (n, m) = (self.rbm.visible(), self.rbm.hidden());
        let mut hidden_law = vec![0.0; 1 << m];
        for (v, p) in law.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            let q = independent(&self.hidden(&bits(v, n)));
            hidden_law.iter_mut().zip(&q).for_each(|(h, q)| *h += p * q);
        }
        let mut out = vec![0.0; 1 << n];
        for (h, p) in hidden_law.iter().enumerate() {
            let q = independent(&self.visible(&bits(h, m)));
            out.iter_mut().zip(&q).for_each(|(v, q)| *v += p * q);
        }
        out
    }
}

/// The law over all bit patterns of independent bits.
pub(crate) fn independent(p: &[f64]) -> Vec<f64> {
    let mut law = vec![1.0];
    for (i, p) in p.iter().enumerate() {
        for s in 0..1usize << i {
            law.push(law[s] * p);
        }
        law[..1 << i].iter_mut().for_each(|l| *l *= 1.0 - p);
    }
    law
}

/// The visible law of the annealed model: base draw, then one step at every rung but the first.
pub(crate) fn annealed(rbm: &Rbm<f64>, base_rates: &[f64], rungs: &[f64]) -> Vec<f64> {
    let mut law = independent(base_rates);
    for &t in &rungs[1..] {
        law = Conditionals::on_path(rbm, base_rates, t).step(&law);
    }
    law
}

/// The patterns of `side × side` bars and stripes, all-off and all-on once each.
pub(crate) fn bars_and_stripes(side: usize) -> Vec<u8> {
    let mut rows = Vec::new();
    for s in 0..1usize << side {
        rows.extend((0..side * side).map(|k| (s >> (k / side) & 1) as u8));
    }
    for s in 1..(1usize << side) - 1 {
        rows.extend((0..side * side).map(|k| (s >> (k % side) & 1) as u8));
    }
    rows
}

/// The smallest `m` with `P(Bin(n, p) > m) ≤ alpha`.
pub(crate) fn binomial_quantile(n: usize, p: f64, alpha: f64) -> usize {
    let mut log_choose = vec![0.0f64; n + 1];
    for k in 1..=n {
        log_choose[k] = log_choose[k - 1] + ((n - k + 1) as f64 / k as f64).ln();
    }
    let mut tail = 0.0;
    for m in (0..=n).rev() {
        let log_p = log_choose[m] + m as f64 * p.ln() + (n - m) as f64 * (1.0 - p).ln();
        tail += log_p.exp();
        if tail > alpha {
            return m;
        }
    }
    0
}

/// Runs `law` on `cases` values from a fixed seed; a failure is shrunk.
#[track_caller]
pub(crate) fn for_all<S: Strategy>(cases: u32, values: S, law: impl Fn(S::Value)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&values, |value| {
        law(value);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Machines with up to the given sizes and parameters in `(−scale, scale)`.
pub(crate) fn machines(
    visible: usize,
    hidden: usize,
    scale: f64,
) -> impl Strategy<Value = Rbm<f64>> {
    (1..=visible, 1..=hidden).prop_flat_map(move |(n, m)| {
        prop::collection::vec(-scale..scale, n * m + n + m)
            .prop_map(move |p| Rbm::from_parameters(n, m, p).unwrap())
    })
}

/// The machine with its parameters rounded to `f32`.
pub(crate) fn to_f32(rbm: &Rbm<f64>) -> Rbm<f32> {
    let parameters = rbm.parameters().iter().map(|p| *p as f32).collect();
    Rbm::from_parameters(rbm.visible(), rbm.hidden(), parameters).unwrap()
}
