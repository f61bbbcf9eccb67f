"""Predictions from products of two functions: a few squares instead of all products.

Such a prediction is a quadratic form of the function values p, T = p^T M p. Functions are smooth,
so few directions of p count. With the norm

    |p|^2 = sum over flavours and grid points of  p^2 + CURVATURE^2 (second difference along x)^2

and the eigenvectors of M in it, scaled by the roots of their eigenvalues,

    T = sum over k of  +-(v_k . p)^2

where leaving out all eigenvalues up to e changes T by at most e |p|^2; no other form with as many
squares does better. Each datum keeps the directions that change it by more than rounding, and one
matrix product of all replicas' functions serves all data of a block.

``Squares.cut`` says how many standard deviations of a datum an |p|^2 of one may cost, whatever the
functions are (docs/decisions/0014-two-hadron-form.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from replicafit.data.product_table import ProductTable

CURVATURE = 50.0
"""Weight of second differences in the norm of functions, where both parts are about as large."""

ROUNDING = 16.0
"""Eigenvalues are left out up to this times the device's rounding, in standard deviations."""

ROWS = 16
"""Data in a block, which keep equally many squares: few make calls, many keep squares in vain."""


@dataclass(frozen=True)
class SquaresBlock:
    """The squares of a few data.

    Attributes:
        points: the grid points they see, indices, ascending, (n,).
        vectors: on these points, flavours running fastest, (n f, d, k); an array or a tensor.
        signs: +1 or -1, (d, k).
    """

    points: np.ndarray
    vectors: Any
    signs: np.ndarray


@dataclass(frozen=True)
class Squares:
    """A table of products as sums of squares.

    Attributes:
        blocks: of data, in their order; of a single datum if all are equal.
        n_data: how many data.
        cut: the largest eigenvalue that was left out, in standard deviations of its datum, the
            others given.
    """

    blocks: tuple[SquaresBlock, ...]
    n_data: int
    cut: float

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return sum(block.vectors.size for block in self.blocks)

    @property
    def products(self) -> int:
        """How many squares it takes."""
        return sum(block.signs.size for block in self.blocks)


def squares(
    table: ProductTable, allowed: np.ndarray, shape: tuple[int, int], precision: str
) -> Squares:
    """``table`` as sums of squares.

    Args:
        allowed: what counts as one standard deviation of each prediction, (d,).
        shape: of the functions, (n, f).
        precision: of the device.
    """
    n_data = len(table)
    if (table.values == table.values[:1]).all():
        table, allowed = table[np.array([0])], allowed.min(keepdims=True)
    starts = range(0, len(table), ROWS)
    found = [
        _block(table[rows], allowed[rows], shape[1], precision)
        for rows in (np.arange(start, min(start + ROWS, len(table))) for start in starts)
    ]
    return Squares(tuple(block for block, _ in found), n_data, max(cut for _, cut in found))


def _block(
    table: ProductTable, allowed: np.ndarray, f: int, precision: str
) -> tuple[SquaresBlock, float]:
    """The squares of all data of ``table``, and the largest eigenvalue that was left out."""
    points, forms = _forms(table, f)
    n, d = len(points), len(table)
    bend = CURVATURE * np.diff(np.eye(n), n=2, axis=0)
    root = np.linalg.cholesky(np.eye(n) + bend.T @ bend)

    def along_x(matrix: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        product: np.ndarray = matrix @ vectors.reshape(d, n, -1)
        return product.reshape(d, n * f, -1)

    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(along_x(inverse, along_x(inverse, forms).swapaxes(1, 2)))
    order = np.argsort(-np.abs(values), axis=1)
    values = np.take_along_axis(values, order, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_errors = np.nan_to_num(np.abs(values) / allowed[:, None], posinf=np.inf)
    keep = int((in_errors > ROUNDING * np.finfo(precision).eps).any(axis=0).sum())
    kept = np.take_along_axis(vectors, order[:, None, :keep], axis=2)
    scaled = along_x(root, kept * np.sqrt(np.abs(values[:, None, :keep])))
    block = SquaresBlock(
        points=points,
        vectors=scaled.transpose(1, 0, 2).astype(precision),
        signs=np.sign(values[:, :keep]),
    )
    return block, float(in_errors[:, keep:].max(initial=0))


def _forms(table: ProductTable, f: int) -> tuple[np.ndarray, np.ndarray]:
    """The grid points of ``table`` (n,), and its symmetric matrices there, (d, n f, n f)."""
    first, second = (
        points[table.values.any(axis=axes)]
        for points, axes in ((table.x1, (0, 1, 3)), (table.x2, (0, 1, 2)))
    )
    points = np.union1d(first, second)
    if not len(points):
        points = table.x1[:1]
    n, d = len(points), len(table)
    rows, columns = np.isin(table.x1, points), np.isin(table.x2, points)
    values = table.values[:, :, rows][..., columns]
    u, v = np.searchsorted(points, table.x1[rows]), np.searchsorted(points, table.x2[columns])
    forms = np.zeros((d, n, f, n, f))
    for c, (a, b) in enumerate(table.channels):
        forms[:, u[:, None], a, v, b] += values[:, c]
    flat = forms.reshape(d, n * f, n * f)
    return points, (flat + flat.swapaxes(1, 2)) / 2
