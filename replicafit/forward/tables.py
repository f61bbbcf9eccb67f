"""The tables of each dataset, contracted once to the functions that are fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from replicafit.data import FitData, ProductTable
from replicafit.data.grid_functions import combination
from replicafit.data.product_table import Table, added
from replicafit.forward.predictions import forward_map, on_grid
from replicafit.forward.squares import Squares
from replicafit.plugins import Registry


@dataclass(frozen=True)
class DatasetTables:
    """One dataset, for functions p (p,): their values on the joint grid, flavours running fastest.

    Attributes:
        name: of the dataset.
        indices: where its data stand among all data, (d,).
        tables: each (d, p), or one of products on the joint grid and the fitted flavours, or its
            squares; a single one of the first kind if predictions are linear.
        combine: element by element, from the predictions of the tables; None if linear.
        shape: of the functions, (n, f).
    """

    name: str
    indices: np.ndarray
    tables: tuple[Table | Squares, ...]
    combine: Callable[..., Any] | None
    shape: tuple[int, int]

    @property
    def linear(self) -> bool:
        """Whether predictions are linear in the functions."""
        return self.combine is None

    def trimmed(self) -> tuple[Table | Squares, ...]:
        """The tables without the columns at the front that are zero in all (d, p) ones."""
        flat = [table for table in self.tables if isinstance(table, np.ndarray)]
        used = np.flatnonzero(sum(np.abs(table).max(axis=0) for table in flat))
        first = used[0] if len(used) else 0
        return tuple(t[:, first:] if isinstance(t, np.ndarray) else t for t in self.tables)

    @property
    def size(self) -> Size:
        """Numbers of the tables, and of what those of products make of the functions."""
        tables = self.trimmed()
        return Size(
            own=0,
            shared=sum(table.size for table in tables),
            made=sum(t.products for t in tables if not isinstance(t, np.ndarray)),
        )


def contracted(
    data: FitData, registry: Registry, flavours: Sequence[str]
) -> tuple[DatasetTables, ...]:
    """The tables of all datasets for functions with the fitted ``flavours``."""
    turn = combination(flavours, data.flavours, registry)
    found = []
    for dataset, place in zip(data.datasets, data.slices, strict=True):
        kind = forward_map(dataset, registry)
        tables: list[Table] = [
            table.turned(turn)
            if isinstance(table, ProductTable)
            else np.reshape(table @ turn.T, (len(table), -1))
            for table in on_grid(dataset, data.x_grid, data.flavours)
        ]
        combine: Callable[..., Any] | None = kind.combine
        if kind.linear is not None:
            tables, combine = _summed(tables, kind.linear)
        indices, shape = np.arange(place.start, place.stop), (len(data.x_grid), len(flavours))
        found.append(DatasetTables(dataset.name, indices, tuple(tables), combine, shape))
    return tuple(found)


def _summed(
    tables: Sequence[Table], coefficients: Sequence[float]
) -> tuple[list[Table], Callable[..., Any] | None]:
    """One table of each kind, and how their predictions combine; None if there is one (d, p)."""
    weighted = list(zip(coefficients, tables, strict=True))
    flat = [c * table for c, table in weighted if isinstance(table, np.ndarray)]
    of_two = [
        replace(table, values=c * table.values)
        for c, table in weighted
        if isinstance(table, ProductTable)
    ]
    found: list[Table] = [reduce(add, flat)] if flat else []
    if not of_two:
        return found, None
    return [*found, added(of_two)], lambda *predictions: reduce(add, predictions)


def joined_indices(datasets: Sequence[DatasetTables]) -> np.ndarray:
    """Where the data of ``datasets`` stand among all data."""
    return np.concatenate([np.zeros(0, dtype=int), *(d.indices for d in datasets)])


def parted(
    datasets: Sequence[DatasetTables],
) -> tuple[tuple[DatasetTables, ...], tuple[DatasetTables, ...]]:
    """The linear ones, and the others."""
    return tuple(d for d in datasets if d.linear), tuple(d for d in datasets if not d.linear)


def describe_squares(datasets: Sequence[DatasetTables]) -> dict[str, Any]:
    """Of the tables of products, if there are any; for people and for ``run.json``."""
    found = [t for each in datasets for t in each.tables if isinstance(t, Squares)]
    if not found:
        return {}
    return {
        "squares": sum(table.products for table in found),
        "table_elements": sum(table.size for table in found),
        "largest_eigenvalue_cut": max(table.cut for table in found),
    }


def stacked_table(datasets: Sequence[DatasetTables]) -> np.ndarray:
    """The tables of the linear ones among ``datasets``, (d1, p)."""
    n, f = datasets[0].shape
    return np.concatenate([np.zeros((0, n * f)), *(d.tables[0] for d in datasets if d.linear)])


@dataclass(frozen=True)
class Size:
    """How many numbers a chi2 form holds and reads.

    Attributes:
        own: of each replica, read in every step.
        shared: read once in a step for all replicas of a batch.
        made: of each replica, made anew in every step.
    """

    own: int
    shared: int
    made: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.own + other.own, self.shared + other.shared, self.made + other.made)
