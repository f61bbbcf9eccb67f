"""All datasets of a fit, stacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.components import DatasetReader, load_target
from replicafit.data.covariance import cholesky, covariance
from replicafit.data.dataset import Dataset
from replicafit.errors import DataError
from replicafit.plugins import Registry

SAME_GRID_POINT = 1e-9
"""Relative distance below which two grid points are the same."""


@dataclass(frozen=True)
class FitData:
    """The data of a fit; d counts all data of all datasets in their order.

    Attributes:
        datasets: in the order of the runcard.
        covariance: experimental, (d, d).
        x_grid: all grid points of all datasets, ascending, (n,).
        flavours: all flavours of all tables, in order of appearance, length f.
    """

    datasets: tuple[Dataset, ...]
    covariance: np.ndarray
    x_grid: np.ndarray
    flavours: tuple[str, ...]

    @property
    def n_data(self) -> int:
        """How many data."""
        return len(self.covariance)

    @property
    def q0(self) -> float:
        """The scale of the fitted functions in GeV."""
        return self.datasets[0].q0

    @cached_property
    def central(self) -> np.ndarray:
        """Measured values, (d,)."""
        return np.concatenate([dataset.central for dataset in self.datasets])

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each dataset stands among all data."""
        ends = np.cumsum([dataset.n_data for dataset in self.datasets])
        return tuple(
            slice(int(e) - s.n_data, int(e)) for e, s in zip(ends, self.datasets, strict=True)
        )

    @cached_property
    def cholesky(self) -> np.ndarray:
        """Lower factor of the covariance, (d, d)."""
        return cholesky(self.covariance, self.datasets)


def load_data(settings: Sequence[Any], registry: Registry, folder: Path) -> FitData:
    """Reads the datasets a runcard names and stacks them.

    Args:
        settings: the dataset settings of the runcard.
        registry: who reads which type.
        folder: the runcard's folder; paths are relative to it.

    Raises:
        DataError: a dataset cannot be used, or two do not go together.
    """
    datasets = [
        load_target(registry.get(DatasetReader, item.type).read)(item, folder) for item in settings
    ]
    return stack(datasets)


def stack(datasets: Sequence[Dataset]) -> FitData:
    """``datasets`` as one, with all correlations between them."""
    _check_names(datasets)
    _check_columns(datasets)
    _check_q0(datasets)
    data = FitData(
        datasets=tuple(datasets),
        covariance=covariance(datasets),
        x_grid=join_grids([dataset.x_grid for dataset in datasets]),
        flavours=tuple(dict.fromkeys(f for dataset in datasets for f in dataset.flavours)),
    )
    data.cholesky  # noqa: B018  a covariance that is not positive definite is found here
    return data


def join_grids(grids: Sequence[np.ndarray]) -> np.ndarray:
    """The union of ``grids``, ascending, (n,)."""
    points = np.unique(np.concatenate(grids))
    distinct = np.diff(points, prepend=0) > SAME_GRID_POINT * points
    return points[distinct]


def _check_names(datasets: Sequence[Dataset]) -> None:
    names = [dataset.name for dataset in datasets]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"The dataset {twice[0]} is given twice. Remove one of them.")


def _check_columns(datasets: Sequence[Dataset]) -> None:
    for dataset in datasets:
        if len(join_grids([dataset.x_grid])) != len(dataset.x_grid):
            raise DataError(f"The grid of {dataset.name} has a point twice. Add up its columns.")
        if len(set(dataset.flavours)) != len(dataset.flavours):
            raise DataError(f"The tables of {dataset.name} have a flavour twice. Add them up.")


def _check_q0(datasets: Sequence[Dataset]) -> None:
    first = datasets[0]
    for other in datasets[1:]:
        if not np.isclose(other.q0, first.q0, rtol=1e-6):
            raise DataError(
                f"The tables of {first.name} act at q0 = {first.q0} GeV, those of {other.name} at "
                f"{other.q0} GeV. A fit has one q0: use tables made for the same."
            )
