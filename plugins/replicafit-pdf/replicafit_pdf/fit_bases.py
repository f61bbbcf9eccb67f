"""The bases that networks fit in, and how they turn into the evolution basis.

A basis says what each fitted flavour is in the functions that the fit has afterwards
(arXiv:2109.02653, section 3.1; arXiv:2503.11814 for the polarized one). v15 is missing where charm
and anticharm are equal: there it equals v, as v24 and v35 always do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from replicafit.plugin import ModelError
from replicafit_pdf.evolution_basis import EVOLUTION, from_content


@dataclass(frozen=True)
class FitBasis:
    """One fit basis.

    Attributes:
        field_name: how runcards of the field call it.
        columns: functions of the evolution basis, length g.
        rows: for each fitted flavour what it is of these; others are zero.
    """

    field_name: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, float]]

    def row(self, flavour: str) -> tuple[float, ...]:
        """The coefficients of a fitted flavour, length g."""
        return tuple(float(self.rows[flavour].get(column, 0)) for column in self.columns)


def _same(names: Sequence[str]) -> dict[str, dict[str, float]]:
    return {name: {name: 1.0} for name in names}


def _partons(**content: Mapping[int, float]) -> dict[str, dict[str, float]]:
    """Flavours by how much of which partons they stand for."""
    functions = {
        name: from_content({pdg: np.array(amount) for pdg, amount in one.items()})
        for name, one in content.items()
    }
    return {name: dict(zip(EVOLUTION, map(float, f), strict=True)) for name, f in functions.items()}


SYMMETRIC_CHARM = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")
ALL = ("sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15")
LIGHT: Mapping[str, Mapping[int, float]] = {
    **{"u": {2: 1}, "ubar": {-2: 1}, "d": {1: 1}, "dbar": {-1: 1}, "s": {3: 1}, "sbar": {-3: 1}}
}

POLARISED = "polarised_evolution"

FIT_BASES: Mapping[str, FitBasis] = {
    "evolution": FitBasis("EVOL", SYMMETRIC_CHARM, _same(SYMMETRIC_CHARM)),
    "evolution_charm": FitBasis(  # cp = c+ = (sigma - t15) / 4
        "NN31IC",
        SYMMETRIC_CHARM,
        {
            "sigma": {"sigma": 1, "t15": 1},
            **_same(("g", "v", "v3", "v8", "t3", "t8")),
            "cp": {"t15": -4},
        },
    ),
    "perturbative_charm": FitBasis(  # no charm at q0, so t15 = sigma
        "NN31PC",
        SYMMETRIC_CHARM,
        {"sigma": {"sigma": 1, "t15": 1}, **_same(("g", "v", "v3", "v8", "t3", "t8"))},
    ),
    "flavour": FitBasis("FLAVOUR", SYMMETRIC_CHARM, _partons(**LIGHT, c={4: 1, -4: 1}, g={21: 1})),
    "flavour_charm": FitBasis(
        "FLAVOUR, with c+ as cp",
        SYMMETRIC_CHARM,
        _partons(**LIGHT, cp={4: 0.5, -4: 0.5}, g={21: 1}),
    ),
    "charm_asymmetry": FitBasis("CCBAR_ASYMM", ALL, _same(ALL)),
    POLARISED: FitBasis(  # s = sbar, so v8 = v; no charm at q0, so t15 = sigma
        "POLARIZED_EVOL",
        SYMMETRIC_CHARM,
        {
            "sigma": {"sigma": 1, "t15": 1},
            "g": {"g": 1},
            "v": {"v": 1, "v8": 1},
            **_same(("v3", "t3", "t8")),
        },
    ),
}


def basis_flavours(basis: str, fitted: Sequence[str]) -> tuple[str, ...]:
    """The functions of the evolution basis that the ``fitted`` flavours of ``basis`` give, (g,).

    Raises:
        ModelError: ``fitted`` are not the flavours of ``basis``, in whatever order.
    """
    table = FIT_BASES[basis]
    if sorted(fitted) != sorted(table.rows):
        raise ModelError(
            f"The basis '{basis}' rotates the flavours {', '.join(table.rows)}; those that reach "
            f"it are {', '.join(fitted)}. Give model.flavours these names, or choose another "
            f"basis: {', '.join(FIT_BASES)}."
        )
    return table.columns


def basis_matrix(basis: str, fitted: Sequence[str]) -> np.ndarray:
    """The matrix (f, g) from ``fitted`` functions (..., f) to ``basis_flavours`` (..., g)."""
    basis_flavours(basis, fitted)
    return np.array([FIT_BASES[basis].row(name) for name in fitted], dtype=np.float64)
