"""Reads data in plain columns: a function measured at known x, without any tables.

The forward map is the identity: the prediction for a datum is the function's value at its x. The
grid is the x of the data themselves, and the table has a single 1 in each row.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from replicafit.components.builtin.datasets import CsvSettings
from replicafit.data.dataset import Dataset
from replicafit.errors import DataError, did_you_mean
from replicafit.reading import UnreadableError, read_text

MOST_BYTES = 2**28
"""Of one file."""

SYMMETRIC = 1e-8
"""Relative difference up to which a matrix counts as symmetric."""


def read_csv(settings: CsvSettings, folder: Path) -> Dataset:
    """The dataset in a file of columns with one line of names above them.

    Raises:
        DataError: a file or column is missing, or a number is none.
    """
    path = folder / settings.path
    columns = Columns(path)
    x, y = np.column_stack([*map(columns.numbers, settings.inputs)]), columns.numbers(settings.y)
    grid, table = measured_at(x)
    if settings.covariance is not None:
        file = folder / settings.covariance
        stat, shifts = shifts_of_covariance(f"'{file}'", _matrix(file, len(x)))
    else:
        stat, shifts = columns.numbers(settings.error or ""), np.zeros((len(x), 0))
        for wrong in np.flatnonzero(stat <= 0):
            raise DataError(
                f"'{path}', line {columns.rows[wrong][0]}: the error '{settings.error}' is "
                f"{stat[wrong]:g}. Every datum needs an error above 0."
            )
    others = {name: columns.numbers(name) for name in columns.numeric()}
    added = tuple(n for n, kind in settings.systematics.items() if kind == "absolute")
    scaled = tuple(n for n, kind in settings.systematics.items() if kind == "percent")
    absolute, percent = (
        np.column_stack([np.zeros((len(x), 0)), *map(columns.numbers, names)])
        for names in (added, scaled)
    )
    return Dataset(
        name=settings.name or path.stem,
        central=y,
        stat=stat,
        sys_add=np.hstack([shifts, absolute]),
        sys_add_names=("CORR",) * shifts.shape[1] + added,
        sys_mult_percent=percent,
        sys_mult_names=scaled,
        kinematics={**others, "x": x[:, 0]} if len(settings.inputs) == 1 else others,
        x_grid=grid,
        inputs=settings.inputs,
        flavours=(settings.flavour,),
        tables=(table,),
        operation="NULL",
        attributes={} if settings.q0 is None else {"q0": settings.q0},
    )


class Columns:
    """The columns of one file, with one line of names above them.

    Raises:
        DataError: it cannot be read, or lines have other numbers of values than names.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        rows = _rows(path)
        if len(rows) < 2:
            raise DataError(f"'{path}' needs a line of column names and at least one datum.")
        (_, names), self.rows = rows[0], rows[1:]
        self.names = [name.strip() for name in names]
        if len(names) == 1:
            raise DataError(
                f"'{path}' has one column ({names[0]!r}). Separate names and values with commas; "
                "decimals have a point."
            )
        if np.isfinite(_parsed([names])).all():
            raise DataError(
                f"'{path}' begins with numbers ({', '.join(self.names)}). Name the columns in a "
                "line above them, such as x,y,error."
            )
        self.count = Counter(self.names)
        self.position = {name: i for i, name in enumerate(self.names)}
        for line, row in self.rows:
            if len(row) != len(self.names):
                raise DataError(
                    f"'{path}', line {line}: {len(row)} values, but {len(self.names)} columns "
                    f"({', '.join(self.names)}). Separate values with commas."
                )
        self.values = _parsed(row for _, row in self.rows).T.copy()

    def numbers(self, name: str) -> np.ndarray:
        """The column ``name``, (d,)."""
        if self.count[name] != 1:
            raise DataError(
                f"'{self.path}' has {self.count[name] or 'no'} column '{name}'; it has: "
                f"{', '.join(self.names)}.{did_you_mean(name, self.count)} Name it in the "
                "runcard's entry, or in the file's first line."
            )
        position = self.position[name]
        values: np.ndarray = self.values[position]
        for wrong in np.flatnonzero(~np.isfinite(values)):
            line, row = self.rows[wrong]
            raise DataError(
                f"'{self.path}', line {line}: '{name}' is '{row[position].strip()}', not a finite "
                "number. Mend or remove the line."
            )
        return values

    def numeric(self) -> list[str]:
        """The names of the columns that hold finite numbers only."""
        return [
            name
            for name, values in zip(self.names, self.values, strict=True)
            if name and self.count[name] == 1 and np.isfinite(values).all()
        ]


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and values of each line; empty lines and those that begin with # are no data."""
    try:
        lines = io.StringIO(read_text(path, MOST_BYTES), newline="")
        reader = csv.reader(lines, skipinitialspace=True)
        found = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise DataError(f"There is no file at '{path}'. Check the path.") from None
    except (UnreadableError, csv.Error) as cause:
        raise DataError(f"'{path}' cannot be read as CSV: {cause}.") from None
    return [(n, row) for n, row in found if any(row) and not row[0].lstrip().startswith("#")]


def _parsed(rows: Iterable[list[str]]) -> np.ndarray:
    """The numbers of ``rows``, (n, m); NaN for what is none."""

    def number(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            return float("nan")

    return np.array([[number(text) for text in row] for row in rows])


def measured_at(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The grid, (n,) or of several inputs (n, m), and the table (d, 1, n) of a function that is
    measured itself, at ``points`` (d, m).
    """
    grid, position = np.unique(points, axis=0, return_inverse=True)
    table = np.zeros((len(points), 1, len(grid)))
    table[np.arange(len(points)), 0, position.ravel()] = 1
    return grid if grid.shape[1] > 1 else grid[:, 0], table


def _matrix(path: Path, n_data: int) -> np.ndarray:
    """A square of numbers without names, (d, d)."""
    rows = _rows(path)
    wrong = next(((line, row) for line, row in rows if len(row) != n_data), None)
    if wrong or len(rows) != n_data:
        found = f"{len(wrong[1])} in line {wrong[0]}" if wrong else f"{len(rows)} lines"
        raise DataError(
            f"'{path}' must hold {n_data} lines of {n_data} numbers, one for each datum, without "
            f"names; it has {found}."
        )
    matrix = _parsed(row for _, row in rows)
    for (line, _), numbers in zip(rows, matrix, strict=True):
        if not np.isfinite(numbers).all():
            raise DataError(
                f"'{path}', line {line}: there is something that is not a finite number."
            )
    return matrix


def shifts_of_covariance(source: str, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Uncorrelated errors (d,) and correlated shifts (d, s), exactly of covariance ``matrix``.

    With the correlation V diag(l) V^T and its lowest eigenvalue m, the part m times the unit
    matrix is uncorrelated, and the columns V sqrt(l - m) shift the data together.
    """
    scale = np.abs(matrix).max()
    with np.errstate(over="ignore"):
        asymmetry = np.abs(matrix - matrix.T).max()
    if asymmetry > SYMMETRIC * scale:
        raise DataError(f"The covariance in {source} is not symmetric. Check how it was written.")
    if (np.diag(matrix) <= 0).any():
        raise DataError(f"The covariance in {source} needs numbers above 0 on its diagonal.")
    errors = np.sqrt(np.diag(matrix))
    with np.errstate(all="ignore"):
        correlation = (matrix + matrix.T) / 2 / np.outer(errors, errors)
    if not np.isfinite(correlation).all():
        raise DataError(f"The covariance in {source} has numbers beyond float64. Scale the data.")
    values, vectors = np.linalg.eigh(correlation)
    if values[0] <= 0:
        raise DataError(
            f"The covariance in {source} is not positive definite: the lowest eigenvalue of its "
            f"correlation matrix is {values[0]:.3g}. Data may repeat each other; remove them."
        )
    above = values > values[0] * (1 + SYMMETRIC)
    shifts = errors[:, None] * vectors[:, above] * np.sqrt(values[above] - values[0])
    return errors * np.sqrt(values[0]), shifts
