"""NumPy on the cases `concentration/lattice-tail` of `concentration.rs`: a power of the Fourier transform of a coin.

Arguments: tosses, heads, and the exact log P(at least so many). The transform has the scale of the bulk as its absolute
error: its tail has the relative error that the name says, while the bulk is right. Seconds per tail, one thread.
"""

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from timing import report, samples

n, k, exact = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
length = 1 << n.bit_length()


def law():
    return np.fft.irfft(np.fft.rfft(np.array([0.5, 0.5]), length) ** n, length)[: n + 1]


def tail():
    return law()[k:].sum()


middle = law()[n // 2] * np.sqrt(np.pi * n / 2)
if abs(middle - 1) > 1 / n:
    raise SystemExit(f"NumPy's bulk is off by {middle}")
error = abs(tail() / np.exp(exact) - 1)
seconds = [1 / rate for rate in samples(1, tail)]
report(f"NumPy {np.__version__} FFT, relative error {error:.0e}", "s", seconds, numpy=np.__version__)
