"""Predictions on the host: slow, obvious, float64. The reference for what runs on the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve_triangular

from replicafit.components import ForwardMap
from replicafit.data import Dataset, FitData, ProductTable
from replicafit.data.fit_data import positions
from replicafit.data.product_table import Table
from replicafit.errors import DataError
from replicafit.plugins import Registry


def forward_map(dataset: Dataset, registry: Registry) -> ForwardMap:
    """The forward map of ``dataset``.

    Raises:
        DataError: nobody provides it, or it wants another number of tables.
    """
    if dataset.operation not in registry.names(ForwardMap):
        reason = registry.absence(ForwardMap, dataset.operation)
        raise DataError(f"Dataset {dataset.name}: {reason}")
    found = registry.get(ForwardMap, dataset.operation)
    if found.n_tables != len(dataset.tables):
        raise DataError(
            f"Dataset {dataset.name} has {len(dataset.tables)} tables, but its operation "
            f"{found.name} combines {found.n_tables}."
        )
    return found


def on_grid(dataset: Dataset, x_grid: np.ndarray, flavours: Sequence[str]) -> tuple[Table, ...]:
    """The dataset's tables for ``x_grid`` and ``flavours``.

    Those of one function are padded with zeros, to (d, n, f); those of two keep their numbers.

    Raises:
        DataError: a grid point of the dataset is not in ``x_grid``.
    """
    try:
        columns = positions(dataset.x_grid, x_grid)
    except ValueError:
        raise DataError(
            f"The grid of {dataset.name} is not part of the grid it is put on."
        ) from None
    rows = np.array([flavours.index(name) for name in dataset.flavours])
    found: list[Table] = []
    for table in dataset.tables:
        if isinstance(table, ProductTable):
            found.append(table.on(columns, rows))
        else:
            padded = np.zeros((len(table), len(x_grid), len(flavours)))
            padded[:, columns[:, None], rows] = table.transpose(0, 2, 1)
            found.append(padded)
    return tuple(found)


def predict(
    dataset: Dataset,
    registry: Registry,
    values: np.ndarray,
    x_grid: np.ndarray | None = None,
    flavours: Sequence[str] | None = None,
) -> np.ndarray:
    """Predictions (..., d) from ``values`` (..., n, f) on ``x_grid`` and for ``flavours``; by
    default the dataset's own.
    """
    kind = forward_map(dataset, registry)
    x_grid = dataset.x_grid if x_grid is None else x_grid
    tables = on_grid(dataset, x_grid, dataset.flavours if flavours is None else flavours)
    each = (
        table.predict(values)
        if isinstance(table, ProductTable)
        else np.einsum("...nf,dnf->...d", values, table)
        for table in tables
    )
    return kind.combine(*each)


def predict_all(data: FitData, registry: Registry, values: np.ndarray) -> np.ndarray:
    """Predictions (..., d) for all data from ``values`` (..., n, f) on ``data``'s grid."""
    each = [predict(d, registry, values, data.x_grid, data.flavours) for d in data.datasets]
    return np.concatenate(each, axis=-1)


def chi2(residual: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """residual^T covariance^-1 residual, (...,), from residuals (..., d)."""
    return chi2_from_factor(residual, np.linalg.cholesky(covariance))


def chi2_from_factor(residual: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """The same from the lower Cholesky factor of the covariance, (d, d)."""
    flat = residual.reshape(-1, residual.shape[-1])
    whitened = solve_triangular(factor, flat.T, lower=True, check_finite=False)
    return (whitened**2).sum(axis=0).reshape(residual.shape[:-1])
