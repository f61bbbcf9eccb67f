"""Puts the independence law to the test on a user's own runcard.

A few replicas are trained alone, together, in another order, beside a replica with a 1000-fold
gradient and beside one that is not a number; the weights must not notice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.execution.plans import Plan, make_engine, make_plans
from replicafit.forward.planning import Batch
from replicafit.plugins import Registry
from replicafit.runcard import Runcard
from replicafit.training.backend import seam
from replicafit.training.batches import PreparedBatch
from replicafit.training.engine import BatchConstants, History
from replicafit.training.loop import Snapshot, train
from replicafit.training.state import TrainingState

TOLERANCE = {"float32": 1e-4, "float64": 1e-10}
"""Relative difference of weights allowed between compilations after few steps.

Not after many, where rounding grows as in any two runs of one network on two machines, and only for
calm replicas: one whose sum rules pass near a zero amplifies rounding all by itself, which shows
when the last bit of its own initial weights is changed."""

FEW_STEPS = 50


@dataclass(frozen=True)
class Case:
    """What one kind of company does to a replica.

    Attributes:
        name: what was tried.
        few, many: largest difference of any weight of any replica, relative to the largest weight
            of its variable, after few and many steps.
        allowed: for ``few``; for ``many`` too if it is 0; None where nothing is required.
    """

    name: str
    few: float
    many: float
    allowed: float | None

    @property
    def holds(self) -> bool:
        """Whether the law holds."""
        if self.allowed is None:
            return True
        return self.few <= self.allowed and (self.allowed > 0 or self.many == 0)


def verify(
    runcard: Runcard, registry: Registry, card_folder: Path, replicas: int = 4, many: int = 1000
) -> tuple[Case, ...]:
    """All cases for the first ``replicas`` replica numbers, ``many`` steps at most.

    Where the runcard has a choice of architectures, for each of them.
    """
    seam().prepare(runcard.precision)
    numbers = tuple(range(runcard.replicas.first, runcard.replicas.first + replicas))
    found: list[Case] = []
    for network in runcard.model.networks:
        card = runcard.with_network(network)
        (plan,) = make_plans(card, registry, card_folder, numbers)
        found += _Trials(plan, numbers, min(many, card.training.max_steps)).cases()
    return tuple(found)


class _Trials:
    """Trains the same replicas in different company."""

    def __init__(self, plan: Plan, numbers: Sequence[int], many: int) -> None:
        few = min(FEW_STEPS, many)
        self.numbers, self.tolerance = tuple(numbers), TOLERANCE[plan.runcard.precision]
        every = plan.schedule.check_every
        self.checks = (-(-few // every), -(-many // every))
        schedule = replace(
            plan.schedule, checks_per_call=self.checks[1], patience=many + 1, max_steps=2 * many
        )
        self.plan = replace(plan, schedule=schedule)
        self.compiled: dict[int, Callable[..., Any]] = {}

    def cases(self) -> list[Case]:
        """Every kind of company."""
        last, slots = len(self.numbers) - 1, range(len(self.numbers))
        together = self._train(self.numbers)
        alone = [self._train((number,), padded=True) for number in self.numbers]
        single = [self._train((number,)) for number in self.numbers]
        turned = self._train(self.numbers[::-1])
        loud = self._train(self.numbers, change=lambda c: louder(c, last, 1000.0))
        broken = self._train(self.numbers, change=lambda c: _broken(c, last))
        nudged = self._train(self.numbers, nudge=True)
        calm = [s for s in slots if self._few([(together, s, nudged, s)]) <= self.tolerance]
        compiled = [(together, s, single[s], 0) for s in calm]
        name = f"alone, compiled for one ({len(calm)} calm of {len(slots)})"
        return [
            self._case("alone", [(together, s, alone[s], 0) for s in slots], 0),
            self._case("in another order", [(together, s, turned, last - s) for s in slots], 0),
            self._case("beside a 1000-fold gradient", self._same(together, loud, last), 0),
            self._case("beside one that diverges", self._same(together, broken, last), 0),
            self._case(name, compiled, self.tolerance),
            self._case("itself, one bit changed", self._same(together, nudged, last + 1), None),
        ]

    def _same(self, ours: Any, theirs: Any, count: int) -> list[Any]:
        return [(ours, slot, theirs, slot) for slot in range(count)]

    def _few(self, pairs: Sequence[Any]) -> float:
        return max((_distance(a[0], i, b[0], j) for a, i, b, j in pairs), default=0.0)

    def _case(self, name: str, pairs: Sequence[Any], allowed: float | None) -> Case:
        many = max((_distance(a[1], i, b[1], j) for a, i, b, j in pairs), default=0.0)
        return Case(name, self._few(pairs), many, allowed)

    def _train(
        self,
        numbers: tuple[int, ...],
        padded: bool = False,
        nudge: bool = False,
        change: Callable[[BatchConstants], BatchConstants] = lambda constants: constants,
    ) -> tuple[Snapshot, Snapshot]:
        """Snapshots after few and many steps."""
        slots = len(self.numbers) if padded else len(numbers)
        prepared = self.plan.prepare(Batch(numbers, slots))
        advance = self._engine(prepared)
        few, many = self.checks
        constants = change(prepared.constants)
        state = _nudged(prepared.state) if nudge else prepared.state
        early = self._advance(advance, state, constants, few)
        late = self._advance(advance, early.state, constants, many - few)
        return early, late

    def _advance(
        self, advance: Any, state: TrainingState, constants: BatchConstants, checks: int
    ) -> Snapshot:
        if not checks:
            return Snapshot(state, History(0, 0, 0))
        once = replace(self.plan.schedule, checks_per_call=checks)
        return next(train(advance, state, constants, once))

    def _engine(self, prepared: PreparedBatch) -> Callable[..., Any]:
        slots = len(prepared.state.steps)
        if slots not in self.compiled:
            self.compiled[slots] = make_engine(self.plan, prepared).compiled()
        return self.compiled[slots]


def _distance(ours: Snapshot, i: int, theirs: Snapshot, j: int) -> float:
    """Largest difference of the weights of slot i and slot j, relative to each variable's size."""
    worst = 0.0
    for a, b in zip(ours.state.weights, theirs.state.weights, strict=True):
        size = max(float(np.abs(a[i]).max()), np.finfo(a.dtype).tiny)
        gap = float(np.abs(a[i] - b[j]).max()) / size
        worst = max(worst, np.inf if np.isnan(gap) else gap)
    return worst


def louder(constants: BatchConstants, slot: int, factor: float) -> BatchConstants:
    """chi2, and with it the gradient, of one slot multiplied by ``factor``."""
    factors = np.ones(len(constants.stop_on_training), constants.stop_on_training.dtype)
    factors[slot] = factor
    loud = tuple(terms.scaled(factors) for terms in constants.training)
    return constants._replace(training=loud)


def _nudged(state: TrainingState) -> TrainingState:
    """The last bit of every initial weight changed."""
    return state._replace(weights=tuple(np.nextafter(w, np.inf) for w in state.weights))


def _broken(constants: BatchConstants, slot: int) -> BatchConstants:
    """chi2 of one slot is not a number."""
    return louder(constants, slot, np.nan)


__all__ = ["Case", "louder", "verify"]
