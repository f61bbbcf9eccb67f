"""``python -m replicafit_dis.compare REFERENCE_DIR``: our predictions and data beside others.

``REFERENCE_DIR`` holds files of the format ``replicafit-dataset/1`` with the names of ours, and
x f(x, q0) of a PDF set in an npz (default ``nnpdf40_golden.npz``: keys ``x_grid``, ``flavours``,
``xf_member_0``). Both tables are contracted with the same functions, so what differs is the theory
alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from replicafit_dis.catalogue import DATA_FOLDER, DATASETS, dataset_path
from replicafit_dis.grid import interpolation_matrix

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[np.generic]]

PER_DATUM = frozenset({"central", "stat", "sys_add", "sys_mult_percent"})
"""Keys of a file, among those that are compared, whose first axis counts data."""


@dataclass(frozen=True)
class Functions:
    """x f(x, q0) ``values`` (f, n) of the evolution-basis ``flavours`` (f,) at ``x`` (n,)."""

    x: Array
    flavours: tuple[str, ...]
    values: Array

    def on(self, x: Array, flavours: tuple[str, ...]) -> Array:
        """The functions ``flavours`` at ``x``, shape (f, n); not interpolated where x agree."""
        rows = [self.flavours.index(flavour) for flavour in flavours]
        offset = len(self.x) - len(x)
        if offset >= 0 and np.allclose(self.x[offset:], x, rtol=1e-9, atol=0.0):
            return self.values[rows, offset:]
        return self.values[rows] @ interpolation_matrix(self.x, x).T


@dataclass(frozen=True)
class Difference:
    """Distances of one dataset: |ours / reference - 1| of predictions, and of data.

    Attributes:
        ratio: ours over the reference, prediction by prediction, (d,).
        data_agree: whether values, statistical errors and systematics are equal.
        n_missing: data of ours that the reference lacks.
    """

    name: str
    ratio: Array
    data_agree: bool
    n_missing: int

    @property
    def distance(self) -> Array:
        """|ours / reference - 1|, shape (d,)."""
        return np.abs(self.ratio - 1.0)


def load(path: Path) -> Arrays:
    """All arrays of a file."""
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def load_functions(path: Path, member: str) -> Functions:
    """Member functions of a PDF set from an npz."""
    file = load(path)
    flavours = tuple(str(flavour) for flavour in file["flavours"])
    return Functions(_float(file["x_grid"]), flavours, _float(file[member]))


def predict(file: Arrays, functions: Functions) -> Array:
    """Predictions (d,): sum over f, n of table (d, f, n) times x f (f, n); the ratio if two."""
    flavours = tuple(str(flavour) for flavour in file["flavours"])
    values = functions.on(_float(file["x_grid"]), flavours)
    first: Array = np.einsum("dfn,fn->d", _float(file["fk_0"]), values)
    if str(file["operation"]) == "RATIO":
        return np.asarray(first / np.einsum("dfn,fn->d", _float(file["fk_1"]), values))
    return first


def matching(ours: Arrays, reference: Arrays) -> npt.NDArray[np.int64]:
    """For each datum of ours the position of the reference's with the same x, q2, y; -1 if none."""
    positions = {key: i for i, key in reversed(list(enumerate(_kinematics(reference))))}
    return np.array([positions.get(key, -1) for key in _kinematics(ours)])


def _kinematics(file: Arrays) -> list[tuple[float, ...]]:
    columns = [_float(file[name]).round(12) for name in ("x", "q2", "y")]
    return [tuple(row) for row in np.stack(columns, axis=1).tolist()]


def same_data(ours: Arrays, reference: Arrays, rows: npt.NDArray[np.int64]) -> bool:
    """Whether central values, errors and systematics (in any order of columns) are equal."""
    plain = all(np.array_equal(ours[key], reference[key][rows]) for key in ("central", "stat"))
    kinds = (("sys_add", "sys_add_name"), ("sys_mult_percent", "sys_mult_name"))
    return plain and all(
        np.array_equal(
            sorted_columns(ours[values], ours[names]),
            sorted_columns(reference[values][rows], reference[names]),
        )
        for values, names in kinds
    )


def sorted_columns(values: npt.NDArray[np.generic], names: npt.NDArray[np.generic]) -> Array:
    """Columns (d, s) by name, then by values, so that files with other orders compare equal."""
    columns = _float(values)
    order = sorted(range(len(names)), key=lambda s: (str(names[s]), columns[:, s].tolist()))
    return columns[:, order]


def difference(name: str, ours: Arrays, reference: Arrays, functions: Functions) -> Difference:
    """Compares one dataset on the data both have."""
    found = matching(ours, reference)
    kept = found >= 0
    rows = found[kept]
    mine = {k: v[kept] if k in PER_DATUM else v for k, v in ours.items()}
    ratio = predict(ours, functions)[kept] / predict(reference, functions)[rows]
    return Difference(name, ratio, same_data(mine, reference, rows), int(np.sum(~kept)))


def compare(reference: Path, folder: Path, functions: Functions) -> list[Difference]:
    """All datasets that both folders have."""
    names = [n for n in DATASETS if all(dataset_path(n, f).exists() for f in (folder, reference))]
    return [
        difference(n, load(dataset_path(n, folder)), load(dataset_path(n, reference)), functions)
        for n in names
    ]


def report(differences: list[Difference]) -> Table:
    """The distances as a table, in per cent."""
    table = Table("dataset", "n_data", "median %", "95 % quantile", "largest", "mean", "data equal")
    for entry in differences:
        d = 100.0 * entry.distance
        mean = 100.0 * (entry.ratio.mean() - 1.0)
        figures = (np.median(d), np.quantile(d, 0.95), d.max(), mean)
        equal = "yes" if entry.data_agree and entry.n_missing == 0 else "NO"
        table.add_row(entry.name, str(len(d)), *(f"{value:.2f}" for value in figures), equal)
    return table


def _float(array: npt.NDArray[np.generic]) -> Array:
    return np.asarray(array, dtype=np.float64)


def main(arguments: list[str] | None = None) -> None:
    """Prints the comparison."""
    parser = argparse.ArgumentParser(prog="python -m replicafit_dis.compare")
    parser.add_argument("reference", type=Path, metavar="REFERENCE_DIR")
    parser.add_argument("--folder", type=Path, default=DATA_FOLDER, help="files to compare")
    parser.add_argument("--functions", default="nnpdf40_golden.npz", metavar="FILE")
    parser.add_argument("--member", default="xf_member_0", metavar="KEY")
    options = parser.parse_args(arguments)
    functions = load_functions(options.reference / options.functions, options.member)
    Console().print(report(compare(options.reference, options.folder, functions)))


if __name__ == "__main__":
    main()
