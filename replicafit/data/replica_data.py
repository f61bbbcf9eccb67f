"""What each replica is fitted to: pseudodata, and the split into training and validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from replicafit.data.dataset import Dataset
from replicafit.data.fit_data import FitData
from replicafit.data.pseudodata import Fluctuation, fluctuated
from replicafit.seeds import Seeds

ALL_REPLICAS = 0
"""The replica number of what all replicas share; no replica has it."""


@dataclass(frozen=True)
class ReplicaData:
    """Pseudodata and split, with leading replica axis.

    Attributes:
        numbers: the replica number in each slot, length r.
        values: pseudodata, (r, d).
        training: true for data used in training, false for validation, (r, d); in the diagonal
            basis it counts the rows of ``FitData.whitening`` instead of data.
    """

    numbers: tuple[int, ...]
    values: np.ndarray
    training: np.ndarray


def replica_data(
    data: FitData,
    seeds: Seeds,
    numbers: Sequence[int],
    training_fraction: float,
    pseudodata: Fluctuation = True,
) -> ReplicaData:
    """The data of the replicas ``numbers``; each depends on its own number alone."""
    values = [_values(data, seeds, number, pseudodata) for number in numbers]
    training = [
        _training(data, seeds, ALL_REPLICAS if data.shared_split else k, training_fraction)
        for k in numbers
    ]
    return ReplicaData(tuple(numbers), np.stack(values), np.stack(training))


def _values(data: FitData, seeds: Seeds, number: int, pseudodata: Fluctuation) -> np.ndarray:
    if pseudodata is False:
        return data.central
    return fluctuated(data, seeds.generator(number, "pseudodata"), pseudodata)


def _training(data: FitData, seeds: Seeds, number: int, fraction: float) -> np.ndarray:
    """A random part of each dataset, or of all directions of the diagonal basis, (d,).

    Each dataset has a stream of its own, so that adding one leaves the others' split alone. Where
    few data leave a replica without any to train on, it trains on one of them.
    """
    if data.whitening is not None:
        mask = _part(len(data.whitening), seeds.generator(number, "split"), fraction)
    else:
        mask = _part_of_each(data.datasets, seeds, number, fraction)
    if not mask.any():
        mask[seeds.generator(number, "split/only").integers(len(mask))] = True
    return mask


def _part_of_each(
    datasets: Sequence[Dataset], seeds: Seeds, number: int, fraction: float
) -> np.ndarray:
    masks = [
        _part(dataset.n_data, seeds.generator(number, f"split/{dataset.name}"), fraction)
        for dataset in datasets
    ]
    return np.concatenate(masks)


def _part(count: int, generator: np.random.Generator, fraction: float) -> np.ndarray:
    """A random part of ``count``, as a mask.

    The remainder of ``fraction * count`` is rounded at random: a dataset with one datum trains in
    a share ``fraction`` of the replicas.
    """
    size = int(fraction * count + generator.random())
    part: np.ndarray = generator.permutation(count) < size
    return part
