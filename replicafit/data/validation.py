"""What every dataset must keep to, whoever read it: file, plugin or text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from replicafit.data.dataset import Dataset
from replicafit.data.product_table import ProductTable, Table, table_arrays
from replicafit.errors import DataError
from replicafit.reading import no_text

TAKEN = ("x", "x_grid", "values", "flavours", "inputs", "format", "metadata", "file")
"""What files of datasets and functions hold beside attributes."""

LARGEST = 1e70
"""Of measured values, errors and tables: squares of their products are numbers, too."""


def validated(dataset: object, source: str) -> Dataset:
    """``dataset`` with arrays of float64 that nobody writes to, if all in it goes together.

    Args:
        dataset: what a reader gave.
        source: where it is from, to begin messages with, such as ``'A.npz'`` in quotes.

    Raises:
        DataError: it is no dataset, shapes do not fit, or a number is not finite.
    """
    if not isinstance(dataset, Dataset):
        raise DataError(f"{source}: a {type(dataset).__name__} is no replicafit.plugin.Dataset.")
    try:
        dataset = _in_float64(dataset)
    except (ValueError, TypeError, AttributeError) as cause:
        raise DataError(f"{source} has something of the wrong kind: {cause}.") from None
    if not dataset.name:
        raise DataError(f"{source}: the dataset needs a name.")
    names = (dataset.name, *dataset.flavours, *dataset.inputs, *dataset.kinematics)
    for name in (*names, *dataset.sys_add_names, *dataset.sys_mult_names):
        if wrong := no_text(name):
            raise DataError(
                f"{source}: the name {name!a} has the character {wrong}, which is no text. "
                "Give another name."
            )
    _check_shapes(source, dataset)
    _check_values(source, dataset)
    return dataset


def _in_float64(dataset: Dataset) -> Dataset:
    def words(given: Any) -> tuple[str, ...]:
        if isinstance(given, str):
            raise TypeError(f"'{given}' stands where a list of names should be")
        return tuple(str(word) for word in given)

    grid = np.asarray(dataset.x_grid)  # of one input (n,), also where (n, 1) is given
    return replace(
        dataset,
        name=str(dataset.name),
        central=_frozen(dataset.central),
        stat=_frozen(dataset.stat),
        sys_add=_frozen(dataset.sys_add),
        sys_add_names=words(dataset.sys_add_names),
        sys_mult_percent=_frozen(dataset.sys_mult_percent),
        sys_mult_names=words(dataset.sys_mult_names),
        kinematics={str(key): _frozen(column) for key, column in dataset.kinematics.items()},
        x_grid=_frozen(grid[:, 0] if grid.ndim == 2 and grid.shape[1] == 1 else grid),
        inputs=words(dataset.inputs),
        flavours=words(dataset.flavours),
        attributes={str(key): float(value) for key, value in dataset.attributes.items()},
        tables=tuple(_table(table) for table in dataset.tables),
        operation=str(dataset.operation),
        metadata=dict(dataset.metadata),
    )


def _table(table: Table) -> Table:
    if not isinstance(table, ProductTable):
        return _frozen(table)
    return ProductTable(
        values=_frozen(table.values),
        channels=_frozen(table.channels, np.int64),
        x1=_frozen(table.x1, np.int64),
        x2=_frozen(table.x2, np.int64),
    )


def _frozen(given: Any, kind: type[np.generic] = np.float64) -> np.ndarray:
    array = np.asarray(given)
    if array.dtype.kind not in ("iu" if kind is np.int64 else "iuf"):
        raise TypeError(f"numbers are needed, not an array of {array.dtype}")
    array = array.astype(kind, copy=False).view()
    array.flags.writeable = False
    return array


def _check_shapes(source: str, dataset: Dataset) -> None:
    inputs = len(dataset.inputs)
    if dataset.central.ndim != 1 or not len(dataset.central):
        raise DataError(f"{source}: 'central' must be a list of at least one number.")
    if not inputs or len(set(dataset.inputs)) < inputs:
        raise DataError(f"{source}: the inputs {dataset.inputs} need names that differ.")
    width = (inputs,) if inputs > 1 else ()
    if not dataset.x_grid.size or dataset.x_grid.shape[1:] != width or not dataset.x_grid.ndim:
        allowed = "a list of at least one number" if inputs == 1 else f"of shape (n, {inputs})"
        raise DataError(
            f"{source}: 'x_grid' must be {allowed}, for {', '.join(dataset.inputs)}; its shape is "
            f"{dataset.x_grid.shape}."
        )
    d, n, f = dataset.n_data, len(dataset.x_grid), len(dataset.flavours)
    tables: dict[str, tuple[np.ndarray, tuple[int, ...]]] = {}
    for i, table in enumerate(dataset.tables):
        if isinstance(table, ProductTable):
            _check_indices(source, f"fk_{i}", table, f, n)
            c, u, v = len(table.channels), len(table.x1), len(table.x2)
            tables[f"fk_{i}"] = (table.values, (d, c, u, v))
        else:
            tables[f"fk_{i}"] = (table, (d, f, n))
    expected = {
        "stat": (dataset.stat, (d,)),
        "sys_add": (dataset.sys_add, (d, len(dataset.sys_add_names))),
        "sys_mult_percent": (dataset.sys_mult_percent, (d, len(dataset.sys_mult_names))),
        **{key: (column, (d,)) for key, column in dataset.kinematics.items()},
        **tables,
    }
    for key, (array, shape) in expected.items():
        if array.shape != shape:
            raise DataError(
                f"{source}: '{key}' has shape {array.shape}, but {shape} fits the {d} data, "
                f"{f} flavours and {n} grid points of the file."
            )
    if not dataset.tables:
        raise DataError(f"{source} has no table: the key 'fk_0' is missing.")


def _check_indices(source: str, key: str, table: ProductTable, f: int, n: int) -> None:
    """Refuses indices that are none of f flavours or n grid points."""
    if table.channels.ndim != 2 or table.channels.shape[1] != 2:
        raise DataError(
            f"{source}: '{key}_channels' has shape {table.channels.shape}; it must be (c, 2): "
            "the two flavours of each channel."
        )
    for part, indices, count, of in (
        ("channels", table.channels, f, "flavours"),
        ("x1", table.x1, n, "grid points"),
        ("x2", table.x2, n, "grid points"),
    ):
        outside = indices[(indices < 0) | (indices >= count)]
        if outside.size:
            raise DataError(
                f"{source}: '{key}_{part}' has the index {outside.flat[0]}, but there are {count} "
                f"{of}, counted from 0."
            )
        if part != "channels" and (indices.ndim != 1 or len(np.unique(indices)) != len(indices)):
            raise DataError(
                f"{source}: '{key}_{part}' must be a list of distinct indices of x_grid."
            )


def _check_values(source: str, dataset: Dataset) -> None:
    columns: Mapping[str, np.ndarray] = {
        "central": dataset.central,
        "stat": dataset.stat,
        "sys_add": dataset.sys_add,
        "sys_mult_percent": dataset.sys_mult_percent,
        **dataset.kinematics,
        "x_grid": dataset.x_grid,
        **table_arrays(dataset.tables),
    }
    for key, array in columns.items():
        bad = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))
        if len(bad):
            of = "grid points" if key == "x_grid" else "data"
            raise DataError(
                f"{source}: '{key}' of dataset {dataset.name} is not finite for the {of} "
                f"{_some(bad)} (counted from 0). Remove or mend them."
            )
    for key in [k for k in columns if k != "x_grid" and k not in dataset.kinematics]:
        if (np.abs(columns[key]) > LARGEST).any():
            raise DataError(
                f"{source}: '{key}' of dataset {dataset.name} has numbers beyond {LARGEST:g}, "
                "whose squares are none in float64. Give the data in other units."
            )
    negative = np.flatnonzero(dataset.stat < 0)
    if len(negative):
        raise DataError(
            f"{source}: 'stat' of dataset {dataset.name} is negative for the data "
            f"{_some(negative)} (counted from 0). Errors are 0 or more."
        )
    for name, value in dataset.attributes.items():
        if not np.isfinite(value):
            raise DataError(f"{source}: {name} must be a finite number, not {value}.")
        if name in TAKEN:
            raise DataError(
                f"{source}: '{name}' is no name of an attribute, for files of functions hold "
                "something else under it. Give it another name."
            )


def _some(values: np.ndarray) -> str:
    shown = ", ".join(str(v) for v in values[:5].tolist())
    return shown + (f" and {len(values) - 5} more" if len(values) > 5 else "")
