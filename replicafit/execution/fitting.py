"""A fit under way in its folder: what is left to train, and what is written once."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import Any

import yaml

from replicafit.components import Exporter
from replicafit.data import FitData
from replicafit.data.given import write_given
from replicafit.errors import ExecutionError, OutputError
from replicafit.execution.executors import Executor
from replicafit.execution.observers import Observers
from replicafit.execution.plans import Plan, make_plans
from replicafit.execution.sink import Sink
from replicafit.reading import read_bytes
from replicafit.results.files import locked, write_arrays
from replicafit.results.fit import Fit
from replicafit.results.folder import FitFolder
from replicafit.results.jobs import Job, clear_remains
from replicafit.results.progress import Tally
from replicafit.results.records import (
    FitVerdict,
    RunRecord,
    SelectionRecord,
    identity,
    ranges,
    read_record,
    write_record,
)
from replicafit.results.run import Clock, run_record
from replicafit.results.verdict import judge_fit
from replicafit.runcard import Setup, canonical, canonical_hash
from replicafit.training.checkpoint import Checkpoints

LONGEST_CARD = 2**26
"""Bytes."""

WAIT = 1.0
"""Seconds between two looks at what other jobs have written."""


@dataclass(frozen=True, eq=False)
class FitInFolder:
    """What a run of a fit works on.

    Attributes:
        setup: what is fitted.
        data: of it.
        plans: for each architecture.
        observer: hears of everything.
        sink: takes trained replicas.
        begun_at: when the run began, as ``time.perf_counter`` has it.
    """

    setup: Setup
    data: FitData
    plans: tuple[Plan, ...]
    observer: Observers
    sink: Sink
    begun_at: float

    @classmethod
    def begin(
        cls,
        setup: Setup,
        data: FitData,
        folder: FitFolder,
        observer: Observers,
        refit: Collection[int],
        checkpoint_seconds: float,
        begun_at: float,
    ) -> FitInFolder:
        """Plans and networks, so that what cannot be built is known before anything is written.

        Replicas that are here stay, unless they are damaged, lack something, or are to ``refit``.
        """
        numbers, training = setup.runcard.replicas.numbers, setup.runcard.training
        observer.phase("Planning")
        plans = make_plans(setup, data, numbers)
        here = [number for number in folder.finished() if number in set(numbers)]
        faults = {n: "as asked" if n in refit else folder.faults(n) for n in here}
        again = {number: why for number, why in faults.items() if why}
        for number, why in again.items():
            observer.warning(f"Replica {number} is fitted again: {why}.")
        for path in folder.strangers():
            observer.warning(f"'{path}' is no replica's folder and ignored.")
        written = set(here) - again.keys()
        if not written.issuperset(numbers):
            for plan in plans:
                plan.model  # noqa: B018
        own = identity(canonical_hash(setup.runcard), data.digest)
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
            checkpoints=Checkpoints(own, write_arrays),
            checkpoint_seconds=checkpoint_seconds,
            wanted=frozenset(numbers),
            written=written,
            again=frozenset(again),
            afresh=frozenset(refit),
            job=Job(folder.jobs),
        )
        return cls(setup, data, plans, observer, sink, begun_at)

    def write_folder(self, executor: Executor) -> None:
        """Makes the folder, or joins the fit there, which must be the same.

        Raises:
            OutputError: it is another, or the folder cannot be used.
        """
        folder, card, job = self.sink.folder, self.setup.card, self.sink.job
        folder.create()
        with locked(folder.jobs):
            run = folder.joined(self.setup, self.data)
            if run is not None:  # a later release may fill in more keys: its own hash is another
                checkpoints = replace(self.sink.checkpoints, identity=run.identity)
                self.sink.checkpoints = checkpoints
            others = job.others()
            if others and self.setup.runcard.replicas.good is not None:
                raise OutputError(
                    f"Another job fits '{folder.path}' ({others[0].name}). Good replicas are "
                    "counted by one job at a time: wait for it, or give replica numbers."
                )
            whole = map(folder.replica, folder.finished())
            clear_remains(folder.path, folder.path / "replicas", *whole, *job.dead())
            if card is None:
                text = yaml.safe_dump(canonical(self.setup.runcard), sort_keys=False).encode()
            else:
                text = read_bytes(card, LONGEST_CARD)
            if run is None:
                write_given(folder.path, self.setup.given)
            files = folder.write_common(text, self.data, run.files if run else None)
            job.begin()
            self._note(executor, files=files)
        self.sink.look()

    def due(self) -> Sequence[int]:
        """The replica numbers to train next; none once all or enough are there.

        Where good replicas are counted, as many batches as are needed whatever becomes of them, so
        that the replicas of a fit do not depend on who trains how many at a time. Batches are
        whole: in part of one those are missing that take long.
        """
        self.sink.look()
        there = self.sink.written | self.sink.lost
        batches = sorted(batch for plan in self.plans for batch in plan.network.batches)
        left = [batch for batch in batches if not there.issuperset(batch)]
        good = self.setup.runcard.replicas.good
        if good is not None and left:
            folder, settings = self.sink.folder, self.setup.runcard.selection
            selected = len(folder.selection(self.sink.written, settings).selected)
            if there:
                self.observer.phase(f"{selected} of {good} replicas are good")
            if selected >= good and not any(there.intersection(batch) for batch in left):
                return ()
            replicas = accumulate(len(batch) for batch in left)
            left = left[: 1 + sum(count < good - selected for count in replicas)]
        return self._free(number for batch in left for number in batch if number not in there)

    def _free(self, numbers: Iterable[int]) -> Sequence[int]:
        """Those of ``numbers`` that no other job works on; waits as long as there are none."""
        left, waited = sorted(numbers), False
        while left:
            others = self.sink.job.claimed_by_others()
            free = [number for number in left if number not in others]
            if free:
                return free
            if not waited:
                who = ", ".join(sorted({others[number] for number in left}))
                self.observer.phase(f"Waiting for {len(left)} replicas that others fit: {who}")
                waited = True
            time.sleep(WAIT)
            self.sink.look()
            left = [number for number in left if number not in self.sink.written]
        return ()

    def refuse_missing(self, numbers: Sequence[int]) -> None:
        """Waits until all ``numbers`` are written.

        Raises:
            ExecutionError: the executor neither delivered them nor gave them up.
        """
        self.sink.drain()
        self.sink.look()
        elsewhere = self.sink.job.claimed_by_others().keys()
        missing = set(numbers) - self.sink.written - self.sink.lost - elsewhere
        if missing:
            raise ExecutionError(f"The executor left replicas behind: {sorted(missing)}.")

    def note(self, executor: Executor) -> None:
        """Writes ``run.json`` as things stand."""
        with locked(self.sink.folder.jobs):
            self._note(executor)

    def _note(
        self,
        executor: Executor,
        selection: SelectionRecord | None = None,
        files: dict[str, str] | None = None,
        verdict: FitVerdict | None = None,
    ) -> None:
        """The same, under the lock of the folder; what other jobs wrote there is kept."""
        sink, before, asked = self.sink, RunRecord(), set[int]()
        with suppress(OSError, OutputError):
            before = read_record(RunRecord, sink.folder.run_file)
            asked = before.asked
        if self.setup.runcard.replicas.good is None:
            asked |= sink.wanted
        who = executor.record().model_copy(
            update={
                "happened": list(sink.happened),
                "failures": dict(sink.failures),
                "not_exported": dict(sink.not_exported),
            }
        )
        forms = [plan.network.describe() for plan in self.plans]
        record = run_record(self.setup, self.data, forms, sink.clock, who)
        update: dict[str, Any] = {
            "selection": selection,
            "verdict": verdict,
            "replicas": ranges(asked),
            "files": files or before.files,
        }
        if before.hash:
            update |= {"hash": before.hash, "data_hash": before.data_hash}
        write_record(sink.folder.run_file, record.model_copy(update=update))

    def complete(self, executor: Executor) -> Fit:
        """What is done once, with all replicas: selection, and exporters of the whole fit.

        Where several jobs fit, the last one does it.
        """
        sink, folder = self.sink, self.sink.folder
        sink.clock.total_s = time.perf_counter() - self.begun_at
        with locked(folder.jobs):
            here = folder.finished()
            if folder.run().asked - sink.lost <= set(here):
                selection = folder.judge(here, self.setup.runcard.selection).summary()
                verdict = self._verdict(here, selection) if here else None
                self._note(executor, selection, verdict=verdict)
            else:
                self._note(executor)
        for exporter in sink.exporters:
            if exporter.finish is None or not folder.complete():
                continue
            self.observer.phase(f"Exporting {exporter.name}")
            failure = folder.finish(exporter, partial(_tell, self.observer, exporter.name))
            if failure:
                sink.not_exported[exporter.name] = failure
                self.observer.warning(failure)
                with locked(folder.jobs):
                    self._note(executor, folder.run().selection)
        sink.end()
        numbers = tuple(sorted(sink.written))
        self.observer.fit_ends(numbers)
        return Fit.of_replicas(folder, numbers)

    def _verdict(self, numbers: Sequence[int], selection: SelectionRecord) -> FitVerdict:
        card, folder = self.setup.runcard, self.sink.folder
        return judge_fit(
            self.data,
            folder,
            [folder.result(number) for number in numbers],
            selection.selected,
            card.training.check_every,
            exact=card.data.closure is not None and card.data.closure.level == 0,
        )


def _tell(observer: Observers, name: str, done: int, total: int) -> None:
    """Ten times or so while an exporter works: how far it is."""
    if 10 * done // total > 10 * (done - 1) // total:
        observer.phase(f"Exporting {name}: {done} of {total}")
