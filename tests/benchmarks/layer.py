"""Times MultiDense beside plain Dense layers: forward and backward, with and without XLA.

    taskset -c 0 python tests/benchmarks/layer.py [--points 50 150 2050] [--replicas 1 10 100]

A stack 2 -> 25 -> 20 -> 8 (tanh, tanh, linear), on one core. Beside ``MultiDense`` with R replicas
stands a list of R stacks of ``Dense`` in one compiled function, as a model with separate networks
would compute them; for R = 1 that is one plain stack.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from replicafit.layers import MultiDense

UNITS = (25, 20, 8)
SECONDS = 1.0


def multi(replicas: int) -> keras.Model:
    """All replicas in one stack of layers, x (1, n, 2) -> (1, r, n, 8)."""
    features = x = keras.Input((None, 2))
    for i, units in enumerate(UNITS):
        features = MultiDense(
            units,
            replica_seeds=range(replicas),
            is_first_layer=i == 0,
            base_seed=i,
            activation=None if units == UNITS[-1] else "tanh",
        )(features)
    return keras.Model(x, features)


def separate(replicas: int) -> keras.Model:
    """One stack of Dense for each replica, x (1, n, 2) -> (1, r, n, 8)."""
    x, outputs = keras.Input((None, 2)), []
    for _ in range(replicas):
        features = x
        for units in UNITS:
            activation = None if units == UNITS[-1] else "tanh"
            features = keras.layers.Dense(units, activation=activation)(features)
        outputs.append(keras.ops.expand_dims(features, 1))
    joined = keras.ops.concatenate(outputs, axis=1) if outputs[1:] else outputs[0]
    return keras.Model(x, joined)


def step(model: keras.Model, points: int, xla: bool) -> Callable[[], Any]:
    """The gradient of the sum of squares for all weights, compiled."""
    x = tf.constant(np.random.default_rng(0).normal(size=(1, points, 2)).astype("float32"))
    weights = [variable.value for variable in model.trainable_variables]

    @tf.function(jit_compile=xla, autograph=False)
    def gradients() -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            loss = tf.reduce_sum(model(x) ** 2)
        return tape.gradient(loss, weights)

    return gradients


def milliseconds(work: Callable[[], Any]) -> float:
    """The median time of a call, over about a second."""
    work(), work()
    times, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        work()[-1].numpy()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def rows(all_points: list[int], all_replicas: list[int]) -> Iterator[str]:
    """One line of the table for each case."""
    for xla in (True, False):
        for points in all_points:
            for replicas in all_replicas:
                ours = milliseconds(step(multi(replicas), points, xla))
                theirs = milliseconds(step(separate(replicas), points, xla))
                name = "XLA" if xla else "graph"
                yield (
                    f"| {name} | {points} | {replicas} | {ours:.3f} | {theirs:.3f} | "
                    f"{theirs / ours:.1f} |"
                )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[50, 150, 2050])
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 10, 100])
    given = parser.parse_args()
    print("| compiled | grid points | replicas | MultiDense, ms | Dense, ms | ratio |")
    print("|---|---|---|---|---|---|")
    for row in rows(given.points, given.replicas):
        print(row, flush=True)


if __name__ == "__main__":
    main()
