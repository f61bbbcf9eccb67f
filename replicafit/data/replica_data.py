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
"""Draws until no cross section is negative, at most."""

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
        undrawn: those of ``numbers`` for which no pseudodata were found; they have measured values.
    """

    numbers: tuple[int, ...]
    values: np.ndarray
    training: np.ndarray
    undrawn: tuple[int, ...] = ()


def replica_data(
    data: FitData,
    seeds: Seeds,
    numbers: Sequence[int],
    training_fraction: float,
    pseudodata: Fluctuation = True,
    redraw: bool = False,
) -> ReplicaData:
    """The data of the replicas ``numbers``; each depends on its own number alone."""
    values, undrawn = [], []
    for number in numbers:
        try:
            own = seeds.generator(number, "pseudodata")
            drawn = fluctuated(data, own, pseudodata, redraw) if pseudodata else data.central
        except NoPseudodataError:
            drawn = data.central
            undrawn.append(number)
        values.append(drawn)
    training = [
        _training(data, seeds, ALL_REPLICAS if data.shared_split else k, training_fraction)
        for k in numbers
    ]
    return ReplicaData(tuple(numbers), np.stack(values), np.stack(training), tuple(undrawn))


def _training(data: FitData, seeds: Seeds, number: int, fraction: float) -> np.ndarray:
    """A random part of each dataset, or of all directions of the diagonal basis, (d,).

    Each dataset has a stream of its own, so that adding one leaves the others' split alone. The
    remainder of ``fraction`` times its data is rounded at random: one with a single datum trains in
    a share ``fraction`` of the replicas. Where few data leave a replica without any to train on, it
    trains on one of them.
    """
    counts = {f"split/{dataset.name}": dataset.n_data for dataset in data.datasets}
    if data.whitening is not None:
        counts = {"split": len(data.whitening)}
    parts = []
    for stream, count in counts.items():
        own = seeds.generator(number, stream)
        size = int(fraction * count + own.random())
        parts.append(own.permutation(count) < size)
    mask = np.concatenate(parts)
    if not mask.any():
        mask[seeds.generator(number, "split/only").integers(len(mask))] = True
    return mask


class NoPseudodataError(DataError):
    """Cross sections are negative in draw after draw."""


def fluctuated(
    data: FitData, generator: np.random.Generator, how: Fluctuation, redraw: bool = False
) -> np.ndarray:
    """Central values fluctuated once, (d,).

    With ``redraw``, data that are correlated with a negative cross section are drawn anew until
    none is negative, and the others stay: as they are independent, this is the distribution of all
    data on condition that no cross section is negative. Asymmetries may be negative.

    Raises:
        NoPseudodataError: a cross section is negative in draw after draw.
    """
    values, negative = _drawn(data, generator, how), np.zeros(data.n_data, dtype=int)
    for _ in range(ATTEMPTS):
        wrong = data.positive & (values < 0)
        if not (redraw and wrong.any()):
            return values
        negative += wrong
        again = np.isin(data.blocks, data.blocks[wrong])
        values = np.where(again, _drawn(data, generator, how), values)
    worst = int(negative.argmax())
    place, dataset = next(
        (s, d) for s, d in zip(data.slices, data.datasets, strict=True) if worst < s.stop
    )
    raise NoPseudodataError(
        f"No pseudodata without negative cross sections in {ATTEMPTS} draws; the worst is datum "
        f"{worst - place.start} of {dataset.name} (counted from 0 after cuts), measured as "
        f"{data.central[worst]:.3g}. If these data may be negative, their metadata should say so: "
        "a process with ASY or POL in it, or none. Else cut the datum away, or leave "
        "data.redraw_negative away."
    )


@dataclass(frozen=True)
class Acceptance:
    """How often pseudodata come out without a negative cross section.

    Attributes:
        draws: how many were made.
        whole: share of them without any negative cross section.
        worst: the same of those data alone that fluctuate together and fare worst.
        datasets: the names of the datasets that these are of.
    """

    draws: int
    whole: float
    worst: float
    datasets: tuple[str, ...]

    @property
    def without(self) -> float:
        """The odds that a replica finds none in ``ATTEMPTS`` draws, at least if no draw passed."""
        return (1 - max(self.worst, 1 / self.draws)) ** ATTEMPTS


def acceptance(data: FitData, seeds: Seeds, how: Fluctuation, draws: int = 200) -> Acceptance:
    """Measures it, with random numbers that no replica has."""
    generator = seeds.generator(ALL_REPLICAS, "acceptance")
    _, blocks = np.unique(data.blocks, return_inverse=True)
    failures, whole = np.zeros(blocks.max() + 1), 0
    for _ in range(draws):
        wrong = data.positive & (_drawn(data, generator, how) < 0)
        failures[np.unique(blocks[wrong])] += 1
        whole += not wrong.any()
    worst = int(failures.argmax())
    own = blocks == worst
    names = [d.name for d, s in zip(data.datasets, data.slices, strict=True) if own[s].any()]
    return Acceptance(draws, whole / draws, 1 - failures[worst] / draws, tuple(names))


def _drawn(data: FitData, generator: np.random.Generator, how: Fluctuation) -> np.ndarray:
    """All data once, whatever their sign, (d,), as in arXiv:0808.1231, section 2.1.

    With ``multiplicative`` sources apart, additive errors are added, and each multiplicative source
    gives one factor 1 + sigma r; one that adds to some data and multiplies others has one number r.
    """
    if how != "multiplicative":
        normal = generator.standard_normal(data.n_data)
        return np.asarray(data.central + data.sampling_cholesky @ normal)
    sources = data.sources
    own = generator.standard_normal(data.n_data)
    numbers = generator.standard_normal(sources.additive.shape[1])
    factors = (1 + sources.percent / 100 * numbers).prod(axis=1)
    uncorrelated = generator.standard_normal(sources.uncorrelated_percent.shape)
    factors *= (1 + sources.uncorrelated_percent / 100 * uncorrelated).prod(axis=1)
    added = np.sqrt(sources.variance) * own + sources.additive @ numbers
    if data.sampled_extra is not None:
        added += data.extra_root @ generator.standard_normal(data.n_data)
    return np.asarray((data.central + added) * factors)
