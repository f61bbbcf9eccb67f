"""Variants of a fit: they differ in numbers of the optimizer and share all that is compiled.

For plugins that search settings. Nothing is written: of each replica comes what it says about the
data that are held out. Variants train in the slots of one engine, and a replica is the same
whichever others are beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from replicafit.components import OptimizerType
from replicafit.data import FitData
from replicafit.execution.plans import Plan, make_plans
from replicafit.forward.assembly import load_data
from replicafit.runcard import Runcard, Setup
from replicafit.seeds import Seeds
from replicafit.training.batches import PreparedBatch
from replicafit.training.hyperparameters import draw_hyperparameters
from replicafit.training.slots import (
    FinishedReplica,
    Line,
    PreparedReplica,
    Slots,
    train_slots,
)
from replicafit.training.status import Status


@dataclass(frozen=True)
class Checked:
    """A replica of a variant between two compiled calls, or at its end.

    Attributes:
        variant: whose it is.
        number: the replica number.
        steps: that it has taken.
        status: the name of a ``Status``.
        at: the steps of its checks, (checks,).
        chi2: at each the chi2 that decides when it stops, (checks,): of validation, or of training
            without validation data; not divided.
    """

    variant: int
    number: int
    steps: int
    status: str
    at: np.ndarray
    chi2: np.ndarray


@dataclass(frozen=True)
class HeldOut:
    """A replica of a variant at its best check.

    Attributes:
        number: the replica number.
        steps: that it took.
        status: the name of a ``Status``.
        prediction: of the data that are held out, (d,).
        fitted: of the data that are not, (d,).
        failed: the verdicts it fails: penalties, ``selection.chi2_per_datum``, or ``pseudodata``
            where none were found for it.
    """

    number: int
    steps: int
    status: str
    prediction: np.ndarray
    fitted: np.ndarray
    failed: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Variants:
    """One architecture with data held out, read, prepared and compiled once.

    Attributes:
        plan: of the runcard that the variants have in common.
        numbers: the replica numbers that each variant trains.
    """

    plan: Plan
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, setup: Setup, numbers: Sequence[int]) -> Variants:
        """Reads the data of ``setup``, which has one architecture and ``data.hold_out``.

        Raises:
            ReplicafitError: it cannot be fitted.
        """
        (plan,) = make_plans(setup, load_data(setup), numbers)
        plan.model  # noqa: B018  what cannot be built is said now
        return cls(plan, tuple(numbers))

    @property
    def held_out(self) -> FitData:
        """The data that are not fitted."""
        data = self.plan.data.held_out
        assert data is not None
        return data

    @property
    def fitted(self) -> FitData:
        """The data that are."""
        return self.plan.data

    def train(
        self,
        runcards: Mapping[int, Runcard],
        given_up: Callable[[Sequence[Checked]], Collection[int]] = lambda checked: (),
        look_every: int | None = None,
    ) -> dict[int, list[HeldOut]]:
        """Trains the variants, each of them a runcard, by a number that names it.

        A slot takes the next replica of the next variant as soon as its own ends.

        Args:
            runcards: those of the variants.
            given_up: told after each compiled call of all replicas in slots; the variants to stop.
            look_every: steps of a compiled call, if fewer than usual.

        Returns:
            The replicas of each variant that was not given up, by its number.
        """
        batches = {variant: self._batch(card) for variant, card in runcards.items()}
        owner = {id(batch): variant for variant, batch in batches.items()}
        stopped: set[int] = set()

        places = range(len(self.numbers))
        prepared = {v: [PreparedReplica(b, i) for i in places] for v, b in batches.items()}
        finished = {
            variant: [ended for replica in replicas if (ended := replica.ended)]
            for variant, replicas in prepared.items()
        }

        def coming() -> Iterator[PreparedReplica]:
            for variant, replicas in prepared.items():
                for replica in replicas:
                    if variant not in stopped and replica.ended is None:
                        yield replica

        def judged(now: Slots) -> Slots:
            stopped.update(given_up(_checked(now, owner)))
            each = [owner.get(id(replica.batch)) in stopped for replica in now.replicas]
            return now.halted(np.array(each))

        schedule = self.plan.schedule
        if look_every is not None:
            checks = max(1, look_every // schedule.check_every)
            schedule = replace(schedule, checks_per_call=min(checks, schedule.checks_per_call))
        before = Slots.empty(PreparedReplica(self._prepared, 0), self.plan.slots)
        for now in train_slots(self.plan.engine, before, Line(coming()), schedule, judged):
            for each in now.finished(before):
                finished[owner[id(each.replica.batch)]].append(each)
            before = now
        return {v: self._judged(each) for v, each in finished.items() if v not in stopped}

    @cached_property
    def _prepared(self) -> PreparedBatch:
        """The replicas of each variant, apart from their hyperparameters."""
        return self.plan.prepare(self.numbers)

    def _batch(self, runcard: Runcard) -> PreparedBatch:
        settings = runcard.training.optimizer
        kind = self.plan.setup.registry.get(OptimizerType, settings.type)
        optimizer = kind.call("build", settings, when="when it was built")
        drawn = draw_hyperparameters(optimizer.hyper, Seeds(runcard.seed), self.numbers)
        hyper = {name: np.asarray(each, runcard.precision) for name, each in drawn.items()}
        return replace(self._prepared, state=self._prepared.state._replace(hyper=hyper))

    def _judged(self, finished: Sequence[FinishedReplica]) -> list[HeldOut]:
        """Of the replicas of one variant, by number."""
        found: list[HeldOut] = []
        ordered = sorted(finished, key=lambda each: each.replica.number)
        for i in range(0, len(ordered), self.plan.slots):
            some = ordered[i : i + self.plan.slots]
            for each, held_out, fitted, own in zip(
                some, *self.plan.evaluation.held_out(some), strict=True
            ):
                state = each.row[0]
                status = Status(int(state.status)).name
                failed = tuple(name for name, verdict in own.items() if not verdict.passed)
                failed += ("pseudodata",) if status == Status.undrawn.name else ()
                number, steps = each.replica.number, int(state.steps)
                found.append(HeldOut(number, steps, status, held_out, fitted, failed))
        return found


def _checked(now: Slots, owner: Mapping[int, int]) -> list[Checked]:
    """The replicas in slots, without spare ones."""
    found = []
    for slot, replica in enumerate(now.replicas):
        state, history = now.row(slot)
        if state.status == Status.empty:
            continue
        on_training = replica.batch.constants.stop_on_training[replica.place] > 0
        own = history.step >= 0
        found.append(
            Checked(
                variant=owner[id(replica.batch)],
                number=replica.number,
                steps=int(state.steps),
                status=Status(int(state.status)).name,
                at=history.step[own],
                chi2=(history.training if on_training else history.validation)[own],
            )
        )
    return found
