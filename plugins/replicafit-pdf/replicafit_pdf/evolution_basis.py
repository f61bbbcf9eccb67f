"""Partons and the evolution basis, and what is equal in it at q0.

With q+- = q +- qbar of the quarks u, d, s, c, b, t (arXiv:2109.02653, section 3.1)

    sigma = sum of all q+             v = sum of all q-
    t3 = u+ - d+                      v3 = u- - d-
    t8 = u+ + d+ - 2 s+               v8 = u- + d- - 2 s-
    t15 = u+ + d+ + s+ - 3 c+         v15 likewise

and t24, t35, v24, v35 so on with b and t. With no bottom and top at q0, and as much charm as
anticharm, some are equal to others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from replicafit.plugin import ModelError, OutputError

GLUON = 21
PARTONS = (-6, -5, -4, -3, -2, -1, GLUON, 1, 2, 3, 4, 5, 6)
"""PDG numbers: tbar bbar cbar sbar ubar dbar g d u s c b t; length k."""

_QUARKS = (2, 1, 3, 4, 5, 6)  # u, d, s, c, b, t: in the order in which t3, t8 ... take them in
_LADDER = ("3", "8", "15", "24", "35")

EVOLUTION = ("sigma", "g", "v", *(f"v{n}" for n in _LADDER), *(f"t{n}" for n in _LADDER))
"""The whole evolution basis; length g."""

DGLAP = "dglap"
"""The name of the evolution that takes them to other scales."""

EQUAL_BY_CONSTRUCTION = {"v15": "v", "v24": "v", "v35": "v", "t24": "sigma", "t35": "sigma"}


def evolution_from_partons(partons: np.ndarray) -> np.ndarray:
    """Functions (..., g) of ``EVOLUTION``, from (..., k) of ``PARTONS``."""
    found = dict(zip(PARTONS, np.moveaxis(partons, -1, 0), strict=True))
    plus = np.stack([found[q] + found[-q] for q in _QUARKS])
    minus = np.stack([found[q] - found[-q] for q in _QUARKS])
    columns = [plus.sum(axis=0), found[GLUON], minus.sum(axis=0), *_ladder(minus), *_ladder(plus)]
    return np.stack(columns, axis=-1)


def from_content(content: Mapping[int, np.ndarray]) -> np.ndarray:
    """The same from (n,) for each PDG number; what is not given is zero."""
    zero = np.zeros_like(next(iter(content.values())))
    return evolution_from_partons(np.stack([content.get(p, zero) for p in PARTONS], axis=-1))


def partons_from(flavours: Sequence[str]) -> np.ndarray:
    """The matrix (f, k) that takes fitted functions of the evolution basis to partons.

    Functions that are not given follow from no bottom, no top and c = cbar at q0.

    Raises:
        OutputError: ``flavours`` do not determine the partons.
    """
    try:
        whole = rotation(flavours, EVOLUTION)
    except ModelError:
        raise OutputError(
            f"The flavours {', '.join(flavours)} do not determine the partons. Evolution needs a "
            "fit with model.flavours sigma, g, v, v3, v8, t3, t8, t15, and v15 if wished."
        ) from None
    partons: np.ndarray = whole @ np.linalg.inv(evolution_from_partons(np.eye(len(PARTONS))))
    partons[np.abs(partons) < 1e-12] = 0  # rounding: the smallest true one is 1/60
    return partons


def express(name: str, given: tuple[str, ...]) -> dict[str, float] | None:
    """A function of the evolution basis that equals another at q0, if that is ``given``."""
    source = EQUAL_BY_CONSTRUCTION.get(name)
    return {source: 1.0} if source in given else None


def rotation(fitted: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """The matrix (f, g) from ``fitted`` to ``wanted`` functions of the evolution basis.

    Raises:
        ModelError: the fitted functions do not determine a wanted one.
    """
    sources = {name: name if name in fitted else EQUAL_BY_CONSTRUCTION.get(name) for name in wanted}
    missing = [name for name, source in sources.items() if source not in fitted]
    if missing:
        raise ModelError(f"{', '.join(fitted)} do not determine '{missing[0]}'.")
    matrix = np.zeros((len(fitted), len(wanted)))
    for column, name in enumerate(wanted):
        matrix[list(fitted).index(str(sources[name])), column] = 1
    return matrix


def _ladder(quarks: np.ndarray) -> list[np.ndarray]:
    """Sum of the first k quarks minus k times the next, for k = 1 to 5."""
    return [quarks[:k].sum(axis=0) - k * quarks[k] for k in range(1, len(_QUARKS))]
