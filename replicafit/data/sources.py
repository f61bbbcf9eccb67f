"""Sources of systematic uncertainty: what shifts which data together.

Uncorrelated sources shift each datum on its own; ``CORR`` and ``THEORYCORR`` shift the data of
their dataset together; a source of any other name shifts all data of all datasets that have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from replicafit.data.dataset import CORRELATED_WITHIN, UNCORRELATED, Dataset
from replicafit.errors import DataError

ANONYMOUS = UNCORRELATED + CORRELATED_WITHIN
"""Names that say how a source acts, not which it is."""


@dataclass(frozen=True)
class Sources:
    """All sources of some datasets; d counts all their data, s the correlated sources.

    Attributes:
        additive: absolute shifts, (d, s).
        percent: multiplicative shifts, (d, s). A source may have both, on different data.
        variance: of the statistical and additive uncorrelated errors, (d,).
        uncorrelated_percent: multiplicative uncorrelated errors, (d, m).
        names: what the correlated sources are called, length s.
    """

    additive: np.ndarray
    percent: np.ndarray
    variance: np.ndarray
    uncorrelated_percent: np.ndarray
    names: tuple[str, ...] = ()

    def shifts(self, reference: np.ndarray) -> np.ndarray:
        """What each source shifts, absolute, (d, s), multiplicative ones times ``reference`` (d,).

        With the measured values as reference, shifts and ``independent`` make the covariance of
        arXiv:0912.2276, eq. 2; with predictions of an earlier fit the t0 covariance of that paper.
        """
        return np.asarray(self.additive + self.percent * (reference[:, None] / 100))

    def independent(self, reference: np.ndarray) -> np.ndarray:
        """Variance of what shifts each datum alone, (d,); multiplicative errors as above."""
        scale = reference[:, None] / 100
        return np.asarray(self.variance + ((self.uncorrelated_percent * scale) ** 2).sum(axis=1))


def sources(datasets: Sequence[Dataset]) -> Sources:
    """The sources of all ``datasets`` together.

    Raises:
        DataError: a source is named twice in one dataset.
    """
    total = sum(dataset.n_data for dataset in datasets)
    found: dict[tuple[str, ...], np.ndarray] = {}  # additive and multiplicative, (2, d)
    variance, percent, start = [], [], 0
    for dataset in datasets:
        own = [name for name in dataset.shift_names if name not in ANONYMOUS]
        twice = [name for name in own if own.count(name) > 1]
        if twice:
            raise DataError(
                f"Dataset {dataset.name} has two systematics named '{twice[0]}'. Give each its "
                f"own name, or use one of {', '.join(ANONYMOUS)}."
            )
        place = slice(start, start + dataset.n_data)
        for key, values, relative in _correlated(dataset):
            found.setdefault(key, np.zeros((2, total)))[int(relative), place] = values
        variance.append(dataset.stat**2 + (_uncorrelated(dataset, False) ** 2).sum(axis=1))
        percent.append(_uncorrelated(dataset, True))
        start = place.stop
    columns = np.reshape(list(found.values()), (-1, 2, total))
    additive, multiplicative = np.ascontiguousarray(columns.transpose(1, 2, 0))
    width = max(each.shape[1] for each in percent)
    padded = [np.pad(each, ((0, 0), (0, width - each.shape[1]))) for each in percent]
    names = tuple(key[0] if len(key) == 1 else f"source {key[1]} of {key[0]}" for key in found)
    return Sources(
        additive, multiplicative, np.concatenate(variance), np.concatenate(padded), names
    )


def sharing(datasets: Sequence[Dataset]) -> dict[str, tuple[str, ...]]:
    """The datasets that have each named source, by its name."""
    found: dict[str, tuple[str, ...]] = {}
    for dataset in datasets:
        for name in dataset.shift_names:
            if name not in ANONYMOUS:
                found[name] = (*found.get(name, ()), dataset.name)
    return found


def lookalikes(owners: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Pairs of names of sources that no dataset has both of and that may be meant to be one.

    They differ in case, signs and one letter at most, added, left out, changed or exchanged with
    the next; not in digits.
    """
    plain = {name: "".join(c for c in name.casefold() if c.isalnum()) for name in owners}
    digits = {name: "".join(c for c in text if c.isdigit()) for name, text in plain.items()}
    by_shape: dict[str, set[str]] = {}
    for name, text in plain.items():
        for shape in {text, *(text[:i] + text[i + 1 :] for i in range(len(text)))}:
            by_shape.setdefault(shape, set()).add(name)
    pairs = {pair for names in by_shape.values() for pair in combinations(sorted(names), 2)}
    return sorted(
        (a, b) for a, b in pairs if digits[a] == digits[b] and not set(owners[a]) & set(owners[b])
    )


def _correlated(dataset: Dataset) -> Iterator[tuple[tuple[str, ...], np.ndarray, bool]]:
    """Key, values (d,) and whether they are per cent, of each correlated column."""
    additive = zip(dataset.sys_add_names, dataset.sys_add.T, strict=True)
    percent = zip(dataset.sys_mult_names, dataset.sys_mult_percent.T, strict=True)
    columns = [*((*each, False) for each in additive), *((*each, True) for each in percent)]
    for i, (name, values, relative) in enumerate(columns):
        if name in CORRELATED_WITHIN:
            yield (dataset.name, str(i)), values, relative
        elif name not in UNCORRELATED:
            yield (name,), values, relative


def _uncorrelated(dataset: Dataset, relative: bool) -> np.ndarray:
    """The uncorrelated columns, (d, m), multiplicative (``relative``) or additive."""
    names = dataset.sys_mult_names if relative else dataset.sys_add_names
    columns = dataset.sys_mult_percent if relative else dataset.sys_add
    return np.asarray(columns[:, np.isin(np.array(names, dtype=np.str_), UNCORRELATED)])
