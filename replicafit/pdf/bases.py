"""Which flavours of the evolution basis the network's outputs determine.

Evolution basis: sigma, g, v, v3, v8, v15, v24, v35, t3, t8, t15, t24, t35. With no intrinsic bottom
and top, and as much charm as anticharm at q0, some are equal by construction
(arXiv:2109.02653, section 3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from replicafit.errors import ModelError

EQUAL_BY_CONSTRUCTION = {"v15": "v", "v24": "v", "v35": "v", "t24": "sigma", "t35": "sigma"}


def rotation(fitted: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """The matrix (f, g) that takes fitted functions (..., f) to ``wanted`` ones (..., g).

    Raises:
        ModelError: the fitted functions do not determine a wanted one.
    """
    matrix = np.zeros((len(fitted), len(wanted)))
    for column, name in enumerate(wanted):
        source = name if name in fitted else EQUAL_BY_CONSTRUCTION.get(name, name)
        if source not in fitted:
            raise ModelError(_undetermined(name, fitted))
        matrix[fitted.index(source), column] = 1
    return matrix


def _undetermined(name: str, fitted: Sequence[str]) -> str:
    near = get_close_matches(name, fitted, n=1)
    hint = f" Did you mean '{name}' where the runcard says '{near[0]}'?" if near else ""
    return (
        f"The data need the flavour '{name}', which model.flavours ({', '.join(fitted)}) do not "
        f"determine. Add it there.{hint}"
    )
