"""The state of the replicas that train, on disk: written whole, the one before kept."""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from replicafit.errors import OutputError
from replicafit.training.engine import History
from replicafit.training.loop import Snapshot
from replicafit.training.state import TrainingState


@dataclass(frozen=True)
class Checkpoint:
    """What trained when it was saved.

    Attributes:
        file: where it is from.
        numbers: the replica number in each slot.
        arrays: of state and history.
    """

    file: Path
    numbers: tuple[int, ...]
    arrays: tuple[np.ndarray, ...]

    def snapshot(self, like: TrainingState) -> Snapshot:
        """State and history; ``like`` is a state of the same replicas.

        Raises:
            OutputError: it is of another network or another release.
        """
        ours = keras.tree.flatten(like)
        kinds = [(array.shape, array.dtype) for array in self.arrays[: len(ours)]]
        if kinds != [(array.shape, array.dtype) for array in ours]:
            raise OutputError(
                f"The checkpoint '{self.file}' is of another network, or was written by another "
                "release. Finished replicas are kept: remove the checkpoint, and --resume begins "
                "those anew that were under way."
            )
        return Snapshot(*keras.tree.pack_sequence_as((like, History(0, 0, 0)), self.arrays))


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
        """Saves what trains if the last checkpoint is old enough."""
        if time.monotonic() - self._last >= self.seconds:
            self.save(numbers, snapshot)

    def save(self, numbers: Sequence[int], snapshot: Snapshot) -> None:
        """Saves what trains, with the replica ``numbers`` in the slots."""
        newer, older = self._files()
        if newer.exists():
            newer.replace(older)
        flat = keras.tree.flatten((snapshot.state, snapshot.history))
        arrays = {f"array_{i}": array for i, array in enumerate(flat)}
        self.write(newer, save=np.savez, numbers=np.array(numbers), **arrays)
        self._last = time.monotonic()

    def load(self, warn: Callable[[str], None]) -> Checkpoint | None:
        """The newest sound checkpoint, if there is one; ``warn`` is told of a damaged one."""
        for file in self._files():
            if not file.exists():
                continue
            try:
                return _read(file)
            except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as cause:
                warn(f"The checkpoint '{file}' is damaged ({cause}); going back to the one before.")
        return None

    def clear(self) -> None:
        """Removes all checkpoints: the fit is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self) -> tuple[Path, Path]:
        return self.folder / "newer.npz", self.folder / "older.npz"


def _read(file: Path) -> Checkpoint:
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        arrays = tuple(archive[f"array_{i}"] for i in range(len(archive.files) - 1))
        return Checkpoint(file, tuple(archive["numbers"].tolist()), arrays)
