"""Closure tests in words and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from rich import box
from rich.table import Table

from replicafit_report.closure import ClosureFit, ClosureSummary, Estimate

WIDEST_NAME = 16
"""Letters of a fit's name on one line of a table."""


def closure_table(fits: Sequence[ClosureFit], together: ClosureSummary) -> Table:
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
        "level",
        "replicas",
        "chi2 per\ndatum",
        "bias",
        "variance",
        "ratio",
        "within\n1 sigma",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for fit in fits:
        table.add_row(
            fit.name,
            str(fit.level),
            str(fit.replicas),
            f"{fit.chi2_per_datum:.3g}",
            f"{fit.bias:.3g}",
            f"{fit.variance:.3g}",
            f"{fit.bias / fit.variance:.2f}",
            f"{100 * fit.within.mean():.0f} %",
        )
    table.add_section()
    ratio, within = together.bias_over_variance.value, together.within.value
    table.add_row("all", "", "", "", "", "", f"{ratio:.2f}", f"{100 * within:.0f} %")
    return table


def closure_lines(together: ClosureSummary) -> Iterator[str]:
    """The share within one sigma for each flavour."""
    yield f"bias over variance: {_estimate(together.bias_over_variance)}"
    yield f"R_bv, its square root, 1 for faithful uncertainties: {_estimate(together.r_bv)}"
    yield f"truth within 1 sigma, of 68 % expected: {_percent(together.within)}"
    for name, share in together.within_per_flavour.items():
        yield f"    {name:6s} {_percent(share)}"


def _estimate(estimate: Estimate) -> str:
    return f"{estimate.value:.2f}{_error(estimate.error, 1, '.2f')}"


def _percent(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.0f}{_error(estimate.error, 100, '.0f')} %"


def _error(error: float, scale: float, form: str) -> str:
    """Nothing for a single fit, which does not know its error."""
    return f" +- {scale * error:{form}}" if isfinite(error) else ""
