"""The backend JAX."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

IN_A_VECTOR = 4
"""Slots that XLA computes at one time; seen in what 2 to 20 of them give, as it does not say."""

SHARE_OF_MEMORY = 0.8
"""Of what JAX may use; the rest is for the compiler."""

UNKNOWN_MEMORY = 4 * 10**9
"""Taken where the device does not say how much it has, in bytes."""


def value_and_grad(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function(weights, *rest) -> (scalar, aux)`` with gradients for the weights."""
    differentiated: Callable[..., Any] = jax.value_and_grad(function, has_aux=True)
    return differentiated


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` compiled; traced once for each set of shapes."""
    fast: Callable[..., Any] = jax.jit(function)
    return fast


def start(threads: int) -> bool:
    """Each call computes in one thread, the caller's own, so that lanes, as many as there are
    ``threads``, do not get into each other's way.
    """
    given = os.environ.get("XLA_FLAGS", "")
    if ONE_THREAD not in given:
        os.environ["XLA_FLAGS"] = f"{given} {ONE_THREAD}".strip()
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    return True  # JAX does not tell whether it has computed before


def prepare(precision: str) -> None:
    """JAX must be told before it may hold float64 numbers."""
    if precision == "float64":
        jax.config.update("jax_enable_x64", True)


def padded(slots: int) -> int:
    """On a CPU whole vectors of slots: what is left of one is computed by other code, which rounds
    otherwise, and a replica would depend on its slot.
    """
    alone = slots == 1 or accelerators()
    return slots if alone else -(-slots // IN_A_VECTOR) * IN_A_VECTOR


def accelerators() -> list[Any]:
    """The GPUs, one for each lane."""
    return [device for device in jax.local_devices() if device.platform != "cpu"]


def device(lane: int) -> AbstractContextManager[Any]:
    """What ``lane`` computes on, while a block lasts."""
    gpus = accelerators()
    return jax.default_device(gpus[lane % len(gpus)]) if gpus else nullcontext()


def accelerator_memory() -> int | None:
    """Bytes that slots may take on a GPU; None where there is none."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        return None
    statistics = device.memory_stats() or {}
    return int(SHARE_OF_MEMORY * statistics.get("bytes_limit", UNKNOWN_MEMORY))


def describe() -> dict[str, str]:
    """Name, version and device, for provenance."""
    return {"name": "jax", "version": jax.__version__, "device": jax.devices()[0].device_kind}
