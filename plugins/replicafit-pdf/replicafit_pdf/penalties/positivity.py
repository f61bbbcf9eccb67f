"""Positivity: observables that must not be negative, arXiv:2109.02653, section 3.1.3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.plugin import PenaltyContext, ProductTable, Verdict
from replicafit_pdf.penalties.multiplier import multiplier
from replicafit_pdf.penalties.observables import (
    Contraction,
    contracted,
    membership,
    read_observables,
)
from replicafit_pdf.penalties.settings import PositivitySettings


@dataclass(frozen=True)
class Positivity:
    """lambda(steps) sum_d elu(-P_d), with elu(t) = t above 0 and alpha (exp(t) - 1) below.

    Attributes:
        predictions: of all observables, ``x f (r, n, f) -> (r, d)``.
        alpha: slope where predictions are positive.
        multiplier: ``(steps (r,), dtype) -> (r,)``.
    """

    predictions: Callable[[Any], Any]
    alpha: float
    multiplier: Callable[[Any, Any], Any]

    def __call__(self, functions: Any, steps: Any) -> Any:
        """The penalty of each replica, (r,), from x f (r, n, f) and steps taken (r,)."""
        opposite = -self.predictions(functions)
        each = ops.sum(ops.elu(opposite, alpha=self.alpha), axis=1)
        return self.multiplier(steps, each.dtype) * each


@dataclass(frozen=True)
class Violation:
    """How negative the worst observable is: sum over its predictions of max(-P_d, 0).

    Attributes:
        predictions: of all observables, ``x f (r, n, f) -> (r, d)``.
        belongs: 1 where a prediction belongs to an observable, (d, observables).
    """

    predictions: Callable[[Any], Any]
    belongs: np.ndarray

    def __call__(self, functions: Any) -> Any:
        """(r,) from x f (r, n, f)."""
        negative = ops.relu(-self.predictions(functions))
        return ops.max(ops.matmul(negative, ops.cast(self.belongs, negative.dtype)), axis=1)


def build(settings: PositivitySettings, context: PenaltyContext) -> Positivity:
    """The penalty."""
    observables = read_observables(settings.path, context.folder, settings.package)
    return Positivity(
        predictions=_predictions(contracted(observables, context.x_grid, context.flavours)),
        alpha=settings.alpha,
        multiplier=multiplier(settings, context.max_steps),
    )


def verdict(settings: PositivitySettings, context: PenaltyContext) -> Verdict:
    """A replica passes if no observable is violated by more than the threshold."""
    observables = read_observables(settings.path, context.folder, settings.package)
    predictions = _predictions(contracted(observables, context.x_grid, context.flavours))
    violation = Violation(predictions, membership(observables))
    return Verdict(violation, settings.threshold, at_checks=True)


def _predictions(contraction: Contraction) -> Callable[[Any], Any]:
    """What takes x f (r, n, f) to all predictions, (r, d)."""
    pairs = [_Pairs(table) for table in contraction.pairs]

    def of(functions: Any) -> Any:
        p = ops.reshape(functions, (functions.shape[0], contraction.linear.shape[0]))
        table = contraction.linear.astype(keras.backend.standardize_dtype(p.dtype))
        return ops.concatenate([ops.matmul(p, table), *(pair(functions) for pair in pairs)], axis=1)

    return of


@dataclass(frozen=True)
class _Pairs:
    """An observable of two hadrons: its products of functions, then one matrix product.

    Functions are picked by products with ones and zeros: exact, and with a gradient that is a
    product too.

    Attributes:
        table: the observable's, for the fitted functions.
    """

    table: ProductTable

    def __call__(self, functions: Any) -> Any:
        """Predictions (r, d) from x f (r, n, f)."""
        first = self._picked(functions, self.table.channels[:, 0], self.table.x1)
        second = self._picked(functions, self.table.channels[:, 1], self.table.x2)
        products = ops.multiply(first[:, :, :, None], second[:, :, None, :])
        flat = ops.reshape(products, (functions.shape[0], self.table.products))
        values = self.table.values.reshape(len(self.table), self.table.products).T
        return ops.matmul(flat, values.astype(keras.backend.standardize_dtype(flat.dtype)))

    def _picked(self, functions: Any, flavours: np.ndarray, points: np.ndarray) -> Any:
        """x f of ``flavours`` (c,) at ``points`` (u,), (r, c, u)."""
        _, n, f = functions.shape
        of_flavour = ops.cast(np.eye(f)[flavours], functions.dtype)
        of_point = ops.cast(np.eye(n)[:, points], functions.dtype)
        turned = ops.matmul(of_flavour, ops.transpose(functions, (0, 2, 1)))
        return ops.matmul(turned, of_point)
