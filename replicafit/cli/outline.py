"""Plans and closure tests in words and tables; no Keras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from rich import box
from rich.table import Table

from replicafit_report.closure import ClosureFit, ClosureSummary, Estimate
from replicafit.forward.planning import Machine, NetworkPlan

WIDEST_NAME = 16
"""Letters of a fit's name on one line of a table."""


def plan_lines(plan: NetworkPlan, machine: Machine | None = None) -> Iterator[str]:
    """How ``plan`` would be trained, on a CPU; with ``machine``, how long it takes at least."""
    batch, told = plan.batches[0], plan.describe()
    replicas = sum(len(each.numbers) for each in plan.batches)
    which = f"architecture {plan.position}: " if plan.position else ""
    count = f"{told['batches']} batch" + ("es" if told["batches"] > 1 else "")
    memory = f"{told['memory_per_batch_mb']} MB each"
    yield f"plan: {which}{replicas} replicas in {count} of {batch.slots} slots, {memory}"
    yield f"    {plan.parameters} parameters per replica, {plan.grid_points} grid points"
    for part in told["chi2"]:
        yield from _form_lines(part)
    if machine is not None:
        yield from _time_lines(plan, machine)


def _form_lines(part: dict[str, Any]) -> Iterator[str]:
    """One line for linear data, one for the others."""
    for form in [part] if "form" in part else [part["linear"], part["non_linear"]]:
        if form["n_data"]:
            shape = f", {form['rows']} rows, {form['columns']} columns" if "rows" in form else ""
            yield f"    chi2 of {form['n_data']} data: {form['form']}{shape}"


def _time_lines(plan: NetworkPlan, machine: Machine) -> Iterator[str]:
    seconds, steps = plan.seconds_per_step(machine), plan.runcard.training.max_steps
    yield (
        f"    one core: {machine.bandwidth / 1e9:.1f} GB/s, {machine.flops / 1e9:.0f} GFlop/s; at "
        f"least {1000 * seconds:.2g} s for 1000 steps of a batch, "
        f"{len(plan.batches) * steps * seconds:.3g} s for {steps} steps of all"
    )


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
