"""Integrability: x f must vanish at small x, arXiv:2109.02653, section 3.1.4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.plugin import PenaltyContext, Verdict
from replicafit_pdf.penalties.multiplier import multiplier
from replicafit_pdf.penalties.settings import IntegrabilitySettings
from replicafit_pdf.penalties.small_x import chosen


@dataclass(frozen=True)
class Integrability:
    """lambda(steps) times the sum over flavours and small x of (x f)^2.

    Attributes:
        choice: from the functions to those asked for at small x, (p, m g).
        multiplier: ``(steps (r,), dtype) -> (r,)``.
    """

    choice: np.ndarray
    multiplier: Callable[[Any, Any], Any]

    def __call__(self, functions: Any, steps: Any) -> Any:
        """The penalty of each replica, (r,), from x f (r, n, f) and steps taken (r,)."""
        values = _at_small_x(self.choice, functions)
        each = ops.sum(values * values, axis=1)
        return self.multiplier(steps, each.dtype) * each


@dataclass(frozen=True)
class SmallXSize:
    """Of the worst flavour, the sum over small x of |x f|.

    Attributes:
        choice: from the functions to those asked for at small x, (p, m g).
        flavours: how many flavours were asked for, g.
    """

    choice: np.ndarray
    flavours: int

    def __call__(self, functions: Any) -> Any:
        """(r,) from x f (r, n, f)."""
        values = _at_small_x(self.choice, functions)
        each = ops.reshape(values, (values.shape[0], -1, self.flavours))
        return ops.max(ops.sum(ops.abs(each), axis=1), axis=1)


def build(settings: IntegrabilitySettings, context: PenaltyContext) -> Integrability:
    """The penalty."""
    choice = chosen(settings, context)
    return Integrability(choice, multiplier(settings, context.max_steps))


def verdict(settings: IntegrabilitySettings, context: PenaltyContext) -> Verdict:
    """A replica passes if every flavour stays below the bound; looked at after the fit."""
    choice = chosen(settings, context)
    return Verdict(SmallXSize(choice, len(settings.flavours)), settings.bound)


def _at_small_x(choice: np.ndarray, functions: Any) -> Any:
    """(r, m g) from x f (r, n, f)."""
    p = ops.reshape(functions, (functions.shape[0], choice.shape[0]))
    return ops.matmul(p, choice.astype(keras.backend.standardize_dtype(p.dtype)))
