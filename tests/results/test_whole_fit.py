"""Exporters of whole fits: which replicas they get, and what becomes of their failures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import replicafit
from replicafit.components import Exporter, WholeFit
from replicafit.errors import OutputError, PluginError
from replicafit.execution.observers import Observer
from replicafit.plugins import Plugin, Registry
from replicafit.results.folder import FitFolder
from replicafit.runcard import load_setup


def write_numbers(fit: WholeFit) -> Path:
    """An exporter of the whole: the replica numbers as one text file."""
    for done in range(len(fit.numbers)):
        fit.progress(done + 1, len(fit.numbers))
    file = fit.folder / f"{fit.name}.txt"
    file.write_text(" ".join(map(str, fit.numbers)))
    return file


def break_down(fit: WholeFit) -> Path:
    raise RuntimeError("no paper")


NUMBERS = Exporter(name="numbers", finish=write_numbers)

FAILED = "The exporter 'paper' failed for the whole fit: RuntimeError: no paper"


class Seen(Observer):
    """Notes what a fit says."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.warnings: list[str] = []

    def phase(self, what: str) -> None:
        self.phases.append(what)

    def warning(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def folder(tmp_path: Path) -> FitFolder:
    """A fit of five replicas; 2 diverged, 5 is not there yet."""
    fit = FitFolder(tmp_path / "fit")
    for number, status in enumerate(("stopped", "diverged", "completed", "stopped"), start=1):
        fit.replica(number).mkdir(parents=True)
        text = json.dumps({"number": number, "status": status})
        (fit.replica(number) / "result.json").write_text(text)
    note(fit)
    return fit


def note(fit: FitFolder, **keys: object) -> None:
    fit.run_file.write_text(json.dumps({"runcard": {"replicas": [1, 5]}, **keys}))


def ignore(done: int, total: int) -> None:
    """Nobody looks at the progress."""


def test_all_that_did_not_diverge_are_exported(folder):
    told: list[tuple[int, int]] = []
    written = folder.export(NUMBERS, None, lambda done, total: told.append((done, total)))
    assert written == folder.path / "fit.txt"
    assert written.read_text() == "1 3 4"
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert not folder.complete()


def test_a_selection_and_a_name_are_obeyed(folder):
    note(folder, selection={"selected": [4, 1]})
    assert folder.complete()
    assert folder.export(NUMBERS, "mine", ignore).name == "mine.txt"
    assert (folder.path / "mine.txt").read_text() == "1 4"


def test_a_fit_with_nothing_to_export_says_why(folder, tmp_path):
    note(folder, selection={"selected": []})
    with pytest.raises(OutputError, match="of 4 none is selected"):
        folder.export(NUMBERS, None, ignore)
    with pytest.raises(OutputError, match="holds no fit"):
        FitFolder(tmp_path / "nothing").export(NUMBERS, None, ignore)


def test_at_the_end_of_a_fit_a_failure_is_a_message(folder):
    broken = Exporter(name="paper", finish=break_down)
    assert folder.finish(broken, ignore) == FAILED
    assert folder.finish(NUMBERS, ignore) is None


def test_a_fit_calls_them_at_its_end(toy_card, registry, tmp_path):
    broken = Exporter(name="paper", finish=break_down)
    plugin = Plugin("whole", "whole", "1", "whole", (NUMBERS, broken))
    richer = Registry(plugins=(*registry.plugins, plugin))
    card = toy_card.with_name("whole_fit.yml")
    text = toy_card.read_text().replace("max_steps: 60", "max_steps: 10")
    card.write_text(text + "export: [paper, function, numbers]\n")
    folder, seen = FitFolder(tmp_path / "toy"), Seen()
    setup = load_setup(card, registry=richer)
    assert replicafit.fit(setup, output=folder.path, observer=seen).numbers == (1, 2, 3)
    assert (folder.path / "toy.txt").read_text() == "1 2 3"
    assert seen.warnings[-1] == FAILED  # another test may have computed before, of which it warns
    assert seen.warnings.count(FAILED) == 1
    assert seen.phases[-1] == "Exporting numbers: 3 of 3"
    names = {file.name for file in folder.replica(1).iterdir()}
    assert names == {"result.json", "function.npz"}


def test_an_exporter_must_do_something():
    with pytest.raises(PluginError, match="'idle' needs write, finish or both"):
        Exporter(name="idle")
