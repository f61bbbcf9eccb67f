"""Functions on a grid, as fits write them of each replica, and what functions are of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.components import Relation
from replicafit.data.dataset_file import read_attributes
from replicafit.errors import DataError, ModelError
from replicafit.plugins import Registry

SAME = 1e-6
"""Relative distance below which two attributes, or two ends of a grid, are the same."""

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

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values (m, f) at x (m,), of functions without a replica axis; cubic in log x.

        Raises:
            DataError: an x outside the table.
        """
        low, high = self.x[0], self.x[-1]
        if x.min() < low * (1 - SAME) or x.max() > high * (1 + SAME):
            raise DataError(
                f"A stored function from x = {low:.3g} to {high:.3g} does not reach the grid "
                f"points of the data, x = {x.min():.3g} to {x.max():.3g}. Use one that does."
            )
        values: np.ndarray = self._spline(np.log(np.clip(x, low, high)))
        return values

    @cached_property
    def _spline(self) -> Any:
        from scipy.interpolate import CubicSpline  # half a second, which few runcards need

        return CubicSpline(np.log(self.x), self.values, axis=0)


def combination(given: Sequence[str], wanted: Sequence[str], registry: Registry) -> np.ndarray:
    """The matrix (f, g) that takes ``given`` functions (..., f) to ``wanted`` ones (..., g).

    A function that is not given may be, by construction, a combination of those that are: plugins
    know (``replicafit_relations``).

    Raises:
        ModelError: the given functions do not determine a wanted one.
    """
    names, matrix = tuple(given), np.zeros((len(given), len(wanted)))
    relations = registry.all(Relation)
    for column, name in enumerate(wanted):
        known = (relation.express(name, names) for relation in relations)
        found = {name: 1.0} if name in names else next(filter(None, known), None)
        if found is None:
            near = get_close_matches(name, names, n=1)
            hint = f" Did you mean '{name}' where the runcard says '{near[0]}'?" if near else ""
            raise ModelError(
                f"The data need the flavour '{name}', which model.flavours ({', '.join(names)}) do "
                f"not determine. Add it there.{hint}"
            )
        for source, coefficient in found.items():
            matrix[names.index(source), column] = coefficient
    return matrix
