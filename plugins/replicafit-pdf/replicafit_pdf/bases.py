"""From the flavours a network puts out to those of the evolution basis.

Evolution basis: sigma, g, v, v3, v8, v15, v24, v35, t3, t8, t15, t24, t35. With no intrinsic bottom
and top, and as much charm as anticharm at q0, some are equal by construction
(arXiv:2109.02653, section 3.1). With q+ = q + qbar and q- = q - qbar: sigma = sum of q+,
v = sum of q-, t3 = u+ - d+, t8 = u+ + d+ - 2 s+, t15 = u+ + d+ + s+ - 3 c+, and v3, v8, v15
likewise of q-.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicafit.errors import ModelError
from replicafit_pdf.basis_tables import BASIS_TABLES

EQUAL_BY_CONSTRUCTION = {"v15": "v", "v24": "v", "v35": "v", "t24": "sigma", "t35": "sigma"}


def express(name: str, given: tuple[str, ...]) -> dict[str, float] | None:
    """A function of the evolution basis that equals another at q0, if that is ``given``."""
    source = EQUAL_BY_CONSTRUCTION.get(name)
    return {source: 1.0} if source in given else None


def rotation(fitted: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """The matrix (f, g) from ``fitted`` to ``wanted`` functions of the evolution basis.

    Raises:
        ModelError: the fitted functions do not determine a wanted one.
    """
    matrix = np.zeros((len(fitted), len(wanted)))
    for column, name in enumerate(wanted):
        found = {name: 1.0} if name in fitted else express(name, tuple(fitted))
        if found is None:
            raise ModelError(f"{', '.join(fitted)} do not determine '{name}'.")
        for source, coefficient in found.items():
            matrix[fitted.index(source), column] = coefficient
    return matrix


def basis_flavours(basis: str, fitted: Sequence[str]) -> tuple[str, ...]:
    """The functions of the evolution basis that the ``fitted`` flavours of ``basis`` give, (g,).

    Raises:
        ModelError: ``fitted`` are not the flavours of ``basis``, in whatever order.
    """
    table = BASIS_TABLES[basis]
    if sorted(fitted) != sorted(table.rows):
        raise ModelError(
            f"The basis '{basis}' rotates the flavours {', '.join(table.rows)}; those that reach "
            f"it are {', '.join(fitted)}. Give model.flavours these names, or choose another "
            f"basis: {', '.join(BASIS_TABLES)}."
        )
    return table.columns


def basis_matrix(basis: str, fitted: Sequence[str]) -> np.ndarray:
    """The matrix (f, g) from ``fitted`` functions (..., f) to ``basis_flavours`` (..., g)."""
    basis_flavours(basis, fitted)
    return np.array([BASIS_TABLES[basis].rows[name] for name in fitted], dtype=np.float64)
