"""NumPy on the cases of `math.rs`: bulk draws and special functions.

usage: math_numpy.py uniform-f64|uniform-f32|normal-f64|bernoulli-f32|sigmoid-f64|log1p_exp-f64
"""

import sys

import numpy as np

from timing import report, samples

N = 1 << 16
case = sys.argv[1]
rng = np.random.default_rng(1)
f64, f32 = np.empty(N), np.empty(N, np.float32)
x = np.linspace(-30.0, 30.0, N)
p = np.full(N, 0.3, np.float32)


def sigmoid():
    np.negative(x, out=f64)
    np.exp(f64, out=f64)
    np.add(f64, 1.0, out=f64)
    np.reciprocal(f64, out=f64)


def bernoulli():
    rng.random(out=f32, dtype=np.float32)
    return f32 < p


calls = {
    "uniform-f64": (lambda: rng.random(out=f64), "GB/s", 8e-9 * N),
    "uniform-f32": (lambda: rng.random(out=f32, dtype=np.float32), "GB/s", 4e-9 * N),
    "normal-f64": (lambda: rng.standard_normal(out=f64), "GB/s", 8e-9 * N),
    "bernoulli-f32": (bernoulli, "draws/s", N),
    "sigmoid-f64": (sigmoid, "elements/s", N),
    "log1p_exp-f64": (lambda: np.logaddexp(0.0, x, out=f64), "elements/s", N),
}
call, unit, work = calls[case]
report("NumPy " + np.__version__, unit, samples(work, call), numpy=np.__version__)
