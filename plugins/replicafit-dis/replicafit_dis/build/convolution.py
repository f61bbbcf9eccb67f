"""Convolutions of coefficient functions with the basis functions of the x grid.

With g(x) = x f(x) a structure function is a sum of integrals

    F(x) = int_x^1 dz [R(z) g(x/z) + S(z) (g(x/z) - g(x))] + L(x) g(x)

where R, S and L are the regular, singular and local part of a coefficient function. Because g is
interpolated on a grid, F is a sum over the grid points, and ``convolve`` gives its coefficients.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from replicafit_dis.grid import interpolation_matrix

Array = npt.NDArray[np.float64]

NODES = 5
"""Gauss-Legendre nodes between two grid points: interpolation is smooth only between them."""

CLOSE = np.array([1e-6, 1e-4, 1e-2])
"""Distances in ln(x/z) from the lower end at which panels end, too."""


@dataclass(frozen=True)
class Kernel:
    """A coefficient function: parts that are None are zero; z and x are scalars."""

    regular: Callable[[float], float] | None = None
    singular: Callable[[float], float] | None = None
    local: Callable[[float], float] | None = None


@dataclass(frozen=True)
class Quadrature:
    """Nodes of the integral over z.

    Attributes:
        x: where the structure function is wanted.
        z, weights: nodes and weights of the integral over z, (m,).
        basis: g(x/z) of every basis function, (m, n).
        at_x: g(x) of every basis function, (n,).
    """

    x: float
    z: Array
    weights: Array
    basis: Array
    at_x: Array

    @classmethod
    def on(cls, grid: Array, x: float, z_max: float = 1.0) -> Quadrature:
        """From z = x to ``z_max``, which is below 1 where a threshold ends the integral."""
        v, weights = _panels(np.log(x / z_max), np.log(grid))
        z = x * np.exp(-v)
        at_x = interpolation_matrix(grid, np.array([x]))[0]
        return cls(x, z, weights * z, interpolation_matrix(grid, np.exp(v)), at_x)

    def convolve(self, kernel: Kernel) -> Array:
        """Coefficients (n,) of the grid points in the structure function at ``x``."""
        result = np.zeros_like(self.at_x)
        if kernel.regular is not None:
            result += (self.weights * self._sample(kernel.regular)) @ self.basis
        if kernel.singular is not None:
            singular = self.weights * self._sample(kernel.singular)
            result += singular @ (self.basis - self.at_x)
        if kernel.local is not None:
            result += kernel.local(self.x) * self.at_x
        return result

    def _sample(self, function: Callable[[float], float]) -> Array:
        """At every z, (m,); where a function is not known (NaN, z below 1e-7) it counts as 0."""
        values = np.array([function(z) for z in self.z.tolist()])
        return np.where(np.isfinite(values), values, 0.0)


def _panels(lowest: float, log_grid: Array) -> tuple[Array, Array]:
    """Nodes and weights (m,) in ln(x/z) from ``lowest`` to 0, panel by panel of the grid.

    Nodes are even in the logarithm of the distance from the lower end, because there z is near its
    maximum and coefficient functions have 1/(1 - z), thresholds and, off massive quarks, a peak of
    the width m2/Q2; in the first panel they crowd quadratically.
    """
    if lowest > -CLOSE[0]:
        return np.zeros(0), np.zeros(0)
    edges = np.concatenate([log_grid - lowest, CLOSE])
    edges = np.unique(edges[(edges >= CLOSE[0]) & (edges <= -lowest)])
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    u, half = (nodes + 1.0) / 2.0, weights / 2.0
    ratio = np.log(edges[1:] / edges[:-1])[:, None]
    distance = edges[:-1, None] * np.exp(ratio * u)
    first = edges[0] * u**2
    measure = np.concatenate([edges[0] * 2.0 * u * half, (ratio * distance * half).ravel()])
    return lowest + np.concatenate([first, distance.ravel()]), measure
