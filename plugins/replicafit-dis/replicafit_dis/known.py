"""The function ``dis_fit``: the mean of a fit to all shipped data, for ``data.t0``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from replicafit.plugin import DataError
from replicafit_dis import FIT
from replicafit_dis.catalogue import FIT_FILE
from replicafit_dis.grid import interpolation_matrix

SAME = 1e-6
"""Relative distance below which an end of the grid and what is asked for are the same."""


@dataclass(frozen=True)
class MeanOfFit:
    """x f, between grid points interpolated as in the tables.

    Attributes:
        x: ascending, (n,).
        flavours: names, length f.
        values: (n, f).
    """

    x: np.ndarray
    flavours: tuple[str, ...]
    values: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """x f, (m, f), at x (m,).

        Raises:
            DataError: outside the grid by more than rounding.
        """
        within = np.clip(x, self.x[0], self.x[-1])
        if x.ndim != 1 or not np.allclose(x, within, rtol=SAME, atol=0):
            raise DataError(
                f"The functions '{FIT}' are known for one x from {self.x[0]:.3g} to "
                f"{self.x[-1]:g}; the data have others. Name another function."
            )
        values: np.ndarray = interpolation_matrix(self.x, within) @ self.values
        return values


def read(text: str, folder: Path, attributes: Mapping[str, float]) -> MeanOfFit:
    """What is shipped; the words of the runcard are not used."""
    with np.load(FIT_FILE, allow_pickle=False) as file:
        q0 = float(file["q0"])
        if not np.isclose(attributes.get("q0", q0), q0, rtol=1e-6):
            raise DataError(
                f"'{text}' holds functions at q0 = {q0} GeV, but the tables of the data act at "
                f"{attributes['q0']}. Use it with the data of replicafit-dis, or name another."
            )
        return MeanOfFit(file["x"], tuple(file["flavours"].tolist()), file["values"])
