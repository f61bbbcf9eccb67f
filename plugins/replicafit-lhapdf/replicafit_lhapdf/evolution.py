"""DGLAP evolution by hoppet (arXiv:0804.3755, arXiv:2510.09310).

hoppet keeps its state in one global place, so there is one ``Evolution`` in a process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import hoppet
import numpy as np
import numpy.typing as npt
from replicafit_pdf.evolution_basis import PARTONS
from replicafit_pdf.theory import TheorySettings

from replicafit.plugin import OutputError
from replicafit_lhapdf.grid import Q_MAX, Subgrid

Array = npt.NDArray[np.float64]

_LOOPS = {"lo": 1, "nlo": 2, "nnlo": 3}
_NEVER = 1e8  # GeV: a threshold that is never reached
_STEP = 0.1  # hoppet's step in ln(1/x)
_Y_MAX = 21.0  # ln(1/x) of 7.6e-10
_BELOW = 1 - 1e-6
_NEAREST_TO_ONE = 1 - 1e-14


class Evolution:
    """hoppet, set up for one theory and one starting scale.

    Attributes:
        x: where functions at q0 are asked for, (m,), in the order hoppet asks.

    Raises:
        OutputError: the coupling is not small at q0.
    """

    def __init__(self, theory: TheorySettings, q0: float) -> None:
        loops = _LOOPS[theory.order]
        bottom, top = (
            mass if theory.max_flavours >= number else _NEVER
            for number, mass in ((5, theory.m_bottom), (6, theory.m_top))
        )
        charm = min(theory.m_charm, q0 * _BELOW)  # four flavours at q0, where charm may begin
        with _without_greeting():
            hoppet.SetPoleMassVFN(charm, bottom, top)
            hoppet.StartExtended(
                _Y_MAX, _STEP, q0, 1.1 * Q_MAX, _STEP / 4, loops, -6, hoppet.factscheme_MSbar
            )
        hoppet.PreEvolve(theory.alpha_s, theory.m_z, loops, 1.0, q0)
        [coupling] = self.alpha_s(np.array([q0]))
        if not 0 < coupling <= 1:  # beyond a pole, hoppet goes on with negative ones
            raise OutputError(
                f"With theory.alpha_s = {theory.alpha_s:g} at m_z = {theory.m_z:g} GeV the "
                f"coupling is not small at q0 = {q0:g} GeV, and nothing can be evolved from there. "
                "Give another theory, as in --set theory.alpha_s=0.118."
            )
        self.x = self._probe()

    def alpha_s(self, q: Array) -> Array:
        """The strong coupling (m,) at ``q`` (m,) in GeV."""
        return np.array([hoppet.AlphaS(value) for value in q.tolist()])

    def start_from(self, partons: Array) -> None:
        """Evolves x f(x, q0) ``partons`` (m, k), given at ``self.x``."""
        rows = iter(partons)
        hoppet.CachedEvolve(lambda x, q: next(rows))

    def tabulate(self, x: Array, subgrid: Subgrid) -> Array:
        """x f(x, Q) of the last start, (n, q, k), at ``x`` (n,) and the knots of ``subgrid``."""
        return self.at(x, subgrid.inside)

    def at(self, x: Array, scales: Array) -> Array:
        """x f(x, Q) of the last start, (n, q, k), at ``x`` (n,) and ``scales`` (q,) in GeV."""
        within = np.minimum(x, _NEAREST_TO_ONE).tolist()
        table = np.array([[hoppet.Eval(a, q) for q in scales.tolist()] for a in within])
        table[x >= 1] = 0
        return table

    def _probe(self) -> Array:
        asked: list[float] = []

        def note(x: float, q: float) -> Array:
            asked.append(x)
            return np.zeros(len(PARTONS))

        hoppet.CachedEvolve(note)
        return np.array(asked)


@contextmanager
def _without_greeting() -> Iterator[None]:
    """Keeps back what hoppet writes straight to file descriptor 2 when it starts."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@lru_cache(maxsize=1)
def evolution(theory: TheorySettings, q0: float) -> Evolution:
    """The evolution of this process, set up anew where the theory changes."""
    return Evolution(theory, q0)
