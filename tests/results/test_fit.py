"""load_fit: all replicas as one object, from tables."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from fit_folder import EXPORTERS, X, toy_values, write_fit

import replicafit
from replicafit.errors import OutputError


@pytest.fixture(scope="module")
def fit(tmp_path_factory, toy_data, registry):
    path = tmp_path_factory.mktemp("loading") / "fit"
    return replicafit.load_fit(write_fit(path, toy_data, registry, diverged=[2]))


def test_tables_are_those_of_the_replicas(fit, toy_data):
    assert fit.numbers == (1, 2, 3, 4, 5)
    assert fit.flavours == toy_data.flavours
    assert fit.q0 == 1.65
    for number, values in zip(fit.numbers, fit.values, strict=True):
        np.testing.assert_array_equal(values, toy_values(X, len(fit.flavours), number))


def test_mean_deviation_and_band(fit):
    low, high = fit.band()
    assert fit.mean().shape == fit.std().shape == low.shape == (len(X), len(fit.flavours))
    np.testing.assert_allclose(fit.mean(), fit.values.mean(axis=0))
    np.testing.assert_allclose(fit.std(), fit.values.std(axis=0, ddof=1))
    assert (low <= high).all()


def test_interpolation_is_the_function_between_grid_points(fit):
    x = np.geomspace(2e-5, 0.9, 37)
    expected = [toy_values(x, len(fit.flavours), number) for number in fit.numbers]
    np.testing.assert_allclose(fit.interpolate(x), expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="tables begin at x = 1e-09"):
        fit.interpolate([1e-12])
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        fit.interpolate([1.5])


def test_choosing_replicas(fit):
    assert fit.sound().numbers == (1, 3, 4, 5)
    assert fit.only([3, 1]).numbers == (3, 1)
    np.testing.assert_array_equal(fit.only([3]).values[0], fit.values[2])
    with pytest.raises(ValueError, match=r"Replicas \[9\] are asked for"):
        fit.only([9])


def test_one_replica_has_no_deviation(fit):
    assert not fit.only([1]).std().any()


def test_frames_and_arrays_of_other_libraries(fit):
    pandas = pytest.importorskip("pandas")
    frame = fit.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == ["replica", "x", "flavour", "value"]
    one = frame[(frame.replica == 3) & (frame.flavour == "g")]
    np.testing.assert_array_equal(one.value, fit.values[2, :, fit.flavours.index("g")])
    pytest.importorskip("xarray")
    array = fit.to_xarray()
    np.testing.assert_array_equal(array.sel(replica=3, flavour="g"), one.value)


def test_a_missing_library_is_named(fit, monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match="pip install xarray"):
        fit.to_xarray()


def test_what_notebooks_show(fit):
    shown = fit._repr_html_()
    assert "5 replicas (4 stopped, 1 diverged)" in shown
    assert shown.startswith("<table>")
    assert "5 replicas" in repr(fit)


def test_no_keras_for_tables(fit):
    code = (
        "import sys, replicafit\n"
        f"replicafit.load_fit({str(fit.folder)!r}).band()\n"
        "sys.exit('keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_not_there_is_said(tmp_path, toy_data, registry):
    with pytest.raises(OutputError, match="holds no fit"):
        replicafit.load_fit(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(OutputError, match="No replica of the fit"):
        replicafit.load_fit(tmp_path)
    bare = write_fit(tmp_path / "bare", toy_data, registry, [1], exporters=EXPORTERS[1:])
    with pytest.raises(OutputError, match=r"without function\.npz"):
        replicafit.load_fit(bare)
    whole = write_fit(tmp_path / "whole", toy_data, registry, [1])
    file = whole / "replicas" / "replica_0001" / "function.npz"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(OutputError, match="damaged"):
        replicafit.load_fit(whole)
