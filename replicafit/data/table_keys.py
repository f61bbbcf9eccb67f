"""The tables in a ``replicafit-dataset/1`` file: ``fk_0``, ``fk_1`` ... and what belongs to them.

A table with ``fk_0_channels`` acts on products of two functions; one without it on functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.data.luminosity import LuminosityTable, Table
from replicafit.errors import DataError

_KEY = re.compile(r"fk_(\d+)(_channels|_x1|_x2)?")


def read_tables(path: Path, arrays: Mapping[str, np.ndarray]) -> tuple[Table, ...]:
    """The tables among ``arrays``; indices are not checked yet.

    Raises:
        DataError: a key of a table is unknown, or belongs to none.
        KeyError: the counting of the tables has a gap.
    """
    found = [key for key in arrays if key.startswith("fk_")]
    for key in found:
        _check_key(path, key, arrays)
    count = sum("_" not in key.removeprefix("fk_") for key in found)
    return tuple(_read(f"fk_{i}", arrays) for i in range(count))


def table_keys(tables: Sequence[Table]) -> dict[str, Any]:
    """What a file holds for ``tables``."""
    keys: dict[str, Any] = {}
    for i, table in enumerate(tables):
        if isinstance(table, LuminosityTable):
            keys[f"fk_{i}"], keys[f"fk_{i}_channels"] = table.values, table.channels
            keys[f"fk_{i}_x1"], keys[f"fk_{i}_x2"] = table.x1, table.x2
        else:
            keys[f"fk_{i}"] = table
    return keys


def table_values(tables: Sequence[Table]) -> dict[str, np.ndarray]:
    """The numbers of each table, by its key."""
    return {
        f"fk_{i}": table.values if isinstance(table, LuminosityTable) else table
        for i, table in enumerate(tables)
    }


def table_shapes(tables: Sequence[Table], d: int, f: int, n: int) -> dict[str, tuple[int, ...]]:
    """The shape that each table should have, for d data, f flavours and n grid points."""
    return {
        f"fk_{i}": (d, len(table.channels), len(table.x1), len(table.x2))
        if isinstance(table, LuminosityTable)
        else (d, f, n)
        for i, table in enumerate(tables)
    }


def check_indices(source: str, tables: Sequence[Table], f: int, n: int) -> None:
    """Refuses indices that are none of f flavours or n grid points; ``source`` begins a message.

    Raises:
        DataError: naming the key.
    """
    for i, table in enumerate(tables):
        if not isinstance(table, LuminosityTable):
            continue
        if table.channels.ndim != 2 or table.channels.shape[1] != 2:
            raise DataError(
                f"{source}: 'fk_{i}_channels' has shape {table.channels.shape}; it must be (c, 2): "
                "the two flavours of each channel."
            )
        _check_range(source, f"fk_{i}_channels", table.channels, f, "flavours")
        for key, points in (("x1", table.x1), ("x2", table.x2)):
            _check_range(source, f"fk_{i}_{key}", points, n, "grid points")
            if points.ndim != 1 or len(np.unique(points)) != len(points):
                raise DataError(
                    f"{source}: 'fk_{i}_{key}' must be a list of distinct indices of x_grid."
                )


def _read(key: str, arrays: Mapping[str, np.ndarray]) -> Table:
    values = _frozen(arrays[key], np.float64)
    if f"{key}_channels" not in arrays:
        return values
    every = np.arange(len(arrays["x_grid"]))
    return LuminosityTable(
        values=values,
        channels=_indices(f"{key}_channels", arrays[f"{key}_channels"]),
        x1=_indices(f"{key}_x1", arrays.get(f"{key}_x1", every)),
        x2=_indices(f"{key}_x2", arrays.get(f"{key}_x2", every)),
    )


def _indices(key: str, given: np.ndarray) -> np.ndarray:
    if not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"'{key}' must hold indices, which are integers, not {given.dtype}")
    return _frozen(given, np.int64)


def _frozen(array: np.ndarray, kind: type[np.generic]) -> np.ndarray:
    result = np.array(array, dtype=kind)
    result.flags.writeable = False
    return result


def _check_key(path: Path, key: str, arrays: Mapping[str, np.ndarray]) -> None:
    known = _KEY.fullmatch(key)
    if known is None:
        raise DataError(
            f"'{path}' has the key '{key}', which is none of a table. Known are fk_0, "
            "fk_0_channels, fk_0_x1 and fk_0_x2, and the same for fk_1 and so on."
        )
    table = f"fk_{known[1]}"
    if known[2] and table not in arrays:
        raise DataError(f"'{path}' has the key '{key}', but no table '{table}'.")
    if known[2] in ("_x1", "_x2") and f"{table}_channels" not in arrays:
        raise DataError(
            f"'{path}' has the key '{key}', but no '{table}_channels', which tells the flavours "
            "that the table acts on."
        )


def _check_range(source: str, key: str, indices: np.ndarray, count: int, of: str) -> None:
    outside = indices[(indices < 0) | (indices >= count)]
    if outside.size:
        raise DataError(
            f"{source}: '{key}' has the index {outside.flat[0]}, but there are {count} {of}, "
            f"counted from 0."
        )
