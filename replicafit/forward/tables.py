"""The tables of each dataset, contracted once to the functions that are fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from replicafit.data import FitData
from replicafit.forward.predictions import forward_map, on_grid
from replicafit.pdf.bases import rotation
from replicafit.plugins import Registry


@dataclass(frozen=True)
class DatasetTables:
    """One dataset, for functions p (p,): x f on the joint grid, flavours running fastest.

    Attributes:
        name: of the dataset.
        indices: where its data stand among all data, (d,).
        tables: each (d, p); a single one if the forward map is linear.
        combine: element by element, from the predictions of the tables; None if linear.
    """

    name: str
    indices: np.ndarray
    tables: tuple[np.ndarray, ...]
    combine: Callable[..., Any] | None

    @property
    def linear(self) -> bool:
        """Whether predictions are linear in the functions."""
        return self.combine is None

    def trimmed(self) -> tuple[np.ndarray, ...]:
        """The tables without the columns at the front that are zero in all of them."""
        used = np.flatnonzero(sum(np.abs(table).max(axis=0) for table in self.tables))
        return tuple(table[:, used[0] if len(used) else 0 :] for table in self.tables)


def contracted(
    data: FitData, registry: Registry, flavours: Sequence[str]
) -> tuple[DatasetTables, ...]:
    """The tables of all datasets for functions with the fitted ``flavours``."""
    turn = rotation(flavours, data.flavours)
    found = []
    for dataset, place in zip(data.datasets, data.slices, strict=True):
        kind = forward_map(dataset, registry)
        padded = on_grid(dataset, data.x_grid, data.flavours)
        tables = tuple(np.reshape(t @ turn.T, (dataset.n_data, -1)) for t in padded)
        combine: Callable[..., Any] | None = kind.combine
        if kind.linear is not None:
            terms = [c * t for c, t in zip(kind.linear, tables, strict=True)]
            tables, combine = (sum(terms[1:], terms[0]),), None
        indices = np.arange(place.start, place.stop)
        found.append(DatasetTables(dataset.name, indices, tables, combine))
    return tuple(found)


def joined_indices(datasets: Sequence[DatasetTables]) -> np.ndarray:
    """Where the data of ``datasets`` stand among all data."""
    return np.concatenate([np.zeros(0, dtype=int), *(d.indices for d in datasets)])


def parted(
    datasets: Sequence[DatasetTables],
) -> tuple[tuple[DatasetTables, ...], tuple[DatasetTables, ...]]:
    """The linear ones, and the others."""
    return tuple(d for d in datasets if d.linear), tuple(d for d in datasets if not d.linear)


def stacked_table(datasets: Sequence[DatasetTables]) -> np.ndarray:
    """The tables of the linear ones among ``datasets``, (d1, p)."""
    nothing = np.zeros((0, datasets[0].tables[0].shape[1]))
    return np.concatenate([nothing, *(d.tables[0] for d in datasets if d.linear)])


@dataclass(frozen=True)
class Size:
    """How many numbers a chi2 form holds and reads.

    Attributes:
        own: of each replica, read in every step.
        shared: read once in a step for all replicas of a batch.
    """

    own: int
    shared: int

    def __add__(self, other: Size) -> Size:
        return Size(self.own + other.own, self.shared + other.shared)
