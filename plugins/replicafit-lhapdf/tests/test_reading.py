"""Sets are read as LHAPDF reads them, and what cannot be read is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from replicafit_lhapdf import read_set
from replicafit_lhapdf.flavours import EVOLUTION, PARTONS
from replicafit_lhapdf.reading import hermite_weights

from replicafit.errors import DataError

INFO = "SetDesc: small\nFormat: lhagrid1\nNumMembers: 2\n"
X, Q = np.geomspace(1e-4, 1, 9), np.geomspace(2.0, 50.0, 6)


def small_set(folder: Path) -> Path:
    """Up and gluon only, x f = (1 - x) and ln Q, in two subgrids that repeat each other."""
    folder.mkdir()
    folder.joinpath("small.info").write_text(INFO)
    rows = [f"{1 - x} {np.log(q)}" for x in X for q in Q]
    table = ["---", " ".join(map(str, X)), " ".join(map(str, Q)), "2 21", *rows]
    folder.joinpath("small_0000.dat").write_text("\n".join(["PdfType: central", *table, "---", ""]))
    return folder


def test_a_set_in_the_evolution_basis(tmp_path: Path) -> None:
    member = read_set(small_set(tmp_path / "small")).member(0)
    assert member.flavours == EVOLUTION
    values = dict(zip(EVOLUTION, member(X, 10.0).T, strict=True))
    np.testing.assert_allclose(values["g"], np.log(10), rtol=1e-12)
    for flavour in ("sigma", "v", "t3", "v3", "t8", "v35"):
        np.testing.assert_allclose(values[flavour], 1 - X, atol=1e-14)


def test_weights_are_cubic_and_exact_on_knots() -> None:
    knots = np.linspace(0, 3, 13)
    np.testing.assert_allclose(hermite_weights(knots, knots), np.eye(13), atol=1e-14)
    at = np.linspace(0.3, 2.7, 50)
    weights = hermite_weights(knots, at)
    np.testing.assert_allclose(weights @ knots**2, at**2, atol=1e-13)  # slopes exact inside
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-13)
    assert (np.count_nonzero(np.abs(weights) > 1e-14, axis=1) <= 4).all()


def test_nothing_is_extrapolated(tmp_path: Path) -> None:
    member = read_set(small_set(tmp_path / "small")).member(0)
    for x, q, words in ((0.1, 1.0, "Q must be 2 to 50"), (1e-5, 10.0, "x must be 0.0001 to 1")):
        with pytest.raises(ValueError, match=words):
            member(x, q)


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no LHAPDF set: there is no none\.info"):
        read_set(tmp_path / "none")
    folder = small_set(tmp_path / "small")
    whole = read_set(folder)
    for number in (1, 2, -1):
        with pytest.raises(DataError, match=rf"no member {number}; .* 0 to 1"):
            whole.member(number)
    file = folder / "small_0000.dat"
    file.write_text(file.read_text()[:300])
    with pytest.raises(DataError, match=r"small_0000\.dat' is damaged"):
        whole.member(0)
    folder.joinpath("small.info").write_text("Format: lhagrid2\n")
    with pytest.raises(DataError, match="Format lhagrid1"):
        read_set(folder)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_nnpdf_reads_as_by_neopdf(reference: Path, number: int) -> None:
    pytest.importorskip("neopdf", reason="neopdf-hep, which reads sets, is not installed")
    from neopdf.pdf import PDF

    ours = read_set(reference).member(number)
    theirs = PDF.mkPDF_lhapdf_file(str(reference / f"{reference.name}_{number:04d}.dat"))
    pids = theirs.pids()
    x = np.geomspace(1.01e-9, 0.99, 301)
    for q in (1.66, 4.0, 5.0, 91.2, 5e4):
        found = np.array(theirs.xfxQ2s(pids, x.tolist(), [q**2])).T
        columns = [PARTONS.index(pid) for pid in pids]
        np.testing.assert_allclose(ours.partons(x, q)[:, columns], found, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_nnpdf_is_what_the_golden_functions_say(reference: Path, number: int) -> None:
    file = reference.parents[1] / "dis" / "nnpdf40_golden.npz"
    if not file.is_file():
        pytest.skip("no golden functions beside the LHAPDF set")
    with np.load(file) as golden:
        x, expected = golden["x_grid"], golden[f"xf_member_{number}"].T
        columns = [EVOLUTION.index(str(flavour)) for flavour in golden["flavours"]]
    found = read_set(reference).member(number)(x, 1.65)[:, columns]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
