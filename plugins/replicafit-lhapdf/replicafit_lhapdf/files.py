"""The text of an LHAPDF6 set (arXiv:1412.7420, section 3.3 and appendix)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import yaml
from replicafit_pdf.evolution_basis import PARTONS
from replicafit_pdf.theory import TheorySettings

from replicafit_lhapdf.grid import X_KNOTS, Subgrid

Array = npt.NDArray[np.float64]

_ORDER = {"lo": 0, "nlo": 1, "nnlo": 2}
ONE_SIGMA = 68.268949
"""Per cent of a Gaussian within one standard deviation."""


def pids(theory: TheorySettings) -> list[int]:
    """The PDG numbers of the partons in the set."""
    return [pid for pid in PARTONS if abs(pid) <= theory.max_flavours or pid == 21]


CENTRAL = "PdfType: central\nFormat: lhagrid1\n---\n"
"""How the file of member 0 begins."""
ERROR = "PdfType: error\nFormat: lhagrid1\n---\n"
"""How that of an eigenvector does."""


def replica_head(number: int) -> str:
    """How that of a replica does."""
    return f"PdfType: replica\nFormat: lhagrid1\nFromMCReplica: {number}\n---\n"


def subgrid_text(subgrid: Subgrid, table: Array, numbers: Sequence[int]) -> str:
    """One subgrid of a member: its knots and x f (n, q, k) of the partons ``numbers``."""
    columns = [PARTONS.index(pid) for pid in numbers]
    rows = table[:, :, columns].reshape(-1, len(columns))
    row = " ".join(["%16.9e"] * len(columns))
    lines = [
        " ".join(f"{x:.7e}" for x in X_KNOTS),
        " ".join(f"{q:.7e}" for q in subgrid.q),
        " ".join(map(str, numbers)),
        *(row % tuple(values) for values in rows.tolist()),
        "---\n",
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Coupling:
    """The strong coupling ``values`` (m,) at ``q`` (m,) in GeV, and at the mass of the Z."""

    q: Array
    values: Array
    at_m_z: float


@dataclass(frozen=True)
class About:
    """What a set says of itself.

    Attributes:
        name: of the set and its files.
        description: one line.
        provenance: further keys of the ``.info``, which begin with ``Replicafit`` there.
        error_type: what the members are.
    """

    name: str
    description: str
    provenance: Mapping[str, str]
    error_type: Literal["replicas", "symmhessian"] = "replicas"


def info_text(about: About, theory: TheorySettings, coupling: Coupling, members: int) -> str:
    """The ``.info`` of a set of ``members``, the mean included."""
    masses = {
        "Up": 0.0,
        "Down": 0.0,
        "Strange": 0.0,
        "Charm": theory.m_charm,
        "Bottom": theory.m_bottom,
        "Top": theory.m_top,
    }
    keys: dict[str, Any] = {
        "SetDesc": _quoted(about.description),
        "SetIndex": 0,
        "Authors": _quoted("made with replicafit"),
        "Reference": _quoted("evolution: hoppet, arXiv:0804.3755, arXiv:2510.09310"),
        "Format": "lhagrid1",
        "DataVersion": 1,
        "NumMembers": members,
        "Particle": 2212,
        "Flavors": pids(theory),
        "OrderQCD": _ORDER[theory.order],
        "FlavorScheme": "variable",
        "NumFlavors": theory.max_flavours,
        "ErrorType": about.error_type,
        **({} if about.error_type == "replicas" else {"ErrorConfLevel": ONE_SIGMA}),
        "ForcePositive": 0,
        "XMin": f"{X_KNOTS[0]:.7e}",
        "XMax": f"{X_KNOTS[-1]:.7e}",
        "QMin": f"{coupling.q[0]:.7e}",
        "QMax": f"{coupling.q[-1]:.7e}",
        "MZ": theory.m_z,
        **{f"M{quark}": mass for quark, mass in masses.items()},
        **{f"Threshold{quark}": mass for quark, mass in masses.items()},
        "AlphaS_MZ": f"{coupling.at_m_z:.7f}",
        "AlphaS_OrderQCD": _ORDER[theory.order],
        "AlphaS_Type": "ipol",
        "AlphaS_Qs": _numbers(coupling.q),
        "AlphaS_Vals": _numbers(coupling.values),
        **{f"Replicafit{key}": _quoted(text) for key, text in about.provenance.items()},
    }
    return "".join(f"{key}: {value}\n" for key, value in keys.items())


def _quoted(text: str) -> str:
    """``text`` in one line of YAML, which lacks JSON's escapes of letters beyond 16 bits."""
    return yaml.safe_dump(text, default_style='"', width=math.inf).rstrip("\n")


def _numbers(values: Array) -> str:
    return f"[{', '.join(f'{value:.7e}' for value in values)}]"
