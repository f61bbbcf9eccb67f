"""All B-splines of a grid of equal steps, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, factorial
from typing import Any

import numpy as np
from keras import ops
from keras.backend import standardize_dtype


@dataclass(frozen=True)
class SplineGrid:
    """B-splines on equal steps from ``low`` to ``high``.

    The grid goes on for ``degree`` steps on either side, as in arXiv:2404.19756: between the ends
    the splines sum to 1, and beyond they fall to zero.

    Attributes:
        low, high: ends of the grid.
        intervals: steps between them.
        degree: of the piecewise polynomials.
    """

    low: float
    high: float
    intervals: int
    degree: int

    @property
    def count(self) -> int:
        """How many splines do not vanish between ``low`` and ``high``, c."""
        return self.intervals + self.degree

    @property
    def step(self) -> float:
        """The distance of two knots."""
        return (self.high - self.low) / self.intervals

    @property
    def centres(self) -> np.ndarray:
        """Where the splines have their maxima, in steps from ``low``, (c,)."""
        return np.arange(self.count) + (1 - self.degree) / 2

    def splines(self, features: Any) -> Any:
        """The splines of each feature, ``(..., f) -> (..., c f)``; feature is the faster index."""
        places = (features - self.low) * (1 / self.step)
        dtype = standardize_dtype(features.dtype)
        centres = np.repeat(self.centres, features.shape[-1]).astype(dtype)
        offsets = ops.concatenate([places] * self.count, axis=-1) - centres
        return central(ops.abs(offsets), self.degree)


def central(distance: Any, degree: int) -> Any:
    """The B-spline of unit steps, at ``distance`` >= 0 from its maximum.

    With m = (degree + 1) / 2 it is the sum over j < m of (-1)^j C(degree + 1, j)
    max(m - j - distance, 0)^degree / degree! (I. J. Schoenberg, Quart. Appl. Math. 4 (1946) 45:
    the central B-spline). Being even it needs half of the terms, which do not cancel far out.
    """
    half, total = (degree + 1) / 2, 0.0
    for j in range((degree + 2) // 2):
        factor = (-1) ** j * comb(degree + 1, j) / factorial(degree)
        total = total + factor * _power(ops.relu(half - j - distance), degree)
    return total


def _power(base: Any, exponent: int) -> Any:
    """By products: their gradient is finite at 0."""
    result = base
    for _ in range(exponent - 1):
        result = result * base
    return result
