"""Certifies a penalty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from keras import ops

from replicafit.components import Penalty, PenaltyContext, Verdict, load_target
from replicafit.components.inputs import UNIT, Input, described, outside, table_grid
from replicafit.data.fit_data import join_grids
from replicafit.plugins import Registry, load_registry
from replicafit.testing.conformance import array, certifies, close, compiled, require, same, tensor
from replicafit.testing.layers import FLAVOURS
from replicafit.training.backend import backend

R = 3
NONE: Mapping[str, float] = MappingProxyType({})


@certifies
def check_penalty(
    name: str,
    registry: Registry | None = None,
    folder: Path | str = ".",
    flavours: Sequence[str] = FLAVOURS,
    attributes: Mapping[str, float] = NONE,
    inputs: Sequence[Input] = UNIT,
    **settings: Any,
) -> None:
    """Checks every rule that a penalty must keep.

    The grid points it asks for are in the range of the inputs; term and measure give one finite
    number for each replica; a stack of replicas equals single ones; what a replica is or how many
    steps it took matters to no other, bitwise; a NaN stays in its slot; compiled they give the same
    with a finite gradient. Stack and singles may differ by 1e-4 |value| + 1e-6.

    Args:
        name: the ``type`` a runcard writes.
        registry: where to look; by default all installed plugins.
        folder: the runcard's; paths in settings are relative to it.
        flavours: names of the functions.
        attributes: what characterizes the functions, if the penalty looks at it.
        inputs: what they depend on, with the range of each, length m.
        settings: the penalty's settings.

    Raises:
        ConformanceError: naming the rule that is broken.
    """
    kind = (registry or load_registry()).get(Penalty, name)
    model = kind.settings.model_validate({"type": name, **settings})
    grid = table_grid(inputs)[::20]
    context = PenaltyContext(
        Path(folder), grid, tuple(flavours), attributes, max_steps=100, inputs=tuple(inputs)
    )
    if kind.x_grid is not None:
        asked = np.asarray(load_target(kind.x_grid)(model, context))
        fits = asked.shape[1:] == grid.shape[1:] and not outside(asked, inputs).any()
        allowed = f"allowed are points of {described(inputs)}, of shape (n,) or (n, m)"
        require(fits, "grid points", f"x_grid gives {asked}; {allowed}.")
        context = replace(context, x_grid=join_grids([grid, asked]))
    _check_term(load_target(kind.build)(model, context), context, "term")
    if kind.verdict is not None:
        verdict = load_target(kind.verdict)(model, context)
        require(isinstance(verdict, Verdict), "verdict", f"it is {verdict!r}.")
        require(np.isfinite(verdict.bound), "verdict", f"the bound is {verdict.bound}.")
        _check_term(lambda functions, steps: verdict.measure(functions), context, "measure")


def _check_term(term: Callable[[Any, Any], Any], context: PenaltyContext, what: str) -> None:
    """The rules of slots, for ``(functions (r, n, f), steps (r,)) -> (r,)``."""
    shape = (R, len(context.x_grid), len(context.flavours))
    functions = np.random.default_rng(1).normal(0.3, 1.0, shape)
    steps = np.array([0, 40, 100])

    def of(functions: np.ndarray, steps: np.ndarray) -> np.ndarray:
        return array(term(tensor(functions), tensor(steps, "int32")))

    whole = of(functions, steps)
    require(whole.shape == (R,), f"shapes ({what})", f"{shape} became {whole.shape}, not ({R},).")
    require(np.isfinite(whole).all(), f"finite ({what})", f"it gives {whole}.")
    for slot in range(R):
        own = slice(slot, slot + 1)
        close(f"stack equals singles ({what})", of(functions[own], steps[own]), whole[own], 1e-4)
    moved = steps + np.array([57, 0, 0])
    same(f"slots do not mix ({what}, steps)", of(functions, moved)[1:], whole[1:])
    for rule, value in (("slots do not mix", -7.0), ("a NaN stays in its slot", np.nan)):
        changed = functions.copy()
        changed[0] *= value
        same(f"{rule} ({what})", of(changed, steps)[1:], whole[1:])

    def total(functions: Any, steps: Any) -> tuple[Any, Any]:
        values = term(functions, steps)
        return ops.sum(values), values

    rule, inputs = f"compiled ({what})", (tensor(functions), tensor(steps, "int32"))
    (_, values), slope = compiled(rule, backend().value_and_grad(total), *inputs)
    dtype = array(values).dtype
    require(dtype == np.float32, rule, f"functions are float32, but it gives {dtype}.")
    close(rule, array(values), whole, 1e-4)
    require(np.isfinite(array(slope)).all(), f"finite gradient ({what})", "it is not.")
