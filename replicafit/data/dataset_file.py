"""Reads and writes ``replicafit-dataset/1`` (docs/reference/dataset-format.md)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from replicafit.data.dataset import Dataset
from replicafit.data.table_keys import read_tables, table_keys
from replicafit.data.validation import validated
from replicafit.errors import DataError
from replicafit.reading import UnreadableError, read_arrays

FORMAT = "replicafit-dataset/1"
KEYS = (
    *("format", "metadata", "central", "stat", "sys_add", "sys_add_name", "sys_mult_percent"),
    *("sys_mult_name", "x_grid", "flavours", "operation"),
)
"""Of the format; other lists of a number for each datum are kinematics."""
USUAL = ("x", "q2", "y")
"""Kinematics that must be right if they are there."""


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
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as cause:
        raise DataError(f"'{path}' has a key of the wrong kind: {cause}.") from None
    return validated(dataset, f"'{path}'")


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Writes ``dataset``; the file appears whole or not at all.

    Raises:
        DataError: kinematics have the name of a key of the format.
    """
    taken = sorted(n for n in dataset.kinematics if n in KEYS or n.startswith("fk_"))
    if taken:
        raise DataError(
            f"Dataset {dataset.name}: kinematics cannot be called '{taken[0]}', which is a key of "
            f"the format {FORMAT}. Give them another name."
        )
    measured = {
        "central": dataset.central,
        "stat": dataset.stat,
        "sys_add": dataset.sys_add,
        "sys_add_name": np.array(dataset.sys_add_names, dtype=np.str_),
        "sys_mult_percent": dataset.sys_mult_percent,
        "sys_mult_name": np.array(dataset.sys_mult_names, dtype=np.str_),
        **dataset.kinematics,
    }
    write_arrays(path, {**theory_arrays(dataset), **measured})


def theory_arrays(dataset: Dataset) -> dict[str, Any]:
    """The keys that predict ``dataset``, and what it is."""
    return {
        "format": FORMAT,
        "metadata": json.dumps({"name": dataset.name, **dataset.metadata}),
        "x_grid": dataset.x_grid,
        "flavours": np.array(dataset.flavours, dtype=np.str_),
        **dataset.attributes,
        "operation": dataset.operation,
        **table_keys(dataset.tables),
    }


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes the file at ``path``, which appears whole or not at all."""
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
        return read_arrays(path)
    except FileNotFoundError:
        raise DataError(f"There is no dataset file at '{path}'. Check the path.") from None
    except UnreadableError as cause:
        raise DataError(f"'{path}' cannot be used: {cause}. Copy or build it again.") from None


def _from_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> Dataset:
    metadata, central = json.loads(str(arrays["metadata"])), arrays["central"]
    return Dataset(
        name=str(metadata.get("name", path.stem)),
        central=central,
        stat=arrays["stat"],
        sys_add=arrays["sys_add"],
        sys_add_names=_words(arrays["sys_add_name"]),
        sys_mult_percent=arrays["sys_mult_percent"],
        sys_mult_names=_words(arrays["sys_mult_name"]),
        kinematics={
            key: array
            for key, array in arrays.items()
            if key in USUAL or (array.shape == central.shape and _may_be_kinematics(key, array))
        },
        x_grid=arrays["x_grid"],
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


def _may_be_kinematics(key: str, array: np.ndarray) -> bool:
    return key not in KEYS and not key.startswith("fk_") and array.dtype.kind in "fiu"


def _words(array: np.ndarray) -> tuple[str, ...]:
    return tuple(str(word) for word in array)
