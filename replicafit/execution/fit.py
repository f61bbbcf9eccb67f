"""The recipe: runcard -> data -> model -> training -> results -> export."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from replicafit.components import Exporter
from replicafit.execution.plans import (
    Capacity,
    Plan,
    capacity_here,
    make_engine,
    make_plans,
    prepared_batches,
)
from replicafit.forward.planning import Batch
from replicafit.plugins import Registry
from replicafit.results.files import write_arrays
from replicafit.results.folder import FitFolder
from replicafit.results.progress import Look
from replicafit.results.replica import ReplicaResult
from replicafit.results.run import IN_PROCESS, Provenance, Timing
from replicafit.results.selection import Selection
from replicafit.runcard import Runcard, canonical
from replicafit.training.backend import seam
from replicafit.training.batches import PreparedBatch
from replicafit.training.checkpoint import Checkpoint, Checkpoints
from replicafit.training.loop import Snapshot
from replicafit.training.slots import Occupancy, seats_of, train_in_turn
from replicafit.training.state import Status


class Observer(Protocol):
    """Who watches a fit."""

    def phase(self, what: str) -> None:
        """A new phase of the work begins."""

    def progress(self, snapshot: Snapshot, data: Any) -> None:
        """A batch has trained a few hundred steps more."""

    def looks(self, each: Sequence[Look]) -> None:
        """The same of batches that train elsewhere."""

    def replica(self, result: ReplicaResult) -> None:
        """A replica is finished and written."""

    def warning(self, message: str) -> None:
        """Something went wrong that does not end the fit."""


class Crew(Protocol):
    """Others who train the batches of a fit (``replicafit.execution``)."""

    def capacity(self, tell: Callable[[str], None]) -> Capacity:
        """What they have to train on; ``tell`` is told why this takes long."""

    def train(self, run: Run, output: Output, card: Path) -> bool:
        """Trains all batches of ``run`` that are left; whether all of them succeeded."""


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

    def begin(self, provenance: Provenance, card: Path) -> None:
        """Makes the folder, or makes sure that the fit there is the same."""
        if self.resume:
            self.folder.refuse_unless_same(
                canonical(provenance.runcard), provenance.data_hash, provenance.plugin_files
            )
        else:
            self.folder.create(card)


def fit(
    runcard: Runcard,
    registry: Registry,
    card: Path,
    output: Output,
    observer: Observer,
    crew: Crew | None = None,
) -> tuple[int, ...]:
    """Fits all replicas of ``runcard`` and writes each as soon as it is finished.

    Args:
        card: the runcard's file; paths in it are relative to its folder.
        output: where to write; made once the runcard, its data and its network are known to be
            good.
        observer: who is told.
        crew: who trains; this process if nobody is given.

    Returns:
        The replica numbers that are written, those of earlier runs included. Some are missing if
        batches failed in the hands of a crew; ``observer`` was told why.
    """
    start = time.perf_counter()
    observer.phase("Reading data")
    seam().prepare(runcard.precision)
    capacity = partial(crew.capacity, observer.warning) if crew else capacity_here
    plans = make_plans(runcard, registry, card.parent, runcard.replicas.numbers, capacity)
    provenance = Provenance(runcard, card.parent, registry, plans[0].data.digest)
    checkpoints = Checkpoints(output.folder.checkpoint, output.checkpoint_seconds, write_arrays)
    saved = checkpoints.load(observer.warning) if output.resume and crew is None else None
    run = Run(provenance, output.folder, observer, plans, output.written(), checkpoints, saved)
    work = [] if run.enough() else run.work()
    batches = prepared_batches(work[:1] if crew else work)
    first = next(batches, None)
    output.begin(provenance, card)
    run.timing.setup_s = time.perf_counter() - start
    run.note()
    succeeded = True
    if crew is None:
        run.train_all(chain([first] if first else [], batches))
    elif first is not None:
        succeeded = crew.train(run, output, card)
    if succeeded:
        checkpoints.clear()
    run.complete()
    return tuple(sorted(run.written))


@dataclass
class Run:
    """A fit under way.

    Attributes:
        written: the replicas that are on disk.
        checkpoints: where the state of what trains is kept.
        saved: what trained when an earlier run was cut off.
        timing: how long things took.
        engines: compiled, one for each architecture.
        execution: who trained, for ``run.json``.
    """

    provenance: Provenance
    folder: FitFolder
    observer: Observer
    plans: tuple[Plan, ...]
    written: set[int]
    checkpoints: Checkpoints
    saved: Checkpoint | None
    timing: Timing = field(default_factory=Timing)
    engines: dict[int | None, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=lambda: IN_PROCESS)

    def work(self) -> list[tuple[Plan, Batch]]:
        """What is left, in batches; those that trained together when they were cut off first."""
        begun = self.saved.numbers if self.saved else ()
        done = self.written.union(begun)
        again = [] if self.written.issuperset(begun) else list(dict.fromkeys(begun))
        work = []
        for plan in self.plans:
            together = plan.together(again)
            work += [(plan, batch) for batch in (*together, *plan.left(done))]
        if self._good:
            work.sort(key=lambda item: item[1].numbers)  # no architecture before the others
        return work

    def waves(
        self, batches: Iterable[tuple[Plan, PreparedBatch]]
    ) -> Iterator[tuple[Plan, Iterator[PreparedBatch]]]:
        """Batches whose replicas share slots, with the next in each slot as soon as one ends.

        Not where good replicas are counted: those that take long would be missing.
        """
        for plan, wave in groupby(batches, key=itemgetter(0)):
            ready = (batch for _, batch in wave)
            yield from ((plan, iter([b])) for b in ready) if self._good else [(plan, ready)]

    def train_all(self, batches: Iterable[tuple[Plan, PreparedBatch]]) -> None:
        """Trains batches in this process, until all or enough are there."""
        for plan, wave in self.waves(batches):
            self.train(plan, wave)
            self.note()
            if self.enough():
                break

    def train(self, plan: Plan, batches: Iterator[PreparedBatch]) -> None:
        """Trains one wave and writes its replicas as they finish."""
        first = next(batches)
        advance = self._engine(plan, first)
        start = Occupancy.of(first, self._begun(first))
        self._write_finished(plan, start)
        calls = train_in_turn(advance, start, seats_of(batches), plan.schedule)
        for now in self.timing.watch(start, calls):
            self.observer.progress(now.snapshot, now.data)
            self._write_finished(plan, now)
            self.checkpoints.maybe_save(now.numbers, now.snapshot)

    @property
    def _good(self) -> int | None:
        """How many good replicas are wanted, if they are counted."""
        good: int | None = self.provenance.runcard.replicas.good
        return good

    def enough(self) -> bool:
        """Whether as many replicas are good as the runcard asks for, in whole batches.

        In part of a batch those are missing that take long.
        """
        good = self._good
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
        self.provenance.write(self.folder.run_file, forms, self.timing, selection, self.execution)

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

    def _begun(self, batch: PreparedBatch) -> Snapshot | None:
        """Where an earlier run left ``batch``."""
        if self.saved is None or self.saved.numbers != batch.model.numbers:
            return None
        return self.saved.snapshot(batch.state)

    def _write_finished(self, plan: Plan, now: Occupancy) -> None:
        """Writes the replicas that have finished since the last call, each once."""
        for batch, own in now.at_home():
            over = np.isin(own.state.status, [Status.running, Status.empty], invert=True)
            numbers = batch.model.numbers
            places = [p for p in np.flatnonzero(over).tolist() if numbers[p] not in self.written]
            if places:
                self._write(plan.evaluation.results(batch.model, batch.data, own, places))

    def _write(self, finished: Iterable[tuple[ReplicaResult, Any]]) -> None:
        exporters = self._exporters()
        for result, network in finished:
            for failure in self.folder.write_replica(result, network, exporters):
                self.observer.warning(failure)
            self.written.add(result.number)
            self.observer.replica(result)


def _tell(observer: Observer, name: str, done: int, total: int) -> None:
    """Ten times or so while an exporter works: how far it is."""
    if 10 * done // total > 10 * (done - 1) // total:
        observer.phase(f"Exporting {name}: {done} of {total}")
