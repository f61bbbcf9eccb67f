"""Convolutions by panels of the grid against plain sums over many points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from replicafit_dis.build.convolution import Kernel, Quadrature
from replicafit_dis.grid import common_grid, interpolation_matrix

GRID = common_grid()
VALUES = GRID**0.3 * (1.0 - GRID) ** 3


def g(x: np.ndarray) -> np.ndarray:
    """The interpolated function."""
    return interpolation_matrix(GRID, x) @ VALUES


def brute_force(integrand: Callable[[np.ndarray], np.ndarray], lower: float, upper: float) -> float:
    """The midpoint rule in ln(1 - z), which resolves the end at z = 1."""
    edges = np.linspace(np.log(1.0 - upper + 1e-12), np.log(1.0 - lower), 200_001)
    t = (edges[1:] + edges[:-1]) / 2.0
    z = 1.0 - np.exp(t)
    return float(np.sum(integrand(z) * np.exp(t)) * (edges[1] - edges[0]))


@pytest.mark.parametrize("x", [1e-4, 0.013, 0.35, 0.8])
def test_regular(x: float) -> None:
    found = Quadrature.on(GRID, x).convolve(Kernel(regular=lambda z: z * np.log(z))) @ VALUES
    expected = brute_force(lambda z: z * np.log(z) * g(x / z), x, 1.0)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("x", [1e-4, 0.013, 0.35, 0.8])
def test_plus_distribution(x: float) -> None:
    """[ln(1 - z)/(1 - z)]+, whose integral from 0 to x the local part takes away."""
    plus = Kernel(
        singular=lambda z: np.log(1.0 - z) / (1.0 - z), local=lambda x: np.log(1.0 - x) ** 2 / 2.0
    )
    at_x = g(np.array([x]))[0]
    expected = brute_force(lambda z: np.log(1 - z) / (1 - z) * (g(x / z) - at_x), x, 1.0)
    expected += at_x * np.log(1.0 - x) ** 2 / 2.0
    assert Quadrature.on(GRID, x).convolve(plus) @ VALUES == pytest.approx(expected, rel=1e-4)


def test_ends_at_the_threshold() -> None:
    x, z_max = 0.01, 0.4
    found = Quadrature.on(GRID, x, z_max).convolve(Kernel(regular=lambda z: np.sqrt(z_max - z)))
    expected = brute_force(lambda z: np.sqrt(z_max - z) * g(x / z), x, z_max)
    assert found @ VALUES == pytest.approx(expected, rel=1e-4)


def test_local_part_alone_is_the_function() -> None:
    found = Quadrature.on(GRID, 0.1).convolve(Kernel(local=lambda _: 2.0)) @ VALUES
    assert found == pytest.approx(2.0 * g(np.array([0.1]))[0], rel=1e-12)


def test_nothing_above_the_threshold() -> None:
    assert not np.any(Quadrature.on(GRID, 0.5, 0.5).convolve(Kernel(regular=lambda _: 1.0)))


def test_unknown_values_count_as_zero() -> None:
    kernel = Kernel(regular=lambda z: np.nan if z < 0.5 else 1.0)
    only_above = Kernel(regular=lambda z: 0.0 if z < 0.5 else 1.0)
    at = Quadrature.on(GRID, 0.1)
    np.testing.assert_array_equal(at.convolve(kernel), at.convolve(only_above))
