"""The common grid and the interpolation on it."""

from __future__ import annotations

import numpy as np
import pytest
from replicafit_dis.grid import GRID_POINTS, common_grid, first_needed, interpolation_matrix, to_y


def test_grid_is_even_in_y_from_2e7_to_1() -> None:
    grid = common_grid()
    y = np.array([to_y(x) for x in grid])
    assert len(grid) == GRID_POINTS
    assert grid[0] == pytest.approx(2e-7, rel=1e-10)
    assert grid[-1] == 1.0
    np.testing.assert_allclose(np.diff(y), y[1] - y[0], rtol=1e-9)


def test_interpolation_is_exact_for_polynomials_of_degree_4() -> None:
    grid = common_grid()
    x = np.geomspace(3e-7, 0.999, 200)
    values = interpolation_matrix(grid, x) @ np.log(grid) ** 4
    np.testing.assert_allclose(values, np.log(x) ** 4, rtol=1e-9, atol=1e-9)


def test_interpolation_is_the_identity_on_the_grid() -> None:
    grid = common_grid()
    np.testing.assert_allclose(interpolation_matrix(grid, grid), np.eye(len(grid)), atol=1e-12)


def test_interpolation_is_zero_below_the_grid() -> None:
    assert np.all(interpolation_matrix(common_grid(), np.array([1e-8])) == 0)


def test_first_needed_leaves_room_for_the_interpolation() -> None:
    grid = common_grid()
    first = first_needed(grid, 0.1)
    used = np.flatnonzero(interpolation_matrix(grid, np.array([0.1]))[0])
    assert first <= used[0]
    assert first_needed(grid, 3e-7) == 0
