"""The hook and the description, as replicafit uses them."""

from __future__ import annotations

import subprocess
import sys

import pluggy
import replicafit_lhapdf
from replicafit_pdf.evolution_basis import DGLAP

from replicafit.components import Evolution, Exporter, hookspecs


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
