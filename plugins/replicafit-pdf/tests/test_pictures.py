"""What reports show beyond functions: data in x and Q2, and observables that are kept positive."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import replicafit_pdf
from fit_folder import write_fit
from replicafit_pdf.kinematics import momentum_fractions
from replicafit_pdf.penalties.observables import read_observables
from replicafit_pdf.positivity_section import predictions
from replicafit_report.page import write_report
from toy import observable_arrays

import replicafit
from replicafit.data import stack
from replicafit.forward.predictions import predict
from replicafit.plugin import Registry
from replicafit.plugins import Plugin

SECTIONS = tuple(replicafit_pdf.replicafit_report_sections())
REGISTRY = Registry(plugins=(Plugin("pdf", "replicafit-pdf", "0", "pdf", SECTIONS),))


def words(page) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.read_text(encoding="utf-8")).split())


def test_momentum_fractions_of_scattering_and_of_collisions():
    unknown = np.nan
    data = {
        "central": np.ones(5),
        "kinematics_x": np.array([0.1, unknown, unknown, unknown, unknown]),
        "kinematics_q2": np.array([10.0, unknown, unknown, unknown, unknown]),
        "kinematics_y": np.array([0.5, 1.0, unknown, unknown, 0.1]),
        "kinematics_sqrts": np.array([unknown, 7000.0, 8000.0, 13.0, unknown]),
        "kinematics_m_Z2": np.array([unknown, 91.0**2, unknown, unknown, 91.0**2]),
        "kinematics_m_ll": np.array([unknown, unknown, 80.0, 80.0, unknown]),
    }
    x, q2 = momentum_fractions(data)
    np.testing.assert_allclose(x[0], [0.1, unknown])
    np.testing.assert_allclose(x[1], 91 / 7000 * np.exp([1.0, -1.0]))
    np.testing.assert_allclose(x[2], [0.01, 0.01])  # without rapidity, as of total cross sections
    assert np.isnan(x[3:]).all()  # above 1, and of unknown energy
    np.testing.assert_allclose(q2[:3], [10, 91**2, 80**2])


def test_coverage_has_both(toy_datasets, registry, tmp_path):
    collisions = {"sqrts": np.full(25, 7000.0), "abs_eta": np.linspace(0, 2, 25)}
    other = replace(toy_datasets[1], kinematics={**collisions, "m_W2": np.full(25, 6464.0)})
    fit = write_fit(tmp_path / "fit", stack([toy_datasets[0], other]), registry)
    told = words(write_report(fit, tmp_path / "page.html", registry=REGISTRY))
    assert "of a hadron collision two are drawn" in told
    assert "A, 40" in told
    assert "BB, 25" in told
    assert "do not say where they are" not in told


@pytest.fixture
def observable(tmp_path):
    np.savez(tmp_path / "POS.npz", **observable_arrays("POS_A", 3))
    return tmp_path / "POS.npz"


def test_positivity_is_what_the_tables_give(toy_data, registry, tmp_path, observable):
    folder = write_fit(tmp_path / "fit", toy_data, registry)
    fit = replicafit.load_fit(folder)
    [kept] = read_observables([observable], tmp_path)
    at = [fit.flavours.index(name) for name in kept.flavours]
    slow = predict(kept, registry, fit.interpolate(kept.x_grid)[..., at])
    np.testing.assert_allclose(predictions(kept, fit), slow)


@pytest.mark.parametrize("there", [True, False])
def test_observables_of_the_penalty_are_shown(toy_data, registry, tmp_path, observable, there):
    penalties = [{"type": "positivity", "path": [str(observable) if there else "nowhere.npz"]}]
    fit = write_fit(tmp_path / "fit", toy_data, registry, penalties=penalties)
    told = words(write_report(fit, tmp_path / "page.html", registry=REGISTRY))
    if there:
        assert "kept positive: 1. In the 5 replicas that count none is negative." in told
        assert "Lowest point of each observable" in told
    else:
        assert "cannot be shown here" in told
        assert "nowhere.npz" in told
