"""The backend TensorFlow, compiled with XLA."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import tensorflow as tf

UNKNOWN_MEMORY = 4 * 10**9
"""TensorFlow does not say how much memory a GPU has; any of today has this, in bytes."""


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


def start() -> None:
    """One thread for each call, so that as many lanes as cores do not get into each other's way."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # somebody has computed before, with the threads there are
        pass


def prepare(precision: str) -> None:
    """Nothing for float64. What layers vectorise is traced anew by calls outside of the engine, of
    which TensorFlow would warn.
    """
    tf.get_logger().setLevel("ERROR")


def accelerators() -> list[Any]:
    """The GPUs, one for each lane."""
    return list(tf.config.list_physical_devices("GPU"))


def accelerator_memory() -> int | None:
    """Bytes that slots may take on a GPU; None where there is none."""
    return UNKNOWN_MEMORY if accelerators() else None


def device(lane: int) -> AbstractContextManager[Any]:
    """What ``lane`` computes on, while a block lasts."""
    gpus = accelerators()
    return tf.device(f"/GPU:{lane % len(gpus)}") if gpus else nullcontext()


def describe() -> dict[str, str]:
    """Name, version and device, for provenance."""
    found = "GPU" if accelerators() else "CPU"
    return {"name": "tensorflow", "version": tf.__version__, "device": found}
