"""Every error a user can cause, as one tree.

    ReplicafitError
    ├── RuncardError      the runcard: unreadable, unknown key, wrong value
    ├── PluginError       a component nobody provides, or two distributions provide
    ├── DataError         a dataset: missing, damaged, inconsistent, not positive definite
    ├── ModelError        layers, flavours or grids that do not fit together
    ├── TrainingError     settings the engine cannot honour
    ├── ExecutionError    workers or a scheduler that cannot train
    └── OutputError       an output folder that cannot be written, read or continued
        ├── DamagedError  a file of a fit that is not what was written
        └── DiskError     the disk or the machine gave out; --resume goes on

A message says what was given, what is allowed and what to do. Only ``replicafit.cli`` catches
these and turns them into exit code 2, or 1 where a fit was under way.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class ReplicafitError(Exception):
    """Base of all errors that a user can cause and mend."""


class RuncardError(ReplicafitError):
    """The runcard cannot be read or does not describe a fit."""


class PluginError(ReplicafitError):
    """A component that the runcard names is missing, broken or provided twice."""


class DataError(ReplicafitError):
    """Data, covariances or tables that cannot be used."""


class ModelError(ReplicafitError):
    """Layers, flavours and grids that do not fit together."""


class TrainingError(ReplicafitError):
    """Settings that the engine cannot honour."""


class ExecutionError(ReplicafitError):
    """Workers or a scheduler that are not there, differ from this machine, or are lost."""


class OutputError(ReplicafitError):
    """An output folder that cannot be written, read or continued."""


class DamagedError(OutputError):
    """A file of a fit is not what was written: ``file`` and ``why``."""

    def __init__(self, file: Path, why: object) -> None:
        super().__init__(file, why)
        self.file, self.why = file, why

    def __str__(self) -> str:
        return (
            f"'{self.file}' is damaged ({self.why}). Make it again with: replicafit run CARD -o "
            "FOLDER --resume."
        )


class DiskError(OutputError):
    """The disk is full or the machine at its limits; what is written stays, --resume goes on."""


def did_you_mean(
    given: str, known: Iterable[str], words: str = " Did you mean '{}'?", cutoff: float = 0.6
) -> str:
    """The end of a message: which of the ``known`` names is nearest; nothing if none is near.

    Args:
        given: what there is none of.
        known: the names to choose from.
        words: with ``{}`` in the place of the nearest.
        cutoff: how near it must be, up to 1 for the same.
    """
    near = get_close_matches(given, list(known), 1, cutoff)
    return words.replace("{}", near[0]) if near else ""
