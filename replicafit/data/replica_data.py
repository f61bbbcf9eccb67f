"""What each replica is fitted to: pseudodata, and the split into training and validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from replicafit.data.dataset import Dataset
from replicafit.data.fit_data import FitData
from replicafit.errors import DataError
from replicafit.seeds import Seeds


@dataclass(frozen=True)
class ReplicaData:
    """Pseudodata and split, with leading replica axis.

    Attributes:
        numbers: the replica number in each slot, length r.
        values: pseudodata, (r, d).
        training: true for data used in training, false for validation, (r, d).
    """

    numbers: tuple[int, ...]
    values: np.ndarray
    training: np.ndarray


def replica_data(
    data: FitData,
    seeds: Seeds,
    numbers: Sequence[int],
    training_fraction: float,
    pseudodata: bool = True,
) -> ReplicaData:
    """The data of the replicas ``numbers``; each depends on its own number alone."""
    values = [_pseudodata(data, seeds, k) if pseudodata else data.central for k in numbers]
    training = [_training(data.datasets, seeds, k, training_fraction) for k in numbers]
    for number, mask in zip(numbers, training, strict=True):
        if not mask.any():
            raise DataError(
                f"Replica {number} has no training data: a fraction {training_fraction} of "
                f"{data.n_data} data. Raise data.training_fraction or add data."
            )
    return ReplicaData(tuple(numbers), np.stack(values), np.stack(training))


def _pseudodata(data: FitData, seeds: Seeds, number: int) -> np.ndarray:
    """Central values fluctuated within their covariance, (d,) (arXiv:0808.1231, section 2.1)."""
    normal = seeds.generator(number, "pseudodata").standard_normal(data.n_data)
    fluctuated: np.ndarray = data.central + data.cholesky @ normal
    return fluctuated


def _training(
    datasets: Sequence[Dataset], seeds: Seeds, number: int, fraction: float
) -> np.ndarray:
    """A random part of each dataset, (d,).

    Each dataset has a stream of its own, so that adding one leaves the others' split alone. The
    remainder of ``fraction * n_data`` is rounded at random: a dataset with one datum trains in a
    share ``fraction`` of the replicas.
    """
    masks = []
    for dataset in datasets:
        generator = seeds.generator(number, f"split/{dataset.name}")
        n_training = int(fraction * dataset.n_data + generator.random())
        masks.append(generator.permutation(dataset.n_data) < n_training)
    return np.concatenate(masks)
