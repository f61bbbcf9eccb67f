"""The live view, its lines, and progress.jsonl."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from fit_folder import toy_replica
from replicafit_report import tensorboard
from replicafit_report.tensorboard import TensorBoardLog
from rich.console import Console

from replicafit.cli.display import Display, live_view
from replicafit.data import ReplicaData
from replicafit.errors import OutputError
from replicafit.results.progress import ProgressLog, Tally, Watchers
from replicafit.training.engine import History
from replicafit.training.loop import Snapshot
from replicafit.training.state import Status, TrainingState

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
    now = tally.progress(RUNNING, DATA)
    counts = (now.running, now.stopped, now.completed, now.diverged, now.waiting)
    assert counts == (1, 2, 1, 1, 1)
    assert (now.step, now.steps_done, now.steps_total) == (20, 420, 600)
    assert now.chi2_training.median == pytest.approx(1.5)  # of 1 and 2; not a number is left out
    assert now.chi2_validation.median == pytest.approx(1.5)


def test_a_replica_counts_once(toy_data, registry):
    tally = Tally(replicas=6, max_steps=100)
    tally.progress(RUNNING, DATA)
    tally.replica(toy_replica(toy_data, registry, 4))
    assert tally.progress(RUNNING, DATA).stopped == 1


def test_the_log_is_one_line_of_json_at_a_time_and_grows(tmp_path):
    file = tmp_path / "progress.jsonl"
    for _ in range(2):
        log = ProgressLog(file, Tally(3, 100), print)
        log.phase("Training")
        log.progress(RUNNING, DATA)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == 2
    assert set(lines[0]) == {
        *("time", "step", "steps_done", "steps_total", "replicas", "running", "stopped"),
        *("completed", "diverged", "waiting", "chi2_training", "chi2_validation"),
    }
    assert set(lines[0]["chi2_training"]) == {"median", "p16", "p84"}


def test_a_log_that_cannot_be_written_costs_one_warning(tmp_path):
    warnings: list[str] = []
    log = ProgressLog(tmp_path / "no" / "progress.jsonl", Tally(3, 100), warnings.append)
    log.progress(RUNNING, DATA)
    log.progress(RUNNING, DATA)
    assert len(warnings) == 1
    assert "the fit goes on" in warnings[0]


def shown(quiet: bool) -> str:
    console = Console(file=io.StringIO(), width=200)
    with Display(console, Tally(3, 100), quiet) as display:
        everybody = Watchers([display])
        everybody.phase("Reading data")
        everybody.progress(RUNNING, DATA)
        everybody.progress(RUNNING, DATA)
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
    with Display(console, Tally(6, 100, {1: "completed", 2: "stopped"})) as display:
        assert display._bar is not None
        assert display._bar.tasks[0].completed == 200
        display.progress(RUNNING, DATA)
        assert display._bar.tasks[0].completed == 420
        console.print(live_view("the bar", display.tally.progress(RUNNING, DATA)))
    text = console.file.getvalue()
    assert "1 running   1 waiting" in text
    assert "2 stopped   1 completed   1 diverged" in text
    assert "1.500" in text


def scalars_of(folder) -> dict[str, list[tuple[int, float]]]:
    """All scalars that TensorBoard finds in ``folder``: (step, value) by tag."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    read = EventAccumulator(str(folder))
    read.Reload()
    return {
        tag: [(event.step, float(make_ndarray(event.tensor_proto))) for event in read.Tensors(tag)]
        for tag in read.Tags()["tensors"]
    }


def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    log = TensorBoardLog(tmp_path, Tally(6, 100, {1: "completed", 2: "stopped"}))
    log.phase("Training")
    log.progress(RUNNING, DATA)
    ended = Status.stopped, Status.stopped, Status.diverged, Status.empty
    log.progress(snapshot(*ended, steps=(30, 20, 20, 0)), DATA)
    training, validation = scalars_of(tmp_path / "train"), scalars_of(tmp_path / "validation")
    median = training["epoch_chi2_per_datum/median"]
    assert median == [(420, pytest.approx(1.5)), (500, pytest.approx(1.5))]
    assert validation["epoch_chi2_of_replica/0004"] == [(20, pytest.approx(2.0))]  # once only
    assert [step for step, _ in training["epoch_chi2_of_replica/0003"]] == [20, 30]
    assert "epoch_chi2_of_replica/0005" not in training  # not a number
    assert [value for _, value in training["epoch_replicas/running"]] == [1, 0]
    assert training["epoch_replicas/diverged"][-1] == (500, 1)


def test_tensorboard_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    with pytest.raises(OutputError, match=r"pip install 'replicafit\[tensorboard\]'"):
        tensorboard.require_tensorboard()
