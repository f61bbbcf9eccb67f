"""Functions on a grid, as fits write them of each replica, and what functions are of others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.components import Relation
from replicafit.components.inputs import UNIT, Input, as_points, described
from replicafit.data.dataset_file import read_attributes
from replicafit.errors import DataError, ModelError, did_you_mean
from replicafit.plugins import Registry
from replicafit.reading import read_arrays

SAME = 1e-6
"""Relative distance below which two attributes, or two ends of a grid, are the same."""

_COLUMNS = ("x", "flavours", "values")
"""The keys of ``function.npz``; every other key is an attribute."""


@dataclass(frozen=True, eq=False)
class GridFunctions:
    """Functions on a grid.

    Attributes:
        x: where, ascending, (n,); of several inputs all combinations, (n, m).
        flavours: names of the functions, length f.
        values: (n, f), or with a replica axis (r, n, f).
        attributes: what characterizes them, by name, such as a scale.
        inputs: what the functions depend on, with the range of each, length m.
    """

    x: np.ndarray
    flavours: tuple[str, ...]
    values: np.ndarray
    attributes: Mapping[str, float] = field(default_factory=dict)
    inputs: tuple[Input, ...] = UNIT

    def arrays(self) -> dict[str, Any]:
        """What ``function.npz`` holds."""
        names = np.array(self.flavours, dtype=np.str_)
        columns = dict(zip(_COLUMNS, (self.x, names, self.values), strict=True))
        inputs = json.dumps([each.record() for each in self.inputs])
        return {**columns, "inputs": inputs, **self.attributes}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> GridFunctions:
        """From what ``function.npz`` holds.

        Raises:
            KeyError, ValueError, TypeError: something is missing or no number.
        """
        x, names, values = (arrays[key] for key in _COLUMNS)
        attributes = read_attributes(arrays)
        x, values = x.astype(np.float64), values.astype(np.float64)
        if "inputs" in arrays:
            inputs = tuple(map(Input.of_record, json.loads(str(arrays["inputs"]))))
        else:  # written by hand, or before there were other ranges
            several = x.ndim > 1 and x.shape[1] > 1
            columns = enumerate(as_points(x).T, 1)
            inputs = tuple(Input.of_data(f"x{i}" if several else "x", own) for i, own in columns)
        return cls(x, tuple(map(str, names)), values, attributes, inputs)

    @classmethod
    def read(cls, path: Path) -> GridFunctions:
        """The ``function.npz`` at ``path``."""
        return cls.of_arrays(read_arrays(path))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values (..., k, f) at x (k,) or (k, m): cubic, in log x where x is logarithmic.

        Raises:
            DataError: an x outside the table, or of other inputs.
        """
        points = as_points(x)
        if points.shape[1] != len(self.inputs):
            raise DataError(
                f"A stored function depends on {described(self.inputs)}, which are not the inputs "
                "of the data. Use one of these."
            )
        columns = []
        for one, axis, column in zip(self.inputs, self.axes, points.T, strict=True):
            low, high = axis[0], axis[-1]
            room = SAME * (np.array([low, high]) if one.log else np.ptp(axis))
            ends = np.array([low, high]) + np.array([-1, 1]) * room
            if column.min() < ends[0] or column.max() > ends[1]:
                raise DataError(
                    f"A stored function from {one.name} = {low:.3g} to {high:.3g} does not reach "
                    f"the grid points of the data, {one.name} = {column.min():.3g} to "
                    f"{column.max():.3g}. Use one that does."
                )
            columns.append(one.along(np.clip(column, low, high)))
        values: np.ndarray = self._spline(columns[0] if len(columns) == 1 else np.stack(columns, 1))
        return np.moveaxis(values, 0, -2)

    @cached_property
    def axes(self) -> tuple[np.ndarray, ...]:
        """The points of each input, ascending, of which the grid holds all combinations."""
        return tuple(np.unique(column) for column in as_points(self.x).T)

    @cached_property
    def _spline(self) -> Any:
        """Of points (k,) or (k, m): values (k, ..., f)."""
        from scipy.interpolate import CubicSpline, RegularGridInterpolator  # slow to import

        along = [one.along(axis) for one, axis in zip(self.inputs, self.axes, strict=True)]
        values = np.moveaxis(self.values, -2, 0)
        if len(along) == 1:
            return CubicSpline(along[0], values, axis=0)
        on_axes = values.reshape(*map(len, along), *values.shape[1:])
        method = "cubic" if min(map(len, along)) > 3 else "linear"
        return RegularGridInterpolator(along, on_axes, method=method)


def combination(given: Sequence[str], wanted: Sequence[str], registry: Registry) -> np.ndarray:
    """The matrix (f, g) that takes ``given`` functions (..., f) to ``wanted`` ones (..., g).

    A function that is not given may be, by construction, a combination of those that are: plugins
    know (``replicafit_relations``).

    Raises:
        ModelError: the given functions do not determine a wanted one.
    """
    names, matrix = tuple(given), np.zeros((len(given), len(wanted)))
    for column, name in enumerate(wanted):
        if name in names:
            matrix[names.index(name), column] = 1
        elif not _expressed(name, names, registry, matrix[:, column]):
            hint = f" Did you mean '{name}' where the runcard says '{{}}'?"
            raise ModelError(
                f"The data need the flavour '{name}', which model.flavours ({', '.join(names)}) do "
                f"not determine. Add it there.{did_you_mean(name, names, hint)}"
            )
    return matrix


def _expressed(name: str, names: tuple[str, ...], registry: Registry, column: np.ndarray) -> bool:
    """Whether a plugin knows what ``name`` is of ``names``, which it fills into ``column`` (f,)."""
    for relation in registry.all(Relation):
        with relation.at_fault(f"when asked for '{name}'"):
            if found := relation.express(name, names):
                column[[names.index(each) for each in found]] = list(found.values())
                return True
    return False
