"""The live view, its lines, and progress.jsonl."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fit_folder import toy_replica
from rich.console import Console

from replicafit.data import ReplicaData
from replicafit.errors import DataError
from replicafit.execution.display import Display, live_view
from replicafit.execution.observers import FitBeginning, Observer, Observers, ProgressLog
from replicafit.results.progress import Tally, replicas_in
from replicafit.training.engine import History
from replicafit.training.loop import Snapshot
from replicafit.training.state import TrainingState
from replicafit.training.status import Status

DATA = ReplicaData(
    numbers=(3, 4, 5, 5),
    values=np.zeros((4, 8)),
    training=np.arange(8) < np.full((4, 1), 6),
)


def snapshot(*status: Status, steps: tuple[int, ...] = (20, 20, 20, 0)) -> Snapshot:
    training = np.array([[60.0, 6.0], [60.0, 12.0], [60.0, np.nan], [0.0, 0.0]])
    columns = np.tile([10, 20], (4, 1)), training, training / 3
    fields: dict[str, object] = dict.fromkeys(TrainingState._fields)
    fields |= {"steps": np.array(steps), "status": np.array(status)}
    state = TrainingState(**fields)
    return Snapshot(state, History(*columns))


RUNNING = snapshot(Status.running, Status.stopped, Status.diverged, Status.empty)


def test_a_tally_counts_the_whole_fit_and_what_was_written_before():
    tally = Tally(replicas=6, max_steps=100, over={1: "completed", 2: "stopped"})
    now = tally.seen(0, replicas_in(RUNNING, DATA))
    counts = (now.running, now.stopped, now.completed, now.diverged, now.waiting)
    assert counts == (1, 2, 1, 1, 1)
    assert (now.step, now.steps_done, now.steps_total) == (20, 420, 600)
    assert now.chi2_training.median == pytest.approx(1.5)  # of 1 and 2; not a number is left out
    assert now.chi2_validation.median == pytest.approx(1.5)


def test_a_replica_counts_once(toy_data, registry):
    tally = Tally(replicas=6, max_steps=100)
    tally.seen(0, replicas_in(RUNNING, DATA))
    tally.ended(4, toy_replica(toy_data, registry, 4).status)
    assert tally.seen(0, replicas_in(RUNNING, DATA)).stopped == 1


def test_lanes_are_counted_together():
    tally = Tally(replicas=12, max_steps=100)
    tally.seen(0, replicas_in(RUNNING, DATA))
    others = replace(DATA, numbers=(6, 7, 8, 8))
    now = tally.seen(1, replicas_in(RUNNING, others))
    assert (now.lanes, now.running, now.stopped, now.diverged, now.waiting) == (2, 2, 2, 2, 6)
    assert [each.number for each in now.in_slots] == [3, 4, 5, 6, 7, 8]


def progress(tally: Tally, what: Snapshot = RUNNING):
    return tally.seen(0, replicas_in(what, DATA))


def test_the_log_is_one_line_of_json_at_a_time_and_grows(tmp_path):
    file = tmp_path / "progress.jsonl"
    for _ in range(2):
        log = ProgressLog(file, print)
        log.phase("Training")
        log.progress(progress(Tally(3, 100)))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == 2
    assert set(lines[0]) == {
        *("time", "step", "steps_done", "steps_total", "replicas", "running", "stopped"),
        *(
            "completed",
            "diverged",
            "waiting",
            "chi2_training",
            "chi2_validation",
            "lanes",
            "undrawn",
        ),
    }
    assert set(lines[0]["chi2_training"]) == {"median", "p16", "p84"}


def test_a_log_that_cannot_be_written_costs_one_warning(tmp_path):
    warnings: list[str] = []
    log = ProgressLog(tmp_path / "no" / "progress.jsonl", warnings.append)
    for _ in range(2):
        log.progress(progress(Tally(3, 100)))
    assert len(warnings) == 1
    assert "the fit goes on" in warnings[0]


def shown(quiet: bool) -> str:
    console = Console(file=io.StringIO(), width=200)
    with Display(console, quiet) as display:
        everybody = Observers([display])
        everybody.phase("Reading data")
        everybody.fit_begins(FitBeginning(Path(), 3, 100, {}))
        for _ in range(2):
            everybody.progress(progress(Tally(3, 100)))
        everybody.warning("a [disk] is full")
    return console.file.getvalue()


def test_plain_lines_where_there_is_no_terminal():
    lines = shown(quiet=False).splitlines()
    assert lines[0] == "Reading data ..."
    assert "2 of 3 replicas finished; step 20: chi2 per datum training 1.500 (" in lines[1]
    assert lines[1].endswith("1 running, 1 diverged")
    assert lines[2:] == ["Warning: a [disk] is full"]


def test_quiet_prints_warnings_only():
    assert shown(quiet=True) == "Warning: a [disk] is full\n"


def test_the_live_view_shows_counts_and_spread():
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)
    over = {1: "completed", 2: "stopped"}
    now = progress(Tally(6, 100, dict(over)))
    with Display(console) as display:
        display.fit_begins(FitBeginning(Path(), 6, 100, over))
        assert display.bar.tasks[0].completed == 200
        display.progress(now)
        assert display.bar.tasks[0].completed == 420
        console.print(live_view("the bar", now))
    text = console.file.getvalue()
    assert "1 running   1 waiting" in text
    assert "2 stopped   1 completed   1 diverged" in text
    assert "1.500" in text


NOTEBOOK = """
import threading
from pathlib import Path
from rich.console import Console
from replicafit.execution.display import Display
from replicafit.execution.observers import FitBeginning

with Display(Console()) as display:
    display.phase("Reading data")
    display.fit_begins(FitBeginning(Path("fit"), 2, 100, {}))
    lane = threading.Thread(target=display.phase, args=("Training",))
    lane.start()
    lane.join()
    display.warning("the disk is full")
"""


def test_a_notebook_shows_one_view_which_the_next_one_replaces():
    reason = "optional: a real kernel"
    pytest.importorskip("ipykernel", reason=reason)
    client = pytest.importorskip("nbclient", reason=reason)
    nbformat = pytest.importorskip("nbformat", reason=reason)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    client.NotebookClient(notebook, timeout=100).execute()
    view, warning = [each["data"]["text/plain"] for each in notebook.cells[0].outputs]
    assert "Training" in view
    assert "Reading data" not in view
    assert "Warning: the disk is full" in warning


class Broken(Observer):
    """Hears of the first phase."""

    def phase(self, what: str) -> None:
        raise RuntimeError("no ears")


class Gone(Observer):
    """As a library may: ends the interpreter, or refuses in our words."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def phase(self, what: str) -> None:
        raise self.error


def test_an_observer_that_fails_costs_one_warning():
    console = Console(file=io.StringIO(), width=200)
    gone = [Gone(SystemExit(3)), Gone(DataError("mine"))]
    gone[1].title = "observer 'own' of plugin 'p'"
    everybody = Observers([*gone, Broken(), Display(console)])
    everybody.phase("Reading data")
    everybody.phase("Planning")
    *others, first = console.file.getvalue().splitlines()[:3]
    rest = console.file.getvalue().splitlines()[3:]
    assert "Gone failed at phase and hears no more (SystemExit: 3)" in others[0]
    assert "The observer 'own' of plugin 'p' failed at phase" in others[1]
    assert "Broken failed at phase and hears no more (RuntimeError: no ears)" in first
    assert rest == ["Reading data ...", "Planning ..."]
