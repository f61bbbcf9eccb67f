"""What both ways leave: functions with their band, and draws, in a folder of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.plugin import (
    DataError,
    GridFunctions,
    OutputError,
    UnreadableError,
    appearing,
    read_arrays,
    read_text,
    write_json,
)

FORMAT = "replicafit-posterior/1"
RECORD, TABLES = "posterior.json", "functions.npz"
_LONGEST = 2**24
"""Bytes of a record."""
_DAMAGES = (
    UnreadableError,
    OutputError,
    OSError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)
SAME = 1e-6
"""Relative distance below which two attributes are the same."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """Functions of a fit and how well they are known.

    Attributes:
        draws: functions on the grid of the fit's tables, as probable as each other; values
            (r, n, f).
        mean: (n, f).
        std: (n, f).
        record: how they were made, as ``posterior.json`` holds it.
    """

    draws: GridFunctions
    mean: np.ndarray
    std: np.ndarray
    record: Mapping[str, Any]

    @property
    def x(self) -> np.ndarray:
        """The grid, (n,) or of several inputs (n, m)."""
        return self.draws.x

    @property
    def flavours(self) -> tuple[str, ...]:
        """Names of the functions, length f."""
        return self.draws.flavours

    @property
    def about(self) -> Mapping[str, str]:
        """For the head of a comparison."""
        return {"title": f"{self.record['method']} of {self.record['fit']}"}

    def replicas(self) -> np.ndarray:
        """The draws, (r, n, f)."""
        return self.draws.values

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The mean (k, f) at x (k,) or (k, m), interpolated as a fit's tables are."""
        d = self.draws
        return GridFunctions(d.x, d.flavours, self.mean, d.attributes, d.inputs)(x)

    def write(self, folder: Path) -> None:
        """Writes both files into a new or empty ``folder``."""
        refuse_unless_free(folder)
        with appearing(folder / TABLES) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, mean=self.mean, std=self.std, **self.draws.arrays())
        write_json(folder / RECORD, {"format": FORMAT, **self.record})


def refuse_unless_free(folder: Path) -> None:
    """Raises OutputError if there is something at ``folder``."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"'{folder}' is there already. Choose another folder with -o.")


def read_posterior(folder: str | Path) -> Posterior:
    """What ``replicafit laplace`` or ``sample`` wrote into ``folder``.

    Raises:
        DataError: it is not there, or damaged.
    """
    path = Path(folder)
    try:
        record = json.loads(read_text(path / RECORD, _LONGEST))
        if record["format"] != FORMAT:
            raise ValueError(f"its format is {record['format']}, not {FORMAT}")
        if not all(isinstance(record.get(key), str) for key in ("method", "fit")):
            raise ValueError("it does not say how it was made, or of which fit")
        arrays = read_arrays(path / TABLES)
        mean, std = (arrays.pop(key).astype(np.float64) for key in ("mean", "std"))
        draws = GridFunctions.of_arrays(arrays)
        shape = (len(draws.x), len(draws.flavours))
        if draws.values.shape[1:] != shape or mean.shape != shape or std.shape != shape:
            raise ValueError(f"its arrays do not go together: {draws.values.shape}, {mean.shape}")
    except FileNotFoundError as missing:
        raise DataError(
            f"'{path}' holds no posterior: there is no {Path(missing.filename).name}. Give a "
            "folder that replicafit laplace or replicafit sample wrote."
        ) from None
    except _DAMAGES as cause:
        raise DataError(f"'{path}' is damaged ({cause}). Make it again.") from None
    return Posterior(draws, mean, std, record)


def recognizes(text: str, folder: Path) -> bool:
    """Whether ``text`` names such a folder."""
    try:
        return (folder / text / RECORD).is_file()
    except (OSError, ValueError):  # the system takes no such path
        return False


def read_known(text: str, folder: Path, attributes: Mapping[str, float]) -> Posterior:
    """The posterior in the folder ``text``, for functions with ``attributes``.

    Raises:
        DataError: it is damaged, or of functions that are characterized otherwise.
    """
    found = read_posterior(folder / text)
    own = found.draws.attributes
    for key in attributes.keys() & own.keys():
        if not np.isclose(own[key], attributes[key], rtol=SAME, atol=0):
            raise DataError(
                f"'{folder / text}' holds functions at {key} = {own[key]}, but {attributes[key]} "
                "is asked for. Both must be the same."
            )
    return found
