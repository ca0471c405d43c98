"""NumPy on the case `expfam/normal` of `expfam.rs`: a million normals, one thread.

Log-partition and mean parameters from natural parameters, in place where NumPy can. Seconds per batch.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from timing import report, samples

N = 1_000_000
random = np.random.default_rng(1)
linear, quadratic = random.standard_normal(N), -0.1 - random.random(N)
a, first, second, scratch = (np.empty(N) for _ in range(4))


def evaluate():
    np.divide(-0.5, quadratic, out=second)  # the variance
    np.multiply(linear, second, out=first)
    np.multiply(quadratic, -2.0, out=scratch)
    np.log(scratch, out=scratch)
    np.multiply(linear, first, out=a)
    np.subtract(a, scratch, out=a)
    np.multiply(a, 0.5, out=a)
    np.multiply(first, first, out=scratch)
    np.add(second, scratch, out=second)


evaluate()
m, v = -linear / (2 * quadratic), -0.5 / quadratic
exact = 0.5 * m * m / v + 0.5 * np.log(v)
if abs(a - exact).max() > 1e-12 or abs(second - m * m - v).max() > 1e-12:
    raise SystemExit("NumPy's batch is wrong")
seconds = [1 / rate for rate in samples(1, evaluate)]
report(f"NumPy {np.__version__}", "s", seconds, numpy=np.__version__)
