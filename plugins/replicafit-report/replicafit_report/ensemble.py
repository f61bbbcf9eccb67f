"""Replicas of functions at one scale: what figures of functions are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline

from replicafit_report.flavours import are_partons
from replicafit_report.ranges import LINEAR, LOGARITHMIC, Range, around


@dataclass(frozen=True)
class Ensemble:
    """Replicas of one fit, or of one LHAPDF set, at one scale.

    Attributes:
        name: of the fit or the set.
        flavours: names of the functions, length f.
        q: their scale in GeV.
        x: ascending, (n,).
        values: x f(x, Q), (r, n, f); f(x) itself for functions that are no parton distributions.
        at_q0: whether that is the scale they were fitted at.
        reach: the lowest and the highest x of the data, if known.
    """

    name: str
    flavours: tuple[str, ...]
    q: float
    x: np.ndarray
    values: np.ndarray
    at_q0: bool = True
    reach: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def of_partons(self) -> bool:
        """Whether the functions are parton distributions, by their names."""
        return are_partons(self.flavours)

    @property
    def scale(self) -> str:
        """The argument of the functions that is their scale."""
        return "Q₀" if self.at_q0 else "Q"

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The parts of x to draw, the one that shows most first."""
        return (LOGARITHMIC, LINEAR) if self.of_partons else around(self.x, self.reach)

    def on(self, x: np.ndarray) -> Ensemble:
        """The same at x (m,); below their own grid functions are taken to be constant."""
        if np.array_equal(self.x, x):
            return self
        way = np.log if min(self.x[0], x[0]) > 0 else np.asarray
        points = way(np.clip(x, self.x[0], self.x[-1]))
        return replace(self, x=x, values=CubicSpline(way(self.x), self.values, axis=1)(points))
