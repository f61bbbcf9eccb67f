"""What functions depend on: ranges in units of their own, scaled for networks."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicafit.components.inputs import UNIT, Input, combinations, table_grid
from replicafit.data.fit_data import inputs_of, join_grids, positions, stack
from replicafit.data.grid_functions import GridFunctions
from replicafit.errors import DataError

ENDS = st.floats(-1e6, 1e6)
DISTANCES = st.floats(1e-3, 1e6)


@st.composite
def ranges(draw):
    """Any input: finite, or half-infinite to either side."""
    low, width, half = draw(ENDS), draw(DISTANCES), draw(DISTANCES)
    return draw(
        st.sampled_from(
            [
                Input("x", low, low + width),
                Input("x", low, math.inf, half=half),
                Input("x", -math.inf, low, half=half),
            ]
        )
    )


@given(ranges(), st.floats(0.01, 0.99))
def test_scaling_and_back(one, t):
    x = one.unscaled(np.array(t))
    assert not one.outside(x)
    assert one.scaled(x) == pytest.approx(t, abs=1e-3)
    assert Input.of_record(one.record()) == one


@given(ranges())
def test_grids_ascend_within_the_range_and_reach_its_ends(one):
    grid = one.grid()
    assert (np.diff(grid) > 0).all()
    assert not one.outside(grid).any()
    t = one.scaled(grid)
    assert t[0] < 0.01
    assert t[-1] > 0.99


@given(st.floats(1e-3, 1e3), st.integers(0, 100))
def test_units_do_not_matter(unit, seed):
    """Data in other units are the same to a network."""
    x = np.random.default_rng(seed).uniform(2, 9, 20)
    for ends in ((0, 10), (0, None), (None, 10)):
        scaled = [
            Input.of_data("x", x * u, tuple(e if e is None else e * u for e in ends)).scaled(x * u)
            for u in (1, unit)
        ]
        np.testing.assert_allclose(*scaled, rtol=1e-9)


def test_ranges_found_from_data():
    assert Input.of_data("x", np.array([0.2, 1.0])) == UNIT[0]
    assert Input.of_data("x", np.array([0.0, 1.0])).range == "[0, 1]"
    assert str(Input.of_data("T", np.array([-50.0, 130.0]))) == "T in [-50, 130]"
    assert Input.of_data("w", np.array([0.04, 8.0]), (0, None)).range == "[0, inf)"
    assert Input.of_data("w", np.array([0.04, 8.0]), (None, 8)).range == "(-inf, 8]"
    with pytest.raises(DataError, match=r"w in \[0, 5\], but .* from 0.04 to 8"):
        Input.of_data("w", np.array([0.04, 8.0]), (0, 5))
    with pytest.raises(DataError, match="w = 3, which is no range"):
        Input.of_data("w", np.array([3.0, 3.0]))


def test_x_in_the_unit_interval_is_left_as_it_is():
    x = np.random.default_rng(1).random(50)
    assert UNIT[0].scaled(x) is x
    assert UNIT[0].outside(np.array([0.0, 0.5, 1.0, 1.1, np.nan])).tolist() == [
        *(True, False, False, True, True)
    ]
    grid = UNIT[0].grid()
    assert (grid[0], grid[-1], len(grid)) == (1e-9, 1, 191)


def test_a_table_far_out_holds_the_data_of_a_half_infinite_range():
    x = np.array([1.0, 2.0, 3.0, 1e6])
    one = Input.of_data("x", x, (0, None))
    assert one.grid()[-1] > x[-1]


@given(st.integers(0, 2**32), st.integers(1, 3))
def test_grids_join_whatever_the_inputs(seed, m):
    generator = np.random.default_rng(seed)
    several = [generator.normal(0, 100, (k, m)) for k in (5, 7)]
    several.append(several[0][::-1] * (1 + 1e-13))
    grids = [grid[:, 0] for grid in several] if m == 1 else several
    joined = join_grids([np.unique(grid, axis=0) for grid in grids])
    assert len(joined) == 12
    for grid in grids:
        np.testing.assert_allclose(joined[positions(grid, joined)], grid, rtol=1e-9)
    with pytest.raises(ValueError, match="not on the grid"):
        positions(grids[0] + 1.0, joined)


def test_tables_of_several_inputs_hold_all_combinations():
    inputs = (Input("E", 1, 100), Input("angle", -90, 90))
    grid = table_grid(inputs)
    axes = [np.unique(column) for column in grid.T]
    np.testing.assert_array_equal(grid, combinations(axes))
    values = (np.sin(grid[:, 0] / 30) * np.cos(grid[:, 1] / 60))[:, None]
    function = GridFunctions(grid, ("f",), values, {}, inputs)
    x = np.random.default_rng(0).uniform([1, -90], [100, 90], (40, 2))
    expected = np.sin(x[:, :1] / 30) * np.cos(x[:, 1:] / 60)
    np.testing.assert_allclose(function(x), expected, atol=1e-4)
    with pytest.raises(DataError, match="angle = -90 to 90 does not reach"):
        function(np.array([[3.0, 91.0]]))
    with pytest.raises(DataError, match="which are not the inputs of the data"):
        function(np.array([3.0]))
    again = GridFunctions.of_arrays({k: np.asarray(v) for k, v in function.arrays().items()})
    assert again.inputs == inputs


def two(dataset, names=("x", "A")):
    x = dataset.x_grid
    return dataclasses.replace(
        dataset, x_grid=np.stack([x, np.full(len(x), 12.0)], 1), inputs=names
    )


def test_ranges_by_name(toy_datasets):
    first = two(toy_datasets[0])
    found = inputs_of([first], {"A": (1.0, 208.0)})
    assert [str(one) for one in found] == ["x in (0, 1]", "A in [1, 208]"]
    with pytest.raises(DataError, match="A = 12, which is no range"):
        stack([first])
    with pytest.raises(DataError, match="names 'Z', but the inputs of the data are x, A"):
        inputs_of([first], {"Z": (1.0, 208.0)})
    with pytest.raises(DataError, match="is one range, but the inputs are x, A"):
        inputs_of([first], (0.0, 1.0))
