"""What heavy quarks add to observables, as coefficients of x f(x, Q) on the x grid.

A ``Combination`` says which structure functions an observable is made of; here each of its terms
becomes a row of coefficients of partons at the datum's own Q2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from replicafit_dis.build.charged import charm
from replicafit_dis.build.coefficients import Kind, Point
from replicafit_dis.build.heavy import (
    HeavyQuark,
    Rows,
    correction,
    heavy_quarks,
    on_partons,
    seen_quarks,
    single_flavour,
)
from replicafit_dis.build.observables import SF, Combination
from replicafit_dis.catalogue import DatasetInfo
from replicafit_dis.theory import TheoryParameters

Array = npt.NDArray[np.float64]

NEGLIGIBLE = 1e-3
"""Terms whose weight is less than this part of the datum's largest are left out."""

_CHARGE = np.array([-1.0, 2.0, -1.0, 2.0, -1.0]) / 3.0  # d, u, s, c, b
_ISOSPIN = np.array([-1.0, 1.0, -1.0, 1.0, -1.0]) / 2.0


@dataclass(frozen=True)
class PartonTable:
    """Observables = sum over partons p and grid points n of ``values[d] * x f(x, Q(d))``.

    Attributes:
        grid: x, (n,).
        q2: of each datum, GeV2, (d,).
        values: shape (d, p, n), partons in hoppet's order.
    """

    grid: Array
    q2: Array
    values: Array

    @property
    def n_data(self) -> int:
        """How many data there are."""
        return len(self.q2)

    @property
    def sees_valence(self) -> bool:
        """Whether quarks and antiquarks count differently."""
        return bool(np.any(self.values != self.values[:, ::-1]))


Term = Callable[[Point, Array], Array]
"""Coefficients of partons (13, n) in the sum of structure functions with weights (s,)."""


def parton_table(
    combination: Combination,
    grid: Array,
    term: Term,
    alpha_s: Callable[[float], float],
    on_step: Callable[[int], None] = lambda done: None,
) -> PartonTable:
    """What heavy quarks contribute to the observables.

    Args:
        combination: the observables.
        grid: the x grid, (n,).
        term: what they contribute to one term of it.
        alpha_s: the coupling at Q in GeV.
        on_step: called with 1 after each term.
    """
    values = np.zeros((combination.n_data, 13, len(grid)))
    for t in np.flatnonzero(relevant(combination)):
        a = alpha_s(float(np.sqrt(combination.q2[t]))) / (4.0 * np.pi)
        point = Point(grid, float(combination.x[t]), float(combination.q2[t]), a)
        values[combination.datum[t]] += term(point, combination.weights[t])
        on_step(1)
    return PartonTable(grid, combination.q2_of_data, values)


def term_of(info: DatasetInfo, theory: TheoryParameters) -> Term:
    """Corrections to all structure functions, or the whole of those where a heavy quark is seen."""
    if info.observable == "SIGMA_NU_CHARM":
        return lambda point, weights: charged_term(point, weights, theory, info.lepton_charge)
    return lambda point, weights: neutral_term(point, weights, theory, info.tagged)


def charged_term(point: Point, weights: Array, theory: TheoryParameters, w_charge: int) -> Array:
    """Charm production by the exchange of a W."""
    one, two, three = (
        (SF.F1_WP, SF.F2_WP, SF.F3_WP) if w_charge > 0 else (SF.F1_WM, SF.F2_WM, SF.F3_WM)
    )
    half = weights[one] / (2.0 * point.x)
    amounts: dict[Kind, float] = {
        "f2": weights[two] + half,
        "fl": -half,
        "f3": weights[three] / point.x,
    }
    rows = [
        amount * charm(kind, point, theory.charm_mass, w_charge)
        for kind, amount in amounts.items()
        if amount != 0.0
    ]
    return sum(rows, np.zeros((13, len(point.grid))))


def neutral_term(
    point: Point, weights: Array, theory: TheoryParameters, tagged: int | None
) -> Array:
    """Photon and Z exchange; ``tagged`` is 4 or 5 where charm or bottom is in the final state."""
    charges = squared_charges(weights, point.x, theory)
    rows = [
        structure_function(kind, point, squared, theory, tagged)
        for kind, squared in charges.items()
        if np.any(squared)
    ]
    return sum(rows, np.zeros((13, len(point.grid))))


def relevant(combination: Combination) -> npt.NDArray[np.bool_]:
    """Which terms (t,) matter."""
    size = np.max(np.abs(combination.weights), axis=1) * combination.x
    largest = np.zeros(combination.n_data)
    np.maximum.at(largest, combination.datum, size)
    return np.asarray(size > NEGLIGIBLE * largest[combination.datum])


def squared_charges(weights: Array, x: float, theory: TheoryParameters) -> dict[Kind, Array]:
    """Charges squared of each quark (5,) in F2 and FL = F2 - 2xF1, for weights (s,) of a term."""
    vector = _ISOSPIN - 2.0 * _CHARGE * theory.sin2_theta_w
    exchange = {
        (SF.F1_EM, SF.F2_EM): _CHARGE**2,
        (SF.F1_GZ, SF.F2_GZ): 2.0 * _CHARGE * vector,
        (SF.F1_Z, SF.F2_Z): vector**2 + _ISOSPIN**2,
    }
    f2, fl = np.zeros(5), np.zeros(5)
    for (one, two), charges in exchange.items():
        half = weights[one] / (2.0 * x)
        f2 += (weights[two] + half) * charges
        fl -= half * charges
    return {"f2": f2, "fl": fl}


def structure_function(
    kind: Kind, point: Point, charges: Array, theory: TheoryParameters, tagged: int | None
) -> Array:
    """Coefficients of partons (13, n) in F2 or FL, for charges squared of each quark (5,)."""
    if tagged is None:
        rows = [(correction(kind, point, quark), quark) for quark in heavy_quarks(theory)]
    else:
        quarks = seen_quarks(theory)
        quark = quarks[tagged - 4]
        rows = [(part, quark) for part in tagged_parts(kind, point, quark, n_active(point, quarks))]
    return np.asarray(sum(on_partons(part, quark, charges) for part, quark in rows))


def tagged_parts(kind: Kind, point: Point, quark: HeavyQuark, n_flavours: int) -> list[Rows]:
    """Of events with ``quark`` in the final state: not those where it is in a loop alone."""
    parts = [replace(correction(kind, point, quark), loop=np.zeros_like(point.grid))]
    if quark.active(point.q2):
        parts.append(single_flavour(kind, point, quark, n_flavours))
    return parts


def n_active(point: Point, quarks: tuple[HeavyQuark, ...]) -> int:
    """The number of flavours of the massless scheme."""
    return 3 + sum(quark.active(point.q2) for quark in quarks)
