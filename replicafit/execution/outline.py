"""Plans in words; no Keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from replicafit.components.inputs import described
from replicafit.data import FitData
from replicafit.data.replica_data import ATTEMPTS, acceptance
from replicafit.data.sources import lookalikes, sharing
from replicafit.forward.planning import Machine, NetworkPlan
from replicafit.runcard import Setup
from replicafit.seeds import Seeds

if TYPE_CHECKING:
    from replicafit.api import FitPlan


def fit_lines(plan: FitPlan, machine: Machine | None = None) -> Iterator[str]:
    """How ``plan`` would be trained, and on which data; ``machine`` is as for ``plan_lines``."""
    data = plan.data
    if plan.setup.runcard.title:
        yield plan.setup.runcard.title
    for network in plan.networks:
        yield from plan_lines(network, machine)
    yield ""
    both = (data,) if data.held_out is None else (data, data.held_out)
    width = max(len(dataset.name) for part in both for dataset in part.datasets)
    for part in both:
        for dataset in part.datasets:
            of, note = data.n_measured[dataset.name], "" if part is data else ", held out"
            yield f"{dataset.name:{width}s} {dataset.n_data:6d} of {of} data{note}"
    on = f"{len(data.x_grid)} grid points, {described(data.inputs)}"
    yield f"{'all':{width}s} {data.n_data:6d} data on {on}"
    yield from source_lines(data)
    yield from pseudodata_lines(plan.setup, data)
    if plan.unknown:
        yield (
            f"only run can tell what leaves {', '.join(plan.unknown)}: parameters and memory leave "
            "that out"
        )
    yield f"hash {plan.hash}"


def source_lines(data: FitData) -> Iterator[str]:
    """Which sources of uncertainty are shared by datasets, and which may have been meant to be."""
    owners = sharing(data.datasets)
    shared: dict[tuple[str, ...], list[str]] = {}
    for name, own in owners.items():
        if len(own) > 1:
            shared.setdefault(own, []).append(name)
    for own, names in shared.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield f"uncertainties shared by {', '.join(own)}: {', '.join(names[:SHOWN])}{more}"
    if len(data.datasets) > 1 and not shared:
        yield "no uncertainty is shared by datasets: one that is has the same name in each"
    yield from (f"    {line}" for line in misspelt_lines(data))


def misspelt_lines(data: FitData) -> Iterator[str]:
    """Sources of uncertainty whose names are nearly the same."""
    owners = sharing(data.datasets)
    for one, other in lookalikes(owners):
        yield (
            f"'{one}' ({', '.join(owners[one])}) and '{other}' ({', '.join(owners[other])}) "
            "count as different uncertainties: are they one, misspelt?"
        )


def pseudodata_lines(setup: Setup, data: FitData) -> Iterator[str]:
    """How often pseudodata have negative cross sections, and what that means for the replicas."""
    settings = setup.runcard.data
    if not settings.pseudodata or not data.positive.any():
        return
    odds = acceptance(data, Seeds(setup.runcard.seed), settings.pseudodata)
    passed, worst = (round(share * odds.draws) for share in (odds.whole, odds.worst))
    yield f"pseudodata: no cross section is negative in {passed} of {odds.draws} draws"
    if passed == odds.draws:
        return
    if not settings.redraw_negative:
        yield "    they are fitted as drawn; data.redraw_negative: true draws them anew"
        return
    names = ", ".join(odds.datasets[:3]) + (" and others" if len(odds.datasets) > 3 else "")
    yield f"    drawn anew where one is; worst off: {names}, of which {worst} draws pass"
    if odds.without > UNLIKELY:
        atleast = "" if odds.worst else "at least "
        yield (
            f"    a replica finds none in {ATTEMPTS} draws with odds of {atleast}"
            f"{odds.without:.2g} and ends as undrawn: cut the data away, or leave "
            "data.redraw_negative away"
        )


def plan_lines(plan: NetworkPlan, machine: Machine | None = None) -> Iterator[str]:
    """How ``plan`` would be trained, on a CPU; with ``machine``, how long it takes at least."""
    told, replicas = plan.describe(), len(plan.numbers)
    which = f"architecture {plan.position}: " if plan.position else ""
    many = f"{replicas} replica" + ("s" if replicas > 1 else "")
    count = f"{told['batches']} batch" + ("es" if told["batches"] > 1 else "")
    memory = f"{told['memory_per_batch_mb']} MB each"
    yield f"plan: {which}{many} in {count} of {plan.slots} slots, {memory}"
    yield f"    {plan.parameters} parameters per replica, {plan.grid_points} grid points"
    for part in told["chi2"]:
        yield from _form_lines(part)
    if machine is not None:
        yield from _time_lines(plan, machine)


SHOWN = 6
"""Names of uncertainties that the same datasets share."""

MORE_SLOTS = (25, 50)
"""Numbers of slots that may be faster where tables are shared."""

WORTH_IT = 0.8
"""Of the time of a replica: what other slots must save to be told."""

UNLIKELY = 1e-6
"""Odds that are not worth a word."""


def _form_lines(part: dict[str, Any]) -> Iterator[str]:
    """One line for linear data, one for the others."""
    for form in [part] if "form" in part else [part["linear"], part["non_linear"]]:
        if form["n_data"]:
            shape = f", {form['rows']} rows, {form['columns']} columns" if "rows" in form else ""
            squares = f", {form['squares']} squares" if "squares" in form else ""
            yield f"    chi2 of {form['n_data']} data: {form['form']}{shape}{squares}"


def _time_lines(plan: NetworkPlan, machine: Machine) -> Iterator[str]:
    seconds, steps = plan.seconds_per_step(machine), plan.setup.runcard.training.max_steps
    yield (
        f"    one core: {machine.bandwidth / 1e9:.1f} GB/s, {machine.flops / 1e9:.0f} GFlop/s; at "
        f"least {1000 * seconds:.2g} s for 1000 steps of a batch, "
        f"{len(plan.batches) * steps * seconds:.3g} s for {steps} steps of all"
    )
    faster = []
    for slots in MORE_SLOTS:
        share = plan.seconds_per_step(machine, slots) / slots / (seconds / plan.slots)
        if plan.slots < slots <= len(plan.numbers) and share < WORTH_IT:
            memory = f"{plan.memory.of(slots) / 1e6:.0f} MB"
            faster.append(f"{100 * share:.0f} % with training.slots: {slots} ({memory})")
    if faster:
        yield f"    slots share the tables: a replica takes {', '.join(faster)} of that time"
