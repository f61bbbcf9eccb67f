"""The set that is written: its files, its physics, and what others read in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from replicafit_lhapdf import PdfSet, read_set
from replicafit_lhapdf.files import About, Coupling, info_text
from replicafit_pdf.evolution_basis import EVOLUTION, PARTONS, partons_from
from replicafit_pdf.theory import TheorySettings
from scipy.special import roots_legendre

from replicafit.errors import OutputError

SCALES = (1.65, 2.0, 4.9, 4.92, 5.0, 91.2, 1e3, 1e5)
KEYS = (
    *("SetDesc", "SetIndex", "Authors", "Reference", "Format", "DataVersion", "NumMembers"),
    *("Particle", "Flavors", "OrderQCD", "FlavorScheme", "NumFlavors", "ErrorType"),
    *("XMin", "XMax", "QMin", "QMax", "MZ", "ForcePositive"),
    *("MUp", "MDown", "MStrange", "MCharm", "MBottom", "MTop"),
    *("ThresholdUp", "ThresholdDown", "ThresholdStrange"),
    *("ThresholdCharm", "ThresholdBottom", "ThresholdTop"),
    *("AlphaS_MZ", "AlphaS_OrderQCD", "AlphaS_Type", "AlphaS_Qs", "AlphaS_Vals"),
)


def test_info_has_all_keys(toy_set: PdfSet) -> None:
    info = toy_set.info
    assert not [key for key in KEYS if key not in info]
    assert info["NumMembers"] == len(toy_set) == 4
    assert (info["ErrorType"], info["OrderQCD"], info["NumFlavors"]) == ("replicas", 2, 5)
    assert info["Flavors"] == [-5, -4, -3, -2, -1, 21, 1, 2, 3, 4, 5]
    assert (info["MCharm"], info["ThresholdBottom"], info["MTop"]) == (1.51, 4.92, 172.5)
    assert "mem=1-3 => PDF replicas" in info["SetDesc"]
    assert info["ReplicafitRuncard"] == "0" * 64


def test_the_coupling(toy_set: PdfSet) -> None:
    q, values = (np.array(toy_set.info[f"AlphaS_{key}"]) for key in ("Qs", "Vals"))
    knots = np.concatenate([table.q for table in toy_set.member(0).tables])
    np.testing.assert_array_equal(q, knots)
    assert toy_set.info["AlphaS_MZ"] == pytest.approx(0.118, abs=1e-6)
    assert np.interp(np.log(91.1876), np.log(q), values) == pytest.approx(0.118, rel=1e-3)
    assert np.count_nonzero(np.diff(q) == 0) == 1
    inside = np.diff(q) > 0
    assert (np.diff(values)[inside] < 0).all()
    [jump] = (values[1:] / values[:-1])[~inside]
    assert jump == pytest.approx(1, abs=2e-3)  # matching at a pole mass, second order


def test_members_are_the_mean_and_the_replicas_that_did_not_diverge(
    toy_set: PdfSet, toy: SimpleNamespace
) -> None:
    heads = [member.head for member in toy_set]
    assert [head["PdfType"] for head in heads] == ["central", "replica", "replica", "replica"]
    assert [head.get("FromMCReplica") for head in heads] == [None, *toy.good]
    files = sorted(file.name for file in toy_set.folder.iterdir())
    assert files == ["toy.info", *(f"toy_{m:04d}.dat" for m in range(4))]
    assert {file.stat().st_mode & 0o444 for file in toy_set.folder.iterdir()} == {0o444}
    central, *others = (member.tables for member in toy_set)
    for tables in zip(central, *others, strict=True):
        average = np.mean([table.values for table in tables[1:]], axis=0)
        np.testing.assert_allclose(tables[0].values, average, rtol=3e-7, atol=1e-9)


@pytest.mark.parametrize("member", [0, 1, 2, 3])
def test_at_q0_it_is_the_fitted_function(
    toy_set: PdfSet, toy: SimpleNamespace, member: int
) -> None:
    numbers = toy.good if member == 0 else toy.good[member - 1 : member]

    def function(x: np.ndarray) -> np.ndarray:
        values: np.ndarray = np.mean([toy.functions(x, number) for number in numbers], axis=0)
        return values

    partons = function(toy.x) @ partons_from(toy.flavours)
    found = toy_set.member(member).partons(toy.x, toy.q0)
    np.testing.assert_allclose(found, partons, rtol=1e-8, atol=1e-10)
    x = np.geomspace(1.5e-9, 0.99, 997)
    expected = function(x)
    large = np.abs(expected) > 1e-3
    columns = [EVOLUTION.index(flavour) for flavour in toy.flavours]
    found = toy_set.member(member)(x, toy.q0)[:, columns]
    np.testing.assert_allclose(found[large], expected[large], rtol=3e-4)
    assert np.quantile(np.abs(found[large] / expected[large] - 1), 0.999) < 1e-4
    np.testing.assert_allclose(found[~large], expected[~large], atol=2e-6)


@pytest.mark.parametrize("q", SCALES)
def test_sum_rules_hold_at_every_scale(toy_set: PdfSet, toy: SimpleNamespace, q: float) -> None:
    nodes, weights = roots_legendre(1000)
    y = (nodes + 1) / 2 * np.log(1e9)
    x, step = np.exp(-y), weights * np.log(1e9) / 2
    for member in toy_set:
        values = dict(zip(member.flavours, member(x, q).T, strict=True))
        initial = dict(zip(member.flavours, member(x, toy.q0).T, strict=True))
        momentum, before = ((step * x) @ (v["sigma"] + v["g"]) for v in (values, initial))
        assert before == pytest.approx(1, abs=2e-3)  # of the toy
        assert momentum == pytest.approx(before, abs=1e-4)
        for flavour, content in (("v", 3), ("v3", 1), ("v8", 3)):
            assert step @ values[flavour] == pytest.approx(content, rel=1e-3)


def test_bottom_begins_at_its_threshold(toy_set: PdfSet) -> None:
    x = np.geomspace(1e-5, 0.5, 20)
    bottom = PARTONS.index(5)
    below, above = toy_set.member(1).tables
    assert not below.values[:, :, bottom].any()
    assert (toy_set.member(1).partons(x, 10.0)[:, bottom] > 0).all()
    light = [k for k, pid in enumerate(PARTONS) if abs(pid) in (1, 2)]
    np.testing.assert_allclose(
        below(x, 4.92)[:, light], above(x, 4.92)[:, light], rtol=5e-3
    )  # matching begins at second order


def test_neopdf_reads_the_same(toy_set: PdfSet) -> None:
    pytest.importorskip("neopdf", reason="neopdf-hep, which reads sets, is not installed")
    from neopdf.pdf import PDF

    x = np.geomspace(1.5e-9, 0.99, 101)
    pids = toy_set.info["Flavors"]
    columns = [PARTONS.index(pid) for pid in pids]
    for number, ours in enumerate(toy_set):
        theirs = PDF.mkPDF_lhapdf_file(str(toy_set.folder / f"toy_{number:04d}.dat"))
        for q in (1.6500001, 3.0, 10.0, 9e4):
            found = np.array(theirs.xfxQ2s(pids, x.tolist(), [q**2])).T
            np.testing.assert_allclose(
                ours.partons(x, q)[:, columns], found, rtol=1e-10, atol=1e-12
            )
    assert theirs.alphasQ2(100.0**2) == pytest.approx(0.1164, abs=1e-4)


def test_neopdf_opens_the_set_by_name(toy_set: PdfSet) -> None:
    pytest.importorskip("neopdf", reason="neopdf-hep, which reads sets, is not installed")
    code = (
        "import neopdf\n"
        "members = neopdf.mkPDFs('toy')\n"
        "print(len(members), members[2].xfxQ2(21, 0.1, 100.0))"
    )
    environment = {**os.environ, "NEOPDF_DATA_PATH": str(toy_set.folder.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    count, gluon = done.stdout.split()
    assert count == "4"
    expected = toy_set.member(2).partons(0.1, 10.0)[0, PARTONS.index(21)]
    assert float(gluon) == pytest.approx(expected, rel=1e-10)


def test_selection_order_flavours_and_coupling_are_obeyed(
    tmp_path: Path, toy: SimpleNamespace
) -> None:
    pytest.importorskip("hoppet", reason="hoppet, which evolves, is not installed")
    theory = {"order": "lo", "alpha_s": 0.13, "max_flavours": 6, "m_bottom": 4.0}
    folder = toy.write(tmp_path / "other", **theory)
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**run, "selection": {"selected": [4]}}))
    written = toy.export(folder, "chosen_1.0")
    assert written == folder / "lhapdf" / "chosen_1.0"
    ours = read_set(written)
    assert len(ours) == 2
    assert ours.member(1).head["FromMCReplica"] == 4
    assert (ours.info["OrderQCD"], ours.info["NumFlavors"]) == (0, 6)
    assert [table.q[0] for table in ours.member(1).tables] == [1.65, 4.0, 172.5]
    assert ours.info["AlphaS_MZ"] == pytest.approx(0.13, abs=1e-6)
    top = ours.member(1).partons([1e-3], 1e4)[0, PARTONS.index(6)]
    assert top > 0
    assert ours.member(1).partons([1e-3], 172.0)[0, PARTONS.index(6)] == 0


@pytest.mark.parametrize("title", ["a fit \U0001f680", 'of "NNPDF": \\ two\nlines'])
def test_any_title_is_in_the_info(title: str) -> None:
    about = About("toy", title, {"Runcard": title})
    coupling = Coupling(np.array([1.65, 10.0]), np.array([0.33, 0.18]), 0.118)
    text = info_text(about, TheorySettings(), coupling, 3)
    info = yaml.safe_load(text)
    assert (info["SetDesc"], info["ReplicafitRuncard"]) == (title, title)
    assert "\\ud83d" not in text  # a half of a letter, which other readers of YAML refuse


POLARISED = (
    {"type": "rotation", "basis": "polarised_evolution"},
    {"type": "sum_rules", "rules": ["t3", "t8"]},
)


@pytest.mark.parametrize("layer", POLARISED, ids=["basis", "sum rules"])
@pytest.mark.parametrize("choice", [False, True])
def test_polarised_functions_are_not_evolved_as_unpolarised_ones(
    tmp_path: Path, toy: SimpleNamespace, layer: object, choice: bool
) -> None:
    folder = toy.write(tmp_path / "fit")
    run = json.loads((folder / "run.json").read_text())
    network = {"layers": [{"type": "x"}, layer]}
    run["runcard"]["model"] = {"choice": [{"layers": []}, network]} if choice else network
    (folder / "run.json").write_text(json.dumps(run))
    with pytest.raises(OutputError, match=r"are polarised.*function\.npz"):
        toy.export(folder)
    assert not list(folder.rglob("*.dat"))


def test_a_coupling_beyond_its_pole_is_told(tmp_path: Path, toy: SimpleNamespace) -> None:
    pytest.importorskip("hoppet", reason="hoppet, which evolves, is not installed")
    folder = toy.write(tmp_path / "fit", alpha_s=0.3)
    with pytest.raises(OutputError, match=r"alpha_s = 0\.3 at m_z = 91.*not small at q0 = 1\.65"):
        toy.export(folder)
    assert not list(folder.rglob("*.dat"))


def test_a_bad_name_is_refused(fit_folder: Path, toy: SimpleNamespace) -> None:
    with pytest.raises(OutputError, match=r"'my fit' cannot be the name.*--name"):
        toy.export(fit_folder, "my fit")
    assert not (fit_folder / "lhapdf" / "my fit").exists()


def test_functions_that_are_missing_or_damaged_are_named(
    tmp_path: Path, toy: SimpleNamespace
) -> None:
    folder = toy.write(tmp_path / "fit")
    file = folder / "replicas" / "replica_0002" / "function.npz"
    np.savez(file, x=toy.x, flavours=np.array(toy.flavours), values=np.ones((5, 9)), q0=toy.q0)
    with pytest.raises(OutputError, match=r"replica_0002.*damaged \(its arrays do not go together"):
        toy.export(folder)
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(OutputError, match=r"replica_0002.*damaged"):
        toy.export(folder)
    file.unlink()
    with pytest.raises(OutputError, match=r"Replica 2 .*without function\.npz"):
        toy.export(folder)
    assert not list((folder).rglob("*.dat"))


def test_several_inputs_are_told_before_a_missing_scale(
    tmp_path: Path, toy: SimpleNamespace
) -> None:
    folder = toy.write(tmp_path / "fit")
    values = np.ones((4, len(toy.flavours)))
    for file in folder.rglob("function.npz"):
        np.savez(file, x=np.full((4, 2), 0.5), flavours=toy.flavours, values=values)
    with pytest.raises(OutputError, match="depend on other inputs"):
        toy.export(folder)


def test_a_theory_that_does_not_fit_is_told_and_leaves_nothing(
    tmp_path: Path, toy: SimpleNamespace
) -> None:
    pytest.importorskip("hoppet", reason="hoppet, which evolves, is not installed")
    folder = toy.write(tmp_path / "fit", m_charm=2.0)
    with pytest.raises(OutputError, match=r"q0 = 1\.65 GeV"):
        toy.export(folder)
    assert not list(folder.rglob("*.dat"))
    assert not list(folder.rglob(".fit*"))
