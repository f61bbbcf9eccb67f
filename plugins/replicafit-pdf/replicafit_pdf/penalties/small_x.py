"""Which of the fitted functions integrability looks at; no Keras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicafit.plugin import ModelError, PenaltyContext, join_grids
from replicafit_pdf.evolution_basis import rotation
from replicafit_pdf.penalties.settings import IntegrabilitySettings


def requested_grid(settings: IntegrabilitySettings, context: PenaltyContext) -> np.ndarray:
    """The grid points, ascending, (m,).

    Raises:
        ModelError: the flavours of the fit do not determine one of those asked for.
    """
    _turn(settings, context.flavours)
    return join_grids([np.array(settings.x)])


def chosen(settings: IntegrabilitySettings, context: PenaltyContext) -> np.ndarray:
    """The matrix (p, m g) from the fitted functions to those asked for at small x, g fastest."""
    points, x_grid = requested_grid(settings, context), context.x_grid
    columns = np.abs(x_grid[None, :] - points[:, None]).argmin(axis=1)
    here = np.eye(len(x_grid))[columns]
    turn = _turn(settings, context.flavours)
    matrix: np.ndarray = np.einsum("mn,fg->nfmg", here, turn)
    return matrix.reshape(len(x_grid) * len(turn), -1)


def _turn(settings: IntegrabilitySettings, flavours: Sequence[str]) -> np.ndarray:
    try:
        return rotation(flavours, settings.flavours)
    except ModelError as cause:
        raise ModelError(f"Penalty integrability: {cause}") from None
