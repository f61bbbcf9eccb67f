"""Pseudodata: measured values fluctuated within their uncertainties."""

from __future__ import annotations

from typing import Literal

import numpy as np

from replicafit.data.fit_data import FitData
from replicafit.errors import DataError

Fluctuation = bool | Literal["multiplicative"]
"""How pseudodata are drawn: not at all, from the covariance, multiplicative sources apart."""

ATTEMPTS = 1000
"""Draws until no cross section is negative."""


def fluctuated(data: FitData, generator: np.random.Generator, how: Fluctuation) -> np.ndarray:
    """Central values fluctuated once, (d,).

    All are drawn anew as long as a cross section is negative; asymmetries may be negative.

    Raises:
        DataError: a cross section is negative in draw after draw.
    """
    negative = np.zeros(data.n_data, dtype=int)
    for _ in range(ATTEMPTS):
        values = _apart(data, generator) if how == "multiplicative" else _at_once(data, generator)
        wrong = data.positive & (values < 0)
        if not wrong.any():
            return values
        negative += wrong
    raise DataError(_always_negative(data, int(negative.argmax())))


def _at_once(data: FitData, generator: np.random.Generator) -> np.ndarray:
    """From the covariance of all errors (arXiv:0808.1231, section 2.1)."""
    shift = data.sampling_cholesky @ generator.standard_normal(data.n_data)
    values: np.ndarray = data.central + shift
    return values


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


def _always_negative(data: FitData, worst: int) -> str:
    place, dataset = next(
        (s, d) for s, d in zip(data.slices, data.datasets, strict=True) if worst < s.stop
    )
    return (
        f"No pseudodata without negative cross sections in {ATTEMPTS} draws; the worst is datum "
        f"{worst - place.start} of {dataset.name} (counted from 0 after cuts), measured as "
        f"{data.central[worst]:.3g}. If these data may be negative, their metadata should say so: "
        "a process with ASY or POL in it, or none. Else cut the datum away."
    )
