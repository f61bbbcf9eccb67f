"""Datasets given from Python: arrays and frames in the place of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from replicafit.components.builtin.datasets import GivenSettings
from replicafit.components.inputs import as_points, real_numbers
from replicafit.data.csv_file import measured_at, shifts_of_covariance
from replicafit.data.dataset import Dataset
from replicafit.data.dataset_file import read_dataset, write_dataset
from replicafit.data.validation import validated
from replicafit.errors import DataError

FORMS = (
    "Give a Dataset, (x, y, error), or a mapping or pandas frame with the columns x, y and error"
)


def given_datasets(data: Mapping[str, Any]) -> dict[str, Dataset]:
    """The datasets in ``data`` of ``replicafit.fit``.

    Raises:
        DataError: something in it is no data.
    """
    if not isinstance(data, Mapping):
        raise DataError(
            f"data is a mapping of names to data, such as {{'curve': (x, y, error)}}, not a "
            f"{type(data).__name__}."
        )
    return {str(name): given_dataset(str(name), given) for name, given in data.items()}


def given_dataset(name: str, given: Any) -> Dataset:
    """The dataset ``name`` from arrays of a function measured at known x.

    Args:
        given: a ``Dataset``; x, y and error; or a mapping or a pandas frame with these columns and
            others of numbers (d,), which are kinematics. x is (d,), or of several inputs (d, m);
            error is one number, (d,), or a covariance matrix (d, d); ``flavour`` may say which
            function was measured, by default f.

    Raises:
        DataError: it is none of these, or does not fit together.
    """
    source = f"data['{name}']"
    if isinstance(given, Dataset):
        return validated(replace(given, name=name), source)
    if isinstance(given, tuple | list) and len(given) == 3:
        given = dict(zip(("x", "y", "error"), given, strict=True))
    try:
        columns = {str(key): given[key] for key in given}
    except (TypeError, KeyError, IndexError):
        kind = type(given).__name__
        raise DataError(f"{source} is a {kind} that cannot be read. {FORMS}.") from None
    missing = [key for key in ("x", "y", "error") if key not in columns]
    if missing:
        raise DataError(f"{source} has no '{missing[0]}', only: {', '.join(columns)}. {FORMS}.")
    inputs = tuple(map(str, getattr(columns["x"], "columns", ())))  # of a frame
    flavour = columns.pop("flavour", "f")
    if not isinstance(flavour, str):  # a column of a frame
        flavours = sorted(set(map(str, flavour)))
        if len(flavours) != 1:
            raise DataError(
                f"{source}: 'flavour' names {len(flavours)} functions ({', '.join(flavours[:3])}); "
                "give those data of each function a name of their own."
            )
        (flavour,) = flavours
    x, y, error = (_numbers(source, key, columns.pop(key)) for key in ("x", "y", "error"))
    if y.ndim != 1 or not len(y) or x.ndim not in (1, 2) or len(x) != len(y):
        raise DataError(
            f"{source}: x has the shape {x.shape} and y {y.shape}; give y (d,) and x (d,), or "
            "(d, m) of several inputs."
        )
    if error.shape not in ((), y.shape, (len(y), len(y))):
        raise DataError(
            f"{source}: error has the shape {error.shape}; give one number, ({len(y)},), or the "
            f"covariance matrix ({len(y)}, {len(y)})."
        )
    if error.ndim == 2:
        stat, shifts = shifts_of_covariance(source, error)
    else:
        stat, shifts = np.broadcast_to(error, y.shape), np.zeros((len(y), 0))
    points = as_points(x)
    grid, table = measured_at(points)
    others = {key: np.asarray(column) for key, column in columns.items()}
    several = tuple(f"x{i + 1}" for i in range(points.shape[1]))
    names = inputs or (several if len(several) > 1 else ("x",))
    dataset = Dataset(
        name=name,
        central=y,
        stat=stat,
        sys_add=shifts,
        sys_add_names=("CORR",) * shifts.shape[1],
        sys_mult_percent=np.zeros((len(y), 0)),
        sys_mult_names=(),
        kinematics={
            **{k: v for k, v in others.items() if v.dtype.kind in "iuf" and v.shape == y.shape},
            **dict(zip(names, points.T, strict=True)),
            **({"x": points[:, 0]} if len(names) == 1 else {}),
        },
        x_grid=grid,
        flavours=(flavour,),
        tables=(table,),
        operation="NULL",
        inputs=names,
    )
    return validated(dataset, source)


def _numbers(source: str, key: str, given: Any) -> np.ndarray:
    array = real_numbers(given)
    if array is None or not np.isfinite(array).all():
        raise DataError(f"{source}: '{key}' must be finite numbers. Remove or mend the others.")
    return array


def read_given(settings: GivenSettings, folder: Path) -> Dataset:
    """The reader behind the dataset type ``given``: what ``write_given`` left.

    Raises:
        DataError: nobody gave it.
    """
    file = _file(folder, settings.name)
    if not file.exists():
        raise DataError(
            f"The runcard names the dataset '{settings.name}' of type given, which is neither in "
            f"data of replicafit.fit nor at '{file}'. Give it, or name another type."
        )
    return read_dataset(file)


def write_given(folder: Path, given: Mapping[str, Dataset]) -> None:
    """Writes ``given`` into the folder of a fit, so that its runcard can be read by itself.

    Raises:
        DataError: it cannot be written.
    """
    for name, dataset in given.items():
        file = _file(folder, name)
        try:
            file.parent.mkdir(exist_ok=True)
            write_dataset(file, dataset)
        except OSError as cause:
            raise DataError(
                f"data['{name}'] cannot be kept in '{file}' ({cause.strerror}). Free some space, "
                "or give a shorter name or another folder."
            ) from None


def _file(folder: Path, name: str) -> Path:
    return folder / "data" / f"{quote(name, safe='')}.npz"
