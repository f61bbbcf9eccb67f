"""The state of the batch that trains, on disk: written whole, the one before kept."""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from replicafit.training.engine import History
from replicafit.training.loop import Snapshot
from replicafit.training.state import TrainingState


@dataclass
class Checkpoints:
    """Checkpoints of one fit: two files, the newer and the one before.

    Attributes:
        folder: where they are.
        seconds: at least this long between two.
        write: ``(path, arrays)``, which must make a file appear whole.
    """

    folder: Path
    seconds: float
    write: Callable[..., None]
    _last: float = field(default_factory=time.monotonic)

    def maybe_save(self, numbers: Sequence[int], snapshot: Snapshot) -> None:
        """Saves a batch if the last checkpoint is old enough."""
        if time.monotonic() - self._last >= self.seconds:
            self.save(numbers, snapshot)

    def save(self, numbers: Sequence[int], snapshot: Snapshot) -> None:
        """Saves the batch of the replicas ``numbers``."""
        newer, older = self._files()
        if newer.exists():
            newer.replace(older)
        flat = keras.tree.flatten((snapshot.state, snapshot.history))
        arrays = {f"array_{i}": array for i, array in enumerate(flat)}
        self.write(newer, save=np.savez, numbers=np.array(numbers), **arrays)
        self._last = time.monotonic()

    def load(
        self, numbers: Sequence[int], like: TrainingState, warn: Callable[[str], None]
    ) -> Snapshot | None:
        """The newest sound checkpoint of the batch of ``numbers``, if there is one.

        Args:
            like: a state of the same batch; the checkpoint must have its shapes.
            warn: told of a damaged checkpoint.
        """
        for file in self._files():
            if not file.exists():
                continue
            try:
                snapshot = _read(file, numbers, like)
            except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as cause:
                warn(f"The checkpoint '{file}' is damaged ({cause}); going back to the one before.")
                continue
            if snapshot is not None:
                return snapshot
        return None

    def clear(self) -> None:
        """Removes all checkpoints: the fit is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self) -> tuple[Path, Path]:
        return self.folder / "newer.npz", self.folder / "older.npz"


def _read(file: Path, numbers: Sequence[int], like: TrainingState) -> Snapshot | None:
    """The checkpoint in ``file``, or None if it is of another batch."""
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        if archive["numbers"].tolist() != list(numbers):
            return None
        flat = [archive[f"array_{i}"] for i in range(len(archive.files) - 1)]
    template = (like, History(0, 0, 0))
    state, history = keras.tree.pack_sequence_as(template, flat)
    for ours, theirs in zip(keras.tree.flatten(like), keras.tree.flatten(state), strict=True):
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            raise ValueError(f"shape {theirs.shape} instead of {ours.shape}")
    return Snapshot(state, history)
