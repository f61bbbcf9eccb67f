"""Observables: ``replicafit-dataset/1`` files that hold tables but nothing measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from replicafit.data.dataset import Dataset
from replicafit.data.dataset_file import (
    dataset_from_arrays,
    load_arrays,
    theory_arrays,
    write_arrays,
)
from replicafit.errors import DataError


def read_observable(path: Path) -> Dataset:
    """The observable at ``path``: a dataset with one datum of 0 +- 0 per row of its table.

    Raises:
        DataError: the file is missing, damaged, of another format, or holds measured values.
    """
    arrays = load_arrays(path)
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
    return dataset_from_arrays(path, {**arrays, **nothing})


def write_observable(path: Path, observable: Dataset) -> None:
    """Writes the tables of ``observable`` and nothing measured; the file appears whole or not."""
    write_arrays(path, theory_arrays(observable))
