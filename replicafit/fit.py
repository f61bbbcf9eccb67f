"""The recipe: runcard -> data -> model -> training -> results -> export."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from replicafit.components import Exporter, OptimiserType, Penalty, load_target
from replicafit.data import FitData, load_data
from replicafit.export.evaluation import Evaluation
from replicafit.export.files import write_arrays
from replicafit.export.folder import FitFolder
from replicafit.forward.chi2 import Chi2, chi2_form
from replicafit.plugins import Registry
from replicafit.provenance import Timing, write_run_file
from replicafit.results import ReplicaResult
from replicafit.runcard import Runcard, canonical
from replicafit.training.backend import seam
from replicafit.training.batches import Batch, PreparedBatch, plan_batches, prepare_batch
from replicafit.training.checkpoint import Checkpoints
from replicafit.training.engine import Engine, Schedule, network_functions
from replicafit.training.loop import Snapshot, train
from replicafit.training.optimisers import Optimiser
from replicafit.training.state import Status

STEPS_PER_CALL = 500
"""About how many steps pass before Python looks in."""


class Observer(Protocol):
    """Who watches a fit."""

    def phase(self, what: str) -> None:
        """A new phase of the work begins."""

    def progress(self, snapshot: Snapshot, data: Any) -> None:
        """A batch has trained a few hundred steps more."""

    def replica(self, result: ReplicaResult) -> None:
        """A replica is finished and written."""

    def warning(self, message: str) -> None:
        """Something went wrong that does not end the fit."""


@dataclass(frozen=True)
class Plan:
    """What all batches of a fit share."""

    runcard: Runcard
    registry: Registry
    data: FitData
    chi2: Chi2
    penalties: tuple[Callable[[Any, Any], Any], ...]
    optimiser: Optimiser
    schedule: Schedule
    batches: tuple[Batch, ...]

    def prepare(self, batch: Batch) -> PreparedBatch:
        """Everything of the replicas of ``batch``, on the host."""
        return prepare_batch(
            batch, self.runcard, self.registry, self.data, self.chi2, self.optimiser
        )


@dataclass(frozen=True)
class Output:
    """Where and how a fit is written.

    Attributes:
        folder: the fit's folder.
        resume: continue the fit that is there.
        checkpoint_seconds: at least this long between two checkpoints.
    """

    folder: FitFolder
    resume: bool = False
    checkpoint_seconds: float = 30.0

    def begin(self, runcard: Runcard, card: Path) -> Checkpoints:
        """Makes the folder, or makes sure that the fit there is the same."""
        if self.resume:
            self.folder.refuse_unless_same(canonical(runcard))
        else:
            self.folder.create(card)
        return Checkpoints(self.folder.checkpoint, self.checkpoint_seconds, write_arrays)


def fit(
    runcard: Runcard, registry: Registry, card: Path, output: Output, observer: Observer
) -> tuple[int, ...]:
    """Fits all replicas of ``runcard`` and writes each as soon as it is finished.

    Args:
        card: the runcard's file; paths in it are relative to its folder.
        output: where to write; made once the runcard and its data are known to be good.
        observer: who is told.

    Returns:
        The replica numbers that are written, those of earlier runs included.
    """
    start = time.perf_counter()
    observer.phase("Reading data")
    seam().prepare(runcard.precision)
    plan = make_plan(runcard, registry, card.parent, runcard.replicas.numbers)
    written = set(output.folder.finished()) if output.resume else set()
    left = [batch for batch in plan.batches if not written.issuperset(batch.numbers)]
    prepared = _prepared(plan, left)
    first = next(prepared, None)
    checkpoints = output.begin(runcard, card)
    timing = Timing(setup_s=time.perf_counter() - start)
    note = partial(
        write_run_file, output.folder.run_file, runcard, registry, plan.chi2.describe(), timing
    )
    note()
    if first is not None:
        advance = make_engine(plan, first).compiled()
        evaluation = Evaluation(plan.data, registry, runcard.seed)
        write = _Writer(plan, evaluation, output.folder, observer, written)
        for batch in chain([first], prepared):
            observer.phase("Training" if timing.first_step_s else "Compiling")
            begun = checkpoints.load(batch.model.numbers, batch.state, observer.warning)
            for snapshot in timing.watch(_train(advance, batch, plan.schedule, begun)):
                observer.progress(snapshot, batch.data)
                write.finished(batch, snapshot)
                checkpoints.maybe_save(batch.model.numbers, snapshot)
            note()
    checkpoints.clear()
    return tuple(sorted(written))


@dataclass(frozen=True)
class _Writer:
    """Writes replicas when they are finished, each once."""

    plan: Plan
    evaluation: Evaluation
    folder: FitFolder
    observer: Observer
    written: set[int]

    def finished(self, batch: PreparedBatch, snapshot: Snapshot) -> None:
        """Writes the replicas that have finished since the last call."""
        over = np.isin(snapshot.state.status, [Status.running, Status.empty], invert=True)
        slots = [
            s for s in np.flatnonzero(over).tolist() if batch.model.numbers[s] not in self.written
        ]
        if not slots:
            return
        plan = self.plan
        exporters = [plan.registry.get(Exporter, name) for name in plan.runcard.export]
        for result, network in self.evaluation.results(batch.model, batch.data, snapshot, slots):
            for failure in self.folder.write_replica(result, network, exporters):
                self.observer.warning(failure)
            self.written.add(result.number)
            self.observer.replica(result)


def _train(
    advance: Any, batch: PreparedBatch, schedule: Schedule, begun: Snapshot | None
) -> Iterator[Snapshot]:
    """Trains a batch from its start, or from where a checkpoint left it."""
    if begun is None:
        yield from train(advance, batch.state, batch.constants, schedule)
    else:
        yield begun
        yield from train(advance, begun.state, batch.constants, schedule, begun.history)


def make_plan(
    runcard: Runcard, registry: Registry, card_folder: Path, numbers: Sequence[int]
) -> Plan:
    """Data, chi2 form, optimiser and batches of a fit of the replicas ``numbers``."""
    data = load_data(runcard.data.datasets, registry, card_folder)
    training = runcard.training
    return Plan(
        runcard=runcard,
        registry=registry,
        data=data,
        chi2=chi2_form(data, registry, runcard.model.flavours, runcard.precision),
        penalties=tuple(
            load_target(registry.get(Penalty, item.type).build)(
                item, card_folder, data.x_grid, runcard.model.flavours
            )
            for item in runcard.penalties
        ),
        optimiser=load_target(registry.get(OptimiserType, training.optimizer.type).build)(
            training.optimizer
        ),
        schedule=Schedule(
            max_steps=training.max_steps,
            check_every=training.check_every,
            patience=training.patience,
            checks_per_call=max(1, STEPS_PER_CALL // training.check_every),
        ),
        batches=plan_batches(numbers),
    )


def make_engine(plan: Plan, prepared: PreparedBatch) -> Engine:
    """The engine for all batches of ``plan``; any of them shows it the shapes."""
    return Engine(
        functions=network_functions(prepared.model.network, plan.data.x_grid),
        chi2=plan.chi2,
        penalties=plan.penalties,
        optimiser=plan.optimiser,
        schedule=plan.schedule,
        constraints=tuple(v.constraint for v in prepared.model.network.trainable_variables),
    )


def _prepared(plan: Plan, batches: Sequence[Batch]) -> Iterator[PreparedBatch]:
    """Batches ready to train; the next is prepared while one trains."""
    with ThreadPoolExecutor(max_workers=1) as helper:
        coming = [helper.submit(plan.prepare, batch) for batch in batches[:1]]
        for following in (*batches[1:], None)[: len(batches)]:
            ready = coming.pop().result()
            if following is not None:
                coming.append(helper.submit(plan.prepare, following))
            yield ready
