"""What people see of a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from replicafit_scan.objective import Outcome
from replicafit_scan.results import ranking

SHOWN = 10
"""Of the best trials."""


@dataclass
class ScanDisplay:
    """One line for each generation and each trial.

    Attributes:
        console: where to print.
        total: trials in all.
        quiet: print nothing.
    """

    console: Console
    total: int
    quiet: bool = False

    def generation(self, points: int, architectures: int) -> None:
        """So many points are tried next."""
        kinds = "1 architecture" if architectures == 1 else f"{architectures} architectures"
        self._print(f"{points} trials of {kinds}")

    def trial(self, outcome: Outcome) -> None:
        """A trial has ended."""
        self._print(f"trial {outcome.number + 1} of {self.total}: {told(outcome)}")

    def _print(self, line: str) -> None:
        if not self.quiet:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def told(outcome: Outcome) -> str:
    """What became of a trial, in a few words."""
    if outcome.value is not None:
        return f"{outcome.value:.4g}"
    if outcome.rung is not None:
        return f"stopped, behind the others after {outcome.rung[0]} steps"
    if outcome.reason:
        return f"refused. {outcome.reason}"
    return outcome.state


def scan_table(outcomes: Sequence[Outcome], objective: str) -> Table:
    """The best trials: what they are, and chi2 and phi2 of each fold held out."""
    best = ranking(outcomes)[:SHOWN]
    table = Table(title=f"The best of {len(outcomes)} trials, by {objective}")
    folds = [fold.fold for fold in best[0].folds] if best else []
    keys = list(best[0].values) if best else []
    for heading in ("trial", objective, *(f"chi2, phi2 of fold {k}" for k in folds), *keys):
        table.add_column(heading, overflow="fold")
    for outcome in best:
        scores = [f"{f.chi2:.3f}, {f.phi2:.3f}" for f in outcome.folds]
        values = [shown(outcome.values, key) for key in keys]
        table.add_row(str(outcome.number), f"{outcome.value:.4g}", *scores, *values)
    return table


def shown(values: Mapping[str, Any], key: str) -> str:
    """A value of a point."""
    value = values[key]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counted(outcomes: Sequence[Outcome]) -> str:
    """How many trials became what."""
    states = ("complete", "stopped", "diverged", "refused")
    counts = {state: sum(o.state == state for o in outcomes) for state in states}
    parts = [f"{count} {state}" for state, count in counts.items() if count]
    return f"{len(outcomes)} trials: {', '.join(parts) or 'none'}"
