"""Observables that should be positive: read and contracted on the host; no Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from replicafit.plugin import (
    DataError,
    Dataset,
    ModelError,
    PenaltyContext,
    ProductTable,
    is_folder,
    join_grids,
    on_grid,
    read_observable,
)
from replicafit_pdf.evolution_basis import rotation
from replicafit_pdf.penalties.settings import PositivitySettings


def read_observables(
    paths: Sequence[Path], folder: Path, package: str | None = None
) -> tuple[Dataset, ...]:
    """The observables in ``paths`` (files, or folders of .npz files) and those of ``package``.

    Those of one hadron come before those of two.

    Args:
        folder: where relative paths begin.
        package: a distribution that ships some.

    Raises:
        DataError: nothing is there, or a file is no observable, or is given twice.
    """
    folders = [folder / path for path in paths] + ([_shipped(package)] if package else [])
    files = [file for path in folders for file in _files(path)]
    observables = tuple(read_observable(file) for file in files)
    for observable, file in zip(observables, files, strict=True):
        _check_operation(observable, file)
    _check_names(observables)
    return tuple(sorted(observables, key=_has_products))


def requested_grid(settings: PositivitySettings, context: PenaltyContext) -> np.ndarray:
    """All grid points of all observables, ascending, (m,).

    Raises:
        DataError: an observable cannot be used, or acts at another scale.
        ModelError: it needs a flavour that those of the fit do not determine.
    """
    observables = read_observables(settings.path, context.folder, settings.package)
    for observable in observables:
        _check_attributes(observable, context.attributes)
        _turn(observable, context.flavours)
    return join_grids([observable.x_grid for observable in observables])


@dataclass(frozen=True)
class Contraction:
    """Predictions of all observables, in their order, from the fitted functions.

    Attributes:
        linear: of observables of one hadron: (p, d), p = n f elements of the functions, f fastest.
        pairs: tables of the observables of two hadrons, which act on products of the functions.
    """

    linear: np.ndarray
    pairs: tuple[ProductTable, ...]


def contracted(
    observables: Sequence[Dataset], x_grid: np.ndarray, flavours: Sequence[str]
) -> Contraction:
    """The tables of ``observables`` for functions ``flavours`` on ``x_grid``."""
    linear, pairs = [np.zeros((0, len(x_grid) * len(flavours)))], []
    for observable in observables:
        (table,) = on_grid(observable, x_grid, observable.flavours)
        turn = _turn(observable, flavours)
        if isinstance(table, ProductTable):
            pairs.append(table.turned(turn).folded())
        else:
            linear.append((table @ turn.T).reshape(observable.n_data, -1))
    return Contraction(np.concatenate(linear).T, tuple(pairs))


def membership(observables: Sequence[Dataset]) -> np.ndarray:
    """1 where a prediction belongs to an observable, (d, observables)."""
    sizes = [observable.n_data for observable in observables]
    return np.repeat(np.eye(len(sizes)), sizes, axis=0)


def _has_products(observable: Dataset) -> bool:
    return isinstance(observable.tables[0], ProductTable)


def _shipped(package: str) -> Path:
    """The folder positivity of an installed package, which is not imported."""
    found = find_spec(package) if package.isidentifier() else None
    for place in (found and found.submodule_search_locations) or ():
        if is_folder(Path(place) / "positivity"):
            return Path(place) / "positivity"
    raise DataError(
        f"There is no installed package '{package}' that ships positivity observables. Install it, "
        "or give path: files of observables, or folders of them."
    )


def _files(path: Path) -> list[Path]:
    if not is_folder(path):
        return [path]
    files = sorted(path.glob("*.npz"))
    if not files:
        raise DataError(
            f"The folder '{path}' holds no .npz file. Give a folder of positivity observables, or "
            "a file."
        )
    return files


def _turn(observable: Dataset, flavours: Sequence[str]) -> np.ndarray:
    try:
        return rotation(flavours, observable.flavours)
    except ModelError as cause:
        raise ModelError(f"Positivity observable {observable.name}: {cause}") from None


def _check_operation(observable: Dataset, file: Path) -> None:
    if observable.operation != "NULL" or len(observable.tables) != 1:
        raise DataError(
            f"'{file}' has {len(observable.tables)} tables and the operation "
            f"{observable.operation}. Positivity observables have one table and the operation NULL."
        )


def _check_attributes(observable: Dataset, attributes: Mapping[str, float]) -> None:
    for name, own in observable.attributes.items():
        data = attributes.get(name, own)
        if not np.isclose(own, data, rtol=1e-6, atol=0):
            raise DataError(
                f"The positivity observable {observable.name} acts at {name} = {own}, the data of "
                f"the fit at {data}. Use tables made for the same."
            )


def _check_names(observables: Sequence[Dataset]) -> None:
    names = [observable.name for observable in observables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"The positivity observable {twice[0]} is given twice. Remove one of them.")
