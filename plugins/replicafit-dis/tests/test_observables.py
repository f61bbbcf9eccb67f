"""Structure functions into observables: numpy only, no evolution program."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from replicafit_dis.build.observables import (
    SF,
    Combination,
    couplings,
    reduced_cross_section,
    single,
)
from replicafit_dis.build.target_mass import TargetMass
from replicafit_dis.catalogue import DATASETS
from replicafit_dis.theory import TheoryParameters

X = np.array([0.05, 0.3, 0.6])
Q2 = np.array([10.0, 20.0, 5000.0])
Y = np.array([0.2, 0.5, 0.9])
THEORY = TheoryParameters()


def evaluate(terms: Combination, functions: dict[SF, Callable[[np.ndarray], np.ndarray]]):
    """The observables (d,) for given structure functions of x."""
    values = np.zeros((len(terms.x), len(SF)))
    for column, function in functions.items():
        values[:, column] = function(terms.x)
    return np.bincount(terms.datum, (terms.weights * values).sum(axis=1), terms.n_data)


def test_massless_target_is_not_corrected() -> None:
    current = couplings(DATASETS["BCDMS_NC_P_EM-F2"], Q2, THEORY)
    massless = TargetMass.at(X, Q2, 0.0)
    functions = {SF.F2_EM: lambda x: (1 - x) ** 3, SF.F1_EM: lambda x: (1 - x) ** 3 / x}
    np.testing.assert_allclose(evaluate(massless.f2(current), functions), (1 - X) ** 3)
    np.testing.assert_allclose(evaluate(massless.fl(current), functions), -((1 - X) ** 3))


def test_target_mass_of_a_power() -> None:
    """For F2 = u3 the integral is h2 = (1 - xi2)/2, in closed form."""
    current = couplings(DATASETS["BCDMS_NC_P_EM-F2"], Q2, THEORY)
    massive = TargetMass.at(X, Q2, 0.938)
    mu = 0.938**2 / Q2
    r = np.sqrt(1 + 4 * X**2 * mu)
    xi = 2 * X / (1 + r)
    expected = X**2 / r**3 * xi + 6 * mu * X**3 / r**4 * (1 - xi**2) / 2
    found = evaluate(massive.f2(current), {SF.F2_EM: lambda u: u**3})
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_photon_exchange_sees_no_valence() -> None:
    current = couplings(DATASETS["NMC_NC_P_EM-SIGMARED"], Q2, THEORY)
    assert not single(X, Q2, current.f2).sees_valence
    assert not single(X, Q2, current.f3).sees_valence


@pytest.mark.parametrize("lepton", ["EM", "EP"])
def test_charged_current_at_leading_order(lepton: str) -> None:
    """Electrons: x (U + (1 - y)2 Dbar); positrons: x (Ubar + (1 - y)2 D)."""
    info = DATASETS[f"HERA_CC_318GEV_{lepton}-SIGMARED"]
    quark, antiquark = 0.7, 0.2  # struck with weight 1 by electrons; by positrons the other way
    current = couplings(info, Q2, THEORY)
    massless = TargetMass.at(X, Q2, 0.0)
    terms = reduced_cross_section(
        massless.f2(current), massless.fl(current), massless.xf3(current), Y, info
    )
    f1, f2, f3 = (
        (SF.F1_WM, SF.F2_WM, SF.F3_WM) if lepton == "EM" else (SF.F1_WP, SF.F2_WP, SF.F3_WP)
    )
    functions = {
        f1: lambda x: np.full_like(x, (quark + antiquark) / 2),
        f2: lambda x: x * (quark + antiquark),
        f3: lambda x: np.full_like(x, quark - antiquark),
    }
    damped = (1 - Y) ** 2
    weights = (1.0, damped) if lepton == "EM" else (damped, 1.0)
    expected = X * (weights[0] * quark + weights[1] * antiquark)
    np.testing.assert_allclose(evaluate(terms, functions), expected, rtol=1e-12)


def test_interference_favours_electrons() -> None:
    for lepton, sign in (("EM", 1.0), ("EP", -1.0)):
        info = DATASETS[f"HERA_NC_318GEV_{lepton}-SIGMARED"]
        current = couplings(info, Q2, THEORY)
        massless = TargetMass.at(X, Q2, 0.0)
        terms = reduced_cross_section(
            massless.f2(current), massless.fl(current), massless.xf3(current), Y, info
        )
        found = evaluate(terms, {SF.F3_GZ: np.ones_like})
        assert np.all(sign * found > 0)
