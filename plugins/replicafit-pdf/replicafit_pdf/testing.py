"""Certifies an evolution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from replicafit.plugin import Evolution, Registry, StartingFunctions, load_registry, load_target
from replicafit.testing import close, require, same
from replicafit_pdf.evolution_basis import DGLAP, EVOLUTION
from replicafit_pdf.toy import ToyLesHouches

Q0, SCALES = 1.65, (1.65, 10.0, 100.0)
FLAVOURS = ("sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15")
X = np.concatenate([np.geomspace(1e-7, 0.1, 60), np.linspace(0.12, 1, 23)])


def check_evolution(name: str = DGLAP, registry: Registry | None = None) -> None:
    """Checks every rule that an evolution must keep.

    It gives finite functions of the evolution basis for each scale and replica on the same x; at q0
    those it was given, to 1e-3; and a replica alone the same as among others.

    Args:
        name: of the evolution.
        registry: where to look; by default all installed plugins.

    Raises:
        ConformanceError: naming the rule that is broken.
    """
    evolve = load_target((registry or load_registry()).get(Evolution, name).evolve)
    start = _start()
    whole = np.asarray(evolve(start, SCALES))
    wanted = (len(SCALES), len(start.values), len(X), len(EVOLUTION))
    require(whole.shape == wanted, "shapes", f"{whole.shape} in the place of {wanted}.")
    require(np.isfinite(whole).all(), "finite", "some values are not.")
    columns = [EVOLUTION.index(flavour) for flavour in FLAVOURS]
    close("q0 gives them back", whole[0][..., columns], start.values, rtol=1e-3, atol=1e-4)
    alone = np.asarray(evolve(replace(start, values=start.values[1:2]), SCALES))
    same("replicas do not mix", alone[:, 0], whole[:, 1])


def _start() -> StartingFunctions:
    """Three replicas of the Les Houches toy."""
    toy = ToyLesHouches()
    known = dict(zip(toy.flavours, toy(X).T, strict=True))
    one = np.stack([known[flavour] for flavour in FLAVOURS], axis=-1)
    values = np.stack([one, 1.1 * one, 0.9 * one])
    return StartingFunctions({}, FLAVOURS, {"q0": Q0}, X, values)
