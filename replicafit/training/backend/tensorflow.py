"""The seam for TensorFlow, compiled with XLA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def value_and_grad(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function(weights, *rest) -> (scalar, aux)`` with gradients for the weights."""

    def with_gradients(weights: Any, *rest: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            value, aux = function(weights, *rest)
        gradients = tape.gradient(value, weights, unconnected_gradients="zero")
        return (value, aux), gradients

    return with_gradients


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` compiled; traced once for each set of shapes."""
    return tf.function(function, jit_compile=True, autograph=False)


def prepare(precision: str) -> None:
    """TensorFlow needs nothing for float64."""


def describe() -> dict[str, str]:
    """Name, version and device, for provenance."""
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    return {"name": "tensorflow", "version": tf.__version__, "device": device}
