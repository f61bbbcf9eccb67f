"""Reads ``replicafit-dataset/1`` and ``/2``, writes the latter (docs/reference/dataset-format.md).

Observables are such files with tables and nothing measured. A table with ``fk_0_channels`` acts on
products of two functions; one without it on functions.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.components.builtin.datasets import FileSettings
from replicafit.data.dataset import Dataset
from replicafit.data.product_table import ProductTable, Table, table_arrays
from replicafit.data.validation import validated
from replicafit.errors import DataError
from replicafit.reading import UnreadableError, read_arrays

FORMAT = "replicafit-dataset/2"
FIRST = "replicafit-dataset/1"
"""Kinematics have no prefix, and there is one input."""
KINEMATICS = "kinematics_"
KEYS = (
    *("format", "metadata", "central", "stat", "sys_add", "sys_add_name", "sys_mult_percent"),
    *("sys_mult_name", "x_grid", "flavours", "operation"),
)
"""Of the first format; other lists of a number for each datum are kinematics there."""
USUAL = ("x", "q2", "y")
"""Kinematics that must be right if a file of the first format has them."""
_TABLE_KEY = re.compile(r"fk_(\d+)(_channels|_x1|_x2)?")


def read_from_settings(settings: FileSettings, folder: Path) -> Dataset:
    """The reader behind the dataset type ``file``."""
    return read_dataset(folder / settings.path)


def read_dataset(path: Path) -> Dataset:
    """The dataset in the file at ``path``.

    Raises:
        DataError: the file is missing, damaged, of another format, or inconsistent.
    """
    return _checked(path, _load(path))


def read_observable(path: Path) -> Dataset:
    """The observable at ``path``: a dataset with one datum of 0 +- 0 per row of its table.

    Raises:
        DataError: the file is missing, damaged, of another format, or holds measured values.
    """
    arrays = _load(path)
    if "central" in arrays:
        raise DataError(
            f"'{path}' is a dataset: it has measured values ('central'). An observable, as for "
            "positivity, has tables only. Put it under data.datasets, or check the path."
        )
    if "fk_0" not in arrays:
        raise DataError(f"'{path}' has no table: the key 'fk_0' is missing.")
    d = len(np.atleast_1d(arrays["fk_0"]))  # of what is no table, told below
    nothing: dict[str, np.ndarray] = {
        "central": np.zeros(d),
        "stat": np.zeros(d),
        "sys_add": np.zeros((d, 0)),
        "sys_add_name": np.array([], dtype=np.str_),
        "sys_mult_percent": np.zeros((d, 0)),
        "sys_mult_name": np.array([], dtype=np.str_),
    }
    return _checked(path, {**arrays, **nothing})


def _checked(path: Path, arrays: Mapping[str, np.ndarray]) -> Dataset:
    """The dataset in ``arrays``, as they are in the file at ``path``."""
    try:
        dataset = _from_arrays(path, arrays)
    except KeyError as missing:
        raise DataError(f"'{path}' lacks the key {missing} of the format {FORMAT}.") from None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as cause:
        raise DataError(f"'{path}' has a key of the wrong kind: {cause}.") from None
    return validated(dataset, f"'{path}'")


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Writes ``dataset``; the file appears whole or not at all."""
    measured = {
        "central": dataset.central,
        "stat": dataset.stat,
        "sys_add": dataset.sys_add,
        "sys_add_name": np.array(dataset.sys_add_names, dtype=np.str_),
        "sys_mult_percent": dataset.sys_mult_percent,
        "sys_mult_name": np.array(dataset.sys_mult_names, dtype=np.str_),
        **{f"{KINEMATICS}{name}": column for name, column in dataset.kinematics.items()},
    }
    _write(path, dataset, measured)


def write_observable(path: Path, observable: Dataset) -> None:
    """Writes the tables of ``observable`` and nothing measured; the file appears whole or not."""
    _write(path, observable, {})


def _write(path: Path, dataset: Dataset, measured: Mapping[str, Any]) -> None:
    """Writes what predicts ``dataset`` and what was ``measured``."""
    arrays = {
        "format": FORMAT,
        "metadata": json.dumps({**dataset.metadata, "name": dataset.name}, default=_plain),
        "inputs": np.array(dataset.inputs, dtype=np.str_),
        "x_grid": dataset.x_grid,
        "flavours": np.array(dataset.flavours, dtype=np.str_),
        **dataset.attributes,
        "operation": dataset.operation,
        **table_arrays(dataset.tables),
        **measured,
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    temporary.replace(path)


def _plain(value: Any) -> Any:
    """What JSON does not know, as it does: numbers and arrays of numpy, else the words for it."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _load(path: Path) -> dict[str, np.ndarray]:
    """All keys of the file at ``path``, which must be of this format."""
    try:
        arrays = read_arrays(path)
    except FileNotFoundError:
        raise DataError(f"There is no dataset file at '{path}'. Check the path.") from None
    except UnreadableError as cause:
        raise DataError(f"'{path}' cannot be used: {cause}. Copy or build it again.") from None
    if str(arrays.get("format")) not in (FIRST, FORMAT):
        given = arrays.get("format", "no format key")
        raise DataError(f"'{path}' is not a {FIRST} or {FORMAT} file (found: {given}).")
    return arrays


def _from_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> Dataset:
    try:
        metadata = dict(json.loads(str(arrays["metadata"])).items())
    except (ValueError, AttributeError, RecursionError):
        raise DataError(
            f"'{path}': 'metadata' is of the wrong kind: JSON such as "
            '{"name": "A"} is needed. Build the file again.'
        ) from None
    first = str(arrays["format"]) == FIRST
    return Dataset(
        name=str(metadata.get("name", path.stem)),
        central=arrays["central"],
        stat=arrays["stat"],
        sys_add=arrays["sys_add"],
        sys_add_names=_words(arrays["sys_add_name"]),
        sys_mult_percent=arrays["sys_mult_percent"],
        sys_mult_names=_words(arrays["sys_mult_name"]),
        kinematics=_kinematics(arrays, first),
        inputs=("x",) if first else _words(arrays["inputs"]),
        x_grid=arrays["x_grid"],
        flavours=_words(arrays["flavours"]),
        tables=_tables(path, arrays),
        operation=str(arrays["operation"]),
        attributes=read_attributes(arrays),
        metadata={key: value for key, value in metadata.items() if key != "name"},
    )


def _kinematics(arrays: Mapping[str, np.ndarray], first: bool) -> dict[str, np.ndarray]:
    """Those with the prefix; of the first format all lists of a number for each datum that mean
    nothing else.
    """
    if not first:
        found = {key: array for key, array in arrays.items() if key.startswith(KINEMATICS)}
        return {key.removeprefix(KINEMATICS): array for key, array in found.items()}
    return {
        key: array
        for key, array in arrays.items()
        if key in USUAL
        or (
            array.shape == arrays["central"].shape
            and array.dtype.kind in "fiu"
            and not (key in KEYS or key.startswith("fk_"))
        )
    }


def read_attributes(arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The single numbers among ``arrays``: what is said of the functions as a whole."""
    return {
        key: float(array)
        for key, array in arrays.items()
        if array.ndim == 0 and np.issubdtype(array.dtype, np.number)
    }


def _words(array: np.ndarray) -> tuple[str, ...]:
    return tuple(str(word) for word in array)


def _tables(path: Path, arrays: Mapping[str, np.ndarray]) -> tuple[Table, ...]:
    """The tables among ``arrays``; their shapes and indices are not checked yet."""
    count = 0
    for key in [key for key in arrays if key.startswith("fk_")]:
        known = _TABLE_KEY.fullmatch(key)
        if known is None:
            raise DataError(
                f"'{path}' has the key '{key}', which is none of a table. Known are fk_0, "
                "fk_0_channels, fk_0_x1 and fk_0_x2, and the same for fk_1 and so on."
            )
        table, part = f"fk_{known[1]}", known[2]
        if part and table not in arrays:
            raise DataError(f"'{path}' has the key '{key}', but no table '{table}'.")
        if part in ("_x1", "_x2") and f"{table}_channels" not in arrays:
            raise DataError(
                f"'{path}' has the key '{key}', but no '{table}_channels', which tells the "
                "flavours that the table acts on."
            )
        count += part is None
    return tuple(_table(f"fk_{i}", arrays) for i in range(count))


def _table(key: str, arrays: Mapping[str, np.ndarray]) -> Table:
    values = arrays[key]
    if f"{key}_channels" not in arrays:
        return values
    every = np.arange(len(arrays["x_grid"]))
    return ProductTable(
        values=values,
        channels=_indices(f"{key}_channels", arrays[f"{key}_channels"]),
        x1=_indices(f"{key}_x1", arrays.get(f"{key}_x1", every)),
        x2=_indices(f"{key}_x2", arrays.get(f"{key}_x2", every)),
    )


def _indices(key: str, given: np.ndarray) -> np.ndarray:
    if not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"'{key}' must hold indices, which are integers, not {given.dtype}")
    return given
