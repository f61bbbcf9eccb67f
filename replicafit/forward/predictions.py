"""Predictions on the host: slow, obvious, float64. The reference for what runs on the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import solve_triangular

from replicafit.components import ForwardMap
from replicafit.data import Dataset, FitData
from replicafit.data.fit_data import SAME_GRID_POINT
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


def on_grid(
    dataset: Dataset, x_grid: np.ndarray, flavours: Sequence[str]
) -> tuple[np.ndarray, ...]:
    """The dataset's tables, padded with zeros to ``x_grid`` and ``flavours``, each (d, n, f).

    Raises:
        DataError: a grid point of the dataset is not in ``x_grid``.
    """
    columns = np.abs(x_grid[None, :] - dataset.x_grid[:, None]).argmin(axis=1)
    if not np.allclose(x_grid[columns], dataset.x_grid, rtol=2 * SAME_GRID_POINT, atol=0):
        raise DataError(f"The grid of {dataset.name} is not part of the grid it is put on.")
    rows = [flavours.index(name) for name in dataset.flavours]
    padded = []
    for table in dataset.tables:
        full = np.zeros((dataset.n_data, len(x_grid), len(flavours)))
        full[np.ix_(range(dataset.n_data), columns, rows)] = table.transpose(0, 2, 1)
        padded.append(full)
    return tuple(padded)


def predict(dataset: Dataset, registry: Registry, values: np.ndarray) -> np.ndarray:
    """Predictions (..., d) from x f ``values`` (..., n, f) on the dataset's own grid."""
    each = [np.einsum("...nf,dfn->...d", values, table) for table in dataset.tables]
    prediction: np.ndarray = forward_map(dataset, registry).combine(*each)
    return prediction


def predict_all(data: FitData, registry: Registry, values: np.ndarray) -> np.ndarray:
    """Predictions (..., d) for all data from x f ``values`` (..., n, f) on ``data``'s grid."""
    predictions = []
    for dataset in data.datasets:
        padded = on_grid(dataset, data.x_grid, data.flavours)
        each = [np.einsum("...nf,dnf->...d", values, table) for table in padded]
        predictions.append(forward_map(dataset, registry).combine(*each))
    return np.concatenate(predictions, axis=-1)


def chi2(residual: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """residual^T covariance^-1 residual, (...,), from residuals (..., d)."""
    return chi2_from_factor(residual, np.linalg.cholesky(covariance))


def chi2_from_factor(residual: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """The same from the lower Cholesky factor of the covariance, (d, d)."""
    flat = residual.reshape(-1, residual.shape[-1])
    whitened = solve_triangular(factor, flat.T, lower=True, check_finite=False)
    result: np.ndarray = (whitened**2).sum(axis=0).reshape(residual.shape[:-1])
    return result
