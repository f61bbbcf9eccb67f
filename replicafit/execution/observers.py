"""Who is told how a fit goes on; imports no Keras."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partialmethod
from pathlib import Path
from typing import Any

from replicafit.results.progress import Progress
from replicafit.results.replica import ReplicaResult


@dataclass(frozen=True)
class FitBeginning:
    """What an observer is told when training is about to begin.

    Attributes:
        folder: of the fit.
        replicas: how many are wanted.
        max_steps: steps that a replica takes at most.
        over: the status of each replica that an earlier run has written, by number.
    """

    folder: Path
    replicas: int
    max_steps: int
    over: dict[int, str]


class Observer:
    """Watches a fit: a subclass overrides what it wants to hear of, the rest does nothing.

    Calls come one at a time, from several threads. One that raises costs a warning, after which
    the observer hears no more; the fit goes on.

    Attributes:
        title: what that warning calls it; filled in for observers of plugins.
    """

    title = ""

    def phase(self, what: str) -> None:
        """A new phase of the work begins, in words for people; the first comes before all else."""

    def fit_begins(self, fit: FitBeginning) -> None:
        """The folder is there and training is about to begin."""

    def progress(self, progress: Progress) -> None:
        """Some replicas have trained a few hundred steps more."""

    def replica_ends(self, result: ReplicaResult) -> None:
        """A replica is finished and written."""

    def warning(self, message: str) -> None:
        """Something went wrong that does not end the fit."""

    def fit_ends(self, written: Sequence[int]) -> None:
        """Nothing more will come; ``written`` are the replica numbers in the folder."""


class Observers:
    """Several who watch as one; each hears everything, one call at a time."""

    def __init__(self, each: Sequence[Observer]) -> None:
        self.each = list(each)
        self._lock = threading.RLock()

    def _call(self, event: str, what: Any) -> None:
        with self._lock:
            for one in list(self.each):
                try:
                    getattr(one, event)(what)
                except KeyboardInterrupt:
                    raise
                except BaseException as cause:  # a plugin's observer may fail in any way
                    self.each.remove(one)
                    name = f"observer {type(one).__module__}.{type(one).__qualname__}"
                    self.warning(
                        f"The {one.title or name} failed at {event} and hears no more "
                        f"({type(cause).__name__}: {cause}); the fit goes on."
                    )

    phase = partialmethod(_call, "phase")
    fit_begins = partialmethod(_call, "fit_begins")
    progress = partialmethod(_call, "progress")
    replica_ends = partialmethod(_call, "replica_ends")
    warning = partialmethod(_call, "warning")
    fit_ends = partialmethod(_call, "fit_ends")


@dataclass
class ProgressLog(Observer):
    """``progress.jsonl``: a line of JSON at every look at the fit, appended on resuming.

    Attributes:
        path: the file; its folder is there once training begins.
        warn: called if the file cannot be written; the fit goes on.
    """

    path: Path
    warn: Callable[[str], None]
    _broken: bool = False

    def progress(self, progress: Progress) -> None:
        """Appends a line."""
        if self._broken:
            return
        line = asdict(progress)
        del line["in_slots"]
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
        except OSError as cause:
            self._broken = True
            self.warn(f"'{self.path}' cannot be written ({cause.strerror}); the fit goes on.")
