"""Lanes that several fits share: their replicas stand side by side in the slots of one engine.

Fits that differ in their seed alone share all that is compiled: their tables are the same, and what
is not is a row of some array. So the engine of the first serves all of them, and a replica has the
same bits as in a fit of its own, as it has beside other replicas of its fit.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from replicafit.plugin import (
    ExecutionError,
    FinishedReplica,
    Lanes,
    Plan,
    PreparedReplica,
    PreparingQueue,
    Sink,
    Slots,
    run_lane,
)

SECONDS_BETWEEN_LOOKS = 1.0
"""Of lanes that wait for a fit."""


class SharedLanes(Lanes):
    """An executor for several fits at a time, each of which calls ``train`` in a thread of its own.

    They must differ in nothing but their seeds.
    """

    def __init__(self, count: int | None = None) -> None:
        super().__init__(count)
        self._lock = threading.Lock()
        self._engines: dict[int | None, SharedEngine] = {}

    def train(self, plans: Sequence[Plan], numbers: Sequence[int], sink: Sink) -> None:
        """Returns when the replicas of this fit are delivered; those of others may go on.

        Raises:
            ExecutionError: ``stop`` was called.
        """
        for plan in plans:
            own = [number for number in plan.network.numbers if number in set(numbers)]
            if own and not sink.stopping:
                with self._lock:
                    place = plan.network.position
                    engine = self._engines.setdefault(place, SharedEngine(self.lanes))
                with PreparingQueue(plan, own, self.lanes, sink) as coming:
                    engine.train(Part(plan, coming, sink))

    def stop(self) -> None:
        """Ends all fits at the next look; what trains goes into their checkpoints."""
        with self._lock:
            for engine in self._engines.values():
                engine.stop(None)

    def close(self) -> None:
        """Nothing more comes: ends the lanes."""
        with self._lock:
            for engine in self._engines.values():
                engine.close()


@dataclass(eq=False)
class Part:
    """What one fit has to train with an engine.

    Attributes:
        plan: of the fit.
        coming: its replicas that wait.
        sink: takes them.
        in_slots: how many are in slots.
        over: set once all are delivered, or nobody trains them any more.
    """

    plan: Plan
    coming: PreparingQueue
    sink: Sink
    in_slots: int = 0
    over: threading.Event = field(default_factory=threading.Event)


class SharedEngine:
    """One compiled engine and its lanes: to these, all fits are one queue and one sink."""

    def __init__(self, lanes: int) -> None:
        self.stopping = False
        self._lanes = lanes
        self._changed = threading.Condition()
        self._parts: list[Part] = []
        self._owner: dict[int, Part] = {}
        self._like: PreparedReplica | None = None
        self._closed = False
        self._cause: BaseException | None = None
        self._threads = ThreadPoolExecutor(lanes)

    def train(self, part: Part) -> None:
        """Lets the lanes train ``part``, and waits for it.

        Raises:
            ExecutionError: a lane failed, or ``stop`` was called.
        """
        with self._changed:
            if self._like is None:
                self._like = part.coming.compiled(0)
                for lane in range(self._lanes if self._like else 0):
                    self._threads.submit(self._run, part.plan, lane)
            if self._like is None or self.stopping:
                part.over.set()  # a fit of which nothing is left to train compiles nothing
            else:
                self._parts.append(part)
            self._changed.notify_all()
        part.over.wait()
        if self.stopping:
            raise ExecutionError("Another fit of the study failed.") from self._cause

    def stop(self, cause: BaseException | None) -> None:
        """Ends the lanes at their next look, and with them all fits."""
        with self._changed:
            self.stopping, self._cause = True, self._cause or cause
            for part in self._parts:
                part.sink.stop()
                part.over.set()
        self.close()

    def close(self) -> None:
        """Ends the lanes once nothing is left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._threads.shutdown(wait=False)

    def _run(self, plan: Plan, lane: int) -> None:
        shared: Any = self  # a queue and a sink to lanes
        try:
            run_lane(plan, shared, lane, shared)
        except BaseException as cause:
            self.stop(cause)
            raise

    # As a queue

    def compiled(self, lane: int) -> PreparedReplica | None:
        """A replica that shows the shapes."""
        return self._like

    def take(self, wait: bool) -> PreparedReplica | None:
        """The next replica of the fit that has waited longest and has one."""
        while not self.stopping:
            with self._changed:
                parts = list(self._parts)
            for waits in (False, True) if wait else (False,):
                for part in parts:
                    if replica := self._taken(part, waits):
                        return replica
            self._settle()
            with self._changed:
                if not wait or (self._closed and not self._parts):
                    return None
                if self._parts == parts:
                    self._changed.wait(SECONDS_BETWEEN_LOOKS)
        return None

    def _taken(self, part: Part, waits: bool) -> PreparedReplica | None:
        with self._changed:
            part.in_slots += 1  # before it leaves its queue, or the part might seem to be over
        replica = part.coming.take(waits)
        with self._changed:
            if replica is None:
                part.in_slots -= 1
            else:
                self._owner[id(replica.batch)] = part
        return replica

    def without_stuck(self, ended: Sequence[FinishedReplica]) -> list[FinishedReplica]:
        """Those that are not stuck; the others wait in the queues of their fits."""
        kept = []
        for part, own in self._by_part(ended):
            stay = part.coming.without_stuck(own)
            kept += stay
            with self._changed:
                part.in_slots -= len(own) - len(stay)
        return kept

    # As a sink

    def called(self, lane: int, now: Slots, steps: int, seconds: float) -> None:
        """Each fit hears of its own replicas, with its share of the time."""
        with self._changed:
            parts = list(self._parts)
        for part in parts:
            own = np.array([self._owner.get(id(each.batch)) is part for each in now.replicas])
            share = float(own.mean())
            part.sink.called(lane, now.only(own), round(steps * share), seconds * share)

    def finished(self, plan: Plan, replicas: Sequence[FinishedReplica]) -> None:
        """Each goes to its own fit."""
        for part, own in self._by_part(replicas):
            part.sink.finished(part.plan, own)
            with self._changed:
                part.in_slots -= len(own)
        self._settle()

    def _by_part(
        self, ended: Sequence[FinishedReplica]
    ) -> list[tuple[Part, list[FinishedReplica]]]:
        found: dict[Part, list[FinishedReplica]] = {}
        for each in ended:
            found.setdefault(self._owner[id(each.replica.batch)], []).append(each)
        return list(found.items())

    def _settle(self) -> None:
        """Lets go of the fits of which nothing is left."""
        with self._changed:
            for part in list(self._parts):
                if part.sink.stopping or (part.in_slots == 0 and part.coming.exhausted):
                    self._parts.remove(part)
                    self._owner = {k: p for k, p in self._owner.items() if p is not part}
                    part.over.set()
