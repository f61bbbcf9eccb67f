"""What travels between a fit and those who train for it: frozen values that pickle.

An order tells everything that a batch depends on, so that whoever carries it out writes the same
replicas. It names files instead of holding data; ``inputs`` holds those for workers that cannot
see them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """What all batches of a run share.

    Attributes:
        runcard: canonical, as JSON.
        card: the absolute path of its file.
        data_hash: of the data.
        versions: that workers must have, by name.
        folder: the absolute path of the fit's.
        token: what the file ``orders_file(folder)`` holds while this run waits for its batches.
        checkpoint_seconds: at least this long between two checkpoints.
    """

    runcard: str
    card: str
    data_hash: str
    versions: tuple[tuple[str, str], ...]
    folder: str
    token: str
    checkpoint_seconds: float

    @property
    def is_here(self) -> bool:
        """Whether this process sees the folder of the fit, and the run still waits for batches."""
        try:
            return orders_file(Path(self.folder)).read_text(encoding="utf-8") == self.token
        except OSError:
            return False

    @property
    def sees_inputs(self) -> bool:
        """Whether this process sees the runcard, and with it the files that it names."""
        return Path(self.card).is_file()


def orders_file(folder: Path) -> Path:
    """Tells workers that they see the folder of a fit, and when nobody waits for them any more."""
    return folder / "checkpoint" / "orders"


@dataclass(frozen=True)
class BatchOrder:
    """One batch to train.

    Attributes:
        architecture: its position in ``model.choice``; None without a choice.
        numbers: the replica numbers.
        slots: of the batch.
        attempt: from 1.
        inputs: the runcard and the files that it names (``parcels``), for workers that do not see
            them.
    """

    job: Job
    architecture: int | None
    numbers: tuple[int, ...]
    slots: int
    attempt: int = 1
    inputs: bytes | None = None

    @property
    def name(self) -> str:
        """For messages."""
        return named(self.numbers)

    @property
    def folder(self) -> Path:
        """Where the batch keeps its state while it trains, if the folder of the fit is seen."""
        return orders_file(Path(self.job.folder)).with_name(f"batch_{self.numbers[0]:04d}")


def named(numbers: tuple[int, ...]) -> str:
    """``replicas 1 to 10``."""
    first, last = numbers[0], numbers[-1]
    if first == last:
        return f"replica {first}"
    whole = len(numbers) == last - first + 1
    return f"replicas {first} to {last}" if whole else f"{len(numbers)} replicas from {first} on"


@dataclass(frozen=True)
class Worker:
    """Who trained.

    Attributes:
        name: host and process.
        backend: name, version and device.
    """

    name: str
    backend: Mapping[str, str]


def worker_name() -> str:
    """This process, for messages."""
    return f"{socket.gethostname()}, process {os.getpid()}"


@dataclass(frozen=True)
class Ready:
    """A worker with the right versions.

    Attributes:
        memory: bytes a batch may take on its GPU; None without.
    """

    worker: Worker
    memory: int | None


@dataclass(frozen=True)
class Refused:
    """A worker with other versions than the order's, and which."""

    reason: str


@dataclass(frozen=True)
class NeedsInputs:
    """The worker does not see the files of the runcard; they must come with the order."""


@dataclass(frozen=True)
class Failed:
    """What went wrong with a batch: one line, and all of it; ``final`` if nothing can help."""

    cause: str
    details: str
    worker: str
    final: bool = False


@dataclass(frozen=True)
class Trained:
    """A batch whose replicas are written.

    Attributes:
        look: at its end.
        timing: of all batches of this worker so far (``replicafit.results.run.Timing``).
        warnings: for the user.
        files: the replicas (``parcels``) from a worker that does not see the folder of the fit.
    """

    worker: Worker
    look: Any
    timing: Any
    warnings: tuple[str, ...]
    files: bytes | None


Report = Trained | NeedsInputs | Refused | Failed
