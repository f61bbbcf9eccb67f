"""The recipe: runcard -> data -> model -> training -> results -> export."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from replicafit.components import Exporter, OptimiserType, load_target
from replicafit.data import FitData, load_data
from replicafit.export.evaluation import Evaluation
from replicafit.export.folder import FitFolder
from replicafit.forward.chi2 import Chi2, chi2_form
from replicafit.plugins import Registry
from replicafit.provenance import Timing, write_run_file
from replicafit.results import ReplicaResult
from replicafit.runcard import Runcard
from replicafit.training.backend import seam
from replicafit.training.batches import Batch, PreparedBatch, plan_batches, prepare_batch
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
    optimiser: Optimiser
    schedule: Schedule
    batches: tuple[Batch, ...]


def fit(
    runcard: Runcard, registry: Registry, card: Path, output: FitFolder, observer: Observer
) -> tuple[ReplicaResult, ...]:
    """Fits all replicas of ``runcard`` and writes each as soon as it is finished.

    Args:
        card: the runcard's file; paths in it are relative to its folder.
        output: where to write; made once the runcard and its data are known to be good.
        observer: who is told.
    """
    start = time.perf_counter()
    observer.phase("Reading data")
    seam().prepare(runcard.precision)
    plan = make_plan(runcard, registry, card.parent, runcard.replicas.numbers)
    exporters = [registry.get(Exporter, name) for name in runcard.export]
    evaluation = Evaluation(plan.data, registry, runcard.seed)
    coming = _prepared(plan)
    first = next(coming)
    output.create(card)
    timing = Timing(setup_s=time.perf_counter() - start)
    write_run_file(output.run_file, runcard, registry, plan.chi2.describe(), timing)
    results: list[ReplicaResult] = []
    advance = None
    for prepared in chain([first], coming):
        advance = advance or make_engine(plan, prepared).compiled()
        observer.phase("Compiling" if not timing.first_step_s else "Training")
        done = np.zeros(len(prepared.state.steps), bool)
        for snapshot in _timed(train(advance, prepared.state, prepared.constants, plan.schedule), timing):
            observer.progress(snapshot, prepared.data)
            finished = np.isin(snapshot.state.status, [Status.running, Status.empty], invert=True)
            slots = np.flatnonzero(finished & ~done).tolist()
            done |= finished
            for result, network in _judged(evaluation, prepared, snapshot, slots):
                for failure in output.write_replica(result, network, exporters):
                    observer.warning(failure)
                observer.replica(result)
                results.append(result)
        write_run_file(output.run_file, runcard, registry, plan.chi2.describe(), timing)
    return tuple(results)


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
        penalties=(),
        optimiser=plan.optimiser,
        schedule=plan.schedule,
    )


def _prepared(plan: Plan) -> Iterator[PreparedBatch]:
    """Batches ready to train; the next is prepared while one trains."""
    common = (plan.runcard, plan.registry, plan.data, plan.chi2, plan.optimiser)
    with ThreadPoolExecutor(max_workers=1) as helper:
        coming = helper.submit(prepare_batch, plan.batches[0], *common)
        for following in (*plan.batches[1:], None):
            ready = coming.result()
            if following is not None:
                coming = helper.submit(prepare_batch, following, *common)
            yield ready


def _judged(
    evaluation: Evaluation, prepared: PreparedBatch, snapshot: Snapshot, slots: Sequence[int]
) -> Iterable[Any]:
    if not slots:
        return ()
    return evaluation.results(prepared.model, prepared.data, snapshot, slots)


def _timed(snapshots: Iterator[Snapshot], timing: Timing) -> Iterator[Snapshot]:
    """Passes snapshots on and notes how long steps take."""
    before, steps = time.perf_counter(), 0
    for snapshot in snapshots:
        now = time.perf_counter()
        used = snapshot.state.status != Status.empty
        total = int(snapshot.state.steps[used].sum())
        timing.note(now - before, total - steps)
        yield snapshot
        before, steps = time.perf_counter(), total
