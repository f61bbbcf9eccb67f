"""The seam for JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax


def value_and_grad(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function(weights, *rest) -> (scalar, aux)`` with gradients for the weights."""
    differentiated: Callable[..., Any] = jax.value_and_grad(function, has_aux=True)
    return differentiated


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` compiled; traced once for each set of shapes."""
    fast: Callable[..., Any] = jax.jit(function)
    return fast


def prepare(precision: str) -> None:
    """JAX must be told before it may hold float64 numbers."""
    if precision == "float64":
        jax.config.update("jax_enable_x64", True)


def describe() -> dict[str, str]:
    """Name, version and device, for provenance."""
    return {"name": "jax", "version": jax.__version__, "device": jax.devices()[0].device_kind}
