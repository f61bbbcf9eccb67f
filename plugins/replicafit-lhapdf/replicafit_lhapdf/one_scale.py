"""Reads one member of an LHAPDF set (format lhagrid1, arXiv:1412.7420) at one scale."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from replicafit_pdf.quarks import GLUON, evolution_from_quarks

from replicafit.errors import DataError

SAME_SCALE = 1e-6
"""Relative distance below which two scales are the same."""


@dataclass(frozen=True)
class Subgrid:
    """The part of a grid between two flavour thresholds.

    Attributes:
        x: knots, ascending, (n,).
        q: knots in GeV, ascending, (s,).
        numbers: PDG numbers, length f.
        values: x f, (n, s, f).
    """

    x: np.ndarray
    q: np.ndarray
    numbers: tuple[int, ...]
    values: np.ndarray

    def at(self, q0: float) -> np.ndarray:
        """x f at scale ``q0`` in GeV, (n, f): on a knot its values, else cubic in log q^2."""
        near = int(np.abs(self.q - q0).argmin())
        if np.isclose(self.q[near], q0, rtol=SAME_SCALE, atol=0):
            return self.values[:, near]
        from scipy.interpolate import CubicSpline  # half a second, which few runcards need

        spline = CubicSpline(np.log(self.q**2), self.values, axis=1)
        interpolated: np.ndarray = spline(np.log(q0**2))
        return interpolated

    def holds(self, q0: float) -> bool:
        """Whether ``q0`` lies within."""
        return bool(self.q[0] * (1 - SAME_SCALE) <= q0 <= self.q[-1] * (1 + SAME_SCALE))


def read_member(path: Path, q0: float) -> tuple[np.ndarray, np.ndarray]:
    """x (n,) and x f (n, f) at ``q0`` in GeV, in the evolution basis, of the member at ``path``.

    Raises:
        DataError: it is missing or damaged, or ``q0`` is outside.
    """
    subgrids = _subgrids(path)
    inside = [subgrid for subgrid in subgrids if subgrid.holds(q0)]
    if not inside:
        raise DataError(
            f"q0 = {q0} GeV is outside the scales of '{path}', {subgrids[0].q[0]:.6g} to "
            f"{subgrids[-1].q[-1]:.6g} GeV. Use tables or a set at another scale."
        )
    chosen = inside[-1]  # at a threshold the one above it, as LHAPDF does
    numbers = [GLUON if n == 0 else n for n in chosen.numbers]
    content = dict(zip(numbers, chosen.at(q0).T, strict=True))
    return chosen.x, evolution_from_quarks(content)


def _subgrids(path: Path) -> list[Subgrid]:
    try:
        _, *blocks = path.read_text(encoding="utf-8").split("---\n")
        found = [_subgrid(block) for block in blocks if block.strip()]
    except FileNotFoundError:
        raise DataError(f"There is no LHAPDF member at '{path}'. Check the path.") from None
    except (OSError, ValueError) as cause:
        raise DataError(f"'{path}' is no LHAPDF member or damaged ({cause}).") from None
    if not found:
        raise DataError(f"'{path}' is no LHAPDF member: it has no '---' lines between grids.")
    return found


def _subgrid(block: str) -> Subgrid:
    x, q, numbers, *rows = block.strip("\n").split("\n", 3)
    knots, scales = np.array(x.split(), dtype=float), np.array(q.split(), dtype=float)
    flavours = tuple(int(number) for number in numbers.split())
    values = np.array(" ".join(rows).split(), dtype=float)
    return Subgrid(knots, scales, flavours, values.reshape(len(knots), len(scales), -1))
