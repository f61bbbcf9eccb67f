"""What people see while a fit runs and when it is done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from replicafit.execution.observers import FitBeginning, Observer
from replicafit.results.progress import Progress as FitProgress
from replicafit.results.progress import Spread
from replicafit.results.records import FitVerdict
from replicafit.results.selection import ENDS
from replicafit.runcard import ReplicaRange

if TYPE_CHECKING:
    from replicafit.execution.verify import Case
    from replicafit.results.fit import Fit

SECONDS_BETWEEN_LINES = 10.0
"""Where the output is no terminal and gets lines instead of a bar."""

ROOMY = 60
"""Characters from which on a table has lines around its columns."""

SHOWN_REASONS = 5
"""Of replicas that were not selected; all are in run.json."""


class Cell:
    """What ``rich.live.Live`` is to terminals, below a cell of a notebook.

    There Live needs ipywidgets, and without them prints a warning at every look.
    """

    def __init__(self, view: RenderableType) -> None:
        self._view, self.is_started = view, False

    def start(self) -> None:
        """Shows the view."""
        display = import_module("IPython.display").display
        self._shown = display(Padding(self._view, 0), display_id=True)
        self.is_started = True

    def update(self, view: RenderableType) -> None:
        """Shows another in its place."""
        self._shown.update(Padding(view, 0))

    def stop(self) -> None:
        """Lets the last one stand."""
        self.is_started = False


class Display(Observer):
    """Follows a fit: a live view on a terminal and in a notebook, a line now and then elsewhere, or
    nothing.

    Attributes:
        console: where to print.
        quiet: print warnings only.
    """

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        self.bar = _bar(console)
        self.task = self.bar.add_task("Starting", total=None)
        self._live: Live | Cell = Live(self.bar, console=console, refresh_per_second=4)
        if console.is_jupyter:
            self._live = Cell(self.bar)
        self._last_line = 0.0

    def __enter__(self) -> Display:
        if (self.console.is_terminal or self.console.is_jupyter) and not self.quiet:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Shows nothing more."""
        if self._live.is_started:
            self._live.stop()

    def phase(self, what: str) -> None:
        """A new phase of the work begins."""
        self.bar.update(self.task, description=what)
        if self._live.is_started:
            self._live.update(self.bar)
        elif what != "Training" and not self.quiet:
            self.console.print(f"{what} ...", markup=False, highlight=False)

    def fit_begins(self, fit: FitBeginning) -> None:
        """From now on there is a bar over steps."""
        words = self.bar.tasks[0].description
        self.bar.remove_task(self.task)
        total, done = fit.replicas * fit.max_steps, len(fit.over) * fit.max_steps
        self.task = self.bar.add_task(words, total=total, completed=done)

    def progress(self, progress: FitProgress) -> None:
        """Some replicas have trained a few hundred steps more."""
        self.bar.update(
            self.task,
            description="Training",
            completed=progress.steps_done,
            total=progress.steps_total,
        )
        if self._live.is_started:
            self._live.update(live_view(self.bar, progress))
        elif not self.quiet and time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self.console.print(progress_line(progress), highlight=False)

    def warning(self, message: str) -> None:
        """Something went wrong that does not end the fit."""
        self.console.print(f"Warning: {message}", style="yellow", markup=False)


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn("dots" if console.encoding.startswith("utf") else "line"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
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
        table.add_row(name, *_shown(spread), "   ".join(next(counts)))
    return Group(bar, table)


def counts_of(now: FitProgress) -> tuple[list[str], list[str]]:
    """How many replicas run and wait, and how many ended how."""
    bad = f"[red]{now.diverged} diverged[/]" if now.diverged else "0 diverged"
    bad += f"   [red]{now.undrawn} without pseudodata[/]" if now.undrawn else ""
    lanes = f" in {now.lanes} lanes" if now.lanes > 1 else ""
    first = [f"[cyan]{now.running} running[/]{lanes}", f"{now.waiting} waiting"]
    return first, [f"[green]{now.stopped} stopped[/]", f"{now.completed} completed", bad]


def _shown(spread: Spread) -> tuple[str, str]:
    if spread.median is None:
        return "none", ""
    return f"{spread.median:.3f}", f"{spread.p16:.3f} to {spread.p84:.3f}"


def progress_line(now: FitProgress) -> str:
    """The same in one line."""
    over = now.stopped + now.completed + now.diverged + now.undrawn
    parts = [f"{over} of {now.replicas} replicas finished; step {now.step}: chi2 per datum"]
    for name, spread in (("training", now.chi2_training), ("validation", now.chi2_validation)):
        if spread.median is not None:
            parts.append(f"{name} {' ('.join(_shown(spread))}),")
    diverged = f", {now.diverged} diverged" if now.diverged else ""
    return f"{' '.join(parts).rstrip(',')}; {now.running} running{diverged}"


def summary_table(fit: Fit, width: int = ROOMY) -> Table:
    """chi2 per datum of each dataset: mean, median and central 68 % over selected replicas.

    Over all of them if none is selected; the title says which.
    """
    results = fit.results or fit.finished
    over = f"the {len(results)} selected replicas" if len(results) > 1 else "the selected replica"
    if not fit.results:
        over = f"all {len(results)} replicas, none of which is selected"
    table = Table(
        title=f"chi2 per datum of the measured values, over {over}",
        box=box.HEAVY_HEAD if width >= ROOMY else box.SIMPLE_HEAD,
        pad_edge=width >= ROOMY,
    )
    table.add_column("dataset", overflow="fold", min_width=7)
    for heading in ("data", "mean", "median"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("68 %", justify="right", min_width=6)
    for name, n_data in results[0].n_data_per_dataset.items():
        _add(table, name, n_data, [result.per_dataset[name] for result in results])
    table.add_section()
    _add(table, "all", results[0].n_data, [r.chi2_per_datum.all for r in results])
    return table


def _add(table: Table, name: str, n_data: int, values: Sequence[float | None]) -> None:
    numbers = np.array(values, np.float64)
    low, median, high = np.percentile(numbers, [16, 50, 84])
    central = _short(low, high) if len(numbers) > 2 else ""  # of two nobody knows where 68 % lie
    table.add_row(escape(name), str(n_data), _short(numbers.mean()), _short(median), central)


def _short(*values: Any) -> str:
    """Three decimals, or three digits where that would be zero."""
    return " to ".join(f"{v:.3f}" if v >= 0.01 else f"{v:.1e}" for v in values)


def closing_lines(fit: Fit, replicas: ReplicaRange, reports: bool) -> list[str]:
    """How many replicas ended how, which count, how long it took, and what may come next."""
    counts = Counter(result.status for result in fit.finished)
    many = f"{len(fit.finished)} replica" + ("s" if len(fit.finished) > 1 else "")
    ended = [f"{counts[name]} {name} ({words})" for name, words in ENDS.items() if counts[name]]
    lines = [
        f"{many}: {', '.join(ended)}, in '{fit.folder}'",
        *_selection_lines(fit, replicas),
        *verdict_lines(fit.run.verdict),
    ]
    if fit.run.timing.total_s is not None:
        lines.append(f"Total time: {_minutes(fit.run.timing.total_s)}")
    return [*lines, f"Next: replicafit report {fit.folder}"] if reports else lines


NOT_COMPLETE = "Not complete: replicas are selected, and the fit is judged, once all are there"


def verdict_lines(verdict: FitVerdict | None) -> list[str]:
    """Whether the fit is good, and of each finding what it is and what to try."""
    if verdict is None:
        return []
    lines = [f"Verdict: {verdict.words}"]
    for finding in verdict.findings:
        mark = "BAD" if finding.serious else "note"
        lines += [f"  {mark}, {finding.name}: {finding.says}", f"    Try: {finding.advice}"]
    if verdict.findings:
        lines.append("  More in docs/how-to/bad-fit.md")
    return lines


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _selection_lines(fit: Fit, replicas: ReplicaRange) -> list[str]:
    """How many replicas were selected, why others were not, and whether they are enough."""
    selection = fit.run.selection
    if selection is None:
        return [NOT_COMPLETE]
    reasons = [f"  replica {n}: {'; '.join(why)}" for n, why in selection.not_selected.items()]
    selected, rounds = len(fit), selection.rounds or 1
    how = f", in {rounds} rounds: limits are taken anew without those that fell out"
    earlier = selection.not_selected.keys() - {str(result.number) for result in fit.finished}
    others = f", and of those that were here before all but {len(earlier)}" if earlier else ""
    lines = [f"{selected} of {len(fit.finished)} selected{others}{how * (rounds > 1)}"]
    lines += reasons[:SHOWN_REASONS]
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
        allowed, verdict = "none at all", "holds" if case.holds else "BROKEN"
        if case.allowed is None:
            allowed, verdict = "for comparison", ""
        table.add_row(case.name, f"{case.few:.1e}", f"{case.many:.1e}", allowed, verdict)
    return table
