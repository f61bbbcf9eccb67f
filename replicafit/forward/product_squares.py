"""How exact the tables of products of each dataset must be, and their squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from replicafit.data import FitData
from replicafit.data.product_table import ProductTable
from replicafit.forward.squares import squares
from replicafit.forward.tables import DatasetTables, joined_indices

LEFT = 0.003
"""What cancellations leave at least of a sum of magnitudes: the smaller, the more exact a ratio."""


def with_squares(
    datasets: Sequence[DatasetTables], data: FitData, precision: str
) -> tuple[DatasetTables, ...]:
    """``datasets`` with sums of squares for their tables of products.

    Args:
        data: whose covariance says how exact each prediction must be.
        precision: of the device.
    """
    of_products = [d for d in datasets if any(isinstance(t, ProductTable) for t in d.tables)]
    indices = joined_indices(of_products)
    inverse = np.linalg.inv(data.fit_errors.selected(indices).dense)
    errors = np.full(data.n_data, np.nan)
    errors[indices] = 1 / np.sqrt(np.diag(inverse))
    reference = _reference(datasets, data.central)
    found = list(datasets)
    for place, each in enumerate(datasets):
        if each in of_products:
            allowed = _allowed(each, errors[each.indices], reference)
            tables = (
                squares(t, a, each.shape, precision) if isinstance(t, ProductTable) else t
                for t, a in zip(each.tables, allowed, strict=True)
            )
            found[place] = replace(each, tables=tuple(tables))
    return tuple(found)


def _reference(datasets: Sequence[DatasetTables], central: np.ndarray) -> np.ndarray:
    """A likely size of the functions (p,): one, or what alone gives a datum that is linear in them.

    It only tells how large the tables of a ratio are, and so how exact they must be.
    """
    n, f = datasets[0].shape
    found = np.ones(n * f)
    for dataset in datasets:
        if dataset.linear:
            table = np.abs(np.asarray(dataset.tables[0]))
            with np.errstate(divide="ignore", invalid="ignore"):
                alone = np.abs(central[dataset.indices])[:, None] / table
            found = np.fmin(found, np.nanmin(alone, axis=0, initial=np.inf))
    return found


def _allowed(dataset: DatasetTables, errors: np.ndarray, reference: np.ndarray) -> list[np.ndarray]:
    """How far each table's predictions may be off for an error ``errors`` (d,), each (d,)."""
    values = [
        LEFT * replace(t, values=np.abs(t.values)).predict(reference.reshape(dataset.shape))
        if isinstance(t, ProductTable)
        else LEFT * np.abs(np.asarray(t)) @ reference
        for t in dataset.tables
    ]
    allowed = []
    for i, value in enumerate(values):
        step = 1e-4 * value
        assert dataset.combine is not None
        above, below = (
            dataset.combine(*values[:i], value + sign * step, *values[i + 1 :]) for sign in (1, -1)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            allowed.append(np.nan_to_num(errors * np.abs(2 * step / (above - below)), posinf=0))
    return allowed
