"""The evolution as reports ask for it: the same as in a set, replica by replica."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from replicafit_lhapdf import PdfSet, replicafit_evolutions
from replicafit_pdf.evolution_basis import DGLAP, EVOLUTION

from replicafit.components import StartingFunctions, load_target
from replicafit.errors import OutputError


@pytest.fixture(scope="module")
def start(toy: SimpleNamespace) -> StartingFunctions:
    """The functions of the three good replicas."""
    values = np.stack([toy.functions(toy.x, number) for number in toy.good])
    return StartingFunctions({}, toy.flavours, {"q0": toy.q0}, toy.x, values)


def evolve(start: StartingFunctions, *scales: float) -> np.ndarray:
    [evolution] = replicafit_evolutions()
    assert evolution.name == DGLAP
    found: np.ndarray = load_target(evolution.evolve)(start, scales)
    return found


@pytest.mark.slow  # imports Keras
def test_it_conforms() -> None:
    pytest.importorskip("hoppet", reason="hoppet, which evolves, is not installed")
    from replicafit_pdf.testing import check_evolution

    from replicafit.plugins import Plugin, Registry

    plugin = Plugin("lhapdf", "replicafit-lhapdf", "0", "", tuple(replicafit_evolutions()))
    check_evolution(registry=Registry(plugins=(plugin,)))


def test_it_is_what_a_set_holds(start: StartingFunctions, toy_set: PdfSet) -> None:
    scales = (1.65, 20.0, 100.0)
    found = evolve(start, *scales)
    assert found.shape == (3, 3, len(start.x), len(EVOLUTION))
    inside = (start.x > 1e-8) & (start.x < 0.9)
    for at_scale, q in zip(found, scales, strict=True):
        for own, member in zip(at_scale, list(toy_set)[1:], strict=True):
            expected = member(start.x[inside], q)
            np.testing.assert_allclose(own[inside], expected, rtol=2e-4, atol=2e-5)


def test_a_replica_alone_is_the_same_as_among_others(start: StartingFunctions) -> None:
    pytest.importorskip("hoppet", reason="hoppet, which evolves, is not installed")
    alone = dataclasses.replace(start, values=start.values[1:2])
    np.testing.assert_array_equal(evolve(alone, 10.0)[0, 0], evolve(start, 10.0)[0, 1])


def test_scales_and_functions_it_cannot_take_are_told(start: StartingFunctions) -> None:
    for q in (1.0, 2e5):
        with pytest.raises(OutputError, match=r"from q0 = 1\.65 GeV up to 100000 GeV"):
            evolve(start, q)
    short = dataclasses.replace(start, x=start.x[:-20], values=start.values[:, :-20])
    with pytest.raises(OutputError, match=r"up to 1; these end at 0\.8"):
        evolve(short, 10.0)
    few = dataclasses.replace(start, flavours=("sigma", "g"), values=start.values[..., :2])
    with pytest.raises(OutputError, match="do not determine the partons"):
        evolve(few, 10.0)
