"""The replicas that are not written yet, on disk: written whole, the one before kept."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from replicafit.errors import OutputError
from replicafit.training.engine import History
from replicafit.training.slots import PreparedReplica, Row, stacked


@dataclass(frozen=True)
class Checkpoint:
    """What had begun when it was saved; empty where there is none.

    Attributes:
        file: where it is from.
        numbers: the replica numbers.
        arrays: of states and histories, each with a leading replica axis.
    """

    file: Path = Path()
    numbers: tuple[int, ...] = ()
    arrays: tuple[np.ndarray, ...] = ()

    def continued(self, replica: PreparedReplica) -> PreparedReplica:
        """``replica`` where it was left; itself if it is not here.

        Raises:
            OutputError: the checkpoint is of another network or another release.
        """
        if replica.number not in self.numbers:
            return replica
        own = tuple(array[self.numbers.index(replica.number)] for array in self.arrays)
        like = replica.beginning
        ours = keras.tree.flatten(like[0])
        if [(a.shape, a.dtype) for a in own[: len(ours)]] != [(a.shape, a.dtype) for a in ours]:
            raise OutputError(
                f"The checkpoint '{self.file}' is of another network, or was written by another "
                "release. Finished replicas are kept: remove the checkpoint, and --resume begins "
                "those anew that were under way."
            )
        state, history = keras.tree.pack_sequence_as((like[0], History(0, 0, 0)), own)
        return PreparedReplica(replica.batch, replica.place, (state, history))


@dataclass(frozen=True)
class Checkpoints:
    """Checkpoints of one fit: two files, the newer and the one before.

    Attributes:
        folder: where they are.
        identity: of runcard and data, so that a fit is not continued with others.
        write: ``(path, arrays)``, which must make a file appear whole.
    """

    folder: Path
    identity: str
    write: Callable[..., None]

    def save(self, rows: Mapping[int, Row]) -> None:
        """Saves the replicas that have begun, by number."""
        newer, older = self._files
        if newer.exists():
            newer.replace(older)
        snapshot = stacked(list(rows.values()))
        flat = keras.tree.flatten((snapshot.state, snapshot.history))
        arrays = {f"array_{i}": array for i, array in enumerate(flat)}
        about = {"numbers": np.array(list(rows)), "identity": np.array(self.identity)}
        self.write(newer, save=np.savez, **about, **arrays)

    def load(self, warn: Callable[[str], None]) -> Checkpoint:
        """The newest sound checkpoint of this fit; ``warn`` is called for a damaged one."""
        for file in filter(Path.exists, self._files):
            try:
                with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                    arrays = tuple(archive[f"array_{i}"] for i in range(len(archive.files) - 2))
                    numbers = tuple(archive["numbers"].tolist())
                    identity = str(archive["identity"])
            except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as cause:
                warn(f"The checkpoint '{file}' is damaged ({cause}); going back to the one before.")
                continue
            if identity == self.identity:
                return Checkpoint(file, numbers, arrays)
            warn(f"The checkpoint '{file}' is of another fit and not used.")
        return Checkpoint()

    def clear(self) -> None:
        """Removes all checkpoints: the fit is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _files(self) -> tuple[Path, Path]:
        return self.folder / "newer.npz", self.folder / "older.npz"
