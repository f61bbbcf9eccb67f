"""Covariance matrices, experimental and t0, and what is done to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicafit.data.dataset import Dataset
from replicafit.data.sources import sources
from replicafit.errors import DataError


def covariance(datasets: Sequence[Dataset]) -> np.ndarray:
    """Covariance of all ``datasets`` together, (d, d); the experimental one unless a dataset has
    another ``reference``.

    Raises:
        DataError: a source is named twice in one dataset.
    """
    return sources(datasets).covariance(np.concatenate([d.multiplied for d in datasets]))


def regularized(matrix: np.ndarray, norm_threshold: float) -> np.ndarray:
    """``matrix`` (d, d) with the eigenvalues of its correlation raised to a floor.

    With C = D A A^T D, D the standard deviations, the singular values of A are clipped from below
    at 1 / norm_threshold, so that |A^-1| <= norm_threshold: the chi2 of no direction reacts to
    inaccurate correlations by more than that (arXiv:2207.00690; NNPDF uses 4).
    """
    errors = np.sqrt(np.diag(matrix))
    values, vectors = np.linalg.eigh(matrix / np.outer(errors, errors))
    half = errors[:, None] * vectors * np.sqrt(np.maximum(values, norm_threshold**-2.0))
    raised: np.ndarray = half @ half.T
    return raised


def whitening(matrix: np.ndarray) -> np.ndarray:
    """W (d, d) with W C W^T = 1 for C = ``matrix``: the diagonal basis of the correlation.

    Rows are eigenvectors of the correlation matrix, in units of their standard deviation.
    """
    errors = np.sqrt(np.diag(matrix))
    values, vectors = np.linalg.eigh(matrix / np.outer(errors, errors))
    rows: np.ndarray = vectors.T / np.sqrt(values)[:, None] / errors
    return rows


def cholesky(matrix: np.ndarray, datasets: Sequence[Dataset]) -> np.ndarray:
    """Lower Cholesky factor of ``matrix`` (d, d), the covariance of ``datasets``.

    Raises:
        DataError: the matrix is not positive definite; names the dataset and the data.
    """
    try:
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise DataError(_blame(matrix, datasets)) from None


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
