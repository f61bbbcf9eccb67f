"""Covariance matrices from systematic uncertainties.

Uncorrelated sources add in quadrature to the diagonal; ``CORR`` and ``THEORYCORR`` shift the data
of their dataset together; a source of any other name shifts all data of all datasets that have
it (arXiv:0912.2276, eq. 2, experimental definition).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicafit.data.dataset import CORRELATED_WITHIN, UNCORRELATED, Dataset
from replicafit.errors import DataError


def covariance(datasets: Sequence[Dataset]) -> np.ndarray:
    """Experimental covariance of all ``datasets`` together, (d, d).

    Raises:
        DataError: a source is named twice in one dataset.
    """
    sources = _shared_sources(datasets)
    matrix: np.ndarray = sources @ sources.T
    start = 0
    for dataset in datasets:
        block = slice(start, start + dataset.n_data)
        matrix[block, block] += _own_covariance(dataset)
        start += dataset.n_data
    return matrix


def cholesky(matrix: np.ndarray, datasets: Sequence[Dataset]) -> np.ndarray:
    """Lower Cholesky factor of ``matrix`` (d, d), the covariance of ``datasets``.

    Raises:
        DataError: the matrix is not positive definite; names the dataset and the data.
    """
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise DataError(_blame(matrix, datasets)) from None


def _own_covariance(dataset: Dataset) -> np.ndarray:
    names = np.array(dataset.shift_names, dtype=np.str_)
    uncorrelated = dataset.shifts[:, np.isin(names, UNCORRELATED)]
    together = dataset.shifts[:, np.isin(names, CORRELATED_WITHIN)]
    variance = dataset.stat**2 + (uncorrelated**2).sum(axis=1)
    own: np.ndarray = np.diag(variance) + together @ together.T
    return own


def _shared_sources(datasets: Sequence[Dataset]) -> np.ndarray:
    """One column per shared source, (d, s)."""
    columns: dict[str, np.ndarray] = {}
    n_data, start = sum(d.n_data for d in datasets), 0
    for dataset in datasets:
        for name, shift in _named_shifts(dataset).items():
            column = columns.setdefault(name, np.zeros(n_data))
            column[start : start + dataset.n_data] = shift
        start += dataset.n_data
    return np.stack(list(columns.values()), axis=1) if columns else np.zeros((n_data, 0))


def _named_shifts(dataset: Dataset) -> dict[str, np.ndarray]:
    anonymous = UNCORRELATED + CORRELATED_WITHIN
    named = [(n, s) for n, s in zip(dataset.shift_names, dataset.shifts.T, strict=True)]
    result: dict[str, np.ndarray] = {}
    for name, shift in named:
        if name in result:
            raise DataError(
                f"Dataset {dataset.name} has two systematics named '{name}'. Give each its own "
                f"name, or use one of {', '.join(anonymous)}."
            )
        if name not in anonymous:
            result[name] = shift
    return result


def _blame(matrix: np.ndarray, datasets: Sequence[Dataset]) -> str:
    """Which dataset, or which of them together, and which data spoil the covariance."""
    start = 0
    for dataset in datasets:
        block = matrix[start : start + dataset.n_data, start : start + dataset.n_data]
        if not _is_positive(block):
            return _not_positive(f"dataset {dataset.name}", block)
        start += dataset.n_data
    return _not_positive(f"{', '.join(d.name for d in datasets)} together", matrix)


def _is_positive(matrix: np.ndarray) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


def _not_positive(whose: str, matrix: np.ndarray) -> str:
    values, vectors = np.linalg.eigh(matrix)
    worst = np.flatnonzero(np.abs(vectors[:, 0]) > 0.3 * np.abs(vectors[:, 0]).max())
    return (
        f"The covariance of {whose} is not positive definite: its lowest eigenvalue is "
        f"{values[0]:.3g}, carried by the data {', '.join(map(str, worst[:10]))} (counted from "
        "0). They lack an uncorrelated error or repeat each other; mend or remove them."
    )
