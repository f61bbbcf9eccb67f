"""Numbers over replicas: robust limits, correlations, distances between fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FEWEST_FOR_A_BAND = 3
"""Replicas: of two, nobody knows where 68 % lie."""


class Spread(NamedTuple):
    """Over replicas: mean, median and the ends of the central 68 %; nan where there are too few."""

    mean: float
    median: float
    low: float
    high: float


def spread(values: np.ndarray) -> Spread:
    """Of ``values`` (r,), leaving out what is not finite."""
    kept = np.asarray(values, dtype=np.float64)
    kept = kept[np.isfinite(kept)]
    if not len(kept):
        return Spread(*[np.nan] * 4)
    low, median, high = np.percentile(kept, [16, 50, 84])
    if len(kept) < FEWEST_FOR_A_BAND:
        low = high = np.nan
    return Spread(float(kept.mean()), float(median), float(low), float(high))


def short(value: float) -> str:
    """Three decimals, or two digits where these would say little; nothing if it is unknown."""
    if not np.isfinite(value):
        return ""
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.1e}"


def limits(
    curves: np.ndarray, percentile: float = 2.0, margin: float = 0.08
) -> tuple[float, float]:
    """A range that shows all but the most extreme of ``curves`` (r, n), and zero if it is near."""
    finite = np.where(np.isfinite(curves), curves, np.nan)
    low = float(np.nanmin(np.nanpercentile(finite, percentile, axis=0)))
    high = float(np.nanmax(np.nanpercentile(finite, 100 - percentile, axis=0)))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    if 0 < low < 0.35 * high:
        low = 0.0
    room = margin * (high - low)
    return (low - room if low else 0.0), high + room


def correlations(values: np.ndarray) -> np.ndarray:
    """Correlation coefficients over replicas, (f, f), of values (r, f)."""
    centred = values - values.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    scaled = np.divide(centred, size, out=np.zeros_like(centred), where=size > 0)
    return np.asarray(scaled.T @ scaled)


def in_sigmas(difference: np.ndarray, each: Sequence[np.ndarray]) -> np.ndarray:
    """``difference`` (...) in standard deviations of replicas (r, ...), added in quadrature."""
    return _ratio(np.abs(difference), np.sqrt(sum(v.var(axis=0, ddof=1) for v in each)))


def mean_distance(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Distance of the means of two sets of replicas (r, ...) and (s, ...).

    The difference in units of its standard deviation for so many replicas; about 1 if both come
    from one distribution (used so in arXiv:1410.8849; defined in arXiv:1002.4407).
    """
    error = ours.var(axis=0, ddof=1) / len(ours) + theirs.var(axis=0, ddof=1) / len(theirs)
    return _ratio(np.abs(ours.mean(axis=0) - theirs.mean(axis=0)), np.sqrt(error))


def variance_distance(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """The same for their variances, whose own variance follows from the fourth moment."""
    difference = np.abs(ours.var(axis=0, ddof=1) - theirs.var(axis=0, ddof=1))
    return _ratio(difference, np.sqrt(_variance_of_variance(ours) + _variance_of_variance(theirs)))


def _variance_of_variance(values: np.ndarray) -> np.ndarray:
    n = len(values)
    fourth = ((values - values.mean(axis=0)) ** 4).mean(axis=0)
    found = (fourth - (n - 3) / (n - 1) * values.var(axis=0, ddof=1) ** 2) / n
    return np.asarray(np.maximum(found, 0))


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, and 0 where both vanish (x = 1, functions that are not fitted)."""
    tiny = 1e-12 * max(float(np.max(bottom, initial=0)), 1e-300)
    return np.asarray(np.divide(top, bottom, out=np.zeros_like(top), where=bottom > tiny))
