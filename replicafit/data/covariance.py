"""Covariance matrices, experimental and t0, and what is done to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import connected_components

from replicafit.data.dataset import Dataset
from replicafit.data.sources import sources
from replicafit.errors import DataError

MOST_SHIFTS = 1 / 3
"""Shifts per datum up to which whitening is faster without the matrix."""

LARGEST_SHIFTS = 1e5
"""Largest variance of shifts, in units of the independent variances, up to which whitening without
the matrix is exact: it multiplies rounding."""


@dataclass(frozen=True, eq=False)
class Covariance:
    """diag(v) + S S^T: independent errors, and shifts that data have in common.

    Attributes:
        independent: v, the variances of the independent errors, (d,).
        shifts: S, a column for each source, (d, s).
    """

    independent: np.ndarray
    shifts: np.ndarray

    @cached_property
    def dense(self) -> np.ndarray:
        """The matrix, (d, d)."""
        matrix: np.ndarray = self.shifts @ self.shifts.T
        matrix[np.diag_indices_from(matrix)] += self.independent
        return matrix

    @cached_property
    def factor(self) -> np.ndarray:
        """Its lower Cholesky factor, (d, d).

        Raises:
            np.linalg.LinAlgError: it is not positive definite.
        """
        return np.asarray(np.linalg.cholesky(self.dense))

    @property
    def variances(self) -> np.ndarray:
        """Its diagonal, (d,)."""
        return np.asarray(self.independent + (self.shifts**2).sum(axis=1))

    def selected(self, which: np.ndarray) -> Covariance:
        """Of the data ``which``, a mask or indices."""
        return Covariance(self.independent[which], self.shifts[which])

    def scaled(self, factors: np.ndarray) -> Covariance:
        """Of the data times ``factors`` (d,)."""
        return Covariance(self.independent * factors**2, self.shifts * factors[:, None])

    def plus(self, matrix: np.ndarray) -> Covariance:
        """With a covariance (d, d) added; what is negative in it, by rounding, is left out."""
        errors, values, vectors = _correlation(matrix)
        kept = values > len(values) * np.finfo(float).eps * values[-1]
        return self._with(errors, vectors[:, kept] * np.sqrt(values[kept]))

    def regularized(self, norm_threshold: float) -> Covariance:
        """With the eigenvalues of its correlation raised to a floor.

        With C = D A A^T D, D the standard deviations, the singular values of A are clipped from
        below at 1 / norm_threshold, so that |A^-1| <= norm_threshold: the chi2 of no direction
        reacts to inaccurate correlations by more than that (arXiv:2207.00690; NNPDF uses 4).
        """
        errors, values, vectors = _correlation(self.dense)
        missing = norm_threshold**-2.0 - values
        low = missing > 0
        return self._with(errors, vectors[:, low] * np.sqrt(missing[low]))

    def _with(self, errors: np.ndarray, shifts: np.ndarray) -> Covariance:
        """With more shifts, in units of ``errors`` (d,)."""
        return Covariance(self.independent, np.hstack([self.shifts, errors[:, None] * shifts]))

    def whitening(self) -> np.ndarray:
        """W (d, d) with W C W^T = 1: the diagonal basis of the correlation.

        Rows are eigenvectors of the correlation matrix, in units of their standard deviation.
        """
        errors, values, vectors = _correlation(self.dense)
        return np.asarray(vectors.T / np.sqrt(values)[:, None] / errors)

    @cached_property
    def correlated(self) -> np.ndarray:
        """Which data share a source with another, (d,)."""
        return np.asarray((self.shifts[:, self._common] != 0).any(axis=1))

    @cached_property
    def _common(self) -> np.ndarray:
        """Which sources shift several data, (s,)."""
        return np.asarray((self.shifts != 0).sum(axis=0) > 1)

    @cached_property
    def _blocks(self) -> tuple[_Block, ...]:
        """Data that are correlated with each other and with no others; first those with none."""
        shifts = self.shifts[:, self._common]
        independent = self.independent + (self.shifts[:, ~self._common] ** 2).sum(axis=1)
        labels = np.where(self.correlated, connected(shifts != 0), -1)
        blocks = []
        for label in np.unique(labels):
            data = np.flatnonzero(labels == label)
            seen = (shifts[data] != 0).any(axis=0)
            blocks.append(_Block(data, Covariance(independent[data], shifts[data][:, seen])))
        return tuple(blocks)

    def whitened(self, columns: np.ndarray, used: np.ndarray) -> np.ndarray:
        """L^-1 ``columns`` for some L with L L^T = C, the covariance of the data that are used.

        Args:
            columns: of all data, (d, c).
            used: which data are, (d,).

        Returns:
            (n, c) for n used data. Rows are combinations of data; the products of columns are
            ``columns^T C^-1 columns``.
        """
        parts = [block.whitened(columns, used) for block in self._blocks]
        return np.concatenate([np.zeros((0, columns.shape[1])), *parts])


@dataclass(frozen=True, eq=False)
class _Block:
    """Some data that are correlated with no others.

    Attributes:
        data: which, (n,).
        own: their covariance, with the sources that shift one of them.
    """

    data: np.ndarray
    own: Covariance

    @cached_property
    def relative(self) -> np.ndarray | None:
        """Shifts in units of the independent errors, (n, s); None where whitening needs the matrix:
        a datum has next to no independent error, or there are many sources.
        """
        independent, shifts = self.own.independent, self.own.shifts
        if shifts.shape[1] > MOST_SHIFTS * len(shifts) or not independent.all():
            return None
        relative = shifts / np.sqrt(independent)[:, None]
        exact = not shifts.size or np.linalg.norm(relative, 2) ** 2 < LARGEST_SHIFTS
        return relative if exact else None

    def whitened(self, columns: np.ndarray, used: np.ndarray) -> np.ndarray:
        """As for all data.

        With U the shifts, 1 + U U^T is the covariance in units of the errors. With the Cholesky
        factor 1 + U^T U = R^T R, F = 1 - U (1 + R)^-1 R^-T U^T has F^T F = (1 + U U^T)^-1, as
        multiplying it out shows.
        """
        mine = used[self.data]
        white: np.ndarray = columns[self.data[mine]]
        if self.relative is None:
            return solve_lower(np.linalg.cholesky(self.own.dense[np.ix_(mine, mine)]), white)
        shifts = self.relative[mine]
        white /= np.sqrt(self.own.independent[mine])[:, None]
        one = np.eye(shifts.shape[1])
        factor = np.linalg.cholesky(one + shifts.T @ shifts)
        inner = solve_triangular(one + factor.T, solve_lower(factor, one), check_finite=False)
        white -= shifts @ (inner @ (shifts.T @ white))
        return white


def connected(links: np.ndarray) -> np.ndarray:
    """A label for each row of ``links`` (n, s), (n,): from 0, the same for all rows that a column
    connects, directly or by others between them.
    """
    pairs = csr_array(links)
    _, labels = connected_components(block_array([[None, pairs], [pairs.T, None]]))
    return np.asarray(labels[: len(links)])


def covariance(datasets: Sequence[Dataset]) -> Covariance:
    """Covariance of all ``datasets`` together; the experimental one unless a dataset has another
    ``reference``.

    Raises:
        DataError: a source is named twice in one dataset.
    """
    found = sources(datasets)
    reference = np.concatenate([d.multiplied for d in datasets])
    return Covariance(found.independent(reference), found.shifts(reference))


def cholesky(matrix: np.ndarray | Covariance, datasets: Sequence[Dataset]) -> np.ndarray:
    """Lower Cholesky factor of ``matrix`` (d, d), the covariance of ``datasets``.

    Raises:
        DataError: the matrix is not positive definite; names the dataset and the data.
    """
    try:
        return matrix.factor if isinstance(matrix, Covariance) else np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        matrix = matrix.dense if isinstance(matrix, Covariance) else matrix
        start = 0
        for dataset in datasets if len(datasets) > 1 else ():  # one of them may spoil it alone
            own = slice(start, start + dataset.n_data)
            cholesky(matrix[own, own], [dataset])
            start = own.stop
    together = f"{', '.join(d.name for d in datasets)} together"
    whose = together if len(datasets) > 1 else f"dataset {datasets[0].name}"
    values, vectors = np.linalg.eigh(matrix)
    worst = np.flatnonzero(np.abs(vectors[:, 0]) > 0.3 * np.abs(vectors[:, 0]).max())
    raise DataError(
        f"The covariance of {whose} is not positive definite: its lowest eigenvalue is "
        f"{values[0]:.3g}, carried by the data {', '.join(map(str, worst[:10]))} (counted from "
        "0). They lack an uncorrelated error or repeat each other; mend or remove them."
    )


def _correlation(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standard deviations (d,), eigenvalues (d,) and eigenvectors (d, d) of the correlation.

    Data without any error, as a matrix for some of the data has them, have correlations of zero,
    also where rounding left a negative variance.
    """
    errors = np.sqrt(np.maximum(np.diag(matrix), 0))
    scale = np.where(errors > 0, errors, 1.0)
    return errors, *np.linalg.eigh(matrix / np.outer(scale, scale))


def solve_lower(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    """factor^-1 right, for a lower triangular factor."""
    return np.asarray(solve_triangular(factor, right, lower=True, check_finite=False))
