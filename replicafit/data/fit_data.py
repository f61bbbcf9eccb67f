"""All datasets of a fit, stacked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import connected_components

from replicafit.components import DatasetReader
from replicafit.data.covariance import Covariance, cholesky, covariance
from replicafit.data.dataset import Dataset
from replicafit.data.luminosity import table_arrays
from replicafit.data.sources import Sources, sources
from replicafit.data.validation import validated
from replicafit.errors import DataError
from replicafit.plugins import Registry

SAME_GRID_POINT = 1e-9
"""Relative distance below which two grid points are the same."""

SAME_ATTRIBUTE = 1e-6
"""Relative distance below which two attributes are the same."""


@dataclass(frozen=True)
class FitData:
    """The data of a fit; d counts all data of all datasets in their order.

    Attributes:
        datasets: those that are fitted, in the order of the runcard.
        errors: experimental: of the chi2 that is reported.
        x_grid: all grid points of all datasets, ascending, (n,).
        flavours: all flavours of all tables, in order of appearance, length f.
        fit_errors: of the chi2 that is minimised: with t0, extra covariances, regularization and
            weights.
        sampled_extra: extra covariances that pseudodata fluctuate with, (d, d); None without.
        whitening: (d, d): rows are the directions of the diagonal basis (eigenvectors of the
            correlation matrix of ``fit_covariance``) in units of their standard deviation,
            W C W^T = 1; if not None the masks of ``ReplicaData.training`` count its rows, not data.
        shared_split: all replicas have the same split.
        held_out: datasets that are reported and not fitted; None without.
        n_measured: how many data each dataset had before cuts, by name, held out ones included.
    """

    datasets: tuple[Dataset, ...]
    errors: Covariance
    x_grid: np.ndarray
    flavours: tuple[str, ...]
    fit_errors: Covariance
    sampled_extra: np.ndarray | None = None
    whitening: np.ndarray | None = None
    shared_split: bool = False
    held_out: FitData | None = None
    n_measured: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_data(self) -> int:
        """How many data."""
        return len(self.central)

    @property
    def covariance(self) -> np.ndarray:
        """Experimental, (d, d)."""
        return self.errors.dense

    @property
    def fit_covariance(self) -> np.ndarray:
        """Of the chi2 that is minimised, (d, d)."""
        return self.fit_errors.dense

    @cached_property
    def attributes(self) -> Mapping[str, float]:
        """What characterizes the fitted functions: all that any dataset says of them."""
        return dict(pair for d in reversed(self.datasets) for pair in d.attributes.items())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what is fitted and how it is predicted."""
        found = hashlib.sha256()
        for dataset in self.datasets:
            found.update(f"{dataset.name} {dataset.operation} {dataset.flavours}".encode())
            for array in (dataset.central, *table_arrays(dataset.tables).values()):
                found.update(np.ascontiguousarray(array).tobytes())
        for array in (self.x_grid, np.diag(self.covariance), np.diag(self.fit_covariance)):
            found.update(np.ascontiguousarray(array).astype(np.float32).tobytes())
        return found.hexdigest()

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
        """Lower factor of the experimental covariance, (d, d)."""
        return cholesky(self.covariance, self.datasets)

    @cached_property
    def sampling_cholesky(self) -> np.ndarray:
        """Lower factor of the covariance of pseudodata, (d, d)."""
        if self.sampled_extra is None:
            return self.cholesky
        return cholesky(self.covariance + self.sampled_extra, self.datasets)

    @cached_property
    def extra_root(self) -> np.ndarray:
        """H (d, d) with H H^T = ``sampled_extra``, which may have vanishing eigenvalues."""
        assert self.sampled_extra is not None
        values, vectors = np.linalg.eigh(self.sampled_extra)
        root: np.ndarray = vectors * np.sqrt(np.maximum(values, 0))
        return root

    @cached_property
    def sources(self) -> Sources:
        """All sources of systematic uncertainty."""
        return sources(self.datasets)

    @cached_property
    def blocks(self) -> np.ndarray:
        """A label for each datum, (d,): the same for all that fluctuate together, directly or by
        others between them.
        """
        links = [self.sources.additive != 0, self.sources.percent != 0]
        if self.sampled_extra is not None:
            links.append(self.sampled_extra != 0)
        pairs = csr_array(np.hstack(links))
        _, labels = connected_components(block_array([[None, pairs], [pairs.T, None]]))
        return np.asarray(labels[: self.n_data])

    @cached_property
    def positive(self) -> np.ndarray:
        """Which data cannot be negative, (d,): cross sections."""
        return np.concatenate([np.full(d.n_data, not d.may_be_negative) for d in self.datasets])


def read_datasets(settings: Sequence[Any], registry: Registry, folder: Path) -> tuple[Dataset, ...]:
    """The datasets a runcard names.

    Args:
        settings: the dataset settings of the runcard.
        registry: who reads which type.
        folder: the runcard's folder; paths are relative to it.

    Raises:
        DataError: a dataset cannot be used, or two do not go together.
    """
    datasets = []
    for item in settings:
        reader = registry.get(DatasetReader, item.type)
        read = reader.call("read", item, folder, when="when it read a dataset")
        datasets.append(validated(read, f"What the {reader.title} read"))
    _check_together(datasets)
    return tuple(datasets)


def stack(datasets: Sequence[Dataset]) -> FitData:
    """``datasets`` as one, with all correlations between them."""
    _check_together(datasets)
    errors = covariance(datasets)
    data = FitData(
        datasets=tuple(datasets),
        errors=errors,
        fit_errors=errors,
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


def _check_together(datasets: Sequence[Dataset]) -> None:
    """Refuses repeated datasets, grid points and flavours, and attributes that differ."""
    names: set[str] = set()
    said: dict[str, tuple[str, float]] = {}
    for dataset in datasets:
        if dataset.name in names:
            raise DataError(f"The dataset {dataset.name} is given twice. Remove one of them.")
        names.add(dataset.name)
        if len(join_grids([dataset.x_grid])) != len(dataset.x_grid):
            raise DataError(f"The grid of {dataset.name} has a point twice. Add up its columns.")
        if len(set(dataset.flavours)) != len(dataset.flavours):
            raise DataError(f"The tables of {dataset.name} have a flavour twice. Add them up.")
        for name, value in dataset.attributes.items():
            first, known = said.setdefault(name, (dataset.name, value))
            if not np.isclose(value, known, rtol=SAME_ATTRIBUTE, atol=0):
                raise DataError(
                    f"The tables of {first} act at {name} = {known}, those of {dataset.name} at "
                    f"{value}. A fit has one {name}: use tables made for the same."
                )
