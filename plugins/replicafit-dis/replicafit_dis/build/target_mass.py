"""Structure functions of a target with mass, from those of a massless one.

With mu = M2/Q2, r = sqrt(1 + 4 x2 mu) and the Nachtmann variable xi = 2x/(1 + r), arXiv:0709.1775
(eqs. 22 to 24, after Georgi and Politzer 1976) gives

    F2 = x2/(xi2 r3) F2(xi) + 6 mu x3/r4 h2 + 12 mu2 x4/r5 g2
    FL = x2/(xi2 r)  FL(xi) + 4 mu x3/r2 h2 +  8 mu2 x4/r3 g2
    xF3 = x2/(xi2 r2) xi F3(xi) + 2 mu x3/r3 h3 + ...

    h2 = int_xi^1 du F2(u)/u2,  g2 = int_xi^1 du (u - xi) F2(u)/u2,  h3 = int_xi^1 du F3(u)/u

Terms of order mu2 are left out, as in the theory of NNPDF (``second_order`` has them).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from replicafit_dis.build.observables import Combination, Couplings, single

Array = npt.NDArray[np.float64]

QUADRATURE_NODES = 24
FEW_NODES = 6
"""Enough for corrections of a few per cent."""


@dataclass(frozen=True)
class TargetMass:
    """Kinematics of the correction, each (d,); ``nodes`` of the quadrature in its integrals."""

    x: Array
    q2: Array
    mu: Array
    r: Array
    xi: Array
    nodes: int = QUADRATURE_NODES

    @classmethod
    def at(cls, x: Array, q2: Array, mass: float, nodes: int = QUADRATURE_NODES) -> TargetMass:
        """For x (d,), q2 (d,) in GeV2 and the target's mass in GeV; mass 0 corrects nothing."""
        mu = mass**2 / q2
        r = np.sqrt(1.0 + 4.0 * x**2 * mu)
        return cls(x=x, q2=q2, mu=mu, r=r, xi=2.0 * x / (1.0 + r), nodes=nodes)

    def f2(self, current: Couplings, second_order: bool = False) -> Combination:
        """F2 of the massive target."""
        leading = single(self.xi, self.q2, current.f2).scaled(self.x**2 / (self.xi**2 * self.r**3))
        total = leading + self._h2(current).scaled(6.0 * self.mu * self.x**3 / self.r**4)
        if second_order:
            total += self._g2(current).scaled(12.0 * self.mu**2 * self.x**4 / self.r**5)
        return total

    def fl(self, current: Couplings, second_order: bool = False) -> Combination:
        """FL = F2 - 2xF1 of the massive target."""
        massless = single(self.xi, self.q2, current.f2 - 2.0 * self.xi[:, None] * current.f1)
        leading = massless.scaled(self.x**2 / (self.xi**2 * self.r))
        total = leading + self._h2(current).scaled(4.0 * self.mu * self.x**3 / self.r**2)
        if second_order:
            total += self._g2(current).scaled(8.0 * self.mu**2 * self.x**4 / self.r**3)
        return total

    def xf3(self, current: Couplings) -> Combination:
        """xF3 of the massive target."""
        leading = single(self.xi, self.q2, self.xi[:, None] * current.f3)
        integral = self._integral(current.f3, lambda u: 1.0 / u)
        return leading.scaled(self.x**2 / (self.xi**2 * self.r**2)) + integral.scaled(
            2.0 * self.mu * self.x**3 / self.r**3
        )

    def _h2(self, current: Couplings) -> Combination:
        return self._integral(current.f2, lambda u: 1.0 / u**2)

    def _g2(self, current: Couplings) -> Combination:
        return self._integral(current.f2, lambda u: (u - self.xi[:, None]) / u**2)

    def _integral(self, weights: Array, kernel: Callable[[Array], Array]) -> Combination:
        """int_xi^1 du kernel(u) weights . F(u, q2), by Gauss-Legendre quadrature in ln u.

        ``weights`` is (d, s); ``kernel`` maps u (d, q) to (d, q).
        """
        nodes, node_weights = np.polynomial.legendre.leggauss(self.nodes)
        half = -np.log(self.xi) / 2.0
        u = np.exp(half[:, None] * (nodes - 1.0))
        measure = half[:, None] * node_weights * u * kernel(u)
        n_data, n_nodes = u.shape
        return Combination(
            datum=np.repeat(np.arange(n_data), n_nodes),
            x=u.ravel(),
            q2=np.repeat(self.q2, n_nodes),
            weights=(measure[:, :, None] * weights[:, None, :]).reshape(n_data * n_nodes, -1),
            n_data=n_data,
        )
