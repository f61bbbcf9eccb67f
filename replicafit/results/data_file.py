"""``measured.npz``: what was measured, once for the whole fit."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import numpy as np

from replicafit.data import Dataset, FitData
from replicafit.data.dataset import UNCORRELATED
from replicafit.results.files import write_arrays


def write_data_file(path: Path, data: FitData) -> None:
    """Measured values, their errors and kinematics, each (d,); what correlated sources shift,
    (d, s); names.
    """
    unknown = [np.full(dataset.n_data, np.nan) for dataset in data.datasets]
    uncorrelated = [_uncorrelated_variance(dataset) for dataset in data.datasets]
    kinematics = {
        name: [d.kinematics.get(name, n) for d, n in zip(data.datasets, unknown, strict=True)]
        for name in dict.fromkeys(name for d in data.datasets for name in d.kinematics)
    }
    write_arrays(
        path,
        np.savez_compressed,
        datasets=np.array([dataset.name for dataset in data.datasets], dtype=np.str_),
        experiments=np.array([experiment(dataset) for dataset in data.datasets], dtype=np.str_),
        n_data=np.array([dataset.n_data for dataset in data.datasets]),
        central=data.central,
        uncertainty=np.sqrt(np.diag(data.covariance)),
        uncorrelated=np.sqrt(np.concatenate(uncorrelated)),
        sources=np.array(data.sources.names, dtype=np.str_),
        shifts=data.sources.shifts(np.concatenate([d.multiplied for d in data.datasets])),
        **{f"kinematics_{name}": np.concatenate(parts) for name, parts in kinematics.items()},
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


def _uncorrelated_variance(dataset: Dataset) -> np.ndarray:
    """Statistical and uncorrelated systematic variance, (d,)."""
    sources = dataset.shifts[:, np.isin(np.array(dataset.shift_names, dtype=np.str_), UNCORRELATED)]
    return dataset.stat**2 + (sources**2).sum(axis=1)
