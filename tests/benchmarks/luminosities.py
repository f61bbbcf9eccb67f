"""Times tables for two hadrons by luminosity channel, beside padding to all pairs of flavours.

    taskset -c 0 python tests/benchmarks/luminosities.py [--replicas 10]

Both forms give chi2 of the same data and its gradient, compiled, in float32. The tables are random
numbers in the shape of a collider measurement. Each form runs in a process of its own, so that the
peak memory is its own; their order alternates.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from keras import ops

from replicafit.data import LuminosityTable
from replicafit.forward.luminosities import placed
from replicafit.training.backend import backend

POINTS, SUBSET, FLAVOURS = 50, 40, 8
CHANNELS = 24
"""Different pairs of flavours, as in a Drell-Yan process with eight fitted ones."""


def table(n_data: int) -> LuminosityTable:
    """A table with ``CHANNELS`` channels on part of the grid."""
    generator = np.random.default_rng(1)
    pairs = np.array([(f, g) for f in range(FLAVOURS) for g in range(f, FLAVOURS)])
    points = np.arange(POINTS - SUBSET, POINTS)
    channels = generator.permutation(pairs)[:CHANNELS]
    values = generator.uniform(0, 1, (n_data, CHANNELS, SUBSET, SUBSET)).astype(np.float32)
    return LuminosityTable(values, channels, points, points)


def padded(given: LuminosityTable) -> np.ndarray:
    """The same as (d, f, g, u, v) on the whole grid."""
    full = np.zeros((len(given), FLAVOURS, FLAVOURS, POINTS, POINTS), np.float32)
    for c, (f, g) in enumerate(given.channels):
        full[:, f, g, given.x1[:, None], given.x2] += given.values[:, c]
    return full


def padded_predictions(matrix: Any, functions: Any) -> Any:
    """All products of all flavours at all grid points, and one matrix product."""
    turned = ops.transpose(functions, (0, 2, 1))
    products = turned[:, :, None, :, None] * turned[:, None, :, None, :]
    return ops.matmul(ops.reshape(products, (functions.shape[0], -1)), matrix)


def measure(form: str, replicas: int, n_data: int) -> None:
    """Prints milliseconds of chi2 with its gradient, megabytes it took, and chi2."""
    backend().prepare("float32")
    given = table(n_data)
    functions = np.random.default_rng(2).uniform(0, 1, (replicas, POINTS, FLAVOURS))
    start = ops.cast(ops.convert_to_tensor(functions), "float32")
    backend().compiled(lambda p: ops.sum(p**2))(start)  # what compiling takes for any table
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if form == "padded":
        matrix = ops.convert_to_tensor(padded(given).reshape(n_data, -1).T)
        predictions: Callable[[Any], Any] = partial(padded_predictions, matrix)
    else:
        predictions = placed(given, "float32").predictions

    def chi2(p: Any) -> Any:
        return ops.sum((predictions(p) / 1e4 - 1) ** 2), ()

    run = backend().compiled(backend().value_and_grad(chi2))
    (value, _), _ = run(start)
    times = []
    for _ in range(15):
        begin = time.perf_counter()
        (value, _), gradient = run(start)
        ops.convert_to_numpy(gradient)
        times.append(time.perf_counter() - begin)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{1e3 * np.median(times)} {(after - before) / 1024} {float(value)}")


def in_a_process(form: str, replicas: int, n_data: int) -> list[float]:
    """What ``measure`` prints."""
    command = [sys.executable, __file__, "--form", form, "--replicas", str(replicas)]
    command += ["--data", str(n_data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, default=10)
    parser.add_argument("--data", type=int, default=100)
    parser.add_argument("--form", choices=["channels", "padded"])
    given = parser.parse_args()
    if given.form:
        measure(given.form, given.replicas, given.data)
        return
    rounds = [
        {f: in_a_process(f, given.replicas, given.data) for f in forms}
        for forms in (("channels", "padded"), ("padded", "channels"), ("channels", "padded"))
    ]
    ours, theirs = (np.median([r[f] for r in rounds], axis=0) for f in ("channels", "padded"))
    print(f"{given.replicas} replicas, {given.data} data: ms and MB, relative to channels")
    print(f"channels {ours[0]:8.2f} ms {ours[1]:8.0f} MB   chi2 {ours[2]:.6g}")
    print(f"padded   {theirs[0]:8.2f} ms {theirs[1]:8.0f} MB   chi2 {theirs[2]:.6g}")
    print(f"ratio    {theirs[0] / ours[0]:8.2f}    {theirs[1] / ours[1]:8.2f}")


if __name__ == "__main__":
    main()
