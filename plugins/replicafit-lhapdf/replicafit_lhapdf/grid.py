"""Where an LHAPDF set is tabulated: knots in x and, between thresholds, in Q."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from replicafit_pdf.theory import TheorySettings

from replicafit.plugin import OutputError

Array = npt.NDArray[np.float64]

Q_MAX = 1e5
"""GeV."""

_Q_SPACING = 0.04
_LAMBDA = 0.25  # GeV


def as_written(values: Array) -> Array:
    """``values`` with the digits that the files have, so that functions belong to their knots."""
    return np.array([float(f"{value:.7e}") for value in values])


X_KNOTS = as_written(
    np.concatenate(
        [
            [1e-9, 1.02e-9, 1.05e-9, 1.1e-9],  # at the end the slope is that of one side
            np.geomspace(1e-9, 1e-5, 50, endpoint=False)[1:],
            np.geomspace(1e-5, 1e-3, 50, endpoint=False),
            np.geomspace(1e-3, 0.1, 100, endpoint=False),
            np.linspace(0.1, 1, 181),
        ]
    )
)
"""(n,), from 1e-9 to 1: those of ``function.npz``, where the set is then exact at q0, and more
where functions bend, with steps in ln x that change little from one to the next."""


@dataclass(frozen=True)
class Subgrid:
    """Knots ``q`` (m,) in GeV between two thresholds, both ends included."""

    n_flavours: int
    q: Array

    @property
    def inside(self) -> Array:
        """The knots, the ends moved a little: a threshold belongs to the subgrid on each side."""
        moved = self.q.copy()
        moved[0] *= 1 + 1e-9
        moved[-1] *= 1 - 1e-9
        return moved


def subgrids(theory: TheorySettings, q0: float) -> tuple[Subgrid, ...]:
    """The subgrids from ``q0`` to ``Q_MAX``, both in GeV.

    Raises:
        OutputError: q0 is not between the thresholds of charm and bottom.
    """
    if not theory.m_charm <= q0 < theory.m_bottom:
        raise OutputError(
            f"The functions are given at q0 = {q0} GeV. An LHAPDF set can be evolved from a scale "
            f"between theory.m_charm ({theory.m_charm} GeV) and theory.m_bottom "
            f"({theory.m_bottom} GeV), where four quarks are active. Give the masses of the theory "
            "of your tables under theory in the runcard; of a fit that is there already to export, "
            "as in --set theory.m_charm=1.51."
        )
    return tuple(
        Subgrid(n_flavours, _q_knots(low, high))
        for n_flavours, (low, high) in enumerate(_borders(theory, q0), start=4)
    )


def _borders(theory: TheorySettings, q0: float) -> Iterator[tuple[float, float]]:
    thresholds = (theory.m_bottom, theory.m_top)[: theory.max_flavours - 4]
    return pairwise([q0, *(q for q in thresholds if q < Q_MAX), Q_MAX])


def _q_knots(low: float, high: float) -> Array:
    """Even steps in ln ln(Q2 / Lambda2), in which functions of Q change evenly."""
    first, last = (float(np.log(np.log(q**2 / _LAMBDA**2))) for q in (low, high))
    steps = max(4, int(np.ceil((last - first) / _Q_SPACING)))
    knots = _LAMBDA * np.exp(np.exp(np.linspace(first, last, steps + 1)) / 2)
    knots[[0, -1]] = low, high
    return as_written(knots)
