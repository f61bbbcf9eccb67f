"""What a worker does: a fit of some of the replicas, sent back as they are written.

A worker trains them as ``replicafit run --replicas`` would, which by the independence law are the
replicas of the whole fit. It needs to see the files that the runcard names, not the fit's folder.
"""

from __future__ import annotations

import io
import os
import signal
import socket
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicafit.plugin import (
    FitFolder,
    Observer,
    Setup,
    appearing,
    beside,
    load_registry,
    runcard_type,
    with_files,
)
from replicafit_dask.versions import refusal


@dataclass(frozen=True)
class Task:
    """Replicas for one worker to train; can be pickled.

    Attributes:
        runcard: canonical, of the whole fit.
        folder: where its relative paths begin, absolute.
        numbers: the replica numbers, one after the other.
        versions: that the worker must have, by name.
        data_hash: of the data of the fit.
        executor: the lanes of the worker, as ``--executor`` takes them.
    """

    runcard: dict[str, Any]
    folder: str
    numbers: range
    versions: dict[str, str]
    data_hash: str
    executor: str


@dataclass(frozen=True)
class Trained:
    """What came of a task.

    Attributes:
        worker: host and process.
        backend: name, version and device.
        archive: the folders of the replicas and ``measured.npz``, as a tar file.
        warnings: for the user.
    """

    worker: str
    backend: dict[str, str]
    archive: bytes
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """Why nothing came of it: one line; ``final`` if no other worker would fare better."""

    cause: str
    final: bool = False


class _Warnings(Observer):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def warning(self, message: str) -> None:
        """Kept."""
        self.heard.append(message)


def carry_out(task: Task) -> Trained | Failed:
    """Trains the replicas of ``task`` in this process; never raises."""
    worker = f"{socket.gethostname()}, process {os.getpid()}"
    try:
        reason = refusal(task.versions, load_registry(), worker)
        return Failed(reason, final=True) if reason else _trained(task, worker)
    except (Exception, SystemExit) as cause:  # an exception need not be known to the client
        return Failed(f"{type(cause).__name__}: {cause} (on {worker})")


def _trained(task: Task, worker: str) -> Trained | Failed:
    from replicafit import fit

    folder = Path(task.folder)
    if not folder.is_dir():
        return Failed(
            f"The worker on {worker} does not see '{folder}', where the runcard's files are. Put "
            "them where all workers see them.",
            final=True,
        )
    registry = with_files(load_registry(), task.runcard.get("plugins", ()), folder)
    card = {**task.runcard, "replicas": [task.numbers[0], task.numbers[-1]]}
    setup, heard = Setup(runcard_type(registry).model_validate(card), registry, folder), _Warnings()
    with tempfile.TemporaryDirectory() as place:
        own = Path(place) / "fit"
        run = fit(setup, output=own, observer=heard, executor=task.executor).run
        if run.data_hash != task.data_hash:
            return Failed(
                f"The worker on {worker} reads other data than the fit. Make its files the same.",
                final=True,
            )
        return Trained(worker, run.backend, packed(own), tuple(heard.heard))


def packed(fit: Path) -> bytes:
    """The replicas in the folder ``fit``, and what was measured."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for path in (fit / "measured.npz", fit / "replicas"):
            if path.exists():
                archive.add(path, path.name)
    return stream.getvalue()


def unpack(archive: bytes, numbers: Sequence[int], folder: FitFolder) -> list[int]:
    """Puts replicas into ``folder``, each whole or not at all; gives the numbers that came."""
    prefix = f"{beside(folder.path / 'arrived').name}-"
    with tempfile.TemporaryDirectory(dir=folder.path, prefix=prefix) as place:
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed_files:
            packed_files.extractall(place, filter="data")
        came = FitFolder(Path(place))
        if came.data_file.exists() and not folder.data_file.exists():
            came.data_file.replace(folder.data_file)
        found = sorted(set(came.finished()) & set(numbers))
        for number in found:
            with appearing(folder.replica(number)) as temporary:
                came.replica(number).replace(temporary)
        return found


def dask_setup(worker: Any) -> None:
    """Called by each worker of this machine when it starts: Ctrl-C is left to the client."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
