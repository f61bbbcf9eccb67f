"""What people see of a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from replicafit_scan.objective import Outcome, ranking

SHOWN = 10
"""Of the best trials."""


@dataclass
class ScanDisplay:
    """One line for each generation and each trial.

    Attributes:
        console: where to print.
        total: trials in all.
        quiet: print nothing.
        done: trials that have ended.
    """

    console: Console
    total: int
    quiet: bool = False
    done: int = 0

    def generation(self, points: int, architectures: int) -> None:
        """So many points are tried next."""
        kinds = "1 architecture" if architectures == 1 else f"{architectures} architectures"
        self._print(f"{points} trials of {kinds}")

    def trial(self, outcome: Outcome) -> None:
        """A trial has ended; it bears the number that it has in ``scan.json`` and the tables."""
        self.done += 1
        self._print(f"trial {outcome.number} ({self.done} of {self.total}): {told(outcome)}")

    def _print(self, line: str) -> None:
        if not self.quiet:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def told(outcome: Outcome) -> str:
    """What became of a trial, in a few words."""
    if outcome.value is not None:
        return f"{outcome.value:.4g}" + ", bad fits" * bool(outcome.bad)
    if outcome.rung is not None:
        return f"stopped, behind the others after {outcome.rung[0]} steps"
    if outcome.state == "failed":
        return f"failed: {outcome.failures}"
    if outcome.reason:
        return f"refused. {outcome.reason}"
    return outcome.state


def scan_table(outcomes: Sequence[Outcome], objective: str) -> Table:
    """The best trials: chi2 and phi2 of each fold held out, over all replicas, and what they are.

    Those whose fits are bad come after the others, and below them those whose replicas fail their
    verdicts, which are never among the best.
    """
    best = ranking(outcomes)[:SHOWN]
    failed = [outcome for outcome in outcomes if outcome.state == "failed"][:SHOWN]
    table = Table(title=f"The best of {len(outcomes)} trials, by {objective}")
    folds = [fold.fold for fold in [*best, *failed][0].folds] if best or failed else []
    headings = [f"chi2 of fold {k}\nphi2" for k in folds]
    for heading in ("trial", objective, *headings):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("settings", overflow="fold", ratio=1)
    for group in (best, failed):
        for outcome in group:
            scores = [f"{f.chi2:.3f}\n{f.spread}" for f in outcome.folds]
            settings = "\n".join(f"{key} {shown(outcome.values, key)}" for key in outcome.values)
            value = "failed" if outcome.value is None else f"{outcome.value:.4g}"
            value += "\nbad fits" * bool(outcome.bad)
            table.add_row(str(outcome.number), value, *scores, escape(settings))
        table.add_section()
    return table


def failed_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Which trials have replicas that fail their verdicts, and which verdicts."""
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    lines = [f"  trial {outcome.number}: {outcome.failures}" for outcome in failed[:SHOWN]]
    if failed[SHOWN:]:
        lines.append(f"  and {len(failed) - SHOWN} more, in scan.json")
    return lines


def shown(values: Mapping[str, Any], key: str) -> str:
    """A value of a point."""
    value = values[key]
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counted(outcomes: Sequence[Outcome]) -> str:
    """How many trials became what."""
    states = ("complete", "failed", "stopped", "diverged", "refused")
    counts = {state: sum(o.state == state for o in outcomes) for state in states}
    parts = [f"{count} {state}" for state, count in counts.items() if count]
    return f"{len(outcomes)} trials: {', '.join(parts) or 'none'}"
