"""The page about a scan says what its scan.json holds."""

from __future__ import annotations

import json

import pytest
import replicafit_scan
from replicafit_report.page import write_report

from replicafit.errors import OutputError
from replicafit.plugin import Registry
from replicafit.plugins import Plugin

SECTIONS = tuple(replicafit_scan.replicafit_report_sections())
REGISTRY = Registry(plugins=(Plugin("scan", "replicafit-scan", "0", "scan", SECTIONS),))


def trial(number, value, **more):
    fold = {"fold": 1, "n_data": 9, "chi2": value, "phi2": 0.25, "statuses": [], "steps": []}
    folds = [{**fold, **more}] if value else []
    values = {"model.layers.1.units": 4 + number, "training.optimizer.learning_rate": 0.00123456}
    state = "complete" if value else "stopped"
    told = {"number": number, "state": state, "value": value, "folds": folds, "values": values}
    return {**told, "rung": None, "reason": ""}


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
    page = write_report(scan, registry=REGISTRY).read_text()
    assert page.index("1.750") < page.index("2.500")
    for told in (
        "<h1>Try &lt;it&gt;</h1>",
        "trials stopped",
        "worst chi2",
        "0.001235",
        "Importance",
        "1: A, BB",
    ):
        assert told in page
    assert page.count("<svg") == 2


def test_without_a_complete_trial(folder):
    page = write_report(folder(trial(0, None)), registry=REGISTRY).read_text()
    assert "No trial is good enough to be the best." in page
    assert "<svg" not in page


def test_failed_trials_are_told_and_not_the_best(folder):
    fold = {"fold": 1, "n_data": 9, "chi2": 0.1, "phi2": 0.1, "statuses": ["completed"] * 2}
    fold |= {"steps": [9, 9], "failed": [["positivity_A"], []]}
    bad = {**trial(3, None), "state": "failed", "folds": [fold]}
    page = write_report(folder(trial(0, 2.5), bad), registry=REGISTRY).read_text()
    assert "positivity_A in 1 of 2 replicas" in page
    assert "The best of 2 trials is number 0: worst chi2" in page


def test_a_page_opens_with_the_best_and_whether_it_is_good(folder):
    """A trial whose own fits are bad is the best only if all are."""
    bad = trial(0, 1.5, fitted=5.5, allowed=1.9)
    page = write_report(folder(bad, trial(1, 2.5, fitted=1.1, allowed=1.9)), registry=REGISTRY)
    text = page.read_text(encoding="utf-8")
    best = "The best of 2 trials is number 1: worst chi2 per datum of the data held out is 2.5."
    assert "Red crosses: those whose own fits are bad." in text
    assert f'<p class="answer good">{best}</p>' in text
    far = folder(trial(1, 9.5, fitted=1.1, allowed=1.9))
    text = write_report(far, registry=REGISTRY).read_text(encoding="utf-8")
    assert "is 9.5. Data held out are not predicted within their errors.</p>" in text
    text = write_report(folder(bad), registry=REGISTRY).read_text(encoding="utf-8")
    assert '<p class="answer bad">The best of 1 trial is number 0' in text
    assert "fitted data is 5.5 without fold 1 (good: to 1.9)" in text


@pytest.mark.parametrize("key", ["title", "objective", "folds", "importances", "trials", None])
def test_unreadable(folder, key):
    file = folder(trial(0, 2.5)) / "scan.json"
    content = json.loads(file.read_text())
    content.pop(key, None)
    file.write_text(json.dumps(content) if key else "[" * 100_000)
    with pytest.raises(OutputError, match=r"scan\.json' cannot be read"):
        write_report(file.parent, registry=REGISTRY)


def test_a_single_replica_has_no_spread(folder):
    def cells(*statuses):
        scan = folder(trial(0, 2.5, statuses=statuses))
        return write_report(scan, registry=REGISTRY).read_text().count("<td>0.250</td>")

    assert (cells("completed"), cells("completed", "completed")) == (0, 1)


def test_what_is_for_fits_is_not_passed_over(folder):
    with pytest.raises(OutputError, match="holds no single fit, which --reference and --at-q"):
        write_report(folder(trial(0, 2.5)), scales=[100.0], registry=REGISTRY)
