"""What people see while a fit runs and when it is done."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from replicafit.data import ReplicaData
from replicafit.execution.verify import Case
from replicafit.results.progress import Look, Spread, Tally
from replicafit.results.progress import Progress as FitProgress
from replicafit.results.replica import ReplicaResult
from replicafit.runcard import ReplicaRange
from replicafit.training.loop import Snapshot
from replicafit.training.state import Status

SECONDS_BETWEEN_LINES = 10.0
"""Where the output is no terminal and gets lines instead of a bar."""

SHOWN_REASONS = 5
"""Of replicas that were not selected; all are in run.json."""


@dataclass
class Display:
    """Follows a fit: a live view on a terminal, a line now and then elsewhere, or nothing.

    Attributes:
        console: where to print.
        tally: counts replicas and steps, those of earlier runs included.
        quiet: print warnings only.
    """

    console: Console
    tally: Tally
    quiet: bool = False
    _live: Live | None = None
    _bar: Progress | None = None
    _task: TaskID | None = None
    _last_line: float = 0.0

    def __enter__(self) -> Display:
        if self.console.is_terminal and not self.quiet:
            self._bar = _bar(self.console)
            total, done = self.tally.replicas * self.tally.max_steps, len(self.tally.over)
            self._task = self._bar.add_task(
                "Starting", total=total, completed=done * self.tally.max_steps
            )
            self._live = Live(self._bar, console=self.console, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def phase(self, what: str) -> None:
        """A new phase of the work begins."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=what)
        elif what != "Training" and not self.quiet:
            self.console.print(f"{what} ...")

    def progress(self, snapshot: Snapshot, data: ReplicaData) -> None:
        """A batch has trained a few hundred steps more."""
        self.looks([Look.of(snapshot, data)])

    def looks(self, each: Sequence[Look]) -> None:
        """Batches elsewhere have trained more."""
        now = self.tally.of(each)
        if self._live is not None and self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                description="Training",
                completed=now.steps_done,
                total=now.steps_total,
            )
            self._live.update(live_view(self._bar, now))
        elif not self.quiet and time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self.console.print(progress_line(now), highlight=False)

    def replica(self, result: ReplicaResult) -> None:
        """A replica is finished and written."""
        self.tally.replica(result)

    def warning(self, message: str) -> None:
        """Something went wrong that does not end the fit."""
        self.console.print(f"Warning: {message}", style="yellow", markup=False)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        expand=True,
        speed_estimate_period=600,
    )


def live_view(bar: RenderableType, now: FitProgress) -> Group:
    """The bar over steps, and below it how the replicas do."""
    table = Table.grid(padding=(0, 3))
    table.add_row("[dim]chi2 per datum[/]", "[dim]median[/]", "[dim]68 %[/]", "[dim]replicas[/]")
    counts = iter(counts_of(now))
    for name, spread in (("training", now.chi2_training), ("validation", now.chi2_validation)):
        table.add_row(name, *_told(spread), "   ".join(next(counts)))
    return Group(bar, table)


def counts_of(now: FitProgress) -> tuple[list[str], list[str]]:
    """How many replicas run and wait, and how many ended how."""
    bad = f"[red]{now.diverged} diverged[/]" if now.diverged else "0 diverged"
    first = [f"[cyan]{now.running} running[/]", f"{now.waiting} waiting"]
    return first, [f"[green]{now.stopped} stopped[/]", f"{now.completed} completed", bad]


def _told(spread: Spread) -> tuple[str, str]:
    if spread.median is None:
        return "none", ""
    return f"{spread.median:.3f}", f"{spread.p16:.3f} to {spread.p84:.3f}"


def progress_line(now: FitProgress) -> str:
    """The same in one line."""
    over = now.stopped + now.completed + now.diverged
    parts = [f"{over} of {now.replicas} replicas finished; step {now.step}: chi2 per datum"]
    for name, spread in (("training", now.chi2_training), ("validation", now.chi2_validation)):
        if spread.median is not None:
            parts.append(f"{name} {' ('.join(_told(spread))}),")
    diverged = f", {now.diverged} diverged" if now.diverged else ""
    return f"{' '.join(parts).rstrip(',')}; {now.running} running{diverged}"


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
    mean, median, band = _short(np.mean(values)), _short(np.median(values)), _short(low, high)
    table.add_row(name, str(n_data), mean, median, band)


def _short(*values: Any) -> str:
    """Three decimals, or three digits where that would be zero."""
    return " to ".join(f"{v:.3f}" if v >= 0.01 else f"{v:.1e}" for v in values)


def status_line(results: Sequence[Mapping[str, Any]]) -> str:
    """How many replicas ended how."""
    counts = {s.name: sum(r["status"] == s.name for r in results) for s in Status}
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"{len(results)} replicas: {told or 'none'}"


def selection_lines(results: Sequence[Mapping[str, Any]], replicas: ReplicaRange) -> list[str]:
    """How many replicas were selected, why others were not, and whether they are enough."""
    left_out = {r["number"]: r["selection"]["reasons"] for r in results}
    reasons = [f"  replica {n}: {'; '.join(why)}" for n, why in left_out.items() if why]
    selected = len(results) - len(reasons)
    lines = [f"{selected} of {len(results)} selected", *reasons[:SHOWN_REASONS]]
    if reasons[SHOWN_REASONS:]:
        lines.append(f"  and {len(reasons) - SHOWN_REASONS} more, in run.json")
    if replicas.good is not None and selected < replicas.good:
        lines.append(
            f"Only {selected} good replicas of the {replicas.good} asked for, after all "
            f"{len(replicas.numbers)} that may be fitted. The reasons tell what to change, or "
            "raise at_most."
        )
    return lines


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
