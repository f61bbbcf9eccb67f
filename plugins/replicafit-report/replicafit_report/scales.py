"""The functions at q0, and at the other scales that a report shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicafit.components import DGLAP, Evolution
from replicafit.errors import ReplicafitError
from replicafit_report.flavours import as_partons
from replicafit_report.functions import function_section
from replicafit_report.section import Section
from replicafit_report.sources import SAME, FitSource, Source

USUAL = 100.0
"""GeV: where everybody looks at parton distributions."""


def function_sections(
    ours: FitSource, theirs: Source | None, scales: Sequence[float]
) -> list[Section]:
    """One section for q0 and for each other scale.

    Args:
        theirs: the reference.
        scales: in GeV; where none is given, 100 GeV if that can be had.

    Raises:
        ReplicafitError: functions are not known at a scale that is asked for.
    """
    at_q0 = None if theirs is None else theirs.at(ours.q0)
    others, note = [], ""
    if scales:
        others = [_section(ours, theirs, q) for q in _apart(scales, ours.q0)]
    elif _of_all_partons(ours):
        try:
            others = [_section(ours, theirs, USUAL)]
        except ReplicafitError as cause:
            note = f"Not shown at {USUAL:g} GeV: {cause}"
        if DGLAP not in ours.registry.names(Evolution):
            note = f"Shown at this scale only. {ours.registry.absence(Evolution, DGLAP)}"
    return [function_section(ours.fitted, at_q0, note), *others]


def _section(ours: FitSource, theirs: Source | None, q: float) -> Section:
    return function_section(ours.at(q), None if theirs is None else theirs.at(q))


def _of_all_partons(ours: FitSource) -> bool:
    fitted = ours.fitted
    return as_partons(fitted.x, fitted.flavours, fitted.values) is not None


def _apart(scales: Sequence[float], q0: float) -> list[float]:
    """``scales`` rising, without q0 and repetitions."""
    return [q for q in sorted(set(scales)) if not np.isclose(q, q0, rtol=SAME, atol=0)]
