"""Observables that must not be negative: parton distributions and structure functions.

Those of NNPDF4.0 (arXiv:2109.02653, section 3.1.3) that one hadron has, at Q2 = 5 GeV2: x f of
gluon, light quarks and antiquarks, and charm; F2 of one light quark each, F2 of charm, and FL of
the light quarks. Photons alone are exchanged. F2C has the mass of charm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from replicafit.plugin import Dataset
from replicafit_dis.build.coefficients import Kind, Point
from replicafit_dis.build.corrections import PartonTable, neutral_term
from replicafit_dis.build.evolution import GLUON, N_PARTONS, Evolution
from replicafit_dis.build.heavy import HeavyQuark, on_partons, single_flavour
from replicafit_dis.build.observables import SF
from replicafit_dis.build.tables import fk_table
from replicafit_dis.grid import common_grid, interpolation_matrix
from replicafit_dis.theory import FLAVOURS, TheoryParameters

Array = npt.NDArray[np.float64]

Q2 = 5.0
X = np.concatenate([np.geomspace(5e-7, 0.1, 10), np.linspace(0.18, 0.9, 10)])

PARTONS = {
    "POS_GLUON": 0,
    "POS_UP": 2,
    "POS_ANTI_UP": -2,
    "POS_DOWN": 1,
    "POS_ANTI_DOWN": -1,
    "POS_STRANGE": 3,
    "POS_ANTI_STRANGE": -3,
    "POS_CHARM": 4,
}
"""Which parton each x f is of, counted from the gluon."""

LIGHT = {"POS_F2D": 1, "POS_F2U": 2, "POS_F2S": 3}
"""The quark that F2 is of."""

CHARGES = {1: 1 / 9, 2: 4 / 9, 3: 1 / 9}
"""Squared, of light quarks."""


def positivity_observables(theory: TheoryParameters, evolution: Evolution) -> Iterator[Dataset]:
    """All of them."""
    rows = _rows(theory, evolution.alpha_s(np.sqrt(Q2)) / (4.0 * np.pi))
    grid = common_grid()
    q2 = np.full(len(rows) * len(X), Q2)
    table = fk_table(evolution, [PartonTable(grid, q2, np.concatenate([*rows.values()]))], grid, 0)
    nothing = np.zeros(len(X))
    metadata = {"process": "positivity", "theory": theory.summary(masses=True)}
    for name, values in zip(rows, np.split(table, len(rows)), strict=True):
        yield Dataset(
            name=name,
            central=nothing,
            stat=nothing,
            sys_add=nothing[:, None][:, :0],
            sys_add_names=(),
            sys_mult_percent=nothing[:, None][:, :0],
            sys_mult_names=(),
            x_grid=grid,
            flavours=FLAVOURS,
            attributes={"q0": theory.q0},
            tables=(values.astype(np.float32),),
            operation="NULL",
            kinematics={"x": X, "q2": np.full(len(X), Q2)},
            metadata=metadata,
        )


def _rows(theory: TheoryParameters, coupling: float) -> dict[str, Array]:
    """Of each observable the coefficients of partons at Q2, (d, 13, n)."""
    grid = common_grid()
    at_x = interpolation_matrix(grid, X)
    found = {}
    for name, parton in PARTONS.items():
        found[name] = np.zeros((len(X), N_PARTONS, len(grid)))
        found[name][:, GLUON + parton] = at_x

    def at(coefficients: Callable[[Point], Array]) -> Array:
        return np.array([coefficients(Point(grid, x, Q2, coupling)) for x in X.tolist()])

    for name, quark in LIGHT.items():
        found[name] = at(partial(_light, "f2", [quark]))
    found["POS_FLL"] = at(partial(_light, "fl", [*CHARGES]))
    weights = np.zeros(len(SF))
    weights[SF.F2_EM] = 1.0
    found["POS_F2C"] = at(lambda point: neutral_term(point, weights, theory, tagged=4))
    return found


def _light(kind: Kind, quarks: Sequence[int], point: Point) -> Array:
    """Coefficients of partons (13, n) in F2 or FL of light ``quarks``, four being massless."""
    charges = np.array([CHARGES.get(flavour, 0.0) for flavour in range(1, 6)])
    rows = []
    for flavour in quarks:
        quark = HeavyQuark(flavour, mass=0.0, threshold=0.0, intrinsic=True)
        rows.append(on_partons(single_flavour(kind, point, quark, 4), quark, charges))
    return np.asarray(sum(rows))
