"""The cards of runcards/: data are those of the scripts, fits are good and cover their truth."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import replicafit
from replicafit.data import read_dataset

RUNCARDS = Path(__file__).parents[1] / "runcards"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, RUNCARDS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def within(name: str, x: np.ndarray, truth: np.ndarray) -> tuple[replicafit.Fit, float]:
    """The fit, and the share of ``x`` at which the truth is within two sigmas."""
    fit = replicafit.fit(RUNCARDS / f"{name}.yml", observer=())
    assert fit.verdict is not None
    assert fit.verdict.good
    pulls = (fit.mean(x)[:, 0] - truth) / fit.std(x)[:, 0]
    return fit, float((np.abs(pulls) < 2).mean())


def test_data_are_those_of_the_scripts():
    made, kept = script("spectral").dataset(), read_dataset(RUNCARDS / "spectral.npz")
    for part in ("central", "stat", "sys_add", "x_grid"):
        np.testing.assert_allclose(getattr(kept, part), getattr(made, part), rtol=1e-9)
    np.testing.assert_allclose(kept.tables[0], made.tables[0], rtol=1e-9)
    tables = {**script("thermocouple").tables(), "surface": script("surface").table()}
    for name, table in tables.items():
        stored = np.loadtxt(RUNCARDS / f"{name}.csv", delimiter=",", skiprows=1)
        np.testing.assert_allclose(stored, table, rtol=1e-5)


@pytest.mark.slow
def test_a_curve_covers_its_truth():
    x = np.linspace(0.05, 0.95, 60)
    fit, share = within("anything", x, 0.3 + np.exp(-2 * x) * np.sin(6 * x))
    assert share > 0.85
    assert fit.verdict.findings == []


@pytest.mark.slow
def test_a_spectral_function_covers_its_truth():
    recipe = script("spectral")
    fit, share = within("spectral", recipe.points(), recipe.truth(recipe.points()))
    assert share > 0.85
    assert (fit.values >= 0).all()
    assert fit.chi2_of_mean() < 2 * 20


@pytest.mark.slow
def test_a_calibration_covers_its_truth():
    recipe = script("thermocouple")
    fit, share = within("thermocouple", recipe.points(), recipe.truth(recipe.points()))
    assert share > 0.85
    assert fit.chi2_of_mean() < 1.5 * 46
    correlation = fit["emf"].correlation(np.array([-40.0, 120.0]))[0, 1]
    assert correlation > 0.5  # the gain and the reference cell move both ends together


@pytest.mark.slow
def test_a_surface_covers_its_truth():
    recipe = script("surface")
    fit, share = within("surface", recipe.points(), recipe.truth(*recipe.points().T))
    assert share > 0.85
    assert fit.chi2_of_mean() < 1.5 * 150


@pytest.mark.slow
@pytest.mark.parametrize("name", ["thermocouple", "surface"])
def test_bands_cover_the_truth_for_other_data_too(name, monkeypatch):
    """Of two fits; the page has those of ten."""
    monkeypatch.syspath_prepend(str(RUNCARDS))
    one, two = script("coverage").coverage(name, range(1, 3)).mean(axis=0)
    assert one > 0.45
    assert two > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dis", "closure_level2", "closure_level1", "closure_level0"])
def test_deep_inelastic_fits_are_good(name):
    """With fewer replicas and steps than the cards have, to be done within a minute each."""
    pytest.importorskip("replicafit_dis", reason="data come from plugins/replicafit-dis")
    fit = replicafit.fit(
        RUNCARDS / f"{name}.yml",
        replicas=4,
        settings={"training.max_steps": 3000},
        observer=(),
    )
    assert fit.verdict is not None
    assert fit.verdict.good, fit.verdict.words
