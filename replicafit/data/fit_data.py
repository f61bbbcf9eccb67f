"""All datasets of a fit, stacked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.components import DatasetReader
from replicafit.components.inputs import UNIT, Input, as_points
from replicafit.data.covariance import Covariance, cholesky, connected, covariance
from replicafit.data.dataset import Dataset
from replicafit.data.grid_functions import SAME
from replicafit.data.product_table import table_arrays
from replicafit.data.sources import Sources, sources
from replicafit.data.validation import validated
from replicafit.errors import DataError
from replicafit.plugins import Registry
from replicafit.runcard import GIVEN, NOTHING_GIVEN
from replicafit.runcard.models import Ends

SAME_GRID_POINT = 1e-9
"""Relative distance below which two grid points are the same."""


@dataclass(frozen=True)
class FitData:
    """The data of a fit; d counts all data of all datasets in their order.

    Attributes:
        datasets: those that are fitted, in the order of the runcard.
        errors: experimental: of the chi2 that is reported.
        x_grid: all grid points of all datasets, ascending, (n,), or of several inputs (n, m).
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
        inputs: what the functions depend on, with the range of each, length m.
        also: SHA-256 of whatever else the fit depends on, by name.
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
    inputs: tuple[Input, ...] = UNIT
    also: tuple[tuple[str, str], ...] = ()

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
        """SHA-256 of all that a fit depends on beside its runcard.

        What was read counts to the last bit. What was computed from it, such as the t0 variances,
        counts to float32, for another machine may round it otherwise.
        """
        found = hashlib.sha256(repr(self.also).encode())
        for d in self.datasets:
            _add(found, d)
        for array in (self.x_grid, self.errors.variances, self.fit_errors.variances):
            found.update(np.ascontiguousarray(array).astype(np.float32).tobytes())
        if self.held_out is not None:
            found.update(self.held_out.digest.encode())
        return found.hexdigest()

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of each dataset by its name, held out ones included."""
        every = (*self.datasets, *(self.held_out.datasets if self.held_out else ()))
        return {d.name: _add(hashlib.sha256(), d).hexdigest() for d in every}

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
        return cholesky(self.errors, self.datasets)

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
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))

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
        return connected(np.hstack(links))

    @cached_property
    def positive(self) -> np.ndarray:
        """Which data cannot be negative, (d,): cross sections."""
        return np.concatenate([np.full(d.n_data, not d.may_be_negative) for d in self.datasets])


def _add(found: Any, d: Dataset) -> Any:
    """``found``, a hash, with the dataset ``d``."""
    words = (d.name, d.operation, d.flavours, d.sys_add_names, d.sys_mult_names)
    found.update(repr((*words, dict(d.attributes), d.may_be_negative)).encode())
    errors = (d.stat, d.sys_add, d.sys_mult_percent, *d.kinematics.values())
    computed = d.reference is not None  # in a closure test
    central = d.central.astype(np.float32) if computed else d.central
    for array in (central, *errors, *table_arrays(d.tables).values()):
        found.update(f"{array.shape} {array.dtype}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found


def read_datasets(
    settings: Sequence[Any],
    registry: Registry,
    folder: Path,
    given: Mapping[str, Dataset] = NOTHING_GIVEN,
) -> tuple[Dataset, ...]:
    """The datasets a runcard names.

    Args:
        settings: the dataset settings of the runcard.
        registry: who reads which type.
        folder: the runcard's folder; paths are relative to it.
        given: those of type ``given`` that are in no file yet, by name.

    Raises:
        DataError: a dataset cannot be used, or two do not go together.
    """
    datasets = []
    for item in settings:
        if item.type == GIVEN and item.name in given:
            datasets.append(given[item.name])
            continue
        reader = registry.get(DatasetReader, item.type)
        read = reader.call("read", item, folder, when="when it read a dataset")
        datasets.append(validated(read, f"What the {reader.title} read"))
    datasets = [_with_inputs(dataset, datasets[0]) for dataset in datasets]
    _check_together(datasets)
    return tuple(datasets)


def stack(datasets: Sequence[Dataset], inputs: tuple[Input, ...] | None = None) -> FitData:
    """``datasets`` as one, with all correlations between them.

    Args:
        inputs: with the ranges of the fit; found from the data if not given.
    """
    _check_together(datasets)
    errors = covariance(datasets)
    data = FitData(
        datasets=tuple(datasets),
        errors=errors,
        fit_errors=errors,
        x_grid=join_grids([dataset.x_grid for dataset in datasets]),
        flavours=tuple(dict.fromkeys(f for dataset in datasets for f in dataset.flavours)),
        inputs=inputs_of(datasets) if inputs is None else inputs,
    )
    data.cholesky  # noqa: B018  a covariance that is not positive definite is found here
    return data


def inputs_of(
    datasets: Sequence[Dataset], ranges: Ends | Mapping[str, Ends] | None = None
) -> tuple[Input, ...]:
    """The inputs of ``datasets``, with ranges.

    Args:
        ranges: what the runcard gives: of the one input, or by name.

    Raises:
        DataError: data lie outside, or a name is that of no input.
    """
    names, columns = datasets[0].inputs, all_grids(datasets).T
    if isinstance(ranges, tuple):
        if len(names) > 1:
            raise DataError(
                f"data.x_range is one range, but the inputs are {', '.join(names)}. Give one for "
                f"each that needs it, by name: {{{names[0]}: [low, high]}}."
            )
        ranges = {names[0]: ranges}
    given = dict(ranges or {})
    unknown = sorted(given.keys() - set(names))
    if unknown:
        raise DataError(
            f"data.x_range names '{unknown[0]}', but the inputs of the data are "
            f"{', '.join(names)}. Name one of these."
        )
    return tuple(
        Input.of_data(name, column, given.get(name))
        for name, column in zip(names, columns, strict=True)
    )


def all_grids(datasets: Sequence[Dataset]) -> np.ndarray:
    """The grids of ``datasets`` one after the other, with repetitions, (n, m)."""
    return np.concatenate([as_points(dataset.x_grid) for dataset in datasets])


def _with_inputs(dataset: Dataset, first: Dataset) -> Dataset:
    """``dataset`` with its inputs in the order of those of ``first``."""
    if len(dataset.inputs) == len(first.inputs) == 1:
        return replace(dataset, inputs=first.inputs)  # whatever each calls it
    if set(dataset.inputs) != set(first.inputs):
        raise DataError(
            f"The functions that {first.name} sees depend on {', '.join(first.inputs)}, those of "
            f"{dataset.name} on {', '.join(dataset.inputs)}. All datasets of a fit need the same."
        )
    columns = [dataset.inputs.index(name) for name in first.inputs]
    return replace(dataset, x_grid=dataset.x_grid[:, columns], inputs=first.inputs)


def join_grids(grids: Sequence[np.ndarray]) -> np.ndarray:
    """The union of ``grids``, ascending, (n,), or of several inputs (n, m)."""
    if grids[0].ndim == 1:
        points = np.unique(np.concatenate(grids))
        return points[np.diff(points, prepend=-np.inf) > _tolerance(points)]
    together = np.concatenate(grids)
    axes = [join_grids([column]) for column in together.T]
    places = [nearest(column, axis) for column, axis in zip(together.T, axes, strict=True)]
    distinct = np.unique(np.stack(places, axis=1), axis=0)
    return np.stack([axis[own] for axis, own in zip(axes, distinct.T, strict=True)], axis=1)


def nearest(x: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The index of the point of ``axis`` (k,), ascending, that is nearest to each of ``x`` (n,)."""
    above = np.clip(np.searchsorted(axis, x), 1, max(1, len(axis) - 1))
    below = above - 1
    above = np.minimum(above, len(axis) - 1)
    return np.where(x - axis[below] <= axis[above] - x, below, above)


def positions(points: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Where ``points`` (n,) or (n, m) stand in ``grid``, which holds them, (n,).

    Raises:
        ValueError: it does not.
    """
    points, grid = as_points(points), as_points(grid)
    gaps = np.zeros((len(points), len(grid)))
    for own, column in zip(points.T, grid.T, strict=True):
        allowed = 2 * _tolerance(column)[None, :] + np.finfo(float).tiny
        gaps = np.maximum(gaps, np.abs(column[None, :] - own[:, None]) / allowed)
    found = gaps.argmin(axis=1)
    if (gaps[np.arange(len(points)), found] > 1).any():
        raise ValueError("a point is not on the grid")
    return np.asarray(found)


def _tolerance(points: np.ndarray) -> np.ndarray:
    """How near to each of ``points`` (n,) another is the same: relative to their span, and where
    they are positive to the point itself, if that is less.
    """
    span = np.full(len(points), np.ptp(points))
    scale = np.minimum(points, span) if points.min() > 0 else span
    return SAME_GRID_POINT * scale


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
            if not np.isclose(value, known, rtol=SAME, atol=0):
                raise DataError(
                    f"The tables of {first} act at {name} = {known}, those of {dataset.name} at "
                    f"{value}. A fit has one {name}: use tables made for the same."
                )
