"""Parton distribution functions in the form of the CTEQ-TEA collaboration, for closure tests.

x f = A x^a (1 - x)^b P(sqrt(x)) with a polynomial P of degree 4 in Bernstein's basis, as in
arXiv:1506.07443. The coefficients are our own, of the size that data want; sum rules hold exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.polynomial import Polynomial
from scipy.special import beta, comb

from replicafit_pdf.evolution_basis import EVOLUTION, from_content
from replicafit_pdf.toy import fractions

DEGREE = 4


@dataclass(frozen=True)
class Shape:
    """x^power (1 - x)^fall P(sqrt(x)).

    Attributes:
        power: at small x.
        fall: at large x.
        coefficients: of the Bernstein polynomials, length 5; the first is P(0), the last P(1).
    """

    power: float
    fall: float
    coefficients: tuple[float, ...] = (1.0,) * (DEGREE + 1)

    @property
    def polynomial(self) -> Polynomial:
        """P in powers of sqrt(x)."""
        y = Polynomial([0, 1])
        terms = [
            c * comb(DEGREE, k) * y**k * (1 - y) ** (DEGREE - k)
            for k, c in enumerate(self.coefficients)
        ]
        return sum(terms, Polynomial([0.0]))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values (n,) at x (n,)."""
        values: np.ndarray = x**self.power * (1 - x) ** self.fall * self.polynomial(np.sqrt(x))
        return values

    def integral(self, extra: float) -> float:
        """Of x^extra times the shape, from 0 to 1."""
        powers = self.power + extra + np.arange(DEGREE + 1) / 2
        return float(self.polynomial.coef @ beta(powers + 1, self.fall + 1))


UP = Shape(0.72, 3.2, (1.0, 1.3, 1.2, 1.5, 1.0))
DOWN = Shape(0.72, 4.4, (1.0, 1.2, 1.6, 1.3, 1.0))
SEA = Shape(-0.14, 8.0, (1.0, 0.8, 1.4, 1.1, 1.0))
"""Of up and down antiquarks at small x; down antiquarks have more of it about x = 0.1."""
MORE_DOWN = Shape(0.9, 9.0, (1.0, 1.2, 1.0, 1.0, 1.0))
STRANGE = Shape(-0.14, 8.5, (1.0, 0.9, 1.1, 1.0, 1.0))
GLUON = Shape(-0.02, 5.0, (1.0, 1.4, 0.9, 1.2, 1.0))
SEA_SIZE, MORE_DOWN_SIZE, STRANGE_SIZE, CHARM_SIZE = 0.17, 0.25, 0.1, 0.012


@dataclass(frozen=True)
class BernsteinPdf:
    """x f at the scale of any fit, with a little charm and no bottom or top."""

    @property
    def flavours(self) -> tuple[str, ...]:
        """All of the evolution basis."""
        return EVOLUTION

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """x f, (n, f), at x (n,).

        Raises:
            DataError: an x that is no fraction of a momentum.
        """
        x = fractions(x)
        up = 2 / UP.integral(-1) * UP(x)
        down = 1 / DOWN.integral(-1) * DOWN(x)
        anti_up = SEA_SIZE * SEA(x)
        anti_down = anti_up + MORE_DOWN_SIZE * MORE_DOWN(x)
        strange, charm = STRANGE_SIZE * STRANGE(x), CHARM_SIZE * STRANGE(x)
        quarks = 2 * UP.integral(0) / UP.integral(-1) + DOWN.integral(0) / DOWN.integral(-1)
        quarks += 4 * SEA_SIZE * SEA.integral(0) + 2 * MORE_DOWN_SIZE * MORE_DOWN.integral(0)
        quarks += 2 * (STRANGE_SIZE + CHARM_SIZE) * STRANGE.integral(0)
        gluon = (1 - quarks) / GLUON.integral(0) * GLUON(x)
        content = {
            21: gluon,
            2: up + anti_up,
            -2: anti_up,
            1: down + anti_down,
            -1: anti_down,
            3: strange,
            -3: strange,
            4: charm,
            -4: charm,
        }
        return from_content(content)


def read(text: str, folder: Path, attributes: Mapping[str, float]) -> BernsteinPdf:
    """The functions, whatever the scale of the fit."""
    return BernsteinPdf()
