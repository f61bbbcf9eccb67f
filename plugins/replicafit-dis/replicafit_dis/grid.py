"""The common x grid, and interpolation on it.

All datasets share one grid of 50 points, each keeping the upper part that it needs, so that the
grid a fit evaluates its networks on is no longer than the longest part.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

GRID_POINTS = 50
X_MIN = 2e-7
DEGREE = 4
LINEARITY = 5.0
# Newton's method stops here and not at machine precision: with this tolerance, which PineAPPL also
# uses, the points are bit for bit those of existing PineAPPL and EKO grids, and tables from there
# can be used beside ours without doubling the grid.
TOLERANCE = 1e-12


def to_y(x: float) -> float:
    """y(x) = ln(1/x) + 5 (1 - x): logarithmic at small x, linear at large.

    arXiv:2008.12789, eq. 2.11.
    """
    return LINEARITY * (1.0 - x) - math.log(x)


def to_x(y: float) -> float:
    """The inverse of ``to_y`` by Newton's method in ln(1/x)."""
    t = y
    for _ in range(100):
        x = math.exp(-t)
        delta = y - t - LINEARITY * (1.0 - x)
        if abs(delta) < TOLERANCE:
            return x
        t += delta / (1.0 + LINEARITY * x)
    raise ArithmeticError(f"no x found for y = {y}")


def common_grid() -> Array:
    """The grid every dataset takes the upper part of; ascending from 2e-7 to 1, shape (n,)."""
    y = np.linspace(to_y(1.0), to_y(X_MIN), GRID_POINTS)
    return np.array([to_x(value) for value in y[::-1]])


def first_needed(grid: Array, x_min: float) -> int:
    """Index of the first grid point with an influence on functions above ``x_min``.

    Interpolation at x reaches DEGREE / 2 points below the interval of x. Two more are kept for the
    interpolation in ln(1/x) inside the evolution program, which reaches 0.3 further down.
    """
    interval = int(np.searchsorted(grid, x_min, side="right")) - 1
    return max(interval - DEGREE // 2 - 2, 0)


def interpolation_matrix(grid: Array, x: Array) -> Array:
    """Values at ``x`` of the Lagrange polynomials in ln x that belong to the grid points.

    Between two grid points the polynomial of degree 4 goes through the five points from two below
    the lower one to two above it (fewer below, where the grid ends). Zero outside the grid.

    Args:
        grid: ascending, shape (n,).
        x: where to evaluate, shape (m,).

    Returns:
        shape (m, n).
    """
    u, v = np.log(grid), np.log(x)
    matrix = np.zeros((len(x), len(grid)))
    inside = np.flatnonzero((v >= u[0]) & (v <= u[-1]))
    nodes = _stencils(u, v[inside])
    matrix[inside[:, None], nodes] = _lagrange(u[nodes], v[inside])
    return matrix


def _stencils(u: Array, v: Array) -> npt.NDArray[np.int64]:
    """The grid points that matter for each v (m,); shape (m, k)."""
    interval = np.searchsorted(u, v, side="right") - 1
    lowest = np.clip(interval - DEGREE // 2, 0, len(u) - DEGREE - 1)
    return np.asarray(lowest[:, None] + np.arange(DEGREE + 1))


def _lagrange(nodes: Array, v: Array) -> Array:
    """The Lagrange polynomials through each row of ``nodes`` (m, k), at ``v`` (m,); (m, k)."""
    others = ~np.eye(DEGREE + 1, dtype=bool)
    gaps = np.where(others, nodes[:, :, None] - nodes[:, None, :], 1.0)
    ratio = np.where(others, (v[:, None, None] - nodes[:, None, :]) / gaps, 1.0)
    return np.asarray(np.prod(ratio, axis=2))
