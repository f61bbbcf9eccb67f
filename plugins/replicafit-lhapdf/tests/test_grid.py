"""Knots in x and Q."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from replicafit_lhapdf.grid import Q_MAX, X_KNOTS, as_written, subgrids
from replicafit_pdf.theory import TheorySettings

from replicafit.errors import OutputError


def test_x_knots_have_those_of_the_functions_and_are_as_written(toy: SimpleNamespace) -> None:
    assert X_KNOTS[0] == 1e-9
    assert X_KNOTS[-1] == 1
    assert (np.diff(X_KNOTS) > 0).all()
    assert set(as_written(toy.x)) <= set(X_KNOTS)
    np.testing.assert_array_equal(as_written(X_KNOTS), X_KNOTS)


@pytest.mark.parametrize(
    ("max_flavours", "borders"),
    [(4, [1.65, Q_MAX]), (5, [1.65, 4.92, Q_MAX]), (6, [1.65, 4.92, 172.5, Q_MAX])],
)
def test_subgrids_meet_at_thresholds(max_flavours: int, borders: list[float]) -> None:
    grids = subgrids(TheorySettings(max_flavours=max_flavours), 1.65)
    assert [grid.q[0] for grid in grids] == borders[:-1]
    assert [grid.q[-1] for grid in grids] == borders[1:]
    assert [grid.n_flavours for grid in grids] == list(range(4, max_flavours + 1))
    for grid in grids:
        assert (np.diff(grid.q) > 0).all()
        assert grid.q[0] < grid.inside[0] < grid.inside[-1] < grid.q[-1]


@pytest.mark.parametrize("q0", [1.0, 5.0])
def test_a_scale_without_four_flavours_is_refused(q0: float) -> None:
    with pytest.raises(OutputError, match=rf"q0 = {q0} GeV.*m_charm \(1.51 GeV\)"):
        subgrids(TheorySettings(), q0)


@pytest.mark.slow  # imports Keras
def test_the_grid_of_functions_is_replicafits(toy: SimpleNamespace) -> None:
    from replicafit.plugin import Input

    np.testing.assert_array_equal(toy.x, Input(log=True).grid())
