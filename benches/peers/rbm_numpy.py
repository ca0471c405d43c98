"""NumPy on the cases of `rbm.rs` that weigh a machine.

usage: rbm_numpy.py ais|exact [--coretype NAME]

ais: annealed importance sampling of a 784×500 machine in float32, 100 chains; the time of 500
temperatures, times 20: seconds for 10,000, which are alike. exact: log Z of 20 hidden × 64 visible
units by enumerating the hidden layer in float64; states per second. Both are checked on a small
machine first. `--coretype`: see pcd_numpy.py. Threads come from OMP_NUM_THREADS.
"""

import argparse
import os
import time

options = argparse.ArgumentParser()
options.add_argument("case", choices=["ais", "exact"])
options.add_argument("--coretype")
options = options.parse_args()
if options.coretype:  # read by OpenBLAS when it is loaded, so before the import
    os.environ["OPENBLAS_CORETYPE"] = options.coretype

import numpy as np

from timing import report, samples

rng = np.random.default_rng(1)
one = np.float32(1)


def machine(visible, hidden, std, dtype):
    w = (std * rng.standard_normal((visible, hidden))).astype(dtype)
    b = (0.5 * rng.standard_normal(visible)).astype(dtype)
    c = (0.5 * rng.standard_normal(hidden)).astype(dtype)
    return w, b, c


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def log_z_exact(w, b, c):
    """Chunks of hidden states whose low bits run through all values: one product per chunk."""
    low = min(12, len(c))
    states = (np.arange(1 << low)[:, None] >> np.arange(low)) & 1
    low_inputs, low_bias = b + states @ w[:, :low].T, states @ c[:low]
    sums = []
    for high in range(1 << (len(c) - low)):
        on = (high >> np.arange(len(c) - low)) & 1
        log_p = softplus(low_inputs + w[:, low:] @ on).sum(1) + low_bias + c[low:] @ on
        top = log_p.max()
        sums.append(top + np.log(np.exp(log_p - top).sum()))
    top = max(sums)
    return top + np.log(np.exp(np.array(sums) - top).sum())


def ais(w, b, c, chains, temperatures):
    """From the uniform law; log-weights in float64."""
    sigmoid = lambda x: one / (one + np.exp(-x))
    draw = lambda p: (rng.random(p.shape, dtype=np.float32) < p).astype(np.float32)
    v = draw(np.full((chains, len(b)), 0.5, np.float32))
    log_w = np.zeros(chains)
    inputs = v @ w + c
    for k in range(1, temperatures + 1):
        old, new = np.float32((k - 1) / temperatures), np.float32(k / temperatures)
        log_w += (new - old) * (v @ b)
        log_w += (softplus(new * inputs) - softplus(old * inputs)).sum(1, dtype=np.float64)
        h = draw(sigmoid(new * inputs))
        v = draw(sigmoid(new * (h @ w.T + b)))
        inputs = v @ w + c
    return (len(b) + len(c)) * np.log(2) + log_w


w, b, c = machine(12, 10, 0.5, np.float64)
states = (np.arange(1 << 12)[:, None] >> np.arange(12)) & 1
brute = np.log(np.exp(states @ b + softplus(states @ w + c).sum(1)).sum())
if abs(log_z_exact(w, b, c) - brute) > 1e-10:
    raise SystemExit(f"log Z is {log_z_exact(w, b, c)}, not {brute}")

name = f"NumPy {np.__version__}"
if options.case == "exact":
    w, b, c = machine(64, 20, 1.0, np.float64)
    values = samples(1 << 20, lambda: log_z_exact(w, b, c), repeats=3)
    report(name, "states/s", values, numpy=np.__version__)
else:
    log_w = ais(*(x.astype(np.float32) for x in (w, b, c)), 1000, 500)
    found = log_w.max() + np.log(np.exp(log_w - log_w.max()).mean())
    if abs(found - brute) > 0.02:
        raise SystemExit(f"AIS finds {found}, not {brute}")
    parameters = machine(784, 500, 0.05, np.float32)
    ais(*parameters, 100, 20)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        ais(*parameters, 100, 500)
        seconds.append(20 * (time.perf_counter() - start))
    setting = options.coretype or "default"
    report(f"{name}, OpenBLAS {setting}", "s", seconds, numpy=np.__version__)
