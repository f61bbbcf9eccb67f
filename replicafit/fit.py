"""The recipe: runcard -> data -> model -> training -> results -> export."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from replicafit.assembly import Plan, make_engine, make_plans, prepared_batches
from replicafit.components import Exporter
from replicafit.export.files import write_arrays
from replicafit.export.folder import FitFolder
from replicafit.planning import Batch
from replicafit.plugins import Registry
from replicafit.provenance import Provenance, Timing
from replicafit.results import ReplicaResult
from replicafit.runcard import Runcard, canonical
from replicafit.selection import Selection
from replicafit.training.backend import seam
from replicafit.training.batches import PreparedBatch
from replicafit.training.checkpoint import Checkpoints
from replicafit.training.engine import Schedule
from replicafit.training.loop import Snapshot, train
from replicafit.training.state import Status


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

    def written(self) -> set[int]:
        """The replicas of an earlier run that is continued."""
        return set(self.folder.finished()) if self.resume else set()

    def begin(self, provenance: Provenance, card: Path) -> Checkpoints:
        """Makes the folder, or makes sure that the fit there is the same."""
        if self.resume:
            self.folder.refuse_unless_same(
                canonical(provenance.runcard), provenance.data_hash, provenance.plugin_files
            )
        else:
            self.folder.create(card)
        return Checkpoints(self.folder.checkpoint, self.checkpoint_seconds, write_arrays)


def fit(
    runcard: Runcard, registry: Registry, card: Path, output: Output, observer: Observer
) -> tuple[int, ...]:
    """Fits all replicas of ``runcard`` and writes each as soon as it is finished.

    Args:
        card: the runcard's file; paths in it are relative to its folder.
        output: where to write; made once the runcard, its data and its network are known to be
            good.
        observer: who is told.

    Returns:
        The replica numbers that are written, those of earlier runs included.
    """
    start = time.perf_counter()
    observer.phase("Reading data")
    seam().prepare(runcard.precision)
    plans = make_plans(runcard, registry, card.parent, runcard.replicas.numbers)
    provenance = Provenance(runcard, card.parent, registry, plans[0].data.digest)
    run = _Run(provenance, output.folder, observer, plans, output.written())
    batches = prepared_batches([] if run.enough() else run.work())
    first = next(batches, None)
    checkpoints = output.begin(provenance, card)
    run.timing.setup_s = time.perf_counter() - start
    run.note()
    for plan, batch in chain([first] if first else [], batches):
        run.train(plan, batch, checkpoints)
        if run.enough():
            break
    checkpoints.clear()
    run.complete()
    return tuple(sorted(run.written))


@dataclass
class _Run:
    """A fit under way.

    Attributes:
        written: the replicas that are on disk.
        timing: how long things took.
        engines: compiled, one for each architecture.
    """

    provenance: Provenance
    folder: FitFolder
    observer: Observer
    plans: tuple[Plan, ...]
    written: set[int]
    timing: Timing = field(default_factory=Timing)
    engines: dict[int | None, Any] = field(default_factory=dict)

    def work(self) -> list[tuple[Plan, Batch]]:
        """The batches with a replica that is not written yet."""
        work = [(plan, batch) for plan in self.plans for batch in plan.left(self.written)]
        if self.provenance.runcard.replicas.good:
            work.sort(key=lambda item: item[1].numbers)  # no architecture before the others
        return work

    def train(self, plan: Plan, batch: PreparedBatch, checkpoints: Checkpoints) -> None:
        """Trains one batch and writes its replicas as they finish."""
        advance = self._engine(plan, batch)
        begun = checkpoints.load(batch.model.numbers, batch.state, self.observer.warning)
        if begun is not None:
            self._write_finished(plan, batch, begun)
        for snapshot in self.timing.watch(_train(advance, batch, plan.schedule, begun)):
            self.observer.progress(snapshot, batch.data)
            self._write_finished(plan, batch, snapshot)
            checkpoints.maybe_save(batch.model.numbers, snapshot)
        self.note()

    def enough(self) -> bool:
        """Whether as many replicas are good as the runcard asks for, in whole batches.

        In part of a batch those are missing that take long.
        """
        good = self.provenance.runcard.replicas.good
        if good is None or len(self.written) < good or self._within_a_batch():
            return False
        selected = len(self.folder.selection(self.written).selected)
        self.observer.phase(f"{selected} of {good} replicas are good")
        return selected >= good

    def _within_a_batch(self) -> bool:
        """Whether some replicas of a batch are written and others are not."""
        batches = [batch for plan in self.plans for batch in plan.network.batches]
        return any(0 < len(self.written & set(b.numbers)) < len(b.numbers) for b in batches)

    def note(self, selection: Selection | None = None) -> None:
        """Writes ``run.json`` as things stand."""
        forms = [plan.network.describe() for plan in self.plans]
        self.provenance.write(self.folder.run_file, forms, self.timing, selection)

    def complete(self) -> None:
        """What is done once, with all replicas: selection, and exporters of the whole fit."""
        self.note(self.folder.judge(self.written))
        for exporter in self._exporters():
            if exporter.finish is None:
                continue
            self.observer.phase(f"Exporting {exporter.name}")
            failure = self.folder.finish(exporter, partial(_tell, self.observer, exporter.name))
            if failure:
                self.observer.warning(failure)

    def _engine(self, plan: Plan, batch: PreparedBatch) -> Any:
        """The compiled engine of ``plan``; ``batch`` shows it the shapes."""
        position = plan.network.position
        self.observer.phase("Training" if position in self.engines else "Compiling")
        if position not in self.engines:
            self.engines[position] = make_engine(plan, batch).compiled()
        return self.engines[position]

    def _exporters(self) -> list[Exporter]:
        registry = self.provenance.registry
        return [registry.get(Exporter, name) for name in self.provenance.runcard.export]

    def _write_finished(self, plan: Plan, batch: PreparedBatch, snapshot: Snapshot) -> None:
        """Writes the replicas that have finished since the last call, each once."""
        over = np.isin(snapshot.state.status, [Status.running, Status.empty], invert=True)
        numbers = batch.model.numbers
        slots = [s for s in np.flatnonzero(over).tolist() if numbers[s] not in self.written]
        if not slots:
            return
        exporters = self._exporters()
        for result, network in plan.evaluation.results(batch.model, batch.data, snapshot, slots):
            for failure in self.folder.write_replica(result, network, exporters):
                self.observer.warning(failure)
            self.written.add(result.number)
            self.observer.replica(result)


def _train(
    advance: Any, batch: PreparedBatch, schedule: Schedule, begun: Snapshot | None
) -> Iterator[Snapshot]:
    """Trains a batch from its start, or from where a checkpoint left it."""
    if begun is None:
        return train(advance, batch.state, batch.constants, schedule)
    return train(advance, begun.state, batch.constants, schedule, begun.history)


def _tell(observer: Observer, name: str, done: int, total: int) -> None:
    """Ten times or so while an exporter works: how far it is."""
    if 10 * done // total > 10 * (done - 1) // total:
        observer.phase(f"Exporting {name}: {done} of {total}")
