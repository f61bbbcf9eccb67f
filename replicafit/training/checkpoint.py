"""The replicas of a job that are not written yet, on disk: written whole, the one before kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from replicafit.errors import OutputError
from replicafit.reading import UnreadableError, read_arrays
from replicafit.training.engine import History
from replicafit.training.slots import PreparedReplica, Row, stacked

FORMAT = 3
"""Of checkpoints; 1 had no such key, 2 one part for all replicas."""

_FILES = ("newer.npz", "older.npz")


@dataclass(frozen=True)
class Checkpoint:
    """What a job had begun when it was saved.

    Attributes:
        file: where it is from.
        rows: the arrays of state and history of each replica, by number.
    """

    file: Path
    rows: Mapping[int, tuple[np.ndarray, ...]]

    def row(self, replica: PreparedReplica) -> Row:
        """Where ``replica``, which is here, was left.

        Raises:
            OutputError: the checkpoint is of another network or another release.
        """
        own, like = self.rows[replica.number], replica.beginning
        ours = keras.tree.flatten(like[0])
        if [(a.shape, a.dtype) for a in own[: len(ours)]] != [(a.shape, a.dtype) for a in ours]:
            raise OutputError(
                f"The checkpoint '{self.file}' is of another network, or was written by another "
                "release. Finished replicas are kept: remove the checkpoint, and --resume begins "
                "those anew that were under way."
            )
        row: Row = keras.tree.pack_sequence_as((like[0], History(0, 0, 0)), own)
        return row


def continued(replica: PreparedReplica, begun: Mapping[Path, Checkpoint]) -> PreparedReplica:
    """``replica`` where the furthest of some checkpoints left it; itself if it is in none."""
    rows = [each.row(replica) for each in begun.values() if replica.number in each.rows]
    if not rows:
        return replica
    furthest = max(rows, key=lambda row: (int(row[0].steps), int(row[0].status)))
    return PreparedReplica(replica.batch, replica.place, furthest)


@dataclass(frozen=True)
class Checkpoints:
    """Checkpoints of jobs of one fit: of each the newer, and the one before.

    Attributes:
        identity: of card and data, so that a fit is not continued with others.
        write: ``(path, arrays)``, which must make a file appear whole.
    """

    identity: str
    write: Callable[..., None]

    def save(self, folder: Path, rows: Mapping[int, Row]) -> None:
        """Saves the replicas that have begun, by number, in the ``folder`` of a job."""
        newer, older = (folder / name for name in _FILES)
        if newer.exists():
            newer.replace(older)
        alike: dict[object, list[int]] = {}  # those of one architecture
        for number, (state, _) in rows.items():
            shapes = [array.shape for array in keras.tree.flatten(state)]
            alike.setdefault(repr((sorted(state.hyper), shapes)), []).append(number)
        arrays: dict[str, np.ndarray] = {}
        for part, numbers in enumerate(alike.values()):
            snapshot = stacked([rows[number] for number in numbers])
            flat = keras.tree.flatten((snapshot.state, snapshot.history))
            arrays[f"numbers_{part}"] = np.array(numbers)
            arrays |= {f"array_{part}_{i}": array for i, array in enumerate(flat)}
        self.write(newer, save=np.savez, format=FORMAT, identity=self.identity, **arrays)

    def load(self, folder: Path, warn: Callable[[str], None]) -> Checkpoint | None:
        """The newest sound checkpoint in the ``folder`` of a job; ``warn`` hears why one is not."""
        for file in (folder / name for name in _FILES):
            if not file.exists():
                continue
            try:
                found = read_arrays(file)
                version, identity = int(found.pop("format")), str(found.pop("identity"))
                rows = _rows(found) if version == FORMAT else {}
            except (UnreadableError, OSError, KeyError, ValueError, TypeError) as cause:
                warn(f"The checkpoint '{file}' is damaged ({cause}); going back to the one before.")
                continue
            if version != FORMAT:
                warn(f"The checkpoint '{file}' has format {version}, not {FORMAT}; it is not used.")
            elif identity != self.identity:
                warn(f"The checkpoint '{file}' is of another fit and not used.")
            else:
                return Checkpoint(file, rows)
        return None


def _rows(found: dict[str, np.ndarray]) -> dict[int, tuple[np.ndarray, ...]]:
    """The arrays of each replica, by number, from those of each part of a checkpoint."""
    rows: dict[int, tuple[np.ndarray, ...]] = {}
    for part in range(sum(key.startswith("numbers_") for key in found)):
        numbers = list(map(int, found[f"numbers_{part}"].tolist()))
        count = sum(key.startswith(f"array_{part}_") for key in found)
        arrays = [found[f"array_{part}_{i}"] for i in range(count)]
        if any(len(array) != len(numbers) for array in arrays):
            raise ValueError("its arrays are not of its replicas")
        rows |= dict(zip(numbers, zip(*arrays, strict=True), strict=True))
    return rows
