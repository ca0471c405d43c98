"""One PCD-1 update of a 784×500 Bernoulli RBM in NumPy, float32, batch 128, 128 chains.

usage: pcd_numpy.py [--coretype NAME] [--chains C]

`--coretype SkylakeX` is OpenBLAS's fastest kernel on processors with AVX-512; its own choice is
slower on some of them, so both settings are reported. Threads come from OMP_NUM_THREADS.

The update is the one that `rbm.rs` times: hidden means of the batch, one block-Gibbs sweep of the
persistent chains, positive minus negative statistics, plain gradient ascent.
"""

import argparse
import os

options = argparse.ArgumentParser()
options.add_argument("--coretype")
options.add_argument("--chains", type=int, default=128)
options = options.parse_args()
if options.coretype:  # read by OpenBLAS when it is loaded, so before the import
    os.environ["OPENBLAS_CORETYPE"] = options.coretype

import numpy as np

from timing import report, samples

VISIBLE, HIDDEN, BATCH, ROWS = 784, 500, 128, 8192
RATE = np.float32(0.01)

# Ten random prototypes with 5 % of their pixels flipped: data that has something to learn.
rng = np.random.default_rng(1)
prototypes = rng.random((10, VISIBLE)) < 0.2
labels = rng.integers(0, 10, ROWS)
data = (prototypes[labels] ^ (rng.random((ROWS, VISIBLE)) < 0.05)).astype(np.float32)

weights = (0.01 * rng.standard_normal((VISIBLE, HIDDEN))).astype(np.float32)
visible_bias = np.zeros(VISIBLE, np.float32)
hidden_bias = np.zeros(HIDDEN, np.float32)
hidden = (rng.random((options.chains, HIDDEN)) < 0.5).astype(np.float32)
batch = 0


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def draw(p):
    return (rng.random(p.shape, dtype=np.float32) < p).astype(np.float32)


def update():
    global hidden, weights, visible_bias, hidden_bias, batch
    x = data[batch : batch + BATCH]
    batch = (batch + BATCH) % ROWS
    data_mean = sigmoid(x @ weights + hidden_bias)
    visible = draw(sigmoid(hidden @ weights.T + visible_bias))
    chain_mean = sigmoid(visible @ weights + hidden_bias)
    hidden = draw(chain_mean)
    weights += RATE * (x.T @ data_mean / BATCH - visible.T @ chain_mean / options.chains)
    visible_bias += RATE * (x.mean(0) - visible.mean(0))
    hidden_bias += RATE * (data_mean.mean(0) - chain_mean.mean(0))


def reconstruction_error():
    x = data[:1024]
    return float(np.abs(x - sigmoid(sigmoid(x @ weights + hidden_bias) @ weights.T + visible_bias)).mean())


before = reconstruction_error()
for _ in range(100):
    update()
after = reconstruction_error()
if not after < 0.8 * before:
    raise SystemExit(f"no learning: reconstruction error {before:.3f} -> {after:.3f}")

setting = options.coretype or "default"
report(
    f"NumPy {np.__version__}, OpenBLAS {setting}",
    "updates/s",
    samples(1, update, repeats=5, seconds=1.0),
    numpy=np.__version__,
)
