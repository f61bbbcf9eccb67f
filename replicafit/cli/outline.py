"""Plans in words; no Keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from replicafit.forward.planning import Machine, NetworkPlan


def plan_lines(plan: NetworkPlan, machine: Machine | None = None) -> Iterator[str]:
    """How ``plan`` would be trained, on a CPU; with ``machine``, how long it takes at least."""
    told, replicas = plan.describe(), len(plan.numbers)
    which = f"architecture {plan.position}: " if plan.position else ""
    count = f"{told['batches']} batch" + ("es" if told["batches"] > 1 else "")
    memory = f"{told['memory_per_batch_mb']} MB each"
    yield f"plan: {which}{replicas} replicas in {count} of {plan.slots} slots, {memory}"
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
            squares = f", {form['squares']} squares" if "squares" in form else ""
            yield f"    chi2 of {form['n_data']} data: {form['form']}{shape}{squares}"


def _time_lines(plan: NetworkPlan, machine: Machine) -> Iterator[str]:
    seconds, steps = plan.seconds_per_step(machine), plan.setup.runcard.training.max_steps
    yield (
        f"    one core: {machine.bandwidth / 1e9:.1f} GB/s, {machine.flops / 1e9:.0f} GFlop/s; at "
        f"least {1000 * seconds:.2g} s for 1000 steps of a batch, "
        f"{len(plan.batches) * steps * seconds:.3g} s for {steps} steps of all"
    )
