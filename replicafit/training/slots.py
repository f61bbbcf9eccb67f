"""Slots that do not idle: a replica that ends makes room for the next.

Everything of a replica is a row of some array, so that it moves into a slot by its rows being put
there. The compiled engine stays the same and no other row changes: replicas come out bit for bit as
from a batch of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from replicafit.data import ReplicaData
from replicafit.training.batches import PreparedBatch
from replicafit.training.engine import BatchConstants, History, Schedule
from replicafit.training.loop import Snapshot, train
from replicafit.training.state import Status

NO_CHECK = History(step=-1, training=np.nan, validation=np.nan)
"""In the history of a slot, in place of the checks of a replica that it held before."""


@dataclass(frozen=True, eq=False)
class Seat:
    """A replica's place in the batch that it was prepared with."""

    batch: PreparedBatch
    place: int

    @property
    def number(self) -> int:
        """The replica number."""
        return self.batch.model.numbers[self.place]

    def beginning(self, checks: int) -> Any:
        """Its state before the first step, and the history of a slot it comes into."""
        dtype = self.batch.state.best_validation.dtype
        columns = zip(NO_CHECK, (np.int32, dtype, dtype), strict=True)
        blank = History(*(np.full(checks, value, kind) for value, kind in columns))
        return _row(self.batch.state, self.place), blank


@dataclass(frozen=True)
class Occupancy:
    """The replicas that train at one time.

    Attributes:
        seats: whose replica each slot holds; a spare slot holds one that never runs.
        snapshot: their states, and their checks.
    """

    seats: tuple[Seat, ...]
    snapshot: Snapshot

    @classmethod
    def of(cls, batch: PreparedBatch, begun: Snapshot | None = None) -> Occupancy:
        """A batch in its own slots, at its start or where a checkpoint left it."""
        seats = tuple(Seat(batch, place) for place in range(len(batch.state.steps)))
        start = [seat.beginning(checks=0) for seat in seats]
        return cls(seats, begun or Snapshot(*_stacked(start)))

    @classmethod
    def vacant(cls, batch: PreparedBatch, slots: int) -> Occupancy:
        """``slots`` without any replica yet; ``batch`` shows their shape."""
        nobody = np.full_like(batch.state.status, Status.empty)
        seat = Seat(replace(batch, state=batch.state._replace(status=nobody)), 0)
        return cls((seat,) * slots, Snapshot(*_stacked([seat.beginning(checks=0)] * slots)))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The replica number in each slot."""
        return tuple(seat.number for seat in self.seats)

    @property
    def constants(self) -> BatchConstants:
        """What training does not change, for the replicas in the slots."""
        rows: BatchConstants = _stacked([_row(s.batch.constants, s.place) for s in self.seats])
        return rows

    @property
    def data(self) -> ReplicaData:
        """What the replicas in the slots are fitted to."""
        own = [(s.batch.data.values[s.place], s.batch.data.training[s.place]) for s in self.seats]
        return ReplicaData(self.numbers, *_stacked(own))

    def refilled(self, coming: Iterator[Seat]) -> Occupancy:
        """With the next replicas in the slots where none runs, as long as there are any."""
        running = self.snapshot.running.tolist()
        seats = tuple(
            seat if runs else next(coming, seat)
            for seat, runs in zip(self.seats, running, strict=True)
        )
        if seats == self.seats:
            return self
        rows = [
            self._at(slot) if seat is self.seats[slot] else self._beginning(seat)
            for slot, seat in enumerate(seats)
        ]
        state, history = _stacked(rows)
        return Occupancy(seats, Snapshot(state, _trimmed(history)))

    def halted(self, which: np.ndarray) -> Occupancy:
        """With the replicas in the slots ``which`` (r,) stopped where they are."""
        state = self.snapshot.state
        status = np.where(which & self.snapshot.running, Status.stopped, state.status)
        stopped = state._replace(status=status.astype(state.status.dtype))
        return replace(self, snapshot=replace(self.snapshot, state=stopped))

    def at_home(self) -> Iterator[tuple[PreparedBatch, Snapshot]]:
        """Each batch that has a replica here, as if it trained in slots of its own."""
        for batch in {id(seat.batch): seat.batch for seat in self.seats}.values():
            slots = {s.place: slot for slot, s in enumerate(self.seats) if s.batch is batch}
            home = [Seat(batch, place) for place in range(len(batch.state.steps))]
            rows = [
                self._at(slots[seat.place]) if seat.place in slots else self._beginning(seat)
                for seat in home
            ]
            yield batch, Snapshot(*_stacked(rows))

    def steps_since(self, before: Occupancy) -> int:
        """Steps that the replicas in the slots have taken since, added."""
        steps = self.snapshot.state.steps
        used = self.snapshot.state.status != Status.empty
        stayed = [a is b for a, b in zip(self.seats, before.seats, strict=True)]
        earlier = np.where(stayed, before.snapshot.state.steps, 0)
        return int((steps - earlier)[used].sum())

    def _at(self, slot: int) -> Any:
        return _row((self.snapshot.state, self.snapshot.history), slot)

    def _beginning(self, seat: Seat) -> Any:
        return seat.beginning(self.snapshot.history.step.shape[1])


def seats_of(batches: Iterable[PreparedBatch]) -> Iterator[Seat]:
    """The replicas of ``batches`` one after another."""
    for batch in batches:
        used = np.flatnonzero(batch.state.status != Status.empty)
        yield from (Seat(batch, place) for place in used.tolist())


def as_it_is(occupancy: Occupancy) -> Occupancy:
    """Stops nobody."""
    return occupancy


def train_in_turn(
    advance: Any,
    occupancy: Occupancy,
    coming: Iterator[Seat],
    schedule: Schedule,
    judged: Callable[[Occupancy], Occupancy] = as_it_is,
) -> Iterator[Occupancy]:
    """Trains until no replica runs and none comes; gives the slots after each compiled call.

    Args:
        advance: the compiled engine.
        occupancy: where to begin.
        coming: replicas that take the place of those that end.
        schedule: when to check.
        judged: may stop some replicas after each call (``Occupancy.halted``).
    """
    occupancy = occupancy.refilled(coming)
    while occupancy.snapshot.running.any():
        for now in _until_one_ends(advance, occupancy, schedule, judged):
            yield now
        occupancy = now.refilled(coming)


def _until_one_ends(
    advance: Any,
    occupancy: Occupancy,
    schedule: Schedule,
    judged: Callable[[Occupancy], Occupancy],
) -> Iterator[Occupancy]:
    begun = occupancy.snapshot
    for seen in train(advance, begun.state, occupancy.constants, schedule, begun.history):
        now = judged(replace(occupancy, snapshot=seen))
        yield now
        if (begun.running & ~now.snapshot.running).any():
            return


def _row(tree: Any, at: int) -> Any:
    """One replica's part of arrays with leading replica axis."""
    return keras.tree.map_structure(lambda array: array[at], tree)


def _stacked(rows: Sequence[Any]) -> Any:
    """The parts of single replicas along one replica axis."""
    return keras.tree.map_structure(lambda *each: np.stack(each), *rows)


def _trimmed(history: History) -> History:
    """Without the columns that no replica in a slot has."""
    first = int((history.step >= 0).any(axis=0).argmax()) if history.step.size else 0
    return History(*(column[:, first:] for column in history))
