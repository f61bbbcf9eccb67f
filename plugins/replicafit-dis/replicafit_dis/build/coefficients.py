"""Coefficient functions with heavy quarks, from yadism (arXiv:2401.15187).

Each function gives one row (n,): the coefficients of the grid points in F2, FL or xF3 at one x and
Q2, for a quark that couples with strength 1, with powers of alpha_s included.

    massive      heavy-quark production to O(alpha_s2) (hep-ph/9201237; the package LeProHQ)
    asymptotic   its limit Q2 >> m2, with the logarithms of Q2/m2 (hep-ph/9601302)
    intrinsic    scattering off massive charm to O(alpha_s) (hep-ph/9805233, arXiv:1510.00009)
    massless     one quark flavour to O(alpha_s2) (hep-ph/0504242, hep-ph/0006154)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from replicafit_dis.build.convolution import Kernel, Quadrature

Array = npt.NDArray[np.float64]
Kind = Literal["f2", "fl", "f3"]
Process = Literal["nc", "cc"]

C_F = 4.0 / 3.0
T_R = 0.5
LOGARITHMS = ("AsyLL", "AsyNLL", "AsyNNLL")


@dataclass(frozen=True)
class Point:
    """Where and with which coupling: ``a`` is alpha_s(Q2) / (4 pi), Q2 in GeV2."""

    grid: Array
    x: float
    q2: float
    a: float

    def quadrature(self, x: float | None = None, z_max: float = 1.0) -> Quadrature:
        """Of the integral at ``x``, this point's unless given."""
        return Quadrature.on(self.grid, self.x if x is None else x, z_max)


def massive(kind: Kind, channel: str, point: Point, mass: float, n_light: int) -> Array:
    """``channel`` is ``GluonVV``, ``SingletVV`` or ``NonSinglet`` (heavy in a loop)."""
    z_max = 1.0 / (1.0 + 4.0 * mass**2 / point.q2)
    if point.x >= z_max:
        return np.zeros_like(point.grid)
    functions = partonic_channel("heavy", kind, channel, point, n_light, m2hq=mass**2)
    at = point.quadrature(z_max=z_max)
    if kind == "fl":
        # yadism has the local term of Adler's sum rule in FL, too, where there is none: with it
        # the massless limit would not be the known one.
        at = replace(at, at_x=np.zeros_like(at.at_x))
    return sum_orders(functions, point, at)


def asymptotic(kind: Kind, channel: str, point: Point, mass: float, n_light: int) -> Array:
    """``channel`` is ``Gluon``, ``Singlet`` or ``NonSinglet``."""
    at = point.quadrature()
    result = np.zeros_like(point.grid)
    for logarithms in LOGARITHMS:
        name = logarithms + channel
        functions = partonic_channel("asy", kind, name, point, n_light, m2hq=mass**2)
        result += sum_orders(functions, point, at)
    return result


def massless(kind: Kind, channel: str, point: Point, n_flavours: int, loops: int = 2) -> Array:
    """``channel`` is ``NonSinglet``, ``Gluon`` or ``Singlet``."""
    functions = partonic_channel("light", kind, channel, point, n_flavours)
    row = sum_orders(functions, point, point.quadrature(), range(loops + 1))
    return row if channel == "NonSinglet" else row / n_flavours


def intrinsic(kind: Kind, point: Point, mass: float) -> tuple[Array, Array]:
    """Rows of charm plus anticharm and of the gluon.

    The coefficient functions hold for charm that does not evolve (three flavours); written with
    charm that does, c3 = c4 - K_cc c4 - K_cg g (arXiv:1510.00009, eq. 10), they get terms with K.
    """
    plus, minus = (
        partonic_channel("intrinsic", kind, name, point, 3, m1sq=mass**2, m2sq=mass**2)
        for name in ("Splus", "Sminus")
    )
    if plus.convolution_point() >= 1.0:
        return np.zeros_like(point.grid), np.zeros_like(point.grid)
    at = point.quadrature(plus.convolution_point())
    charm = sum(sum_orders(part, point, at, (0, 1)) for part in (plus, minus))
    leading = sum(leading_order(part) for part in (plus, minus))
    k_cc, k_cg = matching(float(np.log(point.q2 / mass**2)))
    charm = charm - point.a * leading * at.convolve(k_cc)
    return charm, -2.0 * point.a * leading * at.convolve(k_cg)


def gluon_logarithm(kind: Kind, point: Point, mass: float) -> Array:
    """The gluon row of 2 K_cg at leading order: the logarithm in ``asymptotic`` (F2 alone)."""
    if kind == "fl":
        return np.zeros_like(point.grid)
    _, k_cg = matching(float(np.log(point.q2 / mass**2)))
    return 2.0 * point.a * point.quadrature().convolve(k_cg)


def matching(log: float) -> tuple[Kernel, Kernel]:
    """K_cc and K_cg at O(alpha_s / (4 pi)), with log = ln(Q2/m2)."""

    def k_cc(z: float) -> float:
        logarithms = log - 2.0 * np.log(1.0 - z) - 1.0
        return float(2.0 * C_F * (1.0 + z**2) / (1.0 - z) * logarithms)

    def below(x: float) -> float:
        """Minus the integral of k_cc from 0 to x, which the plus prescription leaves."""
        u = np.log(1.0 - x)
        integral = -(x / 2.0) * (4.0 + log * (2.0 + x)) + u * (
            -1.0 - 2.0 * log + x * (2.0 + x) + 2.0 * u
        )
        return float(-2.0 * C_F * integral)

    def k_cg(z: float) -> float:
        return 2.0 * T_R * (z**2 + (1.0 - z) ** 2) * log

    return Kernel(singular=k_cc, local=below), Kernel(regular=k_cg)


def partonic_channel(
    package: str,
    kind: Kind,
    name: str,
    point: Point,
    n_flavours: int,
    process: Process = "nc",
    **masses: float,
) -> Any:
    """A partonic channel of yadism, which needs no more than x and Q2 of its environment."""
    module = import_module(f"yadism.coefficient_functions.{package}.{kind}_{process}")
    environment = SimpleNamespace(x=point.x, Q2=point.q2)
    return getattr(module, name)(environment, n_flavours, **masses)


def sum_orders(
    functions: Any, point: Point, at: Quadrature, orders: Sequence[int] = (0, 1, 2)
) -> Array:
    """Sum over ``orders`` of a^order times the convolution, (n,)."""
    result = np.zeros_like(point.grid)
    for order in orders:
        parts = functions[order]()
        if parts is not None:
            result += point.a**order * at.convolve(_kernel(parts))
    return result


def _kernel(parts: Any) -> Kernel:
    """yadism's functions take their parameters as a second argument."""

    def bind(name: str) -> Any:
        function, parameters = getattr(parts, name), parts.args[name]
        if function is None:
            return None
        return lambda z: function(z, parameters)

    return Kernel(bind("reg"), bind("sing"), bind("loc"))


def leading_order(functions: Any) -> float:
    """The coefficient of the delta function at leading order."""
    leading = functions.LO()
    return 0.0 if leading is None else float(leading.args["loc"][0])
