"""scikit-learn's BernoulliRBM on the digits: 256 hidden units, batch 64, seconds per epoch inverted.

The 1438 training rows of the project's split (row i is a test row where i mod 5 = 4), a pixel is 1
where its value is at least 8. Threads come from OMP_NUM_THREADS.
"""

import time

import numpy as np
import scipy
import sklearn
from sklearn.datasets import load_digits
from sklearn.neural_network import BernoulliRBM

from timing import report

EPOCHS = 20

grey = load_digits().data
data = (grey[np.arange(len(grey)) % 5 != 4] >= 8).astype(np.float32)
if data.shape != (1438, 64):
    raise SystemExit(f"the training rows have shape {data.shape}")


def train(epochs):
    machine = BernoulliRBM(
        n_components=256, learning_rate=0.05, batch_size=64, n_iter=epochs, random_state=0
    )
    return machine.fit(data)


def pseudo_likelihood(machine):
    return float(machine.score_samples(data).mean())


before, after = pseudo_likelihood(train(1)), pseudo_likelihood(train(EPOCHS))
if not after > before:
    raise SystemExit(f"no learning: pseudo-likelihood {before:.2f} -> {after:.2f}")

rates = []
for _ in range(5):
    start = time.perf_counter()
    train(EPOCHS)
    rates.append(EPOCHS / (time.perf_counter() - start))
report(
    "scikit-learn " + sklearn.__version__,
    "epochs/s",
    rates,
    numpy=np.__version__,
    scipy=scipy.__version__,
    sklearn=sklearn.__version__,
)
