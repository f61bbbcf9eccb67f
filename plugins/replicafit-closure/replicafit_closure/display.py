"""Closure tests on the terminal: how a study goes on, and what it found in tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from replicafit.plugin import Observer
from replicafit.plugin import Progress as FitProgress
from replicafit_closure.estimators import ClosureFit, Estimate, Summary
from replicafit_closure.study import Outcome

WIDEST_NAME = 16
"""Letters of a fit's name on one line of a table."""


class StudyDisplay:
    """A bar over all fits on a terminal, and a line for each that has ended.

    Attributes:
        console: where to print.
        quiet: print warnings only.
    """

    def __init__(self, console: Console, fits: int, replicas: int, quiet: bool) -> None:
        self.console, self.quiet, self.fits, self.replicas = console, quiet, fits, replicas
        self.ended = 0
        self._steps: dict[str, float] = {}
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=None))
        times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        shown = console.is_terminal and not quiet
        self._bar = Progress(*columns, *times, console=console, expand=True, disable=not shown)
        self._task = self._bar.add_task(f"{fits} fits", total=fits)

    def __enter__(self) -> StudyDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def observer(self, name: str) -> Observer:
        """Who is told of the fit ``name``."""
        return _OneFit(name, self)

    def trained(self, name: str, share: float) -> None:
        """The fit ``name`` has gone so far, from 0 to 1."""
        self._steps[name] = share
        self._bar.update(self._task, completed=sum(self._steps.values()))

    def fit_ended(self, outcome: Outcome) -> None:
        """A fit has ended."""
        self.ended += 1
        self.trained(outcome.name, 1.0)
        if self.quiet:
            return
        fit, what = outcome.fit, outcome.reason
        if fit is not None:
            what = (
                f"{fit.replicas} of {fit.fitted} replicas count, chi2 {fit.chi2_per_datum:.3f}, "
                f"bias {fit.bias:.3g}, variance {fit.variance:.3g}, "
                f"within 1 sigma {100 * fit.within.mean():.0f} %"
            )
        line = f"{outcome.name} (seed {outcome.seed}; {self.ended} of {self.fits}): {what}"
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


class _OneFit(Observer):
    """Watches one fit of a study."""

    def __init__(self, name: str, study: StudyDisplay) -> None:
        self.name, self.study = name, study

    def progress(self, progress: FitProgress) -> None:
        """Some replicas have trained a few hundred steps more."""
        self.study.trained(self.name, progress.steps_done / max(1, progress.steps_total))

    def warning(self, message: str) -> None:
        """Something went wrong that does not end the fit."""
        self.study.console.print(
            f"Warning: {self.name}: {message}", style="yellow", markup=False, soft_wrap=True
        )


def closure_table(fits: Sequence[ClosureFit], together: Summary) -> Table:
    """One line for each fit, and what they say together."""
    table = Table(
        title="closure test (arXiv:2111.05787)",
        box=box.SIMPLE,
        collapse_padding=True,
        pad_edge=False,
    )
    longest = max(len(fit.name) for fit in fits)  # names are what tells the lines apart
    table.add_column("fit", overflow="fold", min_width=min(longest, WIDEST_NAME))
    headings = (
        *("level", "replicas", "chi2 per\ndatum", "bias", "variance", "ratio"),
        *("within\n1 sigma", "verdict"),
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for fit in fits:
        table.add_row(
            fit.name,
            str(fit.level),
            str(fit.replicas),
            f"{fit.chi2_per_datum:.3f}",
            f"{fit.bias:.3g}",
            f"{fit.variance:.3g}",
            f"{fit.ratio:.2f}",
            f"{100 * fit.within.mean():.0f} %",
            "good" if fit.good else "bad",
        )
    table.add_section()
    ratio, within = together.bias_over_variance.value, together.within.value
    chi2 = f"{together.chi2_per_datum.value:.3f}"
    shown = [f"{estimate.value:.3g}" for estimate in (together.bias, together.variance)]
    table.add_row("all", "", "", chi2, *shown, f"{ratio:.2f}", f"{100 * within:.0f} %", "")
    return table


def coverage_table(together: Summary) -> Table | None:
    """The share within one sigma by function and by region of x; None without regions."""
    if not together.within_per_region:
        return None
    table = Table(title="truth within 1 sigma, %", box=box.SIMPLE, pad_edge=False)
    table.add_column("function")
    for heading in (*together.within_per_region, "all"):
        table.add_column(heading, justify="right")
    for name, each in together.within_per_flavour_and_region.items():
        own = (*each.values(), together.within_per_flavour[name])
        table.add_row(name, *map(in_percent, own))
    table.add_section()
    table.add_row("all", *map(in_percent, (*together.within_per_region.values(), together.within)))
    return table


def closure_lines(together: Summary) -> Iterator[str]:
    """What all fits say, in words; without regions of x also the share for each function."""
    yield f"bias over variance: {in_digits(together.bias_over_variance)}"
    yield f"R_bv, its square root, 1 for faithful uncertainties: {in_digits(together.r_bv)}"
    chi2 = (together.chi2_per_datum, together.chi2_of_mean, together.chi2_of_truth)
    shown = [in_digits(estimate, 3) for estimate in chi2]
    yield f"chi2 per datum: replicas {shown[0]}, their mean {shown[1]}, the truth {shown[2]}"
    yield f"truth within 1 sigma, of 68 % expected: {in_percent(together.within, 1)} %"
    if not together.within_per_region:
        for name, share in together.within_per_flavour.items():
            yield f"    {name:6s} {in_percent(share)} %"


def in_digits(estimate: Estimate, digits: int = 2) -> str:
    """A number with its error, if that is known."""
    error = f" +- {estimate.error:.{digits}f}" if isfinite(estimate.error) else ""
    return f"{estimate.value:.{digits}f}{error}"


def in_percent(estimate: Estimate, digits: int = 0) -> str:
    """The same of a share."""
    return in_digits(Estimate(100 * estimate.value, 100 * estimate.error), digits)
