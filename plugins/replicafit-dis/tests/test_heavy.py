"""Heavy quarks: couplings with numpy alone, coefficient functions where yadism is installed."""

from __future__ import annotations

import numpy as np
import pytest
from replicafit_dis.build.charged import CKM, charm
from replicafit_dis.build.coefficients import Point, matching
from replicafit_dis.build.corrections import PartonTable, relevant, squared_charges
from replicafit_dis.build.heavy import (
    GLUON,
    HeavyQuark,
    Rows,
    correction,
    heavy_quarks,
    on_partons,
    seen_quarks,
)
from replicafit_dis.build.nuclei import PROTONS, per_nucleon
from replicafit_dis.build.observables import SF, Combination
from replicafit_dis.grid import common_grid
from replicafit_dis.theory import FLAVOURS, ISOTRIPLET, TheoryParameters

THEORY = TheoryParameters()
CHARM, BOTTOM = heavy_quarks(THEORY)
GRID = common_grid()[20:]
GLUE = GRID**-0.2 * (1.0 - GRID) ** 5
QUARK = GRID**0.5 * (1.0 - GRID) ** 3


def test_charges_of_photon_exchange() -> None:
    weights = np.zeros(len(SF))
    weights[SF.F2_EM] = 1.0
    charges = squared_charges(weights, 0.1, THEORY)
    np.testing.assert_allclose(charges["f2"] * 9, [1, 4, 1, 4, 1])
    assert not np.any(charges["fl"])


def test_f1_is_f2_minus_fl() -> None:
    weights = np.zeros(len(SF))
    weights[SF.F1_Z] = 1.0
    charges = squared_charges(weights, 0.1, THEORY)
    np.testing.assert_allclose(charges["fl"], -charges["f2"])
    assert charges["f2"][1] == pytest.approx(5.0 * (0.25 + (0.5 - 4 / 3 * 0.23126) ** 2))


def test_rows_go_to_the_right_partons() -> None:
    rows = Rows(*(np.array([value]) for value in (1.0, 2.0, 3.0, 4.0)), n_singlet=3)
    charges = np.array([1.0, 10.0, 1.0, 100.0, 1.0])
    values = on_partons(rows, CHARM, charges)[:, 0]
    np.testing.assert_array_equal(values, values[::-1])
    down, up, strange, charm_, bottom = values[GLUON + 1 : GLUON + 6]
    assert values[GLUON] == 100.0
    assert (down, up, strange) == (204.0, 240.0, 204.0)
    assert charm_ == 300.0
    assert bottom == 0.0


def test_terms_of_no_weight_are_left_out() -> None:
    weights = np.zeros((3, len(SF)))
    weights[:, SF.F2_EM] = (1.0, 1e-6, 1e-6)
    datum, x = np.array([0, 0, 1]), np.full(3, 0.1)
    combination = Combination(datum, x, np.full(3, 5.0), weights, 2)
    np.testing.assert_array_equal(relevant(combination), [True, False, True])


def test_valence_is_seen_where_antiquarks_count_differently() -> None:
    values = np.zeros((1, 13, 2))
    values[0, [GLUON - 1, GLUON + 1]] = 1.0
    assert not PartonTable(GRID, np.ones(1), values).sees_valence
    values[0, GLUON + 1] = 2.0
    assert PartonTable(GRID, np.ones(1), values).sees_valence


@pytest.mark.parametrize(("target", "factor"), [("proton", 1.0), ("deuteron", 0.0)])
def test_nuclei_have_the_isotriplet_of_their_protons(target: str, factor: float) -> None:
    table = per_nucleon(np.ones((1, len(FLAVOURS), 2)), target)
    for f, flavour in enumerate(FLAVOURS):
        assert np.all(table[:, f] == (factor if flavour in ISOTRIPLET else 1.0))


def test_iron_has_a_few_more_neutrons() -> None:
    assert 0.46 < PROTONS["iron"] < 0.5


def test_matching_keeps_the_number_of_charm_quarks() -> None:
    """The plus prescription: integrating over all z from x gives back the local part."""
    k_cc, _ = matching(1.7)
    assert k_cc.singular is not None
    assert k_cc.local is not None
    z = (np.arange(4000) + 0.5) / 4000 * 0.6
    integral = np.mean([k_cc.singular(value) for value in z]) * 0.6
    assert -k_cc.local(0.6) == pytest.approx(integral, rel=1e-4)


def point(x: float, q2: float) -> Point:
    """With the coupling that belongs to 100 GeV2."""
    pytest.importorskip("yadism", reason="needs replicafit-dis[build] and yadism")
    return Point(GRID, x, q2, 0.0142)


@pytest.mark.parametrize("kind", ["f2", "fl"])
@pytest.mark.parametrize("quark", [CHARM, BOTTOM])
def test_masses_matter_less_and_less(kind: str, quark: HeavyQuark) -> None:
    near, far, beyond = (
        correction(kind, point(0.01, ratio * quark.mass**2), quark) for ratio in (4.0, 400.0, 600.0)
    )
    for name, function in (("gluon", GLUE), ("singlet", QUARK), ("own", QUARK), ("loop", QUARK)):
        before, after = getattr(near, name) @ function, getattr(far, name) @ function
        assert abs(after) <= 0.2 * abs(before)
        assert not np.any(getattr(beyond, name))


def test_no_pairs_below_their_threshold() -> None:
    q2 = 10.0
    x = q2 / (q2 + 4 * BOTTOM.mass**2) + 0.01
    rows = correction("f2", point(x, q2), BOTTOM)
    assert not any(np.any(row) for row in (rows.gluon, rows.singlet, rows.own, rows.loop))


def test_bottom_is_seen_massless_later_than_it_is_active() -> None:
    assert BOTTOM.active(30.0)
    assert not seen_quarks(THEORY)[1].active(30.0)
    assert seen_quarks(THEORY)[0] == CHARM


@pytest.mark.parametrize("kind", ["f2", "f3"])
def test_neutrinos_make_charm_of_strangeness(kind: str) -> None:
    """Leading order, x (1 + m2/Q2) s(x (1 + m2/Q2)) |V_cs|2, with alpha_s = 0."""
    pytest.importorskip("yadism", reason="needs replicafit-dis[build] and yadism")
    at = Point(GRID, 0.1, 20.0, 0.0)
    partons = np.zeros((13, len(GRID)))
    partons[GLUON + 3] = QUARK
    found = np.sum(charm(kind, at, 1.51, 1) * partons)
    x = 0.1 * (1 + 1.51**2 / 20.0)
    expected = CKM["s"] * x**0.5 * (1 - x) ** 3
    slowed = 1.0 if kind == "f2" else 1.0 / (1 + 1.51**2 / 20.0)
    assert found == pytest.approx(slowed * expected, rel=1e-3)
    assert np.sum(charm(kind, at, 1.51, -1) * partons) == 0.0


def test_antineutrinos_are_the_mirror_image() -> None:
    at = point(0.1, 20.0)
    for kind, sign in (("f2", 1.0), ("fl", 1.0), ("f3", -1.0)):
        mirrored = charm(kind, at, 1.51, -1)[::-1]
        np.testing.assert_allclose(
            mirrored, sign * charm(kind, at, 1.51, 1), rtol=1e-12, atol=1e-15
        )
