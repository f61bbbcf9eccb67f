"""Functions as pages draw them, and the parts of x that they show."""

from __future__ import annotations

import numpy as np
import pytest
from replicafit_report.ranges import Range, around
from replicafit_report.views import in_common, plain

LOGARITHMIC = Range(log=True, low=1e-5, high=1.0)
LINEAR = Range(log=False, low=0.01, high=1.0, edge=0.0)


def test_axes_are_where_the_data_are():
    x = np.unique(np.concatenate([np.geomspace(1e-9, 0.1, 101), np.linspace(0.1, 1, 91)]))
    [linear] = around(x, (0.2, 0.7))
    assert (linear.log, linear.low, linear.high) == (False, pytest.approx(0.18), 0.72)
    assert [over.log for over in around(x, (1e-4, 0.7))] == [False, True]
    for over in (LINEAR, LOGARITHMIC, linear):
        at = over.places(x)
        assert x[at[0]] <= over.low <= x[at[0] + 1]
        assert x[at[-1] - 1] < over.high <= x[at[-1]]
    [beyond] = around(np.linspace(-3, 5, 9), None)
    assert (beyond.low, beyond.high) == (-3, 5)


def test_functions_of_any_x_are_put_on_another_grid():
    curve = plain(("height",), np.linspace(-2, 1, 7), np.ones((2, 7, 1)), None)
    np.testing.assert_allclose(curve.on(np.array([-3, 0.2, 0.3])).values, 1)


def test_only_what_all_have_is_compared():
    x = np.linspace(0, 1, 5)
    one = plain(("a", "b"), x, np.random.default_rng(1).normal(size=(3, 5, 2)), None)
    other = plain(("c", "b"), x[1:], np.random.default_rng(2).normal(size=(4, 4, 2)), None)
    found = in_common([one, other])
    assert [each.names for each in found] == [("b",), ("b",)]
    assert found[1].values.shape == (4, 5, 1)
