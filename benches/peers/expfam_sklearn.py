"""scikit-learn on the case `expfam/conditional/breast-cancer` of `expfam.rs`: logistic regression on 569
tumours and 30 standardised measurements, C = 1, by Newton steps to a slope of 1e-9. Seconds per fit, one
thread.
"""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

from timing import report, samples

table = np.loadtxt(Path(__file__).parent.parent / "data/wdbc.csv", delimiter=",")
y, x = table[:, 0], table[:, 1:]
x = (x - x.mean(axis=0)) / x.std(axis=0)


def fit():
    return LogisticRegression(C=1.0, tol=1e-9, solver="newton-cholesky").fit(x, y)


model = fit()
p = model.predict_proba(x)[:, 1]
slope = (x.T @ (p - y) + model.coef_[0]) / len(y)
if max(abs(slope).max(), abs((p - y).mean())) > 1e-8:
    raise SystemExit(f"scikit-learn ends with a slope of {abs(slope).max()}")
seconds = [1 / rate for rate in samples(1, fit)]
report(
    f"scikit-learn {sklearn.__version__}", "s", seconds, sklearn=sklearn.__version__, numpy=np.__version__
)
