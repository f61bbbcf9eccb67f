"""Functions as pages draw them, and the parts of x that they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from replicafit_report.page import about_functions
from replicafit_report.ranges import Range, around
from replicafit_report.section import Figures, Text
from replicafit_report.sides import SectionContext, Side
from replicafit_report.views import in_common, plain

from replicafit.plugin import Input, Registry

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


@pytest.mark.parametrize("size", [0.0, 1e-12, 1e6])
def test_functions_of_any_size_are_drawn(size):
    x = np.linspace(0.1, 1, 20)
    values = size * np.random.default_rng(3).normal(3, 1, size=(5, 20, 2))
    ours = plain(("a", "b"), x, values, None)
    assert ours.distinct().names == (("a", "b") if size else ())
    context = SectionContext((Side("fit", None, ours, Path(), Registry(), {}),), (), Registry())
    [section, *_] = about_functions(context)
    assert ("All of them are zero." in [b.text for b in section.blocks if isinstance(b, Text)]) == (
        size == 0
    )


def test_functions_of_inputs_with_any_name():
    energy, x = Input("E {GeV}$", 1, 9), np.linspace(1, 9, 20)
    values = np.random.default_rng(3).normal(3, 1, size=(2, 5, 20, 2))
    one, other = (plain(("f(1)", "f(2)"), x, each, None, (energy,)) for each in values)
    assert (one.title("f(1)"), one.short("f(1)")) == ("f(1)(E {GeV}$)", "f(1)")
    sides = tuple(
        Side(name, None, f, Path(), Registry(), {})
        for name, f in zip("ab", (one, other), strict=True)
    )
    sections = about_functions(SectionContext(sides[:1], (), Registry()))
    titles = [
        f.title for s in sections for b in s.blocks if isinstance(b, Figures) for f in b.figures
    ]
    assert sum(title.startswith("At E {GeV}$ = ") for title in titles) == len(one.spots)
    svg = next(f.svg for b in sections[0].blocks if isinstance(b, Figures) for f in b.figures)
    assert ">E {GeV}$</text>" in svg
    compared = about_functions(SectionContext(sides, (), Registry(), compares=True))
    assert "over functions and E {GeV}$; at most" in compared[0].findings[0]
