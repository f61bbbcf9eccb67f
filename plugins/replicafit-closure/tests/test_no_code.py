"""Reading a fit runs nothing that its folder names."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

import pytest
from fit_folder import write_fit
from local_plugin import LOCAL
from replicafit_report.comparison import write_comparison
from replicafit_report.page import write_report

from replicafit import load_fit
from replicafit.data.known_functions import known_function
from replicafit.errors import OutputError, PluginError, ReplicafitError
from replicafit.plugins import with_files
from replicafit.results.folder import FitFolder

CARD = {
    "title": "of a stranger",
    "plugins": ["my_layers.py"],
    "data": {
        "datasets": [{"type": "file", "path": "A.npz"}],
        "closure": {"truth": "toy_les_houches", "level": 0},
    },
    "model": {"layers": [{"type": "triple"}]},
    "replicas": [1, 5],
}


@pytest.fixture
def strange(tmp_path, toy_data, registry):
    """A fit whose run.json names code that leaves a mark when it runs."""
    fit = write_fit(tmp_path / "fit", toy_data, registry)
    mark = tmp_path / "mark"
    code = f"from pathlib import Path\nPath({str(mark)!r}).touch()\n{LOCAL}"
    for place in (tmp_path, fit):
        (place / "my_layers.py").write_text(code)
    run = json.loads((fit / "run.json").read_text())
    run |= {"runcard": CARD, "runcard_folder": str(tmp_path)}
    run["plugins"]["my_layers"] = {"distribution": "my_layers.py", "sha256": "0" * 64}
    (fit / "run.json").write_text(json.dumps(run))
    return fit, mark


def test_no_reader_imports_what_a_fit_names(strange, registry, tmp_path, monkeypatch):
    fit, mark = strange
    monkeypatch.chdir(fit)
    assert len(load_fit(fit)) == 5
    known_function(str(fit), fit, {}, registry)
    with suppress(ReplicafitError):
        write_report(fit, tmp_path / "report.html", None, (), registry, None)
    with suppress(ReplicafitError):
        write_comparison((fit, fit), tmp_path / "comparison.html", (), registry)
    with pytest.raises(OutputError, match=r"my_layers\.py. Reading a fit runs no code"):
        FitFolder(fit).setup(registry)
    assert not mark.exists()


def test_a_file_that_is_given_runs_only_if_it_is_the_recorded_one(strange, registry, tmp_path):
    fit, mark = strange
    with pytest.raises(PluginError, match="not the one that the fit was made with"):
        FitFolder(fit).setup(registry, [tmp_path / "my_layers.py"])
    assert not mark.exists()
    with_files(registry, ["my_layers.py"], tmp_path)
    sys.modules.pop("my_layers")
    assert mark.exists()
