"""What reports show of parton distributions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from replicafit_pdf.positivity_section import _lowest, _observable
from replicafit_pdf.report_sections import as_partons, partons, sum_rules
from replicafit_pdf.toy import ToyLesHouches
from replicafit_report import Table
from replicafit_report.views import plain

FLAVOURS = ("sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15")


def test_polarised_functions_are_held_against_their_own_sum_rules():
    x = np.geomspace(1e-9, 1, 400)
    values = np.repeat((x * (1 - x))[None, :, None], len(FLAVOURS), axis=2)
    for basis, named in (("evolution", "momentum"), ("polarised_evolution", "axial charge")):
        charges = {"type": "sum_rules", "rules": "all", "t3": {"value": 1.2, "error": 0.1}}
        card = {"model": {"layers": [charges, {"type": "rotation", "basis": basis}]}}
        fit = SimpleNamespace(card=card, attributes={})
        ours = plain(FLAVOURS, x, values, None)
        section = sum_rules(SimpleNamespace(functions=[ours], compares=False, fit=fit))
        [table] = [block for block in section.blocks if isinstance(block, Table)]
        assert table.rows[0].cells[0].startswith(named)
        assert table.rows[0].cells[1] == ("1.2" if "polarised" in basis else "1")
        wanted = 0.5 if basis == "polarised_evolution" else 2 / 6
        assert abs(float(table.rows[0].cells[2]) - wanted) < 1e-3


def test_sum_rules_are_integrated_as_well_as_the_table_knows_the_functions():
    """On the grid of function.npz trapezoids were off by 4e-4, many times the spread told."""
    x, toy = np.append(np.geomspace(1e-9, 0.1, 100), np.linspace(0.11, 1, 90)), ToyLesHouches()
    ours = plain(toy.flavours, x, np.repeat(toy(x)[None], 2, axis=0), None)
    fit = SimpleNamespace(card={}, attributes={})
    section = sum_rules(SimpleNamespace(functions=[ours], compares=False, fit=fit))
    [table] = [block for block in section.blocks if isinstance(block, Table)]
    assert [row.cells[2][:6] for row in table.rows[:3]] == ["1.0000", "3.0000", "1.0000"]


@pytest.mark.parametrize(
    "x",
    [np.linspace(-1, 5, 40), np.linspace(0.1, 0.9, 40), np.stack([np.linspace(0, 1, 40)] * 2, 1)],
    ids=["own units", "a part", "two inputs"],
)
def test_functions_of_something_else_have_no_sum_rules(x):
    """Though they are called sigma and v."""
    ours = plain(("sigma", "v"), x, np.ones((2, 40, 2)), None)
    fit = SimpleNamespace(card={}, attributes={})
    context = SimpleNamespace(functions=[ours], compares=False, fit=fit)
    assert sum_rules(context) is None
    if x.ndim > 1 or x[-1] > 1:
        assert partons(context) == []


def test_a_positivity_observable_may_vanish_at_a_point():
    values = np.random.default_rng(1).normal(1, 0.1, (4, 3))
    values[:, 2] = 0
    assert _lowest({"A": values}).svg
    assert _observable("A", values).svg


def test_partons_give_back_the_evolution_basis():
    values = np.random.default_rng(4).standard_normal((3, 5, len(FLAVOURS)))
    found = as_partons(plain(FLAVOURS, np.linspace(0.1, 0.5, 5), values, None))
    assert found is not None
    u, ubar, d, dbar, s, sbar = (found.of(q) for q in ("u", "ū", "d", "d̄", "s", "s̄"))
    column = dict(zip(FLAVOURS, np.moveaxis(values, -1, 0), strict=True))
    cplus, cminus = (column["sigma"] - column["t15"]) / 4, (column["v"] - column["v15"]) / 4
    np.testing.assert_allclose(u + ubar + d + dbar + s + sbar + cplus, column["sigma"])
    np.testing.assert_allclose(u + ubar - d - dbar, column["t3"])
    np.testing.assert_allclose(u + ubar + d + dbar - 2 * (s + sbar), column["t8"])
    np.testing.assert_allclose(u - ubar - d + dbar, column["v3"])
    np.testing.assert_allclose(u - ubar + d - dbar + s - sbar + cminus, column["v"])
    np.testing.assert_allclose(found.of("c"), (cplus + cminus) / 2)
    assert as_partons(plain(("f",), np.linspace(0, 1, 3), np.ones((1, 3, 1)), None)) is None
