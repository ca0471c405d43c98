"""SciPy on the cases `concentration/binomial-tail` of `concentration.rs`: the logarithm of a binomial tail.

Arguments: tosses, heads, and the exact log P(at least so many). Seconds per tail, one thread.
"""

import sys

import numpy as np
import scipy
from scipy.stats import binom

from timing import report, samples

n, k, exact = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])


def tail():
    return binom.logsf(k - 1, n, 0.5)


error = abs(tail() - exact)
if not error < 1e-9:
    raise SystemExit(f"SciPy finds {tail()}, not {exact}")
seconds = [1 / rate for rate in samples(1, tail)]
report(f"SciPy {scipy.__version__} binom.logsf", "s", seconds, scipy=scipy.__version__, numpy=np.__version__)
