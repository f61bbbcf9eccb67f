"""chi2 from one table for all replicas, with a vector for each of them.

Where rows of the whitened residual e = W (T - D) can be selected instead of data, no replica needs
a table of its own: chi2 = sum of the selected e^2. That is so where W is diagonal (data without
correlations), where the split is made in the diagonal basis of the correlations, and where nothing
is split off, so that all replicas have one covariance. In the last case all rows are selected and
may be rotated: with Q spanning all that functions can change, |e|^2 = |Q^T e|^2 + constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from replicafit.data.covariance import Covariance
from replicafit.forward.tables import (
    DatasetTables,
    Size,
    describe_squares,
    joined_indices,
    parted,
    stacked_table,
)


class SharedTerms(NamedTuple):
    """The arrays of each replica that this form needs.

    Attributes:
        target: W D, zero where not selected, (r, k).
        selected: 1.0 for the rows that count, (r, k).
        constant: what no function can change, (r,).
    """

    target: Any
    selected: Any
    constant: Any

    def scaled(self, factors: np.ndarray) -> SharedTerms:
        """The terms of chi2 times ``factors`` (r,)."""
        root = np.sqrt(factors)[:, None]
        return SharedTerms(self.target * root, self.selected * root, self.constant * factors)


@dataclass(frozen=True)
class Shared:
    """chi2 of some of the data.

    Attributes:
        form: its name, for people.
        rows: which elements of a selection count here: indices, (k,).
        data: which data the residual is made of: indices, linear ones first, (d1 + m,).
        whitening: W, as a matrix (k, d1 + m) or as its diagonal, (k,).
        table: W times the table of the linear data, (k, p) or, with a diagonal W, (d1, p).
        ratios: the non-linear datasets, ratios and others, with m data.
        remainder: the rows of W that functions cannot change, (j, d1 + m); they count if all do.
    """

    form: str
    rows: np.ndarray
    data: np.ndarray
    whitening: np.ndarray
    table: np.ndarray
    ratios: tuple[DatasetTables, ...]
    remainder: np.ndarray

    @property
    def diagonal(self) -> bool:
        """Whether W is."""
        return self.whitening.ndim == 1

    @property
    def response(self) -> np.ndarray:
        """What W does to the non-linear data: (m, k), or its diagonal (m,)."""
        second = self.whitening.shape[-1] - sum(len(each.indices) for each in self.ratios)
        return self.whitening[second:] if self.diagonal else self.whitening[:, second:].T

    def terms(self, selection: np.ndarray, values: np.ndarray) -> SharedTerms:
        """The terms (r = 1) of one replica, from which rows count (d,) and its values (d,)."""
        own = values[self.data]
        target = self.whitening * own if self.diagonal else self.whitening @ own
        selected = selection[self.rows].astype(np.float64)
        constant = selection.all() * ((self.remainder @ own) ** 2).sum()
        return SharedTerms((target * selected)[None], selected[None], np.array([constant]))

    @property
    def size(self) -> Size:
        """Numbers held and read for the training data."""
        response = self.response.size if self.ratios else 0
        own = Size(own=2 * len(self.rows) + 1, shared=self.table.size + response)
        return sum((each.size for each in self.ratios), own)

    def describe(self) -> dict[str, Any]:
        """For people and for ``run.json``."""
        rows, columns = len(self.rows), self.table.shape[1]
        about = {"form": self.form, "n_data": len(self.data), "rows": rows, "columns": columns}
        return about | describe_squares(self.ratios)


def shared_diagonal(datasets: Sequence[DatasetTables], errors: Covariance) -> Shared:
    """The form for uncorrelated data, with the errors of all data."""
    straight, ratios = parted(datasets)
    first, data = joined_indices(straight), joined_indices([*straight, *ratios])
    whitening = 1 / np.sqrt(errors.variances[data])
    table = stacked_table(datasets) * whitening[: len(first), None]
    nothing = np.zeros((0, len(data)))
    return Shared("shared, uncorrelated", data, data, whitening, table, ratios, nothing)


def shared_rotated(datasets: Sequence[DatasetTables], whitening: np.ndarray) -> Shared:
    """The form for all data where rows of ``whitening`` (d, d) are selected."""
    straight, ratios = parted(datasets)
    first, data = joined_indices(straight), joined_indices([*straight, *ratios])
    ordered = whitening[:, data]
    table = ordered[:, : len(first)] @ stacked_table(datasets)
    rows, nothing = np.arange(len(whitening)), np.zeros((0, len(data)))
    return Shared("shared, diagonal basis", rows, data, ordered, table, ratios, nothing)


def shared_whole(datasets: Sequence[DatasetTables], errors: Covariance) -> Shared:
    """The form for all data where none are split off."""
    inverse = np.linalg.inv(np.linalg.cholesky(errors.dense))
    plain = shared_rotated(datasets, inverse)
    changeable = np.hstack([plain.table, plain.response.T])
    q, _ = np.linalg.qr(changeable, mode="complete" if len(changeable) > 0 else "reduced")
    k = min(changeable.shape)
    return Shared(
        form="shared, nothing split off",
        rows=plain.rows[:k],
        data=plain.data,
        whitening=q[:, :k].T @ plain.whitening,
        table=q[:, :k].T @ plain.table,
        ratios=plain.ratios,
        remainder=q[:, k:].T @ plain.whitening,
    )
