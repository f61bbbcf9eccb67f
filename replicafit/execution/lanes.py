"""Trains in this process: one thread for each core or GPU, all with the same compiled engine.

A lane trains the replicas in slots of its own and fills each slot that becomes free from the queue
that all lanes share. XLA releases the interpreter lock while it works, so that lanes keep as many
cores busy. Which lane trains a replica changes nothing of it: the program and the number of slots
are the same.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from keras import ops

from replicafit.execution.plans import Plan
from replicafit.execution.sink import Sink
from replicafit.training.backend import backend
from replicafit.training.batches import PreparedBatch
from replicafit.training.loop import to_device
from replicafit.training.slots import FinishedReplica, PreparedReplica, Slots, train_slots


def train(plan: Plan, numbers: Sequence[int], lanes: int, sink: Sink) -> None:
    """Trains the replicas ``numbers`` in ``lanes`` threads and delivers them to ``sink``.

    No more lanes than batches: one with empty slots would cost as much as a full one.

    Raises:
        BaseException: of the first lane that failed; the others stop at their next look.
    """
    lanes = min(lanes, -(-len(numbers) // plan.slots))
    with PreparingQueue(plan, numbers, lanes, sink) as coming, ThreadPoolExecutor(lanes) as threads:
        running = [threads.submit(run_lane, plan, coming, lane, sink) for lane in range(lanes)]
        try:
            done, _ = wait(running, return_when=FIRST_EXCEPTION)
            for one in done:
                one.result()
        except BaseException:
            sink.stop()
            raise


def run_lane(plan: Plan, coming: PreparingQueue, lane: int, sink: Sink) -> None:
    """One thread's part of ``train``."""
    with backend().device(lane):
        begun = coming.compiled(lane)
        if begun is None:
            return
        before, since = Slots.empty(begun, plan.slots), time.perf_counter()
        for now in train_slots(plan.engine, before, coming, plan.schedule):
            sink.called(lane, now, now.steps_since(before), time.perf_counter() - since)
            sink.finished(plan, coming.without_stuck(now.finished(before)))
            if sink.stopping:
                return
            before, since = now, time.perf_counter()


class PreparingQueue:
    """Replicas that wait for a slot; the next ones are prepared while others train."""

    def __init__(self, plan: Plan, numbers: Sequence[int], lanes: int, sink: Sink) -> None:
        self._plan, self._sink, self._ahead = plan, sink, lanes
        begun = sink.begun
        self._left = deque(sorted(numbers, key=lambda number: number not in begun))
        self._coming: deque[Future[PreparedBatch]] = deque()
        self._ready: deque[PreparedReplica] = deque()
        self._lock, self._compiling = threading.Lock(), threading.Lock()
        self._is_compiled = False
        self._threads = ThreadPoolExecutor(lanes)

    def __enter__(self) -> PreparingQueue:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left to take."""
        with self._lock:
            return not (self._left or self._coming or self._ready)

    def take(self, wait: bool) -> PreparedReplica | None:
        """The next replica; None if there is none, or, without ``wait``, none that is ready."""
        with self._lock:
            while not self._ready and not self._sink.stopping:
                while len(self._coming) < self._ahead:
                    part = self._sink.claim(self._left, self._plan.slots)
                    if not part:
                        break
                    self._coming.append(self._threads.submit(self._plan.prepare, part))
                if not self._coming or not (wait or self._coming[0].done()):
                    return None
                batch = self._coming.popleft().result()
                self._ready.extend(self._to_train(batch))
            return self._ready.popleft() if self._ready else None

    def without_stuck(self, ended: Sequence[FinishedReplica]) -> list[FinishedReplica]:
        """Those of ``ended`` that are not stuck; the others wait for a slot, to begin anew."""
        kept = []
        for each in ended:
            anew = each.begun_anew(self._plan.restart_above)
            if anew is None:
                kept.append(each)
            else:
                self._ready.append(anew)
        return kept

    def compiled(self, lane: int) -> PreparedReplica | None:
        """Waits until the engine is compiled, which the first lane that comes does.

        Returns:
            A replica that shows the shapes, and is not taken; None if none is left.
        """
        with self._compiling:
            first = self.take(wait=True)
            if first is None:
                return None
            with self._lock:
                self._ready.appendleft(first)
            if not self._is_compiled:
                slots = Slots.empty(first, self._plan.slots)
                no_check = ops.convert_to_tensor(0, "int32")
                state, constants = to_device(slots.snapshot.state), to_device(slots.constants)
                with self._sink.compiling():
                    after, _ = self._plan.engine(state, constants, no_check)
                    ops.convert_to_numpy(after.steps)  # waits for it
                self._is_compiled = True
            return first

    def _to_train(self, batch: PreparedBatch) -> list[PreparedReplica]:
        """The replicas of ``batch``, from where a checkpoint left them; those with nothing to train
        are delivered at once.
        """
        going = []
        for place in range(len(batch.model.numbers)):
            replica = self._sink.continued(PreparedReplica(batch, place))
            if (ended := replica.ended) is None:
                going.append(replica)
            else:
                self._sink.finished(self._plan, self.without_stuck([ended]))
        return going
