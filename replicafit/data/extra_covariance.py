"""Covariance matrices from files, such as theory errors (docs/reference/runcard.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from replicafit.errors import DataError
from replicafit.reading import UnreadableError, read_arrays

KEYS = ("matrix", "dataset", "datum")


@dataclass(frozen=True)
class ExtraCovariance:
    """A covariance matrix of some data, absolute.

    Attributes:
        path: its file.
        matrix: (k, k).
        dataset: name of the dataset of each row, (k,).
        datum: position of each row in the file of its dataset, from 0, before cuts, (k,).
    """

    path: Path
    matrix: np.ndarray
    dataset: np.ndarray
    datum: np.ndarray

    def of(self, kept: Mapping[str, np.ndarray]) -> np.ndarray:
        """The matrix (d, d) for the data ``kept`` of each dataset; zero for those it lacks.

        Args:
            kept: for each dataset in order, which data of its file are used.

        Raises:
            DataError: it has one of the datasets only in part.
        """
        where = {key: i for i, key in enumerate(zip(self.dataset, self.datum, strict=True))}
        mine = set(map(str, self.dataset))
        labels = [(n, i) for n, mask in kept.items() for i in np.flatnonzero(mask).tolist()]
        wanted = [(place, label) for place, label in enumerate(labels) if label[0] in mine]
        missing = [label for _, label in wanted if label not in where]
        if missing:
            name, datum = missing[0]
            raise DataError(
                f"The covariance in '{self.path}' has rows for dataset {name}, but none for "
                f"{len(missing)} of its data (the first is {datum}, counted from 0 before cuts). "
                "Add them."
            )
        places = [place for place, _ in wanted]
        rows = [where[label] for _, label in wanted]
        full = np.zeros((len(labels), len(labels)))
        full[np.ix_(places, places)] = self.matrix[np.ix_(rows, rows)]
        return full

    def refuse_unless_used(self, names: Sequence[str]) -> None:
        """Raises DataError unless it has rows for one of the datasets ``names``."""
        mine = sorted(set(map(str, self.dataset)))
        if not set(mine) & set(names):
            raise DataError(
                f"The covariance in '{self.path}' is for {', '.join(mine) or 'no dataset'}; the "
                f"fit has {', '.join(names)}. Remove it, or correct the names in 'dataset'."
            )


def read_extra_covariance(path: Path) -> ExtraCovariance:
    """The matrix in the .npz at ``path``.

    Raises:
        DataError: it is missing, damaged, not symmetric or not positive.
    """
    try:
        arrays = read_arrays(path)
        matrix, dataset, datum = (np.atleast_1d(arrays[key]) for key in KEYS)
        for key, array, kinds in zip(
            KEYS, (matrix, dataset, datum), ("fiu", "U", "iu"), strict=True
        ):
            if array.dtype.kind not in kinds:
                raise UnreadableError(f"'{key}' holds {array.dtype}")
    except FileNotFoundError:
        raise DataError(f"There is no covariance file at '{path}'. Check the path.") from None
    except (UnreadableError, KeyError) as cause:
        raise DataError(
            f"'{path}' is no covariance file ({cause}). It must be a .npz with the keys "
            f"{', '.join(KEYS)}: numbers, names and whole numbers."
        ) from None
    k, datum, matrix = dataset.size, datum.astype(np.int64), matrix.astype(np.float64)
    if matrix.shape != (k, k) or datum.shape != (k,) or dataset.shape != (k,):
        raise DataError(
            f"'{path}': matrix {matrix.shape}, dataset {dataset.shape} and datum {datum.shape} "
            "must have the shapes (k, k), (k,) and (k,)."
        )
    if len(set(zip(dataset, datum, strict=True))) != k:
        raise DataError(f"'{path}' has two rows for one datum. Remove one.")
    if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-8, atol=0):
        raise DataError(f"'{path}': the matrix must be finite and symmetric.")
    errors = np.sqrt(np.maximum(np.diag(matrix), 0))
    scale = np.where(errors > 0, errors, 1.0)
    try:
        np.linalg.cholesky(matrix / scale / scale[:, None] + 1e-8 * np.eye(k))
    except np.linalg.LinAlgError:
        raise DataError(
            f"'{path}': the matrix has negative eigenvalues; a covariance has none."
        ) from None
    return ExtraCovariance(path, matrix, dataset, datum)
