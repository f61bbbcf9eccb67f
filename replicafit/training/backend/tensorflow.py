"""The backend TensorFlow, compiled with XLA."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import tensorflow as tf

ONE_THREAD = {
    "xla_cpu_multi_thread_eigen": "false",
    "xla_cpu_enable_concurrency_optimized_scheduler": "false",
}
"""Flags of XLA: each call is computed in one thread, in the same order of operations however many
threads there are. What the user sets differently stays."""

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


def start(threads: int) -> bool:
    """As many calls may compute at the same time as there are ``threads``, each in one of them.

    False if somebody has computed before, after which threads and flags stay as they were.

    TensorFlow runs whatever XLA compiled in its threads for parts of operations: with one of
    these, lanes would wait for each other.
    """
    given = os.environ.get("XLA_FLAGS", "")
    flags = [f"--{flag}={value}" for flag, value in ONE_THREAD.items() if flag not in given]
    os.environ["XLA_FLAGS"] = " ".join([*given.split(), *flags])
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        return False
    return True


def prepare(precision: str) -> None:
    """Nothing for float64. What layers vectorise is traced anew by calls outside of the engine, of
    which TensorFlow would warn.
    """
    tf.get_logger().setLevel("ERROR")


def padded(slots: int) -> int:
    """As many as asked for: each computes with the same bits."""
    return slots


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
