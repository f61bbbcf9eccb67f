"""Other scales and LHAPDF sets: what pages show of them, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from fit_folder import write_fit
from replicafit_pdf.evolution_basis import EVOLUTION
from replicafit_report.comparison import write_comparison
from replicafit_report.ensemble import Ensemble
from replicafit_report.page import write_report
from replicafit_report.ranges import LINEAR, LOGARITHMIC, around
from replicafit_report.sources import FitSource, SetSource, source

from replicafit.components import DGLAP, Evolution, StartingFunctions
from replicafit.errors import DataError, OutputError, PluginError
from replicafit.plugins import Plugin, Registry

HIGHEST = 1000.0


def grow(start: StartingFunctions, scales: tuple[float, ...]) -> np.ndarray:
    """A toy evolution: functions grow as the scale does."""
    if max(scales) > HIGHEST:
        raise OutputError(f"nothing is known above {HIGHEST:g} GeV")
    values = np.zeros((*start.values.shape[:2], len(EVOLUTION)))
    for name in EVOLUTION:
        kind = name if name in start.flavours else "v" if name[0] == "v" else "sigma"
        values[..., EVOLUTION.index(name)] = start.values[..., start.flavours.index(kind)]
    return np.stack([values * q / start.attributes["q0"] for q in scales])


@pytest.fixture(scope="module")
def evolving() -> Registry:
    components = (Evolution(name=DGLAP, evolve=grow),)
    return Registry(plugins=(Plugin("grow", "grow", "0", "grow", components),))


@pytest.fixture(scope="module")
def fit(tmp_path_factory, toy_data, registry) -> Path:
    return write_fit(tmp_path_factory.mktemp("scales") / "fit", toy_data, registry)


def sections(page: Path) -> list[str]:
    return re.findall(r'<section id="([^"]+)"', page.read_text(encoding="utf-8"))


def write_set(folder: Path, members: int = 5, error_type: str = "replicas") -> Path:
    """An LHAPDF set of up, antiup and gluon from 1 to 100 GeV, all growing with the scale."""
    folder.mkdir()
    info = f"SetDesc: small <set>\nErrorType: {error_type}\nNumMembers: {members}\n"
    (folder / f"{folder.name}.info").write_text(info)
    x, q = np.geomspace(1e-9, 1, 60), np.geomspace(1.0, 100.0, 9)
    for member in range(members):
        rows = [
            " ".join(f"{(1 + 0.1 * member) * n * s * (1 - a):.6e}" for n in (1, 2, 3))
            for a in x
            for s in q
        ]
        head = [" ".join(f"{v:.8e}" for v in x), " ".join(f"{v:.8e}" for v in q), "-2 2 21"]
        text = "\n".join(["PdfType: replica\nFormat: lhagrid1\n---", *head, *rows, "---\n"])
        (folder / f"{folder.name}_{member:04d}.dat").write_text(text)
    return folder


def test_scales_asked_for_have_sections(fit, evolving, tmp_path):
    page = write_report(fit, tmp_path / "page.html", scales=(91.2, 10, 1.65), registry=evolving)
    assert sections(page)[2:5] == ["functions", "functions-10", "functions-91.2"]


def test_without_being_asked_it_shows_100_gev_or_says_why_not(fit, evolving, tmp_path):
    page = write_report(fit, tmp_path / "with.html", registry=evolving)
    assert sections(page)[2:4] == ["functions", "functions-100"]
    page = write_report(fit, tmp_path / "without.html", registry=Registry())
    assert sections(page)[3] == "data"
    assert "pip install replicafit-lhapdf" in page.read_text(encoding="utf-8")


def test_what_cannot_be_shown_is_refused(fit, evolving, tmp_path):
    with pytest.raises(PluginError, match=r"pip install replicafit-lhapdf"):
        write_report(fit, tmp_path / "page.html", scales=(10,), registry=Registry())
    with pytest.raises(OutputError, match="nothing is known above"):
        write_report(fit, tmp_path / "page.html", scales=(2 * HIGHEST,), registry=evolving)
    assert not (tmp_path / "page.html").exists()


def test_a_fit_evolves_and_a_set_interpolates(fit, evolving, tmp_path):
    ours = source(fit, evolving)
    assert isinstance(ours, FitSource)
    np.testing.assert_array_equal(ours.at(ours.q0).values, ours.record.sound.values)
    at_q0, at_165 = ours.at(1.65).values, ours.at(16.5).values[..., EVOLUTION.index("g")]
    np.testing.assert_allclose(at_165, 10 * at_q0[..., ours.fitted.flavours.index("g")])
    theirs = source(write_set(tmp_path / "small"), evolving)
    assert isinstance(theirs, SetSource)
    found = theirs.at(10.0)
    gluon = found.values[..., EVOLUTION.index("g")]
    expected = 3 * 10 * np.outer(1 + 0.1 * np.arange(1, 5), 1 - found.x)
    np.testing.assert_allclose(gluon, expected, rtol=1e-5, atol=1e-5)


def test_fits_and_sets_side_by_side(fit, evolving, tmp_path):
    other = write_set(tmp_path / "small")
    page = write_comparison([fit, other], tmp_path / "c.html")
    assert sections(page) == ["summary", "chi2", "functions", "distances", "provenance"]
    words = page.read_text(encoding="utf-8")
    assert "small &lt;set&gt;" in words
    assert "Distance of x g" in words
    page = write_comparison([other, fit], tmp_path / "c.html", (10.0, 50.0), evolving)
    assert sections(page)[4:6] == ["functions-50", "distances-50"]
    page = write_report(fit, tmp_path / "r.html", other, registry=Registry())
    assert "mean and 68 % of small" in page.read_text(encoding="utf-8")


def test_sets_that_cannot_be_compared(fit, tmp_path):
    one, two = write_set(tmp_path / "one"), write_set(tmp_path / "two")
    with pytest.raises(OutputError, match="--at-q 100"):
        write_comparison([one, two], tmp_path / "c.html")
    assert sections(write_comparison([one, two], tmp_path / "c.html", (10.0,)))[1] == "functions"
    hessian = write_set(tmp_path / "hessian", error_type="hessian")
    with pytest.raises(OutputError, match="ErrorType hessian"):
        write_comparison([fit, hessian], tmp_path / "c.html")
    (two / "two_0003.dat").unlink()
    with pytest.raises(DataError, match=r"two_0003\.dat"):
        write_comparison([fit, two], tmp_path / "c.html")


def test_axes_are_where_the_data_are():
    x = np.unique(np.concatenate([np.geomspace(1e-9, 0.1, 101), np.linspace(0.1, 1, 91)]))
    [linear] = around(x, (0.2, 0.7))
    assert (linear.log, linear.low, linear.high) == (False, pytest.approx(0.18), 0.72)
    assert [over.log for over in around(x, (1e-4, 0.7))] == [False, True]
    for over in (LINEAR, LOGARITHMIC, linear):
        at = over.places(x)
        assert x[at[0]] <= over.low <= x[at[0] + 1]
        assert x[at[-1] - 1] < over.high <= x[at[-1]]
    [beyond] = around(np.linspace(-3, 5, 9), None)
    assert (beyond.low, beyond.high) == (-3, 5)


def test_functions_are_named_for_what_they_are():
    x = np.linspace(0.1, 1, 5)
    assert Ensemble("a", ("sigma", "g"), 1.65, x, np.ones((2, 5, 2))).of_partons
    curve = Ensemble("a", ("height",), 1.0, x, np.ones((2, 5, 1)))
    assert not curve.of_partons
    np.testing.assert_allclose(curve.on(np.array([0.2, 0.3])).values, 1)
