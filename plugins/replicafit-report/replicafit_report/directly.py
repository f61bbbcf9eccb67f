"""Data that measure a function itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicafit_report.record import Record
from replicafit_report.views import Functions

SAME = 0.02
"""A prediction is the function itself if they differ by no more of what the function varies by."""


@dataclass(frozen=True)
class Measured:
    """Data at x (d,) that measure one function, with their errors."""

    x: np.ndarray
    values: np.ndarray
    errors: np.ndarray


def measured(record: Record | None, functions: Functions) -> dict[str, Measured]:
    """The data of a fit that measure one of its ``functions`` directly, by name.

    Whole datasets whose predictions are, replica by replica, the function at their x.
    """
    predictions = None if record is None else record.predictions
    if predictions is None or "kinematics_x" not in predictions.data or functions.x.ndim > 1:
        return {}
    x, found = predictions.data["kinematics_x"], {}
    known = np.flatnonzero((x >= functions.x[0]) & (x <= functions.x[-1]))
    if not len(known) or len(predictions.prediction) != len(functions):
        return {}
    at_data = functions.on(np.unique(x[known]))
    where = np.searchsorted(at_data.x, x[known])
    for name in functions.names:
        own = at_data.of(name)[:, where]
        varies = float(np.ptp(functions.of(name).mean(axis=0))) or 1.0
        near = np.zeros(len(x), dtype=bool)
        near[known] = np.abs(predictions.prediction[:, known] - own).max(axis=0) < SAME * varies
        places = [p for p in predictions.places.values() if near[p].all()]
        if places:
            at = np.concatenate([np.arange(place.start, place.stop) for place in places])
            data = predictions.data
            found[name] = Measured(x[at], data["central"][at], data["uncertainty"][at])
    return found
