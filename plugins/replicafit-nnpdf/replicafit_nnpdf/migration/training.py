"""Optimizer, stopping and penalties."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from replicafit_nnpdf.migration.model import parameters
from replicafit_nnpdf.migration.source import Section
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
    steps = given.take("epochs")
    found = {} if steps is None else {"max_steps": Noted(int(steps), "epochs")}
    if steps is None:
        given.changed("epochs", f"not in the card; the default, {STEPS} steps")
    share = given.take("stopping_patience")
    if share is not None:
        patience = max(1, round(float(share) * int(steps or STEPS)))
        found["patience"] = Noted(patience, f"stopping_patience {share} of max_steps")
    given.leave(
        "threshold_chi2", "replicas with a bad chi2 are left out by the selection after the fit"
    )
    optimizer = _optimizer(given, optimizers)
    return ({"optimizer": optimizer} if optimizer else {}) | found


def _optimizer(given: Section, optimizers: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    section = given.section("optimizer")
    name = str(section.take("optimizer_name", "")).lower()
    if name not in optimizers:
        shown = f"'{name}' is none of {', '.join(optimizers)}" if name else "not in the card"
        section.changed("optimizer_name", f"{shown}; the default, nadam, with its settings")
        return {}
    known = {"learning_rate", "clipnorm", *optimizers[name]}
    taken = {key: section.take(key) for key in sorted(known) if key in section}
    return {"type": name, **{key: value for key, value in taken.items() if value is not None}}


def penalties_section(source: Section) -> list[Any]:
    """``penalties`` of our runcard: positivity, one for each maximum, and integrability."""
    return [*_positivity(source), *_integrability(source)]


def _positivity(source: Section) -> list[Any]:
    growth = parameters(source).section("positivity")
    sets = source.section("positivity").items("posdatasets")
    threshold = growth.take("threshold")
    found = []
    for maximum, names in _by_maximum(sets).items():
        paths = [f"positivity/{name}.npz" for name in names]
        penalty = {"type": "positivity", "path": paths} | _growing(source, growth, maximum)
        found.append(penalty | ({"threshold": float(threshold)} if threshold is not None else {}))
    if found:
        source.section("positivity").changed(
            "posdatasets", "files of observables, which python -m replicafit_nnpdf makes, in path"
        )
    return found


def _integrability(source: Section) -> list[Any]:
    growth = parameters(source).section("integrability")
    sets = source.section("integrability").items("integdatasets")
    growth.leave("threshold", "a replica passes below bound, which is 0.5 per flavour")
    found = []
    for maximum, names in _by_maximum(sets).items():
        flavours = [flavour for name in names if (flavour := _flavour(name))]
        strange = [name for name in names if not _flavour(name)]
        if strange:
            words = f"{', '.join(strange)}: no function of the evolution basis in the name"
            source.section("integrability").drop("integdatasets", words)
        if flavours:
            penalty = {"type": "integrability", "flavours": flavours}
            found.append(penalty | _growing(source, growth, maximum))
    return found


def _flavour(name: str) -> str | None:
    """t3 of NNPDF_INTEG_3GEV_XT3 or INTEGXT3."""
    match = re.search(r"X([TV]\d*)$", name)
    return match[1].lower() if match else None


def _by_maximum(sets: Sequence[Section]) -> dict[float, list[str]]:
    """Names of the observables with each greatest multiplier."""
    found: dict[float, list[str]] = {}
    for entry in sets:
        maximum = float(entry.take("maxlambda", entry.take("poslambda", 1e6)))
        found.setdefault(maximum, []).append(str(entry.take("dataset")))
        entry.leave("variant", "the file of the observable is of one variant")
    return found


def _growing(source: Section, growth: Section, maximum: float) -> dict[str, Any]:
    """First and last multiplier: n3fit multiplies every 100 epochs, ours grows in every step."""
    initial, factor = growth.take("initial"), growth.take("multiplier")
    pushes = int(parameters(source).take("epochs", STEPS)) // PUSH_EACH
    if factor is not None and initial is None:
        initial = maximum / float(factor) ** pushes
    elif factor is not None:
        maximum = float(initial) * float(factor) ** pushes
    first = 1.0 if initial is None else float(initial)
    if first > maximum:
        growth.changed("initial", f"above the maximum {maximum:g}; the multiplier does not grow")
        first = maximum
    return {"initial": first, "maximum": maximum}
