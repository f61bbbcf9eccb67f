"""How a fit goes on: one small record of the whole fit now and then; imports no Keras."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from replicafit.data import ReplicaData
from replicafit.training.status import Status

if TYPE_CHECKING:
    from replicafit.training.loop import Snapshot


@dataclass(frozen=True)
class Spread:
    """chi2 per datum over the replicas that train: median, and where the central 68 % lie."""

    median: float | None
    p16: float | None
    p84: float | None


@dataclass(frozen=True)
class ReplicaProgress:
    """One replica between two compiled calls.

    Attributes:
        number: the replica number.
        step: steps taken.
        status: the name of a ``Status``.
        training, validation: chi2 per datum of the pseudodata at the last check; may be nan.
    """

    number: int
    step: int
    status: str
    training: float
    validation: float


@dataclass(frozen=True)
class Progress:
    """A fit between two compiled calls.

    Attributes:
        time: when, in UTC, ISO 8601.
        step: of the replica that is furthest, among those that train; else of the last ones.
        steps_done: over all replicas; one that is over counts as ``max_steps``.
        steps_total: replicas times ``max_steps``.
        replicas: how many the fit has; more than asked for where not all of them are good.
        running, stopped, completed, diverged, undrawn, waiting: how many of them.
        chi2_training, chi2_validation: per datum of the pseudodata, over those in slots.
        lanes: how many train.
        in_slots: the replicas in slots, one by one.
    """

    time: str
    step: int
    steps_done: int
    steps_total: int
    replicas: int
    running: int
    stopped: int
    completed: int
    diverged: int
    waiting: int
    chi2_training: Spread
    chi2_validation: Spread
    lanes: int = 1
    in_slots: tuple[ReplicaProgress, ...] = ()
    undrawn: int = 0


@dataclass
class Tally:
    """Counts the replicas of a whole fit, those of earlier runs included.

    Attributes:
        replicas: how many the fit has.
        max_steps: how many steps each may take.
        over: the status of each replica that has ended, by number.
        lanes: what each lane trains, by its name.
    """

    replicas: int
    max_steps: int
    over: dict[int, str] = field(default_factory=dict)
    lanes: dict[object, tuple[ReplicaProgress, ...]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ended(self, number: int, status: str) -> None:
        """A replica has ended."""
        self.over[number] = status

    def seen(self, lane: object, replicas: Iterable[ReplicaProgress]) -> Progress:
        """The fit as it is now that ``lane`` trains ``replicas``."""
        with self._lock:
            self.lanes[lane] = tuple(replicas)
            return self._now()

    def _now(self) -> Progress:
        in_slots = [replica for lane in self.lanes.values() for replica in lane]
        for replica in in_slots:
            if replica.status != Status.running.name:
                self.over[replica.number] = replica.status
        running = [replica for replica in in_slots if replica.status == Status.running.name]
        ended, done = Counter(self.over.values()), len(self.over)
        replicas = max(self.replicas, done + len(running))
        return Progress(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            step=max((replica.step for replica in running or in_slots), default=0),
            steps_done=done * self.max_steps + sum(replica.step for replica in running),
            steps_total=replicas * self.max_steps,
            replicas=replicas,
            running=len(running),
            stopped=ended[Status.stopped.name],
            completed=ended[Status.completed.name],
            diverged=ended[Status.diverged.name],
            waiting=replicas - done - len(running),
            chi2_training=_spread([replica.training for replica in in_slots]),
            chi2_validation=_spread([replica.validation for replica in in_slots]),
            lanes=sum(any(r.status == Status.running.name for r in s) for s in self.lanes.values()),
            in_slots=tuple(in_slots),
            undrawn=ended[Status.undrawn.name],
        )


def replicas_in(snapshot: Snapshot, data: ReplicaData) -> list[ReplicaProgress]:
    """The replicas of ``snapshot``, without spare slots."""
    state, found = snapshot.state, []
    history = snapshot.history
    parts = (history.training, data.training), (history.validation, ~data.training)
    for slot in np.flatnonzero(np.asarray(state.status) != Status.empty).tolist():
        training, validation = (
            float(chi2[slot, -1]) / count if (count := int(own[slot].sum())) else float("nan")
            for chi2, own in parts
        )
        status = Status(int(state.status[slot])).name
        number, step = int(data.numbers[slot]), int(state.steps[slot])
        found.append(ReplicaProgress(number, step, status, training, validation))
    return found


def _spread(values: list[float]) -> Spread:
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return Spread(None, None, None)
    low, median, high = (float(v) for v in np.percentile(finite, [16, 50, 84]))
    return Spread(round(median, 6), round(low, 6), round(high, 6))
