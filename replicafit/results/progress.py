"""How a fit goes on: one small record of the whole fit now and then, and who writes it down."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from replicafit.data import ReplicaData
from replicafit.results.replica import ReplicaResult
from replicafit.training.loop import Snapshot
from replicafit.training.state import Status


@dataclass(frozen=True)
class Spread:
    """chi2 per datum over the replicas that train: median, and where the central 68 % lie."""

    median: float | None
    p16: float | None
    p84: float | None


@dataclass(frozen=True)
class Progress:
    """A fit between two compiled calls.

    Attributes:
        time: when, in UTC, ISO 8601.
        step: of the replica that is furthest, among those that train; else of the last batch.
        steps_done: over all replicas; one that is over counts as ``max_steps``.
        steps_total: replicas times ``max_steps``.
        replicas: how many the fit has; more than asked for where not all of them are good.
        running, stopped, completed, diverged, waiting: how many of them.
        chi2_training, chi2_validation: per datum of the pseudodata, over the current batch.
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


@dataclass(frozen=True)
class Look:
    """One batch between two compiled calls; every tuple has an entry for each of its replicas.

    Attributes:
        numbers: the replica numbers.
        steps: taken.
        status: the names of ``Status``.
        training, validation: chi2 per datum of the pseudodata at the last check; may be nan.
    """

    numbers: tuple[int, ...]
    steps: tuple[int, ...]
    status: tuple[str, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]

    @classmethod
    def of(cls, snapshot: Snapshot, data: ReplicaData) -> Look:
        """The replicas of ``snapshot``, without spare slots."""
        used = np.flatnonzero(np.asarray(snapshot.state.status) != Status.empty).tolist()
        training, validation = chi2_per_datum(snapshot, data)
        return cls(
            numbers=tuple(int(data.numbers[slot]) for slot in used),
            steps=tuple(int(snapshot.state.steps[slot]) for slot in used),
            status=tuple(Status(int(snapshot.state.status[slot])).name for slot in used),
            training=tuple(training.tolist()),
            validation=tuple(validation.tolist()),
        )


@dataclass
class Tally:
    """Counts the replicas of a whole fit, those of earlier runs included.

    Attributes:
        replicas: how many the fit has.
        max_steps: how many steps each may take.
        over: the status of each replica that has ended, by number.
    """

    replicas: int
    max_steps: int
    over: dict[int, str] = field(default_factory=dict)

    def replica(self, result: ReplicaResult) -> None:
        """A replica is finished and written."""
        self.over[result.number] = result.status

    def progress(self, snapshot: Snapshot, data: ReplicaData) -> Progress:
        """The fit as ``snapshot`` of its current batch shows it."""
        return self.of([Look.of(snapshot, data)])

    def of(self, looks: Sequence[Look]) -> Progress:
        """The fit as ``looks`` at all batches that train show it."""
        replicas_now = [(n, *each) for k in looks for n, *each in zip(*_columns(k), strict=True)]
        for number, _, status in replicas_now:
            if status != Status.running.name:
                self.over[number] = status
        steps = [taken for _, taken, status in replicas_now if status == Status.running.name]
        ended, done, running_now = Counter(self.over.values()), len(self.over), len(steps)
        replicas = max(self.replicas, done + running_now)
        training = np.array([value for look in looks for value in look.training])
        validation = np.array([value for look in looks for value in look.validation])
        return Progress(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            step=max(steps or [taken for _, taken, _ in replicas_now], default=0),
            steps_done=done * self.max_steps + sum(steps),
            steps_total=replicas * self.max_steps,
            replicas=replicas,
            running=running_now,
            stopped=ended["stopped"],
            completed=ended["completed"],
            diverged=ended["diverged"],
            waiting=replicas - done - running_now,
            chi2_training=_spread(training),
            chi2_validation=_spread(validation),
        )


def chi2_per_datum(snapshot: Snapshot, data: ReplicaData) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation chi2 per datum at the last check, of the slots in use, (r,)."""
    used = np.asarray(snapshot.state.status) != Status.empty
    n_training = data.training.sum(axis=1)
    n_validation = (~data.training).sum(axis=1)
    training, validation = (
        np.divide(column[:, -1], n, out=np.full(len(n), np.nan), where=n > 0)
        for column, n in (
            (np.asarray(snapshot.history.training, np.float64), n_training),
            (np.asarray(snapshot.history.validation, np.float64), n_validation),
        )
    )
    return training[used], validation[used]


def _columns(look: Look) -> tuple[tuple[Any, ...], ...]:
    return look.numbers, look.steps, look.status


def _spread(values: np.ndarray) -> Spread:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Spread(None, None, None)
    low, median, high = (float(v) for v in np.percentile(finite, [16, 50, 84]))
    return Spread(round(median, 6), round(low, 6), round(high, 6))


class Watcher(Protocol):
    """Who watches a fit: ``replicafit.execution.fit.Observer`` without importing it."""

    def phase(self, what: str) -> None: ...
    def progress(self, snapshot: Snapshot, data: Any) -> None: ...
    def looks(self, each: Sequence[Look]) -> None: ...
    def replica(self, result: ReplicaResult) -> None: ...
    def warning(self, message: str) -> None: ...


@dataclass(frozen=True)
class Watchers:
    """Several who watch as one; each is told in turn."""

    each: Sequence[Watcher]

    def phase(self, what: str) -> None:
        """A new phase of the work begins."""
        for one in self.each:
            one.phase(what)

    def progress(self, snapshot: Snapshot, data: Any) -> None:
        """A batch has trained a few hundred steps more."""
        for one in self.each:
            one.progress(snapshot, data)

    def looks(self, each: Sequence[Look]) -> None:
        """Batches elsewhere have trained more."""
        for one in self.each:
            one.looks(each)

    def replica(self, result: ReplicaResult) -> None:
        """A replica is finished and written."""
        for one in self.each:
            one.replica(result)

    def warning(self, message: str) -> None:
        """Something went wrong that does not end the fit."""
        for one in self.each:
            one.warning(message)


@dataclass
class ProgressLog:
    """``progress.jsonl``: a line of JSON at every look at the fit, appended on resuming.

    Attributes:
        path: the file; its folder is there once training begins.
        tally: counts.
        warn: told if the file cannot be written; the fit goes on.
    """

    path: Path
    tally: Tally
    warn: Callable[[str], None]
    _broken: bool = False

    def phase(self, what: str) -> None:
        """Not written down."""

    def progress(self, snapshot: Snapshot, data: Any) -> None:
        """Appends a line."""
        self.looks([Look.of(snapshot, data)])

    def looks(self, each: Sequence[Look]) -> None:
        """Appends a line."""
        line = json.dumps(asdict(self.tally.of(each)))
        if self._broken:
            return
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as cause:
            self._broken = True
            self.warn(f"'{self.path}' cannot be written ({cause.strerror}); the fit goes on.")

    def replica(self, result: ReplicaResult) -> None:
        """Counted."""
        self.tally.replica(result)

    def warning(self, message: str) -> None:
        """Not written down."""
