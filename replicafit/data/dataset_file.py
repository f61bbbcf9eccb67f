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
from replicafit.data.table_keys import read_tables, table_keys
from replicafit.data.validation import validated
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
    return validated(dataset, f"'{path}'")


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
