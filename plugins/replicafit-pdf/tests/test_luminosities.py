"""Luminosities of reports beside integrals by quadrature, and where they appear."""

from __future__ import annotations

import re

import numpy as np
import pytest
import replicafit_pdf
from fit_folder import write_fit
from replicafit_pdf.evolution_basis import DGLAP, EVOLUTION, GLUON, PARTONS
from replicafit_pdf.luminosities import ENERGY, MASSES, _ratio, _table, luminosity
from replicafit_report.page import write_report
from scipy.integrate import quad

from replicafit.plugin import Evolution, Input, Registry, StartingFunctions
from replicafit.plugins import Plugin


def parton(pid: int, x: np.ndarray) -> np.ndarray:
    """x f of a toy: the gluon steeper than the quarks, which differ from antiquarks."""
    low, high = (-0.2, 5.0) if pid == GLUON else (0.3 + 0.01 * pid, 3.0 + 0.1 * abs(pid))
    return x**low * (1 - x) ** high


@pytest.mark.parametrize("mass", [20.0, 125.0, 4000.0])
def test_they_are_the_integrals(mass):
    x, tau = Input(log=True).grid(), mass**2 / ENERGY**2
    table = np.stack([parton(pid, x) for pid in PARTONS], axis=-1)[None]
    quarks = [pid for pid in PARTONS if pid != GLUON]
    pairs = [
        [(GLUON, GLUON)],
        [pair for q in quarks for pair in ((GLUON, q), (q, GLUON))],
        [(q, -q) for q in quarks],
    ]

    def integral(one: int, other: int) -> float:
        def product(t: float) -> float:
            u = np.exp(t)
            return parton(one, u) * parton(other, min(tau / u, 1.0))

        return quad(product, np.log(tau), 0)[0] / mass**2

    slow = [sum(integral(*pair) for pair in each) for each in pairs]
    np.testing.assert_allclose(luminosity(x, table, mass)[:, 0], slow, rtol=2e-3)


def test_one_replica_has_no_deviation_and_nothing_is_divided_by_nothing():
    one = np.ones((3, 1, len(MASSES)))
    assert not any("±" in cell for row in _table(one).rows for cell in row.cells)
    none = np.zeros((3, 2, len(MASSES)))
    assert _table(none).rows[0].cells[1] == "0"
    assert _ratio("g g", none[0]).svg
    assert "± 70.7 %" in _table(np.concatenate([one, 3 * one], axis=1)).rows[0].cells[1]


def grow(start: StartingFunctions, scales: tuple[float, ...]) -> np.ndarray:
    """A toy evolution: all functions become the gluon, which grows with the scale."""
    gluon = start.values[..., start.flavours.index("g")]
    return np.stack([np.stack([gluon * q] * len(EVOLUTION), axis=-1) for q in scales])


def sections(page) -> list[str]:
    return re.findall(r'<section id="([^"]+)"', page.read_text(encoding="utf-8"))


def test_a_report_has_them_where_functions_can_be_evolved(toy_data, registry, tmp_path):
    fit = write_fit(tmp_path / "fit", toy_data, registry)
    own = tuple(replicafit_pdf.replicafit_report_sections())
    evolution = Evolution(name=DGLAP, evolve=grow, flavours=EVOLUTION)
    for given, there in (((evolution, *own), True), (own, False)):
        known = Registry(plugins=(Plugin("grow", "grow", "0", "grow", given),))
        page = write_report(fit, tmp_path / "page.html", registry=known)
        assert ("luminosities" in sections(page)) == there
        assert (f"{MASSES[0]:.0f} GeV" in page.read_text(encoding="utf-8")) == there
