"""Charm production in charged currents, W+ d, s -> c and W- dbar, sbar -> cbar.

The massive coefficient functions are known to O(alpha_s) (hep-ph/9603304; off charm itself
hep-ph/9805233). At O(alpha_s2) the massless ones stand in, as in NNPDF4.0. Structure functions are
normalized as F2 = x times the sum of |V|2 (q + qbar) at leading order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from replicafit_dis.build.coefficients import (
    Kind,
    Point,
    leading_order,
    matching,
    partonic_channel,
    sum_orders,
)
from replicafit_dis.build.heavy import GLUON

Array = npt.NDArray[np.float64]

CKM = {"d": 0.2252**2, "s": 0.97345**2, "b": 0.041**2}
"""|V_cq|2, the values of NNPDF4.0."""

_DOWN_TYPE = {1: CKM["d"], 3: CKM["s"]}
_CHARM = 4
_TOTAL = sum(CKM.values())
_PRODUCED = sum(_DOWN_TYPE.values())


def charm(kind: Kind, point: Point, mass: float, w_charge: int) -> Array:
    """Coefficients of partons (13, n) in the F2, FL or xF3 of charm production."""
    odd = w_charge if kind == "f3" else 1
    result = np.zeros((13, len(point.grid)))
    quark, gluon = from_light(kind, point, mass)
    for flavour, coupling in _DOWN_TYPE.items():
        result[GLUON + w_charge * flavour] += odd * coupling * quark
    result[GLUON] += odd * (_PRODUCED + _TOTAL) / 2.0 * gluon
    quark, gluon = from_charm(kind, point, mass)
    parity = -odd if kind == "f3" else 1
    result[GLUON - w_charge * _CHARM] += parity * _TOTAL * quark
    result[GLUON] += parity * _TOTAL * gluon
    return result + second_order(kind, point, w_charge)


def from_light(kind: Kind, point: Point, mass: float) -> tuple[Array, Array]:
    """Rows of the light quark and the gluon, to O(alpha_s), at the slower x (1 + m2/Q2)."""
    x = point.x * (1.0 + mass**2 / point.q2)
    if x >= 1.0:
        return np.zeros_like(point.grid), np.zeros_like(point.grid)
    at = point.quadrature(x)
    channels = (
        partonic_channel("heavy", kind, name, point, 3, "cc", m2hq=mass**2)
        for name in ("NonSinglet", "Gluon")
    )
    quark, gluon = (sum_orders(channel, point, at, (0, 1)) for channel in channels)
    return quark, gluon


def from_charm(kind: Kind, point: Point, mass: float) -> tuple[Array, Array]:
    """Rows of charm, that evolves, and of the gluon that makes it, to O(alpha_s)."""
    name = "Rplus" if kind == "f3" else "Splus"
    channel = partonic_channel("intrinsic", kind, name, point, 3, "cc", m1sq=mass**2)
    at, leading = point.quadrature(), leading_order(channel)
    k_cc, k_cg = matching(float(np.log(point.q2 / mass**2)))
    quark = sum_orders(channel, point, at, (0, 1)) - point.a * leading * at.convolve(k_cc)
    return quark, -point.a * leading * at.convolve(k_cg)


def second_order(kind: Kind, point: Point, w_charge: int) -> Array:
    """O(alpha_s2) without masses, four flavours: the part of one quark flavour, (13, n)."""
    result = np.zeros((13, len(point.grid)))
    even, odd = (_massless(kind, name, point) for name in ("NonSingletEven", "NonSingletOdd"))
    for flavour, coupling in (*_DOWN_TYPE.items(), (_CHARM, _TOTAL)):
        struck = w_charge if flavour != _CHARM else -w_charge
        parity = struck if kind == "f3" else 1
        result[GLUON + struck * flavour] += parity * coupling / 2.0 * (even + odd)
        result[GLUON - struck * flavour] += parity * coupling / 2.0 * (even - odd)
    if kind != "f3":
        result[GLUON] += _TOTAL / 4.0 * _massless(kind, "Gluon", point)
        singlet = [GLUON + s * flavour for flavour in range(1, 5) for s in (-1, 1)]
        result[singlet] += _TOTAL / 4.0 * _massless(kind, "Singlet", point)
    return result


def _massless(kind: Kind, name: str, point: Point) -> Array:
    channel = partonic_channel("light", kind, name, point, 4, "cc")
    return sum_orders(channel, point, point.quadrature(), (2,))
