"""Slots that do not idle: a replica that ends makes room for the next.

Everything of a replica is a row of some array, so that it moves into a slot by its rows being put
there. The compiled engine stays the same and no other row changes: a replica comes out bit for bit
the same from any slot, whoever was there before it and whoever is beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import keras
import numpy as np

from replicafit.data import ReplicaData
from replicafit.training.batches import PreparedBatch
from replicafit.training.engine import BatchConstants, History, Schedule
from replicafit.training.loop import Snapshot, no_history, train
from replicafit.training.state import TrainingState
from replicafit.training.status import Status

NO_CHECK = History(step=-1, training=np.nan, validation=np.nan)
"""In the history of a slot, in place of the checks of a replica that it held before."""

Row = tuple[TrainingState, History]
"""One replica's part of a snapshot: arrays without the replica axis."""


@dataclass(frozen=True, eq=False)
class PreparedReplica:
    """One replica ready to train.

    Attributes:
        batch: what it was prepared with.
        place: its row there.
        begun: where a checkpoint left it, if it is not at its start.
    """

    batch: PreparedBatch
    place: int
    begun: Row | None = None

    @property
    def number(self) -> int:
        """The replica number."""
        return self.batch.model.numbers[self.place]

    @property
    def beginning(self) -> Row:
        """Where it begins."""
        own: TrainingState = _row(self.batch.state, self.place)
        return self.begun or (own, _row(no_history(1), 0))

    @property
    def ended(self) -> FinishedReplica | None:
        """As it has ended, if there is nothing to train: by a checkpoint, or without pseudodata."""
        begun = self.beginning
        return None if begun[0].status == Status.running else FinishedReplica(self, begun)


@dataclass(frozen=True, eq=False)
class FinishedReplica:
    """A replica that has ended, with its last state and all its checks."""

    replica: PreparedReplica
    row: Row

    def begun_anew(self, above: float | None) -> PreparedReplica | None:
        """The replica at another start if it is stuck, for the first time; else None.

        Args:
            above: chi2 per datum of the best check, of the validation data or, without any, of the
                training data, from which on it counts as stuck; never if None.
        """
        state, batch, place = self.row[0], self.replica.batch, self.replica.place
        training = batch.data.training[place]
        data = training.sum() if training.all() else (~training).sum()
        if above is None or batch.starts is None or state.again:
            return None
        if state.status == Status.undrawn:
            return None
        if state.best_validation <= above * data:
            return None
        start = batch.starts.another(self.replica.number, int(state.draw))
        beginning, no_checks = PreparedReplica(batch, place).beginning
        other = beginning._replace(
            weights=start.weights,
            best_weights=start.weights,
            draw=np.asarray(start.draw, state.draw.dtype),
            again=np.asarray(True),
        )
        return PreparedReplica(batch, place, (other, no_checks))


class Queue(Protocol):
    """Replicas that wait for a slot."""

    def take(self, wait: bool) -> PreparedReplica | None:
        """The next one; None if there is none, or, without ``wait``, none that is ready."""


@dataclass(frozen=True)
class Line:
    """Replicas that are ready, in their order."""

    replicas: Iterator[PreparedReplica]

    def take(self, wait: bool) -> PreparedReplica | None:
        """The next one, if there is one."""
        return next(self.replicas, None)


@dataclass(frozen=True, eq=False)
class Slots:
    """The replicas that train at one time in one lane.

    Attributes:
        replicas: whose turn it is in each slot; an empty slot shows one that never runs there.
        snapshot: their states, and their checks.
    """

    replicas: tuple[PreparedReplica, ...]
    snapshot: Snapshot

    @classmethod
    def empty(cls, like: PreparedReplica, count: int) -> Slots:
        """``count`` slots without any replica yet; ``like`` shows their shape."""
        state, history = PreparedReplica(like.batch, like.place).beginning
        nobody = state._replace(status=np.full_like(state.status, Status.empty))
        return cls((like,) * count, stacked([(nobody, history)] * count))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The replica number in each slot."""
        return tuple(replica.number for replica in self.replicas)

    @property
    def constants(self) -> BatchConstants:
        """What training does not change, for the replicas in the slots."""
        rows = [_row(each.batch.constants, each.place) for each in self.replicas]
        stacked: BatchConstants = keras.tree.map_structure(lambda *each: np.stack(each), *rows)
        return stacked

    @property
    def data(self) -> ReplicaData:
        """What the replicas in the slots are fitted to."""
        values = [each.batch.data.values[each.place] for each in self.replicas]
        training = [each.batch.data.training[each.place] for each in self.replicas]
        return ReplicaData(self.numbers, np.stack(values), np.stack(training))

    def row(self, slot: int) -> Row:
        """State and checks of one slot."""
        row: Row = _row((self.snapshot.state, self.snapshot.history), slot)
        return row

    def refilled(self, coming: Queue) -> Slots:
        """With the next replicas in the slots where none runs, as long as there are any."""
        running = self.snapshot.running
        replicas, rows, waits = list(self.replicas), {}, not running.any()
        for slot in np.flatnonzero(~running).tolist():
            following = coming.take(waits)
            if following is None:
                break
            replicas[slot], rows[slot], waits = following, following.beginning, False
        if not rows:
            return self
        each = [rows[slot] if slot in rows else self.row(slot) for slot in range(len(replicas))]
        return Slots(tuple(replicas), stacked(each))

    def halted(self, which: np.ndarray) -> Slots:
        """With the replicas in the slots ``which`` (r,) stopped where they are."""
        return self._with_status(which & self.snapshot.running, Status.stopped)

    def only(self, which: np.ndarray) -> Slots:
        """As if the slots that are not ``which`` (r,) were empty."""
        return self._with_status(~which, Status.empty)

    def _with_status(self, which: np.ndarray, status: Status) -> Slots:
        state = self.snapshot.state
        own = np.where(which, status, state.status).astype(state.status.dtype)
        return replace(self, snapshot=replace(self.snapshot, state=state._replace(status=own)))

    def finished(self, before: Slots) -> list[FinishedReplica]:
        """The replicas that have ended since ``before``, or came in ended from a checkpoint."""
        status = self.snapshot.state.status
        over = (status != Status.running) & (status != Status.empty)
        known = self._stayed(before) & ~before.snapshot.running
        return [
            FinishedReplica(self.replicas[slot], self.row(slot))
            for slot in np.flatnonzero(over & ~known).tolist()
        ]

    def steps_since(self, before: Slots) -> int:
        """Steps that the replicas in the slots have taken since, added."""
        steps = self.snapshot.state.steps
        used = self.snapshot.state.status != Status.empty
        begun = [replica.beginning[0].steps for replica in self.replicas]
        earlier = np.where(self._stayed(before), before.snapshot.state.steps, begun)
        return int((steps - earlier)[used].sum())

    def _stayed(self, before: Slots) -> np.ndarray:
        """Which slots hold the replica that they held ``before``, (r,)."""
        same = [a is b for a, b in zip(self.replicas, before.replicas, strict=True)]
        return np.array(same) & (before.snapshot.state.status != Status.empty)


def replicas_of(batches: Iterable[PreparedBatch]) -> Iterator[PreparedReplica]:
    """The replicas of ``batches`` one after another."""
    for batch in batches:
        yield from (PreparedReplica(batch, place) for place in range(len(batch.model.numbers)))


def train_slots(
    advance: Callable[..., Any],
    slots: Slots,
    coming: Queue,
    schedule: Schedule,
    judged: Callable[[Slots], Slots] | None = None,
) -> Iterator[Slots]:
    """Trains until no replica runs and none comes; gives the slots after each compiled call.

    Args:
        advance: the compiled engine.
        slots: where to begin.
        coming: replicas that take the place of those that end.
        schedule: when to check.
        judged: may stop some replicas after each call (``Slots.halted``).
    """
    slots = slots.refilled(coming)
    while slots.snapshot.running.any():
        begun = slots.snapshot
        for seen in train(advance, begun.state, slots.constants, schedule, begun.history):
            now = replace(slots, snapshot=seen)
            if judged is not None:
                now = judged(now)
            yield now
            slots = now.refilled(coming)
            if slots is not now:
                break


def _row(tree: Any, at: int) -> Any:
    """One replica's part of arrays with leading replica axis."""
    return keras.tree.map_structure(lambda array: array[at], tree)


def stacked(rows: Sequence[Row]) -> Snapshot:
    """The states and checks of single replicas along one replica axis.

    The checks end together; before those of a replica stands ``NO_CHECK``.
    """
    state = keras.tree.map_structure(lambda *each: np.stack(each), *[state for state, _ in rows])
    owned = [_own(history) for _, history in rows]
    length = max(len(history.step) for history in owned)
    padded = [
        [
            np.concatenate([np.full(length - len(column), nothing, column.dtype), column])
            for column, nothing in zip(history, NO_CHECK, strict=True)
        ]
        for history in owned
    ]
    return Snapshot(state, History(*(np.stack(column) for column in zip(*padded, strict=True))))


def _own(history: History) -> History:
    """The checks of one replica, without what stands before them, (checks,)."""
    first = int(np.argmax(history.step >= 0)) if (history.step >= 0).any() else len(history.step)
    return History(*(column[first:] for column in history))
