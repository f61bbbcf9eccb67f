"""Positivity: observables that must not be negative, arXiv:2109.02653, section 3.1.3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.components import PenaltyContext, Verdict
from replicafit_pdf.penalties.multiplier import multiplier
from replicafit_pdf.penalties.observables import contracted, membership, read_observables
from replicafit_pdf.penalties.settings import PositivitySettings


@dataclass(frozen=True)
class Positivity:
    """lambda(steps) sum_d elu(-P_d), with elu(t) = t above 0 and alpha (exp(t) - 1) below.

    Attributes:
        table: predictions from the functions, (p, d).
        alpha: slope where predictions are positive.
        multiplier: ``(steps (r,), dtype) -> (r,)``.
    """

    table: np.ndarray
    alpha: float
    multiplier: Callable[[Any, Any], Any]

    def __call__(self, functions: Any, steps: Any) -> Any:
        """The penalty of each replica, (r,), from x f (r, n, f) and steps taken (r,)."""
        opposite = -_predictions(self.table, functions)
        each = ops.sum(ops.elu(opposite, alpha=self.alpha), axis=1)
        return self.multiplier(steps, each.dtype) * each


@dataclass(frozen=True)
class Violation:
    """How negative the worst observable is: sum over its predictions of max(-P_d, 0).

    Attributes:
        table: predictions from the functions, (p, d).
        belongs: 1 where a prediction belongs to an observable, (d, observables).
    """

    table: np.ndarray
    belongs: np.ndarray

    def __call__(self, functions: Any) -> Any:
        """(r,) from x f (r, n, f)."""
        negative = ops.relu(-_predictions(self.table, functions))
        return ops.max(ops.matmul(negative, ops.cast(self.belongs, negative.dtype)), axis=1)


def build(settings: PositivitySettings, context: PenaltyContext) -> Positivity:
    """The penalty."""
    observables = read_observables(settings.path, context.folder)
    return Positivity(
        table=contracted(observables, context.x_grid, context.flavours),
        alpha=settings.alpha,
        multiplier=multiplier(settings, context.max_steps),
    )


def verdict(settings: PositivitySettings, context: PenaltyContext) -> Verdict:
    """A replica passes if no observable is violated by more than the threshold."""
    observables = read_observables(settings.path, context.folder)
    table = contracted(observables, context.x_grid, context.flavours)
    return Verdict(Violation(table, membership(observables)), settings.threshold, at_checks=True)


def _predictions(table: np.ndarray, functions: Any) -> Any:
    """(r, d) from x f (r, n, f)."""
    p = ops.reshape(functions, (functions.shape[0], table.shape[0]))
    return ops.matmul(p, table.astype(keras.backend.standardize_dtype(p.dtype)))
