//! Small machines whose every quantity is known exactly, and an enumerator of randomness.
#![allow(dead_code)] // each test file uses its part

use ergodic_core::{
    Claims, Energy, MarkovKernel, Path, Population, Randomness, Stationarity, TargetError,
};

/// A binary machine with visible states as bit masks: `E_t(v) = −(1−t) a·v − t b·v −
/// Σ_j log(1 + e^{t (c_j + W_j·v)})`, from independent bits with log-odds `a` to the free energy
/// of an RBM.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) base: Vec<f64>,
    pub(crate) visible: Vec<f64>,
    pub(crate) hidden: Vec<f64>,
    /// `weights[j][i]` between hidden unit `j` and visible unit `i`.
    pub(crate) weights: Vec<Vec<f64>>,
}

fn log1p_exp(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn bit(v: u32, i: usize) -> f64 {
    f64::from(v >> i & 1)
}

impl Machine {
    /// The machine with 6 visible and 4 hidden units of known log Z = 6.971258118926752, from a
    /// base of biased bits.
    pub(crate) fn golden() -> Self {
        Self {
            base: (0..6).map(|i| 0.3 - 0.1 * f64::from(i)).collect(),
            visible: (0..6).map(|i| 0.1 * f64::from(i).cos()).collect(),
            hidden: (0..4).map(|j| -0.2 + 0.1 * f64::from(j)).collect(),
            weights: (0..4)
                .map(|j| {
                    (0..6)
                        .map(|i| 0.5 * f64::from(1 + 3 * i + 2 * j).sin())
                        .collect()
                })
                .collect(),
        }
    }

    /// Normal weights of standard deviation `scale`.
    pub(crate) fn random(visible: usize, hidden: usize, scale: f64, seed: u64) -> Self {
        let mut rng = ergodic_math::rng::stream(seed, 1 << 60);
        let mut draw =
            |n: usize, s: f64| -> Vec<f64> { (0..n).map(|_| s * rng.normal()).collect() };
        Self {
            base: draw(visible, 0.5),
            visible: draw(visible, 0.5),
            hidden: draw(hidden, 0.5),
            weights: (0..hidden).map(|_| draw(visible, scale)).collect(),
        }
    }

    pub(crate) fn states(&self) -> u32 {
        1 << self.visible.len()
    }

    pub(crate) fn energy_at(&self, t: f64, v: u32) -> f64 {
        let mut energy = 0.0;
        for (i, (a, b)) in self.base.iter().zip(&self.visible).enumerate() {
            energy -= ((1.0 - t) * a + t * b) * bit(v, i);
        }
        for j in 0..self.hidden.len() {
            energy -= log1p_exp(t * self.input(j, v));
        }
        energy
    }

    fn input(&self, j: usize, v: u32) -> f64 {
        let w = self.weights[j].iter().enumerate();
        self.hidden[j] + w.map(|(i, w)| w * bit(v, i)).sum::<f64>()
    }

    pub(crate) fn log_z(&self, t: f64) -> f64 {
        let mut z = 0.0;
        for v in 0..self.states() {
            z += (-self.energy_at(t, v)).exp();
        }
        z.ln()
    }

    /// The probabilities at `t`, enumerated.
    pub(crate) fn law(&self, t: f64) -> Vec<f64> {
        let log_z = self.log_z(t);
        (0..self.states())
            .map(|v| (-self.energy_at(t, v) - log_z).exp())
            .collect()
    }

    /// The transition matrix of one block-Gibbs step at `t`, summed over the hidden states.
    pub(crate) fn transition(&self, t: f64) -> Vec<Vec<f64>> {
        let n = self.states() as usize;
        let mut p = vec![vec![0.0; n]; n];
        for from in 0..n {
            for h in 0..1u32 << self.hidden.len() {
                let mut weight = 1.0;
                for j in 0..self.hidden.len() {
                    let on = sigmoid(t * self.input(j, from as u32));
                    weight *= if h >> j & 1 == 1 { on } else { 1.0 - on };
                }
                for (to, p) in p[from].iter_mut().enumerate() {
                    let mut product = weight;
                    for i in 0..self.visible.len() {
                        let on = sigmoid(self.field(t, i, h));
                        product *= if to >> i & 1 == 1 { on } else { 1.0 - on };
                    }
                    *p += product;
                }
            }
        }
        p
    }

    fn field(&self, t: f64, i: usize, h: u32) -> f64 {
        let mut field = (1.0 - t) * self.base[i] + t * self.visible[i];
        for j in 0..self.hidden.len() {
            field += t * self.weights[j][i] * bit(h, j);
        }
        field
    }

    /// The annealed model on `rungs` by products of transition matrices.
    pub(crate) fn annealed(&self, rungs: &[f64]) -> Vec<f64> {
        let mut p = self.law(0.0);
        for &t in &rungs[1..] {
            p = times(&p, &self.transition(t));
        }
        p
    }

    /// Mean of `wᵠ` over the runs of annealed importance sampling by products of transition
    /// matrices.
    pub(crate) fn weight_moment(&self, rungs: &[f64], power: f64) -> f64 {
        let mut p = self.law(0.0);
        for w in rungs.windows(2) {
            for (v, p) in p.iter_mut().enumerate() {
                let v = v as u32;
                *p *= (-power * (self.energy_at(w[1], v) - self.energy_at(w[0], v))).exp();
            }
            if w[1] < 1.0 {
                p = times(&p, &self.transition(w[1]));
            }
        }
        p.iter().sum()
    }

    /// Mean of `log w`, by the laws of the chain at every rung.
    pub(crate) fn mean_log_weight(&self, rungs: &[f64]) -> f64 {
        let mut p = self.law(0.0);
        let mut mean = 0.0;
        for w in rungs.windows(2) {
            for (v, p) in p.iter().enumerate() {
                let v = v as u32;
                mean -= p * (self.energy_at(w[1], v) - self.energy_at(w[0], v));
            }
            p = times(&p, &self.transition(w[1]));
        }
        mean
    }
}

fn times(p: &[f64], matrix: &[Vec<f64>]) -> Vec<f64> {
    let mut out = vec![0.0; p.len()];
    for (p, row) in p.iter().zip(matrix) {
        for (o, m) in out.iter_mut().zip(row) {
            *o += p * m;
        }
    }
    out
}

/// The machine at one `t`, as a law over blocks of visible states.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) t: f64,
}

impl Energy for At<'_> {
    type State = Vec<u32>;
    fn energy(&self, block: &Vec<u32>) -> f64 {
        block
            .iter()
            .map(|&v| self.machine.energy_at(self.t, v))
            .sum()
    }
}

impl Population for At<'_> {
    fn chains(&self, block: &Vec<u32>) -> usize {
        block.len()
    }
    fn energies(&self, block: &Vec<u32>, out: &mut [f64]) {
        for (o, &v) in out.iter_mut().zip(block) {
            *o = self.machine.energy_at(self.t, v);
        }
    }
}

impl<'a> Path for &'a Machine {
    type Target = At<'a>;
    fn at(&self, t: f64) -> At<'a> {
        At { machine: self, t }
    }
    fn log_z_base(&self) -> f64 {
        self.hidden.len() as f64 * 2f64.ln() + self.base.iter().map(|&a| log1p_exp(a)).sum::<f64>()
    }
    fn sample_base<R: Randomness + ?Sized>(&self, chains: usize, rng: &mut R) -> Vec<u32> {
        (0..chains)
            .map(|_| {
                let bits = self.base.iter().enumerate();
                bits.map(|(i, &a)| u32::from(rng.bernoulli(sigmoid(a))) << i)
                    .sum()
            })
            .collect()
    }
    fn work(&self, block: &Vec<u32>, from: f64, to: f64, out: &mut [f64]) {
        for (o, &v) in out.iter_mut().zip(block) {
            *o = self.energy_at(to, v) - self.energy_at(from, v);
        }
    }
}

/// Block Gibbs over the visible states: hidden given visible, visible given hidden.
#[derive(Clone, Debug)]
pub(crate) struct BlockGibbs {
    pub(crate) claims: Claims,
}

impl BlockGibbs {
    pub(crate) const HONEST: Self = Self {
        claims: Claims::REVERSIBLE,
    };
    pub(crate) const IRREVERSIBLE: Self = Self {
        claims: Claims::INVARIANT,
    };
    pub(crate) const ASYMPTOTIC: Self = Self {
        claims: Claims {
            stationarity: Stationarity::Asymptotic { order: 2 },
            ergodic: true,
        },
    };
}

impl<'a> MarkovKernel<At<'a>> for BlockGibbs {
    type State = Vec<u32>;
    type Info = ();
    fn claims(&self) -> Claims {
        self.claims
    }
    fn init(&self, _: &At<'a>, block: &Vec<u32>) -> Result<Vec<u32>, TargetError> {
        Ok(block.clone())
    }
    fn position<'s>(&self, _: &At<'a>, state: &'s Vec<u32>) -> &'s Vec<u32>
    where
        At<'a>: 's,
    {
        state
    }
    fn reset(
        &self,
        _: &At<'a>,
        state: &mut Vec<u32>,
        block: Option<&Vec<u32>>,
    ) -> Result<(), TargetError> {
        if let Some(block) = block {
            state.clone_from(block);
        }
        Ok(())
    }
    fn step<R: Randomness + ?Sized>(
        &mut self,
        target: &At<'a>,
        state: &mut Vec<u32>,
        rng: &mut R,
    ) -> Result<(), TargetError> {
        let m = target.machine;
        for v in state {
            let mut h = 0;
            for j in 0..m.hidden.len() {
                h |= u32::from(rng.bernoulli(sigmoid(target.t * m.input(j, *v)))) << j;
            }
            *v = 0;
            for i in 0..m.visible.len() {
                *v |= u32::from(rng.bernoulli(sigmoid(m.field(target.t, i, h)))) << i;
            }
        }
        Ok(())
    }
}

/// A path whose targets are those of the machine at another place: what a wrong temperature
/// level looks like. Work, base and `at(1)` stay right.
#[derive(Clone, Copy)]
pub(crate) struct WrongLevel<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) level: fn(f64) -> f64,
}

impl<'a> Path for WrongLevel<'a> {
    type Target = At<'a>;
    fn at(&self, t: f64) -> At<'a> {
        let t = if t == 1.0 { t } else { (self.level)(t) };
        self.machine.at(t)
    }
    fn log_z_base(&self) -> f64 {
        self.machine.log_z_base()
    }
    fn sample_base<R: Randomness + ?Sized>(&self, chains: usize, rng: &mut R) -> Vec<u32> {
        self.machine.sample_base(chains, rng)
    }
    fn work(&self, block: &Vec<u32>, from: f64, to: f64, out: &mut [f64]) {
        self.machine.work(block, from, to, out);
    }
}

/// Follows one path of Bernoulli decisions with its probability.
struct Tape {
    decisions: Vec<(bool, f64)>,
    at: usize,
    probability: f64,
}

impl Randomness for Tape {
    fn bernoulli(&mut self, p: f64) -> bool {
        if self.at == self.decisions.len() {
            self.decisions.push((false, p));
        }
        let (outcome, _) = self.decisions[self.at];
        self.at += 1;
        self.probability *= if outcome { p } else { 1.0 - p };
        outcome
    }
    fn index(&mut self, _: usize) -> usize {
        unreachable!("the machines decide by coins alone")
    }
    fn categorical(&mut self, _: &[f64]) -> usize {
        unreachable!("the machines decide by coins alone")
    }
    fn uniform(&mut self) -> f64 {
        unreachable!("the machines decide by coins alone")
    }
    fn normal(&mut self) -> f64 {
        unreachable!("the machines decide by coins alone")
    }
    fn exponential(&mut self) -> f64 {
        unreachable!("the machines decide by coins alone")
    }
}

/// The exact mean of `f` over every path of decisions that it takes.
pub(crate) fn exact_mean(mut f: impl FnMut(&mut dyn Randomness) -> f64) -> f64 {
    let mut tape = Tape {
        decisions: Vec::new(),
        at: 0,
        probability: 1.0,
    };
    let mut mean = 0.0;
    loop {
        tape.at = 0;
        tape.probability = 1.0;
        let value = f(&mut tape);
        mean += tape.probability * value;
        // The next path in order: flip the last decision that was false.
        while let Some((true, _)) = tape.decisions.last() {
            tape.decisions.pop();
        }
        match tape.decisions.last_mut() {
            Some(last) => last.0 = true,
            None => return mean,
        }
    }
}

/// The least `m` with `P(Bin(n, p) > m) ≤ α`, by exact summation from the far tail.
pub(crate) fn binomial_quantile(n: usize, p: f64, alpha: f64) -> usize {
    let mut log_choose = vec![0.0f64; n + 1];
    for k in 1..=n {
        log_choose[k] = log_choose[k - 1] + ((n - k + 1) as f64 / k as f64).ln();
    }
    let mut tail = 0.0;
    for m in (0..=n).rev() {
        // Here tail = P(Bin > m).
        let log_p = log_choose[m] + m as f64 * p.ln() + (n - m) as f64 * (1.0 - p).ln();
        tail += log_p.exp();
        if tail > alpha {
            return m;
        }
    }
    0
}

pub(crate) fn log_mean_exp(x: &[f64]) -> f64 {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + (x.iter().map(|x| (x - top).exp()).sum::<f64>() / x.len() as f64).ln()
}
