"""What all checks share: how a broken rule is reported, and how arrays are compared."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, ParamSpec

import numpy as np
from keras import ops

from replicafit.errors import ReplicafitError
from replicafit.training.backend import backend

Arguments = ParamSpec("Arguments")


class ConformanceError(AssertionError):
    """A component breaks a rule; the message names the rule."""


def certifies(check: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """``check``, in which a component that raises breaks a rule, too."""

    @wraps(check)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            check(*args, **kwargs)
        except (ConformanceError, ReplicafitError, KeyboardInterrupt):
            raise
        except BaseException as cause:
            raise ConformanceError(f"it works: {type(cause).__name__}: {cause}") from cause

    return checked


def compiled(rule: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What ``function`` gives when it is compiled, as it is in a fit."""
    backend().prepare("float32")
    try:
        return backend().compiled(function)(*arguments)
    except Exception as cause:
        said = (str(cause).strip().splitlines() or ["no message"])[0]
        raise ConformanceError(
            f"{rule}: {type(cause).__name__}: {said} In a fit all is compiled: compute with "
            "keras.ops alone, without numpy and without if on values."
        ) from cause


def require(holds: Any, rule: str, what: str) -> None:
    """Raises ConformanceError, naming ``rule`` and ``what`` was seen, unless it ``holds``."""
    if not holds:
        raise ConformanceError(f"{rule}: {what}")


def same(rule: str, found: Any, expected: Any) -> None:
    """Bitwise equal, NaN to NaN."""
    if not np.array_equal(found, expected, equal_nan=np.asarray(found).dtype.kind == "f"):
        _differ(rule, found, expected)


def close(rule: str, found: Any, expected: Any, rtol: float = 2e-5, atol: float = 1e-6) -> None:
    """Equal to rounding: |found - expected| <= atol + rtol |expected|."""
    if np.shape(found) != np.shape(expected) or not np.allclose(found, expected, rtol, atol):
        _differ(rule, found, expected, f", where at most {atol:g} + {rtol:g} |value| is allowed")


def _differ(rule: str, found: Any, expected: Any, allowed: str = "") -> NoReturn:
    if np.shape(found) != np.shape(expected):
        by = f"in shape, {np.shape(found)} and {np.shape(expected)}"
    elif np.asarray(found).dtype.kind not in "biuf":
        by = f"as {found} and {expected} do"
    else:
        by = f"by up to {float(np.abs(np.subtract(found, expected, dtype=float)).max()):g}{allowed}"
    raise ConformanceError(f"{rule}: the outputs differ {by}.")


def tensor(array: np.ndarray, dtype: str = "float32") -> Any:
    """``array`` on the device."""
    return ops.cast(ops.convert_to_tensor(array), dtype)


def array(value: Any) -> np.ndarray:
    """``value`` on the host."""
    return np.asarray(ops.convert_to_numpy(value))
