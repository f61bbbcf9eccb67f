"""Nuclei as protons and neutrons, without nuclear corrections."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from replicafit_dis.catalogue import Target
from replicafit_dis.theory import FLAVOURS, ISOTRIPLET

Array = npt.NDArray[np.float64]

PROTONS = {"proton": 1.0, "deuteron": 1.0 / 2.0, "iron": 23.403 / 49.618}
"""Protons per nucleon; iron is the steel of NuTeV's target (Mason's thesis)."""


def per_nucleon(proton_table: Array, target: Target) -> Array:
    """The table of a nucleus per nucleon: the mean of its protons' and neutrons'.

    Isospin symmetry gives the neutron the opposite sign in t3 and v3, which drop out for deuterons.
    """
    isospin = 2.0 * PROTONS[target] - 1.0
    factors = np.array([isospin if flavour in ISOTRIPLET else 1.0 for flavour in FLAVOURS])
    table: Array = proton_table * factors[:, None]
    return table
