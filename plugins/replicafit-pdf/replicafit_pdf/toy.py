"""The Les Houches toy PDF, hep-ph/0204316."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from replicafit.plugin import DataError
from replicafit_pdf.evolution_basis import EVOLUTION, from_content

SAME = 1e-6
"""Distance below which x is 1."""


@dataclass(frozen=True)
class ToyLesHouches:
    """x f of the benchmark PDF at its Q0 = sqrt(2) GeV, taken as the functions of any fit."""

    @property
    def flavours(self) -> tuple[str, ...]:
        """All of the evolution basis; there is no charm, bottom or top."""
        return EVOLUTION

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """x f, (n, f), at x (n,).

        Raises:
            DataError: an x that is no fraction of a momentum.
        """
        x = fractions(x)
        up_valence = 5.107200 * x**0.8 * (1 - x) ** 3
        down_valence = 3.064320 * x**0.8 * (1 - x) ** 4
        gluon = 1.700000 * x**-0.1 * (1 - x) ** 5
        anti_down = 0.1939875 * x**-0.1 * (1 - x) ** 6
        anti_up = anti_down * (1 - x)
        strange = 0.2 * (anti_up + anti_down)
        content = {
            21: gluon,
            2: up_valence + anti_up,
            -2: anti_up,
            1: down_valence + anti_down,
            -1: anti_down,
            3: strange,
            -3: strange,
        }
        return from_content(content)


def fractions(x: np.ndarray) -> np.ndarray:
    """``x`` (n,), where rounding has put one above 1 moved back.

    Raises:
        DataError: one is not in (0, 1], or there are several inputs.
    """
    if x.ndim != 1 or not ((x > 0) & (x < 1 + SAME)).all():
        raise DataError(
            "Known parton distributions are functions of one x in (0, 1]; the data have others. "
            "Use another known function, such as a function.npz."
        )
    return np.asarray(np.minimum(x, 1))


def read(text: str, folder: Path, attributes: Mapping[str, float]) -> ToyLesHouches:
    """The toy PDF, whatever the scale of the fit."""
    return ToyLesHouches()
