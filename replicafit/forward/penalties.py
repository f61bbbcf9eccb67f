"""The penalties of a runcard: the grid they need, their terms and their verdicts; no Keras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from replicafit.components import Penalty, PenaltyContext, Verdict, load_target
from replicafit.components.inputs import as_points, described, outside
from replicafit.data import FitData
from replicafit.data.fit_data import join_grids
from replicafit.errors import ModelError
from replicafit.runcard import Setup
from replicafit.runcard.models import NetworkSettings, flavours_along


@dataclass(frozen=True)
class Penalties:
    """What the engine adds to chi2, and who passes.

    Attributes:
        terms: each ``(functions (r, n, f), steps (r,)) -> (r,)``.
        verdicts: by the name results use.
    """

    terms: tuple[Callable[[Any, Any], Any], ...] = ()
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    @property
    def at_checks(self) -> tuple[Verdict, ...]:
        """The verdicts that best weights wait for."""
        return tuple(verdict for verdict in self.verdicts.values() if verdict.at_checks)


def with_penalty_grids(data: FitData, setup: Setup) -> FitData:
    """``data`` on a grid that holds what the penalties of the runcard need, too.

    Raises:
        ReplicafitError: the settings of a penalty cannot be used.
    """
    contexts = [_context(setup, network, data) for network in setup.runcard.model.networks]
    grids = []
    for context, (_, item, kind) in product(contexts, _chosen(setup)):
        with kind.at_fault("when it asked for grid points"):
            if kind.x_grid is None:
                continue
            grid = np.asarray(load_target(kind.x_grid)(item, context), float)
            same = as_points(grid).shape[1] == len(data.inputs)
            if not same or outside(grid, data.inputs).any():
                raise ModelError(
                    f"A penalty asks for grid points outside of {described(data.inputs)}. Leave it "
                    "out, or give data.x_range a range that holds them."
                )
            grids.append(grid)
    return replace(data, x_grid=join_grids([data.x_grid, *grids])) if grids else data


def build_penalties(setup: Setup, data: FitData) -> Penalties:
    """The penalties of the runcard, for functions of its one architecture on ``data``'s grid."""
    context, terms, verdicts = _context(setup, setup.runcard.model, data), [], {}
    for name, item, kind in _chosen(setup):
        term = kind.call("build", item, context, when="when its term was built")
        terms.append(_each(kind, "term", term))
        if kind.verdict is not None:
            with kind.at_fault("when its verdict was built"):
                verdict = load_target(kind.verdict)(item, context)
                measure = _each(kind, "measure", verdict.measure)
                verdicts[name] = replace(verdict, measure=measure, bound=float(verdict.bound))
    return Penalties(tuple(terms), verdicts)


def _each(kind: Penalty, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` with one value for each replica; whatever fails in it has the plugin's name."""

    def each(functions: Any, *steps: Any) -> Any:
        with kind.at_fault(f"when its {what} was computed"):
            values = function(functions, *steps)
            found, wanted = tuple(values.shape), tuple(functions.shape[:1])
            if found != wanted:
                raise ModelError(
                    f"A {what} has one value for each replica, of shape {wanted}, not {found}."
                )
            if steps and values.dtype != functions.dtype:
                raise ModelError(f"A {what} is {functions.dtype.name}, not {values.dtype.name}.")
        return values

    return each


def _context(setup: Setup, network: NetworkSettings, data: FitData) -> PenaltyContext:
    return PenaltyContext(
        folder=setup.folder,
        x_grid=data.x_grid,
        flavours=flavours_along(network.of(data.flavours), setup.registry)[-1],
        attributes=data.attributes,
        max_steps=setup.runcard.training.max_steps,
        inputs=data.inputs,
    )


def _chosen(setup: Setup) -> list[tuple[str, Any, Penalty]]:
    """The name in results, the settings and the description of each penalty. The name is the type,
    from the second of a type on with its number.
    """
    found: list[tuple[str, Any, Penalty]] = []
    seen: Counter[str] = Counter()
    for item in setup.runcard.penalties:
        kind = setup.registry.get(Penalty, item.type)
        seen[kind.name] += 1
        count = seen[kind.name]
        found.append((f"{kind.name} {count}" if count > 1 else kind.name, item, kind))
    return found
