"""A fit under way in its folder: what is left to train, and what is written once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import yaml

from replicafit.components import Exporter
from replicafit.data import FitData
from replicafit.data.given import write_given
from replicafit.errors import ExecutionError
from replicafit.execution.executors import Executor
from replicafit.execution.observers import Observers
from replicafit.execution.plans import Plan, make_plans
from replicafit.execution.sink import Sink
from replicafit.results.files import write_arrays, write_json
from replicafit.results.fit import Fit
from replicafit.results.folder import FitFolder
from replicafit.results.progress import Tally
from replicafit.results.records import SelectionRecord
from replicafit.results.run import Clock, run_record
from replicafit.runcard import Setup, canonical, canonical_hash
from replicafit.training.checkpoint import Checkpoint, Checkpoints


@dataclass(frozen=True, eq=False)
class FitInFolder:
    """What a run of a fit works on.

    Attributes:
        setup: what is fitted.
        data: of it.
        plans: for each architecture.
        observer: hears of everything.
        sink: takes trained replicas.
        resume: whether the fit was there before.
        begun_at: when the run began, as ``time.perf_counter`` has it.
    """

    setup: Setup
    data: FitData
    plans: tuple[Plan, ...]
    observer: Observers
    sink: Sink
    resume: bool
    begun_at: float

    @classmethod
    def begin(
        cls,
        setup: Setup,
        data: FitData,
        folder: FitFolder,
        observer: Observers,
        resume: bool,
        checkpoint_seconds: float,
        begun_at: float,
    ) -> FitInFolder:
        """Plans and networks, so that what cannot be built is known before anything is written."""
        numbers, training = setup.runcard.replicas.numbers, setup.runcard.training
        observer.phase("Planning")
        plans = make_plans(setup, data, numbers)
        written = set(folder.finished()) & set(numbers) if resume else set()
        if not written.issuperset(numbers):
            for plan in plans:
                plan.model  # noqa: B018
        identity = f"{canonical_hash(setup.runcard)} {data.digest}"
        checkpoints = Checkpoints(folder.checkpoint, identity, write_arrays)
        sink = Sink(
            folder=folder,
            exporters=[setup.registry.get(Exporter, name) for name in setup.runcard.export],
            observer=observer,
            tally=Tally(
                setup.runcard.replicas.wanted,
                training.max_steps,
                {number: folder.result(number).status for number in sorted(written)},
            ),
            clock=Clock(setup_s=time.perf_counter() - begun_at),
            checkpoints=checkpoints,
            checkpoint_seconds=checkpoint_seconds,
            begun=checkpoints.load(observer.warning) if resume else Checkpoint(),
            written=written,
        )
        return cls(setup, data, plans, observer, sink, resume, begun_at)

    def write_folder(self, executor: Executor) -> None:
        """Makes the folder, or makes sure that the fit there is the same.

        Raises:
            OutputError: it is another, or the folder cannot be used.
        """
        folder, card = self.sink.folder, self.setup.card
        if self.resume:
            folder.refuse_unless_same(self.setup, self.data.digest)
        else:
            text = yaml.safe_dump(canonical(self.setup.runcard), sort_keys=False).encode()
            folder.create(text if card is None else card.read_bytes())
            write_given(folder.path, self.setup.given)
        self.note(executor)

    def due(self) -> Sequence[int]:
        """The replica numbers to train next; none once all or enough are there.

        Where good replicas are counted, as many batches as are needed whatever becomes of them, so
        that the replicas of a fit do not depend on who trains how many at a time. Batches are
        whole: in part of one those are missing that take long.
        """
        there = self.sink.written | self.sink.lost
        batches = sorted(batch for plan in self.plans for batch in plan.network.batches)
        left = [batch for batch in batches if not there.issuperset(batch)]
        good = self.setup.runcard.replicas.good
        if good is not None and left:
            selected = len(self.sink.folder.selection(self.sink.written).selected)
            if there:
                self.observer.phase(f"{selected} of {good} replicas are good")
            if selected >= good and not any(there.intersection(batch) for batch in left):
                return ()
            replicas = accumulate(len(batch) for batch in left)
            left = left[: 1 + sum(count < good - selected for count in replicas)]
        return sorted(number for batch in left for number in batch if number not in there)

    def refuse_missing(self, numbers: Sequence[int]) -> None:
        """Waits until all ``numbers`` are written.

        Raises:
            ExecutionError: the executor neither delivered them nor gave them up.
        """
        self.sink.drain()
        missing = set(numbers) - self.sink.written - self.sink.lost
        if missing:
            raise ExecutionError(f"The executor left replicas behind: {sorted(missing)}.")

    def note(self, executor: Executor, selection: SelectionRecord | None = None) -> None:
        """Writes ``run.json`` as things stand."""
        forms = [plan.network.describe() for plan in self.plans]
        who = executor.record().model_copy(
            update={"happened": list(self.sink.happened), "failures": dict(self.sink.failures)}
        )
        record = run_record(self.setup, self.data, forms, self.sink.clock, who)
        record = record.model_copy(update={"selection": selection})
        write_json(self.sink.folder.run_file, record)

    def complete(self, executor: Executor) -> Fit:
        """What is done once, with all replicas: selection, and exporters of the whole fit."""
        sink, folder = self.sink, self.sink.folder
        if not sink.failures:
            sink.checkpoints.clear()
        selection = folder.judge(sink.written).summary()
        sink.clock.total_s = time.perf_counter() - self.begun_at
        self.note(executor, selection)
        for exporter in sink.exporters:
            if exporter.finish is None:
                continue
            self.observer.phase(f"Exporting {exporter.name}")
            failure = folder.finish(exporter, partial(_tell, self.observer, exporter.name))
            if failure:
                self.observer.warning(failure)
        numbers = tuple(sorted(sink.written))
        self.observer.fit_ends(numbers)
        return Fit.of_replicas(folder, numbers)


def _tell(observer: Observers, name: str, done: int, total: int) -> None:
    """Ten times or so while an exporter works: how far it is."""
    if 10 * done // total > 10 * (done - 1) // total:
        observer.phase(f"Exporting {name}: {done} of {total}")
