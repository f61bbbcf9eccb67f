"""The hook and the description, as replicafit uses them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pluggy
import pytest
import replicafit_lhapdf
from commands import call
from replicafit_lhapdf import read_set
from replicafit_pdf.evolution_basis import DGLAP

import replicafit
from replicafit.components import Evolution, Exporter, hookspecs
from replicafit.errors import OutputError


def test_hook_returns_the_exporter() -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(replicafit_lhapdf)
    [[only]] = manager.hook.replicafit_exporters()
    assert isinstance(only, Exporter)
    assert (only.name, only.write, only.needs) == ("lhapdf", None, ("function",))
    assert only.summary


def test_hook_returns_the_evolution() -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(replicafit_lhapdf)
    [[only]] = manager.hook.replicafit_evolutions()
    assert isinstance(only, Evolution)
    assert only.name == DGLAP


def test_import_is_cheap() -> None:
    """Listing plugins loads neither Keras nor what only the evolution needs."""
    heavy = ("keras", "tensorflow", "hoppet", "neopdf", "eko", "scipy")
    code = f"import sys, replicafit_lhapdf; print([m for m in {heavy} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


CARD = """
data: {datasets: [{type: csv, path: toy.csv, name: TOY, error: error, q0: Q0}]}
model: {flavours: [f], layers: [{type: x}, {type: multi_dense, units: 1}]}
export: [function, lhapdf]
theory: {m_charm: 2.0}
"""


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A runcard that would be fitted at q0 = 1.65 GeV, below its charm."""
    (tmp_path / "toy.csv").write_text("x,y,error\n0.1,1,0.1\n0.2,2,0.1\n0.3,3,0.1\n0.4,3,0.1\n")
    file = tmp_path / "toy.yml"
    file.write_text(CARD.replace("Q0", "1.65"))
    return file


def test_check_finds_a_theory_that_cannot_be_evolved(card: Path) -> None:
    for refusing in (replicafit.check, replicafit.fit):
        with pytest.raises(OutputError, match=r"q0 = 1\.65 GeV.*m_charm \(2\.0 GeV\).*--set"):
            refusing(card)
    assert replicafit.check(card, settings={"theory.m_charm": 1.65}).n_data
    card.write_text(CARD.replace(", q0: Q0", ""))
    with pytest.raises(OutputError, match=r"no scale q0.*From the exporter 'lhapdf'"):
        replicafit.check(card)


def test_another_theory_can_be_given_afterwards(card: Path, toy: SimpleNamespace) -> None:
    """Charm that begins exactly at q0 included; other keys would be of another fit."""
    pytest.importorskip("hoppet", reason="hoppet, which evolves, is not installed")
    folder = toy.write(card.parent / "fit", m_charm=2.0)
    run = json.loads((folder / "run.json").read_text())
    full = replicafit.check(card, settings={"theory.m_charm": 1.0, "training.max_steps": 7})
    theory = {**full.runcard["theory"], "m_charm": 2.0}
    run["runcard"] = {**full.runcard, "theory": theory}
    (folder / "run.json").write_text(json.dumps(run))
    asked = ("export", "fit", "--format", "lhapdf", "--set")
    code, _, err = call(*asked, "theory.alpha_s=0.119", cwd=card.parent)
    assert code == 2
    assert "--set theory.m_charm=1.51" in " ".join(err.split())
    code, _, err = call(*asked, "training.max_steps=3", cwd=card.parent)
    assert code == 2
    assert "would change the fit" in err
    code, _, err = call(*asked, "theory.m_charm=1.65", cwd=card.parent)
    assert code == 0, err
    written = read_set(folder / "lhapdf" / "fit")
    assert written.info["MCharm"] == 1.65
    assert written.info["ReplicafitRuncard"] == run["hash"]
    at_q0 = written.member(1)(toy.x[-9:-1], 1.65)
    assert np.isfinite(at_q0).all()
