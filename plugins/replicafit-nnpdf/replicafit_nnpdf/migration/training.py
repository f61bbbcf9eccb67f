"""Optimizer, stopping and penalties."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from replicafit_nnpdf.migration.data import Theory, all_shipped
from replicafit_nnpdf.migration.model import parameters
from replicafit_nnpdf.migration.source import (
    COUNT,
    POSITIVE,
    SETTING,
    SHARE,
    TEXT,
    Section,
)
from replicafit_nnpdf.migration.writing import Noted

PUSH_EACH = 100
"""Epochs between two growths of n3fit's multipliers."""

STEPS = 20_000
"""Ours by default, where a card has no epochs."""


def training_section(source: Section, optimizers: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """``training`` of our runcard.

    Args:
        optimizers: the settings of each of ours.
    """
    given = parameters(source)
    steps = given.take("epochs", COUNT)
    found = {} if steps is None else {"max_steps": Noted(steps, "epochs")}
    if steps is None:
        given.changed("epochs", f"not in the card; the default, {STEPS} steps")
    share = given.take("stopping_patience", SHARE)
    if share is not None:
        patience = max(1, round(share * (steps or STEPS)))
        found["patience"] = Noted(patience, f"stopping_patience {share} of max_steps")
    threshold = given.take("threshold_chi2", POSITIVE)
    if threshold is not None:
        found["restart_above"] = Noted(float(threshold), "threshold_chi2: one above begins anew")
    optimizer = _optimizer(given, optimizers)
    return ({"optimizer": optimizer} if optimizer else {}) | found


def _optimizer(given: Section, optimizers: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    section = given.section("optimizer")
    name = section.take("optimizer_name", TEXT, "").lower()
    if name not in optimizers:
        shown = f"'{name}' is none of {', '.join(optimizers)}" if name else "not in the card"
        section.changed("optimizer_name", f"{shown}; the default, nadam, with its settings")
        return {}
    known = {"learning_rate", "clipnorm", *optimizers[name]}
    taken = {key: section.take(key, SETTING) for key in sorted(known) if key in section}
    return {"type": name, **{key: value for key, value in taken.items() if value is not None}}


def penalties_section(source: Section, theory: Theory) -> list[Any]:
    """``penalties`` of our runcard: positivity, one for each maximum, and integrability."""
    found = [*_positivity(source, theory), *_integrability(source, theory)]
    for kind in ("positivity", "integrability"):
        for key in ("initial", "multiplier", "threshold"):
            parameters(source).section(kind).leave(key, f"no penalty {kind} is left")
    return found


def _positivity(source: Section, theory: Theory) -> list[Any]:
    growth = parameters(source).section("positivity")
    section = source.section("positivity")
    names = _by_maximum(section, "posdatasets", theory)
    if names and all_shipped(source, theory):
        words = "files of observables are made from NNPDF's tables: give --theory-folder"
        section.drop("posdatasets", words)
        return []
    threshold, found = growth.take("threshold", POSITIVE) if names else None, []
    for maximum, chosen in names.items():
        paths = [f"positivity/{name}.npz" for name in chosen]
        penalty = {"type": "positivity", "path": paths} | _growing(source, growth, maximum)
        found.append(penalty | ({"threshold": float(threshold)} if threshold is not None else {}))
    if found:
        every = " ".join(name for chosen in names.values() for name in chosen)
        section.changed(
            "posdatasets",
            f"path names files of observables; make them: replicafit nnpdf-file {every} "
            f"--tables {theory.tables} --output positivity",
        )
    return found


def _integrability(source: Section, theory: Theory) -> list[Any]:
    growth = parameters(source).section("integrability")
    section = source.section("integrability")
    growth.leave("threshold", "a replica passes below bound, which is 0.5 per flavour")
    found = []
    for maximum, names in _by_maximum(section, "integdatasets", theory).items():
        flavours = [flavour for name in names if (flavour := _flavour(name))]
        strange = [name for name in names if not _flavour(name)]
        if strange:
            words = f"{', '.join(strange)}: no function of the evolution basis in the name"
            section.drop("integdatasets", words)
        if flavours:
            penalty = {"type": "integrability", "flavours": flavours}
            found.append(penalty | _growing(source, growth, maximum))
    return found


def _flavour(name: str) -> str | None:
    """t3 of NNPDF_INTEG_3GEV_XT3; of polarised functions, gluon and singlet vanish too."""
    polarised = {"GL": "g", "SIGMA": "sigma"}
    match = re.search(r"X(?:([TV]\d*)(?:-POLARIZED)?|(GL|SIGMA)-POLARIZED)$", name)
    if match is None:
        return None
    return match[1].lower() if match[1] else polarised[match[2]]


def _by_maximum(section: Section, key: str, theory: Theory) -> dict[float, list[str]]:
    """Names of the observables with each greatest multiplier."""
    found: dict[float, list[str]] = {}
    for entry in section.items(key):
        given = entry.take("dataset", TEXT)
        maximum = entry.take("maxlambda", POSITIVE, entry.take("poslambda", POSITIVE, 1e6))
        entry.leave("variant", "the file of the observable is of one variant")
        if not given:
            entry.drop("dataset", "an entry without a name")
            continue
        name = theory.today(given)
        reason = theory.without.get(name)
        if key == "posdatasets" and name.endswith("-POLARIZED"):
            reason = "positivity of polarised functions is bounded by unpolarised ones; no penalty"
        if reason is not None:
            entry.drop("dataset", f"{given}: {reason}")
        else:
            found.setdefault(float(maximum), []).append(name)
    return found


def _growing(source: Section, growth: Section, maximum: float) -> dict[str, Any]:
    """First and last multiplier: n3fit multiplies every 100 epochs, ours grows in every step."""
    first, factor = growth.take("initial", POSITIVE), growth.take("multiplier", POSITIVE)
    pushes = parameters(source).take("epochs", COUNT, STEPS) // PUSH_EACH
    if factor is not None and first is None:
        first = _grown(maximum, factor, -pushes)
    elif factor is not None:
        maximum = _grown(first, factor, pushes)
    first = 1.0 if first is None else float(first)
    if first > maximum:
        growth.changed("initial", f"above the maximum {maximum:g}; the multiplier does not grow")
        first = maximum
    return {"initial": first, "maximum": maximum}


def _grown(value: float, factor: float, pushes: int) -> float:
    """value factor^pushes, as near as a float comes to it."""
    logarithm = pushes * math.log(factor)
    if abs(math.log(value) + logarithm) < 600 > abs(logarithm):
        return value * factor**pushes
    return math.exp(math.copysign(600, logarithm))
