"""``measured.npz``: what was measured, once for the whole fit."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import numpy as np

from replicafit.data import Dataset, FitData
from replicafit.data.dataset import UNCORRELATED
from replicafit.results.files import write_arrays


def write_data_file(path: Path, data: FitData) -> None:
    """Measured values, their errors and kinematics, each (d,); names, each of length s."""
    columns = dict.fromkeys(name for dataset in data.datasets for name in dataset.kinematics)
    arrays = {f"kinematics_{name}": _kinematics(data, name) for name in columns}
    write_arrays(
        path,
        np.savez_compressed,
        datasets=_strings([dataset.name for dataset in data.datasets]),
        experiments=_strings([experiment(dataset) for dataset in data.datasets]),
        n_data=np.array([dataset.n_data for dataset in data.datasets]),
        central=data.central,
        uncertainty=np.sqrt(np.diag(data.covariance)),
        uncorrelated=np.sqrt(uncorrelated_variance(data)),
        **arrays,
    )


def experiment(dataset: Dataset) -> str:
    """Who measured: as the dataset file says, else the first part of the dataset's name."""
    return str(dataset.metadata.get("experiment") or dataset.name.partition("_")[0])


def experiment_places(data: FitData) -> dict[str, np.ndarray]:
    """Where the data of each experiment stand among all data."""
    parts = zip(map(experiment, data.datasets), data.slices, strict=True)
    ordered = sorted(parts, key=lambda part: part[0])
    return {
        name: np.concatenate([np.arange(place.start, place.stop) for _, place in group])
        for name, group in groupby(ordered, key=lambda part: part[0])
    }


def uncorrelated_variance(data: FitData) -> np.ndarray:
    """Statistical and uncorrelated systematic variance, (d,)."""
    return np.concatenate([_uncorrelated(dataset) for dataset in data.datasets])


def _uncorrelated(dataset: Dataset) -> np.ndarray:
    sources = dataset.shifts[:, np.isin(np.array(dataset.shift_names, dtype=np.str_), UNCORRELATED)]
    variance: np.ndarray = dataset.stat**2 + (sources**2).sum(axis=1)
    return variance


def _kinematics(data: FitData, name: str) -> np.ndarray:
    unknown = (np.full(dataset.n_data, np.nan) for dataset in data.datasets)
    return np.concatenate(
        [d.kinematics.get(name, nan) for d, nan in zip(data.datasets, unknown, strict=True)]
    )


def _strings(names: list[str]) -> np.ndarray:
    return np.array(names, dtype=np.str_)
