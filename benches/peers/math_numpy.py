"""NumPy on the cases of `math.rs`: bulk draws, elementary functions, the dense product.

usage: math_numpy.py uniform|normal|bernoulli|exp|sigmoid|log1p_exp|gemm-f32|f64 [--coretype NAME]

`--coretype` chooses OpenBLAS's kernel, see pcd_numpy.py. Threads come from OMP_NUM_THREADS.
"""

import argparse
import os

options = argparse.ArgumentParser()
options.add_argument("case")
options.add_argument("--coretype")
options = options.parse_args()
if options.coretype:  # read by OpenBLAS when it is loaded, so before the import
    os.environ["OPENBLAS_CORETYPE"] = options.coretype

import numpy as np

from timing import report, samples

name, precision = options.case.rsplit("-", 1)
dtype = {"f32": np.float32, "f64": np.float64}[precision]
N = 1 << 16
rng = np.random.default_rng(1)
out = np.empty(N, dtype)
x = np.linspace(-30.0, 30.0, N).astype(dtype)
p = np.full(N, 0.3, dtype)
bits = (rng.random((128, 784)) < 0.5).astype(dtype)
weights = rng.standard_normal((784, 500)).astype(dtype)
product = np.empty((128, 500), dtype)


def sigmoid():
    np.negative(x, out=out)
    np.exp(out, out=out)
    np.add(out, dtype(1), out=out)
    np.reciprocal(out, out=out)


def bernoulli():
    rng.random(out=out, dtype=dtype)
    return out < p


gigabytes = out.nbytes * 1e-9
calls = {
    "uniform": (lambda: rng.random(out=out, dtype=dtype), "GB/s", gigabytes),
    "normal": (lambda: rng.standard_normal(out=out, dtype=dtype), "GB/s", gigabytes),
    "bernoulli": (bernoulli, "draws/s", N),
    "exp": (lambda: np.exp(x, out=out), "elements/s", N),
    "sigmoid": (sigmoid, "elements/s", N),
    "log1p_exp": (lambda: np.logaddexp(dtype(0), x, out=out), "elements/s", N),
    "gemm": (lambda: np.matmul(bits, weights, out=product), "GFLOP/s", 2e-9 * 128 * 784 * 500),
}
call, unit, work = calls[name]
setting = f", OpenBLAS {options.coretype or 'default'}" if name == "gemm" else ""
report(f"NumPy {np.__version__}{setting}", unit, samples(work, call), numpy=np.__version__)
