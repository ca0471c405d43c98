"""Timing of the Python peers: repeated wall-clock samples, and the one line of JSON they print."""

import json
import sys
import time


def samples(work, call, repeats=7, seconds=0.5):
    """Rates (work per second) of `repeats` samples of `call`, each at least `seconds` long."""
    call()
    start = time.perf_counter()
    call()
    once = max(time.perf_counter() - start, 1e-9)
    rounds = max(1, round(seconds / once))
    rates = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(rounds):
            call()
        rates.append(work * rounds / (time.perf_counter() - start))
    return rates


def report(name, unit, values, **versions):
    """Prints the line that `cargo xtask bench` reads."""
    versions["python"] = sys.version.split()[0]
    print(json.dumps({"name": name, "unit": unit, "values": values, "versions": versions}))
