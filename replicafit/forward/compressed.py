"""chi2 with the covariance of each replica's own selection, contracted on the host.

With C = L L^T the covariance of a replica's selected data, chi2 = |L^-1 (T - D)|^2. Data linear in
the function come first in C, the others (ratios, products of two functions) last:

    C = | C11 C12 |    L = | L1  0  |    e1 = L1^-1 (A p - D1)             linear: A p
        | C21 C22 |        | X^T L2 |    e2 = L2^-1 (T2(p) - D2 - X^T e1)  X = L1^-1 C12

* L1^-1 is never made: errors are independent ones and a few hundred common shifts
  (``Covariance.whitened``). Whitened, the linear table W = L1^-1 A of a replica has as many rows as
  it has data. One QR gives |W p - L1^-1 D1|^2 = |R p - t|^2 + constant, with at most as many rows
  as p has elements.
* p is the same for all replicas, and a replica's selection never knows more than all data do:
  W^T W <= A^T C11^-1 A (all data) as matrices. So right singular vectors V of the whitened table of
  ALL data, cut where singular values fall below rounding, serve every replica: with singular
  value s the first one cut, |W p - W V V^T p| <= s |p| for each of them. Rows are then rank(V).
* V is turned once so that V^T is upper trapezoidal. A triangle R times it is, too; it is kept as a
  few row blocks without the zeros to their left.
* C12 = F G^T has the rank of the sources that linear data and ratios share. With L1^-1 F as further
  columns of the QR, X^T e1 = G ((Q^T L1^-1 F)^T (R p - t) + constant): two thin matrices.
* Tables of non-linear data are the same for all replicas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import qr
from scipy.linalg.lapack import dgeqrt

from replicafit.data.covariance import Covariance, solve_lower
from replicafit.forward.tables import (
    DatasetTables,
    Size,
    describe_squares,
    joined_indices,
    parted,
    stacked_table,
)

ROW_BLOCKS = 4
"""Into how many row blocks a trapezoid is cut: more save arithmetic, but cost calls."""

COLUMN_BLOCK = 48
"""Columns that the QR treats together: with recursion inside of a block it takes half of the time
of ``scipy.linalg.qr``."""

SMALLEST_CORRELATION = 1e-13
"""Below it correlations between linear and non-linear data are rounding of float64."""


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
        linear: which data are linear in the function: indices, (d1,).
        nonlinear: the others, (d2,).
        linear_errors: of the first.
        nonlinear_covariance: of the others, (d2, d2).
        directions: V, orthonormal, with V^T upper trapezoidal, (p, k), p = n f elements, flavours
            running fastest.
        projected: A V, with A the table of the linear data, (d1, k).
        first_cut: the largest singular value that was cut, in standard deviations per unit of |p|.
        ratios: the non-linear datasets, ratios and others, in the order of ``nonlinear``.
        shared: how linear and non-linear data are correlated: the block of the covariance is
            F G^T, with F (d1, q) and G (d2, q).
    """

    linear: np.ndarray
    nonlinear: np.ndarray
    linear_errors: Covariance
    nonlinear_covariance: np.ndarray
    directions: np.ndarray
    projected: np.ndarray
    first_cut: float
    ratios: tuple[DatasetTables, ...]
    shared: tuple[np.ndarray, np.ndarray]

    def terms(self, selection: np.ndarray, values: np.ndarray) -> CompressedTerms:
        """The terms (r = 1) of one replica, from which data it uses (d,) and their values (d,)."""
        k = self.directions.shape[1]
        columns = np.column_stack([self.projected, values[self.linear], self.shared[0]])
        r = _triangle(self.linear_errors.whitened(columns, selection[self.linear]))
        # Q^T L1^-1 D1 and Q^T L1^-1 F; no function changes their elements after the first k
        target, sources = r[:, k], r[:, k + 1 :]
        m, used = len(self.nonlinear), selection[self.nonlinear]
        response, n = self.shared[1][used], int(used.sum())
        own = self.nonlinear_covariance[np.ix_(used, used)]
        own = own - response @ (sources.T @ sources) @ response.T
        inverse = solve_lower(np.linalg.cholesky(own), np.eye(n))
        whitener, outer, shift = np.zeros((m, m)), np.zeros((m, response.shape[1])), np.zeros(m)
        whitener[:n, used] = inverse
        outer[:n] = inverse @ response
        unreached = values[self.nonlinear][used] - response @ (sources[k:].T @ target[k:])
        shift[:n] = inverse @ unreached
        edges = pairwise(row_edges(k))
        return CompressedTerms(
            blocks=tuple((r[a:b, a:k] @ self.directions.T[a:, a:])[None] for a, b in edges),
            target=target[None, :k],
            constant=target[None, k] ** 2,
            whitener=whitener[None],
            coupling=(outer[None], sources[:k].T[None]) if self.correlated else (),
            shift=shift[None],
        )

    @property
    def correlated(self) -> bool:
        """Whether linear and non-linear data are."""
        return self.shared[0].shape[1] > 0

    @property
    def size(self) -> Size:
        """Numbers held and read for the training data."""
        p, k = self.directions.shape
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
            "columns": self.directions.shape[0],
            "first_singular_value_cut": self.first_cut,
        }
        general = {
            "form": "general",
            "n_data": len(self.nonlinear),
            "correlated_with_linear": self.correlated,
            **describe_squares(self.ratios),
        }
        return {"linear": linear, "non_linear": general}


def compressed(datasets: Sequence[DatasetTables], errors: Covariance, precision: str) -> Compressed:
    """The form for ``datasets``, with the errors of all data.

    Args:
        precision: of the device; singular values below its rounding are cut.
    """
    straight, ratios = parted(datasets)
    first, second = joined_indices(straight), joined_indices(ratios)
    table, linear_errors = stacked_table(datasets), errors.selected(first)
    others = errors.selected(second)
    directions, cut = _directions(table, linear_errors, precision)
    return Compressed(
        linear=first,
        nonlinear=second,
        linear_errors=linear_errors,
        nonlinear_covariance=others.dense,
        directions=directions,
        projected=table @ directions,
        first_cut=cut,
        ratios=ratios,
        shared=_shared_sources(linear_errors, others, precision),
    )


def _directions(table: np.ndarray, errors: Covariance, precision: str) -> tuple[np.ndarray, float]:
    """Right singular vectors of the whitened table above rounding, turned so that their transpose
    is upper trapezoidal, and the first value cut.
    """
    if not len(table):
        return np.zeros((table.shape[1], 0)), 0.0
    whitened = errors.whitened(table, np.ones(len(table), bool))
    _, values, vectors = np.linalg.svd(_triangle(whitened))
    keep = int((values > values[0] * np.finfo(precision).eps).sum())
    turned = qr(vectors[:keep], mode="r")[0]
    return turned.T, float(values[keep]) if keep < len(values) else 0.0


def _shared_sources(
    linear: Covariance, others: Covariance, precision: str
) -> tuple[np.ndarray, np.ndarray]:
    """F (d1, q) and G (d2, q) with F G^T the block of the covariance, to rounding of the device.

    What is cut is L1^-1 C12 L2^-T of all data, where its singular values, correlations between 0
    and 1, fall below rounding. A selection never knows more than all data, so in every replica e2
    changes by less than rounding times |e1|, over sqrt(1 - the square of the largest correlation).
    """
    between = linear.shifts @ solve_lower(others.factor, others.shifts).T
    whitened = linear.whitened(between, np.ones(len(between), bool))
    _, values, vectors = np.linalg.svd(_triangle(whitened))
    kept = vectors[values > max(np.finfo(precision).eps, SMALLEST_CORRELATION)].T
    return between @ kept, others.factor @ kept


def _triangle(columns: np.ndarray) -> np.ndarray:
    """R (c, c) of the QR of ``columns`` (n, c), with rows of zeros where n < c."""
    n, c = columns.shape
    if not c:
        return np.zeros((0, 0))
    padded = np.zeros((max(n, c), c), order="F")
    padded[:n] = columns
    return np.triu(dgeqrt(min(COLUMN_BLOCK, c), padded, overwrite_a=True)[0][:c])


def row_edges(k: int) -> np.ndarray:
    """Where the row blocks of a trapezoid with ``k`` rows begin and end."""
    return np.linspace(0, k, min(ROW_BLOCKS, max(k, 1)) + 1).astype(int)
