"""Reads and writes ``replicafit-dataset/1`` (docs/reference/dataset-format.md)."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from replicafit.data.dataset import Dataset
from replicafit.data.table_keys import (
    check_indices,
    read_tables,
    table_keys,
    table_shapes,
    table_values,
)
from replicafit.errors import DataError

FORMAT = "replicafit-dataset/1"
KINEMATICS = ("x", "q2", "y")


_DAMAGE = (
    *(OSError, ValueError, TypeError, EOFError, KeyError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What numpy and zipfile raise for files that are damaged or something else."""


class _HasPath(Protocol):
    @property
    def path(self) -> Path: ...


def read_from_settings(settings: _HasPath, folder: Path) -> Dataset:
    """The reader behind the dataset type ``file``."""
    return read_dataset(folder / settings.path)


def read_dataset(path: Path) -> Dataset:
    """The dataset in the file at ``path``.

    Raises:
        DataError: the file is missing, damaged, of another format, or inconsistent.
    """
    return dataset_from_arrays(path, load_arrays(path))


def dataset_from_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> Dataset:
    """The dataset in ``arrays``, as they are in the file at ``path``; checked."""
    try:
        dataset = _from_arrays(path, arrays)
    except KeyError as missing:
        raise DataError(f"'{path}' lacks the key {missing} of the format {FORMAT}.") from None
    except (ValueError, TypeError, AttributeError) as cause:
        raise DataError(f"'{path}' has a key of the wrong kind: {cause}.") from None
    _check_shapes(path, dataset)
    _check_values(path, dataset)
    return dataset


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Writes ``dataset``; the file appears whole or not at all."""
    arrays: dict[str, Any] = {
        "format": FORMAT,
        "metadata": json.dumps({"name": dataset.name, **dataset.metadata}),
        "central": dataset.central,
        "stat": dataset.stat,
        "sys_add": dataset.sys_add,
        "sys_add_name": np.array(dataset.sys_add_names, dtype=np.str_),
        "sys_mult_percent": dataset.sys_mult_percent,
        "sys_mult_name": np.array(dataset.sys_mult_names, dtype=np.str_),
        **dataset.kinematics,
        "x_grid": dataset.x_grid,
        "flavours": np.array(dataset.flavours, dtype=np.str_),
        **dataset.attributes,
        "operation": dataset.operation,
        **table_keys(dataset.tables),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    temporary.replace(path)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """All keys of the file at ``path``, which must be of this format."""
    arrays = _load(path)
    if str(arrays.get("format")) != FORMAT:
        given = arrays.get("format", "no format key")
        raise DataError(f"'{path}' is not a {FORMAT} file (found: {given}).")
    return arrays


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return dict(archive)
    except FileNotFoundError:
        raise DataError(f"There is no dataset file at '{path}'. Check the path.") from None
    except _DAMAGE as cause:
        reason = f"'{path}' is damaged or no .npz file ({cause})."
        raise DataError(f"{reason} Copy or build it again.") from None


def _from_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> Dataset:
    metadata = json.loads(str(arrays["metadata"]))
    return Dataset(
        name=str(metadata.get("name", path.stem)),
        central=_float(arrays["central"]),
        stat=_float(arrays["stat"]),
        sys_add=_float(arrays["sys_add"]),
        sys_add_names=_words(arrays["sys_add_name"]),
        sys_mult_percent=_float(arrays["sys_mult_percent"]),
        sys_mult_names=_words(arrays["sys_mult_name"]),
        kinematics={key: _float(arrays[key]) for key in KINEMATICS if key in arrays},
        x_grid=_float(arrays["x_grid"]),
        flavours=_words(arrays["flavours"]),
        tables=read_tables(path, arrays),
        operation=str(arrays["operation"]),
        attributes=read_attributes(arrays),
        metadata={key: value for key, value in metadata.items() if key != "name"},
    )


def read_attributes(arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The single numbers among ``arrays``: what is said of the functions as a whole."""
    return {
        key: float(array)
        for key, array in arrays.items()
        if array.ndim == 0 and np.issubdtype(array.dtype, np.number)
    }


def _float(array: np.ndarray) -> np.ndarray:
    result = np.array(array, dtype=np.float64)
    result.flags.writeable = False
    return result


def _words(array: np.ndarray) -> tuple[str, ...]:
    return tuple(str(word) for word in array)


def _check_shapes(path: Path, dataset: Dataset) -> None:
    for key, array in (("central", dataset.central), ("x_grid", dataset.x_grid)):
        if array.ndim != 1 or not len(array):
            raise DataError(f"'{path}': '{key}' must be a list of at least one number.")
    d, n, f = dataset.n_data, len(dataset.x_grid), len(dataset.flavours)
    check_indices(path, dataset.tables, f, n)
    values, shapes = table_values(dataset.tables), table_shapes(dataset.tables, d, f, n)
    expected = {
        "central": (dataset.central, (d,)),
        "stat": (dataset.stat, (d,)),
        "sys_add": (dataset.sys_add, (d, len(dataset.sys_add_names))),
        "sys_mult_percent": (dataset.sys_mult_percent, (d, len(dataset.sys_mult_names))),
        **{key: (column, (d,)) for key, column in dataset.kinematics.items()},
        **{key: (values[key], shape) for key, shape in shapes.items()},
    }
    for key, (array, shape) in expected.items():
        if array.shape != shape:
            raise DataError(
                f"'{path}': '{key}' has shape {array.shape}, but {shape} fits the {d} data, "
                f"{f} flavours and {n} grid points of the file."
            )
    if not dataset.tables:
        raise DataError(f"'{path}' has no table: the key 'fk_0' is missing.")


def _check_values(path: Path, dataset: Dataset) -> None:
    columns = {
        "central": dataset.central,
        "stat": dataset.stat,
        "sys_add": dataset.sys_add,
        "sys_mult_percent": dataset.sys_mult_percent,
        **dataset.kinematics,
        **table_values(dataset.tables),
    }
    for key, array in columns.items():
        bad = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
        if len(bad):
            raise DataError(
                f"'{path}': '{key}' of dataset {dataset.name} is not finite for the data "
                f"{_some(bad)} (counted from 0). Remove or mend them."
            )
    for name, value in dataset.attributes.items():
        if not np.isfinite(value):
            raise DataError(f"'{path}': {name} must be a finite number, not {value}.")
    outside = dataset.x_grid[~((dataset.x_grid > 0) & (dataset.x_grid <= 1))]
    if len(outside):
        raise DataError(
            f"'{path}': the grid points of {dataset.name} must lie in (0, 1], "
            f"but there is x = {_some(outside)}."
        )


def _some(values: np.ndarray) -> str:
    shown = ", ".join(str(v) for v in values[:5].tolist())
    return shown + (f" and {len(values) - 5} more" if len(values) > 5 else "")
