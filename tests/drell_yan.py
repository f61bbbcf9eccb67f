"""Fixed-target Drell-Yan data at leading order: tables that are exact and short.

One photon from quark and antiquark, with x1, x2 = sqrt(tau) exp(+-y), tau = M^2 / s:

    d sigma / dM^2 dy = 4 pi alpha^2 / (9 M^4)
        sum over q of  e_q^2 (x1 q(x1) x2 qbar(x2) + x1 qbar(x1) x2 q(x2))

from the partonic cross section 4 pi alpha^2 e_q^2 / (9 s x1 x2), averaged over colours, and
dx1 dx2 = dtau dy. With q+- = q +- qbar the bracket is (q+ q+ - q- q-) / 2, so that in the
evolution basis sigma, t3, t8, t15 meet each other, and v, v3, v8, v15. No evolution: the functions
are those at q0.
"""

from __future__ import annotations

import numpy as np

from replicafit.data import Dataset, ProductTable

PLUS = ("sigma", "t3", "t8", "t15")
MINUS = ("v", "v3", "v8", "v15")
FLAVOURS = (*PLUS, *MINUS)
CHARGE = np.array([2, -1, -1, 2]) / 3
"""Of u, d, s, c."""

FROM_QUARKS = np.array([[1, 1, 1, 1], [1, -1, 0, 0], [1, 1, -2, 0], [1, 1, 1, -3]])
"""sigma, t3, t8, t15 from u+, d+, s+, c+; v, v3, v8, v15 from u-, d-, s-, c-."""

QUARKS = np.linalg.inv(FROM_QUARKS)
ISOSCALAR = np.array([[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""A nucleon of a deuteron: half of it a proton, half a neutron, whose u is the proton's d."""

NANOBARN = 0.3893794e6
"""GeV^-2."""

ALPHA = 1 / 137.036
X_GRID = np.concatenate([np.geomspace(5e-3, 0.1, 12, endpoint=False), np.linspace(0.1, 1, 22)])


def momenta(mass: np.ndarray, y: np.ndarray, energy: float) -> tuple[np.ndarray, np.ndarray]:
    """x1 and x2, (d,), at a mass of the pair in GeV and a rapidity."""
    root = mass / energy
    return root * np.exp(y), root * np.exp(-y)


def table(mass: np.ndarray, y: np.ndarray, energy: float, target: np.ndarray) -> ProductTable:
    """d sigma / dM^2 dy in nb / GeV^2 of a proton on ``target``, whose quarks it makes, (4, 4)."""
    first, second = (_interpolation(x) for x in momenta(mass, y, energy))
    constant = 4 * np.pi * ALPHA**2 / (9 * mass**4) * NANOBARN
    coefficients = QUARKS.T @ np.diag(CHARGE**2) @ target @ QUARKS / 2
    channels, factors = [], []
    for names, sign in ((PLUS, 1), (MINUS, -1)):
        for f, g in np.argwhere(np.abs(coefficients) > 1e-14):
            channels.append([FLAVOURS.index(names[f]), FLAVOURS.index(names[g])])
            factors.append(sign * coefficients[f, g])
    x1, x2 = (np.flatnonzero(weights.any(axis=0)) for weights in (first, second))
    products = first[:, x1, None] * second[:, None, x2] * constant[:, None, None]
    values = products[:, None] * np.array(factors)[:, None, None]
    return ProductTable(values, np.array(channels), x1, x2)


def dataset(name: str, tables: tuple[ProductTable, ...], y: np.ndarray) -> Dataset:
    """``tables`` with 3 % errors, to be filled by a closure test."""
    d = len(y)
    return Dataset(
        name=name,
        central=np.ones(d),
        stat=np.full(d, 1e-9),
        sys_add=np.zeros((d, 0)),
        sys_add_names=(),
        sys_mult_percent=np.full((d, 2), (3.0, 1.0)),
        sys_mult_names=("UNCORR", "BEAM"),
        kinematics={"y": y},
        x_grid=X_GRID,
        flavours=FLAVOURS,
        attributes={"q0": 1.65},
        tables=tables,
        operation="NULL" if len(tables) == 1 else "RATIO",
    )


def kinematics() -> tuple[np.ndarray, np.ndarray]:
    """Masses in GeV and rapidities, (d,), as at 800 GeV on a fixed target."""
    mass, y = np.meshgrid([4.5, 5.5, 6.5, 7.5], np.linspace(-0.2, 0.8, 6))
    return mass.ravel(), y.ravel()


ENERGY = 38.8
"""Of proton and nucleon together, in GeV."""


def cross_section() -> Dataset:
    """Protons on protons."""
    mass, y = kinematics()
    return dataset("DY_PP", (table(mass, y, ENERGY, np.eye(4)),), y)


def ratio() -> Dataset:
    """Per nucleon, of protons on deuterons and on protons."""
    mass, y = kinematics()
    tables = tuple(table(mass, y, ENERGY, target) for target in (ISOSCALAR, np.eye(4)))
    return dataset("DY_D_OVER_P", tables, y)


def _interpolation(x: np.ndarray) -> np.ndarray:
    """Weights (d, n) of grid points: cubic polynomials in log x through the four nearest."""
    u, v = np.log(X_GRID), np.log(x)
    weights = np.zeros((len(x), len(X_GRID)))
    for row, at in enumerate(v):
        first = int(np.clip(np.searchsorted(u, at) - 2, 0, len(u) - 4))
        nodes = u[first : first + 4]
        for k in range(4):
            others = np.delete(nodes, k)
            weights[row, first + k] = np.prod((at - others) / (nodes[k] - others))
    return weights
