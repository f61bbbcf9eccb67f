"""Partons and the evolution basis are two views of one thing."""

from __future__ import annotations

import numpy as np
import pytest
from replicafit_pdf.evolution_basis import (
    EVOLUTION,
    PARTONS,
    evolution_from_partons,
    from_content,
    partons_from,
)

from replicafit.errors import OutputError

FITTED = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")


def one(pid: int) -> dict[str, float]:
    """The evolution basis for one unit of one parton."""
    content = evolution_from_partons(np.array([float(p == pid) for p in PARTONS]))
    return dict(zip(EVOLUTION, content, strict=True))


def test_a_parton_alone_in_the_evolution_basis() -> None:
    assert {k for k, v in one(21).items() if v} == {"g"}
    up, anticharm = one(2), one(-4)
    assert [up[k] for k in ("sigma", "t3", "t8", "t15", "t24", "t35")] == [1, 1, 1, 1, 1, 1]
    assert [anticharm[k] for k in ("sigma", "v", "t15", "v15", "t24", "v24")] == [
        1,
        -1,
        -3,
        3,
        1,
        -1,
    ]
    assert one(1)["t3"] == -1
    assert one(5)["t24"] == -4
    assert one(6)["t35"] == -5


def test_quarks_by_their_numbers() -> None:
    """An up quark, and a charm with an anticharm."""
    one = np.ones(1)
    up = dict(zip(EVOLUTION, from_content({2: one})[0], strict=True))
    assert (up["sigma"], up["v"], up["t3"], up["v3"], up["t8"], up["g"]) == (1, 1, 1, 1, 1, 0)
    charm = dict(zip(EVOLUTION, from_content({4: one, -4: one})[0], strict=True))
    assert (charm["sigma"], charm["v"], charm["t8"], charm["t15"], charm["t24"]) == (2, 0, 0, -6, 2)


def test_there_and_back() -> None:
    back = evolution_from_partons(partons_from(EVOLUTION))
    np.testing.assert_allclose(back, np.eye(len(EVOLUTION)), atol=1e-14)


def test_fitted_functions_have_no_bottom_no_top_and_as_much_charm_as_anticharm() -> None:
    values = np.random.default_rng(1).normal(size=(5, len(FITTED)))
    partons = dict(zip(PARTONS, (values @ partons_from(FITTED)).T, strict=True))
    for pid in (-6, -5, 5, 6):
        np.testing.assert_allclose(partons[pid], 0, atol=1e-14)
    np.testing.assert_allclose(partons[4], partons[-4], atol=1e-14)
    charm = (values[:, FITTED.index("sigma")] - values[:, FITTED.index("t15")]) / 4
    np.testing.assert_allclose(partons[4] + partons[-4], charm, atol=1e-14)


def test_functions_that_leave_partons_open_are_refused() -> None:
    with pytest.raises(OutputError, match=r"sigma, g do not determine .* model\.flavours"):
        partons_from(("sigma", "g"))
