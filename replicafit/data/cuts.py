"""Cuts: which data of a dataset are used, by their kinematics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from replicafit.data.dataset import Dataset
from replicafit.errors import DataError
from replicafit.runcard.expressions import Condition, condition

PROTON_MASS = 0.93827208
"""GeV (Particle Data Group 2022)."""


class NothingLeft(DataError):
    """The cuts leave none of the data of a dataset."""


def passing(dataset: Dataset, cuts: Sequence[str]) -> np.ndarray:
    """Which data pass all ``cuts``, (d,).

    Raises:
        NothingLeft: they leave no datum.
        DataError: a cut names a variable that the dataset lacks.
    """
    columns = variables(dataset)
    masks = [_mask(dataset, columns, condition(text)) for text in cuts]
    kept = np.logical_and.reduce([np.ones(dataset.n_data, dtype=bool), *masks])
    if not kept.any():
        counts = [f"'{c}' alone keeps {int(m.sum())}" for c, m in zip(cuts, masks, strict=True)]
        raise NothingLeft(
            f"The cuts leave none of the {dataset.n_data} data of dataset {dataset.name}: "
            f"{', '.join(counts)}. Relax them, or remove the dataset."
        )
    return np.asarray(kept)


def variables(dataset: Dataset) -> dict[str, np.ndarray]:
    """What cuts on ``dataset`` may name, each (d,).

    Its kinematics, and W^2 = Q^2 (1 - x) / x + m_p^2 as ``w2`` in GeV^2, the squared mass of the
    hadronic final state in deep-inelastic scattering.
    """
    columns = dict(dataset.kinematics)
    if {"x", "q2"} <= columns.keys():
        x, q2 = columns["x"], columns["q2"]
        with np.errstate(divide="ignore", invalid="ignore"):
            columns["w2"] = q2 * (1 - x) / x + PROTON_MASS**2
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


def _mask(dataset: Dataset, columns: Mapping[str, np.ndarray], cut: Condition) -> np.ndarray:
    unknown = sorted(cut.names - columns.keys())
    if unknown:
        raise DataError(
            f"The cut '{cut.text}' names '{unknown[0]}', which dataset {dataset.name} does not "
            f"have. It has: {', '.join(columns) or 'no kinematics'}. A cut for some datasets only "
            "belongs to their entries."
        )
    return cut(columns)
