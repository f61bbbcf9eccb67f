"""Functions tabulated on a grid: what a fit writes of each replica, and what it reads back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.data.dataset_file import read_attributes

_COLUMNS = ("x", "flavours", "values")
"""The keys of ``function.npz``; every other key is an attribute."""


@dataclass(frozen=True, eq=False)
class GridFunctions:
    """Functions on a grid.

    Attributes:
        x: where, ascending, (n,).
        flavours: names of the functions, length f.
        values: (n, f), or with a replica axis (r, n, f).
        attributes: what characterizes them, by name, such as a scale.
    """

    x: np.ndarray
    flavours: tuple[str, ...]
    values: np.ndarray
    attributes: Mapping[str, float] = field(default_factory=dict)

    def arrays(self) -> dict[str, Any]:
        """What ``function.npz`` holds."""
        names = np.array(self.flavours, dtype=np.str_)
        columns = dict(zip(_COLUMNS, (self.x, names, self.values), strict=True))
        return {**columns, **self.attributes}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> GridFunctions:
        """From what ``function.npz`` holds.

        Raises:
            KeyError, ValueError, TypeError: something is missing or no number.
        """
        x, names, values = (arrays[key] for key in _COLUMNS)
        attributes = read_attributes(arrays)
        numbers = x.astype(np.float64), values.astype(np.float64)
        return cls(numbers[0], tuple(map(str, names)), numbers[1], attributes)

    @classmethod
    def read(cls, path: Path) -> GridFunctions:
        """The ``function.npz`` at ``path``."""
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return cls.of_arrays(dict(archive))
