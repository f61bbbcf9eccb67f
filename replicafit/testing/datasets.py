"""Certifies a dataset reader."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.components import DatasetReader, ForwardMap, load_target
from replicafit.data import Dataset, write_dataset
from replicafit.data.covariance import covariance
from replicafit.data.validation import validated
from replicafit.errors import DataError
from replicafit.forward.predictions import predict
from replicafit.plugins import Registry, load_registry
from replicafit.results.files import read_arrays
from replicafit.testing.conformance import certifies, require, same

ARRAYS = ("central", "stat", "sys_add", "sys_mult_percent", "x_grid")


@certifies
def check_dataset(
    name: str, /, registry: Registry | None = None, folder: Path | str = ".", **settings: Any
) -> None:
    """Checks every rule that a dataset reader must keep.

    It gives a ``Dataset`` whose arrays are float64, fit together and are finite, as a fit checks
    too (``replicafit.data.validation``); bitwise the same one each time; every
    datum has an uncertainty, so that the covariance can be inverted; an installed forward map
    combines its tables to as many predictions as there are data.

    Args:
        name: the ``type`` a runcard writes.
        registry: where to look; by default all installed plugins.
        folder: the runcard's; paths in settings are relative to it.
        settings: the reader's settings.

    Raises:
        ConformanceError: naming the rule that is broken.
    """
    registry = registry or load_registry()
    kind = registry.get(DatasetReader, name)
    model = kind.settings.model_validate({"type": name, **settings})
    read = load_target(kind.read)
    dataset, again = read(model, Path(folder)), read(model, Path(folder))
    require(isinstance(dataset, Dataset), "dataset", f"it reads a {type(dataset).__name__}.")
    try:
        validated(dataset, dataset.name)
    except DataError as cause:
        require(False, "arrays fit together", str(cause))
    for field in ARRAYS:
        own = np.asarray(getattr(dataset, field))
        require(own.dtype == np.float64, f"arrays are float64 ({field})", f"it is {own.dtype}.")
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "first.npz"), Path(folder, "again.npz")
        for file, each in zip(files, (dataset, again), strict=True):
            write_dataset(file, each)
        first, second = map(read_arrays, files)
    require(first.keys() == second.keys(), "the same each time", f"{[*first]} and {[*second]}.")
    for field in first:
        same(f"the same each time ({field})", second[field], first[field])
    _can_be_inverted(dataset)
    _predicts(dataset, registry)


def _can_be_inverted(dataset: Dataset) -> None:
    try:
        np.linalg.cholesky(covariance([dataset]).dense)
    except (np.linalg.LinAlgError, DataError):
        bare = np.flatnonzero(dataset.stat <= 0)[:3].tolist()
        require(
            False, "every datum has an uncertainty", f"the covariance is singular; look at {bare}."
        )


def _predicts(dataset: Dataset, registry: Registry) -> None:
    rule = "predictions"
    known = registry.names(ForwardMap)
    require(dataset.operation in known, rule, f"operation '{dataset.operation}'; known: {known}.")
    values = np.ones((2, len(dataset.x_grid), len(dataset.flavours)))
    try:
        found = predict(dataset, registry, values)
    except (DataError, ValueError, TypeError) as cause:
        require(False, rule, str(cause))
    require(found.shape == (2, dataset.n_data), rule, f"{found.shape} of {dataset.n_data} data.")
