"""Partons and the evolution basis.

For quarks q+ = q + qbar the evolution basis has (arXiv:2109.02653, eq. 3.2)

    sigma = u+ + d+ + s+ + c+ + b+ + t+       t15 = u+ + d+ + s+ - 3 c+
    t3 = u+ - d+                              t24 = u+ + d+ + s+ + c+ - 4 b+
    t8 = u+ + d+ - 2 s+                       t35 = u+ + d+ + s+ + c+ + b+ - 5 t+

and for q- = q - qbar in the same way v, v3, v8, v15, v24, v35.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from replicafit_pdf.bases import rotation

from replicafit.errors import ModelError, OutputError

Array = npt.NDArray[np.float64]

PARTONS = (-6, -5, -4, -3, -2, -1, 21, 1, 2, 3, 4, 5, 6)
"""PDG numbers: tbar bbar cbar sbar ubar dbar g d u s c b t; length k."""

EVOLUTION = (
    *("sigma", "g", "v", "v3", "v8", "v15", "v24", "v35"),
    *("t3", "t8", "t15", "t24", "t35"),
)
"""The whole evolution basis; length g."""

_QUARKS = (2, 1, 3, 4, 5, 6)
_COMBINATIONS = {
    "singlet": (1, 1, 1, 1, 1, 1),
    "3": (1, -1, 0, 0, 0, 0),
    "8": (1, 1, -2, 0, 0, 0),
    "15": (1, 1, 1, -3, 0, 0),
    "24": (1, 1, 1, 1, -4, 0),
    "35": (1, 1, 1, 1, 1, -5),
}


def evolution_from_partons() -> Array:
    """The matrix (k, g) that takes partons to the evolution basis."""
    matrix = np.zeros((len(PARTONS), len(EVOLUTION)))
    for column, flavour in enumerate(EVOLUTION):
        if flavour == "g":
            matrix[PARTONS.index(21), column] = 1
            continue
        for quark, amount in zip(_QUARKS, _COMBINATIONS[_multiplet(flavour)], strict=True):
            matrix[PARTONS.index(quark), column] = amount
            matrix[PARTONS.index(-quark), column] = -amount if flavour[0] == "v" else amount
    return matrix


def partons_from(flavours: Sequence[str]) -> Array:
    """The matrix (f, k) that takes fitted functions to partons.

    Functions that are not given follow from no bottom, no top and c = cbar at q0.

    Raises:
        OutputError: ``flavours`` do not determine the partons.
    """
    try:
        whole = rotation(flavours, EVOLUTION)
    except ModelError:
        raise OutputError(
            f"The flavours {', '.join(flavours)} do not determine the partons. An LHAPDF set needs "
            "a fit with model.flavours sigma, g, v, v3, v8, t3, t8, t15, and v15 if wished."
        ) from None
    partons: Array = whole @ np.linalg.inv(evolution_from_partons())
    partons[np.abs(partons) < 1e-12] = 0  # rounding: the smallest true one is 1/60
    return partons


def _multiplet(flavour: str) -> str:
    return "singlet" if flavour in ("sigma", "v") else flavour[1:]
