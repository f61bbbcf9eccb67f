"""chi2 of all replicas at once: contracted on the host, evaluated on the device.

With C = L L^T the covariance of a replica's selected data, chi2 = |L^-1 (T - D)|^2. Data linear in
the function come first in C, the others (ratios) last:

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
* Tables of ratios are the same for all replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from scipy.linalg import qr, solve_triangular

from replicafit.data import FitData
from replicafit.forward.predictions import forward_map, on_grid
from replicafit.pdf.bases import rotation
from replicafit.plugins import Registry

ROW_BLOCKS = 4
"""Into how many row blocks a trapezoid is cut: more save arithmetic, but cost calls."""


class Chi2Terms(NamedTuple):
    """The arrays of each replica that chi2 needs; everything has a leading replica axis.

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


@dataclass(frozen=True)
class NonlinearTables:
    """Tables of one dataset with a non-linear forward map.

    Attributes:
        tables: each (d, columns), for the last elements of p; what they leave out is zero.
        combine: element by element, from the predictions of the tables.
    """

    tables: tuple[np.ndarray, ...]
    combine: Callable[..., Any]

    def predict(self, p: Any) -> Any:
        """Predictions (r, d) from p (r, p), on the device."""
        seen = p[:, p.shape[1] - self.tables[0].shape[1] :]
        return self.combine(*(ops.matmul(seen, ops.cast(t.T, p.dtype)) for t in self.tables))


@dataclass(frozen=True)
class Chi2:
    """chi2 of selected data, for all replicas, from function values (r, n, f).

    Attributes:
        covariance: (d, d), of all data.
        linear: which data are linear in the function: indices, (d1,).
        nonlinear: the others, (d2,).
        table: of the linear data, (d1, p), p = n f elements, flavours running fastest.
        directions: V, orthonormal, (p, k).
        first_cut: the largest singular value that was cut, in standard deviations per unit of |p|.
        ratios: tables of the non-linear data, in the order of ``nonlinear``.
        shared: how linear and non-linear data are correlated: the block of the covariance is
            F G^T, with F (d1, q) and G (d2, q).
    """

    covariance: np.ndarray
    linear: np.ndarray
    nonlinear: np.ndarray
    table: np.ndarray
    directions: np.ndarray
    first_cut: float
    ratios: tuple[NonlinearTables, ...]
    shared: tuple[np.ndarray, np.ndarray]

    def terms(self, selection: np.ndarray, values: np.ndarray) -> Chi2Terms:
        """The terms (r = 1) of one replica, from which data it uses (d,) and their values (d,)."""
        first = self.linear[selection[self.linear]]
        table = self.table[selection[self.linear]]
        factor = np.linalg.cholesky(self.covariance[np.ix_(first, first)])
        whitened = _solve(factor, np.column_stack([table @ self.directions, values[first]]))
        k, (q, r) = self.directions.shape[1], _qr(whitened)
        blocks, target, rotated = _trapezoid(r[:k, :k] @ self.directions.T, r[:k, k], k)
        whitener, coupling, shift = self._second(selection, factor, q[:, :k] @ rotated, values)
        return Chi2Terms(
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

    def describe(self) -> dict[str, Any]:
        """The form chosen and its size, for people and for ``run.json``."""
        k, p = self.directions.shape[1], self.table.shape[1]
        return {
            "linear": {
                "form": "compressed per replica",
                "n_data": len(self.linear),
                "rows": k,
                "columns": p,
                "first_singular_value_cut": self.first_cut,
            },
            "non_linear": {
                "form": "shared tables",
                "n_data": len(self.nonlinear),
                "correlated_with_linear": self.correlated,
            },
        }

    def __call__(self, terms: Chi2Terms, functions: Any) -> Any:
        """chi2 of each replica, (r,), on the device."""
        r = functions.shape[0]
        p = ops.reshape(functions, (r, -1))
        size = self.table.shape[1]
        column = p[:, :, None]
        rows = [ops.matmul(b, column[:, size - b.shape[2] :])[..., 0] for b in terms.blocks]
        residual = (ops.concatenate(rows, axis=1) if rows[1:] else rows[0]) - terms.target
        total = ops.sum(residual * residual, axis=1) + terms.constant
        if not self.ratios:
            return total
        prediction = ops.concatenate([tables.predict(p) for tables in self.ratios], axis=1)
        second = ops.matmul(terms.whitener, prediction[..., None])[..., 0] - terms.shift
        if terms.coupling:
            outer, inner = terms.coupling
            shifts = ops.matmul(inner, residual[..., None])
            second = second - ops.matmul(outer, shifts)[..., 0]
        return total + ops.sum(second * second, axis=1)


def chi2_form(data: FitData, registry: Registry, flavours: Sequence[str], precision: str) -> Chi2:
    """The chi2 of ``data`` for functions with the fitted ``flavours``.

    Args:
        precision: of the device; singular values below its rounding are cut.
    """
    turn = rotation(flavours, data.flavours)
    linear, nonlinear, rows, ratios = [], [], [], []
    for dataset, place in zip(data.datasets, data.slices, strict=True):
        kind = forward_map(dataset, registry)
        padded = on_grid(dataset, data.x_grid, data.flavours)
        tables = [np.reshape(t @ turn.T, (dataset.n_data, -1)) for t in padded]
        indices = np.arange(place.start, place.stop)
        if kind.linear is not None:
            linear.append(indices)
            rows.append(sum(c * t for c, t in zip(kind.linear, tables, strict=True)))
        else:
            nonlinear.append(indices)
            ratios.append(NonlinearTables(_last_columns(tables), kind.combine))
    size = len(data.x_grid) * len(flavours)
    first, second = _joined(linear), _joined(nonlinear)
    table = np.concatenate(rows) if rows else np.zeros((0, size))
    directions, cut = _directions(table, data.covariance[np.ix_(first, first)], precision)
    return Chi2(
        covariance=data.covariance,
        linear=first,
        nonlinear=second,
        table=table,
        directions=directions,
        first_cut=cut,
        ratios=tuple(ratios),
        shared=_shared_sources(data.covariance, first, second),
    )


def _joined(indices: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(indices) if indices else np.zeros(0, dtype=int)


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


def _last_columns(tables: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Tables (d, p) without the columns at the front that are zero in all of them."""
    used = np.flatnonzero(sum(np.abs(table).max(axis=0) for table in tables))
    return tuple(table[:, used[0] if len(used) else 0 :] for table in tables)


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
    edges = np.linspace(0, k, min(ROW_BLOCKS, max(k, 1)) + 1).astype(int)
    blocks = [upper[a:b, a:] for a, b in pairwise(edges)]
    return blocks, rotated.T @ target, rotated
