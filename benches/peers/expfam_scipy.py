"""SciPy on the maximum entropy cases of `expfam.rs`: the same duals, one thread, seconds per solution.

usage: expfam_scipy.py die|sparse|dense

The die by a root finder on its one equation; the sparse problem, made as `expfam.rs` makes its own, by
L-BFGS-B on products with a CSR matrix, to a residual of 1e-8; the dense one likewise, by the BLAS.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import scipy
from scipy.optimize import brentq, minimize
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from timing import report, samples


def die():
    faces = np.arange(1.0, 7.0)

    def excess(multiplier):
        weights = np.exp(multiplier * (faces - 3.5))
        return weights @ faces / weights.sum() - 4.5

    def solve():
        return brentq(excess, -10, 10, xtol=1e-13)

    if abs(solve() - 0.37104893808103323) > 1e-12:
        raise SystemExit(f"SciPy finds {solve()}")
    return [1 / rate for rate in samples(1, solve)]


def sparse():
    states, features, each = 100_000, 1000, 10
    random = np.random.default_rng(2)
    multipliers = 0.5 * random.standard_normal(features)
    columns = np.concatenate([random.choice(features, each, replace=False) for _ in range(states)])
    rows = np.repeat(np.arange(states), each)
    matrix = csr_matrix((random.standard_normal(rows.size), (rows, columns)), (states, features))
    return fit(matrix, matrix.T.tocsr(), multipliers)


def dense():
    states, features = 100_000, 1000
    random = np.random.default_rng(3)
    multipliers = random.standard_normal(features) / np.sqrt(features)
    matrix = random.standard_normal((states, features))
    return fit(matrix, matrix.T, multipliers)


def fit(matrix, transposed, multipliers):
    weights = np.exp(matrix @ multipliers)
    means = transposed @ (weights / weights.sum())

    def dual(x):
        energies = matrix @ x
        a = logsumexp(energies)
        return a - x @ means, transposed @ np.exp(energies - a) - means

    values = []
    for _ in range(5):
        start = time.perf_counter()
        found = minimize(
            dual,
            np.zeros(multipliers.size),
            jac=True,
            method="L-BFGS-B",
            options={"maxcor": 20, "gtol": 1e-8, "ftol": 0, "maxiter": 5000, "maxfun": 10000},
        )
        values.append(time.perf_counter() - start)
    if abs(found.jac).max() > 1e-7:
        raise SystemExit(f"SciPy ends with a residual of {abs(found.jac).max()}")
    return values


cases = {"die": die, "sparse": sparse, "dense": dense}
if len(sys.argv) != 2 or sys.argv[1] not in cases:
    raise SystemExit(__doc__)
report(
    f"SciPy {scipy.__version__}", "s", cases[sys.argv[1]](),
    scipy=scipy.__version__, numpy=np.__version__,
)
