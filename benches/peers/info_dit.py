"""dit on cases of `info.rs`: measures of a law of ten bits, uniform over all laws.

usage: info_dit.py total-correlation|o-information|co-information

The law is made once, outside of what is timed. dit's co-information sums over all subsets, of which
it keeps none. Seconds per value, one thread.
"""

import itertools
import os
import sys
import time
import warnings
from importlib.metadata import version

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

import dit
import numpy as np

from timing import report

p = np.random.default_rng(5).dirichlet(np.ones(1024))
law = dit.Distribution(["".join(bits) for bits in itertools.product("01", repeat=10)], p)
cells = p.reshape((2,) * 10)


def entropy(kept):
    q = cells.sum(axis=tuple(set(range(10)) - set(kept))).ravel()
    return -(q * np.log2(q)).sum()


everything = range(10)
singles = sum(entropy([i]) for i in everything)
joint = entropy(everything)
case = sys.argv[1]
if case == "total-correlation":
    measure, exact = dit.multivariate.total_correlation, singles - joint
elif case == "o-information":
    without = sum(entropy([j for j in everything if j != i]) for i in everything)
    measure, exact = dit.multivariate.o_information, 8 * joint + singles - without
elif case == "co-information":
    subsets = (s for n in range(1, 11) for s in itertools.combinations(everything, n))
    exact = sum((-1) ** (len(s) + 1) * entropy(s) for s in subsets)
    measure = dit.multivariate.coinformation
else:
    raise SystemExit(__doc__)

values = []
for _ in range(5):
    start = time.perf_counter()
    found = measure(law)
    values.append(time.perf_counter() - start)
if abs(found - exact) > 1e-9:
    raise SystemExit(f"dit finds {found}, not {exact}")
release = version("dit")
report(f"dit {release}", "s", values, dit=release, numpy=np.__version__)
