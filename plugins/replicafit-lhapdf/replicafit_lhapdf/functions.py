"""The functions that a fit left at q0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from replicafit_pdf.theory import POLARIZATION, scale_of
from scipy.interpolate import CubicSpline

from replicafit.plugin import FitFolder, GridFunctions, OutputError
from replicafit_lhapdf.grid import X_KNOTS

Array = npt.NDArray[np.float64]

SAME = 1e-6
"""Relative distance below which two ends of a grid are the same."""


@dataclass(frozen=True)
class Function:
    """x f(x, q0) of one member, callable between its grid points.

    Attributes:
        x: grid points (n,), rising to 1.
        values: (n, f).
        flavours: length f.
        q0: GeV.
    """

    x: Array
    values: Array
    flavours: tuple[str, ...]
    q0: float

    def __call__(self, x: Array) -> Array:
        """x f (m, f) at x (m,), by a cubic spline in ln x."""
        result: Array = CubicSpline(np.log(self.x), self.values)(np.log(x))
        return result


def read_function(file: Path) -> Function:
    """The ``function.npz`` of one replica.

    Raises:
        OutputError: it is not there or damaged.
    """
    try:
        with file.open("rb") as stream, np.load(stream) as content:
            x, values = content["x"].astype(np.float64), content["values"].astype(np.float64)
            flavours = tuple(map(str, content["flavours"]))
            refuse_grid(x, f"those in '{file}'")
            known = {k: float(content[k]) for k in ("q0", POLARIZATION) if k in content}
            if values.shape != (len(x), len(flavours)):
                raise ValueError(f"its arrays do not go together: {values.shape}, {x.shape}")
            function = Function(x, values, flavours, scale_of(known))
    except FileNotFoundError:
        raise OutputError(
            f"'{file}' is missing. Add function to export in the runcard and fit again."
        ) from None
    except (OSError, ValueError, KeyError, BadZipFile) as cause:
        raise OutputError(f"'{file}' is damaged ({cause}). Fit this replica again.") from None
    return _finite(function, f"'{file}'")


def of_table(values: Array, like: GridFunctions, q0: float) -> Function:
    """``values`` (n, f) on the grid and with the names of ``like``, at ``q0`` in GeV.

    Raises:
        OutputError: no LHAPDF set can hold them.
    """
    refuse_grid(like.x, "those here")
    return _finite(Function(like.x, values, like.flavours, q0), "a member")


def refuse_grid(x: Array, these: str) -> None:
    """Refuses functions on the grid ``x`` that an LHAPDF set cannot hold; ``these`` names them.

    Raises:
        OutputError: of several inputs, or of other x than a set has.
    """
    if x.ndim != 1 or x[0] <= 0 or x[-1] > 1:
        raise OutputError(
            f"An LHAPDF set holds functions of one x in (0, 1], but {these} depend on other inputs "
            "or go beyond. Take function.npz or network.keras of the replicas instead."
        )
    if x[0] > X_KNOTS[0] * (1 + SAME) or x[-1] < 1 - SAME:
        raise OutputError(
            f"An LHAPDF set holds functions from x = {X_KNOTS[0]:g} to 1, but {these} are known "
            f"from {x[0]:g} to {x[-1]:g} only. Leave data.x_range away and fit again."
        )


def _finite(function: Function, one: str) -> Function:
    if not np.isfinite(function.values).all():
        raise OutputError(f"{one} has values that are not finite. Leave this replica out.")
    return function


def read_functions(folder: Path, numbers: Sequence[int]) -> tuple[Function, ...]:
    """The functions of the replicas ``numbers`` of the fit in ``folder``."""
    fit = FitFolder(folder)
    return tuple(read_function(fit.exported(number, "function.npz")) for number in numbers)


def mean(functions: Sequence[Function]) -> Function:
    """The mean of functions on one grid."""
    first = functions[0]
    values = np.mean([function.values for function in functions], axis=0)
    return Function(first.x, values, first.flavours, first.q0)
