"""What each replica is fitted to: pseudodata, and the split into training and validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from replicafit.data.fit_data import FitData
from replicafit.errors import DataError
from replicafit.seeds import Seeds

Fluctuation = bool | Literal["multiplicative"]
"""How pseudodata are drawn: not at all, from the covariance, multiplicative sources apart."""

ATTEMPTS = 1000
"""Draws until no cross section is negative."""

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
    values = [
        data.central
        if pseudodata is False
        else fluctuated(data, seeds.generator(number, "pseudodata"), pseudodata)
        for number in numbers
    ]
    training = [
        _training(data, seeds, ALL_REPLICAS if data.shared_split else k, training_fraction)
        for k in numbers
    ]
    return ReplicaData(tuple(numbers), np.stack(values), np.stack(training))


def _training(data: FitData, seeds: Seeds, number: int, fraction: float) -> np.ndarray:
    """A random part of each dataset, or of all directions of the diagonal basis, (d,).

    Each dataset has a stream of its own, so that adding one leaves the others' split alone. Where
    few data leave a replica without any to train on, it trains on one of them.
    """
    if data.whitening is not None:
        mask = _part(len(data.whitening), seeds.generator(number, "split"), fraction)
    else:
        parts = [
            _part(dataset.n_data, seeds.generator(number, f"split/{dataset.name}"), fraction)
            for dataset in data.datasets
        ]
        mask = np.concatenate(parts)
    if not mask.any():
        mask[seeds.generator(number, "split/only").integers(len(mask))] = True
    return mask


def _part(count: int, generator: np.random.Generator, fraction: float) -> np.ndarray:
    """A random part of ``count``, as a mask.

    The remainder of ``fraction * count`` is rounded at random: a dataset with one datum trains in
    a share ``fraction`` of the replicas.
    """
    size = int(fraction * count + generator.random())
    part: np.ndarray = generator.permutation(count) < size
    return part


def fluctuated(data: FitData, generator: np.random.Generator, how: Fluctuation) -> np.ndarray:
    """Central values fluctuated once, (d,).

    All are drawn anew as long as a cross section is negative; asymmetries may be negative.

    Raises:
        DataError: a cross section is negative in draw after draw.
    """
    negative = np.zeros(data.n_data, dtype=int)
    for _ in range(ATTEMPTS):
        if how == "multiplicative":
            values = _apart(data, generator)
        else:  # from the covariance of all errors (arXiv:0808.1231, section 2.1)
            values = data.central + data.sampling_cholesky @ generator.standard_normal(data.n_data)
        wrong = data.positive & (values < 0)
        if not wrong.any():
            return values
        negative += wrong
    worst = int(negative.argmax())
    place, dataset = next(
        (s, d) for s, d in zip(data.slices, data.datasets, strict=True) if worst < s.stop
    )
    raise DataError(
        f"No pseudodata without negative cross sections in {ATTEMPTS} draws; the worst is datum "
        f"{worst - place.start} of {dataset.name} (counted from 0 after cuts), measured as "
        f"{data.central[worst]:.3g}. If these data may be negative, their metadata should say so: "
        "a process with ASY or POL in it, or none. Else cut the datum away."
    )


def _apart(data: FitData, generator: np.random.Generator) -> np.ndarray:
    """Additive errors added, then one factor 1 + sigma r for each multiplicative source.

    As in arXiv:0808.1231, section 2.1. A source that adds to some data and multiplies others has
    one number r.
    """
    sources = data.sources
    own = generator.standard_normal(data.n_data)
    numbers = generator.standard_normal(sources.additive.shape[1])
    factors = (1 + sources.percent / 100 * numbers).prod(axis=1)
    uncorrelated = generator.standard_normal(sources.uncorrelated_percent.shape)
    factors *= (1 + sources.uncorrelated_percent / 100 * uncorrelated).prod(axis=1)
    added = np.sqrt(sources.variance) * own + sources.additive @ numbers
    if data.sampled_extra is not None:
        added += data.extra_root @ generator.standard_normal(data.n_data)
    values: np.ndarray = (data.central + added) * factors
    return values
