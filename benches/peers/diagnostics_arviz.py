"""ArviZ on the case of `diagnostics.rs`: R-hat, bulk and tail ESS, MCSE of the mean.

usage: diagnostics_arviz.py

4 chains of 100,000 draws of 50 autoregressions with coefficient 1/2, whose mean has a third of the
draws as its effective sample size. Seconds for the four columns together; plots are not drawn.
"""

import os
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

import arviz
import numpy as np
import scipy.signal

from timing import report

CHAINS, DRAWS, PARAMETERS, PHI = 4, 100_000, 50, 0.5

noise = np.random.default_rng(1).standard_normal((CHAINS, DRAWS, PARAMETERS))
draws = scipy.signal.lfilter([np.sqrt(1 - PHI**2)], [1, -PHI], noise, axis=1)
del noise
data = arviz.convert_to_dataset({"x": draws})


def table():
    return (
        arviz.rhat(data),
        arviz.ess(data, method="bulk"),
        arviz.ess(data, method="tail"),
        arviz.mcse(data, method="mean"),
    )


values = []
for _ in range(3):
    start = time.perf_counter()
    rhat, bulk, tail, mcse = table()
    values.append(time.perf_counter() - start)

exact = CHAINS * DRAWS * (1 - PHI) / (1 + PHI)
if not np.all(np.abs(bulk["x"] / exact - 1) < 0.15) or not np.all(rhat["x"] < 1.001):
    raise SystemExit("the values of ArviZ are not those of the autoregression")
report(f"ArviZ {arviz.__version__}", "s", values, arviz=arviz.__version__, numpy=np.__version__)
