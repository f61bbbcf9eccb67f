"""Known functions: the toy PDF, tables, fits, LHAPDF grids."""

from __future__ import annotations

import json

import numpy as np
import pytest
from replicafit_pdf.quarks import EVOLUTION, evolution_from_quarks
from replicafit_pdf.toy import ToyLesHouches
from scipy.integrate import quad

from replicafit.data.known_functions import StoredFunction, known_function, on_flavours
from replicafit.errors import DataError

X = np.geomspace(1e-5, 1, 120)


def smooth(x, q0=1.65):
    powers = np.array([0.8, -0.1])
    return x[:, None] ** powers * (1 - x[:, None]) ** 3 * q0


def write(path, values=None, x=X, flavours=("sigma", "v"), q0=1.65):
    values = smooth(x) if values is None else values
    np.savez(path, x=x, flavours=np.array(flavours), values=values, q0=q0)


def test_toy_sum_rules():
    toy = ToyLesHouches(1.65)

    def integral(flavour, power):
        column = toy.flavours.index(flavour)
        return quad(lambda t: float(toy(np.array([t**8]))[0, column]) * 8 * t**power, 0, 1)[0]

    assert integral("sigma", 7) + integral("g", 7) == pytest.approx(1, abs=1e-5)
    assert [integral(f, -1) for f in ("v", "v3", "v8")] == pytest.approx([3, 1, 3], abs=1e-5)


def test_toy_has_no_charm():
    values = on_flavours(ToyLesHouches(1.65), X, ("sigma", "t15", "v", "v15"))
    np.testing.assert_allclose(values[:, 0], values[:, 1])
    np.testing.assert_allclose(values[:, 2], values[:, 3])


def test_evolution_basis_of_single_quarks():
    """An up quark, and a charm with an anticharm."""
    one = np.ones(1)
    up = dict(zip(EVOLUTION, evolution_from_quarks({2: one})[0], strict=True))
    assert (up["sigma"], up["v"], up["t3"], up["v3"], up["t8"], up["g"]) == (1, 1, 1, 1, 1, 0)
    charm = dict(zip(EVOLUTION, evolution_from_quarks({4: one, -4: one})[0], strict=True))
    assert (charm["sigma"], charm["v"], charm["t8"], charm["t15"], charm["t24"]) == (2, 0, 0, -6, 2)


def test_a_table_is_interpolated(tmp_path):
    write(tmp_path / "f.npz")
    function = known_function("f.npz", tmp_path, 1.65)
    between = np.sqrt(X[:-1] * X[1:])[:-4]
    np.testing.assert_allclose(function(X), smooth(X), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(function(between), smooth(between), rtol=1e-3)
    # v15 follows v, as for fitted functions
    np.testing.assert_array_equal(on_flavours(function, X, ("v15",))[:, 0], function(X)[:, 1])


def test_a_fit_is_the_mean_of_its_good_replicas(tmp_path):
    for number, status in ((1, "stopped"), (2, "completed"), (3, "diverged")):
        folder = tmp_path / "fit" / "replicas" / f"replica_{number:04d}"
        folder.mkdir(parents=True)
        write(folder / "function.npz", smooth(X) * (number if number < 3 else np.nan_to_num(1e9)))
        (folder / "result.json").write_text(json.dumps({"status": status}))
    function = known_function("fit", tmp_path, 1.65)
    np.testing.assert_allclose(function.values, 1.5 * smooth(X))
    run_file = tmp_path / "fit" / "run.json"
    run_file.write_text(json.dumps({"selection": None}))
    np.testing.assert_allclose(known_function("fit", tmp_path, 1.65).values, 1.5 * smooth(X))
    run_file.write_text(json.dumps({"selection": {"selected": [2]}}))
    np.testing.assert_allclose(known_function("fit", tmp_path, 1.65).values, 2 * smooth(X))
    run_file.write_text("{")
    with pytest.raises(DataError, match=r"run\.json' is damaged"):
        known_function("fit", tmp_path, 1.65)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"q0": 1.0}, r"q0 = 1\.0 GeV, but .* 1\.65 GeV"),
        ({"x": X[::-1]}, "x must ascend"),
        ({"values": np.full((120, 2), np.nan)}, "finite numbers of shape"),
        ({"values": np.ones((3, 2))}, r"\(120, 2\); their shape is \(3, 2\)"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, change, words):
    write(tmp_path / "f.npz", **change)
    with pytest.raises(DataError, match=words):
        known_function("f.npz", tmp_path, 1.65)


def test_names_that_lead_nowhere(tmp_path):
    with pytest.raises(DataError, match=r"Give the folder of a fit.*toy_les_houches"):
        known_function("toy_les_houche", tmp_path, 1.65)
    with pytest.raises(DataError, match="neither a fit"):
        known_function(".", tmp_path, 1.65)
    (tmp_path / "f.npz").write_text("no archive")
    with pytest.raises(DataError, match="no stored function"):
        known_function("f.npz", tmp_path, 1.65)
    (tmp_path / "f.dat").write_text("no grid")
    with pytest.raises(DataError, match="no LHAPDF member"):
        known_function("f.dat", tmp_path, 1.65)


def test_a_flavour_that_is_not_determined(tmp_path):
    write(tmp_path / "f.npz")
    with pytest.raises(DataError, match="The tables need g, t8, which a function of sigma, v"):
        on_flavours(known_function("f.npz", tmp_path, 1.65), X, ("g", "sigma", "t8"))


def test_x_outside_the_table(tmp_path):
    write(tmp_path / "f.npz")
    with pytest.raises(DataError, match="does not reach"):
        known_function("f.npz", tmp_path, 1.65)(np.array([1e-6, 0.1]))


def lhapdf_member(scales):
    """One member with two subgrids, whose functions are linear in log q^2."""
    text = "PdfType: central\nFormat: lhagrid1\n---\n"
    for part in scales:
        rows = [
            " ".join(f"{k * smooth(np.array([x]), np.log(q))[0, 0]:.16e}" for k in (1, 2, 3))
            for x in X
            for q in part
        ]
        knots = " ".join(f"{x:.16e}" for x in X)
        text += "\n".join([knots, " ".join(map(str, part)), "-1 2 21", *rows, "---\n"])
    return text


@pytest.mark.parametrize("q0", [1.65, 2.3, 4.92, 50.0])
def test_lhapdf_members(tmp_path, q0):
    scales = ((1.65, 2.0, 3.0, 4.0, 4.92), (4.92, 8.0, 20.0, 50.0))
    (tmp_path / "set_0000.dat").write_text(lhapdf_member(scales))
    function = known_function(".", tmp_path, q0)
    values = on_flavours(function, X, ("g", "sigma", "v", "t3"))
    expected = smooth(X, np.log(q0))[:, :1] * np.array([3, 3, 1, 1])
    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-12)


def test_lhapdf_at_a_scale_outside(tmp_path):
    (tmp_path / "set_0000.dat").write_text(lhapdf_member([(1.65, 2.0, 3.0, 4.0)]))
    with pytest.raises(DataError, match=r"q0 = 1.0 GeV is outside .* 1\.65 to 4 GeV"):
        known_function("set_0000.dat", tmp_path, 1.0)


@pytest.mark.parametrize("member", [0, 1, 2])
def test_nnpdf40(reference, member):
    """A real member, interpolated to the grid of the tables, within 5e-5 of LHAPDF's own values."""
    folder = reference / "lhapdf" / "NNPDF40_nnlo_as_01180"
    function = known_function(f"NNPDF40_nnlo_as_01180_000{member}.dat", folder, 1.65)
    with np.load(reference / "dis" / "nnpdf40_golden.npz") as golden:
        flavours = tuple(map(str, golden["flavours"]))
        values = on_flavours(function, golden["x_grid"], flavours)
        expected = golden[f"xf_member_{member}"].T
    assert (np.abs(values - expected).max(axis=0) < 5e-5 * np.abs(expected).max(axis=0)).all()


def test_stored_functions_are_frozen():
    function = StoredFunction(X, ("sigma", "v"), smooth(X), 1.65)
    with pytest.raises(AttributeError):
        function.q0 = 2.0
