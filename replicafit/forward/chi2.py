"""chi2 of all replicas at once, on the device, from terms contracted on the host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from keras import ops

from replicafit.forward.compressed import Compressed, CompressedTerms
from replicafit.forward.forms import Form, FormPlan
from replicafit.forward.placed_squares import placed
from replicafit.forward.shared import Shared, SharedTerms
from replicafit.forward.squares import Squares
from replicafit.forward.tables import DatasetTables

Chi2Terms = tuple[CompressedTerms | SharedTerms, ...]
"""The arrays of each replica that chi2 needs, for each form; all have a leading replica axis."""


@dataclass(frozen=True)
class Chi2:
    """chi2 of selected data, for all replicas, from function values (r, n, f)."""

    forms: tuple[Form, ...]

    def terms(self, selection: np.ndarray, values: np.ndarray) -> Chi2Terms:
        """The terms (r = 1) of one replica, from its selection (d,) and its values (d,)."""
        return tuple(form.terms(selection, values) for form in self.forms)

    def __call__(self, terms: Chi2Terms, functions: Any) -> Any:
        """chi2 of each replica, (r,), on the device."""
        each = [
            sum(map(_squared, others), _squared(first) + own.constant)
            for (first, *others), own in zip(self._parts(terms, functions), terms, strict=True)
        ]
        return sum(each[1:], each[0])

    def residuals(self, terms: Chi2Terms, functions: Any) -> Any:
        """Whitened residuals of each replica, (r, k), on the device.

        chi2 is the sum of their squares and of what no function can change, the terms' constants.
        """
        parts = [part for parts in self._parts(terms, functions) for part in parts]
        return ops.concatenate(parts, axis=1)

    def _parts(self, terms: Chi2Terms, functions: Any) -> list[list[Any]]:
        """The residuals of each form, in parts (r, k)."""
        p = ops.reshape(functions, (functions.shape[0], -1))
        return [_residuals(form, own, p) for form, own in zip(self.forms, terms, strict=True)]


def chi2_of(plan: FormPlan, precision: str = "float64") -> Chi2:
    """The chi2 that was planned, with tables of products on the device in ``precision``."""
    return Chi2(tuple(_placed(form, precision) for form in plan.forms))


def _placed(form: Form, precision: str) -> Form:
    def on_device(dataset: DatasetTables) -> DatasetTables:
        tables = (
            placed(table, dataset.shape[1], precision) if isinstance(table, Squares) else table
            for table in dataset.trimmed()
        )
        return replace(dataset, tables=tuple(tables))

    return replace(form, ratios=tuple(on_device(dataset) for dataset in form.ratios))


def _squared(residuals: Any) -> Any:
    """The sum of the squares of residuals (r, k), (r,)."""
    return ops.sum(residuals * residuals, axis=1)


def _residuals(form: Form, terms: Any, p: Any) -> list[Any]:
    if isinstance(form, Shared):
        return [_whitened(form, p) * terms.selected - terms.target]
    return _compressed(form, terms, p)


def _compressed(form: Compressed, terms: CompressedTerms, p: Any) -> list[Any]:
    """R p - t, (r, k), and the whitened residual of non-linear data, (r, m)."""
    size = p.shape[1]
    rows = [_times(b, p[:, size - b.shape[2] :]) for b in terms.blocks]
    residual = (ops.concatenate(rows, axis=1) if rows[1:] else rows[0]) - terms.target
    if not form.ratios:
        return [residual]
    prediction = _predictions(form.ratios, p)
    second = _times(terms.whitener, prediction) - terms.shift
    if terms.coupling:
        outer, inner = terms.coupling
        second = second - _times(outer, _times(inner, residual))
    return [residual, second]


def _times(matrix: Any, vector: Any) -> Any:
    """``matrix`` (r, m, c) times ``vector`` (r, c), (r, m).

    Of a single replica XLA on a CPU makes one scalar loop, five times slower than its own products
    of matrices and vectors, unless something is left to count beside rows: here parts of them.
    """
    r, m, c = matrix.shape
    parts = next((n for n in range(2, 8) if m % n == 0), 1) if r == 1 else 1
    if parts > 1:
        matrix = ops.reshape(matrix, (parts, m // parts, c))
        vector = ops.broadcast_to(vector, (parts, c))
    return ops.reshape(ops.matmul(matrix, vector[..., None]), (r, m))


def _whitened(form: Shared, p: Any) -> Any:
    """W T, (r, k)."""
    linear = ops.matmul(p, ops.cast(form.table.T, p.dtype))
    if not form.ratios:
        return linear
    second, response = _predictions(form.ratios, p), ops.cast(form.response, p.dtype)
    if form.diagonal:
        return ops.concatenate([linear, second * response], axis=1)
    return linear + ops.matmul(second, response)


def _predictions(ratios: Sequence[DatasetTables], p: Any) -> Any:
    """Predictions (r, m) of non-linear datasets."""
    return ops.concatenate([_predict(each, p) for each in ratios], axis=1)


def _predict(dataset: DatasetTables, p: Any) -> Any:
    """Predictions (r, d) of one dataset."""
    assert dataset.combine is not None
    return dataset.combine(*(_of_table(t, p) for t in dataset.tables))


def _of_table(table: Any, p: Any) -> Any:
    """Predictions (r, d) of one table; if it is (d, p') it sees the last elements of p (r, p)."""
    if isinstance(table, np.ndarray):
        return ops.matmul(p[:, p.shape[1] - table.shape[1] :], ops.cast(table.T, p.dtype))
    return table.predictions(p)
