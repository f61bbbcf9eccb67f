"""Hyperparameters per replica, some of them drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from replicafit.components.builtin.optimizers import Choice, Draw, LogUniform, Uniform
from replicafit.seeds import Seeds


def draw_hyperparameters(
    hyper: Mapping[str, float | Draw], seeds: Seeds, numbers: Sequence[int]
) -> dict[str, np.ndarray]:
    """The hyperparameters of the replicas ``numbers``, (r,) each.

    What a replica draws depends on its number and on the name of the hyperparameter alone.
    """

    def vector(name: str, value: float | Draw) -> np.ndarray:
        streams = (seeds.generator(number, f"hyperparameter/{name}") for number in numbers)
        return np.array([_drawn(value, stream) for stream in streams], np.float64)

    return {name: vector(name, value) for name, value in hyper.items()}


def _drawn(value: float | Draw, stream: np.random.Generator) -> float:
    match value:
        case Choice(choice=values):
            return values[stream.integers(len(values))]
        case Uniform(uniform=(low, high)):
            return stream.uniform(low, high)
        case LogUniform(log_uniform=(low, high)):
            exponent = stream.uniform(math.log(low), math.log(high))
            return min(max(math.exp(exponent), low), high)  # rounding may leave the range
    return value
