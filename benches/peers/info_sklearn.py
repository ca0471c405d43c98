"""scikit-learn on the case `info/ksg/1-1-threads-1` of `info.rs`: KSG mutual information, three neighbours.

100,000 normal pairs of correlation 0.9, whose information is 0.8304 nats; one standard deviation of
the estimate is 0.003. Seconds per estimate, one thread.
"""

import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sklearn
from sklearn.feature_selection import mutual_info_regression

from timing import report

N, RHO = 100_000, 0.9
rng = np.random.default_rng(1)
x = rng.standard_normal(N)
y = RHO * x + np.sqrt(1 - RHO**2) * rng.standard_normal(N)

values = []
for _ in range(5):
    start = time.perf_counter()
    found = mutual_info_regression(x[:, None], y, n_neighbors=3, random_state=0, n_jobs=1)[0]
    values.append(time.perf_counter() - start)
if abs(found + 0.5 * np.log(1 - RHO**2)) > 0.02:
    raise SystemExit(f"scikit-learn finds {found}")
report(
    f"scikit-learn {sklearn.__version__}", "s", values, sklearn=sklearn.__version__, numpy=np.__version__
)
