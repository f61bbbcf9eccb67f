"""Other scales: what pages show of them, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import replicafit_lhapdf
import replicafit_pdf
from fit_folder import write_fit
from replicafit_pdf.evolution_basis import DGLAP
from replicafit_pdf.report_sections import SYMBOLS
from replicafit_report.comparison import write_comparison
from replicafit_report.page import write_report
from replicafit_report.sides import fit_side, side_beside

from replicafit.data import stack
from replicafit.errors import DataError, OutputError, PluginError
from replicafit.plugin import Evolution, Registry, StartingFunctions
from replicafit.plugins import Plugin

HIGHEST, EVOLUTION = 1000.0, tuple(SYMBOLS)
SECTIONS = (
    *replicafit_pdf.replicafit_report_sections(),
    *replicafit_lhapdf.replicafit_report_sections(),
)


def grow(start: StartingFunctions, scales: tuple[float, ...]) -> np.ndarray:
    """A toy evolution: functions grow as the scale does."""
    if max(scales) > HIGHEST:
        raise OutputError(f"nothing is known above {HIGHEST:g} GeV")
    values = np.zeros((*start.values.shape[:2], len(EVOLUTION)))
    for name in EVOLUTION:
        kind = name if name in start.flavours else "v" if name[0] == "v" else "sigma"
        values[..., EVOLUTION.index(name)] = start.values[..., start.flavours.index(kind)]
    return np.stack([values * q / start.attributes["q0"] for q in scales])


def registry_of(*components) -> Registry:
    given = (*components, *SECTIONS, *replicafit_lhapdf.replicafit_function_sources())
    return Registry(plugins=(Plugin("grow", "grow", "0", "grow", given),))


@pytest.fixture(scope="module")
def evolving() -> Registry:
    return registry_of(Evolution(name=DGLAP, evolve=grow, flavours=EVOLUTION))


@pytest.fixture(scope="module")
def fit(tmp_path_factory, toy_data, registry) -> Path:
    return write_fit(tmp_path_factory.mktemp("scales") / "fit", toy_data, registry)


def sections(page: Path) -> list[str]:
    return re.findall(r'<section id="([^"]+)"', page.read_text(encoding="utf-8"))


def write_set(folder: Path, members: int = 5, error_type: str = "replicas") -> Path:
    """An LHAPDF set of up, antiup and gluon from 1 to 100 GeV, all growing with the scale."""
    folder.mkdir()
    info = (
        f"SetDesc: small <set>\nErrorType: {error_type}\nNumMembers: {members}\nFormat: lhagrid1\n"
    )
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
    page = write_report(fit, tmp_path / "without.html", registry=registry_of())
    assert "pip install -e plugins/replicafit-lhapdf" in page.read_text(encoding="utf-8")


def test_what_cannot_be_shown_is_refused(fit, evolving, tmp_path):
    with pytest.raises(PluginError, match=r"pip install -e plugins/replicafit-lhapdf"):
        write_report(fit, tmp_path / "page.html", scales=(10,), registry=Registry())
    with pytest.raises(OutputError, match="nothing is known above"):
        write_report(fit, tmp_path / "page.html", scales=(2 * HIGHEST,), registry=evolving)
    assert not (tmp_path / "page.html").exists()


def test_a_fit_evolves(fit, evolving):
    ours = fit_side(fit, evolving)
    np.testing.assert_array_equal(ours.functions.values, ours.record.sound.values)
    at_165 = ours.at(16.5).of("g")
    np.testing.assert_allclose(at_165, 10 * ours.functions.of("g"))


def test_fits_compare_at_other_scales(fit, evolving, toy_data, registry, tmp_path):
    other = write_fit(tmp_path / "other", toy_data, registry, range(11, 16))
    page = write_comparison([fit, other], tmp_path / "c.html", (50.0,), evolving)
    assert sections(page)[:3] == ["summary", "chi2", "functions"]
    assert {"functions-50", "distances", "distances-50"} <= set(sections(page))
    assert "Distance of x g" in page.read_text(encoding="utf-8")


def test_fits_of_different_scales_compare_at_those_asked_for(
    fit, evolving, toy_data, registry, tmp_path
):
    """They were evolved twice, and called functions at the scale of the first."""
    data = stack([replace(each, attributes={"q0": 3.3}) for each in toy_data.datasets])
    other = write_fit(tmp_path / "other", data, registry)
    page = write_comparison([fit, other], tmp_path / "c.html", (10.0, 50.0), evolving)
    assert [s for s in sections(page) if "functions" in s] == ["functions", "functions-50"]
    words = page.read_text(encoding="utf-8")
    assert "Functions at Q = 10 GeV" in words
    assert "Q₀" not in words
    evolved = side_beside(other, evolving, {"q0": 6.6})
    np.testing.assert_allclose(evolved.at(33.0).of("g"), 5 * evolved.functions.of("g"))


def test_a_set_interpolates(evolving, tmp_path):
    found = side_beside(write_set(tmp_path / "small"), evolving, {"q0": 10.0}).functions
    gluon = found.values[..., EVOLUTION.index("g")]
    expected = 3 * 10 * np.outer(1 + 0.1 * np.arange(1, 5), 1 - found.x)
    np.testing.assert_allclose(gluon, expected, rtol=1e-3, atol=1e-3)


def test_fits_and_sets_side_by_side(fit, evolving, tmp_path):
    other = write_set(tmp_path / "small")
    page = write_comparison([fit, other], tmp_path / "c.html", (), evolving)
    assert sections(page) == ["summary", "chi2", "functions", "distances", "provenance"]
    words = page.read_text(encoding="utf-8")
    assert "small &lt;set&gt;" in words
    assert "Distance of x g" in words
    page = write_report(fit, tmp_path / "r.html", other, registry=evolving)
    assert "small: mean and 68 %" in page.read_text(encoding="utf-8")


def test_sets_that_cannot_be_compared(fit, evolving, tmp_path):
    one, two = write_set(tmp_path / "one"), write_set(tmp_path / "two")
    with pytest.raises(OutputError, match="--at-q 100"):
        write_comparison([one, two], tmp_path / "c.html", (), evolving)
    page = write_comparison([one, two], tmp_path / "c.html", (10.0,), evolving)
    assert sections(page)[1] == "functions"
    assert "Functions at Q = 10 GeV" in page.read_text(encoding="utf-8")
    hessian = write_set(tmp_path / "hessian", error_type="hessian")
    with pytest.raises(OutputError, match="ErrorType hessian"):
        write_comparison([fit, hessian], tmp_path / "c.html", (), evolving)
    (two / "two_0003.dat").unlink()
    with pytest.raises(DataError, match="no member 3"):
        write_comparison([fit, two], tmp_path / "c.html", (), evolving)
