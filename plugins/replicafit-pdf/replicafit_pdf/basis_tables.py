"""The fit bases as tables: what each fitted flavour is in the evolution basis.

Each row is a fitted flavour, each column a function of the evolution basis that the fit has
afterwards (arXiv:2109.02653, section 3.1; arXiv:2503.11814 for the polarised one). v15 is missing
where charm and anticharm are equal: there it equals v, as v24 and v35 always do
(``replicafit_pdf.bases``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class BasisTable:
    """One fit basis.

    Attributes:
        field_name: how runcards of the field call it.
        columns: functions of the evolution basis, length g.
        rows: for each fitted flavour its g coefficients.
    """

    field_name: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]


SYMMETRIC_CHARM = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")
ALL = ("sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15")

BASIS_TABLES: Mapping[str, BasisTable] = {
    "evolution": BasisTable(
        "EVOL",
        SYMMETRIC_CHARM,
        {
            "sigma": (1, 0, 0, 0, 0, 0, 0, 0),
            "g": (0, 1, 0, 0, 0, 0, 0, 0),
            "v": (0, 0, 1, 0, 0, 0, 0, 0),
            "v3": (0, 0, 0, 1, 0, 0, 0, 0),
            "v8": (0, 0, 0, 0, 1, 0, 0, 0),
            "t3": (0, 0, 0, 0, 0, 1, 0, 0),
            "t8": (0, 0, 0, 0, 0, 0, 1, 0),
            "t15": (0, 0, 0, 0, 0, 0, 0, 1),
        },
    ),
    "evolution_charm": BasisTable(
        "NN31IC",
        SYMMETRIC_CHARM,
        {
            "sigma": (1, 0, 0, 0, 0, 0, 0, 1),
            "g": (0, 1, 0, 0, 0, 0, 0, 0),
            "v": (0, 0, 1, 0, 0, 0, 0, 0),
            "v3": (0, 0, 0, 1, 0, 0, 0, 0),
            "v8": (0, 0, 0, 0, 1, 0, 0, 0),
            "t3": (0, 0, 0, 0, 0, 1, 0, 0),
            "t8": (0, 0, 0, 0, 0, 0, 1, 0),
            "cp": (0, 0, 0, 0, 0, 0, 0, -4),
        },
    ),
    "flavour": BasisTable(
        "FLAVOUR",
        SYMMETRIC_CHARM,
        {
            "u": (1, 0, 1, 1, 1, 1, 1, 1),
            "ubar": (1, 0, -1, -1, -1, 1, 1, 1),
            "d": (1, 0, 1, -1, 1, -1, 1, 1),
            "dbar": (1, 0, -1, 1, -1, -1, 1, 1),
            "s": (1, 0, 1, 0, -2, 0, -2, 1),
            "sbar": (1, 0, -1, 0, 2, 0, -2, 1),
            "c": (2, 0, 0, 0, 0, 0, 0, -6),
            "g": (0, 1, 0, 0, 0, 0, 0, 0),
        },
    ),
    "flavour_charm": BasisTable(
        "FLAVOUR, with c+ as cp",
        SYMMETRIC_CHARM,
        {
            "u": (1, 0, 1, 1, 1, 1, 1, 1),
            "ubar": (1, 0, -1, -1, -1, 1, 1, 1),
            "d": (1, 0, 1, -1, 1, -1, 1, 1),
            "dbar": (1, 0, -1, 1, -1, -1, 1, 1),
            "s": (1, 0, 1, 0, -2, 0, -2, 1),
            "sbar": (1, 0, -1, 0, 2, 0, -2, 1),
            "cp": (1, 0, 0, 0, 0, 0, 0, -3),
            "g": (0, 1, 0, 0, 0, 0, 0, 0),
        },
    ),
    "charm_asymmetry": BasisTable(
        "CCBAR_ASYMM",
        ALL,
        {
            "sigma": (1, 0, 0, 0, 0, 0, 0, 0, 0),
            "g": (0, 1, 0, 0, 0, 0, 0, 0, 0),
            "v": (0, 0, 1, 0, 0, 0, 0, 0, 0),
            "v3": (0, 0, 0, 1, 0, 0, 0, 0, 0),
            "v8": (0, 0, 0, 0, 1, 0, 0, 0, 0),
            "v15": (0, 0, 0, 0, 0, 1, 0, 0, 0),
            "t3": (0, 0, 0, 0, 0, 0, 1, 0, 0),
            "t8": (0, 0, 0, 0, 0, 0, 0, 1, 0),
            "t15": (0, 0, 0, 0, 0, 0, 0, 0, 1),
        },
    ),
    # polarised: strange and antistrange are equal, so v8 = v; no charm at q0, so t15 = sigma
    "polarised_evolution": BasisTable(
        "POLARIZED_EVOL",
        SYMMETRIC_CHARM,
        {
            "sigma": (1, 0, 0, 0, 0, 0, 0, 1),
            "g": (0, 1, 0, 0, 0, 0, 0, 0),
            "v": (0, 0, 1, 0, 1, 0, 0, 0),
            "v3": (0, 0, 0, 1, 0, 0, 0, 0),
            "t3": (0, 0, 0, 0, 0, 1, 0, 0),
            "t8": (0, 0, 0, 0, 0, 0, 1, 0),
        },
    ),
}
