"""Trains points that share an architecture, fold by fold, in the slots of one batch.

What a trial trains is what ``replicafit run`` trains of its runcard with one fold held out: the
same replica numbers, data, splits and starting weights, whichever points are beside it. Only
halving compares points, by design.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from keras import ops
from replicafit_pdf.evolution_basis import rotation

from replicafit.components import OptimizerType, load_target
from replicafit.data import FitData
from replicafit.errors import ModelError
from replicafit.execution.plans import Plan, make_engine, make_plans
from replicafit.forward.fit_data import load_data
from replicafit.forward.predictions import predict_all
from replicafit.runcard import Runcard, Setup
from replicafit.seeds import Seeds
from replicafit.training.batches import PreparedBatch, grid_of_datasets
from replicafit.training.engine import Schedule
from replicafit.training.hyperparameters import draw_hyperparameters
from replicafit.training.model import ReplicaModel, build_model
from replicafit.training.slots import Line, PreparedReplica, Slots, train_slots
from replicafit.training.status import Status
from replicafit_scan.halving import Rungs
from replicafit_scan.objective import OBJECTIVES, FoldScore, Outcome, score
from replicafit_scan.settings import HalvingSettings
from replicafit_scan.space import Point, Space, architecture

PADDED = 2
"""Replicas from which on a batch has all slots, not one."""


@dataclass(frozen=True, eq=False)
class Bench:
    """An architecture with one fold held out, compiled.

    Attributes:
        fold: which, from 1.
        prepared: the replicas of each trial, apart from their hyperparameters.
        model: of as many slots as train together.
        advance: the compiled engine.
    """

    fold: int
    plan: Plan
    prepared: PreparedBatch
    model: ReplicaModel
    advance: Any

    @property
    def held_out(self) -> FitData:
        """The data of the fold."""
        data = self.plan.data.held_out
        assert data is not None
        return data

    def batch(self, runcard: Runcard) -> PreparedBatch:
        """The replicas of a trial: those of ``prepared`` with the numbers of its own optimizer."""
        settings = runcard.training.optimizer
        kind = self.plan.setup.registry.get(OptimizerType, settings.type)
        numbers = self.prepared.model.numbers
        drawn = draw_hyperparameters(
            load_target(kind.build)(settings).hyper, Seeds(runcard.seed), numbers
        )
        hyper = {name: np.asarray(each, runcard.precision) for name, each in drawn.items()}
        return replace(self.prepared, state=self.prepared.state._replace(hyper=hyper))

    def predictions(self, weights: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """What networks with these ``weights`` predict for the fold, (r, d)."""
        slots, found = len(self.model.numbers), []
        for first in range(0, len(weights), slots):
            some = list(weights[first : first + slots])
            padded = some + some[:1] * (slots - len(some))
            found.append(self._predicted(padded)[: len(some)])
        return np.concatenate(found)

    def _predicted(self, weights: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        network, data = self.model.network, self.held_out
        for variable, rows in zip(
            network.trainable_variables, zip(*weights, strict=True), strict=True
        ):
            variable.assign(np.stack(rows))
        x = ops.cast(ops.convert_to_tensor(data.x_grid[None, :, None]), network.compute_dtype)
        values = np.asarray(ops.convert_to_numpy(network(x))[0], np.float64)
        turn = rotation(self.model.flavours, data.flavours)
        return predict_all(data, self.plan.setup.registry, values @ turn)


@dataclass
class Workshop:
    """Where trials are carried out; keeps what is compiled."""

    space: Space
    benches: dict[tuple[str, int], Bench] = field(default_factory=dict)

    def carried_out(self, points: Sequence[Point]) -> Iterator[Outcome]:
        """What becomes of ``points``, which share an architecture."""
        try:
            yield from self._carried_out(points)
        except ModelError as reason:
            yield from (Outcome.refused(p.number, p.values, str(reason)) for p in points)

    def _carried_out(self, points: Sequence[Point]) -> list[Outcome]:
        cards = {p.number: self.space.runcard(p.values) for p in points}
        scores: dict[int, list[FoldScore]] = {p.number: [] for p in points}
        rungs: dict[int, tuple[int, float]] = {}
        for fold in range(1, len(self.space.base.data.folds) + 1):
            going = {number: cards[number] for number in cards if number not in rungs}
            if not going:
                break
            bench = self._bench(next(iter(going.values())), fold)
            halving = self.space.scan.halving if fold == 1 else None
            finished, behind = tried(bench, going, halving)
            rungs |= behind
            for number, found in finished.items():
                scores[number].append(found)
        return [self._outcome(p, scores[p.number], rungs.get(p.number)) for p in points]

    def _outcome(
        self, point: Point, folds: Sequence[FoldScore], rung: tuple[int, float] | None
    ) -> Outcome:
        value, state = None, "stopped"
        if rung is None:
            sound = all("diverged" not in f.statuses and np.isfinite(f.chi2) for f in folds)
            state = "complete" if sound else "diverged"
            value = OBJECTIVES[self.space.scan.objective](folds) if sound else None
        return Outcome(point.number, dict(point.values), state, value, tuple(folds), rung)

    def _bench(self, runcard: Runcard, fold: int) -> Bench:
        key = architecture(runcard, self.space.registry), fold
        if key not in self.benches:
            self.benches[key] = make_bench(runcard, fold, self.space)
        return self.benches[key]


def make_bench(runcard: Runcard, fold: int, space: Space) -> Bench:
    """Reads, prepares and compiles ``runcard`` with ``fold`` held out."""
    settings, folder = space.scan, space.card.parent
    data = runcard.data.model_copy(update={"hold_out": fold})
    runcard = runcard.model_copy(update={"data": data})
    first, count = runcard.replicas.first, settings.replicas_per_fold
    together = max(PADDED, count * settings.generation)
    setup = Setup(runcard, space.registry, folder)
    (plan,) = make_plans(setup, load_data(setup), range(first, first + together))
    numbers = tuple(range(first, first + count))
    prepared = plan.prepare(numbers)
    padded = (numbers + numbers[:1] * plan.slots)[: plan.slots]
    model = build_model(plan.setup, padded, grid_of_datasets(plan.data), plan.start)
    return Bench(fold, plan, prepared, model, make_engine(plan, model).compiled())


def tried(
    bench: Bench, cards: Mapping[int, Runcard], halving: HalvingSettings | None
) -> tuple[dict[int, FoldScore], dict[int, tuple[int, float]]]:
    """The scores of the trials ``cards`` on one fold; of those that fall behind the rung.

    A slot takes the next replica of the next trial as soon as its own ends or is stopped, and no
    further replica of a trial begins once it has fallen behind.
    """
    batches = {number: bench.batch(card) for number, card in cards.items()}
    owner = {id(batch): number for number, batch in batches.items()}
    replicas = range(len(bench.prepared.model.numbers))
    rungs = Rungs(halving, owner, len(replicas))
    ends: dict[int, dict[int, _End]] = {number: {} for number in cards}

    def coming() -> Iterator[PreparedReplica]:
        for number, batch in batches.items():
            for place in replicas:
                if number not in rungs.behind:
                    yield PreparedReplica(batch, place)

    start = Slots.empty(PreparedReplica(bench.prepared, 0), bench.plan.slots)
    schedule = with_looks_at_rungs(bench.plan.schedule, halving)
    for now in train_slots(bench.advance, start, Line(coming()), schedule, rungs.judged):
        state = now.snapshot.state
        for slot, replica in enumerate(now.replicas):
            if state.status[slot] not in (Status.running, Status.empty):
                ends[owner[id(replica.batch)]].setdefault(replica.place, _End.of(state, slot))
    going = [number for number in cards if number not in rungs.behind]
    return {number: _score(bench, ends[number]) for number in going}, rungs.behind


def with_looks_at_rungs(schedule: Schedule, halving: HalvingSettings | None) -> Schedule:
    """``schedule`` with compiled calls that are no longer than to the first rung."""
    if halving is None:
        return schedule
    checks = max(1, min(halving.rungs) // schedule.check_every)
    return replace(schedule, checks_per_call=min(checks, schedule.checks_per_call))


@dataclass(frozen=True)
class _End:
    """A replica that has ended."""

    status: str
    steps: int
    weights: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, state: Any, slot: int) -> _End:
        weights = tuple(each[slot].copy() for each in state.best_weights)
        return cls(Status(int(state.status[slot])).name, int(state.steps[slot]), weights)


def _score(bench: Bench, ends: dict[int, _End]) -> FoldScore:
    each = [ends[place] for place in sorted(ends)]
    data = bench.held_out
    predictions = bench.predictions([end.weights for end in each])
    chi2, phi2 = score(predictions, data.central, data.cholesky)
    return FoldScore(
        fold=bench.fold,
        n_data=data.n_data,
        chi2=chi2,
        phi2=phi2,
        statuses=tuple(end.status for end in each),
        steps=tuple(end.steps for end in each),
    )
