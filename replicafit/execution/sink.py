"""Where trained replicas go: checkpoints, files, and word of it to observers."""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from replicafit.components import Exporter
from replicafit.errors import OutputError
from replicafit.execution.observers import Observers
from replicafit.execution.plans import Plan
from replicafit.results.files import locked
from replicafit.results.folder import FitFolder
from replicafit.results.jobs import Job
from replicafit.results.progress import ReplicaProgress, Tally, replicas_in
from replicafit.results.run import Clock
from replicafit.training.checkpoint import Checkpoint, Checkpoints, continued
from replicafit.training.slots import FinishedReplica, PreparedReplica, Row, Slots
from replicafit.training.status import Status


@dataclass
class Sink:
    """Takes what executors deliver, from any thread.

    Results are made and written in a thread of its own while others train; a replica is whole in
    the folder or not there.

    Attributes:
        folder: of the fit.
        exporters: what is written of each replica.
        observer: hears of everything.
        tally: counts.
        clock: measures.
        checkpoints: of what has begun and is not written.
        checkpoint_seconds: at least this long between two.
        wanted: the replica numbers of this run.
        written: those that are whole in the folder.
        again: those that are there and fitted again.
        afresh: those that no checkpoint continues.
        job: this run among those that work in the folder.
        lost: the replica numbers that were given up.
        failures: why.
        happened: the warnings so far.
        not_exported: the exporters that failed, and why.
    """

    folder: FitFolder
    exporters: Sequence[Exporter]
    observer: Observers
    tally: Tally
    clock: Clock
    checkpoints: Checkpoints
    checkpoint_seconds: float
    wanted: frozenset[int]
    written: set[int]
    again: frozenset[int]
    afresh: frozenset[int]
    job: Job
    lost: set[int] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)
    not_exported: dict[str, str] = field(default_factory=dict)
    _begun: dict[Path, Checkpoint] = field(default_factory=dict)
    _owed: dict[int, FinishedReplica] = field(default_factory=dict)
    _lanes: dict[int, Slots] = field(default_factory=dict)
    _unwritten: dict[int, FinishedReplica] = field(default_factory=dict)
    _saved: float = field(default_factory=time.monotonic)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _saving: threading.Lock = field(default_factory=threading.Lock)
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _writing: list[Future[None]] = field(default_factory=list)

    @property
    def stopping(self) -> bool:
        """Whether executors should come to an end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Ends executors at their next look."""
        self._stopping.set()

    def claim(self, numbers: deque[int], count: int) -> list[int]:
        """Takes up to ``count`` of the ``numbers`` from their left, for this job alone.

        Those that others have written meanwhile, or work on, are left out.
        """
        mine: list[int] = []
        with locked(self.job.folder):
            self.look()
            while numbers and len(mine) < count:
                number = numbers.popleft()
                if number not in self.written and self.job.claim(number):
                    mine.append(number)
        return mine

    def look(self) -> None:
        """Learns what other jobs have written, and what those had begun that were killed."""
        for dead in self.job.dead():
            if dead not in self._begun:
                found = self.checkpoints.load(dead, self.observer.warning)
                self._begun[dead] = found or Checkpoint(dead, {})
        here = set(self.folder.finished()) & self.wanted - self.written - self.again
        for number in sorted(here):
            self.arrived(number)

    @property
    def begun(self) -> set[int]:
        """The replica numbers that jobs had begun that were killed or stopped."""
        return {number for each in self._begun.values() for number in each.rows}

    def continued(self, replica: PreparedReplica) -> PreparedReplica:
        """``replica`` where an earlier job left it; itself if none had begun it."""
        return replica if replica.number in self.afresh else continued(replica, self._begun)

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Measures what is done inside, which compiles."""
        self.observer.phase("Compiling")
        begun = time.perf_counter()
        yield
        self.clock.first_step_s += time.perf_counter() - begun
        self.observer.phase("Training")

    def called(self, lane: int, now: Slots, steps: int, seconds: float) -> None:
        """A compiled call of a lane left its slots as they are ``now``, after ``steps`` steps."""
        self.clock.called(seconds, steps)
        with self._lock:
            self._lanes[lane] = now
        self.seen(lane, replicas_in(now.snapshot, now.data))
        due = time.monotonic() - self._saved >= self.checkpoint_seconds
        if due and self._saving.acquire(blocking=False):
            try:
                self._save()
            finally:
                self._saving.release()

    def seen(self, lane: object, replicas: Sequence[ReplicaProgress]) -> None:
        """``lane``, of this process or another, trains ``replicas``."""
        self.observer.progress(self.tally.seen(lane, replicas))

    def finished(self, plan: Plan, replicas: Sequence[FinishedReplica]) -> None:
        """Replicas have ended in a lane of this process: they are written beside the training."""
        if not replicas:
            return
        with self._lock:
            self._unwritten |= {each.replica.number: each for each in replicas}
            self._writing = [t for t in self._writing if not t.done() or t.exception()]
            for i in range(0, len(replicas), plan.slots):
                some = replicas[i : i + plan.slots]
                self._writing.append(self._writer.submit(self._write, plan, some))

    def arrived(self, number: int) -> None:
        """A replica that was trained elsewhere is whole in the folder."""
        status = self.folder.result(number).status
        with self._lock:
            self.written.add(number)
            self.tally.ended(number, status)
        self.job.release(number)

    def given_up(self, numbers: Sequence[int], cause: str) -> None:
        """Replicas that could not be trained; the fit goes on without them."""
        first, last = numbers[0], numbers[-1]
        which = f"{len(numbers)} replicas from {first} on"
        if len(numbers) == last - first + 1:
            which = f"replica {first}" if first == last else f"replicas {first} to {last}"
        self.lost.update(numbers)
        self.failures[which] = cause
        self.warning(
            f"Training {which} failed: {cause}. It is given up, and everything else kept; --resume "
            "tries again."
        )

    def warning(self, message: str) -> None:
        """Something that the user should know."""
        self.happened.append(message)
        self.observer.warning(message)

    def drain(self) -> None:
        """Waits until all that is finished is written.

        Raises:
            OutputError: something could not be.
        """
        with self._lock:
            waiting, self._writing = self._writing, []
        for task in waiting:
            task.result()

    @contextmanager
    def open(self) -> Iterator[Sink]:
        """Writes what is left at the end of the block; what trains then goes into a checkpoint."""
        try:
            yield self
            self.drain()
        except BaseException:
            self.stop()
            self._writer.shutdown(wait=True)
            with suppress(OutputError):  # what made it stop is told
                self._save()
            self.job.end(keep=True)
            raise
        self._writer.shutdown(wait=True)
        with self._lock:
            self._lanes.clear()

    def end(self) -> None:
        """The job leaves the folder; what it owes, or others had begun, stays for ``--resume``."""
        if self._owed:
            self._save()
        self.job.end(keep=bool(self._owed))
        with locked(self.job.folder):
            self._clear_dead(set(self.folder.finished()))
            if not self.job.others() and not self.job.dead():
                shutil.rmtree(self.job.folder, ignore_errors=True)

    def _write(self, plan: Plan, finished: Sequence[FinishedReplica]) -> None:
        try:
            for result, network in plan.evaluation.results(finished):
                failed = self.folder.write_replica(
                    result, network, self.exporters, self.checkpoints.identity
                )
                for failure in failed.values():
                    self.observer.warning(failure)
                with self._lock:
                    self.not_exported |= failed
                    self.written.add(result.number)
                    self.tally.ended(result.number, result.status)
                    done = self._unwritten.pop(result.number)
                    if failed:
                        self._owed[result.number] = done
                self.job.release(result.number)
                self.observer.replica_ends(result)
        except BaseException:
            self.stop()
            raise

    def _save(self) -> None:
        """A checkpoint of all replicas that have begun and are not written."""
        with self._lock:
            kept = self._unwritten | self._owed
            rows: dict[int, Row] = {n: each.row for n, each in kept.items()}
            for lane in self._lanes.values():
                for slot, number in enumerate(lane.numbers):
                    used = lane.snapshot.state.status[slot] != Status.empty
                    if used and number not in self.written:
                        rows.setdefault(number, lane.row(slot))
            done = self.written | rows.keys()
        if rows:
            self.checkpoints.save(self.job.path, rows)
            self._clear_dead(done)
        self._saved = time.monotonic()

    def _clear_dead(self, done: set[int]) -> None:
        """Removes checkpoints of dead jobs with nothing but replicas that are ``done``."""
        for dead, begun in list(self._begun.items()):
            if done.issuperset(begun.rows):
                shutil.rmtree(dead, ignore_errors=True)
