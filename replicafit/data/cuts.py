"""Which data are used: cuts on kinematics, and folds of datasets of which one is held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from replicafit.data.dataset import Dataset
from replicafit.errors import DataError, did_you_mean
from replicafit.runcard.expressions import condition, quantity


class NothingLeftError(DataError):
    """The cuts leave none of the data of a dataset."""


NOTHING: Mapping[str, str] = MappingProxyType({})


def passing(
    dataset: Dataset, cuts: Sequence[str], derived: Mapping[str, str] = NOTHING
) -> np.ndarray:
    """Which data pass all ``cuts``, (d,); ``derived`` are more kinematics, as ``data.derived``.

    Raises:
        NothingLeftError: they leave no datum.
        DataError: a cut names a variable that the dataset lacks.
    """
    columns = variables(dataset, derived)
    masks = []
    for cut in map(condition, cuts):
        unknown = sorted(cut.names - columns.keys())
        if unknown:
            raise DataError(
                f"The cut '{cut.text}' names '{unknown[0]}', which dataset {dataset.name} does not "
                f"have. It has: {', '.join(columns) or 'no kinematics'}. A cut for some datasets "
                "only belongs to their entries."
            )
        masks.append(cut(columns))
    kept = np.logical_and.reduce([np.ones(dataset.n_data, dtype=bool), *masks])
    if not kept.any():
        counts = [f"'{c}' alone keeps {int(m.sum())}" for c, m in zip(cuts, masks, strict=True)]
        raise NothingLeftError(
            f"The cuts leave none of the {dataset.n_data} data of dataset {dataset.name}: "
            f"{', '.join(counts)}. Relax them, or remove the dataset."
        )
    return np.asarray(kept)


def variables(dataset: Dataset, derived: Mapping[str, str] = NOTHING) -> dict[str, np.ndarray]:
    """What cuts on ``dataset`` may name, each (d,): its kinematics, and what derives from them."""
    columns = dict(dataset.kinematics)
    for name, text in derived.items():
        computed = quantity(text)
        if name not in columns and computed.names <= columns.keys():
            columns[name] = computed(columns)
    return columns


def select(dataset: Dataset, kept: np.ndarray) -> Dataset:
    """``dataset`` with the data ``kept`` (d,) alone."""
    if kept.all():
        return dataset
    return replace(
        dataset,
        central=dataset.central[kept],
        stat=dataset.stat[kept],
        sys_add=dataset.sys_add[kept],
        sys_mult_percent=dataset.sys_mult_percent[kept],
        kinematics={name: column[kept] for name, column in dataset.kinematics.items()},
        tables=tuple(table[kept] for table in dataset.tables),
        reference=None if dataset.reference is None else dataset.reference[kept],
    )


def by_fold(
    datasets: Sequence[Dataset], folds: Sequence[Sequence[str]], hold_out: int | None
) -> tuple[tuple[Dataset, ...], tuple[Dataset, ...]]:
    """The datasets to fit and those held out; datasets in no fold are always fitted.

    Args:
        folds: dataset names.
        hold_out: which fold is held out, from 1.

    Raises:
        DataError: a fold names a dataset that is not there, or nothing is left to fit.
    """
    names = [dataset.name for dataset in datasets]
    for name in (name for fold in folds for name in fold):
        if name not in names:
            raise DataError(
                f"data.folds names '{name}', which is no dataset of the fit."
                f"{did_you_mean(name, names)}"
            )
    out = set(folds[hold_out - 1]) if hold_out is not None else set()
    fitted = tuple(dataset for dataset in datasets if dataset.name not in out)
    if not fitted:
        raise DataError(f"Fold {hold_out} holds all datasets; nothing is left to fit.")
    return fitted, tuple(dataset for dataset in datasets if dataset.name in out)
