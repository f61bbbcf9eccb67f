"""Where trained replicas go: checkpoints, files, and word of it to observers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from replicafit.components import Exporter
from replicafit.execution.observers import Observers
from replicafit.execution.plans import Plan
from replicafit.results.folder import FitFolder
from replicafit.results.progress import ReplicaProgress, Tally, replicas_in
from replicafit.results.run import Clock
from replicafit.training.checkpoint import Checkpoint, Checkpoints
from replicafit.training.slots import FinishedReplica, Row, Slots
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
        begun: what an earlier run had begun.
        written: the replica numbers that are whole in the folder.
        lost: the replica numbers that were given up.
        failures: why.
        happened: the warnings so far.
    """

    folder: FitFolder
    exporters: Sequence[Exporter]
    observer: Observers
    tally: Tally
    clock: Clock
    checkpoints: Checkpoints
    checkpoint_seconds: float
    begun: Checkpoint
    written: set[int]
    lost: set[int] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)
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
            self._save()
            raise
        self._writer.shutdown(wait=True)
        with self._lock:
            self._lanes.clear()

    def _write(self, plan: Plan, finished: Sequence[FinishedReplica]) -> None:
        try:
            for result, network in plan.evaluation.results(finished):
                for failure in self.folder.write_replica(result, network, self.exporters):
                    self.observer.warning(failure)
                with self._lock:
                    self.written.add(result.number)
                    self.tally.ended(result.number, result.status)
                    self._unwritten.pop(result.number)
                self.observer.replica_ends(result)
        except BaseException:
            self.stop()
            raise

    def _save(self) -> None:
        """A checkpoint of all replicas that have begun and are not written."""
        with self._lock:
            rows: dict[int, Row] = {n: each.row for n, each in self._unwritten.items()}
            for lane in self._lanes.values():
                for slot, number in enumerate(lane.numbers):
                    used = lane.snapshot.state.status[slot] != Status.empty
                    if used and number not in self.written:
                        rows.setdefault(number, lane.row(slot))
        if rows:
            self.checkpoints.save(rows)
        self._saved = time.monotonic()
