"""chi2 of all replicas at once, on the device, from terms contracted on the host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from keras import ops

from replicafit.forward.compressed import CompressedTerms
from replicafit.forward.forms import Form, FormPlan
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

        def squared(residuals: Any) -> Any:
            return ops.sum(residuals * residuals, axis=1)

        each = [
            sum(map(squared, others), squared(first) + own.constant)
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

    def placed(dataset: DatasetTables) -> DatasetTables:
        tables = (
            on_device(table, precision) if isinstance(table, Squares) else table
            for table in dataset.trimmed()
        )
        return replace(dataset, tables=tuple(tables))

    return Chi2(tuple(replace(form, ratios=tuple(map(placed, form.ratios))) for form in plan.forms))


def on_device(squares: Squares, precision: str) -> Squares:
    """``squares`` with vectors that are on the device before anything is compiled.

    An array that a compiled function merely sees is copied into its code, which for tables of
    100 MB took half a minute and 3 GB.
    """
    blocks = (
        replace(block, vectors=ops.convert_to_tensor(block.vectors.astype(precision)))
        for block in squares.blocks
    )
    return replace(squares, blocks=tuple(blocks))


def _residuals(form: Form, terms: Any, p: Any) -> list[Any]:
    """W T - W D of selected rows; or R p - t, (r, k), and of non-linear data L2^-1 ..., (r, m)."""
    if isinstance(form, Shared):
        return [_whitened(form, p) * terms.selected - terms.target]
    size = p.shape[1]
    rows = [_times(b, p[:, size - b.shape[2] :]) for b in terms.blocks]
    residual = (ops.concatenate(rows, axis=1) if rows[1:] else rows[0]) - terms.target
    if not form.ratios:
        return [residual]
    second = _times(terms.whitener, _predictions(form.ratios, p)) - terms.shift
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
    each = []
    for dataset in ratios:
        assert dataset.combine is not None
        each.append(dataset.combine(*(_of_table(table, p) for table in dataset.tables)))
    return ops.concatenate(each, axis=1)


def _of_table(table: Any, p: Any) -> Any:
    """Predictions (r, d) of one table; if it is (d, p') it sees the last elements of p (r, p)."""
    if isinstance(table, Squares):
        return of_squares(table, p)
    return ops.matmul(p[:, p.shape[1] - table.shape[1] :], ops.cast(table.T, p.dtype))


def of_squares(squares: Squares, p: Any) -> Any:
    """Predictions (r, d) from function values p (r, p), flavours running fastest."""
    each = []
    for block in squares.blocks:
        signs, f = block.signs, block.vectors.shape[0] // len(block.points)
        runs = np.split(block.points, np.flatnonzero(np.diff(block.points) > 1) + 1)
        seen = [p[:, f * run[0] : f * (run[-1] + 1)] for run in runs]
        joined = ops.concatenate(seen, axis=1) if seen[1:] else seen[0]
        matrix = ops.reshape(block.vectors, (block.vectors.shape[0], signs.size))
        along = ops.matmul(joined, ops.cast(matrix, p.dtype))
        signed = along * along * ops.cast(signs.ravel(), p.dtype)
        each.append(ops.sum(ops.reshape(signed, (p.shape[0], *signs.shape)), axis=2))
    found = ops.concatenate(each, axis=1) if each[1:] else each[0]
    return ops.broadcast_to(found, (p.shape[0], squares.n_data))
