"""C-factors: numbers that multiply a table row by row, in NNPDF's text format.

The file ``CF_<factor>_<table>.dat`` begins with a description between two lines of asterisks; then
each line has the factor of one row of the table, and its uncertainty, which is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from replicafit.plugin import DataError
from replicafit_nnpdf.theory import MissingFileError


def find_cfactors(table: str, factors: Sequence[str], folders: Sequence[Path]) -> list[Path]:
    """The file of each of ``factors`` for ``table``, from the first folder that has it.

    Raises:
        MissingFileError: none has it.
    """
    return [_find(f"CF_{factor}_{table}.dat", folders) for factor in factors]


def product(paths: Sequence[Path], n_rows: int) -> np.ndarray:
    """The product of the C-factors at ``paths``, (d,), for a table of ``n_rows``.

    Raises:
        DataError: a file is damaged, or has another number of rows.
    """
    result = np.ones(n_rows)
    for path in paths:
        values = read_cfactor(path)
        if len(values) != n_rows:
            raise DataError(
                f"'{path}' has {len(values)} C-factors, but its table has {n_rows} rows. They do "
                "not belong together."
            )
        result *= values
    return result


def read_cfactor(path: Path) -> np.ndarray:
    """The factors in the file at ``path``, (d,).

    Raises:
        DataError: it is not in the format.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        starred = [i for i, line in enumerate(lines) if line.startswith("*")]
        if len(starred) < 2 or starred[0] != 0:
            raise ValueError("the description between two lines of asterisks is missing")
        rows = [line.split() for line in lines[starred[1] + 1 :] if line.strip()]
        if any(len(row) != 2 for row in rows) or not rows:
            raise ValueError("each line must have a factor and its uncertainty")
        values = np.array([[float(word) for word in row] for row in rows])[:, 0]
        if not np.isfinite(values).all():
            raise ValueError("a factor is not finite")
    except (OSError, ValueError) as cause:
        raise DataError(f"'{path}' cannot be read as a C-factor: {cause}.") from None
    return values


def _find(file: str, folders: Sequence[Path]) -> Path:
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
    looked = ", ".join(f"'{folder}'" for folder in dict.fromkeys(folders))
    raise MissingFileError(
        file,
        f"There is no C-factor '{file}'. Looked in {looked}. Set cfactor_folder, or remove the "
        "factor from cfactors.",
    )
