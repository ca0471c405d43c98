//! Chains that start at exact draws: a right kernel leaves their law as it is, and a reversible
//! one makes start and end exchangeable.

use ergodic_core::{MarkovKernel, Randomness, Stationarity};
use ergodic_math::rng::stream;

use crate::targets::Drawn;

/// Beyond how many standard errors a mean that ought to be 0 is rejected: probability 8e-11 each.
/// All tests of this binary make fewer than 1000 comparisons: 8e-8 together.
pub(crate) const SIGMAS: f64 = 6.5;

/// Steps per chain: the law drifts further with each step of a wrong kernel.
const STEPS: usize = 3;

/// The mean and its standard error of values that ought to have mean 0.
#[derive(Clone, Copy, Default)]
pub(crate) struct Zero {
    n: f64,
    sum: f64,
    square: f64,
}

impl Zero {
    pub(crate) fn push(&mut self, x: f64) {
        self.n += 1.0;
        self.sum += x;
        self.square += x * x;
    }

    pub(crate) fn sigmas(&self) -> f64 {
        let mean = self.sum / self.n;
        let variance = self.square / self.n - mean * mean;
        if variance > 0.0 {
            mean.abs() / (variance / self.n).sqrt()
        } else {
            0.0
        }
    }
}

/// Smooth bounded functions without symmetry.
fn functions(x: &[f64]) -> Vec<f64> {
    let mut f = Vec::new();
    for z in x {
        f.extend([
            z.tanh(),
            z.cos(),
            (2.0 * z + 1.0).sin(),
            (-(z - 1.0).powi(2)).exp(),
        ]);
    }
    if let [a, b] = x {
        f.extend([(a + b + 1.0).sin(), (a - 0.5 * b).tanh(), (-(a * b)).tanh()]);
    }
    f
}

/// Holds `kernel` to its claim with `chains` chains of [`STEPS`] steps (a power of a reversible
/// kernel is reversible); panics with the largest deviation.
#[track_caller]
pub(crate) fn holds<T, K>(kernel: &K, target: &T, chains: usize, seed: u64)
where
    T: Drawn,
    K: MarkovKernel<T>,
{
    let worst = deviation(kernel, target, chains, seed);
    assert!(
        worst.0 < SIGMAS,
        "on the {} target: {} deviates by {:.1} standard errors",
        target.name(),
        worst.1,
        worst.0
    );
}

/// The largest deviation in standard errors, and where.
pub(crate) fn deviation<T, K>(kernel: &K, target: &T, chains: usize, seed: u64) -> (f64, String)
where
    T: Drawn,
    K: MarkovKernel<T>,
{
    let reversible = kernel.claims().stationarity == Stationarity::Reversible;
    let mut rng = stream(seed, 0);
    let m = functions(&vec![0.0; target.dim()]).len();
    let mut invariance = vec![Zero::default(); m];
    let mut exchange = vec![Zero::default(); m * m];
    let mut kernel = kernel.clone();
    let mut state = None;
    let mut moved = 0usize;
    for _ in 0..chains {
        let x = target.exact(&mut rng as &mut dyn Randomness);
        let state = match &mut state {
            None => state.insert(kernel.init(target, &x).unwrap()),
            Some(s) => {
                kernel.reset(target, s, Some(&x)).unwrap();
                s
            }
        };
        for _ in 0..STEPS {
            kernel.step(target, state, &mut rng).unwrap();
        }
        let y = kernel.position(target, state);
        moved += usize::from(y != x);
        let (f, g) = (functions(&x), functions(y));
        for a in 0..m {
            invariance[a].push(g[a] - f[a]);
            if reversible {
                for b in 0..a {
                    exchange[a * m + b].push(f[a] * g[b] - f[b] * g[a]);
                }
            }
        }
    }
    assert!(moved * 20 > chains, "only {moved} of {chains} chains moved");
    let mut worst = (0.0, String::new());
    let mut judge = |z: &Zero, what: String| {
        if z.sigmas() > worst.0 {
            worst = (z.sigmas(), what);
        }
    };
    for a in 0..m {
        judge(&invariance[a], format!("the mean of function {a}"));
        for b in 0..a {
            if reversible {
                judge(&exchange[a * m + b], format!("the exchange of {a} and {b}"));
            }
        }
    }
    worst
}
