"""What people see while a fit runs and when it is done."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from replicafit.data import ReplicaData
from replicafit.results import ReplicaResult
from replicafit.training.loop import Snapshot
from replicafit.training.state import Status
from replicafit.verify import Case

SECONDS_BETWEEN_LINES = 10.0
"""Where the output is no terminal and gets lines instead of a bar."""


@dataclass
class Display:
    """Follows a fit: a bar on a terminal, a line now and then elsewhere."""

    console: Console
    replicas: int
    max_steps: int
    finished: list[ReplicaResult] = field(default_factory=list)
    _bar: Progress | None = None
    _task: TaskID | None = None
    _last_line: float = 0.0
    _past_steps: int = 0

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[numbers]}"),
                TimeRemainingColumn(),
                console=self.console,
            )
            total = self.replicas * self.max_steps
            self._task = self._bar.add_task("Starting", total=total, numbers="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def phase(self, what: str) -> None:
        """A new phase of the work begins."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=what)
        elif what != "Training":
            self.console.print(f"{what} ...")

    def progress(self, snapshot: Snapshot, data: ReplicaData) -> None:
        """A batch has trained a few hundred steps more."""
        text = _numbers(snapshot, data)
        if self._bar is not None and self._task is not None:
            done = self._past_steps + _steps_behind(snapshot, self.max_steps)
            self._bar.update(self._task, description="Training", completed=done, numbers=text)
        elif time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            ready = f"{len(self.finished)} of {self.replicas} replicas finished"
            self.console.print(f"{ready}; step {int(snapshot.state.steps.max())}: {text}")
        if not snapshot.running.any():
            self._past_steps += _steps_behind(snapshot, self.max_steps)

    def replica(self, result: ReplicaResult) -> None:
        """A replica is finished and written."""
        self.finished.append(result)

    def warning(self, message: str) -> None:
        """Something went wrong that does not end the fit."""
        self.console.print(f"Warning: {message}", style="yellow", markup=False)


def _steps_behind(snapshot: Snapshot, max_steps: int) -> int:
    """Steps this batch has behind it; a replica that ended early counts as full."""
    used = snapshot.state.status != Status.empty
    steps = np.where(snapshot.running, snapshot.state.steps, max_steps)
    return int(steps[used].sum())


def _numbers(snapshot: Snapshot, data: ReplicaData) -> str:
    used = snapshot.state.status != Status.empty
    n_training = data.training.sum(axis=1)
    n_validation = (~data.training).sum(axis=1)
    training = np.median((snapshot.history.training[:, -1] / n_training)[used])
    text = f"chi2 per datum: training {training:.3f}"
    if n_validation.all():
        validation = np.median((snapshot.history.validation[:, -1] / n_validation)[used])
        text += f", validation {validation:.3f}"
    diverged = int((snapshot.state.status == Status.diverged).sum())
    running = int(snapshot.running.sum())
    return f"{text}; {running} running" + (f", {diverged} diverged" if diverged else "")


def summary_table(results: Sequence[Mapping[str, Any]]) -> Table:
    """chi2 per datum of each dataset over replicas: mean, median and central 68 %.

    Args:
        results: the ``result.json`` of each replica.
    """
    table = Table(title="chi2 per datum of the measured values, over replicas")
    table.add_column("dataset")
    for heading in ("data", "mean", "median", "68 %"):
        table.add_column(heading, justify="right")
    for name, n_data in results[0]["n_data_per_dataset"].items():
        _add(table, name, n_data, [result["per_dataset"][name] for result in results])
    table.add_section()
    _add(table, "all", results[0]["n_data"], [r["chi2_per_datum"]["all"] for r in results])
    return table


def _add(table: Table, name: str, n_data: int, values: Sequence[float]) -> None:
    low, high = np.percentile(values, [16, 84])
    band = f"{low:.3f} to {high:.3f}"
    table.add_row(name, str(n_data), f"{np.mean(values):.3f}", f"{np.median(values):.3f}", band)


def status_line(results: Sequence[Mapping[str, Any]]) -> str:
    """How many replicas ended how."""
    counts = {s.name: sum(r["status"] == s.name for r in results) for s in Status}
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"{len(results)} replicas: {told or 'none'}"


def verdict_table(cases: Sequence[Case]) -> Table:
    """The independence law: how much the weights of a replica noticed their company."""
    table = Table(title="largest relative difference of any weight of a replica")
    for heading in ("company", "after few steps", "after many", "allowed", "the law"):
        table.add_column(heading)
    for case in cases:
        allowed = f"{case.allowed:g} after few" if case.allowed else "none at all"
        verdict = "holds" if case.holds else "BROKEN"
        if case.allowed is None:
            allowed, verdict = "for comparison", ""
        table.add_row(case.name, f"{case.few:.1e}", f"{case.many:.1e}", allowed, verdict)
    return table
