"""Sets are read as LHAPDF reads them, and what cannot be read is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from replicafit_lhapdf import read_set
from replicafit_lhapdf.reading import hermite_weights, read_at_scale
from replicafit_pdf.evolution_basis import EVOLUTION, PARTONS

from replicafit.data.known_functions import known_function, on_flavours
from replicafit.errors import DataError
from replicafit.plugins import Registry

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


def test_a_set_bears_its_name_whatever_its_folder_is_called(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "small").rename(tmp_path / "5f3a")
    link = tmp_path / "small"
    link.symlink_to(folder)
    for path in (folder, link):
        assert read_set(path).member(0).head == {"PdfType": "central"}


def test_an_author_in_latin_1_damages_nothing(tmp_path: Path) -> None:
    folder = small_set(tmp_path / "small")
    folder.joinpath("small.info").write_bytes(f"Authors: Müller\n{INFO}".encode("latin-1"))
    assert len(read_set(folder)) == 2


@pytest.mark.parametrize(
    "line", ["NumMembers: many", "NumMembers: [2]", "Date: 2020-99-99", "A: " + "[" * 5000]
)
def test_an_info_that_says_nothing_of_use(tmp_path: Path, line: str) -> None:
    folder = small_set(tmp_path / "small")
    without = INFO.removesuffix("NumMembers: 2\n") if line.startswith("Num") else INFO
    folder.joinpath("small.info").write_text(f"{without}{line}\n")
    with pytest.raises(DataError, match=r"small\.info' (is damaged|does not describe)"):
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


# As known functions of a fit


def lhapdf_member(scales: tuple[tuple[float, ...], ...], first_x: tuple[int, ...] = (0, 0)) -> str:
    """One member whose functions are linear in log q^2, and as smooth in x as can be told.

    Subgrid i begins at knot ``first_x[i]``.
    """
    text = "PdfType: central\nFormat: lhagrid1\n---\n"
    for part, first in zip(scales, first_x, strict=False):
        values = (np.log(x) * np.log(q) * np.array([1, 2, 3]) for x in X[first:] for q in part)
        rows = [" ".join(f"{value:.16e}" for value in each) for each in values]
        knots = " ".join(f"{x:.16e}" for x in X[first:])
        text += "\n".join([knots, " ".join(map(str, part)), "-1 2 21", *rows, "---\n"])
    return text


TWO = ((1.65, 2.0, 3.0, 4.0, 4.92), (4.92, 8.0, 20.0, 50.0))


@pytest.mark.parametrize("q0", [1.65, 2.3, 4.92, 50.0, 1.65 * (1 - 1e-9), 50.0 * (1 + 1e-9)])
@pytest.mark.parametrize("name", [".", "set_0000.dat", "set.info"])
def test_a_member_is_known_to_fits(
    tmp_path: Path, registry: Registry, q0: float, name: str
) -> None:
    (tmp_path / "set_0000.dat").write_text(lhapdf_member(TWO))
    (tmp_path / "set.info").write_text(INFO)
    function = known_function(name, tmp_path, {"q0": q0}, registry)
    x = np.array([2e-4, 3e-3, 0.2, 1.0 + 1e-12])
    values = on_flavours(function, x, ("g", "sigma", "v", "t3"), registry)
    expected = (np.log(x) * np.log(q0))[:, None] * np.array([3, 3, 1, 1])
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["my.info", "my.dat", "b"])
def test_a_folder_may_have_any_name(tmp_path: Path, registry: Registry, name: str) -> None:
    """And hold another set, which is not taken for it."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "a_0000.dat").write_text(lhapdf_member(TWO[1:]))
    (tmp_path / name / f"{name}_0000.dat").write_text(lhapdf_member(TWO))
    assert len(known_function(name, tmp_path, {"q0": 2.0}, registry)(X)) == len(X)


def test_what_a_member_does_not_have(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "set_0000.dat").write_text(lhapdf_member(TWO[:1]))
    with pytest.raises(DataError, match=r"q0 = 1\.0 GeV is outside .* 1\.65 to 4\.92 GeV"):
        known_function("set_0000.dat", tmp_path, {"q0": 1.0}, registry)
    with pytest.raises(DataError, match="name no scale q0"):
        known_function("set_0000.dat", tmp_path, {}, registry)
    with pytest.raises(DataError, match=r"x must be 0\.0001 to 1; given: 1e-05"):
        known_function(".", tmp_path, {"q0": 2.0}, registry)(np.array([1e-5, 0.1]))
    (tmp_path / "f.dat").write_text("no grid")
    with pytest.raises(DataError, match="no LHAPDF member"):
        known_function("f.dat", tmp_path, {"q0": 1.65}, registry)
    with pytest.raises(DataError, match="no LHAPDF member at"):
        known_function("set_0007.dat", tmp_path, {"q0": 1.65}, registry)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (lhapdf_member((TWO[0], (6.0, 8.0, 20.0))), "does not begin at the Q"),
        (lhapdf_member((TWO[0], (4.0, 8.0, 20.0))), "does not begin at the Q"),
        (lhapdf_member(TWO[::-1]), "does not begin at the Q"),
        (lhapdf_member(TWO).replace(f"{np.log(X[1]) * np.log(2.0):.16e}", "nan"), "not finite"),
        (lhapdf_member(TWO).replace(f"{X[3]:.16e}", "nan"), "knots of a subgrid do not rise"),
        (lhapdf_member(TWO).replace(f"{X[0]:.16e}", "0"), "knots of a subgrid do not rise"),
        (lhapdf_member(TWO).replace("-1 2 21", "-1 2 2"), "a parton twice"),
    ],
)
def test_numbers_that_cannot_be_a_grid(
    tmp_path: Path, registry: Registry, text: str, words: str
) -> None:
    (tmp_path / "set_0000.dat").write_text(text)
    with pytest.raises(DataError, match=f"damaged.*{words}"):
        known_function(".", tmp_path, {"q0": 10.0}, registry)


def test_each_subgrid_has_its_own_x(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "set_0000.dat").write_text(lhapdf_member(TWO, first_x=(0, 4)))
    at = X[2:3]
    assert np.isfinite(known_function(".", tmp_path, {"q0": 2.0}, registry)(at)).all()
    with pytest.raises(DataError, match=r"x must be 0\.01 to 1; given: 0\.001"):
        known_function(".", tmp_path, {"q0": 10.0}, registry)(at)


@pytest.mark.parametrize(
    ("kind", "count"), [("replicas", 7), ("replicas+as", 5), ("replicas+as*mc+#x", 2)]
)
def test_replicas_are_those_of_one_coupling(tmp_path: Path, kind: str, count: int) -> None:
    for number in range(8):
        (tmp_path / f"set_{number:04d}.dat").write_text(lhapdf_member(TWO))
    info = f"Format: lhagrid1\nNumMembers: 8\nErrorType: {kind}\n"
    (tmp_path / "set.info").write_text(info)
    found = read_at_scale(".", tmp_path, {"q0": 2.0})
    assert found.replicas().shape == (count, len(X), len(EVOLUTION))


def test_a_member_without_an_info_tells_nothing_of_itself(tmp_path: Path) -> None:
    (tmp_path / "set_0000.dat").write_text(lhapdf_member(TWO))
    found = read_at_scale("set_0000.dat", tmp_path, {"q0": 2.0})
    assert found.about == {}


@pytest.mark.parametrize("member", [0, 1, 2])
def test_nnpdf40_on_the_grid_of_tables(reference: Path, registry: Registry, member: int) -> None:
    """Within 1e-6 of LHAPDF's own values."""
    name = f"NNPDF40_nnlo_as_01180_000{member}.dat"
    function = known_function(name, reference, {"q0": 1.65}, registry)
    with np.load(reference.parents[1] / "dis" / "nnpdf40_golden.npz") as golden:
        flavours = tuple(map(str, golden["flavours"]))
        values = on_flavours(function, golden["x_grid"], flavours, registry)
        expected = golden[f"xf_member_{member}"].T
    assert (np.abs(values - expected).max(axis=0) < 1e-6 * np.abs(expected).max(axis=0)).all()
