"""Where data are in x and Q2, in reports: those of hadron collisions too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
from replicafit_report import Figures, Section, SectionContext, coverage_figures, places_of

SQUARED = re.compile(r"(m|M|pT|pt|ET)(_\w+?)?2")
SCALE = re.compile(r"(m|M|pT|pt|ET)(_\w*[A-Za-z])?")
RAPIDITY = re.compile(r"(abs_)?(y|eta|ystar)(_\w+)?")
"""What columns of kinematics are called, as NNPDF does it."""
CAPTION = (
    "Each dot is a datum of deep-inelastic scattering; of a hadron collision two are drawn, at the "
    "momentum fractions of leading order, x = M exp(±y) / √s, and Q² = M². The numbers count data, "
    "by experiment."
)


def coverage(context: SectionContext) -> Section | None:
    """The data of the fit of a report in x and Q2, if it has data of hadron collisions."""
    fit = context.fit
    if context.compares or fit is None or fit.predictions is None:
        return None
    if "kinematics_sqrts" not in fit.predictions.data:
        return None  # the report's own picture says as much
    x, q2 = momentum_fractions(fit.predictions.data)
    groups = {}
    for experiment, at in places_of(fit).items():
        first, second = x[at], np.broadcast_to(q2[at, None], (len(at), 2))
        there = np.isfinite(first) & np.isfinite(second)
        if there.any():
            groups[experiment] = first[there], second[there], int(there.any(axis=1).sum())
    if not groups:
        return None
    missing = len(x) - sum(count for *_, count in groups.values())
    more = f" {missing:,} data do not say where they are, and are not here." * bool(missing)
    figures = coverage_figures(groups, ("x", "q2"), CAPTION + more)
    return Section("coverage", "Where the data are", [Figures(figures, layout="one")], "Coverage")


def momentum_fractions(data: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """x (d, 2) and Q2 in GeV2 (d,) of data; not a number where they are not known.

    Of data with x and Q2 these, with the second x missing; of the others the momentum fractions of
    two hadrons at leading order. Without a rapidity, as of a total cross section, it is 0.

    Args:
        data: the columns ``kinematics_*``, (d,); energies in GeV.
    """
    columns = {
        key.removeprefix("kinematics_"): values
        for key, values in data.items()
        if key.startswith("kinematics_")
    }
    nothing = np.full(len(data["central"]), np.nan)
    x, q2 = (columns.get(name, nothing) for name in ("x", "q2"))
    scale = _first([*_named(columns, SQUARED), *(c**2 for c in _named(columns, SCALE))], nothing)
    rapidity = _first(list(_named(columns, RAPIDITY)), nothing)
    middle = np.sqrt(scale) / columns.get("sqrts", nothing)
    pair = middle[:, None] * np.exp(np.nan_to_num(rapidity)[:, None] * np.array([1, -1]))
    pair = np.where((pair > 0) & (pair <= 1), pair, np.nan)
    inelastic = np.isfinite(x) & np.isfinite(q2)
    found = np.where(inelastic[:, None], np.stack([x, nothing], axis=1), pair)
    return found, np.where(inelastic, q2, scale)


def _named(columns: Mapping[str, np.ndarray], pattern: re.Pattern[str]) -> Iterator[np.ndarray]:
    return (values for name, values in columns.items() if pattern.fullmatch(name))


def _first(candidates: list[np.ndarray], nothing: np.ndarray) -> np.ndarray:
    """The first that is known, datum by datum, (d,)."""
    found = nothing
    for values in candidates:
        found = np.where(np.isfinite(found), found, values)
    return found
