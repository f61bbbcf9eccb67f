"""Several FK tables as the operands of one dataset, on one grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from replicafit.plugin import DataError, ProductTable, Table, join_grids
from replicafit_nnpdf.fk_tables import EVOLUTION_BASIS, FkTable
from replicafit_nnpdf.theory import Theory


@dataclass(frozen=True)
class Joined:
    """The tables of a dataset.

    Attributes:
        tables: one for each operand, of n_data rows.
        x_grid: grid points of all, (n,).
        flavours: of all, in the order of the evolution basis.
        predicted: which data have a row in all of them, (d,).
    """

    tables: tuple[Table, ...]
    x_grid: np.ndarray
    flavours: tuple[str, ...]
    predicted: np.ndarray


@dataclass(frozen=True)
class _Part:
    """A table and the data that its rows predict, (d,)."""

    table: FkTable
    rows: np.ndarray


def join(name: str, n_data: int, theory: Theory, tables: Mapping[str, FkTable]) -> Joined:
    """The operands of the dataset ``name``, which has ``n_data``.

    A table's grid and flavours are padded with zeros to those of all, which is exact.

    Raises:
        DataError: tables do not go together, or have not one row for each datum.
    """
    _check_alike(name, list(tables.values()))
    x_grid = join_grids([table.x for table in tables.values()])
    found = {flavour for table in tables.values() for pair in table.channels for flavour in pair}
    flavours = tuple(flavour for flavour in EVOLUTION_BASIS.values() if flavour in found)
    joined, predicted = [], np.ones(n_data, dtype=bool)
    for position in range(len(theory.operands)):
        parts = _parts(theory, position, tables)
        repeated = _is_repeated(theory, position, parts)
        if not repeated:
            parts = _without_padding(n_data, parts)
            predicted &= _predicted(name, n_data, parts)
        total = _operand(name, 1 if repeated else n_data, parts, x_grid, flavours)
        joined.append(total[np.zeros(n_data, dtype=int)] if repeated else total)
    return Joined(tuple(joined), x_grid, flavours, predicted)


def _parts(theory: Theory, position: int, tables: Mapping[str, FkTable]) -> list[_Part]:
    """The tables of one operand, one below the other, each after its gap."""
    parts, start = [], 0
    for name in theory.operands[position]:
        start += theory.shifts.get(name, 0)
        rows = np.arange(start, start + len(tables[name].values))
        parts.append(_Part(tables[name], rows))
        start += len(rows)
    return parts


def _is_repeated(theory: Theory, position: int, parts: Sequence[_Part]) -> bool:
    """Whether this is a total cross section that all data are divided by.

    Then the divisor of RATIO is one table with one row, or with zeros below the first.
    """
    last = position == len(theory.operands) - 1
    if theory.operation != "RATIO" or not last or len(parts) > 1:
        return False
    return not parts[0].table.values[1:].any()


def _without_padding(n_data: int, parts: Sequence[_Part]) -> list[_Part]:
    """``parts`` without rows after the last datum, where the last table has zeros there.

    Tables of ratios are padded so, in numerator and divisor.
    """
    *before, last = parts
    kept = last.rows < n_data
    if last.table.values[~kept].any():
        return list(parts)
    return [*before, _Part(replace(last.table, values=last.table.values[kept]), last.rows[kept])]


def _predicted(name: str, n_data: int, parts: Sequence[_Part]) -> np.ndarray:
    """Which data have a row; as NNPDF does, rows count from the first datum."""
    rows = np.concatenate([part.rows for part in parts])
    if rows.size and rows[-1] >= n_data:
        given = ", ".join(f"{part.table.name} has {len(part.rows)}" for part in parts)
        raise DataError(
            f"The dataset {name} has {n_data} data, but its FK tables end with row "
            f"{int(rows[-1]) + 1} ({given}). They belong to another version of the data; take "
            "another theory, or another variant."
        )
    return np.isin(np.arange(n_data), rows)


def _operand(
    name: str, n_rows: int, parts: Sequence[_Part], x_grid: np.ndarray, flavours: Sequence[str]
) -> Table:
    """The rows of ``parts`` in one table; rows that nobody predicts are zero."""
    kinds = {part.table.hadronic for part in parts}
    if len(kinds) > 1:
        raise DataError(
            f"The dataset {name} joins FK tables of one and of two hadrons in one operand: "
            f"{', '.join(part.table.name for part in parts)}."
        )
    if kinds == {True}:
        return _luminosity(n_rows, parts, x_grid, flavours)
    total = np.zeros((n_rows, len(flavours), len(x_grid)))
    for part in parts:
        rows = part.rows[:n_rows]
        columns = np.array([flavours.index(flavour) for (flavour,) in part.table.channels])
        place = np.ix_(rows, columns, positions(part.table.x, x_grid))
        total[place] += part.table.values[: len(rows)]
    return total


def _luminosity(
    n_rows: int, parts: Sequence[_Part], x_grid: np.ndarray, flavours: Sequence[str]
) -> ProductTable:
    x = join_grids([part.table.x for part in parts])
    channels = list(dict.fromkeys(pair for part in parts for pair in part.table.channels))
    total = np.zeros((n_rows, len(channels), len(x), len(x)))
    for part in parts:
        rows, points = part.rows[:n_rows], positions(part.table.x, x)
        columns = np.array([channels.index(pair) for pair in part.table.channels])
        total[np.ix_(rows, columns, points, points)] += part.table.values[: len(rows)]
    pairs = [[flavours.index(flavour) for flavour in pair] for pair in channels]
    points = positions(x, x_grid)
    indices = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return ProductTable(total, indices, points, points).folded()


def positions(x: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Where each of ``x`` (n,) stands on ``grid``, which has them all but for rounding."""
    nearest: np.ndarray = np.abs(grid[None, :] - x[:, None]).argmin(axis=1)
    return nearest


def _check_alike(name: str, tables: Sequence[FkTable]) -> None:
    first = tables[0]
    for other in tables[1:]:
        if not np.isclose(other.q0, first.q0, rtol=1e-6):
            raise DataError(
                f"The FK tables of {name} act at different scales: {first.name} at "
                f"q0 = {first.q0:.6g} GeV, {other.name} at {other.q0:.6g} GeV. Take all from one "
                "theory."
            )
        if other.polarised != first.polarised:
            raise DataError(
                f"The FK tables {first.name} and {other.name} of {name} act one on polarised and "
                "one on unpolarised functions; a fit has one kind."
            )
