"""chi2 with the covariance of each replica's own selection, contracted on the host.

With C = L L^T the covariance of a replica's selected data, chi2 = |L^-1 (T - D)|^2. Data linear in
the function come first in C, the others (ratios, products of two functions) last:

    C = | C11 C12 |    L = | L1  0  |    e1 = L1^-1 (A p - D1)             linear: A p
        | C21 C22 |        | X^T L2 |    e2 = L2^-1 (T2(p) - D2 - X^T e1)  X = L1^-1 C12

* Whitened, the linear table W = L1^-1 A of a replica has as many rows as it has data. One QR gives
  |W p - L1^-1 D1|^2 = |R p - t|^2 + constant, with at most as many rows as p has elements.
* p is the same for all replicas, and a replica's selection never knows more than all data do:
  W^T W <= A^T C11^-1 A (all data) as matrices. So right singular vectors V of the whitened table of
  ALL data, cut where singular values fall below rounding, serve every replica: with singular
  value s the first one cut, |W p - W V V^T p| <= s |p| for each of them. Rows are then rank(V).
* R is upper trapezoidal; it is kept as a few row blocks without the zeros to their left.
* X^T e1 = (Q^T X)^T (R p - t) + constant, and C12 = F G^T has the rank of the sources that linear
  data and ratios share, so their correlations cost two thin matrices.
* Tables of non-linear data are the same for all replicas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import qr, solve_triangular

from replicafit.forward.tables import (
    DatasetTables,
    Size,
    joined_indices,
    parted,
    stacked_table,
)

ROW_BLOCKS = 4
"""Into how many row blocks a trapezoid is cut: more save arithmetic, but cost calls."""


class CompressedTerms(NamedTuple):
    """The arrays of each replica that this form needs; everything has a leading replica axis.

    Attributes:
        blocks: row blocks of the trapezoid, each (r, rows, columns to the end of p).
        target: (r, k).
        constant: what no function can change, (r,).
        whitener: L2^-1 of the selected non-linear data, zero elsewhere, (r, m, m).
        coupling: correlation with the linear data, as the product of an (r, m, q) and an
            (r, q, k) matrix; nothing if there is none.
        shift: (r, m).
    """

    blocks: tuple[Any, ...]
    target: Any
    constant: Any
    whitener: Any
    coupling: tuple[Any, ...]
    shift: Any

    def scaled(self, factors: np.ndarray) -> CompressedTerms:
        """The terms of chi2 times ``factors`` (r,); the correlation with linear data follows."""
        root = np.sqrt(factors)
        return CompressedTerms(
            blocks=tuple(block * root[:, None, None] for block in self.blocks),
            target=self.target * root[:, None],
            constant=self.constant * factors,
            whitener=self.whitener * root[:, None, None],
            coupling=self.coupling,
            shift=self.shift * root[:, None],
        )


@dataclass(frozen=True)
class Compressed:
    """chi2 of some of the data, correlated in any way among themselves.

    Attributes:
        covariance: (d, d), of all data.
        linear: which data are linear in the function: indices, (d1,).
        nonlinear: the others, (d2,).
        table: of the linear data, (d1, p), p = n f elements, flavours running fastest.
        directions: V, orthonormal, (p, k).
        first_cut: the largest singular value that was cut, in standard deviations per unit of |p|.
        ratios: the non-linear datasets, ratios and others, in the order of ``nonlinear``.
        shared: how linear and non-linear data are correlated: the block of the covariance is
            F G^T, with F (d1, q) and G (d2, q).
    """

    covariance: np.ndarray
    linear: np.ndarray
    nonlinear: np.ndarray
    table: np.ndarray
    directions: np.ndarray
    first_cut: float
    ratios: tuple[DatasetTables, ...]
    shared: tuple[np.ndarray, np.ndarray]

    def terms(self, selection: np.ndarray, values: np.ndarray) -> CompressedTerms:
        """The terms (r = 1) of one replica, from which data it uses (d,) and their values (d,)."""
        first = self.linear[selection[self.linear]]
        table = self.table[selection[self.linear]]
        factor = np.linalg.cholesky(self.covariance[np.ix_(first, first)])
        whitened = _solve(factor, np.column_stack([table @ self.directions, values[first]]))
        k, (q, r) = self.directions.shape[1], _qr(whitened)
        blocks, target, rotated = _trapezoid(r[:k, :k] @ self.directions.T, r[:k, k], k)
        whitener, coupling, shift = self._second(selection, factor, q[:, :k] @ rotated, values)
        return CompressedTerms(
            blocks=tuple(block[None] for block in blocks),
            target=target[None],
            constant=np.array([(r[k:, k] ** 2).sum()]),
            whitener=whitener[None],
            coupling=tuple(part[None] for part in coupling) if self.correlated else (),
            shift=shift[None],
        )

    @property
    def correlated(self) -> bool:
        """Whether linear and non-linear data are."""
        return self.shared[0].shape[1] > 0

    def _second(
        self, selection: np.ndarray, factor: np.ndarray, q: np.ndarray, values: np.ndarray
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Whitener (m, m), coupling (m, q) (q, k) and shift (m,) of the non-linear data."""
        m, k = len(self.nonlinear), self.directions.shape[1]
        used = np.flatnonzero(selection[self.nonlinear])
        sources = _solve(factor, self.shared[0][selection[self.linear]])
        response = self.shared[1][used]
        data = self.nonlinear[used]
        own = self.covariance[np.ix_(data, data)] - response @ (sources.T @ sources) @ response.T
        inverse = _solve(np.linalg.cholesky(own), np.eye(len(data)))
        whitened = _solve(factor, values[self.linear[selection[self.linear]]])
        orthogonal = whitened - q @ (q.T @ whitened)
        whitener, outer, shift = np.zeros((m, m)), np.zeros((m, response.shape[1])), np.zeros(m)
        whitener[np.ix_(np.arange(len(data)), used)] = inverse
        outer[: len(data)] = inverse @ response
        shift[: len(data)] = inverse @ (values[data] - response @ (sources.T @ orthogonal))
        inner = np.zeros((response.shape[1], k))
        inner[:, : q.shape[1]] = sources.T @ q
        return whitener, (outer, inner), shift

    @property
    def size(self) -> Size:
        """Numbers held and read for the training data."""
        k, p = self.directions.shape[1], self.table.shape[1]
        m, q = len(self.nonlinear), self.shared[0].shape[1]
        trapezoid = sum(int(b - a) * int(p - a) for a, b in pairwise(row_edges(k)))
        own = Size(own=trapezoid + k + 1 + m * m + m + q * (m + k), shared=0)
        return sum((each.size for each in self.ratios), own)

    def describe(self) -> dict[str, Any]:
        """For people and for ``run.json``."""
        linear = {
            "form": "compressed per replica",
            "n_data": len(self.linear),
            "rows": self.directions.shape[1],
            "columns": self.table.shape[1],
            "first_singular_value_cut": self.first_cut,
        }
        general = {
            "form": "general",
            "n_data": len(self.nonlinear),
            "correlated_with_linear": self.correlated,
        }
        return {"linear": linear, "non_linear": general}


def compressed(
    datasets: Sequence[DatasetTables], covariance: np.ndarray, precision: str
) -> Compressed:
    """The form for ``datasets``, with the covariance (d, d) of all data.

    Args:
        precision: of the device; singular values below its rounding are cut.
    """
    straight, ratios = parted(datasets)
    first, second = joined_indices(straight), joined_indices(ratios)
    table = stacked_table(datasets)
    directions, cut = _directions(table, covariance[np.ix_(first, first)], precision)
    return Compressed(
        covariance=covariance,
        linear=first,
        nonlinear=second,
        table=table,
        directions=directions,
        first_cut=cut,
        ratios=ratios,
        shared=_shared_sources(covariance, first, second),
    )


def _directions(
    table: np.ndarray, covariance: np.ndarray, precision: str
) -> tuple[np.ndarray, float]:
    """Right singular vectors of the whitened table above rounding, and the first value cut."""
    if not len(table):
        return np.zeros((table.shape[1], 0)), 0.0
    whitened = _solve(np.linalg.cholesky(covariance), table)
    _, values, vectors = np.linalg.svd(qr(whitened, mode="r")[0][: table.shape[1]])
    keep = int((values > values[0] * np.finfo(precision).eps).sum())
    return vectors[:keep].T, float(values[keep]) if keep < len(values) else 0.0


def _shared_sources(
    covariance: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """F (d1, q) and G (d2, q) with F G^T the block of the covariance, to float64 rounding."""
    errors = np.sqrt(np.diag(covariance))
    block = covariance[np.ix_(first, second)] / np.outer(errors[first], errors[second])
    u, values, v = np.linalg.svd(block, full_matrices=False)
    keep = int((values > 1e-13 * max(len(first), len(second))).sum())
    sources = u[:, :keep] * values[:keep] * errors[first][:, None]
    return sources, v[:keep].T * errors[second][:, None]


def _solve(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    """factor^-1 right, for a lower triangular factor."""
    solved: np.ndarray = solve_triangular(factor, right, lower=True, check_finite=False)
    return solved


def _qr(whitened: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thin QR of a whitened table with the whitened values as last column, at least k + 1 rows."""
    missing = whitened.shape[1] - len(whitened)
    if missing > 0:
        whitened = np.vstack([whitened, np.zeros((missing, whitened.shape[1]))])
    q, r = qr(whitened, mode="economic", check_finite=False)
    return q[: len(q) - max(missing, 0)], r


def _trapezoid(
    matrix: np.ndarray, target: np.ndarray, k: int
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """``matrix`` (k, p) rotated to upper trapezoidal form and cut into row blocks.

    Returns:
        The blocks, the rotated target (k,), and the rotation (k, k).
    """
    rotated, upper = qr(matrix, mode="economic", check_finite=False)
    blocks = [upper[a:b, a:] for a, b in pairwise(row_edges(k))]
    return blocks, rotated.T @ target, rotated


def row_edges(k: int) -> np.ndarray:
    """Where the row blocks of a trapezoid with ``k`` rows begin and end."""
    return np.linspace(0, k, min(ROW_BLOCKS, max(k, 1)) + 1).astype(int)
