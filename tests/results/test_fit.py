"""load_fit: the replicas that count as one object, from tables."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from fit_folder import EXPORTERS, X, toy_values, write_fit
from toy import toy_dataset

import replicafit
from replicafit.data import stack
from replicafit.errors import OutputError
from replicafit.execution.display import closing_lines
from replicafit.results.records import SelectionRecord
from replicafit.runcard.replica_range import ReplicaRange


@pytest.fixture(scope="module")
def fit(tmp_path_factory, toy_data, registry):
    path = tmp_path_factory.mktemp("loading") / "fit"
    return replicafit.load_fit(write_fit(path, toy_data, registry, diverged=[2]))


def test_tables_are_those_of_the_replicas_that_count(fit, toy_data):
    assert fit.numbers == fit.selected == (1, 3, 4, 5)
    assert fit.flavours == toy_data.flavours
    assert fit.q0 == fit.attributes["q0"] == 1.65
    assert not hasattr(fit, "charm_mass")
    for number, values in zip(fit.numbers, fit.values, strict=True):
        np.testing.assert_array_equal(values, toy_values(X, len(fit.flavours), number))


def test_refused_replicas_are_in_only_when_asked_for(fit):
    assert fit.refused == {2: ("diverged",)}
    assert "1 replicas (1 stopped), 1 refused" in repr(fit.only(1))
    assert fit.all.numbers == (1, 2, 3, 4, 5)
    assert fit.all.selected == fit.numbers
    np.testing.assert_array_equal(fit.all.values[[0, 2, 3, 4]], fit.values)
    assert not np.allclose(fit.all.mean(), fit.mean())


def test_replicas_that_join_are_told_from_those_that_were_there(fit):
    told = {"selected": [1, 3, 4, 5], "not_selected": {"2": ["diverged"]}, "limits": {}}
    run = fit.run.model_copy(update={"selection": SelectionRecord(**told)})
    numbers = ReplicaRange(first=1, last=5)
    whole = "\n".join(closing_lines(replace(fit, run=run), numbers, False))
    assert "4 of 5 selected\n  replica 2: diverged" in whole
    new = replace(fit.only([4, 5]), run=run, finished=fit.only([4, 5]).results)
    lines = closing_lines(new, numbers, False)
    assert "2 of 2 selected, and of those that were here before all but 1" in lines


def test_a_fit_of_refused_replicas_says_so(tmp_path, toy_data, registry):
    folder = write_fit(tmp_path / "fit", toy_data, registry, [1, 2], diverged=[1, 2])
    none = replicafit.load_fit(folder)
    assert len(none) == 0
    assert len(none.all) == 2
    assert "2 refused" in repr(none)
    assert "all of which were refused" in none._repr_html_()
    for ask in (none.mean, none.band, none.chi2_of_mean, lambda: none([0.1])):
        with pytest.raises(OutputError, match="all of them were refused"):
            ask()


def test_mean_deviation_and_band(fit):
    low, high = fit.band()
    assert fit.mean().shape == fit.std().shape == low.shape == (len(X), len(fit.flavours))
    np.testing.assert_allclose(fit.mean(), fit.values.mean(axis=0))
    np.testing.assert_allclose(fit.std(), fit.values.std(axis=0, ddof=1))
    assert (low <= high).all()
    narrow, wide = fit.band(level=0.5), fit.band(level=0.95)
    assert ((wide[0] <= narrow[0]) & (narrow[1] <= wide[1])).all()
    np.testing.assert_allclose(low, fit.quantile(0.16), rtol=1e-12)
    np.testing.assert_array_equal(fit.quantile([0.1, 0.5])[1], np.median(fit.values, axis=0))


def test_covariance_and_correlation(fit):
    few = fit["g"]
    covariance, correlation = few.covariance(), few.correlation()
    np.testing.assert_allclose(covariance, np.cov(few.values.T), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), few.std(), atol=1e-12)
    inner = few.std() > 0
    np.testing.assert_allclose(np.diag(correlation)[inner], 1)
    whole = fit.covariance()
    at = fit.flavours.index("g")
    np.testing.assert_allclose(whole[:, at, :, at], covariance, atol=1e-15)
    with pytest.raises(ValueError, match="at least 2 replicas; here: 1"):
        fit.only([1]).covariance()


def test_one_function_by_name(fit):
    at = fit.flavours.index("v3")
    one = fit["v3"]
    assert one.flavours == ("v3",)
    np.testing.assert_array_equal(one.values, fit.values[..., at])
    np.testing.assert_array_equal(one.mean(), fit.mean()[:, at])
    np.testing.assert_array_equal(one.only([3]).values, fit.only([3]).values[..., at])
    np.testing.assert_array_equal(one.interpolate([0.1, 0.3]), fit.interpolate([0.1, 0.3])[..., at])


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda fit: fit["v9"], r"no function 'v9'; the fit has: sigma, g, .*Did you mean"),
        (lambda fit: fit[1.5], "replica number or the name of a function; given: 1.5"),
        (lambda fit: fit.interpolate("0.1"), "x must be real numbers; given: '0.1'"),
        (lambda fit: fit.interpolate([[0.1]]), r"array of shape \(1, 1\)"),
        (lambda fit: fit.interpolate([0.1, [0.2]]), "x must be real numbers"),
        (lambda fit: fit.interpolate([]), "at least one"),
        (lambda fit: fit.interpolate([0.1, np.nan]), r"\(0, 1\]; given: nan"),
        (lambda fit: fit.interpolate([1.5]), r"\(0, 1\]; given: 1.5"),
        (lambda fit: fit.interpolate([1e-12]), "tables begin at x = 1e-09"),
        (lambda fit: fit.band(level=1), "between 0 and 1, such as 0.68 or 0.95; given: 1"),
        (lambda fit: fit.band(level="wide"), "level must be real numbers; given: 'wide'"),
        (lambda fit: fit.quantile(-0.1), "from 0 to 1"),
        (lambda fit: fit.quantile(True), "q must be real numbers"),
        (lambda fit: fit.only([9]), r"Replicas \[9\] are asked for"),
        (lambda fit: fit.predictions("BBB"), "no dataset 'BBB'; the fit has: A, BB, RATIO"),
        (lambda fit: fit.chi2("a"), "no dataset 'a'"),
    ],
)
def test_wrong_arguments_are_explained(fit, ask, words):
    with pytest.raises(ValueError, match=words):
        ask(fit)


def test_interpolation_is_the_function_between_grid_points(fit):
    x = np.geomspace(2e-5, 0.9, 37)
    expected = [toy_values(x, len(fit.flavours), number) for number in fit.numbers]
    np.testing.assert_allclose(fit.interpolate(x), expected, rtol=1e-4, atol=1e-6)


def test_choosing_replicas(fit):
    assert fit.only([3, 1]).numbers == (3, 1)
    assert fit.only(3).numbers == (3,)
    np.testing.assert_array_equal(fit.only([3]).values[0], fit.all.values[2])
    assert ", 1 refused" in repr(fit.only(3))
    assert "refused" not in repr(fit.all.only([2, 3]))


def test_one_replica_has_no_deviation(fit):
    assert not fit.only([1]).std().any()


def test_predictions_and_chi2(fit, toy_data):
    whole = fit.predictions()
    assert whole.shape == (len(fit), toy_data.n_data)
    parts = [fit.predictions(dataset.name) for dataset in toy_data.datasets]
    np.testing.assert_array_equal(np.hstack(parts), whole)
    residual = toy_data.central - whole
    inverse = np.linalg.inv(toy_data.covariance)
    np.testing.assert_allclose(fit.chi2(), np.einsum("rd,de,re->r", residual, inverse, residual))
    mean = residual.mean(axis=0)
    assert fit.chi2_of_mean() == pytest.approx(mean @ inverse @ mean)
    place = toy_data.slices[1]
    alone = np.linalg.inv(toy_data.covariance[place, place])
    assert fit.chi2_of_mean("BB") == pytest.approx(mean[place] @ alone @ mean[place])
    each = np.einsum("rd,de,re->r", residual[:, place], alone, residual[:, place])
    np.testing.assert_allclose(fit.chi2("BB"), each)
    np.testing.assert_array_equal(fit.data["central"], toy_data.central)


def test_frames_of_pandas(fit):
    pandas = pytest.importorskip("pandas", reason="optional")
    frame = fit.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == ["replica", "x", "flavour", "value"]
    one = frame[(frame.replica == 3) & (frame.flavour == "g")]
    np.testing.assert_array_equal(one.value, fit["g"].only([3]).values[0])
    assert len(fit["g"].to_pandas()) * len(fit.flavours) == len(frame)


def test_arrays_of_xarray(fit):
    pytest.importorskip("xarray", reason="optional")
    array = fit.to_xarray()
    np.testing.assert_array_equal(array.sel(replica=3, flavour="g"), fit["g"].only([3]).values[0])
    assert fit["g"].to_xarray().sizes["flavour"] == 1


def test_axes_of_matplotlib(fit):
    matplotlib = pytest.importorskip("matplotlib", reason="optional")
    matplotlib.use("agg")
    axes = fit.plot()
    assert len(axes.lines) == len(fit.flavours)
    assert fit["g"].plot(level=0.95, ax=axes) is axes
    assert len(axes.lines) == len(fit.flavours) + len(fit) + 1  # one function has its replicas
    np.testing.assert_array_equal(axes.lines[-1].get_ydata(), fit["g"].mean())
    assert [text.get_text() for text in axes.get_legend().texts][-1] == f"g, {fit.folder.name}"
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) > len(
        fit.flavours
    )
    assert axes.get_xscale() == "log"
    axes.figure.canvas.draw()


def test_data_that_measure_a_function(tmp_path, registry):
    """Found among data that only depend on it, and drawn with it."""
    x, tables = np.linspace(0.1, 0.9, 9), np.eye(9)[:, None, :]
    own = toy_dataset("A", 9)
    one = replace(own, x_grid=x, flavours=("f",), tables=(tables,), kinematics={"x": x})
    other = toy_dataset("BB", 5)
    other = replace(other, flavours=("f",), tables=(other.tables[0][:, :1],))
    fit = replicafit.load_fit(write_fit(tmp_path / "fit", stack([other, one]), registry))
    found = fit.measured
    assert list(found) == ["f"]
    np.testing.assert_array_equal(found["f"].x, x)
    np.testing.assert_array_equal(found["f"].values, own.central)
    pytest.importorskip("matplotlib", reason="optional")
    axes = fit.plot()
    assert axes.get_xscale() == "linear"
    points = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 9]
    np.testing.assert_array_equal(points, [x])


@pytest.mark.parametrize(
    ("library", "method"),
    [("pandas", "to_pandas"), ("xarray", "to_xarray"), ("matplotlib.pyplot", "plot")],
)
def test_a_missing_library_is_named(fit, monkeypatch, library, method):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=f"pip install {library.partition('.')[0]}$"):
        getattr(fit, method)()


def test_what_notebooks_show(fit):
    shown = fit._repr_html_()
    assert "4 replicas (4 stopped), 1 refused" in shown
    assert shown.startswith("<table>")
    assert "4 replicas" in repr(fit)


def test_a_fit_is_saved_elsewhere(fit, tmp_path):
    saved = fit.save(tmp_path / "kept" / "here")
    assert saved.folder == tmp_path / "kept" / "here"
    np.testing.assert_array_equal(replicafit.load_fit(saved.folder).values, fit.values)
    with pytest.raises(OutputError, match="already holds a fit"):
        fit.save(saved.folder)


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
    with pytest.raises(OutputError, match=r"run\.json' is a file. Give the folder"):
        replicafit.load_fit(tmp_path / "run.json")
    bare = write_fit(tmp_path / "bare", toy_data, registry, [1], exporters=EXPORTERS[1:])
    with pytest.raises(OutputError, match=r"without function\.npz"):
        replicafit.load_fit(bare)
    few = replicafit.load_fit(write_fit(tmp_path / "few", toy_data, registry, [1], (1, 1)))
    (few.folder / "measured.npz").unlink()
    with pytest.raises(OutputError, match=r"no measured\.npz"):
        few.predictions("A")
    whole = write_fit(tmp_path / "whole", toy_data, registry, [1])
    file = whole / "replicas" / "replica_0001" / "function.npz"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(OutputError, match="damaged"):
        replicafit.load_fit(whole)
