"""The page about a scan says what its scan.json holds."""

from __future__ import annotations

import json

import pytest
from replicafit_scan.report import is_scan, write_scan_report

from replicafit.errors import OutputError


def trial(number, value, **more):
    folds = [{"fold": 1, "chi2": value, "phi2": 0.25}] if value else []
    values = {"model.layers.1.units": 4, "training.optimizer.learning_rate": 0.00123456}
    state = "complete" if value else "stopped"
    return {"number": number, "state": state, "value": value, "folds": folds, "values": values}


@pytest.fixture
def folder(tmp_path):
    def write(*trials, **importances):
        content = {
            "title": "Try <it>",
            "objective": "worst",
            "folds": [["A", "BB"]],
            "importances": importances,
            "trials": trials,
        }
        (tmp_path / "scan.json").write_text(json.dumps(content))
        return tmp_path

    return write


def test_page(folder):
    scan = folder(trial(0, 2.5), trial(1, None), trial(2, 1.75), units=0.9, rate=0.1)
    assert is_scan(scan)
    page = write_scan_report(scan).read_text()
    assert page.index("1.750") < page.index("2.500")
    for told in (
        "Try &lt;it&gt;",
        "trials stopped",
        "worst χ²",
        "0.001235",
        "Importance",
        "1: A, BB",
    ):
        assert told in page
    assert page.count("<svg") == 2


def test_without_a_complete_trial(folder):
    page = write_scan_report(folder(trial(0, None))).read_text()
    assert "No trial is complete." in page
    assert "<svg" not in page


def test_unreadable(tmp_path):
    (tmp_path / "scan.json").write_text("{")
    with pytest.raises(OutputError, match="cannot be read"):
        write_scan_report(tmp_path)
