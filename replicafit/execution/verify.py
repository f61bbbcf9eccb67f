"""Puts the independence law to the test on a user's own runcard.

A few replicas are trained alone, together, in another order, beside a replica with a 1000-fold
gradient and beside one that is not a number; the weights must not notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from replicafit.execution.plans import Plan, make_engine, make_plans
from replicafit.forward.assembly import load_data
from replicafit.runcard import Setup
from replicafit.training.batches import PreparedBatch
from replicafit.training.engine import BatchConstants
from replicafit.training.loop import Snapshot, train
from replicafit.training.slots import Line, Slots, replicas_of

FEW_STEPS = 50


@dataclass(frozen=True)
class Case:
    """What one kind of company does to a replica.

    Attributes:
        name: what was tried.
        few, many: largest difference of any weight of any replica, relative to the largest weight
            of its variable, after few and many steps.
        allowed: for both; None where nothing is required.
    """

    name: str
    few: float
    many: float
    allowed: float | None

    @property
    def holds(self) -> bool:
        """Whether the law holds."""
        return self.allowed is None or max(self.few, self.many) <= self.allowed


def verify(setup: Setup, replicas: int = 4, many: int = 1000) -> tuple[Case, ...]:
    """All cases for the first ``replicas`` replica numbers, ``many`` steps at most.

    Where the runcard has a choice of architectures, for each of them.
    """
    first = setup.runcard.replicas.first
    numbers, data = tuple(range(first, first + replicas)), load_data(setup)
    found: list[Case] = []
    for network in setup.runcard.model.networks:
        own = setup.with_network(network)
        (plan,) = make_plans(own, data, numbers)
        found += _Trials(plan, min(many, own.runcard.training.max_steps)).cases()
    return tuple(found)


class _Trials:
    """Trains the same replicas in different company, all with the program that fits them."""

    def __init__(self, plan: Plan, many: int) -> None:
        every = plan.schedule.check_every
        self.numbers = plan.network.numbers[: plan.slots]
        self.checks = (-(-min(FEW_STEPS, many) // every), -(-many // every))
        endless = replace(
            plan.schedule,
            checks_per_call=self.checks[1],
            patience=many + 1,
            max_steps=2 * every * self.checks[1],
        )
        self.plan = replace(plan, schedule=endless)
        self.advance = make_engine(self.plan, plan.model).compiled()
        self.prepared = plan.prepare(self.numbers)

    def cases(self) -> list[Case]:
        """Every kind of company."""
        last, slots = len(self.numbers) - 1, range(len(self.numbers))
        together = self._train(self.prepared)
        alone = [self._train(self.plan.prepare((number,))) for number in self.numbers]
        reversed_ = self._train(self.plan.prepare(self.numbers[::-1]))
        loud, broken = (
            self._train(replace(self.prepared, constants=louder(self.prepared.constants, last, f)))
            for f in (1000.0, np.nan)
        )
        weights = self.prepared.state.weights
        last_bit = tuple(np.nextafter(w, np.inf) for w in weights)
        changed = self.prepared.state._replace(weights=last_bit)
        nudged = self._train(replace(self.prepared, state=changed))

        def case(name: str, others: Iterable[tuple[_Trained, int]], allowed: float | None) -> Case:
            """What the replicas in ``others``, trained with others beside them, differ by."""
            gaps = [_distances(together, s, theirs, t) for s, (theirs, t) in enumerate(others)]
            few, many = np.max(gaps, axis=0, initial=0.0).tolist()
            return Case(name, few, many, allowed)

        return [
            case("alone", [(alone[s], 0) for s in slots], 0),
            case("in another order", [(reversed_, last - s) for s in slots], 0),
            case("beside a 1000-fold gradient", [(loud, s) for s in slots[:last]], 0),
            case("beside one that diverges", [(broken, s) for s in slots[:last]], 0),
            case("itself, one bit changed", [(nudged, s) for s in slots], None),
        ]

    def _train(self, prepared: PreparedBatch) -> _Trained:
        """Snapshots after few and many steps."""
        replicas = list(replicas_of([prepared]))
        slots = Slots.empty(replicas[0], self.plan.slots).refilled(Line(iter(replicas)))
        few, many = self.checks
        early = self._advance(slots.snapshot, slots.constants, few)
        return early, self._advance(early, slots.constants, many - few)

    def _advance(self, snapshot: Snapshot, constants: BatchConstants, checks: int) -> Snapshot:
        if not checks:
            return snapshot
        once = replace(self.plan.schedule, checks_per_call=checks)
        return next(train(self.advance, snapshot.state, constants, once, snapshot.history))


_Trained = tuple[Snapshot, Snapshot]
"""After few and many steps."""


def _distances(ours: _Trained, i: int, theirs: _Trained, j: int) -> list[float]:
    """Largest difference of the weights of slot i and slot j, relative to each variable's size,
    after few and many steps.
    """
    found = []
    for one, other in zip(ours, theirs, strict=True):
        worst = 0.0
        for a, b in zip(one.state.weights, other.state.weights, strict=True):
            size = max(float(np.abs(a[i]).max()), np.finfo(a.dtype).tiny)
            gap = float(np.abs(a[i] - b[j]).max()) / size
            worst = max(worst, np.inf if np.isnan(gap) else gap)
        found.append(worst)
    return found


def louder(constants: BatchConstants, slot: int, factor: float) -> BatchConstants:
    """chi2, and with it the gradient, of one slot multiplied by ``factor``."""
    factors = np.ones(len(constants.stop_on_training), constants.stop_on_training.dtype)
    factors[slot] = factor
    loud = tuple(terms.scaled(factors) for terms in constants.training)
    return constants._replace(training=loud)
